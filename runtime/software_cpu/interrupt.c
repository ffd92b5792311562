/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interrupt.c - delivery through IVT and IDT (SDM vol. 3 chapters 6 and 20, vol. 2 INT n), and
 * what becomes of faults that it raises.
 *
 * Every delivery checks all it needs, pushes its frame as one range, and only then changes
 * registers, so that a fault in it leaves the CPU as it was. */
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/segment.h"

enum {
    ERROR_EXT = 1,
    ERROR_IDT = 2,
    GATE_SIZE_REAL = 4,
    GATE_SIZE = 8,
    GATE_SIZE_LONG = 16,
    IST_MASK = 7,
    TSS64_IST1 = 36,
    TSS_IO_BASE = 102,
    REDIRECTION_BYTES = 32,
    DEBUGCTL_LBR_BTF = 3,
    FLAGS_CLEARED = FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM,
    FRAME_MAX = 10,
};

/* One event on its way in. */
typedef struct Event {
    uint64_t rip;
    uint64_t flags; /* as they are pushed */
    uint32_t error;
    uint32_t ext; /* 0 or ERROR_EXT: of error codes that delivery raises */
    uint8_t vector;
    uint8_t kind; /* InterruptKind */
    bool has_error;
} Event;

static bool event_is_software(const Event *event)
{
    return event->kind == INTERRUPT_SOFTWARE || event->kind == INTERRUPT_SOFTWARE_EXCEPTION;
}

/* A fault that names the event's own gate. */
static bool fault_gate(Cpu *cpu, Vector vector, const Event *event)
{
    return fault_raise(cpu, vector, (uint32_t)event->vector * 8 | ERROR_IDT | event->ext);
}

static bool idt_holds(const Cpu *cpu, const Event *event, unsigned gate_size)
{
    return (event->vector + 1u) * gate_size - 1 <= cpu->idtr.limit;
}

/* Frame slots in the order of pushing, behind SS:ESP where there are any. */
static unsigned frame_finish(const Cpu *cpu, const Event *event, uint64_t *slots, unsigned n)
{
    slots[n++] = event->flags;
    slots[n++] = cpu->seg[CS].selector;
    slots[n++] = event->rip;
    if (event->has_error) {
        slots[n++] = event->error;
    }
    return n;
}

/* The last step: registers of the handler. */
static void handler_enter(Cpu *cpu, const Segment *cs, uint64_t rip, unsigned gate_type)
{
    uint64_t cleared = FLAGS_CLEARED;

    if (!(gate_type & TYPE_TRAP)) {
        cleared |= FLAG_IF;
    }
    cpu->seg[CS] = *cs;
    cpu->rip = rip;
    cpu->rflags &= ~cleared;
    cpu->shadow = SHADOW_NONE;
    cpu_mode_update(cpu);
}

/* ---- Real mode, and INT n that virtual-8086 mode redirects ---- */

/* Through the IVT at `base`; `flags_cleared` on entry. */
static bool deliver_ivt(Cpu *cpu, const Event *event, uint64_t base, uint64_t flags_cleared)
{
    FrameStack stack = frame_stack_current(cpu, event->ext);
    Event plain = *event;
    uint64_t slots[FRAME_MAX];
    uint32_t entry;

    plain.has_error = false;
    if (!(cpu->rflags & FLAG_VM ? mmu_read_slow(cpu, base, &entry, GATE_SIZE_REAL)
                                : mmu_system_read(cpu, base, &entry, GATE_SIZE_REAL))) {
        return false;
    }
    if ((entry & 0xffff) > cpu->seg[CS].limit) {
        return fault_raise(cpu, VECTOR_GP, event->ext);
    }
    if (!frame_push(cpu, &stack, 2, slots, frame_finish(cpu, &plain, slots, 0))) {
        return false;
    }
    cpu->gpr[RSP] = stack.sp;
    segment_load_real(cpu, CS, (uint16_t)(entry >> 16));
    cpu->rip = entry & 0xffff;
    cpu->rflags &= ~flags_cleared;
    cpu->shadow = SHADOW_NONE;
    cpu_mode_update(cpu);
    return true;
}

static bool deliver_real(Cpu *cpu, const Event *event)
{
    if (!idt_holds(cpu, event, GATE_SIZE_REAL)) {
        return fault_gate(cpu, VECTOR_GP, event);
    }
    return deliver_ivt(cpu, event,
                       (uint32_t)(cpu->idtr.base + (uint64_t)event->vector * GATE_SIZE_REAL),
                       FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
}

typedef enum Redirection { REDIRECT_FAULT, REDIRECT_IVT, REDIRECT_IDT } Redirection;

/* The VME redirection bitmap, 32 bytes below the I/O bitmap of a 32-bit TSS. */
static Redirection redirection_read(Cpu *cpu, uint8_t vector)
{
    const Segment *tss = &cpu->seg[TR];
    uint16_t io_base;
    uint32_t at;
    uint8_t bits;

    if (!(tss->attr & TYPE_BITS32) || tss->limit < TSS_IO_BASE + 1) {
        fault_raise(cpu, VECTOR_GP, 0);
        return REDIRECT_FAULT;
    }
    if (!mmu_system_read(cpu, linear_wrap(cpu, tss->base + TSS_IO_BASE), &io_base, 2)) {
        return REDIRECT_FAULT;
    }
    at = io_base - REDIRECTION_BYTES + vector / 8u;
    if (io_base < REDIRECTION_BYTES || at > tss->limit) {
        fault_raise(cpu, VECTOR_GP, 0);
        return REDIRECT_FAULT;
    }
    if (!mmu_system_read(cpu, linear_wrap(cpu, tss->base + at), &bits, 1)) {
        return REDIRECT_FAULT;
    }
    return bits >> vector % 8 & 1 ? REDIRECT_IDT : REDIRECT_IVT;
}

/* INT n in virtual-8086 mode: SDM vol. 3 table 20-2. */
static Redirection vm86_redirect(Cpu *cpu, uint8_t vector)
{
    Redirection where = cpu->cr4 & CR4_VME ? redirection_read(cpu, vector) : REDIRECT_IDT;

    if (where == REDIRECT_IDT && !(cpu->mode & MODE_IOPL_OK)) {
        fault_raise(cpu, VECTOR_GP, 0);
        return REDIRECT_FAULT;
    }
    return where;
}

static bool deliver_vm86_ivt(Cpu *cpu, const Event *event)
{
    uint64_t base = (uint64_t)event->vector * GATE_SIZE_REAL;
    Event virtual = *event;

    if (cpu->mode & MODE_IOPL_OK) {
        return deliver_ivt(cpu, event, base, FLAG_IF | FLAG_TF | FLAG_RF);
    }
    virtual.flags = (event->flags & ~(uint64_t)FLAG_IF) | FLAG_IOPL;
    virtual.flags |= event->flags & FLAG_VIF ? FLAG_IF : 0;
    return deliver_ivt(cpu, &virtual, base, FLAG_VIF | FLAG_TF | FLAG_RF);
}

/* ---- Gates of protected and long mode ---- */

static bool gate_check(Cpu *cpu, const Event *event, const Descriptor *gate)
{
    if (event_is_software(event) && attr_dpl(gate->attr) < cpu_cpl(cpu)) {
        return fault_gate(cpu, VECTOR_GP, event);
    }
    return gate->attr & ATTR_P || fault_gate(cpu, VECTOR_NP, event);
}

/* The handler's code segment and privilege. */
static bool handler_fetch(Cpu *cpu, const Event *event, const Descriptor *gate, Segment *cs,
                          unsigned *cpl)
{
    uint16_t selector = (uint16_t)(gate->low >> 16);
    unsigned old = cpu_cpl(cpu);
    Descriptor code;

    if (selector_is_null(selector)) {
        return fault_raise(cpu, VECTOR_GP, event->ext);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_GP, event->ext, &code)) {
        return false;
    }
    *cpl = attr_is_conforming(code.attr) ? old : attr_dpl(code.attr);
    if (!attr_is_code(code.attr) || attr_dpl(code.attr) > old ||
        ((cpu->mode & MODE_LMA) && (code.attr & (ATTR_L | ATTR_DB)) != ATTR_L) ||
        ((cpu->mode & MODE_VM) && *cpl != 0)) {
        return fault_selector(cpu, VECTOR_GP, selector, event->ext);
    }
    if (!(code.attr & ATTR_P)) {
        return fault_selector(cpu, VECTOR_NP, selector, event->ext);
    }
    if (!descriptor_mark_accessed(cpu, &code)) {
        return false;
    }
    descriptor_unpack(&code, cs);
    cs->selector = (uint16_t)((selector & ~SELECTOR_RPL) | *cpl);
    return true;
}

static bool deliver_task(Cpu *cpu, const Event *event, const Descriptor *gate)
{
    TaskSwitch how = { .cause = TASK_INTERRUPT,
                       .rip = event->rip,
                       .flags = event->flags,
                       .ext = event->ext,
                       .error = event->has_error ? &event->error : NULL };
    Descriptor tss;

    return task_gate_fetch(cpu, gate, event->ext, &tss) && task_switch(cpu, &tss, &how);
}

/* Out of virtual-8086 mode: data segments are pushed first, and null in the handler. */
static unsigned vm86_segments_push(const Cpu *cpu, uint64_t *slots)
{
    slots[0] = cpu->seg[GS].selector;
    slots[1] = cpu->seg[FS].selector;
    slots[2] = cpu->seg[DS].selector;
    slots[3] = cpu->seg[ES].selector;
    return 4;
}

static void vm86_segments_clear(Cpu *cpu)
{
    segment_set_null(cpu, GS, 0);
    segment_set_null(cpu, FS, 0);
    segment_set_null(cpu, DS, 0);
    segment_set_null(cpu, ES, 0);
}

static bool deliver_gate(Cpu *cpu, const Event *event, const Descriptor *gate)
{
    unsigned type = attr_type(gate->attr);
    uint64_t offset = gate_offset(gate);
    bool vm86 = cpu->mode & MODE_VM;
    uint64_t slots[FRAME_MAX];
    unsigned n = 0;
    FrameStack stack;
    unsigned cpl;
    Segment cs;

    if (!handler_fetch(cpu, event, gate, &cs, &cpl)) {
        return false;
    }
    if (cpl != cpu_cpl(cpu)) {
        if (!frame_stack_inner(cpu, cpl, event->ext, &stack)) {
            return false;
        }
        n = vm86 ? vm86_segments_push(cpu, slots) : 0;
        slots[n++] = cpu->seg[SS].selector;
        slots[n++] = cpu->gpr[RSP];
    } else {
        stack = frame_stack_current(cpu, event->ext);
    }
    if (!code_offset_check(cpu, &cs, offset, event->ext) ||
        !frame_push(cpu, &stack, type & TYPE_BITS32 ? 4 : 2, slots,
                    frame_finish(cpu, event, slots, n))) {
        return false;
    }
    frame_stack_commit(cpu, &stack);
    if (vm86) {
        vm86_segments_clear(cpu);
    }
    handler_enter(cpu, &cs, offset, type);
    return true;
}

static bool deliver_protected(Cpu *cpu, const Event *event)
{
    Descriptor gate = { 0 };
    uint64_t words;

    if ((cpu->mode & MODE_VM) && event->kind == INTERRUPT_SOFTWARE) {
        switch (vm86_redirect(cpu, event->vector)) {
        case REDIRECT_FAULT:
            return false;
        case REDIRECT_IVT:
            return deliver_vm86_ivt(cpu, event);
        default:
            break;
        }
    }
    if (!idt_holds(cpu, event, GATE_SIZE)) {
        return fault_gate(cpu, VECTOR_GP, event);
    }
    if (!system_read8(cpu, (uint32_t)(cpu->idtr.base + event->vector * GATE_SIZE), &words)) {
        return false;
    }
    gate.low = (uint32_t)words;
    gate.high = (uint32_t)(words >> 32);
    gate.attr = (uint16_t)(gate.high >> 8 & 0xf0ff);
    switch (attr_type(gate.attr)) {
    case TYPE_TASK_GATE:
        return gate_check(cpu, event, &gate) && deliver_task(cpu, event, &gate);
    case TYPE_INTERRUPT_GATE16:
    case TYPE_TRAP_GATE16:
    case TYPE_INTERRUPT_GATE32:
    case TYPE_TRAP_GATE32:
        return gate_check(cpu, event, &gate) && deliver_gate(cpu, event, &gate);
    default:
        return fault_gate(cpu, VECTOR_GP, event);
    }
}

/* ---- Long mode ---- */

static bool long_gate_read(Cpu *cpu, const Event *event, Descriptor *gate)
{
    uint64_t linear = cpu->idtr.base + event->vector * GATE_SIZE_LONG;
    uint64_t words, upper;
    unsigned type;

    if (!idt_holds(cpu, event, GATE_SIZE_LONG)) {
        return fault_gate(cpu, VECTOR_GP, event);
    }
    if (!system_read8(cpu, linear, &words) || !system_read8(cpu, linear + 8, &upper)) {
        return false;
    }
    *gate = (Descriptor){ .low = (uint32_t)words,
                          .high = (uint32_t)(words >> 32),
                          .upper = (uint32_t)upper,
                          .attr = (uint16_t)(words >> 40 & 0xf0ff) };
    type = attr_type(gate->attr);
    if (type != TYPE_INTERRUPT_GATE32 && type != TYPE_TRAP_GATE32) {
        return fault_gate(cpu, VECTOR_GP, event);
    }
    return gate_check(cpu, event, gate);
}

/* IST, the TSS's stack, or the current one; aligned to 16 bytes. */
static bool long_stack_select(Cpu *cpu, const Event *event, const Descriptor *gate, unsigned cpl,
                              FrameStack *stack)
{
    unsigned ist = gate->high & IST_MASK;
    bool inner = cpl != cpu_cpl(cpu);

    if (ist != 0) {
        if (!frame_stack_long(cpu, TSS64_IST1 + (ist - 1) * 8, cpl, event->ext, stack)) {
            return false;
        }
    } else if (inner) {
        if (!frame_stack_inner(cpu, cpl, event->ext, stack)) {
            return false;
        }
    } else {
        *stack = frame_stack_current(cpu, event->ext);
        stack->width = 8;
    }
    if (!inner) {
        stack->ss = cpu->seg[SS];
        stack->context = (MmuContext)cpu->context;
    }
    stack->sp &= ~15ull;
    return true;
}

static bool deliver_long(Cpu *cpu, const Event *event)
{
    uint64_t slots[FRAME_MAX];
    Descriptor gate;
    FrameStack stack;
    uint64_t offset;
    unsigned cpl;
    Segment cs;

    if (!long_gate_read(cpu, event, &gate) || !handler_fetch(cpu, event, &gate, &cs, &cpl) ||
        !long_stack_select(cpu, event, &gate, cpl, &stack)) {
        return false;
    }
    offset = gate_offset(&gate);
    slots[0] = cpu->seg[SS].selector;
    slots[1] = cpu->gpr[RSP];
    if (!code_offset_check(cpu, &cs, offset, event->ext) ||
        !frame_push(cpu, &stack, 8, slots, frame_finish(cpu, event, slots, 2))) {
        return false;
    }
    frame_stack_commit(cpu, &stack);
    handler_enter(cpu, &cs, offset, attr_type(gate.attr));
    return true;
}

/* ---- Entry points ---- */

static bool event_deliver(Cpu *cpu, const Event *event)
{
    if (!(cpu->mode & MODE_PE)) {
        return deliver_real(cpu, event);
    }
    return cpu->mode & MODE_LMA ? deliver_long(cpu, event) : deliver_protected(cpu, event);
}

bool interrupt_deliver(Cpu *cpu, uint8_t vector, InterruptKind kind, bool has_error, uint32_t error,
                       uint64_t return_rip)
{
    Event event = { .rip = return_rip,
                    .flags = cpu->rflags,
                    .error = error,
                    .vector = vector,
                    .kind = (uint8_t)kind,
                    .has_error = has_error };

    event.ext = event_is_software(&event) ? 0 : ERROR_EXT;
    return event_deliver(cpu, &event);
}

/* ---- Exceptions ---- */

typedef enum FaultClass { CLASS_BENIGN, CLASS_CONTRIBUTORY, CLASS_PAGE, CLASS_DOUBLE } FaultClass;

static FaultClass fault_class(uint8_t vector)
{
    switch (vector) {
    case VECTOR_DE:
    case VECTOR_TS:
    case VECTOR_NP:
    case VECTOR_SS:
    case VECTOR_GP:
        return CLASS_CONTRIBUTORY;
    case VECTOR_PF:
        return CLASS_PAGE;
    case VECTOR_DF:
        return CLASS_DOUBLE;
    default:
        return CLASS_BENIGN;
    }
}

/* SDM vol. 3 table 6-5: does `second`, raised while `first` is delivered, make a double fault? */
static bool faults_double(FaultClass first, FaultClass second)
{
    return (first == CLASS_CONTRIBUTORY && second == CLASS_CONTRIBUTORY) ||
           (first == CLASS_PAGE && (second == CLASS_CONTRIBUTORY || second == CLASS_PAGE));
}

/* What the exception does to registers whether or not it is delivered. */
static void fault_record(Cpu *cpu, const Fault *fault)
{
    if (fault->vector == VECTOR_PF) {
        cpu->cr2 = fault->address;
    } else if (fault->vector == VECTOR_DB) {
        debug_status_write(cpu, fault->dr6);
        cpu->dr[7] &= ~(uint64_t)DR7_GD;
        cpu->debugctl &= ~(uint64_t)DEBUGCTL_LBR_BTF;
    }
}

/* RF is set in the pushed flags of faults, so that the instruction can be restarted past its
 * breakpoint; not for traps, aborts, and instruction breakpoints themselves. */
static uint64_t fault_flags(const Cpu *cpu, const Fault *fault)
{
    bool breakpoint = fault->vector == VECTOR_DB && !(fault->dr6 & DR6_BD);
    bool aborts = fault->vector == VECTOR_DF || fault->vector == VECTOR_MC;
    bool restarts = !fault->trap && !breakpoint && !aborts;

    return restarts ? cpu->rflags | FLAG_RF : cpu->rflags;
}

static bool fault_deliver(Cpu *cpu, const Fault *fault)
{
    Event event = { .rip = cpu->rip,
                    .flags = fault_flags(cpu, fault),
                    .error = fault->error,
                    .ext = ERROR_EXT,
                    .vector = fault->vector,
                    .kind = INTERRUPT_EXCEPTION,
                    .has_error = fault->has_error };

    fault_record(cpu, fault);
    return event_deliver(cpu, &event);
}

bool exception_deliver(Cpu *cpu)
{
    Fault fault = cpu->fault;

    cpu->halted = false;
    while (!fault_deliver(cpu, &fault)) {
        FaultClass first = fault_class(fault.vector);

        if (first == CLASS_DOUBLE) {
            cpu->bus->triple_fault(cpu);
            return false;
        }
        if (faults_double(first, fault_class(cpu->fault.vector))) {
            fault = (Fault){ .vector = VECTOR_DF, .has_error = true };
        } else {
            fault = cpu->fault;
        }
    }
    return true;
}
