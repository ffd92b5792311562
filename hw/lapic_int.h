/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_LAPIC_INT_H
#define HW_LAPIC_INT_H
/* lapic_int.h - for the files of the local APIC: lapic.c has its registers, lapic_timer.c its
 * timer, lapic_bus.c the messages and the ways in. */
#include "hw/lapic.h"

/* The local vector table, in register order. */
enum {
    LVT_TIMER,
    LVT_THERMAL,
    LVT_PERF,
    LVT_LINT0,
    LVT_LINT1,
    LVT_ERROR,
    LVT_COUNT,
};

enum {
    LVT_MODE_SHIFT = 8,
    LVT_PENDING = 1u << 12, /* delivery status: never seen set, we deliver at once */
    LVT_LOW_ACTIVE = 1u << 13,
    LVT_REMOTE_IRR = 1u << 14,
    LVT_LEVEL = 1u << 15,
    LVT_MASKED = 1u << 16,
    LVT_TIMER_MODE = 3u << 17,
    LVT_TIMER_PERIODIC = 1u << 17,
    LVT_TIMER_DEADLINE = 2u << 17,
    SVR_ENABLED = 1u << 8,
    SVR_FOCUS_OFF = 1u << 9,
};

enum { /* error status register */
       ESR_SEND_ACCEPT = 1u << 2,
       ESR_SEND_VECTOR = 1u << 5,
       ESR_RECEIVE_VECTOR = 1u << 6,
       ESR_REGISTER = 1u << 7,
};

enum {
    APIC_BASE_BSP = 1u << 8,
    APIC_BASE_X2APIC = 1u << 10,
    APIC_BASE_ENABLED = 1u << 11,
};

/* Register numbers: offset in the page / 16, MSR - 0x800. */
enum {
    REG_ID = 0x02,
    REG_VERSION = 0x03,
    REG_TPR = 0x08,
    REG_APR = 0x09,
    REG_PPR = 0x0a,
    REG_EOI = 0x0b,
    REG_RRD = 0x0c,
    REG_LDR = 0x0d,
    REG_DFR = 0x0e,
    REG_SVR = 0x0f,
    REG_ISR = 0x10,
    REG_TMR = 0x18,
    REG_IRR = 0x20,
    REG_ESR = 0x28,
    REG_ICR = 0x30,
    REG_ICR_HIGH = 0x31,
    REG_LVT = 0x32, /* LVT_COUNT of them */
    REG_INITIAL_COUNT = 0x38,
    REG_CURRENT_COUNT = 0x39,
    REG_DIVIDE = 0x3e,
    REG_SELF_IPI = 0x3f,
};

typedef struct Lapic {
    LapicBus *bus;
    unsigned cpu, id;   /* its number; local APIC ID */
    uint64_t apic_base; /* IA32_APIC_BASE */
    uint32_t tpr, ldr, dfr, svr;
    uint32_t isr[8], tmr[8], irr[8];
    uint32_t esr, errors; /* as last read out; collected since */
    uint64_t icr;
    uint32_t lvt[LVT_COUNT];
    bool lint[LAPIC_LINTS]; /* levels of the pins */
    bool extint;            /* an ExtINT message waits to be acknowledged */
    bool intr;              /* what the CPU was told last */

    ClockTimer *timer;
    uint32_t initial_count, divide;
    bool run_down;         /* one-shot: has reached 0, where it stays until it is loaded */
    uint32_t owed;         /* ticks of a periodic timer that the host was too busy to show */
    int64_t count_start;   /* when the counter was last loaded */
    uint64_t tsc_deadline; /* 0: not armed */
} Lapic;

struct LapicBus {
    LapicHost host;
    PhysMap *map;
    PhysRange *window;
    Lapic *lapics; /* host.cpus */
};

static inline bool lapic_x2apic(const Lapic *lapic)
{
    return (lapic->apic_base & APIC_BASE_X2APIC) != 0;
}

/* lapic.c */
void lapic_power_up(Lapic *lapic); /* all registers but APIC_BASE as after power-up */
bool lapic_register_read(Lapic *lapic, unsigned reg, uint32_t *value); /* false: no such register */
bool lapic_register_write(Lapic *lapic, unsigned reg, uint32_t value);
void lapic_accept(Lapic *lapic, uint8_t vector, bool level);
void lapic_local(Lapic *lapic, unsigned entry); /* an event of the local vector table */
void lapic_lint_changed(Lapic *lapic, unsigned lint, bool level);
void lapic_error(Lapic *lapic, uint32_t bits);
void lapic_update(Lapic *lapic); /* tells the CPU about INTR */
uint32_t lapic_ppr(const Lapic *lapic);

/* lapic_timer.c */
void lapic_timer_fired(void *opaque);
void lapic_timer_load(Lapic *lapic, uint32_t count);
void lapic_timer_set_divide(Lapic *lapic, uint32_t value);
void lapic_timer_mode_changed(Lapic *lapic, uint32_t old_lvt);
uint32_t lapic_timer_current(const Lapic *lapic);
void lapic_timer_set_deadline(Lapic *lapic, uint64_t tsc);
void lapic_timer_arm(Lapic *lapic);                   /* from the registers */
void lapic_timer_taken(Lapic *lapic, uint8_t vector); /* the CPU has taken this interrupt */

/* lapic_bus.c */
void lapic_send_ipi(Lapic *from, uint64_t icr);

#endif
