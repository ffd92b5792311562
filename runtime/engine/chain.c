/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chain.c - host addresses of blocks that are kept elsewhere: in the exits of other blocks.
 *
 * A link is made while other CPUs may run the code: one store, of a displacement that does not lie
 * across a cache line's end, leads to the block instead of the out-of-line part, which does the
 * same at length.  A far exit opens its guard last; a CPU that has fetched the jump before finds
 * the out-of-line part behind an open guard, which is as right.  Links are taken away, and guards
 * changed, by who is alone. */
#include "runtime/engine/engine_int.h"
#include "softmmu/mmu.h"
#include <string.h>

/* `place`: of a displacement in the block's code; `host`: offset in the cache. */
static void set_jump(Engine *engine, const Block *from, uint32_t place, int64_t host)
{
    int32_t displacement = (int32_t)(host - (int64_t)(from->code + place + 4));

    __atomic_store_n((int32_t *)(engine->rw + from->code + place), displacement, __ATOMIC_RELEASE);
}

/* The list links of an exit. */
static ExitLink *exit_link(Engine *engine, uint32_t exit)
{
    return &engine->block[exit / EXIT_NUMBERS].incoming_link[exit % EXIT_NUMBERS];
}

static void exit_enlist(Engine *engine, Block *from, unsigned exit, Block *to)
{
    uint32_t self = block_number(engine, from) * EXIT_NUMBERS + exit;

    from->exit_to[exit] = block_number(engine, to);
    from->incoming_link[exit] = (ExitLink){ .next = to->incoming };
    if (to->incoming != 0) {
        exit_link(engine, to->incoming)->previous = self;
    }
    to->incoming = self;
    engine->stats.links++;
}

static void exit_delist(Engine *engine, Block *from, unsigned exit)
{
    ExitLink link = from->incoming_link[exit];

    if (link.previous != 0) {
        exit_link(engine, link.previous)->next = link.next;
    } else {
        engine->block[from->exit_to[exit]].incoming = link.next;
    }
    if (link.next != 0) {
        exit_link(engine, link.next)->previous = link.previous;
    }
    from->exit_to[exit] = NO_BLOCK;
}

static void set_guard(Engine *engine, const Block *from, unsigned exit, uint64_t guard)
{
    *(volatile GuestU64 *)(engine->rw + from->code + from->exit[exit].guard) = guard;
}

/* The indirect entry is at 0. */
static uint32_t entry_for(const Block *from, const BlockExit *exit, const Block *to)
{
    if (exit->returns) {
        return 0;
    }
    if (to->vector && !from->vector) {
        return to->outer_entry;
    }
    return exit->backward ? to->loop_entry : to->main_entry;
}

void block_link(Engine *engine, Block *from, unsigned exit, Block *to)
{
    if (from->exit_to[exit] != NO_BLOCK) {
        return;
    }
    exit_enlist(engine, from, exit, to);
    set_jump(engine, from, from->exit[exit].place,
             to->code + entry_for(from, &from->exit[exit], to));
}

void block_link_far(Engine *engine, Block *from, unsigned exit, Block *to, uint64_t base,
                    uint64_t salt)
{
    bool linked = from->exit_to[exit] != NO_BLOCK;

    if (linked && engine->parallel) {
        return; /* another CPU may be between guard and jump */
    }
    if (from->exit_to[exit] != block_number(engine, to)) {
        if (linked) {
            exit_delist(engine, from, exit);
        }
        exit_enlist(engine, from, exit, to);
        set_jump(engine, from, from->exit[exit].place, to->code + to->saved_entry);
        set_jump(engine, from, from->exit[exit].miss_place, from->code + from->exit[exit].miss);
    } /* else from another address space */
    set_guard(engine, from, exit, base ^ salt);
}

static void exit_reset(Engine *engine, const Block *from, unsigned exit)
{
    const BlockExit *out = &from->exit[exit];

    if (out->far) {
        set_guard(engine, from, exit, (uint64_t)GUARD_UNLINKED);
        set_jump(engine, from, out->miss_place, from->code + out->unlinked);
    }
    set_jump(engine, from, out->place, from->code + out->unlinked);
}

void block_unlink_incoming(Engine *engine, Block *block)
{
    uint32_t at = block->incoming;

    while (at != 0) {
        Block *from = &engine->block[at / EXIT_NUMBERS];
        unsigned exit = at % EXIT_NUMBERS;

        at = from->incoming_link[exit].next;
        from->exit_to[exit] = NO_BLOCK;
        exit_reset(engine, from, exit);
    }
    block->incoming = 0;
}

/* Indirect branches may still come to the place behind a CALL. */
static void return_unlink(Engine *engine, const Block *from, unsigned exit)
{
    Block *to = &engine->block[from->exit_to[exit]];

    if (to->indirect == from->code + from->exit[exit].place - 1) {
        to->indirect = to->code;
    }
    exit_reset(engine, from, exit);
}

void block_unlink_outgoing(Engine *engine, Block *block)
{
    for (unsigned exit = 0; exit < BLOCK_MAX_EXITS; exit++) {
        if (block->exit_to[exit] != NO_BLOCK) {
            if (block->exit[exit].returns) {
                return_unlink(engine, block, exit);
            }
            exit_delist(engine, block, exit);
        }
    }
}

/* ---- Returns ---- */

static uint32_t *return_place(Engine *engine, const uint8_t *page, unsigned page_offset,
                              uint32_t mode)
{
    uint64_t key = ((uint64_t)(uintptr_t)page | page_offset) * 0x9e3779b97f4a7c15ull;

    return &engine->returns[(key >> 40 ^ mode) % RETURN_PLACES];
}

static int return_exit(const Block *block)
{
    for (int exit = 0; exit < BLOCK_MAX_EXITS; exit++) {
        if (block->exit[exit].returns) {
            return exit;
        }
    }
    return -1;
}

/* The block whose CALL ends where `block` begins, or NULL. */
static Block *caller_before(Engine *engine, const Block *block)
{
    Block *from =
        &engine->block[*return_place(engine, block->page, block->page_offset, block->mode)];

    return from->valid && return_exit(from) >= 0 && from->page == block->page &&
                   from->mode == block->mode &&
                   from->page_offset + from->guest_size == block->page_offset
               ? from
               : NULL;
}

static void return_link(Engine *engine, Block *from, Block *to)
{
    unsigned exit = (unsigned)return_exit(from);

    block_link(engine, from, exit, to);
    to->indirect = from->code + from->exit[exit].place - 1; /* its jump's opcode */
}

const Block *block_returned_to(const Engine *engine, const Block *block)
{
    int exit = return_exit(block);

    return exit >= 0 && block->exit_to[exit] != NO_BLOCK ? &engine->block[block->exit_to[exit]]
                                                         : NULL;
}

void block_link_returns(Engine *engine, Block *block)
{
    unsigned end = block->page_offset + block->guest_size;
    Block *from, *to;

    if (!engine->options.host_returns) {
        return;
    }
    from = caller_before(engine, block);
    if (from != NULL) {
        return_link(engine, from, block);
    }
    if (return_exit(block) >= 0) {
        *return_place(engine, block->page, end, block->mode) = block_number(engine, block);
        to = block_find(engine, block->page, end, block->mode, block->origin);
        if (to != NULL) {
            return_link(engine, block, to);
        }
    }
}

/* Indirect branches may still lead here: the entry now asks for the block anew. */
void block_redirect_entry(Engine *engine, const Block *block)
{
    uint8_t *at = engine->rw + block->code;
    const uint8_t call[] = { 0xff, 0x54, 0x24,
                             offsetof(Cpu, jit_stub) + JIT_STUB_INDIRECT * sizeof(void *) };
    const Site site = { .page_offset = 0 };

    memcpy(at, call, sizeof(call));
    memcpy(at + sizeof(call), &site, sizeof(site));
}
