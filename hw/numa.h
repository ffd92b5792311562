/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NUMA_H
#define HW_NUMA_H
/* numa.h - which memory and which CPUs are near to each other, as firmware and guest are told. */
#include <stdint.h>

enum { NUMA_NODES_MAX = 128, NUMA_DISTANCE_LOCAL = 10, NUMA_DISTANCE_REMOTE = 20 };

typedef struct NumaNodes {
    unsigned nodes;
    const uint64_t *memory;  /* bytes of each; one behind the other they are RAM */
    const uint8_t *cpu_node; /* of each CPU that there may be */
    const uint8_t *distance; /* from row to column, `nodes` by `nodes`; NULL: not told */
} NumaNodes;

#endif
