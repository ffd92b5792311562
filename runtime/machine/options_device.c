/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_device.c - drives, character devices. */
#include "runtime/machine/options_int.h"

#include <stdio.h>
#include <string.h>

#include "hw/char/chardev.h"

enum { CDROM_INDEX = 2 };

/* ---- Drives ---- */

static const struct {
    const char *word, *buses; /* of if=; for messages */
    int places;
} interfaces[] = {
    [DRIVE_IDE] = { "ide", "the IDE buses", OPTIONS_IDE_DRIVES },
    [DRIVE_FLOPPY] = { "floppy", "the floppy controller", OPTIONS_FLOPPIES },
    [DRIVE_PFLASH] = { "pflash", "the board for more flash", OPTIONS_FLASHES },
    [DRIVE_NONE] = { "none", NULL, 0 },
};

static DriveOption *drive_add(Options *options, const char *option, const char *value)
{
    DriveOption *drive = g_new0(DriveOption, 1);

    drive->words = g_strdup_printf("%s%s%s", option, *option ? " " : "", value);
    drive->werror = BLOCK_ON_ERROR_ENOSPC;
    drive->index = drive->bus = -1;
    g_ptr_array_add(options->drives, drive);
    return drive;
}

static bool drive_hd(Options *options, const char *option, const char *file, int index)
{
    DriveOption *drive = drive_add(options, option, file);

    drive->file = g_strdup(file);
    drive->index = index;
    return true;
}

bool option_hda(Options *options, const char *value, GError **error)
{
    (void)error;
    return drive_hd(options, "-hda", value, 0);
}

bool option_hdb(Options *options, const char *value, GError **error)
{
    (void)error;
    return drive_hd(options, "-hdb", value, 1);
}

bool option_hdc(Options *options, const char *value, GError **error)
{
    (void)error;
    return drive_hd(options, "-hdc", value, 2);
}

bool option_hdd(Options *options, const char *value, GError **error)
{
    (void)error;
    return drive_hd(options, "-hdd", value, 3);
}

static bool drive_fd(Options *options, const char *option, const char *file, int index)
{
    DriveOption *drive = drive_add(options, option, file);

    drive->file = *file ? g_strdup(file) : NULL;
    drive->interface = DRIVE_FLOPPY;
    drive->index = index;
    return true;
}

bool option_fda(Options *options, const char *value, GError **error)
{
    (void)error;
    return drive_fd(options, "-fda", value, 0);
}

bool option_fdb(Options *options, const char *value, GError **error)
{
    (void)error;
    return drive_fd(options, "-fdb", value, 1);
}

bool option_pflash(Options *options, const char *value, GError **error)
{
    DriveOption *drive = drive_add(options, "-pflash", value);

    (void)error;
    drive->file = g_strdup(value);
    drive->interface = DRIVE_PFLASH;
    return true;
}

bool options_have_flash(const Options *options)
{
    for (guint i = 0; i < options->drives->len; i++) {
        const DriveOption *drive = g_ptr_array_index(options->drives, i);

        if (drive->interface == DRIVE_PFLASH && drive->index == 0) {
            return true;
        }
    }
    return false;
}

bool option_cdrom(Options *options, const char *value, GError **error)
{
    DriveOption *drive = drive_add(options, "-cdrom", value);

    (void)error;
    drive->file = *value ? g_strdup(value) : NULL;
    drive->index = CDROM_INDEX;
    drive->cdrom = true;
    drive->readonly = true;
    return true;
}

static bool drive_interface(DriveOption *drive, const char *word, GError **error)
{
    for (size_t i = 0; word != NULL && i < G_N_ELEMENTS(interfaces); i++) {
        if (strcmp(interfaces[i].word, word) == 0) {
            drive->interface = (DriveInterface)i;
            return true;
        }
    }
    if (word != NULL && strcmp(word, "virtio") == 0) {
        drive->interface = DRIVE_NONE;
        drive->virtio = true;
        return true;
    }
    if (word != NULL && strcmp(word, "scsi") == 0) {
        drive->interface = DRIVE_NONE;
        drive->scsi = true;
        return true;
    }
    return word == NULL ||
           option_fail(error, OPTIONS_ERROR_REFUSED,
                       "if=%s is not supported; ide, floppy, pflash, scsi, virtio and none are",
                       word);
}

static bool drive_media(DriveOption *drive, const char *media, GError **error)
{
    if (media == NULL || strcmp(media, "disk") == 0) {
        return true;
    }
    if (strcmp(media, "cdrom") == 0) {
        drive->cdrom = true;
        drive->readonly = true;
        return true;
    }
    return option_fail(error, OPTIONS_ERROR_VALUE, "media is disk or cdrom");
}

static bool drive_cache(const char *cache, GError **error)
{
    static const char *const modes[] = { "writeback",  "writethrough", "none",
                                         "directsync", "unsafe",       NULL };

    if (cache == NULL || g_strv_contains(modes, cache)) {
        return true;
    }
    return option_fail(error, OPTIONS_ERROR_VALUE,
                       "cache is writeback, writethrough, none, directsync or unsafe");
}

/* index=, or bus= and unit=: two drives a bus, or one; seven on SCSI, whose places are counted. */
static bool drive_place(DriveOption *drive, const KeyValues *values, GError **error)
{
    uint64_t index = UINT64_MAX, bus = UINT64_MAX, unit = 0;
    uint64_t units = drive->scsi ? OPTIONS_SCSI_UNITS : 2;

    if (!keyval_number(values, "index", drive->scsi ? 2 * units - 1 : OPTIONS_DRIVES - 1, &index,
                       error) ||
        !keyval_number(values, "bus", drive->scsi ? 1 : OPTIONS_DRIVES - 1, &bus, error) ||
        !keyval_number(values, "unit", units - 1, &unit, error)) {
        return false;
    }
    if (drive->scsi && (bus != UINT64_MAX || keyval_get(values, "unit") != NULL)) {
        index = (bus == UINT64_MAX ? 0 : bus) * units + unit;
    }
    drive->index = index == UINT64_MAX ? -1 : (int)index;
    drive->bus = bus == UINT64_MAX ? -1 : (int)bus;
    drive->unit = (int)unit;
    return true;
}

bool option_drive(Options *options, const char *value, GError **error)
{
    static const char *const known[] = {
        "file",   "format",        "if",       "index",        "bus",
        "unit",   "media",         "snapshot", "readonly",     "read-only",
        "cache",  "discard",       "id",       "aio",          "werror",
        "rerror", "detect-zeroes", "serial",   "copy-on-read", NULL
    };
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);
    DriveOption *drive = drive_add(options, "-drive", value);

    drive->file = g_strdup(keyval_get(values, "file"));
    drive->format = g_strdup(keyval_get(values, "format"));
    drive->cache = g_strdup(keyval_get(values, "cache"));
    drive->discard = g_strdup(keyval_get(values, "discard"));
    drive->id = g_strdup(keyval_get(values, "id"));
    if (!drive_block_options(drive, values, error) || !keyval_check(values, known, error) ||
        !drive_interface(drive, keyval_get(values, "if"), error) ||
        !drive_media(drive, keyval_get(values, "media"), error) ||
        !drive_cache(drive->cache, error) || !drive_place(drive, values, error) ||
        !keyval_bool(values, "snapshot", &drive->snapshot, error) ||
        !keyval_bool(values, "readonly", &drive->readonly, error) ||
        !keyval_bool(values, "read-only", &drive->readonly, error)) {
        return false;
    }
    if (drive->file == NULL && drive->tree == NULL && !drive->cdrom &&
        drive->interface != DRIVE_FLOPPY) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "no file= given");
    }
    return true;
}

/* ---- Character devices ---- */

bool option_serial(Options *options, const char *value, GError **error)
{
    if (options->serial->len == OPTIONS_SERIALS) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "a PC has %d serial ports", OPTIONS_SERIALS);
    }
    g_ptr_array_add(options->serial, g_strdup(value));
    return true;
}

static bool is_nothing(const char *value)
{
    return strcmp(value, "none") == 0 || strcmp(value, "null") == 0;
}

bool option_parallel(Options *options, const char *value, GError **error)
{
    (void)options;
    return is_nothing(value) ||
           option_fail(error, OPTIONS_ERROR_REFUSED,
                       "there is no parallel port; none and null are accepted");
}

void chardev_option_free(gpointer data)
{
    ChardevOption *chardev = data;

    g_free(chardev->words);
    g_free(chardev->id);
    g_hash_table_unref(chardev->properties);
    g_free(chardev);
}

const ChardevOption *options_chardev(const Options *options, const char *id)
{
    for (guint i = 0; i < options->chardevs->len; i++) {
        const ChardevOption *chardev = g_ptr_array_index(options->chardevs, i);

        if (strcmp(chardev->id, id) == 0) {
            return chardev;
        }
    }
    return NULL;
}

bool options_add_chardev(Options *options, const char *words, const char *id, const char *spec,
                         GError **error)
{
    g_autoptr(GHashTable) properties = chardev_properties(spec, error);
    ChardevOption *chardev;

    if (properties == NULL) {
        return false;
    }
    chardev = g_new0(ChardevOption, 1);
    chardev->words = g_strdup(words);
    chardev->id = g_strdup(id);
    chardev->properties = g_steal_pointer(&properties);
    g_ptr_array_add(options->chardevs, chardev);
    return true;
}

static void chardev_kind_print(const char *kind, void *opaque)
{
    (void)opaque;
    printf("  %s\n", kind);
}

/* Old words for wait=off and its like. */
static void chardev_property(GHashTable *properties, const KeyValue *pair)
{
    bool negative = pair->bare &&
                    (strcmp(pair->key, "nowait") == 0 || strcmp(pair->key, "noserver") == 0 ||
                     strcmp(pair->key, "notelnet") == 0);

    g_hash_table_replace(properties, g_strdup(negative ? pair->key + 2 : pair->key),
                         g_strdup(negative ? "off" : pair->value));
}

bool option_chardev(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, "backend");
    const char *id = keyval_get(values, "id");
    ChardevOption *chardev;

    if (option_is_help(value)) {
        printf("Available chardev backend types: \n");
        chardev_each_kind(chardev_kind_print, NULL);
        return option_help_shown(error);
    }
    if (id == NULL || *id == '\0') {
        return option_fail(error, OPTIONS_ERROR_VALUE, "no id= given");
    }
    if (options_chardev(options, id) != NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Duplicate ID '%s' for chardev", id);
    }
    chardev = g_new0(ChardevOption, 1);
    chardev->words = g_strdup_printf("-chardev %s", value);
    chardev->id = g_strdup(id);
    chardev->properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < values->list->len; i++) {
        chardev_property(chardev->properties, &g_array_index(values->list, KeyValue, i));
    }
    g_ptr_array_add(options->chardevs, chardev);
    return true;
}

/* ---- After the last option ---- */

/* Two drives a bus, or one a port. */
static unsigned drive_units(const Options *options, const DriveOption *drive)
{
    return options->q35 && drive->interface == DRIVE_IDE ? 1 : 2;
}

static int drive_places(const Options *options, const DriveOption *drive)
{
    return options->q35 && drive->interface == DRIVE_IDE ? OPTIONS_DRIVES
                                                         : interfaces[drive->interface].places;
}

static bool drive_resolve_bus(const Options *options, DriveOption *drive, GError **error)
{
    int units = (int)drive_units(options, drive);

    if (drive->bus < 0) {
        return true;
    }
    if (drive->unit >= units) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "%s: unit %d too big (max is %d)",
                           drive->words, drive->unit, units - 1);
    }
    drive->index = drive->bus * units + drive->unit;
    return true;
}

static int drive_free_place(const Options *options, const DriveOption *drive,
                            const DriveOption *const *placed)
{
    int index = drive->cdrom && drive->interface == DRIVE_IDE ? CDROM_INDEX : 0;

    while (index < drive_places(options, drive) && placed[index] != NULL) {
        index++;
    }
    return index;
}

/* Drives at their places, by interface. */
typedef const DriveOption *PlacedDrives[OPTIONS_DRIVES];

static bool drive_place_at(const Options *options, DriveOption *drive, int index,
                           PlacedDrives places, GError **error)
{
    if (index >= drive_places(options, drive) || places[index] != NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "%s: no free place on %s", drive->words,
                           interfaces[drive->interface].buses);
    }
    places[index] = drive;
    drive->index = index;
    return true;
}

/* Those with an index first. */
static bool drives_place(Options *options, GError **error)
{
    PlacedDrives placed[G_N_ELEMENTS(interfaces)] = { { NULL } };
    g_autofree bool *has_index = g_new0(bool, options->drives->len);

    for (guint i = 0; i < options->drives->len; i++) {
        DriveOption *drive = g_ptr_array_index(options->drives, i);

        if (!drive_resolve_bus(options, drive, error)) {
            return false;
        }
        has_index[i] = drive->index >= 0;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < options->drives->len; i++) {
            DriveOption *drive = g_ptr_array_index(options->drives, i);
            const DriveOption **places = placed[drive->interface];

            if (drive->interface != DRIVE_NONE && (pass == 0) == has_index[i] &&
                !drive_place_at(options, drive,
                                pass == 0 ? drive->index : drive_free_place(options, drive, places),
                                places, error)) {
                return false;
            }
        }
    }
    return true;
}

/* A PC has a floppy drive, though mostly no floppy. */
static void floppy_default(Options *options)
{
    for (guint i = 0; i < options->drives->len; i++) {
        const DriveOption *drive = g_ptr_array_index(options->drives, i);

        if (drive->interface == DRIVE_FLOPPY && drive->index == 0) {
            return;
        }
    }
    if (!options->nodefaults && !options_have_device(options, "floppy")) {
        drive_fd(options, "-fda", "", 0);
    }
}

/* And a CD-ROM drive, mostly empty, where no other disk or CD-ROM drive is asked for by name. */
static void cdrom_default(Options *options)
{
    static const char *const others[] = { "ide-cd", "ide-hd", "scsi-cd", "scsi-hd" };

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        if (options_have_device(options, others[i])) {
            return;
        }
    }
    for (guint i = 0; i < options->drives->len; i++) {
        const DriveOption *drive = g_ptr_array_index(options->drives, i);

        if (drive->interface == DRIVE_IDE && drive->index == CDROM_INDEX) {
            return;
        }
    }
    if (!options->nodefaults) {
        option_cdrom(options, "", NULL);
    }
}

/* Whoever names a -chardev names one that is there. */
static bool chardev_check(const Options *options, const char *spec, GError **error)
{
    if (spec == NULL || !g_str_has_prefix(spec, "chardev:") ||
        options_chardev(options, spec + strlen("chardev:")) != NULL) {
        return true;
    }
    return option_fail(error, OPTIONS_ERROR_VALUE, "chardev \"%s\" not found",
                       spec + strlen("chardev:"));
}

/* if=virtio is a -device behind the others. */
static void drives_plug(Options *options)
{
    unsigned n = 0;

    for (guint i = 0; i < options->drives->len; i++) {
        DriveOption *drive = g_ptr_array_index(options->drives, i);

        if (drive->virtio) {
            if (drive->id == NULL) {
                drive->id = g_strdup_printf("virtio%u", n);
            }
            options_plug_drive(options, drive->words, "virtio-blk-pci", drive->id);
            n++;
        }
    }
}

bool options_finish_devices(Options *options, GError **error)
{
    drives_plug(options);
    if (!options_plug_scsi(options, error) || !drives_place(options, error)) {
        return false;
    }
    floppy_default(options);
    cdrom_default(options);
    for (guint i = 0; i < options->drives->len && !options_have_flash(options); i++) {
        const DriveOption *drive = g_ptr_array_index(options->drives, i);

        if (drive->interface == DRIVE_PFLASH) {
            return option_fail(error, OPTIONS_ERROR_VALUE, "pflash1 requires pflash0");
        }
    }
    for (guint i = 0; i < options->serial->len; i++) {
        if (!chardev_check(options, g_ptr_array_index(options->serial, i), error)) {
            return false;
        }
    }
    for (guint i = 0; i < options->monitors->len; i++) {
        const MonitorOption *monitor = g_ptr_array_index(options->monitors, i);

        if (!chardev_check(options, monitor->spec, error)) {
            return false;
        }
    }
    options_finish_monitors(options);
    return true;
}
