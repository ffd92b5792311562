/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/rom_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct RomFiles {
    GPtrArray *folders; /* of char *, NULL at the end */
};

static const char *const package_folders[] = {
    "/usr/share/seabios", "/usr/share/qemu", "/usr/lib/ipxe/qemu",
    "/usr/share/ovmf",    "/usr/share/OVMF",
};

/* Whose package a name comes from (Debian's names). */
static const struct {
    const char *prefix, *package;
} packages[] = {
    { "bios", "seabios" },   { "vgabios", "seabios" }, { "OVMF", "ovmf" },
    { "pxe-", "ipxe-qemu" }, { "efi-", "ipxe-qemu" },  { "linuxboot", "qemu-system-data" },
};

GQuark rom_files_error_quark(void)
{
    return g_quark_from_static_string("rom-files-error");
}

RomFiles *rom_files_new(const char *const *folders)
{
    RomFiles *files = g_new0(RomFiles, 1);

    files->folders = g_ptr_array_new_with_free_func(g_free);
    for (; folders != NULL && *folders != NULL; folders++) {
        g_ptr_array_add(files->folders, g_strdup(*folders));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(package_folders); i++) {
        g_ptr_array_add(files->folders, g_strdup(package_folders[i]));
    }
    g_ptr_array_add(files->folders, NULL);
    return files;
}

void rom_files_free(RomFiles *files)
{
    g_ptr_array_free(files->folders, TRUE);
    g_free(files);
}

const char *const *rom_files_folders(const RomFiles *files)
{
    return (const char *const *)files->folders->pdata;
}

char *rom_files_find(const RomFiles *files, const char *name)
{
    bool path = strchr(name, '/') != NULL;

    for (const char *const *folder = rom_files_folders(files); !path && *folder != NULL; folder++) {
        char *found = g_build_filename(*folder, name, NULL);

        if (access(found, F_OK) == 0) {
            return found;
        }
        g_free(found);
    }
    return access(name, F_OK) == 0 ? g_strdup(name) : NULL;
}

static void missing(const char *name, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(packages); i++) {
        if (g_str_has_prefix(name, packages[i].prefix)) {
            g_set_error(error, ROM_FILES_ERROR, ROM_FILES_ERROR_MISSING,
                        "%s: not found: package %s has it (-L names further folders)", name,
                        packages[i].package);
            return;
        }
    }
    g_set_error(error, ROM_FILES_ERROR, ROM_FILES_ERROR_MISSING, "%s: %s", name,
                g_strerror(ENOENT));
}

static uint8_t *file_read(int fd, const char *path, size_t most, size_t *size, GError **error)
{
    uint8_t *data;
    struct stat st;
    ssize_t n = 0;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        g_set_error(error, ROM_FILES_ERROR, ROM_FILES_ERROR_FILE, "%s: not a regular file", path);
        return NULL;
    }
    if (st.st_size == 0 || (uint64_t)st.st_size > most) {
        g_set_error(error, ROM_FILES_ERROR, ROM_FILES_ERROR_SIZE,
                    "%s: the image has %lld bytes; 1 to %zu are possible", path,
                    (long long)st.st_size, most);
        return NULL;
    }
    *size = (size_t)st.st_size;
    data = g_malloc(*size);
    for (size_t done = 0; done < *size; done += (size_t)n) {
        n = read(fd, data + done, *size - done);
        if (n <= 0) {
            g_set_error(error, ROM_FILES_ERROR, ROM_FILES_ERROR_FILE, "%s: %s", path,
                        n < 0 ? g_strerror(errno) : "the file has become shorter");
            g_free(data);
            return NULL;
        }
    }
    return data;
}

uint8_t *rom_files_load(const RomFiles *files, const char *name, size_t most, size_t *size,
                        GError **error)
{
    g_autofree char *path = rom_files_find(files, name);
    uint8_t *data;
    int fd;

    if (path == NULL) {
        missing(name, error);
        return NULL;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        g_set_error(error, ROM_FILES_ERROR, ROM_FILES_ERROR_FILE, "%s: %s", path,
                    g_strerror(errno));
        return NULL;
    }
    data = file_read(fd, path, most, size, error);
    close(fd);
    return data;
}
