/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd_net.c - networks and the memory balloon. */
#include "runtime/machine/monitor/monitor_rows.h"

#include <string.h>

#include "hw/balloon.h"
#include "hw/board.h"
#include "runtime/machine/machine_int.h"

/* ---- Host ends ---- */

/* A member of JSON as the command line has it. */
static char *member_text(JsonNode *node)
{
    switch (JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_INVALID) {
    case G_TYPE_BOOLEAN:
        return g_strdup(json_node_get_boolean(node) ? "on" : "off");
    case G_TYPE_INT64:
        return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
    case G_TYPE_STRING:
        return g_strdup(json_node_get_string(node));
    default:
        return NULL;
    }
}

static void values_add(KeyValues *values, const char *key, JsonNode *node)
{
    char *text = member_text(node);

    if (text != NULL) {
        const KeyValue pair = { .key = g_strdup(key), .value = text };

        g_array_append_val(values->list, pair);
    }
}

/* hostfwd and the like are lists of {"str": RULE} in QMP. */
static void values_add_list(KeyValues *values, const char *key, JsonArray *list)
{
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonNode *node = json_array_get_element(list, i);

        if (JSON_NODE_HOLDS_OBJECT(node)) {
            node = json_object_get_member(json_node_get_object(node), "str");
        }
        if (node != NULL) {
            values_add(values, key, node);
        }
    }
}

static bool run_netdev_add(MonitorCall *call, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse("", NULL);
    JsonObjectIter iter;
    const char *key;
    JsonNode *node;

    json_object_iter_init(&iter, call->args);
    while (json_object_iter_next(&iter, &key, &node)) {
        if (JSON_NODE_HOLDS_ARRAY(node)) {
            values_add_list(values, key, json_node_get_array(node));
        } else {
            values_add(values, key, node);
        }
    }
    return machine_net_add(call->machine->net, values, error);
}

/* The human's words are the command line's. */
static bool hmp_netdev_add(MonitorCall *call, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(call_str(call, "netdev"), "type");

    return machine_net_add(call->machine->net, values, error);
}

static bool run_netdev_del(MonitorCall *call, GError **error)
{
    const char *id = call_str(call, "id");

    if (machine_net_find(call->machine->net, id) == NULL) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", id);
    }
    return machine_net_remove(call->machine->net, id, error);
}

/* ---- Links ---- */

/* The host end that a card was given; NULL: it is no card, or has none. */
static NetPort *card_end(Device *dev)
{
    const Property *property = device_property_find(dev->type, "netdev");

    return property != NULL && property->kind == PROPERTY_NETDEV
               ? *(NetPort **)(void *)((char *)dev + property->offset)
               : NULL;
}

static bool run_set_link(MonitorCall *call, GError **error)
{
    const char *name = call_str(call, "name");
    NetPort *port = machine_net_find(call->machine->net, name);
    Device *dev = port == NULL ? board_find_device(pc_board(call->machine->pc), name) : NULL;

    if (dev != NULL && card_end(dev) != NULL) {
        port = net_port_peer(card_end(dev));
    }
    if (port == NULL) {
        return monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_FOUND, "Device '%s' not found", name);
    }
    net_port_set_link(port, call_bool(call, "up", true));
    return true;
}

/* ---- User networking ---- */

static NetPort *user_end(MonitorCall *call, const char **rule, GError **error)
{
    const char *second = call_str(call, "arg2");

    *rule = second != NULL ? second : call_str(call, "arg1");
    return machine_net_find_user(call->machine->net, second != NULL ? call_str(call, "arg1") : NULL,
                                 error);
}

static bool run_hostfwd_add(MonitorCall *call, GError **error)
{
    const char *rule;
    NetPort *port = user_end(call, &rule, error);

    return port != NULL && net_user_add_hostfwd(port, rule, error);
}

static bool run_hostfwd_remove(MonitorCall *call, GError **error)
{
    const char *rule;
    NetPort *port = user_end(call, &rule, error);

    if (port == NULL || !net_user_remove_hostfwd(port, rule, error)) {
        return false;
    }
    g_string_append_printf(call->text, "host forwarding rule for %s removed\n", rule);
    return true;
}

static void usernet_show(void *opaque, NetPort *port)
{
    if (net_is_user(port)) {
        g_autofree char *info = net_user_info(port);

        g_string_append_printf(opaque, "Hub -1 (%s):\n%s", net_port_id(port), info);
    }
}

static bool run_info_usernet(MonitorCall *call, GError **error)
{
    (void)error;
    machine_net_each(call->machine->net, usernet_show, call->text);
    return true;
}

static void end_show(GString *text, const NetPort *port, const char *indent)
{
    g_autofree char *words = net_port_describe(port);

    g_string_append_printf(text, "%s%s: index=0,type=%s%s%s%s\n", indent, net_port_id(port),
                           net_port_kind(port), *words != 0 ? "," : "", words,
                           net_port_link(port) ? "" : ",link=down");
}

static void lonely_show(void *opaque, NetPort *port)
{
    if (net_port_peer(port) == NULL) {
        end_show(opaque, port, "");
    }
}

/* Cards with what they are connected to below them, then what nothing is connected to. */
static bool run_info_network(MonitorCall *call, GError **error)
{
    const GPtrArray *devices = pc_board(call->machine->pc)->devices;

    (void)error;
    for (guint i = 0; i < devices->len; i++) {
        Device *dev = g_ptr_array_index(devices, i);
        const Property *mac = device_property_find(dev->type, "mac");
        g_autofree char *address = NULL;

        if (mac == NULL || mac->kind != PROPERTY_MAC) {
            continue;
        }
        address = net_mac_text((const uint8_t *)dev + mac->offset);
        g_string_append_printf(call->text, "%s: index=0,type=nic,model=%s,macaddr=%s\n",
                               dev->id != NULL ? dev->id : dev->type->name, dev->type->name,
                               address);
        if (card_end(dev) != NULL) {
            end_show(call->text, card_end(dev), " \\ ");
        }
    }
    machine_net_each(call->machine->net, lonely_show, call->text);
    return true;
}

/* ---- Balloon ---- */

static Device *balloon_of(MonitorCall *call, GError **error)
{
    Device *dev = balloon_find(pc_board(call->machine->pc));

    if (dev == NULL) {
        monitor_fail(error, MONITOR_ERROR_DEVICE_NOT_ACTIVE,
                     "No balloon device has been activated");
    }
    return dev;
}

static bool balloon_to(MonitorCall *call, int64_t bytes, GError **error)
{
    Device *dev = balloon_of(call, error);

    if (dev == NULL) {
        return false;
    }
    if (bytes <= 0) {
        return monitor_fail(error, MONITOR_ERROR_GENERIC, "Parameter 'target' expects a size");
    }
    balloon_set_target(dev, (uint64_t)bytes);
    return true;
}

static bool run_balloon(MonitorCall *call, GError **error)
{
    return balloon_to(call, call_int(call, "value", 0), error);
}

/* People count in MiB. */
static bool hmp_balloon(MonitorCall *call, GError **error)
{
    int64_t mib = call_int(call, "value", 0);

    return balloon_to(call, mib > 0 && mib < INT64_MAX >> 20 ? mib << 20 : -1, error);
}

static bool run_query_balloon(MonitorCall *call, GError **error)
{
    const Device *dev = balloon_of(call, error);

    if (dev == NULL) {
        return false;
    }
    json_object_set_int_member(call_object(call), "actual", (gint64)balloon_actual(dev));
    return true;
}

static void show_balloon(MonitorCall *call)
{
    JsonObject *info = json_node_get_object(call->result);

    g_string_append_printf(call->text, "balloon: actual=%" G_GINT64_FORMAT "\n",
                           json_object_get_int_member(info, "actual") >> 20);
}

static const MonitorRow rows[] = {
    { "netdev_add", "netdev_add", .args = "type:str id:str ...", .hmp_args = "netdev:str",
      .run = run_netdev_add, .hmp_run = hmp_netdev_add, .help = "add host network device" },
    { "netdev_del", "netdev_del", .args = "id:str", .run = run_netdev_del,
      .help = "remove host network device" },
    { "set_link", "set_link", .args = "name:str up:bool", .run = run_set_link,
      .help = "change the link status of a network adapter" },
    { NULL, "hostfwd_add", .args = "arg1:str *arg2:str", .run = run_hostfwd_add,
      .help = "redirect TCP or UDP connections from host to guest (requires -net user)" },
    { NULL, "hostfwd_remove", .args = "arg1:str *arg2:str", .run = run_hostfwd_remove,
      .help = "remove host-to-guest TCP or UDP redirection" },
    { NULL, "info network", .run = run_info_network, .help = "show the network state" },
    { NULL, "info usernet", .run = run_info_usernet,
      .help = "show user network stack connection states" },
    { "balloon", "balloon", .args = "value:int", .run = run_balloon, .hmp_run = hmp_balloon,
      .help = "request VM to change its memory allocation (in MB)" },
    { "query-balloon", "info balloon", .result = "BalloonInfo", .run = run_query_balloon,
      .show = show_balloon, .help = "show balloon information" },
    { 0 },
};

static const MonitorType types[] = {
    { "BalloonInfo", .members = "actual:int" },
    { "SocketAddressType", .values = "inet unix" },
    { "SocketAddress", .members = "type:SocketAddressType *host:str *port:str *path:str" },
    { 0 },
};

static const MonitorEvent events[] = {
    { "NETDEV_STREAM_CONNECTED", .members = "netdev-id:str addr:SocketAddress",
      .help = "the netdev stream backend is connected" },
    { "NETDEV_STREAM_DISCONNECTED", .members = "netdev-id:str",
      .help = "the netdev stream backend is disconnected" },
    { "BALLOON_CHANGE", .members = "actual:int", .help = "the guest has given memory up or back" },
    { 0 },
};

const MonitorTable monitor_net_table = { .rows = rows, .types = types, .events = events };
