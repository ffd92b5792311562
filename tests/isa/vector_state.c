/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/isa/vector_state.h"
#include <glib.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

uint64_t random_next(Random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static uint64_t random_lane(Random *random)
{
    static const uint64_t special[] = {
        0,
        ~0ull,
        0x8000000000000000,
        0x3ff0000000000000, /* 1.0 */
        0x7ff0000000000000, /* infinity */
        0x7ff8000000000001, /* quiet */
        0x7ff0000000000001, /* signalling */
        0x0000000000000001, /* denormal */
        0x3f8000003f800000, /* 1.0f */
        0x7f800000ff800000,
        0x7fc000017f800001,
        0x0000000180000000,
        0x4330000012345678,
        0x41dfffffffc00000, /* 2^31 - 1 */
        0x4b0000004b7fffff,
        0x4142434400004546, /* text with an end */
    };
    uint64_t pick = random_next(random);

    switch (pick & 3) {
    case 0:
        return special[(pick >> 8) % G_N_ELEMENTS(special)];
    case 1: /* reals near one */
        return (random_next(random) & 0x801fffff807fffff) | 0x3fe000003f000000;
    default:
        return random_next(random);
    }
}

void random_bytes(Random *random, uint8_t *to, unsigned n)
{
    for (unsigned i = 0; i < n; i += 8) {
        uint64_t lane = random_lane(random);

        memcpy(to + i, &lane, n - i < 8 ? n - i : 8);
    }
}

static void random_x87(Random *random, uint8_t *vector)
{
    static const uint16_t exponents[] = { 0, 1, 0x3ffe, 0x3fff, 0x4000, 0x403e, 0x7ffe, 0x7fff };
    uint64_t pick = random_next(random);
    uint16_t control = 0x40 | (pick & 0xf00) | ((pick >> 12 & 7) != 0 ? 0x3f : pick & 0x3f);
    uint16_t status = (uint16_t)(pick >> 16 & 0x7f00);

    if ((pick >> 36 & 7) == 0) {
        status |= pick >> 40 & 0x3f;
    }
    memcpy(vector, &control, 2);
    memcpy(vector + 2, &status, 2);
    vector[4] = (uint8_t)((pick >> 32 & 3) ? 0xff : pick >> 48);
    for (unsigned i = 0; i < 8; i++) {
        uint64_t kind = random_next(random);
        uint64_t mantissa = random_next(random) | (kind & 0x30 ? 1ull << 63 : 0);
        uint16_t exponent = (uint16_t)(kind >> 8 & 0x7fff);

        if (kind & 3) {
            exponent = exponents[(kind >> 24) % G_N_ELEMENTS(exponents)];
        }
        if ((kind >> 40 & 7) == 0) {
            mantissa = 1ull << 63;
        } else if ((kind >> 40 & 15) == 1) {
            mantissa = 0;
        }
        exponent |= (uint16_t)((kind >> 7 & 1) << 15);
        memcpy(vector + 32 + i * 16, &mantissa, 8);
        memcpy(vector + 40 + i * 16, &exponent, 2);
    }
}

void random_vector(Random *random, uint8_t vector[STATE_SIZE])
{
    uint64_t pick = random_next(random);
    uint32_t mxcsr = (uint32_t)(pick & 0xe07f) | 0x1f80;

    if ((pick >> 32 & 31) == 0) { /* some errors unmasked; flags that stand do not trap */
        mxcsr &= ~(uint32_t)(pick >> 40 & 0x1f80);
    }
    memset(vector, 0, STATE_SIZE);
    random_x87(random, vector);
    memcpy(vector + 24, &mxcsr, 4);
    random_bytes(random, vector + 160, 256);
    random_bytes(random, vector + 576, 256);
    vector[512] = 7;
}

/* ---- The host ---- */

struct Native {
    uint8_t *code;
    uint8_t *memory;
};

enum { CODE_PAGE = 4096 };

static const int signals[] = { SIGILL, SIGFPE, SIGSEGV };

/* The handler has no other way to its data. */
static _Thread_local sigjmp_buf on_fault;
static _Thread_local bool running;
static struct sigaction before[G_N_ELEMENTS(signals)];

static void fault_handler(int signo, siginfo_t *info, void *ucontext)
{
    if (running) {
        siglongjmp(on_fault, signo);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
        if (signals[i] == signo && before[i].sa_flags & SA_SIGINFO) {
            before[i].sa_sigaction(signo, info, ucontext);
            return;
        }
    }
    signal(signo, SIG_DFL);
}

Native *native_new(void)
{
    Native *native = g_new0(Native, 1);

    native->code = mmap(NULL, CODE_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    native->memory = mmap(NULL, STATE_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    g_assert(native->code != MAP_FAILED && native->memory != MAP_FAILED);
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
        struct sigaction action = { .sa_sigaction = fault_handler,
                                    .sa_flags = SA_SIGINFO | SA_NODEFER };

        sigaction(signals[i], &action, &before[i]);
    }
    return native;
}

void native_free(Native *native)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
        sigaction(signals[i], &before[i], NULL);
    }
    munmap(native->code, CODE_PAGE);
    munmap(native->memory, STATE_MEMORY);
    g_free(native);
}

uint8_t *native_memory(Native *native)
{
    return native->memory;
}

/* The instruction is called; it must leave rbx and rbp alone. */
static void call_insn(const void *insn, NativeRun *run)
{
    __asm__ volatile(
        "sub $128, %%rsp\n\t" /* the red zone */
        "push %%rbx\n\t"
        "push %%rbp\n\t"
        "mov %[run], %%rbx\n\t"
        "mov %[insn], %%rbp\n\t"
        "mov $7, %%eax\n\t"
        "xor %%edx, %%edx\n\t"
        "xrstor64 %c[vector](%%rbx)\n\t"
        "mov %c[rax](%%rbx), %%rax\n\t"
        "mov %c[rcx](%%rbx), %%rcx\n\t"
        "mov %c[rdx](%%rbx), %%rdx\n\t"
        "mov %c[rsi](%%rbx), %%rsi\n\t"
        "mov %c[r13](%%rbx), %%r13\n\t"
        "xor %%edi, %%edi\n\t"
        "xor %%r8d, %%r8d\n\t"
        "xor %%r9d, %%r9d\n\t"
        "xor %%r10d, %%r10d\n\t"
        "xor %%r11d, %%r11d\n\t"
        "xor %%r12d, %%r12d\n\t"
        "xor %%r14d, %%r14d\n\t"
        "xor %%r15d, %%r15d\n\t"
        "push %c[flags](%%rbx)\n\t"
        "popfq\n\t"
        "call *%%rbp\n\t"
        "pushfq\n\t"
        "pop %c[flags](%%rbx)\n\t"
        "mov %%rax, %c[rax](%%rbx)\n\t"
        "mov %%rcx, %c[rcx](%%rbx)\n\t"
        "mov %%rdx, %c[rdx](%%rbx)\n\t"
        "mov %%rsi, %c[rsi](%%rbx)\n\t"
        "mov %%r13, %c[r13](%%rbx)\n\t"
        "mov $7, %%eax\n\t"
        "xor %%edx, %%edx\n\t"
        "xsave64 %c[vector](%%rbx)\n\t"
        "pop %%rbp\n\t"
        "pop %%rbx\n\t"
        "add $128, %%rsp\n\t"
        : [insn] "+a"(insn), [run] "+c"(run)
        : [vector] "i"(offsetof(NativeRun, vector)), [rax] "i"(offsetof(NativeRun, regs.rax)),
          [rcx] "i"(offsetof(NativeRun, regs.rcx)), [rdx] "i"(offsetof(NativeRun, regs.rdx)),
          [rsi] "i"(offsetof(NativeRun, regs.rsi)), [r13] "i"(offsetof(NativeRun, regs.r13)),
          [flags] "i"(offsetof(NativeRun, regs.flags))
        : "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
          "cc");
}

static void host_state_clean(void)
{
    uint32_t mxcsr = 0x1f80;

    __asm__ volatile("fninit\n\tldmxcsr %0\n\tvzeroupper" : : "m"(mxcsr));
}

int native_run(Native *native, const uint8_t *insn, unsigned length, NativeRun *run)
{
    int signo;

    memcpy(native->code, insn, length);
    native->code[length] = 0xc3;
    signo = sigsetjmp(on_fault, 0);
    if (signo == 0) {
        running = true;
        call_insn(native->code, run);
    }
    running = false;
    host_state_clean();
    return signo;
}
