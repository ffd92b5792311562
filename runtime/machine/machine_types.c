/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/machine_types.h"

#include <glib.h>
#include <string.h>

#define PC(version)                                                                                \
    {                                                                                              \
        "pc-i440fx-" version, NULL, PC_DESC, false, false, NULL                                    \
    }
#define PC_DESC "Standard PC (i440FX + PIIX, 1996)"

const MachineType machine_types[] = {
    { "pc-i440fx-7.2", "pc", PC_DESC, true, false, NULL },
    PC("7.1"),
    PC("7.0"),
    PC("6.2"),
    PC("6.1"),
    PC("6.0"),
    PC("5.2"),
    PC("5.1"),
    PC("5.0"),
    PC("4.2"),
    PC("4.1"),
    PC("4.0"),
    PC("3.1"),
    PC("3.0"),
    PC("2.12"),
    PC("2.11"),
    PC("2.10"),
    PC("2.9"),
    PC("2.8"),
    PC("2.7"),
    PC("2.6"),
    PC("2.5"),
    PC("2.4"),
    PC("2.3"),
    PC("2.2"),
    PC("2.1"),
    PC("2.0"),
    PC("1.7"),
    PC("1.6"),
    PC("1.5"),
    PC("1.4"),
    { "none", NULL, "empty machine", false, true, NULL },
    { "pc-q35-7.2", "q35", "Standard PC (Q35 + ICH9, 2009)", false, false, NULL },
    { "isapc", NULL, "ISA-only PC", false, false, "pc and q35 are" },
    { "microvm", NULL, "microvm (i386)", false, false, "pc and q35 are" },
    { NULL, NULL, NULL, false, false, NULL },
};

const MachineType *machine_type_find(const char *name)
{
    if (g_str_has_prefix(name, "pc-q35-")) {
        name = "q35";
    }
    for (const MachineType *type = machine_types; type->name != NULL; type++) {
        if (strcmp(type->name, name) == 0 || g_strcmp0(type->alias, name) == 0) {
            return type;
        }
    }
    return NULL;
}
