/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qcow2_vmstate.c - what a snapshot keeps of a machine besides its disk.
 *
 * It lies in clusters of the guest's address space behind the end of the disk, from the first L2
 * table that no byte of the disk needs: written there before a snapshot is made, which takes it
 * with everything else, and dropped from the active tables then. */
#include "hw/block/qcow2_int.h"

#include <errno.h>
#include <string.h>

static Qcow2 *vm_state_of(BlockLayer *layer)
{
    layer = layer_skip_filters(layer);
    return layer->driver == &qcow2_driver && layer->data_file == NULL ? qcow2_of(layer) : NULL;
}

static uint64_t vm_state_base(const Qcow2 *q)
{
    uint64_t span = 1ull << (q->cluster_bits + q->l2_bits);

    return (q->layer.size + span - 1) & ~(span - 1);
}

bool block_can_snapshot(BlockLayer *layer)
{
    return vm_state_of(layer) != NULL;
}

int block_vm_state_write(BlockLayer *layer, uint64_t offset, const void *data, size_t size)
{
    Qcow2 *q = vm_state_of(layer);
    const struct iovec iov = { (void *)data, size };
    uint64_t at;
    int error;

    if (q == NULL || (layer->flags & BLOCK_READONLY)) {
        return ENOTSUP;
    }
    graph_enter(layer->graph);
    at = vm_state_base(q) + offset;
    g_mutex_lock(&q->lock);
    qcow2_quiesce_locked(q);
    error = qcow2_start_locked(q);
    if (error == 0 && !qcow2_grow_l1(q, qcow2_l1_index(q, at + size - 1) + 1, NULL)) {
        error = EFBIG;
    }
    g_mutex_unlock(&q->lock);
    error = error == 0 ? qcow2_write(&q->layer, at, &iov, 1) : error;
    graph_leave(layer->graph);
    return error;
}

int qcow2_vm_state_drop(Qcow2 *q)
{
    uint64_t base = vm_state_base(q),
             end = (uint64_t)q->l1_entries << (q->cluster_bits + q->l2_bits);

    return base < end ? qcow2_drop_range(q, base, end) : 0;
}

int block_vm_state_drop(BlockLayer *layer)
{
    Qcow2 *q = vm_state_of(layer);
    int error;

    if (q == NULL || (layer->flags & BLOCK_READONLY)) {
        return ENOTSUP;
    }
    graph_enter(layer->graph);
    error = qcow2_vm_state_drop(q);
    graph_leave(layer->graph);
    return error;
}

static const Qcow2Snapshot *snapshot_of_id(const Qcow2 *q, const char *id)
{
    for (guint i = 0; i < q->snapshots->len; i++) {
        const Qcow2Snapshot *snapshot = &g_array_index(q->snapshots, Qcow2Snapshot, i);

        if (strcmp(snapshot->id, id) == 0) {
            return snapshot;
        }
    }
    return NULL;
}

typedef struct Shown { /* of an image */
    uint64_t *l1, size;
    uint32_t entries;
} Shown;

static void shown_swap(Qcow2 *q, Shown *shown)
{
    const Shown now = { q->l1, q->layer.size, q->l1_entries };

    q->l1 = shown->l1;
    q->layer.size = shown->size;
    q->l1_entries = shown->entries;
    *shown = now;
}

/* The image shows the snapshot while nobody else is inside. */
int block_vm_state_read(BlockLayer *layer, const char *id, uint64_t offset, void *data, size_t size)
{
    Qcow2 *q = vm_state_of(layer);
    const struct iovec iov = { data, size };
    const Qcow2Snapshot *snapshot;
    Shown shown;
    int error;

    if (q == NULL) {
        return ENOTSUP;
    }
    graph_close_gate(layer->graph);
    snapshot = snapshot_of_id(q, id);
    shown = (Shown){ NULL, snapshot != NULL ? snapshot->disk_size : 0,
                     snapshot != NULL ? snapshot->l1_entries : 0 };
    error = snapshot != NULL
                ? qcow2_table_read(q, snapshot->l1_offset, snapshot->l1_entries, &shown.l1)
                : ENOENT;
    if (error == 0) {
        shown_swap(q, &shown);
        error = qcow2_read(&q->layer, vm_state_base(q) + offset, &iov, 1);
        shown_swap(q, &shown);
    }
    graph_open_gate(layer->graph);
    g_free(shown.l1);
    return error;
}
