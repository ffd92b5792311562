/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vnc_client.c - clients: how they come and go, their keys and pointers. libvncserver calls the
 * hooks on the client's own thread, but for the making of one. */
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#include "hw/display/vnc_int.h"

enum { INTRODUCTION_US = 30 * G_USEC_PER_SEC, FD_RESERVE = 8 };
enum { BUTTON_WHEEL_UP = 8, BUTTON_WHEEL_DOWN = 16, BUTTON_TILT_LEFT = 32, BUTTON_TILT_RIGHT = 64 };
enum { POINTER_CENTRE = 0x7fff }; /* of relative movements, in QEMU's extension */

static void vnc_lock(Vnc *vnc)
{
    vnc->config.lock(vnc->config.opaque);
}

static void vnc_unlock(Vnc *vnc)
{
    vnc->config.unlock(vnc->config.opaque);
}

static void tell(Vnc *vnc, rfbClientPtr client, VncEvent event)
{
    const VncClient *known = client->clientData;

    if (vnc->config.event != NULL) {
        vnc->config.event(vnc->config.opaque, event, known->host, known->websocket);
    }
}

/* ---- Input ---- */

void vnc_key(VncClient *client, uint8_t key, bool down)
{
    Vnc *vnc = client->vnc;

    client->keys[key] = down;
    vnc_lock(vnc);
    input_key(vnc->config.input, key, down);
    vnc_unlock(vnc);
}

static void key_hook(rfbBool down, rfbKeySym symbol, rfbClientPtr client)
{
    VncClient *known = client->clientData;
    uint8_t key;

    if (known != NULL && keymap_find(known->vnc->config.keymap, symbol, &key)) {
        vnc_key(known, key, down != 0);
    }
}

static void pointer_place(VncClient *client, Input *input, int x, int y)
{
    const rfbScreenInfo *screen = client->vnc->screen;

    if (input_has_absolute(input)) {
        input_move_to(input, (int)((int64_t)x * INPUT_ABSOLUTE_MAX / MAX(screen->width - 1, 1)),
                      (int)((int64_t)y * INPUT_ABSOLUTE_MAX / MAX(screen->height - 1, 1)));
    } else if (client->relative) {
        input_move(input, x - POINTER_CENTRE, y - POINTER_CENTRE);
    } else if (client->x >= 0) {
        input_move(input, x - client->x, y - client->y);
    }
    client->x = x;
    client->y = y;
}

static void pointer_buttons(VncClient *client, Input *input, int buttons)
{
    int pressed = buttons & ~client->buttons;

    client->buttons = buttons;
    input_button(input, INPUT_LEFT, buttons & 1);
    input_button(input, INPUT_MIDDLE, buttons & 2);
    input_button(input, INPUT_RIGHT, buttons & 4);
    input_button(input, INPUT_SIDE, buttons & 128);
    input_wheel(input, !!(pressed & BUTTON_WHEEL_DOWN) - !!(pressed & BUTTON_WHEEL_UP),
                !!(pressed & BUTTON_TILT_RIGHT) - !!(pressed & BUTTON_TILT_LEFT));
}

static void pointer_hook(int buttons, int x, int y, rfbClientPtr client)
{
    VncClient *known = client->clientData;
    Vnc *vnc;
    bool absolute;

    if (known == NULL) {
        return;
    }
    vnc = known->vnc;
    vnc_lock(vnc);
    pointer_place(known, vnc->config.input, x, y);
    pointer_buttons(known, vnc->config.input, buttons);
    input_sync(vnc->config.input);
    absolute = input_has_absolute(vnc->config.input);
    vnc_unlock(vnc);
    if (known->pointer_type && known->relative == absolute) {
        vnc_qemu_pointer(client, absolute);
    }
}

static int leds_hook(rfbScreenInfoPtr screen)
{
    Vnc *vnc = screen->screenData;
    unsigned leds;

    vnc_lock(vnc);
    leds = input_leds(vnc->config.input);
    vnc_unlock(vnc);
    return (leds & INPUT_LED_SCROLL ? 1 : 0) | (leds & INPUT_LED_NUM ? 2 : 0) |
           (leds & INPUT_LED_CAPS ? 4 : 0);
}

static int size_hook(int width, int height, int screens, rfbExtDesktopScreen *list,
                     rfbClientPtr client)
{
    Vnc *vnc = vnc_of(client);

    (void)screens, (void)list;
    if (width <= 0 || height <= 0 || width > VNC_MAX_WIDTH || height > VNC_MAX_HEIGHT) {
        return rfbExtDesktopSize_InvalidScreenLayout;
    }
    vnc_lock(vnc);
    console_hint(vnc->config.console, (unsigned)width, (unsigned)height);
    vnc_unlock(vnc);
    return rfbExtDesktopSize_ResizeProhibited; /* the guest decides, and it will be told */
}

/* ---- Coming and going ---- */

static void release_all(VncClient *client)
{
    Vnc *vnc = client->vnc;

    vnc_lock(vnc);
    for (unsigned key = 0; key < INPUT_KEYS; key++) {
        if (client->keys[key]) {
            input_key(vnc->config.input, (uint8_t)key, false);
        }
    }
    if (client->buttons != 0) {
        pointer_buttons(client, vnc->config.input, 0);
        input_sync(vnc->config.input);
    }
    vnc_unlock(vnc);
}

static void gone_hook(rfbClientPtr client)
{
    VncClient *known = client->clientData;
    Vnc *vnc = vnc_of(client);
    pthread_t self = pthread_self();

    if (!known->refused) {
        release_all(known);
        tell(vnc, client, VNC_DISCONNECTED);
        g_mutex_lock(&vnc->mutex);
        vnc->live--;
        g_array_append_val(vnc->finished, self);
        g_cond_broadcast(&vnc->idle);
        g_mutex_unlock(&vnc->mutex);
    }
    vnc_qemu_forget(client);
    free(client->wsctx); /* the library forgets it */
    client->wsctx = NULL;
    client->clientData = NULL;
    g_free(known);
}

/* Called while the client is made. The library takes a request for a WebSocket itself, but a
 * browser's page must not reach the plain port; those that may come by vnc_adopt, as bytes. */
static enum rfbNewClientAction new_hook(rfbClientPtr client)
{
    Vnc *vnc = vnc_of(client);
    VncClient *known = g_new0(VncClient, 1);

    known->vnc = vnc;
    known->since = g_get_monotonic_time();
    known->websocket = vnc->adopting != NULL;
    g_strlcpy(known->host, known->websocket ? vnc->adopting : client->host, sizeof(known->host));
    known->x = -1;
    client->clientData = known;
    client->clientGoneHook = gone_hook;
    g_mutex_lock(&vnc->mutex);
    known->refused = vnc->live >= vnc->config.connections || client->wsctx != NULL ||
                     atomic_load(&vnc->stop);
    vnc->live += !known->refused;
    g_cond_broadcast(&vnc->idle);
    g_mutex_unlock(&vnc->mutex);
    if (known->refused) {
        return RFB_CLIENT_REFUSE;
    }
    tell(vnc, client, VNC_CONNECTED);
    return RFB_CLIENT_ACCEPT;
}

bool vnc_client_new(Vnc *vnc, int socket, const char *websocket_host)
{
    rfbClientPtr client = NULL;
    bool room;

    g_mutex_lock(&vnc->mutex);
    room = vnc->live < vnc->config.connections;
    g_mutex_unlock(&vnc->mutex);
    if (!room || socket >= FD_SETSIZE - FD_RESERVE) { /* the library calls select */
        close(socket);
        return false;
    }
    vnc_screen_refresh(vnc); /* the size that it is told first is the right one */
    g_mutex_lock(&vnc->making);
    vnc->adopting = websocket_host;
    client = rfbNewClient(vnc->screen, socket);
    if (client != NULL) {
        rfbStartOnHoldClient(client);
    }
    g_mutex_unlock(&vnc->making);
    return client != NULL;
}

void vnc_clients_init(Vnc *vnc)
{
    rfbScreenInfoPtr screen = vnc->screen;

    screen->newClientHook = new_hook;
    screen->kbdAddEvent = key_hook;
    screen->ptrAddEvent = pointer_hook;
    screen->getKeyboardLedStateHook = leds_hook;
    screen->setDesktopSizeHook = size_hook;
}

/* ---- All of them ---- */

static void join_finished(Vnc *vnc)
{
    GArray *finished = g_array_new(FALSE, FALSE, sizeof(pthread_t));

    g_mutex_lock(&vnc->mutex);
    g_array_append_vals(finished, vnc->finished->data, vnc->finished->len);
    g_array_set_size(vnc->finished, 0);
    g_mutex_unlock(&vnc->mutex);
    for (guint i = 0; i < finished->len; i++) {
        pthread_join(g_array_index(finished, pthread_t, i), NULL);
    }
    g_array_free(finished, TRUE);
}

static void close_client(rfbClientPtr client)
{
    char byte = 0;

    rfbCloseClient(client);
    if (write(client->pipe_notify_client_thread[1], &byte, 1) != 1) {
        return; /* full: it wakes up as it is */
    }
}

static void client_look(Vnc *vnc, rfbClientPtr client)
{
    VncClient *known = client->clientData;

    if (known == NULL) {
        return;
    }
    if (client->state != RFB_NORMAL) {
        if (g_get_monotonic_time() - known->since > INTRODUCTION_US) {
            close_client(client);
        }
    } else if (!known->initialized) {
        known->initialized = true;
        tell(vnc, client, VNC_INITIALIZED);
    }
}

void vnc_clients_tidy(Vnc *vnc)
{
    rfbClientIteratorPtr iterator = rfbGetClientIterator(vnc->screen);
    rfbClientPtr client;

    while ((client = rfbClientIteratorNext(iterator)) != NULL) {
        client_look(vnc, client);
    }
    rfbReleaseClientIterator(iterator);
    join_finished(vnc);
}

void vnc_disconnect_all(Vnc *vnc)
{
    rfbClientIteratorPtr iterator = rfbGetClientIterator(vnc->screen);
    rfbClientPtr client;

    while ((client = rfbClientIteratorNext(iterator)) != NULL) {
        close_client(client);
    }
    rfbReleaseClientIterator(iterator);
}

void vnc_clients_close(Vnc *vnc)
{
    vnc_disconnect_all(vnc);
    g_mutex_lock(&vnc->mutex);
    while (vnc->live > 0) {
        g_cond_wait(&vnc->idle, &vnc->mutex);
    }
    g_mutex_unlock(&vnc->mutex);
    join_finished(vnc);
}

unsigned vnc_clients(Vnc *vnc, VncClientInfo *info, unsigned max)
{
    rfbClientIteratorPtr iterator = rfbGetClientIterator(vnc->screen);
    rfbClientPtr client;
    unsigned n = 0;

    while ((client = rfbClientIteratorNext(iterator)) != NULL) {
        const VncClient *known = client->clientData;

        if (known != NULL && n < max) {
            info[n].websocket = known->websocket;
            info[n].shared = !client->screen->neverShared;
            g_strlcpy(info[n].host, known->host, sizeof(info[n].host));
        }
        n += known != NULL;
    }
    rfbReleaseClientIterator(iterator);
    return n;
}
