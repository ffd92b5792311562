/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xsave.c - XSAVE, XSAVEOPT, XSAVEC, XSAVES, XRSTOR, XRSTORS (SDM vol. 1 chapter 13), in software
 * between guest memory and the host's image of the state in cpu->xsave.
 *
 * The standard format has the host's layout, which the guest learns from CPUID leaf 0Dh. Deviation:
 * XSAVEOPT and XSAVES leave out what is in its initial form, but not what is unmodified. */
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/vector_int.h"

typedef struct XsaveHeader {
    uint64_t in_use;  /* XSTATE_BV */
    uint64_t compact; /* XCOMP_BV */
    uint64_t reserved[6];
} XsaveHeader;

#define XCOMP_COMPACT (1ull << 63)

typedef struct XsaveOp {
    const Insn *insn;
    uint64_t linear;
    uint64_t requested; /* components: what EDX:EAX asks for and XCR0 (or XSS) enables */
    uint64_t layout;    /* compacted format: the components that have a place in it; else 0 */
    uint64_t moved;     /* components that are written or loaded from memory */
} XsaveOp;

static bool is_supervisor(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_XSAVES || insn->mnemonic == ZYDIS_MNEMONIC_XSAVES64 ||
           insn->mnemonic == ZYDIS_MNEMONIC_XRSTORS || insn->mnemonic == ZYDIS_MNEMONIC_XRSTORS64;
}

static bool is_compacting(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_XSAVEC || insn->mnemonic == ZYDIS_MNEMONIC_XSAVEC64 ||
           is_supervisor(insn);
}

static bool is_optimising(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_XSAVEOPT ||
           insn->mnemonic == ZYDIS_MNEMONIC_XSAVEOPT64 || is_compacting(insn);
}

static bool general_protection(Cpu *cpu)
{
    cpu_fault_error(cpu, VECTOR_GP, 0);
    return false;
}

static uint64_t components(const Cpu *cpu, const Insn *insn)
{
    return cpu->xcr0 | (is_supervisor(insn) ? cpu->xss : 0);
}

/* Checks and operands; `op->linear` has passed for the legacy area and the header. */
static bool xsave_begin(Cpu *cpu, const Insn *insn, Access access, XsaveOp *op)
{
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        cpu_fault(cpu, VECTOR_UD);
        return false;
    }
    if (cpu->cr0 & CR0_TS) {
        cpu_fault(cpu, VECTOR_NM);
        return false;
    }
    if (is_supervisor(insn) && cpu_cpl(cpu) != 0) {
        return general_protection(cpu);
    }
    *op = (XsaveOp){ .insn = insn };
    op->requested = ((uint32_t)cpu->gpr[RAX] | cpu->gpr[RDX] << 32) & components(cpu, insn);
    return vector_linear_aligned(cpu, insn, AREA_EXTENDED, 64, access, &op->linear);
}

/* Bytes of component i that the mode touches: half of the YMM registers have no name outside
 * 64-bit mode. */
static unsigned component_size(Cpu *cpu, unsigned i)
{
    return i == 2 ? area_registers(cpu) * 16 : thunk_xsave_component(cpu, i)->size;
}

/* Its place in the guest's area; with i past the last, the end of the compacted area. */
static unsigned component_offset(Cpu *cpu, const XsaveOp *op, unsigned i)
{
    unsigned offset = AREA_EXTENDED;

    if (op->layout == 0) {
        return thunk_xsave_component(cpu, i)->offset;
    }
    for (unsigned k = 2; k <= i; k++) {
        const XsaveComponent *component = thunk_xsave_component(cpu, k);

        if (op->layout >> k & 1) {
            offset = component->align ? (offset + 63) & ~63u : offset;
            offset += k < i ? component->size : 0;
        }
    }
    return offset;
}

static bool is_moved(Cpu *cpu, const XsaveOp *op, unsigned i)
{
    return (op->moved >> i & 1) && thunk_xsave_component(cpu, i)->size != 0;
}

static unsigned area_extent(Cpu *cpu, const XsaveOp *op)
{
    unsigned extent = AREA_EXTENDED;

    for (unsigned i = 2; i < XSAVE_COMPONENTS; i++) {
        if (is_moved(cpu, op, i)) {
            unsigned end = component_offset(cpu, op, i) + component_size(cpu, i);

            extent = end > extent ? end : extent;
        }
    }
    return extent;
}

/* ---- Saving ---- */

/* Components that are not in their initial form; cpu->xsave is fresh. */
static uint64_t in_use(Cpu *cpu, bool compacting)
{
    const X87Last *last = &cpu->x87_last;
    uint64_t used = *area_in_use(cpu);

    if ((last->ip | last->dp | last->cs | last->ds | last->op) != 0) {
        used |= COMPONENT_X87;
    }
    if (compacting && area_mxcsr(cpu->xsave) != MXCSR_DEFAULT) {
        used |= COMPONENT_SSE;
    }
    return used;
}

static bool save_legacy(Cpu *cpu, const XsaveOp *op)
{
    uint64_t linear = op->linear;
    uint64_t mxcsr_with = op->layout != 0 ? op->moved & COMPONENT_SSE
                                          : op->requested & (COMPONENT_SSE | COMPONENT_AVX);
    uint8_t header[32];

    area_header(cpu, op->insn, header);
    if ((op->moved & COMPONENT_X87) &&
        !(vector_memory_write(cpu, linear, header, AREA_MXCSR) &&
          vector_memory_write(cpu, linear + AREA_ST, cpu->xsave + AREA_ST, AREA_ST_SIZE))) {
        return false;
    }
    if (mxcsr_with != 0 && !vector_memory_write(cpu, linear + AREA_MXCSR, header + AREA_MXCSR, 8)) {
        return false;
    }
    return !(op->moved & COMPONENT_SSE) ||
           vector_memory_write(cpu, linear + AREA_XMM, cpu->xsave + AREA_XMM,
                               area_registers(cpu) * 16);
}

static bool save_extended(Cpu *cpu, const XsaveOp *op)
{
    for (unsigned i = 2; i < XSAVE_COMPONENTS; i++) {
        if (is_moved(cpu, op, i) &&
            !vector_memory_write(cpu, op->linear + component_offset(cpu, op, i),
                                 cpu->xsave + thunk_xsave_component(cpu, i)->offset,
                                 component_size(cpu, i))) {
            return false;
        }
    }
    return true;
}

/* XSTATE_BV keeps the bits of what was not asked for; the compacting forms write it whole. */
static bool save_header(Cpu *cpu, const XsaveOp *op, uint64_t used)
{
    uint64_t linear = op->linear + AREA_HEADER;
    uint64_t old = 0;

    used &= op->requested;
    if (op->layout != 0) {
        return mmu_write(cpu, linear, 8, used) && mmu_write(cpu, linear + 8, 8, op->layout);
    }
    return mmu_read(cpu, linear, 8, &old) &&
           mmu_write(cpu, linear, 8, (old & ~op->requested) | used);
}

Step exec_xsave(Cpu *cpu, const Insn *insn)
{
    uint64_t used;
    XsaveOp op;

    if (!xsave_begin(cpu, insn, ACCESS_WRITE, &op)) {
        return STEP_FAULT;
    }
    vector_snapshot(cpu);
    used = in_use(cpu, is_compacting(insn));
    op.moved = is_optimising(insn) ? op.requested & used : op.requested;
    op.layout = is_compacting(insn) ? op.requested | XCOMP_COMPACT : 0;
    if (!mmu_probe(cpu, op.linear, area_extent(cpu, &op), ACCESS_WRITE) || !save_legacy(cpu, &op) ||
        !save_extended(cpu, &op) || !save_header(cpu, &op, used)) {
        return STEP_FAULT;
    }
    return STEP_NEXT;
}

/* ---- Restoring ---- */

static bool header_reserved(const XsaveHeader *header, unsigned from)
{
    for (unsigned i = from; i < 6; i++) {
        if (header->reserved[i] != 0) {
            return true;
        }
    }
    return false;
}

static bool header_check(Cpu *cpu, const Insn *insn, const XsaveHeader *header)
{
    uint64_t allowed = components(cpu, insn);
    uint64_t layout = header->compact & ~XCOMP_COMPACT;

    if (!(header->compact & XCOMP_COMPACT)) {
        if (is_supervisor(insn) || header->compact != 0 || header->reserved[0] != 0 ||
            (header->in_use & ~allowed)) {
            return general_protection(cpu);
        }
        return true;
    }
    if (!cpu_has_feature(cpu, INSN_FEATURE_XSAVEC) || (layout & ~allowed) ||
        (header->in_use & ~layout) || header_reserved(header, 0)) {
        return general_protection(cpu);
    }
    return true;
}

/* Everything that memory has to give, checked, before the state changes. */
static bool restore_read(Cpu *cpu, XsaveOp *op, uint8_t *image)
{
    XsaveHeader header;

    if (!vector_memory_read(cpu, op->linear, image, AREA_EXTENDED)) {
        return false;
    }
    __builtin_memcpy(&header, image + AREA_HEADER, sizeof(header));
    if (!header_check(cpu, op->insn, &header)) {
        return false;
    }
    op->layout = header.compact;
    op->moved = op->requested & header.in_use;
    for (unsigned i = 2; i < XSAVE_COMPONENTS; i++) {
        if (is_moved(cpu, op, i) &&
            !vector_memory_read(cpu, op->linear + component_offset(cpu, op, i),
                                image + thunk_xsave_component(cpu, i)->offset,
                                component_size(cpu, i))) {
            return false;
        }
    }
    return true;
}

/* MXCSR belongs to SSE and AVX in the standard format, to SSE alone in the compacted one. */
static bool restore_mxcsr(Cpu *cpu, const XsaveOp *op, const uint8_t *image, uint32_t *mxcsr)
{
    *mxcsr = area_mxcsr(cpu->xsave);
    if (op->layout == 0) {
        if (op->requested & (COMPONENT_SSE | COMPONENT_AVX)) {
            *mxcsr = area_mxcsr(image);
        }
    } else if (op->requested & COMPONENT_SSE) {
        *mxcsr = op->moved & COMPONENT_SSE ? area_mxcsr(image) : MXCSR_DEFAULT;
    }
    return *mxcsr & ~(uint32_t)MXCSR_MASK ? general_protection(cpu) : true;
}

static void restore_x87(Cpu *cpu, const XsaveOp *op, const uint8_t *image)
{
    static const uint8_t initial[AREA_XMM] = { 0x7f, 0x03 }; /* FCW */

    if (op->moved & COMPONENT_X87) {
        area_load_x87(cpu, op->insn, image);
    } else {
        area_load_x87(cpu, op->insn, initial);
        *area_in_use(cpu) &= ~(uint64_t)COMPONENT_X87;
    }
}

/* A component that goes to its initial form stays in use while the registers that the mode cannot
 * name may hold something. */
static void restore_initial(Cpu *cpu, unsigned i, uint8_t *area, unsigned size)
{
    bytes_zero(area, size);
    if (i > 2 || area_registers(cpu) == 16) {
        *area_in_use(cpu) &= ~(1ull << i);
    }
}

static void restore_apply(Cpu *cpu, const XsaveOp *op, const uint8_t *image)
{
    if (op->requested & COMPONENT_X87) {
        restore_x87(cpu, op, image);
    }
    if (op->moved & COMPONENT_SSE) {
        area_load_xmm(cpu, image);
    } else if (op->requested & COMPONENT_SSE) {
        restore_initial(cpu, 1, cpu->xsave + AREA_XMM, area_registers(cpu) * 16);
    }
    for (unsigned i = 2; i < XSAVE_COMPONENTS; i++) {
        unsigned offset = thunk_xsave_component(cpu, i)->offset;

        if (is_moved(cpu, op, i)) {
            bytes_copy(cpu->xsave + offset, image + offset, component_size(cpu, i));
            *area_in_use(cpu) |= 1ull << i;
        } else if (op->requested >> i & 1) {
            restore_initial(cpu, i, cpu->xsave + offset, component_size(cpu, i));
        }
    }
}

Step exec_xrstor(Cpu *cpu, const Insn *insn)
{
    uint8_t image[XSAVE_SIZE] __attribute__((aligned(64)));
    uint32_t mxcsr;
    XsaveOp op;

    if (!xsave_begin(cpu, insn, ACCESS_READ, &op) || !restore_read(cpu, &op, image)) {
        return STEP_FAULT;
    }
    vector_snapshot(cpu);
    if (!restore_mxcsr(cpu, &op, image, &mxcsr)) {
        return STEP_FAULT;
    }
    restore_apply(cpu, &op, image);
    area_load_mxcsr(cpu, mxcsr);
    vector_reload(cpu);
    return STEP_NEXT;
}
