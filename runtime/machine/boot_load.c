/* SPDX-License-Identifier: GPL-2.0-or-later */
/* boot_load.c - the parts of an image go to their places in guest memory, and what the guest is
 * told goes behind them. */
#include "runtime/machine/boot_int.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

/* Is [base, base + size) RAM that a loader may use? */
static bool memory_free(const BootMemory *memory, uint64_t base, uint64_t size)
{
    uint64_t limit = base < MEMORY_LOW_END ? MEMORY_LOW_END : memory->low_end;

    return (base < MEMORY_LOW_END || base >= MEMORY_HIGH_BASE) && base <= limit &&
           size <= limit - base;
}

bool boot_load_bad(const BootLoad *load, const char *what, GError **error)
{
    return boot_fail(error, BOOT_ERROR_IMAGE, "%s: %s", load->boot->kernel->words, what);
}

bool boot_load_part(BootLoad *load, uint64_t offset, uint64_t size, uint64_t gpa, uint64_t total,
                    GError **error)
{
    static const uint8_t zeros[PAGE_SIZE];
    const BootFile *kernel = load->boot->kernel;

    if (offset > kernel->size || size > kernel->size - offset || total < size) {
        return boot_load_bad(load, "the image is cut short", error);
    }
    if (!memory_free(load->memory, gpa, total)) {
        return boot_fail(error, BOOT_ERROR_SPACE,
                         "%s: no memory for 0x%" PRIx64 " bytes at 0x%" PRIx64 ", see -m",
                         kernel->words, total, gpa);
    }
    if (!boot_file_load(kernel, offset, size, load->target->map, gpa, error)) {
        return false;
    }
    for (uint64_t done = size; done < total;) {
        uint64_t n = MIN(total - done, sizeof(zeros));

        phys_map_write(load->target->map, gpa + done, zeros, n);
        done += n;
    }
    load->end = MAX(load->end, gpa + total);
    return true;
}

/* ---- ELF files ---- */

/* A program header of either class. */
typedef struct ElfPart {
    uint32_t type;
    uint64_t offset, size, vaddr, paddr, total;
} ElfPart;

typedef struct ElfHead {
    bool wide;
    uint64_t entry, table;
    unsigned n, entry_size;
} ElfHead;

static ElfHead elf_head(const Boot *boot)
{
    Elf32_Ehdr narrow;
    Elf64_Ehdr wide;

    memcpy(&narrow, boot->head, sizeof(narrow));
    memcpy(&wide, boot->head, sizeof(wide));
    if (boot->head[EI_CLASS] == ELFCLASS64) {
        return (ElfHead){ true, wide.e_entry, wide.e_phoff, wide.e_phnum, wide.e_phentsize };
    }
    return (ElfHead){ false, narrow.e_entry, narrow.e_phoff, narrow.e_phnum, narrow.e_phentsize };
}

static bool elf_check(const BootLoad *load, const ElfHead *head, GError **error)
{
    const uint8_t *bytes = load->boot->head;
    uint64_t file = load->boot->kernel->size;
    uint16_t machine = (uint16_t)(bytes[18] | bytes[19] << 8); /* at the same place in both */

    if (bytes[EI_DATA] != ELFDATA2LSB || (machine != EM_386 && machine != EM_X86_64)) {
        return boot_load_bad(load, "the ELF file is not for the x86", error);
    }
    if (head->n == 0 ||
        head->entry_size != (head->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr))) {
        return boot_load_bad(load, "the ELF file has no program headers", error);
    }
    if (head->table > file || (uint64_t)head->n * head->entry_size > file - head->table) {
        return boot_load_bad(load, "the ELF file's program headers lie outside it", error);
    }
    return true;
}

static bool elf_part(const BootLoad *load, const ElfHead *head, unsigned i, ElfPart *part,
                     GError **error)
{
    uint64_t at = head->table + (uint64_t)i * head->entry_size;
    Elf32_Phdr narrow;
    Elf64_Phdr wide;

    if (head->wide) {
        if (!boot_file_read(load->boot->kernel, at, &wide, sizeof(wide), error)) {
            return false;
        }
        *part = (ElfPart){ wide.p_type,  wide.p_offset, wide.p_filesz,
                           wide.p_vaddr, wide.p_paddr,  wide.p_memsz };
        return true;
    }
    if (!boot_file_read(load->boot->kernel, at, &narrow, sizeof(narrow), error)) {
        return false;
    }
    *part = (ElfPart){ narrow.p_type,  narrow.p_offset, narrow.p_filesz,
                       narrow.p_vaddr, narrow.p_paddr,  narrow.p_memsz };
    return true;
}

bool boot_load_elf(BootLoad *load, GError **error)
{
    ElfHead head = elf_head(load->boot);

    if (!elf_check(load, &head, error)) {
        return false;
    }
    load->entry = head.entry;
    for (unsigned i = 0; i < head.n; i++) {
        ElfPart part;

        if (!elf_part(load, &head, i, &part, error)) {
            return false;
        }
        if (part.type != PT_LOAD || part.total == 0) {
            continue;
        }
        if (!boot_load_part(load, part.offset, part.size, part.paddr, part.total, error)) {
            return false;
        }
        /* The entry may be a virtual address. */
        if (head.entry - part.vaddr < part.total) {
            load->entry = head.entry - part.vaddr + part.paddr;
        }
    }
    return true;
}

/* In a segment of notes: the one that `name` (with its zero) and `type` tell; its first four bytes.
 */
static bool note_find(const uint8_t *notes, size_t size, const char *name, uint32_t type,
                      uint32_t *value)
{
    enum { ALIGN = 4 };

    for (size_t at = 0; size - at >= sizeof(Elf32_Nhdr);) {
        Elf32_Nhdr note;
        size_t text, data;

        memcpy(&note, notes + at, sizeof(note));
        text = ((size_t)note.n_namesz + ALIGN - 1) & ~(size_t)(ALIGN - 1);
        data = ((size_t)note.n_descsz + ALIGN - 1) & ~(size_t)(ALIGN - 1);
        at += sizeof(note);
        if (text > size - at || data > size - at - text) {
            return false;
        }
        if (note.n_type == type && note.n_namesz == strlen(name) + 1 && note.n_descsz >= 4 &&
            memcmp(notes + at, name, strlen(name) + 1) == 0) {
            memcpy(value, notes + at + text, sizeof(*value));
            return true;
        }
        at += text + data;
    }
    return false;
}

bool boot_load_note(const BootLoad *load, const char *name, uint32_t type, uint32_t *value,
                    GError **error)
{
    enum { NOTES_MAX = 1 << 20 };
    ElfHead head = elf_head(load->boot);

    if (!elf_check(load, &head, error)) {
        return false;
    }
    for (unsigned i = 0; i < head.n; i++) {
        g_autofree uint8_t *notes = NULL;
        ElfPart part;

        if (!elf_part(load, &head, i, &part, error)) {
            return false;
        }
        if (part.type != PT_NOTE || part.size > NOTES_MAX) {
            continue;
        }
        notes = g_malloc(part.size);
        if (!boot_file_read(load->boot->kernel, part.offset, notes, part.size, error)) {
            return false;
        }
        if (note_find(notes, part.size, name, type, value)) {
            return true;
        }
    }
    return boot_load_bad(load, "not a kernel (an ELF file without multiboot header or PVH entry)",
                         error);
}

/* ---- Behind the image ---- */

uint32_t boot_load_room(BootLoad *load, uint64_t size, uint64_t align)
{
    uint64_t at = (MAX(load->end, MEMORY_HIGH_BASE) + align - 1) & ~(align - 1);

    if (!memory_free(load->memory, at, size)) {
        return 0;
    }
    load->end = at + size;
    return (uint32_t)at;
}

uint32_t boot_load_text(BootLoad *load, const char *text)
{
    uint32_t at = boot_load_room(load, strlen(text) + 1, 4);

    if (at != 0) {
        phys_map_write(load->target->map, at, text, strlen(text) + 1);
    }
    return at;
}
