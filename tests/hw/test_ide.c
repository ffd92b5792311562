/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ide.c - the IDE controller and its disks, from ports, configuration space and memory. */
#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "tests/hw/ide_fixture.h"

static unsigned flushes;
static off_t bad_at = -1; /* the host cannot read here */

/* In the place of the C library's: a medium with a bad spot. */
ssize_t preadv(int fd, const struct iovec *iov, int n, off_t offset)
{
    if (bad_at >= 0 && offset <= bad_at && bad_at < offset + (off_t)iov[0].iov_len) {
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

/* ---- Signature, selection, reset ---- */

static void signature_is(unsigned mid, unsigned high)
{
    ck_assert_uint_eq(in(COUNT), 1);
    ck_assert_uint_eq(in(LBA_LOW), 1);
    ck_assert_uint_eq(in(LBA_MID), mid);
    ck_assert_uint_eq(in(LBA_HIGH), high);
    ck_assert_uint_eq(in(ERROR_REG), 1);
}

START_TEST(drives_show_their_signatures_after_reset)
{
    ck_assert_uint_eq(config_in(&fx.bench, IDE_DEVFN, 0, 4), 0x70108086);
    ck_assert_uint_eq(config_in(&fx.bench, IDE_DEVFN, 8, 4), 0x01018000);
    ck_assert_uint_eq(in(STATUS), READY);
    signature_is(0, 0);
    select_drive(SLAVE);
    ck_assert_uint_eq(in(STATUS), READY);
    signature_is(0, 0);
    use_channel(1);
    ck_assert_uint_eq(in(STATUS), 0);
    signature_is(0x14, 0xeb);
}
END_TEST

START_TEST(software_reset_is_busy_while_it_lasts)
{
    command28(0x20, MASTER, 100, 3);
    settle();
    data_in();
    out_control(SRST);
    ck_assert((in(STATUS)&BSY) != 0);
    out(COMMAND, 0xec); /* goes nowhere */
    out_control(0);
    ck_assert_uint_eq(in(STATUS), READY);
    ck_assert(!fx.irq[0]);
    signature_is(0, 0);
    ck_assert_uint_eq(in(DEVICE), 0xa0);
    select_drive(SLAVE);
    ck_assert_uint_eq(in(DEVICE), SLAVE);
}
END_TEST

START_TEST(reset_forgets_a_read_in_flight)
{
    command28(0x20, MASTER, 100, 8);
    ck_assert((alt_status() & BSY) != 0);
    out_control(SRST);
    out_control(0);
    ck_assert_uint_eq(settle(), READY);
    ck_assert(!fx.irq[0]);
    command28(0x20, MASTER, 0, 1);
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
}
END_TEST

START_TEST(diagnostics_answer_for_both_drives)
{
    select_drive(SLAVE);
    out(COMMAND, 0x90);
    ck_assert_uint_eq(settle_irq(), READY);
    signature_is(0, 0);
    ck_assert_uint_eq(in(DEVICE)&0x10, 0); /* drive 0 is selected */
}
END_TEST

START_TEST(absent_drive_reads_as_zeros_and_takes_no_command)
{
    device_free(fx.ide);
    block_close(fx.node[1]);
    fx.node[1] = NULL;
    controller_new();
    select_drive(SLAVE);
    out(COUNT, 0x55);
    ck_assert_uint_eq(in(COUNT), 0);
    ck_assert_uint_eq(in(STATUS), 0);
    out(COMMAND, 0xec);
    ck_assert_uint_eq(in(STATUS), 0);
    ck_assert(!fx.irq[0]);
    select_drive(MASTER);
    ck_assert_uint_eq(in(COUNT), 0x55); /* both see what is written */
    ck_assert_uint_eq(in(STATUS), READY);
}
END_TEST

START_TEST(registers_keep_what_was_written_before)
{
    out(COUNT, 0x12);
    out(COUNT, 0x34);
    out(LBA_MID, 0x56);
    out(LBA_MID, 0x78);
    ck_assert_uint_eq(in(COUNT), 0x34);
    out_control(HOB);
    ck_assert_uint_eq(in(COUNT), 0x12);
    ck_assert_uint_eq(in(LBA_MID), 0x56);
    out(LBA_LOW, 0); /* a write turns HOB off */
    ck_assert_uint_eq(in(COUNT), 0x34);
}
END_TEST

START_TEST(interrupt_of_a_masked_or_unselected_drive_waits)
{
    out_control(NIEN);
    out(COMMAND, 0xe5);
    ck_assert(!fx.irq[0]);
    out_control(0);
    ck_assert(fx.irq[0]);
    select_drive(SLAVE);
    ck_assert(!fx.irq[0]);
    select_drive(MASTER);
    ck_assert(fx.irq[0]);
    alt_status();
    ck_assert(fx.irq[0]);
    in(STATUS);
    ck_assert(!fx.irq[0]);
}
END_TEST

START_TEST(channel_can_be_switched_off)
{
    ck_assert_uint_eq(in(STATUS), READY);
    config_out(&fx.bench, IDE_DEVFN, 0x41, 1, 0);
    ck_assert_uint_eq(in(STATUS), 0xff);
    config_out(&fx.bench, IDE_DEVFN, 0x41, 1, 0x80);
    ck_assert_uint_eq(in(STATUS), READY);
    config_out(&fx.bench, IDE_DEVFN, 0x04, 2, 4);
    ck_assert_uint_eq(in(STATUS), 0xff);
    ck_assert_uint_eq(bm_in(BM_STS, 1), 0xff);
}
END_TEST

/* ---- IDENTIFY and settings ---- */

static void identify(unsigned device, uint16_t *id)
{
    select_drive(device);
    out(COMMAND, 0xec);
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
    words_in(id, SECTOR);
    ck_assert_uint_eq(in(STATUS), READY);
}

START_TEST(identify_tells_size_and_geometry)
{
    uint16_t id[256];
    uint8_t sum = 0;

    identify(MASTER, id);
    ck_assert_uint_eq(id[0], 0x0040);
    ck_assert_uint_eq(id[1], DISK_SECTORS / (16 * 63));
    ck_assert_uint_eq(id[3], 16);
    ck_assert_uint_eq(id[6], 63);
    ck_assert_uint_eq(id[27], 'D' << 8 | 'O');
    ck_assert_uint_eq(id[60] | (uint32_t)id[61] << 16, DISK_SECTORS);
    ck_assert_uint_eq(id[100], DISK_SECTORS);
    ck_assert_uint_eq(id[101] | id[102] | id[103], 0);
    ck_assert_uint_eq(id[83] & 0xf400, 0x7400); /* LBA48, flushes */
    ck_assert_uint_eq(id[49] & 0x0300, 0x0300);
    for (unsigned i = 0; i < SECTOR; i++) {
        sum += ((uint8_t *)id)[i];
    }
    ck_assert_uint_eq(sum, 0);
    identify(SLAVE, id);
    ck_assert_uint_eq(id[1], 2); /* cylinders, at least */
    ck_assert_uint_eq(id[60], SLAVE_SECTORS);
}
END_TEST

START_TEST(geometry_follows_the_partition_table)
{
    const uint8_t table[66] = { 0x80, 1, 1, 0, 0x83, 7, 32, 60,          32,
                                0,    0, 0, 0, 64,   0, 0,  [64] = 0x55, 0xaa };
    uint16_t id[256];
    FILE *file;

    device_free(fx.ide);
    file = fopen(fx.path[0], "r+b");
    fseek(file, 446, SEEK_SET);
    fwrite(table, 1, sizeof(table), file);
    fclose(file);
    controller_new();
    identify(MASTER, id);
    ck_assert_uint_eq(id[3], 8);
    ck_assert_uint_eq(id[6], 32);
    ck_assert_uint_eq(id[1], DISK_SECTORS / (8 * 32));
}
END_TEST

START_TEST(settings_show_in_identify)
{
    uint16_t id[256];

    out(COUNT, 8);
    out(COMMAND, 0xc6);
    ck_assert_uint_eq(settle_irq(), READY);
    out(FEATURES, 3);
    out(COUNT, 0x22);
    out(COMMAND, 0xef);
    ck_assert_uint_eq(settle_irq(), READY);
    identify(MASTER, id);
    ck_assert_uint_eq(id[59], 0x108);
    ck_assert_uint_eq(id[63], 0x0407);
    ck_assert_uint_eq(id[88] >> 8, 0);
    ck_assert_uint_eq(id[85] & 0x20, 0x20);
    out(FEATURES, 0x82);
    out(COMMAND, 0xef);
    ck_assert_uint_eq(settle_irq(), READY);
    identify(MASTER, id);
    ck_assert_uint_eq(id[85] & 0x20, 0);
    board_reset(fx.bench.board);
    config_out(&fx.bench, IDE_DEVFN, 0x04, 2, 5);
    identify(MASTER, id);
    ck_assert_uint_eq(id[59], 0x110);
    ck_assert_uint_eq(id[85] & 0x20, 0x20);
}
END_TEST

static const struct {
    const char *name;
    unsigned command, features, count, error;
} simple_rows[] = {
    { "NOP aborts", 0x00, 0, 0, ABRT },
    { "recalibrate", 0x10, 0, 0, 0 },
    { "standby immediate", 0xe0, 0, 0, 0 },
    { "idle immediate", 0xe1, 0, 0, 0 },
    { "standby", 0xe2, 0, 10, 0 },
    { "idle", 0xe3, 0, 10, 0 },
    { "sleep", 0xe6, 0, 0, 0 },
    { "flush", 0xe7, 0, 0, 0 },
    { "flush ext", 0xea, 0, 0, 0 },
    { "set multiple off", 0xc6, 0, 0, 0 },
    { "set multiple 16", 0xc6, 0, 16, 0 },
    { "set multiple 3", 0xc6, 0, 3, ABRT },
    { "set multiple 32", 0xc6, 0, 32, ABRT },
    { "PIO default", 0xef, 3, 0, 0 },
    { "PIO 4", 0xef, 3, 0x0c, 0 },
    { "PIO 5", 0xef, 3, 0x0d, ABRT },
    { "UDMA 5", 0xef, 3, 0x45, 0 },
    { "UDMA 6", 0xef, 3, 0x46, ABRT },
    { "write cache on", 0xef, 0x02, 0, 0 },
    { "write cache off", 0xef, 0x82, 0, 0 },
    { "look-ahead on", 0xef, 0xaa, 0, 0 },
    { "look-ahead off", 0xef, 0x55, 0, 0 },
    { "unknown feature", 0xef, 0x99, 0, ABRT },
    { "security set password", 0xf1, 0, 0, ABRT },
    { "security unlock", 0xf2, 0, 0, ABRT },
    { "security freeze lock", 0xf5, 0, 0, ABRT },
    { "set max", 0xf9, 0, 0, ABRT },
    { "packet", 0xa0, 0, 0, ABRT },
    { "identify packet device", 0xa1, 0, 0, ABRT },
    { "device reset", 0x08, 0, 0, ABRT },
    { "no such command", 0xff, 0, 0, ABRT },
    { "SMART without its key", 0xb0, 0xda, 0, ABRT },
};

START_TEST(simple_command_ends_as_its_row_says)
{
    out(FEATURES, simple_rows[_i].features);
    out(COUNT, simple_rows[_i].count);
    out(COMMAND, simple_rows[_i].command);
    ck_assert_msg(settle_irq() == (simple_rows[_i].error != 0 ? READY | ERR : READY), "%s: %02x",
                  simple_rows[_i].name, alt_status());
    ck_assert_uint_eq(in(ERROR_REG), simple_rows[_i].error);
    command28(0x20, MASTER, 0, 1); /* all is well afterwards */
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
    ck_assert_uint_eq(in(ERROR_REG), 0);
}
END_TEST

START_TEST(power_mode_is_active)
{
    out(COMMAND, 0xe5);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(in(COUNT), 0xff);
}
END_TEST

START_TEST(native_max_is_the_last_sector)
{
    select_drive(MASTER);
    out(COMMAND, 0xf8);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(lba28(), DISK_SECTORS - 1);
    out(COMMAND, 0x27);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(lba48(), DISK_SECTORS - 1);
}
END_TEST

static void smart(unsigned feature, unsigned log)
{
    out(FEATURES, feature);
    out(LBA_LOW, log);
    out(LBA_MID, 0x4f);
    out(LBA_HIGH, 0xc2);
    out(COUNT, 1);
    out(COMMAND, 0xb0);
}

START_TEST(smart_says_that_the_disk_is_well)
{
    static const uint8_t features[] = { 0xd0, 0xd1, 0xd5 };

    smart(0xda, 0);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(in(LBA_MID), 0x4f);
    ck_assert_uint_eq(in(LBA_HIGH), 0xc2);
    for (unsigned i = 0; i < sizeof(features); i++) {
        uint8_t data[SECTOR], sum = 0;

        smart(features[i], 1);
        ck_assert_uint_eq(settle_irq(), READY | DRQ);
        words_in(data, SECTOR);
        for (unsigned n = 0; n < SECTOR; n++) {
            sum += data[n];
        }
        ck_assert_uint_eq(sum, 0);
    }
    smart(0xd9, 0);
    ck_assert_uint_eq(settle_irq(), READY);
    smart(0xda, 0);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    smart(0xd8, 0);
    ck_assert_uint_eq(settle_irq(), READY);
}
END_TEST

START_TEST(buffer_keeps_what_is_written)
{
    uint8_t data[SECTOR], back[SECTOR];

    memset(data, 0x5a, SECTOR);
    out(COMMAND, 0xe8);
    ck_assert_uint_eq(alt_status(), READY | DRQ);
    ck_assert(!fx.irq[0]);
    words_out(data, SECTOR);
    ck_assert_uint_eq(settle_irq(), READY);
    out(COMMAND, 0xe4);
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
    words_in(back, SECTOR);
    ck_assert_mem_eq(data, back, SECTOR);
}
END_TEST

/* ---- PIO ---- */

static const struct {
    const char *name;
    unsigned command;
    bool ext;
    unsigned block; /* sectors an interrupt */
} read_rows[] = {
    { "READ SECTORS", 0x20, false, 1 },
    { "READ SECTORS EXT", 0x24, true, 1 },
    { "READ MULTIPLE", 0xc4, false, 16 },
    { "READ MULTIPLE EXT", 0x29, true, 16 },
};

START_TEST(sectors_are_read_block_by_block)
{
    enum { N = 200, FIRST = 300 };
    static uint8_t data[N * SECTOR];
    unsigned block = read_rows[_i].block;

    if (read_rows[_i].ext) {
        command48(read_rows[_i].command, MASTER, FIRST, N);
    } else {
        command28(read_rows[_i].command, MASTER, FIRST, N);
    }
    for (unsigned done = 0; done < N; done += block) {
        unsigned n = MIN(block, N - done);

        ck_assert_uint_eq(settle_irq(), READY | DRQ);
        words_in(data + done * SECTOR, n * SECTOR);
    }
    ck_assert_uint_eq(alt_status(), READY);
    ck_assert(!fx.irq[0]); /* none at the end */
    bytes_are_disk(data, FIRST * SECTOR, sizeof(data));
    ck_assert_uint_eq(lba28() & 0xffffff, FIRST + N - 1);
    ck_assert_uint_eq(in(COUNT), 0);
}
END_TEST

static const struct {
    const char *name;
    unsigned command;
    bool ext;
    unsigned block;
} write_rows[] = {
    { "WRITE SECTORS", 0x30, false, 1 },
    { "WRITE SECTORS EXT", 0x34, true, 1 },
    { "WRITE MULTIPLE", 0xc5, false, 16 },
    { "WRITE MULTIPLE EXT", 0x39, true, 16 },
};

START_TEST(sectors_are_written_block_by_block)
{
    enum { N = 40, FIRST = 1000 };
    static uint8_t data[N * SECTOR], back[(N + 2) * SECTOR];
    unsigned block = write_rows[_i].block;

    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 5 + i / SECTOR);
    }
    if (write_rows[_i].ext) {
        command48(write_rows[_i].command, MASTER, FIRST, N);
    } else {
        command28(write_rows[_i].command, MASTER, FIRST, N);
    }
    for (unsigned done = 0; done < N; done += block) {
        unsigned n = MIN(block, N - done);

        ck_assert_uint_eq(alt_status(), READY | DRQ);
        ck_assert(!fx.irq[0]);
        words_out(data + done * SECTOR, n * SECTOR);
        ck_assert_uint_eq(settle_irq(), done + n < N ? READY | DRQ : READY);
    }
    file_read_at(0, (FIRST - 1) * SECTOR, back, sizeof(back));
    bytes_are_disk(back, (FIRST - 1) * SECTOR, SECTOR);
    ck_assert_mem_eq(back + SECTOR, data, sizeof(data));
    bytes_are_disk(back + (N + 1) * SECTOR, (FIRST + N) * SECTOR, SECTOR);
}
END_TEST

START_TEST(count_of_zero_is_256_sectors)
{
    uint8_t data[SECTOR];

    command28(0x20, MASTER, 0, 0);
    for (unsigned i = 0; i < 256; i++) {
        ck_assert_uint_eq(settle_irq(), READY | DRQ);
        words_in(data, SECTOR);
        bytes_are_disk(data, i * SECTOR, SECTOR);
    }
    ck_assert_uint_eq(alt_status(), READY);
}
END_TEST

START_TEST(double_words_and_words_mix_at_the_data_register)
{
    uint8_t data[SECTOR];
    uint32_t value;

    command28(0x20, MASTER, 5, 1);
    settle();
    for (unsigned i = 0; i < SECTOR - 4;) {
        value = io_bus_read(fx.bench.io, fx.base, 4);
        memcpy(data + i, &value, 4);
        i += 4;
        value = data_in();
        memcpy(data + i, &value, 2);
        i += 2;
    }
    /* 510 bytes are read; a double word gets the two that are left. */
    value = io_bus_read(fx.bench.io, fx.base, 4);
    memcpy(data + 510, &value, 2);
    ck_assert_uint_eq(value >> 16, 0);
    bytes_are_disk(data, 5 * SECTOR, SECTOR);
    ck_assert_uint_eq(alt_status(), READY);
    ck_assert_uint_eq(data_in(), 0); /* there is no more */
}
END_TEST

START_TEST(cylinder_head_and_sector_find_the_sector)
{
    uint8_t data[SECTOR];
    uint32_t lba = (7 * 16 + 3) * 63 + 20 - 1;

    out(DEVICE, 0xa0 | 3);
    out(COUNT, 2);
    out(LBA_LOW, 20);
    out(LBA_MID, 7);
    out(LBA_HIGH, 0);
    out(COMMAND, 0x20);
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
    words_in(data, SECTOR);
    bytes_are_disk(data, (uint64_t)lba * SECTOR, SECTOR);
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
    words_in(data, SECTOR);
    ck_assert_uint_eq(in(LBA_LOW), 21);
    ck_assert_uint_eq(in(LBA_MID), 7);
    /* Another translation */
    out(DEVICE, 0xa0 | 3);
    out(COUNT, 17);
    out(COMMAND, 0x91);
    ck_assert_uint_eq(settle_irq(), READY);
    out(DEVICE, 0xa0 | 2);
    out(COUNT, 1);
    out(LBA_LOW, 5);
    out(LBA_MID, 100);
    out(COMMAND, 0x20);
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
    words_in(data, SECTOR);
    bytes_are_disk(data, ((100 * 4 + 2) * 17 + 4) * SECTOR, SECTOR);
}
END_TEST

/* ---- Errors ---- */

static const struct {
    const char *name;
    unsigned command, device;
    bool ext;
    uint64_t lba;
    unsigned count;
    unsigned status, error;
    uint64_t reported;
} error_rows[] = {
    { "read of the last sector", 0x20, MASTER, false, DISK_SECTORS - 1, 1, READY | DRQ, 0,
      DISK_SECTORS - 1 },
    { "read over the end", 0x20, MASTER, false, DISK_SECTORS - 1, 2, READY | ERR, IDNF,
      DISK_SECTORS },
    { "read behind the end", 0x20, MASTER, false, 0xfffffff, 1, READY | ERR, IDNF, 0xfffffff },
    { "read ext far behind", 0x24, MASTER, true, 0xffffffffffff, 1, READY | ERR, IDNF,
      0xffffffffffff },
    { "read ext of 65536", 0x24, MASTER, true, 0, 0, READY | ERR, IDNF, DISK_SECTORS },
    { "read multiple over the end", 0xc4, MASTER, false, DISK_SECTORS - 3, 4, READY | ERR, IDNF,
      DISK_SECTORS },
    { "write over the end", 0x30, MASTER, false, DISK_SECTORS, 1, READY | ERR, IDNF, DISK_SECTORS },
    { "DMA read over the end", 0xc8, MASTER, false, DISK_SECTORS - 1, 2, READY | ERR, IDNF,
      DISK_SECTORS },
    { "DMA write over the end", 0x35, MASTER, true, DISK_SECTORS - 1, 2, READY | ERR, IDNF,
      DISK_SECTORS },
    { "verify", 0x40, MASTER, false, 10, 20, READY, 0, 29 },
    { "verify over the end", 0x42, MASTER, true, DISK_SECTORS - 1, 2, READY | ERR, IDNF,
      DISK_SECTORS },
    { "seek", 0x70, MASTER, false, 10, 1, READY, 0, 10 },
    { "seek behind the end", 0x70, MASTER, false, DISK_SECTORS, 1, READY | ERR, IDNF,
      DISK_SECTORS },
    { "sector 0 of a track", 0x20, 0xa0, false, 0, 1, READY | ERR, IDNF, 0 },
    { "sector 64 of a track", 0x20, 0xa0, false, 64, 1, READY | ERR, IDNF, 64 },
};

START_TEST(address_is_checked_as_its_row_says)
{
    uint64_t reported;

    if (error_rows[_i].ext) {
        command48(error_rows[_i].command, error_rows[_i].device, error_rows[_i].lba,
                  error_rows[_i].count);
    } else {
        command28(error_rows[_i].command, error_rows[_i].device, (uint32_t)error_rows[_i].lba,
                  error_rows[_i].count);
    }
    ck_assert_msg(settle_irq() == error_rows[_i].status, "%s: %02x", error_rows[_i].name,
                  alt_status());
    ck_assert_uint_eq(in(ERROR_REG), error_rows[_i].error);
    reported = error_rows[_i].ext ? lba48() : lba28();
    ck_assert_msg(reported == error_rows[_i].reported, "%s: %llx", error_rows[_i].name,
                  (unsigned long long)reported);
}
END_TEST

START_TEST(multiple_without_a_setting_aborts)
{
    out(COUNT, 0);
    out(COMMAND, 0xc6);
    in(STATUS);
    command28(0xc4, MASTER, 0, 1);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    ck_assert_uint_eq(in(ERROR_REG), ABRT);
}
END_TEST

START_TEST(write_to_a_readonly_disk_aborts)
{
    uint8_t data[SECTOR] = { 0 };

    command28(0x30, SLAVE, 3, 1);
    ck_assert_uint_eq(alt_status(), READY | DRQ);
    words_out(data, SECTOR);
    ck_assert((settle_irq() & ERR) != 0);
    ck_assert_uint_eq(in(ERROR_REG), ABRT);
    ck_assert_uint_eq(lba28(), 3);
}
END_TEST

START_TEST(sector_that_cannot_be_read_is_an_error)
{
    bad_at = 40 * SECTOR;
    command28(0x20, MASTER, 40, 1);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    ck_assert_uint_eq(in(ERROR_REG), UNC);
    ck_assert_uint_eq(lba28(), 40);
    prd_set(0, BUFFER_AT, 8 * SECTOR, true);
    command28(0xc8, MASTER, 36, 8);
    bm_start(true);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    ck_assert_uint_eq(in(ERROR_REG), UNC);
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 5, 5); /* until the driver stops it */
    bm_stop();
    bad_at = -1;
    command28(0x20, MASTER, 40, 1);
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
}
END_TEST

START_TEST(commands_are_ignored_while_data_waits)
{
    uint8_t data[SECTOR];

    command28(0x20, MASTER, 9, 1);
    settle();
    out(COMMAND, 0xe5);
    ck_assert_uint_eq(alt_status(), READY | DRQ);
    words_in(data, SECTOR);
    bytes_are_disk(data, 9 * SECTOR, SECTOR);
}
END_TEST

START_TEST(flush_reaches_stable_storage)
{
    flushes = 0;
    out(COMMAND, 0xe7);
    ck_assert((alt_status() & BSY) != 0);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(flushes, 1);
    out(COMMAND, 0xea);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(flushes, 2);
}
END_TEST

START_TEST(write_without_a_cache_reaches_stable_storage)
{
    uint8_t data[SECTOR] = { 0 };

    out(FEATURES, 0x82);
    out(COMMAND, 0xef);
    settle_irq();
    flushes = 0;
    command28(0x30, MASTER, 3, 1);
    words_out(data, SECTOR);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(flushes, 1);
}
END_TEST

/* ---- DMA ---- */

static const struct {
    const char *name;
    unsigned command;
    bool ext;
} dma_reads[] = { { "READ DMA", 0xc8, false }, { "READ DMA EXT", 0x25, true } };

START_TEST(dma_reads_into_scattered_memory)
{
    enum { N = 160, FIRST = 2000 };

    /* Odd bases and counts lose bit 0. A count of zero is 64 KiB. */
    prd_set(0, BUFFER_AT + 1, 1001, false);
    prd_set(1, BUFFER_AT + 0x2000, 0, false);
    prd_set(2, BUFFER_AT + 0x20000, N * SECTOR - 65536 - 1000, true);
    bm_start(true);
    if (dma_reads[_i].ext) {
        command48(dma_reads[_i].command, MASTER, FIRST, N);
    } else {
        command28(dma_reads[_i].command, MASTER, FIRST, N);
    }
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 1);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 4); /* not active, interrupt */
    bm_out(BM_STS, 1, 4);
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 0);
    bm_stop();
    memory_is_disk(BUFFER_AT, FIRST * SECTOR, 1000);
    memory_is_disk(BUFFER_AT + 0x2000, FIRST * SECTOR + 1000, 65536);
    memory_is_disk(BUFFER_AT + 0x20000, FIRST * SECTOR + 66536, N * SECTOR - 66536);
    ck_assert_uint_eq(get8(&fx.bench, BUFFER_AT + 1000), 0);
}
END_TEST

START_TEST(dma_waits_for_the_bus_master)
{
    prd_set(0, BUFFER_AT, 2 * SECTOR, true);
    command28(0xc8, MASTER, 50, 2);
    ck_assert_uint_eq(alt_status(), READY | DRQ);
    ck_assert_uint_eq(data_in(), 0); /* not by PIO */
    ck_assert(!fx.irq[0]);
    bm_start(true);
    ck_assert_uint_eq(settle_irq(), READY);
    memory_is_disk(BUFFER_AT, 50 * SECTOR, 2 * SECTOR);
}
END_TEST

START_TEST(dma_writes_from_memory)
{
    enum { N = 1200, FIRST = 4000 }; /* more than one request to the medium */
    static uint8_t data[N * SECTOR], back[N * SECTOR];

    for (unsigned i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 11 + i / 777);
    }
    phys_map_write(fx.bench.map, BUFFER_AT, data, sizeof(data));
    for (unsigned i = 0; i < N * SECTOR / 65536 + 1; i++) {
        unsigned left = N * SECTOR - i * 65536;

        prd_set(i, BUFFER_AT + i * 65536, MIN(left, 65536), left <= 65536);
    }
    command48(0x35, MASTER, FIRST, N);
    bm_start(false);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 4);
    bm_stop();
    file_read_at(0, FIRST * SECTOR, back, sizeof(back));
    ck_assert_mem_eq(back, data, sizeof(data));
    file_read_at(0, (FIRST + N) * SECTOR, back, SECTOR);
    bytes_are_disk(back, (FIRST + N) * SECTOR, SECTOR);
}
END_TEST

START_TEST(table_that_is_too_long_stays_active)
{
    prd_set(0, BUFFER_AT, 4 * SECTOR, true);
    command28(0xc8, MASTER, 50, 2);
    bm_start(true);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 5);
    bm_stop();
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 4);
}
END_TEST

START_TEST(table_that_is_too_short_ends_without_interrupt)
{
    static uint8_t data[4 * SECTOR];

    prd_set(0, BUFFER_AT, 3 * SECTOR + 100, true);
    command28(0xc8, MASTER, 50, 8);
    bm_start(true);
    settle();
    ck_assert(!fx.irq[0]);
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 0);
    bm_stop();
    memory_is_disk(BUFFER_AT, 50 * SECTOR, 3 * SECTOR + 100);
    /* A write has the sectors that were whole. */
    memset(data, 0x77, sizeof(data));
    phys_map_write(fx.bench.map, BUFFER_AT, data, sizeof(data));
    command28(0xca, MASTER, 600, 8);
    bm_start(false);
    settle();
    ck_assert(!fx.irq[0]);
    file_read_at(0, 600 * SECTOR, data, 4 * SECTOR);
    ck_assert_uint_eq(data[3 * SECTOR - 1], 0x77);
    bytes_are_disk(data + 3 * SECTOR, 603 * SECTOR, SECTOR);
    ck_assert_uint_eq(alt_status() & (BSY | DRQ), 0);
}
END_TEST

START_TEST(dma_without_bus_mastering_fails)
{
    config_out(&fx.bench, IDE_DEVFN, 0x04, 2, 1);
    prd_set(0, BUFFER_AT, SECTOR, true);
    command28(0xc8, MASTER, 50, 1);
    bm_start(true);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    ck_assert_uint_eq(in(ERROR_REG), ABRT);
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 6);
}
END_TEST

START_TEST(table_outside_of_ram_does_no_harm)
{
    bm_out(BM_PRD, 4, 0xfffffff0);
    command28(0xc8, MASTER, 50, 200);
    bm_out(BM_CMD, 1, 9);
    settle();
    bm_stop();
    ck_assert_uint_eq(alt_status() & (BSY | DRQ), 0);
}
END_TEST

START_TEST(stopped_bus_master_leaves_a_drive_that_can_be_reset)
{
    prd_set(0, BUFFER_AT, 0, true);
    command28(0xc8, MASTER, 50, 128);
    bm_start(true);
    bm_stop();
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 1, 0);
    out_control(SRST);
    out_control(0);
    ck_assert_uint_eq(settle(), READY);
    ck_assert(!fx.irq[0]);
    command28(0xc8, MASTER, 60, 128);
    bm_start(true);
    out_control(SRST); /* in flight */
    out_control(0);
    ck_assert_uint_eq(settle(), READY);
    ck_assert(!fx.irq[0]);
}
END_TEST

START_TEST(bus_master_registers_have_their_widths)
{
    bm_out(BM_PRD, 4, 0x12345677);
    ck_assert_uint_eq(bm_in(BM_PRD, 4), 0x12345674);
    ck_assert_uint_eq(bm_in(BM_PRD + 2, 2), 0x1234);
    bm_out(BM_PRD + 1, 1, 0xab);
    ck_assert_uint_eq(bm_in(BM_PRD, 4), 0x1234ab74);
    bm_out(BM_STS, 1, 0x60);
    ck_assert_uint_eq(bm_in(BM_STS, 1), 0x60);
    ck_assert_uint_eq(bm_in(0, 4), 0x00600000);
    bm_out(BM_STS, 1, 0);
    ck_assert_uint_eq(bm_in(BM_STS, 1), 0);
}
END_TEST

/* ---- TRIM ---- */

static void trim(uint64_t lba, unsigned sectors)
{
    uint64_t entries[64] = { lba | (uint64_t)sectors << 48 };

    phys_map_write(fx.bench.map, BUFFER_AT, entries, sizeof(entries));
    prd_set(0, BUFFER_AT, SECTOR, true);
    out(FEATURES, 1);
    command48(0x06, MASTER, 0, 1);
    bm_start(false);
    settle();
    bm_stop();
}

START_TEST(trim_discards_ranges_and_checks_them)
{
    uint8_t data[SECTOR];

    trim(8192, 4096);
    ck_assert_uint_eq(settle_irq(), READY);
    file_read_at(0, 8191 * SECTOR, data, SECTOR);
    bytes_are_disk(data, 8191 * SECTOR, SECTOR);
    file_read_at(0, (8192 + 4096) * SECTOR, data, SECTOR);
    bytes_are_disk(data, (8192 + 4096) * SECTOR, SECTOR);
    trim(DISK_SECTORS - 1, 2);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    out(FEATURES, 0);
    command48(0x06, MASTER, 0, 1);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    ck_assert_uint_eq(in(ERROR_REG), ABRT);
}
END_TEST

/* ---- Snapshot image, saved state ---- */

START_TEST(snapshot_disk_leaves_its_image_alone)
{
    uint8_t data[SECTOR], back[SECTOR];

    device_free(fx.ide);
    block_close(fx.node[0]);
    node_open(0, false, true);
    controller_new();
    memset(data, 0x99, SECTOR);
    command28(0x30, MASTER, 77, 1);
    words_out(data, SECTOR);
    ck_assert_uint_eq(settle_irq(), READY);
    command28(0x20, MASTER, 77, 1);
    settle();
    words_in(back, SECTOR);
    ck_assert_mem_eq(data, back, SECTOR);
    file_read_at(0, 77 * SECTOR, back, SECTOR);
    bytes_are_disk(back, 77 * SECTOR, SECTOR);
}
END_TEST

static size_t field_size(const StateField *field)
{
    static const size_t width[] = { [STATE_U8] = 1,  [STATE_U16] = 2,  [STATE_U32] = 4,
                                    [STATE_U64] = 8, [STATE_BOOL] = 1, [STATE_BYTES] = 1 };

    return width[field->type] * field->count;
}

/* From one device into another through the table. */
static void state_copy(const StateTable *table, void *to, const void *from)
{
    for (const StateField *field = table->fields; field->name != NULL; field++) {
        memcpy((char *)to + field->offset, (const char *)from + field->offset, field_size(field));
    }
    table->loaded(to);
}

START_TEST(read_goes_on_after_a_snapshot)
{
    static uint8_t data[300 * SECTOR];
    Bench first = fx.bench;
    IoBus *io = io_bus_new();
    const BoardConfig config = { .map = first.map, .io = io, .clock = first.clock };
    Board *board = board_new(&config);
    PciBus *bus = pci_bus_new(board, "pci.0", fx_set_pin, NULL);
    Device *second = controller_on(board, NULL);

    command28(0xc4, MASTER, 0, 0);
    for (unsigned i = 0; i < 20 * SECTOR / 2; i++) {
        settle();
        ((uint16_t *)data)[i] = data_in();
    }
    settle();
    for (unsigned i = 0; i < IDE_DRIVES; i++) {
        state_copy(&ide_drive_state, ide_drive_at(second, i), ide_drive_at(fx.ide, i));
    }
    for (unsigned i = 0; i < 2; i++) {
        state_copy(&ide_channel_state, ide_channel_device(second, i),
                   ide_channel_device(fx.ide, i));
    }
    pci_config_write(bus, IDE_DEVFN, 4, 2, 5);
    fx.bench.io = io;
    for (unsigned i = 20 * SECTOR / 2; i < 256 * SECTOR / 2; i++) {
        settle();
        ((uint16_t *)data)[i] = data_in();
    }
    ck_assert_uint_eq(settle(), READY);
    bytes_are_disk(data, 0, 256 * SECTOR);
    fx.bench = first;
    device_free(second);
    pci_bus_free(bus);
    board_free(board);
    io_bus_free(io);
}
END_TEST

START_TEST(nonsense_in_a_saved_drive_is_not_believed)
{
    const StateTable *table = &ide_drive_state;
    GRand *rand = g_rand_new_with_seed(3);

    for (int round = 0; round < 3000; round++) {
        char *drive = (char *)ide_drive_at(fx.ide, (unsigned)round % IDE_DRIVES);

        for (const StateField *field = table->fields; field->name != NULL; field++) {
            if (field->type != STATE_BYTES && field->type != STATE_BOOL) {
                memset(drive + field->offset, 0, field_size(field));
                for (size_t i = 0; i < MIN(field_size(field), 2); i++) {
                    drive[field->offset + i] = (char)(g_rand_int(rand) & (i == 0 ? 0xff : 0x3));
                }
                if (g_rand_int_range(rand, 0, 3) == 0) {
                    drive[field->offset] &= 0x8;
                }
            }
            /* Near the truth, so that not all is refused at once. */
            if (strcmp(field->name, "transfer") == 0) {
                drive[field->offset] = (char)g_rand_int_range(rand, 0, 12);
            } else if (strcmp(field->name, "status") == 0) {
                drive[field->offset] = READY | DRQ;
            } else if (strcmp(field->name, "dma_waiting") == 0) {
                drive[field->offset] = (char)g_rand_int_range(rand, 0, 2);
            }
        }
        table->loaded(drive);
        use_channel((unsigned)round / 2 % 2);
        select_drive(round % 2 != 0 ? SLAVE : MASTER);
        for (int i = 0; i < 600 && (settle() & DRQ) != 0; i++) {
            data_in();
            data_out(0);
        }
        bm_start(true);
        settle();
        bm_stop();
        board_reset(fx.bench.board);
        config_out(&fx.bench, IDE_DEVFN, 0x04, 2, 5);
    }
    g_rand_free(rand);
}
END_TEST

/* ---- Whatever a guest does ---- */

START_TEST(random_port_accesses_do_no_harm)
{
    GRand *rand = g_rand_new_with_seed((guint32)_i + 1);

    for (int i = 0; i < 60000; i++) {
        unsigned r = g_rand_int(rand);
        unsigned width = 1u << (r & 3) % 3;
        uint32_t value = g_rand_int(rand);
        uint16_t port = (uint16_t)((r & 16 ? 0x1f0 : 0x170) + (r >> 5 & 7));

        if ((r >> 8 & 15) == 0) {
            port = r & 16 ? 0x3f6 : 0x376;
            value &= (r & 0x1000) != 0 ? 0xff : (uint32_t)~SRST;
        } else if ((r >> 8 & 15) < 3) {
            port = (uint16_t)(BM_BASE + (r >> 5 & 15));
        }
        if ((r >> 12 & 1) != 0) {
            io_bus_write(fx.bench.io, port, width, value);
        } else {
            io_bus_read(fx.bench.io, port, width);
        }
        if ((r >> 16 & 3) == 0) {
            g_main_context_iteration(NULL, FALSE);
        }
    }
    g_rand_free(rand);
    board_reset(fx.bench.board);
    config_out(&fx.bench, IDE_DEVFN, 0x04, 2, 5);
    command28(0x20, MASTER, 0, 1);
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("ide");

    tcase_add_checked_fixture(tc, fixture_open, fixture_close);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, drives_show_their_signatures_after_reset);
    tcase_add_test(tc, software_reset_is_busy_while_it_lasts);
    tcase_add_test(tc, reset_forgets_a_read_in_flight);
    tcase_add_test(tc, diagnostics_answer_for_both_drives);
    tcase_add_test(tc, absent_drive_reads_as_zeros_and_takes_no_command);
    tcase_add_test(tc, registers_keep_what_was_written_before);
    tcase_add_test(tc, interrupt_of_a_masked_or_unselected_drive_waits);
    tcase_add_test(tc, channel_can_be_switched_off);
    tcase_add_test(tc, identify_tells_size_and_geometry);
    tcase_add_test(tc, geometry_follows_the_partition_table);
    tcase_add_test(tc, settings_show_in_identify);
    tcase_add_loop_test(tc, simple_command_ends_as_its_row_says, 0, G_N_ELEMENTS(simple_rows));
    tcase_add_test(tc, power_mode_is_active);
    tcase_add_test(tc, native_max_is_the_last_sector);
    tcase_add_test(tc, smart_says_that_the_disk_is_well);
    tcase_add_test(tc, buffer_keeps_what_is_written);
    tcase_add_loop_test(tc, sectors_are_read_block_by_block, 0, G_N_ELEMENTS(read_rows));
    tcase_add_loop_test(tc, sectors_are_written_block_by_block, 0, G_N_ELEMENTS(write_rows));
    tcase_add_test(tc, count_of_zero_is_256_sectors);
    tcase_add_test(tc, double_words_and_words_mix_at_the_data_register);
    tcase_add_test(tc, cylinder_head_and_sector_find_the_sector);
    tcase_add_loop_test(tc, address_is_checked_as_its_row_says, 0, G_N_ELEMENTS(error_rows));
    tcase_add_test(tc, multiple_without_a_setting_aborts);
    tcase_add_test(tc, write_to_a_readonly_disk_aborts);
    tcase_add_test(tc, sector_that_cannot_be_read_is_an_error);
    tcase_add_test(tc, commands_are_ignored_while_data_waits);
    tcase_add_test(tc, flush_reaches_stable_storage);
    tcase_add_test(tc, write_without_a_cache_reaches_stable_storage);
    tcase_add_loop_test(tc, dma_reads_into_scattered_memory, 0, G_N_ELEMENTS(dma_reads));
    tcase_add_test(tc, dma_waits_for_the_bus_master);
    tcase_add_test(tc, dma_writes_from_memory);
    tcase_add_test(tc, table_that_is_too_long_stays_active);
    tcase_add_test(tc, table_that_is_too_short_ends_without_interrupt);
    tcase_add_test(tc, dma_without_bus_mastering_fails);
    tcase_add_test(tc, table_outside_of_ram_does_no_harm);
    tcase_add_test(tc, stopped_bus_master_leaves_a_drive_that_can_be_reset);
    tcase_add_test(tc, bus_master_registers_have_their_widths);
    tcase_add_test(tc, trim_discards_ranges_and_checks_them);
    tcase_add_test(tc, snapshot_disk_leaves_its_image_alone);
    tcase_add_test(tc, read_goes_on_after_a_snapshot);
    tcase_add_test(tc, nonsense_in_a_saved_drive_is_not_believed);
    tcase_add_loop_test(tc, random_port_accesses_do_no_harm, 0, 4);
    return suite_run(tc, "hw/ide");
}
