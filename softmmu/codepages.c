/* SPDX-License-Identifier: GPL-2.0-or-later */
/* codepages.c - a word of chunk bits and a dirty bit for each page of RAM.
 *
 * The tables are sized by RAM and lie in memory that the host provides on first touch, so that a
 * guest pays for the pages it uses.
 */
#include "softmmu/codepages.h"

#include <errno.h>
#include <sys/mman.h>

#include "softmmu/physmap_int.h"

enum { RAM_PAGE_SHIFT = 12, RAM_PAGE = 4096 };

static uint64_t *table_new(uint64_t words)
{
    void *table = mmap(NULL, words * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return table == MAP_FAILED ? NULL : table;
}

static void table_free(uint64_t *table, uint64_t words)
{
    if (table != NULL) {
        munmap(table, words * sizeof(uint64_t));
    }
}

static uint64_t bitmap_words(const CodePages *pages)
{
    return (pages->pages + 63) / 64;
}

bool code_pages_init(CodePages *pages, uint64_t ram_size, GError **error)
{
    pages->pages = ram_size >> RAM_PAGE_SHIFT;
    pages->chunks = table_new(pages->pages);
    pages->dirty = table_new(bitmap_words(pages));
    pages->logged = table_new(bitmap_words(pages));
    if (pages->chunks == NULL || pages->dirty == NULL || pages->logged == NULL) {
        g_set_error(error, G_FILE_ERROR, (gint)g_file_error_from_errno(errno),
                    "no memory for the tables of guest pages");
        return false;
    }
    return true;
}

void code_pages_fini(CodePages *pages)
{
    table_free(pages->chunks, pages->pages);
    table_free(pages->dirty, bitmap_words(pages));
    table_free(pages->logged, bitmap_words(pages));
}

/* ---- Code ---- */

/* The chunks that [offset, offset + size) touches; it lies in one page. */
static uint64_t chunk_mask(uint64_t ram_offset, unsigned size)
{
    unsigned in_page = (unsigned)(ram_offset & (RAM_PAGE - 1));
    unsigned first = in_page >> CODE_CHUNK_SHIFT;
    unsigned last = (in_page + size - 1) >> CODE_CHUNK_SHIFT;

    return (UINT64_MAX << first) & (UINT64_MAX >> (CODE_CHUNKS - 1 - last));
}

bool code_pages_add(CodePages *pages, uint64_t ram_offset, unsigned size)
{
    uint64_t *word = &pages->chunks[ram_offset >> RAM_PAGE_SHIFT];

    return __atomic_fetch_or(word, chunk_mask(ram_offset, size), __ATOMIC_SEQ_CST) == 0;
}

uint64_t code_pages_mark(CodePages *pages, uint64_t ram_offset)
{
    return __atomic_exchange_n(&pages->chunks[ram_offset >> RAM_PAGE_SHIFT], UINT64_MAX,
                               __ATOMIC_SEQ_CST);
}

void code_pages_keep(CodePages *pages, uint64_t ram_offset, uint64_t chunks)
{
    __atomic_store_n(&pages->chunks[ram_offset >> RAM_PAGE_SHIFT], chunks, __ATOMIC_SEQ_CST);
}

void code_pages_clear(CodePages *pages, uint64_t ram_offset)
{
    code_pages_keep(pages, ram_offset, 0);
}

bool code_pages_watched(const CodePages *pages, uint64_t ram_offset)
{
    return __atomic_load_n(&pages->chunks[ram_offset >> RAM_PAGE_SHIFT], __ATOMIC_RELAXED) != 0;
}

bool code_pages_hit(const CodePages *pages, uint64_t ram_offset, unsigned size)
{
    uint64_t chunks = __atomic_load_n(&pages->chunks[ram_offset >> RAM_PAGE_SHIFT],
                                      __ATOMIC_RELAXED);

    return chunks != 0 && (chunks & chunk_mask(ram_offset, size)) != 0;
}

/* ---- Dirty log ---- */

static bool bit_test(const uint64_t *bits, uint64_t page)
{
    return (__atomic_load_n(&bits[page / 64], __ATOMIC_RELAXED) >> (page % 64)) & 1;
}

/* Unconditionally: the locked operation also orders the caller's write before it, so that a reader
 * who clears the bit first and looks at the page then cannot miss the write. */
static void bit_set(uint64_t *bits, uint64_t page)
{
    __atomic_fetch_or(&bits[page / 64], 1ull << (page % 64), __ATOMIC_SEQ_CST);
}

static void bit_clear(uint64_t *bits, uint64_t page)
{
    __atomic_fetch_and(&bits[page / 64], ~(1ull << (page % 64)), __ATOMIC_SEQ_CST);
}

static void log_changed(PhysMap *map)
{
    bool some = map->code.log_all;

    for (uint64_t i = 0; !some && i < bitmap_words(&map->code); i++) {
        some = map->code.logged[i] != 0;
    }
    __atomic_store_n(&map->code.log_some, some, __ATOMIC_SEQ_CST);
    if (map->owner.changed != NULL) {
        map->owner.changed(map->owner_opaque); /* write entries go */
    }
}

void dirty_log_set_enabled(PhysMap *map, bool enabled)
{
    if (map->code.log_all != enabled) {
        __atomic_store_n(&map->code.log_all, enabled, __ATOMIC_SEQ_CST);
        log_changed(map);
    }
}

void dirty_log_set_range(PhysMap *map, uint64_t ram_offset, uint64_t size, bool enabled)
{
    uint64_t end = (ram_offset + size + RAM_PAGE - 1) >> RAM_PAGE_SHIFT;

    g_assert(size <= map->ram_size && ram_offset <= map->ram_size - size);
    for (uint64_t page = ram_offset >> RAM_PAGE_SHIFT; page < end; page++) {
        if (enabled) {
            bit_set(map->code.logged, page);
        } else {
            bit_clear(map->code.logged, page);
        }
    }
    log_changed(map);
}

bool dirty_log_test_and_clear(PhysMap *map, uint64_t ram_offset)
{
    uint64_t page = ram_offset >> RAM_PAGE_SHIFT;

    if (!bit_test(map->code.dirty, page)) {
        return false;
    }
    bit_clear(map->code.dirty, page);
    return true;
}

void code_pages_written(PhysMap *map, uint64_t ram_offset, uint64_t size)
{
    CodePages *pages = &map->code;

    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* see code_pages_mark */
    while (size > 0) {
        uint64_t room = RAM_PAGE - (ram_offset & (RAM_PAGE - 1));
        uint64_t n = size < room ? size : room;

        if (code_pages_logged(pages, ram_offset)) {
            bit_set(pages->dirty, ram_offset >> RAM_PAGE_SHIFT);
        }
        if (code_pages_hit(pages, ram_offset, (unsigned)n) && map->owner.code_written != NULL) {
            map->owner.code_written(map->owner_opaque, ram_offset, n);
        }
        ram_offset += n;
        size -= n;
    }
}
