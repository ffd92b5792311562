/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SYSTEM_PEER_H
#define CHECK_SYSTEM_PEER_H
/* system_peer.h - the same tests on QEMU's translator, in batches.
 *
 * QEMU runs as a child with a file as its RAM, which both sides map; a guest of ours in it
 * (system_runner.S) takes the tests from there.  A QEMU that hangs is killed and replaced, and the
 * test it was in marked. */
#include "check/system_command.h"

typedef struct SystemPeer SystemPeer;

/* Fails if there is no qemu-system-x86_64 in PATH, or if it does not come up. */
SystemPeer *system_peer_new(GError **error);
void system_peer_free(SystemPeer *peer);

/* Memory of a test: filled in before the run, what became of it afterwards. */
uint8_t *system_peer_slot(SystemPeer *peer, unsigned i);
/* How it ended: SLOT_DONE, SLOT_RESET or SLOT_HUNG. */
uint32_t system_peer_state(const SystemPeer *peer, unsigned i);
/* Runs the first `n` slots, at most SLOT_COUNT. */
bool system_peer_run(SystemPeer *peer, unsigned n, GError **error);

/* system_peer_list.c: all of doppel-check system --peer; prints the list. Exit status. */
int system_peer_check(SystemCommand *command, GError **error);

#endif
