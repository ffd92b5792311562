/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_BLOCK_INT_H
#define HW_BLOCK_BLOCK_INT_H
/* block_int.h - what lies below a block node: layers in a graph, for the files of this folder.
 *
 * A layer is one node of the graph as users name it (node-name): a protocol (file, nbd, null-co),
 * a format above it (raw, qcow2), a filter above that.  Layers are counted; `file`, `backing` and
 * `data_file` are references that a layer owns.  Drivers are called on worker threads, several at
 * once, and block; block.c has the queue in front of them.
 *
 * The graph changes only with its gate closed (graph_close_gate), and whoever calls a driver has
 * passed the gate (graph_enter): once at the top, never again further down.
 */
#include <inttypes.h>
#include "hw/block/throttle.h"
#include "hw/block/layer.h"

/* Offsets and sizes are in bytes; formats take whole sectors, protocols any. Functions return 0 or
 * a positive errno. */
struct BlockDriver {
    const char *name;
    bool protocol, filter;
    /* Children, flags and options are set; `size` is to be. What it does not know in the options
     * it leaves there for open.c to refuse. */
    bool (*open)(BlockLayer *layer, JsonObject *options, GError **error);
    int (*read)(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
    int (*write)(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
    int (*write_zeroes)(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap);
    int (*discard)(BlockLayer *layer, uint64_t offset, uint64_t size);
    int (*flush)(BlockLayer *layer);
    int (*extent)(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent);
    /* One cluster, or what is left of the last. */
    int (*write_compressed)(BlockLayer *layer, uint64_t offset, const void *data, uint64_t size);
    bool (*resize)(BlockLayer *layer, uint64_t size, BlockPreallocation how, GError **error);
    bool (*reopen)(BlockLayer *layer, unsigned flags, GError **error);
    int64_t (*allocated)(BlockLayer *layer); /* bytes on the host, -1: not known */
    void (*close)(BlockLayer *layer);        /* frees what is the driver's, not the layer */
    size_t size;                             /* of the driver's structure; BlockLayer is first */
};

/* Told of changes before (`done` false) and after they are made. */
typedef struct BlockWatch BlockWatch;
struct BlockWatch {
    int (*before)(BlockWatch *watch, uint64_t offset, uint64_t size); /* NULL, or may refuse */
    void (*after)(BlockWatch *watch, uint64_t offset, uint64_t size);
    BlockWatch *next;
};

struct BlockLayer {
    const BlockDriver *driver;
    BlockGraph *graph;
    unsigned refs;
    char *node_name; /* never NULL while in a graph */
    bool named;      /* by the user: such a node lives until blockdev-del */
    char *filename;  /* as messages show it */
    unsigned flags;  /* BlockFlags */
    uint64_t size;   /* bytes */
    BlockLayer *file, *backing, *data_file;
    char *backing_file, *backing_format; /* as the image says; NULL: none, not said */
    BlockWatch *watches;                 /* changed with the gate closed */
    struct BlockBitmap *bitmaps;         /* bitmap.c; the first of a list */
};

enum { BLOCK_SECTOR = 512, BLOCK_HEAD = 2048 }; /* bytes that a format is recognised by */

/* ---- layer.c: what all layers share ---- */

BlockLayer *layer_new(BlockGraph *graph, const BlockDriver *driver, const char *node_name,
                      const char *filename, unsigned flags);
/* The layer that has the data: below filters. */
BlockLayer *layer_skip_filters(BlockLayer *layer);
void layer_watch(BlockLayer *layer, BlockWatch *watch);   /* gate closed */
void layer_unwatch(BlockLayer *layer, BlockWatch *watch); /* gate closed */

/* For drivers: reads what their extents say, from their files; writes that cannot be. */
int layer_read_extents(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
/* Keeps what a read brings from a backing file; nobody else may write there meanwhile. */
int layer_copy_on_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
int layer_write_refused(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);

/* ---- graph.c ---- */

void graph_enter(BlockGraph *graph);
void graph_leave(BlockGraph *graph);
void graph_close_gate(BlockGraph *graph); /* waits for all that are inside */
void graph_open_gate(BlockGraph *graph);
bool graph_gate_is_wanted(BlockGraph *graph); /* somebody waits in graph_close_gate */
bool graph_add_layer(BlockGraph *graph, BlockLayer *layer, GError **error); /* name is free? */
void graph_remove_layer(BlockGraph *graph, BlockLayer *layer);
BlockLayer *graph_find_layer(const BlockGraph *graph, const char *node_name);
void graph_add_node(BlockGraph *graph, BlockNode *node);
void graph_remove_node(BlockGraph *graph, BlockNode *node);
/* All that point at `from` point at `to`; gate closed. */
void graph_replace(BlockGraph *graph, BlockLayer *from, BlockLayer *to);
/* References from elsewhere that graph_replace is to see; `*edge` is never NULL meanwhile. */
void graph_add_edge(BlockGraph *graph, BlockLayer **edge);
void graph_remove_edge(BlockGraph *graph, BlockLayer **edge);
int graph_fdset_open(BlockGraph *graph, const char *path, int flags); /* or -1 and errno */
const GPtrArray *graph_layers(const BlockGraph *graph);
const GPtrArray *graph_nodes(const BlockGraph *graph);

/* ---- open.c ---- */

/* Puts `driver` above a child that is taken over, on success only. */
BlockLayer *layer_open_above(BlockGraph *graph, const BlockDriver *driver, BlockLayer *file,
                             JsonObject *options, unsigned flags, GError **error);
/* Opens what `backing_file` says. */
bool layer_open_backing(BlockLayer *layer, GError **error);
/* A child by its key: the name of a node or options; NULL without an error: there is no such key.
 */
BlockLayer *layer_open_child(BlockGraph *graph, JsonObject *options, const char *key,
                             unsigned flags, GError **error);
/* Of options, taking them away: NULL, or the value as it was, where the key is absent. Values of
 * command lines are strings, of JSON typed. */
char *option_string(JsonObject *options, const char *key);
bool option_bool(JsonObject *options, const char *key, bool *value, GError **error);
bool option_size(JsonObject *options, const char *key, uint64_t *value, GError **error);

/* ---- probe.c ---- */

extern const BlockDriver file_driver, host_device_driver, null_driver, raw_driver, qcow2_driver;
extern const BlockDriver throttle_driver, copy_driver; /* filters */
extern const BlockDriver nbd_driver, http_driver, https_driver;
extern const BlockDriver vdi_driver, vpc_driver, vhdx_driver, vmdk_driver; /* read-only */

const BlockDriver *driver_find(const char *name);
/* What the head of an image says; a name, which may be one that has no driver. */
const char *format_probe(const uint8_t *head, size_t size);
const BlockDriver *format_driver(const char *name, GError **error);

/* ---- file.c ---- */

BlockLayer *file_layer_from_fd(BlockGraph *graph, int fd, const char *filename, unsigned flags);
/* Makes or empties a file. */
bool file_create(const char *path, uint64_t size, BlockPreallocation how, GError **error);

/* ---- qcow2.c ---- */

bool qcow2_create_on(BlockLayer *file, const BlockCreate *create, GError **error);
/* Bytes of an image that holds `data` bytes of guest data. */
uint64_t qcow2_measure(const BlockCreate *create, uint64_t data);

/* ---- fileio.c: whole transfers on a file descriptor. Reads past the end give zeros. ---- */

int file_read(int fd, uint64_t offset, const struct iovec *iov, int n);
int file_write(int fd, uint64_t offset, const struct iovec *iov, int n);
int file_punch(int fd, uint64_t offset, uint64_t size);

/* The part [skip, skip + size) of vectors, in `out`, which has room for n; returns how many. */
int iov_slice(const struct iovec *iov, int n, uint64_t skip, uint64_t size, struct iovec *out);
uint64_t iov_size(const struct iovec *iov, int n);
void iov_zero(const struct iovec *iov, int n);
bool buffer_is_zero(const void *data, size_t size);
bool iov_is_zero(const struct iovec *iov, int n);

#endif
