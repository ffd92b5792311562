/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rows.c - the software CPU's view of translator/insns.def: mnemonic to function. */
#include "runtime/software_cpu/rows.h"
#include "runtime/software_cpu/cpuid.h"

#define INSN(mnemonic, exec, lowering, written, read) Step exec_##exec(Cpu *cpu, const Insn *insn);
#include "translator/insns.def"
#undef INSN

static const ExecFn exec_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, exec, lowering, written, read) [ZYDIS_MNEMONIC_##mnemonic] = exec_##exec,
#include "translator/insns.def"
#undef INSN
};

static Step exec_undefined(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    cpu_fault(cpu, VECTOR_UD);
    return STEP_FAULT;
}

ExecFn exec_row(unsigned mnemonic)
{
    return exec_rows[mnemonic];
}

ExecFn exec_row_checked(const Cpu *cpu, const Insn *insn)
{
    ExecFn exec = exec_rows[insn->mnemonic];

    if (exec == NULL || (insn->cpuid != 0 && !cpu_has_feature(cpu, insn->cpuid)) ||
        ((insn->prefix & PREFIX_LOCK) && !insn_lock_valid(insn))) {
        return exec_undefined;
    }
    return exec;
}
