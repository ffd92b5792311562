/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 16-bit code with branches of all kinds, in segments that begin and end anywhere: translated and
 * on the software CPU, with C called no more than the first turns and the end need it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "tests/translator/engine_fixture.h"

enum { STEPS = 5000, CALLOUTS = 12, FEW = 40 };

/* Code at `cs` * 16 + `ip`, and a routine elsewhere. */
typedef struct Row {
    const char *name;
    FixtureMode mode;
    uint16_t cs, ip;
    uint8_t code[72];
    uint32_t place; /* 0: there is none */
    uint8_t routine[16];
} Row;

/* What the routine does is behind the bar. */
static const Row rows[] = {
    /* movw 100,cx; 1: call 0x7000; loop 1b; hlt | incw ax; ret */
    { "near calls to another page", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xb9, 0x64, 0x00, 0xe8, 0xfa, 0x2f, 0xe2, 0xfb, 0xf4 }, .place = 0x7000,
      .routine = { 0x40, 0xc3 } },
    /* movw 100,cx; 1: call 0x7000; loop 1b; hlt | incw ax; ret */
    { "near calls, protected", FIXTURE_PROTECTED16, 0x0, 0x4000,
      .code = { 0xb9, 0x64, 0x00, 0xe8, 0xfa, 0x2f, 0xe2, 0xfb, 0xf4 }, .place = 0x7000,
      .routine = { 0x40, 0xc3 } },
    /* movw 100,cx; 1: calll 0x7000; decw cx; jnz 1b; hlt | incl eax; retl */
    { "near calls of 32 bits", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xb9, 0x64, 0x00, 0x66, 0xe8, 0xf7, 0x2f, 0x00, 0x00, 0x49, 0x75, 0xf7, 0xf4 },
      .place = 0x7000, .routine = { 0x66, 0x40, 0x66, 0xc3 } },
    /* movw 0x7000,bx; movw bx,0x6000; movw 50,cx; 1: call *bx; call *0x6000; loop 1b; hlt | incw
       ax; ret 0 */
    { "near calls by register and memory", FIXTURE_VM86, 0x0, 0x4000,
      .code = { 0xbb, 0x00, 0x70, 0x89, 0x1e, 0x00, 0x60, 0xb9, 0x32, 0x00, 0xff, 0xd3, 0xff, 0x16,
                0x00, 0x60, 0xe2, 0xf8, 0xf4 },
      .place = 0x7000, .routine = { 0x40, 0xc2, 0x00, 0x00 } },
    /* movw 100,cx; 1: lcall 0x700,0; loop 1b; hlt | incw ax; movw cs,dx; lret */
    { "far calls", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xb9, 0x64, 0x00, 0x9a, 0x00, 0x00, 0x00, 0x07, 0xe2, 0xf9, 0xf4 }, .place = 0x7000,
      .routine = { 0x40, 0x8c, 0xca, 0xcb } },
    /* movw 0x700,0x6004; movl 8,0x6000; movw 100,cx; 1: pushw cx; lcalll *0x6000; loop 1b; hlt |
       incw ax; lretl 2 */
    { "far calls of 32 bits by memory", FIXTURE_VM86, 0x0, 0x4000,
      .code = { 0xc7, 0x06, 0x04, 0x60, 0x00, 0x07, 0x66, 0xc7, 0x06, 0x00, 0x60, 0x08, 0x00, 0x00,
                0x00, 0xb9, 0x64, 0x00, 0x51, 0x66, 0xff, 0x1e, 0x00, 0x60, 0xe2, 0xf8, 0xf4 },
      .place = 0x7008, .routine = { 0x40, 0x66, 0xca, 0x02, 0x00 } },
    /* movw 1f,0x6000; movw 0,0x6002; movw 100,cx; 2: ljmp 0x700,0; 1: loop 2b; hlt | incw ax; ljmp
     *0x6000 */
    { "far jumps", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xc7, 0x06, 0x00, 0x60, 0x14, 0x40, 0xc7, 0x06, 0x02, 0x60, 0x00, 0x00,
                0xb9, 0x64, 0x00, 0xea, 0x00, 0x00, 0x00, 0x07, 0xe2, 0xf9, 0xf4 },
      .place = 0x7000, .routine = { 0x40, 0xff, 0x2e, 0x00, 0x60 } },
    /* movw 0x700,0x82; movw 3,0x80; movw 100,cx; 1: sti; stc; int 0x20; adcw cx,bx; loop 1b; hlt |
       incw ax; pushf; popw dx; movw sp,bp; xorb 1,4(bp); iret */
    { "interrupts", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xc7, 0x06, 0x82, 0x00, 0x00, 0x07, 0xc7, 0x06, 0x80, 0x00, 0x03, 0x00,
                0xb9, 0x64, 0x00, 0xfb, 0xf9, 0xcd, 0x20, 0x11, 0xcb, 0xe2, 0xf8, 0xf4 },
      .place = 0x7003, .routine = { 0x40, 0x9c, 0x5a, 0x89, 0xe5, 0x80, 0x76, 0x04, 0x01, 0xcf } },
    /* movw 30,cx; 1: lcall 0x700,0x20; lcall 0x702,0; lcall 0x6ff,0x30; loop 1b; hlt | call 1f; 1:
       popw bx; addw bx,ax; jmp 2f; hlt; 2: lret */
    { "one place by three names", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xb9, 0x1e, 0x00, 0x9a, 0x20, 0x00, 0x00, 0x07, 0x9a, 0x00, 0x00,
                0x02, 0x07, 0x9a, 0x30, 0x00, 0xff, 0x06, 0xe2, 0xef, 0xf4 },
      .place = 0x7020, .routine = { 0xe8, 0x00, 0x00, 0x5b, 0x01, 0xd8, 0xeb, 0x01, 0xf4, 0xcb } },
    /* movw 100,cx; movl 0x12340064,ecx; 1: incw ax; cmpw 50,ax; loopne 1b; pushw cx; 2: incw bx;
       cmpw bx,bx; loope 2b; jcxz 3f; incw dx; 3: movw 1,cx; stc; loop 4f; 4: adcw 0,dx; jcxz 5f;
       hlt; 5: adcw 7,dx; hlt */
    { "loopne, loope, jcxz", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xb9, 0x64, 0x00, 0x66, 0xb9, 0x64, 0x00, 0x34, 0x12, 0x40, 0x83, 0xf8, 0x32, 0xe0,
                0xfa, 0x51, 0x43, 0x39, 0xdb, 0xe1, 0xfb, 0xe3, 0x01, 0x42, 0xb9, 0x01, 0x00, 0xf9,
                0xe2, 0x00, 0x83, 0xd2, 0x00, 0xe3, 0x01, 0xf4, 0x83, 0xd2, 0x07, 0xf4 } },
    /* movl 0xabcd0040,ecx; movl 0x55556000,edi; movl 0x66666100,esi; movl esi,eax; rep stosw; movb
       0x33,cl; movw 0x6008,di; rep movsb; pushl ecx; pushl esi; pushl edi; movb 2,cl; xorl ecx,ecx;
       movl 0x6000,esi; movl 0x6300,edi; movb 9,cl; addr32 rep movsl; hlt */
    { "rep stosw and movsw by CX", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0x66, 0xb9, 0x40, 0x00, 0xcd, 0xab, 0x66, 0xbf, 0x00, 0x60, 0x55, 0x55,
                0x66, 0xbe, 0x00, 0x61, 0x66, 0x66, 0x66, 0x89, 0xf0, 0xf3, 0xab, 0xb1,
                0x33, 0xbf, 0x08, 0x60, 0xf3, 0xa4, 0x66, 0x51, 0x66, 0x56, 0x66, 0x57,
                0xb1, 0x02, 0x66, 0x31, 0xc9, 0x66, 0xbe, 0x00, 0x60, 0x00, 0x00, 0x66,
                0xbf, 0x00, 0x63, 0x00, 0x00, 0xb1, 0x09, 0x67, 0x66, 0xf3, 0xa5, 0xf4 } },
    /* movw 0x600,ax; movw ax,es; movw 0xfff0,di; movw 16,cx; rep stosb; pushw di; movw 0xfff0,di;
       movw 17,cx; rep stosb; hlt */
    { "rep stosb up to the end", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xb8, 0x00, 0x06, 0x8e, 0xc0, 0xbf, 0xf0, 0xff, 0xb9, 0x10, 0x00, 0xf3,
                0xaa, 0x57, 0xbf, 0xf0, 0xff, 0xb9, 0x11, 0x00, 0xf3, 0xaa, 0xf4 } },
    /* movw 0x600,bx; movw bx,ds; movw 10,cx; 1: movb cl,0xffff; movw cx,0xfffe; loop 1b; movw
       ax,0xffff; hlt */
    { "an access across the end", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xbb, 0x00, 0x06, 0x8e, 0xdb, 0xb9, 0x0a, 0x00, 0x88, 0x0e, 0xff,
                0xff, 0x89, 0x0e, 0xfe, 0xff, 0xe2, 0xf6, 0xa3, 0xff, 0xff, 0xf4 } },
    /* movw 20,cx; 1: jmp 3f; .org 0x30-4; 2: loop 1b; hlt; .org 0x40; 3: .byte 0xe9; .word
       0xfff0-0x47 */
    { "a jump over the end of the segment", FIXTURE_REAL, 0x400, 0x4,
      .code = { 0xb9, 0x14, 0x00, 0xeb, 0x3b, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                0x00, 0x00, 0xe2, 0xd5, 0xf4, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xe9, 0xa9, 0xff },
      .place = 0x13ff0, .routine = { 0x40, 0xe9, 0x3c, 0x00 } },
    /* movw 20,cx; 1: loop 1b; ljmp 0x400,0xfff0 */
    { "falling out of the segment", FIXTURE_REAL, 0x0, 0x4000,
      .code = { 0xb9, 0x14, 0x00, 0xe2, 0xfe, 0xea, 0xf0, 0xff, 0x00, 0x04 }, .place = 0x13ff0,
      .routine = { 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
                   0x40, 0x40, 0x40 } },
    /* movw 20,cx; 1: call 2f; loop 1b; hlt; 2: jnz 3f; hlt; 3: incw ax; testw ax,ax; ret */
    { "a code page whose segment begins in it", FIXTURE_REAL, 0x40a, 0x2,
      .code = { 0xb9, 0x14, 0x00, 0xe8, 0x03, 0x00, 0xe2, 0xfb, 0xf4, 0x75, 0x01, 0xf4, 0x40, 0x85,
                0xc0, 0xc3 } },
    /* movw 200,cx; 1: addb cl,al; jo 2f; incw bx; 2: jp 3f; incw dx; 3: jc 4f; adcw 3,si; 4: jbe
       5f; sbbw 2,di; 5: decw cx; jnz 1b; hlt */
    { "conditions of all kinds", FIXTURE_PROTECTED16, 0x0, 0x4000,
      .code = { 0xb9, 0xc8, 0x00, 0x00, 0xc8, 0x70, 0x01, 0x43, 0x7a, 0x01, 0x42, 0x72, 0x03,
                0x83, 0xd6, 0x03, 0x76, 0x03, 0x83, 0xdf, 0x02, 0x49, 0x75, 0xeb, 0xf4 } },
};

static void load(Fixture *fx, const Row *row)
{
    fixture_load(fx, "", 0);
    phys_map_write(fx->map, row->cs * 16u + row->ip, row->code, sizeof(row->code));
    if (row->place != 0) {
        phys_map_write(fx->map, row->place, row->routine, sizeof(row->routine));
    }
    fx->cpu->rip = row->ip;
    if (row->cs != 0) {
        fx->cpu->seg[CS].selector = row->cs;
        fx->cpu->seg[CS].base = row->cs * 16u;
    }
    for (unsigned i = 0; i < 0x400; i++) {
        fixture_write(fx, FIXTURE_DATA + i, 1, i * 7);
    }
}

static void compare(const Row *row, const Fixture *soft, const Fixture *hard)
{
    for (unsigned i = 0; i < 8; i++) {
        ck_assert_msg(soft->cpu->gpr[i] == hard->cpu->gpr[i], "%s: register %u, %#lx and %#lx",
                      row->name, i, soft->cpu->gpr[i], hard->cpu->gpr[i]);
    }
    for (unsigned i = 0; i <= GS; i++) {
        ck_assert_msg(soft->cpu->seg[i].base == hard->cpu->seg[i].base &&
                          soft->cpu->seg[i].selector == hard->cpu->seg[i].selector,
                      "%s: segment register %u", row->name, i);
    }
    ck_assert_msg(soft->cpu->rip == hard->cpu->rip, "%s: ip", row->name);
    ck_assert_msg(soft->cpu->rflags == hard->cpu->rflags, "%s: flags %#lx and %#lx", row->name,
                  soft->cpu->rflags, hard->cpu->rflags);
    ck_assert_msg(memcmp(soft->ram, hard->ram, 0x20000) == 0, "%s: memory", row->name);
}

START_TEST(it_runs_in_line_and_does_the_same)
{
    const EngineOptions options = { .cache_size = 1 << 20, .precise_flags = true };
    const Row *row = &rows[_i];
    Fixture *soft = fixture_new(row->mode);
    EngineFixture *hard = engine_fixture_new(row->mode, &options);

    fixture_thunks(soft);
    load(soft, row);
    load(hard->fx, row);
    ck_assert(fixture_run_to_halt(soft, STEPS));
    engine_fixture_run(hard);
    compare(row, soft, hard->fx);
    ck_assert_msg(engine_stats(hard->engine)->callouts <= CALLOUTS &&
                      engine_stats(hard->engine)->dispatches <= FEW,
                  "%s: %u callouts, %u dispatches", row->name,
                  (unsigned)engine_stats(hard->engine)->callouts,
                  (unsigned)engine_stats(hard->engine)->dispatches);
    fixture_thunks_free(soft);
    fixture_free(soft);
    engine_fixture_free(hard);
}
END_TEST

/* ---- Limits of data segments in protected mode ---- */

typedef struct LimitRow {
    const char *name;
    uint32_t limit;
    uint16_t attr;
    uint8_t code[8];
    bool faults;
} LimitRow;

enum {
    DATA = 0x93,
    EXPAND_DOWN = 0x97,
    READ_ONLY = 0x91,
    CODE = 0x9b,
    SELECTOR = FIXTURE_GDT_FREE
};

static const LimitRow limit_rows[] = {
    /* with bx = 0x60ff; eax = 0x6000 */
    { "the last byte", 0x60ff, DATA, { 0x88, 0x0f }, false },
    { "a word from there on", 0x60ff, DATA, { 0x89, 0x0f }, true },
    { "the last word", 0x6100, DATA, { 0x89, 0x0f }, false },
    { "a doubleword of 32-bit address", 0x6002, DATA, { 0x66, 0x67, 0x89, 0x08 }, true },
    { "one that fits", 0x6003, DATA, { 0x66, 0x67, 0x89, 0x08 }, false },
    { "one below 4 GiB", 0xffff, DATA, { 0x66, 0x67, 0x89, 0x48, 0xff }, false },
    { "no write", 0xffff, READ_ONLY, { 0x89, 0x0f }, true },
    { "but a read", 0xffff, READ_ONLY, { 0x8b, 0x0f }, false },
    { "code is read", 0xffff, CODE, { 0x8b, 0x0f }, false },
    { "and not written", 0xffff, CODE, { 0x89, 0x0f }, true },
    { "below a segment that expands down", 0x6100, EXPAND_DOWN, { 0x89, 0x0f }, true },
    { "in it", 0x60fe, EXPAND_DOWN, { 0x89, 0x0f }, false },
};

static bool run_limited(const LimitRow *row, Fixture *fx, EngineFixture *hard)
{
    /* mov ds, dx; then the row's, a second time with the segment known */
    uint8_t code[24] = { 0x8e, 0xda };
    unsigned n = 0;

    while (n < sizeof(row->code) && row->code[n] != 0) {
        n++;
    }
    memcpy(code + 2, row->code, n);
    memcpy(code + 2 + n, row->code, n);
    fixture_set_descriptor(fx, SELECTOR, 0, row->limit, row->attr);
    fixture_load(fx, code, 2 + 2 * n);
    fx->cpu->gpr[RAX] = 0x6000;
    fx->cpu->gpr[RBX] = 0x60ff;
    fx->cpu->gpr[RDX] = SELECTOR;
    if (hard != NULL) {
        engine_fixture_run(hard);
    } else {
        ck_assert(fixture_run_to_halt(fx, STEPS));
    }
    return fx->cpu->rip != FIXTURE_CODE + 2 + 2 * n + 1;
}

START_TEST(limits_and_rights_hold)
{
    const LimitRow *row = &limit_rows[_i];
    Fixture *soft = fixture_new(FIXTURE_PROTECTED16);
    EngineFixture *hard = engine_fixture_new(FIXTURE_PROTECTED16, NULL);

    fixture_thunks(soft);
    ck_assert_msg(run_limited(row, soft, NULL) == row->faults, "%s: interpreted", row->name);
    ck_assert_msg(run_limited(row, hard->fx, hard) == row->faults, "%s: translated", row->name);
    ck_assert_uint_eq(soft->cpu->rip, hard->fx->cpu->rip);
    ck_assert_uint_eq(soft->cpu->gpr[RCX], hard->fx->cpu->gpr[RCX]);
    fixture_thunks_free(soft);
    fixture_free(soft);
    engine_fixture_free(hard);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("16-bit code");
    TCase *tc = tcase_create("16-bit code");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, it_runs_in_line_and_does_the_same, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_loop_test(tc, limits_and_rights_hold, 0, sizeof(limit_rows) / sizeof(limit_rows[0]));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
