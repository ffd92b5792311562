/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtc.c - Motorola MC146818A with a 32.768 kHz time base, after its data sheet, and the extended
 * bank of the 82371.
 *
 * The time registers hold what the guest sees, as of the second that began at `second_ns`; they are
 * brought forward when somebody looks. A timer runs only while an interrupt that has not happened
 * yet is enabled. Deviations: the daylight saving bit is stored and does nothing, and the century
 * byte in RAM counts on. */
#include "hw/rtc.h"

#include <glib.h>

enum {
    SECONDS,
    SECONDS_ALARM,
    MINUTES,
    MINUTES_ALARM,
    HOURS,
    HOURS_ALARM,
    WEEKDAY,
    DAY,
    MONTH,
    YEAR,
    REG_A,
    REG_B,
    REG_C,
    REG_D,
};
enum {
    A_UIP = 0x80,
    A_DIVIDER = 0x70,
    A_RUNNING = 0x20, /* the divider's value for 32.768 kHz */
    A_RATE = 0x0f,
    B_SET = 0x80,
    B_UIE = 0x10, /* PIE, AIE and UIE are where PF, AF and UF are in register C */
    B_SQWE = 0x08,
    B_BINARY = 0x04,
    B_24H = 0x02,
    C_IRQF = 0x80,
    C_PF = 0x40,
    C_AF = 0x20,
    C_UF = 0x10,
    FLAGS = 0x70,
    D_VRT = 0x80,
    HOUR_PM = 0x80,
    ALARM_ANY = 0xc0,
    BANK = 128,
};
enum {
    UPDATE_NS = 1984 * NS_PER_US + 244 * NS_PER_US, /* UIP to the end of the update */
    FIRST_UPDATE_NS = NS_PER_S / 2,                 /* after the divider leaves reset */
    OWED_RATE = 8192,                               /* a second; faster ones tell nobody the time */
    DAY_SECONDS = 24 * 60 * 60,
    DAYS_MAX = 400 * 366, /* the calendar repeats */
};

struct Rtc {
    uint8_t cmos[RTC_CMOS_SIZE]; /* with the registers; A without UIP, C with what has happened */
    uint8_t index[2];            /* of the two banks */
    bool nmi_masked;
    int64_t second_ns;   /* when the last second of the divider chain began */
    int64_t periodic_ns; /* periodic events up to here are in PF */
    uint32_t owed;       /* periodic interrupts that the host was too busy to show */
    Clock *clock;
    IrqLine line;
    ClockTimer *timer;
    IoBus *io;
    IoAttachment *ports;
};

/* The time registers in plain numbers. */
typedef struct RtcTime {
    unsigned second, minute, hour, weekday, day, month, year, century;
} RtcTime;

/* ---- Numbers ---- */

static unsigned rtc_decode(const Rtc *rtc, uint8_t value)
{
    return (rtc->cmos[REG_B] & B_BINARY) != 0 ? value : (value >> 4) * 10u + (value & 15);
}

static uint8_t rtc_encode(const Rtc *rtc, unsigned value)
{
    if ((rtc->cmos[REG_B] & B_BINARY) != 0) {
        return (uint8_t)value;
    }
    return (uint8_t)(value / 10 % 10 << 4 | value % 10);
}

static unsigned rtc_decode_hour(const Rtc *rtc, uint8_t value)
{
    if ((rtc->cmos[REG_B] & B_24H) != 0) {
        return rtc_decode(rtc, value);
    }
    return rtc_decode(rtc, value & (uint8_t)~HOUR_PM) % 12 + (value & HOUR_PM ? 12 : 0);
}

static uint8_t rtc_encode_hour(const Rtc *rtc, unsigned hour)
{
    if ((rtc->cmos[REG_B] & B_24H) != 0) {
        return rtc_encode(rtc, hour);
    }
    return rtc_encode(rtc, hour % 12 == 0 ? 12 : hour % 12) | (hour >= 12 ? HOUR_PM : 0);
}

static RtcTime rtc_load_time(const Rtc *rtc)
{
    return (RtcTime){
        .second = rtc_decode(rtc, rtc->cmos[SECONDS]),
        .minute = rtc_decode(rtc, rtc->cmos[MINUTES]),
        .hour = rtc_decode_hour(rtc, rtc->cmos[HOURS]),
        .weekday = rtc_decode(rtc, rtc->cmos[WEEKDAY]),
        .day = rtc_decode(rtc, rtc->cmos[DAY]),
        .month = rtc_decode(rtc, rtc->cmos[MONTH]),
        .year = rtc_decode(rtc, rtc->cmos[YEAR]),
        .century = rtc_decode(rtc, rtc->cmos[RTC_CENTURY]),
    };
}

static void rtc_store_time(Rtc *rtc, const RtcTime *time)
{
    rtc->cmos[SECONDS] = rtc_encode(rtc, time->second);
    rtc->cmos[MINUTES] = rtc_encode(rtc, time->minute);
    rtc->cmos[HOURS] = rtc_encode_hour(rtc, time->hour);
    rtc->cmos[WEEKDAY] = rtc_encode(rtc, time->weekday);
    rtc->cmos[DAY] = rtc_encode(rtc, time->day);
    rtc->cmos[MONTH] = rtc_encode(rtc, time->month);
    rtc->cmos[YEAR] = rtc_encode(rtc, time->year);
    rtc->cmos[RTC_CENTURY] = rtc_encode(rtc, time->century);
}

/* ---- Counting ---- */

static unsigned time_month_days(const RtcTime *time)
{
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    unsigned year = time->century * 100 + time->year;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    if (time->month < 1 || time->month > 12) {
        return 31;
    }
    return time->month == 2 && leap ? 29 : days[time->month - 1];
}

static void time_next_day(RtcTime *time)
{
    time->weekday = time->weekday >= 7 ? 1 : time->weekday + 1;
    if (time->day < time_month_days(time)) {
        time->day++;
        return;
    }
    time->day = 1;
    if (time->month < 12) {
        time->month++;
        return;
    }
    time->month = 1;
    if (time->year < 99) {
        time->year++;
        return;
    }
    time->year = 0;
    time->century = time->century >= 99 ? 0 : time->century + 1;
}

static void time_next_second(RtcTime *time)
{
    if (time->second < 59) {
        time->second++;
        return;
    }
    time->second = 0;
    if (time->minute < 59) {
        time->minute++;
        return;
    }
    time->minute = 0;
    if (time->hour < 23) {
        time->hour++;
        return;
    }
    time->hour = 0;
    time_next_day(time);
}

static bool rtc_alarm_matches(const Rtc *rtc, const RtcTime *time)
{
    const uint8_t *cmos = rtc->cmos;

    return (cmos[SECONDS_ALARM] >= ALARM_ANY ||
            rtc_decode(rtc, cmos[SECONDS_ALARM]) == time->second) &&
           (cmos[MINUTES_ALARM] >= ALARM_ANY ||
            rtc_decode(rtc, cmos[MINUTES_ALARM]) == time->minute) &&
           (cmos[HOURS_ALARM] >= ALARM_ANY ||
            rtc_decode_hour(rtc, cmos[HOURS_ALARM]) == time->hour);
}

/* `n` updates. Whole days go by at once, but for one, which says whether the alarm was met. */
static void rtc_advance(Rtc *rtc, int64_t n)
{
    RtcTime time = rtc_load_time(rtc);
    int64_t days = n / DAY_SECONDS;

    if (days > 0) {
        n -= (days - 1) * DAY_SECONDS;
        days = (days - 1) % DAYS_MAX;
    }
    for (; days > 0; days--) {
        time_next_day(&time);
    }
    for (; n > 0; n--) {
        time_next_second(&time);
        if (rtc_alarm_matches(rtc, &time)) {
            rtc->cmos[REG_C] |= C_AF;
        }
    }
    rtc->cmos[REG_C] |= C_UF;
    rtc_store_time(rtc, &time);
}

static bool rtc_divider_runs(const Rtc *rtc)
{
    return (rtc->cmos[REG_A] & A_DIVIDER) == A_RUNNING;
}

/* Periodic events a second; 0: none. */
static int64_t rtc_rate(const Rtc *rtc)
{
    unsigned rate = rtc->cmos[REG_A] & A_RATE;

    if (rate == 0 || !rtc_divider_runs(rtc)) {
        return 0;
    }
    return 32768 >> (rate < 3 ? rate + 6 : rate - 1);
}

/* The first periodic event after `when`, which is not before second_ns. */
static int64_t rtc_next_periodic(const Rtc *rtc, int64_t when)
{
    int64_t rate = rtc_rate(rtc);
    int64_t since = when - rtc->second_ns;
    int64_t whole = since / NS_PER_S * NS_PER_S;
    int64_t n = (since - whole) * rate / NS_PER_S + 1;

    return rtc->second_ns + whole + (n * NS_PER_S + rate - 1) / rate;
}

/* Brings registers and flags up to now. */
static void rtc_sync(Rtc *rtc)
{
    int64_t now = clock_now(rtc->clock);
    int64_t n;

    if (!rtc_divider_runs(rtc)) {
        return;
    }
    if (rtc_rate(rtc) != 0 && rtc_next_periodic(rtc, rtc->periodic_ns) <= now) {
        rtc->cmos[REG_C] |= C_PF;
    }
    n = (now - rtc->second_ns) / NS_PER_S;
    if (n > 0) {
        rtc->second_ns += n * NS_PER_S;
        if ((rtc->cmos[REG_B] & B_SET) == 0) {
            rtc_advance(rtc, n);
        }
    }
    rtc->periodic_ns = now;
}

/* Drives the line, and waits for the next thing that would. */
static void rtc_update(Rtc *rtc)
{
    uint8_t *c = &rtc->cmos[REG_C];
    uint8_t awaited = rtc->cmos[REG_B] & FLAGS & (uint8_t) ~*c;
    int64_t deadline = INT64_MAX;

    *c &= FLAGS;
    if ((*c & rtc->cmos[REG_B]) != 0) {
        *c |= C_IRQF;
    }
    irq_set(&rtc->line, (*c & C_IRQF) != 0);
    if ((awaited & C_PF) != 0 && rtc_rate(rtc) != 0) {
        deadline = rtc_next_periodic(rtc, rtc->periodic_ns);
    }
    if ((awaited & (C_AF | C_UF)) != 0 && rtc_divider_runs(rtc) &&
        (rtc->cmos[REG_B] & B_SET) == 0) {
        deadline = MIN(deadline, rtc->second_ns + NS_PER_S);
    }
    if (deadline != INT64_MAX) {
        clock_timer_set(rtc->timer, deadline);
    } else {
        clock_timer_cancel(rtc->timer);
    }
}

/* Periodic interrupts between the one that was waited for and now: a second of them at most. */
static void rtc_owe(Rtc *rtc)
{
    int64_t rate = rtc_rate(rtc), late = clock_now(rtc->clock) - rtc->periodic_ns;

    if (rate > 0 && rate <= OWED_RATE && (rtc->cmos[REG_B] & C_PF) != 0 &&
        (rtc->cmos[REG_C] & C_PF) == 0) {
        int64_t events = MIN(late, NS_PER_S) * rate / NS_PER_S;

        rtc->owed = (uint32_t)MIN(rtc->owed + MAX(events - 1, 0), rate);
    }
}

static void rtc_fire(void *opaque)
{
    Rtc *rtc = opaque;

    rtc_owe(rtc);
    rtc_sync(rtc);
    rtc_update(rtc);
}

/* ---- Registers ---- */

static void rtc_write_a(Rtc *rtc, uint8_t value)
{
    bool ran = rtc_divider_runs(rtc);

    rtc->cmos[REG_A] = value & (uint8_t)~A_UIP;
    if (!ran && rtc_divider_runs(rtc)) {
        rtc->periodic_ns = clock_now(rtc->clock);
        rtc->second_ns = rtc->periodic_ns - FIRST_UPDATE_NS;
    }
}

static void rtc_write_register(Rtc *rtc, unsigned index, uint8_t value)
{
    rtc_sync(rtc);
    switch (index) {
    case REG_A:
        rtc_write_a(rtc, value);
        break;
    case REG_B:
        rtc->cmos[REG_B] = (value & B_SET) != 0 ? value & (uint8_t)~B_UIE : value;
        break;
    case REG_C:
    case REG_D:
        return;
    default:
        rtc->cmos[index] = value;
        break;
    }
    rtc_update(rtc);
}

static bool rtc_updating(const Rtc *rtc)
{
    return rtc_divider_runs(rtc) && (rtc->cmos[REG_B] & B_SET) == 0 &&
           rtc->second_ns + NS_PER_S - clock_now(rtc->clock) <= UPDATE_NS;
}

/* The guest has seen a periodic interrupt: the next one follows at once. */
static void rtc_show_owed(Rtc *rtc)
{
    if ((rtc->cmos[REG_B] & C_PF) == 0) {
        rtc->owed = 0;
    } else if (rtc->owed > 0) {
        rtc->owed--;
        rtc->cmos[REG_C] |= C_PF;
        rtc_update(rtc);
    }
}

static uint8_t rtc_read_register(Rtc *rtc, unsigned index)
{
    uint8_t value;

    rtc_sync(rtc);
    value = rtc->cmos[index];
    if (index == REG_A && rtc_updating(rtc)) {
        value |= A_UIP;
    }
    if (index == REG_C) {
        if ((value & rtc->cmos[REG_B] & FLAGS) != 0) {
            value |= C_IRQF;
        }
        rtc->cmos[REG_C] = 0;
        rtc_update(rtc);
        rtc_show_owed(rtc);
    }
    return value;
}

/* ---- Ports ---- */

static void rtc_write_index(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Rtc *rtc = opaque;

    (void)offset, (void)width;
    rtc->index[0] = value & (BANK - 1);
    rtc->nmi_masked = (value & 0x80) != 0;
}

static uint32_t rtc_read_data(void *opaque, uint16_t offset, unsigned width)
{
    Rtc *rtc = opaque;

    (void)offset, (void)width;
    if (rtc->index[0] <= REG_D || rtc->index[0] == RTC_CENTURY) {
        return rtc_read_register(rtc, rtc->index[0]);
    }
    return rtc->cmos[rtc->index[0]];
}

static void rtc_write_data(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Rtc *rtc = opaque;

    (void)offset, (void)width;
    if (rtc->index[0] <= REG_D || rtc->index[0] == RTC_CENTURY) {
        rtc_write_register(rtc, rtc->index[0], (uint8_t)value);
    } else {
        rtc->cmos[rtc->index[0]] = (uint8_t)value;
    }
}

static void rtc_write_extended_index(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Rtc *rtc = opaque;

    (void)offset, (void)width;
    rtc->index[1] = value & (BANK - 1);
}

static uint32_t rtc_read_extended(void *opaque, uint16_t offset, unsigned width)
{
    const Rtc *rtc = opaque;

    (void)offset, (void)width;
    return rtc->cmos[BANK + rtc->index[1]];
}

static void rtc_write_extended(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Rtc *rtc = opaque;

    (void)offset, (void)width;
    rtc->cmos[BANK + rtc->index[1]] = (uint8_t)value;
}

static const IoRange rtc_ports[] = {
    { .base = 0x70, .count = 1, .widths = IO_8, .write = rtc_write_index },
    { .base = 0x71, .count = 1, .widths = IO_8, .read = rtc_read_data, .write = rtc_write_data },
    { .base = 0x72, .count = 1, .widths = IO_8, .write = rtc_write_extended_index },
    { .base = 0x73,
      .count = 1,
      .widths = IO_8,
      .read = rtc_read_extended,
      .write = rtc_write_extended },
};

/* ---- The board ---- */

void rtc_cmos_set(Rtc *rtc, unsigned index, uint8_t value)
{
    g_assert(index < RTC_CMOS_SIZE && index > REG_D);
    rtc->cmos[index] = value;
}

uint8_t rtc_cmos_get(const Rtc *rtc, unsigned index)
{
    g_assert(index < RTC_CMOS_SIZE);
    return rtc->cmos[index];
}

bool rtc_nmi_masked(const Rtc *rtc)
{
    return rtc->nmi_masked;
}

/* ---- Life ---- */

void rtc_reset(Rtc *rtc)
{
    rtc_sync(rtc);
    rtc->cmos[REG_B] &= (uint8_t) ~(FLAGS | B_SQWE);
    rtc->cmos[REG_C] = 0;
    rtc->nmi_masked = false;
    rtc_update(rtc);
}

static void rtc_set_wall(Rtc *rtc)
{
    int64_t wall = MAX(clock_wall(rtc->clock), 0);
    g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(wall / NS_PER_S);
    RtcTime time = { .second = 0, .weekday = 1, .day = 1, .month = 1, .year = 70, .century = 19 };

    if (date != NULL) {
        time = (RtcTime){
            .second = (unsigned)g_date_time_get_second(date),
            .minute = (unsigned)g_date_time_get_minute(date),
            .hour = (unsigned)g_date_time_get_hour(date),
            .weekday = (unsigned)g_date_time_get_day_of_week(date) % 7 + 1, /* Sunday is 1 */
            .day = (unsigned)g_date_time_get_day_of_month(date),
            .month = (unsigned)g_date_time_get_month(date),
            .year = (unsigned)g_date_time_get_year(date) % 100,
            .century = (unsigned)g_date_time_get_year(date) / 100,
        };
    }
    rtc_store_time(rtc, &time);
    rtc->periodic_ns = clock_now(rtc->clock);
    rtc->second_ns = rtc->periodic_ns - wall % NS_PER_S;
}

Rtc *rtc_new(IoBus *io, Clock *clock, IrqLine irq)
{
    Rtc *rtc = g_new0(Rtc, 1);

    rtc->clock = clock;
    rtc->line = irq;
    rtc->io = io;
    rtc->timer = clock_timer_new(clock, rtc_fire, rtc);
    rtc->cmos[REG_A] = A_RUNNING | 6; /* 1024 Hz */
    rtc->cmos[REG_B] = B_24H;
    rtc->cmos[REG_D] = D_VRT;
    rtc_set_wall(rtc);
    rtc_reset(rtc);
    rtc->ports = io_bus_attach(io, rtc_ports, G_N_ELEMENTS(rtc_ports), rtc);
    return rtc;
}

void rtc_free(Rtc *rtc)
{
    if (rtc != NULL) {
        io_bus_detach(rtc->io, rtc->ports);
        clock_timer_free(rtc->timer);
        g_free(rtc);
    }
}

static void rtc_loaded(void *opaque)
{
    Rtc *rtc = opaque;
    int64_t now = clock_now(rtc->clock);

    rtc->index[0] &= BANK - 1;
    rtc->index[1] &= BANK - 1;
    rtc->second_ns = MIN(rtc->second_ns, now);
    rtc->periodic_ns = CLAMP(rtc->periodic_ns, rtc->second_ns, now);
    rtc_update(rtc);
}

static const StateField rtc_fields[] = {
    STATE_ARRAY(STATE_BYTES, Rtc, cmos),      STATE_ARRAY(STATE_U8, Rtc, index),
    STATE_FIELD(STATE_BOOL, Rtc, nmi_masked), STATE_FIELD(STATE_U64, Rtc, second_ns),
    STATE_FIELD(STATE_U64, Rtc, periodic_ns), { 0 },
};

const StateTable rtc_state = {
    .name = "mc146818rtc", .version = 1, .fields = rtc_fields, .loaded = rtc_loaded
};
