/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system.c - random privileged programs, interpreted and translated. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "check/check.h"
#include "check/system_peer.h"

/* ---- One program ---- */

static bool differs(void *opaque, const SystemProgram *program)
{
    SystemCommand *command = opaque;

    system_program_build(program, command->test);
    system_guest_run(command->guest[INTERPRETED], command->test->memory);
    if (command->guest[INTERPRETED]->end == SYSTEM_ENDLESS) {
        return false;
    }
    system_guest_run(command->guest[TRANSLATED], command->test->memory);
    return !command->guest[TRANSLATED]->excused &&
           !system_compare(command->guest[INTERPRETED], command->guest[TRANSLATED], NULL);
}

/* The first words of what differs: a program whose difference begins alike is not shown again. */
static char *difference_kind(const SystemProgram *program, const char *text)
{
    const char *end = strpbrk(text, "0123456789");

    return g_strdup_printf("%s %.*s", system_row_name(program->step[program->n_steps - 1].row),
                           (int)MIN(end != NULL ? end - text : 20, 20), text);
}

/* To the next file, if any are wanted. */
static bool test_save(SystemCommand *command, GString *text, GError **error)
{
    g_autofree char *path = NULL;

    if (command->save == NULL) {
        return true;
    }
    path = g_strdup_printf("%s.%u", command->save, command->saved++);
    g_string_append_printf(text, "  saved as %s\n", path);
    return system_save(command->test, path, error);
}

/* What the guests hold now, after the test that was built last. */
static void difference_describe(const SystemCommand *command, const char *what, GString *text)
{
    system_describe(command->test, text);
    system_describe_log(command->guest[INTERPRETED]->subject->ram, text);
    g_string_append(text, what);
}

static bool difference_report(SystemCommand *command, const SystemProgram *found, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL), what = g_string_new(NULL);
    g_autoptr(GString) first = g_string_new("after the tests before it only, ");
    SystemProgram program = *found;
    bool done;

    command->differing++;
    if (command->reports->len >= SYSTEM_SHOWN) {
        return true;
    }
    system_compare(command->guest[INTERPRETED], command->guest[TRANSLATED], what);
    difference_describe(command, what->str, first);
    system_minimise(&program, differs, command);
    if (!differs(command, &program)) {
        command->unrepeated++;
        g_ptr_array_add(command->reports, g_string_free(g_steal_pointer(&first), FALSE));
        return true;
    }
    g_string_truncate(what, 0);
    system_compare(command->guest[INTERPRETED], command->guest[TRANSLATED], what);
    if (!g_hash_table_add(command->shown, difference_kind(&program, what->str))) {
        return true;
    }
    difference_describe(command, what->str, text);
    done = test_save(command, text, error);
    g_ptr_array_add(command->reports, g_string_free(g_steal_pointer(&text), FALSE));
    return done;
}

/* What the software CPU made of the test that was built last. */
static bool test_show(SystemCommand *command, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    bool done;

    system_describe(command->test, text);
    system_describe_log(command->guest[INTERPRETED]->subject->ram, text);
    g_string_append_printf(text, "  %s\n", system_end_name(command->guest[INTERPRETED]->end));
    done = test_save(command, text, error);
    puts(text->str);
    return done;
}

static bool program_check(SystemCommand *command, const SystemProgram *program, GError **error)
{
    bool differing = differs(command, program);

    command->tests++;
    command->excused += command->guest[TRANSLATED]->excused;
    if (command->show && !test_show(command, error)) {
        return false;
    }
    switch (command->guest[INTERPRETED]->end) {
    case SYSTEM_ENDLESS:
        command->endless++;
        return true;
    case SYSTEM_SHUTDOWN:
        command->shutdowns++;
        break;
    default:
        command->finished += system_guest_finished(command->guest[INTERPRETED]);
        break;
    }
    return !differing || difference_report(command, program, error);
}

/* What is raised at all boundaries of a program; 0: nothing. */
static uint8_t sweep_events(uint64_t seed)
{
    static const uint8_t events[16] = {
        SYS_EVENT_INTR,
        SYS_EVENT_INTR,
        SYS_EVENT_NMI,
        SYS_EVENT_NMI,
        SYS_EVENT_NMI | SYS_EVENT_INTR,
        SYS_EVENT_BLOCK | SYS_EVENT_NMI,
        SYS_EVENT_SMI,
        SYS_EVENT_BLOCK | SYS_EVENT_NMI | SYS_EVENT_INTR,
    };

    return events[seed % G_N_ELEMENTS(events)];
}

/* The program as it is, and every other one with events before each of its instructions in turn. */
static bool seed_check(SystemCommand *command, uint64_t seed, GError **error)
{
    SystemProgram program;
    unsigned n;

    system_program_draw(seed, command->modes, command->filter, &program);
    if (!program_check(command, &program, error)) {
        return false;
    }
    n = command->test->n_insns;
    program.raise = sweep_events(seed);
    for (unsigned i = 0; program.raise != 0 && i < n && !system_command_over(command); i++) {
        program.raise_at = (uint8_t)i;
        if (!program_check(command, &program, error)) {
            return false;
        }
    }
    return true;
}

/* ---- All of them ---- */

bool system_command_over(SystemCommand *command)
{
    double done;

    command->elapsed = (double)(g_get_monotonic_time() - command->begin) / 1e6;
    done = command->count > 0 ? (double)command->tests / (double)command->count
                              : command->elapsed / command->seconds;
    if ((command->count > 0 && command->tests >= command->count) ||
        (command->seconds > 0 && command->elapsed >= command->seconds)) {
        return true;
    }
    check_progress(command->differing != 0 ? "differences were found" : "no difference", done);
    return false;
}

static bool run_all(SystemCommand *command, GError **error)
{
    Random random = { command->seed };

    while (!system_command_over(command)) {
        if (!seed_check(command, random_next(&random), error)) {
            return false;
        }
    }
    return true;
}

static void print_text(const SystemCommand *command)
{
    for (unsigned i = 0; i < command->reports->len; i++) {
        printf("%s\n", (const char *)g_ptr_array_index(command->reports, i));
    }
    printf("privileged code, seed %" PRIu64 ", %u kinds of steps: %" PRId64
           " tests in %.1f s (%.0f a second), %" PRId64 " differences\n",
           command->seed, system_rows(), command->tests, command->elapsed,
           (double)command->tests / command->elapsed, command->differing);
    printf("%" PRId64 " came to their end, %" PRId64 " shut down, %" PRId64
           " halted on the way, %" PRId64 " did not end and were not compared\n",
           command->finished, command->shutdowns,
           command->tests - command->finished - command->shutdowns - command->endless,
           command->endless);
    if (command->excused != 0) {
        printf("%" PRId64 " stored the address of an x87 instruction and were not compared\n",
               command->excused);
    }
    if (command->unrepeated != 0) {
        printf("%" PRId64 " differences did not show again alone\n", command->unrepeated);
    }
}

static void print_json(const SystemCommand *command)
{
    printf("{\"seed\":%" PRIu64 ",\"rows\":%u,\"tests\":%" PRId64
           ",\"seconds\":%.3f,\"finished\":%" PRId64 ",\"shutdowns\":%" PRId64
           ",\"endless\":%" PRId64 ",\"excused\":%" PRId64 ",\"unrepeated\":%" PRId64
           ",\"differing\":%" PRId64 ",\"differences\":[",
           command->seed, system_rows(), command->tests, command->elapsed, command->finished,
           command->shutdowns, command->endless, command->excused, command->unrepeated,
           command->differing);
    for (unsigned i = 0; i < command->reports->len; i++) {
        g_autofree char *text = g_strescape(g_ptr_array_index(command->reports, i), NULL);

        printf("%s\"%s\"", i != 0 ? "," : "", text);
    }
    printf("]}\n");
}

/* ---- Command line ---- */

static bool modes_check(SystemCommand *command, GError **error)
{
    g_auto(GStrv)
        names = g_strsplit(command->mode_names != NULL ? command->mode_names : "all", ",", -1);
    SystemMode mode;

    for (unsigned i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], "all") == 0) {
            memset(command->modes, true, sizeof(command->modes));
        } else if (system_mode_find(names[i], &mode)) {
            command->modes[mode] = true;
        } else {
            g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE,
                        "--mode is all, or of real, vm86, protected16, protected32, compat, long");
            return false;
        }
    }
    return true;
}

static bool options_check(SystemCommand *command, GError **error)
{
    char *end = NULL;

    command->seed = command->seed_text != NULL ? g_ascii_strtoull(command->seed_text, &end, 0)
                                               : (uint64_t)g_get_real_time();
    if (end != NULL && (*end != '\0' || end == command->seed_text)) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE, "--seed %s is not a number",
                    command->seed_text);
        return false;
    }
    if (command->filter != NULL && !system_filter_known(command->filter)) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE, "--filter %s: no such steps",
                    command->filter);
        return false;
    }
    if (command->peer != NULL && strcmp(command->peer, "qemu") != 0) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE, "--peer is qemu");
        return false;
    }
    if (command->count <= 0 && command->seconds <= 0) {
        command->seconds = 10;
    }
    return modes_check(command, error);
}

static int command_run(SystemCommand *command, GError **error)
{
    int status = CHECK_FAILED;

    subject_signals_install();
    for (unsigned e = 0; e < EXECUTORS; e++) {
        command->guest[e] = system_guest_new(e, error);
        if (command->guest[e] == NULL) {
            return status;
        }
    }
    command->begin = g_get_monotonic_time();
    if (command->peer != NULL) {
        return system_peer_check(command, error);
    }
    if (run_all(command, error)) {
        check_progress_end();
        (command->json ? print_json : print_text)(command);
        status = command->differing == 0 ? CHECK_AGREES : CHECK_DIFFERS;
    }
    return status;
}

static void command_free(SystemCommand *command)
{
    for (unsigned e = 0; e < EXECUTORS; e++) {
        g_clear_pointer(&command->guest[e], system_guest_free);
    }
    g_hash_table_unref(command->shown);
    g_ptr_array_unref(command->reports);
    g_free(command->test);
    g_free(command->mode_names);
    g_free(command->filter);
    g_free(command->seed_text);
    g_free(command->save);
    g_free(command->peer);
    g_free(command);
}

int system_command(int argc, char **argv, GError **error)
{
    SystemCommand *command = g_new0(SystemCommand, 1);
    const GOptionEntry entries[] = {
        { "mode", 0, 0, G_OPTION_ARG_STRING, &command->mode_names,
          "all (default), or of real, vm86, protected16, protected32, compat, long", "NAME,..." },
        { "seed", 0, 0, G_OPTION_ARG_STRING, &command->seed_text, "default: the time", "N" },
        { "count", 0, 0, G_OPTION_ARG_INT64, &command->count, "tests", "N" },
        { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &command->seconds, "default: 10", "S" },
        { "filter", 0, 0, G_OPTION_ARG_STRING, &command->filter, "each test has such a step",
          "NAME" },
        { "save", 0, 0, G_OPTION_ARG_FILENAME, &command->save,
          "differences go to PREFIX.0, PREFIX.1, ...", "PREFIX" },
        { "show", 0, 0, G_OPTION_ARG_NONE, &command->show,
          "print every test and its log, and save it", NULL },
        { "peer", 0, 0, G_OPTION_ARG_STRING, &command->peer,
          "qemu: lists where qemu-system-x86_64 differs from the software CPU", "NAME" },
        { "brief", 0, 0, G_OPTION_ARG_NONE, &command->brief,
          "with --peer: the list alone, without an example of each kind", NULL },
        { "strict", 0, 0, G_OPTION_ARG_NONE, &command->strict,
          "with --peer: differences make the exit status 1", NULL },
        { "json", 0, 0, G_OPTION_ARG_NONE, &command->json, "print one JSON object", NULL },
        { .long_name = NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    int status = CHECK_FAILED;

    g_option_context_add_main_entries(context, entries, NULL);
    command->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    command->reports = g_ptr_array_new_with_free_func(g_free);
    command->test = g_new0(SystemTest, 1);
    if (g_option_context_parse(context, &argc, &argv, error) && options_check(command, error)) {
        status = command_run(command, error);
    }
    command_free(command);
    return status;
}
