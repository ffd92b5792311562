/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_NET_INT_H
#define HW_NET_NET_INT_H
/* net_int.h - small things that the files of this folder share. */
#include "hw/net/net.h"

size_t net_iov_size(const struct iovec *iov, unsigned n);
void net_iov_flatten(const struct iovec *iov, unsigned n, uint8_t *data); /* room for all */

static inline uint16_t net_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void net_put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline uint32_t net_get32(const uint8_t *at)
{
    return (uint32_t)net_get16(at) << 16 | net_get16(at + 2);
}

static inline void net_put32(uint8_t *at, uint32_t value)
{
    net_put16(at, (uint16_t)(value >> 16));
    net_put16(at + 2, (uint16_t)value);
}

/* Where the headers of a frame are; found without trusting any length in it. */
typedef struct NetHeaders {
    unsigned ip;    /* offset of the network header, behind VLAN tags */
    unsigned l4;    /* of the transport header; 0: none, or a later fragment */
    unsigned data;  /* behind the TCP or UDP header; 0: neither */
    uint8_t family; /* 4, 6, 0 */
    uint8_t proto;  /* IP protocol */
} NetHeaders;

enum { NET_PROTO_TCP = 6, NET_PROTO_UDP = 17 };

bool net_headers(const uint8_t *packet, size_t size, NetHeaders *headers);
/* Sum of the pseudo header for `length` bytes of transport header and data. */
uint32_t net_pseudo_sum(const uint8_t *packet, const NetHeaders *headers, uint32_t length);

#endif
