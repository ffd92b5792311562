/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_CMD_INT_H
#define RUNTIME_MACHINE_MONITOR_CMD_INT_H
/* cmd_int.h - what several files of commands have in common. */
#include "runtime/machine/monitor/monitor_rows.h"

/* The CPU that a monitor looks at: the `cpu` command sets it. */
unsigned call_cpu(const MonitorCall *call);

#endif
