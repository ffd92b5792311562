/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTMMU_CODEPAGES_H
#define SOFTMMU_CODEPAGES_H
/* codepages.h - which pages of RAM are watched: they hold translated code, or writes to them are
 * logged (display, migration).
 *
 * A page is named by its offset in the RAM memfd, so that every alias is covered.  Pages that hold
 * code are never entered in the TLB for writing; every write to one comes to code_pages_written,
 * which looks at a bitmap of the chunks that translated code covers, and reports to the owner only
 * writes that hit it.  Compiled with -mgeneral-regs-only.
 *
 * Threads: bits are set and tested atomically from any vCPU thread.
 */
#include "softmmu/physmap.h"

typedef struct CodePages CodePages; /* one a PhysMap */

enum { CODE_CHUNK_SHIFT = 6, CODE_CHUNKS = 64 }; /* 64 chunks of 64 bytes a page: one word */

CodePages *phys_map_code_pages(PhysMap *map);

/* Marks [offset, offset + size) of RAM as translated; size > 0, inside one page. Returns true if
 * the page was not watched before: the caller must then drop its write entries from every TLB. */
bool code_pages_add(CodePages *pages, uint64_t ram_offset, unsigned size);
/* All chunks of the page are about to be read for translation, which only then tells those that
 * count: code_pages_keep with them and with what was marked before, the result. Who writes looks
 * for the mark behind the write, so that either sees the other. If nothing was, the write entries
 * have to go before the bytes are read. */
uint64_t code_pages_mark(CodePages *pages, uint64_t ram_offset);
/* No translation is left on the page. */
void code_pages_clear(CodePages *pages, uint64_t ram_offset);
/* Translations are left in these chunks only: at once, so that a write by another thread (DMA)
 * never finds the page without them. */
void code_pages_keep(CodePages *pages, uint64_t ram_offset, uint64_t chunks);
bool code_pages_watched(const CodePages *pages, uint64_t ram_offset);
/* Does the write hit a chunk that holds code? */
bool code_pages_hit(const CodePages *pages, uint64_t ram_offset, unsigned size);
/* A write has happened or is about to: calls PhysMapOwner.code_written if it hits. */
void code_pages_written(PhysMap *map, uint64_t ram_offset, uint64_t size);

/* Dirty logging: a bit a page, set by every write while logging is on, for all of RAM or for a
 * range of it (display memory). Writes to logged pages never take the inline path, so that nothing
 * is missed: log the range that is needed, not the whole. */
void dirty_log_set_enabled(PhysMap *map, bool enabled);
void dirty_log_set_range(PhysMap *map, uint64_t ram_offset, uint64_t size, bool enabled);
bool dirty_log_test_and_clear(PhysMap *map, uint64_t ram_offset);

#endif
