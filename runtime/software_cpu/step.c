/* SPDX-License-Identifier: GPL-2.0-or-later */
/* step.c - fetch, execute, deliver: the interpreter's loop. */
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/decode_cache.h"

/* Bookkeeping behind a completed instruction: interrupt shadow, RF, and rip where it falls through.
 * `shadow` and `rflags` are those from before it. */
static Step retire(Cpu *cpu, const Insn *insn, Step step, uint8_t shadow, uint64_t rflags)
{
    if (step == STEP_FAULT) {
        return step;
    }
    if (step == STEP_NEXT) {
        cpu->rip += insn->length;
        if (insn->code_width != 8) {
            cpu->rip = (uint32_t)cpu->rip;
        }
    }
    if (step != STEP_AGAIN) {
        cpu->insns++;
    }
    if (shadow == cpu->shadow) { /* of two alike in a row only the first holds off */
        cpu->shadow = SHADOW_NONE;
    }
    if ((rflags & FLAG_RF) != 0 && step != STEP_AGAIN && insn->mnemonic != ZYDIS_MNEMONIC_IRET &&
        insn->mnemonic != ZYDIS_MNEMONIC_IRETD && insn->mnemonic != ZYDIS_MNEMONIC_IRETQ) {
        cpu->rflags &= ~(uint64_t)FLAG_RF;
    }
    return step;
}

static Step exec_one(Cpu *cpu, ExecFn exec, const Insn *insn)
{
    uint64_t rflags = cpu->rflags;
    uint8_t shadow = cpu->shadow;

    return retire(cpu, insn, exec(cpu, insn), shadow, rflags);
}

Step software_cpu_exec(Cpu *cpu, const Insn *insn)
{
    return exec_one(cpu, exec_row_checked(cpu, insn), insn);
}

const Insn *software_cpu_fetch(Cpu *cpu)
{
    const CachedInsn *cached = decode_cache_fetch(cpu);

    return cached != NULL ? &cached->insn : NULL;
}

/* INT n and its kin clear TF on their way into the handler and do not trap themselves; INTO
 * without an overflow does. */
static bool insn_skips_trap(const Insn *insn, Step step)
{
    return step == STEP_JUMP &&
           (insn->mnemonic == ZYDIS_MNEMONIC_INT || insn->mnemonic == ZYDIS_MNEMONIC_INT3 ||
            insn->mnemonic == ZYDIS_MNEMONIC_INTO || insn->mnemonic == ZYDIS_MNEMONIC_INT1);
}

/* The flags that SYSCALL leaves and SYSRET loads already count for the trap behind it. */
static bool insn_is_syscall(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_SYSCALL || insn->mnemonic == ZYDIS_MNEMONIC_SYSRET;
}

/* Single step and data breakpoints: traps behind the instruction that has just completed. */
static bool deliver_traps(Cpu *cpu, bool single_step)
{
    uint64_t dr6 = debug_data_take(cpu);

    if (single_step) {
        dr6 |= DR6_BS;
    }
    if (dr6 == 0) {
        return true;
    }
    cpu->fault = (Fault){ .vector = VECTOR_DB, .trap = true, .dr6 = dr6 };
    return exception_deliver(cpu);
}

/* A fault drops what waited, but for another #DB, which tells of it too. */
static bool deliver_fault(Cpu *cpu)
{
    uint64_t hits = debug_data_take(cpu);

    if (cpu->fault.vector == VECTOR_DB) {
        cpu->fault.dr6 |= hits;
    }
    return exception_deliver(cpu);
}

static bool step_debugged(Cpu *cpu)
{
    bool single_step = cpu->rflags & FLAG_TF;
    const CachedInsn *cached;
    Step step;

    if (debug_pending(cpu) != 0 && cpu->shadow != SHADOW_MOV_SS) {
        return deliver_traps(cpu, false);
    }
    if ((cpu->mode & MODE_DEBUG) && cpu->shadow != SHADOW_MOV_SS &&
        debug_code_match(cpu, cpu->seg[CS].base + cpu->rip)) {
        return exception_deliver(cpu);
    }
    cached = decode_cache_fetch(cpu);
    if (cached == NULL) {
        return deliver_fault(cpu);
    }
    step = exec_one(cpu, cached->exec, &cached->insn);
    single_step &= !insn_is_syscall(&cached->insn) || (cpu->rflags & FLAG_TF);
    if (step == STEP_FAULT) {
        return deliver_fault(cpu);
    }
    if (cpu->shadow == SHADOW_MOV_SS) {
        return true; /* SDM vol. 3 6.8.3: debug exceptions are held off too */
    }
    return deliver_traps(cpu, single_step && !insn_skips_trap(&cached->insn, step));
}

bool software_cpu_step(Cpu *cpu)
{
    const CachedInsn *cached;

    if (cpu->mode & (MODE_TF | MODE_DEBUG)) {
        return step_debugged(cpu);
    }
    cached = decode_cache_fetch(cpu);
    if (cached == NULL || exec_one(cpu, cached->exec, &cached->insn) == STEP_FAULT) {
        return exception_deliver(cpu);
    }
    return true;
}

/* ---- Many instructions ---- */

typedef struct Course {
    const CachedInsn *last; /* the instruction that has just ended, with `step`; NULL: unknown */
    Step step;
    uint64_t budget;
} Course;

/* Every instruction needs to be seen by itself. */
static inline bool course_barred(const Cpu *cpu)
{
    return (cpu->mode & (MODE_TF | MODE_DEBUG)) || cpu->shadow != SHADOW_NONE ||
           (cpu->rflags & FLAG_RF);
}

/* The entry that is linked behind one which has ended with `step`, if it may be executed; *code
 * goes along. Otherwise NULL. */
static inline const CachedInsn *course_next(const Cpu *cpu, const CachedInsn *last, Step step,
                                            uint64_t limit, const uint8_t **code)
{
    uint32_t place = step == STEP_NEXT ? last->next : last->target;
    const CachedInsn *next = decode_cache_entry(cpu, place);

    if (place == 0) {
        return NULL;
    }
    *code += last->insn.length + (step == STEP_NEXT ? 0 : last->insn.imm);
    if (!decode_cache_current(next, *code) || cpu->rip + next->insn.length - 1 > limit) {
        return NULL;
    }
    return next;
}

/* The instruction at CS:RIP and those behind it for which there are links: none before the last
 * has an effect on what course_barred looks at, on IF, or on the code segment. Returns as
 * software_cpu_step. */
static bool course_run(Cpu *cpu, Course *course)
{
    const uint64_t rip_mask = cpu->mode & MODE_CS64 ? UINT64_MAX : UINT32_MAX;
    const uint64_t limit = cpu->mode & MODE_CS64 ? UINT64_MAX : cpu->seg[CS].limit;
    const CachedInsn *cached, *next = decode_cache_follow(cpu, course->last, course->step);
    const uint8_t *code;
    Step step;

    if (next == NULL) {
        course->last = NULL;
        course->budget--;
        return exception_deliver(cpu);
    }
    code = next->at;
    do {
        cached = next;
        course->budget--;
        step = cached->exec(cpu, &cached->insn);
        if (step == STEP_NEXT) {
            cpu->rip = (cpu->rip + cached->insn.length) & rip_mask;
        } else if (step != STEP_JUMP) {
            break;
        }
        cpu->insns++;
        if (course->budget == 0 || cpu_request_heeded(cpu) != 0) {
            break;
        }
        next = course_next(cpu, cached, step, limit, &code);
    } while (next != NULL);
    course->last = cached;
    course->step = step;
    return step != STEP_FAULT || exception_deliver(cpu);
}

void software_cpu_run(Cpu *cpu, uint64_t budget)
{
    Course course = { .budget = budget };

    while (course.budget > 0) {
        uint32_t request = cpu_request_heeded(cpu);

        if (request & CPU_REQUESTS_OF_MACHINE) {
            return;
        }
        if (request != 0 && interrupt_poll(cpu)) {
            continue; /* it may have ended in shutdown, or let in another one at once */
        }
        if (cpu->halted || cpu->wait_sipi) {
            return;
        }
        if (course_barred(cpu)) {
            course.last = NULL;
            course.budget--;
            if (!software_cpu_step(cpu)) {
                return;
            }
        } else if (!course_run(cpu, &course)) {
            return;
        }
    }
}
