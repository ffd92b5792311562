/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.c - the policies by name. */
#include "runtime/engine/policy.h"

#include <string.h>

#include "runtime/engine/engine.h"

/* The first is the default. */
static const CachePolicy *const policies[] = {
    &policy_generational,
    &policy_fifo,
    &policy_flush,
};

const CachePolicy *policy_find(const char *name, GError **error)
{
    if (name == NULL) {
        return policies[0];
    }
    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
        if (strcmp(policies[i]->name, name) == 0) {
            return policies[i];
        }
    }
    g_set_error(error, ENGINE_ERROR, ENGINE_ERROR_UNKNOWN,
                "no cache policy '%s' (flush, fifo and generational are known)", name);
    return NULL;
}
