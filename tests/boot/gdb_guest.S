/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gdb_guest.S - 32-bit code for the debugger to look at: counts for ever, writes a variable, calls.
 * A multiboot image. */
#define MAGIC 0x1badb002

    .section .text
    .align 4
    .long MAGIC, 0, -MAGIC

    .globl _start
_start:
    mov $stack_top, %esp
    mov %cr4, %eax
    or $0x200, %eax /* OSFXSR */
    mov %eax, %cr4
    mov $0, %eax
loop:
    inc %eax
    call work
    jmp loop

    .globl work
work:
    mov %eax, counter
    movd %eax, %xmm1
    ret

    .section .bss
    .align 4096
    .globl counter
counter:
    .long 0
    .align 4096
    .skip 4096
stack_top:
