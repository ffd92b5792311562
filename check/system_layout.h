/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_SYSTEM_LAYOUT_H
#define CHECK_SYSTEM_LAYOUT_H
/* system_layout.h - where everything lies in the memory of a test of doppel-check system; read by
 * the assembler too.  Guest physical addresses, which are linear ones as well wherever root A of
 * the page tables applies.  All that 16-bit code must reach is below 64 KiB. */
#define SYS_IVT       0x0000
#define SYS_GDT       0x1000
#define SYS_IDT       0x2000
#define SYS_TSS       0x3000 /* of the test: 32-bit, 64-bit in long mode */
#define SYS_TSS_B     0x3200 /* another 32-bit task */
#define SYS_TSS_C     0x3400 /* a 16-bit task */
#define SYS_LDT       0x3600
#define SYS_START     0x4000 /* what the launch code loads */
#define SYS_STATE     0x4200 /* what the last handler stores */
#define SYS_NEXT      0x4400 /* 16 bits by offset in the code window: the next instruction */
#define SYS_BACK      0x4800 /* 0, or where to jump to when all is done: flat 32-bit code */
#define SYS_BACK_SIZE 0x80   /* with a stack for the way there */
#define SYS_LOG       0x5000 /* count, then entries from SYS_ENTRY bytes on */
#define SYS_CODE      0x6000 /* two pages */
#define SYS_KERNEL    0x8000 /* two pages: system_kernel.S */
#define SYS_DATA      0xa000 /* two pages to read and write, */
#define SYS_ODD       0xc000 /* one that is less than that */
#define SYS_STACK3    0xd000 /* a page each; the stack starts in its middle */
#define SYS_STACK0    0xe000
#define SYS_STACKS    0xf000 /* of rings 1 and 2, double faults and tasks */

/* Page tables, roots A and B; B has the data pages swapped. */
#define SYS_PML4      0x10000
#define SYS_PDPT      0x11000
#define SYS_PD        0x12000
#define SYS_PT        0x13000
#define SYS_PD32      0x14000
#define SYS_PT32      0x15000
#define SYS_ROOT_STEP 0x6000  /* from a table of A to the one of B */
#define SYS_PAE       0x1c000 /* four PDPTEs, B's 32 bytes further on */
#define SYS_SIZE      0x20000

/* Behind it, where there is no PC: SMM's handler and state map, and pages of a device. A read there
 * raises bits 11 to 13 of the offset, as SYS_EVENT_*, and gives bits 1 to 9. */
#define SYS_SMBASE      0x18000 /* the handler is at SYS_SIZE */
#define SYS_RAM         0x28000
#define SYS_EVENTS      0x28000
#define SYS_EVENTS_SIZE 0x4000

/* Code of a test lies around a page boundary. */
#define SYS_WINDOW      0x6f00
#define SYS_WINDOW_SIZE 0x200
#define SYS_NEXT_END    0xffff /* in SYS_NEXT: the test is over */

#define SYS_ENTRY    128
#define SYS_ENTRIES  24
#define SYS_RAISED   0x4c /* vector of the interrupt from outside: PIC at 48h, IRQ 4 */
#define SYS_VECTORS  0x50
#define SYS_STUB     16    /* bytes between the entries of two vectors */
#define SYS_PORT_IER 0x3f9 /* of the serial port: 2 raises the interrupt, 0 takes it back */

/* Sixteen ports from here on: any write raises the bits of its number. Not on a PC. */
#define SYS_PORT_EVENT  0xe0
#define SYS_EVENT_INTR  1
#define SYS_EVENT_NMI   2
#define SYS_EVENT_SMI   4
#define SYS_EVENT_BLOCK 8 /* NMIs are blocked first, as in the handler of one */

#define SYS_REAL      0 /* StartBlock.kind */
#define SYS_PROTECTED 1
#define SYS_LONG      2

/* Offsets in the start block. */
#define START_GDTR   0x00
#define START_IDTR   0x08
#define START_KIND   0x10
#define START_CR0    0x14
#define START_CR3    0x18
#define START_CR4    0x1c
#define START_LDTR   0x20
#define START_TR     0x22
#define START_SEG    0x24  /* ES, DS, FS, GS */
#define START_SP     0x30  /* then SS: loaded first, for frames on the test's own stack */
#define START_FRAMES 0x38  /* number of slots, */
#define START_FRAME  0x40  /* and 9 of 64 bits, in the order of pushing */
#define START_GPR    0x90  /* 16 of 64 bits */
#define START_DR     0x110 /* 0 to 3, 6, 7: 32 bits each */
#define START_MSRS   0x130 /* before paging: index, low, high; index 0 ends */
#define START_LATE   0x1c0 /* behind the segment registers */
#define START_WAKE   0x1f0 /* SYS_EVENT_*: what ends a HLT of the test's own; a byte */
#define START_SMM    0x1f1 /* which handler SMIs have; a byte */

/* Offsets in the state block. */
#define STATE_GPR  0x00 /* 16 of 64 bits, RSP that of the handler */
#define STATE_CR   0x80 /* 0, 2, 3, 4: 64 bits each */
#define STATE_DR   0xa0 /* 0 to 3, 6, 7: 64 bits each */
#define STATE_GDTR 0xd0
#define STATE_IDTR 0xe0
#define STATE_SEG  0xf0  /* ES, DS, FS, GS, LDTR, TR: 16 bits each; the first two in the frame */
#define STATE_DONE 0xfe  /* width of the handler that came to the end */
#define STATE_MSR  0x100 /* 64 bits each, of the list in system_kernel.S */
#define STATE_MSRS 14

/* The runner on a PC (system_runner.S): mailbox and slots, in memory shared with the host. */
#define RUNNER_BASE      0x200000
#define MAILBOX          0x1000000
#define MAILBOX_WANTED   0 /* number of the batch that is to be run; the host's */
#define MAILBOX_FINISHED 4 /* and of the last one that has been */
#define MAILBOX_TESTS    8 /* in the batch */
#define MAILBOX_CURRENT  12
#define MAILBOX_STATE    64 /* SLOT_*, 32 bits each */
#define SLOTS            0x1100000
#define SLOT_SHIFT       17 /* SYS_SIZE each */
#define SLOT_COUNT       128
#define SLOT_READY       0
#define SLOT_RUNNING     1
#define SLOT_DONE        2
#define SLOT_RESET       3 /* the CPU shut down */
#define SLOT_HUNG        4 /* the host gave up waiting */
#define PEER_RAM         0x4000000

#endif
