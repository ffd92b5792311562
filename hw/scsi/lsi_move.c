/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lsi_move.c - block moves of the LSI53C895A: between memory and the bus, in the phase that the
 * target wants (Technical Manual, 5.3), and what happens when that is another one. Deviation: a
 * move of no data is no illegal instruction but does nothing, in whatever phase; SeaBIOS has them
 * in commands without data. */
#include "hw/scsi/lsi_int.h"

#include <string.h>

enum { INDIRECT = 1 << 29, TABLE = 1 << 28, COUNT_MASK = 0xffffff, MESSAGES_MAX = 64 };
enum { CCNTL0_JUMP = 0x80, CCNTL0_BY_DIRECTION = 0x40, CCNTL0_NO_DATA_JUMP = 0x20 };
enum { CCNTL1_DIRECT_64 = 0x01, CCNTL1_TABLE_64 = 0x02, CCNTL1_TABLE_40 = 0x04 };
enum { SCNTL2_WIDE_RESIDUE = 0x01 };

typedef struct Move {
    uint32_t at; /* of the instruction */
    LsiPhase phase;
    uint64_t address;
    uint32_t count; /* that are left */
    uint32_t entry; /* of the table, else the instruction */
    uint8_t top;    /* upper byte of the count's word */
} Move;

/* ---- Operands ---- */

/* Upper address bits of a table entry: five bits choose a register, or eight are there. */
static uint64_t entry_high(const Lsi *lsi, uint8_t top)
{
    unsigned index = top & 0x1f;

    if ((lsi->reg[LSI_CCNTL1] & CCNTL1_TABLE_64) == 0) {
        return 0;
    }
    if ((lsi->reg[LSI_CCNTL1] & CCNTL1_TABLE_40) != 0) {
        return (uint64_t)top << 32;
    }
    if (index < 0x10) {
        return (uint64_t)lsi_word(lsi, LSI_SCRATCHC + 4 * index) << 32;
    }
    return index < 0x16 ? (uint64_t)lsi_word(lsi, LSI_MMRS + 4 * (index - 0x10)) << 32 : 0;
}

static bool move_table(Lsi *lsi, Move *move)
{
    uint32_t entry[2];

    move->entry = lsi_word(lsi, LSI_DSA) + lsi_sign_extend(lsi_word(lsi, LSI_DSPS));
    if (!lsi_memory_read(lsi, move->entry, entry, sizeof(entry))) {
        return false;
    }
    move->count = entry[0] & COUNT_MASK;
    move->top = (uint8_t)(entry[0] >> 24);
    move->address = entry_high(lsi, move->top) | entry[1];
    return true;
}

static bool move_operands(Lsi *lsi, Move *move, uint32_t instruction)
{
    uint32_t high = 0, next = lsi_word(lsi, LSI_DSP);

    move->entry = move->at;
    move->top = (uint8_t)(instruction >> 24);
    move->count = instruction & COUNT_MASK;
    move->address = lsi_word(lsi, LSI_DSPS);
    if ((instruction & TABLE) != 0) {
        return move_table(lsi, move);
    }
    if ((instruction & INDIRECT) != 0) {
        uint32_t address = 0;

        if (!lsi_memory_read(lsi, move->address, &address, 4)) {
            return false;
        }
        move->address = address;
    } else if ((lsi->reg[LSI_CCNTL1] & CCNTL1_DIRECT_64) != 0) {
        if (!lsi_memory_read(lsi, next, &high, 4)) {
            return false;
        }
        move->address |= (uint64_t)high << 32;
        lsi_set_word(lsi, LSI_DSP, next + 4);
    }
    return true;
}

static void registers_show(Lsi *lsi, const Move *move)
{
    lsi_set_word(lsi, LSI_DBC, (uint32_t)lsi->reg[LSI_DCMD] << 24 | move->count);
    lsi_set_word(lsi, LSI_DNAD, (uint32_t)move->address);
}

/* ---- Another phase ---- */

static void mismatch_jump(Lsi *lsi, const Move *move)
{
    bool in = (move->phase & 1) != 0, residue = (lsi->reg[LSI_SCNTL2] & SCNTL2_WIDE_RESIDUE) != 0;
    bool second = (lsi->reg[LSI_CCNTL0] & CCNTL0_BY_DIRECTION) != 0 ? in : residue;

    lsi_set_word(lsi, LSI_RBC, (uint32_t)move->top << 24 | move->count);
    lsi_set_word(lsi, LSI_UA, (uint32_t)move->address);
    lsi_set_word(lsi, LSI_ESA, move->entry);
    lsi_set_word(lsi, LSI_IA, move->at);
    lsi_set_word(lsi, LSI_DSP, lsi_word(lsi, second ? LSI_PMJAD2 : LSI_PMJAD1));
}

static void mismatch(Lsi *lsi, const Move *move)
{
    bool data = move->phase <= LSI_DATA_IN;
    bool jump = (lsi->reg[LSI_CCNTL0] & CCNTL0_JUMP) != 0 &&
                (data || (lsi->reg[LSI_CCNTL0] & CCNTL0_NO_DATA_JUMP) != 0);

    registers_show(lsi, move);
    if (jump) {
        mismatch_jump(lsi, move);
    } else {
        lsi_scsi_interrupt(lsi, LSI_SIST0_MISMATCH, 0);
    }
}

/* ---- Transfers: how many bytes have moved ---- */

static bool is_data(const Lsi *lsi)
{
    return lsi->phase == LSI_DATA_OUT || lsi->phase == LSI_DATA_IN;
}

static uint32_t move_data(Lsi *lsi, const Move *move)
{
    uint32_t n = MIN(move->count, lsi->data->len - lsi->at);

    if (lsi->phase == LSI_DATA_OUT) {
        pci_dma_read(&lsi->pci, move->address, lsi->data->data + lsi->at, n);
    } else {
        pci_dma_write(&lsi->pci, move->address, lsi->data->data + lsi->at, n);
        lsi->reg[LSI_SFBR] = n != 0 ? lsi->data->data[lsi->at] : lsi->reg[LSI_SFBR];
    }
    lsi->at += n;
    if (lsi->at == lsi->data->len) {
        if (lsi->phase == LSI_DATA_OUT) {
            lsi_data_out_done(lsi);
        } else {
            lsi->phase = LSI_STATUS;
        }
    }
    return n;
}

static uint32_t move_in(Lsi *lsi, const Move *move, uint8_t byte, LsiPhase after)
{
    pci_dma_write(&lsi->pci, move->address, &byte, 1);
    lsi->reg[LSI_SFBR] = byte;
    lsi->reg[LSI_SIDL] = byte;
    lsi->phase = (uint8_t)after;
    return 1;
}

static uint32_t move_out(Lsi *lsi, const Move *move)
{
    uint8_t bytes[MESSAGES_MAX] = { 0 };
    uint32_t n = MIN(move->count, sizeof(bytes));

    pci_dma_read(&lsi->pci, move->address, bytes, n);
    if (lsi->phase == LSI_MESSAGE_OUT) {
        lsi->reg[LSI_SOCL] &= (uint8_t)~LSI_ATN; /* with the last byte */
        lsi_messages(lsi, bytes, n);
    } else {
        lsi->reg[LSI_SFBR] = bytes[0];
        lsi_command(lsi, bytes, n);
    }
    return move->count;
}

static uint32_t move_some(Lsi *lsi, const Move *move)
{
    uint32_t n;

    switch (lsi->phase) {
    case LSI_STATUS:
        lsi->message = 0; /* COMMAND COMPLETE */
        lsi->after = LSI_FREE;
        return move_in(lsi, move, lsi->status, LSI_MESSAGE_IN);
    case LSI_MESSAGE_IN:
        n = move_in(lsi, move, lsi->message, (LsiPhase)lsi->after);
        if (lsi->phase == LSI_FREE) {
            lsi_bus_free(lsi);
        }
        return n;
    case LSI_MESSAGE_OUT:
    case LSI_COMMAND:
        return move_out(lsi, move);
    default:
        return move_data(lsi, move);
    }
}

/* The initiator has set ATN: the target asks what for as soon as it can. */
static void attention(Lsi *lsi)
{
    if ((lsi->reg[LSI_SOCL] & LSI_ATN) != 0 && lsi->phase != LSI_FREE && !lsi->busy &&
        lsi->phase != LSI_MESSAGE_OUT && !is_data(lsi)) {
        lsi->after = lsi->phase;
        lsi->phase = LSI_MESSAGE_OUT;
    }
}

void lsi_block_move(Lsi *lsi, uint32_t at, uint32_t instruction)
{
    Move move = { .at = at, .phase = (LsiPhase)(instruction >> 24 & 7) };
    uint32_t n;

    if (!lsi_bus_ready(lsi, at)) {
        return;
    }
    if (!move_operands(lsi, &move, instruction)) {
        lsi_dma_interrupt(lsi, LSI_DSTAT_BUS_FAULT);
        return;
    }
    registers_show(lsi, &move);
    if (lsi->phase == LSI_FREE) {
        lsi_scsi_interrupt(lsi, LSI_SIST0_DISCONNECT, 0);
        return;
    }
    if (lsi->phase == LSI_MESSAGE_OUT && move.phase == LSI_COMMAND && !lsi->asked) {
        lsi->phase = LSI_COMMAND; /* selected without attention, and without a message */
    }
    if (move.count == 0) {
        if (move.phase > LSI_DATA_IN) {
            lsi_dma_interrupt(lsi, LSI_DSTAT_ILLEGAL);
        }
        return;
    }
    if (move.phase != (LsiPhase)lsi->phase) {
        mismatch(lsi, &move);
        return;
    }
    n = move_some(lsi, &move);
    attention(lsi);
    move.count -= n;
    move.address += n;
    registers_show(lsi, &move);
    lsi_set_word(lsi, LSI_SBC, n);
    lsi_set_word(lsi, LSI_CSBC, lsi_word(lsi, LSI_CSBC) + n);
    if (move.count != 0) {
        mismatch(lsi, &move);
    }
}
