/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/numa.h"

#include <stdio.h>
#include <string.h>

#include "runtime/machine/cpu_places.h"
#include "runtime/machine/options_int.h"

enum { NOWHERE = UINT8_MAX }; /* of a CPU that no option has named */

struct Numa {
    const Options *options;
    const Objects *objects;
    unsigned given, limit; /* nodes; the highest number and one */
    bool present[NUMA_NODES_MAX];
    uint64_t memory[NUMA_NODES_MAX];
    MemoryBackend *backend[NUMA_NODES_MAX];
    bool by_size, by_backend; /* some node has mem=, memdev= */
    uint8_t *cpu_node;
    NumaDistances distances;
    uint8_t *matrix; /* of the distances, without gaps; NULL: none were said */
    NumaNodes board;
};

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(OPTIONS_ERROR, OPTIONS_ERROR_VALUE, format, args));
    va_end(args);
    return false;
}

/* ---- node ---- */

static bool cpu_put(Numa *numa, unsigned cpu, unsigned node, GError **error)
{
    if (numa->cpu_node[cpu] != NOWHERE) {
        return fail(error, "CPU is already assigned to node-id: %u", numa->cpu_node[cpu]);
    }
    numa->cpu_node[cpu] = (uint8_t)node;
    return true;
}

/* cpus=0-3,cpus=7 */
static bool node_cpus(Numa *numa, unsigned node, const KeyValues *values, GError **error)
{
    unsigned most = numa->options->smp.maxcpus;

    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);
        uint64_t first, last;

        if (strcmp(pair->key, "cpus") != 0) {
            continue;
        }
        if (!range_parse(pair->value, UINT16_MAX, &first, &last)) {
            return fail(error, "Parameter 'cpus' expects a number, or a range of them");
        }
        for (uint64_t cpu = first; cpu <= last; cpu++) {
            if (cpu >= most) {
                return fail(error, "CPU index (%u) should be smaller than maxcpus (%u)",
                            (unsigned)cpu, most);
            }
            if (!cpu_put(numa, (unsigned)cpu, node, error)) {
                return false;
            }
        }
    }
    return true;
}

static bool node_memory(Numa *numa, unsigned node, const KeyValues *values, GError **error)
{
    const char *size = keyval_get(values, "mem"), *id = keyval_get(values, "memdev");

    numa->by_size = numa->by_size || size != NULL;
    numa->by_backend = numa->by_backend || id != NULL;
    if (numa->by_size && numa->by_backend) {
        return fail(error, "numa configuration should use either mem= or memdev=,mixing both is "
                           "not allowed");
    }
    if (size != NULL && !size_parse(size, 1 << 20, &numa->memory[node])) {
        return fail(error, "Parameter 'mem' expects a size value");
    }
    if (id != NULL) {
        numa->backend[node] = objects_find(numa->objects, "memory-backend", id);
        if (numa->backend[node] == NULL) {
            return fail(error, "memdev=%s: no memory backend has this id", id);
        }
        numa->memory[node] = memory_backend_info(numa->backend[node])->size;
    }
    return true;
}

static bool node_add(Numa *numa, const KeyValues *values, GError **error)
{
    static const char *const known[] = { "type", "nodeid", "cpus", "mem", "memdev", NULL };
    uint64_t node = numa->given;

    if (!keyval_check(values, known, error) ||
        !keyval_number(values, "nodeid", UINT16_MAX, &node, error)) {
        return false;
    }
    if (node >= NUMA_NODES_MAX) {
        return fail(error, "Max number of NUMA nodes reached: %u", (unsigned)node);
    }
    if (numa->present[node]) {
        return fail(error, "Duplicate NUMA nodeid: %u", (unsigned)node);
    }
    numa->present[node] = true;
    numa->given++;
    numa->limit = MAX(numa->limit, (unsigned)node + 1);
    return node_cpus(numa, (unsigned)node, values, error) &&
           node_memory(numa, (unsigned)node, values, error);
}

/* ---- cpu ---- */

static bool place_read(const KeyValues *values, CpuPlace *place, GError **error)
{
    const struct {
        const char *key;
        int64_t *where;
    } rows[] = {
        { "node-id", &place->node },     { "socket-id", &place->socket },
        { "die-id", &place->die },       { "core-id", &place->core },
        { "thread-id", &place->thread }, { "cluster-id", &place->cluster },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        uint64_t number;

        *rows[i].where = -1;
        if (keyval_get(values, rows[i].key) != NULL) {
            if (!keyval_number(values, rows[i].key, INT16_MAX, &number, error)) {
                return false;
            }
            *rows[i].where = (int64_t)number;
        }
    }
    return true;
}

static bool place_check(const Numa *numa, const CpuPlace *said, GError **error)
{
    if (said->node < 0) {
        return fail(error, "Missing mandatory node-id property");
    }
    if (said->node >= NUMA_NODES_MAX || !numa->present[said->node]) {
        return fail(error,
                    "Invalid node-id=%d, NUMA node must be defined with -numa node,nodeid=ID "
                    "before it's used with -numa cpu,node-id=ID",
                    (int)said->node);
    }
    if (said->cluster >= 0) {
        return fail(error, "cluster-id is not supported");
    }
    if (said->die >= 0 && numa->options->smp.dies == 1) {
        return fail(error, "die-id is not supported");
    }
    return true;
}

static bool cpu_add(Numa *numa, const KeyValues *values, GError **error)
{
    static const char *const known[] = { "type",    "node-id",   "socket-id",  "die-id",
                                         "core-id", "thread-id", "cluster-id", NULL };
    bool found = false;
    CpuPlace said;

    if (!keyval_check(values, known, error) || !place_read(values, &said, error) ||
        !place_check(numa, &said, error)) {
        return false;
    }
    for (unsigned i = 0; i < numa->options->smp.maxcpus; i++) {
        CpuPlace place = cpu_place(&numa->options->smp, i);

        if (cpu_place_matches(&said, &place)) {
            found = true;
            if (!cpu_put(numa, i, (unsigned)said.node, error)) {
                return false;
            }
        }
    }
    return found || fail(error, "no match found");
}

/* ---- All ---- */

static bool option_add(Numa *numa, const KeyValues *values, GError **error)
{
    const char *type = keyval_get(values, "type");

    if (g_strcmp0(type, "node") == 0) {
        return node_add(numa, values, error);
    }
    if (g_strcmp0(type, "cpu") == 0) {
        return cpu_add(numa, values, error);
    }
    return numa_distance_add(&numa->distances, numa->present, values, error);
}

static bool options_add(Numa *numa, GError **error)
{
    const GPtrArray *list = numa->options->numas;

    for (guint i = 0; i < list->len; i++) {
        const NetOption *option = g_ptr_array_index(list, i);

        if (!option_add(numa, option->values, error)) {
            g_prefix_error(error, "%s: ", option->words);
            return false;
        }
    }
    return true;
}

static bool memory_check(const Numa *numa, GError **error)
{
    uint64_t all = 0;

    for (unsigned i = numa->limit; i > 0; i--) {
        if (!numa->present[i - 1]) {
            return fail(error, "numa: Node ID missing: %u", i - 1);
        }
        all += numa->memory[i - 1];
    }
    if (all != numa->options->ram) {
        return fail(error,
                    "total memory for NUMA nodes (0x%" G_GINT64_MODIFIER
                    "x) should equal RAM size (0x%" G_GINT64_MODIFIER "x)",
                    all, numa->options->ram);
    }
    if (numa->by_backend && numa->options->memory_backend != NULL) {
        return fail(error, "'-machine memory-backend' and '-numa memdev' properties are mutually "
                           "exclusive");
    }
    return true;
}

static void warn_of_cpus(const GString *lost)
{
    if (lost->len != 0) {
        fprintf(stderr,
                "doppel: warning: CPU(s) not present in any NUMA nodes: %s\n"
                "doppel: warning: All CPU(s) up to maxcpus should be described in NUMA config; "
                "these are in node 0\n",
                lost->str);
    }
}

/* CPUs that nobody named: by socket if none was, else in node 0. */
static void cpus_complete(Numa *numa)
{
    const SmpOptions *smp = &numa->options->smp;
    g_autoptr(GString) lost = g_string_new(NULL);
    bool none = true;

    for (unsigned i = 0; i < smp->maxcpus; i++) {
        none = none && numa->cpu_node[i] == NOWHERE;
    }
    for (unsigned i = 0; i < smp->maxcpus; i++) {
        CpuPlace place = cpu_place(smp, i);

        if (numa->cpu_node[i] != NOWHERE) {
            continue;
        }
        if (none) {
            numa->cpu_node[i] = (uint8_t)(place.socket % numa->limit);
        } else {
            g_autofree char *text = cpu_place_text(smp, &place);

            numa->cpu_node[i] = 0;
            g_string_append_printf(lost, "%sCPU %u [%s]", lost->len != 0 ? ", " : "", i, text);
        }
    }
    warn_of_cpus(lost);
}

static void board_fill(Numa *numa)
{
    unsigned n = numa->limit;

    if (numa->distances.said) {
        numa->matrix = g_malloc((gsize)n * n);
        for (unsigned i = 0; i < n; i++) {
            memcpy(numa->matrix + (size_t)i * n, numa->distances.of[i], n);
        }
    }
    numa->board = (NumaNodes){ n, numa->memory, numa->cpu_node, numa->matrix };
}

Numa *numa_new(const Options *options, const Objects *objects, GError **error)
{
    Numa *numa = g_new0(Numa, 1);

    numa->options = options;
    numa->objects = objects;
    numa->cpu_node = g_malloc(options->smp.maxcpus);
    memset(numa->cpu_node, NOWHERE, options->smp.maxcpus);
    if (!options_add(numa, error) ||
        (numa->limit != 0 && (!memory_check(numa, error) ||
                              !numa_distances_complete(&numa->distances, numa->limit, error)))) {
        numa_free(numa);
        return NULL;
    }
    if (numa->limit != 0) {
        cpus_complete(numa);
        board_fill(numa);
    }
    return numa;
}

void numa_free(Numa *numa)
{
    g_free(numa->cpu_node);
    g_free(numa->matrix);
    g_free(numa);
}

unsigned numa_nodes(const Numa *numa)
{
    return numa->limit;
}

uint64_t numa_memory(const Numa *numa, unsigned node)
{
    return numa->memory[node];
}

MemoryBackend *numa_backend(const Numa *numa, unsigned node)
{
    return numa->backend[node];
}

unsigned numa_cpu_node(const Numa *numa, unsigned cpu)
{
    return numa->limit != 0 ? numa->cpu_node[cpu] : 0;
}

const NumaNodes *numa_board(const Numa *numa)
{
    return numa->limit != 0 ? &numa->board : NULL;
}
