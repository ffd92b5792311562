/* SPDX-License-Identifier: GPL-2.0-or-later */
/* machine_state.c - what of a machine goes into the stream, and back.
 *
 * Order: configuration, memory, clock, vCPUs, devices.  Fields of everything are read first; then
 * each device is told, in the order of the board's list, so that it finds the others as they were.
 * Memory whose bytes are all zero is not written. */
#include "runtime/machine/machine_state.h"

#include <string.h>
#include <unistd.h>
#include <x86intrin.h>

#include "runtime/cpu/cpu_state.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/state_stream.h"

enum { PAGE = 4096, OFFSET_SIZE = 8 };

/* ---- Tables that are not the board's ---- */

/* The table of a Cpu, as one of a device's kind. */
static StateField *cpu_table(StateTable *table)
{
    static const StateType types[] = {
        [CPU_FIELD_U8] = STATE_U8,   [CPU_FIELD_U16] = STATE_U16,   [CPU_FIELD_U32] = STATE_U32,
        [CPU_FIELD_U64] = STATE_U64, [CPU_FIELD_BOOL] = STATE_BOOL, [CPU_FIELD_BYTES] = STATE_BYTES,
    };
    StateField *fields = g_new0(StateField, cpu_fields_count + 1);

    for (unsigned i = 0; i < cpu_fields_count; i++) {
        fields[i] = (StateField){ .name = cpu_fields[i].name,
                                  .type = types[cpu_fields[i].type],
                                  .offset = cpu_fields[i].offset,
                                  .count = cpu_fields[i].count,
                                  .version = 1 };
    }
    *table = (StateTable){ .name = "cpu", .version = 1, .fields = fields };
    return fields;
}

typedef struct ClockState {
    uint64_t now;
    uint64_t wall;      /* ns of the epoch that the guest's clock shows */
    uint64_t host_wall; /* and the host's at that moment */
} ClockState;

static const StateField clock_fields[] = {
    STATE_FIELD(STATE_U64, ClockState, now),
    STATE_FIELD(STATE_U64, ClockState, wall),
    STATE_FIELD(STATE_U64, ClockState, host_wall),
    { 0 },
};
static const StateTable clock_table = { .name = "clock", .version = 1, .fields = clock_fields };

static uint64_t host_wall(void)
{
    return (uint64_t)g_get_real_time() * NS_PER_US;
}

/* The RTC goes on with the host's clock, at its old distance, or with the guest's. */
static void clock_load(Machine *machine, const ClockState *state)
{
    uint64_t wall = state->wall;

    if (!machine->options->rtc_vm) {
        wall += host_wall() - state->host_wall;
    }
    clock_set_now(machine->clock, (int64_t)(state->now & INT64_MAX));
    clock_set_wall(machine->clock, (int64_t)wall);
}

/* What has to be the same, a line each. */
static char *configuration_text(const Machine *machine)
{
    const Options *options = machine->options;
    g_autoptr(GString) cpus = g_string_new(NULL);

    for (unsigned i = 0; i < machine->cpus; i++) {
        g_string_append_printf(cpus, machine_has_cpu(machine, i) ? " %u" : "", i);
    }
    return g_strdup_printf(
        "board %s\nRAM %" G_GUINT64_FORMAT "\nCPUs%s of %u\nCPU model %s\nACPI %s\nHPET %s\n",
        options->q35 ? "q35" : "pc", options->ram, cpus->str, machine->cpus, options->cpu,
        options->acpi ? "on" : "off", options->hpet ? "on" : "off");
}

static void drain_disks(Machine *machine)
{
    GHashTableIter iter;
    gpointer node;

    for (unsigned i = 0; i < OPTIONS_DRIVES; i++) {
        if (machine->ide[i] != NULL) {
            block_drain(machine->ide[i]);
        }
    }
    g_hash_table_iter_init(&iter, machine->drives);
    while (g_hash_table_iter_next(&iter, NULL, &node)) {
        block_drain(node);
    }
}

/* ---- Saving ---- */

typedef struct Saver {
    Machine *machine;
    int fd;
    GByteArray *bytes;
    GError *error;
} Saver;

static bool table_save(Saver *saver, SectionKind kind, const StateTable *table, unsigned instance,
                       void *object)
{
    g_byte_array_set_size(saver->bytes, 0);
    state_save(table, object, saver->bytes);
    return state_stream_write(saver->fd, kind, table->name, instance, saver->bytes->data,
                              saver->bytes->len, &saver->error);
}

static void device_save(void *opaque, const StateTable *table, unsigned instance, void *object)
{
    Saver *saver = opaque;

    if (saver->error == NULL) {
        table_save(saver, SECTION_DEVICE, table, instance, object);
    }
}

static bool is_zero(const uint8_t *bytes, uint64_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* max-bandwidth: the time that so many bytes take. */
static void pace(const Machine *machine, uint64_t size)
{
    if (machine->migration_bandwidth != 0) {
        g_usleep((gulong)((double)size * G_USEC_PER_SEC / (double)machine->migration_bandwidth));
    }
}

static bool memory_write(Saver *saver, uint64_t offset, uint64_t size)
{
    uint64_t place = GUINT64_TO_LE(offset);

    g_byte_array_set_size(saver->bytes, 0);
    g_byte_array_append(saver->bytes, (const guint8 *)&place, OFFSET_SIZE);
    g_byte_array_append(saver->bytes, phys_map_ram(saver->machine->map) + offset, (guint)size);
    pace(saver->machine, size);
    return state_stream_write(saver->fd, SECTION_MEMORY, "ram", 0, saver->bytes->data,
                              saver->bytes->len, &saver->error);
}

/* Runs of pages that are not zero, of [start, end). */
static bool memory_save_data(Saver *saver, uint64_t start, uint64_t end)
{
    const uint8_t *ram = phys_map_ram(saver->machine->map);

    while (start < end) {
        uint64_t size = 0;

        while (start < end && is_zero(ram + start, PAGE)) {
            start += PAGE;
        }
        while (start + size < end && size < SECTION_MEMORY_SIZE &&
               !is_zero(ram + start + size, PAGE)) {
            size += PAGE;
        }
        if (size != 0 && !memory_write(saver, start, size)) {
            return false;
        }
        start += size;
    }
    return true;
}

/* Holes of the file are not even read: reading would fill them. Its first byte is RAM's `base`. */
static bool memory_save_file(Saver *saver, const PhysRamPlace *place, uint64_t base)
{
    uint64_t at = place->offset, size = place->offset + place->size;

    while (at < size) {
        off_t start = lseek(place->fd, (off_t)at, SEEK_DATA);
        off_t end = start < 0 ? -1 : lseek(place->fd, start, SEEK_HOLE);
        uint64_t first = (uint64_t)start & ~(uint64_t)(PAGE - 1);

        if (end < 0) {
            break;
        }
        at = ((uint64_t)end + PAGE - 1) & ~(uint64_t)(PAGE - 1);
        if (first < size && !memory_save_data(saver, base + first, base + MIN(at, size))) {
            return false;
        }
    }
    return true;
}

static bool memory_save(Saver *saver)
{
    uint64_t size = phys_map_memory_size(saver->machine->map), at = 0;

    while (at < size) {
        PhysRamPlace place = phys_map_ram_place(saver->machine->map, at);

        if (!memory_save_file(saver, &place, at)) {
            return false;
        }
        at += place.size;
    }
    return true;
}

static bool cpus_save(Saver *saver)
{
    StateTable table;
    g_autofree StateField *fields = cpu_table(&table);
    uint64_t tsc = __rdtsc();

    for (unsigned i = 0; i < saver->machine->cpus; i++) {
        if (!machine_has_cpu(saver->machine, i)) {
            continue;
        }
        vcpu_state_save(saver->machine->vcpu[i], tsc);
        if (!table_save(saver, SECTION_CPU, &table, i, machine_cpu(saver->machine, i))) {
            return false;
        }
    }
    return true;
}

static bool all_save(Saver *saver)
{
    Machine *machine = saver->machine;
    g_autofree char *text = configuration_text(machine);
    ClockState clock = {
        .now = (uint64_t)clock_now(machine->clock),
        .wall = (uint64_t)clock_wall(machine->clock),
        .host_wall = host_wall(),
    };

    if (!state_stream_write_head(saver->fd, &saver->error) ||
        !state_stream_write(saver->fd, SECTION_CONFIGURATION, "machine", 0, text, strlen(text),
                            &saver->error) ||
        !memory_save(saver) || !table_save(saver, SECTION_CLOCK, &clock_table, 0, &clock) ||
        !cpus_save(saver)) {
        return false;
    }
    pc_each_state(machine->pc, device_save, saver);
    return saver->error == NULL &&
           state_stream_write(saver->fd, SECTION_END, "end", 0, NULL, 0, &saver->error);
}

bool machine_save(Machine *machine, int fd, GError **error)
{
    Saver saver = { machine, fd, g_byte_array_new(), NULL };
    bool done;

    machine_lock(machine);
    drain_disks(machine);
    done = all_save(&saver);
    machine_unlock(machine);
    g_byte_array_unref(saver.bytes);
    if (!done) {
        g_propagate_error(error, saver.error);
    }
    return done;
}

/* ---- Loading ---- */

/* A place that a section may fill; each has to be filled once. */
typedef struct Place {
    SectionKind kind;
    const StateTable *table;
    unsigned instance;
    void *object;
    bool filled;
} Place;

typedef struct Loader {
    Machine *machine;
    GArray *places;
    ClockState clock;
} Loader;

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(STATE_STREAM_ERROR,
                                                STATE_STREAM_ERROR_CONFIGURATION, format, args));
    va_end(args);
    return false;
}

static void device_place(void *opaque, const StateTable *table, unsigned instance, void *object)
{
    const Place place = { SECTION_DEVICE, table, instance, object, false };

    g_array_append_val(((Loader *)opaque)->places, place);
}

static void places_fill(Loader *loader, const StateTable *cpu)
{
    const Place clock = { SECTION_CLOCK, &clock_table, 0, &loader->clock, false };

    g_array_append_val(loader->places, clock);
    for (unsigned i = 0; i < loader->machine->cpus; i++) {
        if (!machine_has_cpu(loader->machine, i)) {
            continue;
        }
        const Place place = { SECTION_CPU, cpu, i, machine_cpu(loader->machine, i), false };

        g_array_append_val(loader->places, place);
    }
    pc_each_state(loader->machine->pc, device_place, loader);
}

static bool place_load(Loader *loader, const Section *section, GError **error)
{
    for (guint i = 0; i < loader->places->len; i++) {
        Place *place = &g_array_index(loader->places, Place, i);

        if (place->kind != section->kind || place->instance != section->instance ||
            strcmp(place->table->name, section->name) != 0) {
            continue;
        }
        if (place->filled) {
            return fail(error, "the saved machine has two states of '%s'", section->name);
        }
        place->filled = true;
        return state_load(place->table, place->object, section->data->data, section->data->len,
                          error);
    }
    return fail(error, "the saved machine has a '%s' (%u), this one has none", section->name,
                section->instance);
}

static bool configuration_check(const Machine *machine, const Section *section, GError **error)
{
    g_autofree char *text = configuration_text(machine);
    g_autofree char *other = g_strndup((const char *)section->data->data, section->data->len);
    g_auto(GStrv) mine = g_strsplit(text, "\n", -1), theirs = g_strsplit(other, "\n", -1);

    for (unsigned i = 0; mine[i] != NULL && theirs[i] != NULL; i++) {
        if (strcmp(mine[i], theirs[i]) != 0) {
            g_autofree char *words = g_strescape(theirs[i], NULL);

            return fail(error, "the saved machine is another one: %.200s, and here %s", words,
                        mine[i]);
        }
    }
    if (g_strv_length(mine) != g_strv_length(theirs)) {
        return fail(error, "the saved machine's configuration is of another form");
    }
    return true;
}

static bool memory_load(const Machine *machine, const Section *section, GError **error)
{
    uint64_t offset, size = section->data->len, all = phys_map_memory_size(machine->map);

    if (size <= OFFSET_SIZE) {
        return fail(error, "the saved machine has an empty piece of memory");
    }
    memcpy(&offset, section->data->data, OFFSET_SIZE);
    offset = GUINT64_FROM_LE(offset);
    size -= OFFSET_SIZE;
    if (offset > all || size > all - offset) {
        return fail(error, "the saved machine has memory where this one has none");
    }
    memcpy(phys_map_ram(machine->map) + offset, section->data->data + OFFSET_SIZE, size);
    return true;
}

/* All zero: what was there, and what was made of it, is forgotten. */
static void memory_clear(const Machine *machine)
{
    phys_map_clear_ram(machine->map, 0, phys_map_memory_size(machine->map));
}

static bool sections_load(Loader *loader, int fd, GError **error)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    Section section = { .data = data };
    bool configured = false;

    for (;;) {
        if (!state_stream_read(fd, &section, error)) {
            return false;
        }
        if (configured != (section.kind != SECTION_CONFIGURATION)) {
            return fail(error, "the saved machine has its configuration in the wrong place");
        }
        configured = true;
        switch (section.kind) {
        case SECTION_CONFIGURATION:
            if (!configuration_check(loader->machine, &section, error)) {
                return false;
            }
            memory_clear(loader->machine);
            break;
        case SECTION_MEMORY:
            if (!memory_load(loader->machine, &section, error)) {
                return false;
            }
            break;
        case SECTION_END:
            return true;
        default:
            if (!place_load(loader, &section, error)) {
                return false;
            }
            break;
        }
    }
}

static bool places_check(const Loader *loader, GError **error)
{
    for (guint i = 0; i < loader->places->len; i++) {
        const Place *place = &g_array_index(loader->places, Place, i);

        if (!place->filled) {
            return fail(error, "the saved machine has no '%s' (%u)", place->table->name,
                        place->instance);
        }
    }
    return true;
}

static void vcpu_flush(Vcpu *vcpu)
{
    vcpu_request(vcpu, CPU_REQUEST_FLUSH);
}

/* Everything has its fields: what is derived from them follows. */
static void all_loaded(Loader *loader)
{
    Machine *machine = loader->machine;
    uint64_t tsc = __rdtsc();

    phys_map_span_written(machine->map, phys_map_ram(machine->map),
                          phys_map_memory_size(machine->map));
    clock_load(machine, &loader->clock);
    for (unsigned i = 0; i < machine->cpus; i++) {
        if (machine_has_cpu(machine, i)) {
            vcpu_state_load(machine->vcpu[i], tsc);
        }
    }
    for (guint i = 0; i < loader->places->len; i++) {
        const Place *place = &g_array_index(loader->places, Place, i);

        if (place->kind == SECTION_DEVICE) {
            state_loaded(place->table, place->object);
        }
    }
    machine_each_vcpu(machine, vcpu_flush);
}

bool machine_load(Machine *machine, int fd, GError **error)
{
    Loader loader = { .machine = machine, .places = g_array_new(FALSE, FALSE, sizeof(Place)) };
    StateTable cpu;
    g_autofree StateField *fields = cpu_table(&cpu);
    bool done;

    machine_lock(machine);
    drain_disks(machine);
    places_fill(&loader, &cpu);
    done = state_stream_read_head(fd, error) && sections_load(&loader, fd, error) &&
           places_check(&loader, error);
    if (done) {
        all_loaded(&loader);
    }
    machine_unlock(machine);
    g_array_unref(loader.places);
    return done;
}
