/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "hw/mptable.h"
#include "hw/isa_serial.h"
#include "hw/pc_int.h"
#include "hw/pci/pci_int.h"

/* pc_bios_area.c - what a BIOS leaves in the first megabyte, for kernels that are started without
 * one: interrupt vectors that return, the BIOS data area, the extended one (which holds nothing but
 * its size), multiprocessor tables, and the places that have had a meaning since the first PC: the
 * reset vector, the date, the model. Services are not there: INT 10H and its like do nothing. */

enum {
    F_SEGMENT = 0xf0000,
    VECTORS = 256,
    PCI_SLOTS = 32,
    /* In the F segment. */
    STUB_BASE = 0xe000, /* code */
    STUB_IRET = 0xff53, /* where the first PC's BIOS had its dummy return */
    RESET_VECTOR = 0xfff0,
    DATE = 0xfff5,
    MODEL = 0xfffe,
    MODEL_AT = 0xfc,
};

enum { /* the BIOS data area */
       BDA_BASE = 0x400,
       BDA_SERIAL = 0x00,
       BDA_EBDA = 0x0e, /* segment */
       BDA_EQUIPMENT = 0x10,
       BDA_MEMORY = 0x13, /* KiB below the extended area */
       BDA_KEY_HEAD = 0x1a,
       BDA_KEY_TAIL = 0x1c,
       BDA_VIDEO_MODE = 0x49,
       BDA_COLUMNS = 0x4a,
       BDA_PAGE_SIZE = 0x4c,
       BDA_CURSOR_SHAPE = 0x60,
       BDA_CRTC = 0x63,
       BDA_DISKS = 0x75,
       BDA_SERIAL_TIMEOUT = 0x7c,
       BDA_KEY_START = 0x80,
       BDA_KEY_END = 0x82,
       BDA_LAST_ROW = 0x84,
       BDA_CHAR_HEIGHT = 0x85,
       BDA_KEYBOARD = 0x96, /* 101 keys */
       BDA_SIZE = 0x100,
       EBDA_BASE = 0x9fc00,
       EQUIPMENT_FPU = 1u << 1,
       EQUIPMENT_MOUSE = 1u << 2,
       EQUIPMENT_COLOUR_80 = 2u << 4,
       EQUIPMENT_SERIALS = 9, /* shift */
       KEY_BUFFER = 0x1e,
       KEY_BUFFER_END = 0x3e,
};

static void put16(uint8_t *bytes, unsigned value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

/* ---- Code ---- */

/* Ends the interrupt at one or both 8259s and returns. */
static const uint8_t stub_master[] = { 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf };
static const uint8_t stub_slave[] = { 0x50, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0x58, 0xcf };
/* There is nothing to start: asks the keyboard controller for a reset. */
static const uint8_t stub_reset[] = { 0xb0, 0xfe, 0xe6, 0x64, 0xf4, 0xeb, 0xfd };
static const uint8_t stub_iret[] = { 0xcf };

enum {
    STUB_MASTER = STUB_BASE,
    STUB_SLAVE = STUB_BASE + 0x10,
    STUB_RESET = STUB_BASE + 0x20,
    INT_IRQ0 = 0x08,
    INT_IRQ8 = 0x70,
    INT_NO_DISK = 0x18,
    INT_BOOTSTRAP = 0x19,
};

static void stub_put(Pc *pc, uint16_t offset, const void *data, size_t size)
{
    phys_map_write(pc->config.map, F_SEGMENT + offset, data, size);
}

static void code_install(Pc *pc)
{
    static const uint8_t reset_vector[] = { 0xea, STUB_RESET & 0xff, STUB_RESET >> 8, 0x00, 0xf0 };
    static const uint8_t model = MODEL_AT;

    stub_put(pc, STUB_MASTER, stub_master, sizeof(stub_master));
    stub_put(pc, STUB_SLAVE, stub_slave, sizeof(stub_slave));
    stub_put(pc, STUB_RESET, stub_reset, sizeof(stub_reset));
    stub_put(pc, STUB_IRET, stub_iret, sizeof(stub_iret));
    stub_put(pc, RESET_VECTOR, reset_vector, sizeof(reset_vector));
    stub_put(pc, DATE, "01/01/24", 8);
    stub_put(pc, MODEL, &model, sizeof(model));
}

static uint16_t vector_stub(unsigned vector)
{
    if (vector >= INT_IRQ0 && vector < INT_IRQ0 + 8) {
        return STUB_MASTER;
    }
    if (vector >= INT_IRQ8 && vector < INT_IRQ8 + 8) {
        return STUB_SLAVE;
    }
    return vector == INT_NO_DISK || vector == INT_BOOTSTRAP ? STUB_RESET : STUB_IRET;
}

static void vectors_install(Pc *pc)
{
    uint8_t table[VECTORS * 4];

    for (unsigned i = 0; i < VECTORS; i++) {
        put16(table + 4 * i, vector_stub(i));
        put16(table + 4 * i + 2, F_SEGMENT >> 4);
    }
    phys_map_write(pc->config.map, 0, table, sizeof(table));
}

/* ---- Data ---- */

static void data_install(Pc *pc)
{
    static const uint8_t ebda_size = (0xa0000 - EBDA_BASE) >> 10; /* KiB */
    uint8_t bda[BDA_SIZE] = { 0 };
    unsigned serials = 0, disks = 0;

    for (unsigned i = 0; i < PC_SERIALS; i++) {
        if ((pc_serial_mask(pc) >> i & 1) != 0) {
            put16(bda + BDA_SERIAL + 2 * serials, isa_serial_base(i));
            bda[BDA_SERIAL_TIMEOUT + serials++] = 1;
        }
    }
    for (unsigned i = 0; i < PC_IDE_DRIVES; i++) {
        disks += pc->config.ide[i] != NULL && !pc->config.ide_cdrom[i];
    }
    put16(bda + BDA_EBDA, EBDA_BASE >> 4);
    put16(bda + BDA_EQUIPMENT,
          EQUIPMENT_FPU | EQUIPMENT_MOUSE | EQUIPMENT_COLOUR_80 | serials << EQUIPMENT_SERIALS);
    put16(bda + BDA_MEMORY, EBDA_BASE >> 10);
    put16(bda + BDA_KEY_HEAD, KEY_BUFFER);
    put16(bda + BDA_KEY_TAIL, KEY_BUFFER);
    put16(bda + BDA_KEY_START, KEY_BUFFER);
    put16(bda + BDA_KEY_END, KEY_BUFFER_END);
    bda[BDA_VIDEO_MODE] = 3;
    put16(bda + BDA_COLUMNS, 80);
    put16(bda + BDA_PAGE_SIZE, 0x1000);
    put16(bda + BDA_CURSOR_SHAPE, 0x0607);
    put16(bda + BDA_CRTC, 0x3d4);
    bda[BDA_DISKS] = (uint8_t)disks;
    bda[BDA_LAST_ROW] = 24;
    put16(bda + BDA_CHAR_HEIGHT, 16);
    bda[BDA_KEYBOARD] = 0x10;
    phys_map_write(pc->config.map, BDA_BASE, bda, sizeof(bda));
    phys_map_write(pc->config.map, EBDA_BASE, &ebda_size, sizeof(ebda_size));
}

/* ---- Multiprocessor tables ---- */

static uint8_t slot_irq(void *opaque, unsigned slot, unsigned wire)
{
    Pc *pc = opaque;
    bool used = false;

    for (unsigned function = 0; function < 8; function++) {
        used |= pci_bus_device(pc->pci, PCI_DEVFN(slot, function)) != NULL;
    }
    return used ? piix3_route(pc->piix3, pc_pirq_of_pin((slot + wire) % PIIX3_PIRQS)) & 0xf : 0;
}

static void mptable_install(Pc *pc, uint32_t gpa)
{
    const MpTableConfig config = {
        .cpus = pc->config.cpus,
        .apic_ids = pc->config.apic_ids,
        .cpu_signature = pc->config.cpu_signature,
        .cpu_features = pc->config.cpu_features,
        .pci_slots = PCI_SLOTS,
        .pci_irq = slot_irq,
        .level_irqs = pc_level_irqs(),
        .opaque = pc,
    };
    GByteArray *table = mptable_build(&config);
    uint8_t pointer[MPTABLE_POINTER_SIZE];

    g_assert(gpa + sizeof(pointer) + table->len <= F_SEGMENT + STUB_BASE);
    mptable_pointer(gpa + MPTABLE_POINTER_SIZE, pointer);
    phys_map_write(pc->config.map, gpa, pointer, sizeof(pointer));
    phys_map_write(pc->config.map, gpa + MPTABLE_POINTER_SIZE, table->data, table->len);
    g_byte_array_unref(table);
}

void pc_bios_area_install(Pc *pc, uint32_t free)
{
    mptable_install(pc, (free + MPTABLE_POINTER_SIZE - 1) & ~(MPTABLE_POINTER_SIZE - 1u));
    code_install(pc);
    vectors_install(pc);
    data_install(pc);
}
