/* SPDX-License-Identifier: GPL-2.0-or-later */
/* e1000e.c - Intel's 82574L (datasheet 317694): what it has beyond the 82540EM's registers, which
 * e1000*.c model for both: extended receive descriptors, MSI and MSI-X, another EEPROM port.
 *
 * One queue each way is served, queue 0, which is all that drivers use unless they ask for more;
 * packets are not split into headers and data. */
#include <string.h>
#include "hw/device_types.h"
#include "hw/net/e1000_int.h"
#include "hw/pci/msi.h"

enum { /* BARs */
       MEMORY_BAR = 0,
       FLASH_BAR = 1,
       IO_BAR = 2,
       MSIX_BAR = 3,
       FLASH_BYTES = 0x20000,
       IO_BYTES = 32,
       VECTORS = 5,
};
enum { /* registers */
       CTRL_EXT = 0x0018,
       EIAC = 0x00dc,
       IAM = 0x00e0,
       IVAR = 0x00e4,
       EITR = 0x00e8, /* five */
       EXTCNF_CTRL = 0x0f00,
       POEMB = 0x0f10,
       EEMNGCTL = 0x1010,
       RFCTL = 0x5008,
       GCR = 0x5b00,
       SWSM = 0x5b50,
       FWSM = 0x5b54,
};
enum { CTRL_MASTER_DISABLE = 4, STATUS_MASTER = 1 << 19, EECD_AUTO_READ = 1 << 9 };
enum { EERD_START = 1, EERD_DONE = 2, EERD_ADDRESS_SHIFT = 2, EERD_DATA_SHIFT = 16 };
enum { EEMNGCTL_CONFIG_DONE = 1 << 18, GCR_DEFAULT = 1 << 22, SWSM_SEMAPHORES = 3 };
enum { CTRL_EXT_EIAME = 1 << 24, CTRL_EXT_IAME = 1 << 27 };
enum { /* causes that MSI-X has, one a vector of IVAR */
       ICR_RXQ0 = 1 << 20,
       ICR_TXQ0 = 1 << 22,
       ICR_OTHER = 1 << 24,
       ICR_OF_OTHER = E1000_ICR_LSC | E1000_ICR_RXO | E1000_ICR_MDAC,
       ICR_VECTORS = 0x01f00000,
};
enum { IVAR_VALID = 8, IVAR_VECTOR = 7, RFCTL_EXTENDED = 1 << 15, CHECKSUM = 0xbaba };
#define ICR_ASSERTED (1u << 31)

/* ---- Interrupts ---- */

static uint32_t wanted_causes(E1000 *nic)
{
    return *e1000_reg(nic, E1000_ICR) & *e1000_reg(nic, E1000_IMS);
}

/* A message is sent, and the causes with it may clear and mask themselves. */
static void vector_notify(E1000 *nic, uint32_t cause, unsigned entry)
{
    uint32_t ext = *e1000_reg(nic, CTRL_EXT), clear = *e1000_reg(nic, EIAC) & cause;

    if ((entry & IVAR_VALID) == 0) {
        return;
    }
    *e1000_reg(nic, E1000_ICR) &= ~clear;
    if ((ext & CTRL_EXT_IAME) == 0 || clear != 0) {
        *e1000_reg(nic, E1000_IMS) &= ~clear;
    }
    if ((ext & CTRL_EXT_EIAME) != 0) {
        *e1000_reg(nic, E1000_IMS) &= ~(*e1000_reg(nic, IAM) & cause);
    }
    pci_msix_notify(&nic->pci, entry & IVAR_VECTOR);
}

/* Vectors that have something new since the last time. */
static void msix_update(E1000 *nic)
{
    static const uint32_t causes[] = { ICR_RXQ0, 1 << 21, ICR_TXQ0, 1 << 23, ICR_OTHER };
    uint32_t ivar = *e1000_reg(nic, IVAR), now = wanted_causes(nic) & ICR_VECTORS;
    uint32_t fresh = now & ~nic->told;

    nic->told = now;
    for (unsigned i = 0; i < G_N_ELEMENTS(causes); i++) {
        if ((fresh & causes[i]) != 0) {
            vector_notify(nic, causes[i], ivar >> 4 * i & 15);
        }
    }
    nic->told &= wanted_causes(nic);
}

/* The causes of queues and of the rest have bits of their own for MSI-X. */
static void causes_spread(E1000 *nic, uint32_t causes)
{
    uint32_t *icr = e1000_reg(nic, E1000_ICR);

    if (!pci_msix_enabled(&nic->pci)) {
        return;
    }
    if ((causes & (E1000_ICR_RXT0 | E1000_ICR_RXDMT0)) != 0) {
        *icr |= ICR_RXQ0;
        nic->told &= ~(uint32_t)ICR_RXQ0;
    }
    if ((causes & (E1000_ICR_TXDW | E1000_ICR_TXQE)) != 0) {
        *icr |= ICR_TXQ0;
        nic->told &= ~(uint32_t)ICR_TXQ0;
    }
    if ((causes & ICR_OF_OTHER & *e1000_reg(nic, E1000_IMS)) != 0) {
        *icr |= ICR_OTHER;
        nic->told &= ~(uint32_t)ICR_OTHER;
    }
    nic->told &= ~causes;
}

static void irq_update(E1000 *nic, uint32_t causes)
{
    bool level;

    causes_spread(nic, causes);
    level = wanted_causes(nic) != 0;
    if (pci_msix_enabled(&nic->pci)) {
        msix_update(nic);
    } else if (pci_msi_enabled(&nic->pci)) {
        if (level && (nic->told == 0 || causes != 0)) {
            pci_msi_notify(&nic->pci, 0);
        }
        nic->told = level;
    } else {
        pci_device_set_irq(&nic->pci, level);
    }
}

/* Reading shows whether an interrupt is asserted, clears the causes, and may mask. */
static uint32_t icr_read(E1000 *nic)
{
    uint32_t value = *e1000_reg(nic, E1000_ICR);

    if (wanted_causes(nic) != 0) {
        value |= ICR_ASSERTED;
        if ((*e1000_reg(nic, CTRL_EXT) & CTRL_EXT_IAME) != 0) {
            *e1000_reg(nic, E1000_IMS) &= ~*e1000_reg(nic, IAM);
        }
    }
    *e1000_reg(nic, E1000_ICR) = 0;
    nic->told = 0;
    irq_update(nic, 0);
    return value;
}

/* ---- Registers ---- */

static uint32_t eerd_run(const E1000 *nic, uint32_t value)
{
    unsigned address = value >> EERD_ADDRESS_SHIFT & 0x3fff;

    if ((value & EERD_START) == 0) {
        return value;
    }
    value = EERD_DONE | address << EERD_ADDRESS_SHIFT;
    if (address < E1000_EEPROM_WORDS) {
        value |= (uint32_t)nic->eeprom.word[address] << EERD_DATA_SHIFT;
    }
    return value;
}

static bool register_read(E1000 *nic, unsigned offset, uint32_t *value)
{
    switch (offset) {
    case E1000_ICR:
        *value = icr_read(nic);
        return true;
    case E1000_STATUS:
        *value = *e1000_reg(nic, E1000_STATUS);
        if ((*e1000_reg(nic, E1000_CTRL) & CTRL_MASTER_DISABLE) == 0) {
            *value |= STATUS_MASTER;
        }
        return true;
    case E1000_EECD:
        *value = e1000_eeprom_read(&nic->eeprom) | EECD_AUTO_READ;
        return true;
    case SWSM: /* whoever reads 0 has the semaphore */
        *value = *e1000_reg(nic, SWSM);
        *e1000_reg(nic, SWSM) |= 1;
        return true;
    default:
        return false;
    }
}

static bool register_write(E1000 *nic, unsigned offset, uint32_t value)
{
    switch (offset) {
    case E1000_EERD:
        *e1000_reg(nic, E1000_EERD) = eerd_run(nic, value);
        return true;
    case EIAC:
        *e1000_reg(nic, EIAC) = value & ICR_VECTORS;
        return true;
    case IAM:
    case IVAR:
    case EITR:
    case EITR + 4:
    case EITR + 8:
    case EITR + 12:
    case EITR + 16:
    case EXTCNF_CTRL:
    case POEMB:
    case RFCTL:
    case GCR:
    case FWSM:
        *e1000_reg(nic, offset) = value;
        return true;
    case SWSM:
        *e1000_reg(nic, SWSM) = value & SWSM_SEMAPHORES;
        return true;
    default:
        if ((offset >= 0x3840 && offset < 0x3960) || (offset >= 0x5c00 && offset < 0x5d00)) {
            *e1000_reg(nic, offset) = value; /* the second queue, scaling on the receive side */
            return true;
        }
        return false;
    }
}

static void chip_reset(E1000 *nic)
{
    *e1000_reg(nic, EEMNGCTL) = EEMNGCTL_CONFIG_DONE;
    *e1000_reg(nic, GCR) = GCR_DEFAULT;
    *e1000_reg(nic, E1000_PBA) = 0x00140014;
    nic->told = 0;
}

static bool extended(E1000 *nic)
{
    return (*e1000_reg(nic, RFCTL) & RFCTL_EXTENDED) != 0;
}

static const E1000Model model = {
    .phy_id2 = 0x0cb1,
    .irq = irq_update,
    .read = register_read,
    .write = register_write,
    .reset = chip_reset,
    .extended = extended,
};

/* ---- The row ---- */

static void eeprom_fill(E1000Eeprom *eeprom)
{
    uint16_t sum = 0;

    eeprom->word[0x0d] = 0x10d3;
    eeprom->word[0x0f] = 0x0000; /* no management */
    for (unsigned i = 0; i < E1000_EEPROM_WORDS - 1; i++) {
        sum = (uint16_t)(sum + eeprom->word[i]);
    }
    eeprom->word[E1000_EEPROM_WORDS - 1] = (uint16_t)(CHECKSUM - sum);
}

static uint64_t flash_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return UINT32_MAX; /* erased */
}

static void flash_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    (void)opaque, (void)offset, (void)width, (void)value;
}

static const MmioOps flash_ops = {
    .read = flash_read,
    .write = flash_write,
    .min_width = 1,
    .max_width = 4,
};

static bool e1000e_create(Device *dev, GError **error)
{
    E1000 *nic = (E1000 *)dev;

    (void)error;
    nic->model = &model;
    e1000_setup(nic, MEMORY_BAR, IO_BAR, IO_BYTES);
    eeprom_fill(&nic->eeprom);
    pci_device_add_mmio_bar(&nic->pci, FLASH_BAR, FLASH_BYTES, false, false, &flash_ops, nic);
    pci_msi_init(&nic->pci, 1, false);
    pci_msix_init(&nic->pci, VECTORS, MSIX_BAR);
    return true;
}

static const Property e1000e_properties[] = { NIC_PROPERTIES(E1000), { 0 } };

static const PciClass e1000e_class = {
    .name = "e1000e",
    .vendor = 0x8086,
    .device = 0x10d3,
    .subsystem_vendor = 0x8086,
    .subsystem = 0x0000,
    .class_code = 0x020000,
    .interrupt_pin = 1,
    .romfile = "efi-e1000e.rom",
};

const DeviceType e1000e_type = {
    .name = "e1000e",
    .desc = "Intel 82574L GbE Controller",
    .category = DEVICE_NETWORK,
    .bus = &pci_bus_type,
    .size = sizeof(E1000),
    .properties = e1000e_properties,
    .pci = &e1000e_class,
    .hotpluggable = true,
    .create = e1000e_create,
    .reset = e1000_reset_device,
    .destroy = e1000_destroy,
    .state = &e1000_state,
};
