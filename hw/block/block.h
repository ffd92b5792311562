/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_BLOCK_H
#define HW_BLOCK_BLOCK_H
/* block.h - a disk medium, whatever holds it: a chain of layers (protocol below format below
 * overlay) behind one asynchronous interface.
 *
 * A BlockNode is what a device is plugged into: QEMU's drive, or a -blockdev node used by a device.
 * Requests are in bytes, multiples of 512, and are copied to and from the caller's vectors, which
 * must stay until completion.  Completions run on the main thread with the device lock held, in any
 * order. A request past the end fails whole.  A completed flush means that everything completed
 * before it was issued is on stable storage.
 *
 * Layers have names (node-name) that are unique within a BlockGraph; so have nodes (id).
 */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct BlockNode BlockNode;
typedef struct BlockGraph BlockGraph;
typedef struct BlockLayer BlockLayer;
typedef struct BlockDriver BlockDriver;
typedef struct Throttle Throttle; /* throttle.h */
typedef struct ThrottleConfig ThrottleConfig;

/* `error`: 0 or a positive errno. */
typedef void BlockDone(void *opaque, int error);

/* What a device does when the host fails a request: werror=, rerror=. */
typedef enum BlockOnError {
    BLOCK_ON_ERROR_REPORT,
    BLOCK_ON_ERROR_IGNORE,
    BLOCK_ON_ERROR_ENOSPC, /* stop for want of space, report the rest */
    BLOCK_ON_ERROR_STOP
} BlockOnError;

typedef enum BlockDetectZeroes {
    BLOCK_ZEROES_OFF,
    BLOCK_ZEROES_ON,
    BLOCK_ZEROES_UNMAP
} BlockDetectZeroes;

typedef enum BlockPreallocation {
    BLOCK_PREALLOC_OFF,
    BLOCK_PREALLOC_METADATA,
    BLOCK_PREALLOC_FALLOC,
    BLOCK_PREALLOC_FULL
} BlockPreallocation;

typedef struct BlockOptions {
    BlockGraph *graph;        /* NULL: one of its own */
    const char *path;         /* a path, a URL, "json:{...}" or, with `layer`, nothing */
    const char *format;       /* "raw", ...; NULL: probed by content */
    struct _JsonObject *tree; /* instead of both: options as -blockdev has them; are used up */
    const char *node_name;    /* instead of all three: a layer that the graph has */
    const char *id;           /* NULL: none */
    bool readonly;
    bool snapshot; /* writes go to an unlinked temporary file */
    bool copy_on_read;
    const char *cache;   /* QEMU's -drive cache=: NULL is "writeback" */
    const char *discard; /* "unmap" or "ignore" */
    BlockDetectZeroes detect_zeroes;
    BlockOnError werror, rerror;    /* kept for the device */
    const char *serial;             /* kept for the device */
    const ThrottleConfig *throttle; /* NULL: none */
    const char *throttle_group;     /* NULL: the node's own, by its id */
} BlockOptions;

/* ---- The graph ---- */

BlockGraph *block_graph_new(void);
void block_graph_free(BlockGraph *graph);                             /* no node is left */
BlockNode *block_graph_find(const BlockGraph *graph, const char *id); /* by id; NULL */
/* The set of file descriptors behind /dev/fdset/N; `fd` is taken over, `number` is what it is
 * removed by (-1: all of the set). */
void block_graph_add_fd(BlockGraph *graph, unsigned set, int fd, int number);
void block_graph_remove_fd(BlockGraph *graph, unsigned set, int number);

/* Groups of disks that are throttled together, by name; the graph takes a reference. */
void block_graph_add_throttle(BlockGraph *graph, Throttle *throttle);
Throttle *block_graph_throttle(const BlockGraph *graph, const char *name); /* NULL */

/* ---- Nodes ---- */

/* Opens and locks the image (a second writer is refused, in words). Caller owns. */
BlockNode *block_open(const BlockOptions *options, GError **error);
/* Waits for requests in flight, flushes, closes. */
void block_close(BlockNode *node);

uint64_t block_size(const BlockNode *node);
bool block_readonly(const BlockNode *node);
const char *block_format(const BlockNode *node); /* there is a medium */
const char *block_id(const BlockNode *node);     /* NULL: none */
const char *block_serial(const BlockNode *node); /* NULL: none */
BlockOnError block_on_error(const BlockNode *node, bool write);
BlockLayer *block_top(const BlockNode *node); /* NULL: no medium (medium.h) */
/* What a device says of its own: its properties go before the node's options. */
void block_set_on_error(BlockNode *node, BlockOnError write, BlockOnError read);
/* No limits and no group: none. `group` NULL: the node's own; no limits: the group's. */
bool block_set_throttle(BlockNode *node, const char *group, const ThrottleConfig *config,
                        GError **error);
Throttle *block_throttle(const BlockNode *node); /* NULL: none */

void block_read(BlockNode *node, uint64_t offset, const struct iovec *iov, int n, BlockDone *done,
                void *opaque);
void block_write(BlockNode *node, uint64_t offset, const struct iovec *iov, int n, BlockDone *done,
                 void *opaque);
void block_flush(BlockNode *node, BlockDone *done, void *opaque);
void block_discard(BlockNode *node, uint64_t offset, uint64_t size, BlockDone *done, void *opaque);
void block_write_zeroes(BlockNode *node, uint64_t offset, uint64_t size, bool unmap,
                        BlockDone *done, void *opaque);

/* Runs completions until nothing is in flight: reset, close, tests. What waits for the host fails.
 */
void block_drain(BlockNode *node);

typedef struct BlockStats {
    uint64_t read_bytes, written_bytes, discarded_bytes;
    uint64_t reads, writes, flushes, discards;
    uint64_t failed_reads, failed_writes, failed_flushes, failed_discards;
    uint64_t read_ns, write_ns, flush_ns;
    uint64_t highest; /* end of the highest write */
} BlockStats;
void block_stats(BlockNode *node, BlockStats *stats);

/* Completions are posted to this context, under this lock; set once before the first request.
 * NULL context: the default main context. */
typedef struct BlockExecutor {
    GMainContext *context;
    void (*lock)(void *opaque);
    void (*unlock)(void *opaque);
    void *opaque;
    /* The host has failed a request. `stops`: by werror= or rerror= it waits for block_graph_retry,
     * and the guest is to be stopped. May be NULL: then none waits. */
    void (*failed)(void *opaque, BlockNode *node, bool write, int error, bool stops);
    void (*tray_moved)(void *opaque, BlockNode *node, bool open); /* may be NULL */
} BlockExecutor;
void block_set_executor(BlockNode *node, const BlockExecutor *executor);
void block_graph_retry(BlockGraph *graph);       /* requests that wait are made again */
bool block_is_stopped(const BlockNode *node);    /* some wait */
bool block_failed_before(const BlockNode *node); /* more than one request has failed */
bool block_guessed_raw(const BlockNode *node);   /* nobody said so */

/* ---- New images ---- */

typedef struct BlockCreate {
    uint64_t size;
    bool compat_v2;
    uint32_t cluster_size;  /* 0: 64 KiB */
    unsigned refcount_bits; /* 0: 16 */
    bool lazy_refcounts, extended_l2, zstd, data_file_raw;
    const char *data_file;      /* NULL: none */
    const char *backing_file;   /* NULL: none */
    const char *backing_format; /* NULL: not said */
    BlockPreallocation preallocation;
} BlockCreate;

/* ---- Internal snapshots ---- */

typedef struct BlockSnapshot {
    char *id, *name;
    uint64_t vm_state_size, disk_size, vm_clock_ns, icount;
    uint32_t date_s, date_ns;
} BlockSnapshot;

/* Of BlockSnapshot; empty where the format has none. */
GArray *block_snapshot_list(BlockLayer *layer);
void block_snapshot_list_free(GArray *list);
/* `name_or_id`: an id goes first. The gate of the graph is closed, or nobody else is there. */
bool block_snapshot_create(BlockLayer *layer, const BlockSnapshot *what, GError **error);
bool block_snapshot_delete(BlockLayer *layer, const char *name_or_id, GError **error);
bool block_snapshot_apply(BlockLayer *layer, const char *name_or_id, GError **error);
bool block_can_snapshot(BlockLayer *layer);
/* What a snapshot keeps of a machine, beside the disk: written (whole sectors, from offset 0 on)
 * before it is made, dropped from the image thereafter; read by the snapshot's id. 0 or an errno;
 * any thread that has not passed the gate. */
int block_vm_state_write(BlockLayer *layer, uint64_t offset, const void *data, size_t size);
int block_vm_state_read(BlockLayer *layer, const char *id, uint64_t offset, void *data,
                        size_t size);
int block_vm_state_drop(BlockLayer *layer);
/* A layer that is read-only shows a snapshot from now on. */
bool block_snapshot_load(BlockLayer *layer, const char *name_or_id, GError **error);

/* ---- Checking images ---- */

enum { BLOCK_FIX_LEAKS = 1, BLOCK_FIX_ERRORS = 2 };

typedef struct BlockCheck {
    uint64_t corruptions, leaks, check_errors;
    uint64_t corruptions_fixed, leaks_fixed;
    uint64_t total_clusters, allocated_clusters, fragmented_clusters, compressed_clusters;
    uint64_t image_end_offset;
    void (*report)(void *opaque, const char *line); /* NULL: nobody reads it */
    void *opaque;
} BlockCheck;

#define BLOCK_ERROR block_error_quark()
GQuark block_error_quark(void);
typedef enum BlockError {
    BLOCK_ERROR_OPEN,
    BLOCK_ERROR_LOCKED,
    BLOCK_ERROR_FORMAT,
    BLOCK_ERROR_SIZE,
    BLOCK_ERROR_OPTION,
    BLOCK_ERROR_IO,
    BLOCK_ERROR_JOB, /* there is none of this id */
} BlockError;

#endif
