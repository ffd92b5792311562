/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ich9_lpc.c - the LPC bridge of the ICH9 (I/O Controller Hub 9 datasheet, chapter 13). PIRQA# to
 * PIRQH# are also inputs 16 to 23 of the I/O APIC, which the board wires.  Power management
 * (PMBASE, ACPI control) is acpi/pm.c's.  The root complex's registers (RCBA) are not decoded:
 * interrupt routes of internal devices are those after reset. */
#include <string.h>
#include "hw/pci/isa_bridge.h"

enum { /* configuration registers */
       CFG_PMBASE = 0x40,
       CFG_ACPI_CNTL = 0x44,
       CFG_GPIOBASE = 0x48,
       CFG_GC = 0x4c,
       CFG_PIRQA = 0x60, /* to D */
       CFG_SIRQ_CNTL = 0x64,
       CFG_PIRQE = 0x68,      /* to H */
       CFG_LPC_DECODE = 0x80, /* I/O decode ranges and enables */
       CFG_GEN_PMCON = 0xa0,
       CFG_FWH = 0xd0,
       CFG_BIOS_CNTL = 0xdc,
       CFG_RCBA = 0xf0,
       PIRQS = 8,
};

static const PciClass ich9_class = {
    .name = "ICH9 LPC",
    .vendor = 0x8086,
    .device = 0x2918,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x060100,
    .revision = 2,
    .multifunction = true,
    .config_written = isa_bridge_config_written,
};

static void ich9_reset(uint8_t *config)
{
    config[CFG_PMBASE] = 0x01; /* an I/O base */
    config[CFG_GPIOBASE] = 0x01;
    config[CFG_SIRQ_CNTL] = 0x10;
}

static void ich9_writable(uint8_t *writable)
{
    static const struct {
        uint8_t offset, size, mask;
    } rows[] = {
        { 0x04, 2, 0x00 },
        { 0x05, 1, 0x01 },
        { CFG_PMBASE, 1, 0x80 },
        { CFG_PMBASE + 1, 1, 0xff },
        { CFG_ACPI_CNTL, 1, 0x87 },
        { CFG_GPIOBASE, 1, 0x80 },
        { CFG_GPIOBASE + 1, 1, 0xff },
        { CFG_GC, 1, 0x11 },
        { CFG_PIRQA, 4, 0x8f },
        { CFG_SIRQ_CNTL, 1, 0xff },
        { CFG_PIRQE, 4, 0x8f },
        { CFG_LPC_DECODE, 20, 0xff },
        { CFG_GEN_PMCON, 6, 0xff },
        { CFG_FWH, 8, 0xff },
        { CFG_FWH + 8, 2, 0xff },
        { CFG_BIOS_CNTL, 1, 0x3f },
        { CFG_RCBA, 1, 0x01 },
        { CFG_RCBA + 1, 1, 0xc0 },
        { CFG_RCBA + 2, 2, 0xff },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        memset(writable + rows[i].offset, rows[i].mask, rows[i].size);
    }
}

const IsaBridgeModel ich9_model = {
    .class = &ich9_class,
    .devfn = PCI_DEVFN(31, 0),
    .pirqs = PIRQS,
    .pirq = { CFG_PIRQA, CFG_PIRQA + 1, CFG_PIRQA + 2, CFG_PIRQA + 3, CFG_PIRQE, CFG_PIRQE + 1,
              CFG_PIRQE + 2, CFG_PIRQE + 3 },
    .reset = ich9_reset,
    .writable = ich9_writable,
};
