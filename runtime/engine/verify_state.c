/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify_state.c - the CPU's state saved, put back, compared. */
#include "runtime/engine/verify_int.h"

enum { /* SDM vol. 1 table 10-2 and section 13.4: the XSAVE area */
       XSAVE_OPCODE = 6,
       XSAVE_POINTERS_END = 24, /* of the last instruction and its operand */
       XSAVE_MXCSR_MASK = 28,   /* of the CPU, not state */
       XSAVE_ST = 32,
       XSAVE_XMM = 160,
       XSAVE_XMM_END = 416,
       XSAVE_HEADER = 512,
       XSAVE_YMM = 576,
       XSAVE_YMM_END = 832,
       COMPONENT_X87 = 1,
       COMPONENT_SSE = 2,
       COMPONENT_AVX = 4,
};

static uint64_t *system_words(Cpu *cpu)
{
    return (uint64_t *)(void *)((uint8_t *)cpu + VERIFY_FIRST_SYSTEM);
}

static void copy_words(uint64_t *to, const uint64_t *from, size_t n)
{
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static void clear(uint8_t *bytes, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        bytes[i] = 0;
    }
}

void verify_save(Cpu *cpu, VerifyState *state, const VerifyBlock *facts)
{
    for (unsigned i = 0; i < 16; i++) {
        state->gpr[i] = cpu->gpr[i];
    }
    state->rip = cpu->rip;
    state->rflags = cpu->rflags;
    state->mode = cpu->mode;
    state->context = cpu->context;
    state->shadow = cpu->shadow;
    state->faulted = false;
    state->vector = facts->vector;
    state->segments = facts->segments;
    if (facts->segments) {
        copy_words(state->system, system_words(cpu), VERIFY_SYSTEM_WORDS);
    }
    if (facts->vector) {
        cpu_vector_park(cpu);
        copy_words((uint64_t *)(void *)state->xsave, (const uint64_t *)(void *)cpu->xsave,
                   XSAVE_SIZE / 8);
    }
}

void verify_restore(Cpu *cpu, const VerifyState *state)
{
    for (unsigned i = 0; i < 16; i++) {
        cpu->gpr[i] = state->gpr[i];
    }
    cpu->rip = state->rip;
    cpu->rflags = state->rflags;
    cpu->mode = state->mode;
    cpu->context = state->context;
    cpu->shadow = state->shadow;
    if (state->segments) {
        copy_words(system_words(cpu), state->system, VERIFY_SYSTEM_WORDS);
    }
    if (state->vector) {
        cpu_vector_park(cpu);
        copy_words((uint64_t *)(void *)cpu->xsave, (const uint64_t *)(const void *)state->xsave,
                   XSAVE_SIZE / 8);
    }
}

/* The addresses of the last x87 instruction are the host's; a component that is in its initial
 * state need not have been written. */
void verify_xsave_normalise(uint8_t *xsave)
{
    uint8_t components = xsave[XSAVE_HEADER];

    if (!(components & COMPONENT_X87)) {
        clear(xsave, 0, XSAVE_OPCODE);
        xsave[0] = 0x7f;
        xsave[1] = 0x03;
        clear(xsave, XSAVE_ST, XSAVE_XMM);
    }
    clear(xsave, XSAVE_OPCODE, XSAVE_POINTERS_END);
    clear(xsave, XSAVE_MXCSR_MASK, XSAVE_ST);
    if (!(components & COMPONENT_SSE)) {
        clear(xsave, XSAVE_XMM, XSAVE_XMM_END);
    }
    if (!(components & COMPONENT_AVX)) {
        clear(xsave, XSAVE_YMM, XSAVE_YMM_END);
    }
    clear(xsave, XSAVE_XMM_END, XSAVE_HEADER);
    xsave[XSAVE_HEADER] |= COMPONENT_X87 | COMPONENT_SSE | COMPONENT_AVX;
}

static bool gprs_equal(const VerifyState *a, const VerifyState *b, uint32_t mode)
{
    for (unsigned i = 0; i < 16; i++) {
        uint64_t difference = a->gpr[i] ^ b->gpr[i];

        if (i < 8 && !(mode & MODE_CS64)) {
            difference = (uint32_t)difference; /* the upper halves are undefined then */
        }
        if (difference != 0) {
            return false;
        }
    }
    return true;
}

static bool faults_equal(const VerifyState *a, const VerifyState *b)
{
    if (a->faulted != b->faulted) {
        return false;
    }
    return !a->faulted ||
           (a->fault.vector == b->fault.vector && a->fault.has_error == b->fault.has_error &&
            (!a->fault.has_error || a->fault.error == b->fault.error) &&
            (a->fault.vector != VECTOR_PF || a->fault.address == b->fault.address));
}

static bool words_equal(const uint64_t *a, const uint64_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

bool verify_states_equal(const VerifyState *a, const VerifyState *b, uint32_t mode, uint64_t flags)
{
    uint64_t counting = (~(uint64_t)FLAGS_ARITH | flags) & ~(uint64_t)FLAG_RF;

    return a->rip == b->rip && a->mode == b->mode && a->context == b->context &&
           ((a->rflags ^ b->rflags) & counting) == 0 && gprs_equal(a, b, mode) &&
           faults_equal(a, b) &&
           (!a->segments || words_equal(a->system, b->system, VERIFY_SYSTEM_WORDS)) &&
           (!a->vector || words_equal((const uint64_t *)(const void *)a->xsave,
                                      (const uint64_t *)(const void *)b->xsave, XSAVE_SIZE / 8));
}
