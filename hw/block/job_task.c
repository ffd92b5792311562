/* SPDX-License-Identifier: GPL-2.0-or-later */
/* job_task.c - work of others under a job's name: done in one go on the main thread. */
#include "hw/block/job_int.h"

#include <errno.h>

static gboolean task_go(gpointer data)
{
    Job *job = data;
    const BlockExecutor *executor = &job->jobs->host.executor;
    g_autoptr(GError) error = NULL;
    bool done = job->task(job->task_opaque, &error);

    if (executor->lock != NULL) {
        executor->lock(executor->opaque);
    }
    g_clear_pointer(&job->task_source, g_source_unref);
    if (!done) {
        job->error = EIO;
        job->message = g_strdup(error->message);
        job_status_set(job, JOB_ABORTING);
    }
    job->done = job->all;
    job_status_set(job, JOB_CONCLUDED);
    if (executor->unlock != NULL) {
        executor->unlock(executor->opaque);
    }
    return G_SOURCE_REMOVE;
}

void job_task_clear(Job *job)
{
    if (job->task_source != NULL) {
        g_source_destroy(job->task_source);
        g_clear_pointer(&job->task_source, g_source_unref);
    }
    if (job->task_free != NULL) {
        job->task_free(job->task_opaque);
    }
}

bool block_job_start_task(BlockJobs *jobs, const char *id, const char *type, JobTask *task,
                          GDestroyNotify free_task, void *opaque, GError **error)
{
    Job *job = job_new(jobs, id, "", error);

    if (job == NULL) {
        free_task(opaque);
        return false;
    }
    job->type = type;
    job->task = task;
    job->task_free = free_task;
    job->task_opaque = opaque;
    job->auto_finalize = true;
    job->all = 1;
    job_status_set(job, JOB_CREATED);
    job_status_set(job, JOB_RUNNING);
    job->task_source = g_idle_source_new();
    g_source_set_priority(job->task_source, G_PRIORITY_DEFAULT);
    g_source_set_callback(job->task_source, task_go, job, NULL);
    g_source_attach(job->task_source, jobs->host.executor.context);
    return true;
}
