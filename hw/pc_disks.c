/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pc_disks.c - what CMOS says of the first four disks: their types and geometries, and how the BIOS
 * is to translate these for programs that know 1024 cylinders (byte 39h, as SeaBIOS reads it). */
#include "hw/ide/ide_bus.h"
#include "hw/pc_int.h"

enum {
    CMOS_DISK_TYPES = 0x12,
    CMOS_DISK_TYPE = 0x19,     /* a byte each for two disks */
    CMOS_DISK_GEOMETRY = 0x1b, /* nine bytes each */
    CMOS_TRANSLATIONS = 0x39,  /* two bits each for four disks */
    TYPE_EXTENDED = 0x0f,      /* of a disk: see the byte */
    TYPE_USER = 47,            /* see its geometry */
    DISKS = 4,
    DISKS_WITH_GEOMETRY = 2,
    CONTROL_NO_RETRIES = 0xc0,
    CONTROL_MANY_HEADS = 0x08, /* more than 8 */
};

static bool disk_geometry(const Pc *pc, unsigned disk, IdeGeometry *geometry)
{
    const IdeBus *bus = (const IdeBus *)ide_bus_find(pc->disks, disk / IDE_BUS_UNITS);
    unsigned unit = disk % IDE_BUS_UNITS;

    return unit < bus->units && ide_drive_geometry(bus->drive[unit], geometry);
}

static void geometry_put(Pc *pc, unsigned disk, const IdeGeometry *geometry)
{
    uint8_t cylinders = (uint8_t)geometry->cylinders;
    uint8_t cylinders_high = (uint8_t)(geometry->cylinders >> 8);
    uint8_t control = CONTROL_NO_RETRIES | (geometry->heads > 8 ? CONTROL_MANY_HEADS : 0);
    const uint8_t bytes[] = {
        cylinders,
        cylinders_high,
        (uint8_t)geometry->heads,
        0xff,
        0xff, /* no precompensation */
        control,
        cylinders,
        cylinders_high, /* landing zone */
        (uint8_t)geometry->track_sectors,
    };

    rtc_cmos_set(pc->rtc, CMOS_DISK_TYPE + disk, TYPE_USER);
    for (unsigned i = 0; i < sizeof(bytes); i++) {
        rtc_cmos_set(pc->rtc, CMOS_DISK_GEOMETRY + (unsigned)sizeof(bytes) * disk + i, bytes[i]);
    }
}

void pc_disks_cmos(Pc *pc)
{
    uint8_t types = 0, translations = 0;

    for (unsigned i = 0; i < DISKS; i++) {
        IdeGeometry geometry;

        if (!disk_geometry(pc, i, &geometry)) {
            continue;
        }
        translations |= (uint8_t)((geometry.translation - IDE_TRANSLATION_NONE) << (2 * i));
        if (i < DISKS_WITH_GEOMETRY) {
            types |= (uint8_t)(TYPE_EXTENDED << (i == 0 ? 4 : 0));
            geometry_put(pc, i, &geometry);
        }
    }
    rtc_cmos_set(pc->rtc, CMOS_DISK_TYPES, types);
    rtc_cmos_set(pc->rtc, CMOS_TRANSLATIONS, translations);
}
