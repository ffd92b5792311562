/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nbd.c - the protocol "nbd": an export of an NBD server, by libnbd.
 *
 * One connection, one request at a time. A connection that breaks is made anew, and the request
 * that found it broken is made again: NBD's requests may be. */
#include "hw/block/block_int.h"

#include <errno.h>
#include <libnbd.h>
#include <string.h>

enum { RECONNECT_S = 10, PART = 16 << 20 };

typedef struct NbdLayer {
    BlockLayer layer;
    char *uri;
    GMutex lock; /* of the connection */
    struct nbd_handle *nbd;
    uint64_t reconnect_s; /* for how long it is tried */
} NbdLayer;

static struct nbd_handle *nbd_connect(const char *uri, GError **error)
{
    struct nbd_handle *nbd = nbd_create();

    if (nbd != NULL && nbd_set_uri_allow_local_file(nbd, true) == 0 &&
        nbd_add_meta_context(nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == 0 &&
        nbd_connect_uri(nbd, uri) == 0) {
        return nbd;
    }
    g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "Failed to connect to '%s': %s", uri,
                nbd_get_error());
    nbd_close(nbd);
    return NULL;
}

static bool is_broken(const NbdLayer *nbd)
{
    return nbd->nbd == NULL || nbd_aio_is_dead(nbd->nbd) || nbd_aio_is_closed(nbd->nbd);
}

/* The server may come back; true: it has, with the same disk. */
static bool nbd_again(NbdLayer *nbd)
{
    gint64 until = g_get_monotonic_time() + (gint64)nbd->reconnect_s * G_USEC_PER_SEC;

    g_clear_pointer(&nbd->nbd, nbd_close);
    do {
        nbd->nbd = nbd_connect(nbd->uri, NULL);
        if (nbd->nbd != NULL && nbd_get_size(nbd->nbd) == (int64_t)nbd->layer.size) {
            return true;
        }
        g_clear_pointer(&nbd->nbd, nbd_close);
        g_usleep(G_USEC_PER_SEC / 10);
    } while (g_get_monotonic_time() < until);
    return false;
}

/* What a failed call means; 0: it is to be made again. */
static int nbd_failed(NbdLayer *nbd)
{
    int error = nbd_get_errno();

    if (is_broken(nbd)) {
        return nbd_again(nbd) ? 0 : EIO;
    }
    return error != 0 ? error : EIO;
}

typedef int Transfer(struct nbd_handle *nbd, void *data, size_t size, uint64_t offset);

static int transfer_read(struct nbd_handle *nbd, void *data, size_t size, uint64_t offset)
{
    return nbd_pread(nbd, data, size, offset, 0);
}

static int transfer_write(struct nbd_handle *nbd, void *data, size_t size, uint64_t offset)
{
    return nbd_pwrite(nbd, data, size, offset, 0);
}

static int transfer_zero(struct nbd_handle *nbd, void *data, size_t size, uint64_t offset)
{
    (void)data;
    return nbd_zero(nbd, size, offset, 0);
}

static int transfer_trim(struct nbd_handle *nbd, void *data, size_t size, uint64_t offset)
{
    (void)data;
    return nbd_trim(nbd, size, offset, 0);
}

static int transfer_all(NbdLayer *nbd, Transfer *transfer, uint8_t *data, uint64_t size,
                        uint64_t offset)
{
    int error = 0;

    g_mutex_lock(&nbd->lock);
    while (size > 0 && error == 0) {
        size_t part = MIN(size, PART);

        if (is_broken(nbd) || transfer(nbd->nbd, data, part, offset) != 0) {
            error = nbd_failed(nbd);
            continue;
        }
        data = data != NULL ? data + part : NULL;
        offset += part;
        size -= part;
    }
    g_mutex_unlock(&nbd->lock);
    return error;
}

static int nbd_layer_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    int error = 0;

    for (int i = 0; i < n && error == 0; i++) {
        uint64_t inside = offset < layer->size ? MIN(layer->size - offset, iov[i].iov_len) : 0;

        error = transfer_all((NbdLayer *)layer, transfer_read, iov[i].iov_base, inside, offset);
        memset((char *)iov[i].iov_base + inside, 0, iov[i].iov_len - inside);
        offset += iov[i].iov_len;
    }
    return error;
}

static int nbd_layer_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n)
{
    uint64_t size = iov_size(iov, n);
    int error = 0;

    if (offset > layer->size || size > layer->size - offset) {
        return ENOSPC; /* an export does not grow */
    }
    for (int i = 0; i < n && error == 0; i++) {
        error = transfer_all((NbdLayer *)layer, transfer_write, iov[i].iov_base, iov[i].iov_len,
                             offset);
        offset += iov[i].iov_len;
    }
    return error;
}

static int nbd_layer_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap)
{
    NbdLayer *nbd = (NbdLayer *)layer;

    (void)unmap;
    if (is_broken(nbd) || nbd_can_zero(nbd->nbd) != 1) {
        return ENOTSUP;
    }
    return transfer_all(nbd, transfer_zero, NULL, size, offset);
}

static int nbd_layer_discard(BlockLayer *layer, uint64_t offset, uint64_t size)
{
    NbdLayer *nbd = (NbdLayer *)layer;

    if (is_broken(nbd) || nbd_can_trim(nbd->nbd) != 1) {
        return 0;
    }
    return transfer_all(nbd, transfer_trim, NULL, size, offset);
}

static int nbd_layer_flush(BlockLayer *layer)
{
    NbdLayer *nbd = (NbdLayer *)layer;
    int error = 0;

    if (layer->flags & BLOCK_NO_FLUSH) {
        return 0;
    }
    g_mutex_lock(&nbd->lock);
    if (is_broken(nbd)) {
        /* What an earlier server had and did not flush may be gone. */
        error = EIO;
        nbd_again(nbd);
    } else if (nbd_can_flush(nbd->nbd) == 1 && nbd_flush(nbd->nbd, 0) != 0) {
        error = nbd_failed(nbd);
        error = error == 0 ? EIO : error;
    }
    g_mutex_unlock(&nbd->lock);
    return error;
}

/* "nbd:HOST:PORT[:exportname=NAME]" and "nbd:unix:PATH[:...]", the old words. */
static char *uri_of_words(const char *words)
{
    const char *name = strstr(words, ":exportname=");
    g_autofree char *place = name != NULL ? g_strndup(words, (gsize)(name - words))
                                          : g_strdup(words);
    const char *export = name != NULL ? name + strlen(":exportname=") : "";
    g_autofree char *escaped = g_uri_escape_string(export, NULL, FALSE);

    if (g_str_has_prefix(place, "unix:")) {
        return g_strdup_printf("nbd+unix:///%s?socket=%s", escaped, place + strlen("unix:"));
    }
    return g_strdup_printf("nbd://%s/%s", place, escaped);
}

/* server.type=inet, .host, .port, or unix, .path; export. */
static char *uri_of_options(JsonObject *options)
{
    JsonNode *node = json_object_get_member(options, "server");
    g_autofree char *export = option_string(options, "export");
    g_autofree char *escaped = g_uri_escape_string(export != NULL ? export : "", NULL, FALSE);
    g_autofree char *path = option_string(options, "path");
    g_autofree char *host = option_string(options, "host");
    g_autofree char *port = option_string(options, "port");

    if (node != NULL && JSON_NODE_HOLDS_OBJECT(node)) {
        JsonObject *server = json_node_get_object(node);
        g_autofree char *type = option_string(server, "type");

        path = path != NULL ? path : option_string(server, "path");
        host = host != NULL ? host : option_string(server, "host");
        port = port != NULL ? port : option_string(server, "port");
        if (json_object_get_size(server) == 0) {
            json_object_remove_member(options, "server");
        }
    }
    if (path != NULL) {
        return g_strdup_printf("nbd+unix:///%s?socket=%s", escaped, path);
    }
    return host != NULL
               ? g_strdup_printf("nbd://%s:%s/%s", host, port != NULL ? port : "10809", escaped)
               : NULL;
}

static bool nbd_open(BlockLayer *layer, JsonObject *options, GError **error)
{
    NbdLayer *nbd = (NbdLayer *)layer;
    g_autofree char *filename = option_string(options, "filename");

    nbd->reconnect_s = RECONNECT_S;
    if (!option_size(options, "reconnect-delay", &nbd->reconnect_s, error)) {
        return false;
    }
    if (filename == NULL) {
        nbd->uri = uri_of_options(options);
    } else if (g_str_has_prefix(filename, "nbd:") && !g_str_has_prefix(filename, "nbd://")) {
        nbd->uri = uri_of_words(filename + strlen("nbd:"));
    } else {
        nbd->uri = g_strdup(filename);
    }
    if (nbd->uri == NULL) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPTION, "NBD server address missing");
        return false;
    }
    nbd->nbd = nbd_connect(nbd->uri, error);
    if (nbd->nbd == NULL) {
        g_free(nbd->uri);
        return false;
    }
    layer->filename = g_strdup(filename != NULL ? filename : nbd->uri);
    layer->size = (uint64_t)MAX(nbd_get_size(nbd->nbd), 0);
    if (nbd_is_read_only(nbd->nbd) == 1 && !(layer->flags & BLOCK_READONLY)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN,
                    "request on write denied without write permission");
        nbd_close(nbd->nbd);
        g_free(nbd->uri);
        return false;
    }
    g_mutex_init(&nbd->lock);
    return true;
}

static bool nbd_reopen(BlockLayer *layer, unsigned flags, GError **error)
{
    const NbdLayer *nbd = (const NbdLayer *)layer;

    if (!(flags & BLOCK_READONLY) && (nbd->nbd == NULL || nbd_is_read_only(nbd->nbd) == 1)) {
        g_set_error(error, BLOCK_ERROR, BLOCK_ERROR_OPEN, "the export is read-only");
        return false;
    }
    return true;
}

static void nbd_layer_close(BlockLayer *layer)
{
    NbdLayer *nbd = (NbdLayer *)layer;

    if (nbd->nbd != NULL) {
        nbd_shutdown(nbd->nbd, 0);
        nbd_close(nbd->nbd);
    }
    g_mutex_clear(&nbd->lock);
    g_free(nbd->uri);
}

const BlockDriver nbd_driver = {
    .name = "nbd",
    .protocol = true,
    .open = nbd_open,
    .read = nbd_layer_read,
    .write = nbd_layer_write,
    .write_zeroes = nbd_layer_zeroes,
    .discard = nbd_layer_discard,
    .flush = nbd_layer_flush,
    .reopen = nbd_reopen,
    .close = nbd_layer_close,
    .size = sizeof(NbdLayer),
};
