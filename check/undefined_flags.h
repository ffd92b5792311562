/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_UNDEFINED_FLAGS_H
#define CHECK_UNDEFINED_FLAGS_H
/* undefined_flags.h - the flags that an instruction leaves undefined. */
#include "translator/insn.h"

/* Bits of RFLAGS; where it depends on a count in CL, those of the worst count. */
uint32_t undefined_flags(const Insn *insn);

#endif
