/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nbd_negotiate.c - the handshake with an NBD client: fixed newstyle.
 *
 * Deviations: no TLS; the old handshake without options is not offered. */
#include "hw/block/nbd_server_int.h"

#include <string.h>

#define MAGIC_SERVER  0x4e42444d41474943ull /* "NBDMAGIC" */
#define MAGIC_OPTION  0x49484156454f5054ull /* "IHAVEOPT" */
#define MAGIC_REPLY   0x0003e889045565a9ull
#define CONTEXT_BASE  "base:allocation"
#define CONTEXT_DEPTH "qemu:allocation-depth"
#define CONTEXT_DIRTY "qemu:dirty-bitmap:"

enum { FIXED_NEWSTYLE = 1, NO_ZEROES = 2 };

typedef enum NbdOption {
    OPTION_EXPORT_NAME = 1,
    OPTION_ABORT = 2,
    OPTION_LIST = 3,
    OPTION_INFO = 6,
    OPTION_GO = 7,
    OPTION_STRUCTURED = 8,
    OPTION_LIST_META = 9,
    OPTION_SET_META = 10
} NbdOption;

enum { REPLY_ACK = 1, REPLY_SERVER = 2, REPLY_INFO = 3, REPLY_META = 4 };
enum {
    ERROR_UNSUPPORTED = (int)0x80000001,
    ERROR_INVALID = (int)0x80000003,
    ERROR_UNKNOWN = (int)0x80000006,
    ERROR_TOO_BIG = (int)0x80000009
};
enum { INFO_EXPORT = 0, INFO_NAME = 1, INFO_DESCRIPTION = 2, INFO_BLOCK_SIZE = 3 };
enum { OPTION_DATA_MAX = 64 << 10, OLD_ZEROES = 124, BLOCK_PREFERRED = 4096 };

/* What a client's option says, read from the front. */
typedef struct Words {
    const uint8_t *at;
    size_t left;
    bool good;
} Words;

static uint32_t words_number(Words *words, size_t width)
{
    uint32_t value;

    if (words->left < width) {
        words->good = false;
        return 0;
    }
    value = width == 4 ? nbd_get32(words->at) : nbd_get16(words->at);
    words->at += width;
    words->left -= width;
    return value;
}

static char *words_string(Words *words)
{
    uint32_t size = words_number(words, 4);
    char *text;

    if (!words->good || size > words->left || size > NBD_NAME_MAX ||
        memchr(words->at, '\0', size) != NULL) {
        words->good = false;
        return g_strdup("");
    }
    text = g_strndup((const char *)words->at, size);
    words->at += size;
    words->left -= size;
    return text;
}

/* ---- Replies ---- */

static bool reply_parts(NbdClient *client, uint32_t option, uint32_t type, const void *first,
                        size_t first_size, const char *second)
{
    uint8_t head[20];
    size_t second_size = second != NULL ? strlen(second) : 0;
    const struct iovec iov[] = { { head, sizeof(head) },
                                 { (void *)first, first_size },
                                 { (void *)second, second_size } };

    nbd_put64(head, MAGIC_REPLY);
    nbd_put32(head + 8, option);
    nbd_put32(head + 12, type);
    nbd_put32(head + 16, (uint32_t)(first_size + second_size));
    return nbd_send(client, iov, G_N_ELEMENTS(iov));
}

static bool reply(NbdClient *client, uint32_t option, int type)
{
    return reply_parts(client, option, (uint32_t)type, NULL, 0, NULL);
}

static bool reply_error(NbdClient *client, uint32_t option, int type, const char *words)
{
    return reply_parts(client, option, (uint32_t)type, NULL, 0, words);
}

/* ---- Exports ---- */

static bool option_list(NbdClient *client)
{
    NbdServer *server = client->server;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) rest = g_ptr_array_new_with_free_func(g_free);
    bool good = true;

    g_mutex_lock(&server->lock);
    for (guint i = 0; i < server->exports->len; i++) {
        const NbdExport *export = g_ptr_array_index(server->exports, i);

        if (!export->removed) {
            g_ptr_array_add(names, g_strdup(export->name));
            g_ptr_array_add(rest, g_strdup(export->description));
        }
    }
    g_mutex_unlock(&server->lock);
    for (guint i = 0; i < names->len && good; i++) {
        const char *name = g_ptr_array_index(names, i), *words = g_ptr_array_index(rest, i);
        g_autofree char *text = g_strconcat(name, words, NULL);
        uint8_t size[4];

        nbd_put32(size, (uint32_t)strlen(name));
        good = reply_parts(client, OPTION_LIST, REPLY_SERVER, size, sizeof(size), text);
    }
    return good && reply(client, OPTION_LIST, REPLY_ACK);
}

static bool option_export_name(NbdClient *client, const uint8_t *data, uint32_t size)
{
    g_autofree char *name = g_strndup((const char *)data, size);
    uint8_t head[10 + OLD_ZEROES] = { 0 };
    struct iovec iov = { head, client->no_zeroes ? 10 : sizeof(head) };

    if (!nbd_export_choose(client, name)) {
        return false; /* there is no other way to say so */
    }
    nbd_put64(head, nbd_export_size(client->export));
    nbd_put16(head + 8, nbd_export_flags(client, client->export));
    return nbd_send(client, &iov, 1);
}

static bool send_info(NbdClient *client, uint32_t option, const uint16_t *wanted, uint32_t n)
{
    const NbdExport *export = client->export;
    uint8_t text[2], blocks[14], about[12];

    for (uint32_t i = 0; i < n; i++) {
        const char *words = wanted[i] == INFO_NAME          ? export->name
                            : wanted[i] == INFO_DESCRIPTION ? export->description
                                                            : NULL;

        nbd_put16(text, wanted[i]);
        if (words != NULL && !reply_parts(client, option, REPLY_INFO, text, sizeof(text), words)) {
            return false;
        }
        if (wanted[i] == INFO_BLOCK_SIZE) {
            nbd_put16(blocks, INFO_BLOCK_SIZE);
            nbd_put32(blocks + 2, 1);
            nbd_put32(blocks + 6, BLOCK_PREFERRED);
            nbd_put32(blocks + 10, NBD_REQUEST_MAX);
            if (!reply_parts(client, option, REPLY_INFO, blocks, sizeof(blocks), NULL)) {
                return false;
            }
        }
    }
    nbd_put16(about, INFO_EXPORT);
    nbd_put64(about + 2, nbd_export_size(export));
    nbd_put16(about + 10, nbd_export_flags(client, export));
    return reply_parts(client, option, REPLY_INFO, about, sizeof(about), NULL) &&
           reply(client, option, REPLY_ACK);
}

/* INFO and GO; `chosen`: GO was granted. */
static bool option_info(NbdClient *client, uint32_t option, Words words, bool *chosen)
{
    g_autofree char *name = words_string(&words);
    uint32_t n = words_number(&words, 2);
    uint16_t wanted[16];
    uint32_t kept = 0;

    if (!words.good || words.left != (size_t)n * 2) {
        return reply_error(client, option, ERROR_INVALID, "the lengths do not fit");
    }
    for (uint32_t i = 0; i < n; i++) {
        uint16_t info = (uint16_t)words_number(&words, 2);

        if (kept < G_N_ELEMENTS(wanted)) {
            wanted[kept++] = info;
        }
    }
    if (!nbd_export_choose(client, name)) {
        return reply_error(client, option, ERROR_UNKNOWN, "there is no such export");
    }
    *chosen = option == OPTION_GO;
    return send_info(client, option, wanted, kept);
}

/* ---- Contexts ---- */

static bool context_offer(NbdClient *client, uint32_t option, const char *name, NbdContext context)
{
    uint8_t id[4] = { 0 };

    if (option == OPTION_SET_META) {
        for (unsigned i = 0; i < client->n_contexts; i++) {
            if (client->contexts[i].kind == context.kind &&
                client->contexts[i].bitmap == context.bitmap) {
                return true; /* it has it */
            }
        }
        if (client->n_contexts == NBD_CONTEXTS) {
            return true;
        }
        nbd_put32(id, client->n_contexts);
        client->contexts[client->n_contexts++] = context;
    }
    return reply_parts(client, option, REPLY_META, id, sizeof(id), name);
}

/* Does a query mean this context? For a list, the beginning of a name asks for all below it. */
static bool query_matches(const char *query, const char *name, bool list)
{
    size_t length = strlen(query);

    return strcmp(query, name) == 0 ||
           (list && (length == 0 || (query[length - 1] == ':' && g_str_has_prefix(name, query))));
}

static bool context_query(NbdClient *client, uint32_t option, const char *query)
{
    const NbdExport *export = client->export;
    bool list = option == OPTION_LIST_META;
    bool good = !query_matches(query, CONTEXT_BASE, list) ||
                context_offer(client, option, CONTEXT_BASE,
                              (NbdContext){ NBD_CONTEXT_ALLOCATION, 0 });

    if (good && export->allocation_depth && query_matches(query, CONTEXT_DEPTH, list)) {
        good = context_offer(client, option, CONTEXT_DEPTH, (NbdContext){ NBD_CONTEXT_DEPTH, 0 });
    }
    for (unsigned i = 0; good && export->bitmaps[i] != NULL; i++) {
        g_autofree char *name = g_strconcat(CONTEXT_DIRTY, export->bitmaps[i], NULL);

        if (query_matches(query, name, list)) {
            good = context_offer(client, option, name, (NbdContext){ NBD_CONTEXT_BITMAP, i });
        }
    }
    return good;
}

static bool option_meta(NbdClient *client, uint32_t option, Words words)
{
    g_autofree char *name = words_string(&words);
    uint32_t n = words_number(&words, 4);
    g_autoptr(GPtrArray) queries = g_ptr_array_new_with_free_func(g_free);
    bool good = true;

    for (uint32_t i = 0; i < n && words.good; i++) { /* each takes some of what there is */
        g_ptr_array_add(queries, words_string(&words));
    }
    if (!words.good || words.left != 0) {
        return reply_error(client, option, ERROR_INVALID, "the lengths do not fit");
    }
    if (option == OPTION_SET_META && !client->structured) {
        return reply_error(client, option, ERROR_INVALID, "structured replies come first");
    }
    if (!nbd_export_choose(client, name)) {
        return reply_error(client, option, ERROR_UNKNOWN, "there is no such export");
    }
    client->n_contexts = option == OPTION_SET_META ? 0 : client->n_contexts;
    if (n == 0 && option == OPTION_LIST_META) {
        good = context_query(client, option, "");
    }
    for (guint i = 0; i < queries->len && good; i++) {
        good = context_query(client, option, g_ptr_array_index(queries, i));
    }
    return good && reply(client, option, REPLY_ACK);
}

/* ---- Options, one after the other ---- */

static bool option_do(NbdClient *client, uint32_t option, const uint8_t *data, uint32_t size,
                      bool *chosen)
{
    const Words words = { data, size, true };

    switch (option) {
    case OPTION_EXPORT_NAME:
        *chosen = option_export_name(client, data, size);
        return *chosen;
    case OPTION_ABORT:
        reply(client, option, REPLY_ACK);
        return false;
    case OPTION_LIST:
        return size == 0 ? option_list(client)
                         : reply_error(client, option, ERROR_INVALID, "there is nothing to say");
    case OPTION_INFO:
    case OPTION_GO:
        return option_info(client, option, words, chosen);
    case OPTION_STRUCTURED:
        client->structured |= size == 0;
        return reply(client, option, size == 0 ? REPLY_ACK : ERROR_INVALID);
    case OPTION_LIST_META:
    case OPTION_SET_META:
        return option_meta(client, option, words);
    default:
        return reply_error(client, option, ERROR_UNSUPPORTED, "the option is not supported");
    }
}

static bool greet(NbdClient *client)
{
    uint8_t hello[18];
    struct iovec iov = { hello, sizeof(hello) };
    uint32_t flags;

    nbd_put64(hello, MAGIC_SERVER);
    nbd_put64(hello + 8, MAGIC_OPTION);
    nbd_put16(hello + 16, FIXED_NEWSTYLE | NO_ZEROES);
    if (!nbd_send(client, &iov, 1) || !nbd_receive(client, hello, 4)) {
        return false;
    }
    flags = nbd_get32(hello);
    client->no_zeroes = (flags & NO_ZEROES) != 0;
    return (flags & FIXED_NEWSTYLE) && !(flags & ~(uint32_t)(FIXED_NEWSTYLE | NO_ZEROES));
}

bool nbd_negotiate(NbdClient *client)
{
    g_autofree uint8_t *data = g_malloc(OPTION_DATA_MAX);
    bool good = greet(client), chosen = false;

    while (good && !chosen) {
        uint8_t head[16];
        uint32_t option, size;

        if (!nbd_receive(client, head, sizeof(head)) || nbd_get64(head) != MAGIC_OPTION) {
            return false;
        }
        option = nbd_get32(head + 8);
        size = nbd_get32(head + 12);
        if (size > OPTION_DATA_MAX) {
            good = option != OPTION_EXPORT_NAME && nbd_skip(client, size) &&
                   reply(client, option, ERROR_TOO_BIG);
            continue;
        }
        good = nbd_receive(client, data, size) && option_do(client, option, data, size, &chosen);
    }
    return good && chosen;
}
