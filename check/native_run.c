/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/native_run.h"
#include <string.h>
#include "check/generate.h"
#include "check/native_compare.h"
#include "check/native_host_int.h"
#include "translator/insn.h"

/* Is there code that the host runs? A segment that can be made need not be usable. */
static void host_try(NativeRig *rig)
{
    g_autoptr(GError) error = NULL;
    NativeImage *image = g_new0(NativeImage, 1);
    NativeTest test = { .code = { 0x90 }, .length = 1, .n_insns = 1 };
    NativeEnd end;

    test.start.rip = isa_code_base(rig->isa);
    test.start.leave = test.start.rip + test.length;
    test.start.rflags = FLAG_1 | FLAG_IF;
    test.start.vector[0] = 0x7f;
    test.start.vector[1] = 0x03;
    test.start.vector[24] = 0x80;
    test.start.vector[25] = 0x1f;
    native_rig_place(rig, &test);
    if (rig->isa != ISA_64 &&
        (!native_host_run(rig->host, image, rig->host_code, &test.start, &end, 1, &error) ||
         end.vector != NATIVE_END)) {
        g_clear_pointer(&rig->host, native_host_free);
        rig->refusal = "there is a segment for it, but a NOP in it does not end well";
    }
    g_free(image);
}

NativeRig *native_rig_new(Isa isa, GError **error)
{
    NativeRig *rig = g_new0(NativeRig, 1);

    rig->isa = isa;
    memset(rig->host_code, 0xcc, sizeof(rig->host_code));
    memset(rig->guest_code, 0xcc, sizeof(rig->guest_code));
    for (unsigned e = 0; e < EXECUTORS; e++) {
        rig->guest[e] = native_guest_new(isa, e, error);
        if (rig->guest[e] == NULL) {
            native_rig_free(rig);
            return NULL;
        }
    }
    rig->refusal = native_host_refusal(isa);
    if (rig->refusal == NULL) {
        rig->host = native_host_new(isa, error);
        if (rig->host == NULL) {
            native_rig_free(rig);
            return NULL;
        }
        host_try(rig);
    }
    return rig;
}

void native_rig_free(NativeRig *rig)
{
    for (unsigned e = 0; e < EXECUTORS; e++) {
        g_clear_pointer(&rig->guest[e], native_guest_free);
    }
    g_clear_pointer(&rig->host, native_host_free);
    g_free(rig);
}

void native_rig_place(NativeRig *rig, const NativeTest *test)
{
    uint64_t at = test->start.rip - isa_code_base(rig->isa);

    memset(rig->host_code + at, 0xcc, NATIVE_SLOT);
    memset(rig->guest_code + at, 0xcc, NATIVE_SLOT);
    memcpy(rig->host_code + at, test->code, test->length);
    memcpy(rig->guest_code + at, test->code, test->length);
    native_host_leave(rig->isa, rig->host_code + at + test->length);
    native_guest_leave(rig->guest_code + at + test->length);
}

void native_rig_prepare(NativeRig *rig, const NativeImage *image)
{
    for (unsigned e = 0; e < EXECUTORS; e++) {
        native_guest_prepare(rig->guest[e], image, rig->guest_code);
    }
}

bool native_rig_reference(NativeRig *rig, const NativeImage *image, const NativeStart *start,
                          NativeEnd *end, unsigned n, GError **error)
{
    if (rig->host != NULL) {
        return native_host_run(rig->host, image, rig->host_code, start, end, n, error);
    }
    for (unsigned i = 0; i < n; i++) {
        native_guest_run(rig->guest[INTERPRETED], &start[i], &end[i]);
    }
    return true;
}

bool native_rig_single(NativeRig *rig, const NativeImage *image, const NativeTest *test,
                       NativeEnd *host, NativeEnd guest[EXECUTORS], GError **error)
{
    native_rig_place(rig, test);
    native_rig_prepare(rig, image);
    if (!native_rig_reference(rig, image, &test->start, host, 1, error)) {
        return false;
    }
    for (unsigned e = 0; e < EXECUTORS; e++) {
        native_guest_run(rig->guest[e], &test->start, &guest[e]);
    }
    return true;
}

/* How the test ends with other code around its own; at the end is what raises #GP(0) there. */
static void end_with_around(NativeRig *rig, const NativeImage *image, const NativeTest *test,
                            uint8_t *code, uint8_t end_byte, NativeEnd *end)
{
    uint64_t at = test->start.rip - isa_code_base(rig->isa);

    memcpy(code + at, test->code, test->length);
    code[at + test->length] = end_byte;
    native_guest_prepare(rig->guest[INTERPRETED], image, code);
    native_guest_run(rig->guest[INTERPRETED], &test->start, end);
}

static void bytes_draw(Random *random, uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i += 8) {
        uint64_t eight = random_next(random);

        memcpy(bytes + i, &eight, 8);
    }
}

/* What lies around the code in a trial: what the host has there and what the guests have, whose
 * differences are at issue; a byte repeated, which shows what is run; random bytes, which show what
 * is read, though some instructions tell but little: BOUND one of two ends, a horizontal difference
 * none of equal bytes. */
enum { AROUND_HOST, AROUND_GUEST, AROUND_BYTES, AROUND_RANDOM = AROUND_BYTES + 3 };
enum { AROUND_TRIALS = AROUND_RANDOM + 16 };

static void around_fill(const NativeRig *rig, unsigned trial, Random *random, uint8_t *code)
{
    static const uint8_t bytes[AROUND_RANDOM - AROUND_BYTES] = { 0xcc, 0x00, 0x7f };

    if (trial == AROUND_HOST || trial == AROUND_GUEST) {
        memcpy(code, trial == AROUND_HOST ? rig->host_code : rig->guest_code, NATIVE_CODE_SIZE);
    } else if (trial < AROUND_RANDOM) {
        memset(code, bytes[trial - AROUND_BYTES], NATIVE_CODE_SIZE);
    } else {
        bytes_draw(random, code, NATIVE_CODE_SIZE);
    }
}

bool native_rig_reaches_around(NativeRig *rig, const NativeImage *image, const NativeTest *test)
{
    enum { HLT = 0xf4, CLI = 0xfa };
    g_autofree uint8_t *code = g_malloc(NATIVE_CODE_SIZE);
    Random random = { test->seed };
    bool same = true;
    NativeEnd first, end;

    memset(code, HLT, NATIVE_CODE_SIZE);
    end_with_around(rig, image, test, code, HLT, &first);
    if (first.vector == VECTOR_PF && first.address >> PAGE_SHIFT == CONTROL_PAGE >> PAGE_SHIFT) {
        same = false; /* the host's side has memory there */
    }
    for (unsigned trial = 0; trial < AROUND_TRIALS && same; trial++) {
        around_fill(rig, trial, &random, code);
        end_with_around(rig, image, test, code, CLI, &end);
        same = native_compare(rig->isa, &first, &end, NULL);
    }
    native_guest_prepare(rig->guest[INTERPRETED], image, rig->guest_code);
    return !same;
}

/* ---- Minimising ---- */

typedef struct Trial {
    NativeRig *rig;
    NativeDifference *best;
    GError **error;
    bool broken;
} Trial;

static bool differs(Trial *trial, const NativeTest *test, const NativeImage *image)
{
    NativeEnd host, guest[EXECUTORS];

    if (trial->broken || !native_rig_single(trial->rig, image, test, &host, guest, trial->error)) {
        trial->broken = true;
        return false;
    }
    return host.vector != NATIVE_LOST &&
           !native_compare(trial->rig->isa, &host, &guest[trial->best->executor], NULL) &&
           native_excuse(trial->rig->isa, test, &host, &guest[trial->best->executor]) == NULL &&
           !native_rig_reaches_around(trial->rig, image, test);
}

static void keep_if_differs(Trial *trial, const NativeTest *test)
{
    if (differs(trial, test, &trial->best->image)) {
        trial->best->test = *test;
    }
}

/* Branches before `at` that go past the `length` bytes there get so much shorter. */
static void branches_shorten(Isa isa, NativeTest *test, unsigned at, unsigned length)
{
    Insn insn;

    for (unsigned from = 0; from < at; from += insn.length) {
        if (insn_decode(&insn, test->code + from, test->length - from, isa_code_width(isa)) !=
            INSN_OK) {
            return;
        }
        if (insn.n_operands == 1 && insn.op[0].kind == OPERAND_REL &&
            from + insn.length + insn.imm >= at + length) {
            int64_t disp = insn.imm - length;

            memcpy(test->code + from + insn.imm_at, &disp, insn.imm_size);
        }
    }
}

/* Cuts `length` bytes out of the code. */
static void code_cut(Isa isa, NativeTest *test, unsigned at, unsigned length)
{
    branches_shorten(isa, test, at, length);
    memmove(test->code + at, test->code + at + length, test->length - at - length);
    test->length = (uint8_t)(test->length - length);
    test->start.leave = test->start.rip + test->length;
    test->n_insns--;
}

static unsigned insn_length(Isa isa, const NativeTest *test, unsigned at)
{
    Insn insn;

    return insn_decode(&insn, test->code + at, test->length - at, isa_code_width(isa)) == INSN_OK
               ? insn.length
               : test->length - at;
}

static void fewer_insns(Trial *trial)
{
    unsigned at = 0;

    while (at < trial->best->test.length) {
        NativeTest test = trial->best->test;
        unsigned length = insn_length(trial->rig->isa, &test, at), before = test.length;

        if (test.n_insns > 1) {
            code_cut(trial->rig->isa, &test, at, length);
            keep_if_differs(trial, &test);
        }
        at += trial->best->test.length == before ? length : 0;
    }
}

static void plainer_state(Trial *trial)
{
    NativeTest test;

    for (unsigned i = 0; i < 16; i++) {
        test = trial->best->test;
        test.start.gpr[i] = 0;
        keep_if_differs(trial, &test);
    }
    for (unsigned i = 0; i < 16; i++) {
        test = trial->best->test;
        memset(test.start.vector + 160 + i * 16, 0, 16);
        keep_if_differs(trial, &test);
        test = trial->best->test;
        memset(test.start.vector + 576 + i * 16, 0, 16);
        keep_if_differs(trial, &test);
        test = trial->best->test;
        memset(test.start.vector + 32 + i % 8 * 16, 0, 10);
        keep_if_differs(trial, &test);
    }
    for (unsigned bit = 0; bit < 22; bit++) {
        test = trial->best->test;
        test.start.rflags &= ~(1ull << bit) | FLAG_1 | FLAG_IF;
        keep_if_differs(trial, &test);
    }
}

static void plainer_memory(Trial *trial)
{
    for (unsigned at = 0; at < NATIVE_WINDOW_SIZE; at += 1024) {
        NativeImage image = trial->best->image;

        memset(image.bytes + at, 0, 1024);
        if (differs(trial, &trial->best->test, &image)) {
            trial->best->image = image;
        }
    }
}

bool native_minimise(NativeRig *rig, NativeDifference *d, GError **error)
{
    Trial trial = { rig, d, error, false };

    if (!differs(&trial, &d->test, &d->image)) {
        return false;
    }
    fewer_insns(&trial);
    plainer_state(&trial);
    plainer_memory(&trial);
    return !trial.broken;
}
