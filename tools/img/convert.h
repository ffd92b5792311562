/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_IMG_CONVERT_H
#define TOOLS_IMG_CONVERT_H
/* convert.h - one conversion: sources, which are one behind the other, to a target. */
#include "tools/img/img.h"

typedef struct Convert {
    ImgOptions options;
    ImgCreate image;
    GPtrArray *lists; /* of -o */
    const char *format, *backing, *backing_format, *snapshot;
    bool has_format, compress, any_order, into_existing, target_is_zero, target_image_opts, salvage;
    bool sparse_off;  /* -S 0: zeros are written */
    uint32_t sparse;  /* bytes of zeros that are worth a hole */
    unsigned workers; /* 0: as many as are of use */
    BlockGraph *graph;
    GPtrArray *sources; /* of BlockLayer */
    BlockLayer *target;
    uint64_t size; /* of all sources */
} Convert;

bool convert_copy(Convert *convert);

#endif
