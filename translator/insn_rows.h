/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_INSN_ROWS_H
#define TRANSLATOR_INSN_ROWS_H
/* insn_rows.h - the arithmetic flags, as the rows of insns.def name them; bits of EFLAGS. */
enum {
    FL_C = 1 << 0,
    FL_P = 1 << 2,
    FL_A = 1 << 4,
    FL_Z = 1 << 6,
    FL_S = 1 << 7,
    FL_O = 1 << 11,
    FL_ALL = FL_C | FL_P | FL_A | FL_Z | FL_S | FL_O,
};
#endif
