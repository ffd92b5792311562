/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ahci_fis.c - frame information structures from the drive (Serial ATA 2.6, 10.3), and what the
 * adapter does with them: it stores them in the area of received FISes, follows them in PxTFD, and
 * interrupts (AHCI 1.3.1, 4.2.1 and 5.3). */
#include "hw/ide/ahci_int.h"

#include <string.h>

enum { /* types */
       FIS_REGISTER = 0x34,
       FIS_DEVICE_BITS = 0xa1,
       FIS_PIO_SETUP = 0x5f,
       FIS_INTERRUPT = 0x40,
       FIS_TO_HOST = 0x20,
};
enum { /* places */
       AREA_PIO_SETUP = 0x20,
       AREA_REGISTER = 0x40,
       AREA_DEVICE_BITS = 0x58,
};
enum { FIS_SIZE = 20, DEVICE_BITS_SIZE = 8, DEVICE_BITS_STATUS = 0x77 };

static void fis_store(AhciPort *port, unsigned place, const uint8_t *fis, unsigned size)
{
    uint64_t area = port->area | (uint64_t)port->area_high << 32;

    if ((port->command & PORT_FRE) != 0 && !ahci_dma_write(port->ahci, area + place, fis, size)) {
        ahci_port_halt(port, PORT_HBFS);
    }
}

static void fis_task_file(const IdeDrive *drive, uint8_t *fis)
{
    fis[3] = drive->error;
    memcpy(fis + 4, drive->lba, 3);
    fis[7] = drive->device | DEVICE_FIXED;
    memcpy(fis + 8, drive->hob_lba, 3);
    fis[12] = drive->count;
    fis[13] = drive->hob_count;
}

static void task_file_set(AhciPort *port, uint8_t status, uint8_t error)
{
    port->task_file = status | (uint32_t)error << 8;
}

void ahci_fis_register(AhciPort *port, bool interrupt)
{
    const IdeDrive *drive = &port->drive;
    uint8_t fis[FIS_SIZE] = { FIS_REGISTER, interrupt ? FIS_INTERRUPT : 0, drive->status };

    fis_task_file(drive, fis);
    fis_store(port, AREA_REGISTER, fis, sizeof(fis));
    task_file_set(port, drive->status, drive->error);
    if ((drive->status & ATA_ERR) != 0) {
        ahci_port_halt(port, PORT_TFES);
    }
    if (interrupt) {
        ahci_raise(port, PORT_DHRS);
    }
}

void ahci_fis_pio_setup(AhciPort *port, bool to_host, bool interrupt, uint8_t status,
                        uint8_t end_status, uint32_t size)
{
    uint8_t flags = (to_host ? FIS_TO_HOST : 0) | (interrupt ? FIS_INTERRUPT : 0);
    uint8_t fis[FIS_SIZE] = { FIS_PIO_SETUP, flags, status };

    fis_task_file(&port->drive, fis);
    fis[15] = end_status;
    fis[16] = (uint8_t)size;
    fis[17] = (uint8_t)(size >> 8);
    fis_store(port, AREA_PIO_SETUP, fis, sizeof(fis));
    task_file_set(port, end_status, port->drive.error);
    if (interrupt) {
        ahci_raise(port, PORT_PSS);
    }
}

/* BSY and DRQ are not in it. */
void ahci_fis_device_bits(AhciPort *port, uint8_t status, uint8_t error, uint32_t done)
{
    uint8_t fis[DEVICE_BITS_SIZE] = { FIS_DEVICE_BITS, FIS_INTERRUPT, status & DEVICE_BITS_STATUS,
                                      error };

    for (unsigned i = 0; i < 4; i++) {
        fis[4 + i] = (uint8_t)(done >> (8 * i));
    }
    port->active &= ~done;
    fis_store(port, AREA_DEVICE_BITS, fis, sizeof(fis));
    task_file_set(port, (port->task_file & (ATA_BSY | ATA_DRQ)) | (status & DEVICE_BITS_STATUS),
                  error);
    if ((status & ATA_ERR) != 0) {
        ahci_port_halt(port, PORT_TFES);
    }
    ahci_raise(port, PORT_SDBS);
}
