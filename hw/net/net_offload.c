/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net_offload.c - finishes packets whose checksum or segmentation the sender has left undone. */
#include <string.h>
#include "hw/net/net_int.h"

enum {
    TYPE_IPV4 = 0x0800,
    TYPE_IPV6 = 0x86dd,
    TYPE_VLAN = 0x8100,
    TYPE_QINQ = 0x88a8,
    IPV4_HEADER = 20,
    IPV6_HEADER = 40,
    TCP_HEADER = 20,
    UDP_HEADER = 8,
    TCP_SEQUENCE = 4,
    TCP_OFFSET = 12,
    TCP_FLAGS = 13,
    TCP_CSUM = 16,
    TCP_FIN_PSH = 0x09,
    TCP_CWR = 0x80,
    HEADERS_MAX = 256,
};

/* ---- Sums ---- */

uint32_t net_csum_add(uint32_t sum, const uint8_t *data, size_t size)
{
    uint64_t wide = 0;

    /* One's complement sums may be taken in any width and byte order; four bytes at a time. */
    for (; size >= 4; size -= 4, data += 4) {
        uint32_t word;

        memcpy(&word, data, sizeof(word));
        wide += word;
    }
    wide = (wide & 0xffffffff) + (wide >> 32);
    wide = (wide & 0xffff) + (wide >> 16 & 0xffff) + (wide >> 32);
    wide = (wide & 0xffff) + (wide >> 16);
    wide = (wide & 0xffff) + (wide >> 16);
    sum += GUINT16_SWAP_LE_BE((uint16_t)wide);
    if (size >= 2) {
        sum += net_get16(data);
        data += 2;
        size -= 2;
    }
    if (size > 0) {
        sum += (uint32_t)data[0] << 8;
    }
    return (sum & 0xffff) + (sum >> 16);
}

uint16_t net_csum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

uint32_t net_pseudo_sum(const uint8_t *packet, const NetHeaders *headers, uint32_t length)
{
    const uint8_t *ip = packet + headers->ip;
    uint32_t sum = headers->family == 4 ? net_csum_add(0, ip + 12, 8) : net_csum_add(0, ip + 8, 32);

    return sum + headers->proto + (length >> 16) + (length & 0xffff);
}

bool net_finish_csum(uint8_t *packet, size_t size, const NetOffload *offload)
{
    size_t at = (size_t)offload->csum_start + offload->csum_offset;
    uint16_t sum;

    if (at + 2 > size || offload->csum_start > size) {
        return false;
    }
    sum = net_csum_fold(net_csum_add(0, packet + offload->csum_start, size - offload->csum_start));
    net_put16(packet + at, sum != 0 ? sum : 0xffff);
    return true;
}

/* ---- Headers ---- */

static void transport_header(const uint8_t *packet, size_t size, NetHeaders *headers)
{
    unsigned l4 = headers->l4, length;

    if (headers->proto == NET_PROTO_UDP && l4 + UDP_HEADER <= size) {
        headers->data = l4 + UDP_HEADER;
    } else if (headers->proto == NET_PROTO_TCP && l4 + TCP_HEADER <= size) {
        length = (packet[l4 + TCP_OFFSET] >> 4) * 4u;
        if (length >= TCP_HEADER && l4 + length <= size) {
            headers->data = l4 + length;
        }
    }
}

bool net_headers(const uint8_t *packet, size_t size, NetHeaders *headers)
{
    unsigned at = 12;
    uint16_t type;

    *headers = (NetHeaders){ 0 };
    if (size < NET_ETH_HEADER) {
        return false;
    }
    type = net_get16(packet + at);
    for (unsigned tags = 0; tags < 2 && (type == TYPE_VLAN || type == TYPE_QINQ); tags++) {
        at += 4;
        if (at + 2 > size) {
            return false;
        }
        type = net_get16(packet + at);
    }
    at += 2;
    headers->ip = at;
    if (type == TYPE_IPV4 && at + IPV4_HEADER <= size && packet[at] >> 4 == 4) {
        unsigned length = (packet[at] & 15) * 4u;

        if (length < IPV4_HEADER || at + length > size) {
            return false;
        }
        headers->family = 4;
        headers->proto = packet[at + 9];
        if ((net_get16(packet + at + 6) & 0x1fff) == 0) {
            headers->l4 = at + length;
        }
    } else if (type == TYPE_IPV6 && at + IPV6_HEADER <= size && packet[at] >> 4 == 6) {
        headers->family = 6;
        headers->proto = packet[at + 6];
        headers->l4 = at + IPV6_HEADER;
    } else {
        return false;
    }
    if (headers->l4 != 0) {
        transport_header(packet, size, headers);
    }
    return true;
}

/* ---- Segments ---- */

static void segment_ip(uint8_t *head, const NetHeaders *headers, size_t total, uint16_t number)
{
    uint8_t *ip = head + headers->ip;

    if (headers->family == 6) {
        net_put16(ip + 4, (uint16_t)(total - headers->ip - IPV6_HEADER));
        return;
    }
    net_put16(ip + 2, (uint16_t)(total - headers->ip));
    net_put16(ip + 4, (uint16_t)(net_get16(ip + 4) + number));
    net_put16(ip + 10, 0);
    net_put16(ip + 10, net_csum_fold(net_csum_add(0, ip, headers->l4 - headers->ip)));
}

static void segment_tcp(uint8_t *head, const NetHeaders *headers, const uint8_t *data, size_t size,
                        uint32_t offset, bool last)
{
    uint8_t *tcp = head + headers->l4;
    unsigned length = headers->data - headers->l4;
    uint32_t sum;

    net_put32(tcp + TCP_SEQUENCE, net_get32(tcp + TCP_SEQUENCE) + offset);
    if (!last) {
        tcp[TCP_FLAGS] &= (uint8_t)~TCP_FIN_PSH;
    }
    if (offset != 0) {
        tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
    }
    net_put16(tcp + TCP_CSUM, 0);
    sum = net_pseudo_sum(head, headers, (uint32_t)(length + size));
    sum = net_csum_add(net_csum_add(sum, tcp, length), data, size);
    net_put16(tcp + TCP_CSUM, net_csum_fold(sum));
}

bool net_segment(const uint8_t *packet, size_t size, const NetOffload *offload,
                 bool (*each)(void *opaque, const struct iovec *iov, unsigned n), void *opaque)
{
    unsigned family = (offload->gso_type & ~NET_GSO_ECN) == NET_GSO_TCPV4   ? 4
                      : (offload->gso_type & ~NET_GSO_ECN) == NET_GSO_TCPV6 ? 6
                                                                            : 0;
    NetHeaders headers;
    uint16_t number = 0;

    if (!net_headers(packet, size, &headers) || family == 0 || headers.family != family ||
        headers.proto != NET_PROTO_TCP || headers.data == 0 || headers.data > HEADERS_MAX ||
        offload->gso_size == 0) {
        return false;
    }
    for (size_t at = headers.data; at < size || number == 0; number++) {
        uint8_t head[HEADERS_MAX];
        size_t n = MIN(size - at, offload->gso_size);
        const struct iovec iov[] = { { head, headers.data },
                                     { (uint8_t *)(uintptr_t)packet + at, n } };

        memcpy(head, packet, headers.data);
        segment_ip(head, &headers, headers.data + n, number);
        segment_tcp(head, &headers, packet + at, n, (uint32_t)(at - headers.data), at + n == size);
        if (!each(opaque, iov, n > 0 ? 2 : 1)) {
            return true;
        }
        at += n;
        if (n == 0) {
            break;
        }
    }
    return true;
}

bool net_finish_large(uint8_t *packet, size_t size)
{
    NetHeaders headers;

    if (!net_headers(packet, size, &headers) || headers.proto != NET_PROTO_TCP ||
        headers.data == 0 || size - headers.ip > UINT16_MAX) {
        return false;
    }
    segment_ip(packet, &headers, size, 0);
    segment_tcp(packet, &headers, packet + headers.data, size - headers.data, 0, true);
    return true;
}
