/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks with vector instructions find the guest's vector state, wherever they are entered from and
 * whatever C code has done to the host's registers meanwhile; others leave it parked. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "tests/translator/engine_fixture.h"

enum { STEPS = 1000, CODE_MAX = 48, XSAVE_XMM = 160, XMM1 = 0x3f800001 };

typedef struct Row {
    const char *name;
    uint8_t code[CODE_MAX];
    unsigned size;
} Row;

static const Row rows[] = {
    /* movl 50,ecx; 1: inb dx,al; stc; jmp 2f; 2: paddd xmm1,xmm0; adcq 0,rbx; loop 1b */
    { "with flags alive",
      { 0xb9, 0x32, 0x00, 0x00, 0x00, 0xec, 0xf9, 0xeb, 0x00, 0x66, 0x0f, 0xfe, 0xc1, 0x48, 0x83,
        0xd3, 0x00, 0xe2, 0xf2 },
      19 },
    /* movl 50,ecx; 1: inb dx,al; jmp 2f; 2: paddd xmm1,xmm0; addl 3,ebx; loop 1b */
    { "with flags dead",
      { 0xb9, 0x32, 0x00, 0x00, 0x00, 0xec, 0xeb, 0x00, 0x66, 0x0f, 0xfe, 0xc1, 0x83, 0xc3, 0x03,
        0xe2, 0xf4 },
      17 },
    /* movl 50,ecx; 1: inb dx,al; stc; jmp 2f; 2: movaps xmm1,(rsi); jmp 3f; 3: adcq (rsi),rbx; loop
       1b */
    { "with flags passed on",
      { 0xb9, 0x32, 0x00, 0x00, 0x00, 0xec, 0xf9, 0xeb, 0x00, 0x0f, 0x29, 0x0e, 0xeb, 0x00, 0x48,
        0x13, 0x1e, 0xe2, 0xf2 },
      19 },
    /* movl 50,ecx; leaq 2f(rip),rdi; 1: inb dx,al; stc; jmp *rdi; 2: paddd xmm1,xmm0; adcq 0,rbx;
       loop 1b */
    { "by an indirect branch",
      { 0xb9, 0x32, 0x00, 0x00, 0x00, 0x48, 0x8d, 0x3d, 0x04, 0x00, 0x00, 0x00, 0xec,
        0xf9, 0xff, 0xe7, 0x66, 0x0f, 0xfe, 0xc1, 0x48, 0x83, 0xd3, 0x00, 0xe2, 0xf2 },
      26 },
    /* movl 50,ecx; 1: paddd xmm1,xmm0; inb dx,al; paddd xmm1,xmm2; cmpl 25,ecx; jb 3f; incl ebx; 3:
       loop 1b */
    { "behind a callout of the block",
      { 0xb9, 0x32, 0x00, 0x00, 0x00, 0x66, 0x0f, 0xfe, 0xc1, 0xec, 0x66, 0x0f,
        0xfe, 0xd1, 0x83, 0xf9, 0x19, 0x72, 0x02, 0xff, 0xc3, 0xe2, 0xee },
      23 },
    /* movl 50,ecx; 1: inb dx,al; addl 7,ebx; jz 1b; 2: addss xmm1,xmm3; jc 4f; cvttss2si xmm3,eax;
       4: loop 1b */
    { "a fault point's flags",
      { 0xb9, 0x32, 0x00, 0x00, 0x00, 0xec, 0x83, 0xc3, 0x07, 0x74, 0xfa, 0xf3,
        0x0f, 0x58, 0xd9, 0x72, 0x04, 0xf3, 0x0f, 0x2c, 0xc3, 0xe2, 0xee },
      23 },
    /* fldpi; movl 50,ecx; 1: inb dx,al; jmp 2f; 2: fld1; faddp; loop 1b; fistpl (rsi) */
    { "on the x87 stack",
      { 0xd9, 0xeb, 0xb9, 0x32, 0x00, 0x00, 0x00, 0xec, 0xeb, 0x00, 0xd9, 0xe8, 0xde, 0xc1, 0xe2,
        0xf7, 0xdb, 0x1e },
      18 },
};

/* A device whose code uses the host's vector registers. */
static uint32_t port_in(Cpu *cpu, uint16_t port, unsigned width)
{
    (void)port, (void)width;
    cpu_vector_park(cpu);
    __asm__ volatile(".irp r, 0, 1, 2, 3, 4, 5, 6, 7\n\t"
                     "pcmpeqd %%xmm\\r, %%xmm\\r\n\t"
                     ".endr"
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
    return 0x55;
}

static void load(Fixture *fx, const Row *row, CpuBus *bus)
{
    uint32_t one = XMM1;

    *bus = *fx->cpu->bus;
    bus->port_in = port_in;
    fx->cpu->bus = bus;
    fixture_load(fx, row->code, row->size);
    fx->cpu->gpr[RSI] = FIXTURE_DATA;
    memcpy(fx->cpu->xsave + XSAVE_XMM + 16, &one, sizeof(one));
    fx->cpu->xsave[512] |= 2; /* SSE is in use */
}

START_TEST(they_have_it)
{
    const EngineOptions options = { .cache_size = 1 << 20, .precise_flags = false };
    const Row *row = &rows[_i];
    Fixture *soft = fixture_new(FIXTURE_LONG64);
    EngineFixture *hard = engine_fixture_new(FIXTURE_LONG64, &options);
    CpuBus bus_soft, bus_hard;

    fixture_thunks(soft);
    load(soft, row, &bus_soft);
    load(hard->fx, row, &bus_hard);
    ck_assert(fixture_run_to_halt(soft, STEPS));
    engine_fixture_run(hard);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_msg(soft->cpu->gpr[i] == hard->fx->cpu->gpr[i], "%s: register %u: %#lx, %#lx",
                      row->name, i, soft->cpu->gpr[i], hard->fx->cpu->gpr[i]);
    }
    ck_assert_msg(memcmp(soft->cpu->xsave + XSAVE_XMM, hard->fx->cpu->xsave + XSAVE_XMM, 128) == 0,
                  "%s: vector registers", row->name);
    ck_assert_int_eq(memcmp(soft->ram + FIXTURE_DATA, hard->fx->ram + FIXTURE_DATA, 64), 0);
    fixture_thunks_free(soft);
    fixture_free(soft);
    engine_fixture_free(hard);
}
END_TEST

static uint32_t port_in_counting(Cpu *cpu, uint16_t port, unsigned width)
{
    (void)port, (void)width;
    ((Fixture *)cpu->machine)->outs += !cpu->vector_live;
    cpu_vector_park(cpu);
    return 0;
}

START_TEST(a_loop_without_any_parks_it_once)
{
    static const uint8_t code[] = {
        0x0f, 0x58, 0xc1,             /* addps xmm0, xmm1 */
        0xb9, 0x64, 0x00, 0x00, 0x00, /* mov ecx, 100 */
        0xeb, 0x00,                   /* jmp 1f */
        0xec,                         /* 1: in al, dx */
        0xe2, 0xfd,                   /* loop 1b */
    };
    EngineFixture *hard = engine_fixture_new(FIXTURE_LONG64, NULL);
    CpuBus bus = *hard->fx->cpu->bus;

    bus.port_in = port_in_counting;
    hard->fx->cpu->bus = &bus;
    fixture_load(hard->fx, code, sizeof(code));
    engine_fixture_run(hard);
    ck_assert_uint_ge(hard->fx->outs, 99);
    engine_fixture_free(hard);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vector entries");
    TCase *tc = tcase_create("vector entries");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, they_have_it, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, a_loop_without_any_parks_it_once);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
