/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_FDSET_H
#define RUNTIME_MACHINE_FDSET_H
/* fdset.h - sets of descriptors that a client gave us (-add-fd, add-fd). "/dev/fdset/N" names one
 * of set N; whoever opens it gets a duplicate of a descriptor with the access that it asks for.
 * Main thread. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct FdSets FdSets;

FdSets *fdsets_new(void);
void fdsets_free(FdSets *sets); /* closes all */

/* Takes over `fd`. `set` -1: a new one, with the first number that is free. Returns the set's
 * number, -1 with an error (then `fd` stays the caller's). */
int64_t fdsets_add(FdSets *sets, int64_t set, int fd, const char *opaque, GError **error);
bool fdsets_remove(FdSets *sets, int64_t set, int fd, GError **error); /* fd -1: the whole set */
typedef void FdSetEach(void *user, int64_t set, int fd, const char *opaque);
void fdsets_each(const FdSets *sets, FdSetEach *each, void *user); /* set by set */

/* For a path "/dev/fdset/N", a path in /proc that opens one of its descriptors again; for any other
 * path that path. NULL with an error: there is no such set. Owned by the caller. */
char *fdsets_path(const FdSets *sets, const char *path, bool writable, GError **error);

#endif
