/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share.c - accesses near one address that share one TLB check.
 *
 * A range is the accesses of a block through the same registers, [base + index * scale + disp],
 * while those change by constants only: stack frames above all, structures, elements that are read
 * and written. Its first access checks all of its bytes at once. The host address stays in T0 until
 * another access needs T0, and waits in a slot of Cpu.jit_host from then on.
 *
 * If the page of a range is not in the TLB, C fills it in and the access begins again. If that does
 * not help (the range is not in one page, or not RAM that may be accessed so), the rest of the
 * region in which ranges are in use runs on the software CPU; a block in which that happens often
 * is translated again without sharing. Nothing else in a region may call C and come back, since
 * that may change the map. */
#include "translator/lower.h"
#include <glib.h>
#include <string.h>

enum {
    RANGE_SIZE_MAX = 1056,
    TABLE_SCALE_MAX = 4,
    GAP_MAX = 16,        /* instructions between two accesses of a range */
    DELTA_MAX = 1 << 15, /* by how much the registers of a range may move */
    STRIDE_MAX = 512,    /* in a loop, from one turn to the next */
};

/* One access of an instruction. */
typedef struct Place {
    MemOperand mem; /* MEM_RIP: disp is from the page's start */
    uint16_t width;
    uint8_t index, scale; /* of a table: `mem` and `width` are the whole table's; or MEM_NO_REG */
    bool write;
} Place;

static bool flat_segment(const Xlat *x, const Insn *insn)
{
    if (x->mode & MODE_CS64) {
        return insn->mem.segment != FS && insn->mem.segment != GS;
    }
    return (insn->mem.segment == DS && (x->mode & MODE_FLAT_DS)) ||
           (insn->mem.segment == SS && (x->mode & MODE_FLAT_SS));
}

/* MOV to and from these needs the scratch registers, T0 above all. */
static bool moves_system_register(const Insn *insn)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_SEGMENT || insn->op[i].kind == OPERAND_CR) {
            return true;
        }
    }
    return false;
}

/* Lowerings that run an instruction in place: whatever calls C does not come back. */
static bool runs_in_place(const Insn *insn)
{
    LowerFn lower = insn_rows[insn->mnemonic].lower;

    if (moves_system_register(insn)) {
        return false;
    }
    return lower == lower_identity || lower == lower_mov || lower == lower_incdec ||
           lower == lower_div ||
           ((lower == lower_cmps || lower == lower_movs) && insn->n_operands != 0) ||
           (lower == lower_bt && !(insn->has_mem && insn->op[1].kind == OPERAND_GPR));
}

static bool operand_place(const Xlat *x, unsigned at, Place *place)
{
    const Insn *insn = &x->insn[at];

    if (!runs_in_place(insn) || insn->mem.vsib || !flat_segment(x, insn) ||
        insn->address_width != (x->mode & MODE_CS64 ? 8 : 4) ||
        (x->in->window && !window_usable(x, insn))) {
        return false;
    }
    *place = (Place){ .mem = insn->mem, .index = MEM_NO_REG };
    if (insn->mem.base == MEM_RIP) {
        place->mem.disp += x->offset[at] + insn->length;
    }
    if (ABS(place->mem.disp) > INT32_MAX - DELTA_MAX) {
        return false;
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_MEM) {
            place->width = insn->op[i].width;
            place->write = insn->op[i].write || (insn->prefix & PREFIX_LOCK);
            return place->width > 0 && place->width <= 32;
        }
    }
    return false;
}

static bool stack_place(const Xlat *x, const Insn *insn, Place *place)
{
    if (!(x->mode & MODE_CS64) && (~x->mode & (MODE_SS32 | MODE_FLAT_SS))) {
        return false;
    }
    *place = (Place){ .mem = { .base = RSP, .index = MEM_NO_REG },
                      .width = insn->op_width,
                      .index = MEM_NO_REG };
    switch (insn->mnemonic) {
    case ZYDIS_MNEMONIC_PUSH:
        place->write = true;
        place->mem.disp = -(int32_t)insn->op_width;
        return insn->op[0].kind == OPERAND_GPR || insn->op[0].kind == OPERAND_IMM;
    case ZYDIS_MNEMONIC_CALL:
        place->write = true;
        place->mem.disp = -(int32_t)insn->op_width;
        return insn->op[0].kind == OPERAND_REL;
    case ZYDIS_MNEMONIC_POP:
        return insn->op[0].kind == OPERAND_GPR && insn->op[0].reg != RSP;
    case ZYDIS_MNEMONIC_RET:
        return true;
    default:
        return false;
    }
}

/* The access of an instruction that can be in a range. */
static bool place_of(const Xlat *x, unsigned i, Place *place)
{
    return x->insn[i].has_mem ? operand_place(x, i, place) : stack_place(x, &x->insn[i], place);
}

/* May an instruction without a shared access be in a region? */
static bool is_harmless(const Insn *insn)
{
    LowerFn lower = insn_rows[insn->mnemonic].lower;

    if (lower == lower_nop || lower == lower_lea) {
        return true;
    }
    return runs_in_place(insn) && !insn->has_mem;
}

/* Does T0 survive a harmless instruction? */
static bool keeps_t0(const Insn *insn)
{
    unsigned in_memory = 0;

    if (insn_rows[insn->mnemonic].lower == lower_lea) {
        return false;
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        in_memory += insn->op[i].kind == OPERAND_GPR && host_register(insn->op[i].reg) == IN_MEMORY;
    }
    return in_memory <= 1;
}

/* The open range that takes the access of instruction i; it has grown by it. NULL: none. */
static Range *range_take(Xlat *x, unsigned i, const Place *place)
{
    for (unsigned r = x->n_ranges; r-- > 0;) {
        Range *range = &x->range[r];
        int32_t at = range->delta + (int32_t)place->mem.disp;
        int64_t low = MIN(range->mem.disp, at), high = MAX(range->high, (int64_t)at + place->width);

        if (range->open && range->mem.base == place->mem.base &&
            range->mem.index == place->mem.index &&
            (range->mem.index == MEM_NO_REG || range->mem.scale == place->mem.scale) &&
            i - range->last <= GAP_MAX && high - low <= RANGE_SIZE_MAX) {
            range->mem.disp = low;
            range->high = (int32_t)high;
            range->last = (uint8_t)i;
            range->members++;
            range->access = place->write ? ACCESS_WRITE : range->access;
            x->share[i].disp = at;
            return range;
        }
    }
    return NULL;
}

static Range *range_new(Xlat *x, unsigned i, const Place *place)
{
    Range *range = &x->range[x->n_ranges];

    if (x->n_ranges == MAX_RANGES) {
        return NULL;
    }
    x->n_ranges++;
    *range = (Range){
        .mem = place->mem,
        .first = (uint8_t)i,
        .last = (uint8_t)i,
        .members = 1,
        .slot = SLOT_NONE,
        .page = SLOT_NONE,
        .open = true,
        .access = place->write ? ACCESS_WRITE : ACCESS_READ,
        .high = (int32_t)place->mem.disp + place->width,
    };
    x->share[i].disp = (int32_t)place->mem.disp;
    return range;
}

/* Of `bytes`, the registers that are known to hold 0 to 255, those that still do. */
static unsigned bytes_follow(const Insn *insn, unsigned bytes)
{
    const Operand *to = &insn->op[0];

    for (unsigned r = RAX; r <= R15; r++) {
        if (((bytes >> r) & 1) && (register_written(insn, r) || register_written_hidden(insn, r))) {
            bytes &= ~(1u << r);
        }
    }
    if (to->kind == OPERAND_GPR && to->width >= 4 && insn->n_operands == 2 &&
        ((insn->mnemonic == ZYDIS_MNEMONIC_MOVZX && insn->op[1].width == 1) ||
         (insn->mnemonic == ZYDIS_MNEMONIC_AND && insn->op[1].kind == OPERAND_IMM &&
          insn->imm >= 0 && insn->imm <= UINT8_MAX))) {
        bytes |= 1u << to->reg;
    }
    return bytes;
}

/* A look-up by a byte touches no more than a small table, which is checked as a whole: so the check
 * waits for the table's address only. */
static void table_place(const Insn *insn, unsigned bytes, Place *place)
{
    LowerFn lower = insn_rows[insn->mnemonic].lower;
    unsigned index = place->mem.index;

    if (index <= R15 && ((bytes >> index) & 1) && place->mem.scale <= TABLE_SCALE_MAX &&
        (lower == lower_identity || lower == lower_mov) && host_register(index) != IN_MEMORY) {
        place->index = (uint8_t)index;
        place->scale = place->mem.scale;
        place->mem.index = MEM_NO_REG;
        place->width = (uint16_t)(place->width + UINT8_MAX * place->scale);
    }
}

/* Ranges whose registers the instruction changes move, or are closed. */
static void ranges_follow(Xlat *x, const Insn *insn)
{
    for (unsigned r = 0; r < x->n_ranges; r++) {
        Range *range = &x->range[r];
        int32_t base_by = 0, index_by = 0;

        if (!range->open) {
            continue;
        }
        if ((range->mem.base <= R15 && register_changes(x, insn, range->mem.base, &base_by)) ||
            (range->mem.index != MEM_NO_REG &&
             register_changes(x, insn, range->mem.index, &index_by)) ||
            ABS((int64_t)range->delta + base_by + (int64_t)index_by * range->mem.scale) >
                DELTA_MAX) {
            range->open = false;
            continue;
        }
        range->delta += base_by + index_by * range->mem.scale;
    }
}

static void ranges_close(Xlat *x)
{
    for (unsigned r = 0; r < x->n_ranges; r++) {
        x->range[r].open = false;
    }
}

static void ranges_collect(Xlat *x)
{
    const Range *in_t0 = NULL;
    unsigned bytes = 0;

    for (unsigned i = 0; i < x->n; i++) {
        const Insn *insn = &x->insn[i];
        Place place;

        if (x->plain[i] && place_of(x, i, &place)) {
            Range *range;

            table_place(insn, bytes, &place);
            range = range_take(x, i, &place);
            if (range != NULL) {
                x->share[i].reload = range != in_t0;
                range->slot = x->share[i].reload ? 0 : range->slot;
            } else {
                range = range_new(x, i, &place);
            }
            if (range != NULL) {
                x->share[i].member = true;
                x->share[i].range = (uint8_t)(range - x->range);
                x->share[i].index = place.index;
                x->share[i].scale = place.scale;
                range->table |= place.index != MEM_NO_REG;
                range->keep |= range->table;
            }
            in_t0 = range;
        } else if (!x->plain[i] || !is_harmless(insn)) {
            ranges_close(x);
            in_t0 = NULL;
            bytes = 0;
            continue;
        } else if (!keeps_t0(insn)) {
            in_t0 = NULL;
        }
        ranges_follow(x, insn);
        bytes = bytes_follow(insn, bytes);
    }
}

/* The last region, if the range begins in it; else NULL. */
static Region *region_around(Xlat *x, const Range *range)
{
    Region *region = x->n_regions > 0 ? &x->region[x->n_regions - 1] : NULL;

    return region != NULL && range->first <= region->last ? region : NULL;
}

static void region_add(Xlat *x, const Range *range)
{
    Region *region = region_around(x, range);

    if (region == NULL) {
        region = &x->region[x->n_regions++];
        *region = (Region){ .first = range->first, .last = range->last };
    }
    region->last = MAX(region->last, range->last);
    for (unsigned i = range->first; i <= range->last; i++) {
        x->region_of[i] = (uint8_t)x->n_regions;
    }
}

/* Ranges of one access are none, but for tables and in loops. Of the others those that wait while
 * T0 is in other use get a slot; a region has so many. */
static void regions_form(Xlat *x)
{
    int slots = 0;

    for (unsigned r = 0; r < x->n_ranges; r++) {
        Range *range = &x->range[r];

        if (region_around(x, range) == NULL) {
            slots = 0;
        }
        if ((range->members < 2 && !range->keep) ||
            (range->slot != SLOT_NONE && slots == JIT_HOST_SLOTS)) {
            range->members = 0;
            continue;
        }
        if (range->slot != SLOT_NONE) {
            range->slot = (int8_t)slots++;
        }
        region_add(x, range);
    }
}

/* Is the block one that jumps to its own start, with nothing in it that calls C and comes back? */
static bool block_loops(const Xlat *x)
{
    const Insn *last = &x->insn[x->n - 1];

    if (!x->in->self_loops || (x->in->window && x->live_in[0] != 0) || x->in->crossing != NULL ||
        !flow_chained(x) || last->op_width == 2 || insn_rows[last->mnemonic].lower != lower_jcc ||
        x->offset[x->n] + (int32_t)last->imm != x->offset[0]) {
        return false;
    }
    for (unsigned i = 0; i < x->n - 1; i++) {
        Place place;

        if (!x->plain[i] || !(place_of(x, i, &place) || is_harmless(&x->insn[i]))) {
            return false;
        }
    }
    return true;
}

/* Adds what a turn of the loop changes `gpr` by to *by; false: no constant. */
static bool turn_changes(const Xlat *x, unsigned gpr, int scale, int64_t *by)
{
    for (unsigned i = 0; gpr <= R15 && i < x->n; i++) {
        int32_t change;

        if (register_changes(x, &x->insn[i], gpr, &change)) {
            return false;
        }
        *by += (int64_t)change * scale;
    }
    return true;
}

/* Do a loop's turns find the range near where the last one did? Stack instructions have no fault
 * points, which accesses by page slots need. */
static bool range_is_steady(const Xlat *x, const Range *range)
{
    int64_t stride = 0;

    return (range->mem.base != RSP || x->in->window) &&
           turn_changes(x, range->mem.base, 1, &stride) &&
           turn_changes(x, range->mem.index, range->mem.scale, &stride) &&
           ABS(stride) <= STRIDE_MAX;
}

/* A block that loops: what it reaches step by step has its page remembered from turn to turn. All
 * of it is one region, so that nothing comes back from C without looking again. In the window it is
 * the chunk that is remembered: no step is larger than the guards around it, and it is not taken
 * away while the block runs. */
static void loop_form(Xlat *x)
{
    unsigned first = BLOCK_MAX_INSNS;

    for (unsigned r = 0; r < x->n_ranges; r++) {
        Range *range = &x->range[r];

        first = MIN(first, range->first);
        if (x->n_pages < JIT_PAGE_SLOTS && range_is_steady(x, range)) {
            range->page = (int8_t)x->n_pages++;
            range->keep = true;
        }
    }
    if (x->n_pages == 0 || x->in->window) {
        return;
    }
    x->n_regions = 1;
    x->region[0] = (Region){ .first = (uint8_t)first, .last = (uint8_t)(x->n - 1) };
    memset(x->region_of + first, 1, x->n - first);
}

void share_plan(Xlat *x)
{
    memset(x->share, 0, x->n * sizeof(x->share[0]));
    memset(x->region_of, 0, x->n);
    x->n_ranges = 0;
    x->n_regions = 0;
    x->n_pages = 0;
    x->pages_lost = false;
    if ((x->mode & MODE_ALIGN) || x->in->unshared) {
        return;
    }
    ranges_collect(x);
    if (block_loops(x)) {
        loop_form(x);
    }
    regions_form(x);
    for (unsigned i = 0; i < x->n; i++) {
        const Range *range = &x->range[x->share[i].range];

        x->share[i].member = x->share[i].member && range->members != 0;
        x->share[i].disp -= (int32_t)range->mem.disp;
    }
}

static int32_t host_slot(const Range *range)
{
    return (int32_t)(offsetof(Cpu, jit_host) + (unsigned)range->slot * sizeof(uint8_t *));
}

bool share_writes(const Xlat *x, unsigned i)
{
    Place place;

    return place_of(x, i, &place) && place.write;
}

/* Is T0, after its check, only what any address near the range's base register is away from the
 * host's? */
static bool range_is_direct(const Xlat *x, const Range *range)
{
    return x->in->window && !range->table && window_is_direct(&range->mem);
}

static void forget_pages(Xlat *x)
{
    emit_mov_ri(&x->e, T0, (int64_t)JIT_PAGE_NONE);
    for (unsigned i = 0; i < x->n_pages; i++) {
        int32_t page = (int32_t)(offsetof(Cpu, jit_page) + i * sizeof(JitPage));

        emit_store(&x->e, 8, HOST_RSP, page + (int32_t)offsetof(JitPage, tag), T0);
        emit_store(&x->e, 8, HOST_RSP, page + (int32_t)offsetof(JitPage, host), T0);
    }
}

void share_enter_loop(Xlat *x)
{
    if (!x->in->window) {
        forget_pages(x);
        return;
    }
    for (unsigned r = 0; r < x->n_ranges; r++) {
        const Range *range = &x->range[r];

        if (range->page != SLOT_NONE) {
            window_enter(x, &range->mem, (unsigned)range->page, range_is_direct(x, range));
        }
    }
}

/* Address and check of a range, for its first access. */
static void range_check(Xlat *x, const Range *range, unsigned width)
{
    bool direct = range_is_direct(x, range);

    if (x->in->window && range->page != SLOT_NONE) {
        window_operand_known(x, &range->mem, (unsigned)range->page, direct);
        return;
    }
    if (x->in->window) {
        window_operand(x, &range->mem, width, range->access, direct);
        return;
    }
    memory_effective(x, &range->mem, T0, x->mode & MODE_CS64 ? 8 : 4);
    if (range->page != SLOT_NONE) {
        memory_check_page(x, width, range->access, (unsigned)range->page);
    } else {
        memory_check(x, width, range->access);
    }
}

/* A member of a direct range has its own displacement, whatever the base register has moved by. */
static void member_operand(Xlat *x, const Range *range, const Share *share)
{
    Place place;

    x->mem_disp = share->disp;
    x->mem_index = HOST_NONE;
    if (range_is_direct(x, range)) {
        place_of(x, x->current, &place);
        x->mem_disp = (int32_t)place.mem.disp;
        x->mem_index = (uint8_t)host_register(range->mem.base);
        x->mem_scale = 1;
    }
    if (share->index != MEM_NO_REG) {
        x->mem_index = (uint8_t)host_register(share->index);
        x->mem_scale = share->scale;
    }
}

bool share_access(Xlat *x)
{
    const Share *share = &x->share[x->current];
    const Range *range = &x->range[share->range];
    unsigned width = (unsigned)(range->high - (int32_t)range->mem.disp);

    x->mem_disp = 0;
    x->mem_index = HOST_NONE;
    if (!share->member) {
        return false;
    }
    if (range->first != x->current) {
        if (share->reload) {
            emit_load(&x->e, 8, T0, HOST_RSP, host_slot(range));
        }
    } else {
        range_check(x, range, width);
        if (range->slot != SLOT_NONE) {
            emit_store(&x->e, 8, HOST_RSP, host_slot(range), T0);
        }
    }
    member_operand(x, range, share);
    return true;
}

/* Instruction i was called out after all: what follows in its region goes alone. */
void share_break(Xlat *x, unsigned i)
{
    Region *region;

    if (x->region_of[i] == 0) {
        return;
    }
    region = &x->region[x->region_of[i] - 1];
    for (unsigned k = i; k <= region->last; k++) {
        x->share[k].member = false;
        x->region_of[k] = 0;
    }
    region->last = (uint8_t)(i - 1);
}
