/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtio SCSI host: its queues, task management, events; rubbish in all of them. */
#include "tests/hw/scsi_fixture.h"
#include "tests/hw/state_rubbish.h"

enum { CONTROL = 0, EVENT = 1, TMF_ANSWER = S_RESPONSE + 0x800 };
enum { ABORT_TASK, ABORT_TASK_SET, CLEAR_ACA, NEXUS_RESET = 4, UNIT_RESET, QUERY_TASK, QUERY_SET };

static uint8_t tmf(uint32_t subtype, unsigned target, unsigned lun, uint64_t tag)
{
    const Buf buf[] = { { S_HEADER + 0x800, 24, false }, { TMF_ANSWER, 1, true } };

    g_put(S_HEADER + 0x800, (uint64_t)subtype << 32, 8);
    g_put(S_HEADER + 0x808, 1 | target << 8 | (uint64_t)lun << 24, 8);
    g_put(S_HEADER + 0x810, tag, 8);
    g_put(TMF_ANSWER, 0xee, 1);
    v_request(CONTROL, buf, 2);
    return (uint8_t)g_get(TMF_ANSWER, 1);
}

/* A read that is not waited for. */
static void read_submit(uint32_t size)
{
    const Buf buf[] = { { S_HEADER, S_HEADER_SIZE, false },
                        { S_RESPONSE, S_RESPONSE_SIZE, true },
                        { S_DATA, size, true } };
    const uint8_t cdb[] = {
        0x28, 0, 0, 0, 0, 0, 0, (uint8_t)(size / 512 >> 8), (uint8_t)(size / 512), 0
    };

    s_header(cdb, sizeof(cdb));
    v_add(s.queue, buf, 3);
    v_notify(s.queue);
}

START_TEST(the_configuration_space)
{
    v.legacy = _i == 1;
    s_start();
    ck_assert_uint_eq(v_config(0, 4), 2);
    ck_assert_uint_eq(v_config(4, 4), 254);
    ck_assert_uint_eq(v_config(8, 4), 0xffff);
    ck_assert_uint_eq(v_config(12, 4), 128);
    ck_assert_uint_eq(v_config(16, 4), 16);
    ck_assert_uint_eq(v_config(20, 4), 96);
    ck_assert_uint_eq(v_config(24, 4), 32);
    ck_assert_uint_eq(v_config(28, 2), 0);
    ck_assert_uint_eq(v_config(30, 2), 255);
    ck_assert_uint_eq(v_config(32, 4), 16383);
    s.queue = 3;
    ck_assert_uint_eq(S_IN(512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), SCSI_GOOD);
    s_data_is(0, 9 * 512, 512);
}
END_TEST

START_TEST(sizes_of_header_and_response_are_the_drivers)
{
    const Buf buf[] = { { S_HEADER, 19 + 16, false },
                        { S_RESPONSE, 12 + 8, true },
                        { S_DATA, 512, true } };
    const uint8_t cdb[] = { 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0 };

    s_start();
    m_out(V_CONFIG + 20, 4, 8);
    m_out(V_CONFIG + 24, 4, 16);
    m_out(V_CONFIG + 24, 4, 4096); /* not taken */
    ck_assert_uint_eq(v_config(20, 4), 8);
    ck_assert_uint_eq(v_config(24, 4), 16);
    s_header(cdb, sizeof(cdb));
    v_request(2, buf, 3);
    ck_assert_uint_eq(g_get(S_RESPONSE + 10, 2), 0);
    s_data_is(0, 9 * 512, 512);
    g_put(S_HEADER + 19, 0xff, 1);
    v_request(2, buf, 3);
    ck_assert_uint_eq(g_get(S_RESPONSE + 10, 1), SCSI_CHECK_CONDITION);
    ck_assert_uint_eq(g_get(S_RESPONSE, 4), 8); /* bytes of sense */
}
END_TEST

START_TEST(targets_that_are_not_there)
{
    s_start();
    s.target = 77;
    S_IN(36, 0x12, 0, 0, 0, 36, 0);
    ck_assert_uint_eq(s_response(), 3);
    ck_assert_uint_eq(tmf(UNIT_RESET, 77, 0, 0), 3);
    ck_assert_uint_eq(tmf(UNIT_RESET, 0, 5, 0), 12);
}
END_TEST

START_TEST(tasks_are_managed)
{
    s_start();
    ck_assert_uint_eq(tmf(QUERY_TASK, 0, 0, 0x77), 0);
    read_submit(0x10000);
    ck_assert_uint_eq(tmf(QUERY_TASK, 0, 0, 0x77), 10);
    ck_assert_uint_eq(tmf(QUERY_TASK, 0, 0, 0x78), 0);
    ck_assert_uint_eq(tmf(QUERY_SET, 0, 0, 0), 10);
    ck_assert(!v_used(2));
    ck_assert_uint_eq(tmf(ABORT_TASK, 0, 0, 0x77), 0);
    v_take(2, NULL);
    read_submit(0x10000);
    ck_assert_uint_eq(tmf(ABORT_TASK_SET, 0, 0, 0), 0);
    v_take(2, NULL);
    ck_assert_uint_eq(tmf(CLEAR_ACA, 0, 0, 0), 11);
    read_submit(0x10000);
    ck_assert_uint_eq(tmf(UNIT_RESET, 0, 0, 0), 0);
    v_take(2, NULL);
    ck_assert_uint_eq(S_IN(0, 0, 0, 0, 0, 0, 0), SCSI_CHECK_CONDITION);
    ck_assert_uint_eq(s_sense(), 0x062900);
    ck_assert_uint_eq(tmf(NEXUS_RESET, 1, 0, 0), 0);
    s.target = 1;
    ck_assert_uint_eq(S_IN(0, 0, 0, 0, 0, 0, 0), SCSI_CHECK_CONDITION);
}
END_TEST

START_TEST(there_are_no_asynchronous_notifications)
{
    const Buf buf[] = { { S_HEADER, 20, false }, { S_RESPONSE, 5, true } };

    s_start();
    g_put(S_HEADER, 1, 4);
    g_put(S_HEADER + 4, 1, 8);
    g_put(S_HEADER + 12, 0xff, 8);
    g_put(S_RESPONSE, UINT64_MAX, 8);
    ck_assert_uint_eq(v_request(CONTROL, buf, 2), 5);
    ck_assert_uint_eq(g_get(S_RESPONSE, 5), 0);
}
END_TEST

START_TEST(units_come_and_go_while_it_runs)
{
    const Buf buf[] = { { S_EVENTS, 16, true } };
    const DeviceSetting settings[] = { { "scsi-id", "4", NULL }, { "id", "late", NULL }, { 0 } };
    Device *late;

    s_start();
    v_add(EVENT, buf, 1);
    v_notify(EVENT);
    v.bench.board->running = true;
    late = board_add_device(v.bench.board, "scsi-cd", settings, NULL);
    ck_assert_ptr_nonnull(late);
    ck_assert_uint_eq(v_take(EVENT, NULL), 16);
    ck_assert_uint_eq(g_get(S_EVENTS, 8), 1 | UINT64_C(0x0401) << 32);
    ck_assert_uint_eq(g_get(S_EVENTS + 12, 4), 1);
    ck_assert(device_unplug_request(late, NULL)); /* there is no buffer to tell it in */
    ck_assert_ptr_null(board_find_device(v.bench.board, "late"));
    ck_assert(!v_used(EVENT));
    v_add(EVENT, buf, 1);
    v_notify(EVENT);
    ck_assert_uint_eq(v_take(EVENT, NULL), 16);
    ck_assert_uint_eq(g_get(S_EVENTS, 4), 0x80000000); /* something was missed */
    v_add(EVENT, buf, 1);
    scsi_device_resized((ScsiDevice *)s.disk);
    ck_assert_uint_eq(v_take(EVENT, NULL), 16);
    ck_assert_uint_eq(g_get(S_EVENTS, 4), 3);
    ck_assert_uint_eq(g_get(S_EVENTS + 12, 4), 0x092a);
}
END_TEST

START_TEST(a_unit_goes_with_requests_under_way)
{
    s_start();
    v.bench.board->running = true;
    for (unsigned i = 0; i < 20; i++) {
        read_submit(0x10000);
    }
    ck_assert(device_unplug_request(s.disk, NULL));
    for (unsigned i = 0; i < 20; i++) {
        v_take(2, NULL);
    }
    S_IN(36, 0x12, 0, 0, 0, 36, 0);
    ck_assert_uint_eq(s_response(), 3);
}
END_TEST

START_TEST(a_reset_ends_what_is_under_way)
{
    s_start();
    for (unsigned i = 0; i < 20; i++) {
        read_submit(0x10000);
    }
    v_set_status(0);
    ck_assert(!scsi_device_busy((ScsiDevice *)s.disk));
    s_start();
    ck_assert_uint_eq(S_IN(512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), SCSI_GOOD);
}
END_TEST

START_TEST(the_host_goes_with_requests_under_way)
{
    s_start();
    for (unsigned i = 0; i < 20; i++) {
        read_submit(0x10000);
    }
    device_free(v.dev);
    v.dev = NULL;
}
END_TEST

START_TEST(no_room_for_a_response_asks_for_a_reset)
{
    const Buf buf[] = { { S_HEADER, S_HEADER_SIZE, false }, { S_RESPONSE, 100, true } };

    s_start();
    v_add(2, buf, 2);
    v_notify(2);
    ck_assert_uint_eq(v_status() & 0x40, 0x40);
}
END_TEST

static void each_state(void *opaque, const StateTable *table, unsigned instance, void *object)
{
    GByteArray *bytes = g_byte_array_new();

    (void)instance;
    state_save(table, object, bytes);
    ck_assert(state_load(table, object, bytes->data, bytes->len, NULL));
    state_loaded(table, object);
    *(unsigned *)opaque += g_str_has_prefix(table->name, "scsi-unit");
    g_byte_array_unref(bytes);
}

START_TEST(it_goes_on_after_a_save)
{
    unsigned units = 0;

    s_start();
    board_each_state(v.bench.board, each_state, &units);
    ck_assert_uint_eq(units, 2);
    ck_assert_uint_eq(S_IN(512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), SCSI_GOOD);
    s_data_is(0, 9 * 512, 512);
}
END_TEST

/* Commands of random bytes in good requests. */
static void fuzz_command(GRand *rand)
{
    static const uint8_t opcodes[] = { 0x00, 0x03, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x1e,
                                       0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x35, 0x41, 0x42, 0x43,
                                       0x46, 0x4a, 0x51, 0x52, 0x55, 0x5a, 0x88, 0x8a, 0x8f,
                                       0x91, 0x93, 0x9e, 0xa0, 0xa8, 0xad, 0xbd, 0xbe };
    uint32_t size = (uint32_t)g_rand_int_range(rand, 1, 0x8000);
    uint8_t cdb[16];

    for (unsigned i = 0; i < sizeof(cdb); i++) {
        cdb[i] = g_rand_int_range(rand, 0, 3) == 0 ? (uint8_t)g_rand_int(rand) : 0;
    }
    cdb[0] = g_rand_int_range(rand, 0, 20) == 0
                 ? (uint8_t)g_rand_int(rand)
                 : opcodes[g_rand_int_range(rand, 0, G_N_ELEMENTS(opcodes))];
    for (unsigned i = 0; i < 64; i++) {
        g_put(S_DATA + i, g_rand_int_range(rand, 0, 3) == 0 ? g_rand_int(rand) : 0, 1);
    }
    s.target = (unsigned)g_rand_int_range(rand, 0, 2);
    if (g_rand_boolean(rand)) {
        s_in(cdb, sizeof(cdb), size);
    } else {
        s_out(cdb, sizeof(cdb), size);
    }
}

START_TEST(fuzz_commands)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x5c510000u + (uint32_t)_i);

    s_start();
    for (unsigned i = 0; i < 4000; i++) {
        fuzz_command(rand);
    }
    s_start();
}
END_TEST

START_TEST(fuzz_queues)
{
    v_fuzz(0x5c520000u + (uint32_t)_i, 20000,
           VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(1) | VIRTIO_BIT(2), S_QUEUES);
    s_start();
    ck_assert_uint_eq(S_IN(512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), SCSI_GOOD);
}
END_TEST

START_TEST(rubbish_as_a_state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x5c530000u + (uint32_t)_i);

    for (unsigned i = 0; i < 200; i++) {
        s_start();
        for (unsigned k = 0; k < 5; k++) {
            state_rubbish(v.bench.board, rand);
            v_plug_in();
            v_rubbish(rand, S_QUEUES);
            g_main_context_iteration(NULL, FALSE);
        }
        v_plug_in();
        v_set_status(0);
    }
    s_start();
    ck_assert_uint_eq(S_IN(512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), SCSI_GOOD);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("virtio-scsi");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, s_setup, s_teardown);
    tcase_add_loop_test(tc, the_configuration_space, 0, 2);
    tcase_add_test(tc, sizes_of_header_and_response_are_the_drivers);
    tcase_add_test(tc, targets_that_are_not_there);
    tcase_add_test(tc, tasks_are_managed);
    tcase_add_test(tc, there_are_no_asynchronous_notifications);
    tcase_add_test(tc, units_come_and_go_while_it_runs);
    tcase_add_test(tc, a_unit_goes_with_requests_under_way);
    tcase_add_test(tc, a_reset_ends_what_is_under_way);
    tcase_add_test(tc, the_host_goes_with_requests_under_way);
    tcase_add_test(tc, no_room_for_a_response_asks_for_a_reset);
    tcase_add_test(tc, it_goes_on_after_a_save);
    tcase_add_loop_test(tc, fuzz_commands, 0, 3);
    tcase_add_loop_test(tc, fuzz_queues, 0, 3);
    tcase_add_loop_test(tc, rubbish_as_a_state, 0, 3);
    return suite_run(tc, "virtio-scsi");
}
