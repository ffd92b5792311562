/* SPDX-License-Identifier: GPL-2.0-or-later */
/* code_memory.c - the translation cache's memory: one file mapped for writing and for execution.
 *
 * It comes in huge pages where the host has them: translated code is five times as large as the
 * guest's, too much for the host's TLB in small ones. */
#define _GNU_SOURCE /* memfd_create */
#include "runtime/engine/engine_int.h"
#include <sys/mman.h>
#include <unistd.h>

bool code_memory_open(Engine *engine)
{
    engine->fd = memfd_create("doppel-code", MFD_CLOEXEC);
    if (engine->fd < 0 || ftruncate(engine->fd, (off_t)engine->size) != 0 ||
        !host_mapping_open(&engine->writable, engine->fd, engine->size, PROT_READ | PROT_WRITE) ||
        !host_mapping_open(&engine->executable, engine->fd, engine->size, PROT_READ | PROT_EXEC)) {
        return false;
    }
    engine->rw = engine->writable.at;
    engine->rx = engine->executable.at;
    return true;
}

void code_memory_close(Engine *engine)
{
    host_mapping_close(&engine->writable);
    host_mapping_close(&engine->executable);
    if (engine->fd >= 0) {
        close(engine->fd);
    }
}

void code_memory_want(Engine *engine, uint32_t at)
{
    host_mapping_want(&engine->executable, at);
    host_mapping_want(&engine->writable, at);
}
