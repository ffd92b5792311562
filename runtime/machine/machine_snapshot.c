/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_snapshot.c - savevm, loadvm, delvm: see machine_snapshot.h.
 *
 * The stream of machine_state.h goes through a socket pair; a thread carries it between there and
 * the image, sector by sector. */
#include "runtime/machine/machine_snapshot.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "hw/block/blockdev.h"
#include "hw/block/layer.h"
#include "runtime/machine/machine_drive.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/machine_state.h"
#include "runtime/machine/state_stream.h"

enum { SECTOR = 512, PIECE = 1 << 20 };

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    g_propagate_error(error, g_error_new_valist(OPTIONS_ERROR, OPTIONS_ERROR_VALUE, format, list));
    va_end(list);
    return false;
}

/* ---- Disks ---- */

static const char *disk_words(const BlockNode *node)
{
    return block_id(node) != NULL ? block_id(node) : layer_node_name(block_top(node));
}

static void disk_each(BlockNode *node, void *opaque)
{
    if (!block_readonly(node)) {
        g_ptr_array_add(opaque, node);
    }
}

static BlockNode *disk_find(Machine *machine, const char *name, GError **error)
{
    BlockNode *node = machine_drive_find(machine, name);

    if (node == NULL) {
        fail(error, "No block device node '%s'", name);
    }
    return node;
}

/* Of BlockNode: what the options name, each able to have snapshots; NULL: the error is set. */
static GPtrArray *disks_of(Machine *machine, const SnapshotOptions *options, GError **error)
{
    g_autoptr(GPtrArray) disks = g_ptr_array_new();

    if (options->devices == NULL) {
        block_graph_each_node(machine->graph, disk_each, disks);
    }
    for (size_t i = 0; options->devices != NULL && options->devices[i] != NULL; i++) {
        BlockNode *node = disk_find(machine, options->devices[i], error);

        if (node == NULL) {
            return NULL;
        }
        g_ptr_array_add(disks, node);
    }
    for (guint i = 0; i < disks->len; i++) {
        BlockNode *node = g_ptr_array_index(disks, i);

        if (!block_can_snapshot(block_top(node))) {
            fail(error, "Device '%s' is writable but does not support snapshots", disk_words(node));
            return NULL;
        }
    }
    return g_steal_pointer(&disks);
}

/* The one that keeps the machine. */
static BlockNode *disk_of_state(Machine *machine, const SnapshotOptions *options,
                                const GPtrArray *disks, GError **error)
{
    BlockNode *node;

    if (options->vm_state == NULL) {
        node = disks->len > 0 ? g_ptr_array_index(disks, 0) : NULL;
        if (node == NULL) {
            fail(error, "No block device can accept snapshots");
        }
        return node;
    }
    node = disk_find(machine, options->vm_state, error);
    if (node != NULL && !g_ptr_array_find((GPtrArray *)disks, node, NULL)) {
        fail(error, "vmstate block device '%s' is none of the devices of the snapshot",
             options->vm_state);
        return NULL;
    }
    return node;
}

/* The snapshot's id in this image; by its name, else by its id. NULL: there is none. */
static char *snapshot_id(BlockNode *node, const char *name, uint64_t *vm_state_size)
{
    GArray *list = block_snapshot_list(block_top(node));
    char *id = NULL;

    for (guint i = 0; i < 2 * list->len && id == NULL; i++) {
        const BlockSnapshot *one = &g_array_index(list, BlockSnapshot, i % list->len);

        if (strcmp(i < list->len ? one->name : one->id, name) == 0) {
            id = g_strdup(one->id);
            *vm_state_size = one->vm_state_size;
        }
    }
    block_snapshot_list_free(list);
    return id;
}

/* ---- Between the stream and the image ---- */

typedef struct Carrier {
    BlockLayer *layer;
    const char *id; /* of the snapshot, to read */
    int fd;         /* the far end of the stream */
    uint64_t size;  /* bytes of the stream: all, or written so far */
    int error;
} Carrier;

/* Until the other end is closed; what comes after an error is thrown away. */
static gpointer carry_in(gpointer data)
{
    Carrier *carrier = data;
    g_autofree uint8_t *piece = g_malloc(PIECE);
    size_t filled = 0;
    ssize_t n;

    do {
        n = read(carrier->fd, piece + filled, PIECE - filled);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        filled += n > 0 ? (size_t)n : 0;
        if ((filled == PIECE || n <= 0) && filled > 0 && carrier->error == 0) {
            size_t whole = (filled + SECTOR - 1) & ~(size_t)(SECTOR - 1);

            memset(piece + filled, 0, whole - filled);
            carrier->error = block_vm_state_write(carrier->layer, carrier->size, piece, whole);
            carrier->size += filled;
        }
        filled = filled == PIECE ? 0 : filled;
    } while (n > 0 || (n < 0 && errno == EINTR));
    return NULL;
}

static bool send_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        data += n;
        size -= (size_t)n;
    }
    return true;
}

static gpointer carry_out(gpointer data)
{
    Carrier *carrier = data;
    g_autofree uint8_t *piece = g_malloc(PIECE);
    bool takes = true;

    for (uint64_t at = 0; at < carrier->size && carrier->error == 0 && takes; at += PIECE) {
        size_t part = MIN(PIECE, carrier->size - at);
        size_t whole = (part + SECTOR - 1) & ~(size_t)(SECTOR - 1);

        carrier->error = block_vm_state_read(carrier->layer, carrier->id, at, piece, whole);
        takes = carrier->error == 0 && send_all(carrier->fd, piece, part);
    }
    shutdown(carrier->fd, SHUT_WR);
    return NULL;
}

typedef bool StreamWork(Machine *machine, int fd, GError **error);

static bool carry(Machine *machine, Carrier *carrier, GThreadFunc carrying, StreamWork *work,
                  GError **error)
{
    GThread *thread;
    int ends[2];
    bool done;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return fail(error, "the state of the machine has no way: %s", g_strerror(errno));
    }
    carrier->fd = ends[1];
    thread = g_thread_new("snapshot", carrying, carrier);
    done = work(machine, ends[0], error);
    close(ends[0]);
    g_thread_join(thread);
    close(ends[1]);
    if (carrier->error != 0) {
        g_clear_error(error);
        return fail(error, "the state of the machine cannot be %s: %s",
                    carrying == carry_in ? "written" : "read", g_strerror(carrier->error));
    }
    return done;
}

static bool head_check(Machine *machine, int fd, GError **error)
{
    (void)machine;
    return state_stream_read_head(fd, error);
}

/* ---- Saving ---- */

static char *name_of_date(void)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_local();

    return g_date_time_format(now, "vm-%Y%m%d%H%M%S");
}

/* Those of the name that are there; `replace`: they go. */
static bool name_free(const GPtrArray *disks, const char *name, bool replace, GError **error)
{
    for (guint i = 0; i < disks->len; i++) {
        BlockNode *node = g_ptr_array_index(disks, i);
        uint64_t size;
        g_autofree char *id = snapshot_id(node, name, &size);

        if (id != NULL && !replace) {
            return fail(error, "Snapshot '%s' already exists in one or more devices", name);
        }
        if (id != NULL && !block_snapshot_delete(block_top(node), id, error)) {
            g_prefix_error(error,
                           "Error while deleting snapshot on device '%s': ", disk_words(node));
            return false;
        }
    }
    return true;
}

/* In all disks, or in none. */
static bool disks_snapshot(const GPtrArray *disks, const BlockNode *keeper,
                           const BlockSnapshot *what, GError **error)
{
    for (guint i = 0; i < disks->len; i++) {
        BlockNode *node = g_ptr_array_index(disks, i);
        BlockSnapshot snapshot = *what;

        snapshot.vm_state_size = node == keeper ? what->vm_state_size : 0;
        if (block_snapshot_create(block_top(node), &snapshot, error)) {
            continue;
        }
        g_prefix_error(error, "Error while creating snapshot on '%s': ", disk_words(node));
        while (i-- > 0) {
            block_snapshot_delete(block_top(g_ptr_array_index(disks, i)), what->name, NULL);
        }
        return false;
    }
    return true;
}

static bool save_standing(Machine *machine, const SnapshotOptions *options, const GPtrArray *disks,
                          BlockNode *keeper, GError **error)
{
    g_autofree char *name = options->name != NULL ? g_strdup(options->name) : name_of_date();
    Carrier carrier = { .layer = block_top(keeper) };
    BlockSnapshot snapshot = { .name = name, .icount = UINT64_MAX };
    struct timeval now;
    bool done;

    if (!name_free(disks, name, options->replace, error)) {
        return false;
    }
    gettimeofday(&now, NULL);
    snapshot.date_s = (uint32_t)now.tv_sec;
    snapshot.date_ns = (uint32_t)now.tv_usec * 1000;
    snapshot.vm_clock_ns = (uint64_t)clock_now(machine->clock);
    block_vm_state_drop(carrier.layer); /* of a machine that was loaded */
    done = carry(machine, &carrier, carry_in, machine_save, error);
    snapshot.vm_state_size = carrier.size;
    done = done && disks_snapshot(disks, keeper, &snapshot, error);
    block_vm_state_drop(carrier.layer);
    return done;
}

bool machine_snapshot_save(Machine *machine, const SnapshotOptions *options, GError **error)
{
    g_autoptr(GPtrArray) disks = disks_of(machine, options, error);
    BlockNode *keeper = disks != NULL ? disk_of_state(machine, options, disks, error) : NULL;
    bool ran = machine_is_running(machine), done;
    RunState state = machine_state(machine);

    if (keeper == NULL) {
        return false;
    }
    if (state == RUN_STATE_INMIGRATE) {
        return fail(error, "Guest is waiting for an incoming migration");
    }
    machine_pause(machine, ran ? RUN_STATE_SAVE_VM : state);
    done = save_standing(machine, options, disks, keeper, error);
    if (ran) {
        machine_continue(machine, NULL);
    }
    return done;
}

/* ---- Loading ---- */

/* Every disk has it, and the keeper's is a machine of ours: then there is a way back. */
static bool load_check(Machine *machine, const SnapshotOptions *options, const GPtrArray *disks,
                       BlockNode *keeper, Carrier *carrier, GError **error)
{
    uint64_t size = 0;

    for (guint i = 0; i < disks->len; i++) {
        g_autofree char *id = snapshot_id(g_ptr_array_index(disks, i), options->name, &size);

        if (id == NULL) {
            return fail(error, "Snapshot '%s' does not exist in one or more devices",
                        options->name);
        }
    }
    carrier->layer = block_top(keeper);
    carrier->id = snapshot_id(keeper, options->name, &carrier->size);
    if (carrier->size == 0) {
        return fail(error, "This is a disk-only snapshot. Revert to it offline using qemu-img");
    }
    return carry(machine, carrier, carry_out, head_check, error);
}

static bool disks_apply(const GPtrArray *disks, const char *name, GError **error)
{
    for (guint i = 0; i < disks->len; i++) {
        BlockNode *node = g_ptr_array_index(disks, i);
        uint64_t size;
        g_autofree char *id = snapshot_id(node, name, &size);

        if (!block_snapshot_apply(block_top(node), id, error)) {
            g_prefix_error(error, "Could not load snapshot '%s' on '%s': ", name, disk_words(node));
            return false;
        }
    }
    return true;
}

static void drain_each(BlockNode *node, void *opaque)
{
    (void)opaque;
    block_drain(node);
}

bool machine_snapshot_load(Machine *machine, const SnapshotOptions *options, GError **error)
{
    g_autoptr(GPtrArray) disks = disks_of(machine, options, error);
    BlockNode *keeper = disks != NULL ? disk_of_state(machine, options, disks, error) : NULL;
    bool ran = machine_is_running(machine), done;
    RunState before = machine_state(machine);
    Carrier carrier = { 0 };

    if (keeper == NULL) {
        return false;
    }
    machine_pause(machine, RUN_STATE_RESTORE_VM);
    machine_lock(machine);
    block_graph_each_node(machine->graph, drain_each, NULL);
    machine_unlock(machine);
    done = load_check(machine, options, disks, keeper, &carrier, error);
    if (done) {
        done = disks_apply(disks, options->name, error) &&
               carry(machine, &carrier, carry_out, machine_load, error);
        block_vm_state_drop(carrier.layer);
        machine->reset_wanted = false;
        machine->state = RUN_STATE_PAUSED;
        ran = ran && done;
    } else if (!ran) {
        machine->state = before;
    }
    g_free((char *)carrier.id);
    if (ran) {
        machine_continue(machine, NULL);
    }
    return done;
}

/* ---- Deleting, listing ---- */

bool machine_snapshot_delete(Machine *machine, const SnapshotOptions *options, GError **error)
{
    g_autoptr(GPtrArray) disks = disks_of(machine, options, error);

    return disks != NULL && name_free(disks, options->name, true, error);
}

GArray *machine_snapshot_list(Machine *machine, GError **error)
{
    const SnapshotOptions options = { 0 };
    g_autoptr(GPtrArray) disks = disks_of(machine, &options, error);
    BlockNode *keeper = disks != NULL ? disk_of_state(machine, &options, disks, error) : NULL;
    GArray *list = keeper != NULL ? block_snapshot_list(block_top(keeper)) : NULL;

    for (guint i = list != NULL ? list->len : 0; i > 0; i--) {
        BlockSnapshot *one = &g_array_index(list, BlockSnapshot, i - 1);
        bool everywhere = true;

        for (guint j = 0; j < disks->len && everywhere; j++) {
            uint64_t size;
            g_autofree char *id = snapshot_id(g_ptr_array_index(disks, j), one->name, &size);

            everywhere = id != NULL;
        }
        if (!everywhere) {
            g_free(one->id);
            g_free(one->name);
            g_array_remove_index(list, i - 1);
        }
    }
    return list;
}
