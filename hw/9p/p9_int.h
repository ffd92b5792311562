/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_9P_P9_INT_H
#define HW_9P_P9_INT_H
/* p9_int.h - the server from the inside: a request, its fields, fids, and work that is done by
 * threads. */
#include <dirent.h>
#include "hw/9p/p9.h"

enum { /* messages (the answer is one more) */
       P9_RLERROR = 7,
       P9_TSTATFS = 8,
       P9_TLOPEN = 12,
       P9_TLCREATE = 14,
       P9_TSYMLINK = 16,
       P9_TMKNOD = 18,
       P9_TRENAME = 20,
       P9_TREADLINK = 22,
       P9_TGETATTR = 24,
       P9_TSETATTR = 26,
       P9_TXATTRWALK = 30,
       P9_TXATTRCREATE = 32,
       P9_TREADDIR = 40,
       P9_TFSYNC = 50,
       P9_TLOCK = 52,
       P9_TGETLOCK = 54,
       P9_TLINK = 70,
       P9_TMKDIR = 72,
       P9_TRENAMEAT = 74,
       P9_TUNLINKAT = 76,
       P9_TVERSION = 100,
       P9_TAUTH = 102,
       P9_TATTACH = 104,
       P9_TFLUSH = 108,
       P9_TWALK = 110,
       P9_TREAD = 116,
       P9_TWRITE = 118,
       P9_TCLUNK = 120,
       P9_TREMOVE = 122,
       P9_TYPES = 128,
};
enum { P9_QID_DIR = 0x80, P9_QID_SYMLINK = 0x02 };
enum {
    P9_MSIZE_MIN = 4096,
    P9_MSIZE_MAX = 1 << 20,
    P9_MSIZE_FIRST = 8192, /* before Tversion */
    P9_IO_HEADER = 24,     /* what msize leaves for data, and a little */
    P9_DATA_AT = 11,       /* of Rread and Rreaddir */
    P9_WALK_MAX = 16,
    P9_FIDS_MAX = 1 << 18,
    P9_XATTR_MAX = 65536,            /* an attribute */
    P9_XATTRS_MAX = 8 << 20,         /* all that fids hold */
    P9_WRITE_HEADER = P9_HEADER + 16 /* of Twrite, before its data */
};
enum { P9_LATER = -1 /* of handlers: a thread works on it */, P9_DROPPED = -2 };

typedef struct P9File { /* open; shared with the threads */
    gint refs;
    int fd;
    DIR *dir; /* of folders: has the descriptor */
} P9File;

typedef struct P9Xattr {
    GByteArray *value;
    char *name; /* to be set when the fid goes; NULL: it is only read */
    uint32_t size;
    int flags;
} P9Xattr;

typedef struct P9Fid {
    uint32_t id, uid;
    ShareNode *node;
    P9File *file;   /* NULL: not open */
    P9Xattr *xattr; /* NULL: it is none */
} P9Fid;

struct P9Server {
    Share *share;
    PhysMap *map;
    uint32_t msize;
    bool attached;             /* a version was agreed upon */
    GHashTable *fids;          /* id to P9Fid */
    uint32_t xattrs;           /* bytes */
    uint32_t opens, opens_max; /* fids that are open: half of what the process may have */
    GQueue later;              /* of P9Request that threads work on */
    GThreadPool *pool;         /* made when it is needed */
    GSource *source;
    GMutex mutex; /* of what follows */
    GCond idle;
    unsigned working;
    GQueue finished; /* of P9Request */
};

typedef struct P9Request P9Request;
struct P9Request {
    P9Server *server;
    P9Call *call;
    uint8_t type;
    uint16_t tag;
    uint8_t *body; /* behind the header; of Twrite without the data */
    size_t size, at;
    int error;          /* of the fields so far */
    GPtrArray *strings; /* that fields were */
    GByteArray *reply;  /* behind the header */
    uint32_t data_size; /* that lies behind `reply` already */
    GSList *flushes;    /* of P9Request: answered behind this one */
    /* What a thread does. */
    ssize_t (*work)(P9Request *request); /* bytes, or -errno */
    P9File *file;
    uint64_t offset;
    struct iovec *iov;
    unsigned n_iov;
    ssize_t result;
};

/* ---- p9_wire.c: fields; what is missing or wrong is in request->error ---- */

uint8_t p9_get8(P9Request *request);
uint16_t p9_get16(P9Request *request);
uint32_t p9_get32(P9Request *request);
uint64_t p9_get64(P9Request *request);
const char *p9_get_string(P9Request *request); /* good as long as the request */
P9Fid *p9_get_fid(P9Request *request);         /* NULL: error */
/* The next field names a fid of a place, not of an attribute. */
P9Fid *p9_get_place(P9Request *request);

void p9_put8(P9Request *request, uint8_t value);
void p9_put16(P9Request *request, uint16_t value);
void p9_put32(P9Request *request, uint32_t value);
void p9_put64(P9Request *request, uint64_t value);
void p9_put_string(P9Request *request, const char *text);
int p9_put_qid(P9Request *request, const struct stat *st);
uint32_t p9_io_unit(const P9Server *server, const struct stat *st);

/* ---- p9_fid.c ---- */

P9Fid *p9_fid_find(const P9Server *server, uint32_t id);
/* Takes the reference of the node. NULL: `error` is why. */
P9Fid *p9_fid_new(P9Server *server, uint32_t id, uint32_t uid, ShareNode *node, int *error);
/* An errno of what was still to be done. */
int p9_fid_clunk(P9Server *server, P9Fid *fid);
void p9_fids_clear(P9Server *server);
P9File *p9_file_new(int fd);
P9File *p9_file_ref(P9File *file);
void p9_file_unref(P9File *file);
bool p9_xattr_room(P9Server *server, uint32_t bytes);

/* ---- p9.c ---- */

void p9_request_end(P9Request *request, int error);

/* ---- p9_work.c ---- */

/* request->work is run by a thread, then p9_request_end. P9_LATER. */
int p9_work_start(P9Request *request);
/* Until no thread works; what they have done is answered (or dropped, with `drop`). */
void p9_work_wait(P9Server *server, bool drop);
void p9_work_init(P9Server *server);
void p9_work_clear(P9Server *server);

/* ---- Messages: 0, an errno, or P9_LATER ---- */

typedef int P9Handler(P9Request *request);
P9Handler p9_version, p9_attach, p9_walk, p9_clunk, p9_flush;                  /* p9_session.c */
P9Handler p9_lopen, p9_lcreate, p9_read, p9_write, p9_readdir, p9_fsync;       /* p9_file.c */
P9Handler p9_getattr, p9_setattr, p9_statfs, p9_readlink, p9_lock, p9_getlock; /* p9_attr.c */
P9Handler p9_mkdir, p9_mknod, p9_symlink, p9_link, p9_rename, p9_renameat, p9_unlinkat,
    p9_remove;                          /* p9_folder.c */
P9Handler p9_xattrwalk, p9_xattrcreate; /* p9_xattr.c */
int p9_xattr_read(P9Request *request, const P9Fid *fid, uint64_t offset, uint32_t count);
int p9_xattr_write(P9Request *request, P9Fid *fid, uint64_t offset, uint32_t count);

#endif
