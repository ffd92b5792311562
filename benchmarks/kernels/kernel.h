/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel.h - one small measured program: it does the same work for every iteration and returns a
 * checksum that depends only on the number of iterations and on the binary, never on the machine.
 */
#ifndef KERNELS_KERNEL_H
#define KERNELS_KERNEL_H

#include <stdint.h>

typedef struct Kernel {
    const char *name;
    const char *group;   /* int, float or system: what the targets are given for */
    uint64_t iterations; /* about half a second on a machine of 2024 */
    uint64_t (*run)(uint64_t iterations);
} Kernel;

/* The same numbers everywhere, whatever the C library's rand() is. */
static inline uint32_t random_next(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

/* FNV-1a, word by word. */
static inline uint64_t checksum_add(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * 0x100000001b3u;
}

uint64_t sieve_run(uint64_t iterations);
uint64_t sort_run(uint64_t iterations);
uint64_t matrix_run(uint64_t iterations);
uint64_t hash_run(uint64_t iterations);
uint64_t crc_run(uint64_t iterations);
uint64_t search_run(uint64_t iterations);
uint64_t tree_run(uint64_t iterations);
uint64_t copy_run(uint64_t iterations);
uint64_t indirect_run(uint64_t iterations);
uint64_t bytecode_run(uint64_t iterations);
uint64_t recursion_run(uint64_t iterations);
uint64_t nbody_run(uint64_t iterations);
uint64_t mandelbrot_run(uint64_t iterations);
uint64_t fft_run(uint64_t iterations);
uint64_t simd_int_run(uint64_t iterations);
uint64_t simd_float_run(uint64_t iterations);
uint64_t x87_run(uint64_t iterations);

uint64_t syscall_run(uint64_t iterations);
uint64_t pipe_run(uint64_t iterations);
uint64_t fork_run(uint64_t iterations);
uint64_t exec_run(uint64_t iterations);
uint64_t fault_run(uint64_t iterations);
uint64_t mprotect_run(uint64_t iterations);
uint64_t signal_run(uint64_t iterations);
uint64_t divide_run(uint64_t iterations);
uint64_t thread_run(uint64_t iterations);
uint64_t rewrite_run(uint64_t iterations);

#endif
