/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_QOM_INT_H
#define RUNTIME_MACHINE_MONITOR_QOM_INT_H
/* qom_int.h - what types and the tree of objects have in common. */
#include "runtime/machine/monitor/monitor_int.h"

typedef struct QomName {
    const char *name, *type;
} QomName;

/* That every device has; that every CPU has besides. A NULL name ends them. */
extern const QomName qom_device_common[], qom_cpu_common[];

#endif
