/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_9P_P9_H
#define HW_9P_P9_H
/* p9.h - a 9P2000.L server of a Share: files by messages.
 *
 * Messages are answered at once, but for reads and writes that may wait for a disk and for fsync:
 * those are done by threads, and answered on the main thread.
 *
 * Everything of a client is bounded: fids, bytes in extended attributes, the size of messages. All
 * calls with the device lock held. */
#include <sys/uio.h>
#include "hw/9p/share.h"
#include "softmmu/physmap.h"

typedef struct P9Server P9Server;

enum { P9_CALL_MIN = 11 /* bytes in which any error can be answered */, P9_HEADER = 7 };

/* A message and room for the answer, of at least P9_CALL_MIN bytes; it and its vectors are the
 * caller's and stay until `done`. */
typedef struct P9Call P9Call;
struct P9Call {
    const struct iovec *out, *in;
    unsigned n_out, n_in;
    size_t out_size, in_size;
    void (*done)(P9Call *call, uint32_t written); /* may come before p9_submit returns */
};

P9Server *p9_server_new(Share *share, PhysMap *map);
/* Ends like a reset; the share stays. */
void p9_server_free(P9Server *server);
void p9_submit(P9Server *server, P9Call *call);
/* All fids go; calls that are under way are done, with nothing written, before it returns. */
void p9_server_reset(P9Server *server);

#endif
