/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_PVPANIC_H
#define HW_PVPANIC_H
/* pvpanic.h - what firmware's tables tell of it. */
#include "hw/device.h"

enum { PVPANIC_PORT = 0x505 }; /* where the DSDT has it */

void pvpanic_event(Board *board, unsigned events); /* the guest says so */
int pvpanic_port(const Device *dev);               /* -1: `dev` is another device */

#endif
