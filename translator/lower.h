/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRANSLATOR_LOWER_H
#define TRANSLATOR_LOWER_H
/* lower.h - what the lowering files share. */
#include "translator/translator_int.h"

/* The host instruction that comes next may raise a signal for the current guest instruction. */
void fault_point(Xlat *x);
/* Address and check of the memory operand, which memory_at names then. */
bool memory_operand(Xlat *x, const Insn *insn);

/* in_memory.c: the instruction, one of the integer set, with a register that lives in memory as its
 * memory operand, [HOST_RSP + gpr_slot]; false: none does, or not so. */
bool in_memory_form(const Insn *insn, Insn *form, Recode *to);

/* lower_string.c: the host's REP MOVS (A4h) or REP STOS (AAh). */
void emit_rep(Xlat *x, uint8_t opcode, unsigned width);
/* lower_repeat.c: REP MOVS or REP STOS by CX, or in segments that have a limit. */
void repeat_bounded(Xlat *x, const Insn *insn, unsigned width);

/* lower_far.c, in real and virtual-8086 mode: the segment register from the selector in T1, which
 * it spoils, where that leaves the mode as it is. The guest's flags are saved, or dead. */
bool real_load_usable(const Xlat *x, unsigned name);
void real_load(Xlat *x, unsigned name);

/* T1 = the selector in a segment register. */
void segment_selector(Xlat *x, unsigned name);

/* The lowerings that rows name; `callout` has none. */
bool lower_identity(Xlat *x, const Insn *insn);
bool lower_mov(Xlat *x, const Insn *insn);
bool lower_bt(Xlat *x, const Insn *insn);
bool lower_incdec(Xlat *x, const Insn *insn);
bool lower_lea(Xlat *x, const Insn *insn);
bool lower_nop(Xlat *x, const Insn *insn);
bool lower_push(Xlat *x, const Insn *insn);
bool lower_pop(Xlat *x, const Insn *insn);
bool lower_enter(Xlat *x, const Insn *insn);
bool lower_leave(Xlat *x, const Insn *insn);
bool lower_jmp(Xlat *x, const Insn *insn);
bool lower_far_branch(Xlat *x, const Insn *insn); /* part of JMP and CALL */
bool lower_far_return(Xlat *x, const Insn *insn); /* lower_ret's */
bool lower_int(Xlat *x, const Insn *insn);
bool lower_iret(Xlat *x, const Insn *insn);
bool lower_load_far(Xlat *x, const Insn *insn);
bool lower_jcc(Xlat *x, const Insn *insn);
bool lower_loop(Xlat *x, const Insn *insn);
bool lower_call(Xlat *x, const Insn *insn);
bool lower_ret(Xlat *x, const Insn *insn);
bool lower_cli(Xlat *x, const Insn *insn);
bool lower_sti(Xlat *x, const Insn *insn);
bool lower_cld(Xlat *x, const Insn *insn);
bool lower_std(Xlat *x, const Insn *insn);
bool lower_pushf(Xlat *x, const Insn *insn);
bool lower_rdtsc(Xlat *x, const Insn *insn);
bool lower_swapgs(Xlat *x, const Insn *insn);
bool lower_mov_from_segment(Xlat *x, const Insn *insn); /* lower_mov's parts */
bool lower_mov_to_segment(Xlat *x, const Insn *insn);
bool lower_pop_segment(Xlat *x, const Insn *insn); /* lower_pop's */
bool lower_movs(Xlat *x, const Insn *insn);
bool lower_stos(Xlat *x, const Insn *insn);
bool lower_lods(Xlat *x, const Insn *insn);
bool lower_scas(Xlat *x, const Insn *insn);
bool lower_cmps(Xlat *x, const Insn *insn);
bool lower_xlat(Xlat *x, const Insn *insn);
bool lower_salc(Xlat *x, const Insn *insn);
bool lower_pushad(Xlat *x, const Insn *insn);
bool lower_popad(Xlat *x, const Insn *insn);
bool lower_ldmxcsr(Xlat *x, const Insn *insn);
bool lower_bit_string(Xlat *x, const Insn *insn); /* lower_bt's part */
bool lower_stac(Xlat *x, const Insn *insn);
bool lower_clac(Xlat *x, const Insn *insn);
bool lower_verw(Xlat *x, const Insn *insn);
bool lower_rdbase(Xlat *x, const Insn *insn);
bool lower_wrbase(Xlat *x, const Insn *insn);
bool lower_mov_control(Xlat *x, const Insn *insn);
bool lower_popf(Xlat *x, const Insn *insn);
bool lower_div(Xlat *x, const Insn *insn);

#endif
