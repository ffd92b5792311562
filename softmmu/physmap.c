/* SPDX-License-Identifier: GPL-2.0-or-later */
/* physmap.c - RAM, and the ranges that make up the guest's physical address space.
 *
 * Everything here runs with the device lock held, or before the machine runs.
 */
#define _GNU_SOURCE /* memfd_create */
#include "softmmu/physmap.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "softmmu/physmap_int.h"

enum { PHYS_PAGE = 4096, VIEW_CAPACITY = 32 };

/* ---- Views ---- */

static PhysView *view_new(uint32_t capacity)
{
    PhysView *view = g_malloc0(sizeof(PhysView) + capacity * sizeof(PhysSegment));

    view->capacity = capacity;
    return view;
}

static PhysView *view_take(PhysMap *map, uint32_t n)
{
    uint32_t capacity = VIEW_CAPACITY;

    for (guint i = 0; i < map->spare->len; i++) {
        PhysView *view = g_ptr_array_index(map->spare, i);

        if (view->capacity >= n) {
            return g_ptr_array_steal_index_fast(map->spare, i);
        }
    }
    while (capacity < n) {
        capacity *= 2;
    }
    return view_new(capacity);
}

static uint64_t range_last(const PhysRange *range)
{
    uint64_t last = range->gpa + (range->size - 1);

    return last < range->gpa ? UINT64_MAX : last;
}

/* The range that decides comes first: by priority, devices before memory, the later before the
 * earlier. */
static int range_compare(gconstpointer a, gconstpointer b)
{
    const PhysRange *x = *(PhysRange *const *)a, *y = *(PhysRange *const *)b;

    if (x->priority != y->priority) {
        return x->priority > y->priority ? -1 : 1;
    }
    if ((x->kind == PHYS_MMIO) != (y->kind == PHYS_MMIO)) {
        return x->kind == PHYS_MMIO ? -1 : 1;
    }
    return x->sequence > y->sequence ? -1 : 1;
}

static int bound_compare(gconstpointer a, gconstpointer b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* The first addresses of all stretches within which the same ranges apply. */
static GArray *view_bounds(const GPtrArray *ranked)
{
    GArray *bounds = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    uint64_t zero = 0;

    g_array_append_val(bounds, zero);
    for (guint i = 0; i < ranked->len; i++) {
        const PhysRange *range = g_ptr_array_index(ranked, i);
        uint64_t after = range_last(range) + 1;

        g_array_append_val(bounds, range->gpa);
        if (after != 0) {
            g_array_append_val(bounds, after);
        }
    }
    g_array_sort(bounds, bound_compare);
    return bounds;
}

static PhysSegment segment_of(const PhysMap *map, const PhysRange *range, uint64_t first,
                              uint64_t last)
{
    PhysSegment segment = { .first = first, .last = last };

    if (range == NULL) {
        return segment;
    }
    segment.kind = range->kind;
    segment.offset = first - range->gpa;
    if (range->kind == PHYS_RAM) {
        segment.writable = range->writable;
        segment.offset += range->ram_offset;
        segment.host = map->ram + segment.offset;
        segment.ops = range->ops.write != NULL ? &range->ops : NULL;
        segment.opaque = range->opaque;
    } else if (range->kind == PHYS_ROM) {
        segment.host = range->host + segment.offset;
    } else {
        segment.ops = &range->ops;
        segment.opaque = range->opaque;
    }
    return segment;
}

/* Does `next` merely continue `segment`? */
static bool segment_continues(const PhysSegment *segment, const PhysSegment *next)
{
    uint64_t size = next->first - segment->first;

    if (segment->kind != next->kind || segment->writable != next->writable ||
        segment->ops != next->ops) {
        return false;
    }
    switch (next->kind) {
    case PHYS_NONE:
        return true;
    case PHYS_MMIO:
        return segment->ops == next->ops && segment->offset + size == next->offset;
    default:
        return segment->host + size == next->host;
    }
}

static const PhysRange *range_at(const GPtrArray *ranked, uint64_t gpa)
{
    for (guint i = 0; i < ranked->len; i++) {
        const PhysRange *range = g_ptr_array_index(ranked, i);

        if (gpa >= range->gpa && gpa <= range_last(range)) {
            return range;
        }
    }
    return NULL;
}

static void view_fill(const PhysMap *map, PhysView *view, const GPtrArray *ranked,
                      const GArray *bounds)
{
    uint32_t n = 0;

    for (guint i = 0; i < bounds->len; i++) {
        uint64_t first = g_array_index(bounds, uint64_t, i);
        uint64_t last = i + 1 < bounds->len ? g_array_index(bounds, uint64_t, i + 1) - 1
                                            : UINT64_MAX;

        if (i + 1 < bounds->len && g_array_index(bounds, uint64_t, i + 1) == first) {
            continue;
        }
        PhysSegment segment = segment_of(map, range_at(ranked, first), first, last);

        if (n > 0 && segment_continues(&view->segment[n - 1], &segment)) {
            view->segment[n - 1].last = last;
        } else {
            view->segment[n++] = segment;
        }
    }
    __atomic_store_n(&view->n, n, __ATOMIC_RELAXED);
}

static void map_publish(PhysMap *map)
{
    g_autoptr(GPtrArray) ranked = g_ptr_array_new();
    g_autoptr(GArray) bounds = NULL;
    PhysView *old = map->view, *view;

    for (guint i = 0; i < map->ranges->len; i++) {
        PhysRange *range = g_ptr_array_index(map->ranges, i);

        if (range->enabled && range->size != 0) {
            g_ptr_array_add(ranked, range);
        }
    }
    g_ptr_array_sort(ranked, range_compare);
    bounds = view_bounds(ranked);

    view = view_take(map, bounds->len);
    __atomic_store_n(&view->generation, view->generation | 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    view_fill(map, view, ranked, bounds);
    __atomic_store_n(&view->generation, view->generation + 1, __ATOMIC_RELEASE);

    __atomic_store_n(&map->view, view, __ATOMIC_RELEASE);
    __atomic_fetch_add(&map->version, 1, __ATOMIC_SEQ_CST);
    if (old != NULL) {
        g_ptr_array_add(map->spare, old);
    }
    if (map->owner.changed != NULL) {
        map->owner.changed(map->owner_opaque);
    }
}

void phys_map_begin(PhysMap *map)
{
    map->depth++;
}

void phys_map_commit(PhysMap *map)
{
    g_assert(map->depth > 0);
    if (--map->depth == 0 && map->pending) {
        map->pending = false;
        map_publish(map);
    }
}

static void map_touch(PhysMap *map)
{
    phys_map_begin(map);
    map->pending = true;
    phys_map_commit(map);
}

/* ---- The map ---- */

static void range_free(gpointer data)
{
    PhysRange *range = data;

    if (range->kind == PHYS_ROM) {
        munmap(range->host, range->size);
    }
    g_free(range);
}

static bool map_ram_new(PhysMap *map, GError **error)
{
    HostFile *own = &map->file[map->files - 1];

    map->own_fd = memfd_create("guest-ram", MFD_CLOEXEC);
    if (map->own_fd < 0 || ftruncate(map->own_fd, (off_t)own->size) != 0) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot set up %" PRIu64 " bytes of guest memory: %s", map->guest_ram,
                    g_strerror(errno));
        return false;
    }
    own->fd = map->own_fd;
    if (!host_mapping_open_files(&map->ram_mapping, map->file, map->files,
                                 PROT_READ | PROT_WRITE)) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "cannot map %" PRIu64 " bytes of guest memory: %s", map->guest_ram,
                    g_strerror(errno));
        return false;
    }
    map->ram = map->ram_mapping.at;
    return true;
}

static bool ram_size_check(uint64_t size, GError **error)
{
    if (size != 0 && size % PHYS_PAGE == 0 && size <= INT64_MAX - PHYS_DEVICE_RAM) {
        return true;
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                "guest memory of %" PRIu64 " bytes: not a multiple of 4 KiB", size);
    return false;
}

/* `map->file` is there, but for the last one, which is the map's own. */
static PhysMap *map_new(HostFile *files, unsigned n, uint64_t ram_size, GError **error)
{
    PhysMap *map = g_new0(PhysMap, 1);

    map->file = files;
    map->files = n;
    map->own_fd = -1;
    map->guest_ram = ram_size;
    map->ram_size = ram_size + PHYS_DEVICE_RAM;
    device_ram_init(map);
    map->ranges = g_ptr_array_new_with_free_func(range_free);
    map->removed = g_ptr_array_new_with_free_func(range_free);
    map->spare = g_ptr_array_new_with_free_func(g_free);
    if (!map_ram_new(map, error) || !code_pages_init(&map->code, map->ram_size, error)) {
        phys_map_free(map);
        return NULL;
    }
    map_publish(map);
    return map;
}

PhysMap *phys_map_new(uint64_t ram_size, GError **error)
{
    HostFile *own;

    if (!ram_size_check(ram_size, error)) {
        return NULL;
    }
    own = g_new0(HostFile, 1);
    own->size = ram_size + PHYS_DEVICE_RAM;
    return map_new(own, 1, ram_size, error);
}

PhysMap *phys_map_new_of(const PhysRamFile *files, unsigned n, GError **error)
{
    g_autofree HostFile *all = g_new0(HostFile, n + 1);
    uint64_t ram_size = 0;

    for (unsigned i = 0; i < n; i++) {
        if (!ram_size_check(files[i].size, error)) {
            return NULL;
        }
        all[i] = (HostFile){ files[i].fd, files[i].size };
        ram_size += files[i].size;
    }
    if (!ram_size_check(ram_size, error)) {
        return NULL;
    }
    all[n].size = PHYS_DEVICE_RAM;
    return map_new(g_steal_pointer(&all), n + 1, ram_size, error);
}

void phys_map_free(PhysMap *map)
{
    if (map == NULL) {
        return;
    }
    g_ptr_array_free(map->ranges, TRUE);
    g_ptr_array_free(map->removed, TRUE);
    g_ptr_array_free(map->spare, TRUE);
    g_free(map->view);
    code_pages_fini(&map->code);
    device_ram_fini(map);
    host_mapping_close(&map->ram_mapping);
    if (map->own_fd >= 0) {
        close(map->own_fd);
    }
    g_free(map->file);
    g_free(map);
}

uint64_t phys_map_ram_size(const PhysMap *map)
{
    return map->guest_ram;
}

uint64_t phys_map_memory_size(const PhysMap *map)
{
    return map->ram_size;
}

uint8_t *phys_map_ram(const PhysMap *map)
{
    return map->ram;
}

CodePages *phys_map_code_pages(PhysMap *map)
{
    return &map->code;
}

void phys_map_set_owner(PhysMap *map, const PhysMapOwner *owner, void *opaque)
{
    map->owner = owner != NULL ? *owner : (PhysMapOwner){ 0 };
    map->owner_opaque = opaque;
}

/* ---- Ranges ---- */

static PhysRange *range_add(PhysMap *map, PhysKind kind, uint64_t gpa, uint64_t size, int priority)
{
    PhysRange *range = g_new0(PhysRange, 1);

    range->kind = kind;
    range->enabled = true;
    range->gpa = gpa;
    range->size = size;
    range->priority = priority;
    range->sequence = map->sequence++;
    g_ptr_array_add(map->ranges, range);
    return range;
}

PhysRange *phys_map_add_ram(PhysMap *map, uint64_t gpa, uint64_t offset, uint64_t size,
                            int priority)
{
    PhysRange *range;

    g_assert(size <= map->ram_size && offset <= map->ram_size - size);
    range = range_add(map, PHYS_RAM, gpa, size, priority);
    range->ram_offset = offset;
    range->writable = true;
    map_touch(map);
    return range;
}

PhysRange *phys_map_add_rom(PhysMap *map, uint64_t gpa, const void *data, uint64_t size,
                            int priority)
{
    uint64_t whole = (size + PHYS_PAGE - 1) & ~(uint64_t)(PHYS_PAGE - 1);
    PhysRange *range;

    g_assert(size != 0 && whole >= size);
    range = range_add(map, PHYS_ROM, gpa, whole, priority);
    range->host = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    g_assert(range->host != MAP_FAILED);
    memcpy(range->host, data, size);
    memset(range->host + size, 0xff, whole - size);
    map_touch(map);
    return range;
}

PhysRange *phys_map_add_mmio(PhysMap *map, uint64_t gpa, uint64_t size, const MmioOps *ops,
                             void *opaque, int priority)
{
    PhysRange *range = range_add(map, PHYS_MMIO, gpa, size, priority);

    range->ops = *ops;
    if (range->ops.max_width == 0) {
        range->ops.max_width = 8;
    }
    if (range->ops.min_width == 0) {
        range->ops.min_width = 1;
    }
    range->opaque = opaque;
    map_touch(map);
    return range;
}

void phys_range_set_enabled(PhysMap *map, PhysRange *range, bool enabled)
{
    if (range->enabled != enabled) {
        range->enabled = enabled;
        map_touch(map);
    }
}

void phys_range_set_writable(PhysMap *map, PhysRange *range, bool writable)
{
    g_assert(range->kind == PHYS_RAM);
    if (range->writable != writable) {
        range->writable = writable;
        map_touch(map);
    }
}

void phys_range_set_trap(PhysMap *map, PhysRange *range, const MmioOps *ops, void *opaque)
{
    g_assert(range->kind == PHYS_RAM && ops->min_width != 0 && ops->max_width != 0);
    range->ops = *ops;
    range->opaque = opaque;
    map_touch(map);
}

void phys_range_set_ram(PhysMap *map, PhysRange *range, uint64_t ram_offset)
{
    g_assert(range->kind == PHYS_RAM && ram_offset <= map->ram_size - range->size);
    if (range->ram_offset != ram_offset) {
        range->ram_offset = ram_offset;
        map_touch(map);
    }
}

void phys_range_move(PhysMap *map, PhysRange *range, uint64_t gpa)
{
    if (range->gpa != gpa) {
        range->gpa = gpa;
        map_touch(map);
    }
}

void phys_range_remove(PhysMap *map, PhysRange *range)
{
    guint index;

    g_assert(g_ptr_array_find(map->ranges, range, &index));
    g_ptr_array_add(map->removed, g_ptr_array_steal_index_fast(map->ranges, index));
    map_touch(map);
}
