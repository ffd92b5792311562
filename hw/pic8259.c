/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pic8259.c - a pair of Intel 8259A, after its data sheet (231468), and ELCR of the 82371SB.
 *
 * Deviations: an edge-triggered request stays latched when its input falls before INTA (the chip
 * would answer with its default vector), so that short pulses are not lost to a slow guest. There
 * is no 8085 mode: ICW4.uPM is stored and ignored, as are the buffered mode bits. */
#include "hw/pic8259.h"

#include <glib.h>

enum { MASTER, SLAVE, CHIPS, CASCADE = 2, SPURIOUS = 7, NONE = 8 };
enum {
    ICW1_IC4 = 0x01,
    ICW1_SNGL = 0x02,
    ICW1_LTIM = 0x08,
    ICW1 = 0x10,
    ICW4_AEOI = 0x02,
    ICW4_SFNM = 0x10,
    OCW2_EOI = 0x20,
    OCW2_SPECIFIC = 0x40,
    OCW2_ROTATE = 0x80,
    OCW3 = 0x08,
    OCW3_RIS = 0x01,
    OCW3_RR = 0x02,
    OCW3_POLL = 0x04,
    OCW3_SMM = 0x20,
    OCW3_ESMM = 0x40,
    POLL_INT = 0x80,
};

typedef struct PicChip {
    uint8_t irr, isr, imr;
    uint8_t inputs; /* levels of IR0 to IR7 */
    uint8_t elcr;   /* 1: level-triggered */
    uint8_t icw1, icw2, icw3, icw4;
    uint8_t expect; /* number of the ICW that the next write is; 0: initialised */
    uint8_t lowest; /* input of lowest priority: rotation */
    bool rotate_aeoi, special_mask, read_isr, poll;
} PicChip;

struct Pic {
    PicChip chip[CHIPS];
    bool intr; /* level of INTR, as last told */
    IrqLine line;
    IoBus *io;
    IoAttachment *ports;
};

static const uint8_t elcr_writable[CHIPS] = { 0xf8, 0xde }; /* 0, 1, 2, 8 and 13 are edges */

static uint8_t chip_level_triggered(const PicChip *chip)
{
    return chip->icw1 & ICW1_LTIM ? 0xff : chip->elcr;
}

/* How far from highest priority the best of `set` is; NONE if it is empty. */
static unsigned chip_priority(const PicChip *chip, uint8_t set)
{
    unsigned priority = 0;

    if (set == 0) {
        return NONE;
    }
    while ((set & 1u << ((chip->lowest + 1 + priority) & 7)) == 0) {
        priority++;
    }
    return priority;
}

/* The input that INT is for; NONE: INT is low. */
static unsigned chip_request(const PicChip *chip, bool master)
{
    uint8_t in_service = chip->isr;
    unsigned priority;

    if (chip->expect != 0) {
        return NONE;
    }
    if (chip->special_mask) {
        in_service &= (uint8_t)~chip->imr;
    }
    if (master && (chip->icw4 & ICW4_SFNM) != 0) {
        in_service &= (uint8_t) ~(1u << CASCADE);
    }
    priority = chip_priority(chip, chip->irr & (uint8_t)~chip->imr);
    if (priority >= chip_priority(chip, in_service)) {
        return NONE;
    }
    return (chip->lowest + 1 + priority) & 7;
}

static void chip_set_input(PicChip *chip, unsigned n, bool level)
{
    uint8_t bit = (uint8_t)(1u << n);

    if ((chip_level_triggered(chip) & bit) != 0) {
        chip->irr = level ? chip->irr | bit : chip->irr & (uint8_t)~bit;
    } else if (level && (chip->inputs & bit) == 0) {
        chip->irr |= bit;
    }
    chip->inputs = level ? chip->inputs | bit : chip->inputs & (uint8_t)~bit;
}

/* The slave's INT is its own: unlike other inputs it withdraws its request when it falls. */
static void pic_cascade(Pic *pic, bool level)
{
    PicChip *master = &pic->chip[MASTER];

    chip_set_input(master, CASCADE, level);
    if (!level) {
        master->irr &= (uint8_t) ~(1u << CASCADE);
    }
}

static void pic_update(Pic *pic)
{
    bool intr;

    pic_cascade(pic, chip_request(&pic->chip[SLAVE], false) != NONE);
    intr = chip_request(&pic->chip[MASTER], true) != NONE;
    if (intr != pic->intr) {
        pic->intr = intr;
        irq_set(&pic->line, intr);
    }
}

static void chip_acknowledge(PicChip *chip, unsigned n)
{
    uint8_t bit = (uint8_t)(1u << n);

    if ((chip_level_triggered(chip) & bit) == 0) {
        chip->irr &= (uint8_t)~bit;
    }
    if ((chip->icw4 & ICW4_AEOI) == 0) {
        chip->isr |= bit;
    } else if (chip->rotate_aeoi) {
        chip->lowest = (uint8_t)n;
    }
}

static int pic_ack_slave(Pic *pic)
{
    PicChip *slave = &pic->chip[SLAVE];
    unsigned n = chip_request(slave, false);

    if (n == NONE) {
        n = SPURIOUS;
    } else {
        chip_acknowledge(slave, n);
    }
    pic_cascade(pic, false); /* INT falls with INTA, so that the next request is an edge */
    return slave->icw2 | (int)n;
}

int pic_ack(Pic *pic)
{
    PicChip *master = &pic->chip[MASTER];
    unsigned n = chip_request(master, true);
    int vector;

    if (n == NONE) {
        return master->icw2 | SPURIOUS;
    }
    chip_acknowledge(master, n);
    vector = master->icw2 | (int)n;
    if (n == CASCADE && (master->icw1 & ICW1_SNGL) == 0) {
        vector = pic_ack_slave(pic);
    }
    pic_update(pic);
    return vector;
}

bool pic_waits(const Pic *pic, unsigned n)
{
    const PicChip *chip = &pic->chip[n >> 3];

    return (chip->irr & (uint8_t)~chip->imr & 1u << (n & 7)) != 0;
}

bool pic_pending(const Pic *pic)
{
    return pic->intr;
}

void pic_set_irq(void *opaque, unsigned n, bool level)
{
    Pic *pic = opaque;

    g_assert(n < 8 * CHIPS);
    if (n != CASCADE) {
        chip_set_input(&pic->chip[n / 8], n % 8, level);
        pic_update(pic);
    }
}

/* ---- Commands ---- */

static void chip_write_icw1(PicChip *chip, uint8_t value)
{
    chip->icw1 = value;
    chip->irr = chip->inputs & chip_level_triggered(chip);
    chip->isr = 0;
    chip->imr = 0;
    chip->lowest = 7;
    chip->rotate_aeoi = chip->special_mask = chip->read_isr = chip->poll = false;
    if ((value & ICW1_IC4) == 0) {
        chip->icw4 = 0;
    }
    chip->expect = 2;
}

static void chip_write_icw(PicChip *chip, uint8_t value)
{
    bool icw4 = (chip->icw1 & ICW1_IC4) != 0;

    switch (chip->expect) {
    case 2:
        chip->icw2 = value & 0xf8;
        chip->expect = (chip->icw1 & ICW1_SNGL) == 0 ? 3 : icw4 ? 4 : 0;
        break;
    case 3:
        chip->icw3 = value;
        chip->expect = icw4 ? 4 : 0;
        break;
    default:
        chip->icw4 = value & 0x1f;
        chip->expect = 0;
        break;
    }
}

static void chip_write_ocw2(PicChip *chip, uint8_t value)
{
    bool rotate = (value & OCW2_ROTATE) != 0;
    uint8_t in_service = chip->isr;
    unsigned n = value & 7;

    if ((value & OCW2_EOI) == 0) {
        if ((value & OCW2_SPECIFIC) == 0) {
            chip->rotate_aeoi = rotate;
        } else if (rotate) {
            chip->lowest = (uint8_t)n; /* set priority */
        }
        return;
    }
    if ((value & OCW2_SPECIFIC) == 0) {
        if (chip->special_mask) {
            in_service &= (uint8_t)~chip->imr; /* a masked level is not ended by accident */
        }
        if (in_service == 0) {
            return;
        }
        n = (chip->lowest + 1 + chip_priority(chip, in_service)) & 7;
    }
    chip->isr &= (uint8_t) ~(1u << n);
    if (rotate) {
        chip->lowest = (uint8_t)n;
    }
}

static void chip_write_ocw3(PicChip *chip, uint8_t value)
{
    if ((value & OCW3_ESMM) != 0) {
        chip->special_mask = (value & OCW3_SMM) != 0;
    }
    if ((value & OCW3_POLL) != 0) {
        chip->poll = true;
    } else if ((value & OCW3_RR) != 0) {
        chip->read_isr = (value & OCW3_RIS) != 0;
    }
}

static void pic_write(Pic *pic, unsigned n, uint16_t offset, uint32_t value)
{
    PicChip *chip = &pic->chip[n];

    if (offset != 0) {
        if (chip->expect != 0) {
            chip_write_icw(chip, (uint8_t)value);
        } else {
            chip->imr = (uint8_t)value;
        }
    } else if ((value & ICW1) != 0) {
        chip_write_icw1(chip, (uint8_t)value);
    } else if ((value & OCW3) != 0) {
        chip_write_ocw3(chip, (uint8_t)value);
    } else {
        chip_write_ocw2(chip, (uint8_t)value);
    }
    pic_update(pic);
}

/* A poll is an INTA cycle whose answer is the input's number. */
static uint8_t pic_poll(Pic *pic, unsigned n)
{
    PicChip *chip = &pic->chip[n];
    unsigned request = chip_request(chip, n == MASTER);

    chip->poll = false;
    if (request == NONE) {
        return 0;
    }
    chip_acknowledge(chip, request);
    if (n == SLAVE) {
        pic_cascade(pic, false);
    }
    pic_update(pic);
    return (uint8_t)(POLL_INT | request);
}

static uint32_t pic_read(Pic *pic, unsigned n, uint16_t offset)
{
    const PicChip *chip = &pic->chip[n];

    if (chip->poll) {
        return pic_poll(pic, n);
    }
    if (offset != 0) {
        return chip->imr;
    }
    return chip->read_isr ? chip->isr : chip->irr;
}

/* ---- Ports ---- */

static uint32_t master_read(void *opaque, uint16_t offset, unsigned width)
{
    (void)width;
    return pic_read(opaque, MASTER, offset);
}

static void master_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    (void)width;
    pic_write(opaque, MASTER, offset, value);
}

static uint32_t slave_read(void *opaque, uint16_t offset, unsigned width)
{
    (void)width;
    return pic_read(opaque, SLAVE, offset);
}

static void slave_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    (void)width;
    pic_write(opaque, SLAVE, offset, value);
}

static uint32_t elcr_read(void *opaque, uint16_t offset, unsigned width)
{
    const Pic *pic = opaque;

    (void)width;
    return pic->chip[offset].elcr;
}

static void elcr_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Pic *pic = opaque;
    PicChip *chip = &pic->chip[offset];
    uint8_t changed;

    (void)width;
    value &= elcr_writable[offset];
    changed = chip->elcr ^ (uint8_t)value;
    chip->elcr = (uint8_t)value;
    chip->irr &= (uint8_t)~changed;
    chip->irr |= changed & chip->inputs & chip_level_triggered(chip);
    pic_update(pic);
}

static const IoRange pic_ports[] = {
    { .base = 0x20, .count = 2, .widths = IO_8, .read = master_read, .write = master_write },
    { .base = 0xa0, .count = 2, .widths = IO_8, .read = slave_read, .write = slave_write },
    { .base = 0x4d0, .count = 2, .widths = IO_8, .read = elcr_read, .write = elcr_write },
};

/* ---- Life ---- */

void pic_reset(Pic *pic)
{
    for (unsigned i = 0; i < CHIPS; i++) {
        pic->chip[i] = (PicChip){ .inputs = pic->chip[i].inputs, .lowest = 7 };
    }
    pic_update(pic);
}

Pic *pic_new(IoBus *io, IrqLine intr)
{
    Pic *pic = g_new0(Pic, 1);

    pic->line = intr;
    pic->io = io;
    pic_reset(pic);
    pic->ports = io_bus_attach(io, pic_ports, G_N_ELEMENTS(pic_ports), pic);
    return pic;
}

void pic_free(Pic *pic)
{
    if (pic != NULL) {
        io_bus_detach(pic->io, pic->ports);
        g_free(pic);
    }
}

static void pic_loaded(void *opaque)
{
    Pic *pic = opaque;

    for (unsigned i = 0; i < CHIPS; i++) {
        pic->chip[i].elcr &= elcr_writable[i];
        pic->chip[i].lowest &= 7;
    }
    irq_set(&pic->line, pic->intr);
    pic_update(pic);
}

/* clang-format off */
#define CHIP_FIELDS(n)                                                                             \
    STATE_FIELD(STATE_U8, Pic, chip[n].irr), STATE_FIELD(STATE_U8, Pic, chip[n].isr),              \
    STATE_FIELD(STATE_U8, Pic, chip[n].imr), STATE_FIELD(STATE_U8, Pic, chip[n].inputs),           \
    STATE_FIELD(STATE_U8, Pic, chip[n].elcr), STATE_FIELD(STATE_U8, Pic, chip[n].icw1),            \
    STATE_FIELD(STATE_U8, Pic, chip[n].icw2), STATE_FIELD(STATE_U8, Pic, chip[n].icw3),            \
    STATE_FIELD(STATE_U8, Pic, chip[n].icw4), STATE_FIELD(STATE_U8, Pic, chip[n].expect),          \
    STATE_FIELD(STATE_U8, Pic, chip[n].lowest), STATE_FIELD(STATE_BOOL, Pic, chip[n].rotate_aeoi), \
    STATE_FIELD(STATE_BOOL, Pic, chip[n].special_mask),                                            \
    STATE_FIELD(STATE_BOOL, Pic, chip[n].read_isr), STATE_FIELD(STATE_BOOL, Pic, chip[n].poll)
/* clang-format on */

static const StateField pic_fields[] = {
    CHIP_FIELDS(MASTER), CHIP_FIELDS(SLAVE), STATE_FIELD(STATE_BOOL, Pic, intr), { 0 }
};

const StateTable pic_state = {
    .name = "i8259", .version = 1, .fields = pic_fields, .loaded = pic_loaded
};

void pic_text(const Pic *pic, GString *text)
{
    for (unsigned i = CHIPS; i-- > 0;) { /* QEMU's order and words */
        const PicChip *chip = &pic->chip[i];

        g_string_append_printf(text,
                               "pic%u: irr=%02x imr=%02x isr=%02x hprio=%u irq_base=%02x rr_sel=%u "
                               "elcr=%02x fnm=%u\n",
                               i, chip->irr, chip->imr, chip->isr, (chip->lowest + 1u) & 7,
                               chip->icw2, chip->read_isr, chip->elcr,
                               (chip->icw4 & ICW4_SFNM) != 0);
    }
}
