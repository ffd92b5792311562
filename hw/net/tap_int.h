/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_TAP_INT_H
#define HW_NET_TAP_INT_H
/* tap_int.h - interfaces made, by ourselves or by the bridge helper, and the scripts that set them
 * up. */
#include "hw/net/netdev.h"

int tap_open(const NetTapOptions *options, GError **error); /* -1: none can be had */
/* Runs `script` with the interface's name, and waits. */
bool tap_script(const char *script, const char *ifname, GError **error);

#endif
