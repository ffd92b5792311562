/* SPDX-License-Identifier: GPL-2.0-or-later */
/* syscall.c - SYSCALL, SYSRET, SYSENTER, SYSEXIT (SDM vol. 2, AMD APM vol. 3).  The vendors differ:
 * Intel has SYSCALL in 64-bit mode only and SYSENTER everywhere; AMD has SYSCALL in every protected
 * mode and SYSENTER outside long mode only. */
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/system.h"

enum {
    CODE_FLAT = ATTR_P | ATTR_S | ATTR_CODE | ATTR_RW | ATTR_ACCESSED | ATTR_G,
    DATA_FLAT = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED | ATTR_G | ATTR_DB,
    FLAGS_SYSRET = 0x3c7fd7,
};

typedef enum CodeSize { CODE_32 = ATTR_DB, CODE_64 = ATTR_L } CodeSize;

/* Fixed descriptors: flat, whatever the tables say. */
static void load_flat(Cpu *cpu, uint16_t code, uint16_t stack, unsigned dpl, CodeSize size)
{
    uint16_t level = (uint16_t)(dpl << ATTR_DPL_SHIFT);

    cpu->seg[CS] = (Segment){ .limit = UINT32_MAX,
                              .selector = code,
                              .attr = (uint16_t)(CODE_FLAT | level | size) };
    cpu->seg[SS] = (Segment){ .limit = UINT32_MAX,
                              .selector = stack,
                              .attr = (uint16_t)(DATA_FLAT | level) };
}

static bool is_amd(const Cpu *cpu)
{
    return cpu_has_feature(cpu, CPU_FEATURE_AMD);
}

/* SYSCALL and SYSRET exist in the present mode. */
static bool syscall_enabled(const Cpu *cpu)
{
    if (!(cpu->efer & EFER_SCE) || !(cpu->mode & MODE_PE)) {
        return false;
    }
    return (cpu->mode & MODE_CS64) || is_amd(cpu);
}

Step exec_syscall(Cpu *cpu, const Insn *insn)
{
    uint16_t selector = (uint16_t)(cpu->star >> 32 & 0xfffc);
    uint64_t next = next_rip(cpu, insn);

    if (!syscall_enabled(cpu)) {
        return fault_undefined(cpu);
    }
    cpu->gpr[RCX] = next;
    if (cpu->mode & MODE_LMA) {
        cpu->gpr[R11] = cpu->rflags & ~(uint64_t)FLAG_RF;
        cpu->rip = cpu->mode & MODE_CS64 ? cpu->lstar : cpu->cstar;
        cpu->rflags = (cpu->rflags & ~(cpu->fmask | FLAG_RF | FLAG_VM)) | FLAG_1;
        load_flat(cpu, selector, (uint16_t)(selector + 8), 0, CODE_64);
    } else {
        cpu->rip = (uint32_t)cpu->star;
        cpu->rflags &= ~(uint64_t)(FLAG_VM | FLAG_IF | FLAG_RF);
        load_flat(cpu, selector, (uint16_t)(selector + 8), 0, CODE_32);
    }
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

Step exec_sysret(Cpu *cpu, const Insn *insn)
{
    uint16_t selector = (uint16_t)(cpu->star >> 48 | 3);
    bool to_64 = insn->op_width == 8 || (insn->prefix & PREFIX_REX_W);

    if (!syscall_enabled(cpu)) {
        return fault_undefined(cpu);
    }
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    if (to_64 && !address_canonical(cpu->gpr[RCX])) {
        return fault_gp0(cpu);
    }
    if (cpu->mode & MODE_LMA) {
        cpu->rflags = (cpu->gpr[R11] & FLAGS_SYSRET) | FLAG_1;
    } else {
        cpu->rflags |= FLAG_IF;
    }
    cpu->rip = to_64 ? cpu->gpr[RCX] : (uint32_t)cpu->gpr[RCX];
    load_flat(cpu, (uint16_t)(to_64 ? selector + 16 : selector), (uint16_t)((selector + 8) | 3), 3,
              to_64 ? CODE_64 : CODE_32);
    cpu_mode_update(cpu);
    if ((cpu->mode & MODE_LMA) && (cpu->rflags & FLAG_TF)) {
        debug_step_pend(cpu);
    }
    return STEP_JUMP;
}

Step exec_sysenter(Cpu *cpu, const Insn *insn)
{
    uint16_t selector = (uint16_t)(cpu->sysenter_cs & 0xfffc);
    bool long_mode = cpu->mode & MODE_LMA;

    (void)insn;
    if (long_mode && is_amd(cpu)) {
        return fault_undefined(cpu);
    }
    if (!(cpu->mode & MODE_PE) || selector == 0) {
        return fault_gp0(cpu);
    }
    cpu->rflags &= ~(uint64_t)(FLAG_VM | FLAG_IF | FLAG_RF);
    cpu->gpr[RSP] = long_mode ? cpu->sysenter_esp : (uint32_t)cpu->sysenter_esp;
    cpu->rip = long_mode ? cpu->sysenter_eip : (uint32_t)cpu->sysenter_eip;
    load_flat(cpu, selector, (uint16_t)(selector + 8), 0, long_mode ? CODE_64 : CODE_32);
    cpu_mode_update(cpu);
    return STEP_JUMP;
}

Step exec_sysexit(Cpu *cpu, const Insn *insn)
{
    uint16_t selector = (uint16_t)(cpu->sysenter_cs & 0xfffc);
    bool to_64 = (cpu->mode & MODE_CS64) && (insn->op_width == 8 || (insn->prefix & PREFIX_REX_W));

    if ((cpu->mode & MODE_LMA) && is_amd(cpu)) {
        return fault_undefined(cpu);
    }
    if (!(cpu->mode & MODE_PE) || cpu_cpl(cpu) != 0 || selector == 0) {
        return fault_gp0(cpu);
    }
    if (to_64 && (!address_canonical(cpu->gpr[RCX]) || !address_canonical(cpu->gpr[RDX]))) {
        return fault_gp0(cpu);
    }
    selector = (uint16_t)(selector + (to_64 ? 32 : 16)) | 3;
    cpu->gpr[RSP] = to_64 ? cpu->gpr[RCX] : (uint32_t)cpu->gpr[RCX];
    cpu->rip = to_64 ? cpu->gpr[RDX] : (uint32_t)cpu->gpr[RDX];
    load_flat(cpu, selector, (uint16_t)(selector + 8), 3, to_64 ? CODE_64 : CODE_32);
    cpu_mode_update(cpu);
    return STEP_JUMP;
}
