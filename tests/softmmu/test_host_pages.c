/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_host_pages.c - whether the host has huge pages or not, the memory stays what it is. */
#define _GNU_SOURCE /* memfd_create */
#include "softmmu/host_pages.h"

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
    int fd = file_new();
    uint8_t *a = host_pages_map(fd, SIZE, PROT_READ | PROT_WRITE);
    uint8_t *b = host_pages_map(fd, SIZE, PROT_READ);

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_uint_eq((uintptr_t)a % HOST_HUGE_SIZE, 0);
    ck_assert_uint_eq((uintptr_t)b % HOST_HUGE_SIZE, 0);
    a[SIZE - 1] = 17;
    ck_assert_uint_eq(b[SIZE - 1], 17);
    munmap(a, SIZE);
    munmap(b, SIZE);
    close(fd);
}
END_TEST

START_TEST(huge_pages_keep_what_is_there)
{
    int fd = file_new();
    uint8_t *a = host_pages_map(fd, SIZE, PROT_READ | PROT_WRITE);
    const uint8_t *b = host_pages_map(fd, SIZE, PROT_READ);

    for (unsigned i = 0; i < HOST_HUGE_SIZE; i += 3 * PAGE) {
        a[i] = (uint8_t)(i >> 12 | 1);
    }
    host_pages_huge(b); /* some pages are there */
    host_pages_huge(b + HOST_HUGE_SIZE);
    for (unsigned i = 0; i < SIZE; i += PAGE) {
        unsigned expected = i < HOST_HUGE_SIZE && i % (3 * PAGE) == 0 ? (uint8_t)(i >> 12 | 1) : 0;

        ck_assert_uint_eq(a[i], expected);
        a[i] = 5;
        ck_assert_uint_eq(b[i], 5);
    }
    munmap(a, SIZE);
    munmap((void *)(uintptr_t)b, SIZE);
    close(fd);
}
END_TEST

START_TEST(what_is_no_file_cannot_be_mapped)
{
    ck_assert_ptr_null(host_pages_map(-1, SIZE, PROT_READ));
}
END_TEST

START_SUITE("host pages")
tcase_add_test(tc, mappings_are_aligned_and_show_one_file);
tcase_add_test(tc, huge_pages_keep_what_is_there);
tcase_add_test(tc, what_is_no_file_cannot_be_mapped);
END_SUITE
