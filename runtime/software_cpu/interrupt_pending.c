/* SPDX-License-Identifier: GPL-2.0-or-later */
/* interrupt_pending.c - events that wait for the CPU to take them, in order of priority (SDM vol. 3
 * section 6.9). Compiled with -mgeneral-regs-only. */
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/interrupt.h"
#include "runtime/software_cpu/software_cpu.h"
#include "runtime/software_cpu/system.h"

enum { SIPI_PAGE_SHIFT = 12, SIPI_SELECTOR_SHIFT = 8 };

/* Ignored unless it is waited for. */
static bool sipi_take(Cpu *cpu)
{
    if (!cpu->wait_sipi) {
        return false;
    }
    cpu->seg[CS].selector = (uint16_t)(cpu->sipi_vector << SIPI_SELECTOR_SHIFT);
    cpu->seg[CS].base = (uint64_t)cpu->sipi_vector << SIPI_PAGE_SHIFT;
    cpu->rip = 0;
    cpu->wait_sipi = false;
    cpu->halted = false;
    cpu_mode_update(cpu);
    return true;
}

/* The event that is taken next, of those that nothing holds off; 0: none. */
static uint32_t event_next(const Cpu *cpu)
{
    uint32_t request = __atomic_load_n(&cpu->request, __ATOMIC_RELAXED);

    if ((request & CPU_REQUEST_INIT) && !cpu->smm) {
        return CPU_REQUEST_INIT;
    }
    if (cpu->wait_sipi || (request & CPU_REQUEST_SIPI)) {
        return request & CPU_REQUEST_SIPI;
    }
    if (cpu->shadow != SHADOW_NONE) { /* SMIs too: RSM would not bring it back */
        return 0;
    }
    if ((cpu->mode & (MODE_TF | MODE_DEBUG)) && debug_pending(cpu) != 0) { /* traps come first */
        return 0;
    }
    if ((request & CPU_REQUEST_SMI) && !cpu->smm) {
        return CPU_REQUEST_SMI;
    }
    if ((request & CPU_REQUEST_NMI) && !cpu->nmi_blocked) {
        return CPU_REQUEST_NMI;
    }
    return cpu->rflags & FLAG_IF ? request & CPU_REQUEST_INTR : 0;
}

bool interrupt_ready(const Cpu *cpu)
{
    uint32_t event = event_next(cpu);

    return event != 0 && (event != CPU_REQUEST_SIPI || cpu->wait_sipi);
}

/* An interrupt from outside: benign as the first of two faults. */
static bool external_deliver(Cpu *cpu, uint8_t vector)
{
    cpu->halted = false;
    if (!interrupt_deliver(cpu, vector, INTERRUPT_EXTERNAL, false, 0, cpu->rip)) {
        exception_deliver(cpu);
    }
    return true;
}

static bool intr_take(Cpu *cpu)
{
    int vector = cpu->bus->interrupt_ack(cpu);

    return vector >= 0 && external_deliver(cpu, (uint8_t)vector);
}

static void init_take(Cpu *cpu)
{
    software_cpu_reset(cpu, true);
    cpu->halted = false;
    cpu->wait_sipi = cpu->index != 0;
}

bool interrupt_poll(Cpu *cpu)
{
    uint32_t event = event_next(cpu);

    if (event == 0) {
        return false;
    }
    if (event != CPU_REQUEST_INTR) { /* that one is a level, and the bus's */
        cpu_request_clear(cpu, event);
    }
    switch (event) {
    case CPU_REQUEST_INIT:
        init_take(cpu);
        return true;
    case CPU_REQUEST_SIPI:
        return sipi_take(cpu);
    case CPU_REQUEST_SMI:
        smm_enter(cpu);
        return true;
    case CPU_REQUEST_NMI:
        cpu->nmi_blocked = true;
        return external_deliver(cpu, VECTOR_NMI);
    case CPU_REQUEST_INTR:
        return intr_take(cpu);
    default:
        return false;
    }
}
