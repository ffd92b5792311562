/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ioapic.h"

enum { /* memory offsets */
       IOAPIC_SELECT = 0x00,
       IOAPIC_WINDOW = 0x10,
       IOAPIC_EOI = 0x40,
       IOAPIC_SIZE = 0x1000,
};

enum { /* indirect registers */
       REG_ID = 0,
       REG_VERSION = 1,
       REG_ARBITRATION = 2,
       REG_ENTRIES = 0x10,
       VERSION = 0x20 | (IOAPIC_PINS - 1) << 16,
};

enum { /* redirection entries, low half */
       ENTRY_MODE_SHIFT = 8,
       ENTRY_LOGICAL = 1u << 11,
       ENTRY_PENDING = 1u << 12, /* delivery status: read only, never seen set */
       ENTRY_REMOTE_IRR = 1u << 14,
       ENTRY_LEVEL = 1u << 15,
       ENTRY_MASKED = 1u << 16,
       ENTRY_WRITABLE = 0x1afff,
};

struct IoApic {
    PhysMap *map;
    PhysRange *range;
    void (*deliver)(void *opaque, const LapicMessage *message);
    void *opaque;

    uint32_t id;
    uint8_t select;
    uint64_t entry[IOAPIC_PINS];
    uint32_t level; /* a bit an input: asserted */
};

/* Only these modes have the handshake of level interrupts; the others are edges whatever the
 * trigger bit says. */
static bool entry_is_level(uint64_t entry)
{
    unsigned mode = entry >> ENTRY_MODE_SHIFT & 7;

    return (entry & ENTRY_LEVEL) != 0 && (mode == LAPIC_MODE_FIXED || mode == LAPIC_MODE_LOWEST);
}

static void ioapic_send(IoApic *ioapic, unsigned pin)
{
    uint64_t entry = ioapic->entry[pin];
    LapicMessage message = {
        .destination = (uint32_t)(entry >> 56),
        .logical = (entry & ENTRY_LOGICAL) != 0,
        .level = entry_is_level(entry),
        .mode = entry >> ENTRY_MODE_SHIFT & 7,
        .vector = (uint8_t)entry,
    };

    if (message.level) {
        ioapic->entry[pin] |= ENTRY_REMOTE_IRR;
    }
    ioapic->deliver(ioapic->opaque, &message);
}

static void ioapic_service_level(IoApic *ioapic, unsigned pin)
{
    uint64_t entry = ioapic->entry[pin];

    if (entry_is_level(entry) && (ioapic->level >> pin & 1) != 0 &&
        (entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR)) == 0) {
        ioapic_send(ioapic, pin);
    }
}

void ioapic_set_pin(void *opaque, unsigned pin, bool level)
{
    IoApic *ioapic = opaque;
    bool rising;

    g_assert(pin < IOAPIC_PINS);
    rising = level && (ioapic->level >> pin & 1) == 0;
    ioapic->level = (ioapic->level & ~(1u << pin)) | (uint32_t)level << pin;
    if (entry_is_level(ioapic->entry[pin])) {
        ioapic_service_level(ioapic, pin);
    } else if (rising && (ioapic->entry[pin] & ENTRY_MASKED) == 0) { /* masked edges are lost */
        ioapic_send(ioapic, pin);
    }
}

void ioapic_eoi(IoApic *ioapic, uint8_t vector)
{
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        if ((ioapic->entry[pin] & ENTRY_REMOTE_IRR) != 0 && (uint8_t)ioapic->entry[pin] == vector) {
            ioapic->entry[pin] &= ~(uint64_t)ENTRY_REMOTE_IRR;
            ioapic_service_level(ioapic, pin);
        }
    }
}

static uint32_t ioapic_window_read(const IoApic *ioapic)
{
    unsigned index = ioapic->select - REG_ENTRIES;

    switch (ioapic->select) {
    case REG_ID:
    case REG_ARBITRATION:
        return ioapic->id;
    case REG_VERSION:
        return VERSION;
    default:
        if (ioapic->select < REG_ENTRIES || index >= 2 * IOAPIC_PINS) {
            return 0;
        }
        return (uint32_t)(ioapic->entry[index / 2] >> (index % 2 * 32));
    }
}

static void ioapic_write_entry(IoApic *ioapic, unsigned pin, bool high, uint32_t value)
{
    uint64_t entry = ioapic->entry[pin];

    if (high) {
        entry = (entry & 0xffffffff) | (uint64_t)(value & 0xff000000) << 32;
    } else {
        entry = (entry & ~(uint64_t)ENTRY_WRITABLE) | (value & ENTRY_WRITABLE);
    }
    if (!entry_is_level(entry)) { /* turning to edge and back is how to clear a stuck one */
        entry &= ~(uint64_t)ENTRY_REMOTE_IRR;
    }
    ioapic->entry[pin] = entry;
    ioapic_service_level(ioapic, pin);
}

static void ioapic_window_write(IoApic *ioapic, uint32_t value)
{
    unsigned index = ioapic->select - REG_ENTRIES;

    if (ioapic->select == REG_ID) {
        ioapic->id = value & 0x0f000000;
    } else if (ioapic->select >= REG_ENTRIES && index < 2 * IOAPIC_PINS) {
        ioapic_write_entry(ioapic, index / 2, index % 2 != 0, value);
    }
}

static uint64_t ioapic_read(void *opaque, uint64_t offset, unsigned width)
{
    const IoApic *ioapic = opaque;

    (void)width;
    switch (offset) {
    case IOAPIC_SELECT:
        return ioapic->select;
    case IOAPIC_WINDOW:
        return ioapic_window_read(ioapic);
    default:
        return 0;
    }
}

static void ioapic_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    IoApic *ioapic = opaque;

    (void)width;
    switch (offset) {
    case IOAPIC_SELECT:
        ioapic->select = (uint8_t)value;
        break;
    case IOAPIC_WINDOW:
        ioapic_window_write(ioapic, (uint32_t)value);
        break;
    case IOAPIC_EOI:
        ioapic_eoi(ioapic, (uint8_t)value);
        break;
    default:
        break;
    }
}

static const MmioOps ioapic_ops = {
    .read = ioapic_read,
    .write = ioapic_write,
    .min_width = 1,
    .max_width = 4,
};

void ioapic_reset(IoApic *ioapic)
{
    ioapic->id = 0;
    ioapic->select = 0;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        ioapic->entry[pin] = ENTRY_MASKED;
    }
}

IoApic *ioapic_new(PhysMap *map, uint64_t base,
                   void (*deliver)(void *opaque, const LapicMessage *message), void *opaque)
{
    IoApic *ioapic = g_new0(IoApic, 1);

    ioapic->map = map;
    ioapic->deliver = deliver;
    ioapic->opaque = opaque;
    ioapic->range = phys_map_add_mmio(map, base, IOAPIC_SIZE, &ioapic_ops, ioapic, 3);
    ioapic_reset(ioapic);
    return ioapic;
}

int ioapic_vector(const IoApic *ioapic, unsigned pin)
{
    return (ioapic->entry[pin] & ENTRY_MASKED) != 0 ? -1 : (int)(ioapic->entry[pin] & 0xff);
}

void ioapic_free(IoApic *ioapic)
{
    phys_range_remove(ioapic->map, ioapic->range);
    g_free(ioapic);
}

static const StateField ioapic_fields[] = {
    STATE_FIELD(STATE_U32, IoApic, id),
    STATE_FIELD(STATE_U8, IoApic, select),
    STATE_ARRAY(STATE_U64, IoApic, entry),
    STATE_FIELD(STATE_U32, IoApic, level),
    { 0 },
};

const StateTable ioapic_state = { .name = "ioapic", .version = 1, .fields = ioapic_fields };

void ioapic_text(const IoApic *ioapic, GString *text)
{
    static const char *const modes[] = { "fixed", "lowpri", "SMI", "...",
                                         "NMI",   "INIT",   "...", "extINT" };

    g_string_append_printf(text, "ioapic0: ver=0x20 id=0x%02x sel=0x%02x\n", ioapic->id,
                           ioapic->select);
    for (unsigned i = 0; i < IOAPIC_PINS; i++) {
        uint64_t entry = ioapic->entry[i];

        g_string_append_printf(text,
                               "  pin %-2u 0x%016" G_GINT64_MODIFIER "x dest=%x vec=%-3u %s %s %s "
                               "%s %s\n",
                               i, entry, (unsigned)(entry >> 56), (unsigned)(entry & 0xff),
                               (entry >> 13 & 1) != 0 ? "active-lo" : "active-hi",
                               (entry >> 15 & 1) != 0 ? "level" : "edge",
                               (entry >> 16 & 1) != 0 ? "masked" : "", modes[entry >> 8 & 7],
                               (entry >> 11 & 1) != 0 ? "logical" : "physical");
    }
    g_string_append_printf(text, "  asserted 0x%06x\n", ioapic->level);
}
