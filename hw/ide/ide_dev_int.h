/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_IDE_IDE_DEV_INT_H
#define HW_IDE_IDE_DEV_INT_H
/* ide_dev_int.h - the devices ide-hd and ide-cd. */
#include "hw/ide/ide_bus.h"

#define IDE_UNIT_ANY UINT32_MAX /* the first free one */

typedef struct IdeDevice {
    Device device;
    uint32_t unit;
    BlockNode *node;
    char *serial, *model, *version;
    uint64_t wwn, logical_block, physical_block;
    uint16_t rotation_rate;
    uint32_t cylinders, heads, track_sectors;
    int translation, werror, rerror; /* indices of words */
    OnOffAuto write_cache;
    int32_t boot_index;
} IdeDevice;

#endif
