/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i8042.c - the keyboard controller of the PS/2: one output buffer that its own answers, the
 * keyboard and the mouse share, after the IBM PS/2 Hardware Interface Technical Reference.
 *
 * A byte that a device sends takes its time on the wire: after the buffer was read the next one
 * comes SETTLE_NS later, so that handlers that read port 60 twice get the same byte. After reset
 * interrupts and translation are on, as firmware leaves them, for guests that are loaded without.
 */
#include "hw/i8042.h"

#include <glib.h>

enum {
    STATUS_OBF = 0x01,
    STATUS_SYS = 0x04,
    STATUS_A2 = 0x08, /* the last write was to port 64 */
    STATUS_UNLOCKED = 0x10,
    STATUS_AUX = 0x20,
    MODE_KBD_INT = 0x01,
    MODE_AUX_INT = 0x02,
    MODE_SYS = 0x04,
    MODE_KBD_OFF = 0x10,
    MODE_AUX_OFF = 0x20,
    MODE_TRANSLATE = 0x40,
    OUT_RUN = 0x01, /* low: the processor is held in reset */
    OUT_A20 = 0x02,
    OUT_KBD_IRQ = 0x10,
    OUT_AUX_IRQ = 0x20,
    OUT_IDLE = 0xcc,   /* the lines that nothing here drives */
    INPUT_PORT = 0xa0, /* keyboard not locked, no manufacturing jumper */
    RAM_SIZE = 32,
    SETTLE_NS = 500 * NS_PER_US,
};

typedef enum Source { FROM_CONTROLLER, FROM_KEYBOARD, FROM_AUX } Source;

struct I8042 {
    uint8_t ram[RAM_SIZE]; /* 0: the mode ("command byte") */
    uint8_t status, data, output_port;
    uint8_t command; /* waits for its byte at port 60; 0: none */
    uint8_t source;  /* of `data` */
    uint8_t reply;   /* the controller's answer, if it waits for the buffer */
    uint8_t reply_source;
    bool has_reply;
    bool break_prefix;  /* translation has seen F0 */
    uint64_t settle_ns; /* no byte from a device before that time */
    Ps2Keyboard *keyboard;
    Ps2Mouse *mouse;
    Clock *clock;
    ClockTimer *timer;
    IrqLine kbd, aux;
    void (*a20)(void *opaque, bool open);
    void (*reset)(void *opaque);
    void *opaque;
    IoBus *io;
    IoAttachment *ports;
};

/* Set 2 to set 1; the rest stays as it is, but for 83 (F7) and 84 (SysRq). */
static const uint8_t translation[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};

static uint8_t translate(uint8_t byte)
{
    if (byte < 0x80) {
        return translation[byte];
    }
    return byte == 0x83 ? 0x41 : byte == 0x84 ? 0x54 : byte;
}

/* ---- The output buffer ---- */

static void kbc_update_lines(I8042 *kbc)
{
    bool full = (kbc->status & STATUS_OBF) != 0;
    uint8_t mode = kbc->ram[0];
    bool aux = full && kbc->source == FROM_AUX && (mode & MODE_AUX_INT) != 0;
    bool kbd = full && kbc->source != FROM_AUX && (mode & MODE_KBD_INT) != 0;

    kbc->output_port &= (uint8_t) ~(OUT_KBD_IRQ | OUT_AUX_IRQ);
    kbc->output_port |= (uint8_t)((kbd ? OUT_KBD_IRQ : 0) | (aux ? OUT_AUX_IRQ : 0));
    irq_set(&kbc->kbd, kbd);
    irq_set(&kbc->aux, aux);
}

static void kbc_fill(I8042 *kbc, uint8_t byte, Source source)
{
    kbc->data = byte;
    kbc->source = source;
    kbc->status |= STATUS_OBF;
    kbc->status &= (uint8_t)~STATUS_AUX;
    if (source == FROM_AUX) {
        kbc->status |= STATUS_AUX;
    }
    kbc_update_lines(kbc);
}

/* Takes bytes from the keyboard until there is one for the guest: F0 is swallowed. */
static void kbc_fill_keyboard(I8042 *kbc)
{
    while (ps2_keyboard_ready(kbc->keyboard)) {
        uint8_t byte = ps2_keyboard_read(kbc->keyboard);

        if ((kbc->ram[0] & MODE_TRANSLATE) == 0) {
            kbc_fill(kbc, byte, FROM_KEYBOARD);
            return;
        }
        if (byte == 0xf0) {
            kbc->break_prefix = true;
            continue;
        }
        byte = translate(byte) | (kbc->break_prefix ? 0x80 : 0);
        kbc->break_prefix = false;
        kbc_fill(kbc, byte, FROM_KEYBOARD);
        return;
    }
}

/* Fills the buffer if it is empty and somebody has something to say. */
static void kbc_update(void *opaque)
{
    I8042 *kbc = opaque;
    bool keyboard = (kbc->ram[0] & MODE_KBD_OFF) == 0 && ps2_keyboard_ready(kbc->keyboard);
    bool mouse = (kbc->ram[0] & MODE_AUX_OFF) == 0 && ps2_mouse_ready(kbc->mouse);

    if ((kbc->status & STATUS_OBF) != 0) {
        return;
    }
    if (kbc->has_reply) {
        kbc->has_reply = false;
        kbc_fill(kbc, kbc->reply, kbc->reply_source);
    } else if (!keyboard && !mouse) {
        return;
    } else if (clock_now(kbc->clock) < (int64_t)kbc->settle_ns) {
        clock_timer_set(kbc->timer, (int64_t)kbc->settle_ns);
    } else if (keyboard) {
        kbc_fill_keyboard(kbc);
    } else {
        kbc->status |= STATUS_OBF; /* taken: reading may make the mouse report more */
        kbc_fill(kbc, ps2_mouse_read(kbc->mouse), FROM_AUX);
    }
}

static void kbc_answer(I8042 *kbc, uint8_t byte, Source source)
{
    kbc->has_reply = true;
    kbc->reply = byte;
    kbc->reply_source = source;
}

/* ---- Commands ---- */

static void kbc_set_mode(I8042 *kbc, uint8_t mode)
{
    if (((mode ^ kbc->ram[0]) & MODE_TRANSLATE) != 0) {
        kbc->break_prefix = false;
    }
    kbc->ram[0] = mode;
    kbc->status &= (uint8_t)~STATUS_SYS;
    kbc->status |= (mode & MODE_SYS) != 0 ? STATUS_SYS : 0;
    kbc_update_lines(kbc);
}

static void kbc_set_output_port(I8042 *kbc, uint8_t value)
{
    uint8_t driven = OUT_KBD_IRQ | OUT_AUX_IRQ;

    kbc->output_port = (kbc->output_port & driven) | (value & (uint8_t)~driven);
    kbc->a20(kbc->opaque, (value & OUT_A20) != 0);
    if ((value & OUT_RUN) == 0) {
        kbc->output_port |= OUT_RUN; /* as the board's reset leaves it */
        kbc->reset(kbc->opaque);
    }
}

/* F0 to FF: bits that are 0 pulse low. */
static void kbc_pulse(I8042 *kbc, uint8_t command)
{
    if ((command & OUT_RUN) == 0) {
        kbc->reset(kbc->opaque);
    }
}

static void kbc_command(I8042 *kbc, uint8_t command)
{
    kbc->status |= STATUS_A2;
    kbc->command = 0;
    switch (command) {
    case 0x20 ... 0x3f:
        kbc_answer(kbc, kbc->ram[command & (RAM_SIZE - 1)], FROM_CONTROLLER);
        break;
    case 0x60 ... 0x7f: /* write RAM */
    case 0xd1 ... 0xd4: /* write the output port, either output buffer, the mouse */
        kbc->command = command;
        break;
    case 0xa4: /* is a password installed? */
        kbc_answer(kbc, 0xf1, FROM_CONTROLLER);
        break;
    case 0xa7:
    case 0xa8:
        kbc_set_mode(kbc, command == 0xa7 ? kbc->ram[0] | MODE_AUX_OFF
                                          : kbc->ram[0] & (uint8_t)~MODE_AUX_OFF);
        break;
    case 0xa9: /* test of the mouse's wires */
    case 0xab: /* of the keyboard's */
        kbc_answer(kbc, 0x00, FROM_CONTROLLER);
        break;
    case 0xaa: /* self-test */
        kbc_set_mode(kbc, kbc->ram[0] | MODE_SYS);
        kbc_answer(kbc, 0x55, FROM_CONTROLLER);
        break;
    case 0xad:
    case 0xae:
        kbc_set_mode(kbc, command == 0xad ? kbc->ram[0] | MODE_KBD_OFF
                                          : kbc->ram[0] & (uint8_t)~MODE_KBD_OFF);
        break;
    case 0xc0:
        kbc_answer(kbc, INPUT_PORT, FROM_CONTROLLER);
        break;
    case 0xd0:
        kbc_answer(kbc, kbc->output_port, FROM_CONTROLLER);
        break;
    case 0xdd:
    case 0xdf:
        kbc_set_output_port(kbc, command == 0xdf ? kbc->output_port | OUT_A20
                                                 : kbc->output_port & (uint8_t)~OUT_A20);
        break;
    case 0xe0: /* test inputs: both clocks are idle unless disabled */
        kbc_answer(kbc, (kbc->ram[0] & MODE_KBD_OFF) == 0 ? 0x01 : 0x00, FROM_CONTROLLER);
        break;
    case 0xf0 ... 0xff:
        kbc_pulse(kbc, command);
        break;
    default:
        break;
    }
}

/* A byte at port 60 that no command waits for is the keyboard's. */
static void kbc_data(I8042 *kbc, uint8_t byte)
{
    uint8_t command = kbc->command;

    kbc->status &= (uint8_t)~STATUS_A2;
    kbc->command = 0;
    switch (command) {
    case 0x60:
        kbc_set_mode(kbc, byte);
        break;
    case 0x61 ... 0x7f:
        kbc->ram[command & (RAM_SIZE - 1)] = byte;
        break;
    case 0xd1:
        kbc_set_output_port(kbc, byte);
        break;
    case 0xd2:
        kbc_answer(kbc, byte, FROM_KEYBOARD);
        break;
    case 0xd3:
        kbc_answer(kbc, byte, FROM_AUX);
        break;
    case 0xd4: /* talking to a device enables its clock */
        kbc->ram[0] &= (uint8_t)~MODE_AUX_OFF;
        kbc->settle_ns = 0;
        ps2_mouse_write(kbc->mouse, byte);
        break;
    default:
        kbc->ram[0] &= (uint8_t)~MODE_KBD_OFF;
        kbc->settle_ns = 0;
        kbc->break_prefix = false;
        ps2_keyboard_write(kbc->keyboard, byte);
        break;
    }
}

/* ---- Ports ---- */

static uint32_t data_read(void *opaque, uint16_t offset, unsigned width)
{
    I8042 *kbc = opaque;
    uint8_t byte = kbc->data; /* an empty buffer still shows its last byte */

    (void)offset, (void)width;
    if ((kbc->status & STATUS_OBF) != 0) {
        kbc->status &= (uint8_t) ~(STATUS_OBF | STATUS_AUX);
        kbc_update_lines(kbc);
        if (kbc->source != FROM_CONTROLLER) {
            kbc->settle_ns = (uint64_t)(clock_now(kbc->clock) + SETTLE_NS);
        }
        kbc_update(kbc);
    }
    return byte;
}

static void data_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    (void)offset, (void)width;
    kbc_data(opaque, (uint8_t)value);
    kbc_update(opaque);
}

static uint32_t status_read(void *opaque, uint16_t offset, unsigned width)
{
    I8042 *kbc = opaque;

    (void)offset, (void)width;
    kbc_update(kbc); /* the wire may have settled before its timer was served */
    return kbc->status;
}

static void command_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    (void)offset, (void)width;
    kbc_command(opaque, (uint8_t)value);
    kbc_update(opaque);
}

static const IoRange i8042_ports[] = {
    { .base = 0x60, .count = 1, .widths = IO_8, .read = data_read, .write = data_write },
    { .base = 0x64, .count = 1, .widths = IO_8, .read = status_read, .write = command_write },
};

/* ---- Other chips ---- */

Ps2Keyboard *i8042_keyboard(I8042 *kbc)
{
    return kbc->keyboard;
}

Ps2Mouse *i8042_mouse(I8042 *kbc)
{
    return kbc->mouse;
}

void i8042_set_a20(I8042 *kbc, bool open)
{
    kbc->output_port &= (uint8_t)~OUT_A20;
    kbc->output_port |= open ? OUT_A20 : 0;
}

/* ---- Life ---- */

static void kbc_power_on(I8042 *kbc)
{
    for (unsigned i = 0; i < RAM_SIZE; i++) {
        kbc->ram[i] = 0;
    }
    kbc->ram[0] = MODE_KBD_INT | MODE_AUX_INT | MODE_TRANSLATE;
    kbc->status = STATUS_A2 | STATUS_UNLOCKED;
    kbc->output_port = OUT_IDLE | OUT_RUN | OUT_A20;
    kbc->command = kbc->data = 0;
    kbc->has_reply = kbc->break_prefix = false;
    kbc->settle_ns = 0;
    clock_timer_cancel(kbc->timer);
    ps2_keyboard_reset(kbc->keyboard);
    ps2_mouse_reset(kbc->mouse);
    kbc_update_lines(kbc);
}

void i8042_reset(I8042 *kbc)
{
    kbc_power_on(kbc);
    kbc->a20(kbc->opaque, true);
}

I8042 *i8042_new(IoBus *io, Clock *clock, IrqLine kbd, IrqLine aux,
                 void (*a20)(void *opaque, bool open), void (*reset)(void *opaque), void *opaque)
{
    I8042 *kbc = g_new0(I8042, 1);

    kbc->clock = clock;
    kbc->kbd = kbd;
    kbc->aux = aux;
    kbc->a20 = a20;
    kbc->reset = reset;
    kbc->opaque = opaque;
    kbc->io = io;
    kbc->timer = clock_timer_new(clock, kbc_update, kbc);
    kbc->keyboard = ps2_keyboard_new(clock, kbc_update, kbc);
    kbc->mouse = ps2_mouse_new(clock, kbc_update, kbc);
    kbc_power_on(kbc);
    kbc->ports = io_bus_attach(io, i8042_ports, G_N_ELEMENTS(i8042_ports), kbc);
    return kbc;
}

void i8042_free(I8042 *kbc)
{
    if (kbc != NULL) {
        io_bus_detach(kbc->io, kbc->ports);
        clock_timer_free(kbc->timer);
        ps2_keyboard_free(kbc->keyboard);
        ps2_mouse_free(kbc->mouse);
        g_free(kbc);
    }
}

/* The devices may be loaded after this: their bytes are asked for when all is there. */
static void i8042_loaded(void *opaque)
{
    I8042 *kbc = opaque;

    kbc_update_lines(kbc);
    clock_timer_set(kbc->timer, clock_now(kbc->clock));
}

static const StateField i8042_fields[] = {
    STATE_ARRAY(STATE_BYTES, I8042, ram),      STATE_FIELD(STATE_U8, I8042, status),
    STATE_FIELD(STATE_U8, I8042, data),        STATE_FIELD(STATE_U8, I8042, output_port),
    STATE_FIELD(STATE_U8, I8042, command),     STATE_FIELD(STATE_U8, I8042, source),
    STATE_FIELD(STATE_U8, I8042, reply),       STATE_FIELD(STATE_U8, I8042, reply_source),
    STATE_FIELD(STATE_BOOL, I8042, has_reply), STATE_FIELD(STATE_BOOL, I8042, break_prefix),
    STATE_FIELD(STATE_U64, I8042, settle_ns),  { 0 },
};

const StateTable i8042_state = {
    .name = "i8042", .version = 1, .fields = i8042_fields, .loaded = i8042_loaded
};
