/* SPDX-License-Identifier: GPL-2.0-or-later */
/* curses.c - cells of code page 437 with a VGA's colours as a terminal's characters.
 *
 * Escape and a key that follows at once are Alt and that key. */
#define _XOPEN_SOURCE_EXTENDED 1
#define NCURSES_WIDECHAR       1
#include "hw/display/curses.h"

#include <curses.h>
#include <glib-unix.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "hw/display/curses_int.h"

enum { REFRESH_MS = 50, CELL_COLOURS = 8, ESCAPE = 27, KEY_ALT = 0x38, KEY_CTRL = 0x1d };
enum { KEY_LEFT_SHIFT = 0x2a, ATTRIBUTE_BRIGHT = 0x08, ATTRIBUTE_BLINK = 0x80 };

struct Curses {
    CursesConfig config;
    guint timer, keys;
    TextScreen now, shown;
    bool colours, all; /* everything is to be drawn */
    wchar_t glyphs[256];
};

/* ---- Characters ---- */

/* Codes below space, and 7F, are pictures on a PC's screen. */
static const wchar_t pictures[33] = L" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
static const wchar_t house = L'⌂';

static void glyphs_fill(Curses *curses)
{
    for (unsigned code = 0; code < 256; code++) {
        char byte = (char)code;
        g_autofree gunichar *wide = NULL;
        g_autofree char *text = NULL;

        if (code < 32) {
            curses->glyphs[code] = pictures[code];
            continue;
        }
        text = g_convert(&byte, 1, "UTF-8", "CP437", NULL, NULL, NULL);
        wide = text != NULL ? g_utf8_to_ucs4_fast(text, -1, NULL) : NULL;
        curses->glyphs[code] = wide != NULL ? (wchar_t)wide[0] : L'?';
    }
    curses->glyphs[127] = house;
    curses->glyphs[255] = L' ';
}

/* ---- Colours ---- */

/* The VGA counts blue, green, red; terminals red, green, blue. */
static short terminal_colour(unsigned vga)
{
    return (short)((vga & 1) << 2 | (vga & 2) | (vga & 4) >> 2);
}

static short pair_of(unsigned attribute)
{
    unsigned front = attribute & 7, back = attribute >> 4 & 7;

    return (short)(back * CELL_COLOURS + front + 1);
}

static void colours_start(Curses *curses)
{
    curses->colours = has_colors() && start_color() == OK &&
                      COLOR_PAIRS > CELL_COLOURS * CELL_COLOURS;
    for (unsigned i = 0; curses->colours && i < CELL_COLOURS * CELL_COLOURS; i++) {
        init_pair((short)(i + 1), terminal_colour(i % CELL_COLOURS),
                  terminal_colour(i / CELL_COLOURS));
    }
}

/* ---- Drawing ---- */

static void cell_draw(const Curses *curses, unsigned x, unsigned y, uint16_t cell)
{
    unsigned attribute = cell >> 8;
    wchar_t text[2] = { curses->glyphs[cell & 0xff], 0 };
    attr_t style = attribute & ATTRIBUTE_BRIGHT ? A_BOLD : A_NORMAL;
    cchar_t character;

    if (attribute & ATTRIBUTE_BLINK) {
        style |= A_BLINK;
    }
    setcchar(&character, text, style, curses->colours ? pair_of(attribute) : 0, NULL);
    mvadd_wch((int)y, (int)x, &character);
}

static void text_draw(Curses *curses)
{
    TextScreen *now = &curses->now, *shown = &curses->shown;
    bool all = curses->all || now->columns != shown->columns || now->rows != shown->rows;

    if (all) {
        erase();
    }
    for (unsigned y = 0; y < now->rows && (int)y < LINES; y++) {
        for (unsigned x = 0; x < now->columns && (int)x < COLS; x++) {
            unsigned i = y * now->columns + x;

            if (all || now->cells[i] != shown->cells[i]) {
                cell_draw(curses, x, y, now->cells[i]);
            }
        }
    }
    if (now->cursor_x >= 0) {
        curs_set(1);
        move(MIN(now->cursor_y, LINES - 1), MIN(now->cursor_x, COLS - 1));
    } else {
        curs_set(0);
    }
    *shown = *now;
    curses->all = false;
}

static void graphics_draw(Curses *curses, unsigned width, unsigned height)
{
    erase();
    curs_set(0);
    mvprintw(LINES / 2, MAX(COLS / 2 - 14, 0), "%u x %u graphics mode", width, height);
    curses->all = true;
}

static gboolean refresh_tick(gpointer opaque)
{
    Curses *curses = opaque;
    const Surface *surface;
    unsigned width = 0, height = 0;
    bool text;

    curses->config.lock(curses->config.opaque);
    text = console_text(curses->config.console, &curses->now);
    if (!text) {
        console_refresh(curses->config.console);
        surface = console_surface(curses->config.console);
        width = surface->width;
        height = surface->height;
    }
    curses->config.unlock(curses->config.opaque);
    if (text) {
        text_draw(curses);
    } else {
        graphics_draw(curses, width, height);
    }
    refresh();
    return G_SOURCE_CONTINUE;
}

/* ---- Keys ---- */

static void press(Curses *curses, const CursesKey *key, bool alt)
{
    uint8_t keys[4];
    unsigned n = 0;

    if (key->control) {
        keys[n++] = KEY_CTRL;
    }
    if (alt) {
        keys[n++] = KEY_ALT;
    }
    if (key->shift) {
        keys[n++] = KEY_LEFT_SHIFT;
    }
    keys[n++] = key->key;
    curses->config.lock(curses->config.opaque);
    for (unsigned i = 0; i < n; i++) {
        input_key(curses->config.input, keys[i], true);
    }
    for (unsigned i = n; i-- > 0;) {
        input_key(curses->config.input, keys[i], false);
    }
    curses->config.unlock(curses->config.opaque);
}

static gboolean keys_ready(gint fd, GIOCondition condition, gpointer opaque)
{
    Curses *curses = opaque;
    wint_t code;
    int kind;
    bool alt = false;
    CursesKey key;

    (void)fd, (void)condition;
    while ((kind = get_wch(&code)) != ERR) {
        if (kind == KEY_CODE_YES && code == KEY_RESIZE) {
            curses->all = true;
            clear();
            continue;
        }
        if (kind == OK && code == ESCAPE && !alt) {
            alt = true; /* unless nothing follows */
            continue;
        }
        if (curses_key((int)code, kind == KEY_CODE_YES, &key)) {
            press(curses, &key, alt);
        }
        alt = false;
    }
    if (alt && curses_key(ESCAPE, false, &key)) {
        press(curses, &key, false);
    }
    return G_SOURCE_CONTINUE;
}

/* ---- Life ---- */

Curses *curses_new(const CursesConfig *config, GError **error)
{
    Curses *curses;

    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NXIO,
                    "-display curses: stdin and stdout are no terminal");
        return NULL;
    }
    setlocale(LC_CTYPE, "");
    if (newterm(NULL, stdout, stdin) == NULL) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NXIO,
                    "-display curses: the terminal (TERM=%s) is not known", g_getenv("TERM"));
        return NULL;
    }
    curses = g_new0(Curses, 1);
    curses->config = *config;
    curses->all = true;
    glyphs_fill(curses);
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(25);
    colours_start(curses);
    curses->timer = g_timeout_add(REFRESH_MS, refresh_tick, curses);
    curses->keys = g_unix_fd_add(STDIN_FILENO, G_IO_IN, keys_ready, curses);
    return curses;
}

void curses_free(Curses *curses)
{
    if (curses != NULL) {
        g_source_remove(curses->timer);
        g_source_remove(curses->keys);
        endwin();
        g_free(curses);
    }
}
