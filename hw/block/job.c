/* SPDX-License-Identifier: GPL-2.0-or-later */
/* job.c - the life of jobs: see job.h. */
#include "hw/block/bitmap.h"
#include "hw/block/job_int.h"

#include <errno.h>
#include <string.h>

static const char *const kind_words[] = { "commit", "stream", "mirror", "backup" };
static const char *const status_words[] = { "created", "running",  "paused",    "ready", "standby",
                                            "pending", "aborting", "concluded", "null" };

BlockJobs *block_jobs_new(BlockGraph *graph, const BlockJobsHost *host)
{
    BlockJobs *jobs = g_new0(BlockJobs, 1);

    jobs->graph = graph;
    jobs->host = *host;
    jobs->list = g_ptr_array_new();
    return jobs;
}

/* ---- Events ---- */

void job_status_set(Job *job, JobStatus status)
{
    JsonObject *data = json_object_new();

    g_mutex_lock(&job->lock);
    job->status = status;
    g_mutex_unlock(&job->lock);
    json_object_set_string_member(data, "id", job->id);
    json_object_set_string_member(data, "status", status_words[status]);
    job->jobs->host.event(job->jobs->host.opaque, "JOB_STATUS_CHANGE", data);
}

static void job_event(Job *job, const char *name)
{
    JsonObject *data = json_object_new();

    g_mutex_lock(&job->lock);
    json_object_set_string_member(data, "type", job->type);
    json_object_set_string_member(data, "device", job->device);
    json_object_set_int_member(data, "len", (gint64)job->all);
    json_object_set_int_member(data, "offset", (gint64)job->done);
    json_object_set_int_member(data, "speed", (gint64)job->speed);
    if (job->message != NULL) {
        json_object_set_string_member(data, "error", job->message);
    }
    g_mutex_unlock(&job->lock);
    job->jobs->host.event(job->jobs->host.opaque, name, data);
}

/* ---- The end ---- */

static void job_free(Job *job)
{
    g_assert(job->thread == NULL && !job->watching);
    g_ptr_array_remove(job->jobs->list, job);
    job_task_clear(job);
    layer_unref(job->target);
    layer_unref(job->overlay);
    layer_unref(job->base);
    layer_unref(job->source);
    g_free(job->backing_file);
    g_free(job->message);
    g_free(job->device);
    g_free(job->bits);
    g_free(job->id);
    g_cond_clear(&job->changed);
    g_mutex_clear(&job->lock);
    g_mutex_clear(&job->copying);
    g_free(job);
}

static void job_conclude(Job *job)
{
    job_status_set(job, JOB_CONCLUDED);
    if (job->auto_dismiss) {
        job_status_set(job, JOB_NULL);
        job_free(job);
    }
}

static void job_finalize(Job *job)
{
    GError *error = NULL;

    if (job->error == 0 && !job_finish_graph(job, &error)) {
        job->error = EIO;
        job->message = g_strdup(error->message);
        g_clear_error(&error);
    }
    if (job->watching) {
        graph_close_gate(job->jobs->graph);
        layer_unwatch(job->source, &job->watch);
        graph_open_gate(job->jobs->graph);
        job->watching = false;
    }
    if (job->bitmap != NULL) {
        block_bitmap_thaw(job->bitmap,
                          job->bitmap_mode == JOB_BITMAP_NEVER ||
                              (job->bitmap_mode == JOB_BITMAP_ON_SUCCESS && job->error != 0));
        job->bitmap = NULL;
    }
    if (job->error != 0) {
        job_status_set(job, JOB_ABORTING);
        if (job->kind == JOB_COMMIT) {
            layer_reopen(job->base, BLOCK_READONLY, NULL);
        }
    }
    if (job->error != 0 && job->error != ECANCELED && job->message == NULL) {
        job->message = g_strdup(g_strerror(job->error));
    }
    job_event(job, job->error == ECANCELED ? "BLOCK_JOB_CANCELLED" : "BLOCK_JOB_COMPLETED");
    job_conclude(job);
}

static void job_ended(Job *job)
{
    g_thread_join(g_steal_pointer(&job->thread));
    if (job->error == 0 && !job->auto_finalize) {
        job_status_set(job, JOB_PENDING);
        job_event(job, "BLOCK_JOB_PENDING");
    } else {
        job_finalize(job);
    }
}

/* Something about the job has changed on its thread. */
static gboolean job_look(gpointer data)
{
    Job *job = data;
    BlockExecutor *executor = &job->jobs->host.executor;
    bool ended, ready, paused;

    if (executor->lock != NULL) {
        executor->lock(executor->opaque);
    }
    g_mutex_lock(&job->lock);
    job->posts--;
    ended = job->returned && job->thread != NULL && job->posts == 0;
    ready = job->ready_told && job->status == JOB_RUNNING;
    paused = job->pause && job->status == JOB_RUNNING;
    g_mutex_unlock(&job->lock);
    if (ready) {
        job_status_set(job, JOB_READY);
        job_event(job, "BLOCK_JOB_READY");
    } else if (paused) {
        job_event(job, "BLOCK_JOB_ERROR");
        job_status_set(job, JOB_PAUSED);
    }
    if (ended) {
        job_ended(job);
    }
    if (executor->unlock != NULL) {
        executor->unlock(executor->opaque);
    }
    return G_SOURCE_REMOVE;
}

void job_post(Job *job)
{
    GSource *source = g_idle_source_new();

    g_mutex_lock(&job->lock);
    job->posts++;
    g_mutex_unlock(&job->lock);
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, job_look, job, NULL);
    g_source_attach(source, job->jobs->host.executor.context);
    g_source_unref(source);
}

static gpointer job_thread(gpointer data)
{
    Job *job = data;
    int error = job_run(job);

    g_mutex_lock(&job->lock);
    job->error = error;
    job->returned = true;
    g_mutex_unlock(&job->lock);
    job_post(job);
    return NULL;
}

/* ---- The beginning ---- */

static bool options_check(BlockJobs *jobs, const JobOptions *options, GError **error)
{
    const BlockLayer *uses[] = { options->source, options->base, options->target };

    for (size_t i = 0; i < G_N_ELEMENTS(uses); i++) {
        if (uses[i] != NULL && block_jobs_use(jobs, uses[i])) {
            g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                        "Node '%s' is busy: block device is in use by block job",
                        uses[i]->node_name);
            return false;
        }
    }
    if (options->kind == JOB_COMMIT && options->source->size > options->base->size) {
        return layer_reopen(options->base, 0, error) &&
               block_resize_node(options->base, options->source->size, error);
    }
    if (options->target != NULL && options->target->size < options->source->size) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_SIZE, "The target is smaller than the source");
        return false;
    }
    if (options->bitmap != NULL && !block_bitmap_is_free(options->bitmap, error)) {
        return false;
    }
    return options->kind != JOB_COMMIT || layer_reopen(options->base, 0, error);
}

Job *job_new(BlockJobs *jobs, const char *id, const char *device, GError **error)
{
    Job *job;

    for (guint i = 0; i < jobs->list->len; i++) {
        const Job *other = g_ptr_array_index(jobs->list, i);

        if (strcmp(other->id, id) == 0) {
            g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "Job ID '%s' already in use", id);
            return NULL;
        }
    }
    job = g_new0(Job, 1);
    job->jobs = jobs;
    job->id = g_strdup(id);
    job->device = g_strdup(device);
    g_mutex_init(&job->copying);
    g_mutex_init(&job->lock);
    g_cond_init(&job->changed);
    g_ptr_array_add(jobs->list, job);
    return job;
}

static BlockLayer *maybe_ref(BlockLayer *layer)
{
    return layer != NULL ? layer_ref(layer) : NULL;
}

bool block_job_start(BlockJobs *jobs, const JobOptions *options, GError **error)
{
    const char *device = options->node != NULL && options->node->id != NULL ? options->node->id
                                                                            : "";
    const char *id = options->id != NULL ? options->id : device;
    Job *job;

    if (*id == '\0') {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "An explicit job ID is required for this node");
        return false;
    }
    job = options_check(jobs, options, error)
              ? job_new(jobs, id, options->id != NULL ? options->id : device, error)
              : NULL;
    if (job == NULL) {
        return false;
    }
    job->kind = options->kind;
    job->type = kind_words[job->kind];
    job->backing_file = g_strdup(options->backing_file);
    job->source = layer_ref(options->source);
    job->base = maybe_ref(options->base);
    job->target = maybe_ref(options->target);
    job->overlay = maybe_ref(options->overlay);
    job->bitmap = options->bitmap;
    job->bitmap_mode = options->bitmap_mode;
    job->only_top = options->only_top;
    job->only_new = options->only_new;
    job->auto_finalize = !options->keep_finalize;
    job->auto_dismiss = !options->keep_dismiss;
    job->on_error = options->on_error;
    job->speed = options->speed;
    job->all = options->source->size;
    job_status_set(job, JOB_CREATED);
    if (job_is_mirror(job) || job->kind == JOB_BACKUP) {
        job_watch_start(job);
    }
    job_status_set(job, JOB_RUNNING);
    job->thread = g_thread_new("job", job_thread, job);
    return true;
}

/* ---- Steering ---- */

static Job *job_find(BlockJobs *jobs, const char *id, GError **error)
{
    for (guint i = 0; i < jobs->list->len; i++) {
        Job *job = g_ptr_array_index(jobs->list, i);

        if (strcmp(job->id, id) == 0) {
            return job;
        }
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_JOB, "Block job '%s' not found", id);
    return NULL;
}

static bool verb_fails(const Job *job, const char *verb, GError **error)
{
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                "Job '%s' in state '%s' cannot accept command verb '%s'", job->id,
                status_words[job->status], verb);
    return false;
}

static bool job_pause(Job *job, bool pause, GError **error)
{
    if (job->thread == NULL || job->pause == pause) {
        return verb_fails(job, pause ? "pause" : "resume", error);
    }
    g_mutex_lock(&job->lock);
    job->pause = pause;
    g_cond_broadcast(&job->changed);
    g_mutex_unlock(&job->lock);
    job_status_set(job, pause             ? (job->ready_told ? JOB_STANDBY : JOB_PAUSED)
                        : job->ready_told ? JOB_READY
                                          : JOB_RUNNING);
    return true;
}

static bool job_cancel(Job *job, bool force, GError **error)
{
    if (job->status == JOB_PENDING) {
        job->error = ECANCELED;
        job_finalize(job);
        return true;
    }
    if (job->thread == NULL) {
        return verb_fails(job, "cancel", error);
    }
    g_mutex_lock(&job->lock);
    job->cancel = true;
    job->force |= force;
    g_cond_broadcast(&job->changed);
    g_mutex_unlock(&job->lock);
    return true;
}

static bool job_complete(Job *job, GError **error)
{
    if (job->status != JOB_READY) {
        return verb_fails(job, "complete", error);
    }
    g_mutex_lock(&job->lock);
    job->complete = true;
    g_cond_broadcast(&job->changed);
    g_mutex_unlock(&job->lock);
    return true;
}

bool block_job_do(BlockJobs *jobs, const char *id, JobVerb verb, GError **error)
{
    Job *job = job_find(jobs, id, error);

    if (job == NULL) {
        return false;
    }
    switch (verb) {
    case JOB_PAUSE:
    case JOB_RESUME:
        return job_pause(job, verb == JOB_PAUSE, error);
    case JOB_CANCEL:
    case JOB_CANCEL_FORCE:
        return job_cancel(job, verb == JOB_CANCEL_FORCE, error);
    case JOB_COMPLETE:
        return job_complete(job, error);
    case JOB_FINALIZE:
        if (job->status != JOB_PENDING) {
            return verb_fails(job, "finalize", error);
        }
        job_finalize(job);
        return true;
    case JOB_DISMISS:
        if (job->status != JOB_CONCLUDED) {
            return verb_fails(job, "dismiss", error);
        }
        job_status_set(job, JOB_NULL);
        job_free(job);
        return true;
    }
    g_assert_not_reached();
}

bool block_job_set_speed(BlockJobs *jobs, const char *id, uint64_t speed, GError **error)
{
    Job *job = job_find(jobs, id, error);

    if (job != NULL) {
        g_mutex_lock(&job->lock);
        job->speed = speed;
        g_cond_broadcast(&job->changed);
        g_mutex_unlock(&job->lock);
    }
    return job != NULL;
}

/* ---- Looking ---- */

void block_jobs_each(BlockJobs *jobs, JobEach *each, void *opaque)
{
    for (guint i = 0; i < jobs->list->len; i++) {
        Job *job = g_ptr_array_index(jobs->list, i);
        JobInfo info;

        g_mutex_lock(&job->lock);
        info = (JobInfo){ .id = job->id,
                          .type = job->type,
                          .of_blocks = job->task == NULL,
                          .status = status_words[job->status],
                          .device = job->device,
                          .done = job->done,
                          .all = job->all,
                          .speed = job->speed,
                          .ready = job->ready_told,
                          .paused = job->pause,
                          .busy = job->thread != NULL && !job->parked,
                          .auto_finalize = job->auto_finalize,
                          .auto_dismiss = job->auto_dismiss,
                          .error = job->message };
        g_mutex_unlock(&job->lock);
        each(&info, opaque);
    }
}

bool block_jobs_use(BlockJobs *jobs, const BlockLayer *layer)
{
    for (guint i = 0; i < jobs->list->len; i++) {
        const Job *job = g_ptr_array_index(jobs->list, i);

        if (job->status < JOB_CONCLUDED && (job->source == layer || job->base == layer ||
                                            job->target == layer || job->overlay == layer)) {
            return true;
        }
    }
    return false;
}

void block_jobs_free(BlockJobs *jobs)
{
    if (jobs == NULL) {
        return;
    }
    while (jobs->list->len > 0) {
        Job *job = g_ptr_array_index(jobs->list, 0);

        if (job->thread != NULL) {
            job_cancel(job, true, NULL);
            g_thread_join(g_steal_pointer(&job->thread));
            while (g_source_remove_by_user_data(job)) { /* it has posted that it is done */
            }
            job->error = ECANCELED;
            job->auto_dismiss = true;
            job_finalize(job);
        } else {
            job_free(job);
        }
    }
    g_ptr_array_unref(jobs->list);
    g_free(jobs);
}
