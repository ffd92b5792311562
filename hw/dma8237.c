/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dma8237.c - two Intel 8237A, after the data sheet (231466), and the page registers of the AT.
 *
 * Deviations: memory-to-memory transfers do not happen (on an AT channel 0 was busy with refresh),
 * and channels 0 to 3 work whether or not firmware has set up the cascade on channel 4. */
#include "hw/dma8237.h"

#include <glib.h>
#include <string.h>

enum { CONTROLLERS = 2, CONTROLLER_CHANNELS = 4, PAGES = 16 };
enum {
    REG_STATUS = 8, /* write: command */
    REG_REQUEST,
    REG_MASK_ONE,
    REG_MODE,
    REG_CLEAR_FLIP_FLOP,
    REG_TEMPORARY, /* write: master clear */
    REG_CLEAR_MASK,
    REG_MASK_ALL,
    COMMAND_OFF = 0x04,
    MODE_TYPE = 0x0c,
    MODE_VERIFY = 0x00,
    MODE_WRITE = 0x04,
    MODE_READ = 0x08,
    MODE_AUTO = 0x10,
    MODE_DOWN = 0x20,
    MODE_KIND = 0xc0,
    MODE_CASCADE = 0xc0,
};

typedef struct DmaController {
    uint16_t base_address[4], base_count[4], address[4], count[4];
    uint8_t mode[4];
    uint8_t command, mask, requests, software, reached; /* a bit a channel */
    bool high_byte;                                     /* the flip-flop */
} DmaController;

struct Dma {
    DmaController controller[CONTROLLERS];
    uint8_t pages[PAGES]; /* ports 80 to 8F, those without a channel too */
    PhysMap *map;
    IoBus *io;
    IoAttachment *ports;
};

/* Where in 80 to 8F the page register of a channel is. */
static const uint8_t page_ports[DMA_CHANNELS] = { 0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa };

/* ---- Registers ---- */

static void controller_clear(DmaController *dc)
{
    dc->command = dc->software = dc->reached = 0;
    dc->mask = 0x0f;
    dc->high_byte = false;
}

static uint32_t controller_read(DmaController *dc, unsigned reg)
{
    uint16_t value;

    if (reg < REG_STATUS) {
        value = reg & 1 ? dc->count[reg / 2] : dc->address[reg / 2];
        dc->high_byte = !dc->high_byte;
        return dc->high_byte ? value & 0xff : value >> 8;
    }
    switch (reg) {
    case REG_STATUS:
        value = (uint16_t)(dc->reached | (dc->requests | dc->software) << 4);
        dc->reached = 0;
        return value;
    case REG_TEMPORARY:
        return 0;
    case REG_MASK_ALL: /* as on later chips */
        return 0xf0 | dc->mask;
    default:
        return 0xff;
    }
}

static void half_write(uint16_t *base, uint16_t *current, bool high, uint8_t value)
{
    *base = high ? (uint16_t)((*base & 0x00ff) | value << 8) : (*base & 0xff00) | value;
    *current = high ? (uint16_t)((*current & 0x00ff) | value << 8) : (*current & 0xff00) | value;
}

static uint8_t bit_write(uint8_t set, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << (value & 3));

    return (value & 4) != 0 ? set | bit : set & (uint8_t)~bit;
}

static void controller_write(DmaController *dc, unsigned reg, uint8_t value)
{
    unsigned n = reg / 2;

    if (reg < REG_STATUS) {
        if ((reg & 1) != 0) {
            half_write(&dc->base_count[n], &dc->count[n], dc->high_byte, value);
        } else {
            half_write(&dc->base_address[n], &dc->address[n], dc->high_byte, value);
        }
        dc->high_byte = !dc->high_byte;
        return;
    }
    switch (reg) {
    case REG_STATUS:
        dc->command = value;
        break;
    case REG_REQUEST:
        dc->software = bit_write(dc->software, value);
        break;
    case REG_MASK_ONE:
        dc->mask = bit_write(dc->mask, value);
        break;
    case REG_MODE:
        dc->mode[value & 3] = value & (uint8_t)~3;
        break;
    case REG_CLEAR_FLIP_FLOP:
        dc->high_byte = false;
        break;
    case REG_TEMPORARY:
        controller_clear(dc);
        break;
    case REG_CLEAR_MASK:
        dc->mask = 0;
        break;
    default:
        dc->mask = value & 0x0f;
        break;
    }
}

/* ---- Ports ---- */

static uint32_t dma_read_bytes(void *opaque, uint16_t offset, unsigned width)
{
    Dma *dma = opaque;

    (void)width;
    return controller_read(&dma->controller[0], offset);
}

static void dma_write_bytes(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Dma *dma = opaque;

    (void)width;
    controller_write(&dma->controller[0], offset, (uint8_t)value);
}

static uint32_t dma_read_words(void *opaque, uint16_t offset, unsigned width)
{
    Dma *dma = opaque;

    (void)width;
    return controller_read(&dma->controller[1], offset / 2);
}

static void dma_write_words(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Dma *dma = opaque;

    (void)width;
    controller_write(&dma->controller[1], offset / 2, (uint8_t)value);
}

static uint32_t page_read(void *opaque, uint16_t offset, unsigned width)
{
    const Dma *dma = opaque;

    (void)width;
    return dma->pages[offset];
}

static void page_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Dma *dma = opaque;

    (void)width;
    dma->pages[offset] = (uint8_t)value;
}

static const IoRange dma_ports[] = {
    { .base = 0x00, .count = 16, .widths = IO_8, .read = dma_read_bytes, .write = dma_write_bytes },
    { .base = 0xc0, .count = 32, .widths = IO_8, .read = dma_read_words, .write = dma_write_words },
    { .base = 0x80, .count = 16, .widths = IO_8, .read = page_read, .write = page_write },
};

/* ---- Transfers ---- */

void dma_set_request(Dma *dma, unsigned channel, bool level)
{
    DmaController *dc;
    uint8_t bit = (uint8_t)(1u << channel % CONTROLLER_CHANNELS);

    g_assert(channel < DMA_CHANNELS);
    dc = &dma->controller[channel / CONTROLLER_CHANNELS];
    dc->requests = level ? dc->requests | bit : dc->requests & (uint8_t)~bit;
}

bool dma_ready(const Dma *dma, unsigned channel)
{
    const DmaController *dc;
    unsigned n = channel % CONTROLLER_CHANNELS;

    g_assert(channel < DMA_CHANNELS);
    dc = &dma->controller[channel / CONTROLLER_CHANNELS];
    return (dc->command & COMMAND_OFF) == 0 && (dc->mode[n] & MODE_KIND) != MODE_CASCADE &&
           ((dc->software >> n & 1) != 0 || (dc->requests >> n & ~dc->mask >> n & 1) != 0);
}

/* Guest address of the unit that the channel's address stands at. */
static uint64_t dma_address(const Dma *dma, unsigned channel)
{
    const DmaController *dc = &dma->controller[channel / CONTROLLER_CHANNELS];
    uint32_t address = dc->address[channel % CONTROLLER_CHANNELS];
    uint32_t page = dma->pages[page_ports[channel]];

    if (channel >= CONTROLLER_CHANNELS) {
        return (uint64_t)(page & 0xfe) << 16 | address << 1;
    }
    return (uint64_t)page << 16 | address;
}

/* One unit further; true at terminal count. */
static bool dma_advance(DmaController *dc, unsigned n)
{
    uint8_t bit = (uint8_t)(1u << n);

    dc->address[n] = (uint16_t)(dc->address[n] + ((dc->mode[n] & MODE_DOWN) != 0 ? -1 : 1));
    if (dc->count[n]-- != 0) {
        return false;
    }
    dc->reached |= bit;
    dc->software &= (uint8_t)~bit;
    if ((dc->mode[n] & MODE_AUTO) != 0) {
        dc->address[n] = dc->base_address[n];
        dc->count[n] = dc->base_count[n];
    } else {
        dc->mask |= bit;
    }
    return true;
}

/* `data` is read if `to_memory`, else written. */
static size_t dma_transfer(Dma *dma, unsigned channel, uint8_t *data, size_t size, bool to_memory,
                           bool *tc)
{
    DmaController *dc;
    unsigned n = channel % CONTROLLER_CHANNELS;
    size_t unit = channel < CONTROLLER_CHANNELS ? 1 : 2;
    size_t done = 0;
    uint8_t type;

    *tc = false;
    if (!dma_ready(dma, channel)) {
        return 0;
    }
    dc = &dma->controller[channel / CONTROLLER_CHANNELS];
    type = dc->mode[n] & MODE_TYPE;
    if (type != MODE_VERIFY && type != (to_memory ? MODE_WRITE : MODE_READ)) {
        return 0;
    }
    while (!*tc && size - done >= unit) {
        if (type == MODE_WRITE) {
            phys_map_write(dma->map, dma_address(dma, channel), data + done, unit);
        } else if (type == MODE_READ) {
            phys_map_read(dma->map, dma_address(dma, channel), data + done, unit);
        }
        done += unit;
        *tc = dma_advance(dc, n);
    }
    return done;
}

size_t dma_write(Dma *dma, unsigned channel, const void *data, size_t size, bool *tc)
{
    return dma_transfer(dma, channel, (uint8_t *)data, size, true, tc);
}

size_t dma_read(Dma *dma, unsigned channel, void *data, size_t size, bool *tc)
{
    return dma_transfer(dma, channel, data, size, false, tc);
}

/* ---- Life ---- */

void dma_reset(Dma *dma)
{
    for (unsigned i = 0; i < CONTROLLERS; i++) {
        dma->controller[i] = (DmaController){ .requests = dma->controller[i].requests };
        controller_clear(&dma->controller[i]);
    }
    memset(dma->pages, 0, sizeof(dma->pages));
}

Dma *dma_new(IoBus *io, PhysMap *map)
{
    Dma *dma = g_new0(Dma, 1);

    dma->map = map;
    dma->io = io;
    dma_reset(dma);
    dma->ports = io_bus_attach(io, dma_ports, G_N_ELEMENTS(dma_ports), dma);
    return dma;
}

void dma_free(Dma *dma)
{
    if (dma != NULL) {
        io_bus_detach(dma->io, dma->ports);
        g_free(dma);
    }
}

/* clang-format off */
#define CONTROLLER_FIELDS(n)                                                                       \
    STATE_ARRAY(STATE_U16, Dma, controller[n].base_address),                                       \
    STATE_ARRAY(STATE_U16, Dma, controller[n].base_count),                                         \
    STATE_ARRAY(STATE_U16, Dma, controller[n].address),                                            \
    STATE_ARRAY(STATE_U16, Dma, controller[n].count),                                              \
    STATE_ARRAY(STATE_U8, Dma, controller[n].mode),                                                \
    STATE_FIELD(STATE_U8, Dma, controller[n].command),                                             \
    STATE_FIELD(STATE_U8, Dma, controller[n].mask),                                                \
    STATE_FIELD(STATE_U8, Dma, controller[n].requests),                                            \
    STATE_FIELD(STATE_U8, Dma, controller[n].software),                                            \
    STATE_FIELD(STATE_U8, Dma, controller[n].reached),                                             \
    STATE_FIELD(STATE_BOOL, Dma, controller[n].high_byte)
/* clang-format on */

static const StateField dma_fields[] = {
    CONTROLLER_FIELDS(0), CONTROLLER_FIELDS(1), STATE_ARRAY(STATE_BYTES, Dma, pages), { 0 }
};

const StateTable dma_state = { .name = "i8237", .version = 1, .fields = dma_fields };
