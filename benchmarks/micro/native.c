/* SPDX-License-Identifier: GPL-2.0-or-later */
/* native.c - those microbenchmarks that need no privilege, on the host itself: native NAME RUNS. */
#include "loops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint64_t (*run)(uint32_t n);
} tests[] = {
    { "call-return", call_cycles },
    { "rdtsc", rdtsc_cycles },
    { "pushf-popf", flags_cycles },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof tests / sizeof tests[0]; i++) {
        uint32_t n = 256;

        if (strcmp(tests[i].name, argv[1]) != 0) {
            continue;
        }
        printf("@bench begin %s 0\n", argv[1]);
        while (tests[i].run(n) < 20000000 && n < 1u << 30) {
            n *= 2;
        }
        for (int run = atoi(argv[2]); run > 0; run--) {
            printf("@bench run %s %u %llu -\n", argv[1], n, (unsigned long long)tests[i].run(n));
        }
        printf("@bench end %s 0 0\n", argv[1]);
    }
    return 0;
}
