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
#include <json-glib/json-glib.h>
#include "hw/block/block.h"
#include "runtime/machine/keyval.h"
#include "runtime/machine/monitor/monitor.h"

typedef struct FirmwareConfig FirmwareConfig; /* hw/firmware_config.h */

typedef enum OptionsAccel { ACCEL_DBT, ACCEL_INTERP } OptionsAccel;

/* What parsing asks the program to do. */
typedef enum OptionsAction { OPTIONS_RUN, OPTIONS_EXIT, OPTIONS_FAIL } OptionsAction;

typedef enum DriveInterface {
    DRIVE_IDE,
    DRIVE_FLOPPY,
    DRIVE_PFLASH,
    DRIVE_NONE, /* for -device */
} DriveInterface;

typedef struct DriveOption {
    char *words; /* option and value as written, for messages: "-hda disk.img" */
    char *file;  /* NULL: an empty CD-ROM drive */
    char *format;
    char *id;
    char *cache;
    char *discard;
    char *serial;
    JsonObject *tree; /* what describes layers: "file.driver" ...; NULL: nothing but the above */
    ThrottleConfig *throttle; /* of a drive's own; NULL: it is no -drive */
    char *throttle_group;     /* NULL: the drive's own */
    BlockOnError werror, rerror;
    BlockDetectZeroes detect_zeroes;
    bool copy_on_read;
    DriveInterface interface;
    int index;     /* which one of its interface; of DRIVE_NONE only with if=scsi */
    int bus, unit; /* as given; bus -1: by index */
    bool virtio;   /* if=virtio: DRIVE_NONE, and a -device of its own */
    bool scsi;     /* if=scsi: likewise; `index` counts places on all its buses, -1: any */
    bool cdrom;
    bool snapshot, readonly;
} DriveOption;

typedef struct ChardevOption {
    char *words; /* as written, for messages */
    char *id;
    GHashTable *properties; /* of strings, as chardev_new_properties takes them */
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

/* What -action says; QEMU's words, in the order of the enumerations. */
#define WATCHDOG_ACTION_NAMES "reset shutdown poweroff pause debug none inject-nmi"
typedef enum WatchdogAction {
    WATCHDOG_RESET,
    WATCHDOG_SHUTDOWN,
    WATCHDOG_POWEROFF,
    WATCHDOG_PAUSE,
    WATCHDOG_DEBUG,
    WATCHDOG_NONE,
    WATCHDOG_INJECT_NMI,
} WatchdogAction;
#define PANIC_ACTION_NAMES "shutdown pause exit-failure none"
typedef enum PanicAction {
    PANIC_SHUTDOWN,
    PANIC_PAUSE,
    PANIC_EXIT_FAILURE,
    PANIC_NONE,
} PanicAction;

typedef struct FdOption { /* -add-fd */
    int64_t set;
    int fd;
    char *opaque;
} FdOption;
/* -netdev, -nic, -net: the words, and what they are. */
typedef struct NetOption {
    char *words;
    KeyValues *values;
} NetOption;
typedef enum DisplayKind {
    DISPLAY_AUTO, /* nothing was said */
    DISPLAY_NONE,
    DISPLAY_DEFAULT, /* as QEMU without windows: VNC, if nobody else looks */
    DISPLAY_WEB,
    DISPLAY_CURSES
} DisplayKind;

typedef struct VncOption {
    char *address;
    char *device; /* display=: whose screen; NULL: the first */
    bool password;
    char *secret;   /* password-secret=: -object secret that it is; or NULL */
    char *audiodev; /* whose sound clients are to hear; NULL: none */
    unsigned to, connections;
    unsigned share; /* VncShare (hw/display/vnc.h) */
} VncOption;
/* -blockdev */
typedef struct BlockdevOption {
    char *words;
    JsonObject *tree; /* used up when it is opened */
} BlockdevOption;

typedef enum RtcBase { RTC_UTC, RTC_LOCALTIME, RTC_DATE } RtcBase;

enum {
    OPTIONS_SERIALS = 4,
    OPTIONS_DRIVES = 6,
    OPTIONS_IDE_DRIVES = 4,
    OPTIONS_FLOPPIES = 2,
    OPTIONS_FLASHES = 2
};
enum { OPTIONS_SCSI_UNITS = 7 }; /* of a bus of if=scsi */

/* -smp: CPUs that there are, and may be: sockets * dies * cores * threads. */
typedef struct SmpOptions {
    unsigned cpus, maxcpus, sockets, dies, cores, threads;
} SmpOptions;

typedef struct Options {
    uint64_t ram;
    char *ram_words;      /* "-m 512", for messages */
    bool ram_given;       /* -m was */
    char *memory_backend; /* -machine memory-backend=: the object that is guest RAM; or NULL */
    char *mem_path;       /* NULL: nameless memory */
    bool mem_prealloc;
    bool mem_merge, mem_dump; /* -machine mem-merge=, dump-guest-core= */
    char *cpu;                /* model,+feature,-feature */
    OptionsAccel accel;
    SmpOptions smp;
    KeyValues *accel_properties; /* of -accel dbt or interp; NULL: none were given */
    bool acpi, hpet;
    bool q35;      /* the board: Q35 and ICH9 in place of i440FX and PIIX3 */
    bool smm;      /* -machine smm=: system management interrupts reach the CPU */
    bool graphics; /* -machine graphics=: firmware has a screen */

    char *kernel, *initrd, *append;
    char *bios;             /* NULL: SeaBIOS, unless there is a kernel */
    GPtrArray *rom_folders; /* of char *, ends with NULL: -L */
    GPtrArray *drives;      /* of DriveOption */
    GPtrArray *blockdevs;   /* of BlockdevOption */
    bool snapshot;          /* for every drive */

    bool nographic, nodefaults;
    DisplayKind display;
    char *web;               /* -display web=: address; NULL: a free port */
    GPtrArray *vnc;          /* of VncOption */
    char *vga;               /* "std" or "none" */
    bool vga_default;        /* -vga was not given */
    char *keyboard;          /* layout of -k; NULL: en-us */
    GPtrArray *monitors;     /* of MonitorOption */
    bool no_default_monitor; /* one was named, or `none` */
    /* Specifications of character devices are as chardev.h has them, or "chardev:ID". */
    GPtrArray *serial;   /* of char *; "none" leaves the port out */
    GPtrArray *chardevs; /* of ChardevOption */
    GPtrArray *devices;  /* of DeviceOption */
    GArray *globals;     /* of BoardGlobal (hw/board.h) */

    GPtrArray *netdevs, *nics, *old_nets; /* of NetOption */
    GPtrArray *objects;                   /* of NetOption: -object */
    GPtrArray *numas;                     /* of NetOption: -numa */
    GPtrArray *shares;                    /* of NetOption: -fsdev */
    GPtrArray *audiodevs;                 /* of char *: ids */
    bool net_given;                       /* one of these, or "none" for them */

    bool no_reboot, no_shutdown;
    WatchdogAction watchdog_action;
    PanicAction panic_action;
    char *incoming; /* NULL: starts from nothing */
    char *loadvm;   /* likewise: the name of a snapshot */
    bool daemonize;
    const struct MachineType *machine_type; /* static storage */
    bool mem_lock;                          /* -overcommit mem-lock=on */
    bool debug_threads; /* threads have names that say what they do; they always do */
    char *process_name; /* NULL: argv[0]'s */
    GArray *fds;        /* of FdOption */
    bool stopped;       /* -S */
    char *gdb;          /* specification of the stub's character device; NULL: no stub */
    uint8_t escape_key; /* -echr; 0: Ctrl-A */
    bool asked_for_kvm; /* in whatever words; query-kvm says so */
    char *uuid;         /* NULL: none */
    RtcBase rtc_base;
    int64_t rtc_date;         /* RTC_DATE: seconds since the epoch, read as UTC */
    bool rtc_vm;              /* the RTC follows guest time; otherwise the host's wall clock */
    FirmwareConfig *firmware; /* -boot, -fw_cfg, -smbios ... */
    char *name;
    char *pidfile;
    char *run_as, *chroot_folder; /* -runas, -chroot */

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

/* Is there firmware in flash, the first of the -drive if=pflash? */
bool options_have_flash(const Options *options);
/* Every option that is taken, in the order of -help; `argument` and `help` may be NULL. */
typedef void OptionsEach(void *opaque, const char *name, const char *argument, const char *help);
void options_each(OptionsEach *each, void *opaque);

Options *options_new(void); /* the defaults */
void options_free(Options *options);

/* Reads a command line. OPTIONS_EXIT: something like -help has printed to stdout and that is all.
 * OPTIONS_FAIL: the error names option and value. */
OptionsAction options_parse(Options *options, int argc, char **argv, GError **error);

#endif
