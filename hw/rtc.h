/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_RTC_H
#define HW_RTC_H
/* rtc.h - MC146818 real-time clock and CMOS RAM at ports 70 to 73. */
#include "hw/clock.h"
#include "hw/iobus.h"
#include "hw/irq.h"
#include "hw/state.h"

typedef struct Rtc Rtc;

enum { RTC_CMOS_SIZE = 256, RTC_CENTURY = 0x32 }; /* 128 behind 70/71, 128 behind 72/73 */

Rtc *rtc_new(IoBus *io, Clock *clock, IrqLine irq); /* starts at clock_wall, UTC */
void rtc_free(Rtc *rtc);
void rtc_reset(Rtc *rtc); /* RESET#: interrupts off; time and RAM are battery-backed and stay */

/* For the board: memory sizes, boot order ...; and back. Not for the time registers. */
void rtc_cmos_set(Rtc *rtc, unsigned index, uint8_t value);
uint8_t rtc_cmos_get(const Rtc *rtc, unsigned index);
bool rtc_nmi_masked(const Rtc *rtc); /* bit 7 of port 70 */

extern const StateTable rtc_state;

#endif
