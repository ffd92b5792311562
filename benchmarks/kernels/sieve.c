/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sieve.c - Eratosthenes over bytes: strided stores and a predictable inner loop. */
#include "kernel.h"

#include <string.h>

enum { LIMIT = 65536 };

uint64_t sieve_run(uint64_t iterations)
{
    static uint8_t composite[LIMIT];
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        unsigned count = 0;

        memset(composite, 0, sizeof composite);
        for (unsigned i = 2; i < LIMIT; i++) {
            if (composite[i]) {
                continue;
            }
            count++;
            for (unsigned k = i * 2; k < LIMIT; k += i) {
                composite[k] = 1;
            }
        }
        sum = checksum_add(sum, count);
    }
    return sum;
}
