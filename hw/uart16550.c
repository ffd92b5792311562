/* SPDX-License-Identifier: GPL-2.0-or-later */
/* uart16550.c - National Semiconductor PC16550D, after its data sheet.
 *
 * The transmitter is infinitely fast: THR and shift register are empty again when a write returns.
 * The receiver takes bytes as fast as its FIFO has room; only the character timeout follows the
 * divisor. Deviation: OUT2 does not gate the interrupt, as guests that never saw more than an
 * emulator rely on. */
#include "hw/uart16550.h"

#include <glib.h>

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR, PORTS };
enum {
    IER_RDA = 0x01,
    IER_THRE = 0x02,
    IER_RLS = 0x04,
    IER_MSI = 0x08,
    IIR_MSI = 0x00,
    IIR_NONE = 0x01,
    IIR_THRE = 0x02,
    IIR_RDA = 0x04,
    IIR_RLS = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFO = 0xc0,
    FCR_ENABLE = 0x01,
    FCR_CLEAR_RX = 0x02,
    LCR_STOP_2 = 0x04,
    LCR_PARITY = 0x08,
    LCR_BREAK = 0x40,
    LCR_DLAB = 0x80,
    MCR_LOOP = 0x10,
    MCR_WRITABLE = 0x1f,
    LSR_DR = 0x01,
    LSR_OE = 0x02,
    LSR_BI = 0x10,
    LSR_ERRORS = 0x1e,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
    MSR_TERI = 0x04,
    MSR_LINES = 0xf0,
    FIFO_SIZE = 16,
    BASE_BAUD = 115200,
    DIVISOR_9600 = 12,
};

struct Uart {
    uint8_t ier, fcr, lcr, mcr, msr, scr;
    uint8_t errors; /* LSR_OE, and LSR_ERRORS of the byte at the head */
    uint16_t divisor;
    uint8_t data[FIFO_SIZE], flags[FIFO_SIZE]; /* received, and LSR_ERRORS with each */
    uint8_t head, count;
    bool thre; /* the THRE interrupt is due */
    bool timeout;
    uint64_t timeout_ns;
    CharDev *chr;
    Clock *clock;
    ClockTimer *timer;
    IrqLine line;
    IoBus *io;
    IoAttachment *ports;
};

/* ---- Interrupts ---- */

static unsigned uart_trigger(const Uart *uart)
{
    static const uint8_t triggers[4] = { 1, 4, 8, 14 };

    return (uart->fcr & FCR_ENABLE) != 0 ? triggers[uart->fcr >> 6] : 1;
}

/* The identification of the interrupt of highest priority. */
static uint8_t uart_interrupt(const Uart *uart)
{
    if ((uart->ier & IER_RLS) != 0 && (uart->errors & LSR_ERRORS) != 0) {
        return IIR_RLS;
    }
    if ((uart->ier & IER_RDA) != 0 && uart->count >= uart_trigger(uart)) {
        return IIR_RDA;
    }
    if ((uart->ier & IER_RDA) != 0 && uart->timeout) {
        return IIR_TIMEOUT;
    }
    if ((uart->ier & IER_THRE) != 0 && uart->thre) {
        return IIR_THRE;
    }
    if ((uart->ier & IER_MSI) != 0 && (uart->msr & (uint8_t)~MSR_LINES) != 0) {
        return IIR_MSI;
    }
    return IIR_NONE;
}

static void uart_update(Uart *uart)
{
    irq_set(&uart->line, uart_interrupt(uart) != IIR_NONE);
}

/* ---- Receiver ---- */

static unsigned uart_capacity(const Uart *uart)
{
    return (uart->fcr & FCR_ENABLE) != 0 ? FIFO_SIZE : 1;
}

static uint8_t uart_word_mask(const Uart *uart)
{
    return (uint8_t)(0xff >> (3 - (uart->lcr & 3)));
}

static int64_t uart_char_ns(const Uart *uart)
{
    unsigned bits = 1 + 5 + (uart->lcr & 3) + 1 + ((uart->lcr & LCR_STOP_2) != 0) +
                    ((uart->lcr & LCR_PARITY) != 0);
    unsigned divisor = uart->divisor != 0 ? uart->divisor : 1;

    return (int64_t)bits * divisor * NS_PER_S / BASE_BAUD;
}

/* The timeout counts from the last byte that came or was read. */
static void uart_restart_timeout(Uart *uart)
{
    uart->timeout = false;
    if ((uart->fcr & FCR_ENABLE) != 0 && uart->count != 0) {
        uart->timeout_ns = (uint64_t)(clock_now(uart->clock) + 4 * uart_char_ns(uart));
        clock_timer_set(uart->timer, (int64_t)uart->timeout_ns);
    } else {
        clock_timer_cancel(uart->timer);
    }
}

static void uart_timed_out(void *opaque)
{
    Uart *uart = opaque;

    uart->timeout = uart->count != 0;
    uart_update(uart);
}

/* Errors show when their byte comes to the head. */
static void uart_show_head(Uart *uart)
{
    if (uart->count != 0) {
        uart->errors |= uart->flags[uart->head];
        uart->flags[uart->head] = 0;
    }
}

static void uart_push(Uart *uart, uint8_t byte, uint8_t flags)
{
    unsigned slot;

    if (uart->count >= uart_capacity(uart)) {
        uart->errors |= LSR_OE;
        if ((uart->fcr & FCR_ENABLE) == 0) {
            uart->data[uart->head] = byte; /* the holding register is overwritten, a FIFO is not */
        }
        return;
    }
    slot = (uart->head + uart->count) % FIFO_SIZE;
    uart->data[slot] = byte & uart_word_mask(uart);
    uart->flags[slot] = flags;
    uart->count++;
    if (uart->count == 1) {
        uart_show_head(uart);
    }
}

static void uart_clear_receiver(Uart *uart)
{
    uart->head = uart->count = 0;
    uart->errors &= LSR_OE;
    uart_restart_timeout(uart);
}

static uint8_t uart_read_data(Uart *uart)
{
    uint8_t byte = uart->data[uart->head];

    if (uart->count == 0) {
        return byte;
    }
    uart->head = (uart->head + 1) % FIFO_SIZE;
    uart->count--;
    uart_show_head(uart);
    uart_restart_timeout(uart);
    uart_update(uart);
    if (uart->count == 0 && uart->chr != NULL) {
        chardev_accept_input(uart->chr);
    }
    return byte;
}

static size_t uart_can_receive(void *opaque)
{
    const Uart *uart = opaque;

    if ((uart->mcr & MCR_LOOP) != 0) {
        return 0;
    }
    return uart_capacity(uart) - MIN(uart->count, uart_capacity(uart));
}

static void uart_receive(void *opaque, const uint8_t *data, size_t n)
{
    Uart *uart = opaque;

    for (size_t i = 0; i < n; i++) {
        uart_push(uart, data[i], 0);
    }
    uart_restart_timeout(uart);
    uart_update(uart);
}

static void uart_break(Uart *uart)
{
    uart_push(uart, 0, LSR_BI);
    uart_restart_timeout(uart);
    uart_update(uart);
}

static void uart_event(void *opaque, CharEvent event)
{
    Uart *uart = opaque;

    if (event == CHAR_EVENT_BREAK && (uart->mcr & MCR_LOOP) == 0) {
        uart_break(uart);
    }
}

/* ---- Transmitter and modem lines ---- */

static void uart_transmit(Uart *uart, uint8_t byte)
{
    byte &= uart_word_mask(uart);
    if ((uart->mcr & MCR_LOOP) != 0) {
        uart_push(uart, byte, 0);
        uart_restart_timeout(uart);
    } else if (uart->chr != NULL) {
        chardev_write(uart->chr, &byte, 1);
    }
    uart->thre = true;
    uart_update(uart);
}

static uint8_t uart_modem_lines(const Uart *uart)
{
    if ((uart->mcr & MCR_LOOP) != 0) { /* DTR, RTS, OUT1, OUT2 */
        return (uint8_t)((uart->mcr & 1 ? MSR_DSR : 0) | (uart->mcr & 2 ? MSR_CTS : 0) |
                         (uart->mcr & 4 ? MSR_RI : 0) | (uart->mcr & 8 ? MSR_DCD : 0));
    }
    return uart->chr != NULL ? MSR_DCD | MSR_DSR | MSR_CTS : 0;
}

static void uart_update_modem(Uart *uart)
{
    uint8_t lines = uart_modem_lines(uart);
    uint8_t delta = (uint8_t)((lines ^ uart->msr) & MSR_LINES) >> 4;

    if ((lines & MSR_RI) != 0) {
        delta &= (uint8_t)~MSR_TERI; /* only the trailing edge counts */
    }
    uart->msr = lines | delta | (uart->msr & (uint8_t)~MSR_LINES);
    uart_update(uart);
}

/* ---- Registers ---- */

static uint8_t uart_read_lsr(Uart *uart)
{
    uint8_t lsr = uart->errors | LSR_THRE | LSR_TEMT;

    if (uart->count != 0) {
        lsr |= LSR_DR;
    }
    for (unsigned i = 0; (uart->fcr & FCR_ENABLE) != 0 && i < uart->count; i++) {
        if (uart->flags[(uart->head + i) % FIFO_SIZE] != 0 || (uart->errors & LSR_BI) != 0) {
            lsr |= LSR_FIFO_ERROR;
        }
    }
    uart->errors = 0;
    uart_update(uart);
    return lsr;
}

static uint8_t uart_read_iir(Uart *uart)
{
    uint8_t iir = uart_interrupt(uart);

    if (iir == IIR_THRE) {
        uart->thre = false;
        uart_update(uart);
    }
    return iir | ((uart->fcr & FCR_ENABLE) != 0 ? IIR_FIFO : 0);
}

static uint8_t uart_read_msr(Uart *uart)
{
    uint8_t msr = uart->msr;

    uart->msr &= MSR_LINES;
    uart_update(uart);
    return msr;
}

static uint32_t uart_read(void *opaque, uint16_t offset, unsigned width)
{
    Uart *uart = opaque;
    bool dlab = (uart->lcr & LCR_DLAB) != 0;

    (void)width;
    switch (offset) {
    case RBR:
        return dlab ? uart->divisor & 0xff : uart_read_data(uart);
    case IER:
        return dlab ? uart->divisor >> 8 : uart->ier;
    case IIR:
        return uart_read_iir(uart);
    case LCR:
        return uart->lcr;
    case MCR:
        return uart->mcr;
    case LSR:
        return uart_read_lsr(uart);
    case MSR:
        return uart_read_msr(uart);
    default:
        return uart->scr;
    }
}

static void uart_write_ier(Uart *uart, uint8_t value)
{
    if ((value & (uint8_t)~uart->ier & IER_THRE) != 0) {
        uart->thre = true; /* THR is empty: enabling alone interrupts */
    }
    uart->ier = value & (IER_RDA | IER_THRE | IER_RLS | IER_MSI);
    uart_update(uart);
}

static void uart_write_fcr(Uart *uart, uint8_t value)
{
    bool toggled = ((value ^ uart->fcr) & FCR_ENABLE) != 0;

    uart->fcr = (value & FCR_ENABLE) != 0 ? value & 0xc9 : 0;
    if (toggled || (value & FCR_CLEAR_RX) != 0) {
        uart_clear_receiver(uart);
    }
    uart_update(uart);
    if (uart->chr != NULL) {
        chardev_accept_input(uart->chr);
    }
}

static void uart_write_mcr(Uart *uart, uint8_t value)
{
    bool left_loop = (uart->mcr & (uint8_t)~value & MCR_LOOP) != 0;

    uart->mcr = value & MCR_WRITABLE;
    uart_update_modem(uart);
    if (left_loop && uart->chr != NULL) {
        chardev_accept_input(uart->chr);
    }
}

static void uart_write_lcr(Uart *uart, uint8_t value)
{
    bool breaks = (value & (uint8_t)~uart->lcr & LCR_BREAK) != 0;

    uart->lcr = value;
    if (breaks && (uart->mcr & MCR_LOOP) != 0) {
        uart_break(uart);
    }
}

static void uart_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Uart *uart = opaque;
    bool dlab = (uart->lcr & LCR_DLAB) != 0;

    (void)width;
    switch (offset) {
    case RBR:
        if (dlab) {
            uart->divisor = (uint16_t)((uart->divisor & 0xff00) | value);
        } else {
            uart_transmit(uart, (uint8_t)value);
        }
        break;
    case IER:
        if (dlab) {
            uart->divisor = (uint16_t)((uart->divisor & 0x00ff) | value << 8);
        } else {
            uart_write_ier(uart, (uint8_t)value);
        }
        break;
    case IIR:
        uart_write_fcr(uart, (uint8_t)value);
        break;
    case LCR:
        uart_write_lcr(uart, (uint8_t)value);
        break;
    case MCR:
        uart_write_mcr(uart, (uint8_t)value);
        break;
    case SCR:
        uart->scr = (uint8_t)value;
        break;
    default: /* LSR and MSR: for the factory */
        break;
    }
}

/* ---- Life ---- */

void uart_reset(Uart *uart)
{
    uart->ier = uart->fcr = uart->lcr = uart->mcr = 0;
    uart->divisor = DIVISOR_9600;
    uart->thre = false;
    uart->errors = 0;
    uart_clear_receiver(uart);
    uart->msr = uart_modem_lines(uart);
    uart_update(uart);
}

Uart *uart_new(IoBus *io, uint16_t base, IrqLine irq, CharDev *chr, Clock *clock)
{
    Uart *uart = g_new0(Uart, 1);
    const IoRange range = {
        .base = base, .count = PORTS, .widths = IO_8, .read = uart_read, .write = uart_write
    };
    const CharFront front = {
        .can_receive = uart_can_receive,
        .receive = uart_receive,
        .event = uart_event,
        .opaque = uart,
    };

    uart->chr = chr;
    uart->clock = clock;
    uart->line = irq;
    uart->io = io;
    uart->timer = clock_timer_new(clock, uart_timed_out, uart);
    uart_reset(uart);
    uart->ports = io_bus_attach(io, &range, 1, uart);
    if (chr != NULL) {
        chardev_set_front(chr, &front);
    }
    return uart;
}

void uart_free(Uart *uart)
{
    if (uart == NULL) {
        return;
    }
    if (uart->chr != NULL) {
        chardev_set_front(uart->chr, NULL);
    }
    io_bus_detach(uart->io, uart->ports);
    clock_timer_free(uart->timer);
    g_free(uart);
}

static void uart_loaded(void *opaque)
{
    Uart *uart = opaque;

    uart->head %= FIFO_SIZE;
    uart->count = MIN(uart->count, FIFO_SIZE);
    if (uart->count != 0 && !uart->timeout) {
        clock_timer_set(uart->timer, (int64_t)uart->timeout_ns);
    } else {
        clock_timer_cancel(uart->timer);
    }
    uart_update(uart);
}

static const StateField uart_fields[] = {
    STATE_FIELD(STATE_U8, Uart, ier),         STATE_FIELD(STATE_U8, Uart, fcr),
    STATE_FIELD(STATE_U8, Uart, lcr),         STATE_FIELD(STATE_U8, Uart, mcr),
    STATE_FIELD(STATE_U8, Uart, msr),         STATE_FIELD(STATE_U8, Uart, scr),
    STATE_FIELD(STATE_U8, Uart, errors),      STATE_FIELD(STATE_U16, Uart, divisor),
    STATE_ARRAY(STATE_BYTES, Uart, data),     STATE_ARRAY(STATE_BYTES, Uart, flags),
    STATE_FIELD(STATE_U8, Uart, head),        STATE_FIELD(STATE_U8, Uart, count),
    STATE_FIELD(STATE_BOOL, Uart, thre),      STATE_FIELD(STATE_BOOL, Uart, timeout),
    STATE_FIELD(STATE_U64, Uart, timeout_ns), { 0 },
};

const StateTable uart_state = {
    .name = "serial", .version = 1, .fields = uart_fields, .loaded = uart_loaded
};
