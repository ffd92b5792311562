/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pc_disks.c - what CMOS tells firmware of disks. */
#include <glib/gstdio.h>
#include "hw/pc.h"
#include <unistd.h>
#include "tests/hw/board_fixture.h"

typedef struct Row {
    const char *name;
    bool q35;
    uint64_t sectors;
    uint8_t end_head, end_sector; /* of the partition; 0: there is none */
    const char *translation;      /* bios-chs-trans= */
    unsigned types, translations, cylinders, heads, track_sectors;
} Row;

static const Row rows[] = {
    { "small", false, 64 << 11, 0, 0, "auto", 0xf0, 0, 130, 16, 63 },
    { "large", false, 4096 << 11, 0, 0, "auto", 0xf0, 1, 8322, 16, 63 },
    { "huge", false, 20480ull << 11, 0, 0, "auto", 0xf0, 1, 16383, 16, 63 },
    { "its own geometry", false, 64 << 11, 7, 32, "auto", 0xf0, 0, 512, 8, 32 },
    { "partitioned by a BIOS", false, 4096 << 11, 254, 63, "auto", 0xf0, 1, 8322, 16, 63 },
    { "partitioned by a BIOS, not so large", false, 1024 << 11, 63, 63, "auto", 0xf0, 2, 2080, 16,
      63 },
    { "as it is said", false, 64 << 11, 0, 0, "rechs", 0xf0, 3, 130, 16, 63 },
    { "on a SATA port", true, 4096 << 11, 0, 0, "lba", 0xf0, 1, 8322, 16, 63 },
};

static void on_signal(void *opaque, unsigned cpu, PcCpuSignal signal, unsigned value)
{
    (void)opaque, (void)cpu, (void)signal, (void)value;
}

static unsigned cmos(const Bench *bench, unsigned index)
{
    io_bus_write(bench->io, 0x70, 1, index);
    return io_bus_read(bench->io, 0x71, 1);
}

static char *image_make(const Row *row)
{
    uint8_t sector[512] = { [510] = 0x55, [511] = 0xaa };
    char *path = NULL;
    int fd = g_file_open_tmp("doppel-disk-XXXXXX", &path, NULL);

    sector[0x1be + 5] = row->end_head;
    sector[0x1be + 6] = row->end_sector;
    sector[0x1be + 12] = row->end_head != 0; /* sectors */
    ck_assert_int_eq(ftruncate(fd, (off_t)(row->sectors * sizeof(sector))), 0);
    ck_assert_int_eq(pwrite(fd, sector, sizeof(sector), 0), sizeof(sector));
    close(fd);
    return path;
}

START_TEST(cmos_tells_of_a_disk)
{
    const Row *row = &rows[_i];
    g_autofree char *path = image_make(row);
    const BlockOptions options = { .path = path, .format = "raw", .readonly = true };
    char words[][16] = { "ide-hd", "bios-chs-trans" }, value[8];
    const BoardGlobal global = { words[0], words[1], value };
    PcConfig config = {
        .cpus = 1, .q35 = row->q35, .signal = on_signal, .n_globals = 1, .globals = &global
    };
    Bench bench;
    Pc *pc;

    g_strlcpy(value, row->translation, sizeof(value));
    bench_open(&bench, 16 << 20);
    config.map = bench.map;
    config.io = bench.io;
    config.clock = bench.clock;
    config.ide[0] = block_open(&options, NULL);
    pc = pc_new(&config, NULL);
    ck_assert_msg(pc != NULL && pc_ready(pc, NULL), "%s", row->name);
    ck_assert_uint_eq(cmos(&bench, 0x12), row->types);
    ck_assert_uint_eq(cmos(&bench, 0x19), 47);
    ck_assert_uint_eq(cmos(&bench, 0x1b) | cmos(&bench, 0x1c) << 8, row->cylinders);
    ck_assert_uint_eq(cmos(&bench, 0x1d), row->heads);
    ck_assert_uint_eq(cmos(&bench, 0x23), row->track_sectors);
    ck_assert_uint_eq(cmos(&bench, 0x39), row->translations);
    pc_free(pc);
    block_close(config.ide[0]);
    bench_close(&bench);
    g_unlink(path);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("disks");

    tcase_add_loop_test(tc, cmos_tells_of_a_disk, 0, G_N_ELEMENTS(rows));
    return suite_run(tc, "hw/pc/disks");
}
