/* SPDX-License-Identifier: GPL-2.0-or-later */
/* boot_cpu.c - the CPU as a loader hands it to a kernel: flat segments, memory types set up. */
#include "runtime/machine/boot_int.h"

#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/software_cpu_int.h"

enum {
    ATTR_FLAT_CODE = ATTR_P | ATTR_S | ATTR_CODE | ATTR_RW | ATTR_ACCESSED | ATTR_G,
    ATTR_FLAT_DATA = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED | ATTR_G | ATTR_DB,
    PAGE_TABLE_FLAGS = 0x3,  /* present, writable */
    PAGE_LARGE_FLAGS = 0x83, /* and 2 MiB */
    MTRR_UC = 0,
    MTRR_WB = 6,
    MTRR_ENABLED = 0xc00, /* variable and fixed ranges */
};

#define MTRR_ALL(type) ((type)*0x0101010101010101ull)

static uint64_t descriptor(uint16_t attr)
{
    return 0xffffull | (uint64_t)(attr | 0xf00) << 40; /* base 0, limit 4 GiB */
}

static void gdt_write(const BootTarget *target, bool long_mode, uint16_t cs, uint16_t ds)
{
    uint64_t gdt[4] = { 0 };

    g_assert(cs / 8 < G_N_ELEMENTS(gdt) && ds / 8 < G_N_ELEMENTS(gdt));
    gdt[cs / 8] = descriptor(ATTR_FLAT_CODE | (long_mode ? ATTR_L : ATTR_DB));
    gdt[ds / 8] = descriptor(ATTR_FLAT_DATA);
    phys_map_write(target->map, BOOT_GDT, gdt, sizeof(gdt));
    target->cpu->gdtr = (TableRegister){ BOOT_GDT, sizeof(gdt) - 1 };
    target->cpu->idtr = (TableRegister){ 0, 0 };
}

static void segments_set(Cpu *cpu, bool long_mode, uint16_t cs, uint16_t ds)
{
    for (SegmentName name = ES; name <= GS; name++) {
        cpu->seg[name] = (Segment){ .limit = UINT32_MAX, .selector = ds, .attr = ATTR_FLAT_DATA };
    }
    cpu->seg[CS].selector = cs;
    cpu->seg[CS].attr = ATTR_FLAT_CODE | (long_mode ? ATTR_L : ATTR_DB);
}

/* Everything is write-back but the display window, ROMs and the PCI hole. */
static void memory_types_set(const BootTarget *target)
{
    Cpu *cpu = target->cpu;
    unsigned bits = cpu->model != NULL ? cpu_model_phys_bits(cpu->model) : 40;
    uint64_t hole = 0xc0000000;

    cpu->mtrr_def_type = MTRR_ENABLED | MTRR_WB;
    cpu->mtrr_fixed[0] = MTRR_ALL(MTRR_WB);
    cpu->mtrr_fixed[1] = MTRR_ALL(MTRR_WB);
    cpu->mtrr_fixed[2] = MTRR_ALL(MTRR_UC);
    for (unsigned i = 3; i < G_N_ELEMENTS(cpu->mtrr_fixed); i++) {
        cpu->mtrr_fixed[i] = MTRR_ALL(5ull); /* write-protected */
    }
    cpu->mtrr_base[0] = hole | MTRR_UC;
    cpu->mtrr_mask[0] = (((1ull << bits) - 1) & ~((1ull << 30) - 1)) | 0x800;
}

static void registers_clear(Cpu *cpu)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(cpu->gpr); i++) {
        cpu->gpr[i] = 0;
    }
    cpu->rflags = FLAG_1;
    cpu->cr4 = 0;
    cpu->efer = 0;
}

void boot_cpu_protected(const BootTarget *target, uint32_t entry, uint16_t cs, uint16_t ds)
{
    Cpu *cpu = target->cpu;

    gdt_write(target, false, cs, ds);
    registers_clear(cpu);
    segments_set(cpu, false, cs, ds);
    memory_types_set(target);
    cpu->cr0 = CR0_PE | CR0_ET;
    cpu->rip = entry;
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
}

void boot_cpu_real(const BootTarget *target, uint32_t vector)
{
    Cpu *cpu = target->cpu;

    registers_clear(cpu);
    memory_types_set(target);
    cpu->seg[CS].selector = (uint16_t)(vector >> 4);
    cpu->seg[CS].base = (uint64_t)(uint16_t)(vector >> 4) << 4;
    cpu->rip = vector & 0xf;
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
}

/* Six pages: one PML4, one PDPT, four directories of 2 MiB pages. */
static void identity_map_write(PhysMap *map, uint64_t tables)
{
    uint64_t entries[512] = { 0 };

    entries[0] = (tables + PAGE_SIZE) | PAGE_TABLE_FLAGS;
    phys_map_write(map, tables, entries, sizeof(entries));
    for (unsigned i = 0; i < 4; i++) {
        entries[i] = (tables + (2 + i) * PAGE_SIZE) | PAGE_TABLE_FLAGS;
    }
    phys_map_write(map, tables + PAGE_SIZE, entries, sizeof(entries));
    for (uint64_t directory = 0; directory < 4; directory++) {
        for (uint64_t i = 0; i < 512; i++) {
            entries[i] = (directory << 30) + (i << 21) + PAGE_LARGE_FLAGS;
        }
        phys_map_write(map, tables + (2 + directory) * PAGE_SIZE, entries, sizeof(entries));
    }
}

void boot_cpu_long(const BootTarget *target, uint64_t entry, uint64_t tables)
{
    Cpu *cpu = target->cpu;

    gdt_write(target, true, BOOT_CS, BOOT_DS);
    identity_map_write(target->map, tables);
    registers_clear(cpu);
    segments_set(cpu, true, BOOT_CS, BOOT_DS);
    memory_types_set(target);
    cpu->cr0 = CR0_PE | CR0_ET | CR0_PG;
    cpu->cr3 = tables;
    cpu->cr4 = CR4_PAE;
    cpu->efer = EFER_LME | EFER_LMA;
    cpu->rip = entry;
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
}
