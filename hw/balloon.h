/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BALLOON_H
#define HW_BALLOON_H
/* balloon.h - what monitors ask of the memory balloon (virtio_balloon_pci.c). With the device lock
 * held. */
#include "hw/board.h"

enum { BALLOON_STATS = 10 }; /* by the tags of virtio 1.2, section 5.5.6.3.1 */

typedef struct BalloonStats {
    uint64_t value[BALLOON_STATS]; /* UINT64_MAX: not told */
    int64_t last_update;           /* seconds since the epoch, 0: never */
} BalloonStats;

Device *balloon_find(Board *board);             /* NULL: there is none */
uint64_t balloon_actual(const Device *balloon); /* bytes that the guest has */
void balloon_set_target(Device *balloon, uint64_t bytes);
const BalloonStats *balloon_stats(const Device *balloon);
void balloon_set_interval(Device *balloon, uint32_t seconds); /* 0: statistics are not asked for */

#endif
