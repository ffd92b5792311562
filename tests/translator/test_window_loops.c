/* SPDX-License-Identifier: GPL-2.0-or-later */
/* User code through the host-mapped window: loops to their own start that run over ends of pages,
 * of chunks of 4 GiB and of the address space, and into pages that fault. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "softmmu/mmu.h"
#include "tests/translator/window_fixture.h"

enum { INSNS = 8, TABLE = 0x8000, CODE_ROOM = 80 };

/* A program is a loop, closed by DEC RCX and JNZ; in 32-bit code the prefixes 48 are left out. */
static const struct {
    const char *name;
    const char *insn[INSNS];
    bool stack; /* RSP walks, too */
} programs[] = {
    { .name = "copy forwards",
      .insn = { "\x48\x8b\x06",         /* mov rax, [rsi] */
                "\x48\x89\x47\x08",     /* mov [rdi + 8], rax */
                "\x48\x83\xc6\x08",     /* add rsi, 8 */
                "\x48\x83\xc7\x08" } }, /* add rdi, 8 */
    { .name = "copy backwards",
      .insn = { "\x48\x83\xee\x08",                 /* sub rsi, 8 */
                "\x48\x83\xef\x08",                 /* sub rdi, 8 */
                "\x48\x8b\x46\xf8",                 /* mov rax, [rsi - 8] */
                "\x48\x89\x87\x90\x01\x00\x00" } }, /* mov [rdi + 400], rax: ends at a zero */
    { .name = "read and write, out of step",
      .insn = { "\x48\x83\x47\x01\x05", /* add qword [rdi + 1], 5 */
                "\x48\x8d\x7f\x03" } }, /* lea rdi, [rdi + 3] */
    { .name = "table by a byte",
      .insn = { "\x0f\xb6\x06",     /* movzx eax, byte [rsi] */
                "\x33\x14\x83",     /* xor edx, [rbx + rax * 4] */
                "\x01\x17",         /* add [rdi], edx */
                "\x48\xff\xc6",     /* inc rsi */
                "\x48\xff\xc7" } }, /* inc rdi */
    { .name = "large strides",
      .insn = { "\x48\x81\xc7\x80\x01\x00\x00", /* add rdi, 384 */
                "\x48\x81\xee\x80\x01\x00\x00", /* sub rsi, 384 */
                "\x48\x8b\x16",                 /* mov rdx, [rsi] */
                "\x48\x01\x17" } },             /* add [rdi], rdx */
    { .name = "sixteen bytes",
      .insn = { "\x0f\x10\x06",         /* movups xmm0, [rsi] */
                "\x0f\x11\x07",         /* movups [rdi], xmm0 */
                "\x48\x83\xc6\x10",     /* add rsi, 16 */
                "\x48\x83\xc7\x10" } }, /* add rdi, 16 */
    { .name = "thirty-two bytes",
      .insn = { "\xc5\xfc\x10\x06",     /* vmovups ymm0, [rsi] */
                "\xc5\xfc\x11\x07",     /* vmovups [rdi], ymm0 */
                "\x48\x83\xc6\x20",     /* add rsi, 32 */
                "\x48\x83\xc7\x20" } }, /* add rdi, 32 */
    { .name = "aligned sixteen bytes",
      .insn = { "\x66\x0f\x6f\x06",     /* movdqa xmm0, [rsi] */
                "\x66\x0f\xfe\x07",     /* paddd xmm0, [rdi] */
                "\x48\x83\xc6\x10" } }, /* add rsi, 16 */
    { .name = "division",
      .insn = { "\x31\xd2",             /* xor edx, edx */
                "\xf7\x36",             /* div dword [rsi] */
                "\x48\x83\xc6\x04" } }, /* add rsi, 4 */
    { .name = "signed division",
      .insn = { "\x99",                 /* cdq */
                "\xf6\x3f",             /* idiv byte [rdi] */
                "\x48\x83\xc7\x05" } }, /* add rdi, 5 */
    { .name = "high bytes",
      .insn = { "\x8a\x26",         /* mov ah, [rsi] */
                "\x00\x27",         /* add [rdi], ah */
                "\x48\xff\xc6",     /* inc rsi */
                "\x48\xff\xc7" } }, /* inc rdi */
    { .name = "locked",
      .insn = { "\xf0\x0f\xc1\x07",     /* lock xadd [rdi], eax */
                "\xf0\x0f\xb1\x16",     /* lock cmpxchg [rsi], edx */
                "\x48\x83\xc7\x04",     /* add rdi, 4 */
                "\x48\x83\xc6\x04" } }, /* add rsi, 4 */
    { .name = "by index",
      .insn = { "\x8b\x04\x8e",     /* mov eax, [rsi + rcx * 4] */
                "\x89\x04\xcf" } }, /* mov [rdi + rcx * 8], eax */
    { .name = "pushes", .insn = { "\x50", "\x56", "\x68\x11\x22\x33\x44" }, .stack = true },
    { .name = "pops", .insn = { "\x58", "\x5a", "\x48\x01\xc2" }, .stack = true },
    { .name = "pushes from memory", .insn = { "\xff\x36", "\x8f\x07", "\x48\x83\xc6\x08" } },
    { .name = "pops to memory by the stack pointer",
      .insn = { "\x8f\x44\x24\x10" }, /* pop [rsp + 16]: behind the pop */
      .stack = true },
    { .name = "flags from turn to turn",
      .insn = { "\x48\x8b\x07",         /* mov rax, [rdi] */
                "\x48\x13\x06",         /* adc rax, [rsi] */
                "\x48\x89\x06",         /* mov [rsi], rax */
                "\x48\x8d\x7f\x08",     /* lea rdi, [rdi + 8] */
                "\x48\x8d\x76\x08" } }, /* lea rsi, [rsi + 8] */
};
enum { PROGRAMS = G_N_ELEMENTS(programs) };

static size_t put_insn(uint8_t *code, const char *insn, size_t n, bool wide)
{
    size_t skip = !wide && insn[0] == 0x48;

    memcpy(code, insn + skip, n - skip);
    return n - skip;
}

/* Instructions are strings, in which a zero may be: the decoder says how long they are. */
static size_t insn_size(const char *insn)
{
    uint8_t bytes[16] = { 0 };
    Insn decoded;

    memcpy(bytes, insn, strlen(insn));
    ck_assert_int_eq(insn_decode(&decoded, bytes, 15, 8), INSN_OK);
    return decoded.length;
}

static size_t put_loop(uint8_t *code, unsigned program, bool wide)
{
    size_t n = 0;

    for (unsigned i = 0; i < INSNS && programs[program].insn[i] != NULL; i++) {
        const char *insn = programs[program].insn[i];

        n += put_insn(code + n, insn, insn_size(insn), wide);
    }
    n += put_insn(code + n, "\x48\xff\xc9", 3, wide);
    code[n] = 0x75;
    code[n + 1] = (uint8_t) - (int)(n + 2);
    return n + 2;
}

/* ---- Places ---- */

/* A place is three pages: the second one is at this address. */
static const uint64_t areas64[] = {
    0x500000,           0x1000,         0xfffff000,         0x100000000,
    0x7fffffffe000,     0x7ffffffff000, 0xffff800000000000, 0xffff800000001000,
    0xfffffffffffff000, 0x800000000000, 0xffff7ffffffff000, 0x8000000000001000,
};
static const uint64_t areas32[] = { 0x500000, 0x1000, 0xffffe000, 0xfffff000 };

static const uint64_t rights[][3] = {
    { PTE_ALL, PTE_ALL, PTE_ALL },       { 0, PTE_ALL, PTE_P | PTE_U },
    { PTE_P | PTE_U, PTE_ALL, 0 },       { PTE_P | PTE_W, PTE_ALL, PTE_P | PTE_W },
    { PTE_ALL, PTE_P | PTE_U, PTE_ALL },
};
enum { RIGHTS = G_N_ELEMENTS(rights) };

static const uint32_t offsets[][2] = { /* of the source and the destination, in the second page */
                                       { 0x100, 0x200 }, { 0xfc0, 0x40 },  { 0xff0, 0xff8 },
                                       { 0x2, 0x10 },    { 0x7fd, 0xffd }, { 0xfff, 0x3 }
};
enum { OFFSETS = G_N_ELEMENTS(offsets) };

static bool canonical(uint64_t gva)
{
    return (uint64_t)((int64_t)(gva << 16) >> 16) == gva;
}

/* A frame that no other canonical address has, except that of 32-bit code's garbage. */
static void map_area(WindowPair *pair, uint64_t area, const uint64_t *flags)
{
    for (unsigned i = 0; i < 3; i++) {
        uint64_t gva = area + i * PAGE_SIZE - PAGE_SIZE;
        bool wide = pair->soft->mode == FIXTURE_LONG64;

        gva = wide ? gva : (uint32_t)gva;
        if (canonical(gva) && gva >> PAGE_SHIFT != FIXTURE_HANDLERS >> PAGE_SHIFT) {
            window_map(pair, gva, WINDOW_FRAMES + i * PAGE_SIZE, flags[i]);
        }
        if (!canonical(gva)) { /* what its low 48 bits name */
            window_map(pair, (uint64_t)((int64_t)(gva << 16) >> 16),
                       WINDOW_FRAMES + (8 + i) * PAGE_SIZE, PTE_ALL);
        }
    }
}

typedef struct Case {
    FixtureMode mode;
    uint64_t area, garbage;
    unsigned rights, program, offset;
} Case;

static void set_registers(WindowPair *pair, const Case *c)
{
    const uint32_t *offset = offsets[c->offset];

    for (unsigned i = 0; i < 16; i++) {
        window_set_gpr(pair, i, (i * 0x1234567ull) | c->garbage);
    }
    window_set_gpr(pair, RSI, (c->area + offset[0]) | c->garbage);
    window_set_gpr(pair, RDI, (c->area + offset[1]) | c->garbage);
    window_set_gpr(pair, RBX, TABLE | c->garbage);
    window_set_gpr(pair, RCX, 90 + c->offset * 30);
    window_set_gpr(pair, RSP,
                   (programs[c->program].stack ? c->area + offset[1] : FIXTURE_STACK) | c->garbage);
}

/* Does the address space, or its half, end behind the place's second page? */
static bool ends_below(const Case *c)
{
    uint64_t end = c->area + PAGE_SIZE;

    return c->mode == FIXTURE_LONG64 ? !canonical(end) : (uint32_t)end == 0;
}

static void run_case(WindowPair *pair, const Case *c)
{
    uint8_t code[CODE_ROOM];
    size_t n = put_loop(code, c->program, c->mode == FIXTURE_LONG64);
    char what[200];

    g_snprintf(what, sizeof(what), "mode %u, %s at %#lx, garbage %#lx, rights %u, offset %u",
               c->mode, programs[c->program].name, c->area, c->garbage, c->rights, c->offset);
    window_reset(pair);
    pair->soft->mode = pair->hard->fx->mode = c->mode;
    if (ends_below(c)) { /* #GP behind a page that the write was let into */
        pair->ahead |= PTE_D;
    }
    map_area(pair, c->area, rights[c->rights]);
    window_fill(pair, WINDOW_FRAMES, 11 * PAGE_SIZE, c->offset + 1);
    window_fill(pair, TABLE, PAGE_SIZE, 77);
    for (unsigned i = 0; c->garbage != 0 && i < 3; i++) {
        uint64_t gva = (uint32_t)(c->area + i * PAGE_SIZE - PAGE_SIZE) | c->garbage;

        if (canonical(gva)) {
            window_map(pair, gva, WINDOW_FRAMES + (8 + i) * PAGE_SIZE, PTE_ALL);
        }
    }
    set_registers(pair, c);
    window_run(pair, code, n, what);
}

static void run_area(WindowPair *pair, Case c, unsigned salt)
{
    for (c.rights = 0; c.rights < RIGHTS; c.rights++) {
        for (c.program = 0; c.program < PROGRAMS; c.program++) {
            c.offset = (c.program + c.rights + salt) % OFFSETS;
            run_case(pair, &c);
            c.offset = (c.offset + 2) % OFFSETS;
            run_case(pair, &c);
        }
    }
}

START_TEST(loops_of_64_bit_code_end_alike)
{
    WindowPair *pair = window_pair_new(FIXTURE_LONG64);

    run_area(pair, (Case){ .mode = FIXTURE_LONG64, .area = areas64[_i] }, (unsigned)_i);
    ck_assert_uint_gt(engine_stats(pair->hard->engine)->window_blocks, PROGRAMS);
    window_pair_free(pair);
}
END_TEST

START_TEST(loops_of_32_bit_code_end_alike)
{
    WindowPair *pair = window_pair_new(FIXTURE_PAGING32);

    run_area(pair, (Case){ .mode = FIXTURE_PAGING32, .area = areas32[_i] }, (unsigned)_i);
    ck_assert_uint_gt(engine_stats(pair->hard->engine)->window_blocks, PROGRAMS);
    window_pair_free(pair);
}
END_TEST

/* What 64-bit code has left in the upper halves of registers means nothing to 32-bit code. */
static const uint64_t garbage[] = { 0, 1ull << 32, 0x80000000ull << 32, 0xffffffffull << 32 };
enum { GARBAGE = G_N_ELEMENTS(garbage) };

START_TEST(loops_of_32_bit_code_in_long_mode_end_alike)
{
    WindowPair *pair = window_pair_new(FIXTURE_COMPAT);

    run_area(pair,
             (Case){ .mode = FIXTURE_COMPAT,
                     .area = areas32[_i / GARBAGE],
                     .garbage = garbage[_i % GARBAGE] },
             (unsigned)_i);
    ck_assert_uint_gt(engine_stats(pair->hard->engine)->window_blocks, PROGRAMS);
    window_pair_free(pair);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loops through the window");
    TCase *tc = tcase_create("loops");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, loops_of_64_bit_code_end_alike, 0, G_N_ELEMENTS(areas64));
    tcase_add_loop_test(tc, loops_of_32_bit_code_end_alike, 0, G_N_ELEMENTS(areas32));
    tcase_add_loop_test(tc, loops_of_32_bit_code_in_long_mode_end_alike, 0,
                        G_N_ELEMENTS(areas32) * GARBAGE);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
