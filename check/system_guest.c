/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_guest.c - tests on the software CPU or translated, from flat 32-bit code on, as a
 * multiboot loader leaves the CPU. The interrupt's source is the transmitter of a PC's first serial
 * port behind an edge-triggered controller with automatic end of interrupt. NMIs and SMIs come from
 * ports and from pages whose reads raise them; SMM has memory of its own. */
#include <Zydis/Mnemonic.h>
#include <string.h>
#include "check/system.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "softmmu/mmu.h"

enum { BUDGET = 20000, IER_TRANSMITTER = 2, FLAT_CODE = 0x08, FLAT_DATA = 0x10, WAKES = 4 };

_Static_assert((int)SYS_EVENT_INTR == (int)CPU_REQUEST_INTR &&
                   (int)SYS_EVENT_NMI == (int)CPU_REQUEST_NMI &&
                   (int)SYS_EVENT_SMI == (int)CPU_REQUEST_SMI,
               "events are requests of the CPU");

/* What SMIs run, in 16-bit code: by START_SMM. */
static const struct {
    uint8_t length, code[8];
} smm_handlers[SYSTEM_SMM_HANDLERS] = {
    { 2, { 0x0f, 0xaa } },
    { 4, { 0xe6, SYS_PORT_EVENT + SYS_EVENT_NMI, 0x0f, 0xaa } }, /* an NMI waits for RSM */
    { 8, { 0x2e, 0xc6, 0x06, 0xc9, 0xfe, 0, 0x0f, 0xaa } },      /* a HLT is over */
};

static SystemGuest *guest_of(const Cpu *cpu)
{
    return cpu->machine;
}

static void guest_raise(SystemGuest *guest, unsigned events)
{
    Cpu *cpu = guest->subject->cpu;

    guest->raised |= (events & SYS_EVENT_INTR) != 0;
    cpu->nmi_blocked |= (events & SYS_EVENT_BLOCK) != 0;
    cpu_request_set(cpu, events & (SYS_EVENT_INTR | SYS_EVENT_NMI | SYS_EVENT_SMI));
}

static void bus_port_out(Cpu *cpu, uint16_t port, unsigned width, uint32_t value)
{
    SystemGuest *guest = guest_of(cpu);

    (void)width;
    if ((port & ~15u) == SYS_PORT_EVENT) {
        guest_raise(guest, port & 15);
    } else if (port == SYS_PORT_IER) {
        if (value & ~(uint32_t)guest->ier & IER_TRANSMITTER) {
            guest_raise(guest, SYS_EVENT_INTR);
        }
        guest->ier = (uint8_t)value;
    }
}

static int bus_interrupt_ack(Cpu *cpu)
{
    SystemGuest *guest = guest_of(cpu);

    cpu_request_clear(cpu, CPU_REQUEST_INTR);
    if (!guest->raised) {
        return -1;
    }
    guest->raised = false;
    return SYS_RAISED;
}

static void bus_triple_fault(Cpu *cpu)
{
    guest_of(cpu)->end = SYSTEM_SHUTDOWN;
    cpu_request_set(cpu, CPU_REQUEST_STOP);
}

static uint64_t events_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)width;
    guest_raise(opaque, (unsigned)(offset >> 11) & 7);
    return offset >> 1 & 0x1ff;
}

static void events_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    (void)opaque;
    (void)offset;
    (void)width;
    (void)value;
}

static const MmioOps events_ops = { .read = events_read, .write = events_write };

static uint8_t bus_tpr_read(Cpu *cpu)
{
    return guest_of(cpu)->tpr;
}

static void bus_tpr_write(Cpu *cpu, uint8_t value)
{
    guest_of(cpu)->tpr = value;
}

SystemGuest *system_guest_new(Executor executor, GError **error)
{
    SystemGuest *guest = g_new0(SystemGuest, 1);
    Cpu *cpu;

    guest->subject = subject_new(executor, SYS_RAM, error);
    if (guest->subject == NULL) {
        g_free(guest);
        return NULL;
    }
    guest->subject->budget = BUDGET;
    phys_map_add_mmio(guest->subject->map, SYS_EVENTS, SYS_EVENTS_SIZE, &events_ops, guest, 0);
    cpu = guest->subject->cpu;
    guest->bus = *cpu->bus;
    guest->bus.port_out = bus_port_out;
    guest->bus.interrupt_ack = bus_interrupt_ack;
    guest->bus.triple_fault = bus_triple_fault;
    guest->bus.tpr_read = bus_tpr_read;
    guest->bus.tpr_write = bus_tpr_write;
    cpu->bus = &guest->bus;
    cpu->machine = guest;
    return guest;
}

void system_guest_free(SystemGuest *guest)
{
    subject_free(guest->subject);
    g_free(guest);
}

/* Pages that are not as they were: translations of the others stay. */
static void pages_load(SystemGuest *guest, uint32_t at, const uint8_t *memory, uint32_t size)
{
    for (uint32_t page = 0; page < size; page += PAGE_SIZE) {
        if (memcmp(guest->subject->ram + at + page, memory + page, PAGE_SIZE) != 0) {
            phys_map_write(guest->subject->map, at + page, memory + page, PAGE_SIZE);
        }
    }
}

static void memory_load(SystemGuest *guest, const uint8_t *memory)
{
    uint8_t smram[SYS_RAM - SYS_SIZE] = { 0 };
    unsigned handler = memory[SYS_START + START_SMM] % SYSTEM_SMM_HANDLERS;

    memcpy(smram, smm_handlers[handler].code, smm_handlers[handler].length);
    pages_load(guest, 0, memory, SYS_SIZE);
    pages_load(guest, SYS_SIZE, smram, sizeof(smram));
}

static void cpu_start(Cpu *cpu)
{
    const uint16_t attr = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED | ATTR_DB | ATTR_G;

    cpu->cr0 = CR0_ET | CR0_PE;
    cpu->cr4 = 0;
    for (unsigned i = 0; i <= GS; i++) {
        cpu->seg[i] = (Segment){ 0, UINT32_MAX, FLAT_DATA, attr };
    }
    cpu->seg[CS].attr |= ATTR_CODE;
    cpu->seg[CS].selector = FLAT_CODE;
    cpu->rip = SYS_KERNEL;
    cpu->smbase = SYS_SMBASE;
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
    mmu_flush_all(cpu);
}

/* Instructions that have stored where the last x87 instruction was, which translated code does not
 * keep (DESIGN.md, section 3). */
static uint64_t x87_stores(const SystemGuest *guest)
{
    static const uint16_t list[] = {
        ZYDIS_MNEMONIC_FNSTENV,  ZYDIS_MNEMONIC_FNSAVE, ZYDIS_MNEMONIC_FXSAVE,
        ZYDIS_MNEMONIC_FXSAVE64, ZYDIS_MNEMONIC_XSAVE,  ZYDIS_MNEMONIC_XSAVE64,
    };
    uint64_t n = 0;

    for (size_t i = 0; guest->subject->engine != NULL && i < G_N_ELEMENTS(list); i++) {
        n += engine_callout_counts(guest->subject->engine)[list[i]];
    }
    return n;
}

/* To the next HLT, or another end. */
static void guest_go_on(SystemGuest *guest)
{
    Subject *subject = guest->subject;
    uint32_t crashed = subject->crashed;

    guest->end = SYSTEM_ENDLESS;
    if (subject_resume(subject)) {
        guest->end = SYSTEM_HALTED;
    } else if (subject->crashed != crashed) {
        guest->end = SYSTEM_CRASHED;
    }
}

void system_guest_run(SystemGuest *guest, const uint8_t *memory)
{
    Subject *subject = guest->subject;
    unsigned wake = memory[SYS_START + START_WAKE];
    uint64_t stores = x87_stores(guest);

    guest->raised = false;
    guest->ier = guest->tpr = 0;
    memory_load(guest, memory);
    subject_reset(subject);
    cpu_start(subject->cpu);
    guest_go_on(guest);
    for (unsigned i = 0;
         i < WAKES && wake != 0 && guest->end == SYSTEM_HALTED && !system_guest_finished(guest);
         i++) {
        guest_raise(guest, wake);
        guest_go_on(guest);
    }
    guest->excused = x87_stores(guest) != stores;
}

bool system_guest_finished(const SystemGuest *guest)
{
    return guest->end == SYSTEM_HALTED && guest->subject->ram[SYS_STATE + STATE_DONE] != 0;
}
