/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_GUEST_MEMORY_H
#define RUNTIME_MACHINE_GUEST_MEMORY_H
/* guest_memory.h - guest memory as a debugger sees it: by the linear addresses of one vCPU, without
 * rights, accessed bits or faults. Main thread, with the vCPUs standing (machine_hold) and the
 * device lock held: what is no RAM is a device that is asked. */
#include <stdbool.h>
#include <stdint.h>
#include "runtime/cpu/cpu.h"
#include "softmmu/physmap.h"

/* false: some of it is not mapped; what lies in front of that is done. */
bool guest_memory_read(Cpu *cpu, PhysMap *map, uint64_t gva, void *data, uint64_t size);
bool guest_memory_write(Cpu *cpu, PhysMap *map, uint64_t gva, const void *data, uint64_t size);

/* Every page that the tables of the CPU map, in order of addresses; none without paging. */
typedef struct GuestPage {
    uint64_t gva, gpa, size;
    uint64_t entry; /* of the last table */
    bool user, writable;
} GuestPage;
typedef void GuestPageEach(void *opaque, const GuestPage *page);
void guest_memory_pages(const Cpu *cpu, PhysMap *map, GuestPageEach *each, void *opaque);

#endif
