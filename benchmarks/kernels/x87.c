/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87.c - long double: polynomial, logistic map, square roots, sines and rounding on the x87. */
#include "kernel.h"

#include <string.h>

enum { STEPS = 64 };

static long double sine(long double x)
{
    __asm__("fsin" : "+t"(x));
    return x;
}

static long double square_root(long double x)
{
    __asm__("fsqrt" : "+t"(x));
    return x;
}

static long double round_nearest(long double x)
{
    __asm__("frndint" : "+t"(x));
    return x;
}

static long double horner(long double x)
{
    static const long double c[] = { 0.5L, -1.25L, 0.75L, 2.5L, -0.125L, 1.0L, -3.5L, 0.0625L };
    long double y = 0;

    for (unsigned i = 0; i < sizeof c / sizeof c[0]; i++) {
        y = y * x + c[i];
    }
    return y;
}

uint64_t x87_run(uint64_t iterations)
{
    long double x = 0.37L;
    uint64_t sum = 0, bits = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        long double y = 0;

        for (int i = 0; i < STEPS; i++) {
            x = 3.75L * x * (1 - x);
            y += horner(x) / (1 + x);
        }
        /* As a float: emulators' sines are not exact to the last bit. */
        y += square_root(x) + (float)sine(x) + round_nearest(y);
        memcpy(&bits, &y, sizeof bits); /* the mantissa, all of its 64 bits */
        sum = checksum_add(sum, bits);
    }
    return sum;
}
