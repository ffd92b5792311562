/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_VERSION_H
#define RUNTIME_MACHINE_VERSION_H
/* version.h - whom doppel says it is: the QEMU that its interfaces are those of, and itself. */
#include <json-glib/json-glib.h>

const char *version_line(void);   /* "QEMU emulator version 7.2.0 (doppel 0.2)" */
const char *version_number(void); /* "7.2.0" */
/* {"qemu": {"micro": 0, ...}, "package": "doppel 0.2"}, owned by the caller */
JsonObject *version_json(void);

#endif
