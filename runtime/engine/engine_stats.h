/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_ENGINE_ENGINE_STATS_H
#define RUNTIME_ENGINE_ENGINE_STATS_H
/* engine_stats.h - the translator's figures, for people and as JSON. */
#include "runtime/engine/engine.h"
#include "softmmu/mmu.h"

/* -accel dbt,stats=on: a few lines on stderr. */
void engine_stats_print(Engine *engine);
/* -accel dbt,stats=FILE: one JSON object. */
bool engine_stats_write(Engine *engine, const MmuStats *mmu, const char *file, GError **error);

#endif
