/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_BOOT_INT_H
#define RUNTIME_MACHINE_BOOT_INT_H
/* boot_int.h - what the loaders of boot.c share. */
#include "runtime/machine/boot.h"

/* ---- Files that stay open, so that a reboot of the guest finds the same ones ---- */

typedef struct BootFile {
    char *words; /* "-kernel vmlinuz", for messages */
    int fd;
    uint64_t size;
} BootFile;

BootFile *boot_file_open(const char *option, const char *path, GError **error);
void boot_file_close(BootFile *file);
bool boot_file_read(const BootFile *file, uint64_t offset, void *data, size_t size, GError **error);
/* Copies a part into guest memory. */
bool boot_file_load(const BootFile *file, uint64_t offset, uint64_t size, PhysMap *map,
                    uint64_t gpa, GError **error);
bool boot_fail(GError **error, BootError code, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* ---- The guest's memory, as firmware would report it ---- */

enum {
    MEMORY_RAM = 1,
    MEMORY_RESERVED = 2,
    MEMORY_ACPI = 3,
    MEMORY_ENTRIES = 16,
    /* End of the memory that a loader may use below 1 MiB: the extended BIOS data area. */
    MEMORY_LOW_END = 0x9fc00,
    MEMORY_HIGH_BASE = 0x100000,
};

typedef struct MemoryEntry { /* as in the e820 table */
    uint64_t base, size;
    uint32_t type;
} __attribute__((packed)) MemoryEntry;

typedef struct BootMemory {
    PcTables tables;  /* all zero without ACPI */
    uint64_t low_end; /* of the RAM that a loader may use, from 1 MiB on */
    unsigned entries;
    MemoryEntry entry[MEMORY_ENTRIES]; /* sorted by base */
} BootMemory;

/* ---- The CPU ---- */

enum { BOOT_GDT = 0x7000, BOOT_CS = 0x10, BOOT_DS = 0x18 }; /* the selectors of Linux */

/* Both write a descriptor table at BOOT_GDT. Paging off, flat 32-bit segments with selectors of 8
 * to 18H, interrupts off. */
void boot_cpu_protected(const BootTarget *target, uint32_t entry, uint16_t cs, uint16_t ds);
/* Real mode, interrupts off, CS:IP = vector / 16 : vector % 16; the other segments as after reset.
 */
void boot_cpu_real(const BootTarget *target, uint32_t vector);
/* Long mode with the first 4 GiB mapped one to one by tables at `tables` (six pages). */
void boot_cpu_long(const BootTarget *target, uint64_t entry, uint64_t tables);

/* ---- The screen ---- */

bool boot_screen_is_there(const BootTarget *target); /* a VGA */
/* Its text mode, as a video BIOS sets it; without a VGA nothing is done. */
void boot_screen_set_up(const BootTarget *target);

/* ---- The loaders ---- */

typedef struct BootLoader {
    /* Does the file's head look like this kind of kernel? */
    bool (*probe)(const uint8_t *head, size_t size);
    bool (*install)(const Boot *boot, const BootTarget *target, const BootMemory *memory,
                    GError **error);
    bool modules; /* -initrd is a list of modules */
} BootLoader;

/* linux_boot.c: bytes of the real-mode part at the head of a bzImage. */
uint64_t linux_setup_size(const uint8_t *head);

extern const BootLoader linux_loader, multiboot_loader, pvh_loader;

typedef struct BootModule {
    BootFile *file;
    char *text; /* name and arguments */
} BootModule;

enum { BOOT_HEAD = 8192 };

struct Boot {
    const BootLoader *loader;
    BootFile *kernel;
    BootFile *initrd;  /* NULL: none */
    GArray *modules;   /* of BootModule */
    char *kernel_path; /* as given */
    char *append;
    uint8_t head[BOOT_HEAD]; /* first bytes of the kernel, zero behind its end */
};

/* ---- Loading: for kernels whose files say where they go ---- */

typedef struct BootLoad {
    const Boot *boot;
    const BootTarget *target;
    const BootMemory *memory;
    uint64_t entry; /* boot_load_elf: as a physical address */
    uint64_t end;   /* of what has been loaded */
} BootLoad;

/* Sets the error: the kernel's file, and what is wrong with it. */
bool boot_load_bad(const BootLoad *load, const char *what, GError **error);
/* `size` bytes of the file, from `offset` on, and zeros up to `total`. */
bool boot_load_part(BootLoad *load, uint64_t offset, uint64_t size, uint64_t gpa, uint64_t total,
                    GError **error);
/* All segments of an ELF file of either class. */
bool boot_load_elf(BootLoad *load, GError **error);
/* The value of an ELF file's note; false: the error is set. */
bool boot_load_note(const BootLoad *load, const char *name, uint32_t type, uint32_t *value,
                    GError **error);
/* Reserves room behind everything else; 0: there is none. */
uint32_t boot_load_room(BootLoad *load, uint64_t size, uint64_t align);
/* A text there; 0: there is no room. */
uint32_t boot_load_text(BootLoad *load, const char *text);

#endif
