/* SPDX-License-Identifier: GPL-2.0-or-later */
/* e1000_tx.c - packets from the driver's descriptors onto the cable (manual, section 3.3).
 *
 * Checksums and segmentation are left to the cable, which passes them on to who takes them so. */
#include <string.h>
#include "hw/net/e1000_int.h"

enum { TCTL_EN = 2 };
enum { /* commands of a descriptor */
       CMD_EOP = 0x01,
       CMD_IC = 0x04, /* legacy */
       CMD_TSE = 0x04,
       CMD_RS = 0x08,
       CMD_DEXT = 0x20,
       CMD_VLE = 0x40,
};
enum { STA_DD = 1, POPTS_IXSM = 1, POPTS_TXSM = 2 };
enum { TYPE_CONTEXT = 0, LENGTH_MASK = 0xfffff, BURST = 256 };

typedef struct TxDesc {
    uint64_t address;
    uint32_t low, high; /* length and commands; status, options and VLAN tag */
} TxDesc;
_Static_assert(sizeof(TxDesc) == E1000_DESC, "as the chip reads it");

static void context_load(E1000 *nic, const TxDesc *desc)
{
    uint8_t command = (uint8_t)(desc->low >> 24);
    E1000Context *context = (command & CMD_TSE) != 0 ? &nic->segment : &nic->checksum;

    *context = (E1000Context){
        .ipcss = (uint8_t)desc->address,
        .ipcso = (uint8_t)(desc->address >> 8),
        .ipcse = (uint16_t)(desc->address >> 16),
        .tucss = (uint8_t)(desc->address >> 32),
        .tucso = (uint8_t)(desc->address >> 40),
        .tucse = (uint16_t)(desc->address >> 48),
        .payload = desc->low & LENGTH_MASK,
        .command = command,
        .header_size = (uint8_t)(desc->high >> 8),
        .mss = (uint16_t)(desc->high >> 16),
    };
}

/* ---- Checksums that are done here ---- */

static void put_sum(uint8_t *packet, uint32_t size, unsigned from, unsigned to, unsigned at)
{
    uint32_t end = to == 0 || to >= size ? size : to + 1u;

    if (from < end && at + 2 <= size) {
        net_put16(packet + at, net_csum_fold(net_csum_add(0, packet + from, end - from)));
    }
}

/* The transport's sum: left undone where the cable can say so, and done here where it cannot. */
static void transport_sum(E1000 *nic, const E1000Context *context, NetOffload *offload)
{
    if (context->tucse == 0 && context->tucso >= context->tucss &&
        context->tucso + 2u <= nic->size) {
        offload->flags = NET_FLAG_NEEDS_CSUM;
        offload->csum_start = context->tucss;
        offload->csum_offset = (uint16_t)(context->tucso - context->tucss);
    } else {
        put_sum(nic->packet, nic->size, context->tucss, context->tucse, context->tucso);
    }
}

/* What a segmentation context leaves open (lengths, sums) is as the cable wants it. */
static bool segment_prepare(E1000 *nic, NetOffload *offload)
{
    const E1000Context *context = &nic->segment;
    uint8_t *packet = nic->packet;
    NetHeaders headers;
    uint16_t sum;

    if (!net_headers(packet, nic->size, &headers) || headers.proto != NET_PROTO_TCP ||
        headers.data == 0 || context->mss == 0 || nic->size - headers.ip > UINT16_MAX) {
        return false;
    }
    if (headers.family == 4) {
        net_put16(packet + headers.ip + 2, (uint16_t)(nic->size - headers.ip));
        net_put16(packet + headers.ip + 10, 0);
        put_sum(packet, nic->size, headers.ip, headers.l4 - 1, headers.ip + 10);
    } else {
        net_put16(packet + headers.ip + 4, (uint16_t)(nic->size - headers.l4));
    }
    sum = (uint16_t)~net_csum_fold(net_pseudo_sum(packet, &headers, nic->size - headers.l4));
    net_put16(packet + headers.l4 + 16, sum);
    *offload = (NetOffload){
        .flags = NET_FLAG_NEEDS_CSUM,
        .gso_type = headers.family == 4 ? NET_GSO_TCPV4 : NET_GSO_TCPV6,
        .header_size = (uint16_t)headers.data,
        .gso_size = context->mss,
        .csum_start = (uint16_t)headers.l4,
        .csum_offset = 16,
    };
    return true;
}

/* ---- Packets ---- */

static bool insert_tag(E1000 *nic)
{
    if (!nic->vle || (*e1000_reg(nic, E1000_CTRL) & E1000_CTRL_VME) == 0 ||
        nic->size + 4 > sizeof(nic->packet)) {
        return false;
    }
    memmove(nic->packet + 16, nic->packet + 12, nic->size - 12);
    net_put16(nic->packet + 12, (uint16_t)*e1000_reg(nic, E1000_VET));
    net_put16(nic->packet + 14, nic->tag);
    nic->size += 4;
    return true;
}

/* Once a packet. False: it is none that can be sent. */
static bool packet_finish(E1000 *nic)
{
    NetOffload *offload = &nic->offload;

    *offload = (NetOffload){ 0 };
    if (nic->size < NET_ETH_HEADER || nic->size > NET_FRAME_MAX) {
        return false;
    }
    if (nic->tse) {
        if (!segment_prepare(nic, offload)) {
            return false;
        }
    } else {
        if ((nic->options & POPTS_TXSM) != 0) {
            transport_sum(nic, &nic->checksum, offload);
        }
        if ((nic->options & POPTS_IXSM) != 0) {
            put_sum(nic->packet, nic->size, nic->checksum.ipcss, nic->checksum.ipcse,
                    nic->checksum.ipcso);
        }
    }
    if (insert_tag(nic) && offload->flags != 0) {
        offload->csum_start = (uint16_t)(offload->csum_start + 4);
    }
    return true;
}

static NetSent packet_send(E1000 *nic)
{
    const struct iovec iov = { nic->packet, nic->size };

    if (e1000_phy_loopback(nic)) {
        e1000_receive(nic, &iov, 1, &nic->offload);
        return NET_SENT;
    }
    if (net_send(nic->port, &iov, 1, &nic->offload) == NET_WAIT) {
        return NET_WAIT;
    }
    e1000_count(nic, true, nic->packet, nic->size);
    return NET_SENT;
}

static void gather(E1000 *nic, const TxDesc *desc, uint32_t length, bool extended)
{
    uint8_t command = (uint8_t)(desc->low >> 24);

    if (nic->size == 0) {
        nic->options = extended ? (uint8_t)(desc->high >> 8) : 0;
        nic->tse = extended && (command & CMD_TSE) != 0;
    }
    if ((command & CMD_VLE) != 0) {
        nic->vle = 1;
        nic->tag = (uint16_t)(desc->high >> 16);
    }
    length = MIN(length, (uint32_t)sizeof(nic->packet) - nic->size);
    pci_dma_read(&nic->pci, desc->address, nic->packet + nic->size, length);
    nic->size += length;
}

/* Legacy descriptors have their checksum with them. */
static void legacy_sum(E1000 *nic, const TxDesc *desc)
{
    if ((desc->low >> 24 & CMD_IC) != 0) {
        put_sum(nic->packet, nic->size, desc->high >> 8 & 0xff, 0, desc->low >> 16 & 0xff);
    }
}

/* False: the cable is full; the descriptor stays the next one. */
static bool desc_process(E1000 *nic, const TxDesc *desc)
{
    bool extended = (desc->low >> 24 & CMD_DEXT) != 0;

    if (!nic->pending) {
        if (extended && (desc->low >> 20 & 15) == TYPE_CONTEXT) {
            context_load(nic, desc);
            return true;
        }
        gather(nic, desc, extended ? desc->low & LENGTH_MASK : desc->low & 0xffff, extended);
        if ((desc->low >> 24 & CMD_EOP) == 0) {
            return true;
        }
        if (!extended) {
            legacy_sum(nic, desc);
        }
        nic->pending = packet_finish(nic);
    }
    if (nic->pending && packet_send(nic) == NET_WAIT) {
        return false;
    }
    nic->pending = nic->vle = 0;
    nic->size = 0;
    return true;
}

static uint64_t ring_address(E1000 *nic, uint32_t head)
{
    return (*e1000_reg(nic, E1000_TDBAL) | (uint64_t)*e1000_reg(nic, E1000_TDBAH) << 32) +
           (uint64_t)head * E1000_DESC;
}

/* One descriptor; false ends the burst. Adds to the causes of an interrupt. */
static bool ring_step(E1000 *nic, uint32_t *causes)
{
    uint32_t n = *e1000_reg(nic, E1000_TDLEN) / E1000_DESC, *head = e1000_reg(nic, E1000_TDH);
    uint64_t at;
    TxDesc desc;

    if ((*e1000_reg(nic, E1000_TCTL) & TCTL_EN) == 0 || n == 0 || *head >= n ||
        *head == *e1000_reg(nic, E1000_TDT)) {
        return false;
    }
    at = ring_address(nic, *head);
    if (!pci_dma_read(&nic->pci, at, &desc, sizeof(desc))) {
        return false;
    }
    nic->waiting = true; /* until the cable says otherwise, maybe at once */
    if (!desc_process(nic, &desc)) {
        return false;
    }
    nic->waiting = false;
    if ((desc.low >> 24 & CMD_RS) != 0) {
        const uint32_t high = desc.high | STA_DD;

        pci_dma_write(&nic->pci, at + 12, &high, sizeof(high));
        *causes |= E1000_ICR_TXDW;
    }
    *head = *head + 1 == n ? 0 : *head + 1;
    if (*head == *e1000_reg(nic, E1000_TDT)) {
        *causes |= E1000_ICR_TXQE;
    }
    return true;
}

void e1000_transmit(void *opaque)
{
    E1000 *nic = opaque;
    uint32_t causes = 0;
    unsigned done = 0;

    while (done < BURST && !nic->waiting && ring_step(nic, &causes)) {
        done++;
    }
    if (causes != 0) {
        e1000_cause(nic, causes);
    }
    if (done == BURST) {
        deferred_schedule(nic->deferred);
    }
}
