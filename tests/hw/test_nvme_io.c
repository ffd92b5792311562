/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An NVMe controller from its registers and queues: I/O commands, PRPs and SGLs, interrupts, resets
 * with commands under way; rubbish in all of it. */
#include "tests/hw/nvme_fixture.h"
#include "tests/hw/state_rubbish.h"

START_TEST(blocks_are_read)
{
    static const uint32_t counts[] = { 1, 8, 9, 16, 17, 100, 1024 };
    NCommand read;

    n_start();
    for (unsigned i = 0; i < G_N_ELEMENTS(counts); i++) {
        read = n_io(2, 1, 33, counts[i], counts[i] * 512);
        ck_assert_uint_eq(n_run(1 + i % 2, &read, NULL), 0);
        n_data_is(33 * 512, counts[i] * 512);
    }
    read = n_io(2, 2, 3, 2, 8192);
    ck_assert_uint_eq(n_run(2, &read, NULL), 0);
    n_data_is(3 * 4096, 8192);
}
END_TEST

START_TEST(prps_may_begin_anywhere)
{
    NCommand read = n_io(2, 1, 5, 32, 16384);

    n_start();
    read.prp[0] = N_DATA + 0x200; /* 3.5 KiB, three pages, and what is left */
    read.prp[1] = N_LIST + 0xfe8; /* of whose list three entries are in the first page */
    n_put(N_LIST + 0xfe8, N_DATA + 0x1000, 8);
    n_put(N_LIST + 0xff0, N_DATA + 0x2000, 8);
    n_put(N_LIST + 0xff8, N_LIST + 0x4000, 8);
    n_put(N_LIST + 0x4000, N_DATA + 0x3000, 8);
    n_put(N_LIST + 0x4008, N_DATA + 0x4000, 8);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
    for (uint32_t i = 0; i < 16384; i++) {
        ck_assert_uint_eq(n_get(N_DATA + 0x200 + i, 1), n_byte(5 * 512 + i));
    }
    n_put(N_LIST + 0x4008, N_DATA + 0x4008, 8);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0x13);
    read.prp[1] = N_LIST + 4;
    ck_assert_uint_eq(n_run(1, &read, NULL), 0x13);
    read.prp[1] = 0xd0000000;
    ck_assert_uint_eq(n_run(1, &read, NULL), 0x04);
}
END_TEST

static void sgl(uint64_t at, uint64_t address, uint32_t length, uint8_t type)
{
    n_put(at, address, 8);
    n_put(at + 8, length | (uint64_t)type << 56, 8);
}

START_TEST(sgls_are_followed)
{
    NCommand read = n_io(2, 1, 5, 4, 2048);

    n_start();
    read.flags = 0x40;
    read.prp[0] = N_DATA;
    read.prp[1] = 2048;
    ck_assert_uint_eq(n_run(1, &read, NULL), 0); /* one block of data */
    n_data_is(5 * 512, 2048);
    phys_map_write(n.bench.map, N_DATA, (uint8_t[2048]){ 0 }, 2048);
    read.prp[0] = N_LIST;
    read.prp[1] = 48 | UINT64_C(0x20) << 56; /* a segment of two, and one that is the last */
    sgl(N_LIST, N_DATA, 3, 0);
    sgl(N_LIST + 16, N_DATA + 3, 1000, 0);
    sgl(N_LIST + 32, N_LIST + 0x1008, 32, 0x30);
    sgl(N_LIST + 0x1008, N_DATA + 1003, 5, 0);
    sgl(N_LIST + 0x1018, N_DATA + 1008, 1040, 0);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
    n_data_is(5 * 512, 2048);
    sgl(N_LIST + 0x1018, N_DATA + 1008, 1039, 0);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0x0f); /* too short */
    sgl(N_LIST + 0x1018, N_DATA + 1008, 1040, 0x40);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0x11);
    sgl(N_LIST + 0x1018, N_LIST, 16, 0x30);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0x0d); /* behind the last */
    sgl(N_LIST + 32, N_LIST, 48, 0x20);
    ck_assert_uint_ne(n_run(1, &read, NULL), 0); /* round and round */
    read.prp[1] = 47 | UINT64_C(0x20) << 56;
    ck_assert_uint_eq(n_run(1, &read, NULL), 0x0d);
    read.flags = 0xc0;
    ck_assert_uint_eq(n_run(1, &read, NULL), 0x02);
}
END_TEST

START_TEST(written_blocks_are_in_the_file_after_a_flush)
{
    g_autofree char *contents = NULL;
    NCommand write = n_io(1, 1, 100, 24, 24 * 512);
    const NCommand flush = { .opcode = 0, .nsid = 1 };

    n_start();
    for (unsigned i = 0; i < 24 * 512; i++) {
        n_put(N_DATA + i, i * 3, 1);
    }
    ck_assert_uint_eq(n_run(1, &write, NULL), 0);
    ck_assert_uint_eq(n_run(1, &flush, NULL), 0);
    ck_assert(g_file_get_contents(n.path, &contents, NULL, NULL));
    for (unsigned i = 0; i < 24 * 512; i++) {
        ck_assert_uint_eq((uint8_t)contents[100 * 512 + i], (uint8_t)(i * 3));
    }
    ck_assert_uint_eq((uint8_t)contents[124 * 512], n_byte(124 * 512));
}
END_TEST

START_TEST(a_write_is_forced_to_the_medium)
{
    NCommand write = n_io(1, 1, 100, 1, 512);
    BlockStats stats;

    n_start();
    ck_assert_uint_eq(n_run(1, &write, NULL), 0);
    block_stats(n.node, &stats);
    ck_assert_uint_eq(stats.flushes, 0);
    write.cdw[2] |= 1 << 30; /* FUA */
    ck_assert_uint_eq(n_run(1, &write, NULL), 0);
    block_stats(n.node, &stats);
    ck_assert_uint_eq(stats.flushes, 1);
    ck_assert_uint_eq(n_admin(9, 0, 0, 6, 0, NULL), 0); /* no write cache: empty it, and so on */
    write.cdw[2] &= ~(1u << 30);
    ck_assert_uint_eq(n_run(1, &write, NULL), 0);
    block_stats(n.node, &stats);
    ck_assert_uint_eq(stats.flushes, 3);
}
END_TEST

START_TEST(ranges_are_deallocated_and_zeroed)
{
    NCommand dataset = { .opcode = 9, .nsid = 1, .prp = { N_DATA }, .cdw = { 1, 4 } };
    NCommand zeroes = n_io(8, 1, 300, 16, 0), read = n_io(2, 1, 200, 8, 4096);

    n_start();
    n_put(N_DATA, UINT64_C(8) << 32, 8);
    n_put(N_DATA + 8, 200, 8);
    n_put(N_DATA + 16, UINT64_C(8) << 32, 8);
    n_put(N_DATA + 24, 1000, 8);
    ck_assert_uint_eq(n_run(1, &dataset, NULL), 0);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
    for (unsigned i = 0; i < 4096; i++) {
        ck_assert_uint_eq(n_get(N_DATA + i, 1), 0);
    }
    zeroes.cdw[2] |= 1 << 25;
    ck_assert_uint_eq(n_run(1, &zeroes, NULL), 0);
    read = n_io(2, 1, 308, 16, 8192);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
    for (unsigned i = 0; i < 4096; i++) {
        ck_assert_uint_eq(n_get(N_DATA + i, 1), 0);
    }
    ck_assert_uint_eq(n_get(N_DATA + 4096, 1), n_byte(316 * 512));
    n_put(N_DATA, UINT64_C(8) << 32, 8);
    n_put(N_DATA + 8, N_BLOCKS - 7, 8);
    ck_assert_uint_eq(n_run(1, &dataset, NULL), 0x80);
}
END_TEST

START_TEST(compare_compares)
{
    NCommand compare = n_io(5, 1, 40, 16, 8192), read = n_io(2, 1, 40, 16, 8192);

    n_start();
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
    ck_assert_uint_eq(n_run(1, &compare, NULL), 0);
    n_put(N_DATA + 8191, 0xee, 1);
    ck_assert_uint_eq(n_run(1, &compare, NULL), 0x285);
}
END_TEST

typedef struct BadRow {
    uint8_t opcode;
    uint32_t nsid;
    uint64_t lba;
    uint32_t blocks, more; /* bits of CDW12 */
    uint16_t status;
} BadRow;

static const BadRow bad_rows[] = {
    { 2, 1, N_BLOCKS, 1, 0, 0x80 },
    { 2, 1, N_BLOCKS - 1, 2, 0, 0x80 },
    { 2, 1, UINT64_MAX, 2, 0, 0x80 },
    { 1, 1, UINT64_MAX / 512, 1, 0, 0x80 },
    { 8, 1, UINT64_MAX, 65536, 0, 0x80 },
    { 2, 0, 0, 1, 0, 0x0b },
    { 2, 3, 0, 1, 0, 0x0b },
    { 2, UINT32_MAX, 0, 1, 0, 0x0b },
    { 0, UINT32_MAX, 0, 1, 0, 0x0b },
    { 2, 1, 0, 1025, 0, 0x02 },    /* more than MDTS */
    { 2, 1, 0, 1, 1 << 29, 0x02 }, /* protection information */
    { 1, 2, 0, 1, 0, 0x182 },      /* read-only */
    { 9, 2, 0, 1, 0, 0x182 },
    { 0x7f, 1, 0, 1, 0, 0x01 },
    { 0x0d, 1, 0, 1, 0, 0x01 }, /* reservations */
};

START_TEST(bad_commands_fail)
{
    const BadRow *row = &bad_rows[_i];
    NCommand command = n_io(row->opcode, row->nsid, row->lba, row->blocks, 0);
    NCommand read = n_io(2, 1, 9, 1, 512);

    command.cdw[2] |= row->more;
    n_start();
    ck_assert_uint_eq(n_run(1, &command, NULL), row->status);
    command.flags = 1; /* fused */
    ck_assert_uint_eq(n_run(1, &command, NULL), 2);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
}
END_TEST

START_TEST(a_full_completion_queue_holds_commands_back)
{
    NCommand bad = n_io(2, 3, 0, 1, 0); /* ends at once */

    n_start();
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < N_ENTRIES - 1; i++) {
            n_queue(1, &bad);
        }
        n_ring(1);
        for (unsigned i = 0; i < N_ENTRIES - 1; i++) {
            n_queue(1, &bad);
        }
        n_ring(1);
        for (unsigned i = 0; i < 2 * (N_ENTRIES - 1); i++) {
            ck_assert_uint_eq(n_take(1).status & 0x7ff, 0x0b);
        }
        ck_assert(!n_replied(1));
    }
}
END_TEST

START_TEST(the_pin_follows_the_queues)
{
    NCommand bad = n_io(2, 3, 0, 1, 0);

    n_start();
    ck_assert(!n.irq);
    n_queue(1, &bad);
    n_ring(1);
    ck_assert(n.irq);
    n_out(0x0c, 1); /* masked */
    ck_assert(!n.irq);
    n_out(0x10, 1);
    ck_assert(n.irq);
    n_take(1);
    ck_assert(!n.irq);
}
END_TEST

START_TEST(a_reset_ends_what_is_under_way)
{
    NCommand read = n_io(2, 1, 0, 1024, 1024 * 512);

    n_start();
    for (unsigned i = 0; i < 20; i++) {
        n_queue(1, &read);
    }
    n_ring(1);
    n_out(0x14, 0);
    ck_assert_uint_eq(n_in(0x1c), 0);
    ck_assert(!n_replied(1)); /* and tells nobody */
    n_start();
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
    n_data_is(0, 1024 * 512);
}
END_TEST

START_TEST(it_goes_with_commands_under_way)
{
    NCommand read = n_io(2, 1, 0, 1024, 1024 * 512);

    n_start();
    for (unsigned i = 0; i < 20; i++) {
        n_queue(1 + i % 2, &read);
    }
    n_ring(1);
    n_ring(2);
    device_free(n.dev);
    n.dev = NULL;
}
END_TEST

static void each_state(void *opaque, const StateTable *table, unsigned instance, void *object)
{
    GByteArray *bytes = g_byte_array_new();

    (void)instance;
    state_save(table, object, bytes);
    if (*(bool *)opaque) {
        ck_assert(state_load(table, object, bytes->data, bytes->len, NULL));
    } else {
        state_loaded(table, object);
    }
    g_byte_array_unref(bytes);
}

START_TEST(it_goes_on_after_a_save)
{
    NCommand read = n_io(2, 1, 9, 16, 8192);
    bool load = true;

    n_start();
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
    n_queue(2, &read); /* not rung for */
    board_each_state(n.bench.board, each_state, &load);
    load = false;
    board_each_state(n.bench.board, each_state, &load);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
    n_ring(2);
    n_wait(2);
    ck_assert_uint_eq(n_take(2).status, 0);
    n_data_is(9 * 512, 8192);
}
END_TEST

/* ---- Rubbish ---- */

static uint64_t fuzz_address(GRand *rand)
{
    static const uint64_t places[] = {
        N_DATA, N_LIST, N_RINGS, 0, N_RAM - 4096, 0xd0000000, N_BAR
    };
    uint64_t address = places[g_rand_int_range(rand, 0, G_N_ELEMENTS(places))];

    return g_rand_int_range(rand, 0, 4) == 0 ? address + g_rand_int(rand) % 8192
                                             : address + (g_rand_int(rand) % 4) * 4096;
}

static NCommand fuzz_command(GRand *rand, bool admin)
{
    NCommand command = {
        .opcode = (uint8_t)g_rand_int_range(rand, 0, admin ? 14 : 11),
        .flags = g_rand_int_range(rand, 0, 3) == 0 ? (uint8_t)g_rand_int(rand) : 0,
        .nsid = (uint32_t)g_rand_int_range(rand, 0, 4),
        .prp = { fuzz_address(rand), fuzz_address(rand) },
    };

    if ((command.flags & 0xc0) != 0) {
        command.prp[1] = (uint64_t)(g_rand_int(rand) % 4 * 16) << 56 | g_rand_int(rand) % 16384;
    }
    for (unsigned i = 0; i < 6; i++) {
        command.cdw[i] = g_rand_int(rand) >> g_rand_int_range(rand, 0, 32);
    }
    return command;
}

static void fuzz_step(GRand *rand)
{
    unsigned pair = (unsigned)g_rand_int_range(rand, 0, N_PAIRS);
    NCommand command;

    switch (g_rand_int_range(rand, 0, 10)) {
    case 0:
        n_put(N_LIST + g_rand_int(rand) % 256 * 8, fuzz_address(rand), 8);
        break;
    case 1:
        n_put(N_LIST + g_rand_int(rand) % 256 * 8,
              (uint64_t)(g_rand_int(rand) % 4 * 16) << 56 | g_rand_int(rand) % 4096, 8);
        break;
    case 2:
        n_out(0x1000 + g_rand_int(rand) % 140 * 4,
              g_rand_int(rand) >> g_rand_int_range(rand, 0, 32));
        break;
    case 3:
        if (g_rand_int_range(rand, 0, 20) == 0) {
            n_out(g_rand_int(rand) % 16 * 4, g_rand_int(rand));
        }
        break;
    default:
        command = fuzz_command(rand, pair == 0);
        n_queue(pair, &command);
        n_ring(pair);
        break;
    }
    for (unsigned i = 0; i < N_PAIRS; i++) {
        if (n_replied(i)) {
            n_take(i);
        }
    }
}

START_TEST(fuzz)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x4e560000u + (uint32_t)_i);
    NCommand read = n_io(2, 1, 9, 1, 512);

    for (unsigned i = 0; i < 20000; i++) {
        if (i % 200 == 0 || n_in(0x1c) != 1) {
            n_start();
        }
        fuzz_step(rand);
        if (i % 16 == 0) {
            g_main_context_iteration(NULL, FALSE);
        }
    }
    n_start(); /* and is well again */
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
}
END_TEST

START_TEST(rubbish_as_a_state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x4e570000u + (uint32_t)_i);

    for (unsigned i = 0; i < 100; i++) {
        n_start();
        for (unsigned k = 0; k < 10; k++) {
            state_rubbish(n.bench.board, rand);
            n_plug_in();
            for (unsigned step = 0; step < 20; step++) {
                n_out(0x1000 + g_rand_int(rand) % 140 * 4, g_rand_int(rand) % 128);
            }
            g_main_context_iteration(NULL, FALSE);
        }
        n_out(0x14, 1);
        n_out(0x14, 0);
    }
    n_start();
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("nvme-io");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, n_setup, n_teardown);
    tcase_add_test(tc, blocks_are_read);
    tcase_add_test(tc, prps_may_begin_anywhere);
    tcase_add_test(tc, sgls_are_followed);
    tcase_add_test(tc, written_blocks_are_in_the_file_after_a_flush);
    tcase_add_test(tc, a_write_is_forced_to_the_medium);
    tcase_add_test(tc, ranges_are_deallocated_and_zeroed);
    tcase_add_test(tc, compare_compares);
    tcase_add_loop_test(tc, bad_commands_fail, 0, G_N_ELEMENTS(bad_rows));
    tcase_add_test(tc, a_full_completion_queue_holds_commands_back);
    tcase_add_test(tc, the_pin_follows_the_queues);
    tcase_add_test(tc, a_reset_ends_what_is_under_way);
    tcase_add_test(tc, it_goes_with_commands_under_way);
    tcase_add_test(tc, it_goes_on_after_a_save);
    tcase_add_loop_test(tc, fuzz, 0, 4);
    tcase_add_loop_test(tc, rubbish_as_a_state, 0, 3);
    return suite_run(tc, "nvme-io");
}
