/* SPDX-License-Identifier: GPL-2.0-or-later */
/* search.c - Horspool's string search and a byte-wise word count in made-up text. */
#include "kernel.h"

#include <string.h>

enum { TEXT = 32768 };

static char text[TEXT];

static unsigned count_matches(const char *word)
{
    unsigned skip[256], found = 0, len = (unsigned)strlen(word);

    for (unsigned i = 0; i < 256; i++) {
        skip[i] = len;
    }
    for (unsigned i = 0; i + 1 < len; i++) {
        skip[(uint8_t)word[i]] = len - 1 - i;
    }
    for (unsigned at = 0; at + len <= TEXT; at += skip[(uint8_t)text[at + len - 1]]) {
        unsigned i = len;

        while (i > 0 && text[at + i - 1] == word[i - 1]) {
            i--;
        }
        found += i == 0;
    }
    return found;
}

static unsigned count_words(void)
{
    unsigned words = 0, inside = 0;

    for (unsigned i = 0; i < TEXT; i++) {
        if (text[i] == ' ' || text[i] == '\n') {
            inside = 0;
        } else if (!inside) {
            inside = 1;
            words++;
        }
    }
    return words;
}

uint64_t search_run(uint64_t iterations)
{
    static const char *const words[] = { "eta", "shrdlu", "no one", "anise", "tt", "rodents" };
    uint32_t state = 4242;
    uint64_t sum = 0;

    for (unsigned i = 0; i < TEXT; i++) {
        text[i] = "etaoin shrdlu\nei  "[random_next(&state) % 18];
    }
    for (uint64_t n = 0; n < iterations; n++) {
        sum = checksum_add(sum, count_matches(words[n % 6]));
        sum = checksum_add(sum, count_words());
        text[(n * 31) % TEXT] ^= 1;
    }
    return sum;
}
