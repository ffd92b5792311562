/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_cd.c - the commands of a CD-ROM drive, and its tray (MMC-6, clause 6).  An image is one data
 * track; one that no CD would hold is a DVD. */
#include "hw/scsi/scsi_int.h"

enum {
    CD_MAX_BLOCKS = 80 * 60 * 75,
    FRAMES = 75,
    LEAD_IN = 150,
    LEAD_OUT = 0xaa,
    DATA_TRACK = 0x14,
    PROFILE_CD_ROM = 0x08,
    PROFILE_DVD_ROM = 0x10
};

static bool is_dvd(const ScsiDevice *device)
{
    return scsi_blocks(device) > CD_MAX_BLOCKS;
}

/* ---- The tray ---- */

static bool medium_there(const ScsiDevice *device)
{
    return device->drive != NULL && block_has_medium(device->drive);
}

static void tray_move(void *opaque, bool open)
{
    ScsiDevice *device = opaque;

    device->tray_open = open;
    device->removed = open && medium_there(device);
    device->new_medium = !open && medium_there(device);
    if (device->new_medium) {
        scsi_attention(device, SENSE_MEDIUM_CHANGED);
    }
}

static void tray_changed(void *opaque)
{
    ScsiDevice *device = opaque;

    if (!device->tray_open) {
        tray_move(device, false); /* under the guest's eyes */
    }
}

static bool tray_is_open(void *opaque)
{
    return ((const ScsiDevice *)opaque)->tray_open;
}

static bool tray_is_locked(void *opaque)
{
    return ((const ScsiDevice *)opaque)->locked;
}

static void tray_ask(void *opaque, bool force)
{
    ScsiDevice *device = opaque;

    device->eject_asked = true;
    device->locked = device->locked && !force;
}

const BlockTray scsi_tray = {
    .changed = tray_changed,
    .is_open = tray_is_open,
    .is_locked = tray_is_locked,
    .move = tray_move,
    .ask = tray_ask,
};

static void guest_moves_tray(ScsiDevice *device, bool open)
{
    tray_move(device, open);
    if (device->drive != NULL) {
        block_tray_moved(device->drive, open);
    }
}

/* Disks with a medium that can be taken out have one, too. */
void scsi_start_stop(ScsiRequest *request)
{
    enum { POWER_CONDITION = 0xf0, LOAD_EJECT = 2, START = 1 };
    ScsiDevice *device = request->device;
    uint8_t how = request->cdb[4];

    if (!device->removable || (how & POWER_CONDITION) != 0 || (how & LOAD_EJECT) == 0) {
        scsi_good(request);
        return;
    }
    if ((how & START) == 0 && !device->tray_open) {
        if (device->locked) {
            scsi_fail(request, SENSE_REMOVAL_PREVENTED);
            return;
        }
        guest_moves_tray(device, true);
    } else if ((how & START) != 0 && device->tray_open) {
        guest_moves_tray(device, false);
    }
    scsi_good(request);
}

/* ---- Reading ---- */

/* User data of data sectors; that is all that an image has. */
static void command_read_cd(ScsiRequest *request)
{
    enum { USER_DATA = 0x10, FIELDS = 0xf8, ERRORS = 0x06, TYPE_AUDIO = 1 };
    const uint8_t *cdb = request->cdb;

    request->lba = scsi_get(cdb + 2, 4);
    request->blocks = scsi_cdb_blocks(cdb);
    if ((cdb[9] & FIELDS) == 0) {
        request->blocks = 0;
    } else if ((cdb[9] & FIELDS) != USER_DATA || (cdb[9] & ERRORS) != 0 ||
               (cdb[1] >> 2 & 7) == TYPE_AUDIO) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    scsi_read_blocks(request);
}

static void command_capacity(ScsiRequest *request)
{
    uint8_t data[8];

    scsi_put(data, MIN(scsi_blocks(request->device) - 1, UINT32_MAX), 4);
    scsi_put(data + 4, request->device->block, 4);
    request->moved = iov_from_buffer(request->in, request->n_in, 0, data, sizeof(data));
    scsi_good(request);
}

static void command_seek(ScsiRequest *request)
{
    if (scsi_get(request->cdb + 2, 4) >= scsi_blocks(request->device)) {
        scsi_fail(request, SENSE_OUT_OF_RANGE);
        return;
    }
    scsi_good(request);
}

/* ---- Table of contents ---- */

/* A block's address: its number, or minute, second and frame. */
static void put_address(uint8_t *at, uint64_t block, bool msf)
{
    if (!msf) {
        scsi_put(at, MIN(block, UINT32_MAX), 4);
        return;
    }
    block += LEAD_IN;
    at[0] = 0;
    at[1] = (uint8_t)MIN(block / FRAMES / 60, UINT8_MAX);
    at[2] = (uint8_t)(block / FRAMES % 60);
    at[3] = (uint8_t)(block % FRAMES);
}

static uint8_t *toc_entry(uint8_t *at, uint8_t track, uint64_t block, bool msf)
{
    at[1] = DATA_TRACK;
    at[2] = track;
    put_address(at + 4, block, msf);
    return at + 8;
}

/* Points of the lead-in: first and last track, lead-out, the track. */
static uint8_t *toc_point(uint8_t *at, uint8_t point, uint8_t track, uint64_t block)
{
    at[0] = 1; /* session */
    at[1] = DATA_TRACK;
    at[3] = point;
    if (track != 0) {
        at[8] = track;
    } else {
        put_address(at + 7, block, true);
    }
    return at + 11;
}

static void command_toc(ScsiRequest *request)
{
    enum { TRACKS, SESSIONS, RAW };
    const uint8_t *cdb = request->cdb;
    unsigned format = (cdb[2] & 15) != 0 ? cdb[2] & 15u : cdb[9] >> 6u, first = cdb[6];
    uint8_t data[64] = { 0, 0, 1, 1 }, *at = data + 4;
    uint64_t end = scsi_blocks(request->device);
    bool msf = (cdb[1] & 2) != 0;

    if (format > RAW || (format == TRACKS && first > 1 && first != LEAD_OUT)) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    if (format == SESSIONS || (format == TRACKS && first <= 1)) {
        at = toc_entry(at, 1, 0, msf);
    }
    if (format == TRACKS) {
        at = toc_entry(at, LEAD_OUT, end, msf);
    } else if (format == RAW) {
        at = toc_point(at, 0xa0, 1, 0);
        at = toc_point(at, 0xa1, 1, 0);
        at = toc_point(at, 0xa2, 0, end);
        at = toc_point(at, 1, 0, 0);
    }
    scsi_put(data, (uint64_t)(at - data) - 2, 2);
    scsi_reply(request, data, (uint32_t)(at - data));
}

static void command_disc_information(ScsiRequest *request)
{
    enum { SIZE = 34, COMPLETE = 0x0e, UNRESTRICTED = 0x20 };
    uint8_t data[SIZE] = { 0, SIZE - 2, COMPLETE, 1, 1, 1, 1, UNRESTRICTED };

    if ((request->cdb[1] & 7) != 0) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    memset(data + 16, 0xff, 8); /* nothing can be added */
    scsi_reply(request, data, SIZE);
}

static void command_track_information(ScsiRequest *request)
{
    enum { SIZE = 36, MODE_1 = 1, DATA = 4 };
    const uint8_t *cdb = request->cdb;
    uint64_t end = scsi_blocks(request->device), which = scsi_get(cdb + 2, 4);
    uint8_t data[SIZE] = { 0, SIZE - 2, 1, 1, 0, DATA, MODE_1 };

    if ((cdb[1] & 3) == 0 ? which >= end : which != 1) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    scsi_put(data + 24, MIN(end, UINT32_MAX), 4);
    scsi_reply(request, data, SIZE);
}

/* READ DISC STRUCTURE: the physical format of a DVD, and that it is not protected. */
static void command_disc_structure(ScsiRequest *request)
{
    enum { PHYSICAL = 0, COPYRIGHT = 1, MEDIA_DVD = 0, DATA_START = 0x30000, SIZE = 2048 + 4 };
    enum { TYPE_120MM = 0x0f, ONE_LAYER = 0x01 };
    const uint8_t *cdb = request->cdb;
    uint64_t end = scsi_blocks(request->device);
    g_autofree uint8_t *data = g_malloc0(SIZE);
    uint32_t size = cdb[7] == PHYSICAL ? SIZE : 4 + 4;

    if (!is_dvd(request->device) || (cdb[1] & 15) != MEDIA_DVD || cdb[6] != 0 ||
        cdb[7] > COPYRIGHT) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    scsi_put(data, size - 2, 2);
    if (cdb[7] == PHYSICAL) {
        data[4] = 0x01; /* DVD-ROM, version 1 */
        data[5] = TYPE_120MM;
        data[6] = ONE_LAYER;
        scsi_put(data + 8, DATA_START, 4);
        scsi_put(data + 12, DATA_START + MIN(end - 1, 0xffffff - DATA_START), 4);
    }
    scsi_reply(request, data, size);
}

/* ---- What the drive can do, and what has happened ---- */

typedef struct Feature {
    uint16_t code;
    uint8_t flags, size;
    uint8_t more[12];
} Feature;

enum { FEATURE_CURRENT = 1, FEATURE_PERSISTENT = 2, FEATURE_VERSION_2 = 2 << 2 };

static uint8_t *put_feature(uint8_t *at, const Feature *feature)
{
    scsi_put(at, feature->code, 2);
    at[2] = feature->flags;
    at[3] = feature->size;
    memcpy(at + 4, feature->more, feature->size);
    return at + 4 + feature->size;
}

static void command_configuration(ScsiRequest *request)
{
    enum { ALL = 0, CURRENT = 1, ONE = 2, ALWAYS = FEATURE_CURRENT | FEATURE_PERSISTENT };
    const ScsiDevice *device = request->device;
    bool dvd = is_dvd(device), cd = scsi_has_medium(device) && !dvd;
    const Feature features[] = {
        { 0x0000, ALWAYS, 8, { 0, PROFILE_DVD_ROM, dvd, 0, 0, PROFILE_CD_ROM, cd, 0 } },
        { 0x0001, FEATURE_VERSION_2 | ALWAYS, 8, { 0, 0, 0, 1, 1 } }, /* SCSI */
        { 0x0003, ALWAYS, 4, { 0x29 } },                              /* tray, ejects, locks */
        { 0x0010, cd || dvd, 8, { 0, 0, 8, 0, 0, dvd ? 16 : 1 } },    /* read at random */
        { 0x001e, FEATURE_VERSION_2 | cd, 4, { 0 } },                 /* CDs */
        { 0x001f, dvd, 0, { 0 } },                                    /* DVDs */
    };
    unsigned which = request->cdb[1] & 3u, first = scsi_get(request->cdb + 2, 2);
    uint8_t data[128] = { 0 }, *at = data + 8;

    if (which > ONE) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(features); i++) {
        bool wanted = which == ONE ? features[i].code == first : features[i].code >= first;

        if (wanted && (which != CURRENT || (features[i].flags & FEATURE_CURRENT) != 0)) {
            at = put_feature(at, &features[i]);
        }
    }
    scsi_put(data, (uint64_t)(at - data) - 4, 4);
    scsi_put(data + 6, dvd ? PROFILE_DVD_ROM : cd ? PROFILE_CD_ROM : 0, 2);
    scsi_reply(request, data, (uint32_t)(at - data));
}

/* An event is told once. */
static uint8_t event_take(ScsiDevice *device)
{
    enum { NO_CHANGE, EJECT_REQUEST, NEW_MEDIA, REMOVED };
    uint8_t event = device->new_medium    ? NEW_MEDIA
                    : device->removed     ? REMOVED
                    : device->eject_asked ? EJECT_REQUEST
                                          : NO_CHANGE;

    device->new_medium = device->removed = device->eject_asked = false;
    return event;
}

static void command_event(ScsiRequest *request)
{
    enum { POLLED = 1, MEDIA_CLASS = 4, NO_CLASS = 0x80, TRAY_OPEN = 1, PRESENT = 2 };
    ScsiDevice *device = request->device;
    uint8_t data[8] = { 0 };

    if ((request->cdb[1] & POLLED) == 0) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    data[3] = 1 << MEDIA_CLASS;
    if ((request->cdb[4] & 1 << MEDIA_CLASS) == 0) {
        data[1] = 2;
        data[2] = NO_CLASS;
        scsi_reply(request, data, 4);
        return;
    }
    data[1] = sizeof(data) - 2;
    data[2] = MEDIA_CLASS;
    data[4] = event_take(device);
    data[5] = device->tray_open ? TRAY_OPEN : medium_there(device) ? PRESENT : 0;
    scsi_reply(request, data, sizeof(data));
}

static void command_mechanism(ScsiRequest *request)
{
    enum { DOOR_OPEN = 0x10 };
    const uint8_t data[8] = { 0, request->device->tray_open ? DOOR_OPEN : 0 };

    scsi_reply(request, data, sizeof(data));
}

static const ScsiCommand cd_commands[] = {
    { 0x08, COMMAND_MEDIUM, SCSI_DATA_IN_BLOCKS, scsi_read },          /* READ(6) */
    { 0x25, COMMAND_MEDIUM, SCSI_DATA_IN_CAPACITY, command_capacity }, /* READ CAPACITY */
    { 0x28, COMMAND_MEDIUM, SCSI_DATA_IN_BLOCKS, scsi_read },          /* READ(10) */
    { 0x2b, COMMAND_MEDIUM, SCSI_DATA_NONE, command_seek },            /* SEEK(10) */
    { 0x35, COMMAND_MEDIUM, SCSI_DATA_NONE, scsi_good }, /* SYNCHRONIZE CACHE: nothing is written */
    { 0x43, COMMAND_MEDIUM, SCSI_DATA_IN, command_toc }, /* READ TOC/PMA/ATIP */
    { 0x46, COMMAND_ALWAYS, SCSI_DATA_IN, command_configuration }, /* GET CONFIGURATION */
    { 0x4a, COMMAND_ALWAYS, SCSI_DATA_IN, command_event }, /* GET EVENT STATUS NOTIFICATION */
    { 0x51, COMMAND_MEDIUM, SCSI_DATA_IN, command_disc_information },  /* READ DISC INFORMATION */
    { 0x52, COMMAND_MEDIUM, SCSI_DATA_IN, command_track_information }, /* READ TRACK INFORMATION */
    { 0xa8, COMMAND_MEDIUM, SCSI_DATA_IN_BLOCKS, scsi_read },          /* READ(12) */
    { 0xad, COMMAND_MEDIUM, SCSI_DATA_IN, command_disc_structure },    /* READ DISC STRUCTURE */
    { 0xbb, 0, SCSI_DATA_NONE, scsi_good },                            /* SET CD SPEED */
    { 0xbd, 0, SCSI_DATA_IN, command_mechanism },                      /* MECHANISM STATUS */
    { 0xbe, COMMAND_MEDIUM, SCSI_DATA_IN_BLOCKS, command_read_cd },    /* READ CD */
};

const ScsiCommands scsi_cd_commands = { cd_commands, G_N_ELEMENTS(cd_commands) };
