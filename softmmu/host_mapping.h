/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_HOST_MAPPING_H
#define SOFTMMU_HOST_MAPPING_H
/* host_mapping.h - mappings of files in memory (memfd) that get their pages from the host some at a
 * time, since a fault for each costs more than the page: huge ones, where the host has them for the
 * asking (Linux 6.1, MADV_COLLAPSE).  A huge page costs a tenth of what its small ones do, and
 * misses of the host's TLB, each a walk through two sets of page tables in a virtual machine,
 * become rare.
 *
 * Compiled with -mgeneral-regs-only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOST_HUGE_SIZE = 1 << 21 };

typedef struct HostMapping {
    uint8_t *at;     /* NULL: nothing is mapped */
    size_t size;     /* bytes */
    int advice;      /* MADV_POPULATE_* */
    uint64_t *asked; /* atomic: a bit for each 64 KiB that the host has been asked for */
    bool no_huge;    /* atomic: the host has no huge pages */
} HostMapping;

/* Maps a whole file of whole pages, shared, at an address where huge ones can be; of a file that is
 * mapped twice both mappings have them. false: errno; nothing is mapped. */
bool host_mapping_open(HostMapping *mapping, int fd, size_t size, int protection);
/* Likewise several, one behind the other. */
typedef struct HostFile {
    int fd;
    size_t size;
} HostFile;
bool host_mapping_open_files(HostMapping *mapping, const HostFile *files, unsigned n,
                             int protection);
void host_mapping_close(HostMapping *mapping);

/* The byte is about to be used: gets its neighbourhood, if that has not been asked for. What the
 * host does not give is got by faults. Any thread; keeps the vector registers. */
void host_mapping_want(HostMapping *mapping, uint64_t offset);

#endif
