/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_NBD_NBD_H
#define TOOLS_NBD_NBD_H
/* nbd.h - doppel-nbd: what its command line says, and what it does with it. */
#include "hw/block/layer.h"

typedef struct NbdOptions {
    const char *image;
    const char *format, *cache, *discard, *zeroes; /* NULL: not given */
    const char *name, *description;
    const char *bind, *port, *path; /* `path`: a UNIX socket instead */
    const char *load;               /* an internal snapshot to show */
    const char *pid_file;
    GPtrArray *bitmaps; /* of char *, ends with NULL */
    uint64_t offset;
    unsigned shared;
    bool readonly, snapshot, persistent, image_opts, fork, list, depth;
} NbdOptions;

int nbd_fail(const char *format, ...) G_GNUC_PRINTF(1, 2); /* one line; gives 1 */
int nbd_fail_error(GError *error);                         /* likewise; frees it */

/* Both return the exit status. */
int nbd_serve(const NbdOptions *options);
int nbd_list(const NbdOptions *options);

#endif
