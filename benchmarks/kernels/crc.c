/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crc.c - CRC-32 by table and by bits, rotates and population counts: shifts and flags. */
#include "kernel.h"

enum { BYTES = 4096 };

static uint32_t crc_table[256];
static uint8_t data[BYTES];

static uint32_t crc_bits(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (int i = 0; i < 8; i++) {
        if (crc & 1) {
            crc = crc >> 1 ^ 0xedb88320u;
        } else {
            crc >>= 1;
        }
    }
    return crc;
}

static uint32_t mix(uint32_t x)
{
    x = x << 7 | x >> 25;
    x ^= x >> 11;
    x = (x & 0x55555555u) + (x >> 1 & 0x55555555u);
    x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
    return x << 13 | x >> 19;
}

uint64_t crc_run(uint64_t iterations)
{
    uint32_t state = 31, crc = 0xffffffffu;
    uint64_t sum = 0;

    for (unsigned i = 0; i < 256; i++) {
        crc_table[i] = crc_bits(i, 0);
    }
    for (int i = 0; i < BYTES; i++) {
        data[i] = (uint8_t)random_next(&state);
    }
    for (uint64_t n = 0; n < iterations; n++) {
        for (int i = 0; i < BYTES; i++) {
            crc = crc_table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
        }
        for (int i = 0; i < BYTES; i += 16) {
            crc = crc_bits(crc, data[i]) + mix(crc);
        }
        sum = checksum_add(sum, crc);
    }
    return sum;
}
