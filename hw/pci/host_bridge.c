/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pci/host_bridge.h"
#include <string.h>
#include "hw/pci/pci_int.h"

enum {                 /* SMRAM */
       SMRAM_BASE = 2, /* C_BASE_SEG: hard-wired to A0000 */
       SMRAM_ENABLE = 1u << 3,
       SMRAM_LOCKED = 1u << 4,
       SMRAM_CLOSED = 1u << 5,
       SMRAM_OPEN = 1u << 6,
       SMRAM_WRITABLE = SMRAM_ENABLE | SMRAM_LOCKED | SMRAM_CLOSED | SMRAM_OPEN,
};

enum { CONFIG_ENABLED = 1u << 31, CONFIG_WRITABLE = 0x80fffffc };

enum { /* PCIEXBAR of bridges to PCI Express */
       ECAM_ENABLED = 1,
       ECAM_LENGTH_SHIFT = 1,
       ECAM_LENGTHS = 3,
       ECAM_LONGEST = 256 << 20,
       ECAM_FUNCTION_SHIFT = 12,
};

/* Where shadow RAM can always be written, whatever PAM says: beyond what any CPU addresses. */
#define SHADOW_ALIAS (1ull << 51)
#define ROM_MIRROR   0xfff00000ull /* the ROM's own place, 1 MiB below 4 GiB */

typedef struct PamSegment {
    uint32_t base, size;
    uint8_t reg, shift; /* its four bits: PAM register, place in it */
} PamSegment;

static const PamSegment pam_segments[HOST_BRIDGE_PAM_SEGMENTS] = {
    { 0xf0000, 0x10000, 0, 4 }, { 0xc0000, 0x4000, 1, 0 }, { 0xc4000, 0x4000, 1, 4 },
    { 0xc8000, 0x4000, 2, 0 },  { 0xcc000, 0x4000, 2, 4 }, { 0xd0000, 0x4000, 3, 0 },
    { 0xd4000, 0x4000, 3, 4 },  { 0xd8000, 0x4000, 4, 0 }, { 0xdc000, 0x4000, 4, 4 },
    { 0xe0000, 0x4000, 5, 0 },  { 0xe4000, 0x4000, 5, 4 }, { 0xe8000, 0x4000, 6, 0 },
    { 0xec000, 0x4000, 6, 4 },
};

/* A segment that is written through to RAM but read from ROM. */
typedef struct WriteThrough {
    HostBridge *bridge;
    uint32_t base;
    PhysRange *range;
} WriteThrough;

struct HostBridge {
    const HostBridgeModel *model;
    PhysMap *map;
    IoBus *io;
    PciBus *bus;
    PciDevice *pci;
    IoAttachment *ports;
    PhysRange *shadow[HOST_BRIDGE_PAM_SEGMENTS], *alias, *smram;
    WriteThrough through[HOST_BRIDGE_PAM_SEGMENTS];
    PhysRange *ecam[ECAM_LENGTHS]; /* 256, 128 and 64 MiB; one of them is enabled at most */
    int priority;
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
    uint64_t in_alias = through->base - HOST_BRIDGE_PAM_BASE + offset;

    phys_map_write(through->bridge->map, SHADOW_ALIAS + in_alias, &value, width);
}

static const MmioOps through_ops = { .read = through_read, .write = through_write };

static void pam_update(HostBridge *bridge)
{
    const uint8_t *config = pci_device_config(bridge->pci);

    phys_map_begin(bridge->map);
    for (unsigned i = 0; i < HOST_BRIDGE_PAM_SEGMENTS; i++) {
        const PamSegment *segment = &pam_segments[i];
        PamMode mode = config[bridge->model->pam0 + segment->reg] >> segment->shift & 3;

        phys_range_set_enabled(bridge->map, bridge->shadow[i], (mode & PAM_READ_RAM) != 0);
        phys_range_set_writable(bridge->map, bridge->shadow[i], mode == PAM_RAM);
        phys_range_set_enabled(bridge->map, bridge->through[i].range, mode == PAM_WRITE_RAM);
    }
    phys_map_commit(bridge->map);
}

static void smram_update(HostBridge *bridge)
{
    uint8_t smram = pci_device_config(bridge->pci)[bridge->model->smram];
    bool open = (smram & SMRAM_ENABLE) != 0 && ((smram & SMRAM_OPEN) != 0 || bridge->smm);

    phys_range_set_enabled(bridge->map, bridge->smram, open);
}

void host_bridge_set_pam(HostBridge *bridge, uint32_t first, uint32_t last, PamMode mode)
{
    uint8_t *config = pci_device_config(bridge->pci);

    for (unsigned i = 0; i < HOST_BRIDGE_PAM_SEGMENTS; i++) {
        const PamSegment *segment = &pam_segments[i];

        if (segment->base >= first && segment->base + segment->size - 1 <= last) {
            config[bridge->model->pam0 + segment->reg] &= (uint8_t) ~(3u << segment->shift);
            config[bridge->model->pam0 + segment->reg] |= (uint8_t)(mode << segment->shift);
        }
    }
    pam_update(bridge);
}

void host_bridge_set_smm(HostBridge *bridge, bool smm)
{
    if (bridge->smm != smm) {
        bridge->smm = smm;
        smram_update(bridge);
    }
}

/* ---- Configuration space in memory ---- */

/* A function's 4 KiB; what lies behind the 256 bytes of conventional PCI reads as ones. */
static uint64_t ecam_read(void *opaque, uint64_t offset, unsigned width)
{
    const HostBridge *bridge = opaque;
    unsigned devfn = (unsigned)(offset >> ECAM_FUNCTION_SHIFT), reg = offset & 0xfff;

    if (devfn >= PCI_DEVFN_COUNT || reg >= PCI_CONFIG_SIZE) {
        return UINT64_MAX;
    }
    return pci_config_read(bridge->bus, devfn, reg, width);
}

static void ecam_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    const HostBridge *bridge = opaque;
    unsigned devfn = (unsigned)(offset >> ECAM_FUNCTION_SHIFT), reg = offset & 0xfff;

    if (devfn < PCI_DEVFN_COUNT && reg < PCI_CONFIG_SIZE) {
        pci_config_write(bridge->bus, devfn, reg, width, (uint32_t)value);
    }
}

static const MmioOps ecam_ops = {
    .read = ecam_read, .write = ecam_write, .min_width = 1, .max_width = 4
};

static void ecam_update(HostBridge *bridge)
{
    const uint8_t *config = pci_device_config(bridge->pci) + bridge->model->pciexbar;
    uint64_t value = 0;
    unsigned length;

    memcpy(&value, config, sizeof(value));
    value = GUINT64_FROM_LE(value);
    length = value >> ECAM_LENGTH_SHIFT & 3;
    phys_map_begin(bridge->map);
    for (unsigned i = 0; i < ECAM_LENGTHS; i++) {
        phys_range_set_enabled(bridge->map, bridge->ecam[i], false);
    }
    if ((value & ECAM_ENABLED) != 0 && length < ECAM_LENGTHS) {
        uint64_t size = ECAM_LONGEST >> length;

        phys_range_move(bridge->map, bridge->ecam[length], value & 0xfffffffffull & ~(size - 1));
        phys_range_set_enabled(bridge->map, bridge->ecam[length], true);
    }
    phys_map_commit(bridge->map);
}

void host_bridge_config_written(void *opaque, unsigned offset, unsigned width)
{
    HostBridge *bridge = opaque;
    uint8_t *config = pci_device_config(bridge->pci);
    uint8_t *writable = pci_device_writable(bridge->pci);

    const HostBridgeModel *model = bridge->model;

    if (width == 0 || (offset < model->pam0 + 7u && offset + width > model->pam0)) {
        pam_update(bridge);
    }
    if (width == 0 || (offset <= model->smram && offset + width > model->smram)) {
        if ((config[bridge->model->smram] & SMRAM_LOCKED) != 0) {
            config[bridge->model->smram] &= (uint8_t)~SMRAM_OPEN;
            writable[bridge->model->smram] = 0; /* until reset */
        }
        smram_update(bridge);
    }
    if (model->pciexbar != 0 &&
        (width == 0 || (offset < model->pciexbar + 8u && offset + width > model->pciexbar))) {
        ecam_update(bridge);
    }
}

/* ---- Configuration mechanism 1 ---- */

static uint32_t address_read(void *opaque, uint16_t offset, unsigned width)
{
    const HostBridge *bridge = opaque;

    if (offset != 0 || width != 4) { /* only a double word reaches the bridge's register */
        return UINT32_MAX;
    }
    return bridge->config_address;
}

static void address_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    HostBridge *bridge = opaque;

    if (offset == 0 && width == 4) {
        bridge->config_address = value & CONFIG_WRITABLE;
    }
}

/* Bus 0 is the only one. */
static bool data_reachable(const HostBridge *bridge, uint16_t offset, unsigned width)
{
    return (bridge->config_address & CONFIG_ENABLED) != 0 &&
           (bridge->config_address & 0x00ff0000) == 0 && offset + width <= 4;
}

static uint32_t data_read(void *opaque, uint16_t offset, unsigned width)
{
    const HostBridge *bridge = opaque;
    uint32_t address = bridge->config_address;

    if (!data_reachable(bridge, offset, width)) {
        return UINT32_MAX;
    }
    return pci_config_read(bridge->bus, address >> 8 & 0xff, (address & 0xfc) + offset, width);
}

static void data_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    const HostBridge *bridge = opaque;
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

void host_bridge_reset(HostBridge *bridge)
{
    uint8_t *config = pci_device_config(bridge->pci);
    uint8_t *writable = pci_device_writable(bridge->pci);

    pci_device_reset(bridge->pci);
    memset(config + 0x40, 0, PCI_CONFIG_SIZE - 0x40);
    config[0x04] = 0x06; /* memory and bus mastering cannot be turned off */
    bridge->model->reset(config);
    config[bridge->model->smram] = SMRAM_BASE;
    writable[bridge->model->smram] = SMRAM_WRITABLE;
    bridge->config_address = 0;
    bridge->smm = false;
    host_bridge_config_written(bridge, 0, 0);
}

static void host_bridge_map(HostBridge *bridge, int priority)
{
    PhysMap *map = bridge->map;

    phys_map_begin(map);
    for (unsigned i = 0; i < HOST_BRIDGE_PAM_SEGMENTS; i++) {
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
    bridge->alias = phys_map_add_ram(map, SHADOW_ALIAS, HOST_BRIDGE_PAM_BASE,
                                     HOST_BRIDGE_PAM_END - HOST_BRIDGE_PAM_BASE, priority);
    bridge->smram = phys_map_add_ram(map, HOST_BRIDGE_ISA_BASE, HOST_BRIDGE_ISA_BASE,
                                     HOST_BRIDGE_PAM_BASE - HOST_BRIDGE_ISA_BASE, priority);
    phys_range_set_enabled(map, bridge->smram, false);
    phys_map_commit(map);
}

static void ecam_map(HostBridge *bridge)
{
    for (unsigned i = 0; i < ECAM_LENGTHS; i++) {
        bridge->ecam[i] = phys_map_add_mmio(bridge->map, 0, ECAM_LONGEST >> i, &ecam_ops, bridge,
                                            bridge->priority);
        phys_range_set_enabled(bridge->map, bridge->ecam[i], false);
    }
}

HostBridge *host_bridge_new(const HostBridgeModel *model, PhysMap *map, IoBus *io, PciBus *bus,
                            int priority)
{
    HostBridge *bridge = g_new0(HostBridge, 1);
    uint8_t *writable;

    bridge->model = model;
    bridge->map = map;
    bridge->io = io;
    bridge->bus = bus;
    bridge->priority = priority;
    bridge->pci = pci_device_new(bus, PCI_DEVFN(0, 0), model->class, bridge);
    writable = pci_device_writable(bridge->pci);
    memset(writable + 0x04, 0, 2);
    writable[0x05] = 0x01; /* SERR# */
    model->writable(writable);
    memset(writable + model->pam0, 0x33, 7);
    writable[model->pam0] = 0x30;
    host_bridge_map(bridge, priority);
    if (model->pciexbar != 0) {
        ecam_map(bridge);
    }
    bridge->ports = io_bus_attach(io, config_ports, G_N_ELEMENTS(config_ports), bridge);
    host_bridge_reset(bridge);
    return bridge;
}

void host_bridge_free(HostBridge *bridge)
{
    io_bus_detach(bridge->io, bridge->ports);
    phys_map_begin(bridge->map);
    for (unsigned i = 0; i < HOST_BRIDGE_PAM_SEGMENTS; i++) {
        phys_range_remove(bridge->map, bridge->shadow[i]);
        phys_range_remove(bridge->map, bridge->through[i].range);
    }
    phys_range_remove(bridge->map, bridge->alias);
    phys_range_remove(bridge->map, bridge->smram);
    for (unsigned i = 0; i < ECAM_LENGTHS; i++) {
        if (bridge->ecam[i] != NULL) {
            phys_range_remove(bridge->map, bridge->ecam[i]);
        }
    }
    phys_map_commit(bridge->map);
    pci_device_free(bridge->pci);
    g_free(bridge);
}

PciDevice *host_bridge_pci(HostBridge *bridge)
{
    return bridge->pci;
}

static void host_bridge_loaded(void *opaque)
{
    host_bridge_config_written(opaque, 0, 0);
}

static const StateField host_bridge_fields[] = {
    STATE_FIELD(STATE_U32, HostBridge, config_address),
    STATE_FIELD(STATE_BOOL, HostBridge, smm),
    { 0 },
};

const StateTable host_bridge_state = {
    .name = "host-bridge",
    .version = 1,
    .fields = host_bridge_fields,
    .loaded = host_bridge_loaded,
};
