/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_readconfig.c - -readconfig: options in a file, as QEMU writes and reads them:
 *
 *     [device "disk0"]
 *       driver = "ide-hd"
 *       drive = "d0"
 *
 * Every section becomes the option of its name. */
#include "runtime/machine/options_int.h"

#include <string.h>

enum { CONFIG_MAX = 1 << 20 };

typedef struct ConfigReader {
    Options *options;
    const char *path;
    unsigned line;
    char *section; /* NULL: none yet */
    GString *words;
    GError **error;
} ConfigReader;

static bool config_fail(ConfigReader *reader, const char *what)
{
    return option_fail(reader->error, OPTIONS_ERROR_VALUE, "%s:%u: %s", reader->path, reader->line,
                       what);
}

static const char *option_of(const char *section)
{
    static const char *const other[][2] = { { "boot-opts", "boot" },
                                            { "smp-opts", "smp" },
                                            { "memory", "m" } };

    for (size_t i = 0; i < G_N_ELEMENTS(other); i++) {
        if (strcmp(section, other[i][0]) == 0) {
            return other[i][1];
        }
    }
    return section;
}

/* The section that has been read is whole. */
static bool section_end(ConfigReader *reader)
{
    GError *reason = NULL;
    bool done;

    if (reader->section == NULL) {
        return true;
    }
    done = options_apply(reader->options, option_of(reader->section), reader->words->str, &reason);
    if (!done) {
        g_propagate_prefixed_error(reader->error, reason, "%s:%u: ", reader->path, reader->line);
    }
    g_clear_pointer(&reader->section, g_free);
    return done;
}

/* In a list of properties a comma is written twice. */
static void words_add(ConfigReader *reader, const char *key, const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ",", -1);
    g_autofree char *doubled = g_strjoinv(",,", parts);

    g_string_append_printf(reader->words, "%s%s=%s", reader->words->len != 0 ? "," : "", key,
                           doubled);
}

/* [device "id"] or [machine] */
static bool section_begin(ConfigReader *reader, char *line)
{
    char *end = strrchr(line, ']'), *quote = strchr(line, '"');

    if (end == NULL) {
        return config_fail(reader, "the section has no ]");
    }
    if (!section_end(reader)) {
        return false;
    }
    g_string_set_size(reader->words, 0);
    if (quote != NULL) {
        char *last = strchr(quote + 1, '"');

        if (last == NULL) {
            return config_fail(reader, "the id has no end");
        }
        *last = *quote = '\0';
        words_add(reader, "id", quote + 1);
    } else {
        *end = '\0';
    }
    reader->section = g_strstrip(g_strdup(line + 1));
    return true;
}

static bool line_read(ConfigReader *reader, char *line)
{
    char *equals, *value;
    size_t n;

    g_strstrip(line);
    if (*line == '\0' || *line == '#') {
        return true;
    }
    if (*line == '[') {
        return section_begin(reader, line);
    }
    equals = strchr(line, '=');
    if (equals == NULL || reader->section == NULL) {
        return config_fail(reader, equals == NULL ? "no = here" : "no section yet");
    }
    *equals = '\0';
    value = g_strstrip(equals + 1);
    n = strlen(value);
    if (n < 2 || *value != '"' || value[n - 1] != '"') {
        return config_fail(reader, "the value stands between \"");
    }
    value[n - 1] = '\0';
    words_add(reader, g_strstrip(line), value + 1);
    return true;
}

bool option_readconfig(Options *options, const char *value, GError **error)
{
    ConfigReader reader = { .options = options, .path = value, .error = error };
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    gsize size;
    bool good = true;

    if (!g_file_get_contents(value, &text, &size, error)) {
        return false;
    }
    if (size > CONFIG_MAX || strlen(text) != size) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "this is no file of options");
    }
    reader.words = g_string_new(NULL);
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line != NULL && good; line++) {
        reader.line++;
        good = line_read(&reader, *line);
    }
    good = good && section_end(&reader);
    g_free(reader.section);
    g_string_free(reader.words, TRUE);
    return good;
}
