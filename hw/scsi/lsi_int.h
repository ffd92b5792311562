/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_SCSI_LSI_INT_H
#define HW_SCSI_LSI_INT_H
/* lsi_int.h - the LSI53C895A (LSI Logic, LSI53C895A PCI to Ultra2 SCSI Controller Technical
 * Manual): registers, a processor that executes SCRIPTS from memory, a bus on which it is the
 * initiator.
 *
 * A target that has taken a command keeps the bus until it has ended: none disconnects, so none
 * ever reselects, and there is one command at a time.  While a target is busy the processor waits
 * where it needs the bus. */
#include "hw/pci/pci.h"
#include "hw/scsi/scsi.h"

enum { /* registers */
       LSI_SCNTL0 = 0x00,
       LSI_SCNTL1 = 0x01,
       LSI_SCNTL2 = 0x02,
       LSI_SCNTL3 = 0x03,
       LSI_SCID = 0x04,
       LSI_SXFER = 0x05,
       LSI_SDID = 0x06,
       LSI_GPREG = 0x07,
       LSI_SFBR = 0x08,
       LSI_SOCL = 0x09,
       LSI_SSID = 0x0a,
       LSI_SBCL = 0x0b,
       LSI_DSTAT = 0x0c,
       LSI_SSTAT0 = 0x0d,
       LSI_SSTAT1 = 0x0e,
       LSI_SSTAT2 = 0x0f,
       LSI_DSA = 0x10,
       LSI_ISTAT0 = 0x14,
       LSI_ISTAT1 = 0x15,
       LSI_CTEST1 = 0x19,
       LSI_CTEST2 = 0x1a,
       LSI_CTEST3 = 0x1b,
       LSI_TEMP = 0x1c,
       LSI_DFIFO = 0x20,
       LSI_DBC = 0x24, /* 24 bits */
       LSI_DCMD = 0x27,
       LSI_DNAD = 0x28,
       LSI_DSP = 0x2c,
       LSI_DSPS = 0x30,
       LSI_DMODE = 0x38,
       LSI_DIEN = 0x39,
       LSI_DCNTL = 0x3b,
       LSI_SIEN0 = 0x40,
       LSI_SIEN1 = 0x41,
       LSI_SIST0 = 0x42,
       LSI_SIST1 = 0x43,
       LSI_STIME1 = 0x49,
       LSI_STEST4 = 0x52,
       LSI_SIDL = 0x50,
       LSI_CCNTL0 = 0x56,
       LSI_CCNTL1 = 0x57,
       LSI_SCRATCHC = 0x60,
       LSI_MMRS = 0xa0,
       LSI_PMJAD1 = 0xc0,
       LSI_PMJAD2 = 0xc4,
       LSI_RBC = 0xc8,
       LSI_UA = 0xcc,
       LSI_ESA = 0xd0,
       LSI_IA = 0xd4,
       LSI_SBC = 0xd8,
       LSI_CSBC = 0xdc,
       LSI_REGISTERS = 0x100,
};

enum { /* bits of DSTAT */
       LSI_DSTAT_ILLEGAL = 0x01,
       LSI_DSTAT_SCRIPT = 0x04,
       LSI_DSTAT_STEP = 0x08,
       LSI_DSTAT_ABORTED = 0x10,
       LSI_DSTAT_BUS_FAULT = 0x20,
};

enum { /* of SIST0 */
       LSI_SIST0_RESET = 0x02,
       LSI_SIST0_DISCONNECT = 0x04,
       LSI_SIST0_MISMATCH = 0x80,
       /* of SIST1 */
       LSI_SIST1_GENERAL = 0x02,
       LSI_SIST1_TIMEOUT = 0x04,
};

enum { /* of SOCL, SBCL */
       LSI_ATN = 0x08,
       LSI_ACK = 0x40,
       /* of ISTAT0 */
       LSI_ISTAT0_FLY = 0x04,
       LSI_ISTAT0_SIGNAL = 0x20,
       /* of DCNTL */
       LSI_DCNTL_SINGLE_STEP = 0x10,
};

typedef enum LsiPhase { /* as on the lines MSG, C/D, I/O */
                        LSI_DATA_OUT = 0,
                        LSI_DATA_IN = 1,
                        LSI_COMMAND = 2,
                        LSI_STATUS = 3,
                        LSI_MESSAGE_OUT = 6,
                        LSI_MESSAGE_IN = 7,
                        LSI_FREE = 8,
} LsiPhase;

typedef enum LsiRun {
    LSI_STOPPED,
    LSI_RUNNING,
    LSI_WAITS_TARGET,   /* for a command; the instruction is executed again */
    LSI_WAITS_RESELECT, /* or for SIGP */
} LsiRun;

typedef struct Lsi {
    PciDevice pci;
    ScsiBus bus;
    uint64_t ram; /* offset of the SCRIPTS RAM */
    ClockTimer *slice, *general;
    bool executing; /* a function of the processor is on the stack */

    uint8_t reg[LSI_REGISTERS];
    uint8_t run, phase, carry;
    uint8_t nobody;      /* the selection of a target that is not there: it times out */
    uint8_t asked;       /* selected with attention */
    uint64_t general_ns; /* when the general purpose timer ends; 0: it does not run */

    /* The command on the bus. */
    ScsiRequest request;
    struct iovec vector;
    bool busy; /* the target is working on it */
    uint8_t target, lun;
    uint8_t cdb[SCSI_CDB_MAX];
    uint8_t status, message; /* what the target will send */
    uint8_t after;           /* phase behind MESSAGE IN: LSI_FREE with COMMAND COMPLETE */
    GByteArray *data;
    uint32_t at; /* bytes of data that have moved */
} Lsi;

/* ---- lsi53c895a.c ---- */

uint32_t lsi_word(const Lsi *lsi, unsigned reg);
void lsi_set_word(Lsi *lsi, unsigned reg, uint32_t value);
uint8_t lsi_reg_read(Lsi *lsi, uint8_t reg);
void lsi_reg_write(Lsi *lsi, uint8_t reg, uint8_t value);
void lsi_dma_interrupt(Lsi *lsi, uint8_t bits); /* of DSTAT; stops the processor */
void lsi_scsi_interrupt(Lsi *lsi, uint8_t sist0, uint8_t sist1);
void lsi_update_irq(Lsi *lsi);

/* ---- lsi_script.c ---- */

void lsi_start(Lsi *lsi);                                                    /* at DSP */
void lsi_resume(Lsi *lsi);                                                   /* it has waited */
void lsi_signal(Lsi *lsi);                                                   /* SIGP was set */
uint32_t lsi_sign_extend(uint32_t value);                                    /* of 24 bits */
bool lsi_memory_read(Lsi *lsi, uint64_t address, void *data, uint32_t size); /* false: bus fault */
/* The bus is needed for the instruction at `at`. False: it is not there now. */
bool lsi_bus_ready(Lsi *lsi, uint32_t at);

/* ---- lsi_move.c ---- */

void lsi_block_move(Lsi *lsi, uint32_t at, uint32_t instruction);

/* ---- lsi_bus.c ---- */

void lsi_select(Lsi *lsi, uint8_t target, bool attention);
void lsi_bus_free(Lsi *lsi); /* what was on it ends */
void lsi_bus_reset(Lsi *lsi);
void lsi_messages(Lsi *lsi, const uint8_t *message, uint32_t size);
void lsi_command(Lsi *lsi, const uint8_t *cdb, uint32_t size);
void lsi_data_out_done(Lsi *lsi); /* all data are there */
extern const ScsiHba lsi_hba;

#endif
