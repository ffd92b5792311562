/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_HOST_PAGES_H
#define SOFTMMU_HOST_PAGES_H
/* host_pages.h - files in memory (memfd) in huge pages, where the host has them for the asking:
 * Linux 6.1 (MADV_COLLAPSE).  A huge page costs a tenth of what its small ones do, and misses of
 * the host's TLB, each a walk through two sets of page tables in a virtual machine, become rare.
 *
 * Compiled with -mgeneral-regs-only; keeps the vector registers.
 */
#include <stdbool.h>
#include <stddef.h>

enum { HOST_HUGE_SHIFT = 21, HOST_HUGE_SIZE = 1 << HOST_HUGE_SHIFT };

/* As mmap of a whole file of whole pages, shared, where huge ones can be mapped; NULL: errno. */
void *host_pages_map(int fd, size_t size, int protection);
/* Gets the HOST_HUGE_SIZE bytes at `at`, a multiple of that from the mapping's start, as one page;
 * no other mapping of the file need be told. false: the host has none, or cannot; it is not worth
 * asking again soon. */
bool host_pages_huge(const void *at);

#endif
