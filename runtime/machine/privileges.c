/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/machine/options.h"

typedef struct Identity {
    uid_t uid;
    gid_t gid;
    char *name; /* NULL: numbers alone */
} Identity;

static bool fail(GError **error, const char *option, const char *value, const char *what)
{
    g_set_error(error, OPTIONS_ERROR, OPTIONS_ERROR_VALUE, "%s %s: %s", option, value, what);
    return false;
}

/* Looked up before -chroot hides the list of users. */
static bool identity_find(const char *user, Identity *identity, GError **error)
{
    const struct passwd *entry = getpwnam(user);
    unsigned uid, gid;
    int used = -1;

    if (entry != NULL) {
        *identity = (Identity){ entry->pw_uid, entry->pw_gid, g_strdup(entry->pw_name) };
        return true;
    }
    if (sscanf(user, "%9u:%9u%n", &uid, &gid, &used) == 2 && user[used] == '\0') {
        *identity = (Identity){ uid, gid, NULL };
        return true;
    }
    return fail(error, "-runas", user, "User doesn't exist (and is not UID:GID)");
}

static bool identity_take(const Identity *identity, const char *user, GError **error)
{
    int groups = identity->name != NULL ? initgroups(identity->name, identity->gid)
                                        : setgroups(1, &identity->gid);

    if (groups != 0 || setgid(identity->gid) != 0 || setuid(identity->uid) != 0) {
        return fail(error, "-runas", user, g_strerror(errno));
    }
    if (identity->uid != 0 && setuid(0) != -1) {
        return fail(error, "-runas", user, "Dropping privileges failed");
    }
    return true;
}

bool privileges_drop(const char *folder, const char *user, GError **error)
{
    Identity identity = { 0 };
    bool good;

    if (user != NULL && !identity_find(user, &identity, error)) {
        return false;
    }
    good = folder == NULL || (chroot(folder) == 0 && chdir("/") == 0) ||
           fail(error, "-chroot", folder, g_strerror(errno));
    good = good && (user == NULL || identity_take(&identity, user, error));
    g_free(identity.name);
    return good;
}
