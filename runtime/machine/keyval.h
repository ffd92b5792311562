/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_KEYVAL_H
#define RUNTIME_MACHINE_KEYVAL_H
/* keyval.h - "a,b=c,d=e" lists of the command line: a comma inside a value is written twice. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct KeyValue {
    char *key;
    char *value;  /* a key alone means "on", as QEMU has it; "nokey" is not special */
    bool implied; /* the first one, written without its key */
    bool bare;    /* a key alone */
} KeyValue;

typedef struct KeyValues {
    GArray *list; /* of KeyValue, in order */
} KeyValues;

/* `implied`: key of a first element without '='; NULL: it is a key like the others. */
KeyValues *keyval_parse(const char *text, const char *implied);
void keyval_free(KeyValues *values);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyValues, keyval_free)

/* The last value of a key, NULL without one. */
const char *keyval_get(const KeyValues *values, const char *key);
/* Is every key one of `known` (NULL ends it)? Names the first that is not. */
bool keyval_check(const KeyValues *values, const char *const *known, GError **error);

/* on/off, yes/no, true/false; the result stays as it was where the key is absent. */
bool keyval_bool(const KeyValues *values, const char *key, bool *result, GError **error);
/* Unsigned numbers, decimal or 0x; at most `max`. */
bool keyval_number(const KeyValues *values, const char *key, uint64_t max, uint64_t *result,
                   GError **error);

/* A number with an optional suffix b, k, M, G, T, P, E (1024 each) and fraction; `unit` scales a
 * number without suffix. */
bool size_parse(const char *text, uint64_t unit, uint64_t *size);
bool number_parse(const char *text, uint64_t max, uint64_t *value);
/* "3" or "3-7", at most `max`. */
bool range_parse(const char *text, uint64_t max, uint64_t *first, uint64_t *last);

#endif
