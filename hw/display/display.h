/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DISPLAY_DISPLAY_H
#define HW_DISPLAY_DISPLAY_H
/* display.h - screens. A console is what an adapter (VGA, ...) draws on and displays (VNC, web,
 * curses, screendump) show: a surface of pixels, and in text modes cells of characters as well.
 *
 * Nobody draws unasked: a display that wants to be up to date calls console_refresh, at its own
 * rate; the adapter then finds out what differs from the surface, and every listener hears of it.
 * So a screen that nobody looks at costs the guest nothing.
 *
 * Threads: everything here is called with the device lock held, on any thread. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Display Display; /* all screens of a machine */
typedef struct Console Console; /* one */

enum { SURFACE_MAX_WIDTH = 16384, SURFACE_MAX_HEIGHT = 16384, SURFACE_MAX_PIXELS = 1 << 26 };

typedef struct Surface {
    unsigned width, height;
    uint32_t *pixels; /* 0x00RRGGBB, row by row without gaps */
} Surface;

typedef struct Rect {
    unsigned x, y, width, height;
} Rect;

enum { TEXT_MAX_COLUMNS = 256, TEXT_MAX_ROWS = 128 };

/* A text mode's screen: code page 437 in the low byte, the VGA's attribute in the high one. */
typedef struct TextScreen {
    unsigned columns, rows;
    int cursor_x, cursor_y; /* -1: not shown */
    uint16_t cells[TEXT_MAX_COLUMNS * TEXT_MAX_ROWS];
} TextScreen;

typedef struct CursorImage { /* a pointer that the adapter does not draw itself */
    unsigned width, height, hot_x, hot_y;
    const uint32_t *pixels; /* 0xAARRGGBB */
} CursorImage;

/* What an adapter does for its console. */
typedef struct ConsoleAdapter {
    void (*refresh)(void *opaque);                      /* console_resize, console_row, ... */
    bool (*text)(void *opaque, TextScreen *screen);     /* false: not in a text mode; may be NULL */
    void (*hint)(void *opaque, unsigned w, unsigned h); /* a display would like this; may be NULL */
} ConsoleAdapter;

typedef struct ConsoleListener {
    void (*resized)(void *opaque);                   /* the surface is another, and black */
    void (*changed)(void *opaque, const Rect *rect); /* in the surface; not empty */
    void (*cursor)(void *opaque, const CursorImage *image, int x, int y); /* NULL: hidden */
    void *opaque;
} ConsoleListener; /* functions may be NULL */

Display *display_new(void);
void display_free(Display *display); /* consoles too */
/* `label` names the device, for screendump's device= and for messages; copied. */
Console *display_add(Display *display, const char *label);
void display_remove(Display *display, Console *console);
Console *display_console(const Display *display, unsigned index); /* NULL: no such */
Console *display_find(const Display *display, const char *label); /* NULL: no such */

/* ---- For adapters ---- */

void console_set_adapter(Console *console, const ConsoleAdapter *adapter, void *opaque);
/* A new, black surface, unless it has this size. What is beyond the limits is cut off. */
void console_resize(Console *console, unsigned width, unsigned height);
/* Puts a whole row of `width` pixels on the surface, if it differs. */
void console_row(Console *console, unsigned y, const uint32_t *pixels);
void console_fill(Console *console, uint32_t pixel); /* all of it */
void console_cursor(Console *console, const CursorImage *image, int x, int y);

/* ---- For displays ---- */

void console_add_listener(Console *console, const ConsoleListener *listener); /* borrowed */
void console_remove_listener(Console *console, const ConsoleListener *listener);
/* Brings the surface up to date; true if anything has changed. */
bool console_refresh(Console *console);
const Surface *console_surface(const Console *console);  /* valid until the lock is dropped */
bool console_text(Console *console, TextScreen *screen); /* false: a graphics mode */
void console_hint(Console *console, unsigned width, unsigned height);
const char *console_label(const Console *console);

#endif
