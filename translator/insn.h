/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_INSN_H
#define TRANSLATOR_INSN_H
/* insn.h - one decoded guest instruction: what interpreter, translator, dumps and checks all read.
 *
 * Filled from Zydis by insn_decode; holds no address, so that it may be cached by its bytes.
 * `mnemonic` is a ZydisMnemonic; the constants come from <Zydis/Mnemonic.h>.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INSN_MAX_LENGTH = 15, INSN_MAX_OPERANDS = 5 };

typedef enum OperandKind {
    OPERAND_NONE,
    OPERAND_GPR,      /* reg: Gpr number */
    OPERAND_GPR_HIGH, /* AH, CH, DH, BH; reg: 0 to 3, the register it is the second byte of */
    OPERAND_SEGMENT,  /* reg: SegmentName */
    OPERAND_CR,
    OPERAND_DR,
    OPERAND_MEM,  /* the instruction's one memory operand: see Insn.mem */
    OPERAND_IMM,  /* value in Insn.imm, sign- or zero-extended as the instruction does */
    OPERAND_IMM2, /* the second immediate, Insn.imm2 (ENTER, EXTRQ) */
    OPERAND_REL,  /* branch displacement, Insn.imm, relative to the next instruction */
    OPERAND_FAR,  /* ptr16:16 or ptr16:32; offset in Insn.imm, selector in Insn.imm2 */
    OPERAND_ST,   /* x87 stack register */
    OPERAND_MMX,
    OPERAND_VECTOR, /* XMM, YMM or ZMM by width */
    OPERAND_MASK,   /* k0 to k7 */
    OPERAND_BOUND,  /* bnd0 to bnd3: MPX, never enabled */
    OPERAND_OTHER,
} OperandKind;

/* Where in the encoding an operand's register stands. */
typedef enum OperandPlace {
    PLACE_NONE,   /* implied by the opcode, or an immediate */
    PLACE_REG,    /* ModRM.reg */
    PLACE_RM,     /* ModRM.rm, register or memory */
    PLACE_OPCODE, /* low three bits of the opcode */
    PLACE_VVVV,   /* VEX.vvvv */
    PLACE_IS4,    /* immediate bits 4 to 7 */
} OperandPlace;

typedef struct Operand {
    uint8_t kind; /* OperandKind */
    uint8_t reg;
    uint8_t
        width;     /* bytes: 1, 2, 4, 8, 10, 16, 32, 64; memory of special forms: whole size
                    * (FXSAVE 512, far pointers 4, 6, 10); 0 where it has none (LEA, INVLPG: agen) */
    bool read : 1; /* the old value matters: also where the write is conditional (CMOV) */
    bool write : 1;
    uint8_t place : 6; /* OperandPlace */
} Operand;

enum { MEM_NO_REG = 0xff, MEM_RIP = 0xfe };

/* Effective address = base + index * scale + disp, truncated to address_width. */
typedef struct MemOperand {
    uint8_t base;    /* Gpr, MEM_RIP (next instruction's address) or MEM_NO_REG */
    uint8_t index;   /* Gpr or MEM_NO_REG; with vsib a vector register */
    uint8_t scale;   /* 1, 2, 4, 8; 0 without index */
    uint8_t segment; /* SegmentName that applies, default or by prefix */
    bool vsib;       /* gather: index is a vector register */
    int64_t disp;    /* sign-extended; for moffs the whole address */
} MemOperand;

enum { /* Insn.prefix */
       PREFIX_LOCK = 1u << 0,
       PREFIX_REP = 1u << 1,   /* F3, as a repeat prefix or otherwise not part of the opcode */
       PREFIX_REPNE = 1u << 2, /* F2, likewise */
       PREFIX_OPSIZE = 1u << 3,
       PREFIX_ADDRSIZE = 1u << 4,
       PREFIX_SEGMENT = 1u << 5,
       PREFIX_REX = 1u << 6,
       PREFIX_REX_W = 1u << 7,
};

typedef enum InsnEncoding {
    ENCODING_LEGACY,
    ENCODING_3DNOW,
    ENCODING_XOP,
    ENCODING_VEX,
    ENCODING_EVEX,
    ENCODING_MVEX,
} InsnEncoding;

/* What most instructions need to be executed comes first, in 40 bytes, so that a decode cache can
 * put it into one cache line with something of its own. */
typedef struct Insn {
    uint16_t mnemonic;     /* ZydisMnemonic; ZYDIS_MNEMONIC_INVALID: undecodable, raise #UD */
    uint8_t length;        /* bytes; 0 when invalid */
    uint8_t code_width;    /* of the code segment it was decoded for: 2, 4 or 8 */
    uint8_t op_width;      /* effective operand size: 1, 2, 4 or 8 (stack and near branches in
                            * 64-bit mode: 8 or 2, as executed) */
    uint8_t address_width; /* effective address size: 2, 4 or 8 */
    uint8_t prefix;        /* PREFIX_* */
    uint8_t opcode;
    int64_t imm;
    MemOperand mem;
    Operand op[INSN_MAX_OPERANDS]; /* explicit operands in Intel order, hidden ones left out */
    uint8_t n_operands;
    uint8_t encoding;  /* InsnEncoding */
    uint8_t mandatory; /* 66, F2 or F3 where it is part of the opcode, else 0 */
    uint8_t map;       /* opcode map: 0 one-byte, 1 0F, 2 0F38, 3 0F3A (VEX and EVEX alike) */
    uint8_t modrm;     /* valid where has_modrm */
    bool has_modrm;
    bool has_mem;         /* an operand is OPERAND_MEM */
    uint8_t vector_width; /* 16, 32 or 64 for VEX and EVEX, else 0 */
    uint16_t cpuid;       /* InsnFeature that it needs: see insn_feature.h; 0: every x86 has it */
    /* Places in bytes[], for re-encoding; 0 when absent. */
    uint8_t opcode_at, modrm_at, disp_at, disp_size, imm_at, imm_size;
    int32_t imm2;
    uint8_t bytes[16]; /* as fetched; zero past length */
} Insn;

/* Decodes one instruction. `code` holds up to `available` bytes; `code_width` is 2, 4 or 8.
 * INSN_TRUNCATED: more bytes are needed than available (never when available >= 15). INSN_BAD:
 * no such instruction, insn->mnemonic is invalid, or longer than 15 bytes (insn_too_long: #GP). */
typedef enum InsnStatus { INSN_OK, INSN_TRUNCATED, INSN_BAD, INSN_TOO_LONG } InsnStatus;
InsnStatus insn_decode(Insn *insn, const uint8_t *code, size_t available, unsigned code_width);

/* The mnemonic in lower case, "(bad)" for an invalid one. Static storage. */
const char *insn_name(const Insn *insn);

/* One line of Intel syntax, with absolute branch targets for the instruction at `address`. */
void insn_format(const Insn *insn, uint64_t address, char *text, size_t size);

/* Does it use x87, MMX, SSE or AVX state, XSAVE's images included? */
bool insn_uses_vector(const Insn *insn);

/* JMP, CALL and RET have far forms of the same mnemonic: FF /3 and /5, EA, 9A, CA, CB. */
static inline bool insn_is_far(const Insn *insn)
{
    if (insn->opcode == 0xff) {
        unsigned reg = insn->modrm >> 3 & 7;

        return reg == 3 || reg == 5;
    }
    return insn->op[0].kind == OPERAND_FAR || insn->opcode == 0xca || insn->opcode == 0xcb;
}

#endif
