/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/monitor/expression.h"

#include <errno.h>
#include <string.h>

#include "runtime/machine/monitor/monitor_rows.h"

enum { DEPTH_MAX = 64 };

typedef struct Expression {
    const char *at;
    ExpressionRegister *reg;
    void *opaque;
    unsigned depth;
    GError **error;
} Expression;

static bool read_sum(Expression *e, uint64_t *value);

static bool fail(Expression *e, const char *what)
{
    return monitor_fail(e->error, MONITOR_ERROR_GENERIC, "%s", what);
}

static char next(Expression *e)
{
    e->at += strspn(e->at, " \t");
    return *e->at;
}

static bool read_register(Expression *e, uint64_t *value)
{
    size_t n = strspn(++e->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
    g_autofree char *name = g_ascii_strdown(e->at, (gssize)n);

    e->at += n;
    return (e->reg != NULL && e->reg(e->opaque, name, value)) || fail(e, "unknown register");
}

static bool read_number(Expression *e, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = g_ascii_strtoull(e->at, &end, 0);
    if (errno == ERANGE) {
        return fail(e, "number too large");
    }
    if (end == e->at) {
        return fail(e, "invalid char in expression");
    }
    e->at = end;
    return true;
}

static bool read_character(Expression *e, uint64_t *value)
{
    if (e->at[1] == '\0' || e->at[2] != '\'') {
        return fail(e, "missing terminating ' character");
    }
    *value = (uint8_t)e->at[1];
    e->at += 3;
    return true;
}

static bool read_brackets(Expression *e, uint64_t *value)
{
    e->at++;
    if (!read_sum(e, value)) {
        return false;
    }
    if (next(e) != ')') {
        return fail(e, "')' expected");
    }
    e->at++;
    return true;
}

static bool read_unary(Expression *e, uint64_t *value)
{
    char c = next(e);
    bool done;

    if (e->depth++ == DEPTH_MAX) {
        return fail(e, "expression too deep");
    }
    if (c == '+' || c == '-' || c == '~') {
        e->at++;
        done = read_unary(e, value);
        *value = c == '-' ? -*value : c == '~' ? ~*value : *value;
    } else if (c == '(') {
        done = read_brackets(e, value);
    } else if (c == '$') {
        done = read_register(e, value);
    } else if (c == '\'') {
        done = read_character(e, value);
    } else {
        done = read_number(e, value);
    }
    e->depth--;
    return done;
}

static bool read_product(Expression *e, uint64_t *value)
{
    uint64_t right = 0;
    char c;

    if (!read_unary(e, value)) {
        return false;
    }
    while ((c = next(e)) == '*' || c == '/' || c == '%') {
        e->at++;
        if (!read_unary(e, &right)) {
            return false;
        }
        if (c != '*' && right == 0) {
            return fail(e, "division by zero");
        }
        *value = c == '*' ? *value * right : c == '/' ? *value / right : *value % right;
    }
    return true;
}

static bool read_logic(Expression *e, uint64_t *value)
{
    uint64_t right = 0;
    char c;

    if (!read_product(e, value)) {
        return false;
    }
    while ((c = next(e)) == '&' || c == '|' || c == '^') {
        e->at++;
        if (!read_product(e, &right)) {
            return false;
        }
        *value = c == '&' ? *value & right : c == '|' ? *value | right : *value ^ right;
    }
    return true;
}

static bool read_sum(Expression *e, uint64_t *value)
{
    uint64_t right = 0;
    char c;

    if (!read_logic(e, value)) {
        return false;
    }
    while ((c = next(e)) == '+' || c == '-') {
        e->at++;
        if (!read_logic(e, &right)) {
            return false;
        }
        *value = c == '+' ? *value + right : *value - right;
    }
    return true;
}

bool expression_read(const char **text, ExpressionRegister *reg, void *opaque, int64_t *value,
                     GError **error)
{
    Expression e = { *text, reg, opaque, 0, error };
    uint64_t result = 0;
    bool done = read_sum(&e, &result);

    *text = e.at;
    *value = (int64_t)result;
    return done;
}
