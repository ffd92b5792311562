/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_state.c - the table of a vCPU's state. */
#include "runtime/cpu/cpu_state.h"

#define FIELD(type_, field)                                                                        \
    {                                                                                              \
        .name = #field, .type = CPU_FIELD_##type_, .count = 1, .offset = offsetof(Cpu, field)      \
    }
#define NAMED(type_, name_, field)                                                                 \
    {                                                                                              \
        .name = name_, .type = CPU_FIELD_##type_, .count = 1, .offset = offsetof(Cpu, field)       \
    }
#define ARRAY(type_, field)                                                                        \
    {                                                                                              \
        .name = #field, .type = CPU_FIELD_##type_,                                                 \
        .count = sizeof(((Cpu *)0)->field) / sizeof(((Cpu *)0)->field[0]),                         \
        .offset = offsetof(Cpu, field)                                                             \
    }
#define SEGMENT(name_, number)                                                                     \
    NAMED(U64, name_ ".base", seg[number].base), NAMED(U32, name_ ".limit", seg[number].limit),    \
        NAMED(U16, name_ ".selector", seg[number].selector),                                       \
        NAMED(U16, name_ ".attr", seg[number].attr)

const CpuField cpu_fields[] = {
    NAMED(U64, "rax", gpr[RAX]),
    NAMED(U64, "rcx", gpr[RCX]),
    NAMED(U64, "rdx", gpr[RDX]),
    NAMED(U64, "rbx", gpr[RBX]),
    NAMED(U64, "rsp", gpr[RSP]),
    NAMED(U64, "rbp", gpr[RBP]),
    NAMED(U64, "rsi", gpr[RSI]),
    NAMED(U64, "rdi", gpr[RDI]),
    NAMED(U64, "r8", gpr[R8]),
    NAMED(U64, "r9", gpr[R9]),
    NAMED(U64, "r10", gpr[R10]),
    NAMED(U64, "r11", gpr[R11]),
    NAMED(U64, "r12", gpr[R12]),
    NAMED(U64, "r13", gpr[R13]),
    NAMED(U64, "r14", gpr[R14]),
    NAMED(U64, "r15", gpr[R15]),
    FIELD(U64, rip),
    FIELD(U64, rflags),
    SEGMENT("es", ES),
    SEGMENT("cs", CS),
    SEGMENT("ss", SS),
    SEGMENT("ds", DS),
    SEGMENT("fs", FS),
    SEGMENT("gs", GS),
    SEGMENT("ldtr", LDTR),
    SEGMENT("tr", TR),
    FIELD(U64, gdtr.base),
    FIELD(U16, gdtr.limit),
    FIELD(U64, idtr.base),
    FIELD(U16, idtr.limit),
    FIELD(U64, cr0),
    FIELD(U64, cr2),
    FIELD(U64, cr3),
    FIELD(U64, cr4),
    FIELD(U64, xcr0),
    ARRAY(U64, pdpte),
    ARRAY(U64, dr),
    FIELD(U64, efer),
    FIELD(U64, star),
    FIELD(U64, lstar),
    FIELD(U64, cstar),
    FIELD(U64, fmask),
    FIELD(U64, kernel_gs_base),
    FIELD(U64, sysenter_cs),
    FIELD(U64, sysenter_esp),
    FIELD(U64, sysenter_eip),
    FIELD(U64, tsc),
    FIELD(U64, tsc_aux),
    FIELD(U64, tsc_adjust),
    FIELD(U64, pat),
    FIELD(U64, apic_base),
    FIELD(U64, misc_enable),
    FIELD(U64, pv_system_time),
    FIELD(U64, pv_wall_clock),
    FIELD(U64, mtrr_def_type),
    ARRAY(U64, mtrr_fixed),
    ARRAY(U64, mtrr_base),
    ARRAY(U64, mtrr_mask),
    FIELD(U64, xss),
    FIELD(U64, spec_ctrl),
    FIELD(U64, debugctl),
    FIELD(U64, mcg_status),
    ARRAY(U64, mc_bank),
    FIELD(U64, bios_sign_id),
    FIELD(U64, smbase),
    FIELD(U64, monitor_address),
    FIELD(U32, a20_mask),
    FIELD(U32, events),
    FIELD(U8, sipi_vector),
    FIELD(BOOL, halted),
    FIELD(BOOL, monitor_waits),
    FIELD(BOOL, monitor_breaks),
    FIELD(BOOL, wait_sipi),
    FIELD(U8, shadow),
    FIELD(BOOL, nmi_blocked),
    FIELD(BOOL, smm),
    FIELD(BOOL, ignne),
    FIELD(U64, x87_last.ip),
    FIELD(U64, x87_last.dp),
    FIELD(U16, x87_last.cs),
    FIELD(U16, x87_last.ds),
    FIELD(U16, x87_last.op),
    ARRAY(BYTES, xsave),
};
const unsigned cpu_fields_count = sizeof(cpu_fields) / sizeof(cpu_fields[0]);

const char *const cpu_gpr_names[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                        "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };
const char *const cpu_segment_names[SEGMENTS] = {
    "es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"
};

static bool names_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

const CpuField *cpu_field_find(const char *name)
{
    for (unsigned i = 0; i < cpu_fields_count; i++) {
        if (names_equal(cpu_fields[i].name, name)) {
            return &cpu_fields[i];
        }
    }
    return NULL;
}

const CpuField *cpu_field_at(size_t offset)
{
    for (unsigned i = 0; i < cpu_fields_count; i++) {
        const CpuField *field = &cpu_fields[i];

        if (offset - field->offset < (size_t)field->count * cpu_field_width(field)) {
            return field;
        }
    }
    return NULL;
}

unsigned cpu_field_width(const CpuField *field)
{
    static const uint8_t widths[] = {
        [CPU_FIELD_U8] = 1,  [CPU_FIELD_U16] = 2,  [CPU_FIELD_U32] = 4,
        [CPU_FIELD_U64] = 8, [CPU_FIELD_BOOL] = 1, [CPU_FIELD_BYTES] = 1,
    };

    return widths[field->type];
}
_Static_assert(sizeof(bool) == 1, "cpu_field_width");

uint64_t cpu_field_read(const Cpu *cpu, const CpuField *field, unsigned index)
{
    unsigned width = cpu_field_width(field);
    const uint8_t *at = (const uint8_t *)cpu + field->offset + (size_t)index * width;
    uint64_t value = 0;

    __builtin_memcpy(&value, at, width);
    return value;
}

void cpu_field_write(Cpu *cpu, const CpuField *field, unsigned index, uint64_t value)
{
    unsigned width = cpu_field_width(field);
    uint8_t *at = (uint8_t *)cpu + field->offset + (size_t)index * width;

    if (field->type == CPU_FIELD_BOOL) {
        value = value != 0;
    }
    __builtin_memcpy(at, &value, width);
}

/* ---- Saving and loading ---- */

/* Requests that are pulses: the machine's come from elsewhere, INTR is a level of the local APIC.
 */
enum {
    EVENTS = CPU_REQUEST_NMI | CPU_REQUEST_SMI | CPU_REQUEST_INIT | CPU_REQUEST_SIPI,
};

void cpu_state_save(Cpu *cpu, uint64_t host_tsc)
{
    cpu_vector_park(cpu);
    cpu->tsc = host_tsc + cpu->tsc_offset;
    cpu->events = __atomic_load_n(&cpu->request, __ATOMIC_SEQ_CST) & EVENTS;
}

/* The host's XRSTOR must take it, whatever was put in (SDM vol. 1 section 13.8). */
static void xsave_sanitise(Cpu *cpu)
{
    enum { MXCSR = 24, MXCSR_BITS = 0xffff, HEADER = 512, XCOMP_BV = 520, HEADER_END = 576 };
    uint32_t mxcsr;
    uint64_t components;

    __builtin_memcpy(&mxcsr, cpu->xsave + MXCSR, sizeof(mxcsr));
    mxcsr &= MXCSR_BITS;
    __builtin_memcpy(cpu->xsave + MXCSR, &mxcsr, sizeof(mxcsr));
    __builtin_memcpy(&components, cpu->xsave + HEADER, sizeof(components));
    components &= cpu->xsave_mask;
    __builtin_memcpy(cpu->xsave + HEADER, &components, sizeof(components));
    for (unsigned i = XCOMP_BV; i < HEADER_END; i++) {
        cpu->xsave[i] = 0;
    }
}

void cpu_state_load(Cpu *cpu, uint64_t host_tsc)
{
    cpu->vector_live = false;
    xsave_sanitise(cpu);
    cpu->tsc_offset = cpu->tsc - host_tsc;
    cpu->rflags |= FLAG_1;
    cpu->a20_mask |= ~(1u << 20);
    cpu->shadow = cpu->shadow > SHADOW_MOV_SS ? SHADOW_NONE : cpu->shadow;
    cpu_request_clear(cpu, EVENTS);
    cpu_request_set(cpu, cpu->events & EVENTS);
}
