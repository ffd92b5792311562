/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system.c - system instructions that are no larger family: interrupts and halting, counters,
 * segment bases, CPUID, XCR0, undefined opcodes. */
#include "runtime/software_cpu/system.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/tsc.h"

/* ---- Interrupt flag and halting ---- */

/* Does CLI or STI act on VIF instead of IF? With CR4.VME in virtual-8086 mode, with CR4.PVI at
 * CPL 3 of protected mode (SDM vol. 3 20.3, 20.4). */
static bool interrupts_are_virtual(const Cpu *cpu)
{
    if (cpu->mode & MODE_VM) {
        return cpu->cr4 & CR4_VME;
    }
    return (cpu->cr4 & CR4_PVI) && cpu_cpl(cpu) == 3;
}

Step exec_cli(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if (cpu->mode & MODE_IOPL_OK) {
        cpu->rflags &= ~(uint64_t)FLAG_IF;
    } else if (interrupts_are_virtual(cpu)) {
        cpu->rflags &= ~(uint64_t)FLAG_VIF;
    } else {
        return fault_gp0(cpu);
    }
    return STEP_NEXT;
}

Step exec_sti(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if (cpu->mode & MODE_IOPL_OK) {
        if (!(cpu->rflags & FLAG_IF)) {
            cpu->rflags |= FLAG_IF;
            cpu->shadow = SHADOW_STI;
        }
    } else if (interrupts_are_virtual(cpu) && !(cpu->rflags & FLAG_VIP)) {
        cpu->rflags |= FLAG_VIF;
    } else {
        return fault_gp0(cpu);
    }
    return STEP_NEXT;
}

Step exec_hlt(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    cpu->halted = true;
    cpu->monitor_waits = false;
    return STEP_NEXT;
}

enum { MONITOR_LINE = 64 };

static bool line_changed(const Cpu *cpu)
{
    for (unsigned i = 0; i < MONITOR_LINE / 8; i++) {
        if (__atomic_load_n(&cpu->monitor_line[i], __ATOMIC_RELAXED) != cpu->monitor_seen[i]) {
            return true;
        }
    }
    return false;
}

/* Stores are seen by what they leave: who waits must not wait for ever, since one may leave what
 * was there. */
static void line_arm(Cpu *cpu, uint64_t linear)
{
    bool fault = false;

    cpu->monitor_line = (const uint64_t *)(const void *)mmu_host(
        cpu, linear & ~(uint64_t)(MONITOR_LINE - 1), MONITOR_LINE, ACCESS_READ, &fault);
    for (unsigned i = 0; cpu->monitor_line != NULL && i < MONITOR_LINE / 8; i++) {
        cpu->monitor_seen[i] = __atomic_load_n(&cpu->monitor_line[i], __ATOMIC_RELAXED);
    }
}

Step exec_monitor(Cpu *cpu, const Insn *insn)
{
    uint64_t offset = gpr_read(cpu, RAX, insn->address_width);
    uint64_t linear, byte;

    if (cpu_cpl(cpu) != 0) {
        return fault_undefined(cpu);
    }
    if (gpr_read(cpu, RCX, cpu->mode & MODE_CS64 ? 8 : 4) != 0) {
        return fault_gp0(cpu);
    }
    if (!segment_linear(cpu, (SegmentName)insn->mem.segment, offset, 1, ACCESS_READ, &linear) ||
        !mmu_read(cpu, linear, 1, &byte)) {
        return STEP_FAULT;
    }
    cpu->monitor_address = linear;
    line_arm(cpu, linear);
    return STEP_NEXT;
}

bool mwait_over(const Cpu *cpu)
{
    uint32_t request = __atomic_load_n(&cpu->request, __ATOMIC_SEQ_CST);

    return cpu->monitor_waits &&
           (line_changed(cpu) || (cpu->monitor_breaks && (request & CPU_REQUEST_INTR)));
}

void mwait_end(Cpu *cpu)
{
    if (cpu->halted && cpu->monitor_waits) {
        cpu->halted = false;
        cpu->monitor_waits = false;
        cpu->monitor_line = NULL;
    }
}

/* Without MONITOR, or behind a store, it does not wait. */
Step exec_mwait(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if (cpu_cpl(cpu) != 0) {
        return fault_undefined(cpu);
    }
    if (gpr_read(cpu, RCX, cpu->mode & MODE_CS64 ? 8 : 4) > 1) {
        return fault_gp0(cpu);
    }
    if (cpu->monitor_line != NULL) {
        cpu->halted = cpu->monitor_waits = true;
        cpu->monitor_breaks = cpu->gpr[RCX] & 1;
        if (mwait_over(cpu)) {
            mwait_end(cpu);
        }
    }
    return STEP_NEXT;
}

/* ---- Counters ---- */

static void edx_eax_write(Cpu *cpu, uint64_t value)
{
    cpu->gpr[RAX] = (uint32_t)value;
    cpu->gpr[RDX] = value >> 32;
}

static bool tsc_allowed(const Cpu *cpu)
{
    return !(cpu->cr4 & CR4_TSD) || cpu_cpl(cpu) == 0;
}

Step exec_rdtsc(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if (!tsc_allowed(cpu)) {
        return fault_gp0(cpu);
    }
    edx_eax_write(cpu, tsc_read(cpu));
    return STEP_NEXT;
}

Step exec_rdtscp(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    if (!tsc_allowed(cpu)) {
        return fault_gp0(cpu);
    }
    edx_eax_write(cpu, tsc_read(cpu));
    cpu->gpr[RCX] = (uint32_t)cpu->tsc_aux;
    return STEP_NEXT;
}

/* Counters exist but never count: general 0 to 7, fixed 0 to 2. */
Step exec_rdpmc(Cpu *cpu, const Insn *insn)
{
    uint32_t index = (uint32_t)cpu->gpr[RCX];

    (void)insn;
    if ((!(cpu->cr4 & CR4_PCE) && cpu_cpl(cpu) != 0) ||
        (index > 7 && (index < 1u << 30 || index > (1u << 30) + 2))) {
        return fault_gp0(cpu);
    }
    edx_eax_write(cpu, 0);
    return STEP_NEXT;
}

Step exec_rdpid(Cpu *cpu, const Insn *insn)
{
    gpr_write(cpu, insn->op[0].reg, 8, (uint32_t)cpu->tsc_aux);
    return STEP_NEXT;
}

/* ---- Segment bases ---- */

Step exec_swapgs(Cpu *cpu, const Insn *insn)
{
    uint64_t base = cpu->seg[GS].base;

    (void)insn;
    if (!(cpu->mode & MODE_CS64)) {
        return fault_undefined(cpu);
    }
    if (cpu_cpl(cpu) != 0) {
        return fault_gp0(cpu);
    }
    cpu->seg[GS].base = cpu->kernel_gs_base;
    cpu->kernel_gs_base = base;
    return STEP_NEXT;
}

static bool fsgsbase_enabled(const Cpu *cpu)
{
    return (cpu->mode & MODE_CS64) && (cpu->cr4 & CR4_FSGSBASE);
}

static Step base_read(Cpu *cpu, const Insn *insn, SegmentName name)
{
    if (!fsgsbase_enabled(cpu)) {
        return fault_undefined(cpu);
    }
    gpr_write(cpu, insn->op[0].reg, insn->op[0].width, cpu->seg[name].base);
    return STEP_NEXT;
}

static Step base_write(Cpu *cpu, const Insn *insn, SegmentName name)
{
    uint64_t base = gpr_read(cpu, insn->op[0].reg, insn->op[0].width);

    if (!fsgsbase_enabled(cpu)) {
        return fault_undefined(cpu);
    }
    if (!address_canonical(base)) {
        return fault_gp0(cpu);
    }
    cpu->seg[name].base = base;
    return STEP_NEXT;
}

Step exec_rdfsbase(Cpu *cpu, const Insn *insn)
{
    return base_read(cpu, insn, FS);
}

Step exec_rdgsbase(Cpu *cpu, const Insn *insn)
{
    return base_read(cpu, insn, GS);
}

Step exec_wrfsbase(Cpu *cpu, const Insn *insn)
{
    return base_write(cpu, insn, FS);
}

Step exec_wrgsbase(Cpu *cpu, const Insn *insn)
{
    return base_write(cpu, insn, GS);
}

/* ---- SMAP ---- */

static Step access_flag_write(Cpu *cpu, uint64_t value)
{
    if (cpu_cpl(cpu) != 0) {
        return fault_undefined(cpu);
    }
    flags_write(cpu, value, FLAG_AC);
    return STEP_NEXT;
}

Step exec_stac(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return access_flag_write(cpu, FLAG_AC);
}

Step exec_clac(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return access_flag_write(cpu, 0);
}

/* ---- CPUID, XCR0 ---- */

Step exec_cpuid(Cpu *cpu, const Insn *insn)
{
    uint32_t out[4];

    (void)insn;
    cpuid_query(cpu, (uint32_t)cpu->gpr[RAX], (uint32_t)cpu->gpr[RCX], out);
    cpu->gpr[RAX] = out[0];
    cpu->gpr[RBX] = out[1];
    cpu->gpr[RCX] = out[2];
    cpu->gpr[RDX] = out[3];
    return STEP_NEXT;
}

static uint64_t host_xinuse(void)
{
    uint32_t eax, edx;

    __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(1));
    return (uint64_t)edx << 32 | eax;
}

/* Components of the guest that are not in their initial state, as XGETBV with ECX = 1 shows. */
static uint64_t guest_xinuse(const Cpu *cpu)
{
    enum { XSTATE_BV = 512 };

    return cpu->vector_live ? host_xinuse() : *(const uint64_t *)(cpu->xsave + XSTATE_BV);
}

Step exec_xgetbv(Cpu *cpu, const Insn *insn)
{
    uint32_t index = (uint32_t)cpu->gpr[RCX];

    (void)insn;
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        return fault_undefined(cpu);
    }
    if (index > 1 || (index == 1 && !cpu_has_feature(cpu, CPU_FEATURE_XGETBV1))) {
        return fault_gp0(cpu);
    }
    edx_eax_write(cpu, index == 0 ? cpu->xcr0 : cpu->xcr0 & guest_xinuse(cpu));
    return STEP_NEXT;
}

Step exec_xsetbv(Cpu *cpu, const Insn *insn)
{
    enum { X87 = 1, SSE = 2, AVX = 4 };
    uint64_t value = cpu->gpr[RDX] << 32 | (uint32_t)cpu->gpr[RAX];
    uint64_t allowed = cpu->model != NULL ? cpu_model_xcr0_mask(cpu->model) : X87 | SSE | AVX;

    (void)insn;
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        return fault_undefined(cpu);
    }
    if (cpu_cpl(cpu) != 0 || (uint32_t)cpu->gpr[RCX] != 0 || !(value & X87) ||
        (value & ~allowed) != 0 || ((value & AVX) && !(value & SSE))) {
        return fault_gp0(cpu);
    }
    cpu->xcr0 = value;
    cpu_mode_update(cpu);
    return STEP_NEXT;
}

/* ---- Undefined opcodes ---- */

Step exec_ud(Cpu *cpu, const Insn *insn)
{
    (void)insn;
    return fault_undefined(cpu);
}
