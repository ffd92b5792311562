/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings, negotiation and both PCI interfaces, with a device that copies what it reads to what it
 * may write. */
#include "tests/hw/virtio_fixture.h"

enum { ECHO_CONFIG = 8, ECHO_QUEUES = 2 };

typedef struct Echo {
    VirtPci virt;
    VirtDevice device;
    uint8_t config[ECHO_CONFIG];
    unsigned started, resets;
    bool keep; /* elements are not given back */
    VirtElement *kept;
} Echo;

static Echo *echo; /* the device that is plugged in */

static void echo_kick(VirtDevice *device, VirtQueue *queue)
{
    VirtElement *element;

    (void)device;
    while ((element = virtqueue_pop(queue)) != NULL) {
        g_autofree uint8_t *data = g_malloc(element->out_size + 1);
        size_t n = iov_to_buffer(element->out, element->n_out, 0, data, element->out_size);

        if (echo->keep) {
            g_clear_pointer(&echo->kept, virtqueue_drop);
            echo->kept = element;
            continue;
        }
        n = iov_from_buffer(element->in, element->n_in, 0, data, n);
        virtqueue_push(queue, element, (uint32_t)n);
    }
    virtqueue_notify(queue);
}

static void echo_config(VirtDevice *device, uint8_t *config)
{
    (void)device;
    memcpy(config, echo->config, ECHO_CONFIG);
}

static void echo_config_write(VirtDevice *device, unsigned offset, const uint8_t *data,
                              unsigned size)
{
    (void)device;
    memcpy(echo->config + offset, data, size);
}

static void echo_started(VirtDevice *device)
{
    (void)device;
    echo->started++;
}

static void echo_reset(VirtDevice *device)
{
    (void)device;
    echo->resets++;
    g_clear_pointer(&echo->kept, virtqueue_drop);
}

static const VirtOps echo_ops = {
    .name = "echo",
    .id = 4,
    .config_read = echo_config,
    .config_write = echo_config_write,
    .started = echo_started,
    .reset = echo_reset,
};

static const Property echo_properties[] = { VIRTIO_PCI_PROPERTIES(Echo, 0), { 0 } };

static const PciClass echo_class = VIRTIO_PCI_CLASS("virtio-echo-pci", 0x1005, 4, 0x00ff00);

static bool echo_create(Device *dev, GError **error)
{
    echo = (Echo *)dev;
    virtio_device_init(&echo->device, &echo_ops, dev->board->map, VIRTIO_BIT(3), ECHO_CONFIG);
    for (unsigned i = 0; i < ECHO_QUEUES; i++) {
        virtio_device_add_queue(&echo->device, 64, echo_kick);
    }
    return virtio_pci_create(&echo->virt, &echo->device, error);
}

static void echo_destroy(Device *dev)
{
    virtio_pci_destroy(&((Echo *)dev)->virt);
}

static const DeviceType echo_type = {
    VIRTIO_PCI_ROW,          .name = "virtio-echo-pci",
    .size = sizeof(Echo),    .properties = echo_properties,
    .pci = &echo_class,      .create = echo_create,
    .destroy = echo_destroy, .each_state = virtio_pci_each_state,
};

static void open_as(const DeviceSetting *settings)
{
    v_open();
    v_plug(&echo_type, settings);
}

static void setup(void)
{
    open_as(NULL);
}

static void teardown(void)
{
    v_close();
}

static void echo_works(void)
{
    const Buf buf[] = { { V_BUFFERS, 5, false },
                        { V_BUFFERS + 0x1000, 6, false },
                        { V_BUFFERS + 0x2000, 3, true },
                        { V_BUFFERS + 0x3000, 20, true } };
    char text[16] = { 0 };

    phys_map_write(v.bench.map, V_BUFFERS, "hello", 5);
    phys_map_write(v.bench.map, V_BUFFERS + 0x1000, " world", 6);
    ck_assert_uint_eq(v_request(0, buf, 4), 11);
    phys_map_read(v.bench.map, V_BUFFERS + 0x2000, text, 3);
    phys_map_read(v.bench.map, V_BUFFERS + 0x3000, text + 3, 8);
    ck_assert_str_eq(text, "hello world");
}

START_TEST(a_modern_driver_talks_to_it)
{
    ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, 0, 4), 0x10051af4);
    v_start(VIRTIO_BIT(3), 1);
    ck_assert_uint_eq(echo->started, 1);
    ck_assert_uint_eq(v.features, VIRTIO_BIT(3) | VIRTIO_BIT(32));
    echo_works();
    ck_assert(v.irq);
    ck_assert_uint_eq(v_isr(), 1);
    ck_assert(!v.irq);
    ck_assert_uint_eq(v_isr(), 0);
}
END_TEST

START_TEST(a_legacy_driver_talks_to_it)
{
    v.legacy = true;
    v_start(VIRTIO_BIT(3), 2);
    ck_assert_uint_eq(v.queue[0].size, 64);
    echo_works();
    ck_assert_uint_eq(v_isr(), 1);
    l_out(0xe, 2, 1);
    ck_assert_uint_eq(l_in(8, 4), v.queue[1].desc >> 12);
    l_out(0xe, 2, 2); /* there is no such queue */
    ck_assert_uint_eq(l_in(0xc, 2), 0);
    l_out(0xe, 2, 0);
    l_out(8, 4, 0); /* page 0 resets */
    ck_assert_uint_eq(v_status(), 0);
}
END_TEST

START_TEST(a_modern_only_device_has_another_id)
{
    teardown();
    open_as((DeviceSetting[]){ { "disable-legacy", "on", NULL }, { 0 } });
    ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, 0, 4), 0x10441af4);
    ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, 8, 1), 1);
    ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, 0x10, 4), 0);
    ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, 0x2c, 4), 0x11001af4);
}
END_TEST

START_TEST(a_legacy_only_device_offers_no_version_1)
{
    teardown();
    open_as((DeviceSetting[]){ { "disable-modern", "on", NULL }, { 0 } });
    ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, 0x20, 4), 0);
    v.legacy = true;
    v_start(0, 1);
    echo_works();
    ck_assert_uint_eq(echo->device.offered >> 32, 0);
}
END_TEST

START_TEST(capabilities_lead_to_four_pages_and_a_window)
{
    static const unsigned page[] = { [1] = 0x0000, [3] = 0x1000, [4] = 0x2000, [2] = 0x3000 };
    unsigned at = config_in(&v.bench, V_DEVFN, 0x34, 1), seen = 0, window = 0;

    for (; at != 0; at = config_in(&v.bench, V_DEVFN, at + 1, 1)) {
        unsigned type = config_in(&v.bench, V_DEVFN, at + 3, 1);

        if (config_in(&v.bench, V_DEVFN, at, 1) != 9) {
            continue;
        }
        seen |= 1u << type;
        if (type == 5) {
            window = at;
            continue;
        }
        ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, at + 4, 1), 4);
        ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, at + 8, 4), page[type]);
    }
    ck_assert_uint_eq(seen, 0x3e);
    /* Firmware sets the status through the window, with the BAR off. */
    config_out(&v.bench, V_DEVFN, window + 4, 1, 4);
    config_out(&v.bench, V_DEVFN, window + 8, 4, 0x14);
    config_out(&v.bench, V_DEVFN, window + 12, 4, 1);
    config_out(&v.bench, V_DEVFN, window + 16, 1, 3);
    ck_assert_uint_eq(echo->device.status, 3);
    ck_assert_uint_eq(config_in(&v.bench, V_DEVFN, window + 16, 1), 3);
    config_out(&v.bench, V_DEVFN, window + 8, 4, 0xfffffff0); /* leads nowhere */
    config_out(&v.bench, V_DEVFN, window + 16, 1, 0);
    ck_assert_uint_eq(echo->device.status, 3);
}
END_TEST

START_TEST(features_that_were_not_offered_are_refused)
{
    v_plug_in();
    v_set_status(0);
    v_set_status(3);
    v_features(VIRTIO_BIT(32) | VIRTIO_BIT(7));
    v_set_status(0xb);
    ck_assert_uint_eq(v_status(), 3);
    v_features(VIRTIO_BIT(32) | VIRTIO_BIT(3));
    v_set_status(0xb);
    ck_assert_uint_eq(v_status(), 0xb);
    v_features(VIRTIO_BIT(32)); /* too late */
    ck_assert(virtio_device_has(&echo->device, 3));
}
END_TEST

START_TEST(an_indirect_table_is_followed)
{
    const Buf buf[] = { { V_BUFFERS + 0x8000, 32, false } };
    VqDriver *vq = &v.queue[0];

    v_start(VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC), 1);
    phys_map_write(v.bench.map, V_BUFFERS, "abc", 3);
    v_desc(V_BUFFERS + 0x8000, 0, V_BUFFERS, 3, 1, 1);
    v_desc(V_BUFFERS + 0x8000, 1, V_BUFFERS + 0x1000, 9, 2, 0);
    v_desc(vq->desc, 0, buf[0].gpa, buf[0].size, 4, 0);
    v_make_available(vq, 0);
    v_notify(0);
    ck_assert_uint_eq(v_take(0, NULL), 3);
    ck_assert_uint_eq(g_get(V_BUFFERS + 0x1000, 3), 0x636261);
}
END_TEST

START_TEST(event_indexes_hold_back_interrupts_and_notifications)
{
    const Buf buf[] = { { V_BUFFERS, 4, false } };
    VqDriver *vq = &v.queue[0];

    v_start(VIRTIO_BIT(VIRTIO_F_EVENT_IDX), 1);
    g_put(vq->avail + 4 + 2 * vq->size, 1, 2); /* after the second one, please */
    v_request(0, buf, 1);
    ck_assert_uint_eq(v_isr(), 1); /* the first one always: nothing is known yet */
    g_put(vq->avail + 4 + 2 * vq->size, 3, 2);
    v_request(0, buf, 1);
    v_request(0, buf, 1);
    ck_assert_uint_eq(v_isr(), 0);
    v_request(0, buf, 1);
    ck_assert_uint_eq(v_isr(), 1);
    ck_assert_uint_eq(g_get(vq->used + 4 + 8 * vq->size, 2), 4); /* notify at the next */
    g_put(vq->avail + 4 + 2 * vq->size, 0xff00, 2);
    v_request(0, buf, 1);
    ck_assert_uint_eq(v_isr(), 0);
}
END_TEST

START_TEST(the_driver_may_refuse_interrupts)
{
    const Buf buf[] = { { V_BUFFERS, 4, false } };

    v_start(0, 1);
    g_put(v.queue[0].avail, 1, 2);
    v_request(0, buf, 1);
    ck_assert_uint_eq(v_isr(), 0);
    g_put(v.queue[0].avail, 0, 2);
    v_request(0, buf, 1);
    ck_assert_uint_eq(v_isr(), 1);
}
END_TEST

START_TEST(indexes_wrap)
{
    const Buf buf[] = { { V_BUFFERS, 4, false }, { V_BUFFERS + 16, 4, true } };

    v_start(VIRTIO_BIT(VIRTIO_F_EVENT_IDX), 1);
    for (unsigned i = 0; i < 70000; i++) {
        ck_assert_uint_eq(v_request(0, buf, 2), 4);
    }
}
END_TEST

typedef struct WrongRow {
    const char *name;
    uint64_t gpa;
    uint32_t size;
    uint16_t flags, next, head;
    uint16_t jump; /* of the available index, beyond one */
} WrongRow;

static const WrongRow wrong_rows[] = {
    { "a buffer outside RAM", 0xd0000000, 16, 0, 0, 0, 0 },
    { "a buffer over the end of RAM", V_RAM - 8, 16, 0, 0, 0, 0 },
    { "an address that wraps", UINT64_MAX - 7, 16, 2, 0, 0, 0 },
    { "a loop of one", V_BUFFERS, 16, 1, 0, 0, 0 },
    { "next outside the table", V_BUFFERS, 16, 1, 64, 0, 0 },
    { "head outside the table", V_BUFFERS, 16, 0, 0, 64, 0 },
    { "indirect and next", V_BUFFERS, 32, 5, 1, 0, 0 },
    { "an indirect table of odd size", V_BUFFERS, 17, 4, 0, 0, 0 },
    { "an empty indirect table", V_BUFFERS, 0, 4, 0, 0, 0 },
    { "an indirect table outside RAM", V_RAM, 32, 4, 0, 0, 0 },
    { "an available index too far on", V_BUFFERS, 16, 0, 0, 0, 64 },
};

START_TEST(rubbish_asks_for_a_reset)
{
    const WrongRow *row = &wrong_rows[_i];
    VqDriver *vq = &v.queue[0];

    v_start(VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC), 1);
    v_desc(vq->desc, 0, row->gpa, row->size, row->flags, row->next);
    g_put(vq->avail + 4, row->head, 2);
    g_put(vq->avail + 2, 1 + row->jump, 2);
    v_notify(0);
    ck_assert_msg((v_status() & 0x40) != 0, "%s: status %02x", row->name, v_status());
    ck_assert_uint_eq(v_isr(), 2); /* look at the status */
    ck_assert(!v_used(0));
    v_start(0, 1); /* and it is well again */
    echo_works();
}
END_TEST

START_TEST(rings_outside_ram_ask_for_a_reset)
{
    v_start(0, 0);
    v_queue(0);
    v_set_status(0);
    v_set_status(3);
    v_features(VIRTIO_BIT(32));
    v_set_status(0xb);
    m_out(V_COMMON + 0x20, 4, 0xf0000000);
    m_out(V_COMMON + 0x1c, 2, 1);
    v_set_status(0xf);
    v_notify(0);
    ck_assert_uint_eq(v_status() & 0x40, 0x40);
}
END_TEST

START_TEST(without_bus_mastering_nothing_moves)
{
    const Buf buf[] = { { V_BUFFERS, 4, false } };

    v_start(0, 1);
    config_out(&v.bench, V_DEVFN, 4, 2, 3);
    v_add(0, buf, 1);
    v_notify(0);
    ck_assert(!v_used(0));
    config_out(&v.bench, V_DEVFN, 4, 2, 7);
    v_notify(0);
    ck_assert(v_used(0));
}
END_TEST

START_TEST(elements_of_before_a_reset_go_nowhere)
{
    const Buf buf[] = { { V_BUFFERS, 4, false } };
    VirtElement *stale;

    v_start(0, 1);
    echo->keep = true;
    v_add(0, buf, 1);
    v_notify(0);
    stale = echo->kept;
    ck_assert_ptr_nonnull(stale);
    echo->kept = NULL;
    echo->keep = false;
    v_start(0, 1);
    virtqueue_push(&echo->device.queue[0], stale, 0);
    ck_assert(!v_used(0));
    ck_assert_uint_eq(echo->device.queue[0].in_flight, 0);
}
END_TEST

START_TEST(the_configuration_space_is_read_written_and_versioned)
{
    uint8_t generation;

    v_start(0, 1);
    generation = (uint8_t)m_in(V_COMMON + 0x15, 1);
    m_out(V_CONFIG + 2, 2, 0xbeef);
    ck_assert_uint_eq(v_config(0, 4), 0xbeef0000);
    ck_assert_uint_eq(v_config(ECHO_CONFIG, 4), UINT32_MAX); /* behind it */
    m_out(V_CONFIG + ECHO_CONFIG, 4, 0x1111);
    ck_assert_uint_eq(v_config(4, 4), 0);
    virtio_device_config_changed(&echo->device);
    ck_assert_uint_ne(m_in(V_COMMON + 0x15, 1), generation);
    ck_assert_uint_eq(v_isr(), 2);
}
END_TEST

START_TEST(fuzz_rings_and_registers)
{
    const uint64_t features = _i % 2 == 0 ? VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC)
                                          : VIRTIO_BIT(VIRTIO_F_EVENT_IDX);

    v_fuzz(0x5eed0000u + (uint32_t)_i, 20000, features, ECHO_QUEUES);
    echo_works();
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("virtqueue");

    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_modern_driver_talks_to_it);
    tcase_add_test(tc, a_legacy_driver_talks_to_it);
    tcase_add_test(tc, a_modern_only_device_has_another_id);
    tcase_add_test(tc, a_legacy_only_device_offers_no_version_1);
    tcase_add_test(tc, capabilities_lead_to_four_pages_and_a_window);
    tcase_add_test(tc, features_that_were_not_offered_are_refused);
    tcase_add_test(tc, an_indirect_table_is_followed);
    tcase_add_test(tc, event_indexes_hold_back_interrupts_and_notifications);
    tcase_add_test(tc, the_driver_may_refuse_interrupts);
    tcase_add_test(tc, indexes_wrap);
    tcase_add_loop_test(tc, rubbish_asks_for_a_reset, 0, G_N_ELEMENTS(wrong_rows));
    tcase_add_test(tc, rings_outside_ram_ask_for_a_reset);
    tcase_add_test(tc, without_bus_mastering_nothing_moves);
    tcase_add_test(tc, elements_of_before_a_reset_go_nowhere);
    tcase_add_test(tc, the_configuration_space_is_read_written_and_versioned);
    tcase_add_loop_test(tc, fuzz_rings_and_registers, 0, 4);
    return suite_run(tc, "virtqueue");
}
