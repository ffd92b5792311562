/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check/system_peer.h"
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check/check.h"

extern const uint8_t system_runner[], system_runner_end[];

enum { POLL_US = 200, BOOT_S = 60, HANG_S = 4 };

struct SystemPeer {
    char *program, *folder, *ram_path, *kernel_path;
    uint8_t *ram;
    GPid pid; /* 0: none */
    uint32_t batch;
};

/* ---- The mailbox ---- */

static volatile uint32_t *mailbox(const SystemPeer *peer, uint32_t at)
{
    return (volatile uint32_t *)(void *)(peer->ram + MAILBOX + at);
}

uint8_t *system_peer_slot(SystemPeer *peer, unsigned i)
{
    return peer->ram + SLOTS + ((size_t)i << SLOT_SHIFT);
}

uint32_t system_peer_state(const SystemPeer *peer, unsigned i)
{
    return *mailbox(peer, MAILBOX_STATE + i * 4);
}

/* ---- The process ---- */

static void peer_stop(SystemPeer *peer)
{
    if (peer->pid != 0) {
        kill(peer->pid, SIGKILL);
        waitpid(peer->pid, NULL, 0);
        peer->pid = 0;
    }
}

/* In the child: it does not outlive us. */
static void child_setup(gpointer data)
{
    (void)data;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static bool peer_start(SystemPeer *peer, GError **error)
{
    g_autofree char *object = g_strdup_printf(
        "memory-backend-file,id=ram,size=%uM,share=on,mem-path=%s", PEER_RAM >> 20, peer->ram_path);
    char *argv[] = { peer->program,
                     "-accel",
                     "tcg",
                     "-cpu",
                     "max",
                     "-machine",
                     "pc,memory-backend=ram",
                     "-m",
                     "64",
                     "-object",
                     object,
                     "-kernel",
                     peer->kernel_path,
                     "-nodefaults",
                     "-no-user-config",
                     "-vga",
                     "none",
                     "-display",
                     "none",
                     "-serial",
                     "null",
                     "-monitor",
                     "none",
                     NULL };

    return g_spawn_async(NULL, argv, NULL,
                         G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL |
                             G_SPAWN_STDERR_TO_DEV_NULL,
                         child_setup, NULL, &peer->pid, error);
}

static bool peer_files(SystemPeer *peer, GError **error)
{
    int fd;

    peer->folder = g_dir_make_tmp("doppel-check-XXXXXX", error);
    if (peer->folder == NULL) {
        return false;
    }
    peer->ram_path = g_build_filename(peer->folder, "ram", NULL);
    peer->kernel_path = g_build_filename(peer->folder, "kernel", NULL);
    if (!g_file_set_contents(peer->kernel_path, (const char *)system_runner,
                             system_runner_end - system_runner, error)) {
        return false;
    }
    fd = open(peer->ram_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0 && ftruncate(fd, PEER_RAM) == 0) {
        peer->ram = mmap(NULL, PEER_RAM, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (fd < 0 || peer->ram == NULL || peer->ram == MAP_FAILED) {
        peer->ram = NULL;
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_HOST, "%s: no memory for QEMU", peer->ram_path);
        return false;
    }
    return true;
}

SystemPeer *system_peer_new(GError **error)
{
    SystemPeer *peer = g_new0(SystemPeer, 1);

    peer->program = g_find_program_in_path("qemu-system-x86_64");
    if (peer->program == NULL) {
        g_set_error(error, CHECK_ERROR, CHECK_ERROR_HOST,
                    "--peer qemu: qemu-system-x86_64 is not installed");
    }
    if (peer->program == NULL || !peer_files(peer, error) || !peer_start(peer, error)) {
        system_peer_free(peer);
        return NULL;
    }
    return peer;
}

void system_peer_free(SystemPeer *peer)
{
    peer_stop(peer);
    if (peer->ram != NULL) {
        munmap(peer->ram, PEER_RAM);
    }
    if (peer->folder != NULL) {
        g_unlink(peer->ram_path);
        g_unlink(peer->kernel_path);
        g_rmdir(peer->folder);
    }
    g_free(peer->program);
    g_free(peer->folder);
    g_free(peer->ram_path);
    g_free(peer->kernel_path);
    g_free(peer);
}

/* ---- Batches ---- */

/* The test that it is in never ends: the next QEMU goes on behind it. */
static bool peer_replace(SystemPeer *peer, GError **error)
{
    uint32_t current = *mailbox(peer, MAILBOX_CURRENT);

    peer_stop(peer);
    if (current < SLOT_COUNT) {
        *mailbox(peer, MAILBOX_STATE + current * 4) = SLOT_HUNG;
        *mailbox(peer, MAILBOX_CURRENT) = current + 1;
    }
    return peer_start(peer, error);
}

static bool peer_lost(SystemPeer *peer)
{
    if (peer->pid != 0 && waitpid(peer->pid, NULL, WNOHANG) == peer->pid) {
        peer->pid = 0;
    }
    return peer->pid == 0;
}

bool system_peer_run(SystemPeer *peer, unsigned n, GError **error)
{
    gint64 since = g_get_monotonic_time();
    bool booted = peer->batch != 0;
    uint32_t last = 0;

    for (unsigned i = 0; i < n; i++) {
        *mailbox(peer, MAILBOX_STATE + i * 4) = SLOT_READY;
    }
    *mailbox(peer, MAILBOX_CURRENT) = 0;
    *mailbox(peer, MAILBOX_TESTS) = n;
    *mailbox(peer, MAILBOX_WANTED) = ++peer->batch;
    while (*mailbox(peer, MAILBOX_FINISHED) != peer->batch) {
        uint32_t current = *mailbox(peer, MAILBOX_CURRENT);
        gint64 now = g_get_monotonic_time();

        if (current != last) {
            last = current;
            since = now;
            booted = true;
        }
        if (!booted && (peer_lost(peer) || now - since > BOOT_S * G_USEC_PER_SEC)) {
            g_set_error(error, CHECK_ERROR, CHECK_ERROR_HOST, "%s does not come up", peer->program);
            return false;
        }
        if (booted && (peer_lost(peer) || now - since > HANG_S * G_USEC_PER_SEC)) {
            if (!peer_replace(peer, error)) {
                return false;
            }
            since = now;
        }
        g_usleep(POLL_US);
    }
    return true;
}
