/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ROM_FILES_H
#define HW_ROM_FILES_H
/* rom_files.h - images that run inside the machine and come from the distribution's packages: the
 * firmware, ROMs of adapters.
 *
 * A name with a slash is a path.  Another one is looked for in the folders of -L, in the order in
 * which they were given, then where packages put such files, then in the working folder. */
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct RomFiles RomFiles;

/* `folders` ends with NULL, may be NULL; copied. */
RomFiles *rom_files_new(const char *const *folders);
void rom_files_free(RomFiles *files);

/* The folders in the order of the search; borrowed, ends with NULL. */
const char *const *rom_files_folders(const RomFiles *files);

/* Path of a file that exists; NULL: there is none. */
char *rom_files_find(const RomFiles *files, const char *name);
/* Whole contents of a regular file of 1 to `most` bytes; NULL: the error names the file and, for a
 * file that is nowhere, the package that has it. */
uint8_t *rom_files_load(const RomFiles *files, const char *name, size_t most, size_t *size,
                        GError **error);

#define ROM_FILES_ERROR rom_files_error_quark()
GQuark rom_files_error_quark(void);
typedef enum RomFilesError {
    ROM_FILES_ERROR_MISSING,
    ROM_FILES_ERROR_FILE, /* unreadable, no regular file */
    ROM_FILES_ERROR_SIZE,
} RomFilesError;

#endif
