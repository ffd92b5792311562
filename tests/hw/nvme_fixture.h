/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_NVME_FIXTURE_H
#define TESTS_HW_NVME_FIXTURE_H
/* nvme_fixture.h - a small NVMe driver: an admin queue pair, pairs of I/O queues, commands that are
 * waited for. */
#include <glib/gstdio.h>
#include "hw/device_types.h"
#include "hw/pci/host_bridge.h"
#include "hw/pci/pci.h"
#include "hw/block/block.h"
#include "tests/hw/board_fixture.h"

enum {
    N_RAM = 8 << 20,
    N_DEVFN = PCI_DEVFN(5, 0),
    N_RINGS = 0x200000, /* 64 KiB a pair: SQ, then CQ 32 KiB behind it */
    N_DATA = 0x400000,
    N_LIST = 0x600000,
    N_ENTRIES = 64,
    N_PAIRS = 3,
    N_BLOCKS = 4096,
    N_BLOCK = 512,
};
#define N_BAR 0xe0000000u

typedef struct NPair {
    unsigned tail, head;
    bool phase;
} NPair;

typedef struct NCommand {
    uint8_t opcode, flags;
    uint16_t cid;
    uint32_t nsid;
    uint32_t reserved[4];
    uint64_t prp[2];
    uint32_t cdw[6]; /* 10 to 15 */
} NCommand;

typedef struct NReply {
    uint32_t result;
    uint16_t status, cid;
} NReply;

typedef struct NvmeBench {
    Bench bench;
    PciBus *bus;
    HostBridge *bridge;
    Device *dev;
    char *path, *second_path;
    BlockNode *node, *second;
    bool irq;
    NPair pair[N_PAIRS];
    uint16_t cid;
} NvmeBench;

static NvmeBench n;

static inline void n_set_pin(void *opaque, unsigned pin, bool level)
{
    (void)opaque, (void)pin;
    n.irq = level;
}

static inline uint8_t n_byte(uint64_t at)
{
    return (uint8_t)(at / N_BLOCK * 7 + at % N_BLOCK);
}

static inline char *n_file(void)
{
    g_autofree uint8_t *data = g_malloc(N_BLOCKS * N_BLOCK);
    char *path;
    int fd = g_file_open_tmp("doppel-nvme-XXXXXX", &path, NULL);

    for (uint64_t i = 0; i < N_BLOCKS * N_BLOCK; i++) {
        data[i] = n_byte(i);
    }
    ck_assert(write(fd, data, N_BLOCKS * N_BLOCK) == N_BLOCKS * N_BLOCK);
    close(fd);
    return path;
}

static inline BlockNode *n_node(const char *path, bool readonly)
{
    const BlockOptions block = {
        .path = path, .format = "raw", .readonly = readonly, .discard = "unmap"
    };
    BlockNode *node = block_open(&block, NULL);

    ck_assert_ptr_nonnull(node);
    return node;
}

/* A controller with namespace 1 of 512-byte blocks, and namespace 2 of 4096, read-only. */
static inline void n_open(const DeviceSetting *extra)
{
    DeviceSetting settings[12] = { { "drive", NULL, NULL },
                                   { "serial", "a-serial", NULL },
                                   { "addr", "5", NULL },
                                   { "id", "n", NULL } };
    DeviceSetting second[] = {
        { "drive", NULL, NULL },
        { "logical_block_size", "4096", NULL },
        { "physical_block_size", "4096", NULL },
        { "eui64", "0x0102030405060708", NULL },
        { "uuid", "12345678-9abc-def0-1122-334455667788", NULL },
        { 0 },
    };
    g_autoptr(GError) error = NULL;

    bench_open(&n.bench, N_RAM);
    phys_map_add_ram(n.bench.map, 0, 0, N_RAM, 0);
    n.bus = pci_bus_new(n.bench.board, "pci.0", n_set_pin, NULL);
    n.bridge = host_bridge_new(&i440fx_model, n.bench.map, n.bench.io, n.bus, 4);
    n.node = n_node(n.path, false);
    n.second = n_node(n.second_path, true);
    settings[0].link = n.node;
    second[0].link = n.second;
    for (unsigned i = 0; extra != NULL && extra[i].name != NULL; i++) {
        settings[i + 4] = extra[i];
    }
    n.dev = board_add_device(n.bench.board, "nvme", settings, &error);
    ck_assert_msg(n.dev != NULL, "%s", error != NULL ? error->message : "");
    ck_assert_ptr_nonnull(board_add_device(n.bench.board, "nvme-ns", second, &error));
}

static inline void n_close(void)
{
    g_clear_pointer(&n.dev, device_free);
    host_bridge_free(n.bridge);
    pci_bus_free(n.bus);
    bench_close(&n.bench);
    block_close(n.node);
    block_close(n.second);
}

static inline void n_setup(void)
{
    memset(&n, 0, sizeof(n));
    n.path = n_file();
    n.second_path = n_file();
    n_open(NULL);
}

static inline void n_teardown(void)
{
    n_close();
    g_unlink(n.path);
    g_unlink(n.second_path);
    g_free(n.path);
    g_free(n.second_path);
}

/* ---- Registers and memory ---- */

static inline uint32_t n_in(unsigned offset)
{
    return (uint32_t)phys_map_mmio_read(n.bench.map, N_BAR + offset, 4);
}

static inline void n_out(unsigned offset, uint32_t value)
{
    phys_map_mmio_write(n.bench.map, N_BAR + offset, 4, value);
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

static inline uint64_t n_sq(unsigned pair)
{
    return N_RINGS + 0x10000ull * pair;
}

static inline uint64_t n_cq(unsigned pair)
{
    return n_sq(pair) + 0x8000;
}

/* ---- Commands ---- */

/* `command` in the queue, without the doorbell. */
static inline uint16_t n_queue(unsigned pair, const NCommand *command)
{
    NPair *p = &n.pair[pair];
    NCommand copy = *command;

    copy.cid = ++n.cid;
    phys_map_write(n.bench.map, n_sq(pair) + 64ull * p->tail, &copy, sizeof(copy));
    p->tail = (p->tail + 1) % N_ENTRIES;
    return copy.cid;
}

static inline void n_ring(unsigned pair)
{
    n_out(0x1000 + 8 * pair, n.pair[pair].tail);
}

static inline bool n_replied(unsigned pair)
{
    const NPair *p = &n.pair[pair];

    return (n_get(n_cq(pair) + 16ull * p->head + 14, 1) & 1) == p->phase;
}

static inline NReply n_take(unsigned pair)
{
    NPair *p = &n.pair[pair];
    uint64_t at = n_cq(pair) + 16ull * p->head;
    const NReply reply = { (uint32_t)n_get(at, 4), (uint16_t)(n_get(at + 14, 2) >> 1),
                           (uint16_t)n_get(at + 12, 2) };

    ck_assert(n_replied(pair));
    p->head++;
    if (p->head == N_ENTRIES) {
        p->head = 0;
        p->phase = !p->phase;
    }
    n_out(0x1004 + 8 * pair, p->head);
    return reply;
}

static inline void n_wait(unsigned pair)
{
    for (unsigned i = 0; !n_replied(pair); i++) {
        ck_assert_msg(i < 100000, "nothing comes back");
        g_main_context_iteration(NULL, FALSE);
        if (i > 100) {
            g_usleep(50);
        }
    }
}

/* From beginning to end; the status without "do not retry". */
static inline uint16_t n_run(unsigned pair, const NCommand *command, uint32_t *result)
{
    uint16_t cid = n_queue(pair, command);
    NReply reply;

    n_ring(pair);
    n_wait(pair);
    reply = n_take(pair);
    ck_assert_uint_eq(reply.cid, cid);
    if (result != NULL) {
        *result = reply.result;
    }
    return reply.status & 0x7ff;
}

static inline uint16_t n_admin(uint8_t opcode, uint32_t nsid, uint64_t prp, uint32_t cdw10,
                               uint32_t cdw11, uint32_t *result)
{
    const NCommand command = {
        .opcode = opcode, .nsid = nsid, .prp = { prp, 0 }, .cdw = { cdw10, cdw11 }
    };

    return n_run(0, &command, result);
}

/* Blocks from `lba` on, at N_DATA, by PRPs: a list where one is needed. */
static inline NCommand n_io(uint8_t opcode, uint32_t nsid, uint64_t lba, uint32_t blocks,
                            uint32_t bytes)
{
    NCommand command = {
        .opcode = opcode,
        .nsid = nsid,
        .prp = { N_DATA, N_DATA + 4096 },
        .cdw = { (uint32_t)lba, (uint32_t)(lba >> 32), blocks - 1 },
    };

    if (bytes > 8192) {
        command.prp[1] = N_LIST;
        for (unsigned i = 0; i < bytes / 4096; i++) {
            n_put(N_LIST + 8 * i, N_DATA + 4096 * (i + 1), 8);
        }
    }
    return command;
}

/* ---- Coming up ---- */

static inline void n_plug_in(void)
{
    config_out(&n.bench, N_DEVFN, 0x10, 4, N_BAR);
    config_out(&n.bench, N_DEVFN, 0x14, 4, 0);
    config_out(&n.bench, N_DEVFN, 0x04, 2, 6);
}

static inline void n_pair_reset(unsigned pair)
{
    n.pair[pair] = (NPair){ .phase = true };
    phys_map_write(n.bench.map, n_sq(pair), (uint8_t[0x10000]){ 0 }, 0x10000);
}

static inline void n_enable(void)
{
    n_plug_in();
    n_out(0x14, 0);
    n_pair_reset(0);
    n_out(0x24, (N_ENTRIES - 1) << 16 | (N_ENTRIES - 1));
    n_out(0x28, (uint32_t)n_sq(0));
    n_out(0x2c, 0);
    n_out(0x30, (uint32_t)n_cq(0));
    n_out(0x34, 0);
    n_out(0x14, 4 << 20 | 6 << 16 | 1);
    ck_assert_uint_eq(n_in(0x1c), 1);
}

static inline void n_pair_create(unsigned pair)
{
    n_pair_reset(pair);
    ck_assert_uint_eq(n_admin(5, 0, n_cq(pair), (N_ENTRIES - 1) << 16 | pair, 3, NULL), 0);
    ck_assert_uint_eq(n_admin(1, 0, n_sq(pair), (N_ENTRIES - 1) << 16 | pair, pair << 16 | 1, NULL),
                      0);
}

static inline void n_start(void)
{
    n_enable();
    for (unsigned i = 1; i < N_PAIRS; i++) {
        n_pair_create(i);
    }
}

static inline void n_data_is(uint64_t medium, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        ck_assert_uint_eq(n_get(N_DATA + i, 1), n_byte(medium + i));
    }
}

#endif
