/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bios64.S - a BIOS of 64 KiB: looks at its own copy below 4 GiB, at what the PAM registers do, and
 * leaves through isa-debug-exit at port 0xf4: 0x20 if all was well, else the number of the check. */
        .code16
        .section .text
        .globl _start

        .set    PAM0, 0x80000058        /* configuration address; the register is byte 59h */

_start:
start:  cli
        movw    $0xf000, %ax
        movw    %ax, %ss                /* a stack cannot be there, but data can be read */
        movw    %ax, %ds

        movw    $1, %bp                 /* 1: in real mode below 1 MiB is the ROM */
        cmpl    $0x524f4d21, mark - _start
        jne     fail
        movw    $2, %bp                 /* 2: a write changes nothing */
        movl    $0, mark - _start
        cmpl    $0x524f4d21, mark - _start
        jne     fail
        movw    $3, %bp                 /* 3: nor if RAM is written and ROM is read */
        movb    $0x20, %al
        movw    $(1f - _start), %si
        jmp     pam
1:      cmpl    $0x524f4d21, mark - _start
        jne     fail
        movl    $0x12345678, mark - _start
        cmpl    $0x524f4d21, mark - _start
        jne     fail
        movw    $4, %bp                 /* 4: what was written is in the RAM below: all of F000h is copied */
        movw    %ax, %es
        xorw    %si, %si
        xorw    %di, %di
        movw    $0xf000, %ax
        movw    %ax, %es
        movw    $0x4000, %cx
        cld
        rep movsl
        movl    $0x12345678, mark - _start
        movb    $0x30, %al
        movw    $(2f - _start), %si
        jmp     pam
2:      cmpl    $0x12345678, mark - _start
        jne     fail
        movw    $5, %bp                 /* 5: RAM that can be read, but not written */
        movb    $0x10, %al
        movw    $(3f - _start), %si
        jmp     pam
3:      movl    $0, mark - _start
        cmpl    $0x12345678, mark - _start
        jne     fail
        movw    $0x20, %bp
fail:   movw    %bp, %ax
        outb    %al, $0xf4
        hlt

/* PAM of F0000h to FFFFFh becomes AL; goes on at SI. */
pam:    movb    %al, %cl
        movl    $PAM0, %eax
        movw    $0xcf8, %dx
        outl    %eax, %dx
        movb    %cl, %al
        movw    $0xcfd, %dx
        outb    %al, %dx
        jmpw    *%si

        .align  4
mark:   .long   0x524f4d21

        .org    0xfff0
        ljmp    $0xf000, $0
        .org    0x10000
