/* SPDX-License-Identifier: GPL-2.0-or-later */
/* device_types.c - every type of device there is. A new one is a line here, and its declaration. */
#include "hw/device_types.h"

const DeviceType *const device_types[] = {
    &isa_debug_exit_type, &isa_debugcon_type,
    &isa_serial_type,     &isa_fdc_type,
    &floppy_type,         &edu_type,
    &i6300esb_type,       &pc_testdev_type,
    &pvpanic_type,        NULL,
};
