/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ahci_fuzz.c - an AHCI whose driver has gone mad: random registers, lists, tables and
 * commands, in memory that the adapter itself writes to. It must survive, be still when it is
 * reset, and then read a sector. */
#include "tests/hw/ahci_fixture.h"

enum { ROUNDS = 6000, LOOK = 0x200000 /* where lists, tables and data may be */ };

static const uint8_t likely[] = { 0x06, 0x20, 0x24, 0x25, 0x29, 0x2f, 0x30, 0x34, 0x35, 0x39,
                                  0x60, 0x61, 0x60, 0x61, 0x60, 0x61, 0x90, 0xa0, 0xa1, 0xb0,
                                  0xc4, 0xc5, 0xc8, 0xca, 0xe4, 0xe7, 0xe8, 0xec, 0xef, 0x08 };

static void open_snapshot(void)
{
    fixture_open_with(true); /* what is written goes nowhere */
}

static uint64_t somewhere(GRand *dice)
{
    switch (g_rand_int_range(dice, 0, 8)) {
    case 0:
        return (uint64_t)g_rand_int(dice) << 32 | g_rand_int(dice);
    case 1:
        return RAM - g_rand_int_range(dice, 0, 4096);
    case 2:
        return AHCI_BAR + g_rand_int_range(dice, 0, 4096); /* itself */
    default:
        return (uint64_t)g_rand_int_range(dice, 0, LOOK) & ~1ull;
    }
}

static void command_random(GRand *dice, unsigned n, unsigned slot, bool queued)
{
    uint64_t list = port(n, P_CLB) | (uint64_t)port(n, P_CLB + 4) << 32;
    uint64_t table = TABLES_AT + (uint64_t)(g_rand_int(dice) & 0x3f80);
    uint32_t header[8] = { g_rand_int(dice), 0, (uint32_t)table }, entry[4];
    uint8_t fis[20];

    header[0] = (header[0] & 0x1ffe0) | 5 | (uint32_t)g_rand_int_range(dice, 0, 40) << 16;
    if (g_rand_int_range(dice, 0, 20) == 0) {
        header[0] = g_rand_int(dice);
        header[2] = g_rand_int(dice);
        header[3] = g_rand_int(dice);
    }
    mem_write(list + 32 * slot, header, sizeof(header));
    for (unsigned i = 0; i < sizeof(fis); i++) {
        fis[i] = (uint8_t)g_rand_int(dice);
    }
    fis[0] = g_rand_int_range(dice, 0, 30) == 0 ? fis[0] : 0x27;
    fis[1] = g_rand_int_range(dice, 0, 30) == 0 ? fis[1] & 0x83 : 0x80;
    fis[2] = g_rand_int_range(dice, 0, 10) == 0
                 ? fis[2]
                 : likely[g_rand_int_range(dice, 0, G_N_ELEMENTS(likely))];
    fis[2] = queued ? 0x60 + slot % 2 : fis[2];
    fis[5] &= 0x3f;
    fis[6] = fis[8] = fis[9] = fis[10] = 0; /* mostly on the disk */
    if (fis[2] == 0x60 || fis[2] == 0x61) {
        fis[12] = (uint8_t)(slot << 3);
        fis[11] &= 3;
    }
    fis[13] &= 3;
    mem_write(table, fis, sizeof(fis));
    for (unsigned i = 0; i < 12; i++) {
        put8(&fx.bench, table + 0x40 + i, i == 0 ? 0x28 : (uint8_t)g_rand_int(dice) & 3);
    }
    for (unsigned i = 0; i < 4; i++) {
        uint64_t gpa = somewhere(dice);

        entry[0] = (uint32_t)gpa;
        entry[1] = (uint32_t)(gpa >> 32);
        entry[2] = g_rand_int(dice);
        entry[3] = g_rand_int(dice) & (g_rand_boolean(dice) ? 0x803fffff : 0x80000fff);
        mem_write(table + 0x80 + 16 * i, entry, sizeof(entry));
    }
}

/* As a driver that wants to live. */
static void port_recover(unsigned n)
{
    port_set(n, P_CMD, FRE);
    port_set(n, P_SCTL, 1);
    port_set(n, P_SCTL, 0);
    port_start(n);
}

static void burst_random(GRand *dice, unsigned n)
{
    bool queued = g_rand_boolean(dice);
    uint32_t bits = 0;

    if (g_rand_int_range(dice, 0, 4) != 0) {
        port_recover(n);
    }
    for (int i = g_rand_int_range(dice, 1, 8); i > 0; i--) {
        unsigned slot = (unsigned)g_rand_int_range(dice, 0, 32);

        command_random(dice, n, slot, queued);
        bits |= 1u << slot;
    }
    port_set(n, P_SACT, bits);
    port_set(n, P_CI, bits);
}

static void step_random(GRand *dice)
{
    unsigned n = g_rand_int_range(dice, 0, 10) == 0 ? 1 : g_rand_boolean(dice) ? DISK : CD;

    switch (g_rand_int_range(dice, 0, 16)) {
    case 0:
        port_start(n);
        break;
    case 1:
        port_set(n, P_CMD, g_rand_int(dice));
        break;
    case 2:
        port_set(n, 4 * (unsigned)g_rand_int_range(dice, 0, 16), g_rand_int(dice));
        break;
    case 3:
        port_recover(n);
        break;
    case 4:
        port_set(n, P_CLB, (uint32_t)somewhere(dice));
        break;
    case 5:
        port_set(n, P_FB, (uint32_t)somewhere(dice));
        break;
    case 6:
        list_restart(n);
        break;
    case 7:
        hba_set(4 * (unsigned)g_rand_int_range(dice, 0, 8), g_rand_int(dice) & ~1u);
        break;
    default:
        burst_random(dice, n);
        break;
    }
}

START_TEST(random_drivers_do_no_harm)
{
    g_autoptr(GRand) dice = g_rand_new_with_seed((guint32)_i + 1);
    const Piece piece = { BUFFER_AT, SECTOR, false };
    BlockStats stats;

    port_start(DISK);
    port_start(CD);
    for (int i = 0; i < ROUNDS; i++) {
        step_random(dice);
        for (int n = g_rand_int_range(dice, 0, 4); n > 1; n--) {
            g_main_context_iteration(NULL, FALSE);
        }
    }
    board_reset(fx.bench.board);
    block_stats(fx.disk, &stats);
    ck_assert_uint_gt(stats.reads + stats.writes, ROUNDS / 20); /* some of it makes sense */
    device_map(fx.bus);
    ck_assert(!fx.pin);
    port_start(DISK);
    ata_set(0, 0, 0x25, DISK_SECTORS - 1, 1, &piece, 1);
    issue(DISK, 0);
    ck_assert_uint_eq(port(DISK, P_TFD), 0x50);
    ck_assert_uint_eq(moved(DISK, 0), SECTOR);
}
END_TEST

/* Everything random, a table of all ones: the longest lists that there are. */
START_TEST(longest_lists_come_to_an_end)
{
    uint8_t ones[64];

    memset(ones, 0xff, sizeof(ones));
    port_start(DISK);
    for (uint64_t at = LOOK; at < RAM; at += sizeof(ones)) {
        mem_write(at, ones, sizeof(ones));
    }
    for (unsigned slot = 0; slot < 32; slot++) {
        const uint32_t header[8] = { 5 | 0xffff0000u, 0, LOOK + 0x80 * slot };
        const uint8_t fis[20] = { 0x27, 0x80, 0x60 + slot % 2, 0, 0, 0, 0, 0x40, [12] = slot << 3 };

        mem_write(LIST_AT + 32 * slot, header, sizeof(header));
        mem_write(LOOK + 0x80 * slot, fis, sizeof(fis));
    }
    queue_issue(UINT32_MAX);
    settle(DISK, P_SACT, UINT32_MAX);
    board_reset(fx.bench.board);
    ck_assert_uint_eq(hba(IS), UINT32_MAX); /* the reset has unmapped it */
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("fuzz");

    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, open_snapshot, fixture_close);
    tcase_add_loop_test(tc, random_drivers_do_no_harm, 0, 6);
    tcase_add_test(tc, longest_lists_come_to_an_end);
    return suite_run(tc, "hw/ahci/fuzz");
}
