/* SPDX-License-Identifier: GPL-2.0-or-later */
/* native_report.c - a difference in words, and in a file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "check/block_replay.h"
#include "check/check.h"
#include "check/describe.h"
#include "check/native_compare.h"
#include "check/native_run.h"
#include "check/subject.h"
#include "check/system.h"
#include "runtime/cpu/cpu_state.h"
#include "translator/insn.h"

static const char *const isa_names[ISAS] = { "64", "32", "16" };

bool native_isa_find(const char *name, Isa *isa)
{
    for (unsigned i = 0; i < ISAS; i++) {
        if (strcmp(name, isa_names[i]) == 0) {
            *isa = (Isa)i;
            return true;
        }
    }
    return false;
}

/* ---- Words ---- */

static void describe_code(const NativeDifference *d, GString *text)
{
    const NativeTest *test = &d->test;
    unsigned length;

    for (unsigned at = 0; at < test->length; at += length) {
        length = describe_insn(isa_code_width(d->isa), test->code + at, test->length - at,
                               test->start.rip + at, text);
        if (length == 0) {
            break;
        }
    }
}

static void describe_start(const NativeDifference *d, GString *text)
{
    const NativeStart *start = &d->test.start;
    uint32_t mxcsr;
    uint16_t control, status;

    for (unsigned i = 0; i < 16; i++) {
        if (start->gpr[i] != 0) {
            g_string_append_printf(text, "  %s=%" PRIx64, cpu_gpr_names[i], start->gpr[i]);
        }
    }
    memcpy(&control, start->vector, 2);
    memcpy(&status, start->vector + 2, 2);
    memcpy(&mxcsr, start->vector + 24, 4);
    g_string_append_printf(text, "  rflags=%" PRIx64 "\n  fcw=%x fsw=%x ftw=%x mxcsr=%x\n",
                           start->rflags, control, status, start->vector[4], mxcsr);
}

void native_describe(NativeRig *rig, const NativeDifference *d, GString *text)
{
    NativeEnd host, guest[EXECUTORS];

    g_string_append_printf(text, "%s, %s-bit code, seed %#" PRIx64 ":\n",
                           executor_name(d->executor), isa_names[d->isa], d->test.seed);
    describe_code(d, text);
    describe_start(d, text);
    if (native_rig_single(rig, &d->image, &d->test, &host, guest, NULL)) {
        native_compare(d->isa, &host, &guest[d->executor], text);
    }
}

const char *native_culprit(const NativeDifference *d)
{
    const char *name = "(bad)";
    Insn insn;

    for (unsigned at = 0; at < d->test.length; at += insn.length) {
        if (insn_decode(&insn, d->test.code + at, d->test.length - at, isa_code_width(d->isa)) !=
            INSN_OK) {
            break;
        }
        name = insn_name(&insn);
    }
    return name;
}

/* ---- Files ---- */

bool native_save(const NativeDifference *d, const char *path, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    const NativeTest *test = &d->test;

    g_key_file_set_string(file, "test", "isa", isa_names[d->isa]);
    g_key_file_set_integer(file, "test", "executor", d->executor);
    g_key_file_set_integer(file, "test", "length", test->length);
    g_key_file_set_integer(file, "test", "insns", test->n_insns);
    g_key_file_set_uint64(file, "test", "seed", test->seed);
    saved_set_bytes(file, "test", "code", test->code, test->length);
    saved_set_bytes(file, "test", "start", &test->start, sizeof(test->start));
    saved_set_bytes(file, "test", "image", &d->image, sizeof(d->image));
    return g_key_file_save_to_file(file, path, error);
}

bool native_load(NativeDifference *d, const char *path, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *isa = NULL;
    int length, executor;

    memset(d, 0, sizeof(*d));
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    isa = g_key_file_get_string(file, "test", "isa", NULL);
    executor = g_key_file_get_integer(file, "test", "executor", NULL);
    length = g_key_file_get_integer(file, "test", "length", NULL);
    if (isa == NULL || !native_isa_find(isa, &d->isa) || executor < 0 || executor >= EXECUTORS ||
        length <= 0 || length > NATIVE_MAX_CODE) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: not a saved difference", path);
        return false;
    }
    d->executor = executor;
    d->test.length = (uint8_t)length;
    d->test.n_insns = (uint8_t)g_key_file_get_integer(file, "test", "insns", NULL);
    d->test.seed = g_key_file_get_uint64(file, "test", "seed", NULL);
    if (!saved_get_bytes(file, "test", "code", d->test.code, d->test.length, error) ||
        !saved_get_bytes(file, "test", "start", &d->test.start, sizeof(d->test.start), error) ||
        !saved_get_bytes(file, "test", "image", &d->image, sizeof(d->image), error)) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    if (d->test.start.rip < isa_code_base(d->isa) ||
        d->test.start.rip > isa_code_base(d->isa) + NATIVE_CODE_SIZE - NATIVE_SLOT) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: code at a bad address", path);
        return false;
    }
    return true;
}

int replay_command(int argc, char **argv, GError **error)
{
    NativeDifference d;
    NativeEnd host, guest[EXECUTORS];
    g_autoptr(GString) text = g_string_new(NULL);
    NativeRig *rig;
    int status = CHECK_FAILED;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        puts(
            "Usage:\n  replay FILE\n\nFILE is of native or system --save, or of doppel -accel dbt,verify.");
        return CHECK_AGREES;
    }
    if (argc != 2) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE, "one file is expected");
        return CHECK_FAILED;
    }
    subject_signals_install();
    if (block_replay_knows(argv[1])) {
        return block_replay(argv[1], error);
    }
    if (system_saved(argv[1])) {
        return system_replay(argv[1], error);
    }
    if (!native_load(&d, argv[1], error)) {
        return CHECK_FAILED;
    }
    rig = native_rig_new(d.isa, error);
    if (rig == NULL) {
        return CHECK_FAILED;
    }
    if (native_rig_single(rig, &d.image, &d.test, &host, guest, error)) {
        status = CHECK_AGREES;
        for (unsigned e = 0; e < EXECUTORS; e++) {
            const char *excuse = native_excuse(d.isa, &d.test, &host, &guest[e]);

            if (native_compare(d.isa, &host, &guest[e], NULL)) {
                continue;
            }
            d.executor = e;
            native_describe(rig, &d, text);
            if (excuse != NULL) {
                g_string_append_printf(text, "  left to the CPU: %s\n", excuse);
            } else {
                status = CHECK_DIFFERS;
            }
        }
        if (status == CHECK_DIFFERS && native_rig_reaches_around(rig, &d.image, &d.test)) {
            g_string_append(text, "not compared: it reaches what lies around its code\n");
            status = CHECK_AGREES;
        }
        printf("%s", text->len == 0 ? "no difference\n" : text->str);
    }
    native_rig_free(rig);
    return status;
}
