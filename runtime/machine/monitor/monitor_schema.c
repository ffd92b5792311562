/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor_schema.c - what the rows say about themselves: query-qmp-schema, query-commands,
 * query-events, help. */
#include <string.h>

#include "runtime/machine/monitor/hmp_int.h"

/* ---- query-qmp-schema ---- */

typedef struct Schema {
    JsonArray *array;
    GHashTable *arrays; /* names of array types that are in already */
} Schema;

static JsonObject *schema_add(Schema *schema, const char *name, const char *meta)
{
    JsonObject *object = json_array_new_object(schema->array);

    json_object_set_string_member(object, "name", name);
    json_object_set_string_member(object, "meta-type", meta);
    return object;
}

/* The name in the schema of a type of the notation. Arrays get a row of their own. */
static const char *schema_type(Schema *schema, const char *type)
{
    static const char *const same[][2] = {
        { "rest", "str" }, { "format", "str" }, { "size", "int" }, { "options", "any" }
    };
    g_autofree char *element = NULL;
    JsonObject *row;

    for (size_t i = 0; i < G_N_ELEMENTS(same); i++) {
        if (strcmp(type, same[i][0]) == 0) {
            return same[i][1];
        }
    }
    if (*type == '[' && g_hash_table_add(schema->arrays, g_strdup(type))) {
        element = g_strndup(type + 1, strlen(type) - 2);
        row = schema_add(schema, type, "array");
        json_object_set_string_member(row, "element-type", schema_type(schema, element));
    }
    return type;
}

static void schema_object(Schema *schema, const char *name, const char *members)
{
    JsonArray *list = json_array_new();
    Member member;

    while (member_next(&members, &member)) {
        JsonObject *object;

        if (member.open || strcmp(member.type, "options") == 0) {
            continue;
        }
        object = json_array_new_object(list);
        json_object_set_string_member(object, "name", member.name);
        json_object_set_string_member(object, "type", schema_type(schema, member.type));
        if (member.optional) {
            json_object_set_null_member(object, "default");
        }
    }
    json_object_set_array_member(schema_add(schema, name, "object"), "members", list);
}

static void schema_enum(Schema *schema, const MonitorType *type)
{
    g_auto(GStrv) values = g_strsplit(type->values, " ", -1);
    JsonObject *object = schema_add(schema, type->name, "enum");
    JsonArray *names = json_array_new(), *members = json_array_new();

    for (char **value = values; *value != NULL; value++) {
        json_array_add_string_element(names, *value);
        json_object_set_string_member(json_array_new_object(members), "name", *value);
    }
    json_object_set_array_member(object, "members", members);
    json_object_set_array_member(object, "values", names);
}

/* Members without a type of their own, of arguments or of an event's data. */
static char *schema_members(Schema *schema, const char *name, const char *members, const char *tail)
{
    char *type;

    if (members == NULL) {
        return g_strdup("q_empty");
    }
    type = g_strdup_printf("q_obj_%s-%s", name, tail);
    schema_object(schema, type, members);
    return type;
}

static void schema_command(const MonitorRow *row, void *opaque)
{
    Schema *schema = opaque;
    g_autofree char *args = NULL;
    JsonObject *object;

    if (row->name == NULL) {
        return;
    }
    args = schema_members(schema, row->name, row->args, "arg");
    object = schema_add(schema, row->name, "command");
    json_object_set_string_member(object, "arg-type", args);
    json_object_set_string_member(
        object, "ret-type", row->result != NULL ? schema_type(schema, row->result) : "q_empty");
    if (row->flags & MONITOR_OOB) {
        json_object_set_boolean_member(object, "allow-oob", TRUE);
    }
}

static void schema_builtins(Schema *schema)
{
    static const char *const builtins[][2] = { { "str", "string" },    { "int", "int" },
                                               { "number", "number" }, { "bool", "boolean" },
                                               { "null", "null" },     { "any", "value" } };

    for (size_t i = 0; i < G_N_ELEMENTS(builtins); i++) {
        json_object_set_string_member(schema_add(schema, builtins[i][0], "builtin"), "json-type",
                                      builtins[i][1]);
    }
    schema_object(schema, "q_empty", NULL);
}

static void schema_table(Schema *schema, const MonitorTable *table)
{
    const MonitorType *type = table->types;
    const MonitorEvent *event = table->events;

    for (; type != NULL && type->name != NULL; type++) {
        if (type->values != NULL) {
            schema_enum(schema, type);
        } else {
            schema_object(schema, type->name, type->members);
        }
    }
    for (; event != NULL && event->name != NULL; event++) {
        g_autofree char *data = schema_members(schema, event->name, event->members, "data");

        json_object_set_string_member(schema_add(schema, event->name, "event"), "arg-type", data);
    }
}

static bool run_query_qmp_schema(MonitorCall *call, GError **error)
{
    Schema schema = { .array = call_array(call),
                      .arrays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL) };

    (void)error;
    schema_builtins(&schema);
    for (size_t t = 0; monitor_tables[t] != NULL; t++) {
        schema_table(&schema, monitor_tables[t]);
    }
    monitor_rows_each(schema_command, &schema);
    g_hash_table_destroy(schema.arrays);
    return true;
}

/* ---- Names ---- */

static void add_command(const MonitorRow *row, void *opaque)
{
    if (row->name != NULL) {
        json_object_set_string_member(json_array_new_object(opaque), "name", row->name);
    }
}

static bool run_query_commands(MonitorCall *call, GError **error)
{
    (void)error;
    monitor_rows_each(add_command, call_array(call));
    return true;
}

static bool run_query_events(MonitorCall *call, GError **error)
{
    JsonArray *array = call_array(call);

    (void)error;
    for (size_t t = 0; monitor_tables[t] != NULL; t++) {
        const MonitorEvent *event = monitor_tables[t]->events;

        for (; event != NULL && event->name != NULL; event++) {
            json_object_set_string_member(json_array_new_object(array), "name", event->name);
        }
    }
    return true;
}

/* ---- Help ---- */

typedef struct Help {
    GPtrArray *lines;
    const char *wanted; /* NULL: all */
    bool info;
} Help;

/* "device:str *force/f:bool" as people read it: "[-f] device". */
static void help_members(GString *text, const char *members)
{
    Member member;

    while (member_next(&members, &member)) {
        if (member.open) {
            continue;
        }
        if (member.flag != 0) {
            g_string_append_printf(text, " [-%c]", member.flag);
        } else if (strcmp(member.type, "format") == 0) {
            g_string_append(text, "/fmt");
        } else if (strcmp(member.type, "options") == 0) {
            g_string_append_printf(text, " %s[,prop=value][,...]", member.name);
        } else {
            g_string_append_printf(text, member.optional ? " [%s]" : " %s", member.name);
        }
    }
}

static void help_row(const MonitorRow *row, void *opaque)
{
    Help *help = opaque;
    GString *text;
    bool info;

    if (row->hmp == NULL) {
        return;
    }
    info = g_str_has_prefix(row->hmp, "info ");
    if (help->wanted != NULL ? !hmp_name_is(row->hmp, help->wanted, strlen(help->wanted))
                             : info != help->info) {
        return;
    }
    text = g_string_new(row->hmp);
    help_members(text, row->hmp_args != NULL ? row->hmp_args : row->args);
    g_string_append_printf(text, " -- %s\n", row->help);
    g_ptr_array_add(help->lines, g_string_free(text, FALSE));
}

static gint help_compare(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void help_print(MonitorCall *call, const char *wanted, bool info)
{
    Help help = { g_ptr_array_new_with_free_func(g_free), wanted, info };

    monitor_rows_each(help_row, &help);
    g_ptr_array_sort(help.lines, help_compare);
    for (guint i = 0; i < help.lines->len; i++) {
        g_string_append(call->text, g_ptr_array_index(help.lines, i));
    }
    g_ptr_array_free(help.lines, TRUE);
}

static bool run_help(MonitorCall *call, GError **error)
{
    const char *name = call_str(call, "name");

    (void)error;
    help_print(call, g_strcmp0(name, "info") == 0 ? NULL : name, g_strcmp0(name, "info") == 0);
    return true;
}

static bool run_info(MonitorCall *call, GError **error)
{
    (void)error;
    help_print(call, NULL, true);
    return true;
}

static const MonitorRow rows[] = {
    { "query-qmp-schema", .result = "[SchemaInfo]", .run = run_query_qmp_schema,
      .flags = MONITOR_EMPTY, .help = "all commands, events and types" },
    { "query-commands", .result = "[CommandInfo]", .run = run_query_commands,
      .flags = MONITOR_EMPTY, .help = "names of all commands" },
    { "query-events", .result = "[EventInfo]", .run = run_query_events, .flags = MONITOR_EMPTY,
      .help = "names of all events" },
    { .hmp = "help|?",
      .args = "*name:rest",
      .run = run_help,
      .flags = MONITOR_EMPTY,
      .help = "show the help" },
    { .hmp = "info",
      .run = run_info,
      .flags = MONITOR_EMPTY,
      .help = "show what can be told about the system" },
    { 0 },
};

static const MonitorType types[] = {
    { "SchemaInfo", .members = "name:str meta-type:SchemaMetaType ..." },
    { "SchemaMetaType", .values = "builtin enum array object alternate command event" },
    { "CommandInfo", .members = "name:str" },
    { "EventInfo", .members = "name:str" },
    { 0 },
};

const MonitorTable monitor_schema_table = { .rows = rows, .types = types };
