/* SPDX-License-Identifier: GPL-2.0-or-later */
/* debug.c - matching against DR0 to DR3, and MOV to and from debug registers.  Hits are gathered in
 * the unused Cpu.dr[4]. */
#include "runtime/software_cpu/debug.h"
#include "runtime/cpu/cpu_debug.h"
#include "runtime/software_cpu/system.h"

enum { BREAKPOINTS = 4, DEBUG_HITS = 4 /* Cpu.dr[] */ };

enum { ON_EXECUTE, ON_WRITE, ON_IO, ON_ACCESS }; /* DR7.R/W */

static bool breakpoint_enabled(const Cpu *cpu, unsigned i)
{
    return cpu->dr[7] >> (2 * i) & 3;
}

static unsigned breakpoint_condition(const Cpu *cpu, unsigned i)
{
    return cpu->dr[7] >> (16 + 4 * i) & 3;
}

static unsigned breakpoint_size(const Cpu *cpu, unsigned i)
{
    static const uint8_t sizes[4] = { 1, 2, 8, 4 };

    return sizes[cpu->dr[7] >> (18 + 4 * i) & 3];
}

/* Do [start, start + width) and the breakpoint's naturally aligned range meet? */
static bool breakpoint_covers(const Cpu *cpu, unsigned i, uint64_t start, unsigned width)
{
    uint64_t size = breakpoint_size(cpu, i);
    uint64_t first = cpu->dr[i] & ~(size - 1);

    return start - first < size || first - start < width;
}

bool debug_code_match(Cpu *cpu, uint64_t linear)
{
    uint64_t hits = 0;

    if (cpu->rflags & FLAG_RF) {
        return false;
    }
    for (unsigned i = 0; i < BREAKPOINTS; i++) {
        if (breakpoint_enabled(cpu, i) && breakpoint_condition(cpu, i) == ON_EXECUTE &&
            cpu->dr[i] == linear) {
            hits |= 1u << i;
        }
    }
    if (hits == 0) {
        return false;
    }
    cpu->fault = (Fault){ .vector = VECTOR_DB, .dr6 = hits };
    return true;
}

void debug_data_match(Cpu *cpu, uint64_t linear, unsigned width, Access access)
{
    cpu_debug_access(cpu, linear, width, access == ACCESS_WRITE);
    for (unsigned i = 0; i < BREAKPOINTS; i++) {
        unsigned condition = breakpoint_condition(cpu, i);

        if (breakpoint_enabled(cpu, i) &&
            (condition == ON_ACCESS || (condition == ON_WRITE && access == ACCESS_WRITE)) &&
            breakpoint_covers(cpu, i, linear, width)) {
            cpu->dr[DEBUG_HITS] |= 1u << i;
        }
    }
}

void debug_io_match(Cpu *cpu, uint16_t port, unsigned width)
{
    if (!(cpu->mode & MODE_DEBUG) || !(cpu->cr4 & CR4_DE)) {
        return;
    }
    for (unsigned i = 0; i < BREAKPOINTS; i++) {
        if (breakpoint_enabled(cpu, i) && breakpoint_condition(cpu, i) == ON_IO &&
            breakpoint_covers(cpu, i, port, width)) {
            cpu->dr[DEBUG_HITS] |= 1u << i;
        }
    }
}

uint64_t debug_pending(const Cpu *cpu)
{
    return cpu->dr[DEBUG_HITS];
}

void debug_step_pend(Cpu *cpu)
{
    cpu->dr[DEBUG_HITS] |= DR6_BS;
}

void debug_status_write(Cpu *cpu, uint64_t bits)
{
    cpu->dr[6] = (cpu->dr[6] & ~(uint64_t)DR6_B) | bits;
}

uint64_t debug_data_take(Cpu *cpu)
{
    uint64_t hits = cpu->dr[DEBUG_HITS];

    cpu->dr[DEBUG_HITS] = 0;
    return hits;
}

/* ---- MOV to and from DR0 to DR7 ---- */

/* The register that the encoding means; -1 with #UD, #GP(0) or #DB recorded. */
static int debug_register(Cpu *cpu, unsigned reg)
{
    if (reg >= 8 || ((reg == 4 || reg == 5) && (cpu->cr4 & CR4_DE))) {
        fault_undefined(cpu);
        return -1;
    }
    if (cpu_cpl(cpu) != 0) {
        fault_gp0(cpu);
        return -1;
    }
    if (cpu->dr[7] & DR7_GD) {
        cpu->dr[7] &= ~(uint64_t)DR7_GD; /* so that the handler can use the registers */
        cpu->fault = (Fault){ .vector = VECTOR_DB, .dr6 = DR6_BD };
        return -1;
    }
    return reg == 4 || reg == 5 ? (int)reg + 2 : (int)reg;
}

static Step debug_write(Cpu *cpu, unsigned reg, uint64_t value)
{
    enum { DR6_WRITABLE = 0xe00f, DR7_WRITABLE = 0xffff23ff };

    if (reg >= 6 && value >> 32 != 0) {
        return fault_gp0(cpu);
    }
    if (reg == 6) {
        cpu->dr[6] = (value & DR6_WRITABLE) | DR6_FIXED;
    } else if (reg == 7) {
        cpu->dr[7] = (value & DR7_WRITABLE) | DR7_FIXED;
        cpu_mode_update(cpu);
    } else {
        cpu->dr[reg] = value;
    }
    return STEP_NEXT;
}

Step exec_mov_debug(Cpu *cpu, const Insn *insn)
{
    bool to = insn->op[0].kind == OPERAND_DR;
    unsigned width = cpu->mode & MODE_CS64 ? 8 : 4;
    int reg = debug_register(cpu, to ? insn->op[0].reg : insn->op[1].reg);

    if (reg < 0) {
        return STEP_FAULT;
    }
    if (to) {
        return debug_write(cpu, (unsigned)reg, gpr_read(cpu, insn->op[1].reg, width));
    }
    gpr_write(cpu, insn->op[0].reg, width, cpu->dr[reg]);
    return STEP_NEXT;
}
