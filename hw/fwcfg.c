/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/fwcfg.h"
#include <string.h>

enum {
    PORT_SELECT = 0x510,
    PORT_DMA = 0x514,
    KEY_ARCH_LOCAL = 1u << 15,
    KEY_WRITE = 1u << 14, /* once meant a write channel; ignored */
    KEY_INVALID = 0xffff,
    ID_TRADITIONAL = 1u << 0,
    ID_DMA = 1u << 1,
};

enum { /* DMA control */
       DMA_ERROR = 1u << 0,
       DMA_READ = 1u << 1,
       DMA_SKIP = 1u << 2,
       DMA_SELECT = 1u << 3,
       DMA_WRITE = 1u << 4,
       DMA_CHUNK = 4096,
};

#define DMA_SIGNATURE 0x51454d5520434647ull /* "QEMU CFG" */

typedef struct Item {
    uint8_t *data;
    size_t size;
    bool shared; /* the bytes are somebody else's, and the guest may write them */
} Item;

typedef struct FileEntry { /* big-endian, as the guest reads it */
    uint32_t size;
    uint16_t key, reserved;
    char name[FWCFG_NAME_SIZE];
} FileEntry;
_Static_assert(sizeof(FileEntry) == 64, "the guest's layout");

struct FwCfg {
    IoBus *io;
    PhysMap *map;
    IoAttachment *ports;
    GHashTable *items; /* of Item, by key */
    FileEntry files[FWCFG_MAX_FILES];
    unsigned file_count;

    uint16_t key;
    uint32_t position; /* in the selected item */
    uint64_t dma_address;
};

static void item_free(void *opaque)
{
    Item *item = opaque;

    if (!item->shared) {
        g_free(item->data);
    }
    g_free(item);
}

/* ---- What the host puts in ---- */

void fwcfg_set(FwCfg *fw, uint16_t key, const void *data, size_t size)
{
    Item *item = g_new0(Item, 1);

    item->data = g_memdup2(data, size);
    item->size = size;
    g_hash_table_replace(fw->items, GUINT_TO_POINTER((unsigned)key), item);
}

void fwcfg_set_number(FwCfg *fw, uint16_t key, unsigned width, uint64_t value)
{
    uint64_t little = GUINT64_TO_LE(value);

    fwcfg_set(fw, key, &little, width);
}

static void fwcfg_publish_directory(FwCfg *fw)
{
    size_t size = sizeof(uint32_t) + fw->file_count * sizeof(FileEntry);
    g_autofree uint8_t *directory = g_malloc(size);
    uint32_t count = GUINT32_TO_BE(fw->file_count);

    memcpy(directory, &count, sizeof(count));
    memcpy(directory + sizeof(count), fw->files, size - sizeof(count));
    fwcfg_set(fw, FWCFG_FILE_DIR, directory, size);
}

bool fwcfg_set_file(FwCfg *fw, const char *name, const void *data, size_t size)
{
    unsigned i = 0;

    while (i < fw->file_count && strcmp(fw->files[i].name, name) != 0) {
        i++;
    }
    if (i == FWCFG_MAX_FILES || strlen(name) >= FWCFG_NAME_SIZE || size > UINT32_MAX) {
        return false;
    }
    if (i == fw->file_count) {
        fw->file_count++;
        g_strlcpy(fw->files[i].name, name, FWCFG_NAME_SIZE);
        fw->files[i].key = GUINT16_TO_BE(FWCFG_FILES + i);
    }
    fw->files[i].size = GUINT32_TO_BE((uint32_t)size);
    fwcfg_set(fw, (uint16_t)(FWCFG_FILES + i), data, size);
    fwcfg_publish_directory(fw);
    return true;
}

bool fwcfg_share_file(FwCfg *fw, const char *name, void *data, size_t size)
{
    bool done = fwcfg_set_file(fw, name, data, size);
    Item *item;

    for (unsigned i = 0; done && i < fw->file_count; i++) {
        if (strcmp(fw->files[i].name, name) == 0) {
            item = g_hash_table_lookup(fw->items, GUINT_TO_POINTER(FWCFG_FILES + i));
            g_free(item->data);
            item->data = data;
            item->shared = true;
        }
    }
    return done;
}

/* ---- Selector and data ---- */

static const Item *fwcfg_selected(const FwCfg *fw)
{
    return g_hash_table_lookup(fw->items, GUINT_TO_POINTER((unsigned)fw->key));
}

static void fwcfg_select(FwCfg *fw, uint16_t key)
{
    fw->key = key & (uint16_t)~KEY_WRITE;
    fw->position = 0;
    if (fwcfg_selected(fw) == NULL) {
        fw->key = KEY_INVALID;
    }
}

/* Fills `data`; zeros behind the end of the item. */
static void fwcfg_take(FwCfg *fw, uint8_t *data, uint32_t size)
{
    const Item *item = fwcfg_selected(fw);
    uint32_t left = item == NULL || item->size <= fw->position
                        ? 0
                        : (uint32_t)(item->size - fw->position);
    uint32_t n = MIN(left, size);

    if (n != 0) {
        memcpy(data, item->data + fw->position, n);
    }
    memset(data + n, 0, size - n);
    fw->position += n;
}

static void fwcfg_skip(FwCfg *fw, uint32_t size)
{
    const Item *item = fwcfg_selected(fw);

    if (item != NULL) {
        fw->position = (uint32_t)MIN((uint64_t)fw->position + size, item->size);
    }
}

/* All of it or nothing. */
static bool fwcfg_write(FwCfg *fw, uint64_t address, uint32_t length)
{
    const Item *item = fwcfg_selected(fw);

    if (length == 0) {
        return true;
    }
    if (item == NULL || !item->shared || fw->position > item->size ||
        length > item->size - fw->position) {
        return false;
    }
    phys_map_read(fw->map, address, item->data + fw->position, length);
    fw->position += length;
    return true;
}

static uint32_t port_read(void *opaque, uint16_t offset, unsigned width)
{
    FwCfg *fw = opaque;
    uint8_t byte;

    (void)offset;
    if (width != 1) {
        return UINT32_MAX;
    }
    fwcfg_take(fw, &byte, 1);
    return byte;
}

static void port_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    if (offset == 0 && width == 2) {
        fwcfg_select(opaque, (uint16_t)value);
    }
}

/* ---- DMA ---- */

static uint32_t dma_transfer(FwCfg *fw, uint32_t control, uint64_t address, uint32_t length)
{
    uint8_t chunk[DMA_CHUNK];

    if ((control & DMA_SELECT) != 0) {
        fwcfg_select(fw, (uint16_t)(control >> 16));
    }
    if ((control & DMA_READ) != 0) {
        while (length != 0) {
            uint32_t n = MIN(length, DMA_CHUNK);

            fwcfg_take(fw, chunk, n);
            phys_map_write(fw->map, address, chunk, n);
            address += n;
            length -= n;
        }
        return 0;
    }
    if ((control & DMA_WRITE) != 0) {
        return fwcfg_write(fw, address, length) ? 0 : DMA_ERROR;
    }
    if ((control & DMA_SKIP) != 0) {
        fwcfg_skip(fw, length);
    }
    return 0;
}

/* The guest's command: control, length, address, all big-endian. */
static void dma_run(FwCfg *fw)
{
    uint8_t command[16];
    uint32_t control, length, result;
    uint64_t address;

    phys_map_read(fw->map, fw->dma_address, command, sizeof(command));
    memcpy(&control, command, 4);
    memcpy(&length, command + 4, 4);
    memcpy(&address, command + 8, 8);
    result = dma_transfer(fw, GUINT32_FROM_BE(control), GUINT64_FROM_BE(address),
                          GUINT32_FROM_BE(length));
    result = GUINT32_TO_BE(result);
    phys_map_write(fw->map, fw->dma_address, &result, sizeof(result));
    fw->dma_address = 0;
}

static uint32_t dma_read(void *opaque, uint16_t offset, unsigned width)
{
    uint64_t signature = GUINT64_TO_BE(DMA_SIGNATURE);
    uint32_t value = 0;

    (void)opaque;
    memcpy(&value, (const uint8_t *)&signature + offset, MIN(width, 8u - offset));
    return value;
}

static void dma_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    FwCfg *fw = opaque;

    if (width != 4) {
        return;
    }
    if (offset == 0) {
        fw->dma_address = (uint64_t)GUINT32_FROM_BE(value) << 32;
    } else if (offset == 4) { /* the low half starts it */
        fw->dma_address |= GUINT32_FROM_BE(value);
        dma_run(fw);
    }
}

static const IoRange fwcfg_ports[] = {
    { .base = PORT_SELECT,
      .count = 2,
      .widths = IO_8 | IO_16,
      .read = port_read,
      .write = port_write },
    { .base = PORT_DMA,
      .count = 8,
      .widths = IO_8 | IO_16 | IO_32,
      .read = dma_read,
      .write = dma_write },
};

/* ---- Life ---- */

void fwcfg_reset(FwCfg *fw)
{
    fwcfg_select(fw, FWCFG_SIGNATURE);
    fw->dma_address = 0;
}

FwCfg *fwcfg_new(IoBus *io, PhysMap *map)
{
    FwCfg *fw = g_new0(FwCfg, 1);

    fw->io = io;
    fw->map = map;
    fw->items = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, item_free);
    fwcfg_set(fw, FWCFG_SIGNATURE, "QEMU", 4);
    fwcfg_set_number(fw, FWCFG_ID, 4, ID_TRADITIONAL | ID_DMA);
    fwcfg_publish_directory(fw);
    fw->ports = io_bus_attach(io, fwcfg_ports, G_N_ELEMENTS(fwcfg_ports), fw);
    fwcfg_reset(fw);
    return fw;
}

void fwcfg_free(FwCfg *fw)
{
    io_bus_detach(fw->io, fw->ports);
    g_hash_table_destroy(fw->items);
    g_free(fw);
}

static const StateField fwcfg_fields[] = {
    STATE_FIELD(STATE_U16, FwCfg, key),
    STATE_FIELD(STATE_U32, FwCfg, position),
    STATE_FIELD(STATE_U64, FwCfg, dma_address),
    { 0 },
};

const StateTable fwcfg_state = { .name = "fw_cfg", .version = 1, .fields = fwcfg_fields };
