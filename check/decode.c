/* SPDX-License-Identifier: GPL-2.0-or-later */
/* decode.c - Zydis (insn_decode) and Capstone on the same bytes: do they see the same instructions?
 *
 * Random bytes begin like real encodings, so that all opcode maps are reached.  Of a file, the
 * executable sections are walked; where one decoder fails, the walk goes on a byte later. */
#include <capstone/capstone.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "check/check.h"
#include "check/decode_known.h"
#include "check/native.h"
#include "translator/insn.h"

enum { SHOWN = 40 };

typedef struct Decode {
    char *file, *seed_text;
    gint64 count;
    gboolean all;
    csh capstone[3]; /* 16, 32, 64-bit code */
    gint64 compared, known, differing;
    GHashTable *shown; /* pairs of mnemonics */
} Decode;

static unsigned mode_of(unsigned code_width)
{
    return code_width == 2 ? 0 : code_width == 4 ? 1 : 2;
}

static void report(Decode *decode, const uint8_t *code, const Insn *insn, const cs_insn *other,
                   unsigned code_width)
{
    g_autofree char *pair = NULL;
    char line[128] = "(bad)";
    unsigned n = MAX(insn->length, other != NULL ? other->size : 1);

    decode->differing++;
    pair = g_strdup_printf("%s %s", insn_name(insn), other != NULL ? other->mnemonic : "(bad)");
    if (!g_hash_table_add(decode->shown, g_strdup(pair)) ||
        (g_hash_table_size(decode->shown) > SHOWN && !decode->all)) {
        return;
    }
    if (insn->length != 0) {
        insn_format(insn, 0, line, sizeof(line));
    }
    printf("%u-bit", code_width * 8);
    for (unsigned i = 0; i < n; i++) {
        printf(" %02x", code[i]);
    }
    printf("\n  Zydis     %u bytes: %s\n  Capstone  %u bytes: %s %s\n", insn->length, line,
           other != NULL ? other->size : 0, other != NULL ? other->mnemonic : "(bad)",
           other != NULL ? other->op_str : "");
}

/* Bytes to go on by. */
static unsigned compare(Decode *decode, const uint8_t *code, size_t n, unsigned code_width)
{
    csh handle = decode->capstone[mode_of(code_width)];
    cs_insn *other = NULL;
    size_t found = cs_disasm(handle, code, MIN(n, INSN_MAX_LENGTH), 0, 1, &other);
    unsigned length;
    Insn insn;

    if (insn_decode(&insn, code, n, code_width) != INSN_OK) {
        memset(&insn, 0, sizeof(insn));
        memcpy(insn.bytes, code, MIN(n, INSN_MAX_LENGTH));
    }
    length = insn.length;
    decode->compared++;
    if (!decode_agrees(&insn, found == 1 ? other : NULL)) {
        if (decode_known(&insn, found == 1 ? other : NULL, code_width) != NULL) {
            decode->known++;
        } else {
            report(decode, code, &insn, found == 1 ? other : NULL, code_width);
        }
    }
    if (found != 0) {
        cs_free(other, found);
    }
    return length != 0 ? length : 1;
}

/* ---- Random bytes ---- */

static void bytes_draw(Random *random, uint8_t *code)
{
    static const uint8_t prefixes[] = { 0x66, 0x67, 0xf2, 0xf3, 0x48, 0x41, 0x2e, 0x64 };
    uint64_t pick = random_next(random);
    unsigned n = 0;

    for (unsigned i = 0; i < 24; i += 8) {
        uint64_t value = random_next(random);

        memcpy(code + i, &value, 8);
    }
    for (unsigned i = 0; i < 2; i++) {
        if ((pick >> (8 * i) & 3) == 0) {
            code[n++] = prefixes[pick >> (8 * i + 2) & 7];
        }
    }
    switch (pick >> 16 & 7) {
    case 0:
    case 1:
    case 2:
        code[n++] = 0x0f;
        break;
    case 3:
        code[n++] = 0x0f;
        code[n++] = pick >> 24 & 1 ? 0x38 : 0x3a;
        break;
    case 4:
        code[n++] = 0xc5;
        break;
    case 5:
        code[n++] = 0xc4;
        code[n++] = (uint8_t)((pick >> 24 & 0xe0) | (1 + (pick >> 32) % 3));
        break;
    default:
        break;
    }
}

static void random_run(Decode *decode, uint64_t seed)
{
    static const uint8_t widths[] = { 8, 4, 2 };
    Random random = { seed };

    for (gint64 i = 0; i < decode->count; i++) {
        uint8_t code[24];

        bytes_draw(&random, code);
        compare(decode, code, INSN_MAX_LENGTH, widths[i % 3]);
        if (i % 1024 == 0) {
            check_progress("random bytes", (double)i / (double)decode->count);
        }
    }
}

/* ---- Files ---- */

static void section_run(Decode *decode, const uint8_t *code, size_t n, unsigned code_width)
{
    for (size_t at = 0; at < n;) {
        at += compare(decode, code + at, n - at, code_width);
        if ((at & 0xfff) < 16) {
            check_progress(decode->file, (double)at / (double)n);
        }
    }
}

/* The fields of a section header that count, of either class. */
typedef struct Section {
    uint64_t flags, offset, size;
} Section;

static Section section_at(const char *data, bool wide, uint64_t offset)
{
    Elf64_Shdr s64;
    Elf32_Shdr s32;

    if (wide) {
        memcpy(&s64, data + offset, sizeof(s64));
        return (Section){ s64.sh_type == SHT_PROGBITS ? s64.sh_flags : 0, s64.sh_offset,
                          s64.sh_size };
    }
    memcpy(&s32, data + offset, sizeof(s32));
    return (Section){ s32.sh_type == SHT_PROGBITS ? s32.sh_flags : 0, s32.sh_offset, s32.sh_size };
}

static bool file_run(Decode *decode, GError **error)
{
    g_autofree char *data = NULL;
    uint64_t table, entry, count;
    Elf64_Ehdr head64;
    Elf32_Ehdr head32;
    gsize size;
    bool wide;

    if (!g_file_get_contents(decode->file, &data, &size, error)) {
        return false;
    }
    if (size < sizeof(head64) || memcmp(data, ELFMAG, SELFMAG) != 0) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: not an ELF file", decode->file);
        return false;
    }
    wide = data[EI_CLASS] == ELFCLASS64;
    memcpy(&head64, data, sizeof(head64));
    memcpy(&head32, data, sizeof(head32));
    table = wide ? head64.e_shoff : head32.e_shoff;
    entry = wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
    count = wide ? head64.e_shnum : head32.e_shnum;
    if (table > size || count * entry > size - table) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_FILE, "%s: cut short", decode->file);
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        Section s = section_at(data, wide, table + i * entry);

        if ((s.flags & SHF_EXECINSTR) && s.offset < size && s.size <= size - s.offset) {
            section_run(decode, (const uint8_t *)data + s.offset, s.size, wide ? 8 : 4);
        }
    }
    return true;
}

/* ---- Command line ---- */

static bool decode_run(Decode *decode, GError **error)
{
    static const cs_mode modes[] = { CS_MODE_16, CS_MODE_32, CS_MODE_64 };
    uint64_t seed = decode->seed_text != NULL ? g_ascii_strtoull(decode->seed_text, NULL, 0)
                                              : (uint64_t)g_get_real_time();
    bool done = true;

    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (cs_open(CS_ARCH_X86, modes[i], &decode->capstone[i]) != CS_ERR_OK) {
            g_set_error(error, CHECK_ERROR, CHECK_ERROR_HOST, "Capstone does not start");
            return false;
        }
    }
    if (decode->file != NULL) {
        done = file_run(decode, error);
    } else {
        random_run(decode, seed);
    }
    check_progress_end();
    if (done) {
        printf("seed %" PRIu64 ": %" PRId64 " decoded, %" PRId64 " differ by the table, %" PRId64
               " differences\n",
               seed, decode->compared, decode->known, decode->differing);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        cs_close(&decode->capstone[i]);
    }
    return done;
}

int decode_command(int argc, char **argv, GError **error)
{
    Decode decode = { .count = 1000000 };
    const GOptionEntry entries[] = {
        { "count", 0, 0, G_OPTION_ARG_INT64, &decode.count, "default: a million", "N" },
        { "seed", 0, 0, G_OPTION_ARG_STRING, &decode.seed_text, "default: the time", "N" },
        { "file", 0, 0, G_OPTION_ARG_FILENAME, &decode.file, "code of this instead", "ELF" },
        { "all", 0, 0, G_OPTION_ARG_NONE, &decode.all, "print all differences", NULL },
        { .long_name = NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    int status = CHECK_FAILED;

    g_option_context_add_main_entries(context, entries, NULL);
    decode.shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (g_option_context_parse(context, &argc, &argv, error) && decode_run(&decode, error)) {
        status = decode.differing == 0 ? CHECK_AGREES : CHECK_DIFFERS;
    }
    g_hash_table_unref(decode.shown);
    g_free(decode.file);
    g_free(decode.seed_text);
    return status;
}
