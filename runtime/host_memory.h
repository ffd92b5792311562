/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_HOST_MEMORY_H
#define RUNTIME_HOST_MEMORY_H
/* host_memory.h - large tables: zeroed memory that the host gives as it is touched, in huge pages
 * where it has them. What is looked up at random is more often missed by the host's TLB than by
 * its caches. */
#include <stddef.h>

void *host_memory_reserve(size_t size);       /* NULL: there is not so much */
void host_memory_free(void *at, size_t size); /* NULL is none */

#endif
