/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_device.c - the device core: plugging, properties, ids, buses, help; and the ISA devices that
 * are nothing but a port. */
#include "hw/device.h"

#include <unistd.h>

#include "hw/char/chardev.h"
#include "hw/device_types.h"
#include "hw/isa.h"
#include "hw/pci/pci.h"
#include "tests/hw/board_fixture.h"

static struct {
    Bench bench;
    IsaBus isa;
    CharDev *chr, *other;
    char *path;
    int status;
    unsigned irq;
    bool level;
} fx;

static void on_power(void *opaque, BoardPower what, int status)
{
    (void)opaque;
    ck_assert_int_eq(what, BOARD_POWER_DEBUG_EXIT);
    fx.status = status;
}

static void *host_end(void *opaque, const Property *property, const char *id, bool *shared)
{
    (void)opaque;
    (void)shared;
    if (property->kind != PROPERTY_CHARDEV) {
        return NULL;
    }
    return strcmp(id, "chr") == 0 ? fx.chr : strcmp(id, "other") == 0 ? fx.other : NULL;
}

static void on_irq(void *opaque, unsigned n, bool level)
{
    (void)opaque;
    fx.irq = n;
    fx.level = level;
}

static void setup(void)
{
    g_autofree char *spec = NULL;
    int fd = g_file_open_tmp("doppel-device-XXXXXX", &fx.path, NULL);

    ck_assert_int_ge(fd, 0);
    close(fd);
    spec = g_strconcat("file:", fx.path, NULL);
    bench_open(&fx.bench, 1 << 20);
    fx.bench.board->config.power = on_power;
    fx.bench.board->config.host_end = host_end;
    fx.chr = chardev_new(spec, NULL);
    fx.other = chardev_new("null", NULL);
    isa_bus_init(&fx.isa, fx.bench.board, "isa.0", (IrqLine){ .set = on_irq }, 0);
}

static void teardown(void)
{
    bus_clear(&fx.isa.bus);
    bench_close(&fx.bench);
    chardev_free(fx.chr);
    chardev_free(fx.other);
    unlink(fx.path);
    g_free(fx.path);
}

/* "name=value,name=value" */
static Device *plug(const char *driver, const char *words, GError **error)
{
    g_auto(GStrv) list = g_strsplit(words, ",", -1);
    g_autofree DeviceSetting *settings = g_new0(DeviceSetting, g_strv_length(list) + 1);

    for (unsigned i = 0; list[i] != NULL; i++) {
        char *equals = strchr(list[i], '=');

        *equals = '\0';
        settings[i] = (DeviceSetting){ list[i], equals + 1, NULL };
    }
    return board_add_device(fx.bench.board, driver, settings, error);
}

static Device *plug_good(const char *driver, const char *words)
{
    g_autoptr(GError) error = NULL;
    Device *dev = plug(driver, words, &error);

    ck_assert_msg(dev != NULL, "%s,%s: %s", driver, words, error ? error->message : "");
    return dev;
}

typedef struct RefusalRow {
    const char *driver, *words, *message;
} RefusalRow;

static const RefusalRow refusals[] = {
    { "xyz", "", "'xyz' is not a valid device model name" },
    { "isa-debugcon", "foo=1", "Property 'isa-debugcon.foo' not found" },
    { "isa-debugcon", "iobase=q", "Parameter 'iobase' expects integer" },
    { "isa-debugcon", "iobase=0x1ffffffff", "Parameter 'iobase' expects uint32_t" },
    { "isa-debugcon", "iobase=", "Parameter 'iobase' expects integer" },
    { "isa-debugcon", "iobase=99999999999999999999", "Parameter 'iobase' expects integer" },
    { "isa-debugcon", "iobase=0x10000,chardev=chr", "iobase=0x10000 is no port of a PC" },
    { "isa-debugcon", "", "Can't create debugcon device, empty char device" },
    { "isa-debugcon", "chardev=q", "Property 'isa-debugcon.chardev' can't find value 'q'" },
    { "isa-debugcon", "bus=foo", "Bus 'foo' not found" },
    { "isa-debugcon", "bus=main-system-bus", "Device 'isa-debugcon' can't go on System bus" },
    { "isa-debug-exit", "id=9x",
      "Parameter 'id' expects an identifier, and '9x' is none (letters, "
      "digits, '-', '.', '_', starting with a letter)" },
    { "isa-debug-exit", "iosize=0", "iobase=0x501,iosize=0 are no ports of a PC" },
    { "isa-debug-exit", "iobase=0xffff", "iobase=0xffff,iosize=2 are no ports of a PC" },
    { "isa-serial", "index=4", "Max. supported number of ISA serial ports is 4." },
    { "isa-serial", "irq=16", "the ISA bus has no interrupt 16" },
};

START_TEST(what_is_wrong_is_named)
{
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(plug(refusals[_i].driver, refusals[_i].words, &error));
    ck_assert_str_eq(error->message, refusals[_i].message);
    ck_assert_uint_eq(fx.bench.board->devices->len, 0);
    ck_assert_uint_eq(g_hash_table_size(fx.bench.board->claimed), 0);
}
END_TEST

START_TEST(ids_are_unique)
{
    g_autoptr(GError) error = NULL;
    Device *dev = plug_good("isa-debug-exit", "id=a");

    ck_assert_ptr_eq(board_find_device(fx.bench.board, "a"), dev);
    ck_assert_ptr_null(plug("isa-debug-exit", "id=a", &error));
    ck_assert_str_eq(error->message, "Duplicate ID 'a' for device");
    device_free(dev);
    plug_good("isa-debug-exit", "id=a");
}
END_TEST

START_TEST(a_host_end_has_one_device)
{
    g_autoptr(GError) error = NULL;
    Device *dev = plug_good("isa-debugcon", "chardev=chr");

    ck_assert_ptr_null(plug("isa-serial", "chardev=chr", &error));
    ck_assert_str_eq(error->message,
                     "Property 'isa-serial.chardev' can't take value 'chr', it's in use");
    device_free(dev);
    plug_good("isa-serial", "chardev=chr");
}
END_TEST

START_TEST(globals_are_defaults)
{
    g_autoptr(GError) error = NULL;

    board_add_global(fx.bench.board, "isa-debugcon", "readback", "0x55");
    board_add_global(fx.bench.board, "nobody", "readback", "0x55");
    plug_good("isa-debugcon", "chardev=chr");
    plug_good("isa-debugcon", "chardev=other,iobase=0xea,readback=0x66");
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xe9, 1), 0x55);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xea, 1), 0x66);
    board_add_global(fx.bench.board, "isa-debug-exit", "foo", "1");
    ck_assert_ptr_null(plug("isa-debug-exit", "", &error));
    ck_assert_str_eq(error->message, "can't apply global isa-debug-exit.foo=1: Property "
                                     "'isa-debug-exit.foo' not found");
}
END_TEST

START_TEST(debug_exit_gives_an_odd_status)
{
    plug_good("isa-debug-exit", "iobase=0xf4,iosize=4");
    plug_good("isa-debug-exit", "");
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xf4, 1), 0);
    io_bus_write(fx.bench.io, 0xf4, 4, 0x10);
    ck_assert_int_eq(fx.status, 0x21);
    io_bus_write(fx.bench.io, 0x501, 1, 0);
    ck_assert_int_eq(fx.status, 1);
}
END_TEST

START_TEST(debugcon_writes_and_can_be_probed)
{
    g_autofree char *text = NULL;

    plug_good("isa-debugcon", "chardev=chr");
    ck_assert_uint_eq(io_bus_read(fx.bench.io, 0xe9, 1), 0xe9);
    io_bus_write(fx.bench.io, 0xe9, 1, '!');
    ck_assert(g_file_get_contents(fx.path, &text, NULL, NULL));
    ck_assert_str_eq(text, "!");
}
END_TEST

/* COM1 and COM3 share a wire: it is high while one of them holds it. */
START_TEST(serial_ports_take_their_places_in_turn)
{
    static const uint16_t bases[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };

    for (unsigned i = 0; i < G_N_ELEMENTS(bases); i++) {
        plug_good("isa-serial", "");
        io_bus_write(fx.bench.io, bases[i] + 7, 1, 0x5a);
        ck_assert_uint_eq(io_bus_read(fx.bench.io, bases[i] + 7, 1), 0x5a);
    }
    io_bus_write(fx.bench.io, 0x3f9, 1, 2);
    ck_assert_uint_eq(fx.irq, 4);
    ck_assert(fx.level);
    io_bus_write(fx.bench.io, 0x3e9, 1, 2);
    io_bus_write(fx.bench.io, 0x3f9, 1, 0);
    ck_assert(fx.level);
    board_reset(fx.bench.board);
    ck_assert(!fx.level);
}
END_TEST

START_TEST(the_tree_is_told)
{
    g_autoptr(GString) text = g_string_new(NULL);

    plug_good("isa-debugcon", "chardev=chr,id=con");
    board_tree_text(fx.bench.board, text);
    ck_assert_str_eq(text->str, "bus: main-system-bus\n"
                                "  type System\n"
                                "bus: isa.0\n"
                                "  type ISA\n"
                                "  dev: isa-debugcon, id \"con\"\n"
                                "    iobase = 233 (0xe9)\n"
                                "    chardev = \"chr\"\n"
                                "    readback = 233 (0xe9)\n");
}
END_TEST

START_TEST(help_is_in_the_form_that_clients_parse)
{
    g_autoptr(GString) list = g_string_new(NULL), one = g_string_new(NULL);

    device_types_help(list);
    ck_assert_ptr_nonnull(strstr(list->str, "\nMisc devices:\nname \""));
    ck_assert_ptr_nonnull(strstr(list->str, "\nname \"isa-debugcon\", bus ISA\n"));
    ck_assert(device_type_help(one, "isa-debugcon", NULL));
    ck_assert_str_eq(one->str, "isa-debugcon options:\n"
                               "  chardev=<str>          - ID of a chardev to use as a backend\n"
                               "  iobase=<uint32>        -  (default: 233)\n"
                               "  readback=<uint32>      -  (default: 233)\n");
}
END_TEST

/* Of the table itself: what every row has to have. */
START_TEST(rows_are_whole)
{
    for (unsigned i = 0; device_types[i] != NULL; i++) {
        const DeviceType *type = device_types[i];
        const Property *property;

        ck_assert_ptr_eq(device_type_find(type->name), type);
        ck_assert_uint_ge(type->size, sizeof(Device));
        ck_assert((type->bus == &pci_bus_type) == (type->pci != NULL));
        for (unsigned j = 0; (property = device_type_property(type, j)) != NULL; j++) {
            ck_assert_ptr_eq(device_property_find(type, property->name), property);
            ck_assert_uint_lt(property->offset, type->size);
            ck_assert((property->kind == PROPERTY_ENUM) == (property->values != NULL));
            ck_assert((property->kind == PROPERTY_LINK) == (property->bytes != 0));
        }
    }
}
END_TEST

/* ---- Properties of every kind ---- */

static const char *const colours[] = { "red", "green", NULL };

typedef struct Sample {
    PciDevice pci;
    bool flag;
    uint32_t bits;
    uint64_t bits64, u64, size;
    uint8_t u8, mac[6];
    uint16_t u16;
    int32_t number;
    int colour;
    OnOffAuto choice;
    char *text;
} Sample;

static const Property sample_properties[] = {
    PROPERTY_ROW("flag", PROPERTY_BOOL, Sample, flag, .init = true),
    PROPERTY_ROW("bit", PROPERTY_BIT, Sample, bits, .bit = 3, .init = true),
    PROPERTY_ROW("bit64", PROPERTY_BIT64, Sample, bits64, .bit = 40),
    PROPERTY_ROW("u8", PROPERTY_U8, Sample, u8, .init = 7),
    PROPERTY_ROW("u16", PROPERTY_U16, Sample, u16),
    PROPERTY_ROW("u64", PROPERTY_U64, Sample, u64, .init = -1),
    PROPERTY_ROW("size", PROPERTY_SIZE, Sample, size, .init = 4096),
    PROPERTY_ROW("number", PROPERTY_INT, Sample, number, .init = -5),
    PROPERTY_ROW("colour", PROPERTY_ENUM, Sample, colour, .values = colours, .init = 1),
    PROPERTY_ROW("choice", PROPERTY_ON_OFF_AUTO, Sample, choice),
    PROPERTY_ROW("text", PROPERTY_STRING, Sample, text, .text = "word"),
    PROPERTY_ROW("mac", PROPERTY_MAC, Sample, mac),
    { 0 },
};

static const PciClass sample_class = { .name = "sample", .vendor = 0x1234, .device = 0x11e8 };
static const DeviceType sample_type = {
    .name = "sample",
    .bus = &pci_bus_type,
    .size = sizeof(Sample),
    .properties = sample_properties,
    .pci = &sample_class,
};

static void no_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin, (void)level;
}

typedef struct ValueRow {
    const char *name, *text;
    const char *shown; /* NULL: the message is `message` */
    const char *message;
} ValueRow;

static const ValueRow values[] = {
    { "flag", NULL, "true", NULL },
    { "flag", "off", "false", NULL },
    { "flag", "maybe", NULL, "Parameter 'flag' expects 'on' or 'off'" },
    { "bit", NULL, "true", NULL },
    { "bit", "no", "false", NULL },
    { "bit64", "yes", "true", NULL },
    { "u8", NULL, "7 (0x7)", NULL },
    { "u8", "255", "255 (0xff)", NULL },
    { "u8", "256", NULL, "Parameter 'u8' expects uint8_t" },
    { "u8", "-1", NULL, "Parameter 'u8' expects uint8_t" },
    { "u16", "0x10000", NULL, "Parameter 'u16' expects uint16_t" },
    { "u64", NULL, "18446744073709551615 (0xffffffffffffffff)", NULL },
    { "u64", "q", NULL, "Parameter 'u64' expects uint64" },
    { "u64", "1q", NULL, "Parameter 'u64' expects uint64" },
    { "size", NULL, "4096 (0x1000)", NULL },
    { "size", "16M", "16777216 (0x1000000)", NULL },
    { "size", "0x10", "16 (0x10)", NULL },
    { "size", "16Q", NULL, "Parameter 'size' expects a size" },
    { "size", "99999999999G", NULL, "Parameter 'size' expects a size" },
    { "number", NULL, "-5 (0xfffffffb)", NULL },
    { "number", "-7", "-7 (0xfffffff9)", NULL },
    { "number", "0x80000000", NULL, "Parameter 'number' expects int32_t" },
    { "colour", NULL, "\"green\"", NULL },
    { "colour", "red", "\"red\"", NULL },
    { "colour", "blue", NULL, "Parameter 'colour' does not accept value 'blue'" },
    { "choice", NULL, "\"auto\"", NULL },
    { "choice", "on", "\"on\"", NULL },
    { "text", NULL, "\"word\"", NULL },
    { "text", "other", "\"other\"", NULL },
    { "mac", "52:54:00:ab:CD:ef", "\"52:54:00:ab:cd:ef\"", NULL },
    { "mac", "52:54:00:ab:CD", NULL, "Property 'sample.mac' doesn't take value '52:54:00:ab:CD'" },
    { "mac", "52:54:00:ab:CD:efg", NULL,
      "Property 'sample.mac' doesn't take value '52:54:00:ab:CD:efg'" },
    { "addr", NULL, "<unset>", NULL },
    { "addr", "1f.7", "1f.7", NULL },
    { "addr", "5", "05.0", NULL },
    { "addr", "20", NULL, "Property 'sample.addr' doesn't take value '20'" },
    { "addr", "3.8", NULL, "Property 'sample.addr' doesn't take value '3.8'" },
    { "addr", "", NULL, "Property 'sample.addr' doesn't take value ''" },
    { "addr", "3.", NULL, "Property 'sample.addr' doesn't take value '3.'" },
};

START_TEST(values_are_read_and_shown)
{
    const ValueRow *row = &values[_i];
    PciBus *bus = pci_bus_new(fx.bench.board, "pci.0", no_pin, NULL);
    const DeviceSetting settings[] = { { row->text != NULL ? row->name : NULL, row->text, NULL },
                                       { 0 } };
    g_autoptr(GError) error = NULL;
    Device *dev = device_new(fx.bench.board, &sample_type, NULL, settings, &error);
    g_autofree char *shown = NULL;

    if (row->shown == NULL) {
        ck_assert_ptr_null(dev);
        ck_assert_str_eq(error->message, row->message);
    } else {
        ck_assert_ptr_nonnull(dev);
        shown = property_text(dev, device_property_find(&sample_type, row->name));
        ck_assert_str_eq(shown, row->shown);
    }
    pci_bus_free(bus);
}
END_TEST

/* ---- PCI places ---- */

static Device *plug_sample(const char *addr, const char *multifunction, GError **error)
{
    const DeviceSetting settings[] = {
        { "multifunction", multifunction, NULL },
        { addr != NULL ? "addr" : NULL, addr, NULL },
        { 0 },
    };

    return device_new(fx.bench.board, &sample_type, NULL, settings, error);
}

static void refused(const char *addr, const char *message)
{
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(plug_sample(addr, "off", &error));
    ck_assert_str_eq(error->message, message);
}

START_TEST(pci_devices_take_slots)
{
    PciBus *bus = pci_bus_new(fx.bench.board, "pci.0", no_pin, NULL);
    Device *first = plug_sample(NULL, "off", NULL), *second = plug_sample("5.0", "on", NULL);

    ck_assert_uint_eq(pci_device_devfn((PciDevice *)first), PCI_DEVFN(3, 0));
    ck_assert_ptr_nonnull(plug_sample("5.1", "off", NULL));
    ck_assert_uint_eq(pci_config_read(bus, PCI_DEVFN(5, 0), 0, 4), 0x11e81234);
    ck_assert_uint_eq(pci_config_read(bus, PCI_DEVFN(5, 0), 0x0e, 1), 0x80);
    refused("3", "PCI: slot 3 function 0 not available for sample, in use by sample,id=(null)");
    refused("3.1", "PCI: single function device can't be populated in function 3.1");
    device_free(second);
    ck_assert_uint_eq(pci_config_read(bus, PCI_DEVFN(5, 0), 0, 4), UINT32_MAX);
    refused("5.0", "PCI: 5.0 indicates single function, but 5.1 is already populated.");
    for (unsigned i = 4; i < 31; i++) {
        ck_assert_ptr_nonnull(plug_sample(NULL, "off", NULL));
    }
    refused(NULL, "PCI: no slot/function available for sample, all in use or reserved");
    pci_bus_free(bus);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("device");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, what_is_wrong_is_named, 0, G_N_ELEMENTS(refusals));
    tcase_add_test(tc, ids_are_unique);
    tcase_add_test(tc, a_host_end_has_one_device);
    tcase_add_test(tc, globals_are_defaults);
    tcase_add_test(tc, debug_exit_gives_an_odd_status);
    tcase_add_test(tc, debugcon_writes_and_can_be_probed);
    tcase_add_test(tc, serial_ports_take_their_places_in_turn);
    tcase_add_test(tc, the_tree_is_told);
    tcase_add_test(tc, help_is_in_the_form_that_clients_parse);
    tcase_add_test(tc, rows_are_whole);
    tcase_add_loop_test(tc, values_are_read_and_shown, 0, G_N_ELEMENTS(values));
    tcase_add_test(tc, pci_devices_take_slots);
    return suite_run(tc, "hw/device");
}
