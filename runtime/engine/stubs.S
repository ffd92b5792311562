/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stubs.S - between translated code and C. In translated code the stack pointer is the Cpu; the
 * guest's registers have their own numbers but for RSP in R9 and R9 in R15, and R10, R11 and R15,
 * which are in memory; GS leads to the TLB. */
#include <asm/prctl.h>
#include <asm/unistd.h>
#include "runtime/cpu/cpu_offsets.h"

        .text

/* Everything that is not in memory already; RAX has been stored. */
        .macro  SAVE_REGISTERS
        mov     %rcx, CPU_GPR + 8 * 1(%rsp)
        mov     %rdx, CPU_GPR + 8 * 2(%rsp)
        mov     %rbx, CPU_GPR + 8 * 3(%rsp)
        mov     %r9, CPU_GPR + 8 * 4(%rsp)
        mov     %rbp, CPU_GPR + 8 * 5(%rsp)
        mov     %rsi, CPU_GPR + 8 * 6(%rsp)
        mov     %rdi, CPU_GPR + 8 * 7(%rsp)
        mov     %r8, CPU_GPR + 8 * 8(%rsp)
        mov     %r15, CPU_GPR + 8 * 9(%rsp)
        mov     %r12, CPU_GPR + 8 * 12(%rsp)
        mov     %r13, CPU_GPR + 8 * 13(%rsp)
        mov     %r14, CPU_GPR + 8 * 14(%rsp)
        .endm

        .macro  SAVE_FLAGS
        lahf
        seto    %al
        mov     %eax, CPU_JIT_FLAGS(%rsp)
        .endm

/* Goes on at the host address in RAX with the guest's registers and flags; it may be an indirect
 * entry, which takes rip in R10. */
        .macro  RESUME
        mov     %rax, %r11
        mov     CPU_TLB(%rsp), %r10
        cmp     %r10, CPU_HOST_GS(%rsp)
        je      1f
        call    set_gs
1:      mov     CPU_RIP(%rsp), %r10
        mov     CPU_GPR + 8 * 1(%rsp), %rcx
        mov     CPU_GPR + 8 * 2(%rsp), %rdx
        mov     CPU_GPR + 8 * 3(%rsp), %rbx
        mov     CPU_GPR + 8 * 4(%rsp), %r9
        mov     CPU_GPR + 8 * 5(%rsp), %rbp
        mov     CPU_GPR + 8 * 6(%rsp), %rsi
        mov     CPU_GPR + 8 * 7(%rsp), %rdi
        mov     CPU_GPR + 8 * 8(%rsp), %r8
        mov     CPU_GPR + 8 * 12(%rsp), %r12
        mov     CPU_GPR + 8 * 13(%rsp), %r13
        mov     CPU_GPR + 8 * 14(%rsp), %r14
        mov     CPU_GPR + 8 * 9(%rsp), %r15
        mov     CPU_JIT_FLAGS(%rsp), %eax
        add     $0x7f, %al
        sahf
        mov     CPU_GPR(%rsp), %rax
        jmp     *%r11
        .endm

/* GS base = R10; keeps R11. */
        .type   set_gs, @function
set_gs:
        mov     %r10, CPU_HOST_GS + 8(%rsp)
        cmpq    $0, CPU_WRGSBASE + 8(%rsp)
        je      1f
        wrgsbase %r10
        ret
1:      push    %r11
        mov     $__NR_arch_prctl, %eax
        mov     $ARCH_SET_GS, %edi
        mov     %r10, %rsi
        syscall
        pop     %r11
        ret
        .size   set_gs, . - set_gs

/* The return address is the site's record: C gets Cpu and record. */
        .macro  STUB name, function, live
        .globl  \name
        .type   \name, @function
\name:
        pop     %r11
        mov     %rax, CPU_GPR(%rsp)
        .if     \live
        SAVE_FLAGS
        .endif
        SAVE_REGISTERS
        mov     %rsp, %rdi
        mov     %r11, %rsi
        call    \function
        RESUME
        .size   \name, . - \name
        .endm

        STUB    stub_callout, engine_callout, 1
        STUB    stub_callout_saved, engine_callout, 0
        STUB    stub_vector, engine_vector, 0
        STUB    stub_dispatch, engine_dispatch_at, 1
        STUB    stub_link, engine_link, 1

/* The same with the address in R10 between them; the flags are saved. */
        .macro  STUB_ADDRESS name, function
        .globl  \name
        .type   \name, @function
\name:
        pop     %r11
        mov     %rax, CPU_GPR(%rsp)
        SAVE_REGISTERS
        mov     %rsp, %rdi
        mov     %r10, %rsi
        mov     %r11, %rdx
        call    \function
        RESUME
        .size   \name, . - \name
        .endm

        STUB_ADDRESS stub_indirect, engine_indirect
        STUB_ADDRESS stub_fill, engine_fill
        STUB_ADDRESS stub_window, engine_window

/* R10 = rip that the FarSite in R11 leads to. */
        .macro  FAR_TARGET
        movslq  FAR_SITE_TARGET(%r11), %r10
        add     CPU_CODE_BASE(%rsp), %r10
        testb   $IN_CODE_64, CPU_MODE(%rsp)
        jnz     1f
        mov     %r10d, %r10d
1:
        .endm

        .globl  stub_far_link
        .type   stub_far_link, @function
stub_far_link:
        pop     %r11
        FAR_TARGET
        push    %r11
        jmp     stub_indirect
        .size   stub_far_link, . - stub_far_link

/* By the indirect-branch cache as translated code does it, which loses the record. What was chained
 * for another address space would come here for ever: now and then C gets to chain it anew. */
        .globl  stub_far
        .type   stub_far, @function
stub_far:
        pop     %r11
        FAR_TARGET
        mov     %r11, CPU_JIT_SAVE(%rsp)
        mov     %r10d, %r11d
        shl     $IBTC_SHIFT, %r11d
        xor     %r10d, %r11d
        and     $IBTC_PLACES, %r11d
        add     CPU_JIT_IBTC(%rsp), %r11
        cmp     %r10, (%r11)
        jne     1f
        incl    CPU_JIT_FAR(%rsp)
        testb   $FAR_RELINK, CPU_JIT_FAR(%rsp)
        jz      1f
        jmp     *8(%r11)
1:      push    CPU_JIT_SAVE(%rsp)
        jmp     stub_indirect
        .size   stub_far, . - stub_far

/* Where a host signal in translated code returns to: registers and flags are in the Cpu. */
        .globl  stub_fault
        .type   stub_fault, @function
stub_fault:
        mov     %rsp, %rdi
        call    engine_fault
        RESUME
        .size   stub_fault, . - stub_fault

/* void engine_enter(Cpu *cpu, const void *host) */
        .globl  engine_enter
        .type   engine_enter, @function
engine_enter:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        mov     %rsp, CPU_HOST_RSP(%rdi)
        mov     %rdi, %rsp
        movq    $0, CPU_HOST_GS(%rsp)   # another Cpu's, or nobody's
        mov     %rsi, %rax
        RESUME
        .size   engine_enter, . - engine_enter

        .globl  engine_leave
        .type   engine_leave, @function
engine_leave:
        mov     CPU_HOST_RSP(%rsp), %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret
        .size   engine_leave, . - engine_leave

        .section .note.GNU-stack, "", @progbits
