/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_WINDOW_H
#define SOFTMMU_WINDOW_H
/* window.h - guest pages mapped in the host where the guest has them, so that the host's MMU does
 * the translation for user code that runs hot.
 *
 * A chunk is 4 GiB of one address space (a bank of the TLB), given a place of the same size in the
 * host's address space, with guards around it.  Pages are mapped there from the memfd of guest RAM
 * when translated code has faulted on them, with the rights that the TLB's entry for user code has;
 * whatever drops that entry, or its write tag, drops the mapping, or its right to write.  So what
 * cannot be mapped (MMIO, ROM, watched pages) faults every time, and C makes the access.
 *
 * Mapping a page costs microseconds.  Whatever costs is paid for with credits, and time that the
 * guest has run earns new ones.  When they are spent there is a pause, longer each time, in which
 * translated code is given no chunks: it goes by the TLB, and is translated again to do so directly
 * where it runs hot.
 *
 * Compiled with -mgeneral-regs-only.  Faults are handled in the signal handler: translated code was
 * interrupted, so nothing here is under way.
 */
#include "softmmu/tlb.h"

typedef struct Window Window;

Window *window_new(Cpu *cpu, PhysMap *map); /* borrows both; NULL: no address space can be had */
void window_free(Window *window);

/* Pages of a bank go: all, or that of one address. */
void window_flush(Window *window, Bank *bank);
void window_flush_address(Window *window, Bank *bank, uint64_t gva);
/* The page of RAM cannot be written through a window any more. */
void window_drop_write(Window *window, uint64_t ram_offset);
/* Another bank becomes the current one: translated code forgets its chunks. */
void window_leave(Cpu *cpu);

#endif
