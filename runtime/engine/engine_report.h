/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_ENGINE_REPORT_H
#define RUNTIME_ENGINE_ENGINE_REPORT_H
/* engine_report.h - what the engine tells about its work: -d in_asm, op_annot, out_asm for every
 * block that is translated, exec, cpu and int for what runs, and perf's map of the blocks. Ordinary
 * code: the vector state is parked. */
#include "runtime/engine/engine_int.h"
#include <stdio.h>

/* What there is to report; NULL if nothing is asked for. */
typedef struct EngineReport {
    Log *log;
    uint32_t items; /* LogItem, those that the engine serves */
    FILE *perf_map;
    size_t capstone; /* csh; 0: closed */
} EngineReport;

bool engine_report_open(Engine *engine, GError **error);
void engine_report_close(Engine *engine);

/* A block has been made of the code at CS:RIP. `crossing`: see TranslateInput. */
void engine_report_block(Cpu *cpu, const Block *block, const TranslateOutput *out,
                         const Insn *crossing);

/* dump.c: one section each, behind the others in `text`. */
void dump_guest(GString *text, const Cpu *cpu, const Block *block, const TranslateOutput *out,
                const Insn *crossing);
void dump_annotations(GString *text, const Cpu *cpu, const TranslateOutput *out);
void dump_host(GString *text, const Cpu *cpu, const Block *block, const TranslateOutput *out,
               size_t capstone);

#endif
