/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/objects.h"

#include <stdio.h>
#include <string.h>

#include "hw/net/netdev.h"
#include "hw/rng.h"
#include "runtime/machine/memory_backend.h"
#include "runtime/machine/options_int.h"
#include "runtime/machine/secret.h"

enum { DUMP_MAXLEN = 65536 };

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
    char *id;
} Object;

struct Objects {
    ObjectsHost host;
    GPtrArray *list; /* of Object, owned */
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

/* ---- Memory ---- */

static const char memory_kind[] = "memory-backend";

static void *memory_ram_open(const ObjectsHost *host, const KeyValues *values, GError **error)
{
    return memory_backend_parse(MEMORY_RAM, values, host->prealloc, error);
}

static void *memory_memfd_open(const ObjectsHost *host, const KeyValues *values, GError **error)
{
    return memory_backend_parse(MEMORY_MEMFD, values, host->prealloc, error);
}

static void *memory_file_open(const ObjectsHost *host, const KeyValues *values, GError **error)
{
    return memory_backend_parse(MEMORY_FILE, values, host->prealloc, error);
}

static void memory_close(void *object)
{
    memory_backend_free(object);
}

/* ---- secret ---- */

static void *secret_open(const ObjectsHost *host, const KeyValues *values, GError **error)
{
    (void)host;
    return secret_new(values, error);
}

static void secret_close(void *object)
{
    secret_free(object);
}

static const char *const no_keys[] = { NULL }, *const rng_random_keys[] = { "filename", NULL };

/* ---- filter-dump ---- */

static void *filter_dump_open(const ObjectsHost *host, const KeyValues *values, GError **error)
{
    const char *netdev = keyval_get(values, "netdev"), *file = keyval_get(values, "file");
    struct NetPort *port = netdev != NULL ? host->netdev(host->opaque, netdev) : NULL;
    uint64_t maxlen = DUMP_MAXLEN;

    if (netdev == NULL || file == NULL) {
        option_fail(error, OPTIONS_ERROR_VALUE, "Parameter '%s' is missing",
                    netdev == NULL ? "netdev" : "file");
        return NULL;
    }
    if (port == NULL) {
        option_fail(error, OPTIONS_ERROR_VALUE, "Parameter 'netdev' expects a network backend id");
        return NULL;
    }
    if (!keyval_number(values, "maxlen", UINT32_MAX, &maxlen, error)) {
        return NULL;
    }
    return net_dump_new(port, file, (uint32_t)maxlen, error);
}

static void filter_dump_close(void *object)
{
    net_dump_free(object);
}

static const char *const filter_dump_keys[] = { "netdev", "file", "maxlen", NULL };

static const ObjectType types[] = {
    { "memory-backend-file", memory_kind, memory_backend_file_keys, memory_file_open,
      memory_close },
    { "memory-backend-memfd", memory_kind, memory_backend_memfd_keys, memory_memfd_open,
      memory_close },
    { "memory-backend-ram", memory_kind, memory_backend_ram_keys, memory_ram_open, memory_close },
    { "rng-builtin", "rng", no_keys, rng_builtin_open, rng_close },
    { "rng-random", "rng", rng_random_keys, rng_random_open, rng_close },
    { "filter-dump", "netfilter", filter_dump_keys, filter_dump_open, filter_dump_close },
    { "secret", "secret", secret_keys, secret_open, secret_close },
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

void objects_each_type(ObjectsEachType *each, void *opaque)
{
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        each(opaque, types[i].name, types[i].kind, types[i].keys);
    }
}

static void object_free(gpointer data)
{
    Object *object = data;

    object->type->close(object->end);
    g_free(object->id);
    g_free(object);
}

Objects *objects_new(const ObjectsHost *host)
{
    Objects *objects = g_new0(Objects, 1);

    objects->host = *host;
    objects->list = g_ptr_array_new_with_free_func(object_free);
    return objects;
}

void objects_free(Objects *objects)
{
    g_ptr_array_unref(objects->list);
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

static Object *object_find(const Objects *objects, const char *id)
{
    for (guint i = 0; i < objects->list->len; i++) {
        Object *object = g_ptr_array_index(objects->list, i);

        if (strcmp(object->id, id) == 0) {
            return object;
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
    if (object_find(objects, id) != NULL) {
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
    *object = (Object){ type, end, g_strdup(id) };
    g_ptr_array_add(objects->list, object);
    return true;
}

void *objects_find(const Objects *objects, const char *kind, const char *id)
{
    const Object *object = object_find(objects, id);

    return object != NULL && strcmp(object->type->kind, kind) == 0 ? object->end : NULL;
}

ObjectsStage objects_stage(const KeyValues *values)
{
    const ObjectType *type = type_find(keyval_get(values, "qom-type"));

    if (type != NULL && type->kind == memory_kind) {
        return OBJECTS_MEMORY;
    }
    return type != NULL && type->open == filter_dump_open ? OBJECTS_FILTERS : OBJECTS_ENDS;
}

void objects_each(const Objects *objects, const char *kind, ObjectsEach *each, void *opaque)
{
    for (guint i = 0; i < objects->list->len; i++) {
        const Object *object = g_ptr_array_index(objects->list, i);

        if (strcmp(object->type->kind, kind) == 0) {
            each(opaque, object->id, object->end);
        }
    }
}

void objects_each_id(const Objects *objects, ObjectsEachId *each, void *opaque)
{
    for (guint i = 0; i < objects->list->len; i++) {
        const Object *object = g_ptr_array_index(objects->list, i);

        each(opaque, object->id, object->type->name);
    }
}
