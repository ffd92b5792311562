/* SPDX-License-Identifier: GPL-2.0-or-later */
/* char_input.c - input of a character device: Ctrl-A commands, and whose of the front ends it is.
 */
#include "hw/char/chardev_int.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 1024 };

/* ---- Front ends ---- */

static CharSlot *slot_focus(CharDev *chr)
{
    return &chr->slot[chr->focus];
}

static void slot_event(CharSlot *slot, CharEvent event)
{
    if (slot->used && slot->front.event != NULL) {
        slot->front.event(slot->front.opaque, event);
    }
}

void char_event(CharDev *chr, CharEvent event)
{
    for (unsigned i = 0; i < CHAR_SLOTS; i++) {
        slot_event(&chr->slot[i], event);
    }
    if (event == CHAR_EVENT_OPENED && chr->mux) {
        slot_event(slot_focus(chr), CHAR_EVENT_MUX_IN);
    }
}

bool chardev_is_shared(const CharDev *chr)
{
    return chr->mux;
}

void char_slots_writable(CharDev *chr)
{
    for (unsigned i = 0; i < CHAR_SLOTS; i++) {
        if (chr->slot[i].used && chr->slot[i].front.writable != NULL) {
            chr->slot[i].front.writable(chr->slot[i].front.opaque);
        }
    }
}

void char_slots_clear(CharDev *chr)
{
    for (unsigned i = 0; i < CHAR_SLOTS; i++) {
        if (chr->slot[i].front.forgets) {
            chr->slot[i].head = chr->slot[i].count = 0;
        }
    }
    char_fds_clear(chr);
}

void char_slots_free(CharDev *chr)
{
    if (chr->first_focus != 0) {
        g_source_remove(chr->first_focus);
    }
    for (unsigned i = 0; i < CHAR_SLOTS; i++) {
        chr->slot[i].used = false;
        g_clear_pointer(&chr->slot[i].input, g_free);
    }
    char_fds_clear(chr);
}

bool chardev_is_used(const CharDev *chr)
{
    for (unsigned i = 0; i < CHAR_SLOTS; i++) {
        if (chr->slot[i].used) {
            return true;
        }
    }
    return false;
}

void chardev_send_break(CharDev *chr)
{
    slot_event(slot_focus(chr), CHAR_EVENT_BREAK);
}

static void focus_set(CharDev *chr, unsigned focus)
{
    if (focus != chr->focus) {
        if (chr->first_focus == 0) {
            slot_event(slot_focus(chr), CHAR_EVENT_MUX_OUT);
        }
        chr->focus = focus;
    }
    if (chr->first_focus != 0) {
        g_source_remove(chr->first_focus);
        chr->first_focus = 0;
    }
    if (chr->mux) {
        slot_event(slot_focus(chr), CHAR_EVENT_MUX_IN);
    }
}

static gboolean focus_tell(gpointer opaque)
{
    CharDev *chr = opaque;

    char_lock(chr);
    chr->first_focus = 0;
    slot_event(slot_focus(chr), CHAR_EVENT_MUX_IN);
    char_unlock(chr);
    return G_SOURCE_REMOVE;
}

static void focus_next(CharDev *chr)
{
    for (unsigned i = 1; i < CHAR_SLOTS; i++) {
        unsigned next = (chr->focus + i) % CHAR_SLOTS;

        if (chr->slot[next].used) {
            focus_set(chr, next);
            return;
        }
    }
}

static void slot_take(CharDev *chr, unsigned index, const CharFront *front)
{
    CharSlot *slot = &chr->slot[index];

    slot->used = true;
    slot->front = *front;
    slot->head = slot->count = 0;
    if (slot->input == NULL) {
        slot->input = g_malloc(CHAR_INPUT_SIZE);
    }
    if (chr->out_fd >= 0 || chr->in_fd >= 0) {
        slot_event(slot, CHAR_EVENT_OPENED);
    }
}

void chardev_set_front(CharDev *chr, const CharFront *front)
{
    if (front == NULL) {
        chr->slot[0].used = false;
        return;
    }
    slot_take(chr, 0, front);
    focus_set(chr, 0);
    chardev_accept_input(chr);
}

int chardev_add_front(CharDev *chr, const CharFront *front)
{
    unsigned index = 1;

    while (index < CHAR_SLOTS && chr->slot[index].used) {
        index++;
    }
    if (index == CHAR_SLOTS || (!chr->mux && (index > 1 || chr->slot[0].used))) {
        return -1;
    }
    slot_take(chr, index, front);
    if (!slot_focus(chr)->used && chr->mux) { /* the device's own front end may come yet */
        chr->focus = index;
        if (chr->first_focus == 0) {
            chr->first_focus = g_idle_add(focus_tell, chr);
        }
    } else if (!slot_focus(chr)->used) {
        focus_set(chr, index);
    }
    chardev_accept_input(chr);
    return (int)index;
}

void chardev_remove_front(CharDev *chr, int index)
{
    chr->slot[index].used = false;
    if (chr->focus == (unsigned)index) {
        focus_next(chr);
    }
}

/* ---- Delivery ---- */

static void slot_deliver(CharDev *chr, CharSlot *slot)
{
    if (chr->delivering) {
        return;
    }
    chr->delivering = true;
    while (slot->used && slot->count != 0) {
        size_t head = slot->head;
        size_t n = MIN(slot->count, CHAR_INPUT_SIZE - head);

        n = MIN(n, slot->front.can_receive(slot->front.opaque));
        if (n == 0) {
            break;
        }
        slot->head = (head + n) % CHAR_INPUT_SIZE;
        slot->count -= n;
        slot->front.receive(slot->front.opaque, &slot->input[head], n);
    }
    chr->delivering = false;
}

static void slot_put(CharSlot *slot, uint8_t byte)
{
    if (slot->used && slot->count < CHAR_INPUT_SIZE) {
        slot->input[(slot->head + slot->count) % CHAR_INPUT_SIZE] = byte;
        slot->count++;
    }
}

/* ---- Ctrl-A commands ---- */

static void mux_help(CharDev *chr)
{
    static const char help[] = "\r\n"
                               "C-a h    print this help\r\n"
                               "C-a x    exit emulator\r\n"
                               "C-a s    save disk data back to file (if -snapshot)\r\n"
                               "C-a t    toggle console timestamps\r\n"
                               "C-a b    send break (magic sysrq)\r\n"
                               "C-a c    switch between console and monitor\r\n"
                               "C-a C-a  sends C-a\r\n";

    char_send(chr, (const uint8_t *)help, sizeof(help) - 1);
}

static void mux_command(CharDev *chr, uint8_t key)
{
    switch (key) {
    case 'h':
    case '?':
        mux_help(chr);
        break;
    case 'b':
        slot_event(slot_focus(chr), CHAR_EVENT_BREAK);
        break;
    case 't':
        chr->stamps = !chr->stamps;
        chr->stamp_start = g_get_monotonic_time();
        chr->line_begun = false;
        break;
    case 'c':
        focus_next(chr);
        break;
    case 'x':
    case 's':
        g_string_append_c(chr->commands, (char)key);
        break;
    default:
        break;
    }
}

/* One byte of a device with commands. */
static void mux_byte(CharDev *chr, uint8_t byte)
{
    if (chr->escaped && byte != chr->escape_key) {
        chr->escaped = false;
        mux_command(chr, byte);
    } else if (!chr->escaped && byte == chr->escape_key) {
        chr->escaped = true;
    } else {
        chr->escaped = false;
        slot_put(slot_focus(chr), byte);
    }
}

static void input_put(CharDev *chr, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (chr->mux) {
            mux_byte(chr, data[i]);
        } else {
            slot_put(slot_focus(chr), data[i]);
        }
    }
}

/* ---- Descriptors that come along ---- */

void char_fds_clear(CharDev *chr)
{
    for (unsigned i = 0; i < chr->n_fds; i++) {
        close(chr->fds[i]);
    }
    chr->n_fds = 0;
}

int chardev_take_fd(CharDev *chr)
{
    int fd;

    if (chr->n_fds == 0) {
        return -1;
    }
    fd = chr->fds[0];
    chr->n_fds--;
    memmove(chr->fds, chr->fds + 1, chr->n_fds * sizeof(chr->fds[0]));
    return fd;
}

/* Keeps the last few; whoever sends more than anybody takes loses the first. */
static void fds_receive(CharDev *chr, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
            if (chr->n_fds == CHAR_FDS) {
                close(chardev_take_fd(chr));
            }
            chr->fds[chr->n_fds++] = fd;
        }
    }
}

static ssize_t input_receive(CharDev *chr, uint8_t *data, size_t size)
{
    union {
        struct cmsghdr head;
        uint8_t bytes[CMSG_SPACE(CHAR_FDS * sizeof(int))];
    } control;
    struct iovec vector = { data, size };
    struct msghdr message = { .msg_iov = &vector,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };
    ssize_t n;

    if (!chr->takes_fds) {
        return read(chr->in_fd, data, size);
    }
    n = recvmsg(chr->in_fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n >= 0) {
        fds_receive(chr, &message);
    }
    return n;
}

/* ---- The watch ---- */

static bool input_ended(CharDev *chr)
{
    chr->in_watch = 0;
    if (chr->driver->hangup == NULL) {
        if (chr->owns_fds && chr->in_fd != chr->out_fd) {
            close(chr->in_fd);
        }
        chr->in_fd = -1; /* end of input; output goes on */
        return false;
    }
    char_disconnect(chr);
    chr->driver->hangup(chr);
    return chr->in_watch != 0;
}

/* Reads once. False: stop watching. */
static bool input_read(CharDev *chr)
{
    CharSlot *slot = slot_focus(chr);
    uint8_t data[PIECE];
    size_t room = slot->used ? CHAR_INPUT_SIZE - slot->count : sizeof(data);
    ssize_t n;

    if (room == 0 && !chr->keep_keys) {
        return false; /* until the front end has taken some */
    }
    n = input_receive(chr, data, chr->keep_keys ? sizeof(data) : MIN(room, sizeof(data)));
    if ((n < 0 && (errno == EAGAIN || errno == EINTR)) || (n <= 0 && chr->datagrams)) {
        return true;
    }
    if (n <= 0) {
        return input_ended(chr);
    }
    if (chr->driver->filter != NULL) {
        n = (ssize_t)chr->driver->filter(chr, data, (size_t)n);
    }
    input_put(chr, data, (size_t)n);
    for (unsigned i = 0; i < CHAR_SLOTS; i++) {
        slot_deliver(chr, &chr->slot[i]);
    }
    return true;
}

static void commands_run(CharDev *chr, const char *commands)
{
    for (; *commands != '\0' && chr->escape != NULL; commands++) {
        chr->escape(chr->escape_opaque, *commands);
    }
}

static gboolean input_watch(gint fd, GIOCondition condition, gpointer opaque)
{
    CharDev *chr = opaque;
    g_autofree char *commands = NULL;
    bool more = false;

    (void)condition;
    char_lock(chr);
    if (chr->in_fd == fd) {
        guint watch = chr->in_watch;

        more = input_read(chr) && chr->in_watch == watch;
        if (!more && chr->in_watch == watch) {
            chr->in_watch = 0;
        }
    }
    commands = g_strdup(chr->commands->str);
    g_string_truncate(chr->commands, 0);
    char_unlock(chr);
    commands_run(chr, commands);
    return more;
}

void char_input_start(CharDev *chr)
{
    const CharSlot *slot = slot_focus(chr);

    if (chr->in_fd >= 0 && chr->in_watch == 0 && (!slot->used || slot->count < CHAR_INPUT_SIZE)) {
        chr->in_watch = g_unix_fd_add(chr->in_fd, G_IO_IN | G_IO_HUP | G_IO_ERR, input_watch, chr);
    }
}

void chardev_accept_input(CharDev *chr)
{
    for (unsigned i = 0; i < CHAR_SLOTS; i++) {
        if (chr->slot[i].count != 0) {
            slot_deliver(chr, &chr->slot[i]);
        }
    }
    if (chr->in_watch == 0) {
        char_input_start(chr);
    }
}
