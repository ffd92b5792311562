/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_NATIVE_H
#define CHECK_NATIVE_H
/* native.h - one test of doppel-check native, and how it ends.
 *
 * A test is a few instructions and a state.  It is run by the host CPU itself (native_host.c), by
 * the software CPU and translated (native_guest.c), each with the same memory at the same
 * addresses:
 *
 *     CODE    one slot a test, readable and executable
 *     WINDOW  two pages to read and write, one to read only; nothing on either side
 *
 * In 16-bit code CS begins at CODE; DS, SS and FS at SEGMENT, which leads to the window from
 * offset 8000h on; ES likewise, but its limit is in the window; GS is null.
 *
 * An end is the state behind the last instruction, or the exception that one of them raised. */
#include <stdbool.h>
#include <stdint.h>
#include "runtime/cpu/cpu.h"

typedef enum Isa { ISA_64, ISA_32, ISA_16, ISAS } Isa;

enum {
    NATIVE_CODE = 0x10000000,
    NATIVE_SLOT = 128,
    NATIVE_BATCH = 256,
    NATIVE_CODE_SIZE = NATIVE_SLOT * NATIVE_BATCH,
    NATIVE_WINDOW = 0x20000000,
    NATIVE_SEGMENT = NATIVE_WINDOW - 0x8000,
    NATIVE_ES_LIMIT = 0xa7ff,
    NATIVE_WRITABLE = 2 * PAGE_SIZE,
    NATIVE_WINDOW_SIZE = 3 * PAGE_SIZE,
    NATIVE_VECTOR_SIZE = 832, /* XSAVE area with x87, SSE and AVX */
    NATIVE_LINE = 64,
    NATIVE_LINES = 32,     /* of memory that a test may change */
    NATIVE_MAX_CODE = 100, /* bytes of instructions in a slot; the way out follows */
    NATIVE_END = 0xff,     /* NativeEnd.vector: no exception */
    NATIVE_LOST = 0xfe,    /* the child was lost: no comparison */
};

/* Selectors of a 64-bit Linux process: what both sides show. 32-bit code has a segment in the LDT,
 * for kernels without 32-bit processes have none; so has all that 16-bit code uses. */
enum {
    HOST_CS64 = 0x33,
    HOST_DATA = 0x2b,
    HOST_CS32 = 0x07,
    HOST_CS16 = 0x0f,
    HOST_DATA16 = 0x17,
    HOST_ES16 = 0x1f
};

static inline unsigned isa_code_width(Isa isa)
{
    return isa == ISA_64 ? 8 : isa == ISA_32 ? 4 : 2;
}

/* RIP of the first byte of CODE. */
static inline uint64_t isa_code_base(Isa isa)
{
    return isa == ISA_16 ? 0 : NATIVE_CODE;
}

typedef struct NativeStart {
    uint8_t vector[NATIVE_VECTOR_SIZE] __attribute__((aligned(64)));
    uint64_t gpr[16];
    uint64_t rflags;
    uint64_t rip;
    uint64_t leave; /* address behind the last instruction */
} NativeStart;

typedef struct NativeLine {
    uint32_t offset; /* in the window */
    uint8_t bytes[NATIVE_LINE];
} NativeLine;

typedef struct NativeEnd {
    uint8_t vector_state[NATIVE_VECTOR_SIZE] __attribute__((aligned(64)));
    uint64_t gpr[16];
    uint64_t rflags;
    uint64_t rip;
    uint64_t error, address; /* of the exception, where it has one */
    uint32_t vector;         /* exception, or NATIVE_END */
    uint32_t n_lines;        /* that changed; more than NATIVE_LINES: only the first are here */
    NativeLine line[NATIVE_LINES];
} NativeEnd;

typedef struct NativeTest {
    NativeStart start;
    uint8_t code[NATIVE_MAX_CODE];
    uint8_t length;
    uint8_t n_insns;
    uint64_t seed; /* that it was made from; 0: read from a file */
} NativeTest;

/* Memory of the window at the start of all tests of a batch. */
typedef struct NativeImage {
    uint8_t bytes[NATIVE_WINDOW_SIZE];
} NativeImage;

/* Lists the lines of `now` that differ from the image, and puts them back. */
void native_lines(const NativeImage *image, uint8_t *now, NativeEnd *end);

/* ---- Random numbers, so that a seed repeats ---- */

typedef struct Random {
    uint64_t state;
} Random;

static inline uint64_t random_next(Random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static inline uint64_t random_below(Random *random, uint64_t n)
{
    return random_next(random) % n;
}

#endif
