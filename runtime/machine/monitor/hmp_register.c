/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hmp_register.c - $rax and its like in expressions: of a machine that stands for the moment. */
#include <string.h>

#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/hmp_int.h"

static const char *const gpr_names[][16] = {
    { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
      "r13", "r14", "r15" },
    { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" },
};
static const char *const segment_names[] = { "es", "cs", "ss", "ds", "fs", "gs" };

static bool register_read(const Cpu *cpu, const char *name, uint64_t *value)
{
    for (unsigned i = 0; i < 32; i++) {
        if (g_strcmp0(gpr_names[i / 16][i % 16], name) == 0) {
            *value = i < 16 ? cpu->gpr[i] : (uint32_t)cpu->gpr[i % 16];
            return true;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(segment_names); i++) {
        if (strcmp(segment_names[i], name) == 0) {
            *value = cpu->seg[i].selector;
            return true;
        }
        if (g_str_has_prefix(name, segment_names[i]) && strcmp(name + 2, ".base") == 0) {
            *value = cpu->seg[i].base;
            return true;
        }
    }
    return false;
}

bool hmp_register(void *opaque, const char *name, uint64_t *value)
{
    const MonitorCall *call = opaque;
    Machine *machine = call->machine;
    const Cpu *cpu = machine_cpu_count(machine) != 0 ? machine_cpu(machine, 0) : NULL;
    bool found = true;

    if (cpu == NULL) {
        return false;
    }
    machine_hold(machine);
    if (strcmp(name, "pc") == 0 || strcmp(name, "rip") == 0 || strcmp(name, "eip") == 0) {
        *value = cpu->rip;
    } else if (strcmp(name, "eflags") == 0 || strcmp(name, "rflags") == 0) {
        *value = cpu->rflags;
    } else {
        found = register_read(cpu, name, value);
    }
    machine_release(machine);
    return found;
}
