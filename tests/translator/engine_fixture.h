/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_TRANSLATOR_ENGINE_FIXTURE_H
#define TESTS_TRANSLATOR_ENGINE_FIXTURE_H
/* engine_fixture.h - a fixture of tests/isa with an engine, and random code for it. */
#include "runtime/engine/engine.h"
#include "tests/isa/fixture.h"

typedef struct EngineFixture {
    Fixture *fx;
    Engine *engine;
} EngineFixture;

EngineFixture *engine_fixture_new(FixtureMode mode, const EngineOptions *options);
void engine_fixture_free(EngineFixture *ef);

/* Thunks and signal handlers for a fixture without an engine. */
void fixture_thunks(Fixture *fx);
void fixture_thunks_free(Fixture *fx);

/* Runs translated until a HLT has been executed. */
void engine_fixture_run(EngineFixture *ef);
/* Runs on the software CPU until a HLT has been executed, delivering exceptions; false: too long.
 */
bool fixture_run_to_halt(Fixture *fx, unsigned max_steps);

/* In 16-bit code DS, ES, FS and GS are expected to have this base. */
enum { RANDOM_BASE16 = 0x1230 };

/* Random straight-line code of `n` instructions, as the mode decodes them, to be run at
 * FIXTURE_CODE; those that access memory are led by moves that put addresses in the data page, or
 * the one behind it, into their registers. Returns the size. */
size_t random_code(uint8_t *code, size_t room, unsigned n, unsigned code_width, uint64_t *seed);

uint64_t random_next(uint64_t *seed);

#endif
