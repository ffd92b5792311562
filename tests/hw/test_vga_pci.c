/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_vga_pci.c - the VGA as a PCI device: BARs, registers in memory, EDID, several screens. */
#include "hw/board.h"
#include "hw/display/display.h"
#include "hw/display/edid.h"
#include "hw/pci/pci.h"
#include "tests/hw/board_fixture.h"

enum { DEVFN = PCI_DEVFN(2, 0), LFB = 0x20000000, REGISTERS = 0x30000000, MIB = 1 << 20 };

static Bench bench;
static Display *display;
static Board *board;
static PciBus *bus;

static void set_irq(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin, (void)level;
}

static void setup(void)
{
    BoardConfig config = { 0 };

    bench_open(&bench, MIB);
    display = display_new();
    config.map = bench.map;
    config.io = bench.io;
    config.clock = bench.clock;
    config.display = display;
    board = board_new(&config);
    bus = pci_bus_new(board, "pci.0", set_irq, NULL);
}

static void teardown(void)
{
    pci_bus_free(bus);
    board_free(board);
    display_free(display);
    bench_close(&bench);
}

static void plug(const char *driver, const char *property, const char *value)
{
    const DeviceSetting settings[] = {
        { "addr", "2", NULL }, { "romfile", "", NULL }, { property, value, NULL }, { 0 }
    };
    GError *error = NULL;
    Device *device = board_add_device(board, driver, settings, &error);

    ck_assert_msg(device != NULL, "%s", error ? error->message : "");
    pci_config_write(bus, DEVFN, 0x10, 4, LFB);
    pci_config_write(bus, DEVFN, 0x18, 4, REGISTERS);
    pci_config_write(bus, DEVFN, 0x04, 2, 3);
}

static uint32_t bar_size(unsigned offset)
{
    uint32_t value;

    pci_config_write(bus, DEVFN, offset, 4, UINT32_MAX);
    value = pci_config_read(bus, DEVFN, offset, 4) & ~15u;
    return -value;
}

START_TEST(identifiers_and_bars_are_qemus)
{
    plug("VGA", "vgamem_mb", "8");
    ck_assert_uint_eq(pci_config_read(bus, DEVFN, 0x00, 4), 0x11111234);
    ck_assert_uint_eq(pci_config_read(bus, DEVFN, 0x08, 4), 0x03000002);
    ck_assert_uint_eq(pci_config_read(bus, DEVFN, 0x2c, 4), 0x11001af4);
    ck_assert_uint_eq(pci_config_read(bus, DEVFN, 0x10, 4), LFB | 8);
    ck_assert_uint_eq(bar_size(0x10), 8 * MIB);
    ck_assert_uint_eq(bar_size(0x14), 0);
    ck_assert_uint_eq(bar_size(0x18), 4096);
}
END_TEST

START_TEST(modes_can_be_set_by_memory_alone)
{
    const Surface *surface;

    plug(_i ? "secondary-vga" : "VGA", "vgamem_mb", "16");
    ck_assert_uint_eq(phys_map_mmio_read(bench.map, REGISTERS + 0x500, 2), 0xb0c5);
    ck_assert_uint_eq(phys_map_mmio_read(bench.map, REGISTERS + 0x514, 2), 16 * MIB >> 16);
    phys_map_mmio_write(bench.map, REGISTERS + 0x502, 2, 1024);
    phys_map_mmio_write(bench.map, REGISTERS + 0x504, 2, 768);
    phys_map_mmio_write(bench.map, REGISTERS + 0x506, 2, 32);
    phys_map_mmio_write(bench.map, REGISTERS + 0x508, 2, 0x41);
    phys_map_mmio_write(bench.map, REGISTERS + 0x400, 1, 0x20); /* 3C0: the screen is on */
    put32(&bench, LFB + 4 * (1024 * 767 + 1023), 0xabcdef);
    console_refresh(display_console(display, 0));
    surface = console_surface(display_console(display, 0));
    ck_assert_uint_eq(surface->width, 1024);
    ck_assert_uint_eq(surface->height, 768);
    ck_assert_uint_eq(surface->pixels[1024 * 768 - 1], 0xabcdef);
    ck_assert_ptr_nonnull(phys_map_page(bench.map, LFB).host);
    ck_assert_uint_eq(io_bus_read(bench.io, 0x1ce, 2), _i ? 0xffff : 0);
}
END_TEST

START_TEST(registers_of_qemus_own_say_how_bytes_lie)
{
    plug("VGA", "qemu-extended-regs", _i ? "off" : "on");
    ck_assert_uint_eq(get32(&bench, REGISTERS + 0x600), _i ? 0 : 8);
    ck_assert_uint_eq(get32(&bench, REGISTERS + 0x604), _i ? 0 : 0x1e1e1e1e);
}
END_TEST

START_TEST(the_edid_names_the_preferred_size)
{
    uint8_t block[EDID_SIZE], sum = 0;

    plug("VGA", "xres", "1600");
    for (unsigned i = 0; i < EDID_SIZE; i++) {
        block[i] = (uint8_t)phys_map_mmio_read(bench.map, REGISTERS + i, 1);
        sum = (uint8_t)(sum + block[i]);
    }
    ck_assert_uint_eq(sum, 0);
    ck_assert_mem_eq(block, "\0\xff\xff\xff\xff\xff\xff\0", 8);
    ck_assert_uint_eq(block[54 + 2] | (block[54 + 4] & 0xf0) << 4, 1600);
    ck_assert_uint_eq(block[54 + 5] | (block[54 + 7] & 0xf0) << 4, 800);
    ck_assert_mem_eq(block + 95, "QEMU Monitor\n", 13);
}
END_TEST

START_TEST(a_size_that_is_no_power_of_two_is_refused)
{
    static const char *const sizes[] = { "0", "3", "512" };
    const DeviceSetting settings[] = { { "romfile", "", NULL },
                                       { "vgamem_mb", sizes[_i], NULL },
                                       { 0 } };
    GError *error = NULL;

    ck_assert_ptr_null(board_add_device(board, "VGA", settings, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "vgamem_mb="));
    g_error_free(error);
    ck_assert_ptr_null(display_console(display, 0));
}
END_TEST

START_TEST(screens_are_found_by_the_id_of_their_device)
{
    const DeviceSetting second[] = { { "id", "head2", NULL }, { 0 } };

    plug("VGA", "id", "head1");
    ck_assert_ptr_nonnull(board_add_device(board, "secondary-vga", second, NULL));
    ck_assert_ptr_eq(display_find(display, "head2"), display_console(display, 1));
    ck_assert_str_eq(console_label(display_console(display, 0)), "head1");
    ck_assert_ptr_null(display_find(display, "head3"));
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("vga-pci");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, identifiers_and_bars_are_qemus);
    tcase_add_loop_test(tc, modes_can_be_set_by_memory_alone, 0, 2);
    tcase_add_loop_test(tc, registers_of_qemus_own_say_how_bytes_lie, 0, 2);
    tcase_add_test(tc, the_edid_names_the_preferred_size);
    tcase_add_loop_test(tc, a_size_that_is_no_power_of_two_is_refused, 0, 3);
    tcase_add_test(tc, screens_are_found_by_the_id_of_their_device);
    return suite_run(tc, "vga-pci");
}
