/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_PHYSMAP_H
#define SOFTMMU_PHYSMAP_H
/* physmap.h - the guest physical address space: RAM in files in memory, ROM, MMIO ranges.
 *
 * Higher priority wins where ranges overlap (RAM and ROM below device windows; later additions win
 * among equals). Unassigned addresses read as all ones and swallow writes.
 *
 * Threads: the map is changed, and MMIO is dispatched, with the device lock held (the owner's
 * callbacks below); look-ups from vCPU threads are lock-free against an immutable snapshot of the
 * ranges.  Every change calls the listener, so that TLBs are flushed before the next guest
 * instruction.
 */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct PhysMap PhysMap;
typedef struct PhysRange PhysRange; /* owned by the map */

/* `width` is 1, 2, 4 or 8, naturally aligned; wider and unaligned guest accesses are split. */
typedef struct MmioOps {
    uint64_t (*read)(void *opaque, uint64_t offset, unsigned width);
    void (*write)(void *opaque, uint64_t offset, unsigned width, uint64_t value);
    unsigned min_width, max_width; /* 0: 1 and 8; the map splits or widens accesses to fit */
} MmioOps;

/* RAM of `ram_size` bytes (a multiple of 4 KiB) is created as a memfd, untouched, and not yet
 * placed anywhere in guest space. */
PhysMap *phys_map_new(uint64_t ram_size, GError **error);
void phys_map_free(PhysMap *map);

uint64_t phys_map_ram_size(const PhysMap *map);
uint8_t *phys_map_ram(const PhysMap *map); /* host address of RAM offset 0 */
int phys_map_ram_fd(const PhysMap *map);   /* the file that RAM offset 0 lies in, at its start */

/* RAM that lies in files of the caller, one behind the other, each from its start on: sizes are
 * multiples of 4 KiB. The descriptors stay the caller's, and open as long as the map. */
typedef struct PhysRamFile {
    int fd;
    uint64_t size;
} PhysRamFile;
PhysMap *phys_map_new_of(const PhysRamFile *files, unsigned n, GError **error);

/* Where a byte of RAM or of a device's memory lies, and how many behind it lie in the same file. */
typedef struct PhysRamPlace {
    int fd;
    uint64_t offset, size;
} PhysRamPlace;
PhysRamPlace phys_map_ram_place(const PhysMap *map, uint64_t ram_offset);
/* Zeroes from now on, whose memory goes back to the host if it takes it; nobody is told. */
void phys_map_clear_ram(PhysMap *map, uint64_t ram_offset, uint64_t size);

/* Memory of devices (video memory) lies behind guest RAM in the same mapping, so that it is RAM
 * like any other for TLBs, translated code and dirty logging. Bounds every RAM offset: */
uint64_t phys_map_memory_size(const PhysMap *map);
/* Takes `size` bytes (a multiple of 4 KiB), all zero, placed nowhere yet; their RAM offset, or
 * UINT64_MAX if so much is not left of PHYS_DEVICE_RAM. */
uint64_t phys_map_take_device_ram(PhysMap *map, uint64_t size);
void phys_map_give_device_ram(PhysMap *map, uint64_t ram_offset, uint64_t size); /* whole */
enum { PHYS_DEVICE_RAM = 512 << 20 };

/* Places [offset, offset + size) of RAM at `gpa`. A second alias of the same RAM is allowed. */
PhysRange *phys_map_add_ram(PhysMap *map, uint64_t gpa, uint64_t offset, uint64_t size,
                            int priority);
/* Read-only memory, copied from `data` (size rounded up to pages with 0xff). Writes go nowhere. */
PhysRange *phys_map_add_rom(PhysMap *map, uint64_t gpa, const void *data, uint64_t size,
                            int priority);
PhysRange *phys_map_add_mmio(PhysMap *map, uint64_t gpa, uint64_t size, const MmioOps *ops,
                             void *opaque, int priority);
/* A range need not be aligned to pages. */
void phys_range_set_enabled(PhysMap *map, PhysRange *range, bool enabled);
void phys_range_set_writable(PhysMap *map, PhysRange *range,
                             bool writable); /* RAM: PAM registers */
/* RAM: other bytes of the memfd from now on, as many. */
void phys_range_set_ram(PhysMap *map, PhysRange *range, uint64_t ram_offset);
/* RAM that is not writable: a CPU's writes go to ops->write, with the offset in RAM. Flash memory.
 */
void phys_range_set_trap(PhysMap *map, PhysRange *range, const MmioOps *ops, void *opaque);
void phys_range_move(PhysMap *map, PhysRange *range, uint64_t gpa);
void phys_range_remove(PhysMap *map, PhysRange *range);
/* Several changes, one listener call. */
void phys_map_begin(PhysMap *map);
void phys_map_commit(PhysMap *map);

/* What the owner (the machine) provides. All may be NULL. */
typedef struct PhysMapOwner {
    void (*changed)(void *opaque); /* the map changed: flush all TLBs */
    void (*lock)(void *opaque);    /* device lock around MMIO callbacks; recursive */
    void (*unlock)(void *opaque);
    void (*unassigned)(void *opaque, uint64_t gpa, unsigned width, bool write); /* guest_errors */
    /* See codepages.h; called once a page. On a vCPU thread the vector state has been parked. */
    void (*code_written)(void *opaque, uint64_t ram_offset, uint64_t size);
} PhysMapOwner;
void phys_map_set_owner(PhysMap *map, const PhysMapOwner *owner, void *opaque);

/* Access by a device (DMA) or a loader: any size, any place; RAM writes mark dirty pages and
 * invalidate decoded code. */
void phys_map_read(PhysMap *map, uint64_t gpa, void *data, uint64_t size);
void phys_map_write(PhysMap *map, uint64_t gpa, const void *data, uint64_t size);

/* RAM (ROM too, unless `write`) for DMA without a copy: the host address of `gpa`, and in `*size`
 * how many of the bytes asked for lie behind it in one piece.  NULL: something else is there.  The
 * address stays good as long as the map; what was written through it is reported afterwards. */
uint8_t *phys_map_span(PhysMap *map, uint64_t gpa, uint64_t *size, bool write);
void phys_map_span_written(PhysMap *map, const uint8_t *host, uint64_t size);

/* The pages that lie wholly in a piece of RAM are forgotten: their memory goes back to the host,
 * and they read as zeroes from now on. What is not RAM stays as it is. */
void phys_map_drop_ram(PhysMap *map, uint64_t gpa, uint64_t size);
void phys_map_drop_host(PhysMap *map, const uint8_t *host, uint64_t size); /* of a span */

/* The lock around devices, for their work on other threads. */
void phys_map_lock_devices(PhysMap *map);
void phys_map_unlock_devices(PhysMap *map);

/* What backs the 4 KiB page of `gpa`: for TLB fills. */
typedef struct PhysPage {
    uint8_t *host;       /* RAM or ROM that covers the whole page; NULL: use the MMIO functions */
    uint64_t ram_offset; /* of the page in the memfd, UINT64_MAX for ROM */
    bool writable;
} PhysPage;
PhysPage phys_map_page(PhysMap *map, uint64_t gpa);

/* Access through the ranges, byte-exact, for pages that phys_map_page calls MMIO or partly covered;
 * takes the device lock. The caller has parked the vector state. */
uint64_t phys_map_mmio_read(PhysMap *map, uint64_t gpa, unsigned width);
void phys_map_mmio_write(PhysMap *map, uint64_t gpa, unsigned width, uint64_t value);

#endif
