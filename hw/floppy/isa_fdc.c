/* SPDX-License-Identifier: GPL-2.0-or-later */
/* isa_fdc.c - the rows isa-fdc and floppy. */
#include "hw/floppy/isa_fdc.h"

#include "hw/block/medium.h"
#include "hw/device_types.h"
#include "hw/isa.h"

typedef struct FloppyBus {
    Bus bus;
    Fdc *fdc;
    bool taken[FDC_DRIVES];
} FloppyBus;

typedef struct IsaFdc {
    Device device;
    uint32_t base, irq, channel;
    bool check_rate;
    int fallback; /* index in type_words */
    FloppyBus floppies;
    Fdc *fdc;
} IsaFdc;

typedef struct Floppy {
    Device device;
    uint32_t unit; /* ANY: the next one */
    int type;      /* index in type_words */
    int32_t boot_index;
    BlockNode *medium;
} Floppy;

#define ANY UINT32_MAX

enum { WORD_144, WORD_288, WORD_120, WORD_NONE, WORD_AUTO };

static const char *const type_words[] = { "144", "288", "120", "none", "auto", NULL };
static const FloppyType types[] = { FLOPPY_144, FLOPPY_288, FLOPPY_120, FLOPPY_NONE, FLOPPY_AUTO };

/* ---- The bus ---- */

static bool floppy_attach(Bus *bus, Device *dev, GError **error)
{
    FloppyBus *floppies = (FloppyBus *)bus;
    Floppy *floppy = (Floppy *)dev;

    if (floppy->unit == ANY) {
        floppy->unit = floppies->taken[0] ? 1 : 0;
    }
    if (floppy->unit >= FDC_DRIVES) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "Can't create floppy unit %u, bus supports only %d units", floppy->unit,
                    FDC_DRIVES);
        return false;
    }
    if (floppies->taken[floppy->unit]) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, "Floppy unit %u is in use",
                    floppy->unit);
        return false;
    }
    floppies->taken[floppy->unit] = true;
    dev->instance = floppy->unit;
    return true;
}

static void floppy_detach(Bus *bus, Device *dev)
{
    ((FloppyBus *)bus)->taken[((Floppy *)dev)->unit] = false;
}

static bool floppy_bus_full(const Bus *bus)
{
    const FloppyBus *floppies = (const FloppyBus *)bus;

    return floppies->taken[0] && floppies->taken[1];
}

static char *floppy_place(const Bus *bus, const Device *dev)
{
    (void)bus;
    return g_strdup_printf("unit = %u", ((const Floppy *)dev)->unit);
}

const BusType floppy_bus_type = {
    .name = "floppy-bus",
    .attach = floppy_attach,
    .detach = floppy_detach,
    .full = floppy_bus_full,
    .place = floppy_place,
};

/* ---- Drives ---- */

static Fdc *floppy_fdc(const Device *dev)
{
    return ((const FloppyBus *)dev->bus)->fdc;
}

static void floppy_changed(void *opaque)
{
    const Floppy *floppy = opaque;
    BlockNode *node = floppy->medium;

    if (types[floppy->type] != FLOPPY_NONE) {
        fdc_set_medium(floppy_fdc(&floppy->device), floppy->unit,
                       node != NULL && block_has_medium(node) ? node : NULL, false);
    }
}

static const BlockTray floppy_slot = { .changed = floppy_changed };

static bool floppy_create(Device *dev, GError **error)
{
    Floppy *floppy = (Floppy *)dev;

    (void)error;
    if (types[floppy->type] != FLOPPY_NONE) {
        fdc_set_drive(floppy_fdc(dev), floppy->unit, types[floppy->type]);
        floppy_changed(floppy);
    }
    if (floppy->medium != NULL) {
        g_autofree char *path = device_path(dev);

        block_set_user(floppy->medium, path, &floppy_slot, floppy);
    }
    return true;
}

static void floppy_destroy(Device *dev)
{
    Floppy *floppy = (Floppy *)dev;

    if (types[floppy->type] != FLOPPY_NONE) {
        fdc_set_medium(floppy_fdc(dev), floppy->unit, NULL, false);
        fdc_set_drive(floppy_fdc(dev), floppy->unit, FLOPPY_NONE);
    }
    if (floppy->medium != NULL) {
        block_set_user(floppy->medium, NULL, NULL, NULL);
    }
}

static void floppy_each_state(Device *dev, StateVisit *visit, void *opaque)
{
    const Floppy *floppy = (const Floppy *)dev;

    visit(opaque, &fdc_drive_state, floppy->unit, fdc_drive_device(floppy_fdc(dev), floppy->unit));
}

static char *floppy_firmware_path(const Device *dev)
{
    return g_strdup_printf("/pci@i0cf8/isa@1/fdc@%04x/floppy@%u", fdc_base(floppy_fdc(dev)),
                           ((const Floppy *)dev)->unit);
}

static const Property floppy_properties[] = {
    PROPERTY_ROW("drive", PROPERTY_DRIVE, Floppy, medium),
    PROPERTY_ROW("unit", PROPERTY_U32, Floppy, unit, .init = ANY),
    PROPERTY_ROW("drive-type", PROPERTY_ENUM, Floppy, type, .init = WORD_AUTO, .values = type_words,
                 .enum_name = "FdcDriveType"),
    PROPERTY_ROW("bootindex", PROPERTY_INT, Floppy, boot_index, .init = -1),
    { 0 },
};

const DeviceType floppy_type = {
    .name = "floppy",
    .desc = "virtual floppy drive",
    .category = DEVICE_STORAGE,
    .bus = &floppy_bus_type,
    .size = sizeof(Floppy),
    .properties = floppy_properties,
    .create = floppy_create,
    .destroy = floppy_destroy,
    .each_state = floppy_each_state,
    .firmware_path = floppy_firmware_path,
};

/* ---- The controller ---- */

static bool isa_fdc_create(Device *dev, GError **error)
{
    IsaFdc *isa = (IsaFdc *)dev;
    FdcConfig config = { .io = dev->board->io,
                         .dma = ((IsaBus *)dev->bus)->dma,
                         .clock = dev->board->clock,
                         .base = (uint16_t)isa->base,
                         .channel = isa->channel,
                         .fallback = types[isa->fallback],
                         .check_rate = isa->check_rate };

    if (isa->base > UINT16_MAX - 7 || isa->channel > 3) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "iobase=0x%x,dma=%u: no place of a floppy controller", isa->base, isa->channel);
        return false;
    }
    if (!isa_device_irq(dev, isa->irq, &config.irq, error)) {
        return false;
    }
    isa->fdc = isa->floppies.fdc = fdc_new(&config);
    bus_init(&isa->floppies.bus, &floppy_bus_type, dev->board, dev, "floppy-bus.0");
    return true;
}

static void isa_fdc_reset(Device *dev)
{
    fdc_reset(((IsaFdc *)dev)->fdc);
}

static void isa_fdc_destroy(Device *dev)
{
    IsaFdc *isa = (IsaFdc *)dev;

    bus_clear(&isa->floppies.bus);
    fdc_free(isa->fdc);
}

static void isa_fdc_each_state(Device *dev, StateVisit *visit, void *opaque)
{
    visit(opaque, &fdc_state, dev->instance, ((IsaFdc *)dev)->fdc);
}

Bus *isa_fdc_bus(Device *dev)
{
    return &((IsaFdc *)dev)->floppies.bus;
}

FloppyType isa_fdc_drive_type(const Device *dev, unsigned drive)
{
    return fdc_drive_type(((const IsaFdc *)dev)->fdc, drive);
}

static const Property isa_fdc_properties[] = {
    PROPERTY_ROW("iobase", PROPERTY_U32, IsaFdc, base, .init = FDC_PORTS),
    PROPERTY_ROW("irq", PROPERTY_U32, IsaFdc, irq, .init = FDC_IRQ),
    PROPERTY_ROW("dma", PROPERTY_U32, IsaFdc, channel, .init = FDC_DMA),
    PROPERTY_ROW("check_media_rate", PROPERTY_BOOL, IsaFdc, check_rate, .init = true),
    PROPERTY_ROW("fallback", PROPERTY_ENUM, IsaFdc, fallback, .init = WORD_288,
                 .values = type_words, .enum_name = "FdcDriveType"),
    { 0 },
};

const DeviceType isa_fdc_type = {
    .name = "isa-fdc",
    .desc = "virtual floppy controller",
    .category = DEVICE_STORAGE,
    .bus = &isa_bus_type,
    .size = sizeof(IsaFdc),
    .properties = isa_fdc_properties,
    .create = isa_fdc_create,
    .reset = isa_fdc_reset,
    .destroy = isa_fdc_destroy,
    .each_state = isa_fdc_each_state,
};
