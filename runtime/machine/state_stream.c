/* SPDX-License-Identifier: GPL-2.0-or-later */
/* state_stream.c - the form of a saved machine.
 *
 *   head:    16 bytes of magic, version (4)
 *   section: kind (1), length of the name (1), instance (4), size (8), name, data, CRC-32 of all
 *            that (4)
 *
 * Numbers are little-endian. */
#include "runtime/machine/state_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

G_DEFINE_QUARK(state - stream - error - quark, state_stream_error)

enum { MAGIC_SIZE = 16, VERSION = 1, SECTION_HEAD = 14 };
static const char magic[MAGIC_SIZE] = "doppel machine\n";

/* ---- Descriptors ---- */

static bool write_all(int fd, const void *data, size_t size, GError **error)
{
    const uint8_t *at = data;

    while (size != 0) {
        ssize_t n = write(fd, at, size);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            g_set_error(error, STATE_STREAM_ERROR, STATE_STREAM_ERROR_IO,
                        "the state of the machine cannot be written: %s", g_strerror(errno));
            return false;
        }
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t size, GError **error)
{
    uint8_t *at = data;

    while (size != 0) {
        ssize_t n = read(fd, at, size);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            g_set_error(error, STATE_STREAM_ERROR,
                        n == 0 ? STATE_STREAM_ERROR_FORM : STATE_STREAM_ERROR_IO,
                        n == 0 ? "the saved machine is cut short%s"
                               : "the saved machine cannot be read: %s",
                        n == 0 ? "" : g_strerror(errno));
            return false;
        }
        at += n;
        size -= (size_t)n;
    }
    return true;
}

/* ---- Numbers ---- */

static void put(uint8_t *at, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get(const uint8_t *at, unsigned width)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static uint32_t checksum(const uint8_t *head, const char *name, const void *data, size_t size)
{
    uLong sum = crc32(0, head, SECTION_HEAD);

    sum = crc32(sum, (const Bytef *)name, (uInt)strlen(name));
    return (uint32_t)crc32(sum, data, (uInt)size);
}

/* ---- Writing ---- */

bool state_stream_write_head(int fd, GError **error)
{
    uint8_t head[MAGIC_SIZE + 4];

    memcpy(head, magic, MAGIC_SIZE);
    put(head + MAGIC_SIZE, VERSION, 4);
    return write_all(fd, head, sizeof(head), error);
}

bool state_stream_write(int fd, SectionKind kind, const char *name, uint32_t instance,
                        const void *data, size_t size, GError **error)
{
    uint8_t head[SECTION_HEAD], sum[4];

    g_assert(size <= SECTION_SIZE_MAX && strlen(name) <= SECTION_NAME_MAX);
    head[0] = (uint8_t)kind;
    head[1] = (uint8_t)strlen(name);
    put(head + 2, instance, 4);
    put(head + 6, size, 8);
    put(sum, checksum(head, name, size != 0 ? data : "", size), 4);
    return write_all(fd, head, sizeof(head), error) && write_all(fd, name, strlen(name), error) &&
           write_all(fd, data, size, error) && write_all(fd, sum, sizeof(sum), error);
}

/* ---- Reading ---- */

bool state_stream_read_head(int fd, GError **error)
{
    uint8_t head[MAGIC_SIZE + 4];

    if (!read_all(fd, head, sizeof(head), error)) {
        return false;
    }
    if (memcmp(head, magic, MAGIC_SIZE) != 0) {
        g_set_error(error, STATE_STREAM_ERROR, STATE_STREAM_ERROR_FORM, "not a saved machine");
        return false;
    }
    if (get(head + MAGIC_SIZE, 4) != VERSION) {
        g_set_error(error, STATE_STREAM_ERROR, STATE_STREAM_ERROR_FORM,
                    "a saved machine of version %u, and %d is what is known",
                    (unsigned)get(head + MAGIC_SIZE, 4), VERSION);
        return false;
    }
    return true;
}

static bool fail_form(GError **error)
{
    g_set_error(error, STATE_STREAM_ERROR, STATE_STREAM_ERROR_FORM, "the saved machine is damaged");
    return false;
}

bool state_stream_read(int fd, Section *section, GError **error)
{
    uint8_t head[SECTION_HEAD], sum[4];
    uint64_t size;

    if (!read_all(fd, head, sizeof(head), error)) {
        return false;
    }
    size = get(head + 6, 8);
    if (head[0] > SECTION_END || size > SECTION_SIZE_MAX) {
        return fail_form(error);
    }
    memset(section->name, 0, sizeof(section->name));
    g_byte_array_set_size(section->data, (guint)size);
    if (!read_all(fd, section->name, head[1], error) ||
        !read_all(fd, section->data->data, size, error) || !read_all(fd, sum, sizeof(sum), error)) {
        return false;
    }
    if (strlen(section->name) != head[1] ||
        get(sum, 4) != checksum(head, section->name, size != 0 ? section->data->data : sum, size)) {
        return fail_form(error);
    }
    section->kind = head[0];
    section->instance = (uint32_t)get(head + 2, 4);
    return true;
}
