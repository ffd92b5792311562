/* SPDX-License-Identifier: GPL-2.0-or-later */
/* io.c - IN, OUT, INS, OUTS (SDM vol. 1 chapter 19): permission by IOPL and the TSS bitmap, I/O
 * breakpoints, repetition. */
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/system.h"

enum {
    TSS_IO_BASE = 0x66,
    TSS_32_LIMIT = 0x67,
    TSS_32_AVAILABLE = 9,
    TSS_32_BUSY = 11,
    REP_BATCH = 4096, /* iterations before the run loop gets a look at interrupts */
};

static bool bitmap_allows(Cpu *cpu, uint16_t port, unsigned width, bool *allowed)
{
    const Segment *tss = &cpu->seg[TR];
    unsigned type = tss->attr & ATTR_TYPE;
    uint16_t base, bits;
    uint32_t offset;

    *allowed = false;
    if (!(tss->attr & ATTR_P) || (type != TSS_32_AVAILABLE && type != TSS_32_BUSY) ||
        tss->limit < TSS_32_LIMIT) {
        return true;
    }
    if (!mmu_system_read(cpu, tss->base + TSS_IO_BASE, &base, sizeof(base))) {
        return false;
    }
    offset = base + port / 8u;
    if (offset + 1 > tss->limit) { /* always two bytes, so that a port group may straddle */
        return true;
    }
    if (!mmu_system_read(cpu, tss->base + offset, &bits, sizeof(bits))) {
        return false;
    }
    *allowed = (bits >> (port & 7) & ((1u << width) - 1)) == 0;
    return true;
}

bool port_allowed(Cpu *cpu, uint16_t port, unsigned width)
{
    bool allowed;

    if ((cpu->mode & MODE_IOPL_OK) && !(cpu->mode & MODE_VM)) {
        return true;
    }
    if (!bitmap_allows(cpu, port, width, &allowed)) {
        return false;
    }
    if (!allowed) {
        fault_gp0(cpu);
    }
    return allowed;
}

static uint32_t port_read(Cpu *cpu, uint16_t port, unsigned width)
{
    debug_io_match(cpu, port, width);
    if (cpu->bus == NULL || cpu->bus->port_in == NULL) {
        return (uint32_t)width_mask(width);
    }
    return cpu->bus->port_in(cpu, port, width) & (uint32_t)width_mask(width);
}

static void port_write(Cpu *cpu, uint16_t port, unsigned width, uint32_t value)
{
    debug_io_match(cpu, port, width);
    if (cpu->bus != NULL && cpu->bus->port_out != NULL) {
        cpu->bus->port_out(cpu, port, width, value & (uint32_t)width_mask(width));
    }
}

/* The port operand: an unsigned byte or DX. */
static uint16_t port_operand(const Cpu *cpu, const Insn *insn, unsigned i)
{
    return insn->op[i].kind == OPERAND_IMM ? (uint8_t)insn->imm : (uint16_t)cpu->gpr[RDX];
}

Step exec_in(Cpu *cpu, const Insn *insn)
{
    uint16_t port = port_operand(cpu, insn, 1);
    unsigned width = insn->op[0].width;

    if (!port_allowed(cpu, port, width)) {
        return STEP_FAULT;
    }
    gpr_write(cpu, RAX, width, port_read(cpu, port, width));
    return STEP_NEXT;
}

Step exec_out(Cpu *cpu, const Insn *insn)
{
    uint16_t port = port_operand(cpu, insn, 0);
    unsigned width = insn->op[1].width;

    if (!port_allowed(cpu, port, width)) {
        return STEP_FAULT;
    }
    port_write(cpu, port, width, (uint32_t)gpr_read(cpu, RAX, width));
    return STEP_NEXT;
}

/* ---- Strings ---- */

static unsigned string_width(const Insn *insn)
{
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_INSB:
    case ZYDIS_MNEMONIC_OUTSB:
        return 1;
    case ZYDIS_MNEMONIC_INSW:
    case ZYDIS_MNEMONIC_OUTSW:
        return 2;
    default:
        return 4;
    }
}

/* One element; the pointer moves. The memory is proved writable before the port is read. */
static bool ins_one(Cpu *cpu, const Insn *insn, unsigned width)
{
    uint64_t offset = gpr_read(cpu, RDI, insn->address_width);
    int64_t delta = cpu->rflags & FLAG_DF ? -(int64_t)width : width;
    uint64_t linear;

    if (!segment_linear(cpu, ES, offset, width, ACCESS_WRITE, &linear) ||
        !mmu_probe(cpu, linear, width, ACCESS_WRITE) ||
        !mmu_write(cpu, linear, width, port_read(cpu, (uint16_t)cpu->gpr[RDX], width))) {
        return false;
    }
    gpr_write(cpu, RDI, insn->address_width, offset + (uint64_t)delta);
    return true;
}

static bool outs_one(Cpu *cpu, const Insn *insn, unsigned width)
{
    uint64_t offset = gpr_read(cpu, RSI, insn->address_width);
    int64_t delta = cpu->rflags & FLAG_DF ? -(int64_t)width : width;
    uint64_t linear, value;

    if (!segment_linear(cpu, (SegmentName)insn->mem.segment, offset, width, ACCESS_READ, &linear) ||
        !mmu_read(cpu, linear, width, &value)) {
        return false;
    }
    port_write(cpu, (uint16_t)cpu->gpr[RDX], width, (uint32_t)value);
    gpr_write(cpu, RSI, insn->address_width, offset + (uint64_t)delta);
    return true;
}

/* The decoder may count the prefix as part of the opcode. */
static bool is_repeated(const Insn *insn)
{
    return (insn->prefix & (PREFIX_REP | PREFIX_REPNE)) || insn->mandatory == 0xf3 ||
           insn->mandatory == 0xf2;
}

static bool batch_ends(const Cpu *cpu)
{
    return (cpu->mode & (MODE_TF | MODE_DEBUG)) ||
           __atomic_load_n(&cpu->request, __ATOMIC_RELAXED) != 0;
}

static Step string_run(Cpu *cpu, const Insn *insn, bool (*one)(Cpu *, const Insn *, unsigned))
{
    unsigned width = string_width(insn);
    uint64_t count;

    if (!port_allowed(cpu, (uint16_t)cpu->gpr[RDX], width)) {
        return STEP_FAULT;
    }
    if (!is_repeated(insn)) {
        return one(cpu, insn, width) ? STEP_NEXT : STEP_FAULT;
    }
    for (unsigned i = 0; i < REP_BATCH; i++) {
        count = gpr_read(cpu, RCX, insn->address_width);
        if (count == 0) {
            return repeat_none(cpu, insn);
        }
        if (!one(cpu, insn, width)) {
            return STEP_FAULT;
        }
        gpr_write(cpu, RCX, insn->address_width, count - 1);
        if (count > 1 && batch_ends(cpu)) {
            return step_again(cpu);
        }
    }
    return step_again(cpu);
}

Step exec_ins(Cpu *cpu, const Insn *insn)
{
    return string_run(cpu, insn, ins_one);
}

Step exec_outs(Cpu *cpu, const Insn *insn)
{
    return string_run(cpu, insn, outs_one);
}
