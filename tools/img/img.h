/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_IMG_IMG_H
#define TOOLS_IMG_IMG_H
/* img.h - what the commands of doppel-img share.
 *
 * A command returns the exit status. Words, output and exit status are qemu-img's; errors are
 * printed where they are found, once. */
#include <getopt.h>
#include "hw/block/image.h"

typedef int ImgCommand(int argc, char **argv); /* argv[0]: the command */
ImgCommand img_amend, img_bench, img_bitmap, img_check, img_commit, img_compare, img_convert,
    img_create, img_dd, img_info, img_map, img_measure, img_rebase, img_resize, img_snapshot;

/* What nearly all commands take. */
typedef struct ImgOptions {
    const char *format, *cache, *source_cache, *output;
    bool image_opts, quiet, progress, share, json;
} ImgOptions;

/* Long options without a letter. */
enum {
    OPT_OUTPUT = 256,
    OPT_BACKING_CHAIN,
    OPT_OBJECT,
    OPT_IMAGE_OPTS,
    OPT_PREALLOCATION,
    OPT_SHRINK,
    OPT_SIZE,
    OPT_START_OFFSET,
    OPT_MAX_LENGTH,
    OPT_TARGET_IMAGE_OPTS,
    OPT_TARGET_IS_ZERO,
    OPT_SALVAGE,
    OPT_BITMAPS,
    OPT_FORCE,
    OPT_PATTERN,
    OPT_FLUSH_INTERVAL,
    OPT_NO_DRAIN,
    OPT_ADD,
    OPT_REMOVE,
    OPT_CLEAR,
    OPT_ENABLE,
    OPT_DISABLE,
    OPT_MERGE,
};

#define IMG_LONG_COMMON                                                                            \
    { "output", required_argument, NULL, OPT_OUTPUT },                                             \
        { "object", required_argument, NULL, OPT_OBJECT },                                         \
        { "image-opts", no_argument, NULL, OPT_IMAGE_OPTS },                                       \
        { "force-share", no_argument, NULL, 'U' },                                                 \
    {                                                                                              \
        "help", no_argument, NULL, 'h'                                                             \
    }

/* Takes the option if it is one that all have; false: it is not, or wrong: -1 is to be returned. */
bool img_option(int option, ImgOptions *options, bool *failed);
/* For '?' and ':' and what does not fit: says so and gives 1. */
int img_usage(const char *format, ...) G_GNUC_PRINTF(1, 2);
int img_fail(const char *format, ...) G_GNUC_PRINTF(1, 2); /* one line; gives 1 */
int img_fail_error(GError *error, const char *format, ...) G_GNUC_PRINTF(2, 3); /* frees it */
void img_say(const ImgOptions *options, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* NULL: the reason has been printed. */
BlockLayer *img_open(BlockGraph *graph, const ImgOptions *options, const char *filename,
                     unsigned flags);
/* Flags of a cache mode; false: it is none, as has been printed. */
bool img_cache_flags(const char *cache, unsigned *flags);
/* Closes; what fails then has been printed. The graph goes, too. */
int img_close(BlockGraph *graph, BlockLayer *layer, bool written, int status);

/* "10M"; false without a word. */
bool img_size(const char *text, uint64_t *size);
bool img_size_or_say(const char *text, uint64_t *size);
/* `-o` of create, convert, measure, amend; the strings live in `strings`. */
typedef struct ImgCreate {
    BlockCreate create;
    bool has_size, has_compat;
    GPtrArray *strings;
} ImgCreate;
bool img_create_parse(ImgCreate *create, const char *format, const char *text, GError **error);
void img_create_clear(ImgCreate *create);
void img_create_help(const char *format);

/* "10 MiB". */
char *img_size_words(uint64_t size);
void img_snapshots_print(BlockLayer *layer);
void img_json_print(JsonNode *node); /* taken over */

void img_progress(const ImgOptions *options, uint64_t done, uint64_t all);

#endif
