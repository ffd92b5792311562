/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_FWCFG_H
#define HW_FWCFG_H
/* fwcfg.h - the firmware configuration device of QEMU machines (its specification: QEMU's
 * docs/specs/fw_cfg): selector at port 510, data at 511, DMA at 514.
 *
 * Items are read-only for the guest, but for files that are shared.  Called with the device lock
 * held. */
#include "hw/iobus.h"
#include "hw/state.h"
#include "softmmu/physmap.h"

typedef struct FwCfg FwCfg;

enum { /* numbered items; little-endian */
       FWCFG_SIGNATURE = 0x00,
       FWCFG_ID = 0x01,
       FWCFG_UUID = 0x02,
       FWCFG_RAM_SIZE = 0x03,
       FWCFG_NOGRAPHIC = 0x04,
       FWCFG_CPUS = 0x05,
       FWCFG_KERNEL_ADDR = 0x07,
       FWCFG_KERNEL_SIZE = 0x08,
       FWCFG_INITRD_ADDR = 0x0a,
       FWCFG_INITRD_SIZE = 0x0b,
       FWCFG_NUMA = 0x0d,
       FWCFG_BOOT_MENU = 0x0e,
       FWCFG_MAX_CPUS = 0x0f,
       FWCFG_KERNEL_ENTRY = 0x10,
       FWCFG_KERNEL_DATA = 0x11,
       FWCFG_INITRD_DATA = 0x12,
       FWCFG_CMDLINE_ADDR = 0x13,
       FWCFG_CMDLINE_SIZE = 0x14,
       FWCFG_CMDLINE_DATA = 0x15,
       FWCFG_SETUP_ADDR = 0x16,
       FWCFG_SETUP_SIZE = 0x17,
       FWCFG_SETUP_DATA = 0x18,
       FWCFG_FILE_DIR = 0x19,
       FWCFG_FILES = 0x20, /* the first file */
       FWCFG_MAX_FILES = 256,
       FWCFG_NAME_SIZE = 56, /* with the terminating zero */
};

FwCfg *fwcfg_new(IoBus *io, PhysMap *map);
void fwcfg_free(FwCfg *fw);
void fwcfg_reset(FwCfg *fw);

/* All copy, and replace what was there. */
void fwcfg_set(FwCfg *fw, uint16_t key, const void *data, size_t size);
void fwcfg_set_number(FwCfg *fw, uint16_t key, unsigned width, uint64_t value);
/* false: the name is too long, or there are too many. */
bool fwcfg_set_file(FwCfg *fw, const char *name, const void *data, size_t size);

/* A file that the guest may write; its bytes stay the caller's, who keeps them as long as the guest
 * runs. */
bool fwcfg_share_file(FwCfg *fw, const char *name, void *data, size_t size);

extern const StateTable fwcfg_state;

#endif
