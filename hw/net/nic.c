/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/net/nic.h"
#include <string.h>

static bool mac_used(const Board *board, const Device *but, const uint8_t *mac)
{
    for (guint i = 0; i < board->devices->len; i++) {
        const Device *dev = g_ptr_array_index(board->devices, i);
        const Property *property = device_property_find(dev->type, "mac");

        if (dev != but && property != NULL && property->kind == PROPERTY_MAC &&
            memcmp((const uint8_t *)dev + property->offset, mac, NET_MAC) == 0) {
            return true;
        }
    }
    return false;
}

void nic_choose_mac(Device *dev, uint8_t mac[NET_MAC])
{
    static const uint8_t none[NET_MAC] = { 0 };
    uint8_t chosen[NET_MAC] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };

    if (memcmp(mac, none, NET_MAC) != 0) {
        return;
    }
    while (mac_used(dev->board, dev, chosen) && chosen[5] != 0xff) {
        chosen[5]++;
    }
    memcpy(mac, chosen, NET_MAC);
}

void nic_connect(NetPort *port, const NicConfig *config)
{
    if (config->netdev != NULL) {
        net_connect(port, config->netdev);
    }
}
