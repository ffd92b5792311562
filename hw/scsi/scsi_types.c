/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_types.c - rows of the logical units: scsi-hd and scsi-cd. */
#include "hw/board.h"
#include "hw/device_types.h"
#include "hw/scsi/scsi_int.h"

enum { BLOCK_MAX = 2 << 20 };
#define MAX_UNMAP_DEFAULT (INT64_C(1) << 30)
#define MAX_IO_DEFAULT    INT64_C(0x7fffffff)

static bool power_of_two(uint64_t value)
{
    return value >= SCSI_SECTOR && value <= BLOCK_MAX && (value & (value - 1)) == 0;
}

static bool sizes_check(const ScsiDevice *device, GError **error)
{
    const char *wrong = NULL;

    if (!power_of_two(device->logical_block) || !power_of_two(device->physical_block)) {
        wrong = "logical_block_size and physical_block_size must be powers of 2 from 512 to 2 MiB";
    } else if (device->logical_block > device->physical_block) {
        wrong = "logical_block_size > physical_block_size not supported";
    } else if (device->min_io % device->logical_block != 0) {
        wrong = "min_io_size must be a multiple of logical_block_size";
    } else if (device->granularity % device->logical_block != 0) {
        wrong = "discard_granularity must be a multiple of logical_block_size";
    } else if (device->max_unmap < device->logical_block) {
        wrong = "max_unmap_size must be at least logical_block_size";
    } else if (device->scsi_version < 0 || device->scsi_version > 7) {
        wrong = "scsi_version must be from 0 to 7";
    } else if (device->product != NULL && strlen(device->product) > 16) {
        wrong = "product must not have more than 16 characters";
    } else if (device->vendor != NULL && strlen(device->vendor) > 8) {
        wrong = "vendor must not have more than 8 characters";
    }
    if (wrong != NULL) {
        g_set_error_literal(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, wrong);
    }
    return wrong == NULL;
}

static void text_default(char **text, const char *value)
{
    if (*text == NULL) {
        *text = g_strdup(value);
    }
}

static void names_default(ScsiDevice *device, const char *product)
{
    text_default(&device->vendor, "QEMU");
    text_default(&device->product, product);
    text_default(&device->version, "2.5+");
    if (device->serial == NULL && device->drive != NULL && block_serial(device->drive) != NULL) {
        device->serial = g_strdup(block_serial(device->drive));
    }
}

static bool hd_create(Device *dev, GError **error)
{
    ScsiDevice *device = (ScsiDevice *)dev;

    if (device->drive == NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "drive property not set");
        return false;
    }
    if (!block_has_medium(device->drive)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "Device needs media, but drive is empty");
        return false;
    }
    if (!sizes_check(device, error)) {
        return false;
    }
    g_queue_init(&device->requests);
    device->kind = SCSI_DISK;
    device->block = (uint32_t)device->logical_block;
    names_default(device, "QEMU HARDDISK");
    return true;
}

static bool cd_create(Device *dev, GError **error)
{
    ScsiDevice *device = (ScsiDevice *)dev;

    device->kind = SCSI_CDROM;
    device->block = SCSI_CD_BLOCK;
    device->logical_block = device->physical_block = SCSI_CD_BLOCK;
    device->max_unmap = MAX_UNMAP_DEFAULT;
    if (!sizes_check(device, error)) {
        return false;
    }
    g_queue_init(&device->requests);
    device->removable = true;
    names_default(device, "QEMU CD-ROM");
    if (device->drive == NULL) { /* one of its own, that is empty, where the machine has such */
        device->drive = board_claim(dev->board, dev, device_property_find(dev->type, "drive"),
                                    BOARD_EMPTY_DRIVE, NULL);
    }
    if (device->drive != NULL) {
        g_autofree char *path = device_path(dev);

        block_set_user(device->drive, path, &scsi_tray, device);
    }
    return true;
}

static void unit_reset(Device *dev)
{
    ScsiDevice *device = (ScsiDevice *)dev;

    scsi_device_reset(device);
    device->tray_open = false;
    device->new_medium = device->removed = device->eject_asked = false;
}

static void unit_destroy(Device *dev)
{
    ScsiDevice *device = (ScsiDevice *)dev;

    scsi_device_drain(device);
    if (device->kind == SCSI_CDROM && device->drive != NULL) {
        block_set_user(device->drive, NULL, NULL, NULL);
    }
}

/* ---- State ---- */

/* Attentions and kept sense are numbers of three bytes; nothing else follows from them. */
static void unit_loaded(void *opaque)
{
    ScsiDevice *device = opaque;

    device->attention &= 0xffffff;
    device->kept &= 0xffffff;
    device->tray_open &= device->removable;
}

static const StateField unit_fields[] = {
    STATE_FIELD(STATE_U32, ScsiDevice, attention),
    STATE_FIELD(STATE_U32, ScsiDevice, kept),
    STATE_FIELD(STATE_BOOL, ScsiDevice, write_cache),
    STATE_FIELD(STATE_BOOL, ScsiDevice, locked),
    STATE_FIELD(STATE_BOOL, ScsiDevice, tray_open),
    STATE_FIELD(STATE_BOOL, ScsiDevice, new_medium),
    STATE_FIELD(STATE_BOOL, ScsiDevice, removed),
    STATE_FIELD(STATE_BOOL, ScsiDevice, eject_asked),
    { 0 },
};

static const StateTable unit_state = {
    .name = "scsi-unit",
    .version = 1,
    .fields = unit_fields,
    .loaded = unit_loaded,
};

/* ---- Rows ---- */

#define UNIT_PROPERTIES                                                                            \
    PROPERTY_ROW("drive", PROPERTY_DRIVE, ScsiDevice, drive,                                       \
                 .help = "Node name or ID of a block device to use as a backend"),                 \
        PROPERTY_ROW("serial", PROPERTY_STRING, ScsiDevice, serial),                               \
        PROPERTY_ROW("vendor", PROPERTY_STRING, ScsiDevice, vendor),                               \
        PROPERTY_ROW("product", PROPERTY_STRING, ScsiDevice, product),                             \
        PROPERTY_ROW("ver", PROPERTY_STRING, ScsiDevice, version),                                 \
        PROPERTY_ROW("device_id", PROPERTY_STRING, ScsiDevice, device_id),                         \
        PROPERTY_ROW("wwn", PROPERTY_U64, ScsiDevice, wwn),                                        \
        PROPERTY_ROW("port_wwn", PROPERTY_U64, ScsiDevice, port_wwn),                              \
        PROPERTY_ROW("port_index", PROPERTY_U16, ScsiDevice, port_index),                          \
        PROPERTY_ROW("scsi_version", PROPERTY_INT, ScsiDevice, scsi_version, .init = 5),           \
        PROPERTY_ROW("bootindex", PROPERTY_INT, ScsiDevice, bootindex, .init = -1)

static const Property hd_properties[] = {
    UNIT_PROPERTIES,
    PROPERTY_ROW("removable", PROPERTY_BOOL, ScsiDevice, removable),
    PROPERTY_ROW("dpofua", PROPERTY_BOOL, ScsiDevice, dpofua),
    PROPERTY_ROW("rotation_rate", PROPERTY_U16, ScsiDevice, rotation_rate),
    PROPERTY_ROW("write-cache", PROPERTY_ON_OFF_AUTO, ScsiDevice, write_cache_wanted),
    PROPERTY_ROW("logical_block_size", PROPERTY_SIZE, ScsiDevice, logical_block,
                 .init = SCSI_SECTOR),
    PROPERTY_ROW("physical_block_size", PROPERTY_SIZE, ScsiDevice, physical_block,
                 .init = SCSI_SECTOR),
    PROPERTY_ROW("min_io_size", PROPERTY_SIZE, ScsiDevice, min_io),
    PROPERTY_ROW("opt_io_size", PROPERTY_SIZE, ScsiDevice, opt_io),
    PROPERTY_ROW("discard_granularity", PROPERTY_SIZE, ScsiDevice, granularity, .init = 4096),
    PROPERTY_ROW("max_unmap_size", PROPERTY_U64, ScsiDevice, max_unmap, .init = MAX_UNMAP_DEFAULT),
    PROPERTY_ROW("max_io_size", PROPERTY_U64, ScsiDevice, max_io, .init = MAX_IO_DEFAULT),
    { 0 },
};

static const Property cd_properties[] = { UNIT_PROPERTIES, { 0 } };

#define UNIT_ROW                                                                                   \
    .category = DEVICE_STORAGE, .bus = &scsi_bus_type, .size = sizeof(ScsiDevice),                 \
    .hotpluggable = true, .reset = unit_reset, .destroy = unit_destroy, .state = &unit_state,      \
    .firmware_path = scsi_firmware_path

const DeviceType scsi_hd_type = { .name = "scsi-hd",
                                  .desc = "virtual SCSI disk",
                                  .properties = hd_properties,
                                  .create = hd_create,
                                  UNIT_ROW };
const DeviceType scsi_cd_type = { .name = "scsi-cd",
                                  .desc = "virtual SCSI CD-ROM",
                                  .properties = cd_properties,
                                  .create = cd_create,
                                  UNIT_ROW };
