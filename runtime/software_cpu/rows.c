/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rows.c - the software CPU's view of translator/insns.def: mnemonic to function. */
#include "runtime/software_cpu/rows.h"

#define INSN(mnemonic, exec, lowering, written, read) Step exec_##exec(Cpu *cpu, const Insn *insn);
#include "translator/insns.def"
#undef INSN

static const ExecFn exec_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, exec, lowering, written, read) [ZYDIS_MNEMONIC_##mnemonic] = exec_##exec,
#include "translator/insns.def"
#undef INSN
};

ExecFn exec_row(unsigned mnemonic)
{
    return exec_rows[mnemonic];
}
