/* SPDX-License-Identifier: GPL-2.0-or-later */
/* e1000.c - Intel's 82540EM: registers, interrupts, its row. */
#include <string.h>
#include "hw/device_types.h"
#include "hw/net/e1000_int.h"

enum { MEMORY_BAR = 0, IO_BAR = 1, MEMORY_BYTES = 0x20000, IO_BYTES = 64 };
enum { CTRL_RST = 1u << 26, CTRL_SLU = 0x40, CTRL_FD = 1, CTRL_SPEED_1000 = 0x200 };
enum { STATUS_FD = 1, STATUS_SPEED_1000 = 0x80 };
enum { ITR_UNIT = 256, ALIGN_16 = 0xf, HEAD_MASK = 0xffff, LENGTH_MASK = 0xfff80 };

/* ---- Interrupts ---- */

static void irq_update_of(E1000 *nic, uint32_t causes);

static void irq_update(E1000 *nic)
{
    irq_update_of(nic, 0);
}

/* The 82540EM's. */
static void pin_update(E1000 *nic)
{
    bool level = (*e1000_reg(nic, E1000_ICR) & *e1000_reg(nic, E1000_IMS)) != 0;
    int64_t now = clock_now(nic->pci.device.board->clock);
    uint32_t interval = *e1000_reg(nic, E1000_ITR) & 0xffff;

    if (!level || nic->pci.irq_level) {
        pci_device_set_irq(&nic->pci, level);
        return;
    }
    if (interval != 0 && now < nic->next_interrupt) {
        if (!clock_timer_pending(nic->throttle)) {
            clock_timer_set(nic->throttle, nic->next_interrupt);
        }
        return;
    }
    nic->next_interrupt = now + (int64_t)interval * ITR_UNIT;
    pci_device_set_irq(&nic->pci, true);
}

static void irq_update_of(E1000 *nic, uint32_t causes)
{
    if (nic->model != NULL) {
        nic->model->irq(nic, causes);
    } else {
        pin_update(nic);
    }
}

static void throttle_over(void *opaque)
{
    irq_update(opaque);
}

void e1000_cause(E1000 *nic, uint32_t causes)
{
    *e1000_reg(nic, E1000_ICR) |= causes;
    irq_update_of(nic, causes);
}

/* ---- Counters ---- */

static void count_add(E1000 *nic, unsigned reg, uint32_t n)
{
    uint32_t *counter = e1000_reg(nic, reg);

    *counter = *counter > UINT32_MAX - n ? UINT32_MAX : *counter + n; /* they stick */
}

static void count_octets(E1000 *nic, unsigned low, uint64_t n)
{
    uint64_t sum = *e1000_reg(nic, low) | (uint64_t)*e1000_reg(nic, low + 4) << 32;

    sum = sum > UINT64_MAX - n ? UINT64_MAX : sum + n;
    *e1000_reg(nic, low) = (uint32_t)sum;
    *e1000_reg(nic, low + 4) = (uint32_t)(sum >> 32);
}

void e1000_count(E1000 *nic, bool out, const uint8_t *frame, size_t size)
{
    static const uint16_t limits[] = { 64, 127, 255, 511, 1023 };
    size_t wire = size + 4;
    unsigned class = 0;

    while (class < G_N_ELEMENTS(limits) && wire > limits[class]) {
        class ++;
    }
    count_add(nic, (out ? E1000_PTC64 : E1000_PRC64) + 4 * class, 1);
    count_add(nic, out ? E1000_TPT : E1000_TPR, 1);
    count_add(nic, out ? E1000_GPTC : E1000_GPRC, 1);
    count_octets(nic, out ? E1000_TOTL : E1000_TORL, wire);
    count_octets(nic, out ? E1000_GOTCL : E1000_GORCL, wire);
    if (memcmp(frame, "\xff\xff\xff\xff\xff\xff", NET_MAC) == 0) {
        count_add(nic, out ? E1000_BPTC : E1000_BPRC, 1);
    } else if ((frame[0] & 1) != 0) {
        count_add(nic, out ? E1000_MPTC : E1000_MPRC, 1);
    }
}

/* ---- Reset ---- */

static void nic_reset(E1000 *nic)
{
    const uint8_t *mac = nic->nic.mac;

    deferred_cancel(nic->deferred);
    clock_timer_cancel(nic->throttle);
    memset(nic->reg, 0, sizeof(nic->reg));
    *e1000_reg(nic, E1000_CTRL) = CTRL_SLU | CTRL_FD | CTRL_SPEED_1000;
    *e1000_reg(nic, E1000_STATUS) = STATUS_FD | STATUS_SPEED_1000;
    *e1000_reg(nic, E1000_VET) = 0x8100;
    *e1000_reg(nic, E1000_PBA) = 0x00100030;
    *e1000_reg(nic, E1000_LEDCTL) = 0x07061302;
    *e1000_reg(nic, E1000_RAL) = mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 |
                                 (uint32_t)mac[3] << 24;
    *e1000_reg(nic, E1000_RAH) = mac[4] | (uint32_t)mac[5] << 8 | 0x80000000;
    nic->eeprom.lines = nic->eeprom.n_in = nic->eeprom.reading = 0;
    nic->checksum = nic->segment = (E1000Context){ 0 };
    nic->size = nic->pending = 0;
    nic->vle = 0;
    nic->waiting = false;
    nic->next_interrupt = 0;
    e1000_phy_reset(nic);
    if (nic->model != NULL) {
        nic->model->reset(nic);
    }
    irq_update(nic);
}

/* ---- Registers ---- */

static uint32_t register_read(E1000 *nic, unsigned offset)
{
    uint32_t value = *e1000_reg(nic, offset);

    if (nic->model != NULL && nic->model->read(nic, offset, &value)) {
        return value;
    }
    switch (offset) {
    case E1000_EECD:
        return e1000_eeprom_read(&nic->eeprom);
    case E1000_ICR:
        *e1000_reg(nic, E1000_ICR) = 0;
        irq_update(nic);
        return value;
    case E1000_ICS:
    case E1000_IMC:
        return 0;
    default:
        if (offset >= E1000_STATS && offset < E1000_STATS_END) {
            *e1000_reg(nic, offset) = 0; /* counters are cleared by looking at them */
        }
        return value;
    }
}

/* Bits that a write changes, of registers that have no more to them than that. */
static uint32_t writable_bits(unsigned offset)
{
    static const struct {
        uint16_t first, last;
        uint32_t bits;
    } rows[] = {
        { 0x0018, 0x0018, UINT32_MAX }, /* CTRL_EXT */
        { 0x0028, 0x0038, UINT32_MAX }, /* flow control, VET */
        { E1000_ITR, E1000_ITR, 0xffff },
        { 0x0170, 0x0178, UINT32_MAX },
        { E1000_TCTL, E1000_TCTL, UINT32_MAX },
        { 0x0410, 0x0458, UINT32_MAX },
        { E1000_LEDCTL, E1000_LEDCTL, UINT32_MAX },
        { E1000_PBA, E1000_PBA, 0xffff },
        { 0x2160, 0x2168, UINT32_MAX },
        { E1000_RDBAL, E1000_RDBAL, ~(uint32_t)ALIGN_16 },
        { E1000_RDBAH, E1000_RDBAH, UINT32_MAX },
        { E1000_RDLEN, E1000_RDLEN, LENGTH_MASK },
        { E1000_RDH, E1000_RDH, HEAD_MASK },
        { 0x2820, 0x2c00, UINT32_MAX },
        { 0x3000, 0x3000, UINT32_MAX },
        { E1000_TDBAL, E1000_TDBAL, ~(uint32_t)ALIGN_16 },
        { E1000_TDBAH, E1000_TDBAH, UINT32_MAX },
        { E1000_TDLEN, E1000_TDLEN, LENGTH_MASK },
        { E1000_TDH, E1000_TDH, HEAD_MASK },
        { 0x3820, 0x3830, UINT32_MAX },
        { E1000_RXCSUM, E1000_RXCSUM, 0x7ff },
        { E1000_MTA, E1000_MTA + 0x1fc, UINT32_MAX },
        { E1000_RAL, E1000_RAL + 0x7c, UINT32_MAX },
        { E1000_VFTA, E1000_VFTA + 0x1fc, UINT32_MAX },
        { 0x5800, 0x5820, UINT32_MAX }, /* wake-up, MANC */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (offset >= rows[i].first && offset <= rows[i].last) {
            return rows[i].bits;
        }
    }
    return 0;
}

static void control_write(E1000 *nic, uint32_t value)
{
    if ((value & CTRL_RST) != 0) {
        nic_reset(nic);
        return;
    }
    *e1000_reg(nic, E1000_CTRL) = value & ~(uint32_t)(1u << 31); /* PHY_RST clears itself */
    if ((value >> 31) != 0) {
        e1000_phy_reset(nic);
    }
}

static void register_write(E1000 *nic, unsigned offset, uint32_t value)
{
    uint32_t bits;

    if (nic->model != NULL && nic->model->write(nic, offset, value)) {
        return;
    }
    switch (offset) {
    case E1000_CTRL:
        control_write(nic, value);
        break;
    case E1000_EECD:
        e1000_eeprom_write(&nic->eeprom, value);
        break;
    case E1000_EERD:
        *e1000_reg(nic, E1000_EERD) = e1000_eeprom_eerd(&nic->eeprom, value);
        break;
    case E1000_MDIC:
        e1000_phy_access(nic, value);
        break;
    case E1000_ICR:
        *e1000_reg(nic, E1000_ICR) &= ~value;
        irq_update(nic);
        break;
    case E1000_ICS:
        e1000_cause(nic, value);
        break;
    case E1000_IMS:
        *e1000_reg(nic, E1000_IMS) |= value;
        irq_update(nic);
        break;
    case E1000_IMC:
        *e1000_reg(nic, E1000_IMS) &= ~value;
        irq_update(nic);
        break;
    case E1000_RCTL:
        *e1000_reg(nic, E1000_RCTL) = value;
        net_port_ready(nic->port);
        break;
    case E1000_RDT:
        *e1000_reg(nic, E1000_RDT) = value & HEAD_MASK;
        net_port_ready(nic->port);
        break;
    case E1000_TDT:
        *e1000_reg(nic, E1000_TDT) = value & HEAD_MASK;
        deferred_schedule(nic->deferred);
        break;
    default:
        bits = writable_bits(offset);
        *e1000_reg(nic, offset) = (*e1000_reg(nic, offset) & ~bits) | (value & bits);
        break;
    }
}

static uint64_t memory_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    return offset < E1000_SPACE ? register_read(opaque, (unsigned)offset) : 0;
}

static void memory_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    (void)width;
    if (offset < E1000_SPACE) {
        register_write(opaque, (unsigned)offset, (uint32_t)value);
    }
}

static const MmioOps memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .min_width = 4,
    .max_width = 4,
};

/* IOADDR and IODATA: the same registers, for code that cannot reach memory. */
static uint32_t io_read(void *opaque, uint16_t offset, unsigned width)
{
    E1000 *nic = opaque;

    switch (offset) {
    case 0:
        return nic->io_address;
    case 4:
        return (uint32_t)memory_read(nic, nic->io_address & ~3u, width);
    default:
        return 0;
    }
}

static void io_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    E1000 *nic = opaque;

    if (offset == 0) {
        nic->io_address = value;
    } else if (offset == 4) {
        memory_write(nic, nic->io_address & ~3u, width, value);
    }
}

/* ---- The cable ---- */

static void nic_room(void *opaque)
{
    E1000 *nic = opaque;

    if (nic->waiting) {
        nic->waiting = false;
        deferred_schedule(nic->deferred);
    }
}

static void nic_changed(void *opaque)
{
    E1000 *nic = opaque;
    bool up = net_link_up(nic->port), was = (*e1000_reg(nic, E1000_STATUS) & E1000_STATUS_LU) != 0;

    if (up != was) {
        e1000_set_link(nic, up);
        e1000_cause(nic, E1000_ICR_LSC);
    }
}

static const NetPortOps port_ops = {
    .receive = e1000_receive,
    .room = nic_room,
    .changed = nic_changed,
};

/* ---- The row ---- */

void e1000_setup(E1000 *nic, unsigned memory_bar, unsigned io_bar, uint16_t io_bytes)
{
    const IoRange ports = {
        .base = 0, .count = io_bytes, .widths = IO_32, .read = io_read, .write = io_write
    };
    Device *dev = &nic->pci.device;

    nic_choose_mac(dev, nic->nic.mac);
    e1000_eeprom_fill(&nic->eeprom, nic->nic.mac);
    pci_device_add_mmio_bar(&nic->pci, memory_bar, MEMORY_BYTES, false, false, &memory_ops, nic);
    pci_device_add_io_bar(&nic->pci, io_bar, io_bytes, &ports, 1, nic);
    nic->deferred = deferred_new(dev->board->map, e1000_transmit, nic);
    nic->throttle = clock_timer_new(dev->board->clock, throttle_over, nic);
    nic->port = net_port_new(dev->type->name, dev->id, &port_ops, nic);
    nic_connect(nic->port, &nic->nic);
}

static bool e1000_create(Device *dev, GError **error)
{
    (void)error;
    e1000_setup((E1000 *)dev, MEMORY_BAR, IO_BAR, IO_BYTES);
    return true;
}

void e1000_reset_device(Device *dev)
{
    E1000 *nic = (E1000 *)dev;

    nic_reset(nic);
    nic->io_address = 0;
    net_port_purge(nic->port);
}

void e1000_destroy(Device *dev)
{
    E1000 *nic = (E1000 *)dev;

    nic_reset(nic); /* nobody hears of the cable that is pulled */
    net_port_free(nic->port);
    clock_timer_free(nic->throttle);
    deferred_free(nic->deferred);
}

static const StateField e1000_fields[] = {
    STATE_ARRAY(STATE_U32, E1000, reg),
    STATE_ARRAY(STATE_U16, E1000, phy),
    STATE_FIELD(STATE_U32, E1000, io_address),
    STATE_FIELD(STATE_U32, E1000, eeprom.lines),
    STATE_FIELD(STATE_U16, E1000, eeprom.shift),
    STATE_FIELD(STATE_U8, E1000, eeprom.n_in),
    STATE_FIELD(STATE_U8, E1000, eeprom.reading),
    STATE_FIELD(STATE_U16, E1000, eeprom.n_out),
#define CONTEXT_FIELDS(name)                                                                       \
    STATE_FIELD(STATE_U8, E1000, name.ipcss), STATE_FIELD(STATE_U8, E1000, name.ipcso),            \
        STATE_FIELD(STATE_U8, E1000, name.tucss), STATE_FIELD(STATE_U8, E1000, name.tucso),        \
        STATE_FIELD(STATE_U8, E1000, name.header_size),                                            \
        STATE_FIELD(STATE_U8, E1000, name.command), STATE_FIELD(STATE_U16, E1000, name.ipcse),     \
        STATE_FIELD(STATE_U16, E1000, name.tucse), STATE_FIELD(STATE_U16, E1000, name.mss),        \
        STATE_FIELD(STATE_U32, E1000, name.payload)
    CONTEXT_FIELDS(checksum),
    CONTEXT_FIELDS(segment),
    STATE_FIELD(STATE_U8, E1000, options),
    STATE_FIELD(STATE_U8, E1000, tse),
    STATE_FIELD(STATE_U8, E1000, vle),
    STATE_FIELD(STATE_U16, E1000, tag),
    STATE_FIELD(STATE_U32, E1000, size),
    STATE_FIELD(STATE_U8, E1000, pending),
    STATE_FIELD(STATE_U8, E1000, offload.flags),
    STATE_FIELD(STATE_U8, E1000, offload.gso_type),
    STATE_FIELD(STATE_U16, E1000, offload.header_size),
    STATE_FIELD(STATE_U16, E1000, offload.gso_size),
    STATE_FIELD(STATE_U16, E1000, offload.csum_start),
    STATE_FIELD(STATE_U16, E1000, offload.csum_offset),
    STATE_ARRAY(STATE_U8, E1000, packet),
    { 0 },
};

static void e1000_loaded(void *opaque)
{
    E1000 *nic = opaque;

    nic->size = MIN(nic->size, (uint32_t)sizeof(nic->packet));
    nic->waiting = false;
    nic->next_interrupt = 0;
    irq_update(nic);
    deferred_schedule(nic->deferred);
    nic_changed(nic);
}

const StateTable e1000_state = {
    .name = "e1000",
    .version = 1,
    .fields = e1000_fields,
    .loaded = e1000_loaded,
};

static const Property e1000_properties[] = { NIC_PROPERTIES(E1000), { 0 } };

static const PciClass e1000_class = {
    .name = "e1000",
    .vendor = 0x8086,
    .device = 0x100e,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x020000,
    .revision = 3,
    .interrupt_pin = 1,
    .romfile = "efi-e1000.rom",
};

const DeviceType e1000_type = {
    .name = "e1000",
    .alias = "e1000-82540em",
    .desc = "Intel Gigabit Ethernet",
    .category = DEVICE_NETWORK,
    .bus = &pci_bus_type,
    .size = sizeof(E1000),
    .properties = e1000_properties,
    .pci = &e1000_class,
    .hotpluggable = true,
    .create = e1000_create,
    .reset = e1000_reset_device,
    .destroy = e1000_destroy,
    .state = &e1000_state,
};
