/* SPDX-License-Identifier: GPL-2.0-or-later */
/* smp_enter.S - runs a CPU's part of a litmus test natively. */
    .text
    .globl smp_enter
    .type smp_enter, @function
smp_enter: /* SmpStart in rdi */
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    mov 0(%rdi), %rax
    mov 8(%rdi), %r12
    mov 16(%rdi), %rbp
    mov 24(%rdi), %r13
    mov 32(%rdi), %r14
    mov 40(%rdi), %r15
    mov 48(%rdi), %edi
    call *%rax
    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size smp_enter, . - smp_enter
    .section .note.GNU-stack, "", @progbits
