/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_scsi.c - the virtio SCSI host: requests, configuration space, rows.
 *
 * A request is a header and data that the device reads, then a response and data that it writes.
 * One that has no room for header or response is none: the device asks for a reset. */
#include <string.h>
#include "hw/device_types.h"
#include "hw/virtio/virtio_scsi_int.h"

enum { /* configuration space */
       CFG_NUM_QUEUES = 0,
       CFG_SEG_MAX = 4,
       CFG_MAX_SECTORS = 8,
       CFG_CMD_PER_LUN = 12,
       CFG_EVENT_SIZE = 16,
       CFG_SENSE_SIZE = 20,
       CFG_CDB_SIZE = 24,
       CFG_MAX_CHANNEL = 28,
       CFG_MAX_TARGET = 30,
       CFG_MAX_LUN = 32,
       CFG_BYTES = 36,
};

enum {
    HEADER = 19,   /* of a request, before the CDB */
    RESPONSE = 12, /* before the sense data */
    EVENT_SIZE = 16,
    SENSE_DEFAULT = 96,
    CDB_DEFAULT = 32,
    QUEUES_AUTO = -1,
    SEG_MAX_FIXED = 126,
};

typedef struct Request {
    ScsiRequest scsi;
    VirtScsi *host;
    VirtElement *element;
    uint32_t response_size;
    struct iovec iov[]; /* of data, both ways */
} Request;

VirtScsi *vscsi_of(VirtDevice *device)
{
    return (VirtScsi *)((char *)device - offsetof(VirtScsi, device));
}

VirtScsi *vscsi_of_bus(ScsiBus *bus)
{
    return (VirtScsi *)((char *)bus - offsetof(VirtScsi, bus));
}

/* One level, peripheral or flat (virtio 1.2, 5.6.6.1). */
bool vscsi_lun_get(const uint8_t lun[VSCSI_LUN], ScsiAddress *address)
{
    bool flat = lun[2] >= 0x40 && lun[2] < 0x80;

    *address = (ScsiAddress){ 0, lun[1], (unsigned)(lun[2] & 0x3f) << 8 | lun[3] };
    return lun[0] == 1 && (lun[2] == 0 || flat);
}

/* ---- Requests ---- */

static void response_put(const Request *request, uint8_t code)
{
    const ScsiRequest *scsi = &request->scsi;
    const VirtElement *element = request->element;
    uint8_t response[RESPONSE + VSCSI_SENSE_MAX] = { 0 };
    uint32_t sense = scsi->status == SCSI_CHECK_CONDITION ? SCSI_SENSE_SIZE : 0;
    uint64_t left = scsi->out_size + scsi->in_size - scsi->moved;

    sense = MIN(sense, request->response_size - RESPONSE);
    memcpy(response, &sense, 4);
    memcpy(response + 4, &(uint32_t){ (uint32_t)MIN(left, UINT32_MAX) }, 4);
    response[10] = (uint8_t)scsi->status;
    response[11] = code;
    memcpy(response + RESPONSE, scsi->sense, sense);
    iov_from_buffer(element->in, element->n_in, 0, response, request->response_size);
}

static void request_end(Request *request, uint8_t code)
{
    VirtElement *element = request->element;
    VirtQueue *queue = element->queue;

    if (element->epoch == queue->epoch) {
        response_put(request, code);
    }
    /* What failed may have been written in part. */
    virtqueue_push(queue, element, element->in_size);
    virtqueue_notify(queue);
    g_free(request);
}

static void request_done(ScsiRequest *scsi)
{
    request_end((Request *)scsi, scsi->overrun ? VSCSI_OVERRUN : VSCSI_OK);
}

static Request *request_new(VirtScsi *host, VirtElement *element)
{
    uint32_t header = HEADER + host->cdb_size, response = RESPONSE + host->sense_size;
    Request *request = g_malloc0(sizeof(*request) +
                                 (element->n_out + element->n_in) * sizeof(struct iovec));
    ScsiRequest *scsi = &request->scsi;

    request->host = host;
    request->element = element;
    request->response_size = response;
    scsi->out_size = element->out_size - header;
    scsi->in_size = element->in_size - response;
    scsi->out = request->iov;
    scsi->n_out = iov_part(element->out, element->n_out, header, scsi->out_size, request->iov);
    scsi->in = request->iov + scsi->n_out;
    scsi->n_in = iov_part(element->in, element->n_in, response, scsi->in_size,
                          request->iov + scsi->n_out);
    scsi->done = request_done;
    return request;
}

static bool request_take(VirtScsi *host, VirtElement *element)
{
    uint8_t header[HEADER + VSCSI_CDB_MAX];
    uint32_t size = HEADER + host->cdb_size;
    ScsiAddress address;
    Request *request;

    if (element->out_size < size || element->in_size < RESPONSE + host->sense_size) {
        virtio_device_broken(&host->device, element->queue->index,
                             "no room for header or response");
        virtqueue_drop(element);
        return false;
    }
    iov_to_buffer(element->out, element->n_out, 0, header, size);
    request = request_new(host, element);
    memcpy(&request->scsi.tag, header + VSCSI_LUN, 8);
    memcpy(request->scsi.cdb, header + HEADER, MIN(host->cdb_size, SCSI_CDB_MAX));
    if (request->scsi.out_size != 0 && request->scsi.in_size != 0) { /* not negotiated */
        request_end(request, VSCSI_FAILURE);
    } else if (!vscsi_lun_get(header, &address) ||
               !scsi_submit(&host->bus, address, &request->scsi)) {
        request_end(request, VSCSI_BAD_TARGET);
    }
    return true;
}

static void request_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtElement *element;

    do {
        virtqueue_set_notification(queue, false);
        while ((element = virtqueue_pop(queue)) != NULL) {
            if (!request_take(vscsi_of(device), element)) {
                return;
            }
        }
        virtqueue_set_notification(queue, true);
    } while (!virtqueue_empty(queue));
}

/* ---- Configuration space ---- */

static void vscsi_config(VirtDevice *device, uint8_t *config)
{
    const VirtScsi *host = vscsi_of(device);
    uint32_t segments = host->seg_max_adjust ? host->virtqueue_size - 2 : SEG_MAX_FIXED;
    const uint32_t words[] = { host->num_queues,  segments,   host->max_sectors,
                               host->cmd_per_lun, EVENT_SIZE, host->sense_size,
                               host->cdb_size };
    uint16_t channel = (uint16_t)vscsi_hba.max_channel, target = (uint16_t)vscsi_hba.max_target;
    uint32_t lun = vscsi_hba.max_lun;

    _Static_assert(sizeof(words) == CFG_MAX_CHANNEL, "all words, in order");
    memcpy(config, words, sizeof(words));
    memcpy(config + CFG_MAX_CHANNEL, &channel, 2);
    memcpy(config + CFG_MAX_TARGET, &target, 2);
    memcpy(config + CFG_MAX_LUN, &lun, 4);
}

/* Sizes that no header or response can have are not taken. */
static void vscsi_config_write(VirtDevice *device, unsigned offset, const uint8_t *data,
                               unsigned size)
{
    VirtScsi *host = vscsi_of(device);
    uint32_t value = 0;

    memcpy(&value, data, size);
    if (size != 4) {
        return;
    }
    if (offset == CFG_SENSE_SIZE && value <= VSCSI_SENSE_MAX) {
        host->sense_size = value;
    } else if (offset == CFG_CDB_SIZE && value <= VSCSI_CDB_MAX) {
        host->cdb_size = value;
    }
}

static void vscsi_reset(VirtDevice *device)
{
    VirtScsi *host = vscsi_of(device);

    scsi_bus_reset(&host->bus);
    host->sense_size = SENSE_DEFAULT;
    host->cdb_size = CDB_DEFAULT;
    host->missed = false;
}

static const VirtOps vscsi_ops = {
    .name = "virtio-scsi",
    .id = VIRTIO_ID_SCSI,
    .config_read = vscsi_config,
    .config_write = vscsi_config_write,
    .reset = vscsi_reset,
};

/* ---- Coming and going ---- */

static bool vscsi_check(VirtScsi *host, GError **error)
{
    const char *wrong = NULL;
    uint32_t size = host->virtqueue_size;

    if (host->num_queues == (uint32_t)QUEUES_AUTO) {
        host->num_queues = 1;
    }
    if (host->num_queues == 0 || host->num_queues > VIRTIO_QUEUES_MAX - VSCSI_FIXED) {
        wrong = "num_queues must be larger than 0 and not above 62";
    } else if (size <= 2 || size > VIRTQUEUE_SIZE_MAX || (size & (size - 1)) != 0) {
        wrong = "invalid virtqueue_size, a power of 2 from 4 to 1024 is wanted";
    }
    if (wrong != NULL) {
        g_set_error_literal(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, wrong);
    }
    return wrong == NULL;
}

static bool vscsi_create(Device *device, GError **error)
{
    VirtScsi *host = (VirtScsi *)device;
    uint64_t features = (host->hotplug ? VIRTIO_BIT(VSCSI_HOTPLUG) : 0) |
                        (host->param_change ? VIRTIO_BIT(VSCSI_CHANGE) : 0);

    if (!vscsi_check(host, error)) {
        return false;
    }
    virtio_device_init(&host->device, &vscsi_ops, device->board->map, features, CFG_BYTES);
    virtio_device_add_queue(&host->device, (uint16_t)host->virtqueue_size, vscsi_control_kick);
    virtio_device_add_queue(&host->device, (uint16_t)host->virtqueue_size, vscsi_event_kick);
    for (uint32_t i = 0; i < host->num_queues; i++) {
        virtio_device_add_queue(&host->device, (uint16_t)host->virtqueue_size, request_kick);
    }
    if (!virtio_pci_create(&host->virt, &host->device, error)) {
        return false;
    }
    scsi_bus_init(&host->bus, &vscsi_hba, device);
    return true;
}

static void vscsi_destroy(Device *device)
{
    VirtScsi *host = (VirtScsi *)device;

    virtio_pci_destroy(&host->virt); /* requests end here */
    bus_clear(&host->bus.bus);
}

/* ---- Rows ---- */

static void vscsi_loaded(void *opaque)
{
    VirtScsi *host = opaque;

    host->sense_size = MIN(host->sense_size, VSCSI_SENSE_MAX);
    host->cdb_size = MIN(host->cdb_size, VSCSI_CDB_MAX);
}

static const StateField vscsi_fields[] = {
    STATE_FIELD(STATE_U32, VirtScsi, sense_size),
    STATE_FIELD(STATE_U32, VirtScsi, cdb_size),
    STATE_FIELD(STATE_BOOL, VirtScsi, missed),
    { 0 },
};

static const StateTable vscsi_state = {
    .name = "virtio-scsi",
    .version = 1,
    .fields = vscsi_fields,
    .loaded = vscsi_loaded,
};

static const Property vscsi_properties[] = {
    VIRTIO_PCI_PROPERTIES(VirtScsi, VIRTIO_PCI_VECTORS_AUTO),
    PROPERTY_ROW("num_queues", PROPERTY_U32, VirtScsi, num_queues, .init = UINT32_MAX),
    PROPERTY_ROW("virtqueue_size", PROPERTY_U32, VirtScsi, virtqueue_size, .init = 256),
    PROPERTY_ROW("seg_max_adjust", PROPERTY_BOOL, VirtScsi, seg_max_adjust, .init = 1),
    PROPERTY_ROW("max_sectors", PROPERTY_U32, VirtScsi, max_sectors, .init = 0xffff),
    PROPERTY_ROW("cmd_per_lun", PROPERTY_U32, VirtScsi, cmd_per_lun, .init = 128),
    PROPERTY_ROW("hotplug", PROPERTY_BOOL, VirtScsi, hotplug, .init = 1),
    PROPERTY_ROW("param_change", PROPERTY_BOOL, VirtScsi, param_change, .init = 1),
    { 0 },
};

static const PciClass vscsi_class = VIRTIO_PCI_CLASS("virtio-scsi-pci", 0x1004, VIRTIO_ID_SCSI,
                                                     0x010000);

VIRTIO_PCI_TYPES(virtio_scsi, "virtio-scsi", VIRTIO_PCI_ROW, .category = DEVICE_STORAGE,
                 .size = sizeof(VirtScsi), .properties = vscsi_properties, .pci = &vscsi_class,
                 .create = vscsi_create, .destroy = vscsi_destroy, .state = &vscsi_state,
                 .each_state = virtio_pci_each_state);
