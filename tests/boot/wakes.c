/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wakes.c - wakes SECONDS RATE: wakes up RATE times a second and does nothing else; prints the
 * nanoseconds of CPU time that it took. What a tick costs on this host now, whoever ticks. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    long rate = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    long wakes = argc == 3 ? strtol(argv[1], NULL, 10) * rate : 0;
    struct timespec pause = { .tv_nsec = rate > 0 ? 1000000000 / rate : 0 }, used;

    if (rate < 2) {
        return 1;
    }
    for (long i = 0; i < wakes; i++) {
        nanosleep(&pause, NULL);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    printf("%lld\n", (long long)used.tv_sec * 1000000000 + used.tv_nsec);
    return 0;
}
