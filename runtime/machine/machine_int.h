/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MACHINE_INT_H
#define RUNTIME_MACHINE_MACHINE_INT_H
/* machine_int.h - the parts of a machine, for the files that put it together. */
#include "hw/block/block.h"
#include "hw/char/chardev.h"
#include "hw/clock.h"
#include "hw/pc.h"
#include "hw/rom_files.h"
#include "runtime/machine/boot.h"
#include "runtime/machine/clock_source.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/log.h"
#include "runtime/machine/machine.h"
#include "runtime/machine/monitor/monitor.h"
#include "runtime/machine/vcpu.h"

struct Machine {
    const Options *options;
    Log *log;
    GRecMutex lock; /* the device lock */
    GMainLoop *loop;

    PhysMap *map;
    IoBus *io;
    ClockSource *clock_source;
    Clock *clock; /* of clock_source */
    CpuModel *model;
    HostTraits *traits;
    unsigned cpus;
    Vcpu **vcpu;
    uint32_t *apic_ids;     /* of the CPUs */
    unsigned apic_id_limit; /* above those of all CPUs that there may be */
    Engine *engine;         /* NULL: -accel interp */
    bool stats;             /* -accel dbt,stats: tell them at the end */
    const char *stats_file; /* stats=FILE: there, as JSON; NULL: on stderr */
    GPtrArray *chardevs;    /* of CharDev, all that there are: owned; device lock or main thread */
    GHashTable *drives;     /* id to BlockNode, of drives that devices name */
    CharDev *serial[OPTIONS_SERIALS];
    BlockNode *ide[OPTIONS_DRIVES];
    BlockNode *floppy[OPTIONS_FLOPPIES];
    Pc *pc;
    Boot *boot; /* NULL: the machine starts in its firmware */
    RomFiles *roms;
    int64_t reset_at; /* of the machine's clock */

    GMutex stop_lock; /* guards the three below */
    bool stop_pending;
    StopReason stop_reason;
    int stop_status;
    guint stop_source; /* idle source that will look, 0 without one */

    RunState state;    /* main thread */
    unsigned holds;    /* machine_hold, main thread */
    bool reset_wanted; /* before it may run again: it has shut down or crashed */
    struct Monitors *monitors;

    int exit_status;
};

/* machine.c. Power-on or reset: the vCPUs are paused. */
bool machine_reset(Machine *machine, GError **error);

/* machine_bus.c */
extern const CpuBus machine_cpu_bus;
uint64_t machine_guest_tsc(Machine *machine, unsigned cpu);

/* machine_engine.c: the translator, as -accel dbt,... asks for it. */
bool machine_make_engine(Machine *machine, GError **error);
void machine_print_stats(const Machine *machine);

/* machine_devices.c: what the options say about the host's side of devices. */
bool machine_open_devices(Machine *machine, GError **error);
void *machine_host_end(void *machine, const Property *property, const char *id, bool *shared);
/* -device: after the board is there. */
bool machine_plug_devices(Machine *machine, GError **error);
void machine_close_devices(Machine *machine);
bool machine_open_monitors(Machine *machine, GError **error);
/* NULL: there is none with this id. */
CharDev *machine_chardev(const Machine *machine, const char *id);

#endif
