/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_shift.S - shifts and rotates of RDX by every immediate count, eight bytes each: what they
 * leave in flags that the manual does not define may be another thing than by a count in CL.
 * Jumped to, and ending in a jump to RSI: see shift.c, which knows the order. */
    .text
    .balign 64
    .globl host_shifts, host_double_shifts

    .macro by_all ext
    .irp width, 1, 2, 4, 8
    .set count, 0
    .rept 256
    .if \width == 2
    .byte 0x66
    .elseif \width == 8
    .byte 0x48
    .endif
    .byte 0xc0 - (\width > 1), 0xc2 + \ext * 8, count
    jmp *%rsi
    .balign 8, 0x90
    .set count, count + 1
    .endr
    .endr
    .endm

    .macro double_by_all opcode         /* shld or shrd rdx, rdi */
    .irp width, 2, 4, 8
    .set count, 0
    .rept 256
    .if \width == 2
    .byte 0x66
    .elseif \width == 8
    .byte 0x48
    .endif
    .byte 0x0f, \opcode, 0xfa, count
    jmp *%rsi
    .balign 8, 0x90
    .set count, count + 1
    .endr
    .endr
    .endm

host_shifts:
    .irp ext, 0, 1, 2, 3, 4, 5, 7       /* rol, ror, rcl, rcr, shl, shr, sar */
    by_all \ext
    .endr

host_double_shifts:
    double_by_all 0xa4
    double_by_all 0xac

    .section .note.GNU-stack, "", @progbits
