/* SPDX-License-Identifier: GPL-2.0-or-later */
/* physaccess.c - access to guest physical addresses through the ranges: by devices (DMA), loaders,
 * and by the CPU where no host page stands behind the guest's.
 *
 * A device sees naturally aligned accesses of a width it allows.  Wider and unaligned ones are
 * split as a bus would.  A narrower read is cut out of the device's smallest; a narrower write is
 * merged into what the device reads back there.
 */
#include "softmmu/physmap.h"

#include <fcntl.h>
#include <string.h>

#include "softmmu/physmap_int.h"

static uint64_t width_bits(unsigned width)
{
    return width >= 8 ? UINT64_MAX : (1ull << (width * 8)) - 1;
}

/* The most bytes of the segment at `gpa` that one device access may cover. */
static unsigned chunk_width(const PhysSegment *segment, uint64_t gpa, uint64_t size)
{
    uint64_t offset = segment->offset + (gpa - segment->first);
    uint64_t left = segment->last - gpa;
    unsigned width = segment->kind == PHYS_MMIO ? segment->ops->max_width : 8;

    while (width > size || width - 1 > left || (offset & (width - 1)) != 0) {
        width /= 2;
    }
    return width;
}

static uint64_t device_read(const PhysSegment *segment, uint64_t offset, unsigned width)
{
    const MmioOps *ops = segment->ops;

    if (ops->read == NULL) {
        return width_bits(width);
    }
    if (width >= ops->min_width) {
        return ops->read(segment->opaque, offset, width) & width_bits(width);
    }
    uint64_t base = offset & ~(uint64_t)(ops->min_width - 1);
    uint64_t word = ops->read(segment->opaque, base, ops->min_width);

    return (word >> ((offset - base) * 8)) & width_bits(width);
}

static void device_write(const PhysSegment *segment, uint64_t offset, unsigned width,
                         uint64_t value)
{
    const MmioOps *ops = segment->ops;

    if (ops->write == NULL) {
        return;
    }
    value &= width_bits(width);
    if (width >= ops->min_width) {
        ops->write(segment->opaque, offset, width, value);
        return;
    }
    uint64_t base = offset & ~(uint64_t)(ops->min_width - 1);
    unsigned shift = (unsigned)(offset - base) * 8;
    uint64_t word = ops->read != NULL ? ops->read(segment->opaque, base, ops->min_width) : 0;

    word = (word & ~(width_bits(width) << shift)) | (value << shift);
    ops->write(segment->opaque, base, ops->min_width, word);
}

static uint64_t chunk_read(PhysMap *map, const PhysSegment *segment, uint64_t gpa, unsigned width)
{
    uint64_t at = gpa - segment->first;
    uint64_t value = 0;

    switch (segment->kind) {
    case PHYS_RAM:
    case PHYS_ROM:
        memcpy(&value, segment->host + at, width);
        return value;
    case PHYS_MMIO:
        return device_read(segment, segment->offset + at, width);
    default:
        if (map->owner.unassigned != NULL) {
            map->owner.unassigned(map->owner_opaque, gpa, width, false);
        }
        return width_bits(width);
    }
}

static void chunk_write(PhysMap *map, const PhysSegment *segment, uint64_t gpa, unsigned width,
                        uint64_t value)
{
    uint64_t at = gpa - segment->first;

    switch (segment->kind) {
    case PHYS_RAM:
        if (segment->writable) {
            memcpy(segment->host + at, &value, width);
            code_pages_written(map, segment->offset + at, width);
        } else if (segment->ops != NULL) {
            device_write(segment, segment->offset + at, width, value);
        }
        break;
    case PHYS_ROM:
        break;
    case PHYS_MMIO:
        device_write(segment, segment->offset + at, width, value);
        break;
    default:
        if (map->owner.unassigned != NULL) {
            map->owner.unassigned(map->owner_opaque, gpa, width, true);
        }
        break;
    }
}

uint64_t phys_map_mmio_read(PhysMap *map, uint64_t gpa, unsigned width)
{
    uint64_t value = 0;

    phys_map_lock(map);
    for (unsigned done = 0; done < width;) {
        PhysSegment segment;
        unsigned n;

        phys_map_find(map, gpa + done, &segment);
        n = chunk_width(&segment, gpa + done, width - done);
        value |= chunk_read(map, &segment, gpa + done, n) << (done * 8);
        done += n;
    }
    phys_map_unlock(map);
    return value;
}

void phys_map_mmio_write(PhysMap *map, uint64_t gpa, unsigned width, uint64_t value)
{
    phys_map_lock(map);
    for (unsigned done = 0; done < width;) {
        PhysSegment segment;
        unsigned n;

        phys_map_find(map, gpa + done, &segment);
        n = chunk_width(&segment, gpa + done, width - done);
        chunk_write(map, &segment, gpa + done, n, value >> (done * 8));
        done += n;
    }
    phys_map_unlock(map);
}

/* Bytes of [gpa, gpa + size) that lie in the segment. */
static uint64_t segment_part(const PhysSegment *segment, uint64_t gpa, uint64_t size)
{
    uint64_t left = segment->last - gpa;

    return left < size ? left + 1 : size;
}

void phys_map_read(PhysMap *map, uint64_t gpa, void *data, uint64_t size)
{
    uint8_t *to = data;

    while (size > 0) {
        PhysSegment segment;
        uint64_t n;

        phys_map_find(map, gpa, &segment);
        n = segment_part(&segment, gpa, size);
        if (segment.kind == PHYS_RAM || segment.kind == PHYS_ROM) {
            memcpy(to, segment.host + (gpa - segment.first), n);
        } else if (segment.kind == PHYS_NONE) {
            memset(to, 0xff, n);
        } else {
            uint64_t value;

            n = n < 8 ? n : 8;
            value = phys_map_mmio_read(map, gpa, (unsigned)n);
            memcpy(to, &value, n);
        }
        gpa += n;
        to += n;
        size -= n;
    }
}

void phys_map_write(PhysMap *map, uint64_t gpa, const void *data, uint64_t size)
{
    const uint8_t *from = data;

    while (size > 0) {
        PhysSegment segment;
        uint64_t n;

        phys_map_find(map, gpa, &segment);
        n = segment_part(&segment, gpa, size);
        if (segment.kind == PHYS_RAM && segment.writable) {
            memcpy(segment.host + (gpa - segment.first), from, n);
            code_pages_written(map, segment.offset + (gpa - segment.first), n);
        } else if (segment.kind == PHYS_MMIO) {
            uint64_t value = 0;

            n = n < 8 ? n : 8;
            memcpy(&value, from, n);
            phys_map_mmio_write(map, gpa, (unsigned)n, value);
        }
        gpa += n;
        from += n;
        size -= n;
    }
}

uint8_t *phys_map_span(PhysMap *map, uint64_t gpa, uint64_t *size, bool write)
{
    PhysSegment segment;

    phys_map_find(map, gpa, &segment);
    if (segment.host == NULL || (write && (segment.kind != PHYS_RAM || !segment.writable))) {
        return NULL;
    }
    *size = segment_part(&segment, gpa, *size);
    return segment.host + (gpa - segment.first);
}

void phys_map_span_written(PhysMap *map, const uint8_t *host, uint64_t size)
{
    g_assert(host >= map->ram && size <= map->ram_size - (uint64_t)(host - map->ram));
    code_pages_written(map, (uint64_t)(host - map->ram), size);
}

void phys_map_clear_ram(PhysMap *map, uint64_t ram_offset, uint64_t size)
{
    while (size > 0) {
        PhysRamPlace place = phys_map_ram_place(map, ram_offset);
        uint64_t n = size < place.size ? size : place.size;

        if (fallocate(place.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)place.offset,
                      (off_t)n) != 0) {
            memset(map->ram + ram_offset, 0, n);
        }
        ram_offset += n;
        size -= n;
    }
}

void phys_map_drop_host(PhysMap *map, const uint8_t *host, uint64_t size)
{
    const uint64_t page = 4096;
    uint64_t first = ((uint64_t)(host - map->ram) + page - 1) & ~(page - 1);
    uint64_t end = ((uint64_t)(host - map->ram) + size) & ~(page - 1);

    g_assert(host >= map->ram && size <= map->ram_size - (uint64_t)(host - map->ram));
    if (end > first) {
        phys_map_clear_ram(map, first, end - first);
        code_pages_written(map, first, end - first);
    }
}

void phys_map_drop_ram(PhysMap *map, uint64_t gpa, uint64_t size)
{
    while (size > 0) {
        uint64_t n = size;
        uint8_t *host = phys_map_span(map, gpa, &n, true);

        if (host == NULL) {
            return;
        }
        phys_map_drop_host(map, host, n);
        gpa += n;
        size -= n;
    }
}

void phys_map_lock_devices(PhysMap *map)
{
    phys_map_lock(map);
}

void phys_map_unlock_devices(PhysMap *map)
{
    phys_map_unlock(map);
}
