/* SPDX-License-Identifier: GPL-2.0-or-later */
/* smp.c - doppel-check smp: litmus tests, natively and translated. An outcome that TSO forbids is a
 * failure; one that is allowed, and was seen natively but not translated, is listed. */
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "check/smp_run.h"
#include "check/subject.h"

enum { REPETITIONS = 1000, RARE = 20 /* native sightings below which none is missed */ };

typedef struct SmpCommand {
    /* options */
    char *filter, *seed_text;
    gint64 count;
    double seconds;
    int repetitions;
    gboolean brief;
    /* state */
    uint64_t seed;
    GRand *chance;
    SmpRig *rig;
    gint64 tests, runs;
    unsigned forbidden, crashed, missed;
} SmpCommand;

static bool command_fail(GError **error, const char *text, const char *value)
{
    g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE, "'%s': %s", value, text);
    return false;
}

static bool options_read(SmpCommand *command, int argc, char **argv, GError **error)
{
    const GOptionEntry entries[] = {
        { "count", 'n', 0, G_OPTION_ARG_INT64, &command->count,
          "so many tests made by chance, behind those with a name (20)", "N" },
        { "seconds", 't', 0, G_OPTION_ARG_DOUBLE, &command->seconds,
          "go on for so long, from the start again", "S" },
        { "seed", 's', 0, G_OPTION_ARG_STRING, &command->seed_text, "of what is drawn", "N" },
        { "filter", 'f', 0, G_OPTION_ARG_STRING, &command->filter,
          "only tests whose name has this in it", "TEXT" },
        { "repetitions", 'r', 0, G_OPTION_ARG_INT, &command->repetitions,
          "of a test in a run (1000)", "N" },
        { "brief", 'b', 0, G_OPTION_ARG_NONE, &command->brief, "only what is wrong", NULL },
        { NULL }
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(context, "Litmus tests on several CPUs, natively and translated.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, error)) {
        return false;
    }
    if (argc > 1) {
        return command_fail(error, "there are only options", argv[1]);
    }
    command->seed = (uint64_t)g_get_real_time();
    if (command->seed_text != NULL &&
        !g_ascii_string_to_unsigned(command->seed_text, 10, 0, UINT64_MAX, &command->seed, NULL)) {
        return command_fail(error, "no number", command->seed_text);
    }
    if (command->count < 0 || command->repetitions < 1) {
        return command_fail(error, "negative", "count");
    }
    return true;
}

/* ---- One test ---- */

static void outcome_print(const SmpTest *test, const char *what, const char *where,
                          SmpOutcome outcome, uint64_t count)
{
    g_autofree char *program = smp_test_text(test), *text = smp_outcome_text(test, outcome);

    printf("%s %s (%s): %s, %" G_GUINT64_FORMAT " times: %s\n", what,
           test->name != NULL ? test->name : "by chance", program, where, count, text);
}

static void forbidden_check(SmpCommand *command, const SmpTest *test, GHashTable *allowed,
                            GHashTable *seen, SmpWhere where)
{
    GHashTableIter iter;
    gpointer outcome, count;

    g_hash_table_iter_init(&iter, seen);
    while (g_hash_table_iter_next(&iter, &outcome, &count)) {
        if (!g_hash_table_contains(allowed, outcome)) {
            outcome_print(test, "FORBIDDEN", smp_where_names[where], *(SmpOutcome *)outcome,
                          *(uint64_t *)count);
            command->forbidden++;
        }
    }
}

static void missed_check(SmpCommand *command, const SmpTest *test, GHashTable *const *seen)
{
    GHashTableIter iter;
    gpointer key, count;

    g_hash_table_iter_init(&iter, seen[SMP_NATIVE]);
    while (g_hash_table_iter_next(&iter, &key, &count)) {
        SmpOutcome outcome = *(SmpOutcome *)key;

        if (*(uint64_t *)count >= RARE && smp_outcomes_count(seen[SMP_KERNEL], outcome) == 0 &&
            smp_outcomes_count(seen[SMP_USER], outcome) == 0) {
            command->missed++;
            if (!command->brief) {
                outcome_print(test, "not translated", "native", outcome, *(uint64_t *)count);
            }
        }
    }
}

static void test_run(SmpCommand *command, const SmpTest *test)
{
    GHashTable *allowed = smp_test_allowed(test), *seen[SMP_WHERES];
    g_autofree char *program = smp_test_text(test);

    for (unsigned where = 0; where < SMP_WHERES; where++) {
        seen[where] = smp_outcomes_new();
        command->runs++;
        if (!smp_rig_run(command->rig, (SmpWhere)where, test, g_rand_int(command->chance),
                         seen[where])) {
            printf("CRASHED %s (%s): %s\n", test->name != NULL ? test->name : "by chance", program,
                   smp_where_names[where]);
            command->crashed++;
        }
        forbidden_check(command, test, allowed, seen[where], (SmpWhere)where);
    }
    missed_check(command, test, seen);
    if (!command->brief) {
        printf("%-18s %2u allowed, seen: native %u, kernel %u, user %u   %s\n",
               test->name != NULL ? test->name : "", g_hash_table_size(allowed),
               g_hash_table_size(seen[SMP_NATIVE]), g_hash_table_size(seen[SMP_KERNEL]),
               g_hash_table_size(seen[SMP_USER]), program);
    }
    for (unsigned where = 0; where < SMP_WHERES; where++) {
        g_hash_table_unref(seen[where]);
    }
    g_hash_table_unref(allowed);
    command->tests++;
}

/* ---- All ---- */

static void tests_run(SmpCommand *command, double end)
{
    unsigned first = g_rand_int(command->chance) % smp_tests_named;
    SmpTest test;

    for (unsigned n = 0; n < smp_tests_named; n++) {
        smp_test_named(&test, first + n);
        if (command->filter == NULL || strstr(test.name, command->filter) != NULL) {
            smp_test_vary(&test, command->chance);
            check_progress(test.name, (double)n / smp_tests_named);
            test_run(command, &test);
        }
        if (end != 0 && g_get_monotonic_time() > end) {
            return;
        }
    }
    for (gint64 n = 0; command->filter == NULL && n < command->count; n++) {
        smp_test_random(&test, command->chance);
        check_progress("by chance", (double)n / (double)command->count);
        test_run(command, &test);
        if (end != 0 && g_get_monotonic_time() > end) {
            return;
        }
    }
}

static int command_run(SmpCommand *command, GError **error)
{
    double end = command->seconds != 0
                     ? (double)g_get_monotonic_time() + command->seconds * G_TIME_SPAN_SECOND
                     : 0;

    command->rig = smp_rig_new((unsigned)command->repetitions, error);
    if (command->rig == NULL) {
        return CHECK_FAILED;
    }
    command->chance = g_rand_new_with_seed((guint32)command->seed);
    do {
        tests_run(command, end);
    } while (command->tests != 0 && g_get_monotonic_time() < end);
    check_progress_end();
    printf("seed %" G_GUINT64_FORMAT ": %" G_GINT64_FORMAT " tests, %" G_GINT64_FORMAT
           " runs of %d: %u forbidden outcomes, %u crashes; %u outcomes are native alone\n",
           command->seed, command->tests, command->runs, command->repetitions, command->forbidden,
           command->crashed, command->missed);
    g_rand_free(command->chance);
    smp_rig_free(command->rig);
    return command->forbidden + command->crashed != 0 ? CHECK_DIFFERS : CHECK_AGREES;
}

int smp_command(int argc, char **argv, GError **error)
{
    SmpCommand command = { .count = 20, .repetitions = REPETITIONS };
    int status = CHECK_FAILED;

    if (options_read(&command, argc, argv, error)) {
        subject_signals_install();
        status = command_run(&command, error);
    }
    g_free(command.filter);
    g_free(command.seed_text);
    return status;
}
