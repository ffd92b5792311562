/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_ROWS_H
#define SOFTWARE_CPU_ROWS_H
/* rows.h - the function that executes an instruction. */
#include "runtime/software_cpu/software_cpu_int.h"

/* By mnemonic; NULL: undefined opcode. */
ExecFn exec_row(unsigned mnemonic);

/* Raises #UD also if this CPU does not have the instruction, or it cannot carry its LOCK prefix. */
ExecFn exec_row_checked(const Cpu *cpu, const Insn *insn);

#endif
