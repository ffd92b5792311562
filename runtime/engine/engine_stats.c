/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/engine_stats.h"

#include <Zydis/Mnemonic.h>
#include <inttypes.h>
#include <json-glib/json-glib.h>
#include <stdio.h>

#include "runtime/engine/engine_int.h"

void engine_stats_print(Engine *engine)
{
    const EngineStats *stats = engine_stats(engine);

    fprintf(stderr,
            "doppel: %" PRIu64 " blocks of %" PRIu64 " guest instructions translated in %" PRIu64
            " us: %" PRIu64 " guest bytes, %" PRIu64 " host bytes\n",
            stats->translations, stats->guest_insns, stats->translate_ns / 1000, stats->guest_bytes,
            stats->host_bytes);
    fprintf(stderr,
            "doppel: %" PRIu64 " dispatches, %" PRIu64 " links, %" PRIu64
            " indirect misses, %" PRIu64 " callouts, %" PRIu64 " interpreted, %" PRIu64
            " invalidations, %" PRIu64 " flushes, %" PRIu64 " evictions\n",
            stats->dispatches, stats->links, stats->ibtc_misses, stats->callouts,
            stats->interpreted, stats->invalidations, stats->flushes, stats->evictions);
    if (engine->verify != NULL) {
        fprintf(stderr,
                "doppel: %" PRIu64 " blocks verified, %" PRIu64 " repeated, %" PRIu64
                " given up, %" PRIu64 " wrong\n",
                stats->verified, stats->verify_repeated, stats->verify_skipped,
                stats->verify_failed);
    }
}

typedef struct Figure {
    const char *name;
    uint64_t value;
} Figure;

static void add_figures(JsonBuilder *json, const Figure *figures, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        json_builder_set_member_name(json, figures[i].name);
        json_builder_add_int_value(json, (gint64)figures[i].value);
    }
}

static void begin(JsonBuilder *json, const char *name)
{
    json_builder_set_member_name(json, name);
    json_builder_begin_object(json);
}

static void add_cache(JsonBuilder *json, const Engine *engine)
{
    const EngineStats *stats = &engine->stats;
    uint64_t used = 0;

    for (unsigned i = 0; i < engine->n_units; i++) {
        used += engine->unit[i].used;
    }
    begin(json, "cache");
    json_builder_set_member_name(json, "policy");
    json_builder_add_string_value(json, engine->policy->name);
    add_figures(json,
                (const Figure[]){
                    { "bytes", engine->size },
                    { "bytes_used", used },
                    { "units", engine->n_units },
                    { "units_emptied", stats->units_emptied },
                    { "blocks", stats->blocks },
                    { "evictions", stats->evictions },
                    { "promotions", stats->promotions },
                    { "flushes", stats->flushes },
                    { "invalidations", stats->invalidations },
                },
                9);
    json_builder_end_object(json);
}

static void add_translation(JsonBuilder *json, const EngineStats *stats)
{
    uint64_t insns = stats->guest_insns;

    begin(json, "translation");
    add_figures(json,
                (const Figure[]){
                    { "translations", stats->translations },
                    { "guest_instructions", insns },
                    { "guest_bytes", stats->guest_bytes },
                    { "host_bytes", stats->host_bytes },
                    { "ns", stats->translate_ns },
                },
                5);
    json_builder_set_member_name(json, "ns_per_guest_instruction");
    json_builder_add_double_value(json,
                                  insns == 0 ? 0 : (double)stats->translate_ns / (double)insns);
    json_builder_end_object(json);
}

static void add_execution(JsonBuilder *json, const EngineStats *stats)
{
    begin(json, "execution");
    add_figures(json,
                (const Figure[]){
                    { "dispatches", stats->dispatches },
                    { "links", stats->links },
                    { "ibtc_misses", stats->ibtc_misses },
                    { "callouts", stats->callouts },
                    { "interpreted", stats->interpreted },
                },
                5);
    json_builder_end_object(json);
}

static void add_verify(JsonBuilder *json, const EngineStats *stats)
{
    begin(json, "verify");
    add_figures(json,
                (const Figure[]){
                    { "verified", stats->verified },
                    { "repeated", stats->verify_repeated },
                    { "skipped", stats->verify_skipped },
                    { "wrong", stats->verify_failed },
                },
                4);
    json_builder_end_object(json);
}

static void add_tlb(JsonBuilder *json, const MmuStats *mmu)
{
    begin(json, "tlb");
    add_figures(json,
                (const Figure[]){
                    { "fills", mmu->fills },
                    { "victim_hits", mmu->victim_hits },
                    { "walks", mmu->walks },
                    { "flushes", mmu->flushes },
                    { "page_flushes", mmu->page_flushes },
                    { "bank_switches", mmu->bank_switches },
                },
                6);
    json_builder_end_object(json);
}

static void add_window(JsonBuilder *json, const EngineStats *stats, const MmuStats *mmu)
{
    begin(json, "window");
    add_figures(json,
                (const Figure[]){
                    { "blocks", stats->window_blocks },
                    { "enters", mmu->window_enters },
                    { "denials", mmu->window_denials },
                    { "pages", mmu->window_pages },
                    { "maps", mmu->window_maps },
                    { "drops", mmu->window_drops },
                    { "guest_faults", mmu->window_guest_faults },
                    { "refusals", mmu->window_refusals },
                },
                8);
    json_builder_end_object(json);
}

static int by_count(gconstpointer a, gconstpointer b)
{
    const Figure *x = a, *y = b;

    return x->value == y->value ? 0 : x->value < y->value ? 1 : -1;
}

/* Most frequent first. */
static void add_callouts(JsonBuilder *json, const uint64_t *counts)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(Figure));

    for (int i = 0; i <= ZYDIS_MNEMONIC_MAX_VALUE; i++) {
        const char *name = ZydisMnemonicGetString((ZydisMnemonic)i);

        if (counts[i] != 0) {
            g_array_append_val(list, ((Figure){ name == NULL ? "?" : name, counts[i] }));
        }
    }
    g_array_sort(list, by_count);
    begin(json, "callouts");
    add_figures(json, (const Figure *)(const void *)list->data, list->len);
    json_builder_end_object(json);
}

bool engine_stats_write(Engine *engine, const MmuStats *mmu, const char *file, GError **error)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    JsonNode *root;
    bool ok;

    json_builder_begin_object(json);
    add_cache(json, engine);
    add_translation(json, engine_stats(engine));
    add_execution(json, engine_stats(engine));
    if (engine->verify != NULL) {
        add_verify(json, &engine->stats);
    }
    add_tlb(json, mmu);
    add_window(json, &engine->stats, mmu);
    add_callouts(json, engine_callout_counts(engine));
    json_builder_end_object(json);
    root = json_builder_get_root(json);
    json_generator_set_pretty(generator, TRUE);
    json_generator_set_root(generator, root);
    ok = json_generator_to_file(generator, file, error);
    json_node_unref(root);
    return ok;
}
