/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/monitor/readline.h"

#include <string.h>

enum { LINE_MAX_BYTES = 4095, HISTORY = 64, CTRL = 0x40, ESC = 27, DEL = 127, PARAMETERS_MAX = 8 };

typedef enum EscapeState { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CSI, ESCAPE_SS3 } EscapeState;

struct Readline {
    char *prompt;
    ReadlineOwner owner;
    GString *line;
    size_t cursor;
    GPtrArray *history; /* of char *, oldest first */
    guint place;        /* in the history; its length: the line itself */
    EscapeState escape;
    char parameters[PARAMETERS_MAX];
    size_t n_parameters;
    bool last_cr; /* the LF of a CR LF is not one more line */
};

static void out(const Readline *r, const char *text)
{
    r->owner.write(r->owner.opaque, text, strlen(text));
}

/* Writes all from `from` on anew; the cursor goes to its place. */
static void redraw_from(const Readline *r, size_t from)
{
    g_autoptr(GString) text = g_string_new(r->line->str + from);

    g_string_append(text, "\033[K");
    if (r->line->len > r->cursor) {
        g_string_append_printf(text, "\033[%zuD", r->line->len - r->cursor);
    }
    out(r, text->str);
}

static void cursor_move(Readline *r, size_t to)
{
    g_autofree char *text = NULL;

    if (to > r->line->len || to == r->cursor) {
        return;
    }
    text = to < r->cursor ? g_strdup_printf("\033[%zuD", r->cursor - to)
                          : g_strdup_printf("\033[%zuC", to - r->cursor);
    r->cursor = to;
    out(r, text);
}

static void insert(Readline *r, const char *text, size_t n)
{
    size_t from = r->cursor;

    if (r->line->len + n > LINE_MAX_BYTES) {
        return;
    }
    g_string_insert_len(r->line, (gssize)from, text, (gssize)n);
    r->cursor += n;
    redraw_from(r, from);
}

static void erase(Readline *r, size_t from, size_t to)
{
    if (from >= to || to > r->line->len) {
        return;
    }
    cursor_move(r, from);
    g_string_erase(r->line, (gssize)from, (gssize)(to - from));
    redraw_from(r, from);
}

static size_t word_begin(const Readline *r)
{
    size_t at = r->cursor;

    while (at > 0 && r->line->str[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && r->line->str[at - 1] != ' ') {
        at--;
    }
    return at;
}

static void line_set(Readline *r, const char *text)
{
    cursor_move(r, 0);
    g_string_assign(r->line, text);
    r->cursor = r->line->len;
    redraw_from(r, 0);
}

static void history_go(Readline *r, guint place)
{
    if (place > r->history->len || place == r->place) {
        return;
    }
    r->place = place;
    line_set(r, place == r->history->len ? "" : g_ptr_array_index(r->history, place));
}

static void history_add(Readline *r, const char *line)
{
    guint found;

    if (*line != '\0') {
        if (g_ptr_array_find_with_equal_func(r->history, line, g_str_equal, &found)) {
            g_ptr_array_remove_index(r->history, found);
        } else if (r->history->len == HISTORY) {
            g_ptr_array_remove_index(r->history, 0);
        }
        g_ptr_array_add(r->history, g_strdup(line));
    }
    r->place = r->history->len;
}

/* ---- Completion ---- */

static size_t common_prefix(const GPtrArray *words)
{
    const char *first = g_ptr_array_index(words, 0);
    size_t n = strlen(first);

    for (guint i = 1; i < words->len; i++) {
        const char *word = g_ptr_array_index(words, i);
        size_t same = 0;

        while (same < n && word[same] == first[same]) {
            same++;
        }
        n = same;
    }
    return n;
}

static void completions_show(Readline *r, const GPtrArray *words)
{
    out(r, "\r\n");
    for (guint i = 0; i < words->len; i++) {
        out(r, g_ptr_array_index(words, i));
        out(r, i + 1 < words->len ? "  " : "\r\n");
    }
    readline_prompt(r);
}

static void complete(Readline *r)
{
    g_autofree char *head = g_strndup(r->line->str, r->cursor);
    g_autoptr(GPtrArray) words = NULL;
    size_t begun = strlen(head) - (size_t)(strrchr(head, ' ') ? strrchr(head, ' ') + 1 - head : 0);
    size_t common;

    if (r->owner.complete != NULL) {
        words = r->owner.complete(r->owner.opaque, head);
    }
    if (words == NULL || words->len == 0) {
        return;
    }
    common = common_prefix(words);
    if (common > begun) {
        insert(r, (const char *)g_ptr_array_index(words, 0) + begun, common - begun);
    } else if (words->len > 1) {
        completions_show(r, words);
    }
    if (words->len == 1) {
        insert(r, " ", 1);
    }
}

/* ---- Keys ---- */

static void enter(Readline *r)
{
    g_autofree char *line = g_strdup(r->line->str);

    out(r, "\r\n");
    readline_reset(r);
    history_add(r, line);
    r->owner.line(r->owner.opaque, line);
}

static void transpose(Readline *r)
{
    size_t at = r->cursor == r->line->len ? r->cursor - 1 : r->cursor;
    char c;

    if (r->line->len < 2 || r->cursor == 0) {
        return;
    }
    c = r->line->str[at];
    r->line->str[at] = r->line->str[at - 1];
    r->line->str[at - 1] = c;
    cursor_move(r, at - 1);
    r->cursor = at + 1;
    redraw_from(r, at - 1);
}

static void control_key(Readline *r, uint8_t key)
{
    switch (key + CTRL) {
    case 'A':
        cursor_move(r, 0);
        break;
    case 'B':
        cursor_move(r, r->cursor - 1);
        break;
    case 'D':
        erase(r, r->cursor, r->cursor + 1);
        break;
    case 'E':
        cursor_move(r, r->line->len);
        break;
    case 'F':
        cursor_move(r, r->cursor + 1);
        break;
    case 'H':
        erase(r, r->cursor - 1, r->cursor);
        break;
    case 'I':
        complete(r);
        break;
    case 'K':
        erase(r, r->cursor, r->line->len);
        break;
    case 'L':
        out(r, "\033[2J\033[1;1H");
        readline_prompt(r);
        break;
    case 'N':
        history_go(r, r->place + 1);
        break;
    case 'P':
        history_go(r, r->place - 1);
        break;
    case 'T':
        transpose(r);
        break;
    case 'U':
        erase(r, 0, r->cursor);
        break;
    case 'W':
        erase(r, word_begin(r), r->cursor);
        break;
    default:
        break;
    }
}

/* The last byte of an escape sequence. */
static void escape_key(Readline *r, uint8_t key)
{
    int parameter = r->n_parameters != 0 ? g_ascii_digit_value(r->parameters[0]) : 0;

    switch (key) {
    case 'A':
        history_go(r, r->place - 1);
        break;
    case 'B':
        history_go(r, r->place + 1);
        break;
    case 'C':
        cursor_move(r, r->cursor + 1);
        break;
    case 'D':
        cursor_move(r, r->cursor - 1);
        break;
    case 'H':
        cursor_move(r, 0);
        break;
    case 'F':
        cursor_move(r, r->line->len);
        break;
    case '~':
        if (parameter == 3) {
            erase(r, r->cursor, r->cursor + 1);
        } else if (parameter == 1 || parameter == 7) {
            cursor_move(r, 0);
        } else if (parameter == 4 || parameter == 8) {
            cursor_move(r, r->line->len);
        }
        break;
    default:
        break;
    }
}

static void escape_byte(Readline *r, uint8_t byte)
{
    if (r->escape == ESCAPE_BEGUN) {
        r->n_parameters = 0;
        r->escape = byte == '[' ? ESCAPE_CSI : byte == 'O' ? ESCAPE_SS3 : ESCAPE_NONE;
    } else if (r->escape == ESCAPE_CSI && (g_ascii_isdigit(byte) || byte == ';')) {
        if (r->n_parameters < PARAMETERS_MAX) {
            r->parameters[r->n_parameters++] = (char)byte;
        }
    } else {
        r->escape = ESCAPE_NONE;
        escape_key(r, byte);
    }
}

void readline_feed(Readline *r, uint8_t byte)
{
    bool after_cr = r->last_cr;

    r->last_cr = byte == '\r';
    if (r->escape != ESCAPE_NONE) {
        escape_byte(r, byte);
    } else if (byte == ESC) {
        r->escape = ESCAPE_BEGUN;
    } else if (byte == '\r' || (byte == '\n' && !after_cr)) {
        enter(r);
    } else if (byte == DEL) {
        erase(r, r->cursor - 1, r->cursor);
    } else if (byte >= ' ') {
        insert(r, (const char *)&byte, 1);
    } else if (byte != '\n') {
        control_key(r, byte);
    }
}

/* ---- Life ---- */

Readline *readline_new(const char *prompt, const ReadlineOwner *owner)
{
    Readline *r = g_new0(Readline, 1);

    r->prompt = g_strdup(prompt);
    r->owner = *owner;
    r->line = g_string_new(NULL);
    r->history = g_ptr_array_new_with_free_func(g_free);
    return r;
}

void readline_free(Readline *r)
{
    g_free(r->prompt);
    g_string_free(r->line, TRUE);
    g_ptr_array_free(r->history, TRUE);
    g_free(r);
}

void readline_reset(Readline *r)
{
    g_string_set_size(r->line, 0);
    r->cursor = 0;
    r->escape = ESCAPE_NONE;
}

void readline_prompt(Readline *r)
{
    out(r, r->prompt);
    if (r->line->len != 0) {
        redraw_from(r, 0);
    }
}
