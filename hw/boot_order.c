/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/boot_order.h"

#include "hw/pci/pci.h"

/* Names of classes, and what is behind the function where nothing else is told. */
static const struct {
    uint16_t class_code; /* class, subclass */
    const char *name, *unit;
} classes[] = {
    { 0x0100, "scsi", "/disk@0,0" },
    { 0x0101, "ide", "" },
    { 0x0102, "fdc", "" },
    { 0x0103, "ipi", "" },
    { 0x0104, "raid", "" },
    { 0x0108, NULL, "/namespace@1,0" },
    { 0x0200, "ethernet", "/ethernet-phy@0" },
    { 0x0280, "network", "" },
    { 0x0300, "display", "" },
    { 0x0401, "sound", "" },
    { 0x0601, "isa", "" },
    { 0x0604, "pci-bridge", "" },
    { 0x0c03, "usb", "" },
};

typedef struct BootEntry {
    int32_t index;
    char *path;
} BootEntry;

static void entry_clear(gpointer data)
{
    g_free(((BootEntry *)data)->path);
}

static int entry_compare(gconstpointer a, gconstpointer b)
{
    const BootEntry *x = a, *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

static size_t class_row(const PciDevice *pci)
{
    size_t i = 0;

    while (i < G_N_ELEMENTS(classes) && classes[i].class_code != pci->class->class_code >> 8) {
        i++;
    }
    return i;
}

char *boot_order_pci_path(const Device *dev)
{
    const PciDevice *pci = (const PciDevice *)dev;
    size_t row = class_row(pci);
    unsigned slot = pci->devfn >> 3, function = pci->devfn & 7;
    g_autofree char *name = row < G_N_ELEMENTS(classes) && classes[row].name != NULL
                                ? g_strdup(classes[row].name)
                                : g_strdup_printf("pci%04x,%04x", pci->class->vendor,
                                                  pci->class->device);

    return function == 0 ? g_strdup_printf("/pci@i0cf8/%s@%x", name, slot)
                         : g_strdup_printf("/pci@i0cf8/%s@%x,%x", name, slot, function);
}

static char *device_path_of(const Device *dev)
{
    g_autofree char *path = NULL;
    size_t row;

    if (dev->type->firmware_path != NULL) {
        return dev->type->firmware_path(dev);
    }
    if (dev->type->bus != &pci_bus_type) {
        return NULL;
    }
    path = boot_order_pci_path(dev);
    row = class_row((const PciDevice *)dev);
    return g_strconcat(path, row < G_N_ELEMENTS(classes) ? classes[row].unit : "", NULL);
}

static bool device_add(GArray *entries, const Device *dev, GError **error)
{
    const Property *property = device_property_find(dev->type, "bootindex");
    BootEntry entry = { -1, NULL };

    if (property == NULL || property->kind != PROPERTY_INT) {
        return true;
    }
    entry.index = *(const int32_t *)((const char *)dev + property->offset);
    entry.path = entry.index >= 0 ? device_path_of(dev) : NULL;
    if (entry.path == NULL) {
        return true;
    }
    for (guint i = 0; i < entries->len; i++) {
        if (g_array_index(entries, BootEntry, i).index == entry.index) {
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                        "The bootindex %d has already been used", entry.index);
            g_free(entry.path);
            return false;
        }
    }
    g_array_append_val(entries, entry);
    return true;
}

char *boot_order_text(Board *board, bool strict, GError **error)
{
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(BootEntry));
    g_autoptr(GString) text = g_string_new(NULL);

    g_array_set_clear_func(entries, entry_clear);
    for (guint i = 0; i < board->devices->len; i++) {
        if (!device_add(entries, g_ptr_array_index(board->devices, i), error)) {
            return NULL;
        }
    }
    g_array_sort(entries, entry_compare);
    for (guint i = 0; i < entries->len; i++) {
        g_string_append_printf(text, "%s%s", i == 0 ? "" : "\n",
                               g_array_index(entries, BootEntry, i).path);
    }
    if (strict) {
        g_string_append_printf(text, "%sHALT", text->len == 0 ? "" : "\n");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}
