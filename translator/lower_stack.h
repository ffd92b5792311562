/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_LOWER_STACK_H
#define TRANSLATOR_LOWER_STACK_H
/* lower_stack.h - the guest's stack, for those that push and pop. */
#include "translator/lower.h"

/* Can the stack be reached in line? */
bool stack_usable(const Xlat *x);
/* T0 = host address of the slot to be pushed or popped; the stack pointer has not moved yet. */
void stack_push_check(Xlat *x, unsigned width);
void stack_pop_check(Xlat *x, unsigned width);
void stack_move(Xlat *x, int32_t delta);
/* The same for what is pushed or popped as a whole of several words. */
void stack_check(Xlat *x, int32_t disp, unsigned width, Access access);

/* lower_system.c: T1 = the flags as PUSHF stores them; spoils T0. The guest's are saved then. */
void flags_image(Xlat *x);
/* The flags out of T1, of which so many bytes count, as POPF loads them; on what that may not do in
 * line, before anything has changed, the software CPU runs the instruction. Spoils T0 and T1. */
void flags_pop(Xlat *x, unsigned width);

#endif
