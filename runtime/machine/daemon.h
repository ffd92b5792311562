/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_DAEMON_H
#define RUNTIME_MACHINE_DAEMON_H
/* daemon.h - -daemonize: the process that the shell waits for ends when another one, without a
 * terminal, is ready, or with its failure. */
#include <glib.h>
#include <stdbool.h>

/* Before there are threads. In the process that goes on: a descriptor for daemon_ready; the other
 * one does not come back, but for a failure (-1). */
int daemon_fork(GError **error);
/* Lets the first process end with status 0, and lets go of the terminal. */
void daemon_ready(int fd);

#endif
