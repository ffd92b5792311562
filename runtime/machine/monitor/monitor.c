/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor.c - what both kinds of monitor have in common: input, work from the main loop, events. */
#include "runtime/machine/monitor/monitor.h"

#include <string.h>
#include <unistd.h>

#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_int.h"

/* ---- Input and output; the device lock is held ---- */

void monitor_write(Monitor *monitor, const char *text, size_t n)
{
    machine_lock(monitor->machine);
    chardev_write(monitor->chr, (const uint8_t *)text, n);
    machine_unlock(monitor->machine);
}

static bool monitor_can_work(const Monitor *monitor)
{
    return !monitor->working && monitor->kind->pending(monitor) &&
           chardev_pending(monitor->chr) < MONITOR_OUTPUT;
}

/* One command, then whatever else waits in the main loop has its turn. */
static gboolean monitor_work(gpointer opaque)
{
    Monitor *monitor = opaque;
    bool more;

    machine_lock(monitor->machine);
    more = monitor_can_work(monitor);
    if (!more) {
        monitor->source = 0;
    }
    machine_unlock(monitor->machine);
    if (!more) {
        return G_SOURCE_REMOVE;
    }
    monitor->working = true;
    monitor->kind->work(monitor);
    monitor->working = false;
    machine_lock(monitor->machine);
    chardev_accept_input(monitor->chr);
    machine_unlock(monitor->machine);
    return G_SOURCE_CONTINUE;
}

void monitor_kick(Monitor *monitor)
{
    if (monitor->source == 0 && monitor_can_work(monitor)) {
        monitor->source = g_idle_add_full(G_PRIORITY_DEFAULT, monitor_work, monitor, NULL);
    }
}

static size_t monitor_can_receive(void *opaque)
{
    const Monitor *monitor = opaque;

    return monitor->kind->room(monitor);
}

static void monitor_receive(void *opaque, const uint8_t *data, size_t n)
{
    Monitor *monitor = opaque;

    monitor->kind->input(monitor, data, n);
    monitor_kick(monitor);
}

static void monitor_char_event(void *opaque, CharEvent event)
{
    Monitor *monitor = opaque;

    switch (event) {
    case CHAR_EVENT_OPENED:
        if (!chardev_is_shared(monitor->chr)) {
            monitor->kind->opened(monitor);
        }
        break;
    case CHAR_EVENT_MUX_IN:
        monitor->kind->opened(monitor);
        break;
    case CHAR_EVENT_CLOSED:
        monitor->kind->closed(monitor);
        break;
    default:
        break;
    }
}

static void monitor_writable(void *opaque)
{
    monitor_kick(opaque);
}

/* ---- Life ---- */

static void monitor_free(gpointer opaque)
{
    Monitor *monitor = opaque;

    if (monitor->source != 0) {
        g_source_remove(monitor->source);
    }
    chardev_remove_front(monitor->chr, monitor->slot);
    monitor->kind->destroy(monitor);
    g_free(monitor);
}

static void descriptor_close(gpointer fd)
{
    close(GPOINTER_TO_INT(fd));
}

Monitors *monitors_new(Machine *machine)
{
    Monitors *monitors = g_new0(Monitors, 1);

    monitors->machine = machine;
    monitors->list = g_ptr_array_new_with_free_func(monitor_free);
    monitors->told = g_async_queue_new_full((GDestroyNotify)json_object_unref);
    monitors->fds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, descriptor_close);
    return monitors;
}

static void events_tell(Monitors *monitors);

void monitors_free(Monitors *monitors)
{
    if (monitors == NULL) {
        return;
    }
    events_tell(monitors);
    g_source_remove_by_user_data(monitors);
    g_ptr_array_free(monitors->list, TRUE);
    g_async_queue_unref(monitors->told);
    g_hash_table_destroy(monitors->fds);
    g_free(monitors);
}

bool monitors_add(Monitors *monitors, CharDev *chr, MonitorMode mode, GError **error)
{
    Monitor *monitor = g_new0(Monitor, 1);
    const CharFront front = { .can_receive = monitor_can_receive,
                              .receive = monitor_receive,
                              .event = monitor_char_event,
                              .writable = monitor_writable,
                              .opaque = monitor,
                              .forgets = true };

    monitor->monitors = monitors;
    monitor->machine = monitors->machine;
    monitor->chr = chr;
    monitor->kind = mode == MONITOR_READLINE ? &monitor_kind_hmp : &monitor_kind_qmp;
    monitor->pretty = mode == MONITOR_CONTROL_PRETTY;
    monitor->kind->create(monitor);
    machine_lock(monitors->machine);
    chardev_set_lossless(chr);
    monitor->slot = chardev_add_front(chr, &front);
    machine_unlock(monitors->machine);
    if (monitor->slot < 0) {
        monitor->kind->destroy(monitor);
        g_free(monitor);
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "the character device is in use");
    }
    g_ptr_array_add(monitors->list, monitor);
    return true;
}

/* ---- Events ---- */

static void event_tell(Monitors *monitors, JsonObject *event)
{
    g_autoptr(JsonNode) node = json_node_alloc();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GString) pretty = g_string_new(NULL);

    json_node_init_object(node, event);
    json_text(text, node, false);
    json_text(pretty, node, true);
    g_string_append(text, "\r\n");
    g_string_append(pretty, "\r\n");
    for (guint i = 0; i < monitors->list->len; i++) {
        Monitor *monitor = g_ptr_array_index(monitors->list, i);

        if (monitor->kind->event != NULL && chardev_pending(monitor->chr) < MONITOR_EVENTS_OUTPUT) {
            monitor->kind->event(monitor, text->str, pretty->str);
        }
    }
}

static void events_tell(Monitors *monitors)
{
    JsonObject *event;

    while ((event = g_async_queue_try_pop(monitors->told)) != NULL) {
        event_tell(monitors, event);
        json_object_unref(event);
    }
}

static gboolean events_tell_later(gpointer opaque)
{
    events_tell(opaque);
    return G_SOURCE_REMOVE;
}

void monitors_event(Monitors *monitors, const char *name, JsonObject *data)
{
    gint64 now = g_get_real_time();
    JsonObject *event = json_object_new(), *stamp = json_object_new();

    json_object_set_int_member(stamp, "seconds", now / G_USEC_PER_SEC);
    json_object_set_int_member(stamp, "microseconds", now % G_USEC_PER_SEC);
    json_object_set_object_member(event, "timestamp", stamp);
    json_object_set_string_member(event, "event", name);
    if (data != NULL) {
        json_object_set_object_member(event, "data", data);
    }
    g_async_queue_push(monitors->told, event);
    if (g_main_context_is_owner(NULL)) {
        events_tell(monitors);
    } else {
        g_idle_add_full(G_PRIORITY_HIGH, events_tell_later, monitors, NULL);
    }
}

char *monitors_execute(Monitors *monitors, const char *line)
{
    GString *text = g_string_new(NULL);

    hmp_execute(monitors, NULL, line, text);
    return g_string_free(text, FALSE);
}

/* ---- Commands ---- */

bool monitor_call(const MonitorRow *row, bool human, MonitorCall *call, GError **error)
{
    MonitorRun *run = human && row->hmp_run != NULL ? row->hmp_run : row->run;
    const char *members = human && row->hmp_args != NULL ? row->hmp_args : row->args;
    bool locked = (row->flags & MONITOR_UNLOCKED) == 0;
    bool done;

    if (call->machine->pc == NULL && (row->flags & MONITOR_EMPTY) == 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "this machine is empty");
    }
    if (!members_check(members, call->args, error)) {
        return false;
    }
    if (locked) {
        machine_lock(call->machine);
    }
    done = run(call, error);
    if (locked) {
        machine_unlock(call->machine);
    }
    return done;
}

void monitor_call_clear(MonitorCall *call)
{
    g_clear_pointer(&call->result, json_node_unref);
    g_clear_pointer(&call->args, json_object_unref);
}
