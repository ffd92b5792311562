/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame.c - stack frames of interrupts, calls through gates and far returns.
 *
 * A frame is one range of memory nearly always: it is checked and written as a whole. Only where
 * the stack pointer wraps inside it, or the range check fails, it is taken slot by slot. */
#include "runtime/software_cpu/segment.h"

enum {
    FRAME_SLOTS = 40,   /* a call gate's 31 parameters, SS, ESP, CS, EIP */
    MMU_WIDTH_MAX = 64, /* bytes at once through mmu_context_write */
    TSS64_RSP0 = 4,
};

FrameStack frame_stack_current(const Cpu *cpu, uint32_t error)
{
    return (FrameStack){ .ss = cpu->seg[SS],
                         .sp = cpu->gpr[RSP],
                         .context = (MmuContext)cpu->context,
                         .width = stack_width(cpu),
                         .error = error };
}

void frame_stack_commit(Cpu *cpu, const FrameStack *stack)
{
    cpu->seg[SS] = stack->ss;
    cpu->gpr[RSP] = stack->sp;
}

/* ---- The TSS's stacks ---- */

bool frame_stack_long(Cpu *cpu, unsigned offset, unsigned cpl, uint32_t ext, FrameStack *stack)
{
    const Segment *tss = &cpu->seg[TR];

    if (offset + 7 > tss->limit || !(tss->attr & ATTR_P)) {
        return fault_selector(cpu, VECTOR_TS, tss->selector, ext);
    }
    stack->ss = (Segment){ .selector = (uint16_t)cpl, .attr = (uint16_t)(cpl << ATTR_DPL_SHIFT) };
    stack->context = cpl == 3 ? MMU_USER : MMU_KERNEL;
    stack->width = 8;
    stack->error = ext;
    return system_read8(cpu, tss->base + offset, &stack->sp);
}

/* SS:ESP for `cpl` out of a 16 or 32-bit TSS. */
static bool tss_stack_read(Cpu *cpu, unsigned cpl, uint32_t ext, uint16_t *ss, uint64_t *esp)
{
    const Segment *tss = &cpu->seg[TR];
    unsigned width = tss->attr & TYPE_BITS32 ? 4 : 2;
    unsigned offset = width + cpl * width * 2;
    uint64_t bytes = 0;

    if (offset + width * 2 - 1 > tss->limit || !(tss->attr & ATTR_P)) {
        return fault_selector(cpu, VECTOR_TS, tss->selector, ext);
    }
    if (width == 4 ? !system_read8(cpu, linear_wrap(cpu, tss->base + offset), &bytes)
                   : !mmu_system_read(cpu, linear_wrap(cpu, tss->base + offset), &bytes, 4)) {
        return false;
    }
    *esp = bytes & width_mask(width);
    *ss = (uint16_t)(bytes >> width * 8);
    return true;
}

bool frame_stack_inner(Cpu *cpu, unsigned cpl, uint32_t ext, FrameStack *stack)
{
    Descriptor descriptor;
    uint16_t selector;

    if (cpu->mode & MODE_LMA) {
        return frame_stack_long(cpu, TSS64_RSP0 + cpl * 8, cpl, ext, stack);
    }
    if (!tss_stack_read(cpu, cpl, ext, &selector, &stack->sp)) {
        return false;
    }
    if (selector_is_null(selector)) {
        return fault_raise(cpu, VECTOR_TS, ext);
    }
    if (!descriptor_fetch(cpu, selector, VECTOR_TS, ext, &descriptor)) {
        return false;
    }
    if ((selector & SELECTOR_RPL) != cpl || attr_dpl(descriptor.attr) != cpl ||
        !attr_is_stack(descriptor.attr)) {
        return fault_selector(cpu, VECTOR_TS, selector, ext);
    }
    if (!(descriptor.attr & ATTR_P)) {
        return fault_selector(cpu, VECTOR_SS, selector, ext);
    }
    if (!descriptor_mark_accessed(cpu, &descriptor)) {
        return false;
    }
    descriptor_unpack(&descriptor, &stack->ss);
    stack->context = cpl == 3 ? MMU_USER : MMU_KERNEL;
    stack->width = descriptor.attr & ATTR_DB ? 4 : 2;
    stack->error = (selector & ~(uint32_t)SELECTOR_RPL) | ext;
    return true;
}

/* ---- Ranges of a stack ---- */

static bool stack_fits(const Segment *ss, uint64_t offset, unsigned size)
{
    uint64_t last = offset + size - 1;

    if (ss->attr & ATTR_DC) { /* expand down */
        return offset > ss->limit && last <= (ss->attr & ATTR_DB ? 0xffffffffu : 0xffffu);
    }
    return last <= ss->limit;
}

/* The linear address of a range at `offset` that does not wrap; false: it is not one range. */
static bool stack_range(const Cpu *cpu, const FrameStack *stack, uint64_t offset, unsigned size,
                        uint64_t *linear)
{
    if (stack->width == 8) {
        *linear = offset;
        return address_canonical(offset) && address_canonical(offset + size - 1);
    }
    *linear = linear_wrap(cpu, (uint32_t)(stack->ss.base + offset));
    return offset + size - 1 <= width_mask(stack->width) && stack_fits(&stack->ss, offset, size) &&
           *linear + size - 1 <= 0xffffffffu;
}

static void slot_store(uint8_t *to, unsigned width, uint64_t value)
{
    switch (width) {
    case 2:
        *(GuestWord *)to = (uint16_t)value;
        break;
    case 4:
        *(GuestDword *)to = (uint32_t)value;
        break;
    default:
        *(GuestQword *)to = value;
        break;
    }
}

static uint64_t slot_load(const uint8_t *from, unsigned width)
{
    switch (width) {
    case 2:
        return *(const GuestWord *)from;
    case 4:
        return *(const GuestDword *)from;
    default:
        return *(const GuestQword *)from;
    }
}

/* A range that the TLB does not hold for writing, or that crosses a page. */
static bool range_write(Cpu *cpu, MmuContext context, uint64_t linear, const uint8_t *bytes,
                        unsigned size)
{
    if (!mmu_context_probe(cpu, context, linear, size, ACCESS_WRITE)) {
        return false;
    }
    while (size > 0) {
        unsigned width = size < MMU_WIDTH_MAX ? size : MMU_WIDTH_MAX;

        if (!mmu_context_write(cpu, context, linear, bytes, width)) {
            return false;
        }
        linear += width;
        bytes += width;
        size -= width;
    }
    return true;
}

/* The frame wraps, or some slot of it is outside the segment. */
static bool frame_push_slots(Cpu *cpu, const FrameStack *stack, unsigned width,
                             const uint64_t *slots, unsigned n)
{
    uint64_t mask = width_mask(stack->width);
    uint64_t linear[FRAME_SLOTS];

    for (unsigned i = 0; i < n; i++) {
        uint64_t offset = (stack->sp - (uint64_t)(i + 1) * width) & mask;

        if (!stack_range(cpu, stack, offset, width, &linear[i])) {
            return fault_raise(cpu, VECTOR_SS, stack->error);
        }
        if (!mmu_context_probe(cpu, stack->context, linear[i], width, ACCESS_WRITE)) {
            return false;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (!mmu_context_write(cpu, stack->context, linear[i], &slots[i], width)) {
            return false;
        }
    }
    return true;
}

bool frame_push(Cpu *cpu, FrameStack *stack, unsigned width, const uint64_t *slots, unsigned n)
{
    uint64_t mask = width_mask(stack->width);
    unsigned size = n * width;
    uint64_t offset = (stack->sp - size) & mask;
    uint64_t buffer[FRAME_SLOTS];
    uint64_t linear;
    uint8_t *host;

    if (!stack_range(cpu, stack, offset, size, &linear)) {
        if (!frame_push_slots(cpu, stack, width, slots, n)) {
            return false;
        }
    } else {
        host = context_hit(cpu, stack->context, linear, size, ACCESS_WRITE);
        uint8_t *to = host != NULL ? host : (uint8_t *)buffer;

        for (unsigned i = 0; i < n; i++) {
            slot_store(to + (n - 1 - i) * width, width, slots[i]);
        }
        if (host == NULL && !range_write(cpu, stack->context, linear, to, size) &&
            !frame_push_slots(cpu, stack, width, slots, n)) { /* CR2: of the first slot to fault */
            return false;
        }
    }
    stack->sp = stack->width == 2 ? (stack->sp & ~0xffffull) | offset : offset;
    return true;
}

bool frame_read(Cpu *cpu, uint64_t skip, unsigned width, uint64_t *slots, unsigned n)
{
    FrameStack stack = frame_stack_current(cpu, 0);
    uint64_t offset = (stack.sp + skip) & width_mask(stack.width);
    uint64_t linear;
    const uint8_t *host;

    if (stack_range(cpu, &stack, offset, n * width, &linear)) {
        host = mmu_hit(cpu, linear, n * width, ACCESS_READ);
        if (host != NULL) {
            for (unsigned i = 0; i < n; i++) {
                slots[i] = slot_load(host + i * width, width);
            }
            return true;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        offset = stack_offset(cpu, (int64_t)(skip + (uint64_t)i * width));
        if (!stack_read(cpu, offset, width, &slots[i])) {
            return false;
        }
    }
    return true;
}
