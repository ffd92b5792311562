/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtl8139_tx.c - sending: from four slots, or in C+ mode from rings of descriptors, with checksums,
 * segmentation and VLAN tags. */
#include <string.h>
#include "hw/net/rtl8139_int.h"

enum { /* of the first descriptor of a packet */
       TX_TCP = 1 << 16,
       TX_UDP = 1 << 17,
       TX_IP = 1 << 18,
       TX_LARGE = 1 << 27,
       TX_MSS_SHIFT = 16,
       TX_MSS = 0x7ff,
       TX_LENGTH = 0xffff,
       VLAN_INSERT = 1 << 17,
};
enum {
    SLOT_MAX = 1792,
    BURST = 256,
    IP_SUM = 10,
    IP_LENGTH = 2,
    TCP_SUM = 16,
    UDP_SUM = 6,
    TAG = 4
};

/* ---- Packets ---- */

static void ip_sum(Rtl8139 *nic, const NetHeaders *headers)
{
    uint8_t *ip = nic->packet + headers->ip;

    net_put16(ip + IP_SUM, 0);
    net_put16(ip + IP_SUM, net_csum_fold(net_csum_add(0, ip, (ip[0] & 15u) * 4)));
}

/* The sum of the pseudo header goes where the cable goes on from. */
static void transport_sum(Rtl8139 *nic, const NetHeaders *headers)
{
    unsigned field = headers->proto == NET_PROTO_TCP ? TCP_SUM : UDP_SUM;
    uint32_t sum = net_pseudo_sum(nic->packet, headers, nic->size - headers->l4);

    net_put16(nic->packet + headers->l4 + field, (uint16_t)~net_csum_fold(sum));
    nic->offload.flags = NET_FLAG_NEEDS_CSUM;
    nic->offload.csum_start = (uint16_t)headers->l4;
    nic->offload.csum_offset = (uint16_t)field;
}

static bool large_prepare(Rtl8139 *nic, const NetHeaders *headers)
{
    uint32_t mss = nic->first >> TX_MSS_SHIFT & TX_MSS;

    if (headers->proto != NET_PROTO_TCP || headers->family != 4 || mss == 0) {
        return false;
    }
    net_put16(nic->packet + headers->ip + IP_LENGTH, (uint16_t)(nic->size - headers->ip));
    ip_sum(nic, headers);
    transport_sum(nic, headers);
    nic->offload.gso_type = NET_GSO_TCPV4;
    nic->offload.gso_size = (uint16_t)mss;
    nic->offload.header_size = (uint16_t)headers->data;
    return true;
}

static void insert_tag(Rtl8139 *nic)
{
    if ((nic->vlan & VLAN_INSERT) == 0 || nic->size + TAG > sizeof(nic->packet)) {
        return;
    }
    memmove(nic->packet + 16, nic->packet + 12, nic->size - 12);
    net_put16(nic->packet + 12, 0x8100);
    nic->packet[14] = (uint8_t)nic->vlan; /* in the order of the wire */
    nic->packet[15] = (uint8_t)(nic->vlan >> 8);
    nic->size += TAG;
    if (nic->offload.flags != 0) {
        nic->offload.csum_start = (uint16_t)(nic->offload.csum_start + TAG);
    }
}

/* What the first descriptor asks for. False: it is none that can be sent. */
static bool packet_finish(Rtl8139 *nic)
{
    NetHeaders headers;
    bool known;

    nic->offload = (NetOffload){ 0 };
    if (nic->size < NET_ETH_HEADER || nic->size > NET_FRAME_MAX - TAG) {
        return false;
    }
    known = net_headers(nic->packet, nic->size, &headers) && nic->size - headers.ip <= UINT16_MAX;
    if ((nic->first & TX_LARGE) != 0) {
        if (!known || headers.data == 0 || !large_prepare(nic, &headers)) {
            return false;
        }
    } else if (known && headers.family == 4) {
        if ((nic->first & TX_IP) != 0) {
            ip_sum(nic, &headers);
        }
        if (headers.data != 0 &&
            (nic->first & (headers.proto == NET_PROTO_TCP ? TX_TCP : TX_UDP)) != 0) {
            transport_sum(nic, &headers);
        }
    }
    insert_tag(nic);
    return true;
}

static NetSent packet_send(Rtl8139 *nic)
{
    const struct iovec iov = { nic->packet, nic->size };

    if ((rtl_get32(nic, RTL_TCR) & RTL_TCR_LOOPBACK) == RTL_TCR_LOOPBACK) {
        if (nic->offload.gso_type == NET_GSO_NONE) {
            if (nic->offload.flags != 0) {
                net_finish_csum(nic->packet, nic->size, &nic->offload);
                nic->offload = (NetOffload){ 0 };
            }
            rtl_receive(nic, &iov, 1, &nic->offload);
        }
        return NET_SENT;
    }
    nic->waiting = true; /* until the cable says otherwise, maybe at once */
    if (net_send(nic->port, &iov, 1, &nic->offload) == NET_WAIT) {
        return NET_WAIT;
    }
    nic->waiting = false;
    nic->counters.tx_ok++;
    return NET_SENT;
}

/* ---- Four slots ---- */

/* False ends the burst. */
static bool slot_step(Rtl8139 *nic, uint16_t *causes)
{
    unsigned at = RTL_TSD + 4u * nic->slot;
    uint32_t tsd = rtl_get32(nic, at), size = tsd & RTL_TSD_SIZE;

    if ((nic->reg[RTL_CR] & RTL_CR_TE) == 0 || (nic->queued >> nic->slot & 1) == 0) {
        return false;
    }
    if (!nic->pending && size <= SLOT_MAX) {
        nic->size = size;
        nic->offload = (NetOffload){ 0 };
        nic->pending = pci_dma_read(&nic->pci, rtl_get32(nic, RTL_TSAD + 4u * nic->slot),
                                    nic->packet, size);
    }
    if (nic->pending && packet_send(nic) == NET_WAIT) {
        return false;
    }
    *causes |= nic->pending ? RTL_TOK : RTL_TER;
    rtl_put32(nic, at, tsd | RTL_TSD_OWN | (nic->pending ? RTL_TSD_TOK : RTL_TSD_TABT));
    nic->pending = 0;
    nic->queued &= (uint8_t) ~(1u << nic->slot);
    nic->slot = (uint8_t)((nic->slot + 1) % RTL_SLOTS);
    return true;
}

/* ---- Rings ---- */

static void gather(Rtl8139 *nic, const RtlDesc *desc)
{
    uint32_t length = desc->command & TX_LENGTH;

    if ((desc->command & RTL_DESC_FS) != 0 || !nic->gathering) {
        nic->gathering = 1;
        nic->first = desc->command;
        nic->vlan = desc->vlan;
        nic->size = 0;
    }
    length = MIN(length, (uint32_t)sizeof(nic->packet) - nic->size);
    pci_dma_read(&nic->pci, desc->address, nic->packet + nic->size, length);
    nic->size += length;
}

static void ring_advance(Rtl8139 *nic, unsigned ring, const RtlDesc *desc, uint64_t at)
{
    const uint32_t command = desc->command & ~RTL_DESC_OWN;

    pci_dma_write(&nic->pci, at, &command, sizeof(command));
    nic->index[ring] = rtl_desc_next(nic->index[ring], command);
}

static bool ring_step(Rtl8139 *nic, uint16_t *causes)
{
    bool high = (nic->reg[RTL_TPPOLL] & RTL_TPPOLL_HIGH) != 0;
    unsigned ring = high ? RTL_RING_HIGH : RTL_RING_NORMAL;
    uint8_t bit = high ? RTL_TPPOLL_HIGH : RTL_TPPOLL_NORMAL;
    RtlDesc desc = { 0 };
    uint64_t at;

    if ((nic->reg[RTL_CR] & RTL_CR_TE) == 0 || (nic->reg[RTL_TPPOLL] & bit) == 0) {
        return false;
    }
    if (!rtl_desc_read(nic, ring, nic->index[ring], &desc, &at) ||
        (desc.command & RTL_DESC_OWN) == 0) {
        nic->reg[RTL_TPPOLL] &= (uint8_t)~bit; /* all of it is sent */
        *causes |= RTL_TDU;
        return true;
    }
    if (!nic->pending) {
        gather(nic, &desc);
        if ((desc.command & RTL_DESC_LS) == 0) {
            ring_advance(nic, ring, &desc, at);
            return true;
        }
        nic->pending = packet_finish(nic);
    }
    if (nic->pending && packet_send(nic) == NET_WAIT) {
        return false;
    }
    nic->pending = nic->gathering = 0;
    nic->size = 0;
    ring_advance(nic, ring, &desc, at);
    *causes |= RTL_TOK;
    return true;
}

void rtl_transmit(void *opaque)
{
    Rtl8139 *nic = opaque;
    uint16_t causes = 0;
    unsigned done = 0;
    bool rings = (rtl_get16(nic, RTL_CPCR) & RTL_CPCR_TX) != 0;

    while (done < BURST && !nic->waiting &&
           (rings ? ring_step(nic, &causes) : slot_step(nic, &causes))) {
        done++;
    }
    if (causes != 0) {
        rtl_cause(nic, causes);
    }
    if (done == BURST) {
        deferred_schedule(nic->deferred);
    }
}
