/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_bus.c - what the vCPUs ask of the board. Compiled with -mgeneral-regs-only: every entry
 * parks the vector state before it calls anything. */
#include "runtime/machine/machine_int.h"

#include <inttypes.h>

#include "runtime/engine/trace.h"

static Machine *enter(Cpu *cpu)
{
    Machine *machine = cpu->machine;

    cpu_vector_park(cpu);
    machine_lock(machine);
    return machine;
}

static uint32_t bus_port_in(Cpu *cpu, uint16_t port, unsigned width)
{
    Machine *machine = enter(cpu);
    uint32_t value = io_bus_read(machine->io, port, width);

    machine_unlock(machine);
    return value;
}

static void bus_port_out(Cpu *cpu, uint16_t port, unsigned width, uint32_t value)
{
    Machine *machine = enter(cpu);

    io_bus_write(machine->io, port, width, value);
    machine_unlock(machine);
}

static int bus_interrupt_ack(Cpu *cpu)
{
    Machine *machine = enter(cpu);
    int vector = pc_interrupt_ack(machine->pc, cpu->index);

    if (log_wants(machine->log, LOG_INT)) {
        trace_interrupt(cpu, machine->log, vector);
    }
    machine_unlock(machine);
    return vector;
}

static bool bus_apic_msr_read(Cpu *cpu, uint32_t msr, uint64_t *value)
{
    Machine *machine = enter(cpu);
    bool exists = pc_apic_msr_read(machine->pc, cpu->index, msr, value);

    machine_unlock(machine);
    return exists;
}

static bool bus_apic_msr_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    Machine *machine = enter(cpu);
    bool taken = pc_apic_msr_write(machine->pc, cpu->index, msr, value);

    machine_unlock(machine);
    return taken;
}

static uint8_t bus_tpr_read(Cpu *cpu)
{
    Machine *machine = enter(cpu);
    uint8_t value = pc_tpr_read(machine->pc, cpu->index);

    machine_unlock(machine);
    return value;
}

static void bus_tpr_write(Cpu *cpu, uint8_t value)
{
    Machine *machine = enter(cpu);

    pc_tpr_write(machine->pc, cpu->index, value);
    machine_unlock(machine);
}

static void bus_triple_fault(Cpu *cpu)
{
    Machine *machine = enter(cpu);

    log_printf(machine->log, LOG_GUEST_ERRORS | LOG_INT | LOG_RESET, "cpu %u: triple fault\n",
               cpu->index);
    trace_registers(cpu, machine->log, LOG_RESET | LOG_INT);
    machine_request_stop(machine, STOP_TRIPLE_FAULT, 0);
    machine_unlock(machine);
}

static void bus_smm_changed(Cpu *cpu, bool smm)
{
    Machine *machine = enter(cpu);

    pc_smm_changed(machine->pc, cpu->index, smm);
    machine_unlock(machine);
}

static void bus_ferr(Cpu *cpu)
{
    Machine *machine = enter(cpu);

    pc_ferr(machine->pc);
    machine_unlock(machine);
}

static void bus_msr_refused(Cpu *cpu, uint32_t msr, bool write, uint64_t value)
{
    Machine *machine = enter(cpu);

    if (write) {
        log_printf(machine->log, LOG_GUEST_ERRORS,
                   "cpu %u: write of 0x%016" PRIx64 " to unknown MSR 0x%08" PRIx32
                   ", or of a value that it does not take\n",
                   cpu->index, value, msr);
    } else {
        log_printf(machine->log, LOG_GUEST_ERRORS, "cpu %u: read of unknown MSR 0x%08" PRIx32 "\n",
                   cpu->index, msr);
    }
    machine_unlock(machine);
}

static void bus_tsc_changed(Cpu *cpu)
{
    Machine *machine = enter(cpu);

    pc_tsc_changed(machine->pc, cpu->index);
    machine_unlock(machine);
}

static uint64_t bus_wall_clock(Cpu *cpu)
{
    Machine *machine = enter(cpu);
    uint64_t now = (uint64_t)clock_wall(machine->clock);

    machine_unlock(machine);
    return now;
}

static void bus_alone_begin(Cpu *cpu)
{
    if (cpu->engine != NULL) {
        engine_alone_begin(cpu);
    }
}

static void bus_alone_end(Cpu *cpu)
{
    if (cpu->engine != NULL) {
        engine_alone_end(cpu);
    }
}

const CpuBus machine_cpu_bus = {
    .port_in = bus_port_in,
    .port_out = bus_port_out,
    .interrupt_ack = bus_interrupt_ack,
    .apic_msr_read = bus_apic_msr_read,
    .apic_msr_write = bus_apic_msr_write,
    .tpr_read = bus_tpr_read,
    .tpr_write = bus_tpr_write,
    .triple_fault = bus_triple_fault,
    .smm_changed = bus_smm_changed,
    .ferr = bus_ferr,
    .alone_begin = bus_alone_begin,
    .alone_end = bus_alone_end,
    .msr_refused = bus_msr_refused,
    .tsc_changed = bus_tsc_changed,
    .wall_clock = bus_wall_clock,
};

uint64_t machine_guest_tsc(Machine *machine, unsigned cpu)
{
    return __builtin_ia32_rdtsc() + machine_cpu(machine, cpu)->tsc_offset;
}
