/* SPDX-License-Identifier: GPL-2.0-or-later */
/* system_kernel.S - guest code of doppel-check system: launches a test, logs what its instructions
 * raise, goes on behind them, and at the end stores the state. It is never linked to run here:
 * the bytes are copied to SYS_KERNEL of the guest.
 *
 * An entry of the log: vector, error code, width of the handler, CR0; CR2; DR6; the stack as the
 * handler found it. */
#include "check/system_layout.h"

        .set    CODE32, 0x08
        .set    DATA32, 0x10
        .set    CODE64, 0x18
        .set    CODE16, 0x28
        .set    DATA16, 0x30

        .section .rodata
        .globl  system_kernel, system_kernel_end
        .balign 16
system_kernel:
#define AT(label) ((label) - system_kernel + SYS_KERNEL)

/* ---- Launch: flat 32-bit code, paging off, GDT of ours ---- */
        .code32
        movl    $(SYS_STACK0 + 0x800), %esp
        fninit
        movl    $0x40200, %eax          /* OSXSAVE, OSFXSR */
        movl    %eax, %cr4
        xorl    %ecx, %ecx
        xorl    %edx, %edx
        movl    $7, %eax
        xsetbv
        lgdt    SYS_START + START_GDTR
        lidt    SYS_START + START_IDTR
        movl    $(SYS_START + START_MSRS), %esi
        call    msrs_load
        movl    SYS_START + START_CR4, %eax
        movl    %eax, %cr4
        movl    SYS_START + START_CR3, %eax
        movl    %eax, %cr3
        xorl    %eax, %eax
        movl    %eax, %cr2
        movl    SYS_START + START_DR, %eax
        movl    %eax, %dr0
        movl    SYS_START + START_DR + 4, %eax
        movl    %eax, %dr1
        movl    SYS_START + START_DR + 8, %eax
        movl    %eax, %dr2
        movl    SYS_START + START_DR + 12, %eax
        movl    %eax, %dr3
        movl    SYS_START + START_DR + 16, %eax
        movl    %eax, %dr6
        movl    SYS_START + START_KIND, %ebx
        movl    SYS_START + START_CR0, %eax
        cmpl    $SYS_REAL, %ebx
        jne     1f
        ltr     SYS_START + START_TR
        lldt    SYS_START + START_LDTR
        jmp     launch_real
1:
        movl    %eax, %cr0
        cmpl    $SYS_LONG, %ebx
        je      1f
        ljmp    $CODE32, $AT(launch_protected)
1:      ljmp    $CODE64, $AT(launch_long)

msrs_load:
        movl    (%esi), %ecx
        jecxz   1f
        movl    4(%esi), %eax
        movl    8(%esi), %edx
        wrmsr
        addl    $12, %esi
        jmp     msrs_load
1:      ret

/* Registers that are the same for all 16-bit and 32-bit tests; CS is readable at base 0. */
        .macro  LOAD_GPRS
        movl    %cs:SYS_START + START_DR + 20, %eax
        movl    %eax, %dr7
        movl    %cs:SYS_START + START_GPR, %eax
        movl    %cs:SYS_START + START_GPR + 8, %ecx
        movl    %cs:SYS_START + START_GPR + 16, %edx
        movl    %cs:SYS_START + START_GPR + 24, %ebx
        movl    %cs:SYS_START + START_GPR + 40, %ebp
        movl    %cs:SYS_START + START_GPR + 48, %esi
        movl    %cs:SYS_START + START_GPR + 56, %edi
        .endm
        .macro  LOAD_SEGMENTS
        movw    %cs:SYS_START + START_SEG, %es
        movw    %cs:SYS_START + START_SEG + 2, %ds
        movw    %cs:SYS_START + START_SEG + 4, %fs
        movw    %cs:SYS_START + START_SEG + 6, %gs
        .endm

launch_real:
        ljmp    $CODE16, $AT(1f)
        .code16
1:      movw    $DATA16, %cx
        movw    %cx, %ds
        movw    %cx, %es
        movw    %cx, %fs
        movw    %cx, %gs
        movw    %cx, %ss
        movl    %eax, %cr0
        ljmp    $0, $AT(1f)
1:      lssw    %cs:SYS_START + START_SP, %sp
        movzwl  %cs:SYS_START + START_FRAMES, %ecx
        movw    $(SYS_START + START_FRAME), %bx
1:      pushw   %cs:(%bx)
        addw    $8, %bx
        loop    1b
        LOAD_SEGMENTS
        LOAD_GPRS
        iretw

        .code32
launch_protected:
        ltr     SYS_START + START_TR
        lldt    SYS_START + START_LDTR
        lss     SYS_START + START_SP, %esp
        movl    SYS_START + START_FRAMES, %ecx
        movl    $(SYS_START + START_FRAME), %ebx
1:      pushl   %cs:(%ebx)
        addl    $8, %ebx
        loop    1b
        LOAD_SEGMENTS
        LOAD_GPRS
        iretl

        .code64
launch_long:
        ltr     SYS_START + START_TR
        lldt    SYS_START + START_LDTR
        movw    SYS_START + START_SEG, %es
        movw    SYS_START + START_SEG + 2, %ds
        movw    SYS_START + START_SEG + 4, %fs
        movw    SYS_START + START_SEG + 6, %gs
        movl    $(SYS_START + START_LATE), %esi
1:      movl    (%rsi), %ecx
        jecxz   2f
        movl    4(%rsi), %eax
        movl    8(%rsi), %edx
        wrmsr
        addl    $12, %esi
        jmp     1b
2:      movl    SYS_START + START_FRAMES, %ecx
        movl    $(SYS_START + START_FRAME), %ebx
        movl    $(SYS_STACK0 + 0x800), %esp
1:      pushq   (%rbx)
        addl    $8, %ebx
        loop    1b
        movl    SYS_START + START_DR + 20, %eax
        movq    %rax, %dr7
        movq    SYS_START + START_GPR, %rax
        movq    SYS_START + START_GPR + 8, %rcx
        movq    SYS_START + START_GPR + 16, %rdx
        movq    SYS_START + START_GPR + 24, %rbx
        movq    SYS_START + START_GPR + 40, %rbp
        movq    SYS_START + START_GPR + 48, %rsi
        movq    SYS_START + START_GPR + 56, %rdi
        movq    SYS_START + START_GPR + 64, %r8
        movq    SYS_START + START_GPR + 72, %r9
        movq    SYS_START + START_GPR + 80, %r10
        movq    SYS_START + START_GPR + 88, %r11
        movq    SYS_START + START_GPR + 96, %r12
        movq    SYS_START + START_GPR + 104, %r13
        movq    SYS_START + START_GPR + 112, %r14
        movq    SYS_START + START_GPR + 120, %r15
        iretq

/* ---- Handlers ---- */

        .set    FAULTS_WITH_ERROR, 0x27d00 /* 8, 10 to 14, 17 */

        /* Entries of all vectors, SYS_STUB bytes apart. */
        .macro  STUBS name, common, errors
        .balign SYS_STUB
        .globl  system_stubs_\name
system_stubs_\name:
        .set    vector, 0
        .rept   SYS_VECTORS
        .balign SYS_STUB
        .if     !(\errors && vector < 32 && ((FAULTS_WITH_ERROR >> (vector & 31)) & 1))
        push\()\name\() $0
        .endif
        push\()\name\() $vector
        jmp     \common
        .set    vector, vector + 1
        .endr
        .endm
        /* The forms that STUBS pushes with. */
        .macro  pushreal value
        pushl   \value
        .endm
        .macro  push16 value
        pushl   \value
        .endm
        .macro  push32 value
        pushl   \value
        .endm
        .macro  push64 value
        pushq   \value
        .endm

        /* 16-bit and 32-bit code alike.  EBP: the frame, whose EIP and flags are at \rip and
         * \flags; all stacks are in the low 64 KiB. */
        .macro  HANDLER width, data, flags, return
        pushal
        pushl   %ds
        pushl   %es
        movzwl  %sp, %ebp
        movl    $\data, %eax
        movl    %eax, %ds
        movl    %eax, %es
        cld
        incl    SYS_LOG
        movl    SYS_LOG, %eax
        cmpl    $SYS_ENTRIES, %eax
        ja      finish\width\data
        shll    $7, %eax
        leal    SYS_LOG(%eax), %edi
        movl    40(%ebp), %edx          /* the vector */
        movl    44(%ebp), %eax
        movl    %edx, (%edi)
        movl    %eax, 4(%edi)
        movl    $\width, 8(%edi)
        movl    %cr0, %eax
        movl    %eax, 12(%edi)
        movl    %cr2, %eax
        movl    %eax, 16(%edi)
        xorl    %eax, %eax
        cmpl    $1, %edx
        jne     1f
        movl    %dr6, %eax
1:      movl    %eax, 24(%edi)
        addl    $32, %edi
        leal    48(%ebp), %esi
        movl    $24, %ecx
        rep movsl %ss:(%esi), (%edi)
        cmpl    $1, %edx
        jne     2f
        xorl    %ecx, %ecx              /* breakpoints go on with RF set */
        movl    %ecx, %dr6
        testl   $0x2000, %eax
        jnz     3f
        .if     \width == 32
        orl     $0x10000, \flags(%ebp)
        .endif
        jmp     4f
2:      cmpl    $SYS_RAISED, %edx
        jne     5f
        movw    $SYS_PORT_IER, %dx
        xorl    %eax, %eax
        outb    %al, %dx
        jmp     4f
5:      cmpl    $8, %edx
        je      finish\width\data
        cmpl    $0x20, %edx
        jae     4f
        cmpl    $2, %edx                /* INT3 and INTO are behind their instruction already */
        jb      3f
        cmpl    $4, %edx
        jbe     4f
        cmpl    $10, %edx               /* from outside: not what the instruction has done */
        jb      3f
        cmpl    $13, %edx
        ja      3f
        testb   $1, 44(%ebp)
        jnz     4f
3:      movzwl  48(%ebp), %eax
        addl    $(0x10000 - SYS_WINDOW), %eax
        andl    $0xfff, %eax
        cmpl    $SYS_WINDOW_SIZE, %eax
        jae     finish\width\data
        movzwl  SYS_NEXT(,%eax,2), %ecx
        jecxz   finish\width\data
        cmpl    $SYS_NEXT_END, %ecx
        je      finish\width\data
        subl    %eax, %ecx
        addw    %cx, 48(%ebp)
4:      popl    %es
        popl    %ds
        popal
        addw    $8, %sp
        \return

finish\width\data:
        movb    $\width, SYS_STATE + STATE_DONE
        movl    $7, %ecx
        xorl    %esi, %esi
1:      movl    %ss:8(%ebp,%ecx,4), %eax
        movl    %eax, SYS_STATE + STATE_GPR(,%esi,8)
        incl    %esi
        decl    %ecx
        jns     1b
        movl    %cr0, %eax
        movl    %eax, SYS_STATE + STATE_CR
        movl    %cr2, %eax
        movl    %eax, SYS_STATE + STATE_CR + 8
        movl    %cr3, %eax
        movl    %eax, SYS_STATE + STATE_CR + 16
        movl    %cr4, %eax
        movl    %eax, SYS_STATE + STATE_CR + 24
        movl    %dr7, %eax
        xorl    %ecx, %ecx
        movl    %ecx, %dr7
        movl    %eax, SYS_STATE + STATE_DR + 40
        movl    %dr0, %eax
        movl    %eax, SYS_STATE + STATE_DR
        movl    %dr1, %eax
        movl    %eax, SYS_STATE + STATE_DR + 8
        movl    %dr2, %eax
        movl    %eax, SYS_STATE + STATE_DR + 16
        movl    %dr3, %eax
        movl    %eax, SYS_STATE + STATE_DR + 24
        movl    %dr6, %eax
        movl    %eax, SYS_STATE + STATE_DR + 32
        sgdtl   SYS_STATE + STATE_GDTR
        sidtl   SYS_STATE + STATE_IDTR
        movw    %ss:(%ebp), %ax
        movw    %ax, SYS_STATE + STATE_SEG
        movw    %ss:4(%ebp), %ax
        movw    %ax, SYS_STATE + STATE_SEG + 2
        movw    %fs, SYS_STATE + STATE_SEG + 4
        movw    %gs, SYS_STATE + STATE_SEG + 6
        .if     \data != 0
        sldt    SYS_STATE + STATE_SEG + 8
        str     SYS_STATE + STATE_SEG + 10
        .endif
        movl    $AT(msr_list), %esi
        movl    $(SYS_STATE + STATE_MSR), %edi
1:      movl    (%esi), %ecx
        addl    $4, %esi
        jecxz   2f
        rdmsr
        movl    %eax, (%edi)
        movl    %edx, 4(%edi)
        addl    $8, %edi
        jmp     1b
2:      cmpl    $0, SYS_BACK
        jne     3f
        hlt
3:      lgdtl   AT(back_gdtr)
        movl    %cr0, %eax
        andl    $0x7fffffff, %eax
        orl     $1, %eax
        movl    %eax, %cr0
        ljmpl   $CODE32, $AT(back)
        .endm

        .code16
common_real:
        HANDLER 16, 0, 52, iretw
        STUBS   real, common_real, 0
common16:
        HANDLER 16, DATA16, 52, iretw
        STUBS   16, common16, 1
        .globl  system_iret16
system_iret16: /* of virtual-8086 mode */
        iretw
        .code32
common32:
        HANDLER 32, DATA32, 56, iretl
        STUBS   32, common32, 1

        .code64
common64:
        pushq   %r15
        pushq   %r14
        pushq   %r13
        pushq   %r12
        pushq   %r11
        pushq   %r10
        pushq   %r9
        pushq   %r8
        pushq   %rdi
        pushq   %rsi
        pushq   %rbp
        pushq   %rsp
        pushq   %rbx
        pushq   %rdx
        pushq   %rcx
        pushq   %rax
        movq    %rsp, %rbp
        cld
        incl    SYS_LOG
        movl    SYS_LOG, %eax
        cmpl    $SYS_ENTRIES, %eax
        ja      finish64
        shll    $7, %eax
        leal    SYS_LOG(%eax), %edi
        movl    128(%rbp), %edx
        movq    136(%rbp), %rax
        movl    %edx, (%rdi)
        movl    %eax, 4(%rdi)
        movl    $64, 8(%rdi)
        movq    %cr0, %rax
        movl    %eax, 12(%rdi)
        movq    %cr2, %rax
        movq    %rax, 16(%rdi)
        xorl    %eax, %eax
        cmpl    $1, %edx
        jne     1f
        movq    %dr6, %rax
1:      movq    %rax, 24(%rdi)
        addl    $32, %edi
        leaq    144(%rbp), %rsi
        movl    $12, %ecx
        rep movsq
        cmpl    $1, %edx
        jne     2f
        xorl    %ecx, %ecx
        movq    %rcx, %dr6
        testl   $0x2000, %eax
        jnz     3f
        orl     $0x10000, 160(%rbp)
        jmp     4f
2:      cmpl    $SYS_RAISED, %edx
        jne     5f
        movw    $SYS_PORT_IER, %dx
        xorl    %eax, %eax
        outb    %al, %dx
        jmp     4f
5:      cmpl    $8, %edx
        je      finish64
        cmpl    $0x20, %edx
        jae     4f
        cmpl    $2, %edx
        jb      3f
        cmpl    $4, %edx
        jbe     4f
        cmpl    $10, %edx
        jb      3f
        cmpl    $13, %edx
        ja      3f
        testb   $1, 136(%rbp)
        jnz     4f
3:      movzwl  144(%rbp), %eax
        addl    $(0x10000 - SYS_WINDOW), %eax
        andl    $0xfff, %eax
        cmpl    $SYS_WINDOW_SIZE, %eax
        jae     finish64
        movzwl  SYS_NEXT(,%rax,2), %ecx
        jecxz   finish64
        cmpl    $SYS_NEXT_END, %ecx
        je      finish64
        subl    %eax, %ecx
        addw    %cx, 144(%rbp)
4:      popq    %rax
        popq    %rcx
        popq    %rdx
        popq    %rbx
        popq    %rbp
        popq    %rbp
        popq    %rsi
        popq    %rdi
        popq    %r8
        popq    %r9
        popq    %r10
        popq    %r11
        popq    %r12
        popq    %r13
        popq    %r14
        popq    %r15
        addq    $16, %rsp
        iretq

finish64:
        movb    $64, SYS_STATE + STATE_DONE
        movq    %rbp, %rsi
        movl    $(SYS_STATE + STATE_GPR), %edi
        movl    $16, %ecx
        rep movsq
        movq    %cr0, %rax
        movq    %rax, SYS_STATE + STATE_CR
        movq    %cr2, %rax
        movq    %rax, SYS_STATE + STATE_CR + 8
        movq    %cr3, %rax
        movq    %rax, SYS_STATE + STATE_CR + 16
        movq    %cr4, %rax
        movq    %rax, SYS_STATE + STATE_CR + 24
        movq    %dr7, %rax
        xorl    %ecx, %ecx
        movq    %rcx, %dr7
        movq    %rax, SYS_STATE + STATE_DR + 40
        movq    %dr0, %rax
        movq    %rax, SYS_STATE + STATE_DR
        movq    %dr1, %rax
        movq    %rax, SYS_STATE + STATE_DR + 8
        movq    %dr2, %rax
        movq    %rax, SYS_STATE + STATE_DR + 16
        movq    %dr3, %rax
        movq    %rax, SYS_STATE + STATE_DR + 24
        movq    %dr6, %rax
        movq    %rax, SYS_STATE + STATE_DR + 32
        sgdt    SYS_STATE + STATE_GDTR
        sidt    SYS_STATE + STATE_IDTR
        movw    %es, SYS_STATE + STATE_SEG
        movw    %ds, SYS_STATE + STATE_SEG + 2
        movw    %fs, SYS_STATE + STATE_SEG + 4
        movw    %gs, SYS_STATE + STATE_SEG + 6
        sldt    SYS_STATE + STATE_SEG + 8
        str     SYS_STATE + STATE_SEG + 10
        movl    $AT(msr_list), %esi
        movl    $(SYS_STATE + STATE_MSR), %edi
1:      movl    (%rsi), %ecx
        addl    $4, %esi
        jecxz   2f
        rdmsr
        movl    %eax, (%rdi)
        movl    %edx, 4(%rdi)
        addl    $8, %edi
        jmp     1b
2:      cmpl    $0, SYS_BACK
        jne     3f
        hlt
3:      movl    $(SYS_BACK + SYS_BACK_SIZE), %esp
        lgdt    AT(back_gdtr)
        pushq   $CODE32
        pushq   $AT(1f)
        lretq
        .code32
1:      movl    %cr0, %eax
        andl    $0x7fffffff, %eax
        movl    %eax, %cr0
        jmp     back

        .code64
        STUBS   64, common64, 1

        /* Where system calls and call gates lead. */
        .globl  system_syscall64, system_syscall32, system_sysenter64, system_sysenter32
        .globl  system_gate32, system_gate64
system_syscall64:
        sysretq
system_syscall32:
        sysretl
system_sysenter64:
        sysexitq
system_gate64:
        lretq
        .code32
system_sysenter32:
        sysexit
system_gate32:
        lret

/* ---- The way back: any mode without paging ---- */
back:   movl    $DATA32, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %eax, %ss
        xorl    %eax, %eax
        xorl    %edx, %edx
        movl    %eax, %cr4
        movl    $0xc0000080, %ecx
        wrmsr
        movl    $0x11, %eax
        movl    %eax, %cr0
        lldt    %dx
        jmp     *SYS_BACK

        .balign 8
back_gdt:
        .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
back_gdtr:
        .word   23
        .long   AT(back_gdt), 0
        .balign 4
        .globl  system_msr_list
system_msr_list:
msr_list:
        .long   0x174, 0x175, 0x176, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084
        .long   0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0x277, 0x1d9, 0
system_kernel_end:
        .section .note.GNU-stack, "", @progbits
