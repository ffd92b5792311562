/* SPDX-License-Identifier: GPL-2.0-or-later */
/* e1000_rx.c - packets from the cable into the driver's buffers (manual, section 3.2).
 *
 * Lengths count a frame check sequence unless it is stripped, as on the chip; its four bytes are
 * zero, since no wire was there that could have spoilt the frame. */
#include <string.h>
#include "hw/net/e1000_int.h"

enum { /* RCTL */
       RCTL_EN = 1u << 1,
       RCTL_UPE = 1u << 3,
       RCTL_MPE = 1u << 4,
       RCTL_LPE = 1u << 5,
       RCTL_RDMTS_SHIFT = 8,
       RCTL_MO_SHIFT = 12,
       RCTL_BAM = 1u << 15,
       RCTL_BSIZE_SHIFT = 16,
       RCTL_VFE = 1u << 18,
       RCTL_BSEX = 1u << 25,
       RCTL_SECRC = 1u << 26,
};
enum { /* status of a descriptor */
       RXD_DD = 1,
       RXD_EOP = 2,
       RXD_IXSM = 4,
       RXD_VP = 8,
       RXD_TCPCS = 0x20,
       RXD_IPCS = 0x40,
};
enum { RXCSUM_PCSS = 0xff, RXCSUM_IPOFL = 0x100, RXCSUM_TUOFL = 0x200 };
enum { FRAME_MIN = 60, FRAME_MAX = 1518, FCS = 4, TAG = 4, ADDRESSES = 16, LARGE_MAX = 16384 };
#define RAH_VALID 0x80000000u

typedef struct RxDesc {
    uint64_t address;
    uint16_t length, checksum;
    uint8_t status, errors;
    uint16_t special;
} RxDesc;
_Static_assert(sizeof(RxDesc) == E1000_DESC, "as the chip reads it");

/* ---- Filters ---- */

static bool multicast_wanted(E1000 *nic, uint32_t rctl, const uint8_t *frame)
{
    static const uint8_t shift[] = { 4, 3, 2, 0 };
    unsigned hash = (unsigned)(frame[5] << 8 | frame[4]) >> shift[rctl >> RCTL_MO_SHIFT & 3];

    hash &= 0xfff;
    return (rctl & RCTL_MPE) != 0 ||
           (*e1000_reg(nic, E1000_MTA + 4 * (hash >> 5)) >> (hash & 31) & 1) != 0;
}

static bool address_wanted(E1000 *nic, const uint8_t *frame)
{
    uint32_t first = frame[0] | (uint32_t)frame[1] << 8 | (uint32_t)frame[2] << 16 |
                     (uint32_t)frame[3] << 24;

    for (unsigned i = 0; i < ADDRESSES; i++) {
        uint32_t low = *e1000_reg(nic, E1000_RAL + 8 * i),
                 high = *e1000_reg(nic, E1000_RAH + 8 * i);

        if ((high & RAH_VALID) != 0 && low == first &&
            (uint16_t)high == (frame[4] | frame[5] << 8)) {
            return true;
        }
    }
    return false;
}

static bool vlan_wanted(E1000 *nic, const uint8_t *frame)
{
    unsigned id = net_get16(frame + 14) & 0xfff;

    return (*e1000_reg(nic, E1000_VFTA + 4 * (id >> 5)) >> (id & 31) & 1) != 0;
}

static bool has_tag(E1000 *nic, const uint8_t *frame)
{
    return net_get16(frame + 12) == (uint16_t)*e1000_reg(nic, E1000_VET);
}

static bool wanted(E1000 *nic, const uint8_t *frame)
{
    static const uint8_t all[NET_MAC] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    uint32_t rctl = *e1000_reg(nic, E1000_RCTL);

    if ((rctl & RCTL_VFE) != 0 && has_tag(nic, frame) && !vlan_wanted(nic, frame)) {
        return false;
    }
    if (memcmp(frame, all, NET_MAC) == 0) {
        return (rctl & (RCTL_BAM | RCTL_MPE)) != 0 || address_wanted(nic, frame);
    }
    if ((frame[0] & 1) != 0) {
        return multicast_wanted(nic, rctl, frame) || address_wanted(nic, frame);
    }
    return (rctl & RCTL_UPE) != 0 || address_wanted(nic, frame);
}

/* ---- Rings ---- */

static uint32_t buffer_size(uint32_t rctl)
{
    uint32_t size = 2048u >> (rctl >> RCTL_BSIZE_SHIFT & 3);

    return (rctl & RCTL_BSEX) != 0 && size != 2048 ? size * 16 : size;
}

static uint32_t ring_entries(E1000 *nic)
{
    return *e1000_reg(nic, E1000_RDLEN) / E1000_DESC;
}

/* Descriptors that are the chip's. */
static uint32_t ring_room(E1000 *nic)
{
    uint32_t n = ring_entries(nic), head = *e1000_reg(nic, E1000_RDH);
    uint32_t tail = *e1000_reg(nic, E1000_RDT);

    if (n == 0 || head >= n || tail >= n) {
        return 0;
    }
    return head <= tail ? tail - head : n - head + tail;
}

static uint64_t desc_address(E1000 *nic, uint32_t head)
{
    return (*e1000_reg(nic, E1000_RDBAL) | (uint64_t)*e1000_reg(nic, E1000_RDBAH) << 32) +
           (uint64_t)head * E1000_DESC;
}

/* The longer form of the same, over the buffer's address: no hash; status and errors; length and
 * tag. */
static void desc_write(E1000 *nic, uint64_t at, const RxDesc *desc)
{
    const uint32_t words[4] = {
        0,
        (uint32_t)desc->checksum << 16,
        desc->status | (uint32_t)desc->errors << 24,
        desc->length | (uint32_t)desc->special << 16,
    };

    if (nic->model != NULL && nic->model->extended(nic)) {
        pci_dma_write(&nic->pci, at, words, sizeof(words));
    } else {
        pci_dma_write(&nic->pci, at, desc, sizeof(*desc));
    }
}

static void store(E1000 *nic, const uint8_t *frame, uint32_t size, RxDesc last)
{
    uint32_t rctl = *e1000_reg(nic, E1000_RCTL), piece = buffer_size(rctl);
    uint32_t *head = e1000_reg(nic, E1000_RDH);

    for (uint32_t at = 0; at < size; at += piece) {
        RxDesc desc;
        uint32_t n = MIN(piece, size - at);

        pci_dma_read(&nic->pci, desc_address(nic, *head), &desc, sizeof(desc));
        pci_dma_write(&nic->pci, desc.address, frame + at, n);
        desc.length = (uint16_t)n;
        desc.checksum = last.checksum;
        desc.special = last.special;
        desc.errors = 0;
        desc.status = RXD_DD | last.status | (at + n == size ? RXD_EOP : 0);
        desc_write(nic, desc_address(nic, *head), &desc);
        *head = (*head + 1) % ring_entries(nic);
    }
}

/* ---- What is told of a packet ---- */

static uint8_t checksum_status(E1000 *nic, const uint8_t *frame, size_t size,
                               const NetOffload *offload)
{
    uint32_t rxcsum = *e1000_reg(nic, E1000_RXCSUM);
    uint8_t status = 0;
    NetHeaders headers;

    if ((offload->flags & NET_FLAG_DATA_VALID) == 0 || !net_headers(frame, size, &headers)) {
        return RXD_IXSM;
    }
    if ((rxcsum & RXCSUM_IPOFL) != 0 && headers.family == 4) {
        status |= RXD_IPCS;
    }
    if ((rxcsum & RXCSUM_TUOFL) != 0 && headers.data != 0) {
        status |= RXD_TCPCS;
    }
    return status != 0 ? status : RXD_IXSM;
}

static uint16_t packet_checksum(E1000 *nic, const uint8_t *frame, size_t size)
{
    size_t from = *e1000_reg(nic, E1000_RXCSUM) & RXCSUM_PCSS;

    return from < size ? GUINT16_SWAP_LE_BE(
                             (uint16_t)~net_csum_fold(net_csum_add(0, frame + from, size - from)))
                       : 0;
}

static uint32_t strip_tag(E1000 *nic, uint8_t *frame, uint32_t size, RxDesc *desc)
{
    if ((*e1000_reg(nic, E1000_CTRL) & E1000_CTRL_VME) == 0 || !has_tag(nic, frame)) {
        return size;
    }
    desc->special = net_get16(frame + 14);
    desc->status |= RXD_VP;
    memmove(frame + 12, frame + 16, size - 16);
    return size - TAG;
}

bool e1000_receive(void *opaque, const struct iovec *iov, unsigned n, const NetOffload *offload)
{
    E1000 *nic = opaque;
    uint32_t rctl = *e1000_reg(nic, E1000_RCTL), need, total;
    size_t size = net_iov_size(iov, n);
    uint8_t frame[LARGE_MAX + FCS];
    RxDesc desc = { 0 };

    if ((rctl & RCTL_EN) == 0 || size < NET_ETH_HEADER || size > LARGE_MAX ||
        (size > FRAME_MAX && (rctl & RCTL_LPE) == 0)) {
        return true;
    }
    memset(frame, 0, FRAME_MIN + FCS);
    net_iov_flatten(iov, n, frame);
    if (!wanted(nic, frame)) {
        return true;
    }
    size = MAX(size, FRAME_MIN); /* the sender's chip would have filled it up */
    memset(frame + size, 0, FCS);
    total = (uint32_t)size + ((rctl & RCTL_SECRC) != 0 ? 0 : FCS);
    need = (total + buffer_size(rctl) - 1) / buffer_size(rctl);
    if (ring_room(nic) < need) {
        if (ring_entries(nic) <= need) {
            return true; /* it will never fit */
        }
        ++*e1000_reg(nic, E1000_MPC);
        e1000_cause(nic, E1000_ICR_RXO);
        return false;
    }
    e1000_count(nic, false, frame, size);
    desc.status = checksum_status(nic, frame, size, offload);
    desc.checksum = packet_checksum(nic, frame, size);
    total = strip_tag(nic, frame, total, &desc);
    store(nic, frame, total, desc);
    e1000_cause(nic, E1000_ICR_RXT0 | (ring_room(nic) <= ring_entries(nic) >>
                                               (1 + (rctl >> RCTL_RDMTS_SHIFT & 3))
                                           ? E1000_ICR_RXDMT0
                                           : 0));
    return true;
}
