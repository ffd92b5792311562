/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_scsi_control.c - the control queue (task management, asynchronous notification) and the
 * event queue (units that come, go and change) of the virtio SCSI host.
 *
 * The block layer takes no request back: what is to be aborted is waited for, and ends as it ends,
 * before the answer. */
#include <string.h>
#include "hw/virtio/virtio_scsi_int.h"

enum { TYPE_TMF = 0, TYPE_AN_QUERY = 1, TYPE_AN_SUBSCRIBE = 2 };
enum {
    TMF_ABORT_TASK,
    TMF_ABORT_TASK_SET,
    TMF_CLEAR_ACA,
    TMF_CLEAR_TASK_SET,
    TMF_I_T_NEXUS_RESET,
    TMF_LOGICAL_UNIT_RESET,
    TMF_QUERY_TASK,
    TMF_QUERY_TASK_SET,
};
enum { TMF_SIZE = 24, AN_SIZE = 20, AN_RESPONSE = 5 };
enum {
    EVENT_NONE = 0,
    EVENT_TRANSPORT_RESET = 1,
    EVENT_PARAM_CHANGE = 3,
    EVENT_SIZE = 16,
    REASON_RESCAN = 1,
    REASON_REMOVED = 2,
};
#define EVENTS_MISSED UINT32_C(0x80000000)

/* ---- Task management ---- */

static uint8_t tmf_unit(ScsiDevice *device, uint32_t subtype, uint64_t tag)
{
    switch (subtype) {
    case TMF_ABORT_TASK:
        if (scsi_device_find_request(device, tag) != NULL) {
            scsi_device_drain(device);
        }
        return VSCSI_OK;
    case TMF_ABORT_TASK_SET:
    case TMF_CLEAR_TASK_SET:
        scsi_device_drain(device);
        return VSCSI_OK;
    case TMF_LOGICAL_UNIT_RESET:
        scsi_device_reset(device);
        return VSCSI_OK;
    case TMF_QUERY_TASK:
        return scsi_device_find_request(device, tag) != NULL ? VSCSI_SUCCEEDED : VSCSI_OK;
    case TMF_QUERY_TASK_SET:
        return scsi_device_busy(device) ? VSCSI_SUCCEEDED : VSCSI_OK;
    default:
        return VSCSI_REJECTED;
    }
}

static uint8_t tmf_nexus(VirtScsi *host, unsigned target)
{
    for (guint i = 0; i < host->bus.bus.devices->len; i++) {
        ScsiDevice *device = g_ptr_array_index(host->bus.bus.devices, i);

        if (scsi_device_address(device).target == target) {
            scsi_device_reset(device);
        }
    }
    return VSCSI_OK;
}

static uint8_t tmf(VirtScsi *host, const uint8_t *data)
{
    ScsiAddress address;
    ScsiDevice *device;
    uint32_t subtype;
    uint64_t tag;

    memcpy(&subtype, data + 4, 4);
    memcpy(&tag, data + 16, 8);
    if (!vscsi_lun_get(data + 8, &address) ||
        !scsi_bus_has_target(&host->bus, address.channel, address.target)) {
        return VSCSI_BAD_TARGET;
    }
    if (subtype == TMF_I_T_NEXUS_RESET) {
        return tmf_nexus(host, address.target);
    }
    device = scsi_bus_find(&host->bus, address);
    return device != NULL ? tmf_unit(device, subtype, tag) : VSCSI_INCORRECT_LUN;
}

/* False: that is no request. */
static bool control_take(VirtScsi *host, VirtElement *element)
{
    uint8_t data[TMF_SIZE], response[AN_RESPONSE] = { 0 };
    size_t got = iov_to_buffer(element->out, element->n_out, 0, data, sizeof(data));
    size_t wanted = sizeof(uint32_t), answer = AN_RESPONSE;
    uint32_t type = UINT32_MAX;

    if (got >= wanted) {
        memcpy(&type, data, 4);
        wanted = type == TYPE_TMF ? TMF_SIZE : AN_SIZE;
        answer = type == TYPE_TMF ? 1 : AN_RESPONSE;
    }
    if (got < wanted || type > TYPE_AN_SUBSCRIBE || element->in_size < answer) {
        virtio_device_broken(&host->device, VSCSI_CONTROL, "not a control request");
        virtqueue_drop(element);
        return false;
    }
    if (type == TYPE_TMF) {
        response[0] = tmf(host, data);
    } /* of asynchronous notifications none is there to be asked for: all zero */
    iov_from_buffer(element->in, element->n_in, 0, response, answer);
    virtqueue_push(&host->device.queue[VSCSI_CONTROL], element, (uint32_t)answer);
    return true;
}

void vscsi_control_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtElement *element;

    while ((element = virtqueue_pop(queue)) != NULL) {
        if (!control_take(vscsi_of(device), element)) {
            return;
        }
    }
    virtqueue_notify(queue);
}

/* ---- Events ---- */

static void event_send(VirtScsi *host, uint32_t event, const ScsiDevice *device, uint32_t reason)
{
    VirtQueue *queue = &host->device.queue[VSCSI_EVENT];
    uint8_t data[EVENT_SIZE] = { 0 };
    VirtElement *element;

    if (!virtio_device_working(&host->device)) {
        return;
    }
    element = virtqueue_pop(queue);
    if (element == NULL) {
        host->missed = true;
        return;
    }
    event |= host->missed ? EVENTS_MISSED : 0;
    host->missed = false;
    memcpy(data, &event, 4);
    if (device != NULL) {
        ScsiAddress address = scsi_device_address(device);

        data[4] = 1;
        data[5] = (uint8_t)address.target;
        data[6] = (uint8_t)(address.lun > 255 ? 0x40 | address.lun >> 8 : 0);
        data[7] = (uint8_t)address.lun;
    }
    memcpy(data + 12, &reason, 4);
    iov_from_buffer(element->in, element->n_in, 0, data, sizeof(data));
    virtqueue_push(queue, element, MIN(element->in_size, EVENT_SIZE));
    virtqueue_notify(queue);
}

/* The driver has given buffers: does it have to be told that it has missed something? */
void vscsi_event_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtScsi *host = vscsi_of(device);

    (void)queue;
    if (host->missed) {
        event_send(host, EVENT_NONE, NULL, 0);
    }
}

static void bus_plugged(ScsiBus *bus, ScsiDevice *device)
{
    VirtScsi *host = vscsi_of_bus(bus);

    if (virtio_device_has(&host->device, VSCSI_HOTPLUG)) {
        event_send(host, EVENT_TRANSPORT_RESET, device, REASON_RESCAN);
    }
}

static void bus_unplugging(ScsiBus *bus, ScsiDevice *device)
{
    VirtScsi *host = vscsi_of_bus(bus);

    if (virtio_device_has(&host->device, VSCSI_HOTPLUG)) {
        event_send(host, EVENT_TRANSPORT_RESET, device, REASON_REMOVED);
    }
}

static void bus_changed(ScsiBus *bus, ScsiDevice *device, uint8_t asc, uint8_t ascq)
{
    VirtScsi *host = vscsi_of_bus(bus);

    if (virtio_device_has(&host->device, VSCSI_CHANGE)) {
        event_send(host, EVENT_PARAM_CHANGE, device, asc | (uint32_t)ascq << 8);
    }
}

const ScsiHba vscsi_hba = {
    .max_channel = 0,
    .max_target = 255,
    .max_lun = 16383,
    .autosense = true,
    .plugged = bus_plugged,
    .unplugging = bus_unplugging,
    .changed = bus_changed,
};
