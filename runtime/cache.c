/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cache.c - translated blocks: memory, look-up, chaining, invalidation. */
#include "runtime/engine_int.h"
#include "softmmu/codepages.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    DEFAULT_SIZE = 64 << 20,
    MIN_SIZE = 256 << 10,
    BYTES_PER_BLOCK = 128, /* no block is smaller: bounds the table of blocks */
};

static void *reserve(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                    -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

static bool cache_map(Engine *engine)
{
    engine->fd = memfd_create("doppel-code", MFD_CLOEXEC);
    if (engine->fd < 0 || ftruncate(engine->fd, (off_t)engine->size) != 0) {
        return false;
    }
    engine->rw = mmap(NULL, engine->size, PROT_READ | PROT_WRITE, MAP_SHARED, engine->fd, 0);
    engine->rx = mmap(NULL, engine->size, PROT_READ | PROT_EXEC, MAP_SHARED, engine->fd, 0);
    engine->block = reserve(engine->max_blocks * sizeof(Block));
    engine->page_first = reserve((phys_map_ram_size(engine->map) >> 12) * sizeof(uint32_t));
    return engine->rw != MAP_FAILED && engine->rx != MAP_FAILED && engine->block != NULL &&
           engine->page_first != NULL;
}

bool cache_open(Engine *engine, GError **error)
{
    uint64_t size = engine->options.cache_size;

    engine->size = size == 0 ? DEFAULT_SIZE : MAX(size, MIN_SIZE) & ~(uint64_t)0xfff;
    engine->max_blocks = (uint32_t)(engine->size / BYTES_PER_BLOCK) + 2;
    engine->n_blocks = 1;
    if (!cache_map(engine)) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "translation cache of %zu MiB: %s", engine->size >> 20, g_strerror(errno));
        return false;
    }
    return true;
}

void cache_close(Engine *engine)
{
    if (engine->rw != NULL && engine->rw != MAP_FAILED) {
        munmap(engine->rw, engine->size);
    }
    if (engine->rx != NULL && engine->rx != MAP_FAILED) {
        munmap((void *)(uintptr_t)engine->rx, engine->size);
    }
    if (engine->block != NULL) {
        munmap(engine->block, engine->max_blocks * sizeof(Block));
    }
    if (engine->page_first != NULL) {
        munmap(engine->page_first, (phys_map_ram_size(engine->map) >> 12) * sizeof(uint32_t));
    }
    if (engine->fd >= 0) {
        close(engine->fd);
    }
}

static unsigned bucket(const uint8_t *page, unsigned page_offset, uint32_t mode)
{
    uint64_t key = ((uint64_t)(uintptr_t)page | page_offset) * 0x9e3779b97f4a7c15ull;

    return (unsigned)((key >> 40) ^ (mode * 0x85ebca6bu >> 16)) % HASH_BUCKETS;
}

Block *block_find(Engine *engine, const uint8_t *page, unsigned page_offset, uint32_t mode)
{
    for (uint32_t n = engine->hash[bucket(page, page_offset, mode)]; n != NO_BLOCK;
         n = engine->block[n].hash_next) {
        Block *block = &engine->block[n];

        if (block->page == page && block->page_offset == page_offset && block->mode == mode) {
            return block;
        }
    }
    return NULL;
}

/* ---- Chaining ---- */

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

static void unlink_incoming(Engine *engine, Block *block)
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

static void unlink_outgoing(Engine *engine, Block *block)
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

/* ---- Dropping ---- */

static void list_remove(Engine *engine, uint32_t *head, uint32_t number, bool hash)
{
    uint32_t *at = head;

    while (*at != number) {
        g_assert(*at != NO_BLOCK);
        at = hash ? &engine->block[*at].hash_next : &engine->block[*at].page_next;
    }
    *at = hash ? engine->block[number].hash_next : engine->block[number].page_next;
}

/* Indirect branches may still lead here: the entry now asks for the block anew. */
static void entry_redirect(Engine *engine, const Block *block)
{
    uint8_t *at = engine->rw + block->code;
    int32_t disp = (int32_t)(offsetof(Cpu, jit_stub) + JIT_STUB_INDIRECT * sizeof(void *));
    const uint8_t call[] = { 0xff, 0x94, 0x24 };

    memcpy(at, call, sizeof(call));
    memcpy(at + sizeof(call), &disp, 4);
}

void block_drop(Engine *engine, Block *block)
{
    uint32_t number = block_number(engine, block);

    unlink_incoming(engine, block);
    unlink_outgoing(engine, block);
    list_remove(engine, &engine->hash[bucket(block->page, block->page_offset, block->mode)], number,
                true);
    if (block->ram_offset != UINT64_MAX) {
        list_remove(engine, &engine->page_first[block->ram_offset >> 12], number, false);
    }
    entry_redirect(engine, block);
    block->valid = false;
    engine->generation++;
}

void cache_flush(Engine *engine)
{
    CodePages *pages = phys_map_code_pages(engine->map);

    for (uint32_t i = 1; i < engine->n_blocks; i++) {
        Block *block = &engine->block[i];

        engine->hash[bucket(block->page, block->page_offset, block->mode)] = NO_BLOCK;
        if (block->ram_offset != UINT64_MAX) {
            engine->page_first[block->ram_offset >> 12] = NO_BLOCK;
            code_pages_clear(pages, block->ram_offset);
        }
    }
    engine->n_blocks = 1;
    engine->used = 0;
    engine->generation++;
    engine->salts_stale = true;
    engine->stats.flushes++;
}

/* ---- Invalidation ---- */

static void watch_chunks(CodePages *pages, uint64_t ram_offset, uint64_t chunks)
{
    for (unsigned i = 0; i < 64; i++) {
        if (chunks >> i & 1) {
            code_pages_add(pages, ram_offset + i * 64u, 64);
        }
    }
}

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
    code_pages_clear(phys_map_code_pages(engine->map), page << 12);
    watch_chunks(phys_map_code_pages(engine->map), page << 12, left);
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

Block *block_at_host(Engine *engine, const uint8_t *host)
{
    uint32_t code = (uint32_t)(host - engine->rx), low = 1, high = engine->n_blocks;

    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;

        if (engine->block[middle].code <= code) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low < engine->n_blocks && code - engine->block[low].code < engine->block[low].host_size
               ? &engine->block[low]
               : NULL;
}

/* Room for one more block at most; flushes when there is none. */
static void make_room(Engine *engine)
{
    if (engine->size - engine->used < BLOCK_MAX_HOST + 4096 ||
        engine->n_blocks == engine->max_blocks) {
        cache_flush(engine);
    }
}

Block *block_reserve(Engine *engine)
{
    make_room(engine);
    return &engine->block[engine->n_blocks];
}

static uint32_t store_faults(Engine *engine, uint32_t at, const TranslateOutput *out)
{
    memcpy(engine->rw + at, out->fault, out->n_faults * sizeof(FaultPoint));
    return at + out->n_faults * (uint32_t)sizeof(FaultPoint);
}

/* Enters the block that block_reserve gave, with code at engine->used. */
void block_commit(Engine *engine, Block *block, const TranslateOutput *out)
{
    uint32_t number = block_number(engine, block);
    uint32_t *head = &engine->hash[bucket(block->page, block->page_offset, block->mode)];
    uint32_t end = (uint32_t)engine->used + ((out->host_size + 3u) & ~3u);

    block->code = (uint32_t)engine->used;
    block->host_size = out->host_size;
    block->loop_entry = out->loop_entry;
    block->main_entry = out->main_entry;
    block->guest_size = out->guest_size;
    block->insns = out->insns;
    block->chunks = out->chunks;
    memcpy(block->exit, out->exit, sizeof(block->exit));
    memset(block->exit_to, 0, sizeof(block->exit_to));
    block->incoming = 0;
    block->faults = end;
    block->n_faults = out->n_faults;
    end = store_faults(engine, end, out);
    block->valid = true;
    block->hash_next = *head;
    *head = number;
    engine->used = (end + 15u) & ~15u;
    engine->n_blocks++;
    if (block->ram_offset != UINT64_MAX) {
        uint32_t *first = &engine->page_first[block->ram_offset >> 12];

        block->page_next = *first;
        *first = number;
        watch_chunks(phys_map_code_pages(engine->map), block->ram_offset, out->chunks);
    }
}
