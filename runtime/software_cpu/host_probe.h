/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_HOST_PROBE_H
#define SOFTWARE_CPU_HOST_PROBE_H
/* host_probe.h - runs a few instructions on the host CPU and tells how they end.
 *
 * The code is a piece of host_probe_code.S.  It may use all registers but R15 and, in 32-bit code,
 * none but the low eight; its stack is in the probe's memory.  An exception ends it: the signal's
 * handler has no other way to learn whose it is than a variable of the thread. */
#define PROBE_GPR    0
#define PROBE_FLAGS  64
#define PROBE_TARGET 72
#define PROBE_RSP    80
#define PROBE_FX     96
#define PROBE_ROOM   64

#ifndef __ASSEMBLER__
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum { PROBE_NO_FAULT = 0xff, PROBE_FX_SIZE = 512 };

/* Before and behind it. `host_probe_enter` knows the offsets. */
typedef struct HostProbe {
    uint64_t gpr[8]; /* RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI */
    uint64_t flags;
    struct {
        uint32_t offset;
        uint16_t selector, pad;
    } target; /* of 32-bit code */
    uint64_t host_rsp;
    uint64_t unused;
    uint8_t fx[PROBE_FX_SIZE] __attribute__((aligned(16))); /* only behind: FXSAVE's image */
    uint64_t r8;                                            /* only behind, without a fault */
    uint64_t address;                                       /* of a page fault */
    uint32_t vector;                                        /* or PROBE_NO_FAULT */

    uint8_t *data; /* a page to write; its last byte is in front of `absent` */
    uint8_t *absent;
    struct HostCode32 *code32; /* or NULL */
    uint8_t *stack;            /* of the signal handler */
    stack_t stack_before;
} HostProbe;

/* false: the host refuses the memory. */
bool host_probe_open(HostProbe *probe, struct HostCode32 *code32);
void host_probe_close(HostProbe *probe);

/* For the thread, between these two, faults are the probe's. */
void host_probe_begin(HostProbe *probe);
void host_probe_end(HostProbe *probe);

/* Sets the registers up: all zero but RSP, flags clear, data filled with PROBE_FILL. */
enum { PROBE_FILL = 0xaa };
void host_probe_prepare(HostProbe *probe);

/* Runs 64-bit code of this program. */
void host_probe_run(HostProbe *probe, const uint8_t *code);
/* Runs a piece of 32-bit code by its number (host_code32.h). */
void host_probe_run32(HostProbe *probe, unsigned piece);
#endif
#endif
