/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/smp_test.h"

#include <string.h>

/* A CPU a word: xN, yN, cN stores N; X, Y loads; C calls; xchg and xadd as "xsN", "xaN"; m MFENCE,
 * l LOCK, s CPUID. */
static const struct {
    const char *name, *text;
} named[] = {
    { "SB", "x1Y y1X" },
    { "SB+mfence", "x1mY y1mX" },
    { "SB+mfence+po", "x1mY y1X" },
    { "SB+lock", "x1lY y1lX" },
    { "SB+xchg", "xs1Y ys1X" },
    { "SB+xadd", "xa1Y ya1X" },
    { "SB+rfi", "x1XY y1YX" },
    { "MP", "x1y1 YX" },
    { "MP+mfence", "x1my1 YmX" },
    { "MP+xchg", "x1ys1 YX" },
    { "LB", "Xy1 Yx1" },
    { "LB+mfence", "Xmy1 Ymx1" },
    { "S", "x2y1 Yx1" },
    { "R", "x1y1 y2X" },
    { "R+mfence", "x1my1 y2mX" },
    { "2+2W", "x1y2 y1x2" },
    { "2+2W+mfence", "x1my2 y1mx2" },
    { "2+2W+xchg", "xs1ys2 ys1xs2" },
    { "WRC", "x1 Xy1 YX" },
    { "IRIW", "x1 y1 XY YX" },
    { "IRIW+mfence", "x1 y1 XmY YmX" },
    { "IRIW+xchg", "xs1 ys1 XY YX" },
    { "CoRR", "x1x2 XX" },
    { "CoRR2", "x1 x2 XX XX" },
    { "CoWW", "x1x2 X" },
    { "CoRW", "Xx1 x2" },
    { "CoWR", "x1X x2" },
    { "CoXX", "xa1xa1 xa1xa1" },
    { "SMC", "c1C c2C" },
    { "SMC+again", "c1Cc2C X" },
    { "XMC", "c1x1 XC" },
    { "XMC+cpuid", "c1x1 XsC" },
    { "XMC+mfence+cpuid", "c1mx1 XsC" },
    { "XMC+CoCC", "c1c2 CsC" },
};

static const uint8_t forms[SMP_KINDS] = {
    [SMP_STORE] = 5,
    [SMP_LOAD] = 5,
    [SMP_XCHG] = 2,
    [SMP_XADD] = 2,
};

bool smp_op_loads(const SmpOp *op)
{
    return op->kind >= SMP_LOAD && op->kind <= SMP_FETCH;
}

unsigned smp_test_loads(const SmpTest *test, unsigned cpu)
{
    unsigned n = 0;

    for (unsigned i = 0; i < test->cpu[cpu].ops; i++) {
        n += smp_op_loads(&test->cpu[cpu].op[i]);
    }
    return n;
}

bool smp_test_has_code(const SmpTest *test)
{
    for (unsigned i = 0; i < test->cpus; i++) {
        for (unsigned j = 0; j < test->cpu[i].ops; j++) {
            const SmpOp *op = &test->cpu[i].op[j];

            if (op->kind == SMP_FETCH || (op->kind == SMP_STORE && op->place == SMP_CODE)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- By name ---- */

static const char *op_parse(SmpOp *op, const char *text)
{
    static const char places[] = "xyc", loads[] = "XYC", fences[] = "mls";
    const char *at;

    *op = (SmpOp){ 0 };
    if ((at = strchr(loads, *text)) != NULL) {
        op->kind = *text == 'C' ? SMP_FETCH : SMP_LOAD;
        op->place = (uint8_t)(at - loads);
        return text + 1;
    }
    if ((at = strchr(fences, *text)) != NULL) {
        op->kind = SMP_FENCE + (SmpOpKind)(at - fences);
        return text + 1;
    }
    at = strchr(places, *text++);
    g_assert(at != NULL);
    op->place = (uint8_t)(at - places);
    op->kind = *text == 's' ? SMP_XCHG : *text == 'a' ? SMP_XADD : SMP_STORE;
    text += op->kind != SMP_STORE;
    op->value = (uint8_t)(*text - '0');
    return text + 1;
}

const unsigned smp_tests_named = G_N_ELEMENTS(named);

void smp_test_named(SmpTest *test, unsigned n)
{
    const char *text;

    n %= smp_tests_named;
    *test = (SmpTest){ .name = named[n].name, .cpus = 1 };
    for (text = named[n].text; *text != '\0';) {
        SmpCpu *cpu = &test->cpu[test->cpus - 1];

        if (*text == ' ') {
            test->cpus++;
            text++;
        } else {
            g_assert(cpu->ops < SMP_OPS);
            text = op_parse(&cpu->op[cpu->ops++], text);
        }
    }
}

/* ---- By chance ---- */

static bool cpu_add(SmpCpu *cpu, GRand *chance, uint8_t value, unsigned loads)
{
    static const uint8_t drawn[] = { SMP_STORE, SMP_STORE, SMP_STORE, SMP_LOAD,  SMP_LOAD,
                                     SMP_LOAD,  SMP_XCHG,  SMP_XADD,  SMP_FENCE, SMP_LOCKED };
    SmpOp op = {
        .kind = drawn[g_rand_int_range(chance, 0, G_N_ELEMENTS(drawn))],
        .place = (uint8_t)g_rand_int_range(chance, 0, SMP_CODE),
        .value = value,
    };

    if (smp_op_loads(&op) && loads == SMP_LOADS) {
        return false;
    }
    if (op.kind == SMP_XADD) {
        op.value = 1;
    }
    cpu->op[cpu->ops++] = op;
    return true;
}

void smp_test_random(SmpTest *test, GRand *chance)
{
    unsigned stores = 0;

    *test = (SmpTest){ .cpus = (unsigned)g_rand_int_range(chance, 2, SMP_CPUS + 1) };
    for (unsigned i = 0; i < test->cpus; i++) {
        unsigned ops = (unsigned)g_rand_int_range(chance, 1, test->cpus == 2 ? 5 : 4);

        while (test->cpu[i].ops < ops) {
            /* sums of XADD stay below what four bits hold */
            if (cpu_add(&test->cpu[i], chance, (uint8_t)(1 + stores % 3),
                        smp_test_loads(test, i))) {
                stores++;
            }
        }
    }
    smp_test_vary(test, chance);
}

void smp_test_vary(SmpTest *test, GRand *chance)
{
    for (unsigned i = 0; i < test->cpus; i++) {
        for (unsigned j = 0; j < test->cpu[i].ops; j++) {
            SmpOp *op = &test->cpu[i].op[j];

            op->form = (uint8_t)(forms[op->kind] != 0 ? g_rand_int_range(chance, 0, forms[op->kind])
                                                      : 0);
        }
    }
}

/* ---- Words ---- */

char *smp_test_text(const SmpTest *test)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < test->cpus; i++) {
        g_string_append(text, i != 0 ? " |" : "");
        for (unsigned j = 0; j < test->cpu[i].ops; j++) {
            const SmpOp *op = &test->cpu[i].op[j];
            char place = "xyc"[op->place];

            switch (op->kind) {
            case SMP_STORE:
                g_string_append_printf(text, " %c=%u", place, op->value);
                break;
            case SMP_LOAD:
                g_string_append_printf(text, " r=%c", place);
                break;
            case SMP_XCHG:
                g_string_append_printf(text, " xchg(%c,%u)", place, op->value);
                break;
            case SMP_XADD:
                g_string_append_printf(text, " xadd(%c,%u)", place, op->value);
                break;
            case SMP_FETCH:
                g_string_append(text, " call(c)");
                break;
            default:
                g_string_append_printf(text, " %s",
                                       op->kind == SMP_FENCE    ? "mfence"
                                       : op->kind == SMP_LOCKED ? "lock"
                                                                : "cpuid");
                break;
            }
        }
    }
    g_strchug(text->str);
    return g_string_free(text, FALSE);
}

char *smp_outcome_text(const SmpTest *test, SmpOutcome outcome)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < test->cpus; i++) {
        for (unsigned j = 0; j < smp_test_loads(test, i); j++) {
            g_string_append_printf(text, "%u:r%u=%u ", i, j, (unsigned)(outcome & 0xf));
            outcome >>= 4;
        }
    }
    for (unsigned i = 0; i < SMP_PLACES; i++, outcome >>= 4) {
        if (i != SMP_CODE || smp_test_has_code(test)) {
            g_string_append_printf(text, "%c=%u ", "xyc"[i], (unsigned)(outcome & 0xf));
        }
    }
    g_strchomp(text->str);
    return g_string_free(text, FALSE);
}
