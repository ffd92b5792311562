/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/pflash.h"

#include <string.h>

enum { /* commands; the array answers reads after READ_ARRAY and after reset */
       READ_ARRAY = 0xff,
       READ_ARRAY_AMD = 0xf0,
       PROGRAM = 0x40,
       PROGRAM_ALTERNATE = 0x10,
       ERASE = 0x20,
       CLEAR_STATUS = 0x50,
       LOCK = 0x60,
       READ_STATUS = 0x70,
       READ_ID = 0x90,
       CFI_QUERY = 0x98,
       CONFIRM = 0xd0,
       WRITE_BUFFER = 0xe8,
};

enum { /* status register */
       STATUS_READY = 0x80,
       STATUS_ERASE = 0x20,   /* failed */
       STATUS_PROGRAM = 0x10, /* failed */
       STATUS_LOCKED = 0x02,
};

enum {
    BUFFER_SIZE = 64, /* of WRITE_BUFFER */
    BUFFER_SHIFT = 6,
    MANUFACTURER = 0x89,
    DEVICE_ID = 0x18,
    CFI_SIZE = 0x34,
    IMAGE_UNIT = 512, /* in which the image is written */
};

/* What a write means: the last command, or the step of one that has several. */
typedef enum FlashStep {
    STEP_ARRAY,
    STEP_STATUS,
    STEP_ID,
    STEP_CFI,
    STEP_PROGRAM,      /* the next write is the data */
    STEP_ERASE,        /* ... the confirmation */
    STEP_LOCK,         /* ... what to do with the lock bit */
    STEP_BUFFER_COUNT, /* ... the number of bytes, less one */
    STEP_BUFFER_DATA,
    STEP_BUFFER_CONFIRM,
} FlashStep;

struct Pflash {
    PhysMap *map;
    BlockNode *image;
    uint64_t size, ram_offset;
    PhysRange *array, *registers;
    uint8_t cfi[CFI_SIZE];

    uint8_t step; /* FlashStep */
    uint8_t status;
    uint16_t buffer_left;
    uint64_t buffer_at; /* offset of the first byte of the buffer */
    uint64_t buffer_mask;
    uint8_t buffer[BUFFER_SIZE];     /* bytes whose bit is set in buffer_mask */
    uint64_t dirty_first, dirty_end; /* not in the image yet; equal: nothing */
    struct iovec write;              /* the request to the image; NULL: none */
};

GQuark pflash_error_quark(void)
{
    return g_quark_from_static_string("pflash-error");
}

static uint8_t *flash_bytes(const Pflash *flash)
{
    return phys_map_ram(flash->map) + flash->ram_offset;
}

/* ---- The image ---- */

static void image_update(Pflash *flash);

static void image_flushed(void *opaque, int error)
{
    (void)opaque;
    (void)error;
}

/* An error is not told: the guest has gone on long ago, and the next start finds what is there. */
static void image_written(void *opaque, int error)
{
    Pflash *flash = opaque;

    (void)error;
    g_clear_pointer(&flash->write.iov_base, g_free);
    block_flush(flash->image, image_flushed, NULL);
    image_update(flash);
}

/* What has changed goes to the image, and to stable storage behind it. One request at a time: two
 * that overlap could end in either order. */
static void image_update(Pflash *flash)
{
    uint64_t first = flash->dirty_first & ~(uint64_t)(IMAGE_UNIT - 1);
    uint64_t size = ((flash->dirty_end + IMAGE_UNIT - 1) & ~(uint64_t)(IMAGE_UNIT - 1)) - first;

    if (flash->dirty_first == flash->dirty_end || flash->write.iov_base != NULL) {
        return;
    }
    flash->write = (struct iovec){ g_memdup2(flash_bytes(flash) + first, size), size };
    flash->dirty_first = flash->dirty_end = 0;
    block_write(flash->image, first, &flash->write, 1, image_written, flash);
}

static void flash_changed(Pflash *flash, uint64_t offset, uint64_t size)
{
    phys_map_span_written(flash->map, flash_bytes(flash) + offset, size);
    if (flash->dirty_first == flash->dirty_end) {
        flash->dirty_first = offset;
        flash->dirty_end = offset + size;
    } else {
        flash->dirty_first = MIN(flash->dirty_first, offset);
        flash->dirty_end = MAX(flash->dirty_end, offset + size);
    }
}

/* ---- Programming ---- */

static bool flash_protected(Pflash *flash, uint8_t failure)
{
    flash->status |= STATUS_READY; /* at once, whatever comes of it */
    if (block_readonly(flash->image)) {
        flash->status |= failure | STATUS_LOCKED;
        return true;
    }
    return false;
}

/* Bits can only be cleared. */
static void flash_program(Pflash *flash, uint64_t offset, const uint8_t *data, size_t size)
{
    uint8_t *bytes = flash_bytes(flash) + offset;

    if (size > flash->size - offset) {
        flash->status |= STATUS_PROGRAM;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] &= data[i];
    }
    flash_changed(flash, offset, size);
}

static void flash_erase(Pflash *flash, uint64_t offset)
{
    offset &= ~(uint64_t)(PFLASH_SECTOR - 1);
    memset(flash_bytes(flash) + offset, 0xff, PFLASH_SECTOR);
    flash_changed(flash, offset, PFLASH_SECTOR);
}

/* ---- Commands ---- */

static void flash_step(Pflash *flash, FlashStep step)
{
    bool array = step == STEP_ARRAY;

    if (array) {
        image_update(flash);
    }
    if ((flash->step == STEP_ARRAY) != array) {
        phys_range_set_enabled(flash->map, flash->registers, !array);
    }
    flash->step = (uint8_t)step;
}

static void flash_command(Pflash *flash, uint8_t command)
{
    switch (command) {
    case PROGRAM:
    case PROGRAM_ALTERNATE:
        flash_step(flash, STEP_PROGRAM);
        break;
    case ERASE:
        flash_step(flash, STEP_ERASE);
        break;
    case LOCK:
        flash_step(flash, STEP_LOCK);
        break;
    case CLEAR_STATUS: /* all of it: firmware (OVMF) knows flash from RAM by this */
        flash->status = 0;
        flash_step(flash, STEP_ARRAY);
        break;
    case READ_STATUS:
        flash_step(flash, STEP_STATUS);
        break;
    case READ_ID:
        flash_step(flash, STEP_ID);
        break;
    case CFI_QUERY:
        flash_step(flash, STEP_CFI);
        break;
    case WRITE_BUFFER:
        flash_step(flash, STEP_BUFFER_COUNT);
        break;
    default: /* READ_ARRAY, READ_ARRAY_AMD, and what nobody knows */
        flash_step(flash, STEP_ARRAY);
        break;
    }
}

static void buffer_begin(Pflash *flash, uint64_t offset, uint8_t count)
{
    if (count >= BUFFER_SIZE) {
        flash->status |= STATUS_PROGRAM;
        flash_step(flash, STEP_STATUS);
        return;
    }
    flash->buffer_left = count + 1u;
    flash->buffer_at = offset >> BUFFER_SHIFT << BUFFER_SHIFT;
    flash->buffer_mask = 0;
    flash_step(flash, STEP_BUFFER_DATA);
}

static void buffer_data(Pflash *flash, uint64_t offset, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width && flash->buffer_left != 0; i++, flash->buffer_left--) {
        uint64_t at = offset + i - flash->buffer_at;

        if (at < BUFFER_SIZE) {
            flash->buffer[at] = (uint8_t)(value >> (8 * i));
            flash->buffer_mask |= 1ull << at;
        }
    }
    if (flash->buffer_left == 0) {
        flash_step(flash, STEP_BUFFER_CONFIRM);
    }
}

static void buffer_confirm(Pflash *flash, uint8_t value)
{
    if (value != CONFIRM) {
        flash->status |= STATUS_PROGRAM | STATUS_ERASE; /* a wrong sequence */
    } else if (!flash_protected(flash, STATUS_PROGRAM)) {
        for (unsigned i = 0; i < BUFFER_SIZE; i++) {
            if ((flash->buffer_mask >> i & 1) != 0) {
                flash_program(flash, flash->buffer_at + i, &flash->buffer[i], 1);
            }
        }
    }
    flash_step(flash, STEP_STATUS);
}

static void flash_write_at(Pflash *flash, uint64_t offset, unsigned width, uint64_t value)
{
    uint8_t low = (uint8_t)value;

    switch (flash->step) {
    case STEP_PROGRAM:
        if (!flash_protected(flash, STATUS_PROGRAM)) {
            flash_program(flash, offset, (const uint8_t *)&value, width);
        }
        flash_step(flash, STEP_STATUS);
        break;
    case STEP_ERASE:
        if (low != CONFIRM) {
            flash->status |= STATUS_PROGRAM | STATUS_ERASE;
        } else if (!flash_protected(flash, STATUS_ERASE)) {
            flash_erase(flash, offset);
        }
        flash_step(flash, STEP_STATUS);
        break;
    case STEP_LOCK: /* there are no lock bits to set */
        flash_step(flash, STEP_STATUS);
        break;
    case STEP_BUFFER_COUNT:
        buffer_begin(flash, offset, low);
        break;
    case STEP_BUFFER_DATA:
        buffer_data(flash, offset, value, width);
        break;
    case STEP_BUFFER_CONFIRM:
        buffer_confirm(flash, low);
        break;
    default:
        flash_command(flash, low);
        break;
    }
}

/* ---- Accesses ---- */

static uint8_t flash_answer(const Pflash *flash, uint64_t offset)
{
    switch (flash->step) {
    case STEP_ID:
        switch (offset & 0xff) {
        case 0:
            return MANUFACTURER;
        case 1:
            return DEVICE_ID;
        default:
            return 0;
        }
    case STEP_CFI:
        return offset < CFI_SIZE ? flash->cfi[offset] : 0;
    default:
        return flash->status;
    }
}

static uint64_t registers_read(void *opaque, uint64_t offset, unsigned width)
{
    const Pflash *flash = opaque;
    uint64_t value = 0;

    for (unsigned i = 0; i < width; i++) {
        value |= (uint64_t)flash_answer(flash, offset + i) << (8 * i);
    }
    return value;
}

static void registers_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    flash_write_at(opaque, offset, width, value);
}

/* The same, while the array is read: the offset is one in RAM. */
static void array_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    Pflash *flash = opaque;

    flash_write_at(flash, offset - flash->ram_offset, width, value);
}

static const MmioOps array_ops = { .write = array_write, .min_width = 1, .max_width = 8 };
static const MmioOps registers_ops = { .read = registers_read, .write = registers_write };

/* ---- Life ---- */

/* The query table: one region of sectors, a byte wide (JESD68.01, 2.2). */
static void cfi_fill(Pflash *flash)
{
    unsigned sectors = (unsigned)(flash->size / PFLASH_SECTOR), log = 0;
    uint8_t *cfi = flash->cfi;

    while (1ull << log < flash->size) {
        log++;
    }
    memcpy(cfi + 0x10, "QRY\x01\x00\x31\x00", 7); /* Intel's; its own table at 31H */
    cfi[0x1b] = 0x45;                             /* 4.5 to 5.5 V */
    cfi[0x1c] = 0x55;
    cfi[0x1f] = 7; /* times, as powers of two */
    cfi[0x20] = 7;
    cfi[0x21] = 10;
    cfi[0x23] = 4;
    cfi[0x24] = 4;
    cfi[0x25] = 4;
    cfi[0x27] = (uint8_t)log;
    cfi[0x2a] = BUFFER_SHIFT;
    cfi[0x2c] = 1;
    cfi[0x2d] = (uint8_t)(sectors - 1);
    cfi[0x2e] = (uint8_t)((sectors - 1) >> 8);
    cfi[0x2f] = (uint8_t)(PFLASH_SECTOR >> 8);
    cfi[0x30] = (uint8_t)(PFLASH_SECTOR >> 16);
    memcpy(cfi + 0x31, "PRI", 3);
}

static void image_read(void *opaque, int error)
{
    *(int *)opaque = error;
}

static bool flash_load(Pflash *flash, GError **error)
{
    struct iovec iov = { flash_bytes(flash), flash->size };
    int result = -1;

    block_read(flash->image, 0, &iov, 1, image_read, &result);
    block_drain(flash->image);
    if (result != 0) {
        g_set_error(error, PFLASH_ERROR, PFLASH_ERROR_READ, "the flash image cannot be read: %s",
                    g_strerror(result));
        return false;
    }
    return true;
}

Pflash *pflash_new(PhysMap *map, uint64_t gpa, BlockNode *image, int priority, GError **error)
{
    uint64_t size = block_size(image);
    Pflash *flash;

    if (size == 0 || size > PFLASH_MAX || size % PFLASH_SECTOR != 0) {
        g_set_error(error, PFLASH_ERROR, PFLASH_ERROR_SIZE,
                    "a flash image has 4 KiB to 8 MiB in steps of 4 KiB, not %" G_GUINT64_FORMAT
                    " bytes",
                    size);
        return NULL;
    }
    flash = g_new0(Pflash, 1);
    flash->map = map;
    flash->image = image;
    flash->size = size;
    flash->status = STATUS_READY;
    flash->ram_offset = phys_map_take_device_ram(map, size);
    g_assert(flash->ram_offset != UINT64_MAX);
    cfi_fill(flash);
    if (!flash_load(flash, error)) {
        phys_map_give_device_ram(map, flash->ram_offset, size);
        g_free(flash);
        return NULL;
    }
    phys_map_begin(map);
    flash->array = phys_map_add_ram(map, gpa, flash->ram_offset, size, priority);
    phys_range_set_writable(map, flash->array, false);
    phys_range_set_trap(map, flash->array, &array_ops, flash);
    flash->registers = phys_map_add_mmio(map, gpa, size, &registers_ops, flash, priority);
    phys_range_set_enabled(map, flash->registers, false);
    phys_map_commit(map);
    return flash;
}

void pflash_free(Pflash *flash)
{
    do { /* what was changed during a request is another one */
        image_update(flash);
        block_drain(flash->image);
    } while (flash->dirty_first != flash->dirty_end);
    phys_map_begin(flash->map);
    phys_range_remove(flash->map, flash->array);
    phys_range_remove(flash->map, flash->registers);
    phys_map_commit(flash->map);
    phys_map_give_device_ram(flash->map, flash->ram_offset, flash->size);
    g_free(flash);
}

void pflash_reset(Pflash *flash)
{
    flash->status = STATUS_READY;
    flash_step(flash, STEP_ARRAY);
}

const uint8_t *pflash_data(const Pflash *flash)
{
    return flash_bytes(flash);
}

uint64_t pflash_size(const Pflash *flash)
{
    return flash->size;
}

/* ---- Snapshots ---- */

static void pflash_loaded(void *opaque)
{
    Pflash *flash = opaque;

    flash->step = MIN(flash->step, STEP_BUFFER_CONFIRM);
    flash->dirty_end = MIN(flash->dirty_end, flash->size);
    flash->dirty_first = MIN(flash->dirty_first, flash->dirty_end);
    phys_range_set_enabled(flash->map, flash->registers, flash->step != STEP_ARRAY);
}

static const StateField pflash_fields[] = {
    STATE_FIELD(STATE_U8, Pflash, step),
    STATE_FIELD(STATE_U8, Pflash, status),
    STATE_FIELD(STATE_U16, Pflash, buffer_left),
    STATE_FIELD(STATE_U64, Pflash, buffer_at),
    STATE_FIELD(STATE_U64, Pflash, buffer_mask),
    STATE_ARRAY(STATE_U8, Pflash, buffer),
    STATE_FIELD(STATE_U64, Pflash, dirty_first),
    STATE_FIELD(STATE_U64, Pflash, dirty_end),
    { 0 },
};

const StateTable pflash_state = {
    .name = "cfi.pflash01",
    .version = 1,
    .fields = pflash_fields,
    .loaded = pflash_loaded,
};
