/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_report.c - a test in words, and in a file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#include "check/check.h"
#include "check/describe.h"
#include "check/system_image.h"
#include "runtime/cpu/cpu_state.h"

static uint64_t word_at(const uint8_t *memory, uint32_t at, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, memory + at, width);
    return value;
}

/* ---- Words ---- */

static void describe_start(const uint8_t *memory, GString *text)
{
    uint32_t n = (uint32_t)word_at(memory, SYS_START + START_FRAMES, 4);

    for (unsigned i = 0; i < 16; i++) {
        uint64_t value = word_at(memory, SYS_START + START_GPR + i * 8, 8);

        if (value != 0) {
            g_string_append_printf(text, "  %s=%" PRIx64, cpu_gpr_names[i], value);
        }
    }
    g_string_append_printf(
        text,
        "\n  cr0=%" PRIx64 " cr3=%" PRIx64 " cr4=%" PRIx64 " efer=%" PRIx64 " dr7=%" PRIx64
        " dr0-3=",
        word_at(memory, SYS_START + START_CR0, 4), word_at(memory, SYS_START + START_CR3, 4),
        word_at(memory, SYS_START + START_CR4, 4), word_at(memory, SYS_START + START_MSRS + 4, 4),
        word_at(memory, SYS_START + START_DR + 20, 4));
    for (unsigned i = 0; i < 4; i++) {
        g_string_append_printf(text, "%s%" PRIx64, i != 0 ? "," : "",
                               word_at(memory, SYS_START + START_DR + i * 4, 4));
    }
    g_string_append(text, "\n  IRET frame, popped last to first:");
    for (uint32_t i = 0; i < MIN(n, 9); i++) {
        g_string_append_printf(text, " %" PRIx64,
                               word_at(memory, SYS_START + START_FRAME + i * 8, 8));
    }
    g_string_append_c(text, '\n');
}

void system_describe(const SystemTest *test, GString *text)
{
    g_string_append_printf(text, "%s mode, seed %#" PRIx64 ":\n", system_mode_name(test->mode),
                           test->seed);
    for (unsigned i = 0; i < test->n_insns; i++) {
        const SystemInsn *insn = &test->insn[i];

        if (describe_insn(insn->width, test->memory + insn->at, insn->length, insn->at, text) ==
            0) {
            g_string_append_printf(text, "  %08x (bad, %u bytes)\n", insn->at, insn->length);
        }
    }
    describe_start(test->memory, text);
}

void system_describe_log(const uint8_t *memory, GString *text)
{
    uint64_t n = MIN(word_at(memory, SYS_LOG, 4), SYS_ENTRIES);

    for (uint32_t i = 1; i <= n; i++) {
        uint32_t at = SYS_LOG + i * SYS_ENTRY;
        unsigned width = (unsigned)word_at(memory, at + 8, 4) / 8;

        width = CLAMP(width, 2, 8);
        g_string_append_printf(text,
                               "  log %2u: vector %02" PRIx64 " error %" PRIx64 " at %" PRIx64
                               ":%" PRIx64 " flags %" PRIx64 " cr2 %" PRIx64 " dr6 %" PRIx64
                               ", %u-bit handler\n",
                               i, word_at(memory, at, 4), word_at(memory, at + 4, 4),
                               word_at(memory, at + 32 + width, 2), word_at(memory, at + 32, width),
                               word_at(memory, at + 32 + 2 * width, width),
                               word_at(memory, at + 16, 8), word_at(memory, at + 24, 8), width * 8);
    }
}

/* ---- Files ---- */

bool system_save(const SystemTest *test, const char *path, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    uLongf size = compressBound(SYS_SIZE);
    g_autofree uint8_t *packed = g_malloc(size);

    if (compress2(packed, &size, test->memory, SYS_SIZE, 9) != Z_OK) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: memory cannot be packed", path);
        return false;
    }
    g_key_file_set_string(file, "system", "mode", system_mode_name(test->mode));
    g_key_file_set_uint64(file, "system", "seed", test->seed);
    g_key_file_set_integer(file, "system", "insns", (int)test->n_insns);
    g_key_file_set_integer(file, "system", "packed", (int)size);
    saved_set_bytes(file, "system", "insn", test->insn, sizeof(test->insn));
    saved_set_bytes(file, "system", "memory", packed, size);
    return g_key_file_save_to_file(file, path, error);
}

bool system_saved(const char *path)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    return g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL) &&
           g_key_file_has_group(file, "system");
}

static bool insns_valid(const SystemTest *test)
{
    for (unsigned i = 0; i < test->n_insns; i++) {
        const SystemInsn *insn = &test->insn[i];

        if ((insn->width != 2 && insn->width != 4 && insn->width != 8) ||
            insn->at + insn->length > SYS_SIZE) {
            return false;
        }
    }
    return true;
}

static bool system_load(SystemTest *test, const char *path, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *mode = NULL;
    g_autofree uint8_t *packed = NULL;
    uLongf size = SYS_SIZE;
    int packed_size, n;

    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
        return false;
    }
    mode = g_key_file_get_string(file, "system", "mode", NULL);
    n = g_key_file_get_integer(file, "system", "insns", NULL);
    packed_size = g_key_file_get_integer(file, "system", "packed", NULL);
    if (mode == NULL || !system_mode_find(mode, &test->mode) || n < 0 || n > SYSTEM_INSNS ||
        packed_size <= 0 || packed_size > (int)compressBound(SYS_SIZE)) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: not a saved difference", path);
        return false;
    }
    packed = g_malloc((gsize)packed_size);
    test->n_insns = (unsigned)n;
    test->seed = g_key_file_get_uint64(file, "system", "seed", NULL);
    if (!saved_get_bytes(file, "system", "insn", test->insn, sizeof(test->insn), error) ||
        !saved_get_bytes(file, "system", "memory", packed, (size_t)packed_size, error)) {
        g_prefix_error(error, "%s: ", path);
        return false;
    }
    if (uncompress(test->memory, &size, packed, (uLong)packed_size) != Z_OK || size != SYS_SIZE ||
        !insns_valid(test)) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: not a saved difference", path);
        return false;
    }
    return true;
}

int system_replay(const char *path, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree SystemTest *test = g_new0(SystemTest, 1);
    SystemGuest *guest[EXECUTORS] = { NULL };
    bool ok = system_load(test, path, error);
    int status = CHECK_FAILED;

    for (unsigned e = 0; ok && e < EXECUTORS; e++) {
        guest[e] = system_guest_new(e, error);
        ok = guest[e] != NULL;
        if (ok) {
            system_guest_run(guest[e], test->memory);
        }
    }
    if (ok) {
        system_describe(test, text);
        system_describe_log(guest[INTERPRETED]->subject->ram, text);
        status = system_compare(guest[INTERPRETED], guest[TRANSLATED], text) ? CHECK_AGREES
                                                                             : CHECK_DIFFERS;
        printf("%s%s", text->str, status == CHECK_AGREES ? "no difference\n" : "");
    }
    for (unsigned e = 0; e < EXECUTORS; e++) {
        g_clear_pointer(&guest[e], system_guest_free);
    }
    return status;
}
