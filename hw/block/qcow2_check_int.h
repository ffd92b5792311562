/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_BLOCK_QCOW2_CHECK_INT_H
#define HW_BLOCK_QCOW2_CHECK_INT_H
/* qcow2_check_int.h - a check of an image while it runs. */
#include "hw/block/qcow2_int.h"

typedef struct Check {
    Qcow2 *q;
    unsigned fix;
    BlockCheck *result;
    uint32_t *counts; /* references found, a cluster */
    uint64_t clusters;
    uint64_t flags_wrong;
    bool rebuild; /* the refcounts' own structure is damaged */
} Check;

/* qcow2_check.c */
void check_count(Check *check, uint64_t offset, uint64_t size);
void check_walk(Check *check);

/* qcow2_repair.c */
bool check_mend_count(Check *check, uint64_t cluster, uint64_t count);
int check_repair(Check *check); /* what `fix` asks for; 0 or an errno */

/* qcow2_bitmap.c */
void qcow2_bitmaps_count(Qcow2 *q, Check *check);

#endif
