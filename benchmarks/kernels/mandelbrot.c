/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mandelbrot.c - the set, four points at a time in SSE: packed floats and a mask that ends loops.
 */
#include "kernel.h"

#include <emmintrin.h>

enum { WIDTH = 64, DEPTH = 64 };

__attribute__((target("sse2"))) static unsigned row_count(float y, float zoom)
{
    unsigned total = 0;

    for (int x = 0; x < WIDTH; x += 4) {
        __m128 cr = _mm_set_ps((float)x, (float)x + 1, (float)x + 2, (float)x + 3);
        __m128 ci = _mm_set1_ps(y), zr = _mm_setzero_ps(), zi = zr, count = zr;

        cr = _mm_sub_ps(_mm_mul_ps(cr, _mm_set1_ps(zoom)), _mm_set1_ps(2.0f));
        for (int i = 0; i < DEPTH; i++) {
            __m128 r2 = _mm_mul_ps(zr, zr), i2 = _mm_mul_ps(zi, zi), ri = _mm_mul_ps(zr, zi);
            __m128 inside = _mm_cmple_ps(_mm_add_ps(r2, i2), _mm_set1_ps(4.0f));

            if (_mm_movemask_ps(inside) == 0) {
                break;
            }
            count = _mm_add_ps(count, _mm_and_ps(inside, _mm_set1_ps(1.0f)));
            zr = _mm_add_ps(_mm_sub_ps(r2, i2), cr);
            zi = _mm_add_ps(_mm_add_ps(ri, ri), ci);
        }
        float parts[4];
        _mm_storeu_ps(parts, count);
        total += (unsigned)(parts[0] + parts[1] + parts[2] + parts[3]);
    }
    return total;
}

__attribute__((target("sse2"))) uint64_t mandelbrot_run(uint64_t iterations)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        float y = (float)(n % 64) * 0.03f - 1.0f;

        sum = checksum_add(sum, row_count(y, 0.04f + (float)(n % 7) * 0.001f));
    }
    return sum;
}
