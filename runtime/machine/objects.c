/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/objects.h"

#include <stdio.h>
#include <string.h>

#include "hw/rng.h"
#include "runtime/machine/options_int.h"

typedef struct ObjectType {
    const char *name, *kind;
    const char *const *keys; /* but qom-type and id */
    /* NULL: whoever uses it has made it before */
    void *(*open)(const ObjectsHost *host, const KeyValues *values, GError **error);
    void (*close)(void *object);
} ObjectType;

typedef struct Object {
    const ObjectType *type;
    void *end;
} Object;

struct Objects {
    ObjectsHost host;
    GHashTable *by_id; /* of Object */
};

/* ---- rng ---- */

static void *rng_ready(const ObjectsHost *host, Rng *rng)
{
    if (rng != NULL) {
        rng_set_lock(rng, host->lock, host->unlock, host->opaque);
    }
    return rng;
}

static void *rng_random_open(const ObjectsHost *host, const KeyValues *values, GError **error)
{
    return rng_ready(host, rng_file_new(keyval_get(values, "filename"), error));
}

static void *rng_builtin_open(const ObjectsHost *host, const KeyValues *values, GError **error)
{
    (void)values, (void)error;
    return rng_ready(host, rng_builtin_new());
}

static void rng_close(void *object)
{
    rng_free(object);
}

static const char *const no_keys[] = { NULL }, *const rng_random_keys[] = { "filename", NULL };

static const ObjectType types[] = {
    { "rng-builtin", "rng", no_keys, rng_builtin_open, rng_close },
    { "rng-random", "rng", rng_random_keys, rng_random_open, rng_close },
    { "throttle-group", "throttle-group", NULL, NULL, NULL }, /* machine_drive.c */
};

/* ---- All of them ---- */

void objects_types_print(void)
{
    printf("List of user creatable objects:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        printf("  %s\n", types[i].name);
    }
}

static void object_free(gpointer data)
{
    Object *object = data;

    object->type->close(object->end);
    g_free(object);
}

Objects *objects_new(const ObjectsHost *host)
{
    Objects *objects = g_new0(Objects, 1);

    objects->host = *host;
    objects->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, object_free);
    return objects;
}

void objects_free(Objects *objects)
{
    g_hash_table_unref(objects->by_id);
    g_free(objects);
}

static const ObjectType *type_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < G_N_ELEMENTS(types); i++) {
        if (strcmp(types[i].name, name) == 0) {
            return &types[i];
        }
    }
    return NULL;
}

bool objects_add(Objects *objects, const KeyValues *values, GError **error)
{
    const char *name = keyval_get(values, "qom-type"), *id = keyval_get(values, "id");
    const ObjectType *type = type_find(name);
    Object *object;
    void *end;

    if (type == NULL) {
        return option_fail(error, OPTIONS_ERROR_UNKNOWN, "invalid object type: %s",
                           name != NULL ? name : "");
    }
    if (type->open == NULL) {
        return true;
    }
    if (id == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'id' is missing");
    }
    if (g_hash_table_contains(objects->by_id, id)) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "attempt to add duplicate property '%s' to object (type 'container')",
                           id);
    }
    for (guint i = 0; i < values->list->len; i++) {
        const char *key = g_array_index(values->list, KeyValue, i).key;

        if (strcmp(key, "qom-type") != 0 && strcmp(key, "id") != 0 &&
            !g_strv_contains(type->keys, key)) {
            return option_fail(error, OPTIONS_ERROR_VALUE, "Property '%s.%s' not found", name, key);
        }
    }
    end = type->open(&objects->host, values, error);
    if (end == NULL) {
        return false;
    }
    object = g_new(Object, 1);
    *object = (Object){ type, end };
    g_hash_table_insert(objects->by_id, g_strdup(id), object);
    return true;
}

void *objects_find(const Objects *objects, const char *kind, const char *id)
{
    const Object *object = g_hash_table_lookup(objects->by_id, id);

    return object != NULL && g_strcmp0(object->type->kind, kind) == 0 ? object->end : NULL;
}
