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
#include "runtime/machine/fdset.h"
#include "runtime/machine/gdbstub/gdbstub.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/log.h"
#include "runtime/machine/machine.h"
#include "runtime/machine/machine_net.h"
#include "runtime/machine/machine_share.h"
#include "runtime/machine/machine_display.h"
#include "runtime/machine/monitor/monitor.h"
#include "runtime/machine/numa.h"
#include "runtime/machine/objects.h"
#include "runtime/machine/vcpu.h"

typedef enum MigrationStatus {
    MIGRATION_NONE,
    MIGRATION_COMPLETED,
    MIGRATION_FAILED
} MigrationStatus;

struct Machine {
    Options *options;
    Log *log;
    GRecMutex lock; /* the device lock */
    GMainLoop *loop;

    PhysMap *map;
    IoBus *io;
    ClockSource *clock_source;
    Clock *clock; /* of clock_source */
    CpuModel *model;
    HostTraits *traits;
    unsigned cpus;  /* places for them */
    Vcpu **vcpu;    /* NULL: there has never been one; one that was unplugged waits for a SIPI */
    bool started;   /* their threads run */
    char *cpu_type; /* "qemu64-x86_64-cpu" */
    uint32_t *apic_ids;     /* of all places */
    unsigned apic_id_limit; /* above those of all CPUs that there may be */
    Engine *engine;         /* NULL: -accel interp */
    bool stats;             /* -accel dbt,stats: tell them at the end */
    const char *stats_file; /* stats=FILE: there, as JSON; NULL: on stderr */
    GPtrArray *chardevs;    /* of CharDev, all that there are: owned; device lock or main thread */
    BlockGraph *graph;      /* all images */
    struct BlockJobs *jobs; /* on them */
    struct NbdServer *nbd;  /* of them; NULL: nobody has asked for it */
    GHashTable *drives;     /* id to BlockNode, of drives that devices name */
    CharDev *serial[OPTIONS_SERIALS];
    BlockNode *ide[OPTIONS_DRIVES];
    BlockNode *floppy[OPTIONS_FLOPPIES];
    MachineNet *net;
    MachineDisplay *display;
    BlockNode *flash[OPTIONS_FLASHES];
    Objects *objects;
    Numa *numa;
    MemoryBackend *ram; /* guest RAM if no object is; NULL otherwise */
    GHashTable *shares; /* id to Share */
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
    int only;          /* the only vCPU that runs when the machine does, -1: all */
    bool only_timers;  /* guest time goes on then */
    struct Monitors *monitors;
    struct GdbStub *gdbstub; /* NULL: none */
    FdSets *fdsets;

    MigrationStatus migration; /* the last one, outwards */
    int64_t migration_ms;
    char *migration_error;        /* MIGRATION_FAILED */
    bool migration_events;        /* the capability */
    uint64_t migration_bandwidth; /* bytes a second; 0: no limit */

    int exit_status;
};

/* machine.c. Power-on or reset: the vCPUs are paused. */
bool machine_reset(Machine *machine, GError **error);
void machine_reset_cpus(Machine *machine); /* the part of it that is the vCPUs' */
/* machine_suspend.c. The vCPUs are paused: to S3, where only devices go on; and out of it. */
void machine_suspend(Machine *machine);
bool machine_wake(Machine *machine, GError **error);

/* options_plug.c. A member of a JSON object as the command line would have it, to be freed; NULL: a
 * list, an object or null. */
char *options_json_text(JsonNode *node);

/* machine_actions.c. What follows a panic or a watchdog: the machine stands until then. */
typedef enum MachineSequel {
    SEQUEL_GO,
    SEQUEL_STAND,
    SEQUEL_RESTART,
    SEQUEL_END,  /* as by the guest's shutdown */
    SEQUEL_QUIT, /* the process, at once */
    SEQUEL_FAIL, /* likewise, with status 1 */
} MachineSequel;
MachineSequel machine_act(Machine *machine, StopReason reason);

/* machine_run.c. What a debugger steps; until the machine stands again. */
void machine_set_only(Machine *machine, int cpu, bool timers);

/* machine_cpus.c */
bool machine_make_cpus(Machine *machine, GError **error);
void machine_each_vcpu(Machine *machine, void (*each)(Vcpu *vcpu));
/* The hooks of PcConfig: the machine is held. */
bool machine_cpu_plug(void *machine, unsigned cpu, GError **error);
void machine_cpu_unplug(void *machine, unsigned cpu);

/* machine_bus.c */
extern const CpuBus machine_cpu_bus;
uint64_t machine_guest_tsc(Machine *machine, unsigned cpu);

/* machine_engine.c: the translator, as -accel dbt,... asks for it. */
bool machine_make_engine(Machine *machine, GError **error);
void machine_print_stats(const Machine *machine);

/* machine_memory.c: guest RAM, of the objects that the options name, and its nodes. */
bool machine_make_memory(Machine *machine, GError **error);
void machine_free_memory(Machine *machine); /* the map is gone */

/* machine_devices.c: what the options say about the host's side of devices. */
bool machine_open_memory(Machine *machine, GError **error); /* before guest RAM is there */
bool machine_open_devices(Machine *machine, GError **error);
/* Something for monitors, from any thread: the hook of BoardConfig. */
void machine_event(void *machine, const char *name, GVariant *data);
void *machine_host_end(void *machine, const Property *property, const char *id, bool *shared);
/* -device: after the board is there. */
bool machine_plug_devices(Machine *machine, GError **error);
void machine_close_devices(Machine *machine);
bool machine_open_monitors(Machine *machine, GError **error);
/* -gdb: at most one; closing it needs main thread. false: there was none. */
bool machine_open_gdb(Machine *machine, const char *spec, GError **error);
bool machine_close_gdb(Machine *machine);
/* NULL: there is none with this id. */
CharDev *machine_chardev(const Machine *machine, const char *id);
/* Device lock, or before the machine runs. One more, owned by the machine. */
CharDev *machine_add_chardev(Machine *machine, GHashTable *properties, const char *id,
                             GError **error);
bool machine_remove_chardev(Machine *machine, const char *id, GError **error);

#endif
