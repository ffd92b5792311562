/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lsi_bus.c - what targets do on the LSI53C895A's bus: phases, messages, commands (SPI-3).
 *
 * A target asks for messages after each selection, with attention or without: the BIOS counts on
 * it. Transfers are asynchronous and narrow as far as targets are concerned: they reject what would
 * make them anything else, and nothing is slower for it. */
#include "hw/scsi/lsi_int.h"

#include <string.h>

enum { /* messages */
       MESSAGE_COMPLETE = 0x00,
       MESSAGE_EXTENDED = 0x01,
       MESSAGE_ABORT_SET = 0x06,
       MESSAGE_REJECT = 0x07,
       MESSAGE_NOTHING = 0x08,
       MESSAGE_RESET = 0x0c,
       MESSAGE_ABORT = 0x0d,
       MESSAGE_CLEAR = 0x0e,
       MESSAGE_TAG = 0x20, /* to 0x22, and a byte */
       MESSAGE_IDENTIFY = 0x80,
};
enum { LUN_MASK = 7, DATA_MAX = 64 << 20, SCNTL1_CONNECTED = 0x10 };

const ScsiHba lsi_hba = { .max_channel = 0, .max_target = 6, .max_lun = LUN_MASK };

static ScsiAddress lsi_address(const Lsi *lsi)
{
    return (ScsiAddress){ 0, lsi->target, lsi->lun };
}

/* ---- Coming and going ---- */

void lsi_select(Lsi *lsi, uint8_t target, bool attention)
{
    lsi->target = target;
    lsi->lun = 0;
    lsi->reg[LSI_SDID] = target;
    lsi->reg[LSI_SOCL] = attention ? LSI_ATN : 0;
    if (!scsi_bus_has_target(&lsi->bus, 0, target)) {
        lsi->nobody = 1;
        return;
    }
    lsi->asked = attention;
    lsi->phase = LSI_MESSAGE_OUT;
    lsi->after = LSI_COMMAND;
    g_byte_array_set_size(lsi->data, 0);
    lsi->at = 0;
}

static void request_drop(Lsi *lsi)
{
    ScsiDevice *device = scsi_bus_find(&lsi->bus, lsi_address(lsi));

    if (lsi->busy && device != NULL) {
        uint8_t run = lsi->run;

        lsi->run = LSI_STOPPED; /* nobody goes on when it ends */
        scsi_device_drain(device);
        lsi->run = run;
    }
    g_assert(!lsi->busy);
}

void lsi_bus_free(Lsi *lsi)
{
    request_drop(lsi);
    lsi->phase = LSI_FREE;
    lsi->nobody = 0;
    lsi->reg[LSI_SOCL] = 0;
    g_byte_array_set_size(lsi->data, 0);
    lsi->at = 0;
}

void lsi_bus_reset(Lsi *lsi)
{
    lsi_bus_free(lsi);
    scsi_bus_reset(&lsi->bus);
}

/* ---- Messages ---- */

static void message_reply(Lsi *lsi, uint8_t message, LsiPhase after)
{
    lsi->message = message;
    lsi->after = (uint8_t)after;
    lsi->phase = LSI_MESSAGE_IN;
}

/* Ends what the nexus has; the target goes off the bus. */
static void message_abort(Lsi *lsi, bool reset)
{
    ScsiDevice *device = scsi_bus_find(&lsi->bus, lsi_address(lsi));

    request_drop(lsi);
    if (reset && device != NULL) {
        scsi_device_reset(device);
    }
    lsi_bus_free(lsi);
}

/* Bytes of one message; 0: it goes on behind the end. */
static uint32_t message_size(const uint8_t *message, uint32_t left)
{
    uint32_t size = 1;

    if (message[0] == MESSAGE_EXTENDED) {
        size = left < 2 ? 0 : 2 + (message[1] == 0 ? 256u : message[1]);
    } else if (message[0] >= MESSAGE_TAG && message[0] < MESSAGE_TAG + 3) {
        size = 2;
    }
    return size <= left ? size : 0;
}

/* Tags mean nothing: there is one command at a time. */
static bool message_known(uint8_t message)
{
    return message == MESSAGE_NOTHING || (message >= MESSAGE_TAG && message < MESSAGE_TAG + 3);
}

void lsi_messages(Lsi *lsi, const uint8_t *message, uint32_t size)
{
    LsiPhase after = (LsiPhase)lsi->after;

    lsi->phase = (uint8_t)after;
    lsi->after = after == LSI_MESSAGE_IN ? LSI_FREE : lsi->after; /* COMMAND COMPLETE is to come */
    while (size > 0) {
        uint32_t n = message_size(message, size);

        if (message[0] >= MESSAGE_IDENTIFY) {
            lsi->lun = message[0] & LUN_MASK;
        } else if (message[0] == MESSAGE_ABORT || message[0] == MESSAGE_ABORT_SET ||
                   message[0] == MESSAGE_CLEAR || message[0] == MESSAGE_RESET) {
            message_abort(lsi, message[0] == MESSAGE_RESET);
            return;
        } else if ((n == 0 || !message_known(message[0])) && after != LSI_MESSAGE_IN) {
            message_reply(lsi, MESSAGE_REJECT, after);
        }
        n = n == 0 ? size : n;
        message += n;
        size -= n;
    }
}

/* ---- Commands ---- */

static void request_done(ScsiRequest *request)
{
    Lsi *lsi = (Lsi *)((char *)request - offsetof(Lsi, request));
    bool in = request->in_size != 0;

    lsi->busy = false;
    lsi->status = (uint8_t)request->status;
    lsi->at = 0;
    g_byte_array_set_size(lsi->data, in ? (guint)request->moved : 0);
    lsi->phase = in && request->moved != 0 ? LSI_DATA_IN : LSI_STATUS;
    if (lsi->run == LSI_WAITS_TARGET) {
        lsi_resume(lsi);
    }
}

static void request_start(Lsi *lsi, bool out)
{
    ScsiRequest *request = &lsi->request;

    lsi->vector = (struct iovec){ lsi->data->data, lsi->data->len };
    *request = (ScsiRequest){ .done = request_done };
    memcpy(request->cdb, lsi->cdb, sizeof(request->cdb));
    if (lsi->data->len != 0) {
        *(out ? &request->out : &request->in) = &lsi->vector;
        *(out ? &request->n_out : &request->n_in) = 1;
        *(out ? &request->out_size : &request->in_size) = lsi->data->len;
    }
    lsi->busy = true;
    lsi->phase = LSI_STATUS; /* what it will be in the end, for those who look */
    if (!scsi_submit(&lsi->bus, lsi_address(lsi), request)) { /* it has been unplugged */
        lsi->busy = false;
        lsi->phase = LSI_FREE;
    }
}

void lsi_data_out_done(Lsi *lsi)
{
    request_start(lsi, true);
}

void lsi_command(Lsi *lsi, const uint8_t *cdb, uint32_t size)
{
    uint64_t bytes;
    bool out;

    memset(lsi->cdb, 0, sizeof(lsi->cdb));
    memcpy(lsi->cdb, cdb, MIN(size, sizeof(lsi->cdb)));
    out = scsi_transfer(&lsi->bus, lsi_address(lsi), lsi->cdb, &bytes);
    if (bytes > DATA_MAX) { /* there is no buffer for it: the target sees too little room */
        bytes = 0;
    }
    g_byte_array_set_size(lsi->data, (guint)bytes);
    if (bytes != 0) {
        memset(lsi->data->data, 0, bytes);
    }
    lsi->at = 0;
    if (out && bytes != 0) {
        lsi->phase = LSI_DATA_OUT;
    } else {
        request_start(lsi, false);
    }
}
