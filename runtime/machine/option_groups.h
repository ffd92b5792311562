/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_OPTION_GROUPS_H
#define RUNTIME_MACHINE_OPTION_GROUPS_H
/* option_groups.h - which parameters the values of options have, by the names that
 * query-command-line-options has for them. Handlers check what they are given against the same
 * rows.
 */
#include "runtime/machine/keyval.h"

typedef struct OptionGroup {
    const char *name;
    const char *parameters; /* "name:type ...": string, boolean, number, size */
} OptionGroup;

extern const OptionGroup option_groups[];               /* a NULL name ends them */
const OptionGroup *option_group_find(const char *name); /* NULL: there is none */

/* Is every key one of the group's? Names the first that is not. */
bool option_group_check(const char *name, const KeyValues *values, GError **error);

#endif
