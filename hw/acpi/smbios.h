/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_SMBIOS_H
#define HW_ACPI_SMBIOS_H
/* smbios.h - System Management BIOS 2.8 (DSP0134): entry point, and structures of types 0, 1, 3, 4,
 * 16, 17, 19, 32 and 127; 2, 11 and 41 if there is something to tell; and whole ones from files.
 *
 * Type 0 describes the firmware: if nothing is given for it, it is left to the firmware. */
#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include "hw/fwcfg.h"

typedef struct Smbios Smbios;

/* Texts of the user's, as of -smbios type=N,key=...; all NULL: none. */
typedef struct SmbiosTexts {
    GHashTable *fields;  /* "N.key" to text */
    GPtrArray *oem;      /* of char *: strings of type 11 */
    GPtrArray *devices;  /* of SmbiosOnboard *: type 41 */
    GPtrArray *binaries; /* of GBytes: structures as they are, in place of those of their type */
} SmbiosTexts;

typedef struct SmbiosOnboard {
    char *designation;
    uint8_t kind, instance; /* kind: DSP0134 7.42.2 */
    uint8_t devfn;          /* on PCI bus 0 */
} SmbiosOnboard;

typedef struct SmbiosConfig {
    unsigned sockets, cores, threads;     /* a socket's cores, a core's threads; 0: 1 */
    uint32_t cpu_signature, cpu_features; /* CPUID leaf 1: EAX, EDX */
    const char *product, *version;        /* of the machine */
    uint64_t low_ram, high_ram;           /* at 0 and at 4 GiB */
    uint8_t uuid[16];                     /* of the machine; zeros: none */
    const SmbiosTexts *texts;             /* NULL: none */
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
