/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_WEB_H
#define HW_DISPLAY_WEB_H
/* web.h - the screen in a browser: a page with noVNC (Debian's package novnc), served together with
 * the WebSocket that it speaks VNC through, and figures about the machine below the screen.
 *
 * Whoever has the printed URL has the machine: it holds a random token, without which there is no
 * page, no figures and no WebSocket. A WebSocket is refused to pages of another origin, too.
 *
 * Connections have threads of their own, a bounded number, and ten seconds to say what they want.
 */
#include <glib.h>

#include "hw/display/vnc.h"

typedef struct Web Web;

typedef struct WebConfig {
    const char *address; /* "ADDR:PORT", "PORT"; NULL: a free port of 127.0.0.1 */
    Vnc *vnc;            /* borrowed; WebSockets become its clients */
    /* Figures as a JSON object; the caller frees. Any thread. */
    char *(*figures)(void *opaque);
    void *opaque;
} WebConfig;

/* Fails without noVNC's files. Needs a GLib main loop on the default context. */
Web *web_new(const WebConfig *config, GError **error);
void web_free(Web *web);
const char *web_url(const Web *web); /* with the token */

#endif
