/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pc_int.h"

/* pc_irq.c - interrupt wires.
 *
 * ISA interrupts 0 to 15 go to the 8259s and to the I/O APIC inputs of the same number, but for 0,
 * which goes to input 2.  The 8259s' INTR goes to LINT0 of all local APICs and to input 0 of the
 * I/O APIC.  PCI interrupts come as ISA interrupts, through the ISA bridge's routing; the Q35's
 * also have inputs 16 to 23 of the I/O APIC.  While the HPET has legacy replacement on, it drives 0
 * and 8 instead of PIT and RTC. */

enum { PIIX3_PIRQS = 4, Q35_INTERNAL_SLOT = 25, IOAPIC_PIN_PIRQA = 16 };
enum { IOAPIC_PIN_EXTINT = 0, IOAPIC_PIN_TIMER = 2, IRQ_FERR = 13, SOURCE_SHIFT = 8 };

static const PcCpuSignal cpu_signals[] = {
    [LAPIC_SIGNAL_INTR] = PC_CPU_INTR, [LAPIC_SIGNAL_NMI] = PC_CPU_NMI,
    [LAPIC_SIGNAL_SMI] = PC_CPU_SMI,   [LAPIC_SIGNAL_INIT] = PC_CPU_INIT,
    [LAPIC_SIGNAL_SIPI] = PC_CPU_SIPI,
};

/* ---- ISA ---- */

/* A line of the bus has been driven. */
static void isa_irq_out(void *opaque, unsigned irq, bool level)
{
    Pc *pc = opaque;
    unsigned pin = irq == 0 ? IOAPIC_PIN_TIMER : irq;

    pic_set_irq(pc->pic, irq, level);
    if (irq != IOAPIC_PIN_TIMER) { /* the cascade is no interrupt */
        ioapic_set_pin(pc->ioapic, pin, level || (pc->hpet_pins >> pin & 1) != 0);
    }
}

void pc_set_isa_irq(Pc *pc, unsigned irq, PcIrqSource source, bool level)
{
    isa_bus_set(&pc->isa, irq, source, level);
}

static void isa_line_set(void *opaque, unsigned n, bool level)
{
    pc_set_isa_irq(opaque, n & (ISA_IRQS - 1), n >> SOURCE_SHIFT, level);
}

static bool vector_waits(const Pc *pc, int vector)
{
    return vector >= 0 && lapic_bus_waits(pc->lapics, (uint8_t)vector);
}

/* On its way through the I/O APIC, if that is open; else through the 8259s. */
static bool isa_line_waits(void *opaque, unsigned n)
{
    const Pc *pc = opaque;
    unsigned irq = n & (ISA_IRQS - 1);
    int vector = ioapic_vector(pc->ioapic, irq == 0 ? IOAPIC_PIN_TIMER : irq);

    return vector >= 0 ? vector_waits(pc, vector) : pic_waits(pc->pic, irq);
}

IrqLine pc_isa_out(Pc *pc)
{
    return (IrqLine){ .set = isa_irq_out, .waits = isa_line_waits, .opaque = pc };
}

IrqLine pc_isa_line(Pc *pc, unsigned irq, PcIrqSource source)
{
    return (IrqLine){ .set = isa_line_set,
                      .waits = isa_line_waits,
                      .opaque = pc,
                      .n = irq | source << SOURCE_SHIFT };
}

/* ---- Timers ---- */

static void pit_line_set(void *opaque, unsigned n, bool level)
{
    Pc *pc = opaque;

    (void)n;
    pc->pit_out = level;
    pc_set_isa_irq(pc, 0, IRQ_ISA, level && !pc->hpet_legacy);
}

IrqLine pc_pit_line(Pc *pc)
{
    return (IrqLine){ .set = pit_line_set, .waits = isa_line_waits, .opaque = pc };
}

static void rtc_line_set(void *opaque, unsigned n, bool level)
{
    Pc *pc = opaque;

    (void)n;
    pc->rtc_out = level;
    if (pc->pm != NULL) {
        acpi_pm_rtc_alarm(pc->pm, level);
    }
    pc_set_isa_irq(pc, 8, IRQ_ISA, level && !pc->hpet_legacy);
}

IrqLine pc_rtc_line(Pc *pc)
{
    return (IrqLine){ .set = rtc_line_set, .opaque = pc };
}

static void hpet_legacy_set(void *opaque, unsigned n, bool level)
{
    Pc *pc = opaque;

    (void)n;
    pc->hpet_legacy = level;
    pc_set_isa_irq(pc, 0, IRQ_ISA, pc->pit_out && !level);
    pc_set_isa_irq(pc, 8, IRQ_ISA, pc->rtc_out && !level);
}

/* Other than in legacy mode the HPET reaches the I/O APIC alone. */
static void hpet_gsi_set(void *opaque, unsigned n, bool level)
{
    Pc *pc = opaque;
    unsigned irq = n == IOAPIC_PIN_TIMER ? 0 : n;
    bool isa;

    if (n >= IOAPIC_PINS) {
        return;
    }
    isa = n != 0 && irq < ISA_IRQS && pc->isa.level[irq] != 0;
    pc->hpet_pins = (pc->hpet_pins & ~(1u << n)) | (uint32_t)level << n;
    ioapic_set_pin(pc->ioapic, n, level || isa);
}

static bool hpet_gsi_waits(void *opaque, unsigned n)
{
    const Pc *pc = opaque;

    return n < IOAPIC_PINS && vector_waits(pc, ioapic_vector(pc->ioapic, n));
}

HpetWires pc_hpet_wires(Pc *pc)
{
    return (HpetWires){
        .gsi = { .set = hpet_gsi_set, .waits = hpet_gsi_waits, .opaque = pc },
        .irq0 = pc_isa_line(pc, 0, IRQ_HPET),
        .irq8 = pc_isa_line(pc, 8, IRQ_HPET),
        .legacy = { .set = hpet_legacy_set, .opaque = pc },
    };
}

/* ---- PCI ---- */

/* INTx of slot 1, whose wire is 1, is the PIIX3's PIRQA#; the Q35's wires are numbered as PIRQs. */
unsigned pc_pirq(const Pc *pc, unsigned wire)
{
    return pc->config.q35 ? wire : (wire + PIIX3_PIRQS - 1) % PIIX3_PIRQS;
}

/* PIRQE# to PIRQH# in turn; the devices inside the ICH9 have PIRQA# to PIRQD#. */
unsigned pc_q35_wire(unsigned slot, unsigned intx)
{
    return slot < Q35_INTERNAL_SLOT ? PIIX3_PIRQS + (slot + intx) % PIIX3_PIRQS : intx;
}

void pc_pci_irq(void *opaque, unsigned pin, bool level)
{
    Pc *pc = opaque;

    isa_bridge_set_pirq(pc->isa_bridge, pc_pirq(pc, pin), level);
    if (pc->config.q35) {
        unsigned input = IOAPIC_PIN_PIRQA + pin;

        ioapic_set_pin(pc->ioapic, input, level || (pc->hpet_pins >> input & 1) != 0);
    }
}

void pc_pirq_irq(void *opaque, unsigned irq, bool level)
{
    pc_set_isa_irq(opaque, irq, IRQ_PIRQ, level);
}

/* ---- 8259s, I/O APIC, local APICs, CPUs ---- */

static void pic_intr_set(void *opaque, unsigned n, bool level)
{
    Pc *pc = opaque;

    (void)n;
    lapic_bus_set_lint(pc->lapics, LAPIC_LINT0, level);
    ioapic_set_pin(pc->ioapic, IOAPIC_PIN_EXTINT,
                   level || (pc->hpet_pins >> IOAPIC_PIN_EXTINT & 1) != 0);
}

static int extint_ack(void *opaque)
{
    Pc *pc = opaque;

    return pic_pending(pc->pic) ? pic_ack(pc->pic) : -1;
}

static void ioapic_deliver(void *opaque, const LapicMessage *message)
{
    Pc *pc = opaque;

    lapic_bus_deliver(pc->lapics, message);
}

static void message_deliver(void *opaque, uint64_t address, uint32_t data)
{
    Pc *pc = opaque;

    lapic_bus_deliver_msi(pc->lapics, address, data);
}

static void lapic_eoi_broadcast(void *opaque, uint8_t vector)
{
    Pc *pc = opaque;

    ioapic_eoi(pc->ioapic, vector);
}

static void lapic_signal(void *opaque, unsigned cpu, LapicSignal signal, unsigned value)
{
    Pc *pc = opaque;

    pc->config.signal(pc->config.opaque, cpu, cpu_signals[signal], value);
}

static uint64_t lapic_tsc(void *opaque, unsigned cpu)
{
    Pc *pc = opaque;

    return pc->config.tsc(pc->config.opaque, cpu);
}

void pc_signal_all(Pc *pc, PcCpuSignal signal, unsigned value)
{
    for (unsigned i = 0; i < pc_cpu_places(pc); i++) {
        if (!pc_cpu_there(pc, i)) {
            continue;
        }
        pc->config.signal(pc->config.opaque, i, signal, value);
    }
}

int pc_interrupt_ack(Pc *pc, unsigned cpu)
{
    int vector = lapic_ack(pc->lapics, cpu);

    if (vector >= 0) {
        pit_taken(pc->pit);
        if (pc->hpet != NULL) {
            hpet_taken(pc->hpet);
        }
    }
    return vector;
}

/* ---- The coprocessor's error ---- */

void pc_ferr(Pc *pc)
{
    pc_set_isa_irq(pc, IRQ_FERR, IRQ_ISA, true);
}

static void ferr_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    Pc *pc = opaque;

    (void)width;
    (void)value;
    if (offset != 0) { /* F1 would reset a coprocessor that is a chip of its own */
        return;
    }
    if (pc->isa.level[IRQ_FERR] != 0) { /* IGNNE# only answers FERR# */
        pc_signal_all(pc, PC_CPU_IGNNE, 1);
    }
    pc_set_isa_irq(pc, IRQ_FERR, IRQ_ISA, false);
}

static const IoRange ferr_ports[] = {
    { .base = 0xf0, .count = 2, .widths = IO_8, .write = ferr_write },
};

/* ---- Life ---- */

void pc_interrupts_new(Pc *pc)
{
    const LapicHost host = {
        .clock = pc->config.clock,
        .cpus = pc_cpu_places(pc),
        .there = cpu_slots_there(pc->cpus),
        .ids = pc->config.apic_ids,
        .tsc_hz = pc->config.tsc_hz,
        .current = pc_current_cpu,
        .signal = lapic_signal,
        .tsc = pc->config.tsc != NULL ? lapic_tsc : NULL,
        .extint_ack = extint_ack,
        .eoi = lapic_eoi_broadcast,
        .opaque = pc,
    };

    pc->lapics = lapic_bus_new(pc->config.map, &host);
    pc->board->message = message_deliver;
    pc->board->message_opaque = pc;
    pc->ioapic = ioapic_new(pc->config.map, IOAPIC_BASE, ioapic_deliver, pc);
    pc->pic = pic_new(pc->config.io, (IrqLine){ .set = pic_intr_set, .opaque = pc });
    pc->ferr_ports = io_bus_attach(pc->config.io, ferr_ports, G_N_ELEMENTS(ferr_ports), pc);
}

void pc_interrupts_free(Pc *pc)
{
    io_bus_detach(pc->config.io, pc->ferr_ports);
    pic_free(pc->pic);
    ioapic_free(pc->ioapic);
    lapic_bus_free(pc->lapics);
}

static const StateField pc_irq_fields[] = {
    STATE_ARRAY(STATE_U32, Pc, isa.level),
    STATE_FIELD(STATE_U32, Pc, hpet_pins),
    STATE_FIELD(STATE_BOOL, Pc, hpet_legacy),
    STATE_FIELD(STATE_BOOL, Pc, pit_out),
    STATE_FIELD(STATE_BOOL, Pc, rtc_out),
    STATE_ARRAY(STATE_U64, Pc, smm),
    { 0 },
};

const StateTable pc_irq_state = { .name = "pc", .version = 1, .fields = pc_irq_fields };
