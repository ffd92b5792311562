/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/software_cpu/decode_cache.h"
#include <sys/mman.h>
#include <glib.h>
#include "runtime/software_cpu/quick.h"
#include "softmmu/mmu.h"

enum { ENTRIES = 65536, HASH_BITS = 15, WINDOW = 16 };

/* The entries begin it: decode_cache_entry. */
struct DecodeCache {
    CachedInsn entry[ENTRIES]; /* the first is none */
    CachedInsn passing;        /* what is not cached: it crosses a page, or is not in RAM */
    uint32_t used;
    uint32_t first[1 << HASH_BITS]; /* place of a chain's first entry, or 0 */
};

/* Code bytes ahead of RIP: straight from the page, or gathered where it ends. */
typedef struct Window {
    const uint8_t *bytes;
    unsigned available;
    bool whole; /* nothing more can be had behind `available`: 15 bytes, or the page's end is known
                 */
    uint8_t buffer[WINDOW];
} Window;

/* Memory that is used only as far as there are instructions. */
DecodeCache *decode_cache_new(void)
{
    DecodeCache *cache = mmap(NULL, sizeof(*cache), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    g_assert(cache != MAP_FAILED);
    cache->used = 1;
    return cache;
}

void decode_cache_free(DecodeCache *cache)
{
    if (cache != NULL) {
        munmap(cache, sizeof(*cache));
    }
}

static unsigned code_width(const Cpu *cpu)
{
    return cpu->mode & MODE_CS64 ? 8 : cpu->mode & MODE_CS32 ? 4 : 2;
}

static uint64_t load_qword(const uint8_t *bytes)
{
    uint64_t value;

    __builtin_memcpy(&value, bytes, sizeof(value));
    return value;
}

static bool same_bytes(const Insn *insn, const uint8_t *code, unsigned available)
{
    if (insn->length > available) {
        return false;
    }
    for (unsigned i = 0; i < insn->length; i++) {
        if (insn->bytes[i] != code[i]) {
            return false;
        }
    }
    return true;
}

/* Near a page's end only the bytes of that page are in the window. */
static bool window_open(Cpu *cpu, uint64_t linear, Window *window)
{
    uint64_t gpa;
    unsigned left;
    const uint8_t *host = mmu_fetch(cpu, linear, &gpa, &left);

    if (host == NULL && left == 0) {
        return false;
    }
    window->available = left < INSN_MAX_LENGTH ? left : left < WINDOW ? INSN_MAX_LENGTH : WINDOW;
    if (host != NULL) {
        window->bytes = host;
        return true;
    }
    window->bytes = window->buffer;
    return mmu_fetch_bytes(cpu, linear, window->buffer, window->available);
}

/* Appends bytes of the next page to a window that turned out too short. */
static bool window_extend(Cpu *cpu, uint64_t linear, Window *window)
{
    unsigned more = INSN_MAX_LENGTH - window->available;

    if (window->bytes != window->buffer) {
        for (unsigned i = 0; i < window->available; i++) {
            window->buffer[i] = window->bytes[i];
        }
        window->bytes = window->buffer;
    }
    linear += window->available;
    if (!(cpu->mode & MODE_CS64)) {
        linear = (uint32_t)linear;
    }
    if (!mmu_fetch_bytes(cpu, linear, window->buffer + window->available, more)) {
        return false;
    }
    window->available = INSN_MAX_LENGTH;
    return true;
}

/* ---- Entries ---- */

static uint32_t *chain_of(DecodeCache *cache, const uint8_t *at)
{
    return &cache->first[(uintptr_t)at * 0x9e3779b97f4a7c15 >> (64 - HASH_BITS)];
}

static CachedInsn *entry_find(DecodeCache *cache, const uint8_t *at, unsigned width)
{
    for (uint32_t place = *chain_of(cache, at); place != 0;) {
        CachedInsn *cached = &cache->entry[place];

        if (cached->at == at && cached->insn.code_width == width) {
            return cached;
        }
        place = cached->chain;
    }
    return NULL;
}

static CachedInsn *entry_add(DecodeCache *cache, const uint8_t *at)
{
    uint32_t *chain;
    CachedInsn *cached;

    if (cache->used == ENTRIES) {
        cache->used = 1;
        for (size_t i = 0; i < G_N_ELEMENTS(cache->first); i++) {
            cache->first[i] = 0;
        }
    }
    chain = chain_of(cache, at);
    cached = &cache->entry[cache->used];
    cached->at = at;
    cached->chain = *chain;
    *chain = cache->used++;
    return cached;
}

static void entry_set(CachedInsn *cached, const CachedInsn *decoded, const Window *window)
{
    cached->exec = decoded->exec;
    cached->insn = decoded->insn;
    cached->head = window->available >= 8 ? load_qword(window->bytes) : 0;
    cached->next = 0;
    cached->target = 0;
}

/* ---- Fetch ---- */

static InsnStatus decode(Cpu *cpu, CachedInsn *cached, const Window *window)
{
    InsnStatus status;

    cpu_vector_park(cpu);
    status = insn_decode(&cached->insn, window->bytes, window->available, code_width(cpu));
    cached->exec = exec_quick(&cached->insn, exec_row_checked(cpu, &cached->insn));
    return status;
}

static bool linear_rip(Cpu *cpu, uint64_t *linear)
{
    if (cpu->mode & MODE_CS64) {
        *linear = cpu->rip;
        if (!address_canonical(cpu->rip)) {
            cpu_fault_error(cpu, VECTOR_GP, 0);
            return false;
        }
        return true;
    }
    *linear = (uint32_t)(cpu->seg[CS].base + cpu->rip);
    if (cpu->rip > cpu->seg[CS].limit) {
        cpu_fault_error(cpu, VECTOR_GP, 0);
        return false;
    }
    return true;
}

/* Past the limit with its last byte, or over-long: #GP; undecodable: executed as #UD. */
static bool insn_allowed(Cpu *cpu, const Insn *insn, InsnStatus status)
{
    bool flat = cpu->mode & MODE_CS64;

    if (status == INSN_TOO_LONG ||
        (!flat && insn->length > 0 && insn->length - 1u > cpu->seg[CS].limit - cpu->rip)) {
        cpu_fault_error(cpu, VECTOR_GP, 0);
        return false;
    }
    return true;
}

/* Not in the cache, at a page's end, or not in the TLB. */
static const CachedInsn *fetch_slow(Cpu *cpu, uint64_t linear)
{
    DecodeCache *cache = cpu->decode;
    CachedInsn *cached = NULL, *passing = &cache->passing;
    Window window;
    InsnStatus status;

    if (!window_open(cpu, linear, &window)) {
        return NULL;
    }
    if (window.bytes != window.buffer) {
        cached = entry_find(cache, window.bytes, code_width(cpu));
        if (cached != NULL && same_bytes(&cached->insn, window.bytes, window.available)) {
            return insn_allowed(cpu, &cached->insn, INSN_OK) ? cached : NULL;
        }
    }
    status = decode(cpu, passing, &window);
    if (status == INSN_OK && window.bytes != window.buffer) {
        cached = cached != NULL ? cached : entry_add(cache, window.bytes);
        entry_set(cached, passing, &window);
        return insn_allowed(cpu, &cached->insn, INSN_OK) ? cached : NULL;
    }
    if (status == INSN_TRUNCATED) {
        if (!window_extend(cpu, linear, &window)) {
            return NULL;
        }
        status = decode(cpu, passing, &window);
    }
    return insn_allowed(cpu, &passing->insn, status) ? passing : NULL;
}

static inline const CachedInsn *fetch(Cpu *cpu, uint64_t linear)
{
    const uint8_t *at = mmu_hit(cpu, linear, WINDOW, ACCESS_FETCH);

    if (at != NULL) {
        CachedInsn *cached = entry_find(cpu->decode, at, code_width(cpu));

        if (cached != NULL && same_bytes(&cached->insn, at, WINDOW)) {
            cached->head = load_qword(at);
            return insn_allowed(cpu, &cached->insn, INSN_OK) ? cached : NULL;
        }
    }
    return fetch_slow(cpu, linear);
}

const CachedInsn *decode_cache_fetch(Cpu *cpu)
{
    uint64_t linear;

    return linear_rip(cpu, &linear) ? fetch(cpu, linear) : NULL;
}

/* ---- Links ---- */

/* Whatever may have changed the mode's code size, limit or rights, TF, RF, the interrupt shadow or
 * translations. */
static bool insn_affects_fetch(const Insn *insn)
{
    switch (insn->mnemonic) {
#define INSN(mnemonic, exec, lowering, written, read) case ZYDIS_MNEMONIC_##mnemonic:
#include "translator/insns_system.def"
#undef INSN
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD:
    case ZYDIS_MNEMONIC_POPFQ:
        return true;
    default:
        break;
    }
    for (unsigned i = 0; i < insn->n_operands && i < 2; i++) {
        if (insn->op[i].kind == OPERAND_SEGMENT || insn->op[i].kind == OPERAND_CR ||
            insn->op[i].kind == OPERAND_DR) {
            return true;
        }
    }
    return false;
}

/* Both in one page, `linear` in it that of `to`. */
static void link_note(DecodeCache *cache, const CachedInsn *last, Step step, const CachedInsn *to,
                      uint64_t linear)
{
    uint64_t offset = linear & (PAGE_SIZE - 1), distance = (uintptr_t)to->at - (uintptr_t)last->at;
    const Insn *insn = &last->insn;

    if (last->at == NULL || to->at == NULL || insn->code_width != to->insn.code_width ||
        offset > PAGE_SIZE - WINDOW || offset - distance >= PAGE_SIZE) {
        return;
    }
    if (step == STEP_NEXT && distance == insn->length && !insn_affects_fetch(insn)) {
        cache->entry[last - cache->entry].next = (uint32_t)(to - cache->entry);
    } else if (step == STEP_JUMP && insn->op[0].kind == OPERAND_REL && insn->op_width != 2 &&
               insn->code_width != 2 && distance == insn->length + (uint64_t)insn->imm) {
        cache->entry[last - cache->entry].target = (uint32_t)(to - cache->entry);
    }
}

const CachedInsn *decode_cache_follow(Cpu *cpu, const CachedInsn *last, Step step)
{
    const CachedInsn *cached;
    uint64_t linear;

    if (!linear_rip(cpu, &linear)) {
        return NULL;
    }
    cached = fetch(cpu, linear);
    if (cached != NULL && last != NULL) {
        link_note(cpu->decode, last, step, cached, linear);
    }
    return cached;
}
