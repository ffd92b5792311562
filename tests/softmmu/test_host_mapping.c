/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_host_mapping.c - whether the host has huge pages or not, the memory stays what it is. */
#define _GNU_SOURCE /* memfd_create */
#include "softmmu/host_mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/softmmu/mmu_fixture.h"

enum { PAGE = 4096, SIZE = 2 * HOST_HUGE_SIZE + PAGE };

static int file_new(void)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, SIZE), 0);
    return fd;
}

START_TEST(mappings_are_aligned_and_show_one_file)
{
    HostMapping a, b;
    int fd = file_new();

    ck_assert(host_mapping_open(&a, fd, SIZE, PROT_READ | PROT_WRITE));
    ck_assert(host_mapping_open(&b, fd, SIZE, PROT_READ));
    ck_assert_uint_eq((uintptr_t)a.at % HOST_HUGE_SIZE, 0);
    ck_assert_uint_eq((uintptr_t)b.at % HOST_HUGE_SIZE, 0);
    a.at[SIZE - 1] = 17;
    ck_assert_uint_eq(b.at[SIZE - 1], 17);
    host_mapping_close(&a);
    host_mapping_close(&b);
    close(fd);
}
END_TEST

/* With _i = 1 as on a host without huge pages. */
START_TEST(pages_that_are_wanted_keep_what_is_there)
{
    HostMapping a, b;
    int fd = file_new();

    ck_assert(host_mapping_open(&a, fd, SIZE, PROT_READ | PROT_WRITE));
    ck_assert(host_mapping_open(&b, fd, SIZE, PROT_READ));
    a.no_huge = b.no_huge = _i == 1;
    for (unsigned i = 0; i < HOST_HUGE_SIZE; i += 3 * PAGE) {
        a.at[i] = (uint8_t)(i >> 12 | 1);
    }
    for (unsigned i = 0; i < SIZE; i += PAGE) {
        unsigned expected = i < HOST_HUGE_SIZE && i % (3 * PAGE) == 0 ? (uint8_t)(i >> 12 | 1) : 0;

        host_mapping_want(&b, i);
        host_mapping_want(&a, i);
        ck_assert_uint_eq(a.at[i], expected);
        a.at[i] = 5;
        ck_assert_uint_eq(b.at[i], 5);
    }
    host_mapping_close(&a);
    host_mapping_close(&b);
    close(fd);
}
END_TEST

START_TEST(what_is_no_file_cannot_be_mapped)
{
    HostMapping mapping;

    ck_assert(!host_mapping_open(&mapping, -1, SIZE, PROT_READ));
}
END_TEST

START_SUITE("host mapping")
tcase_add_test(tc, mappings_are_aligned_and_show_one_file);
tcase_add_loop_test(tc, pages_that_are_wanted_keep_what_is_there, 0, 2);
tcase_add_test(tc, what_is_no_file_cannot_be_mapped);
END_SUITE
