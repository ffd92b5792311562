/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entropy device, the memory balloon and serial ports, seen from their rings. */
#include <glib/gstdio.h>
#include <unistd.h>
#include "hw/balloon.h"
#include "hw/char/chardev.h"
#include "hw/device_types.h"
#include "hw/rng.h"
#include "tests/hw/virtio_fixture.h"

enum { AT = V_BUFFERS };
enum { CONTROL_RX = 2, CONTROL_TX = 3, PORT1_RX = 4, PORT1_TX = 5 };

static void setup(void)
{
    v_open();
}

static void teardown(void)
{
    v_close();
}

/* ---- Entropy ---- */

START_TEST(entropy_fills_buffers)
{
    const Buf buf[] = { { AT, 64, true }, { AT + 0x1000, 5000, true } };
    uint64_t seen = 0;

    v_plug(&virtio_rng_pci_type, NULL);
    v_start(0, 1);
    ck_assert_uint_eq(v_request(0, buf, 2), 5064);
    for (unsigned i = 0; i < 64; i += 8) {
        seen |= g_get(AT + i, 8);
    }
    ck_assert_uint_ne(seen, 0);
}
END_TEST

START_TEST(entropy_is_rationed)
{
    const DeviceSetting settings[] = { { "max-bytes", "100", NULL },
                                       { "period", "1000", NULL },
                                       { 0 } };
    const Buf buf[] = { { AT, 80, true } };

    v_plug(&virtio_rng_pci_type, settings);
    v_start(0, 1);
    ck_assert_uint_eq(v_request(0, buf, 1), 80);
    ck_assert_uint_eq(v_request(0, buf, 1), 20);
    v_add(0, buf, 1);
    v_notify(0);
    ck_assert(!v_used(0));
    clock_step(v.bench.clock, 999ll * NS_PER_MS);
    ck_assert(!v_used(0));
    clock_step(v.bench.clock, 2ll * NS_PER_MS);
    ck_assert_uint_eq(v_take(0, NULL), 80);
}
END_TEST

START_TEST(entropy_comes_from_a_file)
{
    g_autofree char *path = NULL;
    DeviceSetting settings[] = { { "rng", NULL, NULL }, { 0 } };
    int fd = g_file_open_tmp("doppel-rng-XXXXXX", &path, NULL);
    Rng *rng;

    ck_assert_int_eq(write(fd, "0123456789", 10), 10);
    close(fd);
    rng = rng_file_new(path, NULL);
    ck_assert_ptr_null(rng_file_new("/nowhere/at/all", NULL));
    settings[0].link = rng;
    v_plug(&virtio_rng_pci_type, settings);
    v_start(0, 1);
    ck_assert_uint_eq(v_request(0, (Buf[]){ { AT, 8, true } }, 1), 8);
    ck_assert_uint_eq(g_get(AT, 4), 0x33323130);
    g_clear_pointer(&v.dev, device_free);
    rng_free(rng);
    g_unlink(path);
}
END_TEST

/* ---- Balloon ---- */

START_TEST(pages_that_are_given_up_are_zero)
{
    const uint32_t pages[] = { 0x500000 >> 12, 0x502000 >> 12, 0x7fffffff };

    v_plug(&virtio_balloon_pci_type, NULL);
    v_start(0, 3);
    for (unsigned i = 0; i < 4; i++) {
        g_put(0x500000 + 0x1000 * i, 0x1234, 8);
    }
    phys_map_write(v.bench.map, AT, pages, sizeof(pages));
    v_request(0, (Buf[]){ { AT, sizeof(pages), false } }, 1);
    ck_assert_uint_eq(g_get(0x500000, 8), 0);
    ck_assert_uint_eq(g_get(0x501000, 8), 0x1234);
    ck_assert_uint_eq(g_get(0x502000, 8), 0);
    ck_assert_uint_eq(g_get(0x503000, 8), 0x1234);
    v_request(1, (Buf[]){ { AT, 4, false } }, 1);
}
END_TEST

START_TEST(the_target_is_told_and_what_the_guest_has_comes_back)
{
    v_plug(&virtio_balloon_pci_type, NULL);
    v_start(0, 3);
    ck_assert_ptr_eq(balloon_find(v.bench.board), v.dev);
    ck_assert_uint_eq(balloon_actual(v.dev), V_RAM);
    balloon_set_target(v.dev, V_RAM - (3 << 12));
    ck_assert_uint_eq(v_isr() & 2, 2);
    ck_assert_uint_eq(v_config(0, 4), 3);
    m_out(V_CONFIG + 4, 4, 2);
    ck_assert_uint_eq(balloon_actual(v.dev), V_RAM - (2 << 12));
    m_out(V_CONFIG + 4, 4, 0xffffffff); /* more than there is */
    ck_assert_uint_eq(balloon_actual(v.dev), 0);
}
END_TEST

START_TEST(statistics_are_asked_for_by_the_clock)
{
    v_plug(&virtio_balloon_pci_type, NULL);
    v_start(VIRTIO_BIT(1), 3);
    g_put(AT, 4, 2); /* free memory */
    g_put(AT + 2, 0x123456, 8);
    g_put(AT + 10, 77, 2); /* no such tag */
    g_put(AT + 12, 1, 8);
    v_add(2, (Buf[]){ { AT, 20, false } }, 1);
    v_notify(2);
    ck_assert_uint_eq(balloon_stats(v.dev)->value[4], 0x123456);
    ck_assert_uint_eq(balloon_stats(v.dev)->value[0], UINT64_MAX);
    ck_assert(!v_used(2));
    balloon_set_interval(v.dev, 2);
    clock_step(v.bench.clock, 3ll * NS_PER_S);
    ck_assert(v_used(2));
}
END_TEST

/* ---- Serial ports ---- */

static struct {
    char *path;
    CharDev *chr;
} serial;

static Device *port_plug(const DeviceType *type, const char *name, const void *chr)
{
    DeviceSetting settings[] = { { "name", name, NULL },
                                 { chr != NULL ? "chardev" : NULL, NULL, chr },
                                 { 0 } };
    g_autoptr(GError) error = NULL;
    Device *dev = device_new(v.bench.board, type, NULL, settings, &error);

    ck_assert_msg(dev != NULL, "%s", error != NULL ? error->message : "");
    return dev;
}

static void serial_open(void)
{
    g_autofree char *spec = NULL;
    int fd = g_file_open_tmp("doppel-serial-XXXXXX", &serial.path, NULL);

    close(fd);
    spec = g_strconcat("file:", serial.path, NULL);
    serial.chr = chardev_new(spec, NULL);
    v_plug(&virtio_serial_pci_type, NULL);
    port_plug(&virtserialport_type, "org.example", serial.chr);
}

static void serial_close(void)
{
    g_clear_pointer(&v.dev, device_free);
    chardev_free(serial.chr);
    g_unlink(serial.path);
    g_free(serial.path);
}

static void tell(uint32_t id, uint16_t event, uint16_t value)
{
    g_put(AT, id, 4);
    g_put(AT + 4, event, 2);
    g_put(AT + 6, value, 2);
    v_request(CONTROL_TX, (Buf[]){ { AT, 8, false } }, 1);
}

/* The next message: its event; `value` and what follows are in memory behind it. */
static uint16_t told(uint32_t *size)
{
    uint16_t head;

    *size = v_take(CONTROL_RX, &head);
    return (uint16_t)g_get(AT + 0x1000 + 0x100 * head + 4, 2);
}

static void serial_start(void)
{
    v_start(VIRTIO_BIT(1), 6);
    ck_assert_uint_eq(v_config(4, 4), 31);
    for (unsigned i = 0; i < 16; i++) {
        v_add(CONTROL_RX, (Buf[]){ { AT + 0x1000 + 0x100 * i, 0x100, true } }, 1);
    }
    v_notify(CONTROL_RX);
    tell(0, 0, 1);
}

START_TEST(a_port_is_announced_named_and_open)
{
    uint32_t size;

    serial_open();
    serial_start();
    ck_assert_uint_eq(told(&size), 1); /* PORT_ADD */
    ck_assert_uint_eq(g_get(AT + 0x1000, 4), 1);
    ck_assert(!v_used(CONTROL_RX));
    tell(1, 3, 1); /* PORT_READY */
    ck_assert_uint_eq(told(&size), 7);
    ck_assert_uint_eq(size, 8 + sizeof("org.example"));
    ck_assert_uint_eq(g_get(AT + 0x1100 + 8, 3), 0x67726f);
    ck_assert_uint_eq(told(&size), 6); /* PORT_OPEN */
    tell(99, 3, 1);                    /* no such port */
    tell(1, 999, 1);
    ck_assert(!v_used(CONTROL_RX));
    serial_close();
}
END_TEST

START_TEST(what_is_written_comes_out)
{
    g_autofree char *contents = NULL;

    serial_open();
    serial_start();
    tell(1, 3, 1);
    tell(1, 6, 1);
    phys_map_write(v.bench.map, AT + 0x8000, "hello", 5);
    v_request(PORT1_TX, (Buf[]){ { AT + 0x8000, 2, false }, { AT + 0x8002, 3, false } }, 2);
    for (unsigned i = 0; i < 50; i++) {
        g_main_context_iteration(NULL, FALSE);
    }
    ck_assert(g_file_get_contents(serial.path, &contents, NULL, NULL));
    ck_assert_str_eq(contents, "hello");
    serial_close();
}
END_TEST

START_TEST(places_on_the_bus_are_kept)
{
    static const struct {
        const DeviceType *type;
        const char *nr, *say;
    } rows[] = {
        { &virtserialport_type, "0", "reserved for virtconsole" },
        { &virtserialport_type, "1", "already exists at id 1" },
        { &virtconsole_type, "31", "Maximum port limit" },
    };

    serial_open();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const DeviceSetting settings[] = { { "nr", rows[i].nr, NULL }, { 0 } };
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(device_new(v.bench.board, rows[i].type, NULL, settings, &error));
        ck_assert_msg(strstr(error->message, rows[i].say) != NULL, "%s", error->message);
    }
    port_plug(&virtconsole_type, "console", NULL);
    serial_close();
}
END_TEST

/* ---- Rubbish ---- */

START_TEST(fuzz)
{
    const DeviceType *const types[] = { &virtio_rng_pci_type, &virtio_balloon_pci_type,
                                        &virtio_serial_pci_type };
    const unsigned queues[] = { 1, 3, 6 };

    v_plug(types[_i], NULL);
    if (_i == 2) {
        port_plug(&virtserialport_type, "x", NULL);
    }
    v_fuzz(0x5a110000u + (uint32_t)_i, 20000,
           VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) | VIRTIO_BIT(1) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX),
           queues[_i]);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("virtio-small");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, entropy_fills_buffers);
    tcase_add_test(tc, entropy_is_rationed);
    tcase_add_test(tc, entropy_comes_from_a_file);
    tcase_add_test(tc, pages_that_are_given_up_are_zero);
    tcase_add_test(tc, the_target_is_told_and_what_the_guest_has_comes_back);
    tcase_add_test(tc, statistics_are_asked_for_by_the_clock);
    tcase_add_test(tc, a_port_is_announced_named_and_open);
    tcase_add_test(tc, what_is_written_comes_out);
    tcase_add_test(tc, places_on_the_bus_are_kept);
    tcase_add_loop_test(tc, fuzz, 0, 3);
    return suite_run(tc, "virtio-small");
}
