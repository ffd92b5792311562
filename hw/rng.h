/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_RNG_H
#define HW_RNG_H
/* rng.h - the host end of random number devices: the kernel's generator, or a file (-object
 * rng-builtin, rng-random). With the device lock held; a file that has nothing now is waited for in
 * the main loop. */
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct Rng Rng;

Rng *rng_builtin_new(void);
/* `path` NULL: /dev/urandom. */
Rng *rng_file_new(const char *path, GError **error);
void rng_free(Rng *rng);

/* Up to `size` bytes; 0: nothing now, `ready` is called when there is. */
size_t rng_read(Rng *rng, void *data, size_t size);
/* The one who reads, and the lock that is held around `ready`. NULL: nobody. */
void rng_set_reader(Rng *rng, void (*ready)(void *opaque), void *opaque);
void rng_set_lock(Rng *rng, void (*lock)(void *opaque), void (*unlock)(void *opaque), void *opaque);

#endif
