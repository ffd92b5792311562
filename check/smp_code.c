/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/smp_code.h"

#include <string.h>

typedef struct Emit {
    uint8_t *code;
    unsigned n;
} Emit;

#define EMIT(emit, ...)                                                                            \
    emit_bytes(emit, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void emit_bytes(Emit *emit, const uint8_t *bytes, unsigned n)
{
    g_assert(emit->n + n <= SMP_CODE_MAX);
    memcpy(emit->code + emit->n, bytes, n);
    emit->n += n;
}

static void emit_word(Emit *emit, uint32_t value)
{
    EMIT(emit, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
         (uint8_t)(value >> 24));
}

/* RSI: the address of a place. */
static void emit_place(Emit *emit, unsigned place)
{
    if (place == SMP_CODE) {
        EMIT(emit, 0x48, 0x8d, 0x75, SMP_CODE_NUMBER); /* lea rsi, [rbp + n] */
    } else {
        EMIT(emit, 0x49, 0x8d, 0x74, 0x24, (uint8_t)(place * 64)); /* lea rsi, [r12 + n] */
    }
}

/* ---- Operations ---- */

static void emit_store(Emit *emit, const SmpOp *op)
{
    emit_place(emit, op->place);
    switch (op->place == SMP_CODE ? 0 : op->form) {
    case 0: /* mov dword [rsi], value */
        EMIT(emit, 0xc7, 0x06);
        emit_word(emit, op->value);
        break;
    case 1: /* mov byte [rsi], value */
        EMIT(emit, 0xc6, 0x06, op->value);
        break;
    case 2: /* mov eax, value; mov [rsi], rax */
        EMIT(emit, 0xb8, op->value, 0, 0, 0, 0x48, 0x89, 0x06);
        break;
    case 3: /* mov eax, value; movd xmm0, eax; movd [rsi], xmm0 */
        EMIT(emit, 0xb8, op->value, 0, 0, 0, 0x66, 0x0f, 0x6e, 0xc0, 0x66, 0x0f, 0x7e, 0x06);
        break;
    default: /* mov rdi, rsi; mov eax, value; mov ecx, 1; rep stosd */
        EMIT(emit, 0x48, 0x89, 0xf7, 0xb8, op->value, 0, 0, 0, 0xb9, 1, 0, 0, 0, 0xf3, 0xab);
        break;
    }
}

/* EAX = the place. */
static void emit_load(Emit *emit, const SmpOp *op)
{
    emit_place(emit, op->place);
    switch (op->form) {
    case 0: /* mov eax, [rsi] */
        EMIT(emit, 0x8b, 0x06);
        break;
    case 1: /* movzx eax, byte [rsi] */
        EMIT(emit, 0x0f, 0xb6, 0x06);
        break;
    case 2: /* movd xmm1, [rsi]; movd eax, xmm1 */
        EMIT(emit, 0x66, 0x0f, 0x6e, 0x0e, 0x66, 0x0f, 0x7e, 0xc8);
        break;
    case 3: /* lodsd */
        EMIT(emit, 0xad);
        break;
    default: /* xor eax, eax; add rax, [rsi] */
        EMIT(emit, 0x31, 0xc0, 0x48, 0x03, 0x06);
        break;
    }
}

/* EAX = what was there. */
static void emit_exchange(Emit *emit, const SmpOp *op)
{
    emit_place(emit, op->place);
    EMIT(emit, 0xb8, op->value, 0, 0, 0); /* mov eax, value */
    if (op->kind == SMP_XADD) {
        if (op->form == 0) {
            EMIT(emit, 0xf0, 0x0f, 0xc1, 0x06); /* lock xadd [rsi], eax */
        } else {
            EMIT(emit, 0xf0, 0x48, 0x0f, 0xc1, 0x06); /* likewise rax */
        }
    } else if (op->form == 0) {
        EMIT(emit, 0x87, 0x06); /* xchg [rsi], eax */
    } else {
        EMIT(emit, 0x48, 0x87, 0x06); /* xchg [rsi], rax */
    }
}

static void emit_op(Emit *emit, const SmpOp *op)
{
    switch (op->kind) {
    case SMP_STORE:
        emit_store(emit, op);
        break;
    case SMP_LOAD:
        emit_load(emit, op);
        break;
    case SMP_XCHG:
    case SMP_XADD:
        emit_exchange(emit, op);
        break;
    case SMP_FETCH:
        EMIT(emit, 0xff, 0xd5); /* call rbp */
        break;
    case SMP_FENCE:
        EMIT(emit, 0x0f, 0xae, 0xf0);
        break;
    case SMP_LOCKED:
        EMIT(emit, 0xf0, 0x83, 0x4c, 0x24, 0x08, 0x00); /* lock or dword [rsp + 8], 0 */
        break;
    default: /* xor eax, eax; cpuid, which spoils RBX */
        EMIT(emit, 0x31, 0xc0, 0x0f, 0xa2);
        break;
    }
}

/* ---- Around them ---- */

/* [rsp] counts what the counter has to be at least. */
static void emit_meeting(Emit *emit, unsigned cpus)
{
    EMIT(emit, 0x8b, 0x04, 0x24, 0x83, 0xc0, (uint8_t)cpus); /* mov eax, [rsp]; add eax, cpus */
    EMIT(emit, 0x89, 0x04, 0x24);                            /* mov [rsp], eax */
    EMIT(emit, 0xf0, 0x41, 0xff, 0x07);                      /* lock inc dword [r15] */
    EMIT(emit, 0x41, 0x39, 0x07, 0x7c, 0xfb);                /* cmp [r15], eax; jl there */
}

/* 0 to 31 turns of a loop, by the generator in [rsp + 4]. */
static void emit_delay(Emit *emit)
{
    EMIT(emit, 0x69, 0x44, 0x24, 0x04); /* imul eax, [rsp + 4], 1664525 */
    emit_word(emit, 1664525);
    EMIT(emit, 0x05); /* add eax, 1013904223 */
    emit_word(emit, 1013904223);
    EMIT(emit, 0x89, 0x44, 0x24, 0x04);                 /* mov [rsp + 4], eax */
    EMIT(emit, 0xc1, 0xe8, 27, 0xff, 0xc8, 0x79, 0xfc); /* shr eax, 27; dec eax; jns there */
}

static void emit_next(Emit *emit, unsigned top)
{
    EMIT(emit, 0x49, 0x83, 0xc5, SMP_LOADED); /* add r13, n */
    EMIT(emit, 0x49, 0x81, 0xc4);             /* add r12, n */
    emit_word(emit, SMP_STRIDE);
    EMIT(emit, 0x48, 0x83, 0xc5, SMP_CODE_STRIDE); /* add rbp, n */
    EMIT(emit, 0x49, 0xff, 0xce, 0x0f, 0x85);      /* dec r14; jnz top */
    emit_word(emit, top - (emit->n + 4));
}

unsigned smp_code_make(const SmpTest *test, unsigned cpu, unsigned ahead, uint8_t *code)
{
    Emit emit = { code, 0 };
    unsigned loads = 0, top;

    EMIT(&emit, 0x53, 0x48, 0x83, 0xec, 24, 0xc7, 0x04, 0x24); /* push rbx; sub rsp, 24; mov */
    emit_word(&emit, -(ahead * test->cpus));                   /* dword [rsp], n */
    EMIT(&emit, 0x89, 0x7c, 0x24, 0x04);                       /* mov [rsp + 4], edi */
    top = emit.n;
    emit_meeting(&emit, test->cpus);
    emit_delay(&emit);
    for (unsigned i = 0; i < test->cpu[cpu].ops; i++) {
        const SmpOp *op = &test->cpu[cpu].op[i];

        emit_op(&emit, op);
        if (smp_op_loads(op)) { /* mov r8d ..., eax */
            EMIT(&emit, 0x41, 0x89, (uint8_t)(0xc0 | loads));
            loads++;
        }
    }
    for (unsigned i = 0; i < loads; i++) { /* mov [r13 + 4 * i], r8d ... */
        EMIT(&emit, 0x45, 0x89, (uint8_t)(0x45 | i << 3), (uint8_t)(4 * i));
    }
    emit_next(&emit, top);
    EMIT(&emit, 0x48, 0x83, 0xc4, 24, 0x5b, 0xc3); /* add rsp, 24; pop rbx; ret */
    return emit.n;
}

void smp_code_callee(uint8_t *code)
{
    /* three bytes of NOP, so that the number is aligned; mov eax, 0; ret */
    static const uint8_t bytes[] = { 0x0f, 0x1f, 0x00, 0xb8, 0, 0, 0, 0, 0xc3 };

    memcpy(code, bytes, sizeof(bytes));
}
