/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_suspend.c - S3 (ACPI 16.1.3): memory and the devices that can wake go on, CPUs are off.
 */
#include "runtime/machine/machine_int.h"

static void vcpu_park(Vcpu *vcpu)
{
    vcpu_cpu(vcpu)->wait_sipi = true;
}

/* They wait as application processors do after INIT: nothing but a reset gets them out of it. */
void machine_suspend(Machine *machine)
{
    machine_each_vcpu(machine, vcpu_park);
}

bool machine_wake(Machine *machine, GError **error)
{
    BootTarget target = {
        .map = machine->map,
        .io = machine->io,
        .pc = machine->pc,
        .cpu = machine_cpu(machine, 0),
    };
    bool firmware = machine->boot == NULL || options_have_flash(machine->options);
    uint32_t vector = 0;

    machine_lock(machine);
    machine_reset_cpus(machine);
    pc_wake(machine->pc);
    if (!firmware) {
        vector = pc_waking_vector(machine->pc);
        boot_resume(&target, vector);
    }
    machine_unlock(machine);
    /* as firmware starts anew when nobody has said where to go on */
    return firmware || vector != 0 || machine_reset(machine, error);
}
