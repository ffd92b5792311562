/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/software_cpu/decode_cache.h"
#include "softmmu/mmu.h"
#include <glib.h>

enum { SLOTS = 8192, WINDOW = 16 };

struct DecodeCache {
    CachedInsn slot[SLOTS];
    CachedInsn crossing; /* the last instruction that crosses a page: not cached */
};

/* Code bytes ahead of RIP: straight from the page, or gathered where it ends. */
typedef struct Window {
    const uint8_t *bytes;
    unsigned available;
    bool whole; /* nothing more can be had behind `available`: 15 bytes, or the page's end is known
                 */
    uint8_t buffer[WINDOW];
} Window;

DecodeCache *decode_cache_new(void)
{
    DecodeCache *cache = g_new0(DecodeCache, 1);

    for (unsigned i = 0; i < SLOTS; i++) {
        cache->slot[i].gpa = UINT64_MAX;
    }
    return cache;
}

void decode_cache_free(DecodeCache *cache)
{
    g_free(cache);
}

static unsigned code_width(const Cpu *cpu)
{
    return cpu->mode & MODE_CS64 ? 8 : cpu->mode & MODE_CS32 ? 4 : 2;
}

static bool same_bytes(const Insn *insn, const uint8_t *code, unsigned available)
{
    uint64_t diff = 0;

    if (insn->length > available) {
        return false;
    }
    if (available >= WINDOW) {
        const uint64_t *a = (const uint64_t *)insn->bytes;
        uint64_t low, high;

        __builtin_memcpy(&low, code, 8);
        __builtin_memcpy(&high, code + 8, 8);
        if (insn->length < 8) {
            return ((low ^ a[0]) & width_mask(insn->length)) == 0;
        }
        return low == a[0] && ((high ^ a[1]) & width_mask(insn->length - 8u)) == 0;
    }
    for (unsigned i = 0; i < insn->length; i++) {
        diff |= insn->bytes[i] ^ code[i];
    }
    return diff == 0;
}

/* Finds `gpa` and opens the window. Near a page's end only the bytes of that page are in it. */
static bool window_open(Cpu *cpu, uint64_t linear, Window *window, uint64_t *gpa)
{
    unsigned left;
    const uint8_t *host = mmu_fetch(cpu, linear, gpa, &left);

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

static InsnStatus decode(Cpu *cpu, CachedInsn *slot, const Window *window)
{
    InsnStatus status;

    cpu_vector_park(cpu);
    slot->gpa = UINT64_MAX;
    status = insn_decode(&slot->insn, window->bytes, window->available, code_width(cpu));
    slot->exec = status == INSN_OK ? exec_row(slot->insn.mnemonic) : NULL;
    return status;
}

static bool linear_rip(Cpu *cpu, uint64_t *linear)
{
    if (cpu->mode & MODE_CS64) {
        *linear = cpu->rip;
        if ((int64_t)(cpu->rip << 16) >> 16 != (int64_t)cpu->rip) {
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

const CachedInsn *decode_cache_fetch(Cpu *cpu)
{
    DecodeCache *cache = cpu->decode;
    CachedInsn *slot;
    Window window;
    uint64_t linear, gpa;
    InsnStatus status;

    if (!linear_rip(cpu, &linear) || !window_open(cpu, linear, &window, &gpa)) {
        return NULL;
    }
    slot = &cache->slot[(gpa ^ gpa >> 12) % SLOTS];
    if (slot->gpa == gpa && slot->insn.code_width == code_width(cpu) &&
        same_bytes(&slot->insn, window.bytes, window.available)) {
        return insn_allowed(cpu, &slot->insn, INSN_OK) ? slot : NULL;
    }
    status = decode(cpu, slot, &window);
    if (status == INSN_OK) {
        slot->gpa = gpa;
    } else if (status == INSN_TRUNCATED) {
        slot = &cache->crossing;
        if (!window_extend(cpu, linear, &window)) {
            return NULL;
        }
        status = decode(cpu, slot, &window);
    }
    return insn_allowed(cpu, &slot->insn, status) ? slot : NULL;
}
