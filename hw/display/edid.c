/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edid.c - header, identity, sizes, three descriptors: preferred timing, range of frequencies,
 * name. Monitor and vendor are called as QEMU calls them. */
#include "hw/display/edid.h"

#include <glib.h>
#include <string.h>

enum {
    DEFAULT_WIDTH = 1280,
    DEFAULT_HEIGHT = 800,
    REFRESH_HZ = 75,
    MM_PER_100_PIXELS = 25, /* 100 dots an inch */
    DESCRIPTORS = 54,
    DESCRIPTOR_SIZE = 18,
    LARGEST = 4095, /* what a detailed timing can say */
};

/* Three letters, five bits each. */
static void put_vendor(uint8_t *at, const char *vendor)
{
    unsigned value = (vendor[0] - '@') << 10 | (vendor[1] - '@') << 5 | (vendor[2] - '@');

    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static const struct {
    uint16_t width, height;
    uint8_t byte, bit; /* among the established timings */
} established[] = {
    { 640, 480, 35, 5 },
    { 800, 600, 35, 0 },
    { 1024, 768, 36, 3 },
    { 1280, 1024, 36, 0 },
};

/* Standard timings: width / 8 - 31, then aspect ratio (bits 6 and 7) and Hz - 60. */
static const struct {
    uint16_t width, height;
    uint8_t aspect;
} standard[] = {
    { 1920, 1200, 0 }, { 1920, 1080, 3 }, { 1600, 1200, 1 }, { 1680, 1050, 0 },
    { 1440, 900, 0 },  { 1280, 960, 1 },  { 1280, 800, 0 },  { 1280, 720, 3 },
};

static void put_timings(uint8_t *block, unsigned max_width, unsigned max_height)
{
    for (size_t i = 0; i < G_N_ELEMENTS(established); i++) {
        if (established[i].width <= max_width && established[i].height <= max_height) {
            block[established[i].byte] |= (uint8_t)(1u << established[i].bit);
        }
    }
    memset(block + 38, 0x01, 16);
    for (size_t i = 0; i < G_N_ELEMENTS(standard); i++) {
        if (standard[i].width <= max_width && standard[i].height <= max_height) {
            block[38 + 2 * i] = (uint8_t)(standard[i].width / 8 - 31);
            block[39 + 2 * i] = (uint8_t)(standard[i].aspect << 6);
        }
    }
}

/* Blanking is a quarter of the width and 5 % of the height, synchronization in the middle of it. */
static void put_preferred(uint8_t *at, unsigned width, unsigned height)
{
    unsigned h_blank = width / 4, h_front = width / 16, h_sync = width / 32;
    unsigned v_blank = MAX(height / 20, 12u), v_front = 4, v_sync = 6;
    unsigned clock = (unsigned)((uint64_t)(width + h_blank) * (height + v_blank) * REFRESH_HZ /
                                10000);
    unsigned mm_width = width * MM_PER_100_PIXELS / 100,
             mm_height = height * MM_PER_100_PIXELS / 100;

    clock = MIN(clock, (unsigned)UINT16_MAX);
    at[0] = (uint8_t)clock;
    at[1] = (uint8_t)(clock >> 8);
    at[2] = (uint8_t)width;
    at[3] = (uint8_t)h_blank;
    at[4] = (uint8_t)((width >> 8) << 4 | (h_blank >> 8 & 15));
    at[5] = (uint8_t)height;
    at[6] = (uint8_t)v_blank;
    at[7] = (uint8_t)((height >> 8) << 4 | (v_blank >> 8 & 15));
    at[8] = (uint8_t)h_front;
    at[9] = (uint8_t)h_sync;
    at[10] = (uint8_t)(v_front << 4 | v_sync);
    at[11] = (uint8_t)((h_front >> 8 & 3) << 6 | (h_sync >> 8 & 3) << 4);
    at[12] = (uint8_t)mm_width;
    at[13] = (uint8_t)mm_height;
    at[14] = (uint8_t)((mm_width >> 8 & 15) << 4 | (mm_height >> 8 & 15));
    at[17] = 0x18; /* separate synchronization */
}

static void put_text(uint8_t *at, uint8_t tag, const char *text)
{
    size_t length = strlen(text);

    at[3] = tag;
    memset(at + 5, ' ', 13);
    memcpy(at + 5, text, length);
    at[5 + length] = '\n';
}

static void put_ranges(uint8_t *at)
{
    static const uint8_t ranges[] = {
        50, 125, 30, 160, 0xff, 0, '\n', ' ', ' ', ' ', ' ', ' ', ' '
    };

    at[3] = 0xfd;
    memcpy(at + 5, ranges, sizeof(ranges));
}

void edid_make(uint8_t block[EDID_SIZE], const EdidScreen *screen)
{
    static const uint8_t header[8] = { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0 };
    unsigned width = MIN(screen->width ? screen->width : DEFAULT_WIDTH, (unsigned)LARGEST);
    unsigned height = MIN(screen->height ? screen->height : DEFAULT_HEIGHT, (unsigned)LARGEST);
    uint8_t sum = 0;

    memset(block, 0, EDID_SIZE);
    memcpy(block, header, sizeof(header));
    put_vendor(block + 8, "RHT");
    block[10] = 0x34; /* product 1234 */
    block[11] = 0x12;
    block[16] = 42; /* week and year of manufacture */
    block[17] = 2014 - 1990;
    block[18] = 1; /* version 1.4 */
    block[19] = 4;
    block[20] = 0xa5; /* digital, 8 bits a colour, DisplayPort */
    block[21] = (uint8_t)MIN(width * MM_PER_100_PIXELS / 1000, 255u);
    block[22] = (uint8_t)MIN(height * MM_PER_100_PIXELS / 1000, 255u);
    block[23] = 120; /* gamma 2.2 */
    block[24] = 0x06;
    /* sRGB's primaries and white */
    memcpy(block + 25, "\xee\x91\xa3\x54\x4c\x99\x26\x0f\x50\x54", 10);
    put_timings(block, screen->max_width ? screen->max_width : UINT32_MAX,
                screen->max_height ? screen->max_height : UINT32_MAX);
    put_preferred(block + DESCRIPTORS, width, height);
    put_ranges(block + DESCRIPTORS + DESCRIPTOR_SIZE);
    put_text(block + DESCRIPTORS + 2 * DESCRIPTOR_SIZE, 0xfc, "QEMU Monitor");
    block[DESCRIPTORS + 3 * DESCRIPTOR_SIZE + 3] = 0x10; /* unused */
    for (unsigned i = 0; i < EDID_SIZE - 1; i++) {
        sum = (uint8_t)(sum + block[i]);
    }
    block[EDID_SIZE - 1] = (uint8_t)-sum;
}
