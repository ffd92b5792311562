/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pci_hotplug.c - devices come and go while the machine runs, as the DSDT's methods see it. */
#include "hw/acpi/pci_hotplug.h"

#include "tests/hw/board_fixture.h"

enum {
    UP = 0xae00,
    DOWN = 0xae04,
    EJECT = 0xae08,
    REMOVABLE = 0xae0c,
    BUS = 0xae10,
    GPE_STS = 0xc
};

static struct {
    Bench bench;
    PciBus *bus;
    AcpiPm *pm;
    PciHotplug *hotplug;
    unsigned deleted;
    char name[64];
} fx;

static void no_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin, (void)level;
}

static void on_event(void *opaque, const char *name, GVariant *data)
{
    const char *device = "";

    (void)opaque;
    ck_assert_str_eq(name, "DEVICE_DELETED");
    g_variant_lookup(data, "device", "&s", &device);
    g_strlcpy(fx.name, device, sizeof(fx.name));
    fx.deleted++;
}

static void setup(void)
{
    const AcpiPmHost host = { 0 };

    memset(&fx, 0, sizeof(fx));
    bench_open(&fx.bench, 1 << 20);
    fx.bench.board->config.event = on_event;
    fx.bus = pci_bus_new(fx.bench.board, "pci.0", no_pin, NULL);
    fx.pm = acpi_pm_new(fx.bus, fx.bench.io, fx.bench.clock, &host);
    acpi_pm_program(fx.pm);
    fx.hotplug = pci_hotplug_new(fx.bench.io, fx.bus, fx.pm);
}

static void teardown(void)
{
    board_unplug_all(fx.bench.board);
    pci_hotplug_free(fx.hotplug);
    acpi_pm_free(fx.pm);
    pci_bus_free(fx.bus);
    bench_close(&fx.bench);
}

static uint32_t in(uint16_t port)
{
    return io_bus_read(fx.bench.io, port, 4);
}

static void out(uint16_t port, uint32_t value)
{
    io_bus_write(fx.bench.io, port, 4, value);
}

/* Event 1 of GPE0, and forgets it. */
static bool event(void)
{
    uint16_t port = ACPI_PM_BASE + GPE_STS;
    bool set = (io_bus_read(fx.bench.io, port, 1) & 2) != 0;

    io_bus_write(fx.bench.io, port, 1, 2);
    return set;
}

static Device *plug(const char *addr, const char *id, GError **error)
{
    const DeviceSetting settings[] = { { "addr", addr, NULL }, { "id", id, NULL }, { 0 } };

    return board_add_device(fx.bench.board, "edu", settings, error);
}

START_TEST(a_device_that_comes_is_told)
{
    plug("3", "cold", NULL);
    ck_assert_uint_eq(in(UP), 0);
    ck_assert(!event());
    fx.bench.board->running = true;
    ck_assert_ptr_nonnull(plug("5", "hot", NULL));
    ck_assert(event());
    ck_assert_uint_eq(in(UP), 1 << 5);
    ck_assert_uint_eq(in(UP), 0); /* told once */
}
END_TEST

START_TEST(a_device_goes_when_the_guest_lets_go)
{
    g_autoptr(GError) error = NULL;
    Device *dev = plug("5", "hot", NULL);

    fx.bench.board->running = true;
    ck_assert(device_unplug_request(dev, NULL));
    ck_assert(event());
    ck_assert_uint_eq(in(DOWN), 1 << 5);
    ck_assert_uint_eq(fx.deleted, 0);
    ck_assert(!device_unplug_request(dev, &error));
    ck_assert_str_eq(error->message, "Device hot is already in the process of unplug");
    out(EJECT, 1 << 5);
    ck_assert_uint_eq(fx.deleted, 1);
    ck_assert_str_eq(fx.name, "hot");
    ck_assert_uint_eq(in(DOWN), 0);
    ck_assert_ptr_null(board_find_device(fx.bench.board, "hot"));
    ck_assert_uint_eq(pci_config_read(fx.bus, PCI_DEVFN(5, 0), 0, 4), UINT32_MAX);
    ck_assert_ptr_nonnull(plug("5", "hot", NULL)); /* place and name are free again */
}
END_TEST

START_TEST(a_reset_ends_what_was_asked_for)
{
    device_unplug_request(plug("5", "hot", NULL), NULL);
    pci_hotplug_reset(fx.hotplug);
    ck_assert_uint_eq(fx.deleted, 1);
}
END_TEST

START_TEST(chips_of_the_board_stay)
{
    uint32_t removable = in(REMOVABLE);

    ck_assert_uint_eq(removable >> 1 & 1, 0);
    ck_assert_uint_eq(removable >> 7 & 1, 1);
    out(EJECT, 1 << 1);
    ck_assert_uint_ne(pci_config_read(fx.bus, PCI_DEVFN(1, 3), 0, 4), UINT32_MAX);
    plug("5", "a", NULL);
    out(BUS, 1); /* there is no such bus */
    out(EJECT, 1 << 5);
    ck_assert_uint_eq(in(REMOVABLE), 0);
    ck_assert_uint_eq(fx.deleted, 0);
}
END_TEST

START_TEST(what_cannot_be_hot_plugged_is_refused)
{
    static const PciClass class = { .name = "fixed", .vendor = 0x1234, .device = 1 };
    static const DeviceType type = { .name = "fixed",
                                     .bus = &pci_bus_type,
                                     .size = sizeof(PciDevice),
                                     .pci = &class };
    g_autoptr(GError) come = NULL, go = NULL;
    Device *dev = device_new(fx.bench.board, &type, NULL, NULL, NULL);

    fx.bench.board->running = true;
    ck_assert_ptr_null(device_new(fx.bench.board, &type, NULL, NULL, &come));
    ck_assert_str_eq(come->message, "Device 'fixed' can't be hotplugged");
    ck_assert(!device_unplug_request(dev, &go));
    ck_assert_str_eq(go->message, "Device 'fixed' does not support hotplugging");
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("pci_hotplug");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_device_that_comes_is_told);
    tcase_add_test(tc, a_device_goes_when_the_guest_lets_go);
    tcase_add_test(tc, a_reset_ends_what_was_asked_for);
    tcase_add_test(tc, chips_of_the_board_stay);
    tcase_add_test(tc, what_cannot_be_hot_plugged_is_refused);
    return suite_run(tc, "hw/acpi/pci_hotplug");
}
