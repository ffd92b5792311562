/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads of segment registers, and the instructions on descriptors and descriptor tables. */
#include "tests/isa/fixture.h"
#include <check.h>
#include <stdlib.h>
#include "runtime/software_cpu/software_cpu_int.h"

enum {
    FREE = FIXTURE_GDT_FREE, /* the descriptor that a row describes */
    BASE = 0x00123450,
    LIMIT = 0x0fff,
    DATA = ATTR_P | ATTR_S | ATTR_RW,
    DATA_RO = ATTR_P | ATTR_S,
    CODE = ATTR_P | ATTR_S | ATTR_CODE | ATTR_RW,
    CODE_XO = ATTR_P | ATTR_S | ATTR_CODE,
    CONFORMING = CODE | ATTR_DC,
    LDT = ATTR_P | 2,
    TSS = ATTR_P | 9,
    TSS_BUSY = ATTR_P | 11,
    CALL_GATE = ATTR_P | 12,
    INT_GATE = ATTR_P | 14,
    DPL3 = 3 << ATTR_DPL_SHIFT,
    NONE = -1, /* no fault */
};

/* One instruction on a selector in AX and a descriptor in the free entry of the GDT. */
typedef struct Row {
    const char *name;
    FixtureMode mode;
    unsigned cpl;
    uint8_t code[4];
    uint16_t ax;
    uint16_t attr;
    int vector;
    uint32_t error;
} Row;

#define MOV_DS                                                                                     \
    {                                                                                              \
        0x8e, 0xd8, 0xf4                                                                           \
    }
#define MOV_SS                                                                                     \
    {                                                                                              \
        0x8e, 0xd0, 0xf4                                                                           \
    }
#define MOV_FS                                                                                     \
    {                                                                                              \
        0x8e, 0xe0, 0xf4                                                                           \
    }
#define LLDT_AX                                                                                    \
    {                                                                                              \
        0x0f, 0x00, 0xd0, 0xf4                                                                     \
    }
#define LTR_AX                                                                                     \
    {                                                                                              \
        0x0f, 0x00, 0xd8, 0xf4                                                                     \
    }
#define SLDT_EAX                                                                                   \
    {                                                                                              \
        0x0f, 0x00, 0xc0, 0xf4                                                                     \
    }
#define LGDT_RAX                                                                                   \
    {                                                                                              \
        0x0f, 0x01, 0x10, 0xf4                                                                     \
    }
#define SIDT_RAX                                                                                   \
    {                                                                                              \
        0x0f, 0x01, 0x08, 0xf4                                                                     \
    }
#define P32 FIXTURE_PROTECTED32
#define L64 FIXTURE_LONG64

static const Row rows[] = {
    { "mov ds takes writable data", P32, 0, MOV_DS, FREE, DATA, NONE, 0 },
    { "mov ds takes readable code", P32, 0, MOV_DS, FREE, CODE, NONE, 0 },
    { "mov ds refuses execute-only code", P32, 0, MOV_DS, FREE, CODE_XO, VECTOR_GP, FREE },
    { "mov ds refuses a system descriptor", P32, 0, MOV_DS, FREE, LDT, VECTOR_GP, FREE },
    { "mov ds refuses an inner DPL", P32, 3, MOV_DS, FREE | 3, DATA, VECTOR_GP, FREE },
    { "mov ds takes conforming code at any DPL", P32, 3, MOV_DS, FREE | 3, CONFORMING, NONE, 0 },
    { "mov ds refuses an RPL beyond DPL", P32, 0, MOV_DS, FREE | 3, DATA, VECTOR_GP, FREE },
    { "mov ds of an absent segment", P32, 0, MOV_DS, FREE, DATA & ~ATTR_P, VECTOR_NP, FREE },
    { "mov ds beyond the GDT", P32, 0, MOV_DS, 0x1000, DATA, VECTOR_GP, 0x1000 },
    { "mov ds out of no LDT", P32, 0, MOV_DS, 0xc, DATA, VECTOR_GP, 0xc },
    { "mov ds takes a null selector", P32, 0, MOV_DS, 3, DATA, NONE, 0 },
    { "mov ss takes writable data", P32, 0, MOV_SS, FREE, DATA, NONE, 0 },
    { "mov ss refuses read-only data", P32, 0, MOV_SS, FREE, DATA_RO, VECTOR_GP, FREE },
    { "mov ss refuses another RPL", P32, 0, MOV_SS, FREE | 1, DATA, VECTOR_GP, FREE },
    { "mov ss refuses another DPL", P32, 0, MOV_SS, FREE, DATA | DPL3, VECTOR_GP, FREE },
    { "mov ss of an absent segment", P32, 0, MOV_SS, FREE, DATA & ~ATTR_P, VECTOR_SS, FREE },
    { "mov ss refuses null in protected mode", P32, 0, MOV_SS, 0, DATA, VECTOR_GP, 0 },
    { "mov ss takes null in 64-bit mode", L64, 0, MOV_SS, 0, DATA, NONE, 0 },
    { "mov ss refuses null at CPL 3", L64, 3, MOV_SS, 3, DATA, VECTOR_GP, 0 },
    { "mov ss refuses null with another RPL", L64, 0, MOV_SS, 1, DATA, VECTOR_GP, 0 },
    { "mov fs in 64-bit mode", L64, 3, MOV_FS, FREE | 3, DATA | DPL3, NONE, 0 },
    { "lldt takes an LDT", P32, 0, LLDT_AX, FREE, LDT, NONE, 0 },
    { "lldt takes null", P32, 0, LLDT_AX, 0, LDT, NONE, 0 },
    { "lldt refuses a TSS", P32, 0, LLDT_AX, FREE, TSS, VECTOR_GP, FREE },
    { "lldt refuses a selector into the LDT", P32, 0, LLDT_AX, FREE | 4, LDT, VECTOR_GP, FREE | 4 },
    { "lldt of an absent LDT", P32, 0, LLDT_AX, FREE, 2, VECTOR_NP, FREE },
    { "lldt is privileged", P32, 3, LLDT_AX, FREE, LDT, VECTOR_GP, 0 },
    { "lldt in long mode", L64, 0, LLDT_AX, FREE, LDT, NONE, 0 },
    { "lldt in real mode", FIXTURE_REAL, 0, LLDT_AX, FREE, LDT, VECTOR_UD, 0 },
    { "lldt in virtual-8086 mode", FIXTURE_VM86, 3, LLDT_AX, FREE, LDT, VECTOR_UD, 0 },
    { "ltr takes a free TSS", P32, 0, LTR_AX, FREE, TSS, NONE, 0 },
    { "ltr refuses a busy TSS", P32, 0, LTR_AX, FREE, TSS_BUSY, VECTOR_GP, FREE },
    { "ltr refuses null", P32, 0, LTR_AX, 0, TSS, VECTOR_GP, 0 },
    { "ltr of an absent TSS", P32, 0, LTR_AX, FREE, 9, VECTOR_NP, FREE },
    { "ltr in long mode", L64, 0, LTR_AX, FREE, TSS, NONE, 0 },
    { "ltr in long mode refuses a 16-bit TSS", L64, 0, LTR_AX, FREE, 0x81, VECTOR_GP, FREE },
    { "sldt is undefined in real mode", FIXTURE_REAL, 0, SLDT_EAX, 0, 0, VECTOR_UD, 0 },
    { "sldt needs no privilege", P32, 3, SLDT_EAX, 0, 0, NONE, 0 },
    { "lgdt is privileged", P32, 3, LGDT_RAX, FIXTURE_DATA, 0, VECTOR_GP, 0 },
    { "sidt needs no privilege", P32, 3, SIDT_RAX, FIXTURE_DATA, 0, NONE, 0 },
};

static Fixture *fx;

static void prepare(const char *name, FixtureMode mode, unsigned cpl, const uint8_t *code,
                    uint16_t attr)
{
    (void)name;
    fx = fixture_new(mode);
    if (mode >= FIXTURE_PROTECTED16 && cpl == 3) {
        fixture_set_cpl(fx, 3);
    }
    fixture_set_descriptor(fx, FREE, BASE, LIMIT, attr);
    fixture_load(fx, code, 4);
}

START_TEST(selector_row)
{
    const Row *row = &rows[_i];
    Segment before[SEGMENTS];
    FixtureEnd end;

    prepare(row->name, row->mode, row->cpl, row->code, row->attr);
    fx->cpu->gpr[RAX] = row->ax;
    for (unsigned i = 0; i < SEGMENTS; i++) {
        before[i] = fx->cpu->seg[i];
    }
    end = fixture_run(fx, 1);
    if (row->vector == NONE) {
        ck_assert_msg(end == FIXTURE_STEPS, "%s: vector %d, error %#x", row->name,
                      fx->cpu->fault.vector, fx->cpu->fault.error);
    } else {
        ck_assert_msg(end == FIXTURE_FAULT, "%s: no fault", row->name);
        ck_assert_msg(fx->cpu->fault.vector == row->vector, "%s: vector %d", row->name,
                      fx->cpu->fault.vector);
        ck_assert_msg(fx->cpu->fault.error == row->error, "%s: error %#x", row->name,
                      fx->cpu->fault.error);
        ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE);
        for (unsigned i = 0; i < SEGMENTS; i++) {
            ck_assert_uint_eq(before[i].selector, fx->cpu->seg[i].selector);
            ck_assert_uint_eq(before[i].attr, fx->cpu->seg[i].attr);
        }
    }
    fixture_free(fx);
}
END_TEST

START_TEST(a_load_unpacks_the_descriptor_and_marks_it_accessed)
{
    static const uint8_t code[4] = MOV_DS;

    prepare("", P32, 0, code, DATA | ATTR_G | ATTR_DB);
    fx->cpu->gpr[RAX] = FREE;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->seg[DS].base, BASE);
    ck_assert_uint_eq(fx->cpu->seg[DS].limit, LIMIT << 12 | 0xfff);
    ck_assert_uint_eq(fx->cpu->seg[DS].selector, FREE);
    ck_assert_uint_eq(fx->cpu->seg[DS].attr, DATA | ATTR_G | ATTR_DB | ATTR_ACCESSED);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_GDT + FREE + 5, 1), (DATA | ATTR_ACCESSED) & 0xff);
    fixture_free(fx);
}
END_TEST

START_TEST(mov_ss_holds_interrupts_off_for_one_instruction)
{
    static const uint8_t code[4] = { 0x8e, 0xd0, 0x8e, 0xd8 };

    prepare("", P32, 0, code, DATA);
    fx->cpu->gpr[RAX] = FREE;
    fixture_run(fx, 1);
    ck_assert_uint_eq(fx->cpu->shadow, SHADOW_MOV_SS);
    fixture_run(fx, 1);
    ck_assert_uint_eq(fx->cpu->shadow, SHADOW_NONE);
    fixture_free(fx);
}
END_TEST

START_TEST(real_mode_loads_keep_the_limit)
{
    static const uint8_t code[4] = MOV_DS;

    prepare("", FIXTURE_REAL, 0, code, 0);
    fx->cpu->seg[DS].limit = 0xffffffff;
    fx->cpu->gpr[RAX] = 0x1234;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->seg[DS].base, 0x12340);
    ck_assert_uint_eq(fx->cpu->seg[DS].limit, 0xffffffff);
    fixture_free(fx);
}
END_TEST

START_TEST(ltr_marks_the_tss_busy_and_takes_16_bytes_in_long_mode)
{
    static const uint8_t code[4] = LTR_AX;

    prepare("", L64, 0, code, TSS);
    fixture_write(fx, FIXTURE_GDT + FREE + 8, 8, 0xffff8000);
    fx->cpu->gpr[RAX] = FREE;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->seg[TR].base, 0xffff800000000000ull | BASE);
    ck_assert_uint_eq(fx->cpu->seg[TR].attr, TSS_BUSY);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_GDT + FREE + 5, 1), TSS_BUSY);
    fixture_free(fx);
}
END_TEST

START_TEST(umip_hides_tables_from_user_code)
{
    static const uint8_t codes[][4] = { SLDT_EAX, SIDT_RAX, { 0x0f, 0x00, 0xc8 } };

    for (unsigned i = 0; i < 3; i++) {
        prepare("", P32, 3, codes[i], 0);
        fx->cpu->cr4 |= CR4_UMIP;
        fx->cpu->gpr[RAX] = FIXTURE_DATA;
        ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
        ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
        fixture_free(fx);
    }
}
END_TEST

/* ---- LAR, LSL, VERR, VERW, ARPL: ZF and a result in ECX ---- */

typedef struct Question {
    const char *name;
    FixtureMode mode;
    unsigned cpl;
    uint8_t code[4];
    uint16_t ax;
    uint16_t attr;
    bool zero;
    uint32_t ecx;
} Question;

#define LAR                                                                                        \
    {                                                                                              \
        0x0f, 0x02, 0xc8, 0xf4                                                                     \
    }
#define LSL                                                                                        \
    {                                                                                              \
        0x0f, 0x03, 0xc8, 0xf4                                                                     \
    }
#define VERR                                                                                       \
    {                                                                                              \
        0x0f, 0x00, 0xe0, 0xf4                                                                     \
    }
#define VERW                                                                                       \
    {                                                                                              \
        0x0f, 0x00, 0xe8, 0xf4                                                                     \
    }
#define ARPL                                                                                       \
    {                                                                                              \
        0x63, 0xc1, 0xf4                                                                           \
    } /* arpl cx,ax */
#define ECX 0x55555554

static const Question questions[] = {
    { "lar of data", P32, 0, LAR, FREE, DATA | ATTR_G, true, 0x00809200 },
    { "lar of an absent segment", P32, 0, LAR, FREE, DATA & ~ATTR_P, true, 0x00001200 },
    { "lar of null", P32, 0, LAR, 0, DATA, false, ECX },
    { "lar beyond the GDT", P32, 0, LAR, 0x1000, DATA, false, ECX },
    { "lar of an interrupt gate", P32, 0, LAR, FREE, INT_GATE, false, ECX },
    { "lar of a call gate", P32, 0, LAR, FREE, CALL_GATE, true, 0x8c00 },
    { "lar of inner data", P32, 3, LAR, FREE | 3, DATA, false, ECX },
    { "lar of conforming inner code", P32, 3, LAR, FREE | 3, CONFORMING, true, 0x9e00 },
    { "lar of a 16-bit TSS in long mode", L64, 0, LAR, FREE, 0x81, false, ECX },
    { "lar of a TSS in long mode", L64, 0, LAR, FREE, TSS, true, 0x8900 },
    { "lsl in bytes", P32, 0, LSL, FREE, DATA, true, LIMIT },
    { "lsl in pages", P32, 0, LSL, FREE, DATA | ATTR_G, true, LIMIT << 12 | 0xfff },
    { "lsl of a call gate", P32, 0, LSL, FREE, CALL_GATE, false, ECX },
    { "lsl of an LDT", L64, 0, LSL, FREE, LDT, true, LIMIT },
    { "verr of data", P32, 0, VERR, FREE, DATA, true, ECX },
    { "verr of execute-only code", P32, 0, VERR, FREE, CODE_XO, false, ECX },
    { "verr of inner data", P32, 3, VERR, FREE | 3, DATA, false, ECX },
    { "verr of an LDT", P32, 0, VERR, FREE, LDT, false, ECX },
    { "verw of data", P32, 0, VERW, FREE, DATA, true, ECX },
    { "verw of read-only data", P32, 0, VERW, FREE, DATA_RO, false, ECX },
    { "verw of code", P32, 0, VERW, FREE, CODE, false, ECX },
    { "arpl raises RPL", P32, 3, ARPL, 3, 0, true, ECX | 3 },
    { "arpl keeps a higher RPL", P32, 3, ARPL, 0, 0, false, ECX },
};

START_TEST(question_row)
{
    const Question *row = &questions[_i];
    FixtureEnd end;

    prepare(row->name, row->mode, row->cpl, row->code, row->attr);
    fx->cpu->gpr[RAX] = row->ax;
    fx->cpu->gpr[RCX] = ECX;
    fx->cpu->rflags |= row->zero ? 0 : FLAG_ZF;
    end = fixture_run(fx, 1);
    ck_assert_msg(end == FIXTURE_STEPS, "%s: vector %d", row->name, fx->cpu->fault.vector);
    ck_assert_msg(!(fx->cpu->rflags & FLAG_ZF) == !row->zero, "%s: ZF", row->name);
    ck_assert_msg(fx->cpu->gpr[RCX] == row->ecx, "%s: ecx %#lx", row->name, fx->cpu->gpr[RCX]);
    fixture_free(fx);
}
END_TEST

START_TEST(lgdt_and_sgdt_move_limit_and_base)
{
    static const uint8_t code32[] = { 0x0f, 0x01, 0x10, 0x0f, 0x01, 0x01 };
    static const uint8_t code16[] = { 0x66, 0x0f, 0x01, 0x10 };

    fx = fixture_new(P32);
    fixture_load(fx, code32, sizeof(code32));
    fixture_write(fx, FIXTURE_DATA, 2, 0x1234);
    fixture_write(fx, FIXTURE_DATA + 2, 4, 0xdeadbeef);
    fx->cpu->gpr[RAX] = FIXTURE_DATA;
    fx->cpu->gpr[RCX] = FIXTURE_DATA + 16;
    ck_assert_int_eq(fixture_run(fx, 2), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->gdtr.limit, 0x1234);
    ck_assert_uint_eq(fx->cpu->gdtr.base, 0xdeadbeef);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 16, 2), 0x1234);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 18, 4), 0xdeadbeef);
    fixture_load(fx, code16, sizeof(code16));
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->gdtr.base, 0xadbeef);
    fixture_free(fx);
}
END_TEST

START_TEST(lss_loads_register_and_segment_or_neither)
{
    static const uint8_t code[] = { 0x0f, 0xb2, 0x20 }; /* lss esp,[eax] */

    fx = fixture_new(P32);
    fixture_load(fx, code, sizeof(code));
    fixture_set_descriptor(fx, FREE, BASE, LIMIT, DATA);
    fixture_write(fx, FIXTURE_DATA, 4, 0x8000);
    fixture_write(fx, FIXTURE_DATA + 4, 2, 0x2000);
    fx->cpu->gpr[RAX] = FIXTURE_DATA;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], FIXTURE_STACK);
    fixture_write(fx, FIXTURE_DATA + 4, 2, FREE);
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fx->cpu->gpr[RSP], 0x8000);
    ck_assert_uint_eq(fx->cpu->seg[SS].base, BASE);
    fixture_free(fx);
}
END_TEST

START_TEST(arpl_writes_only_what_changes)
{
    static const uint8_t code[] = { 0x63, 0x08 }; /* arpl [eax],cx */
    enum { READ_ONLY = 1 | 4 };

    fx = fixture_new(FIXTURE_PAGING32);
    fixture_load(fx, code, sizeof(code));
    fixture_write(fx, FIXTURE_DATA, 2, 2);
    fixture_set_page(fx, FIXTURE_DATA, READ_ONLY);
    fx->cpu->gpr[RAX] = FIXTURE_DATA;
    fx->cpu->gpr[RCX] = 2;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    fixture_load(fx, code, sizeof(code));
    fx->cpu->gpr[RCX] = 3;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.error, 3);
    fixture_set_page(fx, FIXTURE_DATA, 0); /* a missing page is missed by the read */
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.error, 0);
    fixture_free(fx);
}
END_TEST

START_TEST(clzero_clears_the_line_of_the_linear_address)
{
    static const uint8_t code[] = { 0x64, 0x0f, 0x01, 0xfc }; /* fs clzero */

    fx = fixture_new(FIXTURE_LONG64);
    fixture_load(fx, code, sizeof(code));
    for (unsigned i = 0; i < 3; i++) {
        fixture_write(fx, FIXTURE_DATA + i * 64, 8, UINT64_MAX);
        fixture_write(fx, FIXTURE_DATA + i * 64 + 56, 8, UINT64_MAX);
    }
    fx->cpu->seg[FS].base = FIXTURE_DATA + 16;
    fx->cpu->gpr[RAX] = 56;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_STEPS);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 56, 8), UINT64_MAX);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 64, 8), 0);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 120, 8), 0);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 128, 8), UINT64_MAX);
    fixture_free(fx);
}
END_TEST

START_TEST(clzero_of_a_code_segment_is_refused)
{
    static const uint8_t code[] = { 0x2e, 0x0f, 0x01, 0xfc }; /* cs clzero */

    fx = fixture_new(P32);
    fixture_load(fx, code, sizeof(code));
    fx->cpu->gpr[RAX] = FIXTURE_DATA;
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
    fixture_free(fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segment loads");
    TCase *tc = tcase_create("segments");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, selector_row, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, a_load_unpacks_the_descriptor_and_marks_it_accessed);
    tcase_add_test(tc, mov_ss_holds_interrupts_off_for_one_instruction);
    tcase_add_test(tc, real_mode_loads_keep_the_limit);
    tcase_add_test(tc, ltr_marks_the_tss_busy_and_takes_16_bytes_in_long_mode);
    tcase_add_test(tc, umip_hides_tables_from_user_code);
    tcase_add_loop_test(tc, question_row, 0, sizeof(questions) / sizeof(questions[0]));
    tcase_add_test(tc, lgdt_and_sgdt_move_limit_and_base);
    tcase_add_test(tc, lss_loads_register_and_segment_or_neither);
    tcase_add_test(tc, arpl_writes_only_what_changes);
    tcase_add_test(tc, clzero_clears_the_line_of_the_linear_address);
    tcase_add_test(tc, clzero_of_a_code_segment_is_refused);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
