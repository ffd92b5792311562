/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fxsave.c - FXSAVE, FXRSTOR, and the 512 bytes that they share with XSAVE (SDM vol. 1 sections
 * 10.5 and 13.4.1).  The host's own image of the state is cpu->xsave; only the x87 pointers are
 * Cpu.x87_last. */
#include "runtime/software_cpu/vector_int.h"

enum { AREA_FOP = 6, AREA_FIP = 8, AREA_FDP = 16, FX_SIZE = 512 };

void vector_snapshot(Cpu *cpu)
{
    cpu_vector_load(cpu);
    __asm__ volatile("xsave64 %0"
                     : "+m"(cpu->xsave)
                     : "a"((uint32_t)cpu->xsave_mask), "d"((uint32_t)(cpu->xsave_mask >> 32))
                     : "memory");
}

void vector_reload(Cpu *cpu)
{
    cpu->vector_live = false;
    cpu_vector_load(cpu);
}

void area_header(Cpu *cpu, const Insn *insn, uint8_t header[32])
{
    const X87Last *last = &cpu->x87_last;
    uint32_t mask = MXCSR_MASK;

    bytes_copy(header, cpu->xsave, 32);
    __builtin_memcpy(header + AREA_FOP, &last->op, 2);
    __builtin_memcpy(header + AREA_FIP, &last->ip, 8);
    __builtin_memcpy(header + AREA_FDP, &last->dp, 8);
    if (!(insn->prefix & PREFIX_REX_W)) {
        uint32_t cs = last->cs, ds = last->ds;

        __builtin_memcpy(header + AREA_FIP + 4, &cs, 4);
        __builtin_memcpy(header + AREA_FDP + 4, &ds, 4);
    }
    __builtin_memcpy(header + AREA_MXCSR + 4, &mask, 4);
}

void area_load_x87(Cpu *cpu, const Insn *insn, const uint8_t *image)
{
    X87Last *last = &cpu->x87_last;

    bytes_copy(cpu->xsave, image, AREA_FOP);
    bytes_zero(cpu->xsave + AREA_FOP, AREA_MXCSR - AREA_FOP);
    bytes_copy(cpu->xsave + AREA_ST, image + AREA_ST, AREA_ST_SIZE);
    *last = (X87Last){ .ip = 0 };
    __builtin_memcpy(&last->op, image + AREA_FOP, 2);
    last->op &= 0x7ff;
    __builtin_memcpy(&last->ip, image + AREA_FIP, 8);
    __builtin_memcpy(&last->dp, image + AREA_FDP, 8);
    if (!(insn->prefix & PREFIX_REX_W)) {
        last->cs = (uint16_t)(last->ip >> 32);
        last->ds = (uint16_t)(last->dp >> 32);
        last->ip = (uint32_t)last->ip;
        last->dp = (uint32_t)last->dp;
    }
    cpu->ignne = false;
    *area_in_use(cpu) |= COMPONENT_X87;
}

void area_load_xmm(Cpu *cpu, const uint8_t *image)
{
    bytes_copy(cpu->xsave + AREA_XMM, image + AREA_XMM, area_registers(cpu) * 16);
    *area_in_use(cpu) |= COMPONENT_SSE;
}

/* XRSTOR takes MXCSR from the area whether or not the SSE component is in its initial form. */
void area_load_mxcsr(Cpu *cpu, uint32_t mxcsr)
{
    __builtin_memcpy(cpu->xsave + AREA_MXCSR, &mxcsr, 4);
}

static bool fx_begin(Cpu *cpu, const Insn *insn, Access access, uint64_t *linear)
{
    if (cpu->mode & MODE_NO_FPU) {
        cpu_fault(cpu, VECTOR_NM);
        return false;
    }
    return vector_linear_aligned(cpu, insn, FX_SIZE, 16, access, linear);
}

/* EFER.FFXSR: at CPL 0 of 64-bit mode the XMM registers and MXCSR stay out of it. */
static bool fx_is_fast(const Cpu *cpu)
{
    return (cpu->efer & EFER_FFXSR) && (cpu->mode & MODE_CS64) && cpu_cpl(cpu) == 0;
}

Step exec_fxsave(Cpu *cpu, const Insn *insn)
{
    uint8_t image[AREA_XMM + 256] __attribute__((aligned(16)));
    unsigned size = AREA_XMM + (fx_is_fast(cpu) ? 0 : area_registers(cpu) * 16);
    uint64_t linear;

    if (!fx_begin(cpu, insn, ACCESS_WRITE, &linear) ||
        !mmu_probe(cpu, linear, FX_SIZE, ACCESS_WRITE)) {
        return STEP_FAULT;
    }
    vector_snapshot(cpu);
    area_header(cpu, insn, image);
    bytes_copy(image + AREA_ST, cpu->xsave + AREA_ST, size - AREA_ST);
    return vector_memory_write(cpu, linear, image, size) ? STEP_NEXT : STEP_FAULT;
}

Step exec_fxrstor(Cpu *cpu, const Insn *insn)
{
    uint8_t image[FX_SIZE] __attribute__((aligned(16)));
    uint64_t linear;

    if (!fx_begin(cpu, insn, ACCESS_READ, &linear) ||
        !vector_memory_read(cpu, linear, image, FX_SIZE)) {
        return STEP_FAULT;
    }
    if (!fx_is_fast(cpu) && (area_mxcsr(image) & ~(uint32_t)MXCSR_MASK)) {
        cpu_fault_error(cpu, VECTOR_GP, 0);
        return STEP_FAULT;
    }
    vector_snapshot(cpu);
    area_load_x87(cpu, insn, image);
    if (!fx_is_fast(cpu)) {
        area_load_xmm(cpu, image);
        area_load_mxcsr(cpu, area_mxcsr(image));
    }
    vector_reload(cpu);
    return STEP_NEXT;
}
