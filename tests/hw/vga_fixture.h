/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_VGA_FIXTURE_H
#define TESTS_HW_VGA_FIXTURE_H
/* vga_fixture.h - a VGA on a bench, the modes as a BIOS would set them, and eyes for the screen. */
#include "hw/display/vga.h"
#include "tests/hw/board_fixture.h"

enum { TEST_VRAM = 4 << 20, TEST_LFB = 0x20000000 };

typedef struct VgaBench {
    Bench bench;
    Display *display;
    Console *console;
    Vga *vga;
    PhysRange *lfb;
} VgaBench;

static VgaBench vb;

static void vga_open(void)
{
    VgaConfig config = { .vram_size = TEST_VRAM, .legacy = true };

    bench_open(&vb.bench, 1 << 20);
    vb.display = display_new();
    vb.console = display_add(vb.display, "vga");
    config.map = vb.bench.map;
    config.io = vb.bench.io;
    config.clock = vb.bench.clock;
    config.console = vb.console;
    vb.vga = vga_new(&config, NULL);
    ck_assert_ptr_nonnull(vb.vga);
    vb.lfb = phys_map_add_ram(vb.bench.map, TEST_LFB, vga_vram_offset(vb.vga), TEST_VRAM, 0);
}

static void vga_close(void)
{
    phys_range_remove(vb.bench.map, vb.lfb);
    vga_free(vb.vga);
    display_free(vb.display);
    bench_close(&vb.bench);
}

static inline uint8_t in8(uint16_t port)
{
    return (uint8_t)io_bus_read(vb.bench.io, port, 1);
}

static inline void out8(uint16_t port, uint8_t value)
{
    io_bus_write(vb.bench.io, port, 1, value);
}

static inline void indexed(uint16_t port, uint8_t index, uint8_t value)
{
    out8(port, index);
    out8((uint16_t)(port + 1), value);
}

static inline uint8_t indexed_in(uint16_t port, uint8_t index)
{
    out8(port, index);
    return in8((uint16_t)(port + 1));
}

enum { SEQ = 0x3c4, CRTC = 0x3d4, GFX = 0x3ce };

static inline void attr_out(uint8_t index, uint8_t value)
{
    in8(0x3da);
    out8(0x3c0, index);
    out8(0x3c0, value);
}

static inline void attr_video_on(void)
{
    in8(0x3da);
    out8(0x3c0, 0x20);
}

static inline void dac_set(unsigned index, uint8_t r, uint8_t g, uint8_t b)
{
    out8(0x3c8, (uint8_t)index);
    out8(0x3c9, r);
    out8(0x3c9, g);
    out8(0x3c9, b);
}

static inline void vbe_out(uint16_t index, uint16_t value)
{
    io_bus_write(vb.bench.io, 0x1ce, 2, index);
    io_bus_write(vb.bench.io, 0x1cf, 2, value);
}

static inline uint16_t vbe_in(uint16_t index)
{
    io_bus_write(vb.bench.io, 0x1ce, 2, index);
    return (uint16_t)io_bus_read(vb.bench.io, 0x1d0, 2);
}

static inline void poke(uint64_t gpa, uint8_t value)
{
    phys_map_mmio_write(vb.bench.map, gpa, 1, value);
}

static inline uint8_t peek(uint64_t gpa)
{
    return (uint8_t)phys_map_mmio_read(vb.bench.map, gpa, 1);
}

typedef struct VgaMode {
    uint8_t misc, seq[5], crtc[25], gfx[9], attr[21];
} VgaMode;

static const VgaMode mode_03 = {
    0x67,
    { 0x03, 0x00, 0x03, 0x00, 0x02 },
    { 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
      0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x00, 0xff },
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x0c, 0, 0x0f, 8, 0 },
};

static const VgaMode mode_04 = {
    0x63,
    { 0x03, 0x09, 0x03, 0x00, 0x02 },
    { 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0f, 0x00, 0xff },
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x01, 0, 0x03, 0, 0 },
};

static const VgaMode mode_12 = {
    0xe3,
    { 0x03, 0x01, 0x0f, 0x00, 0x06 },
    { 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff },
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x01, 0, 0x0f, 0, 0 },
};

static const VgaMode mode_13 = {
    0x63,
    { 0x03, 0x01, 0x0f, 0x00, 0x0e },
    { 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff },
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 0x0f, 0, 0 },
};

/* DAC entry i of the first 16 becomes grey 4 * i, the rest 0. */
static inline void set_mode(const VgaMode *mode)
{
    out8(0x3c2, mode->misc);
    for (unsigned i = 0; i < 5; i++) {
        indexed(SEQ, (uint8_t)i, mode->seq[i]);
    }
    indexed(CRTC, 0x11, 0x0e);
    for (unsigned i = 0; i < 25; i++) {
        indexed(CRTC, (uint8_t)i, mode->crtc[i]);
    }
    for (unsigned i = 0; i < 9; i++) {
        indexed(GFX, (uint8_t)i, mode->gfx[i]);
    }
    for (unsigned i = 0; i < 21; i++) {
        attr_out((uint8_t)i, mode->attr[i]);
    }
    for (unsigned i = 0; i < 256; i++) {
        uint8_t grey = i < 16 ? (uint8_t)(4 * i) : 0;

        dac_set(i, grey, grey, grey);
    }
    attr_video_on();
}

/* After a refresh. */
static inline uint32_t pixel(unsigned x, unsigned y)
{
    const Surface *surface = console_surface(vb.console);

    ck_assert_uint_lt(x, surface->width);
    ck_assert_uint_lt(y, surface->height);
    return surface->pixels[y * surface->width + x];
}

static inline uint32_t grey(unsigned i)
{
    return (i << 4) * 0x010101u; /* of DAC entry i, see set_mode */
}

static inline void expect_size(unsigned width, unsigned height)
{
    console_refresh(vb.console);
    ck_assert_uint_eq(console_surface(vb.console)->width, width);
    ck_assert_uint_eq(console_surface(vb.console)->height, height);
}

#endif
