/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_LOWER_STACK_H
#define TRANSLATOR_LOWER_STACK_H
/* lower_stack.h - the guest's stack, for those that push and pop. */
#include "translator/lower.h"

/* Is the stack a flat 32-bit or a 64-bit one? */
bool stack_usable(const Xlat *x);
/* T0 = host address of the slot to be pushed or popped; the stack pointer has not moved yet. */
void stack_push_check(Xlat *x, unsigned width);
void stack_pop_check(Xlat *x, unsigned width);
void stack_move(Xlat *x, int32_t delta);

#endif
