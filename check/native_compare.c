/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/native_compare.h"
#include <inttypes.h>
#include <string.h>
#include "runtime/cpu/cpu_state.h"

typedef struct Comparison {
    GString *text;
    unsigned differs;
} Comparison;

static void compare_as(Comparison *c, unsigned kind, const char *what, uint64_t host,
                       uint64_t guest)
{
    if (host != guest) {
        c->differs |= kind;
        if (c->text != NULL) {
            g_string_append_printf(c->text, "  %-9s host %016" PRIx64 "  got %016" PRIx64 "\n",
                                   what, host, guest);
        }
    }
}

static void compare(Comparison *c, const char *what, uint64_t host, uint64_t guest)
{
    compare_as(c, DIFFERS_STATE, what, host, guest);
}

static void compare_bytes(Comparison *c, unsigned kind, const char *what, unsigned number,
                          const uint8_t *host, const uint8_t *guest, unsigned n)
{
    if (memcmp(host, guest, n) == 0) {
        return;
    }
    c->differs |= kind;
    if (c->text != NULL) {
        g_string_append_printf(c->text, "  %s%u host ", what, number);
        for (unsigned i = n; i-- > 0;) {
            g_string_append_printf(c->text, "%02x", host[i]);
        }
        g_string_append_printf(c->text, "\n  %*s got ", (int)strlen(what) + 1, "");
        for (unsigned i = n; i-- > 0;) {
            g_string_append_printf(c->text, "%02x", guest[i]);
        }
        g_string_append_c(c->text, '\n');
    }
}

/* A component of an XSAVE image; in its initial form where XSTATE_BV is clear. */
static const uint8_t *component(const NativeEnd *end, unsigned bit, unsigned at)
{
    static const uint8_t zero[256];

    return end->vector_state[512] & bit ? end->vector_state + at : zero;
}

static uint64_t x87_word(const NativeEnd *end)
{
    uint64_t word = 0x37f; /* control; status and tags 0 */

    if (end->vector_state[512] & 1) {
        memcpy(&word, end->vector_state, 5);
        word &= 0xffffffffff;
    }
    return word;
}

static void compare_vector(Comparison *c, Isa isa, const NativeEnd *host, const NativeEnd *guest)
{
    uint32_t mxcsr_host, mxcsr_guest;

    memcpy(&mxcsr_host, host->vector_state + 24, 4);
    memcpy(&mxcsr_guest, guest->vector_state + 24, 4);
    compare(c, "x87", x87_word(host), x87_word(guest));
    compare(c, "mxcsr", mxcsr_host, mxcsr_guest);
    for (unsigned i = 0; i < 8; i++) {
        compare_bytes(c, DIFFERS_STATE, "st", i, component(host, 1, 32) + i * 16,
                      component(guest, 1, 32) + i * 16, 10);
    }
    for (unsigned i = 0; i < (isa == ISA_64 ? 16 : 8); i++) {
        compare_bytes(c, DIFFERS_STATE, "xmm", i, component(host, 2, 160) + i * 16,
                      component(guest, 2, 160) + i * 16, 16);
        compare_bytes(c, DIFFERS_STATE, "ymm high", i, component(host, 4, 576) + i * 16,
                      component(guest, 4, 576) + i * 16, 16);
    }
}

static void compare_memory(Comparison *c, const NativeEnd *host, const NativeEnd *guest)
{
    unsigned n = MIN(MIN(host->n_lines, guest->n_lines), NATIVE_LINES);

    compare_as(c, DIFFERS_MEMORY, "lines", host->n_lines, guest->n_lines);
    for (unsigned i = 0; i < n; i++) {
        compare_as(c, DIFFERS_MEMORY, "line at", host->line[i].offset, guest->line[i].offset);
        compare_bytes(c, DIFFERS_MEMORY, "memory +", host->line[i].offset, host->line[i].bytes,
                      guest->line[i].bytes, NATIVE_LINE);
    }
}

/* Whether a page is there means nothing above 4 GiB: the process that runs the tests has pages of
 * its own there, and from the last page of the lower half on Linux says of each that it is
 * protected. */
static uint64_t error_code(const NativeEnd *end, const NativeEnd *other)
{
    bool above = end->address > UINT32_MAX || other->address > UINT32_MAX;

    return end->vector == VECTOR_PF && above ? end->error | 1 : end->error;
}

static void compare_exception(Comparison *c, const NativeEnd *host, const NativeEnd *guest)
{
    compare_as(c, DIFFERS_EXCEPTION, "exception", host->vector, guest->vector);
    if (host->vector == guest->vector && host->vector <= VECTOR_XM) {
        if (1u << host->vector & (1u << VECTOR_GP | 1u << VECTOR_SS | 1u << VECTOR_PF)) {
            compare_as(c, DIFFERS_ERROR, "error", error_code(host, guest), error_code(guest, host));
        }
        if (host->vector == VECTOR_PF) {
            compare_as(c, DIFFERS_ADDRESS, "address", host->address, guest->address);
        }
    }
}

unsigned native_differences(Isa isa, const NativeEnd *host, const NativeEnd *guest, GString *text)
{
    Comparison c = { text, 0 };
    uint64_t mask = isa == ISA_64 ? UINT64_MAX : UINT32_MAX;
    uint64_t flags = FLAGS_ARITH | FLAG_DF | FLAG_TF | FLAG_NT | FLAG_AC | FLAG_ID;

    compare_exception(&c, host, guest);
    for (unsigned i = 0; i < (isa == ISA_64 ? 16 : 8); i++) {
        compare_as(&c, DIFFERS_GPR, cpu_gpr_names[i], host->gpr[i] & mask, guest->gpr[i] & mask);
    }
    compare_as(&c, DIFFERS_RIP, "rip", host->rip, guest->rip);
    compare(&c, "rflags", host->rflags & flags, guest->rflags & flags);
    compare_vector(&c, isa, host, guest);
    compare_memory(&c, host, guest);
    return c.differs;
}

bool native_compare(Isa isa, const NativeEnd *host, const NativeEnd *guest, GString *text)
{
    return native_differences(isa, host, guest, text) == 0;
}
