/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_SCREENDUMP_H
#define HW_DISPLAY_SCREENDUMP_H
/* screendump.h - a console's picture in a file. */
#include "hw/display/display.h"

typedef enum ScreendumpFormat { SCREENDUMP_PPM, SCREENDUMP_PNG } ScreendumpFormat;

/* Refreshes the console first. The file is overwritten; on failure what is left of it is removed.
 * With the device lock held. */
bool screendump(Console *console, const char *path, ScreendumpFormat format, GError **error);
/* "ppm", "png" or NULL (ppm). */
bool screendump_format_parse(const char *word, ScreendumpFormat *format, GError **error);

#endif
