/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recursion.c - Fibonacci numbers the slow way and Ackermann's function: calls and returns. */
#include "kernel.h"

__attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) static unsigned
fibonacci(unsigned n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

__attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) static unsigned
ackermann(unsigned m, unsigned n)
{
    if (m == 0) {
        return n + 1;
    }
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

uint64_t recursion_run(uint64_t iterations)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        sum = checksum_add(sum, fibonacci(18 + n % 4));
        sum = checksum_add(sum, ackermann(2, 20 + n % 8));
    }
    return sum;
}
