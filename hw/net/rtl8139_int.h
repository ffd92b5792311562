/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_RTL8139_INT_H
#define HW_NET_RTL8139_INT_H
/* rtl8139_int.h - Realtek's RTL8139C+: registers by their offset, and what its files share.
 *
 * RTL8139C(L)+ datasheet 1.6. The register file is an array of bytes, so that accesses of any width
 * are alike; what a register does is a row of rtl8139.c. */
#include "hw/clock.h"
#include "hw/deferred.h"
#include "hw/net/e1000_int.h" /* the Microwire memory is the same part */
#include "hw/net/net_int.h"
#include "hw/net/nic.h"
#include "hw/pci/pci.h"

enum { /* registers */
       RTL_IDR = 0x00,
       RTL_MAR = 0x08,
       RTL_TSD = 0x10, /* four; in C+ mode the first two are the counters' address */
       RTL_TSAD = 0x20,
       RTL_TNPDS = 0x20, /* C+ */
       RTL_THPDS = 0x28,
       RTL_RBSTART = 0x30,
       RTL_CR = 0x37,
       RTL_CAPR = 0x38,
       RTL_CBR = 0x3a,
       RTL_IMR = 0x3c,
       RTL_ISR = 0x3e,
       RTL_TCR = 0x40,
       RTL_RCR = 0x44,
       RTL_TCTR = 0x48,
       RTL_MPC = 0x4c,
       RTL_9346CR = 0x50,
       RTL_CONFIG0 = 0x51,
       RTL_CONFIG1 = 0x52,
       RTL_TIMERINT = 0x54,
       RTL_MSR = 0x58,
       RTL_CONFIG3 = 0x59,
       RTL_CONFIG4 = 0x5a,
       RTL_RERID = 0x5e,
       RTL_TSAD_ALL = 0x60,
       RTL_BMCR = 0x62,
       RTL_BMSR = 0x64,
       RTL_ANAR = 0x66,
       RTL_ANLPAR = 0x68,
       RTL_ANER = 0x6a,
       RTL_CONFIG5 = 0xd8,
       RTL_TPPOLL = 0xd9,
       RTL_CPCR = 0xe0,
       RTL_RDSAR = 0xe4,
       RTL_BYTES = 0x100,
};
enum { RTL_CR_BUFE = 1, RTL_CR_TE = 4, RTL_CR_RE = 8, RTL_CR_RST = 0x10 };
enum { /* IMR, ISR */
       RTL_ROK = 1 << 0,
       RTL_TOK = 1 << 2,
       RTL_TER = 1 << 3,
       RTL_RXOVW = 1 << 4, /* and, in C+ mode, no descriptor to receive into */
       RTL_LINK = 1 << 5,
       RTL_FOVW = 1 << 6,
       RTL_TDU = 1 << 7,
       RTL_SWINT = 1 << 8,
       RTL_TIMEOUT = 1 << 14,
};
enum {
    RTL_TSD_SIZE = 0x1fff,
    RTL_TSD_OWN = 1 << 13,
    RTL_TSD_TOK = 1 << 15,
    RTL_TSD_TABT = 1 << 30
};
enum { RTL_TCR_LOOPBACK = 3 << 17 };
enum { RTL_CPCR_TX = 1, RTL_CPCR_RX = 2, RTL_CPCR_RXCSUM = 1 << 5, RTL_CPCR_RXVLAN = 1 << 6 };
enum { RTL_TPPOLL_SWINT = 1, RTL_TPPOLL_NORMAL = 0x40, RTL_TPPOLL_HIGH = 0x80 };
enum { RTL_SLOTS = 4, RTL_FCS = 4, RTL_DESC = 16, RTL_RING_MAX = 64, RTL_PACKET_MAX = 1 << 16 };
#define RTL_DESC_OWN (1u << 31)
#define RTL_DESC_EOR (1u << 30)
#define RTL_DESC_FS  (1u << 29)
#define RTL_DESC_LS  (1u << 28)

/* Where a ring goes on behind this one. */
static inline uint8_t rtl_desc_next(unsigned index, uint32_t command)
{
    return (command & RTL_DESC_EOR) != 0 ? 0 : (uint8_t)((index + 1) % RTL_RING_MAX);
}

typedef struct RtlDesc {
    uint32_t command, vlan;
    uint64_t address;
} RtlDesc;

typedef struct RtlCounters { /* in the order in which they are dumped */
    uint64_t tx_ok, rx_ok, tx_err;
    uint32_t rx_err;
    uint16_t missed, align;
    uint32_t collision_one, collision_more;
    uint64_t rx_unicast, rx_broadcast;
    uint32_t rx_multicast;
    uint16_t aborted, underrun;
} RtlCounters;
_Static_assert(sizeof(RtlCounters) == 64, "as dumped");

typedef struct Rtl8139 {
    PciDevice pci;
    NicConfig nic;
    NetPort *port;
    Deferred *deferred; /* sends what the driver has queued */
    ClockTimer *timer;
    int64_t tctr_base; /* ns at which TCTR was 0 */
    uint8_t reg[RTL_BYTES];
    E1000Eeprom eeprom;
    RtlCounters counters;
    uint8_t queued;       /* slots that wait to be sent: a bit each */
    uint8_t slot;         /* that is sent next */
    uint8_t index[3];     /* in the rings of C+ mode: normal, high priority; receiving */
    uint8_t gathering;    /* the first descriptor of a packet has been seen */
    uint8_t pending;      /* a packet is whole, and waits for room on the cable */
    uint32_t first, vlan; /* of its descriptors */
    uint32_t size;
    NetOffload offload;
    bool waiting;
    uint8_t packet[RTL_PACKET_MAX];
} Rtl8139;

enum { RTL_RING_NORMAL, RTL_RING_HIGH, RTL_RING_RX };

static inline uint16_t rtl_get16(const Rtl8139 *nic, unsigned at)
{
    return (uint16_t)(nic->reg[at] | nic->reg[at + 1] << 8);
}

static inline uint32_t rtl_get32(const Rtl8139 *nic, unsigned at)
{
    return rtl_get16(nic, at) | (uint32_t)rtl_get16(nic, at + 2) << 16;
}

static inline void rtl_put16(Rtl8139 *nic, unsigned at, uint16_t value)
{
    nic->reg[at] = (uint8_t)value;
    nic->reg[at + 1] = (uint8_t)(value >> 8);
}

static inline void rtl_put32(Rtl8139 *nic, unsigned at, uint32_t value)
{
    rtl_put16(nic, at, (uint16_t)value);
    rtl_put16(nic, at + 2, (uint16_t)(value >> 16));
}

/* rtl8139.c */
void rtl_cause(Rtl8139 *nic, uint16_t causes);
/* A descriptor of a ring of C+ mode, and its place. False: it is not there. */
bool rtl_desc_read(Rtl8139 *nic, unsigned ring, unsigned index, RtlDesc *desc, uint64_t *at);

/* rtl8139_rx.c */
bool rtl_receive(void *nic, const struct iovec *iov, unsigned n, const NetOffload *offload);
bool rtl_buffer_empty(const Rtl8139 *nic);

/* rtl8139_tx.c: on the main thread */
void rtl_transmit(void *nic);

#endif
