/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vnc_qemu.c - QEMU's extensions (the community's RFB protocol specification, "QEMU Pointer Motion
 * Change" and "QEMU Extended Key Event"): keys by their place, relative pointers.
 *
 * A client that lists the pseudo encoding is answered with an empty rectangle of that encoding. */
#include <stdlib.h>
#include <string.h>

#include "hw/display/vnc_int.h"

enum { ENCODING_POINTER = -257, ENCODING_KEYS = -258, MESSAGE_QEMU = 255, SUB_KEY = 0 };

static void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* An update of one rectangle, `x` wide of nothing. */
static void send_pseudo(rfbClientPtr client, int encoding, unsigned x)
{
    uint8_t message[16] = { rfbFramebufferUpdate, 0, 0, 1 };
    const VncClient *known = client->clientData;

    put16(message + 4, x);
    put16(message + 8, (unsigned)known->vnc->screen->width);
    put16(message + 10, (unsigned)known->vnc->screen->height);
    put16(message + 12, (unsigned)encoding >> 16 & 0xffff);
    put16(message + 14, (unsigned)encoding & 0xffff);
    LOCK(client->sendMutex);
    rfbWriteExact(client, (char *)message, sizeof(message));
    UNLOCK(client->sendMutex);
}

void vnc_qemu_pointer(rfbClientPtr client, bool absolute)
{
    VncClient *known = client->clientData;

    known->relative = !absolute;
    send_pseudo(client, ENCODING_POINTER, absolute);
}

static rfbBool enable(rfbClientPtr client, void **data, int encoding)
{
    VncClient *known = client->clientData;
    Vnc *vnc;
    bool absolute;

    (void)data;
    if (known == NULL) {
        return FALSE;
    }
    vnc = known->vnc;
    switch (encoding) {
    case ENCODING_KEYS:
        if (!known->extended_keys) {
            known->extended_keys = true;
            send_pseudo(client, ENCODING_KEYS, 0);
        }
        return TRUE;
    case ENCODING_POINTER:
        if (!known->pointer_type) {
            known->pointer_type = true;
            vnc->config.lock(vnc->config.opaque);
            absolute = input_has_absolute(vnc->config.input);
            vnc->config.unlock(vnc->config.opaque);
            vnc_qemu_pointer(client, absolute);
        }
        return TRUE;
    default:
        return FALSE;
    }
}

/* Submessage, down (16 bits), keysym, key number (32 bits each). */
static rfbBool message(rfbClientPtr client, void *data, const rfbClientToServerMsg *head)
{
    VncClient *known = client->clientData;
    uint8_t rest[11];
    uint32_t key;

    (void)data;
    if (head->type != MESSAGE_QEMU || known == NULL) {
        return FALSE;
    }
    if (rfbReadExact(client, (char *)rest, sizeof(rest)) <= 0 || rest[0] != SUB_KEY) {
        rfbCloseClient(client);
        return TRUE;
    }
    key = (uint32_t)rest[7] << 24 | (uint32_t)rest[8] << 16 | (uint32_t)rest[9] << 8 | rest[10];
    if (key > 0 && key < INPUT_KEYS && !client->viewOnly) {
        vnc_key(known, (uint8_t)key, rest[1] != 0 || rest[2] != 0);
    }
    return TRUE;
}

static int encodings[] = { ENCODING_POINTER, ENCODING_KEYS, 0 };
static rfbProtocolExtension extension = { .pseudoEncodings = encodings,
                                          .enablePseudoEncoding = enable,
                                          .handleMessage = message };

/* The library keeps one list for the process, which links what is registered. */
void vnc_qemu_init(void)
{
    static gsize once;

    if (g_once_init_enter(&once)) {
        rfbRegisterProtocolExtension(&extension);
        g_once_init_leave(&once, 1);
    }
}

void vnc_qemu_forget(rfbClientPtr client)
{
    rfbExtensionData *next;

    for (rfbExtensionData *entry = client->extensions; entry != NULL; entry = next) {
        next = entry->next;
        free(entry);
    }
    client->extensions = NULL;
}
