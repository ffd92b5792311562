/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/deferred.h"

/* deferred.c - a source of the default main context that is made ready by its time. */

struct Deferred {
    PhysMap *map;
    void (*run)(void *opaque);
    void *opaque;
    GSource *source;
    bool scheduled; /* under the device lock */
};

typedef struct DeferredSource {
    GSource source;
    Deferred *deferred;
} DeferredSource;

static gboolean deferred_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    Deferred *deferred = ((DeferredSource *)source)->deferred;

    (void)callback, (void)user_data;
    phys_map_lock_devices(deferred->map);
    g_source_set_ready_time(source, -1);
    if (deferred->scheduled) {
        deferred->scheduled = false;
        deferred->run(deferred->opaque);
    }
    phys_map_unlock_devices(deferred->map);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs deferred_funcs = { .dispatch = deferred_dispatch };

Deferred *deferred_new(PhysMap *map, void (*run)(void *opaque), void *opaque)
{
    Deferred *deferred = g_new0(Deferred, 1);

    deferred->map = map;
    deferred->run = run;
    deferred->opaque = opaque;
    deferred->source = g_source_new(&deferred_funcs, sizeof(DeferredSource));
    ((DeferredSource *)deferred->source)->deferred = deferred;
    g_source_set_ready_time(deferred->source, -1);
    g_source_attach(deferred->source, NULL);
    return deferred;
}

void deferred_free(Deferred *deferred)
{
    if (deferred == NULL) {
        return;
    }
    g_source_destroy(deferred->source);
    g_source_unref(deferred->source);
    g_free(deferred);
}

void deferred_schedule(Deferred *deferred)
{
    if (!deferred->scheduled) {
        deferred->scheduled = true;
        g_source_set_ready_time(deferred->source, 0);
    }
}

void deferred_cancel(Deferred *deferred)
{
    deferred->scheduled = false;
}
