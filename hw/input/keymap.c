/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keymap.c - keysyms to keys, by libxkbcommon. */
#include "hw/input/keymap.h"

#include <string.h>
#include <xkbcommon/xkbcommon.h>

#include "hw/input/keynames.h"

enum { XKB_OF_EVDEV = 8, LEVELS = 4 };

struct Keymap {
    GHashTable *keys; /* keysym to key */
};

/* QEMU's names that are not xkb's. */
static const struct {
    const char *name, *layout, *variant;
} layouts[] = {
    { "ar", "ara", NULL },   { "bepo", "fr", "bepo" }, { "cz", "cz", NULL },
    { "da", "dk", NULL },    { "de-ch", "ch", NULL },  { "en-gb", "gb", NULL },
    { "en-us", "us", NULL }, { "et", "ee", NULL },     { "fr-be", "be", NULL },
    { "fr-ca", "ca", "fr" }, { "fr-ch", "ch", "fr" },  { "ja", "jp", NULL },
    { "nl-be", "be", NULL }, { "pt-br", "br", NULL },  { "sl", "si", NULL },
    { "sv", "se", NULL },
};

static struct xkb_keymap *compile(struct xkb_context *context, const char *layout)
{
    struct xkb_rule_names rules = { .rules = "evdev", .model = "pc105", .layout = layout };

    for (size_t i = 0; i < G_N_ELEMENTS(layouts); i++) {
        if (strcmp(layouts[i].name, layout) == 0) {
            rules.layout = layouts[i].layout;
            rules.variant = layouts[i].variant;
        }
    }
    return xkb_keymap_new_from_names(context, &rules, XKB_KEYMAP_COMPILE_NO_FLAGS);
}

/* The lowest level counts first, the main block before the keypad and multimedia keys. */
typedef struct Filling {
    Keymap *keymap;
    xkb_level_index_t level;
} Filling;

static void fill_key(struct xkb_keymap *map, xkb_keycode_t code, void *data)
{
    const Filling *filling = data;
    const xkb_keysym_t *symbols;
    uint8_t key = code >= XKB_OF_EVDEV ? key_of_evdev(code - XKB_OF_EVDEV) : 0;
    int n;

    if (key == 0) {
        return;
    }
    n = xkb_keymap_key_get_syms_by_level(map, code, 0, filling->level, &symbols);
    for (int i = 0; i < n; i++) {
        gpointer symbol = GUINT_TO_POINTER(symbols[i]);

        if (!g_hash_table_contains(filling->keymap->keys, symbol)) {
            g_hash_table_insert(filling->keymap->keys, symbol, GUINT_TO_POINTER(key));
        }
    }
}

/* Symbols that clients send for keys which xkb calls otherwise. */
static void fill_others(Keymap *keymap)
{
    static const struct {
        uint32_t symbol;
        uint8_t key;
    } others[] = {
        { XKB_KEY_Alt_L, 0x38 },
        { XKB_KEY_Alt_R, 0xb8 },
        { XKB_KEY_ISO_Level3_Shift, 0xb8 },
        { XKB_KEY_Mode_switch, 0xb8 },
        { XKB_KEY_Meta_L, 0x38 },
        { XKB_KEY_Meta_R, 0xb8 },
        { XKB_KEY_Super_L, 0xdb },
        { XKB_KEY_Super_R, 0xdc },
        { XKB_KEY_Menu, 0xdd },
        { XKB_KEY_Print, 0xb7 },
        { XKB_KEY_Sys_Req, 0xb7 },
        { XKB_KEY_Pause, 0xc6 },
        { XKB_KEY_Break, 0xc6 },
        { XKB_KEY_ISO_Left_Tab, 0x0f },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_hash_table_insert(keymap->keys, GUINT_TO_POINTER(others[i].symbol),
                            GUINT_TO_POINTER(others[i].key));
    }
}

Keymap *keymap_new(const char *layout, GError **error)
{
    struct xkb_context *context = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
    struct xkb_keymap *map = NULL;
    Keymap *keymap = NULL;

    layout = layout != NULL ? layout : "en-us";
    if (context != NULL) {
        xkb_context_set_log_level(context, XKB_LOG_LEVEL_CRITICAL);
        map = compile(context, layout);
    }
    if (map == NULL) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "could not read keymap file: '%s' (layouts are the system's xkb-data)", layout);
    } else {
        keymap = g_new0(Keymap, 1);
        keymap->keys = g_hash_table_new(NULL, NULL);
        for (xkb_level_index_t level = 0; level < LEVELS; level++) {
            Filling filling = { keymap, level };

            xkb_keymap_key_for_each(map, fill_key, &filling);
        }
        fill_others(keymap);
        xkb_keymap_unref(map);
    }
    xkb_context_unref(context);
    return keymap;
}

void keymap_free(Keymap *keymap)
{
    if (keymap != NULL) {
        g_hash_table_destroy(keymap->keys);
        g_free(keymap);
    }
}

bool keymap_find(const Keymap *keymap, uint32_t keysym, uint8_t *key)
{
    gpointer found = g_hash_table_lookup(keymap->keys, GUINT_TO_POINTER(keysym));

    *key = (uint8_t)GPOINTER_TO_UINT(found);
    return found != NULL;
}
