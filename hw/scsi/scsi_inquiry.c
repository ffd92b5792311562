/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_inquiry.c - what units say of themselves: INQUIRY and its vital product data (SPC-4, 6.4 and
 * 7.8; SBC-3, 6.5), REPORT LUNS (SPC-4, 6.33). */
#include "hw/scsi/scsi_int.h"

enum { STANDARD_SIZE = 36, PAGE_MAX = 255, SERIAL_MAX = 36, DESCRIPTION_MAX = 20 };
enum {
    PAGE_LIST = 0x00,
    PAGE_SERIAL = 0x80,
    PAGE_IDENTIFICATION = 0x83,
    PAGE_LIMITS = 0xb0,
    PAGE_CHARACTERISTICS = 0xb1,
    PAGE_PROVISIONING = 0xb2
};
enum { TYPE_DISK = 0x00, TYPE_CDROM = 0x05, TYPE_NO_UNIT = 0x7f };

static uint8_t device_type(const ScsiDevice *device)
{
    return device->kind == SCSI_DISK ? TYPE_DISK : TYPE_CDROM;
}

/* ---- Vital product data: each appends behind the head, and returns the end ---- */

typedef uint8_t *PageFill(const ScsiDevice *device, uint8_t *at);

static uint8_t *page_serial(const ScsiDevice *device, uint8_t *at)
{
    size_t size = MIN(strlen(device->serial), SERIAL_MAX);

    memcpy(at, device->serial, size);
    return at + size;
}

static uint8_t *designator(uint8_t *at, uint8_t code_set, uint8_t type, unsigned size)
{
    at[0] = code_set;
    at[1] = type;
    at[2] = 0;
    at[3] = (uint8_t)size;
    return at + 4;
}

static const char *description(const ScsiDevice *device)
{
    if (device->device_id != NULL) {
        return device->device_id;
    }
    if (device->serial != NULL) {
        return device->serial;
    }
    return device->drive != NULL ? block_id(device->drive) : NULL;
}

static uint8_t *page_identification(const ScsiDevice *device, uint8_t *at)
{
    enum { BINARY = 1, ASCII = 2, VENDOR = 0, NAA = 3, RELATIVE_PORT = 0x94, PORT_NAA = 0x93 };
    const char *text = description(device);

    if (text != NULL) {
        unsigned size = (unsigned)MIN(strlen(text), DESCRIPTION_MAX);

        at = designator(at, ASCII, VENDOR, size);
        memcpy(at, text, size);
        at += size;
    }
    if (device->wwn != 0) {
        at = designator(at, BINARY, NAA, 8);
        scsi_put(at, device->wwn, 8);
        at += 8;
    }
    if (device->port_wwn != 0) {
        at = designator(at, BINARY, PORT_NAA, 8);
        scsi_put(at, device->port_wwn, 8);
        at += 8;
    }
    if (device->port_index != 0) {
        at = designator(at, BINARY, RELATIVE_PORT, 4);
        scsi_put(at, device->port_index, 4);
        at += 4;
    }
    return at;
}

static uint8_t *page_limits(const ScsiDevice *device, uint8_t *at)
{
    enum { PAGE_SIZE = 0x3c, UNMAP_DESCRIPTORS = 255 };
    uint8_t *page = at - 4;
    uint64_t unmap = device->max_unmap / device->block;

    page[4] = 1; /* WRITE SAME of no blocks is refused */
    scsi_put(page + 6, MIN(device->min_io / device->block, UINT16_MAX), 2);
    scsi_put(page + 8, MIN(device->max_io / device->block, UINT32_MAX), 4);
    scsi_put(page + 12, MIN(device->opt_io / device->block, UINT32_MAX), 4);
    scsi_put(page + 20, MIN(unmap, UINT32_MAX), 4);
    scsi_put(page + 24, UNMAP_DESCRIPTORS, 4);
    scsi_put(page + 28, MIN(device->granularity / device->block, UINT32_MAX), 4);
    scsi_put(page + 36, unmap, 8); /* of WRITE SAME */
    return at + PAGE_SIZE;
}

static uint8_t *page_characteristics(const ScsiDevice *device, uint8_t *at)
{
    scsi_put(at, device->rotation_rate, 2);
    return at + 0x3c;
}

static uint8_t *page_provisioning(const ScsiDevice *device, uint8_t *at)
{
    enum { UNMAP = 0x80, WRITE_SAME_16 = 0x40, WRITE_SAME_10 = 0x20, THIN = 2 };

    at[1] = UNMAP | WRITE_SAME_16 | WRITE_SAME_10;
    at[2] = device->granularity != 0 ? THIN : 0;
    return at + 4;
}

typedef struct Page {
    uint8_t code;
    bool disk_only;
    PageFill *fill;
} Page;

static const Page pages[] = {
    { PAGE_SERIAL, false, page_serial },
    { PAGE_IDENTIFICATION, false, page_identification },
    { PAGE_LIMITS, true, page_limits },
    { PAGE_CHARACTERISTICS, true, page_characteristics },
    { PAGE_PROVISIONING, true, page_provisioning },
};

static bool page_there(const ScsiDevice *device, const Page *page)
{
    return (!page->disk_only || device->kind == SCSI_DISK) &&
           (page->code != PAGE_SERIAL || device->serial != NULL);
}

static uint8_t *page_list(const ScsiDevice *device, uint8_t *at)
{
    *at++ = PAGE_LIST;
    for (unsigned i = 0; i < G_N_ELEMENTS(pages); i++) {
        if (page_there(device, &pages[i])) {
            *at++ = pages[i].code;
        }
    }
    return at;
}

/* 0: there is no such page. */
static uint32_t page_make(const ScsiDevice *device, uint8_t code, uint8_t *data)
{
    uint8_t *end = code == PAGE_LIST ? page_list(device, data + 4) : NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(pages); i++) {
        if (code == pages[i].code && page_there(device, &pages[i])) {
            end = pages[i].fill(device, data + 4);
        }
    }
    if (end == NULL) {
        return 0;
    }
    data[0] = device_type(device);
    data[1] = code;
    scsi_put(data + 2, (uint64_t)(end - data - 4), 2);
    return (uint32_t)(end - data);
}

/* ---- Standard data ---- */

static uint32_t standard(const ScsiDevice *device, uint8_t *data)
{
    enum { REMOVABLE = 0x80, HISUP = 0x10, FORMAT = 2, CMDQUE = 0x02 };

    data[1] = device->removable ? REMOVABLE : 0;
    data[0] = device_type(device);
    data[2] = (uint8_t)device->scsi_version;
    data[3] = HISUP | FORMAT;
    data[4] = STANDARD_SIZE - 5;
    data[7] = CMDQUE;
    scsi_put_text(data + 8, 8, device->vendor);
    scsi_put_text(data + 16, 16, device->product);
    scsi_put_text(data + 32, 4, device->version);
    return STANDARD_SIZE;
}

void scsi_inquiry(ScsiRequest *request)
{
    const ScsiDevice *device = request->device;
    uint8_t data[PAGE_MAX + 5] = { 0 };
    uint32_t size;

    if ((request->cdb[1] & 1) == 0 && request->cdb[2] != 0) {
        scsi_fail(request, SENSE_INVALID_FIELD); /* a page, but not of product data */
        return;
    }
    if (device == NULL) {
        data[0] = TYPE_NO_UNIT;
        data[4] = STANDARD_SIZE - 5;
        scsi_reply(request, data, STANDARD_SIZE);
        return;
    }
    size = (request->cdb[1] & 1) != 0 ? page_make(device, request->cdb[2], data)
                                      : standard(device, data);
    if (size == 0) {
        scsi_fail(request, SENSE_INVALID_FIELD);
    } else {
        scsi_reply(request, data, size);
    }
}

/* ---- The target's units ---- */

static void lun_put(uint8_t *at, unsigned lun)
{
    enum { FLAT = 0x40, PERIPHERAL_MAX = 255 };

    at[0] = lun > PERIPHERAL_MAX ? (uint8_t)(FLAT | lun >> 8) : 0;
    at[1] = (uint8_t)lun;
}

void scsi_report_luns(ScsiRequest *request)
{
    enum { SELECT_WELL_KNOWN = 1, SELECT_MAX = 2, LENGTH_MIN = 16 };
    const ScsiBus *bus = request->bus;
    unsigned n = 0, room = bus->bus.devices->len + 1;
    g_autofree uint8_t *data = g_malloc0(8 + 8 * (size_t)room);

    if (request->cdb[2] > SELECT_MAX || scsi_cdb_length(request->cdb) < LENGTH_MIN) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    if (request->cdb[2] != SELECT_WELL_KNOWN) {
        n = 1; /* unit 0 stands for the target, whether it is there or not */
        for (guint i = 0; i < bus->bus.devices->len; i++) {
            const ScsiDevice *device = g_ptr_array_index(bus->bus.devices, i);

            if (device->channel == request->address.channel &&
                device->target == request->address.target && device->lun != 0) {
                lun_put(data + 8 + 8 * (size_t)n++, device->lun);
            }
        }
    }
    if (request->device != NULL && request->device->attention == SENSE_LUNS_CHANGED) {
        request->device->attention = SENSE_NONE;
    }
    scsi_put(data, 8 * (uint64_t)n, 4);
    scsi_reply(request, data, 8 + 8 * n);
}
