/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_FIRMWARE_CONFIG_H
#define HW_FIRMWARE_CONFIG_H
/* firmware_config.h - what the user tells the firmware: -boot, -fw_cfg, -option-rom, -acpitable,
 * -smbios, -uuid. */
#include "hw/acpi/smbios.h"

enum { FIRMWARE_BOOT_DEVICES = 3 }; /* letters that a PC's CMOS has room for */

typedef struct FirmwareFile {
    char *name;
    GBytes *data;
} FirmwareFile;

typedef struct FirmwareConfig {
    char *boot_order; /* letters of -boot order=; NULL: "cad" */
    char *boot_once;  /* the same, until the first reset */
    bool boot_menu, boot_strict;
    int32_t splash_time;    /* ms that the menu waits; -1: not given */
    int32_t reboot_timeout; /* ms after a failure; -1: none */
    GPtrArray *files;       /* of FirmwareFile */
    GPtrArray *acpi;        /* of GBytes: tables with their headers */
    SmbiosTexts smbios;
    uint8_t uuid[16]; /* zeros: none */
} FirmwareConfig;

FirmwareConfig *firmware_config_new(void);
void firmware_config_free(FirmwareConfig *config);

/* Takes the reference; false: the name is taken. */
bool firmware_config_add_file(FirmwareConfig *config, const char *name, GBytes *data);

#endif
