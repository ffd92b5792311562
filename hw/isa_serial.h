/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ISA_SERIAL_H
#define HW_ISA_SERIAL_H
/* isa_serial.h - what firmware's tables tell of a serial port. */
#include "hw/device.h"

/* 0 to 3 for a port at the place of COM1 to COM4; -1: elsewhere, or `dev` is no serial port. */
int isa_serial_com(const Device *dev);
uint16_t isa_serial_base(unsigned com); /* 0 to 3 */

#endif
