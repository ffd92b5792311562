/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/lapic.h"
#include <string.h>
#include "hw/lapic_int.h"

/* lapic.c - registers and priorities of one local APIC (SDM vol. 3 sections 11.4 to 11.9).
 *
 * Version 0x14 with six local vectors.  The thermal and performance entries hold what is written
 * but nothing raises them.  Messages arrive at once, so delivery status always reads idle. */

enum { LAPIC_VERSION = 0x14 | (LVT_COUNT - 1) << 16 };

/* ---- 256-bit vector sets ---- */

static void set_add(uint32_t *set, uint8_t vector)
{
    set[vector >> 5] |= 1u << (vector & 31);
}

static void set_remove(uint32_t *set, uint8_t vector)
{
    set[vector >> 5] &= ~(1u << (vector & 31));
}

static bool set_has(const uint32_t *set, uint8_t vector)
{
    return (set[vector >> 5] >> (vector & 31) & 1) != 0;
}

/* Highest vector, -1 when empty. */
static int set_highest(const uint32_t *set)
{
    for (int i = 7; i >= 0; i--) {
        if (set[i] != 0) {
            return i * 32 + 31 - __builtin_clz(set[i]);
        }
    }
    return -1;
}

/* ---- Priorities ---- */

static bool lapic_software_enabled(const Lapic *lapic)
{
    return (lapic->apic_base & APIC_BASE_ENABLED) != 0 && (lapic->svr & SVR_ENABLED) != 0;
}

uint32_t lapic_ppr(const Lapic *lapic)
{
    int isr = set_highest(lapic->isr);
    uint32_t service = isr < 0 ? 0 : (uint32_t)isr;

    return (lapic->tpr & 0xf0) >= (service & 0xf0) ? lapic->tpr : service & 0xf0;
}

static uint32_t lapic_apr(const Lapic *lapic)
{
    int isr = set_highest(lapic->isr), irr = set_highest(lapic->irr);
    uint32_t service = isr < 0 ? 0 : (uint32_t)isr & 0xf0;
    uint32_t request = irr < 0 ? 0 : (uint32_t)irr & 0xf0;
    uint32_t task = lapic->tpr & 0xf0;

    if (task >= request && task > service) {
        return lapic->tpr;
    }
    return MAX(MAX(task & service, service), request);
}

/* The vector that may interrupt the CPU now, or -1. */
static int lapic_pending(const Lapic *lapic)
{
    int vector;

    if (!lapic_software_enabled(lapic)) {
        return -1;
    }
    vector = set_highest(lapic->irr);
    return vector >= 0 && ((uint32_t)vector & 0xf0) > (lapic_ppr(lapic) & 0xf0) ? vector : -1;
}

/* Does the 8259's INTR reach the CPU? Without a local APIC the pin is the CPU's own. */
static bool lapic_extint_open(const Lapic *lapic)
{
    uint32_t lvt = lapic->lvt[LVT_LINT0];

    if ((lapic->apic_base & APIC_BASE_ENABLED) == 0) {
        return true;
    }
    return (lvt & LVT_MASKED) == 0 && (lvt >> LVT_MODE_SHIFT & 7) == LAPIC_MODE_EXTINT;
}

void lapic_update(Lapic *lapic)
{
    bool wired = lapic->lint[LAPIC_LINT0] && lapic_extint_open(lapic);
    bool intr = wired || lapic->extint || lapic_pending(lapic) >= 0;

    if (intr != lapic->intr) {
        lapic->intr = intr;
        lapic->bus->host.signal(lapic->bus->host.opaque, lapic->cpu, LAPIC_SIGNAL_INTR, intr);
    }
}

int lapic_ack(LapicBus *bus, unsigned cpu)
{
    Lapic *lapic = &bus->lapics[cpu];
    int vector = lapic_pending(lapic);

    if (vector >= 0) {
        set_remove(lapic->irr, (uint8_t)vector);
        set_add(lapic->isr, (uint8_t)vector);
        lapic_timer_taken(lapic, (uint8_t)vector);
    } else if (lapic->extint || (lapic->lint[LAPIC_LINT0] && lapic_extint_open(lapic))) {
        lapic->extint = false;
        vector = bus->host.extint_ack(bus->host.opaque);
    }
    lapic_update(lapic);
    return vector;
}

static void lapic_eoi(Lapic *lapic)
{
    int vector = set_highest(lapic->isr);
    bool level;

    if (vector < 0) {
        return;
    }
    level = set_has(lapic->tmr, (uint8_t)vector);
    set_remove(lapic->isr, (uint8_t)vector);
    for (unsigned i = LVT_LINT0; i <= LVT_LINT1; i++) {
        if ((lapic->lvt[i] & LVT_REMOTE_IRR) != 0 && (lapic->lvt[i] & 0xff) == (uint32_t)vector) {
            lapic->lvt[i] &= ~(uint32_t)LVT_REMOTE_IRR;
            lapic_lint_changed(lapic, i - LVT_LINT0, lapic->lint[i - LVT_LINT0]);
        }
    }
    if (level) {
        lapic->bus->host.eoi(lapic->bus->host.opaque, (uint8_t)vector);
    }
    lapic_update(lapic);
}

/* ---- Where interrupts come from ---- */

void lapic_accept(Lapic *lapic, uint8_t vector, bool level)
{
    if (!lapic_software_enabled(lapic)) {
        return;
    }
    if (vector < 16) {
        lapic_error(lapic, ESR_RECEIVE_VECTOR);
        return;
    }
    set_add(lapic->irr, vector);
    if (level) {
        set_add(lapic->tmr, vector);
    } else {
        set_remove(lapic->tmr, vector);
    }
    lapic_update(lapic);
}

void lapic_error(Lapic *lapic, uint32_t bits)
{
    bool new = (bits & ~lapic->errors) != 0;

    lapic->errors |= bits;
    /* An error entry with a bad vector would report itself for ever. */
    if (new && (lapic->lvt[LVT_ERROR] & 0xff) >= 16) {
        lapic_local(lapic, LVT_ERROR);
    }
}

void lapic_local(Lapic *lapic, unsigned entry)
{
    const LapicHost *host = &lapic->bus->host;
    uint32_t lvt = lapic->lvt[entry];
    bool lint = entry == LVT_LINT0 || entry == LVT_LINT1;
    unsigned mode = entry == LVT_TIMER || entry == LVT_ERROR ? LAPIC_MODE_FIXED
                                                             : lvt >> LVT_MODE_SHIFT & 7;

    if ((lvt & LVT_MASKED) != 0) {
        return;
    }
    switch (mode) {
    case LAPIC_MODE_FIXED:
        if (lint && (lvt & LVT_LEVEL) != 0) {
            lapic->lvt[entry] |= LVT_REMOTE_IRR;
            lapic_accept(lapic, (uint8_t)lvt, true);
        } else {
            lapic_accept(lapic, (uint8_t)lvt, false);
        }
        break;
    case LAPIC_MODE_SMI:
        host->signal(host->opaque, lapic->cpu, LAPIC_SIGNAL_SMI, 0);
        break;
    case LAPIC_MODE_NMI:
        host->signal(host->opaque, lapic->cpu, LAPIC_SIGNAL_NMI, 0);
        break;
    case LAPIC_MODE_INIT:
        host->signal(host->opaque, lapic->cpu, LAPIC_SIGNAL_INIT, 0);
        break;
    default: /* ExtINT is a level that lapic_update looks at; the others are reserved */
        break;
    }
}

void lapic_lint_changed(Lapic *lapic, unsigned lint, bool level)
{
    unsigned entry = LVT_LINT0 + lint;
    uint32_t lvt = lapic->lvt[entry];
    bool rising = level && !lapic->lint[lint];
    bool fixed = (lvt >> LVT_MODE_SHIFT & 7) == LAPIC_MODE_FIXED;

    lapic->lint[lint] = level;
    if ((lapic->apic_base & APIC_BASE_ENABLED) == 0) {
        if (lint == LAPIC_LINT1 && rising) { /* the CPU's own NMI pin */
            lapic->bus->host.signal(lapic->bus->host.opaque, lapic->cpu, LAPIC_SIGNAL_NMI, 0);
        }
    } else if (fixed && (lvt & LVT_LEVEL) != 0) {
        if (level && (lvt & LVT_REMOTE_IRR) == 0) {
            lapic_local(lapic, entry);
        }
    } else if (rising) {
        lapic_local(lapic, entry);
    }
    lapic_update(lapic);
}

/* ---- Registers ---- */

/* Bits of each local vector that software may write. */
static const uint32_t lvt_writable[LVT_COUNT] = {
    [LVT_TIMER] = 0xff | LVT_MASKED | LVT_TIMER_MODE,
    [LVT_THERMAL] = 0x7ff | LVT_MASKED,
    [LVT_PERF] = 0x7ff | LVT_MASKED,
    [LVT_LINT0] = 0x7ff | LVT_LOW_ACTIVE | LVT_LEVEL | LVT_MASKED,
    [LVT_LINT1] = 0x7ff | LVT_LOW_ACTIVE | LVT_LEVEL | LVT_MASKED,
    [LVT_ERROR] = 0xff | LVT_MASKED,
};

static void lapic_write_lvt(Lapic *lapic, unsigned entry, uint32_t value)
{
    uint32_t old = lapic->lvt[entry];

    value = (value & lvt_writable[entry]) | (old & LVT_REMOTE_IRR);
    if ((lapic->svr & SVR_ENABLED) == 0) {
        value |= LVT_MASKED;
    }
    if (entry == LVT_LINT0 || entry == LVT_LINT1) {
        if ((value >> LVT_MODE_SHIFT & 7) != LAPIC_MODE_FIXED || (value & LVT_LEVEL) == 0) {
            value &= ~(uint32_t)LVT_REMOTE_IRR;
        }
    }
    lapic->lvt[entry] = value;
    if ((value & 0xff) < 16 && (value & LVT_MASKED) == 0 &&
        (entry == LVT_TIMER || entry == LVT_ERROR)) {
        lapic_error(lapic, ESR_RECEIVE_VECTOR);
    }
    if (entry == LVT_TIMER) {
        lapic_timer_mode_changed(lapic, old);
    } else if (entry == LVT_LINT0 || entry == LVT_LINT1) {
        lapic_lint_changed(lapic, entry - LVT_LINT0, lapic->lint[entry - LVT_LINT0]);
    }
}

static void lapic_write_svr(Lapic *lapic, uint32_t value)
{
    lapic->svr = value & (0xff | SVR_ENABLED | SVR_FOCUS_OFF);
    if ((value & SVR_ENABLED) == 0) {
        for (unsigned i = 0; i < LVT_COUNT; i++) {
            lapic->lvt[i] |= LVT_MASKED;
        }
    }
    lapic_update(lapic);
}

void lapic_power_up(Lapic *lapic)
{
    lapic->tpr = 0;
    lapic->ldr = 0;
    lapic->dfr = 0xffffffff;
    lapic->svr = 0xff;
    memset(lapic->isr, 0, sizeof(lapic->isr));
    memset(lapic->tmr, 0, sizeof(lapic->tmr));
    memset(lapic->irr, 0, sizeof(lapic->irr));
    lapic->esr = lapic->errors = 0;
    lapic->icr = 0;
    for (unsigned i = 0; i < LVT_COUNT; i++) {
        lapic->lvt[i] = LVT_MASKED;
    }
    lapic->extint = false;
    lapic->initial_count = lapic->divide = lapic->owed = 0;
    lapic->run_down = false;
    lapic->tsc_deadline = 0;
    clock_timer_cancel(lapic->timer);
    lapic_update(lapic);
}

/* In x2APIC mode the logical ID is made from the ID: cluster above, a bit in the cluster below. */
static uint32_t lapic_ldr(const Lapic *lapic)
{
    return lapic_x2apic(lapic) ? (lapic->id & ~0xfu) << 12 | 1u << (lapic->id & 0xf) : lapic->ldr;
}

bool lapic_register_read(Lapic *lapic, unsigned reg, uint32_t *value)
{
    bool x2apic = lapic_x2apic(lapic);

    *value = 0;
    switch (reg) {
    case REG_ID:
        *value = x2apic ? lapic->id : lapic->id << 24;
        return true;
    case REG_VERSION:
        *value = LAPIC_VERSION;
        return true;
    case REG_TPR:
        *value = lapic->tpr;
        return true;
    case REG_APR:
        *value = lapic_apr(lapic);
        return !x2apic;
    case REG_PPR:
        *value = lapic_ppr(lapic);
        return true;
    case REG_EOI: /* write only */
    case REG_RRD: /* no remote read */
        return !x2apic;
    case REG_LDR:
        *value = lapic_ldr(lapic);
        return true;
    case REG_DFR:
        *value = lapic->dfr;
        return !x2apic;
    case REG_SVR:
        *value = lapic->svr;
        return true;
    case REG_ISR ... REG_ISR + 7:
        *value = lapic->isr[reg - REG_ISR];
        return true;
    case REG_TMR ... REG_TMR + 7:
        *value = lapic->tmr[reg - REG_TMR];
        return true;
    case REG_IRR ... REG_IRR + 7:
        *value = lapic->irr[reg - REG_IRR];
        return true;
    case REG_ESR:
        *value = lapic->esr;
        return true;
    case REG_ICR:
        *value = (uint32_t)lapic->icr;
        return true;
    case REG_ICR_HIGH:
        *value = (uint32_t)(lapic->icr >> 32);
        return !x2apic;
    case REG_LVT ... REG_LVT + LVT_COUNT - 1:
        *value = lapic->lvt[reg - REG_LVT];
        return true;
    case REG_INITIAL_COUNT:
        *value = lapic->initial_count;
        return true;
    case REG_CURRENT_COUNT:
        *value = lapic_timer_current(lapic);
        return true;
    case REG_DIVIDE:
        *value = lapic->divide;
        return true;
    default:
        return false;
    }
}

bool lapic_register_write(Lapic *lapic, unsigned reg, uint32_t value)
{
    bool x2apic = lapic_x2apic(lapic);

    switch (reg) {
    case REG_ID: /* fixed, as on processors since Nehalem */
    case REG_VERSION:
    case REG_APR:
    case REG_PPR:
    case REG_RRD:
    case REG_ISR ... REG_IRR + 7:
    case REG_CURRENT_COUNT:
        return !x2apic;
    case REG_TPR:
        lapic->tpr = value & 0xff;
        lapic_update(lapic);
        return !x2apic || value <= 0xff;
    case REG_EOI:
        if (x2apic && value != 0) {
            return false;
        }
        lapic_eoi(lapic);
        return true;
    case REG_LDR:
        lapic->ldr = value & 0xff000000;
        return !x2apic;
    case REG_DFR:
        lapic->dfr = value | 0x0fffffff;
        return !x2apic;
    case REG_SVR:
        lapic_write_svr(lapic, value);
        return true;
    case REG_ESR: /* a write latches what was collected */
        if (x2apic && value != 0) {
            return false;
        }
        lapic->esr = lapic->errors;
        lapic->errors = 0;
        return true;
    case REG_ICR: /* bit 12, delivery status, reads idle */
        lapic->icr = (lapic->icr & 0xffffffff00000000) | (value & 0x000ccfff);
        lapic_send_ipi(lapic, lapic->icr);
        return true;
    case REG_ICR_HIGH:
        lapic->icr = (uint64_t)(value & 0xff000000) << 32 | (uint32_t)lapic->icr;
        return !x2apic;
    case REG_LVT ... REG_LVT + LVT_COUNT - 1:
        lapic_write_lvt(lapic, reg - REG_LVT, value);
        return true;
    case REG_INITIAL_COUNT:
        lapic_timer_load(lapic, value);
        return true;
    case REG_DIVIDE:
        lapic_timer_set_divide(lapic, value & 0xb);
        return true;
    case REG_SELF_IPI:
        if (x2apic) {
            lapic_send_ipi(lapic, 1u << 18 | (value & 0xff));
        }
        return x2apic;
    default:
        return false;
    }
}
