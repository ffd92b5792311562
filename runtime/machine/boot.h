/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_BOOT_H
#define RUNTIME_MACHINE_BOOT_H
/* boot.h - booting a kernel without firmware: -kernel, -initrd, -append.
 *
 * The kernel is a Linux bzImage (linux_boot.c), a multiboot 1 image (multiboot.c) or an ELF file
 * with a PVH entry (pvh_boot.c). What firmware leaves behind is set up as well: ACPI tables, memory
 * map, BIOS data area, MTRRs, a VGA in text mode, a CPU in a flat mode. */
#include "hw/pc.h"
#include "hw/rom_files.h"
#include "runtime/cpu/cpu.h"
#include "runtime/machine/options.h"

typedef struct Boot Boot;

/* Where it all goes; borrowed for the call. */
typedef struct BootTarget {
    PhysMap *map;
    IoBus *io;
    Pc *pc;
    Cpu *cpu;             /* the bootstrap processor, in its reset state */
    const RomFiles *roms; /* where the screen's letters come from; may be NULL */
} BootTarget;

/* Opens and checks the files that the options name. */
Boot *boot_open(const Options *options, GError **error);
void boot_close(Boot *boot);
bool boot_is_linux(const Boot *boot); /* a bzImage */

/* After every reset of board and CPU: loads everything again and points the CPU at it. */
bool boot_install(const Boot *boot, const BootTarget *target, GError **error);

/* The wake from S3 where there is no firmware: in real mode at the operating system's vector. */
void boot_resume(const BootTarget *target, uint32_t vector);

/* For firmware that loads the kernel itself (UEFI): all of it by fw_cfg. */
bool boot_offer(const Boot *boot, Pc *pc, GError **error);

#define BOOT_ERROR boot_error_quark()
GQuark boot_error_quark(void);
typedef enum BootError {
    BOOT_ERROR_FILE,  /* missing, unreadable, shorter than it was */
    BOOT_ERROR_IMAGE, /* no kernel that can be booted */
    BOOT_ERROR_SPACE, /* does not fit into the guest's memory */
} BootError;

#endif
