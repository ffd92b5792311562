/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga_window.c - RAM in the place of the window, while that makes no difference.
 *
 * A call for each byte is what scrolling text and mode 13h spend their time with.  But as the BIOS
 * sets up these modes, a write stores the byte and a read gets it back: no latches, no masks, no
 * functions.  So after a number of accesses in such a state the window becomes RAM.  In text and
 * chain-4 modes that is a copy, in the order of addresses, of what the planes hold with gaps; they
 * get it back when somebody looks at them: the picture, a state save, or a register that ends the
 * state.  With VBE the bank of the frame buffer itself is put there.
 *
 * Only latches are not loaded by such reads; a register has to be written before they matter, and
 * programs load them after that. */
#include "hw/display/vga_int.h"

#include <string.h>

enum { CALLS_BEFORE = 64, TEXT_SIZE = 0x8000, DIRECT_PRIORITY = VGA_PRIORITY + 1 };

typedef struct DirectRange {
    VgaDirect kind;
    uint32_t first; /* in the window of 128 KiB */
    uint64_t ram_offset;
} DirectRange;

/* Is a byte that is written what the memory gets, and one that is read what it holds? */
static bool bytes_pass(const Vga *vga)
{
    return (vga->misc & MISC_RAM) && (vga->gfx[GFX_MODE] & 0x0b) == 0 &&
           vga->gfx[GFX_ENABLE_SET_RESET] == 0 && vga->gfx[GFX_ROTATE] == 0 &&
           vga->gfx[GFX_BIT_MASK] == 0xff;
}

static bool text_passes(const Vga *vga)
{
    return !(vga->seq[SEQ_MEMORY_MODE] & (MEMORY_SEQUENTIAL | MEMORY_CHAIN_4)) &&
           (vga->gfx[GFX_MODE] & GFX_MODE_ODD_EVEN) && vga->seq[SEQ_MAP_MASK] == 3 &&
           !(vga->gfx[GFX_READ_MAP] & 2) && (vga->gfx[GFX_MISC] & 0x08);
}

static DirectRange direct_wanted(const Vga *vga)
{
    DirectRange none = { .kind = DIRECT_NONE };
    unsigned map = vga->gfx[GFX_MISC] >> 2 & 3;
    uint64_t copy = vga->vram_offset + vga->config.vram_size;

    if (!bytes_pass(vga)) {
        return none;
    }
    if (vga->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN_4) {
        uint64_t bank = (uint64_t)vga->vbe[VBE_BANK] << 16;

        if (map != 1 || vga->seq[SEQ_MAP_MASK] != 0xf) {
            return none;
        }
        if (vga_vbe_linear(vga)) {
            bank &= vga->config.vram_size - 1;
            return (DirectRange){ DIRECT_LINEAR, 0, vga->vram_offset + bank };
        }
        return (DirectRange){ DIRECT_CHAIN_4, 0, copy };
    }
    if (!text_passes(vga)) {
        return none;
    }
    return (DirectRange){ DIRECT_TEXT, map == 2 ? 0x10000 : 0x18000, copy };
}

/* ---- The copy ---- */

static size_t copy_size(const Vga *vga)
{
    return vga->direct == DIRECT_TEXT ? TEXT_SIZE : VGA_DIRECT_SIZE;
}

/* Byte `i` of the copy in the planes. */
static size_t copy_place(const Vga *vga, size_t i)
{
    if (vga->direct == DIRECT_TEXT) {
        return (i & ~(size_t)1) * 4 + (i & 1);
    }
    return (size_t)vga_chain_4_offset((uint32_t)i) * 4 + (i & 3);
}

static void copy_fill(Vga *vga)
{
    for (size_t i = 0; i < copy_size(vga); i++) {
        vga->copy[i] = vga->vram[copy_place(vga, i)];
    }
}

void vga_window_collect(Vga *vga)
{
    if (vga->direct == DIRECT_TEXT || vga->direct == DIRECT_CHAIN_4) {
        for (size_t i = 0; i < copy_size(vga); i++) {
            vga->vram[copy_place(vga, i)] = vga->copy[i];
        }
    }
}

/* ---- The change ---- */

static PhysRange *direct_range(const Vga *vga, VgaDirect kind)
{
    return kind == DIRECT_TEXT ? vga->direct_text : vga->direct_whole;
}

static void direct_close(Vga *vga)
{
    phys_range_set_enabled(vga->config.map, direct_range(vga, vga->direct), false);
    vga_window_collect(vga); /* after that: nobody writes to it any more */
    vga->direct = DIRECT_NONE;
}

static void direct_open(Vga *vga, const DirectRange *range)
{
    PhysMap *map = vga->config.map;
    PhysRange *at = direct_range(vga, range->kind);

    vga->direct = range->kind;
    if (range->kind != DIRECT_LINEAR) {
        copy_fill(vga);
    }
    phys_map_begin(map);
    phys_range_move(map, at, VGA_WINDOW + range->first);
    phys_range_set_ram(map, at, range->ram_offset);
    phys_range_set_enabled(map, at, true);
    phys_map_commit(map);
}

void vga_window_open(Vga *vga)
{
    PhysMap *map = vga->config.map;

    phys_map_begin(map);
    vga->window = phys_map_add_mmio(map, VGA_WINDOW, VGA_WINDOW_SIZE, &vga_memory_ops, vga,
                                    VGA_PRIORITY);
    vga->direct_text = phys_map_add_ram(map, VGA_WINDOW, vga->vram_offset, TEXT_SIZE,
                                        DIRECT_PRIORITY);
    vga->direct_whole = phys_map_add_ram(map, VGA_WINDOW, vga->vram_offset, VGA_DIRECT_SIZE,
                                         DIRECT_PRIORITY);
    phys_range_set_enabled(map, vga->direct_text, false);
    phys_range_set_enabled(map, vga->direct_whole, false);
    phys_map_commit(map);
}

void vga_window_used(Vga *vga)
{
    DirectRange range;

    if (++vga->calls == CALLS_BEFORE && vga->direct == DIRECT_NONE) {
        range = direct_wanted(vga);
        if (range.kind != DIRECT_NONE) {
            direct_open(vga, &range);
        }
    }
}

void vga_window_changed(Vga *vga)
{
    DirectRange range;

    vga->calls = 0;
    if (vga->direct == DIRECT_NONE) {
        return;
    }
    range = direct_wanted(vga);
    if (range.kind == vga->direct && range.kind != DIRECT_LINEAR) {
        return;
    }
    phys_map_begin(vga->config.map);
    direct_close(vga);
    if (range.kind == DIRECT_LINEAR) { /* another bank: they change often */
        direct_open(vga, &range);
    }
    phys_map_commit(vga->config.map);
}

void vga_window_restart(Vga *vga)
{
    vga->calls = 0;
    if (vga->direct != DIRECT_NONE) {
        direct_close(vga);
    }
}

void vga_window_close(Vga *vga)
{
    PhysMap *map = vga->config.map;

    vga_window_restart(vga);
    phys_map_begin(map);
    phys_range_remove(map, vga->direct_whole);
    phys_range_remove(map, vga->direct_text);
    phys_range_remove(map, vga->window);
    phys_map_commit(map);
}
