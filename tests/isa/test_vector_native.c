/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every x87, MMX, SSE and AVX opcode with random state, on the host itself and on the software CPU:
 * all registers, flags and memory must agree, and so must faults. */
#include "tests/isa/fixture.h"
#include "tests/isa/vector_state.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/thunk.h"
#include "translator/insn.h"
#include "translator/insn_feature.h"
#include <Zydis/Mnemonic.h>
#include <check.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const exec_names[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, exec, lowering, written, read) [ZYDIS_MNEMONIC_##mnemonic] = #exec,
#include "translator/insns_vector.def"
#undef INSN
};

typedef struct Setup {
    Fixture *fx;
    CpuModel *model; /* what the host has */
    Native *native;
    Random random;
    unsigned code_width;
    unsigned runs, faults;
} Setup;

static Setup setup;

/* ck_assert_msg writes to a pipe even where it holds: too slow for millions of comparisons. */
#define AGREE(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            ck_abort_msg(__VA_ARGS__);                                                             \
        }                                                                                          \
    } while (0)

static void setup_new(FixtureMode mode)
{
    thunk_signals_install();
    setup = (Setup){ .fx = fixture_new(mode),
                     .model = cpu_model_new("max", NULL),
                     .native = native_new(),
                     .code_width = mode == FIXTURE_LONG64 ? 8 : 4 };
    if (setup.fx->cpu->thunks == NULL) {
        setup.fx->cpu->thunks = thunk_cache_new(NULL);
    }
    ck_assert_ptr_nonnull(setup.fx->cpu->thunks);
    setup.fx->cpu->model = setup.model;
    setup.fx->cpu->xcr0 = 7;
    setup.fx->cpu->xsave_mask = 7;
    thunk_thread_enter(setup.fx->cpu);
}

static void setup_long(void)
{
    setup_new(FIXTURE_LONG64);
}

static void setup_32(void)
{
    setup_new(FIXTURE_PROTECTED32);
}

static void teardown(void)
{
    ck_assert_uint_gt(setup.runs, 1000);
    thunk_thread_enter(NULL);
    thunk_cache_free(setup.fx->cpu->thunks);
    fixture_free(setup.fx);
    cpu_model_free(setup.model);
    native_free(setup.native);
}

static const char *text(const Insn *insn)
{
    static char line[128];

    insn_format(insn, 0, line, sizeof(line));
    return line;
}

/* ---- One instruction ---- */

static void guest_load(const NativeRun *run)
{
    Cpu *cpu = setup.fx->cpu;

    memset(cpu->gpr, 0, sizeof(cpu->gpr));
    cpu->gpr[RAX] = run->regs.rax;
    cpu->gpr[RCX] = run->regs.rcx;
    cpu->gpr[RDX] = run->regs.rdx;
    cpu->gpr[R13] = run->regs.r13;
    cpu->gpr[RSP] = FIXTURE_STACK;
    cpu->rflags = run->regs.flags;
    cpu->rip = FIXTURE_CODE;
    cpu->vector_live = false;
    memcpy(cpu->xsave, run->vector, STATE_SIZE);
}

static void compare_bytes(const Insn *insn, const char *what, const uint8_t *host,
                          const uint8_t *guest, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        AGREE(host[i] == guest[i], "%s: %s byte %u: host %02x, guest %02x", text(insn), what, i,
              host[i], guest[i]);
    }
}

static void compare_vector(const Insn *insn, const uint8_t *host, const uint8_t *guest)
{
    compare_bytes(insn, "x87 control, status, tags", host, guest, 5);
    compare_bytes(insn, "MXCSR", host + 24, guest + 24, 4);
    for (unsigned i = 0; i < 8; i++) {
        compare_bytes(insn, "st", host + 32 + i * 16, guest + 32 + i * 16, 10);
    }
    compare_bytes(insn, "xmm", host + 160, guest + 160, 256);
    compare_bytes(insn, "ymm", host + 576, guest + 576, 256);
}

static void compare_registers(const Insn *insn, const NativeRegisters *host)
{
    const Cpu *cpu = setup.fx->cpu;
    uint64_t mask = setup.code_width == 8 ? ~0ull : 0xffffffff;

    AGREE((host->rax & mask) == (cpu->gpr[RAX] & mask), "%s: rax", text(insn));
    AGREE((host->rcx & mask) == (cpu->gpr[RCX] & mask), "%s: rcx", text(insn));
    AGREE((host->rdx & mask) == (cpu->gpr[RDX] & mask), "%s: rdx", text(insn));
    AGREE(setup.code_width != 8 || host->r13 == cpu->gpr[R13], "%s: r13", text(insn));
    AGREE(((host->flags ^ cpu->rflags) & FLAGS_ARITH) == 0, "%s: flags %x, guest %x", text(insn),
          (unsigned)host->flags, (unsigned)cpu->rflags);
}

/* With the state pending, x87 and MMX instructions raise #MF, all others #XM. */
static bool fault_agrees(int signo)
{
    uint8_t vector = setup.fx->cpu->fault.vector;

    switch (signo) {
    case SIGILL:
        return vector == VECTOR_UD;
    case SIGFPE:
        return vector == VECTOR_MF || vector == VECTOR_XM;
    default:
        return vector == VECTOR_GP;
    }
}

/* Gathers here take their indexes from ymm1: 0 to 7. */
static void small_indexes(uint8_t *vector, unsigned width)
{
    for (unsigned i = 0; i < 32; i++) {
        uint8_t *byte = vector + (i < 16 ? 160 + 16 + i : 576 + i);

        *byte = i % width == 0 ? *byte & 7 : 0;
    }
}

enum { AROUND = 128 }; /* more than any operand, which is all that is compared */

static void run_once(const Insn *insn, const uint8_t *native_bytes, unsigned native_length,
                     unsigned offset)
{
    static NativeRun run;
    static uint8_t before[STATE_SIZE];
    uint8_t *host_memory = native_memory(setup.native) + offset;
    uint8_t *guest_memory = setup.fx->ram + FIXTURE_DATA + offset;
    Cpu *cpu = setup.fx->cpu;
    int signo;
    Step step;

    random_vector(&setup.random, run.vector);
    if (insn->mem.vsib) {
        small_indexes(run.vector, insn->opcode & 1 ? 8 : 4);
    }
    random_bytes(&setup.random, host_memory, AROUND);
    memcpy(guest_memory, host_memory, AROUND);
    run.regs.rax = random_next(&setup.random) >> (random_next(&setup.random) & 63);
    run.regs.rcx = random_next(&setup.random);
    run.regs.rdx = random_next(&setup.random) >> (random_next(&setup.random) & 63);
    run.regs.r13 = random_next(&setup.random) >> (random_next(&setup.random) & 63);
    run.regs.flags = (random_next(&setup.random) & FLAGS_ARITH) | FLAG_1;
    guest_load(&run);
    cpu->gpr[RSI] = FIXTURE_DATA + offset;
    memcpy(before, run.vector, STATE_SIZE);
    run.regs.rsi = (uint64_t)(uintptr_t)host_memory;
    signo = native_run(setup.native, native_bytes, native_length, &run);
    step = software_cpu_exec(cpu, insn);
    cpu_vector_park(cpu);
    setup.runs++;
    AGREE((signo != 0) == (step == STEP_FAULT), "%s: signal %d, step %d, vector %u", text(insn),
          signo, step, cpu->fault.vector);
    compare_bytes(insn, "memory", host_memory, guest_memory, AROUND);
    if (signo == 0) {
        compare_vector(insn, run.vector, cpu->xsave);
        compare_registers(insn, &run.regs);
        return;
    }
    setup.faults++;
    AGREE(fault_agrees(signo), "%s: signal %d, vector %u", text(insn), signo, cpu->fault.vector);
    compare_bytes(insn, "xmm after a fault", before + 160, cpu->xsave + 160, 256);
    compare_bytes(insn, "ymm after a fault", before + 576, cpu->xsave + 576, 256);
}

/* Special rows have tests of their own; x87 control words may turn on errors, which is fine. */
static bool is_swept(const Insn *insn)
{
    const char *name = exec_names[insn->mnemonic];

    if (insn->mnemonic == ZYDIS_MNEMONIC_MOVSD || insn->mnemonic == ZYDIS_MNEMONIC_CMPSD) {
        return insn->map == 1; /* with a row among the string instructions */
    }
    return name != NULL && insn->encoding != ENCODING_EVEX &&
           (strcmp(name, "vector") == 0 || strcmp(name, "x87") == 0 ||
            strcmp(name, "maskmov") == 0 || strcmp(name, "fnstcw") == 0 ||
            strcmp(name, "fldcw") == 0 || strcmp(name, "fnstsw") == 0 ||
            strcmp(name, "stmxcsr") == 0 || g_str_has_prefix(name, "fn") ||
            strcmp(name, "fwait") == 0) &&
           strcmp(name, "fnstenv") != 0 && strcmp(name, "fnsave") != 0 &&
           cpu_has_feature(setup.fx->cpu, insn->cpuid);
}

/* General registers that native_run keeps for itself; rsi differs between host and guest. */
static bool needs_reserved(const Insn *insn)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        unsigned reg = insn->op[i].reg;

        if (insn->op[i].kind == OPERAND_GPR && reg >= RBX && reg <= RSI) {
            return true;
        }
    }
    return false;
}

static void sweep(const uint8_t *bytes, unsigned n)
{
    uint8_t padded[INSN_MAX_LENGTH] = { 0 };
    Insn insn;

    memcpy(padded, bytes, n);
    /* an immediate, if there is one; its highest bit names registers only in 64-bit mode */
    padded[n] = random_next(&setup.random) & (setup.code_width == 8 ? 0xff : 0x7f);
    if (insn_decode(&insn, padded, sizeof(padded), setup.code_width) != INSN_OK ||
        !is_swept(&insn)) {
        return;
    }
    if ((insn.has_mem && insn.mem.base != RSI) || needs_reserved(&insn)) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        run_once(&insn, insn.bytes, insn.length, 0x100);
    }
    if (insn.has_mem) {
        /* the second crosses into the next page; AMD lets SHA be unaligned, Intel does not */
        unsigned aligned = insn.cpuid == INSN_FEATURE_SHA ? 15 : 0;

        run_once(&insn, insn.bytes, insn.length, 0x104 & ~aligned);
        run_once(&insn, insn.bytes, insn.length, (PAGE_SIZE - 1) & ~aligned);
    }
}

/* ---- Opcode spaces ---- */

/* memory at [rsi] with each reg field, registers on either side */
static const uint8_t modrms[] = { 0x06, 0x1e, 0x36, 0xc1, 0xca, 0xd3,
                                  0xd9, 0xe2, 0xe5, 0xf1, 0xf7, 0xf8 };

START_TEST(x87_opcodes_agree_with_the_host)
{
    for (unsigned opcode = 0xd8; opcode <= 0xdf; opcode++) {
        for (unsigned modrm = 0; modrm < 256; modrm++) {
            if (modrm >= 0xc0 || (modrm & 0xc7) == 0x06) {
                for (unsigned i = 0; i < 8; i++) {
                    sweep((const uint8_t[]){ (uint8_t)opcode, (uint8_t)modrm }, 2);
                }
            }
        }
    }
}
END_TEST

static void sweep_legacy(unsigned prefix, unsigned rex, unsigned map, unsigned opcode)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(modrms); i++) {
        uint8_t bytes[8];
        unsigned n = 0;

        if (prefix != 0) {
            bytes[n++] = (uint8_t)prefix;
        }
        if (rex != 0) {
            bytes[n++] = (uint8_t)rex;
        }
        bytes[n++] = 0x0f;
        if (map > 1) {
            bytes[n++] = map == 2 ? 0x38 : 0x3a;
        }
        bytes[n++] = (uint8_t)opcode;
        bytes[n++] = modrms[i];
        sweep(bytes, n);
    }
}

START_TEST(sse_opcodes_agree_with_the_host)
{
    static const uint8_t prefixes[] = { 0, 0x66, 0xf2, 0xf3 };
    static const uint8_t rexes[] = { 0, 0x48, 0x45, 0x4d };

    for (unsigned r = 0; r < (setup.code_width == 8 ? G_N_ELEMENTS(rexes) : 1); r++) {
        for (unsigned p = 0; p < G_N_ELEMENTS(prefixes); p++) {
            for (unsigned op = 0; op < 3 * 256; op++) {
                sweep_legacy(prefixes[p], rexes[r], 1 + op / 256, op % 256);
            }
        }
    }
}
END_TEST

static void sweep_vex(unsigned map, unsigned opcode, unsigned w, unsigned l, unsigned pp)
{
    static const uint8_t registers[] = { 0x78, 0x58 }; /* vvvv: 0 (or none), 4 */

    for (unsigned i = 0; i < G_N_ELEMENTS(modrms); i++) {
        for (unsigned v = 0; v < 2; v++) {
            uint8_t rxb = setup.code_width != 8 ? 0xe0 : i & 1 ? 0x60 : 0xe0;

            sweep((const uint8_t[]){ 0xc4, (uint8_t)(rxb | map),
                                     (uint8_t)(w << 7 | registers[v] | l << 2 | pp),
                                     (uint8_t)opcode, modrms[i] },
                  5);
        }
    }
}

START_TEST(avx_opcodes_agree_with_the_host)
{
    for (unsigned kind = 0; kind < 16; kind++) {
        unsigned w = kind >> 3, l = kind >> 2 & 1, pp = kind & 3;

        if (w != 0 && setup.code_width != 8) {
            continue; /* means another size there */
        }
        for (unsigned op = 0; op < 3 * 256; op++) {
            sweep_vex(1 + op / 256, op % 256, w, l, pp);
        }
    }
}
END_TEST

START_TEST(gathers_agree_with_the_host)
{
    for (unsigned i = 0; i < 4 * 4 * 16; i++) {
        uint8_t opcode = 0x90 + (i & 3), l = i >> 2 & 1, w = i >> 3 & 1;
        uint8_t bytes[INSN_MAX_LENGTH] = { 0xc4,   0xe2, (uint8_t)(w << 7 | 0x69 | l << 2),
                                           opcode, 0x04, i & 0x10 ? 0x8e : 0xce };
        Insn insn;

        ck_assert_int_eq(insn_decode(&insn, bytes, sizeof(bytes), 8), INSN_OK);
        ck_assert(insn.mem.vsib);
        for (unsigned k = 0; k < 32; k++) {
            run_once(&insn, insn.bytes, insn.length, 0x100);
        }
    }
}
END_TEST

/* ---- Re-encoding: what the guest writes, and an equal instruction that the host can run ---- */

typedef struct Pair {
    const char *name;
    uint8_t guest[12], host[12];
} Pair;

static const Pair pairs[] = {
    { "mov's register by REX.B",
      { 0x66, 0x49, 0x0f, 0x6e, 0xcd },
      { 0x66, 0x49, 0x0f, 0x6e, 0xcd } },
    { "movq r13", { 0x66, 0x49, 0x0f, 0x7e, 0xcd }, { 0x66, 0x49, 0x0f, 0x7e, 0xcd } },
    { "pmovmskb r13d", { 0x66, 0x44, 0x0f, 0xd7, 0xe9 }, { 0x66, 0x44, 0x0f, 0xd7, 0xe9 } },
    { "cvttsd2si r13", { 0xf2, 0x4c, 0x0f, 0x2c, 0xea }, { 0xf2, 0x4c, 0x0f, 0x2c, 0xea } },
    { "pextrw r13d", { 0x66, 0x44, 0x0f, 0xc5, 0xe9, 3 }, { 0x66, 0x44, 0x0f, 0xc5, 0xe9, 3 } },
    { "pinsrb r13d",
      { 0x66, 0x41, 0x0f, 0x3a, 0x20, 0xcd, 5 },
      { 0x66, 0x41, 0x0f, 0x3a, 0x20, 0xcd, 5 } },
    { "vmovq r13", { 0xc4, 0xc1, 0xf9, 0x6e, 0xcd }, { 0xc4, 0xc1, 0xf9, 0x6e, 0xcd } },
    { "vpextrq r13", { 0xc4, 0xc3, 0xf9, 0x16, 0xcd, 1 }, { 0xc4, 0xc3, 0xf9, 0x16, 0xcd, 1 } },
    { "vcvtsi2sd r13", { 0xc4, 0xc1, 0xf3, 0x2a, 0xcd }, { 0xc4, 0xc1, 0xf3, 0x2a, 0xcd } },
    { "two-byte VEX", { 0xc5, 0x74, 0x58, 0xc2 }, { 0xc5, 0x74, 0x58, 0xc2 } },
    { "displacement", { 0x0f, 0x58, 0x8e, 0x10, 0, 0, 0 }, { 0x0f, 0x58, 0x4e, 0x10 } },
    { "displacement and immediate",
      { 0x0f, 0xc6, 0x4e, 0x10, 0x1b },
      { 0x0f, 0xc6, 0x4e, 0x10, 0x1b } },
    { "needless SIB", { 0xc5, 0xf4, 0x58, 0x44, 0x26, 0x20 }, { 0xc5, 0xf4, 0x58, 0x46, 0x20 } },
    { "segment prefix", { 0x3e, 0x66, 0x0f, 0xfe, 0x0e }, { 0x66, 0x0f, 0xfe, 0x0e } },
    { "segment prefix before VEX", { 0x26, 0xc5, 0xf1, 0xfe, 0x06 }, { 0xc5, 0xf1, 0xfe, 0x06 } },
    { "opsize before F2", { 0x66, 0xf2, 0x0f, 0x58, 0xca }, { 0x66, 0xf2, 0x0f, 0x58, 0xca } },
    { "REX that is not last", { 0x44, 0x66, 0x0f, 0xfe, 0xca }, { 0x66, 0x0f, 0xfe, 0xca } },
    { "x87 with prefixes", { 0x66, 0x48, 0xdc, 0x46, 0x08 }, { 0xdc, 0x46, 0x08 } },
    { "register by immediate",
      { 0xc4, 0xe3, 0x71, 0x4a, 0xc2, 0xf0 },
      { 0xc4, 0xe3, 0x71, 0x4a, 0xc2, 0xf0 } },
};

static unsigned host_length(const uint8_t *bytes)
{
    uint8_t padded[INSN_MAX_LENGTH] = { 0 };
    Insn insn;

    memcpy(padded, bytes, 12);
    ck_assert_int_eq(insn_decode(&insn, padded, sizeof(padded), 8), INSN_OK);
    return insn.length;
}

START_TEST(encodings_of_the_guest_become_the_hosts)
{
    const Pair *pair = &pairs[_i];
    uint8_t padded[INSN_MAX_LENGTH] = { 0 };
    Insn insn;

    memcpy(padded, pair->guest, sizeof(pair->guest));
    ck_assert_int_eq(insn_decode(&insn, padded, sizeof(padded), 8), INSN_OK);
    for (unsigned i = 0; i < 64; i++) {
        run_once(&insn, pair->host, host_length(pair->host), 0x100);
    }
    setup.runs += 1001;
}
END_TEST

START_TEST(a_full_cache_starts_again)
{
    /* roundps with all immediates and registers: more than the cache has slots for */
    for (unsigned i = 0; i < 256 * 64 * 2; i++) {
        uint8_t bytes[INSN_MAX_LENGTH] = { 0xc4, 0xe3, 0x71 | (i >> 14) << 2, 0xc6, 0, 0 };
        Insn insn;

        bytes[3] = 0x0f; /* vpalignr */
        bytes[4] = 0xc0 | (i >> 8 & 0x3f);
        bytes[5] = (uint8_t)i;
        ck_assert_int_eq(insn_decode(&insn, bytes, sizeof(bytes), 8), INSN_OK);
        ck_assert_int_eq(software_cpu_exec(setup.fx->cpu, &insn), STEP_NEXT);
    }
    cpu_vector_park(setup.fx->cpu);
    sweep((const uint8_t[]){ 0x66, 0x0f, 0xfe, 0xca }, 4);
    setup.runs += 1001;
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vector_native");
    TCase *wide = tcase_create("long64"), *narrow = tcase_create("protected32");

    tcase_add_checked_fixture(wide, setup_long, teardown);
    tcase_add_checked_fixture(narrow, setup_32, teardown);
    tcase_set_timeout(wide, 120);
    tcase_set_timeout(narrow, 120);
    tcase_add_test(wide, x87_opcodes_agree_with_the_host);
    tcase_add_test(wide, sse_opcodes_agree_with_the_host);
    tcase_add_test(wide, avx_opcodes_agree_with_the_host);
    tcase_add_test(wide, gathers_agree_with_the_host);
    tcase_add_loop_test(wide, encodings_of_the_guest_become_the_hosts, 0, G_N_ELEMENTS(pairs));
    tcase_add_test(wide, a_full_cache_starts_again);
    tcase_add_test(narrow, x87_opcodes_agree_with_the_host);
    tcase_add_test(narrow, sse_opcodes_agree_with_the_host);
    tcase_add_test(narrow, avx_opcodes_agree_with_the_host);
    suite_add_tcase(s, wide);
    suite_add_tcase(s, narrow);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
