/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_I440FX_H
#define HW_PCI_I440FX_H
/* i440fx.h - the host bridge (82441FX PMC datasheet): configuration mechanism 1 at CF8 and CFC, the
 * shadow RAM of C0000 to FFFFF (PAM registers) and SMRAM at A0000.
 *
 * RAM offsets A0000 to FFFFF of the map belong to it; the board places the rest.  A segment whose
 * reads come from ROM while writes go to RAM is read from the ROM's place below 4 GiB, as the
 * chip does; the option ROM area reads as ones then.  RAM is visible at A0000 to all CPUs while
 * one of them is in SMM. */
#include "hw/pci/pci.h"
#include "hw/state.h"

typedef struct I440fx I440fx;

enum {
    I440FX_ISA_BASE = 0xa0000,
    I440FX_PAM_BASE = 0xc0000,
    I440FX_PAM_END = 0x100000,
    I440FX_PAM_SEGMENTS = 13,
};

/* What a PAM segment does; its bits in the register. */
typedef enum PamMode { PAM_ROM, PAM_READ_RAM, PAM_WRITE_RAM, PAM_RAM } PamMode;

/* `priority`: of shadow RAM and SMRAM, above ROM and devices. The map has 1 MiB of RAM or more. */
I440fx *i440fx_new(PhysMap *map, IoBus *io, PciBus *bus, int priority);
void i440fx_free(I440fx *bridge);
void i440fx_reset(I440fx *bridge);
/* Whether a CPU is in system management mode. */
void i440fx_set_smm(I440fx *bridge, bool smm);
/* What firmware does: all segments in [first, last] (guest physical addresses). */
void i440fx_set_pam(I440fx *bridge, uint32_t first, uint32_t last, PamMode mode);

extern const StateTable i440fx_state;
PciDevice *i440fx_pci(I440fx *bridge);

#endif
