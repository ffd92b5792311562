/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linux_boot.c - the Linux/x86 boot protocol, version 2.06 and later, for bzImages: enters at the
 * 64-bit entry point where the kernel has one, else at the 32-bit one (Documentation/arch/x86/boot
 * and zero-page of the kernel's own documentation). */
#include "runtime/machine/boot_int.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/software_cpu/cpuid.h"

/* Layout below 640 KiB. */
enum {
    LINUX_PAGE_TABLES = 0x8000, /* six pages */
    LINUX_ZERO_PAGE = 0x10000,
    LINUX_COMMAND_LINE = 0x20000,
    LINUX_COMMAND_LINE_MAX = 0x10000,
    LINUX_KERNEL = 0x100000,
    LINUX_ENTRY_64 = 0x200, /* from the start of the protected-mode part */
};

/* Offsets in the image's head and, alike, in the zero page. */
enum {
    SETUP_SECTS = 0x1f1,
    SETUP_SYSSIZE = 0x1f4, /* of the protected-mode part, in 16 bytes */
    SETUP_VID_MODE = 0x1fa,
    SETUP_BOOT_FLAG = 0x1fe,
    SETUP_JUMP = 0x201, /* its displacement gives the header's end */
    SETUP_MAGIC = 0x202,
    SETUP_VERSION = 0x206,
    SETUP_LOADER_TYPE = 0x210,
    SETUP_LOADFLAGS = 0x211,
    SETUP_CODE32_START = 0x214,
    SETUP_RAMDISK_IMAGE = 0x218,
    SETUP_RAMDISK_SIZE = 0x21c,
    SETUP_COMMAND_LINE = 0x228,
    SETUP_INITRD_MAX = 0x22c,
    SETUP_XLOADFLAGS = 0x236,
    SETUP_COMMAND_LINE_SIZE = 0x238,
    SETUP_PREF_ADDRESS = 0x258,
    SETUP_INIT_SIZE = 0x260,
    ZERO_PAGE_VIDEO_MODE = 0x006,
    ZERO_PAGE_COLUMNS = 0x007,
    ZERO_PAGE_LINES = 0x00e,
    ZERO_PAGE_IS_VGA = 0x00f,
    ZERO_PAGE_POINTS = 0x010,
    ZERO_PAGE_RSDP = 0x070,
    ZERO_PAGE_E820_COUNT = 0x1e8,
    ZERO_PAGE_E820 = 0x2d0,
    ZERO_PAGE_SIZE = 4096,
};

enum {
    LINUX_BOOT_FLAG = 0xaa55,
    LINUX_MAGIC = 0x53726448, /* HdrS */
    LINUX_VERSION_MIN = 0x206,
    LOADED_HIGH = 0x01,
    XLF_KERNEL_64 = 0x01,
    LOADER_UNKNOWN = 0xff,
    VIDEO_NORMAL = 0xffff,
    SETUP_SECTS_OLD = 4, /* what zero means */
    SECTOR = 512,
    PARAGRAPH = 16,
};

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void put16(uint8_t *p, uint16_t value)
{
    memcpy(p, &value, sizeof(value));
}

static void put32(uint8_t *p, uint32_t value)
{
    memcpy(p, &value, sizeof(value));
}

static bool linux_probe(const uint8_t *head, size_t size)
{
    return size >= SETUP_INIT_SIZE + 4 && get16(head + SETUP_BOOT_FLAG) == LINUX_BOOT_FLAG &&
           get32(head + SETUP_MAGIC) == LINUX_MAGIC;
}

uint64_t linux_setup_size(const uint8_t *head)
{
    unsigned sectors = head[SETUP_SECTS];

    return ((sectors != 0 ? sectors : SETUP_SECTS_OLD) + 1) * SECTOR;
}

/* Does the kernel run in long mode? */
static bool kernel_is_64(const Boot *boot)
{
    return get16(boot->head + SETUP_VERSION) >= 0x20c &&
           (get16(boot->head + SETUP_XLOADFLAGS) & XLF_KERNEL_64) != 0;
}

static bool linux_check(const Boot *boot, const BootTarget *target, GError **error)
{
    uint64_t least = linux_setup_size(boot->head) +
                     PARAGRAPH * (uint64_t)get32(boot->head + SETUP_SYSSIZE);
    unsigned version = get16(boot->head + SETUP_VERSION);

    if (version < LINUX_VERSION_MIN) {
        return boot_fail(error, BOOT_ERROR_IMAGE,
                         "%s: boot protocol %u.%02u is too old; 2.06 is the least",
                         boot->kernel->words, version >> 8, version & 0xff);
    }
    if (!(boot->head[SETUP_LOADFLAGS] & LOADED_HIGH)) {
        return boot_fail(error, BOOT_ERROR_IMAGE, "%s: a zImage; only bzImages can be booted",
                         boot->kernel->words);
    }
    if (boot->kernel->size <= linux_setup_size(boot->head) ||
        boot->kernel->size + PARAGRAPH <= least) { /* the last one need not be whole */
        return boot_fail(error, BOOT_ERROR_IMAGE, "%s: the image is cut short",
                         boot->kernel->words);
    }
    if (kernel_is_64(boot) && !cpu_has_feature(target->cpu, INSN_FEATURE_LM)) {
        return boot_fail(error, BOOT_ERROR_IMAGE,
                         "%s: a 64-bit kernel, but the CPU (-cpu) has no long mode",
                         boot->kernel->words);
    }
    return true;
}

/* End of the memory that the kernel needs before it has looked at the memory map. */
static uint64_t kernel_end(const Boot *boot)
{
    uint64_t end = LINUX_KERNEL + boot->kernel->size - linux_setup_size(boot->head);

    if (get16(boot->head + SETUP_VERSION) >= 0x20a) {
        uint64_t base = MAX(get64(boot->head + SETUP_PREF_ADDRESS), LINUX_KERNEL);

        end = MAX(end, base + get32(boot->head + SETUP_INIT_SIZE));
    }
    return end;
}

static bool kernel_load(const Boot *boot, const BootTarget *target, const BootMemory *memory,
                        GError **error)
{
    uint64_t setup = linux_setup_size(boot->head);

    if (kernel_end(boot) > memory->low_end) {
        return boot_fail(error, BOOT_ERROR_SPACE,
                         "%s: the kernel needs %" PRIu64 " MiB of memory, see -m",
                         boot->kernel->words, (kernel_end(boot) >> 20) + 1);
    }
    return boot_file_load(boot->kernel, setup, boot->kernel->size - setup, target->map,
                          LINUX_KERNEL, error);
}

/* As high as the kernel allows. */
static bool initrd_load(const Boot *boot, const BootTarget *target, const BootMemory *memory,
                        uint8_t *zero_page, GError **error)
{
    uint64_t top = MIN(memory->low_end, (uint64_t)get32(boot->head + SETUP_INITRD_MAX) + 1);
    uint64_t size, base;

    if (boot->initrd == NULL) {
        return true;
    }
    size = boot->initrd->size;
    base = size <= top ? (top - size) & ~(uint64_t)(PAGE_SIZE - 1) : 0;
    if (base < kernel_end(boot)) {
        return boot_fail(error, BOOT_ERROR_SPACE,
                         "%s: %" PRIu64 " bytes do not fit into the guest's memory, see -m",
                         boot->initrd->words, size);
    }
    put32(zero_page + SETUP_RAMDISK_IMAGE, (uint32_t)base);
    put32(zero_page + SETUP_RAMDISK_SIZE, (uint32_t)size);
    return boot_file_load(boot->initrd, 0, size, target->map, base, error);
}

static bool command_line_load(const Boot *boot, const BootTarget *target, uint8_t *zero_page,
                              GError **error)
{
    size_t length = strlen(boot->append);
    size_t most = MIN(get32(boot->head + SETUP_COMMAND_LINE_SIZE), LINUX_COMMAND_LINE_MAX - 1);

    if (length > most) {
        return boot_fail(error, BOOT_ERROR_SPACE,
                         "-append: longer than the %zu bytes that %s takes", most,
                         boot->kernel->words);
    }
    phys_map_write(target->map, LINUX_COMMAND_LINE, boot->append, length + 1);
    put32(zero_page + SETUP_COMMAND_LINE, LINUX_COMMAND_LINE);
    return true;
}

static void zero_page_fill(const Boot *boot, const BootMemory *memory, uint8_t *zero_page)
{
    size_t header_end = SETUP_MAGIC + boot->head[SETUP_JUMP];

    memcpy(zero_page + SETUP_SECTS, boot->head + SETUP_SECTS, header_end - SETUP_SECTS);
    put16(zero_page + SETUP_VID_MODE, VIDEO_NORMAL);
    zero_page[SETUP_LOADER_TYPE] = LOADER_UNKNOWN;
    put32(zero_page + SETUP_CODE32_START, LINUX_KERNEL);
    put32(zero_page + SETUP_RAMDISK_IMAGE, 0);
    put32(zero_page + SETUP_RAMDISK_SIZE, 0);
    memcpy(zero_page + ZERO_PAGE_RSDP, &memory->tables.rsdp, sizeof(memory->tables.rsdp));
    zero_page[ZERO_PAGE_E820_COUNT] = (uint8_t)memory->entries;
    memcpy(zero_page + ZERO_PAGE_E820, memory->entry, memory->entries * sizeof(MemoryEntry));
}

/* screen_info: text mode 3. */
static void zero_page_screen(uint8_t *zero_page)
{
    zero_page[ZERO_PAGE_VIDEO_MODE] = 3;
    zero_page[ZERO_PAGE_COLUMNS] = 80;
    zero_page[ZERO_PAGE_LINES] = 25;
    zero_page[ZERO_PAGE_IS_VGA] = 1;
    zero_page[ZERO_PAGE_POINTS] = 16;
}

static bool linux_install(const Boot *boot, const BootTarget *target, const BootMemory *memory,
                          GError **error)
{
    uint8_t zero_page[ZERO_PAGE_SIZE] = { 0 };

    if (!linux_check(boot, target, error)) {
        return false;
    }
    zero_page_fill(boot, memory, zero_page);
    if (boot_screen_is_there(target)) {
        zero_page_screen(zero_page);
    }
    if (!kernel_load(boot, target, memory, error) ||
        !initrd_load(boot, target, memory, zero_page, error) ||
        !command_line_load(boot, target, zero_page, error)) {
        return false;
    }
    phys_map_write(target->map, LINUX_ZERO_PAGE, zero_page, sizeof(zero_page));
    if (kernel_is_64(boot)) {
        boot_cpu_long(target, LINUX_KERNEL + LINUX_ENTRY_64, LINUX_PAGE_TABLES);
    } else {
        boot_cpu_protected(target, LINUX_KERNEL, BOOT_CS, BOOT_DS);
    }
    target->cpu->gpr[RSI] = LINUX_ZERO_PAGE;
    return true;
}

const BootLoader linux_loader = {
    .probe = linux_probe,
    .install = linux_install,
    .modules = false,
};
