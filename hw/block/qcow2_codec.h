/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_QCOW2_CODEC_H
#define HW_BLOCK_QCOW2_CODEC_H
/* qcow2_codec.h - compressed clusters by themselves: zlib (raw deflate, a window of 4 KiB) or zstd.
 *
 * What the libraries need for one cluster is kept for the next: a codec is used by one thread at a
 * time, and lies in its pool meanwhile not.
 */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Qcow2Codecs Qcow2Codecs; /* a pool; any thread */

Qcow2Codecs *qcow2_codecs_new(bool zstd);
void qcow2_codecs_free(Qcow2Codecs *codecs);
/* Exactly `size` bytes; what lies in `in` behind the data is not looked at. */
bool qcow2_inflate(Qcow2Codecs *codecs, uint8_t *out, size_t size, const uint8_t *in,
                   size_t in_size);
/* Bytes in `out`; 0: it does not fit into `room`. */
size_t qcow2_deflate(Qcow2Codecs *codecs, uint8_t *out, size_t room, const uint8_t *in,
                     size_t in_size);

#endif
