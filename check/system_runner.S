/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_runner.S - a multiboot guest that runs tests of doppel-check system on a PC: copies each
 * from its slot to address 0, launches it, and copies what became of it back. Slots and mailbox are
 * memory that the host shares, and that a reset of the PC leaves alone: a test that shuts the CPU
 * down is found to be still running when the guest boots again.
 *
 * Like system_kernel.S only bytes here: written to a file by system_peer.c. */
#include "check/system_layout.h"

        .set    MAGIC, 0x1badb002
        .set    FLAGS, 0x10003          /* addresses are in the header */

        .section .rodata
        .globl  system_runner, system_runner_end
        .balign 16
        .code32
system_runner:
#define AT(label) ((label) - system_runner + RUNNER_BASE)
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)
        .long   RUNNER_BASE, RUNNER_BASE, AT(system_runner_end), RUNNER_BASE + 0x2000, AT(begin)

begin:  cli
back:   movl    $(RUNNER_BASE + 0x2000), %esp
        lgdt    AT(gdtr)
        ljmp    $0x08, $AT(1f)
1:      movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %eax, %ss
        cld
        movl    MAILBOX + MAILBOX_CURRENT, %ebx
        cmpl    $SLOT_RUNNING, MAILBOX + MAILBOX_STATE(,%ebx,4)
        jne     next
        movl    $SLOT_RESET, %ecx       /* booted again in the middle of it */
        cmpl    $0, AT(running)
        je      1f
        movl    %ebx, %edi
        shll    $SLOT_SHIFT, %edi
        addl    $SLOTS, %edi
        xorl    %esi, %esi
        movl    $(SYS_SIZE / 4), %ecx
        rep movsl
        movl    $SLOT_DONE, %ecx
1:      movl    $0, AT(running)
        movl    %ecx, MAILBOX + MAILBOX_STATE(,%ebx,4)
        incl    MAILBOX + MAILBOX_CURRENT

next:   movl    MAILBOX + MAILBOX_WANTED, %eax
        cmpl    MAILBOX + MAILBOX_FINISHED, %eax
        jne     1f
        pause
        jmp     next
1:      movl    MAILBOX + MAILBOX_CURRENT, %ebx
        cmpl    MAILBOX + MAILBOX_TESTS, %ebx
        jb      1f
        movl    %eax, MAILBOX + MAILBOX_FINISHED
        jmp     next
1:      movl    $SLOT_RUNNING, MAILBOX + MAILBOX_STATE(,%ebx,4)
        movl    $1, AT(running)
        movl    %ebx, %esi
        shll    $SLOT_SHIFT, %esi
        addl    $SLOTS, %esi
        xorl    %edi, %edi
        movl    $(SYS_SIZE / 4), %ecx
        rep movsl
        movl    $AT(back), SYS_BACK
        movl    $AT(ports), %esi
2:      movzwl  (%esi), %edx
        testl   %edx, %edx
        jz      3f
        movb    2(%esi), %al
        outb    %al, %dx
        addl    $3, %esi
        jmp     2b
3:      xorl    %eax, %eax
        movl    %eax, 0xfee00080        /* task priority */
        movl    %eax, %dr7
        xorl    %edx, %edx
        movl    $0x1d9, %ecx            /* DEBUGCTL */
        wrmsr
        movl    $SYS_KERNEL, %eax
        jmp     *%eax

        /* Serial port without interrupts; controllers begin at 48h and 70h and end interrupts
         * themselves, IRQ 4 alone is let through. */
        .macro  PORT number, value
        .word   \number
        .byte   \value
        .endm
ports:  PORT    SYS_PORT_IER, 0
        PORT    0x3fb, 3
        PORT    0x3fc, 8
        PORT    0x20, 0x11
        PORT    0x21, 0x48
        PORT    0x21, 4
        PORT    0x21, 3
        PORT    0x21, 0xef
        PORT    0xa0, 0x11
        PORT    0xa1, 0x70
        PORT    0xa1, 2
        PORT    0xa1, 1
        PORT    0xa1, 0xff
        .word   0

        .balign 8
gdt:    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:   .word   23
        .long   AT(gdt)
        .balign 4
running: .long  0                       /* loaded anew with each boot */
system_runner_end:
        .section .note.GNU-stack, "", @progbits
