/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench.h - what the files of the guest program share. */
#ifndef KERNELS_BENCH_H
#define KERNELS_BENCH_H

#include "kernel.h"

/* Of a clock that only goes forward. */
double seconds_now(void);

/* NULL if there is none of that name. */
const Kernel *kernel_find(const char *name);

/* Carries out the plan in the file, see plan.c; self is the path of this program. */
int plan_run(const char *self, const char *file);

#endif
