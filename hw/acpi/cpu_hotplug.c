/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_hotplug.c - the registers: a CPU is selected, its events are seen and acknowledged.
 *
 * After a reset there is the older form, 32 bytes with a bit for each local APIC ID that is there;
 * a write of 0 to the first of them leads to the newer one. */
#include "hw/acpi/cpu_hotplug.h"

enum {                   /* offsets in the newer form */
       REG_SELECTOR = 0, /* read: command data 2 */
       REG_FLAGS = 4,
       REG_COMMAND = 5,
       REG_DATA = 8,
       REG_SIZE = 12,
       BITMAP_SIZE = 32,
};

enum { /* of REG_FLAGS */
       FLAG_THERE = 1 << 0,
       FLAG_CAME = 1 << 1,  /* written: seen */
       FLAG_GOES = 1 << 2,  /* likewise */
       FLAG_EJECT = 1 << 3, /* written only */
       FLAG_FIRMWARE_EJECTS = 1 << 4,
};

enum { COMMAND_NEXT_EVENT, COMMAND_OST_EVENT, COMMAND_OST_STATUS, COMMAND_APIC_ID };

typedef struct CpuEvents {
    bool came, goes, firmware_ejects;
    uint32_t ost_event, ost_status;
} CpuEvents;

struct CpuHotplug {
    IoBus *io;
    IoAttachment *ports;
    CpuSlots *slots;
    AcpiPm *pm;
    Board *board;
    bool modern; /* the newer form */
    uint32_t selector;
    uint8_t command;
    CpuEvents *events; /* of each place */
};

static bool selected(const CpuHotplug *hotplug)
{
    return hotplug->selector < cpu_slots_places(hotplug->slots);
}

static void raise_event(CpuHotplug *hotplug)
{
    acpi_pm_gpe(hotplug->pm, CPU_HOTPLUG_GPE, true);
    acpi_pm_gpe(hotplug->pm, CPU_HOTPLUG_GPE, false);
}

/* ---- From the board ---- */

static void cpu_came(void *opaque, unsigned cpu)
{
    CpuHotplug *hotplug = opaque;

    hotplug->events[cpu] = (CpuEvents){ .came = true };
    raise_event(hotplug);
}

static void cpu_shall_go(void *opaque, unsigned cpu)
{
    CpuHotplug *hotplug = opaque;

    hotplug->events[cpu].goes = true;
    raise_event(hotplug);
}

static const CpuSlotsGuest guest = { cpu_came, cpu_shall_go };

/* ---- Reading ---- */

static uint8_t flags_read(const CpuHotplug *hotplug)
{
    const CpuEvents *events = &hotplug->events[hotplug->selector];

    return (uint8_t)((cpu_slots_there(hotplug->slots)[hotplug->selector] ? FLAG_THERE : 0) |
                     (events->came ? FLAG_CAME : 0) | (events->goes ? FLAG_GOES : 0) |
                     (events->firmware_ejects ? FLAG_FIRMWARE_EJECTS : 0));
}

static uint32_t data_read(const CpuHotplug *hotplug)
{
    switch (hotplug->command) {
    case COMMAND_NEXT_EVENT:
        return hotplug->selector;
    case COMMAND_APIC_ID:
        return cpu_slots_apic_id(hotplug->slots, hotplug->selector);
    default:
        return 0;
    }
}

static uint32_t bitmap_read(const CpuHotplug *hotplug, uint16_t offset, unsigned width)
{
    const bool *there = cpu_slots_there(hotplug->slots);
    uint32_t bits = 0;

    for (unsigned i = 0; i < cpu_slots_places(hotplug->slots); i++) {
        uint32_t bit = cpu_slots_apic_id(hotplug->slots, i) - offset * 8u;

        bits |= there[i] && bit < width * 8 ? 1u << bit : 0;
    }
    return bits;
}

static uint32_t hotplug_read(void *opaque, uint16_t offset, unsigned width)
{
    const CpuHotplug *hotplug = opaque;

    if (!hotplug->modern) {
        return bitmap_read(hotplug, offset, width);
    }
    if (offset >= REG_SIZE) {
        return UINT32_MAX;
    }
    if (!selected(hotplug)) {
        return 0;
    }
    switch (offset) {
    case REG_FLAGS:
        return flags_read(hotplug);
    case REG_DATA:
        return data_read(hotplug);
    default: /* command data 2: APIC IDs have 32 bits, and nothing else is there */
        return 0;
    }
}

/* ---- Writing ---- */

static void flags_write(CpuHotplug *hotplug, uint32_t value)
{
    CpuEvents *events = &hotplug->events[hotplug->selector];

    if (value & FLAG_CAME) {
        events->came = false;
    } else if (value & FLAG_GOES) {
        events->goes = false;
    } else if (value & FLAG_EJECT) {
        *events = (CpuEvents){ 0 };
        cpu_slots_eject(hotplug->slots, hotplug->selector);
    } else if (value & FLAG_FIRMWARE_EJECTS) {
        events->firmware_ejects = !events->firmware_ejects;
    }
}

/* The next one of which there is something to tell, from the selected one on. */
static void select_event(CpuHotplug *hotplug)
{
    unsigned places = cpu_slots_places(hotplug->slots);

    for (unsigned i = 0; i < places; i++) {
        unsigned cpu = (hotplug->selector + i) % places;
        const CpuEvents *events = &hotplug->events[cpu];

        if (events->came || events->goes || events->firmware_ejects) {
            hotplug->selector = cpu;
            return;
        }
    }
}

/* What became of an event, in ACPI's numbers (section 6.3.5). */
static void ost_tell(const CpuHotplug *hotplug)
{
    const CpuEvents *events = &hotplug->events[hotplug->selector];
    const char *id = cpu_slots_id(hotplug->slots, hotplug->selector);
    GVariantDict info, data;
    char slot[16];

    g_snprintf(slot, sizeof(slot), "%u", hotplug->selector);
    g_variant_dict_init(&info, NULL);
    if (id != NULL) {
        g_variant_dict_insert(&info, "device", "s", id);
    }
    g_variant_dict_insert(&info, "slot", "s", slot);
    g_variant_dict_insert(&info, "slot-type", "s", "CPU");
    g_variant_dict_insert(&info, "source", "x", (gint64)events->ost_event);
    g_variant_dict_insert(&info, "status", "x", (gint64)events->ost_status);
    g_variant_dict_init(&data, NULL);
    g_variant_dict_insert_value(&data, "info", g_variant_dict_end(&info));
    board_event(hotplug->board, "ACPI_DEVICE_OST", g_variant_dict_end(&data));
}

static void data_write(CpuHotplug *hotplug, uint32_t value)
{
    CpuEvents *events = &hotplug->events[hotplug->selector];

    if (hotplug->command == COMMAND_OST_EVENT) {
        events->ost_event = value;
    } else if (hotplug->command == COMMAND_OST_STATUS) {
        events->ost_status = value;
        ost_tell(hotplug);
    }
}

static void hotplug_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    CpuHotplug *hotplug = opaque;

    (void)width;
    if (!hotplug->modern) {
        hotplug->modern = offset == REG_SELECTOR && value == 0;
        return;
    }
    if (offset == REG_SELECTOR) {
        hotplug->selector = value;
        return;
    }
    if (!selected(hotplug)) {
        return;
    }
    if (offset == REG_FLAGS) {
        flags_write(hotplug, value);
    } else if (offset == REG_COMMAND && value <= COMMAND_APIC_ID) {
        hotplug->command = (uint8_t)value;
        if (value == COMMAND_NEXT_EVENT) {
            select_event(hotplug);
        }
    } else if (offset == REG_DATA) {
        data_write(hotplug, value);
    }
}

/* ---- Life ---- */

CpuHotplug *cpu_hotplug_new(IoBus *io, uint16_t base, CpuSlots *slots, AcpiPm *pm, Board *board)
{
    const IoRange ports = { .base = base,
                            .count = BITMAP_SIZE,
                            .widths = IO_8 | IO_32,
                            .read = hotplug_read,
                            .write = hotplug_write };
    CpuHotplug *hotplug = g_new0(CpuHotplug, 1);

    hotplug->io = io;
    hotplug->slots = slots;
    hotplug->pm = pm;
    hotplug->board = board;
    hotplug->events = g_new0(CpuEvents, cpu_slots_places(slots));
    hotplug->ports = io_bus_attach(io, &ports, 1, hotplug);
    cpu_slots_set_guest(slots, &guest, hotplug);
    return hotplug;
}

void cpu_hotplug_free(CpuHotplug *hotplug)
{
    io_bus_detach(hotplug->io, hotplug->ports);
    g_free(hotplug->events);
    g_free(hotplug);
}

/* Tables that are read anew tell of CPUs that have come; who shall go still shall. */
void cpu_hotplug_reset(CpuHotplug *hotplug)
{
    hotplug->modern = false;
    hotplug->selector = 0;
    hotplug->command = COMMAND_NEXT_EVENT;
    for (unsigned i = 0; i < cpu_slots_places(hotplug->slots); i++) {
        hotplug->events[i] = (CpuEvents){ .goes = hotplug->events[i].goes };
    }
}

static const StateField hotplug_fields[] = {
    STATE_FIELD(STATE_BOOL, CpuHotplug, modern),
    STATE_FIELD(STATE_U32, CpuHotplug, selector),
    STATE_FIELD(STATE_U8, CpuHotplug, command),
    { 0 },
};
static const StateTable hotplug_state = { .name = "acpi-cpu-hotplug",
                                          .version = 1,
                                          .fields = hotplug_fields };

static const StateField events_fields[] = {
    STATE_FIELD(STATE_BOOL, CpuEvents, came),
    STATE_FIELD(STATE_BOOL, CpuEvents, goes),
    STATE_FIELD(STATE_BOOL, CpuEvents, firmware_ejects),
    STATE_FIELD(STATE_U32, CpuEvents, ost_event),
    STATE_FIELD(STATE_U32, CpuEvents, ost_status),
    { 0 },
};
static const StateTable events_state = { .name = "acpi-cpu-events",
                                         .version = 1,
                                         .fields = events_fields };

void cpu_hotplug_each_state(CpuHotplug *hotplug, StateVisit *visit, void *opaque)
{
    visit(opaque, &hotplug_state, 0, hotplug);
    for (unsigned i = 0; i < cpu_slots_places(hotplug->slots); i++) {
        visit(opaque, &events_state, i, &hotplug->events[i]);
    }
}
