/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_SECRET_H
#define RUNTIME_MACHINE_SECRET_H
/* secret.h - -object secret: a password that stands in a file or behind data=, so that it is not
 * said where it is used (-vnc password-secret=). */
#include "runtime/machine/keyval.h"

typedef struct Secret Secret;

extern const char *const secret_keys[];
Secret *secret_new(const KeyValues *values, GError **error);
void secret_free(Secret *secret);
/* NULL: it is no text. */
const char *secret_text(const Secret *secret);

#endif
