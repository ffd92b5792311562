/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_DEBUG_H
#define SOFTWARE_CPU_DEBUG_H
/* debug.h - breakpoints by debug registers and single step (SDM vol. 3 chapter 18).
 *
 * Worth asking only while MODE_DEBUG is set.  Data and I/O breakpoints are traps: while an
 * instruction runs, its accesses that hit are gathered; the run loop takes them when it has
 * completed, and drops them when it faulted.  What a MOV SS has hit waits with it for the next
 * instruction: a #DB that comes of that one, INT1's included, tells of both. */
#include "runtime/cpu/cpu.h"

enum {
    DR6_B = 0xf,       /* B0 to B3: breakpoints */
    DR6_BD = 1u << 13, /* debug register access with DR7.GD */
    DR6_BS = 1u << 14, /* single step */
    DR6_BT = 1u << 15, /* task switch */
    DR6_FIXED = 0xffff0ff0,
    DR7_GD = 1u << 13,
    DR7_FIXED = 1u << 10,
};

/* Is there an instruction breakpoint at the linear address (and RF clear)? Then cpu->fault holds
 * the #DB. */
bool debug_code_match(Cpu *cpu, uint64_t linear);

/* Data accesses, as they are made, and port accesses. Cheap when MODE_DEBUG is clear. */
void debug_data_match(Cpu *cpu, uint64_t linear, unsigned width, Access access);
void debug_io_match(Cpu *cpu, uint16_t port, unsigned width);

static inline void debug_data_access(Cpu *cpu, uint64_t linear, unsigned width, Access access)
{
    if (__builtin_expect((cpu->mode & MODE_DEBUG) != 0, 0)) {
        debug_data_match(cpu, linear, width, access);
    }
}

/* The DR6 bits of the traps that wait. */
uint64_t debug_pending(const Cpu *cpu);
/* The same, and then none wait. */
uint64_t debug_data_take(Cpu *cpu);
/* SYSRET has loaded TF: a single step, before the next instruction. */
void debug_step_pend(Cpu *cpu);

/* DR6 as a #DB with these bits leaves it: B0 to B3 are rewritten, the others gather. */
void debug_status_write(Cpu *cpu, uint64_t bits);

#endif
