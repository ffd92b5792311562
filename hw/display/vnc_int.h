/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_VNC_INT_H
#define HW_DISPLAY_VNC_INT_H
/* vnc_int.h - the inside of the VNC server, for its files: vnc.c has its life and passwords,
 * vnc_listen.c addresses and connections, vnc_screen.c the picture, vnc_client.c what clients say,
 * vnc_qemu.c QEMU's extensions of the protocol. */
#include <pthread.h>
#include <rfb/rfb.h>
#include <stdatomic.h>

#include "hw/display/vnc.h"

enum { VNC_PASSWORD_MAX = 8, VNC_LISTENERS = 4, VNC_MAX_WIDTH = 8192, VNC_MAX_HEIGHT = 8192 };

/* What we know of a client; its thread's, but for what is atomic. */
typedef struct VncClient {
    Vnc *vnc;
    int64_t since; /* monotonic, us */
    char host[64];
    bool initialized, websocket;
    bool refused;       /* never became one */
    bool extended_keys; /* QEMU's messages about keys */
    bool pointer_type;  /* wants to know whether the pointer is absolute */
    bool relative;      /* has been told that it is not */
    bool keys[INPUT_KEYS];
    int x, y; /* of the pointer; x < 0: nowhere yet */
    int buttons;
} VncClient;

struct Vnc {
    VncConfig config;
    rfbScreenInfoPtr screen;
    char *name, *address, *unix_path;

    /* Never moves and is large enough for any size, so that a thread that is in the middle of a
     * line when the size changes reads pixels, if not the right ones. */
    uint8_t *frame;
    size_t frame_size;
    ConsoleListener listener;
    GArray *changed; /* of Rect; resized: the whole */
    bool resized;

    int listeners[VNC_LISTENERS];
    unsigned n_listeners;
    int wake[2]; /* written to: the accepting thread looks at `stop` */
    pthread_t accepting, refreshing;
    bool accepts, refreshes; /* the threads run */
    atomic_bool stop;
    const char *adopting; /* the host of the client being made, which comes by vnc_adopt */

    GMutex mutex;      /* of all that follows */
    GMutex making;     /* one client is made at a time */
    GMutex publishing; /* one change is told to the library at a time */
    GCond idle;        /* a client came or went */
    unsigned live;
    GArray *finished; /* of pthread_t: threads of clients that have gone, to be joined */
    char password[VNC_PASSWORD_MAX + 1];
    bool has_password;
    int64_t expires;
};

static inline Vnc *vnc_of(rfbClientPtr client)
{
    return client->screen->screenData;
}

/* ---- vnc_client.c ---- */

void vnc_clients_init(Vnc *vnc); /* sets the hooks */
void vnc_key(VncClient *client, uint8_t key, bool down);
/* A connection becomes a client, in any case the socket is taken. */
bool vnc_client_new(Vnc *vnc, int socket, const char *websocket_host); /* NULL: its own */
/* Joins threads that have ended; throws out who has not introduced himself in time. */
void vnc_clients_tidy(Vnc *vnc);
void vnc_clients_close(Vnc *vnc);

/* ---- vnc_qemu.c ---- */

void vnc_qemu_init(void);
void vnc_qemu_forget(rfbClientPtr client); /* frees what the library would leak */
/* Tells a client that asked for it whether the pointer is absolute. */
void vnc_qemu_pointer(rfbClientPtr client, bool absolute);

/* ---- vnc_screen.c ---- */

bool vnc_screen_open(Vnc *vnc);
/* Brings it up to date; true if something has changed. */
bool vnc_screen_refresh(Vnc *vnc);
void vnc_screen_close(Vnc *vnc);

/* ---- vnc_listen.c ---- */

void vnc_listen_close(Vnc *vnc);

#endif
