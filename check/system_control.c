/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_control.c - rows that read and write system registers, tables and page tables. */
#include "check/system_draft.h"

/* mov cl, [...] or mov [...], cl */
static void access_emit(Draft *draft, uint32_t address)
{
    draft_insn(draft);
    DRAFT(draft, (uint8_t)(draw(draft, 2) != 0 ? 0x8a : 0x88));
    draft_absolute(draft, RCX, address);
}

/* ---- Control and debug registers ---- */

static void emit_read_control(Draft *draft)
{
    static const uint8_t numbers[] = { 0, 2, 3, 4, 0, 4, 8, 1, 5 };
    uint8_t cr = DRAW_OF(draft, numbers);

    draft_insn(draft);
    if (cr == 8 && draft->width == 8) {
        DRAFT(draft, 0x44);
    }
    DRAFT(draft, 0x0f, 0x20, (uint8_t)(0xc0 | (cr & 7) << 3 | draw(draft, 4)));
}

/* CR8 is CR0 to all but 64-bit code. */
static void write_control(Draft *draft, unsigned cr, uint64_t value)
{
    draft_mov(draft, RAX, value);
    draft_insn(draft);
    if (cr == 8) {
        DRAFT(draft, 0x44);
    }
    DRAFT(draft, 0x0f, 0x22, (uint8_t)(0xc0 | (cr & 7) << 3));
}

static void emit_cr0(Draft *draft)
{
    static const uint32_t bits[] = { CR0_MP, CR0_EM, CR0_TS, CR0_ET, CR0_NE, CR0_WP,
                                     CR0_AM, CR0_NW, CR0_CD, CR0_PG, CR0_PE };
    const SystemStart *start = &draft->program->start;
    uint64_t value = CR0_ET | CR0_NE | (start->mode != SYSTEM_REAL ? CR0_PE : 0) |
                     (start->paging != PAGING_NONE ? CR0_PG : 0);
    uint64_t most = draw(draft, 4) != 0 ? 9 : G_N_ELEMENTS(bits); /* rarely PG or PE */

    for (uint64_t n = 1 + draw(draft, 3); n > 0; n--) {
        value ^= bits[draw(draft, most)];
    }
    if (draft->width == 8 && draw(draft, 16) == 0) {
        value |= 1ull << (32 + draw(draft, 32));
    }
    write_control(draft, 0, value);
}

static void emit_cr2(Draft *draft)
{
    write_control(draft, 2, draw_number(draft));
}

static void emit_cr3(Draft *draft)
{
    uint64_t value = paging_root(draft->program->start.paging);

    if (draw(draft, 2) != 0) {
        value += value == SYS_PAE ? 32 : SYS_ROOT_STEP;
    }
    if (draw(draft, 4) == 0) {
        value |= draw(draft, 2) != 0 ? 0x18 : 0x7;
    }
    if (draft->width == 8 && draw(draft, 8) == 0) {
        value |= 1ull << (40 + draw(draft, 24));
    }
    write_control(draft, 3, value);
}

static void emit_cr4(Draft *draft)
{
    static const uint32_t bits[] = { CR4_VME,  CR4_PVI,      CR4_TSD,    CR4_DE,         CR4_PSE,
                                     CR4_MCE,  CR4_PGE,      CR4_PCE,    CR4_OSXMMEXCPT, CR4_UMIP,
                                     CR4_PAE,  CR4_FSGSBASE, CR4_OSFXSR, CR4_OSXSAVE,    CR4_PCIDE,
                                     1u << 15, 1u << 19 };
    uint64_t value = CR4_OSFXSR | CR4_OSXSAVE |
                     (draft->program->start.paging >= PAGING_PAE ? CR4_PAE : 0);

    /* QEMU 7.2 stops with a failed assertion where the last two are set. */
    for (uint64_t n = 1 + draw(draft, 3); n > 0; n--) {
        value ^= bits[draw(draft, G_N_ELEMENTS(bits) - (draft->program->on_pc ? 2 : 0))];
    }
    write_control(draft, 4, value);
}

static void emit_cr8(Draft *draft)
{
    write_control(draft, 8, draw(draft, 3) != 0 ? draw(draft, 18) : draw_number(draft));
}

static void emit_lmsw(Draft *draft)
{
    if (draw(draft, 3) == 0) {
        draft_insn(draft);
        DRAFT(draft, 0x0f, 0x06); /* CLTS */
        return;
    }
    draft_mov(draft, RAX,
              draw(draft, 16) | (draft->program->start.mode == SYSTEM_REAL ? 0 : draw(draft, 2)));
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x01, (uint8_t)(draw(draft, 2) != 0 ? 0xf0 : 0xe0)); /* LMSW, SMSW */
}

static void emit_read_debug(Draft *draft)
{
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x21, (uint8_t)(0xc0 | draw(draft, 64)));
}

static void emit_write_debug(Draft *draft)
{
    unsigned dr = (unsigned)draw(draft, 8);
    uint64_t value = draw_number(draft);

    if (dr < 4) {
        value = draw(draft, 2) != 0 ? draw_address(draft) : draft->at + draw(draft, 40);
    } else if ((dr | 2) == 7 && draw(draft, 4) != 0) {
        value = ((uint32_t)random_next(&draft->random) & 0x22ff) | 0x400;
        value |= (uint64_t)draw(draft, 16) << 16;
    } else if ((dr | 2) == 6) {
        value = 0xffff0ff0 ^ draw(draft, 16);
    }
    draft_mov(draft, RAX, value);
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x23, (uint8_t)(0xc0 | dr << 3));
}

/* ---- Descriptor table registers ---- */

/* LGDT, LIDT of the table that there is, its limit cut short or not. */
static void emit_load_table(Draft *draft)
{
    bool idt = draw(draft, 2) != 0, real = draft->program->start.mode == SYSTEM_REAL;
    uint32_t at = draw_scratch(draft), base = idt ? (real ? SYS_IVT : SYS_IDT) : SYS_GDT;
    uint32_t limit = draw(draft, 4) != 0 ? 0xfff : (uint32_t)draw(draft, 0x200) | 0x1f;

    draft_store(draft, at, 2, limit);
    if (draft->width == 8) {
        draft_store(draft, at + 2, 8, base);
    } else {
        draft_store(draft, at + 2, 4, base | (draw(draft, 8) == 0 ? 0xff000000 : 0));
    }
    draft_insn(draft);
    if (draft->width != 8 && draw(draft, 2) != 0) {
        DRAFT(draft, 0x66);
    }
    DRAFT(draft, 0x0f, 0x01);
    draft_absolute(draft, idt ? 3 : 2, at);
}

static void emit_store_table(Draft *draft)
{
    static const uint8_t forms[][2] = { { 1, 0 }, { 1, 1 }, { 1, 4 }, { 0, 0 }, { 0, 1 } };
    const uint8_t *form = forms[draw(draft, G_N_ELEMENTS(forms))];

    draft_insn(draft);
    if (draw(draft, 3) == 0) {
        DRAFT(draft, 0x66);
    }
    DRAFT(draft, 0x0f, form[0]);
    if (form[1] != 0 && form[0] == 0 && draw(draft, 2) != 0) {
        DRAFT(draft, (uint8_t)(0xc0 | form[1] << 3 | draw(draft, 4))); /* STR to a register */
    } else {
        draft_absolute(draft, form[1], draw_address(draft));
    }
}

static void emit_load_system(Draft *draft)
{
    static const uint16_t usual[] = { SELECTOR_TSS, SELECTOR_LDT, SELECTOR_TSS_B, SELECTOR_TSS_C,
                                      0x158,        0x168,        0x1a8,          0 };
    bool task = draw(draft, 2) != 0;

    draft_mov(draft, RAX, draw(draft, 4) != 0 ? DRAW_OF(draft, usual) : draw_selector(draft));
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x00, (uint8_t)(task ? 0xd8 : 0xd0));
}

/* A descriptor is changed and loaded: nothing of it may have been kept. */
static void emit_change_descriptor(Draft *draft)
{
    static const uint16_t attrs[] = { 0xc093, 0xc0f3, 0x0093, 0x8092, 0xc013, 0xc097,
                                      0xc091, 0xc09b, 0x4093, 0x0082, 0xc099 };
    uint16_t slot = (uint16_t)(0x1c8 + draw(draft, 3) * 8), attr = DRAW_OF(draft, attrs);
    static const uint8_t opcodes[] = { 0xc0, 0xd8, 0xd0, 0xe0, 0xe8 };
    static const uint8_t prefixes[] = { 0x26, 0x3e, 0x36, 0x64, 0x65 };
    uint64_t which = draw(draft, G_N_ELEMENTS(opcodes));
    uint32_t address = draw_address(draft);
    uint32_t base = draw(draft, 2) != 0 ? 0 : SYS_DATA + (uint32_t)draw(draft, 64);

    access_emit(draft, address); /* in the TLB, so that the segment alone decides */
    draft_store(draft, SYS_GDT + slot, 8,
                descriptor_make(base, (uint32_t)(random_next(&draft->random) & 0x1ffff), attr));
    draft_mov(draft, RAX, slot | (draft_user(draft) ? 3 : 0));
    draft_insn(draft);
    DRAFT(draft, 0x8e, opcodes[which]);
    draft_insn(draft);
    DRAFT(draft, prefixes[which], 0x8b); /* mov ecx, [...] through it */
    draft_absolute(draft, RCX, address);
}

static void emit_inspect(Draft *draft)
{
    unsigned form = (unsigned)draw(draft, 5);

    draft_mov(draft, RAX, draw_selector(draft));
    draft_insn(draft);
    if (form < 2) {
        if (draw(draft, 4) == 0) {
            DRAFT(draft, 0x66);
        }
        DRAFT(draft, 0x0f, (uint8_t)(0x02 + form), 0xd0); /* LAR, LSL edx, eax */
    } else if (form < 4) {
        DRAFT(draft, 0x0f, 0x00, (uint8_t)(form == 2 ? 0xe0 : 0xe8)); /* VERR, VERW */
    } else {
        DRAFT(draft, 0x63, 0xc8); /* ARPL ax, cx; MOVSXD in 64-bit code */
    }
}

/* ---- Model-specific registers ---- */

static void emit_msr(Draft *draft)
{
    static const uint32_t indices[] = { 0x174,      0x175,      0x176,      0xc0000080, 0xc0000081,
                                        0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101,
                                        0xc0000102, 0xc0000103, 0x277,      0xdeadbeef };
    uint32_t index = DRAW_OF(draft, indices);
    uint64_t value = draw_number(draft);
    bool wide = draft->program->start.mode >= SYSTEM_COMPAT;

    if (index == 0xc0000080) {
        value = (wide ? EFER_LME | EFER_LMA : 0) | draw(draft, 2) | draw(draft, 2) << 11;
        value ^= draw(draft, 8) == 0 ? EFER_LME : draw(draft, 8) == 0 ? 0x2 : 0;
    } else if (draw(draft, 2) != 0) {
        value = draw_address(draft);
    }
    draft_mov(draft, RCX, index);
    if (draw(draft, 3) != 0) {
        draft_mov(draft, RAX, (uint32_t)value);
        draft_mov(draft, RDX, value >> 32);
        draft_insn(draft);
        DRAFT(draft, 0x0f, 0x30);
        draft_mov(draft, RCX, index);
    }
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x32);
}

static void emit_xcr(Draft *draft)
{
    draft_mov(draft, RCX, draw(draft, 8) == 0 ? 2 : 0); /* XGETBV of 1 depends on the host */
    if (draw(draft, 2) != 0) {
        static const uint8_t values[] = { 1, 3, 7, 7, 5, 6, 0, 0xff };

        draft_mov(draft, RAX, DRAW_OF(draft, values));
        draft_mov(draft, RDX, draw(draft, 16) == 0);
        draft_insn(draft);
        DRAFT(draft, 0x0f, 0x01, 0xd1);
    }
    draft_mov(draft, RCX, 0);
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x01, 0xd0);
}

static void emit_fsgsbase(Draft *draft)
{
    if (draw(draft, 3) == 0) {
        draft_insn(draft);
        DRAFT(draft, 0x0f, 0x01, 0xf8); /* SWAPGS */
    } else {
        draft_mov(draft, RAX, draw(draft, 2) != 0 ? draw_address(draft) : draw_number(draft));
        draft_insn(draft);
        DRAFT(draft, 0xf3);
        if (draft->width == 8 && draw(draft, 2) != 0) {
            DRAFT(draft, 0x48);
        }
        DRAFT(draft, 0x0f, 0xae, (uint8_t)(0xc0 | draw(draft, 4) << 3));
    }
    draft_insn(draft);
    DRAFT(draft, (uint8_t)(0x64 + draw(draft, 2)), 0x8b); /* mov edx, fs:[...] */
    draft_absolute(draft, RDX, (uint32_t)draw(draft, 64));
}

/* What differs between CPUs is thrown away. */
static void emit_cpuid(Draft *draft)
{
    static const uint32_t leaves[] = { 0, 1, 7, 0xd, 0x80000001, 0x80000008 };

    draft_mov(draft, RAX, DRAW_OF(draft, leaves));
    draft_mov(draft, RCX, 0);
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0xa2);
    draft_mov(draft, RAX, 0);
    draft_mov(draft, RBX, 0);
    draft_mov(draft, RCX, 0);
    draft_mov(draft, RDX, 0);
}

/* ---- Paging ---- */

static void invlpg_emit(Draft *draft, uint32_t address)
{
    draft_insn(draft);
    DRAFT(draft, 0x0f, 0x01);
    draft_absolute(draft, 7, address);
}

static void emit_invalidate(Draft *draft)
{
    if (draw(draft, 3) != 0) {
        invlpg_emit(draft, draw_address(draft));
    } else {
        uint32_t at = draw_scratch(draft);

        draft_store(draft, at, 8, draw(draft, 4) == 0 ? draw(draft, 0x1001) : 0);
        draft_store(draft, at + 8, 8, draw(draft, 4) == 0 ? draw_number(draft) : SYS_DATA);
        draft_mov(draft, RAX, draw(draft, 5));
        draft_insn(draft);
        DRAFT(draft, 0x66, 0x0f, 0x38, 0x82);
        draft_absolute(draft, RAX, at);
    }
    access_emit(draft, draw_address(draft));
}

/* A page table entry is changed, the page invalidated, and accessed. */
static void emit_page_table(Draft *draft)
{
    static const uint32_t flags[] = { 7, 7, 5, 3, 1, 0, 6, 0x67, 0x107, 0x27 };
    const SystemStart *start = &draft->program->start;
    bool narrow = start->paging == PAGING_32;
    uint32_t page = SYS_DATA + (uint32_t)draw(draft, 3) * PAGE_SIZE;
    uint32_t to = SYS_DATA + (uint32_t)draw(draft, 3) * PAGE_SIZE;
    uint32_t address = page + (uint32_t)draw(draft, 0xffc);
    uint64_t entry = to | DRAW_OF(draft, flags);

    if (!narrow && draw(draft, 8) == 0) {
        entry |= draw(draft, 2) != 0 ? 1ull << 63 : 1ull << (40 + draw(draft, 12));
    }
    access_emit(draft, address);
    draft_store(draft, (narrow ? SYS_PT32 : SYS_PT) + (page >> PAGE_SHIFT) * (narrow ? 4 : 8),
                narrow ? 4 : 8, entry);
    invlpg_emit(draft, address);
    access_emit(draft, address);
    access_emit(draft, address);
}

/* The same memory at another linear address: 2 or 4 MiB pages. */
static void emit_alias(Draft *draft)
{
    uint32_t large = draft->program->start.paging == PAGING_32 ? 4u << 20 : 2u << 20;

    if (draft_bare(draft)) {
        return;
    }
    if (draft->width == 2) {
        draft_insn(draft);
        DRAFT(draft, 0x67, 0x88, 0x0d); /* with a 32-bit displacement */
        draft_number(draft, 4, large + draw_address(draft));
    } else {
        access_emit(draft, large + draw_address(draft));
    }
    access_emit(draft, draw_address(draft));
}

const SystemRow system_rows_control[] = {
    { "mov-from-cr", emit_read_control, 6, 0 },
    { "mov-cr0", emit_cr0, 8, 0 },
    { "mov-cr2", emit_cr2, 2, 0 },
    { "mov-cr3", emit_cr3, 6, 0 },
    { "mov-cr4", emit_cr4, 8, 0 },
    { "mov-cr8", emit_cr8, 3, 1 << SYSTEM_LONG },
    { "lmsw", emit_lmsw, 4, 0 },
    { "mov-from-dr", emit_read_debug, 4, 0 },
    { "mov-dr", emit_write_debug, 6, 0 },
    { "lgdt", emit_load_table, 4, 0 },
    { "sgdt", emit_store_table, 6, 0 },
    { "ltr", emit_load_system, 5, 0 },
    { "descriptor", emit_change_descriptor, 6, 0 },
    { "lar", emit_inspect, 8, 0 },
    { "msr", emit_msr, 8, 0 },
    { "xsetbv", emit_xcr, 3, 0 },
    { "swapgs", emit_fsgsbase, 5, 0 },
    { "cpuid", emit_cpuid, 1, 0 },
    { "invlpg", emit_invalidate, 4, 0 },
    { "page-table", emit_page_table, 8, 0x3e },
    { "alias", emit_alias, 4, 0x3e },
};
const unsigned system_rows_control_n = G_N_ELEMENTS(system_rows_control);
