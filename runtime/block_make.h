/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_BLOCK_MAKE_H
#define RUNTIME_BLOCK_MAKE_H
/* block_make.h - see engine_int.h; the instruction cache is owned by the Engine. */
#include "runtime/engine_int.h"

struct InsnCache *insn_cache_new(void);

#endif
