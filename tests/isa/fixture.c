/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/isa/fixture.h"
#include <glib.h>
#include <string.h>
#include "runtime/software_cpu/decode_cache.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "softmmu/mmu.h"

enum { ENGINE_STACK = 256 << 10 };

enum {
    PTE_P = 1,
    PTE_W = 2,
    PTE_U = 4,
    PTE_ALL = PTE_P | PTE_W | PTE_U,
    ATTR_CODE32 = ATTR_P | ATTR_S | ATTR_CODE | ATTR_RW | ATTR_ACCESSED | ATTR_DB | ATTR_G,
    ATTR_DATA32 = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED | ATTR_DB | ATTR_G,
    ATTR_CODE64 = ATTR_P | ATTR_S | ATTR_CODE | ATTR_RW | ATTR_ACCESSED | ATTR_L | ATTR_G,
    ATTR_CODE16 = ATTR_P | ATTR_S | ATTR_CODE | ATTR_RW | ATTR_ACCESSED,
    ATTR_DATA16 = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED,
    ATTR_TSS_BUSY = ATTR_P | 0xb,
    TSS_LIMIT = 0x67 + 0x20 + 0x2000, /* interrupt redirection map and I/O map behind it */
    TSS_IO_MAP = 0x68 + 0x20,
};

static uint32_t bus_port_in(Cpu *cpu, uint16_t port, unsigned width)
{
    const Fixture *fx = cpu->machine;

    (void)port;
    return fx->in_value & (uint32_t)width_mask(width);
}

static void bus_port_out(Cpu *cpu, uint16_t port, unsigned width, uint32_t value)
{
    Fixture *fx = cpu->machine;

    fx->out_port = port;
    fx->out_width = width;
    fx->out_value = value & (uint32_t)width_mask(width);
    fx->outs++;
}

static int bus_interrupt_ack(Cpu *cpu)
{
    Fixture *fx = cpu->machine;
    int vector = fx->interrupt;

    fx->interrupt = -1;
    cpu_request_clear(cpu, CPU_REQUEST_INTR);
    return vector;
}

static bool bus_apic_msr_read(Cpu *cpu, uint32_t msr, uint64_t *value)
{
    (void)cpu;
    (void)msr;
    *value = 0;
    return true;
}

static bool bus_apic_msr_write(Cpu *cpu, uint32_t msr, uint64_t value)
{
    (void)cpu;
    (void)msr;
    (void)value;
    return true;
}

static uint8_t bus_tpr_read(Cpu *cpu)
{
    (void)cpu;
    return 0;
}

static void bus_tpr_write(Cpu *cpu, uint8_t value)
{
    (void)cpu;
    (void)value;
}

static void bus_triple_fault(Cpu *cpu)
{
    ((Fixture *)cpu->machine)->triple_faults++;
}

static void bus_smm_changed(Cpu *cpu, bool smm)
{
    (void)cpu;
    (void)smm;
}

static void bus_ferr(Cpu *cpu)
{
    (void)cpu;
}

static void bus_msr_refused(Cpu *cpu, uint32_t msr, bool write, uint64_t value)
{
    (void)msr, (void)write, (void)value;
    ((Fixture *)cpu->machine)->msrs_refused++;
}

static void bus_tsc_changed(Cpu *cpu)
{
    ((Fixture *)cpu->machine)->tsc_changes++;
}

static uint64_t bus_wall_clock(Cpu *cpu)
{
    (void)cpu;
    return FIXTURE_WALL_SECONDS * 1000000000ull;
}

static const CpuBus fixture_bus = {
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
    .msr_refused = bus_msr_refused,
    .tsc_changed = bus_tsc_changed,
    .wall_clock = bus_wall_clock,
};

uint64_t fixture_read(const Fixture *fx, uint64_t gpa, unsigned width)
{
    uint64_t value = 0;

    g_assert(gpa + width <= FIXTURE_RAM);
    memcpy(&value, fx->ram + gpa, width);
    return value;
}

void fixture_write(Fixture *fx, uint64_t gpa, unsigned width, uint64_t value)
{
    phys_map_write(fx->map, gpa, &value, width);
}

static bool long_mode(const Fixture *fx)
{
    return fx->mode == FIXTURE_COMPAT || fx->mode == FIXTURE_LONG64;
}

static bool has_paging(const Fixture *fx)
{
    return long_mode(fx) || fx->mode == FIXTURE_PAGING32;
}

static uint64_t page_entry(const Fixture *fx, uint64_t gva)
{
    g_assert(has_paging(fx) && gva < FIXTURE_RAM);
    return FIXTURE_PT + (gva >> PAGE_SHIFT) * (long_mode(fx) ? 8 : 4);
}

void fixture_set_page(Fixture *fx, uint64_t gva, uint64_t flags)
{
    uint64_t page = gva & ~(uint64_t)(PAGE_SIZE - 1);

    fixture_write(fx, page_entry(fx, gva), long_mode(fx) ? 8 : 4, page | flags);
    mmu_flush_all(fx->cpu);
}

uint64_t fixture_get_page(const Fixture *fx, uint64_t gva)
{
    return fixture_read(fx, page_entry(fx, gva), long_mode(fx) ? 8 : 4);
}

void fixture_set_descriptor(Fixture *fx, uint16_t selector, uint32_t base, uint32_t limit,
                            uint16_t attr)
{
    uint64_t gpa = FIXTURE_GDT + (selector & ~7u);
    uint32_t high = (base & 0xff000000) | ((base >> 16) & 0xff) | (limit & 0xf0000) |
                    ((uint32_t)attr & 0xf0ff) << 8;

    fixture_write(fx, gpa, 4, base << 16 | (limit & 0xffff));
    fixture_write(fx, gpa + 4, 4, high);
}

static void tables_paging(Fixture *fx)
{
    unsigned width = long_mode(fx) ? 8 : 4;
    unsigned per_table = PAGE_SIZE / width;

    for (uint64_t i = 0; i < FIXTURE_RAM >> PAGE_SHIFT; i++) {
        fixture_write(fx, FIXTURE_PT + i * width, width, i << PAGE_SHIFT | PTE_ALL);
    }
    for (uint64_t i = 0; i < (FIXTURE_RAM >> PAGE_SHIFT) / per_table; i++) {
        fixture_write(fx, FIXTURE_PD + i * width, width, (FIXTURE_PT + i * PAGE_SIZE) | PTE_ALL);
    }
    if (long_mode(fx)) {
        fixture_write(fx, FIXTURE_PML4, 8, FIXTURE_PDPT | PTE_ALL);
        fixture_write(fx, FIXTURE_PDPT, 8, FIXTURE_PD | PTE_ALL);
    }
    fx->cpu->cr3 = long_mode(fx) ? FIXTURE_PML4 : FIXTURE_PD;
}

static void tables_descriptors(Fixture *fx)
{
    const uint16_t user = 3 << ATTR_DPL_SHIFT;

    fixture_set_descriptor(fx, FIXTURE_CS32, 0, 0xfffff, ATTR_CODE32);
    fixture_set_descriptor(fx, FIXTURE_DATA32, 0, 0xfffff, ATTR_DATA32);
    fixture_set_descriptor(fx, FIXTURE_CS64, 0, 0xfffff, ATTR_CODE64);
    fixture_set_descriptor(fx, FIXTURE_CS16, 0, 0xffff, ATTR_CODE16);
    fixture_set_descriptor(fx, FIXTURE_DATA16, 0, 0xffff, ATTR_DATA16);
    fixture_set_descriptor(fx, FIXTURE_USER_CS32, 0, 0xfffff, ATTR_CODE32 | user);
    fixture_set_descriptor(fx, FIXTURE_USER_DATA, 0, 0xfffff, ATTR_DATA32 | user);
    fixture_set_descriptor(fx, FIXTURE_USER_CS64, 0, 0xfffff, ATTR_CODE64 | user);
    fixture_set_descriptor(fx, FIXTURE_TR, FIXTURE_TSS, TSS_LIMIT, ATTR_TSS_BUSY);
    fx->cpu->gdtr = (TableRegister){ FIXTURE_GDT, FIXTURE_GDT_LIMIT };
}

static void tables_tss(Fixture *fx)
{
    if (long_mode(fx)) {
        fixture_write(fx, FIXTURE_TSS + 4, 8, FIXTURE_STACK0);
    } else {
        fixture_write(fx, FIXTURE_TSS + 4, 4, FIXTURE_STACK0);
        fixture_write(fx, FIXTURE_TSS + 8, 4, FIXTURE_DATA32);
    }
    fixture_write(fx, FIXTURE_TSS + 102, 2, TSS_IO_MAP);
    fixture_write(fx, FIXTURE_TSS + TSS_LIMIT, 1, 0xff);
    fx->cpu->seg[TR] = (Segment){ FIXTURE_TSS, TSS_LIMIT, FIXTURE_TR, ATTR_TSS_BUSY };
}

static void tables_handlers(Fixture *fx)
{
    uint16_t selector = fx->mode == FIXTURE_PROTECTED16 ? FIXTURE_CS16
                        : long_mode(fx)                 ? FIXTURE_CS64
                                                        : FIXTURE_CS32;

    memset(fx->ram + FIXTURE_HANDLERS, 0xf4, 256);
    for (unsigned i = 0; i < 256; i++) {
        uint32_t handler = FIXTURE_HANDLERS + i;

        if (fx->mode == FIXTURE_REAL) {
            fixture_write(fx, i * 4, 4, handler);
        } else {
            uint64_t gate = FIXTURE_IDT + i * (long_mode(fx) ? 16 : 8);

            fixture_write(fx, gate, 4, handler | (uint32_t)selector << 16);
            fixture_write(fx, gate + 4, 4, 0xee00); /* 32 or 64-bit interrupt gate, DPL 3 */
        }
    }
    if (fx->mode == FIXTURE_REAL) {
        fx->cpu->idtr = (TableRegister){ 0, 0x3ff };
    } else {
        fx->cpu->idtr = (TableRegister){ FIXTURE_IDT, long_mode(fx) ? 0xfff : 0x7ff };
    }
}

static void segment_set(Cpu *cpu, SegmentName name, uint16_t selector, uint16_t attr)
{
    uint32_t limit = attr & ATTR_G ? 0xffffffff : 0xffff;

    cpu->seg[name] = (Segment){ 0, limit, selector, attr };
}

static void segments_set(Cpu *cpu, uint16_t cs, uint16_t cs_attr, uint16_t data, uint16_t data_attr)
{
    segment_set(cpu, CS, cs, cs_attr);
    segment_set(cpu, SS, data, data_attr);
    segment_set(cpu, DS, data, data_attr);
    segment_set(cpu, ES, data, data_attr);
    segment_set(cpu, FS, data, data_attr);
    segment_set(cpu, GS, data, data_attr);
}

void fixture_set_cpl(Fixture *fx, unsigned cpl)
{
    Cpu *cpu = fx->cpu;
    const uint16_t user = 3 << ATTR_DPL_SHIFT;

    g_assert(cpl == 0 || cpl == 3);
    if (cpl == 3) {
        bool wide = fx->mode == FIXTURE_LONG64;

        segments_set(cpu, wide ? FIXTURE_USER_CS64 : FIXTURE_USER_CS32,
                     (uint16_t)((wide ? ATTR_CODE64 : ATTR_CODE32) | user), FIXTURE_USER_DATA,
                     ATTR_DATA32 | user);
    } else if (fx->mode == FIXTURE_PROTECTED16) {
        segments_set(cpu, FIXTURE_CS16, ATTR_CODE16, FIXTURE_DATA16, ATTR_DATA16);
    } else if (fx->mode == FIXTURE_LONG64) {
        segments_set(cpu, FIXTURE_CS64, ATTR_CODE64, FIXTURE_DATA32, ATTR_DATA32);
    } else {
        segments_set(cpu, FIXTURE_CS32, ATTR_CODE32, FIXTURE_DATA32, ATTR_DATA32);
    }
    cpu_mode_update(cpu);
}

static void state_set(Fixture *fx)
{
    Cpu *cpu = fx->cpu;

    cpu->cr0 = CR0_ET | CR0_NE | (fx->mode == FIXTURE_REAL ? 0 : CR0_PE) |
               (has_paging(fx) ? CR0_PG | CR0_WP : 0);
    cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE | (long_mode(fx) ? CR4_PAE : 0);
    cpu->efer = long_mode(fx) ? EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE : 0;
    cpu->xcr0 = cpu->xsave_mask;
    cpu->rflags = FLAG_1;
    if (fx->mode == FIXTURE_REAL) {
        segments_set(cpu, 0, ATTR_DATA16, 0, ATTR_DATA16);
    } else if (fx->mode == FIXTURE_VM86) {
        const uint16_t attr = ATTR_DATA16 | 3 << ATTR_DPL_SHIFT;

        cpu->rflags |= FLAG_VM | FLAG_IOPL;
        segments_set(cpu, 0, attr, 0, attr);
    } else {
        fixture_set_cpl(fx, 0);
    }
    memset(cpu->gpr, 0, sizeof(cpu->gpr));
    cpu->gpr[RSP] = FIXTURE_STACK;
    cpu->rip = FIXTURE_CODE;
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
    mmu_flush_all(cpu);
}

/* x87, SSE and, where the host has them, AVX and AVX-512. */
static uint64_t host_vector_components(void)
{
    uint32_t low, high;

    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low | (uint64_t)high << 32) & 0xe7;
}

void fixture_reset(Fixture *fx)
{
    Cpu *cpu = fx->cpu;
    static const uint8_t zero[PAGE_SIZE];

    for (uint64_t gpa = 0; gpa < FIXTURE_RAM; gpa += PAGE_SIZE) {
        if (memcmp(fx->ram + gpa, zero, PAGE_SIZE) != 0) {
            phys_map_write(fx->map, gpa, zero, PAGE_SIZE);
        }
    }
    cpu->vector_live = false;
    software_cpu_reset(cpu, false);
    cpu->request = 0;
    cpu->halted = false;
    cpu->fault = (Fault){ 0 };
    cpu->host_mxcsr = 0x1f80;
    cpu->xsave_mask = host_vector_components();
    memset(cpu->xsave, 0, sizeof(cpu->xsave));
    cpu->xsave[0] = 0x7f; /* control word 0x037f */
    cpu->xsave[1] = 0x03;
    cpu->xsave[24] = 0x80; /* MXCSR 0x1f80 */
    cpu->xsave[25] = 0x1f;
    fx->outs = 0;
    fx->in_value = 0xffffffff;
    fx->interrupt = -1;
    fx->triple_faults = 0;
    tables_descriptors(fx);
    tables_tss(fx);
    tables_handlers(fx);
    if (has_paging(fx)) {
        tables_paging(fx);
    }
    state_set(fx);
}

Fixture *fixture_new(FixtureMode mode)
{
    Fixture *fx = g_new0(Fixture, 1);

    fx->mode = mode;
    fx->map = phys_map_new(FIXTURE_RAM, NULL);
    g_assert(fx->map != NULL);
    phys_map_add_ram(fx->map, 0, 0, FIXTURE_RAM, 0);
    fx->ram = phys_map_ram(fx->map);
    /* Translated code pushes below the Cpu: see runtime/engine/engine.h. */
    fx->memory = g_aligned_alloc0(1, ENGINE_STACK + sizeof(Cpu), 64);
    fx->cpu = (Cpu *)(void *)(fx->memory + ENGINE_STACK);
    fx->cpu->a20_mask = 0xffffffff;
    fx->cpu->bus = &fixture_bus;
    fx->cpu->machine = fx;
    fx->cpu->mmu = soft_mmu_new(fx->cpu, fx->map);
    fx->cpu->decode = decode_cache_new();
    fixture_reset(fx);
    return fx;
}

void fixture_free(Fixture *fx)
{
    decode_cache_free(fx->cpu->decode);
    soft_mmu_free(fx->cpu->mmu);
    g_aligned_free(fx->memory);
    phys_map_free(fx->map);
    g_free(fx);
}

void fixture_load(Fixture *fx, const void *code, size_t size)
{
    static const uint8_t hlt = 0xf4;

    phys_map_write(fx->map, FIXTURE_CODE, code, size);
    phys_map_write(fx->map, FIXTURE_CODE + size, &hlt, 1);
    fx->cpu->rip = FIXTURE_CODE;
}

FixtureEnd fixture_run(Fixture *fx, unsigned max_steps)
{
    FixtureEnd end = FIXTURE_STEPS;

    for (unsigned i = 0; i < max_steps && end == FIXTURE_STEPS; i++) {
        const Insn *insn = software_cpu_fetch(fx->cpu);

        if (insn == NULL) {
            end = FIXTURE_FAULT;
        } else if (insn->mnemonic == ZYDIS_MNEMONIC_HLT) {
            fx->cpu->rip += insn->length;
            end = FIXTURE_HLT;
        } else if (software_cpu_exec(fx->cpu, insn) == STEP_FAULT) {
            end = FIXTURE_FAULT;
        }
    }
    cpu_vector_park(fx->cpu);
    return end;
}

bool fixture_step(Fixture *fx)
{
    bool running = software_cpu_step(fx->cpu);

    cpu_vector_park(fx->cpu);
    return running;
}

int fixture_run_delivering(Fixture *fx, unsigned max_steps)
{
    const Cpu *cpu = fx->cpu;

    for (unsigned i = 0; i < max_steps; i++) {
        uint64_t linear = cpu->seg[CS].base + cpu->rip;

        if (linear < FIXTURE_RAM && fx->ram[linear] == 0xf4) {
            bool handler = linear >= FIXTURE_HANDLERS && linear < FIXTURE_HANDLERS + 256;

            return handler ? (int)(linear - FIXTURE_HANDLERS) : -1;
        }
        if (!fixture_step(fx)) {
            return -2;
        }
    }
    return -2;
}
