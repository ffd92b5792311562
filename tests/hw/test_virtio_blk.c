/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtio disk on a file, seen from its rings. */
#include <glib/gstdio.h>
#include "hw/device_types.h"
#include "hw/virtio/virtio_blk.h"
#include "tests/hw/virtio_fixture.h"

enum { SECTORS = 4096, SECTOR = 512, QUEUES = 2 };
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_ID = 8, T_DISCARD = 11 };
enum { HEADER_AT = V_BUFFERS, STATUS_AT = V_BUFFERS + 0x100, DATA_AT = V_BUFFERS + 0x10000 };
enum { F_RO = 5, F_FLUSH = 9, F_WCE = 11, F_MQ = 12, F_DISCARD = 13 };

static struct {
    char *path;
    BlockNode *node;
} fx;

static uint8_t disk_byte(uint64_t at)
{
    return (uint8_t)(at / SECTOR * 7 + at % SECTOR);
}

static void disk_make(void)
{
    g_autofree uint8_t *data = g_malloc(SECTORS * SECTOR);
    int fd = g_file_open_tmp("doppel-virtio-blk-XXXXXX", &fx.path, NULL);

    for (uint64_t i = 0; i < SECTORS * SECTOR; i++) {
        data[i] = disk_byte(i);
    }
    ck_assert(write(fd, data, SECTORS * SECTOR) == SECTORS * SECTOR);
    close(fd);
}

static void open_disk(bool readonly)
{
    BlockOptions block = {
        .path = fx.path, .format = "raw", .readonly = readonly, .discard = "unmap"
    };
    DeviceSetting settings[] = { { "drive", NULL, NULL },
                                 { "serial", "a-serial-number-that-is-long", NULL },
                                 { "num-queues", "2", NULL },
                                 { 0 } };

    v_open();
    fx.node = block_open(&block, NULL);
    ck_assert_ptr_nonnull(fx.node);
    settings[0].link = fx.node;
    v_plug(&virtio_blk_pci_type, settings);
}

static void close_disk(void)
{
    v_close();
    block_close(fx.node);
}

static void setup(void)
{
    disk_make();
    open_disk(false);
}

static void teardown(void)
{
    close_disk();
    g_unlink(fx.path);
    g_free(fx.path);
}

static uint8_t request(unsigned queue, uint32_t type, uint64_t sector, uint32_t size, bool in)
{
    const Buf buf[] = { { HEADER_AT, 16, false }, { DATA_AT, size, in }, { STATUS_AT, 1, true } };
    const Buf empty[] = { buf[0], buf[2] };

    g_put(HEADER_AT, type, 4);
    g_put(HEADER_AT + 4, 0, 4);
    g_put(HEADER_AT + 8, sector, 8);
    g_put(STATUS_AT, 0xee, 1);
    v_request(queue, size == 0 ? empty : buf, size == 0 ? 2 : 3);
    return (uint8_t)g_get(STATUS_AT, 1);
}

static void data_is_disk(uint64_t sector, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        ck_assert_uint_eq(g_get(DATA_AT + i, 1), disk_byte(sector * SECTOR + i));
    }
}

START_TEST(sectors_are_read)
{
    v.legacy = _i == 1;
    v_start(VIRTIO_BIT(F_FLUSH), QUEUES);
    ck_assert_uint_eq(v_config(0, 4), SECTORS);
    ck_assert_uint_eq(request(0, T_IN, 17, 3 * SECTOR, true), 0);
    data_is_disk(17, 3 * SECTOR);
    ck_assert_uint_eq(request(1, T_IN, SECTORS - 1, SECTOR, true), 0);
    data_is_disk(SECTORS - 1, SECTOR);
}
END_TEST

START_TEST(what_is_written_is_in_the_file_after_a_flush)
{
    g_autofree char *contents = NULL;

    v_start(VIRTIO_BIT(F_FLUSH), 1);
    for (unsigned i = 0; i < 2 * SECTOR; i++) {
        g_put(DATA_AT + i, i * 3, 1);
    }
    ck_assert_uint_eq(request(0, T_OUT, 100, 2 * SECTOR, false), 0);
    ck_assert_uint_eq(request(0, T_FLUSH, 0, 0, false), 0);
    ck_assert(g_file_get_contents(fx.path, &contents, NULL, NULL));
    for (unsigned i = 0; i < 2 * SECTOR; i++) {
        ck_assert_uint_eq((uint8_t)contents[100 * SECTOR + i], (uint8_t)(i * 3));
    }
    ck_assert_uint_eq((uint8_t)contents[102 * SECTOR], disk_byte(102 * SECTOR));
}
END_TEST

START_TEST(a_request_may_be_cut_anywhere)
{
    const Buf buf[] = { { HEADER_AT, 3, false },
                        { HEADER_AT + 3, 13, false },
                        { DATA_AT, 1, true },
                        { DATA_AT + 1, 1000, true },
                        { DATA_AT + 1001, 24, true } }; /* 1024 and the status */

    v_start(0, 1);
    g_put(HEADER_AT, T_IN, 8);
    g_put(HEADER_AT + 8, 5, 8);
    ck_assert_uint_eq(v_request(0, buf, 5), 1025);
    data_is_disk(5, 1024);
    ck_assert_uint_eq(g_get(DATA_AT + 1024, 1), 0);
}
END_TEST

typedef struct BadRow {
    uint32_t type;
    uint64_t sector;
    uint32_t size;
    bool in;
    uint8_t status;
} BadRow;

static const BadRow bad_rows[] = {
    { T_IN, SECTORS, SECTOR, true, 1 },
    { T_IN, SECTORS - 1, 2 * SECTOR, true, 1 },
    { T_IN, UINT64_MAX, SECTOR, true, 1 },
    { T_IN, 0, SECTOR - 1, true, 1 },
    { T_OUT, SECTORS, SECTOR, false, 1 },
    { T_OUT, UINT64_MAX / SECTOR, SECTOR, false, 1 },
    { 77, 0, SECTOR, true, 2 },
    { 2, 0, SECTOR, true, 2 }, /* SCSI: not here */
    { T_DISCARD, 0, SECTOR, false, 1 },
};

START_TEST(bad_requests_fail)
{
    const BadRow *row = &bad_rows[_i];

    v_start(0, 1);
    ck_assert_uint_eq(request(0, row->type, row->sector, row->size, row->in), row->status);
    ck_assert_uint_eq(request(0, T_IN, 1, SECTOR, true), 0);
}
END_TEST

START_TEST(the_serial_number_is_cut_to_20_bytes)
{
    char id[21] = { 0 };

    v_start(0, 1);
    ck_assert_uint_eq(request(0, T_ID, 0, 20, true), 0);
    phys_map_read(v.bench.map, DATA_AT, id, 20);
    ck_assert_str_eq(id, "a-serial-number-that");
}
END_TEST

START_TEST(discarded_sectors_are_zero)
{
    v_start(VIRTIO_BIT(F_DISCARD), 1);
    g_put(DATA_AT, 64, 8);
    g_put(DATA_AT + 8, 64, 4);
    g_put(DATA_AT + 12, 0, 4);
    ck_assert_uint_eq(request(0, T_DISCARD, 0, 16, false), 0);
    ck_assert_uint_eq(request(0, T_IN, 64, SECTOR, true), 0);
    for (unsigned i = 0; i < SECTOR; i++) {
        ck_assert_uint_eq(g_get(DATA_AT + i, 1), 0);
    }
    ck_assert_uint_eq(request(0, T_IN, 128, SECTOR, true), 0);
    data_is_disk(128, SECTOR);
}
END_TEST

START_TEST(a_read_only_disk_says_so_and_refuses_writes)
{
    close_disk();
    open_disk(true);
    v_start(VIRTIO_BIT(F_RO), 1);
    ck_assert((v.features >> F_RO & 1) != 0);
    ck_assert_uint_eq(request(0, T_OUT, 0, SECTOR, false), 1);
    ck_assert_uint_eq(request(0, T_IN, 0, SECTOR, true), 0);
}
END_TEST

START_TEST(the_cache_is_write_through_without_flush)
{
    v_start(0, 1);
    ck_assert_uint_eq(v_config(32, 1), 0);
    ck_assert_uint_eq(request(0, T_OUT, 3, SECTOR, false), 0);
    v_start(VIRTIO_BIT(F_FLUSH) | VIRTIO_BIT(F_WCE), 1);
    ck_assert_uint_eq(v_config(32, 1), 1);
    m_out(V_CONFIG + 32, 1, 0);
    ck_assert_uint_eq(v_config(32, 1), 0);
    ck_assert_uint_eq(request(0, T_OUT, 3, SECTOR, false), 0);
}
END_TEST

START_TEST(a_reset_with_requests_in_flight_ends_them)
{
    const Buf buf[] = { { HEADER_AT, 16, false },
                        { DATA_AT, 0x10000, true },
                        { STATUS_AT, 1, true } };

    v_start(0, 1);
    g_put(HEADER_AT, T_IN, 8);
    g_put(HEADER_AT + 8, 0, 8);
    for (unsigned i = 0; i < 30; i++) {
        v_add(0, buf, 3);
    }
    v_notify(0);
    v_set_status(0);
    ck_assert_uint_eq(((VirtPci *)v.dev)->device->queue[0].in_flight, 0);
    v_start(0, 1);
    ck_assert_uint_eq(request(0, T_IN, 9, SECTOR, true), 0);
    data_is_disk(9, SECTOR);
}
END_TEST

START_TEST(a_chain_without_status_asks_for_a_reset)
{
    const Buf buf[] = { { HEADER_AT, 16, false } };

    v_start(0, 1);
    v_add(0, buf, 1);
    v_notify(0);
    ck_assert_uint_eq(v_status() & 0x40, 0x40);
}
END_TEST

START_TEST(a_new_size_is_told)
{
    v_start(0, 1);
    virtio_blk_resized((VirtBlk *)((VirtPci *)v.dev)->device);
    ck_assert_uint_eq(v_isr(), 2);
}
END_TEST

START_TEST(fuzz)
{
    v_fuzz(0xb10c0000u + (uint32_t)_i, 20000,
           VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(F_FLUSH) | VIRTIO_BIT(F_DISCARD),
           QUEUES);
    ck_assert_uint_le(request(0, T_IN, 9, SECTOR, true), 1);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("virtio-blk");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, sectors_are_read, 0, 2);
    tcase_add_test(tc, what_is_written_is_in_the_file_after_a_flush);
    tcase_add_test(tc, a_request_may_be_cut_anywhere);
    tcase_add_loop_test(tc, bad_requests_fail, 0, G_N_ELEMENTS(bad_rows));
    tcase_add_test(tc, the_serial_number_is_cut_to_20_bytes);
    tcase_add_test(tc, discarded_sectors_are_zero);
    tcase_add_test(tc, a_read_only_disk_says_so_and_refuses_writes);
    tcase_add_test(tc, the_cache_is_write_through_without_flush);
    tcase_add_test(tc, a_reset_with_requests_in_flight_ends_them);
    tcase_add_test(tc, a_chain_without_status_asks_for_a_reset);
    tcase_add_test(tc, a_new_size_is_told);
    tcase_add_loop_test(tc, fuzz, 0, 3);
    return suite_run(tc, "virtio-blk");
}
