/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/engine_report.h"

#include <capstone/capstone.h>
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "runtime/engine/engine.h"
#include "runtime/engine/trace.h"

enum {
    BLOCK_ITEMS = LOG_IN_ASM | LOG_OP_ANNOT | LOG_OUT_ASM,
    RUN_ITEMS = LOG_EXEC | LOG_CPU, /* of every block that runs: nothing may be chained */
};

static uint64_t linear_address(const Cpu *cpu)
{
    uint64_t address = cpu->seg[CS].base + cpu->rip;

    return cpu->mode & MODE_CS64 ? address : (uint32_t)address;
}

/* ---- perf ---- */

static bool perf_map_open(EngineReport *report, GError **error)
{
    g_autofree char *name = g_strdup_printf("/tmp/perf-%d.map", (int)getpid());

    report->perf_map = fopen(name, "we");
    if (report->perf_map == NULL) {
        g_set_error(error, ENGINE_ERROR, ENGINE_ERROR_VALUE, "perfmap: %s: %s", name,
                    g_strerror(errno));
        return false;
    }
    setvbuf(report->perf_map, NULL, _IOLBF, 0); /* perf reads it whenever it likes */
    return true;
}

/* "k64 ffffffff81000000": rights and code size, guest address. */
static void perf_map_add(EngineReport *report, const Cpu *cpu, const Block *block)
{
    unsigned bits = cpu->mode & MODE_CS64 ? 64 : cpu->mode & MODE_CS32 ? 32 : 16;

    fprintf(report->perf_map, "%" PRIxPTR " %x %c%u_%" PRIx64 "\n",
            (uintptr_t)cpu->engine->rx + block->code, block->host_size,
            cpu_cpl(cpu) == 3 ? 'u' : 'k', bits, linear_address(cpu));
}

/* ---- Opening ---- */

bool engine_report_open(Engine *engine, GError **error)
{
    const EngineOptions *options = &engine->options;
    uint32_t items = options->log == NULL
                         ? 0
                         : log_items(options->log) & (BLOCK_ITEMS | RUN_ITEMS | LOG_INT);
    EngineReport *report;
    csh capstone;

    if (items == 0 && !options->perf_map) {
        return true;
    }
    report = g_new0(EngineReport, 1);
    engine->report = report;
    report->log = options->log;
    report->items = items;
    engine->traced = items & (RUN_ITEMS | LOG_INT);
    engine->unchained |= (items & RUN_ITEMS) != 0;
    if ((items & LOG_OUT_ASM) && cs_open(CS_ARCH_X86, CS_MODE_64, &capstone) == CS_ERR_OK) {
        report->capstone = capstone;
    }
    return !options->perf_map || perf_map_open(report, error);
}

void engine_report_close(Engine *engine)
{
    EngineReport *report = engine->report;

    if (report == NULL) {
        return;
    }
    if (report->capstone != 0) {
        csh capstone = report->capstone;

        cs_close(&capstone);
    }
    if (report->perf_map != NULL) {
        fclose(report->perf_map);
    }
    g_free(report);
}

/* ---- Blocks made ---- */

void engine_report_block(Cpu *cpu, const Block *block, const TranslateOutput *out,
                         const Insn *crossing)
{
    EngineReport *report = cpu->engine->report;
    GString *text;

    if (report->perf_map != NULL) {
        perf_map_add(report, cpu, block);
    }
    if (!(report->items & BLOCK_ITEMS) || !log_address(report->log, linear_address(cpu))) {
        return;
    }
    text = g_string_new(NULL);
    g_string_append_printf(text, "----------------\nblock %u at 0x%08" PRIx64 ", mode %06x\n",
                           block_number(cpu->engine, block), linear_address(cpu), block->mode);
    if (report->items & LOG_IN_ASM) {
        dump_guest(text, cpu, block, out, crossing);
    }
    if (report->items & LOG_OP_ANNOT) {
        dump_annotations(text, cpu, out);
    }
    if (report->items & LOG_OUT_ASM) {
        dump_host(text, cpu, block, out, report->capstone);
    }
    log_printf(report->log, BLOCK_ITEMS, "%s\n", text->str);
    g_string_free(text, TRUE);
}

/* ---- What runs ---- */

void engine_trace_run(Cpu *cpu)
{
    EngineReport *report = cpu->engine->report;

    if (report == NULL || !(report->items & RUN_ITEMS)) {
        return;
    }
    cpu_vector_park(cpu);
    if (!log_address(report->log, linear_address(cpu))) {
        return;
    }
    log_printf(report->log, LOG_EXEC, "exec %u: 0x%08" PRIx64 " mode %05x\n", cpu->index,
               linear_address(cpu), cpu->mode);
    trace_registers(cpu, report->log, LOG_CPU);
}

void engine_trace_fault(Cpu *cpu, uint64_t rip)
{
    cpu_vector_park(cpu);
    trace_exception(cpu, cpu->engine->report->log, rip);
}
