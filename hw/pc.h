/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PC_H
#define HW_PC_H
/* pc.h - the board: i440FX and PIIX3, as QEMU's `-M pc`, or Q35 and ICH9, as its `-M q35`. pc.c is
 * the wiring diagram, in order. */
#include "hw/block/block.h"
#include "hw/board.h"
#include "hw/char/chardev.h"
#include "hw/clock.h"
#include "hw/firmware_config.h"
#include "hw/iobus.h"
#include "hw/numa.h"
#include "hw/state.h"
#include "softmmu/physmap.h"

typedef struct Pc Pc;

enum { PC_SERIALS = 4, PC_IDE_DRIVES = 6, PC_FLOPPIES = 2, PC_FLASHES = 2, PC_MAX_CPUS = 255 };

/* Priorities in the physical map. The machine maps firmware with PC_PRIORITY_ROM. */
enum {
    PC_PRIORITY_RAM,
    PC_PRIORITY_ROM,
    PC_PRIORITY_PCI, /* what the guest moves about */
    PC_PRIORITY_CHIP,
    PC_PRIORITY_SHADOW, /* PAM and SMRAM */
};

#define PC_PCI_HOLE 0xc0000000u /* from here to 4 GiB there is no RAM */
#define PC_ECAM_BASE                                                                               \
    0xb0000000u                  /* Q35: configuration space in memory, 256 MiB; no RAM from here  \
                                  */
#define PC_Q35_SPLIT 0x80000000u /* Q35: with more RAM than fits below, so much is there */

/* What the local APICs and the chipset do to vCPUs. */
typedef enum PcCpuSignal {
    PC_CPU_INTR,  /* level of the INTR request (PIC through LINT0, or local APIC) */
    PC_CPU_NMI,   /* pulse */
    PC_CPU_SMI,   /* pulse */
    PC_CPU_INIT,  /* pulse */
    PC_CPU_SIPI,  /* pulse, `value` is the vector */
    PC_CPU_A20,   /* level, to all CPUs: the A20 gate is open */
    PC_CPU_IGNNE, /* pulse, to all CPUs: x87 errors are ignored until they are cleared */
} PcCpuSignal;

typedef struct PcConfig { /* all borrowed until pc_free */
    PhysMap *map;
    IoBus *io;
    Clock *clock;
    unsigned cpus, max_cpus;  /* that are there, and may be; 0: no more */
    const uint32_t *apic_ids; /* of all that may be, below 255; NULL: their numbers */
    const NumaNodes *numa;    /* NULL: there are no nodes */
    unsigned apic_id_limit;   /* above all that CPUs may have, also of those not there; 0: `cpus` */
    unsigned sockets, cores, threads; /* a socket's cores, a core's threads; 0: one of each a CPU */
    unsigned dies;                    /* that share a socket's cores */
    const char *cpu_type;             /* device of a CPU; NULL: none can be plugged in */
    uint32_t cpu_signature, cpu_features; /* CPUID leaf 1: EAX, EDX */
    CharDev *serial[PC_SERIALS];          /* NULL: port absent */
    /* Two on each of two channels, or, Q35, one on each of six ports. NULL: no drive, or nothing in
     * it. */
    BlockNode *ide[PC_IDE_DRIVES];
    bool ide_cdrom[PC_IDE_DRIVES];
    BlockNode *floppy[PC_FLOPPIES]; /* NULL: no medium */
    bool floppy_drive[PC_FLOPPIES]; /* there is a drive */
    BlockNode *flash[PC_FLASHES];   /* firmware, from 4 GiB down; NULL: none */
    bool hpet, acpi;
    bool q35;
    uint64_t tsc_hz;            /* of the guest's TSC, for the TSC-deadline timer */
    const BoardGlobal *globals; /* -global, for the board's own chips too; may be NULL */
    size_t n_globals;
    /* The hooks of BoardConfig (board.h). */
    void (*power)(void *opaque, BoardPower what, int status);
    void (*event)(void *opaque, const char *name, GVariant *data);
    void *(*host_end)(void *opaque, const Property *property, const char *id, bool *shared);
    void (*signal)(void *opaque, unsigned cpu, PcCpuSignal signal, unsigned value);
    uint64_t (*tsc)(void *opaque, unsigned cpu); /* that CPU's guest TSC now */
    /* The CPU that makes the access in progress: whose local APIC is meant. NULL: CPU 0. */
    unsigned (*current_cpu)(void *opaque);
    bool no_smm; /* there are no system management interrupts */
    /* Places between `cpus` and `max_cpus`, with cpu_type: makes a CPU that waits for a SIPI; one
     * is gone, and shall do nothing any more. */
    bool (*cpu_plug)(void *opaque, unsigned cpu, GError **error);
    void (*cpu_unplug)(void *opaque, unsigned cpu);
    bool nographic;                 /* firmware uses the first serial port as its console */
    const struct RomFiles *roms;    /* for option ROMs; may be NULL */
    const FirmwareConfig *firmware; /* NULL: nothing is given */
    struct Display *display;        /* these two as in BoardConfig */
    struct Input *input;
    void *opaque;
} PcConfig;

/* The map has 1 MiB of RAM or more. Maps RAM (below 3 GiB at 0, the rest at 4 GiB; 640 KiB hole and
 * PAM as i440FX), plugs in all chips. */
Pc *pc_new(const PcConfig *config, GError **error);
void pc_free(Pc *pc);
/* The last device of the command line is plugged in: firmware's tables can tell of them. What comes
 * later is hot-plugged. */
bool pc_ready(Pc *pc, GError **error); /* false: two have the same bootindex= */
void pc_reset(Pc *pc);                 /* the RESET line of the whole board */

/* For the vCPUs' bus. Vector of the highest pending interrupt, or -1. */
int pc_interrupt_ack(Pc *pc, unsigned cpu);
bool pc_apic_msr_read(Pc *pc, unsigned cpu, uint32_t msr,
                      uint64_t *value); /* APIC_BASE, x2APIC, TSC_DEADLINE */
bool pc_apic_msr_write(Pc *pc, unsigned cpu, uint32_t msr, uint64_t value);
uint8_t pc_tpr_read(Pc *pc, unsigned cpu); /* 0 to 15 */
void pc_tpr_write(Pc *pc, unsigned cpu, uint8_t value);
void pc_apic_init(Pc *pc, unsigned cpu);   /* the local APIC's part of INIT */
void pc_tsc_changed(Pc *pc, unsigned cpu); /* the guest wrote its TSC: the deadline moves */
void pc_smm_changed(Pc *pc, unsigned cpu, bool smm); /* SMRAM is visible while a CPU is in SMM */
void pc_ferr(Pc *pc); /* FERR# asserted: IRQ 13 until port F0 is written */

bool pc_cpu_there(const Pc *pc, unsigned cpu);
const struct Device *pc_cpu_device(const Pc *pc, unsigned cpu); /* NULL: it is none, or not there */

void pc_power_button(Pc *pc);
bool pc_is_asleep(const Pc *pc);  /* in S3 */
bool pc_wants_wake(const Pc *pc); /* in S3, and something has happened that ends it */
void pc_wake(Pc *pc);             /* instead of pc_reset */
/* What firmware would do behind pc_wake, where there is none; gives the address where the operating
 * system goes on in real mode, 0: nowhere. */
uint32_t pc_waking_vector(Pc *pc);
/* The firmware configuration has another -boot order=; once= is over. */
void pc_boot_order_changed(Pc *pc);
/* pc_text.c: `info pic`, `info lapic`. */
void pc_interrupts_text(const Pc *pc, GString *text);
void pc_lapic_text(const Pc *pc, unsigned cpu, GString *text);
void pc_nmi_button(Pc *pc);

/* RAM below and above the PCI hole, for the e820 map. */
uint64_t pc_low_ram(const Pc *pc);
uint64_t pc_high_ram(const Pc *pc);
bool pc_has_ecam(const Pc *pc); /* at PC_ECAM_BASE */

/* Firmware is absent (direct kernel boot): does what it would have done, after every reset. Puts
 * ACPI tables and SMBIOS into guest RAM, places the PM registers and PCI windows, routes PCI
 * interrupts, leaves the bootstrap processor's local APIC in virtual wire mode.  [0xf0000, 1 MiB)
 * and the table area are to be reserved. */
typedef struct PcTables {
    uint64_t rsdp;
    uint64_t acpi_base, acpi_size; /* ACPI reclaimable area at the top of low RAM */
    uint64_t smbios;               /* entry point, in the F segment */
} PcTables;
bool pc_install_tables(Pc *pc, PcTables *tables, GError **error); /* false: too little RAM */

/* fw_cfg: adds a named file or sets an item; copies. */
void pc_fw_cfg_item(Pc *pc, uint16_t key, const void *data, size_t size);
void pc_fw_cfg_file(Pc *pc, const char *name, const void *data, size_t size);

/* Every device that has state, in a fixed order; `instance` tells equal ones apart. */
void pc_each_state(Pc *pc, StateVisit *visit, void *opaque);

/* The tree of devices, for -device, `info qtree` ... */
Board *pc_board(Pc *pc);

#define PC_ERROR pc_error_quark()
GQuark pc_error_quark(void);
typedef enum PcError { PC_ERROR_RAM, PC_ERROR_CPUS, PC_ERROR_FIRMWARE } PcError;

#endif
