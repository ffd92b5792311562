/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chain.c - host addresses of blocks that are kept elsewhere: in the exits of other blocks. */
#include "runtime/engine_int.h"
#include <string.h>

/* `place`: of a displacement in the block's code; `host`: offset in the cache. */
static void set_jump(Engine *engine, const Block *from, uint32_t place, int64_t host)
{
    int32_t displacement = (int32_t)(host - (int64_t)(from->code + place + 4));

    __atomic_store_n((int32_t *)(engine->rw + from->code + place), displacement, __ATOMIC_RELEASE);
}

static void exit_enlist(Engine *engine, Block *from, unsigned exit, Block *to)
{
    from->exit_to[exit] = block_number(engine, to);
    from->incoming_next[exit] = to->incoming;
    to->incoming = block_number(engine, from) * 2 + exit;
    engine->stats.links++;
}

static void exit_delist(Engine *engine, Block *from, unsigned exit)
{
    uint32_t self = block_number(engine, from) * 2 + exit;
    uint32_t *at = &engine->block[from->exit_to[exit]].incoming;

    while (*at != self) {
        at = &engine->block[*at / 2].incoming_next[*at % 2];
    }
    *at = from->incoming_next[exit];
    from->exit_to[exit] = NO_BLOCK;
}

static void set_guard(Engine *engine, const Block *from, unsigned exit, uint64_t guard)
{
    memcpy(engine->rw + from->code + from->exit[exit].guard, &guard, sizeof(guard));
}

void block_link(Engine *engine, Block *from, unsigned exit, Block *to)
{
    if (from->exit_to[exit] != NO_BLOCK) {
        return;
    }
    exit_enlist(engine, from, exit, to);
    set_jump(engine, from, from->exit[exit].place,
             to->code + (from->exit[exit].backward ? to->loop_entry : to->main_entry));
}

void block_link_far(Engine *engine, Block *from, unsigned exit, Block *to, uint64_t base,
                    uint64_t salt)
{
    if (from->exit_to[exit] != NO_BLOCK) {
        exit_delist(engine, from, exit);
    }
    exit_enlist(engine, from, exit, to);
    set_jump(engine, from, from->exit[exit].place, to->code + to->saved_entry);
    set_jump(engine, from, from->exit[exit].miss_place, from->code + from->exit[exit].miss);
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
        Block *from = &engine->block[at / 2];
        unsigned exit = at % 2;

        at = from->incoming_next[exit];
        from->exit_to[exit] = NO_BLOCK;
        exit_reset(engine, from, exit);
    }
    block->incoming = 0;
}

void block_unlink_outgoing(Engine *engine, Block *block)
{
    for (unsigned exit = 0; exit < BLOCK_MAX_EXITS; exit++) {
        if (block->exit_to[exit] != NO_BLOCK) {
            exit_delist(engine, block, exit);
        }
    }
}

/* Indirect branches may still lead here: the entry now asks for the block anew. */
void block_redirect_entry(Engine *engine, const Block *block)
{
    uint8_t *at = engine->rw + block->code;
    int32_t disp = (int32_t)(offsetof(Cpu, jit_stub) + JIT_STUB_INDIRECT * sizeof(void *));
    const uint8_t call[] = { 0xff, 0x94, 0x24 };
    const Site site = { .last = 1 };

    memcpy(at, call, sizeof(call));
    memcpy(at + sizeof(call), &disp, 4);
    memcpy(at + sizeof(call) + 4, &site, sizeof(site));
}
