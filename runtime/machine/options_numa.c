/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_numa.c - -numa: kept as it is, numa.c makes nodes of it; and RAM that is an object. */
#include "runtime/machine/options_int.h"

#include <string.h>

bool option_numa(Options *options, const char *value, GError **error)
{
    static const char *const types[] = { "node", "cpu", "dist", NULL };
    static const char *const refused[] = { "hmat-lb", "hmat-cache", NULL };
    const KeyValues *values = options_keep_words(options->numas, "-numa", value, "type");
    const char *type = keyval_get(values, "type");

    if (type != NULL && g_strv_contains(types, type)) {
        return true;
    }
    if (type != NULL && g_strv_contains(refused, type)) {
        return option_fail(error, OPTIONS_ERROR_REFUSED, "there is no HMAT; dist tells distances");
    }
    return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'type' does not accept value '%s'",
                       type != NULL ? type : "");
}

static const KeyValues *object_find(const Options *options, const char *id)
{
    for (guint i = 0; i < options->objects->len; i++) {
        const NetOption *option = g_ptr_array_index(options->objects, i);
        const char *type = keyval_get(option->values, "qom-type");

        if (type != NULL && g_str_has_prefix(type, "memory-backend-") &&
            g_strcmp0(keyval_get(option->values, "id"), id) == 0) {
            return option->values;
        }
    }
    return NULL;
}

bool options_finish_memory(Options *options, GError **error)
{
    const char *id = options->memory_backend, *text;
    const KeyValues *values;
    uint64_t size;

    if (id == NULL) {
        return true;
    }
    values = object_find(options, id);
    if (values == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Memory backend '%s' not found", id);
    }
    if (options->mem_path != NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "'-mem-path' can't be used together with '-machine memory-backend'");
    }
    text = keyval_get(values, "size");
    if (text == NULL || !size_parse(text, 1, &size)) {
        return true; /* the object will be refused, in words */
    }
    if (options->ram_given && size != options->ram) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "Machine memory size does not match the size of the memory backend");
    }
    options->ram = size;
    return options_ram_check(size, error);
}
