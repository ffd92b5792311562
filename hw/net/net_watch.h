/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_NET_WATCH_H
#define HW_NET_NET_WATCH_H
/* net_watch.h - a descriptor in the main loop; what is called has the device lock.  With the lock
 * held it can be changed and freed on any thread, and nothing is called afterwards. */
#include "hw/net/netdev.h"

typedef struct NetWatch NetWatch;

/* Waits for nothing at first. */
NetWatch *net_watch_new(const NetHost *host, int fd,
                        void (*ready)(void *opaque, GIOCondition condition), void *opaque);
void net_watch_set(NetWatch *watch, GIOCondition condition); /* 0: nothing, not even its end */
void net_watch_free(NetWatch *watch); /* NULL is allowed; the fd stays open */

#endif
