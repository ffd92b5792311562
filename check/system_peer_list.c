/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_peer_list.c - where QEMU ends tests in another way than the software CPU, by kind. Whose
 * fault it is the list cannot say. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "check/check.h"
#include "check/system_peer.h"
#include "translator/insn.h"

/* A QEMU that resets or hangs takes seconds. */
enum { MAX_KINDS = 96, TRIALS = 120, SLOW_TRIALS = 8 };

/* How the software CPU ended a slot's test. */
typedef struct PeerEnd {
    SystemProgram program;
    SystemEndKind end;
    uint8_t memory[SYS_SIZE];
} PeerEnd;

typedef struct PeerKind {
    char *name, *report;
    gint64 count;
} PeerKind;

typedef struct PeerCheck {
    SystemCommand *command;
    SystemPeer *peer;
    PeerEnd *end;      /* SLOT_COUNT */
    GHashTable *kinds; /* name -> PeerKind */
    const char *kind;  /* that a program is to keep while it is minimised */
    int trials;        /* that are left for that */
    gint64 waiting, hung, rf;
    GError *error; /* of a run while a program was minimised */
} PeerCheck;

static const char *const slot_names[] = { "is still waiting", "is still running", "came to its end",
                                          "shut down", "did not end" };

/* ---- Both sides ---- */

/* The software CPU's end; false: QEMU cannot report such an end. */
static bool reference_run(PeerCheck *check, const SystemProgram *program, unsigned i)
{
    SystemGuest *guest = check->command->guest[INTERPRETED];
    PeerEnd *end = &check->end[i];

    system_program_build(program, check->command->test);
    system_guest_run(guest, check->command->test->memory);
    end->program = *program;
    end->end = guest->end;
    memcpy(end->memory, guest->subject->ram, SYS_SIZE);
    memcpy(system_peer_slot(check->peer, i), check->command->test->memory, SYS_SIZE);
    return system_guest_finished(guest) || guest->end == SYSTEM_SHUTDOWN;
}

/* QEMU does not set RF in the flags that a fault pushes (SDM vol. 3 17.3.1.1); taken out of its log
 * and stacks, as nearly every test has it. */
static bool rf_forgive(const uint8_t *ours, uint8_t *theirs, uint32_t from, uint32_t to)
{
    bool found = false;

    for (uint32_t at = from; at <= to - 4; at += 2) { /* 16-bit code aligns frames so */
        uint32_t a, b;

        memcpy(&a, ours + at, 4);
        memcpy(&b, theirs + at, 4);
        if ((a ^ b) == FLAG_RF) {
            memcpy(theirs + at, &a, 4);
            found = true;
        }
    }
    return found;
}

/* Nor are the PDPTEs of PAE paging ever marked accessed (SDM vol. 3 4.4.1: the bit is reserved). */
static void pdptes_forgive(uint8_t *theirs)
{
    enum { ACCESSED = 0x20 };

    for (uint32_t at = SYS_PAE; at < SYS_PAE + 64; at += 8) {
        theirs[at] &= (uint8_t)~ACCESSED;
    }
}

/* Do the ends of slot `i` agree? Says how they do not. */
static bool ends_agree(PeerCheck *check, unsigned i, GString *text)
{
    static const char *const names[2] = { "doppel", "qemu" };
    uint32_t state = system_peer_state(check->peer, i);
    uint8_t *memory = system_peer_slot(check->peer, i);
    bool shut_down = check->end[i].end == SYSTEM_SHUTDOWN, rf;

    if (state != (shut_down ? SLOT_RESET : SLOT_DONE)) {
        g_string_append_printf(text, "  doppel %s, qemu %s\n",
                               slot_names[shut_down ? SLOT_RESET : SLOT_DONE],
                               slot_names[MIN(state, SLOT_HUNG)]);
        return false;
    }
    if (shut_down) {
        return true;
    }
    memset(memory + SYS_BACK, 0, SYS_BACK_SIZE);
    rf = rf_forgive(check->end[i].memory, memory, SYS_LOG, SYS_CODE);
    pdptes_forgive(memory);
    check->rf += rf | rf_forgive(check->end[i].memory, memory, SYS_STACK3, SYS_PML4);
    return system_compare_memory(check->end[i].memory, memory, names, text);
}

/* ---- Kinds ---- */

/* The instruction behind whose log entry the difference is, or else the last one. */
static const char *culprit(const SystemTest *test, const uint8_t *memory, unsigned entry)
{
    uint16_t rip = 0;
    Insn insn;

    memcpy(&rip, memory + SYS_LOG + entry * SYS_ENTRY + 32, 2);
    for (unsigned i = test->n_insns; i-- > 0;) {
        const SystemInsn *at = &test->insn[i];

        if ((entry == 0 || at->at == rip || at->at + at->length == rip) &&
            insn_decode(&insn, test->memory + at->at, at->length, at->width) == INSN_OK) {
            return insn_name(&insn);
        }
    }
    return "elsewhere";
}

static uint64_t word_at(const uint8_t *entry, uint32_t at, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, entry + at, width);
    return value;
}

/* What is unlike in two entries of the log, in the words of the first that is; NULL: nothing. */
static char *entry_difference(const uint8_t *a, const uint8_t *b)
{
    static const char *const slots[] = { "ip", "cs", "flags", "sp", "ss" };
    unsigned width = CLAMP(a[8] / 8, 2, 8);

    if (memcmp(a, b, 8) != 0) {
        return g_strdup_printf("vector %02x error %x, qemu %02x %x", (unsigned)word_at(a, 0, 4),
                               (unsigned)word_at(a, 4, 4), (unsigned)word_at(b, 0, 4),
                               (unsigned)word_at(b, 4, 4));
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(slots); i++) {
        uint64_t x = word_at(a, 32 + i * width, width), y = word_at(b, 32 + i * width, width);

        if (x != y) {
            return i == 2 ? g_strdup_printf("pushed flags ^ %" PRIx64, x ^ y)
                          : g_strdup_printf("pushed %s", slots[i]);
        }
    }
    if (memcmp(a, b, SYS_ENTRY) == 0) {
        return NULL;
    }
    return g_strdup(memcmp(a + 8, b + 8, 8) != 0     ? "cr0 or width in the handler"
                    : memcmp(a + 16, b + 16, 8) != 0 ? "cr2 in the handler"
                    : memcmp(a + 24, b + 24, 8) != 0 ? "dr6 in the handler"
                                                     : "stack behind the frame");
}

/* The instruction, and the first difference: of the log, or else without numbers. */
static char *kind_name(const SystemTest *test, const uint8_t *ours, const uint8_t *theirs,
                       const char *text)
{
    char what[64] = "";
    size_t n = 0;

    for (unsigned i = 1; text[2] != 'd' && i <= SYS_ENTRIES; i++) {
        uint32_t at = SYS_LOG + i * SYS_ENTRY;
        g_autofree char *entry = entry_difference(ours + at, theirs + at);

        if (entry != NULL) {
            return g_strdup_printf("%s: %s", culprit(test, ours, i), entry);
        }
    }
    for (const char *p = text + 2; *p != '\0' && *p != '\n' && n < sizeof(what) - 1; p++) {
        if (*p == '+' || strncmp(p, "  ", 2) == 0 || strncmp(p, " doppel ", 8) == 0) {
            break;
        }
        what[n++] = *p;
    }
    return g_strdup_printf("%s: %s", culprit(test, ours, 0), what);
}

static bool peer_differs(void *opaque, const SystemProgram *program)
{
    PeerCheck *check = opaque;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *kind = NULL;

    if (check->error != NULL || check->trials-- <= 0 || !reference_run(check, program, 0) ||
        !system_peer_run(check->peer, 1, &check->error) || ends_agree(check, 0, text)) {
        return false;
    }
    kind = kind_name(check->command->test, check->end[0].memory, system_peer_slot(check->peer, 0),
                     text->str);
    return strcmp(kind, check->kind) == 0;
}

/* Describes the program that is in slot 0 after peer_differs. */
static char *kind_report(PeerCheck *check, const GString *what)
{
    g_autoptr(GString) text = g_string_new(NULL);

    system_describe(check->command->test, text);
    g_string_append(text, "  doppel\n");
    system_describe_log(check->end[0].memory, text);
    if (system_peer_state(check->peer, 0) == SLOT_DONE) {
        g_string_append(text, "  qemu\n");
        system_describe_log(system_peer_slot(check->peer, 0), text);
    }
    g_string_append(text, what->str);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Counts it, and minimises and describes the first of its kind. The slots are lost. */
static void difference_add(PeerCheck *check, const SystemProgram *found, const char *first)
{
    g_autoptr(GString) what = g_string_new(NULL);
    g_autofree char *name = g_strdup(first);
    SystemProgram program = *found;
    PeerKind *kind = g_hash_table_lookup(check->kinds, name);

    check->command->differing++;
    if (kind == NULL && g_hash_table_size(check->kinds) < MAX_KINDS) {
        kind = g_new0(PeerKind, 1);
        kind->name = g_strdup(name);
        g_hash_table_insert(check->kinds, kind->name, kind);
        if (!check->command->brief) {
            check->kind = kind->name;
            check->trials = strstr(name, "did not end") != NULL ? 1
                            : strstr(name, "shut down") != NULL ? SLOW_TRIALS
                                                                : TRIALS;
            system_minimise(&program, peer_differs, check);
            check->trials = 1;
            if (peer_differs(check, &program)) {
                ends_agree(check, 0, what);
                kind->report = kind_report(check, what);
            } else {
                check->command->unrepeated++;
            }
        }
    }
    if (kind != NULL) {
        kind->count++;
    }
}

/* ---- Batches ---- */

typedef struct PeerFound {
    SystemProgram program;
    char *kind;
} PeerFound;

static unsigned batch_make(PeerCheck *check, Random *random)
{
    SystemCommand *command = check->command;
    unsigned n = 0;

    for (unsigned tries = 0; n < SLOT_COUNT && tries < 4 * SLOT_COUNT; tries++) {
        SystemProgram program;

        system_program_draw(random_next(random), command->modes, command->filter, &program);
        program.on_pc = true;
        if (program.seed % 4 == 0) {
            program.raise_at = (uint8_t)(program.seed / 4 % 16);
            program.raise = SYS_EVENT_INTR;
        }
        program.n_steps = MIN(program.n_steps, 1 + program.seed % 4);
        if (reference_run(check, &program, n)) {
            n++;
        } else {
            check->waiting++;
        }
        if (command->count > 0 && command->tests + n >= command->count) {
            break;
        }
    }
    return n;
}

static GArray *batch_compare(PeerCheck *check, unsigned n)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(PeerFound));

    for (unsigned i = 0; i < n; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        PeerFound found = { .program = check->end[i].program };

        check->hung += system_peer_state(check->peer, i) == SLOT_HUNG;
        if (!ends_agree(check, i, text)) {
            system_program_build(&found.program, check->command->test);
            found.kind = kind_name(check->command->test, check->end[i].memory,
                                   system_peer_slot(check->peer, i), text->str);
            g_array_append_val(list, found);
        }
    }
    return list;
}

static bool batches_run(PeerCheck *check, GError **error)
{
    SystemCommand *command = check->command;
    Random random = { command->seed };

    while (!system_command_over(command) && check->error == NULL) {
        unsigned n = batch_make(check, &random);
        GArray *list;

        if (!system_peer_run(check->peer, n, error)) {
            return false;
        }
        list = batch_compare(check, n);
        command->tests += n;
        for (unsigned i = 0; i < list->len; i++) {
            PeerFound *found = &g_array_index(list, PeerFound, i);

            difference_add(check, &found->program, found->kind);
            g_free(found->kind);
        }
        g_array_unref(list);
    }
    if (check->error != NULL) {
        g_propagate_error(error, g_steal_pointer(&check->error));
        return false;
    }
    return true;
}

/* ---- The list ---- */

static int compare_kinds(gconstpointer a, gconstpointer b)
{
    const PeerKind *x = a, *y = b;

    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->name, y->name);
}

static void list_print(PeerCheck *check)
{
    const SystemCommand *command = check->command;
    GList *kinds = g_list_sort(g_hash_table_get_values(check->kinds), compare_kinds);

    for (GList *l = kinds; l != NULL; l = l->next) {
        const PeerKind *kind = l->data;

        if (kind->report != NULL) {
            printf("%s\n%s\n", kind->name, kind->report);
        }
    }
    for (GList *l = kinds; l != NULL; l = l->next) {
        printf("%8" PRId64 "  %s\n", ((PeerKind *)l->data)->count, ((PeerKind *)l->data)->name);
    }
    g_list_free(kinds);
    printf("privileged code against QEMU, seed %" PRIu64 ": %" PRId64
           " tests in %.1f s (%.0f a second), %" PRId64 " differ, in %u ways\n",
           command->seed, command->tests, command->elapsed,
           (double)command->tests / command->elapsed, command->differing,
           g_hash_table_size(check->kinds));
    printf("%" PRId64 " have RF in flags that a fault pushed, where QEMU has none\n", check->rf);
    printf("%" PRId64 " more wait or do not end and were left out; QEMU did not end %" PRId64 "\n",
           check->waiting, check->hung);
}

static void list_json(PeerCheck *check)
{
    const SystemCommand *command = check->command;
    GList *kinds = g_list_sort(g_hash_table_get_values(check->kinds), compare_kinds);

    printf("{\"peer\":\"qemu\",\"seed\":%" PRIu64 ",\"tests\":%" PRId64
           ",\"seconds\":%.3f,\"waiting\":%" PRId64 ",\"hung\":%" PRId64 ",\"differing\":%" PRId64
           ",\"kinds\":[",
           command->seed, command->tests, command->elapsed, check->waiting, check->hung,
           command->differing);
    for (GList *l = kinds; l != NULL; l = l->next) {
        const PeerKind *kind = l->data;
        g_autofree char *name = g_strescape(kind->name, NULL);
        g_autofree char *text = g_strescape(kind->report != NULL ? kind->report : "", NULL);

        printf("%s{\"kind\":\"%s\",\"count\":%" PRId64 ",\"first\":\"%s\"}", l != kinds ? "," : "",
               name, kind->count, text);
    }
    printf("]}\n");
    g_list_free(kinds);
}

static void kind_free(gpointer data)
{
    PeerKind *kind = data;

    g_free(kind->name);
    g_free(kind->report);
    g_free(kind);
}

int system_peer_check(SystemCommand *command, GError **error)
{
    PeerCheck check = { .command = command };
    int status = CHECK_FAILED;

    check.peer = system_peer_new(error);
    if (check.peer == NULL) {
        return status;
    }
    check.end = g_new0(PeerEnd, SLOT_COUNT);
    check.kinds = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, kind_free);
    if (batches_run(&check, error)) {
        check_progress_end();
        (command->json ? list_json : list_print)(&check);
        status = command->strict && command->differing != 0 ? CHECK_DIFFERS : CHECK_AGREES;
    }
    g_hash_table_unref(check.kinds);
    g_free(check.end);
    system_peer_free(check.peer);
    return status;
}
