/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_NIC_FIXTURE_H
#define TESTS_HW_NIC_FIXTURE_H
/* nic_fixture.h - a PCI network card and a cable whose other end the test holds. */
#include "hw/net/net.h"
#include "hw/pci/host_bridge.h"
#include "tests/hw/board_fixture.h"

enum { N_RAM = 8 << 20, N_DEVFN = PCI_DEVFN(5, 0), N_PORTS = 0xc000, N_KEPT = 64 };
#define N_BAR 0xe0000000u

static struct {
    Bench bench;
    PciBus *bus;
    HostBridge *bridge;
    Device *dev;
    NetPort *host;
    bool irq, full;
    unsigned received;
    size_t size;
    NetOffload offload; /* of the last one */
    uint8_t frame[70000];
} n;

static bool n_receive(void *opaque, const struct iovec *iov, unsigned count,
                      const NetOffload *offload)
{
    (void)opaque;
    if (n.full) {
        return false;
    }
    n.size = 0;
    for (unsigned i = 0; i < count; i++) {
        ck_assert_uint_le(n.size + iov[i].iov_len, sizeof(n.frame));
        memcpy(n.frame + n.size, iov[i].iov_base, iov[i].iov_len);
        n.size += iov[i].iov_len;
    }
    n.offload = *offload;
    n.received++;
    return true;
}

static const NetPortOps n_ops = { .receive = n_receive };

static void n_set_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin;
    n.irq = level;
}

/* Plugs the card in; memory BARs 0 and 1 at N_BAR and N_BAR + 1 MiB, I/O ones at N_PORTS likewise.
 */
static inline void n_open(const DeviceType *type)
{
    g_autoptr(GError) error = NULL;
    DeviceSetting settings[] = { { "addr", "5", NULL }, { "netdev", NULL, NULL }, { 0 } };

    memset(&n, 0, sizeof(n));
    bench_open(&n.bench, N_RAM);
    phys_map_add_ram(n.bench.map, 0, 0, N_RAM, 0);
    n.bus = pci_bus_new(n.bench.board, "pci.0", n_set_pin, NULL);
    n.bridge = host_bridge_new(&i440fx_model, n.bench.map, n.bench.io, n.bus, 4);
    n.host = net_port_new("test", NULL, &n_ops, NULL);
    settings[1].link = n.host;
    n.dev = device_new(n.bench.board, type, (Bus *)n.bus, settings, &error);
    ck_assert_msg(n.dev != NULL, "%s", error != NULL ? error->message : "");
    for (unsigned i = 0; i < 2; i++) {
        bool io = (config_in(&n.bench, N_DEVFN, 0x10 + 4 * i, 4) & 1) != 0;

        config_out(&n.bench, N_DEVFN, 0x10 + 4 * i, 4,
                   io ? N_PORTS + 0x1000 * i : N_BAR + 0x100000 * i);
    }
    config_out(&n.bench, N_DEVFN, 0x04, 2, 7);
}

static inline void n_close(void)
{
    device_free(n.dev);
    net_port_free(n.host);
    host_bridge_free(n.bridge);
    pci_bus_free(n.bus);
    bench_close(&n.bench);
}

static inline void n_put(uint64_t gpa, uint64_t value, unsigned width)
{
    phys_map_write(n.bench.map, gpa, &value, width);
}

static inline uint64_t n_get(uint64_t gpa, unsigned width)
{
    uint64_t value = 0;

    phys_map_read(n.bench.map, gpa, &value, width);
    return value;
}

static inline NetSent n_send(const uint8_t *frame, size_t size, const NetOffload *offload)
{
    const struct iovec iov[] = { { (void *)(uintptr_t)frame, 9 },
                                 { (void *)(uintptr_t)(frame + 9), size - 9 } };
    const NetOffload none = { 0 };

    return net_send(n.host, iov, 2, offload != NULL ? offload : &none);
}

static inline void n_fill(uint8_t *frame, size_t size)
{
    memset(frame, 0xff, 6);
    for (size_t i = 6; i < size; i++) {
        frame[i] = (uint8_t)(i * 11);
    }
    frame[12] = 0x08;
    frame[13] = 0x06;
}

static inline void n_run(void)
{
    for (unsigned i = 0; i < 20; i++) {
        g_main_context_iteration(NULL, FALSE);
    }
}

#endif
