/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_q35.c - the other board: what differs from test_pc.c's. */
#include "hw/pc.h"
#include "hw/pc_int.h"
#include "tests/hw/board_fixture.h"

enum {
    LPC = 31 << 3,
    IOAPIC = 0xfec00000,
    LAPIC = 0xfee00000,
    PMBASE = 0x40,
    ACPI_CNTL = 0x44,
    PCIEXBAR = 0x60,
    GSI_PIRQE = 20,
};

static struct {
    Bench bench;
    Pc *pc;
    bool intr;
    unsigned smi, offs;
} fx;

static void on_power(void *opaque, BoardPower what, int status)
{
    (void)opaque, (void)status;
    fx.offs += what == BOARD_POWER_OFF;
}

static void on_signal(void *opaque, unsigned cpu, PcCpuSignal signal, unsigned value)
{
    (void)opaque, (void)cpu;
    if (signal == PC_CPU_INTR) {
        fx.intr = value != 0;
    }
    fx.smi += signal == PC_CPU_SMI;
}

static void open_board(uint64_t ram)
{
    PcConfig config = {
        .cpus = 1,
        .q35 = true,
        .hpet = true,
        .acpi = true,
        .tsc_hz = NS_PER_S,
        .power = on_power,
        .signal = on_signal,
    };

    memset(&fx, 0, sizeof(fx));
    bench_open(&fx.bench, ram);
    config.map = fx.bench.map;
    config.io = fx.bench.io;
    config.clock = fx.bench.clock;
    fx.pc = pc_new(&config, NULL);
    ck_assert_ptr_nonnull(fx.pc);
}

static void setup(void)
{
    open_board(64 << 20);
}

static void teardown(void)
{
    pc_free(fx.pc);
    bench_close(&fx.bench);
}

START_TEST(sata_controller_is_built_in)
{
    ck_assert_uint_eq(config_in(&fx.bench, LPC + 2, 0, 4), 0x29228086);
    ck_assert_uint_eq(config_in(&fx.bench, LPC + 2, 8, 4), 0x01060102);
    ck_assert_uint_eq(config_in(&fx.bench, LPC, 14, 1) & 0x80, 0x80); /* several functions */
    ck_assert_ptr_nonnull(board_find_bus(pc_board(fx.pc), "ide.5"));
}
END_TEST

START_TEST(the_bridges_are_those_of_a_q35)
{
    ck_assert_uint_eq(config_in(&fx.bench, 0, 0, 4), 0x29c08086);
    ck_assert_uint_eq(config_in(&fx.bench, LPC, 0, 4), 0x29188086);
    ck_assert_uint_eq(config_in(&fx.bench, 1 << 3, 0, 4), 0xffffffff); /* no PIIX */
}
END_TEST

static const struct {
    uint32_t value;
    uint64_t base, size;
} ecam_rows[] = {
    { 0xb0000001, 0xb0000000, 256 << 20 },
    { 0xc8000003, 0xc8000000, 128 << 20 },
    { 0xcc000005, 0xcc000000, 64 << 20 },
    { 0xc8000001, 0xc0000000, 256 << 20 }, /* bits that this length has not */
};

START_TEST(configuration_space_is_in_memory_too)
{
    uint64_t base = ecam_rows[_i].base;

    config_out(&fx.bench, 0, PCIEXBAR, 4, ecam_rows[_i].value);
    ck_assert_uint_eq(get32(&fx.bench, base), 0x29c08086);
    ck_assert_uint_eq(get32(&fx.bench, base + (LPC << 12)), 0x29188086);
    ck_assert_uint_eq(get32(&fx.bench, base + 0x100), 0xffffffff);
    ck_assert_uint_eq(get32(&fx.bench, base + (1 << 20)), 0xffffffff); /* bus 1 */
    phys_map_mmio_write(fx.bench.map, base + (LPC << 12) + 0x60, 1, 0x05);
    ck_assert_uint_eq(config_in(&fx.bench, LPC, 0x60, 1), 0x05);
    config_out(&fx.bench, 0, PCIEXBAR, 4, 0);
    ck_assert_uint_eq(get32(&fx.bench, base), 0xffffffff);
}
END_TEST

START_TEST(power_management_is_in_the_lpc_bridge)
{
    config_out(&fx.bench, LPC, PMBASE, 4, 0xb000);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xb008, 4), 0xffffffff);
    config_out(&fx.bench, LPC, ACPI_CNTL, 1, 0x80);
    ck_assert_uint_ne(io_bus_read(fx.bench.io, 0xb008, 4), 0xffffffff);
    io_bus_write(fx.bench.io, 0xb030, 4, 0x21); /* SMIs, by the command port */
    io_bus_write(fx.bench.io, 0xb2, 1, 0x55);
    ck_assert_uint_eq(fx.smi, 1);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xb034, 4) & 0x20, 0x20);
    io_bus_write(fx.bench.io, 0xb034, 4, 0x20);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xb034, 4) & 0x20, 0);
    io_bus_write(fx.bench.io, 0xb028, 2, 0x0003); /* enables of the general-purpose events */
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xb028, 2), 3);
    io_bus_write(fx.bench.io, 0xb004, 2, 0x2000);
    ck_assert_uint_eq(fx.offs, 1);
    pc_reset(fx.pc);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xb008, 4), 0xffffffff);
}
END_TEST

START_TEST(each_pirq_has_an_input_of_the_io_apic)
{
    put32(&fx.bench, LAPIC + 0xf0, 0x1ff);
    put32(&fx.bench, IOAPIC, 0x10 + 2 * GSI_PIRQE);
    put32(&fx.bench, IOAPIC + 0x10, 0x8040); /* level */
    pc_pci_irq(fx.pc, 4, true);
    ck_assert(fx.intr);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), 0x40);
    pc_pci_irq(fx.pc, 4, false);
    put32(&fx.bench, LAPIC + 0xb0, 0);
    ck_assert(!fx.intr);
}
END_TEST

START_TEST(ram_leaves_room_for_the_configuration_space)
{
    open_board(3ull << 30);
    ck_assert_uint_eq(pc_low_ram(fx.pc), 2ull << 30);
    ck_assert_uint_eq(pc_high_ram(fx.pc), 1ull << 30);
    teardown();
    open_board(2560ull << 20);
    ck_assert_uint_eq(pc_low_ram(fx.pc), 2560ull << 20);
    teardown();
}
END_TEST

START_TEST(any_configuration_write_is_survived)
{
    for (unsigned offset = 0; offset < 256; offset++) {
        config_out(&fx.bench, 0, offset, 1, 0xff);
        config_out(&fx.bench, LPC, offset, 1, 0xff);
        config_out(&fx.bench, 0, offset & ~3u, 4, 0x5a5a5a5a * offset);
        config_out(&fx.bench, LPC, offset & ~3u, 4, 0xa5a5a5a5 * offset);
    }
    pc_reset(fx.pc);
    ck_assert_uint_eq(config_in(&fx.bench, LPC, PMBASE, 4), 1);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("q35"), *bare = tcase_create("bare");
    Suite *suite = suite_create("q35");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, sata_controller_is_built_in);
    tcase_add_test(tc, the_bridges_are_those_of_a_q35);
    tcase_add_loop_test(tc, configuration_space_is_in_memory_too, 0, G_N_ELEMENTS(ecam_rows));
    tcase_add_test(tc, power_management_is_in_the_lpc_bridge);
    tcase_add_test(tc, each_pirq_has_an_input_of_the_io_apic);
    tcase_add_test(tc, any_configuration_write_is_survived);
    tcase_add_test(bare, ram_leaves_room_for_the_configuration_space);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, bare);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
