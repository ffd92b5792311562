/* SPDX-License-Identifier: GPL-2.0-or-later */
/* scsi-cd: commands of MMC, as a driver of the virtio host sends them. */
#include "tests/hw/scsi_fixture.h"

static void setup(void)
{
    s_setup();
    s_start();
    s.target = 1;
}

static void expect_sense(uint8_t status, uint32_t sense)
{
    ck_assert_uint_eq(status, SCSI_CHECK_CONDITION);
    ck_assert_uint_eq(s_sense(), sense);
}

START_TEST(it_is_a_cdrom_with_blocks_of_2048)
{
    ck_assert_uint_eq(S_IN(36, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 2), 0x0580);
    ck_assert_uint_eq(S_IN(8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), S_CD_BLOCKS - 1);
    ck_assert_uint_eq(s_be(4, 4), 2048);
    ck_assert_uint_eq(S_IN(4096, 0x28, 0, 0, 0, 0, 17, 0, 0, 2, 0), SCSI_GOOD);
    s_data_is(0, 17 * 2048, 4096);
    ck_assert_uint_eq(S_IN(2048, 0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0x10, 0, 0), SCSI_GOOD);
    s_data_is(0, 16 * 2048, 2048);
    expect_sense(S_IN(2352, 0xbe, 0, 0, 0, 0, 16, 0, 0, 1, 0xf8, 0, 0), 0x052400);
    expect_sense(S_IN(2048, 0x28, 0, 0, 0, 0, 100, 0, 0, 1, 0), 0x052100);
    expect_sense(S_OUT(2048, 0x2a, 0, 0, 0, 0, 1, 0, 0, 1, 0), 0x052000);
}
END_TEST

START_TEST(the_table_of_contents_has_one_track)
{
    ck_assert_uint_eq(S_IN(64, 0x43, 0, 0, 0, 0, 0, 0, 0, 64, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 0x00120101);
    ck_assert_uint_eq(s_be(4, 4), 0x00140100);
    ck_assert_uint_eq(s_be(12, 4), 0x0014aa00);
    ck_assert_uint_eq(s_be(16, 4), S_CD_BLOCKS);
    ck_assert_uint_eq(S_IN(64, 0x43, 2, 0, 0, 0, 0, 0, 0, 64, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(8, 4), 0x00000200); /* 2 s, by time */
    ck_assert_uint_eq(S_IN(64, 0x43, 0, 1, 0, 0, 0, 0, 0, 64, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 0x000a0101);
    ck_assert_uint_eq(S_IN(64, 0x43, 0, 2, 0, 0, 0, 0, 0, 64, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 2), 46);
    expect_sense(S_IN(64, 0x43, 0, 9, 0, 0, 0, 0, 0, 64, 0), 0x052400);
    expect_sense(S_IN(64, 0x43, 0, 0, 0, 0, 0, 5, 0, 64, 0), 0x052400);
}
END_TEST

START_TEST(the_profile_is_a_cdroms)
{
    ck_assert_uint_eq(S_IN(128, 0x46, 0, 0, 0, 0, 0, 0, 0, 128, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(6, 2), 0x08);
    ck_assert_uint_eq(s_be(8, 4), 0x00000308);
    ck_assert_uint_eq(S_IN(128, 0x46, 2, 0, 0x1e, 0, 0, 0, 0, 128, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 12);
    ck_assert_uint_eq(s_be(8, 4), 0x001e0904);
    ck_assert_uint_eq(S_IN(255, 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 255, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(8, 2), 0x2a14);
    ck_assert_uint_eq(S_IN(64, 0x51, 0, 0, 0, 0, 0, 0, 0, 64, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 3), 0x00200e);
    ck_assert_uint_eq(S_IN(64, 0x52, 0, 0, 0, 0, 50, 0, 0, 64, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(24, 4), S_CD_BLOCKS);
    expect_sense(S_IN(64, 0xad, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), 0x052400); /* no DVD */
}
END_TEST

START_TEST(the_tray_opens_and_closes_with_events)
{
    ck_assert_uint_eq(S_IN(0, 0x1e, 0, 0, 0, 1, 0), SCSI_GOOD);
    expect_sense(S_IN(0, 0x1b, 0, 0, 0, 2, 0), 0x055302);
    ck_assert_uint_eq(S_IN(0, 0x1e, 0, 0, 0, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(S_IN(0, 0x1b, 0, 0, 0, 2, 0), SCSI_GOOD);
    expect_sense(S_IN(0, 0, 0, 0, 0, 0, 0), 0x023a02);
    ck_assert_uint_eq(S_IN(8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(0, 4), 0x00060410);
    ck_assert_uint_eq(s_be(4, 2), 0x0301);
    ck_assert_uint_eq(S_IN(8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(4, 2), 0x0001);
    ck_assert_uint_eq(S_IN(8, 0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(1, 1), 0x10);
    ck_assert_uint_eq(S_IN(0, 0x1b, 0, 0, 0, 3, 0), SCSI_GOOD);
    expect_sense(S_IN(0, 0, 0, 0, 0, 0, 0), 0x062800);
    ck_assert_uint_eq(S_IN(8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(4, 2), 0x0202);
    ck_assert_uint_eq(S_IN(0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    expect_sense(S_IN(8, 0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8, 0), 0x052400); /* never asynchronous */
}
END_TEST

START_TEST(an_empty_drive_has_no_medium)
{
    const DeviceSetting settings[] = { { "scsi-id", "9", NULL }, { 0 } };

    ck_assert_ptr_nonnull(board_add_device(v.bench.board, "scsi-cd", settings, NULL));
    s.target = 9;
    expect_sense(S_IN(0, 0, 0, 0, 0, 0, 0), 0x062900);
    expect_sense(S_IN(0, 0, 0, 0, 0, 0, 0), 0x023a01);
    expect_sense(S_IN(8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0x023a01);
    expect_sense(S_IN(2048, 0x28, 0, 0, 0, 0, 1, 0, 0, 1, 0), 0x023a01);
    ck_assert_uint_eq(S_IN(64, 0x46, 0, 0, 0, 0, 0, 0, 0, 64, 0), SCSI_GOOD);
    ck_assert_uint_eq(s_be(6, 2), 0);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("scsi-cd");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, s_teardown);
    tcase_add_test(tc, it_is_a_cdrom_with_blocks_of_2048);
    tcase_add_test(tc, the_table_of_contents_has_one_track);
    tcase_add_test(tc, the_profile_is_a_cdroms);
    tcase_add_test(tc, the_tray_opens_and_closes_with_events);
    tcase_add_test(tc, an_empty_drive_has_no_medium);
    return suite_run(tc, "scsi-cd");
}
