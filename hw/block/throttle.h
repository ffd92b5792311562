/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_THROTTLE_H
#define HW_BLOCK_THROTTLE_H
/* throttle.h - how fast disks may be read and written: throttling.* and groups of disks that share.
 *
 * Six buckets leak at their average rate. A request that finds one of its buckets full waits; every
 * request fills its buckets. With a `max`, the bucket holds what `max` brings in `length` seconds,
 * and leaks at `max` into a second one for bursts longer than a second; without, a tenth of a
 * second's worth. Counted by references, on the main thread; asking is for any thread.
 */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Throttle Throttle; /* a group */
typedef struct ThrottleConfig ThrottleConfig;

typedef enum ThrottleBucket {
    THROTTLE_BPS_TOTAL,
    THROTTLE_BPS_READ,
    THROTTLE_BPS_WRITE,
    THROTTLE_IOPS_TOTAL,
    THROTTLE_IOPS_READ,
    THROTTLE_IOPS_WRITE,
    THROTTLE_BUCKETS
} ThrottleBucket;

struct ThrottleConfig {
    struct {
        uint64_t average, max, length; /* a second; 0: no limit. length 0: one second */
    } buckets[THROTTLE_BUCKETS];
    uint64_t iops_size; /* a longer request counts as several; 0: it does not */
};

/* "bps-total", "iops-read-max", "bps-write-max-length", "iops-size"; false: no such key. */
bool throttle_config_set(ThrottleConfig *config, const char *key, uint64_t value);
/* Of -drive's old words: "bps_rd" is "bps-read"; NULL: it is none. */
char *throttle_key_of_old(const char *old);
bool throttle_config_check(const ThrottleConfig *config, GError **error);
bool throttle_config_is_on(const ThrottleConfig *config);

Throttle *throttle_new(const char *name, const ThrottleConfig *config);
Throttle *throttle_ref(Throttle *throttle);
void throttle_unref(Throttle *throttle); /* NULL is allowed */
const char *throttle_name(const Throttle *throttle);
void throttle_configure(Throttle *throttle, const ThrottleConfig *config);
void throttle_config(Throttle *throttle, ThrottleConfig *config);
/* Microseconds that a request has to wait before it asks again; 0: it may go and has been counted.
 * `now`: g_get_monotonic_time(). */
int64_t throttle_ask(Throttle *throttle, bool write, uint64_t size, int64_t now);

#endif
