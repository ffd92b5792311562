/* SPDX-License-Identifier: GPL-2.0-or-later */
/* simd_float.c - 4 by 4 matrices times vectors in SSE: what 3D code does. */
#include "kernel.h"

#include <emmintrin.h>
#include <string.h>

enum { VECTORS = 1024 };

static float points[VECTORS][4] __attribute__((aligned(16)));
static float moved[VECTORS][4] __attribute__((aligned(16)));

__attribute__((target("sse2"))) static void points_move(const float matrix[4][4])
{
    __m128 c0 = _mm_loadu_ps(matrix[0]), c1 = _mm_loadu_ps(matrix[1]);
    __m128 c2 = _mm_loadu_ps(matrix[2]), c3 = _mm_loadu_ps(matrix[3]);

    for (int i = 0; i < VECTORS; i++) {
        __m128 v = _mm_load_ps(points[i]);
        __m128 r = _mm_mul_ps(c0, _mm_shuffle_ps(v, v, 0x00));

        r = _mm_add_ps(r, _mm_mul_ps(c1, _mm_shuffle_ps(v, v, 0x55)));
        r = _mm_add_ps(r, _mm_mul_ps(c2, _mm_shuffle_ps(v, v, 0xaa)));
        r = _mm_add_ps(r, _mm_mul_ps(c3, _mm_shuffle_ps(v, v, 0xff)));
        r = _mm_min_ps(r, _mm_set1_ps(1e6f));
        _mm_store_ps(moved[i], _mm_div_ps(r, _mm_add_ps(_mm_mul_ps(r, r), _mm_set1_ps(1.0f))));
    }
}

__attribute__((target("sse2"))) uint64_t simd_float_run(uint64_t iterations)
{
    float matrix[4][4];
    uint32_t state = 21, bits;
    uint64_t sum = 0;

    for (int i = 0; i < VECTORS * 4; i++) {
        points[i / 4][i % 4] = (float)(random_next(&state) % 4096) * 0.25f;
    }
    for (int i = 0; i < 16; i++) {
        matrix[i / 4][i % 4] = (float)(random_next(&state) % 64) * 0.03125f;
    }
    for (uint64_t n = 0; n < iterations; n++) {
        matrix[n % 4][(n / 4) % 4] = (float)(n % 64) * 0.015625f;
        points_move((const float(*)[4])matrix);
        memcpy(&bits, &moved[n % VECTORS][n % 4], sizeof bits);
        sum = checksum_add(sum, bits);
    }
    return sum;
}
