/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_bus.c - the bus of a host adapter: channel, target and unit numbers, and who has them. */
#include "hw/boot_order.h"
#include "hw/scsi/scsi_int.h"

enum { ANY = UINT32_MAX };

static ScsiBus *bus_of(const ScsiDevice *device)
{
    return (ScsiBus *)device->dev.bus;
}

void scsi_bus_init(ScsiBus *bus, const ScsiHba *hba, Device *parent)
{
    g_autofree char *own = parent->id != NULL ? g_strconcat(parent->id, ".0", NULL) : NULL;
    unsigned n = 0;

    for (guint i = 0; i < parent->board->buses->len; i++) {
        const Bus *other = g_ptr_array_index(parent->board->buses, i);

        n += other->type == &scsi_bus_type;
    }
    if (own == NULL) {
        own = g_strdup_printf("scsi.%u", n);
    }
    bus->hba = hba;
    bus_init(&bus->bus, &scsi_bus_type, parent->board, parent, own);
    bus->bus.hotplug = true;
}

ScsiDevice *scsi_bus_find(const ScsiBus *bus, ScsiAddress address)
{
    for (guint i = 0; i < bus->bus.devices->len; i++) {
        ScsiDevice *device = g_ptr_array_index(bus->bus.devices, i);

        if (device->channel == address.channel && device->target == address.target &&
            device->lun == address.lun) {
            return device;
        }
    }
    return NULL;
}

bool scsi_bus_has_target(const ScsiBus *bus, unsigned channel, unsigned target)
{
    for (guint i = 0; i < bus->bus.devices->len; i++) {
        const ScsiDevice *device = g_ptr_array_index(bus->bus.devices, i);

        if (device->channel == channel && device->target == target) {
            return true;
        }
    }
    return false;
}

void scsi_bus_reset(ScsiBus *bus)
{
    for (guint i = 0; i < bus->bus.devices->len; i++) {
        scsi_device_reset(g_ptr_array_index(bus->bus.devices, i));
    }
}

ScsiAddress scsi_device_address(const ScsiDevice *device)
{
    return (ScsiAddress){ device->channel, device->target, device->lun };
}

/* ---- Places ---- */

static bool number_good(uint32_t number, unsigned max, const char *what, GError **error)
{
    if (number != ANY && number > max) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS, "bad scsi %s: %u", what, number);
        return false;
    }
    return true;
}

/* The first place that is free, *number running from 0 to `max`; it is a part of *at. */
static bool number_find(const ScsiBus *bus, const ScsiAddress *at, unsigned *number, unsigned max)
{
    for (*number = 0; *number <= max; (*number)++) {
        if (scsi_bus_find(bus, *at) == NULL) {
            return true;
        }
    }
    return false;
}

static bool place_find(const ScsiBus *bus, ScsiDevice *device, GError **error)
{
    ScsiAddress at = { device->channel, device->target, device->lun == ANY ? 0 : device->lun };
    const char *none = NULL;

    if (device->target == ANY) {
        none = number_find(bus, &at, &at.target, bus->hba->max_target) ? NULL : "no free target";
    } else if (device->lun == ANY) {
        none = number_find(bus, &at, &at.lun, bus->hba->max_lun) ? NULL : "no free lun";
    } else if (scsi_bus_find(bus, at) != NULL) {
        const char *id = scsi_bus_find(bus, at)->dev.id;

        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_BUS, "lun already used by '%s'",
                    id != NULL ? id : "");
        return false;
    }
    if (none != NULL) {
        g_set_error_literal(error, DEVICE_ERROR, DEVICE_ERROR_BUS, none);
        return false;
    }
    device->target = at.target;
    device->lun = at.lun;
    return true;
}

static bool bus_attach(Bus *bus, Device *dev, GError **error)
{
    enum { LUN_BITS = 14, TARGET_BITS = 8 };
    const ScsiBus *scsi = (const ScsiBus *)bus;
    ScsiDevice *device = (ScsiDevice *)dev;

    if (!number_good(device->channel, scsi->hba->max_channel, "channel id", error) ||
        !number_good(device->target, scsi->hba->max_target, "device id", error) ||
        !number_good(device->lun, scsi->hba->max_lun, "device lun", error) ||
        !place_find(scsi, device, error)) {
        return false;
    }
    dev->instance = (bus->parent->instance << TARGET_BITS | device->target) << LUN_BITS |
                    device->lun;
    return true;
}

/* The other units of a target tell what has come or gone. */
static void target_tell(ScsiBus *bus, const ScsiDevice *device)
{
    for (guint i = 0; i < bus->bus.devices->len; i++) {
        ScsiDevice *other = g_ptr_array_index(bus->bus.devices, i);

        if (other != device && other->channel == device->channel &&
            other->target == device->target && other->attention == SENSE_NONE) {
            other->attention = SENSE_LUNS_CHANGED;
        }
    }
}

static bool bus_plugged(Bus *bus, Device *dev, GError **error)
{
    ScsiBus *scsi = (ScsiBus *)bus;

    (void)error;
    target_tell(scsi, (ScsiDevice *)dev);
    if (scsi->hba->plugged != NULL) {
        scsi->hba->plugged(scsi, (ScsiDevice *)dev);
    }
    return true;
}

/* The guest is told, and need not agree. */
static bool bus_unplug(Bus *bus, Device *dev, GError **error)
{
    ScsiBus *scsi = (ScsiBus *)bus;

    (void)error;
    target_tell(scsi, (ScsiDevice *)dev);
    if (scsi->hba->unplugging != NULL) {
        scsi->hba->unplugging(scsi, (ScsiDevice *)dev);
    }
    device_unplug(dev);
    return true;
}

char *scsi_firmware_path(const Device *dev)
{
    const ScsiDevice *device = (const ScsiDevice *)dev;
    g_autofree char *hba = boot_order_pci_path(bus_of(device)->bus.parent);

    return g_strdup_printf("%s/channel@%x/disk@%x,%x", hba, device->channel, device->target,
                           device->lun);
}

static char *bus_place(const Bus *bus, const Device *dev)
{
    const ScsiDevice *device = (const ScsiDevice *)dev;

    (void)bus;
    return g_strdup_printf("channel %u, scsi-id %u, lun %u", device->channel, device->target,
                           device->lun);
}

static const Property bus_properties[] = {
    PROPERTY_ROW("channel", PROPERTY_U32, ScsiDevice, channel, .init = 0),
    PROPERTY_ROW("scsi-id", PROPERTY_U32, ScsiDevice, target, .init = ANY),
    PROPERTY_ROW("lun", PROPERTY_U32, ScsiDevice, lun, .init = ANY),
    { 0 },
};

const BusType scsi_bus_type = {
    .name = "SCSI",
    .properties = bus_properties,
    .attach = bus_attach,
    .unplug_request = bus_unplug,
    .plugged = bus_plugged,
    .place = bus_place,
};
