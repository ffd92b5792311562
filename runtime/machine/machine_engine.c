/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_engine.c - the translator's settings and figures. */
#include "runtime/machine/machine_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/engine/engine_stats.h"

enum { EXIT_VERIFY = 3 }; /* exit status */

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

/* A translation was wrong: it has been reported. */
static void verify_failed(void *opaque)
{
    machine_request_stop(opaque, STOP_DEBUG_EXIT, EXIT_VERIFY);
}

/* 1 or on: every block; 1/N: one of N; 0 or off. */
static bool verify_read(const KeyValues *values, EngineOptions *engine, GError **error)
{
    const char *value = keyval_get(values, "verify"), *number = value;
    guint64 every;

    if (value == NULL || strcmp(value, "0") == 0 || strcmp(value, "off") == 0) {
        return true;
    }
    if (strcmp(value, "on") == 0) {
        number = "1";
    } else if (g_str_has_prefix(value, "1/")) {
        number = value + 2;
    } else if (strcmp(value, "1") != 0) {
        number = "";
    }
    if (!g_ascii_string_to_unsigned(number, 10, 1, 1 << 20, &every, NULL)) {
        return setting_fail("verify", value, "1, 1/N or off can be had", error);
    }
    engine->verify = (unsigned)every;
    return true;
}

static bool window_read(const KeyValues *values, EngineOptions *engine, GError **error)
{
    static const char *const words[] = {
        [ENGINE_WINDOW_HOT] = "auto", [ENGINE_WINDOW_OFF] = "off", [ENGINE_WINDOW_ALL] = "on"
    };
    const char *value = keyval_get(values, "window");

    if (value == NULL) {
        return true;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
        if (strcmp(value, words[i]) == 0) {
            engine->window = (EngineWindow)i;
            return true;
        }
    }
    return setting_fail("window", value, "auto, on or off can be had", error);
}

/* As QEMU's TCG has it. */
static bool thread_read(const KeyValues *values, EngineOptions *engine, GError **error)
{
    const char *value = keyval_get(values, "thread");

    if (value == NULL || strcmp(value, "single") == 0) {
        return true;
    }
    if (strcmp(value, "multi") != 0) {
        return setting_fail("thread", value, "single or multi can be had", error);
    }
    if (engine->verify != 0) {
        return setting_fail("thread", value, "CPUs take turns while translations are verified",
                            error);
    }
    engine->parallel = true;
    return true;
}

static bool settings_read(Machine *machine, EngineOptions *engine, GError **error)
{
    const KeyValues *values = machine->options->accel_properties;

    engine->cpus = machine->cpus;
    engine->log = machine->log;
    engine->verify_failed = verify_failed;
    engine->verify_opaque = machine;
    if (values == NULL) {
        return true;
    }
    engine->policy = keyval_get(values, "policy");
    if (!cache_size_read(values, engine, error) || !stats_read(machine, values, error)) {
        return false;
    }
    if (!keyval_bool(values, "precise", &engine->precise_flags, error) ||
        !keyval_bool(values, "perfmap", &engine->perf_map, error) ||
        !keyval_bool(values, "returns", &engine->host_returns, error) ||
        !window_read(values, engine, error) || !verify_read(values, engine, error)) {
        g_prefix_error(error, "-accel dbt: ");
        return false;
    }
    return thread_read(values, engine, error);
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
    for (unsigned i = 0; i < machine->options->smp.cpus; i++) {
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
