/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ide.c - the PCI function and the ports of its channels (82371SB datasheet; ATA/ATAPI-6, clause
 * 7).
 *
 * Both drives of a channel see what is written to the task file; the selected one answers. A drive
 * that is not there reads as zeros.  Deviation: the decode enable bits of the timing registers are
 * set after reset, as firmware would leave them; timings are stored and do nothing. */
#include "hw/ide/ide.h"

#include <string.h>

#include "hw/device_types.h"
#include "hw/ide/channel_int.h"

enum { /* command block, offset of the register from the data register */
       REG_DATA,
       REG_FEATURES, /* error when read */
       REG_COUNT,
       REG_LBA_LOW,
       REG_LBA_MID,
       REG_LBA_HIGH,
       REG_DEVICE,
       REG_COMMAND, /* status when read */
};

enum {
    CFG_COMMAND = 0x04,
    CFG_COMMAND_IO = 0x01,
    CFG_TIMING = 0x40, /* two bytes a channel */
    CFG_TIMING_END = 0x45,
    CFG_DECODE = 0x80, /* of the upper byte of the timing */
};

static IdeDrive *channel_drive(IdeChannel *channel)
{
    return &channel->drive[channel->selected];
}

void ide_channel_update_irq(IdeChannel *channel)
{
    bool level = channel_drive(channel)->irq && (channel->control & CONTROL_NIEN) == 0;

    if (level == channel->irq_level) {
        return;
    }
    channel->irq_level = level;
    if (level) {
        channel->bm_status |= BM_INTERRUPT;
    }
    irq_set(&channel->ide->lines[channel->index], level);
}

/* ---- The data register ---- */

static uint32_t data_read(void *opaque, uint16_t offset, unsigned width)
{
    IdeDrive *drive = channel_drive(opaque);
    const IdeTransferRow *row = &ide_transfers[drive->transfer];
    uint32_t value = 0, n;

    (void)offset;
    if ((drive->status & (ATA_BSY | ATA_DRQ)) != ATA_DRQ || !row->to_host) {
        return 0;
    }
    n = MIN(width, drive->data_end - drive->data_pos);
    memcpy(&value, drive->data + drive->data_pos, n);
    drive->data_pos += n;
    if (drive->data_pos == drive->data_end) {
        row->block_end(drive);
    }
    return value;
}

static void data_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    IdeDrive *drive = channel_drive(opaque);
    const IdeTransferRow *row = &ide_transfers[drive->transfer];
    uint32_t n;

    (void)offset;
    if ((drive->status & (ATA_BSY | ATA_DRQ)) != ATA_DRQ || !row->from_host) {
        return;
    }
    n = MIN(width, drive->data_end - drive->data_pos);
    memcpy(drive->data + drive->data_pos, &value, n);
    drive->data_pos += n;
    if (drive->data_pos == drive->data_end) {
        row->block_end(drive);
    }
}

/* ---- The task file ---- */

static uint32_t task_read(void *opaque, uint16_t offset, unsigned width)
{
    IdeChannel *channel = opaque;
    IdeDrive *drive = channel_drive(channel);
    bool hob = (channel->control & CONTROL_HOB) != 0;

    (void)width;
    if (drive->kind == IDE_ABSENT) {
        return 0;
    }
    switch (offset + 1) {
    case REG_FEATURES:
        return hob ? drive->hob_features : drive->error;
    case REG_COUNT:
        return hob ? drive->hob_count : drive->count;
    case REG_LBA_LOW:
    case REG_LBA_MID:
    case REG_LBA_HIGH:
        return (hob ? drive->hob_lba : drive->lba)[offset + 1 - REG_LBA_LOW];
    case REG_DEVICE:
        return drive->device | DEVICE_FIXED;
    default:
        drive->irq = false;
        ide_channel_update_irq(channel);
        return drive->status;
    }
}

static void channel_command(IdeChannel *channel, uint8_t command)
{
    IdeDrive *drive = channel_drive(channel);

    if (command == COMMAND_DIAGNOSTIC) {
        for (unsigned i = 0; i < 2; i++) {
            drive_cancel(&channel->drive[i]);
            channel->drive[i].device = i == 1 ? DEVICE_DEV : 0;
            if (channel->drive[i].kind != IDE_ABSENT) {
                drive_diagnose(&channel->drive[i]);
            }
        }
        channel->selected = 0;
        if (channel->drive[0].kind != IDE_ABSENT) {
            drive_raise_irq(&channel->drive[0]);
        }
        return;
    }
    if (drive->kind == IDE_ABSENT) {
        return;
    }
    if (drive->kind == IDE_CDROM && command == COMMAND_DEVICE_RESET) {
        uint8_t device = drive->device;

        drive_reset(drive, false);
        drive->device = DEVICE_FIXED | (device & DEVICE_DEV);
        ide_channel_update_irq(channel);
        return;
    }
    if ((drive->status & (ATA_BSY | ATA_DRQ)) == 0) {
        drive_execute(drive, command);
    }
}

static void drive_write_register(IdeDrive *drive, unsigned reg, uint8_t value)
{
    if ((drive->status & ATA_BSY) != 0) {
        return;
    }
    switch (reg) {
    case REG_FEATURES:
        drive->hob_features = drive->features;
        drive->features = value;
        break;
    case REG_COUNT:
        drive->hob_count = drive->count;
        drive->count = value;
        break;
    case REG_LBA_LOW:
    case REG_LBA_MID:
    case REG_LBA_HIGH:
        drive->hob_lba[reg - REG_LBA_LOW] = drive->lba[reg - REG_LBA_LOW];
        drive->lba[reg - REG_LBA_LOW] = value;
        break;
    default:
        drive->device = value;
        break;
    }
}

static void task_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    IdeChannel *channel = opaque;
    unsigned reg = offset + 1u;

    (void)width;
    channel->control &= (uint8_t)~CONTROL_HOB;
    if ((channel->control & CONTROL_SRST) != 0) {
        return;
    }
    if (reg == REG_COMMAND) {
        channel_command(channel, (uint8_t)value);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        drive_write_register(&channel->drive[i], reg, (uint8_t)value);
    }
    if (reg == REG_DEVICE) {
        channel->selected = (value & DEVICE_DEV) != 0;
        ide_channel_update_irq(channel);
    }
}

/* ---- The control block ---- */

static uint32_t control_read(void *opaque, uint16_t offset, unsigned width)
{
    const IdeDrive *drive = channel_drive(opaque);

    (void)offset, (void)width;
    return drive->kind == IDE_ABSENT ? 0 : drive->status;
}

static void control_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    IdeChannel *channel = opaque;
    uint8_t changed = channel->control ^ (uint8_t)value;

    (void)offset, (void)width;
    channel->control = (uint8_t)value;
    if ((changed & CONTROL_SRST) != 0) {
        channel->selected = 0;
        for (unsigned i = 0; i < 2; i++) {
            IdeDrive *drive = &channel->drive[i];

            if (drive->kind != IDE_ABSENT) {
                drive_reset(drive, false);
                drive->status |= (value & CONTROL_SRST) != 0 ? ATA_BSY : 0;
            }
        }
    }
    ide_channel_update_irq(channel);
}

/* ---- The PCI function ---- */

static const struct {
    uint16_t command, control;
} legacy_ports[IDE_CHANNELS] = { { 0x1f0, 0x3f6 }, { 0x170, 0x376 } };

static void channel_attach(IdeChannel *channel)
{
    uint16_t command = legacy_ports[channel->index].command;
    /* A double word at the data register reaches over registers that are bytes. */
    const IoRange ranges[] = {
        { .base = command,
          .count = 4,
          .widths = IO_16 | IO_32,
          .read = data_read,
          .write = data_write },
        { .base = command + 1, .count = 7, .widths = IO_8, .read = task_read, .write = task_write },
        { .base = legacy_ports[channel->index].control,
          .count = 1,
          .widths = IO_8,
          .read = control_read,
          .write = control_write },
    };

    channel->ports = io_bus_attach(channel->ide->pci.device.board->io, ranges, G_N_ELEMENTS(ranges),
                                   channel);
}

static void ide_update_decode(Ide *ide)
{
    const uint8_t *config = pci_device_config(&ide->pci);

    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        bool decoded = (config[CFG_COMMAND] & CFG_COMMAND_IO) != 0 &&
                       (config[CFG_TIMING + 2 * i + 1] & CFG_DECODE) != 0;

        io_attachment_set_enabled(ide->pci.device.board->io, ide->channel[i].ports, decoded);
    }
}

static void ide_config_written(void *opaque, unsigned offset, unsigned width)
{
    (void)offset, (void)width;
    ide_update_decode(opaque);
}

static const PciClass ide_class = {
    .name = "PIIX3 IDE",
    .vendor = 0x8086,
    .device = 0x7010,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x010180,
    .config_written = ide_config_written,
};

static void ide_reset(Device *dev)
{
    Ide *ide = (Ide *)dev;
    uint8_t *config = pci_device_config(&ide->pci);

    memset(config + CFG_TIMING, 0, CFG_TIMING_END - CFG_TIMING);
    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        IdeChannel *channel = &ide->channel[i];

        config[CFG_TIMING + 2 * i + 1] = CFG_DECODE;
        channel->selected = 0;
        channel->control = 0;
        for (unsigned n = 0; n < 2; n++) {
            drive_reset(&channel->drive[n], true);
        }
        ide_channel_update_irq(channel);
        bm_reset(channel);
    }
    ide_update_decode(ide);
}

static bool ide_create(Device *dev, GError **error)
{
    Ide *ide = (Ide *)dev;

    (void)error;
    memset(pci_device_writable(&ide->pci) + CFG_TIMING, 0xff, CFG_TIMING_END - CFG_TIMING);
    bm_attach(ide);
    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        IdeChannel *channel = &ide->channel[i];
        IdeDrive *drives[2] = { &channel->drive[0], &channel->drive[1] };

        channel->ide = ide;
        channel->index = i;
        for (unsigned n = 0; n < 2; n++) {
            drive_init(&channel->drive[n], &ide_channel_hba, channel, n, false);
        }
        ide_bus_init(&channel->bus, dev, i, drives, 2);
        channel_attach(channel);
    }
    return true;
}

static void ide_destroy(Device *dev)
{
    Ide *ide = (Ide *)dev;

    for (unsigned i = IDE_CHANNELS; i-- > 0;) {
        IdeChannel *channel = &ide->channel[i];

        bus_clear(&channel->bus.bus);
        for (unsigned n = 0; n < 2; n++) {
            drive_release(&channel->drive[n]);
        }
        io_bus_detach(dev->board->io, channel->ports);
    }
}

static void ide_each_state(Device *dev, StateVisit *visit, void *opaque)
{
    Ide *ide = (Ide *)dev;

    for (unsigned i = 0; i < IDE_CHANNELS; i++) {
        visit(opaque, &ide_channel_state, dev->instance * IDE_CHANNELS + i, &ide->channel[i]);
    }
}

void *ide_channel_device(Device *ide, unsigned channel)
{
    return &((Ide *)ide)->channel[channel];
}

IdeDrive *ide_drive_at(Device *ide, unsigned drive)
{
    return &((Ide *)ide)->channel[drive / 2].drive[drive % 2];
}

static const Property ide_properties[] = {
    PROPERTY_LINK_ROW("irq-lines", Ide, lines),
    { 0 },
};

const DeviceType piix3_ide_type = {
    .name = "piix3-ide",
    .category = DEVICE_STORAGE,
    .bus = &pci_bus_type,
    .size = sizeof(Ide),
    .properties = ide_properties,
    .pci = &ide_class,
    .board_only = true, /* its ports and interrupts are those of the one that a PC has */
    .create = ide_create,
    .reset = ide_reset,
    .destroy = ide_destroy,
    .each_state = ide_each_state,
};
