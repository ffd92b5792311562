/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_OPTIONS_H
#define RUNTIME_MACHINE_OPTIONS_H
/* options.h - the command line: QEMU's words for what doppel has.
 *
 * Values are checked for form here; whether a file can be opened or a CPU model exists is found out
 * by whoever uses it. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include "runtime/machine/keyval.h"
#include "runtime/machine/monitor/monitor.h"

typedef struct FirmwareConfig FirmwareConfig; /* hw/firmware_config.h */

typedef enum OptionsAccel { ACCEL_DBT, ACCEL_INTERP } OptionsAccel;

/* What parsing asks the program to do. */
typedef enum OptionsAction { OPTIONS_RUN, OPTIONS_EXIT, OPTIONS_FAIL } OptionsAction;

typedef enum DriveInterface {
    DRIVE_IDE,
    DRIVE_FLOPPY,
    DRIVE_NONE, /* for -device */
} DriveInterface;

typedef struct DriveOption {
    char *words; /* option and value as written, for messages: "-hda disk.img" */
    char *file;  /* NULL: an empty CD-ROM drive */
    char *format;
    char *id;
    char *cache;
    char *discard;
    DriveInterface interface;
    int index; /* which one of its interface; not of DRIVE_NONE */
    bool cdrom;
    bool snapshot, readonly;
} DriveOption;

typedef struct ChardevOption {
    char *words; /* as written, for messages */
    char *id, *spec;
} ChardevOption;

typedef struct MonitorOption {
    char *words, *spec;
    MonitorMode mode;
} MonitorOption;

typedef struct DeviceOption {
    char *words; /* "-device edu,id=a", for messages */
    char *driver;
    KeyValues *values; /* without the driver */
} DeviceOption;

typedef enum RtcBase { RTC_UTC, RTC_LOCALTIME, RTC_DATE } RtcBase;

enum { OPTIONS_SERIALS = 4, OPTIONS_DRIVES = 4, OPTIONS_FLOPPIES = 2 };

/* -smp: CPUs that there are, and may be: sockets * dies * cores * threads. */
typedef struct SmpOptions {
    unsigned cpus, maxcpus, sockets, dies, cores, threads;
} SmpOptions;

typedef struct Options {
    uint64_t ram;
    char *ram_words; /* "-m 512", for messages */
    char *cpu;       /* model,+feature,-feature */
    OptionsAccel accel;
    SmpOptions smp;
    KeyValues *accel_properties; /* of -accel dbt or interp; NULL: none were given */
    bool acpi, hpet;
    bool graphics; /* -machine graphics=: firmware has a screen */

    char *kernel, *initrd, *append;
    char *bios;             /* NULL: SeaBIOS, unless there is a kernel */
    GPtrArray *rom_folders; /* of char *, ends with NULL: -L */
    GPtrArray *drives;      /* of DriveOption */
    bool snapshot;          /* for every drive */

    bool nographic, display_none, nodefaults;
    GPtrArray *monitors;     /* of MonitorOption */
    bool no_default_monitor; /* one was named, or `none` */
    /* Specifications of character devices are as chardev.h has them, or "chardev:ID". */
    GPtrArray *serial;   /* of char *; "none" leaves the port out */
    GPtrArray *chardevs; /* of ChardevOption */
    GPtrArray *devices;  /* of DeviceOption */
    GArray *globals;     /* of BoardGlobal (hw/board.h) */

    bool no_reboot, no_shutdown;
    bool stopped;       /* -S */
    bool asked_for_kvm; /* in whatever words; query-kvm says so */
    char *uuid;         /* NULL: none */
    RtcBase rtc_base;
    int64_t rtc_date;         /* RTC_DATE: seconds since the epoch, read as UTC */
    bool rtc_vm;              /* the RTC follows guest time; otherwise the host's wall clock */
    FirmwareConfig *firmware; /* -boot, -fw_cfg, -smbios ... */
    char *name;
    char *pidfile;

    char *log_items, *log_file, *log_filter;

    GPtrArray *notes; /* of char *: lines for stderr, about what was accepted but means nothing */
} Options;

#define OPTIONS_ERROR options_error_quark()
GQuark options_error_quark(void);
typedef enum OptionsError {
    OPTIONS_ERROR_UNKNOWN, /* option, device, machine ... */
    OPTIONS_ERROR_VALUE,
    OPTIONS_ERROR_REFUSED, /* QEMU has it, doppel has not */
} OptionsError;

Options *options_new(void); /* the defaults */
void options_free(Options *options);

/* Reads a command line. OPTIONS_EXIT: something like -help has printed to stdout and that is all.
 * OPTIONS_FAIL: the error names option and value. */
OptionsAction options_parse(Options *options, int argc, char **argv, GError **error);

#endif
