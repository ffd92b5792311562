/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hotplug.asl - PCI devices that come and go on bus 0, included; pci_hotplug.c has the registers. */
    Scope (\_SB.PCI0)
    {
        OperationRegion (HPRG, SystemIO, 0xAE00, 0x14)
        Field (HPRG, DWordAcc, NoLock, WriteAsZeros)
        {
            HPUP, 32, /* have come */
            HPDN, 32, /* are to go */
            HPEJ, 32, /* may go */
            HPRM, 32,
            HPBS, 32  /* bus */
        }

        Method (EJCT, 1, Serialized) /* slot */
        {
            Store (0, HPBS)
            Store (ShiftLeft (1, Arg0), HPEJ)
        }

        Device (S10) { Name (_ADR, 0x00020000) Name (_SUN, 2) Method (_EJ0, 1) { EJCT (2) } }
        Device (S18) { Name (_ADR, 0x00030000) Name (_SUN, 3) Method (_EJ0, 1) { EJCT (3) } }
        Device (S20) { Name (_ADR, 0x00040000) Name (_SUN, 4) Method (_EJ0, 1) { EJCT (4) } }
        Device (S28) { Name (_ADR, 0x00050000) Name (_SUN, 5) Method (_EJ0, 1) { EJCT (5) } }
        Device (S30) { Name (_ADR, 0x00060000) Name (_SUN, 6) Method (_EJ0, 1) { EJCT (6) } }
        Device (S38) { Name (_ADR, 0x00070000) Name (_SUN, 7) Method (_EJ0, 1) { EJCT (7) } }
        Device (S40) { Name (_ADR, 0x00080000) Name (_SUN, 8) Method (_EJ0, 1) { EJCT (8) } }
        Device (S48) { Name (_ADR, 0x00090000) Name (_SUN, 9) Method (_EJ0, 1) { EJCT (9) } }
        Device (S50) { Name (_ADR, 0x000A0000) Name (_SUN, 10) Method (_EJ0, 1) { EJCT (10) } }
        Device (S58) { Name (_ADR, 0x000B0000) Name (_SUN, 11) Method (_EJ0, 1) { EJCT (11) } }
        Device (S60) { Name (_ADR, 0x000C0000) Name (_SUN, 12) Method (_EJ0, 1) { EJCT (12) } }
        Device (S68) { Name (_ADR, 0x000D0000) Name (_SUN, 13) Method (_EJ0, 1) { EJCT (13) } }
        Device (S70) { Name (_ADR, 0x000E0000) Name (_SUN, 14) Method (_EJ0, 1) { EJCT (14) } }
        Device (S78) { Name (_ADR, 0x000F0000) Name (_SUN, 15) Method (_EJ0, 1) { EJCT (15) } }
        Device (S80) { Name (_ADR, 0x00100000) Name (_SUN, 16) Method (_EJ0, 1) { EJCT (16) } }
        Device (S88) { Name (_ADR, 0x00110000) Name (_SUN, 17) Method (_EJ0, 1) { EJCT (17) } }
        Device (S90) { Name (_ADR, 0x00120000) Name (_SUN, 18) Method (_EJ0, 1) { EJCT (18) } }
        Device (S98) { Name (_ADR, 0x00130000) Name (_SUN, 19) Method (_EJ0, 1) { EJCT (19) } }
        Device (SA0) { Name (_ADR, 0x00140000) Name (_SUN, 20) Method (_EJ0, 1) { EJCT (20) } }
        Device (SA8) { Name (_ADR, 0x00150000) Name (_SUN, 21) Method (_EJ0, 1) { EJCT (21) } }
        Device (SB0) { Name (_ADR, 0x00160000) Name (_SUN, 22) Method (_EJ0, 1) { EJCT (22) } }
        Device (SB8) { Name (_ADR, 0x00170000) Name (_SUN, 23) Method (_EJ0, 1) { EJCT (23) } }
        Device (SC0) { Name (_ADR, 0x00180000) Name (_SUN, 24) Method (_EJ0, 1) { EJCT (24) } }
        Device (SC8) { Name (_ADR, 0x00190000) Name (_SUN, 25) Method (_EJ0, 1) { EJCT (25) } }
        Device (SD0) { Name (_ADR, 0x001A0000) Name (_SUN, 26) Method (_EJ0, 1) { EJCT (26) } }
        Device (SD8) { Name (_ADR, 0x001B0000) Name (_SUN, 27) Method (_EJ0, 1) { EJCT (27) } }
        Device (SE0) { Name (_ADR, 0x001C0000) Name (_SUN, 28) Method (_EJ0, 1) { EJCT (28) } }
        Device (SE8) { Name (_ADR, 0x001D0000) Name (_SUN, 29) Method (_EJ0, 1) { EJCT (29) } }
        Device (SF0) { Name (_ADR, 0x001E0000) Name (_SUN, 30) Method (_EJ0, 1) { EJCT (30) } }
        Device (SF8) { Name (_ADR, 0x001F0000) Name (_SUN, 31) Method (_EJ0, 1) { EJCT (31) } }

        Method (DVNT, 2) /* slots, event */
        {
            If (And (Arg0, 0x00000004)) { Notify (S10, Arg1) }
            If (And (Arg0, 0x00000008)) { Notify (S18, Arg1) }
            If (And (Arg0, 0x00000010)) { Notify (S20, Arg1) }
            If (And (Arg0, 0x00000020)) { Notify (S28, Arg1) }
            If (And (Arg0, 0x00000040)) { Notify (S30, Arg1) }
            If (And (Arg0, 0x00000080)) { Notify (S38, Arg1) }
            If (And (Arg0, 0x00000100)) { Notify (S40, Arg1) }
            If (And (Arg0, 0x00000200)) { Notify (S48, Arg1) }
            If (And (Arg0, 0x00000400)) { Notify (S50, Arg1) }
            If (And (Arg0, 0x00000800)) { Notify (S58, Arg1) }
            If (And (Arg0, 0x00001000)) { Notify (S60, Arg1) }
            If (And (Arg0, 0x00002000)) { Notify (S68, Arg1) }
            If (And (Arg0, 0x00004000)) { Notify (S70, Arg1) }
            If (And (Arg0, 0x00008000)) { Notify (S78, Arg1) }
            If (And (Arg0, 0x00010000)) { Notify (S80, Arg1) }
            If (And (Arg0, 0x00020000)) { Notify (S88, Arg1) }
            If (And (Arg0, 0x00040000)) { Notify (S90, Arg1) }
            If (And (Arg0, 0x00080000)) { Notify (S98, Arg1) }
            If (And (Arg0, 0x00100000)) { Notify (SA0, Arg1) }
            If (And (Arg0, 0x00200000)) { Notify (SA8, Arg1) }
            If (And (Arg0, 0x00400000)) { Notify (SB0, Arg1) }
            If (And (Arg0, 0x00800000)) { Notify (SB8, Arg1) }
            If (And (Arg0, 0x01000000)) { Notify (SC0, Arg1) }
            If (And (Arg0, 0x02000000)) { Notify (SC8, Arg1) }
            If (And (Arg0, 0x04000000)) { Notify (SD0, Arg1) }
            If (And (Arg0, 0x08000000)) { Notify (SD8, Arg1) }
            If (And (Arg0, 0x10000000)) { Notify (SE0, Arg1) }
            If (And (Arg0, 0x20000000)) { Notify (SE8, Arg1) }
            If (And (Arg0, 0x40000000)) { Notify (SF0, Arg1) }
            If (And (Arg0, 0x80000000)) { Notify (SF8, Arg1) }
        }

        Method (PCNT, 0, Serialized)
        {
            Store (0, HPBS)
            DVNT (HPUP, 1)
            DVNT (HPDN, 3)
        }
    }

    Scope (\_GPE)
    {
        Method (_E01) { \_SB.PCI0.PCNT () }
    }
