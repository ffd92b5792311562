/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_state_stream.c - a saved machine's form: what is damaged or cut short is noticed. */
#include "runtime/machine/state_stream.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MUTATIONS = 100000, MOST = 4096 };

static int fd;
static uint8_t good[MOST];
static size_t size;
static GByteArray *data;

static void setup(void)
{
    fd = memfd_create("stream", 0);
    data = g_byte_array_new();
    ck_assert(state_stream_write_head(fd, NULL));
    ck_assert(state_stream_write(fd, SECTION_CONFIGURATION, "machine", 0, "RAM 1\n", 6, NULL));
    ck_assert(state_stream_write(fd, SECTION_DEVICE, "edu", 24, "0123456789", 10, NULL));
    ck_assert(state_stream_write(fd, SECTION_END, "end", 0, NULL, 0, NULL));
    size = (size_t)lseek(fd, 0, SEEK_CUR);
    ck_assert_int_eq(pread(fd, good, sizeof(good), 0), (ssize_t)size);
}

static void teardown(void)
{
    close(fd);
    g_byte_array_unref(data);
}

static bool read_all(const uint8_t *bytes, size_t n, GError **error)
{
    Section section = { .data = data };

    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(pwrite(fd, bytes, n, 0), (ssize_t)n);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    if (!state_stream_read_head(fd, error)) {
        return false;
    }
    do {
        if (!state_stream_read(fd, &section, error)) {
            return false;
        }
    } while (section.kind != SECTION_END);
    return true;
}

START_TEST(sections_come_back)
{
    Section section = { .data = data };

    lseek(fd, 0, SEEK_SET);
    ck_assert(state_stream_read_head(fd, NULL));
    ck_assert(state_stream_read(fd, &section, NULL));
    ck_assert_int_eq(section.kind, SECTION_CONFIGURATION);
    ck_assert_str_eq(section.name, "machine");
    ck_assert(state_stream_read(fd, &section, NULL));
    ck_assert_int_eq(section.kind, SECTION_DEVICE);
    ck_assert_str_eq(section.name, "edu");
    ck_assert_uint_eq(section.instance, 24);
    ck_assert_uint_eq(data->len, 10);
    ck_assert_mem_eq(data->data, "0123456789", 10);
}
END_TEST

START_TEST(every_cut_is_noticed)
{
    for (size_t n = 0; n < size; n++) {
        g_autoptr(GError) error = NULL;

        ck_assert(!read_all(good, n, &error));
        ck_assert_str_eq(error->message, "the saved machine is cut short");
    }
}
END_TEST

START_TEST(every_damage_is_noticed)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(7);

    for (unsigned i = 0; i < MUTATIONS; i++) {
        size_t at = (size_t)g_rand_int_range(dice, 0, (gint32)size);
        uint8_t flip = (uint8_t)g_rand_int_range(dice, 1, 256), bytes[MOST];
        g_autoptr(GError) error = NULL;

        memcpy(bytes, good, size);
        bytes[at] ^= flip;
        ck_assert(!read_all(bytes, size, &error));
        ck_assert_ptr_null(strchr(error->message, '\n'));
    }
}
END_TEST

START_TEST(other_files_and_versions_are_named)
{
    g_autoptr(GError) form = NULL, version = NULL;

    good[16] = 9;
    ck_assert(!read_all(good, size, &version));
    ck_assert_str_eq(version->message, "a saved machine of version 9, and 1 is what is known");
    good[0] = 'D';
    ck_assert(!read_all(good, size, &form));
    ck_assert_str_eq(form->message, "not a saved machine");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state_stream");
    TCase *tc = tcase_create("state_stream");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, sections_come_back);
    tcase_add_test(tc, every_cut_is_noticed);
    tcase_add_test(tc, every_damage_is_noticed);
    tcase_add_test(tc, other_files_and_versions_are_named);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
