/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga_pci.c - the VGA on a PCI bus, as QEMU's `VGA` (1234:1111) and `secondary-vga`: the frame
 * buffer in BAR 0, registers in BAR 2, the video BIOS in the ROM BAR.
 *
 * BAR 2: EDID from 0 on, the VGA's ports 3C0 to 3DF at 400, VBE's registers at 500, two registers
 * of QEMU's own at 600 (their size, and the byte order of the frame buffer). */
#include <string.h>

#include "hw/device_types.h"
#include "hw/display/edid.h"
#include "hw/display/vga.h"
#include "hw/pci/pci.h"

enum {
    REGISTERS_SIZE = 4096,
    REGISTERS_VGA = 0x400,
    REGISTERS_VGA_END = 0x420,
    REGISTERS_VBE = 0x500,
    REGISTERS_VBE_END = 0x516,
    REGISTERS_QEMU = 0x600,
    REGISTERS_QEMU_END = 0x608,
    VGA_PORT_FIRST = 0x3c0,
};
#define LITTLE_ENDIAN_WORD 0x1e1e1e1eu

typedef struct VgaPci {
    PciDevice pci;
    uint32_t vgamem_mb;
    bool mmio, edid, extended;
    uint32_t xres, yres, xmax, ymax;
    Console *console;
    Vga *vga;
    uint8_t edid_block[EDID_SIZE];
} VgaPci;

/* ---- BAR 2 ---- */

static uint8_t register_byte(VgaPci *dev, unsigned offset)
{
    if (offset < EDID_SIZE && dev->edid) {
        return dev->edid_block[offset];
    }
    if (offset >= REGISTERS_VGA && offset < REGISTERS_VGA_END) {
        return vga_port_read(dev->vga, (uint16_t)(VGA_PORT_FIRST + offset - REGISTERS_VGA));
    }
    if (offset >= REGISTERS_VBE && offset < REGISTERS_VBE_END) {
        uint16_t value = vga_vbe_read(dev->vga, (offset - REGISTERS_VBE) / 2);

        return (uint8_t)(offset & 1 ? value >> 8 : value);
    }
    if (offset >= REGISTERS_QEMU && offset < REGISTERS_QEMU_END && dev->extended) {
        uint64_t value = (uint64_t)LITTLE_ENDIAN_WORD << 32 | (REGISTERS_QEMU_END - REGISTERS_QEMU);

        return (uint8_t)(value >> ((offset - REGISTERS_QEMU) * 8));
    }
    return 0;
}

static uint64_t registers_read(void *opaque, uint64_t offset, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)register_byte(opaque, (unsigned)offset + i) << (8 * i);
    }
    return value;
}

/* VBE's registers are written whole. */
static void registers_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    VgaPci *dev = opaque;
    unsigned at = (unsigned)offset;

    if (at >= REGISTERS_VGA && at < REGISTERS_VGA_END) {
        for (unsigned i = 0; i < width; i++) {
            vga_port_write(dev->vga, (uint16_t)(VGA_PORT_FIRST + at - REGISTERS_VGA + i),
                           (uint8_t)(value >> (8 * i)));
        }
    } else if (at >= REGISTERS_VBE && at < REGISTERS_VBE_END && width >= 2) {
        for (unsigned i = 0; i < width; i += 2) {
            vga_vbe_write(dev->vga, (at - REGISTERS_VBE + i) / 2, (uint16_t)(value >> (8 * i)));
        }
    }
}

static const MmioOps register_ops = {
    .read = registers_read, .write = registers_write, .min_width = 1, .max_width = 4
};

/* ---- Life ---- */

static bool open_vga(VgaPci *dev, bool legacy, GError **error)
{
    const Board *board = dev->pci.device.board;
    const char *id = dev->pci.device.id;
    VgaConfig config = {
        .map = board->map,
        .io = board->io,
        .clock = board->clock,
        .vram_size = (uint64_t)dev->vgamem_mb << 20,
        .legacy = legacy,
    };

    if (dev->vgamem_mb == 0 || dev->vgamem_mb > VGA_VRAM_MAX >> 20 ||
        (dev->vgamem_mb & (dev->vgamem_mb - 1)) != 0) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "vgamem_mb=%u: a power of two from 1 to %d is expected", dev->vgamem_mb,
                    VGA_VRAM_MAX >> 20);
        return false;
    }
    if (board->config.display == NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_FAILED, "the machine has no screens");
        return false;
    }
    config.console = dev->console = display_add(board->config.display,
                                                id != NULL ? id : dev->pci.device.type->name);
    dev->vga = vga_new(&config, error);
    if (dev->vga == NULL) {
        display_remove(board->config.display, dev->console);
    }
    return dev->vga != NULL;
}

static void close_vga(VgaPci *dev)
{
    vga_free(dev->vga);
    display_remove(dev->pci.device.board->config.display, dev->console);
}

static bool vga_pci_create(VgaPci *dev, bool legacy, GError **error)
{
    const EdidScreen screen = { dev->xres, dev->yres, dev->xmax, dev->ymax };
    uint64_t size = (uint64_t)dev->vgamem_mb << 20;

    if (!open_vga(dev, legacy, error)) {
        return false;
    }
    edid_make(dev->edid_block, &screen);
    pci_device_add_ram_bar(&dev->pci, 0, vga_vram_offset(dev->vga), size, true, false);
    if (dev->mmio || !legacy) {
        pci_device_add_mmio_bar(&dev->pci, 2, REGISTERS_SIZE, false, false, &register_ops, dev);
    }
    return true;
}

static bool primary_create(Device *device, GError **error)
{
    return vga_pci_create((VgaPci *)device, true, error);
}

static bool secondary_create(Device *device, GError **error)
{
    return vga_pci_create((VgaPci *)device, false, error);
}

static void vga_pci_reset(Device *device)
{
    vga_reset(((VgaPci *)device)->vga);
}

static void vga_pci_destroy(Device *device)
{
    close_vga((VgaPci *)device);
}

static void vga_pci_each_state(Device *device, StateVisit *visit, void *opaque)
{
    visit(opaque, &vga_state, device->instance, ((VgaPci *)device)->vga);
}

/* ---- Rows ---- */

#define EDID_ROWS                                                                                  \
    PROPERTY_ROW("vgamem_mb", PROPERTY_U32, VgaPci, vgamem_mb, .init = 16),                        \
        PROPERTY_ROW("qemu-extended-regs", PROPERTY_BOOL, VgaPci, extended, .init = 1),            \
        PROPERTY_ROW("edid", PROPERTY_BOOL, VgaPci, edid, .init = 1),                              \
        PROPERTY_ROW("xres", PROPERTY_U32, VgaPci, xres, .init = 0),                               \
        PROPERTY_ROW("yres", PROPERTY_U32, VgaPci, yres, .init = 0),                               \
        PROPERTY_ROW("xmax", PROPERTY_U32, VgaPci, xmax, .init = 0),                               \
        PROPERTY_ROW("ymax", PROPERTY_U32, VgaPci, ymax, .init = 0)

static const Property vga_properties[] = {
    EDID_ROWS,
    PROPERTY_ROW("mmio", PROPERTY_BOOL, VgaPci, mmio, .init = 1),
    { 0 },
};

static const Property secondary_properties[] = {
    EDID_ROWS,
    { 0 },
};

static const PciClass vga_class = {
    .name = "VGA",
    .romfile = "vgabios-stdvga.bin",
    .vendor = 0x1234,
    .device = 0x1111,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x030000,
    .revision = 2,
};

static const PciClass secondary_class = {
    .name = "secondary-vga",
    .vendor = 0x1234,
    .device = 0x1111,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x038000,
    .revision = 2,
};

const DeviceType vga_pci_type = {
    .name = "VGA",
    .category = DEVICE_DISPLAY,
    .bus = &pci_bus_type,
    .size = sizeof(VgaPci),
    .properties = vga_properties,
    .pci = &vga_class,
    .create = primary_create,
    .reset = vga_pci_reset,
    .destroy = vga_pci_destroy,
    .each_state = vga_pci_each_state,
};

const DeviceType secondary_vga_type = {
    .name = "secondary-vga",
    .category = DEVICE_DISPLAY,
    .bus = &pci_bus_type,
    .size = sizeof(VgaPci),
    .properties = secondary_properties,
    .pci = &secondary_class,
    .create = secondary_create,
    .reset = vga_pci_reset,
    .destroy = vga_pci_destroy,
    .each_state = vga_pci_each_state,
};
