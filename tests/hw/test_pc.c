/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pc.c - the board: that the wires lead where they should, seen from the CPUs. */
#include "hw/pc.h"
#include "hw/pc_int.h"
#include "tests/hw/board_fixture.h"

enum { CPUS = 2, RAM = 64 << 20, LAPIC = 0xfee00000, IOAPIC = 0xfec00000 };

static struct {
    Bench bench;
    Pc *pc;
    CharDev *serial;
    unsigned current;
    bool intr[CPUS], a20[CPUS];
    unsigned nmi[CPUS], smi[CPUS], ignne[CPUS];
    unsigned resets, offs, exits;
    int status;
} fx;

static void on_power(void *opaque, BoardPower what, int status)
{
    (void)opaque;
    fx.resets += what == BOARD_POWER_RESET;
    fx.offs += what == BOARD_POWER_OFF;
    fx.exits += what == BOARD_POWER_DEBUG_EXIT;
    fx.status = status;
}

static void on_signal(void *opaque, unsigned cpu, PcCpuSignal signal, unsigned value)
{
    (void)opaque;
    switch (signal) {
    case PC_CPU_INTR:
        fx.intr[cpu] = value != 0;
        break;
    case PC_CPU_NMI:
        fx.nmi[cpu]++;
        break;
    case PC_CPU_SMI:
        fx.smi[cpu]++;
        break;
    case PC_CPU_IGNNE:
        fx.ignne[cpu]++;
        break;
    case PC_CPU_A20:
        fx.a20[cpu] = value != 0;
        break;
    default:
        break;
    }
}

static unsigned current_cpu(void *opaque)
{
    (void)opaque;
    return fx.current;
}

static uint64_t tsc(void *opaque, unsigned cpu)
{
    (void)opaque;
    (void)cpu;
    return (uint64_t)clock_now(fx.bench.clock);
}

static void board_open(uint64_t ram, bool hpet)
{
    PcConfig config = {
        .cpus = CPUS,
        .hpet = hpet,
        .acpi = true,
        .tsc_hz = NS_PER_S,
        .power = on_power,
        .signal = on_signal,
        .tsc = tsc,
        .current_cpu = current_cpu,
    };
    GError *error = NULL;

    memset(&fx, 0, sizeof(fx));
    bench_open(&fx.bench, ram);
    config.map = fx.bench.map;
    config.io = fx.bench.io;
    config.clock = fx.bench.clock;
    fx.serial = config.serial[0] = chardev_new("null", NULL);
    fx.pc = pc_new(&config, &error);
    ck_assert_ptr_nonnull(fx.pc);
    ck_assert_ptr_null(error);
    ck_assert_ptr_nonnull(board_add_device(pc_board(fx.pc), "isa-debug-exit", NULL, NULL));
}

static void setup(void)
{
    board_open(RAM, true);
}

static void teardown(void)
{
    pc_free(fx.pc);
    chardev_free(fx.serial);
    bench_close(&fx.bench);
}

static uint32_t in(uint16_t port, unsigned width)
{
    return io_bus_read(fx.bench.io, port, width);
}

static void out(uint16_t port, unsigned width, uint32_t value)
{
    io_bus_write(fx.bench.io, port, width, value);
}

static void ioapic_out(unsigned reg, uint32_t value)
{
    put32(&fx.bench, IOAPIC, reg);
    put32(&fx.bench, IOAPIC + 0x10, value);
}

/* As firmware does: vectors 8 to 15 and 70 to 77, all inputs but those of the mask open. */
static void pic_start(uint16_t mask)
{
    out(0x20, 1, 0x11);
    out(0x21, 1, 0x08);
    out(0x21, 1, 0x04);
    out(0x21, 1, 0x01);
    out(0xa0, 1, 0x11);
    out(0xa1, 1, 0x70);
    out(0xa1, 1, 0x02);
    out(0xa1, 1, 0x01);
    out(0x21, 1, mask & 0xff);
    out(0xa1, 1, mask >> 8);
}

static void pit_start(void)
{
    out(0x43, 1, 0x34);
    out(0x40, 1, 0xa9);
    out(0x40, 1, 0x04); /* 1193: 1 kHz */
}

static PcTables install(void)
{
    PcTables tables;

    ck_assert(pc_install_tables(fx.pc, &tables, NULL));
    return tables;
}

START_TEST(ram_leaves_room_for_the_isa_hole)
{
    ck_assert_uint_eq(pc_low_ram(fx.pc), RAM);
    ck_assert_uint_eq(pc_high_ram(fx.pc), 0);
    put8(&fx.bench, 0x9ffff, 0x12);
    ck_assert_uint_eq(get8(&fx.bench, 0x9ffff), 0x12);
    put8(&fx.bench, 0xa0000, 0x12);
    ck_assert_uint_eq(get8(&fx.bench, 0xa0000), 0xff);
    put8(&fx.bench, 0xf0000, 0x12);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0000), 0xff);
    put8(&fx.bench, RAM - 1, 0x34);
    ck_assert_uint_eq(get8(&fx.bench, RAM - 1), 0x34);
    ck_assert_uint_eq(get8(&fx.bench, RAM), 0xff);
}
END_TEST

START_TEST(ram_beyond_three_gigabytes_goes_above_four)
{
    board_open(5ull << 30, false);
    ck_assert_uint_eq(pc_low_ram(fx.pc), 3ull << 30);
    ck_assert_uint_eq(pc_high_ram(fx.pc), 2ull << 30);
    put8(&fx.bench, 0x100000000, 0x56);
    ck_assert_uint_eq(get8(&fx.bench, 0x100000000), 0x56);
    ck_assert_uint_eq(get8(&fx.bench, 0xc0000000), 0xff);
    ck_assert_uint_eq(get8(&fx.bench, 0x180000000), 0xff);
    ck_assert_uint_eq(get8(&fx.bench, 0x180000000 - 1), 0);
    ck_assert(pc_ready(fx.pc, NULL));
    out(0x70, 1, 0x5c);
    ck_assert_uint_eq(in(0x71, 1), 0x80); /* 2 GiB in 64 KiB units is 0x8000 */
    teardown();
}
END_TEST

START_TEST(too_little_ram_and_too_many_cpus_are_refused)
{
    PcConfig config = { .cpus = 1, .power = on_power, .signal = on_signal };
    GError *error = NULL;

    bench_open(&fx.bench, 0x10000);
    config.map = fx.bench.map;
    config.io = fx.bench.io;
    config.clock = fx.bench.clock;
    ck_assert_ptr_null(pc_new(&config, &error));
    ck_assert(g_error_matches(error, PC_ERROR, PC_ERROR_RAM));
    g_clear_error(&error);
    bench_close(&fx.bench);
    bench_open(&fx.bench, RAM);
    config.map = fx.bench.map;
    config.cpus = 256;
    ck_assert_ptr_null(pc_new(&config, &error));
    ck_assert(g_error_matches(error, PC_ERROR, PC_ERROR_CPUS));
    g_clear_error(&error);
    bench_close(&fx.bench);
}
END_TEST

START_TEST(the_pit_interrupts_through_the_virtual_wire)
{
    install();
    pic_start(0xfffe);
    pit_start();
    clock_step(fx.bench.clock, 2 * NS_PER_MS);
    ck_assert(fx.intr[0] && !fx.intr[1]);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), 0x08);
    ck_assert(!fx.intr[0]);
    out(0x20, 1, 0x20);
    clock_step(fx.bench.clock, NS_PER_MS);
    ck_assert(fx.intr[0]);
}
END_TEST

START_TEST(the_pit_is_input_two_of_the_io_apic)
{
    install();
    put32(&fx.bench, LAPIC + 0x350, 0x10700); /* no 8259 */
    ioapic_out(0x14, 0x30);
    ioapic_out(0x15, 0);
    pit_start();
    clock_step(fx.bench.clock, 2 * NS_PER_MS);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), 0x30);
}
END_TEST

/* The host was busy: time has gone on, but nobody has looked. */
static void away(int64_t ns)
{
    clock_set_now(fx.bench.clock, clock_now(fx.bench.clock) + ns);
    clock_step(fx.bench.clock, 0);
}

/* Takes and ends interrupts until there are none, while time stands still. */
static unsigned take_all(uint32_t eoi_port)
{
    unsigned taken = 0;

    while (fx.intr[0] && taken < 1000) {
        ck_assert_int_ge(pc_interrupt_ack(fx.pc, 0), 0);
        taken++;
        if (eoi_port != 0) {
            out((uint16_t)eoi_port, 1, 0x20);
        } else {
            put32(&fx.bench, LAPIC + 0xb0, 0);
        }
    }
    return taken;
}

static void pit_100_hz(void)
{
    out(0x43, 1, 0x34); /* counter 0, mode 2 */
    out(0x40, 1, 11932 & 0xff);
    out(0x40, 1, 11932 >> 8);
}

START_TEST(ticks_that_are_owed_come_back_to_back_through_the_pic)
{
    install();
    pic_start(0xfffe);
    pit_100_hz();
    take_all(0x20);
    away(105 * NS_PER_MS);
    ck_assert_uint_eq(take_all(0x20), 10);
    away(60ll * NS_PER_S);
    ck_assert_uint_le(take_all(0x20), 101); /* no more than a second of them */
}
END_TEST

START_TEST(ticks_that_are_owed_come_back_to_back_through_the_io_apic)
{
    out(0x21, 1, 0xff);
    put32(&fx.bench, LAPIC + 0xf0, 0x1ff);
    ioapic_out(0x10 + 2 * 2, 0x30);
    pit_100_hz();
    take_all(0);
    away(105 * NS_PER_MS);
    ck_assert_uint_eq(take_all(0), 10);
    for (unsigned i = 0; i < 3; i++) {
        clock_step(fx.bench.clock, 10 * NS_PER_MS); /* on time, but the guest takes none */
    }
    ck_assert_uint_eq(take_all(0), 3);
    ck_assert_uint_eq(take_all(0), 0);
}
END_TEST

START_TEST(the_hpet_owes_ticks_too)
{
    put32(&fx.bench, LAPIC + 0xf0, 0x1ff);
    ioapic_out(0x10 + 2 * 2, 0x30);
    put32(&fx.bench, HPET_BASE + 0x100, 0x4c); /* edges, enabled, periodic, value set */
    phys_map_mmio_write(fx.bench.map, HPET_BASE + 0x108, 8, 1000000); /* phase, then period */
    phys_map_mmio_write(fx.bench.map, HPET_BASE + 0x108, 8, 1000000);
    put32(&fx.bench, HPET_BASE + 0x10, 3);
    clock_step(fx.bench.clock, 10 * NS_PER_MS);
    ck_assert_uint_eq(take_all(0), 1);
    away(55 * NS_PER_MS);
    ck_assert_uint_eq(take_all(0), 5);
}
END_TEST

START_TEST(the_hpet_takes_over_the_legacy_interrupts)
{
    install();
    pic_start(0xfffe);
    pit_start();
    put32(&fx.bench, 0xfed00010, 3); /* counting, legacy replacement */
    clock_step(fx.bench.clock, 5 * NS_PER_MS);
    ck_assert(!fx.intr[0]);
    put32(&fx.bench, 0xfed00108, (uint32_t)get32(&fx.bench, 0xfed000f0) + 1000);
    put32(&fx.bench, 0xfed0010c, 0);
    put32(&fx.bench, 0xfed00100, 1 << 2); /* interrupt enabled */
    clock_step(fx.bench.clock, 5 * NS_PER_MS);
    ck_assert(fx.intr[0]);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), 0x08);
}
END_TEST

START_TEST(a_pci_interrupt_is_a_level_on_both_controllers)
{
    static const PciClass class = { .name = "test", .vendor = 1, .device = 2, .interrupt_pin = 1 };
    PciDevice *device = pci_device_new(fx.pc->pci, PCI_DEVFN(4, 0), &class, NULL);

    install();
    ck_assert_uint_eq(config_in(&fx.bench, PCI_DEVFN(4, 0), 0x3c, 1), 11); /* PIRQD# */
    pic_start(0xf7fb);
    pci_device_set_irq(device, true);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), 0x73);
    out(0xa0, 1, 0x20);
    out(0x20, 1, 0x20);
    ck_assert(fx.intr[0]); /* level: still there */
    out(0x21, 1, 0xff);
    ck_assert(!fx.intr[0]);
    ioapic_out(0x11 + 2 * 11, 0);
    ioapic_out(0x10 + 2 * 11, 0x8041);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), 0x41);
    put32(&fx.bench, LAPIC + 0xb0, 0);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), 0x41);
    pci_device_set_irq(device, false);
    put32(&fx.bench, LAPIC + 0xb0, 0);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), -1);
    pci_device_free(device);
}
END_TEST

START_TEST(each_cpu_sees_its_own_local_apic)
{
    ck_assert_uint_eq(get32(&fx.bench, LAPIC + 0x20), 0);
    fx.current = 1;
    ck_assert_uint_eq(get32(&fx.bench, LAPIC + 0x20), 1u << 24);
    put32(&fx.bench, LAPIC + 0xf0, 0x1ff);
    fx.current = 0;
    ck_assert_uint_eq(get32(&fx.bench, LAPIC + 0xf0), 0xff);
    put32(&fx.bench, LAPIC + 0x310, 1u << 24);
    put32(&fx.bench, LAPIC + 0x300, 0x4055);
    ck_assert(fx.intr[1]);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 1), 0x55);
}
END_TEST

START_TEST(the_power_button_raises_the_sci)
{
    install();
    pic_start(0xfdfb);
    out(0xb2, 1, 0xf1);
    out(0x602, 2, 0x100);
    pc_power_button(fx.pc);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), 0x71);
}
END_TEST

START_TEST(soft_off_ends_the_machine)
{
    install();
    out(0x604, 2, 0x2001);
    ck_assert_uint_eq(fx.offs, 1);
}
END_TEST

START_TEST(there_are_three_ways_to_reset)
{
    out(0xcf9, 1, 0x06);
    ck_assert_uint_eq(fx.resets, 1);
    out(0x92, 1, 0x03);
    ck_assert_uint_eq(fx.resets, 2);
    out(0x64, 1, 0xfe);
    ck_assert_uint_eq(fx.resets, 3);
}
END_TEST

START_TEST(both_gates_of_a20_are_one)
{
    ck_assert(fx.a20[0] && fx.a20[1]);
    ck_assert_uint_eq(in(0x92, 1) & 2, 2);
    out(0x92, 1, 0);
    ck_assert(!fx.a20[0] && !fx.a20[1]);
    out(0x64, 1, 0xd1);
    out(0x60, 1, 0xdf);
    ck_assert(fx.a20[0] && fx.a20[1]);
    ck_assert_uint_eq(in(0x92, 1) & 2, 2);
    out(0x92, 1, 0);
    pc_reset(fx.pc);
    ck_assert(fx.a20[0]);
}
END_TEST

START_TEST(debug_exit_gives_its_status)
{
    out(0x501, 1, 0x10);
    ck_assert_uint_eq(fx.exits, 1);
    ck_assert_int_eq(fx.status, 0x21);
}
END_TEST

START_TEST(ferr_is_irq_13_until_f0_is_written)
{
    install();
    pic_start(0xdffb);
    out(0xf0, 1, 0);
    ck_assert_uint_eq(fx.ignne[0], 0);
    pc_ferr(fx.pc);
    ck_assert_int_eq(pc_interrupt_ack(fx.pc, 0), 0x75);
    out(0xf0, 1, 0);
    ck_assert_uint_eq(fx.ignne[0], 1);
    out(0xa0, 1, 0x20);
    out(0x20, 1, 0x20);
    ck_assert(!fx.intr[0]);
    pc_ferr(fx.pc);
    ck_assert(fx.intr[0]);
}
END_TEST

START_TEST(the_nmi_button_heeds_the_mask)
{
    install();
    out(0x70, 1, 0x80);
    pc_nmi_button(fx.pc);
    ck_assert_uint_eq(fx.nmi[0], 0);
    out(0x70, 1, 0x0f);
    pc_nmi_button(fx.pc);
    ck_assert_uint_eq(fx.nmi[0], 1);
}
END_TEST

START_TEST(an_smi_goes_to_the_cpu_that_asks)
{
    install();
    config_out(&fx.bench, 0x0b, 0x58, 4, 1u << 25);
    out(0x628, 4, 1);
    fx.current = 1;
    out(0xb2, 1, 0x77);
    ck_assert_uint_eq(fx.smi[1], 1);
    ck_assert_uint_eq(fx.smi[0], 0);
    fx.current = 0;
    config_out(&fx.bench, 0, 0x72, 1, 0x0a);
    pc_smm_changed(fx.pc, 1, true);
    put8(&fx.bench, 0xa8000, 0x12);
    ck_assert_uint_eq(get8(&fx.bench, 0xa8000), 0x12);
    pc_smm_changed(fx.pc, 1, false);
    ck_assert_uint_eq(get8(&fx.bench, 0xa8000), 0xff);
}
END_TEST

START_TEST(tables_are_where_a_kernel_looks)
{
    PcTables tables = install();
    uint8_t bytes[36], sum = 0;
    uint64_t xsdt;

    phys_map_read(fx.bench.map, tables.smbios, bytes, 4);
    ck_assert_mem_eq(bytes, "_SM_", 4);
    phys_map_read(fx.bench.map, tables.rsdp, bytes, 36);
    ck_assert_mem_eq(bytes, "RSD PTR ", 8);
    ck_assert_uint_eq(tables.rsdp % 16, 0);
    for (unsigned i = 0; i < 36; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    ck_assert_uint_eq(sum, 0);
    memcpy(&xsdt, bytes + 24, 8);
    ck_assert_uint_ge(xsdt, tables.acpi_base);
    ck_assert_uint_lt(xsdt, tables.acpi_base + tables.acpi_size);
    ck_assert_uint_eq(tables.acpi_base + tables.acpi_size, RAM);
    ck_assert_uint_eq(tables.acpi_base % 4096, 0);
    phys_map_read(fx.bench.map, xsdt, bytes, 4);
    ck_assert_mem_eq(bytes, "XSDT", 4);
    put8(&fx.bench, 0xf0000, 0); /* read only */
    ck_assert_uint_eq(get8(&fx.bench, 0xf0000), '_');
    put8(&fx.bench, 0xc0000, 7);
    ck_assert_uint_eq(get8(&fx.bench, 0xc0000), 7);
    pc_reset(fx.pc);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0000), 0xff);
    tables = install(); /* a second time, after reset */
    ck_assert_uint_eq(get8(&fx.bench, 0xf0000), '_');
}
END_TEST

START_TEST(the_chipset_is_set_up_in_place_of_firmware)
{
    install();
    ck_assert_uint_eq(config_in(&fx.bench, 0x08, 0x60, 4), 0x0b0b0a0a);
    ck_assert_uint_eq(in(0x4d1, 1), 0x0c);
    ck_assert_uint_eq(config_in(&fx.bench, 0x0b, 0x40, 4), 0x601);
    ck_assert_uint_eq(get32(&fx.bench, LAPIC + 0xf0), 0x1ff);
    ck_assert_uint_eq(get32(&fx.bench, LAPIC + 0x350), 0x700);
}
END_TEST

START_TEST(cmos_tells_memory_and_boot_order)
{
    static const uint8_t expected[][2] = {
        { 0x15, 0x80 }, { 0x16, 0x02 }, { 0x34, 0x00 },     { 0x35, 0x03 },
        { 0x3d, 0x12 }, { 0x38, 0x30 }, { 0x5f, CPUS - 1 },
    };

    ck_assert(pc_ready(fx.pc, NULL));
    for (unsigned i = 0; i < G_N_ELEMENTS(expected); i++) {
        out(0x70, 1, expected[i][0]);
        ck_assert_uint_eq(in(0x71, 1), expected[i][1]);
    }
}
END_TEST

static void name_state(void *opaque, const StateTable *table, unsigned instance, void *device)
{
    GHashTable *names = opaque;
    char *name = g_strdup_printf("%s/%u", table->name, instance);

    (void)device;
    ck_assert_msg(g_hash_table_add(names, name), "two states of %s", name);
}

/* Two of each device: a saved machine tells them apart. */
START_TEST(every_state_has_a_name_of_its_own)
{
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    unsigned plugged = 0;

    for (unsigned i = 0; device_types[i] != NULL; i++) {
        for (unsigned n = 0; n < 2 && !device_types[i]->board_only; n++) {
            /* those that need a host end, or are there already, are refused */
            plugged += board_add_device(pc_board(fx.pc), device_types[i]->name, NULL, NULL) != NULL;
        }
    }
    ck_assert_uint_ge(plugged, 8);
    pc_each_state(fx.pc, name_state, names);
    ck_assert_uint_ge(g_hash_table_size(names), 30);
}
END_TEST

static void count_state(void *opaque, const StateTable *table, unsigned instance, void *device)
{
    unsigned *count = opaque;

    (void)instance;
    ck_assert_ptr_nonnull(device);
    ck_assert_ptr_nonnull(table->name);
    ck_assert_ptr_nonnull(table->fields);
    (*count)++;
}

START_TEST(every_chip_has_a_state_table)
{
    unsigned count = 0;

    pc_each_state(fx.pc, count_state, &count);
    ck_assert_uint_ge(count, 20);
}
END_TEST

/* ---- States that no machine ever had ---- */

typedef struct Mutation {
    GRand *dice;
    unsigned tables;
    bool load; /* the fields; else what follows when all have theirs */
} Mutation;

static void mutate_state(void *opaque, const StateTable *table, unsigned instance, void *device)
{
    static const unsigned widths[] = { 1, 2, 4, 8, 1, 1, 0 };
    Mutation *mutation = opaque;

    (void)instance;
    mutation->tables++;
    if (!mutation->load) {
        state_loaded(table, device);
        return;
    }
    for (const StateField *field = table->fields; field->name != NULL; field++) {
        uint8_t *bytes = (uint8_t *)device + field->offset;
        unsigned size = field->count * widths[field->type];

        if (size == 0 || g_rand_int_range(mutation->dice, 0, 4) != 0) {
            continue;
        }
        for (unsigned i = 0; i < size; i++) {
            bytes[i] = field->type == STATE_BOOL ? (uint8_t)g_rand_int_range(mutation->dice, 0, 2)
                                                 : (uint8_t)g_rand_int(mutation->dice);
        }
    }
}

/* Whatever a saved machine holds, chips take it or put it right, and go on. */
START_TEST(rubbish_in_the_state_of_every_chip_is_survived)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed((guint32)_i + 1);
    Mutation mutation = { .dice = dice };

    for (unsigned round = 0; round < 200; round++) {
        mutation.load = true;
        pc_each_state(fx.pc, mutate_state, &mutation);
        mutation.load = false;
        pc_each_state(fx.pc, mutate_state, &mutation);
        for (unsigned i = 0; i < 300; i++) {
            uint16_t port = (uint16_t)g_rand_int_range(dice, 0, i < 200 ? 0x400 : 0x10000);
            unsigned width = 1u << g_rand_int_range(dice, 0, 3);

            out(port, width, g_rand_int(dice));
            in(port, width);
        }
        clock_step(fx.bench.clock, g_rand_int_range(dice, 0, NS_PER_MS));
        for (unsigned cpu = 0; cpu < CPUS; cpu++) {
            pc_interrupt_ack(fx.pc, cpu);
        }
    }
    pc_reset(fx.pc);
    ck_assert_uint_gt(mutation.tables, 200 * 20);
}
END_TEST

START_TEST(every_port_in_every_width_is_survived)
{
    install();
    for (unsigned port = 0; port < 0x10000; port++) {
        for (unsigned width = 1; width <= 4; width *= 2) {
            out((uint16_t)port, width, port * 0x9e3779b1u);
            in((uint16_t)port, width);
        }
    }
    clock_step(fx.bench.clock, NS_PER_MS);
    pc_reset(fx.pc);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("board"), *bare = tcase_create("bare");
    Suite *suite = suite_create("pc");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, ram_leaves_room_for_the_isa_hole);
    tcase_add_test(tc, the_pit_interrupts_through_the_virtual_wire);
    tcase_add_test(tc, the_pit_is_input_two_of_the_io_apic);
    tcase_add_test(tc, ticks_that_are_owed_come_back_to_back_through_the_pic);
    tcase_add_test(tc, ticks_that_are_owed_come_back_to_back_through_the_io_apic);
    tcase_add_test(tc, the_hpet_owes_ticks_too);
    tcase_add_test(tc, the_hpet_takes_over_the_legacy_interrupts);
    tcase_add_test(tc, a_pci_interrupt_is_a_level_on_both_controllers);
    tcase_add_test(tc, each_cpu_sees_its_own_local_apic);
    tcase_add_test(tc, the_power_button_raises_the_sci);
    tcase_add_test(tc, soft_off_ends_the_machine);
    tcase_add_test(tc, there_are_three_ways_to_reset);
    tcase_add_test(tc, both_gates_of_a20_are_one);
    tcase_add_test(tc, debug_exit_gives_its_status);
    tcase_add_test(tc, ferr_is_irq_13_until_f0_is_written);
    tcase_add_test(tc, the_nmi_button_heeds_the_mask);
    tcase_add_test(tc, an_smi_goes_to_the_cpu_that_asks);
    tcase_add_test(tc, tables_are_where_a_kernel_looks);
    tcase_add_test(tc, the_chipset_is_set_up_in_place_of_firmware);
    tcase_add_test(tc, cmos_tells_memory_and_boot_order);
    tcase_add_test(tc, every_chip_has_a_state_table);
    tcase_add_test(tc, every_state_has_a_name_of_its_own);
    tcase_add_test(tc, every_port_in_every_width_is_survived);
    tcase_add_loop_test(tc, rubbish_in_the_state_of_every_chip_is_survived, 0, 5);
    tcase_add_test(bare, ram_beyond_three_gigabytes_goes_above_four);
    tcase_add_test(bare, too_little_ram_and_too_many_cpus_are_refused);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, bare);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
