/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SYSTEM_DRAFT_H
#define CHECK_SYSTEM_DRAFT_H
/* system_draft.h - a test's code while it is being written, between system_generate.c and the rows
 * of system_insns.c, system_transfer.c and system_plain.c.
 *
 * A row emits whole instructions: draft_insn, then their bytes.  Addresses are those of the place
 * where they end up, so that a program can be built again with fewer steps. */
#include "check/system_image.h"

typedef struct Draft {
    const SystemProgram *program;
    SystemTest *test;
    Random random;  /* of the step */
    uint32_t at;    /* linear address of the next byte */
    unsigned width; /* of the code that follows: 2, 4 or 8 */
    bool full;      /* what was emitted since then went nowhere */
} Draft;

typedef void (*DraftFn)(Draft *draft);

typedef struct SystemRow {
    const char *name;
    DraftFn emit;
    uint8_t weight;
    uint8_t modes; /* bit by SystemMode; 0: all */
} SystemRow;

extern const SystemRow system_rows_control[], system_rows_transfer[], system_rows_plain[];
extern const unsigned system_rows_control_n, system_rows_transfer_n, system_rows_plain_n;

/* ---- Bytes ---- */

void draft_insn(Draft *draft); /* a new instruction begins */
void draft_bytes(Draft *draft, const uint8_t *bytes, unsigned n);
#define DRAFT(draft, ...)                                                                          \
    draft_bytes(draft, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
void draft_number(Draft *draft, unsigned n, uint64_t value);
/* 66h where the code needs it for 16-bit (2) or 32-bit (4) operands. */
void draft_size(Draft *draft, unsigned operand);
/* ModRM and what belongs to it: an absolute address. */
void draft_absolute(Draft *draft, unsigned reg, uint32_t address);

/* ---- Whole instructions ---- */

void draft_mov(Draft *draft, unsigned reg, uint64_t value); /* 32 bits, or 64 in 64-bit code */
void draft_store(Draft *draft, uint32_t address, unsigned width, uint64_t value); /* 2, 4 or 8 */
void draft_push(Draft *draft, uint64_t value); /* as wide as the code; clobbers RAX if it must */

/* Raises SYS_EVENT_*: OUT to a port of ours; on a PC the interrupt, by its serial port (DX, AL are
 * lost). */
void draft_raise(Draft *draft, unsigned events);

/* ---- What to draw ---- */

static inline uint64_t draw(Draft *draft, uint64_t n)
{
    return random_below(&draft->random, n);
}
#define DRAW_OF(draft, list) ((list)[draw(draft, G_N_ELEMENTS(list))])

bool draft_user(const Draft *draft); /* does it start at privilege level 3? */
bool draft_bare(const Draft *draft); /* would a stray address reach something else on a PC? */
uint16_t draw_selector(Draft *draft);
uint32_t draw_address(Draft *draft); /* of data, in the low 64 KiB: mostly accessible */
uint32_t draw_scratch(Draft *draft); /* a place in the first data page */
uint64_t draw_number(Draft *draft);  /* boundary values preferred */
uint32_t draw_flags(Draft *draft);   /* of RFLAGS, for POPF, IRET and the like */

#endif
