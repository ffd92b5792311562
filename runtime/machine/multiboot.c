/* SPDX-License-Identifier: GPL-2.0-or-later */
/* multiboot.c - images of the Multiboot Specification 0.6.96: 32-bit ELF files and flat files that
 * say in their header where they go. What the guest is told lies behind the last module. */
#include "runtime/machine/boot_int.h"

#include <inttypes.h>
#include <elf.h>
#include <string.h>

enum {
    MULTIBOOT_MAGIC = 0x1badb002,
    MULTIBOOT_LOADED = 0x2badb002, /* EAX at the entry */
    MULTIBOOT_ADDRESSES = 1 << 16, /* header flag: addresses are in the header */
    MULTIBOOT_CS = 0x08,           /* as every loader that people use has them */
    MULTIBOOT_DS = 0x10,
    MULTIBOOT_UNKNOWN = 0xfff8, /* header flags 3 to 15: requirements we do not know */
};

enum { /* MultibootInfo.flags */
       INFO_MEMORY = 1 << 0,
       INFO_COMMAND_LINE = 1 << 2,
       INFO_MODULES = 1 << 3,
       INFO_MEMORY_MAP = 1 << 6,
       INFO_LOADER_NAME = 1 << 9,
};

typedef struct MultibootHeader {
    uint32_t magic, flags, checksum;
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
} MultibootHeader;

typedef struct MultibootInfo {
    uint32_t flags;
    uint32_t mem_lower, mem_upper; /* KiB */
    uint32_t boot_device;
    uint32_t cmdline;
    uint32_t mods_count, mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name;
    uint32_t apm_table;
    uint32_t vbe[4];
    uint8_t framebuffer[28];
} MultibootInfo;

typedef struct MultibootModule {
    uint32_t start, end, string, reserved;
} MultibootModule;

typedef struct MultibootMemory {
    uint32_t size; /* of the rest */
    MemoryEntry entry;
} __attribute__((packed)) MultibootMemory;

/* Offset of the header in the file's first 8 KiB, -1 without one. */
static int header_find(const uint8_t *head, size_t size, MultibootHeader *header)
{
    for (size_t at = 0; at + 12 <= MIN(size, BOOT_HEAD); at += 4) {
        *header = (MultibootHeader){ 0 };
        memcpy(header, head + at, MIN(sizeof(*header), MIN(size, BOOT_HEAD) - at));
        if (header->magic == MULTIBOOT_MAGIC &&
            header->magic + header->flags + header->checksum == 0) {
            return (int)at;
        }
    }
    return -1;
}

static bool multiboot_probe(const uint8_t *head, size_t size)
{
    MultibootHeader header;

    return header_find(head, size, &header) >= 0;
}

/* The addresses in the header say it all ("a.out kludge"). */
static bool flat_load(BootLoad *load, const MultibootHeader *header, int at, GError **error)
{
    uint64_t before = header->header_addr - header->load_addr; /* bytes loaded ahead of it */
    uint64_t offset = (uint64_t)at - before;
    uint64_t size, total;

    if (header->header_addr < header->load_addr || before > (uint64_t)at) {
        return boot_load_bad(load, "bad load address in the multiboot header", error);
    }
    size = header->load_end_addr != 0 ? (uint64_t)header->load_end_addr - header->load_addr
                                      : load->boot->kernel->size - offset;
    total = header->bss_end_addr != 0 ? (uint64_t)header->bss_end_addr - header->load_addr : size;
    if (size > UINT32_MAX || total > UINT32_MAX) {
        return boot_load_bad(load, "bad end address in the multiboot header", error);
    }
    load->entry = header->entry_addr;
    return boot_load_part(load, offset, size, header->load_addr, MAX(size, total), error);
}

static bool modules_load(BootLoad *load, MultibootModule *modules, GError **error)
{
    const GArray *list = load->boot->modules;

    for (guint i = 0; i < list->len; i++) {
        const BootModule *module = &g_array_index(list, BootModule, i);
        uint32_t at = boot_load_room(load, module->file->size, PAGE_SIZE);

        if (at == 0) {
            return boot_fail(error, BOOT_ERROR_SPACE,
                             "%s: %" PRIu64 " bytes do not fit into the guest's memory, see -m",
                             module->file->words, module->file->size);
        }
        if (!boot_file_load(module->file, 0, module->file->size, load->target->map, at, error)) {
            return false;
        }
        modules[i] = (MultibootModule){ at, at + (uint32_t)module->file->size, 0, 0 };
    }
    return true;
}

static uint32_t memory_map_put(BootLoad *load, uint32_t *length)
{
    MultibootMemory map[MEMORY_ENTRIES];
    unsigned n = load->memory->entries;
    uint32_t at = boot_load_room(load, n * sizeof(map[0]), 4);

    for (unsigned i = 0; i < n; i++) {
        map[i] = (MultibootMemory){ sizeof(MemoryEntry), load->memory->entry[i] };
    }
    *length = (uint32_t)(n * sizeof(map[0]));
    phys_map_write(load->target->map, at, map, at != 0 ? *length : 0);
    return at;
}

/* Everything that the guest is told; false: no room. */
static bool info_put(BootLoad *load, MultibootModule *modules, uint32_t *info_at)
{
    const Boot *boot = load->boot;
    guint n = boot->modules->len;
    g_autofree char *line = g_strconcat(boot->kernel_path, *boot->append ? " " : "", boot->append,
                                        NULL);
    MultibootInfo info = {
        .flags = INFO_MEMORY | INFO_COMMAND_LINE | INFO_MODULES | INFO_MEMORY_MAP |
                 INFO_LOADER_NAME,
        .mem_lower = MEMORY_LOW_END >> 10,
        .mem_upper = (uint32_t)((load->memory->low_end - MEMORY_HIGH_BASE) >> 10),
        .mods_count = n,
    };
    bool fits;

    info.cmdline = boot_load_text(load, line);
    info.boot_loader_name = boot_load_text(load, "doppel");
    info.mmap_addr = memory_map_put(load, &info.mmap_length);
    fits = info.cmdline != 0 && info.boot_loader_name != 0 && info.mmap_addr != 0;
    for (guint i = 0; i < n; i++) {
        modules[i].string = boot_load_text(load, g_array_index(boot->modules, BootModule, i).text);
        fits = fits && modules[i].string != 0;
    }
    info.mods_addr = boot_load_room(load, n * sizeof(*modules), 4);
    *info_at = boot_load_room(load, sizeof(info), 4);
    if (!fits || info.mods_addr == 0 || *info_at == 0) {
        return false;
    }
    phys_map_write(load->target->map, info.mods_addr, modules, n * sizeof(*modules));
    phys_map_write(load->target->map, *info_at, &info, sizeof(info));
    return true;
}

static bool multiboot_elf(BootLoad *load, GError **error)
{
    const uint8_t *head = load->boot->head;

    if (memcmp(head, ELFMAG, SELFMAG) != 0) {
        return boot_load_bad(load, "a multiboot header without addresses, and not an ELF file",
                             error);
    }
    if (head[EI_CLASS] != ELFCLASS32) {
        return boot_load_bad(load, "a multiboot ELF file must be for the 32-bit x86", error);
    }
    return boot_load_elf(load, error);
}

static bool kernel_load(BootLoad *load, GError **error)
{
    MultibootHeader header;
    int at = header_find(load->boot->head, MIN(load->boot->kernel->size, BOOT_HEAD), &header);

    if (at < 0) {
        return boot_load_bad(load, "the multiboot header has gone", error);
    }
    if (header.flags & MULTIBOOT_UNKNOWN) {
        return boot_load_bad(load, "the multiboot header asks for unknown features", error);
    }
    return header.flags & MULTIBOOT_ADDRESSES ? flat_load(load, &header, at, error)
                                              : multiboot_elf(load, error);
}

static bool multiboot_install(const Boot *boot, const BootTarget *target, const BootMemory *memory,
                              GError **error)
{
    BootLoad load = { .boot = boot, .target = target, .memory = memory };
    g_autofree MultibootModule *modules = g_new0(MultibootModule, boot->modules->len + 1);
    uint32_t info;

    if (!kernel_load(&load, error) || !modules_load(&load, modules, error)) {
        return false;
    }
    if (!info_put(&load, modules, &info)) {
        return boot_fail(error, BOOT_ERROR_SPACE,
                         "-append: the guest's memory has no room left, see -m");
    }
    boot_cpu_protected(target, (uint32_t)load.entry, MULTIBOOT_CS, MULTIBOOT_DS);
    target->cpu->gpr[RAX] = MULTIBOOT_LOADED;
    target->cpu->gpr[RBX] = info;
    return true;
}

const BootLoader multiboot_loader = {
    .probe = multiboot_probe,
    .install = multiboot_install,
    .modules = true,
};
