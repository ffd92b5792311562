/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench.c - the program that runs in the guest, and natively in the same way.
 *
 *   bench list                 one line a kernel: NAME FAMILY GROUP ITERATIONS
 *   bench kernel NAME [N]      runs it once, prints "NAME iterations seconds checksum"
 *   bench text BYTES SEED      made-up text on standard output, the same everywhere
 *   bench plan FILE            carries out the lines of FILE (run_plan.c)
 */
#include "bench.h"
#include "kernel.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const Kernel kernels[] = {
    { "sieve", "int", 3000, sieve_run },
    { "quicksort", "int", 2000, sort_run },
    { "matrix", "int", 2500, matrix_run },
    { "hash", "int", 40000, hash_run },
    { "crc", "int", 40000, crc_run },
    { "search", "int", 5000, search_run },
    { "tree", "int", 1500, tree_run },
    { "copy", "int", 600000, copy_run },
    { "indirect", "int", 800000, indirect_run },
    { "bytecode", "int", 120000, bytecode_run },
    { "recursion", "int", 12000, recursion_run },
    { "nbody", "float", 36000, nbody_run },
    { "mandelbrot", "float", 350000, mandelbrot_run },
    { "fft", "float", 36000, fft_run },
    { "simd-int", "float", 500000, simd_int_run },
    { "simd-float", "float", 200000, simd_float_run },
    { "x87", "float", 360000, x87_run },
    { "syscall", "system", 1000000, syscall_run },
    { "pipe", "system", 50000, pipe_run },
    { "thread", "system", 10000, thread_run },
    { "fork", "system", 1000, fork_run },
    { "exec", "system", 400, exec_run },
    { "fault", "system", 1000, fault_run },
    { "mprotect", "system", 20000, mprotect_run },
    { "signal", "system", 200000, signal_run },
    { "divide", "system", 100000, divide_run },
    { "rewrite", "system", 3000000, rewrite_run },
};

double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

const Kernel *kernel_find(const char *name)
{
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        if (strcmp(kernels[i].name, name) == 0) {
            return &kernels[i];
        }
    }
    return NULL;
}

static int kernels_list(void)
{
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        const Kernel *k = &kernels[i];
        const char *family = strcmp(k->group, "system") == 0 ? "system" : "compute";

        printf("%s %s %s %" PRIu64 "\n", k->name, family, k->group, k->iterations);
    }
    return 0;
}

static int kernel_run(const char *name, const char *count)
{
    const Kernel *kernel = kernel_find(name);
    uint64_t iterations, sum;
    double start, end;

    if (!kernel) {
        fprintf(stderr, "bench: %s: no such kernel\n", name);
        return 1;
    }
    iterations = count ? strtoull(count, NULL, 0) : kernel->iterations;
    start = seconds_now();
    sum = kernel->run(iterations);
    end = seconds_now();
    printf("%s %" PRIu64 " %.6f %016" PRIx64 "\n", name, iterations, end - start, sum);
    return 0;
}

/* Words of a vocabulary of 4096, the frequent ones short: compresses about as English does. */
static int text_print(uint64_t bytes, uint32_t state)
{
    static char words[4096][16];
    unsigned column = 0;

    for (int i = 0; i < 4096; i++) {
        unsigned len = 2 + (unsigned)i / 512 + random_next(&state) % 4;

        for (unsigned k = 0; k < len; k++) {
            words[i][k] = "etaoinshrdlucmfwypvbgkjq"[random_next(&state) % 24 * (k % 2 + 1) / 2];
        }
    }
    for (uint64_t n = 0; n < bytes;) {
        uint32_t x = random_next(&state);
        const char *word = words[(x & 4095) * (x >> 12 & 4095) >> 12];

        n += (uint64_t)printf("%s%c", word, column > 70 ? '\n' : ' ');
        column = column > 70 ? 0 : column + (unsigned)strlen(word) + 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";

    if (strcmp(verb, "nothing") == 0) {
        return 0;
    } else if (strcmp(verb, "list") == 0) {
        return kernels_list();
    } else if (strcmp(verb, "kernel") == 0 && argc > 2) {
        return kernel_run(argv[2], argc > 3 ? argv[3] : NULL);
    } else if (strcmp(verb, "text") == 0 && argc > 3) {
        return text_print(strtoull(argv[2], NULL, 0), (uint32_t)strtoul(argv[3], NULL, 0));
    } else if (strcmp(verb, "plan") == 0 && argc > 2) {
        return plan_run(argv[0], argv[2]);
    }
    fprintf(stderr, "usage: bench list | kernel NAME [N] | text BYTES SEED | plan FILE\n");
    return 1;
}
