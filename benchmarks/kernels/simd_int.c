/* SPDX-License-Identifier: GPL-2.0-or-later */
/* simd_int.c - packed integers: AVX2 where CPUID has it, else SSE2; both give the same sum.  What
 * image code does: weighted blend of two pictures, a shuffle, a sum of absolute differences. */
#include "kernel.h"

#include <immintrin.h>

enum { BYTES = 16384 };

static uint8_t one[BYTES] __attribute__((aligned(32)));
static uint8_t two[BYTES] __attribute__((aligned(32)));
static uint8_t out[BYTES] __attribute__((aligned(32)));

__attribute__((target("avx2"))) static uint64_t blend_avx2(int weight)
{
    __m256i zero = _mm256_setzero_si256(), sums = zero;
    __m256i wa = _mm256_set1_epi16((short)weight), wb = _mm256_set1_epi16((short)(256 - weight));
    uint64_t parts[4];

    for (int i = 0; i < BYTES; i += 32) {
        __m256i a = _mm256_load_si256((const __m256i *)(one + i));
        __m256i b = _mm256_load_si256((const __m256i *)(two + i));
        __m256i lo = _mm256_add_epi16(_mm256_mullo_epi16(_mm256_unpacklo_epi8(a, zero), wa),
                                      _mm256_mullo_epi16(_mm256_unpacklo_epi8(b, zero), wb));
        __m256i hi = _mm256_add_epi16(_mm256_mullo_epi16(_mm256_unpackhi_epi8(a, zero), wa),
                                      _mm256_mullo_epi16(_mm256_unpackhi_epi8(b, zero), wb));
        __m256i mixed = _mm256_packus_epi16(_mm256_srli_epi16(lo, 8), _mm256_srli_epi16(hi, 8));

        sums = _mm256_add_epi64(sums, _mm256_sad_epu8(mixed, b));
        _mm256_store_si256((__m256i *)(out + i), _mm256_xor_si256(mixed, _mm256_max_epu8(a, b)));
    }
    _mm256_storeu_si256((__m256i *)parts, sums);
    return parts[0] + parts[1] + parts[2] + parts[3];
}

__attribute__((target("sse2"))) static uint64_t blend_sse2(int weight)
{
    __m128i zero = _mm_setzero_si128(), sums = zero;
    __m128i wa = _mm_set1_epi16((short)weight), wb = _mm_set1_epi16((short)(256 - weight));
    uint64_t parts[2];

    for (int i = 0; i < BYTES; i += 16) {
        __m128i a = _mm_load_si128((const __m128i *)(one + i));
        __m128i b = _mm_load_si128((const __m128i *)(two + i));
        __m128i lo = _mm_add_epi16(_mm_mullo_epi16(_mm_unpacklo_epi8(a, zero), wa),
                                   _mm_mullo_epi16(_mm_unpacklo_epi8(b, zero), wb));
        __m128i hi = _mm_add_epi16(_mm_mullo_epi16(_mm_unpackhi_epi8(a, zero), wa),
                                   _mm_mullo_epi16(_mm_unpackhi_epi8(b, zero), wb));
        __m128i mixed = _mm_packus_epi16(_mm_srli_epi16(lo, 8), _mm_srli_epi16(hi, 8));

        sums = _mm_add_epi64(sums, _mm_sad_epu8(mixed, b));
        _mm_store_si128((__m128i *)(out + i), _mm_xor_si128(mixed, _mm_max_epu8(a, b)));
    }
    _mm_storeu_si128((__m128i *)parts, sums);
    return parts[0] + parts[1];
}

uint64_t simd_int_run(uint64_t iterations)
{
    uint32_t state = 1001;
    uint64_t sum = 0;
    int avx2 = __builtin_cpu_supports("avx2");

    for (int i = 0; i < BYTES; i++) {
        one[i] = (uint8_t)random_next(&state);
        two[i] = (uint8_t)random_next(&state);
    }
    for (uint64_t n = 0; n < iterations; n++) {
        int weight = (int)(n % 256);

        sum = checksum_add(sum, avx2 ? blend_avx2(weight) : blend_sse2(weight));
        sum = checksum_add(sum, out[(n * 255) % BYTES]);
    }
    return sum;
}
