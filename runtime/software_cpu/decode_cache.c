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
    return g_new0(DecodeCache, 1);
}

void decode_cache_free(DecodeCache *cache)
{
    g_free(cache);
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

/* `code` has WINDOW bytes. */
static inline bool same_window(const Insn *insn, const uint8_t *code)
{
    uint64_t low = load_qword(code) ^ load_qword(insn->bytes);

    if (insn->length <= 8) {
        return low << (64 - insn->length * 8) == 0;
    }
    return low == 0 &&
           (load_qword(code + 8) ^ load_qword(insn->bytes + 8)) << (128 - insn->length * 8) == 0;
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

static InsnStatus decode(Cpu *cpu, CachedInsn *slot, const Window *window)
{
    InsnStatus status;

    cpu_vector_park(cpu);
    slot->at = NULL;
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

static CachedInsn *slot_of(DecodeCache *cache, const uint8_t *at)
{
    return &cache->slot[((uintptr_t)at ^ (uintptr_t)at >> 12) % SLOTS];
}

/* Not in the cache, at a page's end, or not in the TLB. */
static const CachedInsn *fetch_slow(Cpu *cpu, uint64_t linear)
{
    DecodeCache *cache = cpu->decode;
    Window window;
    CachedInsn *slot;
    InsnStatus status;

    if (!window_open(cpu, linear, &window)) {
        return NULL;
    }
    slot = slot_of(cache, window.bytes);
    if (slot->at == window.bytes && slot->insn.code_width == code_width(cpu) &&
        same_bytes(&slot->insn, window.bytes, window.available)) {
        return insn_allowed(cpu, &slot->insn, INSN_OK) ? slot : NULL;
    }
    status = decode(cpu, slot, &window);
    if (status == INSN_OK && window.bytes != window.buffer) {
        slot->at = window.bytes;
    } else if (status == INSN_TRUNCATED) {
        slot = &cache->crossing;
        if (!window_extend(cpu, linear, &window)) {
            return NULL;
        }
        status = decode(cpu, slot, &window);
    }
    return insn_allowed(cpu, &slot->insn, status) ? slot : NULL;
}

const CachedInsn *decode_cache_fetch(Cpu *cpu)
{
    const uint8_t *at;
    uint64_t linear;

    if (!linear_rip(cpu, &linear)) {
        return NULL;
    }
    at = mmu_hit(cpu, linear, WINDOW, ACCESS_FETCH);
    if (at != NULL) {
        CachedInsn *slot = slot_of(cpu->decode, at);

        if (slot->at == at && slot->insn.code_width == code_width(cpu) &&
            same_window(&slot->insn, at)) {
            return insn_allowed(cpu, &slot->insn, INSN_OK) ? slot : NULL;
        }
    }
    return fetch_slow(cpu, linear);
}
