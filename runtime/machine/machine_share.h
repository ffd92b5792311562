/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_SHARE_H
#define RUNTIME_MACHINE_MACHINE_SHARE_H
/* machine_share.h - folders of the host by the id of their -fsdev. */
#include "runtime/machine/options.h"

typedef struct Share Share;

/* id to Share; the table owns them. NULL: one cannot be had. */
GHashTable *machine_shares_new(const Options *options, GError **error);
Share *machine_shares_find(GHashTable *shares, const char *id); /* NULL: there is none */

#endif
