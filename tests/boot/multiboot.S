/* SPDX-License-Identifier: GPL-2.0-or-later */
/* multiboot.S - the smallest multiboot guest: prints what the loader told it on the first serial
 * port, checks a few things, and leaves through isa-debug-exit at port 0xf4: 0x20 if all was well.
 * Built as an ELF file, and with FLAT defined as a flat file with addresses in its header. */
        .code32
        .section .text
        .globl _start

        .set    MAGIC, 0x1badb002
#ifdef FLAT
        .set    FLAGS, 0x10003
#else
        .set    FLAGS, 0x3
#endif

        .align  4
header: .long   MAGIC, FLAGS, -(MAGIC + FLAGS)
#ifdef FLAT
        .long   header, _load_start, _load_end, _bss_end, _start
#endif

_start: movl    $stack_top, %esp
        movl    %ebx, %esi              /* the information */
        movl    $message_bad, %edi
        cmpl    $0x2badb002, %eax
        jne     fail
        cmpl    $0, bss_word            /* cleared by the loader */
        jne     fail
        movl    %cr0, %eax
        andl    $0x80000001, %eax       /* protected mode, no paging */
        cmpl    $1, %eax
        jne     fail
        movl    (%esi), %eax
        andl    $0x4d, %eax             /* memory, command line, modules, memory map */
        cmpl    $0x4d, %eax
        jne     fail

        movl    $message_line, %edi
        call    print
        movl    16(%esi), %edi
        call    print
        call    newline

        movl    20(%esi), %ebp          /* modules */
        movl    24(%esi), %ebx
1:      testl   %ebp, %ebp
        jz      2f
        movl    $message_module, %edi
        call    print
        movl    8(%ebx), %edi
        call    print
        movl    $message_is, %edi
        call    print
        movl    (%ebx), %edi            /* a text file: print its contents */
        movl    4(%ebx), %ecx
        subl    %edi, %ecx
        call    print_bytes
        call    newline
        addl    $16, %ebx
        decl    %ebp
        jmp     1b

2:      movl    $0x20, %eax
        outl    %eax, $0xf4
        hlt

fail:   call    print
        movl    $1, %eax
        outl    %eax, $0xf4
        hlt

newline:
        movb    $10, %al
        jmp     putc
print:  movb    (%edi), %al
        testb   %al, %al
        jz      1f
        call    putc
        incl    %edi
        jmp     print
1:      ret
print_bytes:
        jecxz   1f
        movb    (%edi), %al
        call    putc
        incl    %edi
        decl    %ecx
        jmp     print_bytes
1:      ret
putc:   movw    $0x3f8, %dx
        outb    %al, %dx
        ret

        .section .data
message_bad:    .asciz  "multiboot: bad start\n"
message_line:   .asciz  "multiboot: line "
message_module: .asciz  "multiboot: module "
message_is:     .asciz  " is "

        .section .bss
bss_word: .skip 4
        .skip   4096
stack_top:
        .section .note.GNU-stack, "", @progbits
