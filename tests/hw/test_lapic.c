/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_lapic.c - local APICs through their window, their MSRs and their messages. */
#include "hw/lapic.h"
#include "tests/hw/board_fixture.h"

enum {
    CPUS = 4,
    ID = 0x20,
    VERSION = 0x30,
    TPR = 0x80,
    PPR = 0xa0,
    EOI = 0xb0,
    LDR = 0xd0,
    DFR = 0xe0,
    SVR = 0xf0,
    ISR = 0x100,
    TMR = 0x180,
    IRR = 0x200,
    ESR = 0x280,
    ICR = 0x300,
    ICR_HIGH = 0x310,
    LVT_TIMER = 0x320,
    LVT_LINT0 = 0x350,
    LVT_LINT1 = 0x360,
    LVT_ERROR = 0x370,
    INITIAL = 0x380,
    CURRENT = 0x390,
    DIVIDE = 0x3e0,
    MASKED = 1 << 16,
    PERIODIC = 1 << 17,
    DEADLINE = 2 << 17,
    MSR_BASE = 0x1b,
    MSR_DEADLINE = 0x6e0,
    MSR_X2 = 0x800,
    TSC_HZ = 2000000000,
};

static struct {
    Bench bench;
    LapicBus *bus;
    unsigned current;
    bool intr[CPUS];
    unsigned nmi[CPUS], smi[CPUS], init[CPUS], sipi[CPUS];
    unsigned sipi_vector;
    int eoi, extint, acks;
    uint64_t tsc_skew;
} fx;

static unsigned current(void *opaque)
{
    (void)opaque;
    return fx.current;
}

static void on_signal(void *opaque, unsigned cpu, LapicSignal signal, unsigned value)
{
    (void)opaque;
    switch (signal) {
    case LAPIC_SIGNAL_INTR:
        fx.intr[cpu] = value != 0;
        break;
    case LAPIC_SIGNAL_NMI:
        fx.nmi[cpu]++;
        break;
    case LAPIC_SIGNAL_SMI:
        fx.smi[cpu]++;
        break;
    case LAPIC_SIGNAL_INIT:
        fx.init[cpu]++;
        break;
    case LAPIC_SIGNAL_SIPI:
        fx.sipi[cpu]++;
        fx.sipi_vector = value;
        break;
    }
}

static uint64_t tsc(void *opaque, unsigned cpu)
{
    (void)opaque;
    (void)cpu;
    return (uint64_t)clock_now(fx.bench.clock) * 2 + fx.tsc_skew;
}

static int extint_ack(void *opaque)
{
    (void)opaque;
    fx.acks++;
    return fx.extint;
}

static void eoi(void *opaque, uint8_t vector)
{
    (void)opaque;
    fx.eoi = vector;
}

static void setup(void)
{
    LapicHost host = {
        .cpus = CPUS,
        .tsc_hz = TSC_HZ,
        .current = current,
        .signal = on_signal,
        .tsc = tsc,
        .extint_ack = extint_ack,
        .eoi = eoi,
    };

    memset(&fx, 0, sizeof(fx));
    fx.eoi = -1;
    bench_open(&fx.bench, 1 << 20);
    host.clock = fx.bench.clock;
    fx.bus = lapic_bus_new(fx.bench.map, &host);
}

static void teardown(void)
{
    lapic_bus_free(fx.bus);
    bench_close(&fx.bench);
}

static uint32_t in(unsigned cpu, unsigned reg)
{
    fx.current = cpu;
    return get32(&fx.bench, LAPIC_DEFAULT_BASE + reg);
}

static void out(unsigned cpu, unsigned reg, uint32_t value)
{
    fx.current = cpu;
    put32(&fx.bench, LAPIC_DEFAULT_BASE + reg, value);
}

static void enable_all(void)
{
    for (unsigned i = 0; i < CPUS; i++) {
        out(i, SVR, 0x1ff);
        out(i, LDR, 1u << (24 + i));
    }
}

static void ipi(unsigned from, unsigned destination, uint32_t low)
{
    out(from, ICR_HIGH, destination << 24);
    out(from, ICR, low);
}

static void message(uint32_t destination, uint8_t mode, uint8_t vector, bool level)
{
    LapicMessage m = { .destination = destination, .mode = mode, .vector = vector, .level = level };

    lapic_bus_deliver(fx.bus, &m);
}

START_TEST(reset_values_are_those_of_the_manual)
{
    for (unsigned i = 0; i < CPUS; i++) {
        ck_assert_uint_eq(in(i, ID), i << 24);
        ck_assert_uint_eq(in(i, SVR), 0xff);
        ck_assert_uint_eq(in(i, DFR), 0xffffffff);
        ck_assert_uint_eq(in(i, LDR), 0);
        ck_assert_uint_eq(in(i, TPR), 0);
        for (unsigned reg = LVT_TIMER; reg <= LVT_ERROR; reg += 0x10) {
            ck_assert_uint_eq(in(i, reg), MASKED);
        }
    }
    ck_assert_uint_eq(in(0, VERSION) & 0xff, 0x14);
    ck_assert_uint_eq(in(0, VERSION) >> 16, 5);
}
END_TEST

START_TEST(a_fixed_interrupt_is_taken_served_and_ended)
{
    enable_all();
    message(1, LAPIC_MODE_FIXED, 0x51, false);
    ck_assert(fx.intr[1] && !fx.intr[0]);
    ck_assert_uint_eq(in(1, IRR + 0x20), 1u << 0x11);
    ck_assert_int_eq(lapic_ack(fx.bus, 1), 0x51);
    ck_assert(!fx.intr[1]);
    ck_assert_uint_eq(in(1, IRR + 0x20), 0);
    ck_assert_uint_eq(in(1, ISR + 0x20), 1u << 0x11);
    ck_assert_uint_eq(in(1, PPR), 0x50);
    message(1, LAPIC_MODE_FIXED, 0x52, false); /* same class: waits */
    ck_assert(!fx.intr[1]);
    message(1, LAPIC_MODE_FIXED, 0x61, false); /* higher class: nests */
    ck_assert_int_eq(lapic_ack(fx.bus, 1), 0x61);
    out(1, EOI, 0);
    ck_assert(!fx.intr[1]);
    out(1, EOI, 0);
    ck_assert(fx.intr[1]);
    ck_assert_int_eq(lapic_ack(fx.bus, 1), 0x52);
    ck_assert_int_eq(fx.eoi, -1);
}
END_TEST

START_TEST(a_level_interrupt_ends_at_the_io_apic)
{
    enable_all();
    message(0, LAPIC_MODE_FIXED, 0x41, true);
    ck_assert_uint_eq(in(0, TMR + 0x20), 1u << 1);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0x41);
    out(0, EOI, 0);
    ck_assert_int_eq(fx.eoi, 0x41);
}
END_TEST

START_TEST(the_task_priority_holds_interrupts_off)
{
    enable_all();
    lapic_set_tpr(fx.bus, 0, 5);
    ck_assert_uint_eq(in(0, TPR), 0x50);
    message(0, LAPIC_MODE_FIXED, 0x5f, false);
    ck_assert(!fx.intr[0]);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), -1);
    out(0, TPR, 0x4f);
    ck_assert_uint_eq(lapic_tpr(fx.bus, 0), 4);
    ck_assert(fx.intr[0]);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0x5f);
}
END_TEST

START_TEST(a_software_disabled_apic_takes_no_fixed_interrupts_but_nmi)
{
    message(0, LAPIC_MODE_FIXED, 0x51, false);
    ck_assert(!fx.intr[0]);
    message(0, LAPIC_MODE_NMI, 0, false);
    ck_assert_uint_eq(fx.nmi[0], 1);
    out(0, LVT_LINT0, 0x700); /* entries stay masked */
    ck_assert_uint_eq(in(0, LVT_LINT0), 0x700 | MASKED);
    enable_all();
    out(0, LVT_TIMER, 0x40);
    out(0, SVR, 0xff);
    ck_assert_uint_eq(in(0, LVT_TIMER), 0x40 | MASKED);
}
END_TEST

static const struct {
    const char *name;
    unsigned destination;
    uint32_t low;
    unsigned hit; /* a bit a CPU; sent by CPU 1 */
} ipi_rows[] = {
    { "physical", 2, 0x51, 1 << 2 },
    { "physical broadcast", 0xff, 0x51, 0xf },
    { "nobody has that ID", 9, 0x51, 0 },
    { "flat logical, two", 0x9, 0x851, 0x9 },
    { "flat logical, all", 0xff, 0x851, 0xf },
    { "self", 0, 0x40051, 0x2 },
    { "all with self", 0, 0x80051, 0xf },
    { "all but self", 0, 0xc0051, 0xd },
    { "lowest priority takes one", 0xc, 0x951, 0x4 },
};

START_TEST(ipis_reach_whom_they_name)
{
    unsigned hit = 0;

    enable_all();
    ipi(1, ipi_rows[_i].destination, ipi_rows[_i].low);
    for (unsigned i = 0; i < CPUS; i++) {
        int vector = fx.intr[i] ? 0x51 : -1;

        hit |= (unsigned)fx.intr[i] << i;
        ck_assert_int_eq(lapic_ack(fx.bus, i), vector);
    }
    ck_assert_msg(hit == ipi_rows[_i].hit, "%s: %x", ipi_rows[_i].name, hit);
}
END_TEST

START_TEST(lowest_priority_looks_at_the_processors_priority)
{
    enable_all();
    out(2, TPR, 0x30);
    out(3, TPR, 0x20);
    ipi(0, 0xc, 0x951);
    ck_assert(fx.intr[3] && !fx.intr[2]);
}
END_TEST

START_TEST(the_cluster_model_names_cluster_and_member)
{
    enable_all();
    for (unsigned i = 0; i < CPUS; i++) {
        out(i, DFR, 0x0fffffff);
        out(i, LDR, ((i / 2) << 4 | 1u << (i % 2)) << 24);
    }
    ipi(0, 0x13, 0x851);
    ck_assert(!fx.intr[0] && !fx.intr[1] && fx.intr[2] && fx.intr[3]);
    ipi(0, 0x01, 0x851);
    ck_assert(fx.intr[0] && !fx.intr[1]);
}
END_TEST

START_TEST(init_and_startup_wake_a_processor)
{
    ipi(0, 1, 0xc500); /* INIT, level, assert */
    ck_assert_uint_eq(fx.init[1], 1);
    ipi(0, 1, 0x8500); /* de-assert: nothing */
    ck_assert_uint_eq(fx.init[1], 1);
    ipi(0, 1, 0x0610 | 0x4000);
    ck_assert_uint_eq(fx.sipi[1], 1);
    ck_assert_uint_eq(fx.sipi_vector, 0x10);
    ipi(0, 2, 0x4400);
    ck_assert_uint_eq(fx.nmi[2], 1);
    ipi(0, 3, 0x4200);
    ck_assert_uint_eq(fx.smi[3], 1);
    ck_assert_uint_eq(in(0, ICR) & 0x1000, 0);
    out(1, TPR, 0x20);
    lapic_init(fx.bus, 1);
    ck_assert_uint_eq(in(1, TPR), 0);
    ck_assert_uint_eq(in(1, ID), 1u << 24);
}
END_TEST

START_TEST(bad_vectors_are_reported_in_the_error_status)
{
    enable_all();
    out(0, LVT_ERROR, 0xe1);
    ipi(0, 1, 0x0f);
    ck_assert(fx.intr[0] && !fx.intr[1]);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0xe1);
    ck_assert_uint_eq(in(0, ESR), 0); /* not latched yet */
    out(0, ESR, 0);
    ck_assert_uint_eq(in(0, ESR), 1u << 5);
    out(0, ESR, 0);
    ck_assert_uint_eq(in(0, ESR), 0);
    message(1, LAPIC_MODE_FIXED, 5, false);
    out(1, ESR, 0);
    ck_assert_uint_eq(in(1, ESR), 1u << 6);
    in(1, 0x40); /* no register */
    out(1, ESR, 0);
    ck_assert_uint_eq(in(1, ESR), 1u << 7);
}
END_TEST

START_TEST(the_8259_comes_through_lint0)
{
    fx.extint = 0x08;
    lapic_bus_set_lint(fx.bus, LAPIC_LINT0, true);
    ck_assert(!fx.intr[0]); /* masked after reset */
    lapic_set_virtual_wire(fx.bus, 0);
    ck_assert(fx.intr[0] && !fx.intr[1]);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0x08);
    lapic_bus_set_lint(fx.bus, LAPIC_LINT0, false);
    ck_assert(!fx.intr[0]);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), -1);
    ck_assert_int_eq(fx.acks, 1);
}
END_TEST

START_TEST(without_local_apic_the_8259_is_wired_straight)
{
    uint64_t base;

    ck_assert(lapic_msr_read(fx.bus, 0, MSR_BASE, &base));
    ck_assert_uint_eq(base, 0xfee00900);
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_BASE, base & ~0x800ull));
    fx.extint = 0x77;
    lapic_bus_set_lint(fx.bus, LAPIC_LINT0, true);
    ck_assert(fx.intr[0]);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0x77);
    ck_assert_uint_eq(in(0, ID), 0xffffffff);
    lapic_bus_set_lint(fx.bus, LAPIC_LINT1, true);
    ck_assert_uint_eq(fx.nmi[0], 1);
}
END_TEST

START_TEST(lint1_gives_an_nmi_on_its_edge)
{
    lapic_set_virtual_wire(fx.bus, 0);
    lapic_bus_set_lint(fx.bus, LAPIC_LINT1, true);
    lapic_bus_set_lint(fx.bus, LAPIC_LINT1, true);
    ck_assert_uint_eq(fx.nmi[0], 1);
    ck_assert_uint_eq(fx.nmi[1], 0);
}
END_TEST

START_TEST(a_level_triggered_fixed_lint_repeats_after_its_end)
{
    enable_all();
    out(0, LVT_LINT0, 0x8055);
    lapic_bus_set_lint(fx.bus, LAPIC_LINT0, true);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0x55);
    ck_assert_uint_eq(in(0, LVT_LINT0), 0xc055); /* remote IRR */
    ck_assert(!fx.intr[0]);
    out(0, EOI, 0);
    ck_assert(fx.intr[0]);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0x55);
    lapic_bus_set_lint(fx.bus, LAPIC_LINT0, false);
    out(0, EOI, 0);
    ck_assert(!fx.intr[0]);
}
END_TEST

START_TEST(the_one_shot_timer_counts_down_once)
{
    enable_all();
    out(0, DIVIDE, 0x3); /* 16 */
    out(0, LVT_TIMER, 0xec);
    out(0, INITIAL, 1000);
    clock_step(fx.bench.clock, 8000);
    ck_assert_uint_eq(in(0, CURRENT), 500);
    ck_assert(!fx.intr[0]);
    clock_step(fx.bench.clock, 8000);
    ck_assert(fx.intr[0]);
    ck_assert_uint_eq(in(0, CURRENT), 0);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0xec);
    out(0, EOI, 0);
    clock_step(fx.bench.clock, NS_PER_S);
    ck_assert(!fx.intr[0]);
}
END_TEST

START_TEST(the_periodic_timer_goes_on)
{
    enable_all();
    out(0, DIVIDE, 0xb); /* 1 */
    out(0, LVT_TIMER, PERIODIC | 0xec);
    out(0, INITIAL, NS_PER_MS);
    for (unsigned i = 0; i < 5; i++) {
        clock_step(fx.bench.clock, NS_PER_MS - 1);
        ck_assert(!fx.intr[0]);
        ck_assert_uint_eq(in(0, CURRENT), 1);
        clock_step(fx.bench.clock, 1);
        ck_assert_int_eq(lapic_ack(fx.bus, 0), 0xec);
        out(0, EOI, 0);
    }
    out(0, INITIAL, 0);
    clock_step(fx.bench.clock, NS_PER_S);
    ck_assert(!fx.intr[0]);
}
END_TEST

START_TEST(periods_that_the_host_slept_through_follow_one_by_one)
{
    unsigned taken = 0;

    enable_all();
    out(0, DIVIDE, 0xb);
    out(0, LVT_TIMER, PERIODIC | 0xec);
    out(0, INITIAL, NS_PER_MS);
    clock_set_now(fx.bench.clock, clock_now(fx.bench.clock) + 7 * NS_PER_MS + 10);
    clock_step(fx.bench.clock, 0);
    for (; fx.intr[0] && taken < 100; taken++) {
        ck_assert_int_eq(lapic_ack(fx.bus, 0), 0xec);
        out(0, EOI, 0);
    }
    ck_assert_uint_eq(taken, 7);
}
END_TEST

START_TEST(a_timer_that_has_run_down_waits_for_a_count_in_any_mode)
{
    enable_all();
    out(0, DIVIDE, 0xb);
    out(0, LVT_TIMER, 0xec);
    out(0, INITIAL, NS_PER_MS);
    clock_step(fx.bench.clock, NS_PER_MS);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0xec);
    out(0, EOI, 0);
    out(0, LVT_TIMER, PERIODIC | 0xec);
    ck_assert_uint_eq(in(0, CURRENT), 0);
    clock_step(fx.bench.clock, 10 * NS_PER_MS);
    ck_assert(!fx.intr[0]);
    out(0, INITIAL, NS_PER_MS);
    clock_step(fx.bench.clock, NS_PER_MS);
    ck_assert(fx.intr[0]);
}
END_TEST

START_TEST(a_masked_timer_counts_in_silence)
{
    enable_all();
    out(0, DIVIDE, 0xb);
    out(0, LVT_TIMER, MASKED | 0xec);
    out(0, INITIAL, 0xffffffff);
    clock_step(fx.bench.clock, 12345);
    ck_assert_uint_eq(in(0, CURRENT), 0xffffffff - 12345);
    clock_step(fx.bench.clock, 5ll * NS_PER_S);
    ck_assert(!fx.intr[0]);
}
END_TEST

START_TEST(an_absurd_period_does_not_hang_the_machine)
{
    enable_all();
    out(0, DIVIDE, 0xb);
    out(0, LVT_TIMER, PERIODIC | 0xec);
    out(0, INITIAL, 1);
    clock_step(fx.bench.clock, NS_PER_S / 10);
    ck_assert(fx.intr[0]);
}
END_TEST

START_TEST(the_tsc_deadline_fires_at_its_tsc)
{
    uint64_t value;

    enable_all();
    out(0, LVT_TIMER, DEADLINE | 0xec);
    out(0, INITIAL, 1000); /* ignored in this mode */
    ck_assert_uint_eq(in(0, CURRENT), 0);
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_DEADLINE, 2000));
    clock_step(fx.bench.clock, 999);
    ck_assert(!fx.intr[0]);
    ck_assert(lapic_msr_read(fx.bus, 0, MSR_DEADLINE, &value));
    ck_assert_uint_eq(value, 2000);
    clock_step(fx.bench.clock, 1);
    ck_assert(fx.intr[0]);
    ck_assert(lapic_msr_read(fx.bus, 0, MSR_DEADLINE, &value));
    ck_assert_uint_eq(value, 0);
    lapic_ack(fx.bus, 0);
    out(0, EOI, 0);
    lapic_msr_write(fx.bus, 0, MSR_DEADLINE, 1); /* long ago: at once */
    ck_assert(fx.intr[0]);
}
END_TEST

START_TEST(moving_the_tsc_moves_the_deadline)
{
    enable_all();
    out(0, LVT_TIMER, DEADLINE | 0xec);
    lapic_msr_write(fx.bus, 0, MSR_DEADLINE, 1000000);
    fx.tsc_skew = 900000;
    lapic_tsc_changed(fx.bus, 0);
    clock_step(fx.bench.clock, 49999);
    ck_assert(!fx.intr[0]);
    clock_step(fx.bench.clock, 1);
    ck_assert(fx.intr[0]);
}
END_TEST

START_TEST(switching_to_tsc_deadline_disarms)
{
    enable_all();
    out(0, DIVIDE, 0xb);
    out(0, LVT_TIMER, 0xec);
    out(0, INITIAL, 1000);
    out(0, LVT_TIMER, DEADLINE | 0xec);
    clock_step(fx.bench.clock, NS_PER_S);
    ck_assert(!fx.intr[0]);
}
END_TEST

static void x2apic_all(void)
{
    uint64_t base;

    for (unsigned i = 0; i < CPUS; i++) {
        lapic_msr_read(fx.bus, i, MSR_BASE, &base);
        ck_assert(lapic_msr_write(fx.bus, i, MSR_BASE, base | 0x400));
        ck_assert(lapic_msr_write(fx.bus, i, MSR_X2 + 0xf, 0x1ff));
    }
}

START_TEST(x2apic_is_reached_by_msrs_alone)
{
    uint64_t value;

    ck_assert(!lapic_msr_read(fx.bus, 0, MSR_X2 + 2, &value));
    x2apic_all();
    ck_assert_uint_eq(in(2, ID), 0xffffffff);
    ck_assert(lapic_msr_read(fx.bus, 2, MSR_X2 + 2, &value));
    ck_assert_uint_eq(value, 2);
    ck_assert(lapic_msr_read(fx.bus, 2, MSR_X2 + 0xd, &value));
    ck_assert_uint_eq(value, 1u << 2);
    ck_assert(!lapic_msr_read(fx.bus, 2, MSR_X2 + 0xe, &value));  /* no DFR */
    ck_assert(!lapic_msr_read(fx.bus, 2, MSR_X2 + 0x31, &value)); /* nor a high ICR */
    ck_assert(!lapic_msr_read(fx.bus, 2, MSR_X2 + 0xb, &value));  /* EOI cannot be read */
    ck_assert(!lapic_msr_write(fx.bus, 2, MSR_X2 + 0xb, 1));
    ck_assert(!lapic_msr_write(fx.bus, 2, MSR_X2 + 2, 1));
    ck_assert(!lapic_msr_write(fx.bus, 2, MSR_X2 + 8, 0x100));
    ck_assert(!lapic_msr_write(fx.bus, 2, MSR_X2 + 0x32, 1ull << 40));
    ck_assert(!lapic_msr_read(fx.bus, 2, MSR_X2 + 0xff, &value));
}
END_TEST

START_TEST(x2apic_ipis_go_by_wide_ids_clusters_and_self)
{
    x2apic_all();
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_X2 + 0x30, 3ull << 32 | 0x51));
    ck_assert_int_eq(lapic_ack(fx.bus, 3), 0x51);
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_X2 + 0x30, 0x6ull << 32 | 0x852));
    ck_assert_int_eq(lapic_ack(fx.bus, 1), 0x52);
    ck_assert_int_eq(lapic_ack(fx.bus, 2), 0x52);
    ck_assert_int_eq(lapic_ack(fx.bus, 0), -1);
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_X2 + 0x30, 0xffffffffull << 32 | 0x61));
    ck_assert(fx.intr[0] && fx.intr[1] && fx.intr[2] && fx.intr[3]);
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_X2 + 0x3f, 0x71));
    ck_assert_int_eq(lapic_ack(fx.bus, 0), 0x71);
}
END_TEST

START_TEST(modes_of_apic_base_change_only_along_the_allowed_ways)
{
    uint64_t off = 0xfee00100, x = 0xfee00900, x2 = 0xfee00d00;

    ck_assert(!lapic_msr_write(fx.bus, 0, MSR_BASE, 0xfee00500));
    ck_assert(!lapic_msr_write(fx.bus, 0, MSR_BASE, x | 1));
    ck_assert(!lapic_msr_write(fx.bus, 0, MSR_BASE, x | 1ull << 60));
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_BASE, x2));
    ck_assert(!lapic_msr_write(fx.bus, 0, MSR_BASE, x));
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_BASE, off));
    ck_assert(!lapic_msr_write(fx.bus, 0, MSR_BASE, x2));
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_BASE, x));
    ck_assert_uint_eq(in(0, SVR), 0xff);
}
END_TEST

START_TEST(the_window_moves_with_apic_base)
{
    ck_assert(lapic_msr_write(fx.bus, 0, MSR_BASE, 0xd0000900));
    fx.current = 0;
    ck_assert_uint_eq(get32(&fx.bench, 0xd0000000 + SVR), 0xff);
    ck_assert_uint_eq(get32(&fx.bench, 0xfee00000 + SVR), 0xffffffff);
}
END_TEST

START_TEST(message_signalled_interrupts_arrive)
{
    enable_all();
    lapic_bus_deliver_msi(fx.bus, 0xfee02000, 0x0061);
    ck_assert_int_eq(lapic_ack(fx.bus, 2), 0x61);
    lapic_bus_deliver_msi(fx.bus, 0xfee0800c, 0x0162); /* logical, lowest */
    ck_assert_int_eq(lapic_ack(fx.bus, 3), 0x62);
}
END_TEST

START_TEST(any_access_of_any_width_is_survived)
{
    enable_all();
    for (unsigned offset = 0; offset < 0x1000; offset++) {
        for (unsigned width = 1; width <= 8; width *= 2) {
            phys_map_mmio_read(fx.bench.map, LAPIC_DEFAULT_BASE + offset, width);
            phys_map_mmio_write(fx.bench.map, LAPIC_DEFAULT_BASE + offset, width,
                                0xa5a5a5a5a5a5a5a5);
        }
    }
    x2apic_all();
    for (unsigned msr = 0; msr < 0x100; msr++) {
        uint64_t value;

        lapic_msr_write(fx.bus, 0, MSR_X2 + msr, ~0ull);
        lapic_msr_write(fx.bus, 0, MSR_X2 + msr, msr);
        lapic_msr_read(fx.bus, 0, MSR_X2 + msr, &value);
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("lapic");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, reset_values_are_those_of_the_manual);
    tcase_add_test(tc, a_fixed_interrupt_is_taken_served_and_ended);
    tcase_add_test(tc, a_level_interrupt_ends_at_the_io_apic);
    tcase_add_test(tc, the_task_priority_holds_interrupts_off);
    tcase_add_test(tc, a_software_disabled_apic_takes_no_fixed_interrupts_but_nmi);
    tcase_add_loop_test(tc, ipis_reach_whom_they_name, 0, G_N_ELEMENTS(ipi_rows));
    tcase_add_test(tc, lowest_priority_looks_at_the_processors_priority);
    tcase_add_test(tc, the_cluster_model_names_cluster_and_member);
    tcase_add_test(tc, init_and_startup_wake_a_processor);
    tcase_add_test(tc, bad_vectors_are_reported_in_the_error_status);
    tcase_add_test(tc, the_8259_comes_through_lint0);
    tcase_add_test(tc, without_local_apic_the_8259_is_wired_straight);
    tcase_add_test(tc, lint1_gives_an_nmi_on_its_edge);
    tcase_add_test(tc, a_level_triggered_fixed_lint_repeats_after_its_end);
    tcase_add_test(tc, the_one_shot_timer_counts_down_once);
    tcase_add_test(tc, the_periodic_timer_goes_on);
    tcase_add_test(tc, periods_that_the_host_slept_through_follow_one_by_one);
    tcase_add_test(tc, a_timer_that_has_run_down_waits_for_a_count_in_any_mode);
    tcase_add_test(tc, a_masked_timer_counts_in_silence);
    tcase_add_test(tc, an_absurd_period_does_not_hang_the_machine);
    tcase_add_test(tc, the_tsc_deadline_fires_at_its_tsc);
    tcase_add_test(tc, moving_the_tsc_moves_the_deadline);
    tcase_add_test(tc, switching_to_tsc_deadline_disarms);
    tcase_add_test(tc, x2apic_is_reached_by_msrs_alone);
    tcase_add_test(tc, x2apic_ipis_go_by_wide_ids_clusters_and_self);
    tcase_add_test(tc, modes_of_apic_base_change_only_along_the_allowed_ways);
    tcase_add_test(tc, the_window_moves_with_apic_base);
    tcase_add_test(tc, message_signalled_interrupts_arrive);
    tcase_add_test(tc, any_access_of_any_width_is_survived);
    return suite_run(tc, "lapic");
}
