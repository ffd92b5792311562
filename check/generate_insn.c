/* SPDX-License-Identifier: GPL-2.0-or-later */
/* generate_insn.c - bytes of random instructions, and which of them can be compared. */
#include <string.h>
#include "check/generate_int.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/rows.h"

static const bool vector_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
#define INSN(mnemonic, exec, lowering, written, read) [ZYDIS_MNEMONIC_##mnemonic] = true,
#include "translator/insns_vector.def"
#undef INSN
};

/* Instructions whose result depends on the host's system, on time or on chance, or that would do
 * something to the process. */
static const uint16_t unwanted[] = {
    /* system calls and interrupts */
    ZYDIS_MNEMONIC_SYSCALL, ZYDIS_MNEMONIC_SYSENTER, ZYDIS_MNEMONIC_SYSRET, ZYDIS_MNEMONIC_SYSEXIT,
    ZYDIS_MNEMONIC_INT, ZYDIS_MNEMONIC_IRET, ZYDIS_MNEMONIC_IRETD, ZYDIS_MNEMONIC_IRETQ,
    /* time, chance, identity */
    ZYDIS_MNEMONIC_RDTSC, ZYDIS_MNEMONIC_RDTSCP, ZYDIS_MNEMONIC_RDPMC, ZYDIS_MNEMONIC_RDPID,
    ZYDIS_MNEMONIC_RDRAND, ZYDIS_MNEMONIC_RDSEED, ZYDIS_MNEMONIC_CPUID, ZYDIS_MNEMONIC_XGETBV,
    ZYDIS_MNEMONIC_RDPKRU, ZYDIS_MNEMONIC_WRPKRU, ZYDIS_MNEMONIC_RDFSBASE, ZYDIS_MNEMONIC_RDGSBASE,
    ZYDIS_MNEMONIC_WRFSBASE, ZYDIS_MNEMONIC_WRGSBASE,
    /* the host's descriptors */
    ZYDIS_MNEMONIC_SGDT, ZYDIS_MNEMONIC_SIDT, ZYDIS_MNEMONIC_SLDT, ZYDIS_MNEMONIC_STR,
    ZYDIS_MNEMONIC_SMSW, ZYDIS_MNEMONIC_LAR, ZYDIS_MNEMONIC_LSL, ZYDIS_MNEMONIC_VERR,
    ZYDIS_MNEMONIC_VERW, ZYDIS_MNEMONIC_LDS, ZYDIS_MNEMONIC_LES, ZYDIS_MNEMONIC_LFS,
    ZYDIS_MNEMONIC_LGS, ZYDIS_MNEMONIC_LSS,
    /* images with addresses of the last x87 instruction, or components that differ by host */
    ZYDIS_MNEMONIC_FNSTENV, ZYDIS_MNEMONIC_FNSAVE, ZYDIS_MNEMONIC_FXSAVE, ZYDIS_MNEMONIC_FXSAVE64,
    ZYDIS_MNEMONIC_XSAVE, ZYDIS_MNEMONIC_XSAVE64, ZYDIS_MNEMONIC_XSAVEC, ZYDIS_MNEMONIC_XSAVEC64,
    ZYDIS_MNEMONIC_XSAVEOPT, ZYDIS_MNEMONIC_XSAVEOPT64, ZYDIS_MNEMONIC_XSAVES,
    ZYDIS_MNEMONIC_XSAVES64, ZYDIS_MNEMONIC_XRSTOR, ZYDIS_MNEMONIC_XRSTOR64, ZYDIS_MNEMONIC_XRSTORS,
    ZYDIS_MNEMONIC_XRSTORS64,
    /* waits */
    ZYDIS_MNEMONIC_UMONITOR, ZYDIS_MNEMONIC_UMWAIT, ZYDIS_MNEMONIC_TPAUSE, ZYDIS_MNEMONIC_CLDEMOTE,
    ZYDIS_MNEMONIC_XBEGIN, ZYDIS_MNEMONIC_XABORT
};

bool insn_is_vector(const Insn *insn)
{
    return vector_rows[insn->mnemonic];
}

static bool is_branch(const Insn *insn)
{
    return insn->mnemonic == ZYDIS_MNEMONIC_CALL || insn->mnemonic == ZYDIS_MNEMONIC_JMP ||
           insn->mnemonic == ZYDIS_MNEMONIC_RET ||
           (insn->n_operands == 1 && insn->op[0].kind == OPERAND_REL);
}

static bool is_far(const Insn *insn)
{
    return (insn->map == 0 && (insn->opcode == 0xca || insn->opcode == 0xcb)) ||
           (insn->map == 0 && insn->opcode == 0xff && (insn->modrm & 0x28) != 0 &&
            (insn->modrm & 8) != 0 && is_branch(insn)) ||
           (insn->n_operands != 0 && insn->op[0].kind == OPERAND_FAR);
}

bool insn_is_wanted(const Insn *insn, const Cpu *cpu)
{
    if (exec_row(insn->mnemonic) == NULL || insn->encoding == ENCODING_EVEX ||
        (insn->cpuid != 0 && !cpu_has_feature(cpu, insn->cpuid)) || is_far(insn)) {
        return false;
    }
    /* AMD truncates RIP, Intel ignores the prefix: SDM vol. 2, "Jcc" and APM vol. 3, "Jcc" */
    if (is_branch(insn) && insn->code_width == 8 && (insn->prefix & PREFIX_OPSIZE)) {
        return false;
    }
    /* SDM vol. 1 B.2 reserves it; AMD's LOOPE and LOOPNE take their condition from the prefix */
    if ((insn->prefix & (PREFIX_REP | PREFIX_REPNE)) && is_branch(insn)) {
        return false;
    }
    /* PREFETCH of a register: Intel does nothing, AMD refuses it */
    if (insn->map == 1 && insn->opcode == 0x0d && insn->modrm >= 0xc0) {
        return false;
    }
    /* Intel refuses addresses that are not a multiple of 16, AMD does not */
    if (insn->cpuid == INSN_FEATURE_SHA && insn->has_mem) {
        return false;
    }
    for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
        if (unwanted[i] == insn->mnemonic) {
            return false;
        }
    }
    for (unsigned i = 0; i < insn->n_operands; i++) {
        if (insn->op[i].kind == OPERAND_SEGMENT && insn->op[i].write) {
            return false;
        }
    }
    return true;
}

/* ---- Bytes ---- */

static unsigned put_map(unsigned map, uint8_t *bytes)
{
    static const uint8_t second[] = { 0, 0, 0x38, 0x3a };

    if (map == 0) {
        return 0;
    }
    bytes[0] = 0x0f;
    bytes[1] = second[map];
    return map == 1 ? 1 : 2;
}

unsigned template_head(const Template *t, uint8_t *bytes)
{
    unsigned n = 0;

    if (t->vex != 0) {
        bytes[0] = 0xc4;
        bytes[1] = 0xe0 | t->map;
        bytes[2] = (uint8_t)((t->vex & 8) << 4 | 0x78 | (t->vex & 7));
        bytes[3] = t->opcode;
        return 4;
    }
    if (t->prefix != 0) {
        bytes[n++] = t->prefix;
    }
    if (t->rex != 0) {
        bytes[n++] = t->rex;
    }
    n += put_map(t->map, bytes + n);
    bytes[n++] = t->opcode;
    return n;
}

/* In 16-bit code the prefixes that lead to 32-bit operands and addresses are common. */
static unsigned legacy_prefixes(const Template *t, Isa isa, Random *random, uint8_t *bytes)
{
    static const uint8_t segments[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };
    uint64_t pick = random_next(random), rare = isa == ISA_16 ? 3 : 31;
    unsigned n = 0;

    if (t->prefix == 0 && t->vex == 0 && (pick & 7) <= (isa == ISA_16 ? 2 : 0)) {
        bytes[n++] = 0x66;
    }
    if ((pick >> 3 & rare) == 0) {
        bytes[n++] = 0x67;
    }
    if ((pick >> 8 & 31) == 0) {
        bytes[n++] = segments[(pick >> 40) % sizeof(segments)];
    }
    if (t->vex == 0 && (pick >> 13 & 31) == 0) {
        bytes[n++] = 0xf0;
    }
    if (t->vex == 0 && t->prefix == 0 && (pick >> 18 & 31) == 0) {
        bytes[n++] = pick >> 48 & 1 ? 0xf2 : 0xf3;
    }
    return n;
}

static unsigned fill_legacy(const Template *t, Isa isa, Random *random, uint8_t *bytes)
{
    uint64_t pick = random_next(random);
    uint8_t rex = t->rex;
    unsigned n = 0;

    if (t->prefix != 0) {
        bytes[n++] = t->prefix;
    }
    if (isa == ISA_64 && (pick & 1) != 0) {
        rex |= 0x40 | (pick >> 8 & 7) | ((pick >> 16 & 3) == 0 ? 8 : 0);
    }
    if (rex != 0) {
        bytes[n++] = rex;
    }
    n += put_map(t->map, bytes + n);
    bytes[n++] = t->opcode;
    return n;
}

static unsigned fill_vex(const Template *t, Isa isa, Random *random, uint8_t *bytes)
{
    uint64_t pick = random_next(random);
    unsigned n = template_head(t, bytes);

    if (isa == ISA_64) {
        bytes[1] = (uint8_t)((bytes[1] & 0x1f) | (pick & 0xe0));
    }
    if (t->vvvv) {
        bytes[2] = (uint8_t)((bytes[2] & 0x87) | (pick >> 8 & (isa == ISA_64 ? 0x78 : 0x38)) |
                             (isa == ISA_64 ? 0 : 0x40));
    }
    if ((bytes[1] & 0x7f) == 0x61 && (bytes[2] & 0x80) == 0 && (pick >> 16 & 1)) {
        bytes[1] = (uint8_t)((bytes[1] & 0x80) | (bytes[2] & 0x7f)); /* the two-byte form */
        bytes[0] = 0xc5;
        bytes[2] = bytes[3];
        n = 3;
    }
    return n;
}

/* ModRM and SIB; the displacement is among what follows. */
static unsigned fill_modrm(const Template *t, Random *random, uint8_t *bytes)
{
    uint64_t pick = random_next(random);
    uint8_t modrm = t->modrm;

    if (t->free_reg) {
        modrm = (uint8_t)((modrm & ~0x38) | (pick & 0x38));
    }
    if (modrm >= 0xc0) {
        bytes[0] = (uint8_t)(t->free_rm ? (modrm & ~7) | (pick >> 8 & 7) : modrm);
        return 1;
    }
    bytes[0] = (uint8_t)((modrm & 0x38) | (pick >> 16) % 3 << 6 | (pick >> 8 & 7));
    if ((bytes[0] & 7) == 4) {
        bytes[1] = (uint8_t)(pick >> 24);
        return 2;
    }
    return 1;
}

/* Displacements and immediates, as far as an instruction takes them. */
static void fill_numbers(Random *random, uint8_t *bytes, unsigned n)
{
    static const uint8_t edges[] = { 0, 1, 2, 7, 8, 15, 31, 63, 64, 0x7f, 0x80, 0xff };
    uint64_t pick = random_next(random), more = random_next(random);

    memcpy(bytes, &more, n < 8 ? n : 8);
    if ((pick & 3) == 0) {
        memset(bytes, pick & 4 ? 0xff : 0, n);
        bytes[0] = (uint8_t)more;
    } else if ((pick & 3) == 1) {
        for (unsigned i = 0; i < n; i++) {
            bytes[i] = edges[(more >> (i * 5 & 63)) % sizeof(edges)];
        }
    }
}

void template_fill(const Template *t, Isa isa, Random *random, uint8_t *bytes)
{
    unsigned n = legacy_prefixes(t, isa, random, bytes);

    n += (t->vex != 0 ? fill_vex : fill_legacy)(t, isa, random, bytes + n);
    if (t->has_modrm) {
        n += fill_modrm(t, random, bytes + n);
    }
    fill_numbers(random, bytes + n, INSN_MAX_LENGTH - n < 8 ? INSN_MAX_LENGTH - n : 8);
}
