/* SPDX-License-Identifier: GPL-2.0-or-later */
/* matrix.c - product of integer matrices: loads, multiplications, long regular loops. */
#include "kernel.h"

enum { SIZE = 64 };

static uint32_t a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

static void multiply(void)
{
    for (int i = 0; i < SIZE; i++) {
        for (int k = 0; k < SIZE; k++) {
            uint32_t x = 0;

            for (int m = 0; m < SIZE; m++) {
                x += a[i][m] * b[m][k];
            }
            c[i][k] = x;
        }
    }
}

uint64_t matrix_run(uint64_t iterations)
{
    uint32_t state = 99;
    uint64_t sum = 0;

    for (int i = 0; i < SIZE * SIZE; i++) {
        a[i / SIZE][i % SIZE] = random_next(&state);
        b[i / SIZE][i % SIZE] = random_next(&state);
    }
    for (uint64_t n = 0; n < iterations; n++) {
        multiply();
        a[n % SIZE][(n / SIZE) % SIZE] ^= c[n % SIZE][3];
        sum = checksum_add(sum, c[(n * 7) % SIZE][n % SIZE]);
    }
    return sum;
}
