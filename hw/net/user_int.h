/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_NET_USER_INT_H
#define HW_NET_USER_INT_H
/* user_int.h - the parts of user networking. */
#include <libslirp.h>
#include "hw/net/ip_fragments.h"
#include "hw/net/net_int.h"
#include "hw/net/netdev.h"

typedef struct NetUser {
    NetHost host;
    NetPort *port;
    Slirp *slirp;
    GSource *source;  /* user_poll.c */
    GSList *forwards; /* of what user_forward.c keeps for guestfwd= */
    IpFragments *fragments;
    char *smb_folder; /* configuration of a smbd; NULL: none */
    uint8_t frame[NET_FRAME_MAX];
} NetUser;

/* user_poll.c: the sockets of slirp in the main loop. */
GSource *user_poll_new(NetUser *user);
extern const SlirpCb user_slirp_callbacks;

/* user_config.c: fills `config`, whose strings are those of `options`. */
bool user_config(SlirpConfig *config, const NetUserOptions *options, GError **error);

/* user_forward.c */
bool user_forward_host(NetUser *user, const char *rule, GError **error);
bool user_unforward_host(NetUser *user, const char *rule, GError **error);
bool user_forward_guest(NetUser *user, const char *rule, GError **error);
void user_forward_poll(NetUser *user); /* the guest may have room for more now */
void user_forward_free(NetUser *user);

/* user_smb.c */
bool user_share(NetUser *user, const char *folder, const char *server, GError **error);
void user_unshare(NetUser *user);

#endif
