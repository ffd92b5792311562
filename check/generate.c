/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/generate.h"
#include <string.h>
#include "check/check.h"
#include "check/generate_int.h"
#include "runtime/software_cpu/rows.h"
#include "translator/translator_int.h"

enum { TRIES = 40, MAX_INSNS = 6 };

struct Generator {
    Isa isa;
    GArray *templates;  /* of Template, sorted by mnemonic */
    GArray *first;      /* of unsigned: where each mnemonic begins, and the end */
    unsigned n_integer; /* mnemonics; vector ones follow */
    bool filtered;
    const Cpu *cpu;
};

/* ---- Encodings ---- */

typedef struct Search {
    Generator *generator;
    const Cpu *cpu;
    const char *filter;
} Search;

static void consider(Search *search, Template *t, const uint8_t *bytes)
{
    Insn insn;

    if (insn_decode(&insn, bytes, INSN_MAX_LENGTH, isa_code_width(search->generator->isa)) !=
            INSN_OK ||
        !insn_is_wanted(&insn, search->cpu) ||
        (search->filter != NULL && g_ascii_strcasecmp(insn_name(&insn), search->filter) != 0)) {
        return;
    }
    t->mnemonic = insn.mnemonic;
    t->has_modrm = insn.has_modrm;
    t->free_reg = t->free_rm = false;
    for (unsigned i = 0; i < insn.n_operands; i++) {
        t->free_reg |= insn.op[i].place == PLACE_REG;
        t->free_rm |= insn.op[i].place == PLACE_RM;
    }
    t->vector = insn_is_vector(&insn);
    g_array_append_val(search->generator->templates, *t);
}

/* All ModRM bytes that may select an instruction. */
static void search_modrm(Search *search, Template *t, uint8_t *bytes, unsigned at)
{
    bool all = t->vex == 0 && ((t->map == 0 && (t->opcode & 0xf8) == 0xd8) ||
                               (t->map == 1 && (t->opcode == 0x01 || t->opcode == 0xae ||
                                                t->opcode == 0xc7 || t->opcode == 0x1e)));
    unsigned before = search->generator->templates->len;

    for (unsigned modrm = 0; modrm < 256; modrm++) {
        bool memory = (modrm & 0xc7) == 0x03, reg = modrm >= 0xc0 && (all || (modrm & 7) == 0);

        if (memory || reg) {
            bytes[at] = t->modrm = (uint8_t)modrm;
            consider(search, t, bytes);
            if (search->generator->templates->len == before + 1 &&
                !g_array_index(search->generator->templates, Template, before).has_modrm) {
                return;
            }
        }
    }
}

static void search_legacy(Search *search, uint8_t prefix, uint8_t rex, unsigned map)
{
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        Template t = {
            .prefix = prefix, .rex = rex, .map = (uint8_t)map, .opcode = (uint8_t)opcode
        };
        uint8_t bytes[24] = { 0 };

        search_modrm(search, &t, bytes, template_head(&t, bytes));
    }
}

static void search_vex(Search *search, unsigned map, unsigned pp, unsigned wl)
{
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        Template t = { .vex = (uint8_t)(0x80 | pp | wl << 2),
                       .map = (uint8_t)map,
                       .opcode = (uint8_t)opcode };
        uint8_t bytes[24] = { 0 };
        unsigned at = template_head(&t, bytes);

        search_modrm(search, &t, bytes, at);
        bytes[2] &= 0x87; /* vvvv in use: what needs 1111 there was found above */
        t.vvvv = true;
        search_modrm(search, &t, bytes, at);
    }
}

static void search_all(Search *search)
{
    static const uint8_t prefixes[] = { 0, 0x66, 0xf2, 0xf3 };
    unsigned rexes = search->generator->isa == ISA_64 ? 2 : 1;

    for (unsigned map = 0; map < 4; map++) {
        for (unsigned p = 0; p < sizeof(prefixes); p++) {
            for (unsigned rex = 0; rex < rexes; rex++) {
                search_legacy(search, prefixes[p], rex ? 0x48 : 0, map);
            }
        }
        for (unsigned i = 0; map != 0 && i < 16; i++) {
            search_vex(search, map, i & 3, i >> 2);
        }
    }
}

static int compare_templates(const void *a, const void *b)
{
    const Template *x = a, *y = b;
    int order = (int)x->vector - y->vector;

    return order != 0 ? order : (int)x->mnemonic - y->mnemonic;
}

static void index_make(Generator *generator)
{
    for (unsigned i = 0; i <= generator->templates->len; i++) {
        const Template *t = &g_array_index(generator->templates, Template, i);

        if (i == 0 || i == generator->templates->len || t->mnemonic != t[-1].mnemonic ||
            t->vector != t[-1].vector) {
            g_array_append_val(generator->first, i);
            generator->n_integer += i < generator->templates->len && !t->vector;
        }
    }
}

Generator *generator_new(Isa isa, const char *filter, const Cpu *cpu, GError **error)
{
    Generator *generator = g_new0(Generator, 1);
    Search search = { generator, cpu, filter };

    generator->isa = isa;
    generator->filtered = filter != NULL;
    generator->cpu = cpu;
    generator->templates = g_array_new(FALSE, FALSE, sizeof(Template));
    generator->first = g_array_new(FALSE, FALSE, sizeof(unsigned));
    search_all(&search);
    g_array_sort(generator->templates, compare_templates);
    if (generator->templates->len == 0) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_USAGE,
                    "no instruction named %s that can run in user mode", filter);
        generator_free(generator);
        return NULL;
    }
    index_make(generator);
    return generator;
}

void generator_free(Generator *generator)
{
    g_array_unref(generator->templates);
    g_array_unref(generator->first);
    g_free(generator);
}

unsigned generator_mnemonics(const Generator *generator)
{
    return generator->first->len - 1;
}

/* Half of all tests are of integer instructions. */
static const Template *template_draw(const Generator *generator, Random *random)
{
    unsigned n = generator_mnemonics(generator), integer = generator->n_integer, pick;
    const unsigned *first = (const unsigned *)(const void *)generator->first->data;

    if (integer == 0 || integer == n) {
        pick = (unsigned)random_below(random, n);
    } else if (random_next(random) & 1) {
        pick = (unsigned)random_below(random, integer);
    } else {
        pick = integer + (unsigned)random_below(random, n - integer);
    }
    pick = first[pick] + (unsigned)random_below(random, first[pick + 1] - first[pick]);
    return &g_array_index(generator->templates, Template, pick);
}

/* ---- Tests ---- */

/* One more instruction; false: none was found that fits. */
static bool append(const Generator *generator, Random *random, Draft *draft)
{
    for (unsigned i = 0; i < TRIES; i++) {
        const Template *t = template_draw(generator, random);
        uint8_t bytes[24] = { 0 };
        Insn insn;

        template_fill(t, generator->isa, random, bytes);
        if (insn_decode(&insn, bytes, INSN_MAX_LENGTH, isa_code_width(generator->isa)) != INSN_OK ||
            !insn_is_wanted(&insn, draft->cpu) ||
            (generator->filtered && insn.mnemonic != t->mnemonic) ||
            draft->test->length + insn.length > NATIVE_MAX_CODE) {
            continue;
        }
        draft_add(draft, &insn, random);
        return true;
    }
    return false;
}

void generate_test(const Generator *generator, uint64_t seed, unsigned slot, NativeTest *test)
{
    Random random = { seed };
    Draft draft = { .test = test, .isa = generator->isa, .cpu = generator->cpu };
    unsigned n = random_next(&random) % 3 != 0 ? 1 : 2 + random_below(&random, MAX_INSNS - 1);

    memset(test, 0, sizeof(*test));
    test->seed = seed;
    test->start.rip = isa_code_base(generator->isa) + slot * NATIVE_SLOT;
    state_draw(generator->isa, &random, &test->start);
    while (n > 0 && append(generator, &random, &draft)) {
        n--;
    }
    draft_finish(&draft, &random);
}
