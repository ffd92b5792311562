/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "translator/insn_fixed.h"
#include <string.h>

typedef struct FixedBytes {
    uint8_t length, bytes[3];
} FixedBytes;

static const FixedBytes fixed[INSN_FIXED] = {
    [1] = { 2, { 0x0f, 0x05 } },        /* syscall */
    [2] = { 3, { 0x48, 0x0f, 0x07 } },  /* sysretq */
    [3] = { 2, { 0x48, 0xcf } },        /* iretq */
    [4] = { 1, { 0xcf } },              /* iretd */
    [5] = { 2, { 0xcd, 0x80 } },        /* int 80h */
    [6] = { 2, { 0x0f, 0x34 } },        /* sysenter */
    [7] = { 2, { 0x0f, 0x35 } },        /* sysexit */
    [8] = { 2, { 0x0f, 0xa2 } },        /* cpuid */
    [9] = { 2, { 0x0f, 0x30 } },        /* wrmsr */
    [10] = { 2, { 0x0f, 0x32 } },       /* rdmsr */
    [11] = { 3, { 0x0f, 0x01, 0xd0 } }, /* xgetbv */
    [12] = { 1, { 0xf4 } },             /* hlt */
    [13] = { 1, { 0xec } },             /* in al, dx */
    [14] = { 1, { 0xee } },             /* out dx, al */
    [15] = { 2, { 0x0f, 0x06 } },       /* clts */
};

unsigned insn_fixed_number(const Insn *insn)
{
    for (unsigned i = 1; i < INSN_FIXED; i++) {
        if (insn->length == fixed[i].length &&
            memcmp(insn->bytes, fixed[i].bytes, insn->length) == 0) {
            return i;
        }
    }
    return 0;
}

/* 48 is DEC EAX outside 64-bit mode: no instruction is found under those numbers then. */
void insn_fixed_decode(Insn decoded[INSN_FIXED], unsigned code_width)
{
    for (unsigned i = 1; i < INSN_FIXED; i++) {
        uint8_t bytes[INSN_MAX_LENGTH] = { 0 };

        memcpy(bytes, fixed[i].bytes, fixed[i].length);
        insn_decode(&decoded[i], bytes, sizeof(bytes), code_width);
    }
}
