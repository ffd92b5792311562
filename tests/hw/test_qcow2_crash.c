/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_qcow2_crash.c - a host that loses power: of what was written since the last flush, any
 * sectors may be there and any may not.
 *
 * The image lies on a protocol in memory that knows what is on stable storage.  At a random moment
 * it makes the image that a crash would leave.  That image must be consistent, and each sector must
 * hold what the guest's last completed flush has left there, or something newer. */
#include "hw/block/block_int.h"
#include "hw/block/image.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECTOR = 512, SECTORS = 600, STEPS = 60, MOST = 8 << 20 };

typedef struct Sector {
    uint64_t stamp, number; /* number: of the sector, so that one does not pass for another */
} Sector;

typedef struct Model {
    uint64_t flushed[SECTORS]; /* stamps; 0: zeros */
    uint64_t oldest[SECTORS];  /* of those written since; 0: none */
    bool zeroed[SECTORS];      /* or made zero since */
} Model;

static struct {
    BlockGraph *graph;
    BlockLayer *layer;
    GRand *rand;
    Model now, then; /* then: at the crash */
    uint64_t stamp;
    bool no_snapshots;
    int until_crash; /* writes and flushes of the file; 0: it has happened */
    uint8_t *crashed;
} fx;

/* ---- The protocol ---- */

typedef struct MemoryLayer {
    BlockLayer layer;
    uint8_t *data, *stable, *dirty; /* dirty: a byte a sector */
} MemoryLayer;

static void crash(const MemoryLayer *memory)
{
    memcpy(fx.crashed, memory->stable, MOST);
    for (int i = 0; i < MOST / SECTOR; i++) {
        if (memory->dirty[i] && g_rand_boolean(fx.rand)) {
            memcpy(fx.crashed + i * SECTOR, memory->data + i * SECTOR, SECTOR);
        }
    }
    fx.then = fx.now;
}

static void count_down(const MemoryLayer *memory)
{
    if (fx.until_crash > 0 && --fx.until_crash == 0) {
        crash(memory);
    }
}

static int memory_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    const MemoryLayer *memory = (const MemoryLayer *)layer;

    for (int i = 0; i < n; i++) {
        ck_assert_uint_le(offset + iov[i].iov_len, MOST);
        memcpy(iov[i].iov_base, memory->data + offset, iov[i].iov_len);
        offset += iov[i].iov_len;
    }
    return 0;
}

static int memory_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    MemoryLayer *memory = (MemoryLayer *)layer;

    for (int i = 0; i < n; i++) {
        if (iov[i].iov_len > 0) {
            ck_assert_uint_le(offset + iov[i].iov_len, MOST);
            memcpy(memory->data + offset, iov[i].iov_base, iov[i].iov_len);
            memset(memory->dirty + offset / SECTOR, 1,
                   (offset + iov[i].iov_len - 1) / SECTOR - offset / SECTOR + 1);
            offset += iov[i].iov_len;
        }
    }
    layer->size = MAX(layer->size, offset);
    count_down(memory);
    return 0;
}

static int memory_flush(BlockLayer *layer)
{
    MemoryLayer *memory = (MemoryLayer *)layer;

    count_down(memory);
    memcpy(memory->stable, memory->data, MOST);
    memset(memory->dirty, 0, MOST / SECTOR);
    return 0;
}

static bool memory_resize(BlockLayer *layer, uint64_t size, BlockPreallocation how, GError **error)
{
    (void)how, (void)error;
    layer->size = size;
    return size <= MOST;
}

static void memory_close(BlockLayer *layer)
{
    MemoryLayer *memory = (MemoryLayer *)layer;

    g_free(memory->data);
    g_free(memory->stable);
    g_free(memory->dirty);
}

static const BlockDriver memory_driver = {
    .name = "memory",
    .protocol = true,
    .read = memory_read,
    .write = memory_write,
    .flush = memory_flush,
    .resize = memory_resize,
    .close = memory_close,
    .size = sizeof(MemoryLayer),
};

static BlockLayer *memory_new(const uint8_t *data)
{
    BlockLayer *layer = layer_new(fx.graph, &memory_driver, NULL, "memory", 0);
    MemoryLayer *memory = (MemoryLayer *)layer;

    memory->data = data != NULL ? g_memdup2(data, MOST) : g_malloc0(MOST);
    memory->stable = g_memdup2(memory->data, MOST);
    memory->dirty = g_malloc0(MOST / SECTOR);
    layer->size = data != NULL ? MOST : 0;
    ck_assert(graph_add_layer(fx.graph, layer, NULL));
    return layer;
}

static BlockLayer *image_on(BlockLayer *file)
{
    g_autoptr(GError) error = NULL;
    BlockLayer *layer = layer_open_above(fx.graph, &qcow2_driver, file, NULL, BLOCK_UNMAP, &error);

    ck_assert_msg(layer != NULL, "%s", error != NULL ? error->message : "");
    return layer;
}

/* ---- The guest ---- */

static void range(uint64_t *first, uint64_t *count)
{
    *first = (uint64_t)g_rand_int_range(fx.rand, 0, SECTORS);
    *count = (uint64_t)g_rand_int_range(fx.rand, 1, 24);
    *count = MIN(*count, SECTORS - *first);
}

static void step_write(void)
{
    static uint8_t data[24 * SECTOR];
    uint64_t first, count;

    range(&first, &count);
    fx.stamp++;
    for (uint64_t i = 0; i < count; i++) {
        const Sector sector = { fx.stamp, first + i };

        memcpy(data + i * SECTOR, &sector, sizeof(sector));
        if (fx.now.oldest[first + i] == 0) {
            fx.now.oldest[first + i] = fx.stamp;
        }
    }
    ck_assert_int_eq(layer_pwrite(fx.layer, first * SECTOR, data, count * SECTOR), 0);
}

static void step_clear(bool discard)
{
    uint64_t first, count;

    range(&first, &count);
    for (uint64_t i = 0; i < count; i++) {
        fx.now.zeroed[first + i] = true;
    }
    ck_assert_int_eq(discard ? layer_discard(fx.layer, first * SECTOR, count * SECTOR)
                             : layer_write_zeroes(fx.layer, first * SECTOR, count * SECTOR, true),
                     0);
}

static void step_compressed(void)
{
    uint32_t cluster = image_cluster_size(fx.layer);
    uint64_t at = (uint64_t)g_rand_int_range(fx.rand, 0, SECTORS) * SECTOR / cluster * cluster;
    uint64_t size = MIN(cluster, SECTORS * SECTOR - at);
    g_autofree uint8_t *data = g_malloc0(size);

    fx.stamp++;
    for (uint64_t i = 0; i < size / SECTOR; i++) {
        const Sector sector = { fx.stamp, at / SECTOR + i };

        memcpy(data + i * SECTOR, &sector, sizeof(sector));
        if (fx.now.oldest[at / SECTOR + i] == 0) {
            fx.now.oldest[at / SECTOR + i] = fx.stamp;
        }
    }
    ck_assert_int_eq(layer_write_compressed(fx.layer, at, data, size), 0);
}

static void step_flush(void)
{
    static uint8_t data[SECTORS * SECTOR];

    ck_assert_int_eq(layer_flush(fx.layer), 0);
    ck_assert_int_eq(layer_pread(fx.layer, 0, data, sizeof(data)), 0);
    for (int i = 0; i < SECTORS; i++) {
        memcpy(&fx.now.flushed[i], data + i * SECTOR, sizeof(uint64_t));
        fx.now.oldest[i] = 0;
        fx.now.zeroed[i] = false;
    }
}

/* Snapshots come and go; the guest's disk stays as it is. Version 2 has no mark that says that a
 * crash came between. */
static void step_snapshot(void)
{
    const BlockSnapshot snapshot = { .name = (char *)"s" };

    if (fx.no_snapshots) {
        return;
    }
    if (!block_snapshot_delete(fx.layer, "s", NULL)) {
        ck_assert(block_snapshot_create(fx.layer, &snapshot, NULL));
    }
}

static void step(void)
{
    switch (g_rand_int_range(fx.rand, 0, 16)) {
    case 0:
        step_clear(false);
        break;
    case 1:
        step_clear(true);
        break;
    case 2:
    case 3:
        step_flush();
        break;
    case 4:
        step_snapshot();
        break;
    case 5:
        step_compressed();
        break;
    default:
        step_write();
    }
}

/* ---- After it ---- */

static void sector_is_right(int i, const Sector *sector)
{
    const Model *model = &fx.then;
    bool good = sector->stamp == model->flushed[i] ||
                (model->oldest[i] != 0 && sector->stamp >= model->oldest[i]) ||
                (sector->stamp == 0 && model->zeroed[i]);

    if (!good || (sector->stamp != 0 && sector->number != (uint64_t)i)) {
        ck_abort_msg("sector %d holds %" PRIu64 " of sector %" PRIu64 "; flushed %" PRIu64
                     ", since then %" PRIu64 " and later",
                     i, sector->stamp, sector->number, model->flushed[i], model->oldest[i]);
    }
}

static void print_line(void *opaque, const char *line)
{
    (void)opaque;
    if (!g_str_has_prefix(line, "Leaked")) {
        fprintf(stderr, "%s\n", line);
    }
}

static void crashed_image_is_right(void)
{
    BlockLayer *layer = image_on(memory_new(fx.crashed));
    BlockCheck result = { .report = print_line };

    ck_assert(image_check(layer, 0, &result, NULL));
    ck_assert_uint_eq(result.corruptions, 0);
    ck_assert_uint_eq(result.check_errors, 0);
    for (int i = 0; i < SECTORS; i++) {
        uint8_t data[SECTOR];
        Sector sector;

        ck_assert_int_eq(layer_pread(layer, (uint64_t)i * SECTOR, data, SECTOR), 0);
        memcpy(&sector, data, sizeof(sector));
        sector_is_right(i, &sector);
    }
    layer_unref(layer);
}

static const BlockCreate shapes[] = {
    { .cluster_size = 512 },
    { .cluster_size = 4096 },
    { .cluster_size = 1024, .refcount_bits = 64 },
    { .cluster_size = 512, .compat_v2 = true },
    { .cluster_size = 16384, .extended_l2 = true },
    { .cluster_size = 2048, .refcount_bits = 8, .zstd = true },
};

START_TEST(nothing_flushed_is_lost_when_power_fails)
{
    enum { RUNS = 40 };

    for (int run = 0; run < RUNS; run++) {
        BlockCreate create = shapes[_i];
        BlockLayer *file;

        memset(&fx, 0, sizeof(fx));
        fx.rand = g_rand_new_with_seed((guint32)(run * 16 + _i));
        fx.graph = block_graph_new();
        fx.crashed = g_malloc(MOST);
        fx.no_snapshots = create.compat_v2;
        create.size = SECTORS * SECTOR;
        file = memory_new(NULL);
        ck_assert(qcow2_create_on(file, &create, NULL));
        fx.layer = image_on(file);
        step_flush();
        fx.until_crash = g_rand_int_range(fx.rand, 1, 250);
        for (int i = 0; i < STEPS || fx.until_crash > 0; i++) {
            step();
        }
        crashed_image_is_right();
        layer_unref(fx.layer);
        block_graph_free(fx.graph);
        g_rand_free(fx.rand);
        g_free(fx.crashed);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/qcow2_crash");
    TCase *tc = tcase_create("crash");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, nothing_flushed_is_lost_when_power_fails, 0, G_N_ELEMENTS(shapes));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
