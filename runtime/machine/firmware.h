/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_FIRMWARE_H
#define RUNTIME_MACHINE_FIRMWARE_H
/* firmware.h - the BIOS that a machine without -kernel starts in: SeaBIOS of the distribution, or
 * the image that -bios names.
 *
 * The image ends at 4 GiB; its last 128 KiB are seen below 1 MiB as well, as long as the PAM
 * registers show ROM there. */
#include "hw/rom_files.h"
#include "softmmu/physmap.h"

#define FIRMWARE_DEFAULT "bios-256k.bin"

/* `name` is a file of the search that rom_files.h describes. The map takes a copy; the ranges live
 * as long as it does. */
bool firmware_map(PhysMap *map, const RomFiles *files, const char *name, GError **error);

#define FIRMWARE_ERROR firmware_error_quark()
GQuark firmware_error_quark(void);
typedef enum FirmwareError { FIRMWARE_ERROR_SIZE } FirmwareError;

#endif
