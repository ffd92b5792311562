/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vsock: guest and host connect to each other, data goes both ways within credit, ends are ends. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "hw/device_types.h"
#include "hw/virtio/virtio_vsock_int.h"
#include "tests/hw/virtio_fixture.h"

enum { CID = 7, RX_AT = V_BUFFERS, RX_SIZE = 4096, RX_BUFFERS = 32, TX_AT = V_BUFFERS + 0x100000 };

static struct {
    char *folder, *path;
    VsockPacket packet; /* the last one that came */
    uint8_t data[RX_SIZE];
} t;

static void setup(void)
{
    DeviceSetting settings[] = { { "guest-cid", "7", NULL }, { "uds-path", NULL, NULL }, { 0 } };

    memset(&t, 0, sizeof(t));
    t.folder = g_dir_make_tmp("doppel-vsock-XXXXXX", NULL);
    t.path = g_build_filename(t.folder, "vsock", NULL);
    settings[1].value = t.path;
    v_open();
    v_plug(&vhost_vsock_pci_type, settings);
}

static void teardown(void)
{
    v_close();
    ck_assert(!g_file_test(t.path, G_FILE_TEST_EXISTS));
    ck_assert_int_eq(g_rmdir(t.folder), 0);
    g_free(t.path);
    g_free(t.folder);
}

static void buffers_add(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned at = v.queue[0].next_desc % RX_BUFFERS;

        v_add(0, (Buf[]){ { RX_AT + RX_SIZE * at, RX_SIZE, true } }, 1);
    }
    v_notify(0);
}

static void start(void)
{
    v_start(0, 3);
    ck_assert_uint_eq(v_config(0, 4), CID);
    buffers_add(RX_BUFFERS);
}

/* ---- The guest ---- */

static void guest_send(uint16_t op, uint32_t from, uint32_t to, uint32_t flags, const void *data,
                       uint32_t size)
{
    const VsockPacket packet = { .src_cid = CID,
                                 .dst_cid = 2,
                                 .src_port = from,
                                 .dst_port = to,
                                 .size = size,
                                 .type = 1,
                                 .op = op,
                                 .flags = flags,
                                 .buf_alloc = 10000 };

    phys_map_write(v.bench.map, TX_AT, &packet, sizeof(packet));
    phys_map_write(v.bench.map, TX_AT + sizeof(packet), data, size);
    v_request(1,
              (Buf[]){ { TX_AT, sizeof(packet), false }, { TX_AT + sizeof(packet), size, false } },
              size > 0 ? 2 : 1);
}

static void guest_take(void)
{
    uint16_t head;
    uint32_t size;

    v_wait(0);
    size = v_take(0, &head);
    ck_assert_uint_ge(size, sizeof(t.packet));
    phys_map_read(v.bench.map, RX_AT + RX_SIZE * (uint64_t)(head % RX_BUFFERS), &t.packet,
                  sizeof(t.packet));
    phys_map_read(v.bench.map, RX_AT + RX_SIZE * (uint64_t)(head % RX_BUFFERS) + sizeof(t.packet),
                  t.data, size - sizeof(t.packet));
    ck_assert_uint_eq(t.packet.src_cid, 2);
    ck_assert_uint_eq(t.packet.dst_cid, CID);
    ck_assert_uint_eq(t.packet.size, size - sizeof(t.packet));
    buffers_add(1);
}

/* The next packet, which is of this kind. */
static void guest_expect(uint16_t op)
{
    guest_take();
    ck_assert_uint_eq(t.packet.op, op);
}

static void turns(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_main_context_iteration(NULL, FALSE);
    }
}

/* ---- The host ---- */

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
    return address;
}

static int host_listen(unsigned port)
{
    g_autofree char *path = g_strdup_printf("%s_%u", t.path, port);
    const struct sockaddr_un address = address_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    return fd;
}

static void host_stop(int fd, unsigned port)
{
    g_autofree char *path = g_strdup_printf("%s_%u", t.path, port);

    close(fd);
    g_unlink(path);
}

static int host_call(const char *line)
{
    const struct sockaddr_un address = address_of(t.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(send(fd, line, strlen(line), 0), (ssize_t)strlen(line));
    return fd;
}

/* What comes; 0: the end. */
static ssize_t host_read(int fd, void *data, size_t size)
{
    for (unsigned i = 0; i < 20000; i++) {
        ssize_t got = recv(fd, data, size, MSG_DONTWAIT);

        if (got >= 0 || errno != EAGAIN) {
            return got >= 0 ? got : 0;
        }
        g_main_context_iteration(NULL, FALSE);
        g_usleep(50);
    }
    ck_abort_msg("nothing comes on the host");
    return 0;
}

static int guest_connects(int listener)
{
    guest_send(VSOCK_REQUEST, 1000, 52, 0, NULL, 0);
    guest_expect(VSOCK_RESPONSE);
    ck_assert_uint_eq(t.packet.src_port, 52);
    ck_assert_uint_eq(t.packet.dst_port, 1000);
    ck_assert_uint_gt(t.packet.buf_alloc, 0);
    return accept(listener, NULL, NULL);
}

START_TEST(a_guest_connects_to_the_host)
{
    char text[32] = "";
    int listener = host_listen(52), fd;

    start();
    fd = guest_connects(listener);
    guest_send(VSOCK_RW, 1000, 52, 0, "hello", 5);
    ck_assert_int_eq(host_read(fd, text, sizeof(text)), 5);
    ck_assert_str_eq(text, "hello");
    ck_assert_int_eq(send(fd, "world!", 6, 0), 6);
    guest_expect(VSOCK_RW);
    ck_assert_mem_eq(t.data, "world!", 6);
    ck_assert_uint_eq(t.packet.fwd_cnt, 5);
    /* The host is done; the guest is, too. */
    shutdown(fd, SHUT_WR);
    guest_expect(VSOCK_SHUTDOWN);
    ck_assert_uint_eq(t.packet.flags, VSOCK_NO_MORE_OUT);
    guest_send(VSOCK_RW, 1000, 52, 0, "last", 4);
    guest_send(VSOCK_SHUTDOWN, 1000, 52, 3, NULL, 0);
    guest_expect(VSOCK_RST);
    ck_assert_int_eq(host_read(fd, text, sizeof(text)), 4);
    ck_assert_int_eq(host_read(fd, text, sizeof(text)), 0);
    close(fd);
    host_stop(listener, 52);
}
END_TEST

START_TEST(a_host_connects_to_the_guest)
{
    char text[64] = "", expected[64];
    int fd;

    start();
    fd = host_call("CONNECT 22\nand this is for the guest");
    guest_expect(VSOCK_REQUEST);
    ck_assert_uint_eq(t.packet.dst_port, 22);
    ck_assert_uint_ge(t.packet.src_port, VSOCK_FIRST_PORT);
    guest_send(VSOCK_RESPONSE, 22, t.packet.src_port, 0, NULL, 0);
    snprintf(expected, sizeof(expected), "OK %u\n", t.packet.src_port);
    host_read(fd, text, sizeof(text));
    ck_assert_str_eq(text, expected);
    guest_expect(VSOCK_RW);
    ck_assert_mem_eq(t.data, "and this", 8);
    guest_send(VSOCK_RST, 22, t.packet.src_port, 0, NULL, 0);
    ck_assert_int_eq(host_read(fd, text, sizeof(text)), 0);
    close(fd);
    /* One that the guest refuses. */
    fd = host_call("CONNECT 23\n");
    guest_expect(VSOCK_REQUEST);
    guest_send(VSOCK_RST, 23, t.packet.src_port, 0, NULL, 0);
    ck_assert_int_eq(host_read(fd, text, sizeof(text)), 0);
    close(fd);
}
END_TEST

START_TEST(callers_that_talk_nonsense_are_dropped)
{
    static const char *const lines[] = { "CONNECT\n",
                                         "HELLO\n",
                                         "CONNECT x\n",
                                         "CONNECT -1\n",
                                         "CONNECT 5000000000\n",
                                         "CONNECT 1 2\n",
                                         "\n",
                                         "CONNECT 111111111111111111111111111111111" };
    char text[8];

    start();
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++) {
        int fd = host_call(lines[i]);

        ck_assert_int_eq(host_read(fd, text, sizeof(text)), 0);
        close(fd);
    }
    v_set_status(0); /* nobody is there */
    int fd = host_call("CONNECT 22\n");
    ck_assert_int_eq(host_read(fd, text, sizeof(text)), 0);
    close(fd);
}
END_TEST

START_TEST(what_is_not_there_is_refused)
{
    start();
    guest_send(VSOCK_REQUEST, 1000, 99, 0, NULL, 0);
    guest_expect(VSOCK_RST);
    guest_send(VSOCK_RW, 1000, 99, 0, "x", 1);
    guest_expect(VSOCK_RST);
    guest_send(VSOCK_RST, 1000, 99, 0, NULL, 0);
    turns(20);
    ck_assert(!v_used(0));
}
END_TEST

/* The guest has said how much it takes; a host that does not read stops the guest. */
START_TEST(credit_bounds_both_sides)
{
    static char block[4000];
    int listener = host_listen(52), fd;
    unsigned got = 0, sent = 0;

    start();
    fd = guest_connects(listener);
    ck_assert_int_eq(send(fd, block, sizeof(block), 0), (ssize_t)sizeof(block));
    ck_assert_int_eq(send(fd, block, sizeof(block), 0), (ssize_t)sizeof(block));
    ck_assert_int_eq(send(fd, block, sizeof(block), 0), (ssize_t)sizeof(block));
    while (got < 10000) {
        guest_expect(VSOCK_RW);
        got += t.packet.size;
    }
    turns(50);
    ck_assert_uint_eq(got, 10000);
    ck_assert(!v_used(0));
    /* It has room again. */
    {
        const VsockPacket packet = { .src_cid = CID,
                                     .dst_cid = 2,
                                     .src_port = 1000,
                                     .dst_port = 52,
                                     .type = 1,
                                     .op = VSOCK_CREDIT_UPDATE,
                                     .buf_alloc = 10000,
                                     .fwd_cnt = 10000 };

        phys_map_write(v.bench.map, TX_AT, &packet, sizeof(packet));
        v_request(1, (Buf[]){ { TX_AT, sizeof(packet), false } }, 1);
    }
    guest_expect(VSOCK_RW);
    ck_assert_uint_eq(t.packet.size, 2000);
    do { /* the host does not read: in the end the guest has gone too far */
        guest_send(VSOCK_RW, 1000, 52, 0, block, sizeof(block));
        ck_assert_uint_lt(sent += sizeof(block), 4 << 20);
        t.packet.op = 0;
        if (v_used(0)) {
            guest_take();
        }
    } while (t.packet.op == 0 || t.packet.op == VSOCK_CREDIT_UPDATE);
    ck_assert_uint_eq(t.packet.op, VSOCK_RST);
    ck_assert_uint_gt(sent, VSOCK_BUFFER);
    close(fd);
    host_stop(listener, 52);
}
END_TEST

START_TEST(a_reset_ends_all_connections)
{
    char text[8];
    int listener = host_listen(52), fd;

    start();
    fd = guest_connects(listener);
    v_set_status(0);
    ck_assert_int_eq(host_read(fd, text, sizeof(text)), 0);
    close(fd);
    start();
    fd = guest_connects(listener);
    guest_send(VSOCK_RW, 1000, 52, 0, "again", 5);
    ck_assert_int_eq(host_read(fd, text, sizeof(text)), 5);
    close(fd);
    host_stop(listener, 52);
}
END_TEST

START_TEST(a_number_has_one_owner)
{
    DeviceSetting settings[] = { { "guest-cid", "8", NULL }, { "uds-path", t.path, NULL }, { 0 } };
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(
        device_new(v.bench.board, &vhost_vsock_pci_type, (Bus *)v.bus, settings, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "Address already in use"));
    settings[0].value = "2";
    g_clear_error(&error);
    ck_assert_ptr_null(
        device_new(v.bench.board, &vhost_vsock_pci_type, (Bus *)v.bus, settings, &error));
    ck_assert_ptr_nonnull(strstr(error->message, "greater than 2"));
}
END_TEST

START_TEST(rubbish_does_no_harm)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed((guint32)_i);
    int listener = host_listen(2);

    fcntl(listener, F_SETFL, O_NONBLOCK);
    for (unsigned round = 0; round < 10; round++) {
        start();
        for (unsigned i = 0; i < 500; i++) {
            uint32_t size = (uint32_t)g_rand_int_range(rand, 0, 300);

            guest_send((uint16_t)g_rand_int_range(rand, 0, 9),
                       (uint32_t)g_rand_int_range(rand, 0, 4),
                       (uint32_t)g_rand_int_range(rand, 1, 4), g_rand_int(rand) & 3, t.data, size);
            if (i % 20 == 0) {
                int fd = accept(listener, NULL, NULL);

                (void)!send(fd, t.data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
                close(fd);
                close(host_call("CONNECT 1\nxyz"));
            }
            turns(3);
            while (v_used(0)) {
                v_take(0, NULL);
                buffers_add(1);
            }
        }
        v_fuzz((uint32_t)_i * 10 + round, 300, 0, 3);
    }
    host_stop(listener, 2);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("vsock");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_guest_connects_to_the_host);
    tcase_add_test(tc, a_host_connects_to_the_guest);
    tcase_add_test(tc, callers_that_talk_nonsense_are_dropped);
    tcase_add_test(tc, what_is_not_there_is_refused);
    tcase_add_test(tc, credit_bounds_both_sides);
    tcase_add_test(tc, a_reset_ends_all_connections);
    tcase_add_test(tc, a_number_has_one_owner);
    tcase_add_loop_test(tc, rubbish_does_no_harm, 0, 4);
    return suite_run(tc, "vsock");
}
