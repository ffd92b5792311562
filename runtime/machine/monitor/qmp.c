/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qmp.c - the monitor of programs: QEMU's machine protocol (docs/interop/qmp-spec of QEMU 7.2). */
#include <string.h>

#include "runtime/machine/monitor/monitor_int.h"
#include "runtime/machine/version.h"

/* What waits for its turn: a value, or what was wrong with the text. */
typedef struct QmpInput {
    JsonNode *node;
    char *problem;
} QmpInput;

typedef struct Qmp {
    JsonStream *stream;
    GQueue input; /* of QmpInput */
    bool connected, negotiated, oob;
} Qmp;

static void qmp_input_free(gpointer data)
{
    QmpInput *input = data;

    g_clear_pointer(&input->node, json_node_unref);
    g_free(input->problem);
    g_free(input);
}

/* ---- Replies ---- */

static void qmp_send(Monitor *monitor, JsonObject *object)
{
    g_autoptr(JsonNode) node = json_node_alloc();
    g_autoptr(GString) text = g_string_new(NULL);

    json_node_init_object(node, object);
    json_text(text, node, monitor->pretty);
    g_string_append(text, "\r\n");
    monitor_write(monitor, text->str, text->len);
}

/* The id, whatever it is, comes back as it was. */
static void reply_add_id(JsonObject *reply, JsonObject *request)
{
    JsonNode *id = request != NULL ? json_object_get_member(request, "id") : NULL;

    if (id != NULL) {
        json_object_set_member(reply, "id", json_node_copy(id));
    }
}

static void qmp_reply(Monitor *monitor, JsonObject *request, JsonNode *result)
{
    g_autoptr(JsonObject) reply = json_object_new();

    if (result != NULL) {
        json_object_set_member(reply, "return", json_node_ref(result));
    } else {
        json_object_set_object_member(reply, "return", json_object_new());
    }
    reply_add_id(reply, request);
    qmp_send(monitor, reply);
}

static void qmp_reply_error(Monitor *monitor, JsonObject *request, const GError *reason)
{
    g_autoptr(JsonObject) reply = json_object_new();
    JsonObject *error = json_object_new();

    json_object_set_string_member(error, "class", monitor_error_class(reason));
    json_object_set_string_member(error, "desc", reason->message);
    json_object_set_object_member(reply, "error", error);
    reply_add_id(reply, request);
    qmp_send(monitor, reply);
}

static void qmp_greet(Monitor *monitor)
{
    g_autoptr(JsonObject) greeting = json_object_new();
    JsonObject *qmp = json_object_new();
    JsonArray *capabilities = json_array_new();

    json_object_set_object_member(qmp, "version", version_json());
    json_array_add_string_element(capabilities, "oob");
    json_object_set_array_member(qmp, "capabilities", capabilities);
    json_object_set_object_member(greeting, "QMP", qmp);
    qmp_send(monitor, greeting);
}

/* ---- Requests ---- */

static bool request_members(JsonObject *request, GError **error)
{
    g_autoptr(GList) members = json_object_get_members(request);

    for (GList *m = members; m != NULL; m = m->next) {
        const char *name = m->data;

        if (strcmp(name, "execute") != 0 && strcmp(name, "exec-oob") != 0 &&
            strcmp(name, "arguments") != 0 && strcmp(name, "id") != 0) {
            return monitor_fail(error, MONITOR_ERROR_GENERIC, "QMP input member '%s' is unexpected",
                                name);
        }
    }
    return true;
}

static const char *request_command(JsonObject *request, GError **error)
{
    JsonNode *execute = json_object_get_member(request, "execute");
    JsonNode *oob = json_object_get_member(request, "exec-oob");
    const char *name = oob != NULL ? "exec-oob" : "execute";
    JsonNode *node = oob != NULL ? oob : execute;

    if (execute != NULL && oob != NULL) {
        monitor_fail(error, MONITOR_ERROR_GENERIC,
                     "QMP input member 'exec-oob' clashes with 'execute'");
        return NULL;
    }
    if (node == NULL) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "QMP input lacks member 'execute'");
        return NULL;
    }
    if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "QMP input member '%s' must be a string", name);
        return NULL;
    }
    return json_node_get_string(node);
}

static const MonitorRow *qmp_row(const Qmp *qmp, const char *name, bool oob, GError **error)
{
    const MonitorRow *row = monitor_row_find(name);

    if (!qmp->negotiated && (row == NULL || (row->flags & MONITOR_BEFORE) == 0)) {
        monitor_fail(error, MONITOR_ERROR_COMMAND_NOT_FOUND,
                     "Expecting capabilities negotiation with 'qmp_capabilities'");
        return NULL;
    }
    if (row == NULL) {
        monitor_fail(error, MONITOR_ERROR_COMMAND_NOT_FOUND, "The command %s has not been found",
                     name);
        return NULL;
    }
    if (qmp->negotiated && (row->flags & MONITOR_BEFORE) != 0) {
        monitor_fail(error, MONITOR_ERROR_COMMAND_NOT_FOUND,
                     "Capabilities negotiation is already complete, command ignored");
        return NULL;
    }
    if (oob && (!qmp->oob || (row->flags & MONITOR_OOB) == 0)) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "The command %s does not support OOB", name);
        return NULL;
    }
    return row;
}

static bool request_arguments(JsonObject *request, MonitorCall *call, GError **error)
{
    JsonNode *arguments = json_object_get_member(request, "arguments");

    if (arguments != NULL && !JSON_NODE_HOLDS_OBJECT(arguments)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "QMP input member 'arguments' must be an object");
    }
    call->args = arguments != NULL ? json_object_ref(json_node_get_object(arguments))
                                   : json_object_new();
    return true;
}

static void qmp_execute(Monitor *monitor, JsonObject *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    MonitorCall call = { .machine = monitor->machine, .monitor = monitor, .text = text };
    bool oob = json_object_has_member(request, "exec-oob");
    const MonitorRow *row = NULL;
    const char *name = NULL;

    if (request_members(request, &error)) {
        name = request_command(request, &error);
    }
    if (name != NULL) {
        row = qmp_row(monitor->state, name, oob, &error);
    }
    if (row != NULL && request_arguments(request, &call, &error) &&
        monitor_call(row, false, &call, &error)) {
        qmp_reply(monitor, request, call.result);
    } else {
        qmp_reply_error(monitor, request, error);
    }
    monitor_call_clear(&call);
}

/* ---- The kind ---- */

static void qmp_problem(Monitor *monitor, const char *problem)
{
    g_autoptr(GError) error = NULL;

    monitor_fail(&error, MONITOR_ERROR_GENERIC, "%s", problem);
    qmp_reply_error(monitor, NULL, error);
}

static void qmp_work(Monitor *monitor)
{
    Qmp *qmp = monitor->state;
    QmpInput *input;

    machine_lock(monitor->machine);
    input = g_queue_pop_head(&qmp->input);
    machine_unlock(monitor->machine);
    if (input == NULL) {
        return;
    }
    if (input->node == NULL) {
        qmp_problem(monitor, input->problem);
    } else if (!JSON_NODE_HOLDS_OBJECT(input->node)) {
        qmp_problem(monitor, "QMP input must be a JSON object");
    } else {
        qmp_execute(monitor, json_node_get_object(input->node));
    }
    qmp_input_free(input);
}

/* A command that may overtake those that wait does so. */
static void qmp_value(void *opaque, JsonNode *node, const char *problem)
{
    Qmp *qmp = opaque;
    QmpInput *input = g_new0(QmpInput, 1);

    input->node = node;
    input->problem = g_strdup(problem);
    if (qmp->oob && node != NULL && JSON_NODE_HOLDS_OBJECT(node) &&
        json_object_has_member(json_node_get_object(node), "exec-oob")) {
        g_queue_push_head(&qmp->input, input);
    } else {
        g_queue_push_tail(&qmp->input, input);
    }
}

static void qmp_input(Monitor *monitor, const uint8_t *data, size_t n)
{
    Qmp *qmp = monitor->state;

    json_stream_feed(qmp->stream, data, n);
}

static bool qmp_pending(const Monitor *monitor)
{
    const Qmp *qmp = monitor->state;

    return !g_queue_is_empty((GQueue *)&qmp->input);
}

static size_t qmp_room(const Monitor *monitor)
{
    const Qmp *qmp = monitor->state;

    return qmp->input.length < MONITOR_QUEUE ? SIZE_MAX : 0;
}

static void qmp_closed(Monitor *monitor)
{
    Qmp *qmp = monitor->state;

    qmp->connected = qmp->negotiated = qmp->oob = false;
    g_queue_clear_full(&qmp->input, qmp_input_free);
    json_stream_reset(qmp->stream);
}

static void qmp_opened(Monitor *monitor)
{
    Qmp *qmp = monitor->state;

    if (!qmp->connected) {
        qmp_closed(monitor);
        qmp->connected = true;
        qmp_greet(monitor);
    }
}

static void qmp_event(Monitor *monitor, const char *text, const char *pretty)
{
    const Qmp *qmp = monitor->state;
    const char *chosen = monitor->pretty ? pretty : text;

    if (qmp->negotiated) {
        monitor_write(monitor, chosen, strlen(chosen));
    }
}

static void qmp_create(Monitor *monitor)
{
    Qmp *qmp = g_new0(Qmp, 1);

    g_queue_init(&qmp->input);
    qmp->stream = json_stream_new(qmp_value, qmp);
    monitor->state = qmp;
}

static void qmp_destroy(Monitor *monitor)
{
    Qmp *qmp = monitor->state;

    g_queue_clear_full(&qmp->input, qmp_input_free);
    json_stream_free(qmp->stream);
    g_free(qmp);
}

const MonitorKind monitor_kind_qmp = {
    .create = qmp_create,
    .destroy = qmp_destroy,
    .opened = qmp_opened,
    .closed = qmp_closed,
    .input = qmp_input,
    .pending = qmp_pending,
    .room = qmp_room,
    .work = qmp_work,
    .event = qmp_event,
};

/* ---- The one command that is there before all others ---- */

static bool run_qmp_capabilities(MonitorCall *call, GError **error)
{
    JsonArray *enable = json_object_has_member(call->args, "enable")
                            ? json_object_get_array_member(call->args, "enable")
                            : NULL;
    Qmp *qmp;

    if (call->monitor == NULL || call->monitor->kind != &monitor_kind_qmp) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "this is no QMP monitor");
    }
    qmp = call->monitor->state;
    qmp->negotiated = true;
    qmp->oob = enable != NULL && json_array_get_length(enable) != 0;
    return true;
}

static const MonitorRow qmp_rows[] = {
    { "qmp_capabilities", .args = "*enable:[QMPCapability]", .run = run_qmp_capabilities,
      .flags = MONITOR_BEFORE | MONITOR_EMPTY, .help = "ends the negotiation of capabilities" },
    { 0 },
};

static const MonitorType qmp_types[] = { { "QMPCapability", .values = "oob" }, { 0 } };

const MonitorTable monitor_qmp_table = { .rows = qmp_rows, .types = qmp_types };
