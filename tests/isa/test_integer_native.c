/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random integer instructions on random state, on the software CPU and on the host CPU itself: all
 * registers, the arithmetic flags (undefined ones too) and memory must agree.  Memory lies at one
 * address for both, so that pointers are the same. */
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "tests/isa/fixture.h"
#include "runtime/software_cpu/cpuid.h"

enum {
    SHARED = 0x200000, /* two pages */
    SHARED_SIZE = 0x2000,
    MIDDLE = SHARED + 0x1000, /* what pointers point at: accesses cross the pages */
    WINDOW = 96,              /* bytes on either side that are filled and compared */
    ROUNDS = 300,
    STATE_AT = 0x800, /* of NativeState in the code page */
};

typedef struct NativeState {
    uint64_t gpr[16];
    uint64_t flags;
    uint64_t host_rsp;
} NativeState;

typedef struct Native {
    uint8_t *page;
    unsigned at;
} Native;

typedef enum Form {
    FORM_RM,       /* ModRM, register or memory, random reg field */
    FORM_REGISTER, /* ModRM, registers only */
    FORM_MEMORY,   /* ModRM, memory only */
    FORM_PLAIN,    /* no ModRM */
    FORM_STRING,   /* no ModRM; RSI, RDI point into memory, RCX is small */
} Form;

typedef struct Template {
    const char *name;
    uint8_t opcode[4];
    uint8_t length;
    Form form;
    int8_t extension;  /* ModRM.reg, -1: random register, -2: random opcode */
    uint8_t immediate; /* bytes; 0xff: 4, or 2 with 66 */
    bool bytes;        /* the byte form is the opcode below */
    uint8_t prefix;    /* in front of REX: F2, F3; 0: none */
    uint16_t feature;  /* InsnFeature */
    uint16_t refused;  /* a vector that some forms raise: word MOVNTI, unaligned CMPXCHG16B */
} Template;

static const Template templates[] = {
    { "add r/m, r", { 0x01 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "add r, r/m", { 0x03 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "or r/m, r", { 0x09 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "adc r/m, r", { 0x11 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "sbb r, r/m", { 0x1b }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "and r/m, r", { 0x21 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "sub r/m, r", { 0x29 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "xor r/m, r", { 0x31 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "cmp r/m, r", { 0x39 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "test r/m, r", { 0x85 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "xchg r/m, r", { 0x87 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "mov r/m, r", { 0x89 }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "mov r, r/m", { 0x8b }, 1, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "lea", { 0x8d }, 1, FORM_MEMORY, -1, 0, false, 0, 0, 0 },
    { "movsxd", { 0x63 }, 1, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "imul r, r/m, imm", { 0x69 }, 1, FORM_RM, -1, 0xff, false, 0, 0, 0 },
    { "imul r, r/m, imm8", { 0x6b }, 1, FORM_RM, -1, 1, false, 0, 0, 0 },
    { "imul r, r/m", { 0x0f, 0xaf }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "group 1, imm", { 0x81 }, 1, FORM_RM, -2, 0xff, false, 0, 0, 0 },
    { "group 1, imm8", { 0x83 }, 1, FORM_RM, -2, 1, false, 0, 0, 0 },
    { "group 1, byte", { 0x80 }, 1, FORM_RM, -2, 1, false, 0, 0, 0 },
    { "add accumulator", { 0x05 }, 1, FORM_PLAIN, -1, 0xff, false, 0, 0, 0 },
    { "cmp al", { 0x3c }, 1, FORM_PLAIN, -1, 1, false, 0, 0, 0 },
    { "test accumulator", { 0xa9 }, 1, FORM_PLAIN, -1, 0xff, false, 0, 0, 0 },
    { "mov r/m, imm", { 0xc7 }, 1, FORM_RM, 0, 0xff, false, 0, 0, 0 },
    { "not", { 0xf7 }, 1, FORM_RM, 2, 0, true, 0, 0, 0 },
    { "neg", { 0xf7 }, 1, FORM_RM, 3, 0, true, 0, 0, 0 },
    { "mul", { 0xf7 }, 1, FORM_RM, 4, 0, true, 0, 0, 0 },
    { "imul", { 0xf7 }, 1, FORM_RM, 5, 0, true, 0, 0, 0 },
    { "div", { 0xf7 }, 1, FORM_RM, 6, 0, true, 0, 0, 0 },
    { "idiv", { 0xf7 }, 1, FORM_RM, 7, 0, true, 0, 0, 0 },
    { "inc", { 0xff }, 1, FORM_RM, 0, 0, true, 0, 0, 0 },
    { "dec", { 0xff }, 1, FORM_RM, 1, 0, true, 0, 0, 0 },
    { "group 2, 1", { 0xd1 }, 1, FORM_RM, -2, 0, true, 0, 0, 0 },
    { "group 2, cl", { 0xd3 }, 1, FORM_RM, -2, 0, true, 0, 0, 0 },
    { "group 2, imm8", { 0xc1 }, 1, FORM_RM, -2, 1, true, 0, 0, 0 },
    { "shld imm8", { 0x0f, 0xa4 }, 2, FORM_RM, -1, 1, false, 0, 0, 0 },
    { "shld cl", { 0x0f, 0xa5 }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "shrd imm8", { 0x0f, 0xac }, 2, FORM_RM, -1, 1, false, 0, 0, 0 },
    { "shrd cl", { 0x0f, 0xad }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "bt r, r", { 0x0f, 0xa3 }, 2, FORM_REGISTER, -1, 0, false, 0, 0, 0 },
    { "bts r, r", { 0x0f, 0xab }, 2, FORM_REGISTER, -1, 0, false, 0, 0, 0 },
    { "btr r, r", { 0x0f, 0xb3 }, 2, FORM_REGISTER, -1, 0, false, 0, 0, 0 },
    { "btc r, r", { 0x0f, 0xbb }, 2, FORM_REGISTER, -1, 0, false, 0, 0, 0 },
    { "bt imm8", { 0x0f, 0xba }, 2, FORM_RM, 4, 1, false, 0, 0, 0 },
    { "bts imm8", { 0x0f, 0xba }, 2, FORM_RM, 5, 1, false, 0, 0, 0 },
    { "btr imm8", { 0x0f, 0xba }, 2, FORM_RM, 6, 1, false, 0, 0, 0 },
    { "btc imm8", { 0x0f, 0xba }, 2, FORM_RM, 7, 1, false, 0, 0, 0 },
    { "bsf", { 0x0f, 0xbc }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "bsr", { 0x0f, 0xbd }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "tzcnt", { 0x0f, 0xbc }, 2, FORM_RM, -1, 0, false, 0xf3, INSN_FEATURE_BMI1, 0 },
    { "lzcnt", { 0x0f, 0xbd }, 2, FORM_RM, -1, 0, false, 0xf3, INSN_FEATURE_LZCNT, 0 },
    { "popcnt", { 0x0f, 0xb8 }, 2, FORM_RM, -1, 0, false, 0xf3, INSN_FEATURE_POPCNT, 0 },
    { "movzx byte", { 0x0f, 0xb6 }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "movzx word", { 0x0f, 0xb7 }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "movsx byte", { 0x0f, 0xbe }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "movsx word", { 0x0f, 0xbf }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "cmpxchg", { 0x0f, 0xb1 }, 2, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "xadd", { 0x0f, 0xc1 }, 2, FORM_RM, -1, 0, true, 0, 0, 0 },
    { "cmpxchg8b", { 0x0f, 0xc7 }, 2, FORM_MEMORY, 1, 0, false, 0, 0, VECTOR_GP },
    { "cmovb", { 0x0f, 0x42 }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "cmovle", { 0x0f, 0x4e }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "cmovnp", { 0x0f, 0x4b }, 2, FORM_RM, -1, 0, false, 0, 0, 0 },
    { "setno", { 0x0f, 0x91 }, 2, FORM_RM, 0, 0, false, 0, 0, 0 },
    { "setbe", { 0x0f, 0x96 }, 2, FORM_RM, 0, 0, false, 0, 0, 0 },
    { "sets", { 0x0f, 0x98 }, 2, FORM_RM, 0, 0, false, 0, 0, 0 },
    { "setl", { 0x0f, 0x9c }, 2, FORM_RM, 0, 0, false, 0, 0, 0 },
    { "setnle", { 0x0f, 0x9f }, 2, FORM_RM, 0, 0, false, 0, 0, 0 },
    { "bswap", { 0x0f, 0xcb }, 2, FORM_PLAIN, -1, 0, false, 0, 0, 0 },
    { "movbe load", { 0x0f, 0x38, 0xf0 }, 3, FORM_MEMORY, -1, 0, false, 0, INSN_FEATURE_MOVBE, 0 },
    { "movbe store", { 0x0f, 0x38, 0xf1 }, 3, FORM_MEMORY, -1, 0, false, 0, INSN_FEATURE_MOVBE, 0 },
    { "crc32 byte", { 0x0f, 0x38, 0xf0 }, 3, FORM_RM, -1, 0, false, 0xf2, INSN_FEATURE_SSE42, 0 },
    { "crc32", { 0x0f, 0x38, 0xf1 }, 3, FORM_RM, -1, 0, false, 0xf2, INSN_FEATURE_SSE42, 0 },
    { "adox", { 0x0f, 0x38, 0xf6 }, 3, FORM_RM, -1, 0, false, 0xf3, INSN_FEATURE_ADX, 0 },
    { "movnti", { 0x0f, 0xc3 }, 2, FORM_MEMORY, -1, 0, false, 0, 0, VECTOR_UD },
    { "cbw and kin", { 0x98 }, 1, FORM_PLAIN, -1, 0, false, 0, 0, 0 },
    { "cwd and kin", { 0x99 }, 1, FORM_PLAIN, -1, 0, false, 0, 0, 0 },
    { "lahf", { 0x9f }, 1, FORM_PLAIN, -1, 0, false, 0, 0, 0 },
    { "sahf", { 0x9e }, 1, FORM_PLAIN, -1, 0, false, 0, 0, 0 },
    { "cmc", { 0xf5 }, 1, FORM_PLAIN, -1, 0, false, 0, 0, 0 },
    { "rep movs", { 0xa5 }, 1, FORM_STRING, -1, 0, true, 0xf3, 0, 0 },
    { "movs", { 0xa5 }, 1, FORM_STRING, -1, 0, true, 0, 0, 0 },
    { "rep stos", { 0xab }, 1, FORM_STRING, -1, 0, true, 0xf3, 0, 0 },
    { "rep lods", { 0xad }, 1, FORM_STRING, -1, 0, true, 0xf3, 0, 0 },
    { "repe cmps", { 0xa7 }, 1, FORM_STRING, -1, 0, true, 0xf3, 0, 0 },
    { "repne cmps", { 0xa7 }, 1, FORM_STRING, -1, 0, true, 0xf2, 0, 0 },
    { "repe scas", { 0xaf }, 1, FORM_STRING, -1, 0, true, 0xf3, 0, 0 },
    { "repne scas", { 0xaf }, 1, FORM_STRING, -1, 0, true, 0xf2, 0, 0 },
};

typedef struct Vex {
    const char *name;
    uint8_t map_byte; /* with R, X, B set (inverted: none) */
    uint8_t pp, opcode;
    int8_t extension;
    uint8_t immediate;
    uint16_t feature;
} Vex;

static const Vex vex_forms[] = {
    { "andn", 0xe2, 0, 0xf2, -1, 0, INSN_FEATURE_BMI1 },
    { "blsr", 0xe2, 0, 0xf3, 1, 0, INSN_FEATURE_BMI1 },
    { "blsmsk", 0xe2, 0, 0xf3, 2, 0, INSN_FEATURE_BMI1 },
    { "blsi", 0xe2, 0, 0xf3, 3, 0, INSN_FEATURE_BMI1 },
    { "bextr", 0xe2, 0, 0xf7, -1, 0, INSN_FEATURE_BMI1 },
    { "bzhi", 0xe2, 0, 0xf5, -1, 0, INSN_FEATURE_BMI2 },
    { "mulx", 0xe2, 3, 0xf6, -1, 0, INSN_FEATURE_BMI2 },
    { "pdep", 0xe2, 3, 0xf5, -1, 0, INSN_FEATURE_BMI2 },
    { "pext", 0xe2, 2, 0xf5, -1, 0, INSN_FEATURE_BMI2 },
    { "sarx", 0xe2, 2, 0xf7, -1, 0, INSN_FEATURE_BMI2 },
    { "shlx", 0xe2, 1, 0xf7, -1, 0, INSN_FEATURE_BMI2 },
    { "shrx", 0xe2, 3, 0xf7, -1, 0, INSN_FEATURE_BMI2 },
    { "rorx", 0xe3, 3, 0xf0, -1, 1, INSN_FEATURE_BMI2 },
};

static Fixture *fx;
static CpuModel *model;
static Native native;
static uint64_t seed;

static uint64_t rand64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Values where carries, signs and zeros happen are as frequent as arbitrary ones. */
static uint64_t rand_value(void)
{
    static const uint64_t edges[] = {
        0,          1,      2,          0x7f,       0x80,       0xff,      0x7fff,
        0x8000,     0xffff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, (uint64_t)INT64_MIN,
        UINT64_MAX, 0x99,   0xdeadbeef, 63,         64
    };

    return rand64() & 1 ? rand64() : edges[rand64() % G_N_ELEMENTS(edges)];
}

/* ---- The host's side ---- */

static void emit(const void *bytes, unsigned n)
{
    memcpy(native.page + native.at, bytes, n);
    native.at += n;
}

/* An instruction whose last four bytes are a rip-relative reference to offset `field` of the state.
 */
static void emit_state(const uint8_t *opcode, unsigned n, size_t field)
{
    int32_t disp = (int32_t)(STATE_AT + field) - (int32_t)(native.at + n + 4);

    emit(opcode, n);
    emit(&disp, 4);
}

static void emit_gpr(unsigned reg, bool store)
{
    const uint8_t mov[3] = { reg < 8 ? 0x48 : 0x4c, store ? 0x89 : 0x8b,
                             (uint8_t)(0x05 | (reg & 7) << 3) };

    emit_state(mov, 3, offsetof(NativeState, gpr) + reg * 8);
}

static const uint8_t pushes[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57 };
static const uint8_t pops[] = { 0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b };

static void native_run(const uint8_t *code, unsigned size, NativeState *state)
{
    static const uint8_t save_rsp[] = { 0x48, 0x89, 0x25 }, load_rsp[] = { 0x48, 0x8b, 0x25 };
    static const uint8_t push_flags[] = { 0xff, 0x35 }, popfq = 0x9d;
    static const uint8_t pushfq = 0x9c, pop_flags[] = { 0x8f, 0x05 };
    static const uint8_t leave[] = { 0xfc, 0xc3 }; /* cld; ret */

    memcpy(native.page + STATE_AT, state, sizeof(*state));
    native.at = 0;
    emit(pushes, sizeof(pushes));
    emit_state(push_flags, 2, offsetof(NativeState, flags));
    emit(&popfq, 1);
    emit_state(save_rsp, 3, offsetof(NativeState, host_rsp));
    for (unsigned i = 0; i < 16; i++) {
        emit_gpr(i, false);
    }
    emit(code, size);
    for (unsigned i = 0; i < 16; i++) {
        emit_gpr(i, true);
    }
    emit_state(load_rsp, 3, offsetof(NativeState, host_rsp));
    emit(&pushfq, 1);
    emit_state(pop_flags, 2, offsetof(NativeState, flags));
    emit(pops, sizeof(pops));
    emit(leave, sizeof(leave));
    __asm__ volatile("call *%0"
                     :
                     : "r"(native.page)
                     : "memory", "cc", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
    memcpy(state, native.page + STATE_AT, sizeof(*state));
}

/* ---- Both sides ---- */

static void setup(void)
{
    uint8_t *shared = mmap((void *)(uintptr_t)SHARED, SHARED_SIZE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    ck_assert_ptr_eq(shared, (void *)(uintptr_t)SHARED);
    native.page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
    ck_assert_ptr_ne(native.page, MAP_FAILED);
    fx = fixture_new(FIXTURE_LONG64);
    model = cpu_model_new("max", NULL);
    fx->cpu->model = model;
    seed = 0x9e3779b97f4a7c15;
}

static void teardown(void)
{
    fixture_free(fx);
    cpu_model_free(model);
    munmap(native.page, 4096);
    munmap((void *)(uintptr_t)SHARED, SHARED_SIZE);
}

static void randomise(NativeState *state, Form form)
{
    uint8_t *shared = (uint8_t *)(uintptr_t)MIDDLE;

    for (unsigned i = 0; i < 16; i++) {
        state->gpr[i] = rand_value();
    }
    state->gpr[RSP] = SHARED + 0x800;
    state->flags = FLAG_1 | FLAG_IF | (rand64() & FLAGS_ARITH);
    for (int i = -WINDOW; i < WINDOW; i++) {
        shared[i] = (uint8_t)(rand64() % 3 ? 0x55 : rand64());
    }
    if (form == FORM_STRING) {
        state->gpr[RSI] = MIDDLE - 16 + rand64() % 32;
        state->gpr[RDI] = MIDDLE - 16 + rand64() % 32;
        state->gpr[RCX] = rand64() % 6;
        state->gpr[RAX] = rand64() % 3 ? 0x5555555555555555 : rand64();
        state->flags |= rand64() & FLAG_DF;
    } else {
        state->gpr[RBX] = MIDDLE - 20 + rand64() % 40; /* the base of every memory operand */
    }
    memcpy(fx->ram + MIDDLE - WINDOW, shared - WINDOW, 2 * WINDOW);
}

/* false: the guest faulted; the host was spared. */
static bool guest_run(const uint8_t *code, unsigned size, NativeState *state, unsigned refused)
{
    Cpu *cpu = fx->cpu;
    FixtureEnd end;

    fixture_load(fx, code, size);
    memcpy(cpu->gpr, state->gpr, sizeof(cpu->gpr));
    cpu->rflags = state->flags;
    end = fixture_run(fx, 20);
    if (end == FIXTURE_FAULT) {
        ck_assert_msg(cpu->fault.vector == refused, "vector %u", cpu->fault.vector);
        ck_assert_uint_eq(cpu->rip, FIXTURE_CODE);
        return false;
    }
    ck_assert_int_eq(end, FIXTURE_HLT);
    memcpy(state->gpr, cpu->gpr, sizeof(cpu->gpr));
    state->flags = cpu->rflags;
    return true;
}

static const char *hex(const uint8_t *code, unsigned size)
{
    static char text[64];

    text[0] = 0;
    for (unsigned i = 0; i < size; i++) {
        g_snprintf(text + i * 3, 4, "%02x ", code[i]);
    }
    return text;
}

static void compare(const char *name, const uint8_t *code, unsigned size, Form form,
                    unsigned refused)
{
    NativeState before, host, guest;

    randomise(&before, form);
    host = guest = before;
    if (!guest_run(code, size, &guest, refused)) {
        return;
    }
    native_run(code, size, &host);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_msg(host.gpr[i] == guest.gpr[i], "%s (%s): r%u was %lx, host %lx, guest %lx",
                      name, hex(code, size), i, before.gpr[i], host.gpr[i], guest.gpr[i]);
    }
    ck_assert_msg(((host.flags ^ guest.flags) & FLAGS_ARITH) == 0,
                  "%s (%s): flags were %lx, host %lx, guest %lx", name, hex(code, size),
                  before.flags, host.flags, guest.flags);
    ck_assert_msg(
        memcmp(fx->ram + MIDDLE - WINDOW, (uint8_t *)(uintptr_t)MIDDLE - WINDOW, 2 * WINDOW) == 0,
        "%s (%s): memory differs", name, hex(code, size));
}

/* ModRM with any register but RSP, or [rbx + disp8]. */
static unsigned add_modrm(uint8_t *code, Form form, int extension, uint8_t *rex)
{
    unsigned reg = extension >= 0 ? (unsigned)extension : (unsigned)(rand64() & 7);
    unsigned rm = (unsigned)(rand64() & 7);
    bool memory = form == FORM_MEMORY || (form == FORM_RM && rand64() % 2);

    if (reg == RSP && extension == -1) {
        reg = RDI;
    }
    if (memory) {
        code[0] = (uint8_t)(0x43 | reg << 3);
        code[1] = (uint8_t)(rand64() % 16);
        return 2;
    }
    *rex |= 1; /* the high registers also stand for r8 to r15 */
    if (rm == 4 || rand64() % 2) {
        *rex &= ~1;
        rm = rm == 4 ? 5 : rm;
    }
    code[0] = (uint8_t)(0xc0 | reg << 3 | rm);
    return 1;
}

static unsigned add_immediate(uint8_t *code, unsigned size, bool word)
{
    uint64_t value = rand_value();

    size = size == 0xff ? (word ? 2 : 4) : size;
    memcpy(code, &value, size);
    return size;
}

static unsigned build(uint8_t *code, const Template *t)
{
    uint8_t modrm[2], rex = (uint8_t)(0x40 | (rand64() & 1) << 3);
    unsigned n = 0, n_modrm = 0;
    bool word = rand64() % 3 == 0, byte = t->bytes && rand64() % 3 == 0;
    bool needs_rex = rand64() & 1;

    if (t->form <= FORM_MEMORY) {
        n_modrm = add_modrm(modrm, t->form, t->extension, &rex);
    }
    if (word && !(rex & 8)) {
        code[n++] = 0x66;
    }
    if (t->prefix != 0) {
        code[n++] = t->prefix;
    }
    /* without REX, byte registers 4 to 7 are AH to BH */
    if (rex != 0x40 || needs_rex) {
        code[n++] = rex;
    }
    memcpy(code + n, t->opcode, t->length);
    n += t->length;
    code[n - 1] = (uint8_t)(code[n - 1] - byte);
    memcpy(code + n, modrm, n_modrm);
    n += n_modrm;
    return n + add_immediate(code + n, t->immediate, word && !(rex & 8));
}

START_TEST(template_agrees_with_the_host)
{
    const Template *t = &templates[_i];

    if (t->feature != 0 && !cpu_has_feature(fx->cpu, t->feature)) {
        return;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t code[24];
        unsigned size = build(code, t);

        compare(t->name, code, size, t->form, t->refused); /* 0 is #DE: DIV */
    }
}
END_TEST

START_TEST(vex_form_agrees_with_the_host)
{
    const Vex *v = &vex_forms[_i];

    if (!cpu_has_feature(fx->cpu, v->feature)) {
        return;
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned vvvv = v->immediate ? 0 : (unsigned)(rand64() % 16);
        uint8_t code[16] = { 0xc4, v->map_byte }, rex = 0;
        unsigned n = 4;

        vvvv = vvvv == RSP ? RAX : vvvv;
        code[2] = (uint8_t)((rand64() & 1) << 7 | (~vvvv & 15) << 3 | v->pp);
        code[3] = v->opcode;
        n += add_modrm(code + n, FORM_RM, v->extension, &rex);
        n += add_immediate(code + n, v->immediate, false);
        compare(v->name, code, n, FORM_RM, VECTOR_DE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("integer instructions against the host");
    TCase *tc = tcase_create("native");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, template_agrees_with_the_host, 0, G_N_ELEMENTS(templates));
    tcase_add_loop_test(tc, vex_form_agrees_with_the_host, 0, G_N_ELEMENTS(vex_forms));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
