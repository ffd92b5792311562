/* SPDX-License-Identifier: GPL-2.0-or-later */
/* user.c - user networking: a network that lives in this process, with a router, DHCP, DNS and
 * TFTP, by libslirp.  Connections of the guest are sockets of ours; the host needs no privileges.
 *
 * Large TCP segments of the guest are taken as they are: slirp writes them to a socket anyway. */
#include <string.h>
#include "hw/net/user_int.h"

G_DEFINE_QUARK(net - error - quark, net_error)

static bool user_receive(void *opaque, const struct iovec *iov, unsigned n,
                         const NetOffload *offload)
{
    NetUser *user = opaque;
    size_t size = net_iov_size(iov, n);

    if (size > sizeof(user->frame)) {
        return true;
    }
    net_iov_flatten(iov, n, user->frame);
    if (offload->gso_type != NET_GSO_NONE) {
        if (!net_finish_large(user->frame, size)) {
            return true;
        }
    } else if ((offload->flags & NET_FLAG_NEEDS_CSUM) != 0 &&
               !net_finish_csum(user->frame, size, offload)) {
        return true;
    }
    if (ip_is_fragment(user->frame, size)) {
        size = ip_fragments_add(user->fragments, user->frame, size);
    }
    if (size != 0) {
        slirp_input(user->slirp, user->frame, (int)size);
    }
    return true;
}

static char *user_describe(void *opaque)
{
    (void)opaque;
    return g_strdup("");
}

static void user_free(void *opaque)
{
    NetUser *user = opaque;

    if (user->source != NULL) {
        g_source_destroy(user->source);
        g_clear_pointer(&user->source, g_source_unref);
    }
    user_forward_free(user);
    if (user->slirp != NULL) {
        slirp_cleanup(user->slirp);
    }
    user_unshare(user);
    ip_fragments_free(user->fragments);
    g_free(user);
}

static const NetPortOps user_ops = {
    .receive = user_receive,
    .describe = user_describe,
    .free = user_free,
};

static bool user_rules(NetUser *user, const NetUserOptions *options, GError **error)
{
    for (unsigned i = 0; options->hostfwd != NULL && options->hostfwd[i] != NULL; i++) {
        if (!user_forward_host(user, options->hostfwd[i], error)) {
            return false;
        }
    }
    for (unsigned i = 0; options->guestfwd != NULL && options->guestfwd[i] != NULL; i++) {
        if (!user_forward_guest(user, options->guestfwd[i], error)) {
            return false;
        }
    }
    return options->smb == NULL || user_share(user, options->smb, options->smbserver, error);
}

NetPort *net_user_new(const NetHost *host, const NetUserOptions *options, GError **error)
{
    SlirpConfig config;
    NetUser *user;

    if (!user_config(&config, options, error)) {
        return NULL;
    }
    user = g_new0(NetUser, 1);
    user->host = *host;
    user->fragments = ip_fragments_new(host->clock);
    user->port = net_port_new("user", options->id, &user_ops, user);
    net_port_set_takes(user->port,
                       NET_TAKES_CSUM | NET_TAKES_TSO4 | NET_TAKES_TSO6 | NET_TAKES_ECN);
    user->slirp = slirp_new(&config, &user_slirp_callbacks, user);
    if (user->slirp == NULL) {
        g_set_error(error, NET_ERROR, NET_ERROR_HOST, "user networking cannot be set up");
        net_port_free(user->port);
        return NULL;
    }
    user->source = user_poll_new(user);
    if (!user_rules(user, options, error)) {
        net_port_free(user->port);
        return NULL;
    }
    return user->port;
}

bool net_is_user(const NetPort *port)
{
    return strcmp(net_port_kind(port), "user") == 0;
}

bool net_user_add_hostfwd(NetPort *port, const char *rule, GError **error)
{
    return user_forward_host(net_port_opaque(port), rule, error);
}

bool net_user_remove_hostfwd(NetPort *port, const char *rule, GError **error)
{
    return user_unforward_host(net_port_opaque(port), rule, error);
}

char *net_user_info(NetPort *port)
{
    NetUser *user = net_port_opaque(port);
    char *text = slirp_connection_info(user->slirp), *copy = g_strdup(text);

    free(text);
    return copy;
}
