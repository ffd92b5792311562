/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/net/ip_fragments.h"
#include <string.h>
#include "hw/net/net_int.h"

/* ip_fragments.c - a few datagrams that are open at a time, each a buffer and a map of its 8-byte
 * units. */

enum {
    OPEN_MAX = 16,
    UNIT = 8,
    DATA_MAX = 65535,
    UNITS = (DATA_MAX + UNIT) / UNIT,
    IP_LENGTH = 2,
    IP_FRAGMENT = 6,
    IP_CSUM = 10,
    IP_KEY = 12, /* addresses; with protocol and identification they name the datagram */
    MORE = 0x2000,
    OFFSET_MASK = 0x1fff,
    HEAD_MAX = 14 + 8 + 60,
};
#define OPEN_FOR (30ll * NS_PER_S)

typedef struct Datagram {
    bool used;
    uint8_t key[8], proto;
    uint16_t id;
    int64_t deadline;
    unsigned head_size; /* Ethernet and IP header of the first fragment */
    unsigned ip;        /* where the latter begins */
    unsigned end;       /* bytes of data, once the last fragment has come; 0: not yet */
    unsigned have;      /* bytes that are there */
    uint8_t head[HEAD_MAX];
    uint8_t data[DATA_MAX + UNIT];
    uint64_t unit[(UNITS + 63) / 64];
} Datagram;

struct IpFragments {
    Clock *clock;
    Datagram *open[OPEN_MAX]; /* allocated when first needed */
};

IpFragments *ip_fragments_new(Clock *clock)
{
    IpFragments *fragments = g_new0(IpFragments, 1);

    fragments->clock = clock;
    return fragments;
}

void ip_fragments_free(IpFragments *fragments)
{
    if (fragments == NULL) {
        return;
    }
    for (unsigned i = 0; i < OPEN_MAX; i++) {
        g_free(fragments->open[i]);
    }
    g_free(fragments);
}

bool ip_is_fragment(const uint8_t *frame, size_t size)
{
    NetHeaders headers;

    return net_headers(frame, size, &headers) && headers.family == 4 &&
           (net_get16(frame + headers.ip + IP_FRAGMENT) & (MORE | OFFSET_MASK)) != 0;
}

static bool same(const Datagram *open, const uint8_t *ip)
{
    return open->used && open->proto == ip[9] && open->id == net_get16(ip + 4) &&
           memcmp(open->key, ip + IP_KEY, sizeof(open->key)) == 0;
}

/* The datagram of this header: one that is open, or a new one in place of the oldest. */
static Datagram *datagram_find(IpFragments *fragments, const uint8_t *ip)
{
    int64_t now = clock_now(fragments->clock);
    unsigned place = 0;
    Datagram *open;

    for (unsigned i = 0; i < OPEN_MAX; i++) {
        open = fragments->open[i];
        if (open != NULL && same(open, ip) && now < open->deadline) {
            return open;
        }
        if (fragments->open[place] != NULL && fragments->open[place]->used &&
            (open == NULL || !open->used || open->deadline < fragments->open[place]->deadline)) {
            place = i;
        }
    }
    open = fragments->open[place];
    if (open == NULL) {
        open = fragments->open[place] = g_new(Datagram, 1);
    }
    memset(open, 0, offsetof(Datagram, data));
    memset(open->unit, 0, sizeof(open->unit));
    open->used = true;
    open->proto = ip[9];
    open->id = net_get16(ip + 4);
    memcpy(open->key, ip + IP_KEY, sizeof(open->key));
    open->deadline = now + OPEN_FOR;
    return open;
}

/* False: it does not fit the others. */
static bool datagram_put(Datagram *open, unsigned at, const uint8_t *data, unsigned size, bool more)
{
    if (at + size > DATA_MAX || (open->end != 0 && at + size > open->end) ||
        (more && size % UNIT != 0) || (!more && open->end != 0)) {
        return false;
    }
    for (unsigned i = at / UNIT; i < (at + size + UNIT - 1) / UNIT; i++) {
        if ((open->unit[i / 64] >> i % 64 & 1) != 0) {
            return false;
        }
        open->unit[i / 64] |= UINT64_C(1) << i % 64;
    }
    if (!more) {
        open->end = at + size;
        for (unsigned i = (open->end + UNIT - 1) / UNIT; i < UNITS; i++) {
            if ((open->unit[i / 64] >> i % 64 & 1) != 0) {
                return false; /* something lies behind the end */
            }
        }
    }
    memcpy(open->data + at, data, size);
    open->have += size;
    return true;
}

static size_t datagram_whole(Datagram *open, uint8_t *frame)
{
    unsigned ip = open->ip;
    uint8_t *header;

    open->used = false;
    if (open->head_size - ip + open->end > DATA_MAX) {
        return 0;
    }
    memcpy(frame, open->head, open->head_size);
    memcpy(frame + open->head_size, open->data, open->end);
    header = frame + ip;
    net_put16(header + IP_LENGTH, (uint16_t)(open->head_size - ip + open->end));
    net_put16(header + IP_FRAGMENT, 0);
    net_put16(header + IP_CSUM, 0);
    net_put16(header + IP_CSUM, net_csum_fold(net_csum_add(0, header, open->head_size - ip)));
    return open->head_size + open->end;
}

size_t ip_fragments_add(IpFragments *fragments, uint8_t *frame, size_t size)
{
    NetHeaders headers;
    unsigned header, length, place, at;
    uint8_t *ip;
    Datagram *open;

    net_headers(frame, size, &headers);
    ip = frame + headers.ip;
    header = (ip[0] & 15) * 4u;
    length = net_get16(ip + IP_LENGTH);
    place = net_get16(ip + IP_FRAGMENT);
    at = (place & OFFSET_MASK) * UNIT;
    if (length <= header || headers.ip + length > size ||
        net_csum_fold(net_csum_add(0, ip, header)) != 0) {
        return 0;
    }
    open = datagram_find(fragments, ip);
    if (!datagram_put(open, at, ip + header, length - header, (place & MORE) != 0)) {
        open->used = false;
        return 0;
    }
    if (at == 0) {
        open->ip = headers.ip;
        open->head_size = headers.ip + header;
        memcpy(open->head, frame, open->head_size);
    }
    return open->end != 0 && open->have == open->end ? datagram_whole(open, frame) : 0;
}
