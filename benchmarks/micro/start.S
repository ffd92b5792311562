/* SPDX-License-Identifier: GPL-2.0-or-later */
/* start.S - from the multiboot loader to main() with flat segments and paging on: long mode if built
 * for 64 bits, 32-bit protected mode with 4 MiB pages otherwise.  Also what cannot be said in C: the
 * entries of interrupts and system calls, and the way to user mode and back. */
#define MULTIBOOT_MAGIC 0x1badb002
#define PAGE_BITS 0x87 /* present, writable, user, large */
#define TABLE_BITS 7

    .section .multiboot, "a"
    .align 4
    .long MULTIBOOT_MAGIC, 0, -MULTIBOOT_MAGIC

    .text
    .code32
    .globl start
start:
    cld
    mov $stack_end, %esp
    mov %ebx, %esi /* the loader's information, main's argument */
#ifdef __x86_64__
    movl $pages_2 + TABLE_BITS, pages_3
    movl $pages_4k_holder + TABLE_BITS, pages_3 + 8
    mov $pages_2, %edi
    mov $PAGE_BITS, %eax
    mov $512, %ecx
1:  mov %eax, (%edi)
    add $0x200000, %eax
    add $8, %edi
    loop 1b
    movl $pages_4k + TABLE_BITS, pages_4k_holder /* 1 GiB on: small pages for the tests */
    movl $apic_2 + TABLE_BITS, pages_3 + 24      /* 3 GiB on: the local APIC */
    movl $0xfee00000 + PAGE_BITS, apic_2 + 503 * 8
    movl $pages_3 + TABLE_BITS, pages_root
    mov %cr4, %eax
    or $0x20, %eax /* PAE */
    mov %eax, %cr4
    mov $pages_root, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    rdmsr
    or $0x101, %eax /* LME, SCE */
    wrmsr
#else
    mov $pages_root, %edi
    mov $PAGE_BITS, %eax
    mov $256, %ecx
1:  mov %eax, (%edi)
    add $0x400000, %eax
    add $4, %edi
    loop 1b
    movl $pages_4k + TABLE_BITS, pages_root + 256 * 4
    movl $0xfec00000 + PAGE_BITS, pages_root + 1019 * 4
    mov %cr4, %eax
    or $0x10, %eax /* PSE */
    mov %eax, %cr4
    mov $pages_root, %eax
    mov %eax, %cr3
#endif
    mov %cr0, %eax
    or $0x80010000, %eax /* PG, WP */
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $0x08, $flat
flat:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    xor %eax, %eax
    mov %eax, %fs
    mov %eax, %gs
#ifdef __x86_64__
    .code64
    mov %esi, %edi
    call main
#else
    push %esi
    call main
#endif
1:  hlt
    jmp 1b

#ifdef __x86_64__
#define ADD addq
#define WORD quad
#define AX rax
#define SP rsp
#define IRET iretq
#define SIZE 8
#else
#define ADD addl
#define WORD long
#define AX eax
#define SP esp
#define IRET iret
#define SIZE 4
#endif

/* Faults that the tests cause on purpose: over the instruction, whose length is known, and on. */
    .globl entry_divide, entry_page, entry_empty, entry_leave
entry_divide:
    ADD $2, (%SP)
    IRET
entry_page:
    add $SIZE, %SP /* the error code */
    ADD $2, (%SP)
    IRET
entry_empty:
    IRET

/* All others: main's file says which and stops. */
    .altmacro
    .macro unexpected number
    .align 8
    push $\number
    jmp entry_unexpected
    .endm
    .globl entries
    .align 8
entries:
    .set i, 0
    .rept 32
    unexpected %i
    .set i, i + 1
    .endr
entry_unexpected:
#ifdef __x86_64__
    mov (%rsp), %rdi
    mov 8(%rsp), %rsi
    mov 16(%rsp), %rdx
#endif
    call unexpected_stop

/* user_call(function, stack): runs it at privilege level 3 until it executes int $0x81. */
    .globl user_call
user_call:
#ifdef __x86_64__
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, kernel_stack
    mov %rsp, tss + 4
    push $0x1b
    push %rsi
    push $2
    push $0x23
    push %rdi
    iretq
entry_leave:
    mov kernel_stack, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .globl entry_syscall
entry_syscall:
    sysretq
#else
    mov 4(%esp), %ecx
    mov 8(%esp), %edx
    push %ebx
    push %ebp
    push %esi
    push %edi
    mov %esp, kernel_stack
    mov %esp, tss + 4
    push $0x23
    push %edx
    push $2
    push $0x1b
    push %ecx
    mov $0x23, %eax
    mov %eax, %ds
    mov %eax, %es
    iret
entry_leave:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov kernel_stack, %esp
    pop %edi
    pop %esi
    pop %ebp
    pop %ebx
    ret
    .globl entry_syscall
entry_syscall:
    sysexit
#endif

    .data
    .align 16
    .globl gdt
gdt:
    .quad 0
#ifdef __x86_64__
    .quad 0x00af9b000000ffff, 0x00cf93000000ffff /* 0x08, 0x10: system */
    .quad 0x00cff3000000ffff, 0x00affb000000ffff /* 0x18, 0x20: user data, then code, as SYSRET wants */
#else
    .quad 0x00cf9b000000ffff, 0x00cf93000000ffff
    .quad 0x00cffb000000ffff, 0x00cff3000000ffff /* user code, then data, as SYSEXIT wants */
#endif
    .quad 0, 0 /* 0x28: the task state */
gdt_pointer:
    .word . - gdt - 1
    .WORD gdt

    .bss
    .align 4096
    .globl pages_root, pages_4k, tss
pages_root:
    .space 4096
pages_4k:
    .space 4096
#ifdef __x86_64__
pages_3:
    .space 4096
pages_2:
    .space 4096
pages_4k_holder:
    .space 4096
apic_2:
    .space 4096
#endif
tss:
    .space 256
kernel_stack:
    .space 8
    .space 16384
    .align 16
stack_end:

    .section .note.GNU-stack, "", @progbits
