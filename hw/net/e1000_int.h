/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_E1000_INT_H
#define HW_NET_E1000_INT_H
/* e1000_int.h - the parts of the 82540EM (PCI/PCI-X Family of Gigabit Ethernet Controllers Software
 * Developer's Manual, 317453). */
#include "hw/deferred.h"
#include "hw/net/net_int.h"
#include "hw/net/nic.h"
#include "hw/pci/pci.h"

enum {
    E1000_SPACE = 0x8000, /* bytes of registers that exist */
    E1000_PHY_REGS = 32,
    E1000_EEPROM_WORDS = 64,
    E1000_PACKET_MAX = 0x10000 + 64,
    E1000_HEADER_MAX = 256,
    E1000_DESC = 16,
};

enum { /* registers */
       E1000_CTRL = 0x0000,
       E1000_STATUS = 0x0008,
       E1000_EECD = 0x0010,
       E1000_EERD = 0x0014,
       E1000_MDIC = 0x0020,
       E1000_VET = 0x0038,
       E1000_ICR = 0x00c0,
       E1000_ITR = 0x00c4,
       E1000_ICS = 0x00c8,
       E1000_IMS = 0x00d0,
       E1000_IMC = 0x00d8,
       E1000_RCTL = 0x0100,
       E1000_TCTL = 0x0400,
       E1000_LEDCTL = 0x0e00,
       E1000_PBA = 0x1000,
       E1000_RDBAL = 0x2800,
       E1000_RDBAH = 0x2804,
       E1000_RDLEN = 0x2808,
       E1000_RDH = 0x2810,
       E1000_RDT = 0x2818,
       E1000_TDBAL = 0x3800,
       E1000_TDBAH = 0x3804,
       E1000_TDLEN = 0x3808,
       E1000_TDH = 0x3810,
       E1000_TDT = 0x3818,
       E1000_STATS = 0x4000,
       E1000_MPC = 0x4010,
       E1000_PRC64 = 0x405c, /* six, by size */
       E1000_GPRC = 0x4074,
       E1000_BPRC = 0x4078,
       E1000_MPRC = 0x407c,
       E1000_GPTC = 0x4080,
       E1000_GORCL = 0x4088,
       E1000_GOTCL = 0x4090,
       E1000_TORL = 0x40c0,
       E1000_TOTL = 0x40c8,
       E1000_TPR = 0x40d0,
       E1000_TPT = 0x40d4,
       E1000_PTC64 = 0x40d8, /* six */
       E1000_MPTC = 0x40f0,
       E1000_BPTC = 0x40f4,
       E1000_STATS_END = 0x4100,
       E1000_RXCSUM = 0x5000,
       E1000_MTA = 0x5200,
       E1000_RAL = 0x5400,
       E1000_RAH = 0x5404,
       E1000_VFTA = 0x5600,
       E1000_MANC = 0x5820,
};

enum { /* interrupt causes */
       E1000_ICR_TXDW = 1u << 0,
       E1000_ICR_TXQE = 1u << 1,
       E1000_ICR_LSC = 1u << 2,
       E1000_ICR_RXDMT0 = 1u << 4,
       E1000_ICR_RXO = 1u << 6,
       E1000_ICR_RXT0 = 1u << 7,
       E1000_ICR_MDAC = 1u << 9,
};

enum { E1000_CTRL_VME = 1u << 30, E1000_STATUS_LU = 2 };

typedef struct E1000Eeprom { /* a 93C46 on four wires */
    uint16_t word[E1000_EEPROM_WORDS];
    uint32_t lines;  /* SK, CS, DI as the driver holds them */
    uint16_t shift;  /* bits that came in */
    uint8_t n_in;    /* how many */
    uint8_t reading; /* a word is going out */
    uint16_t n_out;  /* the bit that is on DO, counted over the whole memory */
} E1000Eeprom;

typedef struct E1000Context { /* of checksums, and of segmentation */
    uint8_t ipcss, ipcso, tucss, tucso, header_size, command;
    uint16_t ipcse, tucse, mss;
    uint32_t payload;
} E1000Context;

struct E1000;

typedef struct E1000Model { /* of a chip that is more than the 82540EM; what is NULL is as there */
    uint16_t phy_id2;
    void (*irq)(struct E1000 *nic, uint32_t causes); /* these are new; 0: others have changed */
    bool (*read)(struct E1000 *nic, unsigned offset, uint32_t *value); /* false: as there */
    bool (*write)(struct E1000 *nic, unsigned offset, uint32_t value);
    void (*reset)(struct E1000 *nic);
    bool (*extended)(struct E1000 *nic); /* are receive descriptors written in the longer form? */
} E1000Model;

typedef struct E1000 {
    PciDevice pci;
    const E1000Model *model; /* NULL: the 82540EM */
    uint32_t told;           /* causes of which messages were sent */
    NicConfig nic;
    NetPort *port;
    Deferred *deferred; /* sends what the driver has queued */
    ClockTimer *throttle;
    int64_t next_interrupt; /* not before */
    uint32_t reg[E1000_SPACE / 4];
    uint16_t phy[E1000_PHY_REGS];
    uint32_t io_address; /* of the window in BAR 1 */
    E1000Eeprom eeprom;
    E1000Context checksum, segment;
    uint8_t options; /* POPTS of the packet's first descriptor */
    uint8_t tse, vle;
    uint16_t tag;
    uint32_t size;      /* of the packet so far */
    uint8_t pending;    /* it is whole and finished, and waits for room on the cable */
    NetOffload offload; /* of it then */
    bool waiting;       /* for room on the cable */
    uint8_t packet[E1000_PACKET_MAX];
} E1000;

static inline uint32_t *e1000_reg(E1000 *nic, unsigned offset)
{
    return &nic->reg[offset / 4];
}

/* e1000.c */
/* For rows: registers, ports, the cable. */
void e1000_setup(E1000 *nic, unsigned memory_bar, unsigned io_bar, uint16_t io_bytes);
void e1000_reset_device(Device *dev);
void e1000_destroy(Device *dev);
extern const StateTable e1000_state;
void e1000_cause(E1000 *nic, uint32_t causes); /* sets them, interrupts */
/* A packet has passed: the counters of its size and kind. */
void e1000_count(E1000 *nic, bool out, const uint8_t *frame, size_t size);

/* e1000_eeprom.c */
void e1000_eeprom_fill(E1000Eeprom *eeprom, const uint8_t mac[NET_MAC]);
void e1000_eeprom_write(E1000Eeprom *eeprom, uint32_t lines); /* EECD */
uint32_t e1000_eeprom_read(const E1000Eeprom *eeprom);
uint32_t e1000_eeprom_eerd(const E1000Eeprom *eeprom, uint32_t value);

/* e1000_phy.c */
void e1000_phy_reset(E1000 *nic);
void e1000_phy_access(E1000 *nic, uint32_t mdic);
bool e1000_phy_loopback(const E1000 *nic);
void e1000_set_link(E1000 *nic, bool up);

/* e1000_rx.c */
bool e1000_receive(void *nic, const struct iovec *iov, unsigned n, const NetOffload *offload);

/* e1000_tx.c: on the main thread */
void e1000_transmit(void *nic);

#endif
