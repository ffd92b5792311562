/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vga_timing.c - where the beam is: from the CRT controller's registers and the machine's clock
 * (IBM VGA reference, CRT controller; the two crystals are 25.175 and 28.322 MHz). */
#include "hw/display/vga_int.h"

enum { CLOCK_25 = 25175000, CLOCK_28 = 28322000, MISC_CLOCK_SHIFT = 2 };
enum { DEFAULT_CHARS = 100, DEFAULT_LINES = 449, SHORTEST_FRAME = NS_PER_MS };
enum { STATUS_NOT_DISPLAYED = 0x01, STATUS_RETRACE = 0x08 };

/* A vertical value: 8 bits in a register of its own, bits 8 and 9 in the overflow register. */
static unsigned vertical(const Vga *vga, unsigned reg, unsigned bit8, unsigned bit9)
{
    unsigned over = vga->crtc[CRTC_OVERFLOW];

    return vga->crtc[reg] | (over >> bit8 & 1) << 8 | (over >> bit9 & 1) << 9;
}

unsigned vga_line_compare(const Vga *vga)
{
    unsigned over = vga->crtc[CRTC_OVERFLOW], max_scan = vga->crtc[CRTC_MAX_SCAN];

    return vga->crtc[CRTC_LINE_COMPARE] | (over >> 4 & 1) << 8 | (max_scan >> 6 & 1) << 9;
}

void vga_timing(const Vga *vga, VgaTiming *timing)
{
    unsigned clocking = vga->seq[SEQ_CLOCKING];
    unsigned end = vga->crtc[CRTC_RETRACE_END] & 0xf;
    int64_t hz = (vga->misc >> MISC_CLOCK_SHIFT & 3) == 1 ? CLOCK_28 : CLOCK_25;

    timing->dots = clocking & CLOCKING_8_DOTS ? 8 : 9;
    timing->columns = vga->crtc[CRTC_H_DISPLAY] + 1u;
    timing->total_chars = vga->crtc[CRTC_H_TOTAL] + 5u;
    timing->lines = vertical(vga, CRTC_V_DISPLAY, 1, 6) + 1;
    timing->total_lines = vertical(vga, CRTC_V_TOTAL, 0, 5) + 2;
    timing->retrace_start = vertical(vga, CRTC_RETRACE_START, 2, 7);
    timing->retrace_lines = ((end - timing->retrace_start - 1) & 0xf) + 1;
    if (timing->total_chars <= timing->columns || timing->total_lines <= timing->lines) {
        timing->total_chars = MAX(timing->columns + 1, (unsigned)DEFAULT_CHARS);
        timing->total_lines = MAX(timing->lines + 40, (unsigned)DEFAULT_LINES);
        timing->retrace_start = timing->lines + 10;
    }
    if (clocking & CLOCKING_HALF) {
        hz /= 2;
    }
    timing->frame_ns = (int64_t)timing->total_chars * timing->dots * timing->total_lines *
                       NS_PER_S / hz;
    timing->frame_ns = MAX(timing->frame_ns, (int64_t)SHORTEST_FRAME);
}

uint8_t vga_status_1(const Vga *vga)
{
    VgaTiming timing;
    int64_t in_frame, line, in_line;
    uint8_t status = 0;

    vga_timing(vga, &timing);
    in_frame = clock_now(vga->config.clock) % timing.frame_ns;
    line = in_frame * timing.total_lines / timing.frame_ns;
    in_line = in_frame * timing.total_lines % timing.frame_ns * timing.total_chars /
              timing.frame_ns;
    if (line >= timing.lines || in_line >= timing.columns) {
        status |= STATUS_NOT_DISPLAYED;
    }
    if (line >= timing.retrace_start && line < timing.retrace_start + timing.retrace_lines) {
        status |= STATUS_RETRACE;
    }
    return status;
}

uint64_t vga_frames(const Vga *vga)
{
    VgaTiming timing;
    int64_t retrace_ns;

    vga_timing(vga, &timing);
    retrace_ns = timing.frame_ns * timing.retrace_start / timing.total_lines;
    return (uint64_t)((clock_now(vga->config.clock) + timing.frame_ns - retrace_ns) /
                      timing.frame_ns);
}
