/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VIRTIO_VIRTIO_SCSI_INT_H
#define HW_VIRTIO_VIRTIO_SCSI_INT_H
/* virtio_scsi_int.h - the virtio SCSI host (virtio 1.2, section 5.6) and its bus. */
#include "hw/scsi/scsi.h"
#include "hw/virtio/virtio_pci.h"

enum { /* feature bits */
       VSCSI_HOTPLUG = 1,
       VSCSI_CHANGE = 2,
};

enum { /* queues; behind them those of requests */
       VSCSI_CONTROL,
       VSCSI_EVENT,
       VSCSI_FIXED,
};

enum { /* response codes */
       VSCSI_OK = 0,
       VSCSI_OVERRUN = 1,
       VSCSI_BAD_TARGET = 3,
       VSCSI_FAILURE = 9,
       VSCSI_SUCCEEDED = 10,
       VSCSI_REJECTED = 11,
       VSCSI_INCORRECT_LUN = 12,
};

enum { VSCSI_LUN = 8, VSCSI_SENSE_MAX = 255, VSCSI_CDB_MAX = 255 };

typedef struct VirtScsi {
    VirtPci virt;
    VirtDevice device;
    uint32_t num_queues, virtqueue_size, max_sectors, cmd_per_lun; /* properties */
    bool seg_max_adjust, hotplug, param_change;
    ScsiBus bus;

    uint32_t sense_size, cdb_size; /* the driver's */
    bool missed;                   /* an event found no buffer */
} VirtScsi;

VirtScsi *vscsi_of(VirtDevice *device);
VirtScsi *vscsi_of_bus(ScsiBus *bus);
/* False: that is no address of this host's. */
bool vscsi_lun_get(const uint8_t lun[VSCSI_LUN], ScsiAddress *address);

/* virtio_scsi_control.c */
void vscsi_control_kick(VirtDevice *device, VirtQueue *queue);
void vscsi_event_kick(VirtDevice *device, VirtQueue *queue);
extern const ScsiHba vscsi_hba;

#endif
