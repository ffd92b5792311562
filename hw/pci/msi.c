/* SPDX-License-Identifier: GPL-2.0-or-later */
/* msi.c - MSI: one message in configuration space, whose lowest data bits tell vectors apart. */
#include "hw/pci/msi.h"

#include <string.h>

#include "hw/pci/msi_int.h"
#include "hw/pci/pci_int.h"

enum { /* the capability with 64-bit addresses */
       CAPABILITY = 0x05,
       CONTROL = 2,
       ADDRESS = 4,
       DATA = 12,
       MASK = 16,
       PENDING = 20,
       SIZE = 14,
       SIZE_WITH_MASKS = 24,
       CONTROL_ENABLE = 1 << 0,
       CONTROL_CAPABLE_SHIFT = 1,
       CONTROL_ALLOWED = 7 << 4,
       CONTROL_ALLOWED_SHIFT = 4,
       CONTROL_WIDE = 1 << 7,
       CONTROL_MASKS = 1, /* of the upper byte */
       COMMAND = 0x04,
       COMMAND_MASTER = 4,
       VECTORS_MAX = 32,
};

static uint8_t *msi_register(const PciDevice *device, unsigned offset)
{
    return (uint8_t *)&device->config[device->msi + offset];
}

static uint64_t get_le(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, bytes, width);
    return value;
}

static bool msi_has_masks(const PciDevice *device)
{
    return (msi_register(device, CONTROL)[1] & CONTROL_MASKS) != 0;
}

void pci_message_send(PciDevice *device, uint64_t address, uint32_t data)
{
    if (pci_device_masters(device)) {
        board_message(pci_device_board(device), address, data);
    }
}

bool pci_msi_enabled(const PciDevice *device)
{
    return device->msi != 0 && (*msi_register(device, CONTROL) & CONTROL_ENABLE) != 0;
}

static unsigned vectors_capable(const PciDevice *device)
{
    return 1u << (*msi_register(device, CONTROL) >> CONTROL_CAPABLE_SHIFT & 7);
}

unsigned pci_msi_vectors(const PciDevice *device)
{
    unsigned allowed = 1u << (*msi_register(device, CONTROL) >> CONTROL_ALLOWED_SHIFT & 7);

    return MIN(allowed, vectors_capable(device));
}

void pci_msi_notify(PciDevice *device, unsigned vector)
{
    unsigned vectors;
    uint32_t data;

    if (!pci_msi_enabled(device)) {
        return;
    }
    vectors = pci_msi_vectors(device);
    if (vector >= vectors) {
        vector = 0; /* a function that got fewer than it asked for shares the one */
    }
    if (msi_has_masks(device) && (get_le(msi_register(device, MASK), 4) >> vector & 1) != 0) {
        msi_register(device, PENDING)[vector / 8] |= (uint8_t)(1u << vector % 8);
        return;
    }
    data = (uint32_t)get_le(msi_register(device, DATA), 2);
    pci_message_send(device, get_le(msi_register(device, ADDRESS), 8),
                     (data & ~(vectors - 1)) | vector);
}

void pci_msi_config_written(PciDevice *device, unsigned offset, unsigned width)
{
    uint32_t ready;

    if (device->msi == 0 || !msi_has_masks(device) || !pci_msi_enabled(device) ||
        offset + width <= device->msi || offset >= device->msi + SIZE_WITH_MASKS) {
        return;
    }
    ready = (uint32_t)(get_le(msi_register(device, PENDING), 4) &
                       ~get_le(msi_register(device, MASK), 4));
    for (unsigned i = 0; i < VECTORS_MAX; i++) {
        if ((ready >> i & 1) != 0) {
            msi_register(device, PENDING)[i / 8] &= (uint8_t) ~(1u << i % 8);
            pci_msi_notify(device, i);
        }
    }
}

void pci_msi_init(PciDevice *device, unsigned vectors, bool masks)
{
    unsigned shift = (unsigned)__builtin_ctz(vectors);
    unsigned size = masks ? SIZE_WITH_MASKS : SIZE;
    uint32_t all = vectors == VECTORS_MAX ? UINT32_MAX : (1u << vectors) - 1;

    g_assert(device->msi == 0 && vectors == 1u << shift && vectors <= VECTORS_MAX);
    device->msi = pci_device_add_capability(device, CAPABILITY, size);
    msi_register(device, CONTROL)[0] = (uint8_t)(shift << CONTROL_CAPABLE_SHIFT | CONTROL_WIDE);
    msi_register(device, CONTROL)[1] = masks ? CONTROL_MASKS : 0;
    device->writable[device->msi + CONTROL] = CONTROL_ENABLE | CONTROL_ALLOWED;
    memset(device->writable + device->msi + ADDRESS, 0xff, 8);
    device->writable[device->msi + ADDRESS] = 0xfc;
    memset(device->writable + device->msi + DATA, 0xff, 2);
    if (masks) {
        memcpy(device->writable + device->msi + MASK, &all, 4);
    }
}

void pci_msi_reset(PciDevice *device)
{
    if (device->msi == 0) {
        return;
    }
    msi_register(device, CONTROL)[0] &= (uint8_t) ~(CONTROL_ENABLE | CONTROL_ALLOWED);
    memset(msi_register(device, ADDRESS), 0, DATA + 2 - ADDRESS);
    if (msi_has_masks(device)) {
        memset(msi_register(device, MASK), 0, SIZE_WITH_MASKS - MASK);
    }
}
