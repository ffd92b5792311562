/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dump.c - a translated block as text: guest code, annotations, host code. */
#include <capstone/capstone.h>
#include <inttypes.h>
#include <string.h>

#include "runtime/engine/engine_report.h"
#include "translator/insn_rows.h"

/* rip of the instruction at `page_offset`; the block begins at cpu->rip. */
static uint64_t insn_rip(const Cpu *cpu, const TranslateOutput *out, unsigned i)
{
    uint64_t rip = cpu->rip + out->insn_page_offset[i] - out->insn_page_offset[0];

    return cpu->mode & MODE_CS64 ? rip : (uint32_t)rip;
}

void dump_guest(GString *text, const Cpu *cpu, const Block *block, const TranslateOutput *out,
                const Insn *crossing)
{
    unsigned width = cpu->mode & MODE_CS64 ? 8 : cpu->mode & MODE_CS32 ? 4 : 2;

    g_string_append(text, "IN:\n");
    for (unsigned i = 0; i < out->insns; i++) {
        unsigned at = out->insn_page_offset[i];
        const Insn *insn = crossing;
        char line[160] = "(bad)";
        Insn decoded;

        if (insn == NULL) {
            insn_decode(&decoded, block->page + at, MIN(PAGE_SIZE - at, INSN_MAX_LENGTH), width);
            insn = &decoded;
        }
        insn_format(insn, insn_rip(cpu, out, i), line, sizeof(line));
        g_string_append_printf(text, "0x%08" PRIx64 ":  ", insn_rip(cpu, out, i));
        for (unsigned j = 0; j < insn->length; j++) {
            g_string_append_printf(text, "%02x", insn->bytes[j]);
        }
        g_string_append_printf(text, "%*s  %s\n", 2 * (8 - MIN((int)insn->length, 8)), "", line);
    }
}

static void append_flags(GString *text, unsigned flags)
{
    static const struct {
        uint16_t flag;
        char letter;
    } letters[] = { { FL_O, 'o' }, { FL_S, 's' }, { FL_Z, 'z' },
                    { FL_A, 'a' }, { FL_P, 'p' }, { FL_C, 'c' } };

    for (size_t i = 0; i < G_N_ELEMENTS(letters); i++) {
        g_string_append_c(text, flags & letters[i].flag ? letters[i].letter : '-');
    }
}

void dump_annotations(GString *text, const Cpu *cpu, const TranslateOutput *out)
{
    g_string_append(text, "ANNOTATIONS: flags live before each instruction\n");
    for (unsigned i = 0; i < out->insns; i++) {
        g_string_append_printf(text, "0x%08" PRIx64 ":  ", insn_rip(cpu, out, i));
        append_flags(text, out->note[i].live_in);
        if (out->note[i].group != 0) {
            g_string_append_printf(text, "  shares TLB check %u", out->note[i].group);
        }
        g_string_append(text, out->note[i].callout ? "  callout\n" : "\n");
    }
    for (unsigned i = 0; i < BLOCK_MAX_EXITS; i++) {
        if (out->exit[i].place != 0) {
            g_string_append_printf(text, "exit %u: to page offset 0x%03x%s\n", i,
                                   out->exit[i].target,
                                   out->exit[i].backward  ? ", backward"
                                   : out->exit[i].returns ? ", behind a call"
                                                          : "");
        }
    }
}

static void dump_site(GString *text, const uint8_t *at, size_t size)
{
    CallSite call;
    FillSite fill;
    FarSite far;
    Site site;

    if (size == sizeof(fill)) {
        memcpy(&fill, at, sizeof(fill));
        g_string_append_printf(text, "%20s.fill page offset 0x%03x, %u bytes\n", "",
                               fill.page_offset, fill.width);
    } else if (size == sizeof(call)) {
        memcpy(&call, at, sizeof(call));
        g_string_append_printf(text, "%20s.site page offset 0x%03x%s\n", "",
                               call.page_offset & (PAGE_SIZE - 1u),
                               call.page_offset & CALL_SITE_LAST ? ", last" : "");
    } else if (size == sizeof(far)) {
        memcpy(&far, at, sizeof(far));
        g_string_append_printf(text, "%20s.far exit %u to page offset 0x%x\n", "", far.site.exit,
                               (unsigned)far.target);
    } else {
        memcpy(&site, at, MIN(size, sizeof(site)));
        g_string_append_printf(text, "%20s.exit page offset 0x%03x\n", "", site.page_offset);
    }
}

/* Lines that say where in the block one is. */
static void dump_marks(GString *text, const Cpu *cpu, const TranslateOutput *out, size_t offset)
{
    if (offset == out->saved_entry) {
        g_string_append(text, "  saved entry\n");
    }
    if (offset == out->loop_entry) {
        g_string_append(text, "  loop entry\n");
    }
    if (offset == out->main_entry) {
        g_string_append(text, "  main entry\n");
    }
    for (unsigned i = 0; i < out->insns; i++) {
        if (out->insn_host[i] == offset) {
            g_string_append_printf(text, "  guest 0x%08" PRIx64 "\n", insn_rip(cpu, out, i));
        }
    }
    if (out->insn_host[out->insns] == offset) {
        g_string_append(text, "  exits and out-of-line parts\n");
    }
}

void dump_host(GString *text, const Cpu *cpu, const Block *block, const TranslateOutput *out,
               size_t capstone)
{
    const uint8_t *start = cpu->engine->rx + block->code;
    cs_insn *insn = capstone != 0 ? cs_malloc(capstone) : NULL;
    size_t offset = 0;

    g_string_append_printf(text, "OUT: %u bytes\n", block->host_size);
    while (insn != NULL && offset < block->host_size) {
        const uint8_t *at = start + offset;
        uint64_t address = (uintptr_t)at;
        size_t left = block->host_size - offset, site;

        dump_marks(text, cpu, out, offset);
        if (!cs_disasm_iter(capstone, &at, &left, &address, insn)) {
            g_string_append_printf(text, "0x%012" PRIx64 ":  .byte 0x%02x\n", address, *at);
            offset++;
            continue;
        }
        g_string_append_printf(text, "0x%012" PRIx64 ":  %s %s\n", insn->address, insn->mnemonic,
                               insn->op_str);
        offset += insn->size;
        site = translate_site_size(insn->bytes);
        if (site != 0 && block->host_size - offset >= site) {
            dump_site(text, start + offset, site);
            offset += site;
        }
    }
    if (insn != NULL) {
        cs_free(insn, 1);
    }
}
