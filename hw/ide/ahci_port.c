/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ahci_port.c - a port's registers and its link (AHCI 1.3.1, 3.3 and 10.4).
 *
 * A drive sends its signature when it comes out of a reset; it is taken in PxTFD and PxSIG once FIS
 * reception is on. Links come up at once. Not there: port multipliers, power management of the
 * link, command list override. */
#include "hw/ide/ahci_int.h"

enum { /* registers */
       REG_LIST = 0x00,
       REG_LIST_HIGH = 0x04,
       REG_AREA = 0x08,
       REG_AREA_HIGH = 0x0c,
       REG_STATUS = 0x10,
       REG_ENABLE = 0x14,
       REG_COMMAND = 0x18,
       REG_TASK_FILE = 0x20,
       REG_SIGNATURE = 0x24,
       REG_LINK_STATUS = 0x28,
       REG_LINK_CONTROL = 0x2c,
       REG_LINK_ERROR = 0x30,
       REG_ACTIVE = 0x34,
       REG_ISSUE = 0x38,
};
enum { DET = 0x0f, DET_NONE = 0, DET_RESET = 1, DET_OFF = 4, CONTROL_MASK = 0xfff };
enum { LINK_UP = 0x113 /* device, first generation, active */, LINK_OFF = 0x004 };
enum { TASK_FILE_NONE = 0x7f, LIST_MASK = 0x3ff, AREA_MASK = 0xff };

#define ENABLE_MASK    0xfdc000ffu
#define SIGNATURE_NONE UINT32_MAX

uint32_t ahci_port_status(const AhciPort *port)
{
    uint32_t shown = ((port->error & SERR_EXCHANGED) != 0 ? PORT_PCS : 0) |
                     ((port->error & SERR_PHY_READY) != 0 ? PORT_PRCS : 0);

    return port->status | shown;
}

void ahci_port_halt(AhciPort *port, uint32_t reasons)
{
    port->halted = true;
    ahci_raise(port, reasons);
}

/* ---- The link ---- */

/* The first FIS of the drive: its signature. */
static void hello_take(AhciPort *port)
{
    const IdeDrive *drive = &port->drive;

    port->hello_due = false;
    ahci_fis_register(port, false);
    port->signature = drive->count | (uint32_t)drive->lba[0] << 8 | (uint32_t)drive->lba[1] << 16 |
                      (uint32_t)drive->lba[2] << 24;
}

void ahci_port_link_up(AhciPort *port)
{
    port->hello_due = true;
    port->task_file = ATA_BSY;
    if ((port->command & PORT_FRE) != 0) {
        hello_take(port);
    }
}

static void link_down(AhciPort *port)
{
    ahci_port_stop(port);
    port->task_file = TASK_FILE_NONE;
    port->signature = SIGNATURE_NONE;
    port->hello_due = port->soft_reset = false;
}

void ahci_port_changed(AhciPort *port)
{
    link_down(port);
    port->error |= SERR_PHY_READY;
    if (port->drive.kind != IDE_ABSENT) {
        port->error |= SERR_EXCHANGED;
        ahci_port_link_up(port);
    }
    ahci_update_irq(port->ahci, true);
}

static void link_control(AhciPort *port, uint32_t value)
{
    uint32_t old = port->control & DET, det = value & DET;

    port->control = value & CONTROL_MASK;
    if (old == det) {
        return;
    }
    link_down(port);
    if (det == DET_NONE && port->drive.kind != IDE_ABSENT) {
        drive_reset(&port->drive, true);
        port->error |= SERR_EXCHANGED | SERR_PHY_READY;
        ahci_port_link_up(port);
        ahci_update_irq(port->ahci, true);
        ahci_port_run(port);
    }
}

static uint32_t link_status(const AhciPort *port)
{
    uint32_t det = port->control & DET;

    if (det == DET_OFF) {
        return LINK_OFF;
    }
    return port->drive.kind == IDE_ABSENT || det == DET_RESET ? 0 : LINK_UP;
}

/* ---- PxCMD ---- */

static void list_stop(AhciPort *port)
{
    ahci_port_stop(port);
    port->active = port->issue = 0;
    port->halted = false;
    port->next_slot = 0;
    port->command &= ~(uint32_t)PORT_CCS;
}

static void command_write(AhciPort *port, uint32_t value)
{
    uint32_t old = port->command, kept = PORT_SUD | PORT_POD | (old & PORT_CCS);

    value &= PORT_ST | PORT_FRE | PORT_ATAPI | PORT_DLAE;
    port->command = value | kept | ((value & PORT_FRE) != 0 ? PORT_FR : 0) |
                    ((value & PORT_ST) != 0 ? PORT_CR : 0);
    if ((old & PORT_ST) != 0 && (value & PORT_ST) == 0) {
        list_stop(port);
    }
    if ((value & PORT_FRE) != 0 && port->hello_due) {
        hello_take(port);
    }
}

/* ---- Registers ---- */

uint32_t ahci_port_read(AhciPort *port, unsigned reg)
{
    switch (reg) {
    case REG_LIST:
        return port->list;
    case REG_LIST_HIGH:
        return port->list_high;
    case REG_AREA:
        return port->area;
    case REG_AREA_HIGH:
        return port->area_high;
    case REG_STATUS:
        return ahci_port_status(port);
    case REG_ENABLE:
        return port->enable;
    case REG_COMMAND:
        return port->command;
    case REG_TASK_FILE:
        return port->task_file;
    case REG_SIGNATURE:
        return port->signature;
    case REG_LINK_STATUS:
        return link_status(port);
    case REG_LINK_CONTROL:
        return port->control;
    case REG_LINK_ERROR:
        return port->error;
    case REG_ACTIVE:
        return port->active;
    case REG_ISSUE:
        return port->issue;
    default:
        return 0;
    }
}

/* PxSACT and PxCI take ones while the list runs. */
static void list_write(AhciPort *port, uint32_t *bits, uint32_t value)
{
    if ((port->command & PORT_ST) != 0) {
        *bits |= value;
        ahci_port_run(port);
    }
}

void ahci_port_write(AhciPort *port, unsigned reg, uint32_t value)
{
    switch (reg) {
    case REG_LIST:
        port->list = value & ~(uint32_t)LIST_MASK;
        break;
    case REG_LIST_HIGH:
        port->list_high = value;
        break;
    case REG_AREA:
        port->area = value & ~(uint32_t)AREA_MASK;
        break;
    case REG_AREA_HIGH:
        port->area_high = value;
        break;
    case REG_STATUS:
        port->status &= ~value;
        ahci_update_irq(port->ahci, false);
        break;
    case REG_ENABLE:
        port->enable = value & ENABLE_MASK;
        ahci_update_irq(port->ahci, true);
        break;
    case REG_COMMAND:
        command_write(port, value);
        break;
    case REG_LINK_CONTROL:
        link_control(port, value);
        break;
    case REG_LINK_ERROR:
        port->error &= ~value;
        ahci_update_irq(port->ahci, false);
        break;
    case REG_ACTIVE:
        list_write(port, &port->active, value);
        break;
    case REG_ISSUE:
        list_write(port, &port->issue, value);
        break;
    default:
        break;
    }
}

/* ---- Life ---- */

void ahci_port_init(Ahci *ahci, unsigned index)
{
    AhciPort *port = &ahci->port[index];
    IdeDrive *drives[] = { &port->drive };

    port->ahci = ahci;
    port->index = index;
    port->slot = AHCI_NO_SLOT;
    drive_init(&port->drive, &ahci_hba, port, 0, true);
    ide_bus_init(&port->bus, &ahci->pci.device, index, drives, 1);
}

void ahci_port_release(AhciPort *port)
{
    ahci_port_stop(port);
    bus_clear(&port->bus.bus);
    drive_release(&port->drive);
}

void ahci_port_reset(AhciPort *port)
{
    link_down(port);
    list_stop(port);
    port->status = port->enable = port->control = port->error = 0;
    port->command = PORT_SUD | PORT_POD;
    drive_reset(&port->drive, true);
    if (port->drive.kind != IDE_ABSENT) {
        ahci_port_link_up(port);
    }
}
