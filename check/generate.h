/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_GENERATE_H
#define CHECK_GENERATE_H
/* generate.h - random instructions and state for doppel-check native.
 *
 * All encodings that decode, have a row in insns.def and can run in user mode are found once,
 * sorted by mnemonic; a test draws mnemonics evenly, then an encoding, then prefixes, registers,
 * addressing form and immediates. */
#include <glib.h>
#include "check/native.h"
#include "runtime/cpu/cpu.h"

typedef struct Generator Generator;

/* `filter`: one mnemonic, NULL: all. `cpu` says which features there are; borrowed. */
Generator *generator_new(Isa isa, const char *filter, const Cpu *cpu, GError **error);
void generator_free(Generator *generator);
unsigned generator_mnemonics(const Generator *generator);

/* Memory of a batch. */
void generate_image(Random *random, NativeImage *image);

/* The test of a seed, for a slot. */
void generate_test(const Generator *generator, uint64_t seed, unsigned slot, NativeTest *test);

#endif
