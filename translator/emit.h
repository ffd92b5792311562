/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_EMIT_H
#define TRANSLATOR_EMIT_H
/* emit.h - host x86-64 machine code, byte by byte; knows nothing of guests.
 *
 * An emitter writes into a buffer of fixed size; past its end it only sets `full`, so that callers
 * check once, at the end.  Positions are offsets from the start.  Register numbers are encodings.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Emitter {
    uint8_t *start;
    uint32_t at, size;
    bool full;
} Emitter;

enum { HOST_RAX, HOST_RCX, HOST_RDX, HOST_RBX, HOST_RSP, HOST_RBP, HOST_RSI, HOST_RDI };
enum { HOST_NONE = 0xff };

/* An opcode with what goes in front of it. */
typedef struct Opcode {
    uint8_t prefix; /* 66, F2 or F3 that belongs to the opcode; 0: none */
    uint8_t map;    /* 0 one-byte, 1 0F, 2 0F38, 3 0F3A */
    uint8_t code;
    uint8_t width; /* operand size: 8 sets REX.W, 2 adds a 66 */
    bool lock;
    bool byte_reg; /* ModRM.reg is a byte register: SPL to DIL need a REX prefix */
    bool byte_rm;
} Opcode;

/* [base + index * scale + disp]; without a base disp has 32 bits. */
typedef struct Address {
    uint8_t base, index, scale;
    int32_t disp;
} Address;

typedef enum Alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP } Alu;
enum { CC_B = 2, CC_NB = 3, CC_E = 4, CC_NE = 5, CC_A = 7, CC_NS = 9, CC_L = 12 };

void emit_u8(Emitter *e, uint8_t value);
void emit_u16(Emitter *e, uint16_t value);
void emit_u32(Emitter *e, uint32_t value);
void emit_u64(Emitter *e, uint64_t value);
void emit_bytes(Emitter *e, const uint8_t *bytes, unsigned n);

/* Whole instructions from parts; immediates follow with emit_u*. */
void emit_op_rr(Emitter *e, const Opcode *op, unsigned reg, unsigned rm);
void emit_op_rm(Emitter *e, const Opcode *op, unsigned reg, const Address *address);

/* ModRM, SIB and displacement alone, behind an opcode that the caller has emitted. */
void emit_modrm_address(Emitter *e, unsigned reg, const Address *address);

void emit_mov_rr(Emitter *e, unsigned width, unsigned to, unsigned from);
void emit_mov_ri(Emitter *e, unsigned to, int64_t value); /* 64-bit, shortest form */
void emit_load(Emitter *e, unsigned width, unsigned to, unsigned base, int32_t disp);
void emit_load_from(Emitter *e, unsigned to, const Address *address); /* 64-bit */
void emit_store(Emitter *e, unsigned width, unsigned base, int32_t disp, unsigned from);
void emit_lea(Emitter *e, unsigned width, unsigned to, const Address *address);
void emit_alu_rr(Emitter *e, unsigned width, Alu alu, unsigned to, unsigned from);
void emit_alu_ri(Emitter *e, unsigned width, Alu alu, unsigned to, int32_t value);
void emit_alu_rm(Emitter *e, unsigned width, Alu alu, unsigned to, unsigned base, int32_t disp);
/* With a 64-bit constant in the code, RIP-relative: the place of the displacement, to be linked. */
uint32_t emit_alu_literal(Emitter *e, Alu alu, unsigned to);
void emit_alu_mi(Emitter *e, unsigned width, Alu alu, unsigned base, int32_t disp, int32_t value);
void emit_shift_ri(Emitter *e, unsigned width, unsigned extension, unsigned reg, unsigned count);

void emit_rorx(Emitter *e, unsigned width, unsigned to, unsigned from, unsigned count); /* BMI2 */

/* Branches with a 32-bit displacement; the result is the place of the displacement. */
uint32_t emit_jmp(Emitter *e);
uint32_t emit_jcc(Emitter *e, unsigned cc);
uint32_t emit_call(Emitter *e);
void emit_ret(Emitter *e);
void emit_link(Emitter *e, uint32_t place, uint32_t target); /* patches a displacement */
/* Through [base + disp]. */
void emit_jmp_m(Emitter *e, const Address *address);
void emit_push_m(Emitter *e, const Address *address);
void emit_call_m(Emitter *e, unsigned base, int32_t disp);

#endif
