/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_SHIFT_H
#define SOFTWARE_CPU_SHIFT_H
/* shift.h - shifts and rotates by an immediate count, by the host's instruction with that count. */
#include "runtime/software_cpu/integer.h"

/* In the order of host_shift.S, where each has four widths of 256 entries of eight bytes. */
typedef enum ShiftPlace {
    SHIFT_ROL,
    SHIFT_ROR,
    SHIFT_RCL,
    SHIFT_RCR,
    SHIFT_SHL,
    SHIFT_SHR,
    SHIFT_SAR
} ShiftPlace;
extern const uint8_t host_shifts[], host_double_shifts[];

/* To the entry in RCX and back. */
#define SHIFT_JUMP "leaq 1f(%%rip), %%rsi\n\tjmp *%%rcx\n1:"

static inline uint64_t shift_by(ShiftPlace place, unsigned width, uint64_t a, uint64_t count,
                                uint64_t *flags)
{
    unsigned table = place * 4u + (unsigned)__builtin_ctz(width);
    const uint8_t *code = host_shifts + (table * 256 + (count & 0xff)) * 8;

    __asm__(FLAGS_LOAD SHIFT_JUMP FLAGS_STORE : "+a"(*flags), "+d"(a), "+c"(code) : : "rsi", "cc");
    return a;
}

#endif
