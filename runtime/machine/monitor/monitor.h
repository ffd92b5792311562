/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_MONITOR_H
#define RUNTIME_MACHINE_MONITOR_MONITOR_H
/* monitor.h - the monitors of a machine: people's and programs' (QMP), each on a character device.
 *
 * Input is taken where the character device delivers it, and executed from the main loop, without
 * the device lock, one command at a time and monitor.  What a client does not read makes its own
 * monitor wait; events that find its queue full are dropped whole.
 */
#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>
#include "hw/char/chardev.h"

typedef struct Machine Machine;
typedef struct Monitor Monitor;
typedef struct Monitors Monitors; /* all of one machine */

typedef enum MonitorMode { MONITOR_READLINE, MONITOR_CONTROL, MONITOR_CONTROL_PRETTY } MonitorMode;

Monitors *monitors_new(Machine *machine);
void monitors_free(Monitors *monitors); /* before the character devices */
/* One more monitor, from now on. false: the character device is in use. */
bool monitors_add(Monitors *monitors, CharDev *chr, MonitorMode mode, GError **error);

/* Any thread. Tells every client an event of the rows; takes over `data`, NULL: none. */
void monitors_event(Monitors *monitors, const char *name, JsonObject *data);

/* Main thread, without the device lock: one line as from a person; its output. */
char *monitors_execute(Monitors *monitors, const char *line);

/* A descriptor that a client has named with getfd; -1: there is none. The caller owns it now. */
int monitors_take_fd(Monitors *monitors, const char *name);

#endif
