/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/trace.h"

#include <inttypes.h>

#include "softmmu/mmu.h"
#include "translator/insn.h"

static void trace_segment(const char *name, const Segment *segment, Log *log, uint32_t items)
{
    log_printf(log, items, "%-4s=%04x %016" PRIx64 " %08x %04x\n", name, segment->selector,
               segment->base, segment->limit, segment->attr);
}

void trace_registers(const Cpu *cpu, Log *log, uint32_t items)
{
    static const char *const names[16] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                           "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15" };
    static const char *const segments[SEGMENTS] = {
        "ES", "CS", "SS", "DS", "FS", "GS", "LDT", "TR"
    };

    if (!log_wants(log, items)) {
        return;
    }
    for (unsigned i = 0; i < 16; i += 4) {
        log_printf(log, items,
                   "%s=%016" PRIx64 " %s=%016" PRIx64 " %s=%016" PRIx64 " %s=%016" PRIx64 "\n",
                   names[i], cpu->gpr[i], names[i + 1], cpu->gpr[i + 1], names[i + 2],
                   cpu->gpr[i + 2], names[i + 3], cpu->gpr[i + 3]);
    }
    log_printf(log, items, "RIP=%016" PRIx64 " RFL=%08" PRIx64 " CPL=%u HLT=%d SMM=%d A20=%d\n",
               cpu->rip, cpu->rflags, cpu_cpl(cpu), cpu->halted, cpu->smm,
               (cpu->a20_mask >> 20) & 1);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        trace_segment(segments[i], &cpu->seg[i], log, items);
    }
    log_printf(log, items, "GDT=     %016" PRIx64 " %08x\nIDT=     %016" PRIx64 " %08x\n",
               cpu->gdtr.base, cpu->gdtr.limit, cpu->idtr.base, cpu->idtr.limit);
    log_printf(log, items,
               "CR0=%08" PRIx64 " CR2=%016" PRIx64 " CR3=%016" PRIx64 " CR4=%08" PRIx64
               " EFER=%016" PRIx64 "\n",
               cpu->cr0, cpu->cr2, cpu->cr3, cpu->cr4, cpu->efer);
}

static unsigned code_width(const Cpu *cpu)
{
    return cpu->mode & MODE_CS64 ? 8 : cpu->mode & MODE_CS32 ? 4 : 2;
}

/* The bytes are read without side effects: tracing must not change what the guest sees. */
static void trace_instruction(Cpu *cpu, Log *log, uint64_t address)
{
    uint8_t bytes[INSN_MAX_LENGTH];
    unsigned n = 0;
    char text[160];
    Insn insn;

    for (uint64_t gpa; n < sizeof(bytes) && mmu_translate_debug(cpu, address + n, &gpa); n++) {
        phys_map_read(soft_mmu_map(cpu->mmu), gpa, &bytes[n], 1);
    }
    if (n == 0 || insn_decode(&insn, bytes, n, code_width(cpu)) != INSN_OK) {
        log_printf(log, LOG_IN_ASM, "0x%08" PRIx64 ":  (bad)\n", address);
        return;
    }
    insn_format(&insn, cpu->rip, text, sizeof(text));
    log_printf(log, LOG_IN_ASM, "0x%08" PRIx64 ":  %s\n", address, text);
}

void trace_before(Cpu *cpu, Log *log)
{
    uint64_t address = cpu->seg[CS].base + cpu->rip;

    if (!(cpu->mode & MODE_CS64)) {
        address = (uint32_t)address;
    }
    if (!log_address(log, address)) {
        return;
    }
    log_printf(log, LOG_EXEC, "exec %u: 0x%08" PRIx64 " mode %05x\n", cpu->index, address,
               cpu->mode);
    if (log_wants(log, LOG_IN_ASM)) {
        trace_instruction(cpu, log, address);
    }
    trace_registers(cpu, log, LOG_CPU);
}

void trace_exception(const Cpu *cpu, Log *log, uint64_t rip)
{
    const Fault *fault = &cpu->fault;

    log_printf(log, LOG_INT,
               "cpu %u: exception %02x error %04x at %016" PRIx64 ", CR2 %016" PRIx64
               ", handler %04x:%016" PRIx64 "\n",
               cpu->index, fault->vector, fault->has_error ? fault->error : 0, rip, cpu->cr2,
               cpu->seg[CS].selector, cpu->rip);
}

void trace_interrupt(const Cpu *cpu, Log *log, int vector)
{
    if (vector >= 0) {
        log_printf(log, LOG_INT, "cpu %u: interrupt %02x at %04x:%016" PRIx64 "\n", cpu->index,
                   (unsigned)vector, cpu->seg[CS].selector, cpu->rip);
    }
}
