/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PCI_HOST_BRIDGE_H
#define HW_PCI_HOST_BRIDGE_H
/* host_bridge.h - what the host bridges of PCs have in common: configuration mechanism 1 at CF8 and
 * CFC, the shadow RAM of C0000 to FFFFF (PAM registers), SMRAM at A0000, and, with PCI Express, the
 * configuration space in memory (PCIEXBAR).
 *
 * RAM offsets A0000 to FFFFF of the map belong to it; the board places the rest.  A segment whose
 * reads come from ROM while writes go to RAM is read from the ROM's place below 4 GiB, as the
 * chips do; the option ROM area reads as ones then.  RAM is visible at A0000 to all CPUs while
 * one of them is in SMM. */
#include "hw/pci/pci.h"
#include "hw/state.h"

typedef struct HostBridge HostBridge;

enum {
    HOST_BRIDGE_ISA_BASE = 0xa0000,
    HOST_BRIDGE_PAM_BASE = 0xc0000,
    HOST_BRIDGE_PAM_END = 0x100000,
    HOST_BRIDGE_PAM_SEGMENTS = 13,
};

/* What a PAM segment does; its bits in the register. */
typedef enum PamMode { PAM_ROM, PAM_READ_RAM, PAM_WRITE_RAM, PAM_RAM } PamMode;

typedef struct HostBridgeModel {
    const PciClass *class;          /* its config_written is host_bridge_config_written */
    uint8_t pam0, smram;            /* configuration registers: the first of 7, and one */
    uint8_t pciexbar;               /* of 8 bytes; 0: conventional PCI alone */
    void (*reset)(uint8_t *config); /* registers from 40 on, which are 0 */
    void (*writable)(uint8_t *writable);
} HostBridgeModel;

extern const HostBridgeModel i440fx_model; /* 82441FX PMC datasheet */
extern const HostBridgeModel q35_model;    /* Intel 3 Series Express Chipset, MCH datasheet */

/* `priority`: of shadow RAM and SMRAM, above ROM and devices. The map has 1 MiB of RAM or more. */
HostBridge *host_bridge_new(const HostBridgeModel *model, PhysMap *map, IoBus *io, PciBus *bus,
                            int priority);
void host_bridge_free(HostBridge *bridge);
void host_bridge_reset(HostBridge *bridge);
void host_bridge_config_written(void *bridge, unsigned offset, unsigned width);
/* Whether a CPU is in system management mode. */
void host_bridge_set_smm(HostBridge *bridge, bool smm);
/* What firmware does: all segments in [first, last] (guest physical addresses). */
void host_bridge_set_pam(HostBridge *bridge, uint32_t first, uint32_t last, PamMode mode);

extern const StateTable host_bridge_state;
PciDevice *host_bridge_pci(HostBridge *bridge);

#endif
