/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nvme.c - the controller: registers (NVM Express 1.4, 3.1), enabling, shutdown and reset, the row.
 *
 * Registers and doorbells are in BAR 0, and the MSI-X table and pending bits behind them. There is
 * no controller memory buffer. */
#include "hw/nvme/nvme_int.h"

#include <string.h>

#include "hw/device_types.h"

enum {
    REG_CAP = 0x00,
    REG_CAP_HIGH = 0x04,
    REG_VERSION = 0x08,
    REG_INTMS = 0x0c,
    REG_INTMC = 0x10,
    REG_CC = 0x14,
    REG_CSTS = 0x1c,
    REG_AQA = 0x24,
    REG_ASQ = 0x28,
    REG_ASQ_HIGH = 0x2c,
    REG_ACQ = 0x30,
    REG_ACQ_HIGH = 0x34,
    REG_DOORBELLS = 0x1000,
    BAR = 0,
    VERSION_1_4 = 0x10400,
};

enum { /* CC */
       CC_ENABLE = 1,
       CC_WRITABLE = 0x00fffff1,
       MPS_MAX = 4,
};
#define CC_CSS(cc) ((cc) >> 4 & 7)
#define CC_MPS(cc) ((cc) >> 7 & 15)
#define CC_AMS(cc) ((cc) >> 11 & 7)
#define CC_SHN(cc) ((cc) >> 14 & 3)

enum { /* CSTS */
       CSTS_READY = 1,
       CSTS_FATAL = 2,
       CSTS_SHUTDOWN = 0x0c,
       CSTS_SHUTDOWN_OCCURRING = 0x04,
       CSTS_SHUTDOWN_COMPLETE = 0x08,
};

/* Queues of 2048 entries in one piece, 7.5 s until it is ready at most, the NVM command set, pages
 * of 4 to 64 KiB. */
#define CAP                                                                                        \
    ((uint64_t)(NVME_ENTRIES_MAX - 1) | UINT64_C(1) << 16 | UINT64_C(15) << 24 |                   \
     UINT64_C(1) << 37 | (uint64_t)MPS_MAX << 52)

bool nvme_running(const Nvme *nvme)
{
    return (nvme->csts & (CSTS_READY | CSTS_FATAL)) == CSTS_READY;
}

void nvme_fatal(Nvme *nvme)
{
    nvme->csts |= CSTS_FATAL;
}

void nvme_drain(Nvme *nvme)
{
    for (unsigned i = 1; i <= NVME_NAMESPACES; i++) {
        if (nvme->ns[i] != NULL) {
            block_drain(nvme->ns[i]->drive);
        }
    }
}

/* ---- Enabling, shutdown, reset ---- */

static void controller_stop(Nvme *nvme)
{
    nvme->resetting = true;
    nvme_drain(nvme);
    nvme->resetting = false;
    nvme_queues_reset(nvme);
    nvme_features_reset(nvme);
    nvme->csts = 0;
    nvme->intms = 0;
    nvme_update_interrupt(nvme);
}

static void controller_start(Nvme *nvme)
{
    uint32_t sq_size = (nvme->aqa & 0xfff) + 1, cq_size = (nvme->aqa >> 16 & 0xfff) + 1;
    uint64_t page = nvme_page_size(nvme);

    if (CC_MPS(nvme->cc) > MPS_MAX || CC_CSS(nvme->cc) != 0 || CC_AMS(nvme->cc) != 0 ||
        sq_size < 2 || cq_size < 2 || sq_size > NVME_ENTRIES_MAX || cq_size > NVME_ENTRIES_MAX ||
        nvme->asq % page != 0 || nvme->acq % page != 0) {
        nvme_fatal(nvme);
        return;
    }
    nvme->cq[0] = (NvmeCq){
        .there = true, .interrupts = true, .phase = true, .base = nvme->acq, .size = cq_size
    };
    nvme->sq[0] = (NvmeSq){ .there = true, .base = nvme->asq, .size = sq_size };
    nvme->csts |= CSTS_READY;
}

static void shutdown_flushed(void *opaque, int error)
{
    Nvme *nvme = opaque;

    (void)error;
    nvme->flushing--;
    if (nvme->flushing == 0 && (nvme->csts & CSTS_SHUTDOWN) == CSTS_SHUTDOWN_OCCURRING) {
        nvme->csts = (nvme->csts & ~(uint32_t)CSTS_SHUTDOWN) | CSTS_SHUTDOWN_COMPLETE;
    }
}

static void controller_shutdown(Nvme *nvme)
{
    nvme->csts = (nvme->csts & ~(uint32_t)CSTS_SHUTDOWN) | CSTS_SHUTDOWN_OCCURRING;
    nvme->flushing++; /* until all are asked for */
    for (unsigned i = 1; i <= NVME_NAMESPACES; i++) {
        if (nvme->ns[i] != NULL) {
            nvme->flushing++;
            block_flush(nvme->ns[i]->drive, shutdown_flushed, nvme);
        }
    }
    shutdown_flushed(nvme, 0);
}

static void cc_write(Nvme *nvme, uint32_t value)
{
    uint32_t before = nvme->cc;

    nvme->cc = value & CC_WRITABLE;
    if ((before & CC_ENABLE) == 0 && (value & CC_ENABLE) != 0) {
        controller_start(nvme);
    } else if ((before & CC_ENABLE) != 0 && (value & CC_ENABLE) == 0) {
        controller_stop(nvme);
        return;
    }
    if (CC_SHN(before) == 0 && CC_SHN(value) != 0) {
        controller_shutdown(nvme);
    } else if (CC_SHN(before) != 0 && CC_SHN(value) == 0) {
        nvme->csts &= ~(uint32_t)CSTS_SHUTDOWN;
    }
}

/* ---- Registers ---- */

static uint32_t register_read(const Nvme *nvme, uint64_t offset)
{
    switch (offset) {
    case REG_CAP:
        return (uint32_t)CAP;
    case REG_CAP_HIGH:
        return (uint32_t)(CAP >> 32);
    case REG_VERSION:
        return VERSION_1_4;
    case REG_INTMS:
    case REG_INTMC:
        return nvme->intms;
    case REG_CC:
        return nvme->cc;
    case REG_CSTS:
        return nvme->csts;
    case REG_AQA:
        return nvme->aqa;
    case REG_ASQ:
        return (uint32_t)nvme->asq;
    case REG_ASQ_HIGH:
        return (uint32_t)(nvme->asq >> 32);
    case REG_ACQ:
        return (uint32_t)nvme->acq;
    case REG_ACQ_HIGH:
        return (uint32_t)(nvme->acq >> 32);
    default:
        return 0;
    }
}

static uint64_t with_low(uint64_t before, uint32_t value)
{
    return (before & ~UINT64_C(0xffffffff)) | (value & ~(uint32_t)(NVME_PAGE_MIN - 1));
}

static uint64_t with_high(uint64_t before, uint32_t value)
{
    return (before & UINT64_C(0xffffffff)) | (uint64_t)value << 32;
}

static void register_write(Nvme *nvme, uint64_t offset, uint32_t value)
{
    switch (offset) {
    case REG_INTMS:
    case REG_INTMC:
        nvme->intms = offset == REG_INTMS ? nvme->intms | value : nvme->intms & ~value;
        nvme_update_interrupt(nvme);
        break;
    case REG_CC:
        cc_write(nvme, value);
        break;
    case REG_AQA:
        nvme->aqa = value & 0x0fff0fff;
        break;
    case REG_ASQ:
        nvme->asq = with_low(nvme->asq, value);
        break;
    case REG_ASQ_HIGH:
        nvme->asq = with_high(nvme->asq, value);
        break;
    case REG_ACQ:
        nvme->acq = with_low(nvme->acq, value);
        break;
    case REG_ACQ_HIGH:
        nvme->acq = with_high(nvme->acq, value);
        break;
    default:
        break;
    }
}

static uint64_t bar_read(void *opaque, uint64_t offset, unsigned width)
{
    Nvme *nvme = opaque;
    uint64_t value;

    if (pci_msix_claims(&nvme->pci, offset)) {
        return pci_msix_read(&nvme->pci, offset, width);
    }
    if (offset >= REG_DOORBELLS) { /* write-only */
        return 0;
    }
    value = register_read(nvme, offset & ~UINT64_C(3)) >> 8 * (offset & 3);
    return width == 8 ? value | (uint64_t)register_read(nvme, offset + 4) << 32 : value;
}

/* Of 4 bytes, or two registers at once; the specification has no others. */
static void bar_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    Nvme *nvme = opaque;

    if (pci_msix_claims(&nvme->pci, offset)) {
        pci_msix_write(&nvme->pci, offset, width, value);
    } else if (width < 4) {
        return;
    } else if (offset >= REG_DOORBELLS) {
        if (width == 4 && offset < nvme->table_offset) {
            nvme_doorbell(nvme, offset, (uint32_t)value);
        }
    } else {
        register_write(nvme, offset, (uint32_t)value);
        if (width == 8) {
            register_write(nvme, offset + 4, (uint32_t)(value >> 32));
        }
    }
}

static const MmioOps bar_ops = { .read = bar_read, .write = bar_write };

/* ---- Coming and going ---- */

static bool settings_check(const Nvme *nvme, GError **error)
{
    const char *wrong = NULL;

    if (nvme->serial == NULL) {
        wrong = "serial property not set";
    } else if (nvme->max_ioqpairs < 1 || nvme->max_ioqpairs > NVME_QUEUES_MAX - 1) {
        wrong = "max_ioqpairs must be between 1 and 128";
    } else if (nvme->msix_qsize < 1 || nvme->msix_qsize > NVME_VECTORS_MAX) {
        wrong = "msix_qsize must be between 1 and 2048";
    } else if (nvme->mdts < 1 || nvme->mdts > 9) {
        wrong = "mdts must be between 1 and 9";
    } else if (nvme->aerl > NVME_AER_MAX - 1) {
        wrong = "aerl must be at most 15";
    } else if (nvme->cmb_size_mb != 0) {
        wrong = "cmb_size_mb is not supported: there is no controller memory buffer";
    }
    if (wrong != NULL) {
        g_set_error_literal(error, DEVICE_ERROR, DEVICE_ERROR_VALUE, wrong);
    }
    return wrong == NULL;
}

static uint32_t round_up(uint32_t value, uint32_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static void bar_add(Nvme *nvme)
{
    uint32_t doorbells = (nvme->max_ioqpairs + 1) * 8, size = NVME_PAGE_MIN;
    uint32_t table = REG_DOORBELLS + round_up(doorbells, NVME_PAGE_MIN);
    uint32_t pending = table + round_up(nvme->msix_qsize * 16u, NVME_PAGE_MIN);

    while (size < pending + round_up((nvme->msix_qsize + 7u) / 8, NVME_PAGE_MIN)) {
        size *= 2;
    }
    nvme->table_offset = table;
    nvme->pending_offset = pending;
    pci_device_add_mmio_bar(&nvme->pci, BAR, size, false, true, &bar_ops, nvme);
    pci_msix_init_shared(&nvme->pci, nvme->msix_qsize, BAR, table, pending);
}

static bool own_namespace(Nvme *nvme, GError **error)
{
    if (nvme->drive == NULL) {
        return true;
    }
    if (!block_has_medium(nvme->drive)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "Device needs media, but drive is empty");
        return false;
    }
    if (!nvme_blocks_check(nvme->logical_block, nvme->physical_block, error)) {
        return false;
    }
    nvme->own.drive = nvme->drive;
    nvme->own.block = (uint32_t)nvme->logical_block;
    nvme->own.physical_block = (uint32_t)nvme->physical_block;
    return nvme_ns_attach(nvme, &nvme->own, 1, error);
}

static void identity_set(Nvme *nvme)
{
    enum { VENDOR = 0, DEVICE = 2, INTEL = 0x8086, INTEL_NVME = 0x5845 };

    if (nvme->intel_id) {
        memcpy(nvme->pci.config + VENDOR, &(uint16_t){ INTEL }, 2);
        memcpy(nvme->pci.config + DEVICE, &(uint16_t){ INTEL_NVME }, 2);
    }
}

static bool nvme_create(Device *dev, GError **error)
{
    Nvme *nvme = (Nvme *)dev;
    g_autofree char *name = NULL;

    if (!settings_check(nvme, error) || !own_namespace(nvme, error)) {
        return false;
    }
    identity_set(nvme);
    bar_add(nvme);
    name = dev->id != NULL ? g_strdup(dev->id) : g_strdup_printf("nvme-bus.%u", dev->instance);
    nvme->bus.nvme = nvme;
    bus_init(&nvme->bus.bus, &nvme_bus_type, dev->board, dev, name);
    return true;
}

static void nvme_reset(Device *dev)
{
    Nvme *nvme = (Nvme *)dev;

    controller_stop(nvme);
    nvme->cc = nvme->aqa = 0;
    nvme->asq = nvme->acq = 0;
}

static void nvme_destroy(Device *dev)
{
    Nvme *nvme = (Nvme *)dev;

    controller_stop(nvme);
    bus_clear(&nvme->bus.bus);
    if (nvme->own.drive != NULL) {
        nvme_ns_detach(nvme, &nvme->own);
    }
}

/* ---- State ---- */

static void nvme_loaded(void *opaque)
{
    Nvme *nvme = opaque;

    nvme->aers = MIN(nvme->aers, NVME_AER_MAX);
    nvme->events &= (1u << NVME_EVENT_COUNT) - 1;
    nvme->cc &= CC_WRITABLE;
    if (CC_MPS(nvme->cc) > MPS_MAX || nvme->asq % NVME_PAGE_MIN != 0 ||
        nvme->acq % NVME_PAGE_MIN != 0) {
        nvme->cc = nvme->csts = 0;
    }
}

static const StateField nvme_fields[] = {
    STATE_FIELD(STATE_U32, Nvme, cc),
    STATE_FIELD(STATE_U32, Nvme, csts),
    STATE_FIELD(STATE_U32, Nvme, intms),
    STATE_FIELD(STATE_U32, Nvme, aqa),
    STATE_FIELD(STATE_U64, Nvme, asq),
    STATE_FIELD(STATE_U64, Nvme, acq),
    STATE_ARRAY(STATE_U16, Nvme, aer),
    STATE_FIELD(STATE_U32, Nvme, aers),
    STATE_FIELD(STATE_U32, Nvme, events),
    STATE_FIELD(STATE_U32, Nvme, masked),
    STATE_FIELD(STATE_U32, Nvme, arbitration),
    STATE_FIELD(STATE_U32, Nvme, error_recovery),
    STATE_FIELD(STATE_U32, Nvme, coalescing),
    STATE_FIELD(STATE_U32, Nvme, write_atomicity),
    STATE_FIELD(STATE_U32, Nvme, event_config),
    STATE_FIELD(STATE_U16, Nvme, over_threshold),
    STATE_FIELD(STATE_U16, Nvme, under_threshold),
    STATE_FIELD(STATE_BOOL, Nvme, write_cache),
    STATE_ARRAY(STATE_U32, Nvme, vector_config),
    STATE_FIELD(STATE_U64, Nvme, timestamp),
    STATE_FIELD(STATE_U64, Nvme, timestamp_set_ns),
    STATE_FIELD(STATE_BOOL, Nvme, timestamp_given),
    STATE_FIELD(STATE_U64, Nvme, errors),
    STATE_FIELD(STATE_U64, Nvme, host_reads),
    STATE_FIELD(STATE_U64, Nvme, host_writes),
    { 0 },
};

static const StateTable nvme_state = {
    .name = "nvme",
    .version = 1,
    .fields = nvme_fields,
    .loaded = nvme_loaded,
};

/* Visited last: queues without an end go, what the driver has rung for goes on. */
static void queues_loaded(void *opaque)
{
    Nvme *nvme = opaque;

    for (unsigned i = 0; i <= nvme->max_ioqpairs; i++) {
        NvmeSq *sq = &nvme->sq[i];

        if (sq->there && (sq->cqid > nvme->max_ioqpairs || !nvme->cq[sq->cqid].there)) {
            memset(sq, 0, sizeof(*sq));
        }
    }
    if (!nvme->cq[0].there || !nvme->sq[0].there) {
        nvme->csts &= ~(uint32_t)CSTS_READY;
    }
    nvme_update_interrupt(nvme);
    nvme_events_tell(nvme);
    for (unsigned i = 0; i <= nvme->max_ioqpairs; i++) {
        nvme_sq_run(nvme, i);
    }
}

static const StateField no_fields[] = { { 0 } };

static const StateTable queues_state = {
    .name = "nvme-queues",
    .version = 1,
    .fields = no_fields,
    .loaded = queues_loaded,
};

static void nvme_each_state(Device *dev, StateVisit *visit, void *opaque)
{
    enum { QUEUE_BITS = 16 };
    Nvme *nvme = (Nvme *)dev;

    for (unsigned i = 0; i <= nvme->max_ioqpairs; i++) {
        visit(opaque, &nvme_cq_state, dev->instance << QUEUE_BITS | i, &nvme->cq[i]);
        visit(opaque, &nvme_sq_state, dev->instance << QUEUE_BITS | i, &nvme->sq[i]);
    }
    visit(opaque, &queues_state, dev->instance, nvme);
}

/* ---- The row ---- */

static const Property nvme_properties[] = {
    PROPERTY_ROW("drive", PROPERTY_DRIVE, Nvme, drive,
                 .help = "Node name or ID of a block device to use as a backend"),
    PROPERTY_ROW("serial", PROPERTY_STRING, Nvme, serial),
    PROPERTY_ROW("max_ioqpairs", PROPERTY_U32, Nvme, max_ioqpairs, .init = 64),
    PROPERTY_ROW("msix_qsize", PROPERTY_U16, Nvme, msix_qsize, .init = 65),
    PROPERTY_ROW("mdts", PROPERTY_U8, Nvme, mdts, .init = 7),
    PROPERTY_ROW("aerl", PROPERTY_U8, Nvme, aerl, .init = 3),
    PROPERTY_ROW("cmb_size_mb", PROPERTY_U32, Nvme, cmb_size_mb),
    PROPERTY_ROW("use-intel-id", PROPERTY_BOOL, Nvme, intel_id),
    PROPERTY_ROW("write-cache", PROPERTY_ON_OFF_AUTO, Nvme, write_cache_wanted),
    PROPERTY_ROW("logical_block_size", PROPERTY_SIZE, Nvme, logical_block, .init = 512),
    PROPERTY_ROW("physical_block_size", PROPERTY_SIZE, Nvme, physical_block, .init = 512),
    PROPERTY_ROW("bootindex", PROPERTY_INT, Nvme, bootindex, .init = -1),
    { 0 },
};

static const PciClass nvme_class = {
    .name = "nvme",
    .vendor = 0x1b36,
    .device = 0x0010,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x010802,
    .revision = 2,
    .interrupt_pin = 1,
};

const DeviceType nvme_type = {
    .name = "nvme",
    .desc = "Non-Volatile Memory Express",
    .category = DEVICE_STORAGE,
    .bus = &pci_bus_type,
    .size = sizeof(Nvme),
    .properties = nvme_properties,
    .pci = &nvme_class,
    .hotpluggable = true,
    .create = nvme_create,
    .reset = nvme_reset,
    .destroy = nvme_destroy,
    .state = &nvme_state,
    .each_state = nvme_each_state,
};
