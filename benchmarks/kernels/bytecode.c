/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bytecode.c - the loop of a small stack machine: a jump table, unpredictable indirect jumps. */
#include "kernel.h"

typedef enum Op {
    OP_PUSH,
    OP_LOAD,
    OP_STORE,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_XOR,
    OP_SHR,
    OP_DUP,
    OP_LESS,
    OP_JUMP_IF,
    OP_END,
} Op;

/* x = 1; for (i = 0; i < 100; i++) { x = (x * 5 + i) ^ (x >> 3); x = x - i; } */
static const uint8_t program[] = {
    OP_PUSH, 1,        OP_STORE, 0,       OP_PUSH,  0,       OP_STORE,   1,       OP_LOAD,
    0,       OP_PUSH,  5,        OP_MUL,  OP_LOAD,  1,       OP_ADD,     OP_LOAD, 0,
    OP_PUSH, 3,        OP_SHR,   OP_XOR,  OP_STORE, 0,       OP_LOAD,    0,       OP_LOAD,
    1,       OP_SUB,   OP_STORE, 0,       OP_LOAD,  1,       OP_PUSH,    1,       OP_ADD,
    OP_DUP,  OP_STORE, 1,        OP_PUSH, 100,      OP_LESS, OP_JUMP_IF, 8,       OP_END,
};

static uint32_t machine_run(uint32_t seed)
{
    uint32_t stack[16], vars[2] = { 0, 0 }, *top = stack;
    const uint8_t *pc = program;

    *top = seed;
    for (;;) {
        switch ((Op)*pc++) {
        case OP_PUSH:
            *++top = *pc++;
            break;
        case OP_LOAD:
            *++top = vars[*pc++];
            break;
        case OP_STORE:
            vars[*pc++] = *top--;
            break;
        case OP_ADD:
            top--;
            top[0] += top[1];
            break;
        case OP_SUB:
            top--;
            top[0] -= top[1];
            break;
        case OP_MUL:
            top--;
            top[0] *= top[1];
            break;
        case OP_XOR:
            top--;
            top[0] ^= top[1];
            break;
        case OP_SHR:
            top--;
            top[0] >>= top[1];
            break;
        case OP_DUP:
            top[1] = top[0];
            top++;
            break;
        case OP_LESS:
            top--;
            top[0] = top[0] < top[1];
            break;
        case OP_JUMP_IF:
            pc = *top-- ? program + *pc : pc + 1;
            break;
        case OP_END:
            return vars[0] + *top;
        }
    }
}

uint64_t bytecode_run(uint64_t iterations)
{
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        sum = checksum_add(sum, machine_run((uint32_t)n));
    }
    return sum;
}
