/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_engine.c - the translator's settings and figures. */
#include "runtime/machine_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/engine_stats.h"

static bool setting_fail(const char *key, const char *value, const char *why, GError **error)
{
    g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "-accel dbt,%s=%s: %s", key, value, why);
    return false;
}

static bool cache_size_read(const KeyValues *values, EngineOptions *engine, GError **error)
{
    const char *cache = keyval_get(values, "cache");

    if (cache != NULL &&
        (!size_parse(cache, 1 << 20, &engine->cache_size) || engine->cache_size == 0)) {
        return setting_fail("cache", cache, "invalid size", error);
    }
    return true;
}

/* on, off or the name of a file, which can be written. */
static bool stats_read(Machine *machine, const KeyValues *values, GError **error)
{
    static const char *const words[] = { "on", "off", "yes", "no", "true", "false" };
    const char *value = keyval_get(values, "stats");
    FILE *file;

    if (value == NULL) {
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(value, words[i]) == 0) {
            machine->stats = i % 2 == 0;
            return true;
        }
    }
    file = fopen(value, "we");
    if (file == NULL) {
        return setting_fail("stats", value, g_strerror(errno), error);
    }
    fclose(file);
    machine->stats = true;
    machine->stats_file = value;
    return true;
}

static bool settings_read(Machine *machine, EngineOptions *engine, GError **error)
{
    const KeyValues *values = machine->options->accel_properties;
    bool verify = false;

    engine->log = machine->log;
    if (values == NULL) {
        return true;
    }
    engine->policy = keyval_get(values, "policy");
    if (!cache_size_read(values, engine, error) || !stats_read(machine, values, error)) {
        return false;
    }
    if (!keyval_bool(values, "precise", &engine->precise_flags, error) ||
        !keyval_bool(values, "perfmap", &engine->perf_map, error) ||
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
    g_autoptr(GError) error = NULL;

    if (machine->engine == NULL) {
        return;
    }
    if (machine->stats_file == NULL) {
        engine_stats_print(machine->engine);
    } else if (!engine_stats_write(machine->engine, mmu_stats(vcpu_cpu(machine->vcpu[0])->mmu),
                                   machine->stats_file, &error)) {
        fprintf(stderr, "doppel: -accel dbt,stats=%s: %s\n", machine->stats_file, error->message);
    }
}
