/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87.c - x87 instructions: device-not-available, pending errors, control instructions.
 *
 * An unmasked error stays pending in the host's status word (ES) until the guest's next waiting
 * instruction; ES is looked at in software before each, so that the host's own #MF never comes.
 * With CR0.NE clear the error goes out by the FERR# pin, and the CPU waits there until an interrupt
 * comes or IGNNE# lets it go on (SDM vol. 1 section 8.7). */
#include "runtime/software_cpu/x87_int.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/host_traits.h"

bool x87_available(Cpu *cpu)
{
    if (cpu->mode & MODE_NO_FPU) {
        cpu_fault(cpu, VECTOR_NM);
        return false;
    }
    cpu_vector_load(cpu);
    return true;
}

static Step x87_pending(Cpu *cpu)
{
    if (cpu->cr0 & CR0_NE) {
        cpu_fault(cpu, VECTOR_MF);
        return STEP_FAULT;
    }
    if (cpu->ignne) {
        return STEP_NEXT;
    }
    cpu->bus->ferr(cpu);
    return STEP_AGAIN;
}

Step x87_wait(Cpu *cpu)
{
    cpu_vector_load(cpu);
    if (!(x87_status() & X87_STATUS_ES)) {
        cpu->ignne = false;
        return STEP_NEXT;
    }
    return x87_pending(cpu);
}

static uint16_t x87_control(void)
{
    uint16_t control;

    __asm__ volatile("fnstcw %0" : "=m"(control));
    return control;
}

bool x87_store_suppressed(void)
{
    enum { INVALID = 0x01, DENORMAL = 0x02, OVERFLOW = 0x08, UNDERFLOW = 0x10 };

    return x87_status() & ~x87_control() & (INVALID | DENORMAL | OVERFLOW | UNDERFLOW);
}

/* The errors step aside and come back: the host would raise #MF, for it knows no IGNNE#. */
bool x87_run_ignoring(Cpu *cpu, ThunkCode code, void *operand)
{
    X87Env env;
    uint32_t errors;
    bool done;

    cpu_vector_load(cpu);
    __asm__ volatile("fnstenv %0" : "=m"(env));
    errors = env.status & X87_STATUS_ERRORS;
    env.status &= ~(uint32_t)X87_STATUS_ERRORS;
    __asm__ volatile("fnclex\n\tfldenv %0" : : "m"(env));
    done = thunk_run(cpu, code, operand);
    __asm__ volatile("fnstenv %0" : "=m"(env));
    env.status |= errors;
    __asm__ volatile("fnclex\n\tfldenv %0" : : "m"(env));
    return done;
}

/* FIP, FDP and FOP are those of the last instruction that is no control instruction; but CPUID may
 * promise that FDP is that of the last unmasked error, and FCS and FDS zero, and FOP may be the
 * error's, too (SDM vol. 1 sections 8.1.8 and 8.1.9). */
static void x87_note(Cpu *cpu, const Insn *insn, uint64_t offset, bool errs)
{
    bool selectors = !cpu_has_feature(cpu, CPU_FEATURE_ZERO_FCS_FDS);
    X87Last *last = &cpu->x87_last;

    last->ip = cpu->rip;
    last->cs = selectors ? cpu->seg[CS].selector : 0;
    if (errs || !host_trait(cpu, HOST_X87_OPCODE)) {
        last->op = (uint16_t)((insn->opcode & 7) << 8 | insn->modrm);
    }
    if (insn->has_mem && (errs || !cpu_has_feature(cpu, CPU_FEATURE_FDP_EXCPTN_ONLY))) {
        last->dp = offset;
        last->ds = selectors ? cpu->seg[insn->mem.segment].selector : 0;
    }
}

void x87_error_note(Cpu *cpu, const Insn *insn, uint64_t host_dp)
{
    uint64_t offset = insn->has_mem ? operand_offset(cpu, insn) : 0;

    x87_note(cpu, insn, offset, true);
    if (insn->has_mem) {
        uint64_t linear = offset + cpu->seg[insn->mem.segment].base;

        cpu->x87_last.dp = ((linear ^ host_dp) & (PAGE_SIZE - 1)) == 0 ? offset : 0;
    }
}

Step exec_x87(Cpu *cpu, const Insn *insn)
{
    const VectorPlan *plan = thunk_plan(cpu, insn);
    Step step;

    if (!x87_available(cpu)) {
        return STEP_FAULT;
    }
    step = x87_wait(cpu);
    if (step != STEP_NEXT) {
        return step;
    }
    step = vector_execute(cpu, insn, plan);
    if (step == STEP_NEXT) {
        x87_note(cpu, insn, insn->has_mem ? operand_offset(cpu, insn) : 0,
                 x87_status() & X87_STATUS_ES);
    }
    return step;
}

/* ---- Control instructions ---- */

Step exec_fwait(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) {
        cpu_fault(cpu, VECTOR_NM);
        return STEP_FAULT;
    }
    return x87_wait(cpu);
}

Step exec_x87_waiting_nop(Cpu *cpu, const Insn *insn) /* FNOP */
{
    (void)insn;
    return x87_available(cpu) ? x87_wait(cpu) : STEP_FAULT;
}

Step exec_x87_nop(Cpu *cpu, const Insn *insn) /* what only the 8087 and the 287 obeyed */
{
    (void)insn;
    return x87_available(cpu) ? STEP_NEXT : STEP_FAULT;
}

Step exec_fninit(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if (!x87_available(cpu)) {
        return STEP_FAULT;
    }
    __asm__ volatile("fninit");
    x87_forget(cpu);
    return STEP_NEXT;
}

Step exec_fnclex(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if (!x87_available(cpu)) {
        return STEP_FAULT;
    }
    __asm__ volatile("fnclex");
    cpu->ignne = false;
    return STEP_NEXT;
}

Step exec_fnstsw(Cpu *cpu, const Insn *insn)
{
    if (!x87_available(cpu)) {
        return STEP_FAULT;
    }
    if (!insn->has_mem) {
        gpr_write(cpu, RAX, 2, x87_status());
        return STEP_NEXT;
    }
    return operand_write(cpu, insn, 0, x87_status()) ? STEP_NEXT : STEP_FAULT;
}

Step exec_fnstcw(Cpu *cpu, const Insn *insn)
{
    if (!x87_available(cpu)) {
        return STEP_FAULT;
    }
    return operand_write(cpu, insn, 0, x87_control()) ? STEP_NEXT : STEP_FAULT;
}

Step exec_fldcw(Cpu *cpu, const Insn *insn)
{
    Step step = x87_available(cpu) ? x87_wait(cpu) : STEP_FAULT;

    return step == STEP_NEXT ? vector_execute(cpu, insn, thunk_plan(cpu, insn)) : step;
}
