/* SPDX-License-Identifier: GPL-2.0-or-later */
/* user_smb.c - smb=FOLDER: each connection of the guest to the server's address runs the host's
 * smbd, with a configuration that shares that folder and nothing else. */
#include <arpa/inet.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>
#include "hw/net/user_int.h"

enum { PORT_NETBIOS = 139, PORT_SMB = 445 };

#define SMBD "/usr/sbin/smbd"

static char *smb_config(const NetUser *user, const char *share)
{
    const struct passwd *me = getpwuid(geteuid());
    const char *folder = user->smb_folder, *name = me != NULL ? me->pw_name : "root";

    return g_strdup_printf("[global]\n"
                           "private dir = %s\ninterfaces = 127.0.0.1\nbind interfaces only = yes\n"
                           "pid directory = %s\nlock directory = %s\nstate directory = %s\n"
                           "cache directory = %s\nncalrpc dir = %s/ncalrpc\nlog file = %s/log\n"
                           "smb passwd file = %s/smbpasswd\nsecurity = user\n"
                           "map to guest = Bad User\nload printers = no\nprinting = bsd\n"
                           "disable spoolss = yes\nusershare max shares = 0\n"
                           "[qemu]\n"
                           "path = %s\nread only = no\nguest ok = yes\nforce user = %s\n",
                           folder, folder, folder, folder, folder, folder, folder, folder, share,
                           name);
}

static void folder_clear(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK)) {
            folder_clear(path);
        } else {
            g_unlink(path);
        }
    }
    g_rmdir(folder);
}

bool user_share(NetUser *user, const char *share, const char *server, GError **error)
{
    struct in_addr address = { 0 };
    g_autofree char *config = NULL, *file = NULL, *command = NULL;

    if (server != NULL && inet_pton(AF_INET, server, &address) != 1) {
        g_set_error(error, NET_ERROR, NET_ERROR_VALUE, "Failed to parse SMB address (%s)", server);
        return false;
    }
    if (access(SMBD, X_OK) != 0) {
        g_set_error(error, NET_ERROR, NET_ERROR_PARTS,
                    "could not find '" SMBD "', please install it");
        return false;
    }
    if (access(share, R_OK | X_OK) != 0) {
        g_set_error(error, NET_ERROR, NET_ERROR_HOST, "error accessing shared directory '%s': %s",
                    share, g_strerror(errno));
        return false;
    }
    user->smb_folder = g_dir_make_tmp("doppel-smb-XXXXXX", error);
    if (user->smb_folder == NULL) {
        return false;
    }
    config = smb_config(user, share);
    file = g_build_filename(user->smb_folder, "smb.conf", NULL);
    command = g_strdup_printf(SMBD " -l %s -s %s", user->smb_folder, file);
    if (!g_file_set_contents(file, config, -1, error)) {
        return false;
    }
    if (slirp_add_exec(user->slirp, command, &address, PORT_NETBIOS) < 0 ||
        slirp_add_exec(user->slirp, command, &address, PORT_SMB) < 0) {
        g_set_error(error, NET_ERROR, NET_ERROR_VALUE, "conflicting/invalid smbserver address");
        return false;
    }
    return true;
}

void user_unshare(NetUser *user)
{
    if (user->smb_folder != NULL) {
        folder_clear(user->smb_folder);
        g_clear_pointer(&user->smb_folder, g_free);
    }
}
