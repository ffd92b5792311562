/* SPDX-License-Identifier: GPL-2.0-or-later */
/* native_enter.S - from C into a test and back. All of the test's state goes in and comes out. */
#include "check/native_host_int.h"

    .text
    .globl native_enter64, native_enter32, native_enter16, native_leave, native_abort
    .type native_enter64, @function
    .type native_enter32, @function
    .type native_enter16, @function

    .macro save_callee
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, CONTROL_RSP
    .endm

    .macro load_state stack=0
    mov CONTROL_START, %rdi
    mov $7, %eax
    xor %edx, %edx
    xrstor64 (%rdi)
    movl $1, CONTROL_INSIDE
    push START_RFLAGS(%rdi)
    popfq
    .if \stack
    mov $\stack, %eax
    mov %eax, %ss
    .endif
    mov START_GPR+0(%rdi), %rax
    mov START_GPR+8(%rdi), %rcx
    mov START_GPR+16(%rdi), %rdx
    mov START_GPR+24(%rdi), %rbx
    mov START_GPR+32(%rdi), %rsp
    mov START_GPR+40(%rdi), %rbp
    mov START_GPR+48(%rdi), %rsi
    mov START_GPR+64(%rdi), %r8
    mov START_GPR+72(%rdi), %r9
    mov START_GPR+80(%rdi), %r10
    mov START_GPR+88(%rdi), %r11
    mov START_GPR+96(%rdi), %r12
    mov START_GPR+104(%rdi), %r13
    mov START_GPR+112(%rdi), %r14
    mov START_GPR+120(%rdi), %r15
    mov START_GPR+56(%rdi), %rdi
    .endm

native_enter64:
    save_callee
    load_state
    jmp *CONTROL_ENTER

native_enter32:
    save_callee
    load_state
    ljmp *CONTROL_ENTER

native_enter16:
    save_callee
    load_state STACK16
    ljmp *CONTROL_ENTER

/* CONTROL_FLAGS is the top of a stack of one: RSP need not be usable here. */
native_leave:
    mov %rsp, CONTROL_FLAGS-8
    mov $CONTROL_FLAGS+8, %rsp
    pushfq
    mov CONTROL_RSP, %rsp
    push $2
    popfq
    push %rdi
    mov CONTROL_END, %rdi
    mov %rax, END_GPR+0(%rdi)
    mov %rcx, END_GPR+8(%rdi)
    mov %rdx, END_GPR+16(%rdi)
    mov %rbx, END_GPR+24(%rdi)
    mov %rbp, END_GPR+40(%rdi)
    mov %rsi, END_GPR+48(%rdi)
    mov %r8, END_GPR+64(%rdi)
    mov %r9, END_GPR+72(%rdi)
    mov %r10, END_GPR+80(%rdi)
    mov %r11, END_GPR+88(%rdi)
    mov %r12, END_GPR+96(%rdi)
    mov %r13, END_GPR+104(%rdi)
    mov %r14, END_GPR+112(%rdi)
    mov %r15, END_GPR+120(%rdi)
    pop %rax
    mov %rax, END_GPR+56(%rdi)
    mov CONTROL_FLAGS-8, %rax
    mov %rax, END_GPR+32(%rdi)
    mov CONTROL_FLAGS, %rax
    mov %rax, END_RFLAGS(%rdi)
    mov $7, %eax
    xor %edx, %edx
    xsave64 (%rdi)

native_abort:
    movl $0, CONTROL_INSIDE
    mov CONTROL_RSP, %rsp
    push $2
    popfq
    fninit
    push $0x1f80
    ldmxcsr (%rsp)
    add $8, %rsp
    vzeroupper
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    .section .note.GNU-stack, "", @progbits
