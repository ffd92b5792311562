/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dsdt.asl - what of the board does not depend on the command line. An SSDT that tables.c makes has
 * the rest: \CFGB (bits 0 to 3: COM1 to COM4 are there; bit 4: the HPET; bit 5: pvpanic) and the processors.
 *
 * Interrupt routing: INTx of a slot goes to PIRQ (slot + INTx - 1) & 3, as pc.c wires it; the
 * PIIX3 routes PIRQs to ISA interrupts, which are the I/O APIC's inputs of the same number. */
DefinitionBlock ("dsdt.aml", "DSDT", 1, "BOCHS ", "BXPC    ", 1)
{
    External (\CFGB, IntObj)

    Name (\_S3, Package () { 1, 1, 0, 0 })
    Name (\_S4, Package () { 2, 2, 0, 0 })
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

    Include ("isa.asl")
    Include ("hotplug.asl")

    Scope (\_SB)
    {
        Device (CPUS)
        {
            OperationRegion (CPRG, SystemIO, 0xAF00, 0x0C)
        }
    }
    Scope (\_SB.PCI0)
    {
        Device (PRES)
        {
            Name (_HID, EISAID ("PNP0A06"))
            Name (_UID, "CPU Hotplug resources")
            Name (_STA, 0x0B)
            Name (_CRS, ResourceTemplate () {
                IO (Decode16, 0xAF00, 0xAF00, 1, 0x0C)
            })
        }
    }
    Include ("cpu_hotplug.asl")
}
