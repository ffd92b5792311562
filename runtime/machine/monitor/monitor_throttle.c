/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_throttle.c - how fast disks may be: block_set_io_throttle, and what query-block says. */
#include <string.h>

#include "runtime/machine/monitor/monitor_block.h"

static const char *const limit_words[THROTTLE_BUCKETS] = { "bps",  "bps_rd",  "bps_wr",
                                                           "iops", "iops_rd", "iops_wr" };

static void set_if(JsonObject *info, const char *word, const char *end, uint64_t value)
{
    g_autofree char *name = g_strconcat(word, end, NULL);

    if (value != 0) {
        json_object_set_int_member(info, name, (gint64)value);
    }
}

void monitor_throttle_info(JsonObject *info, const BlockNode *node)
{
    Throttle *throttle = node != NULL ? block_throttle(node) : NULL;
    ThrottleConfig config = { 0 };

    if (throttle != NULL) {
        throttle_config(throttle, &config);
        json_object_set_string_member(info, "group", throttle_name(throttle));
    }
    for (unsigned i = 0; i < THROTTLE_BUCKETS; i++) {
        json_object_set_int_member(info, limit_words[i], (gint64)config.buckets[i].average);
        set_if(info, limit_words[i], "_max", config.buckets[i].max);
        set_if(info, limit_words[i], "_max_length",
               config.buckets[i].max != 0 ? MAX(config.buckets[i].length, 1) : 0);
    }
    set_if(info, "iops_size", "", config.iops_size);
}

static bool config_of(MonitorCall *call, ThrottleConfig *config, GError **error)
{
    g_autoptr(GList) names = json_object_get_members(call->args);

    for (GList *name = names; name != NULL; name = name->next) {
        g_autofree char *key = throttle_key_of_old(name->data);
        int64_t value = key != NULL ? call_int(call, name->data, 0) : 0;

        if (value < 0) {
            return monitor_fail(error, MONITOR_ERROR_GENERIC,
                                "bps/iops/max values must be within [0, 1000000000000000]");
        }
        if (key != NULL) {
            throttle_config_set(config, key, (uint64_t)value);
        }
    }
    return true;
}

static bool run_set(MonitorCall *call, GError **error)
{
    const char *name = call_has(call, "id") ? call_str(call, "id") : call_str(call, "device");
    const char *group = call_str(call, "group");
    ThrottleConfig config = { 0 };
    BlockNode *node;

    if (name == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "Need exactly one of 'device' and 'id'");
    }
    node = machine_drive_find(call->machine, name);
    if (node == NULL) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", name);
    }
    if (!config_of(call, &config, error)) {
        return false;
    }
    /* No limits at all take the disk out of its group. */
    return block_set_throttle(node, throttle_config_is_on(&config) ? group : NULL, &config, error);
}

#define PARTS(end)                                                                                 \
    "*bps" end ":int *bps_rd" end ":int *bps_wr" end ":int "                                       \
    "*iops" end ":int *iops_rd" end ":int *iops_wr" end ":int "

static const MonitorRow rows[] = {
    { "block_set_io_throttle", "block_set_io_throttle",
      "*device:str *id:str bps:int bps_rd:int bps_wr:int iops:int iops_rd:int iops_wr:int " PARTS(
          "_max") PARTS("_max_length") "*iops_size:int *group:str",
      .hmp_args = "device:str bps:size bps_rd:size bps_wr:size iops:size iops_rd:size "
                  "iops_wr:size",
      .run = run_set, .help = "change how fast a disk may be read and written" },
    { 0 },
};

const MonitorTable monitor_throttle_table = { rows, NULL, NULL };
