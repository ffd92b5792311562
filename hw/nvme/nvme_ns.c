/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nvme_ns.c - namespaces: their numbers, the bus that nvme-ns devices are plugged into, the row. */
#include "hw/boot_order.h"
#include "hw/device_types.h"
#include "hw/nvme/nvme_int.h"

#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, BLOCK_MAX = 2 << 20, UUID_TEXT = 36 };

NvmeNs *nvme_namespace(const Nvme *nvme, uint32_t nsid)
{
    return nsid >= 1 && nsid <= NVME_NAMESPACES ? nvme->ns[nsid] : NULL;
}

uint64_t nvme_ns_blocks(const NvmeNs *ns)
{
    return block_size(ns->drive) / ns->block;
}

/* Without a UUID of its own a namespace has one that is the same in every run, and wherever the
 * machine goes: made of names (RFC 4122, 4.3). */
static void uuid_default(const Nvme *nvme, NvmeNs *ns)
{
    static const uint8_t nothing[sizeof(ns->uuid)];
    g_autofree char *name = g_strdup_printf("nvme %s namespace %u", nvme->serial, ns->nsid);
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
    uint8_t digest[20];
    gsize size = sizeof(digest);

    if (memcmp(ns->uuid, nothing, sizeof(nothing)) != 0) {
        return;
    }
    g_checksum_update(sum, (const guchar *)name, -1);
    g_checksum_get_digest(sum, digest, &size);
    memcpy(ns->uuid, digest, sizeof(ns->uuid));
    ns->uuid[6] = (uint8_t)((ns->uuid[6] & 0x0f) | 0x50);
    ns->uuid[8] = (uint8_t)((ns->uuid[8] & 0x3f) | 0x80);
}

bool nvme_ns_attach(Nvme *nvme, NvmeNs *ns, uint32_t nsid, GError **error)
{
    if (nsid == 0) {
        for (nsid = 1; nsid <= NVME_NAMESPACES && nvme->ns[nsid] != NULL; nsid++) {
        }
    }
    if (nsid > NVME_NAMESPACES) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "invalid namespace id (must be between 0 and %d)", NVME_NAMESPACES);
        return false;
    }
    if (nvme->ns[nsid] != NULL) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "namespace id '%u' already allocated",
                    nsid);
        return false;
    }
    ns->nsid = nsid;
    uuid_default(nvme, ns);
    nvme->ns[nsid] = ns;
    return true;
}

void nvme_ns_detach(Nvme *nvme, NvmeNs *ns)
{
    block_drain(ns->drive);
    nvme->ns[ns->nsid] = NULL;
}

bool nvme_blocks_check(uint64_t logical, uint64_t physical, GError **error)
{
    if (logical < SECTOR || logical > BLOCK_MAX || (logical & (logical - 1)) != 0 ||
        physical < SECTOR || physical > BLOCK_MAX || (physical & (physical - 1)) != 0) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "logical_block_size and physical_block_size must be powers of 2 from 512 to 2 "
                    "MiB");
        return false;
    }
    if (logical > physical) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "logical_block_size > physical_block_size not supported");
        return false;
    }
    return true;
}

/* ---- The bus ---- */

const BusType nvme_bus_type = { .name = "nvme-bus" };

/* ---- The row ---- */

typedef struct NvmeNsDevice {
    Device dev;
    BlockNode *drive;
    uint32_t nsid;
    char *uuid;
    uint64_t eui64, logical_block, physical_block;
    int32_t bootindex;

    NvmeNs ns;
} NvmeNsDevice;

static Nvme *nvme_of(const Device *dev)
{
    return ((NvmeBus *)dev->bus)->nvme;
}

static bool uuid_parse(NvmeNs *ns, const char *text, GError **error)
{
    if (text == NULL || strcmp(text, "auto") == 0) {
        return true;
    }
    if (!g_uuid_string_is_valid(text)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "uuid: '%s' is no UUID", text);
        return false;
    }
    for (unsigned i = 0, at = 0; at < UUID_TEXT; at++) {
        if (text[at] != '-') {
            const char pair[3] = { text[at], text[at + 1], '\0' };

            ns->uuid[i++] = (uint8_t)strtoul(pair, NULL, 16);
            at++;
        }
    }
    return true;
}

static bool ns_create(Device *dev, GError **error)
{
    NvmeNsDevice *device = (NvmeNsDevice *)dev;

    if (device->drive == NULL || !block_has_medium(device->drive)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "block backend not configured");
        return false;
    }
    if (!nvme_blocks_check(device->logical_block, device->physical_block, error) ||
        !uuid_parse(&device->ns, device->uuid, error)) {
        return false;
    }
    device->ns.drive = device->drive;
    device->ns.block = (uint32_t)device->logical_block;
    device->ns.physical_block = (uint32_t)device->physical_block;
    device->ns.eui64 = device->eui64;
    return nvme_ns_attach(nvme_of(dev), &device->ns, device->nsid, error);
}

static void ns_destroy(Device *dev)
{
    nvme_ns_detach(nvme_of(dev), &((NvmeNsDevice *)dev)->ns);
}

static char *ns_firmware_path(const Device *dev)
{
    g_autofree char *controller = boot_order_pci_path(dev->bus->parent);

    return g_strdup_printf("%s/namespace@%u,0", controller, ((const NvmeNsDevice *)dev)->ns.nsid);
}

static const Property ns_properties[] = {
    PROPERTY_ROW("drive", PROPERTY_DRIVE, NvmeNsDevice, drive,
                 .help = "Node name or ID of a block device to use as a backend"),
    PROPERTY_ROW("nsid", PROPERTY_U32, NvmeNsDevice, nsid),
    PROPERTY_ROW("uuid", PROPERTY_STRING, NvmeNsDevice, uuid,
                 .help = "UUID (aka GUID) or \"auto\" (default)"),
    PROPERTY_ROW("eui64", PROPERTY_U64, NvmeNsDevice, eui64),
    PROPERTY_ROW("logical_block_size", PROPERTY_SIZE, NvmeNsDevice, logical_block, .init = SECTOR),
    PROPERTY_ROW("physical_block_size", PROPERTY_SIZE, NvmeNsDevice, physical_block,
                 .init = SECTOR),
    PROPERTY_ROW("bootindex", PROPERTY_INT, NvmeNsDevice, bootindex, .init = -1),
    { 0 },
};

const DeviceType nvme_ns_type = {
    .name = "nvme-ns",
    .desc = "Virtual NVMe namespace",
    .category = DEVICE_STORAGE,
    .bus = &nvme_bus_type,
    .size = sizeof(NvmeNsDevice),
    .properties = ns_properties,
    .create = ns_create,
    .destroy = ns_destroy,
    .firmware_path = ns_firmware_path,
};
