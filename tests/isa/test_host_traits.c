/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_host_traits.c - what this host answers, and that the software CPU follows each answer that a
 * host may give. */
#include <check.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/software_cpu/host_code32.h"
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/integer.h"
#include "runtime/software_cpu/thunk.h"
#include "tests/isa/vector_fixture.h"

enum { EDGE = 0x9000 /* of a page that is not there */, NO_VECTOR = 0xff };

/* ---- A case: an instruction on a host that has the trait's value ---- */

typedef struct TraitCase {
    HostTrait trait;
    uint8_t value;
    FixtureMode mode;
    uint8_t code[10];
    void (*prepare)(Fixture *fx);
    uint8_t vector;
    uint64_t (*look)(const Fixture *fx);
    uint64_t expected;
} TraitCase;

static uint64_t look_flags(const Fixture *fx)
{
    return fx->cpu->rflags & FLAGS_ARITH;
}

static uint64_t look_rcx(const Fixture *fx)
{
    return fx->cpu->gpr[RCX];
}

static uint64_t look_r8(const Fixture *fx)
{
    return fx->cpu->gpr[R8];
}

static uint64_t look_rax(const Fixture *fx)
{
    return fx->cpu->gpr[RAX];
}

static uint64_t look_stack(const Fixture *fx)
{
    return fixture_read(fx, FIXTURE_STACK - 4, 4);
}

static uint64_t look_address(const Fixture *fx)
{
    return fx->cpu->fault.vector == VECTOR_PF ? fx->cpu->fault.address : 0;
}

static uint64_t look_status(const Fixture *fx)
{
    return x87_word(fx, 2);
}

static uint64_t look_top_tags(const Fixture *fx)
{
    return (x87_word(fx, 2) & 0x3800u) << 16 | (x87_word(fx, 4) & 0xffu);
}

static uint64_t look_opcode(const Fixture *fx)
{
    return fx->cpu->x87_last.op;
}

static uint64_t look_mxcsr(const Fixture *fx)
{
    return mxcsr_get(fx);
}

static void with_flags(Fixture *fx)
{
    flags_write(fx->cpu, FLAG_CF | FLAG_SF, FLAGS_ARITH);
    fx->cpu->gpr[RCX] = 5;
    fx->cpu->gpr[RSI] = fx->cpu->gpr[RDI] = EDGE - 16;
}

static void with_upper_rcx(Fixture *fx)
{
    fx->cpu->gpr[RCX] = 1ull << 32;
}

static void with_r8(Fixture *fx)
{
    fx->cpu->gpr[R8] = 1;
    fx->cpu->gpr[RAX] = 2;
}

static void with_ones_below(Fixture *fx)
{
    fixture_write(fx, FIXTURE_STACK - 4, 4, 0xffffffff);
}

/* Neither the last page of 4 GiB nor the first is there. */
static void at_4g(Fixture *fx)
{
    fx->cpu->gpr[RDI] = 0xfffffffe;
    fixture_set_page(fx, 0, 0);
}

static void checked(Fixture *fx, uint64_t address)
{
    fixture_set_cpl(fx, 3);
    fx->cpu->cr0 |= CR0_AM;
    flags_write(fx->cpu, FLAG_AC, FLAG_AC);
    fx->cpu->gpr[RDI] = address;
}

/* An empty register is stored: #IS, with fcw as given. */
static void x87_empty(Fixture *fx, uint16_t control, uint64_t address)
{
    x87_set_word(fx, 0, control);
    fx->cpu->gpr[RDI] = address;
}

static void x87_unmasked_absent(Fixture *fx)
{
    x87_empty(fx, 0x37e, EDGE);
}

static void x87_unmasked_nowhere(Fixture *fx)
{
    x87_empty(fx, 0x37e, 1ull << 63);
}

static void x87_unmasked_unaligned(Fixture *fx)
{
    checked(fx, FIXTURE_DATA + 1);
    x87_empty(fx, 0x37e, FIXTURE_DATA + 1);
}

static void x87_masked_absent(Fixture *fx)
{
    x87_empty(fx, 0x37f, EDGE);
}

static void x87_busy(Fixture *fx)
{
    x87_empty(fx, 0x37f, EDGE);
    x87_set_word(fx, 2, 0x2000);
}

static void at_data(Fixture *fx)
{
    fx->cpu->gpr[RDI] = FIXTURE_DATA;
}

static void cvt_masked(Fixture *fx)
{
    mxcsr_set(fx, 0x1f80);
    lane_set(fx, 0, 0, 0x33333333);
    fx->cpu->gpr[RDI] = EDGE;
}

static void cvt_unmasked(Fixture *fx)
{
    cvt_masked(fx);
    mxcsr_set(fx, 0x0f80);
}

static void cvt_unaligned(Fixture *fx)
{
    cvt_masked(fx);
    checked(fx, FIXTURE_DATA + 1);
}

static void mask_full(Fixture *fx)
{
    checked(fx, FIXTURE_DATA + 1);
    memset(fx->cpu->xsave + 32, 0xff, 32); /* MM0 and MM1 are ST0 and ST1 */
    x87_set_word(fx, 4, 0xff);
    lane_set(fx, 1, 0, UINT64_MAX);
}

static void mask_halves(Fixture *fx)
{
    checked(fx, FIXTURE_DATA + 8);
}

static void mask_empty(Fixture *fx)
{
    checked(fx, FIXTURE_DATA + 1);
}

/* Element 6 of eight is selected. */
static void masked_whole(Fixture *fx)
{
    lane_set(fx, 1, 3, 0x80000000);
    fx->cpu->gpr[RDI] = EDGE + 64;
}

static void masked_split(Fixture *fx)
{
    masked_whole(fx);
    fx->cpu->gpr[RDI] = EDGE - 20;
}

static void call_nowhere(Fixture *fx)
{
    with_ones_below(fx);
    fx->cpu->gpr[RAX] = 1ull << 63;
}

static void lar_selector(Fixture *fx)
{
    fx->cpu->gpr[RCX] = FIXTURE_CS64;
}

#define REPE_CMPSQ                                                                                 \
    {                                                                                              \
        0xf3, 0x48, 0xa7                                                                           \
    }
#define REP_STOSB_67                                                                               \
    {                                                                                              \
        0x67, 0xf3, 0xaa                                                                           \
    }
#define PAUSE_REX                                                                                  \
    {                                                                                              \
        0xf3, 0x41, 0x90                                                                           \
    }
#define PUSH_FS                                                                                    \
    {                                                                                              \
        0x0f, 0xa0                                                                                 \
    }
#define LOAD                                                                                       \
    {                                                                                              \
        0x8b, 0x07                                                                                 \
    }
#define FLD                                                                                        \
    {                                                                                              \
        0xd9, 0x07                                                                                 \
    }
#define FISTP                                                                                      \
    {                                                                                              \
        0xdf, 0x1f                                                                                 \
    }
#define MOVQ_STORE                                                                                 \
    {                                                                                              \
        0x0f, 0x7f, 0x07                                                                           \
    }
#define MOVQ_LOAD                                                                                  \
    {                                                                                              \
        0x0f, 0x6f, 0x07                                                                           \
    }
#define CVT                                                                                        \
    {                                                                                              \
        0xc4, 0xe3, 0x79, 0x1d, 0x07, 0x00                                                         \
    } /* xmm0 */
#define MOVUPS                                                                                     \
    {                                                                                              \
        0x0f, 0x10, 0x07                                                                           \
    }
#define VMOVUPS                                                                                    \
    {                                                                                              \
        0xc5, 0xfc, 0x10, 0x07                                                                     \
    }
#define VPADDD                                                                                     \
    {                                                                                              \
        0xc5, 0xf9, 0xfe, 0x07                                                                     \
    }
#define VADDPS                                                                                     \
    {                                                                                              \
        0xc5, 0xfc, 0x58, 0x07                                                                     \
    }
#define MASKMOVQ                                                                                   \
    {                                                                                              \
        0x0f, 0xf7, 0xc1                                                                           \
    }
#define MASKMOVDQU                                                                                 \
    {                                                                                              \
        0x66, 0x0f, 0xf7, 0xc1                                                                     \
    }
#define MASKED_STORE                                                                               \
    {                                                                                              \
        0xc4, 0xe2, 0x75, 0x2e, 0x07                                                               \
    }
#define MASKED_LOAD                                                                                \
    {                                                                                              \
        0xc4, 0xe2, 0x75, 0x2c, 0x07                                                               \
    }
#define CALL_RAX                                                                                   \
    {                                                                                              \
        0xff, 0xd0                                                                                 \
    }
#define LAR                                                                                        \
    {                                                                                              \
        0x0f, 0x02, 0xc1                                                                           \
    }
#define L   FIXTURE_LONG64
#define PF_ VECTOR_PF
#define AC_ VECTOR_AC

static const TraitCase cases[] = {
    { HOST_REPEAT_FLAGS, 0, L, REPE_CMPSQ, with_flags, PF_, look_flags, FLAG_ZF | FLAG_PF },
    { HOST_REPEAT_FLAGS, 1, L, REPE_CMPSQ, with_flags, PF_, look_flags, FLAG_CF | FLAG_SF },
    { HOST_REPEAT_NONE, 0, L, REP_STOSB_67, with_upper_rcx, NO_VECTOR, look_rcx, 1ull << 32 },
    { HOST_REPEAT_NONE, 1, L, REP_STOSB_67, with_upper_rcx, NO_VECTOR, look_rcx, 0 },
    { HOST_PAUSE_REX, 0, L, PAUSE_REX, with_r8, NO_VECTOR, look_r8, 2 },
    { HOST_PAUSE_REX, 1, L, PAUSE_REX, with_r8, NO_VECTOR, look_r8, 1 },
    { HOST_PUSH_SEGMENT, 0, FIXTURE_PROTECTED32, PUSH_FS, with_ones_below, NO_VECTOR, look_stack,
      FIXTURE_DATA32 },
    { HOST_PUSH_SEGMENT, 1, FIXTURE_PROTECTED32, PUSH_FS, with_ones_below, NO_VECTOR, look_stack,
      0xffff0000 | FIXTURE_DATA32 },
    { HOST_WRAP_4G, 0, FIXTURE_PAGING32, LOAD, at_4g, VECTOR_GP, look_address, 0 },
    { HOST_WRAP_4G, 1, FIXTURE_PAGING32, LOAD, at_4g, PF_, look_address, 0xfffffffe },
    { HOST_WRAP_4G, 2, FIXTURE_PAGING32, LOAD, at_4g, PF_, look_address, 0 },
    { HOST_X87_STORE_PAGE, 0, L, FISTP, x87_unmasked_absent, PF_, look_status, 0 },
    { HOST_X87_STORE_PAGE, 1, L, FISTP, x87_unmasked_absent, NO_VECTOR, look_status, 0x80c1 },
    { HOST_X87_STORE_SEGMENT, 0, L, FISTP, x87_unmasked_nowhere, VECTOR_GP, look_status, 0 },
    { HOST_X87_STORE_SEGMENT, 1, L, FISTP, x87_unmasked_nowhere, NO_VECTOR, look_status, 0x80c1 },
    { HOST_X87_STORE_ALIGN, 0, L, FISTP, x87_unmasked_unaligned, AC_, look_status, 0 },
    { HOST_X87_STORE_ALIGN, 1, L, FISTP, x87_unmasked_unaligned, NO_VECTOR, look_status, 0x80c1 },
    { HOST_X87_STORE_FLAGS, 0, L, FISTP, x87_masked_absent, PF_, look_status, 0 },
    { HOST_X87_STORE_FLAGS, 1, L, FISTP, x87_masked_absent, PF_, look_status, 0x41 },
    { HOST_X87_OPCODE, 0, L, FLD, at_data, NO_VECTOR, look_opcode, 0x107 },
    { HOST_X87_OPCODE, 1, L, FLD, at_data, NO_VECTOR, look_opcode, 0 },
    { HOST_MMX_STORE, 0, L, MOVQ_STORE, x87_busy, PF_, look_top_tags, 0x20000000 },
    { HOST_MMX_STORE, 1, L, MOVQ_STORE, x87_busy, PF_, look_top_tags, 0 },
    { HOST_MMX_STORE, 2, L, MOVQ_STORE, x87_busy, PF_, look_top_tags, 0xff },
    { HOST_MMX_LOAD, 0, L, MOVQ_LOAD, x87_busy, PF_, look_top_tags, 0x20000000 },
    { HOST_MMX_LOAD, 1, L, MOVQ_LOAD, x87_busy, PF_, look_top_tags, 0 },
    { HOST_MMX_LOAD, 2, L, MOVQ_LOAD, x87_busy, PF_, look_top_tags, 0xff },
    { HOST_CVT_STORE_FLAGS, 0, L, CVT, cvt_masked, PF_, look_mxcsr, 0x1f80 },
    { HOST_CVT_STORE_FLAGS, 1, L, CVT, cvt_masked, PF_, look_mxcsr, 0x1fb0 },
    { HOST_CVT_STORE_ORDER, 0, L, CVT, cvt_unmasked, PF_, look_mxcsr, 0x0f80 },
    { HOST_CVT_STORE_ORDER, 1, L, CVT, cvt_unmasked, VECTOR_XM, look_address, 0 },
    { HOST_CVT_STORE_ALIGN, 0, L, CVT, cvt_unaligned, AC_, look_address, 0 },
    { HOST_CVT_STORE_ALIGN, 1, L, CVT, cvt_unaligned, NO_VECTOR, look_address, 0 },
    { HOST_MOVE16_ALIGN, 0, L, MOVUPS, mask_empty, NO_VECTOR, look_address, 0 },
    { HOST_MOVE16_ALIGN, 1, L, MOVUPS, mask_empty, AC_, look_address, 0 },
    { HOST_MOVE32_ALIGN, 0, L, VMOVUPS, mask_empty, NO_VECTOR, look_address, 0 },
    { HOST_MOVE32_ALIGN, 1, L, VMOVUPS, mask_empty, AC_, look_address, 0 },
    { HOST_VECTOR16_ALIGN, 0, L, VPADDD, mask_empty, NO_VECTOR, look_address, 0 },
    { HOST_VECTOR16_ALIGN, 1, L, VPADDD, mask_empty, AC_, look_address, 0 },
    { HOST_VECTOR32_ALIGN, 0, L, VADDPS, mask_empty, NO_VECTOR, look_address, 0 },
    { HOST_VECTOR32_ALIGN, 1, L, VADDPS, mask_empty, AC_, look_address, 0 },
    { HOST_MASKMOVQ_ALIGN, 0, L, MASKMOVQ, mask_full, NO_VECTOR, look_address, 0 },
    { HOST_MASKMOVQ_ALIGN, 1, L, MASKMOVQ, mask_full, AC_, look_address, 0 },
    { HOST_MASKMOVQ_ALIGN, 1, L, MASKMOVQ, mask_empty, NO_VECTOR, look_address, 0 },
    { HOST_MASKMOVQ_ALIGN, 2, L, MASKMOVQ, mask_empty, AC_, look_address, 0 },
    { HOST_MASKMOVDQU_ALIGN, 0, L, MASKMOVDQU, mask_full, NO_VECTOR, look_address, 0 },
    { HOST_MASKMOVDQU_ALIGN, 1, L, MASKMOVDQU, mask_full, AC_, look_address, 0 },
    { HOST_MASKMOVDQU_ALIGN, 1, L, MASKMOVDQU, mask_empty, NO_VECTOR, look_address, 0 },
    { HOST_MASKMOVDQU_ALIGN, 2, L, MASKMOVDQU, mask_empty, AC_, look_address, 0 },
    { HOST_MASKMOVDQU_UNIT, 0, L, MASKMOVDQU, mask_halves, AC_, look_address, 0 },
    { HOST_MASKMOVDQU_UNIT, 1, L, MASKMOVDQU, mask_halves, NO_VECTOR, look_address, 0 },
    { HOST_MASKED_STORE, 0, L, MASKED_STORE, masked_whole, PF_, look_address, EDGE + 64 + 24 },
    { HOST_MASKED_STORE, 1, L, MASKED_STORE, masked_whole, PF_, look_address, EDGE + 64 },
    { HOST_MASKED_STORE, 2, L, MASKED_STORE, masked_whole, PF_, look_address, EDGE + 64 + 31 },
    { HOST_MASKED_STORE_SPLIT, 0, L, MASKED_STORE, masked_split, PF_, look_address, EDGE + 4 },
    { HOST_MASKED_STORE_SPLIT, 1, L, MASKED_STORE, masked_split, PF_, look_address, EDGE },
    { HOST_MASKED_STORE_SPLIT, 2, L, MASKED_STORE, masked_split, PF_, look_address, EDGE + 11 },
    { HOST_MASKED_LOAD, 0, L, MASKED_LOAD, masked_whole, PF_, look_address, EDGE + 64 + 24 },
    { HOST_MASKED_LOAD, 1, L, MASKED_LOAD, masked_whole, PF_, look_address, EDGE + 64 },
    { HOST_MASKED_LOAD, 2, L, MASKED_LOAD, masked_whole, PF_, look_address, EDGE + 64 + 31 },
    { HOST_MASKED_LOAD_SPLIT, 0, L, MASKED_LOAD, masked_split, PF_, look_address, EDGE + 4 },
    { HOST_MASKED_LOAD_SPLIT, 1, L, MASKED_LOAD, masked_split, PF_, look_address, EDGE },
    { HOST_MASKED_LOAD_SPLIT, 2, L, MASKED_LOAD, masked_split, PF_, look_address, EDGE + 11 },
    { HOST_CALL_PUSH, 0, L, CALL_RAX, call_nowhere, VECTOR_GP, look_stack, 0xffffffff },
    { HOST_CALL_PUSH, 1, L, CALL_RAX, call_nowhere, VECTOR_GP, look_stack, 0 },
    { HOST_LAR_LIMIT, 0, L, LAR, lar_selector, NO_VECTOR, look_rax, 0x00af9b00 },
    { HOST_LAR_LIMIT, 1, L, LAR, lar_selector, NO_VECTOR, look_rax, 0x00a09b00 },
};

static bool host_can(const TraitCase *row)
{
    bool vex = row->code[0] == 0xc4 || row->code[0] == 0xc5;

    return !vex || (__builtin_cpu_supports("avx") && __builtin_cpu_supports("f16c"));
}

START_TEST(the_software_cpu_does_as_the_host)
{
    const TraitCase *row = &cases[_i];
    const char *name = host_trait_about(row->trait);
    HostTraits forced = { .value = { 0 } };
    Fixture *fx = vector_fixture_new(row->mode);
    FixtureEnd end;
    uint8_t vector;

    if (!host_can(row)) {
        vector_fixture_free(fx);
        return;
    }
    forced.value[row->trait] = row->value;
    if (row->trait == HOST_MASKMOVDQU_UNIT) { /* of a check that there is */
        forced.value[HOST_MASKMOVDQU_ALIGN] = HOST_ALIGN_ALWAYS;
    }
    fx->cpu->traits = &forced;
    x87_set_word(fx, 0, 0x37f);
    mxcsr_set(fx, 0x1f80);
    fixture_load(fx, row->code, sizeof(row->code));
    if (row->mode != FIXTURE_PROTECTED32) {
        fixture_set_page(fx, EDGE, 0);
    }
    row->prepare(fx);
    end = fixture_run(fx, 1);
    vector = end == FIXTURE_FAULT ? fx->cpu->fault.vector : NO_VECTOR;
    ck_assert_msg(vector == row->vector, "%s, %u: vector %u", name, row->value, vector);
    ck_assert_msg(row->look(fx) == row->expected, "%s, %u: %lx", name, row->value,
                  (unsigned long)row->look(fx));
    fx->cpu->traits = NULL;
    vector_fixture_free(fx);
}
END_TEST

START_TEST(every_value_of_every_trait_has_a_case)
{
    for (unsigned trait = 0; trait < HOST_TRAITS; trait++) {
        for (unsigned value = 0; host_trait_value_name((HostTrait)trait, value) != NULL; value++) {
            bool found = false;

            for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                found |= cases[i].trait == trait && cases[i].value == value;
            }
            ck_assert_msg(found, "%s, %u", host_trait_about((HostTrait)trait), value);
        }
    }
}
END_TEST

/* Nine bytes lie before the page that faults. */
START_TEST(ten_bytes_are_written_as_far_as_the_host_writes_them)
{
    static const uint8_t fbstp[] = { 0xdf, 0x37 }, fstp[] = { 0xdb, 0x3f };
    HostTraits forced = { .fbstp = { [9] = 0x0f }, .fstp = { [9] = 0xff } };
    Fixture *fx = vector_fixture_new(FIXTURE_LONG64);
    const uint8_t *code = _i == 0 ? fbstp : fstp;

    fx->cpu->traits = &forced;
    fixture_set_page(fx, EDGE, 0);
    x87_set_word(fx, 0, 0x37f);
    memset(fx->cpu->xsave + 32, 0x40, 10); /* ST0 */
    x87_set_word(fx, 4, 1);
    fixture_write(fx, EDGE - 9, 8, 0xaaaaaaaaaaaaaaaa);
    fixture_write(fx, EDGE - 1, 1, 0xaa);
    fx->cpu->gpr[RDI] = EDGE - 9;
    fixture_load(fx, code, sizeof(fbstp));
    ck_assert_int_eq(fixture_run(fx, 1), FIXTURE_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_PF);
    for (unsigned i = 0; i < 9; i++) {
        uint16_t table = _i == 0 ? forced.fbstp[9] : forced.fstp[9];

        ck_assert_int_eq(fixture_read(fx, EDGE - 9 + i, 1) != 0xaa, table >> i & 1);
    }
    ck_assert_uint_eq(x87_word(fx, 4) & 0xff, 1); /* nothing is popped */
    fx->cpu->traits = NULL;
    vector_fixture_free(fx);
}
END_TEST

/* ---- The host's own answers ---- */

START_TEST(the_host_answers_the_same_twice)
{
    HostTraits *first = host_traits_new(), *second = host_traits_new();

    for (unsigned i = 0; i < HOST_TRAITS; i++) {
        ck_assert_uint_eq(first->value[i], second->value[i]);
        ck_assert_ptr_nonnull(host_trait_value_name((HostTrait)i, first->value[i]));
    }
    ck_assert_int_eq(memcmp(first->fbstp, second->fbstp, sizeof(first->fbstp)), 0);
    ck_assert_int_eq(memcmp(first->fstp, second->fstp, sizeof(first->fstp)), 0);
    host_traits_free(first);
    host_traits_free(second);
}
END_TEST

START_TEST(asking_leaves_signals_and_segments_alone)
{
    struct sigaction before = { .sa_handler = SIG_IGN }, after;
    uint16_t ds[2];

    sigaction(SIGFPE, &before, NULL);
    __asm__ volatile("mov %%ds, %0" : "=r"(ds[0]));
    host_traits_free(host_traits_new());
    __asm__ volatile("mov %%ds, %0" : "=r"(ds[1]));
    sigaction(SIGFPE, NULL, &after);
    ck_assert(after.sa_handler == SIG_IGN);
    ck_assert_uint_eq(ds[0], ds[1]);
}
END_TEST

/* Results and defined flags of decimal adjustment are the manual's, whoever computes them. */
static const struct {
    uint8_t code[2];
    uint32_t defined;
} decimal[] = {
    { { 0x27 }, FLAGS_ARITH & ~FLAG_OF },
    { { 0x2f }, FLAGS_ARITH & ~FLAG_OF },
    { { 0x37 }, FLAG_AF | FLAG_CF },
    { { 0x3f }, FLAG_AF | FLAG_CF },
    { { 0xd4, 0x0a }, FLAG_SF | FLAG_ZF | FLAG_PF },
    { { 0xd4, 0x07 }, FLAG_SF | FLAG_ZF | FLAG_PF },
    { { 0xd5, 0x0a }, FLAG_SF | FLAG_ZF | FLAG_PF },
    { { 0xd5, 0xff }, FLAG_SF | FLAG_ZF | FLAG_PF },
};

START_TEST(decimal_adjustment_is_the_host_s)
{
    HostTraits *traits = host_traits_new();
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    Cpu *cpu = fx->cpu;

    for (unsigned ax = 0; ax < 0x10000; ax += 7) {
        uint64_t flags = ax % 3 == 0 ? FLAG_CF : ax % 3 == 1 ? FLAG_AF : FLAG_OF | FLAG_AF;
        uint64_t rax[2], rflags[2];

        for (unsigned with = 0; with < 2; with++) {
            cpu->traits = with != 0 ? traits : NULL;
            fixture_load(fx, decimal[_i].code, sizeof(decimal[_i].code));
            cpu->gpr[RAX] = 0xdead0000 | ax;
            flags_write(cpu, flags, FLAGS_ARITH);
            fixture_run(fx, 1);
            rax[with] = cpu->gpr[RAX];
            rflags[with] = cpu->rflags & decimal[_i].defined;
        }
        ck_assert_uint_eq(rax[0], rax[1]);
        ck_assert_uint_eq(rflags[0], rflags[1]);
    }
    cpu->traits = NULL;
    fixture_free(fx);
    host_traits_free(traits);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host traits");
    TCase *tc = tcase_create("rows");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, the_software_cpu_does_as_the_host, 0, G_N_ELEMENTS(cases));
    tcase_add_test(tc, every_value_of_every_trait_has_a_case);
    tcase_add_loop_test(tc, ten_bytes_are_written_as_far_as_the_host_writes_them, 0, 2);
    tcase_add_test(tc, the_host_answers_the_same_twice);
    tcase_add_test(tc, asking_leaves_signals_and_segments_alone);
    tcase_add_loop_test(tc, decimal_adjustment_is_the_host_s, 0, G_N_ELEMENTS(decimal));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
