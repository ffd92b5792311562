/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_SOFTWARE_CPU_H
#define SOFTWARE_CPU_SOFTWARE_CPU_H
/* software_cpu.h - the reference interpreter: every instruction of every mode works here first.
 *
 * It is the specification that translated code is compared with, the callout target for sensitive
 * instructions, and the whole of `-accel interp`.  Compiled with -mgeneral-regs-only: see cpu.h.
 */
#include "runtime/cpu/cpu.h"
#include "translator/insn.h"

/* How one instruction ended. */
typedef enum Step {
    STEP_NEXT,  /* done: the caller advances rip past it */
    STEP_JUMP,  /* done: rip is set */
    STEP_FAULT, /* cpu->fault is set and nothing else changed, rip included */
    STEP_AGAIN, /* a REP string instruction stopped between iterations; rip unchanged, registers
                 * advanced; execute it again (interrupts may come first) */
} Step;

typedef Step (*ExecFn)(Cpu *cpu, const Insn *insn);

/* Executes `insn`, already decoded at CS:RIP, without delivering anything: what callouts use.
 * Checks feature bits and LOCK validity. On STEP_NEXT rip has been advanced. */
Step software_cpu_exec(Cpu *cpu, const Insn *insn);

/* Fetches, decodes and executes one instruction at CS:RIP and delivers the fault or trap that it
 * raised. Pending external interrupts are not looked at. Returns false if the CPU shut down
 * (triple fault). */
bool software_cpu_step(Cpu *cpu);

/* Runs up to `budget` instructions, delivering exceptions and interrupts, until cpu->request asks
 * for something else than an interrupt, or the CPU halts. */
void software_cpu_run(Cpu *cpu, uint64_t budget);

/* Fetches and decodes at CS:RIP through the decode cache; NULL with cpu->fault set. The result is
 * valid until the next fetch. */
const Insn *software_cpu_fetch(Cpu *cpu);

/* The state has been put in from outside (cpu_state.h): derives mode and rights from it, and
 * forgets what was known of the guest's page tables. */
void software_cpu_loaded(Cpu *cpu);

/* Translated code has met an unmasked x87 error in the instruction at CS:RIP, and the host says
 * that its operand was at `host_dp`: notes where the guest's is told of it (FIP, FDP, FOP). FDP is
 * found by the registers' present values, and zero where they do not lead to that place in a page.
 */
void x87_error_note(Cpu *cpu, const Insn *insn, uint64_t host_dp);

/* Is a MWAIT at its end: has the line that is monitored changed, or an interrupt come that ends it?
 * The run loop asks while the CPU is halted, and may end it at any time, as a chip may. */
bool mwait_over(const Cpu *cpu);
void mwait_end(Cpu *cpu); /* nothing, if it is in none */

/* Power-on or INIT state (SDM vol. 3 table 10-1); `init` keeps what INIT keeps. */
void software_cpu_reset(Cpu *cpu, bool init);

#endif
