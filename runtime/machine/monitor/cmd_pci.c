/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_pci.c - query-pci, info pci: what is on the bus, as its configuration registers have it. */
#include <inttypes.h>
#include <string.h>

#include "hw/pci/pci.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"

enum {
    CFG_VENDOR = 0x00,
    CFG_DEVICE = 0x02,
    CFG_CLASS = 0x0a,
    CFG_BAR = 0x10,
    CFG_SUBSYSTEM = 0x2c,
    CFG_LINE = 0x3c,
    CFG_PIN = 0x3d,
    BAR_IO = 1u << 0,
    BAR_WIDE = 1u << 2,
    BAR_PREFETCH = 1u << 3,
};

static PciBus *first_bus(const Machine *machine)
{
    const Board *board = pc_board(machine->pc);

    for (guint i = 0; i < board->buses->len; i++) {
        Bus *bus = g_ptr_array_index(board->buses, i);

        if (bus->type == &pci_bus_type) {
            return (PciBus *)bus;
        }
    }
    return NULL;
}

static unsigned config(const PciDevice *device, unsigned offset, unsigned width)
{
    unsigned value = 0;

    memcpy(&value, device->config + offset, width); /* little-endian */
    return value;
}

/* The words of the classes that there are. */
static const char *class_text(unsigned code)
{
    static const struct {
        unsigned code;
        const char *text;
    } rows[] = {
        { 0x0100, "SCSI controller" },
        { 0x0101, "IDE controller" },
        { 0x0106, "SATA controller" },
        { 0x0108, "NVMe controller" },
        { 0x0200, "Ethernet controller" },
        { 0x0300, "VGA controller" },
        { 0x0380, "Display controller" },
        { 0x0403, "Audio controller" },
        { 0x0500, "RAM controller" },
        { 0x0600, "Host bridge" },
        { 0x0601, "ISA bridge" },
        { 0x0604, "PCI bridge" },
        { 0x0680, "Bridge" },
        { 0x0c03, "USB controller" },
        { 0x0c05, "SMBus" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].code == code) {
            return rows[i].text;
        }
    }
    return NULL;
}

static void add_region(JsonArray *regions, const PciDevice *device, unsigned bar)
{
    const PciBar *region = &device->bar[bar];
    JsonObject *object = json_array_new_object(regions);
    unsigned low = config(device, CFG_BAR + 4 * (bar == PCI_ROM_BAR ? 8 : bar), 4);

    json_object_set_int_member(object, "bar", bar);
    json_object_set_string_member(object, "type", region->io ? "io" : "memory");
    json_object_set_int_member(object, "address", (int64_t)region->address);
    json_object_set_int_member(object, "size", (int64_t)region->size);
    if (!region->io) {
        bool rom = bar == PCI_ROM_BAR;

        json_object_set_boolean_member(object, "prefetch", !rom && (low & BAR_PREFETCH) != 0);
        json_object_set_boolean_member(object, "mem_type_64", !rom && (low & BAR_WIDE) != 0);
    }
}

static void add_device(JsonArray *devices, const PciDevice *device)
{
    JsonObject *object = json_array_new_object(devices);
    JsonObject *class_info = json_object_new(), *id = json_object_new();
    JsonArray *regions = json_array_new();
    unsigned code = config(device, CFG_CLASS, 2);

    json_object_set_int_member(object, "bus", 0);
    json_object_set_int_member(object, "slot", device->devfn >> 3);
    json_object_set_int_member(object, "function", device->devfn & 7);
    if (class_text(code) != NULL) {
        json_object_set_string_member(class_info, "desc", class_text(code));
    }
    json_object_set_int_member(class_info, "class", code);
    json_object_set_object_member(object, "class_info", class_info);
    json_object_set_int_member(id, "vendor", config(device, CFG_VENDOR, 2));
    json_object_set_int_member(id, "device", config(device, CFG_DEVICE, 2));
    json_object_set_int_member(id, "subsystem-vendor", config(device, CFG_SUBSYSTEM, 2));
    json_object_set_int_member(id, "subsystem", config(device, CFG_SUBSYSTEM + 2, 2));
    json_object_set_object_member(object, "id", id);
    if (config(device, CFG_PIN, 1) != 0) {
        json_object_set_int_member(object, "irq", config(device, CFG_LINE, 1));
    }
    json_object_set_int_member(object, "irq_pin", config(device, CFG_PIN, 1));
    json_object_set_string_member(object, "qdev_id",
                                  device->device.id != NULL ? device->device.id : "");
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        if (device->bar[i].size != 0) {
            add_region(regions, device, i);
        }
    }
    json_object_set_array_member(object, "regions", regions);
}

static bool run_query_pci(MonitorCall *call, GError **error)
{
    JsonObject *bus = json_array_new_object(call_array(call));
    JsonArray *devices = json_array_new();

    (void)error;
    json_object_set_int_member(bus, "bus", 0);
    json_object_set_array_member(bus, "devices", devices);
    for (unsigned devfn = 0; devfn < PCI_DEVFN_COUNT; devfn++) {
        const PciDevice *device = pci_bus_device(first_bus(call->machine), devfn);

        if (device != NULL) {
            add_device(devices, device);
        }
    }
    return true;
}

static void show_region(GString *text, JsonObject *region)
{
    int64_t address = json_object_get_int_member(region, "address");
    int64_t last = address + json_object_get_int_member(region, "size") - 1;
    int bar = (int)json_object_get_int_member(region, "bar");

    if (strcmp(json_object_get_string_member(region, "type"), "io") == 0) {
        g_string_append_printf(text, "      BAR%d: I/O at 0x%04" PRIx64 " [0x%04" PRIx64 "].\n",
                               bar, address, last);
    } else {
        g_string_append_printf(
            text, "      BAR%d: %d bit%s memory at 0x%08" PRIx64 " [0x%08" PRIx64 "].\n", bar,
            json_object_get_boolean_member(region, "mem_type_64") ? 64 : 32,
            json_object_get_boolean_member(region, "prefetch") ? " prefetchable" : "", address,
            last);
    }
}

static void show_device(GString *text, JsonObject *device)
{
    JsonObject *class_info = json_object_get_object_member(device, "class_info");
    JsonObject *id = json_object_get_object_member(device, "id");
    JsonArray *regions = json_object_get_array_member(device, "regions");

    g_string_append_printf(text, "  Bus  0, device %3d, function %d:\n    ",
                           (int)json_object_get_int_member(device, "slot"),
                           (int)json_object_get_int_member(device, "function"));
    if (json_object_has_member(class_info, "desc")) {
        g_string_append(text, json_object_get_string_member(class_info, "desc"));
    } else {
        g_string_append_printf(text, "Class %04d",
                               (int)json_object_get_int_member(class_info, "class"));
    }
    g_string_append_printf(text, ": PCI device %04x:%04x\n      PCI subsystem %04x:%04x\n",
                           (unsigned)json_object_get_int_member(id, "vendor"),
                           (unsigned)json_object_get_int_member(id, "device"),
                           (unsigned)json_object_get_int_member(id, "subsystem-vendor"),
                           (unsigned)json_object_get_int_member(id, "subsystem"));
    if (json_object_has_member(device, "irq")) {
        g_string_append_printf(text, "      IRQ %d, pin %c\n",
                               (int)json_object_get_int_member(device, "irq"),
                               'A' - 1 + (int)json_object_get_int_member(device, "irq_pin"));
    }
    for (guint i = 0; i < json_array_get_length(regions); i++) {
        show_region(text, json_array_get_object_element(regions, i));
    }
    g_string_append_printf(text, "      id \"%s\"\n",
                           json_object_get_string_member(device, "qdev_id"));
}

static void show_pci(MonitorCall *call)
{
    JsonObject *bus = json_array_get_object_element(json_node_get_array(call->result), 0);
    JsonArray *devices = json_object_get_array_member(bus, "devices");

    for (guint i = 0; i < json_array_get_length(devices); i++) {
        show_device(call->text, json_array_get_object_element(devices, i));
    }
}

static const MonitorRow rows[] = {
    { "query-pci", "info pci", .result = "[PciInfo]", .run = run_query_pci, .show = show_pci,
      .help = "show PCI info" },
    { 0 },
};

static const MonitorType types[] = {
    { "PciInfo", .members = "bus:int devices:[PciDeviceInfo]" },
    { "PciDeviceInfo", .members = "bus:int slot:int function:int class_info:PciDeviceClass "
                                  "id:PciDeviceId *irq:int irq_pin:int qdev_id:str "
                                  "regions:[PciMemoryRegion]" },
    { "PciDeviceClass", .members = "*desc:str class:int" },
    { "PciDeviceId", .members = "device:int vendor:int *subsystem:int *subsystem-vendor:int" },
    { "PciMemoryRegion", .members = "bar:int type:str address:int size:int *prefetch:bool "
                                    "*mem_type_64:bool" },
    { 0 },
};

const MonitorTable monitor_pci_table = { .rows = rows, .types = types };
