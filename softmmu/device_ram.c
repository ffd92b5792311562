/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device_ram.c - hands out the part of the mapping that lies behind guest RAM: first fit.
 *
 * What is given back is punched out of the file, so that the next owner finds zeroes. */
#include "softmmu/physmap.h"

#include "softmmu/physmap_int.h"

enum { DEVICE_RAM_PAGE = 4096 };

void device_ram_init(PhysMap *map)
{
    const LogRange all = { .offset = map->guest_ram, .size = PHYS_DEVICE_RAM };

    map->device_free = g_array_new(FALSE, FALSE, sizeof(LogRange));
    g_array_append_val(map->device_free, all);
}

void device_ram_fini(PhysMap *map)
{
    g_array_free(map->device_free, TRUE);
}

uint64_t phys_map_take_device_ram(PhysMap *map, uint64_t size)
{
    g_assert(size != 0 && size % DEVICE_RAM_PAGE == 0);
    for (guint i = 0; i < map->device_free->len; i++) {
        LogRange *free = &g_array_index(map->device_free, LogRange, i);
        uint64_t offset = free->offset;

        if (free->size < size) {
            continue;
        }
        free->offset += size;
        free->size -= size;
        if (free->size == 0) {
            g_array_remove_index(map->device_free, i);
        }
        return offset;
    }
    return UINT64_MAX;
}

static void device_ram_join(GArray *list, guint first)
{
    LogRange *one, *next;

    if (first + 1 >= list->len) {
        return;
    }
    one = &g_array_index(list, LogRange, first);
    next = one + 1;
    if (one->offset + one->size == next->offset) {
        one->size += next->size;
        g_array_remove_index(list, first + 1);
    }
}

void phys_map_give_device_ram(PhysMap *map, uint64_t ram_offset, uint64_t size)
{
    const LogRange back = { .offset = ram_offset, .size = size };
    guint i = 0;

    g_assert(ram_offset >= map->guest_ram && size <= map->ram_size - ram_offset);
    phys_map_clear_ram(map, ram_offset, size);
    while (i < map->device_free->len &&
           g_array_index(map->device_free, LogRange, i).offset < ram_offset) {
        i++;
    }
    g_array_insert_val(map->device_free, i, back);
    device_ram_join(map->device_free, i);
    if (i > 0) {
        device_ram_join(map->device_free, i - 1);
    }
}
