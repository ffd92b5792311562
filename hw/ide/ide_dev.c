/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ide_dev.c - the rows ide-hd and ide-cd: drives that are plugged into an IDE bus. */
#include "hw/board.h"
#include "hw/boot_order.h"
#include "hw/device_types.h"
#include "hw/ide/ide_dev_int.h"

enum { SECTOR = 512, PHYSICAL_MAX = 2 << 20, CYLINDERS_MAX = 65535, HEADS_MAX = 16 };
enum { TRACK_SECTORS_MAX = 255 };

static const char *const error_words[] = { "report", "ignore", "enospc", "stop", "auto", NULL };
static const char *const translation_words[] = { "auto", "none", "lba", "large", "rechs", NULL };
enum { ERROR_AUTO = 4 };

static IdeDevice *ide_of(Device *dev)
{
    return (IdeDevice *)dev;
}

static IdeDrive *ide_place(const Device *dev)
{
    return ((const IdeBus *)dev->bus)->drive[((const IdeDevice *)dev)->unit];
}

/* ---- What is refused ---- */

static bool fail(GError **error, const char *words)
{
    g_set_error_literal(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, words);
    return false;
}

static bool blocks_good(const IdeDevice *ide, GError **error)
{
    uint64_t logical = ide->logical_block, physical = ide->physical_block;

    if (logical != 0 && logical != SECTOR) {
        return fail(error, "logical_block_size must be 512 for IDE");
    }
    if (physical != 0 &&
        (physical < SECTOR || physical > PHYSICAL_MAX || (physical & (physical - 1)) != 0)) {
        return fail(error, "physical_block_size must be a power of 2 from 512 to 2 MiB");
    }
    return true;
}

static bool geometry_good(const IdeDevice *ide, GError **error)
{
    if (ide->cylinders == 0 && ide->heads == 0 && ide->track_sectors == 0) {
        return true;
    }
    if (ide->cylinders < 1 || ide->cylinders > CYLINDERS_MAX) {
        return fail(error, "cyls must be between 1 and 65535");
    }
    if (ide->heads < 1 || ide->heads > HEADS_MAX) {
        return fail(error, "heads must be between 1 and 16");
    }
    if (ide->track_sectors < 1 || ide->track_sectors > TRACK_SECTORS_MAX) {
        return fail(error, "secs must be between 1 and 255");
    }
    return true;
}

/* ---- Plugging ---- */

/* Of all drives that a board has places for: what a serial number is made of. */
static unsigned place_number(const Device *dev)
{
    unsigned n = 0;

    for (guint i = 0; i < dev->board->buses->len; i++) {
        const Bus *bus = g_ptr_array_index(dev->board->buses, i);

        if (bus == dev->bus) {
            break;
        }
        n += bus->type == &ide_bus_type;
    }
    return IDE_BUS_UNITS * n + ((const IdeDevice *)dev)->unit + 1;
}

static void errors_set(const IdeDevice *ide)
{
    BlockOnError write = block_on_error(ide->node, true), read = block_on_error(ide->node, false);

    block_set_on_error(ide->node, ide->werror != ERROR_AUTO ? (BlockOnError)ide->werror : write,
                       ide->rerror != ERROR_AUTO ? (BlockOnError)ide->rerror : read);
}

static bool ide_plug(Device *dev, IdeKind kind, GError **error)
{
    const IdeDevice *ide = ide_of(dev);
    const char *serial = ide->node != NULL ? block_serial(ide->node) : NULL;
    const IdeDriveConfig config = {
        .kind = kind,
        .node = ide->node,
        .serial = ide->serial != NULL ? ide->serial : serial,
        .model = ide->model,
        .firmware = ide->version,
        .number = place_number(dev),
        .wwn = ide->wwn,
        .rotation_rate = ide->rotation_rate,
        .physical_block = (uint32_t)ide->physical_block,
        .cylinders = (uint16_t)ide->cylinders,
        .heads = (uint16_t)ide->heads,
        .track_sectors = (uint16_t)ide->track_sectors,
        .translation = (IdeTranslation)ide->translation,
        .write_through = ide->write_cache == ON_OFF_AUTO_OFF,
    };

    if (!blocks_good(ide, error) || !geometry_good(ide, error)) {
        return false;
    }
    ide_drive_plug(ide_place(dev), &config);
    if (ide->node != NULL) {
        g_autofree char *path = device_path(dev);

        errors_set(ide);
        block_set_user(ide->node, path, kind == IDE_CDROM ? &ide_tray : NULL, ide_place(dev));
    }
    return true;
}

static bool ide_hd_create(Device *dev, GError **error)
{
    if (ide_of(dev)->node == NULL) {
        return fail(error, "No drive specified");
    }
    if (!block_has_medium(ide_of(dev)->node)) {
        return fail(error, "Device needs media, but drive is empty");
    }
    return ide_plug(dev, IDE_DISK, error);
}

/* Without a drive= it gets one of its own, that is empty, where the machine has such. */
static bool ide_cd_create(Device *dev, GError **error)
{
    IdeDevice *ide = ide_of(dev);

    if (ide->node == NULL) {
        ide->node = board_claim(dev->board, dev, device_property_find(dev->type, "drive"),
                                BOARD_EMPTY_DRIVE, NULL);
    }
    return ide_plug(dev, IDE_CDROM, error);
}

static void ide_unplug(Device *dev)
{
    BlockNode *node = ide_of(dev)->node;

    ide_drive_unplug(ide_place(dev));
    if (node != NULL) {
        block_set_user(node, NULL, NULL, NULL);
    }
}

static void ide_each_state(Device *dev, StateVisit *visit, void *opaque)
{
    visit(opaque, &ide_drive_state, dev->instance, ide_place(dev));
}

/* A place of its own for each drive of an AHCI, two on a channel of an IDE function. */
static char *ide_firmware_path(const Device *dev)
{
    const IdeBus *bus = (const IdeBus *)dev->bus;
    g_autofree char *adapter = boot_order_pci_path(dev->bus->parent);

    if (bus->units == 1) {
        return g_strdup_printf("%s/drive@%x/disk@0", adapter, bus->index);
    }
    return g_strdup_printf("%s/drive@%x/disk@%x", adapter, bus->index,
                           ((const IdeDevice *)dev)->unit);
}

/* ---- Rows ---- */

#define ERROR_ROW(name_, field_)                                                                   \
    PROPERTY_ROW(name_, PROPERTY_ENUM, IdeDevice, field_, .init = ERROR_AUTO,                      \
                 .values = error_words, .enum_name = "BlockdevOnError",                            \
                 .help = "Error handling policy, report/ignore/enospc/stop/auto")
#define DRIVE_ROWS                                                                                 \
    PROPERTY_ROW("drive", PROPERTY_DRIVE, IdeDevice, node),                                        \
        PROPERTY_ROW("logical_block_size", PROPERTY_SIZE, IdeDevice, logical_block,                \
                     .help = "A power of two between 512 B and 2 MiB"),                            \
        PROPERTY_ROW("physical_block_size", PROPERTY_SIZE, IdeDevice, physical_block,              \
                     .help = "A power of two between 512 B and 2 MiB"),                            \
        PROPERTY_ROW("write-cache", PROPERTY_ON_OFF_AUTO, IdeDevice, write_cache),                 \
        ERROR_ROW("rerror", rerror), ERROR_ROW("werror", werror),                                  \
        PROPERTY_ROW("ver", PROPERTY_STRING, IdeDevice, version),                                  \
        PROPERTY_ROW("wwn", PROPERTY_U64, IdeDevice, wwn),                                         \
        PROPERTY_ROW("serial", PROPERTY_STRING, IdeDevice, serial),                                \
        PROPERTY_ROW("model", PROPERTY_STRING, IdeDevice, model),                                  \
        PROPERTY_ROW("bootindex", PROPERTY_INT, IdeDevice, boot_index, .init = -1)

static const Property ide_hd_properties[] = {
    DRIVE_ROWS,
    PROPERTY_ROW("cyls", PROPERTY_U32, IdeDevice, cylinders),
    PROPERTY_ROW("heads", PROPERTY_U32, IdeDevice, heads),
    PROPERTY_ROW("secs", PROPERTY_U32, IdeDevice, track_sectors),
    PROPERTY_ROW("bios-chs-trans", PROPERTY_ENUM, IdeDevice, translation,
                 .values = translation_words, .enum_name = "BiosAtaTranslation",
                 .help = "Logical CHS translation algorithm, auto/none/lba/large/rechs"),
    PROPERTY_ROW("rotation_rate", PROPERTY_U16, IdeDevice, rotation_rate),
    { 0 },
};

static const Property ide_cd_properties[] = { DRIVE_ROWS, { 0 } };

const DeviceType ide_hd_type = {
    .name = "ide-hd",
    .desc = "virtual IDE disk",
    .family = "ide-device",
    .category = DEVICE_STORAGE,
    .bus = &ide_bus_type,
    .size = sizeof(IdeDevice),
    .properties = ide_hd_properties,
    .create = ide_hd_create,
    .destroy = ide_unplug,
    .each_state = ide_each_state,
    .firmware_path = ide_firmware_path,
};

const DeviceType ide_cd_type = {
    .name = "ide-cd",
    .desc = "virtual IDE CD-ROM",
    .family = "ide-device",
    .category = DEVICE_STORAGE,
    .bus = &ide_bus_type,
    .size = sizeof(IdeDevice),
    .properties = ide_cd_properties,
    .create = ide_cd_create,
    .destroy = ide_unplug,
    .each_state = ide_each_state,
    .firmware_path = ide_firmware_path,
};
