/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gdb_registers.c - the registers as gdb numbers them: a row each, from which packets and the
 * target description come. Feature and register names are gdb's (Debugging with GDB, appendix
 * G.5.8); what gdb does not know (CR0 and so on) has a feature of its own. */
#include "runtime/machine/gdbstub/gdbstub_int.h"

#include <string.h>

#include "runtime/software_cpu/software_cpu.h"
#include "softmmu/mmu.h"

typedef enum RegisterKind {
    KIND_GPR,
    KIND_RIP,
    KIND_FLAGS,
    KIND_SEGMENT,
    KIND_ST,
    KIND_FPU, /* index: which of fctrl ... fop */
    KIND_XMM,
    KIND_MXCSR,
    KIND_BASE, /* of a segment */
    KIND_KERNEL_GS,
    KIND_CONTROL, /* index: 0, 2, 3, 4, 8 */
    KIND_EFER,
    KIND_YMM,
} RegisterKind;

enum { FPU_CTRL, FPU_STAT, FPU_TAG, FPU_ISEG, FPU_IOFF, FPU_OSEG, FPU_OOFF, FPU_OP };
/* Places in the XSAVE image (SDM vol. 1, 13.4). */
enum {
    AT_FCW = 0,
    AT_FSW = 2,
    AT_FTW = 4,
    AT_MXCSR = 24,
    AT_ST = 32,
    AT_XMM = 160,
    AT_BV = 512,
    AT_YMM = 576
};
enum { COMPONENT_X87 = 1, COMPONENT_SSE = 2, COMPONENT_AVX = 4 };
enum { FCW_INITIAL = 0x37f };

typedef struct Register {
    char name[8];
    const char *type;
    uint8_t width, kind, index, feature;
} Register;

typedef struct Feature {
    const char *name;
    const char *types; /* what its registers are made of */
} Feature;

enum { FEATURE_CORE, FEATURE_SSE, FEATURE_SEGMENTS, FEATURE_SYSTEM, FEATURE_AVX, FEATURES };

static const char flags_type[] =
    "<flags id=\"i386_eflags\" size=\"4\">"
    "<field name=\"CF\" start=\"0\" end=\"0\"/><field name=\"\" start=\"1\" end=\"1\"/>"
    "<field name=\"PF\" start=\"2\" end=\"2\"/><field name=\"AF\" start=\"4\" end=\"4\"/>"
    "<field name=\"ZF\" start=\"6\" end=\"6\"/><field name=\"SF\" start=\"7\" end=\"7\"/>"
    "<field name=\"TF\" start=\"8\" end=\"8\"/><field name=\"IF\" start=\"9\" end=\"9\"/>"
    "<field name=\"DF\" start=\"10\" end=\"10\"/><field name=\"OF\" start=\"11\" end=\"11\"/>"
    "<field name=\"NT\" start=\"14\" end=\"14\"/><field name=\"RF\" start=\"16\" end=\"16\"/>"
    "<field name=\"VM\" start=\"17\" end=\"17\"/><field name=\"AC\" start=\"18\" end=\"18\"/>"
    "<field name=\"VIF\" start=\"19\" end=\"19\"/><field name=\"VIP\" start=\"20\" end=\"20\"/>"
    "<field name=\"ID\" start=\"21\" end=\"21\"/></flags>";
static const char vector_types[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
    "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
    "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
    "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
    "<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
    "<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
    "<field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/></union>";

static const Feature features[FEATURES] = {
    [FEATURE_CORE] = { "org.gnu.gdb.i386.core", flags_type },
    [FEATURE_SSE] = { "org.gnu.gdb.i386.sse", vector_types },
    [FEATURE_SEGMENTS] = { "org.gnu.gdb.i386.segments", NULL },
    [FEATURE_SYSTEM] = { "org.doppel.i386.system", NULL },
    [FEATURE_AVX] = { "org.gnu.gdb.i386.avx", NULL },
};

struct GdbRegisters {
    GArray *rows; /* of Register, in gdb's order */
    bool wide;
};

/* ---- Rows ---- */

static void add(GdbRegisters *r, unsigned feature, const char *name, unsigned width,
                const char *type, RegisterKind kind, unsigned index)
{
    Register row = { .type = type,
                     .width = (uint8_t)width,
                     .kind = (uint8_t)kind,
                     .index = (uint8_t)index,
                     .feature = (uint8_t)feature };

    g_strlcpy(row.name, name, sizeof(row.name));
    g_array_append_val(r->rows, row);
}

static void add_gprs(GdbRegisters *r)
{
    static const struct {
        const char *name; /* behind r or e */
        Gpr gpr;
    } wide[] = { { "ax", RAX }, { "bx", RBX }, { "cx", RCX }, { "dx", RDX },
                 { "si", RSI }, { "di", RDI }, { "bp", RBP }, { "sp", RSP } },
      narrow[] = { { "ax", RAX }, { "cx", RCX }, { "dx", RDX }, { "bx", RBX },
                   { "sp", RSP }, { "bp", RBP }, { "si", RSI }, { "di", RDI } };
    char name[8];

    for (unsigned i = 0; i < 8; i++) {
        bool pointer = r->wide ? i >= 6 : i == 4 || i == 5;

        g_snprintf(name, sizeof(name), "%c%s", r->wide ? 'r' : 'e',
                   r->wide ? wide[i].name : narrow[i].name);
        add(r, FEATURE_CORE, name, r->wide ? 8 : 4,
            pointer   ? "data_ptr"
            : r->wide ? "int64"
                      : "int32",
            KIND_GPR, r->wide ? wide[i].gpr : narrow[i].gpr);
    }
    for (unsigned i = 8; i < 16 && r->wide; i++) {
        g_snprintf(name, sizeof(name), "r%u", i);
        add(r, FEATURE_CORE, name, 8, "int64", KIND_GPR, i);
    }
}

static void add_core(GdbRegisters *r)
{
    static const struct {
        const char *name;
        SegmentName segment;
    } segments[] = { { "cs", CS }, { "ss", SS }, { "ds", DS },
                     { "es", ES }, { "fs", FS }, { "gs", GS } };
    static const char *const fpu[] = { "fctrl", "fstat", "ftag",  "fiseg",
                                       "fioff", "foseg", "fooff", "fop" };
    char name[8];

    add_gprs(r);
    add(r, FEATURE_CORE, r->wide ? "rip" : "eip", r->wide ? 8 : 4, "code_ptr", KIND_RIP, 0);
    add(r, FEATURE_CORE, "eflags", 4, "i386_eflags", KIND_FLAGS, 0);
    for (unsigned i = 0; i < G_N_ELEMENTS(segments); i++) {
        add(r, FEATURE_CORE, segments[i].name, 4, "int32", KIND_SEGMENT, segments[i].segment);
    }
    for (unsigned i = 0; i < 8; i++) {
        g_snprintf(name, sizeof(name), "st%u", i);
        add(r, FEATURE_CORE, name, 10, "i387_ext", KIND_ST, i);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(fpu); i++) {
        add(r, FEATURE_CORE, fpu[i], 4, "int", KIND_FPU, i);
    }
}

GdbRegisters *gdb_registers_new(bool wide, bool avx)
{
    static const uint8_t controls[] = { 0, 2, 3, 4, 8 };
    GdbRegisters *r = g_new0(GdbRegisters, 1);
    unsigned vectors = wide ? 16 : 8, width = wide ? 8 : 4;
    const char *type = wide ? "int64" : "int32";
    char name[8];

    r->rows = g_array_new(FALSE, TRUE, sizeof(Register));
    r->wide = wide;
    add_core(r);
    for (unsigned i = 0; i < vectors; i++) {
        g_snprintf(name, sizeof(name), "xmm%u", i);
        add(r, FEATURE_SSE, name, 16, "vec128", KIND_XMM, i);
    }
    add(r, FEATURE_SSE, "mxcsr", 4, "int32", KIND_MXCSR, 0);
    if (wide) {
        add(r, FEATURE_SEGMENTS, "fs_base", 8, "int", KIND_BASE, FS);
        add(r, FEATURE_SEGMENTS, "gs_base", 8, "int", KIND_BASE, GS);
        add(r, FEATURE_SYSTEM, "k_gs", 8, "int64", KIND_KERNEL_GS, 0);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(controls); i++) {
        g_snprintf(name, sizeof(name), "cr%u", controls[i]);
        if (wide || controls[i] != 8) {
            add(r, FEATURE_SYSTEM, name, width, type, KIND_CONTROL, controls[i]);
        }
    }
    add(r, FEATURE_SYSTEM, "efer", 8, "int64", KIND_EFER, 0);
    for (unsigned i = 0; i < vectors && avx; i++) {
        g_snprintf(name, sizeof(name), "ymm%uh", i);
        add(r, FEATURE_AVX, name, 16, "uint128", KIND_YMM, i);
    }
    return r;
}

void gdb_registers_free(GdbRegisters *r)
{
    g_array_free(r->rows, TRUE);
    g_free(r);
}

unsigned gdb_registers_count(const GdbRegisters *r)
{
    return r->rows->len;
}

static const Register *row_at(const GdbRegisters *r, unsigned n)
{
    return &g_array_index(r->rows, Register, n);
}

unsigned gdb_registers_core_count(const GdbRegisters *r)
{
    unsigned n = 0;

    while (n < r->rows->len && row_at(r, n)->feature <= FEATURE_SSE) {
        n++;
    }
    return n;
}

/* ---- Values ---- */

static void image_get(const Cpu *cpu, unsigned component, unsigned at, unsigned width, void *value)
{
    uint64_t in_use;

    memcpy(&in_use, cpu->xsave + AT_BV, sizeof(in_use));
    if (in_use & component) {
        memcpy(value, cpu->xsave + at, width);
    } else if (at == AT_FCW && component == COMPONENT_X87) {
        uint16_t fcw = FCW_INITIAL;

        memcpy(value, &fcw, sizeof(fcw));
    }
}

/* What comes into use begins in its initial state. */
static void image_set(Cpu *cpu, unsigned component, unsigned at, unsigned width, const void *value)
{
    uint64_t in_use;
    uint16_t fcw = FCW_INITIAL;

    memcpy(&in_use, cpu->xsave + AT_BV, sizeof(in_use));
    if (!(in_use & component)) {
        if (component == COMPONENT_X87) {
            memset(cpu->xsave, 0, AT_MXCSR);
            memset(cpu->xsave + AT_ST, 0, AT_XMM - AT_ST);
            memcpy(cpu->xsave + AT_FCW, &fcw, sizeof(fcw));
        } else {
            memset(cpu->xsave + (component == COMPONENT_SSE ? AT_XMM : AT_YMM), 0, 256);
        }
        in_use |= component;
        memcpy(cpu->xsave + AT_BV, &in_use, sizeof(in_use));
    }
    memcpy(cpu->xsave + at, value, width);
}

/* Two bits a register, 3 for an empty one, of one bit that says which are not. */
static uint32_t tags_full(uint8_t abridged)
{
    uint32_t tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        tags |= (abridged >> i & 1 ? 0u : 3u) << (2 * i);
    }
    return tags;
}

static uint8_t tags_abridged(uint32_t tags)
{
    uint8_t abridged = 0;

    for (unsigned i = 0; i < 8; i++) {
        abridged |= (uint8_t)((tags >> (2 * i) & 3) != 3) << i;
    }
    return abridged;
}

static uint32_t fpu_get(const Cpu *cpu, unsigned index)
{
    uint32_t value = 0;

    switch (index) {
    case FPU_CTRL:
        image_get(cpu, COMPONENT_X87, AT_FCW, 2, &value);
        return value;
    case FPU_STAT:
        image_get(cpu, COMPONENT_X87, AT_FSW, 2, &value);
        return value;
    case FPU_TAG:
        image_get(cpu, COMPONENT_X87, AT_FTW, 1, &value);
        return tags_full((uint8_t)value);
    case FPU_ISEG:
        return cpu->x87_last.cs;
    case FPU_IOFF:
        return (uint32_t)cpu->x87_last.ip;
    case FPU_OSEG:
        return cpu->x87_last.ds;
    case FPU_OOFF:
        return (uint32_t)cpu->x87_last.dp;
    default:
        return cpu->x87_last.op;
    }
}

static void fpu_set(Cpu *cpu, unsigned index, uint32_t value)
{
    uint8_t tags = tags_abridged(value);

    switch (index) {
    case FPU_CTRL:
        image_set(cpu, COMPONENT_X87, AT_FCW, 2, &value);
        break;
    case FPU_STAT:
        image_set(cpu, COMPONENT_X87, AT_FSW, 2, &value);
        break;
    case FPU_TAG:
        image_set(cpu, COMPONENT_X87, AT_FTW, 1, &tags);
        break;
    default:
        break; /* what the last instruction was is no register */
    }
}

static uint64_t control_get(const Cpu *cpu, unsigned index)
{
    switch (index) {
    case 0:
        return cpu->cr0;
    case 2:
        return cpu->cr2;
    case 3:
        return cpu->cr3;
    case 4:
        return cpu->cr4;
    default:
        return cpu->bus != NULL ? cpu->bus->tpr_read((Cpu *)cpu) : 0;
    }
}

static uint64_t integer_get(const Cpu *cpu, const Register *row)
{
    switch (row->kind) {
    case KIND_GPR:
        return cpu->gpr[row->index];
    case KIND_RIP:
        return cpu->rip;
    case KIND_FLAGS:
        return cpu->rflags;
    case KIND_SEGMENT:
        return cpu->seg[row->index].selector;
    case KIND_FPU:
        return fpu_get(cpu, row->index);
    case KIND_BASE:
        return cpu->seg[row->index].base;
    case KIND_KERNEL_GS:
        return cpu->kernel_gs_base;
    case KIND_CONTROL:
        return control_get(cpu, row->index);
    default:
        return cpu->efer;
    }
}

unsigned gdb_register_get(const GdbRegisters *r, const Cpu *cpu, unsigned n, void *value)
{
    const Register *row = row_at(r, n);
    uint64_t integer;

    memset(value, 0, row->width);
    switch (row->kind) {
    case KIND_ST:
        image_get(cpu, COMPONENT_X87, AT_ST + 16u * row->index, 10, value);
        break;
    case KIND_XMM:
        image_get(cpu, COMPONENT_SSE, AT_XMM + 16u * row->index, 16, value);
        break;
    case KIND_YMM:
        image_get(cpu, COMPONENT_AVX, AT_YMM + 16u * row->index, 16, value);
        break;
    case KIND_MXCSR:
        memcpy(value, cpu->xsave + AT_MXCSR, 4);
        break;
    default:
        integer = integer_get(cpu, row);
        memcpy(value, &integer, row->width);
        break;
    }
    return row->width;
}

/* In real and virtual-8086 mode the base follows; a selector alone means nothing elsewhere. */
static void segment_set(Cpu *cpu, unsigned segment, uint16_t selector)
{
    if (!(cpu->mode & MODE_PE) || (cpu->mode & MODE_VM)) {
        cpu->seg[segment].selector = selector;
        cpu->seg[segment].base = (uint32_t)selector << 4;
    }
}

static void integer_set(Cpu *cpu, const Register *row, uint64_t value)
{
    switch (row->kind) {
    case KIND_GPR:
        cpu->gpr[row->index] = value;
        break;
    case KIND_RIP:
        cpu->rip = value;
        break;
    case KIND_FLAGS:
        cpu->rflags = (value & 0x3f7fd5) | FLAG_1;
        break;
    case KIND_SEGMENT:
        segment_set(cpu, row->index, (uint16_t)value);
        break;
    case KIND_FPU:
        fpu_set(cpu, row->index, (uint32_t)value);
        break;
    case KIND_BASE:
        cpu->seg[row->index].base = value;
        break;
    case KIND_KERNEL_GS:
        cpu->kernel_gs_base = value;
        break;
    case KIND_CONTROL:
        if (row->index == 2) {
            cpu->cr2 = value;
        } else if (row->index == 3) {
            cpu->cr3 = value;
        }
        break; /* modes are not changed from outside */
    default:
        break;
    }
}

void gdb_register_set(const GdbRegisters *r, Cpu *cpu, unsigned n, const void *value)
{
    const Register *row = row_at(r, n);
    uint64_t integer = 0;

    switch (row->kind) {
    case KIND_ST:
        image_set(cpu, COMPONENT_X87, AT_ST + 16u * row->index, 10, value);
        break;
    case KIND_XMM:
        image_set(cpu, COMPONENT_SSE, AT_XMM + 16u * row->index, 16, value);
        break;
    case KIND_YMM:
        image_set(cpu, COMPONENT_AVX, AT_YMM + 16u * row->index, 16, value);
        break;
    case KIND_MXCSR:
        memcpy(&integer, value, 4);
        integer &= 0xffff; /* other bits would fault */
        memcpy(cpu->xsave + AT_MXCSR, &integer, 4);
        break;
    default:
        memcpy(&integer, value, row->width);
        integer_set(cpu, row, integer);
        break;
    }
    software_cpu_loaded(cpu);
}

/* ---- The description ---- */

char *gdb_registers_xml(const GdbRegisters *r)
{
    GString *xml = g_string_new("<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
                                "<target>");
    unsigned n = 0;

    g_string_append_printf(xml, "<architecture>%s</architecture>",
                           r->wide ? "i386:x86-64" : "i386");
    while (n < r->rows->len) {
        unsigned feature = row_at(r, n)->feature;

        g_string_append_printf(xml, "<feature name=\"%s\">%s", features[feature].name,
                               features[feature].types != NULL ? features[feature].types : "");
        for (; n < r->rows->len && row_at(r, n)->feature == feature; n++) {
            const Register *row = row_at(r, n);

            g_string_append_printf(xml,
                                   "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"/>",
                                   row->name, row->width * 8, row->type, n);
        }
        g_string_append(xml, "</feature>");
    }
    g_string_append(xml, "</target>");
    return g_string_free(xml, FALSE);
}
