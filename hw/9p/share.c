/* SPDX-License-Identifier: GPL-2.0-or-later */
/* share.c - the share and the tree of places that are in use. */
#include "hw/9p/share_int.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Nodes ---- */

static ShareNode *node_new(Share *share, ShareNode *parent, const char *name)
{
    ShareNode *node = g_new0(ShareNode, 1);

    node->share = share;
    node->parent = parent != NULL ? share_node_ref(parent) : NULL;
    node->name = g_strdup(name);
    node->refs = 1;
    node->held = -1;
    return node;
}

static void parent_enter(ShareNode *node)
{
    ShareNode *parent = node->parent;

    if (parent->children == NULL) {
        parent->children = g_hash_table_new(g_str_hash, g_str_equal);
    }
    g_hash_table_insert(parent->children, node->name, node);
}

/* The parent's reference is the caller's to give up. */
static ShareNode *parent_leave(ShareNode *node)
{
    ShareNode *parent = node->parent;

    node->parent = NULL;
    g_hash_table_remove(parent->children, node->name);
    if (g_hash_table_size(parent->children) == 0) {
        g_clear_pointer(&parent->children, g_hash_table_unref);
    }
    return parent;
}

ShareNode *share_node_ref(ShareNode *node)
{
    node->refs++;
    return node;
}

void share_node_unref(ShareNode *node)
{
    while (node != NULL && --node->refs == 0) {
        ShareNode *parent = node->parent != NULL ? parent_leave(node) : NULL;

        if (node->held >= 0) {
            close(node->held);
            node->share->held--;
        }
        g_free(node->name);
        g_free(node);
        node = parent;
    }
}

ShareNode *share_node_known(ShareNode *dir, const char *name)
{
    return dir->children != NULL ? g_hash_table_lookup(dir->children, name) : NULL;
}

ShareNode *share_node_child(ShareNode *dir, const char *name)
{
    ShareNode *node = share_node_known(dir, name);

    if (node != NULL) {
        return share_node_ref(node);
    }
    node = node_new(dir->share, dir, name);
    parent_enter(node);
    return node;
}

void share_node_hold(ShareNode *node)
{
    Share *share = node->share;

    if (node->held >= 0 || share->held >= SHARE_HELD_MAX) {
        return;
    }
    node->held = share_node_fd(node);
    if (node->held < 0) {
        node->held = -1;
        return;
    }
    share->held++;
}

void share_node_unhold(ShareNode *node)
{
    if (node->held >= 0 && node->parent != NULL) {
        close(node->held);
        node->held = -1;
        node->share->held--;
    }
}

void share_node_detach(ShareNode *node)
{
    if (node->parent != NULL) {
        share_node_unref(parent_leave(node));
    }
}

void share_node_move(ShareNode *node, ShareNode *dir, const char *name)
{
    ShareNode *before = parent_leave(node);

    g_free(node->name);
    node->name = g_strdup(name);
    node->parent = share_node_ref(dir);
    parent_enter(node);
    share_node_unref(before);
}

ShareNode *share_root(Share *share)
{
    return share->root;
}

bool share_is_root(const ShareNode *node)
{
    return node == node->share->root;
}

ShareNode *share_parent(ShareNode *node)
{
    return share_is_root(node) ? node : node->parent;
}

const char *share_name(const ShareNode *node)
{
    return node->name;
}

/* ---- Numbers of files ---- */

/* The upper 16 bits of a file's number stand for its device and the upper bits of its inode's; 0 is
 * the root's device, so that numbers there are those of the host. */
enum { NUMBER_BITS = 48, PREFIXES_MAX = 1 << 16 };

typedef struct ShareNumber {
    uint64_t dev, high;
} ShareNumber;

static guint number_hash(gconstpointer key)
{
    const ShareNumber *number = key;

    return (guint)(number->dev * 31 + number->high);
}

static gboolean number_equal(gconstpointer one, gconstpointer other)
{
    return memcmp(one, other, sizeof(ShareNumber)) == 0;
}

static int number_remapped(Share *share, const struct stat *st, uint64_t *number)
{
    const ShareNumber key = { st->st_dev, st->st_ino >> NUMBER_BITS };
    gpointer index;

    if (!g_hash_table_lookup_extended(share->prefixes, &key, NULL, &index)) {
        guint next = g_hash_table_size(share->prefixes);

        if (next >= PREFIXES_MAX) {
            return ENFILE;
        }
        index = GUINT_TO_POINTER(next);
        g_hash_table_insert(share->prefixes, g_memdup2(&key, sizeof(key)), index);
    }
    *number = (st->st_ino & ((UINT64_C(1) << NUMBER_BITS) - 1)) | (uint64_t)GPOINTER_TO_UINT(index)
                                                                      << NUMBER_BITS;
    return 0;
}

int share_file_number(Share *share, const struct stat *st, uint64_t *number)
{
    *number = st->st_ino;
    if (share->options.multidevs == SHARE_DEVICES_REMAP) {
        return number_remapped(share, st, number);
    }
    if (st->st_dev == share->root_dev) {
        return 0;
    }
    if (!share->warned) {
        share->warned = true;
        fprintf(stderr,
                "doppel: warning: 9p: there is more than one device in %s; %s (see multidevs=)\r\n",
                share->options.path,
                share->options.multidevs == SHARE_DEVICES_FORBID
                    ? "what is on the others cannot be used"
                    : "the guest may take different files for one");
    }
    return share->options.multidevs == SHARE_DEVICES_FORBID ? ENODEV : 0;
}

/* ---- The share ---- */

bool share_readonly(const Share *share)
{
    return share->options.readonly;
}

bool share_writeout(const Share *share)
{
    return share->options.writeout;
}

Share *share_new(const ShareOptions *options, GError **error)
{
    int fd = open(options->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;
    Share *share;

    if (fd < 0 || fstat(fd, &st) != 0) {
        int code = errno;

        g_set_error(error, G_IO_ERROR, (gint)g_io_error_from_errno(code),
                    "cannot open folder '%s': %s", options->path, g_strerror(code));
        return NULL;
    }
    share = g_new0(Share, 1);
    share->options = *options;
    share->options.path = g_strdup(options->path);
    share->root_dev = st.st_dev;
    share->prefixes = g_hash_table_new_full(number_hash, number_equal, g_free, NULL);
    number_remapped(share, &(struct stat){ .st_dev = st.st_dev }, &(uint64_t){ 0 });
    share->root = node_new(share, NULL, "");
    share->root->held = fd;
    share->held = 1;
    return share;
}

void share_free(Share *share)
{
    if (share == NULL) {
        return;
    }
    share_node_unref(share->root);
    g_hash_table_unref(share->prefixes);
    g_free((char *)(uintptr_t)share->options.path);
    g_free(share);
}
