/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga_lines.c - what the memory's contents look like: one scan line of each kind of mode. */
#include "hw/display/vga_int.h"

#include <string.h>

enum { CRTC_MODE_CGA = 0x01, CRTC_MODE_HERCULES = 0x02, CRTC_MODE_COUNT_2 = 0x08 };
enum { CRTC_MODE_WRAP_15 = 0x20, CRTC_MODE_BYTE = 0x40 };
enum { UNDERLINE_COUNT_4 = 0x20, UNDERLINE_DWORD = 0x40, SCAN_BITS = 0x1f };
enum { FONT_LINES = 32, LINE_GRAPHICS_FIRST = 0xc0, LINE_GRAPHICS_LAST = 0xdf };

uint32_t vga_map_address(const Vga *vga, uint32_t counter, unsigned scan)
{
    uint8_t mode = vga->crtc[CRTC_MODE], underline = vga->crtc[CRTC_UNDERLINE];
    uint32_t address;

    if (underline & UNDERLINE_DWORD) {
        address = counter << 2 | (counter >> 12 & 3);
    } else if (mode & CRTC_MODE_BYTE) {
        address = counter;
    } else {
        address = counter << 1 | (counter >> (mode & CRTC_MODE_WRAP_15 ? 15 : 13) & 1);
    }
    if (!(mode & CRTC_MODE_CGA)) {
        address = (address & ~0x2000u) | (scan & 1) << 13;
    }
    if (!(mode & CRTC_MODE_HERCULES)) {
        address = (address & ~0x4000u) | (scan >> 1 & 1) << 14;
    }
    return address;
}

/* Character clocks to one step of the address counter. */
static unsigned count_shift(const Vga *vga)
{
    return vga->crtc[CRTC_UNDERLINE] & UNDERLINE_COUNT_4 ? 2
           : vga->crtc[CRTC_MODE] & CRTC_MODE_COUNT_2    ? 1
                                                         : 0;
}

static uint32_t planes_at(const Vga *vga, uint32_t counter, unsigned scan)
{
    uint32_t address = vga_map_address(vga, counter, scan), mask = VGA_PLANE_MASK, value;

    if (vga_vbe_enabled(vga)) {
        mask = (uint32_t)(vga->config.vram_size / 4 - 1);
    }
    memcpy(&value, vga->vram + (size_t)(address & mask) * 4, 4);
    return value;
}

static unsigned columns(const VgaPicture *picture)
{
    unsigned clock = picture->dots * picture->repeat;

    return (picture->width + picture->panning + clock - 1) / clock;
}

static uint32_t *put(uint32_t *out, uint32_t colour, unsigned repeat)
{
    *out++ = colour;
    if (repeat == 2) {
        *out++ = colour;
    }
    return out;
}

/* ---- Text ---- */

const uint8_t *vga_font(const Vga *vga, uint8_t attribute)
{
    unsigned maps = vga->seq[SEQ_CHARACTER_MAP];
    unsigned map = attribute & 0x08 ? (maps >> 2 & 3) | (maps >> 3 & 4)
                                    : (maps & 3) | (maps >> 2 & 4);
    uint32_t offset = (map & 3) << 14 | (map & 4) << 11;

    return vga->vram + (size_t)offset * 4 + 2; /* plane 2 */
}

static bool underlined(const Vga *vga, uint8_t attribute, unsigned scan)
{
    return (attribute & 0x77) == 0x01 && scan == (vga->crtc[CRTC_UNDERLINE] & SCAN_BITS);
}

static bool cursor_line(const Vga *vga, unsigned scan)
{
    return scan >= (vga->crtc[CRTC_CURSOR_START] & SCAN_BITS) &&
           scan <= (vga->crtc[CRTC_CURSOR_END] & SCAN_BITS);
}

/* The dots of a character, from bit 8 on to the right; bit 0 is the ninth. */
static unsigned character_dots(const VgaPicture *picture, uint32_t cell, uint32_t address,
                               unsigned scan)
{
    const Vga *vga = picture->vga;
    uint8_t code = (uint8_t)cell, attribute = (uint8_t)(cell >> 8);
    unsigned dots = vga_font(vga, attribute)[(code * FONT_LINES + scan) * 4] * 2u;

    if ((vga->attr[ATTR_MODE] & ATTR_LINE_GRAPHICS) && code >= LINE_GRAPHICS_FIRST &&
        code <= LINE_GRAPHICS_LAST) {
        dots |= dots >> 1 & 1;
    }
    if ((vga->attr[ATTR_MODE] & ATTR_BLINK) && (attribute & 0x80) && picture->blink_off) {
        dots = 0;
    }
    if (underlined(vga, attribute, scan) ||
        (address == picture->cursor && cursor_line(vga, scan))) {
        dots = 0x1ff;
    }
    return dots;
}

void vga_line_text(const VgaPicture *picture, uint32_t address, unsigned scan, uint32_t *out)
{
    const Vga *vga = picture->vga;
    bool blink = (vga->attr[ATTR_MODE] & ATTR_BLINK) != 0;
    unsigned n = columns(picture), shift = count_shift(vga);

    for (unsigned i = 0; i < n; i++) {
        uint32_t at = (address + (i >> shift)) & VGA_PLANE_MASK;
        uint32_t cell = planes_at(vga, at, scan);
        unsigned dots = character_dots(picture, cell, at, scan);
        uint32_t front = picture->colour[cell >> 8 & 0xf];
        uint32_t back = picture->colour[cell >> 12 & (blink ? 7 : 0xf)];

        for (unsigned bit = 0; bit < picture->dots; bit++) {
            out = put(out, dots & (0x100u >> bit) ? front : back, picture->repeat);
        }
    }
}

/* ---- Graphics ---- */

void vga_line_planar(const VgaPicture *picture, uint32_t address, unsigned scan, uint32_t *out)
{
    const Vga *vga = picture->vga;
    unsigned n = columns(picture), shift = count_shift(vga);
    const uint32_t *spread = vga->spread;

    for (unsigned i = 0; i < n; i++) {
        uint32_t planes = planes_at(vga, address + (i >> shift), scan);
        uint32_t indices = spread[planes & 0xff] | spread[planes >> 8 & 0xff] << 1 |
                           spread[planes >> 16 & 0xff] << 2 | spread[planes >> 24] << 3;

        for (unsigned bit = 0; bit < 8; bit++, indices >>= 4) {
            out = put(out, picture->colour[indices & 0xf], picture->repeat);
        }
    }
}

/* Shift registers interleaved, as the CGA's memory was: two bits a dot, even planes first. */
void vga_line_cga(const VgaPicture *picture, uint32_t address, unsigned scan, uint32_t *out)
{
    const Vga *vga = picture->vga;
    unsigned n = columns(picture), shift = count_shift(vga);

    for (unsigned i = 0; i < n; i++) {
        uint32_t planes = planes_at(vga, address + (i >> shift), scan);

        for (unsigned dot = 0; dot < 8; dot++) {
            uint32_t low = planes >> (dot / 4 * 8), high = low >> 16;
            unsigned at = 6 - dot % 4 * 2;

            out = put(out, picture->colour[(low >> at & 3) | (high >> at & 3) << 2],
                      picture->repeat);
        }
    }
}

/* A byte is two dots. */
void vga_line_256(const VgaPicture *picture, uint32_t address, unsigned scan, uint32_t *out)
{
    const Vga *vga = picture->vga;
    unsigned n = columns(picture), shift = count_shift(vga);

    for (unsigned i = 0; i < n; i++) {
        uint32_t planes = planes_at(vga, address + (i >> shift), scan);

        for (unsigned plane = 0; plane < 4; plane++, planes >>= 8) {
            uint32_t colour = picture->palette[planes & 0xff];

            out = put(out, colour, picture->repeat);
            out = put(out, colour, picture->repeat);
        }
    }
}

/* ---- Linear frame buffers ---- */

static uint32_t widen(unsigned value, unsigned bits)
{
    return value << (8 - bits) | value >> (2 * bits - 8);
}

static uint32_t pixel_15(unsigned value)
{
    return widen(value >> 10 & 31, 5) << 16 | widen(value >> 5 & 31, 5) << 8 | widen(value & 31, 5);
}

static uint32_t pixel_16(unsigned value)
{
    return widen(value >> 11, 5) << 16 | widen(value >> 5 & 63, 6) << 8 | widen(value & 31, 5);
}

static void line_linear_16(const VgaPicture *picture, const uint8_t *from, bool green_6,
                           uint32_t *out)
{
    for (unsigned x = 0; x < picture->width; x++) {
        unsigned value = from[2 * x] | from[2 * x + 1] << 8;

        out[x] = green_6 ? pixel_16(value) : pixel_15(value);
    }
}

void vga_line_linear(const VgaPicture *picture, const uint8_t *from, unsigned bpp, uint32_t *out)
{
    unsigned width = picture->width;

    switch (bpp) {
    case 8:
        for (unsigned x = 0; x < width; x++) {
            out[x] = picture->palette[from[x]];
        }
        break;
    case 15:
    case 16:
        line_linear_16(picture, from, bpp == 16, out);
        break;
    case 24:
        for (unsigned x = 0; x < width; x++, from += 3) {
            out[x] = from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
        }
        break;
    default:
        memcpy(out, from, (size_t)width * 4);
        for (unsigned x = 0; x < width; x++) {
            out[x] &= 0xffffff;
        }
        break;
    }
}
