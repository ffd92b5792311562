/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viewer.c - viewer ADDRESS WIDTH HEIGHT: waits until a VNC server shows a picture of that size
 * with letters on it (1 to 30 % of its dots are lit), then presses Ctrl-Alt-Del. */
#include <stdlib.h>

#include "tests/hw/vnc_client.h"

enum { TRIES = 150, PAUSE_US = 200000 };

/* Per cent. */
static unsigned lit(const Client *client)
{
    unsigned n = 0, all = client->width * client->height;

    for (unsigned i = 0; i < all; i++) {
        n += (client->pixels[i] & 0xffffff) != 0;
    }
    return n * 100 / all;
}

static bool shows_letters(const char *address, unsigned width, unsigned height)
{
    static const int raw[] = { RFB_RAW };
    Client client = client_open(address, true);
    bool shows = client.width == width && client.height == height;

    if (shows) {
        client_encodings(&client, raw, 1);
        client_request(&client, false);
        shows = client_message(&client) && lit(&client) >= 1 && lit(&client) <= 30;
    }
    client_close(&client);
    return shows;
}

static void press(const char *address)
{
    static const uint32_t keys[] = { 0xffe3, 0xffe9, 0xffff };
    Client client = client_open(address, true);

    for (int i = 0; i < 3; i++) {
        client_key(&client, keys[i], true);
    }
    usleep(PAUSE_US);
    client_close(&client); /* which lets go of them */
}

static char **words;

START_TEST(letters_are_on_the_screen)
{
    for (int i = 0; i < TRIES; i++) {
        if (shows_letters(words[1], (unsigned)atoi(words[2]), (unsigned)atoi(words[3]))) {
            press(words[1]);
            return;
        }
        usleep(PAUSE_US);
    }
    ck_abort_msg("no letters");
}
END_TEST

int main(int argc, char **argv)
{
    TCase *tc = tcase_create("viewer");
    Suite *suite = suite_create("viewer");
    SRunner *runner = srunner_create(suite);
    int failed;

    words = argv;
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, letters_are_on_the_screen);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 && argc == 4 ? EXIT_SUCCESS : EXIT_FAILURE;
}
