/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_FILE_INT_H
#define HW_BLOCK_FILE_INT_H
/* file_int.h - files of the host and their locks. */
#include "hw/block/block_int.h"

typedef struct FileLayer {
    BlockLayer layer;
    int fd;
    bool regular, locking;
} FileLayer;

typedef enum FileUse { FILE_READER, FILE_WRITER } FileUse;

/* file_lock.c: fails in words if somebody else's use stands against it. */
bool file_lock(int fd, FileUse use, const char *path, GError **error);
void file_unlock(int fd);

#endif
