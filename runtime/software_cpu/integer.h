/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_INTEGER_H
#define SOFTWARE_CPU_INTEGER_H
/* integer.h - what the integer families share: operands on the fast path, and arithmetic by the
 * host's own instructions.
 *
 * Results and flags, undefined ones included, are those of the host CPU: an operation loads the
 * guest's arithmetic flags into the host's, runs the instruction, and stores them again.  Flags
 * travel in AX in between: AH as LAHF has them, AL is OF.
 */
#include "runtime/software_cpu/software_cpu_int.h"

#define INSN(mnemonic, exec, lowering, written, read) Step exec_##exec(Cpu *cpu, const Insn *insn);
#include "translator/insns_integer.def"
#undef INSN

/* ---- Flags ---- */

static inline uint64_t flags_get(const Cpu *cpu)
{
    return (cpu->rflags & 0xff) << 8 | (cpu->rflags >> 11 & 1);
}

static inline void flags_set(Cpu *cpu, uint64_t flags)
{
    cpu->rflags = (cpu->rflags & ~(uint64_t)FLAGS_ARITH) | (flags >> 8 & (FLAGS_ARITH & 0xff)) |
                  (flags & 1) << 11;
}

#define FLAGS_LOAD  "addb $0x7f, %%al\n\tsahf\n\t"
#define FLAGS_STORE "\n\tlahf\n\tseto %%al"

/* An operation on the low `width` bytes of `a`; the rest of the result is as in the register `a`
 * after the host's instruction, so that it can be stored into a general register whole. */
typedef uint64_t (*BinaryFn)(unsigned width, uint64_t a, uint64_t b, uint64_t *flags);

/* Widths in the order of their frequency. */
#define NATIVE_BINARY(name, load, ax, op, constraint, b8, b16, b32, b64)                           \
    static inline uint64_t name(unsigned width, uint64_t a, uint64_t b, uint64_t *flags)           \
    {                                                                                              \
        if (width == 4) {                                                                          \
            __asm__(load op "l " b32 "%k1" FLAGS_STORE                                             \
                    : ax(*flags), "+&r"(a)                                                         \
                    : constraint(b)                                                                \
                    : "cc");                                                                       \
        } else if (width == 8) {                                                                   \
            __asm__(load op "q " b64 "%1" FLAGS_STORE                                              \
                    : ax(*flags), "+&r"(a)                                                         \
                    : constraint(b)                                                                \
                    : "cc");                                                                       \
        } else if (width == 1) {                                                                   \
            __asm__(load op "b " b8 "%b1" FLAGS_STORE                                              \
                    : ax(*flags), "+&r"(a)                                                         \
                    : constraint(b)                                                                \
                    : "cc");                                                                       \
        } else {                                                                                   \
            __asm__(load op "w " b16 "%w1" FLAGS_STORE                                             \
                    : ax(*flags), "+&r"(a)                                                         \
                    : constraint(b)                                                                \
                    : "cc");                                                                       \
        }                                                                                          \
        return a;                                                                                  \
    }

/* op b, a: sets all flags / reads or keeps some; op a; op %cl, a. */
#define NATIVE_ALU(name, op)                                                                       \
    NATIVE_BINARY(name, "", "=&a", op, "r", "%b2, ", "%w2, ", "%k2, ", "%2, ")
#define NATIVE_CARRY(name, op)                                                                     \
    NATIVE_BINARY(name, FLAGS_LOAD, "+&a", op, "r", "%b2, ", "%w2, ", "%k2, ", "%2, ")
#define NATIVE_UNARY(name, op) NATIVE_BINARY(name, FLAGS_LOAD, "+&a", op, "r", "", "", "", "")
#define NATIVE_SHIFT(name, op)                                                                     \
    NATIVE_BINARY(name, FLAGS_LOAD, "+&a", op, "c", "%%cl, ", "%%cl, ", "%%cl, ", "%%cl, ")

/* Those that more than one file has. */
NATIVE_ALU(op_add, "add")
NATIVE_ALU(op_or, "or")
NATIVE_CARRY(op_adc, "adc")
NATIVE_CARRY(op_sbb, "sbb")
NATIVE_ALU(op_and, "and")
NATIVE_ALU(op_sub, "sub")
NATIVE_ALU(op_xor, "xor")
NATIVE_ALU(op_cmp, "cmp")
NATIVE_ALU(op_test, "test")
NATIVE_SHIFT(op_shl, "shl")
NATIVE_SHIFT(op_shr, "shr")
NATIVE_SHIFT(op_sar, "sar")

/* The same for instructions without a byte form. */
#define NATIVE_WIDE(name, op)                                                                      \
    static inline uint64_t name(unsigned width, uint64_t a, uint64_t b, uint64_t *flags)           \
    {                                                                                              \
        if (width == 4) {                                                                          \
            __asm__(FLAGS_LOAD op "l %k2, %k1" FLAGS_STORE                                         \
                    : "+&a"(*flags), "+&r"(a)                                                      \
                    : "r"(b)                                                                       \
                    : "cc");                                                                       \
        } else if (width == 8) {                                                                   \
            __asm__(FLAGS_LOAD op "q %2, %1" FLAGS_STORE                                           \
                    : "+&a"(*flags), "+&r"(a)                                                      \
                    : "r"(b)                                                                       \
                    : "cc");                                                                       \
        } else {                                                                                   \
            __asm__(FLAGS_LOAD op "w %w2, %w1" FLAGS_STORE                                         \
                    : "+&a"(*flags), "+&r"(a)                                                      \
                    : "r"(b)                                                                       \
                    : "cc");                                                                       \
        }                                                                                          \
        return a;                                                                                  \
    }

/* ---- Addresses ---- */

/* segment_linear, with the modes that have nothing to check in line. */
static inline bool segment_linear_quick(Cpu *cpu, unsigned name, uint64_t offset, unsigned width,
                                        Access access, uint64_t *linear)
{
    static const uint32_t flat[SEGMENTS] = {
        [ES] = MODE_FLAT_ES, [SS] = MODE_FLAT_SS, [DS] = MODE_FLAT_DS
    };
    const uint64_t half = 1ull << 47;
    uint32_t mode = cpu->mode;

    if ((mode & (MODE_CS64 | MODE_ALIGN | MODE_DEBUG)) == MODE_CS64) {
        uint64_t address = name >= FS ? offset + cpu->seg[name].base : offset;

        *linear = address;
        if (((address + half) | (address + half + width - 1)) >> 48 == 0) {
            return true;
        }
    } else if ((mode & flat[name]) && !(mode & (MODE_CS64 | MODE_ALIGN | MODE_DEBUG))) {
        *linear = offset;
        if (offset + width - 1 <= UINT32_MAX) {
            return true;
        }
    }
    return segment_linear(cpu, (SegmentName)name, offset, width, access, linear);
}

/* Host address of the memory operand if nothing has to be looked at but the TLB, which refuses
 * addresses that are not canonical or would wrap; otherwise NULL. */
static inline uint8_t *operand_hit(const Cpu *cpu, const Insn *insn, unsigned width, Access access)
{
    static const uint32_t flat[SEGMENTS] = {
        [ES] = MODE_FLAT_ES, [SS] = MODE_FLAT_SS, [DS] = MODE_FLAT_DS
    };
    unsigned segment = insn->mem.segment;
    uint32_t mode = cpu->mode & (MODE_CS64 | MODE_ALIGN | MODE_DEBUG | flat[segment]);
    uint64_t address = operand_offset(cpu, insn);

    if ((mode & ~flat[segment]) == MODE_CS64) {
        address += segment >= FS ? cpu->seg[segment].base : 0;
    } else if (mode != flat[segment] || mode == 0) {
        return NULL;
    }
    return mmu_hit(cpu, address, width, access);
}

/* ---- Operands ---- */

/* As operand_read, but only the low op.width bytes of the value count. */
static inline bool source_read(Cpu *cpu, const Insn *insn, unsigned i, uint64_t *value)
{
    const Operand *op = &insn->op[i];

    if (op->kind == OPERAND_GPR) {
        *value = cpu->gpr[op->reg];
        return true;
    }
    if (op->kind == OPERAND_IMM) {
        *value = (uint64_t)insn->imm;
        return true;
    }
    return operand_read(cpu, insn, i, value);
}

/* Reads `width` bytes at `linear` and proves that they can be written. */
bool memory_rmw_begin(Cpu *cpu, uint64_t linear, unsigned width, uint64_t *value);

/* op[0] = fn(op[0], b) where op[0] is not a plain register; atomic with LOCK. */
Step rmw_other(Cpu *cpu, const Insn *insn, BinaryFn fn, uint64_t b);
/* The same for memory at an address of the caller's. */
Step rmw_memory(Cpu *cpu, const Insn *insn, uint64_t linear, BinaryFn fn, uint64_t b);

/* op[0] = fn(op[0], op[1]) with flags. */
static inline __attribute__((always_inline)) Step binary_exec(Cpu *cpu, const Insn *insn,
                                                              BinaryFn fn)
{
    const Operand *op = &insn->op[0];
    uint64_t b, flags = flags_get(cpu);

    if (!source_read(cpu, insn, 1, &b)) {
        return STEP_FAULT;
    }
    if (op->kind != OPERAND_GPR) {
        return rmw_other(cpu, insn, fn, b);
    }
    cpu->gpr[op->reg] = fn(op->width, cpu->gpr[op->reg], b, &flags);
    flags_set(cpu, flags);
    return STEP_NEXT;
}

/* op[0] = fn(op[0]) with flags. */
static inline __attribute__((always_inline)) Step unary_exec(Cpu *cpu, const Insn *insn,
                                                             BinaryFn fn)
{
    const Operand *op = &insn->op[0];
    uint64_t flags = flags_get(cpu);

    if (op->kind != OPERAND_GPR) {
        return rmw_other(cpu, insn, fn, 0);
    }
    cpu->gpr[op->reg] = fn(op->width, cpu->gpr[op->reg], 0, &flags);
    flags_set(cpu, flags);
    return STEP_NEXT;
}

/* op[0], op[1] through fn for the flags alone. */
static inline __attribute__((always_inline)) Step compare_exec(Cpu *cpu, const Insn *insn,
                                                               BinaryFn fn)
{
    uint64_t a, b, flags = flags_get(cpu);

    if (!source_read(cpu, insn, 1, &b) || !source_read(cpu, insn, 0, &a)) {
        return STEP_FAULT;
    }
    fn(insn->op[0].width, a, b, &flags);
    flags_set(cpu, flags);
    return STEP_NEXT;
}

/* VEX-encoded instructions do not exist in real and virtual-8086 mode: #UD. */
static inline bool vex_allowed(Cpu *cpu)
{
    if ((cpu->mode & (MODE_PE | MODE_VM)) != MODE_PE) {
        cpu_fault(cpu, VECTOR_UD);
        return false;
    }
    return true;
}

/* ---- Conditions ---- */

static inline bool condition_quick(uint64_t rflags, unsigned condition)
{
    bool holds;

    switch (condition >> 1 & 7) {
    case 0:
        holds = rflags & FLAG_OF;
        break;
    case 1:
        holds = rflags & FLAG_CF;
        break;
    case 2:
        holds = rflags & FLAG_ZF;
        break;
    case 3:
        holds = rflags & (FLAG_CF | FLAG_ZF);
        break;
    case 4:
        holds = rflags & FLAG_SF;
        break;
    case 5:
        holds = rflags & FLAG_PF;
        break;
    case 6:
        holds = (rflags >> 7 ^ rflags >> 11) & 1;
        break;
    default:
        holds = ((rflags >> 7 ^ rflags >> 11) & 1) || (rflags & FLAG_ZF);
        break;
    }
    return holds != (condition & 1);
}

#endif
