/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include "hw/device_types.h"
#include "hw/isa_serial.h"
#include "hw/boot_order.h"
#include "hw/pc_int.h"
#include "hw/pci/pci_setup.h"
#include "hw/pvpanic.h"
#include "hw/vmcoreinfo.h"

/* pc_firmware.c - what the board tells its firmware (CMOS, fw_cfg), and what it does in its place
 * when a kernel is started directly. */

enum { /* CMOS, as QEMU's firmware reads it */
       CMOS_SHUTDOWN = 0x0f,
       CMOS_FLOPPIES = 0x10,
       CMOS_EQUIPMENT = 0x14,
       CMOS_BASE_MEMORY = 0x15,
       CMOS_EXTENDED = 0x17,
       CMOS_CHECKSUM = 0x2e,
       CMOS_EXTENDED_ACTUAL = 0x30,
       CMOS_ABOVE_16M = 0x34,
       CMOS_BOOT_THIRD = 0x38,
       CMOS_BOOT = 0x3d,
       CMOS_HIGH_MEMORY = 0x5b,
       CMOS_CPUS = 0x5f,
       EQUIPMENT_FPU = 1u << 1,
       EQUIPMENT_MOUSE = 1u << 2,
       EQUIPMENT_FLOPPY = 1u << 0, /* and their number less one in bits 6 and 7 */
       EQUIPMENT_FLOPPIES = 6,
};

enum { /* numbered fw_cfg items of x86 */
       FWCFG_IRQ0_OVERRIDE = 0x8002,
};

enum { E820_RAM = 1 };

typedef struct __attribute__((packed)) E820Entry {
    uint64_t base, size;
    uint32_t type;
} E820Entry;

enum {
    PCI_IO_BASE = 0xc000,
    PCI_IO_END = 0x10000,
    PCI_MEMORY_END = 0xfebf0000,
    F_SEGMENT = 0xf0000,
    SMBIOS_MAX = 0xc000, /* behind it are multiprocessor tables and code */
    RSDP_OFFSET = 0x40,
    SMBIOS_OFFSET = 0x80,
    Q35_PCIEXBAR = 0x60,
    ELCR_LOW = 0x4d0,
    ELCR_HIGH = 0x4d1,
    TABLE_PAGE = 0x1000,
    TABLE_MIN_RAM = 2 << 20, /* so that tables stay clear of the first megabyte */
    MIB = 1 << 20,
    KIB = 1 << 10,
    CMOS_UNIT = 64 * KIB,
};
#define PCI_MEMORY_BASE 0xe0000000u

static const uint8_t pirq_routes[ISA_BRIDGE_PIRQS] = { 10, 10, 11, 11, 10, 10, 11, 11 };

/* ---- CMOS ---- */

static void cmos_word(Pc *pc, unsigned index, uint64_t value)
{
    value = MIN(value, UINT16_MAX);
    rtc_cmos_set(pc->rtc, index, (uint8_t)value);
    rtc_cmos_set(pc->rtc, index + 1, (uint8_t)(value >> 8));
}

static uint8_t boot_device(char letter)
{
    switch (letter) {
    case 'a':
    case 'b':
        return 1;
    case 'c':
        return 2;
    case 'd':
        return 3;
    case 'n':
        return 4;
    default:
        return 0;
    }
}

/* The letters of -boot; "c" first, as QEMU has it. */
static void cmos_boot_order(Pc *pc)
{
    const FirmwareConfig *config = pc->config.firmware;
    const char *order = config != NULL && config->boot_order != NULL ? config->boot_order : "cad";
    uint8_t device[FIRMWARE_BOOT_DEVICES] = { 0 };

    if (config != NULL && config->boot_once != NULL && !pc->booted) {
        order = config->boot_once;
    }
    for (unsigned i = 0; i < FIRMWARE_BOOT_DEVICES && order[i] != '\0'; i++) {
        device[i] = boot_device(order[i]);
    }
    rtc_cmos_set(pc->rtc, CMOS_BOOT, (uint8_t)(device[0] | device[1] << 4));
    rtc_cmos_set(pc->rtc, CMOS_BOOT_THIRD, (uint8_t)(device[2] << 4));
}

static void cmos_floppies(Pc *pc)
{
    unsigned type[PC_FLOPPIES], n = 0;

    for (unsigned i = 0; i < PC_FLOPPIES; i++) {
        type[i] = isa_fdc_drive_type(pc->fdc, i);
        n += type[i] != FLOPPY_NONE;
    }
    rtc_cmos_set(pc->rtc, CMOS_FLOPPIES, (uint8_t)(type[0] << 4 | type[1]));
    rtc_cmos_set(pc->rtc, CMOS_EQUIPMENT,
                 (uint8_t)(EQUIPMENT_FPU | EQUIPMENT_MOUSE |
                           (n != 0 ? EQUIPMENT_FLOPPY | (n - 1) << EQUIPMENT_FLOPPIES : 0)));
}

static void cmos_fill(Pc *pc)
{
    uint16_t sum = 0;

    rtc_cmos_set(pc->rtc, CMOS_SHUTDOWN, 0);
    cmos_floppies(pc);
    pc_disks_cmos(pc);
    cmos_word(pc, CMOS_BASE_MEMORY, 640);
    cmos_word(pc, CMOS_EXTENDED, (pc->low_ram - MIB) / KIB);
    cmos_word(pc, CMOS_EXTENDED_ACTUAL, (pc->low_ram - MIB) / KIB);
    cmos_word(pc, CMOS_ABOVE_16M,
              pc->low_ram > 16 * MIB ? (pc->low_ram - 16 * MIB) / CMOS_UNIT : 0);
    for (unsigned i = 0; i < 3; i++) {
        rtc_cmos_set(pc->rtc, CMOS_HIGH_MEMORY + i, (uint8_t)(pc->high_ram / CMOS_UNIT >> (8 * i)));
    }
    rtc_cmos_set(pc->rtc, CMOS_CPUS, (uint8_t)(cpu_slots_count(pc->cpus) - 1));
    cmos_boot_order(pc);
    for (unsigned i = CMOS_FLOPPIES; i < CMOS_CHECKSUM; i++) {
        sum = (uint16_t)(sum + rtc_cmos_get(pc->rtc, i));
    }
    rtc_cmos_set(pc->rtc, CMOS_CHECKSUM, (uint8_t)(sum >> 8)); /* high byte first */
    rtc_cmos_set(pc->rtc, CMOS_CHECKSUM + 1, (uint8_t)sum);
}

/* ---- fw_cfg ---- */

/* The number of nodes, the node of each APIC ID, the memory of each node. */
static void fwcfg_numa(Pc *pc, unsigned ids)
{
    const NumaNodes *numa = pc->config.numa;
    unsigned nodes = numa != NULL ? numa->nodes : 0;
    g_autofree uint64_t *item = g_new0(uint64_t, 1 + ids + nodes);

    item[0] = GUINT64_TO_LE(nodes);
    for (unsigned i = 0; numa != NULL && i < pc_cpu_places(pc); i++) {
        item[1 + pc_apic_id(pc, i)] = GUINT64_TO_LE(numa->cpu_node[i]);
    }
    for (unsigned i = 0; i < nodes; i++) {
        item[1 + ids + i] = GUINT64_TO_LE(numa->memory[i]);
    }
    fwcfg_set(pc->fw, FWCFG_NUMA, item, (1 + ids + nodes) * sizeof(item[0]));
}

static void fwcfg_fill(Pc *pc)
{
    unsigned ids = MAX(pc->config.apic_id_limit, pc_cpu_places(pc));
    E820Entry map[2] = {
        { 0, GUINT64_TO_LE(pc->low_ram), GUINT32_TO_LE(E820_RAM) },
        { GUINT64_TO_LE(1ull << 32), GUINT64_TO_LE(pc->high_ram), GUINT32_TO_LE(E820_RAM) },
    };
    static const uint8_t no_uuid[16];
    const FirmwareConfig *config = pc->config.firmware;

    fwcfg_set(pc->fw, FWCFG_UUID, config != NULL ? config->uuid : no_uuid, sizeof(no_uuid));
    fwcfg_set_number(pc->fw, FWCFG_RAM_SIZE, 8, pc->low_ram + pc->high_ram);
    fwcfg_set_number(pc->fw, FWCFG_NOGRAPHIC, 2, pc->config.nographic);
    fwcfg_set_number(pc->fw, FWCFG_CPUS, 2, cpu_slots_count(pc->cpus));
    fwcfg_set_number(pc->fw, FWCFG_MAX_CPUS, 2, ids);
    fwcfg_numa(pc, ids);
    fwcfg_set_number(pc->fw, FWCFG_BOOT_MENU, 2, config != NULL && config->boot_menu);
    fwcfg_set_number(pc->fw, FWCFG_IRQ0_OVERRIDE, 4, 1);
    fwcfg_set_file(pc->fw, "etc/e820", map, sizeof(map[0]) * (pc->high_ram != 0 ? 2 : 1));
}

/* Files by which -boot and what the user names reach the firmware. */
static void fwcfg_fill_files(Pc *pc)
{
    /* S3 and S4 can be entered; the values of their sleep types. */
    static const uint8_t system_states[] = { 128, 0, 0, 129, 128, 128 };
    const FirmwareConfig *config = pc->config.firmware;
    int32_t timeout = config != NULL ? config->reboot_timeout : -1;
    uint32_t fail_wait = GUINT32_TO_LE((uint32_t)timeout);

    fwcfg_set_file(pc->fw, "etc/system-states", system_states, sizeof(system_states));
    fwcfg_set_file(pc->fw, "etc/boot-fail-wait", &fail_wait, sizeof(fail_wait));
    if (config == NULL) {
        return;
    }
    if (config->splash_time >= 0) {
        uint16_t wait = GUINT16_TO_LE((uint16_t)config->splash_time);

        fwcfg_set_file(pc->fw, "etc/boot-menu-wait", &wait, sizeof(wait));
    }
    for (guint i = 0; i < config->files->len; i++) {
        const FirmwareFile *file = g_ptr_array_index(config->files, i);
        gsize size;
        const void *data = g_bytes_get_data(file->data, &size);

        fwcfg_set_file(pc->fw, file->name, data, size);
    }
}

void pc_firmware_new(Pc *pc)
{
    SmbiosConfig smbios = {
        .sockets = pc->config.sockets != 0 ? pc->config.sockets : pc->config.cpus,
        .cores = MAX(pc->config.cores, 1u),
        .threads = MAX(pc->config.threads, 1u),
        .cpu_signature = pc->config.cpu_signature,
        .cpu_features = pc->config.cpu_features,
        .product = "Standard PC (i440FX + PIIX, 1996)",
        .version = "pc-i440fx-7.2",
        .low_ram = pc->low_ram,
        .high_ram = pc->high_ram,
    };

    if (pc->config.firmware != NULL) {
        smbios.texts = &pc->config.firmware->smbios;
        memcpy(smbios.uuid, pc->config.firmware->uuid, sizeof(smbios.uuid));
    }
    pc->fw = fwcfg_new(pc->config.io, pc->config.map);
    fwcfg_fill(pc);
    fwcfg_fill_files(pc);
    pc->smbios = smbios_new(&smbios);
    smbios_publish(pc->smbios, pc->fw);
}

unsigned pc_serial_mask(const Pc *pc)
{
    unsigned mask = 0;

    for (guint i = 0; i < pc->board->devices->len; i++) {
        int com = isa_serial_com(g_ptr_array_index(pc->board->devices, i));

        mask |= com >= 0 ? 1u << com : 0;
    }
    return mask;
}

/* Firmware is told the port; so is the caller. -1: there is no such device. */
static int pvpanic_publish(Pc *pc)
{
    const Device *dev = board_find_type(pc->board, &pvpanic_type);
    int port = dev != NULL ? pvpanic_port(dev) : -1;
    uint16_t word = GUINT16_TO_LE((uint16_t)port);

    if (port >= 0) {
        fwcfg_set_file(pc->fw, "etc/pvpanic-port", &word, sizeof(word));
    }
    return port;
}

static void tables_make(Pc *pc)
{
    const FirmwareConfig *config = pc->config.firmware;
    AcpiTablesConfig acpi = {
        .cpus = pc->config.cpus,
        .max_cpus = pc_cpu_places(pc),
        .cpu_there = cpu_slots_there(pc->cpus),
        .apic_ids = pc->config.apic_ids,
        .numa = pc->config.numa,
        .low_ram = pc->low_ram,
        .high_ram = pc->high_ram,
        .hpet = pc->config.hpet,
        .q35 = pc->config.q35,
    };

    acpi.serial = pc_serial_mask(pc);
    acpi.pvpanic = pvpanic_publish(pc) == PVPANIC_PORT;
    acpi.more = config != NULL ? config->acpi : NULL;
    if (pc->config.acpi) {
        g_clear_pointer(&pc->tables, acpi_tables_free);
        pc->tables = acpi_tables_new(&acpi);
        acpi_tables_publish(pc->tables, pc->fw);
    }
    pc->cpus_changed = false;
}

void pc_firmware_cpus(Pc *pc)
{
    unsigned n = cpu_slots_count(pc->cpus);

    pc->cpus_changed = true;
    fwcfg_set_number(pc->fw, FWCFG_CPUS, 2, n);
    rtc_cmos_set(pc->rtc, CMOS_CPUS, (uint8_t)(n - 1));
}

bool pc_ready(Pc *pc, GError **error)
{
    const FirmwareConfig *config = pc->config.firmware;
    g_autofree char *order = NULL;

    if (pc->board->running) {
        return true;
    }
    order = boot_order_text(pc->board, config != NULL && config->boot_strict, error);
    if (order == NULL) {
        return false;
    }
    if (*order != '\0') {
        fwcfg_set_file(pc->fw, "bootorder", order, strlen(order) + 1);
    }
    pc->board->running = true;
    cmos_fill(pc);
    if (board_find_type(pc->board, &vmcoreinfo_type) != NULL) {
        vmcoreinfo_publish(board_find_type(pc->board, &vmcoreinfo_type), pc->fw);
    }
    tables_make(pc);
    return true;
}

void pc_boot_order_changed(Pc *pc)
{
    pc->booted = true;
    cmos_boot_order(pc);
}

void pc_firmware_wake(Pc *pc)
{
    enum { SHUTDOWN_S3 = 0xfe };

    rtc_cmos_set(pc->rtc, CMOS_SHUTDOWN, SHUTDOWN_S3);
}

/* The first reset is that of power-on. */
void pc_firmware_reset(Pc *pc)
{
    if (pc->board->running) {
        cmos_boot_order(pc);
        pc->booted = true;
        if (pc->cpus_changed) {
            tables_make(pc);
        }
    }
}

void pc_firmware_free(Pc *pc)
{
    g_clear_pointer(&pc->tables, acpi_tables_free);
    smbios_free(pc->smbios);
    fwcfg_free(pc->fw);
}

/* ---- In place of firmware ---- */

static uint8_t setup_irq(void *opaque, unsigned pin)
{
    Pc *pc = opaque;

    return isa_bridge_route(pc->isa_bridge, pc_pirq(pc, pin));
}

uint16_t pc_level_irqs(void)
{
    uint16_t level = 0;

    for (unsigned i = 0; i < ISA_BRIDGE_PIRQS; i++) {
        level |= (uint16_t)(1u << pirq_routes[i]);
    }
    return level;
}

static void chipset_setup(Pc *pc)
{
    const PciSetup setup = {
        .io_base = PCI_IO_BASE,
        .io_end = PCI_IO_END,
        .memory_base = PCI_MEMORY_BASE,
        .memory_end = PCI_MEMORY_END,
        .irq = setup_irq,
        .opaque = pc,
    };
    uint16_t level = pc_level_irqs();

    if (pc->config.q35) {
        pci_config_write(pc->pci, 0, Q35_PCIEXBAR, 4, PC_ECAM_BASE | 1);
    }
    for (unsigned i = 0; i < (pc->config.q35 ? 8 : 4); i++) {
        isa_bridge_set_route(pc->isa_bridge, i, pirq_routes[i]);
    }
    io_bus_write(pc->config.io, ELCR_LOW, IO_8, level & 0xff);
    io_bus_write(pc->config.io, ELCR_HIGH, IO_8, level >> 8);
    pci_bus_setup(pc->pci, &setup);
    if (pc->pm != NULL) {
        acpi_pm_program(pc->pm);
    }
    lapic_set_virtual_wire(pc->lapics, 0);
}

static void smbios_install(Pc *pc, PcTables *out)
{
    g_autofree uint8_t *structures = g_malloc(smbios_size(pc->smbios));
    uint8_t entry[SMBIOS_ENTRY_SIZE];

    smbios_place(pc->smbios, F_SEGMENT + SMBIOS_OFFSET, entry, structures);
    out->smbios = F_SEGMENT;
    phys_map_write(pc->config.map, F_SEGMENT, entry, sizeof(entry));
    phys_map_write(pc->config.map, F_SEGMENT + SMBIOS_OFFSET, structures, smbios_size(pc->smbios));
}

static void acpi_place(const Pc *pc, PcTables *out)
{
    uint64_t size = acpi_tables_size(pc->tables);

    out->rsdp = F_SEGMENT + RSDP_OFFSET;
    out->acpi_size = (size + TABLE_PAGE - 1) & ~(uint64_t)(TABLE_PAGE - 1);
    out->acpi_base = (pc->low_ram - out->acpi_size) & ~(uint64_t)(TABLE_PAGE - 1);
}

static void acpi_install(Pc *pc, PcTables *out)
{
    uint64_t size = acpi_tables_size(pc->tables);
    g_autofree uint8_t *copy = g_malloc(size);
    uint8_t rsdp[ACPI_RSDP_SIZE];

    acpi_place(pc, out);
    acpi_tables_place(pc->tables, out->acpi_base, copy, rsdp);
    phys_map_write(pc->config.map, out->acpi_base, copy, size);
    phys_map_write(pc->config.map, out->rsdp, rsdp, sizeof(rsdp));
}

uint32_t pc_waking_vector(Pc *pc)
{
    enum { FACS_WAKING_VECTOR = 12 }; /* the FACS is the first of the tables */
    PcTables tables = { 0 };
    uint32_t vector = 0;

    if (pc->tables != NULL) {
        chipset_setup(pc);
        acpi_place(pc, &tables);
        phys_map_read(pc->config.map, tables.acpi_base + FACS_WAKING_VECTOR, &vector,
                      sizeof(vector));
    }
    return GUINT32_FROM_LE(vector);
}

bool pc_install_tables(Pc *pc, PcTables *tables, GError **error)
{
    memset(tables, 0, sizeof(*tables));
    if (!pc_ready(pc, error)) {
        return false;
    }
    if (pc->low_ram < TABLE_MIN_RAM) {
        g_set_error(error, PC_ERROR, PC_ERROR_RAM,
                    "no room for ACPI tables: less than 2 MiB of RAM");
        return false;
    }
    if (smbios_size(pc->smbios) > SMBIOS_MAX) {
        g_set_error(error, PC_ERROR, PC_ERROR_FIRMWARE,
                    "no room for %zu bytes of SMBIOS structures (-smbios): %d are possible",
                    smbios_size(pc->smbios), SMBIOS_MAX);
        return false;
    }
    chipset_setup(pc);
    host_bridge_set_pam(pc->bridge, HOST_BRIDGE_PAM_BASE, HOST_BRIDGE_PAM_END - 1, PAM_RAM);
    smbios_install(pc, tables);
    if (pc->tables != NULL) {
        acpi_install(pc, tables);
    }
    pc_bios_area_install(pc, F_SEGMENT + SMBIOS_OFFSET + (uint32_t)smbios_size(pc->smbios));
    host_bridge_set_pam(pc->bridge, F_SEGMENT, HOST_BRIDGE_PAM_END - 1, PAM_READ_RAM);
    return true;
}
