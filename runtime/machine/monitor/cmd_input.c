/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_input.c - keys and pointers from a monitor: sendkey, send-key, input-send-event, mouse_*. */
#include <string.h>

#include "hw/input/keynames.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"

enum { HOLD_MAX_MS = 60000, STEP_MAX = 10000 };

static Input *input_of(const MonitorCall *call)
{
    return machine_display_input(call->machine->display);
}

/* ---- Keys ---- */

static bool send(MonitorCall *call, const uint8_t *keys, unsigned n, GError **error)
{
    int64_t hold = call_int(call, "hold-time", INPUT_SEND_HOLD_MS);

    if (hold < 0 || hold > HOLD_MAX_MS) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "hold-time is 0 to %d ms", HOLD_MAX_MS);
    }
    if (!input_send(input_of(call), keys, n, (unsigned)hold)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "too many keys wait to be sent");
    }
    return true;
}

static bool run_sendkey(MonitorCall *call, GError **error)
{
    uint8_t keys[INPUT_SEND_MAX];
    unsigned n;

    return keys_parse(call_str(call, "keys"), keys, &n, error) && send(call, keys, n, error);
}

/* {"type": "qcode", "data": "ret"} or {"type": "number", "data": 28}. */
static bool key_read(JsonObject *object, uint8_t *key, GError **error)
{
    JsonNode *data = json_object_get_member(object, "data");
    const char *type = json_object_get_string_member_with_default(object, "type", "");

    if (data != NULL && JSON_NODE_HOLDS_VALUE(data) && strcmp(type, "number") == 0 &&
        json_node_get_value_type(data) == G_TYPE_INT64) {
        int64_t number = json_node_get_int(data);

        *key = (uint8_t)number;
        if (number > 0 && number < INPUT_KEYS) {
            return true;
        }
    } else if (data != NULL && JSON_NODE_HOLDS_VALUE(data) && strcmp(type, "qcode") == 0 &&
               json_node_get_value_type(data) == G_TYPE_STRING) {
        if (key_by_name(json_node_get_string(data), key)) {
            return true;
        }
    }
    return monitor_fail(error, MONITOR_ERROR_GENERIC,
                        "a key is {\"type\": \"qcode\", \"data\": NAME} or a number from 1 to 255");
}

static bool run_send_key(MonitorCall *call, GError **error)
{
    JsonArray *list = json_object_get_array_member(call->args, "keys");
    uint8_t keys[INPUT_SEND_MAX];
    guint n = json_array_get_length(list);

    if (n == 0 || n > INPUT_SEND_MAX) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "1 to %d keys can be sent at once",
                            INPUT_SEND_MAX);
    }
    for (guint i = 0; i < n; i++) {
        if (!key_read(json_array_get_object_element(list, i), &keys[i], error)) {
            return false;
        }
    }
    return send(call, keys, n, error);
}

/* ---- input-send-event ---- */

static const struct {
    const char *name;
    InputButton button;
} buttons[] = {
    { "left", INPUT_LEFT }, { "middle", INPUT_MIDDLE }, { "right", INPUT_RIGHT },
    { "side", INPUT_SIDE }, { "extra", INPUT_EXTRA },
};

static const struct {
    const char *name;
    int down, right;
} wheels[] = {
    { "wheel-up", -1, 0 },
    { "wheel-down", 1, 0 },
    { "wheel-left", 0, -1 },
    { "wheel-right", 0, 1 },
};

static bool event_button(Input *input, JsonObject *data, bool apply)
{
    const char *name = json_object_get_string_member_with_default(data, "button", "");
    bool down = json_object_get_boolean_member_with_default(data, "down", FALSE);

    for (size_t i = 0; i < G_N_ELEMENTS(buttons); i++) {
        if (strcmp(buttons[i].name, name) == 0) {
            if (apply) {
                input_button(input, buttons[i].button, down);
            }
            return true;
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wheels); i++) {
        if (strcmp(wheels[i].name, name) == 0) {
            if (apply && down) {
                input_wheel(input, wheels[i].down, wheels[i].right);
            }
            return true;
        }
    }
    return false;
}

static bool event_axis(Input *input, JsonObject *data, bool absolute, bool apply)
{
    const char *axis = json_object_get_string_member_with_default(data, "axis", "");
    int64_t value = json_object_get_int_member_with_default(data, "value", 0);
    bool x = strcmp(axis, "x") == 0;
    InputPointer at = input_pointer(input);

    if (!x && strcmp(axis, "y") != 0) {
        return false;
    }
    value = CLAMP(value, -(int64_t)INPUT_ABSOLUTE_MAX, (int64_t)INPUT_ABSOLUTE_MAX);
    if (apply && absolute) {
        input_move_to(input, x ? (int)value : at.x, x ? at.y : (int)value);
    } else if (apply) {
        input_move(input, x ? (int)value : 0, x ? 0 : (int)value);
    }
    return true;
}

static bool event_key(Input *input, JsonObject *data, bool apply, GError **error)
{
    JsonNode *member = json_object_get_member(data, "key");
    uint8_t key;

    if (member == NULL || !JSON_NODE_HOLDS_OBJECT(member) ||
        !key_read(json_node_get_object(member), &key, error)) {
        return false;
    }
    if (apply) {
        input_key(input, key, json_object_get_boolean_member_with_default(data, "down", FALSE));
    }
    return true;
}

/* False without an error: it is malformed. */
static bool event_take(Input *input, JsonObject *event, bool apply, GError **error)
{
    const char *type = json_object_get_string_member_with_default(event, "type", "");
    JsonNode *member = json_object_get_member(event, "data");
    JsonObject *data = member != NULL && JSON_NODE_HOLDS_OBJECT(member)
                           ? json_node_get_object(member)
                           : NULL;

    if (data == NULL) {
        return false;
    }
    if (strcmp(type, "key") == 0) {
        return event_key(input, data, apply, error);
    }
    if (strcmp(type, "btn") == 0) {
        return event_button(input, data, apply);
    }
    return (strcmp(type, "rel") == 0 || strcmp(type, "abs") == 0) &&
           event_axis(input, data, strcmp(type, "abs") == 0, apply);
}

/* All or none. */
static bool run_input_send_event(MonitorCall *call, GError **error)
{
    Input *input = input_of(call);
    JsonArray *list = json_object_get_array_member(call->args, "events");

    for (int apply = 0; apply < 2; apply++) {
        for (guint i = 0; i < json_array_get_length(list); i++) {
            g_autoptr(GError) reason = NULL;

            if (!event_take(input, json_array_get_object_element(list, i), apply, &reason)) {
                return monitor_fail(error, MONITOR_ERROR_GENERIC, "event %u: %s", i,
                                    reason != NULL ? reason->message : "not understood");
            }
        }
    }
    input_sync(input);
    return true;
}

/* ---- Mice ---- */

static bool step_read(const char *text, int *step, GError **error)
{
    gint64 value;

    *step = 0;
    if (text == NULL) {
        return true;
    }
    if (!g_ascii_string_to_signed(text, 10, -STEP_MAX, STEP_MAX, &value, NULL)) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "'%s' is no number of steps", text);
    }
    *step = (int)value;
    return true;
}

static bool run_mouse_move(MonitorCall *call, GError **error)
{
    Input *input = input_of(call);
    int dx, dy, dz;

    if (!step_read(call_str(call, "dx_str"), &dx, error) ||
        !step_read(call_str(call, "dy_str"), &dy, error) ||
        !step_read(call_str(call, "dz_str"), &dz, error)) {
        return false;
    }
    input_move(input, dx, dy);
    input_wheel(input, dz, 0);
    input_sync(input);
    return true;
}

/* 1 left, 2 middle, 4 right. */
static bool run_mouse_button(MonitorCall *call, GError **error)
{
    Input *input = input_of(call);
    int64_t state = call_int(call, "button_state", 0);

    (void)error;
    input_button(input, INPUT_LEFT, state & 1);
    input_button(input, INPUT_MIDDLE, state & 2);
    input_button(input, INPUT_RIGHT, state & 4);
    input_sync(input);
    return true;
}

static bool run_mouse_set(MonitorCall *call, GError **error)
{
    int64_t index = call_int(call, "index", 0);

    return (index >= 0 && index <= INT_MAX && input_mouse_set(input_of(call), (int)index)) ||
           monitor_fail(error, MONITOR_ERROR_GENERIC, "Mouse at index '%d' not found", (int)index);
}

static bool run_query_mice(MonitorCall *call, GError **error)
{
    JsonArray *list = call_array(call);
    InputMouse mouse;

    (void)error;
    for (unsigned i = 0; input_mouse(input_of(call), i, &mouse); i++) {
        JsonObject *object = json_array_new_object(list);

        json_object_set_string_member(object, "name", mouse.name);
        json_object_set_int_member(object, "index", mouse.index);
        json_object_set_boolean_member(object, "current", mouse.current);
        json_object_set_boolean_member(object, "absolute", mouse.absolute);
    }
    return true;
}

static void show_mice(MonitorCall *call)
{
    JsonArray *list = json_node_get_array(call->result);

    if (json_array_get_length(list) == 0) {
        g_string_append(call->text, "No mouse devices connected\n");
    }
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *mouse = json_array_get_object_element(list, i);

        g_string_append_printf(call->text, "%c Mouse #%d: %s%s\n",
                               json_object_get_boolean_member(mouse, "current") ? '*' : ' ',
                               (int)json_object_get_int_member(mouse, "index"),
                               json_object_get_string_member(mouse, "name"),
                               json_object_get_boolean_member(mouse, "absolute") ? " (absolute)"
                                                                                 : "");
    }
}

static const MonitorRow rows[] = {
    { NULL, "sendkey", .args = "keys:str *hold-time:int", .run = run_sendkey,
      .help = "send keys to the VM (e.g. 'sendkey ctrl-alt-f1'); held for 100 ms" },
    { "send-key", .args = "keys:[KeyValue] *hold-time:int", .run = run_send_key,
      .help = "press keys together and let go of them" },
    { "input-send-event", .args = "*device:str *head:int events:[InputEvent]",
      .run = run_input_send_event, .help = "send keys, buttons and movements" },
    { NULL, "mouse_move", .args = "dx_str:str dy_str:str *dz_str:str", .run = run_mouse_move,
      .help = "send mouse move events" },
    { NULL, "mouse_button", .args = "button_state:int", .run = run_mouse_button,
      .help = "change mouse button state (1=L, 2=M, 4=R)" },
    { NULL, "mouse_set", .args = "index:int", .run = run_mouse_set,
      .help = "set which mouse device receives events" },
    { "query-mice", "info mice", .result = "[MouseInfo]", .run = run_query_mice, .show = show_mice,
      .help = "show which guest mouse is receiving events" },
    { 0 },
};

static const MonitorType types[] = {
    { "KeyValue", .members = "type:KeyValueKind data:any" },
    { "KeyValueKind", .values = "number qcode" },
    { "InputEvent", .members = "type:InputEventKind data:any" },
    { "InputEventKind", .values = "key btn rel abs" },
    { "MouseInfo", .members = "name:str index:int current:bool absolute:bool" },
    { 0 },
};

const MonitorTable monitor_input_table = { rows, types, NULL };
