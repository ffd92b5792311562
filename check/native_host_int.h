/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_NATIVE_HOST_INT_H
#define CHECK_NATIVE_HOST_INT_H
/* native_host_int.h - between native_host.c, native_child.c and native_enter.S; read by the
 * assembler too.
 *
 * The control page is mapped at a fixed low address in the child, so that code without a free
 * register reaches it. */
#define CONTROL_PAGE   0x3b5c7000
#define CONTROL_RSP    (CONTROL_PAGE + 0x00) /* of the child, while a test runs */
#define CONTROL_START  (CONTROL_PAGE + 0x08) /* NativeStart * */
#define CONTROL_END    (CONTROL_PAGE + 0x10) /* NativeEnd * */
#define CONTROL_LEAVE  (CONTROL_PAGE + 0x18) /* where tests leave to: offset, selector */
#define CONTROL_ENTER  (CONTROL_PAGE + 0x28) /* where they begin: offset, selector */
#define CONTROL_INSIDE (CONTROL_PAGE + 0x38) /* a test is running */
#define CONTROL_FLAGS  (CONTROL_PAGE + 0x40)
#define CONTROL_THUNK                                                                              \
    (CONTROL_PAGE + 0x80) /* code: from 32-bit and 16-bit code back to 64-bit code */

#define STACK16 0x17 /* selector: HOST_DATA16 */

#define START_GPR    832
#define START_RFLAGS (832 + 128)
#define END_GPR      832
#define END_RFLAGS   (832 + 128)

#ifndef __ASSEMBLER__
#include "check/native.h"

/* What parent and child share. */
typedef struct NativeShared {
    NativeStart start[NATIVE_BATCH];
    NativeEnd end[NATIVE_BATCH];
    NativeImage image;
    volatile uint32_t current; /* test that the child is in */
} NativeShared;

/* Makes the segments of 32-bit or 16-bit tests in the LDT. */
bool native_segments_make(Isa isa);

/* The child's whole life: reads a number of tests from `in`, runs them, writes a byte to `out`. */
_Noreturn void native_child(Isa isa, NativeShared *shared, int code_fd, int in, int out);

/* native_enter.S: run the test at CONTROL_ENTER; return behind it or after native_abort. */
void native_enter64(void);
void native_enter32(void);
void native_enter16(void);
extern const char native_leave[], native_abort[];
#endif

#endif
