/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pc_cpus.c - the board's CPUs: each has a place and a local APIC; firmware is told how many. */
#include "hw/pc_int.h"

static bool plug(void *opaque, unsigned cpu, GError **error)
{
    Pc *pc = opaque;

    if (!pc->config.cpu_plug(pc->config.opaque, cpu, error)) {
        return false;
    }
    lapic_reset(pc->lapics, cpu);
    pc_firmware_cpus(pc);
    return true;
}

static void unplug(void *opaque, unsigned cpu)
{
    Pc *pc = opaque;

    pc->config.cpu_unplug(pc->config.opaque, cpu);
    lapic_reset(pc->lapics, cpu);
    pc_firmware_cpus(pc);
}

void pc_cpus_new(Pc *pc)
{
    const CpuSlotsConfig config = {
        .cpus = pc->config.cpus,
        .places = MAX(pc->config.max_cpus, pc->config.cpus),
        .dies = pc->config.dies,
        .cores = pc->config.cores / MAX(pc->config.dies, 1u),
        .threads = pc->config.threads,
        .apic_ids = pc->config.apic_ids,
        .numa = pc->config.numa,
        .type_name = pc->config.cpu_type,
        .plug = plug,
        .unplug = unplug,
        .opaque = pc,
    };

    pc->cpus = cpu_slots_new(pc->board, &config);
}

bool pc_cpu_there(const Pc *pc, unsigned cpu)
{
    return cpu_slots_there(pc->cpus)[cpu];
}

const Device *pc_cpu_device(const Pc *pc, unsigned cpu)
{
    return cpu_slots_device(pc->cpus, cpu);
}
