/* SPDX-License-Identifier: GPL-2.0-or-later */
/* native_guest.c - a test ends at a HLT, which privilege level 3 may not execute: the #GP(0) that
 * it raises there is the normal end.  Every exception comes to a HLT of its own at level 0. */
#include "check/native_guest.h"
#include <glib.h>
#include <string.h>
#include "runtime/software_cpu/software_cpu_int.h"
#include "softmmu/mmu.h"

/* Guest physical addresses; the first part is also at KERNEL for the CPU itself. */
enum {
    RAM = 1 << 20,
    PML4 = 0x1000,
    PDPT = 0x2000, /* of the lowest 512 GiB */
    PD = 0x3000,
    PT_CODE = 0x4000,
    PT_WINDOW = 0x5000,
    KERNEL_PDPT = 0x6000,
    KERNEL_PD = 0x7000,
    KERNEL_PT = 0x8000,
    GDT = 0x10000,
    IDT = 0x11000,
    TSS = 0x12000,
    HANDLERS = 0x13000, /* 16 bytes a vector */
    STACK = 0x15000,    /* grows down from here */
    KERNEL_END = 0x16000,
    WINDOW = 0x20000,
    CODE = 0x30000,
};

enum { KERNEL_CS = 0x10, PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_AD = 0x60, HLT = 0xf4 };
static const uint64_t KERNEL = 0xffff800000000000, PTE_NX = 1ull << 63;

struct NativeGuest {
    Isa isa;
    Subject *subject;
    const NativeImage *image;
};

static void put(NativeGuest *guest, uint64_t gpa, uint64_t value)
{
    memcpy(guest->subject->ram + gpa, &value, sizeof(value));
}

static void table_link(NativeGuest *guest, uint64_t table, unsigned index, uint64_t to,
                       uint64_t flags)
{
    put(guest, table + index * 8, to | flags | PTE_AD | PTE_P);
}

static void paging_set(NativeGuest *guest)
{
    const uint64_t user = PTE_U | PTE_W;

    table_link(guest, PML4, 0, PDPT, user);
    table_link(guest, PML4, 256, KERNEL_PDPT, PTE_W);
    table_link(guest, PDPT, 0, PD, user);
    table_link(guest, PD, NATIVE_CODE >> 21, PT_CODE, user);
    table_link(guest, PD, NATIVE_WINDOW >> 21, PT_WINDOW, user);
    table_link(guest, KERNEL_PDPT, 0, KERNEL_PD, PTE_W);
    table_link(guest, KERNEL_PD, 0, KERNEL_PT, PTE_W);
    for (unsigned i = 0; i < NATIVE_CODE_SIZE >> PAGE_SHIFT; i++) {
        table_link(guest, PT_CODE, i, CODE + i * PAGE_SIZE, PTE_U);
    }
    for (unsigned i = 0; i < NATIVE_WINDOW_SIZE >> PAGE_SHIFT; i++) {
        bool writable = i < NATIVE_WRITABLE >> PAGE_SHIFT;

        table_link(guest, PT_WINDOW, i, WINDOW + i * PAGE_SIZE,
                   PTE_U | PTE_NX | (writable ? PTE_W : 0));
    }
    for (unsigned i = 0; i < KERNEL_END >> PAGE_SHIFT; i++) {
        table_link(guest, KERNEL_PT, i, (uint64_t)i * PAGE_SIZE, PTE_W);
    }
}

static void tables_set(NativeGuest *guest)
{
    put(guest, GDT + KERNEL_CS, 0x00209b0000000000);
    put(guest, GDT + (HOST_DATA & ~7), 0x00cff3000000ffff);
    put(guest, GDT + (HOST_CS64 & ~7), 0x00affb000000ffff);
    put(guest, TSS + 4, KERNEL + STACK);
    put(guest, TSS + 0x60, 0xffffull << 48); /* no I/O permission map */
    for (unsigned i = 0; i < 256; i++) {
        uint64_t handler = KERNEL + HANDLERS + i * 16;
        uint64_t gate = i == VECTOR_BP || i == VECTOR_OF ? 0xee00 : 0x8e00;

        put(guest, IDT + i * 16,
            (handler & 0xffff) | KERNEL_CS << 16 | gate << 32 | (handler >> 16 & 0xffff) << 48);
        put(guest, IDT + i * 16 + 8, handler >> 32);
        guest->subject->ram[HANDLERS + i * 16] = HLT;
    }
}

static void system_set(NativeGuest *guest)
{
    Cpu *cpu = guest->subject->cpu;

    cpu->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    cpu->cr3 = PML4;
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
    cpu->efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    cpu->gdtr = (TableRegister){ KERNEL + GDT, 0x7f };
    cpu->idtr = (TableRegister){ KERNEL + IDT, 0xfff };
    cpu->seg[TR] = (Segment){ KERNEL + TSS, 0x67, 0x40, ATTR_P | 0xb };
    cpu->seg[LDTR] = (Segment){ 0 };
}

NativeGuest *native_guest_new(Isa isa, Executor executor, GError **error)
{
    NativeGuest *guest = g_new0(NativeGuest, 1);

    guest->isa = isa;
    guest->subject = subject_new(executor, RAM, error);
    if (guest->subject == NULL) {
        g_free(guest);
        return NULL;
    }
    paging_set(guest);
    tables_set(guest);
    system_set(guest);
    cpu_mode_update(guest->subject->cpu);
    mmu_mode_changed(guest->subject->cpu);
    mmu_flush_all(guest->subject->cpu);
    return guest;
}

void native_guest_free(NativeGuest *guest)
{
    subject_free(guest->subject);
    g_free(guest);
}

const Cpu *native_guest_cpu(const NativeGuest *guest)
{
    return guest->subject->cpu;
}

void native_guest_leave(uint8_t *code)
{
    *code = HLT;
}

void native_guest_prepare(NativeGuest *guest, const NativeImage *image, const uint8_t *code)
{
    guest->image = image;
    memcpy(guest->subject->ram + WINDOW, image->bytes, NATIVE_WINDOW_SIZE);
    phys_map_write(guest->subject->map, CODE, code, NATIVE_CODE_SIZE);
}

/* ---- One test ---- */

static void segments_set16(Cpu *cpu)
{
    const uint16_t data = ATTR_P | ATTR_S | ATTR_DPL | ATTR_RW | ATTR_ACCESSED;
    const Segment stack = { NATIVE_SEGMENT, 0xffff, HOST_DATA16, data };

    cpu->seg[CS] = (Segment){ NATIVE_CODE, 0xffff, HOST_CS16, data | ATTR_CODE };
    cpu->seg[SS] = cpu->seg[DS] = cpu->seg[FS] = stack;
    cpu->seg[ES] = (Segment){ NATIVE_SEGMENT, NATIVE_ES_LIMIT, HOST_ES16, data };
    cpu->seg[GS] = (Segment){ 0 };
}

static void segments_set(const NativeGuest *guest, Cpu *cpu)
{
    const uint16_t data = ATTR_P | ATTR_S | ATTR_DPL | ATTR_RW | ATTR_ACCESSED | ATTR_DB | ATTR_G;
    const uint16_t code = ATTR_P | ATTR_S | ATTR_DPL | ATTR_RW | ATTR_ACCESSED | ATTR_CODE | ATTR_G;
    const Segment flat = { 0, UINT32_MAX, HOST_DATA, data }, null = { 0 };
    bool wide = guest->isa == ISA_64;

    cpu->seg[CS] = (Segment){ 0, UINT32_MAX, wide ? HOST_CS64 : HOST_CS32,
                              (uint16_t)(code | (wide ? ATTR_L : ATTR_DB)) };
    cpu->seg[SS] = flat;
    cpu->seg[DS] = cpu->seg[ES] = cpu->seg[FS] = cpu->seg[GS] = wide ? null : flat;
}

static uint64_t pushed(const NativeGuest *guest, unsigned i)
{
    uint64_t value;

    memcpy(&value, guest->subject->ram + (guest->subject->cpu->gpr[RSP] - KERNEL) + i * 8, 8);
    return value;
}

/* The exception that was raised, from its frame. */
static void end_from_frame(const NativeGuest *guest, NativeEnd *end)
{
    const Cpu *cpu = guest->subject->cpu;
    uint64_t from = cpu->gpr[RSP] - (KERNEL + STACK - 64);
    bool has_error = from < 64 && from % 16 != 8;

    end->vector = (uint32_t)((cpu->rip - 1 - KERNEL - HANDLERS) / 16);
    if (end->vector > 255 || from >= 64) {
        end->vector = NATIVE_LOST;
        return;
    }
    end->error = has_error ? pushed(guest, 0) : 0;
    end->address = cpu->cr2;
    end->rip = pushed(guest, has_error);
    end->rflags = pushed(guest, 2 + has_error);
    end->gpr[RSP] = pushed(guest, 3 + has_error);
}

void native_guest_run(NativeGuest *guest, const NativeStart *start, NativeEnd *end)
{
    Cpu *cpu = guest->subject->cpu;
    bool halted;

    if (guest->isa == ISA_16) {
        segments_set16(cpu);
    } else {
        segments_set(guest, cpu);
    }
    memcpy(cpu->gpr, start->gpr, sizeof(cpu->gpr));
    memcpy(cpu->xsave, start->vector, sizeof(start->vector));
    cpu->rip = start->rip;
    cpu->rflags = start->rflags;
    cpu_mode_update(cpu);
    halted = subject_run(guest->subject);
    memcpy(end->gpr, cpu->gpr, sizeof(end->gpr));
    memcpy(end->vector_state, cpu->xsave, sizeof(end->vector_state));
    end->vector = NATIVE_LOST;
    if (halted) {
        end_from_frame(guest, end);
    }
    if (end->vector == VECTOR_GP && end->rip == start->leave && end->error == 0) {
        end->vector = NATIVE_END;
    }
    native_lines(guest->image, guest->subject->ram + WINDOW, end);
}
