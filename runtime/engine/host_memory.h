/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_HOST_MEMORY_H
#define RUNTIME_ENGINE_HOST_MEMORY_H
/* host_memory.h - large tables: zeroed memory that the host gives as it is touched. What is looked
 * up at random is more often missed by the host's TLB than by its caches, so it may come in huge
 * pages, where the host has them; what is touched here and there would take up too much so. */
#include <stddef.h>

typedef enum HostPages { HOST_PAGES_SMALL, HOST_PAGES_HUGE } HostPages;

void *host_memory_reserve(size_t size, HostPages pages); /* NULL: there is not so much */
void host_memory_free(void *at, size_t size);            /* NULL is none */

#endif
