/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_traits.c - the questions that the host CPU is asked, and its answers by name. */
#include "runtime/software_cpu/host_traits.h"
#include <cpuid.h>
#include <string.h>
#include "runtime/software_cpu/host_code32.h"
#include "runtime/software_cpu/host_probe.h"

#define NON_CANONICAL 0x8000000000000000ull

#define CODE(name) extern const uint8_t probe_##name[]
CODE(repeat_flags);
CODE(repeat_none);
CODE(pause_rex);
CODE(x87_store_unmasked);
CODE(x87_store_masked);
CODE(x87_opcode);
CODE(mmx_store);
CODE(mmx_load);
CODE(cvt_store);
CODE(move16);
CODE(move32);
CODE(vector16);
CODE(vector32);
CODE(maskmovq);
CODE(maskmovdqu);
CODE(masked_store);
CODE(masked_load);
CODE(call);
CODE(fbstp);
CODE(fstp);
CODE(lar);

static uint64_t address_of(const uint8_t *place)
{
    return (uint64_t)(uintptr_t)place;
}

/* ---- General registers, strings, segments ---- */

/* Two equal elements, and the third is not there. */
static unsigned ask_repeat_flags(HostProbe *probe)
{
    const uint64_t before = FLAG_1 | FLAG_CF | FLAG_AF | FLAG_SF;

    probe->gpr[RSI] = probe->gpr[RDI] = address_of(probe->absent) - 16;
    probe->gpr[RCX] = 5;
    probe->flags = before;
    host_probe_run(probe, probe_repeat_flags);
    return (probe->flags & FLAGS_ARITH) == (before & FLAGS_ARITH);
}

static unsigned ask_repeat_none(HostProbe *probe)
{
    probe->gpr[RCX] = 1ull << 32;
    host_probe_run(probe, probe_repeat_none);
    return probe->gpr[RCX] == 0;
}

static unsigned ask_pause_rex(HostProbe *probe)
{
    probe->gpr[RAX] = 2;
    host_probe_run(probe, probe_pause_rex);
    return probe->gpr[RAX] == 2;
}

/* Of pieces that push below what stands on the probe's stack. */
static const uint8_t *stack_top(const HostProbe *probe)
{
    return probe->data + PAGE_SIZE / 2 - PROBE_ROOM;
}

static unsigned ask_push_segment(HostProbe *probe)
{
    const uint8_t *top = stack_top(probe);

    host_probe_run32(probe, CODE32_PUSH_SEGMENT);
    return probe->vector == PROBE_NO_FAULT && top[-1] == PROBE_FILL && top[-2] == PROBE_FILL;
}

static unsigned ask_wrap_4g(HostProbe *probe)
{
    probe->gpr[RDI] = 0xfffffffe;
    host_probe_run32(probe, CODE32_LOAD);
    if (probe->vector != VECTOR_PF) {
        return HOST_WRAP_LIMIT;
    }
    return probe->address == 0 ? HOST_WRAP_ZERO : HOST_WRAP_FIRST;
}

static unsigned ask_call_push(HostProbe *probe)
{
    const uint8_t *top = stack_top(probe);

    probe->gpr[RAX] = NON_CANONICAL;
    host_probe_run(probe, probe_call);
    return top[-8] != PROBE_FILL || top[-1] != PROBE_FILL;
}

/* Of a 64-bit code segment of 4 GiB, as Linux has it. */
static unsigned ask_lar_limit(HostProbe *probe)
{
    host_probe_run(probe, probe_lar);
    return (probe->gpr[RAX] & 0xf0000) == 0;
}

/* ---- x87 and MMX ---- */

static uint16_t status_word(const HostProbe *probe)
{
    return (uint16_t)(probe->fx[2] | probe->fx[3] << 8);
}

static unsigned ask_x87_store_page(HostProbe *probe)
{
    probe->gpr[RDI] = address_of(probe->absent);
    host_probe_run(probe, probe_x87_store_unmasked);
    return probe->vector == PROBE_NO_FAULT;
}

static unsigned ask_x87_store_segment(HostProbe *probe)
{
    probe->gpr[RDI] = NON_CANONICAL;
    host_probe_run(probe, probe_x87_store_unmasked);
    return probe->vector == PROBE_NO_FAULT;
}

static unsigned ask_x87_store_align(HostProbe *probe)
{
    probe->gpr[RDI] = address_of(probe->data) + 65;
    probe->flags |= FLAG_AC;
    host_probe_run(probe, probe_x87_store_unmasked);
    return probe->vector == PROBE_NO_FAULT;
}

static unsigned ask_x87_store_flags(HostProbe *probe)
{
    probe->gpr[RDI] = address_of(probe->absent);
    host_probe_run(probe, probe_x87_store_masked);
    return status_word(probe) & 1;
}

/* FNSTENV's image begins at byte 64; FOP is bits 26:16 of its fifth word. */
static unsigned ask_x87_opcode(HostProbe *probe)
{
    enum { IMAGE = 64, FOP = 18 };

    host_probe_run(probe, probe_x87_opcode);
    return probe->data[IMAGE + FOP] == 0 && (probe->data[IMAGE + FOP + 1] & 7) == 0;
}

/* TOP was 4, and all registers empty. */
static unsigned ask_mmx(HostProbe *probe, const uint8_t *code)
{
    probe->gpr[RDI] = address_of(probe->absent);
    host_probe_run(probe, code);
    if ((status_word(probe) & 0x3800) != 0) {
        return HOST_MMX_BEFORE;
    }
    return probe->fx[4] == 0 ? HOST_MMX_TOP : HOST_MMX_VALID;
}

static unsigned ask_mmx_store(HostProbe *probe)
{
    return ask_mmx(probe, probe_mmx_store);
}

static unsigned ask_mmx_load(HostProbe *probe)
{
    return ask_mmx(probe, probe_mmx_load);
}

/* Of the bytes in front of the page that is not there, those that a store has changed. */
static uint16_t bytes_written(HostProbe *probe, const uint8_t *code, unsigned before)
{
    const uint8_t *first = probe->absent - before;
    uint16_t written = 0;

    host_probe_prepare(probe);
    probe->gpr[RDI] = address_of(first);
    host_probe_run(probe, code);
    for (unsigned i = 0; i < before; i++) {
        written |= (uint16_t)((first[i] != PROBE_FILL) << i);
    }
    return written;
}

/* ---- SSE and AVX ---- */

enum { MXCSR_MASKED = 0x1f80, MXCSR_UNMASKED = 0x0f80, MXCSR_INEXACT = 0x20 };

static bool cvt_store(HostProbe *probe, uint32_t mxcsr, uint64_t address)
{
    if (!__builtin_cpu_supports("avx") || !__builtin_cpu_supports("f16c")) {
        return false;
    }
    probe->gpr[RAX] = mxcsr;
    probe->gpr[RDI] = address;
    host_probe_run(probe, probe_cvt_store);
    return true;
}

static unsigned ask_cvt_store_flags(HostProbe *probe)
{
    return cvt_store(probe, MXCSR_MASKED, address_of(probe->absent)) &&
           (probe->fx[24] & MXCSR_INEXACT) != 0;
}

static unsigned ask_cvt_store_order(HostProbe *probe)
{
    return cvt_store(probe, MXCSR_UNMASKED, address_of(probe->absent)) &&
           probe->vector == VECTOR_XM;
}

static unsigned ask_cvt_store_align(HostProbe *probe)
{
    probe->flags |= FLAG_AC;
    return cvt_store(probe, MXCSR_MASKED, address_of(probe->data) + 65) &&
           probe->vector == PROBE_NO_FAULT;
}

static unsigned ask_unaligned(HostProbe *probe, const uint8_t *code)
{
    if (!__builtin_cpu_supports("avx")) {
        return 0;
    }
    memset(probe->data, 0, PAGE_SIZE / 4);
    probe->gpr[RDI] = address_of(probe->data) + 65;
    probe->flags |= FLAG_AC;
    host_probe_run(probe, code);
    return probe->vector == VECTOR_AC;
}

static unsigned ask_move16(HostProbe *probe)
{
    return ask_unaligned(probe, probe_move16);
}

static unsigned ask_move32(HostProbe *probe)
{
    return ask_unaligned(probe, probe_move32);
}

static unsigned ask_vector16(HostProbe *probe)
{
    return ask_unaligned(probe, probe_vector16);
}

static unsigned ask_vector32(HostProbe *probe)
{
    return ask_unaligned(probe, probe_vector32);
}

static unsigned ask_maskmov(HostProbe *probe, const uint8_t *code)
{
    bool faults[2];

    for (unsigned i = 0; i < 2; i++) {
        host_probe_prepare(probe);
        probe->gpr[RDI] = address_of(probe->data) + 65;
        probe->gpr[RAX] = i == 0 ? 0 : UINT64_MAX;
        probe->flags |= FLAG_AC;
        host_probe_run(probe, code);
        faults[i] = probe->vector == VECTOR_AC;
    }
    return faults[0] ? HOST_ALIGN_ALWAYS : faults[1] ? HOST_ALIGN_SELECTED : HOST_ALIGN_NEVER;
}

static unsigned ask_maskmovq(HostProbe *probe)
{
    return ask_maskmov(probe, probe_maskmovq);
}

static unsigned ask_maskmovdqu(HostProbe *probe)
{
    return ask_maskmov(probe, probe_maskmovdqu);
}

/* Are two halves stored, each of which may be aligned where the whole is not? */
static unsigned ask_maskmovdqu_unit(HostProbe *probe)
{
    host_probe_prepare(probe);
    probe->gpr[RDI] = address_of(probe->data) + 64 + 8;
    probe->gpr[RAX] = UINT64_MAX;
    probe->flags |= FLAG_AC;
    host_probe_run(probe, probe_maskmovdqu);
    return probe->vector != VECTOR_AC;
}

/* Element 6 of eight alone, in the absent page with `before` bytes of the operand in front of it.
 */
static unsigned ask_masked(HostProbe *probe, const uint8_t *code, unsigned before)
{
    enum { WIDTH = 4, ELEMENTS = 8, SELECTED = 6, PLACE = 64 };
    uint64_t absent = address_of(probe->absent);
    uint64_t operand = before != 0 ? absent - before : absent + PLACE;

    if (!__builtin_cpu_supports("avx")) {
        return HOST_MASKED_ELEMENT;
    }
    memset(probe->data, 0, ELEMENTS * WIDTH);
    probe->data[SELECTED * WIDTH + WIDTH - 1] = 0x80;
    probe->gpr[RDI] = operand;
    host_probe_run(probe, code);
    if (probe->address == operand + ELEMENTS * WIDTH - 1) {
        return HOST_MASKED_LAST;
    }
    return probe->address == (before != 0 ? absent : operand) ? HOST_MASKED_FIRST
                                                              : HOST_MASKED_ELEMENT;
}

enum { SPLIT = 20 };

static unsigned ask_masked_store(HostProbe *probe)
{
    return ask_masked(probe, probe_masked_store, 0);
}

static unsigned ask_masked_store_split(HostProbe *probe)
{
    return ask_masked(probe, probe_masked_store, SPLIT);
}

static unsigned ask_masked_load(HostProbe *probe)
{
    return ask_masked(probe, probe_masked_load, 0);
}

static unsigned ask_masked_load_split(HostProbe *probe)
{
    return ask_masked(probe, probe_masked_load, SPLIT);
}

/* ---- All of them ---- */

typedef struct TraitRow {
    const char *about;
    const char *value[3];
} TraitRow;

static const TraitRow trait_rows[HOST_TRAITS] = {
#define HOST_TRAIT(name, about, value0, value1, value2)                                            \
    [HOST_##name] = { about, { value0, value1, value2 } },
#include "runtime/software_cpu/host_traits.def"
#undef HOST_TRAIT
};

static unsigned (*const questions[HOST_TRAITS])(HostProbe *probe) = {
    [HOST_REPEAT_FLAGS] = ask_repeat_flags,
    [HOST_REPEAT_NONE] = ask_repeat_none,
    [HOST_PAUSE_REX] = ask_pause_rex,
    [HOST_PUSH_SEGMENT] = ask_push_segment,
    [HOST_WRAP_4G] = ask_wrap_4g,
    [HOST_X87_STORE_PAGE] = ask_x87_store_page,
    [HOST_X87_STORE_SEGMENT] = ask_x87_store_segment,
    [HOST_X87_STORE_ALIGN] = ask_x87_store_align,
    [HOST_X87_STORE_FLAGS] = ask_x87_store_flags,
    [HOST_X87_OPCODE] = ask_x87_opcode,
    [HOST_MMX_STORE] = ask_mmx_store,
    [HOST_MMX_LOAD] = ask_mmx_load,
    [HOST_CVT_STORE_FLAGS] = ask_cvt_store_flags,
    [HOST_CVT_STORE_ORDER] = ask_cvt_store_order,
    [HOST_CVT_STORE_ALIGN] = ask_cvt_store_align,
    [HOST_MOVE16_ALIGN] = ask_move16,
    [HOST_MOVE32_ALIGN] = ask_move32,
    [HOST_VECTOR16_ALIGN] = ask_vector16,
    [HOST_VECTOR32_ALIGN] = ask_vector32,
    [HOST_MASKMOVQ_ALIGN] = ask_maskmovq,
    [HOST_MASKMOVDQU_ALIGN] = ask_maskmovdqu,
    [HOST_MASKMOVDQU_UNIT] = ask_maskmovdqu_unit,
    [HOST_MASKED_STORE] = ask_masked_store,
    [HOST_MASKED_STORE_SPLIT] = ask_masked_store_split,
    [HOST_MASKED_LOAD] = ask_masked_load,
    [HOST_MASKED_LOAD_SPLIT] = ask_masked_load_split,
    [HOST_CALL_PUSH] = ask_call_push,
    [HOST_LAR_LIMIT] = ask_lar_limit,
};

static bool needs_code32(HostTrait trait)
{
    return trait == HOST_PUSH_SEGMENT || trait == HOST_WRAP_4G;
}

HostTraits *host_traits_new(void)
{
    HostTraits *traits = g_new0(HostTraits, 1);
    HostProbe probe;

    traits->code32 = host_code32_new();
    if (!host_probe_open(&probe, traits->code32)) {
        return traits;
    }
    host_probe_begin(&probe);
    for (unsigned i = 0; i < HOST_TRAITS; i++) {
        if (traits->code32 != NULL || !needs_code32((HostTrait)i)) {
            host_probe_prepare(&probe);
            traits->value[i] = (uint8_t)questions[i](&probe);
        }
    }
    for (unsigned k = 1; k < HOST_TEN_BYTES; k++) {
        traits->fbstp[k] = bytes_written(&probe, probe_fbstp, k);
        traits->fstp[k] = bytes_written(&probe, probe_fstp, k);
    }
    host_probe_end(&probe);
    host_probe_close(&probe);
    return traits;
}

void host_traits_free(HostTraits *traits)
{
    if (traits != NULL) {
        host_code32_free(traits->code32);
        g_free(traits);
    }
}

const char *host_trait_about(HostTrait trait)
{
    return trait_rows[trait].about;
}

const char *host_trait_value_name(HostTrait trait, unsigned value)
{
    return value < G_N_ELEMENTS(trait_rows[trait].value) ? trait_rows[trait].value[value] : NULL;
}
