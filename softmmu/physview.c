/* SPDX-License-Identifier: GPL-2.0-or-later */
/* physview.c - look-ups in the physical map that TLB fills make; lock-free. */
#include "softmmu/physmap.h"

#include "softmmu/physmap_int.h"

PhysPage phys_map_page(PhysMap *map, uint64_t gpa)
{
    uint64_t page = gpa & ~0xfffull;
    PhysPage none = { NULL, UINT64_MAX, false };
    PhysSegment segment;

    phys_map_find(map, page, &segment);
    if (segment.host == NULL || segment.last - page < 0xfff) {
        return none;
    }
    uint64_t at = page - segment.first;

    if (segment.kind == PHYS_ROM) {
        return (PhysPage){ segment.host + at, UINT64_MAX, false };
    }
    /* Pages of RAM are named by their place in the memfd: out of step, they go byte by byte. */
    if (((segment.offset + at) & 0xfff) != 0) {
        return none;
    }
    return (PhysPage){ segment.host + at, segment.offset + at, segment.writable };
}
