/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cache.c - translated blocks: memory, eviction, invalidation.
 *
 * The cache is divided into units (policy.h). A unit has a part of the memory and a part of the
 * block table; both are filled in order, so that blocks of a unit are sorted by host address. A
 * block that is dropped keeps its place until its unit is emptied. Units are emptied only when
 * room for another block is wanted, which is in C that no translated code waits for: whoever may
 * have been on its way back to translated code sees that engine->generation has changed. */
#include "runtime/engine/engine_int.h"
#include "runtime/engine/host_memory.h"
#include "runtime/engine/engine.h"
#include "softmmu/codepages.h"
#include <errno.h>
#include <string.h>

enum {
    DEFAULT_SIZE = 64 << 20,
    MIN_SIZE = 1 << 20,
    PLACE_SHIFT = 9,       /* of Engine.place */
    BYTES_PER_BLOCK = 128, /* no block is smaller: bounds the table of blocks */
    ROOM = BLOCK_MAX_HOST + (BLOCK_MAX_FAULTS + 8) * sizeof(FaultPoint),
};
static const uint64_t max_size = 2ull << 30; /* what a 32-bit displacement reaches */

static size_t page_table_size(const Engine *engine)
{
    return (phys_map_memory_size(engine->map) >> 12) * sizeof(uint32_t);
}

static size_t block_table_size(const Engine *engine)
{
    return ((size_t)engine->n_units * engine->unit_blocks + 1) * sizeof(Block);
}

static size_t place_table_size(const Engine *engine)
{
    return (engine->size >> PLACE_SHIFT) * sizeof(uint32_t);
}

static bool cache_map(Engine *engine)
{
    if (!code_memory_open(engine)) {
        return false;
    }
    engine->block = host_memory_reserve(block_table_size(engine), HOST_PAGES_SMALL);
    engine->page_first = host_memory_reserve(page_table_size(engine), HOST_PAGES_SMALL);
    engine->place = host_memory_reserve(place_table_size(engine), HOST_PAGES_SMALL);
    return engine->block != NULL && engine->page_first != NULL && engine->place != NULL &&
           block_table_open(engine, engine->n_units * engine->unit_blocks);
}

static void cache_divide(Engine *engine)
{
    engine->n_units = engine->policy->units(engine->size);
    engine->unit_size = (engine->size / engine->n_units) & ~(size_t)0xfff;
    engine->unit_blocks = (uint32_t)(engine->unit_size / BYTES_PER_BLOCK);
    engine->unit = g_new0(CacheUnit, engine->n_units);
    for (unsigned i = 0; i < engine->n_units; i++) {
        engine->unit[i].start = (uint32_t)(i * engine->unit_size);
        engine->unit[i].first = i * engine->unit_blocks + 1;
    }
}

bool cache_open(Engine *engine, GError **error)
{
    uint64_t size = engine->options.cache_size == 0 ? DEFAULT_SIZE : engine->options.cache_size;

    engine->policy = policy_find(engine->options.policy, error);
    if (engine->policy == NULL) {
        return false;
    }
    if (size < MIN_SIZE || size > max_size) {
        g_set_error(error, ENGINE_ERROR, ENGINE_ERROR_VALUE,
                    "translation cache of %" G_GUINT64_FORMAT " bytes: 1 MiB to 2 GiB can be had",
                    size);
        return false;
    }
    engine->size = size & ~(uint64_t)0xfff;
    cache_divide(engine);
    engine->policy_state = engine->policy->create(engine->n_units, engine->size);
    if (!cache_map(engine)) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "translation cache of %zu MiB: %s", engine->size >> 20, g_strerror(errno));
        return false;
    }
    return true;
}

void cache_close(Engine *engine)
{
    code_memory_close(engine);
    host_memory_free(engine->block, block_table_size(engine));
    host_memory_free(engine->page_first, page_table_size(engine));
    host_memory_free(engine->place, place_table_size(engine));
    block_table_close(engine);
    if (engine->policy_state != NULL) {
        engine->policy->destroy(engine->policy_state);
    }
    g_free(engine->unit);
}

/* Names a block to the policy. */
static uint64_t policy_key(const uint8_t *page, unsigned page_offset, uint32_t mode)
{
    uint64_t key = (uint64_t)(uintptr_t)page | page_offset | (uint64_t)mode << 44;

    key = (key ^ key >> 32) * 0x9e3779b97f4a7c15ull;
    return key ^ key >> 29;
}

/* ---- Dropping ---- */

static void page_list_add(Engine *engine, Block *block)
{
    uint32_t *first = &engine->page_first[block->ram_offset >> 12];

    block->page_previous = NO_BLOCK;
    block->page_next = *first;
    if (*first != NO_BLOCK) {
        engine->block[*first].page_previous = block_number(engine, block);
    }
    *first = block_number(engine, block);
}

static void page_list_remove(Engine *engine, const Block *block)
{
    if (block->page_previous != NO_BLOCK) {
        engine->block[block->page_previous].page_next = block->page_next;
    } else {
        engine->page_first[block->ram_offset >> 12] = block->page_next;
    }
    if (block->page_next != NO_BLOCK) {
        engine->block[block->page_next].page_previous = block->page_previous;
    }
}

/* Out of every list and chain. */
static void block_forget(Engine *engine, Block *block)
{
    block_unlink_incoming(engine, block);
    block_unlink_outgoing(engine, block);
    block_table_remove(engine, block);
    if (block->ram_offset != UINT64_MAX) {
        page_list_remove(engine, block);
    }
    block->valid = false;
    engine->stats.blocks--;
}

void block_drop(Engine *engine, Block *block)
{
    engine_alone(engine);
    block_forget(engine, block);
    block_redirect_entry(engine, block);
    engine->generation++;
}

static void unit_reset(Engine *engine, CacheUnit *unit)
{
    unit->used = 0;
    unit->n_blocks = 0;
    engine->generation++;
}

/* Block by block; the others keep their chains. */
static void unit_empty(Engine *engine, unsigned number)
{
    CodePages *pages = phys_map_code_pages(engine->map);
    CacheUnit *unit = &engine->unit[number];
    Block *first = &engine->block[unit->first];

    if (unit->n_blocks == 0) {
        return;
    }
    engine_alone(engine);
    /* All ways in first: chains inside the unit then need not be looked for from both ends. */
    for (Block *block = first; block < first + unit->n_blocks; block++) {
        if (block->valid) {
            block_unlink_incoming(engine, block);
        }
    }
    for (Block *block = first; block < first + unit->n_blocks; block++) {
        if (!block->valid) {
            continue;
        }
        if (engine->policy->evicted != NULL) {
            engine->policy->evicted(engine->policy_state, number,
                                    policy_key(block->page, block->page_offset, block->mode));
        }
        block_forget(engine, block);
        engine->stats.evictions++;
        if (block->ram_offset != UINT64_MAX &&
            engine->page_first[block->ram_offset >> 12] == NO_BLOCK) {
            code_pages_clear(pages, block->ram_offset);
        }
    }
    ibtc_forget(engine, unit->start, unit->used);
    unit_reset(engine, unit);
    engine->stats.units_emptied++;
}

static void unit_discard(Engine *engine, CacheUnit *unit)
{
    CodePages *pages = phys_map_code_pages(engine->map);

    for (uint32_t i = 0; i < unit->n_blocks; i++) {
        Block *block = &engine->block[unit->first + i];

        block->valid = false;
        if (block->ram_offset != UINT64_MAX) {
            engine->page_first[block->ram_offset >> 12] = NO_BLOCK;
            code_pages_clear(pages, block->ram_offset);
        }
    }
    unit_reset(engine, unit);
}

void cache_flush(Engine *engine)
{
    engine_alone(engine);
    for (unsigned i = 0; i < engine->n_units; i++) {
        unit_discard(engine, &engine->unit[i]);
    }
    block_table_clear(engine);
    ibtc_forget(engine, 0, (uint32_t)engine->size);
    engine->stats.evictions += engine->stats.blocks;
    engine->stats.blocks = 0;
    engine->stats.flushes++;
}

/* ---- Invalidation ---- */

static uint64_t chunk_range(uint64_t first_byte, uint64_t last_byte)
{
    return (UINT64_MAX << (first_byte >> 6)) & (UINT64_MAX >> (63 - (last_byte >> 6)));
}

static void invalidate_page(Engine *engine, uint64_t page, uint64_t chunks)
{
    uint64_t left = 0;
    uint32_t next;

    for (uint32_t n = engine->page_first[page]; n != NO_BLOCK; n = next) {
        next = engine->block[n].page_next;
        if (engine->block[n].chunks & chunks) {
            block_drop(engine, &engine->block[n]);
            engine->stats.invalidations++;
        } else {
            left |= engine->block[n].chunks;
        }
    }
    code_pages_keep(phys_map_code_pages(engine->map), page << 12, left);
}

void cache_invalidate(Engine *engine, uint64_t ram_offset, uint64_t size)
{
    uint64_t end = ram_offset + size;

    while (ram_offset < end) {
        uint64_t stop = MIN((ram_offset | 0xfff) + 1, end);

        invalidate_page(engine, ram_offset >> 12,
                        chunk_range(ram_offset & 0xfff, (stop - 1) & 0xfff));
        ram_offset = stop;
    }
}

/* ---- By host address ---- */

Block *block_at_host(Engine *engine, const uint8_t *host)
{
    uint32_t code = (uint32_t)(host - engine->rx), n, end;
    const CacheUnit *unit;

    if (host < engine->rx || host >= engine->rx + engine->n_units * engine->unit_size) {
        return NULL;
    }
    unit = &engine->unit[code / engine->unit_size];
    if (code - unit->start >= __atomic_load_n(&unit->used, __ATOMIC_ACQUIRE)) {
        return NULL;
    }
    n = engine->place[code >> PLACE_SHIFT];
    end = unit->first + __atomic_load_n(&unit->n_blocks, __ATOMIC_ACQUIRE);
    while (n + 1 < end && engine->block[n + 1].code <= code) {
        n++;
    }
    return code - engine->block[n].code < engine->block[n].host_size ? &engine->block[n] : NULL;
}

/* ---- New blocks ---- */

static bool unit_full(const Engine *engine, const CacheUnit *unit)
{
    return engine->unit_size - unit->used < ROOM || unit->n_blocks == engine->unit_blocks;
}

Block *block_reserve(Engine *engine, const uint8_t *page, unsigned page_offset, uint32_t mode,
                     uint64_t origin)
{
    PolicyPlace place = engine->policy->place(engine->policy_state,
                                              policy_key(page, page_offset, mode));
    CacheUnit *unit = &engine->unit[place.unit];
    Block *block;

    if (unit_full(engine, unit)) {
        unsigned number = engine->policy->advance(engine->policy_state, place.unit);

        if (engine->n_units == 1) {
            cache_flush(engine);
        } else {
            unit_empty(engine, number);
        }
        unit = &engine->unit[number];
    }
    engine->filling = unit;
    engine->stats.promotions += place.promoted;
    block = &engine->block[unit->first + unit->n_blocks];
    block->code = unit->start + unit->used;
    code_memory_want(engine, block->code);
    block->page = page;
    block->page_offset = (uint16_t)page_offset;
    block->mode = mode;
    block->origin = origin;
    return block;
}

static void watch_chunks(CodePages *pages, uint64_t ram_offset, uint64_t chunks)
{
    for (unsigned i = 0; i < 64; i++) {
        if (chunks >> i & 1) {
            code_pages_add(pages, ram_offset + i * 64u, 64);
        }
    }
}

static uint32_t store_faults(Engine *engine, uint32_t at, const TranslateOutput *out)
{
    memcpy(engine->rw + at, out->fault, out->n_faults * sizeof(FaultPoint));
    return at + out->n_faults * (uint32_t)sizeof(FaultPoint);
}

/* The block is where looking for an address begins in what it takes up, from `code` to `end`. */
static void places_enter(Engine *engine, const Block *block, uint32_t end)
{
    uint32_t first = (block->code + (1u << PLACE_SHIFT) - 1) >> PLACE_SHIFT;

    for (uint32_t place = first; place << PLACE_SHIFT < end; place++) {
        engine->place[place] = block_number(engine, block);
    }
}

static void block_enter(Engine *engine, Block *block)
{
    block->valid = true;
    block_table_add(engine, block);
    if (block->ram_offset != UINT64_MAX) {
        page_list_add(engine, block);
        watch_chunks(phys_map_code_pages(engine->map), block->ram_offset, block->chunks);
    }
    engine->stats.blocks++;
}

void block_commit(Engine *engine, Block *block, const TranslateOutput *out)
{
    CacheUnit *unit = engine->filling;
    uint32_t end = block->code + ((out->host_size + 3u) & ~3u);

    block->host_size = out->host_size;
    block->saved_entry = out->saved_entry;
    block->loop_entry = out->loop_entry;
    block->main_entry = out->main_entry;
    block->guest_size = out->guest_size;
    block->insns = (uint8_t)out->insns;
    block->vector = out->vector;
    block->outer_entry = out->outer_entry;
    block->chunks = out->chunks;
    memcpy(block->exit, out->exit, sizeof(block->exit));
    memset(block->exit_to, 0, sizeof(block->exit_to));
    block->incoming = 0;
    block->indirect = block->code;
    block->faults = end;
    block->n_faults = out->n_faults;
    end = store_faults(engine, end, out);
    end = (end + 15u) & ~15u;
    places_enter(engine, block, end);
    /* last, so that block_at_host finds nothing half made: it takes no lock */
    __atomic_store_n(&unit->used, end - unit->start, __ATOMIC_RELEASE);
    __atomic_store_n(&unit->n_blocks, unit->n_blocks + 1, __ATOMIC_RELEASE);
    block_enter(engine, block);
    block_link_returns(engine, block);
}
