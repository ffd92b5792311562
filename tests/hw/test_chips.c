/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All chips of the port space at once: whatever a guest does to them, they stay alive; and what
 * their state tables name is all that there is to them. */
#include "hw/dma8237.h"
#include "hw/hpet.h"
#include "hw/i8042.h"
#include "hw/pic8259.h"
#include "hw/pit8254.h"
#include "hw/port61.h"
#include "hw/port92.h"
#include "hw/rtc.h"
#include "hw/uart16550.h"
#include "tests/hw/chip_fixture.h"

enum { DEVICES = 11 };

typedef struct Board {
    Chip chip;
    PhysMap *map;
    Pic *pic;
    Pit *pit;
    Port61 *port61;
    Rtc *rtc;
    I8042 *kbc;
    Port92 *port92;
    Uart *uart;
    Dma *dma;
    Hpet *hpet;
    struct {
        const StateTable *table;
        void *device;
    } devices[DEVICES];
} Board;

static Board boards[2];
static uint32_t seed;

static uint32_t dice(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static void gate(void *opaque, bool open)
{
    (void)opaque, (void)open;
}

static void restart(void *opaque)
{
    (void)opaque;
}

static void board_open(Board *board)
{
    Chip *chip = &board->chip;
    unsigned n = 0;

    chip_open(chip);
    board->map = phys_map_new(0x10000, NULL);
    phys_map_add_ram(board->map, 0, 0, 0x10000, 0);
    board->pic = pic_new(chip->io, chip_line(chip, 16));
    board->pit = pit_new(chip->io, chip->clock, pic_line(board->pic, 0));
    board->port61 = port61_new(chip->io, board->pit, chip->clock);
    board->rtc = rtc_new(chip->io, chip->clock, pic_line(board->pic, 8));
    board->kbc = i8042_new(chip->io, chip->clock, pic_line(board->pic, 1), pic_line(board->pic, 12),
                           gate, restart, NULL);
    board->port92 = port92_new(chip->io, gate, restart, NULL);
    board->uart = uart_new(chip->io, 0x3f8, pic_line(board->pic, 4), NULL, chip->clock);
    board->dma = dma_new(chip->io, board->map);
    board->hpet = hpet_new(board->map, HPET_BASE, chip->clock,
                           &(HpetWires){ .gsi = chip_line(chip, 0) });
#define DEVICE(table_, device_)                                                                    \
    board->devices[n].table = &(table_);                                                           \
    board->devices[n++].device = (device_)
    DEVICE(pit_state, board->pit);
    DEVICE(port61_state, board->port61);
    DEVICE(rtc_state, board->rtc);
    DEVICE(i8042_state, board->kbc);
    DEVICE(ps2_keyboard_state, i8042_keyboard(board->kbc));
    DEVICE(ps2_mouse_state, i8042_mouse(board->kbc));
    DEVICE(port92_state, board->port92);
    DEVICE(uart_state, board->uart);
    DEVICE(dma_state, board->dma);
    DEVICE(hpet_state, board->hpet);
    DEVICE(pic_state, board->pic); /* last: the others drive its inputs when loaded */
#undef DEVICE
}

static void board_close(Board *board)
{
    hpet_free(board->hpet);
    dma_free(board->dma);
    uart_free(board->uart);
    port92_free(board->port92);
    i8042_free(board->kbc);
    rtc_free(board->rtc);
    port61_free(board->port61);
    pit_free(board->pit);
    pic_free(board->pic);
    phys_map_free(board->map);
    chip_close(&board->chip);
}

/* One thing that a guest, a user or time does; the answer is what can be seen of it. */
static uint64_t board_poke(Board *board)
{
    static const uint16_t bases[] = {
        0x00, 0x20, 0x40, 0x60, 0x70, 0x80, 0xa0, 0xc0, 0x3f8, 0x4d0
    };
    uint16_t port = (uint16_t)(bases[dice() % 10] + dice() % 16);
    unsigned width = 1u << dice() % 3;
    uint32_t value = dice() << 8 ^ dice();
    unsigned what = dice() % 64;
    uint64_t reg = HPET_BASE + (dice() % 0x60 * 4);

    if (what < 24) {
        return io_bus_read(board->chip.io, port, width);
    }
    if (what < 48) {
        io_bus_write(board->chip.io, port, width, value);
    } else if (what < 50) {
        phys_map_mmio_write(board->map, reg, 4, value);
    } else if (what < 52) {
        return phys_map_mmio_read(board->map, reg, 4);
    } else if (what < 54) {
        ps2_keyboard_event(i8042_keyboard(board->kbc), value % 0x102, (value & 0x10000) != 0);
    } else if (what < 56) {
        ps2_mouse_event(i8042_mouse(board->kbc), (int)value, (int)(value << 7), (int)value >> 20,
                        value);
    } else if (what < 58) {
        return (uint64_t)pic_ack(board->pic);
    } else {
        clock_step(board->chip.clock, value % (200 * NS_PER_US));
    }
    return pic_pending(board->pic);
}

static void setup(void)
{
    board_open(&boards[0]);
    board_open(&boards[1]);
}

static void teardown(void)
{
    board_close(&boards[0]);
    board_close(&boards[1]);
}

static size_t field_size(const StateField *field)
{
    static const size_t sizes[] = { [STATE_U8] = 1,  [STATE_U16] = 2,  [STATE_U32] = 4,
                                    [STATE_U64] = 8, [STATE_BOOL] = 1, [STATE_BYTES] = 1 };

    return sizes[field->type] * field->count;
}

static void board_copy(Board *to, const Board *from)
{
    clock_set_now(to->chip.clock, clock_now(from->chip.clock));
    for (unsigned i = 0; i < DEVICES; i++) {
        const StateTable *table = from->devices[i].table;

        for (const StateField *field = table->fields; field->name != NULL; field++) {
            memcpy((uint8_t *)to->devices[i].device + field->offset,
                   (const uint8_t *)from->devices[i].device + field->offset, field_size(field));
        }
        if (table->loaded != NULL) {
            table->loaded(to->devices[i].device);
        }
    }
}

START_TEST(any_access_is_survived)
{
    seed = (uint32_t)_i + 1;
    for (unsigned i = 0; i < 30000; i++) {
        board_poke(&boards[0]);
    }
}
END_TEST

START_TEST(every_port_takes_every_width)
{
    for (unsigned port = 0; port < 0x10000; port++) {
        for (unsigned width = 1; width <= 4; width *= 2) {
            io_bus_write(boards[0].chip.io, (uint16_t)port, width, port * 0x9e3779b1u);
            io_bus_read(boards[0].chip.io, (uint16_t)port, width);
        }
    }
}
END_TEST

START_TEST(a_copy_by_state_tables_behaves_as_the_original)
{
    seed = (uint32_t)_i + 100;
    for (unsigned i = 0; i < 5000; i++) {
        board_poke(&boards[0]);
    }
    board_copy(&boards[1], &boards[0]);
    for (unsigned i = 0; i < 3000; i++) {
        uint32_t before = seed;
        uint64_t original = board_poke(&boards[0]);

        seed = before;
        ck_assert_msg(board_poke(&boards[1]) == original, "differs after %u steps", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/chips");
    TCase *tc = tcase_create("chips");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, any_access_is_survived, 0, 8);
    tcase_add_test(tc, every_port_takes_every_width);
    tcase_add_loop_test(tc, a_copy_by_state_tables_behaves_as_the_original, 0, 24);
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
