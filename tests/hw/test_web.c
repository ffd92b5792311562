/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_web.c - the page's server, from its connections: tokens, origins, WebSockets, nonsense. */
#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>

#include "hw/display/web.h"
#include "tests/hw/board_fixture.h"
#include "tests/hw/vnc_client.h"

static GRecMutex lock;
static Clock *fake_clock;
static Display *display;
static Input *input;
static Keymap *keymap;
static Vnc *vnc;
static Web *web;
static GThread *thread;
static GMainLoop *loop;
static char address[64], token[33];

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

static char *figures(void *opaque)
{
    (void)opaque;
    return g_strdup("{\"ns\":1,\"states\":{},\"counts\":{}}");
}

static gpointer run_loop(gpointer opaque)
{
    g_main_loop_run(opaque);
    return NULL;
}

static void setup(void)
{
    VncConfig vnc_config = { .lock = take_lock, .unlock = drop_lock };
    WebConfig config = { .figures = figures };
    GError *error = NULL;

    fake_clock = clock_new(NULL);
    display = display_new();
    input = input_new(fake_clock);
    keymap = keymap_new(NULL, NULL);
    vnc_config.console = display_add(display, "test");
    vnc_config.input = input;
    vnc_config.keymap = keymap;
    vnc = vnc_new(&vnc_config);
    config.vnc = vnc;
    web = web_new(&config, &error);
    ck_assert_msg(web != NULL, "%s", error ? error->message : "");
    ck_assert_int_eq(sscanf(web_url(web), "http://%63[0-9.:]/?token=%32[0-9a-f]", address, token),
                     2);
    loop = g_main_loop_new(NULL, FALSE);
    thread = g_thread_new("loop", run_loop, loop);
    while (!g_main_loop_is_running(loop)) { /* so that it can be ended */
        g_usleep(1000);
    }
}

static void teardown(void)
{
    g_main_loop_quit(loop);
    g_thread_join(thread);
    g_main_loop_unref(loop);
    web_free(web);
    vnc_free(vnc);
    keymap_free(keymap);
    input_free(input);
    display_free(display);
    clock_free(fake_clock);
}

/* What comes back until the server hangs up. */
static char *ask(const char *request)
{
    GString *answer = g_string_new(NULL);
    int fd = client_socket(address);
    char bytes[4096];
    ssize_t n;

    send(fd, request, strlen(request), MSG_NOSIGNAL);
    while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
        g_string_append_len(answer, bytes, n);
    }
    close(fd);
    return g_string_free(answer, FALSE);
}

static char *ask_path(const char *path)
{
    g_autofree char *request = g_strdup_printf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path,
                                               address);

    return ask(request);
}

#define EXPECT_START(text, start) ck_assert_msg(g_str_has_prefix(text, start), "%.80s", text)

START_TEST(the_page_needs_the_token_that_was_printed)
{
    g_autofree char *with = g_strdup_printf("/?token=%s", token);
    g_autofree char *wrong = g_strdup_printf("/?token=%s", token);
    g_autofree char *page = ask_path(with), *without = ask_path("/"), *bad = NULL;

    EXPECT_START(page, "HTTP/1.1 200 ");
    ck_assert_ptr_nonnull(strstr(page, "<title>doppel</title>"));
    EXPECT_START(without, "HTTP/1.1 403 ");
    wrong[strlen(wrong) - 1] ^= 1;
    bad = ask_path(wrong);
    EXPECT_START(bad, "HTTP/1.1 403 ");
}
END_TEST

START_TEST(figures_need_it_too)
{
    g_autofree char *with = g_strdup_printf("/figures?x=1&token=%s", token);
    g_autofree char *good = ask_path(with), *bad = ask_path("/figures");

    EXPECT_START(good, "HTTP/1.1 200 ");
    ck_assert_ptr_nonnull(strstr(good, "{\"ns\":1"));
    EXPECT_START(bad, "HTTP/1.1 403 ");
}
END_TEST

START_TEST(novnc_is_served_and_nothing_else)
{
    static const char *const paths[] = {
        "/novnc/../../../etc/passwd", "/novnc/%2e%2e/x", "/novnc/", "/novnc/core", "/etc/passwd",
        "/novnc//etc/passwd/"
    };
    g_autofree char *rfb = ask_path("/novnc/core/rfb.js");

    EXPECT_START(rfb, "HTTP/1.1 200 ");
    ck_assert_ptr_nonnull(strstr(rfb, "Content-Type: text/javascript"));
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *answer = ask_path(paths[i]);

        EXPECT_START(answer, "HTTP/1.1 404 ");
    }
}
END_TEST

/* ---- WebSockets ---- */

static char *handshake(const char *with_token, const char *origin)
{
    return g_strdup_printf("GET /websockify?token=%s HTTP/1.1\r\nHost: %s\r\n"
                           "Upgrade: websocket\r\nConnection: Upgrade\r\n%s%s%s"
                           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           "Sec-WebSocket-Protocol: binary\r\nSec-WebSocket-Version: 13\r\n\r\n",
                           with_token, address, origin ? "Origin: " : "", origin ? origin : "",
                           origin ? "\r\n" : "");
}

/* A connection behind its handshake; the server's greeting is still to come. */
static Client websocket_open(void)
{
    g_autofree char *own = g_strdup_printf("http://%s", address);
    g_autofree char *request = handshake(token, own);
    Client client = { .fd = client_socket(address) };
    GString *head = g_string_new(NULL);

    client_put(&client, request, strlen(request));
    while (strstr(head->str, "\r\n\r\n") == NULL) {
        char byte;

        ck_assert(client_get(&client, &byte, 1));
        g_string_append_c(head, byte);
    }
    EXPECT_START(head->str, "HTTP/1.1 101 ");
    ck_assert_ptr_nonnull(strstr(head->str, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    ck_assert_ptr_nonnull(strstr(head->str, "Sec-WebSocket-Protocol: binary\r\n"));
    g_string_free(head, TRUE);
    return client;
}

static void expect_frame(Client *client, uint8_t opcode, const void *start, size_t n, size_t all)
{
    uint8_t frame[2 + 125];

    ck_assert(client_get(client, frame, 2 + all));
    ck_assert_uint_eq(frame[0], 0x80 | opcode);
    ck_assert_uint_eq(frame[1], all);
    ck_assert_mem_eq(frame + 2, start, n);
}

static void put_frame(Client *client, uint8_t first, const char *payload, size_t n)
{
    static const uint8_t mask[4] = { 1, 2, 3, 4 };
    uint8_t frame[6 + 125] = { first, (uint8_t)(0x80 | n), 1, 2, 3, 4 };

    for (size_t i = 0; i < n; i++) {
        frame[6 + i] = (uint8_t)payload[i] ^ mask[i & 3];
    }
    client_put(client, frame, 6 + n);
}

START_TEST(a_websocket_becomes_a_vnc_client)
{
    Client client = websocket_open();
    VncClientInfo info;

    expect_frame(&client, 2, "RFB 003.", 8, 12);
    ck_assert_uint_eq(vnc_clients(vnc, &info, 1), 1);
    ck_assert(info.websocket);
    ck_assert_str_eq(info.host, "127.0.0.1");
    put_frame(&client, 0x02, "RFB 003", 7); /* in two pieces, */
    put_frame(&client, 0x89, "hello", 5);   /* with a ping between them */
    expect_frame(&client, 10, "hello", 5, 5);
    put_frame(&client, 0x80, ".008\n", 5);
    expect_frame(&client, 2, "\1\1", 2, 2); /* one type of security: none */
    put_frame(&client, 0x88, "", 0);
    ck_assert(!client_get(&client, &info, 1));
    close(client.fd);
}
END_TEST

START_TEST(frames_that_are_none_end_the_connection)
{
    static const uint8_t rows[][14] = {
        { 0x82, 0x01, 'x' },                    /* not masked */
        { 0x89, 0x80 | 126, 1, 0, 1, 2, 3, 4 }, /* a long ping */
        { 0x88, 0x80, 1, 2, 3, 4 },             /* closed */
    };
    uint8_t byte;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Client client = websocket_open();

        expect_frame(&client, 2, "RFB 003.", 8, 12);
        client_put(&client, rows[i], sizeof(rows[i]));
        ck_assert(!client_get(&client, &byte, 1));
        close(client.fd);
    }
}
END_TEST

START_TEST(random_frames_hurt_only_who_sends_them)
{
    GRand *rand = g_rand_new_with_seed((guint32)_i);

    for (unsigned round = 0; round < 10; round++) {
        Client client = websocket_open();
        uint8_t bytes[3000];

        for (size_t i = 0; i < sizeof(bytes); i++) {
            bytes[i] = (uint8_t)g_rand_int(rand);
        }
        bytes[0] = (uint8_t)(0x80 | g_rand_int_range(rand, 0, 16));
        bytes[1] |= 0x80;
        send(client.fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
        g_usleep(2000);
        close(client.fd);
    }
    g_rand_free(rand);
    close(websocket_open().fd);
}
END_TEST

START_TEST(a_websocket_without_token_or_from_elsewhere_is_refused)
{
    static const char *const origins[] = { "http://evil.example", "null", "http://127.0.0.1:1",
                                           "file://", "https://evil.example:80" };
    g_autofree char *request = handshake("00000000000000000000000000000000", NULL);
    g_autofree char *answer = ask(request);

    EXPECT_START(answer, "HTTP/1.1 403 ");
    g_free(request);
    g_free(answer);
    request = handshake(token, NULL); /* a browser says where its page is from */
    answer = ask(request);
    EXPECT_START(answer, "HTTP/1.1 403 ");
    for (size_t i = 0; i < G_N_ELEMENTS(origins); i++) {
        g_autofree char *foreign = handshake(token, origins[i]);
        g_autofree char *refused = ask(foreign);

        EXPECT_START(refused, "HTTP/1.1 403 ");
    }
    ck_assert_uint_eq(vnc_clients(vnc, NULL, 0), 0);
}
END_TEST

/* ---- Nonsense ---- */

START_TEST(what_is_no_request_is_hung_up_on)
{
    g_autofree char *endless = g_strnfill(20000, 'a');
    g_autofree char *post = ask("POST / HTTP/1.1\r\n\r\n"), *nothing = ask("\r\n\r\n");
    g_autofree char *much = ask(endless), *spaces = ask("GET  \r\n\r\n");

    ck_assert_str_eq(post, "");
    ck_assert_str_eq(nothing, "");
    ck_assert_str_eq(much, "");
    ck_assert_str_eq(spaces, "");
}
END_TEST

START_TEST(random_bytes_and_silence_stop_nobody)
{
    GRand *rand = g_rand_new_with_seed(7);
    g_autofree char *answer = NULL;
    int fds[12];

    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        uint8_t bytes[512];

        for (size_t k = 0; k < sizeof(bytes); k++) {
            bytes[k] = (uint8_t)g_rand_int(rand);
        }
        fds[i] = client_socket(address);
        if (i & 1) {
            send(fds[i], bytes, sizeof(bytes), MSG_NOSIGNAL);
        }
    }
    answer = ask_path("/novnc/core/rfb.js");
    EXPECT_START(answer, "HTTP/1.1 200 ");
    for (unsigned i = 0; i < G_N_ELEMENTS(fds); i++) {
        close(fds[i]);
    }
    g_rand_free(rand);
}
END_TEST

START_TEST(addresses_that_cannot_be_had_are_errors)
{
    static const char *const words[] = { "nowhere", "a.b:80", "127.0.0.1:99999", "192.0.2.1:80" };

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        WebConfig config = { .vnc = vnc, .figures = figures, .address = words[i] };
        GError *error = NULL;

        ck_assert_ptr_null(web_new(&config, &error));
        ck_assert_ptr_nonnull(strstr(error->message, words[i]));
        g_error_free(error);
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("web");

    signal(SIGPIPE, SIG_IGN); /* as in doppel */
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, the_page_needs_the_token_that_was_printed);
    tcase_add_test(tc, figures_need_it_too);
    tcase_add_test(tc, novnc_is_served_and_nothing_else);
    tcase_add_test(tc, a_websocket_becomes_a_vnc_client);
    tcase_add_test(tc, frames_that_are_none_end_the_connection);
    tcase_add_loop_test(tc, random_frames_hurt_only_who_sends_them, 0, 4);
    tcase_add_test(tc, a_websocket_without_token_or_from_elsewhere_is_refused);
    tcase_add_test(tc, what_is_no_request_is_hung_up_on);
    tcase_add_test(tc, random_bytes_and_silence_stop_nobody);
    tcase_add_test(tc, addresses_that_cannot_be_had_are_errors);
    return suite_run(tc, "web");
}
