/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga_memory.c - the window at A0000 seen byte by byte: address decoding, the four planes, latches,
 * read modes 0 and 1, write modes 0 to 3 (IBM VGA reference, graphics controller).
 *
 * Deviation: with VBE on, chained addresses are those of the linear frame buffer, as on SVGA chips.
 */
#include "hw/display/vga_int.h"

#include <string.h>

static uint32_t every_plane(uint8_t byte)
{
    return byte * 0x01010101u;
}

/* A bit a plane to a byte a plane. */
static uint32_t plane_bytes(unsigned planes)
{
    return ((planes & 1) | (planes & 2) << 7 | (planes & 4) << 14 | (planes & 8) << 21) * 0xffu;
}

uint32_t vga_decode(const Vga *vga, uint64_t offset)
{
    static const struct {
        uint32_t first, size;
    } maps[4] = { { 0, 0x20000 }, { 0, 0x10000 }, { 0x10000, 0x8000 }, { 0x18000, 0x8000 } };
    unsigned map = vga->gfx[GFX_MISC] >> 2 & 3;

    if (!(vga->misc & MISC_RAM) || offset < maps[map].first ||
        offset - maps[map].first >= maps[map].size) {
        return UINT32_MAX;
    }
    return (uint32_t)(offset - maps[map].first);
}

/* ---- One byte ---- */

typedef struct Place {
    uint32_t offset; /* in a plane, or in the linear frame buffer */
    bool linear;
    unsigned planes; /* that the address selects: a bit each */
} Place;

/* Address bit 0 selects between even and odd planes; in the window of 128 KiB the uppermost bit
 * takes its place. */
static uint32_t odd_even_offset(const Vga *vga, uint32_t address)
{
    bool wide = (vga->gfx[GFX_MISC] & 0x0c) == 0;

    return (address & ~1u) | (wide ? address >> 16 & 1 : 0);
}

static Place place_of(const Vga *vga, uint32_t address, bool odd_even)
{
    if (vga->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4) {
        unsigned planes = 1u << (address & 3);

        if (vga_vbe_linear(vga)) {
            uint32_t bank = (uint32_t)vga->vbe[VBE_BANK] << 16;

            address = (bank + address) & (uint32_t)(vga->config.vram_size - 1);
            return (Place){ address, true, planes };
        }
        return (Place){ vga_chain_4_offset(address), false, planes };
    }
    if (odd_even) {
        return (Place){ odd_even_offset(vga, address) & VGA_PLANE_MASK, false,
                        address & 1 ? 0xa : 0x5 };
    }
    if (vga_vbe_enabled(vga)) { /* 4 bits a pixel: planes of more than 64 KiB */
        uint32_t bank = (uint32_t)vga->vbe[VBE_BANK] << 16;
        uint32_t mask = (uint32_t)(vga->config.vram_size / 4 - 1);

        return (Place){ (bank + address) & mask, false, 0xf };
    }
    return (Place){ address & VGA_PLANE_MASK, false, 0xf };
}

static uint32_t planes_load(const Vga *vga, uint32_t offset)
{
    uint32_t value;

    memcpy(&value, vga->vram + (size_t)offset * 4, 4);
    return value;
}

static uint8_t read_colour_compare(const Vga *vga)
{
    uint32_t differ = (vga->latch ^ plane_bytes(vga->gfx[GFX_COLOUR_COMPARE])) &
                      plane_bytes(vga->gfx[GFX_COLOUR_CARE]);

    differ |= differ >> 16;
    return (uint8_t) ~(differ | differ >> 8);
}

static uint8_t memory_read(Vga *vga, uint32_t address)
{
    bool odd_even = (vga->gfx[GFX_MODE] & GFX_MODE_ODD_EVEN) != 0;
    Place place = place_of(vga, address, odd_even);
    unsigned plane = vga->gfx[GFX_READ_MAP];

    if (place.linear) {
        memcpy(&vga->latch, vga->vram + (place.offset & ~3u), 4);
        return vga->vram[place.offset];
    }
    vga->latch = planes_load(vga, place.offset);
    if (vga->gfx[GFX_MODE] & GFX_MODE_READ_COMPARE) {
        return read_colour_compare(vga);
    }
    if (vga->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4) {
        plane = address & 3;
    } else if (odd_even) {
        plane = (plane & 2) | (address & 1);
    }
    return (uint8_t)(vga->latch >> (plane * 8));
}

static uint8_t rotate(const Vga *vga, uint8_t value)
{
    unsigned count = vga->gfx[GFX_ROTATE] & 7;

    return (uint8_t)(value >> count | value << (8 - count));
}

static uint32_t combine(const Vga *vga, uint32_t value)
{
    switch (vga->gfx[GFX_ROTATE] >> 3) {
    case 1:
        return value & vga->latch;
    case 2:
        return value | vga->latch;
    case 3:
        return value ^ vga->latch;
    default:
        return value;
    }
}

/* What the CPU's byte becomes, a byte a plane. */
static uint32_t write_value(const Vga *vga, uint8_t byte)
{
    uint32_t mask = every_plane(vga->gfx[GFX_BIT_MASK]), value;
    uint32_t set = plane_bytes(vga->gfx[GFX_SET_RESET]);
    uint32_t enable = plane_bytes(vga->gfx[GFX_ENABLE_SET_RESET]);

    switch (vga->gfx[GFX_MODE] & 3) {
    case 0:
        value = (every_plane(rotate(vga, byte)) & ~enable) | (set & enable);
        break;
    case 1:
        return vga->latch;
    case 2:
        value = plane_bytes(byte & 0xf);
        break;
    default:
        mask &= every_plane(rotate(vga, byte));
        value = set;
        break;
    }
    return (combine(vga, value) & mask) | (vga->latch & ~mask);
}

static void memory_write(Vga *vga, uint32_t address, uint8_t byte)
{
    bool odd_even = !(vga->seq[SEQ_MEMORY_MODE] & MEMORY_SEQUENTIAL);
    Place place = place_of(vga, address, odd_even);
    unsigned planes = place.planes & vga->seq[SEQ_MAP_MASK];
    uint32_t value = write_value(vga, byte), mask = plane_bytes(planes);
    size_t at = place.linear ? place.offset & ~3u : (size_t)place.offset * 4;
    uint32_t old;

    memcpy(&old, vga->vram + at, 4);
    value = (value & mask) | (old & ~mask);
    memcpy(vga->vram + at, &value, 4);
}

/* ---- The window ---- */

static uint64_t window_read(void *opaque, uint64_t offset, unsigned width)
{
    Vga *vga = opaque;
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        uint32_t address = vga_decode(vga, offset + i);
        uint8_t byte = address == UINT32_MAX ? 0xff : memory_read(vga, address);

        value |= (uint64_t)byte << (8 * i);
    }
    vga_window_used(vga);
    return value;
}

static void window_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    Vga *vga = opaque;

    for (unsigned i = 0; i < width; i++) {
        uint32_t address = vga_decode(vga, offset + i);

        if (address != UINT32_MAX) {
            memory_write(vga, address, (uint8_t)(value >> (8 * i)));
        }
    }
    vga_window_used(vga);
}

const MmioOps vga_memory_ops = { .read = window_read, .write = window_write };
