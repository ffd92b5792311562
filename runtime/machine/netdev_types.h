/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_NETDEV_TYPES_H
#define RUNTIME_MACHINE_NETDEV_TYPES_H
/* netdev_types.h - host ends of networks by the words of -netdev. */
#include "hw/net/netdev.h"
#include "runtime/machine/keyval.h"

/* `values` has type=, maybe id=, and what that type knows; hubport is not among them. */
NetPort *netdev_open(const NetHost *host, const KeyValues *values, GError **error);
void netdev_types_print(void); /* -netdev help */

#endif
