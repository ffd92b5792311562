/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/mptable.h"

#include <string.h>

#include "hw/ioapic.h"
#include "hw/lapic.h"

enum { /* entries */
       ENTRY_PROCESSOR = 0,
       ENTRY_BUS = 1,
       ENTRY_IOAPIC = 2,
       ENTRY_INTERRUPT = 3,
       ENTRY_LOCAL = 4,
};

enum {
    REVISION = 4, /* 1.4 */
    HEADER_LENGTH_AT = 4,
    HEADER_CHECKSUM_AT = 7,
    HEADER_COUNT_AT = 34,
    POINTER_CHECKSUM_AT = 10,
    APIC_VERSION = 0x14,
    IOAPIC_VERSION = 0x11,
    CPU_ENABLED = 1,
    CPU_BOOTSTRAP = 2,
    BUS_PCI = 0,
    BUS_ISA = 1,
    INT_NORMAL = 0,
    INT_NMI = 1,
    INT_EXTINT = 3,
    FLAGS_OF_BUS = 0,
    FLAGS_HIGH_LEVEL = 0xd,
    ALL_APICS = 0xff,
    ISA_IRQS = 16,
    PCI_WIRES = 4,
};

typedef struct MpTable {
    GByteArray *out;
    uint16_t count;
} MpTable;

static void put(GByteArray *out, unsigned width, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(out, (const guint8 *)&value, width);
}

static void put_text(GByteArray *out, const char *text)
{
    g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
}

static uint8_t sum_to_zero(const uint8_t *bytes, size_t n)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return (uint8_t)-sum;
}

static void put_processors(MpTable *table, const MpTableConfig *config)
{
    for (unsigned i = 0; i < config->cpus; i++) {
        put(table->out, 1, ENTRY_PROCESSOR);
        put(table->out, 1, config->apic_ids != NULL ? config->apic_ids[i] : i);
        put(table->out, 1, APIC_VERSION);
        put(table->out, 1, CPU_ENABLED | (i == 0 ? CPU_BOOTSTRAP : 0));
        put(table->out, 4, config->cpu_signature);
        put(table->out, 4, config->cpu_features);
        put(table->out, 8, 0);
        table->count++;
    }
}

static void put_bus(MpTable *table, uint8_t id, const char *name)
{
    put(table->out, 1, ENTRY_BUS);
    put(table->out, 1, id);
    put_text(table->out, name);
    table->count++;
}

static void put_ioapic(MpTable *table)
{
    put(table->out, 1, ENTRY_IOAPIC);
    put(table->out, 1, 0);
    put(table->out, 1, IOAPIC_VERSION);
    put(table->out, 1, 1); /* usable */
    put(table->out, 4, IOAPIC_BASE);
    table->count++;
}

static void put_interrupt(MpTable *table, uint8_t entry, uint8_t type, uint16_t flags, uint8_t bus,
                          uint8_t source, uint8_t apic, uint8_t input)
{
    put(table->out, 1, entry);
    put(table->out, 1, type);
    put(table->out, 2, flags);
    put(table->out, 1, bus);
    put(table->out, 1, source);
    put(table->out, 1, apic);
    put(table->out, 1, input);
    table->count++;
}

/* IRQ 0 is wired to input 2, the cascade's. */
static void put_isa_interrupts(MpTable *table, const MpTableConfig *config)
{
    for (unsigned irq = 0; irq < ISA_IRQS; irq++) {
        bool level = (config->level_irqs >> irq & 1) != 0;

        if (irq == 2 || level) { /* what is level triggered is PCI's, below */
            continue;
        }
        put_interrupt(table, ENTRY_INTERRUPT, INT_NORMAL, FLAGS_OF_BUS, BUS_ISA, (uint8_t)irq, 0,
                      irq == 0 ? 2 : (uint8_t)irq);
    }
}

static void put_pci_interrupts(MpTable *table, const MpTableConfig *config)
{
    for (unsigned slot = 0; slot < config->pci_slots; slot++) {
        for (unsigned wire = 0; wire < PCI_WIRES; wire++) {
            uint8_t irq = config->pci_irq(config->opaque, slot, wire);

            if (irq != 0) {
                put_interrupt(table, ENTRY_INTERRUPT, INT_NORMAL, FLAGS_HIGH_LEVEL, BUS_PCI,
                              (uint8_t)(slot << 2 | wire), 0, irq);
            }
        }
    }
}

GByteArray *mptable_build(const MpTableConfig *config)
{
    MpTable table = { g_byte_array_new(), 0 };
    GByteArray *out = table.out;

    put_text(out, "PCMP");
    put(out, 2, 0);
    put(out, 1, REVISION);
    put(out, 1, 0);
    put_text(out, "DOPPEL  ");
    put_text(out, "PC          ");
    put(out, 6, 0); /* no table of the manufacturer's */
    put(out, 2, 0);
    put(out, 4, LAPIC_DEFAULT_BASE);
    put(out, 4, 0); /* no extended entries */
    put_processors(&table, config);
    put_bus(&table, BUS_PCI, "PCI   ");
    put_bus(&table, BUS_ISA, "ISA   ");
    put_ioapic(&table);
    put_pci_interrupts(&table, config);
    put_isa_interrupts(&table, config);
    put_interrupt(&table, ENTRY_LOCAL, INT_EXTINT, FLAGS_OF_BUS, BUS_ISA, 0, 0, LAPIC_LINT0);
    put_interrupt(&table, ENTRY_LOCAL, INT_NMI, FLAGS_OF_BUS, BUS_ISA, 0, ALL_APICS, LAPIC_LINT1);
    out->data[HEADER_LENGTH_AT] = (uint8_t)out->len;
    out->data[HEADER_LENGTH_AT + 1] = (uint8_t)(out->len >> 8);
    out->data[HEADER_COUNT_AT] = (uint8_t)table.count;
    out->data[HEADER_COUNT_AT + 1] = (uint8_t)(table.count >> 8);
    out->data[HEADER_CHECKSUM_AT] = sum_to_zero(out->data, out->len);
    return out;
}

void mptable_pointer(uint32_t address, uint8_t pointer[MPTABLE_POINTER_SIZE])
{
    memset(pointer, 0, MPTABLE_POINTER_SIZE);
    memcpy(pointer, "_MP_", 4);
    for (unsigned i = 0; i < 4; i++) {
        pointer[4 + i] = (uint8_t)(address >> (8 * i));
    }
    pointer[8] = 1; /* paragraph */
    pointer[9] = REVISION;
    pointer[POINTER_CHECKSUM_AT] = sum_to_zero(pointer, MPTABLE_POINTER_SIZE);
}
