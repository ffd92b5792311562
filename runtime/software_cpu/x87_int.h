/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOFTWARE_CPU_X87_INT_H
#define SOFTWARE_CPU_X87_INT_H
/* x87_int.h - between x87.c and x87_env.c. */
#include "runtime/software_cpu/vector_int.h"

/* FNSTENV's image in 32-bit protected mode: the one that the host stores. */
typedef struct X87Env {
    uint32_t control, status, tags;
    uint32_t ip, cs_op, dp, ds;
} X87Env;

/* No #NM? Loads the vector state. */
bool x87_available(Cpu *cpu);

/* FNINIT and FNSAVE: no last instruction, no error. */
static inline void x87_forget(Cpu *cpu)
{
    cpu->x87_last = (X87Last){ .ip = 0 };
    cpu->ignne = false;
}

#endif
