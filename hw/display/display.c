/* SPDX-License-Identifier: GPL-2.0-or-later */
/* display.c - consoles: surfaces, what has changed on them, who wants to know. */
#include "hw/display/display.h"

#include <string.h>

enum { FIRST_WIDTH = 640, FIRST_HEIGHT = 480 };

struct Console {
    char *label;
    const ConsoleAdapter *adapter;
    void *opaque;
    Surface surface;
    GPtrArray *listeners; /* of const ConsoleListener * */
    Rect band;            /* adjoining rows that have changed and nobody has heard of */
    bool changed;         /* since console_refresh was called */
};

struct Display {
    GPtrArray *consoles;
};

/* ---- The set ---- */

static void console_free(gpointer data)
{
    Console *console = data;

    g_ptr_array_free(console->listeners, TRUE);
    g_free(console->surface.pixels);
    g_free(console->label);
    g_free(console);
}

Display *display_new(void)
{
    Display *display = g_new0(Display, 1);

    display->consoles = g_ptr_array_new_with_free_func(console_free);
    return display;
}

void display_free(Display *display)
{
    if (display != NULL) {
        g_ptr_array_free(display->consoles, TRUE);
        g_free(display);
    }
}

Console *display_add(Display *display, const char *label)
{
    Console *console = g_new0(Console, 1);

    console->label = g_strdup(label);
    console->listeners = g_ptr_array_new();
    console_resize(console, FIRST_WIDTH, FIRST_HEIGHT);
    g_ptr_array_add(display->consoles, console);
    return console;
}

void display_remove(Display *display, Console *console)
{
    g_ptr_array_remove(display->consoles, console);
}

Console *display_console(const Display *display, unsigned index)
{
    return index < display->consoles->len ? g_ptr_array_index(display->consoles, index) : NULL;
}

Console *display_find(const Display *display, const char *label)
{
    for (guint i = 0; i < display->consoles->len; i++) {
        Console *console = g_ptr_array_index(display->consoles, i);

        if (strcmp(console->label, label) == 0) {
            return console;
        }
    }
    return NULL;
}

/* ---- For adapters ---- */

void console_set_adapter(Console *console, const ConsoleAdapter *adapter, void *opaque)
{
    console->adapter = adapter;
    console->opaque = opaque;
}

static void console_tell(Console *console, const Rect *rect)
{
    for (guint i = 0; i < console->listeners->len; i++) {
        const ConsoleListener *listener = g_ptr_array_index(console->listeners, i);

        if (listener->changed != NULL) {
            listener->changed(listener->opaque, rect);
        }
    }
}

static void console_flush(Console *console)
{
    Rect rect = console->band;

    console->band = (Rect){ 0 };
    if (rect.height != 0) {
        console_tell(console, &rect);
    }
}

void console_resize(Console *console, unsigned width, unsigned height)
{
    Surface *surface = &console->surface;

    width = CLAMP(width, 1, SURFACE_MAX_WIDTH);
    height = CLAMP(height, 1, MIN(SURFACE_MAX_HEIGHT, SURFACE_MAX_PIXELS / width));
    if (surface->width == width && surface->height == height) {
        return;
    }
    g_free(surface->pixels);
    surface->pixels = g_new0(uint32_t, (size_t)width * height);
    surface->width = width;
    surface->height = height;
    console->band = (Rect){ 0 };
    console->changed = true;
    for (guint i = 0; i < console->listeners->len; i++) {
        const ConsoleListener *listener = g_ptr_array_index(console->listeners, i);

        if (listener->resized != NULL) {
            listener->resized(listener->opaque);
        }
    }
}

static void band_add(Console *console, unsigned first, unsigned last, unsigned y)
{
    Rect *band = &console->band;
    unsigned right;

    console->changed = true;
    if (band->height != 0 && band->y + band->height != y) {
        console_flush(console);
    }
    if (band->height == 0) {
        *band = (Rect){ first, y, last - first + 1, 1 };
        return;
    }
    right = MAX(band->x + band->width - 1, last);
    band->x = MIN(band->x, first);
    band->width = right - band->x + 1;
    band->height++;
}

void console_row(Console *console, unsigned y, const uint32_t *pixels)
{
    const Surface *surface = &console->surface;
    unsigned width = surface->width, first = 0, last = width - 1;
    uint32_t *row = surface->pixels + (size_t)y * width;

    if (y >= surface->height || memcmp(row, pixels, width * sizeof(*row)) == 0) {
        return;
    }
    while (row[first] == pixels[first]) {
        first++;
    }
    while (row[last] == pixels[last]) {
        last--;
    }
    memcpy(row + first, pixels + first, (last - first + 1) * sizeof(*row));
    band_add(console, first, last, y);
}

void console_fill(Console *console, uint32_t pixel)
{
    unsigned width = console->surface.width;
    g_autofree uint32_t *row = g_new(uint32_t, width);

    for (unsigned x = 0; x < width; x++) {
        row[x] = pixel;
    }
    for (unsigned y = 0; y < console->surface.height; y++) {
        console_row(console, y, row);
    }
}

void console_cursor(Console *console, const CursorImage *image, int x, int y)
{
    for (guint i = 0; i < console->listeners->len; i++) {
        const ConsoleListener *listener = g_ptr_array_index(console->listeners, i);

        if (listener->cursor != NULL) {
            listener->cursor(listener->opaque, image, x, y);
        }
    }
}

/* ---- For displays ---- */

void console_add_listener(Console *console, const ConsoleListener *listener)
{
    g_ptr_array_add(console->listeners, (gpointer)listener);
}

void console_remove_listener(Console *console, const ConsoleListener *listener)
{
    g_ptr_array_remove(console->listeners, (gpointer)listener);
}

bool console_refresh(Console *console)
{
    console->changed = false;
    if (console->adapter != NULL) {
        console->adapter->refresh(console->opaque);
        console_flush(console);
    }
    return console->changed;
}

const Surface *console_surface(const Console *console)
{
    return &console->surface;
}

bool console_text(Console *console, TextScreen *screen)
{
    return console->adapter != NULL && console->adapter->text != NULL &&
           console->adapter->text(console->opaque, screen);
}

void console_hint(Console *console, unsigned width, unsigned height)
{
    if (console->adapter != NULL && console->adapter->hint != NULL) {
        console->adapter->hint(console->opaque, width, height);
    }
}

const char *console_label(const Console *console)
{
    return console->label;
}
