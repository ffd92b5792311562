/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_compare.c - two ends of one test, with names for what differs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "check/system.h"
#include "runtime/cpu/cpu_state.h"

enum { SHOWN = 24 };

static const char *const end_names[] = { "halted", "shut down", "did not end", "crashed" };

const char *system_end_name(SystemEndKind end)
{
    return end_names[end];
}

typedef struct Comparison {
    GString *text;
    const char *one, *other;
    unsigned differing;
} Comparison;

static void compare(Comparison *c, const char *what, uint64_t one, uint64_t other)
{
    if (one == other) {
        return;
    }
    c->differing++;
    if (c->text != NULL && c->differing <= SHOWN) {
        g_string_append_printf(c->text, "  %-16s %s %016" PRIx64 "  %s %016" PRIx64 "\n", what,
                               c->one, one, c->other, other);
    }
}

/* ---- The CPU ---- */

typedef struct Field {
    const char *name;
    uint16_t at, width;
} Field;

#define FIELD(name)                                                                                \
    {                                                                                              \
#name, offsetof(Cpu, name), sizeof(((Cpu *)0)->name)                                       \
    }
static const Field fields[] = {
    FIELD(rip),          FIELD(rflags),       FIELD(mode),
    FIELD(halted),       FIELD(nmi_blocked),  FIELD(smm),
    FIELD(smbase),       FIELD(cr0),          FIELD(cr2),
    FIELD(cr3),          FIELD(cr4),          FIELD(xcr0),
    FIELD(efer),         FIELD(star),         FIELD(lstar),
    FIELD(cstar),        FIELD(fmask),        FIELD(sysenter_cs),
    FIELD(sysenter_esp), FIELD(sysenter_eip), FIELD(kernel_gs_base),
    FIELD(tsc_aux),      FIELD(pat),          FIELD(debugctl),
    FIELD(apic_base),    FIELD(misc_enable),  FIELD(gdtr.base),
    FIELD(gdtr.limit),   FIELD(idtr.base),    FIELD(idtr.limit),
    FIELD(request),      FIELD(context),      FIELD(ignne),
};

static uint64_t field_of(const Cpu *cpu, const Field *field)
{
    uint64_t value = 0;

    memcpy(&value, (const uint8_t *)cpu + field->at, field->width);
    return value;
}

static void compare_segments(Comparison *c, const Cpu *one, const Cpu *other)
{
    for (unsigned i = 0; i < SEGMENTS; i++) {
        const Segment *a = &one->seg[i], *b = &other->seg[i];
        char name[24];

        snprintf(name, sizeof(name), "%s base", cpu_segment_names[i]);
        compare(c, name, a->base, b->base);
        snprintf(name, sizeof(name), "%s limit", cpu_segment_names[i]);
        compare(c, name, a->limit, b->limit);
        snprintf(name, sizeof(name), "%s sel:attr", cpu_segment_names[i]);
        compare(c, name, (uint64_t)a->selector << 16 | a->attr,
                (uint64_t)b->selector << 16 | b->attr);
    }
}

/* Of the XSAVE image; a component whose bit of XSTATE_BV is clear is in its initial form. */
static uint64_t vector_word(const Cpu *cpu, unsigned at)
{
    enum { MXCSR = 24, SSE = 160, XSTATE_BV = 512, AVX = 576, X87_INITIAL = 0x37f };
    uint8_t bv = cpu->xsave[XSTATE_BV];
    unsigned component = at == MXCSR ? 0 : at < SSE ? 1 : at < XSTATE_BV ? 2 : at < AVX ? 0 : 4;
    uint64_t value = at == 0 ? X87_INITIAL : 0;

    if (at == MXCSR || (bv & component)) {
        memcpy(&value, cpu->xsave + at, 8);
    }
    return at >= 8 && at < MXCSR ? 0 : value; /* addresses of the last x87 instruction: host's */
}

static void compare_cpus(Comparison *c, const Cpu *one, const Cpu *other)
{
    char name[24];

    for (unsigned i = 0; i < 16; i++) {
        compare(c, cpu_gpr_names[i], one->gpr[i], other->gpr[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        compare(c, fields[i].name, field_of(one, &fields[i]), field_of(other, &fields[i]));
    }
    for (unsigned i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "dr%u", i);
        compare(c, name, one->dr[i], other->dr[i]);
    }
    compare_segments(c, one, other);
    for (unsigned i = 0; i < NATIVE_VECTOR_SIZE; i += 8) {
        snprintf(name, sizeof(name), "xsave+%x", i);
        compare(c, name, vector_word(one, i), vector_word(other, i));
    }
}

/* ---- Memory ---- */

static const struct {
    uint32_t at;
    const char *name;
} regions[] = {
    { SYS_IVT, "interrupt vectors" },
    { SYS_GDT, "gdt" },
    { SYS_IDT, "idt" },
    { SYS_TSS, "tss" },
    { SYS_TSS_B, "tss b" },
    { SYS_TSS_C, "tss c" },
    { SYS_LDT, "ldt" },
    { SYS_START, "start" },
    { SYS_STATE, "state" },
    { SYS_NEXT, "next" },
    { SYS_LOG, "log" },
    { SYS_CODE, "code" },
    { SYS_KERNEL, "kernel" },
    { SYS_DATA, "data" },
    { SYS_ODD, "odd page" },
    { SYS_STACK3, "stack" },
    { SYS_STACK0, "stack 0" },
    { SYS_STACKS, "stacks" },
    { SYS_PML4, "page tables" },
    { SYS_SIZE, "smm" },
};

static const Field state_fields[] = {
    { "cr0", STATE_CR, 8 },
    { "cr2", STATE_CR + 8, 8 },
    { "cr3", STATE_CR + 16, 8 },
    { "cr4", STATE_CR + 24, 8 },
    { "dr0", STATE_DR, 8 },
    { "dr1", STATE_DR + 8, 8 },
    { "dr2", STATE_DR + 16, 8 },
    { "dr3", STATE_DR + 24, 8 },
    { "dr6", STATE_DR + 32, 8 },
    { "dr7", STATE_DR + 40, 8 },
    { "gdtr", STATE_GDTR, 10 },
    { "idtr", STATE_IDTR, 10 },
    { "es", STATE_SEG, 2 },
    { "ds", STATE_SEG + 2, 2 },
    { "fs", STATE_SEG + 4, 2 },
    { "gs", STATE_SEG + 6, 2 },
    { "ldtr", STATE_SEG + 8, 2 },
    { "tr", STATE_SEG + 10, 2 },
    { "handler", STATE_DONE, 1 },
    { "sysenter_cs", STATE_MSR, 8 },
    { "sysenter_esp", STATE_MSR + 8, 8 },
    { "sysenter_eip", STATE_MSR + 16, 8 },
    { "efer", STATE_MSR + 24, 8 },
    { "star", STATE_MSR + 32, 8 },
    { "lstar", STATE_MSR + 40, 8 },
    { "cstar", STATE_MSR + 48, 8 },
    { "fmask", STATE_MSR + 56, 8 },
    { "fs base", STATE_MSR + 64, 8 },
    { "gs base", STATE_MSR + 72, 8 },
    { "kernel gs", STATE_MSR + 80, 8 },
    { "tsc_aux", STATE_MSR + 88, 8 },
    { "pat", STATE_MSR + 96, 8 },
    { "debugctl", STATE_MSR + 104, 8 },
};

static void state_name(uint32_t offset, char *name, size_t size)
{
    if (offset < STATE_CR) {
        snprintf(name, size, "state %s", cpu_gpr_names[offset / 8]);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(state_fields); i++) {
        if (offset >= state_fields[i].at && offset < state_fields[i].at + state_fields[i].width) {
            snprintf(name, size, "state %s", state_fields[i].name);
            return;
        }
    }
    snprintf(name, size, "state+%x", offset);
}

static void log_name(uint32_t offset, char *name, size_t size)
{
    static const char *const words[] = { "vector, error", "width, cr0", "cr2", "dr6" };
    uint32_t entry = offset / SYS_ENTRY, at = offset % SYS_ENTRY;

    if (entry == 0) {
        snprintf(name, size, "log entries");
    } else if (at < 32) {
        snprintf(name, size, "log %u %s", entry, words[at / 8]);
    } else {
        snprintf(name, size, "log %u stack+%x", entry, at - 32);
    }
}

static void memory_name(uint32_t at, char *name, size_t size)
{
    size_t i = G_N_ELEMENTS(regions);

    while (regions[--i].at > at) {
    }
    if (regions[i].at == SYS_STATE) {
        state_name(at - SYS_STATE, name, size);
    } else if (regions[i].at == SYS_LOG) {
        log_name(at - SYS_LOG, name, size);
    } else {
        snprintf(name, size, "%s+%x", regions[i].name, at - regions[i].at);
    }
}

/* The log first: what comes behind it follows from it. */
static void compare_range(Comparison *c, const uint8_t *one, const uint8_t *other, uint32_t from,
                          uint32_t to)
{
    if (memcmp(one + from, other + from, to - from) == 0) {
        return;
    }
    for (uint32_t at = from; at < to; at += 8) {
        char name[40];
        uint64_t a, b;

        if (memcmp(one + at, other + at, 8) != 0) {
            memcpy(&a, one + at, 8);
            memcpy(&b, other + at, 8);
            memory_name(at, name, sizeof(name));
            compare(c, name, a, b);
        }
    }
}

static void compare_all_memory(Comparison *c, const uint8_t *one, const uint8_t *other)
{
    compare_range(c, one, other, SYS_LOG + SYS_ENTRY, SYS_CODE);
    compare_range(c, one, other, SYS_LOG, SYS_LOG + SYS_ENTRY);
    compare_range(c, one, other, 0, SYS_LOG);
    compare_range(c, one, other, SYS_CODE, SYS_SIZE);
}

bool system_compare_memory(const uint8_t *one, const uint8_t *other, const char *const names[2],
                           GString *text)
{
    Comparison c = { text, names[0], names[1], 0 };

    compare_all_memory(&c, one, other);
    return c.differing == 0;
}

bool system_compare(const SystemGuest *interpreted, const SystemGuest *translated, GString *text)
{
    Comparison c = { text, executor_name(INTERPRETED), executor_name(TRANSLATED), 0 };

    if (interpreted->end != translated->end) {
        c.differing++;
        if (text != NULL) {
            g_string_append_printf(text, "  interpreted %s, translated %s\n",
                                   end_names[interpreted->end], end_names[translated->end]);
        }
    }
    compare_all_memory(&c, interpreted->subject->ram, translated->subject->ram);
    compare_range(&c, interpreted->subject->ram, translated->subject->ram, SYS_SIZE, SYS_RAM);
    if (translated->end != SYSTEM_CRASHED) {
        compare_cpus(&c, interpreted->subject->cpu, translated->subject->cpu);
        compare(&c, "tpr", interpreted->tpr, translated->tpr);
        if (interpreted->end != SYSTEM_SHUTDOWN) { /* translated, STI need not leave one behind */
            compare(&c, "shadow", interpreted->subject->cpu->shadow,
                    translated->subject->cpu->shadow);
        }
    }
    if (c.differing > SHOWN && text != NULL) {
        g_string_append_printf(text, "  and %u more\n", c.differing - SHOWN);
    }
    return c.differing == 0;
}
