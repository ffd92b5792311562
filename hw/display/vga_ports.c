/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga_ports.c - the registers at 3B0 to 3DF (IBM Personal System/2 Hardware Interface Technical
 * Reference, Video Subsystem). The CRT controller and input status 1 are at 3Bx or 3Dx, as the
 * miscellaneous output register says. Bits that the chip does not have read as zero. */
#include "hw/display/vga_int.h"

enum {
    PORT_CRTC_MONO = 0x3b4,
    PORT_STATUS_MONO = 0x3ba,
    PORT_ATTR = 0x3c0,
    PORT_ATTR_READ = 0x3c1,
    PORT_MISC = 0x3c2, /* read: input status 0 */
    PORT_SEQ_INDEX = 0x3c4,
    PORT_SEQ = 0x3c5,
    PORT_DAC_MASK = 0x3c6,
    PORT_DAC_READ = 0x3c7,
    PORT_DAC_WRITE = 0x3c8,
    PORT_DAC = 0x3c9,
    PORT_FEATURE = 0x3ca,
    PORT_MISC_READ = 0x3cc,
    PORT_GFX_INDEX = 0x3ce,
    PORT_GFX = 0x3cf,
    PORT_CRTC_INDEX = 0x3d4, /* or 3B4 */
    PORT_CRTC = 0x3d5,
    PORT_STATUS_1 = 0x3da, /* write: feature control */
};
enum { STATUS_0_SENSE = 0x10, STATUS_0_INTERRUPT = 0x80, DAC_WRITING = 0, DAC_READING = 3 };

static const uint8_t seq_bits[SEQ_COUNT] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const uint8_t gfx_bits[GFX_COUNT] = { 0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff };
static const uint8_t attr_bits[ATTR_COUNT] = { 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
                                               0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
                                               0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f };

/* ---- Attribute controller ---- */

static void attr_write(Vga *vga, uint8_t value)
{
    unsigned index = vga->attr_index & 0x1f;

    vga->attr_data = !vga->attr_data;
    if (vga->attr_data) {
        vga->attr_index = value & 0x3f;
        return;
    }
    /* While it feeds the screen the palette cannot be written. */
    if (index < ATTR_COUNT && (index >= ATTR_MODE || !(vga->attr_index & ATTR_INDEX_VIDEO))) {
        vga->attr[index] = value & attr_bits[index];
    }
}

static uint8_t attr_read(const Vga *vga)
{
    unsigned index = vga->attr_index & 0x1f;

    return index < ATTR_COUNT ? vga->attr[index] : 0;
}

/* ---- DAC ---- */

static void dac_write(Vga *vga, uint8_t value)
{
    vga->dac_latch[vga->dac_part] = value;
    if (++vga->dac_part < 3) {
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        bool wide = (vga->vbe[VBE_ENABLE] & VBE_8_BIT_DAC) != 0;

        vga->dac[vga->dac_write * 3 + i] = vga->dac_latch[i] & (wide ? 0xff : 0x3f);
    }
    vga->dac_part = 0;
    vga->dac_write++;
}

static uint8_t dac_read(Vga *vga)
{
    uint8_t value = vga->dac[vga->dac_read * 3 + vga->dac_part];

    if (++vga->dac_part == 3) {
        vga->dac_part = 0;
        vga->dac_read++;
    }
    return value;
}

static void dac_set_index(Vga *vga, uint8_t value, uint8_t state)
{
    vga->dac_part = 0;
    vga->dac_state = state;
    if (state == DAC_READING) {
        vga->dac_read = value;
    } else {
        vga->dac_write = value;
    }
}

/* ---- CRT controller ---- */

static void crtc_write(Vga *vga, uint8_t value)
{
    unsigned index = vga->crtc_index;
    bool protected = (vga->crtc[CRTC_RETRACE_END] & RETRACE_PROTECT) != 0;

    if (index >= CRTC_COUNT) {
        return;
    }
    if (protected && index <= CRTC_OVERFLOW) {
        if (index == CRTC_OVERFLOW) { /* but bit 8 of the line compare */
            vga->crtc[index] = (vga->crtc[index] & ~0x10) | (value & 0x10);
        }
        return;
    }
    vga->crtc[index] = value;
    if (index == CRTC_RETRACE_END && !(value & RETRACE_NO_PENDING)) {
        vga->retraces = vga_frames(vga);
    }
}

static uint8_t crtc_read(const Vga *vga)
{
    switch (vga->crtc_index) {
    case CRTC_LATCH:
        return (uint8_t)(vga->latch >> (vga->gfx[GFX_READ_MAP] * 8));
    case CRTC_FLIP_FLOP:
        return (uint8_t)(vga->attr_data ? 0x80 : 0);
    default:
        return vga->crtc_index < CRTC_COUNT ? vga->crtc[vga->crtc_index] : 0;
    }
}

/* ---- Status ---- */

static uint8_t status_0(const Vga *vga)
{
    uint8_t end = vga->crtc[CRTC_RETRACE_END];
    bool pending = (end & (RETRACE_NO_PENDING | RETRACE_NO_INTERRUPT)) == RETRACE_NO_PENDING &&
                   vga_frames(vga) != vga->retraces;

    return STATUS_0_SENSE | (pending ? STATUS_0_INTERRUPT : 0);
}

/* Reading makes the next write to 3C0 an index. */
static uint8_t status_1(Vga *vga)
{
    vga->attr_data = false;
    return vga_status_1(vga);
}

/* ---- All ---- */

/* The CRT controller's group answers at one of its two places. */
static bool port_answers(const Vga *vga, uint16_t port)
{
    bool colour = (vga->misc & MISC_COLOUR) != 0;

    if (port < PORT_ATTR) {
        return !colour;
    }
    return port < PORT_ATTR + 0x10 || colour;
}

static uint8_t register_read(Vga *vga, uint16_t port)
{
    switch (port) {
    case PORT_ATTR:
        return vga->attr_index;
    case PORT_ATTR_READ:
        return attr_read(vga);
    case PORT_MISC:
        return status_0(vga);
    case PORT_SEQ_INDEX:
        return vga->seq_index;
    case PORT_SEQ:
        return vga->seq[vga->seq_index];
    case PORT_DAC_MASK:
        return vga->dac_mask;
    case PORT_DAC_READ:
        return vga->dac_state;
    case PORT_DAC_WRITE:
        return vga->dac_write;
    case PORT_DAC:
        return dac_read(vga);
    case PORT_FEATURE:
        return vga->feature;
    case PORT_MISC_READ:
        return vga->misc;
    case PORT_GFX_INDEX:
        return vga->gfx_index;
    case PORT_GFX:
        return vga->gfx_index < GFX_COUNT ? vga->gfx[vga->gfx_index] : 0;
    case PORT_CRTC_INDEX:
        return vga->crtc_index;
    case PORT_CRTC:
        return crtc_read(vga);
    case PORT_STATUS_1:
        return status_1(vga);
    default:
        return 0xff;
    }
}

static void register_write(Vga *vga, uint16_t port, uint8_t value)
{
    switch (port) {
    case PORT_ATTR:
        attr_write(vga, value);
        break;
    case PORT_MISC:
        vga->misc = value & (uint8_t)~0x10;
        vga_window_changed(vga);
        break;
    case PORT_SEQ_INDEX:
        vga->seq_index = value & (SEQ_COUNT - 1);
        break;
    case PORT_SEQ:
        vga->seq[vga->seq_index] = value & seq_bits[vga->seq_index];
        vga_window_changed(vga);
        break;
    case PORT_DAC_MASK:
        vga->dac_mask = value;
        break;
    case PORT_DAC_READ:
        dac_set_index(vga, value, DAC_READING);
        break;
    case PORT_DAC_WRITE:
        dac_set_index(vga, value, DAC_WRITING);
        break;
    case PORT_DAC:
        dac_write(vga, value);
        break;
    case PORT_GFX_INDEX:
        vga->gfx_index = value & 0x0f;
        break;
    case PORT_GFX:
        if (vga->gfx_index < GFX_COUNT) {
            vga->gfx[vga->gfx_index] = value & gfx_bits[vga->gfx_index];
            vga_window_changed(vga);
        }
        break;
    case PORT_CRTC_INDEX:
        vga->crtc_index = value & 0x3f;
        break;
    case PORT_CRTC:
        crtc_write(vga, value);
        break;
    case PORT_STATUS_1:
        vga->feature = value & 0x03;
        break;
    default:
        break;
    }
}

static uint16_t port_canonical(uint16_t port)
{
    return port < PORT_ATTR ? port + (PORT_CRTC_INDEX - PORT_CRTC_MONO) : port;
}

uint8_t vga_port_read(Vga *vga, uint16_t port)
{
    return port_answers(vga, port) ? register_read(vga, port_canonical(port)) : 0xff;
}

void vga_port_write(Vga *vga, uint16_t port, uint8_t value)
{
    if (port_answers(vga, port)) {
        register_write(vga, port_canonical(port), value);
    }
}

/* A range's functions are told the offset in it. */
#define PORT_FUNCTIONS(name, port)                                                                 \
    static uint32_t name##_in(void *opaque, uint16_t offset, unsigned width)                       \
    {                                                                                              \
        (void)width;                                                                               \
        return vga_port_read(opaque, (uint16_t)((port) + offset));                                 \
    }                                                                                              \
    static void name##_out(void *opaque, uint16_t offset, unsigned width, uint32_t value)          \
    {                                                                                              \
        (void)width;                                                                               \
        vga_port_write(opaque, (uint16_t)((port) + offset), (uint8_t)value);                       \
    }
PORT_FUNCTIONS(mono_crtc, PORT_CRTC_MONO)
PORT_FUNCTIONS(mono_status, PORT_STATUS_MONO)
PORT_FUNCTIONS(common, PORT_ATTR)
PORT_FUNCTIONS(crtc, PORT_CRTC_INDEX)
PORT_FUNCTIONS(status, PORT_STATUS_1)

const IoRange vga_ports[VGA_PORT_RANGES] = {
    { PORT_CRTC_MONO, 2, IO_8, mono_crtc_in, mono_crtc_out },
    { PORT_STATUS_MONO, 1, IO_8, mono_status_in, mono_status_out },
    { PORT_ATTR, 16, IO_8, common_in, common_out },
    { PORT_CRTC_INDEX, 2, IO_8, crtc_in, crtc_out },
    { PORT_STATUS_1, 1, IO_8, status_in, status_out },
};
