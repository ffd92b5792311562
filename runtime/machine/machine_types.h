/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_TYPES_H
#define RUNTIME_MACHINE_MACHINE_TYPES_H
/* machine_types.h - what -machine can be, and its names. A versioned name means today's machine:
 * what QEMU keeps of old ones for migration between its releases is not kept. */
#include <stdbool.h>

typedef struct MachineType {
    const char *name;
    const char *alias; /* NULL: none */
    const char *desc;
    bool is_default;
    bool empty;          /* no board, no CPU: to ask what there is */
    const char *refusal; /* why it cannot be had; NULL: it can */
} MachineType;

extern const MachineType machine_types[]; /* name NULL ends it */
/* By name or alias; NULL: there is none. */
const MachineType *machine_type_find(const char *name);

#endif
