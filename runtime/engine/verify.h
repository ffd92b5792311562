/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_VERIFY_H
#define RUNTIME_ENGINE_VERIFY_H
/* verify.h - translations compared with the software CPU while a guest runs (-accel dbt,verify).
 *
 * A block that is to be verified first runs on the software CPU, instruction by instruction, with
 * what it will write to kept in a log.  Then registers and memory are put back, the translation
 * runs once, and registers, flags, vector state, the fault that ended it if any, and the logged
 * memory are compared.  Blocks are made so that an instruction that runs on the software CPU anyway
 * is alone in its block and need not be compared; so is one whose result depends on the time.
 *
 * Given up, with the software CPU's result for good: what touches devices, writes into translated
 * code, writes more than the log holds, or is left in the middle because of a host signal.  What a
 * translation writes to places that the software CPU does not is not seen until it is read.
 *
 * A difference is looked for a second time, since devices may have written to memory meanwhile.  If
 * it is still there, it is printed and written to a file, and the guest goes on from the software
 * CPU's result until who was told stops it.
 *
 * Compiled with -mgeneral-regs-only but for the report.
 */
#include "runtime/engine/engine_int.h"

typedef struct Verify Verify;

bool verify_open(Engine *engine, GError **error);
void verify_close(Engine *engine);

/* How many instructions the block may have, so that what is called out or depends on the time is
 * alone: less than out->insns, or as many. */
unsigned verify_cut(const TranslateOutput *out, const uint8_t *page, unsigned code_width);
/* A block has been made. `crossing`: see TranslateInput. */
void verify_block_made(Engine *engine, const Block *block, const TranslateOutput *out,
                       const Insn *crossing);

/* Is this block to be verified, now that it comes next? Then verify_run does it. */
bool verify_due(Engine *engine, Block *block);
/* After engine_leave, on the thread's own stack: verifies the block that was due; false: none. */
bool verify_run(Cpu *cpu);

/* A translation runs alone: every exit leads back to verify_run. */
bool verify_alone(const Engine *engine);
/* It has raised cpu->fault; nothing has been delivered. */
void verify_faulted(Engine *engine);
/* A host signal has taken it out of the middle of its block; the software CPU has executed the
 * instruction. */
void verify_left(Engine *engine);

#endif
