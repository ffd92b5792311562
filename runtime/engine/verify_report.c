/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify_report.c - a difference as text and as a file: the block, both states, what they wrote,
 * the host code. Ordinary code: the vector state is parked. */
#include <capstone/capstone.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cpu/cpu_state.h"
#include "runtime/engine/verify_int.h"
#include "softmmu/mmu.h"

static unsigned code_width(const Block *block)
{
    return block->mode & MODE_CS64 ? 8 : block->mode & MODE_CS32 ? 4 : 2;
}

/* ---- Disassembly ---- */

static bool capstone_open(unsigned width, csh *handle)
{
    cs_mode mode = width == 8 ? CS_MODE_64 : width == 4 ? CS_MODE_32 : CS_MODE_16;

    return cs_open(CS_ARCH_X86, mode, handle) == CS_ERR_OK;
}

static void append_capstone(GString *text, const Insn *insn, uint64_t rip)
{
    cs_insn *found;
    csh handle;

    if (!capstone_open(insn->code_width, &handle)) {
        return;
    }
    if (cs_disasm(handle, insn->bytes, insn->length, rip, 1, &found) == 1) {
        g_string_append_printf(text, "%s %s", found->mnemonic, found->op_str);
        cs_free(found, 1);
    }
    cs_close(&handle);
}

/* Guest code at rip; what is in the next page is read through the page tables. */
static bool insn_read(Cpu *cpu, const Block *block, unsigned at, uint64_t rip, Insn *insn)
{
    uint64_t linear = rip + (block->mode & MODE_CS64 ? 0 : cpu->seg[CS].base), gpa;
    unsigned left = (unsigned)PAGE_SIZE - at;
    uint8_t bytes[INSN_MAX_LENGTH];

    memcpy(bytes, block->page + at, MIN(left, sizeof(bytes)));
    if (left < sizeof(bytes) && mmu_translate_debug(cpu, linear + left, &gpa)) {
        phys_map_read(soft_mmu_map(cpu->mmu), gpa, bytes + left, sizeof(bytes) - left);
    }
    return insn_decode(insn, bytes, sizeof(bytes), code_width(block)) == INSN_OK;
}

/* The block as both disassemblers see it: Zydis, then Capstone. */
static void append_guest(GString *text, Cpu *cpu, const Block *block, uint64_t rip)
{
    unsigned at = block->page_offset, end = at + block->guest_size;
    Insn insn;

    while (at < end && insn_read(cpu, block, at, rip, &insn)) {
        char line[160], bytes[2 * INSN_MAX_LENGTH + 1];

        for (unsigned i = 0; i < insn.length; i++) {
            snprintf(bytes + 2 * i, 3, "%02x", insn.bytes[i]);
        }
        insn_format(&insn, rip, line, sizeof(line));
        g_string_append_printf(text, "  0x%08" PRIx64 ":  %-22s %-40s | ", rip, bytes, line);
        append_capstone(text, &insn, rip);
        g_string_append_c(text, '\n');
        at += insn.length;
        rip += insn.length;
    }
}

static void append_host(GString *text, const Engine *engine, const Block *block)
{
    const uint8_t *at = engine->rx + block->code;
    size_t left = block->host_size, site;
    uint64_t address = 0;
    cs_insn *insn;
    csh handle;

    if (!capstone_open(8, &handle)) {
        return;
    }
    insn = cs_malloc(handle);
    while (left > 0) {
        if (address == block->main_entry) {
            g_string_append(text, "  main entry\n");
        }
        if (!cs_disasm_iter(handle, &at, &left, &address, insn)) {
            g_string_append_printf(text, "  %04" PRIx64 ":  .byte 0x%02x\n", address, *at);
            at++, left--, address++;
            continue;
        }
        g_string_append_printf(text, "  %04" PRIx64 ":  %s %s\n", insn->address, insn->mnemonic,
                               insn->op_str);
        site = MIN(translate_site_size(insn->bytes), left);
        at += site, left -= site, address += site;
    }
    cs_free(insn, 1);
    cs_close(&handle);
}

/* ---- States ---- */

static void append_flags(GString *text, uint64_t flags)
{
    static const struct {
        uint32_t flag;
        char letter;
    } letters[] = { { FLAG_OF, 'O' }, { FLAG_SF, 'S' }, { FLAG_ZF, 'Z' }, { FLAG_AF, 'A' },
                    { FLAG_PF, 'P' }, { FLAG_CF, 'C' }, { FLAG_DF, 'D' }, { FLAG_IF, 'I' } };

    for (size_t i = 0; i < G_N_ELEMENTS(letters); i++) {
        g_string_append_c(text, flags & letters[i].flag ? letters[i].letter : '-');
    }
}

/* name: before, software CPU, translated; marked if the last two differ. */
static void append_row(GString *text, const char *name, uint64_t before, uint64_t expected,
                       uint64_t actual)
{
    g_string_append_printf(text, "%c %-6s %016" PRIx64 " %016" PRIx64 " %016" PRIx64 "\n",
                           expected == actual ? ' ' : '*', name, before, expected, actual);
}

static void append_fault(GString *text, const char *who, const VerifyState *state)
{
    if (state->faulted) {
        g_string_append_printf(text, "  %s: exception %u, error code %x, address %016" PRIx64 "\n",
                               who, state->fault.vector, state->fault.error, state->fault.address);
    }
}

static void append_states(GString *text, const Verify *verify, uint64_t flags)
{
    const VerifyState *before = &verify->before, *expected = &verify->expected,
                      *actual = &verify->actual;

    g_string_append_printf(text, "  %-6s %-16s %-16s %s\n", "", "before", "software CPU",
                           "translated");
    for (unsigned i = 0; i < 16; i++) {
        append_row(text, cpu_gpr_names[i], before->gpr[i], expected->gpr[i], actual->gpr[i]);
    }
    append_row(text, "rip", before->rip, expected->rip, actual->rip);
    append_row(text, "rflags", before->rflags, expected->rflags, actual->rflags);
    append_row(text, "mode", before->mode, expected->mode, actual->mode);
    g_string_append(text, "  flags compared: ");
    append_flags(text, flags | (FLAG_DF | FLAG_IF));
    g_string_append(text, "; software CPU ");
    append_flags(text, expected->rflags);
    g_string_append(text, ", translated ");
    append_flags(text, actual->rflags);
    g_string_append_c(text, '\n');
    for (unsigned i = 0; expected->segments && i < VERIFY_SYSTEM_WORDS; i++) {
        if (expected->system[i] != actual->system[i]) {
            const CpuField *field = cpu_field_at(VERIFY_FIRST_SYSTEM + i * 8);

            append_row(text, field != NULL ? field->name : "?", before->system[i],
                       expected->system[i], actual->system[i]);
        }
    }
    append_fault(text, "software CPU", expected);
    append_fault(text, "translated", actual);
}

static void append_vector(GString *text, const Verify *verify)
{
    if (!verify->expected.vector) {
        return;
    }
    for (unsigned i = 0; i < XSAVE_SIZE; i += 8) {
        uint64_t before, expected, actual;
        char name[24];

        memcpy(&before, verify->before.xsave + i, 8);
        memcpy(&expected, verify->expected.xsave + i, 8);
        memcpy(&actual, verify->actual.xsave + i, 8);
        if (expected != actual) {
            snprintf(name, sizeof(name), "xsave+%x", i);
            append_row(text, name, before, expected, actual);
        }
    }
}

static void append_bytes(GString *text, const uint8_t *bytes, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        g_string_append_printf(text, "%02x", bytes[i]);
    }
}

static void append_memory(GString *text, const Verify *verify)
{
    for (unsigned i = 0; i < verify->n_writes; i++) {
        const VerifyWrite *write = &verify->write[i];
        unsigned first = 0, shown;

        while (first < write->size &&
               verify->expected_bytes[write->at + first] == write->host[first]) {
            first++;
        }
        if (first == write->size) {
            continue;
        }
        shown = MIN(write->size - first, 16u);
        g_string_append_printf(text, "* memory %016" PRIx64 ": ", write->linear + first);
        append_bytes(text, verify->old + write->at + first, shown);
        g_string_append_c(text, ' ');
        append_bytes(text, verify->expected_bytes + write->at + first, shown);
        g_string_append_c(text, ' ');
        append_bytes(text, write->host + first, shown);
        g_string_append_c(text, '\n');
    }
}

/* ---- The file ---- */

static void json_state(GString *text, const char *name, const VerifyState *state)
{
    g_string_append_printf(text,
                           "  \"%s\": { \"rip\": \"%" PRIx64 "\", \"rflags\": \"%" PRIx64 "\"",
                           name, state->rip, state->rflags);
    for (unsigned i = 0; i < 16; i++) {
        g_string_append_printf(text, ", \"%s\": \"%" PRIx64 "\"", cpu_gpr_names[i], state->gpr[i]);
    }
    if (state->faulted) {
        g_string_append_printf(text,
                               ", \"exception\": %u, \"error\": %u, \"address\": \"%" PRIx64 "\"",
                               state->fault.vector, state->fault.error, state->fault.address);
    }
    if (state->vector) {
        g_string_append(text, ", \"xsave\": \"");
        append_bytes(text, state->xsave, XSAVE_SIZE);
        g_string_append_c(text, '"');
    }
    g_string_append(text, " },\n");
}

/* All that the block wrote or may have written, before and behind it. */
static void json_memory(GString *text, const Verify *verify)
{
    g_string_append(text, "  \"memory\": [");
    for (unsigned i = 0; i < verify->n_writes; i++) {
        const VerifyWrite *write = &verify->write[i];

        g_string_append_printf(text, "%s\n    { \"linear\": \"%" PRIx64 "\", \"before\": \"",
                               i == 0 ? "" : ",", write->linear);
        append_bytes(text, verify->old + write->at, write->size);
        g_string_append(text, "\", \"expected\": \"");
        append_bytes(text, verify->expected_bytes + write->at, write->size);
        g_string_append(text, "\", \"actual\": \"");
        append_bytes(text, write->host, write->size);
        g_string_append(text, "\" }");
    }
    g_string_append(text, " ],\n");
}

static void json_system(GString *text, const Cpu *cpu)
{
    g_string_append_printf(text,
                           "  \"cr0\": \"%" PRIx64 "\", \"cr3\": \"%" PRIx64
                           "\", \"cr4\": \"%" PRIx64 "\", \"efer\": \"%" PRIx64 "\",\n",
                           cpu->cr0, cpu->cr3, cpu->cr4, cpu->efer);
    for (unsigned i = 0; i < SEGMENTS; i++) {
        const Segment *segment = &cpu->seg[i];

        g_string_append_printf(text,
                               "  \"%s\": { \"base\": \"%" PRIx64 "\", \"limit\": \"%x\", "
                               "\"selector\": \"%x\", \"attr\": \"%x\" },\n",
                               cpu_segment_names[i], segment->base, segment->limit,
                               segment->selector, segment->attr);
    }
}

/* Numbers and bytes in hexadecimal; `code` is the guest's, `host` the translation. */
static char *replay_write(const Cpu *cpu, const Block *block)
{
    const Verify *verify = cpu->engine->verify;
    char *name = g_strdup_printf("doppel-verify-%d-%" G_GUINT64_FORMAT ".json", (int)getpid(),
                                 cpu->engine->stats.verify_failed);
    unsigned size = MIN(block->guest_size, (unsigned)PAGE_SIZE - block->page_offset);
    GString *text = g_string_new("{\n");

    g_string_append_printf(text, "  \"mode\": \"%x\", \"page_offset\": %u, \"insns\": %u,\n",
                           block->mode, block->page_offset, block->insns);
    g_string_append(text, "  \"code\": \"");
    append_bytes(text, block->page + block->page_offset, size);
    g_string_append(text, "\",\n");
    json_system(text, cpu);
    json_state(text, "before", &verify->before);
    json_state(text, "expected", &verify->expected);
    json_state(text, "actual", &verify->actual);
    json_memory(text, verify);
    g_string_append(text, "  \"host\": \"");
    append_bytes(text, cpu->engine->rx + block->code, block->host_size);
    g_string_append(text, "\"\n}\n");
    if (!g_file_set_contents(name, text->str, (gssize)text->len, NULL)) {
        g_clear_pointer(&name, g_free);
    }
    g_string_free(text, TRUE);
    return name;
}

void verify_report(Cpu *cpu, const Block *block, uint64_t flags)
{
    const Verify *verify = cpu->engine->verify;
    g_autofree char *file = replay_write(cpu, block);
    GString *text = g_string_new(NULL);

    g_string_append_printf(text,
                           "doppel: verify: the translation of block %u at 0x%08" PRIx64
                           ", mode %06x, differs from the software CPU\n",
                           block_number(cpu->engine, block), verify->before.rip, block->mode);
    append_guest(text, cpu, block, verify->before.rip);
    append_states(text, verify, flags);
    append_vector(text, verify);
    append_memory(text, verify);
    g_string_append(text, "  host code:\n");
    append_host(text, cpu->engine, block);
    g_string_append_printf(text, "doppel: verify: written to %s\n",
                           file != NULL ? file : "no file");
    fputs(text->str, stderr);
    g_string_free(text, TRUE);
}
