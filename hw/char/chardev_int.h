/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_CHAR_CHARDEV_INT_H
#define HW_CHAR_CHARDEV_INT_H
/* chardev_int.h - what a kind of character device sees of the common part.
 *
 * A driver opens descriptors and hands them over with char_connect; the common part reads, writes,
 * queues and watches them.  Everything is under the device lock; watches run on the main thread and
 * take it. */
#include "hw/char/chardev.h"

enum { CHAR_INPUT_SIZE = 4096, CHAR_OUTPUT_BOUND = 256 * 1024, CHAR_SLOTS = 4, CHAR_FDS = 16 };

/* A front end and the input that waits for it. */
typedef struct CharSlot {
    bool used;
    CharFront front;
    uint8_t *input; /* ring of CHAR_INPUT_SIZE */
    size_t head, count;
} CharSlot;

typedef struct CharDriver {
    const char *name;
    const char *const *known; /* properties; NULL: none but the common ones */
    const char *refusal;      /* why doppel has none of this kind; NULL: it has */
    bool (*open)(CharDev *chr, GError **error);
    void (*close)(CharDev *chr);  /* after char_disconnect; may be NULL */
    void (*hangup)(CharDev *chr); /* the peer has left, after char_disconnect; may be NULL */
    /* Takes protocol bytes out of the input in place; returns how many are left. May be NULL. */
    size_t (*filter)(CharDev *chr, uint8_t *data, size_t n);
    /* Sends data that needs escaping through char_output. NULL: as it is. */
    void (*send)(CharDev *chr, const uint8_t *data, size_t n);
} CharDriver;

struct CharDev {
    const CharDriver *driver;
    void *state; /* the driver's own */
    char *label;
    char *filename;     /* as query-chardev tells it; NULL: the driver's name */
    GHashTable *values; /* properties, of strings */
    int log_fd;         /* output goes there, too; -1: none */

    int in_fd, out_fd; /* -1: none */
    bool owns_fds;     /* closed when disconnected */
    bool socket;
    bool broken;    /* a socket whose peer takes nothing any more */
    bool datagrams; /* there is no end of input */
    bool waits;     /* output is waited for when the queue is full, else dropped */
    bool blocking;  /* out_fd may block: small pieces, after a poll */
    bool keep_keys; /* input that finds no room is read and dropped: a terminal */
    guint in_watch, out_watch;
    bool lossless;             /* output is queued without a bound: the front end takes care */
    CharSlot slot[CHAR_SLOTS]; /* 0: the device's */
    unsigned focus;            /* whose the input is */
    guint first_focus;         /* source: who has it when the machine is complete is told then */
    bool delivering;
    GByteArray *output;
    bool takes_fds; /* a unix socket */
    int fds[CHAR_FDS];
    unsigned n_fds;

    bool mux, escaped;  /* Ctrl-A commands; one has begun */
    uint8_t escape_key; /* Ctrl-A, or what -echr says */
    GString *commands;  /* for the callback, once the lock is gone */
    bool stamps;        /* time stamps, from stamp_start on */
    bool line_begun;    /* the last byte out was no newline */
    gint64 stamp_start; /* us */

    CharEscape *escape;
    void *escape_opaque;
    void (*lock)(void *opaque);
    void (*unlock)(void *opaque);
    void *lock_opaque;
};

void char_lock(CharDev *chr);
void char_unlock(CharDev *chr);

/* Gives the device its descriptors and tells the front end. Either may be -1. */
void char_connect(CharDev *chr, int in_fd, int out_fd);
/* Forgets them (closing its own) and what was queued. */
void char_disconnect(CharDev *chr);
void char_event(CharDev *chr, CharEvent event);
void char_output(CharDev *chr, const uint8_t *data, size_t n);
void char_send(CharDev *chr, const uint8_t *data, size_t n); /* through the driver */

/* char_input.c */
void char_input_start(CharDev *chr);
void char_slots_writable(CharDev *chr);
void char_slots_free(CharDev *chr);
/* The peer has left: see CharFront.forgets. */
void char_slots_clear(CharDev *chr);
void char_fds_clear(CharDev *chr);

/* ---- Properties: chr->values ---- */

GHashTable *char_values_new(const char *backend);
void char_values_set(GHashTable *values, const char *key, const char *value);
/* What a short form stands for. */
GHashTable *char_values_of_spec(const char *spec, GError **error);
/* Every key is known (NULL ends the list), or common to all kinds. */
bool char_values_check(GHashTable *values, const char *const *known, GError **error);
const char *char_value(const CharDev *chr, const char *key); /* NULL: not given */
/* The value stays as it was where there is none; false with an error if it is no such thing. */
bool char_value_bool(const CharDev *chr, const char *key, bool *value, GError **error);
bool char_value_number(const CharDev *chr, const char *key, uint64_t max, uint64_t *value,
                       GError **error);
/* The caller puts option and value in front. */
void char_error(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

extern const CharDriver char_stdio, char_file, char_pipe, char_null, char_none, char_vc, char_pty,
    char_socket, char_udp, char_ringbuf, char_serial;

/* char_ringbuf.c: for chardev_ringbuf_read and _write. */
bool char_is_ringbuf(const CharDev *chr);

#endif
