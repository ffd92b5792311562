/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_NATIVE_COMPARE_H
#define CHECK_NATIVE_COMPARE_H
/* native_compare.h - two ends of one test. */
#include <glib.h>
#include "check/native.h"

/* Do they agree in all that is defined? `text`: NULL, or where to say how they do not. */
bool native_compare(Isa isa, const NativeTest *test, const NativeEnd *host, const NativeEnd *guest,
                    GString *text);

/* The reason why the test may end so on some CPUs and otherwise on others; NULL: none is known. */
const char *native_excuse(Isa isa, const NativeTest *test, const NativeEnd *host,
                          const NativeEnd *guest);

#endif
