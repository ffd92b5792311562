/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/cpu_places.h"

CpuPlace cpu_place(const SmpOptions *smp, unsigned index)
{
    unsigned core = index / smp->threads, die = core / smp->cores;

    return (CpuPlace){
        .socket = die / smp->dies,
        .die = die % smp->dies,
        .cluster = -1,
        .core = core % smp->cores,
        .thread = index % smp->threads,
        .node = -1,
    };
}

static bool fits(int64_t said, int64_t is)
{
    return said < 0 || said == is;
}

bool cpu_place_matches(const CpuPlace *said, const CpuPlace *place)
{
    return fits(said->socket, place->socket) && fits(said->die, place->die) &&
           fits(said->core, place->core) && fits(said->thread, place->thread);
}

char *cpu_place_text(const SmpOptions *smp, const CpuPlace *place)
{
    g_autofree char *die = smp->dies > 1
                               ? g_strdup_printf("die-id: %" G_GINT64_FORMAT ", ", place->die)
                               : g_strdup("");

    return g_strdup_printf("socket-id: %" G_GINT64_FORMAT ", %score-id: %" G_GINT64_FORMAT
                           ", thread-id: %" G_GINT64_FORMAT,
                           place->socket, die, place->core, place->thread);
}

JsonObject *cpu_place_json(const SmpOptions *smp, const CpuPlace *place)
{
    JsonObject *props = json_object_new();

    json_object_set_int_member(props, "core-id", place->core);
    json_object_set_int_member(props, "thread-id", place->thread);
    if (place->node >= 0) {
        json_object_set_int_member(props, "node-id", place->node);
    }
    if (smp->dies > 1) {
        json_object_set_int_member(props, "die-id", place->die);
    }
    json_object_set_int_member(props, "socket-id", place->socket);
    return props;
}
