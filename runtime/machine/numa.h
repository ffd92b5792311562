/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_NUMA_H
#define RUNTIME_MACHINE_NUMA_H
/* numa.h - what -numa says: nodes, the memory and the CPUs of each, how far it is between them. */
#include <glib.h>
#include "hw/numa.h"
#include "runtime/machine/memory_backend.h"
#include "runtime/machine/objects.h"
#include "runtime/machine/options.h"

typedef struct Numa Numa;

/* All -numa options, in order; RAM is to be what the nodes have. Warns on stderr of CPUs that are
 * in no node. */
Numa *numa_new(const Options *options, const Objects *objects, GError **error);
void numa_free(Numa *numa);

unsigned numa_nodes(const Numa *numa); /* 0: there is no -numa node */
uint64_t numa_memory(const Numa *numa, unsigned node);
/* NULL: its memory is a part of what -m says. */
MemoryBackend *numa_backend(const Numa *numa, unsigned node);
unsigned numa_cpu_node(const Numa *numa, unsigned cpu); /* 0 without nodes */
/* NULL: there are no nodes. */
const NumaNodes *numa_board(const Numa *numa);

/* numa_distance.c, for numa.c. One "dist" option; all of them are there. */
typedef struct NumaDistances {
    uint8_t of[NUMA_NODES_MAX][NUMA_NODES_MAX]; /* 0: not said */
    bool said;
} NumaDistances;
bool numa_distance_add(NumaDistances *distances, const bool *present, const KeyValues *values,
                       GError **error);
/* What is not said is that of the other direction. */
bool numa_distances_complete(NumaDistances *distances, unsigned nodes, GError **error);

#endif
