/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga_render.c - the picture: every line is made anew from memory and registers and compared with
 * what is on the surface. So nothing has to watch what the guest writes; at 30 pictures a second it
 * costs a few hundredths of a CPU, while somebody looks, and the guest nothing. */
#include "hw/display/vga_int.h"

#include <string.h>

enum { CURSOR_BLINK_FRAMES = 16, TEXT_BLINK_FRAMES = 32, CRTC_MODE_RUN = 0x80 };
enum { SCAN_DOUBLE = 0x80, SCAN_BITS = 0x1f, CURSOR_OFF = 0x20 };

/* ---- Colours ---- */

/* As QEMU widens six bits to eight, so that pictures can be compared. */
static unsigned widen_6(unsigned value)
{
    return value << 2 | (value & 1) << 1 | (value & 1);
}

static uint32_t dac_colour(const Vga *vga, unsigned index)
{
    const uint8_t *entry = &vga->dac[(index & vga->dac_mask) * 3];
    unsigned r = entry[0], g = entry[1], b = entry[2];

    if (!(vga->vbe[VBE_ENABLE] & VBE_8_BIT_DAC)) {
        r = widen_6(r);
        g = widen_6(g);
        b = widen_6(b);
    }
    return r << 16 | g << 8 | b;
}

static void picture_colours(VgaPicture *picture)
{
    const Vga *vga = picture->vga;
    unsigned select = vga->attr[ATTR_COLOUR_SELECT];
    bool graphics = (vga->gfx[GFX_MISC] & GFX_MISC_GRAPHICS) != 0;

    for (unsigned i = 0; i < 256; i++) {
        picture->palette[i] = dac_colour(vga, i);
    }
    for (unsigned i = 0; i < 16; i++) {
        unsigned index = vga->attr[graphics ? i & vga->attr[ATTR_PLANES] : i];

        if (vga->attr[ATTR_MODE] & ATTR_SELECT_5_4) {
            index = (index & 0x0f) | (select & 3) << 4;
        }
        picture->colour[i] = picture->palette[index | (select & 0x0c) << 4];
    }
}

/* ---- Modes of the VGA itself ---- */

/* The walk of the CRT controller from the first line to the last. */
typedef struct Beam {
    uint32_t row, address; /* of the row of characters; of the line */
    unsigned scan;
    bool again; /* the line has to be shown once more: double scan */
} Beam;

static void beam_next(const Vga *vga, Beam *beam)
{
    unsigned max_scan = vga->crtc[CRTC_MAX_SCAN];

    if ((max_scan & SCAN_DOUBLE) && !beam->again) {
        beam->again = true;
        return;
    }
    beam->again = false;
    if (beam->scan == (max_scan & SCAN_BITS)) {
        beam->scan = 0;
        beam->row += vga->crtc[CRTC_OFFSET] * 2u;
    } else {
        beam->scan = (beam->scan + 1) & SCAN_BITS;
    }
}

static unsigned panning_of(const Vga *vga, const VgaPicture *picture)
{
    unsigned pan = vga->attr[ATTR_PANNING] & 0x0f;

    if (vga->gfx[GFX_MODE] & 0x40) {
        return (pan & 7) * picture->repeat; /* half dots: 2 are a pixel */
    }
    if (picture->dots == 9) {
        return (pan >= 8 ? 0 : pan + 1) * picture->repeat;
    }
    return (pan & 7) * picture->repeat;
}

static VgaLine *line_of(const Vga *vga)
{
    if (!(vga->gfx[GFX_MISC] & GFX_MISC_GRAPHICS)) {
        return vga_line_text;
    }
    switch (vga->gfx[GFX_MODE] >> 5 & 3) {
    case 0:
        return vga_line_planar;
    case 1:
        return vga_line_cga;
    default:
        return vga_line_256;
    }
}

static uint32_t start_address(const Vga *vga)
{
    if (vga_vbe_enabled(vga)) {
        return vga->vbe[VBE_Y_OFFSET] * vga_vbe_stride(vga) + vga->vbe[VBE_X_OFFSET] / 8u;
    }
    return (uint32_t)vga->crtc[CRTC_START_HIGH] << 8 | vga->crtc[CRTC_START_LOW];
}

static uint32_t cursor_address(const Vga *vga)
{
    bool off = (vga->crtc[CRTC_CURSOR_START] & CURSOR_OFF) ||
               vga_frames(vga) / CURSOR_BLINK_FRAMES % 2 != 0;

    return off ? UINT32_MAX
               : (uint32_t)vga->crtc[CRTC_CURSOR_HIGH] << 8 | vga->crtc[CRTC_CURSOR_LOW];
}

static void render_planes(Vga *vga, VgaPicture *picture, unsigned lines)
{
    VgaLine *line = line_of(vga);
    unsigned compare = vga_line_compare(vga), pan = panning_of(vga, picture);
    Beam beam = { .row = start_address(vga) + (vga->crtc[CRTC_PRESET_ROW] >> 5 & 3u),
                  .scan = vga->crtc[CRTC_PRESET_ROW] & SCAN_BITS };

    picture->panning = pan;
    for (unsigned y = 0; y < lines; y++) {
        if (!beam.again || y == 0) {
            line(picture, beam.row, beam.scan, vga->row);
        }
        console_row(vga->config.console, y, vga->row + picture->panning);
        if (y == compare) { /* the lower part of a split screen */
            beam = (Beam){ .row = 0 };
            picture->panning = vga->attr[ATTR_MODE] & ATTR_PANNING_SPLIT ? 0 : pan;
        } else {
            beam_next(vga, &beam);
        }
    }
}

static void render_vga(Vga *vga, VgaPicture *picture)
{
    VgaTiming timing;
    bool graphics = (vga->gfx[GFX_MISC] & GFX_MISC_GRAPHICS) != 0;

    vga_timing(vga, &timing);
    picture->dots = graphics ? 8 : timing.dots;
    picture->repeat = vga->seq[SEQ_CLOCKING] & CLOCKING_HALF ? 2 : 1;
    picture->width = timing.columns * picture->dots * picture->repeat;
    picture->cursor = cursor_address(vga);
    picture->blink_off = vga_frames(vga) / TEXT_BLINK_FRAMES % 2 != 0;
    console_resize(vga->config.console, picture->width, timing.lines);
    render_planes(vga, picture, timing.lines);
}

/* ---- VBE ---- */

static void render_linear(Vga *vga, VgaPicture *picture)
{
    unsigned bpp = vga->vbe[VBE_BPP], bytes = (bpp + 7u) / 8;
    uint64_t stride = vga_vbe_stride(vga);
    uint64_t at = vga->vbe[VBE_Y_OFFSET] * stride + (uint64_t)vga->vbe[VBE_X_OFFSET] * bytes;

    picture->width = vga->vbe[VBE_XRES];
    console_resize(vga->config.console, picture->width, vga->vbe[VBE_YRES]);
    for (unsigned y = 0; y < vga->vbe[VBE_YRES]; y++, at += stride) {
        if (at + (uint64_t)picture->width * bytes > vga->config.vram_size) {
            break;
        }
        vga_line_linear(picture, vga->vram + at, bpp, vga->row);
        console_row(vga->config.console, y, vga->row);
    }
}

static void render_vbe_planar(Vga *vga, VgaPicture *picture)
{
    uint32_t at = start_address(vga);

    picture->dots = 8;
    picture->repeat = 1;
    picture->width = vga->vbe[VBE_XRES];
    picture->panning = vga->vbe[VBE_X_OFFSET] & 7u;
    console_resize(vga->config.console, picture->width, vga->vbe[VBE_YRES]);
    for (unsigned y = 0; y < vga->vbe[VBE_YRES]; y++, at += vga_vbe_stride(vga)) {
        vga_line_planar(picture, at, 0, vga->row);
        console_row(vga->config.console, y, vga->row + picture->panning);
    }
}

/* ---- For the console ---- */

/* The palette belongs to the CPU, or the sequencer or the CRT controller stand still. */
static bool blanked(const Vga *vga)
{
    return !(vga->attr_index & ATTR_INDEX_VIDEO) || (vga->seq[SEQ_CLOCKING] & CLOCKING_OFF) ||
           (!vga_vbe_enabled(vga) && !(vga->crtc[CRTC_MODE] & CRTC_MODE_RUN));
}

static void vga_refresh(void *opaque)
{
    Vga *vga = opaque;
    VgaPicture picture = { .vga = vga };

    if (blanked(vga)) {
        console_fill(vga->config.console, 0);
        return;
    }
    vga_window_collect(vga);
    picture_colours(&picture);
    if (vga_vbe_linear(vga)) {
        render_linear(vga, &picture);
    } else if (vga_vbe_enabled(vga)) {
        render_vbe_planar(vga, &picture);
    } else {
        render_vga(vga, &picture);
    }
}

static bool vga_text(void *opaque, TextScreen *screen)
{
    Vga *vga = opaque;
    VgaTiming timing;
    unsigned height = (vga->crtc[CRTC_MAX_SCAN] & SCAN_BITS) + 1u, cursor = cursor_address(vga);
    uint32_t row = start_address(vga);

    if (blanked(vga) || vga_vbe_enabled(vga) || (vga->gfx[GFX_MISC] & GFX_MISC_GRAPHICS)) {
        return false;
    }
    vga_window_collect(vga);
    vga_timing(vga, &timing);
    screen->columns = MIN(timing.columns, (unsigned)TEXT_MAX_COLUMNS);
    screen->rows = CLAMP(timing.lines / height, 1u, (unsigned)TEXT_MAX_ROWS);
    screen->cursor_x = screen->cursor_y = -1;
    for (unsigned y = 0; y < screen->rows; y++, row += vga->crtc[CRTC_OFFSET] * 2u) {
        for (unsigned x = 0; x < screen->columns; x++) {
            uint32_t at = vga_map_address(vga, (row + x) & VGA_PLANE_MASK, 0) & VGA_PLANE_MASK;

            memcpy(&screen->cells[y * screen->columns + x], vga->vram + (size_t)at * 4, 2);
            if (((row + x) & VGA_PLANE_MASK) == cursor) {
                screen->cursor_x = (int)x;
                screen->cursor_y = (int)y;
            }
        }
    }
    return true;
}

const ConsoleAdapter vga_adapter = { .refresh = vga_refresh, .text = vga_text };
