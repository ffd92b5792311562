/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_request.c - requests from CDB to status: look-up, checks that all commands share (SAM-5, 5;
 * SPC-4, 5.14 for unit attentions), sense data, ends.
 *
 * A unit has one pending unit attention: what a reset tells makes up for what went before it. */
#include "hw/scsi/scsi_int.h"

#include <errno.h>

enum { OPCODE_REQUEST_SENSE = 0x03, SENSE_FIXED = 0x70 };

/* ---- Sense ---- */

void scsi_sense_fixed(uint8_t *data, uint32_t sense)
{
    memset(data, 0, SCSI_SENSE_SIZE);
    data[0] = SENSE_FIXED;
    data[2] = (uint8_t)(sense >> 16);
    data[7] = SCSI_SENSE_SIZE - 8;
    data[12] = (uint8_t)(sense >> 8);
    data[13] = (uint8_t)sense;
}

void scsi_attention(ScsiDevice *device, uint32_t sense)
{
    const ScsiBus *bus = (const ScsiBus *)device->dev.bus;

    if (device->attention == SENSE_NONE || sense == SENSE_RESET) {
        device->attention = sense;
    }
    if (sense != SENSE_RESET && bus->hba->changed != NULL) {
        bus->hba->changed((ScsiBus *)device->dev.bus, device, (uint8_t)(sense >> 8),
                          (uint8_t)sense);
    }
}

/* ---- Ends ---- */

void scsi_end(ScsiRequest *request, ScsiStatus status)
{
    request->status = status;
    if (request->device != NULL) {
        g_queue_remove(&request->device->requests, request);
    }
    g_clear_pointer(&request->buffer, g_free);
    g_clear_pointer(&request->iov, g_free);
    request->done(request);
}

void scsi_good(ScsiRequest *request)
{
    scsi_end(request, SCSI_GOOD);
}

void scsi_fail(ScsiRequest *request, uint32_t sense)
{
    scsi_sense_fixed(request->sense, sense);
    if (request->device != NULL && !request->bus->hba->autosense) {
        request->device->kept = sense;
    }
    scsi_end(request, SCSI_CHECK_CONDITION);
}

void scsi_fail_errno(ScsiRequest *request, int error, bool write)
{
    switch (error) {
    case ENOSPC:
        scsi_fail(request, SENSE_NO_SPACE);
        break;
    case EROFS:
    case EPERM:
        scsi_fail(request, SENSE_WRITE_PROTECTED);
        break;
    case ENOMEM:
        scsi_fail(request, SENSE_HARDWARE);
        break;
    default:
        scsi_fail(request, write ? SENSE_WRITE_ERROR : SENSE_READ_ERROR);
        break;
    }
}

void scsi_read_done(void *opaque, int error)
{
    ScsiRequest *request = opaque;

    if (error != 0) {
        scsi_fail_errno(request, error, false);
    } else {
        request->next(request);
    }
}

void scsi_write_done(void *opaque, int error)
{
    ScsiRequest *request = opaque;

    if (error != 0) {
        scsi_fail_errno(request, error, true);
    } else {
        request->next(request);
    }
}

/* ---- Data ---- */

/* The groups of opcodes have it in one place (SPC-4, 4.2.5). */
uint32_t scsi_cdb_length(const uint8_t *cdb)
{
    switch (cdb[0] >> 5) {
    case 0:
        return cdb[4];
    case 1:
    case 2:
        return scsi_get(cdb + 7, 2);
    case 4:
        return scsi_get(cdb + 10, 4);
    default:
        return scsi_get(cdb + 6, 4);
    }
}

uint32_t scsi_cdb_allocation(const uint8_t *cdb)
{
    enum { INQUIRY = 0x12, MECHANISM_STATUS = 0xbd, READ_DISC_STRUCTURE = 0xad };

    switch (cdb[0]) {
    case INQUIRY:
        return scsi_get(cdb + 3, 2);
    case MECHANISM_STATUS:
    case READ_DISC_STRUCTURE:
        return scsi_get(cdb + 8, 2);
    default:
        return scsi_cdb_length(cdb);
    }
}

void scsi_reply(ScsiRequest *request, const uint8_t *data, uint32_t size)
{
    size = MIN(size, scsi_cdb_allocation(request->cdb));
    request->moved = iov_from_buffer(request->in, request->n_in, 0, data, size);
    scsi_good(request);
}

uint32_t scsi_parameters(ScsiRequest *request, uint8_t *data, uint32_t most)
{
    uint32_t size = MIN(scsi_cdb_length(request->cdb), most);

    size = (uint32_t)iov_to_buffer(request->out, request->n_out, 0, data, size);
    request->moved = size;
    return size;
}

/* ---- Commands of all units ---- */

static void command_sense(ScsiRequest *request)
{
    ScsiDevice *device = request->device;
    uint8_t data[SCSI_SENSE_SIZE];
    uint32_t sense = device->kept;

    if (sense == SENSE_NONE) {
        sense = device->attention;
        device->attention = SENSE_NONE;
    }
    if (sense == SENSE_NONE && device->kind == SCSI_CDROM && !scsi_has_medium(device)) {
        sense = device->tray_open ? SENSE_TRAY_OPEN : SENSE_NO_MEDIUM;
    }
    device->kept = SENSE_NONE;
    scsi_sense_fixed(data, sense);
    if ((request->cdb[1] & 1) != 0) { /* in descriptor format */
        const uint8_t descriptor[8] = { 0x72, data[2], data[12], data[13] };

        scsi_reply(request, descriptor, sizeof(descriptor));
        return;
    }
    scsi_reply(request, data, sizeof(data));
}

static void command_prevent(ScsiRequest *request)
{
    request->device->locked = (request->cdb[4] & 1) != 0;
    scsi_good(request);
}

static const ScsiCommand common[] = {
    { 0x00, COMMAND_MEDIUM, SCSI_DATA_NONE, scsi_good },   /* TEST UNIT READY */
    { 0x03, COMMAND_ALWAYS, SCSI_DATA_IN, command_sense }, /* REQUEST SENSE */
    { 0x12, COMMAND_ALWAYS, SCSI_DATA_IN, scsi_inquiry },  /* INQUIRY */
    { 0x15, 0, SCSI_DATA_OUT, scsi_mode_select },          /* MODE SELECT(6) */
    { 0x16, 0, SCSI_DATA_NONE, scsi_good },                /* RESERVE(6): there is one initiator */
    { 0x17, 0, SCSI_DATA_NONE, scsi_good },                /* RELEASE(6) */
    { 0x1a, 0, SCSI_DATA_IN, scsi_mode_sense },            /* MODE SENSE(6) */
    { 0x1b, 0, SCSI_DATA_NONE, scsi_start_stop },          /* START STOP UNIT */
    { 0x1e, 0, SCSI_DATA_NONE, command_prevent },          /* PREVENT ALLOW MEDIUM REMOVAL */
    { 0x55, 0, SCSI_DATA_OUT, scsi_mode_select },          /* MODE SELECT(10) */
    { 0x56, 0, SCSI_DATA_NONE, scsi_good },                /* RESERVE(10) */
    { 0x57, 0, SCSI_DATA_NONE, scsi_good },                /* RELEASE(10) */
    { 0x5a, 0, SCSI_DATA_IN, scsi_mode_sense },            /* MODE SENSE(10) */
    { 0xa0, COMMAND_ALWAYS, SCSI_DATA_IN, scsi_report_luns }, /* REPORT LUNS */
};

const ScsiCommands scsi_common_commands = { common, G_N_ELEMENTS(common) };

/* ---- Dispatch ---- */

static const ScsiCommand *command_find(const ScsiCommands *commands, uint8_t opcode)
{
    for (unsigned i = 0; i < commands->n; i++) {
        if (commands->command[i].opcode == opcode) {
            return &commands->command[i];
        }
    }
    return NULL;
}

const ScsiCommand *scsi_command_find(const ScsiDevice *device, uint8_t opcode)
{
    const ScsiCommand *command = command_find(&scsi_common_commands, opcode);

    if (command != NULL || device == NULL) {
        return command;
    }
    return command_find(device->kind == SCSI_DISK ? &scsi_block_commands : &scsi_cd_commands,
                        opcode);
}

static void request_run(ScsiRequest *request)
{
    ScsiDevice *device = request->device;
    const ScsiCommand *command = scsi_command_find(device, request->cdb[0]);

    if (request->cdb[0] != OPCODE_REQUEST_SENSE) {
        device->kept = SENSE_NONE;
    }
    if (device->attention != SENSE_NONE &&
        (command == NULL || !(command->flags & COMMAND_ALWAYS))) {
        uint32_t sense = device->attention;

        device->attention = SENSE_NONE;
        scsi_fail(request, sense);
    } else if (command == NULL) {
        scsi_fail(request, SENSE_INVALID_OPCODE);
    } else if ((command->flags & COMMAND_MEDIUM) != 0 && !scsi_has_medium(device)) {
        scsi_fail(request, device->tray_open ? SENSE_TRAY_OPEN : SENSE_NO_MEDIUM);
    } else if ((command->flags & COMMAND_WRITES) != 0 && block_readonly(device->drive)) {
        scsi_fail(request, SENSE_WRITE_PROTECTED);
    } else {
        request->command = command;
        command->run(request);
    }
}

/* A unit that is not there, of a target that is (SPC-4, 5.12 and 6.4.2). */
static void request_run_absent(ScsiRequest *request)
{
    uint8_t data[SCSI_SENSE_SIZE];

    switch (request->cdb[0]) {
    case 0x03:
        scsi_sense_fixed(data, SENSE_NO_SUCH_UNIT);
        scsi_reply(request, data, sizeof(data));
        break;
    case 0x12:
        scsi_inquiry(request);
        break;
    case 0xa0:
        scsi_report_luns(request);
        break;
    default:
        scsi_fail(request, SENSE_NO_SUCH_UNIT);
        break;
    }
}

bool scsi_submit(ScsiBus *bus, ScsiAddress address, ScsiRequest *request)
{
    ScsiDevice *device = scsi_bus_find(bus, address);

    if (device == NULL && !scsi_bus_has_target(bus, address.channel, address.target)) {
        return false;
    }
    request->bus = bus;
    request->address = address;
    request->device = device;
    request->moved = 0;
    request->overrun = request->force = false;
    request->buffer = NULL;
    request->iov = NULL;
    memset(request->sense, 0, sizeof(request->sense));
    if (device == NULL) {
        request_run_absent(request);
    } else {
        g_queue_push_tail(&device->requests, request);
        request_run(request);
    }
    return true;
}

/* ---- Requests under way ---- */

ScsiRequest *scsi_device_find_request(const ScsiDevice *device, uint64_t tag)
{
    for (const GList *link = device->requests.head; link != NULL; link = link->next) {
        ScsiRequest *request = link->data;

        if (request->tag == tag) {
            return request;
        }
    }
    return NULL;
}

bool scsi_device_busy(const ScsiDevice *device)
{
    return !g_queue_is_empty((GQueue *)(uintptr_t)&device->requests);
}

void scsi_device_drain(ScsiDevice *device)
{
    if (device->drive != NULL) {
        block_drain(device->drive);
    }
    g_assert(!scsi_device_busy(device));
}

void scsi_device_reset(ScsiDevice *device)
{
    scsi_device_drain(device);
    device->attention = SENSE_RESET;
    device->kept = SENSE_NONE;
    device->locked = false;
    device->write_cache = device->write_cache_wanted != ON_OFF_AUTO_OFF;
}

void scsi_device_resized(ScsiDevice *device)
{
    scsi_attention(device, SENSE_CAPACITY_CHANGED);
}
