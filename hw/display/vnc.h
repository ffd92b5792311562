/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_VNC_H
#define HW_DISPLAY_VNC_H
/* vnc.h - a console for VNC clients, by libvncserver.
 *
 * Each client has threads of its own, so that a slow one waits alone; two more accept connections
 * and bring the picture up to date, at most 30 times a second and only while there are clients. All
 * of them take the device lock (VncConfig.lock) for input and refreshing, and nothing is called
 * with it held that could wait for a client.
 *
 * What a client can make us keep is bounded: the number of connections, the time until it has
 * introduced itself, the size of messages. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "hw/display/display.h"
#include "hw/input/input.h"
#include "hw/input/keymap.h"

typedef struct Vnc Vnc;

typedef enum VncShare {
    VNC_SHARE_ALLOW_EXCLUSIVE, /* a client that does not share throws the others out */
    VNC_SHARE_FORCE_SHARED,    /* a client that does not share is refused */
    VNC_SHARE_IGNORE           /* everybody shares */
} VncShare;

typedef enum VncEvent { VNC_CONNECTED, VNC_INITIALIZED, VNC_DISCONNECTED } VncEvent;

typedef struct VncConfig { /* pointers are borrowed, texts are copied */
    Console *console;
    Input *input;
    const Keymap *keymap;
    const char *name; /* of the desktop; NULL: "doppel" */
    VncShare share;
    bool password;        /* clients have to know it; none is set at first */
    unsigned connections; /* at most; 0: 32 */
    void (*lock)(void *opaque);
    void (*unlock)(void *opaque);
    void (*event)(void *opaque, VncEvent event, const char *host, bool websocket); /* NULL */
    void *opaque;
} VncConfig;

/* Nobody can connect until there is an address; see vnc_listen and vnc_adopt. */
Vnc *vnc_new(const VncConfig *config);
/* Throws clients out and waits for their threads: not with the device lock held. */
void vnc_free(Vnc *vnc);

/* `address`: "HOST:DISPLAY", "unix:PATH", "none"; an empty host is every interface. If the port is
 * taken the next ones are tried up to display `to`. */
bool vnc_listen(Vnc *vnc, const char *address, unsigned to, GError **error);
/* Where: "127.0.0.1:5900", "unix:PATH"; NULL: nowhere. */
const char *vnc_address(const Vnc *vnc);

/* A connected stream socket that somebody passes a WebSocket's bytes through; taken in any case. On
 * any thread; `host` is who is at the other end. */
bool vnc_adopt(Vnc *vnc, int socket, const char *host);

/* NULL: nobody can connect. The first 8 characters count. Any thread. */
void vnc_set_password(Vnc *vnc, const char *password);
/* Seconds since the epoch after which the password is none; INT64_MAX: never. */
void vnc_expire_password(Vnc *vnc, int64_t when);
bool vnc_has_password(const Vnc *vnc); /* clients are asked for one */

typedef struct VncClientInfo {
    char host[64];
    bool websocket, shared;
} VncClientInfo;
/* Up to `max` of those connected; how many there are. */
unsigned vnc_clients(Vnc *vnc, VncClientInfo *info, unsigned max);
void vnc_disconnect_all(Vnc *vnc);

#endif
