/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_SMBIOS_H
#define HW_ACPI_SMBIOS_H
/* smbios.h - System Management BIOS 2.8 (DSP0134): entry point, and structures of types 0, 1, 3, 4,
 * 16, 17, 19, 32 and 127. */
#include <stddef.h>
#include <stdint.h>
#include "hw/fwcfg.h"

typedef struct Smbios Smbios;

typedef struct SmbiosConfig {
    unsigned cpus;
    const char *cpu_version;    /* of the processors; NULL: "doppel" */
    uint64_t low_ram, high_ram; /* at 0 and at 4 GiB */
    uint8_t uuid[16];           /* of the machine; zeros: none */
} SmbiosConfig;

enum { SMBIOS_ENTRY_SIZE = 31 };

Smbios *smbios_new(const SmbiosConfig *config);
void smbios_free(Smbios *smbios);

size_t smbios_size(const Smbios *smbios); /* of the structures */
/* Copies: the entry point for structures at `address`, and the structures. */
void smbios_place(const Smbios *smbios, uint32_t address, void *entry, void *structures);
/* Files etc/smbios/smbios-anchor and etc/smbios/smbios-tables: firmware places them. */
void smbios_publish(const Smbios *smbios, FwCfg *fw);

#endif
