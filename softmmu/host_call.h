/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_HOST_CALL_H
#define SOFTMMU_HOST_CALL_H
/* host_call.h - system calls of code that runs with the guest's vector state in the host's
 * registers: the C library's own might be bound lazily, by code that knows nothing of that. */
#include <asm/unistd.h>
#include <stdint.h>

/* The kernel's result: from -4095 to -1 it is an error number, negated. */
static inline long host_call(long number, const void *a, uint64_t b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#endif
