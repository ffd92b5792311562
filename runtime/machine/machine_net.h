/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_NET_H
#define RUNTIME_MACHINE_MACHINE_NET_H
/* machine_net.h - a machine's networks: host ends by id, hubs, and the cards that -nic and -net ask
 * for. */
#include "hw/board.h"
#include "hw/net/netdev.h"
#include "runtime/machine/options.h"

typedef struct MachineNet MachineNet;

/* What -netdev, -net and -nic say, or the default: a card with user networking. */
MachineNet *machine_net_new(const Options *options, const NetHost *host, GError **error);
/* After the cards are gone. */
void machine_net_free(MachineNet *net);
/* Plugs in the cards that are not -device's. */
bool machine_net_plug(MachineNet *net, Board *board, GError **error);

/* netdev_add: `values` has type and id. */
bool machine_net_add(MachineNet *net, const KeyValues *values, GError **error);
bool machine_net_remove(MachineNet *net, const char *id, GError **error); /* netdev_del */
NetPort *machine_net_find(const MachineNet *net, const char *id);         /* NULL: there is none */
/* The host end of that id, or the only one with user networking if `id` is NULL. */
NetPort *machine_net_find_user(const MachineNet *net, const char *id, GError **error);
void machine_net_each(const MachineNet *net, void (*visit)(void *opaque, NetPort *port),
                      void *opaque);

void nic_models_print(void); /* -nic model=help */

#endif
