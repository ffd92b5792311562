/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_CPU_SLOTS_H
#define HW_CPU_SLOTS_H
/* cpu_slots.h - the places that CPUs may be in, and the CPUs that are plugged in as devices:
 * -device and device_add qemu64-x86_64-cpu,socket-id=,core-id=,thread-id=.
 *
 * The first ones are there from the start, without being devices.  Who tells the guest is
 * hw/acpi/cpu_hotplug.h.  Called with the device lock held. */
#include "hw/board.h"
#include "hw/numa.h"

typedef struct CpuSlots CpuSlots;

typedef struct CpuSlotsConfig {    /* what it points at is borrowed */
    unsigned cpus, places;         /* that are there from the start, and may be */
    unsigned dies, cores, threads; /* of a socket, a die, a core; 0: one */
    const uint32_t *apic_ids;      /* of all places; NULL: their numbers */
    const NumaNodes *numa;         /* may be NULL */
    const char *type_name;         /* "qemu64-x86_64-cpu"; NULL: none can be plugged in */
    /* Makes a CPU that waits for a SIPI; the CPU is gone, and hears nothing any more. */
    bool (*plug)(void *opaque, unsigned cpu, GError **error);
    void (*unplug)(void *opaque, unsigned cpu);
    void *opaque;
} CpuSlotsConfig;

/* How the guest is told; `opaque` first. */
typedef struct CpuSlotsGuest {
    void (*came)(void *opaque, unsigned cpu);
    void (*shall_go)(void *opaque, unsigned cpu);
} CpuSlotsGuest;

CpuSlots *cpu_slots_new(Board *board, const CpuSlotsConfig *config);
void cpu_slots_free(CpuSlots *slots); /* the devices in it are gone */
/* From then on CPUs can come and go while the guest runs. */
void cpu_slots_set_guest(CpuSlots *slots, const CpuSlotsGuest *guest, void *opaque);

unsigned cpu_slots_places(const CpuSlots *slots);
const bool *cpu_slots_there(const CpuSlots *slots); /* of each place; stays where it is */
unsigned cpu_slots_count(const CpuSlots *slots);    /* of those */
uint32_t cpu_slots_apic_id(const CpuSlots *slots, unsigned cpu);
const char *cpu_slots_id(const CpuSlots *slots, unsigned cpu); /* the device's; NULL: it has none */
Device *cpu_slots_device(const CpuSlots *slots, unsigned cpu); /* NULL: none is in that place */

/* The guest has let go of a CPU, also of one that is no device; the first one stays, and all where
 * none can be plugged in. */
void cpu_slots_eject(CpuSlots *slots, unsigned cpu);

#endif
