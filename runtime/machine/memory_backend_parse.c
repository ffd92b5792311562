/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_backend_parse.c - the words of -object memory-backend-*. */
#include "runtime/machine/memory_backend.h"

#include <string.h>

#include "runtime/machine/options_int.h"

#define COMMON_KEYS                                                                                \
    "size", "share", "prealloc", "prealloc-threads", "merge", "dump", "reserve", "host-nodes",     \
        "policy", "x-use-canonical-path-for-ramblock-id"

const char *const memory_backend_ram_keys[] = { COMMON_KEYS, NULL };
const char *const memory_backend_memfd_keys[] = { COMMON_KEYS, "seal", "hugetlb", "hugetlbsize",
                                                  NULL };
const char *const memory_backend_file_keys[] = { COMMON_KEYS, "mem-path", "align", "discard-data",
                                                 "pmem",      "readonly", NULL };

static const char *kind_name(MemoryBackendKind kind)
{
    static const char *const names[] = { "memory-backend-ram", "memory-backend-memfd",
                                         "memory-backend-file" };

    return names[kind];
}

static bool switch_read(const KeyValues *values, const char *key, bool *result, GError **error)
{
    if (keyval_bool(values, key, result, NULL)) {
        return true;
    }
    return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter '%s' expects 'on' or 'off'", key);
}

/* A number of bytes that is not 0. */
static bool size_read(const KeyValues *values, const char *key, MemoryBackendKind kind,
                      uint64_t *size, GError **error)
{
    const char *text = keyval_get(values, key);

    if (text == NULL) {
        return true;
    }
    if (!size_parse(text, 1, size)) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter '%s' expects a size value", key);
    }
    if (*size == 0) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "property '%s' of %s doesn't take value '0'",
                           key, kind_name(kind));
    }
    return true;
}

static bool policy_read(const KeyValues *values, MemoryBackendInfo *info, GError **error)
{
    const char *text = keyval_get(values, "policy");

    for (unsigned i = 0; text != NULL; i++) {
        if (memory_policy_names[i] == NULL) {
            return option_fail(error, OPTIONS_ERROR_VALUE,
                               "Parameter 'policy' does not accept value '%s'", text);
        }
        if (strcmp(memory_policy_names[i], text) == 0) {
            info->policy = (MemoryPolicy)i;
            return true;
        }
    }
    return true;
}

/* "0", "0-3"; the key may stand several times. */
static bool nodes_read(const KeyValues *values, MemoryBackendInfo *info, GError **error)
{
    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);
        uint64_t first, last;

        if (strcmp(pair->key, "host-nodes") != 0) {
            continue;
        }
        if (!range_parse(pair->value, MEMORY_HOST_NODES - 1, &first, &last)) {
            return option_fail(error, OPTIONS_ERROR_VALUE,
                               "Parameter 'host-nodes' expects numbers from 0 to %d, or a range",
                               MEMORY_HOST_NODES - 1);
        }
        for (uint64_t node = first; node <= last; node++) {
            info->host_nodes[node / 64] |= 1ull << (node % 64);
        }
    }
    return true;
}

static bool common_read(const KeyValues *values, MemoryBackendKind kind, MemoryBackendInfo *info,
                        GError **error)
{
    uint64_t threads = 1;

    if (keyval_get(values, "size") == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'size' is missing");
    }
    return size_read(values, "size", kind, &info->size, error) &&
           size_read(values, "prealloc-threads", kind, &threads, error) &&
           switch_read(values, "share", &info->share, error) &&
           switch_read(values, "prealloc", &info->prealloc, error) &&
           switch_read(values, "merge", &info->merge, error) &&
           switch_read(values, "dump", &info->dump, error) &&
           switch_read(values, "reserve", &info->reserve, error) &&
           policy_read(values, info, error) && nodes_read(values, info, error);
}

static bool memfd_read(const KeyValues *values, MemoryBackendInfo *info, GError **error)
{
    bool huge = false;

    if (!switch_read(values, "seal", &info->seal, error) ||
        !switch_read(values, "hugetlb", &huge, error)) {
        return false;
    }
    if (huge) {
        return option_fail(error, OPTIONS_ERROR_REFUSED,
                           "hugetlb=on: guest memory cannot lie in hugetlbfs; memory elsewhere has "
                           "huge pages where the host has them for the asking");
    }
    return true;
}

static bool file_read(const KeyValues *values, MemoryBackendInfo *info, GError **error)
{
    bool persistent = false;
    uint64_t align = 1;

    info->path = (char *)keyval_get(values, "mem-path");
    if (info->path == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'mem-path' is missing");
    }
    if (!size_read(values, "align", MEMORY_FILE, &align, error) ||
        !switch_read(values, "discard-data", &info->discard, error) ||
        !switch_read(values, "readonly", &info->readonly, error) ||
        !switch_read(values, "pmem", &persistent, error)) {
        return false;
    }
    if (persistent) {
        return option_fail(error, OPTIONS_ERROR_REFUSED, "pmem=on: there is no persistent memory");
    }
    if (info->readonly && info->share) {
        return option_fail(error, OPTIONS_ERROR_REFUSED,
                           "readonly=on: a guest's memory is written; share=off leaves the file "
                           "as it is");
    }
    return true;
}

MemoryBackend *memory_backend_parse(MemoryBackendKind kind, const KeyValues *values, bool prealloc,
                                    GError **error)
{
    MemoryBackendInfo info;

    memory_backend_defaults(&info, prealloc);
    info.id = (char *)keyval_get(values, "id");
    info.share = kind == MEMORY_MEMFD;
    if (!common_read(values, kind, &info, error) ||
        (kind == MEMORY_MEMFD && !memfd_read(values, &info, error)) ||
        (kind == MEMORY_FILE && !file_read(values, &info, error))) {
        return NULL;
    }
    info.discard = info.discard && info.share;
    return memory_backend_new(&info, error);
}
