/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http.c - the protocols "http" and "https", read-only, by libcurl: ranges of a file, with a
 * bounded cache of pieces. */
#include "hw/block/block_int.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>

enum { PIECE = 256 << 10, PIECES = 64, TIMEOUT_S = 5, TRIES = 3 };

typedef struct HttpPiece {
    uint64_t number;
    uint8_t data[PIECE];
} HttpPiece;

typedef struct HttpLayer {
    BlockLayer layer;
    GMutex lock; /* of all below */
    CURL *curl;
    GQueue pieces; /* of HttpPiece, latest first */
} HttpLayer;

typedef struct Transfer {
    uint8_t *data;
    size_t room, done;
} Transfer;

static size_t transfer_take(char *data, size_t size, size_t n, void *opaque)
{
    Transfer *transfer = opaque;
    size_t bytes = size * n;

    if (bytes > transfer->room - transfer->done) {
        return 0; /* more than was asked for: the server knows no ranges */
    }
    memcpy(transfer->data + transfer->done, data, bytes);
    transfer->done += bytes;
    return bytes;
}

static int piece_get(HttpLayer *http, uint64_t offset, uint8_t *data, size_t size)
{
    g_autofree char *range = g_strdup_printf("%" PRIu64 "-%" PRIu64, offset,
                                             offset + (uint64_t)size - 1);

    curl_easy_setopt(http->curl, CURLOPT_RANGE, range);
    for (int i = 0; i < TRIES; i++) {
        Transfer transfer = { data, size, 0 };
        long status = 0;

        curl_easy_setopt(http->curl, CURLOPT_WRITEDATA, &transfer);
        if (curl_easy_perform(http->curl) == CURLE_OK && transfer.done == size &&
            curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
            (status == 206 || (status == 200 && offset == 0 && size == http->layer.size))) {
            return 0;
        }
    }
    return EIO;
}

/* A piece in memory; NULL: it cannot be had. */
static const HttpPiece *piece_find(HttpLayer *http, uint64_t number)
{
    HttpPiece *piece = NULL;

    for (GList *link = http->pieces.head; link != NULL; link = link->next) {
        if (((HttpPiece *)link->data)->number == number) {
            g_queue_unlink(&http->pieces, link);
            g_queue_push_head_link(&http->pieces, link);
            return link->data;
        }
    }
    piece = http->pieces.length < PIECES ? g_new(HttpPiece, 1) : g_queue_pop_tail(&http->pieces);
    piece->number = number;
    if (piece_get(http, number * PIECE, piece->data,
                  MIN(PIECE, http->layer.size - number * PIECE)) != 0) {
        g_free(piece);
        return NULL;
    }
    g_queue_push_head(&http->pieces, piece);
    return piece;
}

static int bytes_read(HttpLayer *http, uint64_t offset, uint8_t *data, uint64_t size)
{
    while (size > 0) {
        uint64_t in = offset % PIECE, part = MIN(size, PIECE - in);
        const HttpPiece *piece;

        if (offset >= http->layer.size) {
            memset(data, 0, size);
            return 0;
        }
        part = MIN(part, http->layer.size - offset);
        piece = piece_find(http, offset / PIECE);
        if (piece == NULL) {
            return EIO;
        }
        memcpy(data, piece->data + in, part);
        data += part;
        offset += part;
        size -= part;
    }
    return 0;
}

static int http_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    HttpLayer *http = (HttpLayer *)layer;
    int error = 0;

    g_mutex_lock(&http->lock);
    for (int i = 0; i < n && error == 0; i++) {
        error = bytes_read(http, offset, iov[i].iov_base, iov[i].iov_len);
        offset += iov[i].iov_len;
    }
    g_mutex_unlock(&http->lock);
    return error;
}

static bool http_size(HttpLayer *http, const char *url, GError **error)
{
    curl_off_t size = -1;
    CURLcode result;

    curl_easy_setopt(http->curl, CURLOPT_NOBODY, 1L);
    result = curl_easy_perform(http->curl);
    if (result == CURLE_OK) {
        curl_easy_getinfo(http->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    }
    curl_easy_setopt(http->curl, CURLOPT_NOBODY, 0L);
    curl_easy_setopt(http->curl, CURLOPT_HTTPGET, 1L);
    if (result != CURLE_OK || size < 0) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "CURL: Error opening file '%s': %s", url,
                    result != CURLE_OK ? curl_easy_strerror(result)
                                       : "Server didn't report file size.");
        return false;
    }
    http->layer.size = (uint64_t)size;
    return true;
}

static bool http_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    HttpLayer *http = (HttpLayer *)layer;
    g_autofree char *name = option_string(options, "filename");
    g_autofree char *url = name == NULL ? option_string(options, "url") : g_steal_pointer(&name);
    uint64_t timeout = TIMEOUT_S;
    bool verify = true;

    if (url == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION,
                    "curl block driver requires an 'url' option");
        return false;
    }
    if (!(layer->flags & BLOCK_READONLY)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN,
                    "curl block device does not support writes");
        return false;
    }
    if (!option_size(options, "timeout", &timeout, error) ||
        !option_bool(options, "sslverify", &verify, error)) {
        return false;
    }
    http->curl = curl_easy_init();
    g_assert(http->curl != NULL);
    curl_easy_setopt(http->curl, CURLOPT_URL, url);
    curl_easy_setopt(http->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(http->curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(http->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(http->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(http->curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(http->curl, CURLOPT_CONNECTTIMEOUT, (long)timeout);
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(http->curl, CURLOPT_LOW_SPEED_TIME, (long)timeout);
    curl_easy_setopt(http->curl, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
    curl_easy_setopt(http->curl, CURLOPT_WRITEFUNCTION, transfer_take);
    if (!http_size(http, url, error)) {
        curl_easy_cleanup(http->curl);
        return false;
    }
    layer->filename = g_steal_pointer(&url);
    g_queue_init(&http->pieces);
    g_mutex_init(&http->lock);
    return true;
}

static void http_close(BlockLayer *layer)
{
    HttpLayer *http = (HttpLayer *)layer;

    curl_easy_cleanup(http->curl);
    g_queue_clear_full(&http->pieces, g_free);
    g_mutex_clear(&http->lock);
}

#define HTTP_DRIVER(words)                                                                         \
    {                                                                                              \
        .name = words, .protocol = true, .open = http_open, .read = http_read,                     \
        .write = layer_write_refused, .close = http_close, .size = sizeof(HttpLayer)               \
    }

const BlockDriver http_driver = HTTP_DRIVER("http");
const BlockDriver https_driver = HTTP_DRIVER("https");
