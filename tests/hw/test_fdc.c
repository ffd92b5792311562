/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_fdc.c - the floppy controller and its drives, from ports, the DMA controller and images. */
#include <glib/gstdio.h>
#include <unistd.h>
#include "hw/floppy/fdc.h"
#include "tests/hw/board_fixture.h"

enum {
    DOR = 0x3f2,
    MSR = 0x3f4,
    FIFO = 0x3f5,
    INPUT = 0x3f7,
    SECTORS = 2880,
    BUFFER = 0x8000,
    DOR_ON = 0x0c, /* not in reset, DMA and interrupts */
    RATE_500K = 0,
    RATE_250K = 2,
};

static struct {
    Bench bench;
    Dma *dma;
    Fdc *fdc;
    BlockNode *node;
    char *path;
    bool irq;
    uint8_t result[16];
} fx;

static void set_irq(void *opaque, unsigned n, bool level)
{
    (void)opaque, (void)n;
    fx.irq = level;
}

static uint8_t in(uint16_t port)
{
    return (uint8_t)io_bus_read(fx.bench.io, port, 1);
}

static void out(uint16_t port, uint8_t value)
{
    io_bus_write(fx.bench.io, port, 1, value);
}

/* An image of n sectors: each begins with its number and is filled with its low byte. */
static BlockNode *image_open(unsigned n, bool readonly)
{
    g_autofree uint8_t *data = g_malloc((size_t)n * 512);
    BlockOptions options = { .format = "raw", .readonly = readonly };
    BlockNode *node;
    int fd;

    for (unsigned i = 0; i < n; i++) {
        memset(data + (size_t)i * 512, (int)(i & 0xff), 512);
        data[(size_t)i * 512] = (uint8_t)i;
        data[(size_t)i * 512 + 1] = (uint8_t)(i >> 8);
    }
    g_free(fx.path);
    fx.path = g_strdup("/tmp/fdc-test-XXXXXX");
    fd = g_mkstemp(fx.path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, (size_t)n * 512), (ssize_t)n * 512);
    close(fd);
    options.path = fx.path;
    node = block_open(&options, NULL);
    ck_assert_ptr_nonnull(node);
    return node;
}

static void drive_use(unsigned sectors, FloppyType type, bool readonly)
{
    if (fx.node != NULL) {
        fdc_set_medium(fx.fdc, 0, NULL, false);
        block_close(fx.node);
        g_unlink(fx.path);
    }
    fx.node = image_open(sectors, readonly);
    fdc_set_drive(fx.fdc, 0, type);
    fdc_set_medium(fx.fdc, 0, fx.node, readonly);
}

/* Time passes and the medium answers, until there is an interrupt. */
static void settle(void)
{
    for (unsigned i = 0; i < 10000 && !fx.irq; i++) {
        clock_step(fx.bench.clock, 100000);
        if (fx.node != NULL) {
            block_drain(fx.node);
        }
    }
    ck_assert(fx.irq);
}

static void command(unsigned n, const uint8_t *bytes)
{
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(in(MSR)&0xc0, 0x80);
        out(FIFO, bytes[i]);
    }
}

#define COMMAND(...) command(sizeof((uint8_t[]){ __VA_ARGS__ }), (const uint8_t[]){ __VA_ARGS__ })

static unsigned result(void)
{
    unsigned n = 0;

    while ((in(MSR)&0xd0) == 0xd0) {
        ck_assert_uint_lt(n, sizeof(fx.result));
        fx.result[n++] = in(FIFO);
    }
    return n;
}

static void result_is(unsigned n, ...)
{
    va_list bytes;

    ck_assert_uint_eq(result(), n);
    va_start(bytes, n);
    for (unsigned i = 0; i < n; i++) {
        int byte = va_arg(bytes, int);

        ck_assert_msg(byte < 0 || fx.result[i] == byte, "result byte %u is %02x, not %02x", i,
                      fx.result[i], (unsigned)byte);
    }
    va_end(bytes);
}

static void reset(void)
{
    out(DOR, 0);
    out(DOR, DOR_ON | 0x10);
    settle();
    for (int i = 0; i < 4; i++) {
        COMMAND(0x08);
        result_is(2, 0xc0 | i, -1);
    }
    COMMAND(0x03, 0xdf, 0x02); /* SPECIFY: by DMA */
    out(INPUT, RATE_500K);
}

static void seek(unsigned drive, unsigned cylinder)
{
    COMMAND(0x0f, (uint8_t)drive, (uint8_t)cylinder);
    settle();
    COMMAND(0x08);
    result_is(2, (int)(0x20 | drive), (int)cylinder);
}

/* Channel 2: mode 46H is into memory, 4AH out of it. */
static void dma_program(uint8_t mode, unsigned size)
{
    out(0x0a, 6);
    out(0x0c, 0);
    out(0x04, BUFFER & 0xff);
    out(0x04, BUFFER >> 8);
    out(0x05, (uint8_t)(size - 1));
    out(0x05, (uint8_t)((size - 1) >> 8));
    out(0x81, 0);
    out(0x0b, mode);
    out(0x0a, 2);
}

static uint8_t *memory(void)
{
    return phys_map_ram(fx.bench.map) + BUFFER;
}

static void memory_is_sector(unsigned at, unsigned lba)
{
    const uint8_t *bytes = memory() + (size_t)at * 512;

    ck_assert_uint_eq(bytes[0] | bytes[1] << 8, lba);
    ck_assert_uint_eq(bytes[2], lba & 0xff);
    ck_assert_uint_eq(bytes[511], lba & 0xff);
}

static void file_sector(unsigned lba, uint8_t *bytes)
{
    g_autofree char *data = NULL;
    gsize size;

    block_drain(fx.node);
    ck_assert(g_file_get_contents(fx.path, &data, &size, NULL));
    ck_assert_uint_ge(size, (gsize)(lba + 1) * 512);
    memcpy(bytes, data + (size_t)lba * 512, 512);
}

static void setup(void)
{
    FdcConfig config = {
        .base = FDC_PORTS, .channel = FDC_DMA, .check_rate = true, .fallback = FLOPPY_288
    };

    memset(&fx, 0, sizeof(fx));
    bench_open(&fx.bench, 1 << 20);
    phys_map_add_ram(fx.bench.map, 0, 0, 1 << 20, 0);
    fx.dma = dma_new(fx.bench.io, fx.bench.map);
    config.io = fx.bench.io;
    config.dma = fx.dma;
    config.clock = fx.bench.clock;
    config.irq = (IrqLine){ .set = set_irq };
    fx.fdc = fdc_new(&config);
    out(0xd6, 0xc0);
    drive_use(SECTORS, FLOPPY_144, false);
    reset();
}

static void teardown(void)
{
    fdc_free(fx.fdc);
    if (fx.node != NULL) {
        block_close(fx.node);
        g_unlink(fx.path);
    }
    g_free(fx.path);
    dma_free(fx.dma);
    bench_close(&fx.bench);
}

/* ---- Registers and settings ---- */

START_TEST(reset_tells_of_four_drives_and_no_more)
{
    reset();
    COMMAND(0x08);
    result_is(1, 0x80);
    ck_assert(!fx.irq);
}
END_TEST

START_TEST(the_data_rate_select_register_resets_as_well)
{
    out(MSR, 0x80 | RATE_500K);
    settle();
    COMMAND(0x08);
    result_is(2, 0xc0, 0);
}
END_TEST

START_TEST(interrupts_do_not_pass_a_closed_gate)
{
    COMMAND(0x07, 0);
    out(DOR, 0x14);
    clock_step(fx.bench.clock, NS_PER_MS);
    ck_assert(!fx.irq);
    out(DOR, 0x1c);
    ck_assert(fx.irq);
}
END_TEST

START_TEST(the_chip_says_what_it_is)
{
    COMMAND(0x10);
    result_is(1, 0x90);
    COMMAND(0x18);
    result_is(1, 0x41);
    COMMAND(0x1f);
    result_is(1, 0x80);
}
END_TEST

START_TEST(locked_configuration_survives_a_reset)
{
    COMMAND(0x13, 0, 0x57, 0x11);
    COMMAND(0x94);
    result_is(1, 0x10);
    reset();
    COMMAND(0x0e);
    result_is(10, 0, 0, 0, 0, 0xdf, 0x02, -1, 0x80, 0x57, 0x11);
    COMMAND(0x14);
    result_is(1, 0x00);
    reset();
    COMMAND(0x0e);
    result_is(10, 0, 0, 0, 0, 0xdf, 0x02, -1, 0x00, 0x20, 0x00);
}
END_TEST

/* ---- Drives ---- */

START_TEST(the_change_line_holds_until_a_step_with_a_disk)
{
    ck_assert_uint_eq(in(INPUT), 0x80);
    seek(0, 1);
    ck_assert_uint_eq(in(INPUT), 0);
    fdc_set_medium(fx.fdc, 0, NULL, false);
    ck_assert_uint_eq(in(INPUT), 0x80);
    seek(0, 0);
    ck_assert_uint_eq(in(INPUT), 0x80);
    fdc_set_medium(fx.fdc, 0, fx.node, false);
    ck_assert_uint_eq(in(INPUT), 0x80);
    seek(0, 1);
    ck_assert_uint_eq(in(INPUT), 0);
}
END_TEST

START_TEST(a_missing_drive_finds_no_track_0)
{
    COMMAND(0x07, 1);
    settle();
    COMMAND(0x08);
    result_is(2, 0x71, 0);
}
END_TEST

START_TEST(the_drive_status_shows_track_0_and_protection)
{
    COMMAND(0x04, 0x04);
    result_is(1, 0x20 | 0x08 | 0x10 | 0x04);
    seek(0, 5);
    COMMAND(0x04, 0x00);
    result_is(1, 0x28);
    drive_use(SECTORS, FLOPPY_144, true);
    COMMAND(0x04, 0x00);
    result_is(1, 0x78);
}
END_TEST

START_TEST(relative_seeks_go_both_ways)
{
    COMMAND(0xcf, 0, 10);
    settle();
    COMMAND(0x08);
    result_is(2, 0x20, 10);
    COMMAND(0x8f, 0, 3);
    settle();
    COMMAND(0x08);
    result_is(2, 0x20, 7);
}
END_TEST

typedef struct TypeRow {
    unsigned sectors;
    FloppyType found;
    unsigned cylinder, head, last; /* of its last sector */
    uint8_t rate;
} TypeRow;

static const TypeRow type_rows[] = {
    { 320, FLOPPY_120, 39, 0, 8, 1 },   { 640, FLOPPY_120, 39, 1, 8, 1 },
    { 720, FLOPPY_120, 39, 1, 9, 1 },   { 1440, FLOPPY_144, 79, 1, 9, 2 },
    { 2400, FLOPPY_120, 79, 1, 15, 0 }, { 2880, FLOPPY_144, 79, 1, 18, 0 },
    { 3360, FLOPPY_144, 79, 1, 21, 0 }, { 5760, FLOPPY_288, 79, 1, 36, 3 },
};

START_TEST(every_size_of_disk_is_read_to_its_last_sector)
{
    const TypeRow *row = &type_rows[_i];
    uint8_t head = (uint8_t)row->head;

    drive_use(row->sectors, FLOPPY_AUTO, false);
    ck_assert_int_eq(fdc_drive_type(fx.fdc, 0), row->found);
    out(INPUT, row->rate);
    seek(0, row->cylinder);
    dma_program(0x46, 512);
    COMMAND(0x46, (uint8_t)(head << 2), (uint8_t)row->cylinder, head, (uint8_t)row->last, 2,
            (uint8_t)row->last, 0x1b, 0xff);
    settle();
    result_is(7, head << 2, 0, 0, (int)row->cylinder + 1, head, 1, 2);
    memory_is_sector(0, row->sectors - 1);
    /* One further is none. */
    dma_program(0x46, 512);
    COMMAND(0x46, (uint8_t)(head << 2), (uint8_t)row->cylinder, head, (uint8_t)(row->last + 1), 2,
            (uint8_t)(row->last + 1), 0x1b, 0xff);
    settle();
    result_is(7, 0x40 | head << 2, 0x04, 0, -1, -1, -1, 2);
}
END_TEST

/* ---- Reading and writing ---- */

START_TEST(a_read_goes_on_until_terminal_count)
{
    dma_program(0x46, 3 * 512);
    COMMAND(0x46, 0, 0, 0, 4, 2, 18, 0x1b, 0xff);
    settle();
    ck_assert_uint_eq(in(MSR)&0xd0, 0xd0);
    result_is(7, 0, 0, 0, 0, 0, 7, 2);
    ck_assert(!fx.irq);
    for (unsigned i = 0; i < 3; i++) {
        memory_is_sector(i, 3 + i);
    }
}
END_TEST

START_TEST(a_multi_track_read_takes_both_heads)
{
    seek(0, 2);
    dma_program(0x46, 36 * 512);
    COMMAND(0xc6, 0, 2, 0, 1, 2, 18, 0x1b, 0xff);
    settle();
    result_is(7, 0x04, 0, 0, 3, 0, 1, 2);
    for (unsigned i = 0; i < 36; i++) {
        memory_is_sector(i, 72 + i);
    }
}
END_TEST

START_TEST(without_terminal_count_the_end_of_the_cylinder_is_an_error)
{
    dma_program(0x46, 8 * 512);
    COMMAND(0x46, 0, 0, 0, 17, 2, 18, 0x1b, 0xff);
    settle();
    result_is(7, 0x40, 0x80, 0, 1, 0, 1, 2);
    memory_is_sector(1, 17);
}
END_TEST

START_TEST(a_write_reaches_the_image)
{
    uint8_t bytes[512];

    seek(0, 1);
    for (unsigned i = 0; i < 1024; i++) {
        memory()[i] = (uint8_t)(i / 4 + 7);
    }
    dma_program(0x4a, 1024);
    COMMAND(0x45, 4, 1, 1, 18, 2, 18, 0x1b, 0xff); /* the second sector does not exist */
    settle();
    result_is(7, 0x44, 0x80, 0, 2, 1, 1, 2);
    file_sector(71, bytes);
    ck_assert_mem_eq(bytes, memory(), 512);
    file_sector(72, bytes);
    ck_assert_uint_eq(bytes[0], 72);
}
END_TEST

START_TEST(a_short_write_pads_its_sector)
{
    uint8_t bytes[512];

    memset(memory(), 0xee, 600);
    dma_program(0x4a, 600);
    COMMAND(0x45, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    settle();
    result_is(7, 0, 0, 0, 0, 0, 3, 2);
    file_sector(1, bytes);
    ck_assert_uint_eq(bytes[87], 0xee);
    ck_assert_uint_eq(bytes[88], 0);
}
END_TEST

START_TEST(a_protected_disk_is_not_written)
{
    drive_use(SECTORS, FLOPPY_144, true);
    dma_program(0x4a, 512);
    COMMAND(0x45, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    settle();
    result_is(7, 0x40, 0x02, 0, 0, 0, 1, 2);
    COMMAND(0x4d, 0, 2, 18, 0x54, 0xf6);
    settle();
    result_is(7, 0x40, 0x02, 0, -1, -1, -1, -1);
}
END_TEST

START_TEST(a_format_fills_the_sectors_that_its_ids_name)
{
    uint8_t bytes[512];

    seek(0, 3);
    for (uint8_t i = 0; i < 18; i++) {
        memcpy(memory() + 4 * i, (uint8_t[]){ 3, 1, (uint8_t)(i + 1), 2 }, 4);
    }
    dma_program(0x4a, 18 * 4);
    COMMAND(0x4d, 4, 2, 18, 0x54, 0xf6);
    settle();
    result_is(7, 0x04, 0, 0, -1, -1, -1, -1);
    for (unsigned i = 0; i < 18; i++) {
        file_sector(126 + i, bytes);
        ck_assert_uint_eq(bytes[0], 0xf6);
        ck_assert_uint_eq(bytes[511], 0xf6);
    }
    file_sector(125, bytes);
    ck_assert_uint_eq(bytes[2], 125);
    file_sector(144, bytes);
    ck_assert_uint_eq(bytes[2], 144);
}
END_TEST

START_TEST(without_dma_the_processor_moves_the_bytes)
{
    COMMAND(0x03, 0xdf, 0x03);
    COMMAND(0x46, 0, 0, 0, 2, 2, 3, 0x1b, 0xff);
    for (unsigned sector = 1; sector < 3; sector++) {
        settle();
        ck_assert_uint_eq(in(MSR), 0xf0);
        ck_assert_uint_eq(in(FIFO), sector);
        for (unsigned i = 1; i < 512; i++) {
            ck_assert_uint_eq(in(MSR), 0xf0);
            ck_assert_uint_eq(in(FIFO), i == 1 ? 0 : sector);
        }
        block_drain(fx.node);
    }
    settle();
    result_is(7, 0x40, 0x80, 0, 1, 0, 1, 2);
}
END_TEST

START_TEST(ids_come_round)
{
    seek(0, 9);
    COMMAND(0x4a, 4);
    settle();
    result_is(7, 0x04, 0, 0, 9, 1, -1, 2);
    ck_assert_uint_ge(fx.result[5], 1);
    ck_assert_uint_le(fx.result[5], 18);
}
END_TEST

typedef struct WrongRow {
    const char *name;
    uint8_t rate, cylinder, head, sector, size; /* of a read after a seek to cylinder 1 */
    uint8_t st1, st2;
} WrongRow;

static const WrongRow wrong_rows[] = {
    { "wrong rate", RATE_250K, 1, 0, 1, 2, 0x01, 0 },
    { "wrong cylinder", RATE_500K, 2, 0, 1, 2, 0x04, 0x10 },
    { "wrong head", RATE_500K, 1, 1, 1, 2, 0x04, 0 },
    { "sector 0", RATE_500K, 1, 0, 0, 2, 0x04, 0 },
    { "sector 255", RATE_500K, 1, 0, 255, 2, 0x04, 0 },
    { "size 1024", RATE_500K, 1, 0, 1, 3, 0x04, 0 },
};

START_TEST(what_is_not_on_the_disk_is_not_found)
{
    const WrongRow *row = &wrong_rows[_i];

    seek(0, 1);
    out(INPUT, row->rate);
    dma_program(0x46, 512);
    COMMAND(0x46, 0, row->cylinder, row->head, row->sector, row->size, 18, 0x1b, 0xff);
    settle();
    ck_assert_uint_eq(result(), 7);
    ck_assert_msg(fx.result[0] == 0x40 && fx.result[1] == row->st1 && fx.result[2] == row->st2,
                  "%s: %02x %02x %02x", row->name, fx.result[0], fx.result[1], fx.result[2]);
}
END_TEST

START_TEST(without_a_disk_there_are_no_marks)
{
    fdc_set_medium(fx.fdc, 0, NULL, false);
    dma_program(0x46, 512);
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    settle();
    result_is(7, 0x40, 0x01, 0, 0, 0, 1, 2);
}
END_TEST

START_TEST(a_dma_controller_that_is_never_set_up_loses_the_data)
{
    out(0x0a, 6);
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    settle();
    result_is(7, 0x40, 0x10, 0, 0, 0, 1, 2);
}
END_TEST

START_TEST(a_dma_controller_may_be_set_up_late)
{
    out(0x0a, 6);
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    clock_step(fx.bench.clock, NS_PER_MS);
    block_drain(fx.node);
    clock_step(fx.bench.clock, 3 * NS_PER_MS);
    ck_assert(!fx.irq);
    dma_program(0x46, 512);
    settle();
    result_is(7, 0, 0, 0, 0, 0, 2, 2);
    memory_is_sector(0, 0);
}
END_TEST

START_TEST(a_scan_finds_the_sector_that_matches)
{
    uint8_t *bytes = memory();

    for (unsigned i = 0; i < 3; i++) {
        memset(bytes + (size_t)i * 512, i == 2 ? 4 : 0x77, 512);
    }
    bytes[1024] = 4;
    bytes[1025] = 0xff; /* not compared */
    dma_program(0x4a, 3 * 512);
    COMMAND(0x51, 0, 0, 0, 3, 2, 18, 0x1b, 1);
    settle();
    result_is(7, 0, 0, 0x08, 0, 0, 6, 2);
}
END_TEST

START_TEST(a_reset_forgets_a_read_in_flight)
{
    dma_program(0x46, 512);
    COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    clock_step(fx.bench.clock, 60000);
    reset();
    ck_assert_uint_eq(in(MSR), 0x80);
    dma_program(0x46, 512);
    COMMAND(0x46, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
    settle();
    result_is(7, 0, 0, 0, 0, 0, 3, 2);
    memory_is_sector(0, 1);
}
END_TEST

START_TEST(random_register_writes_do_no_harm)
{
    GRand *rand = g_rand_new_with_seed(20261128);

    for (unsigned i = 0; i < 200000; i++) {
        uint16_t port = (uint16_t)(FDC_PORTS + g_rand_int_range(rand, 0, 8));
        uint8_t value = (uint8_t)g_rand_int(rand);

        if (g_rand_int_range(rand, 0, 100) == 0) {
            dma_program(value & 1 ? 0x46 : 0x4a, (g_rand_int(rand) & 0xfff) + 1u);
        }
        if (port == DOR && (value & 0x80) != 0) {
            value |= DOR_ON;
        }
        if (g_rand_boolean(rand)) {
            in(port);
        } else if (port != DOR || g_rand_int_range(rand, 0, 8) == 0) {
            out(port, value);
        }
        if (g_rand_int_range(rand, 0, 4) == 0) {
            clock_step(fx.bench.clock, g_rand_int_range(rand, 0, 1000000));
            block_drain(fx.node);
        }
    }
    g_rand_free(rand);
    for (unsigned i = 0; i < 600 && (in(MSR)&0xc0) != 0x80; i++) { /* still well */
        out(DOR, 0);
        out(DOR, DOR_ON);
    }
    reset();
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("fdc");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, reset_tells_of_four_drives_and_no_more);
    tcase_add_test(tc, the_data_rate_select_register_resets_as_well);
    tcase_add_test(tc, interrupts_do_not_pass_a_closed_gate);
    tcase_add_test(tc, the_chip_says_what_it_is);
    tcase_add_test(tc, locked_configuration_survives_a_reset);
    tcase_add_test(tc, the_change_line_holds_until_a_step_with_a_disk);
    tcase_add_test(tc, a_missing_drive_finds_no_track_0);
    tcase_add_test(tc, the_drive_status_shows_track_0_and_protection);
    tcase_add_test(tc, relative_seeks_go_both_ways);
    tcase_add_loop_test(tc, every_size_of_disk_is_read_to_its_last_sector, 0,
                        G_N_ELEMENTS(type_rows));
    tcase_add_test(tc, a_read_goes_on_until_terminal_count);
    tcase_add_test(tc, a_multi_track_read_takes_both_heads);
    tcase_add_test(tc, without_terminal_count_the_end_of_the_cylinder_is_an_error);
    tcase_add_test(tc, a_write_reaches_the_image);
    tcase_add_test(tc, a_short_write_pads_its_sector);
    tcase_add_test(tc, a_protected_disk_is_not_written);
    tcase_add_test(tc, a_format_fills_the_sectors_that_its_ids_name);
    tcase_add_test(tc, without_dma_the_processor_moves_the_bytes);
    tcase_add_test(tc, ids_come_round);
    tcase_add_loop_test(tc, what_is_not_on_the_disk_is_not_found, 0, G_N_ELEMENTS(wrong_rows));
    tcase_add_test(tc, without_a_disk_there_are_no_marks);
    tcase_add_test(tc, a_dma_controller_that_is_never_set_up_loses_the_data);
    tcase_add_test(tc, a_dma_controller_may_be_set_up_late);
    tcase_add_test(tc, a_scan_finds_the_sector_that_matches);
    tcase_add_test(tc, a_reset_forgets_a_read_in_flight);
    tcase_add_test(tc, random_register_writes_do_no_harm);
    return suite_run(tc, "fdc");
}
