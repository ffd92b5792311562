/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i440fx.c - the host bridge of the PC of 1996 (82441FX PMC datasheet). */
#include <string.h>
#include "hw/pci/host_bridge.h"

enum { /* configuration registers */
       CFG_PMCCFG = 0x50,
       CFG_DETURBO = 0x52,
       CFG_DBC = 0x53,
       CFG_AXC = 0x54,
       CFG_DRAMC = 0x57,
       CFG_DRAMT = 0x58,
       CFG_PAM0 = 0x59,
       CFG_DRB0 = 0x60,
       CFG_FDHC = 0x68,
       CFG_MTT = 0x70,
       CFG_CLT = 0x71,
       CFG_SMRAM = 0x72,
       CFG_ERRCMD = 0x90,
       CFG_ERRSTS = 0x91,
       CFG_TRC = 0x93,
};

static void i440fx_reset(uint8_t *config)
{
    config[0x07] = 0x02; /* medium DEVSEL# */
    config[CFG_DBC] = 0x80;
    config[CFG_DRAMC] = 0x01;
    config[CFG_DRAMT] = 0x10;
    memset(config + CFG_DRB0, 0x01, 8);
    config[CFG_CLT] = 0x10;
}

static void i440fx_writable(uint8_t *writable)
{
    memset(writable + CFG_PMCCFG, 0xff, 0x0f + 8); /* to the last DRAM row boundary */
    memset(writable + CFG_FDHC, 0xff, 1);
    writable[CFG_MTT] = writable[CFG_CLT] = 0xff;
    writable[CFG_ERRCMD] = 0xff;
    writable[CFG_TRC] = 0xff;
}

static const PciClass i440fx_class = {
    .name = "i440FX",
    .vendor = 0x8086,
    .device = 0x1237,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x060000,
    .revision = 2,
    .config_written = host_bridge_config_written,
};

const HostBridgeModel i440fx_model = {
    .class = &i440fx_class,
    .pam0 = CFG_PAM0,
    .smram = CFG_SMRAM,
    .reset = i440fx_reset,
    .writable = i440fx_writable,
};
