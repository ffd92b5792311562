/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_VIRTIO_FIXTURE_H
#define TESTS_HW_VIRTIO_FIXTURE_H
/* virtio_fixture.h - a small virtio driver: it finds the device by its PCI capabilities (or takes
 * the legacy ports), negotiates, sets split rings up in guest RAM and waits for what comes back. */
#include "hw/pci/host_bridge.h"
#include "hw/virtio/virtio_pci.h"
#include "tests/hw/board_fixture.h"

enum {
    V_RAM = 8 << 20,
    V_DEVFN = PCI_DEVFN(5, 0),
    V_PORTS = 0xc000,
    V_RINGS = 0x200000, /* 64 KiB a queue */
    V_BUFFERS = 0x400000,
    V_MAX_QUEUES = 16,
};
#define V_BAR 0xe0000000u

typedef struct VqDriver {
    unsigned index, size;
    uint64_t desc, avail, used;
    uint16_t next_desc, seen; /* used index up to which results were taken */
} VqDriver;

typedef struct Virt {
    Bench bench;
    PciBus *bus;
    HostBridge *bridge;
    Device *dev;
    bool irq, legacy;
    uint64_t features;
    VqDriver queue[V_MAX_QUEUES];
} Virt;

static Virt v;

static inline void v_set_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin;
    v.irq = level;
}

static inline void v_open(void)
{
    memset(&v, 0, sizeof(v));
    bench_open(&v.bench, V_RAM);
    phys_map_add_ram(v.bench.map, 0, 0, V_RAM, 0);
    v.bus = pci_bus_new(v.bench.board, "pci.0", v_set_pin, NULL);
    v.bridge = host_bridge_new(&i440fx_model, v.bench.map, v.bench.io, v.bus, 4);
}

/* Plugs the device in at V_DEVFN. `settings`: what it is to have; {0} ends them. */
static inline Device *v_plug(const DeviceType *type, const DeviceSetting *settings)
{
    g_autoptr(GError) error = NULL;
    DeviceSetting list[16] = { { "addr", "5", NULL } };

    for (unsigned i = 0; settings != NULL && settings[i].name != NULL; i++) {
        ck_assert_uint_lt(i, G_N_ELEMENTS(list) - 2);
        list[i + 1] = settings[i];
    }
    v.dev = device_new(v.bench.board, type, (Bus *)v.bus, list, &error);
    ck_assert_msg(v.dev != NULL, "%s", error != NULL ? error->message : "");
    return v.dev;
}

static inline void v_close(void)
{
    g_clear_pointer(&v.dev, device_free);
    host_bridge_free(v.bridge);
    pci_bus_free(v.bus);
    bench_close(&v.bench);
}

/* ---- Memory ---- */

static inline void g_put(uint64_t gpa, uint64_t value, unsigned width)
{
    phys_map_write(v.bench.map, gpa, &value, width);
}

static inline uint64_t g_get(uint64_t gpa, unsigned width)
{
    uint64_t value = 0;

    phys_map_read(v.bench.map, gpa, &value, width);
    return value;
}

/* ---- Registers ---- */

enum {
    V_COMMON = 0x0000,
    V_ISR = 0x1000,
    V_CONFIG = 0x2000,
    V_NOTIFY = 0x3000,
};

static inline uint32_t m_in(unsigned offset, unsigned width)
{
    return (uint32_t)phys_map_mmio_read(v.bench.map, V_BAR + offset, width);
}

static inline void m_out(unsigned offset, unsigned width, uint32_t value)
{
    phys_map_mmio_write(v.bench.map, V_BAR + offset, width, value);
}

static inline uint32_t l_in(unsigned reg, unsigned width)
{
    return io_bus_read(v.bench.io, (uint16_t)(V_PORTS + reg), width);
}

static inline void l_out(unsigned reg, unsigned width, uint32_t value)
{
    io_bus_write(v.bench.io, (uint16_t)(V_PORTS + reg), width, value);
}

static inline uint8_t v_status(void)
{
    return (uint8_t)(v.legacy ? l_in(0x12, 1) : m_in(V_COMMON + 0x14, 1));
}

static inline void v_set_status(uint8_t status)
{
    if (v.legacy) {
        l_out(0x12, 1, status);
    } else {
        m_out(V_COMMON + 0x14, 1, status);
    }
}

static inline uint32_t v_config(unsigned offset, unsigned width)
{
    return v.legacy ? l_in(0x14 + offset, width) : m_in(V_CONFIG + offset, width);
}

static inline uint64_t v_offered(void)
{
    uint64_t low;

    if (v.legacy) {
        return l_in(0, 4);
    }
    m_out(V_COMMON, 4, 0);
    low = m_in(V_COMMON + 4, 4);
    m_out(V_COMMON, 4, 1);
    return low | (uint64_t)m_in(V_COMMON + 4, 4) << 32;
}

static inline uint8_t v_isr(void)
{
    return (uint8_t)(v.legacy ? l_in(0x13, 1) : m_in(V_ISR, 1));
}

static inline void v_notify(unsigned queue)
{
    if (v.legacy) {
        l_out(0x10, 2, queue);
    } else {
        m_out(V_NOTIFY + 4 * queue, 2, queue);
    }
}

/* ---- Coming up ---- */

static inline void v_plug_in(void)
{
    config_out(&v.bench, V_DEVFN, 0x10, 4, V_PORTS);
    config_out(&v.bench, V_DEVFN, 0x20, 4, V_BAR);
    config_out(&v.bench, V_DEVFN, 0x24, 4, 0);
    config_out(&v.bench, V_DEVFN, 0x04, 2, 7);
}

static inline void v_features(uint64_t features)
{
    v.features = features;
    if (v.legacy) {
        l_out(4, 4, (uint32_t)features);
        return;
    }
    m_out(V_COMMON + 8, 4, 0);
    m_out(V_COMMON + 0xc, 4, (uint32_t)features);
    m_out(V_COMMON + 8, 4, 1);
    m_out(V_COMMON + 0xc, 4, (uint32_t)(features >> 32));
}

static inline void v_queue_modern(VqDriver *vq)
{
    m_out(V_COMMON + 0x16, 2, vq->index);
    vq->size = m_in(V_COMMON + 0x18, 2);
    if (vq->size > 128) { /* the driver may make it smaller */
        m_out(V_COMMON + 0x18, 2, vq->size = 128);
    }
    m_out(V_COMMON + 0x20, 4, (uint32_t)vq->desc);
    m_out(V_COMMON + 0x28, 4, (uint32_t)vq->avail);
    m_out(V_COMMON + 0x30, 4, (uint32_t)vq->used);
    m_out(V_COMMON + 0x1c, 2, 1);
}

static inline void v_queue(unsigned index)
{
    VqDriver *vq = &v.queue[index];

    *vq = (VqDriver){ .index = index, .desc = V_RINGS + 0x10000ull * index };
    phys_map_write(v.bench.map, vq->desc, (uint8_t[0x10000]){ 0 }, 0x10000);
    if (v.legacy) {
        l_out(0xe, 2, index);
        vq->size = l_in(0xc, 2);
        vq->avail = vq->desc + 16 * vq->size;
        vq->used = (vq->avail + 6 + 2 * vq->size + 4095) & ~4095ull;
        l_out(8, 4, (uint32_t)(vq->desc >> 12));
        return;
    }
    vq->avail = vq->desc + 0x8000;
    vq->used = vq->desc + 0xc000;
    v_queue_modern(vq);
}

/* Reset, features (the rings' own are added where offered and asked for), `queues` queues,
 * DRIVER_OK. */
static inline void v_start(uint64_t features, unsigned queues)
{
    v_plug_in();
    v_set_status(0);
    v_set_status(1);
    v_set_status(3);
    if (!v.legacy) {
        features |= VIRTIO_BIT(VIRTIO_F_VERSION_1);
    }
    v_features(features & v_offered());
    if (!v.legacy) {
        v_set_status(0xb);
        ck_assert_uint_eq(v_status(), 0xb);
    }
    for (unsigned i = 0; i < queues; i++) {
        v_queue(i);
    }
    v_set_status(v.legacy ? 7 : 0xf);
}

/* ---- Rings ---- */

typedef struct Buf {
    uint64_t gpa;
    uint32_t size;
    bool write; /* by the device */
} Buf;

static inline void v_desc(uint64_t table, unsigned i, uint64_t gpa, uint32_t size, uint16_t flags,
                          uint16_t next)
{
    g_put(table + 16 * i, gpa, 8);
    g_put(table + 16 * i + 8, size, 4);
    g_put(table + 16 * i + 12, flags, 2);
    g_put(table + 16 * i + 14, next, 2);
}

static inline void v_make_available(VqDriver *vq, uint16_t head)
{
    uint16_t index = (uint16_t)g_get(vq->avail + 2, 2);

    g_put(vq->avail + 4 + 2 * (index % vq->size), head, 2);
    g_put(vq->avail + 2, (uint16_t)(index + 1), 2);
}

/* Makes a chain available; its head. Descriptors are taken round the table. */
static inline uint16_t v_add(unsigned queue, const Buf *buf, unsigned n)
{
    VqDriver *vq = &v.queue[queue];
    uint16_t head = vq->next_desc;

    for (unsigned i = 0; i < n; i++) {
        uint16_t at = vq->next_desc;

        vq->next_desc = (uint16_t)((at + 1) % vq->size);
        v_desc(vq->desc, at, buf[i].gpa, buf[i].size,
               (uint16_t)((i + 1 < n ? 1 : 0) | (buf[i].write ? 2 : 0)), vq->next_desc);
    }
    v_make_available(vq, head);
    return head;
}

static inline bool v_used(unsigned queue)
{
    return (uint16_t)g_get(v.queue[queue].used + 2, 2) != v.queue[queue].seen;
}

/* The next result: bytes that were written; `head` gets the chain's. */
static inline uint32_t v_take(unsigned queue, uint16_t *head)
{
    VqDriver *vq = &v.queue[queue];
    uint64_t entry = vq->used + 4 + 8 * (vq->seen % vq->size);

    ck_assert(v_used(queue));
    vq->seen++;
    if (head != NULL) {
        *head = (uint16_t)g_get(entry, 4);
    }
    return (uint32_t)g_get(entry + 4, 4);
}

/* Runs the main loop until the queue has a result. */
static inline void v_wait(unsigned queue)
{
    for (unsigned i = 0; !v_used(queue); i++) {
        ck_assert_msg(i < 100000, "nothing comes back");
        g_main_context_iteration(NULL, FALSE);
        if (i > 100) {
            g_usleep(50);
        }
    }
}

/* One request from beginning to end. */
static inline uint32_t v_request(unsigned queue, const Buf *buf, unsigned n)
{
    uint16_t head = v_add(queue, buf, n), got;
    uint32_t written;

    v_notify(queue);
    v_wait(queue);
    written = v_take(queue, &got);
    ck_assert_uint_eq(got, head);
    return written;
}

/* ---- Rubbish ---- */

/* Writes to rings, tables and registers without sense, for fuzz loops. */
static inline void v_rubbish(GRand *rand, unsigned queues)
{
    VqDriver *vq = &v.queue[g_rand_int_range(rand, 0, (int)queues)];
    unsigned i = (unsigned)g_rand_int_range(rand, 0, 16);
    uint64_t gpa = g_rand_int_range(rand, 0, 8) == 0 ? g_rand_int(rand)
                                                     : V_BUFFERS + (g_rand_int(rand) & 0xffff);

    switch (g_rand_int_range(rand, 0, 8)) {
    case 0:
        v_desc(vq->desc, i, gpa, g_rand_int(rand) >> g_rand_int_range(rand, 0, 31),
               (uint16_t)(g_rand_int(rand) & 7), (uint16_t)g_rand_int_range(rand, 0, 40));
        break;
    case 1:
        v_desc(V_BUFFERS, i, gpa, g_rand_int(rand) & 0xfff, (uint16_t)(g_rand_int(rand) & 3),
               (uint16_t)g_rand_int_range(rand, 0, 18));
        break;
    case 2:
        g_put(vq->avail + g_rand_int(rand) % 64, g_rand_int(rand), 2);
        break;
    case 3:
        g_put(V_BUFFERS + (g_rand_int(rand) & 0xffff), g_rand_int(rand), 4);
        break;
    case 4:
        m_out(g_rand_int(rand) & 0x303f, 1u << g_rand_int_range(rand, 0, 3), g_rand_int(rand));
        break;
    default:
        v_make_available(vq, (uint16_t)i);
        v_notify(vq->index);
        break;
    }
}

/* `steps` of it; the device is started anew whenever it has broken down. */
static inline void v_fuzz(uint32_t seed, unsigned steps, uint64_t features, unsigned queues)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

    for (unsigned i = 0; i < steps; i++) {
        if (i % 64 == 0 || (v_status() & VIRTIO_STATUS_NEEDS_RESET) != 0) {
            v_start(features, queues);
        }
        v_rubbish(rand, queues);
        if (i % 16 == 0) {
            g_main_context_iteration(NULL, FALSE);
        }
    }
    v_start(features, queues); /* and is well again */
}

#endif
