/* SPDX-License-Identifier: GPL-2.0-or-later */
/* heat.c - user code that runs again and again goes through the host-mapped window: what the thread
 * was found in twice, every few milliseconds of its time. Short-lived processes never come to that.
 * Compiled with -mgeneral-regs-only.
 *
 * Nor do programs that are in many places at once, as interpreters are: only some of their code
 * would go through the window, so that the same data were used at two addresses of the host's. The
 * first-level caches of some hosts know a line by one linear address at a time (Zen 3: an access by
 * another takes 20 cycles and not 5).
 *
 * Tables are of hashes: a collision makes code go the other way, which is as right. */
#include "runtime/engine/engine_int.h"
#include "softmmu/mmu.h"
#include <ucontext.h>

enum {
    PLACES = 1 << 14,
    HOT = 2,     /* times that the thread was found there */
    RECENT = 16, /* samples that tell whether the program is in few places: */
    FEW = 8,     /* of so many it is, */
    MANY = 12,   /* of so many not any more */
    REFUSED =
        16, /* accesses of a block that could not be mapped, until it goes by the TLB for good */
};

struct Heat {
    uint8_t seen[PLACES], refused[PLACES];
};

struct Focus {
    uint16_t recent[RECENT]; /* places found last, the oldest at `next` */
    unsigned next;
    bool focused; /* the program is in few places */
};
_Static_assert(PLACES - 1 <= UINT16_MAX, "Heat.recent");

struct Heat *heat_new(void)
{
    return g_new0(struct Heat, 1);
}

struct Focus *focus_new(void)
{
    struct Focus *focus = g_new0(struct Focus, 1);

    for (unsigned i = 0; i < RECENT; i++) { /* not in few places */
        focus->recent[i] = (uint16_t)i;
    }
    return focus;
}

/* Is it user code whose addresses are linear ones under paging? */
static bool reaches_window(uint32_t mode)
{
    return (mode & MODE_CPL) == MODE_CPL && (mode & MODE_PG) && !(mode & MODE_VM) &&
           (mode & (MODE_CS32 | MODE_CS64));
}

bool heat_window(const Engine *engine, const uint8_t *page, unsigned page_offset, uint32_t mode)
{
    unsigned place = code_place(page, page_offset, PLACES);

    return engine->options.window != ENGINE_WINDOW_OFF && reaches_window(mode) &&
           engine->heat->refused[place] < REFUSED &&
           (engine->options.window == ENGINE_WINDOW_ALL || engine->heat->seen[place] >= HOT);
}

static void retranslate(EngineCpu *self, const Block *block)
{
    self->retranslate = block_number(self->engine, block);
    __atomic_store_n(&self->cpu->attention, 1, __ATOMIC_SEQ_CST);
}

static uint8_t *refusals(Engine *engine, const Block *block)
{
    return &engine->heat->refused[code_place(block->page, block->page_offset, PLACES)];
}

void heat_refused(EngineCpu *self, const Block *block)
{
    uint8_t *refused = refusals(self->engine, block);

    *refused += *refused < REFUSED;
    if (*refused == REFUSED) {
        retranslate(self, block);
    }
}

void heat_expel(EngineCpu *self, const Block *block)
{
    *refusals(self->engine, block) = REFUSED;
    retranslate(self, block);
}

void heat_cool(Engine *engine, const Block *block)
{
    unsigned place = code_place(block->page, block->page_offset, PLACES);

    engine->heat->seen[place] = 0;
    if (engine->options.window == ENGINE_WINDOW_ALL) { /* it would come back at once */
        engine->heat->refused[place] = REFUSED;
    }
}

bool engine_wants_samples(const Engine *engine)
{
    return engine != NULL && engine->options.window != ENGINE_WINDOW_OFF;
}

static unsigned places_differ(const uint16_t *places, unsigned n)
{
    unsigned differ = 0;

    for (unsigned i = 0; i < n; i++) {
        unsigned k = 0;

        while (k < i && places[k] != places[i]) {
            k++;
        }
        differ += k == i;
    }
    return differ;
}

static void note_place(struct Focus *focus, unsigned place)
{
    unsigned differ;

    focus->recent[focus->next] = (uint16_t)place;
    focus->next = (focus->next + 1) % RECENT;
    differ = places_differ(focus->recent, RECENT);
    if (differ <= FEW) {
        focus->focused = true;
    } else if (differ >= MANY) {
        focus->focused = false;
    }
}

void engine_sample(Cpu *cpu, void *ucontext)
{
    const ucontext_t *context = ucontext;
    const uint8_t *host = (const uint8_t *)context->uc_mcontext.gregs[REG_RIP];
    Engine *engine = cpu->engine;
    bool usable = mmu_window_tick(cpu);
    const Block *block;
    unsigned place;
    uint8_t *seen;

    if (host < engine->rx || host >= engine->rx + engine->size) {
        return; /* the tables of blocks may be under change */
    }
    block = block_at_host(engine, host);
    if (block == NULL || !block->valid || !reaches_window(block->mode)) {
        return;
    }
    place = code_place(block->page, block->page_offset, PLACES);
    note_place(cpu->engine_cpu->focus, place);
    usable &= cpu->engine_cpu->focus->focused;
    seen = &engine->heat->seen[place];
    if (usable == block->window) {
        return;
    }
    *seen = usable ? (uint8_t)(*seen + (*seen < UINT8_MAX)) : 0;
    if (!usable || *seen == HOT) {
        retranslate(cpu->engine_cpu, block);
    }
}
