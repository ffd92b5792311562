/* SPDX-License-Identifier: GPL-2.0-or-later */
/* throttle.c - buckets that leak: see throttle.h. */
#include "hw/block/throttle.h"

#include <string.h>

#include "hw/block/block.h"

#define VALUE_MAX 1000000000000000ull

typedef struct Level {
    double level, burst; /* units in the bucket, and in the one for bursts */
} Level;

struct Throttle {
    unsigned refs;
    char *name;
    GMutex lock; /* of what follows */
    ThrottleConfig config;
    Level levels[THROTTLE_BUCKETS];
    int64_t then; /* when the levels were right, microseconds */
};

static const char *const bucket_words[] = { "bps-total",  "bps-read",  "bps-write",
                                            "iops-total", "iops-read", "iops-write" };
/* In the old words a total has no word of its own. */
static const char *const old_words[] = { "bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr" };

/* ---- Configuration ---- */

bool throttle_config_set(ThrottleConfig *config, const char *key, uint64_t value)
{
    if (strcmp(key, "iops-size") == 0) {
        config->iops_size = value;
        return true;
    }
    for (unsigned i = 0; i < THROTTLE_BUCKETS; i++) {
        size_t length = strlen(bucket_words[i]);

        if (strncmp(key, bucket_words[i], length) != 0) {
            continue;
        }
        if (key[length] == '\0') {
            config->buckets[i].average = value;
        } else if (strcmp(key + length, "-max") == 0) {
            config->buckets[i].max = value;
        } else if (strcmp(key + length, "-max-length") == 0) {
            config->buckets[i].length = value;
        } else {
            return false;
        }
        return true;
    }
    return false;
}

char *throttle_key_of_old(const char *old)
{
    if (strcmp(old, "iops_size") == 0) {
        return g_strdup("iops-size");
    }
    for (unsigned i = THROTTLE_BUCKETS; i > 0; i--) { /* "bps" begins them all: it is last */
        unsigned bucket = i - 1;
        size_t length = strlen(old_words[bucket]);
        const char *rest = old + length;

        if (strncmp(old, old_words[bucket], length) != 0) {
            continue;
        }
        if (*rest == '\0' || strcmp(rest, "_max") == 0) {
            return g_strconcat(bucket_words[bucket], *rest == '\0' ? "" : "-max", NULL);
        }
        if (strcmp(rest, "_max_length") == 0) {
            return g_strconcat(bucket_words[bucket], "-max-length", NULL);
        }
    }
    return NULL;
}

static bool fail(GError **error, const char *words)
{
    g_set_error_literal(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, words);
    return false;
}

static bool total_and_parts(const ThrottleConfig *config, ThrottleBucket total)
{
    bool parts = config->buckets[total + 1].average != 0 || config->buckets[total + 2].average != 0;
    bool max = config->buckets[total + 1].max != 0 || config->buckets[total + 2].max != 0;

    return (config->buckets[total].average != 0 && parts) ||
           (config->buckets[total].max != 0 && max);
}

bool throttle_config_check(const ThrottleConfig *config, GError **error)
{
    if (total_and_parts(config, THROTTLE_BPS_TOTAL) ||
        total_and_parts(config, THROTTLE_IOPS_TOTAL)) {
        return fail(error, "bps/iops/max total values and read/write values cannot be used at the "
                           "same time");
    }
    if (config->iops_size != 0 && config->buckets[THROTTLE_IOPS_TOTAL].average == 0 &&
        config->buckets[THROTTLE_IOPS_READ].average == 0 &&
        config->buckets[THROTTLE_IOPS_WRITE].average == 0) {
        return fail(error, "iops size requires an iops value to be set");
    }
    for (unsigned i = 0; i < THROTTLE_BUCKETS; i++) {
        uint64_t average = config->buckets[i].average, max = config->buckets[i].max;
        uint64_t length = config->buckets[i].length;

        if (average > VALUE_MAX || max > VALUE_MAX) {
            return fail(error, "bps/iops/max values must be within [0, 1000000000000000]");
        }
        if (length > 1 && max == 0) {
            return fail(error, "burst length set without burst rate");
        }
        if (max != 0 && average == 0) {
            return fail(error, "bps_max/iops_max require corresponding bps/iops values");
        }
        if (max != 0 && max < average) {
            return fail(error, "bps_max/iops_max cannot be lower than bps/iops");
        }
        if (length > 1 && max > VALUE_MAX / length) {
            return fail(error, "burst length too high for this burst rate");
        }
    }
    return true;
}

bool throttle_config_is_on(const ThrottleConfig *config)
{
    for (unsigned i = 0; i < THROTTLE_BUCKETS; i++) {
        if (config->buckets[i].average != 0) {
            return true;
        }
    }
    return false;
}

/* ---- Groups ---- */

Throttle *throttle_new(const char *name, const ThrottleConfig *config)
{
    Throttle *throttle = g_new0(Throttle, 1);

    throttle->refs = 1;
    throttle->name = g_strdup(name);
    g_mutex_init(&throttle->lock);
    throttle_configure(throttle, config);
    return throttle;
}

Throttle *throttle_ref(Throttle *throttle)
{
    throttle->refs++;
    return throttle;
}

void throttle_unref(Throttle *throttle)
{
    if (throttle == NULL || --throttle->refs > 0) {
        return;
    }
    g_mutex_clear(&throttle->lock);
    g_free(throttle->name);
    g_free(throttle);
}

const char *throttle_name(const Throttle *throttle)
{
    return throttle->name;
}

void throttle_configure(Throttle *throttle, const ThrottleConfig *config)
{
    g_mutex_lock(&throttle->lock);
    throttle->config = *config;
    memset(throttle->levels, 0, sizeof(throttle->levels));
    throttle->then = g_get_monotonic_time();
    g_mutex_unlock(&throttle->lock);
}

void throttle_config(Throttle *throttle, ThrottleConfig *config)
{
    g_mutex_lock(&throttle->lock);
    *config = throttle->config;
    g_mutex_unlock(&throttle->lock);
}

/* ---- Asking ---- */

static void leak_locked(Throttle *throttle, int64_t now)
{
    double seconds = (double)MAX(now - throttle->then, 0) / G_USEC_PER_SEC;

    for (unsigned i = 0; i < THROTTLE_BUCKETS; i++) {
        Level *level = &throttle->levels[i];

        level->level = MAX(level->level - (double)throttle->config.buckets[i].average * seconds,
                           0.0);
        level->burst = MAX(level->burst - (double)throttle->config.buckets[i].max * seconds, 0.0);
    }
    throttle->then = MAX(now, throttle->then);
}

/* Seconds until this bucket has room. */
static double bucket_wait(const Throttle *throttle, ThrottleBucket bucket)
{
    double average = (double)throttle->config.buckets[bucket].average;
    double max = (double)throttle->config.buckets[bucket].max;
    double length = (double)MAX(throttle->config.buckets[bucket].length, 1);
    const Level *level = &throttle->levels[bucket];
    double room = max != 0 ? max * length : average / 10;

    if (average == 0) {
        return 0;
    }
    if (level->level > room) {
        return (level->level - room) / average;
    }
    /* A long burst keeps to its own rate. */
    return max != 0 && length > 1 && level->burst > max / 10 ? (level->burst - max / 10) / max : 0;
}

int64_t throttle_ask(Throttle *throttle, bool write, uint64_t size, int64_t now)
{
    const ThrottleBucket buckets[] = { THROTTLE_BPS_TOTAL,
                                       write ? THROTTLE_BPS_WRITE : THROTTLE_BPS_READ,
                                       THROTTLE_IOPS_TOTAL,
                                       write ? THROTTLE_IOPS_WRITE : THROTTLE_IOPS_READ };
    double wait = 0, operations = 1;

    g_mutex_lock(&throttle->lock);
    leak_locked(throttle, now);
    for (size_t i = 0; i < G_N_ELEMENTS(buckets); i++) {
        wait = MAX(wait, bucket_wait(throttle, buckets[i]));
    }
    if (throttle->config.iops_size != 0 && size > throttle->config.iops_size) {
        operations = (double)size / (double)throttle->config.iops_size;
    }
    for (size_t i = 0; wait == 0 && i < G_N_ELEMENTS(buckets); i++) {
        double units = buckets[i] < THROTTLE_IOPS_TOTAL ? (double)size : operations;

        throttle->levels[buckets[i]].level += units;
        throttle->levels[buckets[i]].burst += units;
    }
    g_mutex_unlock(&throttle->lock);
    return wait > 0 ? (int64_t)(wait * G_USEC_PER_SEC) + 1 : 0;
}
