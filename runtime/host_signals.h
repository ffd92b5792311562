/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_HOST_SIGNALS_H
#define RUNTIME_HOST_SIGNALS_H
/* host_signals.h - the process's signals: INT, TERM and HUP end the machine in good order; whatever
 * kills the process restores the terminal first. */
#include "runtime/machine.h"

/* Once, by the program. */
void host_signals_watch(Machine *machine);

#endif
