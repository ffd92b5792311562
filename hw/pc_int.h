/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PC_INT_H
#define HW_PC_INT_H
/* pc_int.h - the board, for its files: pc.c plugs the chips in, pc_irq.c has the interrupt wires,
 * pc_firmware.c what the board tells firmware, or does in its place. */
#include "hw/acpi/cpu_hotplug.h"
#include "hw/acpi/pci_hotplug.h"
#include "hw/acpi/pm.h"
#include "hw/acpi/smbios.h"
#include "hw/acpi/tables.h"
#include "hw/dma8237.h"
#include "hw/floppy/isa_fdc.h"
#include "hw/fwcfg.h"
#include "hw/hpet.h"
#include "hw/i8042.h"
#include "hw/input/ps2_input.h"
#include "hw/ide/ide.h"
#include "hw/ide/ide_bus.h"
#include "hw/ioapic.h"
#include "hw/isa.h"
#include "hw/lapic.h"
#include "hw/pc.h"
#include "hw/pci/host_bridge.h"
#include "hw/pci/pci.h"
#include "hw/pci/isa_bridge.h"
#include "hw/pic8259.h"
#include "hw/pflash.h"
#include "hw/pit8254.h"
#include "hw/port61.h"
#include "hw/port92.h"
#include "hw/rtc.h"

/* Interrupt lines that several outputs share are ORed: each output has its bit. */
typedef enum PcIrqSource {
    IRQ_ISA,
    IRQ_PIRQ,
    IRQ_SCI,
    IRQ_HPET,
    IRQ_SOURCES, /* those of devices that are plugged in follow */
} PcIrqSource;

struct Pc {
    PcConfig config;
    Board *board;
    IsaBus isa;
    uint64_t low_ram, high_ram;
    PhysRange *ram[3]; /* conventional memory, extended memory, above 4 GiB */

    CpuSlots *cpus;
    CpuHotplug *cpu_hotplug; /* NULL: -no-acpi */
    LapicBus *lapics;
    IoApic *ioapic;
    Pic *pic;
    PciBus *pci;
    HostBridge *bridge;
    IsaBridge *isa_bridge;
    PciHotplug *hotplug; /* NULL: there is none */
    AcpiPm *pm;          /* NULL: -no-acpi */
    Pit *pit;
    Port61 *port61;
    Rtc *rtc;
    I8042 *kbc;
    Ps2Input *ps2; /* NULL: nobody sends keys */
    Port92 *port92;
    Dma *dma;
    Hpet *hpet;
    Device *disks; /* piix3-ide or ich9-ahci */
    Device *fdc;
    Pflash *flash[PC_FLASHES];
    PhysRange *flash_low; /* the end of the first one, below 1 MiB */
    FwCfg *fw;
    IoAttachment *ferr_ports;
    AcpiTables *tables;
    Smbios *smbios;

    uint32_t hpet_pins; /* I/O APIC inputs that the HPET holds high */
    bool hpet_legacy;   /* the HPET has taken IRQ 0 and IRQ 8 */
    bool pit_out, rtc_out;
    bool cpus_changed;                     /* since the tables were made */
    bool booted;                           /* -boot once= is over */
    uint64_t smm[(PC_MAX_CPUS + 63) / 64]; /* CPUs in SMM */
};

/* pc_cpus.c: CPUs that come and go. */
void pc_cpus_new(Pc *pc); /* before whoever asks which are there */
/* pc_firmware.c */
void pc_firmware_cpus(Pc *pc); /* how many there are has changed */
/* pc.c */
unsigned pc_current_cpu(void *pc);
unsigned pc_serial_mask(const Pc *pc); /* a bit for each of COM1 to COM4 that is there */

static inline unsigned pc_cpu_places(const Pc *pc)
{
    return MAX(pc->config.max_cpus, pc->config.cpus);
}

static inline unsigned pc_apic_id(const Pc *pc, unsigned cpu)
{
    return pc->config.apic_ids != NULL ? pc->config.apic_ids[cpu] : cpu;
}

/* pc_irq.c */
IrqLine pc_isa_line(Pc *pc, unsigned irq, PcIrqSource source);
void pc_set_isa_irq(Pc *pc, unsigned irq, PcIrqSource source, bool level);
IrqLine pc_isa_out(Pc *pc);     /* where the bus's lines lead */
void pc_interrupts_new(Pc *pc); /* local APICs, I/O APIC, 8259s, FERR */
void pc_interrupts_free(Pc *pc);
IrqLine pc_pit_line(Pc *pc);
IrqLine pc_rtc_line(Pc *pc);
HpetWires pc_hpet_wires(Pc *pc);
void pc_pci_irq(void *pc, unsigned pin, bool level);
void pc_pirq_irq(void *pc, unsigned irq, bool level);
unsigned pc_pirq(const Pc *pc, unsigned wire); /* that a wire of the PCI bus is */
unsigned pc_q35_wire(unsigned slot, unsigned intx);
void pc_signal_all(Pc *pc, PcCpuSignal signal, unsigned value);
extern const StateTable pc_irq_state;

/* pc_firmware.c */
void pc_firmware_new(Pc *pc); /* fw_cfg, CMOS, tables */
void pc_firmware_wake(Pc *pc);
void pc_firmware_free(Pc *pc);
void pc_firmware_reset(Pc *pc);
uint16_t pc_level_irqs(void); /* ISA interrupts that PIRQs go to, without firmware */

/* pc_disks.c: of CMOS */
void pc_disks_cmos(Pc *pc);

/* pc_bios_area.c: the F segment, whose RAM can be written meanwhile, is unused from `free` on. */
void pc_bios_area_install(Pc *pc, uint32_t free);

#endif
