/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_MONITOR_HMP_INT_H
#define RUNTIME_MACHINE_MONITOR_HMP_INT_H
/* hmp_int.h - the human monitor's files among themselves. */
#include "runtime/machine/monitor/monitor_int.h"

/* Is the word one of "cont|c"? */
bool hmp_name_is(const char *names, const char *word, size_t n);

/* Registers in expressions; `opaque` is the call. */
bool hmp_register(void *opaque, const char *name, uint64_t *value);

#endif
