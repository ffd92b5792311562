/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ram_files.c - in which file a byte of RAM lies. Compiled with -mgeneral-regs-only. */
#include "softmmu/physmap.h"

#include "softmmu/physmap_int.h"

int phys_map_ram_fd(const PhysMap *map)
{
    return map->file[0].fd;
}

PhysRamPlace phys_map_ram_place(const PhysMap *map, uint64_t ram_offset)
{
    const HostFile *file = map->file;

    while (ram_offset >= file->size && file < &map->file[map->files - 1]) {
        ram_offset -= file->size;
        file++;
    }
    return (PhysRamPlace){ file->fd, ram_offset, file->size - ram_offset };
}
