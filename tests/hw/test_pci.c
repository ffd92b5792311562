/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pci.c - configuration mechanism 1, BARs, INTx and DMA of a PCI device; the bridges. */
#include "hw/pci/host_bridge.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_setup.h"
#include "hw/pci/isa_bridge.h"
#include "tests/hw/board_fixture.h"

enum {
    DEVFN = PCI_DEVFN(5, 0),
    COMMAND = 0x04,
    STATUS = 0x06,
    BAR0 = 0x10,
    BAR1 = 0x14,
    BAR2 = 0x18,
    SMRAM = 0x72,
    CONFIG_IO = 1,
    CONFIG_MEMORY = 2,
    CONFIG_MASTER = 4,
    INTX_OFF = 0x400,
};

static struct {
    Bench bench;
    PciBus *bus;
    HostBridge *bridge;
    IsaBridge *piix3;
    PciDevice *device;
    bool pin[4], irq[16];
    unsigned resets;
    unsigned written_offset, written_width;
} fx;

static void set_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque;
    fx.pin[pin] = level;
}

static void set_irq(void *opaque, unsigned irq, bool level)
{
    (void)opaque;
    fx.irq[irq] = level;
}

static void on_reset(void *opaque)
{
    (void)opaque;
    fx.resets++;
}

static void written(void *opaque, unsigned offset, unsigned width)
{
    (void)opaque;
    fx.written_offset = offset;
    fx.written_width = width;
}

static uint64_t bar_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque;
    (void)width;
    return 0x1000 + offset;
}

static void bar_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    (void)opaque;
    (void)offset;
    (void)width;
    (void)value;
}

static uint32_t port_read(void *opaque, uint16_t offset, unsigned width)
{
    (void)opaque;
    (void)width;
    return 0x40u + offset;
}

static const MmioOps bar_ops = { .read = bar_read, .write = bar_write };
static const IoRange bar_ports[] = {
    { .base = 4, .count = 4, .widths = IO_8, .read = port_read },
};
static const PciClass device_class = {
    .name = "test",
    .vendor = 0x1af4,
    .device = 0x1234,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x5678,
    .class_code = 0x020000,
    .revision = 7,
    .interrupt_pin = 1,
    .config_written = written,
};

static void setup(void)
{
    memset(&fx, 0, sizeof(fx));
    bench_open(&fx.bench, 2 << 20);
    fx.bus = pci_bus_new(fx.bench.board, "pci.0", set_pin, NULL);
    phys_map_add_ram(fx.bench.map, 0, 0, 0xa0000, 0);
    phys_map_add_ram(fx.bench.map, 0x100000, 0x100000, 0x100000, 0);
    fx.bridge = host_bridge_new(&i440fx_model, fx.bench.map, fx.bench.io, fx.bus, 4);
    fx.piix3 = isa_bridge_new(&piix3_model, fx.bus, fx.bench.io, set_irq, on_reset, NULL);
    fx.device = pci_device_new(fx.bus, DEVFN, &device_class, NULL);
    pci_device_add_mmio_bar(fx.device, 0, 0x1000, false, false, &bar_ops, NULL);
    pci_device_add_io_bar(fx.device, 1, 16, bar_ports, G_N_ELEMENTS(bar_ports), NULL);
    pci_device_add_mmio_bar(fx.device, 2, 0x10000, true, true, &bar_ops, NULL);
}

static void teardown(void)
{
    pci_device_free(fx.device);
    isa_bridge_free(fx.piix3);
    host_bridge_free(fx.bridge);
    pci_bus_free(fx.bus);
    bench_close(&fx.bench);
}

static uint32_t in(unsigned offset, unsigned width)
{
    return config_in(&fx.bench, DEVFN, offset, width);
}

static void out(unsigned offset, unsigned width, uint32_t value)
{
    config_out(&fx.bench, DEVFN, offset, width, value);
}

START_TEST(configuration_space_is_read_in_any_width)
{
    ck_assert_uint_eq(in(0, 4), 0x12341af4);
    ck_assert_uint_eq(in(2, 2), 0x1234);
    ck_assert_uint_eq(in(3, 1), 0x12);
    ck_assert_uint_eq(in(8, 4), 0x02000007);
    ck_assert_uint_eq(in(0x2c, 4), 0x56781af4);
    ck_assert_uint_eq(in(0x3d, 1), 1);
    ck_assert_uint_eq(in(0x0e, 1), 0);
    out(0x3c, 1, 11);
    ck_assert_uint_eq(in(0x3c, 2), 0x010b);
    ck_assert_uint_eq(fx.written_offset, 0x3c);
    ck_assert_uint_eq(fx.written_width, 1);
    out(0, 4, 0); /* read only */
    ck_assert_uint_eq(in(0, 4), 0x12341af4);
}
END_TEST

START_TEST(nobody_home_reads_as_ones)
{
    ck_assert_uint_eq(config_in(&fx.bench, PCI_DEVFN(6, 0), 0, 4), 0xffffffff);
    ck_assert_uint_eq(config_in(&fx.bench, PCI_DEVFN(5, 1), 0, 2), 0xffff);
    io_bus_write(fx.bench.io, 0xcf8, 4, 0x80010000); /* bus 1 */
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xcfc, 4), 0xffffffff);
    io_bus_write(fx.bench.io, 0xcf8, 4, 0); /* not enabled */
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xcfc, 4), 0xffffffff);
}
END_TEST

START_TEST(the_address_register_takes_double_words_only)
{
    io_bus_write(fx.bench.io, 0xcf8, 4, 0x80002803);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xcf8, 4), 0x80002800);
    io_bus_write(fx.bench.io, 0xcf8, 1, 0xff);
    io_bus_write(fx.bench.io, 0xcf9, 1, 0x02);
    io_bus_write(fx.bench.io, 0xcfa, 2, 0xffff);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xcf8, 4), 0x80002800);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xcf9, 1), 0x02);
    ck_assert_uint_eq(fx.resets, 0);
}
END_TEST

START_TEST(the_reset_control_register_resets)
{
    io_bus_write(fx.bench.io, 0xcf9, 1, 0x02);
    io_bus_write(fx.bench.io, 0xcf9, 1, 0x06);
    ck_assert_uint_eq(fx.resets, 1);
    isa_bridge_reset(fx.piix3);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xcf9, 1), 0);
}
END_TEST

START_TEST(bars_tell_their_sizes)
{
    out(BAR0, 4, 0xffffffff);
    ck_assert_uint_eq(in(BAR0, 4), 0xfffff000);
    out(BAR1, 4, 0xffffffff);
    ck_assert_uint_eq(in(BAR1, 4), 0xfffffff1);
    out(BAR2, 4, 0xffffffff);
    out(BAR2 + 4, 4, 0xffffffff);
    ck_assert_uint_eq(in(BAR2, 4), 0xffff000c);
    ck_assert_uint_eq(in(BAR2 + 4, 4), 0xffffffff);
    out(0x24, 4, 0xffffffff); /* there is none */
    ck_assert_uint_eq(in(0x24, 4), 0);
    out(COMMAND, 2, CONFIG_IO | CONFIG_MEMORY); /* nothing there can be decoded */
    ck_assert_uint_eq(pci_device_bar(fx.device, 0), UINT64_MAX);
    ck_assert_uint_eq(pci_device_bar(fx.device, 1), UINT64_MAX);
    ck_assert_uint_eq(pci_device_bar(fx.device, 2), UINT64_MAX);
}
END_TEST

START_TEST(bars_are_decoded_where_the_guest_puts_them)
{
    out(BAR0, 4, 0xe0001000);
    ck_assert_uint_eq(get32(&fx.bench, 0xe0001004), 0xffffffff);
    out(COMMAND, 2, CONFIG_MEMORY);
    ck_assert_uint_eq(get32(&fx.bench, 0xe0001004), 0x1004);
    ck_assert_uint_eq(pci_device_bar(fx.device, 0), 0xe0001000);
    out(BAR0, 4, 0xe0005000);
    ck_assert_uint_eq(get32(&fx.bench, 0xe0001004), 0xffffffff);
    ck_assert_uint_eq(get32(&fx.bench, 0xe0005004), 0x1004);
    out(BAR2 + 4, 4, 0x10);
    out(BAR2, 4, 0x20000);
    ck_assert_uint_eq(get32(&fx.bench, 0x1000020008), 0x1008);
    out(COMMAND, 2, 0);
    ck_assert_uint_eq(get32(&fx.bench, 0xe0005004), 0xffffffff);
}
END_TEST

START_TEST(port_bars_keep_the_offsets_of_their_ranges)
{
    out(BAR1, 4, 0xc101);
    out(COMMAND, 2, CONFIG_IO);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xc104, 1), 0x40);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xc107, 1), 0x43);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xc100, 1), 0xff);
    out(BAR1, 4, 0xd001);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xc104, 1), 0xff);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xd005, 1), 0x41);
    out(COMMAND, 2, 0);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xd005, 1), 0xff);
}
END_TEST

START_TEST(reset_takes_bars_and_decoding_away)
{
    out(BAR0, 4, 0xe0001000);
    out(COMMAND, 2, 7);
    pci_device_reset(fx.device);
    ck_assert_uint_eq(in(COMMAND, 2), 0);
    ck_assert_uint_eq(in(BAR0, 4), 0);
    ck_assert_uint_eq(in(BAR1, 4), 1);
    ck_assert_uint_eq(in(0, 4), 0x12341af4);
}
END_TEST

START_TEST(intx_is_swizzled_shared_and_can_be_disabled)
{
    PciDevice *other = pci_device_new(fx.bus, PCI_DEVFN(9, 0), &device_class, NULL);

    pci_device_set_irq(fx.device, true); /* slot 5, INTA: pin 1 */
    ck_assert(fx.pin[1]);
    ck_assert_uint_eq(in(STATUS, 2) & 8, 8);
    pci_device_set_irq(other, true);
    pci_device_set_irq(fx.device, false);
    ck_assert(fx.pin[1]);
    config_out(&fx.bench, PCI_DEVFN(9, 0), COMMAND, 2, INTX_OFF);
    ck_assert(!fx.pin[1]);
    config_out(&fx.bench, PCI_DEVFN(9, 0), COMMAND, 2, 0);
    ck_assert(fx.pin[1]);
    pci_device_free(other);
    ck_assert(!fx.pin[1]);
}
END_TEST

START_TEST(dma_needs_bus_mastering)
{
    uint8_t data[4] = { 1, 2, 3, 4 };

    ck_assert(!pci_dma_write(fx.device, 0x1000, data, 4));
    ck_assert(!pci_dma_read(fx.device, 0x1000, data, 4));
    ck_assert_uint_eq(data[0], 0xff);
    out(COMMAND, 2, CONFIG_MASTER);
    ck_assert(pci_dma_write(fx.device, 0x1000, "abcd", 4));
    ck_assert(pci_dma_read(fx.device, 0x1000, data, 4));
    ck_assert_mem_eq(data, "abcd", 4);
}
END_TEST

START_TEST(status_bits_are_cleared_by_ones)
{
    pci_device_config(fx.device)[STATUS + 1] = 0xf9;
    out(STATUS, 2, 0x8000);
    ck_assert_uint_eq(in(STATUS + 1, 1), 0x79);
    out(STATUS, 2, 0xffff);
    ck_assert_uint_eq(in(STATUS + 1, 1), 0);
}
END_TEST

START_TEST(capabilities_are_chained)
{
    ck_assert_uint_eq(pci_device_add_capability(fx.device, 0x01, 8), 0x40);
    ck_assert_uint_eq(pci_device_add_capability(fx.device, 0x05, 10), 0x48);
    ck_assert_uint_eq(in(0x34, 1), 0x48);
    ck_assert_uint_eq(in(0x48, 2), 0x4005);
    ck_assert_uint_eq(in(0x40, 2), 0x0001);
    ck_assert_uint_eq(in(STATUS, 2) & 0x10, 0x10);
}
END_TEST

START_TEST(slots_are_given_from_three_on)
{
    PciDevice *first = pci_device_new(fx.bus, -1, &device_class, NULL);
    PciDevice *second = pci_device_new(fx.bus, -1, &device_class, NULL);
    PciDevice *third = pci_device_new(fx.bus, -1, &device_class, NULL);

    ck_assert_uint_eq(pci_device_devfn(first), PCI_DEVFN(3, 0));
    ck_assert_uint_eq(pci_device_devfn(second), PCI_DEVFN(4, 0));
    ck_assert_uint_eq(pci_device_devfn(third), PCI_DEVFN(6, 0));
    ck_assert_ptr_null(pci_device_new(fx.bus, DEVFN, &device_class, NULL));
    pci_device_free(third);
    pci_device_free(second);
    pci_device_free(first);
}
END_TEST

START_TEST(pam_registers_switch_shadow_ram)
{
    static const uint8_t rom[0x10000] = { [0x123] = 0x5a };

    phys_map_add_rom(fx.bench.map, 0xf0000, rom, sizeof(rom), 1);
    phys_map_add_rom(fx.bench.map, 0xffff0000, rom, sizeof(rom), 1);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0123), 0x5a);
    put8(&fx.bench, 0xf0123, 0x11);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0123), 0x5a);
    config_out(&fx.bench, 0, 0x59, 1, 0x20); /* write RAM, read ROM */
    put8(&fx.bench, 0xf0124, 0x22);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0123), 0x5a);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0124), 0);
    config_out(&fx.bench, 0, 0x59, 1, 0x10); /* read RAM only */
    ck_assert_uint_eq(get8(&fx.bench, 0xf0123), 0);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0124), 0x22);
    put8(&fx.bench, 0xf0124, 0x33);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0124), 0x22);
    config_out(&fx.bench, 0, 0x59, 1, 0x30);
    put8(&fx.bench, 0xf0124, 0x33);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0124), 0x33);
    config_out(&fx.bench, 0, 0x5a, 2, 0x3333); /* several at once */
    config_out(&fx.bench, 0, 0x5c, 4, 0x33333333);
    for (uint32_t gpa = 0xc0000; gpa < 0xe0000; gpa += 0x4000) {
        put8(&fx.bench, gpa, 0x77);
        ck_assert_uint_eq(get8(&fx.bench, gpa), 0x77);
    }
    host_bridge_reset(fx.bridge);
    ck_assert_uint_eq(get8(&fx.bench, 0xf0123), 0x5a);
    ck_assert_uint_eq(get8(&fx.bench, 0xc0000), 0xff);
    ck_assert_uint_eq(config_in(&fx.bench, 0, 0x5a, 2), 0);
}
END_TEST

START_TEST(smram_opens_locks_and_is_seen_in_smm)
{
    put8(&fx.bench, 0xa0000, 0x12);
    ck_assert_uint_eq(get8(&fx.bench, 0xa0000), 0xff);
    ck_assert_uint_eq(config_in(&fx.bench, 0, SMRAM, 1), 0x02);
    config_out(&fx.bench, 0, SMRAM, 1, 0x4a);
    put8(&fx.bench, 0xa0000, 0x12);
    ck_assert_uint_eq(get8(&fx.bench, 0xa0000), 0x12);
    config_out(&fx.bench, 0, SMRAM, 1, 0x5a); /* lock: closes */
    ck_assert_uint_eq(config_in(&fx.bench, 0, SMRAM, 1), 0x1a);
    ck_assert_uint_eq(get8(&fx.bench, 0xa0000), 0xff);
    config_out(&fx.bench, 0, SMRAM, 1, 0x4a);
    ck_assert_uint_eq(config_in(&fx.bench, 0, SMRAM, 1), 0x1a);
    host_bridge_set_smm(fx.bridge, true);
    ck_assert_uint_eq(get8(&fx.bench, 0xa0000), 0x12);
    host_bridge_set_smm(fx.bridge, false);
    ck_assert_uint_eq(get8(&fx.bench, 0xa0000), 0xff);
    host_bridge_reset(fx.bridge);
    config_out(&fx.bench, 0, SMRAM, 1, 0x4a);
    ck_assert_uint_eq(get8(&fx.bench, 0xa0000), 0x12);
}
END_TEST

START_TEST(pirqs_are_routed_and_shared)
{
    unsigned bridge = PCI_DEVFN(1, 0);

    ck_assert_uint_eq(config_in(&fx.bench, bridge, 0, 4), 0x70008086);
    ck_assert_uint_eq(config_in(&fx.bench, bridge, 0x0e, 1), 0x80);
    ck_assert_uint_eq(config_in(&fx.bench, bridge, 0x60, 4), 0x80808080);
    isa_bridge_set_pirq(fx.piix3, 0, true);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert(!fx.irq[i]);
    }
    config_out(&fx.bench, bridge, 0x60, 2, 0x0a0a);
    ck_assert(fx.irq[10]);
    isa_bridge_set_pirq(fx.piix3, 1, true);
    isa_bridge_set_pirq(fx.piix3, 0, false);
    ck_assert(fx.irq[10]);
    config_out(&fx.bench, bridge, 0x61, 1, 0x0b); /* moves a line that is high */
    ck_assert(!fx.irq[10] && fx.irq[11]);
    config_out(&fx.bench, bridge, 0x61, 1, 0x08); /* reserved: IRQ 8 */
    ck_assert(!fx.irq[11] && !fx.irq[8]);
    isa_bridge_reset(fx.piix3);
    ck_assert(!fx.irq[11]);
}
END_TEST

static uint8_t line_of_pin(void *opaque, unsigned pin)
{
    (void)opaque;
    return (uint8_t)(pin + 9);
}

START_TEST(setup_gives_addresses_and_lines)
{
    PciSetup setup = {
        .io_base = 0xc000,
        .io_end = 0x10000,
        .memory_base = 0xe0000000,
        .memory_end = 0xfe000000,
        .irq = line_of_pin,
    };

    pci_bus_setup(fx.bus, &setup);
    ck_assert_uint_eq(pci_device_bar(fx.device, 0), 0xe0000000);
    ck_assert_uint_eq(pci_device_bar(fx.device, 1), 0xc000);
    ck_assert_uint_eq(pci_device_bar(fx.device, 2), 0xe0010000);
    ck_assert_uint_eq(in(0x3c, 1), 10);
    setup.memory_end = 0xe0001000;
    pci_bus_setup(fx.bus, &setup);
    ck_assert_uint_eq(pci_device_bar(fx.device, 0), 0xe0000000);
    ck_assert_uint_eq(pci_device_bar(fx.device, 2), UINT64_MAX);
}
END_TEST

START_TEST(any_configuration_write_is_survived)
{
    unsigned devices[] = { 0, PCI_DEVFN(1, 0), DEVFN };

    for (unsigned d = 0; d < G_N_ELEMENTS(devices); d++) {
        for (unsigned offset = 0; offset < 256; offset++) {
            config_out(&fx.bench, devices[d], offset, 1, 0xff);
            config_out(&fx.bench, devices[d], offset, 4, 0x5a5a5a5a);
            config_in(&fx.bench, devices[d], offset, 4);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("pci");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, configuration_space_is_read_in_any_width);
    tcase_add_test(tc, nobody_home_reads_as_ones);
    tcase_add_test(tc, the_address_register_takes_double_words_only);
    tcase_add_test(tc, the_reset_control_register_resets);
    tcase_add_test(tc, bars_tell_their_sizes);
    tcase_add_test(tc, bars_are_decoded_where_the_guest_puts_them);
    tcase_add_test(tc, port_bars_keep_the_offsets_of_their_ranges);
    tcase_add_test(tc, reset_takes_bars_and_decoding_away);
    tcase_add_test(tc, intx_is_swizzled_shared_and_can_be_disabled);
    tcase_add_test(tc, dma_needs_bus_mastering);
    tcase_add_test(tc, status_bits_are_cleared_by_ones);
    tcase_add_test(tc, capabilities_are_chained);
    tcase_add_test(tc, slots_are_given_from_three_on);
    tcase_add_test(tc, pam_registers_switch_shadow_ram);
    tcase_add_test(tc, smram_opens_locks_and_is_seen_in_smm);
    tcase_add_test(tc, pirqs_are_routed_and_shared);
    tcase_add_test(tc, setup_gives_addresses_and_lines);
    tcase_add_test(tc, any_configuration_write_is_survived);
    return suite_run(tc, "pci");
}
