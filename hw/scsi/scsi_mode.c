/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_mode.c - MODE SENSE and MODE SELECT (SPC-4, 6.11 and 7.5; SBC-3, 6.4; MMC-6, annex E).
 *
 * One bit can be changed: WCE of the caching page, which turns the write cache off and on. */
#include "hw/scsi/scsi_int.h"

enum { PAGES_MAX = 256, LIST_MAX = 4096, ALL_PAGES = 0x3f };
enum { CURRENT = 0, CHANGEABLE = 1, DEFAULT = 2, SAVED = 3 };
enum {
    PAGE_ERROR = 0x01,
    PAGE_GEOMETRY = 0x04,
    PAGE_CACHING = 0x08,
    PAGE_CONTROL = 0x0a,
    PAGE_AUDIO = 0x0e,
    PAGE_CAPABILITIES = 0x2a
};
enum { CACHING_WCE = 0x04 };
enum { DISK = 1 << SCSI_DISK, CDROM = 1 << SCSI_CDROM };

/* ---- Pages: what is behind code and length, which was zero ---- */

static void fill_error(const ScsiDevice *device, uint8_t *at)
{
    enum { AUTOMATIC_REALLOCATION = 0x80, READ_RETRIES = 8 };

    at[0] = device->kind == SCSI_DISK ? AUTOMATIC_REALLOCATION : 0;
    at[1] = device->kind == SCSI_DISK ? 0 : READ_RETRIES;
}

/* Heads and sectors are as BIOSes have long taken them to be; the medium turns as it says. */
static void fill_geometry(const ScsiDevice *device, uint8_t *at)
{
    enum { HEADS = 255, TRACK = 63 };
    uint64_t cylinders = scsi_blocks(device) / (HEADS * TRACK);

    scsi_put(at, MIN(cylinders, 0xffffff), 3);
    at[3] = HEADS;
    scsi_put(at + 18, device->rotation_rate, 2);
}

static void fill_caching(const ScsiDevice *device, uint8_t *at)
{
    at[0] = device->write_cache ? CACHING_WCE : 0;
}

static void fill_control(const ScsiDevice *device, uint8_t *at)
{
    enum { UNRESTRICTED_REORDERING = 0x10 };

    (void)device;
    at[1] = UNRESTRICTED_REORDERING;
    scsi_put(at + 6, UINT16_MAX, 2); /* a command may be busy for any time */
}

static void fill_audio(const ScsiDevice *device, uint8_t *at)
{
    enum { IMMEDIATE = 0x04, LEFT = 1, RIGHT = 2, LOUD = 0xff };

    (void)device;
    at[0] = IMMEDIATE;
    at[6] = LEFT, at[7] = LOUD;
    at[8] = RIGHT, at[9] = LOUD;
}

static void fill_capabilities(const ScsiDevice *device, uint8_t *at)
{
    enum {
        READS = 0x3b /* CD-R, CD-RW, DVD-ROM, -R, -RAM */,
        MULTISESSION = 0x70,
        LOCK = 0x01,
        LOCKED = 0x02,
        EJECT = 0x08,
        TRAY = 0x20,
        SPEED = 706,
        BUFFER_KIB = 512
    };

    at[0] = READS;
    at[2] = MULTISESSION;
    at[4] = LOCK | EJECT | TRAY | (device->locked ? LOCKED : 0);
    scsi_put(at + 6, SPEED, 2);
    scsi_put(at + 10, BUFFER_KIB, 2);
    scsi_put(at + 12, SPEED, 2);
}

typedef struct ModePage {
    uint8_t code, size; /* of what is behind the length */
    uint8_t kinds;
    void (*fill)(const ScsiDevice *device, uint8_t *at);
} ModePage;

static const ModePage pages[] = {
    { PAGE_ERROR, 0x0a, DISK | CDROM, fill_error },
    { PAGE_GEOMETRY, 0x16, DISK, fill_geometry },
    { PAGE_CACHING, 0x12, DISK, fill_caching },
    { PAGE_CONTROL, 0x0a, DISK, fill_control },
    { PAGE_AUDIO, 0x0e, CDROM, fill_audio },
    { PAGE_CAPABILITIES, 0x14, CDROM, fill_capabilities },
};

static const ModePage *page_find(const ScsiDevice *device, uint8_t code)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(pages); i++) {
        if (pages[i].code == code && (pages[i].kinds & 1 << device->kind) != 0) {
            return &pages[i];
        }
    }
    return NULL;
}

static unsigned page_put(const ScsiDevice *device, const ModePage *page, unsigned control,
                         uint8_t *at)
{
    memset(at, 0, 2u + page->size);
    at[0] = page->code;
    at[1] = page->size;
    if (control == CHANGEABLE) {
        at[2] = page->code == PAGE_CACHING ? CACHING_WCE : 0;
    } else {
        page->fill(device, at + 2);
        if (control == DEFAULT && page->code == PAGE_CACHING) {
            at[2] = device->write_cache_wanted != ON_OFF_AUTO_OFF ? CACHING_WCE : 0;
        }
    }
    return 2u + page->size;
}

/* ---- MODE SENSE ---- */

static uint8_t specific_parameter(const ScsiDevice *device)
{
    enum { DPOFUA = 0x10, WRITE_PROTECTED = 0x80 };
    uint8_t value = device->dpofua ? DPOFUA : 0;

    if (device->kind != SCSI_DISK) {
        return 0;
    }
    return value | (scsi_has_medium(device) && block_readonly(device->drive) ? WRITE_PROTECTED : 0);
}

/* Heads of both lengths, and the block descriptor. */
static unsigned head_put(const ScsiDevice *device, bool ten, bool descriptor, uint8_t *data)
{
    unsigned head = ten ? 8 : 4;
    uint64_t blocks = scsi_blocks(device);

    data[ten ? 3 : 2] = specific_parameter(device);
    if (!descriptor) {
        return head;
    }
    data[ten ? 7 : 3] = 8;
    scsi_put(data + head, blocks > 0xffffff ? 0 : blocks, 4);
    scsi_put(data + head + 5, device->block, 3);
    return head + 8;
}

void scsi_mode_sense(ScsiRequest *request)
{
    const ScsiDevice *device = request->device;
    bool ten = request->cdb[0] == 0x5a, descriptor = (request->cdb[1] & 8) == 0;
    unsigned control = request->cdb[2] >> 6, code = request->cdb[2] & 0x3f, size, before;
    uint8_t data[PAGES_MAX] = { 0 };

    if (control == SAVED) {
        scsi_fail(request, SENSE_NO_SAVING);
        return;
    }
    if (request->cdb[3] != 0 && request->cdb[3] != 0xff) { /* there are no subpages */
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    size = before = head_put(device, ten, descriptor && device->kind == SCSI_DISK, data);
    for (unsigned i = 0; i < G_N_ELEMENTS(pages); i++) {
        if ((code == ALL_PAGES || code == pages[i].code) &&
            (pages[i].kinds & 1 << device->kind) != 0) {
            size += page_put(device, &pages[i], control, data + size);
        }
    }
    if (size == before && code != ALL_PAGES && code != 0) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    scsi_put(data, ten ? size - 2 : size - 1, ten ? 2 : 1);
    scsi_reply(request, data, size);
}

/* ---- MODE SELECT ---- */

/* What of a page cannot be changed is as it is now. */
static uint32_t page_check(const ScsiDevice *device, const uint8_t *page, uint32_t left)
{
    const ModePage *row = page_find(device, page[0] & 0x3f);
    uint8_t now[PAGES_MAX], mask[PAGES_MAX];

    if (left < 2 || row == NULL || (page[0] & 0x40) != 0) {
        return SENSE_INVALID_PARAMETER;
    }
    if (page[1] != row->size || left < 2u + row->size) {
        return SENSE_LIST_LENGTH;
    }
    page_put(device, row, CURRENT, now);
    page_put(device, row, CHANGEABLE, mask);
    for (unsigned i = 2; i < 2u + row->size; i++) {
        if (((page[i] ^ now[i]) & ~mask[i]) != 0) {
            return SENSE_INVALID_PARAMETER;
        }
    }
    return SENSE_NONE;
}

static uint32_t list_check(const ScsiDevice *device, const uint8_t *at, uint32_t left)
{
    while (left > 0) {
        uint32_t sense = page_check(device, at, left);

        if (sense != SENSE_NONE) {
            return sense;
        }
        left -= 2u + at[1];
        at += 2u + at[1];
    }
    return SENSE_NONE;
}

/* The cache is emptied before it is off. */
static void list_apply(ScsiRequest *request, const uint8_t *at, uint32_t left)
{
    ScsiDevice *device = request->device;
    bool before = device->write_cache;

    for (; left > 0; left -= 2u + at[1], at += 2u + at[1]) {
        if ((at[0] & 0x3f) == PAGE_CACHING) {
            device->write_cache = (at[2] & CACHING_WCE) != 0;
        }
    }
    if (before && !device->write_cache && scsi_has_medium(device)) {
        request->next = scsi_good;
        block_flush(device->drive, scsi_write_done, request);
    } else {
        scsi_good(request);
    }
}

void scsi_mode_select(ScsiRequest *request)
{
    bool ten = request->cdb[0] == 0x55, page_format = (request->cdb[1] & 0x10) != 0;
    uint32_t head = ten ? 8 : 4, wanted = scsi_cdb_length(request->cdb), size, descriptors, sense;
    uint8_t data[LIST_MAX];

    if (!page_format || (request->cdb[1] & 1) != 0) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    size = scsi_parameters(request, data, sizeof(data));
    if (size == 0 && wanted == 0) {
        scsi_good(request);
        return;
    }
    descriptors = size < head ? 0 : ten ? scsi_get(data + 6, 2) : data[3];
    if (size < head || size < wanted || descriptors > size - head) {
        scsi_fail(request, SENSE_LIST_LENGTH);
        return;
    }
    if (descriptors != 0 &&
        (descriptors != 8 || scsi_get(data + head + 5, 3) != request->device->block)) {
        scsi_fail(request, SENSE_INVALID_PARAMETER);
        return;
    }
    sense = list_check(request->device, data + head + descriptors, size - head - descriptors);
    if (sense != SENSE_NONE) {
        scsi_fail(request, sense);
        return;
    }
    list_apply(request, data + head + descriptors, size - head - descriptors);
}
