/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pci_rom.c - option ROMs: romfile=, romsize=, rombar=, or the one that the class has. */
#include <string.h>

#include "hw/pci/pci_int.h"
#include "hw/rom_files.h"

enum {
    ROM_LARGEST = 16 << 20,
    ROM_SMALLEST_BAR = 4096,
    ROM_POINTER = 0x18, /* of the PCI data structure (PCI Firmware Specification 3.0, 5.1) */
    ROM_CHECKSUM = 6,   /* a byte that makes the sum of all come out; unused in PCI ROMs */
    DATA_VENDOR = 4,
    DATA_DEVICE = 6,
};

static unsigned word_at(const uint8_t *bytes)
{
    return bytes[0] | (unsigned)bytes[1] << 8;
}

/* Firmware runs a ROM only for the device that it names: one image serves several devices. */
static void rom_adopt(uint8_t *image, size_t size, const PciClass *class)
{
    const uint16_t ids[2] = { class->vendor, class->device };
    unsigned data, sum = 0;

    if (size < ROM_POINTER + 2 || image[0] != 0x55 || image[1] != 0xaa) {
        return;
    }
    data = word_at(image + ROM_POINTER);
    if (data + DATA_DEVICE + 2 > size || memcmp(image + data, "PCIR", 4) != 0) {
        return;
    }
    for (unsigned i = 0; i < sizeof(ids); i++) {
        uint8_t *byte = image + data + DATA_VENDOR + i, new = (uint8_t)(ids[i / 2] >> i % 2 * 8);

        sum += *byte - (unsigned)new;
        *byte = new;
    }
    image[ROM_CHECKSUM] = (uint8_t)(image[ROM_CHECKSUM] + sum);
}

static bool rom_bar_size(const PciDevice *device, const char *name, size_t size, uint64_t *bar,
                         GError **error)
{
    *bar = ROM_SMALLEST_BAR;
    if (device->romsize != UINT32_MAX) {
        *bar = device->romsize;
        if (*bar < ROM_SMALLEST_BAR || (*bar & (*bar - 1)) != 0 || *bar > ROM_LARGEST) {
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                        "ROM size %u is not a power of two from 4 KiB to 16 MiB", device->romsize);
            return false;
        }
        if (size > *bar) {
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                        "romfile \"%s\" (%zu bytes) is too large for ROM size %u", name, size,
                        device->romsize);
            return false;
        }
    }
    while (*bar < size) {
        *bar *= 2;
    }
    return true;
}

bool pci_rom_load(PciDevice *device, GError **error)
{
    const RomFiles *files = pci_device_board(device)->config.roms;
    const char *name = device->romfile != NULL ? device->romfile : device->class->romfile;
    bool asked = device->romfile != NULL;
    g_autoptr(GError) reason = NULL;
    g_autofree uint8_t *image = NULL;
    uint64_t bar;
    size_t size;

    if (name == NULL || *name == '\0' || device->rombar == 0 || (files == NULL && !asked)) {
        return true;
    }
    if (files == NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "failed to find romfile \"%s\"", name);
        return false;
    }
    image = rom_files_load(files, name, ROM_LARGEST, &size, &reason);
    if (image == NULL && !asked) {
        return true; /* a card works without the ROM that it would have by default */
    }
    if (image == NULL) {
        g_propagate_error(error, g_steal_pointer(&reason));
        return false;
    }
    if (!rom_bar_size(device, name, size, &bar, error)) {
        return false;
    }
    rom_adopt(image, size, device->class);
    image = g_realloc(image, bar);
    memset(image + size, 0xff, bar - size);
    pci_device_add_rom_bar(device, image, bar);
    return true;
}
