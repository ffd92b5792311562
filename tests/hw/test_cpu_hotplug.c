/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_cpu_hotplug.c - CPUs come and go, as the DSDT's methods see it. */
#include "hw/acpi/cpu_hotplug.h"

#include "tests/hw/board_fixture.h"

enum {
    PLACES = 40,
    START = 2, /* CPUs that are there from the start */
    BASE = CPU_HOTPLUG_PIIX4,
    FLAGS = BASE + 4,
    COMMAND = BASE + 5,
    DATA = BASE + 8,
    GPE_STS = 0xc,
    THERE = 1,
    CAME = 2,
    GOES = 4,
    EJECT = 8,
    FIRMWARE = 16,
};

static struct {
    Bench bench;
    PciBus *bus;
    AcpiPm *pm;
    CpuSlots *slots;
    CpuHotplug *hotplug;
    uint32_t ids[PLACES];
    unsigned came, went, refuse; /* numbers of the last ones, UINT_MAX: none */
    char event[64];
    GVariant *data;
} fx;

static void no_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin, (void)level;
}

static void on_event(void *opaque, const char *name, GVariant *data)
{
    (void)opaque;
    g_strlcpy(fx.event, name, sizeof(fx.event));
    g_clear_pointer(&fx.data, g_variant_unref);
    fx.data = g_variant_ref(data);
}

static bool on_plug(void *opaque, unsigned cpu, GError **error)
{
    (void)opaque;
    if (cpu == fx.refuse) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_FAILED, "no more threads");
        return false;
    }
    fx.came = cpu;
    return true;
}

static void on_unplug(void *opaque, unsigned cpu)
{
    (void)opaque;
    fx.went = cpu;
}

static void setup(void)
{
    const AcpiPmHost host = { 0 };
    CpuSlotsConfig config = {
        .cpus = START,
        .places = PLACES,
        .cores = 10,
        .threads = 2,
        .apic_ids = fx.ids,
        .type_name = "qemu64-x86_64-cpu",
        .plug = on_plug,
        .unplug = on_unplug,
    };

    memset(&fx, 0, sizeof(fx));
    fx.came = fx.went = fx.refuse = UINT_MAX;
    for (unsigned i = 0; i < PLACES; i++) {
        fx.ids[i] = i / 20 * 32 + i % 20;
    }
    bench_open(&fx.bench, 1 << 20);
    fx.bench.board->config.event = on_event;
    fx.bus = pci_bus_new(fx.bench.board, "pci.0", no_pin, NULL);
    fx.pm = acpi_pm_new(fx.bus, fx.bench.io, fx.bench.clock, &host);
    acpi_pm_program(fx.pm);
    fx.slots = cpu_slots_new(fx.bench.board, &config);
    fx.hotplug = cpu_hotplug_new(fx.bench.io, BASE, fx.slots, fx.pm, fx.bench.board);
    fx.bench.board->running = true;
}

static void teardown(void)
{
    board_unplug_all(fx.bench.board);
    cpu_hotplug_free(fx.hotplug);
    cpu_slots_free(fx.slots);
    acpi_pm_free(fx.pm);
    pci_bus_free(fx.bus);
    bench_close(&fx.bench);
    g_clear_pointer(&fx.data, g_variant_unref);
}

static uint32_t in(uint16_t port)
{
    return io_bus_read(fx.bench.io, port, port == FLAGS || port == COMMAND ? 1 : 4);
}

static void out(uint16_t port, uint32_t value)
{
    io_bus_write(fx.bench.io, port, port == FLAGS || port == COMMAND ? 1 : 4, value);
}

/* Event 2 of GPE0, and forgets it. */
static bool event(void)
{
    uint16_t port = ACPI_PM_BASE + GPE_STS;
    bool set = (io_bus_read(fx.bench.io, port, 1) & 4) != 0;

    io_bus_write(fx.bench.io, port, 1, 4);
    return set;
}

static Device *plug(const char *socket, const char *core, const char *thread, GError **error)
{
    const DeviceSetting settings[] = { { "id", "c", NULL },
                                       { "socket-id", socket, NULL },
                                       { "core-id", core, NULL },
                                       { thread != NULL ? "thread-id" : NULL, thread, NULL },
                                       { 0 } };

    return board_add_device(fx.bench.board, "qemu64-x86_64-cpu", settings, error);
}

START_TEST(the_older_form_is_a_bit_map_of_apic_ids)
{
    ck_assert_uint_eq(in(BASE), 3);
    ck_assert_ptr_nonnull(plug("1", "9", "1", NULL));
    ck_assert_uint_eq(io_bus_read(fx.bench.io, BASE + 6, 1), 1 << 3); /* 32 + 19 */
    ck_assert_uint_eq(io_bus_read(fx.bench.io, BASE + 4, 4), 1u << 19);
    out(BASE, 1); /* that is no switch */
    ck_assert_uint_eq(in(BASE), 3);
    out(BASE, 0);
    ck_assert_uint_eq(in(FLAGS), THERE);
    cpu_hotplug_reset(fx.hotplug);
    ck_assert_uint_eq(in(BASE), 3);
}
END_TEST

START_TEST(a_cpu_that_comes_is_told)
{
    out(BASE, 0);
    ck_assert_ptr_nonnull(plug("0", "3", "1", NULL));
    ck_assert_uint_eq(fx.came, 7);
    ck_assert(event());
    out(COMMAND, 0);
    ck_assert_uint_eq(in(DATA), 7);
    ck_assert_uint_eq(in(FLAGS), THERE | CAME);
    out(FLAGS, CAME);
    ck_assert_uint_eq(in(FLAGS), THERE);
    out(COMMAND, 3);
    ck_assert_uint_eq(in(DATA), 7);
    ck_assert_uint_eq(in(BASE), 0);
    out(BASE, 25);
    ck_assert_uint_eq(in(DATA), 37);
    ck_assert_uint_eq(in(FLAGS), 0);
}
END_TEST

START_TEST(a_cpu_goes_when_the_guest_lets_go)
{
    Device *dev = plug("0", "3", "1", NULL);

    out(BASE, 0);
    out(BASE, 7);
    out(FLAGS, CAME);
    event();
    ck_assert(device_unplug_request(dev, NULL));
    ck_assert(event());
    ck_assert_uint_eq(fx.went, UINT_MAX);
    ck_assert_uint_eq(in(FLAGS), THERE | GOES);
    out(FLAGS, GOES);
    ck_assert_uint_eq(in(FLAGS), THERE);
    out(FLAGS, EJECT);
    ck_assert_uint_eq(fx.went, 7);
    ck_assert_str_eq(fx.event, "DEVICE_DELETED");
    ck_assert_uint_eq(in(FLAGS), 0);
    ck_assert_ptr_nonnull(plug("0", "3", "1", NULL)); /* the place is free again */
}
END_TEST

START_TEST(the_first_cpu_stays_and_others_need_be_no_devices)
{
    out(BASE, 0);
    out(FLAGS, EJECT);
    ck_assert_uint_eq(in(FLAGS), THERE);
    ck_assert_uint_eq(fx.went, UINT_MAX);
    out(BASE, 1);
    out(FLAGS, EJECT);
    ck_assert_uint_eq(in(FLAGS), 0);
    ck_assert_uint_eq(fx.went, 1);
    ck_assert_uint_eq(cpu_slots_count(fx.slots), 1);
    ck_assert_ptr_nonnull(plug("0", "0", "1", NULL));
}
END_TEST

START_TEST(what_became_of_an_event_is_told)
{
    g_autoptr(GVariant) info = NULL;
    const char *device, *slot;
    gint64 source, status;

    plug("0", "3", "1", NULL);
    out(BASE, 0);
    out(BASE, 7);
    out(COMMAND, 1);
    out(DATA, 3);
    out(COMMAND, 2);
    out(DATA, 0x80);
    ck_assert_str_eq(fx.event, "ACPI_DEVICE_OST");
    info = g_variant_lookup_value(fx.data, "info", NULL);
    ck_assert(g_variant_lookup(info, "device", "&s", &device));
    ck_assert(g_variant_lookup(info, "slot", "&s", &slot));
    ck_assert(g_variant_lookup(info, "source", "x", &source));
    ck_assert(g_variant_lookup(info, "status", "x", &status));
    ck_assert_str_eq(device, "c");
    ck_assert_str_eq(slot, "7");
    ck_assert_int_eq(source, 3);
    ck_assert_int_eq(status, 0x80);
}
END_TEST

static const struct {
    const char *socket, *core, *thread, *message;
} refused[] = {
    { "0", "3", NULL, "CPU thread-id is not set" },
    { "-1", "3", "0", "CPU socket-id is not set" },
    { "2", "3", "0", "Invalid CPU socket-id: 2 must be in range 0:1" },
    { "0", "10", "0", "Invalid CPU core-id: 10 must be in range 0:9" },
    { "0", "0", "1", "CPU[1] with APIC ID 1 exists" },
    { "1", "9", "1", "no more threads" },
};

START_TEST(places_that_are_none_are_refused)
{
    g_autoptr(GError) error = NULL;

    fx.refuse = PLACES - 1;
    ck_assert_ptr_null(plug(refused[_i].socket, refused[_i].core, refused[_i].thread, &error));
    ck_assert_str_eq(error->message, refused[_i].message);
    ck_assert(!event());
    ck_assert_uint_eq(cpu_slots_count(fx.slots), START);
    g_clear_error(&error);
    ck_assert_ptr_null(board_add_device(fx.bench.board, "max-x86_64-cpu", NULL, &error));
    ck_assert_str_eq(error->message, "Invalid CPU type, expected cpu type: 'qemu64-x86_64-cpu'");
}
END_TEST

START_TEST(no_write_harms)
{
    g_random_set_seed(1);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned width = 1u << g_random_int_range(0, 3);
        uint16_t port = (uint16_t)(BASE + g_random_int_range(0, 36));

        io_bus_write(fx.bench.io, port, width,
                     g_random_int_range(0, 2) ? g_random_int()
                                              : (uint32_t)g_random_int_range(0, 48));
        io_bus_read(fx.bench.io, port, width);
        if (i % 16 == 0) {
            plug("0", "3", "1", NULL);
        }
        if (i % 1000 == 0) {
            cpu_hotplug_reset(fx.hotplug);
        }
        ck_assert(cpu_slots_there(fx.slots)[0]);
    }
}
END_TEST

static void save(void *opaque, const StateTable *table, unsigned instance, void *object)
{
    GPtrArray *list = opaque;
    GByteArray *bytes = g_byte_array_new();

    (void)instance;
    state_save(table, object, bytes);
    g_ptr_array_add(list, bytes);
}

static void load(void *opaque, const StateTable *table, unsigned instance, void *object)
{
    GPtrArray *list = opaque;
    GByteArray *bytes = g_ptr_array_steal_index(list, 0);

    (void)instance;
    ck_assert(state_load(table, object, bytes->data, bytes->len, NULL));
    state_loaded(table, object);
    g_byte_array_unref(bytes);
}

START_TEST(a_copy_goes_on_like_the_original)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    plug("0", "3", "1", NULL);
    out(BASE, 0);
    out(BASE, 5);
    out(COMMAND, 3);
    cpu_hotplug_each_state(fx.hotplug, save, list);
    cpu_hotplug_reset(fx.hotplug);
    cpu_hotplug_each_state(fx.hotplug, load, list);
    ck_assert_uint_eq(in(DATA), 5);
    out(COMMAND, 0);
    ck_assert_uint_eq(in(DATA), 7);
    ck_assert_uint_eq(in(FLAGS), THERE | CAME);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("cpu hotplug");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_older_form_is_a_bit_map_of_apic_ids);
    tcase_add_test(tc, a_cpu_that_comes_is_told);
    tcase_add_test(tc, a_cpu_goes_when_the_guest_lets_go);
    tcase_add_test(tc, the_first_cpu_stays_and_others_need_be_no_devices);
    tcase_add_test(tc, what_became_of_an_event_is_told);
    tcase_add_loop_test(tc, places_that_are_none_are_refused, 0, G_N_ELEMENTS(refused));
    tcase_add_test(tc, no_write_harms);
    tcase_add_test(tc, a_copy_goes_on_like_the_original);
    return suite_run(tc, "hw/acpi/cpu_hotplug");
}
