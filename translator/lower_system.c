/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lower_system.c - what an operating system does all day, without leaving translated code: CLI,
 * STI, CLD, STD, PUSHF, POPF, RDTSC, RDTSCP, SWAPGS, reads of segment registers, MOV from CR0, CR2,
 * CR3, CR4 and to CR2. */
#include "translator/lower_stack.h"

static const int32_t rflags_slot = (int32_t)offsetof(Cpu, rflags);

static int32_t segment_slot(unsigned name)
{
    return (int32_t)(offsetof(Cpu, seg) + name * sizeof(Segment));
}

/* Clears or sets one flag of Cpu.rflags. */
static void rflags_change(Xlat *x, uint32_t flag, bool set)
{
    flags_spoil(x);
    emit_alu_mi(&x->e, 4, set ? ALU_OR : ALU_AND, HOST_RSP, rflags_slot,
                set ? (int32_t)flag : (int32_t)~flag);
}

bool lower_cli(Xlat *x, const Insn *insn)
{
    (void)insn;
    if (!(x->mode & MODE_IOPL_OK) || (x->mode & MODE_VM)) {
        return false;
    }
    rflags_change(x, FLAG_IF, false);
    return true;
}

/* With nothing pending there is nothing for the interrupt shadow to hold off; what arrives later is
 * seen at the next loop head, which is behind the next instruction. */
bool lower_sti(Xlat *x, const Insn *insn)
{
    (void)insn;
    if (!(x->mode & MODE_IOPL_OK) || (x->mode & MODE_VM)) {
        return false;
    }
    flags_spoil(x);
    emit_alu_mi(&x->e, 4, ALU_CMP, HOST_RSP, (int32_t)offsetof(Cpu, request), 0);
    late_slow_if(x, CC_NE);
    rflags_change(x, FLAG_IF, true);
    return true;
}

bool lower_cld(Xlat *x, const Insn *insn)
{
    (void)insn;
    rflags_change(x, FLAG_DF, false);
    return true;
}

bool lower_std(Xlat *x, const Insn *insn)
{
    (void)insn;
    rflags_change(x, FLAG_DF, true);
    return true;
}

/* movzx to, byte [rsp + disp] */
static void load_byte(Xlat *x, unsigned to, int32_t disp)
{
    emit_op_rm(&x->e, &(Opcode){ .map = 1, .code = 0xb6 }, to,
               &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = disp });
}

void flags_image(Xlat *x)
{
    Emitter *e = &x->e;

    flags_need_saved(x);
    flags_spoil(x);
    emit_load(e, 4, T1, HOST_RSP, rflags_slot);
    emit_alu_ri(e, 4, ALU_AND, T1, (int32_t) ~(FLAGS_ARITH | FLAG_VM | FLAG_RF));
    load_byte(x, T0, (int32_t)offsetof(Cpu, jit_flags) + 1);
    emit_alu_ri(e, 4, ALU_AND, T0, FLAGS_ARITH & 0xff);
    emit_alu_rr(e, 4, ALU_OR, T1, T0);
    load_byte(x, T0, (int32_t)offsetof(Cpu, jit_flags));
    emit_shift_ri(e, 4, 4, T0, 11);
    emit_alu_rr(e, 4, ALU_OR, T1, T0);
}

/* Cpu.rflags with the arithmetic flags of Cpu.jit_flags, as PUSHF stores it. */
bool lower_pushf(Xlat *x, const Insn *insn)
{
    unsigned width = insn->op_width;
    Emitter *e = &x->e;

    if (!stack_usable(x) || (x->mode & MODE_VM)) {
        return false;
    }
    flags_image(x);
    emit_store(e, 8, HOST_RSP, offsetof(Cpu, jit_save), T1);
    stack_push_check(x, width);
    emit_load(e, 8, T1, HOST_RSP, offsetof(Cpu, jit_save));
    memory_store(x, width, T1);
    stack_move(x, -(int32_t)width);
    return true;
}

/* test reg32, imm32 */
static void test_bits(Xlat *x, unsigned reg, uint32_t bits)
{
    emit_op_rr(&x->e, &(Opcode){ .code = 0xf7 }, 0, reg);
    emit_u32(&x->e, bits);
}

/* With an interrupt pending the one who sets IF must come to C. */
static void interrupts_popped(Xlat *x)
{
    uint32_t over;

    test_bits(x, T1, FLAG_IF);
    over = emit_jcc(&x->e, CC_E);
    emit_alu_mi(&x->e, 4, ALU_CMP, HOST_RSP, (int32_t)offsetof(Cpu, request), 0);
    late_slow_if(x, CC_NE);
    emit_link(&x->e, over, x->e.at);
}

/* Cpu.jit_flags from the image in T1; spoils both. */
static void arithmetic_popped(Xlat *x)
{
    Emitter *e = &x->e;

    emit_op_rr(e, &(Opcode){ .map = 1, .code = 0xb6, .byte_rm = true }, T0, T1); /* movzx */
    emit_shift_ri(e, 4, 4, T0, 8);
    emit_shift_ri(e, 4, 5, T1, 11);
    emit_alu_ri(e, 4, ALU_AND, T1, 1);
    emit_alu_rr(e, 4, ALU_OR, T0, T1);
    emit_store(e, 4, HOST_RSP, offsetof(Cpu, jit_flags), T0);
}

/* What changes the mode (TF, AC, IOPL) is for the software CPU. */
void flags_pop(Xlat *x, unsigned width)
{
    uint32_t reached = width == 2 ? 0xffff : 0xffffffff;
    uint32_t of_mode = FLAG_TF | FLAG_AC | (x->mode & MODE_CPL ? 0 : FLAG_IOPL);
    uint32_t plain = FLAG_DF | FLAG_NT | FLAG_ID | (x->mode & MODE_IOPL_OK ? FLAG_IF : 0);
    Emitter *e = &x->e;

    emit_mov_rr(e, 4, T0, T1);
    emit_alu_rm(e, 4, ALU_XOR, T0, HOST_RSP, rflags_slot);
    test_bits(x, T0, of_mode & reached);
    late_slow_if(x, CC_NE);
    if (x->mode & MODE_IOPL_OK) {
        interrupts_popped(x);
    }
    emit_alu_ri(e, 4, ALU_AND, T0, (int32_t)(plain & reached));
    emit_op_rm(e, &(Opcode){ .code = ALU_XOR << 3 | 1 }, T0,
               &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = rflags_slot });
    emit_alu_mi(e, 4, ALU_AND, HOST_RSP, rflags_slot, (int32_t)~FLAG_RF);
    arithmetic_popped(x);
    x->saved = true;
    x->in_host = false;
}

bool lower_popf(Xlat *x, const Insn *insn)
{
    if (!stack_usable(x) || (x->mode & MODE_VM)) {
        return false;
    }
    flags_spoil(x);
    stack_pop_check(x, insn->op_width);
    memory_load(x, insn->op_width == 2 ? 2 : 4, T1);
    flags_pop(x, insn->op_width);
    stack_move(x, (int32_t)insn->op_width);
    return true;
}

/* Host TSC plus the guest's offset; with CR4.TSD only the kernel may. */
bool lower_rdtsc(Xlat *x, const Insn *insn)
{
    Emitter *e = &x->e;

    flags_spoil(x);
    if (x->mode & MODE_CPL) {
        Address cr4 = { .base = HOST_RSP, .index = HOST_NONE, .disp = offsetof(Cpu, cr4) };

        emit_op_rm(e, &(Opcode){ .code = 0xf6 }, 0, &cr4); /* test byte */
        emit_u8(e, CR4_TSD);
        late_slow_if(x, CC_NE);
    }
    if (insn->mnemonic == ZYDIS_MNEMONIC_RDTSCP) {
        emit_load(e, 4, HOST_RCX, HOST_RSP, offsetof(Cpu, tsc_aux));
        emit_u8(e, 0x0f); /* lfence: earlier instructions are done */
        emit_u8(e, 0xae);
        emit_u8(e, 0xe8);
    }
    emit_u8(e, 0x0f);
    emit_u8(e, 0x31);
    emit_shift_ri(e, 8, 4, HOST_RDX, 32);
    emit_alu_rr(e, 8, ALU_OR, HOST_RAX, HOST_RDX);
    emit_alu_rm(e, 8, ALU_ADD, HOST_RAX, HOST_RSP, offsetof(Cpu, tsc_offset));
    emit_mov_rr(e, 8, HOST_RDX, HOST_RAX);
    emit_shift_ri(e, 8, 5, HOST_RDX, 32);
    emit_mov_rr(e, 4, HOST_RAX, HOST_RAX);
    return true;
}

bool lower_swapgs(Xlat *x, const Insn *insn)
{
    const int32_t base = segment_slot(GS) + (int32_t)offsetof(Segment, base);

    (void)insn;
    if (!(x->mode & MODE_CS64) || (x->mode & MODE_CPL)) {
        return false;
    }
    emit_load(&x->e, 8, T0, HOST_RSP, base);
    emit_load(&x->e, 8, T1, HOST_RSP, offsetof(Cpu, kernel_gs_base));
    emit_store(&x->e, 8, HOST_RSP, offsetof(Cpu, kernel_gs_base), T0);
    emit_store(&x->e, 8, HOST_RSP, base, T1);
    return true;
}

/* T1 = the selector, zero-extended. */
void segment_selector(Xlat *x, unsigned name)
{
    int32_t slot = segment_slot(name) + (int32_t)offsetof(Segment, selector);

    emit_op_rm(&x->e, &(Opcode){ .map = 1, .code = 0xb7 }, T1,
               &(Address){ .base = HOST_RSP, .index = HOST_NONE, .disp = slot });
}

/* MOV of a segment register's selector to a general register or memory. */
bool lower_mov_from_segment(Xlat *x, const Insn *insn)
{
    const Operand *to = &insn->op[0];
    unsigned width = to->width == 2 ? 2 : 8;
    int host = host_register(to->reg);

    if (to->kind == OPERAND_MEM) {
        if (!memory_operand(x, insn)) {
            return false;
        }
        segment_selector(x, insn->op[1].reg);
        memory_store(x, 2, T1);
        return true;
    }
    segment_selector(x, insn->op[1].reg);
    if (host == IN_MEMORY) {
        emit_store(&x->e, width, HOST_RSP, gpr_slot(to->reg), T1);
    } else {
        emit_mov_rr(&x->e, width, (unsigned)host, T1);
    }
    return true;
}

static int32_t control_slot(unsigned cr)
{
    switch (cr) {
    case 0:
        return (int32_t)offsetof(Cpu, cr0);
    case 2:
        return (int32_t)offsetof(Cpu, cr2);
    case 3:
        return (int32_t)offsetof(Cpu, cr3);
    default:
        return (int32_t)offsetof(Cpu, cr4);
    }
}

/* CR8 is a device's; of the writes only that of CR2 has no effect but its own. */
bool lower_mov_control(Xlat *x, const Insn *insn)
{
    bool to = insn->op[0].kind == OPERAND_CR;
    unsigned cr = insn->op[to ? 0 : 1].reg, gpr = insn->op[to ? 1 : 0].reg;
    unsigned width = x->mode & MODE_CS64 ? 8 : 4;
    int host = host_register(gpr);

    if ((x->mode & MODE_CPL) || cr > 4 || cr == 1 || (to && cr != 2)) {
        return false;
    }
    if (to) {
        if (host == IN_MEMORY) {
            emit_load(&x->e, 8, T0, HOST_RSP, gpr_slot(gpr));
        } else {
            emit_mov_rr(&x->e, width, T0, (unsigned)host);
        }
        emit_store(&x->e, 8, HOST_RSP, control_slot(cr), T0);
    } else if (host == IN_MEMORY) {
        emit_load(&x->e, width, T0, HOST_RSP, control_slot(cr));
        emit_store(&x->e, 8, HOST_RSP, gpr_slot(gpr), T0);
    } else {
        emit_load(&x->e, width, (unsigned)host, HOST_RSP, control_slot(cr));
    }
    return true;
}
