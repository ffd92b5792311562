/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_VERIFY_INT_H
#define RUNTIME_ENGINE_VERIFY_INT_H
/* verify_int.h - a verification in progress, for the verify files. */
#include "runtime/engine/verify.h"

enum {
    VERIFY_WRITES = 4 * BLOCK_MAX_INSNS,
    VERIFY_BYTES = 64 << 10, /* that one block may write */
    VERIFY_FIRST_SYSTEM = offsetof(Cpu, seg),
    VERIFY_END_SYSTEM = offsetof(Cpu, sysenter_cs),
    VERIFY_SYSTEM_WORDS = (VERIFY_END_SYSTEM - VERIFY_FIRST_SYSTEM) / 8,
};

/* State of the CPU that a block may change. */
typedef struct VerifyState {
    uint64_t gpr[16], rip, rflags;
    uint64_t system[VERIFY_SYSTEM_WORDS]; /* Cpu.seg to Cpu.kernel_gs_base */
    uint32_t mode, context;
    uint8_t shadow;
    bool faulted, vector, segments; /* fault, xsave, system are filled */
    Fault fault;
    uint8_t xsave[XSAVE_SIZE] __attribute__((aligned(64)));
} VerifyState;

/* A run of bytes in one page that the block may write. */
typedef struct VerifyWrite {
    uint8_t *host;
    uint64_t linear;
    uint32_t size, at; /* at: in the byte arrays of Verify */
} VerifyWrite;

_Static_assert((int)BLOCK_MAX_INSNS <= 64, "VerifyBlock.accesses has a bit for each");

/* What is known about each block. */
typedef struct VerifyBlock {
    bool checked;      /* may be verified */
    bool vector;       /* uses x87, MMX, SSE or AVX state */
    bool segments;     /* may change what is in VerifyState.system */
    bool seen;         /* has been verified once */
    uint16_t flags;    /* arithmetic flags that can be compared behind it */
    uint64_t accesses; /* a bit for each instruction that has to be logged */
} VerifyBlock;

struct Verify {
    unsigned every, run_left;
    uint64_t count; /* of blocks that might have been sampled */
    Block *next;    /* due; NULL: none */
    bool alone, faulted, left;
    VerifyBlock *block; /* by number; reserved address space */
    size_t block_size;
    VerifyState before, expected, actual;
    unsigned n_writes;
    uint32_t used;
    VerifyWrite write[VERIFY_WRITES];
    uint8_t old[VERIFY_BYTES], expected_bytes[VERIFY_BYTES];
};

/* verify_memory.c */
/* May the instruction access memory that verify_log has to know of? */
bool verify_accesses(const Insn *insn);
/* Logs what the instruction, which comes next, may write; false: devices or translated code. */
bool verify_log(Cpu *cpu, Verify *verify, const Insn *insn);
void verify_keep_expected(Verify *verify);
void verify_undo(Verify *verify);
void verify_redo(Verify *verify); /* what the software CPU wrote */
bool verify_memory_equal(const Verify *verify);

/* verify_state.c */
void verify_save(Cpu *cpu, VerifyState *state, const VerifyBlock *facts);
void verify_restore(Cpu *cpu, const VerifyState *state);
/* `flags`: arithmetic flags that count. */
bool verify_states_equal(const VerifyState *a, const VerifyState *b, uint32_t mode, uint64_t flags);
/* Makes images equal that stand for the same state; it can still be loaded. */
void verify_xsave_normalise(uint8_t *xsave);

/* verify_report.c; the state is parked. */
void verify_report(Cpu *cpu, const Block *block, uint64_t flags);

#endif
