/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loops.h - the tests that run in user mode too, and so natively: cycles for n times. */
#ifndef MICRO_LOOPS_H
#define MICRO_LOOPS_H

#include <stdint.h>

static inline uint64_t cycles_now(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Runs the statement n times; it should be one piece of inline assembly. */
#define LOOP(n, statement)                                                                         \
    ({                                                                                             \
        uint64_t loop_start = cycles_now();                                                        \
        for (uint32_t left = n; left; left--) {                                                    \
            statement;                                                                             \
        }                                                                                          \
        cycles_now() - loop_start;                                                                 \
    })

__attribute__((noinline, noclone)) static void loop_callee(void)
{
    __asm__ volatile("");
}

static uint64_t call_cycles(uint32_t n)
{
    return LOOP(n, loop_callee());
}

static uint64_t rdtsc_cycles(uint32_t n)
{
    return LOOP(n, __asm__ volatile("rdtsc" : : : "eax", "edx"));
}

static uint64_t flags_cycles(uint32_t n)
{
    return LOOP(n, __asm__ volatile("pushf\n\tpopf" : : : "memory", "cc"));
}

#endif
