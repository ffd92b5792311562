/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_JOB_INT_H
#define HW_BLOCK_JOB_INT_H
/* job_int.h - a job while it runs. */
#include "hw/block/job.h"
#include "hw/block/node_int.h"

enum { JOB_PIECE = 1 << 20, JOB_GRAIN = 64 << 10 };

typedef enum JobStatus {
    JOB_CREATED,
    JOB_RUNNING,
    JOB_PAUSED,
    JOB_READY,
    JOB_STANDBY,
    JOB_PENDING,
    JOB_ABORTING,
    JOB_CONCLUDED,
    JOB_NULL
} JobStatus;

typedef struct Job {
    BlockWatch watch; /* of the source: mirror, active commit, backup */
    bool watching;
    struct BlockJobs *jobs;
    JobKind kind;
    const char *type; /* in words; of a task its own */
    JobTask *task;    /* NULL: it is work on disks */
    GDestroyNotify task_free;
    void *task_opaque;
    GSource *task_source; /* NULL: it has been done */
    char *id, *device, *backing_file;
    BlockLayer *source, *base, *target, *overlay; /* references */
    struct BlockBitmap *bitmap;                   /* frozen; NULL: none */
    unsigned bitmap_mode;
    bool only_top, only_new, auto_finalize, auto_dismiss;
    BlockOnError on_error;
    GThread *thread;
    GMutex copying; /* backup: one piece at a time is copied; its grains are in `bits` then */

    GMutex lock; /* of what follows */
    GCond changed;
    JobStatus status; /* changed on the main thread only, but for paused */
    uint64_t speed, done, all;
    uint64_t *bits, grains; /* mirror: to be copied; backup: still to be copied */
    uint64_t cursor;
    bool pause, cancel, force, complete, parked, ready_told;
    bool returned;  /* the thread has nothing more to do */
    unsigned posts; /* of job_post, not looked at yet: it lives as long */
    int error;      /* of the copy; 0: none */
    char *message;  /* of what went wrong at the end */
} Job;

struct BlockJobs {
    BlockGraph *graph;
    BlockJobsHost host;
    GPtrArray *list; /* of Job */
};

/* job.c. NULL: the id is in use. */
Job *job_new(BlockJobs *jobs, const char *id, const char *device, GError **error);
void job_status_set(Job *job, JobStatus status);

/* job_task.c */
void job_task_clear(Job *job);

/* job_copy.c: on the job's thread. 0 or an errno; ECANCELED. */
int job_run(Job *job);
int job_mirror_rest(Job *job); /* all that is left; gate closed */
bool job_bit(const Job *job, uint64_t grain);
void job_bits_set(Job *job, uint64_t offset, uint64_t size, bool on);
bool job_bits_next(const Job *job, uint64_t from, uint64_t *grain);
/* Waits while it is paused and until its speed allows `size` more; false: it is to end. */
bool job_may_go_on(Job *job, uint64_t size);
bool job_is_mirror(const Job *job); /* it becomes ready and then follows the source */
void job_post(Job *job);            /* the main thread shall look at it */

void job_watch_start(Job *job); /* main thread */

/* job_finish.c: main thread. */
bool job_finish_graph(Job *job, GError **error);

#endif
