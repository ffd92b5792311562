/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_VECTOR_DIFFERENCE_H
#define CHECK_VECTOR_DIFFERENCE_H
/* vector_difference.h - how a test ended otherwise than on the chip that it was captured from, and
 * the table of those differences that later CPUs have by design. */
#include "check/vector_file.h"

/* FLAGS bits that are loaded before a test: the 80286 keeps bits 12 to 15 clear in real mode, while
 * the state captured has what was asked for. */
enum { VECTOR_FLAGS = 0x0fff };

typedef struct VectorDifference {
    uint32_t registers; /* bits by VectorReg */
    uint32_t flags;     /* of FLAGS, which differ */
    unsigned n_ram;     /* bytes */
    uint64_t ip;        /* where the subject is */
    int exception;      /* that the chip raised; -1: none */
    int raised;         /* that the subject raised instead, as far as the chip did not; -1: none */
    bool hung;
    GString *text;
} VectorDifference;

static inline bool vector_difference_any(const VectorDifference *d)
{
    return d->registers != 0 || d->n_ram != 0 || d->hung;
}

/* The row that explains the difference, -1: none does. */
int vector_difference_row(const VectorDifference *d, const char *form, const VectorTest *test,
                          const VectorState *final);
unsigned vector_difference_rows(void);
const char *vector_difference_reason(unsigned row);

#endif
