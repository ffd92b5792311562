/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtl8139_rx.c - receiving: into one ring of bytes, or in C+ mode into descriptors.
 *
 * A frame for which there is no room stays on the cable; it is tried again when the driver has
 * moved on, or has looked at the interrupt. */
#include <string.h>
#include <zlib.h>
#include "hw/net/rtl8139_int.h"

enum { /* RCR */
       RCR_ALL = 1 << 0,
       RCR_PHYSICAL = 1 << 1,
       RCR_MULTICAST = 1 << 2,
       RCR_BROADCAST = 1 << 3,
       RCR_WRAP = 1 << 7,
       RCR_LENGTH_SHIFT = 11,
};
enum { /* of a frame in the ring of bytes */
       STATUS_OK = 1 << 0,
       STATUS_BROADCAST = 1 << 13,
       STATUS_PHYSICAL = 1 << 14,
       STATUS_MULTICAST = 1 << 15,
};
enum { /* of a descriptor */
       DESC_MULTICAST = 1 << 26,
       DESC_PHYSICAL = 1 << 25,
       DESC_BROADCAST = 1 << 24,
       DESC_PROTOCOL_SHIFT = 16,
       DESC_SIZE = 0x1fff,
       VLAN_TAKEN = 1 << 16,
};
enum { FRAME_MIN = 60, FRAME_MAX = 4096, HEADER = 4, CAPR_DISTANCE = 16, TAG = 4 };

/* ---- Whose it is ---- */

/* Bit of the multicast table: the upper six of the frame check sequence's sum. */
static unsigned hash_of(const uint8_t *mac)
{
    uint32_t crc = UINT32_MAX;

    for (unsigned i = 0; i < NET_MAC; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bool carry = (crc >> 31 ^ (mac[i] >> bit & 1u)) != 0;

            crc = crc << 1 ^ (carry ? 0x04c11db7u : 0);
        }
    }
    return crc >> 26;
}

/* The status bit of its kind; 0: it is for others. */
static uint16_t frame_kind(const Rtl8139 *nic, const uint8_t *frame)
{
    uint32_t rcr = rtl_get32(nic, RTL_RCR);
    unsigned hash;

    if (memcmp(frame, "\xff\xff\xff\xff\xff\xff", NET_MAC) == 0) {
        return (rcr & (RCR_BROADCAST | RCR_ALL)) != 0 ? STATUS_BROADCAST : 0;
    }
    if ((frame[0] & 1) != 0) {
        hash = hash_of(frame);
        return (rcr & RCR_ALL) != 0 || ((rcr & RCR_MULTICAST) != 0 &&
                                        (nic->reg[RTL_MAR + hash / 8] >> hash % 8 & 1) != 0)
                   ? STATUS_MULTICAST
                   : 0;
    }
    if (memcmp(frame, nic->reg + RTL_IDR, NET_MAC) == 0) {
        return (rcr & (RCR_PHYSICAL | RCR_ALL)) != 0 ? STATUS_PHYSICAL : 0;
    }
    return (rcr & RCR_ALL) != 0 ? STATUS_OK : 0;
}

static void count(Rtl8139 *nic, uint16_t kind)
{
    nic->counters.rx_ok++;
    nic->counters.rx_broadcast += kind == STATUS_BROADCAST;
    nic->counters.rx_multicast += kind == STATUS_MULTICAST;
    nic->counters.rx_unicast += kind != STATUS_BROADCAST && kind != STATUS_MULTICAST;
}

/* No room: the driver is told, once for each time it has looked. */
static bool missed(Rtl8139 *nic)
{
    uint32_t missed = rtl_get32(nic, RTL_MPC);

    if ((rtl_get16(nic, RTL_ISR) & RTL_RXOVW) == 0) {
        rtl_put32(nic, RTL_MPC, (missed + 1) & 0xffffff);
        nic->counters.missed++;
        rtl_cause(nic, RTL_RXOVW);
    }
    return false;
}

/* ---- The ring of bytes ---- */

static uint32_t ring_size(const Rtl8139 *nic)
{
    return 8192u << (rtl_get32(nic, RTL_RCR) >> RCR_LENGTH_SHIFT & 3);
}

static uint32_t ring_used(const Rtl8139 *nic)
{
    uint32_t size = ring_size(nic);

    return (rtl_get16(nic, RTL_CBR) - rtl_get16(nic, RTL_CAPR) - CAPR_DISTANCE) & (size - 1);
}

bool rtl_buffer_empty(const Rtl8139 *nic)
{
    return ring_used(nic) == 0;
}

/* With WRAP a frame goes on behind the ring's end, where the driver has left room. */
static void ring_put(Rtl8139 *nic, uint32_t at, const uint8_t *data, uint32_t size)
{
    uint32_t ring = ring_size(nic), start = rtl_get32(nic, RTL_RBSTART), first = size;

    if ((rtl_get32(nic, RTL_RCR) & RCR_WRAP) == 0 || ring == 65536) {
        first = MIN(size, ring - at);
    }
    pci_dma_write(&nic->pci, start + at, data, first);
    if (first < size) {
        pci_dma_write(&nic->pci, start, data + first, size - first);
    }
}

static bool ring_receive(Rtl8139 *nic, uint8_t *frame, uint32_t size, uint16_t kind)
{
    uint32_t ring = ring_size(nic), at = rtl_get16(nic, RTL_CBR) & (ring - 1);
    uint32_t need = (HEADER + size + 3) & ~3u;

    if (ring_used(nic) + need >= ring) {
        return missed(nic);
    }
    /* The header is in front of the frame, where there is room for it. */
    frame[-4] = (uint8_t)STATUS_OK;
    frame[-3] = (uint8_t)((kind & ~STATUS_OK) >> 8);
    frame[-2] = (uint8_t)size;
    frame[-1] = (uint8_t)(size >> 8);
    ring_put(nic, at, frame - HEADER, need);
    rtl_put16(nic, RTL_CBR, (uint16_t)((at + need) & (ring - 1)));
    count(nic, kind);
    rtl_cause(nic, RTL_ROK);
    return true;
}

/* ---- Descriptors ---- */

enum { DESCS_NONE = 0, DESCS_NEVER = -1 };

/* How many descriptors a frame takes; NONE: there are not enough now, NEVER: however many. */
static int descs_needed(Rtl8139 *nic, uint32_t size)
{
    uint32_t room = 0;
    uint8_t index = nic->index[RTL_RING_RX];
    RtlDesc desc = { 0 };
    uint64_t at;

    for (int n = 1; n <= RTL_RING_MAX; n++) {
        if (!rtl_desc_read(nic, RTL_RING_RX, index, &desc, &at)) {
            return DESCS_NEVER;
        }
        if ((desc.command & RTL_DESC_OWN) == 0) {
            return DESCS_NONE;
        }
        room += desc.command & DESC_SIZE;
        index = rtl_desc_next(index, desc.command);
        if (room >= size) {
            return n;
        }
        if (index == nic->index[RTL_RING_RX]) {
            break; /* once round */
        }
    }
    return DESCS_NEVER;
}

static uint32_t desc_status(const Rtl8139 *nic, uint16_t kind, const uint8_t *frame, size_t size,
                            const NetOffload *offload)
{
    uint32_t status = kind == STATUS_BROADCAST   ? DESC_BROADCAST
                      : kind == STATUS_MULTICAST ? DESC_MULTICAST
                      : kind == STATUS_PHYSICAL  ? DESC_PHYSICAL
                                                 : 0;
    NetHeaders headers;

    /* What is known to be good is said to be; the driver looks at the others. */
    if ((rtl_get16(nic, RTL_CPCR) & RTL_CPCR_RXCSUM) != 0 &&
        (offload->flags & NET_FLAG_DATA_VALID) != 0 && net_headers(frame, size, &headers) &&
        headers.data != 0 && headers.family == 4) {
        status |= (headers.proto == NET_PROTO_TCP ? 1u : 2u) << DESC_PROTOCOL_SHIFT;
    }
    return status;
}

/* Takes the tag out. */
static uint32_t strip_tag(const Rtl8139 *nic, uint8_t *frame, uint32_t *size)
{
    uint32_t vlan;

    if ((rtl_get16(nic, RTL_CPCR) & RTL_CPCR_RXVLAN) == 0 || net_get16(frame + 12) != 0x8100) {
        return 0;
    }
    vlan = VLAN_TAKEN | frame[14] | (uint32_t)frame[15] << 8; /* in the order of the wire */
    memmove(frame + 12, frame + 16, *size - 16);
    *size -= TAG;
    return vlan;
}

/* A piece of a frame; how much of it there was room for. */
static uint32_t desc_store(Rtl8139 *nic, const uint8_t *data, uint32_t left, uint32_t status,
                           uint32_t vlan)
{
    uint8_t *index = &nic->index[RTL_RING_RX];
    RtlDesc desc = { 0 };
    uint32_t size;
    uint64_t at;

    rtl_desc_read(nic, RTL_RING_RX, *index, &desc, &at);
    size = MIN(left, desc.command & DESC_SIZE);
    pci_dma_write(&nic->pci, desc.address, data, size);
    *index = rtl_desc_next(*index, desc.command);
    desc.vlan = vlan;
    desc.command = (desc.command & RTL_DESC_EOR) | status | (size == left ? RTL_DESC_LS : 0);
    /* The word with OWN comes last. */
    pci_dma_write(&nic->pci, at + 4, &desc.vlan, sizeof(desc.vlan));
    pci_dma_write(&nic->pci, at, &desc.command, sizeof(desc.command));
    return size;
}

static bool descs_receive(Rtl8139 *nic, uint8_t *frame, uint32_t size, uint16_t kind,
                          const NetOffload *offload)
{
    int n = descs_needed(nic, size);
    uint32_t status, vlan, at = 0;

    if (n == DESCS_NONE) {
        return missed(nic);
    }
    if (n == DESCS_NEVER) {
        return true;
    }
    status = desc_status(nic, kind, frame, size - RTL_FCS, offload);
    vlan = strip_tag(nic, frame, &size);
    for (int i = 0; i < n && at < size; i++) {
        at += desc_store(nic, frame + at, size - at, status | size | (i == 0 ? RTL_DESC_FS : 0),
                         vlan);
    }
    count(nic, kind);
    rtl_cause(nic, RTL_ROK);
    return true;
}

/* ---- Both ---- */

bool rtl_receive(void *opaque, const struct iovec *iov, unsigned n, const NetOffload *offload)
{
    Rtl8139 *nic = opaque;
    size_t size = net_iov_size(iov, n);
    uint8_t room[HEADER + FRAME_MAX + RTL_FCS + 4] = { 0 }, *frame = room + HEADER;
    uint16_t kind;
    uint32_t fcs;

    if ((nic->reg[RTL_CR] & RTL_CR_RE) == 0 || size < NET_ETH_HEADER || size > FRAME_MAX) {
        return true;
    }
    net_iov_flatten(iov, n, frame);
    kind = frame_kind(nic, frame);
    if (kind == 0) {
        return true;
    }
    size = MAX(size, FRAME_MIN); /* the sender's chip would have filled it up */
    fcs = (uint32_t)crc32(0, frame, (uInt)size);
    memcpy(frame + size, &fcs, sizeof(fcs));
    size += RTL_FCS;
    return (rtl_get16(nic, RTL_CPCR) & RTL_CPCR_RX) != 0
               ? descs_receive(nic, frame, (uint32_t)size, kind, offload)
               : ring_receive(nic, frame, (uint32_t)size, kind);
}
