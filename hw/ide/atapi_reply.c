/* SPDX-License-Identifier: GPL-2.0-or-later */
/* atapi_reply.c - what the CD-ROM drive says about itself and its medium: IDENTIFY PACKET DEVICE
 * (ATA/ATAPI-6, 8.16) and the replies to packets (MMC-3, SPC-2). An image is one data track. */
#include "hw/ide/ide_int.h"

#include <string.h>

enum {
    CD_MAX_SECTORS = 80 * 60 * 75, /* more is a DVD */
    PROFILE_CD_ROM = 0x08,
    PROFILE_DVD_ROM = 0x10,
    LEAD_OUT = 0xaa,
    CONTROL_DATA = 0x14, /* address 1, data track */
    SPEED = 706,         /* kB a second */
    BUFFER_KIB = 512,
    ASC_SAVING_UNSUPPORTED = 0x39,
    CURRENT = 1,
    PERSISTENT = 2,
};

static void put16(uint8_t *bytes, unsigned value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static void put32(uint8_t *bytes, uint32_t value)
{
    put16(bytes, value >> 16);
    put16(bytes + 2, value & 0xffff);
}

static void put_text(uint8_t *bytes, unsigned size, const char *text)
{
    memset(bytes, ' ', size);
    memcpy(bytes, text, MIN(strlen(text), size));
}

/* A sector's address: its number, or minute, second and frame. */
static void put_address(uint8_t *bytes, uint32_t sector, bool msf)
{
    if (!msf) {
        put32(bytes, sector);
        return;
    }
    sector += 150;
    bytes[0] = 0;
    bytes[1] = (uint8_t)(sector / 75 / 60);
    bytes[2] = (uint8_t)(sector / 75 % 60);
    bytes[3] = (uint8_t)(sector % 75);
}

void atapi_identify(IdeDrive *drive)
{
    uint8_t *words = drive->data;
    enum { POWER = 1 << 3, PACKET = 1 << 4, DEVICE_RESET = 1 << 9, NOP = 1 << 14 };

    memset(words, 0, IDE_SECTOR);
    ide_put_word(words, 0, 0x85c0); /* ATAPI, CD-ROM, removable, 50 us to DRQ, 12 bytes a packet */
    identify_names(drive, words);
    ide_put_word(words, 20, 3);
    ide_put_word(words, 21, 512);
    ide_put_word(words, 22, 4);
    ide_put_word(words, 48, 1);
    ide_put_word(words, 49, 1 << 11 | 3 << 8); /* IORDY, LBA, DMA */
    ide_put_word(words, 53, 6);
    ide_put_word(words, 63, 0x07u | (unsigned)drive->mdma_mode << 8);
    ide_put_word(words, 64, 3);
    for (unsigned i = 65; i <= 68; i++) {
        ide_put_word(words, i, 120);
    }
    ide_put_word(words, 71, 30); /* ns from PACKET to bus release */
    ide_put_word(words, 72, 30);
    ide_put_word(words, 80, 0x0070); /* ATA/ATAPI-4 to 6 */
    ide_put_word(words, 81, 0x0022);
    ide_put_word(words, 82, POWER | PACKET | DEVICE_RESET | NOP);
    ide_put_word(words, 83, 1 << 14);
    ide_put_word(words, 84, 1 << 14);
    ide_put_word(words, 85, POWER | PACKET | DEVICE_RESET | NOP);
    ide_put_word(words, 87, 1 << 14);
    ide_put_word(words, 88, 0x3fu | (unsigned)drive->udma_mode << 8);
    identify_link(drive, words);
    if (drive->wwn != 0) {
        ide_put_word(words, 84, 1 << 14 | 1 << 8);
        ide_put_word(words, 87, 1 << 14 | 1 << 8);
        for (unsigned i = 0; i < 4; i++) {
            ide_put_word(words, 108 + i, (unsigned)(drive->wwn >> (16 * (3 - i))));
        }
    }
    drive_reply(drive, IDE_SECTOR);
}

uint32_t atapi_inquiry(IdeDrive *drive)
{
    uint8_t *data = drive->data;

    if ((drive->cd.packet[1] & 1) != 0 || drive->cd.packet[2] != 0) {
        return 0; /* there are no vital product data pages */
    }
    memset(data, 0, 36);
    data[0] = 0x05; /* CD-ROM */
    data[1] = 0x80; /* removable */
    data[3] = 0x21; /* ATAPI, response format 1 */
    data[4] = 36 - 5;
    put_text(data + 8, 8, "DOPPEL");
    put_text(data + 16, 16, "DVD-ROM");
    put_text(data + 32, 4, "1.0");
    return 36;
}

uint32_t atapi_request_sense(IdeDrive *drive)
{
    IdeCd *cd = &drive->cd;
    uint8_t *data = drive->data;

    if (cd->sense_key == 0 && cd->attention) {
        cd->attention = false;
        cd->sense_key = 6;
        cd->asc = 0x28;
    }
    memset(data, 0, 18);
    data[0] = 0x70;
    data[2] = cd->sense_key;
    data[7] = 10;
    data[12] = cd->asc;
    data[13] = cd->ascq;
    cd->sense_key = cd->asc = cd->ascq = 0;
    return 18;
}

uint32_t atapi_read_capacity(IdeDrive *drive)
{
    put32(drive->data, atapi_cd_sectors(drive) - 1);
    put32(drive->data + 4, IDE_CD_SECTOR);
    return 8;
}

/* ---- Table of contents ---- */

static uint8_t *toc_entry(uint8_t *at, unsigned track, uint32_t sector, bool msf)
{
    at[0] = 0;
    at[1] = CONTROL_DATA;
    at[2] = (uint8_t)track;
    at[3] = 0;
    put_address(at + 4, sector, msf);
    return at + 8;
}

/* Points of the lead-in: first and last track, lead-out, the track. */
static uint8_t *toc_raw_entry(uint8_t *at, unsigned point, uint8_t track, uint32_t sector)
{
    memset(at, 0, 11);
    at[0] = 1; /* session */
    at[1] = CONTROL_DATA;
    at[3] = (uint8_t)point;
    if (track != 0) {
        at[8] = track;
    } else {
        put_address(at + 7, sector, true);
    }
    return at + 11;
}

uint32_t atapi_read_toc(IdeDrive *drive)
{
    const uint8_t *packet = drive->cd.packet;
    uint8_t *data = drive->data, *at = data + 4;
    bool msf = (packet[1] & 2) != 0;
    unsigned format = (packet[2] & 15) != 0 ? packet[2] & 15 : packet[9] >> 6, first = packet[6];
    uint32_t end = atapi_cd_sectors(drive);

    data[2] = data[3] = 1; /* first and last track, or session */
    switch (format) {
    case 0:
        if (first > 1 && first != LEAD_OUT) {
            return 0;
        }
        if (first <= 1) {
            at = toc_entry(at, 1, 0, msf);
        }
        at = toc_entry(at, LEAD_OUT, end, msf);
        break;
    case 1:
        at = toc_entry(at, 1, 0, msf);
        break;
    case 2:
        at = toc_raw_entry(at, 0xa0, 1, 0);
        at = toc_raw_entry(at, 0xa1, 1, 0);
        at = toc_raw_entry(at, 0xa2, 0, end);
        at = toc_raw_entry(at, 1, 0, 0);
        break;
    default:
        return 0;
    }
    put16(data, (unsigned)(at - data) - 2);
    return (uint32_t)(at - data);
}

uint32_t atapi_disc_information(IdeDrive *drive)
{
    uint8_t *data = drive->data;

    if ((drive->cd.packet[1] & 7) != 0) {
        return 0;
    }
    memset(data, 0, 34);
    put16(data, 34 - 2);
    data[2] = 0x0e; /* complete disc, complete session */
    data[3] = data[4] = data[5] = data[6] = 1;
    data[7] = 0x20;             /* unrestricted use */
    memset(data + 16, 0xff, 8); /* nothing can be added */
    return 34;
}

uint32_t atapi_track_information(IdeDrive *drive)
{
    const uint8_t *packet = drive->cd.packet;
    uint8_t *data = drive->data;
    unsigned by = packet[1] & 3;
    uint32_t which = (uint32_t)packet[2] << 24 | (uint32_t)packet[3] << 16 |
                     (uint32_t)packet[4] << 8 | packet[5];

    if (by == 0 ? which >= atapi_cd_sectors(drive) : which != 1) {
        return 0;
    }
    memset(data, 0, 36);
    put16(data, 36 - 2);
    data[2] = data[3] = 1; /* track, session */
    data[5] = 0x04;        /* data track */
    data[6] = 0x01;        /* mode 1 */
    put32(data + 24, atapi_cd_sectors(drive));
    return 36;
}

/* ---- Features, events, mode pages ---- */

static uint8_t *put_feature(uint8_t *at, unsigned code, unsigned flags, const void *more,
                            unsigned size)
{
    put16(at, code);
    at[2] = (uint8_t)flags;
    at[3] = (uint8_t)size;
    memcpy(at + 4, more, size);
    return at + 4 + size;
}

static unsigned current_profile(const IdeDrive *drive)
{
    uint32_t sectors = atapi_cd_sectors(drive);

    return sectors == 0 ? 0 : sectors > CD_MAX_SECTORS ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

uint32_t atapi_get_configuration(IdeDrive *drive)
{
    const uint8_t *packet = drive->cd.packet;
    unsigned profile = current_profile(drive), first = (unsigned)(packet[2] << 8 | packet[3]);
    bool cd = profile == PROFILE_CD_ROM, dvd = profile == PROFILE_DVD_ROM;
    const uint8_t profiles[] = { 0, PROFILE_DVD_ROM, dvd, 0, 0, PROFILE_CD_ROM, cd, 0 };
    const struct {
        unsigned code, flags;
        uint8_t more[8], size;
    } features[] = {
        { 0x0001, 2 << 2 | PERSISTENT | CURRENT, { 0, 0, 0, 2, 1, 0, 0, 0 }, 8 }, /* ATAPI */
        { 0x0003, PERSISTENT | CURRENT, { 0x29, 0, 0, 0 }, 4 }, /* tray, ejects, locks */
        { 0x0010, cd || dvd ? CURRENT : 0, { 0, 0, 8, 0, 0, dvd ? 16 : 1, 0, 0 }, 8 },
        { 0x001e, 2 << 2 | (cd ? CURRENT : 0), { 0, 0, 0, 0 }, 4 }, /* reads CDs */
        { 0x001f, dvd ? CURRENT : 0, { 0 }, 0 },                    /* reads DVDs */
    };
    uint8_t *data = drive->data, *at = data + 8;
    unsigned which = packet[1] & 3;

    if (which == 3) {
        return 0;
    }
    memset(data, 0, 8);
    put16(data + 6, profile);
    if (first == 0) {
        at = put_feature(at, 0, PERSISTENT | CURRENT, profiles, sizeof(profiles));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(features); i++) {
        bool wanted = which == 2 ? features[i].code == first : features[i].code >= first;

        if (wanted && (which != 1 || (features[i].flags & CURRENT) != 0)) {
            at = put_feature(at, features[i].code, features[i].flags, features[i].more,
                             features[i].size);
        }
    }
    put32(data, (uint32_t)(at - data) - 4);
    return (uint32_t)(at - data);
}

uint32_t atapi_get_event(IdeDrive *drive)
{
    enum { POLLED = 1, MEDIA_CLASS = 4, NO_CLASS = 0x80 };
    IdeCd *cd = &drive->cd;
    uint8_t *data = drive->data;

    if ((cd->packet[1] & POLLED) == 0) {
        return 0;
    }
    memset(data, 0, 8);
    data[3] = 1 << MEDIA_CLASS; /* supported */
    if ((cd->packet[4] & 1 << MEDIA_CLASS) == 0) {
        put16(data, 2);
        data[2] = NO_CLASS;
        return 4;
    }
    put16(data, 6);
    data[2] = MEDIA_CLASS;
    data[4] = cd->event;
    data[5] = (cd->tray_open ? 1 : 0) | (drive_has_medium(drive) && !cd->tray_open ? 2 : 0);
    cd->event = 0;
    return 8;
}

static uint8_t *mode_error_recovery(const IdeDrive *drive, uint8_t *at, bool mask)
{
    (void)drive;
    memset(at, 0, 8);
    at[0] = 0x01;
    at[1] = 6;
    at[3] = mask ? 0 : 5; /* retries */
    return at + 8;
}

static uint8_t *mode_audio(const IdeDrive *drive, uint8_t *at, bool mask)
{
    (void)drive, (void)mask;
    memset(at, 0, 16);
    at[0] = 0x0e;
    at[1] = 14;
    return at + 16;
}

static uint8_t *mode_capabilities(const IdeDrive *drive, uint8_t *at, bool mask)
{
    memset(at, 0, 20);
    at[0] = 0x2a;
    at[1] = 18;
    if (!mask) {
        at[2] = 0x3b; /* reads CD-R, CD-RW, DVD-ROM, DVD-R, DVD-RAM */
        at[4] = 0x70; /* mode 2 form 1 and 2, several sessions */
        at[5] = 0x00;
        at[6] = 0x29 | (drive->cd.locked ? 2 : 0); /* tray, ejects, locks */
        put16(at + 8, SPEED);
        put16(at + 10, 2); /* levels of volume */
        put16(at + 12, BUFFER_KIB);
        put16(at + 14, SPEED);
    }
    return at + 20;
}

uint32_t atapi_mode_sense(IdeDrive *drive)
{
    static const struct {
        uint8_t code;
        uint8_t *(*put)(const IdeDrive *drive, uint8_t *at, bool mask);
    } pages[] = { { 0x01, mode_error_recovery },
                  { 0x0e, mode_audio },
                  { 0x2a, mode_capabilities } };
    enum { CHANGEABLE = 1, SAVED = 3, ALL_PAGES = 0x3f };
    unsigned code = drive->cd.packet[2] & 0x3f, control = drive->cd.packet[2] >> 6;
    uint8_t *data = drive->data, *at = data + 8;

    if (control == SAVED) {
        drive->cd.asc = ASC_SAVING_UNSUPPORTED;
        return 0;
    }
    memset(data, 0, 8);
    data[2] = drive->cd.tray_open ? 0x71 : drive_has_medium(drive) ? 0x01 : 0x70; /* 120 mm data */
    for (size_t i = 0; i < G_N_ELEMENTS(pages); i++) {
        if (code == pages[i].code || code == ALL_PAGES) {
            at = pages[i].put(drive, at, control == CHANGEABLE);
        }
    }
    if (at == data + 8) {
        return 0;
    }
    put16(data, (unsigned)(at - data) - 2);
    return (uint32_t)(at - data);
}

uint32_t atapi_mechanism_status(IdeDrive *drive)
{
    memset(drive->data, 0, 8);
    drive->data[1] = drive->cd.tray_open ? 0x10 : 0;
    drive->data[5] = 1; /* slot */
    return 8;
}
