/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_ringbuf.c - the last bytes of output, for ringbuf-read. */
#include "hw/char/chardev_int.h"

#include <string.h>

enum { RINGBUF_SIZE = 65536, RINGBUF_MAX = 64 << 20 };

typedef struct CharRingbuf {
    uint8_t *data;
    size_t size; /* a power of two */
    size_t head, count;
} CharRingbuf;

static void char_ringbuf_send(CharDev *chr, const uint8_t *data, size_t n)
{
    CharRingbuf *ring = chr->state;

    for (size_t i = 0; i < n; i++) {
        ring->data[(ring->head + ring->count) & (ring->size - 1)] = data[i];
        if (ring->count < ring->size) {
            ring->count++;
        } else {
            ring->head = (ring->head + 1) & (ring->size - 1);
        }
    }
}

bool char_is_ringbuf(const CharDev *chr)
{
    return chr->driver == &char_ringbuf;
}

bool chardev_ringbuf_write(CharDev *chr, const uint8_t *data, size_t n)
{
    if (!char_is_ringbuf(chr)) {
        return false;
    }
    char_ringbuf_send(chr, data, n);
    return true;
}

bool chardev_ringbuf_read(CharDev *chr, uint8_t *data, size_t *n)
{
    CharRingbuf *ring = chr->state;

    if (!char_is_ringbuf(chr)) {
        return false;
    }
    *n = MIN(*n, ring->count);
    for (size_t i = 0; i < *n; i++) {
        data[i] = ring->data[(ring->head + i) & (ring->size - 1)];
    }
    ring->head = (ring->head + *n) & (ring->size - 1);
    ring->count -= *n;
    return true;
}

static bool char_ringbuf_open(CharDev *chr, GError **error)
{
    uint64_t size = RINGBUF_SIZE;
    CharRingbuf *ring;

    if (!char_value_number(chr, "size", RINGBUF_MAX, &size, error)) {
        return false;
    }
    if (size == 0 || (size & (size - 1)) != 0) {
        char_error(error, "size of ringbuf chardev must be power of two");
        return false;
    }
    ring = g_new0(CharRingbuf, 1);
    ring->size = size;
    ring->data = g_malloc(size);
    chr->state = ring;
    return true;
}

static void char_ringbuf_close(CharDev *chr)
{
    CharRingbuf *ring = chr->state;

    g_free(ring->data);
    g_free(ring);
}

static const char *const ringbuf_known[] = { "size", NULL };

const CharDriver char_ringbuf = { .name = "ringbuf",
                                  .known = ringbuf_known,
                                  .open = char_ringbuf_open,
                                  .close = char_ringbuf_close,
                                  .send = char_ringbuf_send };
