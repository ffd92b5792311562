/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_NBD_SERVER_H
#define HW_BLOCK_NBD_SERVER_H
/* nbd_server.h - layers as exports for NBD clients: fixed newstyle, structured replies, block
 * status.
 *
 * All calls here are made on the main thread with the executor's lock held. A client has four
 * threads of its own that block on its socket, and what it may make us keep is bounded: it can stop
 * itself only. Handshakes have a deadline. An export goes when it has been removed and its last
 * client has left; then BLOCK_EXPORT_DELETED is told.
 */
#include <json-glib/json-glib.h>
#include "hw/block/layer.h"

typedef struct NbdServer NbdServer;

typedef struct NbdServerHost {
    BlockExecutor executor; /* where clients come and go: as of a node */
    /* QMP's; `data` is taken over. May be NULL. */
    void (*event)(void *opaque, const char *name, JsonObject *data);
    /* A client that had an export has left; `clients` are still there. May be NULL. */
    void (*left)(void *opaque, unsigned clients);
    void *opaque;
} NbdServerHost;

NbdServer *nbd_server_new(BlockGraph *graph, const NbdServerHost *host);
/* Clients are cut off, exports go; NULL is allowed. */
void nbd_server_free(NbdServer *server);

/* ---- Where it listens ---- */

enum { NBD_CLIENTS = 100 }; /* at the same time, unless somebody says otherwise */

/* A socket of ours is made and owned. `port` NULL: 10809. */
bool nbd_server_listen_inet(NbdServer *server, const char *host, const char *port, GError **error);
bool nbd_server_listen_unix(NbdServer *server, const char *path, GError **error);
bool nbd_server_listen_fd(NbdServer *server, int fd, GError **error); /* taken over on success */
void nbd_server_set_clients(NbdServer *server, unsigned most);        /* 0: NBD_CLIENTS */
bool nbd_server_is_listening(const NbdServer *server);
/* Neither listens nor has clients or exports any more. */
void nbd_server_stop(NbdServer *server);

/* ---- Exports ---- */

typedef struct NbdExportOptions {
    const char *id;          /* unique */
    const char *name;        /* as clients ask for it, unique */
    const char *description; /* NULL: none */
    BlockLayer *layer;       /* the export takes a reference */
    bool writable, writethrough;
    bool allocation_depth;      /* the context qemu:allocation-depth is offered */
    const char *const *bitmaps; /* names, offered as qemu:dirty-bitmap:NAME; NULL: none */
} NbdExportOptions;

bool nbd_export_add(NbdServer *server, const NbdExportOptions *options, GError **error);
/* `hard`: its clients are cut off; otherwise it is refused while there are any. */
bool nbd_export_remove(NbdServer *server, const char *id, bool hard, GError **error);
/* The id of the export of this name; NULL: there is none. */
const char *nbd_export_id(const NbdServer *server, const char *name);
bool nbd_server_uses(const NbdServer *server, const BlockLayer *layer);

typedef struct NbdExportInfo {
    const char *id, *name, *node_name;
    bool shutting_down;
} NbdExportInfo;
typedef void NbdExportEach(const NbdExportInfo *info, void *opaque);
void nbd_exports_each(const NbdServer *server, NbdExportEach *each, void *opaque);

#endif
