/* SPDX-License-Identifier: GPL-2.0-or-later */
/* q35_mch.c - the memory controller hub of the Q35 (Intel 3 Series Express Chipset datasheet,
 * chapter 5). There is no PCI Express graphics port, no top segment of SMRAM (TSEG), and the
 * registers of the DRAM controller, in the MCHBAR, are not decoded. */
#include <string.h>
#include "hw/pci/host_bridge.h"

enum { /* configuration registers */
       CFG_EPBAR = 0x40,
       CFG_MCHBAR = 0x48,
       CFG_GGC = 0x52,
       CFG_PCIEXBAR = 0x60,
       CFG_DMIBAR = 0x68,
       CFG_PAM0 = 0x90,
       CFG_LAC = 0x97,
       CFG_SMRAM = 0x9d,
       CFG_TOM = 0xa0, /* top of memory, upper memory, low memory: what firmware notes there */
       CFG_SKPD = 0xdc,
};

static void q35_reset(uint8_t *config)
{
    config[0x06] = 0x80; /* fast back-to-back; the chip's vendor capability is not there */
}

static void q35_writable(uint8_t *writable)
{
    memset(writable + CFG_EPBAR, 0xff, 16);
    memset(writable + CFG_GGC, 0xff, 2);
    writable[CFG_PCIEXBAR] = 0x07;
    writable[CFG_PCIEXBAR + 3] = 0xfc; /* from 64 MiB on; shorter lengths have their own bits */
    writable[CFG_PCIEXBAR + 4] = 0x0f;
    memset(writable + CFG_DMIBAR, 0xff, 8);
    writable[CFG_LAC] = 0x81;
    memset(writable + CFG_TOM, 0xff, 0x12);
    memset(writable + CFG_SKPD, 0xff, 4);
}

static const PciClass q35_class = {
    .name = "Q35 MCH",
    .vendor = 0x8086,
    .device = 0x29c0,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x060000,
    .config_written = host_bridge_config_written,
};

const HostBridgeModel q35_model = {
    .class = &q35_class,
    .pam0 = CFG_PAM0,
    .smram = CFG_SMRAM,
    .pciexbar = CFG_PCIEXBAR,
    .reset = q35_reset,
    .writable = q35_writable,
};
