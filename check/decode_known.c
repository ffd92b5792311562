/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/decode_known.h"
#include <Zydis/Mnemonic.h>
#include <glib.h>
#include <string.h>

/* Names that Zydis and Capstone give the same thing. */
static const char *const names[][2] = {
    { "jb", "jc" },         { "jnb", "jae" },         { "jnbe", "ja" },       { "jz", "je" },
    { "jnz", "jne" },       { "jnl", "jge" },         { "jnle", "jg" },       { "setnb", "setae" },
    { "setnbe", "seta" },   { "setz", "sete" },       { "setnz", "setne" },   { "setnl", "setge" },
    { "setnle", "setg" },   { "cmovnb", "cmovae" },   { "cmovnbe", "cmova" }, { "cmovz", "cmove" },
    { "cmovnz", "cmovne" }, { "cmovnl", "cmovge" },   { "cmovnle", "cmovg" }, { "shl", "sal" },
    { "xlat", "xlatb" },    { "fwait", "wait" },      { "movsxd", "movsx" },  { "iret", "iretw" },
    { "mov", "movabs" },    { "icebp", "int1" },      { "pushad", "pushal" }, { "popad", "popal" },
    { "pusha", "pushaw" },  { "popa", "popaw" },      { "jmp", "ljmp" },      { "call", "lcall" },
    { "ret", "retf" },      { "fcmovnbe", "fcmova" }, { "fstp", "fstpnce" },  { "salc", "salc" },
    { "fxch", "fxch4" },    { "fxch", "fxch7" },      { "fcom", "fcom2" },    { "fcomp", "fcomp3" },
};

static bool names_agree(const char *a, const char *b)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(a, names[i][0]) == 0 && strcmp(b, names[i][1]) == 0) {
            return true;
        }
    }
    return strcmp(a, b) == 0;
}

/* Capstone puts prefixes before the mnemonic, and comparisons' conditions into it. */
bool decode_agrees(const Insn *insn, const cs_insn *other)
{
    const char *name;

    if (insn->length == 0 || other == NULL) {
        return insn->length == 0 && other == NULL;
    }
    name = strrchr(other->mnemonic, ' ');
    return insn->length == other->size &&
           names_agree(insn_name(insn), name != NULL ? name + 1 : other->mnemonic);
}

/* A 66, F2 or F3 before an opcode of the 0F maps, or any prefix before VEX. */
static bool has_prefix(const Insn *insn)
{
    for (unsigned i = 0; i < sizeof(insn->bytes); i++) {
        switch (insn->bytes[i]) {
        case 0x66:
        case 0xf2:
        case 0xf3:
        case 0xf0:
            return true;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
        case 0x67:
            break;
        default:
            return (insn->bytes[i] & 0xf0) == 0x40 && /* REX before VEX */
                   (insn->bytes[i + 1] == 0xc4 || insn->bytes[i + 1] == 0xc5);
        }
    }
    return false;
}

static bool prefix_ignored(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    (void)code_width;
    (void)other;
    return has_prefix(insn);
}

/* Zydis names the newer instruction that stands where there was a NOP, and the other way round. */
static bool hint(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    (void)other;
    (void)code_width;
    return insn->map == 1 && insn->opcode >= 0x18 && insn->opcode <= 0x1f && other != NULL;
}

static bool zydis_refuses(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    (void)code_width;
    return insn->length == 0 && other != NULL;
}

static bool width_named(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    (void)code_width;
    return insn->length != 0 && other != NULL && insn->length == other->size &&
           (strncmp(insn_name(insn), other->mnemonic, 2) == 0 || insn->opcode == 0x98 ||
            insn->opcode == 0x99);
}

static bool capstone_lacks(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    (void)code_width;
    return insn->length != 0 && other == NULL;
}

static bool undefined_opcode(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    (void)other;
    (void)code_width;
    return insn->mnemonic == ZYDIS_MNEMONIC_UD0 || insn->mnemonic == ZYDIS_MNEMONIC_UD1;
}

static bool branch_width(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    return code_width == 8 && (insn->prefix & (PREFIX_OPSIZE | PREFIX_ADDRSIZE)) &&
           insn->n_operands == 1 && insn->op[0].kind == OPERAND_REL && other != NULL &&
           other->size + 2 == insn->length;
}

/* CMPPS and its kin: the condition is in Capstone's mnemonic. */
static bool condition_named(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    const char *name = insn_name(insn), *theirs = other != NULL ? other->mnemonic : "";
    size_t n = strlen(name), m = strlen(theirs);

    (void)code_width;
    return n > 2 && m > n && insn->length == other->size && strstr(name, "cmp") != NULL &&
           strstr(theirs, "cmp") != NULL && strcmp(name + n - 2, theirs + m - 2) == 0;
}

/* 67 in front of another prefix: E3 by the name of a wider counter. */
static bool counter_named(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    (void)code_width;
    return insn->length != 0 && other != NULL && insn->length == other->size && insn->map == 0 &&
           insn->opcode == 0xe3 && strstr(other->mnemonic, "cxz") != NULL;
}

static const struct {
    bool (*fits)(const Insn *insn, const cs_insn *other, unsigned code_width);
    const char *reason;
} rows[] = {
    { condition_named, "Capstone puts the condition of a comparison into its name" },
    { undefined_opcode, "UD0 and UD1 have a ModRM byte (SDM vol. 2, UD)" },
    { counter_named, "Capstone forgets 67 before another prefix in the names of JCXZ and its kin" },
    { branch_width,
      "66 before a near branch in 64-bit code: Intel ignores it, AMD does not; 67 never counts" },
    { prefix_ignored, "Capstone ignores prefixes that make an opcode another or none" },
    { hint, "NOPs that have become instructions, under either name" },
    { width_named, "the same instruction by the name of another operand size" },
    { zydis_refuses,
      "Capstone takes reserved encodings: VEX.W, VEX.L, CR1, PadLock, REX before prefixes" },
    { capstone_lacks, "Capstone does not know the instruction" },
};

const char *decode_known(const Insn *insn, const cs_insn *other, unsigned code_width)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].fits(insn, other, code_width)) {
            return rows[i].reason;
        }
    }
    return NULL;
}
