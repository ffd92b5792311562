/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_ISA_VECTOR_STATE_H
#define TESTS_ISA_VECTOR_STATE_H
/* vector_state.h - random x87, SSE and AVX state, and the same instruction run by the host itself.
 */
#include <stdbool.h>
#include <stdint.h>

enum { STATE_SIZE = 832, STATE_MEMORY = 2 * 4096 };

typedef struct NativeRegisters {
    uint64_t rax, rcx, rdx, rsi, r13, flags;
} NativeRegisters;

/* One run: everything goes in and comes out. */
typedef struct NativeRun {
    NativeRegisters regs;
    uint8_t vector[STATE_SIZE] __attribute__((aligned(64))); /* standard XSAVE format */
} NativeRun;

/* A small generator of its own, so that a failure repeats. */
typedef struct Random {
    uint64_t state;
} Random;
uint64_t random_next(Random *random);
/* Floats, doubles, extended reals, integers: special values and plain bits, in all registers. */
void random_vector(Random *random, uint8_t vector[STATE_SIZE]);
void random_bytes(Random *random, uint8_t *to, unsigned n);

/* Takes over SIGILL, SIGFPE and SIGSEGV; passes on what native_run has not raised. */
typedef struct Native Native;
Native *native_new(void);
void native_free(Native *native);
/* Two pages that instructions may address through rsi. */
uint8_t *native_memory(Native *native);
/* Runs `insn` on the host. Returns 0 or the signal that it raised (the state is then undefined). */
int native_run(Native *native, const uint8_t *insn, unsigned length, NativeRun *run);

#endif
