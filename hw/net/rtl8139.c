/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtl8139.c - Realtek's RTL8139C+: registers, interrupts, timer, its row. */
#include <string.h>
#include "hw/device_types.h"
#include "hw/net/rtl8139_int.h"

enum { IO_BAR = 0, MEMORY_BAR = 1 };
enum { EEM_MASK = 0xc0, EEM_AUTOLOAD = 0x40, EEM_PROGRAM = 0x80, EEM_CONFIG = 0xc0 };
enum { EECS = 8, EESK = 4, EEDI = 2, EEDO = 1 };
enum { MSR_LINK_BAD = 4, BMSR_FIXED = 0x7829, BMSR_LINK = 4, BMCR_RESTART = 0x8200 };
enum { COUNTERS_RESET = 1, COUNTERS_DUMP = 8, TICK_NS = 30 };
#define HARDWARE_VERSION 0x74800000u /* C+, in TCR */

/* ---- Interrupts and timer ---- */

static void irq_update(Rtl8139 *nic)
{
    pci_device_set_irq(&nic->pci, (rtl_get16(nic, RTL_ISR) & rtl_get16(nic, RTL_IMR)) != 0);
}

void rtl_cause(Rtl8139 *nic, uint16_t causes)
{
    rtl_put16(nic, RTL_ISR, rtl_get16(nic, RTL_ISR) | causes);
    irq_update(nic);
}

static uint32_t timer_count(const Rtl8139 *nic)
{
    return (uint32_t)((clock_now(nic->pci.device.board->clock) - nic->tctr_base) / TICK_NS);
}

static void timer_set(Rtl8139 *nic)
{
    uint32_t at = rtl_get32(nic, RTL_TIMERINT), left = at - timer_count(nic);

    if (at == 0) {
        clock_timer_cancel(nic->timer);
    } else {
        clock_timer_set(nic->timer, clock_now(nic->pci.device.board->clock) +
                                        (left != 0 ? (int64_t)left : INT64_C(1) << 32) * TICK_NS);
    }
}

static void timer_fired(void *opaque)
{
    Rtl8139 *nic = opaque;

    rtl_cause(nic, RTL_TIMEOUT);
    timer_set(nic);
}

/* ---- Rings of C+ mode ---- */

bool rtl_desc_read(Rtl8139 *nic, unsigned ring, unsigned index, RtlDesc *desc, uint64_t *at)
{
    static const uint8_t bases[] = { RTL_TNPDS, RTL_THPDS, RTL_RDSAR };
    uint64_t base = rtl_get32(nic, bases[ring]) | (uint64_t)rtl_get32(nic, bases[ring] + 4) << 32;

    *at = base + (uint64_t)index * RTL_DESC;
    return pci_dma_read(&nic->pci, *at, desc, sizeof(*desc));
}

/* ---- Reset ---- */

/* By CR: addresses stay. */
static void chip_reset(Rtl8139 *nic)
{
    deferred_cancel(nic->deferred);
    memset(nic->reg + RTL_TSD, 0, RTL_RBSTART - RTL_TSD);
    for (unsigned i = 0; i < RTL_SLOTS; i++) {
        rtl_put32(nic, RTL_TSD + 4 * i, RTL_TSD_OWN);
    }
    nic->reg[RTL_CR] = 0;
    rtl_put16(nic, RTL_CAPR, 0xfff0);
    rtl_put16(nic, RTL_CBR, 0);
    rtl_put32(nic, RTL_RBSTART, 0);
    rtl_put16(nic, RTL_IMR, 0);
    rtl_put16(nic, RTL_ISR, 0);
    rtl_put32(nic, RTL_TCR, 0);
    rtl_put32(nic, RTL_RCR, 0);
    rtl_put32(nic, RTL_TIMERINT, 0);
    rtl_put16(nic, RTL_CPCR, 0);
    nic->queued = nic->slot = nic->gathering = nic->pending = 0;
    memset(nic->index, 0, sizeof(nic->index));
    nic->size = 0;
    nic->waiting = false;
    clock_timer_cancel(nic->timer);
    irq_update(nic);
}

static void link_update(Rtl8139 *nic)
{
    bool up = net_link_up(nic->port);

    nic->reg[RTL_MSR] = up ? 0 : MSR_LINK_BAD;
    rtl_put16(nic, RTL_BMSR, up ? BMSR_FIXED | BMSR_LINK : BMSR_FIXED & ~0x20);
    rtl_put16(nic, RTL_ANLPAR, up ? 0x45e1 : 0);
}

static void nic_reset(Rtl8139 *nic)
{
    memset(nic->reg, 0, sizeof(nic->reg));
    memcpy(nic->reg + RTL_IDR, nic->nic.mac, NET_MAC);
    nic->reg[RTL_CONFIG1] = 0x0c; /* memory and I/O are mapped */
    nic->reg[RTL_CONFIG3] = 0x01;
    nic->reg[RTL_RERID] = 0x10;
    rtl_put16(nic, RTL_BMCR, 0x3100); /* 100 Mbit/s, found out, full duplex */
    rtl_put16(nic, RTL_ANAR, 0x05e1);
    rtl_put16(nic, RTL_ANER, 0x0001);
    nic->eeprom.lines = nic->eeprom.n_in = nic->eeprom.reading = 0;
    nic->counters = (RtlCounters){ 0 };
    nic->tctr_base = clock_now(nic->pci.device.board->clock);
    chip_reset(nic);
    link_update(nic);
}

/* ---- Registers: what a write does, once its bytes are there ---- */

/* `wrote`: the bytes that came, others 0; the register begins at `at`. */
typedef void Written(Rtl8139 *nic, unsigned at, uint32_t wrote);

static void counters_written(Rtl8139 *nic, uint32_t wrote)
{
    uint64_t to = (rtl_get32(nic, RTL_TSD) & ~UINT64_C(63)) | (uint64_t)rtl_get32(nic, RTL_TSD + 4)
                                                                  << 32;

    if ((wrote & COUNTERS_RESET) != 0) {
        nic->counters = (RtlCounters){ 0 };
    }
    if ((wrote & COUNTERS_DUMP) != 0) {
        pci_dma_write(&nic->pci, to, &nic->counters, sizeof(nic->counters));
    }
    nic->reg[RTL_TSD] &= (uint8_t) ~(COUNTERS_DUMP | COUNTERS_RESET);
}

/* OWN going to 0 hands the slot over. */
static void tsd_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    if ((rtl_get16(nic, RTL_CPCR) & (RTL_CPCR_TX | RTL_CPCR_RX)) != 0) {
        if (at == RTL_TSD) {
            counters_written(nic, wrote);
        }
        return;
    }
    rtl_put32(nic, at, rtl_get32(nic, at) & 0x003fffff); /* what is told of the last one goes */
    if ((rtl_get32(nic, at) & RTL_TSD_OWN) == 0) {
        nic->queued |= (uint8_t)(1u << (at - RTL_TSD) / 4);
        deferred_schedule(nic->deferred);
    }
}

static void command_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    (void)at;
    if ((wrote & RTL_CR_RST) != 0) {
        chip_reset(nic);
        return;
    }
    if ((wrote & RTL_CR_TE) == 0) {
        nic->queued = nic->gathering = nic->pending = 0;
        nic->slot = 0;
        nic->size = 0;
        nic->index[RTL_RING_NORMAL] = nic->index[RTL_RING_HIGH] = 0;
    }
    if ((wrote & RTL_CR_RE) == 0) {
        nic->index[RTL_RING_RX] = 0;
    }
    net_port_ready(nic->port);
}

static void room_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    (void)at, (void)wrote;
    irq_update(nic);
    net_port_ready(nic->port);
}

static void status_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    rtl_put16(nic, RTL_ISR, rtl_get16(nic, RTL_ISR) & (uint16_t)~wrote);
    room_written(nic, at, wrote);
}

static void tctr_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    (void)at, (void)wrote;
    nic->tctr_base = clock_now(nic->pci.device.board->clock);
    timer_set(nic);
}

static void timerint_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    (void)at, (void)wrote;
    timer_set(nic);
}

static void missed_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    (void)wrote;
    rtl_put32(nic, at, 0);
}

static void eeprom_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    uint32_t lines = 0;

    if ((wrote & EEM_MASK) == EEM_AUTOLOAD) {
        memcpy(nic->reg + RTL_IDR, nic->nic.mac, NET_MAC);
        nic->reg[at] &= (uint8_t)~EEM_MASK;
    } else if ((wrote & EEM_MASK) == EEM_PROGRAM) {
        lines = ((wrote & EESK) != 0 ? 1 : 0) | ((wrote & EECS) != 0 ? 2 : 0) |
                ((wrote & EEDI) != 0 ? 4 : 0);
    }
    e1000_eeprom_write(&nic->eeprom, lines);
}

static void bmcr_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    rtl_put16(nic, at, (uint16_t)((wrote & 0x8000) != 0 ? 0x3100 : wrote & ~BMCR_RESTART));
}

static void poll_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    nic->reg[at] = (uint8_t)(wrote & (RTL_TPPOLL_NORMAL | RTL_TPPOLL_HIGH));
    if ((wrote & RTL_TPPOLL_SWINT) != 0) {
        rtl_cause(nic, RTL_SWINT);
    }
    deferred_schedule(nic->deferred);
}

static void rdsar_written(Rtl8139 *nic, unsigned at, uint32_t wrote)
{
    (void)at, (void)wrote;
    nic->index[RTL_RING_RX] = 0;
}

/* Registers that can be written: their bits, and what else happens. */
static const struct {
    uint8_t at, size; /* of one */
    uint8_t count;
    bool locked; /* but when 9346CR says so */
    uint32_t bits;
    Written *written;
} registers[] = {
    { RTL_IDR, 4, 2, true, UINT32_MAX, NULL },
    { RTL_MAR, 4, 2, false, UINT32_MAX, NULL },
    { RTL_TSD, 4, RTL_SLOTS, false, UINT32_MAX, tsd_written },
    { RTL_TSAD, 4, RTL_SLOTS, false, UINT32_MAX, NULL },
    { RTL_RBSTART, 4, 1, false, UINT32_MAX, NULL },
    { RTL_CR, 1, 1, false, RTL_CR_TE | RTL_CR_RE, command_written },
    { RTL_CAPR, 2, 1, false, UINT16_MAX, room_written },
    { RTL_IMR, 2, 1, false, UINT16_MAX, room_written },
    { RTL_ISR, 2, 1, false, 0, status_written },
    { RTL_TCR, 4, 1, false, 0x030707f0, NULL },
    { RTL_RCR, 4, 1, false, 0x0f03ffff, room_written },
    { RTL_TCTR, 4, 1, false, 0, tctr_written },
    { RTL_MPC, 4, 1, false, 0, missed_written },
    { RTL_9346CR, 1, 1, false, 0xce, eeprom_written },
    { RTL_CONFIG0, 1, 2, true, 0xff, NULL },
    { RTL_TIMERINT, 4, 1, false, UINT32_MAX, timerint_written },
    { RTL_CONFIG3, 1, 2, true, 0xff, NULL },
    { 0x5c, 2, 1, false, UINT16_MAX, NULL }, /* MULINT */
    { RTL_BMCR, 2, 1, false, 0x3300, bmcr_written },
    { RTL_ANAR, 2, 1, false, UINT16_MAX, NULL },
    { 0x74, 2, 1, false, UINT16_MAX, NULL }, /* CSCR */
    { RTL_CONFIG5, 1, 1, true, 0xff, NULL },
    { RTL_TPPOLL, 1, 1, false, 0, poll_written },
    { RTL_CPCR, 2, 1, false, 0x00ff, NULL },
    { RTL_RDSAR, 4, 1, false, ~255u, rdsar_written },
    { RTL_RDSAR + 4, 4, 1, false, UINT32_MAX, NULL },
    { 0xec, 1, 1, false, 0x3f, NULL }, /* early transmit threshold */
};

/* The part of a write that falls on [at, at + size). */
static void register_write(Rtl8139 *nic, size_t row, unsigned at, unsigned offset, unsigned width,
                           uint32_t value)
{
    uint32_t wrote = 0;
    bool touched = false;

    if (registers[row].locked && (nic->reg[RTL_9346CR] & EEM_MASK) != EEM_CONFIG) {
        return;
    }
    for (unsigned i = 0; i < registers[row].size; i++) {
        uint8_t mask = (uint8_t)(registers[row].bits >> 8 * i), byte;

        if (at + i < offset || at + i >= offset + width) {
            continue;
        }
        byte = (uint8_t)(value >> 8 * (at + i - offset));
        touched = true;
        wrote |= (uint32_t)byte << 8 * i;
        nic->reg[at + i] = (uint8_t)((nic->reg[at + i] & ~mask) | (byte & mask));
    }
    if (touched && registers[row].written != NULL) {
        registers[row].written(nic, at, wrote);
    }
}

static void rtl_write(Rtl8139 *nic, unsigned offset, unsigned width, uint32_t value)
{
    for (size_t row = 0; row < G_N_ELEMENTS(registers); row++) {
        for (unsigned i = 0; i < registers[row].count; i++) {
            unsigned at = registers[row].at + i * registers[row].size;

            if (at < offset + width && offset < at + registers[row].size) {
                register_write(nic, row, at, offset, width, value);
            }
        }
    }
}

/* All slots at a glance. */
static uint16_t slots_summary(const Rtl8139 *nic)
{
    uint16_t sum = 0;

    for (unsigned i = 0; i < RTL_SLOTS; i++) {
        uint32_t tsd = rtl_get32(nic, RTL_TSD + 4 * i);

        sum |= (uint16_t)((tsd & RTL_TSD_OWN) != 0 ? 1u << i : 0);
        sum |= (uint16_t)((tsd & RTL_TSD_TABT) != 0 ? 1u << (i + 4) : 0);
        sum |= (uint16_t)((tsd & RTL_TSD_TOK) != 0 ? 1u << (i + 12) : 0);
    }
    return sum;
}

static uint32_t rtl_read(Rtl8139 *nic, unsigned offset, unsigned width)
{
    uint8_t seen[RTL_BYTES + 4] = { 0 };
    uint32_t value = 0, count = timer_count(nic);
    uint16_t slots = slots_summary(nic);

    if (offset + width > RTL_BYTES) {
        return UINT32_MAX >> (32 - 8 * width);
    }
    memcpy(seen, nic->reg, RTL_BYTES);
    seen[RTL_CR] |= rtl_buffer_empty(nic) ? RTL_CR_BUFE : 0;
    seen[RTL_TCR + 3] |= HARDWARE_VERSION >> 24;
    seen[RTL_TCR + 2] |= (HARDWARE_VERSION >> 16) & 0xff;
    seen[RTL_9346CR] &= (uint8_t)~EEDO;
    if ((seen[RTL_9346CR] & EEM_MASK) == EEM_PROGRAM &&
        (e1000_eeprom_read(&nic->eeprom) & 8) != 0) {
        seen[RTL_9346CR] |= EEDO;
    }
    memcpy(seen + RTL_TCTR, &count, sizeof(count));
    memcpy(seen + RTL_TSAD_ALL, &slots, sizeof(slots));
    memcpy(&value, seen + offset, width);
    return value;
}

static uint64_t memory_read(void *opaque, uint64_t offset, unsigned width)
{
    return rtl_read(opaque, (unsigned)offset, width);
}

static void memory_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    rtl_write(opaque, (unsigned)offset, width, (uint32_t)value);
}

static const MmioOps memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .min_width = 1,
    .max_width = 4,
};

static uint32_t io_read(void *opaque, uint16_t offset, unsigned width)
{
    return rtl_read(opaque, offset, width);
}

static void io_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    rtl_write(opaque, offset, width, value);
}

static const IoRange io_ports[] = {
    { .base = 0,
      .count = RTL_BYTES,
      .widths = IO_8 | IO_16 | IO_32,
      .read = io_read,
      .write = io_write },
};

/* ---- The cable ---- */

static void nic_room(void *opaque)
{
    Rtl8139 *nic = opaque;

    if (nic->waiting) {
        nic->waiting = false;
        deferred_schedule(nic->deferred);
    }
}

static void nic_changed(void *opaque)
{
    Rtl8139 *nic = opaque;
    bool was = (nic->reg[RTL_MSR] & MSR_LINK_BAD) == 0;

    if (net_link_up(nic->port) != was) {
        link_update(nic);
        rtl_cause(nic, RTL_LINK);
    }
}

static const NetPortOps port_ops = {
    .receive = rtl_receive,
    .room = nic_room,
    .changed = nic_changed,
};

/* ---- The row ---- */

static void eeprom_fill(Rtl8139 *nic)
{
    uint16_t *word = nic->eeprom.word;

    nic->eeprom = (E1000Eeprom){ 0 };
    word[0] = 0x8129;
    word[1] = 0x10ec;
    word[2] = 0x8139;
    for (unsigned i = 0; i < NET_MAC / 2; i++) {
        word[7 + i] = (uint16_t)(nic->nic.mac[2 * i] | nic->nic.mac[2 * i + 1] << 8);
    }
}

static bool rtl_create(Device *dev, GError **error)
{
    Rtl8139 *nic = (Rtl8139 *)dev;

    (void)error;
    nic_choose_mac(dev, nic->nic.mac);
    eeprom_fill(nic);
    pci_device_add_io_bar(&nic->pci, IO_BAR, RTL_BYTES, io_ports, G_N_ELEMENTS(io_ports), nic);
    pci_device_add_mmio_bar(&nic->pci, MEMORY_BAR, RTL_BYTES, false, false, &memory_ops, nic);
    nic->deferred = deferred_new(dev->board->map, rtl_transmit, nic);
    nic->timer = clock_timer_new(dev->board->clock, timer_fired, nic);
    nic->port = net_port_new(dev->type->name, dev->id, &port_ops, nic);
    nic_connect(nic->port, &nic->nic);
    return true;
}

static void rtl_reset(Device *dev)
{
    Rtl8139 *nic = (Rtl8139 *)dev;

    nic_reset(nic);
    net_port_purge(nic->port);
}

static void rtl_destroy(Device *dev)
{
    Rtl8139 *nic = (Rtl8139 *)dev;

    nic_reset(nic);
    net_port_free(nic->port);
    clock_timer_free(nic->timer);
    deferred_free(nic->deferred);
}

static const StateField rtl_fields[] = {
    STATE_ARRAY(STATE_U8, Rtl8139, reg),
    STATE_FIELD(STATE_U64, Rtl8139, tctr_base),
    STATE_FIELD(STATE_U32, Rtl8139, eeprom.lines),
    STATE_FIELD(STATE_U16, Rtl8139, eeprom.shift),
    STATE_FIELD(STATE_U8, Rtl8139, eeprom.n_in),
    STATE_FIELD(STATE_U8, Rtl8139, eeprom.reading),
    STATE_FIELD(STATE_U16, Rtl8139, eeprom.n_out),
    { .name = "counters",
      .type = STATE_BYTES,
      .offset = offsetof(Rtl8139, counters),
      .count = sizeof(RtlCounters),
      .version = 1 },
    STATE_FIELD(STATE_U8, Rtl8139, queued),
    STATE_FIELD(STATE_U8, Rtl8139, slot),
    STATE_ARRAY(STATE_U8, Rtl8139, index),
    STATE_FIELD(STATE_U8, Rtl8139, gathering),
    STATE_FIELD(STATE_U8, Rtl8139, pending),
    STATE_FIELD(STATE_U32, Rtl8139, first),
    STATE_FIELD(STATE_U32, Rtl8139, vlan),
    STATE_FIELD(STATE_U32, Rtl8139, size),
    STATE_FIELD(STATE_U8, Rtl8139, offload.flags),
    STATE_FIELD(STATE_U8, Rtl8139, offload.gso_type),
    STATE_FIELD(STATE_U16, Rtl8139, offload.header_size),
    STATE_FIELD(STATE_U16, Rtl8139, offload.gso_size),
    STATE_FIELD(STATE_U16, Rtl8139, offload.csum_start),
    STATE_FIELD(STATE_U16, Rtl8139, offload.csum_offset),
    { .name = "packet",
      .type = STATE_BYTES,
      .offset = offsetof(Rtl8139, packet),
      .count = RTL_PACKET_MAX,
      .version = 1 },
    { 0 },
};

static void rtl_loaded(void *opaque)
{
    Rtl8139 *nic = opaque;

    nic->size = MIN(nic->size, (uint32_t)sizeof(nic->packet));
    nic->slot %= RTL_SLOTS;
    for (size_t i = 0; i < G_N_ELEMENTS(nic->index); i++) {
        nic->index[i] %= RTL_RING_MAX;
    }
    nic->waiting = false;
    irq_update(nic);
    timer_set(nic);
    deferred_schedule(nic->deferred);
    nic_changed(nic);
}

static const StateTable rtl_state = {
    .name = "rtl8139",
    .version = 1,
    .fields = rtl_fields,
    .loaded = rtl_loaded,
};

static const Property rtl_properties[] = { NIC_PROPERTIES(Rtl8139), { 0 } };

static const PciClass rtl_class = {
    .name = "rtl8139",
    .vendor = 0x10ec,
    .device = 0x8139,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x020000,
    .revision = 0x20,
    .interrupt_pin = 1,
    .romfile = "efi-rtl8139.rom",
};

const DeviceType rtl8139_type = {
    .name = "rtl8139",
    .desc = "Realtek RTL8139C+",
    .category = DEVICE_NETWORK,
    .bus = &pci_bus_type,
    .size = sizeof(Rtl8139),
    .properties = rtl_properties,
    .pci = &rtl_class,
    .hotpluggable = true,
    .create = rtl_create,
    .reset = rtl_reset,
    .destroy = rtl_destroy,
    .state = &rtl_state,
};
