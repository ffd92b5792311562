/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nvme_admin.c - the admin command set (NVM Express 1.4, clause 5): queues, abort, asynchronous
 * events; the rest is in files of its own. */
#include "hw/nvme/nvme_int.h"

#include <string.h>

enum {
    ADMIN_DELETE_SQ = 0x00,
    ADMIN_CREATE_SQ = 0x01,
    ADMIN_GET_LOG = 0x02,
    ADMIN_DELETE_CQ = 0x04,
    ADMIN_CREATE_CQ = 0x05,
    ADMIN_IDENTIFY = 0x06,
    ADMIN_ABORT = 0x08,
    ADMIN_SET_FEATURES = 0x09,
    ADMIN_GET_FEATURES = 0x0a,
    ADMIN_ASYNC_EVENT = 0x0c,
};
enum { QUEUE_CONTIGUOUS = 1, CQ_INTERRUPTS = 2, SQ_ENTRY_LOG = 6, CQ_ENTRY_LOG = 4 };
#define CC_IOSQES(cc) ((cc) >> 16 & 15)
#define CC_IOCQES(cc) ((cc) >> 20 & 15)

/* ---- Queues ---- */

static unsigned queue_id(const NvmeCommand *command)
{
    return command->cdw10 & 0xffff;
}

static uint32_t queue_entries(const NvmeCommand *command)
{
    return (command->cdw10 >> 16) + 1;
}

/* What both kinds have in common. */
static NvmeStatus queue_check(const NvmeRequest *request)
{
    const Nvme *nvme = request->nvme;
    const NvmeCommand *command = &request->command;
    uint32_t entries = queue_entries(command);

    if (entries < 2 || entries > NVME_ENTRIES_MAX) {
        return NVME_INVALID_QUEUE_SIZE;
    }
    if (command->prp[0] % nvme_page_size(nvme) != 0) {
        return NVME_INVALID_PRP_OFFSET;
    }
    return (command->cdw11 & QUEUE_CONTIGUOUS) != 0 ? NVME_SUCCESS : NVME_INVALID_FIELD;
}

static bool queue_id_good(const Nvme *nvme, unsigned qid)
{
    return qid != 0 && qid <= nvme->max_ioqpairs;
}

static NvmeStatus admin_create_cq(NvmeRequest *request)
{
    Nvme *nvme = request->nvme;
    const NvmeCommand *command = &request->command;
    unsigned qid = queue_id(command), vector = command->cdw11 >> 16;
    NvmeStatus status = queue_check(request);

    if (!queue_id_good(nvme, qid) || nvme->cq[qid].there) {
        return NVME_INVALID_QUEUE_ID;
    }
    if (status != NVME_SUCCESS) {
        return status;
    }
    if (CC_IOCQES(nvme->cc) != CQ_ENTRY_LOG) {
        return NVME_INVALID_FIELD;
    }
    if (vector >= (pci_msix_enabled(&nvme->pci) ? pci_msix_vectors(&nvme->pci) : 1u)) {
        return NVME_INVALID_VECTOR;
    }
    nvme->cq[qid] = (NvmeCq){
        .there = true,
        .interrupts = (command->cdw11 & CQ_INTERRUPTS) != 0,
        .phase = true,
        .base = command->prp[0],
        .size = queue_entries(command),
        .vector = (uint16_t)vector,
    };
    return NVME_SUCCESS;
}

static NvmeStatus admin_create_sq(NvmeRequest *request)
{
    Nvme *nvme = request->nvme;
    const NvmeCommand *command = &request->command;
    unsigned qid = queue_id(command), cqid = command->cdw11 >> 16;
    NvmeStatus status = queue_check(request);

    if (!queue_id_good(nvme, qid) || nvme->sq[qid].there) {
        return NVME_INVALID_QUEUE_ID;
    }
    if (!queue_id_good(nvme, cqid) || !nvme->cq[cqid].there) {
        return NVME_INVALID_CQ;
    }
    if (status != NVME_SUCCESS) {
        return status;
    }
    if (CC_IOSQES(nvme->cc) != SQ_ENTRY_LOG) {
        return NVME_INVALID_FIELD;
    }
    nvme->sq[qid] = (NvmeSq){
        .there = true,
        .base = command->prp[0],
        .size = queue_entries(command),
        .cqid = (uint16_t)cqid,
    };
    return NVME_SUCCESS;
}

/* Commands of the queue that are under way complete first. */
static NvmeStatus admin_delete_sq(NvmeRequest *request)
{
    Nvme *nvme = request->nvme;
    unsigned qid = queue_id(&request->command);

    if (!queue_id_good(nvme, qid) || !nvme->sq[qid].there) {
        return NVME_INVALID_QUEUE_ID;
    }
    nvme_drain(nvme);
    memset(&nvme->sq[qid], 0, sizeof(nvme->sq[qid]));
    return NVME_SUCCESS;
}

static NvmeStatus admin_delete_cq(NvmeRequest *request)
{
    Nvme *nvme = request->nvme;
    unsigned qid = queue_id(&request->command);

    if (!queue_id_good(nvme, qid) || !nvme->cq[qid].there) {
        return NVME_INVALID_QUEUE_ID;
    }
    for (unsigned i = 1; i <= nvme->max_ioqpairs; i++) {
        if (nvme->sq[i].there && nvme->sq[i].cqid == qid) {
            return NVME_INVALID_DELETION;
        }
    }
    memset(&nvme->cq[qid], 0, sizeof(nvme->cq[qid]));
    nvme_update_interrupt(nvme);
    return NVME_SUCCESS;
}

/* Nothing is taken back from the block layer: the command was not aborted, and says so. */
static NvmeStatus admin_abort(NvmeRequest *request)
{
    request->result = 1;
    return NVME_SUCCESS;
}

/* ---- Asynchronous events ---- */

enum { EVENT_TYPE_ERROR = 0, EVENT_TYPE_HEALTH = 1, LOG_ERROR = 1, LOG_HEALTH = 2 };

/* Type, what has happened, the log page that tells more. */
static const struct {
    uint8_t type, info, log;
} events[NVME_EVENT_COUNT] = {
    [NVME_EVENT_BAD_DOORBELL] = { EVENT_TYPE_ERROR, 0, LOG_ERROR },
    [NVME_EVENT_BAD_DOORBELL_VALUE] = { EVENT_TYPE_ERROR, 1, LOG_ERROR },
    [NVME_EVENT_TEMPERATURE] = { EVENT_TYPE_HEALTH, 1, LOG_HEALTH },
};

/* As long as there are events, commands that wait for one, and places for their completions. */
void nvme_events_tell(Nvme *nvme)
{
    for (unsigned i = 0; i < NVME_EVENT_COUNT; i++) {
        if ((nvme->events & ~nvme->masked & 1u << i) == 0 || nvme->aers == 0 ||
            !nvme_running(nvme) || !nvme_cq_has_room(&nvme->cq[0])) {
            continue;
        }
        for (unsigned n = 0; n < NVME_EVENT_COUNT; n++) { /* one of a type, until its log is read */
            nvme->masked |= events[n].type == events[i].type ? 1u << n : 0;
        }
        nvme->events &= ~(1u << i);
        nvme->cq[0].promised++;
        nvme->aers--;
        nvme_post(nvme, 0, 0, nvme->aer[nvme->aers], NVME_SUCCESS,
                  events[i].type | (uint32_t)events[i].info << 8 | (uint32_t)events[i].log << 16);
    }
}

void nvme_event(Nvme *nvme, NvmeEvent event)
{
    nvme->events |= 1u << event;
    nvme_events_tell(nvme);
}

/* The driver has read the log page: its events may be told again. */
static void events_unmask(Nvme *nvme, unsigned log)
{
    for (unsigned i = 0; i < NVME_EVENT_COUNT; i++) {
        nvme->masked &= events[i].log == log ? ~(1u << i) : UINT32_MAX;
    }
    nvme_events_tell(nvme);
}

static NvmeStatus admin_get_log(NvmeRequest *request)
{
    enum { RETAIN = 1 << 15 };
    NvmeStatus status = nvme_get_log(request);

    if (status == NVME_SUCCESS && (request->command.cdw10 & RETAIN) == 0) {
        events_unmask(request->nvme, request->command.cdw10 & 0xff);
    }
    return status;
}

/* Kept without its place in the completion queue, which may be a long time. */
static NvmeStatus admin_async_event(NvmeRequest *request)
{
    Nvme *nvme = request->nvme;

    if (nvme->aers > nvme->aerl) {
        return NVME_AER_LIMIT;
    }
    nvme->aer[nvme->aers++] = request->command.cid;
    nvme->cq[0].promised--;
    g_free(request);
    nvme_events_tell(nvme);
    return NVME_LATER;
}

/* ---- Dispatch ---- */

static const struct {
    uint8_t opcode;
    NvmeStatus (*run)(NvmeRequest *request);
} commands[] = {
    { ADMIN_DELETE_SQ, admin_delete_sq },
    { ADMIN_CREATE_SQ, admin_create_sq },
    { ADMIN_GET_LOG, admin_get_log },
    { ADMIN_DELETE_CQ, admin_delete_cq },
    { ADMIN_CREATE_CQ, admin_create_cq },
    { ADMIN_IDENTIFY, nvme_identify },
    { ADMIN_ABORT, admin_abort },
    { ADMIN_SET_FEATURES, nvme_set_feature },
    { ADMIN_GET_FEATURES, nvme_get_feature },
    { ADMIN_ASYNC_EVENT, admin_async_event },
};

NvmeStatus nvme_admin(NvmeRequest *request)
{
    if (request->command.flags != 0) { /* neither fused nor with an SGL */
        return NVME_INVALID_FIELD;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (commands[i].opcode == request->command.opcode) {
            return commands[i].run(request);
        }
    }
    return NVME_INVALID_OPCODE;
}
