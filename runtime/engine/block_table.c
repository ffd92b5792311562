/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block_table.c - from the name of code, which is its page, offset and mode, to its block.
 *
 * A hash table with open addressing and linear probing. A slot holds most of the name's hash beside
 * the block's number, so that other blocks are hardly ever touched on the way, and says by itself
 * where its search began, so that removal need touch none. Blocks of one page begin near one
 * another: code that runs together shares cache lines. Compiled with -mgeneral-regs-only. */
#include "runtime/engine/engine_int.h"
#include "runtime/engine/host_memory.h"

enum {
    NEAR_SHIFT = 4, /* searches for code of one such piece of a page begin at one slot */
    NEAR_MASK = (1 << NEAR_SHIFT) - 1,
};

bool block_table_open(Engine *engine, uint32_t blocks)
{
    uint64_t slots = 1;

    while (slots < 2ull * blocks) {
        slots *= 2;
    }
    engine->slot_mask = (uint32_t)(slots - 1);
    engine->slot = host_memory_reserve(slots * sizeof(BlockSlot), HOST_PAGES_HUGE);
    return engine->slot != NULL;
}

void block_table_close(Engine *engine)
{
    host_memory_free(engine->slot, (engine->slot_mask + 1ull) * sizeof(BlockSlot));
}

static uint32_t tag_of(const uint8_t *page, unsigned page_offset, uint32_t mode)
{
    uint64_t key = ((uint64_t)(uintptr_t)page >> 12 ^ (uint64_t)mode << 40) * 0x9e3779b97f4a7c15ull;
    uint32_t first = (uint32_t)(key >> 32) + (page_offset >> NEAR_SHIFT);

    return first << NEAR_SHIFT | (page_offset & NEAR_MASK);
}

static uint32_t first_slot(const Engine *engine, uint32_t tag)
{
    return tag >> NEAR_SHIFT & engine->slot_mask;
}

static uint32_t slot_after(const Engine *engine, uint32_t slot)
{
    return (slot + 1) & engine->slot_mask;
}

Block *block_find(Engine *engine, const uint8_t *page, unsigned page_offset, uint32_t mode,
                  uint64_t origin)
{
    uint32_t tag = tag_of(page, page_offset, mode);

    for (uint32_t at = first_slot(engine, tag); engine->slot[at].block != NO_BLOCK;
         at = slot_after(engine, at)) {
        if (engine->slot[at].tag == tag) {
            Block *block = &engine->block[engine->slot[at].block];

            if (block_is(block, page, page_offset, mode, origin)) {
                return block;
            }
        }
    }
    return NULL;
}

void block_table_add(Engine *engine, const Block *block)
{
    uint32_t tag = tag_of(block->page, block->page_offset, block->mode);
    uint32_t at = first_slot(engine, tag);

    while (engine->slot[at].block != NO_BLOCK) {
        at = slot_after(engine, at);
    }
    engine->slot[at] = (BlockSlot){ .tag = tag, .block = block_number(engine, block) };
}

/* Fills a hole with what could not be placed there before. */
static void slot_vacate(Engine *engine, uint32_t hole)
{
    for (uint32_t at = slot_after(engine, hole); engine->slot[at].block != NO_BLOCK;
         at = slot_after(engine, at)) {
        uint32_t first = first_slot(engine, engine->slot[at].tag);

        if (((at - first) & engine->slot_mask) >= ((at - hole) & engine->slot_mask)) {
            engine->slot[hole] = engine->slot[at];
            hole = at;
        }
    }
    engine->slot[hole].block = NO_BLOCK;
}

void block_table_remove(Engine *engine, const Block *block)
{
    uint32_t number = block_number(engine, block);
    uint32_t at = first_slot(engine, tag_of(block->page, block->page_offset, block->mode));

    while (engine->slot[at].block != number) {
        g_assert(engine->slot[at].block != NO_BLOCK);
        at = slot_after(engine, at);
    }
    slot_vacate(engine, at);
}

void block_table_clear(Engine *engine)
{
    for (uint64_t at = 0; at <= engine->slot_mask; at++) {
        engine->slot[at].block = NO_BLOCK;
    }
}
