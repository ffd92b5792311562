/* SPDX-License-Identifier: GPL-2.0-or-later */
/* screendump.c - binary PPM (P6) and PNG, 8 bits a colour. */
#include "hw/display/screendump.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Red, green, blue, as both formats have them. */
static uint8_t *row_bytes(const Surface *surface, unsigned y, uint8_t *bytes)
{
    const uint32_t *pixel = surface->pixels + (size_t)y * surface->width;

    for (unsigned x = 0; x < surface->width; x++) {
        bytes[3 * x] = (uint8_t)(pixel[x] >> 16);
        bytes[3 * x + 1] = (uint8_t)(pixel[x] >> 8);
        bytes[3 * x + 2] = (uint8_t)pixel[x];
    }
    return bytes;
}

static bool write_ppm(const Surface *surface, FILE *file, uint8_t *row)
{
    fprintf(file, "P6\n%u %u\n255\n", surface->width, surface->height);
    for (unsigned y = 0; y < surface->height; y++) {
        fwrite(row_bytes(surface, y, row), 3, surface->width, file);
    }
    return ferror(file) == 0;
}

static bool write_png(const Surface *surface, FILE *file, uint8_t *row)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png != NULL ? png_create_info_struct(png) : NULL;

    if (info == NULL || setjmp(png_jmpbuf(png)) != 0) {
        png_destroy_write_struct(&png, &info);
        return false;
    }
    png_init_io(png, file);
    png_set_IHDR(png, info, surface->width, surface->height, 8, PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (unsigned y = 0; y < surface->height; y++) {
        png_write_row(png, row_bytes(surface, y, row));
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return true;
}

bool screendump(Console *console, const char *path, ScreendumpFormat format, GError **error)
{
    const Surface *surface = console_surface(console);
    g_autofree uint8_t *row = NULL;
    FILE *file = fopen(path, "wbe");
    bool done;

    if (file != NULL) {
        console_refresh(console);
        row = g_malloc((size_t)surface->width * 3);
        done = format == SCREENDUMP_PNG ? write_png(surface, file, row)
                                        : write_ppm(surface, file, row);
        if ((fclose(file) == 0) && done) {
            return true;
        }
        unlink(path);
    }
    g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno), "cannot write '%s': %s",
                path, g_strerror(errno));
    return false;
}

bool screendump_format_parse(const char *word, ScreendumpFormat *format, GError **error)
{
    if (word == NULL || strcmp(word, "ppm") == 0) {
        *format = SCREENDUMP_PPM;
        return true;
    }
    if (strcmp(word, "png") == 0) {
        *format = SCREENDUMP_PNG;
        return true;
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: a screendump is ppm or png", word);
    return false;
}
