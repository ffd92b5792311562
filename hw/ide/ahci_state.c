/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ahci_state.c - snapshots of the adapter and its ports: nothing is in flight then. What is loaded
 * is not trusted. */
#include "hw/ide/ahci_int.h"

static void ahci_loaded(void *opaque)
{
    ahci_update_irq(opaque, false);
}

static const StateField ahci_fields[] = {
    STATE_FIELD(STATE_U32, Ahci, control),
    STATE_FIELD(STATE_U32, Ahci, pending),
    STATE_FIELD(STATE_U32, Ahci, index),
    { 0 },
};

const StateTable ahci_state = {
    .name = "ahci",
    .version = 1,
    .fields = ahci_fields,
    .loaded = ahci_loaded,
};

/* A slot whose command the drive does not work on is one that nobody answers. */
static void port_loaded(void *opaque)
{
    AhciPort *port = opaque;

    port->next_slot %= AHCI_SLOTS;
    if (port->slot != AHCI_NO_SLOT) {
        port->slot %= AHCI_SLOTS;
        port->task_file |= ATA_BSY;
    }
    ahci_update_irq(port->ahci, false);
}

static const StateField port_fields[] = {
    STATE_FIELD(STATE_U32, AhciPort, list),
    STATE_FIELD(STATE_U32, AhciPort, list_high),
    STATE_FIELD(STATE_U32, AhciPort, area),
    STATE_FIELD(STATE_U32, AhciPort, area_high),
    STATE_FIELD(STATE_U32, AhciPort, status),
    STATE_FIELD(STATE_U32, AhciPort, enable),
    STATE_FIELD(STATE_U32, AhciPort, command),
    STATE_FIELD(STATE_U32, AhciPort, task_file),
    STATE_FIELD(STATE_U32, AhciPort, signature),
    STATE_FIELD(STATE_U32, AhciPort, control),
    STATE_FIELD(STATE_U32, AhciPort, error),
    STATE_FIELD(STATE_U32, AhciPort, active),
    STATE_FIELD(STATE_U32, AhciPort, issue),
    STATE_FIELD(STATE_U8, AhciPort, slot),
    STATE_FIELD(STATE_U8, AhciPort, next_slot),
    STATE_FIELD(STATE_BOOL, AhciPort, hello_due),
    STATE_FIELD(STATE_BOOL, AhciPort, soft_reset),
    STATE_FIELD(STATE_BOOL, AhciPort, halted),
    { 0 },
};

const StateTable ahci_port_state = {
    .name = "ahci-port",
    .version = 1,
    .fields = port_fields,
    .loaded = port_loaded,
};
