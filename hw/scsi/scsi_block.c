/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi_block.c - the commands of disks that move blocks (SBC-3, clause 5).
 *
 * Data go between guest RAM and the block layer without a copy.  A write with FUA, or without a
 * write cache, is flushed before it ends. */
#include "hw/scsi/scsi_int.h"

enum { CDB_FUA = 0x08, CDB_BYTCHK = 0x06, BUFFER_SIZE = 256 << 10 };

bool scsi_has_medium(const ScsiDevice *device)
{
    return device->drive != NULL && block_has_medium(device->drive) && !device->tray_open;
}

uint64_t scsi_blocks(const ScsiDevice *device)
{
    return scsi_has_medium(device) ? block_size(device->drive) / device->block : 0;
}

/* ---- What a command moves ---- */

bool scsi_transfer(const ScsiBus *bus, ScsiAddress address, const uint8_t *cdb, uint64_t *bytes)
{
    enum { CAPACITY_SIZE = 8, NO_DATA_OUT = 1, WRITE_SAME_16 = 0x93 };
    const ScsiDevice *device = scsi_bus_find(bus, address);
    const ScsiCommand *command = scsi_command_find(device, cdb[0]);
    uint64_t block = device != NULL ? device->block : 0;

    *bytes = 0;
    switch (command != NULL ? command->data : SCSI_DATA_NONE) {
    case SCSI_DATA_IN:
        *bytes = scsi_cdb_allocation(cdb);
        return false;
    case SCSI_DATA_IN_CAPACITY:
        *bytes = CAPACITY_SIZE;
        return false;
    case SCSI_DATA_IN_BLOCKS:
        *bytes = scsi_cdb_blocks(cdb) * block;
        return false;
    case SCSI_DATA_OUT:
        *bytes = scsi_cdb_length(cdb);
        return true;
    case SCSI_DATA_OUT_BLOCKS:
        *bytes = scsi_cdb_blocks(cdb) * block;
        return true;
    case SCSI_DATA_OUT_VERIFY:
        *bytes = (cdb[1] & CDB_BYTCHK) != 0 ? scsi_cdb_blocks(cdb) * block : 0;
        return *bytes != 0;
    case SCSI_DATA_OUT_SAME:
        *bytes = cdb[0] == WRITE_SAME_16 && (cdb[1] & NO_DATA_OUT) != 0 ? 0 : block;
        return *bytes != 0;
    default:
        return false;
    }
}

/* ---- Ranges ---- */

uint32_t scsi_cdb_blocks(const uint8_t *cdb)
{
    enum { READ_CD = 0xbe };

    if (cdb[0] >> 5 == 0) {
        return cdb[4] == 0 ? 256 : cdb[4];
    }
    return cdb[0] == READ_CD ? scsi_get(cdb + 6, 3) : scsi_cdb_length(cdb);
}

/* Where the CDB's group has the address (SPC-4, 4.2.5). */
static void range_get(ScsiRequest *request)
{
    const uint8_t *cdb = request->cdb;

    request->blocks = scsi_cdb_blocks(cdb);
    switch (cdb[0] >> 5) {
    case 0:
        request->lba = scsi_get(cdb + 1, 3) & 0x1fffff;
        break;
    case 4:
        request->lba = scsi_get64(cdb + 2);
        break;
    default:
        request->lba = scsi_get(cdb + 2, 4);
        break;
    }
}

static bool range_good(const ScsiDevice *device, uint64_t lba, uint64_t blocks)
{
    uint64_t all = scsi_blocks(device);

    return lba <= all && blocks <= all - lba;
}

/* Fails requests that are not there; ends those of nothing. True: there is something to do. */
static bool range_begin(ScsiRequest *request)
{
    if (!range_good(request->device, request->lba, request->blocks)) {
        scsi_fail(request, SENSE_OUT_OF_RANGE);
        return false;
    }
    if (request->blocks == 0) {
        scsi_good(request);
        return false;
    }
    return true;
}

static uint64_t bytes_of(const ScsiRequest *request, uint64_t blocks)
{
    return blocks * request->device->block;
}

/* All the data in one go, from the beginning of the vectors. */
static bool vectors_take(ScsiRequest *request, bool write)
{
    const struct iovec *iov = write ? request->out : request->in;
    unsigned n = write ? request->n_out : request->n_in;
    uint64_t size = bytes_of(request, request->blocks);

    if (size > (write ? request->out_size : request->in_size)) {
        request->overrun = true;
        scsi_good(request);
        return false;
    }
    request->iov = g_new(struct iovec, n);
    request->step = iov_part(iov, n, 0, size, request->iov); /* vectors */
    return true;
}

/* ---- Reading ---- */

static void read_end(ScsiRequest *request)
{
    request->moved = bytes_of(request, request->blocks);
    scsi_good(request);
}

static void read_start(ScsiRequest *request)
{
    request->next = read_end;
    block_read(request->device->drive, bytes_of(request, request->lba), request->iov,
               (int)request->step, scsi_read_done, request);
}

void scsi_read_blocks(ScsiRequest *request)
{
    if (!range_begin(request) || !vectors_take(request, false)) {
        return;
    }
    if (request->force && !block_readonly(request->device->drive)) {
        request->next = read_start;
        block_flush(request->device->drive, scsi_write_done, request);
    } else {
        read_start(request);
    }
}

void scsi_read(ScsiRequest *request)
{
    range_get(request);
    request->force = request->cdb[0] >> 5 != 0 && (request->cdb[1] & CDB_FUA) != 0;
    scsi_read_blocks(request);
}

/* ---- Writing ---- */

static void write_flush(ScsiRequest *request)
{
    ScsiDevice *device = request->device;

    if (device->write_cache && !request->force) {
        scsi_good(request);
        return;
    }
    request->next = scsi_good;
    block_flush(device->drive, scsi_write_done, request);
}

static void write_end(ScsiRequest *request)
{
    request->moved = bytes_of(request, request->blocks);
    write_flush(request);
}

static void command_write(ScsiRequest *request)
{
    range_get(request);
    request->force = request->cdb[0] >> 5 != 0 && (request->cdb[1] & CDB_FUA) != 0;
    if (range_begin(request) && vectors_take(request, true)) {
        request->next = write_end;
        block_write(request->device->drive, bytes_of(request, request->lba), request->iov,
                    (int)request->step, scsi_write_done, request);
    }
}

/* What is on stable storage is verified. */
static void command_write_verify(ScsiRequest *request)
{
    range_get(request);
    request->force = true;
    if (range_begin(request) && vectors_take(request, true)) {
        request->next = write_end;
        block_write(request->device->drive, bytes_of(request, request->lba), request->iov,
                    (int)request->step, scsi_write_done, request);
    }
}

static void command_synchronize(ScsiRequest *request)
{
    range_get(request);
    if (!range_good(request->device, request->lba, request->blocks)) {
        scsi_fail(request, SENSE_OUT_OF_RANGE);
        return;
    }
    request->next = scsi_good;
    block_flush(request->device->drive, scsi_write_done, request);
}

/* ---- Steps through a buffer ---- */

static void buffer_begin(ScsiRequest *request, void (*next)(ScsiRequest *request))
{
    request->step = MIN(request->blocks, MAX(BUFFER_SIZE / request->device->block, 1));
    request->buffer = g_malloc(bytes_of(request, request->step));
    request->iov = g_new(struct iovec, 1);
    request->next = next;
}

static void buffer_span(ScsiRequest *request)
{
    request->step = MIN(request->step, request->blocks);
    request->iov[0] = (struct iovec){ request->buffer, bytes_of(request, request->step) };
}

static void buffer_advance(ScsiRequest *request)
{
    request->lba += request->step;
    request->blocks -= request->step;
}

/* ---- VERIFY ---- */

static void verify_read(ScsiRequest *request)
{
    buffer_span(request);
    block_read(request->device->drive, bytes_of(request, request->lba), request->iov, 1,
               scsi_read_done, request);
}

static void verify_compare(ScsiRequest *request)
{
    size_t size = bytes_of(request, request->step);
    g_autofree uint8_t *wanted = g_malloc(size);

    iov_to_buffer(request->out, request->n_out, request->moved, wanted, size);
    request->moved += size;
    if (memcmp(wanted, request->buffer, size) != 0) {
        scsi_fail(request, SENSE_MISCOMPARE);
        return;
    }
    buffer_advance(request);
    if (request->blocks == 0) {
        scsi_good(request);
    } else {
        verify_read(request);
    }
}

/* Without data to compare with: can it be read? */
static void verify_look(ScsiRequest *request)
{
    buffer_advance(request);
    if (request->blocks == 0) {
        scsi_good(request);
    } else {
        verify_read(request);
    }
}

static void command_verify(ScsiRequest *request)
{
    unsigned check = request->cdb[1] & CDB_BYTCHK;

    if (check > 2) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    range_get(request);
    if (!range_begin(request)) {
        return;
    }
    if (check != 0 && bytes_of(request, request->blocks) > request->out_size) {
        request->overrun = true;
        scsi_good(request);
        return;
    }
    buffer_begin(request, check != 0 ? verify_compare : verify_look);
    verify_read(request);
}

/* ---- WRITE SAME ---- */

static void same_write(ScsiRequest *request)
{
    buffer_span(request);
    block_write(request->device->drive, bytes_of(request, request->lba), request->iov, 1,
                scsi_write_done, request);
}

static void same_written(ScsiRequest *request)
{
    buffer_advance(request);
    if (request->blocks == 0) {
        write_flush(request);
    } else {
        same_write(request);
    }
}

static bool all_zero(const uint8_t *data, size_t size)
{
    return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

static void same_start(ScsiRequest *request, bool unmap, bool data_out)
{
    uint32_t block = request->device->block;
    g_autofree uint8_t *data = g_malloc0(block);

    if (data_out) {
        request->moved = iov_to_buffer(request->out, request->n_out, 0, data, block);
    }
    if (all_zero(data, block)) {
        request->next = write_flush;
        block_write_zeroes(request->device->drive, bytes_of(request, request->lba),
                           bytes_of(request, request->blocks), unmap, scsi_write_done, request);
        return;
    }
    if (unmap) { /* it would not read as what was given */
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    buffer_begin(request, same_written);
    for (uint64_t i = 0; i < request->step; i++) {
        memcpy(request->buffer + i * block, data, block);
    }
    same_write(request);
}

static void command_write_same(ScsiRequest *request)
{
    enum { ANCHOR = 0x10, UNMAP = 0x08, LBDATA_PBDATA = 0x06, NO_DATA_OUT = 0x01 };
    const ScsiDevice *device = request->device;
    bool sixteen = request->cdb[0] == 0x93;
    bool data_out = !sixteen || (request->cdb[1] & NO_DATA_OUT) == 0;

    range_get(request);
    if ((request->cdb[1] & (ANCHOR | LBDATA_PBDATA)) != 0 ||
        (!sixteen && (request->cdb[1] & NO_DATA_OUT) != 0) || request->blocks == 0 ||
        request->blocks > device->max_unmap / device->block) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    if (!range_begin(request)) {
        return;
    }
    if (data_out && request->out_size < device->block) {
        request->overrun = true;
        scsi_good(request);
        return;
    }
    same_start(request, (request->cdb[1] & UNMAP) != 0, data_out);
}

/* ---- UNMAP ---- */

enum { UNMAP_HEAD = 8, UNMAP_DESCRIPTOR = 16, UNMAP_MAX = UNMAP_HEAD + 255 * UNMAP_DESCRIPTOR };

/* `step` is where the next descriptor is, `blocks` how many there are. */
static void unmap_next(ScsiRequest *request)
{
    const uint8_t *at = request->buffer + request->step;
    uint32_t block = request->device->block;

    if (request->blocks == 0) {
        write_flush(request);
        return;
    }
    request->blocks--;
    request->step += UNMAP_DESCRIPTOR;
    block_discard(request->device->drive, scsi_get64(at) * block,
                  (uint64_t)scsi_get(at + 8, 4) * block, scsi_write_done, request);
}

/* All of them, before the first is done. */
static uint32_t unmap_check(const ScsiRequest *request, uint32_t size)
{
    const ScsiDevice *device = request->device;
    uint32_t listed = scsi_get(request->buffer + 2, 2);

    if (listed % UNMAP_DESCRIPTOR != 0 || listed > size - UNMAP_HEAD ||
        scsi_get(request->buffer, 2) < listed + UNMAP_HEAD - 2) {
        return SENSE_INVALID_PARAMETER;
    }
    for (uint32_t i = 0; i < listed; i += UNMAP_DESCRIPTOR) {
        const uint8_t *at = request->buffer + UNMAP_HEAD + i;

        if (!range_good(device, scsi_get64(at), scsi_get(at + 8, 4))) {
            return SENSE_OUT_OF_RANGE;
        }
        if (scsi_get(at + 8, 4) > device->max_unmap / device->block) {
            return SENSE_INVALID_PARAMETER;
        }
    }
    return SENSE_NONE;
}

static void command_unmap(ScsiRequest *request)
{
    uint32_t wanted = scsi_cdb_length(request->cdb), size, sense;

    if ((request->cdb[1] & 1) != 0) { /* anchors are not known */
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    request->buffer = g_malloc(UNMAP_MAX);
    size = scsi_parameters(request, request->buffer, UNMAP_MAX);
    if (wanted == 0) {
        scsi_good(request);
        return;
    }
    sense = size < UNMAP_HEAD ? SENSE_LIST_LENGTH : unmap_check(request, size);
    if (sense != SENSE_NONE) {
        scsi_fail(request, sense);
        return;
    }
    request->blocks = scsi_get(request->buffer + 2, 2) / UNMAP_DESCRIPTOR;
    request->step = UNMAP_HEAD;
    request->next = unmap_next;
    unmap_next(request);
}

/* ---- Sizes, and the rest ---- */

static void command_capacity_10(ScsiRequest *request)
{
    uint8_t data[8];

    if ((request->cdb[8] & 1) == 0 && scsi_get(request->cdb + 2, 4) != 0) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    scsi_put(data, MIN(scsi_blocks(request->device) - 1, UINT32_MAX), 4);
    scsi_put(data + 4, request->device->block, 4);
    request->moved = iov_from_buffer(request->in, request->n_in, 0, data, sizeof(data));
    scsi_good(request);
}

static void command_service_in(ScsiRequest *request)
{
    enum { READ_CAPACITY = 0x10, SIZE = 32, THIN = 0x80 };
    const ScsiDevice *device = request->device;
    uint8_t data[SIZE] = { 0 };

    if ((request->cdb[1] & 0x1f) != READ_CAPACITY) {
        scsi_fail(request, SENSE_INVALID_FIELD);
        return;
    }
    scsi_put(data, scsi_blocks(device) - 1, 8);
    scsi_put(data + 8, device->block, 4);
    data[13] = (uint8_t)__builtin_ctzll(device->physical_block / device->block);
    data[14] = device->granularity != 0 ? THIN : 0;
    scsi_reply(request, data, sizeof(data));
}

static void command_seek(ScsiRequest *request)
{
    if (!range_good(request->device, scsi_get(request->cdb + 2, 4), 1)) {
        scsi_fail(request, SENSE_OUT_OF_RANGE);
        return;
    }
    scsi_good(request);
}

static const ScsiCommand block_commands[] = {
    { 0x08, COMMAND_MEDIUM, SCSI_DATA_IN_BLOCKS, scsi_read },                       /* READ(6) */
    { 0x0a, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT_BLOCKS, command_write }, /* WRITE(6) */
    { 0x25, COMMAND_MEDIUM, SCSI_DATA_IN_CAPACITY, command_capacity_10 }, /* READ CAPACITY(10) */
    { 0x28, COMMAND_MEDIUM, SCSI_DATA_IN_BLOCKS, scsi_read },             /* READ(10) */
    { 0x2a, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT_BLOCKS, command_write }, /* WRITE(10) */
    { 0x2b, COMMAND_MEDIUM, SCSI_DATA_NONE, command_seek },                         /* SEEK(10) */
    { 0x2e, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT_BLOCKS,
      command_write_verify },                                       /* WRITE AND VERIFY(10) */
    { 0x2f, COMMAND_MEDIUM, SCSI_DATA_OUT_VERIFY, command_verify }, /* VERIFY(10) */
    { 0x35, COMMAND_MEDIUM, SCSI_DATA_NONE, command_synchronize },  /* SYNCHRONIZE CACHE(10) */
    { 0x41, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT_SAME,
      command_write_same },                                                  /* WRITE SAME(10) */
    { 0x42, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT, command_unmap }, /* UNMAP */
    { 0x88, COMMAND_MEDIUM, SCSI_DATA_IN_BLOCKS, scsi_read },                /* READ(16) */
    { 0x8a, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT_BLOCKS, command_write }, /* WRITE(16) */
    { 0x8e, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT_BLOCKS,
      command_write_verify },                                       /* WRITE AND VERIFY(16) */
    { 0x8f, COMMAND_MEDIUM, SCSI_DATA_OUT_VERIFY, command_verify }, /* VERIFY(16) */
    { 0x91, COMMAND_MEDIUM, SCSI_DATA_NONE, command_synchronize },  /* SYNCHRONIZE CACHE(16) */
    { 0x93, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT_SAME,
      command_write_same },                                     /* WRITE SAME(16) */
    { 0x9e, COMMAND_MEDIUM, SCSI_DATA_IN, command_service_in }, /* READ CAPACITY(16) */
    { 0xa8, COMMAND_MEDIUM, SCSI_DATA_IN_BLOCKS, scsi_read },   /* READ(12) */
    { 0xaa, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT_BLOCKS, command_write }, /* WRITE(12) */
    { 0xae, COMMAND_MEDIUM | COMMAND_WRITES, SCSI_DATA_OUT_BLOCKS,
      command_write_verify },                                       /* WRITE AND VERIFY(12) */
    { 0xaf, COMMAND_MEDIUM, SCSI_DATA_OUT_VERIFY, command_verify }, /* VERIFY(12) */
};

const ScsiCommands scsi_block_commands = { block_commands, G_N_ELEMENTS(block_commands) };
