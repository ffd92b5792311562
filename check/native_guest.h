/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_NATIVE_GUEST_H
#define CHECK_NATIVE_GUEST_H
/* native_guest.h - tests on the software CPU or translated: privilege level 3 in long mode, as the
 * host's processes have it. */
#include "check/native.h"
#include "check/subject.h"

typedef struct NativeGuest NativeGuest;

NativeGuest *native_guest_new(Isa isa, Executor executor, GError **error);
void native_guest_free(NativeGuest *guest);

/* For the tests that follow: all of the code region, and memory at their start. */
void native_guest_prepare(NativeGuest *guest, const NativeImage *image, const uint8_t *code);
void native_guest_run(NativeGuest *guest, const NativeStart *start, NativeEnd *end);

/* The CPU whose features instructions may use. */
const Cpu *native_guest_cpu(const NativeGuest *guest);

/* Puts the instruction that ends a test behind its code. */
void native_guest_leave(uint8_t *code);

#endif
