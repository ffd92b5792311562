/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/vmcoreinfo.h"

#include <string.h>

#include "hw/board.h"
#include "hw/device_types.h"

enum { FORMAT_ELF = 1 };

typedef struct VmCoreInfo {
    Device device;
    struct { /* the file; little-endian */
        uint16_t host_format, guest_format;
        uint32_t size;
        uint64_t gpa;
    } __attribute__((packed)) file;
} VmCoreInfo;
_Static_assert(sizeof(((VmCoreInfo *)0)->file) == 16, "the guest's layout");

void vmcoreinfo_publish(Device *dev, FwCfg *fw)
{
    VmCoreInfo *info = (VmCoreInfo *)dev;

    fwcfg_share_file(fw, "etc/vmcoreinfo", &info->file, sizeof(info->file));
}

bool vmcoreinfo_note(const Device *dev, uint64_t *gpa, uint32_t *size)
{
    const VmCoreInfo *info = (const VmCoreInfo *)dev;

    *gpa = GUINT64_FROM_LE(info->file.gpa);
    *size = GUINT32_FROM_LE(info->file.size);
    return GUINT16_FROM_LE(info->file.guest_format) == FORMAT_ELF;
}

static bool info_create(Device *dev, GError **error)
{
    Device *first = board_find_type(dev->board, &vmcoreinfo_type);

    if (first != NULL && first != dev) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_FAILED,
                    "at most one vmcoreinfo device is permitted");
        return false;
    }
    return true;
}

static void info_reset(Device *dev)
{
    VmCoreInfo *info = (VmCoreInfo *)dev;

    memset(&info->file, 0, sizeof(info->file));
    info->file.host_format = GUINT16_TO_LE(FORMAT_ELF);
}

static void info_destroy(Device *dev)
{
    (void)dev; /* fw_cfg goes before it does */
}

static const StateField info_fields[] = {
    { .name = "file",
      .type = STATE_BYTES,
      .offset = offsetof(VmCoreInfo, file),
      .count = sizeof(((VmCoreInfo *)0)->file),
      .version = 1 },
    { 0 },
};

static const StateTable info_state = { .name = "vmcoreinfo", .version = 1, .fields = info_fields };

const DeviceType vmcoreinfo_type = {
    .name = "vmcoreinfo",
    .category = DEVICE_MISC,
    .size = sizeof(VmCoreInfo),
    .create = info_create,
    .reset = info_reset,
    .destroy = info_destroy,
    .state = &info_state,
};
