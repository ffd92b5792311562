/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pci/pci.h"
#include <string.h>
#include "hw/pci/msi_int.h"
#include "hw/pci/pci_int.h"

/* pci.c - one conventional PCI bus (PCI Local Bus Specification 3.0, chapter 6).
 *
 * A configuration write changes the bits of the writable mask; status bits are cleared by writing
 * ones.  A base address of zero, or one whose window would not fit below the top, decodes nothing,
 * so that sizing a BAR with decoding left on does no harm. */

enum { /* configuration header, type 0 */
       CFG_VENDOR = 0x00,
       CFG_DEVICE = 0x02,
       CFG_COMMAND = 0x04,
       CFG_STATUS = 0x06,
       CFG_REVISION = 0x08,
       CFG_INTERFACE = 0x09,
       CFG_SUBCLASS = 0x0a,
       CFG_CLASS = 0x0b,
       CFG_CACHE_LINE = 0x0c,
       CFG_LATENCY = 0x0d,
       CFG_HEADER_TYPE = 0x0e,
       CFG_BAR = 0x10,
       CFG_SUBSYSTEM_VENDOR = 0x2c,
       CFG_SUBSYSTEM = 0x2e,
       CFG_ROM_BAR = 0x30,
       CFG_CAPABILITIES = 0x34,
       CFG_INTERRUPT_LINE = 0x3c,
       CFG_INTERRUPT_PIN = 0x3d,
       CFG_HEADER_END = 0x40,
};

enum {
    COMMAND_IO = 1u << 0,
    COMMAND_MEMORY = 1u << 1,
    COMMAND_MASTER = 1u << 2,
    COMMAND_INTX_OFF = 1u << 10,
    COMMAND_WRITABLE = COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | 1u << 6 | 1u << 8 |
                       COMMAND_INTX_OFF,
    STATUS_INTERRUPT = 1u << 3,
    STATUS_CAPABILITIES = 1u << 4,
    STATUS_CLEARABLE = 0xf900, /* written as ones */
    BAR_IO = 1u << 0,
    BAR_WIDE = 1u << 2,
    BAR_PREFETCHABLE = 1u << 3,
    ROM_BAR_ENABLED = 1u << 0,
    HEADER_MULTIFUNCTION = 0x80,
    PCI_FIRST_FREE_SLOT = 3,
    PCI_RANGE_PRIORITY = 2,
    PCI_INTX_PINS = 4,
};
_Static_assert((int)PCI_WIRES >= (int)PCI_INTX_PINS, "INTx of the default routing");

struct PciBus {
    Bus bus;
    PhysMap *map;
    IoBus *io;
    void (*set_irq)(void *opaque, unsigned pin, bool level);
    void *opaque;
    PciDevice *device[PCI_DEVFN_COUNT];
    unsigned (*wire)(unsigned slot, unsigned intx);
    unsigned asserted[PCI_WIRES];   /* devices that pull the wire */
    const PciHotplugHooks *hotplug; /* NULL: none */
    void *hotplug_opaque;
};

static uint16_t config_word(const PciDevice *device, unsigned offset)
{
    return (uint16_t)(device->config[offset] | device->config[offset + 1] << 8);
}

static uint32_t config_dword(const PciDevice *device, unsigned offset)
{
    return config_word(device, offset) | (uint32_t)config_word(device, offset + 2) << 16;
}

static void put_le(uint8_t *bytes, unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

/* ---- Bus ---- */

static unsigned wire_swizzled(unsigned slot, unsigned intx)
{
    return (slot + intx) % PCI_INTX_PINS;
}

unsigned pci_bus_wire(const PciBus *bus, unsigned slot, unsigned intx)
{
    return bus->wire(slot, intx);
}

void pci_bus_set_wires(PciBus *bus, unsigned (*wire)(unsigned slot, unsigned intx))
{
    bus->wire = wire;
}

PciBus *pci_bus_new(Board *board, const char *name,
                    void (*set_irq)(void *opaque, unsigned pin, bool level), void *opaque)
{
    PciBus *bus = g_new0(PciBus, 1);

    bus_init(&bus->bus, &pci_bus_type, board, NULL, name);
    bus->map = board->map;
    bus->io = board->io;
    bus->set_irq = set_irq;
    bus->wire = wire_swizzled;
    bus->opaque = opaque;
    return bus;
}

void pci_bus_free(PciBus *bus)
{
    bus_clear(&bus->bus);
    for (unsigned i = 0; i < PCI_DEVFN_COUNT; i++) {
        g_assert(bus->device[i] == NULL);
    }
    g_free(bus);
}

void pci_bus_set_hotplug(PciBus *bus, const PciHotplugHooks *hooks, void *opaque)
{
    bus->hotplug = hooks;
    bus->hotplug_opaque = opaque;
    bus->bus.hotplug = hooks != NULL;
}

bool pci_bus_tell_plugged(PciBus *bus, PciDevice *device)
{
    if (bus->hotplug != NULL) {
        bus->hotplug->plugged(bus->hotplug_opaque, device);
    }
    return bus->hotplug != NULL;
}

bool pci_bus_tell_unplug(PciBus *bus, PciDevice *device)
{
    if (bus->hotplug != NULL) {
        bus->hotplug->unplug_wanted(bus->hotplug_opaque, device);
    }
    return bus->hotplug != NULL;
}

PciDevice *pci_bus_device(PciBus *bus, unsigned devfn)
{
    return bus->device[devfn % PCI_DEVFN_COUNT];
}

int pci_bus_free_slot(const PciBus *bus)
{
    for (unsigned slot = PCI_FIRST_FREE_SLOT; slot < PCI_DEVFN_COUNT / 8; slot++) {
        bool used = false;

        for (unsigned function = 0; function < 8; function++) {
            used |= bus->device[PCI_DEVFN(slot, function)] != NULL;
        }
        if (!used) {
            return (int)PCI_DEVFN(slot, 0);
        }
    }
    return -1;
}

/* ---- INTx ---- */

/* What the device pulls: its own level, unless the guest has disabled INTx. */
static void device_update_irq(PciDevice *device)
{
    bool off = (config_word(device, CFG_COMMAND) & COMMAND_INTX_OFF) != 0;
    bool messages = pci_msi_enabled(device) || pci_msix_enabled(device);
    bool level = device->irq_level && !off && !messages;
    unsigned pin;

    if (device->class->interrupt_pin == 0 || level == device->irq_asserted) {
        return;
    }
    device->irq_asserted = level;
    pin = device->bus->wire(device->devfn >> 3, device->class->interrupt_pin - 1u);
    if (level) {
        if (device->bus->asserted[pin]++ == 0) {
            device->bus->set_irq(device->bus->opaque, pin, true);
        }
    } else if (--device->bus->asserted[pin] == 0) {
        device->bus->set_irq(device->bus->opaque, pin, false);
    }
}

void pci_device_set_irq(PciDevice *device, bool level)
{
    device->irq_level = level;
    if (level) {
        device->config[CFG_STATUS] |= STATUS_INTERRUPT;
    } else {
        device->config[CFG_STATUS] &= (uint8_t)~STATUS_INTERRUPT;
    }
    device_update_irq(device);
}

/* ---- Base address registers ---- */

static unsigned bar_offset(unsigned bar)
{
    return bar == PCI_ROM_BAR ? CFG_ROM_BAR : CFG_BAR + 4 * bar;
}

/* Where the BAR decodes now, UINT64_MAX if it does not. */
static uint64_t bar_address(const PciDevice *device, unsigned index)
{
    const PciBar *bar = &device->bar[index];
    uint16_t command = config_word(device, CFG_COMMAND);
    uint64_t base = config_dword(device, bar_offset(index)), top;

    if ((command & (bar->io ? COMMAND_IO : COMMAND_MEMORY)) == 0 ||
        (index == PCI_ROM_BAR && (base & ROM_BAR_ENABLED) == 0)) {
        return UINT64_MAX;
    }
    if (bar->wide) {
        base |= (uint64_t)config_dword(device, bar_offset(index + 1)) << 32;
    }
    base &= ~(bar->size - 1);
    top = bar->io ? 0xffff : bar->wide ? 0x000fffffffffffff : 0xffffffff;
    if (base == 0 || base > top || bar->size - 1 >= top - base) {
        return UINT64_MAX;
    }
    return base;
}

static void bar_update(PciDevice *device, unsigned index)
{
    PciBar *bar = &device->bar[index];
    PciBus *bus = device->bus;
    uint64_t address;

    if (bar->size == 0) {
        return;
    }
    address = bar_address(device, index);
    if (address == bar->address) {
        return;
    }
    bar->address = address;
    if (bar->io) {
        if (address != UINT64_MAX) {
            io_attachment_move(bus->io, bar->ports, (uint16_t)(address + bar->first_port));
        }
        io_attachment_set_enabled(bus->io, bar->ports, address != UINT64_MAX);
        return;
    }
    phys_map_begin(bus->map);
    if (address != UINT64_MAX) {
        phys_range_move(bus->map, bar->range, address);
    }
    phys_range_set_enabled(bus->map, bar->range, address != UINT64_MAX);
    phys_map_commit(bus->map);
}

static void device_update_bars(PciDevice *device)
{
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        bar_update(device, i);
    }
}

static PciBar *bar_declare(PciDevice *device, unsigned index, uint64_t size, uint32_t flags)
{
    PciBar *bar = &device->bar[index];
    unsigned offset = bar_offset(index);

    g_assert(index <= PCI_ROM_BAR && bar->size == 0 && size >= 4 && (size & (size - 1)) == 0);
    bar->size = size;
    bar->address = UINT64_MAX;
    put_le(device->config + offset, 4, flags);
    put_le(device->writable + offset, 4, (uint32_t) ~(size - 1));
    return bar;
}

/* A memory BAR whose range is made, and not decoded yet. */
static void bar_memory(PciDevice *device, unsigned index, uint64_t size, bool prefetchable,
                       bool wide, PhysRange *range)
{
    uint32_t flags = (wide ? BAR_WIDE : 0) | (prefetchable ? BAR_PREFETCHABLE : 0);
    PciBar *bar = bar_declare(device, index, size, index == PCI_ROM_BAR ? 0 : flags);

    g_assert(size >= 16 && (wide ? index < PCI_BARS - 1 : size <= 1u << 31));
    bar->wide = wide;
    if (wide) {
        put_le(device->writable + bar_offset(index + 1), 4, ~(size - 1) >> 32);
    }
    if (index == PCI_ROM_BAR) {
        device->writable[CFG_ROM_BAR] |= ROM_BAR_ENABLED;
    }
    bar->range = range;
    phys_range_set_enabled(device->bus->map, range, false);
}

void pci_device_add_mmio_bar(PciDevice *device, unsigned index, uint64_t size, bool prefetchable,
                             bool wide, const MmioOps *ops, void *opaque)
{
    PhysMap *map = device->bus->map;

    phys_map_begin(map);
    bar_memory(device, index, size, prefetchable, wide,
               phys_map_add_mmio(map, 0, size, ops, opaque, PCI_RANGE_PRIORITY));
    phys_map_commit(map);
}

void pci_device_add_ram_bar(PciDevice *device, unsigned index, uint64_t ram_offset, uint64_t size,
                            bool prefetchable, bool wide)
{
    PhysMap *map = device->bus->map;

    phys_map_begin(map);
    bar_memory(device, index, size, prefetchable, wide,
               phys_map_add_ram(map, 0, ram_offset, size, PCI_RANGE_PRIORITY));
    phys_map_commit(map);
}

void pci_device_add_rom_bar(PciDevice *device, const void *image, uint64_t size)
{
    PhysMap *map = device->bus->map;

    phys_map_begin(map);
    bar_memory(device, PCI_ROM_BAR, size, false, false,
               phys_map_add_rom(map, 0, image, size, PCI_RANGE_PRIORITY));
    phys_map_commit(map);
}

void pci_device_add_io_bar(PciDevice *device, unsigned index, uint16_t size, const IoRange *ranges,
                           size_t n, void *opaque)
{
    PciBar *bar = bar_declare(device, index, size, BAR_IO);

    g_assert(n > 0 && index < PCI_BARS);
    /* Many decoders of real devices ignore the upper half, but all can be written. */
    bar->io = true;
    bar->first_port = ranges[0].base;
    bar->ports = io_bus_attach(device->bus->io, ranges, n, opaque);
    io_attachment_set_enabled(device->bus->io, bar->ports, false);
}

uint64_t pci_device_bar(const PciDevice *device, unsigned bar)
{
    return bar <= PCI_ROM_BAR && device->bar[bar].size != 0 ? device->bar[bar].address : UINT64_MAX;
}

uint64_t pci_device_bar_size(const PciDevice *device, unsigned bar)
{
    return device->bar[bar].size;
}

/* ---- Devices ---- */

static void device_header(PciDevice *device)
{
    const PciClass *class = device->class;
    uint8_t *config = device->config;

    put_le(config + CFG_VENDOR, 2, class->vendor);
    put_le(config + CFG_DEVICE, 2, class->device);
    config[CFG_REVISION] = class->revision;
    put_le(config + CFG_INTERFACE, 3, class->class_code);
    config[CFG_HEADER_TYPE] = class->multifunction || device->multifunction ? HEADER_MULTIFUNCTION
                                                                            : 0;
    put_le(config + CFG_SUBSYSTEM_VENDOR, 2, class->subsystem_vendor);
    put_le(config + CFG_SUBSYSTEM, 2, class->subsystem);
    config[CFG_INTERRUPT_PIN] = class->interrupt_pin;
    put_le(device->writable + CFG_COMMAND, 2, COMMAND_WRITABLE);
    device->writable[CFG_CACHE_LINE] = 0xff;
    device->writable[CFG_LATENCY] = 0xff;
    device->writable[CFG_INTERRUPT_LINE] = 0xff;
}

void pci_device_plug(PciDevice *device, PciBus *bus, unsigned devfn, const PciClass *class)
{
    device->bus = bus;
    device->devfn = devfn;
    device->class = class;
    device->opaque = device;
    device_header(device);
    bus->device[devfn] = device;
}

bool pci_device_is_multifunction(const PciDevice *device)
{
    return (device->config[CFG_HEADER_TYPE] & HEADER_MULTIFUNCTION) != 0;
}

PciDevice *pci_device_new(PciBus *bus, int devfn, const PciClass *class, void *opaque)
{
    PciDevice *device;

    if (devfn < 0) {
        devfn = pci_bus_free_slot(bus);
    }
    if (devfn < 0 || devfn >= PCI_DEVFN_COUNT || bus->device[devfn] != NULL) {
        return NULL;
    }
    device = g_new0(PciDevice, 1);
    pci_device_plug(device, bus, (unsigned)devfn, class);
    device->opaque = opaque;
    return device;
}

void pci_device_unplug(PciDevice *device)
{
    PciBus *bus = device->bus;

    pci_device_set_irq(device, false);
    for (unsigned i = 0; i <= PCI_ROM_BAR; i++) {
        if (device->bar[i].range != NULL) {
            phys_range_remove(bus->map, device->bar[i].range);
        }
        if (device->bar[i].ports != NULL) {
            io_bus_detach(bus->io, device->bar[i].ports);
        }
    }
    pci_msix_free(device);
    bus->device[device->devfn] = NULL;
}

void pci_device_free(PciDevice *device)
{
    pci_device_unplug(device);
    g_free(device);
}

/* The header; what lies behind it is the device's own. */
void pci_device_reset(PciDevice *device)
{
    for (unsigned i = CFG_COMMAND; i < CFG_HEADER_END; i++) {
        device->config[i] &= (uint8_t)~device->writable[i];
    }
    device->config[CFG_STATUS + 1] &= (uint8_t) ~(STATUS_CLEARABLE >> 8);
    pci_msi_reset(device);
    pci_msix_reset(device);
    pci_device_set_irq(device, false);
    device_update_bars(device);
}

unsigned pci_device_devfn(const PciDevice *device)
{
    return device->devfn;
}

PciBus *pci_device_bus(const PciDevice *device)
{
    return device->bus;
}

uint8_t *pci_device_config(PciDevice *device)
{
    return device->config;
}

uint8_t *pci_device_writable(PciDevice *device)
{
    return device->writable;
}

unsigned pci_device_add_capability(PciDevice *device, uint8_t id, unsigned size)
{
    unsigned offset = device->capability_end == 0 ? CFG_HEADER_END : device->capability_end;

    g_assert(size >= 2 && offset + size <= PCI_CONFIG_SIZE);
    device->config[offset] = id;
    device->config[offset + 1] = device->config[CFG_CAPABILITIES];
    device->config[CFG_CAPABILITIES] = (uint8_t)offset;
    device->config[CFG_STATUS] |= STATUS_CAPABILITIES;
    device->capability_end = (offset + size + 3) & ~3u;
    return offset;
}

/* ---- DMA ---- */

Board *pci_device_board(const PciDevice *device)
{
    return device->bus->bus.board;
}

bool pci_device_masters(const PciDevice *device)
{
    return (config_word(device, CFG_COMMAND) & COMMAND_MASTER) != 0;
}

bool pci_dma_read(PciDevice *device, uint64_t gpa, void *data, uint64_t size)
{
    if (!pci_device_masters(device)) {
        memset(data, 0xff, size);
        return false;
    }
    phys_map_read(device->bus->map, gpa, data, size);
    return true;
}

bool pci_dma_write(PciDevice *device, uint64_t gpa, const void *data, uint64_t size)
{
    if (!pci_device_masters(device)) {
        return false;
    }
    phys_map_write(device->bus->map, gpa, data, size);
    return true;
}

/* ---- Configuration cycles ---- */

uint32_t pci_config_read(PciBus *bus, unsigned devfn, unsigned offset, unsigned width)
{
    PciDevice *device = devfn < PCI_DEVFN_COUNT ? bus->device[devfn] : NULL;
    uint32_t value = 0;

    if (device == NULL || width > 4 || offset > PCI_CONFIG_SIZE - width) {
        return UINT32_MAX >> (32 - 8 * MIN(width, 4));
    }
    for (unsigned i = 0; i < width; i++) {
        value |= (uint32_t)device->config[offset + i] << (8 * i);
    }
    if (device->class->config_read != NULL) {
        value = device->class->config_read(device->opaque, offset, width, value);
    }
    return value;
}

static void config_store(PciDevice *device, unsigned offset, uint8_t value)
{
    uint8_t mask = device->writable[offset];

    if (offset == CFG_STATUS + 1) {
        device->config[offset] &= (uint8_t) ~(value & STATUS_CLEARABLE >> 8);
        return;
    }
    device->config[offset] = (device->config[offset] & (uint8_t)~mask) | (value & mask);
}

void pci_config_write(PciBus *bus, unsigned devfn, unsigned offset, unsigned width, uint32_t value)
{
    PciDevice *device = devfn < PCI_DEVFN_COUNT ? bus->device[devfn] : NULL;

    if (device == NULL || width > 4 || offset > PCI_CONFIG_SIZE - width) {
        return;
    }
    for (unsigned i = 0; i < width; i++) {
        config_store(device, offset + i, (uint8_t)(value >> (8 * i)));
    }
    if (offset < CFG_HEADER_END) {
        device_update_bars(device);
    }
    device_update_irq(device);
    pci_msi_config_written(device, offset, width);
    pci_msix_config_written(device, offset, width);
    if (device->class->config_written != NULL) {
        device->class->config_written(device->opaque, offset, width);
    }
}

/* ---- Snapshots ---- */

static void pci_device_loaded(void *opaque)
{
    PciDevice *device = opaque;

    device->irq_level = (device->config[CFG_STATUS] & STATUS_INTERRUPT) != 0;
    device_update_irq(device);
    device_update_bars(device);
    if (device->class->config_written != NULL) {
        device->class->config_written(device->opaque, 0, 0);
    }
}

static const StateField pci_device_fields[] = {
    { .name = "config",
      .type = STATE_BYTES,
      .offset = offsetof(PciDevice, config),
      .count = PCI_CONFIG_SIZE,
      .version = 1 },
    { 0 },
};

const StateTable pci_device_state = {
    .name = "pci-device",
    .version = 1,
    .fields = pci_device_fields,
    .loaded = pci_device_loaded,
};
