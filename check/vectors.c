/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vectors.c - runs tests captured from real chips, interpreted and translated, in real mode.
 *
 * A test runs from CS:IP to the HLT behind its instruction.  Sets whose tests are single
 * instructions without one get it here, where the chip was when the test ended.  All registers, the
 * defined flags and all of RAM are compared. */
#include <stdio.h>
#include <string.h>
#include "check/check.h"
#include "check/subject.h"
#include "check/vector_difference.h"
#include "check/vector_file.h"
#include "runtime/software_cpu/software_cpu_int.h"

enum {
    RAM = 0x110000,
    HLT = 0xf4,
    SHOWN = 20,
    LANDING_CS = 0xf000, /* where exceptions go that the chip has not raised: a HLT for each */
    LANDING_IP = 0xff00,
    LANDING = (LANDING_CS << 4) + LANDING_IP,
};

typedef struct Vectors {
    Subject *subject[EXECUTORS];
    uint8_t *expected; /* RAM; all zero between tests */
    uint8_t *listed;   /* which bytes of RAM the test names */
    VectorMetadata *metadata;
    unsigned passed, failed, revoked, differing;
    unsigned *by_row; /* tests that a row of the table explains */
    GString *failures;
    bool json;
} Vectors;

/* What a test should end in. */
typedef struct Expectation {
    VectorState state; /* all registers present; no RAM: see Vectors.expected */
    uint32_t flags_mask;
    bool planted; /* the HLT is ours */
} Expectation;

/* ---- Before ---- */

static void expect(const Vectors *vectors, const VectorFile *file, const VectorTest *test,
                   Expectation *ex)
{
    ex->state = test->initial;
    for (unsigned i = 0; i < VECTOR_REGS; i++) {
        if (test->final.present & (1u << i)) {
            ex->state.reg[i] = test->final.reg[i];
        }
    }
    ex->flags_mask = vector_metadata_flags(vectors->metadata, file->form);
    ex->planted = test->n_bytes == 0 || test->bytes[test->n_bytes - 1] != HLT;
    if (ex->planted) {
        ex->state.reg[VECTOR_REG_IP] = (ex->state.reg[VECTOR_REG_IP] + 1) & 0xffff;
    }
}

/* RAM bytes of a test, or zeros in their place. */
static void ram_put(Vectors *vectors, const VectorState *state, bool clear, bool subjects)
{
    for (unsigned i = 0; i < state->n_ram; i++) {
        uint8_t value = clear ? 0 : state->ram[i].value;
        uint32_t address = state->ram[i].address;

        if (address < RAM) {
            vectors->expected[address] = value;
            vectors->listed[address] = !clear;
            for (unsigned e = 0; subjects && e < EXECUTORS; e++) {
                phys_map_write(vectors->subject[e]->map, address, &value, 1);
            }
        }
    }
}

static void state_load(Subject *subject, const VectorState *state)
{
    static const uint8_t segments[] = {
        [ES] = VECTOR_REG_ES, [CS] = VECTOR_REG_CS, [SS] = VECTOR_REG_SS,
        [DS] = VECTOR_REG_DS, [FS] = VECTOR_REG_FS, [GS] = VECTOR_REG_GS
    };
    Cpu *cpu = subject->cpu;

    for (unsigned i = 0; i < 8; i++) {
        cpu->gpr[i] = state->reg[i];
    }
    cpu->rip = state->reg[VECTOR_REG_IP];
    cpu->rflags = (state->reg[VECTOR_REG_FLAGS] & VECTOR_FLAGS) | FLAG_1;
    for (unsigned i = 0; i <= GS; i++) {
        uint16_t selector = (uint16_t)state->reg[segments[i]];

        cpu->seg[i].selector = selector;
        cpu->seg[i].base = (uint32_t)selector << 4;
    }
    cpu_mode_update(cpu);
}

/* Bytes that are no part of the test: for all subjects, or taken away again. */
static void plant(Vectors *vectors, uint32_t at, const uint8_t *bytes, unsigned n)
{
    memcpy(vectors->expected + at, bytes, n);
    for (unsigned e = 0; e < EXECUTORS; e++) {
        phys_map_write(vectors->subject[e]->map, at, bytes, n);
    }
}

/* The exceptions that instructions raise come to a HLT each, unless the test has vectors of them.
 */
static void landings_plant(Vectors *vectors)
{
    static const uint8_t raised[] = { VECTOR_DE, VECTOR_BR, VECTOR_UD, VECTOR_NM,
                                      VECTOR_DF, VECTOR_SS, VECTOR_GP };
    static const uint8_t hlt = HLT;

    for (size_t i = 0; i < sizeof(raised); i++) {
        const uint16_t entry[2] = { (uint16_t)(LANDING_IP + raised[i]), LANDING_CS };
        uint32_t at = raised[i] * 4u;

        if (memcmp(vectors->listed + at, "\0\0\0\0", 4) == 0 &&
            vectors->listed[LANDING + raised[i]] == 0) {
            plant(vectors, at, (const uint8_t *)entry, sizeof(entry));
            plant(vectors, LANDING + raised[i], &hlt, 1);
        }
    }
}

/* The vector whose landing the subject is in, -1: none. */
static int landed(const Subject *subject)
{
    uint64_t ip = subject->cpu->rip - 1 - LANDING_IP;

    return subject->cpu->seg[CS].selector == LANDING_CS && ip < 32 ? (int)ip : -1;
}

static void hlt_plant(Vectors *vectors, const Expectation *ex)
{
    const uint8_t hlt = HLT;
    uint32_t at = (ex->state.reg[VECTOR_REG_CS] << 4) +
                  ((ex->state.reg[VECTOR_REG_IP] - 1) & 0xffff);

    plant(vectors, at, &hlt, 1);
}

/* ---- After ---- */

static uint32_t register_of(const Cpu *cpu, VectorReg reg)
{
    static const SegmentName segments[] = { ES, CS, SS, DS, FS, GS };

    if (reg < VECTOR_REG_IP) {
        return (uint32_t)cpu->gpr[reg];
    }
    if (reg == VECTOR_REG_IP) {
        return (uint32_t)cpu->rip;
    }
    if (reg == VECTOR_REG_FLAGS) {
        return (uint32_t)cpu->rflags;
    }
    return cpu->seg[segments[reg - VECTOR_REG_ES]].selector;
}

static void compare_registers(const VectorTest *test, const Expectation *ex, const Cpu *cpu,
                              VectorDifference *d)
{
    for (unsigned i = 0; i < VECTOR_REGS; i++) {
        uint32_t mask = i == VECTOR_REG_FLAGS ? ex->flags_mask & 0xffff : UINT32_MAX;
        uint32_t got = register_of(cpu, i), expected = ex->state.reg[i];

        if ((test->initial.present & (1u << i)) && ((got ^ expected) & mask) != 0) {
            d->registers |= 1u << i;
            if (i == VECTOR_REG_FLAGS) {
                d->flags = (got ^ expected) & mask;
            }
            g_string_append_printf(d->text, " %s %04x, chip %04x;", vector_reg_name(i), got,
                                   expected);
        }
    }
}

/* Flags that an exception pushed have undefined bits too. They lie above CS and IP; the set's own
 * flag_address is one too low where the stack is odd. */
static unsigned pushed_flags_byte(const VectorTest *test, const Expectation *ex, uint32_t address)
{
    for (unsigned i = 0; test->exception >= 0 && i < 2; i++) {
        uint16_t offset = (uint16_t)(ex->state.reg[RSP] + 4 + i);

        if (address == (ex->state.reg[VECTOR_REG_SS] << 4) + offset) {
            return i;
        }
    }
    return 2;
}

static uint8_t ram_mask(const VectorTest *test, const Expectation *ex, uint32_t address)
{
    unsigned byte = pushed_flags_byte(test, ex, address);

    return byte < 2 ? (uint8_t)(ex->flags_mask >> byte * 8) : 0xff;
}

static void compare_ram(const Vectors *vectors, const VectorTest *test, const Expectation *ex,
                        const Subject *subject, VectorDifference *d)
{
    if (memcmp(vectors->expected, subject->ram, RAM) == 0) {
        return;
    }
    for (uint32_t i = 0; i < RAM; i++) {
        uint8_t got = subject->ram[i], expected = vectors->expected[i];

        if (((got ^ expected) & ram_mask(test, ex, i)) != 0) {
            if (d->n_ram++ < 8) {
                g_string_append_printf(d->text, " [%05x] %02x, chip %02x;", i, got, expected);
            }
        }
    }
}

/* Brings RAM back to zero wherever the subject wrote. */
static void ram_clear(Subject *subject)
{
    static const uint8_t zero[PAGE_SIZE];

    for (uint32_t page = 0; page < RAM; page += PAGE_SIZE) {
        if (memcmp(subject->ram + page, zero, PAGE_SIZE) != 0) {
            phys_map_write(subject->map, page, zero, PAGE_SIZE);
        }
    }
}

/* ---- One test ---- */

static void report_failure(Vectors *vectors, const VectorFile *file, const VectorTest *test,
                           Executor executor, const VectorDifference *d)
{
    if (vectors->failed >= SHOWN && !vectors->json) {
        return;
    }
    g_string_append_printf(vectors->failures, "%s #%u %s:", file->form, test->index,
                           executor_name(executor));
    for (unsigned i = 0; i < test->n_bytes; i++) {
        g_string_append_printf(vectors->failures, " %02x", test->bytes[i]);
    }
    g_string_append_printf(vectors->failures, " (%s):%s", test->name != NULL ? test->name : "",
                           d->text->str);
    if (d->raised >= 0) {
        g_string_append_printf(vectors->failures, " vector %d was raised", d->raised);
    }
    g_string_append_c(vectors->failures, '\n');
}

/* The row of the table that explains the difference, -1: none, or there is no difference: d. */
static int run_one(Vectors *vectors, const VectorFile *file, const VectorTest *test,
                   const Expectation *ex, Executor executor, VectorDifference *d)
{
    Subject *subject = vectors->subject[executor];

    *d = (VectorDifference){ .text = d->text, .exception = test->exception };
    g_string_truncate(d->text, 0);
    state_load(subject, &test->initial);
    if (!subject_run(subject)) {
        d->hung = true;
        g_string_append(d->text, " did not end;");
        subject_reset(subject);
    }
    d->raised = landed(subject);
    d->ip = subject->cpu->rip;
    compare_registers(test, ex, subject->cpu, d);
    compare_ram(vectors, test, ex, subject, d);
    return vector_difference_row(d, file->form, test, &ex->state);
}

static void run_test(Vectors *vectors, const VectorFile *file, const VectorTest *test,
                     VectorDifference *d)
{
    bool failed = false;
    int row = -1;
    Expectation ex;

    expect(vectors, file, test, &ex);
    ram_put(vectors, &test->initial, false, true);
    ram_put(vectors, &test->final, false, false);
    landings_plant(vectors);
    if (ex.planted) {
        hlt_plant(vectors, &ex);
    }
    for (unsigned e = 0; e < EXECUTORS; e++) {
        int explained = run_one(vectors, file, test, &ex, e, d);

        if (vector_difference_any(d) && explained < 0) {
            report_failure(vectors, file, test, e, d);
            failed = true;
        }
        row = MAX(row, explained);
        ram_clear(vectors->subject[e]);
    }
    if (failed) {
        vectors->failed++;
    } else if (row >= 0) {
        vectors->differing++;
        vectors->by_row[row]++;
    } else {
        vectors->passed++;
    }
    ram_put(vectors, &test->initial, true, false);
    ram_put(vectors, &test->final, true, false);
    memset(vectors->expected, 0, 32 * 4);
    memset(vectors->expected + LANDING, 0, 32);
    if (ex.planted) {
        memset(vectors->expected, 0, RAM);
    }
}

static void run_file(Vectors *vectors, const VectorFile *file)
{
    VectorDifference d = { .text = g_string_new(NULL) };

    for (unsigned i = 0; i < file->n; i++) {
        if (vector_metadata_revoked(vectors->metadata, &file->test[i])) {
            vectors->revoked++;
        } else {
            run_test(vectors, file, &file->test[i], &d);
        }
    }
    g_string_free(d.text, TRUE);
}

/* ---- All of them ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GPtrArray *files_list(const char *directory, const char *filter, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, error);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        if ((g_str_has_suffix(name, ".json") || g_str_has_suffix(name, ".json.gz")) &&
            strcmp(name, "metadata.json") != 0 &&
            (filter == NULL || g_pattern_match_simple(filter, name) ||
             (g_str_has_prefix(name, filter) && name[strlen(filter)] == '.'))) {
            g_ptr_array_add(names, g_build_filename(directory, name, NULL));
        }
    }
    g_ptr_array_sort(names, compare_names);
    if (dir != NULL && names->len == 0) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: no tests", directory);
    }
    return names;
}

static bool run_files(Vectors *vectors, const GPtrArray *names, GError **error)
{
    for (unsigned i = 0; i < names->len; i++) {
        const char *path = g_ptr_array_index(names, i);
        VectorFile *file = vector_file_read(path, error);

        if (file == NULL) {
            return false;
        }
        check_progress(file->form, (double)i / names->len);
        run_file(vectors, file);
        vector_file_free(file);
    }
    check_progress_end();
    return true;
}

static void print_text(const Vectors *vectors)
{
    printf("%s", vectors->failures->str);
    for (unsigned i = 0; i < vector_difference_rows(); i++) {
        if (vectors->by_row[i] != 0) {
            printf("%6u differ: %s\n", vectors->by_row[i], vector_difference_reason(i));
        }
    }
    printf("%u passed, %u differing by the table, %u failed, %u revoked\n", vectors->passed,
           vectors->differing, vectors->failed, vectors->revoked);
}

static void print_json(const Vectors *vectors)
{
    g_autofree char *failures = g_strescape(vectors->failures->str, NULL);
    const char *comma = "";

    printf("{\"passed\":%u,\"failed\":%u,\"revoked\":%u,\"differing\":{", vectors->passed,
           vectors->failed, vectors->revoked);
    for (unsigned i = 0; i < vector_difference_rows(); i++) {
        if (vectors->by_row[i] != 0) {
            printf("%s\"%s\":%u", comma, vector_difference_reason(i), vectors->by_row[i]);
            comma = ",";
        }
    }
    printf("},\"failures\":\"%s\"}\n", failures);
}

static bool vectors_run(Vectors *vectors, const char *directory, const char *filter, GError **error)
{
    g_autoptr(GPtrArray) names = NULL;
    bool done = true;

    vectors->metadata = vector_metadata_read(directory, error);
    if (vectors->metadata == NULL) {
        return false;
    }
    for (unsigned e = 0; e < EXECUTORS && done; e++) {
        vectors->subject[e] = subject_new(e, RAM, error);
        done = vectors->subject[e] != NULL;
    }
    names = files_list(directory, filter, done ? error : NULL);
    done = done && names->len != 0 && run_files(vectors, names, error);
    for (unsigned e = 0; e < EXECUTORS; e++) {
        g_clear_pointer(&vectors->subject[e], subject_free);
    }
    vector_metadata_free(vectors->metadata);
    return done;
}

int vectors_command(int argc, char **argv, GError **error)
{
    g_autofree char *filter = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        { "filter", 0, 0, G_OPTION_ARG_STRING, &filter, "only these forms, such as 80.3 or 'F*'",
          "FORM" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &json, "print one JSON object", NULL },
        { .long_name = NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new("DIR");
    Vectors vectors = { 0 };
    int status = CHECK_FAILED;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, error)) {
        return CHECK_FAILED;
    }
    if (argc != 2) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE, "one directory is expected");
        return CHECK_FAILED;
    }
    vectors.json = json;
    vectors.expected = g_malloc0(RAM);
    vectors.listed = g_malloc0(RAM);
    vectors.by_row = g_new0(unsigned, vector_difference_rows());
    vectors.failures = g_string_new(NULL);
    subject_signals_install();
    if (vectors_run(&vectors, argv[1], filter, error)) {
        (json ? print_json : print_text)(&vectors);
        status = vectors.failed == 0 ? CHECK_AGREES : CHECK_DIFFERS;
    }
    g_string_free(vectors.failures, TRUE);
    g_free(vectors.by_row);
    g_free(vectors.listed);
    g_free(vectors.expected);
    return status;
}
