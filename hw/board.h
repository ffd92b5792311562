/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BOARD_H
#define HW_BOARD_H
/* board.h - what devices are plugged into: the tree's root, and the ways to what is outside of it
 * (memory, ports, time, host ends by id, the machine's power).
 *
 * Threads and locks as device.h. */
#include "hw/clock.h"
#include "hw/device.h"
#include "hw/iobus.h"
#include "hw/irq.h"
#include "softmmu/physmap.h"

typedef enum BoardPower {
    BOARD_POWER_OFF,
    BOARD_POWER_RESET,
    BOARD_POWER_DEBUG_EXIT, /* status: of the process */
    BOARD_POWER_PANICKED,   /* the guest says so (pvpanic); status: BoardPanic */
    BOARD_POWER_WATCHDOG,   /* a watchdog has run out: -watchdog-action */
    BOARD_POWER_SUSPEND,    /* S3 */
    BOARD_POWER_HIBERNATE,  /* S4: off, once the guest has written itself to a disk */
    BOARD_POWER_WAKE
} BoardPower;

#define BOARD_EMPTY_DRIVE ""

enum { BOARD_PANIC_PANICKED = 1, BOARD_PANIC_CRASH_LOADED = 2 };

typedef struct BoardConfig { /* borrowed; the hooks may be NULL */
    PhysMap *map;
    IoBus *io;
    Clock *clock;
    void (*power)(void *opaque, BoardPower what, int status);
    /* Something for QMP: `data` is an a{sv}, or NULL; the receiver has no reference. */
    void (*event)(void *opaque, const char *name, GVariant *data);
    /* The host end that the property asks for (kind, and `object`). NULL: there is none. *shared:
     * more than one device may have it. BOARD_EMPTY_DRIVE: a new drive without a medium. */
    void *(*host_end)(void *opaque, const Property *property, const char *id, bool *shared);
    const struct RomFiles *roms; /* where option ROMs are (rom_files.h); NULL: nowhere */
    struct Display *display;     /* where adapters add their screens */
    struct Input *input;         /* whom keyboards and pointers listen to */
    void *opaque;
} BoardConfig;

struct Board {
    PhysMap *map;
    IoBus *io;
    Clock *clock;
    BoardConfig config;
    GPtrArray *buses;    /* all, of Bus *, in order of making; the first is the system's */
    GPtrArray *devices;  /* all, of Device *, in order of plugging */
    GHashTable *claimed; /* host ends in use: address to Device * */
    GArray *globals;     /* of BoardGlobal */
    /* A device's write to the local APICs' window: the chipset's. NULL: nobody listens. */
    void (*message)(void *opaque, uint64_t address, uint32_t data);
    void *message_opaque;
    const DeviceType *cpu_type; /* CPUs that can be plugged in (cpu_slots.h); NULL: none */
    bool running;               /* what is plugged from now on is hot-plugged */
};

typedef struct BoardGlobal {
    char *driver, *property, *value; /* -global */
} BoardGlobal;

Board *board_new(const BoardConfig *config);
void board_free(Board *board); /* nothing is plugged in any more, but what has no other owner */
void board_unplug_all(Board *board); /* the last one first */

/* For types that are made later; the last one of a property wins. */
void board_add_global(Board *board, const char *driver, const char *property, const char *value);

/* -device and device_add: by name, as users say it. */
Device *board_add_device(Board *board, const char *driver, const DeviceSetting *settings,
                         GError **error);
/* The board's own parts: as device_new, but an error is ours. `bus` NULL: the first that fits. */
Device *board_plug(Board *board, const DeviceType *type, Bus *bus, const DeviceSetting *settings);

Device *board_find_device(Board *board, const char *id); /* NULL: there is none */
Device *board_find_type(Board *board, const DeviceType *type);
Bus *board_find_bus(Board *board, const char *name);

/* Resets every device, the last one plugged first: sources of interrupts before controllers. */
void board_reset(Board *board);

/* Every table of every device, in order of plugging. */
void board_each_state(Board *board, StateVisit *visit, void *opaque);

void board_tree_text(Board *board, GString *text); /* info qtree */

/* ---- For devices ---- */

void board_power(Board *board, BoardPower what, int status);
/* Takes a floating `data`: board_event(board, "WATCHDOG", g_variant_new_parsed("{...}")). */
void board_event(Board *board, const char *name, GVariant *data);
/* The memory write that an MSI is. */
void board_message(Board *board, uint64_t address, uint32_t data);
void *board_claim(Board *board, Device *dev, const Property *property, const char *id,
                  GError **error);
void board_release(Board *board, Device *dev, void *host_end);

#endif
