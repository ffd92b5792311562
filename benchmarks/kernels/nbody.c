/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nbody.c - bodies that attract each other, in double precision: divisions and square roots. */
#include "kernel.h"

#include <string.h>

enum { BODIES = 6, STEPS = 100 };

typedef struct Body {
    double at[3], speed[3], mass;
} Body;

static double square_root(double x)
{
    return __builtin_sqrt(x);
}

static void bodies_step(Body *b, double dt)
{
    for (int i = 0; i < BODIES; i++) {
        for (int k = i + 1; k < BODIES; k++) {
            double d[3], r2 = 0.01, pull;

            for (int c = 0; c < 3; c++) {
                d[c] = b[i].at[c] - b[k].at[c];
                r2 += d[c] * d[c];
            }
            pull = dt / (r2 * square_root(r2));
            for (int c = 0; c < 3; c++) {
                b[i].speed[c] -= d[c] * b[k].mass * pull;
                b[k].speed[c] += d[c] * b[i].mass * pull;
            }
        }
    }
    for (int i = 0; i < BODIES; i++) {
        for (int c = 0; c < 3; c++) {
            b[i].at[c] += dt * b[i].speed[c];
        }
    }
}

uint64_t nbody_run(uint64_t iterations)
{
    Body bodies[BODIES];
    uint32_t state = 3;
    uint64_t sum = 0, bits;

    for (int i = 0; i < BODIES; i++) {
        for (int c = 0; c < 3; c++) {
            bodies[i].at[c] = random_next(&state) / 4294967296.0;
            bodies[i].speed[c] = 0;
        }
        bodies[i].mass = 0.1 + random_next(&state) / 4294967296.0;
    }
    for (uint64_t n = 0; n < iterations; n++) {
        for (int i = 0; i < STEPS; i++) {
            bodies_step(bodies, 0.001);
        }
        memcpy(&bits, &bodies[n % BODIES].at[n % 3], sizeof bits);
        sum = checksum_add(sum, bits);
    }
    return sum;
}
