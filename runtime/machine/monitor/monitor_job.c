/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_job.c - commands about jobs on disks, and snapshots that are taken live. */
#include <string.h>

#include "runtime/machine/monitor/monitor_block.h"

#include "hw/block/bitmap.h"
#include "hw/block/blockdev.h"
#include "hw/block/image.h"

/* ---- What jobs have in common ---- */

static bool on_error_word(MonitorCall *call, const char *key, BlockOnError *on_error,
                          GError **error)
{
    static const char *const words[] = {
        [BLOCK_ON_ERROR_REPORT] = "report",
        [BLOCK_ON_ERROR_IGNORE] = "ignore",
        [BLOCK_ON_ERROR_ENOSPC] = "enospc",
        [BLOCK_ON_ERROR_STOP] = "stop",
    };
    const char *word = call_str(call, key);

    for (unsigned i = 0; word != NULL && i < G_N_ELEMENTS(words); i++) {
        if (strcmp(words[i], word) == 0) {
            *on_error = (BlockOnError)i;
            return true;
        }
    }
    return word == NULL ||
           monitor_fail(error, MONITOR_ERROR_GENERIC, "Invalid parameter '%s'", word);
}

/* The device, the source, and the options that all have. */
static bool job_begin(MonitorCall *call, JobOptions *job, GError **error)
{
    job->id = call_str(call, "job-id");
    job->speed = (uint64_t)MAX(call_int(call, "speed", 0), 0);
    job->keep_finalize = !call_bool(call, "auto-finalize", true);
    job->keep_dismiss = !call_bool(call, "auto-dismiss", true);
    job->source = monitor_block_find(call, call_str(call, "device"), &job->node, error);
    return job->source != NULL && on_error_word(call, "on-error", &job->on_error, error);
}

static bool sync_word(MonitorCall *call, JobOptions *job, GError **error)
{
    const char *sync = call_str(call, "sync");

    job->only_top = g_strcmp0(sync, "top") == 0;
    job->only_new = g_strcmp0(sync, "none") == 0;
    return job->only_top || job->only_new || g_strcmp0(sync, "full") == 0 ||
           monitor_fail(error, MONITOR_ERROR_GENERIC,
                        "sync=%s is not supported; full, top and none are", sync);
}

/* A layer of the chain below `top`, by its file (`key`) or node-name (`key`-node). */
static bool chain_find(MonitorCall *call, BlockLayer *top, const char *key, BlockLayer **found,
                       GError **error)
{
    g_autofree char *node_key = g_strconcat(key, "-node", NULL);
    const char *file = call_str(call, key), *name = call_str(call, node_key);

    if (file == NULL && name == NULL) {
        return true;
    }
    for (BlockLayer *layer = top; layer != NULL; layer = layer_backing(layer)) {
        if (name != NULL ? strcmp(layer_node_name(layer), name) == 0
                         : strcmp(layer_filename(layer), file) == 0) {
            *found = layer;
            return true;
        }
    }
    return monitor_fail(error, MONITOR_ERROR_GENERIC, "Can't find '%s' in the backing chain",
                        name != NULL ? name : file);
}

static bool job_start(MonitorCall *call, const JobOptions *job, GError **error)
{
    return block_job_start(call->machine->jobs, job, error);
}

/* ---- commit, stream ---- */

static bool run_commit(MonitorCall *call, GError **error)
{
    JobOptions job = { .kind = JOB_COMMIT, .backing_file = call_str(call, "backing-file") };
    BlockLayer *active, *top;

    if (!job_begin(call, &job, error)) {
        return false;
    }
    active = top = job.source;
    if (!chain_find(call, active, "top", &top, error)) {
        return false;
    }
    for (BlockLayer *layer = active; layer != top; layer = layer_backing(layer)) {
        job.overlay = layer;
    }
    job.source = top;
    job.base = top;
    while (layer_backing(job.base) != NULL) { /* the last one, if no other is named */
        job.base = layer_backing(job.base);
    }
    if (!chain_find(call, top, "base", &job.base, error)) {
        return false;
    }
    if (job.base == top) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Top '%s' has no backing file to commit into", layer_filename(top));
    }
    return job_start(call, &job, error);
}

static bool run_stream(MonitorCall *call, GError **error)
{
    JobOptions job = { .kind = JOB_STREAM, .backing_file = call_str(call, "backing-file") };

    return job_begin(call, &job, error) && chain_find(call, job.source, "base", &job.base, error) &&
           job_start(call, &job, error);
}

/* ---- mirror, backup ---- */

/* sync=bitmap and incremental of a backup: only what is dirty. */
static bool bitmap_word(MonitorCall *call, JobOptions *job, GError **error)
{
    static const char *const modes[] = { [JOB_BITMAP_ON_SUCCESS] = "on-success",
                                         [JOB_BITMAP_NEVER] = "never",
                                         [JOB_BITMAP_ALWAYS] = "always" };
    const char *sync = call_str(call, "sync"), *name = call_str(call, "bitmap");
    const char *mode = call_str(call, "bitmap-mode");
    bool incremental = g_strcmp0(sync, "incremental") == 0;

    if (job->kind != JOB_BACKUP || (!incremental && g_strcmp0(sync, "bitmap") != 0)) {
        return name != NULL ? monitor_fail(error, MONITOR_ERROR_GENERIC,
                                           "a bitmap is for sync=bitmap and sync=incremental")
                            : sync_word(call, job, error);
    }
    if (name == NULL) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "must provide a valid bitmap name for '%s' sync mode", sync);
    }
    if (mode == NULL && !incremental) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "Bitmap sync mode must be given when providing a bitmap");
    }
    for (unsigned i = 0; mode != NULL && i < G_N_ELEMENTS(modes); i++) {
        if (strcmp(modes[i], mode) == 0) {
            job->bitmap_mode = i;
            mode = NULL;
        }
    }
    if (mode != NULL || (incremental && job->bitmap_mode != JOB_BITMAP_ON_SUCCESS)) {
        return monitor_fail(
            error, MONITOR_ERROR_GENERIC,
            "Bitmap sync mode must be 'on-success' when using sync mode 'incremental'");
    }
    job->bitmap = block_bitmap_find(job->source, name, error);
    return job->bitmap != NULL;
}

static bool copy_to_node(MonitorCall *call, JobKind kind, GError **error)
{
    JobOptions job = { .kind = kind };

    if (!job_begin(call, &job, error) || !bitmap_word(call, &job, error)) {
        return false;
    }
    job.target = monitor_block_find(call, call_str(call, "target"), NULL, error);
    return job.target != NULL && job_start(call, &job, error);
}

static bool run_blockdev_mirror(MonitorCall *call, GError **error)
{
    return copy_to_node(call, JOB_MIRROR, error);
}

bool monitor_run_blockdev_backup(MonitorCall *call, GError **error)
{
    return copy_to_node(call, JOB_BACKUP, error);
}

static BlockLayer *target_make(MonitorCall *call, const JobOptions *job, GError **error)
{
    const char *file = call_str(call, "target"), *format = call_str(call, "format");
    const char *mode = call_str(call, "mode");
    BlockCreate create = { .size = layer_size(job->source) };

    format = format != NULL ? format : layer_format(job->source);
    if (job->only_top && layer_backing(job->source) != NULL) {
        create.backing_file = layer_filename(layer_backing(job->source));
        create.backing_format = layer_format(layer_backing(job->source));
    }
    if (g_strcmp0(mode, "existing") != 0 &&
        !image_create(call->machine->graph, file, format, &create, error)) {
        return NULL;
    }
    return layer_open_file(call->machine->graph, file, format, BLOCK_UNMAP, error);
}

static bool copy_to_file(MonitorCall *call, JobKind kind, GError **error)
{
    JobOptions job = { .kind = kind };
    bool good;

    if (!job_begin(call, &job, error) || !bitmap_word(call, &job, error)) {
        return false;
    }
    job.target = target_make(call, &job, error);
    good = job.target != NULL && job_start(call, &job, error);
    if (job.target != NULL) {
        layer_unref(job.target); /* the job's */
    }
    return good;
}

static bool run_drive_mirror(MonitorCall *call, GError **error)
{
    return copy_to_file(call, JOB_MIRROR, error);
}

bool monitor_run_drive_backup(MonitorCall *call, GError **error)
{
    return copy_to_file(call, JOB_BACKUP, error);
}

/* ---- Steering ---- */

static bool job_verb(MonitorCall *call, const char *key, JobVerb verb, GError **error)
{
    g_autoptr(GError) failed = NULL;

    if (block_job_do(call->machine->jobs, call_str(call, key), verb, &failed)) {
        return true;
    }
    if (g_error_matches(failed, BLOCK_ERROR, BLOCK_ERROR_JOB)) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_ACTIVE, "%s", failed->message);
    }
    g_propagate_error(error, g_steal_pointer(&failed));
    return false;
}

#define JOB_RUN(name, key, verb)                                                                   \
    static bool name(MonitorCall *call, GError **error)                                            \
    {                                                                                              \
        return job_verb(call, key, verb, error);                                                   \
    }

JOB_RUN(run_job_pause, "id", JOB_PAUSE)
JOB_RUN(run_job_resume, "id", JOB_RESUME)
JOB_RUN(run_job_cancel, "id", JOB_CANCEL_FORCE)
JOB_RUN(run_job_complete, "id", JOB_COMPLETE)
JOB_RUN(run_job_finalize, "id", JOB_FINALIZE)
JOB_RUN(run_job_dismiss, "id", JOB_DISMISS)
JOB_RUN(run_block_job_pause, "device", JOB_PAUSE)
JOB_RUN(run_block_job_resume, "device", JOB_RESUME)
JOB_RUN(run_block_job_complete, "device", JOB_COMPLETE)
JOB_RUN(run_block_job_finalize, "id", JOB_FINALIZE)
JOB_RUN(run_block_job_dismiss, "id", JOB_DISMISS)

static bool run_block_job_cancel(MonitorCall *call, GError **error)
{
    return job_verb(call, "device", call_bool(call, "force", false) ? JOB_CANCEL_FORCE : JOB_CANCEL,
                    error);
}

static bool run_set_speed(MonitorCall *call, GError **error)
{
    return block_job_set_speed(call->machine->jobs, call_str(call, "device"),
                               (uint64_t)MAX(call_int(call, "speed", 0), 0), error);
}

static void job_each(const JobInfo *info, void *opaque)
{
    JsonObject *object = json_array_new_object(opaque);

    json_object_set_string_member(object, "id", info->id);
    json_object_set_string_member(object, "type", info->type);
    json_object_set_string_member(object, "status", info->status);
    json_object_set_int_member(object, "current-progress", (gint64)info->done);
    json_object_set_int_member(object, "total-progress", (gint64)info->all);
    if (info->error != NULL) {
        json_object_set_string_member(object, "error", info->error);
    }
}

static bool run_query_jobs(MonitorCall *call, GError **error)
{
    (void)error;
    block_jobs_each(call->machine->jobs, job_each, call_array(call));
    return true;
}

static void block_job_each(const JobInfo *info, void *opaque)
{
    JsonObject *object;

    if (!info->of_blocks) {
        return;
    }
    object = json_array_new_object(opaque);
    json_object_set_string_member(object, "device", info->device);
    json_object_set_string_member(object, "type", info->type);
    json_object_set_string_member(object, "status", info->status);
    json_object_set_int_member(object, "len", (gint64)info->all);
    json_object_set_int_member(object, "offset", (gint64)info->done);
    json_object_set_int_member(object, "speed", (gint64)info->speed);
    json_object_set_boolean_member(object, "busy", info->busy);
    json_object_set_boolean_member(object, "paused", info->paused);
    json_object_set_boolean_member(object, "ready", info->ready);
    json_object_set_string_member(object, "io-status", "ok");
    json_object_set_boolean_member(object, "auto-finalize", info->auto_finalize);
    json_object_set_boolean_member(object, "auto-dismiss", info->auto_dismiss);
    if (info->error != NULL) {
        json_object_set_string_member(object, "error", info->error);
    }
}

static bool run_query_block_jobs(MonitorCall *call, GError **error)
{
    (void)error;
    block_jobs_each(call->machine->jobs, block_job_each, call_array(call));
    return true;
}

static void show_block_jobs(MonitorCall *call)
{
    JsonArray *array = json_node_get_array(call->result);

    if (json_array_get_length(array) == 0) {
        g_string_append(call->text, "No active jobs\n");
    }
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonObject *job = json_array_get_object_element(array, i);

        g_string_append_printf(
            call->text,
            "Type %s, device %s: Completed %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
            " bytes, speed limit %" G_GINT64_FORMAT " bytes/s\n",
            json_object_get_string_member(job, "type"),
            json_object_get_string_member(job, "device"), json_object_get_int_member(job, "offset"),
            json_object_get_int_member(job, "len"), json_object_get_int_member(job, "speed"));
    }
}

#define JOB_ARGS "*job-id:str *speed:int *auto-finalize:bool *auto-dismiss:bool "

static const MonitorRow rows[] = {
    { "block-commit",
      .args = JOB_ARGS "device:str *base:str *base-node:str *top:str *top-node:str "
                       "*backing-file:str *on-error:str *filter-node-name:str",
      .run = run_commit, .help = "commit images of a chain into one behind them" },
    { "block-stream",
      .args = JOB_ARGS "device:str *base:str *base-node:str *backing-file:str *on-error:str "
                       "*filter-node-name:str",
      .run = run_stream, .help = "copy what backing files hold into the image" },
    { "blockdev-mirror",
      .args = JOB_ARGS "device:str target:str sync:str *replaces:str *granularity:int "
                       "*buf-size:int *on-source-error:str *on-target-error:str *copy-mode:str "
                       "*filter-node-name:str",
      .run = run_blockdev_mirror, .help = "copy a disk to a node and follow its changes" },
    { "drive-mirror",
      .args = JOB_ARGS "device:str target:str sync:str *format:str *mode:str *node-name:str "
                       "*replaces:str *granularity:int *buf-size:int *on-source-error:str "
                       "*on-target-error:str *unmap:bool *copy-mode:str",
      .run = run_drive_mirror, .help = "copy a disk to a file and follow its changes" },
    { "blockdev-backup",
      .args = JOB_ARGS "device:str target:str sync:str *bitmap:str *bitmap-mode:str *compress:bool "
                       "*on-source-error:str *on-target-error:str *filter-node-name:str",
      .run = monitor_run_blockdev_backup, .help = "copy a disk as it is now to a node" },
    { "drive-backup",
      .args = JOB_ARGS
      "device:str target:str sync:str *format:str *mode:str *bitmap:str *bitmap-mode:str "
      "*compress:bool *on-source-error:str *on-target-error:str",
      .run = monitor_run_drive_backup, .help = "copy a disk as it is now to a file" },
    { "job-pause", .args = "id:str", .run = run_job_pause, .help = "pause a job" },
    { "job-resume", .args = "id:str", .run = run_job_resume, .help = "resume a job" },
    { "job-cancel", .args = "id:str", .run = run_job_cancel, .help = "cancel a job" },
    { "job-complete", .args = "id:str", .run = run_job_complete, .help = "complete a ready job" },
    { "job-finalize", .args = "id:str", .run = run_job_finalize, .help = "finalize a pending job" },
    { "job-dismiss", .args = "id:str", .run = run_job_dismiss, .help = "forget a concluded job" },
    { "block-job-pause", "block_job_pause", "device:str", .run = run_block_job_pause,
      .help = "pause a block job" },
    { "block-job-resume", "block_job_resume", "device:str", .run = run_block_job_resume,
      .help = "resume a block job" },
    { "block-job-cancel", "block_job_cancel", "device:str *force:bool",
      .hmp_args = "*force/f:bool device:str", .run = run_block_job_cancel,
      .help = "cancel a block job" },
    { "block-job-complete", "block_job_complete", "device:str", .run = run_block_job_complete,
      .help = "complete a ready block job" },
    { "block-job-finalize", .args = "id:str", .run = run_block_job_finalize,
      .help = "finalize a pending block job" },
    { "block-job-dismiss", .args = "id:str", .run = run_block_job_dismiss,
      .help = "forget a concluded block job" },
    { "block-job-set-speed", "block_job_set_speed", "device:str speed:int",
      .hmp_args = "device:str speed:size", .run = run_set_speed,
      .help = "set the speed of a block job" },
    { "query-jobs", .result = "[JobInfo]", .run = run_query_jobs, .help = "all jobs" },
    { "query-block-jobs", "info block-jobs", .result = "[BlockJobInfo]",
      .run = run_query_block_jobs, .show = show_block_jobs, .help = "show the block jobs" },
    { 0 },
};

static const MonitorType types[] = {
    { "JobInfo",
      .members = "id:str type:str status:str current-progress:int total-progress:int *error:str" },
    { "BlockJobInfo",
      .members = "type:str device:str len:int offset:int busy:bool paused:bool speed:int "
                 "io-status:IoStatus ready:bool status:str auto-finalize:bool auto-dismiss:bool "
                 "*error:str" },
    { 0 },
};

#define JOB_EVENT "type:str device:str len:int offset:int speed:int *error:str"

static const MonitorEvent events[] = {
    { "JOB_STATUS_CHANGE", "id:str status:str", "a job has another status" },
    { "BLOCK_JOB_COMPLETED", JOB_EVENT, "a block job has ended" },
    { "BLOCK_JOB_CANCELLED", JOB_EVENT, "a block job was cancelled" },
    { "BLOCK_JOB_READY", JOB_EVENT, "a mirror has all and follows" },
    { "BLOCK_JOB_PENDING", JOB_EVENT, "a block job waits to be finalized" },
    { "BLOCK_JOB_ERROR", JOB_EVENT, "a block job has met an error and waits" },
    { 0 },
};

const MonitorTable monitor_job_table = { rows, types, events };
