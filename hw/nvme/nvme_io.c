/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nvme_io.c - the NVM command set (NVM Express 1.4, clause 6): read, write, flush, compare, write
 * zeroes, dataset management. */
#include "hw/nvme/nvme_int.h"

#include <errno.h>
#include <string.h>

enum {
    IO_FLUSH = 0x00,
    IO_WRITE = 0x01,
    IO_READ = 0x02,
    IO_COMPARE = 0x05,
    IO_WRITE_ZEROES = 0x08,
    IO_DATASET = 0x09,
};
enum { FLAGS_FUSE = 0x03, RANGE_SIZE = 16 };
enum { CDW12_FUA = 1 << 30, CDW12_DEALLOCATE = 1 << 25, CDW12_PROTECTION = 15 << 26 };

/* ---- Ends ---- */

static NvmeStatus status_of(int error, NvmeStatus other)
{
    switch (error) {
    case 0:
        return NVME_SUCCESS;
    case ENOSPC:
        return NVME_CAPACITY_EXCEEDED;
    case ENOMEM:
        return NVME_INTERNAL_ERROR;
    case EROFS:
    case EPERM:
        return NVME_READ_ONLY;
    default:
        return other;
    }
}

static void read_done(void *opaque, int error)
{
    nvme_request_end(opaque, status_of(error, NVME_READ_ERROR));
}

static void flush_done(void *opaque, int error)
{
    nvme_request_end(opaque, status_of(error, NVME_WRITE_FAULT));
}

/* Without a write cache, or if it is asked for, a write ends on stable storage. */
static void write_done(void *opaque, int error)
{
    NvmeRequest *request = opaque;
    bool force = (request->command.cdw12 & CDW12_FUA) != 0;

    if (error == 0 && (force || !request->nvme->write_cache)) {
        block_flush(request->ns->drive, flush_done, request);
    } else {
        flush_done(request, error);
    }
}

/* ---- Ranges ---- */

static uint64_t command_lba(const NvmeCommand *command)
{
    return command->cdw10 | (uint64_t)command->cdw11 << 32;
}

static uint32_t command_blocks(const NvmeCommand *command)
{
    return (command->cdw12 & 0xffff) + 1;
}

static bool range_good(const NvmeNs *ns, uint64_t lba, uint64_t blocks)
{
    uint64_t all = nvme_ns_blocks(ns);

    return lba <= all && blocks <= all - lba;
}

/* Of commands that move data: range, protection information (there is none), size. */
static NvmeStatus data_check(const NvmeRequest *request)
{
    const NvmeCommand *command = &request->command;
    uint64_t size = (uint64_t)command_blocks(command) * request->ns->block;

    if ((command->cdw12 & CDW12_PROTECTION) != 0 || size > nvme_data_max(request->nvme)) {
        return NVME_INVALID_FIELD;
    }
    return range_good(request->ns, command_lba(command), command_blocks(command)) ? NVME_SUCCESS
                                                                                  : NVME_LBA_RANGE;
}

static NvmeStatus data_begin(NvmeRequest *request, bool to_guest)
{
    NvmeStatus status = data_check(request);

    return status != NVME_SUCCESS
               ? status
               : nvme_map(request, (uint64_t)command_blocks(&request->command) * request->ns->block,
                          to_guest);
}

/* ---- Commands ---- */

static NvmeStatus io_read(NvmeRequest *request)
{
    NvmeStatus status = data_begin(request, true);

    request->nvme->host_reads++;
    if (status == NVME_SUCCESS) {
        block_read(request->ns->drive, command_lba(&request->command) * request->ns->block,
                   (const struct iovec *)(void *)request->data->data, (int)request->data->len,
                   read_done, request);
    }
    return status == NVME_SUCCESS ? NVME_LATER : status;
}

static NvmeStatus io_write(NvmeRequest *request)
{
    NvmeStatus status = data_begin(request, false);

    request->nvme->host_writes++;
    if (status == NVME_SUCCESS) {
        block_write(request->ns->drive, command_lba(&request->command) * request->ns->block,
                    (const struct iovec *)(void *)request->data->data, (int)request->data->len,
                    write_done, request);
    }
    return status == NVME_SUCCESS ? NVME_LATER : status;
}

static NvmeStatus io_flush(NvmeRequest *request)
{
    block_flush(request->ns->drive, flush_done, request);
    return NVME_LATER;
}

/* What was read is in the buffer; what it is to be in guest RAM. */
static void compare_done(void *opaque, int error)
{
    NvmeRequest *request = opaque;
    size_t size = request->vector.iov_len;
    g_autofree uint8_t *wanted = NULL;
    NvmeStatus status = status_of(error, NVME_READ_ERROR);

    if (status == NVME_SUCCESS) {
        wanted = g_malloc(size);
        iov_to_buffer((const struct iovec *)(void *)request->data->data, request->data->len, 0,
                      wanted, size);
        status = memcmp(wanted, request->buffer, size) == 0 ? NVME_SUCCESS : NVME_COMPARE_FAILURE;
    }
    nvme_request_end(request, status);
}

static NvmeStatus io_compare(NvmeRequest *request)
{
    NvmeStatus status = data_begin(request, false);
    size_t size = (size_t)command_blocks(&request->command) * request->ns->block;

    if (status != NVME_SUCCESS) {
        return status;
    }
    request->buffer = g_malloc(size);
    request->vector = (struct iovec){ request->buffer, size };
    block_read(request->ns->drive, command_lba(&request->command) * request->ns->block,
               &request->vector, 1, compare_done, request);
    return NVME_LATER;
}

static NvmeStatus io_write_zeroes(NvmeRequest *request)
{
    const NvmeCommand *command = &request->command;
    uint64_t lba = command_lba(command), blocks = command_blocks(command);

    if ((command->cdw12 & CDW12_PROTECTION) != 0) {
        return NVME_INVALID_FIELD;
    }
    if (!range_good(request->ns, lba, blocks)) {
        return NVME_LBA_RANGE;
    }
    block_write_zeroes(request->ns->drive, lba * request->ns->block, blocks * request->ns->block,
                       (command->cdw12 & CDW12_DEALLOCATE) != 0, write_done, request);
    return NVME_LATER;
}

/* ---- Dataset management ---- */

static uint64_t range_lba(const uint8_t *range)
{
    uint64_t lba;

    memcpy(&lba, range + 8, 8);
    return lba;
}

static uint32_t range_blocks(const uint8_t *range)
{
    uint32_t blocks;

    memcpy(&blocks, range + 4, 4);
    return blocks;
}

static void dataset_next(void *opaque, int error)
{
    NvmeRequest *request = opaque;
    const uint8_t *range = request->buffer + (size_t)request->at * RANGE_SIZE;

    if (error != 0 || request->left == 0) {
        nvme_request_end(request, status_of(error, NVME_WRITE_FAULT));
        return;
    }
    request->at++;
    request->left--;
    block_discard(request->ns->drive, range_lba(range) * request->ns->block,
                  (uint64_t)range_blocks(range) * request->ns->block, dataset_next, request);
}

/* All ranges are looked at before the first is deallocated. Other hints mean nothing here. */
static NvmeStatus io_dataset(NvmeRequest *request)
{
    enum { DEALLOCATE = 4 };
    unsigned n = (request->command.cdw10 & 0xff) + 1;
    NvmeStatus status;

    if ((request->command.cdw11 & DEALLOCATE) == 0) {
        return NVME_SUCCESS;
    }
    request->buffer = g_malloc((size_t)n * RANGE_SIZE);
    status = nvme_from_guest(request, request->buffer, (uint64_t)n * RANGE_SIZE);
    for (unsigned i = 0; i < n && status == NVME_SUCCESS; i++) {
        const uint8_t *range = request->buffer + (size_t)i * RANGE_SIZE;

        if (!range_good(request->ns, range_lba(range), range_blocks(range))) {
            status = NVME_LBA_RANGE;
        }
    }
    if (status != NVME_SUCCESS) {
        return status;
    }
    request->left = n;
    dataset_next(request, 0);
    return NVME_LATER;
}

/* ---- Dispatch ---- */

static const struct {
    uint8_t opcode;
    bool writes;
    NvmeStatus (*run)(NvmeRequest *request);
} io_commands[] = {
    { IO_FLUSH, false, io_flush },
    { IO_WRITE, true, io_write },
    { IO_READ, false, io_read },
    { IO_COMPARE, false, io_compare },
    { IO_WRITE_ZEROES, true, io_write_zeroes },
    { IO_DATASET, true, io_dataset },
};

NvmeStatus nvme_io(NvmeRequest *request)
{
    const NvmeCommand *command = &request->command;

    if ((command->flags & FLAGS_FUSE) != 0) { /* there are no fused operations */
        return NVME_INVALID_FIELD;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(io_commands); i++) {
        if (io_commands[i].opcode != command->opcode) {
            continue;
        }
        request->ns = nvme_namespace(request->nvme, command->nsid);
        if (request->ns == NULL) {
            return NVME_INVALID_NAMESPACE;
        }
        return io_commands[i].writes && block_readonly(request->ns->drive)
                   ? NVME_READ_ONLY
                   : io_commands[i].run(request);
    }
    return NVME_INVALID_OPCODE;
}
