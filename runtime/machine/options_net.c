/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_net.c - -netdev, -nic and -net: kept as they are; machine_net.c makes networks of them.
 */
#include "runtime/machine/options_int.h"

#include <stdio.h>
#include <string.h>

#include "runtime/machine/machine_net.h"
#include "runtime/machine/netdev_types.h"
#include "runtime/machine/objects.h"

static void net_option_free(gpointer data)
{
    NetOption *option = data;

    g_free(option->words);
    keyval_free(option->values);
    g_free(option);
}

void options_net_init(Options *options)
{
    options->netdevs = g_ptr_array_new_with_free_func(net_option_free);
    options->objects = g_ptr_array_new_with_free_func(net_option_free);
    options->numas = g_ptr_array_new_with_free_func(net_option_free);
    options->shares = g_ptr_array_new_with_free_func(net_option_free);
    options->nics = g_ptr_array_new_with_free_func(net_option_free);
    options->old_nets = g_ptr_array_new_with_free_func(net_option_free);
}

void options_net_clear(Options *options)
{
    g_ptr_array_free(options->netdevs, TRUE);
    g_ptr_array_free(options->objects, TRUE);
    g_ptr_array_free(options->numas, TRUE);
    g_ptr_array_free(options->shares, TRUE);
    g_ptr_array_free(options->nics, TRUE);
    g_ptr_array_free(options->old_nets, TRUE);
}

KeyValues *options_keep_words(GPtrArray *list, const char *option, const char *value,
                              const char *implied)
{
    NetOption *net = g_new0(NetOption, 1);

    net->words = g_strdup_printf("%s %s", option, value);
    net->values = keyval_parse(value, implied);
    g_ptr_array_add(list, net);
    return net->values;
}

bool option_netdev(Options *options, const char *value, GError **error)
{
    g_autofree char *json = *value == '{' ? options_json_words(value, error) : NULL;
    const KeyValues *values;

    if (option_is_help(value)) {
        netdev_types_print();
        return option_help_shown(error);
    }
    if (*value == '{' && json == NULL) {
        return false;
    }
    options->net_given = true;
    values = options_keep_words(options->netdevs, "-netdev", json != NULL ? json : value, "type");
    if (keyval_get(values, "id") == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'id' is missing");
    }
    return true;
}

static bool asks_for_models(const KeyValues *values)
{
    const char *model = keyval_get(values, "model");

    return model != NULL && option_is_help(model);
}

bool option_nic(Options *options, const char *value, GError **error)
{
    if (option_is_help(value)) {
        netdev_types_print();
        return option_help_shown(error);
    }
    options->net_given = true;
    if (strcmp(value, "none") == 0) {
        return true;
    }
    if (asks_for_models(options_keep_words(options->nics, "-nic", value, "type"))) {
        nic_models_print();
        return option_help_shown(error);
    }
    return true;
}

bool option_net(Options *options, const char *value, GError **error)
{
    if (option_is_help(value)) {
        netdev_types_print();
        return option_help_shown(error);
    }
    options->net_given = true;
    if (strcmp(value, "none") == 0) {
        return true;
    }
    if (asks_for_models(options_keep_words(options->old_nets, "-net", value, "type"))) {
        nic_models_print();
        return option_help_shown(error);
    }
    return true;
}

bool option_object(Options *options, const char *value, GError **error)
{
    g_autofree char *json = *value == '{' ? options_json_words(value, error) : NULL;

    if (option_is_help(value)) {
        objects_types_print();
        return option_help_shown(error);
    }
    if (*value == '{' && json == NULL) {
        return false;
    }
    options_keep_words(options->objects, "-object", json != NULL ? json : value, "qom-type");
    return true;
}
