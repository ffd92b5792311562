/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iret.c - IRET in all modes, and the instructions that call interrupt handlers: INT n, INT3, INT1,
 * INTO. */
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/segment.h"

enum {
    FLAGS_POPPED16 = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT,
    FLAGS_POPPED32 = FLAGS_POPPED16 | FLAG_RF | FLAG_AC | FLAG_ID,
    FLAGS_VIRTUAL = FLAG_VIF | FLAG_VIP,
};

static void flags_pop(Cpu *cpu, uint64_t image, uint64_t mask)
{
    cpu->rflags = (cpu->rflags & ~mask) | (image & mask) | FLAG_1;
}

static uint64_t flags_popped(unsigned width)
{
    return width == 2 ? FLAGS_POPPED16 : FLAGS_POPPED32;
}

/* What IRET may change at the current privilege. */
static uint64_t flags_allowed(const Cpu *cpu, unsigned width)
{
    uint64_t mask = flags_popped(width);

    if (cpu->mode & MODE_IOPL_OK) {
        mask |= FLAG_IF;
    }
    if (cpu_cpl(cpu) == 0) {
        mask |= FLAG_IOPL | (width == 2 ? 0 : FLAGS_VIRTUAL);
    }
    return mask;
}

/* ---- Real and virtual-8086 mode ---- */

static Step iret_real_commit(Cpu *cpu, unsigned width, const uint64_t *slots, uint64_t flags,
                             uint64_t mask)
{
    if (slots[0] > cpu->seg[CS].limit) {
        return fault_gp0(cpu);
    }
    stack_set(cpu, stack_offset(cpu, (int64_t)width * 3));
    segment_load_real(cpu, CS, (uint16_t)slots[1]);
    cpu->rip = slots[0];
    flags_pop(cpu, flags, mask);
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

static Step iret_real(Cpu *cpu, unsigned width)
{
    uint64_t slots[3];

    if (!frame_read(cpu, 0, width, slots, 3)) {
        return STEP_FAULT;
    }
    return iret_real_commit(cpu, width, slots, slots[2], flags_popped(width) | FLAG_IF | FLAG_IOPL);
}

static Step iret_vm86(Cpu *cpu, unsigned width)
{
    uint64_t mask = flags_popped(width) | FLAG_IF;
    uint64_t slots[3];
    uint64_t flags;

    if (!(cpu->mode & MODE_IOPL_OK) && (!(cpu->cr4 & CR4_VME) || width != 2)) {
        return fault_gp0(cpu);
    }
    if (!frame_read(cpu, 0, width, slots, 3)) {
        return STEP_FAULT;
    }
    flags = slots[2];
    if (!(cpu->mode & MODE_IOPL_OK)) { /* VME: VIF stands for IF */
        if ((flags & FLAG_TF) || ((flags & FLAG_IF) && (cpu->rflags & FLAG_VIP))) {
            return fault_gp0(cpu);
        }
        mask = (mask & ~(uint64_t)FLAG_IF) | FLAG_VIF;
        flags = (flags & ~(uint64_t)FLAG_VIF) | (flags & FLAG_IF ? FLAG_VIF : 0);
    }
    return iret_real_commit(cpu, width, slots, flags, mask);
}

/* ---- Protected and long mode ---- */

/* From privilege 0 into virtual-8086 mode: EIP CS EFLAGS ESP SS ES DS FS GS. */
static Step iret_to_vm86(Cpu *cpu)
{
    static const SegmentName order[] = { SS, ES, DS, FS, GS };
    uint64_t slots[9];

    if (!frame_read(cpu, 0, 4, slots, 9)) {
        return STEP_FAULT;
    }
    if (slots[0] > 0xffff) {
        return fault_gp0(cpu);
    }
    cpu->rflags = (slots[2] & (FLAGS_POPPED32 | FLAG_IF | FLAG_IOPL | FLAG_VM | FLAGS_VIRTUAL)) |
                  FLAG_1;
    segment_load_real(cpu, CS, (uint16_t)slots[1]);
    for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        segment_load_real(cpu, order[i], (uint16_t)slots[4 + i]);
    }
    cpu->rip = slots[0];
    cpu->gpr[RSP] = slots[3];
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

/* RSP as it is popped with a 16-bit stack segment: the upper half of ESP stays. */
static uint64_t popped_rsp(const Cpu *cpu, const FarReturn *target, uint64_t rsp)
{
    bool wide = (target->ss.attr & ATTR_DB) ||
                ((cpu->mode & MODE_LMA) && (target->cs.attr & ATTR_L));

    return wide ? rsp : (cpu->gpr[RSP] & 0xffff0000u) | (rsp & 0xffff);
}

static Step iret_protected(Cpu *cpu, unsigned width)
{
    bool long_frame = cpu->mode & MODE_CS64; /* 64-bit mode pops SS:RSP at any rate */
    uint64_t mask = flags_allowed(cpu, width);
    FarReturn target;
    uint64_t slots[5];
    bool stack;

    if (!frame_read(cpu, 0, width, slots, long_frame ? 5 : 3)) {
        return STEP_FAULT;
    }
    if ((slots[2] & FLAG_VM) && width == 4 && cpu_cpl(cpu) == 0 && !(cpu->mode & MODE_LMA)) {
        return iret_to_vm86(cpu);
    }
    if (!far_return_code(cpu, (uint16_t)slots[1], slots[0], &target)) {
        return STEP_FAULT;
    }
    stack = long_frame || target.cpl > cpu_cpl(cpu);
    if (stack) {
        if ((!long_frame && !frame_read(cpu, width * 3, width, &slots[3], 2)) ||
            !far_return_stack(cpu, (uint16_t)slots[4], slots[3], &target)) {
            return STEP_FAULT;
        }
        target.rsp = popped_rsp(cpu, &target, slots[3]);
    } else {
        stack_set(cpu, stack_offset(cpu, (int64_t)width * 3));
    }
    far_return_commit(cpu, &target, stack);
    flags_pop(cpu, slots[2], mask);
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

static Step iret_nested(Cpu *cpu, const Insn *insn)
{
    if (cpu->mode & MODE_LMA) {
        return fault_gp0(cpu);
    }
    return task_return(cpu, next_rip(cpu, insn)) ? STEP_JUMP : STEP_FAULT;
}

Step exec_iret(Cpu *cpu, const Insn *insn)
{
    cpu->nmi_blocked = false; /* even if it faults: SDM vol. 3 6.7.1 */
    if (!(cpu->mode & MODE_PE)) {
        return iret_real(cpu, insn->op_width);
    }
    if (cpu->mode & MODE_VM) {
        return iret_vm86(cpu, insn->op_width);
    }
    if (cpu->rflags & FLAG_NT) {
        return iret_nested(cpu, insn);
    }
    return iret_protected(cpu, insn->op_width);
}

/* ---- INT n and its kin ---- */

static Step interrupt_call(Cpu *cpu, const Insn *insn, uint8_t vector, InterruptKind kind)
{
    return interrupt_deliver(cpu, vector, kind, false, 0, next_rip(cpu, insn)) ? STEP_JUMP
                                                                               : STEP_FAULT;
}

Step exec_int(Cpu *cpu, const Insn *insn)
{
    return interrupt_call(cpu, insn, (uint8_t)insn->imm, INTERRUPT_SOFTWARE);
}

Step exec_int3(Cpu *cpu, const Insn *insn)
{
    return interrupt_call(cpu, insn, VECTOR_BP, INTERRUPT_SOFTWARE_EXCEPTION);
}

/* What a MOV SS before it has hit is told by this #DB: a second one would come inside the handler
 * of the first. */
Step exec_int1(Cpu *cpu, const Insn *insn)
{
    uint64_t hits = debug_data_take(cpu);
    Step step = interrupt_call(cpu, insn, VECTOR_DB, INTERRUPT_ICEBP);

    if (step == STEP_JUMP && hits != 0) {
        debug_status_write(cpu, hits);
    }
    return step;
}

Step exec_into(Cpu *cpu, const Insn *insn)
{
    if (!(cpu->rflags & FLAG_OF)) {
        return STEP_NEXT;
    }
    return interrupt_call(cpu, insn, VECTOR_OF, INTERRUPT_SOFTWARE_EXCEPTION);
}
