/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_GENERATE_INT_H
#define CHECK_GENERATE_INT_H
/* generate_int.h - between generate.c, generate_insn.c and generate_state.c. */
#include "check/native.h"
#include "translator/insn.h"

/* An encoding, down to what selects the instruction. */
typedef struct Template {
    uint16_t mnemonic;
    uint8_t prefix; /* 66, F2, F3 that belongs to the opcode, or 0 */
    uint8_t rex;    /* 48 where REX.W belongs to it, or 0 */
    uint8_t vex;    /* 0: legacy; else 80, pp in bits 0 and 1, L in bit 2, W in bit 3 */
    uint8_t map, opcode, modrm;
    bool vvvv; /* VEX.vvvv names an operand */
    bool has_modrm;
    bool free_reg, free_rm; /* these fields of ModRM name registers */
    bool vector;            /* a row of insns_vector.def */
} Template;

/* ---- generate_insn.c ---- */

/* Prefixes and opcode; returns where ModRM goes. */
unsigned template_head(const Template *t, uint8_t *bytes);
/* A random instruction of the template; it may not decode. */
void template_fill(const Template *t, Isa isa, Random *random, uint8_t *bytes);
/* Can it run in user mode with the same result everywhere? */
bool insn_is_wanted(const Insn *insn, const Cpu *cpu);
bool insn_is_vector(const Insn *insn);

/* ---- generate_state.c ---- */

void state_draw(Isa isa, Random *random, NativeStart *start);

/* A test that is being made. */
typedef struct Draft {
    NativeTest *test;
    Isa isa;
    const Cpu *cpu;
    uint32_t known;   /* registers whose first value is in use: not to be set any more */
    uint32_t written; /* registers that an instruction so far writes */
    uint8_t starts[8];
    struct {
        uint8_t at, size, insn;
    } branch[8]; /* displacements that wait for their target */
    unsigned n_branches;
} Draft;

/* Appends the instruction and leads its addresses into the window. */
void draft_add(Draft *draft, const Insn *insn, Random *random);
/* Gives the branches their targets. */
void draft_finish(Draft *draft, Random *random);

#endif
