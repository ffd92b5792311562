/* SPDX-License-Identifier: GPL-2.0-or-later */
/* piix3.c - the PCI to ISA bridge of the PIIX3 (82371SB datasheet). */
#include <string.h>
#include "hw/pci/isa_bridge.h"

enum { /* configuration registers */
       CFG_IORT = 0x4c,
       CFG_XBCS = 0x4e,
       CFG_PIRQ = 0x60, /* four */
       CFG_TOM = 0x69,
       CFG_MSTAT = 0x6a,
       CFG_MBIRQ = 0x70,
       CFG_MBDMA = 0x76,
       CFG_PCSC = 0x78,
       CFG_APICBASE = 0x80,
       CFG_DLC = 0x82,
       CFG_SMICNTL = 0xa0,
       CFG_SMIEN = 0xa2,
       CFG_SEE = 0xa4,
       CFG_FTMR = 0xa8,
       CFG_SMIREQ = 0xaa,
       CFG_CTLTMR = 0xac,
       CFG_CTHTMR = 0xae,
};

enum { PIRQS = 4 };

static const PciClass piix3_class = {
    .name = "PIIX3 ISA bridge",
    .vendor = 0x8086,
    .device = 0x7000,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x060100,
    .multifunction = true,
    .config_written = isa_bridge_config_written,
};

static void piix3_reset(uint8_t *config)
{
    config[CFG_IORT] = 0x4d;
    config[CFG_XBCS] = 0x03;
    config[CFG_TOM] = 0x02;
    config[CFG_MBIRQ] = 0x80;
    config[CFG_MBDMA] = config[CFG_MBDMA + 1] = 0x0c;
    config[CFG_PCSC] = 0x02;
    config[CFG_SMICNTL] = 0x08;
    config[CFG_FTMR] = 0x0f;
}

static void piix3_writable(uint8_t *writable)
{
    static const struct {
        uint8_t offset, size, mask;
    } rows[] = {
        { 0x04, 2, 0x00 },       { 0x05, 1, 0x01 },        { CFG_IORT, 1, 0x7f },
        { CFG_XBCS, 1, 0xff },   { CFG_XBCS + 1, 1, 1 },   { CFG_PIRQ, PIRQS, 0x8f },
        { CFG_TOM, 1, 0xfe },    { CFG_MSTAT, 1, 0x18 },   { CFG_MBIRQ, 1, 0xef },
        { CFG_MBDMA, 2, 0x8f },  { CFG_PCSC, 2, 0xff },    { CFG_APICBASE, 1, 0x7f },
        { CFG_DLC, 1, 0x0f },    { CFG_SMICNTL, 1, 0x1f }, { CFG_SMIEN, 2, 0xff },
        { CFG_SEE, 4, 0xff },    { CFG_FTMR, 1, 0xff },    { CFG_CTLTMR, 1, 0xff },
        { CFG_CTHTMR, 1, 0xff },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        memset(writable + rows[i].offset, rows[i].mask, rows[i].size);
    }
}

const IsaBridgeModel piix3_model = {
    .class = &piix3_class,
    .devfn = PCI_DEVFN(1, 0),
    .pirqs = PIRQS,
    .pirq = { CFG_PIRQ, CFG_PIRQ + 1, CFG_PIRQ + 2, CFG_PIRQ + 3 },
    .reset = piix3_reset,
    .writable = piix3_writable,
};
