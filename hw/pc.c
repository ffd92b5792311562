/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pc.h"
#include "hw/device_types.h"
#include "hw/pc_int.h"
#include "hw/pci/pci_int.h"

/* pc.c - the wiring diagram: what is plugged in where, in order. */

G_DEFINE_QUARK(pc - error - quark, pc_error)

enum { MIN_RAM = 1 << 20, CONVENTIONAL_END = 0xa0000, EXTENDED_START = 0x100000 };
#define HIGH_RAM_START (1ull << 32)

/* ---- What chips ask of the machine ---- */

unsigned pc_current_cpu(void *opaque)
{
    const Pc *pc = opaque;

    return pc->config.current_cpu != NULL ? pc->config.current_cpu(pc->config.opaque) : 0;
}

static void pc_reset_request(void *opaque)
{
    Pc *pc = opaque;

    board_power(pc->board, BOARD_POWER_RESET, 0);
}

static void pc_power_off(void *opaque)
{
    Pc *pc = opaque;

    board_power(pc->board, BOARD_POWER_OFF, 0);
}

static void pc_sleep(void *opaque, unsigned type)
{
    Pc *pc = opaque;

    board_power(pc->board, type == ACPI_PM_S3_TYPE ? BOARD_POWER_SUSPEND : BOARD_POWER_HIBERNATE,
                0);
}

static void pc_wake_wanted(void *opaque)
{
    Pc *pc = opaque;

    board_power(pc->board, BOARD_POWER_WAKE, 0);
}

static void pc_smi(void *opaque)
{
    Pc *pc = opaque;

    pc->config.signal(pc->config.opaque, pc_current_cpu(pc), PC_CPU_SMI, 0);
}

/* The 8042 and port 92 drive one gate; the last one to write wins, and both read it back. */
static void pc_a20_from_kbc(void *opaque, bool open)
{
    Pc *pc = opaque;

    if (pc->port92 != NULL) {
        port92_set_a20(pc->port92, open);
    }
    pc_signal_all(pc, PC_CPU_A20, open);
}

static void pc_a20_from_port92(void *opaque, bool open)
{
    Pc *pc = opaque;

    i8042_set_a20(pc->kbc, open);
    pc_signal_all(pc, PC_CPU_A20, open);
}

/* ---- Building ---- */

static void pc_map_ram(Pc *pc)
{
    PhysMap *map = pc->config.map;
    uint64_t ram = phys_map_ram_size(map);

    if (pc->config.q35) {
        pc->low_ram = ram >= PC_ECAM_BASE ? PC_Q35_SPLIT : ram;
    } else {
        pc->low_ram = MIN(ram, PC_PCI_HOLE);
    }
    pc->high_ram = ram - pc->low_ram;
    phys_map_begin(map);
    pc->ram[0] = phys_map_add_ram(map, 0, 0, CONVENTIONAL_END, PC_PRIORITY_RAM);
    if (pc->low_ram > EXTENDED_START) {
        pc->ram[1] = phys_map_add_ram(map, EXTENDED_START, EXTENDED_START,
                                      pc->low_ram - EXTENDED_START, PC_PRIORITY_RAM);
    }
    if (pc->high_ram != 0) {
        pc->ram[2] = phys_map_add_ram(map, HIGH_RAM_START, pc->low_ram, pc->high_ram,
                                      PC_PRIORITY_RAM);
    }
    phys_map_commit(map);
}

static void pc_plug_bridges(Pc *pc)
{
    const HostBridgeModel *north = pc->config.q35 ? &q35_model : &i440fx_model;
    const IsaBridgeModel *south = pc->config.q35 ? &ich9_model : &piix3_model;
    const AcpiPmHost pm = {
        .sci = pc_isa_line(pc, ACPI_PM_SCI_IRQ, IRQ_SCI),
        .smi = pc->config.no_smm ? NULL : pc_smi,
        .power_off = pc_power_off,
        .sleep = pc_sleep,
        .wake = pc_wake_wanted,
        .opaque = pc,
    };
    IoBus *io = pc->config.io;

    pc->pci = pci_bus_new(pc->board, pc->config.q35 ? "pcie.0" : "pci.0", pc_pci_irq, pc);
    if (pc->config.q35) {
        pci_bus_set_wires(pc->pci, pc_q35_wire);
    }
    pc->bridge = host_bridge_new(north, pc->config.map, io, pc->pci, PC_PRIORITY_SHADOW);
    pc->isa_bridge = isa_bridge_new(south, pc->pci, io, pc_pirq_irq, pc_reset_request, pc);
    if (pc->config.acpi && pc->config.q35) {
        pc->pm = acpi_pm_new_ich9(pc->isa_bridge, io, pc->config.clock, &pm);
    } else if (pc->config.acpi) {
        pc->pm = acpi_pm_new(pc->pci, io, pc->config.clock, &pm);
        pc->hotplug = pci_hotplug_new(io, pc->pci, pc->pm);
    }
    if (pc->pm != NULL) {
        pc->cpu_hotplug = cpu_hotplug_new(io, pc->config.q35 ? CPU_HOTPLUG_ICH9 : CPU_HOTPLUG_PIIX4,
                                          pc->cpus, pc->pm, pc->board);
    }
}

static void pc_plug_legacy(Pc *pc)
{
    IoBus *io = pc->config.io;
    Clock *clock = pc->config.clock;

    pc->pit = pit_new(io, clock, pc_pit_line(pc));
    pc->port61 = port61_new(io, pc->pit, clock);
    pc->rtc = rtc_new(io, clock, pc_rtc_line(pc));
    pc->kbc = i8042_new(io, clock, pc_isa_line(pc, 1, IRQ_ISA), pc_isa_line(pc, 12, IRQ_ISA),
                        pc_a20_from_kbc, pc_reset_request, pc);
    if (pc->config.input != NULL) {
        pc->ps2 = ps2_input_new(pc->config.input, i8042_keyboard(pc->kbc), i8042_mouse(pc->kbc));
    }
    pc->port92 = port92_new(io, pc_a20_from_port92, pc_reset_request, pc);
    pc->dma = pc->isa.dma = dma_new(io, pc->config.map);
    if (pc->config.hpet) {
        HpetWires wires = pc_hpet_wires(pc);

        pc->hpet = hpet_new(pc->config.map, HPET_BASE, clock, &wires);
    }
}

static void pc_plug_serial(Pc *pc)
{
    for (unsigned i = 0; i < PC_SERIALS; i++) {
        g_autofree char *index = g_strdup_printf("%u", i);
        const DeviceSetting settings[] = {
            { "index", index, NULL },
            { "chardev", NULL, pc->config.serial[i] },
            { 0 },
        };

        if (pc->config.serial[i] != NULL) {
            board_plug(pc->board, &isa_serial_type, &pc->isa.bus, settings);
        }
    }
}

static bool pc_plug_drive(Pc *pc, unsigned index, GError **error)
{
    unsigned units = pc->config.q35 ? 1 : 2;
    BlockNode *node = pc->config.ide[index];
    const DeviceSetting settings[] = {
        { "unit", index % units == 0 ? "0" : "1", NULL },
        { node != NULL ? "drive" : NULL, node != NULL ? block_id(node) : NULL, node },
        { 0 },
    };

    return device_new(pc->board, pc->config.ide_cdrom[index] ? &ide_cd_type : &ide_hd_type,
                      ide_bus_find(pc->disks, index / units), settings, error) != NULL;
}

static bool pc_plug_disks(Pc *pc, GError **error)
{
    const IrqLine lines[] = { pc_isa_line(pc, 14, IRQ_ISA), pc_isa_line(pc, 15, IRQ_ISA) };
    const DeviceSetting piix3[] = { { "addr", "01.1", NULL }, { "irq-lines", NULL, lines }, { 0 } };
    const DeviceSetting ich9[] = { { "addr", "1f.2", NULL },
                                   { "multifunction", "on", NULL },
                                   { 0 } };

    pc->disks = pc->config.q35 ? board_plug(pc->board, &ich9_ahci_type, NULL, ich9)
                               : board_plug(pc->board, &piix3_ide_type, NULL, piix3);
    for (unsigned i = 0; i < PC_IDE_DRIVES; i++) {
        if ((pc->config.ide[i] != NULL || pc->config.ide_cdrom[i]) &&
            !pc_plug_drive(pc, i, error)) {
            return false;
        }
    }
    return true;
}

static void pc_plug_floppies(Pc *pc)
{
    pc->fdc = board_plug(pc->board, &isa_fdc_type, &pc->isa.bus, NULL);
    for (unsigned i = 0; i < PC_FLOPPIES; i++) {
        const DeviceSetting settings[] = {
            { "unit", i == 0 ? "0" : "1", NULL },
            { pc->config.floppy[i] != NULL ? "drive" : NULL, NULL, pc->config.floppy[i] },
            { 0 },
        };

        if (pc->config.floppy_drive[i]) {
            board_plug(pc->board, &floppy_type, isa_fdc_bus(pc->fdc), settings);
        }
    }
}

static void pc_make_board(Pc *pc)
{
    const PcConfig *config = &pc->config;
    const BoardConfig board = {
        .map = config->map,
        .io = config->io,
        .clock = config->clock,
        .power = config->power,
        .event = config->event,
        .host_end = config->host_end,
        .roms = config->roms,
        .display = config->display,
        .input = config->input,
        .opaque = config->opaque,
    };

    pc->board = board_new(&board);
    for (size_t i = 0; i < config->n_globals; i++) {
        const BoardGlobal *global = &config->globals[i];

        board_add_global(pc->board, global->driver, global->property, global->value);
    }
    isa_bus_init(&pc->isa, pc->board, "isa.0", pc_isa_out(pc), IRQ_SOURCES);
}

/* Firmware in flash, one below the other. */
static bool pc_plug_flash(Pc *pc, GError **error)
{
    enum { LOW_SIZE = 128 << 10 };
    PhysMap *map = pc->config.map;
    uint64_t top = HIGH_RAM_START;

    for (unsigned i = 0; i < PC_FLASHES && pc->config.flash[i] != NULL; i++) {
        uint64_t size = block_size(pc->config.flash[i]);

        top -= MIN(size, top);
        pc->flash[i] = pflash_new(map, top, pc->config.flash[i], PC_PRIORITY_ROM, error);
        if (pc->flash[i] == NULL) {
            return false;
        }
    }
    if (pc->flash[0] != NULL) {
        uint64_t size = pflash_size(pc->flash[0]), low = MIN(size, LOW_SIZE);

        pc->flash_low = phys_map_add_rom(map, EXTENDED_START - low,
                                         pflash_data(pc->flash[0]) + size - low, low,
                                         PC_PRIORITY_ROM);
    }
    return true;
}

static void pc_unplug_flash(Pc *pc)
{
    for (unsigned i = 0; i < PC_FLASHES; i++) {
        g_clear_pointer(&pc->flash[i], pflash_free);
    }
    if (pc->flash_low != NULL) {
        phys_range_remove(pc->config.map, pc->flash_low);
    }
}

Pc *pc_new(const PcConfig *config, GError **error)
{
    bool disks;
    Pc *pc;

    if (phys_map_ram_size(config->map) < MIN_RAM) {
        g_set_error(error, PC_ERROR, PC_ERROR_RAM, "a PC needs at least 1 MiB of RAM");
        return NULL;
    }
    if (config->cpus < 1 || MAX(config->cpus, config->max_cpus) > PC_MAX_CPUS) {
        g_set_error(error, PC_ERROR, PC_ERROR_CPUS, "a PC has 1 to %d CPUs, not %u", PC_MAX_CPUS,
                    MAX(config->cpus, config->max_cpus));
        return NULL;
    }
    pc = g_new0(Pc, 1);
    pc->config = *config;
    if (!pc_plug_flash(pc, error)) {
        pc_unplug_flash(pc);
        g_free(pc);
        return NULL;
    }
    pc_make_board(pc);
    pc_map_ram(pc);
    pc_cpus_new(pc);
    pc_interrupts_new(pc);
    pc_plug_bridges(pc);
    pc_plug_legacy(pc);
    pc_plug_serial(pc);
    disks = pc_plug_disks(pc, error);
    pc_plug_floppies(pc);
    pc_firmware_new(pc);
    if (!disks) {
        pc_free(pc);
        return NULL;
    }
    pc_reset(pc);
    return pc;
}

void pc_free(Pc *pc)
{
    board_unplug_all(pc->board); /* while there is somebody who hears that their wires fall */
    bus_clear(&pc->isa.bus);
    pc_firmware_free(pc);
    g_clear_pointer(&pc->hpet, hpet_free);
    dma_free(pc->dma);
    port92_free(pc->port92);
    ps2_input_free(pc->ps2);
    i8042_free(pc->kbc);
    rtc_free(pc->rtc);
    port61_free(pc->port61);
    pit_free(pc->pit);
    g_clear_pointer(&pc->hotplug, pci_hotplug_free);
    g_clear_pointer(&pc->cpu_hotplug, cpu_hotplug_free);
    g_clear_pointer(&pc->pm, acpi_pm_free);
    isa_bridge_free(pc->isa_bridge);
    host_bridge_free(pc->bridge);
    pci_bus_free(pc->pci);
    pc_interrupts_free(pc);
    cpu_slots_free(pc->cpus);
    pc_unplug_flash(pc);
    for (unsigned i = 0; i < G_N_ELEMENTS(pc->ram); i++) {
        if (pc->ram[i] != NULL) {
            phys_range_remove(pc->config.map, pc->ram[i]);
        }
    }
    board_free(pc->board);
    g_free(pc);
}

/* Sources of interrupts first, so that what they drop is dropped before the controllers forget. */
/* All but the host bridge, which says where shadow RAM is. */
static void pc_reset_chips(Pc *pc)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(pc->smm); i++) {
        pc->smm[i] = 0;
    }
    if (pc->hotplug != NULL) {
        pci_hotplug_reset(pc->hotplug);
    }
    if (pc->cpu_hotplug != NULL) {
        cpu_hotplug_reset(pc->cpu_hotplug);
    }
    board_reset(pc->board);
    if (pc->pm != NULL) {
        acpi_pm_reset(pc->pm);
    }
    if (pc->hpet != NULL) {
        hpet_reset(pc->hpet);
    }
    for (unsigned i = 0; i < PC_FLASHES && pc->flash[i] != NULL; i++) {
        pflash_reset(pc->flash[i]);
    }
    dma_reset(pc->dma);
    i8042_reset(pc->kbc);
    port92_reset(pc->port92);
    rtc_reset(pc->rtc);
    port61_reset(pc->port61);
    pit_reset(pc->pit);
    pc_set_isa_irq(pc, 13, IRQ_ISA, false);
    isa_bridge_reset(pc->isa_bridge);
    pic_reset(pc->pic);
    ioapic_reset(pc->ioapic);
    lapic_bus_reset(pc->lapics);
    fwcfg_reset(pc->fw);
    pc_firmware_reset(pc);
    /* Open after a reset, as firmware would leave it. */
    i8042_set_a20(pc->kbc, true);
    pc_a20_from_kbc(pc, true);
}

void pc_reset(Pc *pc)
{
    host_bridge_reset(pc->bridge);
    pc_reset_chips(pc);
}

bool pc_is_asleep(const Pc *pc)
{
    return pc->pm != NULL && acpi_pm_is_asleep(pc->pm);
}

bool pc_wants_wake(const Pc *pc)
{
    return pc->pm != NULL && acpi_pm_wants_wake(pc->pm);
}

/* Firmware in shadow RAM is to see that it has run, and by CMOS that this is no reboot. */
void pc_wake(Pc *pc)
{
    AcpiWake reason = acpi_pm_wake_reason(pc->pm);

    pc_reset_chips(pc);
    pc_firmware_wake(pc);
    acpi_pm_wake(pc->pm, reason);
}

/* ---- For the vCPUs ---- */

bool pc_apic_msr_read(Pc *pc, unsigned cpu, uint32_t msr, uint64_t *value)
{
    return lapic_msr_read(pc->lapics, cpu, msr, value);
}

bool pc_apic_msr_write(Pc *pc, unsigned cpu, uint32_t msr, uint64_t value)
{
    return lapic_msr_write(pc->lapics, cpu, msr, value);
}

uint8_t pc_tpr_read(Pc *pc, unsigned cpu)
{
    return lapic_tpr(pc->lapics, cpu);
}

void pc_tpr_write(Pc *pc, unsigned cpu, uint8_t value)
{
    lapic_set_tpr(pc->lapics, cpu, value);
}

void pc_apic_init(Pc *pc, unsigned cpu)
{
    lapic_init(pc->lapics, cpu);
}

void pc_tsc_changed(Pc *pc, unsigned cpu)
{
    lapic_tsc_changed(pc->lapics, cpu);
}

void pc_smm_changed(Pc *pc, unsigned cpu, bool smm)
{
    uint64_t bit = 1ull << (cpu % 64), any = 0;

    pc->smm[cpu / 64] = smm ? pc->smm[cpu / 64] | bit : pc->smm[cpu / 64] & ~bit;
    for (unsigned i = 0; i < G_N_ELEMENTS(pc->smm); i++) {
        any |= pc->smm[i];
    }
    host_bridge_set_smm(pc->bridge, any != 0);
}

void pc_power_button(Pc *pc)
{
    if (pc->pm != NULL) {
        acpi_pm_power_button(pc->pm);
    }
}

void pc_nmi_button(Pc *pc)
{
    if (!rtc_nmi_masked(pc->rtc)) {
        lapic_bus_set_lint(pc->lapics, LAPIC_LINT1, true);
        lapic_bus_set_lint(pc->lapics, LAPIC_LINT1, false);
    }
}

uint64_t pc_low_ram(const Pc *pc)
{
    return pc->low_ram;
}

bool pc_has_ecam(const Pc *pc)
{
    return pc->config.q35;
}

uint64_t pc_high_ram(const Pc *pc)
{
    return pc->high_ram;
}

void pc_fw_cfg_item(Pc *pc, uint16_t key, const void *data, size_t size)
{
    fwcfg_set(pc->fw, key, data, size);
}

void pc_fw_cfg_file(Pc *pc, const char *name, const void *data, size_t size)
{
    fwcfg_set_file(pc->fw, name, data, size);
}

Board *pc_board(Pc *pc)
{
    return pc->board;
}

/* ---- Snapshots ---- */

void pc_each_state(Pc *pc, StateVisit *visit, void *opaque)
{
    visit(opaque, &pc_irq_state, 0, pc);
    for (unsigned i = 0; i < PCI_DEVFN_COUNT; i++) {
        const PciDevice *chip = pci_bus_device(pc->pci, i);

        if (chip != NULL && chip->device.type == NULL) {
            visit(opaque, &pci_device_state, i, pci_bus_device(pc->pci, i));
        }
    }
    visit(opaque, &host_bridge_state, 0, pc->bridge);
    visit(opaque, &isa_bridge_state, 0, pc->isa_bridge);
    if (pc->pm != NULL) {
        visit(opaque, &acpi_pm_state, 0, pc->pm);
    }
    if (pc->hotplug != NULL) {
        visit(opaque, &pci_hotplug_state, 0, pc->hotplug);
    }
    if (pc->cpu_hotplug != NULL) {
        cpu_hotplug_each_state(pc->cpu_hotplug, visit, opaque);
    }
    visit(opaque, &pit_state, 0, pc->pit);
    visit(opaque, &port61_state, 0, pc->port61);
    visit(opaque, &rtc_state, 0, pc->rtc);
    visit(opaque, &i8042_state, 0, pc->kbc);
    visit(opaque, &ps2_keyboard_state, 0, i8042_keyboard(pc->kbc));
    visit(opaque, &ps2_mouse_state, 0, i8042_mouse(pc->kbc));
    visit(opaque, &port92_state, 0, pc->port92);
    visit(opaque, &dma_state, 0, pc->dma);
    for (unsigned i = 0; i < PC_FLASHES && pc->flash[i] != NULL; i++) {
        visit(opaque, &pflash_state, i, pc->flash[i]);
    }
    if (pc->hpet != NULL) {
        visit(opaque, &hpet_state, 0, pc->hpet);
    }
    visit(opaque, &fwcfg_state, 0, pc->fw);
    visit(opaque, &pic_state, 0, pc->pic);
    visit(opaque, &ioapic_state, 0, pc->ioapic);
    for (unsigned i = 0; i < pc_cpu_places(pc); i++) {
        if (pc_cpu_there(pc, i)) {
            visit(opaque, &lapic_state, i, lapic_state_device(pc->lapics, i));
        }
    }
    board_each_state(pc->board, visit, opaque);
}
