/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_display.c - -display, -vnc, -vga, -k: what the guest's screen is and who sees it. */
#include "runtime/machine/options_int.h"

#include <stdio.h>
#include <string.h>

#include "hw/display/vnc.h"

enum { DISPLAY_MAX = 65535 - 5900, CONNECTIONS_MAX = 1000 };

void options_display_init(Options *options)
{
    options->vnc = g_ptr_array_new_with_free_func(g_free);
}

void options_display_clear(Options *options)
{
    for (guint i = 0; i < options->vnc->len; i++) {
        VncOption *vnc = g_ptr_array_index(options->vnc, i);

        g_free(vnc->address);
        g_free(vnc->device);
        g_free(vnc->secret);
        g_free(vnc->audiodev);
    }
    g_ptr_array_free(options->vnc, TRUE);
    g_free(options->vga);
    g_free(options->keyboard);
    g_free(options->web);
}

/* ---- -vnc ---- */

static bool vnc_share(const char *word, unsigned *share, GError **error)
{
    static const char *const words[] = { [VNC_SHARE_ALLOW_EXCLUSIVE] = "allow-exclusive",
                                         [VNC_SHARE_FORCE_SHARED] = "force-shared",
                                         [VNC_SHARE_IGNORE] = "ignore" };

    for (size_t i = 0; word != NULL && i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i], word) == 0) {
            *share = (unsigned)i;
            return true;
        }
    }
    return word == NULL || option_fail(error, OPTIONS_ERROR_VALUE,
                                       "share is allow-exclusive, force-shared or ignore");
}

/* QEMU's properties that are not here, and what to do about it. */
static bool vnc_refuse(const KeyValues *values, GError **error)
{
    static const struct {
        const char *key, *words;
    } rows[] = {
        { "websocket", "-display web serves WebSockets" },
        { "reverse", "doppel does not connect to viewers" },
        { "tls-creds", "there is no TLS; a tunnel (ssh) or unix: does as well" },
        { "tls-authz", "there is no TLS" },
        { "sasl", "there is no SASL; use password=on" },
        { "sasl-authz", "there is no SASL" },
        { "acl", "there is no TLS" },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (keyval_get(values, rows[i].key) != NULL) {
            return option_fail(error, OPTIONS_ERROR_REFUSED, "%s=: %s", rows[i].key, rows[i].words);
        }
    }
    return true;
}

static bool vnc_read(const KeyValues *values, VncOption *vnc, GError **error)
{
    static const char *const known[] = {
        "vnc",     "id",   "password",      "to",           "share",           "connections",
        "display", "head", "lossy",         "non-adaptive", "lock-key-sync",   "key-delay-ms",
        "ipv4",    "ipv6", "power-control", "audiodev",     "password-secret", NULL
    };
    uint64_t to = 0, connections = 0, ignored = 0;
    bool dummy = false;

    if (!vnc_refuse(values, error) || !keyval_check(values, known, error) ||
        !keyval_bool(values, "password", &vnc->password, error) ||
        !keyval_number(values, "to", DISPLAY_MAX, &to, error) ||
        !keyval_number(values, "connections", CONNECTIONS_MAX, &connections, error) ||
        !keyval_number(values, "key-delay-ms", 10000, &ignored, error) ||
        !keyval_number(values, "head", 16, &ignored, error) ||
        !keyval_bool(values, "lossy", &dummy, error) ||
        !keyval_bool(values, "non-adaptive", &dummy, error) ||
        !vnc_share(keyval_get(values, "share"), &vnc->share, error)) {
        return false;
    }
    vnc->secret = g_strdup(keyval_get(values, "password-secret"));
    vnc->audiodev = g_strdup(keyval_get(values, "audiodev"));
    if (vnc->secret != NULL && vnc->password) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "'password' flag is redundant with 'password-secret'");
    }
    vnc->to = (unsigned)to;
    vnc->connections = (unsigned)connections;
    return true;
}

bool option_vnc(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, "vnc");
    const char *address = keyval_get(values, "vnc");
    VncOption *vnc;

    if (address == NULL || *address == '\0') {
        return option_fail(error, OPTIONS_ERROR_VALUE, "no address: HOST:DISPLAY, unix:PATH, none");
    }
    vnc = g_new0(VncOption, 1);
    vnc->address = g_strdup(address);
    vnc->device = g_strdup(keyval_get(values, "display"));
    g_ptr_array_add(options->vnc, vnc);
    return vnc_read(values, vnc, error);
}

/* ---- -display ---- */

static const struct {
    const char *name, *help; /* no help: QEMU has it, doppel has not */
    DisplayKind kind;
} display_rows[] = {
    { "none", "the guest has a screen that nobody sees", DISPLAY_NONE },
    { "vnc", "vnc=HOST:DISPLAY, as -vnc", DISPLAY_NONE },
    { "web", "web[=[ADDRESS:]PORT]: a page for browsers, at the URL that is printed", DISPLAY_WEB },
    { "curses", "text modes on this terminal", DISPLAY_CURSES },
    { "gtk", NULL, DISPLAY_AUTO },
    { "sdl", NULL, DISPLAY_AUTO },
    { "spice-app", NULL, DISPLAY_AUTO },
    { "egl-headless", NULL, DISPLAY_AUTO },
    { "dbus", NULL, DISPLAY_AUTO },
    { "cocoa", NULL, DISPLAY_AUTO },
};

static bool display_help(GError **error)
{
    printf("Available display backend types:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(display_rows); i++) {
        if (display_rows[i].help != NULL) {
            printf("%-8s %s\n", display_rows[i].name, display_rows[i].help);
        }
    }
    return option_help_shown(error);
}

/* The word up to '=' or ','; what follows '=' is the display's own. */
static bool display_apply(Options *options, DisplayKind kind, const char *name, const char *rest,
                          GError **error)
{
    if (strcmp(name, "vnc") == 0) {
        if (*rest != '=') {
            return option_fail(error, OPTIONS_ERROR_VALUE, "vnc needs an address: vnc=:0");
        }
        options->display = DISPLAY_NONE;
        return option_vnc(options, rest + 1, error);
    }
    if (kind == DISPLAY_WEB) {
        g_free(options->web);
        options->web = *rest == '=' ? g_strdup(rest + 1) : NULL;
    } else if (*rest == '=') {
        return option_fail(error, OPTIONS_ERROR_VALUE, "%s takes no value", name);
    }
    options->display = kind;
    return true;
}

bool option_display(Options *options, const char *value, GError **error)
{
    size_t length = strcspn(value, "=,");
    g_autofree char *name = g_strndup(value, length);

    if (option_is_help(value)) {
        return display_help(error);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(display_rows); i++) {
        if (strcmp(display_rows[i].name, name) != 0) {
            continue;
        }
        if (display_rows[i].help == NULL) {
            return option_fail(
                error, OPTIONS_ERROR_REFUSED,
                "doppel opens no windows; none, curses, vnc=DISPLAY and web are there");
        }
        return display_apply(options, display_rows[i].kind, name, value + length, error);
    }
    return option_fail(error, OPTIONS_ERROR_VALUE,
                       "there is no such display; none, curses, vnc=DISPLAY and web are there");
}

bool option_curses(Options *options, const char *value, GError **error)
{
    (void)value;
    (void)error;
    options->display = DISPLAY_CURSES;
    return true;
}

/* ---- -vga, -k ---- */

bool option_vga(Options *options, const char *value, GError **error)
{
    if (option_is_help(value)) {
        printf("none                 no graphic card\n"
               "std                  standard VGA (default)\n");
        return option_help_shown(error);
    }
    if (strcmp(value, "none") != 0 && strcmp(value, "std") != 0) {
        return option_fail(error, OPTIONS_ERROR_REFUSED, "std and none are supported");
    }
    g_free(options->vga);
    options->vga = g_strdup(value);
    return true;
}

/* ---- The whole command line ---- */

static bool has_adapter(const Options *options)
{
    static const char *const adapters[] = { "VGA", "isa-vga", "cirrus-vga", "virtio-vga", NULL };

    for (const char *const *name = adapters; *name != NULL; name++) {
        if (options_have_device(options, *name)) {
            return true;
        }
    }
    return false;
}

void options_finish_display(Options *options)
{
    if (options->vga == NULL) {
        options->vga = g_strdup(options->nodefaults || has_adapter(options) ? "none" : "std");
        options->vga_default = true;
    }
    if (options->nographic) {
        options->display = DISPLAY_NONE;
    }
    if (options->display == DISPLAY_AUTO) {
        options->display = options->vnc->len != 0 ? DISPLAY_NONE : DISPLAY_DEFAULT;
    }
}
