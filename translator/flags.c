/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flags.c - the guest's arithmetic flags live in the host's; code that spoils those saves them
 * first, where they are live, by LAHF and SETO, and the next reader restores them. */
#include "translator/translator_int.h"

static void flags_save(Xlat *x)
{
    Emitter *e = &x->e;

    emit_mov_rr(e, 8, T1, HOST_RAX);
    emit_u8(e, 0x9f);                                                /* lahf */
    emit_op_rr(e, &(Opcode){ .map = 1, .code = 0x90 }, 0, HOST_RAX); /* seto al */
    emit_store(e, 4, HOST_RSP, offsetof(Cpu, jit_flags), HOST_RAX);
    emit_mov_rr(e, 8, HOST_RAX, T1);
}

void flags_spoil(Xlat *x)
{
    if (x->live_in[x->current] != 0 && x->in_host && !x->saved) {
        flags_save(x);
        x->saved = true;
    }
    x->in_host = false;
}

void flags_need_host(Xlat *x)
{
    Emitter *e = &x->e;

    if (x->in_host) {
        return;
    }
    emit_mov_rr(e, 8, T1, HOST_RAX);
    emit_load(e, 4, HOST_RAX, HOST_RSP, offsetof(Cpu, jit_flags));
    emit_u8(e, 0x04); /* add al, 7f: OF from AL */
    emit_u8(e, 0x7f);
    emit_u8(e, 0x9e); /* sahf */
    emit_mov_rr(e, 8, HOST_RAX, T1);
    x->in_host = true;
}

void flags_need_saved(Xlat *x)
{
    if (!x->saved) {
        flags_save(x);
        x->saved = true;
    }
}

void flags_written(Xlat *x)
{
    x->in_host = true;
    x->saved = false;
}
