/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_image.c - descriptor tables, tasks, page tables and the start block of a test. */
#include <string.h>
#include "check/system.h"
#include "check/system_image.h"

extern const uint8_t system_kernel[], system_kernel_end[];
extern const uint8_t system_stubs_real[], system_stubs_16[], system_stubs_32[], system_stubs_64[];
extern const uint8_t system_iret16[], system_syscall64[], system_syscall32[];
extern const uint8_t system_sysenter64[], system_sysenter32[], system_gate32[], system_gate64[];

enum {
    HLT = 0xf4,
    CODE32 = 0xc09b, /* attributes in the form of Segment.attr, with ATTR_G and ATTR_DB */
    DATA32 = 0xc093,
    CODE64 = 0xa09b,
    CODE16 = 0x009b,
    DATA16 = 0x0093,
    USER = 3 << ATTR_DPL_SHIFT,
    PAGE_ALL = 7, /* present, writable, user */
    PAGE_USER = 4,
    PAGE_LARGE = 0x80,
    TSS_LIMIT = 0x108,
    REDIRECTION = 0x68,
    IO_MAP = 0x88,
};

static uint32_t kernel_at(const uint8_t *label)
{
    return SYS_KERNEL + (uint32_t)(label - system_kernel);
}

void image_put(uint8_t *memory, uint32_t at, unsigned width, uint64_t value)
{
    memcpy(memory + at, &value, width);
}

static bool is_long(const SystemStart *start)
{
    return start->mode >= SYSTEM_COMPAT;
}

/* ---- Descriptors ---- */

uint64_t descriptor_make(uint32_t base, uint32_t limit, unsigned attr)
{
    return (uint64_t)(limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
           (uint64_t)(attr & 0xff) << 40 | (uint64_t)(limit >> 16 & 15) << 48 |
           (uint64_t)(attr >> 12) << 52 | (uint64_t)(base >> 24) << 56;
}

uint64_t gate_make(uint16_t selector, uint32_t offset, unsigned attr, unsigned count)
{
    return (offset & 0xffff) | (uint64_t)selector << 16 | (uint64_t)(count & 0x1f) << 32 |
           (uint64_t)(attr & 0xff) << 40 | (uint64_t)(offset >> 16) << 48;
}

typedef struct DescriptorRow {
    uint16_t selector;
    uint16_t attr;
    uint32_t base, limit;
} DescriptorRow;

/* The first rows are what the kernel and system calls need; the others are there to be stumbled
 * over. See SELECTOR_* and the list of selectors in system_insns.c. */
static const DescriptorRow gdt_rows[] = {
    { SELECTOR_CODE32, CODE32, 0, 0xfffff },
    { SELECTOR_DATA32, DATA32, 0, 0xfffff },
    { SELECTOR_CODE64, CODE64, 0, 0xfffff },
    { SELECTOR_DATA64, DATA32, 0, 0xfffff },
    { SELECTOR_CODE16, CODE16, 0, 0xffff },
    { SELECTOR_DATA16, DATA16, 0, 0xffff },
    { SELECTOR_USER_CODE32, CODE32 | USER, 0, 0xfffff },
    { SELECTOR_USER_DATA, DATA32 | USER, 0, 0xfffff },
    { SELECTOR_USER_CODE64, CODE64 | USER, 0, 0xfffff },
    { SELECTOR_USER_CODE16, CODE16 | USER, 0, 0xffff },
    { SELECTOR_USER_DATA16, DATA16 | USER, 0, 0xffff },
    { SELECTOR_SYSENTER, CODE32, 0, 0xfffff },
    { SELECTOR_SYSENTER + 8, DATA32, 0, 0xfffff },
    { SELECTOR_SYSENTER + 16, CODE32 | USER, 0, 0xfffff },
    { SELECTOR_SYSENTER + 24, DATA32 | USER, 0, 0xfffff },
    { SELECTOR_SYSENTER + 32, CODE64 | USER, 0, 0xfffff },
    { SELECTOR_SYSENTER + 40, DATA32 | USER, 0, 0xfffff },
    { SELECTOR_TSS, 0x89, SYS_TSS, TSS_LIMIT },
    { SELECTOR_LDT, 0x82, SYS_LDT, 0x3f },
    { SELECTOR_TSS_B, 0x89, SYS_TSS_B, 0x67 },
    { SELECTOR_TSS_C, 0x81, SYS_TSS_C, 0x2b },
    { 0xd0, DATA32 & ~ATTR_P, 0, 0xfffff },
    { 0xd8, DATA32 & ~ATTR_RW, 0, 0xfffff },
    { 0xe0, CODE32 & ~ATTR_RW, 0, 0xfffff },
    { 0xe8, CODE32 | ATTR_DC, 0, 0xfffff },
    { 0xf0, DATA32 | 1 << ATTR_DPL_SHIFT, 0, 0xfffff },
    { 0xf8, CODE32 | 2 << ATTR_DPL_SHIFT, 0, 0xfffff },
    { 0x100, DATA32 | ATTR_DC, 0, 0xa },
    { 0x108, DATA16 | ATTR_DB, SYS_DATA, 0x7f },
    { 0x110, CODE32 & ~ATTR_P, 0, 0xfffff },
    { 0x158, 0x8b, SYS_TSS_B, 0x67 }, /* busy */
    { 0x168, 0x02, SYS_LDT, 0x3f },   /* LDT that is not present */
    { 0x178, DATA32 & ~ATTR_ACCESSED, SYS_DATA, 0xfffff },
    { 0x180, CODE32 & ~ATTR_ACCESSED, 0, 0xfffff },
    { 0x188, 0x80, 0, 0 },                  /* reserved system type */
    { 0x190, CODE32 | ATTR_L, 0, 0xfffff }, /* L and D */
    { 0x198, CODE32 | USER | ATTR_DC, 0, 0xfffff },
    { 0x1a0, DATA16 | USER, SYS_DATA, 0xff },
    { 0x1a8, 0x89, SYS_TSS_B, 0x40 }, /* TSS that is too short */
    { 0x1b8, CODE16, 0, 0x6fff },     /* code that ends within the window */
    { 0x1c0, DATA32 | USER | ATTR_DC, 0, 0xa },
    { SELECTOR_EVENTS, DATA16 | USER, SYS_EVENTS, SYS_EVENTS_SIZE - 1 },
};

static void gdt_make(const SystemStart *start, uint8_t *memory)
{
    bool wide = is_long(start);
    unsigned target = wide ? SELECTOR_CODE64 : SELECTOR_CODE32;
    uint32_t offset = kernel_at(wide ? system_gate64 : system_gate32);

    for (size_t i = 0; i < G_N_ELEMENTS(gdt_rows); i++) {
        const DescriptorRow *row = &gdt_rows[i];

        image_put(memory, SYS_GDT + row->selector, 8,
                  descriptor_make(row->base, row->limit, row->attr));
    }
    if (wide) {
        image_put(memory, SYS_GDT + SELECTOR_SYSENTER, 8, descriptor_make(0, 0xfffff, CODE64));
    }
    image_put(memory, SYS_GDT + 0x118, 8, gate_make((uint16_t)target, offset, 0x8c, 0));
    image_put(memory, SYS_GDT + 0x128, 8, gate_make((uint16_t)target, offset, 0xec, 0));
    image_put(memory, SYS_GDT + 0x138, 8, gate_make((uint16_t)target, offset, 0x6c, 0));
    image_put(memory, SYS_GDT + 0x148, 8, gate_make(SELECTOR_TSS_B, 0, 0xe5, 0));
    image_put(memory, SYS_LDT + 0x08, 8, descriptor_make(0, 0xfffff, CODE32));
    image_put(memory, SYS_LDT + 0x10, 8, descriptor_make(0, 0xfffff, DATA32 | USER));
    image_put(memory, SYS_LDT + 0x18, 8, descriptor_make(SYS_DATA, 0x1fff, DATA16));
    image_put(memory, SYS_LDT + 0x20, 8, descriptor_make(0, 0xfffff, CODE32 | USER));
}

/* ---- Interrupt table ---- */

/* Of vectors 30h to 3fh, for INT n, and of NMIs: attributes and selectors; handlers are those of
 * the vector. */
static const struct {
    uint8_t attr;
    uint8_t selector; /* 0: as all others */
} idt_odd[16] = {
    { 0xee, 0 },
    { 0xef, 0 },
    { 0x8e, 0 },
    { 0x6e, 0 },
    { 0xe6, SELECTOR_CODE16 },
    { 0xe7, SELECTOR_CODE16 },
    { 0xe5, SELECTOR_TSS_B },
    { 0xec, 0 },
    { 0xee, 0xf8 },
    { 0xee, 0xe8 },
    { 0xee, 0x04 },
    { 0xee, 0xd0 },
    { 0xee, 0x0c },
    { 0xe5, SELECTOR_TSS_C },
    { 0xee, SELECTOR_USER_CODE32 },
    { 0xce, 0 },
};

static uint64_t idt_gate(const SystemStart *start, unsigned vector)
{
    bool nmi = vector == VECTOR_NMI, odd = nmi ? start->nmi_gate != 0 : (vector & ~15u) == 0x30;
    unsigned row = nmi ? start->nmi_gate - 1u : vector & 15;
    unsigned attr = odd ? idt_odd[row].attr : vector == 3 || vector == 4 ? 0xee : 0x8e;
    uint16_t selector = odd ? idt_odd[row].selector : 0;
    unsigned stack = nmi ? start->nmi_stack : vector == VECTOR_DF;
    const uint8_t *stubs = is_long(start)       ? system_stubs_64
                           : (attr & 15) < 0x08 ? system_stubs_16
                                                : system_stubs_32;

    if (selector == 0) {
        selector = is_long(start) ? SELECTOR_CODE64 : SELECTOR_CODE32;
    }
    return gate_make(selector, kernel_at(stubs) + vector * SYS_STUB, attr,
                     is_long(start) ? stack : 0);
}

static void idt_make(const SystemStart *start, uint8_t *memory)
{
    unsigned step = is_long(start) ? 16 : 8;

    for (unsigned vector = 0; vector < SYS_VECTORS; vector++) {
        image_put(memory, SYS_IDT + vector * step, 8, idt_gate(start, vector));
    }
    for (unsigned vector = 0; vector < 256; vector++) {
        uint32_t handler = start->mode == SYSTEM_VM86
                               ? kernel_at(system_iret16)
                               : kernel_at(system_stubs_real) + vector % SYS_VECTORS * SYS_STUB;

        image_put(memory, SYS_IVT + vector * 4, 4, handler);
    }
}

/* ---- Tasks ---- */

uint32_t paging_root(Paging paging)
{
    static const uint32_t roots[PAGINGS] = { 0, SYS_PD32, SYS_PAE, SYS_PML4 };

    return roots[paging];
}

static void tss_make(const SystemStart *start, uint8_t *memory)
{
    static const uint16_t open[] = { SYS_PORT_IER, 0x80, 0x2f0, 0x2f1 };
    uint32_t stack0 = SYS_STACK0 + 0x800;

    if (is_long(start)) {
        image_put(memory, SYS_TSS + 4, 8, stack0);
        image_put(memory, SYS_TSS + 12, 8, SYS_STACKS + 0x400);
        image_put(memory, SYS_TSS + 20, 8, SYS_STACKS + 0x800);
        image_put(memory, SYS_TSS + 36, 8, SYS_STACKS + 0xc00);
    } else {
        for (unsigned ring = 0; ring < 3; ring++) {
            uint32_t stack = ring == 0 ? stack0 : SYS_STACKS + 0x400u * ring;

            image_put(memory, SYS_TSS + 4 + ring * 8, 4, stack);
            image_put(memory, SYS_TSS + 8 + ring * 8, 4, ring == 0 ? SELECTOR_DATA32 : 0xf1);
        }
    }
    memset(memory + SYS_TSS + IO_MAP, 0xff, TSS_LIMIT + 1 - IO_MAP);
    for (size_t i = 0; i < G_N_ELEMENTS(open); i++) {
        memory[SYS_TSS + IO_MAP + open[i] / 8] &= (uint8_t) ~(1u << open[i] % 8);
    }
    image_put(memory, SYS_TSS + IO_MAP + SYS_PORT_EVENT / 8, 2, 0);
    memory[SYS_TSS + REDIRECTION + 0x30 / 8] = 0xf0; /* INT 30h to 33h go to the IVT */
    image_put(memory, SYS_TSS + 102, 2, IO_MAP);
}

/* Tasks that run the handlers' stub of vector 36h (32-bit) and 3dh (16-bit). */
static void tasks_make(const SystemStart *start, uint8_t *memory)
{
    uint32_t cr3 = paging_root(start->paging), b = SYS_TSS_B, c = SYS_TSS_C;

    image_put(memory, b + 0x04, 4, SYS_STACKS + 0x800);
    image_put(memory, b + 0x08, 4, SELECTOR_DATA32);
    image_put(memory, b + 0x1c, 4, cr3);
    image_put(memory, b + 0x20, 4, kernel_at(system_stubs_32) + 0x36 * SYS_STUB);
    image_put(memory, b + 0x24, 4, FLAG_1);
    image_put(memory, b + 0x38, 4, SYS_STACKS + 0xc00);
    for (unsigned i = 0; i < 6; i++) {
        image_put(memory, b + 0x48 + i * 4, 4, i == 1 ? SELECTOR_CODE32 : SELECTOR_DATA32);
    }
    image_put(memory, b + 0x66, 2, 0x68);
    image_put(memory, c + 0x02, 2, SYS_STACKS + 0x800);
    image_put(memory, c + 0x04, 2, SELECTOR_DATA16);
    image_put(memory, c + 0x0e, 2, kernel_at(system_stubs_16) + 0x3d * SYS_STUB);
    image_put(memory, c + 0x10, 2, FLAG_1);
    image_put(memory, c + 0x1a, 2, SYS_STACKS + 0xc00);
    for (unsigned i = 0; i < 4; i++) {
        image_put(memory, c + 0x22 + i * 2, 2, i == 1 ? SELECTOR_CODE16 : SELECTOR_DATA16);
    }
}

/* ---- Page tables ---- */

/* User code learns of the others by #PF. With SMEP or SMAP, ring 0 has code and stack of its own;
 * in virtual-8086 mode interrupts may be led back into it, where a page of the kernel handles them.
 */
static bool page_is_user(const SystemStart *start, uint32_t page)
{
    bool vm86 = start->mode == SYSTEM_VM86;

    switch (page) {
    case SYS_CODE:
    case SYS_CODE + PAGE_SIZE:
    case SYS_STACK3:
        return start->ring != 0 || !(start->cr4 & (CR4_SMEP | CR4_SMAP));
    case SYS_DATA:
    case SYS_DATA + PAGE_SIZE:
        return true;
    case SYS_IVT:
    case SYS_KERNEL:
        return vm86;
    default:
        return page >= SYS_EVENTS;
    }
}

static uint64_t leaf(const SystemStart *start, uint32_t page, bool b)
{
    uint32_t to = page;

    if (b && (page == SYS_DATA || page == SYS_DATA + PAGE_SIZE)) {
        to = page ^ (SYS_DATA ^ (SYS_DATA + PAGE_SIZE));
    }
    if (page == SYS_ODD) {
        return to | start->odd_page;
    }
    return to | (page_is_user(start, page) ? PAGE_ALL : PAGE_ALL & ~PAGE_USER);
}

static void leaves_make(const SystemStart *start, uint8_t *memory, unsigned b, uint32_t from,
                        uint32_t to)
{
    uint32_t step = b * SYS_ROOT_STEP;

    for (uint32_t page = from; page < to; page += PAGE_SIZE) {
        uint64_t entry = leaf(start, page, b);

        image_put(memory, SYS_PT + step + (page >> PAGE_SHIFT) * 8, 8, entry);
        image_put(memory, SYS_PT32 + step + (page >> PAGE_SHIFT) * 4, 4, entry);
    }
}

static void root_make(const SystemStart *start, uint8_t *memory, unsigned b)
{
    uint32_t step = b * SYS_ROOT_STEP;

    leaves_make(start, memory, b, 0, SYS_SIZE);
    leaves_make(start, memory, b, SYS_EVENTS, SYS_EVENTS + SYS_EVENTS_SIZE);
    image_put(memory, SYS_PD32 + step, 4, (SYS_PT32 + step) | PAGE_ALL);
    image_put(memory, SYS_PD32 + step + 4, 4, PAGE_ALL | PAGE_LARGE);
    image_put(memory, SYS_PD + step, 8, (SYS_PT + step) | PAGE_ALL);
    image_put(memory, SYS_PD + step + 8, 8, PAGE_ALL | PAGE_LARGE);
    image_put(memory, SYS_PDPT + step, 8, (SYS_PD + step) | PAGE_ALL);
    image_put(memory, SYS_PDPT + step + 511 * 8, 8, (SYS_PD + step) | PAGE_ALL);
    image_put(memory, SYS_PML4 + step, 8, (SYS_PDPT + step) | PAGE_ALL);
    image_put(memory, SYS_PML4 + step + 511 * 8, 8, (SYS_PDPT + step) | PAGE_ALL);
    image_put(memory, SYS_PAE + b * 32, 8, (SYS_PD + step) | 1);
}

/* ---- The start block ---- */

static uint32_t start_cr0(const SystemStart *start)
{
    uint32_t cr0 = (start->cr0 | CR0_ET | CR0_NE) & ~(CR0_PG | CR0_PE);

    if (start->mode != SYSTEM_REAL) {
        cr0 |= CR0_PE | (start->paging != PAGING_NONE ? CR0_PG : 0);
    }
    return cr0;
}

static uint32_t start_cr4(const SystemStart *start)
{
    uint32_t cr4 = start->cr4 | CR4_OSFXSR | CR4_OSXSAVE;

    return start->paging >= PAGING_PAE ? cr4 | CR4_PAE : cr4 & ~CR4_PAE;
}

static void msr_put(uint8_t *memory, uint32_t *at, uint32_t index, uint64_t value)
{
    image_put(memory, *at, 4, index);
    image_put(memory, *at + 4, 8, value);
    *at += 12;
}

static void msrs_make(const SystemStart *start, uint8_t *memory)
{
    bool wide = is_long(start);
    uint32_t at = SYS_START + START_MSRS;

    msr_put(memory, &at, 0xc0000080, start->efer | (wide ? EFER_LME : 0));
    msr_put(memory, &at, 0x174, SELECTOR_SYSENTER);
    msr_put(memory, &at, 0x175, SYS_STACK0 + 0x800);
    msr_put(memory, &at, 0x176, kernel_at(wide ? system_sysenter64 : system_sysenter32));
    msr_put(memory, &at, 0xc0000081,
            (uint64_t)(SELECTOR_CODE64 | (SELECTOR_USER_CODE32 | 3) << 16) << 32);
    msr_put(memory, &at, 0xc0000082, kernel_at(system_syscall64));
    msr_put(memory, &at, 0xc0000083, kernel_at(system_syscall32));
    msr_put(memory, &at, 0xc0000084, FLAG_IF | FLAG_TF | FLAG_DF);
    msr_put(memory, &at, 0xc0000103, 0);
    msr_put(memory, &at, 0x277, 0x0007040600070406);
    msr_put(memory, &at, 0xc0000102, 0);
    at = SYS_START + START_LATE;
    msr_put(memory, &at, 0xc0000100, SYS_DATA);
    msr_put(memory, &at, 0xc0000101, SYS_DATA + PAGE_SIZE);
    msr_put(memory, &at, 0xc0000102, SYS_ODD);
}

typedef struct StartSelectors {
    uint16_t cs, ss, data;
} StartSelectors;

static StartSelectors start_selectors(const SystemStart *start)
{
    bool user = start->ring == 3;

    switch (start->mode) {
    case SYSTEM_PROTECTED16:
        return user ? (StartSelectors){ SELECTOR_USER_CODE16 | 3, SELECTOR_USER_DATA16 | 3,
                                        SELECTOR_USER_DATA16 | 3 }
                    : (StartSelectors){ SELECTOR_CODE16, SELECTOR_DATA16, SELECTOR_DATA16 };
    case SYSTEM_PROTECTED32:
    case SYSTEM_COMPAT:
        return user ? (StartSelectors){ SELECTOR_USER_CODE32 | 3, SELECTOR_USER_DATA | 3,
                                        SELECTOR_USER_DATA | 3 }
                    : (StartSelectors){ SELECTOR_CODE32, SELECTOR_DATA32, SELECTOR_DATA32 };
    case SYSTEM_LONG:
        return user ? (StartSelectors){ SELECTOR_USER_CODE64 | 3, SELECTOR_USER_DATA | 3,
                                        SELECTOR_USER_DATA | 3 }
                    : (StartSelectors){ SELECTOR_CODE64, SELECTOR_DATA64, SELECTOR_DATA64 };
    default:
        return (StartSelectors){ 0 };
    }
}

/* Slots of the IRET that begins the test. */
static void frame_make(const SystemStart *start, uint8_t *memory)
{
    StartSelectors selectors = start_selectors(start);
    uint32_t rflags = start->rflags | FLAG_1, stack = SYS_STACK3 + 0x800;
    uint64_t slots[9];
    unsigned n = 0;

    if (start->mode == SYSTEM_VM86) {
        for (; n < 4; n++) {
            slots[n] = 0;
        }
        rflags |= FLAG_VM;
    }
    if (is_long(start) || start->ring == 3 || start->mode == SYSTEM_VM86) {
        slots[n++] = selectors.ss;
        slots[n++] = stack;
    }
    slots[n++] = rflags;
    slots[n++] = selectors.cs;
    slots[n++] = SYS_WINDOW + start->code_at;
    image_put(memory, SYS_START + START_FRAMES, 4, n);
    for (unsigned i = 0; i < n; i++) {
        image_put(memory, SYS_START + START_FRAME + i * 8, 8, slots[i]);
    }
    if (start->mode == SYSTEM_REAL) {
        image_put(memory, SYS_START + START_SP, 2, stack); /* LSS with 16-bit operands */
    } else if (start->ring == 0 && start->mode != SYSTEM_VM86) {
        image_put(memory, SYS_START + START_SP, 4, stack);
        image_put(memory, SYS_START + START_SP + 4, 2, selectors.ss);
    } else {
        image_put(memory, SYS_START + START_SP, 4, SYS_STACK0 + 0x800);
        image_put(memory, SYS_START + START_SP + 4, 2, SELECTOR_DATA32);
    }
    for (unsigned i = 0; i < 4; i++) {
        image_put(memory, SYS_START + START_SEG + i * 2, 2, selectors.data);
    }
}

static void start_make(const SystemStart *start, uint8_t *memory)
{
    bool real = start->mode == SYSTEM_REAL;

    image_put(memory, SYS_START + START_GDTR, 2, GDT_LIMIT);
    image_put(memory, SYS_START + START_GDTR + 2, 4, SYS_GDT);
    image_put(memory, SYS_START + START_IDTR, 2,
              real ? 0x3ff : SYS_VECTORS * (is_long(start) ? 16u : 8u) - 1);
    image_put(memory, SYS_START + START_IDTR + 2, 4, real ? SYS_IVT : SYS_IDT);
    image_put(memory, SYS_START + START_KIND, 4,
              real             ? SYS_REAL
              : is_long(start) ? SYS_LONG
                               : SYS_PROTECTED);
    image_put(memory, SYS_START + START_CR0, 4, start_cr0(start));
    image_put(memory, SYS_START + START_CR3, 4, paging_root(start->paging));
    image_put(memory, SYS_START + START_CR4, 4, start_cr4(start));
    image_put(memory, SYS_START + START_LDTR, 2, SELECTOR_LDT);
    image_put(memory, SYS_START + START_TR, 2, SELECTOR_TSS);
    for (unsigned i = 0; i < 16; i++) {
        image_put(memory, SYS_START + START_GPR + i * 8, 8, start->gpr[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        image_put(memory, SYS_START + START_DR + i * 4, 4, start->dr[i]);
    }
    image_put(memory, SYS_START + START_DR + 16, 4, 0xffff0ff0);
    image_put(memory, SYS_START + START_DR + 20, 4, start->dr7 | 0x400);
    frame_make(start, memory);
    msrs_make(start, memory);
}

void system_image_make(const SystemStart *start, uint8_t *memory)
{
    Random random = { start->data_seed };

    memset(memory, HLT, SYS_SIZE);
    memset(memory, 0, SYS_CODE);
    memset(memory + SYS_PML4, 0, SYS_SIZE - SYS_PML4);
    memset(memory + SYS_DATA, 0, SYS_PML4 - SYS_DATA);
    memcpy(memory + SYS_KERNEL, system_kernel, (size_t)(system_kernel_end - system_kernel));
    for (unsigned i = 0; start->data_seed != 0 && i < 3 * PAGE_SIZE; i += 32) {
        image_put(memory, SYS_DATA + i, 8, random_next(&random));
    }
    gdt_make(start, memory);
    idt_make(start, memory);
    tss_make(start, memory);
    if (!is_long(start)) {
        tasks_make(start, memory);
    }
    root_make(start, memory, 0);
    root_make(start, memory, 1);
    start_make(start, memory);
}
