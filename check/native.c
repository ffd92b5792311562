/* SPDX-License-Identifier: GPL-2.0-or-later */
/* native.c - batches of random tests, compared. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "check/host.h"
#include "check/check.h"
#include "check/generate.h"
#include "check/native_compare.h"
#include "check/native_run.h"
#include "check/subject.h"
#include "translator/insn.h"

enum { SHOWN = 64, HOST_TRIES = 20 };

typedef struct NativeCommand {
    /* options */
    char *isa_name, *filter, *seed_text, *save;
    gint64 count;
    double seconds;
    gboolean json;
    /* state */
    Isa isa;
    uint64_t seed;
    NativeRig *rig;
    Generator *generator;
    NativeImage image;
    NativeTest test[NATIVE_BATCH];
    NativeStart start[NATIVE_BATCH];
    NativeEnd host[NATIVE_BATCH];
    gint64 tests, lost, unrepeated, differing, excused, around, unsteady;
    double elapsed;
    GHashTable *shown; /* culprits whose difference has been described */
    GPtrArray *reports;
} NativeCommand;

/* ---- Differences ---- */

/* Has a difference of one of the test's instructions been described? Minimising takes long. */
static bool is_shown(const NativeCommand *command, unsigned i, Executor executor)
{
    const NativeTest *test = &command->test[i];
    Insn insn;

    for (unsigned at = 0; at < test->length; at += insn.length) {
        g_autofree char *culprit = NULL;

        if (insn_decode(&insn, test->code + at, test->length - at, isa_code_width(command->isa)) !=
            INSN_OK) {
            return false;
        }
        culprit = g_strdup_printf("%s %s", executor_name(executor), insn_name(&insn));
        if (g_hash_table_contains(command->shown, culprit)) {
            return true;
        }
    }
    return false;
}

static bool difference_report(NativeCommand *command, unsigned i, Executor executor, GError **error)
{
    NativeDifference *d = g_new0(NativeDifference, 1);
    g_autofree char *culprit = NULL;
    bool done = true;

    *d = (NativeDifference){ command->isa, executor, command->test[i], command->image };
    command->differing++;
    if (g_hash_table_size(command->shown) >= SHOWN || is_shown(command, i, executor)) {
        g_free(d);
        return true;
    }
    if (!native_minimise(command->rig, d, error)) {
        command->unrepeated++;
        done = *error == NULL;
    } else {
        culprit = g_strdup_printf("%s %s", executor_name(executor), native_culprit(d));
        if (g_hash_table_add(command->shown, g_strdup(culprit))) {
            GString *text = g_string_new(NULL);

            native_describe(command->rig, d, text);
            if (command->save != NULL) {
                g_autofree char *path = g_strdup_printf("%s.%u", command->save,
                                                        command->reports->len);

                done = native_save(d, path, error);
                g_string_append_printf(text, "  saved as %s\n", path);
            }
            g_ptr_array_add(command->reports, g_string_free(text, FALSE));
        }
    }
    g_free(d);
    return done;
}

/* ---- Batches ---- */

static void batch_make(NativeCommand *command, unsigned n)
{
    Random random = { command->seed ^ ((uint64_t)command->tests << 20) };

    generate_image(&random, &command->image);
    for (unsigned i = 0; i < n; i++) {
        generate_test(command->generator, random_next(&random), i, &command->test[i]);
        command->start[i] = command->test[i].start;
        native_rig_place(command->rig, &command->test[i]);
    }
}

/* Bit by executor for every test that differs. */
static void batch_compare(NativeCommand *command, unsigned n, uint8_t *differ)
{
    for (unsigned e = command->rig->host != NULL ? 0 : TRANSLATED; e < EXECUTORS; e++) {
        for (unsigned i = 0; i < n; i++) {
            NativeEnd end;

            if (command->host[i].vector == NATIVE_LOST) {
                command->lost += e == TRANSLATED;
                continue;
            }
            native_guest_run(command->rig->guest[e], &command->start[i], &end);
            if (native_compare(command->isa, &command->host[i], &end, NULL)) {
                continue;
            }
            if (native_excuse(command->isa, &command->test[i], &command->host[i], &end) != NULL) {
                command->excused++;
            } else {
                differ[i] |= (uint8_t)(1u << e);
            }
        }
    }
}

/* Does the host itself end the test in another way when it is run again? Seen in virtual machines,
 * whose hypervisor has a hand in exceptions. */
static bool host_unsteady(NativeCommand *command, unsigned i)
{
    NativeEnd end;

    for (unsigned tries = 0; command->rig->host != NULL && tries < HOST_TRIES; tries++) {
        if (!native_rig_reference(command->rig, &command->image, &command->start[i], &end, 1,
                                  NULL)) {
            return false;
        }
        if (!native_compare(command->isa, &command->host[i], &end, NULL)) {
            return true;
        }
    }
    return false;
}

static bool batch_run(NativeCommand *command, unsigned n, GError **error)
{
    uint8_t differ[NATIVE_BATCH] = { 0 };

    batch_make(command, n);
    native_rig_prepare(command->rig, &command->image);
    if (!native_rig_reference(command->rig, &command->image, command->start, command->host, n,
                              error)) {
        return false;
    }
    batch_compare(command, n, differ);
    for (unsigned i = 0; i < n; i++) {
        if (differ[i] != 0 &&
            native_rig_reaches_around(command->rig, &command->image, &command->test[i])) {
            command->around++;
            continue;
        }
        if (differ[i] != 0 && host_unsteady(command, i)) {
            command->unsteady++;
            continue;
        }
        for (unsigned e = 0; e < EXECUTORS; e++) {
            if ((differ[i] & (1u << e)) && !difference_report(command, i, e, error)) {
                return false;
            }
        }
    }
    command->tests += n;
    return true;
}

static bool run_all(NativeCommand *command, GError **error)
{
    gint64 begin = g_get_monotonic_time();

    for (;;) {
        gint64 left = command->count > 0 ? command->count - command->tests : NATIVE_BATCH;
        double done;

        command->elapsed = (double)(g_get_monotonic_time() - begin) / 1e6;
        done = command->count > 0 ? (double)command->tests / (double)command->count
                                  : command->elapsed / command->seconds;
        if (left <= 0 || (command->seconds > 0 && command->elapsed >= command->seconds)) {
            return true;
        }
        check_progress(command->differing != 0 ? "differences were found" : "no difference", done);
        if (!batch_run(command, (unsigned)MIN(left, NATIVE_BATCH), error)) {
            return false;
        }
    }
}

/* ---- The report ---- */

static gint64 comparisons(const NativeCommand *command)
{
    return command->tests * (command->rig->host != NULL ? EXECUTORS : 1);
}

static void print_text(const NativeCommand *command)
{
    g_autofree char *host = host_cpu_text();

    printf("Host: %s\n", host);
    if (command->rig->host == NULL) {
        printf("This host's processes cannot run %s-bit code (%s): the software CPU stands in for "
               "the host.\n",
               command->isa_name, command->rig->refusal);
    }
    for (unsigned i = 0; i < command->reports->len; i++) {
        printf("%s\n", (const char *)g_ptr_array_index(command->reports, i));
    }
    printf("%s-bit code, seed %" PRIu64 ", %u mnemonics: %" PRId64 " tests, %" PRId64
           " comparisons in %.1f s (%.0f a second), %" PRId64 " differences\n",
           command->isa_name, command->seed, generator_mnemonics(command->generator),
           command->tests, comparisons(command), command->elapsed,
           (double)comparisons(command) / command->elapsed, command->differing);
    if (command->excused != 0) {
        printf("%" PRId64 " differ where the manuals leave it to the CPU\n", command->excused);
    }
    if (command->around != 0) {
        printf("%" PRId64 " reach what lies around their code and were not compared\n",
               command->around);
    }
    if (command->unsteady != 0) {
        printf("%" PRId64 " ended in more than one way on the host itself\n", command->unsteady);
    }
    if (command->lost != 0) {
        printf("%" PRId64 " tests did not end and were not compared\n", command->lost);
    }
    if (command->unrepeated != 0) {
        printf("%" PRId64 " differences did not show again alone\n", command->unrepeated);
    }
}

static void print_json(const NativeCommand *command)
{
    g_autofree char *cpu = host_cpu_text();

    printf("{\"host\":\"%s\",\"isa\":%s,\"native\":%s,\"seed\":%" PRIu64
           ",\"mnemonics\":%u,\"tests\":%" PRId64 ",\"comparisons\":%" PRId64
           ",\"seconds\":%.3f,\"excused\":%" PRId64 ",\"around\":%" PRId64 ",\"unsteady\":%" PRId64
           ",\"lost\":%" PRId64 ",\"unrepeated\":%" PRId64 ",\"differing\":%" PRId64
           ",\"differences\":[",
           cpu, command->isa_name, command->rig->host != NULL ? "true" : "false", command->seed,
           generator_mnemonics(command->generator), command->tests, comparisons(command),
           command->elapsed, command->excused, command->around, command->unsteady, command->lost,
           command->unrepeated, command->differing);
    for (unsigned i = 0; i < command->reports->len; i++) {
        g_autofree char *text = g_strescape(g_ptr_array_index(command->reports, i), NULL);

        printf("%s\"%s\"", i != 0 ? "," : "", text);
    }
    printf("]}\n");
}

/* ---- Command line ---- */

static bool options_check(NativeCommand *command, GError **error)
{
    if (command->isa_name == NULL) {
        command->isa_name = g_strdup("64");
    }
    if (!native_isa_find(command->isa_name, &command->isa)) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE, "--isa is 64, 32 or 16");
        return false;
    }
    command->seed = command->seed_text != NULL ? g_ascii_strtoull(command->seed_text, NULL, 0)
                                               : (uint64_t)g_get_real_time();
    if (command->count <= 0 && command->seconds <= 0) {
        command->seconds = 10;
    }
    return true;
}

static int command_run(NativeCommand *command, GError **error)
{
    int status = CHECK_FAILED;

    subject_signals_install();
    command->rig = native_rig_new(command->isa, error);
    if (command->rig == NULL) {
        return status;
    }
    command->generator = generator_new(command->isa, command->filter,
                                       native_guest_cpu(command->rig->guest[INTERPRETED]), error);
    if (command->generator != NULL) {
        if (run_all(command, error)) {
            check_progress_end();
            (command->json ? print_json : print_text)(command);
            status = command->differing == 0 ? CHECK_AGREES : CHECK_DIFFERS;
        }
        generator_free(command->generator);
    }
    native_rig_free(command->rig);
    return status;
}

int native_command(int argc, char **argv, GError **error)
{
    NativeCommand *command = g_new0(NativeCommand, 1);
    const GOptionEntry entries[] = {
        { "isa", 0, 0, G_OPTION_ARG_STRING, &command->isa_name, "64 (default), 32 or 16", "BITS" },
        { "seed", 0, 0, G_OPTION_ARG_STRING, &command->seed_text, "default: the time", "N" },
        { "count", 0, 0, G_OPTION_ARG_INT64, &command->count, "tests", "N" },
        { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &command->seconds, "default: 10", "S" },
        { "filter", 0, 0, G_OPTION_ARG_STRING, &command->filter, "this mnemonic only", "NAME" },
        { "save", 0, 0, G_OPTION_ARG_FILENAME, &command->save,
          "differences go to PREFIX.0, PREFIX.1, ...", "PREFIX" },
        { "json", 0, 0, G_OPTION_ARG_NONE, &command->json, "print one JSON object", NULL },
        { .long_name = NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    int status = CHECK_FAILED;

    g_option_context_add_main_entries(context, entries, NULL);
    command->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    command->reports = g_ptr_array_new_with_free_func(g_free);
    if (g_option_context_parse(context, &argc, &argv, error) && options_check(command, error)) {
        status = command_run(command, error);
    }
    g_hash_table_unref(command->shown);
    g_ptr_array_unref(command->reports);
    g_free(command->isa_name);
    g_free(command->filter);
    g_free(command->seed_text);
    g_free(command->save);
    g_free(command);
    return status;
}
