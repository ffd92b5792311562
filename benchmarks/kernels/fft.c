/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fft.c - a fast Fourier transform in double precision, forth and back. */
#include "kernel.h"

#include <math.h>

enum { BITS = 9, POINTS = 1 << BITS };

static double re[POINTS], im[POINTS], wave_re[POINTS], wave_im[POINTS];

static void bits_reverse(void)
{
    for (unsigned i = 0, k = 0; i < POINTS; i++) {
        if (i < k) {
            double r = re[i], m = im[i];

            re[i] = re[k], im[i] = im[k];
            re[k] = r, im[k] = m;
        }
        unsigned bit = POINTS >> 1;
        for (; k & bit; bit >>= 1) {
            k ^= bit;
        }
        k |= bit;
    }
}

static void transform(double sign)
{
    bits_reverse();
    for (unsigned len = 2; len <= POINTS; len *= 2) {
        for (unsigned base = 0; base < POINTS; base += len) {
            for (unsigned i = 0; i < len / 2; i++) {
                unsigned p = base + i, q = p + len / 2, w = i * (POINTS / len);
                double c = wave_re[w], s = sign * wave_im[w];
                double r = re[q] * c - im[q] * s, m = re[q] * s + im[q] * c;

                re[q] = re[p] - r, im[q] = im[p] - m;
                re[p] += r, im[p] += m;
            }
        }
    }
}

uint64_t fft_run(uint64_t iterations)
{
    uint32_t state = 17;
    uint64_t sum = 0;

    for (int i = 0; i < POINTS; i++) {
        re[i] = random_next(&state) % 1000;
        im[i] = 0;
        wave_re[i] = cos(2 * 3.14159265358979323846 * i / POINTS);
        wave_im[i] = sin(2 * 3.14159265358979323846 * i / POINTS);
    }
    for (uint64_t n = 0; n < iterations; n++) {
        transform(1);
        transform(-1);
        for (int i = 0; i < POINTS; i++) {
            re[i] *= 1.0 / POINTS;
            im[i] *= 1.0 / POINTS;
        }
        sum = checksum_add(sum, (uint64_t)(int64_t)(re[n % POINTS] * 1024 + 0.5));
    }
    return sum;
}
