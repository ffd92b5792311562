/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_vnc.c - the VNC server, from its clients: well-behaved ones and others. */
#include <dirent.h>
#include <rfb/rfb.h>
#include <signal.h>

#include "hw/display/vnc.h"
#include "tests/hw/board_fixture.h"
#include "tests/hw/vnc_client.h"

static GRecMutex lock;
static Clock *fake_clock;
static Display *display;
static Console *console;
static Input *input;
static Keymap *keymap;
static Vnc *vnc;
static const char *address;

/* ---- A screen of one colour with a dot, a keyboard, two pointers ---- */

static unsigned width, height, dot_x, dot_y;
static uint32_t ground, dot;

static void draw(void *opaque)
{
    uint32_t row[2048];

    (void)opaque;
    console_resize(console, width, height);
    for (unsigned y = 0; y < height; y++) {
        for (unsigned x = 0; x < width; x++) {
            row[x] = x == dot_x && y == dot_y ? dot : ground;
        }
        console_row(console, y, row);
    }
}

static const ConsoleAdapter adapter = { .refresh = draw };

static GString *keys;
static InputPointer pointer;
static unsigned pointers;

static void take_key(void *opaque, uint8_t key, bool down)
{
    (void)opaque;
    g_string_append_printf(keys, "%c%02x ", down ? '+' : '-', key);
}

static void take_pointer(void *opaque, const InputPointer *report)
{
    (void)opaque;
    pointer = *report;
    pointers++;
}

static const InputDeviceOps keyboard = { .name = "keyboard", .key = take_key };
static const InputDeviceOps mouse = { .name = "mouse", .pointer = take_pointer };
static const InputDeviceOps tablet = { .name = "tablet",
                                       .absolute = true,
                                       .pointer = take_pointer };

static void take_lock(void *opaque)
{
    (void)opaque;
    g_rec_mutex_lock(&lock);
}

static void drop_lock(void *opaque)
{
    (void)opaque;
    g_rec_mutex_unlock(&lock);
}

static void open_with(VncConfig config)
{
    GError *error = NULL;

    config.console = console;
    config.input = input;
    config.keymap = keymap;
    config.lock = take_lock;
    config.unlock = drop_lock;
    vnc = vnc_new(&config);
    ck_assert_msg(vnc_listen(vnc, "127.0.0.1:20", 900, &error), "%s", error ? error->message : "");
    address = vnc_address(vnc);
}

static void setup(void)
{
    fake_clock = clock_new(NULL);
    display = display_new();
    console = display_add(display, "test");
    console_set_adapter(console, &adapter, NULL);
    input = input_new(fake_clock);
    input_add(input, &keyboard, NULL);
    input_add(input, &mouse, NULL);
    keymap = keymap_new("de", NULL);
    keys = g_string_new(NULL);
    pointers = 0;
    width = 320;
    height = 200;
    ground = 0x102030;
    dot = 0xffeedd;
    dot_x = 17;
    dot_y = 5;
}

static void teardown(void)
{
    vnc_free(vnc);
    vnc = NULL;
    keymap_free(keymap);
    input_free(input);
    display_free(display);
    clock_free(fake_clock);
    g_string_free(keys, TRUE);
}

/* Until the condition holds, for at most ten seconds. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        bool holds_ = false;                                                                       \
        for (unsigned i_ = 0; i_ < 1000 && !holds_; i_++) {                                        \
            g_usleep(10000);                                                                       \
            take_lock(NULL);                                                                       \
            holds_ = (condition);                                                                  \
            drop_lock(NULL);                                                                       \
        }                                                                                          \
        ck_assert_msg(holds_, "%s", #condition);                                                   \
    } while (0)

static void set_dot(unsigned x, unsigned y, uint32_t colour)
{
    take_lock(NULL);
    dot_x = x;
    dot_y = y;
    dot = colour;
    drop_lock(NULL);
}

/* ---- Pictures ---- */

START_TEST(a_client_gets_the_picture_and_then_what_changes)
{
    static const int raw[] = { RFB_RAW };
    Client client;

    open_with((VncConfig){ 0 });
    client = client_open(address, true);
    ck_assert_uint_eq(client.width, 320);
    ck_assert_uint_eq(client.height, 200);
    client_encodings(&client, raw, 1);
    client_request(&client, false);
    ck_assert(client_message(&client));
    ck_assert_uint_eq(client.pixels[0] & 0xffffff, 0x302010);
    ck_assert_uint_eq(client.pixels[5 * 320 + 17] & 0xffffff, 0xddeeff);
    client_request(&client, true);
    ck_assert(!client_waits(&client, 200));
    set_dot(100, 50, 0x00ff00);
    ck_assert(client_message(&client));
    ck_assert_uint_lt(client.rects, 6);
    ck_assert_uint_eq(client.pixels[50 * 320 + 100] & 0xffffff, 0x00ff00);
    client_close(&client);
}
END_TEST

static const int size_rows[] = { RFB_NEW_SIZE, RFB_EXT_SIZE };

START_TEST(a_new_size_is_told_to_who_can_hear_it)
{
    const int encodings[] = { RFB_RAW, size_rows[_i] };
    Client client;

    open_with((VncConfig){ 0 });
    client = client_open(address, true);
    client_encodings(&client, encodings, 2);
    client_request(&client, false);
    ck_assert(client_message(&client));
    take_lock(NULL);
    width = 800;
    height = 600;
    drop_lock(NULL);
    while (client.width != 800 || client.pixels[599 * 800 + 799] == 0) {
        client_request(&client, client.width != 800);
        ck_assert(client_message(&client));
    }
    ck_assert_uint_eq(client.height, 600);
    ck_assert_uint_eq(client.pixels[599 * 800 + 799] & 0xffffff, 0x302010);
    client_close(&client);
}
END_TEST

START_TEST(several_clients_see_the_same)
{
    static const int raw[] = { RFB_RAW };
    Client clients[4];
    VncClientInfo info[8];

    open_with((VncConfig){ 0 });
    for (unsigned i = 0; i < 4; i++) {
        clients[i] = client_open(address, true);
        client_encodings(&clients[i], raw, 1);
        client_request(&clients[i], false);
        ck_assert(client_message(&clients[i]));
        client_request(&clients[i], true);
    }
    ck_assert_uint_eq(vnc_clients(vnc, info, 8), 4);
    ck_assert_str_eq(info[0].host, "127.0.0.1");
    set_dot(3, 3, 0x0000ff);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(client_message(&clients[i]));
        ck_assert_uint_eq(clients[i].pixels[3 * 320 + 3] & 0xffffff, 0xff0000);
        client_close(&clients[i]);
    }
    EVENTUALLY(vnc_clients(vnc, NULL, 0) == 0);
}
END_TEST

START_TEST(an_exclusive_client_throws_others_out_unless_sharing_is_forced)
{
    Client first, second;
    uint8_t byte;

    open_with((VncConfig){ .share = _i ? VNC_SHARE_IGNORE : VNC_SHARE_ALLOW_EXCLUSIVE });
    first = client_open(address, true);
    second = client_open(address, false);
    if (_i == 0) {
        ck_assert(!client_get(&first, &byte, 1));
    } else {
        client_request(&first, false);
        ck_assert(client_waits(&first, 5000));
    }
    client_close(&first);
    client_close(&second);
}
END_TEST

START_TEST(a_unix_socket_serves_too)
{
    g_autofree char *directory = g_dir_make_tmp("doppel-vnc-XXXXXX", NULL);
    g_autofree char *path = g_strdup_printf("unix:%s/s", directory);
    VncConfig config = {
        .console = console, .input = input, .keymap = keymap, .lock = take_lock, .unlock = drop_lock
    };
    Client client;

    vnc = vnc_new(&config);
    ck_assert(vnc_listen(vnc, path, 0, NULL));
    ck_assert_str_eq(vnc_address(vnc), path);
    client = client_open(path, true);
    ck_assert_uint_eq(client.width, 320);
    client_close(&client);
    vnc_free(vnc);
    vnc = NULL;
    ck_assert_int_ne(access(path + 5, F_OK), 0);
    rmdir(directory);
}
END_TEST

START_TEST(addresses_that_cannot_be_had_are_errors)
{
    static const char *const words[] = {
        "127.0.0.1",   ":x", ":99999", "unix:", "unix:/nowhere/s", "no.such.host.invalid:1",
        "127.0.0.1:-1"
    };
    GError *error = NULL;
    g_autofree char *taken = NULL;
    Vnc *other;

    open_with((VncConfig){ 0 });
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        VncConfig config = { .console = console,
                             .input = input,
                             .keymap = keymap,
                             .lock = take_lock,
                             .unlock = drop_lock };

        other = vnc_new(&config);
        ck_assert_msg(!vnc_listen(other, words[i], 0, &error), "%s", words[i]);
        ck_assert_ptr_nonnull(strstr(error->message, words[i]));
        g_clear_error(&error);
        taken = g_strdup_printf("127.0.0.1:%d", atoi(strrchr(address, ':') + 1) - 5900);
        if (i == 0) {
            ck_assert(!vnc_listen(other, taken, 0, &error));
            ck_assert_ptr_nonnull(strstr(error->message, "in use"));
            g_clear_error(&error);
        }
        g_clear_pointer(&taken, g_free);
        vnc_free(other);
    }
}
END_TEST

/* ---- Passwords ---- */

static bool log_in(const char *password)
{
    Client client = { .fd = client_socket(address) };
    uint8_t challenge[16];
    bool in;

    ck_assert_uint_eq(client_hello(&client), 2);
    ck_assert(client_get(&client, challenge, 16));
    rfbEncryptBytes(challenge, (char *)password);
    client_put(&client, challenge, 16);
    in = client_get32(&client) == 0;
    close(client.fd);
    return in;
}

START_TEST(passwords_open_the_door_until_they_expire)
{
    open_with((VncConfig){ .password = true });
    ck_assert(vnc_has_password(vnc));
    ck_assert(!log_in(""));
    vnc_set_password(vnc, "secret");
    ck_assert(!log_in("Secret"));
    ck_assert(log_in("secret"));
    vnc_set_password(vnc, "longer than eight");
    ck_assert(log_in("longer t"));
    vnc_expire_password(vnc, g_get_real_time() / G_USEC_PER_SEC - 1);
    ck_assert(!log_in("longer t"));
    vnc_expire_password(vnc, g_get_real_time() / G_USEC_PER_SEC + 1000);
    ck_assert(log_in("longer t"));
    vnc_set_password(vnc, NULL);
    ck_assert(!log_in(""));
}
END_TEST

/* ---- Input ---- */

START_TEST(symbols_are_looked_up_in_the_layout)
{
    Client client;

    open_with((VncConfig){ 0 });
    client = client_open(address, true);
    client_key(&client, 'z', true); /* where a US keyboard has y */
    client_key(&client, 'z', false);
    client_key(&client, 0x99999999, true);
    client_key(&client, 0xff0d, true);
    client_key(&client, 0xff0d, false);
    EVENTUALLY(keys->len == 16);
    ck_assert_str_eq(keys->str, "+15 -15 +1c -1c ");
    client_close(&client);
}
END_TEST

START_TEST(keys_come_up_when_their_client_goes)
{
    Client client;

    open_with((VncConfig){ 0 });
    client = client_open(address, true);
    client_key(&client, 0xffe3, true);
    client_pointer(&client, 1, 5, 5);
    EVENTUALLY(pointers == 1);
    client_close(&client);
    EVENTUALLY(keys->len == 8 && pointers == 2);
    ck_assert_str_eq(keys->str, "+1d -1d ");
    ck_assert_uint_eq(pointer.buttons, 0);
}
END_TEST

START_TEST(extended_keys_name_the_place)
{
    static const int encodings[] = { RFB_RAW, RFB_KEYS };
    Client client;

    open_with((VncConfig){ 0 });
    client = client_open(address, true);
    client_encodings(&client, encodings, 2);
    ck_assert(client_message(&client));
    ck_assert_uint_eq(client.pseudo_keys, 1);
    client_extended_key(&client, 0x2c, true);
    client_extended_key(&client, 0x2c, false);
    client_extended_key(&client, 0x9d, true);
    client_extended_key(&client, 0x1234, true); /* no such key */
    client_extended_key(&client, 0x9d, false);
    EVENTUALLY(keys->len == 16);
    ck_assert_str_eq(keys->str, "+2c -2c +9d -9d ");
    client_close(&client);
}
END_TEST

START_TEST(the_pointer_is_relative_or_absolute_as_the_guest_drives_it)
{
    static const int encodings[] = { RFB_RAW, RFB_POINTER };
    InputDevice *device;
    Client client;

    open_with((VncConfig){ 0 });
    client = client_open(address, true);
    client_pointer(&client, 0, 10, 10); /* nowhere before: nothing to tell */
    client_pointer(&client, 4, 13, 9);
    EVENTUALLY(pointers == 1);
    ck_assert_int_eq(pointer.dx, 3);
    ck_assert_int_eq(pointer.dy, -1);
    ck_assert_uint_eq(pointer.buttons, 1u << INPUT_RIGHT);
    client_encodings(&client, encodings, 2);
    ck_assert(client_message(&client));
    ck_assert_uint_eq(client.pseudo_pointer_x, 0);
    client_pointer(&client, 16, 0x7fff - 4, 0x7fff + 2);
    EVENTUALLY(pointers == 2);
    ck_assert_int_eq(pointer.dx, -4);
    ck_assert_int_eq(pointer.dy, 2);
    ck_assert_int_eq(pointer.wheel, 1);
    take_lock(NULL);
    device = input_add(input, &tablet, NULL);
    input_activate(input, device);
    drop_lock(NULL);
    client_pointer(&client, 1, 319, 0);
    EVENTUALLY(pointers == 3);
    ck_assert_int_eq(pointer.x, INPUT_ABSOLUTE_MAX);
    ck_assert_int_eq(pointer.y, 0);
    ck_assert(client_message(&client));
    ck_assert_uint_eq(client.pseudo_pointer_x, 1);
    client_close(&client);
}
END_TEST

/* ---- Clients that misbehave ---- */

static unsigned count_entries(const char *path)
{
    DIR *directory = opendir(path);
    unsigned n = 0;

    while (readdir(directory) != NULL) {
        n++;
    }
    closedir(directory);
    return n;
}

static void still_serves(void)
{
    static const int raw[] = { RFB_RAW };
    Client client = client_open(address, true);

    client_encodings(&client, raw, 1);
    client_request(&client, false);
    ck_assert(client_message(&client));
    ck_assert_uint_eq(client.pixels[0] & 0xffffff, 0x302010);
    client_close(&client);
}

START_TEST(random_bytes_hurt_only_who_sends_them)
{
    GRand *rand = g_rand_new_with_seed((guint32)_i);

    open_with((VncConfig){ 0 });
    for (unsigned round = 0; round < 20; round++) {
        Client client = { .fd = -1 };
        uint8_t bytes[2048];
        bool polite = g_rand_boolean(rand);

        if (polite) {
            client = client_open(address, true);
        } else {
            client.fd = client_socket(address);
        }
        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)g_rand_int(rand);
        }
        bytes[0] = (uint8_t)g_rand_int_range(rand, 0, 12);
        send(client.fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
        g_usleep(5000);
        client_close(&client);
    }
    g_rand_free(rand);
    still_serves();
}
END_TEST

START_TEST(connections_are_limited_and_leave_nothing_behind)
{
    unsigned files, threads, n = 0;
    int held[16];

    open_with((VncConfig){ .connections = 4 });
    still_serves();
    EVENTUALLY(vnc_clients(vnc, NULL, 0) == 0);
    g_usleep(200000);
    files = count_entries("/proc/self/fd");
    threads = count_entries("/proc/self/task");
    for (unsigned i = 0; i < 16; i++) { /* half open: they say nothing */
        held[i] = client_socket(address);
    }
    for (unsigned i = 0; i < 16; i++) {
        char text[12];

        n += recv(held[i], text, 12, MSG_WAITALL) == 12;
    }
    ck_assert_uint_le(n, 4);
    for (unsigned i = 0; i < 16; i++) {
        close(held[i]);
    }
    EVENTUALLY(vnc_clients(vnc, NULL, 0) == 0);
    for (unsigned i = 0; i < 8; i++) {
        still_serves();
    }
    EVENTUALLY(vnc_clients(vnc, NULL, 0) == 0);
    EVENTUALLY(count_entries("/proc/self/task") <= threads);
    ck_assert_uint_le(count_entries("/proc/self/fd"), files + 1);
}
END_TEST

START_TEST(a_client_that_does_not_read_stops_nobody)
{
    static const int raw[] = { RFB_RAW };
    Client slow, fast;
    int64_t start;

    width = 1024;
    height = 768;
    open_with((VncConfig){ 0 });
    slow = client_open(address, true);
    client_encodings(&slow, raw, 1);
    for (unsigned i = 0; i < 50; i++) {
        client_request(&slow, false);
    }
    fast = client_open(address, true);
    client_encodings(&fast, raw, 1);
    client_request(&fast, false);
    ck_assert(client_message(&fast));
    start = g_get_monotonic_time();
    for (unsigned i = 0; i < 20; i++) {
        client_request(&fast, true);
        set_dot(i, i, 0xff0000 + i);
        ck_assert(client_message(&fast));
    }
    ck_assert_int_lt(g_get_monotonic_time() - start, 30 * G_USEC_PER_SEC);
    client_close(&fast);
    client_close(&slow);
}
END_TEST

START_TEST(web_pages_do_not_reach_the_plain_port)
{
    static const char request[] = "GET /websockify HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Origin: http://evil.example\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Protocol: binary\r\n"
                                  "Sec-WebSocket-Version: 13\r\n\r\n";
    Client client;
    uint8_t bytes[512];
    size_t total = 0;
    ssize_t n;

    open_with((VncConfig){ 0 });
    client.fd = client_socket(address);
    send(client.fd, request, strlen(request), MSG_NOSIGNAL);
    while (total < sizeof(bytes) &&
           (n = recv(client.fd, bytes + total, sizeof(bytes) - total, 0)) > 0) {
        total += (size_t)n;
    }
    ck_assert_uint_lt(total, sizeof(bytes)); /* hung up, whatever was said before */
    EVENTUALLY(vnc_clients(vnc, NULL, 0) == 0);
    close(client.fd);
    still_serves();
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("vnc");

    signal(SIGPIPE, SIG_IGN); /* as in doppel: a server may write to a client that has just left */
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, a_client_gets_the_picture_and_then_what_changes);
    tcase_add_loop_test(tc, a_new_size_is_told_to_who_can_hear_it, 0, G_N_ELEMENTS(size_rows));
    tcase_add_test(tc, several_clients_see_the_same);
    tcase_add_loop_test(tc, an_exclusive_client_throws_others_out_unless_sharing_is_forced, 0, 2);
    tcase_add_test(tc, a_unix_socket_serves_too);
    tcase_add_test(tc, addresses_that_cannot_be_had_are_errors);
    tcase_add_test(tc, passwords_open_the_door_until_they_expire);
    tcase_add_test(tc, symbols_are_looked_up_in_the_layout);
    tcase_add_test(tc, keys_come_up_when_their_client_goes);
    tcase_add_test(tc, extended_keys_name_the_place);
    tcase_add_test(tc, the_pointer_is_relative_or_absolute_as_the_guest_drives_it);
    tcase_add_loop_test(tc, random_bytes_hurt_only_who_sends_them, 0, 4);
    tcase_add_test(tc, connections_are_limited_and_leave_nothing_behind);
    tcase_add_test(tc, a_client_that_does_not_read_stops_nobody);
    tcase_add_test(tc, web_pages_do_not_reach_the_plain_port);
    return suite_run(tc, "vnc");
}
