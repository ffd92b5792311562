/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_memory.c - page faults, protections, signals, and code that rewrites itself. */
#include "kernel.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, FAULT_PAGES = 128 };

static void check(int good)
{
    if (!good) {
        abort();
    }
}

static void *pages_new(size_t n, int protection)
{
    void *at = mmap(NULL, n * PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    check(at != MAP_FAILED);
    return at;
}

/* An iteration is one mapping of 128 pages, each of them touched. */
uint64_t fault_run(uint64_t iterations)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        volatile uint8_t *at = pages_new(FAULT_PAGES, PROT_READ | PROT_WRITE);

        for (unsigned i = 0; i < FAULT_PAGES; i++) {
            at[i * PAGE + n % PAGE] = (uint8_t)i;
            sum += at[i * PAGE];
        }
        check(munmap((void *)at, FAULT_PAGES * PAGE) == 0);
    }
    return sum;
}

/* An iteration takes the right to write away and gives it back, with a store after it. */
uint64_t mprotect_run(uint64_t iterations)
{
    volatile uint8_t *at = pages_new(8, PROT_READ | PROT_WRITE);
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        volatile uint8_t *page = at + n % 8 * PAGE;

        page[0]++;
        check(mprotect((void *)page, PAGE, PROT_READ) == 0);
        sum += page[0];
        check(mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE) == 0);
        page[1]++;
    }
    return sum;
}

static volatile sig_atomic_t signals;

static void signal_count(int number)
{
    (void)number;
    signals++;
}

uint64_t signal_run(uint64_t iterations)
{
    struct sigaction action = { .sa_handler = signal_count };
    pid_t self = getpid();

    signals = 0;
    check(sigaction(SIGUSR1, &action, NULL) == 0);
    for (uint64_t n = 0; n < iterations; n++) {
        check(kill(self, SIGUSR1) == 0);
    }
    return (uint64_t)signals;
}

static sigjmp_buf divide_back;

static void divide_caught(int number)
{
    (void)number;
    siglongjmp(divide_back, 1);
}

/* An iteration is a DIV by zero that Linux turns into SIGFPE, and the way back out of it. */
uint64_t divide_run(uint64_t iterations)
{
    struct sigaction action = { .sa_handler = divide_caught, .sa_flags = SA_NODEFER };
    static volatile uint64_t n;
    static volatile uint64_t caught;

    caught = 0;
    check(sigaction(SIGFPE, &action, NULL) == 0);
    for (n = 0; n < iterations; n++) {
        if (sigsetjmp(divide_back, 0) == 0) {
            unsigned a = 1, d = 0, zero = 0;

            __asm__ volatile("divl %2" : "+a"(a), "+d"(d) : "r"(zero) : "cc");
            abort();
        }
        caught++;
    }
    signal(SIGFPE, SIG_DFL);
    return caught;
}

/* An iteration changes the operand of an instruction and calls it; every 16th one writes the whole
 * function anew, as a JIT does. */
uint64_t rewrite_run(uint64_t iterations)
{
    static const uint8_t add_then_return[] = { 0x05, 0, 0, 0, 0, 0xc3 }; /* add eax, imm32; ret */
    uint8_t *code = pages_new(1, PROT_READ | PROT_WRITE | PROT_EXEC);
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        uint32_t operand = (uint32_t)n, value = 7;
        uint8_t *at = code + n / 16 % 4 * 64;

        if (n % 16 == 0) {
            at[0] = 0xb8; /* mov eax, imm32 */
            memcpy(at + 5, add_then_return, sizeof add_then_return);
        }
        memcpy(at + 1, &operand, sizeof operand);
        __asm__ volatile("call *%1" : "+a"(value) : "r"(at) : "memory", "cc");
        sum = checksum_add(sum, value);
    }
    munmap(code, PAGE);
    return sum;
}
