/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_ISA_VECTOR_FIXTURE_H
#define TESTS_ISA_VECTOR_FIXTURE_H
/* vector_fixture.h - the fixture with thunks, and its vector registers by name. */
#include "tests/isa/fixture.h"

Fixture *vector_fixture_new(FixtureMode mode); /* XCR0: x87, SSE, AVX */
void vector_fixture_free(Fixture *fx);

/* Decodes and executes one instruction; nothing is delivered, rip moves on. Parked on return. */
Step vector_exec(Fixture *fx, const uint8_t *code, unsigned n);
#define EXEC(fx, ...)                                                                              \
    vector_exec(fx, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* 64-bit lane of a YMM register: 0 to 3. */
uint64_t lane_get(const Fixture *fx, unsigned reg, unsigned lane);
void lane_set(Fixture *fx, unsigned reg, unsigned lane, uint64_t value);
uint32_t mxcsr_get(const Fixture *fx);
void mxcsr_set(Fixture *fx, uint32_t value);

/* Fields of the x87 state. */
uint16_t x87_word(const Fixture *fx, unsigned offset); /* 0 control, 2 status, 4 tags */
void x87_set_word(Fixture *fx, unsigned offset, uint16_t value);

#endif
