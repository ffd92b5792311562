/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_STATE_STREAM_H
#define RUNTIME_MACHINE_STATE_STREAM_H
/* state_stream.h - a saved machine on a file descriptor: a head, then sections, each with its name,
 * its size and a checksum.  What is cut short, or has a bit changed, is noticed before it is used.
 *
 * The descriptor need not be seekable.  Errors are one line. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef enum SectionKind {
    SECTION_CONFIGURATION, /* text */
    SECTION_MEMORY,        /* RAM offset (8 bytes), bytes; what no section has is zero */
    SECTION_CPU,
    SECTION_DEVICE,
    SECTION_CLOCK,
    SECTION_END,
} SectionKind;

enum { SECTION_MEMORY_SIZE = 1 << 20, SECTION_SIZE_MAX = 64 << 20, SECTION_NAME_MAX = 255 };

typedef struct Section {
    SectionKind kind;
    char name[SECTION_NAME_MAX + 1];
    uint32_t instance;
    GByteArray *data;
} Section;

bool state_stream_write_head(int fd, GError **error);
bool state_stream_write(int fd, SectionKind kind, const char *name, uint32_t instance,
                        const void *data, size_t size, GError **error);

bool state_stream_read_head(int fd, GError **error);
/* Into `section`, whose data the caller has made and keeps. */
bool state_stream_read(int fd, Section *section, GError **error);

#define STATE_STREAM_ERROR state_stream_error_quark()
GQuark state_stream_error_quark(void);
typedef enum StateStreamError {
    STATE_STREAM_ERROR_IO,
    STATE_STREAM_ERROR_FORM,
    STATE_STREAM_ERROR_CONFIGURATION,
} StateStreamError;

#endif
