/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ps2_mouse.c - a PS/2 mouse: the standard one (identifier 0), and after the magic sample rates the
 * IntelliMouse (3) and the IntelliMouse Explorer (4).
 *
 * Movement adds up between packets. A change of buttons makes a packet at once, so that no click is
 * lost; movement alone keeps to the sample rate. A byte from the controller aborts the packet that
 * is on its way. The self-test takes no time. */
#include "hw/input/ps2_int.h"

#include <glib.h>

enum {
    CMD_SCALING_1 = 0xe6,
    CMD_SCALING_2 = 0xe7,
    CMD_RESOLUTION = 0xe8,
    CMD_STATUS = 0xe9,
    CMD_STREAM = 0xea,
    CMD_READ = 0xeb,
    CMD_WRAP_RESET = 0xec,
    CMD_WRAP = 0xee,
    CMD_REMOTE = 0xf0,
    CMD_IDENTIFY = 0xf2,
    CMD_SAMPLE_RATE = 0xf3,
    CMD_ENABLE = 0xf4,
    CMD_DISABLE = 0xf5,
    CMD_DEFAULTS = 0xf6,
    CMD_RESEND = 0xfe,
    CMD_RESET = 0xff,
};
enum {
    STATUS_REMOTE = 0x40,
    STATUS_ENABLED = 0x20,
    STATUS_SCALING_2 = 0x10,
    PACKET_ONE = 0x08,
    PACKET_X_SIGN = 0x10,
    PACKET_Y_SIGN = 0x20,
    PACKET_MAX = 4,
    MOVE_MAX = 255,
    WHEEL_MAX = 7,
    PENDING_MAX = 1 << 20, /* what an unread mouse remembers */
};
enum { ID_STANDARD = 0, ID_WHEEL = 3, ID_EXPLORER = 4 };

struct Ps2Mouse {
    Ps2Queue queue;
    uint8_t command; /* waits for its parameter; 0: none */
    uint8_t id, resolution, sample_rate;
    uint8_t rates[3]; /* the last sample rates set: the magic */
    bool remote, enabled, wrap, scaling_2;
    uint8_t buttons, sent_buttons;
    int32_t dx, dy, dz; /* not reported yet; y upwards */
    uint64_t next_ns;   /* earliest time of the next packet of movement */
    Clock *clock;
    ClockTimer *timer;
    void (*changed)(void *opaque);
    void *opaque;
};

/* ---- Packets ---- */

static int32_t mouse_take(int32_t *pending, int32_t min, int32_t max)
{
    int32_t taken = CLAMP(*pending, min, max);

    *pending -= taken;
    return taken;
}

static int32_t mouse_scale(const Ps2Mouse *mouse, int32_t move)
{
    static const uint8_t scaled[] = { 0, 1, 1, 3, 6, 9 };
    int32_t size = ABS(move);

    if (!mouse->scaling_2 || mouse->remote) {
        return move;
    }
    size = size < (int32_t)G_N_ELEMENTS(scaled) ? scaled[size] : MIN(2 * size, MOVE_MAX);
    return move < 0 ? -size : size;
}

static unsigned mouse_packet(Ps2Mouse *mouse, uint8_t packet[PACKET_MAX])
{
    int32_t dx = mouse_scale(mouse, mouse_take(&mouse->dx, -MOVE_MAX, MOVE_MAX));
    int32_t dy = mouse_scale(mouse, mouse_take(&mouse->dy, -MOVE_MAX, MOVE_MAX));
    int32_t dz;

    packet[0] = (uint8_t)(PACKET_ONE | (mouse->buttons & 7) | (dx < 0 ? PACKET_X_SIGN : 0) |
                          (dy < 0 ? PACKET_Y_SIGN : 0));
    packet[1] = (uint8_t)dx;
    packet[2] = (uint8_t)dy;
    mouse->sent_buttons = mouse->buttons;
    if (mouse->id == ID_STANDARD) {
        mouse->dz = 0;
        return 3;
    }
    dz = mouse_take(&mouse->dz, -WHEEL_MAX - 1, WHEEL_MAX);
    packet[3] = (uint8_t)dz;
    if (mouse->id == ID_EXPLORER) {
        packet[3] = (uint8_t)((dz & 15) | (mouse->buttons >> 3 & 3) << 4);
    }
    return 4;
}

static bool mouse_moved(const Ps2Mouse *mouse)
{
    return mouse->dx != 0 || mouse->dy != 0 || (mouse->dz != 0 && mouse->id != ID_STANDARD);
}

static bool mouse_buttons_changed(const Ps2Mouse *mouse)
{
    unsigned mask = mouse->id == ID_EXPLORER ? 31 : 7;

    return ((mouse->buttons ^ mouse->sent_buttons) & mask) != 0;
}

/* Sends what there is to say, if it may be said now. */
static void mouse_report(Ps2Mouse *mouse)
{
    int64_t now = clock_now(mouse->clock);
    uint8_t packet[PACKET_MAX];
    bool buttons = mouse_buttons_changed(mouse);

    if (!mouse->enabled || mouse->remote || mouse->wrap || (!buttons && !mouse_moved(mouse))) {
        return;
    }
    if (ps2_queue_room(&mouse->queue) < PACKET_MAX) {
        return;
    }
    if (!buttons && (ps2_queue_ready(&mouse->queue) || now < (int64_t)mouse->next_ns)) {
        if (now < (int64_t)mouse->next_ns) {
            clock_timer_set(mouse->timer, (int64_t)mouse->next_ns);
        }
        return;
    }
    ps2_queue_event(&mouse->queue, packet, mouse_packet(mouse, packet));
    mouse->next_ns = (uint64_t)(now + NS_PER_S / MAX(mouse->sample_rate, 10));
    mouse->changed(mouse->opaque);
}

static void mouse_fire(void *opaque)
{
    mouse_report(opaque);
}

void ps2_mouse_event(Ps2Mouse *mouse, int dx, int dy, int dz, unsigned buttons)
{
    dx = CLAMP(dx, -PENDING_MAX, PENDING_MAX);
    dy = CLAMP(dy, -PENDING_MAX, PENDING_MAX);
    dz = CLAMP(dz, -PENDING_MAX, PENDING_MAX);
    mouse->dx = CLAMP(mouse->dx + dx, -PENDING_MAX, PENDING_MAX);
    mouse->dy = CLAMP(mouse->dy - dy, -PENDING_MAX, PENDING_MAX);
    mouse->dz = CLAMP(mouse->dz + dz, -PENDING_MAX, PENDING_MAX);
    mouse->buttons = buttons & 31;
    if (!mouse->enabled && !mouse->remote) {
        mouse->dx = mouse->dy = mouse->dz = 0; /* counters stand still while disabled */
    }
    mouse_report(mouse);
}

/* ---- Commands ---- */

static void mouse_forget(Ps2Mouse *mouse)
{
    mouse->dx = mouse->dy = mouse->dz = 0;
    mouse->sent_buttons = mouse->buttons;
    ps2_queue_clear_events(&mouse->queue);
    clock_timer_cancel(mouse->timer);
}

static void mouse_set_defaults(Ps2Mouse *mouse)
{
    mouse->resolution = 2;
    mouse->sample_rate = 100;
    mouse->scaling_2 = mouse->remote = mouse->enabled = false;
    mouse_forget(mouse);
}

static void mouse_power_on(Ps2Mouse *mouse)
{
    mouse_set_defaults(mouse);
    mouse->id = ID_STANDARD;
    mouse->wrap = false;
    mouse->command = 0;
    mouse->rates[0] = mouse->rates[1] = mouse->rates[2] = 0;
}

static void mouse_set_sample_rate(Ps2Mouse *mouse, uint8_t rate)
{
    mouse->sample_rate = rate;
    mouse->rates[0] = mouse->rates[1];
    mouse->rates[1] = mouse->rates[2];
    mouse->rates[2] = rate;
    if (mouse->rates[0] == 200 && mouse->rates[1] == 100 && rate == 80) {
        mouse->id = ID_WHEEL;
    } else if (mouse->rates[0] == 200 && mouse->rates[1] == 200 && rate == 80 &&
               mouse->id != ID_STANDARD) {
        mouse->id = ID_EXPLORER;
    }
}

static void mouse_reply_status(Ps2Mouse *mouse)
{
    unsigned left = mouse->buttons & PS2_BUTTON_LEFT ? 4 : 0;
    unsigned middle = mouse->buttons & PS2_BUTTON_MIDDLE ? 2 : 0;
    unsigned right = mouse->buttons & PS2_BUTTON_RIGHT ? 1 : 0;

    ps2_queue_reply(&mouse->queue,
                    (uint8_t)((mouse->remote ? STATUS_REMOTE : 0) |
                              (mouse->enabled ? STATUS_ENABLED : 0) |
                              (mouse->scaling_2 ? STATUS_SCALING_2 : 0) | left | middle | right));
    ps2_queue_reply(&mouse->queue, mouse->resolution);
    ps2_queue_reply(&mouse->queue, mouse->sample_rate);
}

static void mouse_reply_packet(Ps2Mouse *mouse)
{
    uint8_t packet[PACKET_MAX];
    unsigned n = mouse_packet(mouse, packet);

    for (unsigned i = 0; i < n; i++) {
        ps2_queue_reply(&mouse->queue, packet[i]);
    }
}

/* What follows the acknowledge. False: no such command. */
static bool mouse_command(Ps2Mouse *mouse, uint8_t byte)
{
    switch (byte) {
    case CMD_SCALING_1:
    case CMD_SCALING_2:
        mouse->scaling_2 = byte == CMD_SCALING_2;
        return true;
    case CMD_RESOLUTION:
    case CMD_SAMPLE_RATE:
        mouse->command = byte;
        return true;
    case CMD_STATUS:
        mouse_reply_status(mouse);
        return true;
    case CMD_STREAM:
    case CMD_REMOTE:
        mouse->remote = byte == CMD_REMOTE;
        mouse_forget(mouse);
        return true;
    case CMD_READ:
        mouse_reply_packet(mouse);
        return true;
    case CMD_WRAP_RESET:
        mouse->wrap = false;
        mouse_forget(mouse);
        return true;
    case CMD_WRAP:
        mouse->wrap = true;
        return true;
    case CMD_IDENTIFY:
        ps2_queue_reply(&mouse->queue, mouse->id);
        return true;
    case CMD_ENABLE:
    case CMD_DISABLE:
        mouse_forget(mouse);
        mouse->enabled = byte == CMD_ENABLE;
        return true;
    case CMD_DEFAULTS:
        mouse_set_defaults(mouse);
        return true;
    case CMD_RESET:
        mouse_power_on(mouse);
        ps2_queue_reply(&mouse->queue, PS2_SELF_TEST_OK);
        ps2_queue_reply(&mouse->queue, ID_STANDARD);
        return true;
    default:
        return false;
    }
}

static bool mouse_parameter(Ps2Mouse *mouse, uint8_t byte)
{
    uint8_t command = mouse->command;

    mouse->command = 0;
    if (command == CMD_RESOLUTION && byte <= 3) {
        mouse->resolution = byte;
    } else if (command == CMD_SAMPLE_RATE && byte >= 10 && byte <= 200) {
        mouse_set_sample_rate(mouse, byte);
    } else {
        return false;
    }
    ps2_queue_reply(&mouse->queue, PS2_ACK);
    return true;
}

void ps2_mouse_write(Ps2Mouse *mouse, uint8_t byte)
{
    uint8_t last = mouse->queue.last;

    ps2_queue_clear(&mouse->queue);
    if (mouse->wrap && byte != CMD_WRAP_RESET && byte != CMD_RESET) {
        ps2_queue_reply(&mouse->queue, byte);
    } else if (byte == CMD_RESEND) {
        ps2_queue_reply(&mouse->queue, last);
    } else if (mouse->command == 0 || !mouse_parameter(mouse, byte)) {
        mouse->command = 0;
        ps2_queue_reply(&mouse->queue, PS2_ACK);
        if (!mouse_command(mouse, byte)) {
            ps2_queue_clear_replies(&mouse->queue);
            ps2_queue_reply(&mouse->queue, PS2_RESEND);
        }
    }
    mouse->changed(mouse->opaque);
}

bool ps2_mouse_ready(const Ps2Mouse *mouse)
{
    return ps2_queue_ready(&mouse->queue);
}

uint8_t ps2_mouse_read(Ps2Mouse *mouse)
{
    uint8_t byte = ps2_queue_take(&mouse->queue);

    if (!ps2_queue_ready(&mouse->queue)) {
        mouse_report(mouse); /* what added up meanwhile */
    }
    return byte;
}

/* ---- Life ---- */

void ps2_mouse_reset(Ps2Mouse *mouse)
{
    mouse_power_on(mouse);
    ps2_queue_clear(&mouse->queue);
}

Ps2Mouse *ps2_mouse_new(Clock *clock, void (*changed)(void *opaque), void *opaque)
{
    Ps2Mouse *mouse = g_new0(Ps2Mouse, 1);

    mouse->clock = clock;
    mouse->changed = changed;
    mouse->opaque = opaque;
    mouse->timer = clock_timer_new(clock, mouse_fire, mouse);
    ps2_mouse_reset(mouse);
    return mouse;
}

void ps2_mouse_free(Ps2Mouse *mouse)
{
    if (mouse != NULL) {
        clock_timer_free(mouse->timer);
        g_free(mouse);
    }
}

static void mouse_loaded(void *opaque)
{
    Ps2Mouse *mouse = opaque;

    ps2_queue_loaded(&mouse->queue);
    clock_timer_set(mouse->timer, MAX((int64_t)mouse->next_ns, clock_now(mouse->clock)));
}

static const StateField mouse_fields[] = {
    PS2_QUEUE_FIELDS(Ps2Mouse),
    STATE_FIELD(STATE_U8, Ps2Mouse, command),
    STATE_FIELD(STATE_U8, Ps2Mouse, id),
    STATE_FIELD(STATE_U8, Ps2Mouse, resolution),
    STATE_FIELD(STATE_U8, Ps2Mouse, sample_rate),
    STATE_ARRAY(STATE_BYTES, Ps2Mouse, rates),
    STATE_FIELD(STATE_BOOL, Ps2Mouse, remote),
    STATE_FIELD(STATE_BOOL, Ps2Mouse, enabled),
    STATE_FIELD(STATE_BOOL, Ps2Mouse, wrap),
    STATE_FIELD(STATE_BOOL, Ps2Mouse, scaling_2),
    STATE_FIELD(STATE_U8, Ps2Mouse, buttons),
    STATE_FIELD(STATE_U8, Ps2Mouse, sent_buttons),
    STATE_FIELD(STATE_U32, Ps2Mouse, dx),
    STATE_FIELD(STATE_U32, Ps2Mouse, dy),
    STATE_FIELD(STATE_U32, Ps2Mouse, dz),
    STATE_FIELD(STATE_U64, Ps2Mouse, next_ns),
    { 0 },
};

const StateTable ps2_mouse_state = {
    .name = "ps2mouse", .version = 1, .fields = mouse_fields, .loaded = mouse_loaded
};
