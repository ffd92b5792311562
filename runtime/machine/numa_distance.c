/* SPDX-License-Identifier: GPL-2.0-or-later */
/* numa_distance.c - -numa dist. */
#include "runtime/machine/numa.h"

#include "runtime/machine/options_int.h"

static bool number_read(const KeyValues *values, const char *key, uint64_t most, uint64_t *result,
                        GError **error)
{
    const char *text = keyval_get(values, key);

    if (text == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter '%s' is missing", key);
    }
    if (!number_parse(text, most, result)) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "Parameter '%s' expects an integer between 0 and %u", key,
                           (unsigned)most);
    }
    return true;
}

bool numa_distance_add(NumaDistances *distances, const bool *present, const KeyValues *values,
                       GError **error)
{
    static const char *const known[] = { "type", "src", "dst", "val", NULL };
    uint64_t from, to, far;

    if (!keyval_check(values, known, error) ||
        !number_read(values, "src", NUMA_NODES_MAX - 1, &from, error) ||
        !number_read(values, "dst", NUMA_NODES_MAX - 1, &to, error) ||
        !number_read(values, "val", UINT8_MAX, &far, error)) {
        return false;
    }
    if (!present[from] || !present[to]) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "Source/Destination NUMA node is missing. Please use '-numa node' "
                           "option to declare it first.");
    }
    if (far < NUMA_DISTANCE_LOCAL) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "NUMA distance (%u) is invalid, it shouldn't be less than %d.",
                           (unsigned)far, NUMA_DISTANCE_LOCAL);
    }
    if (from == to && far != NUMA_DISTANCE_LOCAL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Local distance of node %u should be %d.",
                           (unsigned)from, NUMA_DISTANCE_LOCAL);
    }
    distances->of[from][to] = (uint8_t)far;
    distances->said = true;
    return true;
}

/* Each pair in one direction at least; in both, where some pair has two that differ. */
static bool distances_check(const NumaDistances *distances, unsigned nodes, GError **error)
{
    bool differ = false, lack = false;

    for (unsigned a = 0; a < nodes; a++) {
        for (unsigned b = a + 1; b < nodes; b++) {
            uint8_t there = distances->of[a][b], back = distances->of[b][a];

            if (there == 0 && back == 0) {
                return option_fail(error, OPTIONS_ERROR_VALUE,
                                   "The distance between node %u and %u is missing, at least one "
                                   "distance value between each nodes should be provided.",
                                   a, b);
            }
            lack = lack || there == 0 || back == 0;
            differ = differ || (there != 0 && back != 0 && there != back);
        }
    }
    if (lack && differ) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "At least one asymmetrical pair of distances is given, please provide "
                           "distances for both directions of all node pairs.");
    }
    return true;
}

bool numa_distances_complete(NumaDistances *distances, unsigned nodes, GError **error)
{
    if (!distances->said) {
        return true;
    }
    if (!distances_check(distances, nodes, error)) {
        return false;
    }
    for (unsigned a = 0; a < nodes; a++) {
        for (unsigned b = 0; b < nodes; b++) {
            uint8_t back = a == b ? NUMA_DISTANCE_LOCAL : distances->of[b][a];

            if (distances->of[a][b] == 0) {
                distances->of[a][b] = back;
            }
        }
    }
    return true;
}
