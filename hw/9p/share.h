/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_9P_SHARE_H
#define HW_9P_SHARE_H
/* share.h - a folder of the host that a guest may use: -fsdev local.
 *
 * A ShareNode is a place in it, by the names that lead there from the root; files are opened anew
 * for every use, beneath the root and never through a symbolic link, so that nothing that the guest
 * or the host does in the folder leads out of it.  A place that the guest has moved keeps its node;
 * one that the guest has removed stays usable as long as the node is there (open, unlink, fstat).
 *
 * Who owns a file and what its mode is (ShareSecurity): the host's own, or, mapped, what the guest
 * has said, kept in extended attributes (user.virtfs.*) or beside the file (.virtfs_metadata/NAME),
 * in QEMU's forms.
 *
 * Functions return 0 or an errno. Descriptors are close-on-exec and the caller's. One thread. */
#include <dirent.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>

typedef struct Share Share;
typedef struct ShareNode ShareNode;

typedef enum ShareSecurity {
    SHARE_PASSTHROUGH,
    SHARE_NONE, /* the same, but what we may not change of owners is let be */
    SHARE_MAPPED_XATTR,
    SHARE_MAPPED_FILE,
} ShareSecurity;

typedef enum ShareMultidevs { /* several devices below the root: inode numbers may collide */
                              SHARE_DEVICES_WARN,
                              SHARE_DEVICES_REMAP,
                              SHARE_DEVICES_FORBID
} ShareMultidevs;

typedef struct ShareOptions {
    const char *path;
    ShareSecurity security;
    ShareMultidevs multidevs;
    bool readonly;
    bool writeout;       /* what is written goes to the disk soon */
    mode_t fmode, dmode; /* of new files and folders on the host, if mapped */
} ShareOptions;

enum { SHARE_FMODE = 0600, SHARE_DMODE = 0700, SHARE_NO_ID = -1 };

typedef struct ShareOwner { /* of what is made */
    uint32_t uid, gid;
    uint32_t mode; /* with the type, where there is a choice */
} ShareOwner;

Share *share_new(const ShareOptions *options, GError **error);
void share_free(Share *share); /* no nodes are left */
bool share_readonly(const Share *share);
bool share_writeout(const Share *share);
/* A number for a file that no other has. */
int share_file_number(Share *share, const struct stat *st, uint64_t *number);

/* ---- Places ---- */

ShareNode *share_root(Share *share); /* borrowed */
ShareNode *share_node_ref(ShareNode *node);
void share_node_unref(ShareNode *node);
bool share_is_root(const ShareNode *node);
ShareNode *share_parent(ShareNode *node); /* borrowed; the root's is the root; NULL: removed */
const char *share_name(const ShareNode *node);
/* The place of that name in a folder, and what is there. The caller has a reference. */
int share_walk(ShareNode *dir, const char *name, ShareNode **node, struct stat *st);

/* ---- What is there ---- */

int share_stat(ShareNode *node, struct stat *st);
/* The same of an open file; `node` is where it came from. */
int share_stat_open(ShareNode *node, int fd, struct stat *st);
int share_statfs(ShareNode *node, struct statfs *st);
int share_readlink(ShareNode *node, char **target); /* g_free */
/* Only regular files and folders can be opened: a device or a pipe is the guest's own affair. */
int share_open(ShareNode *node, int flags, int *fd);
/* What an entry of an open folder is, as far as share_file_number() and its type are concerned. */
int share_entry(ShareNode *dir, int fd, const struct dirent *entry, struct stat *st, uint8_t *type);
/* Is this a name that only we use? */
bool share_hides(const Share *share, const char *name);

int share_chmod(ShareNode *node, uint32_t mode);
int share_chown(ShareNode *node, uint32_t uid, uint32_t gid); /* SHARE_NO_ID: as it is */
int share_utimes(ShareNode *node, const struct timespec times[2]);
int share_truncate(ShareNode *node, uint64_t size);

/* ---- Changing folders ---- */

/* Opens, too; O_EXCL among the flags is obeyed. */
int share_create(ShareNode *dir, const char *name, int flags, const ShareOwner *owner, int *fd);
int share_mkdir(ShareNode *dir, const char *name, const ShareOwner *owner);
int share_mknod(ShareNode *dir, const char *name, const ShareOwner *owner, uint64_t rdev);
int share_symlink(ShareNode *dir, const char *name, const char *target, const ShareOwner *owner);
int share_link(ShareNode *node, ShareNode *dir, const char *name);
int share_rename(ShareNode *from, const char *old, ShareNode *to, const char *name);
int share_unlink(ShareNode *dir, const char *name, bool folder);

/* ---- Extended attributes ---- */

/* `value` is made, with its size. */
int share_get_xattr(ShareNode *node, const char *name, GByteArray **value);
int share_list_xattr(ShareNode *node, GByteArray **names); /* each with its NUL */
int share_set_xattr(ShareNode *node, const char *name, const GByteArray *value, int flags);
int share_remove_xattr(ShareNode *node, const char *name);

#endif
