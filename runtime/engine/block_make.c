/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block_make.c - the engine's side of a translation: feeds the translator decoded instructions and
 * takes the block into the cache. Ordinary code: the vector state is parked. */
#include "runtime/software_cpu/host_traits.h"
#include "runtime/engine/block_make.h"
#include "runtime/engine/engine_report.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/engine/verify.h"
#include "softmmu/codepages.h"
#include <string.h>
#include <time.h>

enum { INSN_SLOTS = 1024 };

/* Decoded instructions by host address, validated by their bytes: what the translator looks ahead
 * at is translated next. */
struct InsnCache {
    struct {
        const uint8_t *at;
        Insn insn;
    } slot[INSN_SLOTS];
};

struct InsnCache *insn_cache_new(void)
{
    return g_new0(struct InsnCache, 1);
}

typedef struct Feed {
    Cpu *cpu;
    const uint8_t *page;
    unsigned code_width;
} Feed;

static const Insn *feed_fetch(void *opaque, unsigned page_offset)
{
    Feed *feed = opaque;
    const uint8_t *at = feed->page + page_offset;
    unsigned available = MIN(PAGE_SIZE - page_offset, INSN_MAX_LENGTH);
    struct InsnCache *cache = feed->cpu->engine->insns;
    unsigned slot = (unsigned)((uintptr_t)at ^ (uintptr_t)at >> 10) % INSN_SLOTS;
    Insn *insn = &cache->slot[slot].insn;
    InsnStatus status;

    if (cache->slot[slot].at == at && insn->code_width == feed->code_width && insn->length != 0 &&
        memcmp(at, insn->bytes, insn->length) == 0) {
        return insn;
    }
    cache->slot[slot].at = at;
    status = insn_decode(insn, at, available, feed->code_width);
    return status == INSN_OK || status == INSN_BAD ? insn : NULL;
}

static bool feed_enabled(void *opaque, const Insn *insn)
{
    Feed *feed = opaque;

    if (insn->cpuid != 0 && !cpu_has_feature(feed->cpu, insn->cpuid)) {
        return false;
    }
    return !(insn->prefix & PREFIX_LOCK) || insn_lock_valid(insn);
}

/* The instruction at `page_offset` if it reaches into the next page. */
static bool crossing_insn(const Feed *feed, unsigned page_offset, Insn *insn)
{
    unsigned left = PAGE_SIZE - page_offset;
    uint8_t bytes[INSN_MAX_LENGTH];
    uint64_t linear = feed->cpu->rip + feed->cpu->seg[CS].base + left;

    if (left >= INSN_MAX_LENGTH ||
        insn_decode(insn, feed->page + page_offset, left, feed->code_width) != INSN_TRUNCATED) {
        return false;
    }
    memcpy(bytes, feed->page + page_offset, left);
    return mmu_fetch_bytes(feed->cpu, feed->code_width == 8 ? linear : (uint32_t)linear,
                           bytes + left, INSN_MAX_LENGTH - left) &&
           insn_decode(insn, bytes, INSN_MAX_LENGTH, feed->code_width) == INSN_OK;
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void account(Engine *engine, const TranslateOutput *out, uint64_t started)
{
    EngineStats *stats = &engine->stats;

    stats->translations++;
    stats->guest_insns += out->insns;
    stats->guest_bytes += out->guest_size;
    stats->host_bytes += out->host_size;
    stats->translate_ns += now_ns() - started;
}

/* Verified blocks are cut where an instruction has to stand alone. */
static bool translate(const Engine *engine, TranslateInput *in, TranslateOutput *out,
                      const uint8_t *page, unsigned code_width)
{
    while (translate_block(in, out)) {
        unsigned n = engine->verify == NULL ? out->insns : verify_cut(out, page, code_width);

        if (n == out->insns) {
            return true;
        }
        in->max_insns = (uint8_t)n;
    }
    return false;
}

/* No CPU writes to the page any more without telling. Others are disturbed only if they did. */
static void drop_write_entries(Engine *engine, const Cpu *self, uint64_t ram_offset)
{
    for (guint i = 0; i < engine->cpus->len; i++) {
        const EngineCpu *one = g_ptr_array_index(engine->cpus, i);

        if (one->cpu != self && mmu_may_write(one->cpu, ram_offset)) {
            engine_alone(engine);
        }
        if (one->cpu == self || mmu_may_write(one->cpu, ram_offset)) {
            mmu_drop_write_entries(one->cpu, ram_offset);
        }
    }
}

/* The page is watched from now on; what it was watched for before. */
static uint64_t page_mark(const Cpu *cpu, uint64_t ram_offset)
{
    Engine *engine = cpu->engine;
    uint64_t before;

    if (ram_offset == UINT64_MAX) {
        return 0;
    }
    before = code_pages_mark(phys_map_code_pages(engine->map), ram_offset);
    if (before == 0) {
        drop_write_entries(engine, cpu, ram_offset);
    }
    return before;
}

static void page_narrow(const Engine *engine, uint64_t ram_offset, uint64_t chunks)
{
    if (ram_offset != UINT64_MAX) {
        code_pages_keep(phys_map_code_pages(engine->map), ram_offset, chunks);
    }
}

Block *block_make(Cpu *cpu, const uint8_t *page, uint64_t ram_offset, unsigned page_offset)
{
    Engine *engine = cpu->engine;
    Feed feed = { cpu, page, cpu->mode & MODE_CS64 ? 8 : cpu->mode & MODE_CS32 ? 4 : 2 };
    TranslateInput in = {
        .mode = cpu->mode,
        .page_offset = (uint16_t)page_offset,
        .cs_base = (uint32_t)cpu->seg[CS].base,
        .ip_base = (int32_t)(cpu->rip - page_offset),
        .self_loops = !engine->unchained && engine->verify == NULL,
        .unshared = unshared_has(engine->unshared, page, page_offset),
        .window = heat_window(engine, page, page_offset, cpu->mode),
        .host_returns = engine->options.host_returns,
        .pause_calls = engine->options.cpus > 1 && !engine->parallel,
        .patched_alive = engine->parallel,
        .precise_flags = engine->options.precise_flags,
        .host_bmi2 = __builtin_cpu_supports("bmi2"),
        .repeat_restores = host_trait(cpu, HOST_REPEAT_FLAGS),
        .push_words = host_trait(cpu, HOST_PUSH_SEGMENT),
        .fetch = feed_fetch,
        .enabled = feed_enabled,
        .opaque = &feed,
    };
    TranslateOutput out;
    const Block *returned_to;
    uint64_t started, watched;
    Block *block;
    Insn crossing;

    started = now_ns();
    block = block_reserve(engine, page, page_offset, cpu->mode, code_origin(cpu, page_offset));
    in.block = block_number(engine, block);
    in.code = engine->rw + block->code;
    watched = page_mark(cpu, ram_offset); /* before its bytes are read */
    if (crossing_insn(&feed, page_offset, &crossing)) {
        in.crossing = &crossing;
    }
    if (!translate(engine, &in, &out, page, feed.code_width)) {
        page_narrow(engine, ram_offset, watched);
        return NULL;
    }
    block->ram_offset = ram_offset;
    block->window = in.window;
    block_commit(engine, block, &out);
    page_narrow(engine, ram_offset, watched | out.chunks);
    returned_to = block_returned_to(engine, block);
    if (returned_to != NULL) { /* the newest CALL is the likeliest to return there */
        ibtc_renew(cpu, cpu->rip + block->guest_size, returned_to);
    }
    account(engine, &out, started);
    engine->stats.window_blocks += in.window;
    if (engine->verify != NULL) {
        verify_block_made(engine, block, &out, in.crossing);
    }
    if (engine->report != NULL) {
        engine_report_block(cpu, block, &out, in.crossing);
    }
    return block;
}
