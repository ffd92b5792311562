/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_DECODE_KNOWN_H
#define CHECK_DECODE_KNOWN_H
/* decode_known.h - when two decoders mean the same, and where they are known not to. */
#include <capstone/capstone.h>
#include "translator/insn.h"

/* insn->length 0, other NULL: it does not decode. */
bool decode_agrees(const Insn *insn, const cs_insn *other);
/* The reason, NULL: there is none. */
const char *decode_known(const Insn *insn, const cs_insn *other, unsigned code_width);

#endif
