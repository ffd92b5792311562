/* SPDX-License-Identifier: GPL-2.0-or-later */
/* emit.c - encodings after SDM vol. 2 chapter 2. */
#include "translator/emit.h"
#include <string.h>

void emit_bytes(Emitter *e, const uint8_t *bytes, unsigned n)
{
    if (n > e->size - e->at) {
        e->full = true;
        return;
    }
    memcpy(e->start + e->at, bytes, n);
    e->at += n;
}

void emit_u8(Emitter *e, uint8_t value)
{
    if (e->at >= e->size) {
        e->full = true;
        return;
    }
    e->start[e->at++] = value;
}

void emit_u16(Emitter *e, uint16_t value)
{
    emit_bytes(e, (const uint8_t *)&value, 2);
}

void emit_u32(Emitter *e, uint32_t value)
{
    emit_bytes(e, (const uint8_t *)&value, 4);
}

void emit_u64(Emitter *e, uint64_t value)
{
    emit_bytes(e, (const uint8_t *)&value, 8);
}

static bool byte_needs_rex(bool byte, unsigned reg)
{
    return byte && reg >= HOST_RSP && reg <= HOST_RDI;
}

static void emit_head(Emitter *e, const Opcode *op, unsigned reg, unsigned index, unsigned rm,
                      bool force_rex)
{
    uint8_t rex = (uint8_t)((op->width == 8 ? 8 : 0) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 |
                            (rm >> 3 & 1));

    if (op->lock) {
        emit_u8(e, 0xf0);
    }
    if (op->width == 2) {
        emit_u8(e, 0x66);
    }
    if (op->prefix != 0) {
        emit_u8(e, op->prefix);
    }
    if (rex != 0 || force_rex) {
        emit_u8(e, 0x40 | rex);
    }
    if (op->map != 0) {
        emit_u8(e, 0x0f);
        if (op->map == 2) {
            emit_u8(e, 0x38);
        } else if (op->map == 3) {
            emit_u8(e, 0x3a);
        }
    }
    emit_u8(e, op->code);
}

void emit_op_rr(Emitter *e, const Opcode *op, unsigned reg, unsigned rm)
{
    emit_head(e, op, reg, 0, rm,
              byte_needs_rex(op->byte_reg, reg) || byte_needs_rex(op->byte_rm, rm));
    emit_u8(e, (uint8_t)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

void emit_modrm_address(Emitter *e, unsigned reg, const Address *a)
{
    bool sib = a->index != HOST_NONE || (a->base & 7) == HOST_RSP;
    unsigned mod;
    static const uint8_t scale_bits[9] = { [1] = 0, [2] = 1, [4] = 2, [8] = 3 };

    reg = (reg & 7) << 3;
    if (a->base == HOST_NONE) {
        unsigned index = a->index == HOST_NONE ? 4 : a->index & 7u;

        emit_u8(e, (uint8_t)(reg | 4));
        emit_u8(e, (uint8_t)((sib ? scale_bits[a->scale] : 0) << 6 | index << 3 | 5));
        emit_u32(e, (uint32_t)a->disp);
        return;
    }
    if (a->disp == 0 && (a->base & 7) != HOST_RBP) {
        mod = 0;
    } else if (a->disp >= -128 && a->disp <= 127) {
        mod = 0x40;
    } else {
        mod = 0x80;
    }
    if (sib) {
        unsigned index = a->index == HOST_NONE ? 4 : a->index & 7u;
        unsigned scale = a->index == HOST_NONE ? 0 : scale_bits[a->scale];

        emit_u8(e, (uint8_t)(mod | reg | 4));
        emit_u8(e, (uint8_t)(scale << 6 | index << 3 | (a->base & 7)));
    } else {
        emit_u8(e, (uint8_t)(mod | reg | (a->base & 7)));
    }
    if (mod == 0x40) {
        emit_u8(e, (uint8_t)a->disp);
    } else if (mod == 0x80) {
        emit_u32(e, (uint32_t)a->disp);
    }
}

void emit_op_rm(Emitter *e, const Opcode *op, unsigned reg, const Address *address)
{
    emit_head(e, op, reg, address->index == HOST_NONE ? 0 : address->index,
              address->base == HOST_NONE ? 0 : address->base, byte_needs_rex(op->byte_reg, reg));
    emit_modrm_address(e, reg, address);
}

void emit_mov_rr(Emitter *e, unsigned width, unsigned to, unsigned from)
{
    emit_op_rr(e, &(Opcode){ .code = 0x8b, .width = (uint8_t)width }, to, from);
}

void emit_mov_ri(Emitter *e, unsigned to, int64_t value)
{
    if (value == (int64_t)(uint32_t)value) {
        if (to >= 8) {
            emit_u8(e, 0x41);
        }
        emit_u8(e, (uint8_t)(0xb8 | (to & 7)));
        emit_u32(e, (uint32_t)value);
    } else if (value == (int32_t)value) {
        emit_op_rr(e, &(Opcode){ .code = 0xc7, .width = 8 }, 0, to);
        emit_u32(e, (uint32_t)value);
    } else {
        emit_u8(e, (uint8_t)(0x48 | (to >> 3)));
        emit_u8(e, (uint8_t)(0xb8 | (to & 7)));
        emit_u64(e, (uint64_t)value);
    }
}

static Address based(unsigned base, int32_t disp)
{
    return (Address){ .base = (uint8_t)base, .index = HOST_NONE, .disp = disp };
}

void emit_load(Emitter *e, unsigned width, unsigned to, unsigned base, int32_t disp)
{
    Address address = based(base, disp);

    emit_op_rm(e, &(Opcode){ .code = 0x8b, .width = (uint8_t)width }, to, &address);
}

void emit_load_from(Emitter *e, unsigned to, const Address *address)
{
    emit_op_rm(e, &(Opcode){ .code = 0x8b, .width = 8 }, to, address);
}

void emit_store(Emitter *e, unsigned width, unsigned base, int32_t disp, unsigned from)
{
    Address address = based(base, disp);

    emit_op_rm(e,
               &(Opcode){ .code = width == 1 ? 0x88 : 0x89,
                          .width = (uint8_t)width,
                          .byte_reg = width == 1 },
               from, &address);
}

void emit_lea(Emitter *e, unsigned width, unsigned to, const Address *address)
{
    emit_op_rm(e, &(Opcode){ .code = 0x8d, .width = (uint8_t)width }, to, address);
}

void emit_alu_rr(Emitter *e, unsigned width, Alu alu, unsigned to, unsigned from)
{
    emit_op_rr(e, &(Opcode){ .code = (uint8_t)(alu << 3 | 3), .width = (uint8_t)width }, to, from);
}

void emit_alu_ri(Emitter *e, unsigned width, Alu alu, unsigned to, int32_t value)
{
    bool small = value >= -128 && value <= 127;

    emit_op_rr(e, &(Opcode){ .code = small ? 0x83 : 0x81, .width = (uint8_t)width }, alu, to);
    if (small) {
        emit_u8(e, (uint8_t)value);
    } else {
        emit_u32(e, (uint32_t)value);
    }
}

void emit_alu_rm(Emitter *e, unsigned width, Alu alu, unsigned to, unsigned base, int32_t disp)
{
    Address address = based(base, disp);

    emit_op_rm(e, &(Opcode){ .code = (uint8_t)(alu << 3 | 3), .width = (uint8_t)width }, to,
               &address);
}

uint32_t emit_alu_literal(Emitter *e, Alu alu, unsigned to)
{
    emit_u8(e, (uint8_t)(0x48 | (to & 8) >> 1));
    emit_u8(e, (uint8_t)(alu << 3 | 3));
    emit_u8(e, (uint8_t)((to & 7) << 3 | 5)); /* [rip + disp32] */
    emit_u32(e, 0);
    return e->at - 4;
}

void emit_alu_mi(Emitter *e, unsigned width, Alu alu, unsigned base, int32_t disp, int32_t value)
{
    Address address = based(base, disp);
    bool small = value >= -128 && value <= 127;

    emit_op_rm(e, &(Opcode){ .code = small ? 0x83 : 0x81, .width = (uint8_t)width }, alu, &address);
    if (small) {
        emit_u8(e, (uint8_t)value);
    } else {
        emit_u32(e, (uint32_t)value);
    }
}

void emit_shift_ri(Emitter *e, unsigned width, unsigned extension, unsigned reg, unsigned count)
{
    emit_op_rr(e, &(Opcode){ .code = 0xc1, .width = (uint8_t)width }, extension, reg);
    emit_u8(e, (uint8_t)count);
}

void emit_rorx(Emitter *e, unsigned width, unsigned to, unsigned from, unsigned count)
{
    emit_u8(e, 0xc4);
    emit_u8(e, (uint8_t)((to & 8 ? 0 : 0x80) | 0x40 | (from & 8 ? 0 : 0x20) | 3));
    emit_u8(e, width == 8 ? 0xfb : 0x7b);
    emit_u8(e, 0xf0);
    emit_u8(e, (uint8_t)(0xc0 | (to & 7) << 3 | (from & 7)));
    emit_u8(e, (uint8_t)count);
}

uint32_t emit_jmp(Emitter *e)
{
    emit_u8(e, 0xe9);
    emit_u32(e, 0);
    return e->at - 4;
}

uint32_t emit_call(Emitter *e)
{
    emit_u8(e, 0xe8);
    emit_u32(e, 0);
    return e->at - 4;
}

uint32_t emit_jcc(Emitter *e, unsigned cc)
{
    emit_u8(e, 0x0f);
    emit_u8(e, (uint8_t)(0x80 | cc));
    emit_u32(e, 0);
    return e->at - 4;
}

void emit_link(Emitter *e, uint32_t place, uint32_t target)
{
    int32_t displacement = (int32_t)(target - (place + 4));

    if (!e->full) {
        memcpy(e->start + place, &displacement, 4);
    }
}

void emit_jmp_m(Emitter *e, const Address *address)
{
    emit_op_rm(e, &(Opcode){ .code = 0xff }, 4, address);
}

void emit_call_m(Emitter *e, unsigned base, int32_t disp)
{
    Address address = based(base, disp);

    emit_op_rm(e, &(Opcode){ .code = 0xff }, 2, &address);
}

void emit_push_m(Emitter *e, const Address *address)
{
    emit_op_rm(e, &(Opcode){ .code = 0xff }, 6, address);
}

void emit_ret(Emitter *e)
{
    emit_u8(e, 0xc3);
}
