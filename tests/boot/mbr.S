/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mbr.S - the smallest guest of the BIOS: a boot sector that prints by INT 10h, reads and writes its
 * disk by INT 13h, and leaves through isa-debug-exit at port 0xf4: 0x20 if all was well.
 *
 * Sector 1 of the disk holds "sector one"; it is copied to sector 2 by LBA, or to cylinder 0, head 0,
 * sector 3 where there are no extensions (a floppy). */
        .code16
        .section .text
        .globl _start

        .set    BUFFER, 0x8000

_start: ljmp    $0, $1f
1:      xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7c00, %sp
        movb    %dl, drive
        movw    $hello, %si
        call    print
        movb    drive, %al
        call    hex
        movw    $line_end, %si
        call    print

        movb    $0x41, %ah              /* extensions? */
        movw    $0x55aa, %bx
        movb    drive, %dl
        int     $0x13
        jc      old
        cmpw    $0xaa55, %bx
        jne     old
        movb    $0x42, %ah
        call    by_packet
        incw    packet + 8
        movb    $0x43, %ah
        call    by_packet
        movw    $by_lba, %si
        jmp     compare

old:    movw    $0x0201, %ax
        movw    $0x0002, %cx
        call    by_geometry
        movw    $0x0301, %ax
        movw    $0x0003, %cx
        call    by_geometry
        movw    $by_chs, %si

compare:
        call    print
        movw    $BUFFER, %di
        movw    $expected, %si
        movw    $(expected_end - expected), %cx
        repe cmpsb
        jne     fail
        movw    $good, %si
        movw    $0x20, %bp
        jmp     leave
fail:   movw    $bad, %si
        movw    $0x21, %bp
leave:  call    print
        sti
        hlt                             /* two ticks: the BIOS prints behind its back */
        hlt
        hlt
        movw    %bp, %ax
        outb    %al, $0xf4

by_packet:
        xorb    %al, %al                /* write without verifying */
        movb    drive, %dl
        movw    $packet, %si
        int     $0x13
        jc      fail
        ret

by_geometry:
        movw    $BUFFER, %bx
        movb    $0, %dh
        movb    drive, %dl
        int     $0x13
        jc      fail
        ret

hex:    movb    %al, %bl                /* prints AL */
        shrb    $4, %al
        call    digit
        movb    %bl, %al
        andb    $0x0f, %al
digit:  addb    $'0', %al
        cmpb    $'9', %al
        jbe     put
        addb    $('a' - '0' - 10), %al
put:    pushw   %bx
        movb    $0x0e, %ah
        movw    $7, %bx
        int     $0x10
        popw    %bx
        ret

1:      call    put
print:  lodsb
        testb   %al, %al
        jnz     1b
        ret

        .align  4
packet: .byte   16, 0
        .word   1, BUFFER, 0
        .quad   1
drive:  .byte   0
hello:  .asciz  "mbr: started from drive "
by_lba: .asciz  "mbr: by LBA: "
by_chs: .asciz  "mbr: by geometry: "
good:   .asciz  "good\r\n"
bad:    .ascii  "bad"
line_end:
        .asciz  "\r\n"
expected:
        .ascii  "sector one"
expected_end:
        .org    510
        .word   0xaa55
