/* SPDX-License-Identifier: GPL-2.0-or-later */
/* msix.c - MSI-X: a table of messages in a memory BAR. */
#include "hw/pci/msi.h"

#include <string.h>

#include "hw/pci/msi_int.h"
#include "hw/pci/pci_int.h"

enum {
    CAPABILITY = 0x11,
    CAPABILITY_SIZE = 12,
    CONTROL = 2, /* in the capability */
    TABLE = 4,
    PENDING = 8,
    CONTROL_ENABLE = 0x80, /* of the upper byte */
    CONTROL_MASK = 0x40,
    ENTRY_SIZE = 16,
    ENTRY_DATA = 8,
    ENTRY_CONTROL = 12,
    ENTRY_MASKED = 1,
    VECTORS_MAX = 2048,
    SMALLEST_BAR = 4096,
};

struct PciMsix {
    unsigned vectors, capability;
    uint32_t table_offset, pending_offset;
    uint32_t table_size, pending_size; /* bytes */
    uint8_t *bytes; /* table_size bytes, then pending_size, in one piece for the state table */
    StateField fields[2];
    StateTable state;
};

static uint8_t *msix_pending(const PciMsix *msix)
{
    return msix->bytes + msix->table_size;
}

static uint8_t msix_control(const PciDevice *device)
{
    return device->config[device->msix->capability + CONTROL + 1];
}

static uint64_t get_le(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, bytes, width);
    return value;
}

/* ---- Messages ---- */

bool pci_msix_present(const PciDevice *device)
{
    return device->msix != NULL;
}

bool pci_msix_enabled(const PciDevice *device)
{
    return device->msix != NULL && (msix_control(device) & CONTROL_ENABLE) != 0;
}

unsigned pci_msix_vectors(const PciDevice *device)
{
    return device->msix != NULL ? device->msix->vectors : 0;
}

static bool vector_masked(const PciDevice *device, unsigned vector)
{
    const uint8_t *entry = device->msix->bytes + vector * ENTRY_SIZE;

    return (msix_control(device) & CONTROL_MASK) != 0 || (entry[ENTRY_CONTROL] & ENTRY_MASKED) != 0;
}

void pci_msix_notify(PciDevice *device, unsigned vector)
{
    PciMsix *msix = device->msix;
    const uint8_t *entry;

    if (!pci_msix_enabled(device) || vector >= msix->vectors) {
        return;
    }
    if (vector_masked(device, vector)) {
        msix_pending(msix)[vector / 8] |= (uint8_t)(1u << vector % 8);
        return;
    }
    entry = msix->bytes + vector * ENTRY_SIZE;
    pci_message_send(device, get_le(entry, 8), (uint32_t)get_le(entry + ENTRY_DATA, 4));
}

static void vector_release(PciDevice *device, unsigned vector)
{
    uint8_t *pending = &msix_pending(device->msix)[vector / 8], bit = (uint8_t)(1u << vector % 8);

    if ((*pending & bit) != 0 && pci_msix_enabled(device) && !vector_masked(device, vector)) {
        *pending &= (uint8_t)~bit;
        pci_msix_notify(device, vector);
    }
}

void pci_msix_config_written(PciDevice *device, unsigned offset, unsigned width)
{
    const PciMsix *msix = device->msix;
    unsigned control;

    if (msix == NULL) {
        return;
    }
    control = msix->capability + CONTROL + 1;
    for (unsigned i = 0; offset <= control && control < offset + width && i < msix->vectors; i++) {
        vector_release(device, i);
    }
}

/* ---- The BAR ---- */

static uint32_t table_bytes(const PciMsix *msix)
{
    return msix->vectors * ENTRY_SIZE;
}

/* Where an access lies in `bytes`, -1 for neither part. */
static int64_t msix_place(const PciMsix *msix, uint64_t offset, unsigned width)
{
    if (offset >= msix->table_offset && offset - msix->table_offset < table_bytes(msix) &&
        table_bytes(msix) - (offset - msix->table_offset) >= width) {
        return (int64_t)(offset - msix->table_offset);
    }
    if (offset >= msix->pending_offset && offset - msix->pending_offset < msix->pending_size &&
        msix->pending_size - (offset - msix->pending_offset) >= width) {
        return (int64_t)(offset - msix->pending_offset + msix->table_size);
    }
    return -1;
}

bool pci_msix_claims(const PciDevice *device, uint64_t offset)
{
    return device->msix != NULL && msix_place(device->msix, offset, 1) >= 0;
}

uint64_t pci_msix_read(PciDevice *device, uint64_t offset, unsigned width)
{
    int64_t place = msix_place(device->msix, offset, width);

    return place >= 0 ? get_le(device->msix->bytes + place, width) : 0;
}

void pci_msix_write(PciDevice *device, uint64_t offset, unsigned width, uint64_t value)
{
    PciMsix *msix = device->msix;
    int64_t place = msix_place(msix, offset, width);
    unsigned vector;

    if (place < 0 || place >= msix->table_size) { /* the pending bits are the device's */
        return;
    }
    memcpy(msix->bytes + place, &value, width);
    vector = (unsigned)place / ENTRY_SIZE;
    /* Of the control word only the mask exists; of an address not the lowest two bits. */
    memset(msix->bytes + vector * ENTRY_SIZE + ENTRY_CONTROL + 1, 0, 3);
    msix->bytes[vector * ENTRY_SIZE + ENTRY_CONTROL] &= ENTRY_MASKED;
    msix->bytes[vector * ENTRY_SIZE] &= (uint8_t)~3;
    vector_release(device, vector);
}

static uint64_t bar_read(void *opaque, uint64_t offset, unsigned width)
{
    return pci_msix_read(opaque, offset, width);
}

static void bar_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    pci_msix_write(opaque, offset, width, value);
}

static const MmioOps bar_ops = { .read = bar_read, .write = bar_write };

/* ---- Life ---- */

void pci_msix_reset(PciDevice *device)
{
    PciMsix *msix = device->msix;

    if (msix == NULL) {
        return;
    }
    device->config[msix->capability + CONTROL + 1] &= (uint8_t) ~(CONTROL_ENABLE | CONTROL_MASK);
    memset(msix->bytes, 0, msix->table_size + msix->pending_size);
    for (unsigned i = 0; i < msix->vectors; i++) {
        msix->bytes[i * ENTRY_SIZE + ENTRY_CONTROL] = ENTRY_MASKED;
    }
}

static void put_register(PciDevice *device, unsigned offset, uint32_t value)
{
    memcpy(device->config + device->msix->capability + offset, &value, 4);
}

static void state_init(PciMsix *msix)
{
    msix->fields[0] = (StateField){ .name = "bytes",
                                    .type = STATE_BYTES,
                                    .count = msix->table_size + msix->pending_size,
                                    .version = 1 };
    msix->state = (StateTable){ .name = "msix", .version = 1, .fields = msix->fields };
}

void pci_msix_init_shared(PciDevice *device, unsigned vectors, unsigned bar, uint32_t table,
                          uint32_t pending)
{
    PciMsix *msix = g_new0(PciMsix, 1);

    g_assert(device->msix == NULL && vectors >= 1 && vectors <= VECTORS_MAX);
    g_assert(bar < PCI_BARS && table % 8 == 0 && pending % 8 == 0);
    device->msix = msix;
    msix->vectors = vectors;
    msix->table_size = vectors * ENTRY_SIZE;
    msix->pending_size = (vectors + 63) / 64 * 8;
    msix->table_offset = table;
    msix->pending_offset = pending;
    msix->bytes = g_malloc0(msix->table_size + msix->pending_size);
    msix->capability = pci_device_add_capability(device, CAPABILITY, CAPABILITY_SIZE);
    put_register(device, TABLE, table | bar);
    put_register(device, PENDING, pending | bar);
    device->config[msix->capability + CONTROL] = (uint8_t)(vectors - 1);
    device->config[msix->capability + CONTROL + 1] = (uint8_t)((vectors - 1) >> 8);
    device->writable[msix->capability + CONTROL + 1] = CONTROL_ENABLE | CONTROL_MASK;
    state_init(msix);
    pci_msix_reset(device);
}

void pci_msix_init(PciDevice *device, unsigned vectors, unsigned bar)
{
    uint64_t size = SMALLEST_BAR;

    while (size / 2 < vectors * ENTRY_SIZE) {
        size *= 2;
    }
    pci_msix_init_shared(device, vectors, bar, 0, (uint32_t)(size / 2));
    pci_device_add_mmio_bar(device, bar, size, false, false, &bar_ops, device);
}

void pci_msix_free(PciDevice *device)
{
    if (device->msix != NULL) {
        g_free(device->msix->bytes);
        g_clear_pointer(&device->msix, g_free);
    }
}

const StateTable *pci_msix_state(const PciDevice *device, void **object)
{
    *object = device->msix->bytes;
    return &device->msix->state;
}
