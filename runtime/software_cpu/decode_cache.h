/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_DECODE_CACHE_H
#define SOFTWARE_CPU_DECODE_CACHE_H
/* decode_cache.h - decoded instructions by physical page, in the form of its host address, and
 * code size.
 *
 * An entry is used only while its bytes still equal those in memory, so that guest stores, DMA and
 * other vCPUs need not tell it anything: a changed instruction simply misses.  One a vCPU. */
#include "runtime/cpu.h"
#include "runtime/software_cpu/rows.h"

typedef struct CachedInsn {
    const uint8_t *at; /* host address of its first byte; NULL: empty */
    ExecFn exec;
    Insn insn;
} CachedInsn;

typedef struct DecodeCache DecodeCache;

DecodeCache *decode_cache_new(void);
void decode_cache_free(DecodeCache *cache);

/* The instruction at CS:RIP, decoded; NULL with cpu->fault set. Valid until the next call. */
const CachedInsn *decode_cache_fetch(Cpu *cpu);

#endif
