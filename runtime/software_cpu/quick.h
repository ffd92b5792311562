/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_QUICK_H
#define SOFTWARE_CPU_QUICK_H
/* quick.h - the most frequent forms of the most frequent instructions. */
#include "runtime/software_cpu/software_cpu.h"

/* A function that does what the general one, `exec`, does with this instruction, without asking
 * about its operands again; `exec` itself where there is none. */
ExecFn exec_quick(const Insn *insn, ExecFn exec);

#endif
