/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/fdset.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/machine/options.h"

#define FDSET_FOLDER "/dev/fdset/"

typedef struct FdOfSet {
    int64_t set;
    int fd;
    char *opaque;
} FdOfSet;

struct FdSets {
    GArray *list; /* of FdOfSet, ordered by set */
};

static void fd_clear(gpointer element)
{
    FdOfSet *entry = element;

    close(entry->fd);
    g_free(entry->opaque);
}

FdSets *fdsets_new(void)
{
    FdSets *sets = g_new0(FdSets, 1);

    sets->list = g_array_new(FALSE, TRUE, sizeof(FdOfSet));
    g_array_set_clear_func(sets->list, fd_clear);
    return sets;
}

void fdsets_free(FdSets *sets)
{
    g_array_free(sets->list, TRUE);
    g_free(sets);
}

static const FdOfSet *entry_at(const FdSets *sets, guint i)
{
    return &g_array_index(sets->list, FdOfSet, i);
}

int64_t fdsets_add(FdSets *sets, int64_t set, int fd, const char *opaque, GError **error)
{
    FdOfSet entry = { set, fd, NULL };
    guint at = 0;

    if (set < -1) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE,
                    "Parameter 'fdset-id' expects a non-negative value");
        return -1;
    }
    if (set == -1) { /* the list is in order: the first gap */
        entry.set = 0;
        for (guint i = 0; i < sets->list->len; i++) {
            entry.set += entry_at(sets, i)->set == entry.set;
        }
    }
    while (at < sets->list->len && entry_at(sets, at)->set <= entry.set) {
        at++;
    }
    entry.opaque = g_strdup(opaque);
    g_array_insert_val(sets->list, at, entry);
    return entry.set;
}

bool fdsets_remove(FdSets *sets, int64_t set, int fd, GError **error)
{
    bool found = false;

    for (guint i = sets->list->len; i > 0; i--) {
        const FdOfSet *entry = entry_at(sets, i - 1);

        if (entry->set == set && (fd < 0 || entry->fd == fd)) {
            g_array_remove_index(sets->list, i - 1);
            found = true;
        }
    }
    if (!found) {
        g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE,
                    "File descriptor named 'fdset-id:%" G_GINT64_FORMAT "' not found", set);
    }
    return found;
}

void fdsets_each(const FdSets *sets, FdSetEach *each, void *user)
{
    for (guint i = 0; i < sets->list->len; i++) {
        const FdOfSet *entry = entry_at(sets, i);

        each(user, entry->set, entry->fd, entry->opaque);
    }
}

char *fdsets_path(const FdSets *sets, const char *path, bool writable, GError **error)
{
    uint64_t set;

    if (!g_str_has_prefix(path, FDSET_FOLDER)) {
        return g_strdup(path);
    }
    if (number_parse(path + strlen(FDSET_FOLDER), INT64_MAX, &set)) {
        for (guint i = 0; i < sets->list->len; i++) {
            const FdOfSet *entry = entry_at(sets, i);
            int mode = fcntl(entry->fd, F_GETFL) & O_ACCMODE;

            if (entry->set == (int64_t)set &&
                (mode == O_RDWR || mode == (writable ? O_WRONLY : O_RDONLY))) {
                return g_strdup_printf("/proc/self/fd/%d", entry->fd);
            }
        }
    }
    g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "%s: no such set of file descriptors",
                path);
    return NULL;
}
