/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/vector_difference.h"
#include <string.h>
#include "runtime/cpu/cpu.h"

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

/* Length of the instruction without the HLT behind it. */
static unsigned insn_length(const VectorTest *test)
{
    return test->n_bytes != 0 && test->bytes[test->n_bytes - 1] == 0xf4 ? test->n_bytes - 1
                                                                        : test->n_bytes;
}

static bool long_insn(const Context *c)
{
    return c->d->exception == VECTOR_GP && c->d->raised < 0 && !c->d->hung &&
           insn_length(c->test) > 10 && insn_length(c->test) <= 15;
}

/* MOV between FS or GS and memory, which the 80286 does not know. */
static bool new_segment(const Context *c)
{
    unsigned modrm = 1;

    while (modrm < c->test->n_bytes && c->test->bytes[modrm - 1] != 0x8c &&
           c->test->bytes[modrm - 1] != 0x8e) {
        modrm++;
    }
    return (strcmp(c->form, "8C") == 0 || strcmp(c->form, "8E") == 0) &&
           c->d->exception == VECTOR_UD && c->d->raised < 0 && !c->d->hung &&
           modrm < c->test->n_bytes && (c->test->bytes[modrm] >> 3 & 6) == 4;
}

static bool is_string(const char *form)
{
    static const char *const forms[] = { "6C", "6D", "6E", "6F", "A4", "A5", "A6",
                                         "A7", "AA", "AB", "AC", "AD", "AE", "AF" };

    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        if (strcmp(form, forms[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool string_advanced(const Context *c)
{
    const uint32_t moved = 1u << RCX | 1u << RSI | 1u << RDI;

    return is_string(c->form) && c->d->exception == VECTOR_GP && (c->d->registers & ~moved) == 0 &&
           c->d->n_ram == 0;
}

/* The HLT at FFFF was executed: everything else is as on the chip. */
static bool ip_not_wrapped(const Context *c)
{
    return (c->d->registers & ~(1u << VECTOR_REG_IP)) == 0 && c->d->n_ram == 0 &&
           c->d->raised < 0 && c->final->reg[VECTOR_REG_IP] == 0 && c->d->ip == 0x10000;
}

static bool ip_not_wrapped_with_flags(const Context *c)
{
    VectorDifference rest = *c->d;
    Context without = *c;

    rest.registers &= ~(1u << VECTOR_REG_IP);
    without.d = &rest;
    return c->d->ip == 0x10000 && c->final->reg[VECTOR_REG_IP] == 0 && flags_loaded(&without);
}

static const Row rows[] = {
    { lock_refused, "LOCK is refused (#UD) where nothing is read, modified and written in memory" },
    { stack_fault, "accesses beyond the end of the stack segment raise #SS, on the 80286 #GP" },
    { long_insn, "instructions may be 15 bytes long, on the 80286 10" },
    { new_segment, "FS and GS exist on a 386 and later" },
    { string_advanced, "a string instruction that faults has moved no register; an 80286's has" },
    { ip_not_wrapped, "EIP goes on to 10000 behind an instruction at FFFF; IP wrapped" },
    { ip_not_wrapped_with_flags, "POPF and IRET load IOPL and NT, and EIP goes on to 10000" },
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
