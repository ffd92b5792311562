/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/isa/vector_fixture.h"
#include "runtime/software_cpu/thunk.h"
#include <glib.h>
#include <string.h>

Fixture *vector_fixture_new(FixtureMode mode)
{
    Fixture *fx = fixture_new(mode);

    if (fx->cpu->thunks == NULL) {
        fx->cpu->thunks = thunk_cache_new(NULL);
    }
    g_assert(fx->cpu->thunks != NULL);
    fx->cpu->xcr0 = 7;
    fx->cpu->xsave_mask = 7;
    thunk_thread_enter(fx->cpu);
    thunk_signals_install();
    return fx;
}

void vector_fixture_free(Fixture *fx)
{
    thunk_thread_enter(NULL);
    thunk_cache_free(fx->cpu->thunks);
    fx->cpu->thunks = NULL;
    fixture_free(fx);
}

Step vector_exec(Fixture *fx, const uint8_t *code, unsigned n)
{
    unsigned width = fx->cpu->mode & MODE_CS64 ? 8 : fx->cpu->mode & MODE_CS32 ? 4 : 2;
    uint8_t padded[INSN_MAX_LENGTH] = { 0 };
    Insn insn;
    Step step;

    memcpy(padded, code, n);
    g_assert(insn_decode(&insn, padded, sizeof(padded), width) == INSN_OK && insn.length == n);
    step = software_cpu_exec(fx->cpu, &insn);
    cpu_vector_park(fx->cpu);
    return step;
}

static uint8_t *lane_at(const Fixture *fx, unsigned reg, unsigned lane)
{
    return fx->cpu->xsave + (lane < 2 ? 160 : 576 - 16) + reg * 16 + lane * 8;
}

uint64_t lane_get(const Fixture *fx, unsigned reg, unsigned lane)
{
    uint64_t value;

    memcpy(&value, lane_at(fx, reg, lane), 8);
    return value;
}

void lane_set(Fixture *fx, unsigned reg, unsigned lane, uint64_t value)
{
    memcpy(lane_at(fx, reg, lane), &value, 8);
    fx->cpu->xsave[512] |= lane < 2 ? 2 : 4;
}

uint32_t mxcsr_get(const Fixture *fx)
{
    uint32_t value;

    memcpy(&value, fx->cpu->xsave + 24, 4);
    return value;
}

void mxcsr_set(Fixture *fx, uint32_t value)
{
    memcpy(fx->cpu->xsave + 24, &value, 4);
    fx->cpu->xsave[512] |= 2;
}

uint16_t x87_word(const Fixture *fx, unsigned offset)
{
    uint16_t value;

    memcpy(&value, fx->cpu->xsave + offset, 2);
    return value;
}

void x87_set_word(Fixture *fx, unsigned offset, uint16_t value)
{
    memcpy(fx->cpu->xsave + offset, &value, 2);
    fx->cpu->xsave[512] |= 1;
}
