/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SMP_CODE_H
#define CHECK_SMP_CODE_H
/* smp_code.h - the 64-bit code of one CPU's part of a litmus test, repeated over places of its own:
 * the same bytes run natively and in a guest.
 *
 * R12 points at the places of the first repetition, RBP at its c, R13 at where its loads go, R14 is
 * the number of repetitions, R15 points at a counter that CPUs meet at before each one, EDI seeds
 * the delays before it. It returns with RET. Spoils all but RBX, which it keeps, and RSP. */
#include "check/smp_test.h"

enum {
    SMP_STRIDE = 256,     /* of a repetition's x (at 0) and y (at 64) */
    SMP_CODE_STRIDE = 64, /* of its c */
    SMP_CODE_NUMBER = 4,  /* where c's number is */
    SMP_LOADED = 16,      /* bytes of a repetition's loads */
    SMP_CODE_MAX = 1024,  /* bytes of a CPU's part */
};

/* `ahead`: so many repetitions a CPU may be in front of the others. Bytes written to `code`. */
unsigned smp_code_make(const SmpTest *test, unsigned cpu, unsigned ahead, uint8_t *code);
/* The c of one repetition: a function that returns 0. */
void smp_code_callee(uint8_t *code);

#endif
