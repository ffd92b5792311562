/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_PHYSMAP_INT_H
#define SOFTMMU_PHYSMAP_INT_H
/* physmap_int.h - the physical map as the files of softmmu/ see it.
 *
 * The ranges are flattened into a view: sorted segments without gaps or overlaps, the lowest first.
 * A published view does not change.  Look-ups take no lock and announce nothing, so that a retired
 * view may be reused while a reader still is inside; its generation then changes, and the reader
 * starts again (phys_map_find).  Views are recycled, not freed, and grow by doubling, so that a
 * guest that reprograms windows for ever does not make us allocate for ever.
 */
#include "softmmu/codepages.h"
#include "softmmu/host_mapping.h"
#include "softmmu/physmap.h"

typedef enum PhysKind { PHYS_NONE, PHYS_RAM, PHYS_ROM, PHYS_MMIO } PhysKind;

struct PhysRange {
    PhysKind kind;
    bool enabled;
    bool writable;
    int priority;
    uint64_t sequence; /* of addition: the later wins among equals */
    uint64_t gpa, size;
    uint8_t *host;       /* ROM: owned */
    uint64_t ram_offset; /* RAM */
    MmioOps ops;
    void *opaque;
};

typedef struct PhysSegment {
    uint64_t first, last; /* inclusive, so that the top of the space can be named */
    PhysKind kind;
    bool writable;
    uint8_t *host;      /* of `first`; NULL unless RAM or ROM */
    uint64_t offset;    /* of `first`: RAM in the memfd, otherwise in the range */
    const MmioOps *ops; /* lives as long as the map */
    void *opaque;
} PhysSegment;

typedef struct PhysView {
    uint64_t generation; /* odd while it is being rewritten */
    uint32_t n, capacity;
    PhysSegment segment[];
} PhysView;

/* The ranges of RAM whose writes are always logged, as offsets in the memfd. */
typedef struct LogRange {
    uint64_t offset, size;
} LogRange;

struct CodePages {
    uint64_t *chunks; /* a word of CODE_CHUNKS bits a page; zero: not watched */
    uint64_t *dirty;  /* a bit a page */
    uint64_t *logged; /* a bit a page: in a range given to dirty_log_set_range */
    uint64_t pages;
    bool log_all;
    bool log_some; /* some bit of `logged` is set */
};

struct PhysMap {
    PhysView *view;   /* atomic */
    uint64_t version; /* atomic; counts published views: what was looked up before is stale */
    uint8_t *ram;
    uint64_t ram_size;   /* guest RAM and device RAM */
    uint64_t guest_ram;  /* what the guest was given by -m: the first part */
    GArray *device_free; /* LogRange, sorted, none adjoin */
    HostMapping ram_mapping;
    int own_fd;     /* of what lies in no file of the caller's */
    HostFile *file; /* what RAM lies in, one behind the other */
    unsigned files;
    CodePages code;
    PhysMapOwner owner;
    void *owner_opaque;
    GPtrArray *ranges;  /* PhysRange, owned */
    GPtrArray *removed; /* kept to the end: a TLB that is not flushed yet may point into them */
    GPtrArray *spare;   /* PhysView */
    uint64_t sequence;
    unsigned depth; /* of phys_map_begin */
    bool pending;
};

/* The segment that holds `gpa`; never fails. */
static inline void phys_map_find(const PhysMap *map, uint64_t gpa, PhysSegment *found)
{
    for (;;) {
        const PhysView *view = __atomic_load_n(&map->view, __ATOMIC_ACQUIRE);
        uint64_t generation = __atomic_load_n(&view->generation, __ATOMIC_ACQUIRE);
        uint32_t low = 0;

        for (uint32_t n = __atomic_load_n(&view->n, __ATOMIC_RELAXED); n > 1;) {
            uint32_t half = n / 2;

            low += view->segment[low + half].first <= gpa ? half : 0;
            n -= half;
        }
        *found = view->segment[low];
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (!(generation & 1) &&
            __atomic_load_n(&view->generation, __ATOMIC_RELAXED) == generation) {
            return;
        }
    }
}

static inline void phys_map_lock(const PhysMap *map)
{
    if (map->owner.lock != NULL) {
        map->owner.lock(map->owner_opaque);
    }
}

static inline void phys_map_unlock(const PhysMap *map)
{
    if (map->owner.unlock != NULL) {
        map->owner.unlock(map->owner_opaque);
    }
}

/* ---- device_ram.c ---- */

void device_ram_init(PhysMap *map);
void device_ram_fini(PhysMap *map);

/* ---- codepages.c ---- */

bool code_pages_init(CodePages *pages, uint64_t ram_size, GError **error);
void code_pages_fini(CodePages *pages);

static inline bool code_pages_logged(const CodePages *pages, uint64_t ram_offset)
{
    if (!__atomic_load_n(&pages->log_some, __ATOMIC_RELAXED)) {
        return false;
    }
    if (__atomic_load_n(&pages->log_all, __ATOMIC_RELAXED)) {
        return true;
    }
    uint64_t page = ram_offset >> 12;

    return (__atomic_load_n(&pages->logged[page / 64], __ATOMIC_RELAXED) >> (page % 64)) & 1;
}

/* Must writes to the page be seen? Then it has no write entry in any TLB. */
static inline bool code_pages_trapped(const CodePages *pages, uint64_t ram_offset)
{
    return __atomic_load_n(&pages->chunks[ram_offset >> 12], __ATOMIC_RELAXED) != 0 ||
           code_pages_logged(pages, ram_offset);
}

#endif
