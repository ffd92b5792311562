/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bits.c - bit tests, scans and counts, byte swaps, CRC32, ADX. */
#include "runtime/software_cpu/integer.h"
#include "runtime/software_cpu/cpuid.h"

/* ---- Bit tests ---- */

NATIVE_WIDE(op_bt, "bt")
NATIVE_WIDE(op_bts, "bts")
NATIVE_WIDE(op_btr, "btr")
NATIVE_WIDE(op_btc, "btc")

/* With a register the offset is signed and reaches beyond the operand: the unit of the operand's
 * width that holds the bit is addressed (SDM vol. 1 3.7.5, "bit strings"). */
static bool bit_linear(Cpu *cpu, const Insn *insn, uint64_t bit, Access access, uint64_t *linear)
{
    unsigned width = insn->op[0].width;
    uint64_t offset = operand_offset(cpu, insn);

    if (insn->op[1].kind == OPERAND_GPR) {
        unsigned shift = width == 2 ? 4 : width == 4 ? 5 : 6;

        offset += (uint64_t)((sign_extend(bit, width) >> shift) * (int64_t)width);
        offset &= width_mask(insn->address_width);
    }
    return segment_linear_quick(cpu, insn->mem.segment, offset, width, access, linear);
}

static Step bit_modify(Cpu *cpu, const Insn *insn, BinaryFn fn)
{
    uint64_t bit, linear;

    source_read(cpu, insn, 1, &bit);
    if (!bit_linear(cpu, insn, bit, ACCESS_WRITE, &linear)) {
        return STEP_FAULT;
    }
    return rmw_memory(cpu, insn, linear, fn, bit);
}

Step exec_bt(Cpu *cpu, const Insn *insn)
{
    uint64_t bit, linear, value, flags = flags_get(cpu);

    if (insn->op[0].kind == OPERAND_GPR) {
        return compare_exec(cpu, insn, op_bt);
    }
    source_read(cpu, insn, 1, &bit);
    if (!bit_linear(cpu, insn, bit, ACCESS_READ, &linear) ||
        !mmu_read(cpu, linear, insn->op[0].width, &value)) {
        return STEP_FAULT;
    }
    op_bt(insn->op[0].width, value, bit, &flags);
    flags_set(cpu, flags);
    return STEP_NEXT;
}

Step exec_bts(Cpu *cpu, const Insn *insn)
{
    return insn->op[0].kind == OPERAND_GPR ? binary_exec(cpu, insn, op_bts)
                                           : bit_modify(cpu, insn, op_bts);
}

Step exec_btr(Cpu *cpu, const Insn *insn)
{
    return insn->op[0].kind == OPERAND_GPR ? binary_exec(cpu, insn, op_btr)
                                           : bit_modify(cpu, insn, op_btr);
}

Step exec_btc(Cpu *cpu, const Insn *insn)
{
    return insn->op[0].kind == OPERAND_GPR ? binary_exec(cpu, insn, op_btc)
                                           : bit_modify(cpu, insn, op_btc);
}

/* ---- Scans and counts ---- */

NATIVE_WIDE(op_bsf, "bsf")
NATIVE_WIDE(op_bsr, "bsr")
NATIVE_WIDE(op_lzcnt, "lzcnt")
NATIVE_WIDE(op_tzcnt, "tzcnt")
NATIVE_WIDE(op_popcnt, "popcnt")

Step exec_bsf(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_bsf);
}

Step exec_bsr(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_bsr);
}

/* Older CPUs ignore the prefix that tells these two from BSR and BSF. */
Step exec_lzcnt(Cpu *cpu, const Insn *insn)
{
    return cpu_has_feature(cpu, INSN_FEATURE_LZCNT) ? binary_exec(cpu, insn, op_lzcnt)
                                                    : binary_exec(cpu, insn, op_bsr);
}

Step exec_tzcnt(Cpu *cpu, const Insn *insn)
{
    return cpu_has_feature(cpu, INSN_FEATURE_BMI1) ? binary_exec(cpu, insn, op_tzcnt)
                                                   : binary_exec(cpu, insn, op_bsf);
}

Step exec_popcnt(Cpu *cpu, const Insn *insn)
{
    return binary_exec(cpu, insn, op_popcnt);
}

/* ---- Byte order, checksums, carries ---- */

static uint64_t swap_bytes(uint64_t value, unsigned width)
{
    return __builtin_bswap64(value) >> (64 - width * 8);
}

/* The 16-bit form is undefined; CPUs clear the register. */
Step exec_bswap(Cpu *cpu, const Insn *insn)
{
    const Operand *op = &insn->op[0];
    uint64_t value = op->width == 2 ? 0 : swap_bytes(cpu->gpr[op->reg], op->width);

    gpr_write(cpu, op->reg, op->width, value);
    return STEP_NEXT;
}

Step exec_movbe(Cpu *cpu, const Insn *insn)
{
    uint64_t value;

    if (!operand_read(cpu, insn, 1, &value) ||
        !operand_write(cpu, insn, 0, swap_bytes(value, insn->op[0].width))) {
        return STEP_FAULT;
    }
    return STEP_NEXT;
}

Step exec_crc32(Cpu *cpu, const Insn *insn)
{
    uint64_t value, crc = cpu->gpr[insn->op[0].reg];

    if (!operand_read(cpu, insn, 1, &value)) {
        return STEP_FAULT;
    }
    switch (insn->op[1].width) {
    case 1:
        __asm__("crc32b %b1, %k0" : "+r"(crc) : "r"(value));
        break;
    case 2:
        __asm__("crc32w %w1, %k0" : "+r"(crc) : "r"(value));
        break;
    case 4:
        __asm__("crc32l %k1, %k0" : "+r"(crc) : "r"(value));
        break;
    default:
        __asm__("crc32q %1, %0" : "+r"(crc) : "r"(value));
        break;
    }
    cpu->gpr[insn->op[0].reg] = crc;
    return STEP_NEXT;
}

static Step add_carry(Cpu *cpu, const Insn *insn, unsigned flag)
{
    unsigned width = insn->op[0].width;
    uint64_t value;
    unsigned __int128 sum;

    if (!operand_read(cpu, insn, 1, &value)) {
        return STEP_FAULT;
    }
    sum = (unsigned __int128)gpr_read(cpu, insn->op[0].reg, width) + value +
          ((cpu->rflags & flag) != 0);
    gpr_write(cpu, insn->op[0].reg, width, (uint64_t)sum);
    cpu->rflags &= ~(uint64_t)flag;
    if (sum >> (width * 8)) {
        cpu->rflags |= flag;
    }
    return STEP_NEXT;
}

Step exec_adcx(Cpu *cpu, const Insn *insn)
{
    return add_carry(cpu, insn, FLAG_CF);
}

Step exec_adox(Cpu *cpu, const Insn *insn)
{
    return add_carry(cpu, insn, FLAG_OF);
}
