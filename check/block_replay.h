/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_BLOCK_REPLAY_H
#define CHECK_BLOCK_REPLAY_H
/* block_replay.h - the block of a guest that doppel -accel dbt,verify=1 has written to a file, once
 * more on the software CPU and translated.
 *
 * The file has the code, the registers and what the block writes; what it only reads is zero. */
#include <glib.h>
#include <stdbool.h>

/* Is it such a file, as opposed to one of doppel-check native? */
bool block_replay_knows(const char *path);
/* Exit status; prints the differences. */
int block_replay(const char *path, GError **error);

#endif
