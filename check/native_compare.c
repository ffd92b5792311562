/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/native_compare.h"
#include <inttypes.h>
#include <string.h>
#include <Zydis/Mnemonic.h>
#include "translator/insn.h"

static const char *const gpr_names[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                         "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };

typedef struct Comparison {
    GString *text;
    bool same;
} Comparison;

static void compare(Comparison *c, const char *what, uint64_t host, uint64_t guest)
{
    if (host != guest) {
        c->same = false;
        if (c->text != NULL) {
            g_string_append_printf(c->text, "  %-9s host %016" PRIx64 "  got %016" PRIx64 "\n",
                                   what, host, guest);
        }
    }
}

static void compare_bytes(Comparison *c, const char *what, unsigned number, const uint8_t *host,
                          const uint8_t *guest, unsigned n)
{
    if (memcmp(host, guest, n) == 0) {
        return;
    }
    c->same = false;
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
        compare_bytes(c, "st", i, component(host, 1, 32) + i * 16, component(guest, 1, 32) + i * 16,
                      10);
    }
    for (unsigned i = 0; i < (isa == ISA_64 ? 16 : 8); i++) {
        compare_bytes(c, "xmm", i, component(host, 2, 160) + i * 16,
                      component(guest, 2, 160) + i * 16, 16);
        compare_bytes(c, "ymm high", i, component(host, 4, 576) + i * 16,
                      component(guest, 4, 576) + i * 16, 16);
    }
}

static void compare_memory(Comparison *c, const NativeEnd *host, const NativeEnd *guest)
{
    unsigned n = MIN(MIN(host->n_lines, guest->n_lines), NATIVE_LINES);

    compare(c, "lines", host->n_lines, guest->n_lines);
    for (unsigned i = 0; i < n; i++) {
        compare(c, "line at", host->line[i].offset, guest->line[i].offset);
        compare_bytes(c, "memory +", host->line[i].offset, host->line[i].bytes,
                      guest->line[i].bytes, NATIVE_LINE);
    }
}

/* From the last page of the lower half on, Linux tells its processes that every page is protected.
 */
static uint64_t error_code(const NativeEnd *end)
{
    return end->vector == VECTOR_PF && end->address >= 0x7ffffffff000 ? end->error | 1 : end->error;
}

static void compare_exception(Comparison *c, const NativeEnd *host, const NativeEnd *guest)
{
    compare(c, "exception", host->vector, guest->vector);
    if (host->vector == guest->vector && host->vector <= VECTOR_XM) {
        if (1u << host->vector & (1u << VECTOR_GP | 1u << VECTOR_SS | 1u << VECTOR_PF)) {
            compare(c, "error", error_code(host), error_code(guest));
        }
        if (host->vector == VECTOR_PF) {
            compare(c, "address", host->address, guest->address);
        }
    }
}

bool native_compare(Isa isa, const NativeTest *test, const NativeEnd *host, const NativeEnd *guest,
                    GString *text)
{
    Comparison c = { text, true };
    uint64_t mask = isa == ISA_64 ? UINT64_MAX : UINT32_MAX;
    uint64_t flags = FLAGS_ARITH | FLAG_DF | FLAG_TF | FLAG_NT | FLAG_AC | FLAG_ID;

    flags &= ~(uint64_t)(host->vector == NATIVE_END ? test->undefined : test->undefined_fault);
    compare_exception(&c, host, guest);
    for (unsigned i = 0; i < (isa == ISA_64 ? 16 : 8); i++) {
        compare(&c, gpr_names[i], host->gpr[i] & mask, guest->gpr[i] & mask);
    }
    compare(&c, "rip", host->rip, guest->rip);
    compare(&c, "rflags", host->rflags & flags, guest->rflags & flags);
    compare_vector(&c, isa, host, guest);
    compare_memory(&c, host, guest);
    return c.same;
}

/* What the manuals leave to the CPU, and CPUs do differently. */
enum { ANY_INSN = 0, VECTOR_INSN = 0xffff, ANY_END = 0xfd };
static const struct {
    uint16_t mnemonic;   /* or ANY_INSN, VECTOR_INSN */
    uint8_t host, guest; /* how it ends: exception or NATIVE_END; host ANY_END: there or later */
    const char *reason;
} excuses[] = {
    { ZYDIS_MNEMONIC_MASKMOVDQU, VECTOR_PF, ANY_END, "bytes that are not stored may fault" },
    { ZYDIS_MNEMONIC_VMASKMOVDQU, VECTOR_PF, ANY_END, "bytes that are not stored may fault" },
    { ZYDIS_MNEMONIC_MASKMOVQ, VECTOR_PF, ANY_END, "bytes that are not stored may fault" },
    { ZYDIS_MNEMONIC_MASKMOVDQU, VECTOR_GP, ANY_END, "bytes that are not stored may fault" },
    { ZYDIS_MNEMONIC_VMASKMOVDQU, VECTOR_GP, ANY_END, "bytes that are not stored may fault" },
    { ZYDIS_MNEMONIC_MASKMOVQ, VECTOR_GP, ANY_END, "bytes that are not stored may fault" },
    { ZYDIS_MNEMONIC_FRSTOR, VECTOR_PF, VECTOR_PF, "which byte of an image faults first" },
    { ZYDIS_MNEMONIC_FLDENV, VECTOR_PF, VECTOR_PF, "which byte of an image faults first" },
    { ZYDIS_MNEMONIC_FXRSTOR, VECTOR_PF, VECTOR_PF, "which byte of an image faults first" },
    { ZYDIS_MNEMONIC_FXRSTOR64, VECTOR_PF, VECTOR_PF, "which byte of an image faults first" },
    { VECTOR_INSN, VECTOR_GP, VECTOR_SS, "order of #GP by alignment and #SS by address" },
    { ZYDIS_MNEMONIC_CMPXCHG16B, VECTOR_GP, VECTOR_SS,
      "order of #GP by alignment and #SS by address" },
    { ZYDIS_MNEMONIC_FXRSTOR, VECTOR_AC, ANY_END, "#AC may come in place of #GP" },
    { ZYDIS_MNEMONIC_FXRSTOR64, VECTOR_AC, ANY_END, "#AC may come in place of #GP" },
    { ZYDIS_MNEMONIC_FXRSTOR, ANY_END, VECTOR_GP, "MXCSR bit 17 is AMD's" },
    { ZYDIS_MNEMONIC_FXRSTOR64, ANY_END, VECTOR_GP, "MXCSR bit 17 is AMD's" },
    { ZYDIS_MNEMONIC_LDMXCSR, ANY_END, VECTOR_GP, "MXCSR bit 17 is AMD's" },
    { ZYDIS_MNEMONIC_VLDMXCSR, ANY_END, VECTOR_GP, "MXCSR bit 17 is AMD's" },
    { ZYDIS_MNEMONIC_CALL, VECTOR_PF, VECTOR_GP, "order of the push and the check of the target" },
    { ZYDIS_MNEMONIC_CALL, VECTOR_SS, VECTOR_GP, "order of the push and the check of the target" },
    { ANY_INSN, VECTOR_AC, VECTOR_PF, "order of #AC and #PF" },
    { VECTOR_INSN, VECTOR_AC, ANY_END, "open: vector operands are not checked for alignment" },
};

static bool is_vector(const Insn *insn)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind >= OPERAND_ST) {
            return true;
        }
    }
    return false;
}

static bool excuse_fits(uint16_t row, const Insn *insn)
{
    return row == ANY_INSN || row == insn->mnemonic || (row == VECTOR_INSN && is_vector(insn));
}

const char *native_excuse(Isa isa, const NativeTest *test, const NativeEnd *host,
                          const NativeEnd *guest)
{
    uint64_t at_rip = host->vector == NATIVE_END ? guest->rip : host->rip; /* that faulted */
    Insn insn;

    for (unsigned at = 0; at < test->length; at += insn.length) {
        if (insn_decode(&insn, test->code + at, test->length - at, isa_code_width(isa)) !=
            INSN_OK) {
            return NULL;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(excuses); i++) {
            bool later = excuses[i].host == ANY_END;

            if (excuse_fits(excuses[i].mnemonic, &insn) &&
                test->start.rip + at == (later ? guest->rip : at_rip) &&
                (host->vector == excuses[i].host || later) &&
                (guest->vector == excuses[i].guest || excuses[i].guest == ANY_END)) {
                return excuses[i].reason;
            }
        }
    }
    return NULL;
}
