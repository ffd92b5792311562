/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/secret.h"

#include <string.h>

#include "runtime/machine/options_int.h"

struct Secret {
    char *data; /* `length` bytes and a NUL */
    gsize length;
};

const char *const secret_keys[] = { "data", "file", "format", "keyid", "iv", "loaded", NULL };

void secret_free(Secret *secret)
{
    memset(secret->data, 0, secret->length);
    g_free(secret->data);
    g_free(secret);
}

static bool read_data(Secret *secret, const KeyValues *values, GError **error)
{
    const char *data = keyval_get(values, "data"), *file = keyval_get(values, "file");

    if ((data != NULL) == (file != NULL)) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           data != NULL ? "'file' and 'data' are mutually exclusive"
                                        : "Must provide 'file' or 'data'");
    }
    if (file != NULL) {
        return g_file_get_contents(file, &secret->data, &secret->length, error);
    }
    secret->data = g_strdup(data);
    secret->length = strlen(data);
    return true;
}

static bool decode(Secret *secret, const char *format, GError **error)
{
    if (format == NULL || strcmp(format, "raw") == 0) {
        return true;
    }
    if (strcmp(format, "base64") != 0) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "Parameter 'format' does not accept value '%s'", format);
    }
    if (*secret->data != '\0') {
        g_base64_decode_inplace(secret->data, &secret->length); /* never longer */
        secret->data[secret->length] = '\0';
    }
    return true;
}

Secret *secret_new(const KeyValues *values, GError **error)
{
    Secret *secret = g_new0(Secret, 1);

    if (keyval_get(values, "keyid") != NULL) {
        option_fail(error, OPTIONS_ERROR_REFUSED, "encrypted secrets (keyid=) are not supported");
    } else if (read_data(secret, values, error) &&
               decode(secret, keyval_get(values, "format"), error)) {
        return secret;
    }
    g_free(secret->data);
    g_free(secret);
    return NULL;
}

const char *secret_text(const Secret *secret)
{
    if (memchr(secret->data, '\0', secret->length) != NULL ||
        !g_utf8_validate(secret->data, -1, NULL)) {
        return NULL;
    }
    return secret->data;
}
