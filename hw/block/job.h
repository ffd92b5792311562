/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_JOB_H
#define HW_BLOCK_JOB_H
/* job.h - long work on images while they are in use: commit, stream, mirror, backup.
 *
 * A job copies on a thread of its own, piece by piece; what changes the graph, and all calls here,
 * happen on the main thread with the device lock held.  States, names and events are QEMU's.
 */
#include <json-glib/json-glib.h>
#include "hw/block/layer.h"

typedef struct BlockJobs BlockJobs; /* all jobs of a graph */

typedef enum JobKind { JOB_COMMIT, JOB_STREAM, JOB_MIRROR, JOB_BACKUP } JobKind;

typedef struct BlockJobsHost {
    BlockExecutor executor; /* where jobs end: as of a node */
    /* QMP's; `data` is taken over. */
    void (*event)(void *opaque, const char *name, JsonObject *data);
    void *opaque;
} BlockJobsHost;

BlockJobs *block_jobs_new(BlockGraph *graph, const BlockJobsHost *host);
void block_jobs_free(BlockJobs *jobs); /* cancels all, waits; NULL is allowed */

typedef struct JobOptions {
    JobKind kind;
    const char *id;  /* NULL: that of the node */
    BlockNode *node; /* what it is about, for messages and the id; NULL: a layer nobody uses */
    /* commit: from `source` and all above `base` into `base`.  stream: into `source` from all above
     * `base` (NULL: from everything).  mirror, backup: from `source` to `target`. */
    BlockLayer *source, *base, *target; /* references of the caller's; the job takes its own */
    BlockLayer *overlay;        /* commit: what is above `source`; NULL: it is the top one */
    bool only_top;              /* mirror, backup: sync=top */
    bool only_new;              /* mirror, backup: sync=none */
    struct BlockBitmap *bitmap; /* backup: only what is dirty there; NULL: everything */
    enum {
        JOB_BITMAP_ON_SUCCESS,
        JOB_BITMAP_NEVER,
        JOB_BITMAP_ALWAYS
    } bitmap_mode;            /* is clean then */
    const char *backing_file; /* commit, stream: written into the header; NULL: as it comes */
    uint64_t speed;           /* bytes a second; 0: no limit */
    BlockOnError on_error;
    bool keep_finalize, keep_dismiss; /* auto-finalize, auto-dismiss are off */
} JobOptions;

bool block_job_start(BlockJobs *jobs, const JobOptions *options, GError **error);

/* Work of somebody else's under a job's name: done once, on the main thread, without the executor's
 * lock, and soon. It is dismissed by hand. `opaque` is taken over on success and failure. */
typedef bool JobTask(void *opaque, GError **error);
bool block_job_start_task(BlockJobs *jobs, const char *id, const char *type, JobTask *task,
                          GDestroyNotify free_task, void *opaque, GError **error);

typedef enum JobVerb {
    JOB_PAUSE,
    JOB_RESUME,
    JOB_CANCEL, /* a mirror that is ready ends without becoming the source */
    JOB_CANCEL_FORCE,
    JOB_COMPLETE, /* a mirror or commit that is ready takes the source's place */
    JOB_FINALIZE,
    JOB_DISMISS
} JobVerb;
bool block_job_do(BlockJobs *jobs, const char *id, JobVerb verb, GError **error);
bool block_job_set_speed(BlockJobs *jobs, const char *id, uint64_t speed, GError **error);

typedef struct JobInfo {
    const char *id, *type, *status, *device;
    uint64_t done, all, speed;
    bool ready, paused, busy, auto_finalize, auto_dismiss;
    bool of_blocks;    /* no task of somebody else's */
    const char *error; /* NULL: none */
} JobInfo;
typedef void JobEach(const JobInfo *info, void *opaque);
void block_jobs_each(BlockJobs *jobs, JobEach *each, void *opaque);
bool block_jobs_use(BlockJobs *jobs, const BlockLayer *layer); /* is it part of one? */

/* ---- The graph, live ---- */

/* An overlay on what the node has: a new qcow2 at `filename` (existing: there already). */
bool block_snapshot_overlay(BlockNode *node, const char *filename, const char *format,
                            const char *node_name, bool existing, GError **error);
/* Puts `overlay`, which has no backing file open, above `below`, where that was used. */
bool block_overlay_put(BlockLayer *overlay, BlockLayer *below, GError **error);
/* The overlay goes again, with what was written into it, where it was used. */
void block_overlay_take(BlockLayer *overlay, BlockLayer *below);
/* Copies what the node's top image has into what is behind it, and empties it; nobody runs. */
bool block_commit_now(BlockNode *node, GError **error);
bool block_resize_node(BlockLayer *layer, uint64_t size, GError **error);

#endif
