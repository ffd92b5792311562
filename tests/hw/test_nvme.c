/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An NVMe controller from its registers and queues: the admin command set. */
#include "tests/hw/nvme_fixture.h"

START_TEST(registers_say_what_it_is)
{
    n_plug_in();
    ck_assert_uint_eq(config_in(&n.bench, N_DEVFN, 0, 4), 0x00101b36);
    ck_assert_uint_eq(config_in(&n.bench, N_DEVFN, 8, 4) >> 8, 0x010802);
    ck_assert_uint_eq(n_in(0), 0x0f0107ff);
    ck_assert_uint_eq(n_in(4), 0x00400020);
    ck_assert_uint_eq(phys_map_mmio_read(n.bench.map, N_BAR, 8), 0x004000200f0107ff);
    ck_assert_uint_eq(n_in(8), 0x00010400);
    ck_assert_uint_eq(n_in(0x1c), 0);
    ck_assert_uint_eq(n_in(0x38), 0); /* no memory buffer */
}
END_TEST

typedef struct BadStart {
    uint32_t aqa, asq, cc;
} BadStart;

static const BadStart bad_starts[] = {
    { 0, N_RINGS, 1 },                          /* queues of one entry */
    { 0x0fff0fff, N_RINGS, 1 },                 /* too many */
    { 0x003f003f, N_RINGS, 5 << 7 | 1 },        /* pages of 128 KiB */
    { 0x003f003f, N_RINGS, 1 << 4 | 1 },        /* another command set */
    { 0x003f003f, N_RINGS, 1 << 11 | 1 },       /* another arbitration */
    { 0x003f003f, N_RINGS + 4096, 4 << 7 | 1 }, /* not aligned to pages of 64 KiB */
};

START_TEST(what_cannot_start_fails)
{
    n_plug_in();
    n_out(0x24, bad_starts[_i].aqa);
    n_out(0x28, bad_starts[_i].asq);
    n_out(0x30, N_RINGS + 0x100000);
    n_out(0x14, bad_starts[_i].cc);
    ck_assert_uint_eq(n_in(0x1c), 2);
    n_start();
}
END_TEST

START_TEST(queues_that_are_not_in_ram_stop_the_controller)
{
    n_enable();
    n_out(0x14, 0);
    n_out(0x28, 0xd0000000);
    n_out(0x14, 4 << 20 | 6 << 16 | 1);
    ck_assert_uint_eq(n_in(0x1c), 1);
    n_out(0x1000, 1);
    ck_assert_uint_eq(n_in(0x1c), 3);
    n_out(0x1000, 2);
    n_start();
}
END_TEST

START_TEST(the_controller_is_identified)
{
    char text[40] = { 0 };

    n_enable();
    ck_assert_uint_eq(n_admin(6, 0, N_DATA, 1, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA, 4), 0x1af41b36);
    phys_map_read(n.bench.map, N_DATA + 4, text, 20);
    ck_assert_str_eq(text, "a-serial            ");
    ck_assert_uint_eq(n_get(N_DATA + 77, 1), 7);
    ck_assert_uint_eq(n_get(N_DATA + 80, 4), 0x10400);
    ck_assert_uint_eq(n_get(N_DATA + 512, 2), 0x4466);
    ck_assert_uint_eq(n_get(N_DATA + 516, 4), 256);
    phys_map_read(n.bench.map, N_DATA + 768, text, 29);
    ck_assert_str_eq(text, "nqn.2019-08.org.qemu:a-serial");
}
END_TEST

START_TEST(namespaces_are_identified)
{
    n_enable();
    ck_assert_uint_eq(n_admin(6, 0, N_DATA, 2, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA, 8), 1 | UINT64_C(2) << 32);
    ck_assert_uint_eq(n_get(N_DATA + 8, 4), 0);
    ck_assert_uint_eq(n_admin(6, 1, N_DATA, 2, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA, 8), 2);
    ck_assert_uint_eq(n_admin(6, 1, N_DATA, 0, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA, 8), N_BLOCKS);
    ck_assert_uint_eq(n_get(N_DATA + 128, 4), 9 << 16);
    ck_assert_uint_eq(n_admin(6, 2, N_DATA, 0, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA, 8), N_BLOCKS / 8);
    ck_assert_uint_eq(n_get(N_DATA + 128, 4), 12 << 16);
    ck_assert_uint_eq(n_get(N_DATA + 120, 8), 0x0807060504030201);
    ck_assert_uint_eq(n_admin(6, 3, N_DATA, 0, 0, NULL), 0); /* not active */
    ck_assert_uint_eq(n_get(N_DATA, 8), 0);
    ck_assert_uint_eq(n_admin(6, 257, N_DATA, 0, 0, NULL), 0x0b);
    ck_assert_uint_eq(n_admin(6, 2, N_DATA, 3, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA, 4), 0x0801);
    ck_assert_uint_eq(n_get(N_DATA + 12, 4), 0x1003);
    ck_assert_uint_eq(n_get(N_DATA + 16, 4), 0x78563412);
    ck_assert_uint_eq(n_admin(6, 3, N_DATA, 3, 0, NULL), 0x0b);
    ck_assert_uint_eq(n_admin(6, 0, N_DATA, 0x55, 0, NULL), 0x02);
    ck_assert_uint_eq(n_admin(6, 0, N_DATA + 1, 1, 0, NULL), 0x13);
    ck_assert_uint_eq(n_admin(6, 0, 0xd0000000, 1, 0, NULL), 0x04);
}
END_TEST

typedef struct QueueRow {
    uint8_t opcode;
    uint32_t cdw10, cdw11;
    uint64_t prp;
    uint16_t status;
} QueueRow;

static const QueueRow queue_rows[] = {
    { 5, 0x3f0000, 1, N_DATA, 0x101 },           /* the admin queue's number */
    { 5, 0x3f0041, 1, N_DATA, 0x101 },           /* more than there are */
    { 5, 0x3f0001, 1, N_DATA, 0x101 },           /* one that is there */
    { 5, 0x000005, 1, N_DATA, 0x102 },           /* one entry */
    { 5, 0x8000005, 1, N_DATA, 0x102 },          /* 2049 */
    { 5, 0x3f0005, 1, N_DATA + 8, 0x013 },       /* not a page */
    { 5, 0x3f0005, 0, N_DATA, 0x002 },           /* not in one piece */
    { 5, 0x3f0005, 1 << 16 | 3, N_DATA, 0x108 }, /* a vector, without MSI-X */
    { 1, 0x3f0005, 7 << 16 | 1, N_DATA, 0x100 }, /* to a queue that is not there */
    { 1, 0x3f0005, 1, N_DATA, 0x100 },           /* to the admin queue */
    { 1, 0x3f0001, 1 << 16 | 1, N_DATA, 0x101 },
    { 1, 0x3f0005, 1 << 16, N_DATA, 0x002 },
    { 4, 1, 0, 0, 0x10c }, /* it is in use */
    { 4, 9, 0, 0, 0x101 },
    { 0, 9, 0, 0, 0x101 },
    { 0, 0, 0, 0, 0x101 },
};

START_TEST(bad_queues_are_refused)
{
    const QueueRow *row = &queue_rows[_i];

    n_start();
    ck_assert_uint_eq(n_admin(row->opcode, 0, row->prp, row->cdw10, row->cdw11, NULL), row->status);
}
END_TEST

START_TEST(queues_go_and_come_back)
{
    NCommand read = n_io(2, 1, 9, 1, 512);

    n_start();
    for (unsigned i = 0; i < 20; i++) {
        n_queue(1, &read);
    }
    n_ring(1);
    ck_assert_uint_eq(n_admin(0, 0, 0, 1, 0, NULL), 0); /* what was under way has ended */
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_uint_eq(n_take(1).status, 0);
    }
    ck_assert_uint_eq(n_admin(4, 0, 0, 1, 0, NULL), 0);
    n_pair_create(1);
    ck_assert_uint_eq(n_run(1, &read, NULL), 0);
}
END_TEST

START_TEST(features_are_kept_until_a_reset)
{
    uint32_t value = 0;

    n_enable();
    ck_assert_uint_eq(n_admin(9, 0, 0, 7, 0x00030003, &value), 0);
    ck_assert_uint_eq(value, 63 << 16 | 63);
    ck_assert_uint_eq(n_admin(9, 0, 0, 7, 0xffff, NULL), 2);
    ck_assert_uint_eq(n_admin(10, 0, 0, 6, 0, &value), 0);
    ck_assert_uint_eq(value, 1);
    ck_assert_uint_eq(n_admin(9, 0, 0, 6, 0, NULL), 0);
    ck_assert_uint_eq(n_admin(10, 0, 0, 6, 0, &value), 0);
    ck_assert_uint_eq(value, 0);
    ck_assert_uint_eq(n_admin(10, 0, 0, 0x106, 0, &value), 0); /* the default */
    ck_assert_uint_eq(value, 1);
    ck_assert_uint_eq(n_admin(10, 0, 0, 0x306, 0, &value), 0); /* can be changed, not saved */
    ck_assert_uint_eq(value, 4);
    ck_assert_uint_eq(n_admin(9, 0, 0, 0x80000006, 1, NULL), 0x10d);
    ck_assert_uint_eq(n_admin(9, 0, 0, 0x7f, 1, NULL), 2);
    n_put(N_DATA, 1000000, 8);
    ck_assert_uint_eq(n_admin(9, 0, N_DATA, 14, 0, NULL), 0);
    clock_step(n.bench.clock, 5 * INT64_C(1000000));
    ck_assert_uint_eq(n_admin(10, 0, N_DATA + 8, 14, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA + 8, 8), 1000005 | UINT64_C(2) << 48);
    n_enable();
    ck_assert_uint_eq(n_admin(10, 0, 0, 6, 0, &value), 0);
    ck_assert_uint_eq(value, 1);
}
END_TEST

START_TEST(log_pages)
{
    n_start();
    n_put(N_DATA, 0, 8);
    ck_assert_uint_eq(n_admin(2, UINT32_MAX, N_DATA, 127 << 16 | 2, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA, 3), 323 << 8);
    ck_assert_uint_eq(n_get(N_DATA + 3, 1), 100);
    ck_assert_uint_eq(n_admin(2, 0, N_DATA, 127 << 16 | 3, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA, 1), 1);
    ck_assert_uint_eq(n_admin(2, 0, N_DATA, 1023 << 16 | 5, 0, NULL), 0);
    ck_assert_uint_eq(n_get(N_DATA + 1024 + 4, 4), 3); /* write */
    ck_assert_uint_eq(n_admin(2, 0, N_DATA, 15 << 16 | 1, 0, NULL), 0);
    ck_assert_uint_eq(n_admin(2, 0, N_DATA, 15 << 16 | 0x77, 0, NULL), 0x109);
    ck_assert_uint_eq(n_admin(2, 0, N_DATA, 0xffffu << 16 | 2, 0xffff, NULL), 2);
}
END_TEST

/* Both completions are there, the event's before the command's. */
static void event_comes_with(const NCommand *command, uint32_t event)
{
    uint16_t cid = n_queue(0, command);
    NReply reply;

    n_ring(0);
    reply = n_take(0);
    ck_assert_uint_eq(reply.result, event);
    ck_assert_uint_ne(reply.cid, cid);
    reply = n_take(0);
    ck_assert_uint_eq(reply.cid, cid);
    ck_assert_uint_eq(reply.status, 0);
}

START_TEST(events_wait_for_a_command_and_are_told_once)
{
    const NCommand aer = { .opcode = 12 };
    const NCommand log = { .opcode = 2, .prp = { N_DATA }, .cdw = { 15 << 16 | 1 } };
    const NCommand threshold = { .opcode = 9, .cdw = { 4, 300 } };
    uint16_t cid[4];
    NReply reply;

    n_start();
    for (unsigned i = 0; i < 4; i++) {
        cid[i] = n_queue(0, &aer);
    }
    n_queue(0, &aer); /* one too many */
    n_ring(0);
    ck_assert_uint_eq(n_take(0).status & 0x7ff, 0x105);
    ck_assert(!n_replied(0));
    n_out(0x1008, N_ENTRIES + 5); /* a tail outside the queue */
    reply = n_take(0);
    ck_assert_uint_eq(reply.status, 0);
    ck_assert_uint_eq(reply.cid, cid[3]);
    ck_assert_uint_eq(reply.result, 0x00010100);
    n_out(0x1000 + 8 * 60, 1); /* a queue that is not there: waits for the log to be read */
    ck_assert(!n_replied(0));
    event_comes_with(&log, 0x00010000);
    ck_assert_uint_eq(n_admin(9, 0, 0, 11, 2, NULL), 0);
    event_comes_with(&threshold, 0x00020101); /* it is warmer than that */
}
END_TEST

START_TEST(commands_that_are_none)
{
    NCommand sgl = { .opcode = 6, .flags = 0x40, .prp = { N_DATA, 4096 }, .cdw = { 1 } };
    uint32_t value = 0;

    n_enable();
    ck_assert_uint_eq(n_admin(0x7f, 0, 0, 0, 0, NULL), 1);
    ck_assert_uint_eq(n_run(0, &sgl, NULL), 2);
    ck_assert_uint_eq(n_admin(8, 0, 0, 0x10001, 0, &value), 0);
    ck_assert_uint_eq(value, 1); /* not aborted */
}
END_TEST

START_TEST(shutdown_flushes)
{
    BlockStats stats;

    n_start();
    n_out(0x14, n_in(0x14) | 1 << 14);
    for (unsigned i = 0; i < 100000 && (n_in(0x1c) & 0xc) != 8; i++) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(i > 100 ? 50 : 0);
    }
    ck_assert_uint_eq(n_in(0x1c), 9);
    block_stats(n.node, &stats);
    ck_assert_uint_eq(stats.flushes, 1);
    n_out(0x14, 0);
    ck_assert_uint_eq(n_in(0x1c), 0);
}
END_TEST

START_TEST(settings_are_checked)
{
    static const struct {
        DeviceSetting setting[2];
        const char *message;
    } rows[] = {
        { { { 0 } }, "serial property not set" },
        { { { "serial", "x", NULL }, { "max_ioqpairs", "0", NULL } },
          "max_ioqpairs must be between 1 and 128" },
        { { { "serial", "x", NULL }, { "cmb_size_mb", "16", NULL } },
          "cmb_size_mb is not supported: there is no controller memory buffer" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        const DeviceSetting settings[] = { rows[i].setting[0], rows[i].setting[1], { 0 } };
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(board_add_device(n.bench.board, "nvme", settings, &error));
        ck_assert_str_eq(error->message, rows[i].message);
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("nvme");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, n_setup, n_teardown);
    tcase_add_test(tc, registers_say_what_it_is);
    tcase_add_loop_test(tc, what_cannot_start_fails, 0, G_N_ELEMENTS(bad_starts));
    tcase_add_test(tc, queues_that_are_not_in_ram_stop_the_controller);
    tcase_add_test(tc, the_controller_is_identified);
    tcase_add_test(tc, namespaces_are_identified);
    tcase_add_loop_test(tc, bad_queues_are_refused, 0, G_N_ELEMENTS(queue_rows));
    tcase_add_test(tc, queues_go_and_come_back);
    tcase_add_test(tc, features_are_kept_until_a_reset);
    tcase_add_test(tc, log_pages);
    tcase_add_test(tc, events_wait_for_a_command_and_are_told_once);
    tcase_add_test(tc, commands_that_are_none);
    tcase_add_test(tc, shutdown_flushes);
    tcase_add_test(tc, settings_are_checked);
    return suite_run(tc, "nvme");
}
