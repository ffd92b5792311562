/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_mptable.c - the multiprocessor tables: checksums, counts, and who is wired to what. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hw/mptable.h"

enum { CPUS = 3, TABLE_AT = 0xf1000, HEADER = 44 };

static uint8_t pci_irq(void *opaque, unsigned slot, unsigned wire)
{
    (void)opaque;
    return slot == 3 ? (uint8_t)(wire < 2 ? 10 : 11) : 0;
}

static GByteArray *table_make(void)
{
    const MpTableConfig config = { .cpus = CPUS,
                                   .cpu_signature = 0x12345,
                                   .cpu_features = 0x201,
                                   .pci_slots = 32,
                                   .pci_irq = pci_irq,
                                   .level_irqs = 1 << 10 | 1 << 11 };

    return mptable_build(&config);
}

static uint8_t sum(const uint8_t *bytes, size_t n)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum;
}

static unsigned word(const uint8_t *bytes)
{
    return bytes[0] | bytes[1] << 8;
}

START_TEST(the_pointer_leads_to_the_table)
{
    uint8_t pointer[MPTABLE_POINTER_SIZE];

    mptable_pointer(TABLE_AT, pointer);
    ck_assert_mem_eq(pointer, "_MP_", 4);
    ck_assert_uint_eq(word(pointer + 4) | word(pointer + 6) << 16, TABLE_AT);
    ck_assert_uint_eq(pointer[8], 1);
    ck_assert_uint_eq(sum(pointer, sizeof(pointer)), 0);
}
END_TEST

START_TEST(length_count_and_checksum_are_the_tables)
{
    GByteArray *table = table_make();
    unsigned at = HEADER, count = 0;

    ck_assert_mem_eq(table->data, "PCMP", 4);
    ck_assert_uint_eq(word(table->data + 4), table->len);
    ck_assert_uint_eq(sum(table->data, table->len), 0);
    for (; at < table->len; count++) {
        ck_assert_uint_le(table->data[at], 4);
        at += table->data[at] == 0 ? 20 : 8;
    }
    ck_assert_uint_eq(at, table->len);
    ck_assert_uint_eq(word(table->data + 34), count);
    g_byte_array_unref(table);
}
END_TEST

START_TEST(one_processor_is_the_bootstrap_one)
{
    GByteArray *table = table_make();

    for (unsigned i = 0; i < CPUS; i++) {
        const uint8_t *cpu = table->data + HEADER + 20 * i;

        ck_assert_uint_eq(cpu[0], 0);
        ck_assert_uint_eq(cpu[1], i);
        ck_assert_uint_eq(cpu[3], i == 0 ? 3 : 1);
        ck_assert_uint_eq(word(cpu + 4), 0x2345);
        ck_assert_uint_eq(word(cpu + 8), 0x201);
    }
    g_byte_array_unref(table);
}
END_TEST

/* Entry of an interrupt; NULL: the table has none. */
static const uint8_t *interrupt(const GByteArray *table, uint8_t kind, uint8_t type, uint8_t bus,
                                uint8_t source)
{
    for (unsigned at = HEADER; at < table->len; at += table->data[at] == 0 ? 20 : 8) {
        const uint8_t *entry = table->data + at;

        if (entry[0] == kind && entry[1] == type && entry[4] == bus && entry[5] == source) {
            return entry;
        }
    }
    return NULL;
}

START_TEST(interrupts_go_where_the_board_wires_them)
{
    GByteArray *table = table_make();
    const uint8_t *entry = interrupt(table, 3, 0, 1, 0);

    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry[7], 2); /* the timer */
    ck_assert_uint_eq(word(entry + 2), 0);
    entry = interrupt(table, 3, 0, 1, 4);
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry[7], 4);
    ck_assert_ptr_null(interrupt(table, 3, 0, 1, 2));
    ck_assert_ptr_null(interrupt(table, 3, 0, 1, 10)); /* PCI's */
    entry = interrupt(table, 3, 0, 0, 3 << 2 | 2);
    ck_assert_ptr_nonnull(entry);
    ck_assert_uint_eq(entry[7], 11);
    ck_assert_uint_eq(word(entry + 2), 0xd); /* active high, level */
    ck_assert_ptr_null(interrupt(table, 3, 0, 0, 4 << 2));
    ck_assert_uint_eq(interrupt(table, 4, 3, 1, 0)[7], 0); /* ExtINT: LINT0 */
    ck_assert_uint_eq(interrupt(table, 4, 1, 1, 0)[7], 1); /* NMI: LINT1 */
    g_byte_array_unref(table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mptable");
    TCase *tc = tcase_create("mptable");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, the_pointer_leads_to_the_table);
    tcase_add_test(tc, length_count_and_checksum_are_the_tables);
    tcase_add_test(tc, one_processor_is_the_bootstrap_one);
    tcase_add_test(tc, interrupts_go_where_the_board_wires_them);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
