/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_ROWS_H
#define SOFTWARE_CPU_ROWS_H
/* rows.h - the function that executes a mnemonic; NULL: undefined opcode. */
#include "runtime/software_cpu/software_cpu_int.h"

ExecFn exec_row(unsigned mnemonic);

#endif
