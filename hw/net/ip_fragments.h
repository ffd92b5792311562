/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_IP_FRAGMENTS_H
#define HW_NET_IP_FRAGMENTS_H
/* ip_fragments.h - puts IPv4 datagrams together again (RFC 791, section 3.2).
 *
 * libslirp 4.7 does so as well, but reads wild addresses where fragments do not fit each other; so
 * it gets whole datagrams only.  Fragments that overlap, or that leave more than a few datagrams
 * open, cost the datagram. */
#include "hw/clock.h"
#include "hw/net/net.h"

typedef struct IpFragments IpFragments;

IpFragments *ip_fragments_new(Clock *clock);
void ip_fragments_free(IpFragments *fragments);

/* Is the frame a fragment of an IPv4 datagram? */
bool ip_is_fragment(const uint8_t *frame, size_t size);
/* Takes a fragment; where it was the last one missing, the frame of the whole datagram is in
 * `frame` (room for NET_FRAME_MAX bytes) and its size is returned. Otherwise 0. */
size_t ip_fragments_add(IpFragments *fragments, uint8_t *frame, size_t size);

#endif
