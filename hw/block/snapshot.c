/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot.c - snapshot=on: an overlay in a temporary qcow2 file that has no name. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Not in a file system in RAM, if the user does not say so: overlays grow. */
static int temporary_file(GError **error)
{
    const char *folder = g_getenv("TMPDIR");
    g_autofree char *name = NULL;
    int fd;

    if (folder == NULL || *folder == '\0') {
        folder = "/var/tmp";
    }
    fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0) {
        name = g_build_filename(folder, "doppel-XXXXXX", NULL);
        fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0) {
            unlink(name);
        }
    }
    if (fd < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN,
                    "Could not create temporary overlay in '%s': %s", folder, g_strerror(errno));
    }
    return fd;
}

BlockLayer *layer_open_temporary(BlockGraph *graph, BlockLayer *below, GError **error)
{
    const BlockCreate create = { .size = below->size };
    int fd = temporary_file(error);
    BlockLayer *file, *overlay = NULL;

    if (fd < 0) {
        return NULL;
    }
    /* What is thrown away with the process need not be on stable storage. */
    file = file_layer_from_fd(graph, fd, below->filename, BLOCK_NO_FLUSH | BLOCK_UNMAP);
    if (qcow2_create_on(file, &create, error)) {
        overlay = layer_open_above(graph, &qcow2_driver, file, NULL, BLOCK_NO_FLUSH | BLOCK_UNMAP,
                                   error);
    }
    if (overlay == NULL) {
        layer_unref(file);
        return NULL;
    }
    overlay->backing = below;
    return overlay;
}
