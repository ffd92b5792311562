/* SPDX-License-Identifier: GPL-2.0-or-later */
/* native_excuse.c - what the manuals leave to the CPU, and CPUs do differently. */
#include <string.h>
#include <Zydis/Mnemonic.h>
#include "check/native_compare.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "translator/insn.h"

/* ---- Is an end one that this access may have? ---- */

enum { FXSAVE_SIZE = 512 };

typedef struct Span {
    unsigned segment;
    uint64_t offset, mask; /* of the address width */
    unsigned width;
} Span;

/* The exception of the segment's limit, or in 64-bit code of an address that is not canonical. */
static uint32_t limit_fault(Isa isa, const Span *span)
{
    uint64_t last = span->offset + span->width - 1, limit = UINT32_MAX;
    bool beyond;

    if (isa == ISA_64) {
        const uint64_t half = 1ull << 47;

        beyond = ((span->offset + half) | (last + half)) >> 48 != 0;
    } else {
        if (isa == ISA_16) {
            limit = span->segment == ES ? NATIVE_ES_LIMIT : 0xffff;
        }
        beyond = last > limit || (isa == ISA_16 && span->segment == GS);
    }
    return !beyond ? NATIVE_END : span->segment == SS ? VECTOR_SS : VECTOR_GP;
}

static bool is_mapped(uint64_t linear)
{
    return linear - NATIVE_WINDOW < NATIVE_WINDOW_SIZE || linear - NATIVE_CODE < NATIVE_CODE_SIZE;
}

/* A page fault of one of its bytes, and rightly so. Past the end of an address the first follows.
 */
static bool page_fault_fits(Isa isa, const Span *span, const NativeEnd *end)
{
    uint64_t base = isa != ISA_16 ? 0 : span->segment == CS ? NATIVE_CODE : NATIVE_SEGMENT;
    uint64_t offset = isa == ISA_64 ? end->address : (uint32_t)(end->address - base);

    return end->vector == VECTOR_PF && ((offset - span->offset) & span->mask) < span->width &&
           (offset & ~span->mask) == 0 && !is_mapped(end->address);
}

/* A read of one, two, four or eight bytes. */
static bool read_fault_fits(Isa isa, const Span *span, const NativeEnd *end)
{
    uint32_t beyond = limit_fault(isa, span);

    if (beyond != NATIVE_END) {
        return end->vector == beyond;
    }
    if (end->vector == VECTOR_AC) {
        return (end->rflags & FLAG_AC) != 0 && (span->offset & (span->width - 1)) != 0;
    }
    return page_fault_fits(isa, span, end);
}

static Span span_make(const Insn *insn, unsigned segment, uint64_t offset, unsigned width)
{
    uint64_t mask = width_mask(insn->address_width);

    return (Span){ segment, offset & mask, mask, width };
}

/* The guest tells of the source and the host of the destination, and each of them does fault. */
static bool both_strings_fault(Isa isa, const Insn *insn, const NativeEnd *host,
                               const NativeEnd *guest)
{
    Span source = span_make(insn, insn->mem.segment, host->gpr[RSI], insn->op_width);
    Span target = span_make(insn, ES, host->gpr[RDI], insn->op_width);

    return read_fault_fits(isa, &source, guest) && read_fault_fits(isa, &target, host);
}

static Span memory_span(const Insn *insn, const NativeEnd *end)
{
    const MemOperand *mem = &insn->mem;
    uint64_t offset = (uint64_t)mem->disp;
    unsigned width = 0;

    offset += mem->base <= R15 ? end->gpr[mem->base] : 0;
    offset += mem->base == MEM_RIP ? end->rip + insn->length : 0;
    offset += mem->index <= R15 ? end->gpr[mem->index] * mem->scale : 0;
    for (unsigned i = 0; i < insn->n_operands; i++) {
        width = insn->op[i].kind == OPERAND_MEM ? insn->op[i].width : width;
    }
    return span_make(insn, mem->segment, offset, width != 0 ? width : FXSAVE_SIZE);
}

/* The guest tells of the limit that the operand goes beyond, the host of a page of it. */
static bool page_and_limit(Isa isa, const Insn *insn, const NativeEnd *host, const NativeEnd *guest)
{
    Span span = memory_span(insn, host);

    return limit_fault(isa, &span) == guest->vector && page_fault_fits(isa, &span, host);
}

/* The guest tells of the limit, the host of an address that is no multiple of 16. */
static bool alignment_and_limit(Isa isa, const Insn *insn, const NativeEnd *host,
                                const NativeEnd *guest)
{
    Span span = memory_span(insn, host);

    return limit_fault(isa, &span) == guest->vector && (span.offset & 15) != 0;
}

static bool same_line(const NativeEnd *end, const NativeLine *line)
{
    for (unsigned i = 0; i < MIN(end->n_lines, NATIVE_LINES); i++) {
        if (memcmp(&end->line[i], line, sizeof(*line)) == 0) {
            return true;
        }
    }
    return false;
}

/* Memory differs only in lines where eight registers are pushed. */
static bool pushed_partly(Isa isa, const Insn *insn, const NativeEnd *host, const NativeEnd *guest)
{
    uint64_t end = isa == ISA_16 ? NATIVE_SEGMENT + (host->gpr[RSP] & 0xffff) : host->gpr[RSP];
    uint64_t begin = end - insn->op_width * 8u;

    if (guest->n_lines > host->n_lines) {
        return false;
    }
    for (unsigned i = 0; i < MIN(host->n_lines, NATIVE_LINES); i++) {
        uint64_t at = NATIVE_WINDOW + host->line[i].offset;

        if ((at >= end || at + NATIVE_LINE <= begin) && !same_line(guest, &host->line[i])) {
            return false;
        }
    }
    return true;
}

/* Registers differ only where they are popped before the fault. */
static bool popped_partly(Isa isa, const Insn *insn, const NativeEnd *host, const NativeEnd *guest)
{
    uint64_t stack = isa == ISA_16 ? NATIVE_SEGMENT + (host->gpr[RSP] & 0xffff) : host->gpr[RSP];
    uint64_t popped = (host->address - stack) / insn->op_width; /* RDI, RSI and so on */

    for (unsigned reg = RAX; reg <= RDI; reg++) {
        if (host->gpr[reg] != guest->gpr[reg] && (reg == RSP || RDI - reg >= popped)) {
            return false;
        }
    }
    return true;
}

/* Both tell of the same element, the guest of one past 4 GiB. */
static bool wraps(Isa isa, const Insn *insn, const NativeEnd *host, const NativeEnd *guest)
{
    Span span = memory_span(insn, host);

    return page_fault_fits(isa, &span, host) &&
           guest->address - span.offset == ((host->address - span.offset) & span.mask);
}

static bool behind(Isa isa, const Insn *insn, const NativeEnd *host, const NativeEnd *guest)
{
    (void)isa;
    return guest->rip == host->rip + insn->length;
}

/* ---- Excuses ---- */

enum { /* in place of a mnemonic */
       ANY_INSN = 0,
       CMPS_INSN = 0xfff7,
       FXRSTOR_INSN,
       IMAGE_INSN,  /* x87 state is loaded */
       MASKED_INSN, /* VMASKMOV and kin */
       MASKMOV_INSN,
       POPA_INSN,
       PUSHA_INSN,
       TEN_BYTES_INSN, /* FBLD, FBSTP, FLD, FSTP */
       VECTOR_INSN
};
enum { ANY_END = 0xfd };
static const struct {
    uint16_t mnemonic;   /* or one of the above */
    uint8_t host, guest; /* how it ends: exception or NATIVE_END; host ANY_END: there or later */
    uint8_t differs;     /* all that may differ */
    const char *reason;
    /* NULL, or what must hold besides. */
    bool (*fits)(Isa isa, const Insn *insn, const NativeEnd *host, const NativeEnd *guest);
} excuses[] = {
    { MASKMOV_INSN, VECTOR_PF, ANY_END, DIFFERS_ANY, "bytes that are not stored may fault", NULL },
    { MASKMOV_INSN, VECTOR_GP, ANY_END, DIFFERS_ANY, "bytes that are not stored may fault", NULL },
    { MASKMOV_INSN, VECTOR_SS, ANY_END, DIFFERS_ANY, "bytes that are not stored may fault", NULL },
    { IMAGE_INSN, VECTOR_PF, VECTOR_PF, DIFFERS_ANY, "which byte of an image faults first", NULL },
    { IMAGE_INSN, VECTOR_PF, ANY_END, DIFFERS_FAULT, "order of an image's pages and the limit",
      page_and_limit },
    { IMAGE_INSN, VECTOR_AC, ANY_END, DIFFERS_FAULT, "order of #AC and an image's limit",
      alignment_and_limit },
    { TEN_BYTES_INSN, VECTOR_PF, ANY_END, DIFFERS_FAULT, "order of two parts, eight bytes and two",
      page_and_limit },
    /* a Zen 3 goes on from the beginning, a Zen 5 past it; all is open by SDM vol. 3, 5.3, where
     * the end is that of 4 GiB */
    { MASKED_INSN, VECTOR_PF, ANY_END, DIFFERS_FAULT, "elements past the last address",
      page_and_limit },
    { MASKED_INSN, VECTOR_PF, VECTOR_PF, DIFFERS_ADDRESS, "elements past the last address", wraps },
    { FXRSTOR_INSN, VECTOR_GP, VECTOR_SS, DIFFERS_FAULT,
      "order of #GP by alignment and #SS by address", alignment_and_limit },
    /* restarted they are popped, or pushed, again: SDM vol. 3, 6.6 */
    { POPA_INSN, VECTOR_PF, VECTOR_PF, DIFFERS_GPR, "registers popped before the fault",
      popped_partly },
    { PUSHA_INSN, VECTOR_PF, VECTOR_PF, DIFFERS_MEMORY, "what stands below the stack pointer",
      pushed_partly },
    { VECTOR_INSN, VECTOR_GP, VECTOR_SS, DIFFERS_FAULT,
      "order of #GP by alignment and #SS by address", NULL },
    { ZYDIS_MNEMONIC_CMPXCHG16B, VECTOR_GP, VECTOR_SS, DIFFERS_FAULT,
      "order of #GP by alignment and #SS by address", NULL },
    { FXRSTOR_INSN, VECTOR_AC, ANY_END, DIFFERS_ANY, "#AC may come in place of #GP", NULL },
    { FXRSTOR_INSN, ANY_END, VECTOR_GP, DIFFERS_ANY, "MXCSR bit 17 is AMD's", NULL },
    { ZYDIS_MNEMONIC_LDMXCSR, ANY_END, VECTOR_GP, DIFFERS_ANY, "MXCSR bit 17 is AMD's", NULL },
    { ZYDIS_MNEMONIC_VLDMXCSR, ANY_END, VECTOR_GP, DIFFERS_ANY, "MXCSR bit 17 is AMD's", NULL },
    { ANY_INSN, VECTOR_AC, VECTOR_PF, DIFFERS_FAULT, "order of #AC and #PF", NULL },
    { CMPS_INSN, VECTOR_PF, ANY_END, DIFFERS_FAULT, "which of two operands faults first",
      both_strings_fault },
    { CMPS_INSN, VECTOR_GP, ANY_END, DIFFERS_FAULT, "which of two operands faults first",
      both_strings_fault },
    { CMPS_INSN, VECTOR_AC, ANY_END, DIFFERS_FAULT, "which of two operands faults first",
      both_strings_fault },
    /* KVM intercepts #DB, and AMD saves the address of INT1 itself there: APM vol. 2, 15.12 */
    { ZYDIS_MNEMONIC_INT1, VECTOR_DB, VECTOR_DB, DIFFERS_RIP,
      "hypervisor: INT1's trap comes as a fault", behind },
};

static bool is_ten_bytes(const Insn *insn)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_MEM && insn->op[i].width == 10) {
            return true;
        }
    }
    return false;
}

static bool is_vector(const Insn *insn)
{
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind >= OPERAND_ST) {
            return true;
        }
    }
    return false;
}

static bool insn_fits(uint16_t row, const Insn *insn)
{
    switch (row) {
    case ANY_INSN:
        return true;
    case VECTOR_INSN:
        return is_vector(insn);
    case MASKMOV_INSN:
        return insn->mnemonic == ZYDIS_MNEMONIC_MASKMOVQ ||
               insn->mnemonic == ZYDIS_MNEMONIC_MASKMOVDQU ||
               insn->mnemonic == ZYDIS_MNEMONIC_VMASKMOVDQU;
    case CMPS_INSN: /* the mnemonic of CMPSD is SSE's too */
        return insn->map == 0 && (insn->opcode == 0xa6 || insn->opcode == 0xa7) &&
               insn->encoding == ENCODING_LEGACY;
    case IMAGE_INSN:
        return insn->mnemonic == ZYDIS_MNEMONIC_FLDENV || insn->mnemonic == ZYDIS_MNEMONIC_FRSTOR ||
               insn_fits(FXRSTOR_INSN, insn);
    case FXRSTOR_INSN:
        return insn->mnemonic == ZYDIS_MNEMONIC_FXRSTOR ||
               insn->mnemonic == ZYDIS_MNEMONIC_FXRSTOR64;
    case MASKED_INSN:
        return insn->mnemonic == ZYDIS_MNEMONIC_VMASKMOVPS ||
               insn->mnemonic == ZYDIS_MNEMONIC_VMASKMOVPD ||
               insn->mnemonic == ZYDIS_MNEMONIC_VPMASKMOVD ||
               insn->mnemonic == ZYDIS_MNEMONIC_VPMASKMOVQ;
    case TEN_BYTES_INSN:
        return is_ten_bytes(insn);
    case POPA_INSN:
        return insn->map == 0 && insn->opcode == 0x61 && insn->code_width != 8;
    case PUSHA_INSN:
        return insn->map == 0 && insn->opcode == 0x60 && insn->code_width != 8;
    default:
        return row == insn->mnemonic;
    }
}

/* The excuse of the instruction at `rip`, where the ends part; a jump may have led into another. */
static const char *excuse_at(Isa isa, const NativeTest *test, uint64_t rip, const NativeEnd *host,
                             const NativeEnd *guest)
{
    unsigned differs = native_differences(isa, host, guest, NULL);
    uint64_t at = rip - test->start.rip;
    uint64_t at_rip = host->vector == NATIVE_END ? guest->rip : host->rip; /* that faulted */
    Insn insn;

    if (at >= test->length ||
        insn_decode(&insn, test->code + at, test->length - at, isa_code_width(isa)) != INSN_OK) {
        return NULL;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(excuses); i++) {
        bool later = excuses[i].host == ANY_END;

        if (insn_fits(excuses[i].mnemonic, &insn) && rip == (later ? guest->rip : at_rip) &&
            (host->vector == excuses[i].host || later) &&
            (guest->vector == excuses[i].guest || excuses[i].guest == ANY_END) &&
            (differs & ~(unsigned)excuses[i].differs) == 0 &&
            (excuses[i].fits == NULL || excuses[i].fits(isa, &insn, host, guest))) {
            return excuses[i].reason;
        }
    }
    return NULL;
}

const char *native_excuse(Isa isa, const NativeTest *test, const NativeEnd *host,
                          const NativeEnd *guest)
{
    const char *reason = excuse_at(isa, test, guest->rip, host, guest);

    return reason != NULL ? reason : excuse_at(isa, test, host->rip, host, guest);
}
