/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pci/i440fx.h"
#include <string.h>
#include "hw/pci/pci_int.h"

enum { /* configuration registers */
       CFG_PMCCFG = 0x50,
       CFG_DETURBO = 0x52,
       CFG_DBC = 0x53,
       CFG_AXC = 0x54,
       CFG_DRAMC = 0x57,
       CFG_DRAMT = 0x58,
       CFG_PAM0 = 0x59,
       CFG_DRB0 = 0x60,
       CFG_FDHC = 0x68,
       CFG_MTT = 0x70,
       CFG_CLT = 0x71,
       CFG_SMRAM = 0x72,
       CFG_ERRCMD = 0x90,
       CFG_ERRSTS = 0x91,
       CFG_TRC = 0x93,
};

enum {                 /* SMRAM */
       SMRAM_BASE = 2, /* C_BASE_SEG: hard-wired to A0000 */
       SMRAM_ENABLE = 1u << 3,
       SMRAM_LOCKED = 1u << 4,
       SMRAM_CLOSED = 1u << 5,
       SMRAM_OPEN = 1u << 6,
       SMRAM_WRITABLE = SMRAM_ENABLE | SMRAM_LOCKED | SMRAM_CLOSED | SMRAM_OPEN,
};

enum { CONFIG_ENABLED = 1u << 31, CONFIG_WRITABLE = 0x80fffffc };

/* Where shadow RAM can always be written, whatever PAM says: beyond what any CPU addresses. */
#define SHADOW_ALIAS (1ull << 51)
#define ROM_MIRROR   0xfff00000ull /* the ROM's own place, 1 MiB below 4 GiB */

typedef struct PamSegment {
    uint32_t base, size;
    uint8_t reg, shift; /* its four bits */
} PamSegment;

static const PamSegment pam_segments[I440FX_PAM_SEGMENTS] = {
    { 0xf0000, 0x10000, CFG_PAM0, 4 },    { 0xc0000, 0x4000, CFG_PAM0 + 1, 0 },
    { 0xc4000, 0x4000, CFG_PAM0 + 1, 4 }, { 0xc8000, 0x4000, CFG_PAM0 + 2, 0 },
    { 0xcc000, 0x4000, CFG_PAM0 + 2, 4 }, { 0xd0000, 0x4000, CFG_PAM0 + 3, 0 },
    { 0xd4000, 0x4000, CFG_PAM0 + 3, 4 }, { 0xd8000, 0x4000, CFG_PAM0 + 4, 0 },
    { 0xdc000, 0x4000, CFG_PAM0 + 4, 4 }, { 0xe0000, 0x4000, CFG_PAM0 + 5, 0 },
    { 0xe4000, 0x4000, CFG_PAM0 + 5, 4 }, { 0xe8000, 0x4000, CFG_PAM0 + 6, 0 },
    { 0xec000, 0x4000, CFG_PAM0 + 6, 4 },
};

/* A segment that is written through to RAM but read from ROM. */
typedef struct WriteThrough {
    I440fx *bridge;
    uint32_t base;
    PhysRange *range;
} WriteThrough;

struct I440fx {
    PhysMap *map;
    IoBus *io;
    PciBus *bus;
    PciDevice *pci;
    IoAttachment *ports;
    PhysRange *shadow[I440FX_PAM_SEGMENTS], *alias, *smram;
    WriteThrough through[I440FX_PAM_SEGMENTS];
    uint32_t config_address;
    bool smm;
};

/* ---- Shadow RAM ---- */

static uint64_t through_read(void *opaque, uint64_t offset, unsigned width)
{
    const WriteThrough *through = opaque;
    uint64_t value = UINT64_MAX;

    if (through->base >= 0xe0000) {
        phys_map_read(through->bridge->map, ROM_MIRROR + through->base + offset, &value, width);
    }
    return value;
}

static void through_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    const WriteThrough *through = opaque;
    uint64_t in_alias = through->base - I440FX_PAM_BASE + offset;

    phys_map_write(through->bridge->map, SHADOW_ALIAS + in_alias, &value, width);
}

static const MmioOps through_ops = { .read = through_read, .write = through_write };

static void pam_update(I440fx *bridge)
{
    const uint8_t *config = pci_device_config(bridge->pci);

    phys_map_begin(bridge->map);
    for (unsigned i = 0; i < I440FX_PAM_SEGMENTS; i++) {
        const PamSegment *segment = &pam_segments[i];
        PamMode mode = config[segment->reg] >> segment->shift & 3;

        phys_range_set_enabled(bridge->map, bridge->shadow[i], (mode & PAM_READ_RAM) != 0);
        phys_range_set_writable(bridge->map, bridge->shadow[i], mode == PAM_RAM);
        phys_range_set_enabled(bridge->map, bridge->through[i].range, mode == PAM_WRITE_RAM);
    }
    phys_map_commit(bridge->map);
}

static void smram_update(I440fx *bridge)
{
    uint8_t smram = pci_device_config(bridge->pci)[CFG_SMRAM];
    bool open = (smram & SMRAM_ENABLE) != 0 && ((smram & SMRAM_OPEN) != 0 || bridge->smm);

    phys_range_set_enabled(bridge->map, bridge->smram, open);
}

void i440fx_set_pam(I440fx *bridge, uint32_t first, uint32_t last, PamMode mode)
{
    uint8_t *config = pci_device_config(bridge->pci);

    for (unsigned i = 0; i < I440FX_PAM_SEGMENTS; i++) {
        const PamSegment *segment = &pam_segments[i];

        if (segment->base >= first && segment->base + segment->size - 1 <= last) {
            config[segment->reg] &= (uint8_t) ~(3u << segment->shift);
            config[segment->reg] |= (uint8_t)(mode << segment->shift);
        }
    }
    pam_update(bridge);
}

void i440fx_set_smm(I440fx *bridge, bool smm)
{
    if (bridge->smm != smm) {
        bridge->smm = smm;
        smram_update(bridge);
    }
}

static void i440fx_config_written(void *opaque, unsigned offset, unsigned width)
{
    I440fx *bridge = opaque;
    uint8_t *config = pci_device_config(bridge->pci);
    uint8_t *writable = pci_device_writable(bridge->pci);

    if (width == 0 || (offset < CFG_DRB0 && offset + width > CFG_PAM0)) {
        pam_update(bridge);
    }
    if (width == 0 || (offset <= CFG_SMRAM && offset + width > CFG_SMRAM)) {
        if ((config[CFG_SMRAM] & SMRAM_LOCKED) != 0) {
            config[CFG_SMRAM] &= (uint8_t)~SMRAM_OPEN;
            writable[CFG_SMRAM] = 0; /* until reset */
        }
        smram_update(bridge);
    }
}

/* ---- Configuration mechanism 1 ---- */

static uint32_t address_read(void *opaque, uint16_t offset, unsigned width)
{
    const I440fx *bridge = opaque;

    if (offset != 0 || width != 4) { /* only a double word reaches the bridge's register */
        return UINT32_MAX;
    }
    return bridge->config_address;
}

static void address_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    I440fx *bridge = opaque;

    if (offset == 0 && width == 4) {
        bridge->config_address = value & CONFIG_WRITABLE;
    }
}

/* Bus 0 is the only one. */
static bool data_reachable(const I440fx *bridge, uint16_t offset, unsigned width)
{
    return (bridge->config_address & CONFIG_ENABLED) != 0 &&
           (bridge->config_address & 0x00ff0000) == 0 && offset + width <= 4;
}

static uint32_t data_read(void *opaque, uint16_t offset, unsigned width)
{
    const I440fx *bridge = opaque;
    uint32_t address = bridge->config_address;

    if (!data_reachable(bridge, offset, width)) {
        return UINT32_MAX;
    }
    return pci_config_read(bridge->bus, address >> 8 & 0xff, (address & 0xfc) + offset, width);
}

static void data_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    const I440fx *bridge = opaque;
    uint32_t address = bridge->config_address;

    if (data_reachable(bridge, offset, width)) {
        pci_config_write(bridge->bus, address >> 8 & 0xff, (address & 0xfc) + offset, width, value);
    }
}

static const IoRange config_ports[] = {
    { .base = 0xcf8,
      .count = 4,
      .widths = IO_8 | IO_16 | IO_32,
      .read = address_read,
      .write = address_write },
    { .base = 0xcfc,
      .count = 4,
      .widths = IO_8 | IO_16 | IO_32,
      .read = data_read,
      .write = data_write },
};

/* ---- Life ---- */

static const PciClass i440fx_class = {
    .name = "i440FX",
    .vendor = 0x8086,
    .device = 0x1237,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x060000,
    .revision = 2,
    .config_written = i440fx_config_written,
};

void i440fx_reset(I440fx *bridge)
{
    uint8_t *config = pci_device_config(bridge->pci);
    uint8_t *writable = pci_device_writable(bridge->pci);

    pci_device_reset(bridge->pci);
    memset(config + 0x40, 0, PCI_CONFIG_SIZE - 0x40);
    config[0x04] = 0x06; /* memory and bus mastering cannot be turned off */
    config[0x07] = 0x02; /* medium DEVSEL# */
    config[CFG_DBC] = 0x80;
    config[CFG_DRAMC] = 0x01;
    config[CFG_DRAMT] = 0x10;
    memset(config + CFG_DRB0, 0x01, 8);
    config[CFG_CLT] = 0x10;
    config[CFG_SMRAM] = SMRAM_BASE;
    writable[CFG_SMRAM] = SMRAM_WRITABLE;
    bridge->config_address = 0;
    bridge->smm = false;
    pam_update(bridge);
    smram_update(bridge);
}

static void i440fx_map(I440fx *bridge, int priority)
{
    PhysMap *map = bridge->map;

    phys_map_begin(map);
    for (unsigned i = 0; i < I440FX_PAM_SEGMENTS; i++) {
        const PamSegment *segment = &pam_segments[i];
        WriteThrough *through = &bridge->through[i];

        bridge->shadow[i] = phys_map_add_ram(map, segment->base, segment->base, segment->size,
                                             priority);
        through->bridge = bridge;
        through->base = segment->base;
        through->range = phys_map_add_mmio(map, segment->base, segment->size, &through_ops, through,
                                           priority);
        phys_range_set_enabled(map, bridge->shadow[i], false);
        phys_range_set_enabled(map, through->range, false);
    }
    bridge->alias = phys_map_add_ram(map, SHADOW_ALIAS, I440FX_PAM_BASE,
                                     I440FX_PAM_END - I440FX_PAM_BASE, priority);
    bridge->smram = phys_map_add_ram(map, I440FX_ISA_BASE, I440FX_ISA_BASE,
                                     I440FX_PAM_BASE - I440FX_ISA_BASE, priority);
    phys_range_set_enabled(map, bridge->smram, false);
    phys_map_commit(map);
}

I440fx *i440fx_new(PhysMap *map, IoBus *io, PciBus *bus, int priority)
{
    I440fx *bridge = g_new0(I440fx, 1);
    uint8_t *writable;

    bridge->map = map;
    bridge->io = io;
    bridge->bus = bus;
    bridge->pci = pci_device_new(bus, PCI_DEVFN(0, 0), &i440fx_class, bridge);
    writable = pci_device_writable(bridge->pci);
    memset(writable + 0x04, 0, 2);
    writable[0x05] = 0x01;                         /* SERR# */
    memset(writable + CFG_PMCCFG, 0xff, 0x0f + 8); /* to the last DRAM row boundary */
    memset(writable + CFG_FDHC, 0xff, 1);
    memset(writable + CFG_PAM0, 0x33, 7);
    writable[CFG_PAM0] = 0x30;
    writable[CFG_MTT] = writable[CFG_CLT] = 0xff;
    writable[CFG_ERRCMD] = 0xff;
    writable[CFG_TRC] = 0xff;
    i440fx_map(bridge, priority);
    bridge->ports = io_bus_attach(io, config_ports, G_N_ELEMENTS(config_ports), bridge);
    i440fx_reset(bridge);
    return bridge;
}

void i440fx_free(I440fx *bridge)
{
    io_bus_detach(bridge->io, bridge->ports);
    phys_map_begin(bridge->map);
    for (unsigned i = 0; i < I440FX_PAM_SEGMENTS; i++) {
        phys_range_remove(bridge->map, bridge->shadow[i]);
        phys_range_remove(bridge->map, bridge->through[i].range);
    }
    phys_range_remove(bridge->map, bridge->alias);
    phys_range_remove(bridge->map, bridge->smram);
    phys_map_commit(bridge->map);
    pci_device_free(bridge->pci);
    g_free(bridge);
}

PciDevice *i440fx_pci(I440fx *bridge)
{
    return bridge->pci;
}

static void i440fx_loaded(void *opaque)
{
    smram_update(opaque);
}

static const StateField i440fx_fields[] = {
    STATE_FIELD(STATE_U32, I440fx, config_address),
    STATE_FIELD(STATE_BOOL, I440fx, smm),
    { 0 },
};

const StateTable i440fx_state = {
    .name = "i440fx",
    .version = 1,
    .fields = i440fx_fields,
    .loaded = i440fx_loaded,
};
