/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_NIC_H
#define HW_NET_NIC_H
/* nic.h - what all network cards have: an address, a network, and a place among their like. */
#include "hw/board.h"
#include "hw/net/net.h"

typedef struct NicConfig { /* properties of a card; embedded in its structure */
    uint8_t mac[NET_MAC];
    NetPort *netdev; /* NULL: no cable is plugged in */
    int32_t bootindex;
} NicConfig;

/* `type` has a NicConfig that is called nic. */
#define NIC_PROPERTIES(type)                                                                       \
    PROPERTY_ROW("mac", PROPERTY_MAC, type, nic.mac,                                               \
                 .help = "Ethernet 6-byte MAC Address, "                                           \
                         "example: 52:54:00:12:34:56"),                                            \
        PROPERTY_ROW("netdev", PROPERTY_NETDEV, type, nic.netdev,                                  \
                     .help = "ID of a netdev to use as a backend"),                                \
        PROPERTY_ROW("bootindex", PROPERTY_INT, type, nic.bootindex, .init = -1)

/* An address that was not given is 52:54:00:12:34:56 or the next one that no other card has. */
void nic_choose_mac(Device *dev, uint8_t mac[NET_MAC]);
/* The port of a card gets its cable. */
void nic_connect(NetPort *port, const NicConfig *config);

#endif
