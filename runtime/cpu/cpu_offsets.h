/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_CPU_CPU_OFFSETS_H
#define RUNTIME_CPU_CPU_OFFSETS_H
/* cpu_offsets.h - fields of Cpu for assembly, and what it knows of records (translate.h) and
 * tables; the engine's returns.c asserts that they are right. */
#define CPU_CODE_BASE 0
#define CPU_JIT_FLAGS 8
#define CPU_JIT_IBTC  (16 + 10 * 8)
#define CPU_JIT_SAVE  (CPU_JIT_IBTC + 16)
#define CPU_MODE      (CPU_JIT_SAVE + 12)
#define CPU_GPR       (CPU_MODE + 4)
#define CPU_RIP       (CPU_GPR + 16 * 8)
#define CPU_TLB       (CPU_RIP + 16)
#define CPU_HOST_RSP  (CPU_TLB + 8)
#define CPU_HOST_GS   (CPU_HOST_RSP + 8)
#define CPU_WRGSBASE  (CPU_HOST_GS + 8)
#define CPU_JIT_FAR   (CPU_WRGSBASE + 8)

#define FAR_SITE_TARGET 4       /* offset */
#define IN_CODE_64      2       /* MODE_CS64 */
#define IBTC_SHIFT      4       /* IBTC_ENTRY_SHIFT */
#define IBTC_PLACES     0x3fff0 /* IBTC_MASK */
#define FAR_RELINK      0x1f    /* one in so many and one far exits by the IBTC is chained anew */
#endif
