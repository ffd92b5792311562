/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mode.c - Cpu.mode and Cpu.context from the state they stand for.  CPL is the DPL of SS, as every
 * load of SS leaves it; real mode and virtual-8086 mode overrule it. */
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/cpu/cpu_debug.h"

enum { FLAGS_OF_MODE = FLAG_TF | FLAG_VM | FLAG_AC | FLAG_IOPL };

static uint32_t mode_privilege(const Cpu *cpu)
{
    uint32_t cpl, iopl, mode = 0;

    if (!(cpu->cr0 & CR0_PE)) {
        return MODE_IOPL_OK;
    }
    mode |= MODE_PE;
    cpl = (cpu->seg[SS].attr & ATTR_DPL) >> ATTR_DPL_SHIFT;
    if (cpu->rflags & FLAG_VM) {
        mode |= MODE_VM;
        cpl = 3;
    }
    iopl = (cpu->rflags & FLAG_IOPL) >> FLAG_IOPL_SHIFT;
    mode |= cpl << MODE_CPL_SHIFT;
    if (cpl <= iopl) {
        mode |= MODE_IOPL_OK;
    }
    if (cpl < 3 && (cpu->cr4 & CR4_SMAP) && (cpu->rflags & FLAG_AC)) {
        mode |= MODE_AC;
    }
    if (cpl == 3 && (cpu->cr0 & CR0_AM) && (cpu->rflags & FLAG_AC)) {
        mode |= MODE_ALIGN;
    }
    return mode;
}

/* Present, and every access inside the limit that is not a fetch is allowed. */
static bool segment_is_data(const Segment *seg)
{
    enum { RIGHTS = ATTR_P | ATTR_CODE | ATTR_DC | ATTR_RW };

    return (seg->attr & RIGHTS) == (ATTR_P | ATTR_RW);
}

/* The same, 4 GiB from its base on. */
static bool segment_open(const Segment *seg)
{
    return seg->limit == UINT32_MAX && segment_is_data(seg);
}

static bool segment_flat(const Segment *seg)
{
    return seg->base == 0 && segment_open(seg);
}

static bool code_is_16(const Segment *cs)
{
    return (cs->attr & (ATTR_P | ATTR_RW | ATTR_DB)) == (ATTR_P | ATTR_RW) &&
           cs->limit == UINT16_MAX;
}

static uint32_t mode_data(const Segment *seg, bool protected, uint32_t bit)
{
    return segment_is_data(seg) && (protected || seg->limit >= UINT16_MAX) ? bit : 0;
}

/* Those that are in `flat` need nothing else. */
static uint32_t mode_data_segments(const Cpu *cpu, uint32_t flat)
{
    bool protected = (cpu->cr0 & CR0_PE) && !(cpu->rflags & FLAG_VM);
    uint32_t mode = 0;

    if (!(flat & MODE_FLAT_ES)) {
        mode |= mode_data(&cpu->seg[ES], protected, MODE_DATA_ES);
    }
    if (!(flat & MODE_FLAT_SS)) {
        mode |= mode_data(&cpu->seg[SS], protected, MODE_DATA_SS);
    }
    if (!(flat & MODE_FLAT_DS)) {
        mode |= mode_data(&cpu->seg[DS], protected, MODE_DATA_DS);
    }
    if (!(flat & MODE_OPEN_FS)) {
        mode |= mode_data(&cpu->seg[FS], protected, MODE_DATA_FS);
    }
    if (!(flat & MODE_OPEN_GS)) {
        mode |= mode_data(&cpu->seg[GS], protected, MODE_DATA_GS);
    }
    return mode;
}

static uint32_t mode_segments(const Cpu *cpu)
{
    uint32_t mode = 0;

    if ((cpu->efer & EFER_LMA) && (cpu->seg[CS].attr & ATTR_L)) {
        return MODE_CS64 | MODE_FLAT_CS | MODE_FLAT_SS | MODE_FLAT_DS | MODE_FLAT_ES;
    }
    if (cpu->seg[CS].attr & ATTR_DB) {
        mode |= MODE_CS32;
    }
    if (cpu->seg[SS].attr & ATTR_DB) {
        mode |= MODE_SS32;
    }
    if (cpu->seg[CS].base == 0 && cpu->seg[CS].limit == UINT32_MAX) {
        mode |= MODE_FLAT_CS;
    }
    if (segment_flat(&cpu->seg[SS])) {
        mode |= MODE_FLAT_SS;
    }
    if (segment_flat(&cpu->seg[DS])) {
        mode |= MODE_FLAT_DS;
    }
    if (segment_flat(&cpu->seg[ES])) {
        mode |= MODE_FLAT_ES;
    }
    if (segment_open(&cpu->seg[FS])) {
        mode |= MODE_OPEN_FS;
    }
    if (segment_open(&cpu->seg[GS])) {
        mode |= MODE_OPEN_GS;
    }
    if (code_is_16(&cpu->seg[CS])) {
        mode |= MODE_CODE16;
    }
    return mode | mode_data_segments(cpu, mode);
}

static uint32_t mode_units(const Cpu *cpu)
{
    enum { XCR0_AVX = 6 };
    uint32_t mode = 0;

    if (cpu->cr0 & (CR0_EM | CR0_TS)) {
        mode |= MODE_NO_FPU;
    }
    if ((cpu->cr0 & (CR0_EM | CR0_TS)) || !(cpu->cr4 & CR4_OSFXSR)) {
        mode |= MODE_NO_SSE;
    }
    if ((cpu->cr0 & CR0_TS) || !(cpu->cr4 & CR4_OSXSAVE) || (cpu->xcr0 & XCR0_AVX) != XCR0_AVX) {
        mode |= MODE_NO_AVX;
    }
    return mode;
}

void cpu_mode_update(Cpu *cpu)
{
    uint32_t mode = mode_privilege(cpu) | mode_segments(cpu) | mode_units(cpu);

    if (cpu->efer & EFER_LMA) {
        mode |= MODE_LMA;
    }
    if (cpu->cr0 & CR0_PG) {
        mode |= MODE_PG;
    }
    if (cpu->rflags & FLAG_TF) {
        mode |= MODE_TF;
    }
    if ((cpu->dr[7] & 0xff) || (cpu->debug != NULL && cpu->debug->watches != 0)) {
        mode |= MODE_DEBUG;
    }
    cpu->mode = mode;
    cpu->context = (mode & MODE_CPL) == MODE_CPL ? MMU_USER
                   : mode & MODE_AC              ? MMU_KERNEL_AC
                                                 : MMU_KERNEL;
}

void flags_write(Cpu *cpu, uint64_t value, uint64_t mask)
{
    uint64_t old = cpu->rflags;

    cpu->rflags = (old & ~mask) | (value & mask) | FLAG_1;
    if ((old ^ cpu->rflags) & FLAGS_OF_MODE) {
        cpu_mode_update(cpu);
    }
}
