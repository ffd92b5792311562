/* SPDX-License-Identifier: GPL-2.0-or-later */
/* user_forward.c - ports of the host that lead into a user network (hostfwd=), and addresses in it
 * that lead out (guestfwd=). */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "hw/char/chardev.h"
#include "hw/net/user_int.h"

typedef struct GuestForward {
    NetUser *user;
    CharDev *chr;
    struct in_addr server;
    int port;
} GuestForward;

static bool rule_fail(GError **error, const char *rule, const char *why)
{
    g_set_error(error, NET_ERROR, NET_ERROR_RULE, "Invalid host forwarding rule '%s' (%s)", rule,
                why);
    return false;
}

/* Cuts text up to `end` off; NULL: it is not there. Caller frees. */
static char *cut(const char **text, char end)
{
    const char *at = strchr(*text, end);
    char *word;

    if (at == NULL) {
        return NULL;
    }
    word = g_strndup(*text, (gsize)(at - *text));
    *text = at + 1;
    return word;
}

static bool parse_port(const char *text, int *port)
{
    char *end;
    long value = strtol(text, &end, 0);

    *port = (int)value;
    return *text != 0 && *end == 0 && value >= 0 && value <= 65535;
}

typedef struct HostRule {
    bool udp;
    struct in_addr host;
    int host_port;
} HostRule;

/* Protocol and host address; `*text` is left at the port. */
static const char *parse_host_side(const char **text, HostRule *rule)
{
    g_autofree char *protocol = cut(text, ':');
    g_autofree char *host = protocol != NULL ? cut(text, ':') : NULL;

    if (protocol == NULL) {
        return "No protocol";
    }
    rule->udp = strcmp(protocol, "udp") == 0;
    if (!rule->udp && *protocol != 0 && strcmp(protocol, "tcp") != 0) {
        return "Bad protocol name";
    }
    if (host == NULL) {
        return "Missing : separator";
    }
    rule->host.s_addr = INADDR_ANY;
    if (*host != 0 && inet_pton(AF_INET, host, &rule->host) != 1) {
        return "Bad host address";
    }
    return NULL;
}

bool user_forward_host(NetUser *user, const char *text, GError **error)
{
    const char *at = text, *why;
    HostRule rule = { 0 };
    struct in_addr guest = { 0 };
    int guest_port;

    why = parse_host_side(&at, &rule);
    g_autofree char *host_port = why == NULL ? cut(&at, '-') : NULL;
    g_autofree char *guest_host = host_port != NULL ? cut(&at, ':') : NULL;

    if (why != NULL) {
        return rule_fail(error, text, why);
    }
    if (host_port == NULL || !parse_port(host_port, &rule.host_port)) {
        return rule_fail(error, text, "Bad host port");
    }
    if (guest_host == NULL) {
        return rule_fail(error, text, "Missing guest address");
    }
    if (*guest_host != 0 && inet_pton(AF_INET, guest_host, &guest) != 1) {
        return rule_fail(error, text, "Bad guest address");
    }
    if (!parse_port(at, &guest_port) || guest_port == 0) {
        return rule_fail(error, text, "Bad guest port");
    }
    if (slirp_add_hostfwd(user->slirp, rule.udp, rule.host, rule.host_port, guest, guest_port) <
        0) {
        g_set_error(error, NET_ERROR, NET_ERROR_HOST, "Could not set up host forwarding rule '%s'",
                    text);
        return false;
    }
    return true;
}

bool user_unforward_host(NetUser *user, const char *text, GError **error)
{
    const char *at = text, *why;
    HostRule rule = { 0 };

    why = parse_host_side(&at, &rule);
    if (why == NULL && !parse_port(at, &rule.host_port)) {
        why = "Bad host port";
    }
    if (why != NULL) {
        return rule_fail(error, text, why);
    }
    if (slirp_remove_hostfwd(user->slirp, rule.udp, rule.host, rule.host_port) < 0) {
        g_set_error(error, NET_ERROR, NET_ERROR_RULE, "host forwarding rule for %s not found",
                    text);
        return false;
    }
    return true;
}

/* ---- guestfwd ---- */

static ssize_t forward_write(const void *data, size_t size, void *opaque)
{
    GuestForward *forward = opaque;

    chardev_write(forward->chr, data, size);
    return (ssize_t)size;
}

static size_t forward_room(void *opaque)
{
    const GuestForward *forward = opaque;

    return slirp_socket_can_recv(forward->user->slirp, forward->server, forward->port);
}

static void forward_receive(void *opaque, const uint8_t *data, size_t size)
{
    const GuestForward *forward = opaque;

    slirp_socket_recv(forward->user->slirp, forward->server, forward->port, data, (int)size);
}

static bool forward_chardev(NetUser *user, const char *spec, struct in_addr server, int port,
                            GError **error)
{
    GuestForward *forward = g_new0(GuestForward, 1);
    const CharFront front = { .can_receive = forward_room,
                              .receive = forward_receive,
                              .opaque = forward };

    forward->user = user;
    forward->server = server;
    forward->port = port;
    forward->chr = chardev_new(spec, error);
    if (forward->chr == NULL) {
        g_free(forward);
        return false;
    }
    user->forwards = g_slist_prepend(user->forwards, forward);
    chardev_set_lock(forward->chr, user->host.lock, user->host.unlock, user->host.opaque);
    chardev_set_front(forward->chr, &front);
    return slirp_add_guestfwd(user->slirp, forward_write, forward, &forward->server, port) >= 0;
}

bool user_forward_guest(NetUser *user, const char *text, GError **error)
{
    const char *at = text;
    g_autofree char *protocol = cut(&at, ':');
    g_autofree char *host = protocol != NULL ? cut(&at, ':') : NULL;
    g_autofree char *port_text = host != NULL ? cut(&at, '-') : NULL;
    struct in_addr server = { 0 };
    bool done;
    int port;

    if (port_text == NULL || (*protocol != 0 && strcmp(protocol, "tcp") != 0) ||
        (*host != 0 && inet_pton(AF_INET, host, &server) != 1) || !parse_port(port_text, &port) ||
        port == 0) {
        g_set_error(error, NET_ERROR, NET_ERROR_RULE, "Invalid guest forwarding rule '%s'", text);
        return false;
    }
    if (g_str_has_prefix(at, "cmd:")) {
        done = slirp_add_exec(user->slirp, at + strlen("cmd:"), &server, port) >= 0;
    } else {
        done = forward_chardev(user, at, server, port, error);
    }
    if (!done && (error == NULL || *error == NULL)) {
        g_set_error(error, NET_ERROR, NET_ERROR_RULE, "Could not set up guest forwarding rule '%s'",
                    text);
    }
    return done;
}

void user_forward_poll(NetUser *user)
{
    for (GSList *at = user->forwards; at != NULL; at = at->next) {
        chardev_accept_input(((GuestForward *)at->data)->chr);
    }
}

void user_forward_free(NetUser *user)
{
    while (user->forwards != NULL) {
        GuestForward *forward = user->forwards->data;

        chardev_free(forward->chr);
        g_free(forward);
        user->forwards = g_slist_delete_link(user->forwards, user->forwards);
    }
}
