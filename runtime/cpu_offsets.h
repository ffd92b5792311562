/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_CPU_OFFSETS_H
#define RUNTIME_CPU_OFFSETS_H
/* cpu_offsets.h - fields of Cpu for assembly; engine.c asserts that they are right. */
#define CPU_TLB       0
#define CPU_JIT_FLAGS 24
#define CPU_GPR       32
#define CPU_RIP       (CPU_GPR + 16 * 8)
#define CPU_HOST_RSP  (CPU_GPR + 16 * 8 + 4 * 8 + 7 * 8)
#define CPU_HOST_GS   (CPU_HOST_RSP + 8)
#define CPU_WRGSBASE  (CPU_HOST_GS + 8)
#endif
