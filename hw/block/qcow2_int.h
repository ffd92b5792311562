/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_QCOW2_INT_H
#define HW_BLOCK_QCOW2_INT_H
/* qcow2_int.h - the format qcow2, versions 2 and 3, for its own files.
 *
 * What reaches the disk in which order (qcow2_sync): new refcounts and data, then a flush, then L2
 * tables, then - if it has changed - a flush and the L1 table; clusters that nothing refers to any
 * more are given back only behind a further flush.  So a refcount on disk is never below the number
 * of references on disk, no table refers to data that is not there, and no cluster is used again
 * while a table on disk still means its old contents: a crash leaks clusters and does no other
 * harm.
 *
 * One lock guards all metadata; data is transferred without it, behind a claim on the range of
 * guest clusters (qcow2_claim): shared by those that use clusters, exclusive for who changes the
 * mapping.
 */
#include "hw/block/block_int.h"
#include "hw/block/qcow2_codec.h"
#include <string.h>

#define QCOW2_COPIED     (1ull << 63)
#define QCOW2_COMPRESSED (1ull << 62)
#define QCOW2_ZERO       1ull
#define QCOW2_OFFSET     0x00fffffffffffe00ull

enum { /* incompatible features */
       QCOW2_DIRTY = 1,
       QCOW2_CORRUPT = 2,
       QCOW2_DATA_FILE = 4,
       QCOW2_COMPRESSION = 8,
       QCOW2_EXTENDED_L2 = 16,
       QCOW2_KNOWN_FEATURES = 31,
};
enum { QCOW2_LAZY_REFCOUNTS = 1 };              /* compatible features */
enum { QCOW2_BITMAPS = 1, QCOW2_RAW_DATA = 2 }; /* autoclear features */
enum { QCOW2_V2_HEADER = 72, QCOW2_V3_HEADER = 112 };
enum { QCOW2_SUBCLUSTERS = 32 };
enum { QCOW2_MAX_TABLE = 32 << 20, QCOW2_MAX_REFTABLE = 8 << 20, QCOW2_MAX_SNAPSHOTS = 65536 };

/* ---- qcow2_cache.c: pieces of tables, found by their place in the file ---- */

typedef struct Qcow2Entry {
    uint64_t offset;
    bool dirty;
    GList link; /* in the order of use */
    uint8_t data[];
} Qcow2Entry;

typedef struct Qcow2Cache {
    struct Qcow2 *owner;
    bool is_l2;
    uint32_t unit; /* bytes */
    size_t max;    /* entries */
    GHashTable *by_offset;
    GQueue order; /* latest first */
    GHashTable *dirty;
} Qcow2Cache;

void qcow2_cache_open(Qcow2Cache *cache, struct Qcow2 *owner, bool is_l2, uint32_t unit,
                      uint64_t bytes);
void qcow2_cache_close(Qcow2Cache *cache); /* what is dirty is lost */
/* The bytes at `offset` of the file, which lie in one unit; valid until the next call. */
int qcow2_cache_get(Qcow2Cache *cache, uint64_t offset, Qcow2Entry **entry, uint8_t **at);
void qcow2_cache_dirty(Qcow2Cache *cache, Qcow2Entry *entry);
int qcow2_cache_write(Qcow2Cache *cache);
void qcow2_cache_forget(Qcow2Cache *cache, uint64_t offset, uint64_t size);

/* ---- The image ---- */

typedef struct Qcow2Claim {
    uint64_t first, end; /* clusters */
    bool exclusive;
    struct Qcow2Claim *next;
} Qcow2Claim;

typedef struct Qcow2Free {
    uint64_t offset, size;
    bool discard; /* by the guest */
} Qcow2Free;

typedef struct Qcow2Snapshot {
    uint64_t l1_offset;
    uint32_t l1_entries;
    char *id, *name;
    uint32_t date_s, date_ns;
    uint64_t vm_clock_ns;
    uint64_t vm_state_size, disk_size, icount;
    uint32_t extra_size;
    uint8_t *extra_unknown; /* what lies behind what is known */
    uint32_t extra_unknown_size;
} Qcow2Snapshot;

typedef struct Qcow2Extension {
    uint32_t type, size;
    uint8_t *data;
} Qcow2Extension;

typedef struct Qcow2 {
    BlockLayer layer;
    unsigned version, header_size;
    unsigned cluster_bits, refcount_order;
    uint32_t cluster_size;
    unsigned entry_size;      /* bytes of an L2 entry: 8 or 16 */
    unsigned l2_bits;         /* entries of an L2 table, as a power of 2 */
    uint32_t subcluster_size; /* the cluster's without extended L2 */
    uint64_t incompatible, compatible, autoclear;
    unsigned compression; /* 0: zlib, 1: zstd */
    Qcow2Codecs *codecs;
    char *data_file_name;
    GArray *extensions; /* of Qcow2Extension: those not known here, kept */

    GMutex lock; /* of all that follows */
    GCond claims_changed;
    Qcow2Claim *claims;
    uint64_t *l1; /* host order */
    uint32_t l1_entries;
    uint64_t l1_offset;
    bool l1_dirty;
    uint64_t *reftable; /* host order */
    uint64_t reftable_offset, reftable_entries;
    uint32_t reftable_clusters;
    Qcow2Cache l2_cache, refcount_cache;
    uint64_t free_hint;  /* cluster that the search begins with */
    uint64_t high_water; /* end of what was ever allocated: beyond it the file reads as zeros */
    GArray *frees;       /* of Qcow2Free: behind the next sync */
    GArray *snapshots;   /* of Qcow2Snapshot */
    uint64_t snapshots_offset, snapshots_size;
    uint64_t compressed_at; /* where the last compressed cluster ended; 0: nowhere */
    bool started;           /* something was changed: autoclear bits are gone */
    bool corrupt;           /* found damaged while running: nothing is written any more */
    uint64_t inflated_at;   /* L2 entry of what is in `inflated` */
    uint8_t *inflated;
} Qcow2;

static inline Qcow2 *qcow2_of(BlockLayer *layer)
{
    return (Qcow2 *)layer;
}

static inline uint64_t qcow2_clusters(const Qcow2 *q, uint64_t size)
{
    return (size + q->cluster_size - 1) >> q->cluster_bits;
}

static inline BlockLayer *qcow2_data(const Qcow2 *q)
{
    return q->layer.data_file != NULL ? q->layer.data_file : q->layer.file;
}

static inline uint64_t qcow2_l1_index(const Qcow2 *q, uint64_t offset)
{
    return offset >> (q->cluster_bits + q->l2_bits);
}

static inline uint64_t get_be64(const void *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return GUINT64_FROM_BE(value);
}

static inline uint32_t get_be32(const void *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return GUINT32_FROM_BE(value);
}

static inline uint16_t get_be16(const void *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof(value));
    return GUINT16_FROM_BE(value);
}

static inline void put_be64(void *at, uint64_t value)
{
    value = GUINT64_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

static inline void put_be32(void *at, uint32_t value)
{
    value = GUINT32_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

static inline void put_be16(void *at, uint16_t value)
{
    value = GUINT16_TO_BE(value);
    memcpy(at, &value, sizeof(value));
}

/* ---- qcow2_header.c ---- */

bool qcow2_header_read(Qcow2 *q, GError **error);
/* The whole header with extensions and backing file name; 0 or an errno, ENOSPC: it does not fit.
 */
int qcow2_header_write(Qcow2 *q);
/* Only the feature bits. */
int qcow2_features_write(Qcow2 *q);
void qcow2_extensions_free(GArray *extensions);

/* ---- qcow2.c ---- */

int qcow2_sync_locked(Qcow2 *q); /* see above */
int qcow2_l1_write(Qcow2 *q);
/* Before the first change: autoclear bits that we do not keep up go. */
int qcow2_start_locked(Qcow2 *q);
/* The image is damaged: says so in the header, writes nothing more. Returns EIO. */
int qcow2_damaged(Qcow2 *q, const char *what, uint64_t offset);
void qcow2_claim_locked(Qcow2 *q, Qcow2Claim *claim); /* waits */
void qcow2_release_locked(Qcow2 *q, Qcow2Claim *claim);
/* Nobody else is inside until the lock is dropped. */
void qcow2_quiesce_locked(Qcow2 *q);

/* ---- qcow2_refcount.c: with the lock held ---- */

int qcow2_refcount_get(Qcow2 *q, uint64_t cluster, uint64_t *count);
int qcow2_refcount_add(Qcow2 *q, uint64_t offset, uint64_t size, int64_t delta);
/* Contiguous, with refcount 1; contents undefined. */
int qcow2_alloc(Qcow2 *q, uint64_t size, uint64_t *offset);
/* Up to `clusters`, at least one. */
int qcow2_alloc_some(Qcow2 *q, uint64_t *clusters, uint64_t *offset);
/* At once: nothing on disk refers to it. */
void qcow2_free_unused(Qcow2 *q, uint64_t offset, uint64_t size);
/* Behind the next sync. */
void qcow2_free_later(Qcow2 *q, uint64_t offset, uint64_t size, bool discard);
int qcow2_frees_apply(Qcow2 *q);
/* Bytes for compressed data, which may share a cluster with others. */
int qcow2_alloc_bytes(Qcow2 *q, uint32_t size, uint64_t *offset);
bool qcow2_overlaps_metadata(const Qcow2 *q, uint64_t offset, uint64_t size);
uint64_t qcow2_refcount_max(const Qcow2 *q);
uint64_t qcow2_refcount_load(const uint8_t *block, unsigned order, uint64_t index);
void qcow2_refcount_store(uint8_t *block, unsigned order, uint64_t index, uint64_t value);

/* ---- qcow2_map.c: with the lock held ---- */

typedef enum Qcow2Kind {
    QCOW2_UNALLOCATED,
    QCOW2_IS_ZERO,
    QCOW2_NORMAL,
    QCOW2_IS_COMPRESSED
} Qcow2Kind;

typedef struct Qcow2Mapping {
    Qcow2Kind kind;
    uint64_t size;   /* bytes from the offset asked for that are alike and contiguous */
    uint64_t entry;  /* of the first cluster, as on disk */
    uint64_t bitmap; /* of subclusters: 32 allocated, above them 32 zero */
    bool has_host;   /* a cluster of the file belongs to it, whatever the kind */
    bool copied;     /* and nobody else has it */
    uint64_t host;   /* where the first byte lies, if it has_host */
} Qcow2Mapping;

int qcow2_map(Qcow2 *q, uint64_t offset, uint64_t size, Qcow2Mapping *mapping);
/* The L2 entry of `offset`, in a table that is ours alone. */
int qcow2_entry_for_write(Qcow2 *q, uint64_t offset, Qcow2Entry **entry, uint8_t **at);
int qcow2_l2_make(Qcow2 *q, uint64_t offset); /* so that the above finds one without allocating */
/* What an entry held is given back behind the next sync. */
void qcow2_entry_free(Qcow2 *q, uint64_t l2_entry, bool discard);
void qcow2_compressed_place(const Qcow2 *q, uint64_t l2_entry, uint64_t *offset, uint64_t *size);
bool qcow2_grow_l1(Qcow2 *q, uint64_t entries, GError **error);

/* ---- qcow2_io.c, qcow2_write.c, qcow2_zero.c, qcow2_compress.c: requests ---- */

int qcow2_read(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
/* Without claims of its own. */
int qcow2_read_claimed(Qcow2 *q, uint64_t offset, const struct iovec *iov, int n);
int qcow2_extent(BlockLayer *layer, uint64_t offset, uint64_t size, BlockExtent *extent);
int qcow2_write(BlockLayer *layer, uint64_t offset, const struct iovec *iov, int n);
int qcow2_write_zeroes(BlockLayer *layer, uint64_t offset, uint64_t size, bool unmap);
int qcow2_discard(BlockLayer *layer, uint64_t offset, uint64_t size);
int qcow2_drop(Qcow2 *q, uint64_t offset); /* all whole clusters from there on */
int qcow2_drop_range(Qcow2 *q, uint64_t offset, uint64_t end); /* whole clusters, anywhere */
int qcow2_vm_state_drop(Qcow2 *q); /* what lies behind the end of the disk */
int qcow2_read_compressed(Qcow2 *q, uint64_t entry, uint64_t in_cluster, const struct iovec *iov,
                          int n);
int qcow2_write_compressed(BlockLayer *layer, uint64_t offset, const void *data, uint64_t size);

/* ---- qcow2_check.c, qcow2_bitmap.c ---- */

bool qcow2_check(BlockLayer *layer, unsigned fix, BlockCheck *result, GError **error);
typedef struct Qcow2Bitmap {
    uint64_t at; /* of its entry in the directory */
    uint64_t table_offset;
    uint32_t table_entries, flags;
    unsigned granularity_bits;
    char *name;
} Qcow2Bitmap;

GArray *qcow2_bitmaps_read(Qcow2 *q); /* of Qcow2Bitmap; g_array_unref */
bool qcow2_bitmaps_place(const Qcow2 *q, uint64_t *offset, uint64_t *size, uint32_t *count);
/* The image changes and its dirty bitmaps do not: those that should have are marked so. */
int qcow2_bitmaps_leave(Qcow2 *q);

/* ---- qcow2_resize.c, qcow2_snapshot.c ---- */

bool qcow2_resize(BlockLayer *layer, uint64_t size, BlockPreallocation how, GError **error);
int qcow2_preallocate(Qcow2 *q, uint64_t from, uint64_t to, BlockPreallocation how);
bool qcow2_snapshots_read(Qcow2 *q, GError **error);
void qcow2_snapshots_free(GArray *snapshots);
int qcow2_snapshots_write(Qcow2 *q); /* a new table; the header says so on disk */

/* ---- qcow2_tree.c: an L1 table and all below it ---- */

int qcow2_table_read(Qcow2 *q, uint64_t offset, uint64_t entries,
                     uint64_t **table); /* host order */
int qcow2_tree_add(Qcow2 *q, const uint64_t *l1, uint64_t entries, int64_t delta);
/* "Ours alone" is said of what has a refcount of 1 and of nothing else. */
int qcow2_tree_flags(Qcow2 *q);

#endif
