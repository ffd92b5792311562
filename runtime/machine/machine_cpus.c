/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_cpus.c - the machine's CPUs: those that it starts with, and those that come and go.
 *
 * A CPU that goes keeps its thread, which waits for a SIPI that never comes; the next one in its
 * place takes it over. */
#include "runtime/machine/machine_int.h"

#include <stdio.h>

#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/tsc.h"

enum { APIC_ID_LIMIT = 255 };

Cpu *machine_cpu(Machine *machine, unsigned index)
{
    return vcpu_cpu(machine->vcpu[index]);
}

unsigned machine_cpu_count(const Machine *machine)
{
    return machine->cpus;
}

bool machine_has_cpu(const Machine *machine, unsigned index)
{
    return index < machine->cpus && machine->vcpu[index] != NULL &&
           pc_cpu_there(machine->pc, index);
}

void machine_each_vcpu(Machine *machine, void (*each)(Vcpu *vcpu))
{
    for (unsigned i = 0; i < machine->cpus; i++) {
        if (machine->vcpu[i] != NULL) {
            each(machine->vcpu[i]);
        }
    }
}

/* ---- Those from the start ---- */

/* Local APIC IDs, which xAPIC mode and the MADT's entries hold in eight bits. */
static bool machine_number_cpus(Machine *machine, GError **error)
{
    const SmpOptions *smp = &machine->options->smp;

    machine->apic_id_limit = cpu_model_apic_id(machine->model, smp->maxcpus - 1) + 1;
    if (machine->apic_id_limit > APIC_ID_LIMIT) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_REFUSED,
                    "-smp: the last CPU of this topology has APIC ID %u; %d is the highest",
                    machine->apic_id_limit - 1, APIC_ID_LIMIT - 1);
        return false;
    }
    machine->apic_ids = g_new0(uint32_t, smp->maxcpus);
    for (unsigned i = 0; i < smp->maxcpus; i++) {
        machine->apic_ids[i] = cpu_model_apic_id(machine->model, i);
    }
    return true;
}

static bool cpu_make(Machine *machine, unsigned index, GError **error)
{
    const VcpuConfig config = {
        .index = index,
        .model = machine->model,
        .traits = machine->traits,
        .bus = &machine_cpu_bus,
        .machine = machine,
        .map = machine->map,
        .clock = index == 0 ? machine->clock_source : NULL,
        .log = machine->log,
    };

    machine->vcpu[index] = vcpu_new(&config, error);
    return machine->vcpu[index] != NULL;
}

bool machine_make_cpus(Machine *machine, GError **error)
{
    const SmpOptions *smp = &machine->options->smp;
    const CpuTopology topology = { smp->dies, smp->cores, smp->threads };
    const GPtrArray *warnings;

    machine->model = cpu_model_new(machine->options->cpu, error);
    if (machine->model == NULL) {
        g_prefix_error(error, "-cpu %s: ", machine->options->cpu);
        return false;
    }
    warnings = cpu_model_warnings(machine->model);
    for (guint i = 0; i < warnings->len; i++) {
        fprintf(stderr, "doppel: warning: -cpu %s: %s\n", machine->options->cpu,
                (const char *)g_ptr_array_index(warnings, i));
    }
    machine->traits = host_traits_new();
    cpu_model_set_topology(machine->model, &topology);
    cpu_model_set_tsc_hz(machine->model, tsc_hz());
    if (!machine_number_cpus(machine, error)) {
        return false;
    }
    machine->cpu_type = g_strdup_printf("%s-x86_64-cpu", cpu_model_name(machine->model));
    machine->vcpu = g_new0(Vcpu *, smp->maxcpus);
    machine->cpus = smp->maxcpus;
    for (unsigned i = 0; i < smp->cpus; i++) {
        if (!cpu_make(machine, i, error)) {
            return false;
        }
    }
    return true;
}

/* ---- Those that come and go ---- */

/* A thread of its own for a CPU in a place that never had one. */
static bool cpu_add(Machine *machine, unsigned index, GError **error)
{
    if (!cpu_make(machine, index, error)) {
        return false;
    }
    if (machine->engine != NULL) {
        engine_attach(machine->engine, machine_cpu(machine, index));
    }
    return !machine->started || vcpu_start(machine->vcpu[index], error);
}

bool machine_cpu_plug(void *opaque, unsigned index, GError **error)
{
    Machine *machine = opaque;
    const Cpu *first = machine_cpu(machine, 0);
    Cpu *cpu;

    if (machine->vcpu[index] != NULL) {
        vcpu_reset(machine->vcpu[index]);
    } else if (!cpu_add(machine, index, error)) {
        return false;
    }
    cpu = machine_cpu(machine, index);
    cpu->tsc_offset = first->tsc_offset;
    cpu->a20_mask = first->a20_mask;
    if (machine->gdbstub != NULL) {
        gdbstub_cpu_came(machine->gdbstub);
    }
    return true;
}

void machine_cpu_unplug(void *opaque, unsigned index)
{
    Machine *machine = opaque;

    vcpu_request(machine->vcpu[index], CPU_REQUEST_INIT);
}
