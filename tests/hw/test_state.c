/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_state.c - tables of state as bytes, and back; rubbish in their place. */
#include "hw/state.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_MOST = 100, MUTATIONS = 100000 };

typedef struct Chip {
    uint8_t a;
    uint16_t b[3];
    uint32_t c;
    uint64_t d;
    bool e[2];
    uint8_t bytes[5];
    GByteArray *buffer;
    uint32_t extra, young;
    unsigned saves, loads;
} Chip;

static void chip_saving(void *device)
{
    ((Chip *)device)->saves++;
}

static void chip_loaded(void *device)
{
    ((Chip *)device)->loads++;
}

static bool extra_needed(const void *device)
{
    return ((const Chip *)device)->extra != 0;
}

static const StateField extra_fields[] = { STATE_FIELD(STATE_U32, Chip, extra), { 0 } };
static const StateTable extra_state = {
    .name = "extra", .version = 1, .fields = extra_fields, .needed = extra_needed
};
static const StateTable *const parts[] = { &extra_state, NULL };

#define OLD_FIELDS                                                                                 \
    STATE_FIELD(STATE_U8, Chip, a), STATE_ARRAY(STATE_U16, Chip, b),                               \
        STATE_FIELD(STATE_U32, Chip, c), STATE_FIELD(STATE_U64, Chip, d),                          \
        STATE_ARRAY(STATE_BOOL, Chip, e), STATE_ARRAY(STATE_BYTES, Chip, bytes),                   \
    {                                                                                              \
        .name = "buffer", .type = STATE_BUFFER, .offset = offsetof(Chip, buffer),                  \
        .count = BUFFER_MOST, .version = 1                                                         \
    }

static const StateField old_fields[] = { OLD_FIELDS, { 0 } };
static const StateField new_fields[] = {
    OLD_FIELDS,
    { .name = "young",
      .type = STATE_U32,
      .offset = offsetof(Chip, young),
      .count = 1,
      .version = 2 },
    { 0 },
};
static const StateTable old_state = {
    "chip", 1, old_fields, chip_saving, chip_loaded, parts, NULL
};
static const StateTable new_state = {
    "chip", 2, new_fields, chip_saving, chip_loaded, parts, NULL
};

static Chip full, empty;
static GByteArray *bytes;

static void setup(void)
{
    full = (Chip){ .a = 0x12,
                   .b = { 1, 2, 0xffff },
                   .c = 0x12345678,
                   .d = 0x123456789abcdef0,
                   .e = { true, false },
                   .bytes = { 9, 8, 7, 6, 5 },
                   .extra = 77,
                   .young = 88 };
    empty = (Chip){ .young = 99 };
    full.buffer = g_byte_array_new();
    empty.buffer = g_byte_array_new();
    g_byte_array_append(full.buffer, (const guint8 *)"words", 5);
    bytes = g_byte_array_new();
}

static void teardown(void)
{
    g_byte_array_unref(full.buffer);
    g_byte_array_unref(empty.buffer);
    g_byte_array_unref(bytes);
}

static void loads(const StateTable *table)
{
    g_autoptr(GError) error = NULL;

    ck_assert_msg(state_load(table, &empty, bytes->data, bytes->len, &error), "%s",
                  error ? error->message : "");
}

static void refuses(const StateTable *table, const char *message)
{
    g_autoptr(GError) error = NULL;

    ck_assert(!state_load(table, &empty, bytes->data, bytes->len, &error));
    ck_assert_str_eq(error->message, message);
}

START_TEST(a_state_comes_back)
{
    state_save(&new_state, &full, bytes);
    ck_assert_uint_eq(full.saves, 1);
    loads(&new_state);
    ck_assert_uint_eq(empty.loads, 0);
    state_loaded(&new_state, &empty);
    ck_assert_uint_eq(empty.loads, 1);
    ck_assert_mem_eq(&empty, &full, offsetof(Chip, buffer));
    ck_assert_uint_eq(empty.buffer->len, 5);
    ck_assert_mem_eq(empty.buffer->data, "words", 5);
    ck_assert_uint_eq(empty.extra, 77);
    ck_assert_uint_eq(empty.young, 88);
}
END_TEST

START_TEST(a_part_that_is_absent_is_zero)
{
    full.extra = 0;
    empty.extra = 5;
    state_save(&new_state, &full, bytes);
    loads(&new_state);
    ck_assert_uint_eq(empty.extra, 0);
}
END_TEST

START_TEST(an_old_state_leaves_young_fields)
{
    state_save(&old_state, &full, bytes);
    loads(&new_state);
    ck_assert_uint_eq(empty.young, 99);
    ck_assert_uint_eq(empty.c, full.c);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    state_save(&new_state, &full, bytes);
    refuses(&old_state, "state of 'chip': of a newer version");
    bytes->data[0] = 1; /* the version: a field too many */
    refuses(&old_state, "state of 'chip': a field that is not known");
    bytes->data[0] = 2;
    g_byte_array_append(bytes, (const guint8 *)"", 1);
    refuses(&new_state, "state of 'chip': too long");
    g_byte_array_set_size(bytes, 0);
    state_save(&old_state, &full, bytes);
    bytes->data[0] = 2;
    refuses(&new_state, "state of 'chip': a field is missing");
}
END_TEST

START_TEST(every_cut_is_refused)
{
    state_save(&new_state, &full, bytes);
    for (unsigned n = 0; n < bytes->len; n++) {
        g_autofree uint8_t *copy = g_memdup2(bytes->data, n);
        g_autoptr(GError) error = NULL;

        ck_assert(!state_load(&new_state, &empty, copy, n, &error));
        ck_assert_ptr_null(strchr(error->message, '\n'));
    }
}
END_TEST

/* Either refused in words, or within the types of the fields. */
START_TEST(rubbish_does_no_harm)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed(12);
    unsigned taken = 0;

    state_save(&new_state, &full, bytes);
    for (unsigned i = 0; i < MUTATIONS; i++) {
        unsigned n = (unsigned)g_rand_int_range(dice, 1, (gint32)bytes->len + 1);
        g_autofree uint8_t *copy = g_memdup2(bytes->data, n);
        g_autoptr(GError) error = NULL;

        for (int hits = g_rand_int_range(dice, 1, 4); hits > 0; hits--) {
            copy[g_rand_int_range(dice, 0, (gint32)n)] = (uint8_t)g_rand_int(dice);
        }
        if (g_rand_boolean(dice)) {
            n = bytes->len;
            g_free(copy);
            copy = g_memdup2(bytes->data, n);
            copy[g_rand_int_range(dice, 0, (gint32)n)] ^= (uint8_t)(1u << g_rand_int_range(dice, 0,
                                                                                           8));
        }
        bool good = state_load(&new_state, &empty, copy, n, &error);

        ck_assert(good == (error == NULL));
        taken += good;
        ck_assert_uint_le(empty.buffer->len, BUFFER_MOST);
        ck_assert_uint_le(*(uint8_t *)&empty.e[0], 1);
    }
    ck_assert_uint_gt(taken, 100); /* a flipped bit of a value is another value */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/state");
    TCase *tc = tcase_create("state");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_state_comes_back);
    tcase_add_test(tc, a_part_that_is_absent_is_zero);
    tcase_add_test(tc, an_old_state_leaves_young_fields);
    tcase_add_test(tc, what_does_not_fit_is_refused);
    tcase_add_test(tc, every_cut_is_refused);
    tcase_add_test(tc, rubbish_does_no_harm);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
