/* SPDX-License-Identifier: GPL-2.0-or-later */
/* virtio_net_pci.c - rows of the virtio NICs. */
#include <string.h>
#include "hw/device_types.h"
#include "hw/net/nic.h"
#include "hw/virtio/virtio_net_int.h"
#include "hw/virtio/virtio_pci.h"

enum { QUEUE_SIZE = 256, QUEUE_SIZE_MIN = 256, MTU_MIN = 68 };

typedef struct VirtNetPci {
    VirtPci virt;
    VirtNet net;
    NicConfig nic;
    uint64_t features; /* those that are switched on by properties */
    bool mq;
    uint16_t rx_queue_size, tx_queue_size, host_mtu;
} VirtNetPci;

static bool queue_size_good(uint16_t size)
{
    return size >= QUEUE_SIZE_MIN && size <= VIRTQUEUE_SIZE_MAX && (size & (size - 1)) == 0;
}

static bool net_check(const VirtNetPci *dev, GError **error)
{
    const char *wrong = NULL;

    if (!queue_size_good(dev->rx_queue_size)) {
        wrong = "Invalid rx_queue_size, must be a power of 2 between 256 and 1024";
    } else if (!queue_size_good(dev->tx_queue_size)) {
        wrong = "Invalid tx_queue_size, must be a power of 2 between 256 and 1024";
    } else if (dev->host_mtu != 0 && dev->host_mtu < MTU_MIN) {
        wrong = "host_mtu must be 0, or 68 to 65535";
    } else if ((dev->nic.mac[0] & 1) != 0) {
        wrong = "mac is a multicast address";
    }
    if (wrong != NULL) {
        g_set_error_literal(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, wrong);
    }
    return wrong == NULL;
}

static bool net_create(Device *device, GError **error)
{
    VirtNetPci *dev = (VirtNetPci *)device;
    VirtNetOptions options = {
        .pairs = dev->mq ? VIRTIO_NET_PAIRS_DEFAULT : 1,
        .rx_queue_size = dev->rx_queue_size,
        .tx_queue_size = dev->tx_queue_size,
        .mtu = dev->host_mtu,
        .without = ~(dev->features | VIRTIO_BIT(NET_F_MAC) | VIRTIO_BIT(NET_F_MQ) |
                     VIRTIO_BIT(NET_F_MTU)),
    };

    if (!net_check(dev, error)) {
        return false;
    }
    nic_choose_mac(device, dev->nic.mac);
    memcpy(options.mac, dev->nic.mac, NET_MAC);
    virtio_net_init(&dev->net, device->board->map, &options, device->type->name, device->id);
    if (!virtio_pci_create(&dev->virt, &dev->net.device, error)) {
        virtio_net_fini(&dev->net);
        return false;
    }
    nic_connect(dev->net.port, &dev->nic);
    return true;
}

static void net_destroy(Device *device)
{
    VirtNetPci *dev = (VirtNetPci *)device;

    virtio_pci_destroy(&dev->virt);
    virtio_net_fini(&dev->net);
}

static const StateField net_fields[] = {
    STATE_ARRAY(STATE_U8, VirtNetPci, net.mac),
    STATE_FIELD(STATE_U8, VirtNetPci, net.filter.promisc),
    STATE_FIELD(STATE_U8, VirtNetPci, net.filter.all_multi),
    STATE_FIELD(STATE_U8, VirtNetPci, net.filter.all_uni),
    STATE_FIELD(STATE_U8, VirtNetPci, net.filter.no_multi),
    STATE_FIELD(STATE_U8, VirtNetPci, net.filter.no_uni),
    STATE_FIELD(STATE_U8, VirtNetPci, net.filter.no_bcast),
    STATE_FIELD(STATE_U8, VirtNetPci, net.filter.uni_overflow),
    STATE_FIELD(STATE_U8, VirtNetPci, net.filter.multi_overflow),
    STATE_FIELD(STATE_U32, VirtNetPci, net.filter.n_uni),
    STATE_FIELD(STATE_U32, VirtNetPci, net.filter.n_macs),
    { .name = "macs",
      .type = STATE_BYTES,
      .offset = offsetof(VirtNetPci, net.filter.mac),
      .count = sizeof(((VirtNetPci *)0)->net.filter.mac),
      .version = 1 },
    STATE_ARRAY(STATE_U32, VirtNetPci, net.filter.vlan),
    STATE_FIELD(STATE_U16, VirtNetPci, net.pairs_in_use),
    STATE_FIELD(STATE_U8, VirtNetPci, net.announcing),
    { 0 },
};

/* The network may be elsewhere now: the driver tells it. */
static void net_loaded(void *opaque)
{
    VirtNetPci *dev = opaque;

    dev->net.filter.n_macs = MIN(dev->net.filter.n_macs, VIRTIO_NET_MACS);
    dev->net.filter.n_uni = MIN(dev->net.filter.n_uni, dev->net.filter.n_macs);
    dev->net.pairs_in_use = (uint16_t)CLAMP(dev->net.pairs_in_use, 1, dev->net.options.pairs);
}

static const StateTable net_state = {
    .name = "virtio-net",
    .version = 1,
    .fields = net_fields,
    .loaded = net_loaded,
};

#define NET_FEATURE_ROW(name_, bit_)                                                               \
    {                                                                                              \
        .name = name_, .kind = PROPERTY_BIT64, .offset = offsetof(VirtNetPci, features),           \
        .bit = bit_, .init = 1, .help = "on/off"                                                   \
    }

static const Property net_properties[] = {
    VIRTIO_PCI_PROPERTIES(VirtNetPci, VIRTIO_PCI_VECTORS_AUTO),
    NIC_PROPERTIES(VirtNetPci),
    NET_FEATURE_ROW("csum", NET_F_CSUM),
    NET_FEATURE_ROW("guest_csum", NET_F_GUEST_CSUM),
    NET_FEATURE_ROW("guest_tso4", NET_F_GUEST_TSO4),
    NET_FEATURE_ROW("guest_tso6", NET_F_GUEST_TSO6),
    NET_FEATURE_ROW("guest_ecn", NET_F_GUEST_ECN),
    NET_FEATURE_ROW("guest_announce", NET_F_GUEST_ANNOUNCE),
    NET_FEATURE_ROW("host_tso4", NET_F_HOST_TSO4),
    NET_FEATURE_ROW("host_tso6", NET_F_HOST_TSO6),
    NET_FEATURE_ROW("host_ecn", NET_F_HOST_ECN),
    NET_FEATURE_ROW("mrg_rxbuf", NET_F_MRG_RXBUF),
    NET_FEATURE_ROW("status", NET_F_STATUS),
    NET_FEATURE_ROW("ctrl_vq", NET_F_CTRL_VQ),
    NET_FEATURE_ROW("ctrl_rx", NET_F_CTRL_RX),
    NET_FEATURE_ROW("ctrl_vlan", NET_F_CTRL_VLAN),
    NET_FEATURE_ROW("ctrl_rx_extra", NET_F_CTRL_RX_EXTRA),
    NET_FEATURE_ROW("ctrl_mac_addr", NET_F_CTRL_MAC_ADDR),
    NET_FEATURE_ROW("ctrl_guest_offloads", NET_F_CTRL_GUEST_OFFLOADS),
    PROPERTY_ROW("mq", PROPERTY_BOOL, VirtNetPci, mq),
    PROPERTY_ROW("rx_queue_size", PROPERTY_U16, VirtNetPci, rx_queue_size, .init = QUEUE_SIZE),
    PROPERTY_ROW("tx_queue_size", PROPERTY_U16, VirtNetPci, tx_queue_size, .init = QUEUE_SIZE),
    PROPERTY_ROW("host_mtu", PROPERTY_U16, VirtNetPci, host_mtu),
    { 0 },
};

static const PciClass net_class = VIRTIO_PCI_CLASS("virtio-net-pci", 0x1000, VIRTIO_ID_NET,
                                                   0x020000, .romfile = "efi-virtio.rom");

VIRTIO_PCI_TYPES(virtio_net, "virtio-net", VIRTIO_PCI_ROW, .category = DEVICE_NETWORK,
                 .size = sizeof(VirtNetPci), .properties = net_properties, .pci = &net_class,
                 .create = net_create, .destroy = net_destroy, .state = &net_state,
                 .each_state = virtio_pci_each_state);
