/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_CHAR_CHARDEV_H
#define HW_CHAR_CHARDEV_H
/* chardev.h - the host end of a serial line: stdio, file, pty, socket, nothing.
 *
 * Short specifications are QEMU's: stdio, file:PATH, pipe:PATH, pty, unix:PATH, tcp:HOST:PORT,
 * telnet:HOST:PORT, udp:HOST:PORT@HOST:PORT, /dev/..., null, none, vc, with properties behind
 * commas; at length they are a table of properties whose "backend" is null, stdio, file, pipe, pty,
 * socket, udp, ringbuf, serial or vc. With mux=on (mon: in front) it takes Ctrl-A commands, and can
 * be shared by several front ends (a UART, monitors).  Called on the main thread or with the device
 * lock held; input arrives on the main thread with the lock held.  Output never blocks the guest
 * for good: what the peer does not take is queued up to a bound, then dropped (sockets, pty) or
 * waited for (stdio, file).
 */
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CharDev CharDev;

typedef enum CharEvent {
    CHAR_EVENT_OPENED,
    CHAR_EVENT_CLOSED,
    CHAR_EVENT_BREAK,
    CHAR_EVENT_MUX_IN,  /* input comes to this front end from now on */
    CHAR_EVENT_MUX_OUT, /* and no longer */
} CharEvent;

typedef struct CharFront {
    size_t (*can_receive)(void *opaque);                          /* bytes it has room for now */
    void (*receive)(void *opaque, const uint8_t *data, size_t n); /* n <= can_receive */
    void (*event)(void *opaque, CharEvent event);                 /* may be NULL */
    void (*writable)(void *opaque); /* all output has been taken; may be NULL */
    void *opaque;
    bool forgets; /* what a peer that has left had sent last means nothing any more */
} CharFront;

/* `none` gives a device that swallows everything, as `null` does. */
CharDev *chardev_new(const char *spec, GError **error);
/* `label` names it in messages ("serial0", which chardev_new takes, "serial1", "debugcon"). */
CharDev *chardev_new_labelled(const char *spec, const char *label, GError **error);
/* At length; the table's "backend" says which kind. Borrows it. */
CharDev *chardev_new_properties(GHashTable *properties, const char *label, GError **error);
/* What chardev_new_properties would take for a short specification. NULL: it is malformed. */
GHashTable *chardev_properties(const char *spec, GError **error);
/* Calls `each` with the name of every kind that can be made. */
void chardev_each_kind(void (*each)(const char *kind, void *opaque), void *opaque);
/* "unix:/tmp/s,server=on", with "disconnected:" in front where it is so. Owned by the caller. */
char *chardev_filename(const CharDev *chr);
bool chardev_is_used(const CharDev *chr); /* somebody is the front end */
/* A kind `ringbuf` keeps the last bytes written. false: another kind. The read takes up to n bytes
 * out, *n is then how many. */
bool chardev_ringbuf_read(CharDev *chr, uint8_t *data, size_t *n);
bool chardev_ringbuf_write(CharDev *chr, const uint8_t *data, size_t n);
/* A break, as from the peer. */
void chardev_send_break(CharDev *chr);
void chardev_set_escape_key(CharDev *chr, uint8_t key); /* -echr */
const char *chardev_label(const CharDev *chr);
void chardev_free(CharDev *chr); /* restores the terminal */
/* The device's end; NULL: nobody listens. It has the input at first. */
void chardev_set_front(CharDev *chr, const CharFront *front);
/* Others that share a device with Ctrl-A commands (monitors), C-a c gives the input to the next
 * one. Without such commands it can have one front end only. Returns its number, -1: it is in use.
 */
int chardev_add_front(CharDev *chr, const CharFront *front);
/* Such a device: its front ends learn by CHAR_EVENT_MUX_IN that somebody talks to them. */
bool chardev_is_shared(const CharDev *chr);
void chardev_remove_front(CharDev *chr, int index);
void chardev_write(CharDev *chr, const uint8_t *data, size_t n);
/* The front end has room again: deliver what waits. */
void chardev_accept_input(CharDev *chr);
/* Bytes of output that the peer has not taken. */
size_t chardev_pending(const CharDev *chr);
/* Output is neither dropped nor waited for from now on: the front end looks at chardev_pending. */
void chardev_set_lossless(CharDev *chr);
/* A descriptor that came along with the input (SCM_RIGHTS), -1: none. Owned by the caller. */
int chardev_take_fd(CharDev *chr);
/* The lock that is held around front-end callbacks. */
void chardev_set_lock(CharDev *chr, void (*lock)(void *opaque), void (*unlock)(void *opaque),
                      void *opaque);
/* Ctrl-A commands of a mon:stdio or -nographic terminal. h (help), b (break to the front end), t
 * (time stamps), Ctrl-A (itself) and c (the next front end) are done here; x (exit) and s (commit)
 * come to the callback, on the main thread, without the lock. */
typedef void CharEscape(void *opaque, char key);
void chardev_set_escape(CharDev *chr, CharEscape *escape, void *opaque);
/* Restores the terminal of every stdio chardev of this process from a signal handler or at exit:
 * async-signal-safe. */
void chardev_restore_terminal(void);

#endif
