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
    MULTIBOOT_UNKNOWN = 0xfff8,    /* header flags 3 to 15: requirements we do not know */
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

/* The guest's memory as it fills up. */
typedef struct Loading {
    const Boot *boot;
    const BootTarget *target;
    const BootMemory *memory;
    uint32_t entry;
    uint64_t end; /* of what has been loaded */
} Loading;

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

/* Is [base, base + size) RAM that a loader may use? */
static bool memory_free(const BootMemory *memory, uint64_t base, uint64_t size)
{
    uint64_t limit = base < MEMORY_LOW_END ? MEMORY_LOW_END : memory->low_end;

    return (base < MEMORY_LOW_END || base >= MEMORY_HIGH_BASE) && base <= limit &&
           size <= limit - base;
}

static bool bad_image(const Loading *loading, const char *what, GError **error)
{
    return boot_fail(error, BOOT_ERROR_IMAGE, "%s: %s", loading->boot->kernel->words, what);
}

/* `size` bytes of the file and zeros up to `total`. */
static bool part_load(Loading *loading, uint64_t offset, uint64_t size, uint64_t gpa,
                      uint64_t total, GError **error)
{
    static const uint8_t zeros[PAGE_SIZE];
    const BootFile *kernel = loading->boot->kernel;

    if (offset > kernel->size || size > kernel->size - offset || total < size) {
        return bad_image(loading, "the image is cut short", error);
    }
    if (!memory_free(loading->memory, gpa, total)) {
        return boot_fail(error, BOOT_ERROR_SPACE,
                         "%s: no memory for 0x%" PRIx64 " bytes at 0x%" PRIx64 ", see -m",
                         kernel->words, total, gpa);
    }
    if (!boot_file_load(kernel, offset, size, loading->target->map, gpa, error)) {
        return false;
    }
    for (uint64_t done = size; done < total;) {
        uint64_t n = MIN(total - done, sizeof(zeros));

        phys_map_write(loading->target->map, gpa + done, zeros, n);
        done += n;
    }
    loading->end = MAX(loading->end, gpa + total);
    return true;
}

/* The addresses in the header say it all ("a.out kludge"). */
static bool flat_load(Loading *loading, const MultibootHeader *header, int at, GError **error)
{
    uint64_t before = header->header_addr - header->load_addr; /* bytes loaded ahead of it */
    uint64_t offset = (uint64_t)at - before;
    uint64_t size, total;

    if (header->header_addr < header->load_addr || before > (uint64_t)at) {
        return bad_image(loading, "bad load address in the multiboot header", error);
    }
    size = header->load_end_addr != 0 ? (uint64_t)header->load_end_addr - header->load_addr
                                      : loading->boot->kernel->size - offset;
    total = header->bss_end_addr != 0 ? (uint64_t)header->bss_end_addr - header->load_addr : size;
    if (size > UINT32_MAX || total > UINT32_MAX) {
        return bad_image(loading, "bad end address in the multiboot header", error);
    }
    loading->entry = header->entry_addr;
    return part_load(loading, offset, size, header->load_addr, MAX(size, total), error);
}

static bool elf_check(const Loading *loading, const Elf32_Ehdr *elf, GError **error)
{
    if (memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0) {
        return bad_image(loading, "a multiboot header without addresses, and not an ELF file",
                         error);
    }
    if (elf->e_ident[EI_CLASS] != ELFCLASS32 || elf->e_ident[EI_DATA] != ELFDATA2LSB ||
        elf->e_machine != EM_386) {
        return bad_image(loading, "a multiboot ELF file must be for the 32-bit x86", error);
    }
    if (elf->e_phentsize != sizeof(Elf32_Phdr) || elf->e_phnum == 0) {
        return bad_image(loading, "the ELF file has no program headers", error);
    }
    return true;
}

static bool elf_load(Loading *loading, GError **error)
{
    const BootFile *kernel = loading->boot->kernel;
    Elf32_Ehdr elf;

    memcpy(&elf, loading->boot->head, sizeof(elf));
    if (!elf_check(loading, &elf, error)) {
        return false;
    }
    loading->entry = elf.e_entry;
    for (unsigned i = 0; i < elf.e_phnum; i++) {
        Elf32_Phdr ph;

        if (!boot_file_read(kernel, (uint64_t)elf.e_phoff + i * sizeof(ph), &ph, sizeof(ph),
                            error)) {
            return false;
        }
        if (ph.p_type != PT_LOAD || ph.p_memsz == 0) {
            continue;
        }
        if (!part_load(loading, ph.p_offset, ph.p_filesz, ph.p_paddr, ph.p_memsz, error)) {
            return false;
        }
        /* The entry may be a virtual address. */
        if (elf.e_entry - ph.p_vaddr < ph.p_memsz) {
            loading->entry = elf.e_entry - ph.p_vaddr + ph.p_paddr;
        }
    }
    return true;
}

/* Reserves room behind everything else; 0: there is none. */
static uint32_t room_take(Loading *loading, uint64_t size, uint64_t align)
{
    uint64_t at = (MAX(loading->end, MEMORY_HIGH_BASE) + align - 1) & ~(align - 1);

    if (!memory_free(loading->memory, at, size)) {
        return 0;
    }
    loading->end = at + size;
    return (uint32_t)at;
}

static uint32_t text_put(Loading *loading, const char *text)
{
    uint32_t at = room_take(loading, strlen(text) + 1, 4);

    if (at != 0) {
        phys_map_write(loading->target->map, at, text, strlen(text) + 1);
    }
    return at;
}

static bool modules_load(Loading *loading, MultibootModule *modules, GError **error)
{
    const GArray *list = loading->boot->modules;

    for (guint i = 0; i < list->len; i++) {
        const BootModule *module = &g_array_index(list, BootModule, i);
        uint32_t at = room_take(loading, module->file->size, PAGE_SIZE);

        if (at == 0) {
            return boot_fail(error, BOOT_ERROR_SPACE,
                             "%s: %" PRIu64 " bytes do not fit into the guest's memory, see -m",
                             module->file->words, module->file->size);
        }
        if (!boot_file_load(module->file, 0, module->file->size, loading->target->map, at, error)) {
            return false;
        }
        modules[i] = (MultibootModule){ at, at + (uint32_t)module->file->size, 0, 0 };
    }
    return true;
}

static uint32_t memory_map_put(Loading *loading, uint32_t *length)
{
    MultibootMemory map[MEMORY_ENTRIES];
    unsigned n = loading->memory->entries;
    uint32_t at = room_take(loading, n * sizeof(map[0]), 4);

    for (unsigned i = 0; i < n; i++) {
        map[i] = (MultibootMemory){ sizeof(MemoryEntry), loading->memory->entry[i] };
    }
    *length = (uint32_t)(n * sizeof(map[0]));
    phys_map_write(loading->target->map, at, map, at != 0 ? *length : 0);
    return at;
}

/* Everything that the guest is told; false: no room. */
static bool info_put(Loading *loading, MultibootModule *modules, uint32_t *info_at)
{
    const Boot *boot = loading->boot;
    guint n = boot->modules->len;
    g_autofree char *line = g_strconcat(boot->kernel_path, *boot->append ? " " : "", boot->append,
                                        NULL);
    MultibootInfo info = {
        .flags = INFO_MEMORY | INFO_COMMAND_LINE | INFO_MODULES | INFO_MEMORY_MAP |
                 INFO_LOADER_NAME,
        .mem_lower = MEMORY_LOW_END >> 10,
        .mem_upper = (uint32_t)((loading->memory->low_end - MEMORY_HIGH_BASE) >> 10),
        .mods_count = n,
    };
    bool fits;

    info.cmdline = text_put(loading, line);
    info.boot_loader_name = text_put(loading, "doppel");
    info.mmap_addr = memory_map_put(loading, &info.mmap_length);
    fits = info.cmdline != 0 && info.boot_loader_name != 0 && info.mmap_addr != 0;
    for (guint i = 0; i < n; i++) {
        modules[i].string = text_put(loading, g_array_index(boot->modules, BootModule, i).text);
        fits = fits && modules[i].string != 0;
    }
    info.mods_addr = room_take(loading, n * sizeof(*modules), 4);
    *info_at = room_take(loading, sizeof(info), 4);
    if (!fits || info.mods_addr == 0 || *info_at == 0) {
        return false;
    }
    phys_map_write(loading->target->map, info.mods_addr, modules, n * sizeof(*modules));
    phys_map_write(loading->target->map, *info_at, &info, sizeof(info));
    return true;
}

static bool kernel_load(Loading *loading, GError **error)
{
    MultibootHeader header;
    int at = header_find(loading->boot->head, MIN(loading->boot->kernel->size, BOOT_HEAD), &header);

    if (at < 0) {
        return bad_image(loading, "the multiboot header has gone", error);
    }
    if (header.flags & MULTIBOOT_UNKNOWN) {
        return bad_image(loading, "the multiboot header asks for unknown features", error);
    }
    return header.flags & MULTIBOOT_ADDRESSES ? flat_load(loading, &header, at, error)
                                              : elf_load(loading, error);
}

static bool multiboot_install(const Boot *boot, const BootTarget *target, const BootMemory *memory,
                              GError **error)
{
    Loading loading = { .boot = boot, .target = target, .memory = memory };
    g_autofree MultibootModule *modules = g_new0(MultibootModule, boot->modules->len + 1);
    uint32_t info;

    if (!kernel_load(&loading, error) || !modules_load(&loading, modules, error)) {
        return false;
    }
    if (!info_put(&loading, modules, &info)) {
        return boot_fail(error, BOOT_ERROR_SPACE,
                         "-append: the guest's memory has no room left, see -m");
    }
    boot_cpu_protected(target, loading.entry);
    target->cpu->gpr[RAX] = MULTIBOOT_LOADED;
    target->cpu->gpr[RBX] = info;
    return true;
}

const BootLoader multiboot_loader = {
    .probe = multiboot_probe,
    .install = multiboot_install,
    .modules = true,
};
