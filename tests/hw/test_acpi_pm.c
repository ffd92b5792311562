/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_acpi_pm.c - the PIIX4's power management through its ports. */
#include "hw/acpi/pm.h"
#include "hw/pci/pci.h"
#include "tests/hw/board_fixture.h"

enum {
    PM = ACPI_PM_BASE,
    STS = PM,
    EN = PM + 2,
    CNT = PM + 4,
    TMR = PM + 8,
    GPE_STS = PM + 0x0c,
    GPE_EN = PM + 0x0e,
    GLBCTL = PM + 0x28,
    TMR_STS = 1,
    PWRBTN = 0x100,
    RTC_STS = 0x400,
    SCI_EN = 1,
    DEVFN = PCI_DEVFN(1, 3),
};

static struct {
    Bench bench;
    PciBus *bus;
    AcpiPm *pm;
    bool sci;
    unsigned smis, offs, sleeps, wakes, type;
} fx;

static void set_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque;
    (void)pin;
    (void)level;
}

static void set_sci(void *opaque, unsigned n, bool level)
{
    (void)opaque;
    (void)n;
    fx.sci = level;
}

static void on_smi(void *opaque)
{
    (void)opaque;
    fx.smis++;
}

static void on_off(void *opaque)
{
    (void)opaque;
    fx.offs++;
}

static void on_sleep(void *opaque, unsigned type)
{
    (void)opaque;
    fx.sleeps++;
    fx.type = type;
}

static void on_wake(void *opaque)
{
    (void)opaque;
    fx.wakes++;
}

static void setup(void)
{
    AcpiPmHost host = { .sci = { .set = set_sci },
                        .smi = on_smi,
                        .power_off = on_off,
                        .sleep = on_sleep,
                        .wake = on_wake };

    memset(&fx, 0, sizeof(fx));
    bench_open(&fx.bench, 1 << 20);
    fx.bus = pci_bus_new(fx.bench.board, "pci.0", set_pin, NULL);
    fx.pm = acpi_pm_new(fx.bus, fx.bench.io, fx.bench.clock, &host);
    acpi_pm_program(fx.pm);
}

static void teardown(void)
{
    acpi_pm_free(fx.pm);
    pci_bus_free(fx.bus);
    bench_close(&fx.bench);
}

static uint32_t in(uint16_t port, unsigned width)
{
    return io_bus_read(fx.bench.io, port, width);
}

static void out(uint16_t port, unsigned width, uint32_t value)
{
    io_bus_write(fx.bench.io, port, width, value);
}

START_TEST(the_base_is_where_configuration_puts_it)
{
    ck_assert_uint_eq(in(CNT, 2), 0);
    pci_config_write(fx.bus, DEVFN, 0x40, 4, 0xb001);
    ck_assert_uint_eq(pci_config_read(fx.bus, DEVFN, 0x40, 4), 0xb001);
    ck_assert_uint_eq(in(CNT, 2), 0xffff);
    ck_assert_uint_eq(in(0xb004, 2), 0);
    pci_config_write(fx.bus, DEVFN, 0x80, 1, 0);
    ck_assert_uint_eq(in(0xb004, 2), 0xffff);
    acpi_pm_reset(fx.pm);
    ck_assert_uint_eq(pci_config_read(fx.bus, DEVFN, 0x40, 4), 1);
    ck_assert_uint_eq(pci_config_read(fx.bus, DEVFN, 0, 4), 0x71138086);
}
END_TEST

START_TEST(the_timer_runs_at_its_frequency)
{
    ck_assert_uint_eq(in(TMR, 4), 0);
    clock_step(fx.bench.clock, NS_PER_S);
    ck_assert_uint_eq(in(TMR, 4), ACPI_PM_TIMER_HZ);
    clock_step(fx.bench.clock, 4ll * NS_PER_S);
    ck_assert_uint_eq(in(TMR, 4), (5 * ACPI_PM_TIMER_HZ) & 0xffffff); /* 24 bits */
    out(TMR, 4, 0);
    ck_assert_uint_eq(in(TMR, 4), (5 * ACPI_PM_TIMER_HZ) & 0xffffff);
    ck_assert_uint_eq(in(TMR + 2, 1), 5 * ACPI_PM_TIMER_HZ >> 16 & 0xff);
}
END_TEST

START_TEST(the_timers_carry_interrupts)
{
    out(ACPI_PM_SMI_CMD, 1, ACPI_PM_ENABLE);
    out(EN, 2, TMR_STS);
    clock_step(fx.bench.clock, 2343000000); /* 2^23 ticks are 2.3435 s */
    ck_assert(!fx.sci);
    clock_step(fx.bench.clock, NS_PER_MS);
    ck_assert(fx.sci);
    ck_assert_uint_eq(in(STS, 2), TMR_STS);
    out(STS, 2, TMR_STS);
    ck_assert(!fx.sci);
    ck_assert_uint_eq(in(STS, 2), 0);
    clock_step(fx.bench.clock, 2344000000);
    ck_assert(fx.sci);
}
END_TEST

START_TEST(the_carry_is_seen_without_its_interrupt)
{
    clock_step(fx.bench.clock, 3ll * NS_PER_S);
    ck_assert_uint_eq(in(STS, 1), TMR_STS);
    out(STS, 1, TMR_STS);
    ck_assert_uint_eq(in(STS, 1), 0);
}
END_TEST

START_TEST(acpi_mode_is_turned_on_by_the_command_port)
{
    ck_assert_uint_eq(in(CNT, 2) & SCI_EN, 0);
    out(ACPI_PM_SMI_CMD, 1, ACPI_PM_ENABLE);
    ck_assert_uint_eq(in(CNT, 2) & SCI_EN, SCI_EN);
    ck_assert_uint_eq(in(ACPI_PM_SMI_CMD, 1), ACPI_PM_ENABLE);
    out(ACPI_PM_SMI_CMD, 1, ACPI_PM_DISABLE);
    ck_assert_uint_eq(in(CNT, 2) & SCI_EN, 0);
    ck_assert_uint_eq(fx.smis, 0);
}
END_TEST

START_TEST(the_command_port_makes_smis_when_enabled)
{
    pci_config_write(fx.bus, DEVFN, 0x58, 4, 1u << 25);
    out(ACPI_PM_SMI_CMD, 1, 0x12);
    ck_assert_uint_eq(fx.smis, 0);
    out(GLBCTL, 4, 1);
    out(ACPI_PM_SMI_CMD + 1, 1, 0x34);
    ck_assert_uint_eq(fx.smis, 0);
    out(ACPI_PM_SMI_CMD, 1, 0x12);
    ck_assert_uint_eq(fx.smis, 1);
    ck_assert_uint_eq(in(ACPI_PM_SMI_CMD + 1, 1), 0x34);
}
END_TEST

START_TEST(the_power_button_is_an_event)
{
    acpi_pm_power_button(fx.pm);
    ck_assert_uint_eq(in(STS, 2), PWRBTN);
    ck_assert(!fx.sci);
    out(EN, 2, PWRBTN);
    ck_assert(!fx.sci); /* ACPI mode is off */
    out(CNT, 2, SCI_EN);
    ck_assert(fx.sci);
    out(STS + 1, 1, PWRBTN >> 8);
    ck_assert(!fx.sci);
}
END_TEST

START_TEST(a_byte_written_to_status_spares_the_other)
{
    clock_step(fx.bench.clock, 3ll * NS_PER_S);
    acpi_pm_power_button(fx.pm);
    out(STS, 1, 0xff);
    ck_assert_uint_eq(in(STS, 2), PWRBTN);
    out(EN + 1, 1, 0x01);
    out(EN, 1, 0x20);
    ck_assert_uint_eq(in(EN, 2), 0x120);
    ck_assert_uint_eq(in(STS, 4), 0x120 << 16 | PWRBTN);
}
END_TEST

START_TEST(the_rtc_alarm_is_an_event_on_its_edge)
{
    acpi_pm_rtc_alarm(fx.pm, true);
    ck_assert_uint_eq(in(STS, 2), RTC_STS);
    out(STS, 2, RTC_STS);
    acpi_pm_rtc_alarm(fx.pm, true);
    ck_assert_uint_eq(in(STS, 2), 0);
}
END_TEST

START_TEST(general_purpose_events_are_levels)
{
    out(CNT, 2, SCI_EN);
    out(GPE_EN, 2, 1 << 3);
    acpi_pm_gpe(fx.pm, 3, true);
    ck_assert(fx.sci);
    out(GPE_STS, 2, 1 << 3);
    ck_assert(fx.sci); /* still asserted */
    acpi_pm_gpe(fx.pm, 3, false);
    out(GPE_STS, 2, 1 << 3);
    ck_assert(!fx.sci);
}
END_TEST

START_TEST(sleep_type_zero_is_soft_off)
{
    out(CNT, 2, SCI_EN | 5 << 10 | 1 << 13);
    ck_assert_uint_eq(fx.offs, 0);
    out(CNT, 2, SCI_EN | 1 << 13);
    ck_assert_uint_eq(fx.offs, 1);
    ck_assert_uint_eq(in(CNT, 2), SCI_EN); /* SLP_EN reads as zero */
    out(CNT + 1, 1, 0x20);                 /* by byte */
    ck_assert_uint_eq(fx.offs, 2);
}
END_TEST

START_TEST(any_access_of_any_width_is_survived)
{
    for (unsigned offset = 0; offset < 0x40; offset++) {
        for (unsigned width = 1; width <= 4; width *= 2) {
            out((uint16_t)(PM + offset), width, 0xffffffff);
            in((uint16_t)(PM + offset), width);
        }
    }
}
END_TEST

enum { SLP_EN = 1 << 13, S3 = ACPI_PM_S3_TYPE << 10, S4 = ACPI_PM_S4_TYPE << 10, WAK_STS = 0x8000 };

START_TEST(the_alarm_ends_s3_if_it_is_enabled)
{
    out(CNT, 2, S3); /* the type alone does nothing */
    ck_assert(fx.sleeps == 0 && !acpi_pm_is_asleep(fx.pm));
    out(CNT, 2, SLP_EN | S3);
    ck_assert(fx.sleeps == 1 && fx.type == ACPI_PM_S3_TYPE && acpi_pm_is_asleep(fx.pm));
    acpi_pm_rtc_alarm(fx.pm, true);
    ck_assert(fx.wakes == 0 && !acpi_pm_wants_wake(fx.pm));
    acpi_pm_rtc_alarm(fx.pm, false);
    out(EN, 2, RTC_STS);
    acpi_pm_rtc_alarm(fx.pm, true);
    ck_assert(fx.wakes == 1 && acpi_pm_wants_wake(fx.pm));
    ck_assert_int_eq(acpi_pm_wake_reason(fx.pm), ACPI_WAKE_RTC);
    acpi_pm_reset(fx.pm);
    ck_assert_uint_eq(in(STS, 2), 0); /* the registers are where they were */
    acpi_pm_wake(fx.pm, ACPI_WAKE_RTC);
    ck_assert_uint_eq(in(STS, 2), WAK_STS | RTC_STS);
    ck_assert(!acpi_pm_is_asleep(fx.pm) && fx.offs == 0);
    acpi_pm_reset(fx.pm); /* not out of S3: they go */
    ck_assert_uint_eq(in(STS, 2), 0xffff);
}
END_TEST

START_TEST(the_button_ends_s3_and_no_other_sleep)
{
    acpi_pm_power_button(fx.pm);
    out(STS, 2, PWRBTN);
    out(CNT, 2, SLP_EN | S4);
    ck_assert(fx.sleeps == 1 && fx.type == ACPI_PM_S4_TYPE && !acpi_pm_is_asleep(fx.pm));
    out(CNT, 2, SLP_EN | 5 << 10); /* no such type */
    ck_assert(fx.sleeps == 1 && fx.wakes == 0);
    out(CNT, 2, SLP_EN | S3);
    acpi_pm_power_button(fx.pm);
    ck_assert(fx.wakes == 1 && acpi_pm_wants_wake(fx.pm));
    ck_assert_uint_eq(in(STS, 2) & PWRBTN, 0);
    acpi_pm_reset(fx.pm);
    acpi_pm_wake(fx.pm, ACPI_WAKE_OTHER);
    ck_assert_uint_eq(in(STS, 2), WAK_STS | PWRBTN);
}
END_TEST

START_TEST(without_smm_firmware_finds_it_set_up)
{
    const AcpiPmHost host = { .sci = { .set = set_sci }, .power_off = on_off };

    acpi_pm_free(fx.pm);
    fx.pm = acpi_pm_new(fx.bus, fx.bench.io, fx.bench.clock, &host);
    acpi_pm_program(fx.pm);
    ck_assert_uint_eq(pci_config_read(fx.bus, DEVFN, 0x5b, 1), 2);
    out(GLBCTL, 2, 1);
    out(ACPI_PM_SMI_CMD, 1, 0x55);
    out(CNT, 2, SLP_EN | S3); /* nobody listens */
    ck_assert(fx.smis == 0 && !acpi_pm_is_asleep(fx.pm));
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("acpi pm");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, the_base_is_where_configuration_puts_it);
    tcase_add_test(tc, the_timer_runs_at_its_frequency);
    tcase_add_test(tc, the_timers_carry_interrupts);
    tcase_add_test(tc, the_carry_is_seen_without_its_interrupt);
    tcase_add_test(tc, acpi_mode_is_turned_on_by_the_command_port);
    tcase_add_test(tc, the_command_port_makes_smis_when_enabled);
    tcase_add_test(tc, the_power_button_is_an_event);
    tcase_add_test(tc, a_byte_written_to_status_spares_the_other);
    tcase_add_test(tc, the_rtc_alarm_is_an_event_on_its_edge);
    tcase_add_test(tc, general_purpose_events_are_levels);
    tcase_add_test(tc, sleep_type_zero_is_soft_off);
    tcase_add_test(tc, the_alarm_ends_s3_if_it_is_enabled);
    tcase_add_test(tc, the_button_ends_s3_and_no_other_sleep);
    tcase_add_test(tc, without_smm_firmware_finds_it_set_up);
    tcase_add_test(tc, any_access_of_any_width_is_survived);
    return suite_run(tc, "acpi pm");
}
