/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_devices.c - opens disk images and character devices as the options say. */
#include "runtime/machine/machine_int.h"

#include <stdio.h>
#include <string.h>

static void devices_lock(void *opaque)
{
    machine_lock(opaque);
}

static void devices_unlock(void *opaque)
{
    machine_unlock(opaque);
}

static BlockNode *drive_open(Machine *machine, const DriveOption *drive, GError **error)
{
    const BlockOptions block = {
        .path = drive->file,
        .format = drive->format,
        .readonly = drive->readonly,
        .snapshot = drive->snapshot || (machine->options->snapshot && !drive->cdrom),
        .cache = drive->cache,
        .discard = drive->discard,
    };
    const BlockExecutor executor = { NULL, devices_lock, devices_unlock, machine };
    BlockNode *node = block_open(&block, error);

    if (node == NULL) {
        g_prefix_error(error, "%s: ", drive->words);
        return NULL;
    }
    block_set_executor(node, &executor);
    return node;
}

static bool drives_open(Machine *machine, GError **error)
{
    const GPtrArray *drives = machine->options->drives;

    for (guint i = 0; i < drives->len; i++) {
        const DriveOption *drive = g_ptr_array_index(drives, i);

        if (!drive->ide || drive->file == NULL) {
            continue;
        }
        machine->ide[drive->index] = drive_open(machine, drive, error);
        if (machine->ide[drive->index] == NULL) {
            return false;
        }
    }
    return true;
}

static void flushed(void *opaque, int error)
{
    (void)opaque;
    if (error != 0) {
        fprintf(stderr, "doppel: a disk cannot be flushed: %s\r\n", g_strerror(error));
    }
}

/* Ctrl-A commands that the character device does not do itself. */
static void devices_escape(void *opaque, char key)
{
    Machine *machine = opaque;

    switch (key) {
    case 'x':
        fputs("doppel: Terminated\r\n", stderr);
        machine_request_stop(machine, STOP_QUIT, 0);
        break;
    case 'c':
        fputs("\r\ndoppel: there is no monitor yet\r\n", stderr);
        break;
    case 's':
        for (unsigned i = 0; i < OPTIONS_DRIVES; i++) {
            if (machine->ide[i] != NULL) {
                block_flush(machine->ide[i], flushed, NULL);
            }
        }
        break;
    default:
        break;
    }
}

static CharDev *chardev_open(Machine *machine, const char *option, const char *spec,
                             const char *label, GError **error)
{
    CharDev *chr = chardev_new_labelled(spec, label, error);

    if (chr == NULL) {
        g_prefix_error(error, "%s %s: ", option, spec);
        return NULL;
    }
    chardev_set_lock(chr, devices_lock, devices_unlock, machine);
    chardev_set_escape(chr, devices_escape, machine);
    return chr;
}

bool machine_open_devices(Machine *machine, GError **error)
{
    const Options *options = machine->options;

    if (!drives_open(machine, error)) {
        return false;
    }
    for (guint i = 0; i < options->serial->len; i++) {
        const char *spec = g_ptr_array_index(options->serial, i);
        g_autofree char *label = g_strdup_printf("serial%u", i);

        if (strcmp(spec, "none") == 0) {
            continue;
        }
        machine->serial[i] = chardev_open(machine, "-serial", spec, label, error);
        if (machine->serial[i] == NULL) {
            return false;
        }
    }
    if (options->debugcon != NULL) {
        machine->debugcon = chardev_open(machine, "-debugcon", options->debugcon, "debugcon",
                                         error);
        return machine->debugcon != NULL;
    }
    return true;
}

void machine_close_devices(Machine *machine)
{
    for (unsigned i = 0; i < OPTIONS_SERIALS; i++) {
        g_clear_pointer(&machine->serial[i], chardev_free);
    }
    g_clear_pointer(&machine->debugcon, chardev_free);
    for (unsigned i = 0; i < OPTIONS_DRIVES; i++) {
        g_clear_pointer(&machine->ide[i], block_close);
    }
}
