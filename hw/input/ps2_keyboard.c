/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ps2_keyboard.c - a 102-key keyboard: commands, scan code sets 1, 2 and 3, typematic repeat.
 * After the IBM PS/2 Hardware Interface Technical Reference, Keyboards.
 *
 * Deviations: no fake shifts around the grey keys, and the self-test takes no time. */
#include "hw/input/ps2_int.h"

#include <glib.h>
#include <string.h>

enum {
    CMD_LEDS = 0xed,
    CMD_ECHO = 0xee,
    CMD_SCAN_SET = 0xf0,
    CMD_IDENTIFY = 0xf2,
    CMD_TYPEMATIC = 0xf3,
    CMD_ENABLE = 0xf4,
    CMD_DISABLE = 0xf5,
    CMD_DEFAULTS = 0xf6,
    CMD_ALL_TYPEMATIC = 0xf7, /* F7 to FA: the type of all keys, FB to FD: of some; set 3 */
    CMD_ALL_BOTH = 0xfa,
    CMD_KEY_TYPEMATIC = 0xfb,
    CMD_KEY_MAKE = 0xfd,
    CMD_RESEND = 0xfe,
    CMD_RESET = 0xff,
};
enum { TYPE_REPEATS = 1, TYPE_BREAKS = 2 };
enum {
    KEY_CTRL = 0x1d,
    KEY_SHIFT = 0x2a,
    KEY_RIGHT_SHIFT = 0x36,
    KEY_ALT = 0x38,
    KEY_CAPS = 0x3a,
    KEYS = 0x101,
    SEQUENCE_MAX = 8,
    TYPEMATIC_DEFAULT = 0x2b, /* 500 ms, 10.9 a second */
};

struct Ps2Keyboard {
    Ps2Queue queue;
    uint8_t scan_set, leds, typematic;
    uint8_t command; /* waits for its parameter; 0: none */
    bool enabled;
    uint8_t type[256]; /* TYPE_*, by set 3 code; other sets always repeat and break */
    uint8_t down[KEYS];
    uint16_t held;    /* number of keys down */
    uint16_t repeats; /* key that repeats, KEYS: none */
    uint64_t repeat_ns;
    Clock *clock;
    ClockTimer *timer;
    void (*changed)(void *opaque);
    void *opaque;
};

/* Set 2 make code by set 1 make code, 0: no such key. */
static const uint8_t set2_codes[128] = {
    0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
    0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b,
    0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
    0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05, 0x06, 0x04, 0x0c, 0x03,
    0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69,
    0x72, 0x7a, 0x70, 0x71, 0x84, 0x60, 0x61, 0x78, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f,
    0x47, 0x4f, 0x56, 0x5e, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x57, 0x6f,
    0x13, 0x19, 0x39, 0x51, 0x53, 0x5c, 0x5f, 0x62, 0x63, 0x64, 0x65, 0x67, 0x68, 0x6a, 0x6d, 0x6e,
};

/* Set 3 make code by key. */
static const uint8_t set3_codes[256] = {
    0x00, 0x08, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
    0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x11, 0x1c, 0x1b,
    0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5c, 0x1a, 0x22, 0x21, 0x2a,
    0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7e, 0x19, 0x29, 0x14, 0x07, 0x0f, 0x17, 0x1f, 0x27,
    0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x76, 0x5f, 0x6c, 0x75, 0x7d, 0x84, 0x6b, 0x73, 0x74, 0x7c, 0x69,
    0x72, 0x7a, 0x70, 0x71, 0x00, 0x00, 0x13, 0x56, 0x5e, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x79, 0x58, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x77, 0x00, 0x57, 0x39, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x6e, 0x63, 0x6f, 0x00, 0x61, 0x00, 0x6a, 0x00, 0x65,
    0x60, 0x6d, 0x67, 0x64, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x8b, 0x8c, 0x8d, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

/* ---- Sequences ---- */

typedef struct Sequence {
    uint8_t bytes[SEQUENCE_MAX];
    unsigned n;
} Sequence;

static void sequence_add(Sequence *seq, uint8_t byte)
{
    if (seq->n < SEQUENCE_MAX) {
        seq->bytes[seq->n++] = byte;
    }
}

/* One code of set 1 or 2, named by its set 1 make code. */
static void sequence_key(Sequence *seq, unsigned set, unsigned key, bool down)
{
    if ((key & PS2_KEY_EXTENDED) != 0) {
        sequence_add(seq, 0xe0);
    }
    key &= 0x7f;
    if (set == 1) {
        sequence_add(seq, (uint8_t)(key | (down ? 0 : 0x80)));
        return;
    }
    if (!down) {
        sequence_add(seq, 0xf0);
    }
    sequence_add(seq, set2_codes[key]);
}

static bool keyboard_shifted(const Ps2Keyboard *kb, unsigned key)
{
    return kb->down[key] || kb->down[key | PS2_KEY_EXTENDED];
}

static void keyboard_print(const Ps2Keyboard *kb, Sequence *seq, bool down)
{
    bool alone = !kb->down[KEY_SHIFT] && !kb->down[KEY_RIGHT_SHIFT] &&
                 !keyboard_shifted(kb, KEY_CTRL);

    if (keyboard_shifted(kb, KEY_ALT)) {
        sequence_key(seq, kb->scan_set, 0x54, down);
        return;
    }
    if (alone && down) {
        sequence_key(seq, kb->scan_set, KEY_SHIFT | PS2_KEY_EXTENDED, true);
    }
    sequence_key(seq, kb->scan_set, PS2_KEY_PRINT, down);
    if (alone && !down) {
        sequence_key(seq, kb->scan_set, KEY_SHIFT | PS2_KEY_EXTENDED, false);
    }
}

/* Make and break at once, with nothing when the key goes up. */
static void keyboard_pause(const Ps2Keyboard *kb, Sequence *seq, bool down)
{
    static const uint8_t set1[] = { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 };
    static const uint8_t set2[] = { 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77 };

    if (!down) {
        return;
    }
    if (keyboard_shifted(kb, KEY_CTRL)) {
        sequence_key(seq, kb->scan_set, 0x46 | PS2_KEY_EXTENDED, true);
        sequence_key(seq, kb->scan_set, 0x46 | PS2_KEY_EXTENDED, false);
        return;
    }
    seq->n = kb->scan_set == 1 ? sizeof(set1) : sizeof(set2);
    memcpy(seq->bytes, kb->scan_set == 1 ? set1 : set2, seq->n);
}

static uint8_t keyboard_set3_code(unsigned key)
{
    return key == PS2_KEY_PAUSE ? 0x62 : set3_codes[key & 0xff];
}

static Sequence keyboard_sequence(const Ps2Keyboard *kb, unsigned key, bool down)
{
    Sequence seq = { .n = 0 };
    uint8_t code;

    if (kb->scan_set == 3) {
        code = keyboard_set3_code(key);
        if (code != 0 && (down || (kb->type[code] & TYPE_BREAKS) != 0)) {
            if (!down) {
                sequence_add(&seq, 0xf0);
            }
            sequence_add(&seq, code);
        }
    } else if (key == PS2_KEY_PAUSE) {
        keyboard_pause(kb, &seq, down);
    } else if (key == PS2_KEY_PRINT) {
        keyboard_print(kb, &seq, down);
    } else if (set2_codes[key & 0x7f] != 0) {
        sequence_key(&seq, kb->scan_set, key, down);
    }
    return seq;
}

/* ---- Typematic ---- */

static int64_t keyboard_delay(const Ps2Keyboard *kb)
{
    return ((kb->typematic >> 5 & 3) + 1) * (int64_t)250 * NS_PER_MS;
}

static int64_t keyboard_period(const Ps2Keyboard *kb)
{
    return (int64_t)(8 + (kb->typematic & 7)) * (1 << (kb->typematic >> 3 & 3)) * 4167 * NS_PER_US;
}

static void keyboard_stop_repeat(Ps2Keyboard *kb)
{
    kb->repeats = KEYS;
    clock_timer_cancel(kb->timer);
}

static void keyboard_start_repeat(Ps2Keyboard *kb, unsigned key)
{
    bool repeats = key != PS2_KEY_PAUSE;

    if (kb->scan_set == 3) {
        repeats = (kb->type[keyboard_set3_code(key)] & TYPE_REPEATS) != 0;
    }
    keyboard_stop_repeat(kb);
    if (repeats) {
        kb->repeats = (uint16_t)key;
        kb->repeat_ns = (uint64_t)(clock_now(kb->clock) + keyboard_delay(kb));
        clock_timer_set(kb->timer, (int64_t)kb->repeat_ns);
    }
}

static void keyboard_repeat(void *opaque)
{
    Ps2Keyboard *kb = opaque;
    Sequence seq;

    if (kb->repeats >= KEYS) {
        return;
    }
    seq = keyboard_sequence(kb, kb->repeats, true);
    kb->repeat_ns = (uint64_t)(clock_now(kb->clock) + keyboard_period(kb));
    clock_timer_set(kb->timer, (int64_t)kb->repeat_ns);
    if (!ps2_queue_ready(&kb->queue)) { /* a guest that does not read gets no pile of them */
        ps2_queue_event(&kb->queue, seq.bytes, seq.n);
        kb->changed(kb->opaque);
    }
}

/* ---- Keys ---- */

bool ps2_keyboard_event(Ps2Keyboard *kb, unsigned key, bool down)
{
    Sequence seq;
    unsigned reserve;

    if (key >= KEYS || (kb->down[key] != 0) == down) {
        return true;
    }
    seq = keyboard_sequence(kb, key, down);
    /* Every key that is down keeps room for its break, so that none sticks. */
    reserve = down ? seq.n + SEQUENCE_MAX * (kb->held + 1u) : 0;
    if (down && (!kb->enabled || reserve > ps2_queue_room(&kb->queue))) {
        return false;
    }
    kb->down[key] = down;
    if (down) {
        kb->held++;
        keyboard_start_repeat(kb, key);
    } else {
        kb->held--;
        if (kb->repeats == key) {
            keyboard_stop_repeat(kb);
        }
    }
    if (!kb->enabled) {
        return false;
    }
    ps2_queue_event(&kb->queue, seq.bytes, seq.n);
    kb->changed(kb->opaque);
    return true;
}

unsigned ps2_keyboard_leds(const Ps2Keyboard *kb)
{
    return kb->leds;
}

/* ---- Commands ---- */

static void keyboard_set_defaults(Ps2Keyboard *kb)
{
    static const uint8_t modifiers[] = { 0x11, 0x12, 0x14, 0x19, 0x39, 0x58, 0x59 };

    kb->scan_set = 2;
    kb->typematic = TYPEMATIC_DEFAULT;
    memset(kb->type, TYPE_REPEATS, sizeof(kb->type));
    for (unsigned i = 0; i < G_N_ELEMENTS(modifiers); i++) {
        kb->type[modifiers[i]] = TYPE_BREAKS;
    }
    keyboard_stop_repeat(kb);
    ps2_queue_clear_events(&kb->queue);
}

static void keyboard_power_on(Ps2Keyboard *kb)
{
    keyboard_set_defaults(kb);
    kb->enabled = true;
    kb->leds = 0;
    kb->command = 0;
}

static uint8_t keyboard_type_of(uint8_t command)
{
    static const uint8_t types[4] = { TYPE_REPEATS, TYPE_BREAKS, 0, TYPE_REPEATS | TYPE_BREAKS };

    return types[(command - CMD_ALL_TYPEMATIC) & 3];
}

/* True if the byte was taken as a parameter. */
static bool keyboard_parameter(Ps2Keyboard *kb, uint8_t byte)
{
    uint8_t command = kb->command;

    kb->command = 0;
    switch (command) {
    case CMD_LEDS:
        if (byte > 7) {
            return false;
        }
        kb->leds = byte;
        break;
    case CMD_SCAN_SET:
        if (byte > 3) {
            return false;
        }
        ps2_queue_reply(&kb->queue, PS2_ACK);
        if (byte == 0) {
            ps2_queue_reply(&kb->queue, kb->scan_set);
        } else {
            kb->scan_set = byte;
            ps2_queue_clear_events(&kb->queue);
        }
        return true;
    case CMD_TYPEMATIC:
        if (byte > 0x7f) {
            return false;
        }
        kb->typematic = byte;
        break;
    default: /* types of keys, until the next command */
        if (command < CMD_KEY_TYPEMATIC || command > CMD_KEY_MAKE || byte >= CMD_LEDS) {
            return false;
        }
        kb->type[byte] = keyboard_type_of((uint8_t)(command - 4));
        kb->command = command;
        break;
    }
    ps2_queue_reply(&kb->queue, PS2_ACK);
    return true;
}

static void keyboard_command(Ps2Keyboard *kb, uint8_t byte)
{
    switch (byte) {
    case CMD_ECHO:
        ps2_queue_reply(&kb->queue, PS2_ECHO);
        return;
    case CMD_RESEND:
        ps2_queue_reply(&kb->queue, kb->queue.last);
        return;
    case CMD_LEDS:
    case CMD_SCAN_SET:
    case CMD_TYPEMATIC:
    case CMD_KEY_TYPEMATIC ... CMD_KEY_MAKE:
        kb->command = byte;
        ps2_queue_reply(&kb->queue, PS2_ACK);
        return;
    case CMD_IDENTIFY:
        ps2_queue_reply(&kb->queue, PS2_ACK);
        ps2_queue_reply(&kb->queue, 0xab);
        ps2_queue_reply(&kb->queue, 0x83);
        return;
    case CMD_ENABLE:
        kb->enabled = true;
        ps2_queue_clear_events(&kb->queue);
        break;
    case CMD_DISABLE:
    case CMD_DEFAULTS:
        keyboard_set_defaults(kb);
        kb->enabled = kb->enabled && byte == CMD_DEFAULTS;
        break;
    case CMD_ALL_TYPEMATIC ... CMD_ALL_BOTH:
        memset(kb->type, keyboard_type_of(byte), sizeof(kb->type));
        break;
    case CMD_RESET:
        keyboard_power_on(kb);
        ps2_queue_reply(&kb->queue, PS2_ACK);
        ps2_queue_reply(&kb->queue, PS2_SELF_TEST_OK);
        return;
    default:
        ps2_queue_reply(&kb->queue, PS2_RESEND);
        return;
    }
    ps2_queue_reply(&kb->queue, PS2_ACK);
}

void ps2_keyboard_write(Ps2Keyboard *kb, uint8_t byte)
{
    ps2_queue_clear_replies(&kb->queue); /* a new byte ends the answer to the one before */
    if (kb->command == 0 || !keyboard_parameter(kb, byte)) {
        kb->command = 0;
        keyboard_command(kb, byte);
    }
    kb->changed(kb->opaque);
}

bool ps2_keyboard_ready(const Ps2Keyboard *kb)
{
    return ps2_queue_ready(&kb->queue);
}

uint8_t ps2_keyboard_read(Ps2Keyboard *kb)
{
    return ps2_queue_take(&kb->queue);
}

/* ---- Life ---- */

void ps2_keyboard_reset(Ps2Keyboard *kb)
{
    keyboard_power_on(kb);
    ps2_queue_clear(&kb->queue);
}

Ps2Keyboard *ps2_keyboard_new(Clock *clock, void (*changed)(void *opaque), void *opaque)
{
    Ps2Keyboard *kb = g_new0(Ps2Keyboard, 1);

    kb->clock = clock;
    kb->changed = changed;
    kb->opaque = opaque;
    kb->timer = clock_timer_new(clock, keyboard_repeat, kb);
    ps2_keyboard_reset(kb);
    return kb;
}

void ps2_keyboard_free(Ps2Keyboard *kb)
{
    if (kb != NULL) {
        clock_timer_free(kb->timer);
        g_free(kb);
    }
}

static void keyboard_loaded(void *opaque)
{
    Ps2Keyboard *kb = opaque;

    ps2_queue_loaded(&kb->queue);
    kb->held = 0;
    for (unsigned i = 0; i < KEYS; i++) {
        kb->held += kb->down[i] != 0;
    }
    if (kb->repeats < KEYS) {
        clock_timer_set(kb->timer, (int64_t)kb->repeat_ns);
    } else {
        keyboard_stop_repeat(kb);
    }
}

static const StateField keyboard_fields[] = {
    PS2_QUEUE_FIELDS(Ps2Keyboard),
    STATE_FIELD(STATE_U8, Ps2Keyboard, scan_set),
    STATE_FIELD(STATE_U8, Ps2Keyboard, leds),
    STATE_FIELD(STATE_U8, Ps2Keyboard, typematic),
    STATE_FIELD(STATE_U8, Ps2Keyboard, command),
    STATE_FIELD(STATE_BOOL, Ps2Keyboard, enabled),
    STATE_ARRAY(STATE_BYTES, Ps2Keyboard, type),
    STATE_ARRAY(STATE_BYTES, Ps2Keyboard, down),
    STATE_FIELD(STATE_U16, Ps2Keyboard, repeats),
    STATE_FIELD(STATE_U64, Ps2Keyboard, repeat_ns),
    { 0 },
};

const StateTable ps2_keyboard_state = {
    .name = "ps2kbd", .version = 1, .fields = keyboard_fields, .loaded = keyboard_loaded
};
