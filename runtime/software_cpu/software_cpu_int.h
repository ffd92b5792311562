/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_INT_H
#define SOFTWARE_CPU_INT_H
/* software_cpu_int.h - what the instruction families of the software CPU share.
 *
 * A family's function has the type ExecFn and is named in a row of translator/insns_*.def.  It
 * reads and checks everything it will touch before it writes anything; on a fault it records it
 * with cpu_fault or cpu_fault_error (memory accesses do that themselves) and returns STEP_FAULT.
 */
#include "runtime/software_cpu/software_cpu.h"
#include "softmmu/mmu.h"
#include <Zydis/Mnemonic.h>

/* ---- Registers ---- */

static inline uint64_t width_mask(unsigned width)
{
    return width >= 8 ? ~0ull : (1ull << (width * 8)) - 1;
}

static inline uint64_t gpr_read(const Cpu *cpu, unsigned reg, unsigned width)
{
    return cpu->gpr[reg] & width_mask(width);
}

/* Writes as the architecture does: 4 bytes zero the upper half, 1 and 2 bytes keep the rest. */
static inline void gpr_write(Cpu *cpu, unsigned reg, unsigned width, uint64_t value)
{
    switch (width) {
    case 1:
        cpu->gpr[reg] = (cpu->gpr[reg] & ~0xffull) | (value & 0xff);
        break;
    case 2:
        cpu->gpr[reg] = (cpu->gpr[reg] & ~0xffffull) | (value & 0xffff);
        break;
    case 4:
        cpu->gpr[reg] = (uint32_t)value;
        break;
    default:
        cpu->gpr[reg] = value;
        break;
    }
}

static inline int64_t sign_extend(uint64_t value, unsigned width)
{
    unsigned shift = 64 - width * 8;

    return (int64_t)(value << shift) >> shift;
}

/* ---- Operands (operand.c) ---- */

/* The offset of the memory operand in its segment, truncated to the address size. */
static inline uint64_t operand_offset(const Cpu *cpu, const Insn *insn)
{
    const MemOperand *mem = &insn->mem;
    uint64_t offset = (uint64_t)mem->disp;

    if (mem->base < 16) {
        offset += cpu->gpr[mem->base];
    } else if (mem->base == MEM_RIP) {
        offset += cpu->rip + insn->length;
    }
    if (mem->index < 16 && !mem->vsib) {
        offset += cpu->gpr[mem->index] * mem->scale;
    }
    return insn->address_width == 8 ? offset : offset & width_mask(insn->address_width);
}

/* Linear address of `width` bytes at `offset` of a segment, all checks of the mode made: limit,
 * type, null selector, canonical form (#GP(0) or #SS(0)), alignment (#AC) where enabled. */
bool segment_linear(Cpu *cpu, SegmentName name, uint64_t offset, unsigned width, Access access,
                    uint64_t *linear);

/* The same for the instructions that never raise #AC. */
bool segment_linear_unaligned(Cpu *cpu, SegmentName name, uint64_t offset, unsigned width,
                              Access access, uint64_t *linear);

/* The memory operand's linear address, checked as above. */
bool operand_linear(Cpu *cpu, const Insn *insn, unsigned width, Access access, uint64_t *linear);

/* Value of operand i (general register, immediate, segment selector, memory), zero-extended. */
bool operand_read(Cpu *cpu, const Insn *insn, unsigned i, uint64_t *value);
bool operand_write(Cpu *cpu, const Insn *insn, unsigned i, uint64_t value);

/* Read-modify-write of operand 0: `operand_rmw_begin` reads it and proves that it can be written;
 * `operand_rmw_end` writes. With a LOCK prefix the pair is not used: see operand_update. */
typedef struct Rmw {
    uint64_t linear;
    uint64_t value;
} Rmw;
bool operand_rmw_begin(Cpu *cpu, const Insn *insn, Rmw *rmw);
bool operand_rmw_end(Cpu *cpu, const Insn *insn, const Rmw *rmw, uint64_t value);

/* Replaces the memory operand (1, 2, 4 or 8 bytes at `linear`) by `desired` if it still is
 * `expected`, atomically against other vCPUs; false with *expected refreshed otherwise. Faults were
 * excluded by operand_rmw_begin. */
bool operand_cmpxchg(Cpu *cpu, uint64_t linear, unsigned width, uint64_t *expected,
                     uint64_t desired);
/* The same for the loop of an instruction that has read *expected itself: see mmu_update. */
bool operand_update(Cpu *cpu, uint64_t linear, unsigned width, uint64_t *expected,
                    uint64_t desired);

/* May the instruction carry a LOCK prefix: one of those that can, with its destination in memory
 * (alu.c)? */
bool insn_lock_valid(const Insn *insn);

/* ---- Stack (operand.c) ---- */

/* Stack pointer width of the mode: 2, 4 or 8. */
static inline unsigned stack_width(const Cpu *cpu)
{
    return cpu->mode & MODE_CS64 ? 8 : cpu->mode & MODE_SS32 ? 4 : 2;
}

/* RSP, ESP or SP plus `delta`, wrapped to the stack width; the register is not changed. */
uint64_t stack_offset(const Cpu *cpu, int64_t delta);
/* Sets RSP, ESP or SP by stack width (2: the upper part stays). */
void stack_set(Cpu *cpu, uint64_t offset);
/* Reads or writes `width` bytes at SS:offset, without moving the stack pointer. */
bool stack_read(Cpu *cpu, uint64_t offset, unsigned width, uint64_t *value);
bool stack_write(Cpu *cpu, uint64_t offset, unsigned width, uint64_t value);
/* Writes below the stack pointer and moves it; moves nothing on a fault. */
bool stack_push(Cpu *cpu, unsigned width, uint64_t value);

/* ---- Control flow (branch.c) ---- */

/* Sets rip for a near transfer after the checks of the mode (limit, canonical: #GP(0)); truncates
 * to 16 bits with 2-byte operand size. */
bool branch_near(Cpu *cpu, unsigned op_width, uint64_t target);

/* Condition code 0 to 15 (SDM vol. 1 appendix B) in the current flags. */
bool condition_holds(const Cpu *cpu, unsigned condition);

/* ---- Descriptors and segment loads (segment.c) ---- */

/* Loads a data segment register or SS with all checks of the mode (MOV, POP, LDS, ...). */
bool segment_load(Cpu *cpu, SegmentName name, uint16_t selector);
/* Sets a segment as real and virtual-8086 mode do: base = selector << 4. In real mode limit and
 * rights stay (unreal mode); in virtual-8086 mode they are set to 64 KiB, DPL 3. */
void segment_load_real(Cpu *cpu, SegmentName name, uint16_t selector);

/* ---- Flags and mode (mode.c) ---- */

/* Recomputes cpu->mode and cpu->context: after any change of CR0, CR4, EFER, XCR0, segments, DR7,
 * or of TF, VM, AC, IOPL in rflags. */
void cpu_mode_update(Cpu *cpu);
/* Sets the bits of rflags under `mask`, keeps the rest, updates the mode if needed. */
void flags_write(Cpu *cpu, uint64_t value, uint64_t mask);

/* A repeated instruction ends for now between two iterations: in the flags that whatever comes
 * there saves RF is set (SDM vol. 3 section 18.3.1.1), and retiring the last iteration clears it.
 */
static inline Step step_again(Cpu *cpu)
{
    cpu->rflags |= FLAG_RF;
    return STEP_AGAIN;
}

/* A repeat prefix with a count of zero (string.c). */
Step repeat_none(Cpu *cpu, const Insn *insn);

/* ---- System (system.c) ---- */

/* Writes CR0, CR3 or CR4 with all checks (#GP(0)) and effects (TLB flushes, mode). */
bool control_write(Cpu *cpu, unsigned cr, uint64_t value);
bool msr_read(Cpu *cpu, uint32_t msr, uint64_t *value); /* false: #GP(0) recorded */
bool msr_write(Cpu *cpu, uint32_t msr, uint64_t value);
/* Guest TSC now. */
uint64_t tsc_read(const Cpu *cpu);
/* May the current privilege use the port (IOPL, TSS bitmap)? #GP(0) recorded otherwise. */
bool port_allowed(Cpu *cpu, uint16_t port, unsigned width);

/* #NM, #UD and #MF preconditions of x87, MMX and SSE/AVX instructions are in vector.c. */

#endif
