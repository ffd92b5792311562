/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_LAPIC_H
#define HW_LAPIC_H
/* lapic.h - the local APICs of all CPUs and the messages between them (SDM vol. 3 chapter 11):
 * xAPIC through memory, x2APIC through MSRs, both without CMCI.
 *
 * One window in memory serves all CPUs: an access goes to the local APIC of the CPU that makes it.
 * A CPU that moves its APIC_BASE moves the window for all of them, as it is one range of the shared
 * physical map; its enable bits are its own.
 *
 * Called with the device lock held.
 */
#include "hw/clock.h"
#include "hw/state.h"
#include "softmmu/physmap.h"

typedef struct LapicBus LapicBus;

typedef enum LapicSignal {
    LAPIC_SIGNAL_INTR, /* level in `value` */
    LAPIC_SIGNAL_NMI,  /* these are pulses */
    LAPIC_SIGNAL_SMI,
    LAPIC_SIGNAL_INIT,
    LAPIC_SIGNAL_SIPI, /* `value` is the vector */
} LapicSignal;

enum { LAPIC_LINT0, LAPIC_LINT1, LAPIC_LINTS };

#define LAPIC_DEFAULT_BASE 0xfee00000u

typedef struct LapicHost { /* what the local APICs are connected to; all but `tsc` required */
    Clock *clock;
    unsigned cpus;
    const uint32_t *ids; /* local APIC IDs, below 255; NULL: the CPUs' numbers */
    const bool *there;   /* of each CPU, may change; the others hear nothing. NULL: all are */
    uint64_t tsc_hz;
    unsigned (*current)(void *opaque); /* CPU that makes the access in progress */
    void (*signal)(void *opaque, unsigned cpu, LapicSignal signal, unsigned value);
    uint64_t (*tsc)(void *opaque, unsigned cpu); /* NULL: no TSC-deadline mode */
    int (*extint_ack)(void *opaque);             /* vector from the 8259, -1 without one */
    void (*eoi)(void *opaque, uint8_t vector);   /* end of a level interrupt: to all I/O APICs */
    void *opaque;
} LapicHost;

/* An interrupt message, as I/O APICs send them. */
typedef struct LapicMessage {
    uint32_t destination; /* 8 bits from I/O APICs; 0xff (or all ones) is everybody */
    bool logical;
    bool level;   /* trigger mode */
    uint8_t mode; /* LAPIC_MODE_* */
    uint8_t vector;
} LapicMessage;

enum { /* delivery modes */
       LAPIC_MODE_FIXED,
       LAPIC_MODE_LOWEST,
       LAPIC_MODE_SMI,
       LAPIC_MODE_NMI = 4,
       LAPIC_MODE_INIT,
       LAPIC_MODE_SIPI,
       LAPIC_MODE_EXTINT
};

LapicBus *lapic_bus_new(PhysMap *map, const LapicHost *host); /* borrows what host points at */
void lapic_bus_free(LapicBus *bus);
void lapic_bus_reset(LapicBus *bus);
void lapic_reset(LapicBus *bus, unsigned cpu); /* one of them: power-on */
void lapic_bus_deliver(LapicBus *bus, const LapicMessage *message);
/* A write of a device to the message window at 0xfee00000 (MSI). */
void lapic_bus_deliver_msi(LapicBus *bus, uint64_t address, uint32_t data);
/* Does an interrupt with this vector wait in any of them? */
bool lapic_bus_waits(const LapicBus *bus, uint8_t vector);
/* The wires that all local APICs share. */
void lapic_bus_set_lint(LapicBus *bus, unsigned lint, bool level);

/* Acknowledges the highest pending interrupt: its vector, or -1. */
int lapic_ack(LapicBus *bus, unsigned cpu);
/* false: #GP. */
bool lapic_msr_read(LapicBus *bus, unsigned cpu, uint32_t msr, uint64_t *value);
bool lapic_msr_write(LapicBus *bus, unsigned cpu, uint32_t msr, uint64_t value);
uint8_t lapic_tpr(const LapicBus *bus, unsigned cpu); /* CR8: 0 to 15 */
void lapic_set_tpr(LapicBus *bus, unsigned cpu, uint8_t value);
void lapic_init(LapicBus *bus, unsigned cpu);        /* all of INIT */
void lapic_tsc_changed(LapicBus *bus, unsigned cpu); /* the guest wrote its TSC */
/* What firmware does on the bootstrap processor: software-enabled, LINT0 ExtINT, LINT1 NMI. */
void lapic_set_virtual_wire(LapicBus *bus, unsigned cpu);

/* lapic_text.c: for people. */
void lapic_text(const LapicBus *bus, unsigned cpu, GString *text);

extern const StateTable lapic_state; /* of one local APIC */
void *lapic_state_device(LapicBus *bus, unsigned cpu);

#endif
