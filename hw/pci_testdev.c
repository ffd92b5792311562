/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pci_testdev.c - pci-testdev, after QEMU's docs/specs/pci-testdev: a memory BAR and an I/O BAR
 * that count the writes that each of their three tests asks for, and a memory BAR of any size with
 * nothing behind it.
 *
 * Both small BARs begin with a header: test (written to start one), width, two bytes of nothing,
 * offset, data, count, name. QEMU's tests differ in how its accelerator hands writes on; here they
 * are counted alike, the third kind only if the data is right. */
#include <string.h>

#include "hw/device_types.h"
#include "hw/pci/pci.h"

enum {
    TESTS = 3, /* a BAR */
    MEMORY_SIZE = 4096,
    IO_SIZE = 256,
    DATA_MATCH = 0xfa,
    DATA_ANY = 0xce,
    HEADER_NAME = 16,
    HEADER_SIZE = 48,
    NO_TEST = 0xff,
    LARGEST_MEMBAR_SHIFT = 46,
};

static const char *const test_names[TESTS] = { "no-eventfd", "wildcard-eventfd",
                                               "datamatch-eventfd" };

typedef struct PciTestDev {
    PciDevice pci;
    uint64_t membar; /* bytes, 0: no such BAR */
    uint8_t test[2]; /* that runs: of the memory BAR, of the I/O BAR; NO_TEST */
    uint32_t count[2][TESTS];
} PciTestDev;

/* ---- Tests ---- */

/* As QEMU numbers them: behind half of the BAR, one byte after the other. */
static uint32_t test_offset(unsigned bar, unsigned test)
{
    return (bar == 0 ? MEMORY_SIZE : IO_SIZE) / 2 + bar * TESTS + test;
}

static uint8_t test_data(unsigned test)
{
    return test == TESTS - 1 ? DATA_MATCH : DATA_ANY;
}

static void header_make(const PciTestDev *dev, unsigned bar, uint8_t *header)
{
    unsigned test = dev->test[bar];
    uint32_t words[3];

    memset(header, 0, HEADER_SIZE);
    if (test == NO_TEST) {
        return;
    }
    words[0] = GUINT32_TO_LE(test_offset(bar, test));
    words[1] = GUINT32_TO_LE((uint32_t)test_data(test));
    words[2] = GUINT32_TO_LE(dev->count[bar][test]);
    header[0] = (uint8_t)test;
    header[1] = 1; /* byte writes */
    memcpy(header + 4, words, sizeof(words));
    g_snprintf((char *)header + HEADER_NAME, HEADER_SIZE - HEADER_NAME, "%s-%s",
               bar == 0 ? "mmio" : "portio", test_names[test]);
}

static uint64_t bar_read(const PciTestDev *dev, unsigned bar, uint64_t offset, unsigned width)
{
    uint8_t header[HEADER_SIZE];
    uint64_t value = 0;

    header_make(dev, bar, header);
    for (unsigned i = 0; i < width && offset + i < HEADER_SIZE; i++) {
        value |= (uint64_t)header[offset + i] << (8 * i);
    }
    return value;
}

static void bar_write(PciTestDev *dev, unsigned bar, uint64_t offset, unsigned width,
                      uint64_t value)
{
    unsigned test = dev->test[bar];

    if (offset == 0) {
        test = (unsigned)(value & 0xff);
        dev->test[bar] = test < TESTS ? (uint8_t)test : NO_TEST;
        if (test < TESTS) {
            dev->count[bar][test] = 0;
        }
    } else if (test != NO_TEST && offset == test_offset(bar, test) && width == 1 &&
               (test != TESTS - 1 || value == DATA_MATCH)) {
        dev->count[bar][test]++;
    }
}

/* ---- BARs ---- */

static uint64_t memory_read(void *opaque, uint64_t offset, unsigned width)
{
    return bar_read(opaque, 0, offset, width);
}

static void memory_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    bar_write(opaque, 0, offset, width, value);
}

static uint32_t io_read(void *opaque, uint16_t offset, unsigned width)
{
    return (uint32_t)bar_read(opaque, 1, offset, width);
}

static void io_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    bar_write(opaque, 1, offset, width, value);
}

static uint64_t nothing_read(void *opaque, uint64_t offset, unsigned width)
{
    (void)opaque, (void)offset, (void)width;
    return 0;
}

static void nothing_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    (void)opaque, (void)offset, (void)width, (void)value;
}

static const MmioOps memory_ops = { .read = memory_read, .write = memory_write };
static const MmioOps nothing_ops = { .read = nothing_read, .write = nothing_write };
static const IoRange io_ports[] = {
    { .base = 0,
      .count = IO_SIZE,
      .widths = IO_8 | IO_16 | IO_32,
      .read = io_read,
      .write = io_write },
};

/* ---- Life ---- */

static const PciClass test_class = {
    .name = "pci-testdev",
    .vendor = 0x1b36,
    .device = 0x0005,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x00ff00,
};

static bool test_create(Device *device, GError **error)
{
    PciTestDev *dev = (PciTestDev *)device;
    uint64_t size = dev->membar;

    if (size != 0 &&
        (size < MEMORY_SIZE || (size & (size - 1)) != 0 || size > 1ull << LARGEST_MEMBAR_SHIFT)) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_VALUE,
                    "membar=%" G_GUINT64_FORMAT " is not a power of two from 4 KiB to 64 TiB",
                    size);
        return false;
    }
    pci_device_add_mmio_bar(&dev->pci, 0, MEMORY_SIZE, false, false, &memory_ops, dev);
    pci_device_add_io_bar(&dev->pci, 1, IO_SIZE, io_ports, G_N_ELEMENTS(io_ports), dev);
    if (size != 0) {
        pci_device_add_mmio_bar(&dev->pci, 2, size, true, true, &nothing_ops, dev);
    }
    return true;
}

static void test_reset(Device *device)
{
    PciTestDev *dev = (PciTestDev *)device;

    dev->test[0] = dev->test[1] = NO_TEST;
    memset(dev->count, 0, sizeof(dev->count));
}

static void test_loaded(void *opaque)
{
    PciTestDev *dev = opaque;

    for (unsigned i = 0; i < G_N_ELEMENTS(dev->test); i++) {
        dev->test[i] = dev->test[i] < TESTS ? dev->test[i] : NO_TEST;
    }
}

static const StateField test_fields[] = {
    STATE_ARRAY(STATE_U8, PciTestDev, test),
    STATE_ARRAY(STATE_U32, PciTestDev, count[0]),
    STATE_ARRAY(STATE_U32, PciTestDev, count[1]),
    { 0 },
};
static const StateTable test_state = {
    .name = "pci-testdev", .version = 1, .fields = test_fields, .loaded = test_loaded
};

static const Property test_properties[] = {
    PROPERTY_ROW("membar", PROPERTY_SIZE, PciTestDev, membar),
    { 0 },
};

const DeviceType pci_testdev_type = {
    .name = "pci-testdev",
    .category = DEVICE_MISC,
    .desc = "PCI Test Device",
    .bus = &pci_bus_type,
    .size = sizeof(PciTestDev),
    .properties = test_properties,
    .pci = &test_class,
    .hotpluggable = true,
    .create = test_create,
    .reset = test_reset,
    .state = &test_state,
};
