/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_INCOMING_H
#define RUNTIME_MACHINE_INCOMING_H
/* incoming.h - where a saved machine comes from, and where one goes to, in QEMU's words: file:PATH,
 * exec:COMMAND (its output or input), fd:N. */
#include <glib.h>
#include "runtime/machine/machine.h"

/* A descriptor that the caller closes; -1 with an error that names the words. */
int incoming_open(const char *uri, GError **error);
int outgoing_open(const char *uri, GError **error);

/* -incoming and migrate-incoming: opens, loads. The machine stands. */
bool machine_incoming(Machine *machine, const char *uri, GError **error);

#define INCOMING_ERROR incoming_error_quark()
GQuark incoming_error_quark(void);
typedef enum IncomingError { INCOMING_ERROR_WORDS, INCOMING_ERROR_OPEN } IncomingError;

#endif
