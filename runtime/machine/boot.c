/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/fwcfg.h"
#include "runtime/machine/boot_int.h"

GQuark boot_error_quark(void)
{
    return g_quark_from_static_string("boot-error");
}

bool boot_fail(GError **error, BootError code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(BOOT_ERROR, (gint)code, format, args));
    va_end(args);
    return false;
}

/* ---- Files ---- */

BootFile *boot_file_open(const char *option, const char *path, GError **error)
{
    g_autofree char *words = g_strdup_printf("%s %s", option, path);
    struct stat st;
    BootFile *file;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &st) < 0) {
        boot_fail(error, BOOT_ERROR_FILE, "%s: %s", words, g_strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        boot_fail(error, BOOT_ERROR_FILE, "%s: not a regular file", words);
        close(fd);
        return NULL;
    }
    file = g_new0(BootFile, 1);
    file->words = g_steal_pointer(&words);
    file->fd = fd;
    file->size = (uint64_t)st.st_size;
    return file;
}

void boot_file_close(BootFile *file)
{
    if (file != NULL) {
        close(file->fd);
        g_free(file->words);
        g_free(file);
    }
}

bool boot_file_read(const BootFile *file, uint64_t offset, void *data, size_t size, GError **error)
{
    uint8_t *bytes = data;

    while (size > 0) {
        ssize_t n = pread(file->fd, bytes, size, (off_t)offset);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return boot_fail(error, BOOT_ERROR_FILE, "%s: %s", file->words,
                             n < 0 ? g_strerror(errno) : "the file has become shorter");
        }
        bytes += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

bool boot_file_load(const BootFile *file, uint64_t offset, uint64_t size, PhysMap *map,
                    uint64_t gpa, GError **error)
{
    enum { CHUNK = 1 << 18 };
    g_autofree uint8_t *chunk = g_malloc(CHUNK);

    while (size > 0) {
        uint64_t n = MIN(size, CHUNK);

        if (!boot_file_read(file, offset, chunk, n, error)) {
            return false;
        }
        phys_map_write(map, gpa, chunk, n);
        offset += n;
        gpa += n;
        size -= n;
    }
    return true;
}

/* ---- Memory map ---- */

static void memory_add(BootMemory *memory, uint64_t base, uint64_t end, uint32_t type)
{
    if (end > base) {
        g_assert(memory->entries < MEMORY_ENTRIES);
        memory->entry[memory->entries++] = (MemoryEntry){ base, end - base, type };
    }
}

static bool memory_describe(const BootTarget *target, BootMemory *memory, GError **error)
{
    uint64_t low = pc_low_ram(target->pc), high = pc_high_ram(target->pc);
    const PcTables *tables = &memory->tables;

    *memory = (BootMemory){ 0 };
    if (!pc_install_tables(target->pc, &memory->tables, error)) {
        return false;
    }
    memory->low_end = tables->acpi_size != 0 ? tables->acpi_base : low;
    memory_add(memory, 0, MEMORY_LOW_END, MEMORY_RAM);
    memory_add(memory, MEMORY_LOW_END, 0xa0000, MEMORY_RESERVED);
    memory_add(memory, 0xf0000, MEMORY_HIGH_BASE, MEMORY_RESERVED);
    memory_add(memory, MEMORY_HIGH_BASE, memory->low_end, MEMORY_RAM);
    if (tables->acpi_size != 0) {
        memory_add(memory, tables->acpi_base, tables->acpi_base + tables->acpi_size, MEMORY_ACPI);
        memory_add(memory, tables->acpi_base + tables->acpi_size, low, MEMORY_RAM);
    }
    if (pc_has_ecam(target->pc)) {
        memory_add(memory, PC_ECAM_BASE, PC_PCI_HOLE, MEMORY_RESERVED);
    }
    memory_add(memory, 0xfffc0000, 1ull << 32, MEMORY_RESERVED);
    memory_add(memory, 1ull << 32, (1ull << 32) + high, MEMORY_RAM);
    return true;
}

/* ---- The whole ---- */

static void module_clear(gpointer element)
{
    BootModule *module = element;

    boot_file_close(module->file);
    g_free(module->text);
}

/* "FILE ARGUMENTS,FILE": a comma inside is written twice. */
static bool modules_open(Boot *boot, const char *list, GError **error)
{
    while (*list != '\0') {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *path = NULL;
        BootModule module;

        for (; *list != '\0'; list++) {
            if (*list == ',' && *++list != ',') {
                break;
            }
            g_string_append_c(text, *list);
        }
        path = g_strndup(text->str, strcspn(text->str, " "));
        module.file = boot_file_open("-initrd", path, error);
        if (module.file == NULL) {
            return false;
        }
        module.text = g_strdup(text->str);
        g_array_append_val(boot->modules, module);
    }
    return true;
}

static bool initrd_open(Boot *boot, const char *initrd, GError **error)
{
    if (initrd == NULL || *initrd == '\0') {
        return true;
    }
    if (boot->loader->modules) {
        return modules_open(boot, initrd, error);
    }
    boot->initrd = boot_file_open("-initrd", initrd, error);
    return boot->initrd != NULL;
}

static bool kernel_open(Boot *boot, const char *path, GError **error)
{
    static const BootLoader *const loaders[] = { &linux_loader, &multiboot_loader, &pvh_loader };

    boot->kernel = boot_file_open("-kernel", path, error);
    if (boot->kernel == NULL ||
        !boot_file_read(boot->kernel, 0, boot->head, MIN(boot->kernel->size, BOOT_HEAD), error)) {
        return false;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(loaders); i++) {
        if (loaders[i]->probe(boot->head, MIN(boot->kernel->size, BOOT_HEAD))) {
            boot->loader = loaders[i];
            return true;
        }
    }
    return boot_fail(
        error, BOOT_ERROR_IMAGE,
        "%s: not a kernel (no Linux bzImage, multiboot image or ELF file with a PVH entry)",
        boot->kernel->words);
}

Boot *boot_open(const Options *options, GError **error)
{
    Boot *boot = g_new0(Boot, 1);

    boot->modules = g_array_new(FALSE, TRUE, sizeof(BootModule));
    g_array_set_clear_func(boot->modules, module_clear);
    boot->kernel_path = g_strdup(options->kernel);
    boot->append = g_strdup(options->append != NULL ? options->append : "");
    if (!kernel_open(boot, options->kernel, error) || !initrd_open(boot, options->initrd, error)) {
        boot_close(boot);
        return NULL;
    }
    return boot;
}

void boot_close(Boot *boot)
{
    if (boot == NULL) {
        return;
    }
    boot_file_close(boot->kernel);
    boot_file_close(boot->initrd);
    g_array_free(boot->modules, TRUE);
    g_free(boot->kernel_path);
    g_free(boot->append);
    g_free(boot);
}

bool boot_is_linux(const Boot *boot)
{
    return boot->loader == &linux_loader;
}

/* A part of a file, or a text, as items: its size and its bytes. */
static bool offer_file(Pc *pc, const BootFile *file, uint64_t from, uint64_t to, uint16_t size_key,
                       uint16_t data_key, GError **error)
{
    g_autofree uint8_t *data = g_malloc(to - from + 1);
    uint32_t size = GUINT32_TO_LE((uint32_t)(to - from));

    if (!boot_file_read(file, from, data, to - from, error)) {
        return false;
    }
    pc_fw_cfg_item(pc, size_key, &size, sizeof(size));
    pc_fw_cfg_item(pc, data_key, data, to - from);
    return true;
}

bool boot_offer(const Boot *boot, Pc *pc, GError **error)
{
    const BootFile *kernel = boot->kernel, *initrd = boot->initrd;
    uint64_t setup = MIN(boot_is_linux(boot) ? linux_setup_size(boot->head) : 0, kernel->size);
    uint32_t line = GUINT32_TO_LE((uint32_t)strlen(boot->append) + 1);

    if (kernel->size > UINT32_MAX || (initrd != NULL && initrd->size > UINT32_MAX)) {
        return boot_fail(error, BOOT_ERROR_SPACE, "%s: too big for the firmware", kernel->words);
    }
    pc_fw_cfg_item(pc, FWCFG_CMDLINE_SIZE, &line, sizeof(line));
    pc_fw_cfg_item(pc, FWCFG_CMDLINE_DATA, boot->append, strlen(boot->append) + 1);
    return offer_file(pc, kernel, 0, setup, FWCFG_SETUP_SIZE, FWCFG_SETUP_DATA, error) &&
           offer_file(pc, kernel, setup, kernel->size, FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA,
                      error) &&
           (initrd == NULL ||
            offer_file(pc, initrd, 0, initrd->size, FWCFG_INITRD_SIZE, FWCFG_INITRD_DATA, error));
}

/* What firmware leaves behind, apart from what the board does itself: the A20 gate open, serial
 * ports at 115200 baud with eight data bits. */
static void ports_set_up(IoBus *io)
{
    static const uint16_t serial[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };
    enum { PORT_A20 = 0x92, A20_OPEN = 2, LINE_CONTROL = 3, DIVISOR_ACCESS = 0x80, EIGHT_BITS = 3 };

    io_bus_write(io, PORT_A20, 1, A20_OPEN);
    for (size_t i = 0; i < G_N_ELEMENTS(serial); i++) {
        io_bus_write(io, serial[i] + LINE_CONTROL, 1, DIVISOR_ACCESS);
        io_bus_write(io, serial[i], 1, 1);
        io_bus_write(io, serial[i] + 1, 1, 0);
        io_bus_write(io, serial[i] + LINE_CONTROL, 1, EIGHT_BITS);
    }
}

bool boot_install(const Boot *boot, const BootTarget *target, GError **error)
{
    BootMemory memory;

    ports_set_up(target->io);
    boot_screen_set_up(target);
    return memory_describe(target, &memory, error) &&
           boot->loader->install(boot, target, &memory, error);
}

void boot_resume(const BootTarget *target, uint32_t vector)
{
    ports_set_up(target->io);
    boot_cpu_real(target, vector);
}
