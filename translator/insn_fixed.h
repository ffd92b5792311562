/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_INSN_FIXED_H
#define TRANSLATOR_INSN_FIXED_H
/* insn_fixed.h - instructions without operands in their encoding that operating systems live by and
 * that are called out. Each has a number, so that its callout need not fetch and decode it. */
#include "translator/insn.h"

enum { INSN_FIXED = 16 }; /* numbers are below */

/* 0: it has none. */
unsigned insn_fixed_number(const Insn *insn);
/* Decodes all of them; [0] is left alone. */
void insn_fixed_decode(Insn decoded[INSN_FIXED], unsigned code_width);

#endif
