/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_9P_SHARE_INT_H
#define HW_9P_SHARE_INT_H
/* share_int.h - nodes from the inside, and what the guest has said of files. */
#include "hw/9p/share.h"

enum { SHARE_HELD_MAX = 1024 }; /* removed files that are kept */

struct ShareNode {
    Share *share;
    ShareNode *parent; /* NULL: the root, or no name leads here any more */
    char *name;
    unsigned refs;
    GHashTable *children; /* name to node, borrowed; NULL: none */
    int held;             /* O_PATH descriptor of the root, or of what was removed; -1 */
};

struct Share {
    ShareOptions options; /* its path is ours */
    ShareNode *root;
    unsigned held;        /* nodes with a descriptor of their own */
    bool no_openat2;      /* the kernel has none */
    bool warned;          /* of several devices */
    GHashTable *prefixes; /* ShareNumber to its index in file numbers */
    uint64_t root_dev;
};

/* ---- share_path.c ---- */

/* O_PATH descriptor of what is there, a symbolic link being itself; or -errno. */
int share_node_fd(const ShareNode *node);
/* "/proc/self/fd/N", for calls that do not take an O_PATH descriptor. */
typedef struct FdPath {
    char text[32];
} FdPath;
FdPath share_fd_path(int fd);
bool share_name_good(const Share *share, const char *name);

/* ---- share.c ---- */

/* The node of that name, made if there is none; a reference. */
ShareNode *share_node_child(ShareNode *dir, const char *name);
/* NULL: nobody has one. Borrowed. */
ShareNode *share_node_known(ShareNode *dir, const char *name);
/* Before and after a name goes: the node keeps hold of the file, and loses the name. */
void share_node_hold(ShareNode *node);
void share_node_detach(ShareNode *node);
void share_node_unhold(ShareNode *node); /* the name has stayed */
void share_node_move(ShareNode *node, ShareNode *dir, const char *name);

/* ---- share_mapped.c: only of mapped shares ---- */

enum { MAPPED_UID = 1, MAPPED_GID = 2, MAPPED_MODE = 4, MAPPED_RDEV = 8 };

typedef struct Mapped {
    unsigned has; /* MAPPED_* */
    uint32_t uid, gid, mode;
    uint64_t rdev;
} Mapped;

bool share_mapped(const Share *share);
/* `fd`: of the node, open in any way. What is not there is not an error. */
void share_mapped_get(const ShareNode *node, int fd, Mapped *mapped);
int share_mapped_set(const ShareNode *node, int fd, const Mapped *mapped);
/* What lies beside files moves and goes with them. */
void share_mapped_renamed(int from, const char *old, int to, const char *name, const Share *share);
void share_mapped_unlinked(int dir, const char *name, const Share *share);
void share_mapped_linked(const ShareNode *node, int to, const char *name);
/* Removes the folder of such files from a folder that is to be removed. */
void share_mapped_empty(int dir, const char *name, const Share *share);

#endif
