/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nvme_queue.c - submission and completion queues (NVM Express 1.4, 4.1 to 4.6), doorbells,
 * interrupts.
 *
 * A command is fetched only if its completion has a place: the place is promised until it is
 * posted, so that no completion ever has to wait. */
#include "hw/nvme/nvme_int.h"

#include <string.h>

enum { DOORBELLS = 0x1000, STATUS_DO_NOT_RETRY = 0x4000 };

void nvme_queues_reset(Nvme *nvme)
{
    memset(nvme->sq, 0, sizeof(nvme->sq));
    memset(nvme->cq, 0, sizeof(nvme->cq));
    nvme->aers = 0;
    nvme->events = nvme->masked = 0;
}

/* ---- Completion queues ---- */

static uint32_t cq_used(const NvmeCq *cq)
{
    return (cq->tail + cq->size - cq->head) % cq->size;
}

bool nvme_cq_has_room(const NvmeCq *cq)
{
    return cq->there && cq_used(cq) + cq->promised < cq->size - 1;
}

/* INTx: is there a queue with something in it, whose vector is not masked? */
void nvme_update_interrupt(Nvme *nvme)
{
    bool level = false;

    if (pci_msix_enabled(&nvme->pci)) {
        return;
    }
    for (unsigned i = 0; i <= nvme->max_ioqpairs && !level; i++) {
        const NvmeCq *cq = &nvme->cq[i];
        unsigned bit = cq->vector & 31u;

        level = cq->there && cq->interrupts && cq->head != cq->tail &&
                (nvme->intms >> bit & 1) == 0;
    }
    pci_device_set_irq(&nvme->pci, level);
}

static uint8_t *entry_span(Nvme *nvme, uint64_t base, uint32_t index, uint64_t size, bool write)
{
    uint64_t got = size;
    uint8_t *host = nvme_is_master(nvme) ? phys_map_span(nvme->pci.device.board->map,
                                                         base + index * size, &got, write)
                                         : NULL;

    return got == size ? host : NULL;
}

/* The word with the phase comes last: the driver looks at it from another CPU. */
static void cq_write(Nvme *nvme, NvmeCq *cq, const uint32_t words[4])
{
    uint8_t *host = entry_span(nvme, cq->base, cq->tail, NVME_COMPLETION_SIZE, true);

    if (host == NULL) {
        nvme_fatal(nvme);
        return;
    }
    memcpy(host, words, 12);
    __atomic_store_n((uint32_t *)(void *)(host + 12), words[3], __ATOMIC_RELEASE);
    phys_map_span_written(nvme->pci.device.board->map, host, NVME_COMPLETION_SIZE);
    cq->tail++;
    if (cq->tail == cq->size) {
        cq->tail = 0;
        cq->phase = !cq->phase;
    }
}

void nvme_post(Nvme *nvme, unsigned sqid, uint16_t cqid, uint16_t cid, NvmeStatus status,
               uint32_t result)
{
    NvmeCq *cq = &nvme->cq[cqid];
    bool retry = status == NVME_SUCCESS || status == NVME_INTERNAL_ERROR ||
                 status == NVME_READ_ERROR || status == NVME_WRITE_FAULT;
    uint32_t code = (uint32_t)status | (retry ? 0 : STATUS_DO_NOT_RETRY);
    uint32_t words[4] = { result, 0, nvme->sq[sqid].head | sqid << 16, cid | code << 17 };

    if (nvme->resetting || !cq->there || !nvme_running(nvme)) {
        return;
    }
    cq->promised -= cq->promised != 0;
    words[3] |= (uint32_t)cq->phase << 16;
    cq_write(nvme, cq, words);
    if (!cq->interrupts) {
        return;
    }
    if (pci_msix_enabled(&nvme->pci)) {
        pci_msix_notify(&nvme->pci, cq->vector);
    } else {
        nvme_update_interrupt(nvme);
    }
}

/* ---- Submission queues ---- */

void nvme_request_end(NvmeRequest *request, NvmeStatus status)
{
    Nvme *nvme = request->nvme;

    if (request->data != NULL && request->data_written) {
        for (guint i = 0; i < request->data->len; i++) {
            const struct iovec *part = &g_array_index(request->data, struct iovec, i);

            phys_map_span_written(nvme->pci.device.board->map, part->iov_base, part->iov_len);
        }
    }
    nvme->errors += status != NVME_SUCCESS;
    nvme_post(nvme, request->sqid, request->cqid, request->command.cid, status, request->result);
    g_clear_pointer(&request->data, g_array_unref);
    g_free(request->buffer);
    g_free(request);
}

/* False: the queue is not in RAM. */
static bool sq_fetch(Nvme *nvme, NvmeSq *sq, NvmeCommand *command)
{
    const uint8_t *host = entry_span(nvme, sq->base, sq->head, NVME_COMMAND_SIZE, false);

    if (host == NULL) {
        nvme_fatal(nvme);
        return false;
    }
    memcpy(command, host, NVME_COMMAND_SIZE);
    sq->head = (sq->head + 1) % sq->size;
    return true;
}

void nvme_sq_run(Nvme *nvme, unsigned sqid)
{
    NvmeSq *sq = &nvme->sq[sqid];

    while (nvme_running(nvme) && sq->there && sq->head != sq->tail &&
           nvme_cq_has_room(&nvme->cq[sq->cqid])) {
        NvmeRequest *request = g_new0(NvmeRequest, 1);
        NvmeStatus status;

        request->nvme = nvme;
        request->sqid = (uint16_t)sqid;
        request->cqid = sq->cqid;
        if (!sq_fetch(nvme, sq, &request->command)) {
            g_free(request);
            return;
        }
        nvme->cq[sq->cqid].promised++;
        status = sqid == 0 ? nvme_admin(request) : nvme_io(request);
        if (status != NVME_LATER) {
            nvme_request_end(request, status);
        }
    }
}

void nvme_queues_run(Nvme *nvme, unsigned cqid)
{
    for (unsigned i = 0; i <= nvme->max_ioqpairs; i++) {
        if (nvme->sq[i].there && nvme->sq[i].cqid == cqid) {
            nvme_sq_run(nvme, i);
        }
    }
}

/* ---- Doorbells ---- */

static void sq_doorbell(Nvme *nvme, unsigned sqid, uint32_t tail)
{
    NvmeSq *sq = &nvme->sq[sqid];

    if (tail >= sq->size) {
        nvme_event(nvme, NVME_EVENT_BAD_DOORBELL_VALUE);
        return;
    }
    sq->tail = tail;
    nvme_sq_run(nvme, sqid);
}

static void cq_doorbell(Nvme *nvme, unsigned cqid, uint32_t head)
{
    NvmeCq *cq = &nvme->cq[cqid];

    if (head >= cq->size) {
        nvme_event(nvme, NVME_EVENT_BAD_DOORBELL_VALUE);
        return;
    }
    cq->head = head;
    nvme_update_interrupt(nvme);
    if (cqid == 0) {
        nvme_events_tell(nvme);
    }
    nvme_queues_run(nvme, cqid);
}

void nvme_doorbell(Nvme *nvme, uint64_t offset, uint32_t value)
{
    unsigned index = (unsigned)((offset - DOORBELLS) / 4), qid = index / 2;
    bool completion = (index & 1) != 0;

    if (!nvme_running(nvme)) {
        return;
    }
    if (qid > nvme->max_ioqpairs || !(completion ? nvme->cq[qid].there : nvme->sq[qid].there)) {
        nvme_event(nvme, NVME_EVENT_BAD_DOORBELL);
        return;
    }
    value &= UINT16_MAX;
    if (completion) {
        cq_doorbell(nvme, qid, value);
    } else {
        sq_doorbell(nvme, qid, value);
    }
}

/* ---- State ---- */

static const StateField sq_fields[] = {
    STATE_FIELD(STATE_BOOL, NvmeSq, there),
    STATE_FIELD(STATE_U64, NvmeSq, base),
    STATE_FIELD(STATE_U32, NvmeSq, size),
    STATE_FIELD(STATE_U32, NvmeSq, head),
    STATE_FIELD(STATE_U32, NvmeSq, tail),
    STATE_FIELD(STATE_U16, NvmeSq, cqid),
    { 0 },
};

/* Sizes and places that no queue has: there is none. */
static bool ring_good(uint64_t base, uint32_t size, uint32_t head, uint32_t tail)
{
    return base % NVME_PAGE_MIN == 0 && size >= 2 && size <= NVME_ENTRIES_MAX && head < size &&
           tail < size;
}

static void sq_loaded(void *opaque)
{
    NvmeSq *sq = opaque;

    sq->there = sq->there && ring_good(sq->base, sq->size, sq->head, sq->tail) &&
                sq->cqid < NVME_QUEUES_MAX;
    if (!sq->there) {
        memset(sq, 0, sizeof(*sq));
    }
}

const StateTable nvme_sq_state = {
    .name = "nvme-sq",
    .version = 1,
    .fields = sq_fields,
    .loaded = sq_loaded,
};

static const StateField cq_fields[] = {
    STATE_FIELD(STATE_BOOL, NvmeCq, there),
    STATE_FIELD(STATE_BOOL, NvmeCq, interrupts),
    STATE_FIELD(STATE_BOOL, NvmeCq, phase),
    STATE_FIELD(STATE_U64, NvmeCq, base),
    STATE_FIELD(STATE_U32, NvmeCq, size),
    STATE_FIELD(STATE_U32, NvmeCq, head),
    STATE_FIELD(STATE_U32, NvmeCq, tail),
    STATE_FIELD(STATE_U16, NvmeCq, vector),
    { 0 },
};

static void cq_loaded(void *opaque)
{
    NvmeCq *cq = opaque;

    cq->there = cq->there && ring_good(cq->base, cq->size, cq->head, cq->tail);
    cq->promised = 0; /* nothing is under way in a saved machine */
    if (!cq->there) {
        memset(cq, 0, sizeof(*cq));
    }
}

const StateTable nvme_cq_state = {
    .name = "nvme-cq",
    .version = 1,
    .fields = cq_fields,
    .loaded = cq_loaded,
};
