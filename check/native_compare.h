/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_NATIVE_COMPARE_H
#define CHECK_NATIVE_COMPARE_H
/* native_compare.h - two ends of one test. */
#include <glib.h>
#include "check/native.h"

enum { /* what differs */
       DIFFERS_EXCEPTION = 1,
       DIFFERS_ERROR = 2,
       DIFFERS_ADDRESS = 4,
       DIFFERS_RIP = 8,
       DIFFERS_GPR = 16,
       DIFFERS_STATE = 32, /* flags and vector registers */
       DIFFERS_MEMORY = 64,
       DIFFERS_FAULT = DIFFERS_EXCEPTION | DIFFERS_ERROR | DIFFERS_ADDRESS,
       DIFFERS_ANY = DIFFERS_FAULT | DIFFERS_RIP | DIFFERS_GPR | DIFFERS_STATE | DIFFERS_MEMORY
};

/* All that is defined and differs; 0: they agree. `text` as below. */
unsigned native_differences(Isa isa, const NativeEnd *host, const NativeEnd *guest, GString *text);

/* Do they agree in all that is defined? `text`: NULL, or where to say how they do not. */
bool native_compare(Isa isa, const NativeEnd *host, const NativeEnd *guest, GString *text);

/* native_excuse.c: the reason why the test may end so on some CPUs and otherwise on others; NULL:
 * none is known. */
const char *native_excuse(Isa isa, const NativeTest *test, const NativeEnd *host,
                          const NativeEnd *guest);

#endif
