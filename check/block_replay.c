/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block_replay.c - the guest has page tables of our own, which map what the file knows at its
 * linear address; a page that the block misses is mapped as zeros, and the block begins again.
 * There is no IDT: whatever the block raises at its end shuts the CPU down where it is. */
#include "check/block_replay.h"
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <stdio.h>
#include <string.h>
#include "check/check.h"
#include "check/subject.h"
#include "runtime/cpu/cpu_state.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "softmmu/mmu.h"
#include "translator/insn.h"

enum { RAM = 8 << 20, ROOT = 2 << 20, LOW_END = ROOT, MAX_PAGES = 256, HLT = 0xf4 };
static const uint64_t NO_FAULT = 0x0badbadbadbadbad;

typedef struct BlockFile {
    JsonParser *parser;
    JsonObject *root, *before;
    GByteArray *code;
    uint32_t mode;
    uint64_t linear; /* of the code */
} BlockFile;

typedef struct BlockRun {
    Subject *subject;
    uint64_t free;     /* guest physical memory that is not in use */
    GHashTable *pages; /* linear page -> guest physical page */
} BlockRun;

/* ---- The file ---- */

static const char *text_of(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : "";
}

static uint64_t number_of(JsonObject *object, const char *name)
{
    return g_ascii_strtoull(text_of(object, name), NULL, 16);
}

static GByteArray *bytes_of(JsonObject *object, const char *name)
{
    GByteArray *bytes = g_byte_array_new();
    const char *text = text_of(object, name);

    for (; g_ascii_isxdigit(text[0]) && g_ascii_isxdigit(text[1]); text += 2) {
        uint8_t byte = (uint8_t)(g_ascii_xdigit_value(text[0]) << 4 |
                                 g_ascii_xdigit_value(text[1]));

        g_byte_array_append(bytes, &byte, 1);
    }
    return bytes;
}

static JsonObject *object_of(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

bool block_replay_knows(const char *path)
{
    FILE *file = fopen(path, "r");
    int first = file != NULL ? fgetc(file) : EOF;

    if (file != NULL) {
        fclose(file);
    }
    return first == '{';
}

static void file_close(BlockFile *file)
{
    g_clear_object(&file->parser);
    g_clear_pointer(&file->code, g_byte_array_unref);
}

static bool file_open(BlockFile *file, const char *path, GError **error)
{
    JsonNode *root;
    JsonObject *cs;

    *file = (BlockFile){ .parser = json_parser_new() };
    if (!json_parser_load_from_file(file->parser, path, error)) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    root = json_parser_get_root(file->parser);
    file->root = root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
    file->before = file->root != NULL ? object_of(file->root, "before") : NULL;
    cs = file->before != NULL ? object_of(file->root, "cs") : NULL;
    if (cs != NULL) {
        file->code = bytes_of(file->root, "code");
        file->mode = (uint32_t)number_of(file->root, "mode");
        file->linear = number_of(file->before, "rip") +
                       (file->mode & MODE_CS64 ? 0 : number_of(cs, "base"));
    }
    if (cs == NULL || file->code->len == 0 ||
        (file->linear & (PAGE_SIZE - 1)) + file->code->len > PAGE_SIZE) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: not a saved difference", path);
        return false;
    }
    return true;
}

/* ---- Memory ---- */

static uint64_t page_take(BlockRun *run)
{
    uint64_t page = run->free;

    run->free += PAGE_SIZE;
    return page;
}

/* Four levels of 512 entries in long mode, else two of 1024; without paging nothing. */
static void tables_map(BlockRun *run, uint32_t mode, uint64_t linear, uint64_t gpa)
{
    unsigned levels = mode & MODE_LMA ? 4 : 2, bits = mode & MODE_LMA ? 9 : 10;
    unsigned width = mode & MODE_LMA ? 8 : 4;
    uint64_t flags = 0x63 | ((mode & MODE_CPL) == MODE_CPL ? 4 : 0), table = ROOT;

    for (unsigned level = levels; level-- > 0;) {
        unsigned index = (unsigned)(linear >> (PAGE_SHIFT + level * bits)) & ((1u << bits) - 1);
        uint8_t *entry = run->subject->ram + table + index * width;
        uint64_t value = 0;

        memcpy(&value, entry, width);
        if (level == 0 || value == 0) {
            value = (level == 0 ? gpa : page_take(run)) | flags;
            memcpy(entry, &value, width);
        }
        table = value & ~(uint64_t)(PAGE_SIZE - 1);
    }
}

/* The page's bytes; NULL: there are too many, or it cannot be. */
static uint8_t *page_at(BlockRun *run, uint32_t mode, uint64_t linear)
{
    uint64_t page = linear & ~(uint64_t)(PAGE_SIZE - 1), gpa;
    void *known = g_hash_table_lookup(run->pages, &page);

    if (known != NULL) {
        return known;
    }
    if (!(mode & MODE_PE)) {
        return page < LOW_END ? run->subject->ram + page : NULL;
    }
    if (g_hash_table_size(run->pages) >= MAX_PAGES) {
        return NULL;
    }
    gpa = page_take(run);
    tables_map(run, mode, page, gpa);
    g_hash_table_insert(run->pages, g_memdup2(&page, sizeof(page)), run->subject->ram + gpa);
    return run->subject->ram + gpa;
}

static bool memory_put(BlockRun *run, uint32_t mode, uint64_t linear, const uint8_t *bytes,
                       unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t *page = page_at(run, mode, linear + i);

        if (page == NULL) {
            return false;
        }
        page[(linear + i) & (PAGE_SIZE - 1)] = bytes[i];
    }
    return true;
}

typedef bool (*WriteFn)(BlockRun *run, const BlockFile *file, uint64_t linear, GByteArray *before);

static bool write_put(BlockRun *run, const BlockFile *file, uint64_t linear, GByteArray *before)
{
    return memory_put(run, file->mode, linear, before->data, before->len);
}

/* Each run of bytes that the block wrote. */
static bool writes_each(BlockRun *run, const BlockFile *file, WriteFn visit)
{
    JsonNode *node = json_object_get_member(file->root, "memory");
    JsonArray *list = node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node)
                                                                  : NULL;
    bool ok = true;

    for (guint i = 0; list != NULL && ok && i < json_array_get_length(list); i++) {
        JsonNode *element = json_array_get_element(list, i);

        if (JSON_NODE_HOLDS_OBJECT(element)) {
            JsonObject *write = json_node_get_object(element);
            GByteArray *before = bytes_of(write, "before");

            ok = visit(run, file, number_of(write, "linear"), before);
            g_byte_array_unref(before);
        }
    }
    return ok;
}

/* The code's page is HLT around the code. */
static bool memory_set(BlockRun *run, const BlockFile *file)
{
    uint8_t *page = page_at(run, file->mode, file->linear);

    if (page == NULL) {
        return false;
    }
    memset(page, HLT, PAGE_SIZE);
    memcpy(page + (file->linear & (PAGE_SIZE - 1)), file->code->data, file->code->len);
    return writes_each(run, file, write_put);
}

/* ---- Registers ---- */

static void system_set(Cpu *cpu, const BlockFile *file)
{
    const uint64_t cr4_out = 1u << 17 | 1u << 22 | 1u << 12 | 1u << 7; /* PCIDE, PKE, LA57, PGE */

    cpu->cr0 = number_of(file->root, "cr0") | (file->mode & MODE_PE ? CR0_PG : 0);
    cpu->cr4 = (number_of(file->root, "cr4") & ~cr4_out) | CR4_OSFXSR | CR4_OSXSAVE;
    cpu->cr4 = file->mode & MODE_LMA ? cpu->cr4 | CR4_PAE : cpu->cr4 & ~(uint64_t)CR4_PAE;
    cpu->efer = number_of(file->root, "efer");
    cpu->cr3 = ROOT;
    cpu->cr2 = NO_FAULT;
    cpu->idtr = cpu->gdtr = (TableRegister){ 0, 0 };
    for (unsigned i = 0; i < SEGMENTS; i++) {
        JsonObject *segment = object_of(file->root, cpu_segment_names[i]);

        if (segment != NULL) {
            cpu->seg[i] = (Segment){ number_of(segment, "base"),
                                     (uint32_t)number_of(segment, "limit"),
                                     (uint16_t)number_of(segment, "selector"),
                                     (uint16_t)number_of(segment, "attr") };
        }
    }
}

static void registers_set(Cpu *cpu, const BlockFile *file)
{
    GByteArray *xsave = bytes_of(file->before, "xsave");

    for (unsigned i = 0; i < 16; i++) {
        cpu->gpr[i] = number_of(file->before, cpu_gpr_names[i]);
    }
    cpu->rip = number_of(file->before, "rip");
    cpu->rflags = number_of(file->before, "rflags") | FLAG_1;
    if (xsave->len == sizeof(cpu->xsave)) {
        memcpy(cpu->xsave, xsave->data, sizeof(cpu->xsave));
    }
    g_byte_array_unref(xsave);
}

/* ---- Running ---- */

static bool run_once(BlockRun *run, const BlockFile *file)
{
    Cpu *cpu = run->subject->cpu;

    subject_reset(run->subject);
    if (!memory_set(run, file)) {
        return false;
    }
    system_set(cpu, file);
    registers_set(cpu, file);
    cpu_mode_update(cpu);
    mmu_mode_changed(cpu);
    mmu_flush_all(cpu);
    if (subject_run(run->subject)) {
        cpu->rip--; /* of the HLT */
    }
    return true;
}

/* A page that is fetched from is not mapped: the block has been left. */
static bool run_block(BlockRun *run, const BlockFile *file, GError **error)
{
    Cpu *cpu = run->subject->cpu;
    bool ok, again;

    do {
        uint64_t code;

        ok = run_once(run, file);
        code = cpu->rip + (cpu->mode & MODE_CS64 ? 0 : cpu->seg[CS].base);
        again = ok && cpu->cr2 != NO_FAULT && cpu->cr2 - code > INSN_MAX_LENGTH;
        if (again) {
            for (unsigned i = 0; i < PAGE_SIZE * 2; i += PAGE_SIZE) {
                again = ok = ok && page_at(run, file->mode, cpu->cr2 + i) != NULL;
            }
        }
    } while (again && run->free < RAM - MAX_PAGES * PAGE_SIZE);
    if (!ok) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_HOST, "the block reaches too many pages");
    }
    return ok;
}

static bool run_new(BlockRun *run, Executor executor, GError **error)
{
    *run = (BlockRun){ .free = ROOT + PAGE_SIZE };
    run->subject = subject_new(executor, RAM, error);
    run->pages = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    return run->subject != NULL;
}

static void run_free(BlockRun *run)
{
    g_clear_pointer(&run->subject, subject_free);
    g_clear_pointer(&run->pages, g_hash_table_unref);
}

/* ---- Comparing ---- */

static bool compare(GString *text, const char *name, uint64_t expected, uint64_t actual)
{
    if (expected != actual) {
        g_string_append_printf(text,
                               "  %-8s interpreted %016" PRIx64 "  translated %016" PRIx64 "\n",
                               name, expected, actual);
    }
    return expected == actual;
}

static bool compare_pages(GString *text, BlockRun run[EXECUTORS])
{
    GHashTableIter iter;
    gpointer key, bytes;
    bool same = true;

    g_hash_table_iter_init(&iter, run[INTERPRETED].pages);
    while (g_hash_table_iter_next(&iter, &key, &bytes)) {
        const uint8_t *a = bytes, *b = g_hash_table_lookup(run[TRANSLATED].pages, key);

        for (unsigned i = 0; b != NULL && i < PAGE_SIZE; i++) {
            if (a[i] != b[i]) {
                g_string_append_printf(text,
                                       "  memory %016" PRIx64 "  interpreted %02x"
                                       "  translated %02x\n",
                                       *(uint64_t *)key + i, a[i], b[i]);
                same = false;
            }
        }
    }
    return same;
}

static unsigned code_width(const BlockFile *file)
{
    return file->mode & MODE_CS64 ? 8 : file->mode & MODE_CS32 ? 4 : 2;
}

static bool compare_runs(GString *text, BlockRun run[EXECUTORS])
{
    const Cpu *a = run[INTERPRETED].subject->cpu, *b = run[TRANSLATED].subject->cpu;
    bool same = true;

    for (unsigned i = 0; i < 16; i++) {
        same &= compare(text, cpu_gpr_names[i], a->gpr[i], b->gpr[i]);
    }
    same &= compare(text, "rip", a->rip, b->rip);
    same &= compare(text, "rflags", a->rflags, b->rflags);
    same &= compare(text, "cr2", a->cr2, b->cr2);
    for (unsigned i = 32; i < 416; i += 8) {
        char name[16];
        uint64_t x, y;

        memcpy(&x, a->xsave + i, 8);
        memcpy(&y, b->xsave + i, 8);
        snprintf(name, sizeof(name), "xsave+%x", i);
        same &= compare(text, name, x, y);
    }
    return compare_pages(text, run) && same;
}

static void print_code(const BlockFile *file)
{
    uint64_t rip = number_of(file->before, "rip");
    Insn insn;

    for (unsigned at = 0; at < file->code->len; at += insn.length) {
        char line[160];

        if (insn_decode(&insn, file->code->data + at, file->code->len - at, code_width(file)) !=
            INSN_OK) {
            break;
        }
        insn_format(&insn, rip + at, line, sizeof(line));
        printf("  %08" PRIx64 "  %s\n", rip + at, line);
    }
}

static void print_end(const BlockFile *file, const Cpu *cpu)
{
    JsonObject *expected = object_of(file->root, "expected");

    if (expected != NULL && !json_object_has_member(expected, "exception")) {
        bool same = cpu->rip == number_of(expected, "rip");

        for (unsigned i = 0; i < 16; i++) {
            same &= cpu->gpr[i] == number_of(expected, cpu_gpr_names[i]);
        }
        printf("The software CPU %s as in the file.\n",
               same ? "ends" : "does not end (memory that the block only reads is zero here)");
    }
}

int block_replay(const char *path, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    BlockRun run[EXECUTORS] = { 0 };
    BlockFile file;
    bool ok = file_open(&file, path, error);
    int status = CHECK_FAILED;

    for (unsigned e = 0; ok && e < EXECUTORS; e++) {
        ok = run_new(&run[e], e, error) && run_block(&run[e], &file, error);
    }
    if (ok) {
        status = compare_runs(text, run) ? CHECK_AGREES : CHECK_DIFFERS;
        print_code(&file);
        print_end(&file, run[INTERPRETED].subject->cpu);
        printf("%s", status == CHECK_AGREES ? "no difference\n" : text->str);
    }
    for (unsigned e = 0; e < EXECUTORS; e++) {
        if (run[e].subject != NULL) {
            run_free(&run[e]);
        }
    }
    file_close(&file);
    return status;
}
