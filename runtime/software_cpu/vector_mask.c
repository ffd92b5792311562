/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vector_mask.c - instructions that touch only the memory that a mask selects: gathers, VMASKMOV,
 * VPMASKMOV, MASKMOVQ, MASKMOVDQU.  Elements that are not selected may lie anywhere. */
#include "runtime/software_cpu/host_traits.h"
#include "runtime/software_cpu/vector_int.h"

enum { XMM = 16, YMM = 32 };

/* ---- Registers as bytes ---- */

/* vmovdqu between [rsi] and a register: 6F loads, 7F stores */
static ThunkCode vex_move(Cpu *cpu, unsigned opcode, unsigned reg, unsigned width)
{
    ThunkInsn insn = { .length = 5 };

    insn.bytes[0] = 0xc4;
    insn.bytes[1] = reg < 8 ? 0xe1 : 0x61;
    insn.bytes[2] = width == YMM ? 0x7e : 0x7a;
    insn.bytes[3] = (uint8_t)opcode;
    insn.bytes[4] = (uint8_t)((reg & 7) << 3 | 6);
    return thunk_find(cpu, &insn);
}

/* movdqu [rsi], xmm: for hosts without AVX too */
static ThunkCode sse_store(Cpu *cpu, unsigned reg)
{
    ThunkInsn insn = { .length = 5 };

    insn.bytes[0] = 0xf3;
    insn.bytes[1] = reg < 8 ? 0x40 : 0x44;
    insn.bytes[2] = 0x0f;
    insn.bytes[3] = 0x7f;
    insn.bytes[4] = (uint8_t)((reg & 7) << 3 | 6);
    return thunk_find(cpu, &insn);
}

void vector_get(Cpu *cpu, unsigned reg, unsigned width, uint8_t *to)
{
    thunk_run(cpu, width == XMM ? sse_store(cpu, reg) : vex_move(cpu, 0x7f, reg, width), to);
}

void vector_set(Cpu *cpu, unsigned reg, uint8_t from[YMM])
{
    thunk_run(cpu, vex_move(cpu, 0x6f, reg, YMM), from);
}

void vector_get_mmx(Cpu *cpu, unsigned reg, uint8_t to[8])
{
    ThunkInsn insn = { .bytes = { 0x0f, 0x7f, (uint8_t)(reg << 3 | 6) }, .length = 3 };

    if (cpu->ignne) {
        x87_run_ignoring(cpu, thunk_find(cpu, &insn), to);
    } else {
        thunk_run(cpu, thunk_find(cpu, &insn), to);
    }
}

/* ---- VMASKMOV, VPMASKMOV: elements follow the first one past 4 GiB, whatever the address size
 * ---- */

static uint64_t element_get(const uint8_t *from, unsigned width)
{
    uint64_t value = 0;

    if (width == 8) {
        __builtin_memcpy(&value, from, 8);
    } else {
        __builtin_memcpy(&value, from, 4);
    }
    return value;
}

static void element_put(uint8_t *to, unsigned width, uint64_t value)
{
    if (width == 8) {
        __builtin_memcpy(to, &value, 8);
    } else {
        __builtin_memcpy(to, &value, 4);
    }
}

/* mmu_read and mmu_write of an element at any address. */
static bool element_read(Cpu *cpu, uint64_t linear, unsigned width, uint64_t *value)
{
    const uint8_t *host = mmu_hit(cpu, linear, width, ACCESS_READ);

    *value = 0;
    if (host == NULL) {
        return mmu_read_slow(cpu, linear, value, width);
    }
    *value = element_get(host, width);
    return true;
}

static bool element_write(Cpu *cpu, uint64_t linear, unsigned width, uint64_t value)
{
    uint8_t *host = mmu_hit(cpu, linear, width, ACCESS_WRITE);

    if (host == NULL) {
        return mmu_write_slow(cpu, linear, &value, width);
    }
    element_put(host, width, value);
    return true;
}

static bool is_selected(const uint8_t *mask, unsigned i, unsigned width)
{
    return mask[i * width + width - 1] & 0x80;
}

/* Linear address of `width` bytes at an offset in the instruction's segment. Masked moves and
 * gathers make no alignment checks: SDM vol. 2, VMASKMOV (exceptions type 6), VGATHER. */
static bool element_linear(Cpu *cpu, const Insn *insn, uint64_t offset, unsigned width,
                           Access access, uint64_t *linear)
{
    return segment_linear_unaligned(cpu, (SegmentName)insn->mem.segment, offset, width, access,
                                    linear);
}

/* CPUs differ in what address they tell of where an element's page faults: the operand's first or
 * last byte in that page is another choice. */
static bool element_fault(Cpu *cpu, const Insn *insn, uint64_t linear, unsigned i, unsigned width,
                          Access access)
{
    bool store = access == ACCESS_WRITE;
    uint64_t first = linear - i * width, last = first + insn->vector_width - 1;
    bool split = (first ^ last) >> PAGE_SHIFT != 0;
    HostTrait trait = split ? (store ? HOST_MASKED_STORE_SPLIT : HOST_MASKED_LOAD_SPLIT)
                            : (store ? HOST_MASKED_STORE : HOST_MASKED_LOAD);
    uint64_t page = cpu->fault.address & ~(uint64_t)(PAGE_SIZE - 1);

    if (cpu->fault.vector != VECTOR_PF) {
        return false;
    }
    switch (host_trait(cpu, trait)) {
    case HOST_MASKED_FIRST:
        cpu->fault.address = first > page ? first : page;
        break;
    case HOST_MASKED_LAST:
        cpu->fault.address = last < page + PAGE_SIZE ? last : page + PAGE_SIZE - 1;
        break;
    default:
        break;
    }
    return false;
}

static bool elements_load(Cpu *cpu, const Insn *insn, const uint8_t *mask, unsigned width,
                          uint8_t *to)
{
    uint64_t offset = operand_offset(cpu, insn);

    for (unsigned i = 0; i < insn->vector_width / width; i++) {
        uint64_t linear, value = 0;

        if (is_selected(mask, i, width)) {
            if (!element_linear(cpu, insn, offset + i * width, width, ACCESS_READ, &linear)) {
                return false;
            }
            if (!element_read(cpu, linear, width, &value)) {
                return element_fault(cpu, insn, linear, i, width, ACCESS_READ);
            }
        }
        element_put(to + i * width, width, value);
    }
    return true;
}

/* Two rounds, so that a fault leaves nothing written: probe, then write. */
static bool elements_store(Cpu *cpu, const Insn *insn, const uint8_t *mask, unsigned width,
                           const uint8_t *from, bool probe)
{
    uint64_t offset = operand_offset(cpu, insn);

    for (unsigned i = 0; i < insn->vector_width / width; i++) {
        uint64_t linear;

        if (!is_selected(mask, i, width)) {
            continue;
        }
        if (!element_linear(cpu, insn, offset + i * width, width, ACCESS_WRITE, &linear)) {
            return false;
        }
        if (!(probe ? mmu_probe(cpu, linear, width, ACCESS_WRITE)
                    : element_write(cpu, linear, width, element_get(from + i * width, width)))) {
            return element_fault(cpu, insn, linear, i, width, ACCESS_WRITE);
        }
    }
    return true;
}

Step exec_maskmov(Cpu *cpu, const Insn *insn)
{
    bool wide = insn->mnemonic == ZYDIS_MNEMONIC_VMASKMOVPD ||
                insn->mnemonic == ZYDIS_MNEMONIC_VPMASKMOVQ;
    uint8_t mask[YMM], data[YMM] = { 0 };
    unsigned width = wide ? 8 : 4;
    Step step = vector_begin(cpu, USES_AVX);

    if (step != STEP_NEXT) {
        return step;
    }
    vector_get(cpu, insn->op[1].reg, insn->vector_width, mask);
    if (insn->op[0].kind != OPERAND_MEM) {
        if (!elements_load(cpu, insn, mask, width, data)) {
            return STEP_FAULT;
        }
        vector_set(cpu, insn->op[0].reg, data);
        return STEP_NEXT;
    }
    vector_get(cpu, insn->op[2].reg, insn->vector_width, data);
    return elements_store(cpu, insn, mask, width, data, true) &&
                   elements_store(cpu, insn, mask, width, data, false)
               ? STEP_NEXT
               : STEP_FAULT;
}

/* ---- MASKMOVQ, MASKMOVDQU, VMASKMOVDQU: bytes to DS:rDI ---- */

static bool bytes_store(Cpu *cpu, const Insn *insn, const uint8_t *mask, const uint8_t *from,
                        unsigned n, bool probe)
{
    uint64_t first = cpu->gpr[RDI] & width_mask(insn->address_width);

    for (unsigned i = 0; i < n; i++) {
        uint64_t linear;

        if (!(mask[i] & 0x80)) {
            continue;
        }
        if (!element_linear(cpu, insn, first + i, 1, ACCESS_WRITE, &linear) ||
            !(probe ? mmu_probe(cpu, linear, 1, ACCESS_WRITE)
                    : mmu_write(cpu, linear, 1, from[i]))) {
            return false;
        }
    }
    return true;
}

/* Whether the whole operand's address is looked at where alignment is checked depends on the CPU.
 */
static bool bytes_aligned(Cpu *cpu, const Insn *insn, const uint8_t *mask, unsigned n)
{
    unsigned how = host_trait(cpu, n == XMM ? HOST_MASKMOVDQU_ALIGN : HOST_MASKMOVQ_ALIGN);
    uint64_t first = cpu->gpr[RDI] & width_mask(insn->address_width);
    uint64_t base = (cpu->mode & MODE_CS64) && insn->mem.segment < FS
                        ? 0
                        : cpu->seg[insn->mem.segment].base;
    unsigned unit = n == XMM && host_trait(cpu, HOST_MASKMOVDQU_UNIT) != 0 ? n / 2 : n;
    uint8_t selected = 0;

    for (unsigned i = 0; i < n; i++) {
        selected |= mask[i] & 0x80;
    }
    if (!(cpu->mode & MODE_ALIGN) || how == HOST_ALIGN_NEVER ||
        (how == HOST_ALIGN_SELECTED && selected == 0) || ((first + base) & (unit - 1)) == 0) {
        return true;
    }
    cpu_fault_error(cpu, VECTOR_AC, 0);
    return false;
}

Step exec_maskmov_bytes(Cpu *cpu, const Insn *insn)
{
    bool mmx = insn->mnemonic == ZYDIS_MNEMONIC_MASKMOVQ;
    unsigned n = mmx ? 8 : XMM;
    uint8_t mask[XMM], data[XMM];
    Step step = vector_begin(cpu, insn->encoding == ENCODING_VEX ? USES_AVX
                                  : mmx                          ? USES_MMX
                                                                 : USES_SSE);

    if (step != STEP_NEXT) {
        return step;
    }
    if (mmx) {
        vector_get_mmx(cpu, insn->op[0].reg, data);
        vector_get_mmx(cpu, insn->op[1].reg, mask);
    } else {
        vector_get(cpu, insn->op[0].reg, XMM, data);
        vector_get(cpu, insn->op[1].reg, XMM, mask);
    }
    return bytes_aligned(cpu, insn, mask, n) && bytes_store(cpu, insn, mask, data, n, true) &&
                   bytes_store(cpu, insn, mask, data, n, false)
               ? STEP_NEXT
               : STEP_FAULT;
}

/* ---- Gathers: an element that has arrived clears its mask, so that a fault can be restarted.
 * The three registers differ: the decoder knows no other form. ---- */

typedef struct Gather {
    unsigned data_width, index_width, n;
    uint8_t dest[YMM], index[YMM], mask[YMM];
} Gather;

static void gather_shape(Gather *gather, const Insn *insn)
{
    bool wide_data = false, wide_index = false;
    unsigned widest;

    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_VGATHERDPD:
    case ZYDIS_MNEMONIC_VPGATHERDQ:
        wide_data = true;
        break;
    case ZYDIS_MNEMONIC_VGATHERQPS:
    case ZYDIS_MNEMONIC_VPGATHERQD:
        wide_index = true;
        break;
    case ZYDIS_MNEMONIC_VGATHERQPD:
    case ZYDIS_MNEMONIC_VPGATHERQQ:
        wide_data = wide_index = true;
        break;
    default:
        break;
    }
    gather->data_width = wide_data ? 8 : 4;
    gather->index_width = wide_index ? 8 : 4;
    widest = wide_data || wide_index ? 8 : 4;
    gather->n = (insn->bytes[insn->opcode_at - 1] & 4 ? YMM : XMM) / widest; /* VEX.L */
}

static bool gather_element(Cpu *cpu, const Insn *insn, Gather *gather, unsigned i)
{
    uint64_t raw = element_get(gather->index + i * gather->index_width, gather->index_width);
    uint64_t offset = (uint64_t)sign_extend(raw, gather->index_width) * insn->mem.scale +
                      (uint64_t)insn->mem.disp;
    uint64_t linear, value;

    if (insn->mem.base != MEM_NO_REG) {
        offset += cpu->gpr[insn->mem.base];
    }
    offset &= width_mask(insn->address_width);
    if (!element_linear(cpu, insn, offset, gather->data_width, ACCESS_READ, &linear) ||
        !element_read(cpu, linear, gather->data_width, &value)) {
        return false;
    }
    element_put(gather->dest + i * gather->data_width, gather->data_width, value);
    element_put(gather->mask + i * gather->data_width, gather->data_width, 0);
    return true;
}

Step exec_gather(Cpu *cpu, const Insn *insn)
{
    unsigned dest = insn->op[0].reg, mask = insn->op[2].reg;
    Step step = vector_begin(cpu, insn->encoding == ENCODING_VEX ? USES_AVX : USES_BAD);
    unsigned used;
    Gather gather;

    if (step != STEP_NEXT) {
        return step;
    }
    gather_shape(&gather, insn);
    vector_get(cpu, dest, YMM, gather.dest);
    vector_get(cpu, mask, YMM, gather.mask);
    vector_get(cpu, insn->mem.index, YMM, gather.index);
    for (unsigned i = 0; i < gather.n && step == STEP_NEXT; i++) {
        if (is_selected(gather.mask, i, gather.data_width) &&
            !gather_element(cpu, insn, &gather, i)) {
            step = STEP_FAULT;
        }
    }
    used = gather.n * gather.data_width;
    bytes_zero(gather.dest + used, YMM - used);
    bytes_zero(gather.mask + used, YMM - used);
    if (step == STEP_NEXT) {
        bytes_zero(gather.mask, used);
    }
    vector_set(cpu, dest, gather.dest);
    vector_set(cpu, mask, gather.mask);
    return step;
}
