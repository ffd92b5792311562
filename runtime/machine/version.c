/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/version.h"

#ifndef DOPPEL_VERSION
#define DOPPEL_VERSION "0"
#endif

enum { MAJOR = 7, MINOR = 2, MICRO = 0 };
#define NUMBER  "7.2.0"
#define PACKAGE "doppel " DOPPEL_VERSION

const char *version_line(void)
{
    return "QEMU emulator version " NUMBER " (" PACKAGE ")";
}

const char *version_number(void)
{
    return NUMBER;
}

JsonObject *version_json(void)
{
    JsonObject *version = json_object_new(), *qemu = json_object_new();

    json_object_set_int_member(qemu, "micro", MICRO);
    json_object_set_int_member(qemu, "minor", MINOR);
    json_object_set_int_member(qemu, "major", MAJOR);
    json_object_set_object_member(version, "qemu", qemu);
    json_object_set_string_member(version, "package", PACKAGE);
    return version;
}
