/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SYSTEM_IMAGE_H
#define CHECK_SYSTEM_IMAGE_H
/* system_image.h - selectors and pieces of tables, for those who draw instructions. */
#include "check/system.h"

enum {
    SELECTOR_CODE32 = 0x08,
    SELECTOR_DATA32 = 0x10,
    SELECTOR_CODE64 = 0x18,
    SELECTOR_DATA64 = 0x20,
    SELECTOR_CODE16 = 0x28,
    SELECTOR_DATA16 = 0x30,
    SELECTOR_USER_CODE32 = 0x38, /* in SYSRET's order */
    SELECTOR_USER_DATA = 0x40,
    SELECTOR_USER_CODE64 = 0x48,
    SELECTOR_USER_CODE16 = 0x50,
    SELECTOR_USER_DATA16 = 0x58,
    SELECTOR_SYSENTER = 0x60, /* six of them */
    SELECTOR_TSS = 0x90,      /* two slots in long mode, as the next three */
    SELECTOR_LDT = 0xa0,
    SELECTOR_TSS_B = 0xb0,
    SELECTOR_TSS_C = 0xc0,
    SELECTOR_EVENTS = 0x1c8,
    GDT_LIMIT = 0x1ff,
};

void image_put(uint8_t *memory, uint32_t at, unsigned width, uint64_t value);
uint64_t descriptor_make(uint32_t base, uint32_t limit, unsigned attr);
uint64_t gate_make(uint16_t selector, uint32_t offset, unsigned attr, unsigned count);
/* CR3 of root A. */
uint32_t paging_root(Paging paging);

#endif
