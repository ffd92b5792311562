/* SPDX-License-Identifier: GPL-2.0-or-later */
/* code_memory.c - the translation cache's memory: one file mapped for writing and for execution.
 *
 * It comes in huge pages where the host has them: translated code is five times as large as the
 * guest's, too much for the host's TLB in small ones. */
#define _GNU_SOURCE /* memfd_create */
#include "runtime/engine_int.h"
#include "softmmu/host_pages.h"
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PIECE = 1 << 18, HUGE_PIECES = HOST_HUGE_SIZE / PIECE };

bool code_memory_open(Engine *engine)
{
    engine->populated = g_new0(bool, engine->size / PIECE + 1);
    engine->fd = memfd_create("doppel-code", MFD_CLOEXEC);
    if (engine->fd < 0 || ftruncate(engine->fd, (off_t)engine->size) != 0) {
        return false;
    }
    engine->rw = host_pages_map(engine->fd, engine->size, PROT_READ | PROT_WRITE);
    engine->rx = host_pages_map(engine->fd, engine->size, PROT_READ | PROT_EXEC);
    return engine->rw != NULL && engine->rx != NULL;
}

void code_memory_close(Engine *engine)
{
    if (engine->rw != NULL) {
        munmap(engine->rw, engine->size);
    }
    if (engine->rx != NULL) {
        munmap((void *)(uintptr_t)engine->rx, engine->size);
    }
    if (engine->fd >= 0) {
        close(engine->fd);
    }
    g_free(engine->populated);
}

/* The huge page around a piece, if none of it has been asked for. */
static bool want_huge(Engine *engine, size_t piece)
{
    size_t first = piece - piece % HUGE_PIECES, start = first * PIECE;

    if (engine->no_huge || engine->size - start < HOST_HUGE_SIZE ||
        memchr(engine->populated + first, 1, HUGE_PIECES) != NULL) {
        return false;
    }
    engine->no_huge = !host_pages_huge(engine->rx + start);
    if (!engine->no_huge) {
        memset(engine->populated + first, 1, HUGE_PIECES);
    }
    return !engine->no_huge;
}

/* Host pages for a piece in one go: a fault for each costs more than the page. What the host does
 * not give is got by faults. */
void code_memory_want(Engine *engine, uint32_t at)
{
    size_t piece = at / PIECE, start = piece * PIECE;
    size_t size = MIN(PIECE, engine->size - start);

    if (engine->populated[piece] || want_huge(engine, piece)) {
        return;
    }
    engine->populated[piece] = true;
    (void)madvise(engine->rw + start, size, MADV_POPULATE_WRITE);
    (void)madvise((void *)(uintptr_t)(engine->rx + start), size, MADV_POPULATE_READ);
}
