/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_VGA_INT_H
#define HW_DISPLAY_VGA_INT_H
/* vga_int.h - the inside of the VGA, for its files: vga_ports.c has the registers, vga_timing.c the
 * beam, vga_memory.c the way of a byte through latches and planes, vga_window.c the RAM that takes
 * the window's place, vga_vbe.c Bochs' extension, vga_render.c and vga_lines.c the picture. */
#include "hw/display/vga.h"

enum { /* sequencer */
       SEQ_RESET,
       SEQ_CLOCKING,
       SEQ_MAP_MASK,
       SEQ_CHARACTER_MAP,
       SEQ_MEMORY_MODE,
       SEQ_COUNT = 8
};
enum { CLOCKING_8_DOTS = 0x01, CLOCKING_HALF = 0x08, CLOCKING_OFF = 0x20 };
enum { MEMORY_SEQUENTIAL = 0x04, MEMORY_CHAIN_4 = 0x08 };

enum { /* CRT controller */
       CRTC_H_TOTAL,
       CRTC_H_DISPLAY,
       CRTC_V_TOTAL = 0x06,
       CRTC_OVERFLOW,
       CRTC_PRESET_ROW,
       CRTC_MAX_SCAN,
       CRTC_CURSOR_START,
       CRTC_CURSOR_END,
       CRTC_START_HIGH,
       CRTC_START_LOW,
       CRTC_CURSOR_HIGH,
       CRTC_CURSOR_LOW,
       CRTC_RETRACE_START,
       CRTC_RETRACE_END,
       CRTC_V_DISPLAY,
       CRTC_OFFSET,
       CRTC_UNDERLINE,
       CRTC_V_BLANK_START,
       CRTC_V_BLANK_END,
       CRTC_MODE,
       CRTC_LINE_COMPARE,
       CRTC_COUNT,
       CRTC_LATCH = 0x22, /* of the plane that can be read; undocumented but everywhere */
       CRTC_FLIP_FLOP = 0x24
};
enum { RETRACE_NO_PENDING = 0x10, RETRACE_NO_INTERRUPT = 0x20, RETRACE_PROTECT = 0x80 };

enum { /* graphics controller */
       GFX_SET_RESET,
       GFX_ENABLE_SET_RESET,
       GFX_COLOUR_COMPARE,
       GFX_ROTATE,
       GFX_READ_MAP,
       GFX_MODE,
       GFX_MISC,
       GFX_COLOUR_CARE,
       GFX_BIT_MASK,
       GFX_COUNT
};
enum { GFX_MODE_READ_COMPARE = 0x08, GFX_MODE_ODD_EVEN = 0x10, GFX_MISC_GRAPHICS = 0x01 };
enum { GFX_MISC_CHAIN = 0x02 };

enum { /* attribute controller: 16 palette registers first */
       ATTR_MODE = 0x10,
       ATTR_OVERSCAN,
       ATTR_PLANES,
       ATTR_PANNING,
       ATTR_COLOUR_SELECT,
       ATTR_COUNT
};
enum {
    ATTR_GRAPHICS = 0x01,
    ATTR_LINE_GRAPHICS = 0x04,
    ATTR_BLINK = 0x08,
    ATTR_PANNING_SPLIT = 0x20,
    ATTR_8_BIT = 0x40,
    ATTR_SELECT_5_4 = 0x80,
    ATTR_INDEX_VIDEO = 0x20 /* of the index: the palette is the display's, not the CPU's */
};

enum { MISC_COLOUR = 0x01, MISC_RAM = 0x02 };

enum { /* VBE */
       VBE_ID,
       VBE_XRES,
       VBE_YRES,
       VBE_BPP,
       VBE_ENABLE,
       VBE_BANK,
       VBE_VIRT_WIDTH,
       VBE_VIRT_HEIGHT,
       VBE_X_OFFSET,
       VBE_Y_OFFSET,
       VBE_MEMORY_64K,
       VBE_COUNT
};
enum { VBE_ENABLED = 0x01, VBE_CAPABILITIES = 0x02, VBE_8_BIT_DAC = 0x20, VBE_LFB = 0x40 };
enum { VBE_NO_CLEAR = 0x80 };

enum { VGA_PLANE_MASK = 0xffff, VGA_WINDOW = 0xa0000, VGA_WINDOW_SIZE = 0x20000 };
enum { VGA_DIRECT_SIZE = 0x10000, VGA_PRIORITY = 2 };

/* What stands in the window (vga_window.c). */
typedef enum VgaDirect {
    DIRECT_NONE,
    DIRECT_TEXT,    /* characters and attributes: planes 0 and 1 */
    DIRECT_CHAIN_4, /* mode 13h */
    DIRECT_LINEAR,  /* VBE: a bank of the frame buffer itself */
} VgaDirect;

struct Vga {
    VgaConfig config;
    uint64_t vram_offset; /* in the map's RAM; behind it DIRECT_SIZE bytes for the window */
    uint8_t *vram;
    uint8_t *copy; /* what the window's RAM holds in DIRECT_TEXT and DIRECT_CHAIN_4 */
    IoAttachment *ports, *vbe_ports;
    PhysRange *window;                     /* MMIO; NULL without legacy */
    PhysRange *direct_text, *direct_whole; /* RAM of 32 and 64 KiB; one is enabled, or none */
    VgaDirect direct;
    unsigned calls; /* of the MMIO functions since a register that matters was written */

    uint8_t misc, feature;
    uint8_t seq_index, seq[SEQ_COUNT];
    uint8_t crtc_index, crtc[CRTC_COUNT];
    uint8_t gfx_index, gfx[GFX_COUNT];
    uint8_t attr_index, attr[ATTR_COUNT];
    bool attr_data; /* the next write to 3C0 is data */
    uint8_t dac_mask, dac_read, dac_write, dac_part, dac_state;
    uint8_t dac_latch[3];
    uint8_t dac[256 * 3]; /* as the guest sees them: 6 bits, or 8 with VBE_8_BIT_DAC */
    uint32_t latch;       /* a byte a plane */
    uint64_t retraces;    /* at the last clearing of the interrupt */
    uint16_t vbe_index, vbe[VBE_COUNT];

    uint32_t spread[256]; /* bit 7 to the lowest nibble, ... bit 0 to the highest */
    uint32_t *row;        /* of SURFACE_MAX_WIDTH pixels and some */
};

/* ---- vga_ports.c ---- */

enum { VGA_PORT_RANGES = 5 };
extern const IoRange vga_ports[VGA_PORT_RANGES];

/* ---- vga_timing.c ---- */

typedef struct VgaTiming {
    unsigned dots;                 /* a character: 8 or 9 */
    unsigned columns, total_chars; /* shown; with what is not */
    unsigned lines, total_lines, retrace_start, retrace_lines;
    int64_t frame_ns;
} VgaTiming;

void vga_timing(const Vga *vga, VgaTiming *timing);
unsigned vga_line_compare(const Vga *vga);
uint8_t vga_status_1(const Vga *vga); /* bits 0 and 3 of port 3DA */
uint64_t vga_frames(const Vga *vga);  /* retraces since power-on */

/* ---- vga_memory.c ---- */

extern const MmioOps vga_memory_ops;
/* Address bits 0 and 1 select the plane; bits 14 and 15 take their place. */
static inline uint32_t vga_chain_4_offset(uint32_t address)
{
    return (address & 0xfffc) | (address >> 14 & 3);
}

/* Offset in the window's 64 KiB or 32 KiB; UINT32_MAX: the address is not decoded. */
uint32_t vga_decode(const Vga *vga, uint64_t offset);

/* ---- vga_window.c ---- */

/* A register that decides about the window has changed. */
void vga_window_changed(Vga *vga);
/* A byte has come by MMIO: perhaps the next ones need not. */
void vga_window_used(Vga *vga);
/* The planes get what is in the window's RAM. */
void vga_window_collect(Vga *vga);
void vga_window_restart(Vga *vga); /* MMIO until it has been used again */
void vga_window_open(Vga *vga);
void vga_window_close(Vga *vga);

/* ---- vga_vbe.c ---- */

static inline bool vga_vbe_enabled(const Vga *vga)
{
    return (vga->vbe[VBE_ENABLE] & VBE_ENABLED) != 0;
}

static inline bool vga_vbe_linear(const Vga *vga)
{
    return vga_vbe_enabled(vga) && vga->vbe[VBE_BPP] > 4;
}

unsigned vga_vbe_stride(const Vga *vga); /* bytes; of a plane in 4-bit modes */
void vga_vbe_reset(Vga *vga);
enum { VGA_VBE_RANGES = 3 };
extern const IoRange vga_vbe_ports[VGA_VBE_RANGES];
void vga_vbe_loaded(Vga *vga); /* after a snapshot: whatever it says stays within the memory */

/* ---- vga_render.c ---- */

extern const ConsoleAdapter vga_adapter;

/* ---- vga_lines.c ---- */

/* One scan line of a picture, as the CRT controller walks through it. */
typedef struct VgaPicture {
    const Vga *vga;
    unsigned width;        /* pixels that are shown */
    unsigned dots;         /* a character clock */
    unsigned repeat;       /* pixels a dot: 2 with CLOCKING_HALF */
    unsigned panning;      /* pixels */
    bool blink_off;        /* blinking characters are not to be seen now */
    uint32_t cursor;       /* character address, UINT32_MAX: not shown */
    uint32_t colour[16];   /* through attribute registers and DAC */
    uint32_t palette[256]; /* through the DAC */
} VgaPicture;

/* `address` counts characters, `scan` is the line in the row of characters. */
typedef void VgaLine(const VgaPicture *picture, uint32_t address, unsigned scan, uint32_t *out);
VgaLine vga_line_text, vga_line_planar, vga_line_cga, vga_line_256;
/* Where the counter's value leads to in a plane. */
uint32_t vga_map_address(const Vga *vga, uint32_t counter, unsigned scan);
/* The font's line of a character. */
const uint8_t *vga_font(const Vga *vga, uint8_t attribute);

/* A line of a linear frame buffer: `pixels` of VBE_BPP bits from `from` on. */
void vga_line_linear(const VgaPicture *picture, const uint8_t *from, unsigned bpp, uint32_t *out);

#endif
