/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host_probe_code.S - into a probe and back, and what the probes run: see host_probe.h.  A fault
 * ends a piece at host_probe_leave as well, with R15 set again. */
#include "runtime/software_cpu/host_probe.h"

    .text
    .globl host_probe_enter64, host_probe_enter32, host_probe_leave
    .type host_probe_enter64, @function
    .type host_probe_enter32, @function
    .type host_probe_leave, @function

    .macro enter
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rdi, %r15
    mov %rsp, PROBE_RSP(%r15)
    mov %rsi, %r14
    lea host_probe_leave(%rip), %r13
    mov PROBE_GPR+0(%r15), %rax
    mov PROBE_GPR+8(%r15), %rcx
    mov PROBE_GPR+16(%r15), %rdx
    mov PROBE_GPR+24(%r15), %rbx
    mov PROBE_GPR+32(%r15), %rsp
    mov PROBE_GPR+40(%r15), %rbp
    mov PROBE_GPR+48(%r15), %rsi
    mov PROBE_GPR+56(%r15), %rdi
    mov $1, %r8d
    push PROBE_FLAGS(%r15)
    popfq
    .endm

/* (probe, code) */
host_probe_enter64:
    enter
    jmp *%r14

host_probe_enter32:
    enter
    ljmpl *PROBE_TARGET(%r15)

host_probe_leave:
    mov %rax, PROBE_GPR+0(%r15)
    mov %rcx, PROBE_GPR+8(%r15)
    mov %rdx, PROBE_GPR+16(%r15)
    mov %rbx, PROBE_GPR+24(%r15)
    mov %rsp, PROBE_GPR+32(%r15)
    mov %rbp, PROBE_GPR+40(%r15)
    mov %rsi, PROBE_GPR+48(%r15)
    mov %rdi, PROBE_GPR+56(%r15)
    mov %r8, PROBE_FX+512(%r15)
    lea PROBE_FLAGS+8(%r15), %rsp
    pushfq
    mov PROBE_RSP(%r15), %rsp
    push $2
    popfq
    fxsave64 PROBE_FX(%r15)
    fninit
    movl $0x1f80, -8(%rsp)
    ldmxcsr -8(%rsp)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* ---- 64-bit code: ends in the common way out ---- */

    .macro probe name
    .globl probe_\name
probe_\name:
    .endm
    .macro done
    jmp host_probe_leave
    .endm

probe repeat_flags
    repe cmpsq
    done
probe repeat_none
    addr32 rep stosb
    done
probe pause_rex
    .byte 0xf3, 0x41, 0x90
    done
probe x87_store_unmasked            /* an empty register is stored: #IS */
    fninit
    movw $0x37e, (%rbx)
    fldcw (%rbx)
    fists (%rdi)
    done
probe x87_opcode
    fninit
    flds (%rbx)
    fnstenv 64(%rbx)
    done
probe x87_store_masked
    fninit
    fists (%rdi)
    done
    .macro x87_busy                 /* TOP = 4, all empty */
    fninit
    fdecstp
    fdecstp
    fdecstp
    fdecstp
    .endm
probe mmx_store
    x87_busy
    movq %mm0, (%rdi)
    done
probe mmx_load
    x87_busy
    movq (%rdi), %mm0
    done
probe cvt_store                     /* MXCSR in EAX; a number that is not exact */
    mov %eax, (%rbx)
    ldmxcsr (%rbx)
    movl $0x33333333, (%rbx)
    vmovss (%rbx), %xmm0
    vcvtps2ph $0, %xmm0, (%rdi)
    done
probe move16
    movups (%rdi), %xmm0
    done
probe move32
    vmovups (%rdi), %ymm0
    vzeroupper
    done
probe vector16
    vpaddd (%rdi), %xmm0, %xmm0
    done
probe vector32
    vaddps (%rdi), %ymm0, %ymm0
    vzeroupper
    done
probe maskmovq                      /* mask in RAX */
    movq %rax, %mm1
    maskmovq %mm1, %mm0
    done
probe maskmovdqu
    movq %rax, %xmm1
    pxor %xmm0, %xmm0
    maskmovdqu %xmm1, %xmm0
    done
probe masked_store                  /* mask at RBX */
    vmovdqu (%rbx), %ymm1
    vmaskmovps %ymm0, %ymm1, (%rdi)
    vzeroupper
    done
probe masked_load
    vmovdqu (%rbx), %ymm1
    vmaskmovps (%rdi), %ymm1, %ymm0
    vzeroupper
    done
probe call                          /* below what the way in has pushed */
    lea -PROBE_ROOM(%rsp), %rsp
    call *%rax
    done
probe fbstp
    fninit
    movq $0x11223344, (%rbx)
    movl $0x04131211, 4(%rbx)
    fildll (%rbx)
    fbstp (%rdi)
    done
probe fstp
    fninit
    fldpi
    fstpt (%rdi)
    done
probe lar
    mov %cs, %ecx
    lar %ecx, %eax
    done

/* ---- 32-bit code, to be copied: DS, ES and SS are what 64-bit code leaves ---- */

    .macro probe32 name
    .globl probe32_\name, probe32_\name\()_end
probe32_\name:
    .endm
    .macro done32 name
probe32_\name\()_end:
    .endm

    .code32
probe32 push_segment
    lea -PROBE_ROOM(%esp), %esp
    pushl %fs
done32 push_segment
probe32 load
    mov %ss, %ecx
    mov %ecx, %ds
    movl (%edi), %eax
done32 load
probe32 pop
    popl %eax
done32 pop
    .code64

    .section .note.GNU-stack, "", @progbits
