/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DEFERRED_H
#define HW_DEFERRED_H
/* deferred.h - work that a device leaves to the main thread: a vCPU that rings a doorbell goes on
 * at once, and what piles up until the main thread comes is done in one go.  The callback runs on
 * the main thread with the device lock held. */
#include <stdbool.h>
#include "softmmu/physmap.h"

typedef struct Deferred Deferred;

/* The lock is that of `map`. */
Deferred *deferred_new(PhysMap *map, void (*run)(void *opaque), void *opaque);
void deferred_free(Deferred *deferred);
/* Once, however often it is asked for until then. With the device lock held. */
void deferred_schedule(Deferred *deferred);
void deferred_cancel(Deferred *deferred);

#endif
