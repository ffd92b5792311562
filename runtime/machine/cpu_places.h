/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_CPU_PLACES_H
#define RUNTIME_MACHINE_CPU_PLACES_H
/* cpu_places.h - where a CPU may be: -smp's sockets, dies, cores and threads, counted through. */
#include <json-glib/json-glib.h>
#include "runtime/machine/options.h"

/* What words say of a place; -1: nothing. */
typedef struct CpuPlace {
    int64_t socket, die, cluster, core, thread, node;
} CpuPlace;

CpuPlace cpu_place(const SmpOptions *smp, unsigned index); /* of CPU `index`; no node */
/* Does what was said of a place fit? */
bool cpu_place_matches(const CpuPlace *said, const CpuPlace *place);
/* "socket-id: 0, core-id: 1, thread-id: 0", as QEMU writes it; caller frees. */
char *cpu_place_text(const SmpOptions *smp, const CpuPlace *place);
/* CpuInstanceProperties; caller owns. */
JsonObject *cpu_place_json(const SmpOptions *smp, const CpuPlace *place);

#endif
