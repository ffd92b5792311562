/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga_vbe.c - Bochs' VBE extension ("DISPI"), version B0C5: an index at port 1CE, 16-bit data at
 * 1CF (and 1D0, where the data of wider processors is).
 *
 * Values that the video memory does not allow are cut down to what it does, so that whatever the
 * registers say lies in it. Switching a mode on sets the VGA's own registers to match, as software
 * that looks at them expects. */
#include "hw/display/vga_int.h"

#include <string.h>

enum {
    VBE_ID_FIRST = 0xb0c0,
    VBE_ID_LAST = 0xb0c5,
    VBE_MAX_XRES = 16000,
    VBE_MAX_YRES = 12000,
    VBE_MAX_BPP = 32,
    VBE_ENABLE_BITS = VBE_ENABLED | VBE_CAPABILITIES | VBE_8_BIT_DAC | VBE_LFB | VBE_NO_CLEAR,
};

static unsigned pixel_bits(const Vga *vga)
{
    unsigned bpp = vga->vbe[VBE_BPP];

    return bpp == 15 ? 16 : bpp;
}

unsigned vga_vbe_stride(const Vga *vga)
{
    unsigned bits = pixel_bits(vga);

    return bits <= 4 ? vga->vbe[VBE_VIRT_WIDTH] / 8u : vga->vbe[VBE_VIRT_WIDTH] * bits / 8u;
}

/* Bytes that a line of `width` pixels takes of all memory. */
static uint64_t line_bytes(const Vga *vga, unsigned width)
{
    return (uint64_t)width * pixel_bits(vga) / 8;
}

/* ---- Limits ---- */

static void fix_resolution(Vga *vga)
{
    uint16_t *vbe = vga->vbe;

    switch (vbe[VBE_BPP]) {
    case 4:
    case 8:
    case 15:
    case 16:
    case 24:
    case 32:
        break;
    default:
        vbe[VBE_BPP] = 8;
    }
    vbe[VBE_XRES] = CLAMP(vbe[VBE_XRES] & ~7u, 8u, (unsigned)VBE_MAX_XRES);
    vbe[VBE_YRES] = CLAMP(vbe[VBE_YRES], 1u, (unsigned)VBE_MAX_YRES);
}

/* A virtual screen at least as large as the real one; what does not fit is cut off. */
static void fix_virtual(Vga *vga)
{
    uint16_t *vbe = vga->vbe;
    uint64_t lines;

    vbe[VBE_VIRT_WIDTH] = CLAMP(vbe[VBE_VIRT_WIDTH] & ~7u, vbe[VBE_XRES], (unsigned)VBE_MAX_XRES);
    if (line_bytes(vga, vbe[VBE_VIRT_WIDTH]) > vga->config.vram_size) {
        vbe[VBE_VIRT_WIDTH] = vbe[VBE_XRES];
    }
    lines = vga->config.vram_size / line_bytes(vga, vbe[VBE_VIRT_WIDTH]);
    vbe[VBE_VIRT_HEIGHT] = (uint16_t)MIN(lines, UINT16_MAX);
    vbe[VBE_YRES] = MIN(vbe[VBE_YRES], vbe[VBE_VIRT_HEIGHT]);
}

static void fix_offset(Vga *vga)
{
    uint16_t *vbe = vga->vbe;

    vbe[VBE_X_OFFSET] = MIN(vbe[VBE_X_OFFSET], vbe[VBE_VIRT_WIDTH] - vbe[VBE_XRES]);
    vbe[VBE_Y_OFFSET] = MIN(vbe[VBE_Y_OFFSET], vbe[VBE_VIRT_HEIGHT] - vbe[VBE_YRES]);
}

/* ---- Mode ---- */

static void set_crtc(Vga *vga)
{
    unsigned lines = vga->vbe[VBE_YRES] - 1u, stride = vga_vbe_stride(vga) / 8;
    uint8_t *crtc = vga->crtc;

    crtc[CRTC_H_DISPLAY] = (uint8_t)(vga->vbe[VBE_XRES] / 8 - 1);
    crtc[CRTC_V_DISPLAY] = (uint8_t)lines;
    crtc[CRTC_OVERFLOW] &= (uint8_t)~0x42;
    crtc[CRTC_OVERFLOW] |= (uint8_t)((lines >> 7 & 0x02) | (lines >> 3 & 0x40));
    crtc[CRTC_LINE_COMPARE] = 0xff; /* no split screen */
    crtc[CRTC_OVERFLOW] |= 0x10;
    crtc[CRTC_MAX_SCAN] = 0x40;
    crtc[CRTC_OFFSET] = (uint8_t)stride;
    crtc[CRTC_MODE] |= 0x03;
}

static void set_registers(Vga *vga)
{
    bool planar = vga->vbe[VBE_BPP] == 4;

    vga->gfx[GFX_MISC] = (vga->gfx[GFX_MISC] & (uint8_t)~0x0c) | 0x04 | GFX_MISC_GRAPHICS;
    vga->gfx[GFX_MODE] = (vga->gfx[GFX_MODE] & 0x0b) | (planar ? 0 : 0x40);
    vga->seq[SEQ_MAP_MASK] = 0x0f;
    vga->seq[SEQ_CLOCKING] &= (uint8_t)~CLOCKING_HALF;
    if (planar) {
        vga->seq[SEQ_MEMORY_MODE] &= (uint8_t)~MEMORY_CHAIN_4;
    } else {
        vga->seq[SEQ_MEMORY_MODE] |= MEMORY_CHAIN_4;
    }
    set_crtc(vga);
}

static void mode_enable(Vga *vga, uint16_t value)
{
    bool on = (value & VBE_ENABLED) && !vga_vbe_enabled(vga);
    bool narrower = !(value & VBE_8_BIT_DAC) && (vga->vbe[VBE_ENABLE] & VBE_8_BIT_DAC);

    vga_window_restart(vga);
    if (on) {
        vga->vbe[VBE_VIRT_WIDTH] = vga->vbe[VBE_X_OFFSET] = vga->vbe[VBE_Y_OFFSET] = 0;
        vga->vbe[VBE_BANK] = 0;
        fix_resolution(vga);
        fix_virtual(vga);
        if (!(value & VBE_NO_CLEAR)) {
            memset(vga->vram, 0,
                   (size_t)vga->vbe[VBE_YRES] * line_bytes(vga, vga->vbe[VBE_VIRT_WIDTH]));
        }
    }
    vga->vbe[VBE_ENABLE] = value & VBE_ENABLE_BITS;
    if (on) {
        set_registers(vga);
    } else if (!(value & VBE_ENABLED)) {
        vga->vbe[VBE_BANK] = 0;
    }
    for (size_t i = 0; narrower && i < sizeof(vga->dac); i++) {
        vga->dac[i] &= 0x3f;
    }
}

/* ---- Registers ---- */

static uint16_t capability(unsigned index, uint16_t value)
{
    switch (index) {
    case VBE_XRES:
        return VBE_MAX_XRES;
    case VBE_YRES:
        return VBE_MAX_YRES;
    case VBE_BPP:
        return VBE_MAX_BPP;
    default:
        return value;
    }
}

uint16_t vga_vbe_read(Vga *vga, unsigned index)
{
    if (index >= VBE_COUNT) {
        return 0;
    }
    if (vga->vbe[VBE_ENABLE] & VBE_CAPABILITIES) {
        return capability(index, vga->vbe[index]);
    }
    return vga->vbe[index];
}

void vga_vbe_write(Vga *vga, unsigned index, uint16_t value)
{
    switch (index) {
    case VBE_ID:
        if (value >= VBE_ID_FIRST && value <= VBE_ID_LAST) {
            vga->vbe[VBE_ID] = value;
        }
        return;
    case VBE_XRES:
    case VBE_YRES:
    case VBE_BPP:
        vga->vbe[index] = value;
        if (vga_vbe_enabled(vga)) {
            vga_window_restart(vga);
            fix_resolution(vga);
            fix_virtual(vga);
            fix_offset(vga);
            set_registers(vga);
        }
        return;
    case VBE_ENABLE:
        mode_enable(vga, value);
        return;
    case VBE_BANK:
        vga->vbe[VBE_BANK] = value & (uint16_t)((vga->config.vram_size >> 16) - 1);
        vga_window_changed(vga);
        return;
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET:
        vga->vbe[index] = value;
        if (vga_vbe_enabled(vga)) {
            fix_virtual(vga);
            fix_offset(vga);
        }
        return;
    default:
        return;
    }
}

void vga_vbe_reset(Vga *vga)
{
    memset(vga->vbe, 0, sizeof(vga->vbe));
    vga->vbe_index = 0;
    vga->vbe[VBE_ID] = VBE_ID_LAST;
    vga->vbe[VBE_MEMORY_64K] = (uint16_t)(vga->config.vram_size >> 16);
}

void vga_vbe_loaded(Vga *vga)
{
    vga->vbe[VBE_BANK] &= (uint16_t)((vga->config.vram_size >> 16) - 1);
    vga->vbe[VBE_MEMORY_64K] = (uint16_t)(vga->config.vram_size >> 16);
    if (vga_vbe_enabled(vga)) {
        fix_resolution(vga);
        fix_virtual(vga);
        fix_offset(vga);
    }
}

static uint32_t index_read(void *opaque, uint16_t offset, unsigned width)
{
    const Vga *vga = opaque;

    (void)offset, (void)width;
    return vga->vbe_index;
}

static void index_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Vga *vga = opaque;

    (void)offset, (void)width;
    vga->vbe_index = (uint16_t)value;
}

static uint32_t data_read(void *opaque, uint16_t offset, unsigned width)
{
    Vga *vga = opaque;

    (void)offset, (void)width;
    return vga_vbe_read(vga, vga->vbe_index);
}

static void data_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Vga *vga = opaque;

    (void)offset, (void)width;
    vga_vbe_write(vga, vga->vbe_index, (uint16_t)value);
}

const IoRange vga_vbe_ports[VGA_VBE_RANGES] = {
    { 0x1ce, 2, IO_16, index_read, index_write },
    { 0x1cf, 2, IO_16, data_read, data_write }, /* the later range has the port */
    { 0x1d0, 2, IO_16, data_read, data_write },
};
