/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ide_cdrom.c - the ATAPI CD-ROM drive, from its ports. */
#include "tests/hw/ide_fixture.h"

enum { CD = 2048, REASON_COMMAND = 1, REASON_TO_HOST = 2, REASON_DONE = 3 };
enum { NOT_READY = 0x20, ILLEGAL = 0x54, ATTENTION = 0x60 }; /* error register: sense key, ABRT */

typedef struct Packet {
    uint8_t byte[12];
} Packet;

static void setup(void)
{
    fixture_open();
    use_channel(1);
    select_drive(0xa0);
}

/* The command phase: the drive asks for the packet without an interrupt. */
static void packet_send(const Packet *packet, unsigned features, unsigned limit)
{
    out(FEATURES, features);
    out(LBA_MID, limit & 0xff);
    out(LBA_HIGH, limit >> 8);
    out(COMMAND, 0xa0);
    ck_assert_uint_eq(alt_status(), READY | DRQ);
    ck_assert_uint_eq(in(COUNT), REASON_COMMAND);
    ck_assert(!fx.irq[1]);
    words_out(packet->byte, 12);
}

/* A whole command by PIO: returns bytes, or minus the error register. */
static int packet_run(const Packet *packet, void *data, unsigned limit)
{
    uint8_t *at = data;

    packet_send(packet, 0, limit);
    for (;;) {
        uint8_t status = settle_irq();
        unsigned size = in(LBA_MID) | (unsigned)in(LBA_HIGH) << 8;

        if ((status & DRQ) == 0) {
            ck_assert_uint_eq(in(COUNT)&7, REASON_DONE);
            return (status & ERR) != 0 ? -in(ERROR_REG) : (int)(at - (uint8_t *)data);
        }
        ck_assert_uint_eq(in(COUNT), REASON_TO_HOST);
        ck_assert_uint_ge(size, 1);
        ck_assert_uint_le(size, limit);
        for (unsigned i = 0; i < size; i += 2) {
            uint16_t word = data_in();

            memcpy(at, &word, MIN(2, size - i));
            at += MIN(2, size - i);
        }
    }
}

static int packet_simple(Packet packet)
{
    uint8_t data[64];

    return packet_run(&packet, data, 64);
}

/* Sense key, ASC, ASCQ as one number. */
static unsigned sense(void)
{
    const Packet packet = { { 0x03, 0, 0, 0, 18 } };
    uint8_t data[32];

    ck_assert_int_eq(packet_run(&packet, data, 32), 18);
    return (unsigned)(data[2] << 16 | data[12] << 8 | data[13]);
}

START_TEST(disk_commands_find_a_packet_drive)
{
    out(COMMAND, 0xec);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    ck_assert_uint_eq(in(LBA_MID), 0x14);
    ck_assert_uint_eq(in(LBA_HIGH), 0xeb);
    out(LBA_MID, 0);
    out(COMMAND, 0x20);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    ck_assert_uint_eq(in(LBA_MID), 0x14);
}
END_TEST

START_TEST(identify_packet_device_describes_a_cdrom)
{
    uint16_t id[256];

    out(COMMAND, 0xa1);
    ck_assert_uint_eq(settle_irq(), READY | DRQ);
    words_in(id, SECTOR);
    ck_assert_uint_eq(id[0], 0x85c0);
    ck_assert_uint_eq(id[27], 'D' << 8 | 'O');
    ck_assert_uint_eq(id[49] & 0x300, 0x300);
    ck_assert_uint_eq(alt_status(), READY);
}
END_TEST

START_TEST(device_reset_works_while_data_waits)
{
    const Packet packet = { { 0x12, 0, 0, 0, 36 } };

    packet_send(&packet, 0, 64);
    ck_assert_uint_eq(settle() & DRQ, DRQ);
    out(COMMAND, 0x08);
    ck_assert_uint_eq(alt_status(), 0);
    ck_assert(!fx.irq[1]);
    ck_assert_uint_eq(in(LBA_MID), 0x14);
    ck_assert_int_eq(packet_simple((Packet){ { 0 } }), 0);
}
END_TEST

START_TEST(inquiry_is_cut_to_the_room_there_is)
{
    Packet packet = { { 0x12, 0, 0, 0, 36 } };
    uint8_t data[64];

    ck_assert_int_eq(packet_run(&packet, data, 64), 36);
    ck_assert_uint_eq(data[0], 5);
    ck_assert_uint_eq(data[1], 0x80);
    ck_assert_mem_eq(data + 16, "DVD-ROM", 7);
    packet.byte[4] = 5;
    ck_assert_int_eq(packet_run(&packet, data, 64), 5);
    packet.byte[4] = 0;
    ck_assert_int_eq(packet_run(&packet, data, 64), 0);
    packet.byte[4] = 36;
    packet.byte[1] = 1;
    ck_assert_int_eq(packet_run(&packet, data, 64), -ILLEGAL);
    ck_assert_uint_eq(sense(), 0x052400);
}
END_TEST

START_TEST(blocks_follow_the_byte_count)
{
    const Packet packet = { { 0x12, 0, 0, 0, 36 } };
    uint8_t data[64];

    fx.raised[1] = 0;
    ck_assert_int_eq(packet_run(&packet, data, 11), 36); /* 10, 10, 10, 6 */
    ck_assert_uint_eq(fx.raised[1], 5);
    packet_send(&packet, 0, 0);
    ck_assert_uint_eq(settle_irq(), READY | ERR);
    ck_assert_uint_eq(in(ERROR_REG), ABRT);
}
END_TEST

static const unsigned limits[] = { 2048, 0xffff, 0x8000, 1000, 65535 };

START_TEST(sectors_are_read_by_pio)
{
    enum { N = 70, FIRST = 100 };
    static uint8_t data[N * CD];
    Packet packet = { { 0x28, 0, 0, 0, 0, FIRST, 0, 0, N } };

    ck_assert_int_eq(packet_run(&packet, data, limits[_i]), sizeof(data));
    bytes_are_disk(data, FIRST * CD, sizeof(data));
    packet = (Packet){ { 0xa8, 0, 0, 0, 0, FIRST, 0, 0, 0, N } };
    ck_assert_int_eq(packet_run(&packet, data, limits[_i]), sizeof(data));
    packet = (Packet){ { 0xbe, 0, 0, 0, 0, FIRST, 0, 0, N, 0x10 } };
    memset(data, 0, sizeof(data));
    ck_assert_int_eq(packet_run(&packet, data, limits[_i]), sizeof(data));
    bytes_are_disk(data, FIRST * CD, sizeof(data));
}
END_TEST

START_TEST(sectors_are_read_by_dma)
{
    enum { N = 200, FIRST = 150 };
    const Packet packet = { { 0x28, 0, 0, 0, 0, FIRST, 0, 0, N } };

    for (unsigned i = 0; i < 7; i++) {
        prd_set(i, BUFFER_AT + i * 65536, i < 6 ? 0 : N * CD - 6 * 65536, i == 6);
    }
    packet_send(&packet, 1, 0);
    bm_start(true);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(in(COUNT), REASON_DONE);
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 4);
    bm_stop();
    memory_is_disk(BUFFER_AT, FIRST * CD, N * CD);
}
END_TEST

START_TEST(replies_come_by_dma_too)
{
    const Packet packet = { { 0x12, 0, 0, 0, 36 } };

    prd_set(0, BUFFER_AT, 64, true);
    bm_start(true);
    packet_send(&packet, 1, 0);
    ck_assert_uint_eq(settle_irq(), READY);
    ck_assert_uint_eq(bm_in(BM_STS, 1) & 7, 5); /* less than the table has */
    ck_assert_uint_eq(get8(&fx.bench, BUFFER_AT), 5);
    bm_stop();
}
END_TEST

static const struct {
    const char *name;
    Packet packet;
    int result;
    unsigned sense;
} rows[] = {
    { "test unit ready", { { 0x00 } }, 0, 0 },
    { "start", { { 0x1b, 0, 0, 0, 1 } }, 0, 0 },
    { "seek", { { 0x2b, 0, 0, 0, 0, 5 } }, 0, 0 },
    { "seek behind the end", { { 0x2b, 0, 0, 0, 2, 0 } }, -ILLEGAL, 0x052100 },
    { "read of nothing", { { 0x28 } }, 0, 0 },
    { "read over the end", { { 0x28, 0, 0, 0, 1, 0x8f, 0, 0, 2 } }, -ILLEGAL, 0x052100 },
    { "read far behind", { { 0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1 } }, -ILLEGAL, 0x052100 },
    { "read 12 of 4 G", { { 0xa8, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff } }, -ILLEGAL, 0x052100 },
    { "read CD of audio", { { 0xbe, 4, 0, 0, 0, 0, 0, 0, 1, 0x10 } }, -ILLEGAL, 0x052400 },
    { "read CD raw", { { 0xbe, 0, 0, 0, 0, 0, 0, 0, 1, 0xf8 } }, -ILLEGAL, 0x052400 },
    { "read capacity", { { 0x25 } }, 8, 0 },
    { "TOC", { { 0x43, 0, 0, 0, 0, 0, 0, 0, 64 } }, 20, 0 },
    { "TOC of the lead-out", { { 0x43, 2, 0, 0, 0, 0, 0xaa, 0, 64 } }, 12, 0 },
    { "TOC of track 2", { { 0x43, 0, 0, 0, 0, 0, 2, 0, 64 } }, -ILLEGAL, 0x052400 },
    { "sessions", { { 0x43, 0, 1, 0, 0, 0, 0, 0, 64 } }, 12, 0 },
    { "full TOC", { { 0x43, 2, 2, 0, 0, 0, 0, 0, 64 } }, 48, 0 },
    { "event of no class", { { 0x4a, 1, 0, 0, 0x02, 0, 0, 0, 8 } }, 4, 0 },
    { "event of the medium", { { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 } }, 8, 0 },
    { "event, not polled", { { 0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8 } }, -ILLEGAL, 0x052400 },
    { "mode page 2a", { { 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 64 } }, 28, 0 },
    { "all mode pages", { { 0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 64 } }, 52, 0 },
    { "mode page 05", { { 0x5a, 0, 0x05, 0, 0, 0, 0, 0, 64 } }, -ILLEGAL, 0x052400 },
    { "saved mode page", { { 0x5a, 0, 0xea, 0, 0, 0, 0, 0, 64 } }, -ILLEGAL, 0x053900 },
    { "mechanism status", { { 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8 } }, 8, 0 },
    { "disc information", { { 0x51, 0, 0, 0, 0, 0, 0, 0, 34 } }, 34, 0 },
    { "track information", { { 0x52, 1, 0, 0, 0, 1, 0, 0, 36 } }, 36, 0 },
    { "core feature", { { 0x46, 2, 0, 1, 0, 0, 0, 0, 64 } }, 20, 0 },
    { "no such packet", { { 0xff } }, -ILLEGAL, 0x052000 },
    { "write", { { 0x2a, 0, 0, 0, 0, 0, 0, 0, 1 } }, -ILLEGAL, 0x052000 },
};

START_TEST(packet_ends_as_its_row_says)
{
    uint8_t data[64];
    int result = packet_run(&rows[_i].packet, data, 64);

    ck_assert_msg(result == rows[_i].result, "%s: %d", rows[_i].name, result);
    ck_assert_msg(sense() == rows[_i].sense, "%s", rows[_i].name);
    ck_assert_uint_eq(sense(), 0); /* told once */
}
END_TEST

START_TEST(capacity_is_the_last_sector)
{
    const Packet packet = { { 0x25 } };
    uint8_t data[8];

    ck_assert_int_eq(packet_run(&packet, data, 8), 8);
    ck_assert_uint_eq((unsigned)(data[2] << 8 | data[3]), CD_SECTORS - 1);
    ck_assert_uint_eq((unsigned)(data[6] << 8 | data[7]), CD);
}
END_TEST

START_TEST(configuration_names_the_profile)
{
    const Packet packet = { { 0x46, 0, 0, 0, 0, 0, 0, 1, 0 } };
    uint8_t data[256];
    int size = packet_run(&packet, data, 256);

    ck_assert_int_gt(size, 8);
    ck_assert_int_eq(size, (data[2] << 8 | data[3]) + 4);
    ck_assert_uint_eq(data[7], 0x08);
}
END_TEST

START_TEST(tray_opens_unless_it_is_locked)
{
    const Packet eject = { { 0x1b, 0, 0, 0, 2 } }, load = { { 0x1b, 0, 0, 0, 3 } };
    const Packet lock = { { 0x1e, 0, 0, 0, 1 } }, unlock = { { 0x1e } };
    const Packet event = { { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 } };
    uint8_t data[64];

    ck_assert_int_eq(packet_simple(lock), 0);
    ck_assert_int_eq(packet_simple(eject), -ILLEGAL);
    ck_assert_uint_eq(sense(), 0x055302);
    ck_assert_int_eq(packet_simple(unlock), 0);
    ck_assert_int_eq(packet_simple(eject), 0);
    ck_assert_int_eq(packet_simple((Packet){ { 0x00 } }), -NOT_READY);
    ck_assert_uint_eq(sense(), 0x023a02);
    ck_assert_int_eq(packet_run(&event, data, 64), 8);
    ck_assert_uint_eq(data[4], 3); /* removed */
    ck_assert_uint_eq(data[5], 1); /* open */
    ck_assert_int_eq(packet_simple(load), 0);
    ck_assert_int_eq(packet_run(&event, data, 64), 8);
    ck_assert_uint_eq(data[4], 2); /* new medium */
    ck_assert_uint_eq(data[5], 2); /* present */
    ck_assert_int_eq(packet_simple((Packet){ { 0x00 } }), -ATTENTION);
    ck_assert_uint_eq(sense(), 0x062800);
    ck_assert_int_eq(packet_simple((Packet){ { 0x00 } }), 0);
}
END_TEST

static unsigned moves;
static bool moved_open;

static void on_tray_moved(void *opaque, BlockNode *node, bool open)
{
    (void)opaque;
    ck_assert_ptr_eq(node, fx.node[2]);
    moves++;
    moved_open = open;
}

START_TEST(tray_that_the_guest_moves_is_told)
{
    const BlockExecutor executor = { .tray_moved = on_tray_moved };

    moves = 0;
    block_set_executor(fx.node[2], &executor);
    ck_assert_int_eq(packet_simple((Packet){ { 0x1b, 0, 0, 0, 2 } }), 0);
    ck_assert(moves == 1 && moved_open && block_tray_is_open(fx.node[2]));
    ck_assert_int_eq(packet_simple((Packet){ { 0x1b, 0, 0, 0, 2 } }), 0); /* it is open */
    ck_assert_uint_eq(moves, 1);
    block_tray_move(fx.node[2], false);
    ck_assert(moves == 2 && !moved_open);
}
END_TEST

static void medium_event(unsigned event, unsigned state)
{
    const Packet packet = { { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 } };
    uint8_t data[64];

    ck_assert_int_eq(packet_run(&packet, data, 64), 8);
    ck_assert_uint_eq(data[4], event);
    ck_assert_uint_eq(data[5], state);
}

START_TEST(medium_is_changed_from_outside)
{
    const BlockOptions other = { .path = fx.path[1], .format = "raw", .readonly = true };
    const Packet capacity = { { 0x25 } }, read = { { 0x28, 0, 0, 0, 0, 3, 0, 0, 1 } };
    uint8_t data[2048];

    ck_assert(block_is_removable(fx.node[2]) && !block_is_removable(fx.node[0]));
    ck_assert_int_eq(packet_run(&capacity, data, 64), 8);
    block_tray_move(fx.node[2], true);
    block_take_out(fx.node[2]);
    ck_assert(!block_has_medium(fx.node[2]));
    ck_assert_int_eq(packet_simple((Packet){ { 0x00 } }), -NOT_READY);
    ck_assert_uint_eq(sense(), 0x023a02);
    medium_event(3, 1); /* removed, open */
    block_tray_move(fx.node[2], false);
    ck_assert_int_eq(packet_simple((Packet){ { 0x00 } }), -NOT_READY);
    ck_assert_uint_eq(sense(), 0x023a01);
    block_tray_move(fx.node[2], true);
    ck_assert(block_put_in(fx.node[2], &other, NULL));
    block_tray_move(fx.node[2], false);
    medium_event(2, 2); /* new, present */
    ck_assert_int_eq(packet_simple((Packet){ { 0x00 } }), -ATTENTION);
    ck_assert_uint_eq(sense(), 0x062800);
    ck_assert_int_eq(packet_run(&capacity, data, 64), 8);
    ck_assert_uint_eq(data[2] << 8 | data[3], SLAVE_SECTORS / 4 - 1);
    ck_assert_int_eq(packet_run(&read, data, 2048), 2048);
    bytes_are_disk(data, 3 * 2048, 2048);
}
END_TEST

START_TEST(locked_tray_asks_the_guest)
{
    ck_assert_int_eq(packet_simple((Packet){ { 0x1e, 0, 0, 0, 1 } }), 0);
    ck_assert(block_tray_is_locked(fx.node[2]));
    block_tray_ask(fx.node[2], false);
    ck_assert(block_tray_is_locked(fx.node[2]));
    medium_event(1, 2); /* eject wanted, present */
    medium_event(0, 2);
    block_tray_ask(fx.node[2], true);
    ck_assert(!block_tray_is_locked(fx.node[2]));
}
END_TEST

START_TEST(medium_that_is_torn_out_ends_a_read)
{
    const Packet read = { { 0x28, 0, 0, 0, 0, 0, 0, 0, 200 } };
    unsigned status;

    packet_send(&read, 0, 2048);
    ck_assert((settle() & DRQ) != 0);
    block_take_out(fx.node[2]);
    while (((status = settle()) & DRQ) != 0) {
        data_in();
    }
    ck_assert_uint_eq(status & ERR, ERR);
    ck_assert_uint_eq(sense() >> 16, 3);
}
END_TEST

START_TEST(empty_drive_says_that_it_is_empty)
{
    const Packet inquiry = { { 0x12, 0, 0, 0, 36 } };
    uint8_t data[64];

    select_drive(0xb0);
    ck_assert_uint_eq(in(LBA_MID), 0x14);
    ck_assert_int_eq(packet_simple((Packet){ { 0x00 } }), -NOT_READY);
    ck_assert_uint_eq(sense(), 0x023a01);
    ck_assert_int_eq(packet_simple((Packet){ { 0x28, 0, 0, 0, 0, 0, 0, 0, 1 } }), -NOT_READY);
    ck_assert_int_eq(packet_run(&inquiry, data, 64), 36);
    ck_assert_int_eq(packet_simple((Packet){ { 0x1b, 0, 0, 0, 2 } }), 0);
    out(COMMAND, 0xe7);
    ck_assert_uint_eq(settle_irq(), READY);
}
END_TEST

START_TEST(random_packets_do_no_harm)
{
    GRand *rand = g_rand_new_with_seed(5);

    for (int i = 0; i < 3000; i++) {
        Packet packet;

        for (unsigned n = 0; n < sizeof(packet); n++) {
            packet.byte[n] = (uint8_t)(g_rand_int(rand) & g_rand_int(rand));
        }
        packet.byte[0] = rows[g_rand_int_range(rand, 0, G_N_ELEMENTS(rows))].packet.byte[0];
        select_drive(g_rand_boolean(rand) ? 0xa0 : 0xb0);
        packet_send(&packet, (unsigned)g_rand_int_range(rand, 0, 2),
                    (unsigned)g_rand_int_range(rand, 0, 65536));
        prd_set(0, BUFFER_AT, (unsigned)g_rand_int_range(rand, 0, 65536), true);
        bm_start(true);
        for (int n = 0; n < 300000 && (settle() & DRQ) != 0; n++) {
            data_in();
        }
        bm_stop();
        out(COMMAND, 0x08);
        in(STATUS);
    }
    g_rand_free(rand);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("cdrom");

    tcase_add_checked_fixture(tc, setup, fixture_close);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, disk_commands_find_a_packet_drive);
    tcase_add_test(tc, identify_packet_device_describes_a_cdrom);
    tcase_add_test(tc, device_reset_works_while_data_waits);
    tcase_add_test(tc, inquiry_is_cut_to_the_room_there_is);
    tcase_add_test(tc, blocks_follow_the_byte_count);
    tcase_add_loop_test(tc, sectors_are_read_by_pio, 0, G_N_ELEMENTS(limits));
    tcase_add_test(tc, sectors_are_read_by_dma);
    tcase_add_test(tc, replies_come_by_dma_too);
    tcase_add_loop_test(tc, packet_ends_as_its_row_says, 0, G_N_ELEMENTS(rows));
    tcase_add_test(tc, capacity_is_the_last_sector);
    tcase_add_test(tc, configuration_names_the_profile);
    tcase_add_test(tc, tray_opens_unless_it_is_locked);
    tcase_add_test(tc, tray_that_the_guest_moves_is_told);
    tcase_add_test(tc, medium_is_changed_from_outside);
    tcase_add_test(tc, locked_tray_asks_the_guest);
    tcase_add_test(tc, medium_that_is_torn_out_ends_a_read);
    tcase_add_test(tc, empty_drive_says_that_it_is_empty);
    tcase_add_test(tc, random_packets_do_no_harm);
    return suite_run(tc, "hw/ide/cdrom");
}
