/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe.c - the drivers that there are, and how a format is known by what its images begin with. */
#include "hw/block/block_int.h"

#include <string.h>

static const BlockDriver *const drivers[] = { &file_driver,     &host_device_driver, &null_driver,
                                              &nbd_driver,      &http_driver,        &https_driver,
                                              &raw_driver,      &qcow2_driver,       &vdi_driver,
                                              &throttle_driver, &copy_driver,        &vpc_driver,
                                              &vhdx_driver,     &vmdk_driver };

static const struct {
    const char *name, *magic;
    unsigned at, size;
} magics[] = {
    { "qcow2", "QFI\xfb\0\0\0\2", 0, 8 },
    { "qcow2", "QFI\xfb\0\0\0\3", 0, 8 },
    { "qcow", "QFI\xfb\0\0\0\1", 0, 8 },
    { "qed", "QED", 0, 4 },
    { "vmdk", "KDMV", 0, 4 },
    { "vmdk", "COWD", 0, 4 },
    { "vmdk", "# Disk DescriptorFile", 0, 21 },
    { "vdi", "\x7f\x10\xda\xbe", 0x40, 4 },
    { "vhdx", "vhdxfile", 0, 8 },
    { "vpc", "conectix", 0, 8 },
    { "parallels", "WithoutFreeSpace", 0, 16 },
    { "luks", "LUKS\xba\xbe", 0, 6 },
};

const char *format_probe(const uint8_t *head, size_t size)
{
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++) {
        if (magics[i].at + magics[i].size <= size &&
            memcmp(head + magics[i].at, magics[i].magic, magics[i].size) == 0) {
            return magics[i].name;
        }
    }
    return "raw"; /* which anything is */
}

const BlockDriver *driver_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
        if (strcmp(drivers[i]->name, name) == 0) {
            return drivers[i];
        }
    }
    return NULL;
}

const BlockDriver *format_driver(const char *name, GError **error)
{
    const BlockDriver *driver = driver_find(name);

    if (driver != NULL) {
        return driver;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++) {
        if (strcmp(magics[i].name, name) == 0) {
            g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT,
                        "images of format %s are not supported", name);
            return NULL;
        }
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_FORMAT, "Unknown driver '%s'", name);
    return NULL;
}
