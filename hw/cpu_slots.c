/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/cpu_slots.h"

#include <string.h>

typedef struct CpuDevice {
    Device device;
    int32_t socket, die, core, thread, node; /* -1: not said */
    unsigned cpu;                            /* the place */
} CpuDevice;

struct CpuSlots {
    Bus bus;
    CpuSlotsConfig config;
    DeviceType type; /* a row that depends on the model of the CPU */
    CpuSlotsGuest guest;
    void *guest_opaque;
    bool *there;
    CpuDevice **device; /* in each place; NULL: none */
};

static const Property cpu_properties[] = {
    PROPERTY_ROW("socket-id", PROPERTY_INT, CpuDevice, socket, .init = -1),
    PROPERTY_ROW("die-id", PROPERTY_INT, CpuDevice, die, .init = -1),
    PROPERTY_ROW("core-id", PROPERTY_INT, CpuDevice, core, .init = -1),
    PROPERTY_ROW("thread-id", PROPERTY_INT, CpuDevice, thread, .init = -1),
    PROPERTY_ROW("node-id", PROPERTY_INT, CpuDevice, node, .init = -1),
    { 0 },
};

static bool fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(DEVICE_ERROR, DEVICE_ERROR_VALUE, format, args));
    va_end(args);
    return false;
}

/* ---- Places ---- */

/* One of the numbers that make up a place. */
static bool number_check(int32_t *number, const char *name, unsigned count, GError **error)
{
    if (*number < 0) {
        return fail(error, "CPU %s is not set", name);
    }
    if ((unsigned)*number >= count) {
        return fail(error, "Invalid CPU %s: %d must be in range 0:%u", name, *number, count - 1);
    }
    return true;
}

static bool place_find(const CpuSlots *slots, CpuDevice *cpu, GError **error)
{
    const CpuSlotsConfig *config = &slots->config;
    unsigned sockets = config->places / (config->dies * config->cores * config->threads);

    if (cpu->die < 0 && config->dies == 1) {
        cpu->die = 0;
    }
    if (!number_check(&cpu->socket, "socket-id", sockets, error) ||
        !number_check(&cpu->die, "die-id", config->dies, error) ||
        !number_check(&cpu->core, "core-id", config->cores, error) ||
        !number_check(&cpu->thread, "thread-id", config->threads, error)) {
        return false;
    }
    cpu->cpu = (((unsigned)cpu->socket * config->dies + (unsigned)cpu->die) * config->cores +
                (unsigned)cpu->core) *
                   config->threads +
               (unsigned)cpu->thread;
    return true;
}

static bool node_check(const CpuSlots *slots, CpuDevice *cpu, GError **error)
{
    int32_t node = slots->config.numa != NULL ? slots->config.numa->cpu_node[cpu->cpu] : -1;

    if (cpu->node >= 0 && node >= 0 && cpu->node != node) {
        return fail(error, "invalid node-id, must be %d", node);
    }
    cpu->node = node;
    return true;
}

static bool slots_attach(Bus *bus, Device *dev, GError **error)
{
    CpuSlots *slots = (CpuSlots *)bus;
    CpuDevice *cpu = (CpuDevice *)dev;

    if (!place_find(slots, cpu, error) || !node_check(slots, cpu, error)) {
        return false;
    }
    if (slots->there[cpu->cpu]) {
        return fail(error, "CPU[%u] with APIC ID %u exists", cpu->cpu,
                    cpu_slots_apic_id(slots, cpu->cpu));
    }
    dev->instance = cpu->cpu;
    return true;
}

static bool slots_unplug_request(Bus *bus, Device *dev, GError **error)
{
    CpuSlots *slots = (CpuSlots *)bus;
    CpuDevice *cpu = (CpuDevice *)dev;

    (void)error;
    slots->guest.shall_go(slots->guest_opaque, cpu->cpu);
    return true;
}

static bool slots_plugged(Bus *bus, Device *dev, GError **error)
{
    CpuSlots *slots = (CpuSlots *)bus;
    CpuDevice *cpu = (CpuDevice *)dev;

    (void)error;
    slots->guest.came(slots->guest_opaque, cpu->cpu);
    return true;
}

static const BusType cpu_bus_type = {
    .name = "CPU",
    .attach = slots_attach,
    .unplug_request = slots_unplug_request,
    .plugged = slots_plugged,
};

/* ---- CPUs ---- */

static bool cpu_create(Device *dev, GError **error)
{
    CpuSlots *slots = (CpuSlots *)dev->bus;
    CpuDevice *cpu = (CpuDevice *)dev;

    slots->there[cpu->cpu] = true;
    if (!slots->config.plug(slots->config.opaque, cpu->cpu, error)) {
        slots->there[cpu->cpu] = false;
        return false;
    }
    slots->device[cpu->cpu] = cpu;
    return true;
}

static void cpu_destroy(Device *dev)
{
    CpuSlots *slots = (CpuSlots *)dev->bus;
    CpuDevice *cpu = (CpuDevice *)dev;

    slots->there[cpu->cpu] = false;
    slots->device[cpu->cpu] = NULL;
    slots->config.unplug(slots->config.opaque, cpu->cpu);
}

CpuSlots *cpu_slots_new(Board *board, const CpuSlotsConfig *config)
{
    CpuSlots *slots = g_new0(CpuSlots, 1);

    slots->config = *config;
    slots->config.dies = MAX(config->dies, 1u);
    slots->config.cores = MAX(config->cores, 1u);
    slots->config.threads = MAX(config->threads, 1u);
    slots->there = g_new0(bool, config->places);
    slots->device = g_new0(CpuDevice *, config->places);
    for (unsigned i = 0; i < config->cpus; i++) {
        slots->there[i] = true;
    }
    bus_init(&slots->bus, &cpu_bus_type, board, NULL, "cpus");
    slots->type = (DeviceType){
        .name = config->type_name,
        .category = DEVICE_CPU,
        .bus = &cpu_bus_type,
        .size = sizeof(CpuDevice),
        .properties = cpu_properties,
        .hotpluggable = true,
        .create = cpu_create,
        .destroy = cpu_destroy,
    };
    board->cpu_type = config->type_name != NULL ? &slots->type : NULL;
    return slots;
}

void cpu_slots_free(CpuSlots *slots)
{
    slots->bus.board->cpu_type = NULL;
    bus_clear(&slots->bus);
    g_free(slots->there);
    g_free(slots->device);
    g_free(slots);
}

void cpu_slots_set_guest(CpuSlots *slots, const CpuSlotsGuest *guest, void *opaque)
{
    slots->guest = *guest;
    slots->guest_opaque = opaque;
    slots->bus.hotplug = true;
}

unsigned cpu_slots_places(const CpuSlots *slots)
{
    return slots->config.places;
}

const bool *cpu_slots_there(const CpuSlots *slots)
{
    return slots->there;
}

unsigned cpu_slots_count(const CpuSlots *slots)
{
    unsigned n = 0;

    for (unsigned i = 0; i < slots->config.places; i++) {
        n += slots->there[i];
    }
    return n;
}

uint32_t cpu_slots_apic_id(const CpuSlots *slots, unsigned cpu)
{
    return slots->config.apic_ids != NULL ? slots->config.apic_ids[cpu] : cpu;
}

Device *cpu_slots_device(const CpuSlots *slots, unsigned cpu)
{
    return slots->device[cpu] != NULL ? &slots->device[cpu]->device : NULL;
}

const char *cpu_slots_id(const CpuSlots *slots, unsigned cpu)
{
    return slots->device[cpu] != NULL ? slots->device[cpu]->device.id : NULL;
}

void cpu_slots_eject(CpuSlots *slots, unsigned cpu)
{
    if (cpu == 0 || !slots->there[cpu] || slots->config.type_name == NULL) {
        return;
    }
    if (slots->device[cpu] != NULL) {
        device_unplug(&slots->device[cpu]->device);
        return;
    }
    slots->there[cpu] = false;
    slots->config.unplug(slots->config.opaque, cpu);
}
