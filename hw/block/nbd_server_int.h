/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_NBD_SERVER_INT_H
#define HW_BLOCK_NBD_SERVER_INT_H
/* nbd_server_int.h - the NBD server: clients, exports, the wire.
 *
 * nbd_server.c has the sockets and the life of clients, nbd_export.c exports, nbd_negotiate.c the
 * handshake, nbd_transmit.c the requests, nbd_status.c block status, nbd_wire.c whole transfers on
 * a socket. Numbers and layouts: the NBD project's doc/proto.md. */
#include <string.h>
#include "hw/block/block_int.h"
#include "hw/block/nbd_server.h"

enum {
    NBD_WORKERS = 4,     /* threads of a client */
    NBD_PIECE = 1 << 20, /* a worker's buffer: what is longer goes in pieces */
    NBD_REQUEST_MAX = 32 << 20,
    NBD_HANDSHAKE_S = 10, /* a client that has not chosen an export by then goes */
    NBD_NAME_MAX = 4096,  /* of exports and contexts */
    NBD_CONTEXTS = 16,    /* that a client may choose */
    NBD_PORT = 10809,
};

/* What a client sees of one chosen context: its index is its id. */
typedef enum NbdContextKind {
    NBD_CONTEXT_ALLOCATION, /* base:allocation */
    NBD_CONTEXT_DEPTH,      /* qemu:allocation-depth */
    NBD_CONTEXT_BITMAP      /* qemu:dirty-bitmap:NAME */
} NbdContextKind;

typedef struct NbdContext {
    NbdContextKind kind;
    unsigned bitmap; /* index of the export's */
} NbdContext;

typedef struct NbdExport {
    NbdServer *server;
    char *id, *name, *description;
    BlockLayer *layer; /* an edge of the graph: follows overlays */
    bool writable, writethrough, allocation_depth;
    char **bitmaps;     /* names */
    BlockLayer *origin; /* a reference: theirs */
    GPtrArray *dirty;   /* of BlockBitmap, theirs, held */
    unsigned clients;   /* server->lock */
    bool removed;       /* nobody finds it any more; server->lock */
    GMutex partial;     /* held while a sector is written that is not written whole */
} NbdExport;

typedef struct NbdClient {
    NbdServer *server;
    int fd;
    NbdExport *export; /* NULL before it has chosen; counted; changed with server->lock held */
    bool structured, no_zeroes;
    NbdContext contexts[NBD_CONTEXTS];
    unsigned n_contexts;
    gint64 deadline; /* of the handshake, microseconds; 0: none any more */
    GThread *threads[NBD_WORKERS];
    unsigned running; /* of them; server->lock */
    bool over;        /* no further request is read; `receive` */
    GMutex receive;   /* one worker at a time reads a request with what belongs to it */
    GMutex send;      /* a reply, or a chunk of one, is sent whole */
    GMutex large;     /* one reply at a time is longer than a piece and cannot go in chunks */
} NbdClient;

struct NbdServer {
    BlockGraph *graph;
    NbdServerHost host;
    GPtrArray *listeners; /* of GSource */
    GArray *fds;          /* theirs */
    GPtrArray *paths;     /* of UNIX sockets, removed at the end */
    unsigned most;
    GMutex lock;        /* of what follows, and as said above */
    GPtrArray *exports; /* of NbdExport; changed on the main thread only */
    GPtrArray *clients; /* of NbdClient; likewise */
    GCond left;         /* a client's last thread has ended */
    GSource *ended;     /* made ready when a client's last thread ends */
};

/* ---- nbd_wire.c: false: the client has gone, or its handshake takes too long ---- */

bool nbd_receive(NbdClient *client, void *data, size_t size);
bool nbd_skip(NbdClient *client, uint64_t size);
bool nbd_send(NbdClient *client, const struct iovec *iov, int n);

static inline void nbd_put16(uint8_t *at, uint16_t value)
{
    value = GUINT16_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

static inline void nbd_put32(uint8_t *at, uint32_t value)
{
    value = GUINT32_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

static inline void nbd_put64(uint8_t *at, uint64_t value)
{
    value = GUINT64_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

static inline uint16_t nbd_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t nbd_get32(const uint8_t *at)
{
    return (uint32_t)nbd_get16(at) << 16 | nbd_get16(at + 2);
}

static inline uint64_t nbd_get64(const uint8_t *at)
{
    return (uint64_t)nbd_get32(at) << 32 | nbd_get32(at + 4);
}

/* ---- nbd_negotiate.c: on the client's first thread ---- */

/* true: the client has an export and transmission begins. */
bool nbd_negotiate(NbdClient *client);

/* ---- nbd_transmit.c: on each of its threads ---- */

void nbd_transmit(NbdClient *client);

enum { NBD_CHUNK_HEAD = 20, NBD_DONE = 1 };
typedef enum NbdChunk {
    NBD_CHUNK_NONE = 0,
    NBD_CHUNK_DATA = 1,
    NBD_CHUNK_HOLE = 2,
    NBD_CHUNK_STATUS = 5,
    NBD_CHUNK_ERROR = 0x8001,
} NbdChunk;
/* A chunk of a structured reply: `iov` follows its head. */
bool nbd_send_chunk(NbdClient *client, const uint8_t *cookie, NbdChunk type, bool last,
                    const struct iovec *iov, int n);
bool nbd_send_error(NbdClient *client, const uint8_t *cookie, int error);

/* ---- nbd_status.c ---- */

/* The reply to a BLOCK_STATUS request that has been checked. */
bool nbd_status(NbdClient *client, const uint8_t *cookie, uint64_t offset, uint32_t size, bool one,
                uint8_t *buffer);

/* ---- nbd_export.c ---- */

uint64_t nbd_export_size(const NbdExport *export);
uint16_t nbd_export_flags(const NbdClient *client, const NbdExport *export);
/* It is the client's from now on, and what contexts it had of another are gone; false: there is no
 * such export. The client's thread. */
bool nbd_export_choose(NbdClient *client, const char *name);
void nbd_export_leave_locked(NbdClient *client);
/* Those that were removed and have no client. */
void nbd_exports_sweep(NbdServer *server);

/* ---- nbd_server.c ---- */

void nbd_client_cut(NbdClient *client); /* its threads end soon; any thread */

#endif
