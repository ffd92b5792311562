/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delivery of exceptions and interrupts in all modes: gates, stacks, frames, error codes. */
#include "tests/isa/fixture.h"
#include <check.h>
#include <stdlib.h>
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/software_cpu_int.h"

enum {
    GATE_ATTR = 5, /* offset of the type byte in a gate */
    IST1_STACK = 0x9000,
    STACK = FIXTURE_STACK,
    STACK0 = FIXTURE_STACK0,
};

static const uint8_t ud2[] = { 0x0f, 0x0b };
static const uint8_t int80[] = { 0xcd, 0x80 };
static const uint8_t int3[] = { 0xcc };
static const uint8_t mov_ds_gp[] = { 0x8e, 0xd8 }; /* with AX beyond the GDT */

static Fixture *fx;

static void prepare(FixtureMode mode, unsigned cpl, const uint8_t *code, size_t size)
{
    fx = fixture_new(mode);
    if (mode >= FIXTURE_PROTECTED16) {
        fixture_set_cpl(fx, cpl);
    }
    fixture_load(fx, code, size);
    fx->cpu->rflags |= FLAG_IF | FLAG_CF;
}

static uint64_t gate_address(unsigned vector)
{
    bool wide = fx->mode == FIXTURE_LONG64 || fx->mode == FIXTURE_COMPAT;

    return FIXTURE_IDT + vector * (wide ? 16u : 8u);
}

static void gate_set_type(unsigned vector, uint8_t type)
{
    fixture_write(fx, gate_address(vector) + GATE_ATTR, 1, type);
}

static uint64_t slot(unsigned width, unsigned i)
{
    return fixture_read(fx, fx->cpu->gpr[RSP] + i * width, width);
}

/* ---- Frames ---- */

START_TEST(real_mode_pushes_flags_cs_ip)
{
    prepare(FIXTURE_REAL, 0, ud2, 2);
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_UD);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK - 6);
    ck_assert_uint_eq(slot(2, 0), FIXTURE_CODE);
    ck_assert_uint_eq(slot(2, 1), 0);
    ck_assert_uint_eq(slot(2, 2), FLAG_IF | FLAG_CF | FLAG_1);
    ck_assert(!(fx->cpu->rflags & FLAG_IF));
    fixture_free(fx);
}
END_TEST

START_TEST(real_mode_returns_where_int_left)
{
    static const uint8_t iret = 0xcf;

    prepare(FIXTURE_REAL, 0, int80, 2);
    fixture_write(fx, FIXTURE_HANDLERS + 0x80, 1, iret);
    ck_assert_int_eq(fixture_run_delivering(fx, 4), -1);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE + 2);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK);
    ck_assert_uint_eq(fx->cpu->rflags, FLAG_IF | FLAG_CF | FLAG_1);
    fixture_free(fx);
}
END_TEST

START_TEST(real_mode_stack_wraps_at_64k)
{
    prepare(FIXTURE_REAL, 0, ud2, 2);
    fx->cpu->gpr[RSP] = 0x55550002;
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_UD);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], 0x5555fffc);
    ck_assert_uint_eq(fixture_read(fx, 0xfffc, 2), FIXTURE_CODE);
    ck_assert_uint_eq(fixture_read(fx, 0, 2), FLAG_IF | FLAG_CF | FLAG_1);
    fixture_free(fx);
}
END_TEST

START_TEST(same_privilege_keeps_the_stack)
{
    prepare(FIXTURE_PROTECTED32, 0, ud2, 2);
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_UD);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK - 12);
    ck_assert_uint_eq(slot(4, 0), FIXTURE_CODE);
    ck_assert_uint_eq(slot(4, 1), FIXTURE_CS32);
    ck_assert_uint_eq(slot(4, 2), FLAG_IF | FLAG_CF | FLAG_1 | FLAG_RF);
    fixture_free(fx);
}
END_TEST

START_TEST(inner_privilege_takes_the_stack_of_the_tss)
{
    prepare(FIXTURE_PROTECTED32, 3, int80, 2);
    ck_assert_int_eq(fixture_run_delivering(fx, 4), 0x80);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK0 - 20);
    ck_assert_uint_eq(fx->cpu->seg[SS].selector, FIXTURE_DATA32);
    ck_assert_uint_eq(fx->cpu->seg[CS].selector, FIXTURE_CS32);
    ck_assert_uint_eq(cpu_cpl(fx->cpu), 0);
    ck_assert_uint_eq(slot(4, 0), FIXTURE_CODE + 2);
    ck_assert_uint_eq(slot(4, 1), FIXTURE_USER_CS32);
    ck_assert_uint_eq(slot(4, 2), FLAG_IF | FLAG_CF | FLAG_1);
    ck_assert_uint_eq(slot(4, 3), STACK);
    ck_assert_uint_eq(slot(4, 4), FIXTURE_USER_DATA);
    fixture_free(fx);
}
END_TEST

START_TEST(a_16_bit_gate_pushes_words)
{
    prepare(FIXTURE_PROTECTED32, 3, int80, 2);
    gate_set_type(0x80, 0xe6);
    ck_assert_int_eq(fixture_run_delivering(fx, 4), 0x80);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK0 - 10);
    ck_assert_uint_eq(slot(2, 0), FIXTURE_CODE + 2);
    ck_assert_uint_eq(slot(2, 3), STACK);
    fixture_free(fx);
}
END_TEST

START_TEST(a_trap_gate_leaves_if)
{
    prepare(FIXTURE_PROTECTED32, 3, int80, 2);
    gate_set_type(0x80, 0xef);
    fx->cpu->rflags |= FLAG_NT;
    ck_assert_int_eq(fixture_run_delivering(fx, 4), 0x80);
    ck_assert_uint_eq(fx->cpu->rflags, FLAG_IF | FLAG_CF | FLAG_1);
    fixture_free(fx);
}
END_TEST

START_TEST(an_error_code_is_pushed_last)
{
    prepare(FIXTURE_PROTECTED32, 3, mov_ds_gp, 2);
    fx->cpu->gpr[RAX] = 0x1003;
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_GP);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK0 - 24);
    ck_assert_uint_eq(slot(4, 0), 0x1000);
    ck_assert_uint_eq(slot(4, 1), FIXTURE_CODE);
    fixture_free(fx);
}
END_TEST

START_TEST(long_mode_aligns_the_stack_and_pushes_ss_rsp_always)
{
    prepare(FIXTURE_LONG64, 0, ud2, 2);
    fx->cpu->gpr[RSP] = STACK - 3;
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_UD);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK - 16 - 40);
    ck_assert_uint_eq(slot(8, 0), FIXTURE_CODE);
    ck_assert_uint_eq(slot(8, 1), FIXTURE_CS64);
    ck_assert_uint_eq(slot(8, 2), FLAG_IF | FLAG_CF | FLAG_1 | FLAG_RF);
    ck_assert_uint_eq(slot(8, 3), STACK - 3);
    ck_assert_uint_eq(slot(8, 4), FIXTURE_DATA32);
    ck_assert_uint_eq(fx->cpu->seg[SS].selector, FIXTURE_DATA32);
    fixture_free(fx);
}
END_TEST

START_TEST(long_mode_from_user_loads_a_null_ss)
{
    for (unsigned mode = FIXTURE_COMPAT; mode <= FIXTURE_LONG64; mode++) {
        prepare((FixtureMode)mode, 3, int80, 2);
        ck_assert_int_eq(fixture_run_delivering(fx, 4), 0x80);
        ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK0 - 40);
        ck_assert_uint_eq(fx->cpu->seg[SS].selector, 0);
        ck_assert_uint_eq(cpu_cpl(fx->cpu), 0);
        ck_assert(fx->cpu->mode & MODE_CS64);
        ck_assert_uint_eq(slot(8, 4), FIXTURE_USER_DATA);
        fixture_free(fx);
    }
}
END_TEST

START_TEST(ist_names_the_stack_at_any_privilege)
{
    for (unsigned cpl = 0; cpl <= 3; cpl += 3) {
        prepare(FIXTURE_LONG64, cpl, ud2, 2);
        fixture_write(fx, gate_address(VECTOR_UD) + 4, 1, 1);
        fixture_write(fx, FIXTURE_TSS + 36, 8, IST1_STACK);
        ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_UD);
        ck_assert_uint_eq(fx->cpu->gpr[RSP], IST1_STACK - 40);
        ck_assert_uint_eq(fx->cpu->seg[SS].selector, cpl == 0 ? FIXTURE_DATA32 : 0);
        fixture_free(fx);
    }
}
END_TEST

START_TEST(a_frame_may_cross_pages)
{
    prepare(FIXTURE_LONG64, 0, ud2, 2);
    fx->cpu->gpr[RSP] = 0xd010;
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_UD);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], 0xd010 - 40);
    ck_assert_uint_eq(slot(8, 0), FIXTURE_CODE);
    ck_assert_uint_eq(slot(8, 3), 0xd010);
    fixture_free(fx);
}
END_TEST

START_TEST(page_fault_sets_cr2_and_the_error_code)
{
    static const uint8_t load[] = { 0x8b, 0x00 }; /* mov eax,[eax] */

    prepare(FIXTURE_LONG64, 3, load, 2);
    fixture_set_page(fx, FIXTURE_DATA, 0);
    fx->cpu->gpr[RAX] = FIXTURE_DATA + 8;
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_PF);
    ck_assert_uint_eq(fx->cpu->cr2, FIXTURE_DATA + 8);
    ck_assert_uint_eq(slot(8, 0), 4);
    ck_assert_uint_eq(slot(8, 1), FIXTURE_CODE);
    fixture_free(fx);
}
END_TEST

/* ---- Faults in delivery ---- */

/* INT 80h by user code, with a byte of its gate changed, faults so. */
typedef struct GateRow {
    const char *name;
    FixtureMode mode;
    unsigned cpl;
    unsigned at; /* in the gate */
    uint8_t value;
    int vector;
    uint32_t error;
} GateRow;

static const GateRow gate_rows[] = {
    { "an absent gate", FIXTURE_PROTECTED32, 3, 5, 0x6e, VECTOR_NP, 0x402 },
    { "a gate of inner DPL", FIXTURE_PROTECTED32, 3, 5, 0x8e, VECTOR_GP, 0x402 },
    { "no gate", FIXTURE_PROTECTED32, 3, 5, 0xec, VECTOR_GP, 0x402 },
    { "a null code selector", FIXTURE_PROTECTED32, 3, 2, 0, VECTOR_GP, 0 },
    { "a data segment as code", FIXTURE_PROTECTED32, 3, 2, FIXTURE_DATA32, VECTOR_GP, 0x10 },
    { "user code from privilege 0", FIXTURE_PROTECTED32, 0, 2, FIXTURE_USER_CS32, VECTOR_GP, 0x30 },
    { "an absent gate in long mode", FIXTURE_LONG64, 3, 5, 0x6e, VECTOR_NP, 0x402 },
    { "a gate of inner DPL in long mode", FIXTURE_LONG64, 3, 5, 0x8e, VECTOR_GP, 0x402 },
    { "a 16-bit gate in long mode", FIXTURE_LONG64, 3, 5, 0xe6, VECTOR_GP, 0x402 },
    { "a task gate in long mode", FIXTURE_LONG64, 3, 5, 0xe5, VECTOR_GP, 0x402 },
    { "32-bit code in long mode", FIXTURE_LONG64, 3, 2, FIXTURE_CS32, VECTOR_GP, 8 },
    { "an offset that is not canonical", FIXTURE_LONG64, 3, 11, 0x80, VECTOR_GP, 0 },
};

START_TEST(gate_row)
{
    const GateRow *row = &gate_rows[_i];

    prepare(row->mode, row->cpl, int80, 2);
    fixture_write(fx, gate_address(0x80) + row->at, 1, row->value);
    ck_assert_msg(fixture_run(fx, 1) == FIXTURE_FAULT, "%s: no fault", row->name);
    ck_assert_msg(fx->cpu->fault.vector == row->vector, "%s: vector %d", row->name,
                  fx->cpu->fault.vector);
    ck_assert_msg(fx->cpu->fault.error == row->error, "%s: error %#x", row->name,
                  fx->cpu->fault.error);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK);
    fixture_free(fx);
}
END_TEST

/* SS0 of the TSS is wrong: the fault's error code. */
typedef struct StackRow {
    const char *name;
    uint16_t ss0;
    uint16_t attr; /* of the free descriptor */
    int vector;
    uint32_t error;
} StackRow;

static const StackRow stack_rows[] = {
    { "a null SS0", 0, 0, VECTOR_TS, 0 },
    { "SS0 beyond the GDT", 0x1000, 0, VECTOR_TS, 0x1000 },
    { "SS0 of another RPL", 0x61, 0x93, VECTOR_TS, 0x60 },
    { "SS0 of another DPL", 0x60, 0xf3, VECTOR_TS, 0x60 },
    { "a read-only SS0", 0x60, 0x91, VECTOR_TS, 0x60 },
    { "an absent SS0", 0x60, 0x13, VECTOR_SS, 0x60 },
    { "a stack that is too small", 0x60, 0x93, VECTOR_SS, 0x60 },
};

START_TEST(stack_row)
{
    const StackRow *row = &stack_rows[_i];

    prepare(FIXTURE_PROTECTED32, 3, int80, 2);
    fixture_set_descriptor(fx, 0x60, 0, 0xff, row->attr);
    fixture_write(fx, FIXTURE_TSS + 8, 2, row->ss0);
    ck_assert_msg(fixture_run(fx, 1) == FIXTURE_FAULT, "%s: no fault", row->name);
    ck_assert_msg(fx->cpu->fault.vector == row->vector, "%s: vector %d", row->name,
                  fx->cpu->fault.vector);
    ck_assert_msg(fx->cpu->fault.error == row->error, "%s: error %#x", row->name,
                  fx->cpu->fault.error);
    ck_assert_uint_eq(fx->cpu->seg[SS].selector, FIXTURE_USER_DATA);
    fixture_free(fx);
}
END_TEST

START_TEST(a_fault_in_delivery_of_an_exception_has_ext_set)
{
    prepare(FIXTURE_PROTECTED32, 0, ud2, 2);
    gate_set_type(VECTOR_UD, 0x6e);
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_NP);
    ck_assert_uint_eq(slot(4, 0), VECTOR_UD * 8 | 3);
    fixture_free(fx);
}
END_TEST

START_TEST(two_contributory_faults_make_a_double_fault)
{
    for (unsigned mode = FIXTURE_PROTECTED32; mode <= FIXTURE_LONG64; mode += 3) {
        prepare((FixtureMode)mode, 0, mov_ds_gp, 2);
        fx->cpu->gpr[RAX] = 0x1000;
        gate_set_type(VECTOR_GP, 0x0e);
        ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_DF);
        ck_assert_uint_eq(slot(mode == FIXTURE_LONG64 ? 8 : 4, 0), 0);
        ck_assert_uint_eq(slot(mode == FIXTURE_LONG64 ? 8 : 4, 1), FIXTURE_CODE);
        fixture_free(fx);
    }
}
END_TEST

START_TEST(a_page_fault_behind_a_contributory_one_is_delivered)
{
    prepare(FIXTURE_LONG64, 3, mov_ds_gp, 2);
    fx->cpu->gpr[RAX] = 0x1000;
    fixture_write(fx, gate_address(VECTOR_GP) + 4, 1, 1); /* IST 1, which is not mapped */
    fixture_write(fx, FIXTURE_TSS + 36, 8, IST1_STACK);
    fixture_set_page(fx, IST1_STACK - 0x1000, 0);
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_PF);
    ck_assert_uint_eq(fx->cpu->cr2, IST1_STACK - 8); /* SS is pushed first */
    fixture_free(fx);
}
END_TEST

START_TEST(two_page_faults_make_a_double_fault)
{
    static const uint8_t load[] = { 0x8b, 0x00 };

    prepare(FIXTURE_LONG64, 3, load, 2);
    fx->cpu->gpr[RAX] = FIXTURE_DATA;
    fixture_set_page(fx, FIXTURE_DATA, 0);
    fixture_write(fx, gate_address(VECTOR_PF) + 4, 1, 1);
    fixture_write(fx, FIXTURE_TSS + 36, 8, IST1_STACK);
    fixture_set_page(fx, IST1_STACK - 0x1000, 0);
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_DF);
    fixture_free(fx);
}
END_TEST

START_TEST(a_fault_in_a_double_fault_shuts_down)
{
    prepare(FIXTURE_PROTECTED32, 0, mov_ds_gp, 2);
    fx->cpu->gpr[RAX] = 0x1000;
    fx->cpu->idtr.limit = 0;
    ck_assert(!fixture_step(fx));
    ck_assert_uint_eq(fx->triple_faults, 1);
    fixture_free(fx);
}
END_TEST

START_TEST(a_short_ivt_shuts_real_mode_down)
{
    prepare(FIXTURE_REAL, 0, ud2, 2);
    fx->cpu->idtr.limit = 0;
    ck_assert(!fixture_step(fx));
    ck_assert_uint_eq(fx->triple_faults, 1);
    fixture_free(fx);
}
END_TEST

/* ---- Virtual-8086 mode ---- */

START_TEST(vm86_pushes_its_data_segments)
{
    prepare(FIXTURE_VM86, 3, int3, 1);
    fx->cpu->seg[DS].selector = 0x1111;
    fx->cpu->seg[GS].selector = 0x4444;
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_BP);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK0 - 36);
    ck_assert_uint_eq(slot(4, 0), FIXTURE_CODE + 1);
    ck_assert_uint_eq(slot(4, 2), FLAG_VM | FLAG_IOPL | FLAG_IF | FLAG_CF | FLAG_1);
    ck_assert_uint_eq(slot(4, 3), STACK);
    ck_assert_uint_eq(slot(4, 6), 0x1111);
    ck_assert_uint_eq(slot(4, 8), 0x4444);
    ck_assert_uint_eq(fx->cpu->seg[DS].selector, 0);
    ck_assert(!(fx->cpu->seg[DS].attr & ATTR_P));
    ck_assert(!(fx->cpu->mode & MODE_VM));
    fixture_free(fx);
}
END_TEST

START_TEST(iretd_goes_back_to_vm86)
{
    prepare(FIXTURE_VM86, 3, int3, 1);
    fx->cpu->seg[DS].selector = 0x1111;
    fx->cpu->seg[DS].base = 0x11110;
    fixture_write(fx, FIXTURE_HANDLERS + VECTOR_BP, 1, 0xcf);
    ck_assert(fixture_step(fx));
    ck_assert(fixture_step(fx));
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE + 1);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], STACK);
    ck_assert(fx->cpu->mode & MODE_VM);
    ck_assert_uint_eq(cpu_cpl(fx->cpu), 3);
    ck_assert_uint_eq(fx->cpu->seg[DS].base, 0x11110);
    ck_assert_uint_eq(fx->cpu->rflags, FLAG_VM | FLAG_IOPL | FLAG_IF | FLAG_CF | FLAG_1);
    fixture_free(fx);
}
END_TEST

/* INT 80h in virtual-8086 mode. The redirection bit is in the byte at TSS + 0x78. */
typedef struct Vm86Row {
    const char *name;
    uint32_t iopl, cr4;
    uint8_t bit;
    uint32_t flags;  /* VIF */
    int vector;      /* fault */
    bool ivt;        /* goes to 0:0x5000 */
    uint16_t pushed; /* flags, then */
    uint32_t clear;  /* flags clear in the handler */
} Vm86Row;

static const Vm86Row vm86_rows[] = {
    { "IOPL 3 without VME takes the IDT", 3, 0, 0, 0, -1, false, 0, FLAG_VM },
    { "IOPL 0 without VME is #GP(0)", 0, 0, 0, 0, VECTOR_GP, false, 0, 0 },
    { "IOPL 3 redirected", 3, CR4_VME, 0, 0, -1, true, 0x3203, FLAG_IF },
    { "IOPL 3 not redirected", 3, CR4_VME, 1, 0, -1, false, 0, FLAG_VM },
    { "IOPL 0 not redirected is #GP(0)", 0, CR4_VME, 1, 0, VECTOR_GP, false, 0, 0 },
    { "IOPL 0 redirected pushes VIF as IF", 0, CR4_VME, 0, FLAG_VIF, -1, true, 0x3203, FLAG_VIF },
    { "IOPL 0 redirected with VIF clear", 0, CR4_VME, 0, 0, -1, true, 0x3003, FLAG_VIF },
};

START_TEST(vm86_row)
{
    const Vm86Row *row = &vm86_rows[_i];

    prepare(FIXTURE_VM86, 3, int80, 2);
    flags_write(fx->cpu, row->iopl << FLAG_IOPL_SHIFT | row->flags, FLAG_IOPL | FLAG_VIF);
    fx->cpu->cr4 |= row->cr4;
    fixture_write(fx, FIXTURE_TSS + 0x68 + 0x80 / 8, 1, row->bit);
    fixture_write(fx, 0x80 * 4, 4, 0x5000);
    ck_assert_msg((fixture_run(fx, 1) == FIXTURE_FAULT) == (row->vector >= 0), "%s", row->name);
    if (row->vector >= 0) {
        ck_assert_msg(fx->cpu->fault.vector == row->vector, "%s", row->name);
        ck_assert_uint_eq(fx->cpu->fault.error, 0);
    } else if (row->ivt) {
        ck_assert_msg(fx->cpu->rip == 0x5000, "%s: rip %#lx", row->name, fx->cpu->rip);
        ck_assert_msg(slot(2, 2) == row->pushed, "%s: %#lx", row->name, slot(2, 2));
        ck_assert(fx->cpu->rflags & FLAG_VM);
    } else {
        ck_assert_msg(fx->cpu->rip == FIXTURE_HANDLERS + 0x80, "%s", row->name);
    }
    ck_assert_msg(row->vector >= 0 || !(fx->cpu->rflags & row->clear), "%s: flags", row->name);
    fixture_free(fx);
}
END_TEST

START_TEST(vme_iret_moves_if_to_vif)
{
    static const uint8_t iret[] = { 0xcf };

    prepare(FIXTURE_VM86, 3, iret, 1);
    flags_write(fx->cpu, 0, FLAG_IOPL);
    fx->cpu->cr4 |= CR4_VME;
    fixture_write(fx, STACK, 2, 0x1234);
    fixture_write(fx, STACK + 2, 2, 0);
    fixture_write(fx, STACK + 4, 2, FLAG_IF | FLAG_ZF);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->rip, 0x1234);
    ck_assert_uint_eq(fx->cpu->rflags, FLAG_VM | FLAG_IF | FLAG_VIF | FLAG_ZF | FLAG_1);
    fx->cpu->rip = FIXTURE_CODE;
    fx->cpu->gpr[RSP] = STACK;
    fx->cpu->rflags |= FLAG_VIP;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
    fixture_free(fx);
}
END_TEST

/* ---- Interrupts from outside ---- */

START_TEST(intr_waits_for_if_and_shadow)
{
    prepare(FIXTURE_LONG64, 0, ud2, 2);
    fx->interrupt = 0x31;
    cpu_request_set(fx->cpu, CPU_REQUEST_INTR);
    fx->cpu->rflags &= ~(uint64_t)FLAG_IF;
    ck_assert(!interrupt_ready(fx->cpu));
    ck_assert(!interrupt_poll(fx->cpu));
    fx->cpu->rflags |= FLAG_IF;
    fx->cpu->shadow = SHADOW_STI;
    ck_assert(!interrupt_poll(fx->cpu));
    fx->cpu->shadow = SHADOW_NONE;
    fx->cpu->halted = true;
    ck_assert(interrupt_ready(fx->cpu));
    ck_assert(interrupt_poll(fx->cpu));
    ck_assert(!fx->cpu->halted);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_HANDLERS + 0x31);
    ck_assert_uint_eq(slot(8, 0), FIXTURE_CODE);
    ck_assert_uint_eq(slot(8, 2), FLAG_IF | FLAG_CF | FLAG_1);
    ck_assert(!interrupt_ready(fx->cpu));
    fixture_free(fx);
}
END_TEST

START_TEST(an_interrupt_that_went_away_delivers_nothing)
{
    prepare(FIXTURE_LONG64, 0, ud2, 2);
    cpu_request_set(fx->cpu, CPU_REQUEST_INTR);
    ck_assert(!interrupt_poll(fx->cpu));
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE);
    fixture_free(fx);
}
END_TEST

START_TEST(nmi_is_blocked_until_iret)
{
    static const uint8_t iretq[] = { 0x48, 0xcf };

    prepare(FIXTURE_LONG64, 3, ud2, 2);
    cpu_request_set(fx->cpu, CPU_REQUEST_NMI);
    ck_assert(interrupt_poll(fx->cpu));
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_HANDLERS + VECTOR_NMI);
    cpu_request_set(fx->cpu, CPU_REQUEST_NMI);
    ck_assert(!interrupt_poll(fx->cpu));
    phys_map_write(fx->map, FIXTURE_HANDLERS + VECTOR_NMI, iretq, 2);
    ck_assert(fixture_step(fx));
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE);
    ck_assert_uint_eq(cpu_cpl(fx->cpu), 3);
    ck_assert(interrupt_ready(fx->cpu));
    fixture_free(fx);
}
END_TEST

START_TEST(init_and_sipi_start_an_application_processor)
{
    prepare(FIXTURE_PROTECTED32, 0, ud2, 2);
    fx->cpu->index = 1;
    cpu_request_set(fx->cpu, CPU_REQUEST_INIT | CPU_REQUEST_SIPI | CPU_REQUEST_NMI);
    fx->cpu->sipi_vector = 0x9a;
    ck_assert(interrupt_poll(fx->cpu));
    ck_assert(fx->cpu->wait_sipi);
    ck_assert(interrupt_poll(fx->cpu));
    ck_assert(!fx->cpu->wait_sipi);
    ck_assert_uint_eq(fx->cpu->seg[CS].base, 0x9a000);
    ck_assert_uint_eq(fx->cpu->seg[CS].selector, 0x9a00);
    ck_assert_uint_eq(fx->cpu->rip, 0);
    ck_assert(!(fx->cpu->mode & MODE_PE));
    fixture_free(fx);
}
END_TEST

static TCase *frames_case(void)
{
    TCase *tc = tcase_create("frames");

    tcase_add_test(tc, real_mode_pushes_flags_cs_ip);
    tcase_add_test(tc, real_mode_returns_where_int_left);
    tcase_add_test(tc, real_mode_stack_wraps_at_64k);
    tcase_add_test(tc, same_privilege_keeps_the_stack);
    tcase_add_test(tc, inner_privilege_takes_the_stack_of_the_tss);
    tcase_add_test(tc, a_16_bit_gate_pushes_words);
    tcase_add_test(tc, a_trap_gate_leaves_if);
    tcase_add_test(tc, an_error_code_is_pushed_last);
    tcase_add_test(tc, long_mode_aligns_the_stack_and_pushes_ss_rsp_always);
    tcase_add_test(tc, long_mode_from_user_loads_a_null_ss);
    tcase_add_test(tc, ist_names_the_stack_at_any_privilege);
    tcase_add_test(tc, a_frame_may_cross_pages);
    tcase_add_test(tc, page_fault_sets_cr2_and_the_error_code);
    return tc;
}

static TCase *faults_case(void)
{
    TCase *tc = tcase_create("faults");

    tcase_add_loop_test(tc, gate_row, 0, sizeof(gate_rows) / sizeof(gate_rows[0]));
    tcase_add_loop_test(tc, stack_row, 0, sizeof(stack_rows) / sizeof(stack_rows[0]));
    tcase_add_test(tc, a_fault_in_delivery_of_an_exception_has_ext_set);
    tcase_add_test(tc, two_contributory_faults_make_a_double_fault);
    tcase_add_test(tc, a_page_fault_behind_a_contributory_one_is_delivered);
    tcase_add_test(tc, two_page_faults_make_a_double_fault);
    tcase_add_test(tc, a_fault_in_a_double_fault_shuts_down);
    tcase_add_test(tc, a_short_ivt_shuts_real_mode_down);
    return tc;
}

static void stop_on_triple_fault(Cpu *cpu)
{
    cpu_request_set(cpu, CPU_REQUEST_STOP);
}

START_TEST(nothing_runs_behind_an_interrupt_that_shuts_down)
{
    static const uint8_t code[] = { 0x90 };
    CpuBus bus;

    prepare(FIXTURE_PROTECTED32, 0, code, sizeof(code));
    bus = *fx->cpu->bus;
    bus.triple_fault = stop_on_triple_fault;
    fx->cpu->bus = &bus;
    fx->cpu->idtr.limit = 0;
    fx->cpu->rflags |= FLAG_IF;
    fx->interrupt = 0x31;
    cpu_request_set(fx->cpu, CPU_REQUEST_INTR);
    software_cpu_run(fx->cpu, 10);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE);
    fixture_free(fx);
}
END_TEST

static TCase *vm86_case(void)
{
    TCase *tc = tcase_create("virtual-8086 mode");

    tcase_add_test(tc, vm86_pushes_its_data_segments);
    tcase_add_test(tc, iretd_goes_back_to_vm86);
    tcase_add_loop_test(tc, vm86_row, 0, sizeof(vm86_rows) / sizeof(vm86_rows[0]));
    tcase_add_test(tc, vme_iret_moves_if_to_vif);
    return tc;
}

static TCase *events_case(void)
{
    TCase *tc = tcase_create("events");

    tcase_add_test(tc, intr_waits_for_if_and_shadow);
    tcase_add_test(tc, an_interrupt_that_went_away_delivers_nothing);
    tcase_add_test(tc, nmi_is_blocked_until_iret);
    tcase_add_test(tc, nothing_runs_behind_an_interrupt_that_shuts_down);
    tcase_add_test(tc, init_and_sipi_start_an_application_processor);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("interrupts");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, frames_case());
    suite_add_tcase(suite, faults_case());
    suite_add_tcase(suite, vm86_case());
    suite_add_tcase(suite, events_case());
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
