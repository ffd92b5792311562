/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pc_text.c - the board's interrupt controllers for people. */
#include "hw/pc_int.h"

void pc_interrupts_text(const Pc *pc, GString *text)
{
    pic_text(pc->pic, text);
    ioapic_text(pc->ioapic, text);
}

void pc_lapic_text(const Pc *pc, unsigned cpu, GString *text)
{
    lapic_text(pc->lapics, cpu, text);
}
