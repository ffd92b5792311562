/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fault.c - host signals in translated code. The instruction is run again on the software CPU,
 * which raises the guest's exception with its exact state. */
#include "runtime/engine/engine_int.h"
#include "softmmu/mmu.h"
#include <signal.h>
#include <ucontext.h>

static const FaultPoint *fault_point_at(const Engine *engine, const Block *block, uint32_t offset)
{
    const FaultPoint *point = (const FaultPoint *)(const void *)(engine->rx + block->faults);

    for (unsigned i = 0; i < block->n_faults; i++) {
        if (point[i].host == offset) {
            return &point[i];
        }
    }
    return NULL;
}

static void registers_from_host(Cpu *cpu, const greg_t *regs)
{
    static const int places[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_R9, REG_RBP,
                                    REG_RSI, REG_RDI, REG_R8,  REG_R15, -1,     -1,
                                    REG_R12, REG_R13, REG_R14, -1 };

    for (unsigned i = 0; i < 16; i++) {
        if (places[i] >= 0) {
            cpu->gpr[i] = (uint64_t)regs[places[i]];
        }
    }
}

/* A fault of an access through the window? The page is mapped, if it can be. */
static bool window_fault(Cpu *cpu, const void *address, const greg_t *regs)
{
    Access access = regs[REG_ERR] & 2 ? ACCESS_WRITE : ACCESS_READ;
    Engine *engine = cpu->engine;
    const Block *block;

    switch (mmu_window_fault(cpu, address, access)) {
    case WINDOW_MAPPED:
        return true;
    case WINDOW_REFUSED:
        block = block_at_host(engine, (const uint8_t *)regs[REG_RIP]);
        if (block != NULL) {
            heat_refused(cpu->engine_cpu, block);
        }
        return false;
    default:
        return false;
    }
}

bool engine_signal(Cpu *cpu, int signo, const void *address, void *ucontext)
{
    greg_t *regs = ((ucontext_t *)ucontext)->uc_mcontext.gregs;
    const uint8_t *host = (const uint8_t *)regs[REG_RIP];
    Engine *engine = cpu->engine;
    const FaultPoint *point;
    Block *block;
    uint64_t flags;

    if (engine == NULL || host < engine->rx || host >= engine->rx + engine->size) {
        return false;
    }
    if (signo == SIGSEGV && window_fault(cpu, address, regs)) {
        return true;
    }
    block = block_at_host(engine, host);
    point = block == NULL
                ? NULL
                : fault_point_at(engine, block, (uint32_t)(host - engine->rx) - block->code);
    if (point == NULL) {
        return false;
    }
    registers_from_host(cpu, regs);
    if (!(point->page_offset & FAULT_POINT_SAVED)) {
        flags = (uint64_t)regs[REG_EFL];
        cpu->jit_flags = (uint32_t)((flags & 0xff) << 8 | (flags >> 11 & 1));
    }
    cpu->engine_cpu->fault_offset = point->page_offset & 0xfff;
    regs[REG_RIP] = (greg_t)stub_fault;
    regs[REG_RSP] = (greg_t)cpu;
    return true;
}
