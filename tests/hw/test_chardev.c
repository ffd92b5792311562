/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/char/chardev.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "tests/hw/chip_fixture.h"

enum { PATIENCE = 500 }; /* tens of milliseconds */

static char *dir, *path;
static GString *received, *events, *escapes;
static size_t room;
static int locked;

static size_t front_room(void *opaque)
{
    (void)opaque;
    return room;
}

static void front_receive(void *opaque, const uint8_t *data, size_t n)
{
    (void)opaque;
    ck_assert_uint_le(n, room);
    room -= n;
    g_string_append_len(received, (const char *)data, (gssize)n);
}

static void front_event(void *opaque, CharEvent event)
{
    (void)opaque;
    g_string_append_c(events, "OCBIU"[event]);
}

static const CharFront front = { .can_receive = front_room,
                                 .receive = front_receive,
                                 .event = front_event };

static void lock(void *opaque)
{
    (void)opaque;
    locked++;
}

static void unlock(void *opaque)
{
    (void)opaque;
    locked--;
}

static void escape(void *opaque, char key)
{
    (void)opaque;
    ck_assert_int_eq(locked, 0);
    g_string_append_c(escapes, key);
}

static void setup(void)
{
    dir = g_dir_make_tmp("doppel-char-XXXXXX", NULL);
    path = g_build_filename(dir, "c", NULL);
    received = g_string_new(NULL);
    events = g_string_new(NULL);
    escapes = g_string_new(NULL);
    room = 1000000;
}

static void teardown(void)
{
    unlink(path);
    rmdir(dir);
    g_free(dir);
    g_free(path);
    g_string_free(received, TRUE);
    g_string_free(events, TRUE);
    g_string_free(escapes, TRUE);
}

static gboolean too_late(gpointer opaque)
{
    *(bool *)opaque = true;
    return G_SOURCE_REMOVE;
}

/* Runs the main loop until nothing happens for `ms`. */
static void run(unsigned ms)
{
    bool late = false;

    g_timeout_add(ms, too_late, &late);
    while (!late) {
        g_main_context_iteration(NULL, TRUE);
    }
}

static CharDev *open_chr(const char *format, const char *argument)
{
    char *spec = g_strdup_printf("%s%s", format, argument);
    GError *error = NULL;
    CharDev *chr = chardev_new(spec, &error);

    ck_assert_msg(chr != NULL, "%s", error != NULL ? error->message : "no message");
    chardev_set_front(chr, &front);
    chardev_set_lock(chr, lock, unlock, NULL);
    chardev_set_escape(chr, escape, NULL);
    g_free(spec);
    return chr;
}

static int unix_client(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strcpy(address.sun_path, path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
}

static char *hear(int fd)
{
    static char text[256];
    ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

    text[MAX(n, 0)] = '\0';
    return text;
}

/* What is to come has come by now, or comes within seconds: machines may be busy. */
static void await(const GString *what, const char *expected)
{
    for (unsigned i = 0; i < PATIENCE && strcmp(what->str, expected) != 0; i++) {
        run(10);
    }
    ck_assert_str_eq(what->str, expected);
}

static void hear_exactly(int fd, const char *expected)
{
    g_autoptr(GString) heard = g_string_new(hear(fd));

    for (unsigned i = 0; i < PATIENCE && heard->len < strlen(expected); i++) {
        run(10);
        g_string_append(heard, hear(fd));
    }
    ck_assert_str_eq(heard->str, expected);
}

/* Where there are no pseudo-terminals (a bare chroot), what needs one is not tested. */
static bool has_ptys(void)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    bool has = master >= 0 && grantpt(master) == 0;

    if (master >= 0) {
        close(master);
    }
    return has;
}

static const char *const bad_specs[] = {
    "",
    "nonsense",
    "stdiox",
    "pty:name",
    "file:/nonexistent/dir/x",
    "file:/tmp,append=maybe",
    "pipe:/nonexistent/p",
    "unix:/nonexistent/s",
    "unix:/tmp/s,colour=red",
    "unix:,server=on,wait=off",
    "tcp:localhost",
    "tcp:localhost:1",
    "tcp:localhost:1,reconnect=-3",
    "mon:",
};

START_TEST(a_bad_specification_is_refused_in_one_line)
{
    GError *error = NULL;

    ck_assert_ptr_null(chardev_new(bad_specs[_i], &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_ptr_null(strchr(error->message, '\n'));
    ck_assert_uint_gt(strlen(error->message), 5);
    g_error_free(error);
}
END_TEST

START_TEST(null_and_none_swallow)
{
    static const char *const specs[] = { "null", "none", "vc", "vc:80Cx24C" };

    for (unsigned i = 0; i < G_N_ELEMENTS(specs); i++) {
        CharDev *chr = open_chr(specs[i], "");

        chardev_write(chr, (const uint8_t *)"x", 1);
        chardev_free(chr);
    }
}
END_TEST

START_TEST(a_file_takes_the_output)
{
    CharDev *chr = open_chr("file:", path);
    char *text;

    chardev_write(chr, (const uint8_t *)"hello\n", 6);
    chardev_free(chr);
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, "hello\n");
    g_free(text);
    chr = open_chr("file:", path); /* truncates */
    chardev_free(chr);
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_str_eq(text, "");
    g_free(text);
}
END_TEST

START_TEST(a_server_takes_a_new_client_when_the_last_has_left)
{
    char *spec = g_strconcat(path, ",server=on,wait=off", NULL);
    CharDev *chr = open_chr("unix:", spec);
    int first, second;

    chardev_write(chr, (const uint8_t *)"lost", 4);
    first = unix_client();
    second = unix_client();
    run(20);
    say(first, "one");
    say(second, "two");
    chardev_write(chr, (const uint8_t *)"hi", 2);
    run(20);
    await(received, "one");
    hear_exactly(first, "hi");
    close(first);
    run(50);
    await(received, "onetwo");
    await(events, "OCO");
    chardev_write(chr, (const uint8_t *)"yo", 2);
    hear_exactly(second, "yo");
    chardev_free(chr);
    ck_assert(!g_file_test(path, G_FILE_TEST_EXISTS));
    close(second);
    g_free(spec);
}
END_TEST

START_TEST(a_client_comes_back_when_told_to)
{
    char *server_spec = g_strconcat(path, ",server=on,wait=off", NULL);
    char *client_spec = g_strconcat(path, ",reconnect=1", NULL);
    CharDev *client = open_chr("unix:", client_spec);
    CharDev *server = open_chr("unix:", server_spec);

    run(2000);
    chardev_write(server, (const uint8_t *)"back", 4);
    run(50);
    await(received, "back");
    chardev_free(server);
    chardev_free(client);
    g_free(server_spec);
    g_free(client_spec);
}
END_TEST

START_TEST(input_waits_for_room)
{
    char *spec = g_strconcat(path, ",server=on,wait=off", NULL);
    CharDev *chr = open_chr("unix:", spec);
    char block[10000];
    int fd = unix_client();

    memset(block, 'x', sizeof(block));
    room = 10;
    run(20);
    ck_assert_int_eq(write(fd, block, sizeof(block)), (int)sizeof(block));
    run(20);
    ck_assert_uint_eq(received->len, 10);
    room = 16;
    chardev_accept_input(chr);
    ck_assert_uint_eq(received->len, 26);
    room = 1000000;
    chardev_accept_input(chr);
    run(20);
    ck_assert_uint_eq(received->len, sizeof(block));
    chardev_free(chr);
    close(fd);
    g_free(spec);
}
END_TEST

START_TEST(a_peer_that_does_not_read_does_not_stop_the_guest)
{
    char *spec = g_strconcat(path, ",server=on,wait=off", NULL);
    CharDev *chr = open_chr("unix:", spec);
    uint8_t block[4096];
    int fd = unix_client();

    memset(block, 'y', sizeof(block));
    run(20);
    for (unsigned i = 0; i < 1000; i++) {
        chardev_write(chr, block, sizeof(block));
    }
    ck_assert_uint_eq(strspn(hear(fd), "y"), 255);
    chardev_free(chr);
    close(fd);
    g_free(spec);
}
END_TEST

START_TEST(queued_output_arrives_in_order)
{
    char *spec = g_strconcat(path, ",server=on,wait=off", NULL);
    CharDev *chr = open_chr("unix:", spec);
    uint32_t next = 0, value;
    int fd = unix_client();

    run(20);
    for (uint32_t i = 0; i < 60000; i++) { /* more than the socket holds, less than the bound */
        chardev_write(chr, (const uint8_t *)&i, sizeof(i));
    }
    for (unsigned pass = 0; pass < 100 && next < 60000; pass++) {
        while (next < 60000 && recv(fd, &value, sizeof(value), MSG_DONTWAIT) == sizeof(value)) {
            ck_assert_uint_eq(value, next);
            next++;
        }
        run(2);
    }
    ck_assert_uint_eq(next, 60000);
    chardev_free(chr);
    close(fd);
    g_free(spec);
}
END_TEST

/* A server on a free port of the host, which another process may take in between. */
static CharDev *open_telnet(struct sockaddr_in *address)
{
    for (unsigned tries = 0; tries < 20; tries++) {
        socklen_t size = sizeof(*address);
        int probe = socket(AF_INET, SOCK_STREAM, 0);
        g_autofree char *spec = NULL;
        CharDev *chr;

        *address = (struct sockaddr_in){ .sin_family = AF_INET };
        address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ck_assert_int_eq(bind(probe, (struct sockaddr *)address, size), 0);
        getsockname(probe, (struct sockaddr *)address, &size);
        close(probe);
        spec = g_strdup_printf("telnet:127.0.0.1:%d,server,nowait,nodelay",
                               ntohs(address->sin_port));
        chr = chardev_new(spec, NULL);
        if (chr != NULL) {
            chardev_set_front(chr, &front);
            chardev_set_lock(chr, lock, unlock, NULL);
            return chr;
        }
    }
    ck_abort_msg("no port is free");
    return NULL;
}

START_TEST(telnet_sequences_are_taken_out)
{
    struct sockaddr_in address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CharDev *chr = open_telnet(&address);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    run(20);
    hear_exactly(fd, "\xff\xfb\x01\xff\xfb\x03\xff\xfb");
    say(fd, "a\xff\xfd\x01"
            "b\xff\xff"
            "c\xff\xf3"
            "d\xff\xfa\x18\x01\xff\xf0"
            "e");
    run(20);
    await(received, "ab\xff"
                    "cde");
    await(events, "OB");
    chardev_write(chr, (const uint8_t *)"x\xffy", 3);
    run(20);
    hear_exactly(fd, "x\xff\xffy");
    chardev_free(chr);
    close(fd);
}
END_TEST

START_TEST(ctrl_a_commands_work_on_any_device)
{
    char *spec = g_strconcat(path, ",server=on,wait=off", NULL);
    CharDev *chr = open_chr("mon:unix:", spec);
    int fd = unix_client();
    const char *text;

    run(20);
    say(fd, "a\001bc\001\001d\001x\001");
    run(20);
    say(fd, "c\001s\001qe");
    run(20);
    await(received, "ac\001de");
    await(events, "IOIB");
    await(escapes, "xs");
    say(fd, "\001h");
    run(20);
    ck_assert_ptr_nonnull(strstr(hear(fd), "C-a x"));
    say(fd, "\001t");
    run(20);
    hear(fd);
    chardev_write(chr, (const uint8_t *)"one\ntwo\n", 8);
    text = hear(fd);
    ck_assert_msg(g_regex_match_simple(
                      "^\\[00:00:00\\.\\d{3}\\] one\n\\[00:00:00\\.\\d{3}\\] two\n$", text, 0, 0),
                  "%s", text);
    chardev_free(chr);
    close(fd);
    g_free(spec);
}
END_TEST

START_TEST(without_mon_ctrl_a_is_a_byte)
{
    char *spec = g_strconcat(path, ",server=on,wait=off", NULL);
    CharDev *chr = open_chr("unix:", spec);
    int fd = unix_client();

    run(20);
    say(fd, "\001x");
    run(20);
    await(received, "\001x");
    chardev_free(chr);
    close(fd);
    g_free(spec);
}
END_TEST

START_TEST(a_pty_prints_its_name_and_notices_who_comes_and_goes)
{
    int saved = dup(STDOUT_FILENO);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    char name[64] = "";
    char *text;
    CharDev *chr;
    int fd;

    fflush(stdout);
    dup2(file, STDOUT_FILENO);
    chr = chardev_new_labelled("pty", "serial1", NULL);
    dup2(saved, STDOUT_FILENO);
    ck_assert(g_file_get_contents(path, &text, NULL, NULL));
    ck_assert_int_eq(sscanf(text, "char device redirected to %63s (label serial1)\n", name), 1);
    chardev_set_front(chr, &front);
    chardev_write(chr, (const uint8_t *)"lost", 4);
    fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
    ck_assert_int_ge(fd, 0);
    run(500);
    await(events, "O");
    say(fd, "in\r");
    chardev_write(chr, (const uint8_t *)"out\n", 4);
    run(50);
    await(received, "in\r");
    memset(name, 0, sizeof(name));
    ck_assert_int_eq(read(fd, name, sizeof(name)), 4);
    ck_assert_str_eq(name, "out\n");
    close(fd);
    run(100);
    await(events, "OC");
    chardev_free(chr);
    g_free(text);
    close(saved);
    close(file);
}
END_TEST

/* Runs `child` in a process with a terminal of its own. */
static pid_t on_terminal(int (*child)(void), int *master)
{
    char name[64];
    pid_t pid;

    *master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_eq(grantpt(*master) | unlockpt(*master), 0);
    ck_assert_int_eq(ptsname_r(*master, name, sizeof(name)), 0);
    pid = fork();
    if (pid == 0) {
        int slave;

        setsid();
        slave = open(name, O_RDWR);
        dup2(slave, STDIN_FILENO);
        dup2(slave, STDOUT_FILENO);
        _exit(child());
    }
    return pid;
}

static bool terminal_is_raw(void)
{
    struct termios tty;

    tcgetattr(STDIN_FILENO, &tty);
    return (tty.c_lflag & (ICANON | ECHO)) == 0;
}

static bool terminal_has_signals(void)
{
    struct termios tty;

    tcgetattr(STDIN_FILENO, &tty);
    return (tty.c_lflag & ISIG) != 0;
}

static int stdio_child(void)
{
    CharDev *chr;
    int failures = 0;

    failures |= terminal_is_raw() ? 1 : 0;
    chr = chardev_new("mon:stdio", NULL);
    failures |= terminal_is_raw() && !terminal_has_signals() ? 0 : 2;
    failures |= chardev_new("stdio", NULL) == NULL ? 0 : 4; /* there is one terminal */
    chardev_set_front(chr, &front);
    chardev_set_escape(chr, escape, NULL);
    chardev_write(chr, (const uint8_t *)"ready\n", 6);
    while (escapes->len == 0) {
        g_main_context_iteration(NULL, TRUE);
    }
    failures |= strcmp(received->str, "k\003") == 0 ? 0 : 8; /* Ctrl-C is the guest's */
    failures |= (fcntl(STDOUT_FILENO, F_GETFL) & O_NONBLOCK) == 0 ? 0 : 16;
    chardev_free(chr);
    failures |= terminal_is_raw() ? 32 : 0;
    chr = chardev_new("stdio", NULL);
    failures |= terminal_is_raw() && terminal_has_signals() ? 0 : 64;
    chardev_restore_terminal();
    failures |= terminal_is_raw() ? 128 : 0;
    chardev_free(chr);
    return failures;
}

START_TEST(the_terminal_is_raw_while_in_use_and_restored_after)
{
    int master;
    pid_t pid = on_terminal(stdio_child, &master);
    char text[64];
    int status;
    size_t n = 0;

    while (n < 6) {
        ssize_t got = read(master, text + n, sizeof(text) - 1 - n);

        ck_assert_int_gt(got, 0);
        n += (size_t)got;
    }
    text[n] = '\0';
    ck_assert_str_eq(text, "ready\r\n");
    say(master, "k\003\001x");
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    close(master);
}
END_TEST

static void other_receive(void *opaque, const uint8_t *data, size_t n)
{
    g_string_append_len(opaque, (const char *)data, (gssize)n);
}

START_TEST(front_ends_take_turns)
{
    char *spec = g_strconcat(path, ",server=on,wait=off", NULL);
    g_autoptr(GString) other = g_string_new(NULL);
    const CharFront second = { .can_receive = front_room,
                               .receive = other_receive,
                               .opaque = other };
    CharDev *chr = open_chr("mon:unix:", spec), *plain = chardev_new("null", NULL);
    int fd = unix_client();
    int index = chardev_add_front(chr, &second);

    ck_assert_int_gt(index, 0);
    say(fd, "one\001ctwo\001cthree\001c");
    await(received, "onethree");
    await(other, "two");
    chardev_remove_front(chr, index);
    say(fd, "four");
    await(received, "onethreefour");
    ck_assert_int_gt(chardev_add_front(plain, &second), 0);
    ck_assert_int_eq(chardev_add_front(plain, &second), -1);
    chardev_free(plain);
    chardev_free(chr);
    close(fd);
    g_free(spec);
}
END_TEST

START_TEST(descriptors_come_along)
{
    char *spec = g_strconcat(path, ",server=on,wait=off", NULL);
    CharDev *chr = open_chr("unix:", spec);
    int fd = unix_client(), pipes[2], got;
    union {
        struct cmsghdr head;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec vector = { "x", 1 };
    struct msghdr message = { .msg_iov = &vector,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = sizeof(control) };

    ck_assert_int_eq(pipe(pipes), 0);
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &pipes[1], sizeof(int));
    ck_assert_int_eq(sendmsg(fd, &message, 0), 1);
    await(received, "x");
    got = chardev_take_fd(chr);
    ck_assert_int_ge(got, 0);
    ck_assert_int_eq(chardev_take_fd(chr), -1);
    ck_assert_int_eq(write(got, "y", 1), 1);
    for (int i = 0; i < 100; i++) { /* nobody takes these */
        ck_assert_int_eq(sendmsg(fd, &message, 0), 1);
        run(1);
    }
    chardev_free(chr);
    close(got);
    close(fd);
    g_free(spec);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hw/char/chardev");
    TCase *tc = tcase_create("chardev");

    tcase_set_timeout(tc, 20);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_bad_specification_is_refused_in_one_line, 0, G_N_ELEMENTS(bad_specs));
    tcase_add_test(tc, null_and_none_swallow);
    tcase_add_test(tc, a_file_takes_the_output);
    tcase_add_test(tc, a_server_takes_a_new_client_when_the_last_has_left);
    tcase_add_test(tc, a_client_comes_back_when_told_to);
    tcase_add_test(tc, input_waits_for_room);
    tcase_add_test(tc, a_peer_that_does_not_read_does_not_stop_the_guest);
    tcase_add_test(tc, queued_output_arrives_in_order);
    tcase_add_test(tc, telnet_sequences_are_taken_out);
    tcase_add_test(tc, ctrl_a_commands_work_on_any_device);
    tcase_add_test(tc, without_mon_ctrl_a_is_a_byte);
    tcase_add_test(tc, front_ends_take_turns);
    tcase_add_test(tc, descriptors_come_along);
    if (has_ptys()) {
        tcase_add_test(tc, a_pty_prints_its_name_and_notices_who_comes_and_goes);
        tcase_add_test(tc, the_terminal_is_raw_while_in_use_and_restored_after);
    }
    suite_add_tcase(suite, tc);
    return chip_run_suite(suite);
}
