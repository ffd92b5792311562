/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_VGA_H
#define HW_DISPLAY_VGA_H
/* vga.h - a VGA with Bochs' VBE extension: the chip that QEMU's `VGA` has.
 *
 * 256 KiB of the video memory are the four planes, byte 4 * offset + plane; with VBE the whole of
 * it is a linear frame buffer.  The legacy window at A0000 is an MMIO range; where every access
 * would go straight to memory (text, mode 13h, VBE) RAM takes its place, see vga_window.c.
 *
 * Everything with the device lock held. */
#include "hw/clock.h"
#include "hw/display/display.h"
#include "hw/iobus.h"
#include "hw/state.h"
#include "softmmu/physmap.h"

typedef struct Vga Vga;

typedef struct VgaConfig { /* borrowed */
    PhysMap *map;
    IoBus *io;
    Clock *clock;
    Console *console;
    uint64_t vram_size; /* a power of two, 256 KiB to 256 MiB */
    bool legacy;        /* ports 3B0 to 3DF and the window at A0000; not for a second adapter */
} VgaConfig;

/* Takes its memory from the map's device RAM. */
Vga *vga_new(const VgaConfig *config, GError **error);
void vga_free(Vga *vga);
void vga_reset(Vga *vga);

/* Of the video memory in the map's RAM, for a BAR (phys_map_add_ram). */
uint64_t vga_vram_offset(const Vga *vga);

/* The same registers by memory: `port` 3C0 to 3DF; VBE's by index; widths 1 and 2. */
uint8_t vga_port_read(Vga *vga, uint16_t port);
void vga_port_write(Vga *vga, uint16_t port, uint8_t value);
uint16_t vga_vbe_read(Vga *vga, unsigned index);
void vga_vbe_write(Vga *vga, unsigned index, uint16_t value);

extern const StateTable vga_state; /* of a Vga; video memory not included */

enum { VGA_VRAM_MIN = 256 << 10, VGA_VRAM_MAX = 256 << 20 };

#endif
