/* SPDX-License-Identifier: GPL-2.0-or-later */
/* e1000_phy.c - the transceiver inside the chip, behind MDIC (IEEE 802.3 clause 22). */
#include <string.h>
#include "hw/net/e1000_int.h"

enum {
    PHY_CONTROL = 0,
    PHY_STATUS = 1,
    PHY_ID1 = 2,
    PHY_ID2 = 3,
    PHY_ADVERTISE = 4,
    PHY_PARTNER = 5,
    PHY_EXPANSION = 6,
    PHY_1000_CONTROL = 9,
    PHY_1000_STATUS = 10,
    PHY_EXTENDED = 15,
    PHY_SPECIFIC_CONTROL = 16,
    PHY_SPECIFIC_STATUS = 17,
};
enum {
    CONTROL_RESET = 0x8000,
    CONTROL_LOOPBACK = 0x4000,
    CONTROL_AUTO = 0x1000,
    CONTROL_RESTART = 0x0200,
    STATUS_LINK = 0x0004,
    STATUS_AUTO_DONE = 0x0020,
    SPECIFIC_LINK = 0x0400,
    SPECIFIC_GIGABIT = 0xa800, /* 1000 Mb/s, full duplex, resolved */
};
enum {
    MDIC_DATA = 0xffff,
    MDIC_WRITE = 1u << 26,
    MDIC_READ = 2u << 26,
    MDIC_READY = 1u << 28,
    MDIC_INTERRUPT = 1u << 29,
    MDIC_ERROR = 1u << 30,
    PHY_ADDRESS = 1,
};

void e1000_phy_reset(E1000 *nic)
{
    memset(nic->phy, 0, sizeof(nic->phy));
    nic->phy[PHY_CONTROL] = 0x1140; /* automatic, full duplex, 1000 Mb/s */
    nic->phy[PHY_STATUS] = 0x7949;
    nic->phy[PHY_ID1] = 0x0141;
    nic->phy[PHY_ID2] = nic->model != NULL ? nic->model->phy_id2 : 0x0c20;
    nic->phy[PHY_ADVERTISE] = 0x0de1;
    nic->phy[PHY_PARTNER] = 0x41e1;
    nic->phy[PHY_EXPANSION] = 0x0001;
    nic->phy[PHY_1000_CONTROL] = 0x0e00;
    nic->phy[PHY_1000_STATUS] = 0x3c00;
    nic->phy[PHY_EXTENDED] = 0x3000;
    nic->phy[PHY_SPECIFIC_CONTROL] = 0x0360;
    e1000_set_link(nic, nic->port == NULL || net_link_up(nic->port));
}

void e1000_set_link(E1000 *nic, bool up)
{
    uint32_t *status = e1000_reg(nic, E1000_STATUS);

    if (up) {
        *status |= E1000_STATUS_LU;
        nic->phy[PHY_STATUS] |= STATUS_LINK | STATUS_AUTO_DONE;
        nic->phy[PHY_SPECIFIC_STATUS] = SPECIFIC_GIGABIT | SPECIFIC_LINK;
    } else {
        *status &= ~(uint32_t)E1000_STATUS_LU;
        nic->phy[PHY_STATUS] &= (uint16_t) ~(STATUS_LINK | STATUS_AUTO_DONE);
        nic->phy[PHY_SPECIFIC_STATUS] = 0;
    }
}

bool e1000_phy_loopback(const E1000 *nic)
{
    return (nic->phy[PHY_CONTROL] & CONTROL_LOOPBACK) != 0;
}

static void phy_write(E1000 *nic, unsigned reg, uint16_t value)
{
    switch (reg) {
    case PHY_CONTROL:
        if ((value & CONTROL_RESET) != 0) {
            e1000_phy_reset(nic);
            return;
        }
        nic->phy[PHY_CONTROL] = value & (uint16_t)~CONTROL_RESTART;
        if ((value & CONTROL_AUTO) != 0 && (value & CONTROL_RESTART) != 0 &&
            (nic->port == NULL || net_link_up(nic->port))) {
            e1000_set_link(nic, true);
            e1000_cause(nic, E1000_ICR_LSC);
        }
        break;
    case PHY_STATUS:
    case PHY_ID1:
    case PHY_ID2:
    case PHY_PARTNER:
    case PHY_EXPANSION:
    case PHY_1000_STATUS:
    case PHY_EXTENDED:
    case PHY_SPECIFIC_STATUS:
        break;
    default:
        nic->phy[reg] = value;
        break;
    }
}

void e1000_phy_access(E1000 *nic, uint32_t mdic)
{
    unsigned reg = mdic >> 16 & 31;

    if ((mdic >> 21 & 31) != PHY_ADDRESS || (mdic & (MDIC_READ | MDIC_WRITE)) == 0) {
        mdic |= MDIC_ERROR;
    } else if ((mdic & MDIC_READ) != 0) {
        mdic = (mdic & ~(uint32_t)MDIC_DATA) | nic->phy[reg];
    } else {
        phy_write(nic, reg, (uint16_t)mdic);
    }
    *e1000_reg(nic, E1000_MDIC) = mdic | MDIC_READY;
    if ((mdic & MDIC_INTERRUPT) != 0) {
        e1000_cause(nic, E1000_ICR_MDAC);
    }
}
