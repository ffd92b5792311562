/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_HOST_H
#define CHECK_HOST_H
/* host.h - the host CPU, for reports. */

/* Vendor, family, model, stepping and brand in one line. Caller frees. */
char *host_cpu_text(void);

#endif
