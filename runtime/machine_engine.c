/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_engine.c - the translator's settings and figures. */
#include "runtime/machine_int.h"

#include <inttypes.h>
#include <stdio.h>

static bool setting_fail(const char *key, const char *value, const char *why, GError **error)
{
    g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "-accel dbt,%s=%s: %s", key, value, why);
    return false;
}

static bool settings_read(Machine *machine, EngineOptions *engine, GError **error)
{
    const KeyValues *values = machine->options->accel_properties;
    bool verify = false;
    const char *cache;

    if (values == NULL) {
        return true;
    }
    cache = keyval_get(values, "cache");
    engine->policy = keyval_get(values, "policy");
    if (cache != NULL && !size_parse(cache, 1 << 20, &engine->cache_size)) {
        return setting_fail("cache", cache, "invalid size", error);
    }
    if (!keyval_bool(values, "precise", &engine->precise_flags, error) ||
        !keyval_bool(values, "stats", &machine->stats, error) ||
        !keyval_bool(values, "verify", &verify, error)) {
        g_prefix_error(error, "-accel dbt: ");
        return false;
    }
    if (verify) {
        return setting_fail("verify", "on", "not supported yet", error);
    }
    return true;
}

bool machine_make_engine(Machine *machine, GError **error)
{
    EngineOptions settings = { 0 };

    if (machine->options->accel != ACCEL_DBT) {
        return true;
    }
    if (!settings_read(machine, &settings, error)) {
        return false;
    }
    machine->engine = engine_new(machine->map, &settings, error);
    if (machine->engine == NULL) {
        g_prefix_error(error, "-accel dbt: ");
        return false;
    }
    for (unsigned i = 0; i < MACHINE_CPUS; i++) {
        engine_attach(machine->engine, machine_cpu(machine, i));
    }
    return true;
}

void machine_print_stats(const Machine *machine)
{
    const EngineStats *stats;

    if (machine->engine == NULL) {
        return;
    }
    stats = engine_stats(machine->engine);
    fprintf(stderr,
            "doppel: %" PRIu64 " blocks of %" PRIu64 " guest instructions translated in %" PRIu64
            " us: %" PRIu64 " guest bytes, %" PRIu64 " host bytes\n",
            stats->translations, stats->guest_insns, stats->translate_ns / NS_PER_US,
            stats->guest_bytes, stats->host_bytes);
    fprintf(stderr,
            "doppel: %" PRIu64 " dispatches, %" PRIu64 " links, %" PRIu64
            " indirect misses, %" PRIu64 " callouts, %" PRIu64 " interpreted, %" PRIu64
            " invalidations, %" PRIu64 " flushes\n",
            stats->dispatches, stats->links, stats->ibtc_misses, stats->callouts,
            stats->interpreted, stats->invalidations, stats->flushes);
}
