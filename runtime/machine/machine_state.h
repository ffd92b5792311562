/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_STATE_H
#define RUNTIME_MACHINE_MACHINE_STATE_H
/* machine_state.h - a whole machine written to a file descriptor, and read into a machine of the
 * same configuration: what snapshots and migration are made of.
 *
 * Main thread, without the device lock; the machine stands (machine_pause, machine_hold).  Disk
 * requests that are under way are waited for.  What is the host's - files, sockets, terminals - is
 * not in it. */
#include "runtime/machine/machine.h"

bool machine_save(Machine *machine, int fd, GError **error);
/* After a failure the machine is in no state to run; reset it or end it. */
bool machine_load(Machine *machine, int fd, GError **error);

#endif
