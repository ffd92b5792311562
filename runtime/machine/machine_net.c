/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/machine_net.h"

#include <stdio.h>
#include <string.h>

#include "hw/net/hub.h"
#include "runtime/machine/netdev_types.h"
#include "runtime/machine/options_int.h"

/* machine_net.c - host ends by id, hubs by number, and cards that are plugged in for -nic and -net.
 *
 * -nic is a card and its host end in one.  The members of the old -net share hub 0; a card and one
 * host end alone are connected without it, which is the same but for the copies. */

typedef struct Card {
    const NetOption *option; /* NULL: the default one */
    NetPort *end;            /* NULL: no cable */
} Card;

struct MachineNet {
    const Options *options;
    NetHost host;
    GHashTable *ends; /* id to NetPort *, owned */
    GPtrArray *hubs;  /* of NetHub *, owned */
    GArray *cards;    /* of Card */
    unsigned names;   /* made up so far */
};

static const struct {
    const char *model, *driver;
} models[] = {
    { "e1000", "e1000" },
    { "e1000-82540em", "e1000" },
    { "e1000e", "e1000e" },
    { "rtl8139", "rtl8139" },
    { "virtio", "virtio-net-pci" },
    { "virtio-net-pci", "virtio-net-pci" },
    { "virtio-net-pci-transitional", "virtio-net-pci-transitional" },
    { "virtio-net-pci-non-transitional", "virtio-net-pci-non-transitional" },
};

#define DEFAULT_MODEL "e1000"

void nic_models_print(void)
{
    printf("Supported NIC models:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        printf("%s\n", models[i].model);
    }
}

/* ---- Host ends ---- */

NetPort *machine_net_find(const MachineNet *net, const char *id)
{
    return g_hash_table_lookup(net->ends, id);
}

static NetHub *hub_get(MachineNet *net, unsigned number)
{
    NetHub *hub;

    for (guint i = 0; i < net->hubs->len; i++) {
        hub = g_ptr_array_index(net->hubs, i);
        if (net_hub_number(hub) == number) {
            return hub;
        }
    }
    hub = net_hub_new(number);
    g_ptr_array_add(net->hubs, hub);
    return hub;
}

/* hubport,id=ID,hubid=N[,netdev=ID]: the other end of its cable is that host end, or a card. */
static NetPort *hubport_open(MachineNet *net, const KeyValues *values, GError **error)
{
    const char *netdev = keyval_get(values, "netdev");
    NetPort *end = netdev != NULL ? machine_net_find(net, netdev) : NULL, *port;
    uint64_t number = UINT64_MAX;

    if (!keyval_number(values, "hubid", INT32_MAX, &number, error)) {
        return NULL;
    }
    if (number == UINT64_MAX) {
        option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'hubid' is missing");
        return NULL;
    }
    if (netdev != NULL && (end == NULL || net_port_peer(end) != NULL)) {
        option_fail(error, OPTIONS_ERROR_VALUE,
                    end == NULL ? "netdev '%s' not found" : "netdev '%s' is in use", netdev);
        return NULL;
    }
    port = net_hub_add_port(hub_get(net, (unsigned)number), keyval_get(values, "id"));
    if (end != NULL) {
        net_connect(port, end);
    }
    return port;
}

static NetPort *end_open(MachineNet *net, const KeyValues *values, GError **error)
{
    const char *type = keyval_get(values, "type");

    return g_strcmp0(type, "hubport") == 0 ? hubport_open(net, values, error)
                                           : netdev_open(&net->host, values, error);
}

bool machine_net_add(MachineNet *net, const KeyValues *values, GError **error)
{
    const char *id = keyval_get(values, "id");
    NetPort *end;

    if (id == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'id' is missing");
    }
    if (machine_net_find(net, id) != NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Duplicate ID '%s' for netdev", id);
    }
    end = end_open(net, values, error);
    if (end == NULL) {
        return false;
    }
    g_hash_table_insert(net->ends, g_strdup(id), end);
    return true;
}

bool machine_net_remove(MachineNet *net, const char *id, GError **error)
{
    if (!g_hash_table_remove(net->ends, id)) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Device '%s' not found", id);
    }
    return true;
}

NetPort *machine_net_find_user(const MachineNet *net, const char *id, GError **error)
{
    NetPort *found = NULL;
    GHashTableIter iter;
    gpointer end;

    if (id != NULL) {
        found = machine_net_find(net, id);
        if (found == NULL || !net_is_user(found)) {
            option_fail(error, OPTIONS_ERROR_VALUE, "unrecognized netdev id '%s'", id);
            return NULL;
        }
        return found;
    }
    g_hash_table_iter_init(&iter, net->ends);
    while (g_hash_table_iter_next(&iter, NULL, &end)) {
        if (net_is_user(end)) {
            found = end;
        }
    }
    if (found == NULL) {
        option_fail(error, OPTIONS_ERROR_VALUE, "user mode network stack not in use");
    }
    return found;
}

void machine_net_each(const MachineNet *net, void (*visit)(void *opaque, NetPort *port),
                      void *opaque)
{
    GHashTableIter iter;
    gpointer end;

    g_hash_table_iter_init(&iter, net->ends);
    while (g_hash_table_iter_next(&iter, NULL, &end)) {
        visit(opaque, end);
    }
}

/* ---- What the command line asks for ---- */

static bool is_card_key(const char *key)
{
    static const char *const keys[] = { "model", "macaddr", "mac", "addr", NULL };

    return g_strv_contains(keys, key);
}

/* The words for the host end, without those for the card; with a made-up id if there is none. */
static KeyValues *end_values(MachineNet *net, const KeyValues *values)
{
    KeyValues *copy = keyval_parse("", NULL);

    for (guint i = 0; i < values->list->len; i++) {
        const KeyValue *pair = &g_array_index(values->list, KeyValue, i);

        if (!is_card_key(pair->key)) {
            const KeyValue same = { g_strdup(pair->key), g_strdup(pair->value), pair->implied,
                                    pair->bare };

            g_array_append_val(copy->list, same);
        }
    }
    if (keyval_get(copy, "type") == NULL) {
        const KeyValue type = { .key = g_strdup("type"), .value = g_strdup("user") };

        g_array_append_val(copy->list, type);
    }
    if (keyval_get(copy, "id") == NULL) {
        const KeyValue id = { .key = g_strdup("id"),
                              .value = g_strdup_printf("#net%u", net->names++) };

        g_array_append_val(copy->list, id);
    }
    return copy;
}

static NetPort *end_add(MachineNet *net, const KeyValues *values, GError **error)
{
    g_autoptr(KeyValues) own = end_values(net, values);

    return machine_net_add(net, own, error) ? machine_net_find(net, keyval_get(own, "id")) : NULL;
}

static bool ends_open(MachineNet *net, GError **error)
{
    for (guint i = 0; i < net->options->netdevs->len; i++) {
        const NetOption *option = g_ptr_array_index(net->options->netdevs, i);

        if (!machine_net_add(net, option->values, error)) {
            g_prefix_error(error, "%s: ", option->words);
            return false;
        }
    }
    for (guint i = 0; i < net->options->nics->len; i++) {
        Card card = { g_ptr_array_index(net->options->nics, i), NULL };

        card.end = end_add(net, card.option->values, error);
        if (card.end == NULL) {
            g_prefix_error(error, "%s: ", card.option->words);
            return false;
        }
        g_array_append_val(net->cards, card);
    }
    return true;
}

static bool old_card_known(const KeyValues *values, GError **error)
{
    static const char *const known[] = { "type",   "model", "macaddr", "mac", "addr",
                                         "netdev", "id",    "name",    NULL };

    return keyval_check(values, known, error);
}

/* The old words: cards and host ends are told apart by their type. */
static bool old_open(MachineNet *net, GError **error)
{
    g_autoptr(GPtrArray) ends = g_ptr_array_new();
    guint first = net->cards->len, cards;

    for (guint i = 0; i < net->options->old_nets->len; i++) {
        const NetOption *option = g_ptr_array_index(net->options->old_nets, i);
        const Card card = { option, NULL };
        NetPort *end;

        if (g_strcmp0(keyval_get(option->values, "type"), "nic") == 0) {
            const char *netdev = keyval_get(option->values, "netdev");
            Card wired = card;

            if (!old_card_known(option->values, error)) {
                g_prefix_error(error, "%s: ", option->words);
                return false;
            }
            wired.end = netdev != NULL ? machine_net_find(net, netdev) : NULL;
            g_array_append_val(net->cards, wired);
            continue;
        }
        end = end_add(net, option->values, error);
        if (end == NULL) {
            g_prefix_error(error, "%s: ", option->words);
            return false;
        }
        g_ptr_array_add(ends, end);
    }
    cards = net->cards->len - first;
    if (cards == 1 && ends->len == 1) {
        g_array_index(net->cards, Card, first).end = g_ptr_array_index(ends, 0);
        return true;
    }
    for (guint i = 0; i < ends->len; i++) {
        net_connect(net_hub_add_port(hub_get(net, 0), NULL), g_ptr_array_index(ends, i));
    }
    for (guint i = 0; i < cards; i++) {
        Card *card = &g_array_index(net->cards, Card, first + i);

        if (card->end == NULL) {
            card->end = net_hub_add_port(hub_get(net, 0), NULL);
        }
    }
    return true;
}

static bool default_open(MachineNet *net, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse("user", "type");
    Card card = { NULL, NULL };

    if (net->options->net_given || net->options->nodefaults) {
        return true;
    }
    card.end = end_add(net, values, error);
    g_array_append_val(net->cards, card);
    return card.end != NULL;
}

MachineNet *machine_net_new(const Options *options, const NetHost *host, GError **error)
{
    MachineNet *net = g_new0(MachineNet, 1);

    net->options = options;
    net->host = *host;
    net->ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
                                      (GDestroyNotify)net_port_free);
    net->hubs = g_ptr_array_new_with_free_func((GDestroyNotify)net_hub_free);
    net->cards = g_array_new(FALSE, FALSE, sizeof(Card));
    if (!ends_open(net, error) || !old_open(net, error) || !default_open(net, error)) {
        machine_net_free(net);
        return NULL;
    }
    return net;
}

void machine_net_free(MachineNet *net)
{
    g_hash_table_unref(net->ends);
    g_ptr_array_unref(net->hubs);
    g_array_unref(net->cards);
    g_free(net);
}

/* ---- Cards ---- */

static const char *card_driver(const Card *card, GError **error)
{
    const char *model = card->option != NULL ? keyval_get(card->option->values, "model") : NULL;

    if (model == NULL) {
        return DEFAULT_MODEL;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
        if (strcmp(models[i].model, model) == 0) {
            return models[i].driver;
        }
    }
    option_fail(error, OPTIONS_ERROR_UNKNOWN, "Unsupported NIC model: %s", model);
    return NULL;
}

static bool card_plug(const Card *card, Board *board, GError **error)
{
    const KeyValues *values = card->option != NULL ? card->option->values : NULL;
    const char *driver = card_driver(card, error);
    DeviceSetting settings[4] = { 0 };
    unsigned n = 0;

    if (driver == NULL) {
        return false;
    }
    if (card->end != NULL) {
        settings[n++] = (DeviceSetting){ "netdev", NULL, card->end };
    }
    if (values != NULL) {
        const char *mac = keyval_get(values, "macaddr"), *addr = keyval_get(values, "addr");

        mac = mac != NULL ? mac : keyval_get(values, "mac");
        if (mac != NULL) {
            settings[n++] = (DeviceSetting){ "mac", mac, NULL };
        }
        if (addr != NULL) {
            settings[n++] = (DeviceSetting){ "addr", addr, NULL };
        }
    }
    return board_add_device(board, driver, settings, error) != NULL;
}

bool machine_net_plug(MachineNet *net, Board *board, GError **error)
{
    for (guint i = 0; i < net->cards->len; i++) {
        const Card *card = &g_array_index(net->cards, Card, i);

        if (!card_plug(card, board, error)) {
            if (card->option != NULL) {
                g_prefix_error(error, "%s: ", card->option->words);
            }
            return false;
        }
    }
    return true;
}
