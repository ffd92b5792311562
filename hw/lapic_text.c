/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lapic_text.c - a local APIC for people: `info lapic`. */
#include "hw/lapic_int.h"

static void entry_text(GString *text, const char *name, uint32_t entry, bool timer)
{
    static const char *const modes[] = { "fixed", "lowpri", "SMI", "...",
                                         "NMI",   "INIT",   "...", "ExtINT" };
    static const char *const timers[] = { "one-shot", "periodic", "tsc-deadline", "..." };

    g_string_append_printf(text, "%s\t 0x%08x %s %-5s %-6s ", name, entry,
                           (entry & LVT_LOW_ACTIVE) != 0 ? "active-lo" : "active-hi",
                           (entry & LVT_LEVEL) != 0 ? "level" : "edge",
                           (entry & LVT_MASKED) != 0 ? "masked" : "");
    if (timer) {
        g_string_append_printf(text, "%s ", timers[(entry & LVT_TIMER_MODE) >> 17]);
    }
    g_string_append_printf(text, "%s (vec %u)\n", modes[entry >> LVT_MODE_SHIFT & 7], entry & 0xff);
}

static void vectors_text(GString *text, const char *name, const uint32_t *bits, const uint32_t *tmr)
{
    bool none = true;

    g_string_append_printf(text, "%s\t ", name);
    for (unsigned vector = 0; vector < 256; vector++) {
        if ((bits[vector / 32] >> vector % 32 & 1) != 0) {
            bool level = tmr != NULL && (tmr[vector / 32] >> vector % 32 & 1) != 0;

            g_string_append_printf(text, "%u%s ", vector, level ? "(level)" : "");
            none = false;
        }
    }
    g_string_append(text, none ? "(none)\n" : "\n");
}

void lapic_text(const LapicBus *bus, unsigned cpu, GString *text)
{
    static const char *const names[LVT_COUNT] = { "LVTT", "LVTTHMR", "LVTPC",
                                                  "LVT0", "LVT1",    "LVTERR" };
    const Lapic *lapic = &bus->lapics[cpu];

    g_string_append_printf(text, "dumping local APIC state for CPU %u\n\n", cpu);
    for (unsigned i = 0; i < LVT_COUNT; i++) {
        entry_text(text, names[i], lapic->lvt[i], i == LVT_TIMER);
    }
    g_string_append_printf(text, "Timer\t DCR=0x%x initial_count = %u current_count = %u\n",
                           lapic->divide, lapic->initial_count, lapic_timer_current(lapic));
    g_string_append_printf(text, "SPIV\t 0x%08x APIC %s, focus=%s, spurious vec %u\n", lapic->svr,
                           (lapic->svr & SVR_ENABLED) != 0 ? "enabled" : "disabled",
                           (lapic->svr & SVR_FOCUS_OFF) != 0 ? "off" : "on", lapic->svr & 0xff);
    g_string_append_printf(text, "ICR\t 0x%08x\nICR2\t 0x%08x\nESR\t 0x%08x\n",
                           (uint32_t)lapic->icr, (uint32_t)(lapic->icr >> 32), lapic->esr);
    vectors_text(text, "ISR", lapic->isr, NULL);
    vectors_text(text, "IRR", lapic->irr, lapic->tmr);
    g_string_append_printf(text, "\nAPR 0x00 TPR 0x%02x DFR 0x%02x LDR 0x%02x%s\n", lapic->tpr,
                           lapic->dfr >> 28, lapic->ldr >> 24,
                           lapic_x2apic(lapic) ? " x2APIC" : "");
}
