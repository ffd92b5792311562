/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sector.S - a boot sector that measures 16-bit code: each loop's cycles of the time stamp counter, divided
 * by 1024, in hexadecimal on port E9h, a line each; then it leaves by isa-debug-exit. Its stack and
 * variables lie in other pages than its code. */
        .set    START, 0x600            /* variables */
        .set    SUM, 0x604
        .set    STACK, 0x6000
        .set    APIC_VERSION, 0xfee00030

        .macro  BEGIN
        rdtsc
        movl    %eax, START
        .endm

        .code16
        .globl  _start
_start: xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %ss
        movw    $STACK, %sp
        movw    $0x13, %ax              /* 320 x 200 in 256 colours */
        int     $0x10
        cli
        lgdt    gdtr
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        movw    $8, %cx
        movw    %cx, %fs                /* 4 GiB in real mode too */
        decw    %ax
        movl    %eax, %cr0

        movw    $0xa000, %ax            /* draw */
        movw    %ax, %es
        BEGIN
        movw    $20, %bp
1:      xorw    %di, %di
        movw    $64000, %cx
2:      movw    %di, %ax
        addw    %bp, %ax
        movb    %al, %es:(%di)
        incw    %di
        loop    2b
        decw    %bp
        jnz     1b
        call    report

        movw    $0x2000, %ax            /* call */
        movw    %ax, %es
        BEGIN
        movw    $20, %bp
1:      xorw    %di, %di
        movw    $64000, %cx
2:      movw    %di, %ax
        stosb
        pushw   %cx
        call    leaf
        popw    %cx
        loop    2b
        decw    %bp
        jnz     1b
        call    report

        BEGIN                           /* integer */
        movl    $1280000, %ecx
1:      imull   $1103515245, %ebx, %ebx
        addl    $12345, %ebx
        movw    %bx, %ax
        shrw    $3, %ax
        xorw    %ax, %dx
        addw    %dx, SUM
        decl    %ecx
        jnz     1b
        call    report

        BEGIN                           /* segment */
        movl    $1280000, %ecx
        movw    $0x1000, %bp
1:      movw    %bp, %es
        pushw   %es
        popw    %ds
        movb    (%si), %al
        decl    %ecx
        jnz     1b
        movw    %cx, %ds
        call    report

        movw    $1f, 4 * 0x60           /* interrupt */
        movw    %cx, 4 * 0x60 + 2
        BEGIN
        movl    $1280000, %ecx
2:      int     $0x60
        decl    %ecx
        jnz     2b
        call    report

        BEGIN                           /* in */
        movl    $1280000, %ecx
3:      inb     $0x21, %al
        decl    %ecx
        jnz     3b
        call    report

        BEGIN                           /* mmio */
        movl    $1280000, %ecx
        movl    $APIC_VERSION, %esi
3:      movl    %fs:(%esi), %eax
        decl    %ecx
        jnz     3b
        call    report

        movw    $0xf4, %dx
        outb    %al, %dx
        hlt

1:      incw    %bp
        iret

leaf:   addb    %al, SUM
        ret

report: rdtsc
        subl    START, %eax
        shrl    $10, %eax
        movl    %eax, %ebx
        movw    $8, %cx
        movw    $0xe9, %dx
1:      roll    $4, %ebx
        movb    %bl, %al
        andb    $15, %al
        cmpb    $10, %al
        sbbb    $0x69, %al              /* the digit's character */
        das
        outb    %al, %dx
        loop    1b
        movb    $10, %al
        outb    %al, %dx
        ret

gdtr:   .word   15
        .long   gdt
gdt:    .quad   0, 0x00cf93000000ffff
        .org    510
        .word   0xaa55
