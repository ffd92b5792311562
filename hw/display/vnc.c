/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vnc.c - the VNC server's life; passwords (VNC authentication, which is DES of a challenge with
 * the first 8 characters). */
#include "hw/display/vnc.h"

#include <string.h>

#include "hw/display/vnc_int.h"

enum { DEFAULT_CONNECTIONS = 32, MAX_CLIENT_WAIT_MS = 5000 };

/* ---- Passwords ---- */

void vnc_set_password(Vnc *vnc, const char *password)
{
    g_mutex_lock(&vnc->mutex);
    vnc->has_password = password != NULL;
    g_strlcpy(vnc->password, password != NULL ? password : "", sizeof(vnc->password));
    vnc->expires = INT64_MAX;
    g_mutex_unlock(&vnc->mutex);
}

void vnc_expire_password(Vnc *vnc, int64_t when)
{
    g_mutex_lock(&vnc->mutex);
    vnc->expires = when;
    g_mutex_unlock(&vnc->mutex);
}

bool vnc_has_password(const Vnc *vnc)
{
    return vnc->config.password;
}

static rfbBool password_check(rfbClientPtr client, const char *response, int length)
{
    Vnc *vnc = vnc_of(client);
    char password[VNC_PASSWORD_MAX + 1];
    uint8_t expected[CHALLENGESIZE];
    bool valid;

    g_mutex_lock(&vnc->mutex);
    memcpy(password, vnc->password, sizeof(password));
    valid = vnc->has_password && g_get_real_time() / G_USEC_PER_SEC < vnc->expires;
    g_mutex_unlock(&vnc->mutex);
    if (!valid || length != CHALLENGESIZE) {
        return FALSE;
    }
    memcpy(expected, client->authChallenge, CHALLENGESIZE);
    rfbEncryptBytes(expected, password);
    return memcmp(expected, response, CHALLENGESIZE) == 0;
}

/* ---- Life ---- */

static void screen_options(Vnc *vnc)
{
    rfbScreenInfoPtr screen = vnc->screen;

    screen->screenData = vnc;
    screen->desktopName = vnc->name;
    screen->cursor = NULL;
    screen->backgroundLoop = TRUE; /* clients have threads; the listening one is ours */
    screen->maxClientWait = MAX_CLIENT_WAIT_MS;
    screen->permitFileTransfer = FALSE;
    screen->passwordCheck = password_check;
    screen->authPasswdData = vnc->config.password ? vnc : NULL;
    screen->alwaysShared = vnc->config.share == VNC_SHARE_IGNORE;
    screen->dontDisconnect = vnc->config.share == VNC_SHARE_FORCE_SHARED;
}

Vnc *vnc_new(const VncConfig *config)
{
    Vnc *vnc = g_new0(Vnc, 1);

    rfbLogEnable(FALSE);
    vnc_qemu_init();
    vnc->config = *config;
    vnc->config.connections = config->connections != 0 ? config->connections : DEFAULT_CONNECTIONS;
    vnc->name = g_strdup(config->name != NULL ? config->name : "doppel");
    vnc->expires = INT64_MAX;
    vnc->wake[0] = vnc->wake[1] = -1;
    g_mutex_init(&vnc->mutex);
    g_mutex_init(&vnc->making);
    g_mutex_init(&vnc->publishing);
    g_cond_init(&vnc->idle);
    vnc->finished = g_array_new(FALSE, FALSE, sizeof(pthread_t));
    vnc->screen = rfbGetScreen(NULL, NULL, 64, 64, 8, 3, 4);
    g_assert(vnc->screen != NULL);
    screen_options(vnc);
    vnc_clients_init(vnc);
    if (!vnc_screen_open(vnc)) {
        g_error("no address space for a picture");
    }
    return vnc;
}

void vnc_free(Vnc *vnc)
{
    if (vnc == NULL) {
        return;
    }
    atomic_store(&vnc->stop, true);
    vnc_listen_close(vnc);
    vnc_clients_close(vnc);
    vnc_screen_close(vnc);
    rfbScreenCleanup(vnc->screen);
    g_array_free(vnc->finished, TRUE);
    g_cond_clear(&vnc->idle);
    g_mutex_clear(&vnc->publishing);
    g_mutex_clear(&vnc->making);
    g_mutex_clear(&vnc->mutex);
    g_free(vnc->name);
    g_free(vnc->address);
    g_free(vnc);
}

const char *vnc_address(const Vnc *vnc)
{
    return vnc->address;
}

bool vnc_adopt(Vnc *vnc, int socket, const char *host)
{
    return vnc_client_new(vnc, socket, host);
}
