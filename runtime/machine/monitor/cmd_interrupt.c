/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_interrupt.c - commands about interrupt controllers. */
#include <inttypes.h>

#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/cmd_int.h"
#include "runtime/machine/monitor/monitor_rows.h"

static bool run_info_pic(MonitorCall *call, GError **error)
{
    (void)error;
    pc_interrupts_text(call->machine->pc, call->text);
    return true;
}

static unsigned cpu_of_apic_id(const Machine *machine, int64_t id)
{
    unsigned i = 0;

    while (i < machine->cpus && machine->apic_ids[i] != (uint64_t)id) {
        i++;
    }
    return i;
}

static bool run_info_lapic(MonitorCall *call, GError **error)
{
    int64_t id = call_int(call, "apic-id", -1);
    unsigned cpu = id < 0 ? call_cpu(call) : cpu_of_apic_id(call->machine, id);

    if (cpu >= machine_cpu_count(call->machine)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "No CPU with APIC ID %" PRId64, id);
    }
    pc_lapic_text(call->machine->pc, cpu, call->text);
    return true;
}

static const MonitorRow rows[] = {
    { .hmp = "info pic", .run = run_info_pic, .help = "show PIC state" },
    { .hmp = "info lapic",
      .args = "*apic-id:int",
      .run = run_info_lapic,
      .help = "show local apic state (apic-id: local apic to read, default is which of current "
              "CPU)" },
    { 0 },
};

const MonitorTable monitor_interrupt_table = { .rows = rows };
