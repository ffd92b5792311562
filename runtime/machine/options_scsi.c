/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_scsi.c - -drive if=scsi: an lsi53c895a a bus, and a disk or CD-ROM a drive, as QEMU's PC
 * has them. */
#include "runtime/machine/options_int.h"

enum { BUSES = 2, PLACES = BUSES * OPTIONS_SCSI_UNITS };

/* Those with an index first; false: there is no place left, or it is taken. */
static bool place(DriveOption *drive, DriveOption *places[PLACES])
{
    for (int i = 0; drive->index < 0 && i < PLACES; i++) {
        drive->index = places[i] == NULL ? i : -1;
    }
    if (drive->index < 0 || places[drive->index] != NULL) {
        return false;
    }
    places[drive->index] = drive;
    return true;
}

static bool places_find(Options *options, DriveOption *places[PLACES], GError **error)
{
    for (int pass = 0; pass < 2; pass++) {
        for (guint i = 0; i < options->drives->len; i++) {
            DriveOption *drive = g_ptr_array_index(options->drives, i);
            bool fixed = drive->index >= 0;

            if (drive->scsi && (pass == 0) == fixed && !place(drive, places)) {
                return option_fail(error, OPTIONS_ERROR_VALUE,
                                   "%s: no free place on the SCSI buses", drive->words);
            }
        }
    }
    return true;
}

static void unit_plug(Options *options, DriveOption *drive)
{
    int bus = drive->index / OPTIONS_SCSI_UNITS, unit = drive->index % OPTIONS_SCSI_UNITS;
    g_autofree char *where = g_strdup_printf("bus=scsi.%d,scsi-id=%d", bus, unit);
    g_autofree char *text = NULL;

    if (drive->id == NULL) {
        drive->id = g_strdup_printf("scsi%d-%s%d", bus, drive->cdrom ? "cd" : "hd", unit);
    }
    text = g_strdup_printf("%s,drive=%s", where, drive->id);
    options_plug_first(options, drive->words, drive->cdrom ? "scsi-cd" : "scsi-hd",
                       drive->file != NULL || drive->tree != NULL ? text : where);
}

/* In front of other devices, whose buses so have the numbers behind these: backwards. */
bool options_plug_scsi(Options *options, GError **error)
{
    DriveOption *places[PLACES] = { NULL };
    int last = -1;

    if (!places_find(options, places, error)) {
        return false;
    }
    for (int i = PLACES - 1; i >= 0; i--) {
        if (places[i] != NULL) {
            unit_plug(options, places[i]);
            last = MAX(last, i);
        }
    }
    for (int bus = last < 0 ? -1 : last / OPTIONS_SCSI_UNITS; bus >= 0; bus--) {
        options_plug_first(options, "-drive if=scsi", "lsi53c895a", "");
    }
    return true;
}
