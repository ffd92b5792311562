/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi-hd: commands of SPC and SBC, as a driver of the virtio host sends them. */
#include "tests/hw/scsi_fixture.h"

static void text_is(unsigned offset, const char *text)
{
    for (unsigned i = 0; text[i] != '\0'; i++) {
        ck_assert_int_eq((char)g_get(S_DATA + offset + i, 1), text[i]);
    }
}

static void expect_sense(uint8_t status, uint32_t sense)
{
    ck_assert_uint_eq(status, SCSI_CHECK_CONDITION);
    ck_assert_uint_eq(s_sense(), sense);
}

START_TEST(inquiry_names_the_disk)
{
    s_start();
    ck_assert_uint_eq(S_IN(36, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_residual(), 0);
    ck_assert_uint_eq(s_be(0, 4), 0x00000512);
    text_is(8, "QEMU    QEMU HARDDISK   2.5+");
    ck_assert_uint_eq(S_IN(200, 0x12, 0, 0, 0, 200, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_residual(), 164);
    expect_sense(S_IN(36, 0x12, 0, 0x80, 0, 36, 0), 0x052400); /* a page without EVPD */
}
END_TEST

START_TEST(properties_are_seen_in_the_product_data)
{
    const DeviceSetting extra[] = { { "serial", "S123", NULL },
                                    { "vendor", "ACME", NULL },
                                    { "product", "Disk", NULL },
                                    { "ver", "7", NULL },
                                    { "wwn", "0x5000c500a0b0c0d0", NULL },
                                    { "rotation_rate", "1", NULL },
                                    { 0 } };

    s_close();
    s_open(extra, false);
    s_start();
    ck_assert_uint_eq(S_IN(36, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    text_is(8, "ACME    Disk            7   ");
    ck_assert_uint_eq(S_IN(255, 0x12, 1, 0, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 6);
    ck_assert_uint_eq(s_be(4, 4), 0x008083b0);
    ck_assert_uint_eq(s_be(8, 2), 0xb1b2);
    ck_assert_uint_eq(S_IN(255, 0x12, 1, 0x80, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 0x00800004);
    text_is(4, "S123");
    ck_assert_uint_eq(S_IN(255, 0x12, 1, 0x83, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 0x00830014);
    ck_assert_uint_eq(s_be(4, 4), 0x02000004);
    text_is(8, "S123");
    ck_assert_uint_eq(s_be(12, 4), 0x01030008);
    ck_assert_uint_eq(s_be(16, 4), 0x5000c500);
    ck_assert_uint_eq(S_IN(255, 0x12, 1, 0xb0, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 0x00b0003c);
    ck_assert_uint_eq(s_be(20, 4), (1 << 30) / 512);
    ck_assert_uint_eq(s_be(28, 4), 8);
    ck_assert_uint_eq(S_IN(255, 0x12, 1, 0xb1, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(4, 2), 1);
    ck_assert_uint_eq(S_IN(255, 0x12, 1, 0xb2, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(4, 3), 0x00e002);
    expect_sense(S_IN(255, 0x12, 1, 0xc0, 0, 255, 0), 0x052400);
}
END_TEST

START_TEST(the_serial_number_may_come_with_the_drive)
{
    s_start();
    ck_assert_uint_eq(S_IN(64, 0x12, 1, 0x80, 0, 64, 0), SCSI_GOOD);
    text_is(4, "of-drive");
}
END_TEST

START_TEST(capacity_is_told)
{
    s_start();
    ck_assert_uint_eq(S_IN(8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), S_SECTORS - 1);
    ck_assert_uint_eq(s_be(4, 4), S_SECTOR);
    ck_assert_uint_eq(S_IN(32, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 0);
    ck_assert_uint_eq(s_be(4, 4), S_SECTORS - 1);
    ck_assert_uint_eq(s_be(8, 4), S_SECTOR);
    ck_assert_uint_eq(s_be(14, 1), 0x80);
    expect_sense(S_IN(32, 0x9e, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), 0x052400);
}
END_TEST

START_TEST(large_blocks)
{
    const DeviceSetting extra[] = { { "logical_block_size", "4096", NULL },
                                    { "physical_block_size", "16k", NULL },
                                    { 0 } };

    s_close();
    s_open(extra, false);
    s_start();
    ck_assert_uint_eq(S_IN(32, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(4, 4), S_SECTORS / 8 - 1);
    ck_assert_uint_eq(s_be(8, 4), 4096);
    ck_assert_uint_eq(s_be(13, 1), 2);
    ck_assert_uint_eq(S_IN(8192, 0x28, 0, 0, 0, 0, 3, 0, 0, 2, 0), SCSI_GOOD);
    s_data_is(0, 3 * 4096, 8192);
}
END_TEST

START_TEST(blocks_are_read_by_all_commands)
{
    s_start();
    ck_assert_uint_eq(S_IN(1024, 0x08, 0, 0, 5, 2, 0), SCSI_GOOD);
    s_data_is(0, 5 * 512, 1024);
    ck_assert_uint_eq(S_IN(1024, 0x28, 0, 0, 0, 0, 9, 0, 0, 2, 0), SCSI_GOOD);
    s_data_is(0, 9 * 512, 1024);
    ck_assert_uint_eq(S_IN(512, 0xa8, 8, 0, 0, 0, 11, 0, 0, 0, 1, 0, 0), SCSI_GOOD);
    s_data_is(0, 11 * 512, 512);
    ck_assert_uint_eq(S_IN(512, 0x88, 0, 0, 0, 0, 0, 0, 0, 0xf, 0xff, 0, 0, 0, 1, 0, 0), SCSI_GOOD);
    s_data_is(0, 4095 * 512, 512);
    ck_assert_uint_eq(S_IN(256 * 512, 0x08, 0, 0, 0, 0, 0), SCSI_GOOD); /* 0 is 256 */
    s_data_is(0, 0, 256 * 512);
    ck_assert_uint_eq(S_IN(0, 0x28, 0, 0, 0, 0, 9, 0, 0, 0, 0), SCSI_GOOD); /* and here nothing */
}
END_TEST

START_TEST(written_blocks_are_in_the_file)
{
    g_autofree char *contents = NULL;

    s_start();
    s_fill(1024, 3);
    ck_assert_uint_eq(S_OUT(512, 0x0a, 0, 0, 100, 1, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_OUT(1024, 0x2a, 0, 0, 0, 0, 101, 0, 0, 2, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_OUT(512, 0xaa, 8, 0, 0, 0, 103, 0, 0, 0, 1, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_OUT(512, 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 104, 0, 0, 0, 1, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_OUT(512, 0x2e, 0, 0, 0, 0, 105, 0, 0, 1, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_IN(0, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    ck_assert(g_file_get_contents(s.path, &contents, NULL, NULL));
    for (unsigned sector = 100; sector < 106; sector++) {
        for (unsigned i = 0; i < 512; i++) {
            unsigned at = sector == 102 ? 512 + i : i;

            ck_assert_uint_eq((uint8_t)contents[sector * 512 + i], (uint8_t)(at * 3));
        }
    }
    ck_assert_uint_eq((uint8_t)contents[106 * 512], s_byte(106 * 512));
}
END_TEST

typedef struct BadRow {
    uint8_t cdb[16];
    uint32_t sense;
} BadRow;

static const BadRow bad_rows[] = {
    { { 0x28, 0, 0, 0, 0x10, 0, 0, 0, 1 }, 0x052100 },
    { { 0x28, 0, 0, 0, 0x0f, 0xff, 0, 0, 2 }, 0x052100 },
    { { 0x28, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 0x052100 },
    { { 0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1 }, 0x052100 },
    { { 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff }, 0x052100 },
    { { 0x2b, 0, 0, 0, 0x10, 0 }, 0x052100 },
    { { 0xc1 }, 0x052000 },
    { { 0x43 }, 0x052000 }, /* a CD-ROM's */
    { { 0x1a, 0, 0xff, 0, 255 }, 0x053900 },
    { { 0x1a, 0, 0x2a, 0, 255 }, 0x052400 },
    { { 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 8 }, 0x052400 },
    { { 0xa0, 0, 3, 0, 0, 0, 0, 0, 0, 64 }, 0x052400 },
};

START_TEST(bad_commands_fail)
{
    s_start();
    expect_sense(s_in(bad_rows[_i].cdb, 16, 512), bad_rows[_i].sense);
    ck_assert_uint_eq(s_residual(), 512);
    ck_assert_uint_eq(S_IN(512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), SCSI_GOOD);
}
END_TEST

START_TEST(too_little_room_is_an_overrun)
{
    s_start();
    S_IN(512, 0x28, 0, 0, 0, 0, 9, 0, 0, 2, 0);
    ck_assert_uint_eq(s_response(), 1);
    S_OUT(512, 0x2a, 0, 0, 0, 0, 9, 0, 0, 2, 0);
    ck_assert_uint_eq(s_response(), 1);
}
END_TEST

START_TEST(unmapped_blocks_are_zero)
{
    static const uint8_t list[] = { 0, 38, 0, 32, 0, 0, 0, 0, /* two ranges */
                                    0, 0,  0, 0,  0, 0, 0, 64,  0, 0, 0, 8,  0, 0, 0, 0,
                                    0, 0,  0, 0,  0, 0, 0, 128, 0, 0, 0, 16, 0, 0, 0, 0 };

    s_start();
    phys_map_write(v.bench.map, S_DATA, list, sizeof(list));
    ck_assert_uint_eq(S_OUT(40, 0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_IN(9 * 512, 0x28, 0, 0, 0, 0, 64, 0, 0, 9, 0), SCSI_GOOD);
    for (unsigned i = 0; i < 8 * 512; i++) {
        ck_assert_uint_eq(g_get(S_DATA + i, 1), 0);
    }
    s_data_is(8 * 512, 72 * 512, 512);
    phys_map_write(v.bench.map, S_DATA, list, sizeof(list));
    g_put(S_DATA + 28, 1, 1); /* the second one is outside */
    expect_sense(S_OUT(40, 0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0), 0x052100);
    g_put(S_DATA + 3, 33, 1);
    expect_sense(S_OUT(40, 0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0), 0x052600);
    expect_sense(S_OUT(4, 0x42, 0, 0, 0, 0, 0, 0, 0, 40, 0), 0x051a00);
    expect_sense(S_OUT(40, 0x42, 1, 0, 0, 0, 0, 0, 0, 40, 0), 0x052400);
}
END_TEST

START_TEST(write_same_repeats_a_block)
{
    s_start();
    s_fill(512, 5);
    ck_assert_uint_eq(S_OUT(512, 0x41, 0, 0, 0, 0, 200, 0, 3, 0xe8, 0), SCSI_GOOD); /* 1000 */
    for (unsigned sector = 200; sector < 1200; sector += 333) {
        ck_assert_uint_eq(
            S_IN(512, 0x28, 0, 0, 0, (uint8_t)(sector >> 8), (uint8_t)sector, 0, 0, 1, 0),
            SCSI_GOOD);
        for (unsigned i = 0; i < 512; i++) {
            ck_assert_uint_eq(g_get(S_DATA + i, 1), (uint8_t)(i * 5));
        }
    }
    ck_assert_uint_eq(S_IN(512, 0x28, 0, 0, 0, 0x04, 0xb0, 0, 0, 1, 0), SCSI_GOOD);
    s_data_is(0, 1200 * 512, 512);
    ck_assert_uint_eq(S_IN(0, 0x93, 0x09, 0, 0, 0, 0, 0, 0, 0, 210, 0, 0, 0, 2, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_IN(1024, 0x28, 0, 0, 0, 0, 210, 0, 0, 2, 0), SCSI_GOOD);
    for (unsigned i = 0; i < 1024; i++) {
        ck_assert_uint_eq(g_get(S_DATA + i, 1), 0);
    }
    expect_sense(S_OUT(512, 0x41, 0, 0, 0, 0, 200, 0, 0, 0, 0), 0x052400);
}
END_TEST

START_TEST(verify_compares)
{
    s_start();
    ck_assert_uint_eq(S_IN(0, 0x2f, 0, 0, 0, 0, 5, 0, 8, 0, 0), SCSI_GOOD); /* 2048 blocks */
    ck_assert_uint_eq(S_IN(1024, 0x28, 0, 0, 0, 0, 5, 0, 0, 2, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_OUT(1024, 0x2f, 2, 0, 0, 0, 5, 0, 0, 2, 0), SCSI_GOOD);
    g_put(S_DATA + 1000, s_byte(5 * 512 + 1000) + 1, 1);
    expect_sense(S_OUT(1024, 0x8f, 2, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0), 0x0e1d00);
    expect_sense(S_OUT(1024, 0x2f, 6, 0, 0, 0, 5, 0, 0, 2, 0), 0x052400);
}
END_TEST

START_TEST(the_write_cache_can_be_turned_off)
{
    BlockStats before, after;

    s_start();
    ck_assert_uint_eq(S_IN(255, 0x1a, 8, 8, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 0x17000000);
    ck_assert_uint_eq(s_be(4, 4), 0x08120400); /* WCE */
    ck_assert_uint_eq(S_IN(255, 0x1a, 8, 0x48, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(4, 4), 0x08120400); /* and it can be changed */
    for (unsigned i = 0; i < 24; i++) {
        g_put(S_DATA + i, i == 4 ? 0x08 : i == 5 ? 0x12 : 0, 1);
    }
    ck_assert_uint_eq(S_OUT(24, 0x15, 0x10, 0, 0, 24, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_IN(255, 0x5a, 8, 8, 0, 0, 0, 0, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(8, 4), 0x08120000);
    block_stats(s.node, &before);
    ck_assert_uint_eq(S_OUT(512, 0x2a, 0, 0, 0, 0, 1, 0, 0, 1, 0), SCSI_GOOD);
    block_stats(s.node, &after);
    ck_assert_uint_eq(after.flushes, before.flushes + 1);
    g_put(S_DATA + 4, 0x08, 1);
    g_put(S_DATA + 5, 0x12, 1);
    g_put(S_DATA + 9, 1, 1); /* what cannot be changed */
    expect_sense(S_OUT(24, 0x15, 0x10, 0, 0, 24, 0), 0x052600);
    expect_sense(S_OUT(10, 0x15, 0x10, 0, 0, 24, 0), 0x051a00);
}
END_TEST

START_TEST(a_read_only_disk_is_write_protected)
{
    s_close();
    s_open(NULL, true);
    s_start();
    ck_assert_uint_eq(S_IN(255, 0x1a, 0, 0x3f, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(2, 1), 0x80);
    ck_assert_uint_eq(s_be(4, 4), S_SECTORS);
    expect_sense(S_OUT(512, 0x2a, 0, 0, 0, 0, 1, 0, 0, 1, 0), 0x072700);
    ck_assert_uint_eq(S_IN(512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), SCSI_GOOD);
}
END_TEST

START_TEST(units_are_listed_and_missing_ones_say_so)
{
    g_autoptr(GError) error = NULL;
    BlockNode *node = s_node(s.cd_path, true);
    const DeviceSetting more[] = {
        { "drive", NULL, node }, { "scsi-id", "0", NULL }, { "lun", "300", NULL }, { 0 }
    };
    Device *other = board_add_device(v.bench.board, "scsi-hd", more, &error);

    ck_assert_ptr_nonnull(other);
    s_start();
    ck_assert_uint_eq(S_IN(64, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 16);
    ck_assert_uint_eq(s_be(8, 4), 0);
    ck_assert_uint_eq(s_be(16, 4), 0x412c0000);
    s.lun = 300;
    expect_sense(S_IN(0, 0, 0, 0, 0, 0, 0), 0x062900);
    ck_assert_uint_eq(S_IN(0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    s.lun = 7;
    ck_assert_uint_eq(S_IN(36, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 1), 0x7f);
    expect_sense(S_IN(0, 0, 0, 0, 0, 0, 0), 0x052500);
    device_free(other);
    block_close(node);
}
END_TEST

START_TEST(places_are_checked)
{
    static const struct {
        DeviceSetting setting[2];
        const char *message;
    } rows[] = {
        { { { "channel", "1", NULL } }, "bad scsi channel id: 1" },
        { { { "scsi-id", "256", NULL } }, "bad scsi device id: 256" },
        { { { "lun", "16384", NULL } }, "bad scsi device lun: 16384" },
        { { { "scsi-id", "0", NULL }, { "lun", "0", NULL } }, "lun already used by 'disk'" },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        const DeviceSetting settings[] = { rows[i].setting[0], rows[i].setting[1], { 0 } };
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(board_add_device(v.bench.board, "scsi-cd", settings, &error));
        ck_assert_str_eq(error->message, rows[i].message);
    }
    ck_assert_ptr_null(board_add_device(v.bench.board, "scsi-hd", NULL, NULL));
}
END_TEST

START_TEST(devices_of_the_host_are_refused_in_words)
{
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(board_add_device(v.bench.board, "scsi-block", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "use scsi-hd or scsi-cd"));
}
END_TEST

START_TEST(firmware_finds_it)
{
    g_autofree char *path = s.cd->type->firmware_path(s.cd);

    ck_assert_str_eq(path, "/pci@i0cf8/scsi@5/channel@0/disk@1,0");
}
END_TEST

START_TEST(sense_is_asked_for)
{
    s_start();
    ck_assert_uint_eq(S_IN(18, 0x03, 0, 0, 0, 18, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 0x70000000);
    scsi_device_resized((ScsiDevice *)s.disk);
    ck_assert_uint_eq(S_IN(8, 0x03, 1, 0, 0, 18, 0), SCSI_GOOD); /* as a descriptor */
    ck_assert_uint_eq(s_be(0, 4), 0x72062a09);
    ck_assert_uint_eq(S_IN(0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("scsi-hd");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, s_setup, s_teardown);
    tcase_add_test(tc, inquiry_names_the_disk);
    tcase_add_test(tc, properties_are_seen_in_the_product_data);
    tcase_add_test(tc, the_serial_number_may_come_with_the_drive);
    tcase_add_test(tc, capacity_is_told);
    tcase_add_test(tc, large_blocks);
    tcase_add_test(tc, blocks_are_read_by_all_commands);
    tcase_add_test(tc, written_blocks_are_in_the_file);
    tcase_add_loop_test(tc, bad_commands_fail, 0, G_N_ELEMENTS(bad_rows));
    tcase_add_test(tc, too_little_room_is_an_overrun);
    tcase_add_test(tc, unmapped_blocks_are_zero);
    tcase_add_test(tc, write_same_repeats_a_block);
    tcase_add_test(tc, verify_compares);
    tcase_add_test(tc, the_write_cache_can_be_turned_off);
    tcase_add_test(tc, a_read_only_disk_is_write_protected);
    tcase_add_test(tc, units_are_listed_and_missing_ones_say_so);
    tcase_add_test(tc, places_are_checked);
    tcase_add_test(tc, devices_of_the_host_are_refused_in_words);
    tcase_add_test(tc, firmware_finds_it);
    tcase_add_test(tc, sense_is_asked_for);
    return suite_run(tc, "scsi-hd");
}
