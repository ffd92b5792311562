/* SPDX-License-Identifier: GPL-2.0-or-later */
/* list.c - `doppel-nbd --list`: what another server exports, by libnbd. */
#include "tools/nbd/nbd.h"

#include <libnbd.h>
#include <stdio.h>
#include <string.h>

static int name_each(void *opaque, const char *name, const char *description)
{
    GPtrArray *names = opaque;

    g_ptr_array_add(names, g_strdup(name));
    g_ptr_array_add(names, g_strdup(description));
    return 0;
}

static int context_each(void *opaque, const char *name)
{
    g_ptr_array_add(opaque, g_strdup(name));
    return 0;
}

static char *server_uri(const NbdOptions *options)
{
    if (options->path != NULL) {
        g_autofree char *escaped = g_uri_escape_string(options->path, "/", FALSE);

        return g_strdup_printf("nbd+unix://?socket=%s", escaped);
    }
    return g_strdup_printf("nbd://%s:%s", options->bind != NULL ? options->bind : "127.0.0.1",
                           options->port != NULL ? options->port : "10809");
}

static struct nbd_handle *server_connect(const char *uri)
{
    struct nbd_handle *nbd = nbd_create();

    if (nbd != NULL && nbd_set_uri_allow_local_file(nbd, true) == 0 &&
        nbd_set_opt_mode(nbd, true) == 0 && nbd_set_full_info(nbd, true) == 0 &&
        nbd_connect_uri(nbd, uri) == 0) {
        return nbd;
    }
    nbd_fail("Failed to connect: %s", nbd_get_error());
    nbd_close(nbd);
    return NULL;
}

static void print_flags(struct nbd_handle *nbd)
{
    const struct {
        const char *word;
        unsigned flag;
        int has;
    } rows[] = {
        { "readonly", 2, nbd_is_read_only(nbd) }, { "flush", 4, nbd_can_flush(nbd) },
        { "fua", 8, nbd_can_fua(nbd) },           { "rotational", 16, nbd_is_rotational(nbd) },
        { "trim", 32, nbd_can_trim(nbd) },        { "zeroes", 64, nbd_can_zero(nbd) },
        { "df", 128, nbd_can_df(nbd) },           { "multi", 256, nbd_can_multi_conn(nbd) },
        { "cache", 1024, nbd_can_cache(nbd) },    { "fast-zero", 2048, nbd_can_fast_zero(nbd) },
    };
    unsigned flags = 1;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        flags |= rows[i].has == 1 ? rows[i].flag : 0;
    }
    printf("  flags: 0x%x (", flags);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (flags & rows[i].flag) {
            printf(" %s", rows[i].word);
        }
    }
    printf(" )\n");
}

static void print_export(struct nbd_handle *nbd, const char *name, const char *description)
{
    g_autoptr(GPtrArray) contexts = g_ptr_array_new_with_free_func(g_free);
    nbd_context_callback each = { .callback = context_each, .user_data = contexts };

    printf(" export: '%s'\n", name);
    if (description != NULL && *description != '\0') {
        printf("  description: %s\n", description);
    }
    if (nbd_set_export_name(nbd, name) != 0 || nbd_opt_info(nbd) != 0) {
        return;
    }
    printf("  size:  %" PRId64 "\n", nbd_get_size(nbd));
    print_flags(nbd);
    if (nbd_get_block_size(nbd, LIBNBD_SIZE_MINIMUM) > 0) {
        printf("  min block: %" PRId64 "\n", nbd_get_block_size(nbd, LIBNBD_SIZE_MINIMUM));
        printf("  opt block: %" PRId64 "\n", nbd_get_block_size(nbd, LIBNBD_SIZE_PREFERRED));
        printf("  max block: %" PRId64 "\n", nbd_get_block_size(nbd, LIBNBD_SIZE_MAXIMUM));
    }
    if (nbd_opt_list_meta_context(nbd, each) > 0) {
        printf("  available meta contexts: %u\n", contexts->len);
        for (guint i = 0; i < contexts->len; i++) {
            printf("   %s\n", (const char *)g_ptr_array_index(contexts, i));
        }
    }
}

int nbd_list(const NbdOptions *options)
{
    g_autofree char *uri = server_uri(options);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    nbd_list_callback each = { .callback = name_each, .user_data = names };
    struct nbd_handle *nbd = server_connect(uri);

    if (nbd == NULL) {
        return 1;
    }
    if (nbd_opt_list(nbd, each) < 0) {
        nbd_fail("Failed to list exports: %s", nbd_get_error());
        nbd_close(nbd);
        return 1;
    }
    printf("exports available: %u\n", names->len / 2);
    for (guint i = 0; i < names->len; i += 2) {
        print_export(nbd, g_ptr_array_index(names, i), g_ptr_array_index(names, i + 1));
    }
    nbd_opt_abort(nbd);
    nbd_close(nbd);
    return 0;
}
