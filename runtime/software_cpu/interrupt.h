/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_SOFTWARE_CPU_INTERRUPT_H
#define RUNTIME_SOFTWARE_CPU_INTERRUPT_H
/* interrupt.h - delivery of exceptions and interrupts in all modes (SDM vol. 3 chapters 6, 8, 22).
 * Compiled with -mgeneral-regs-only. */
#include "runtime/cpu/cpu.h"

typedef enum InterruptKind {
    INTERRUPT_EXTERNAL,  /* INTR pin, NMI */
    INTERRUPT_EXCEPTION, /* fault or trap raised by the CPU */
    INTERRUPT_SOFTWARE,  /* INT n: gate DPL is checked, in virtual-8086 mode IOPL and VME apply */
    INTERRUPT_SOFTWARE_EXCEPTION, /* INT3, INTO: DPL checked, no IOPL check */
    INTERRUPT_ICEBP,              /* INT1: no checks */
} InterruptKind;

/* Delivers through IVT or IDT: pushes the frame, loads CS:RIP, masks flags, switches stack or task.
 * `return_rip` is what is pushed. false: cpu->fault holds the fault that delivery raised (EXT bit
 * set as the manual says); nothing else has changed. */
bool interrupt_deliver(Cpu *cpu, uint8_t vector, InterruptKind kind, bool has_error, uint32_t error,
                       uint64_t return_rip);

/* Delivers cpu->fault, and what that raises in turn: double fault, then shutdown (false; the bus's
 * triple_fault has been called). rip is that of the faulting instruction (traps: of the next). Sets
 * CR2, DR6 and RF as the exception demands. */
bool exception_deliver(Cpu *cpu);

/* Delivers what cpu->request holds of INIT, SIPI, SMI, NMI and INTR, in priority order, as far as
 * IF, shadow and NMI blocking allow. Wakes a halted CPU. Returns whether something was delivered.
 */
bool interrupt_poll(Cpu *cpu);

/* Would interrupt_poll deliver something, were it called now? */
bool interrupt_ready(const Cpu *cpu);

#endif
