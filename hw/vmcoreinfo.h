/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_VMCOREINFO_H
#define HW_VMCOREINFO_H
/* vmcoreinfo.h - what the guest's kernel says of where its note for dumps is (-device vmcoreinfo;
 * QEMU's docs/specs/vmcoreinfo): a file of fw_cfg that it writes. */
#include "hw/device.h"
#include "hw/fwcfg.h"

void vmcoreinfo_publish(Device *dev, FwCfg *fw);
/* Where the note is and how long it says that it is; false: there is none. */
bool vmcoreinfo_note(const Device *dev, uint64_t *gpa, uint32_t *size);

#endif
