/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ahci_ncq.c - commands that the drive queues: READ and WRITE FPDMA QUEUED (Serial ATA 2.6, 13.6).
 *
 * Each is a request to the medium that runs by itself, in guest RAM if all of it lies there, and
 * ends in any order with a Set Device Bits FIS.  When one fails, those in flight come to their ends
 * first; then the failure is told, and the rest of the queue is aborted: its bits stay set in
 * PxSACT until software clears ST. */
#include "hw/ide/ahci_int.h"

#include <string.h>

enum { QUEUED_READ = 0x60, QUEUED_FORCE = 0x80, BOUNCE_SIZE = 64 << 10 };
enum { /* the error log, page 10h */
       LOG_NOT_QUEUED = 0x80,
};

static void queued_next(AhciQueued *queued);

/* ---- Failures ---- */

static void log_write(AhciPort *port, const AhciFailure *failure)
{
    IdeDrive *drive = &port->drive;
    uint8_t *log = drive->queue_log;

    memset(log, 0, sizeof(drive->queue_log));
    log[0] = failure->queued ? failure->tag : LOG_NOT_QUEUED;
    log[2] = ATA_READY | ATA_ERR;
    log[3] = failure->error;
    for (unsigned i = 0; i < 3; i++) {
        log[4 + i] = (uint8_t)(failure->lba >> (8 * i));
        log[8 + i] = (uint8_t)(failure->lba >> (24 + 8 * i));
    }
    log[7] = DEVICE_LBA;
    log[12] = (uint8_t)failure->count;
    log[13] = (uint8_t)(failure->count >> 8);
}

static void failure_tell(AhciPort *port)
{
    const AhciFailure failure = port->failure;
    IdeDrive *drive = &port->drive;

    port->failure.due = false;
    log_write(port, &failure);
    if (failure.queued) {
        ahci_fis_device_bits(port, ATA_READY | ATA_ERR, failure.error, 0);
        return;
    }
    drive->error = failure.error;
    drive->status = ATA_READY | ATA_ERR;
    ahci_fis_register(port, true);
}

void ahci_queue_fail(AhciPort *port, const AhciFailure *failure)
{
    if (!port->failure.due) {
        port->failure = *failure;
        port->failure.due = true;
    }
    if (port->in_flight == 0) {
        failure_tell(port);
    }
}

/* ---- Ends ---- */

static void queued_free(AhciQueued *queued)
{
    queued->port->in_flight--;
    g_free(queued->iov);
    g_free(queued->bounce);
    memset(queued, 0, sizeof(*queued));
}

static void queued_fail(AhciQueued *queued, uint8_t error)
{
    AhciPort *port = queued->port;
    const AhciFailure failure = { .queued = true,
                                  .tag = queued->tag,
                                  .error = error,
                                  .lba = queued->offset / IDE_SECTOR,
                                  .count = queued->left / IDE_SECTOR };

    queued_free(queued);
    ahci_queue_fail(port, &failure);
}

static void queued_done(AhciQueued *queued)
{
    AhciPort *port = queued->port;
    uint32_t tag = 1u << queued->tag;

    queued_free(queued);
    ahci_fis_device_bits(port, ATA_READY, 0, tag);
    if (port->failure.due && port->in_flight == 0) {
        failure_tell(port);
    }
}

static void queued_short(AhciQueued *queued)
{
    ahci_raise(queued->port, queued->prdt.failed ? PORT_HBFS : PORT_OFS);
    queued_fail(queued, ATA_ABRT);
}

/* ---- Requests ---- */

static void queued_stable(void *opaque, int error)
{
    AhciQueued *queued = opaque;
    AhciPort *port = queued->port;

    if (port->cancelling) {
        queued_free(queued);
    } else if (error != 0) {
        queued_fail(queued, ATA_ABRT);
        ahci_port_run(port);
    } else {
        queued_done(queued);
        ahci_port_run(port);
    }
}

/* What the medium wrote into guest RAM is told to those who watch it. */
static void queued_report(const AhciQueued *queued)
{
    PhysMap *map = queued->port->ahci->pci.device.board->map;

    for (int i = 0; i < queued->n && queued->iov != NULL && !queued->write; i++) {
        phys_map_span_written(map, queued->iov[i].iov_base, queued->iov[i].iov_len);
    }
}

static void queued_moved(void *opaque, int error)
{
    AhciQueued *queued = opaque;
    AhciPort *port = queued->port;
    uint32_t size = queued->iov != NULL ? queued->left : (uint32_t)queued->piece.iov_len;

    if (port->cancelling) {
        queued_report(queued);
        queued_free(queued);
        return;
    }
    if (error != 0) {
        queued_fail(queued, queued->write ? ATA_ABRT : ATA_UNC);
    } else if (queued->iov == NULL && !queued->write &&
               ahci_prdt_to_memory(port, &queued->prdt, queued->bounce, size) < size) {
        queued_short(queued);
    } else {
        queued_report(queued);
        queued->offset += size;
        queued->left -= size;
        queued_next(queued);
    }
    ahci_port_run(port);
}

static void queued_move(AhciQueued *queued, const struct iovec *iov, int n)
{
    BlockNode *node = queued->port->drive.block;

    if (queued->write) {
        block_write(node, queued->offset, iov, n, queued_moved, queued);
    } else {
        block_read(node, queued->offset, iov, n, queued_moved, queued);
    }
}

/* What is left: the whole, or the next piece through the buffer, or nothing. */
static void queued_next(AhciQueued *queued)
{
    uint32_t size = MIN(queued->left, BOUNCE_SIZE);

    if (size == 0) {
        if (queued->force) {
            block_flush(queued->port->drive.block, queued_stable, queued);
        } else {
            queued_done(queued);
        }
        return;
    }
    if (queued->iov != NULL) {
        queued_move(queued, queued->iov, queued->n);
        return;
    }
    if (queued->bounce == NULL) {
        queued->bounce = g_malloc(BOUNCE_SIZE);
    }
    if (queued->write &&
        ahci_prdt_from_memory(queued->port, &queued->prdt, queued->bounce, size) < size) {
        queued_short(queued);
        return;
    }
    queued->piece = (struct iovec){ queued->bounce, size };
    queued_move(queued, &queued->piece, 1);
}

/* ---- Beginning ---- */

static uint64_t queued_lba(const IdeDrive *drive)
{
    const uint8_t *lba = drive->lba, *high = drive->hob_lba;

    return lba[0] | (uint64_t)lba[1] << 8 | (uint64_t)lba[2] << 16 | (uint64_t)high[0] << 24 |
           (uint64_t)high[1] << 32 | (uint64_t)high[2] << 40;
}

/* The command is in the drive's task file: the count is where features are, the tag where the count
 * is. A tag is that of its slot (AHCI 1.3.1, 5.6.4.1). */
void ahci_queue_start(AhciPort *port, unsigned slot, const AhciPrdt *prdt)
{
    IdeDrive *drive = &port->drive;
    uint32_t count = drive->features | (uint32_t)drive->hob_features << 8;
    uint64_t lba = queued_lba(drive);
    AhciQueued *queued = &port->queued[slot];
    AhciFailure failure = { .queued = true, .tag = (uint8_t)slot, .error = ATA_ABRT, .lba = lba };

    count = count != 0 ? count : 65536;
    failure.count = count;
    port->issue &= ~(1u << slot); /* the drive has taken it, BSY is clear again */
    drive->status = ATA_READY;
    drive->error = 0;
    ahci_fis_register(port, false);
    if (drive->count >> 3 != slot || queued->port != NULL) {
        ahci_queue_fail(port, &failure);
        return;
    }
    if (lba >= drive->sectors || count > drive->sectors - lba) {
        failure.error = ATA_IDNF;
        ahci_queue_fail(port, &failure);
        return;
    }
    *queued = (AhciQueued){
        .port = port,
        .tag = (uint8_t)slot,
        .write = drive->command != QUEUED_READ,
        .offset = lba * IDE_SECTOR,
        .left = count * IDE_SECTOR,
        .prdt = *prdt,
    };
    queued->force = queued->write && ((drive->device & QUEUED_FORCE) != 0 || !drive->write_cache);
    queued->iov = ahci_prdt_map(port, &queued->prdt, queued->left, !queued->write, &queued->n);
    port->in_flight++;
    queued_next(queued);
}
