/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dsdt.asl - what of the board does not depend on the command line. An SSDT that tables.c makes has
 * the rest: \CFGB (bits 0 to 3: COM1 to COM4 are there; bit 4: the HPET; bit 5: pvpanic) and the processors.
 *
 * Interrupt routing: INTx of a slot goes to PIRQ (slot + INTx - 1) & 3, as pc.c wires it; the
 * PIIX3 routes PIRQs to ISA interrupts, which are the I/O APIC's inputs of the same number. */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "BOCHS ", "BXPC    ", 1)
{
    External (\CFGB, IntObj)

    Name (\_S5, Package () { 0, 0, 0, 0 })

    Scope (\_SB)
    {
        Method (HAVE, 1) /* _STA of what bit Arg0 of CFGB tells */
        {
            If (LNotEqual (And (\CFGB, ShiftLeft (1, Arg0)), 0)) { Return (0x0F) }
            Return (0)
        }

        Device (PCI0)
        {
            Name (_HID, EISAID ("PNP0A03"))
            Name (_UID, 0)
            Name (_BBN, 0)
            Name (_CRS, ResourceTemplate () {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0, 0xFF, 0, 0x100)
                IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0000, 0x0CF7, 0, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0D00, 0xFFFF, 0, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0xC0000000, 0xFEBFFFFF, 0, 0x3EC00000)
            })

            Device (PM)
            {
                Name (_ADR, 0x00010003)
            }

            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRR, PCI_Config, 0x60, 4)
                Field (PIRR, ByteAcc, NoLock, Preserve)
                {
                    PRQA, 8,
                    PRQB, 8,
                    PRQC, 8,
                    PRQD, 8
                }
            }
        }
    }

    Scope (\_SB)
    {
    /* ---- Interrupt links ---- */

    Name (LPRS, ResourceTemplate () {
        Interrupt (, Level, ActiveHigh, Shared) { 5, 10, 11 }
    })
    Method (LSTA, 1)
    {
        If (And (Arg0, 0x80)) { Return (0x09) }
        Return (0x0B)
    }
    Method (LCRS, 1, Serialized)
    {
        Name (BUFF, ResourceTemplate () {
            Interrupt (, Level, ActiveHigh, Shared) { 0 }
        })
        CreateDWordField (BUFF, 5, INUM)
        If (LEqual (And (Arg0, 0x80), 0)) { Store (Arg0, INUM) }
        Return (BUFF)
    }

    Device (LNKA)
    {
        Name (_HID, EISAID ("PNP0C0F"))
        Name (_UID, 1)
        Method (_STA) { Return (\_SB.LSTA (\_SB.PCI0.ISA.PRQA)) }
        Method (_DIS) { Or (\_SB.PCI0.ISA.PRQA, 0x80, \_SB.PCI0.ISA.PRQA) }
        Method (_PRS) { Return (\_SB.LPRS) }
        Method (_CRS, 0, Serialized) { Return (\_SB.LCRS (\_SB.PCI0.ISA.PRQA)) }
        Method (_SRS, 1)
        {
            CreateDWordField (Arg0, 5, INUM)
            Store (INUM, \_SB.PCI0.ISA.PRQA)
        }
    }

    Device (LNKB)
    {
        Name (_HID, EISAID ("PNP0C0F"))
        Name (_UID, 2)
        Method (_STA) { Return (\_SB.LSTA (\_SB.PCI0.ISA.PRQB)) }
        Method (_DIS) { Or (\_SB.PCI0.ISA.PRQB, 0x80, \_SB.PCI0.ISA.PRQB) }
        Method (_PRS) { Return (\_SB.LPRS) }
        Method (_CRS, 0, Serialized) { Return (\_SB.LCRS (\_SB.PCI0.ISA.PRQB)) }
        Method (_SRS, 1)
        {
            CreateDWordField (Arg0, 5, INUM)
            Store (INUM, \_SB.PCI0.ISA.PRQB)
        }
    }

    Device (LNKC)
    {
        Name (_HID, EISAID ("PNP0C0F"))
        Name (_UID, 3)
        Method (_STA) { Return (\_SB.LSTA (\_SB.PCI0.ISA.PRQC)) }
        Method (_DIS) { Or (\_SB.PCI0.ISA.PRQC, 0x80, \_SB.PCI0.ISA.PRQC) }
        Method (_PRS) { Return (\_SB.LPRS) }
        Method (_CRS, 0, Serialized) { Return (\_SB.LCRS (\_SB.PCI0.ISA.PRQC)) }
        Method (_SRS, 1)
        {
            CreateDWordField (Arg0, 5, INUM)
            Store (INUM, \_SB.PCI0.ISA.PRQC)
        }
    }

    Device (LNKD)
    {
        Name (_HID, EISAID ("PNP0C0F"))
        Name (_UID, 4)
        Method (_STA) { Return (\_SB.LSTA (\_SB.PCI0.ISA.PRQD)) }
        Method (_DIS) { Or (\_SB.PCI0.ISA.PRQD, 0x80, \_SB.PCI0.ISA.PRQD) }
        Method (_PRS) { Return (\_SB.LPRS) }
        Method (_CRS, 0, Serialized) { Return (\_SB.LCRS (\_SB.PCI0.ISA.PRQD)) }
        Method (_SRS, 1)
        {
            CreateDWordField (Arg0, 5, INUM)
            Store (INUM, \_SB.PCI0.ISA.PRQD)
        }
    }

    Device (LNKS) /* the system control interrupt */
    {
        Name (_HID, EISAID ("PNP0C0F"))
        Name (_UID, 5)
        Name (_PRS, ResourceTemplate () {
            Interrupt (, Level, ActiveHigh, Shared) { 9 }
        })
        Method (_STA) { Return (0x0B) }
        Method (_DIS) { }
        Method (_CRS) { Return (_PRS) }
        Method (_SRS, 1) { }
    }
    }

    Scope (\_SB.PCI0)
    {
        Name (_PRT, Package () {
            Package () { 0x0000FFFF, 0, LNKD, 0 }, Package () { 0x0000FFFF, 1, LNKA, 0 },
            Package () { 0x0000FFFF, 2, LNKB, 0 }, Package () { 0x0000FFFF, 3, LNKC, 0 },
            Package () { 0x0001FFFF, 0, LNKS, 0 }, Package () { 0x0001FFFF, 1, LNKB, 0 },
            Package () { 0x0001FFFF, 2, LNKC, 0 }, Package () { 0x0001FFFF, 3, LNKD, 0 },
            Package () { 0x0002FFFF, 0, LNKB, 0 }, Package () { 0x0002FFFF, 1, LNKC, 0 },
            Package () { 0x0002FFFF, 2, LNKD, 0 }, Package () { 0x0002FFFF, 3, LNKA, 0 },
            Package () { 0x0003FFFF, 0, LNKC, 0 }, Package () { 0x0003FFFF, 1, LNKD, 0 },
            Package () { 0x0003FFFF, 2, LNKA, 0 }, Package () { 0x0003FFFF, 3, LNKB, 0 },
            Package () { 0x0004FFFF, 0, LNKD, 0 }, Package () { 0x0004FFFF, 1, LNKA, 0 },
            Package () { 0x0004FFFF, 2, LNKB, 0 }, Package () { 0x0004FFFF, 3, LNKC, 0 },
            Package () { 0x0005FFFF, 0, LNKA, 0 }, Package () { 0x0005FFFF, 1, LNKB, 0 },
            Package () { 0x0005FFFF, 2, LNKC, 0 }, Package () { 0x0005FFFF, 3, LNKD, 0 },
            Package () { 0x0006FFFF, 0, LNKB, 0 }, Package () { 0x0006FFFF, 1, LNKC, 0 },
            Package () { 0x0006FFFF, 2, LNKD, 0 }, Package () { 0x0006FFFF, 3, LNKA, 0 },
            Package () { 0x0007FFFF, 0, LNKC, 0 }, Package () { 0x0007FFFF, 1, LNKD, 0 },
            Package () { 0x0007FFFF, 2, LNKA, 0 }, Package () { 0x0007FFFF, 3, LNKB, 0 },
            Package () { 0x0008FFFF, 0, LNKD, 0 }, Package () { 0x0008FFFF, 1, LNKA, 0 },
            Package () { 0x0008FFFF, 2, LNKB, 0 }, Package () { 0x0008FFFF, 3, LNKC, 0 },
            Package () { 0x0009FFFF, 0, LNKA, 0 }, Package () { 0x0009FFFF, 1, LNKB, 0 },
            Package () { 0x0009FFFF, 2, LNKC, 0 }, Package () { 0x0009FFFF, 3, LNKD, 0 },
            Package () { 0x000AFFFF, 0, LNKB, 0 }, Package () { 0x000AFFFF, 1, LNKC, 0 },
            Package () { 0x000AFFFF, 2, LNKD, 0 }, Package () { 0x000AFFFF, 3, LNKA, 0 },
            Package () { 0x000BFFFF, 0, LNKC, 0 }, Package () { 0x000BFFFF, 1, LNKD, 0 },
            Package () { 0x000BFFFF, 2, LNKA, 0 }, Package () { 0x000BFFFF, 3, LNKB, 0 },
            Package () { 0x000CFFFF, 0, LNKD, 0 }, Package () { 0x000CFFFF, 1, LNKA, 0 },
            Package () { 0x000CFFFF, 2, LNKB, 0 }, Package () { 0x000CFFFF, 3, LNKC, 0 },
            Package () { 0x000DFFFF, 0, LNKA, 0 }, Package () { 0x000DFFFF, 1, LNKB, 0 },
            Package () { 0x000DFFFF, 2, LNKC, 0 }, Package () { 0x000DFFFF, 3, LNKD, 0 },
            Package () { 0x000EFFFF, 0, LNKB, 0 }, Package () { 0x000EFFFF, 1, LNKC, 0 },
            Package () { 0x000EFFFF, 2, LNKD, 0 }, Package () { 0x000EFFFF, 3, LNKA, 0 },
            Package () { 0x000FFFFF, 0, LNKC, 0 }, Package () { 0x000FFFFF, 1, LNKD, 0 },
            Package () { 0x000FFFFF, 2, LNKA, 0 }, Package () { 0x000FFFFF, 3, LNKB, 0 },
            Package () { 0x0010FFFF, 0, LNKD, 0 }, Package () { 0x0010FFFF, 1, LNKA, 0 },
            Package () { 0x0010FFFF, 2, LNKB, 0 }, Package () { 0x0010FFFF, 3, LNKC, 0 },
            Package () { 0x0011FFFF, 0, LNKA, 0 }, Package () { 0x0011FFFF, 1, LNKB, 0 },
            Package () { 0x0011FFFF, 2, LNKC, 0 }, Package () { 0x0011FFFF, 3, LNKD, 0 },
            Package () { 0x0012FFFF, 0, LNKB, 0 }, Package () { 0x0012FFFF, 1, LNKC, 0 },
            Package () { 0x0012FFFF, 2, LNKD, 0 }, Package () { 0x0012FFFF, 3, LNKA, 0 },
            Package () { 0x0013FFFF, 0, LNKC, 0 }, Package () { 0x0013FFFF, 1, LNKD, 0 },
            Package () { 0x0013FFFF, 2, LNKA, 0 }, Package () { 0x0013FFFF, 3, LNKB, 0 },
            Package () { 0x0014FFFF, 0, LNKD, 0 }, Package () { 0x0014FFFF, 1, LNKA, 0 },
            Package () { 0x0014FFFF, 2, LNKB, 0 }, Package () { 0x0014FFFF, 3, LNKC, 0 },
            Package () { 0x0015FFFF, 0, LNKA, 0 }, Package () { 0x0015FFFF, 1, LNKB, 0 },
            Package () { 0x0015FFFF, 2, LNKC, 0 }, Package () { 0x0015FFFF, 3, LNKD, 0 },
            Package () { 0x0016FFFF, 0, LNKB, 0 }, Package () { 0x0016FFFF, 1, LNKC, 0 },
            Package () { 0x0016FFFF, 2, LNKD, 0 }, Package () { 0x0016FFFF, 3, LNKA, 0 },
            Package () { 0x0017FFFF, 0, LNKC, 0 }, Package () { 0x0017FFFF, 1, LNKD, 0 },
            Package () { 0x0017FFFF, 2, LNKA, 0 }, Package () { 0x0017FFFF, 3, LNKB, 0 },
            Package () { 0x0018FFFF, 0, LNKD, 0 }, Package () { 0x0018FFFF, 1, LNKA, 0 },
            Package () { 0x0018FFFF, 2, LNKB, 0 }, Package () { 0x0018FFFF, 3, LNKC, 0 },
            Package () { 0x0019FFFF, 0, LNKA, 0 }, Package () { 0x0019FFFF, 1, LNKB, 0 },
            Package () { 0x0019FFFF, 2, LNKC, 0 }, Package () { 0x0019FFFF, 3, LNKD, 0 },
            Package () { 0x001AFFFF, 0, LNKB, 0 }, Package () { 0x001AFFFF, 1, LNKC, 0 },
            Package () { 0x001AFFFF, 2, LNKD, 0 }, Package () { 0x001AFFFF, 3, LNKA, 0 },
            Package () { 0x001BFFFF, 0, LNKC, 0 }, Package () { 0x001BFFFF, 1, LNKD, 0 },
            Package () { 0x001BFFFF, 2, LNKA, 0 }, Package () { 0x001BFFFF, 3, LNKB, 0 },
            Package () { 0x001CFFFF, 0, LNKD, 0 }, Package () { 0x001CFFFF, 1, LNKA, 0 },
            Package () { 0x001CFFFF, 2, LNKB, 0 }, Package () { 0x001CFFFF, 3, LNKC, 0 },
            Package () { 0x001DFFFF, 0, LNKA, 0 }, Package () { 0x001DFFFF, 1, LNKB, 0 },
            Package () { 0x001DFFFF, 2, LNKC, 0 }, Package () { 0x001DFFFF, 3, LNKD, 0 },
            Package () { 0x001EFFFF, 0, LNKB, 0 }, Package () { 0x001EFFFF, 1, LNKC, 0 },
            Package () { 0x001EFFFF, 2, LNKD, 0 }, Package () { 0x001EFFFF, 3, LNKA, 0 },
            Package () { 0x001FFFFF, 0, LNKC, 0 }, Package () { 0x001FFFFF, 1, LNKD, 0 },
            Package () { 0x001FFFFF, 2, LNKA, 0 }, Package () { 0x001FFFFF, 3, LNKB, 0 }
        })
    }

    /* ---- ISA ---- */

    Scope (\_SB.PCI0.ISA)
    {
            Device (PIC)
            {
                Name (_HID, EISAID ("PNP0000"))
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0020, 0x0020, 0, 2)
                    IO (Decode16, 0x00A0, 0x00A0, 0, 2)
                    IO (Decode16, 0x04D0, 0x04D0, 0, 2)
                    IRQNoFlags () { 2 }
                })
            }

            Device (DMA)
            {
                Name (_HID, EISAID ("PNP0200"))
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0000, 0x0000, 0, 0x10)
                    IO (Decode16, 0x0081, 0x0081, 0, 0x0F)
                    IO (Decode16, 0x00C0, 0x00C0, 0, 0x20)
                    DMA (Compatibility, NotBusMaster, Transfer8_16) { 4 }
                })
            }

            Device (TMR)
            {
                Name (_HID, EISAID ("PNP0100"))
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0040, 0x0040, 0, 4)
                    IRQNoFlags () { 0 }
                })
            }

            Device (RTC)
            {
                Name (_HID, EISAID ("PNP0B00"))
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0070, 0x0070, 0, 4)
                    IRQNoFlags () { 8 }
                })
            }

            Device (SPKR)
            {
                Name (_HID, EISAID ("PNP0800"))
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0061, 0x0061, 0, 1)
                })
            }

            Device (FPU)
            {
                Name (_HID, EISAID ("PNP0C04"))
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x00F0, 0x00F0, 0, 1)
                    IRQNoFlags () { 13 }
                })
            }

            Device (KBD)
            {
                Name (_HID, EISAID ("PNP0303"))
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0060, 0x0060, 0, 1)
                    IO (Decode16, 0x0064, 0x0064, 0, 1)
                    IRQNoFlags () { 1 }
                })
            }

            Device (MOU)
            {
                Name (_HID, EISAID ("PNP0F13"))
                Name (_CRS, ResourceTemplate () {
                    IRQNoFlags () { 12 }
                })
            }

            Device (COM1)
            {
                Name (_HID, EISAID ("PNP0501"))
                Name (_UID, 1)
                Method (_STA) { Return (\_SB.HAVE (0)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x03F8, 0x03F8, 0, 8)
                    IRQNoFlags () { 4 }
                })
            }

            Device (COM2)
            {
                Name (_HID, EISAID ("PNP0501"))
                Name (_UID, 2)
                Method (_STA) { Return (\_SB.HAVE (1)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x02F8, 0x02F8, 0, 8)
                    IRQNoFlags () { 3 }
                })
            }

            Device (COM3)
            {
                Name (_HID, EISAID ("PNP0501"))
                Name (_UID, 3)
                Method (_STA) { Return (\_SB.HAVE (2)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x03E8, 0x03E8, 0, 8)
                    IRQNoFlags () { 4 }
                })
            }

            Device (COM4)
            {
                Name (_HID, EISAID ("PNP0501"))
                Name (_UID, 4)
                Method (_STA) { Return (\_SB.HAVE (3)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x02E8, 0x02E8, 0, 8)
                    IRQNoFlags () { 3 }
                })
            }

            Device (PEVT)
            {
                Name (_HID, "QEMU0001")
                Method (_STA) { Return (\_SB.HAVE (5)) }
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0505, 0x0505, 1, 1)
                })
            }

            Device (FWCF)
            {
                Name (_HID, "QEMU0002")
                Name (_STA, 0x0B)
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0510, 0x0510, 0, 0x0C)
                })
            }

            Device (SYSR) /* ports of the chipset that no driver claims */
            {
                Name (_HID, EISAID ("PNP0C02"))
                Name (_UID, 1)
                Name (_CRS, ResourceTemplate () {
                    IO (Decode16, 0x0092, 0x0092, 0, 1)
                    IO (Decode16, 0x00B2, 0x00B2, 0, 2)
                    IO (Decode16, 0xB000, 0xB000, 0, 0x40)
                })
            }
    }

    Scope (\_SB)
    {
        Device (HPET)
        {
            Name (_HID, EISAID ("PNP0103"))
            Name (_UID, 0)
            Method (_STA) { Return (\_SB.HAVE (4)) }
            Name (_CRS, ResourceTemplate () {
                Memory32Fixed (ReadOnly, 0xFED00000, 0x400)
            })
        }
    }
}
