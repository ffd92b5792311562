/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_debug.c - commands that look into doppel itself: gdbserver, info jit. */
#include <inttypes.h>
#include <string.h>

#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"

static bool run_gdbserver(MonitorCall *call, GError **error)
{
    const char *device = call_str(call, "device");
    const char *spec = device != NULL ? device : "tcp::1234";

    machine_close_gdb(call->machine);
    if (strcmp(spec, "none") == 0) {
        g_string_append(call->text, "Disabled gdbserver\n");
        return true;
    }
    if (!machine_open_gdb(call->machine, spec, error)) {
        return false;
    }
    g_string_append_printf(call->text, "Waiting for gdb connection on device '%s'\n", spec);
    return true;
}

static bool run_info_jit(MonitorCall *call, GError **error)
{
    Engine *engine = call->machine->engine;
    EngineStats stats;

    (void)error;
    if (engine == NULL) {
        g_string_append(call->text, "JIT information is only available with accel=dbt\n");
        return true;
    }
    stats = *engine_stats(engine);
    g_string_append_printf(call->text,
                           "Translation buffer state:\n"
                           "blocks              %" PRIu64 "\n"
                           "guest code bytes    %" PRIu64 "\n"
                           "host code bytes     %" PRIu64 "\n"
                           "guest instructions  %" PRIu64 "\n"
                           "\nStatistics:\n"
                           "translations        %" PRIu64 "\n"
                           "evictions           %" PRIu64 "\n"
                           "flushes             %" PRIu64 "\n"
                           "invalidations       %" PRIu64 "\n"
                           "translation time    %" PRIu64 " us\n",
                           stats.blocks, stats.guest_bytes, stats.host_bytes, stats.guest_insns,
                           stats.translations, stats.evictions, stats.flushes, stats.invalidations,
                           stats.translate_ns / 1000);
    return true;
}

static const MonitorRow rows[] = {
    { .hmp = "gdbserver",
      .args = "*device:str",
      .run = run_gdbserver,
      .flags = MONITOR_UNLOCKED,
      .help = "start gdbserver on given device (default 'tcp::1234'), stop with 'none'" },
    { .hmp = "info jit", .run = run_info_jit, .help = "show dynamic compiler info" },
    { 0 },
};

const MonitorTable monitor_debug_table = { .rows = rows };
