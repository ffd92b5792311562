/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_OBJECTS_H
#define RUNTIME_MACHINE_OBJECTS_H
/* objects.h - -object: host ends with an id that devices name in a property of kind
 * PROPERTY_OBJECT. A new type is a row in objects.c. */
#include "hw/clock.h"
#include "runtime/machine/keyval.h"

typedef struct Objects Objects;

typedef struct ObjectsHost { /* copied */
    void (*lock)(void *opaque);
    void (*unlock)(void *opaque);
    struct NetPort *(*netdev)(void *opaque, const char *id); /* NULL: there is none */
    void *opaque;
    bool prealloc; /* -mem-prealloc */
} ObjectsHost;

Objects *objects_new(const ObjectsHost *host);
void objects_free(Objects *objects);
/* `values` has qom-type, id, and what that type knows. */
bool objects_add(Objects *objects, const KeyValues *values, GError **error);
/* NULL: there is none of that id and kind ("rng"). */
void *objects_find(const Objects *objects, const char *kind, const char *id);
/* When it is made: guest RAM needs some, others name a netdev. */
typedef enum ObjectsStage { OBJECTS_MEMORY, OBJECTS_ENDS, OBJECTS_FILTERS } ObjectsStage;
ObjectsStage objects_stage(const KeyValues *values);
/* Those of a kind, in the order in which they came. */
typedef void ObjectsEach(void *opaque, const char *id, void *object);
void objects_each(const Objects *objects, const char *kind, ObjectsEach *each, void *opaque);
void objects_types_print(void); /* -object help */
/* Every type: its kind and the keys it knows (NULL ends them), but qom-type and id. */
typedef void ObjectsEachType(void *opaque, const char *name, const char *kind,
                             const char *const *keys);
void objects_each_type(ObjectsEachType *each, void *opaque);
/* Every object. */
typedef void ObjectsEachId(void *opaque, const char *id, const char *type);
void objects_each_id(const Objects *objects, ObjectsEachId *each, void *opaque);

#endif
