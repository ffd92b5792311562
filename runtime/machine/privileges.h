/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_PRIVILEGES_H
#define RUNTIME_MACHINE_PRIVILEGES_H
/* privileges.h - -chroot and -runas: what the process gives up once all files are open, before the
 * guest runs. */
#include <glib.h>
#include <stdbool.h>

/* Both may be NULL. `user` is a name or "UID:GID". */
bool privileges_drop(const char *folder, const char *user, GError **error);

#endif
