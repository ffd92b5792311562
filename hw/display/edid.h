/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_EDID_H
#define HW_DISPLAY_EDID_H
/* edid.h - what the screen says that it can show (VESA E-EDID, release A revision 2, one block). */
#include <stdint.h>

enum { EDID_SIZE = 128 };

typedef struct EdidScreen {
    uint32_t width, height;         /* preferred; 0: 1280 x 800 */
    uint32_t max_width, max_height; /* 0: no limit */
} EdidScreen;

void edid_make(uint8_t block[EDID_SIZE], const EdidScreen *screen);

#endif
