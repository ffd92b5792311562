/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ahci.c - ich9-ahci, its disks and CD-ROM drives, from registers and memory. */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "tests/hw/ahci_fixture.h"

static unsigned flushes;
static off_t bad_at = -1; /* the host cannot read here */

/* In the place of the C library's: a medium with a bad spot. */
ssize_t preadv(int fd, const struct iovec *iov, int n, off_t offset)
{
    off_t size = 0;

    for (int i = 0; i < n; i++) {
        size += (off_t)iov[i].iov_len;
    }
    if (bad_at >= 0 && offset <= bad_at && bad_at < offset + size) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_preadv, fd, iov, n, offset, 0);
}

/* In the place of the C library's: was stable storage asked for? */
int fdatasync(int fd)
{
    (void)fd;
    flushes++;
    return 0;
}

static void open_good(void)
{
    bad_at = -1;
    flushes = 0;
    fixture_open();
}

/* ---- What it is ---- */

START_TEST(function_shows_its_ids_and_capabilities)
{
    ck_assert_uint_eq(pci_config_read(fx.bus, AHCI_DEVFN, 0, 4), 0x29228086);
    ck_assert_uint_eq(pci_config_read(fx.bus, AHCI_DEVFN, 8, 4), 0x01060102);
    ck_assert_uint_eq(pci_config_read(fx.bus, AHCI_DEVFN, 0x90, 1), 0x40);
    ck_assert_uint_eq(hba(CAP), 0xc0141f05);
    ck_assert_uint_eq(hba(PI), 0x3f);
    ck_assert_uint_eq(hba(GHC), 0x80000000);
    ck_assert_uint_eq(port(DISK, P_SSTS), 0x113);
    ck_assert_uint_eq(port(1, P_SSTS), 0);
    ck_assert_uint_eq(port(1, P_TFD), 0x7f);
    ck_assert_uint_eq(port(1, P_SIG), UINT32_MAX);
    ck_assert_uint_eq(hba(0x100 + 0x80 * 6 + P_CMD), 0); /* there is no such port */
}
END_TEST

START_TEST(index_and_data_reach_the_registers)
{
    io_bus_write(fx.bench.io, 0xc010, 4, 0x100 + P_SSTS);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xc014, 4), 0x113);
    io_bus_write(fx.bench.io, 0xc010, 4, GHC);
    io_bus_write(fx.bench.io, 0xc014, 4, 2);
    ck_assert_uint_eq(hba(GHC), 0x80000002);
}
END_TEST

START_TEST(signature_comes_with_fis_reception)
{
    ck_assert_uint_eq(port(DISK, P_TFD), 0x80);
    ck_assert_uint_eq(port(DISK, P_SIG), UINT32_MAX);
    port_start(DISK);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x150);
    ck_assert_uint_eq(port(DISK, P_SIG), 0x101);
    ck_assert_uint_eq(fis_byte(DISK, FIS_D2H, 0), 0x34);
    ck_assert_uint_eq(fis_byte(DISK, FIS_D2H, 2), 0x50);
    ck_assert_uint_eq(port(DISK, P_CMD) & (FR | CR), FR | CR);
    port_start(CD);
    ck_assert_uint_eq(port(CD, P_SIG), 0xeb140101);
    ck_assert_uint_eq(port(CD, P_TFD), 0x100);
}
END_TEST

/* ---- One command after another ---- */

START_TEST(identify_comes_by_pio)
{
    const Piece piece = { BUFFER_AT, SECTOR, true };
    uint16_t id[256];

    port_start(DISK);
    ata_set(3, 0, 0xec, 0, 0, &piece, 1);
    issue(DISK, 3);
    mem_read(BUFFER_AT, id, sizeof(id));
    ck_assert_uint_eq(id[60], DISK_SECTORS);
    ck_assert_uint_eq(id[75], 31);
    ck_assert_uint_eq(id[76] & 0x100, 0x100);
    ck_assert_uint_eq(id[93], 0);
    ck_assert_uint_eq(id[108], 0x5000);
    ck_assert_uint_eq(id[111], 0x71aa);
    ck_assert_uint_eq(moved(DISK, 3), SECTOR);
    ck_assert_uint_eq(port(DISK, P_IS), PSS | DPS);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x50);
    ck_assert_uint_eq(port(DISK, P_CMD) >> 8 & 31, 3);
    ck_assert_uint_eq(fis_byte(DISK, FIS_PIO, 0), 0x5f);
    ck_assert_uint_eq(fis_byte(DISK, FIS_PIO, 1), 0x60);
    ck_assert_uint_eq(fis_byte(DISK, FIS_PIO, 2), 0x58);
    ck_assert_uint_eq(fis_byte(DISK, FIS_PIO, 15), 0x50);
    ck_assert_uint_eq(fis_byte(DISK, FIS_PIO, 17), 2);
}
END_TEST

START_TEST(dma_read_goes_to_pieces_of_any_size)
{
    const Piece pieces[] = { { BUFFER_AT + 0x11002, 2, false },
                             { BUFFER_AT + 0x20000, 1022, false },
                             { BUFFER_AT + 0x30ffe, 300000, false },
                             { BUFFER_AT + 0x90000, 1 << 20, false } };

    port_start(DISK);
    ata_set(0, 0, 0x25, 777, 2000, pieces, 4);
    issue(DISK, 0);
    memory_is_disk(BUFFER_AT + 0x11002, 777 * SECTOR, 2);
    memory_is_disk(BUFFER_AT + 0x20000, 777 * SECTOR + 2, 1022);
    memory_is_disk(BUFFER_AT + 0x30ffe, 777 * SECTOR + 1024, 300000);
    memory_is_disk(BUFFER_AT + 0x90000, 777 * SECTOR + 301024, 2000 * SECTOR - 301024);
    ck_assert_uint_eq(moved(DISK, 0), 2000 * SECTOR);
    ck_assert_uint_eq(port(DISK, P_IS), DHRS);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x50);
    ck_assert_uint_eq(fis_byte(DISK, FIS_D2H, 1), 0x40);
}
END_TEST

static void buffer_fill(uint64_t gpa, uint8_t value, size_t size)
{
    g_autofree uint8_t *data = g_malloc(size);

    memset(data, value, size);
    mem_write(gpa, data, size);
}

static void file_is(uint64_t offset, uint8_t value, size_t size)
{
    g_autofree uint8_t *data = g_malloc(size);

    file_read_at(offset, data, size);
    for (size_t i = 0; i < size; i++) {
        ck_assert_uint_eq(data[i], value);
    }
}

START_TEST(writes_by_dma_and_pio_are_on_the_disk)
{
    const Piece piece = { BUFFER_AT, 600 * SECTOR, false };

    port_start(DISK);
    buffer_fill(BUFFER_AT, 0x5a, 600 * SECTOR);
    ata_set(1, WRITES, 0x35, 100, 600, &piece, 1);
    issue(DISK, 1);
    ck_assert_uint_eq(moved(DISK, 1), 600 * SECTOR);
    file_is(100 * SECTOR, 0x5a, 600 * SECTOR);
    buffer_fill(BUFFER_AT, 0xa5, 40 * SECTOR);
    ata_set(2, WRITES, 0x39, 5000, 40, &piece, 1); /* WRITE MULTIPLE EXT */
    issue(DISK, 2);
    file_is(5000 * SECTOR, 0xa5, 40 * SECTOR);
    ck_assert_uint_eq(port(DISK, P_IS), DHRS | PSS);
    ata_set(2, 0, 0xea, 0, 0, NULL, 0);
    issue(DISK, 2);
    ck_assert_uint_eq(flushes, 1);
}
END_TEST

START_TEST(pio_read_of_many_blocks)
{
    const Piece piece = { BUFFER_AT, 300 * SECTOR, false };

    port_start(DISK);
    ata_set(1, 0, 0x24, 50, 300, &piece, 1);
    issue(DISK, 1);
    memory_is_disk(BUFFER_AT, 50 * SECTOR, 300 * SECTOR);
    ck_assert_uint_eq(moved(DISK, 1), 300 * SECTOR);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x50);
}
END_TEST

START_TEST(trim_reaches_the_image)
{
    const uint64_t range = 64 | 128ull << 48; /* 128 sectors from 64 on */
    const Piece piece = { BUFFER_AT, SECTOR, false };
    const uint8_t fis[20] = { 0x27, 0x80, 0x06, 1, 0, 0, 0, 0x40, [12] = 1 };

    port_start(DISK);
    buffer_fill(BUFFER_AT, 0, SECTOR);
    mem_write(BUFFER_AT, &range, sizeof(range));
    command_set(DISK, 0, WRITES, fis, &piece, 1);
    issue(DISK, 0);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x50);
    file_is(64 * SECTOR, 0, 128 * SECTOR);
}
END_TEST

START_TEST(error_halts_the_list_and_keeps_the_slot)
{
    const Piece piece = { BUFFER_AT, SECTOR, false };

    port_start(DISK);
    ata_set(4, 0, 0x25, DISK_SECTORS, 1, &piece, 1);
    issue(DISK, 4);
    ck_assert_uint_eq(port(DISK, P_IS) & (TFES | DHRS), TFES | DHRS);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x1051);
    ck_assert_uint_eq(port(DISK, P_CI), 1 << 4);
    ata_set(5, 0, 0x25, 0, 1, &piece, 1);
    port_set(DISK, P_CI, 1 << 5);
    ck_assert_uint_eq(port(DISK, P_CI), 3 << 4); /* nothing is taken any more */
    list_restart(DISK);
    ck_assert_uint_eq(port(DISK, P_CI), 0);
    issue(DISK, 5);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x50);
}
END_TEST

START_TEST(bad_spot_is_an_uncorrectable_error)
{
    const Piece piece = { BUFFER_AT, 8 * SECTOR, false };

    port_start(DISK);
    bad_at = 1004 * SECTOR;
    ata_set(0, 0, 0x25, 1000, 8, &piece, 1);
    issue(DISK, 0);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x4051);
    bad_at = -1;
}
END_TEST

START_TEST(list_that_is_too_short_overflows)
{
    const Piece piece = { BUFFER_AT, 2 * SECTOR, false };

    port_start(DISK);
    ata_set(0, 0, 0x25, 10, 4, &piece, 1);
    issue(DISK, 0);
    ck_assert_uint_eq(port(DISK, P_IS), OFS | DHRS); /* a read goes on as if there were room */
    ck_assert_uint_eq(moved(DISK, 0), 2 * SECTOR);
    memory_is_disk(BUFFER_AT, 10 * SECTOR, 2 * SECTOR);
    port_set(DISK, P_IS, UINT32_MAX);
    buffer_fill(BUFFER_AT, 7, SECTOR);
    ata_set(1, WRITES, 0x35, 20, 4, NULL, 0);
    issue(DISK, 1);
    ck_assert_uint_eq(port(DISK, P_IS) & (OFS | TFES), OFS | TFES);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x451);
}
END_TEST

START_TEST(all_slots_are_served_in_turn)
{
    port_start(DISK);
    for (unsigned i = 0; i < 32; i++) {
        const Piece piece = { BUFFER_AT + i * 0x1000, 8 * SECTOR, false };

        ata_set(i, 0, 0x25, 8 * i, 8, &piece, 1);
    }
    port_set(DISK, P_CI, UINT32_MAX);
    settle(DISK, P_CI, UINT32_MAX);
    memory_is_disk(BUFFER_AT, 0, 32 * 8 * SECTOR);
}
END_TEST

START_TEST(what_is_no_command_is_an_interface_error)
{
    const uint8_t rubbish[20] = { 0x99, 0x80, 0xec };

    port_start(DISK);
    command_set(DISK, 0, 0, rubbish, NULL, 0);
    issue(DISK, 0);
    ck_assert_uint_eq(port(DISK, P_IS), IFS);
    list_restart(DISK);
    ata_set(1, 0, 0xe5, 0, 0, NULL, 0);
    issue(DISK, 1);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x50);
}
END_TEST

START_TEST(nobody_answers_behind_a_multiplier)
{
    const uint8_t fis[20] = { 0x27, 0x83, 0xec };

    port_start(DISK);
    command_set(DISK, 0, 0, fis, NULL, 0);
    port_set(DISK, P_CI, 1);
    ck_assert_uint_eq(port(DISK, P_CI), 1);
    ck_assert_uint_eq(port(DISK, P_TFD) & 0x80, 0x80);
    port_set(DISK, P_CMD, FRE);
    ck_assert_uint_eq(port(DISK, P_CI), 0);
}
END_TEST

START_TEST(without_bus_mastering_nothing_is_fetched)
{
    port_start(DISK);
    pci_config_write(fx.bus, AHCI_DEVFN, 4, 2, 3);
    ata_set(0, 0, 0xec, 0, 0, NULL, 0);
    issue(DISK, 0);
    ck_assert_uint_eq(port(DISK, P_IS), HBFS);
}
END_TEST

/* ---- The queue ---- */

START_TEST(queue_has_32_commands_in_flight)
{
    port_start(DISK);
    for (unsigned i = 0; i < 32; i++) {
        const Piece piece = { BUFFER_AT + i * 0x4000, 16 * SECTOR, false };

        queued_set(i, false, 300 * i, 16, false, &piece, 1);
    }
    queue_issue(UINT32_MAX);
    ck_assert_uint_eq(port(DISK, P_CI), 0); /* the drive has taken all */
    ck_assert_uint_eq(port(DISK, P_SACT), UINT32_MAX);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x50);
    settle(DISK, P_SACT, UINT32_MAX);
    ck_assert_uint_eq(port(DISK, P_IS), SDBS);
    ck_assert_uint_eq(fis_byte(DISK, FIS_SDB, 0), 0xa1);
    for (unsigned i = 0; i < 32; i++) {
        memory_is_disk(BUFFER_AT + i * 0x4000, 300ull * i * SECTOR, 16 * SECTOR);
    }
}
END_TEST

START_TEST(queued_writes_are_on_the_disk)
{
    const Piece piece = { BUFFER_AT, 50 * SECTOR, false };

    port_start(DISK);
    buffer_fill(BUFFER_AT, 0x77, 50 * SECTOR);
    queued_set(7, true, 2000, 50, false, &piece, 1);
    queue_issue(1 << 7);
    settle(DISK, P_SACT, 1 << 7);
    file_is(2000 * SECTOR, 0x77, 50 * SECTOR);
    ck_assert_uint_eq(flushes, 0);
    queued_set(8, true, 3000, 50, true, &piece, 1); /* FUA */
    queue_issue(1 << 8);
    settle(DISK, P_SACT, 1 << 8);
    file_is(3000 * SECTOR, 0x77, 50 * SECTOR);
    ck_assert_uint_eq(flushes, 1);
}
END_TEST

START_TEST(queued_read_into_many_small_pieces)
{
    enum { PIECES = 1100 };
    Piece *pieces = g_new0(Piece, PIECES);

    port_start(DISK);
    for (unsigned i = 0; i < PIECES - 1; i++) {
        pieces[i] = (Piece){ BUFFER_AT + 4 * i, 2, false };
    }
    pieces[PIECES - 1] = (Piece){ BUFFER_AT + 0x10000, 300 * SECTOR, false };
    queued_set(1, false, 100, 300, false, pieces, PIECES);
    queue_issue(2);
    settle(DISK, P_SACT, 2);
    for (unsigned i = 0; i < PIECES - 1; i++) {
        memory_is_disk(pieces[i].gpa, 100 * SECTOR + 2 * i, 2);
    }
    memory_is_disk(BUFFER_AT + 0x10000, 100 * SECTOR + 2 * (PIECES - 1),
                   300 * SECTOR - 2 * (PIECES - 1));
    g_free(pieces);
}
END_TEST

START_TEST(queued_transfer_outside_of_ram_goes_nowhere)
{
    const Piece pieces[] = { { RAM - SECTOR, SECTOR, false }, { 0x70000000, SECTOR, false } };

    port_start(DISK);
    queued_set(0, false, 5, 2, false, pieces, 2);
    queue_issue(1);
    settle(DISK, P_SACT, 1);
    memory_is_disk(RAM - SECTOR, 5 * SECTOR, SECTOR);
    ck_assert_uint_eq(port(DISK, P_IS), SDBS);
}
END_TEST

static void log_is(uint8_t first, uint8_t error, uint64_t lba)
{
    const Piece piece = { BUFFER_AT, SECTOR, false };
    uint8_t log[SECTOR], sum = 0;

    list_restart(DISK);
    ata_set(0, 0, 0x2f, 0x10, 1, &piece, 1);
    issue(DISK, 0);
    mem_read(BUFFER_AT, log, sizeof(log));
    for (unsigned i = 0; i < sizeof(log); i++) {
        sum += log[i];
    }
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(log[0], first);
    ck_assert_uint_eq(log[2], 0x51);
    ck_assert_uint_eq(log[3], error);
    ck_assert_uint_eq(log[4] | (uint32_t)log[5] << 8 | (uint64_t)log[6] << 16, lba);
}

START_TEST(failure_in_the_queue_is_told_and_logged)
{
    port_start(DISK);
    bad_at = 4000 * SECTOR;
    for (unsigned i = 0; i < 4; i++) {
        const Piece piece = { BUFFER_AT + i * 0x4000, 16 * SECTOR, false };

        queued_set(i + 20, false, i == 2 ? 3990 : 100 * i, 16, false, &piece, 1);
    }
    queue_issue(15 << 20);
    settle(DISK, P_SACT, UINT32_MAX);
    ck_assert_uint_eq(port(DISK, P_IS) & (TFES | SDBS), TFES | SDBS);
    ck_assert_uint_eq(port(DISK, P_SACT) & 1 << 22, 1 << 22);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x4051);
    ck_assert_uint_eq(fis_byte(DISK, FIS_SDB, 2), 0x51);
    bad_at = -1;
    log_is(22, 0x40, 3990);
    ck_assert_uint_eq(port(DISK, P_SACT), 0);
}
END_TEST

START_TEST(queued_range_past_the_end_fails)
{
    const Piece piece = { BUFFER_AT, 16 * SECTOR, false };

    port_start(DISK);
    queued_set(9, true, DISK_SECTORS - 3, 4, false, &piece, 1);
    queue_issue(1 << 9);
    ck_assert_uint_eq(port(DISK, P_IS) & TFES, TFES);
    log_is(9, 0x10, DISK_SECTORS - 3);
}
END_TEST

START_TEST(queued_list_that_is_too_short_fails)
{
    const Piece piece = { BUFFER_AT, 3 * SECTOR, false };

    port_start(DISK);
    queued_set(9, false, 10, 4, false, &piece, 1);
    queue_issue(1 << 9);
    settle(DISK, P_SACT, 1 << 9);
    ck_assert_uint_eq(port(DISK, P_IS) & (OFS | TFES), OFS | TFES);
    log_is(9, 0x04, 10);
}
END_TEST

START_TEST(tag_of_another_slot_is_refused)
{
    const Piece piece = { BUFFER_AT, SECTOR, false };

    port_start(DISK);
    queued_set(5, false, 10, 1, false, &piece, 1);
    put8(&fx.bench, table_of(5) + 12, 6 << 3);
    queue_issue(1 << 5);
    ck_assert_uint_eq(port(DISK, P_IS) & TFES, TFES);
}
END_TEST

START_TEST(other_command_beside_queued_ones_fails_all)
{
    const Piece piece = { BUFFER_AT, 16 * SECTOR, false };

    port_start(DISK);
    queued_set(1, false, 10, 16, false, &piece, 1);
    ata_set(2, 0, 0xec, 0, 0, &piece, 1);
    port_set(DISK, P_SACT, 1 << 1);
    port_set(DISK, P_CI, 3 << 1);
    while ((port(DISK, P_IS) & TFES) == 0) {
        g_main_context_iteration(NULL, TRUE);
    }
    ck_assert_uint_eq(port(DISK, P_TFD), 0x451);
    ck_assert_uint_eq(port(DISK, P_CI), 1 << 2);
    log_is(0x80, 0x04, 0);
}
END_TEST

/* ---- Resets ---- */

START_TEST(comreset_forgets_what_is_in_flight)
{
    const Piece piece = { BUFFER_AT, 256 * SECTOR, false };

    port_start(DISK);
    ata_set(0, 0, 0x25, 0, 256, &piece, 1);
    port_set(DISK, P_CI, 1);
    ck_assert_uint_eq(port(DISK, P_TFD) & 0x80, 0x80);
    port_set(DISK, P_CMD, FRE);
    ck_assert_uint_eq(port(DISK, P_TFD) & 0x80, 0x80); /* the drive does not know */
    port_set(DISK, P_SCTL, 1);
    ck_assert_uint_eq(port(DISK, P_SSTS), 0);
    ck_assert_uint_eq(port(DISK, P_SIG), UINT32_MAX);
    port_set(DISK, P_SCTL, 0);
    ck_assert_uint_eq(port(DISK, P_SSTS), 0x113);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x150);
    ck_assert_uint_eq(port(DISK, P_SIG), 0x101);
    ck_assert_uint_eq(port(DISK, P_IS) & PCS, PCS);
    port_set(DISK, P_SERR, UINT32_MAX);
    ck_assert_uint_eq(port(DISK, P_IS), 0);
    list_restart(DISK);
    issue(DISK, 0);
    memory_is_disk(BUFFER_AT, 0, 256 * SECTOR);
}
END_TEST

START_TEST(comreset_forgets_the_queue)
{
    port_start(DISK);
    for (unsigned i = 0; i < 32; i++) {
        const Piece piece = { BUFFER_AT + i * 0x4000, 16 * SECTOR, false };

        queued_set(i, false, 300 * i, 16, false, &piece, 1);
    }
    queue_issue(UINT32_MAX);
    port_set(DISK, P_CMD, FRE);
    ck_assert_uint_eq(port(DISK, P_SACT), 0);
    ck_assert_uint_eq(port(DISK, P_IS) & SDBS, 0);
    port_set(DISK, P_SCTL, 1);
    port_set(DISK, P_SCTL, 0);
    ck_assert_uint_eq(port(DISK, P_SIG), 0x101);
}
END_TEST

START_TEST(soft_reset_takes_two_fises)
{
    uint8_t fis[20] = { 0x27, 0, [15] = 4 };

    port_start(CD);
    command_set(CD, 0, 1 << 10 | 1 << 8, fis, NULL, 0);
    issue(CD, 0);
    fis[15] = 0;
    command_set(CD, 1, 0, fis, NULL, 0);
    issue(CD, 1);
    ck_assert_uint_eq(port(CD, P_SIG), 0xeb140101);
    ck_assert_uint_eq(port(CD, P_TFD), 0x100);
    ck_assert_uint_eq(port(CD, P_CI), 0);
}
END_TEST

START_TEST(soft_reset_waits_for_what_is_queued)
{
    const Piece piece = { BUFFER_AT, 16 * SECTOR, false };
    const uint8_t fis[20] = { 0x27, 0, [15] = 4 };

    port_start(DISK);
    queued_set(0, false, 10, 16, false, &piece, 1);
    command_set(DISK, 1, 1 << 10, fis, NULL, 0);
    port_set(DISK, P_SACT, 1);
    port_set(DISK, P_CI, 3);
    ck_assert_uint_eq(port(DISK, P_CI), 2);
    settle(DISK, P_CI, 2);
    ck_assert_uint_eq(port(DISK, P_SACT), 0);
    memory_is_disk(BUFFER_AT, 10 * SECTOR, 16 * SECTOR);
}
END_TEST

START_TEST(reset_of_the_adapter_sets_all_back)
{
    port_start(DISK);
    hba_set(GHC, 2);
    hba_set(GHC, 1);
    ck_assert_uint_eq(hba(GHC), 0x80000000);
    ck_assert_uint_eq(port(DISK, P_CMD), 6);
    ck_assert_uint_eq(port(DISK, P_IE), 0);
    ck_assert_uint_eq(port(DISK, P_CLB), LIST_AT); /* these two are kept */
    ck_assert_uint_eq(port(DISK, P_TFD), 0x80);
    port_start(DISK);
    ck_assert_uint_eq(port(DISK, P_SIG), 0x101);
}
END_TEST

/* ---- Interrupts ---- */

START_TEST(interrupt_goes_through_three_gates)
{
    port_start(DISK);
    port_set(DISK, P_IE, 0);
    ata_set(0, 0, 0xe5, 0, 0, NULL, 0);
    issue(DISK, 0);
    ck_assert_uint_eq(port(DISK, P_IS), DHRS);
    ck_assert_uint_eq(hba(IS), 0);
    port_set(DISK, P_IE, DHRS);
    ck_assert_uint_eq(hba(IS), 1);
    ck_assert(!fx.pin);
    hba_set(GHC, 2);
    ck_assert(fx.pin);
    hba_set(IS, 1);
    ck_assert(fx.pin); /* the port still has it */
    port_set(DISK, P_IS, DHRS);
    ck_assert(fx.pin);
    hba_set(IS, 1);
    ck_assert(!fx.pin);
}
END_TEST

START_TEST(message_comes_in_the_place_of_the_pin)
{
    unsigned capability = pci_config_read(fx.bus, AHCI_DEVFN, 0x34, 1);

    while (pci_config_read(fx.bus, AHCI_DEVFN, capability, 1) != 5) {
        capability = pci_config_read(fx.bus, AHCI_DEVFN, capability + 1, 1);
        ck_assert_uint_ne(capability, 0);
    }
    pci_config_write(fx.bus, AHCI_DEVFN, capability + 4, 4, 0xfee00000);
    pci_config_write(fx.bus, AHCI_DEVFN, capability + 2, 2, 1);
    port_start(DISK);
    hba_set(GHC, 2);
    ata_set(0, 0, 0xe5, 0, 0, NULL, 0);
    issue(DISK, 0);
    ck_assert_uint_eq(fx.messages, 1);
    ck_assert(!fx.pin);
    issue(DISK, 0);
    ck_assert_uint_eq(fx.messages, 2); /* another one, though the first has not been looked at */
}
END_TEST

/* ---- The CD-ROM drive ---- */

static void packet_set(unsigned slot, bool dma, const uint8_t packet[12], const Piece *pieces,
                       unsigned n)
{
    const uint8_t fis[20] = { 0x27, 0x80, 0xa0, dma ? 1 : 0, 0, 0, 8 };

    command_set(CD, slot, ATAPI, fis, pieces, n);
    mem_write(table_of(slot) + 0x40, packet, 12);
}

START_TEST(packet_data_comes_by_pio)
{
    const uint8_t inquiry[12] = { 0x12, 0, 0, 0, 36 };
    const Piece piece = { BUFFER_AT, 36, false };
    char text[37] = "";

    port_start(CD);
    packet_set(0, false, inquiry, &piece, 1);
    issue(CD, 0);
    mem_read(BUFFER_AT, text, 36);
    ck_assert_int_eq(text[0], 5);
    ck_assert_str_eq(text + 8, "DOPPEL  DVD-ROM         1.0 ");
    ck_assert_uint_eq(moved(CD, 0), 36);
    ck_assert_uint_eq(port(CD, P_TFD), 0x50);
    ck_assert_uint_eq(port(CD, P_IS), PSS | DHRS);
    ck_assert_uint_eq(fis_byte(CD, FIS_D2H, 12), 3); /* the reason: done */
}
END_TEST

START_TEST(packet_reads_sectors_by_dma_and_pio)
{
    const uint8_t read[12] = { 0x28, 0, 0, 0, 0, 20, 0, 0, 300 >> 8 & 0xff, 0 };
    uint8_t packet[12];
    const Piece piece = { BUFFER_AT, 300 * CD_SECTOR, false };

    memcpy(packet, read, sizeof(packet));
    packet[7] = 300 >> 8;
    packet[8] = 300 & 0xff;
    port_start(CD);
    for (int dma = 0; dma < 2; dma++) {
        buffer_fill(BUFFER_AT, 0, 300 * CD_SECTOR);
        packet_set(3, dma != 0, packet, &piece, 1);
        issue(CD, 3);
        memory_is_disk(BUFFER_AT, 20 * CD_SECTOR, 300 * CD_SECTOR);
        ck_assert_uint_eq(moved(CD, 3), 300 * CD_SECTOR);
        ck_assert_uint_eq(port(CD, P_TFD), 0x50);
    }
}
END_TEST

START_TEST(packet_that_fails_has_sense)
{
    const uint8_t read[12] = { 0x28, 0, 0, 0, CD_SECTORS >> 8, CD_SECTORS & 0xff, 0, 0, 1 };
    const uint8_t sense[12] = { 0x03, 0, 0, 0, 18 };
    const Piece piece = { BUFFER_AT, CD_SECTOR, false };
    uint8_t data[18];

    port_start(CD);
    packet_set(0, true, read, &piece, 1);
    issue(CD, 0);
    ck_assert_uint_eq(port(CD, P_IS) & TFES, TFES);
    ck_assert_uint_eq(port(CD, P_TFD), 0x5451);
    list_restart(CD);
    packet_set(1, false, sense, &piece, 1);
    issue(CD, 1);
    mem_read(BUFFER_AT, data, sizeof(data));
    ck_assert_uint_eq(data[2], 5);
    ck_assert_uint_eq(data[12], 0x21);
}
END_TEST

/* ---- Coming, going, being copied ---- */

START_TEST(adapter_goes_with_all_in_flight)
{
    port_start(DISK);
    for (unsigned i = 0; i < 32; i++) {
        const Piece piece = { BUFFER_AT + i * 0x4000, 16 * SECTOR, false };

        queued_set(i, i % 2 != 0, 300 * i, 16, i % 4 == 1, &piece, 1);
    }
    queue_issue(UINT32_MAX);
    device_free(fx.dev);
    g_main_context_iteration(NULL, FALSE);
    ck_assert_ptr_null(board_find_type(fx.bench.board, &ide_hd_type));
}
END_TEST

START_TEST(drive_goes_and_comes)
{
    const Piece piece = { BUFFER_AT, 64 * SECTOR, false };

    port_start(DISK);
    ata_set(0, 0, 0x25, 0, 64, &piece, 1);
    port_set(DISK, P_CI, 1);
    device_free(board_find_type(fx.bench.board, &ide_hd_type));
    ck_assert_uint_eq(port(DISK, P_SSTS), 0);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x7f);
    ck_assert_uint_eq(port(DISK, P_IS) & 1 << 22, 1 << 22);
    port_set(DISK, P_CMD, FRE);
    port_set(DISK, P_SERR, UINT32_MAX);
    drive_plug(fx.dev, DISK, fx.disk, "serial", "again");
    ck_assert_uint_eq(port(DISK, P_IS) & PCS, PCS);
    ck_assert_uint_eq(port(DISK, P_SIG), 0x101);
    list_restart(DISK);
    issue(DISK, 0);
    memory_is_disk(BUFFER_AT, 0, 64 * SECTOR);
}
END_TEST

static void table_save(void *opaque, const StateTable *table, unsigned instance, void *object)
{
    GByteArray *bytes = g_byte_array_new();

    (void)instance;
    state_save(table, object, bytes);
    g_ptr_array_add(opaque, bytes);
}

typedef struct Loader {
    GPtrArray *states;
    unsigned next;
} Loader;

static void table_load(void *opaque, const StateTable *table, unsigned instance, void *object)
{
    Loader *loader = opaque;
    const GByteArray *bytes = g_ptr_array_index(loader->states, loader->next++);

    (void)instance;
    ck_assert(state_load(table, object, bytes->data, bytes->len, NULL));
    state_loaded(table, object);
}

START_TEST(copy_goes_on_like_the_original)
{
    GPtrArray *states = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    Loader loader = { states, 0 };
    const Piece piece = { BUFFER_AT, 16 * SECTOR, false };
    uint32_t before[16];

    port_start(DISK);
    hba_set(GHC, 2);
    ata_set(0, 0, 0x25, DISK_SECTORS, 1, &piece, 1); /* halted by an error */
    issue(DISK, 0);
    block_drain(fx.disk);
    for (unsigned i = 0; i < 16; i++) {
        before[i] = port(DISK, 4 * i);
    }
    board_each_state(fx.bench.board, table_save, states);
    board_reset(fx.bench.board);
    ck_assert(!fx.pin);
    board_each_state(fx.bench.board, table_load, &loader);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(port(DISK, 4 * i), before[i]);
    }
    ck_assert(fx.pin);
    list_restart(DISK);
    queued_set(3, false, 10, 16, false, &piece, 1);
    queue_issue(1 << 3);
    settle(DISK, P_SACT, 1 << 3);
    memory_is_disk(BUFFER_AT, 10 * SECTOR, 16 * SECTOR);
    g_ptr_array_unref(states);
}
END_TEST

/* ---- What is refused ---- */

static const struct {
    const char *type, *settings[3][2], *message;
} refused[] = {
    { "ide-hd", { { "bus", "ide.1" } }, "No drive specified" },
    { "ide-cd", { { "bus", "ide.0" } }, "Bus 'ide.0' is full" },
    { "ide-cd", { { "bus", "ide.9" } }, "Bus 'ide.9' not found" },
    { "ide-cd",
      { { "bus", "ide.1" }, { "unit", "1" } },
      "Can't create IDE unit 1, bus supports only 1 units" },
    { "ide-cd",
      { { "bus", "ide.1" }, { "logical_block_size", "4096" } },
      "logical_block_size must be 512 for IDE" },
    { "ide-cd", { { "bus", "ide.1" }, { "cyls", "4" } }, "Property 'ide-cd.cyls' not found" },
};

START_TEST(wrong_words_are_refused)
{
    DeviceSetting settings[4] = { { 0 } };
    GError *error = NULL;

    for (unsigned i = 0; i < 3 && refused[_i].settings[i][0] != NULL; i++) {
        settings[i] = (DeviceSetting){ refused[_i].settings[i][0], refused[_i].settings[i][1],
                                       NULL };
    }
    ck_assert_ptr_null(board_add_device(fx.bench.board, refused[_i].type, settings, &error));
    ck_assert_str_eq(error->message, refused[_i].message);
    g_error_free(error);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("ahci");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, open_good, fixture_close);
    tcase_add_test(tc, function_shows_its_ids_and_capabilities);
    tcase_add_test(tc, index_and_data_reach_the_registers);
    tcase_add_test(tc, signature_comes_with_fis_reception);
    tcase_add_test(tc, identify_comes_by_pio);
    tcase_add_test(tc, dma_read_goes_to_pieces_of_any_size);
    tcase_add_test(tc, writes_by_dma_and_pio_are_on_the_disk);
    tcase_add_test(tc, pio_read_of_many_blocks);
    tcase_add_test(tc, trim_reaches_the_image);
    tcase_add_test(tc, error_halts_the_list_and_keeps_the_slot);
    tcase_add_test(tc, bad_spot_is_an_uncorrectable_error);
    tcase_add_test(tc, list_that_is_too_short_overflows);
    tcase_add_test(tc, all_slots_are_served_in_turn);
    tcase_add_test(tc, what_is_no_command_is_an_interface_error);
    tcase_add_test(tc, nobody_answers_behind_a_multiplier);
    tcase_add_test(tc, without_bus_mastering_nothing_is_fetched);
    tcase_add_test(tc, queue_has_32_commands_in_flight);
    tcase_add_test(tc, queued_writes_are_on_the_disk);
    tcase_add_test(tc, queued_read_into_many_small_pieces);
    tcase_add_test(tc, queued_transfer_outside_of_ram_goes_nowhere);
    tcase_add_test(tc, failure_in_the_queue_is_told_and_logged);
    tcase_add_test(tc, queued_range_past_the_end_fails);
    tcase_add_test(tc, queued_list_that_is_too_short_fails);
    tcase_add_test(tc, tag_of_another_slot_is_refused);
    tcase_add_test(tc, other_command_beside_queued_ones_fails_all);
    tcase_add_test(tc, comreset_forgets_what_is_in_flight);
    tcase_add_test(tc, comreset_forgets_the_queue);
    tcase_add_test(tc, soft_reset_takes_two_fises);
    tcase_add_test(tc, soft_reset_waits_for_what_is_queued);
    tcase_add_test(tc, reset_of_the_adapter_sets_all_back);
    tcase_add_test(tc, interrupt_goes_through_three_gates);
    tcase_add_test(tc, message_comes_in_the_place_of_the_pin);
    tcase_add_test(tc, packet_data_comes_by_pio);
    tcase_add_test(tc, packet_reads_sectors_by_dma_and_pio);
    tcase_add_test(tc, packet_that_fails_has_sense);
    tcase_add_test(tc, adapter_goes_with_all_in_flight);
    tcase_add_test(tc, drive_goes_and_comes);
    tcase_add_test(tc, copy_goes_on_like_the_original);
    tcase_add_loop_test(tc, wrong_words_are_refused, 0, G_N_ELEMENTS(refused));
    return suite_run(tc, "hw/ahci");
}
