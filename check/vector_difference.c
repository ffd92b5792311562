/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/vector_difference.h"
#include <string.h>
#include "runtime/cpu.h"

typedef struct Context {
    const VectorDifference *d;
    const char *form;
    const VectorTest *test;
    const VectorState *final;
} Context;

typedef struct Row {
    bool (*explains)(const Context *c);
    const char *reason;
} Row;

static bool flags_loaded(const Context *c)
{
    return c->d->registers == 1u << VECTOR_REG_FLAGS && (c->d->flags & ~0x7000u) == 0 &&
           c->d->n_ram == 0 && (strcmp(c->form, "9D") == 0 || strcmp(c->form, "CF") == 0);
}

static bool has_lock(const VectorTest *test)
{
    for (unsigned i = 0; i < test->n_bytes; i++) {
        switch (test->bytes[i]) {
        case 0xf0:
            return true;
        case 0xf2:
        case 0xf3:
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
            break;
        default:
            return false;
        }
    }
    return false;
}

static bool lock_refused(const Context *c)
{
    return c->d->raised == VECTOR_UD && has_lock(c->test);
}

static bool stack_fault(const Context *c)
{
    return c->d->raised == VECTOR_SS && c->d->exception == VECTOR_GP;
}

static const Row rows[] = {
    { lock_refused, "LOCK is refused (#UD) where nothing is read, modified and written in memory" },
    { stack_fault, "accesses beyond the end of the stack segment raise #SS, on the 80286 #GP" },
    { flags_loaded, "POPF and IRET in real mode load IOPL and NT on a 386 and later" },
};

unsigned vector_difference_rows(void)
{
    return G_N_ELEMENTS(rows);
}

const char *vector_difference_reason(unsigned row)
{
    return rows[row].reason;
}

int vector_difference_row(const VectorDifference *d, const char *form, const VectorTest *test,
                          const VectorState *final)
{
    const Context context = { d, form, test, final };

    for (unsigned i = 0; vector_difference_any(d) && i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].explains(&context)) {
            return (int)i;
        }
    }
    return -1;
}
