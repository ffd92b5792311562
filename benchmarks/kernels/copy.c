/* SPDX-License-Identifier: GPL-2.0-or-later */
/* copy.c - the string instructions that C libraries and kernels move memory with. */
#include "kernel.h"

enum { BYTES = 8192 };

static uint8_t from[BYTES + 64], to[BYTES + 64];

static void copy_bytes(uint8_t *dst, const uint8_t *src, unsigned long n)
{
    __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

static void fill_words(uint32_t *dst, uint32_t value, unsigned long n)
{
    __asm__ volatile("rep stosl" : "+D"(dst), "+c"(n) : "a"(value) : "memory");
}

static unsigned long find_byte(const uint8_t *at, uint8_t value, unsigned long n)
{
    unsigned long left = n;

    __asm__ volatile("repne scasb" : "+D"(at), "+c"(left) : "a"(value) : "memory", "cc");
    return n - left;
}

uint64_t copy_run(uint64_t iterations)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        fill_words((uint32_t *)from, (uint32_t)n * 0x01010101u, BYTES / 4);
        from[BYTES / 2 + n % 64] = 0xff;
        copy_bytes(to + n % 16, from, BYTES);
        for (int i = 0; i < 64; i++) { /* short ones are what mostly happens */
            copy_bytes(to + i * 32, from + i * 16, 8 + i % 24);
        }
        sum = checksum_add(sum, find_byte(to + n % 16 + BYTES / 4, 0xff, BYTES / 4));
        sum = checksum_add(sum, to[(n * 127) % BYTES]);
    }
    return sum;
}
