/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_edu.c - edu from its registers. */
#include "tests/hw/device_plug.h"

static Plug fx;

static void setup(void)
{
    plug_open(&fx, "edu", NULL);
}

static void teardown(void)
{
    plug_close(&fx);
}

static uint32_t get(unsigned reg)
{
    return get32(&fx.bench, PLUG_BAR + reg);
}

static void put(unsigned reg, uint32_t value)
{
    put32(&fx.bench, PLUG_BAR + reg, value);
}

static void put_wide(unsigned reg, uint64_t value)
{
    phys_map_mmio_write(fx.bench.map, PLUG_BAR + reg, 8, value);
}

START_TEST(it_says_what_it_is)
{
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, 0, 4), 0x11e81234);
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, 8, 4), 0x00ff0010);
    ck_assert_uint_eq(get(0), 0x010000ed);
    put(4, 0x12345678);
    ck_assert_uint_eq(get(4), 0xedcba987);
}
END_TEST

START_TEST(a_factorial_takes_its_time)
{
    put(8, 5);
    ck_assert_uint_eq(get(0x20), 1);
    put(8, 7); /* it is busy */
    clock_step(fx.bench.clock, NS_PER_MS);
    ck_assert_uint_eq(get(0x20), 0);
    ck_assert_uint_eq(get(8), 120);
    ck_assert(!fx.pin);
    put(0x20, 0x80);
    put(8, 0xffffffff);
    clock_step(fx.bench.clock, NS_PER_MS);
    ck_assert_uint_eq(get(8), 0);
    ck_assert_uint_eq(get(0x24), 1);
    ck_assert(fx.pin);
    put(0x64, 1);
    ck_assert(!fx.pin);
}
END_TEST

START_TEST(interrupts_are_raised_and_acknowledged)
{
    unsigned msi = pci_config_read(fx.pci, PLUG_DEVFN, 0x34, 1);

    put(0x60, 0x30);
    ck_assert_uint_eq(get(0x24), 0x30);
    ck_assert(fx.pin);
    put(0x64, 0x10);
    ck_assert(fx.pin);
    put(0x64, 0x20);
    ck_assert(!fx.pin);
    pci_config_write(fx.pci, PLUG_DEVFN, msi + 4, 4, 0xfee00000);
    pci_config_write(fx.pci, PLUG_DEVFN, msi + 12, 2, 0x41);
    pci_config_write(fx.pci, PLUG_DEVFN, msi + 2, 2, 1);
    put(0x60, 1);
    ck_assert(!fx.pin);
    ck_assert_uint_eq(fx.messages, 1);
    ck_assert_uint_eq(fx.message, 0x41);
}
END_TEST

static void dma(uint64_t from, uint64_t to, uint64_t count, uint32_t command)
{
    put_wide(0x80, from);
    put_wide(0x88, to);
    put_wide(0x90, count);
    put(0x98, command);
    ck_assert_uint_eq(get(0x98) & 1, 1);
    clock_step(fx.bench.clock, NS_PER_S);
    ck_assert_uint_eq(get(0x98) & 1, 0);
}

START_TEST(dma_goes_both_ways)
{
    char bytes[16] = "there and back";

    phys_map_write(fx.bench.map, 0x1000, bytes, sizeof(bytes));
    dma(0x1000, 0x40010, sizeof(bytes), 1);
    ck_assert_uint_eq(get(0x24), 0);
    dma(0x40010, 0x80002000, sizeof(bytes), 7); /* above 28 bits there is nothing */
    ck_assert_uint_eq(get(0x24), 0x100);
    memset(bytes, 0, sizeof(bytes));
    phys_map_read(fx.bench.map, 0x2000, bytes, sizeof(bytes));
    ck_assert_str_eq(bytes, "there and back");
}
END_TEST

START_TEST(dma_beyond_the_buffer_does_nothing)
{
    static const uint64_t rows[][2] = {
        { 0x3ffff, 1 },    { 0x40000, 4097 },       { 0x41000, 1 },     { 0x40fff, 2 },
        { 0, UINT64_MAX }, { 0x40001, UINT64_MAX }, { UINT64_MAX, 16 }, { 0x40000, 1ull << 32 },
    };

    put8(&fx.bench, 0x1000, 0x5a);
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        dma(0x1000, rows[i][0], rows[i][1], 1);
        dma(rows[i][0], 0x1000, rows[i][1], 3);
        ck_assert_uint_eq(get8(&fx.bench, 0x1000), 0x5a);
    }
}
END_TEST

START_TEST(dma_needs_bus_mastering)
{
    pci_config_write(fx.pci, PLUG_DEVFN, 4, 2, 3);
    put8(&fx.bench, 0x1000, 0x5a);
    dma(0x40000, 0x1000, 16, 3);
    ck_assert_uint_eq(get8(&fx.bench, 0x1000), 0x5a);
}
END_TEST

START_TEST(anything_is_survived)
{
    plug_rampage(&fx, (uint32_t)_i + 1, PLUG_BAR, 0x100, 0, 16);
    ck_assert_uint_eq(pci_config_read(fx.pci, PLUG_DEVFN, 0, 4), 0x11e81234);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("edu");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_says_what_it_is);
    tcase_add_test(tc, a_factorial_takes_its_time);
    tcase_add_test(tc, interrupts_are_raised_and_acknowledged);
    tcase_add_test(tc, dma_goes_both_ways);
    tcase_add_test(tc, dma_beyond_the_buffer_does_nothing);
    tcase_add_test(tc, dma_needs_bus_mastering);
    tcase_add_loop_test(tc, anything_is_survived, 0, 5);
    return suite_run(tc, "hw/edu");
}
