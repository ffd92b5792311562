/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_DEVICE_H
#define HW_DEVICE_H
/* device.h - devices and buses: a tree that is data.
 *
 * A device type is one DeviceType row in the array of device_types.c; a device is a structure that
 * begins with a Device.  The board (board.h) and -device make them in the same way; reset, state,
 * help, `info qtree` and unplugging are loops over the tree.  docs/devices.md shows how to add one.
 *
 * Everything here is called with the device lock held, or before the machine runs. */
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include "hw/property.h"
#include "hw/state.h"

typedef struct Board Board;
typedef struct Bus Bus;
typedef struct BusType BusType;
typedef struct Device Device;
typedef struct DeviceType DeviceType;

typedef enum DeviceCategory { /* sections of -device help, in its order */
                              DEVICE_UNCATEGORIZED,
                              DEVICE_BRIDGE,
                              DEVICE_USB,
                              DEVICE_STORAGE,
                              DEVICE_NETWORK,
                              DEVICE_INPUT,
                              DEVICE_DISPLAY,
                              DEVICE_SOUND,
                              DEVICE_MISC,
                              DEVICE_CPU,
                              DEVICE_WATCHDOG,
                              DEVICE_CATEGORIES
} DeviceCategory;

struct DeviceType {
    const char *name, *alias, *desc; /* QEMU's words; alias and desc may be NULL */
    const char *family;              /* -global by this name applies too; may be NULL */
    DeviceCategory category;
    const BusType *bus;         /* what it plugs into; NULL: the system, at a place of its own */
    size_t size;                /* of the structure that begins with the Device */
    const Property *properties; /* NULL: none but the bus's */
    const struct PciClass *pci; /* of PCI devices */
    bool board_only;            /* only a board can plug it, not -device */
    bool hotpluggable;

    /* Properties are set, the place on the bus is taken. On failure it undoes what it has done. */
    bool (*create)(Device *dev, GError **error);
    void (*reset)(Device *dev); /* NULL: stateless. Called after create() and by a reset */
    void (*destroy)(Device *dev);
    const StateTable *state; /* NULL: stateless. Its object is the device */
    /* For -boot and bootindex=: the device as firmware calls it,
     * "/pci@i0cf8/isa@1/fdc@03f0/floppy@0". NULL: the bus says it all. Caller frees. */
    char *(*firmware_path)(const Device *dev);
    /* More tables, of parts that the device consists of; may be NULL. With dev->instance in the
     * part's instance, so that two devices of the type can be told apart. */
    void (*each_state)(Device *dev, StateVisit *visit, void *opaque);
};

struct Device {
    const DeviceType *type;
    Board *board;
    Bus *bus;            /* it is plugged in here */
    char *id;            /* NULL: none */
    unsigned instance;   /* tells devices of one type apart, in state: the place on the bus, or a
                            running number */
    GPtrArray *children; /* of Bus *, its own; NULL: none */
    GHashTable *words;   /* name to text, of properties that were given as text */
    bool created;
    bool unplug_pending; /* the guest has been asked to let go of it */
    bool built_in;       /* the board's own */
    bool hot;            /* plugged into a running board */
};

struct BusType {
    const char *name;           /* in -device help: "PCI", "ISA" */
    const Property *properties; /* that all devices on such a bus have; NULL: none */
    /* All may be NULL. Takes a place (an address) for a device, or says why there is none. */
    bool (*attach)(Bus *bus, Device *dev, GError **error);
    void (*detach)(Bus *bus, Device *dev);
    bool (*full)(const Bus *bus);
    void (*reset)(Bus *bus, Device *dev); /* what all devices on it have in common; comes first */
    void (*each_state)(Bus *bus, Device *dev, StateVisit *visit, void *opaque); /* likewise */
    /* Asks the guest to let go of a device, which device_unplug() then ends. NULL: no hot plug. */
    bool (*unplug_request)(Bus *bus, Device *dev, GError **error);
    bool (*plugged)(Bus *bus, Device *dev, GError **error); /* hot: tells the guest */
    char *(*place)(const Bus *bus, const Device *dev);      /* "addr = 04.0" for people */
};

struct Bus {
    const BusType *type;
    char *name;
    Board *board;
    Device *parent;     /* NULL: the board itself */
    GPtrArray *devices; /* in order of plugging */
    bool hotplug;       /* the board can tell the guest of changes */
};

/* What is set of a device when it is made; {0} ends an array. */
typedef struct DeviceSetting {
    const char *name;
    const char *value; /* as on the command line */
    const void *link;  /* see property_set_link; `value` is then what people see, or NULL */
} DeviceSetting;

/* ---- Types ---- */

extern const DeviceType *const device_types[]; /* NULL ends them; device_types.c */
/* By name or alias; NULL: there is none. */
const DeviceType *device_type_find(const char *name);
/* "qemu64-x86_64-cpu" and the like, which are in no array: cpu_slots.h makes the board's. */
bool device_type_is_cpu(const char *name);
const Property *device_property_find(const DeviceType *type, const char *name);
/* All of them: the type's own, then the bus's. `i` counts from 0; NULL behind the last. */
const Property *device_type_property(const DeviceType *type, unsigned i);

/* -device help, -device NAME,help: QEMU's text. */
void device_types_help(GString *text);
bool device_type_help(GString *text, const char *name, GError **error);

/* ---- Buses ---- */

/* A bus is a structure that begins with a Bus; `parent` NULL: one of the board's own. */
void bus_init(Bus *bus, const BusType *type, Board *board, Device *parent, const char *name);
/* Unplugs what is on it, last one first. */
void bus_clear(Bus *bus);

/* ---- Devices ---- */

/* Makes a device and plugs it in. `settings` may hold "id". `bus` NULL: "bus" among the settings,
 * or the first bus of its type that is not full. The error names words in QEMU's way. */
Device *device_new(Board *board, const DeviceType *type, Bus *bus, const DeviceSetting *settings,
                   GError **error);
/* Unplugs and frees it and all that is plugged into it, at once. */
void device_free(Device *dev);

/* device_del: asks the guest, where its bus works so; then device_unplug() is called. */
bool device_unplug_request(Device *dev, GError **error);
/* The guest has let go: tells the world (DEVICE_DELETED), frees. */
void device_unplug(Device *dev);

/* QOM's: /machine/peripheral/ID, without an id /machine/peripheral-anon/TYPE[INSTANCE], of the
 * board's own /machine/unattached/TYPE[INSTANCE]. Caller frees. */
char *device_path(const Device *dev);
char *device_property_text(const Device *dev, const Property *property);

#define DEVICE_ERROR device_error_quark()
GQuark device_error_quark(void);
typedef enum DeviceError {
    DEVICE_ERROR_TYPE, /* no such type, or not pluggable */
    DEVICE_ERROR_PROPERTY,
    DEVICE_ERROR_VALUE,
    DEVICE_ERROR_ID,
    DEVICE_ERROR_BUS,
    DEVICE_ERROR_NOT_FOUND, /* no device of that id */
    DEVICE_ERROR_FAILED
} DeviceError;

#endif
