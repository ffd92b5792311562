/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fragments of IPv4 datagrams in every order, and ones that do not fit. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "hw/net/ip_fragments.h"

enum { HEAD = 14 + 20, DATA = 1000, PIECE = 400 };

static Clock *clock_;
static IpFragments *fragments;
static uint8_t frame[NET_FRAME_MAX];

static void setup(void)
{
    clock_ = clock_new(NULL);
    fragments = ip_fragments_new(clock_);
}

static void teardown(void)
{
    ip_fragments_free(fragments);
    clock_free(clock_);
}

/* Bytes [at, at + size) of datagram `id`; what comes out is in `frame`. */
static size_t put(uint8_t id, unsigned at, unsigned size, bool more)
{
    uint16_t total = (uint16_t)(20 + size), place = (uint16_t)(at / 8 | (more ? 0x2000 : 0)), sum;
    uint8_t *ip = frame + 14;

    memset(frame, 0, HEAD);
    frame[12] = 8;
    ip[0] = 0x45;
    ip[2] = (uint8_t)(total >> 8);
    ip[3] = (uint8_t)total;
    ip[5] = id;
    ip[6] = (uint8_t)(place >> 8);
    ip[7] = (uint8_t)place;
    ip[9] = 17;
    sum = net_csum_fold(net_csum_add(0, ip, 20));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
    for (unsigned i = 0; i < size; i++) {
        frame[HEAD + i] = (uint8_t)((at + i) * 7 + id);
    }
    ck_assert(ip_is_fragment(frame, HEAD + size));
    return ip_fragments_add(fragments, frame, HEAD + size);
}

static void whole(size_t size, uint8_t id)
{
    ck_assert_uint_eq(size, HEAD + DATA);
    ck_assert(!ip_is_fragment(frame, size));
    ck_assert_uint_eq(frame[16] << 8 | frame[17], 20 + DATA);
    ck_assert_uint_eq(net_csum_fold(net_csum_add(0, frame + 14, 20)), 0);
    for (unsigned i = 0; i < DATA; i++) {
        ck_assert_uint_eq(frame[HEAD + i], (uint8_t)(i * 7 + id));
    }
}

START_TEST(pieces_come_together_in_any_order)
{
    static const uint8_t order[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                         { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    size_t size = 0;

    for (unsigned i = 0; i < 3; i++) {
        unsigned n = order[_i][i];

        ck_assert_uint_eq(size, 0);
        put((uint8_t)(i + 50), 8, 80, true); /* others between them */
        size = put(3, n * PIECE, n == 2 ? DATA - 2 * PIECE : PIECE, n != 2);
    }
    whole(size, 3);
}
END_TEST

START_TEST(an_overlap_costs_the_datagram)
{
    put(1, 0, PIECE, true);
    ck_assert_uint_eq(put(1, PIECE - 8, PIECE, true), 0);
    ck_assert_uint_eq(put(1, PIECE, DATA - PIECE, false), 0);
    put(1, 0, PIECE, true);
    ck_assert_uint_eq(put(2, PIECE, DATA - PIECE, false), 0);
}
END_TEST

START_TEST(nothing_lies_behind_the_end)
{
    put(1, 800, 80, true);
    ck_assert_uint_eq(put(1, 80, 80, false), 0);
    put(2, 0, 80, true);
    put(2, 80, 80, false);
    ck_assert_uint_eq(put(2, 160, 80, true), 0);
    ck_assert_uint_eq(put(3, 65528, 80, true), 0);
}
END_TEST

START_TEST(what_is_old_is_forgotten)
{
    put(1, 0, PIECE, true);
    clock_step(clock_, 31ll * NS_PER_S);
    ck_assert_uint_eq(put(1, PIECE, DATA - PIECE, false), 0);
    whole(put(1, 0, PIECE, true), 1);
}
END_TEST

START_TEST(only_so_many_are_open)
{
    for (unsigned i = 0; i < 100; i++) {
        put((uint8_t)i, 0, PIECE, true);
        clock_step(clock_, NS_PER_MS);
    }
    ck_assert_uint_eq(put(0, PIECE, DATA - PIECE, false), 0);
    whole(put(99, PIECE, DATA - PIECE, false), 99);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ip-fragments");
    TCase *tc = tcase_create("fragments");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, pieces_come_together_in_any_order, 0, 6);
    tcase_add_test(tc, an_overlap_costs_the_datagram);
    tcase_add_test(tc, nothing_lies_behind_the_end);
    tcase_add_test(tc, what_is_old_is_forgotten);
    tcase_add_test(tc, only_so_many_are_open);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
