/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_smp.c - -smp: how many CPUs, and how they lie in sockets.
 *
 * What is not given is derived as QEMU 7.2 does it: one die, then cores, then sockets, then threads
 * make up the number of CPUs that there may be. */
#include "runtime/machine/options_int.h"

enum { SMP_MAX = 255, COUNT_MAX = 1 << 15 /* the product of four must fit */ };

/* Numbers of the option, 0 where it has none. */
typedef struct SmpWords {
    uint64_t cpus, maxcpus, sockets, dies, clusters, cores, threads;
} SmpWords;

static bool words_read(const char *value, SmpWords *words, GError **error)
{
    static const char *const known[] = { "cpus",     "maxcpus", "sockets", "dies",
                                         "clusters", "cores",   "threads", NULL };
    uint64_t *const numbers[] = { &words->cpus,     &words->maxcpus, &words->sockets, &words->dies,
                                  &words->clusters, &words->cores,   &words->threads };
    g_autoptr(KeyValues) values = keyval_parse(value, "cpus");

    if (!keyval_check(values, known, error)) {
        return false;
    }
    for (size_t i = 0; known[i] != NULL; i++) {
        if (!keyval_number(values, known[i], COUNT_MAX, numbers[i], error)) {
            return false;
        }
        if (keyval_get(values, known[i]) != NULL && *numbers[i] == 0) {
            return option_fail(error, OPTIONS_ERROR_VALUE,
                               "Invalid CPU topology: CPU topology parameters must be greater than "
                               "zero");
        }
    }
    return true;
}

static uint64_t at_least_one(uint64_t n)
{
    return n == 0 ? 1 : n;
}

static void words_complete(SmpWords *words)
{
    uint64_t most = words->maxcpus != 0 ? words->maxcpus : words->cpus;

    if (most == 0) {
        words->cores = at_least_one(words->cores);
    }
    if (most == 0 || words->cores == 0) {
        words->sockets = at_least_one(words->sockets);
        words->threads = at_least_one(words->threads);
    }
    if (words->cores == 0) {
        words->cores = most / (words->sockets * words->dies * words->threads);
    } else if (words->sockets == 0) {
        words->threads = at_least_one(words->threads);
        words->sockets = most / (words->dies * words->cores * words->threads);
    }
    if (words->threads == 0) {
        words->threads = most / (words->sockets * words->dies * words->cores);
    }
    if (most == 0) {
        most = words->sockets * words->dies * words->cores * words->threads;
    }
    words->maxcpus = most;
    words->cpus = words->cpus == 0 ? most : words->cpus;
}

static bool words_check(const SmpWords *words, GError **error)
{
    uint64_t product = words->sockets * words->dies * words->cores * words->threads;
    g_autofree char *text = g_strdup_printf(
        "sockets (%" G_GUINT64_FORMAT ") * dies (%" G_GUINT64_FORMAT ") * cores (%" G_GUINT64_FORMAT
        ") * threads (%" G_GUINT64_FORMAT ")",
        words->sockets, words->dies, words->cores, words->threads);

    if (product != words->maxcpus) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "Invalid CPU topology: product of the hierarchy must match maxcpus: %s "
                           "!= maxcpus (%" G_GUINT64_FORMAT ")",
                           text, words->maxcpus);
    }
    if (words->maxcpus < words->cpus) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "Invalid CPU topology: maxcpus must be equal to or greater than smp: %s "
                           "== maxcpus (%" G_GUINT64_FORMAT ") < smp_cpus (%" G_GUINT64_FORMAT ")",
                           text, words->maxcpus, words->cpus);
    }
    if (words->maxcpus > SMP_MAX) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "Invalid SMP CPUs %" G_GUINT64_FORMAT
                           ". The max CPUs supported by machine 'pc-i440fx-7.2' is %d",
                           words->maxcpus, SMP_MAX);
    }
    return true;
}

bool option_smp(Options *options, const char *value, GError **error)
{
    SmpWords words = { 0 };

    if (!words_read(value, &words, error)) {
        return false;
    }
    if (words.clusters > 1) {
        return option_fail(error, OPTIONS_ERROR_REFUSED,
                           "clusters not supported by this machine's CPU topology");
    }
    words.dies = at_least_one(words.dies);
    words_complete(&words);
    if (!words_check(&words, error)) {
        return false;
    }
    options->smp = (SmpOptions){
        .cpus = (unsigned)words.cpus,
        .maxcpus = (unsigned)words.maxcpus,
        .sockets = (unsigned)words.sockets,
        .dies = (unsigned)words.dies,
        .cores = (unsigned)words.cores,
        .threads = (unsigned)words.threads,
    };
    return true;
}
