/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BOOT_ORDER_H
#define HW_BOOT_ORDER_H
/* boot_order.h - the fw_cfg file "bootorder": paths of the devices that have a bootindex=, as Open
 * Firmware would write them, a line each. */
#include "hw/board.h"

/* Empty if no device has one and it is not strict. NULL: two have the same. Caller frees. */
char *boot_order_text(Board *board, bool strict, GError **error);
/* How firmware calls a device on PCI bus 0: "/pci@i0cf8/scsi@4". */
char *boot_order_pci_path(const Device *dev);

#endif
