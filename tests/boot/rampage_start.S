/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rampage_start.S - from multiboot to rampage_main() in long mode, ways into garbage and out of it. One
 * TiB is mapped one to one, for user code too. */
        .set    MAGIC, 0x1badb002
        .set    FLAGS, 0x10003
        .set    SELECTOR_CODE, 0x08
        .set    SELECTOR_DATA, 0x10
        .set    SELECTOR_TSS, 0x38
        .set    TSS_SIZE, 104
        .set    TSS_IST1, 36
        .set    TSS_BUSY, 0x02
        .set    GATE, 0x8e01            /* interrupt gate, IST 1 */
        .set    CR0_VALUE, 0x80000013   /* PG, ET, MP, PE */
        .set    CR4_VALUE, 0x6b0        /* OSXMMEXCPT, OSFXSR, PGE, PAE, PSE */
        .set    EFER, 0xc0000080
        .set    EFER_VALUE, 0x901       /* NXE, LME, SCE */
        .set    LARGE_PAGE, 0x87
        .set    TABLE, 0x07

        .section .text
        .globl  _start, garbage_enter
        .code32
        .align  4
header: .long   MAGIC, FLAGS, -(MAGIC + FLAGS)
        .long   header, _load_start, _load_end, _bss_end, _start

_start: cli
        movl    $stack_top, %esp
        movl    %ebx, %ebp              /* the multiboot information */

        movl    $pml4, %edi             /* two tables of 512 pages of 1 GiB */
        movl    $pdpt + TABLE, (%edi)
        movl    $pdpt + 4096 + TABLE, 8(%edi)
        movl    $pdpt, %edi
        xorl    %ecx, %ecx
1:      movl    %ecx, %eax
        shll    $30, %eax
        orl     $LARGE_PAGE, %eax
        movl    %eax, (%edi, %ecx, 8)
        movl    %ecx, %eax
        shrl    $2, %eax
        movl    %eax, 4(%edi, %ecx, 8)
        incl    %ecx
        cmpl    $1024, %ecx
        jne     1b

        movl    $stub_first, %esi       /* gates to sixteen-byte stubs */
        movl    $idt, %edi
        movl    $256, %ecx
2:      movl    %esi, %eax
        andl    $0xffff, %eax
        orl     $SELECTOR_CODE << 16, %eax
        movl    %eax, (%edi)
        movl    %esi, %eax
        movw    $GATE, %ax
        movl    %eax, 4(%edi)
        addl    $16, %edi
        addl    $16, %esi
        loop    2b
        movl    $exception_stack_top, tss + TSS_IST1

        movl    $CR4_VALUE, %eax
        movl    %eax, %cr4
        movl    $pml4, %eax
        movl    %eax, %cr3
        movl    $EFER, %ecx
        xorl    %edx, %edx
        movl    $EFER_VALUE, %eax
        wrmsr
        movl    $CR0_VALUE, %eax
        movl    %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $SELECTOR_CODE, $3f

        .code64
3:      call    set_up
        movl    %ebp, %edi
        call    rampage_main
4:      hlt
        jmp     4b

/* What garbage may have changed and C code needs. */
set_up: movl    $pml4, %eax
        movq    %rax, %cr3
        movl    $CR4_VALUE, %eax
        movq    %rax, %cr4
        movl    $EFER, %ecx
        xorl    %edx, %edx
        movl    $EFER_VALUE, %eax
        wrmsr
        movl    $CR0_VALUE, %eax
        movq    %rax, %cr0
        xorl    %eax, %eax
        movq    %rax, %db7
        lgdt    gdt_pointer
        lidt    idt_pointer
        movl    $tss, %eax              /* an available TSS again */
        movw    %ax, gdt + SELECTOR_TSS + 2
        shrl    $16, %eax
        movb    %al, gdt + SELECTOR_TSS + 4
        movb    %ah, gdt + SELECTOR_TSS + 7
        andb    $~TSS_BUSY, gdt + SELECTOR_TSS + 5
        movl    $SELECTOR_TSS, %eax
        ltr     %ax
        xorl    %eax, %eax
        lldt    %ax
        movl    $SELECTOR_DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %eax, %ss
        fninit
        cld
        ret

/* garbage_enter(registers[16], frame[5]): into garbage; comes back by an exception. */
garbage_enter:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, resume_stack
        pushq   32(%rsi)
        pushq   24(%rsi)
        pushq   16(%rsi)
        pushq   8(%rsi)
        pushq   (%rsi)
        movq    (%rdi), %rax
        movq    8(%rdi), %rcx
        movq    16(%rdi), %rdx
        movq    24(%rdi), %rbx
        movq    40(%rdi), %rbp
        movq    48(%rdi), %rsi
        movq    64(%rdi), %r8
        movq    72(%rdi), %r9
        movq    80(%rdi), %r10
        movq    88(%rdi), %r11
        movq    96(%rdi), %r12
        movq    104(%rdi), %r13
        movq    112(%rdi), %r14
        movq    120(%rdi), %r15
        movq    56(%rdi), %rdi
        iretq

/* By IRET, so that NMIs are let in again. */
came_back:
        movq    $exception_stack_top, %rsp
        pushq   $SELECTOR_DATA
        pushq   resume_stack
        pushq   $2
        pushq   $SELECTOR_CODE
        pushq   $5f
        iretq
5:      call    set_up
        movl    came_back_vector, %eax
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret

        .align  16
stub_first:
        .set    vector, 0
        .rept   256
        .align  16
        movl    $vector, came_back_vector
        jmp     came_back
        .set    vector, vector + 1
        .endr

        .section .data
        .align  16
gdt:    .quad   0
        .quad   0x00af9b000000ffff      /* 08: 64-bit code */
        .quad   0x00cf93000000ffff      /* 10: data */
        .quad   0x00cf9b000000ffff      /* 18: 32-bit code */
        .quad   0x00cff3000000ffff      /* 20: user data */
        .quad   0x00affb000000ffff      /* 28: 64-bit user code */
        .quad   0x00cffb000000ffff      /* 30: 32-bit user code */
        .quad   0x0000890000000000 + TSS_SIZE - 1, 0
        .quad   0x000f9b000000ffff      /* 48: 16-bit code */
gdt_pointer:
        .word   . - gdt - 1
        .quad   gdt
idt_pointer:
        .word   4095
        .quad   idt

        .section .bss
        .align  4096
pml4:   .skip   4096
pdpt:   .skip   8192
idt:    .skip   4096
tss:    .skip   128
resume_stack: .skip 8
came_back_vector: .skip 8
        .skip   16384
stack_top:
        .skip   4096
exception_stack_top:
        .section .note.GNU-stack, "", @progbits
