/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tsc.c - the time-stamp counter (SDM vol. 3 18.17). */
#include "runtime/software_cpu/tsc.h"
#include <cpuid.h>
#include <time.h>

enum { CALIBRATE_NS = 20000000, CALIBRATE_TRIES = 5 };

static inline uint64_t host_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

uint64_t tsc_read(const Cpu *cpu)
{
    return host_tsc() + cpu->tsc_offset;
}

void tsc_write(Cpu *cpu, uint64_t value)
{
    cpu->tsc_offset = value - host_tsc();
}

/* Core crystal and ratio (leaf 15H); base frequency (leaf 16H) is only good to 1 MHz and not used
 * alone. 0: the CPU does not say. */
static uint64_t tsc_hz_cpuid(void)
{
    uint32_t denominator, numerator, crystal, edx;

    if (__get_cpuid_max(0, NULL) < 0x15) {
        return 0;
    }
    __cpuid(0x15, denominator, numerator, crystal, edx);
    if (denominator == 0 || numerator == 0) {
        return 0;
    }
    return (uint64_t)crystal * numerator / denominator;
}

typedef struct TscSample {
    uint64_t tsc;
    int64_t ns;
} TscSample;

/* Counter and clock at one moment: the pair that was read in the shortest time. */
static TscSample tsc_sample(void)
{
    TscSample best = { 0, 0 };
    uint64_t shortest = UINT64_MAX;

    for (int i = 0; i < CALIBRATE_TRIES; i++) {
        struct timespec now;
        uint64_t before = host_tsc(), after;

        clock_gettime(CLOCK_MONOTONIC, &now);
        after = host_tsc();
        if (after - before < shortest) {
            shortest = after - before;
            best.tsc = before + (after - before) / 2;
            best.ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
        }
    }
    return best;
}

uint64_t tsc_hz(void)
{
    struct timespec pause = { .tv_nsec = CALIBRATE_NS };
    uint64_t hz = tsc_hz_cpuid();
    TscSample first, last;

    if (hz != 0) {
        return hz;
    }
    first = tsc_sample();
    nanosleep(&pause, NULL);
    last = tsc_sample();
    if (last.ns <= first.ns) {
        return 1000000000; /* a clock that stands still: any plausible value */
    }
    return (uint64_t)((unsigned __int128)(last.tsc - first.tsc) * 1000000000 /
                      (uint64_t)(last.ns - first.ns));
}
