/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/translator/engine_fixture.h"
#include "runtime/software_cpu/rows.h"
#include "runtime/software_cpu/thunk.h"
#include "translator/translator_int.h"
#include <signal.h>
#include <string.h>

static _Thread_local Cpu *running;

static void on_signal(int signo, siginfo_t *info, void *context)
{
    if (running == NULL || !(thunk_fixup(running, signo, context) ||
                             engine_signal(running, signo, info->si_addr, context))) {
        signal(signo, SIG_DFL);
    }
}

static void signals_install(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
    struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        sigaction(signals[i], &action, NULL);
    }
}

static void code_written(void *opaque, uint64_t ram_offset, uint64_t size)
{
    engine_invalidate(opaque, ram_offset, size);
}

void fixture_thunks(Fixture *fx)
{
    fx->cpu->thunks = thunk_cache_new(NULL);
    g_assert(fx->cpu->thunks != NULL);
    signals_install();
}

void fixture_thunks_free(Fixture *fx)
{
    thunk_cache_free(fx->cpu->thunks);
    fx->cpu->thunks = NULL;
}

EngineFixture *engine_fixture_new(FixtureMode mode, const EngineOptions *options)
{
    static const EngineOptions defaults = { .cache_size = 1 << 20 };
    EngineFixture *ef = g_new0(EngineFixture, 1);
    PhysMapOwner owner = { .code_written = code_written };

    ef->fx = fixture_new(mode);
    ef->engine = engine_new(ef->fx->map, options != NULL ? options : &defaults, NULL);
    g_assert(ef->engine != NULL);
    engine_attach(ef->engine, ef->fx->cpu);
    fixture_thunks(ef->fx);
    phys_map_set_owner(ef->fx->map, &owner, ef->engine);
    return ef;
}

void engine_fixture_free(EngineFixture *ef)
{
    engine_free(ef->engine);
    fixture_thunks_free(ef->fx);
    fixture_free(ef->fx);
    g_free(ef);
}

void engine_fixture_run(EngineFixture *ef)
{
    Cpu *cpu = ef->fx->cpu;

    cpu->halted = false;
    running = cpu;
    engine_run(cpu);
    cpu_vector_park(cpu);
}

bool fixture_run_to_halt(Fixture *fx, unsigned max_steps)
{
    Cpu *cpu = fx->cpu;

    running = cpu;
    cpu->halted = false;
    for (unsigned i = 0; i < max_steps && !cpu->halted; i++) {
        software_cpu_step(cpu);
    }
    cpu_vector_park(cpu);
    return cpu->halted;
}

uint64_t random_next(uint64_t *seed)
{
    uint64_t x = *seed;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *seed = x;
}

/* Instructions that this generator leaves out: control flow, system, and what differs from run to
 * run. */
static bool wanted(const Insn *insn)
{
    static const uint16_t out[] = {
        ZYDIS_MNEMONIC_RDRAND,     ZYDIS_MNEMONIC_RDSEED,   ZYDIS_MNEMONIC_ENTER,
        ZYDIS_MNEMONIC_LEAVE,      ZYDIS_MNEMONIC_POPF,     ZYDIS_MNEMONIC_POPFD,
        ZYDIS_MNEMONIC_POPFQ,      ZYDIS_MNEMONIC_LES,      ZYDIS_MNEMONIC_LDS,
        ZYDIS_MNEMONIC_LSS,        ZYDIS_MNEMONIC_LFS,      ZYDIS_MNEMONIC_LGS,
        ZYDIS_MNEMONIC_FNSTENV,    ZYDIS_MNEMONIC_FNSAVE,   ZYDIS_MNEMONIC_FXSAVE,
        ZYDIS_MNEMONIC_FXSAVE64, /* the address of the last x87 instruction is not kept translated
                                  */
        ZYDIS_MNEMONIC_XSAVE,      ZYDIS_MNEMONIC_XSAVEC,   ZYDIS_MNEMONIC_XSAVEOPT,
        ZYDIS_MNEMONIC_XSAVES,     ZYDIS_MNEMONIC_XSAVE64,  ZYDIS_MNEMONIC_XSAVEC64,
        ZYDIS_MNEMONIC_XSAVEOPT64, ZYDIS_MNEMONIC_XSAVES64, ZYDIS_MNEMONIC_CLDEMOTE,
        ZYDIS_MNEMONIC_CLI,        ZYDIS_MNEMONIC_STI,      ZYDIS_MNEMONIC_BOUND,
    };

    if (exec_row(insn->mnemonic) == NULL || (insn->prefix & (PREFIX_REP | PREFIX_REPNE)) ||
        insn->encoding == ENCODING_EVEX || insn_ends_block(insn)) {
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(out); i++) {
        if (insn->mnemonic == out[i]) {
            return false;
        }
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        const Operand *op = &insn->op[i];

        if (op->kind > OPERAND_GPR_HIGH && op->kind != OPERAND_MEM && op->kind != OPERAND_IMM) {
            return false;
        }
        if (op->kind == OPERAND_GPR && op->reg == RSP && op->write) {
            return false;
        }
    }
    return insn->n_operands != 0 || insn->has_mem;
}

static size_t put_mov(uint8_t *code, unsigned reg, uint32_t value, unsigned code_width)
{
    size_t n = 0;

    if (code_width == 2) {
        code[n++] = 0x66;
    }
    if (code_width == 8) {
        code[n++] = (uint8_t)(0x48 | (reg >> 3 & 1));
        code[n++] = 0xc7;
        code[n++] = (uint8_t)(0xc0 | (reg & 7));
    } else {
        code[n++] = (uint8_t)(0xb8 | reg);
    }
    memcpy(code + n, &value, 4);
    return n + 4;
}

/* Makes an operand without a base lead to `place`, by its displacement. */
static bool patch_displacement(uint8_t *bytes, const Insn *insn, int64_t place, size_t at)
{
    if (insn->mem.base == MEM_RIP) {
        place -= (int64_t)(FIXTURE_CODE + at + insn->length);
    }
    if (insn->disp_size < MIN(insn->address_width, 4)) {
        return false;
    }
    memcpy(bytes + insn->disp_at, &place, insn->disp_size);
    return true;
}

/* Leads the instruction with addresses in the two pages of data; false if its operand cannot be
 * brought there. */
static bool put_addresses(uint8_t *code, size_t *n, uint8_t *bytes, const Insn *insn,
                          uint64_t *seed)
{
    const MemOperand *mem = &insn->mem;
    uint32_t place = FIXTURE_DATA + 64 + (uint32_t)(random_next(seed) % 8000);
    int64_t base = (int64_t)place - (mem->base > R15 ? 0 : mem->disp);
    bool wide = insn->code_width != 2;

    if (mem->base == RSP || mem->index == RSP || mem->vsib || (wide && insn->address_width < 4) ||
        (wide && (mem->segment == FS || mem->segment == GS))) {
        return false;
    }
    if (insn->code_width == 2 && mem->segment != SS && mem->segment != CS) {
        base -= RANDOM_BASE16;
    }
    if (mem->index <= R15) {
        uint32_t index = (uint32_t)(random_next(seed) % 8);

        if (mem->index == mem->base) {
            return false;
        }
        base -= (int64_t)index * mem->scale;
        *n += put_mov(code + *n, mem->index, index, insn->code_width);
    }
    if (mem->base > R15) {
        return patch_displacement(bytes, insn, base, *n);
    }
    if (base < INT32_MIN || base > INT32_MAX) {
        return false;
    }
    *n += put_mov(code + *n, mem->base, (uint32_t)base, insn->code_width);
    return true;
}

/* Leaves flags undefined that the software CPU and the host may set differently. */
static bool undefines_flags(const Insn *insn)
{
    static const uint16_t list[] = {
        ZYDIS_MNEMONIC_MUL, ZYDIS_MNEMONIC_IMUL, ZYDIS_MNEMONIC_DIV,  ZYDIS_MNEMONIC_IDIV,
        ZYDIS_MNEMONIC_BSF, ZYDIS_MNEMONIC_BSR,  ZYDIS_MNEMONIC_SHLD, ZYDIS_MNEMONIC_SHRD,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
        if (insn->mnemonic == list[i]) {
            return true;
        }
    }
    return false;
}

size_t random_code(uint8_t *code, size_t room, unsigned n, unsigned code_width, uint64_t *seed)
{
    size_t at = 0;

    while (n > 0 && at + 56 < room) {
        uint8_t bytes[16];
        Insn insn;
        size_t next = at;

        for (unsigned i = 0; i < sizeof(bytes); i += 8) {
            uint64_t value = random_next(seed);

            memcpy(bytes + i, &value, 8);
        }
        switch (random_next(seed) % 4) {
        case 0:
            bytes[1] = bytes[0];
            bytes[0] = 0x0f;
            break;
        case 1:
            bytes[0] = code_width == 8 ? 0x40 | (bytes[0] & 15) : 0x66;
            break;
        default:
            break;
        }
        if (insn_decode(&insn, bytes, 15, code_width) != INSN_OK || !wanted(&insn)) {
            continue;
        }
        if (insn.has_mem && !put_addresses(code, &next, bytes, &insn, seed)) {
            continue;
        }
        memcpy(code + next, bytes, insn.length);
        at = next + insn.length;
        if (undefines_flags(&insn)) {
            code[at++] = 0x39; /* cmp eax, ecx */
            code[at++] = 0xc8;
        }
        n--;
    }
    return at;
}
