/* SPDX-License-Identifier: GPL-2.0-or-later */
/* boot_screen.c - the screen as a video BIOS leaves it: text mode 3, 80 columns by 25 lines of 9x16
 * characters (values of the registers: IBM Personal System/2 hardware interface technical
 * reference, video subsystem, BIOS mode 3+).
 *
 * The characters' shapes are those of the video BIOS that the firmware would run. */
#include <string.h>

#include "hw/rom_files.h"
#include "runtime/machine/boot_int.h"

#define VIDEO_BIOS "vgabios-stdvga.bin"

enum {
    PORT_ATTRIBUTE = 0x3c0,
    PORT_MISC_WRITE = 0x3c2,
    PORT_SEQUENCER = 0x3c4,
    PORT_DAC_MASK = 0x3c6,
    PORT_DAC_WRITE = 0x3c8,
    PORT_DAC_DATA = 0x3c9,
    PORT_MISC_READ = 0x3cc,
    PORT_GRAPHICS = 0x3ce,
    PORT_CRTC = 0x3d4,
    PORT_STATUS = 0x3da,
    ATTRIBUTE_SHOW = 0x20,
    CRTC_RETRACE_END = 0x11,
};
enum {
    MISC_TEXT = 0x67, /* 28 MHz, ports 3Dx, RAM on */
    NOBODY = 0xff,
    DAC_COLOURS = 64,
    WINDOW = 0xa0000,
    TEXT = 0xb8000,
    TEXT_SIZE = 0x8000,
    BLANK = 0x0720, /* grey on black */
    FONT_HEIGHT = 16,
    FONT_STRIDE = 32,
    FONT_SIZE = 256 * FONT_HEIGHT,
    ROM_LARGEST = 128 << 10,
};

/* An indexed register file: from 0 on. */
static void registers_write(IoBus *io, uint16_t port, const uint8_t *values, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        io_bus_write(io, port, 1, i);
        io_bus_write(io, port + 1, 1, values[i]);
    }
}

static void indexed_write(IoBus *io, uint16_t port, uint8_t index, uint8_t value)
{
    io_bus_write(io, port, 1, index);
    io_bus_write(io, port + 1, 1, value);
}

/* Colours 0 to 63 of the EGA: two bits a primary, 2/3 and 1/3 of full. */
static void colours_set(IoBus *io)
{
    enum { STRONG = 42, WEAK = 21 };

    io_bus_write(io, PORT_DAC_MASK, 1, 0xff);
    io_bus_write(io, PORT_DAC_WRITE, 1, 0);
    for (unsigned colour = 0; colour < DAC_COLOURS; colour++) {
        for (int primary = 2; primary >= 0; primary--) {
            io_bus_write(io, PORT_DAC_DATA, 1,
                         STRONG * (colour >> primary & 1) + WEAK * (colour >> (primary + 3) & 1));
        }
    }
}

static void attributes_set(IoBus *io)
{
    static const uint8_t values[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14,
                                      0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
                                      0x3e, 0x3f, 0x0c, 0x00, 0x0f, 0x08, 0x00 };

    io_bus_read(io, PORT_STATUS, 1); /* the next write is an index */
    for (unsigned i = 0; i < sizeof(values); i++) {
        io_bus_write(io, PORT_ATTRIBUTE, 1, i);
        io_bus_write(io, PORT_ATTRIBUTE, 1, values[i]);
    }
    io_bus_write(io, PORT_ATTRIBUTE, 1, ATTRIBUTE_SHOW);
}

static void mode_set(IoBus *io)
{
    static const uint8_t sequencer[] = { 0x03, 0x00, 0x03, 0x00, 0x02 };
    static const uint8_t crtc[] = { 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00,
                                    0x4f, 0x0d, 0x0e, 0x00, 0x00, 0x00, 0x00, 0x9c, 0x8e,
                                    0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff };
    static const uint8_t graphics[] = { 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff };

    io_bus_write(io, PORT_MISC_WRITE, 1, MISC_TEXT);
    registers_write(io, PORT_SEQUENCER, sequencer, sizeof(sequencer));
    indexed_write(io, PORT_CRTC, CRTC_RETRACE_END, 0); /* the first eight can be written */
    registers_write(io, PORT_CRTC, crtc, sizeof(crtc));
    registers_write(io, PORT_GRAPHICS, graphics, sizeof(graphics));
    attributes_set(io);
    colours_set(io);
}

/* The 8x16 font: 256 shapes of code page 437, of which 0 is empty, 1 and 2 are the two faces. */
static const uint8_t *font_find(const uint8_t *rom, size_t size)
{
    static const uint8_t head[3 * FONT_HEIGHT] = {
        [16] = 0x00, 0x00, 0x7e, 0x81, 0xa5, 0x81, 0x81, 0xbd, 0x99, 0x81, 0x81, 0x7e,
        [32] = 0x00, 0x00, 0x7e, 0xff, 0xdb, 0xff, 0xff, 0xc3, 0xe7, 0xff, 0xff, 0x7e,
    };

    return size >= FONT_SIZE ? memmem(rom, size - FONT_SIZE + sizeof(head), head, sizeof(head))
                             : NULL;
}

/* Into plane 2, through the window at A0000. */
static void font_load(const BootTarget *target, const uint8_t *font)
{
    indexed_write(target->io, PORT_SEQUENCER, 2, 4);
    indexed_write(target->io, PORT_SEQUENCER, 4, 6);
    indexed_write(target->io, PORT_GRAPHICS, 5, 0);
    indexed_write(target->io, PORT_GRAPHICS, 6, 4);
    for (unsigned i = 0; i < FONT_SIZE; i++) {
        uint64_t at = WINDOW + i / FONT_HEIGHT * FONT_STRIDE + i % FONT_HEIGHT;

        phys_map_write(target->map, at, &font[i], 1);
    }
}

bool boot_screen_is_there(const BootTarget *target)
{
    return io_bus_read(target->io, PORT_MISC_READ, 1) != NOBODY;
}

void boot_screen_set_up(const BootTarget *target)
{
    g_autofree uint16_t *blank = g_new(uint16_t, TEXT_SIZE / sizeof(uint16_t));
    g_autofree uint8_t *rom = NULL;
    const uint8_t *font;
    size_t size = 0;

    if (!boot_screen_is_there(target)) {
        return;
    }
    if (target->roms != NULL) { /* a machine without the package has no letters */
        rom = rom_files_load(target->roms, VIDEO_BIOS, ROM_LARGEST, &size, NULL);
    }
    mode_set(target->io);
    font = rom != NULL ? font_find(rom, size) : NULL;
    if (font != NULL) {
        font_load(target, font);
        mode_set(target->io);
    }
    for (unsigned i = 0; i < TEXT_SIZE / sizeof(uint16_t); i++) {
        blank[i] = BLANK;
    }
    phys_map_write(target->map, TEXT, blank, TEXT_SIZE);
}
