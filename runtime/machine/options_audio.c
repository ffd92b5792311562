/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_audio.c - -audiodev, -audio, -soundhw: host ends of sound. There are no sound devices: a
 * host end that stays silent is taken, and what would be heard is told that it will not be. */
#include "runtime/machine/options_int.h"

#include <stdio.h>
#include <string.h>

bool option_audiodev(Options *options, const char *value, GError **error)
{
    static const char *const drivers[] = { "none",  "alsa", "coreaudio", "dbus", "dsound",
                                           "jack",  "oss",  "pa",        "sdl",  "sndio",
                                           "spice", "wav",  NULL };
    g_autofree char *words = *value == '{' ? options_json_words(value, error) : g_strdup(value);
    g_autoptr(KeyValues) values = NULL;
    const char *driver, *id;

    if (option_is_help(value)) {
        printf("Available audio drivers:\nnone\n");
        return option_help_shown(error);
    }
    if (words == NULL) {
        return false;
    }
    values = keyval_parse(words, "driver");
    driver = keyval_get(values, "driver");
    id = keyval_get(values, "id");
    if (driver == NULL || !g_strv_contains(drivers, driver)) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "Parameter 'driver' does not accept value '%s'",
                           driver != NULL ? driver : "");
    }
    if (id == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'id' is missing");
    }
    if (options_have_audiodev(options, id)) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "there is an audiodev '%s' already", id);
    }
    if (strcmp(driver, "none") != 0) {
        g_ptr_array_add(options->notes,
                        g_strdup_printf("warning: -audiodev %s: there is no sound", value));
    }
    g_ptr_array_add(options->audiodevs, g_strdup(id));
    return true;
}

bool options_have_audiodev(const Options *options, const char *id)
{
    for (guint i = 0; i < options->audiodevs->len; i++) {
        if (strcmp(g_ptr_array_index(options->audiodevs, i), id) == 0) {
            return true;
        }
    }
    return false;
}

void options_audio_init(Options *options)
{
    options->audiodevs = g_ptr_array_new_with_free_func(g_free);
}

void options_audio_clear(Options *options)
{
    g_ptr_array_free(options->audiodevs, TRUE);
}
