/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_msi.c - MSI and MSI-X as a driver sees them; memory and ROMs in BARs. */
#include "hw/pci/msi.h"

#include <glib/gstdio.h>

#include "hw/pci/pci_int.h"
#include "hw/rom_files.h"
#include "tests/hw/board_fixture.h"

enum {
    DEVFN = PCI_DEVFN(3, 0),
    VECTORS = 5,
    MSIX_BAR = 0xe0000000u,
    PENDING = 0x800,
    RAM_BAR = 0xd0000000u,
    ROM_BAR = 0xe8000000u,
    RAM_SIZE = 0x10000,
    MASTER = 4,
    MEMORY = 2,
    INTX_PIN = 3,
};

typedef struct Card {
    PciDevice pci;
    uint64_t ram;
} Card;

static struct {
    Bench bench;
    PciBus *bus;
    PciDevice *card;
    unsigned messages;
    uint64_t address;
    uint32_t data;
    bool pin;
    unsigned msix, msi; /* capabilities */
} fx;

static const PciClass card_class = {
    .name = "card", .vendor = 0x1234, .device = 0x5678, .class_code = 0x020000, .interrupt_pin = 1
};

static bool card_create(Device *dev, GError **error)
{
    Card *card = (Card *)dev;

    (void)error;
    card->ram = phys_map_take_device_ram(dev->board->map, RAM_SIZE);
    pci_msix_init(&card->pci, VECTORS, 1);
    pci_msi_init(&card->pci, 4, true);
    pci_device_add_ram_bar(&card->pci, 2, card->ram, RAM_SIZE, true, true);
    return true;
}

static const DeviceType card_type = { .name = "card",
                                      .bus = &pci_bus_type,
                                      .size = sizeof(Card),
                                      .pci = &card_class,
                                      .create = card_create };

static void on_message(void *opaque, uint64_t address, uint32_t data)
{
    (void)opaque;
    fx.messages++;
    fx.address = address;
    fx.data = data;
}

static void on_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque;
    ck_assert_uint_eq(pin, INTX_PIN);
    fx.pin = level;
}

static uint32_t config_get(unsigned offset, unsigned width)
{
    return pci_config_read(fx.bus, DEVFN, offset, width);
}

static void config_put(unsigned offset, unsigned width, uint32_t value)
{
    pci_config_write(fx.bus, DEVFN, offset, width, value);
}

static unsigned capability(uint8_t id)
{
    unsigned at = config_get(0x34, 1);

    while (at != 0 && config_get(at, 1) != id) {
        at = config_get(at + 1, 1);
    }
    ck_assert_uint_ne(at, 0);
    return at;
}

static void setup(void)
{
    memset(&fx, 0, sizeof(fx));
    bench_open(&fx.bench, 1 << 20);
    fx.bench.board->message = on_message;
    fx.bus = pci_bus_new(fx.bench.board, "pci.0", on_pin, NULL);
    fx.card = (PciDevice *)device_new(fx.bench.board, &card_type, NULL, NULL, NULL);
    ck_assert_ptr_nonnull(fx.card);
    fx.msix = capability(0x11);
    fx.msi = capability(0x05);
    config_put(0x14, 4, MSIX_BAR);
    config_put(0x18, 4, RAM_BAR);
    config_put(0x04, 2, MASTER | MEMORY);
}

static void teardown(void)
{
    pci_bus_free(fx.bus);
    bench_close(&fx.bench);
}

static void entry_put(unsigned vector, uint64_t address, uint32_t data, bool masked)
{
    put32(&fx.bench, MSIX_BAR + vector * 16, (uint32_t)address);
    put32(&fx.bench, MSIX_BAR + vector * 16 + 4, (uint32_t)(address >> 32));
    put32(&fx.bench, MSIX_BAR + vector * 16 + 8, data);
    put32(&fx.bench, MSIX_BAR + vector * 16 + 12, masked);
}

START_TEST(msix_registers_are_as_in_the_specification)
{
    ck_assert_uint_eq(config_get(fx.msix + 2, 2), VECTORS - 1);
    ck_assert_uint_eq(config_get(fx.msix + 4, 4), 1);
    ck_assert_uint_eq(config_get(fx.msix + 8, 4), PENDING | 1);
    config_put(fx.msix + 2, 2, 0xffff);
    ck_assert_uint_eq(config_get(fx.msix + 2, 2), 0xc000 | (VECTORS - 1));
    for (unsigned i = 0; i < VECTORS; i++) {
        ck_assert_uint_eq(get32(&fx.bench, MSIX_BAR + i * 16 + 12), 1); /* masked */
    }
    put32(&fx.bench, MSIX_BAR, 0xffffffff);
    put32(&fx.bench, MSIX_BAR + 12, 0xffffffff);
    put32(&fx.bench, MSIX_BAR + PENDING, 0xffffffff);
    put32(&fx.bench, MSIX_BAR + VECTORS * 16, 0xffffffff);
    ck_assert_uint_eq(get32(&fx.bench, MSIX_BAR), 0xfffffffc);
    ck_assert_uint_eq(get32(&fx.bench, MSIX_BAR + 12), 1);
    ck_assert_uint_eq(get32(&fx.bench, MSIX_BAR + PENDING), 0);
    ck_assert_uint_eq(get32(&fx.bench, MSIX_BAR + VECTORS * 16), 0);
}
END_TEST

START_TEST(an_msix_vector_is_a_write)
{
    entry_put(2, 0xfee01000, 0x4021, false);
    pci_msix_notify(fx.card, 2);
    ck_assert_uint_eq(fx.messages, 0); /* not enabled */
    config_put(fx.msix + 2, 2, 0x8000);
    pci_msix_notify(fx.card, 2);
    ck_assert_uint_eq(fx.messages, 1);
    ck_assert_uint_eq(fx.address, 0xfee01000);
    ck_assert_uint_eq(fx.data, 0x4021);
    pci_msix_notify(fx.card, VECTORS);
    ck_assert_uint_eq(fx.messages, 1);
    config_put(0x04, 2, MEMORY); /* no bus master */
    pci_msix_notify(fx.card, 2);
    ck_assert_uint_eq(fx.messages, 1);
}
END_TEST

START_TEST(masked_msix_vectors_wait)
{
    entry_put(1, 0xfee00000, 0x31, true);
    config_put(fx.msix + 2, 2, 0x8000);
    pci_msix_notify(fx.card, 1);
    pci_msix_notify(fx.card, 1);
    ck_assert_uint_eq(fx.messages, 0);
    ck_assert_uint_eq(get32(&fx.bench, MSIX_BAR + PENDING), 1 << 1);
    entry_put(1, 0xfee00000, 0x31, false);
    ck_assert_uint_eq(fx.messages, 1);
    ck_assert_uint_eq(get32(&fx.bench, MSIX_BAR + PENDING), 0);
    config_put(fx.msix + 2, 2, 0xc000); /* the whole function */
    pci_msix_notify(fx.card, 1);
    ck_assert_uint_eq(fx.messages, 1);
    config_put(fx.msix + 2, 2, 0x8000);
    ck_assert_uint_eq(fx.messages, 2);
}
END_TEST

START_TEST(intx_is_silent_while_messages_are_on)
{
    pci_device_set_irq(fx.card, true);
    ck_assert(fx.pin);
    config_put(fx.msix + 2, 2, 0x8000);
    ck_assert(!fx.pin);
    config_put(fx.msix + 2, 2, 0);
    ck_assert(fx.pin);
    config_put(fx.msi + 2, 2, 1);
    ck_assert(!fx.pin);
}
END_TEST

START_TEST(msi_vectors_are_in_the_lowest_bits)
{
    ck_assert_uint_eq(config_get(fx.msi + 2, 2), 0x0184); /* masks, 64 bits, up to 4 */
    config_put(fx.msi + 4, 4, 0xfee02003);
    config_put(fx.msi + 12, 2, 0x4043);
    config_put(fx.msi + 2, 2, 0x11); /* two vectors */
    ck_assert_uint_eq(pci_msi_vectors(fx.card), 2);
    pci_msi_notify(fx.card, 0);
    ck_assert_uint_eq(fx.address, 0xfee02000);
    ck_assert_uint_eq(fx.data, 0x4042);
    pci_msi_notify(fx.card, 1);
    ck_assert_uint_eq(fx.data, 0x4043);
    pci_msi_notify(fx.card, 3); /* not allowed: the first one */
    ck_assert_uint_eq(fx.data, 0x4042);
    config_put(fx.msi + 2, 2, 0x71); /* more than it can */
    ck_assert_uint_eq(pci_msi_vectors(fx.card), 4);
}
END_TEST

START_TEST(masked_msi_vectors_wait)
{
    config_put(fx.msi + 2, 2, 0x21);
    config_put(fx.msi + 4, 4, 0xfee00000);
    config_put(fx.msi + 16, 4, 2);
    pci_msi_notify(fx.card, 1);
    ck_assert_uint_eq(fx.messages, 0);
    ck_assert_uint_eq(config_get(fx.msi + 20, 4), 2);
    config_put(fx.msi + 16, 4, 0);
    ck_assert_uint_eq(fx.messages, 1);
    ck_assert_uint_eq(config_get(fx.msi + 20, 4), 0);
}
END_TEST

START_TEST(a_message_elsewhere_is_a_memory_write)
{
    phys_map_add_ram(fx.bench.map, 0, 0, 0x10000, 0);
    entry_put(0, 0x2000, 0x12345678, false);
    config_put(fx.msix + 2, 2, 0x8000);
    pci_msix_notify(fx.card, 0);
    ck_assert_uint_eq(fx.messages, 0);
    ck_assert_uint_eq(get32(&fx.bench, 0x2000), 0x12345678);
}
END_TEST

START_TEST(reset_forgets_the_messages)
{
    entry_put(0, 0xfee00000, 0x31, false);
    config_put(fx.msix + 2, 2, 0x8000);
    config_put(fx.msi + 2, 2, 0x21);
    config_put(fx.msi + 4, 4, 0xfee00000);
    board_reset(fx.bench.board);
    ck_assert_uint_eq(config_get(fx.msix + 2, 2), VECTORS - 1);
    ck_assert_uint_eq(config_get(fx.msi + 2, 2), 0x0184);
    ck_assert_uint_eq(config_get(fx.msi + 4, 4), 0);
    config_put(0x14, 4, MSIX_BAR);
    config_put(0x04, 2, MASTER | MEMORY);
    ck_assert_uint_eq(get32(&fx.bench, MSIX_BAR + 12), 1);
    ck_assert_uint_eq(get32(&fx.bench, MSIX_BAR), 0);
}
END_TEST

/* The same bytes, wherever the guest has them: below and above 4 GiB. */
START_TEST(ram_in_a_bar_is_ram)
{
    uint64_t high = 0x3800000000;
    PhysPage page;

    put32(&fx.bench, RAM_BAR + 0x1000, 0xcafe);
    ck_assert_uint_eq(config_get(0x18, 4) & 15, 0xc); /* 64 bits, prefetchable */
    config_put(0x18, 4, (uint32_t)high);
    config_put(0x1c, 4, (uint32_t)(high >> 32));
    page = phys_map_page(fx.bench.map, high + 0x1000);
    ck_assert_ptr_nonnull(page.host);
    ck_assert_uint_eq(page.ram_offset, ((Card *)fx.card)->ram + 0x1000);
    ck_assert_uint_eq(get32(&fx.bench, high + 0x1000), 0xcafe);
    ck_assert_uint_eq(get32(&fx.bench, RAM_BAR + 0x1000), UINT32_MAX);
}
END_TEST

/* ---- Option ROMs ---- */

enum { IMAGE_SIZE = 5 * 1024, DATA_AT = 0x40 };

static char *rom_make(const char *folder, uint8_t *image)
{
    static const uint8_t data[] = { 'P', 'C', 'I', 'R', 0xf4, 0x1a, 0x00, 0x10 };
    uint8_t sum = 0;
    char *path = g_build_filename(folder, "card.rom", NULL);

    memset(image, 0, IMAGE_SIZE);
    image[0] = 0x55;
    image[1] = 0xaa;
    image[2] = IMAGE_SIZE / 512;
    image[0x18] = DATA_AT;
    memcpy(image + DATA_AT, data, sizeof(data));
    for (unsigned i = 0; i < IMAGE_SIZE; i++) {
        sum = (uint8_t)(sum + image[i]);
    }
    image[IMAGE_SIZE - 1] = (uint8_t)-sum;
    ck_assert(g_file_set_contents(path, (const char *)image, IMAGE_SIZE, NULL));
    return path;
}

START_TEST(a_romfile_is_a_bar)
{
    g_autofree char *folder = g_dir_make_tmp("doppel-rom-XXXXXX", NULL);
    static uint8_t image[IMAGE_SIZE];
    g_autofree char *path = rom_make(folder, image);
    RomFiles *roms = rom_files_new(NULL);
    const DeviceSetting settings[] = { { "romfile", path, NULL }, { "addr", "4", NULL }, { 0 } };
    const DeviceSetting small[] = { { "romfile", path, NULL }, { "romsize", "4096", NULL }, { 0 } };
    const DeviceSetting lost[] = { { "romfile", "/nonsuch/x.rom", NULL }, { 0 } };
    unsigned devfn = PCI_DEVFN(4, 0);
    uint8_t sum = 0;

    fx.bench.board->config.roms = roms;
    ck_assert_ptr_nonnull(device_new(fx.bench.board, &card_type, NULL, settings, NULL));
    pci_config_write(fx.bus, devfn, 0x30, 4, UINT32_MAX);
    ck_assert_uint_eq(pci_config_read(fx.bus, devfn, 0x30, 4), 0xffffe001); /* 8 KiB */
    pci_config_write(fx.bus, devfn, 0x30, 4, ROM_BAR | 1);
    pci_config_write(fx.bus, devfn, 0x04, 2, MEMORY);
    ck_assert_uint_eq(get32(&fx.bench, ROM_BAR + DATA_AT + 4), 0x56781234);
    for (unsigned i = 0; i < IMAGE_SIZE; i++) {
        sum = (uint8_t)(sum + get8(&fx.bench, ROM_BAR + i));
    }
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(get8(&fx.bench, ROM_BAR + IMAGE_SIZE), 0xff);
    ck_assert_ptr_null(device_new(fx.bench.board, &card_type, NULL, small, NULL));
    ck_assert_ptr_null(device_new(fx.bench.board, &card_type, NULL, lost, NULL));
    rom_files_free(roms);
    g_unlink(path);
    g_rmdir(folder);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("msi");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, msix_registers_are_as_in_the_specification);
    tcase_add_test(tc, an_msix_vector_is_a_write);
    tcase_add_test(tc, masked_msix_vectors_wait);
    tcase_add_test(tc, intx_is_silent_while_messages_are_on);
    tcase_add_test(tc, msi_vectors_are_in_the_lowest_bits);
    tcase_add_test(tc, masked_msi_vectors_wait);
    tcase_add_test(tc, a_message_elsewhere_is_a_memory_write);
    tcase_add_test(tc, reset_forgets_the_messages);
    tcase_add_test(tc, ram_in_a_bar_is_ram);
    tcase_add_test(tc, a_romfile_is_a_bar);
    return suite_run(tc, "hw/pci/msi");
}
