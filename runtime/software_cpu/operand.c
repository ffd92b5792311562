/* SPDX-License-Identifier: GPL-2.0-or-later */
/* operand.c - operands in registers and memory, segment checks (SDM vol. 3 chapter 5), the stack.
 */
#include "runtime/software_cpu/integer.h"
#include <glib.h>
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/host_traits.h"

/* ---- Segments ---- */

static bool segment_fault(Cpu *cpu, SegmentName name)
{
    cpu_fault_error(cpu, name == SS ? VECTOR_SS : VECTOR_GP, 0);
    return false;
}

/* Protected mode; the other modes load segments that pass, or have no types. */
static bool segment_type_allows(const Segment *seg, Access access)
{
    if (!(seg->attr & ATTR_P)) {
        return false;
    }
    if (access == ACCESS_WRITE) {
        return (seg->attr & (ATTR_CODE | ATTR_RW)) == ATTR_RW;
    }
    return access == ACCESS_FETCH || (seg->attr & (ATTR_CODE | ATTR_RW)) != ATTR_CODE;
}

static bool segment_limit_allows(const Segment *seg, uint64_t offset, unsigned width)
{
    if ((seg->attr & (ATTR_CODE | ATTR_DC)) == ATTR_DC) { /* expand down */
        uint64_t top = seg->attr & ATTR_DB ? UINT32_MAX : UINT16_MAX;

        return offset > seg->limit && offset <= top && width - 1 <= top - offset;
    }
    return offset <= seg->limit && width - 1 <= seg->limit - offset;
}

/* An access beyond the limit: the host may go on at the beginning of a segment of 4 GiB. */
static bool segment_beyond(Cpu *cpu, SegmentName name, uint64_t offset, unsigned width,
                           Access access)
{
    const Segment *seg = &cpu->seg[name];
    unsigned how = host_trait(cpu, HOST_WRAP_4G);

    if (how == HOST_WRAP_LIMIT || seg->limit != UINT32_MAX || offset > UINT32_MAX ||
        (seg->attr & (ATTR_CODE | ATTR_DC)) == ATTR_DC) {
        return segment_fault(cpu, name);
    }
    return how != HOST_WRAP_ZERO ||
           mmu_probe(cpu, (uint32_t)seg->base, (unsigned)(offset + width - 1 - UINT32_MAX), access);
}

/* Table "alignment requirements by data type" under #AC in SDM vol. 3 chapter 6. */
static bool alignment_allows(uint64_t linear, unsigned width)
{
    switch (width) {
    case 2:
    case 14: /* x87 environment and state by operand size */
    case 94:
        return !(linear & 1);
    case 4:
    case 6: /* far pointers, descriptor table registers */
    case 28:
    case 108:
        return !(linear & 3);
    case 8:
    case 10:
        return !(linear & 7);
    default:
        return true;
    }
}

/* All checks but that of the alignment. */
static bool segment_address(Cpu *cpu, SegmentName name, uint64_t offset, unsigned width,
                            Access access, uint64_t *linear)
{
    const Segment *seg = &cpu->seg[name];

    if (width == 0) {
        width = 1;
    }
    if (cpu->mode & MODE_CS64) {
        const uint64_t half = 1ull << 47;
        uint64_t address = name >= FS ? offset + seg->base : offset;

        if (((address + half) | (address + half + width - 1)) >> 48 != 0) {
            return segment_fault(cpu, name);
        }
        *linear = address;
    } else {
        if ((cpu->mode & (MODE_PE | MODE_VM)) == MODE_PE && !segment_type_allows(seg, access)) {
            return segment_fault(cpu, name);
        }
        if (!segment_limit_allows(seg, offset, width) &&
            !segment_beyond(cpu, name, offset, width, access)) {
            return false;
        }
        *linear = (uint32_t)(seg->base + offset);
    }
    return true;
}

bool segment_linear_unaligned(Cpu *cpu, SegmentName name, uint64_t offset, unsigned width,
                              Access access, uint64_t *linear)
{
    if (!segment_address(cpu, name, offset, width, access, linear)) {
        return false;
    }
    debug_data_access(cpu, *linear, width, access);
    return true;
}

bool segment_linear(Cpu *cpu, SegmentName name, uint64_t offset, unsigned width, Access access,
                    uint64_t *linear)
{
    if (!segment_address(cpu, name, offset, width, access, linear)) {
        return false;
    }
    if ((cpu->mode & MODE_ALIGN) && !alignment_allows(*linear, width)) {
        cpu_fault_error(cpu, VECTOR_AC, 0);
        return false;
    }
    debug_data_access(cpu, *linear, width, access);
    return true;
}

/* ---- Memory operands ---- */

bool operand_linear(Cpu *cpu, const Insn *insn, unsigned width, Access access, uint64_t *linear)
{
    return segment_linear_quick(cpu, insn->mem.segment, operand_offset(cpu, insn), width, access,
                                linear);
}

bool operand_read(Cpu *cpu, const Insn *insn, unsigned i, uint64_t *value)
{
    const Operand *op = &insn->op[i];
    uint64_t linear;

    switch (op->kind) {
    case OPERAND_MEM:
        return operand_linear(cpu, insn, op->width, ACCESS_READ, &linear) &&
               mmu_read(cpu, linear, op->width, value);
    case OPERAND_GPR:
        *value = gpr_read(cpu, op->reg, op->width);
        return true;
    case OPERAND_GPR_HIGH:
        *value = cpu->gpr[op->reg] >> 8 & 0xff;
        return true;
    case OPERAND_IMM:
    case OPERAND_REL:
        *value = (uint64_t)insn->imm & width_mask(op->width);
        return true;
    case OPERAND_IMM2:
        *value = (uint64_t)insn->imm2 & width_mask(op->width);
        return true;
    case OPERAND_SEGMENT:
        *value = cpu->seg[op->reg].selector;
        return true;
    default:
        g_assert_not_reached();
    }
}

static void register_write(Cpu *cpu, const Operand *op, uint64_t value)
{
    if (op->kind == OPERAND_GPR_HIGH) {
        cpu->gpr[op->reg] = (cpu->gpr[op->reg] & ~0xff00ull) | (value & 0xff) << 8;
    } else {
        g_assert(op->kind == OPERAND_GPR);
        gpr_write(cpu, op->reg, op->width, value);
    }
}

bool operand_write(Cpu *cpu, const Insn *insn, unsigned i, uint64_t value)
{
    const Operand *op = &insn->op[i];
    uint64_t linear;

    if (op->kind == OPERAND_MEM) {
        return operand_linear(cpu, insn, op->width, ACCESS_WRITE, &linear) &&
               mmu_write(cpu, linear, op->width, value);
    }
    register_write(cpu, op, value);
    return true;
}

/* ---- Read, modify, write ---- */

bool memory_rmw_begin(Cpu *cpu, uint64_t linear, unsigned width, uint64_t *value)
{
    if (mmu_hit(cpu, linear, width, ACCESS_WRITE) == NULL &&
        !mmu_probe(cpu, linear, width, ACCESS_WRITE)) {
        return false;
    }
    return mmu_read(cpu, linear, width, value);
}

bool operand_rmw_begin(Cpu *cpu, const Insn *insn, Rmw *rmw)
{
    const Operand *op = &insn->op[0];

    if (op->kind != OPERAND_MEM) {
        return operand_read(cpu, insn, 0, &rmw->value);
    }
    return operand_linear(cpu, insn, op->width, ACCESS_WRITE, &rmw->linear) &&
           memory_rmw_begin(cpu, rmw->linear, op->width, &rmw->value);
}

bool operand_rmw_end(Cpu *cpu, const Insn *insn, const Rmw *rmw, uint64_t value)
{
    const Operand *op = &insn->op[0];

    if (op->kind != OPERAND_MEM) {
        register_write(cpu, op, value);
        return true;
    }
    return mmu_write(cpu, rmw->linear, op->width, value);
}

#define NATIVE_CMPXCHG(suffix, operand)                                                            \
    __asm__ volatile("lock cmpxchg" suffix " " operand ", (%2)"                                    \
                     : "=@ccz"(done), "+a"(*expected)                                              \
                     : "r"(host), "r"(desired)                                                     \
                     : "memory")

static inline bool native_cmpxchg(uint8_t *host, unsigned width, uint64_t *expected,
                                  uint64_t desired)
{
    bool done;

    switch (width) { /* of RAX the host writes just what the width covers */
    case 1:
        NATIVE_CMPXCHG("b", "%b3");
        break;
    case 2:
        NATIVE_CMPXCHG("w", "%w3");
        break;
    case 4:
        NATIVE_CMPXCHG("l", "%k3");
        break;
    default:
        NATIVE_CMPXCHG("q", "%3");
        break;
    }
    return done;
}

bool operand_cmpxchg(Cpu *cpu, uint64_t linear, unsigned width, uint64_t *expected,
                     uint64_t desired)
{
    uint8_t *host = mmu_hit(cpu, linear, width, ACCESS_WRITE);

    *expected &= width_mask(width);
    return host != NULL ? native_cmpxchg(host, width, expected, desired)
                        : mmu_cmpxchg(cpu, linear, width, expected, &desired);
}

bool operand_update(Cpu *cpu, uint64_t linear, unsigned width, uint64_t *expected, uint64_t desired)
{
    uint8_t *host = mmu_hit(cpu, linear, width, ACCESS_WRITE);

    *expected &= width_mask(width);
    return host != NULL ? native_cmpxchg(host, width, expected, desired)
                        : mmu_update(cpu, linear, width, expected, &desired);
}

Step rmw_memory(Cpu *cpu, const Insn *insn, uint64_t linear, BinaryFn fn, uint64_t b)
{
    unsigned width = insn->op[0].width;
    uint64_t value, result, flags = flags_get(cpu);

    if (!memory_rmw_begin(cpu, linear, width, &value)) {
        return STEP_FAULT;
    }
    if (insn->prefix & PREFIX_LOCK) {
        do {
            flags = flags_get(cpu);
            result = fn(width, value, b, &flags);
        } while (!operand_update(cpu, linear, width, &value, result));
    } else {
        result = fn(width, value, b, &flags);
        if (!mmu_write(cpu, linear, width, result)) {
            return STEP_FAULT;
        }
    }
    flags_set(cpu, flags);
    return STEP_NEXT;
}

Step rmw_other(Cpu *cpu, const Insn *insn, BinaryFn fn, uint64_t b)
{
    const Operand *op = &insn->op[0];
    uint64_t linear, value, flags = flags_get(cpu);

    if (op->kind == OPERAND_MEM) {
        if (!operand_linear(cpu, insn, op->width, ACCESS_WRITE, &linear)) {
            return STEP_FAULT;
        }
        return rmw_memory(cpu, insn, linear, fn, b);
    }
    operand_read(cpu, insn, 0, &value);
    register_write(cpu, op, fn(op->width, value, b, &flags));
    flags_set(cpu, flags);
    return STEP_NEXT;
}

/* ---- Stack ---- */

uint64_t stack_offset(const Cpu *cpu, int64_t delta)
{
    return (cpu->gpr[RSP] + (uint64_t)delta) & width_mask(stack_width(cpu));
}

void stack_set(Cpu *cpu, uint64_t offset)
{
    gpr_write(cpu, RSP, stack_width(cpu), offset);
}

bool stack_read(Cpu *cpu, uint64_t offset, unsigned width, uint64_t *value)
{
    uint64_t linear;

    return segment_linear_quick(cpu, SS, offset, width, ACCESS_READ, &linear) &&
           mmu_read(cpu, linear, width, value);
}

bool stack_write(Cpu *cpu, uint64_t offset, unsigned width, uint64_t value)
{
    uint64_t linear;

    return segment_linear_quick(cpu, SS, offset, width, ACCESS_WRITE, &linear) &&
           mmu_write(cpu, linear, width, value);
}

bool stack_push(Cpu *cpu, unsigned width, uint64_t value)
{
    uint64_t offset = stack_offset(cpu, -(int64_t)width);

    if (!stack_write(cpu, offset, width, value)) {
        return false;
    }
    stack_set(cpu, offset);
    return true;
}
