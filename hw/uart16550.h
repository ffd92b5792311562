/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_UART16550_H
#define HW_UART16550_H
/* uart16550.h - the 16550A serial port in front of a CharDev. */
#include "hw/char/chardev.h"
#include "hw/clock.h"
#include "hw/iobus.h"
#include "hw/irq.h"
#include "hw/state.h"

typedef struct Uart Uart;

/* Becomes the front end of `chr`, which may be NULL (nothing plugged in). */
Uart *uart_new(IoBus *io, uint16_t base, IrqLine irq, CharDev *chr, Clock *clock);
void uart_free(Uart *uart); /* before its CharDev */
void uart_reset(Uart *uart);

extern const StateTable uart_state;

#endif
