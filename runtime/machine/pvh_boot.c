/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvh_boot.c - ELF files that name a 32-bit entry for the PVH start-up in a note of Xen's (x86/HVM
 * direct boot ABI): an uncompressed vmlinux, and kernels that use nothing else. */
#include "runtime/machine/boot_int.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

enum {
    NOTE_ENTRY = 18, /* XEN_ELFNOTE_PHYS32_ENTRY */
    START_MAGIC = 0x336ec578,
    START_VERSION = 1,
};

typedef struct StartInfo {
    uint32_t magic, version, flags, modules;
    uint64_t module_list, command_line, rsdp;
    uint64_t memory_map; /* from version 1 on */
    uint32_t memory_entries, reserved;
} StartInfo;
_Static_assert(sizeof(StartInfo) == 56, "the guest's layout");

typedef struct StartModule {
    uint64_t base, size, command_line, reserved;
} StartModule;

typedef struct StartMemory {
    uint64_t base, size;
    uint32_t type, reserved;
} StartMemory;

static bool pvh_probe(const uint8_t *head, size_t size)
{
    return size >= sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0 &&
           (head[EI_CLASS] == ELFCLASS32 || head[EI_CLASS] == ELFCLASS64);
}

static bool memory_map_put(BootLoad *load, StartInfo *info)
{
    const BootMemory *memory = load->memory;
    StartMemory map[MEMORY_ENTRIES];

    for (unsigned i = 0; i < memory->entries; i++) {
        const MemoryEntry *entry = &memory->entry[i];

        map[i] = (StartMemory){ entry->base, entry->size, entry->type, 0 };
    }
    info->memory_entries = memory->entries;
    info->memory_map = boot_load_room(load, memory->entries * sizeof(map[0]), sizeof(uint64_t));
    phys_map_write(load->target->map, info->memory_map, map,
                   info->memory_map != 0 ? memory->entries * sizeof(map[0]) : 0);
    return info->memory_map != 0;
}

static bool initrd_put(BootLoad *load, StartInfo *info, GError **error)
{
    const BootFile *initrd = load->boot->initrd;
    StartModule module = { 0 };

    if (initrd == NULL) {
        return true;
    }
    module.size = initrd->size;
    module.base = boot_load_room(load, initrd->size, PAGE_SIZE);
    info->module_list = boot_load_room(load, sizeof(module), sizeof(uint64_t));
    info->modules = 1;
    if (module.base == 0 || info->module_list == 0) {
        return boot_fail(error, BOOT_ERROR_SPACE,
                         "%s: %" PRIu64 " bytes do not fit into the guest's memory, see -m",
                         initrd->words, initrd->size);
    }
    phys_map_write(load->target->map, info->module_list, &module, sizeof(module));
    return boot_file_load(initrd, 0, initrd->size, load->target->map, module.base, error);
}

static bool pvh_install(const Boot *boot, const BootTarget *target, const BootMemory *memory,
                        GError **error)
{
    BootLoad load = { .boot = boot, .target = target, .memory = memory };
    StartInfo info = { .magic = START_MAGIC,
                       .version = START_VERSION,
                       .rsdp = memory->tables.rsdp };
    uint32_t entry, at;

    if (!boot_load_note(&load, "Xen", NOTE_ENTRY, &entry, error) || !boot_load_elf(&load, error) ||
        !initrd_put(&load, &info, error)) {
        return false;
    }
    info.command_line = boot_load_text(&load, boot->append);
    at = memory_map_put(&load, &info) ? boot_load_room(&load, sizeof(info), sizeof(uint64_t)) : 0;
    if (info.command_line == 0 || at == 0) {
        return boot_fail(error, BOOT_ERROR_SPACE,
                         "-append: the guest's memory has no room left, see -m");
    }
    phys_map_write(target->map, at, &info, sizeof(info));
    boot_cpu_protected(target, entry, BOOT_CS, BOOT_DS);
    target->cpu->gpr[RBX] = at;
    return true;
}

const BootLoader pvh_loader = {
    .probe = pvh_probe,
    .install = pvh_install,
    .modules = false,
};
