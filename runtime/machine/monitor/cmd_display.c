/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_display.c - screens from a monitor: pictures, who looks, passwords. */
#include <string.h>

#include "hw/display/screendump.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/monitor/monitor_rows.h"

enum { CLIENTS_MAX = 64 };

/* ---- screendump ---- */

static bool run_screendump(MonitorCall *call, GError **error)
{
    Display *screens = machine_display_screens(call->machine->display);
    const char *device = call_str(call, "device");
    Console *console = device != NULL ? display_find(screens, device) : display_console(screens, 0);
    ScreendumpFormat format;

    if (device != NULL && console == NULL) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", device);
    }
    if (console == NULL || call_int(call, "head", 0) != 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "There is no console to take a screendump "
                            "from");
    }
    return screendump_format_parse(call_str(call, "format"), &format, error) &&
           screendump(console, call_str(call, "filename"), format, error);
}

/* ---- VNC ---- */

static Vnc *vnc_of(const MonitorCall *call)
{
    return machine_display_vnc(call->machine->display);
}

static void put_address(JsonObject *object, const char *address)
{
    const char *colon = strrchr(address, ':');
    bool local = g_str_has_prefix(address, "unix:");
    g_autofree char *host = local
                                ? g_strdup("")
                                : g_strndup(address, colon != NULL ? (gsize)(colon - address) : 0);

    json_object_set_string_member(object, "host", host);
    json_object_set_string_member(object, "service",
                                  local           ? address + strlen("unix:")
                                  : colon != NULL ? colon + 1
                                                  : "");
    json_object_set_string_member(object, "family",
                                  local            ? "unix"
                                  : host[0] == '[' ? "ipv6"
                                                   : "ipv4");
}

static JsonArray *clients_json(Vnc *vnc)
{
    VncClientInfo info[CLIENTS_MAX];
    unsigned n = MIN(vnc_clients(vnc, info, CLIENTS_MAX), (unsigned)CLIENTS_MAX);
    JsonArray *list = json_array_new();

    for (unsigned i = 0; i < n; i++) {
        JsonObject *client = json_array_new_object(list);

        json_object_set_string_member(client, "host", info[i].host);
        json_object_set_string_member(client, "service", "");
        json_object_set_string_member(client, "family", "ipv4");
        json_object_set_boolean_member(client, "websocket", info[i].websocket);
    }
    return list;
}

static bool run_query_vnc(MonitorCall *call, GError **error)
{
    Vnc *vnc = vnc_of(call);
    JsonObject *result = call_object(call);

    (void)error;
    json_object_set_boolean_member(result, "enabled", vnc != NULL);
    if (vnc != NULL && vnc_address(vnc) != NULL) {
        put_address(result, vnc_address(vnc));
        json_object_set_string_member(result, "auth", vnc_has_password(vnc) ? "vnc" : "none");
        json_object_set_array_member(result, "clients", clients_json(vnc));
    }
    return true;
}

static void show_vnc(MonitorCall *call)
{
    JsonObject *result = json_node_get_object(call->result);
    JsonArray *clients;

    if (!json_object_has_member(result, "host")) {
        g_string_append(call->text, "None\n");
        return;
    }
    g_string_append_printf(call->text, "default:\n  Server: %s:%s (%s)\n    Auth: %s (Sub: none)\n",
                           json_object_get_string_member(result, "host"),
                           json_object_get_string_member(result, "service"),
                           json_object_get_string_member(result, "family"),
                           json_object_get_string_member(result, "auth"));
    clients = json_object_get_array_member(result, "clients");
    for (guint i = 0; i < json_array_get_length(clients); i++) {
        JsonObject *client = json_array_get_object_element(clients, i);

        g_string_append_printf(
            call->text, "  Client: %s%s\n", json_object_get_string_member(client, "host"),
            json_object_get_boolean_member(client, "websocket") ? " (Websocket)" : "");
    }
}

/* ---- Passwords ---- */

static Vnc *vnc_with_password(MonitorCall *call, GError **error)
{
    const char *protocol = call_str(call, "protocol");
    Vnc *vnc = vnc_of(call);

    if (protocol != NULL && strcmp(protocol, "vnc") != 0) {
        monitor_fail(error, MONITOR_ERROR_GENERIC, "protocol %s is not supported; vnc is",
                     protocol);
        return NULL;
    }
    if (vnc == NULL || !vnc_has_password(vnc)) {
        monitor_fail(error, MONITOR_ERROR_GENERIC,
                     vnc == NULL ? "VNC is not in use"
                                 : "If you want use passwords please enable password auth using "
                                   "'-vnc ${dpy},password'.");
        return NULL;
    }
    return vnc;
}

static bool run_set_password(MonitorCall *call, GError **error)
{
    const char *connected = call_str(call, "connected");
    Vnc *vnc = vnc_with_password(call, error);

    if (vnc == NULL) {
        return false;
    }
    if (connected != NULL && strcmp(connected, "keep") != 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "parameter 'connected' must be 'keep' when 'protocol' is 'vnc'");
    }
    vnc_set_password(vnc, call_str(call, "password"));
    return true;
}

/* "now", "never", "+SECONDS", seconds since the epoch. */
static bool run_expire_password(MonitorCall *call, GError **error)
{
    const char *time = call_str(call, "time");
    Vnc *vnc = vnc_with_password(call, error);
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    guint64 seconds;

    if (vnc == NULL) {
        return false;
    }
    if (strcmp(time, "now") == 0) {
        vnc_expire_password(vnc, 0);
    } else if (strcmp(time, "never") == 0) {
        vnc_expire_password(vnc, INT64_MAX);
    } else if (g_ascii_string_to_unsigned(time + (*time == '+'), 10, 0, UINT32_MAX, &seconds,
                                          NULL)) {
        vnc_expire_password(vnc, (int64_t)seconds + (*time == '+' ? now : 0));
    } else {
        return monitor_fail(error, MONITOR_ERROR_GENERIC,
                            "time is now, never, +SECONDS or seconds since 1970");
    }
    return true;
}

static const MonitorRow rows[] = {
    { "screendump", "screendump", .args = "filename:str *device:str *head:int *format:ImageFormat",
      .hmp_args = "filename:str *format/f:str *device:str *head:int", .run = run_screendump,
      .help = "save the screen's picture into a PPM or PNG file" },
    { "query-vnc", "info vnc", .result = "VncInfo", .run = run_query_vnc, .show = show_vnc,
      .help = "show the vnc server status" },
    { "set_password", "set_password", .args = "protocol:str password:str *connected:str",
      .run = run_set_password, .help = "set the password of VNC clients" },
    { "expire_password", "expire_password", .args = "protocol:str time:str",
      .run = run_expire_password, .help = "until when it is valid" },
    { "change-vnc-password", .args = "password:str", .run = run_set_password,
      .help = "set the password of VNC clients" },
    { 0 },
};

static const MonitorType types[] = {
    { "ImageFormat", .values = "ppm png" },
    { "VncInfo", .members = "enabled:bool *host:str *family:str *service:str *auth:str "
                            "*clients:[VncClientInfo]" },
    { "VncClientInfo", .members = "host:str service:str family:str websocket:bool" },
    { "VncBasicInfo", .members = "host:str service:str family:str websocket:bool" },
    { 0 },
};

static const MonitorEvent events[] = {
    { "VNC_CONNECTED", "server:VncBasicInfo client:VncBasicInfo", "a VNC client has connected" },
    { "VNC_INITIALIZED", "server:VncBasicInfo client:VncBasicInfo", "it has introduced itself" },
    { "VNC_DISCONNECTED", "server:VncBasicInfo client:VncBasicInfo", "it has gone" },
    { 0 },
};

const MonitorTable monitor_display_table = { rows, types, events };
