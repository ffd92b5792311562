/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_SCSI_FIXTURE_H
#define TESTS_HW_SCSI_FIXTURE_H
/* scsi_fixture.h - a virtio SCSI host with a disk (target 0, unit 0) and a CD-ROM (target 1, unit
 * 0) on files; commands as a driver sends them. */
#include <glib/gstdio.h>
#include "hw/device_types.h"
#include "hw/scsi/scsi.h"
#include "tests/hw/virtio_fixture.h"

enum {
    S_SECTORS = 4096,
    S_SECTOR = 512,
    S_CD_BLOCKS = 100,
    S_HEADER = V_BUFFERS,
    S_RESPONSE = V_BUFFERS + 0x1000,
    S_EVENTS = V_BUFFERS + 0x2000,
    S_DATA = V_BUFFERS + 0x10000,
    S_HEADER_SIZE = 51,
    S_RESPONSE_SIZE = 108,
    S_QUEUES = 4, /* control, event, two of requests */
};

typedef struct Scsi {
    char *path, *cd_path;
    BlockNode *node, *cd_node;
    Device *disk, *cd;
    unsigned target, lun, queue;
} Scsi;

static Scsi s;

static inline uint8_t s_byte(uint64_t at)
{
    return (uint8_t)(at / S_SECTOR * 7 + at % S_SECTOR);
}

static inline char *s_file(uint64_t size)
{
    g_autofree uint8_t *data = g_malloc(size);
    char *path;
    int fd = g_file_open_tmp("doppel-scsi-XXXXXX", &path, NULL);

    for (uint64_t i = 0; i < size; i++) {
        data[i] = s_byte(i);
    }
    ck_assert(write(fd, data, size) == (ssize_t)size);
    close(fd);
    return path;
}

static inline BlockNode *s_node(const char *path, bool readonly)
{
    const BlockOptions block = { .path = path,
                                 .format = "raw",
                                 .readonly = readonly,
                                 .discard = "unmap",
                                 .serial = "of-drive" };
    BlockNode *node = block_open(&block, NULL);

    ck_assert_ptr_nonnull(node);
    return node;
}

/* `extra`: of the disk. */
static inline void s_open(const DeviceSetting *extra, bool readonly)
{
    const DeviceSetting host[] = { { "num_queues", "2", NULL }, { "id", "h", NULL }, { 0 } };
    DeviceSetting disk[12] = { { "drive", NULL, NULL }, { "id", "disk", NULL } };
    DeviceSetting cd[] = { { "drive", NULL, NULL }, { "id", "cd", NULL }, { 0 } };
    g_autoptr(GError) error = NULL;

    v_open();
    s.target = s.lun = 0;
    s.queue = 2;
    s.node = s_node(s.path, readonly);
    s.cd_node = s_node(s.cd_path, true);
    v_plug(&virtio_scsi_pci_type, host);
    disk[0].link = s.node;
    cd[0].link = s.cd_node;
    for (unsigned i = 0; extra != NULL && extra[i].name != NULL; i++) {
        disk[i + 2] = extra[i];
    }
    s.disk = board_add_device(v.bench.board, "scsi-hd", disk, &error);
    ck_assert_msg(s.disk != NULL, "%s", error != NULL ? error->message : "");
    s.cd = board_add_device(v.bench.board, "scsi-cd", cd, &error);
    ck_assert_msg(s.cd != NULL, "%s", error != NULL ? error->message : "");
}

static inline void s_close(void)
{
    v_close();
    block_close(s.node);
    block_close(s.cd_node);
}

static inline void s_setup(void)
{
    s.path = s_file(S_SECTORS * S_SECTOR);
    s.cd_path = s_file(S_CD_BLOCKS * 2048);
    s_open(NULL, false);
}

static inline void s_teardown(void)
{
    s_close();
    g_unlink(s.path);
    g_unlink(s.cd_path);
    g_clear_pointer(&s.path, g_free);
    g_clear_pointer(&s.cd_path, g_free);
}

/* ---- Commands ---- */

static inline void s_header(const uint8_t *cdb, unsigned size)
{
    uint8_t header[S_HEADER_SIZE] = { 1, (uint8_t)s.target, (uint8_t)(s.lun > 255 ? 0x40 : 0),
                                      (uint8_t)s.lun };

    header[2] |= (uint8_t)(s.lun >> 8);
    header[8] = 0x77; /* tag */
    memcpy(header + 19, cdb, size);
    phys_map_write(v.bench.map, S_HEADER, header, sizeof(header));
    phys_map_write(v.bench.map, S_RESPONSE, (uint8_t[S_RESPONSE_SIZE]){ 0 }, S_RESPONSE_SIZE);
}

static inline uint8_t s_response(void)
{
    return (uint8_t)g_get(S_RESPONSE + 11, 1);
}

static inline uint32_t s_residual(void)
{
    return (uint32_t)g_get(S_RESPONSE + 4, 4);
}

/* The sense: key, code, qualifier. */
static inline uint32_t s_sense(void)
{
    if (g_get(S_RESPONSE, 4) == 0) {
        return 0;
    }
    ck_assert_uint_eq(g_get(S_RESPONSE + 12, 1), 0x70);
    return (uint32_t)(g_get(S_RESPONSE + 14, 1) << 16 | g_get(S_RESPONSE + 24, 1) << 8 |
                      g_get(S_RESPONSE + 25, 1));
}

/* One command, data to the guest in S_DATA; its status. */
static inline uint8_t s_in(const uint8_t *cdb, unsigned size, uint32_t data)
{
    const Buf buf[] = { { S_HEADER, S_HEADER_SIZE, false },
                        { S_RESPONSE, S_RESPONSE_SIZE, true },
                        { S_DATA, data, true } };

    s_header(cdb, size);
    v_request(s.queue, buf, data == 0 ? 2 : 3);
    return (uint8_t)g_get(S_RESPONSE + 10, 1);
}

static inline uint8_t s_out(const uint8_t *cdb, unsigned size, uint32_t data)
{
    const Buf buf[] = { { S_HEADER, S_HEADER_SIZE, false },
                        { S_DATA, data, false },
                        { S_RESPONSE, S_RESPONSE_SIZE, true } };

    s_header(cdb, size);
    v_request(s.queue, buf, 3);
    return (uint8_t)g_get(S_RESPONSE + 10, 1);
}

#define S_IN(data, ...)                                                                            \
    s_in((const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }), data)
#define S_OUT(data, ...)                                                                           \
    s_out((const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }), data)

/* Starts the host, and takes the unit attentions that a reset leaves. */
static inline void s_start(void)
{
    v_start(VIRTIO_BIT(1) | VIRTIO_BIT(2), S_QUEUES);
    for (s.target = 2; s.target-- > 0;) {
        ck_assert_uint_eq(S_IN(0, 0, 0, 0, 0, 0, 0), SCSI_CHECK_CONDITION);
        ck_assert_uint_eq(s_sense(), 0x062900);
    }
    s.target = 0;
}

static inline uint32_t s_be(unsigned offset, unsigned bytes)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < bytes; i++) {
        value = value << 8 | (uint32_t)g_get(S_DATA + offset + i, 1);
    }
    return value;
}

static inline void s_data_is(uint32_t at, uint64_t medium, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        ck_assert_uint_eq(g_get(S_DATA + at + i, 1), s_byte(medium + i));
    }
}

static inline void s_fill(uint32_t size, unsigned factor)
{
    for (uint32_t i = 0; i < size; i++) {
        g_put(S_DATA + i, i * factor, 1);
    }
}

#endif
