/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_vector.c - the guest's vector state between the host's registers and Cpu.xsave. Compiled with
 * -mgeneral-regs-only, into the lowest of the libraries that need it.
 *
 * XSAVE and XRSTOR of everything take four times as long as the moves that they stand for, most of
 * it for x87 state that hardly any code has. So where x87 is in its initial state, as XGETBV says,
 * and there is nothing but x87, SSE and AVX, the registers are moved one by one; Cpu.xsave is then
 * what XSAVE would have made of it. */
#include "runtime/cpu/cpu.h"

enum {
    AT_MXCSR = 24,
    AT_MXCSR_MASK = 28, /* 0 until XSAVE has filled it in */
    AT_ST = 32,
    AT_XMM = 160,
    AT_XSTATE_BV = 512,
    AT_YMM = 576, /* upper halves */
    IN_USE_X87 = 1,
    IN_USE_SSE = 2,
    IN_USE_AVX = 4,
};

/* For each of the 16 registers, r. */
#define EACH_REGISTER(text)                                                                        \
    ".irp r, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t" text "\n\t.endr"

static uint64_t *words_at(Cpu *cpu, unsigned offset)
{
    return (uint64_t *)(void *)(cpu->xsave + offset);
}

static bool moves_suffice(const Cpu *cpu)
{
    return cpu->host_xinuse && cpu->xsave_mask == (IN_USE_X87 | IN_USE_SSE | IN_USE_AVX);
}

static uint32_t host_in_use(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
    return low;
}

static void x87_image_initial(Cpu *cpu)
{
    uint64_t *words = words_at(cpu, 0);

    words[0] = 0x037f; /* control word; all registers empty */
    words[1] = 0;
    words[2] = 0;
    for (unsigned i = AT_ST / 8; i < AT_XMM / 8; i++) {
        words[i] = 0;
    }
}

/* false: x87 is in use, or XSAVE has to come first. */
static bool move_out(Cpu *cpu)
{
    uint32_t in_use = host_in_use();

    if ((in_use & IN_USE_X87) || *words_at(cpu, AT_MXCSR) >> 32 == 0) {
        return false;
    }
    if (*words_at(cpu, AT_XSTATE_BV) & IN_USE_X87) {
        x87_image_initial(cpu);
    }
    __asm__ volatile(EACH_REGISTER("vmovdqu %%xmm\\r, %c1 + 16 * \\r(%0)\n\t"
                                   "vextractf128 $1, %%ymm\\r, %c2 + 16 * \\r(%0)")
                     :
                     : "r"(cpu->xsave), "i"(AT_XMM), "i"(AT_YMM)
                     : "memory");
    __asm__ volatile("vzeroupper\n\tstmxcsr %c1(%0)\n\tldmxcsr %2"
                     :
                     : "r"(cpu->xsave), "i"(AT_MXCSR), "m"(cpu->host_mxcsr)
                     : "memory");
    *words_at(cpu, AT_XSTATE_BV) = in_use & cpu->xsave_mask;
    return true;
}

/* false: x87 or SSE need XRSTOR. */
static bool move_in(Cpu *cpu)
{
    uint64_t in_use = *words_at(cpu, AT_XSTATE_BV);

    if ((in_use & (IN_USE_X87 | IN_USE_SSE)) != IN_USE_SSE || (host_in_use() & IN_USE_X87)) {
        return false;
    }
    __asm__ volatile(EACH_REGISTER("vmovdqu %c1 + 16 * \\r(%0), %%xmm\\r") /* upper halves: 0 */
                     :
                     : "r"(cpu->xsave), "i"(AT_XMM)
                     : "memory");
    if (in_use & IN_USE_AVX) {
        __asm__ volatile(EACH_REGISTER("vinsertf128 $1, %c1 + 16 * \\r(%0), %%ymm\\r, %%ymm\\r")
                         :
                         : "r"(cpu->xsave), "i"(AT_YMM)
                         : "memory");
    }
    __asm__ volatile("ldmxcsr %c1(%0)" : : "r"(cpu->xsave), "i"(AT_MXCSR) : "memory");
    return true;
}

void cpu_vector_save(Cpu *cpu)
{
    if (moves_suffice(cpu) && move_out(cpu)) {
        return;
    }
    __asm__ volatile("xsave64 %0\n\tfninit\n\tldmxcsr %1\n\tvzeroupper"
                     : "+m"(cpu->xsave)
                     : "m"(cpu->host_mxcsr), "a"((uint32_t)cpu->xsave_mask),
                       "d"((uint32_t)(cpu->xsave_mask >> 32))
                     : "memory");
}

void cpu_vector_restore(Cpu *cpu)
{
    if (moves_suffice(cpu) && move_in(cpu)) {
        return;
    }
    __asm__ volatile("xrstor64 %0"
                     :
                     : "m"(cpu->xsave), "a"((uint32_t)cpu->xsave_mask),
                       "d"((uint32_t)(cpu->xsave_mask >> 32))
                     : "memory");
}
