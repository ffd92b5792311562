/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/net/tap_int.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TUN_DEVICE "/dev/net/tun"
#define HELPER     "/usr/lib/qemu/qemu-bridge-helper"
#define BRIDGE     "br0"

static int fail(GError **error, const char *what, int code)
{
    g_set_error(error, NET_ERROR, NET_ERROR_HOST, "%s: %s", what, g_strerror(code));
    return -1;
}

/* ---- By ourselves ---- */

static int interface_make(const NetTapOptions *options, GError **error)
{
    int fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC), code;
    struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
    g_autofree char *what = NULL;
    unsigned features = 0;

    if (fd < 0) {
        return fail(error, "could not open " TUN_DEVICE, errno);
    }
    if (!options->no_vnet_hdr && ioctl(fd, TUNGETFEATURES, &features) == 0 &&
        (features & IFF_VNET_HDR) != 0) {
        request.ifr_flags |= IFF_VNET_HDR;
    }
    g_strlcpy(request.ifr_name, options->ifname != NULL ? options->ifname : "tap%d", IFNAMSIZ);
    if (ioctl(fd, TUNSETIFF, &request) == 0) {
        return fd;
    }
    code = errno;
    close(fd);
    what = g_strdup_printf("could not configure " TUN_DEVICE " (%s)", request.ifr_name);
    return fail(error, what, code);
}

bool tap_script(const char *script, const char *ifname, GError **error)
{
    const char *const argv[] = { script, ifname, NULL };
    GError *why = NULL;
    int status = 0;

    if (!g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL,
                      G_SPAWN_CHILD_INHERITS_STDIN | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                      NULL, &status, &why)) {
        g_set_error(error, NET_ERROR, NET_ERROR_PARTS, "could not launch network script: %s",
                    why->message);
        g_error_free(why);
        return false;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        g_set_error(error, NET_ERROR, NET_ERROR_HOST, "network script %s failed with status %d",
                    script, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
        return false;
    }
    return true;
}

/* ---- By the helper, which has the right to do it ---- */

static int helper_receive(int from)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    const struct cmsghdr *part;
    int fd = -1;

    if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) > 0) {
        part = CMSG_FIRSTHDR(&message);
        if (part != NULL && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
            part->cmsg_len == CMSG_LEN(sizeof(int))) {
            memcpy(&fd, CMSG_DATA(part), sizeof(fd));
        }
    }
    return fd;
}

static void keep_open(gpointer fd)
{
    fcntl(GPOINTER_TO_INT(fd), F_SETFD, 0);
}

/* The helper's end of the pair keeps its number there. */
static int helper_run(const char *helper, const char *bridge, GError **error)
{
    g_autofree char *bridge_word = g_strdup_printf("--br=%s", bridge), *fd_word = NULL;
    char *argv[] = { (char *)(uintptr_t)helper, NULL, NULL, bridge_word, NULL };
    GError *why = NULL;
    int pair[2], fd, status;
    GPid pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return fail(error, "no socket for the bridge helper", errno);
    }
    fd_word = g_strdup_printf("--fd=%d", pair[1]);
    argv[1] = "--use-vnet";
    argv[2] = fd_word;
    if (!g_spawn_async(NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                       keep_open, GINT_TO_POINTER(pair[1]), &pid, &why)) {
        g_set_error(error, NET_ERROR, NET_ERROR_PARTS, "failed to launch bridge helper: %s",
                    why->message);
        g_error_free(why);
        close(pair[0]);
        close(pair[1]);
        return -1;
    }
    close(pair[1]);
    fd = helper_receive(pair[0]);
    close(pair[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (fd < 0) {
        g_set_error(error, NET_ERROR, NET_ERROR_HOST, "bridge helper failed");
    }
    return fd;
}

int tap_open(const NetTapOptions *options, GError **error)
{
    return options->bridge_helper
               ? helper_run(options->helper != NULL ? options->helper : HELPER,
                            options->bridge != NULL ? options->bridge : BRIDGE, error)
               : interface_make(options, error);
}
