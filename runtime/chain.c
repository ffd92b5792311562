/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chain.c - host addresses of blocks that are kept elsewhere: in the exits of other blocks and in
 * the indirect-branch cache. */
#include "runtime/engine_int.h"
#include <string.h>

static void set_exit(Engine *engine, const Block *from, unsigned exit, int64_t host)
{
    uint32_t place = from->code + from->exit[exit].place;
    int32_t displacement = (int32_t)(host - (int64_t)(place + 4));

    __atomic_store_n((int32_t *)(engine->rw + place), displacement, __ATOMIC_RELEASE);
}

void block_link(Engine *engine, Block *from, unsigned exit, Block *to)
{
    if (from->exit_to[exit] != NO_BLOCK) {
        return;
    }
    from->exit_to[exit] = block_number(engine, to);
    from->incoming_next[exit] = to->incoming;
    to->incoming = block_number(engine, from) * 2 + exit;
    set_exit(engine, from, exit,
             to->code + (from->exit[exit].backward ? to->loop_entry : to->main_entry));
    engine->stats.links++;
}

void block_unlink_incoming(Engine *engine, Block *block)
{
    uint32_t at = block->incoming;

    while (at != 0) {
        Block *from = &engine->block[at / 2];
        unsigned exit = at % 2;

        at = from->incoming_next[exit];
        from->exit_to[exit] = NO_BLOCK;
        set_exit(engine, from, exit, from->code + from->exit[exit].unlinked);
    }
    block->incoming = 0;
}

void block_unlink_outgoing(Engine *engine, Block *block)
{
    for (unsigned exit = 0; exit < BLOCK_MAX_EXITS; exit++) {
        uint32_t *at;
        uint32_t self = block_number(engine, block) * 2 + exit;

        if (block->exit_to[exit] == NO_BLOCK) {
            continue;
        }
        at = &engine->block[block->exit_to[exit]].incoming;
        while (*at != self) {
            at = &engine->block[*at / 2].incoming_next[*at % 2];
        }
        *at = block->incoming_next[exit];
        block->exit_to[exit] = NO_BLOCK;
    }
}

/* Indirect branches may still lead here: the entry now asks for the block anew. */
void block_redirect_entry(Engine *engine, const Block *block)
{
    uint8_t *at = engine->rw + block->code;
    int32_t disp = (int32_t)(offsetof(Cpu, jit_stub) + JIT_STUB_INDIRECT * sizeof(void *));
    const uint8_t call[] = { 0xff, 0x94, 0x24 };

    memcpy(at, call, sizeof(call));
    memcpy(at + sizeof(call), &disp, 4);
}

void cache_forget_targets(Engine *engine, uint32_t from, uint32_t size)
{
    Cpu *cpu = engine->cpu;

    for (unsigned i = 0; cpu != NULL && i < IBTC_ENTRIES; i++) {
        uintptr_t offset = (uintptr_t)cpu->ibtc[i].host - (uintptr_t)engine->rx - from;

        if (offset < size) {
            cpu->ibtc[i] = (IbtcEntry){ 0 };
        }
    }
}
