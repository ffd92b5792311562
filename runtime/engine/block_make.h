/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_BLOCK_MAKE_H
#define RUNTIME_ENGINE_BLOCK_MAKE_H
/* block_make.h - see engine_int.h; the instruction cache is owned by the Engine. */
#include "runtime/engine/engine_int.h"

struct InsnCache *insn_cache_new(void);

#endif
