/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The LSI53C895A: registers, SCRIPTS that run from memory and from its own RAM, a disk on its bus.
 */
#include <glib/gstdio.h>
#include "hw/block/block.h"
#include "hw/device_types.h"
#include "hw/pci/host_bridge.h"
#include "hw/pci/pci.h"
#include "hw/scsi/lsi_int.h"
#include "tests/hw/board_fixture.h"
#include "tests/hw/state_rubbish.h"

enum {
    RAM = 8 << 20,
    DEVFN = PCI_DEVFN(5, 0),
    PORTS = 0xc000,
    CODE = 0x100000,
    DATA = 0x200000,
    SMALL = 0x180000, /* message, CDB, status, reply */
    SECTORS = 1024,
};
#define REGS 0xe0000000u
#define CHIP 0xe0002000u

static struct {
    Bench bench;
    PciBus *bus;
    HostBridge *bridge;
    Device *dev, *disk;
    BlockNode *node;
    char *path;
    bool irq;
    uint64_t end; /* of the program */
} fx;

static void set_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin;
    fx.irq = level;
}

static uint8_t disk_byte(uint64_t at)
{
    return (uint8_t)(at / 512 * 7 + at % 512);
}

static void disk_make(void)
{
    g_autofree uint8_t *data = g_malloc(SECTORS * 512);
    int fd = g_file_open_tmp("doppel-lsi-XXXXXX", &fx.path, NULL);

    for (uint64_t i = 0; i < SECTORS * 512; i++) {
        data[i] = disk_byte(i);
    }
    ck_assert(write(fd, data, SECTORS * 512) == SECTORS * 512);
    close(fd);
}

static uint8_t in8(unsigned reg)
{
    return (uint8_t)phys_map_mmio_read(fx.bench.map, REGS + reg, 1);
}

static void out8(unsigned reg, uint8_t value)
{
    phys_map_mmio_write(fx.bench.map, REGS + reg, 1, value);
}

static uint32_t in32(unsigned reg)
{
    return (uint32_t)phys_map_mmio_read(fx.bench.map, REGS + reg, 4);
}

static void out32(unsigned reg, uint32_t value)
{
    phys_map_mmio_write(fx.bench.map, REGS + reg, 4, value);
}

static void setup(void)
{
    const BlockOptions block = { .format = "raw" };
    DeviceSetting disk[] = { { "drive", NULL, NULL }, { "scsi-id", "2", NULL }, { 0 } };
    const DeviceSetting place[] = { { "addr", "5", NULL }, { 0 } };
    BlockOptions options = block;

    memset(&fx, 0, sizeof(fx));
    disk_make();
    bench_open(&fx.bench, RAM);
    phys_map_add_ram(fx.bench.map, 0, 0, RAM, 0);
    fx.bus = pci_bus_new(fx.bench.board, "pci.0", set_pin, NULL);
    fx.bridge = host_bridge_new(&i440fx_model, fx.bench.map, fx.bench.io, fx.bus, 4);
    options.path = fx.path;
    fx.node = block_open(&options, NULL);
    ck_assert_ptr_nonnull(fx.node);
    fx.dev = board_add_device(fx.bench.board, "lsi53c895a", place, NULL);
    ck_assert_ptr_nonnull(fx.dev);
    disk[0].link = fx.node;
    fx.disk = board_add_device(fx.bench.board, "scsi-hd", disk, NULL);
    ck_assert_ptr_nonnull(fx.disk);
    config_out(&fx.bench, DEVFN, 0x10, 4, PORTS);
    config_out(&fx.bench, DEVFN, 0x14, 4, REGS);
    config_out(&fx.bench, DEVFN, 0x18, 4, CHIP);
    config_out(&fx.bench, DEVFN, 0x04, 2, 7);
    out8(LSI_DIEN, 0x7f);
    out8(LSI_SIEN0, 0x8f);
    out8(LSI_SIEN1, 0x07);
}

static void teardown(void)
{
    g_clear_pointer(&fx.dev, device_free);
    host_bridge_free(fx.bridge);
    pci_bus_free(fx.bus);
    bench_close(&fx.bench);
    block_close(fx.node);
    g_unlink(fx.path);
    g_free(fx.path);
}

/* ---- Programs ---- */

static void code_begin(uint64_t at)
{
    fx.end = at;
}

static void code(uint32_t word)
{
    phys_map_write(fx.bench.map, fx.end, &word, 4);
    fx.end += 4;
}

static void code2(uint32_t first, uint32_t second)
{
    code(first);
    code(second);
}

static void code_int(uint32_t number)
{
    code2(0x98080000, number);
}

/* Starts the program, and waits until it has stopped; DSTAT. */
static uint8_t run(uint32_t at)
{
    out32(LSI_DSP, at);
    for (unsigned i = 0; (in8(LSI_ISTAT0) & 3) == 0; i++) {
        ck_assert_msg(i < 100000, "it does not stop");
        g_main_context_iteration(NULL, FALSE);
        clock_step(fx.bench.clock, NS_PER_MS);
        if (i > 100) {
            g_usleep(50);
        }
    }
    return in8(LSI_DSTAT);
}

static uint8_t get(uint64_t at)
{
    return get8(&fx.bench, at);
}

/* Select target 2, IDENTIFY, a CDB, then data in the way that is wanted. */
static void command_code(const uint8_t *cdb, unsigned size, uint32_t move, uint32_t count)
{
    put8(&fx.bench, SMALL, 0x80);
    for (unsigned i = 0; i < size; i++) {
        put8(&fx.bench, SMALL + 16 + i, cdb[i]);
    }
    put8(&fx.bench, SMALL + 32, 0xee);
    put8(&fx.bench, SMALL + 33, 0xee);
    code_begin(CODE);
    code2(0x41020000, CODE + 0x800); /* select with attention */
    code2(0x0e000001, SMALL);        /* move 1, when message out */
    code2(0x0a000000 | size, SMALL + 16);
    if (count != 0) {
        code2(move | count, DATA);
    }
    code2(0x0b000001, SMALL + 32); /* status */
    code2(0x0f000001, SMALL + 33); /* message in */
    code2(0x60000040, 0);          /* clear ACK */
    code2(0x48000000, 0);          /* wait disconnect */
    code_int(0x600d);
}

static void no_attention(void)
{
    static const uint8_t sense[] = { 3, 0, 0, 0, 18, 0 };

    command_code(sense, sizeof(sense), 0x09000000, 18);
    ck_assert_uint_eq(run(CODE), 0x84);
    ck_assert_uint_eq(get(SMALL + 32), 0);
}

/* ---- Tests ---- */

START_TEST(registers_after_reset)
{
    ck_assert_uint_eq(config_in(&fx.bench, DEVFN, 0, 4), 0x00121000);
    ck_assert_uint_eq(in8(LSI_SCNTL0), 0xc0);
    ck_assert_uint_eq(in8(LSI_DSTAT), 0x80);
    ck_assert_uint_eq(in8(LSI_ISTAT0), 0);
    ck_assert_uint_eq(in8(LSI_STEST4), 0xe0);
    out32(LSI_DSA, 0x12345678);
    ck_assert_uint_eq(io_bus_read(fx.bench.io, PORTS + LSI_DSA, 4), 0x12345678);
    ck_assert_uint_eq(phys_map_mmio_read(fx.bench.map, REGS + 0x100 + LSI_DSA, 2), 0x5678);
    out8(LSI_ISTAT0, 0x40);
    ck_assert_uint_eq(in32(LSI_DSA), 0);
}
END_TEST

START_TEST(a_program_interrupts)
{
    uint64_t place = _i == 0 ? CODE : CHIP + 16; /* the RAM of its own */

    code_begin(place);
    code_int(0x1234);
    ck_assert(!fx.irq);
    out32(LSI_DSP, (uint32_t)place);
    ck_assert(fx.irq);
    ck_assert_uint_eq(in8(LSI_ISTAT0), 1);
    ck_assert_uint_eq(in32(LSI_DSPS), 0x1234);
    ck_assert_uint_eq(in32(LSI_DSP), place + 8);
    ck_assert_uint_eq(in8(LSI_DSTAT), 0x84);
    ck_assert(!fx.irq);
    code_begin(place);
    code2(0x98180000, 1); /* on the fly: it goes on */
    code_int(2);
    ck_assert_uint_eq(run((uint32_t)place), 0x84);
    ck_assert_uint_eq(in8(LSI_ISTAT0), 4);
    ck_assert(fx.irq);
    out8(LSI_ISTAT0, 4);
    ck_assert(!fx.irq);
}
END_TEST

typedef struct AluRow {
    uint32_t instruction;
    uint8_t sfbr, scratch, carry; /* before */
    uint8_t sfbr2, scratch2, carry2;
} AluRow;

/* Register 0x5c is SCRATCHB. */
static const AluRow alu_rows[] = {
    { 0x785c4400, 0x11, 0x22, 0, 0x11, 0x44, 0 }, /* scratch = 0x44 */
    { 0x7a5c4400, 0x11, 0x22, 1, 0x11, 0x66, 1 }, /* or */
    { 0x7b5c6600, 0x11, 0x22, 0, 0x11, 0x44, 0 }, /* xor */
    { 0x7c5c0f00, 0x11, 0x2a, 1, 0x11, 0x0a, 1 }, /* and */
    { 0x795c0000, 0x11, 0x81, 0, 0x11, 0x02, 1 }, /* shift left through the carry */
    { 0x795c0000, 0x11, 0x41, 1, 0x11, 0x83, 0 },
    { 0x7d5c0000, 0x11, 0x81, 0, 0x11, 0x40, 1 }, /* right */
    { 0x7d5c0000, 0x11, 0x80, 1, 0x11, 0xc0, 0 },
    { 0x7e5cff00, 0x11, 0x02, 0, 0x11, 0x01, 1 }, /* add */
    { 0x7f5cff00, 0x11, 0x00, 1, 0x11, 0x00, 1 }, /* with carry */
    { 0x7f5c0100, 0x11, 0x01, 0, 0x11, 0x02, 0 },
    { 0x7edc0000, 0x11, 0x22, 0, 0x11, 0x33, 0 }, /* add SFBR */
    { 0x725c0000, 0x11, 0x22, 0, 0x22, 0x22, 0 }, /* to SFBR */
    { 0x6a5c0000, 0x11, 0x22, 0, 0x11, 0x11, 0 }, /* from SFBR */
};

START_TEST(registers_are_calculated)
{
    const AluRow *row = &alu_rows[_i];

    out8(LSI_SFBR, row->sfbr);
    out8(0x5c, row->scratch);
    code_begin(CODE);
    code2(row->carry ? 0x58000400 : 0x60000400, 0);
    code2(row->instruction, 0);
    code2(0x80280000, CODE + 0x28); /* jump if carry */
    code_int(0);
    code(0), code(0);
    code_int(1);
    ck_assert_uint_eq(run(CODE), 0x84);
    ck_assert_uint_eq(in32(LSI_DSPS), row->carry2);
    ck_assert_uint_eq(in8(LSI_SFBR), row->sfbr2);
    ck_assert_uint_eq(in8(0x5c), row->scratch2);
}
END_TEST

START_TEST(jumps_calls_and_tests_of_data)
{
    code_begin(CODE);
    code2(0x880c0042, CODE + 0x100); /* call if SFBR is 0x42 */
    code2(0x800c0f40, CODE + 0x20);  /* jump if it is, under a mask */
    code_int(1);
    code_int(2);
    code2(0x80840099, 8); /* over the next if it is not 0x99 */
    code_int(3);
    code2(0x80000000, CODE + 0x200); /* never */
    code_int(0x600d);
    code_begin(CODE + 0x100);
    code2(0x785c5500, 0);
    code2(0x90080000, 0); /* return */
    out8(LSI_SFBR, 0x42);
    ck_assert_uint_eq(run(CODE), 0x84);
    ck_assert_uint_eq(in32(LSI_DSPS), 0x600d);
    ck_assert_uint_eq(in8(0x5c), 0x55);
}
END_TEST

START_TEST(memory_is_moved_loaded_and_stored)
{
    for (unsigned i = 0; i < 10000; i++) {
        put8(&fx.bench, DATA + i, (uint8_t)(i * 7));
    }
    code_begin(CODE);
    code2(0xc0000000 | 10000, DATA), code(DATA + 0x10000);
    code2(0xe15c0004, DATA + 1); /* load SCRATCHB */
    code2(0xe05c0003, DATA + 0x20000);
    code2(0xf15c0001, 0xfffffc); /* 4 below DSA */
    code_int(0);
    out32(LSI_DSA, DATA + 14);
    ck_assert_uint_eq(run(CODE), 0x84);
    for (unsigned i = 0; i < 10000; i++) {
        ck_assert_uint_eq(get(DATA + 0x10000 + i), (uint8_t)(i * 7));
    }
    ck_assert_uint_eq(get(DATA + 0x20002), 21);
    ck_assert_uint_eq(get(DATA + 0x20003), 0);
    ck_assert_uint_eq(in8(0x5c), 70);
}
END_TEST

START_TEST(illegal_instructions_stop_it)
{
    static const uint32_t rows[] = { 0xa8080000, 0xe05c0000, 0xe05c0007 };

    code_begin(CODE);
    code2(rows[_i], 0);
    ck_assert_uint_eq(run(CODE), 0x81);
}
END_TEST

START_TEST(blocks_are_read)
{
    static const uint8_t read[] = { 0x28, 0, 0, 0, 0, 9, 0, 0, 16, 0 };

    no_attention();
    command_code(read, sizeof(read), 0x09000000, 8192);
    ck_assert_uint_eq(run(CODE), 0x84);
    ck_assert_uint_eq(in32(LSI_DSPS), 0x600d);
    ck_assert_uint_eq(get(SMALL + 32), 0);
    ck_assert_uint_eq(get(SMALL + 33), 0);
    ck_assert_uint_eq(in8(LSI_ISTAT0), 0); /* not connected */
    for (unsigned i = 0; i < 8192; i++) {
        ck_assert_uint_eq(get(DATA + i), disk_byte(9 * 512 + i));
    }
}
END_TEST

START_TEST(blocks_are_written_from_a_table)
{
    static const uint8_t write[] = { 0x2a, 0, 0, 0, 0, 100, 0, 0, 2, 0 };
    g_autofree char *contents = NULL;
    uint32_t entry[2] = { 1024, DATA };

    no_attention();
    for (unsigned i = 0; i < 1024; i++) {
        put8(&fx.bench, DATA + i, (uint8_t)(i * 3));
    }
    phys_map_write(fx.bench.map, SMALL + 64, entry, 8);
    out32(LSI_DSA, SMALL + 60);
    command_code(write, sizeof(write), 0, 1);
    phys_map_write(fx.bench.map, CODE + 24, (uint32_t[]){ 0x18000000, 4 }, 8);
    ck_assert_uint_eq(run(CODE), 0x84);
    ck_assert_uint_eq(get(SMALL + 32), 0);
    ck_assert(g_file_get_contents(fx.path, &contents, NULL, NULL));
    for (unsigned i = 0; i < 1024; i++) {
        ck_assert_uint_eq((uint8_t)contents[100 * 512 + i], (uint8_t)(i * 3));
    }
}
END_TEST

START_TEST(a_reset_is_told_by_sense_data)
{
    static const uint8_t ready[] = { 0, 0, 0, 0, 0, 0 }, sense[] = { 3, 0, 0, 0, 18, 0 };

    command_code(ready, sizeof(ready), 0x08000000, 0x1000000); /* a move of nothing */
    run(CODE);
    ck_assert_uint_eq(get(SMALL + 32), 2);
    command_code(sense, sizeof(sense), 0x09000000, 18);
    run(CODE);
    ck_assert_uint_eq(get(SMALL + 32), 0);
    ck_assert_uint_eq(get(DATA + 2), 6);
    ck_assert_uint_eq(get(DATA + 12), 0x29);
    command_code(ready, sizeof(ready), 0, 0);
    run(CODE);
    ck_assert_uint_eq(get(SMALL + 32), 0);
}
END_TEST

START_TEST(another_phase_interrupts_or_jumps)
{
    static const uint8_t read[] = { 0x28, 0, 0, 0, 0, 9, 0, 0, 2, 0 };

    no_attention();
    command_code(read, sizeof(read), 0x09000000, 1500); /* there are 1024 */
    out32(LSI_DSP, CODE);
    for (unsigned i = 0; (in8(LSI_ISTAT0) & 3) == 0 && i < 100000; i++) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(20);
    }
    ck_assert_uint_eq(in8(LSI_SIST0), 0x80);
    ck_assert_uint_eq(in32(LSI_DBC) & 0xffffff, 476);
    ck_assert_uint_eq(in32(LSI_DNAD), DATA + 1024);
    ck_assert_uint_eq(in8(LSI_SBCL) & 7, 3);
    ck_assert_uint_eq(run(CODE + 32), 0x84); /* status, message, end */
    ck_assert_uint_eq(get(SMALL + 32), 0);
    out8(LSI_CCNTL0, 0x80);
    out32(LSI_PMJAD1, CODE + 32);
    command_code(read, sizeof(read), 0x09000000, 1500);
    ck_assert_uint_eq(run(CODE), 0x84);
    ck_assert_uint_eq(in32(LSI_DSPS), 0x600d);
    ck_assert_uint_eq(in32(LSI_RBC), 0x09000000 | 476);
    ck_assert_uint_eq(in32(LSI_UA), DATA + 1024);
    ck_assert_uint_eq(in32(LSI_IA), CODE + 24);
}
END_TEST

START_TEST(nobody_there_times_out)
{
    code_begin(CODE);
    code2(0x41040000, CODE);
    code2(0x785c5500, 0); /* it goes on until it needs the bus */
    code2(0x0e000001, SMALL);
    code_int(1);
    ck_assert_uint_eq(run(CODE), 0x80);
    ck_assert_uint_eq(in8(LSI_SIST1), 4);
    ck_assert_uint_eq(in8(0x5c), 0x55);
    no_attention();
}
END_TEST

START_TEST(what_targets_do_not_know_is_rejected)
{
    static const uint8_t message[] = { 0x80, 1, 3, 1, 12, 15 }; /* identify, then SDTR */

    no_attention();
    for (unsigned i = 0; i < sizeof(message); i++) {
        put8(&fx.bench, SMALL + i, message[i]);
    }
    code_begin(CODE);
    code2(0x41020000, CODE);
    code2(0x0e000006, SMALL);
    code2(0x0f000001, SMALL + 33);
    code2(0x830b0000, 0x40 + CODE); /* jump when status */
    code2(0x820b0000, 0x38 + CODE); /* when command */
    code_int(1);
    code_int(2);
    code_int(3);
    ck_assert_uint_eq(run(CODE), 0x84);
    ck_assert_uint_eq(get(SMALL + 33), 7);
    ck_assert_uint_eq(in32(LSI_DSPS), 3);
}
END_TEST

START_TEST(a_program_without_an_end_does_not_hold_the_machine)
{
    code_begin(CODE);
    code2(0x80080000, CODE);
    out32(LSI_DSP, CODE);
    clock_step(fx.bench.clock, NS_PER_MS);
    ck_assert_uint_eq(in8(LSI_ISTAT1), 2);
    ck_assert_uint_eq(in8(LSI_ISTAT0), 0);
    out8(LSI_ISTAT0, 0x80);
    ck_assert_uint_eq(in8(LSI_ISTAT1), 0);
    ck_assert_uint_eq(in8(LSI_DSTAT), 0x90);
}
END_TEST

START_TEST(it_waits_for_a_signal)
{
    code_begin(CODE);
    code2(0x50000000, CODE + 24); /* wait reselect, or jump */
    code_int(1);
    code_int(2);
    code2(0x745a0000 | 0x1a0000, 0); /* CTEST2 to SFBR: the signal is gone */
    code_int(3);
    out32(LSI_DSP, CODE);
    ck_assert_uint_eq(in8(LSI_ISTAT0), 0);
    ck_assert_uint_eq(in8(LSI_ISTAT1), 2);
    out8(LSI_ISTAT0, 0x20);
    ck_assert_uint_eq(in8(LSI_DSTAT), 0x84);
    ck_assert_uint_eq(in32(LSI_DSPS), 3);
}
END_TEST

START_TEST(single_steps)
{
    code_begin(CODE);
    code2(0x785c1100, 0);
    code2(0x785c2200, 0);
    out8(LSI_DCNTL, 0x10);
    ck_assert_uint_eq(run(CODE), 0x88);
    ck_assert_uint_eq(in8(0x5c), 0x11);
    out8(LSI_DCNTL, 0x14); /* the next */
    ck_assert_uint_eq(in8(0x5c), 0x22);
}
END_TEST

START_TEST(the_general_purpose_timer)
{
    out8(LSI_STIME1, 5); /* 2 ms */
    clock_step(fx.bench.clock, 1999 * NS_PER_US);
    ck_assert_uint_eq(in8(LSI_SIST1), 0);
    clock_step(fx.bench.clock, 2 * NS_PER_US);
    ck_assert(fx.irq);
    ck_assert_uint_eq(in8(LSI_SIST1), 2);
    ck_assert(!fx.irq);
}
END_TEST

static void read_begin(void)
{
    static const uint8_t read[] = { 0x28, 0, 0, 0, 0, 0, 0, 4, 0, 0 };

    no_attention();
    command_code(read, sizeof(read), 0x09000000, 1024 * 512);
    out32(LSI_DSP, CODE);
    ck_assert_uint_eq(in8(LSI_ISTAT0), 8);
}

START_TEST(a_bus_reset_ends_the_command)
{
    static const uint8_t ready[] = { 0, 0, 0, 0, 0, 0 };

    read_begin();
    out8(LSI_SCNTL1, 8);
    ck_assert(!scsi_device_busy((ScsiDevice *)fx.disk));
    ck_assert_uint_eq(in8(LSI_SIST0), 2);
    ck_assert_uint_eq(in8(LSI_SSTAT0) & 2, 2);
    out8(LSI_SCNTL1, 0);
    ck_assert_uint_eq(in8(LSI_ISTAT0), 0);
    command_code(ready, sizeof(ready), 0, 0);
    run(CODE);
    ck_assert_uint_eq(get(SMALL + 32), 2);
}
END_TEST

START_TEST(it_goes_with_a_command_under_way)
{
    read_begin();
    if (_i == 0) {
        device_free(fx.disk);
        fx.disk = NULL;
    }
    device_free(fx.dev);
    fx.dev = NULL;
}
END_TEST

static void each_state(void *opaque, const StateTable *table, unsigned instance, void *object)
{
    GByteArray *bytes = g_byte_array_new();

    (void)instance;
    state_save(table, object, bytes);
    if (*(bool *)opaque) {
        ck_assert(state_load(table, object, bytes->data, bytes->len, NULL));
    } else {
        state_loaded(table, object);
    }
    g_byte_array_unref(bytes);
}

START_TEST(it_goes_on_after_a_save_in_the_middle_of_data)
{
    static const uint8_t read[] = { 0x28, 0, 0, 0, 0, 9, 0, 0, 16, 0 };
    bool load = true;

    no_attention();
    command_code(read, sizeof(read), 0x09000000, 4096);
    fx.end = CODE + 32;
    code_int(1);
    ck_assert_uint_eq(run(CODE), 0x84);
    board_each_state(fx.bench.board, each_state, &load);
    load = false;
    board_each_state(fx.bench.board, each_state, &load);
    code_begin(CODE);
    code2(0x09000000 | 4096, DATA + 4096);
    code2(0x0b000001, SMALL + 32);
    code2(0x0f000001, SMALL + 33);
    code_int(2);
    ck_assert_uint_eq(run(CODE), 0x84);
    for (unsigned i = 0; i < 8192; i++) {
        ck_assert_uint_eq(get(DATA + i), disk_byte(9 * 512 + i));
    }
}
END_TEST

/* ---- Rubbish ---- */

START_TEST(rubbish_as_a_state)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x15200000u + (uint32_t)_i);

    for (unsigned i = 0; i < 300; i++) {
        read_begin();
        scsi_device_drain((ScsiDevice *)fx.disk); /* as before a save */
        for (unsigned k = 0; k < 5; k++) {
            state_rubbish(fx.bench.board, rand);
            config_out(&fx.bench, DEVFN, 0x14, 4, REGS);
            config_out(&fx.bench, DEVFN, 0x18, 4, CHIP);
            config_out(&fx.bench, DEVFN, 0x04, 2, 7);
            clock_step(fx.bench.clock, NS_PER_MS);
            g_main_context_iteration(NULL, FALSE);
        }
        out8(LSI_ISTAT0, 0x40);
        out8(LSI_ISTAT0, 0);
        out8(LSI_SCNTL1, 8);
        out8(LSI_SCNTL1, 0);
        out8(LSI_ISTAT0, 0x40);
        out8(LSI_ISTAT0, 0);
    }
}
END_TEST

static uint32_t fuzz_instruction(GRand *rand)
{
    static const uint32_t good[] = { 0x41020000, 0x43020000, 0x0e000001, 0x0a00000a, 0x09000200,
                                     0x08000200, 0x0b000001, 0x0f000001, 0x48000000, 0x60000040,
                                     0x58000008, 0x80080000, 0x18000000, 0xc0000100, 0xe15c0004,
                                     0x785c1200, 0x50000000, 0x98180000, 0x870b0000, 0x29000200 };

    return g_rand_int_range(rand, 0, 6) == 0
               ? g_rand_int(rand)
               : good[g_rand_int_range(rand, 0, G_N_ELEMENTS(good))] ^
                     (g_rand_int_range(rand, 0, 8) == 0 ? 1u << g_rand_int_range(rand, 0, 32) : 0);
}

static uint32_t fuzz_address(GRand *rand)
{
    static const uint32_t places[] = { CODE, SMALL, DATA,    SMALL + 16,
                                       CHIP, REGS,  RAM - 8, 0xd0000000 };
    uint32_t address = places[g_rand_int_range(rand, 0, G_N_ELEMENTS(places))];

    return g_rand_boolean(rand) ? address : address + (g_rand_int(rand) & 0x1fc);
}

static void fuzz_step(GRand *rand)
{
    uint32_t at = CODE + (g_rand_int(rand) & 0x7f8), word = fuzz_instruction(rand);

    switch (g_rand_int_range(rand, 0, 8)) {
    case 0:
        out8(g_rand_int(rand) & 0xff, (uint8_t)g_rand_int(rand));
        break;
    case 1:
        in8(g_rand_int(rand) & 0xff);
        break;
    case 2:
        out32(LSI_DSA, fuzz_address(rand));
        out32(LSI_DSP, at);
        break;
    case 3:
        put8(&fx.bench, SMALL + (g_rand_int(rand) & 63), (uint8_t)g_rand_int(rand));
        break;
    default:
        phys_map_write(fx.bench.map, at, &word, 4);
        word = fuzz_address(rand);
        phys_map_write(fx.bench.map, at + 4, &word, 4);
        break;
    }
}

START_TEST(fuzz)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(0x15100000u + (uint32_t)_i);

    for (unsigned i = 0; i < 20000; i++) {
        if (i % 100 == 0) {
            out8(LSI_ISTAT0, 0x40);
            out8(LSI_ISTAT0, 0);
            config_out(&fx.bench, DEVFN, 0x04, 2, 7);
        }
        fuzz_step(rand);
        if (i % 16 == 0) {
            g_main_context_iteration(NULL, FALSE);
            clock_step(fx.bench.clock, 100 * NS_PER_US);
        }
    }
    out8(LSI_ISTAT0, 0x40);
    out8(LSI_ISTAT0, 0);
    no_attention(); /* and is well again */
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("lsi53c895a");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, registers_after_reset);
    tcase_add_loop_test(tc, a_program_interrupts, 0, 2);
    tcase_add_loop_test(tc, registers_are_calculated, 0, G_N_ELEMENTS(alu_rows));
    tcase_add_test(tc, jumps_calls_and_tests_of_data);
    tcase_add_test(tc, memory_is_moved_loaded_and_stored);
    tcase_add_loop_test(tc, illegal_instructions_stop_it, 0, 3);
    tcase_add_test(tc, blocks_are_read);
    tcase_add_test(tc, blocks_are_written_from_a_table);
    tcase_add_test(tc, a_reset_is_told_by_sense_data);
    tcase_add_test(tc, another_phase_interrupts_or_jumps);
    tcase_add_test(tc, nobody_there_times_out);
    tcase_add_test(tc, what_targets_do_not_know_is_rejected);
    tcase_add_test(tc, a_program_without_an_end_does_not_hold_the_machine);
    tcase_add_test(tc, it_waits_for_a_signal);
    tcase_add_test(tc, single_steps);
    tcase_add_test(tc, the_general_purpose_timer);
    tcase_add_test(tc, a_bus_reset_ends_the_command);
    tcase_add_loop_test(tc, it_goes_with_a_command_under_way, 0, 2);
    tcase_add_test(tc, it_goes_on_after_a_save_in_the_middle_of_data);
    tcase_add_loop_test(tc, fuzz, 0, 4);
    tcase_add_loop_test(tc, rubbish_as_a_state, 0, 3);
    return suite_run(tc, "lsi53c895a");
}
