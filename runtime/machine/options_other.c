/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_other.c - QEMU's options that mean little here: what is taken with a note, what is
 * refused, and in which words. A row of options.c comes first. */
#include "runtime/machine/options_int.h"

#include <stdio.h>
#include <string.h>

/* Taken, and said to mean nothing: `why` behind the option's words. */
static bool take_note(Options *options, const char *words, const char *why)
{
    g_ptr_array_add(options->notes, g_strdup_printf("warning: %s has no effect: %s", words, why));
    return true;
}

/* ---- -set ---- */

/* The value of the last element of this id; NULL: there is none. */
static KeyValues *net_values(const GPtrArray *list, const char *id)
{
    for (guint i = list->len; i > 0; i--) {
        const NetOption *option = g_ptr_array_index(list, i - 1);

        if (g_strcmp0(keyval_get(option->values, "id"), id) == 0) {
            return option->values;
        }
    }
    return NULL;
}

static KeyValues *device_values(const GPtrArray *list, const char *id)
{
    for (guint i = list->len; i > 0; i--) {
        const DeviceOption *option = g_ptr_array_index(list, i - 1);

        if (g_strcmp0(keyval_get(option->values, "id"), id) == 0) {
            return option->values;
        }
    }
    return NULL;
}

static void set_value(KeyValues *values, const char *key, const char *value)
{
    KeyValue pair = { .key = g_strdup(key), .value = g_strdup(value) };

    for (guint i = values->list->len; i > 0; i--) {
        KeyValue *old = &g_array_index(values->list, KeyValue, i - 1);

        if (strcmp(old->key, key) == 0) {
            g_free(old->key);
            g_free(old->value);
            g_array_remove_index(values->list, i - 1);
        }
    }
    g_array_append_val(values->list, pair);
}

/* GROUP.ID.KEY=VALUE: one more property of an option that stands before. */
static bool option_set(Options *options, const char *value, GError **error)
{
    const char *equals = strchr(value, '=');
    g_autofree char *left = equals != NULL ? g_strndup(value, (gsize)(equals - value)) : NULL;
    g_auto(GStrv) words = g_strsplit(left != NULL ? left : "", ".", 3);
    KeyValues *values = NULL;

    if (g_strv_length(words) != 3) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "can't parse: GROUP.ID.KEY=VALUE");
    }
    if (strcmp(words[0], "device") == 0) {
        values = device_values(options->devices, words[1]);
    } else if (strcmp(words[0], "netdev") == 0) {
        values = net_values(options->netdevs, words[1]);
    } else if (strcmp(words[0], "object") == 0) {
        values = net_values(options->objects, words[1]);
    } else {
        return option_fail(error, OPTIONS_ERROR_REFUSED,
                           "'%s' cannot be set; device, netdev and object can", words[0]);
    }
    if (values == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "there is no %s \"%s\" defined", words[0],
                           words[1]);
    }
    set_value(values, words[2], equals + 1);
    return true;
}

/* ---- Taken ---- */

static bool option_usb(Options *options, const char *value, GError **error)
{
    (void)value, (void)error;
    return take_note(options, "-usb", "there is no USB");
}

/* Pointers and keyboards are there without USB. */
static bool option_usbdevice(Options *options, const char *value, GError **error)
{
    g_autofree char *words = g_strconcat("-usbdevice ", value, NULL);

    if (strcmp(value, "tablet") == 0 || strcmp(value, "mouse") == 0) {
        return take_note(options, words, "there is no USB; the pointer is a PS/2 mouse");
    }
    if (strcmp(value, "keyboard") == 0) {
        return take_note(options, words, "there is no USB; the keyboard is a PS/2 keyboard");
    }
    return option_fail(error, OPTIONS_ERROR_REFUSED, "there is no USB");
}

static bool option_singlestep(Options *options, const char *value, GError **error)
{
    (void)value, (void)error;
    return take_note(options, "-singlestep", "-accel interp runs one instruction at a time");
}

static bool option_sync_profile(Options *options, const char *value, GError **error)
{
    (void)value, (void)error;
    return take_note(options, "-enable-sync-profile", "locks are not measured");
}

static bool option_compat(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "deprecated-input", "deprecated-output", "unstable-input",
                                         "unstable-output", NULL };
    g_autofree char *json = *value == '{' ? options_json_words(value, error) : NULL;
    g_autoptr(KeyValues) values = NULL;

    if (*value == '{' && json == NULL) {
        return false;
    }
    values = keyval_parse(json != NULL ? json : value, NULL);
    for (size_t i = 0; known[i] != NULL; i++) {
        const char *policy = keyval_get(values, known[i]);

        if (policy != NULL && strcmp(policy, "accept") != 0) {
            g_autofree char *words = g_strdup_printf("-compat %s=%s", known[i], policy);

            take_note(options, words, "no command is deprecated or unstable");
        }
    }
    return keyval_check(values, known, error);
}

/* Of QEMU's own; nothing waits for a guest's memory when the process ends. */
static bool option_async_teardown(Options *options, const char *value, GError **error)
{
    (void)options, (void)value, (void)error;
    return true;
}

static bool option_audio_help(Options *options, const char *value, GError **error)
{
    (void)value;
    return option_audiodev(options, "help", error);
}

#define NO_XEN   "doppel runs PCs, no guests of Xen"
#define NO_TURN  "a PC's screen is not turned"
#define NO_BOARD "a PC has none"

const OptionRow option_other_rows[] = {
    { "set", "GROUP.ID.KEY=VALUE", option_set,
      .help = "one more property of a -device, -netdev or -object that stands before" },
    { "usb", .apply = option_usb, .help = "accepted; there is no USB" },
    { "usbdevice", "NAME", option_usbdevice,
      .help = "tablet, mouse, keyboard: accepted, PS/2 ones are there" },
    { "singlestep", .apply = option_singlestep, .help = "accepted; see -accel interp" },
    { "enable-sync-profile", .apply = option_sync_profile, .help = "accepted" },
    { "compat", "PROPS", option_compat, .help = "accepted" },
    { "async-teardown", .apply = option_async_teardown, .help = "accepted" },
    { "audio-help", .apply = option_audio_help, .help = "the same as -audiodev help" },
    { "audio", "PROPS", .refusal = "there are no sound devices" },
    { "soundhw", "NAME", .refusal = "there are no sound devices" },
    { "dump-vmstate", "FILE", .refusal = "saved machines are doppel's own: docs/state.md" },
    { "fsdev", "PROPS", .refusal = "there is no 9p file system" },
    { "virtfs", "PROPS", .refusal = "there is no 9p file system" },
    { "iscsi", "PROPS", .refusal = "there are no iSCSI disks" },
    { "tpmdev", "PROPS", .refusal = "there is no TPM" },
    { "plugin", "FILE", .refusal = "there are no plugins" },
    { "win2k-hack", .refusal = "IDE disks do not need it" },
    { "mtdblock", "FILE", .refusal = NO_BOARD },
    { "sd", "FILE", .refusal = NO_BOARD },
    { "portrait", .refusal = NO_TURN },
    { "rotate", "DEGREES", .refusal = NO_TURN },
    { "xen-domid", "ID", .refusal = NO_XEN },
    { "xen-attach", .refusal = NO_XEN },
    { "xen-domid-restrict", .refusal = NO_XEN },
    { NULL },
};
