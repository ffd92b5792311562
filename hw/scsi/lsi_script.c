/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lsi_script.c - the SCRIPTS processor of the LSI53C895A (Technical Manual, chapter 5).
 *
 * It runs in slices: a program without an end does not hold the machine. Memory moves from and to
 * ports (DMODE.SIOM, DIOM) are illegal instructions. */
#include "hw/scsi/lsi_int.h"

enum {
    SLICE_INSTRUCTIONS = 2000,
    SLICE_PAUSE_NS = 50 * NS_PER_US,
    RELATIVE_TRANSFER = 1 << 23,
    DMODE_PORTS = 0x30, /* SIOM, DIOM */
    COPY_SIZE = 4096,
};

uint32_t lsi_sign_extend(uint32_t value)
{
    return (value & 0xffffff) | ((value & 0x800000) != 0 ? 0xff000000 : 0);
}

bool lsi_memory_read(Lsi *lsi, uint64_t address, void *data, uint32_t size)
{
    return pci_dma_read(&lsi->pci, address, data, size);
}

static void jump(Lsi *lsi, uint32_t to)
{
    lsi_set_word(lsi, LSI_DSP, to);
}

/* ---- The bus ---- */

bool lsi_bus_ready(Lsi *lsi, uint32_t at)
{
    if (lsi->nobody) {
        lsi->nobody = 0;
        lsi_scsi_interrupt(lsi, 0, LSI_SIST1_TIMEOUT);
        lsi->run = LSI_STOPPED;
        return false;
    }
    if (lsi->busy) {
        jump(lsi, at);
        lsi->run = LSI_WAITS_TARGET;
        return false;
    }
    return true;
}

/* ---- I/O instructions ---- */

enum { IO_SELECT, IO_WAIT_DISCONNECT, IO_WAIT_RESELECT, IO_SET, IO_CLEAR };

static void io_select(Lsi *lsi, uint32_t instruction, uint32_t alternate)
{
    enum { TABLE = 1 << 25, ATTENTION = 1 << 24, ID_MASK = 15, WON_ARBITRATION = 0x04 };
    uint8_t id = (uint8_t)(instruction >> 16 & ID_MASK);

    if (lsi->phase != LSI_FREE) {
        jump(lsi, alternate);
        return;
    }
    if ((instruction & TABLE) != 0) {
        uint32_t entry, at = lsi_word(lsi, LSI_DSA) + lsi_sign_extend(instruction);

        if (!lsi_memory_read(lsi, at, &entry, 4)) {
            lsi_dma_interrupt(lsi, LSI_DSTAT_BUS_FAULT);
            return;
        }
        lsi->reg[LSI_SCNTL3] = (uint8_t)(entry >> 24);
        lsi->reg[LSI_SXFER] = (uint8_t)(entry >> 8);
        id = (uint8_t)(entry >> 16 & ID_MASK);
    }
    lsi->reg[LSI_SSTAT0] |= WON_ARBITRATION;
    lsi_select(lsi, id, (instruction & ATTENTION) != 0);
}

/* Signals of the initiator, target mode, the carry. */
static void io_signals(Lsi *lsi, uint32_t instruction, bool set)
{
    enum { CARRY = 1 << 10, TARGET = 1 << 9, SIGNALS = LSI_ATN | LSI_ACK, SCNTL0_TARGET = 1 };
    uint8_t signals = (uint8_t)(instruction & SIGNALS);

    lsi->reg[LSI_SOCL] = set ? lsi->reg[LSI_SOCL] | signals : lsi->reg[LSI_SOCL] & ~signals;
    if ((instruction & TARGET) != 0) {
        lsi->reg[LSI_SCNTL0] = set ? lsi->reg[LSI_SCNTL0] | SCNTL0_TARGET
                                   : lsi->reg[LSI_SCNTL0] & ~SCNTL0_TARGET;
    }
    if ((instruction & CARRY) != 0) {
        lsi->carry = set;
    }
}

static void io_instruction(Lsi *lsi, uint32_t at, uint32_t instruction)
{
    enum { RELATIVE = 1 << 26 };
    uint32_t alternate = lsi_word(lsi, LSI_DSPS);

    if ((instruction & RELATIVE) != 0) {
        alternate = lsi_word(lsi, LSI_DSP) + lsi_sign_extend(alternate);
    }
    switch (instruction >> 27 & 7) {
    case IO_SELECT:
        io_select(lsi, instruction, alternate);
        break;
    case IO_WAIT_DISCONNECT: /* one that is still there is let go of */
        if (lsi_bus_ready(lsi, at)) {
            lsi_bus_free(lsi);
        }
        break;
    case IO_WAIT_RESELECT:
        if (!lsi_bus_ready(lsi, at)) {
            break;
        }
        lsi_set_word(lsi, LSI_DNAD, alternate);
        lsi->run = LSI_WAITS_RESELECT;
        if ((lsi->reg[LSI_ISTAT0] & LSI_ISTAT0_SIGNAL) != 0) {
            lsi_signal(lsi);
        }
        break;
    case IO_SET:
        io_signals(lsi, instruction, true);
        break;
    default:
        io_signals(lsi, instruction, false);
        break;
    }
}

/* ---- Read, modify, write ---- */

static uint8_t calculate(Lsi *lsi, unsigned operation, uint8_t a, uint8_t b)
{
    enum { MOVE, SHIFT_LEFT, OR, XOR, AND, SHIFT_RIGHT, ADD, ADD_CARRY };
    unsigned result;

    switch (operation) {
    case MOVE:
        return b;
    case SHIFT_LEFT:
        result = a << 1 | lsi->carry;
        break;
    case SHIFT_RIGHT:
        result = a >> 1 | (unsigned)lsi->carry << 7 | (unsigned)(a & 1) << 8;
        break;
    case ADD:
        result = (unsigned)a + b;
        break;
    case ADD_CARRY:
        result = (unsigned)a + b + lsi->carry;
        break;
    default: /* these leave the carry alone */
        return operation == OR ? a | b : operation == XOR ? a ^ b : a & b;
    }
    lsi->carry = result >> 8 & 1;
    return (uint8_t)result;
}

static void register_instruction(Lsi *lsi, uint32_t instruction)
{
    enum { FROM_SFBR = 5, TO_SFBR = 6, USE_SFBR = 1 << 23 };
    unsigned kind = instruction >> 27 & 7, operation = instruction >> 24 & 7;
    uint8_t reg = (uint8_t)((instruction >> 16 & 0x7f) | (instruction & 0x80));
    uint8_t data = (uint8_t)(instruction >> 8), value = lsi->reg[LSI_SFBR];

    if ((instruction & USE_SFBR) != 0) {
        data = value;
    }
    if (kind != FROM_SFBR) { /* a plain move does not read */
        value = operation != 0 ? lsi_reg_read(lsi, reg) : 0;
    }
    value = calculate(lsi, operation, value, data);
    if (kind == TO_SFBR) {
        lsi->reg[LSI_SFBR] = value;
    } else {
        lsi_reg_write(lsi, reg, value);
    }
}

/* ---- Transfer control ---- */

enum {
    TEST_CARRY = 1 << 21,
    IF_TRUE = 1 << 19,
    TEST_DATA = 1 << 18,
    TEST_PHASE = 1 << 17,
    WAIT_PHASE = 1 << 16
};

/* All tests that are asked for come out as they are to. Without one it is true. */
static bool condition(const Lsi *lsi, uint32_t instruction)
{
    bool wanted = (instruction & IF_TRUE) != 0;
    uint8_t mask = (uint8_t) ~(instruction >> 8), data = (uint8_t)instruction;

    if ((instruction & (TEST_CARRY | TEST_DATA | TEST_PHASE)) == 0) {
        return wanted;
    }
    if ((instruction & TEST_CARRY) != 0 && (lsi->carry != 0) != wanted) {
        return false;
    }
    if ((instruction & TEST_PHASE) != 0 && (lsi->phase == (instruction >> 24 & 7)) != wanted) {
        return false;
    }
    return (instruction & TEST_DATA) == 0 || (((lsi->reg[LSI_SFBR] ^ data) & mask) == 0) == wanted;
}

static void transfer_instruction(Lsi *lsi, uint32_t at, uint32_t instruction)
{
    enum { JUMP, CALL, RETURN, INTERRUPT, ON_THE_FLY = 1 << 20 };
    uint32_t to = lsi_word(lsi, LSI_DSPS), next = lsi_word(lsi, LSI_DSP);

    if ((instruction & (WAIT_PHASE | TEST_PHASE)) != 0 && !lsi_bus_ready(lsi, at)) {
        return;
    }
    if (!condition(lsi, instruction)) {
        return;
    }
    if ((instruction & RELATIVE_TRANSFER) != 0) {
        to = next + lsi_sign_extend(to);
    }
    switch (instruction >> 27 & 7) {
    case JUMP:
        jump(lsi, to);
        break;
    case CALL:
        lsi_set_word(lsi, LSI_TEMP, next);
        jump(lsi, to);
        break;
    case RETURN:
        jump(lsi, lsi_word(lsi, LSI_TEMP));
        break;
    case INTERRUPT:
        if ((instruction & ON_THE_FLY) != 0) {
            lsi->reg[LSI_ISTAT0] |= LSI_ISTAT0_FLY;
            lsi_update_irq(lsi);
        } else {
            lsi_dma_interrupt(lsi, LSI_DSTAT_SCRIPT);
        }
        break;
    default:
        lsi_dma_interrupt(lsi, LSI_DSTAT_ILLEGAL);
        break;
    }
}

/* ---- Memory ---- */

static void memory_move(Lsi *lsi, uint32_t instruction)
{
    uint32_t from = lsi_word(lsi, LSI_DSPS), left = instruction & 0xffffff, to;
    uint8_t bytes[COPY_SIZE];

    if (!lsi_memory_read(lsi, lsi_word(lsi, LSI_DSP), &to, 4)) {
        lsi_dma_interrupt(lsi, LSI_DSTAT_BUS_FAULT);
        return;
    }
    jump(lsi, lsi_word(lsi, LSI_DSP) + 4);
    lsi_set_word(lsi, LSI_TEMP, to);
    while (left > 0) {
        uint32_t n = MIN(left, sizeof(bytes));

        pci_dma_read(&lsi->pci, from, bytes, n);
        pci_dma_write(&lsi->pci, to, bytes, n);
        from += n;
        to += n;
        left -= n;
    }
}

static void load_store(Lsi *lsi, uint32_t instruction)
{
    enum { DSA_RELATIVE = 1 << 28, LOAD = 1 << 24 };
    uint8_t reg = (uint8_t)(instruction >> 16), bytes[4];
    uint32_t address = lsi_word(lsi, LSI_DSPS), n = instruction & 7;

    if (n == 0 || n > sizeof(bytes)) {
        lsi_dma_interrupt(lsi, LSI_DSTAT_ILLEGAL);
        return;
    }
    if ((instruction & DSA_RELATIVE) != 0) {
        address = lsi_word(lsi, LSI_DSA) + lsi_sign_extend(address);
    }
    if ((instruction & LOAD) == 0) {
        for (uint32_t i = 0; i < n; i++) {
            bytes[i] = lsi_reg_read(lsi, (uint8_t)(reg + i));
        }
        pci_dma_write(&lsi->pci, address, bytes, n);
        return;
    }
    if (!lsi_memory_read(lsi, address, bytes, n)) {
        lsi_dma_interrupt(lsi, LSI_DSTAT_BUS_FAULT);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        lsi_reg_write(lsi, (uint8_t)(reg + i), bytes[i]);
    }
}

/* ---- The processor ---- */

static void instruction_run(Lsi *lsi)
{
    uint32_t at = lsi_word(lsi, LSI_DSP), words[2];

    if (!lsi_memory_read(lsi, at, words, sizeof(words))) {
        lsi_dma_interrupt(lsi, LSI_DSTAT_BUS_FAULT);
        return;
    }
    lsi_set_word(lsi, LSI_DBC, words[0]); /* and DCMD */
    lsi_set_word(lsi, LSI_DSPS, words[1]);
    jump(lsi, at + 8);
    switch (words[0] >> 30) {
    case 0:
        lsi_block_move(lsi, at, words[0]);
        break;
    case 1:
        if ((words[0] >> 27 & 7) <= IO_CLEAR) {
            io_instruction(lsi, at, words[0]);
        } else {
            register_instruction(lsi, words[0]);
        }
        break;
    case 2:
        transfer_instruction(lsi, at, words[0]);
        break;
    default:
        if ((words[0] >> 29 & 1) != 0) {
            load_store(lsi, words[0]);
        } else if ((lsi->reg[LSI_DMODE] & DMODE_PORTS) != 0) {
            lsi_dma_interrupt(lsi, LSI_DSTAT_ILLEGAL);
        } else {
            memory_move(lsi, words[0]);
        }
        break;
    }
}

static void slice_run(Lsi *lsi)
{
    if (lsi->executing) { /* a register was written by the program itself */
        return;
    }
    lsi->executing = true;
    for (unsigned i = 0; i < SLICE_INSTRUCTIONS && lsi->run == LSI_RUNNING; i++) {
        instruction_run(lsi);
        if (lsi->run == LSI_RUNNING && (lsi->reg[LSI_DCNTL] & LSI_DCNTL_SINGLE_STEP) != 0) {
            lsi_dma_interrupt(lsi, LSI_DSTAT_STEP);
        }
    }
    lsi->executing = false;
    if (lsi->run == LSI_RUNNING) {
        Clock *clock = lsi->pci.device.board->clock;

        clock_timer_set(lsi->slice, clock_now(clock) + SLICE_PAUSE_NS);
    }
}

void lsi_start(Lsi *lsi)
{
    if (lsi->run == LSI_STOPPED || lsi->run == LSI_WAITS_RESELECT) {
        lsi->run = LSI_RUNNING;
        slice_run(lsi);
    }
}

void lsi_resume(Lsi *lsi)
{
    lsi->run = LSI_RUNNING;
    slice_run(lsi);
}

void lsi_signal(Lsi *lsi)
{
    if (lsi->run == LSI_WAITS_RESELECT) {
        jump(lsi, lsi_word(lsi, LSI_DNAD));
        lsi_resume(lsi);
    }
}
