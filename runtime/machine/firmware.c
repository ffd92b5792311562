/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/firmware.h"

#include "hw/pc.h"

enum {
    IMAGE_UNIT = 64 << 10,
    IMAGE_MAX = 16 << 20, /* the APICs' windows lie below */
    LOW_MAX = 128 << 10,
    LOW_END = 1 << 20,
};
#define IMAGE_END (1ull << 32)

GQuark firmware_error_quark(void)
{
    return g_quark_from_static_string("firmware-error");
}

bool firmware_map(PhysMap *map, const RomFiles *files, const char *name, GError **error)
{
    size_t size, low;
    g_autofree uint8_t *image = rom_files_load(files, name, IMAGE_MAX, &size, error);

    if (image == NULL) {
        return false;
    }
    if (size % IMAGE_UNIT != 0) {
        g_set_error(error, FIRMWARE_ERROR, FIRMWARE_ERROR_SIZE,
                    "%s: a BIOS image is a multiple of 64 KiB, not %zu bytes", name, size);
        return false;
    }
    low = MIN(size, LOW_MAX);
    phys_map_begin(map);
    phys_map_add_rom(map, IMAGE_END - size, image, size, PC_PRIORITY_ROM);
    phys_map_add_rom(map, LOW_END - low, image + size - low, low, PC_PRIORITY_ROM);
    phys_map_commit(map);
    return true;
}
