/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_GDBSTUB_GDBSTUB_H
#define RUNTIME_MACHINE_GDBSTUB_GDBSTUB_H
/* gdbstub.h - a debugger outside of the guest, by gdb's remote serial protocol (Debugging with GDB,
 * appendix E). The machine stands while somebody attaches, and goes on when he leaves. vCPUs are
 * threads, numbered from 1. Main thread. */
#include <glib.h>
#include <stdbool.h>
#include "hw/char/chardev.h"

typedef struct Machine Machine;
typedef struct GdbStub GdbStub;

/* false: the character device is in use. */
GdbStub *gdbstub_new(Machine *machine, CharDev *chr, GError **error);
void gdbstub_free(GdbStub *stub); /* before the character device */
/* The machine stands now: somebody may wait for that. */
void gdbstub_stopped(GdbStub *stub);
/* A CPU has been plugged in: breakpoints hold for it, too. */
void gdbstub_cpu_came(GdbStub *stub);

#endif
