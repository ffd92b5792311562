/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_DECODE_CACHE_H
#define SOFTWARE_CPU_DECODE_CACHE_H
/* decode_cache.h - decoded instructions by physical page, in the form of its host address, and
 * code size.
 *
 * An entry is used only while its bytes still equal those in memory, so that guest stores, DMA and
 * other vCPUs need not tell it anything: a changed instruction simply misses.  One a vCPU.
 *
 * Entries are linked in the order in which they were executed, within a page: behind an instruction
 * that changes nothing that a fetch depends on (mode, translations, interrupt shadow, RF), and
 * behind the direct branches, whoever runs them one after the other can take the link and compare
 * bytes instead of fetching again.  An entry stays in its place until the cache is full; then all
 * go.
 */
#include "runtime/cpu/cpu.h"
#include "runtime/software_cpu/rows.h"

/* The first cache line is what execution needs. */
typedef struct CachedInsn {
    ExecFn exec;     /* feature and LOCK prefix are fine; otherwise raises #UD */
    uint64_t head;   /* memory at `at` when it was compared last */
    uint32_t next;   /* place of the entry behind it in memory; 0: unknown, or fetch anew */
    uint32_t target; /* of the entry that its relative branch leads to, likewise */
    Insn insn;
    const uint8_t *at; /* host address of its first byte; NULL: not in the cache */
    uint32_t chain;    /* next entry with its hash; 0: none */
} __attribute__((aligned(64))) CachedInsn;
_Static_assert(sizeof(CachedInsn) == 128, "two cache lines");
_Static_assert(offsetof(CachedInsn, insn.op[2]) <= 64, "what is hot is in the first");

typedef struct DecodeCache DecodeCache;

DecodeCache *decode_cache_new(void);
void decode_cache_free(DecodeCache *cache);

/* The instruction at CS:RIP, decoded; NULL with cpu->fault set. Valid until the next call. */
const CachedInsn *decode_cache_fetch(Cpu *cpu);

/* The same after `last` has ended with `step`: notes the way if it may be taken as a link. `last`
 * may be NULL; it may have left the cache. */
const CachedInsn *decode_cache_follow(Cpu *cpu, const CachedInsn *last, Step step);

/* The entry at a place, known not to be 0. */
static inline const CachedInsn *decode_cache_entry(const Cpu *cpu, uint32_t place)
{
    return (const CachedInsn *)cpu->decode + place;
}

/* Is the linked entry still what stands at `code`, its `at`? false also for changes close behind
 * it: fetch then. */
static inline bool decode_cache_current(const CachedInsn *cached, const uint8_t *code)
{
    uint64_t head, tail;

    __builtin_memcpy(&head, code, sizeof(head));
    if (head != cached->head) {
        return false;
    }
    if (cached->insn.length <= 8) {
        return true;
    }
    __builtin_memcpy(&head, code + 8, sizeof(head));
    __builtin_memcpy(&tail, cached->insn.bytes + 8, sizeof(tail));
    return (head ^ tail) << (128 - cached->insn.length * 8) == 0;
}

#endif
