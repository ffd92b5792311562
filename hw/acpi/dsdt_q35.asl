/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dsdt_q35.asl - the Q35 board. An SSDT that tables.c makes has what depends on the command line.
 *
 * Interrupt routing, as pc_irq.c wires it: INTx of slots 0 to 24 goes to PIRQ E + (slot + INTx) & 3, that of
 * the ICH9's own devices to PIRQ A + INTx; PIRQs are inputs 16 to 23 of the I/O APIC, or ISA interrupts for
 * systems that use the 8259s. */
DefinitionBlock ("dsdt_q35.aml", "DSDT", 1, "DOPPEL", "DOPPELPC", 1)
{
    External (\CFGB, IntObj)

    Name (\_S3, Package () { 1, 1, 0, 0 })
    Name (\_S4, Package () { 2, 2, 0, 0 })
    Name (\_S5, Package () { 0, 0, 0, 0 })
    Name (PICF, 0)
    Method (\_PIC, 1) { Store (Arg0, PICF) }

    Scope (\_SB)
    {
        Method (HAVE, 1) /* _STA of what bit Arg0 of CFGB tells */
        {
            If (LNotEqual (And (\CFGB, ShiftLeft (1, Arg0)), 0)) { Return (0x0F) }
            Return (0)
        }

        Device (PCI0)
        {
            Name (_HID, EISAID ("PNP0A08"))
            Name (_CID, EISAID ("PNP0A03"))
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

            Method (_OSC, 4)
            {
                CreateDWordField (Arg3, 0, CDW1)
                If (LEqual (Arg0, ToUUID ("33DB4D5B-1FF7-401C-9657-7441C03DD766")))
                {
                    CreateDWordField (Arg3, 8, CDW3)
                    And (CDW3, 0x1F, CDW3)
                    If (LNotEqual (Arg1, One)) { Or (CDW1, 0x08, CDW1) }
                    Return (Arg3)
                }
                Or (CDW1, 0x04, CDW1)
                Return (Arg3)
            }

            Device (ISA)
            {
                Name (_ADR, 0x001F0000)
                OperationRegion (PIRR, PCI_Config, 0x60, 0x0C)
                Field (PIRR, ByteAcc, NoLock, Preserve)
                {
                    PRQA, 8,
                    PRQB, 8,
                    PRQC, 8,
                    PRQD, 8,
                    Offset (0x08),
                    PRQE, 8,
                    PRQF, 8,
                    PRQG, 8,
                    PRQH, 8
                }
            }
        }

        Device (DRAC) /* the configuration space in memory is not to be given away */
        {
            Name (_HID, EISAID ("PNP0C01"))
            Name (_CRS, ResourceTemplate () {
                DWordMemory (ResourceConsumer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0xB0000000, 0xBFFFFFFF, 0, 0x10000000)
            })
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

    Device (LNKE)
    {
        Name (_HID, EISAID ("PNP0C0F"))
        Name (_UID, 5)
        Method (_STA) { Return (\_SB.LSTA (\_SB.PCI0.ISA.PRQE)) }
        Method (_DIS) { Or (\_SB.PCI0.ISA.PRQE, 0x80, \_SB.PCI0.ISA.PRQE) }
        Method (_PRS) { Return (\_SB.LPRS) }
        Method (_CRS, 0, Serialized) { Return (\_SB.LCRS (\_SB.PCI0.ISA.PRQE)) }
        Method (_SRS, 1)
        {
            CreateDWordField (Arg0, 5, INUM)
            Store (INUM, \_SB.PCI0.ISA.PRQE)
        }
    }

    Device (LNKF)
    {
        Name (_HID, EISAID ("PNP0C0F"))
        Name (_UID, 6)
        Method (_STA) { Return (\_SB.LSTA (\_SB.PCI0.ISA.PRQF)) }
        Method (_DIS) { Or (\_SB.PCI0.ISA.PRQF, 0x80, \_SB.PCI0.ISA.PRQF) }
        Method (_PRS) { Return (\_SB.LPRS) }
        Method (_CRS, 0, Serialized) { Return (\_SB.LCRS (\_SB.PCI0.ISA.PRQF)) }
        Method (_SRS, 1)
        {
            CreateDWordField (Arg0, 5, INUM)
            Store (INUM, \_SB.PCI0.ISA.PRQF)
        }
    }

    Device (LNKG)
    {
        Name (_HID, EISAID ("PNP0C0F"))
        Name (_UID, 7)
        Method (_STA) { Return (\_SB.LSTA (\_SB.PCI0.ISA.PRQG)) }
        Method (_DIS) { Or (\_SB.PCI0.ISA.PRQG, 0x80, \_SB.PCI0.ISA.PRQG) }
        Method (_PRS) { Return (\_SB.LPRS) }
        Method (_CRS, 0, Serialized) { Return (\_SB.LCRS (\_SB.PCI0.ISA.PRQG)) }
        Method (_SRS, 1)
        {
            CreateDWordField (Arg0, 5, INUM)
            Store (INUM, \_SB.PCI0.ISA.PRQG)
        }
    }

    Device (LNKH)
    {
        Name (_HID, EISAID ("PNP0C0F"))
        Name (_UID, 8)
        Method (_STA) { Return (\_SB.LSTA (\_SB.PCI0.ISA.PRQH)) }
        Method (_DIS) { Or (\_SB.PCI0.ISA.PRQH, 0x80, \_SB.PCI0.ISA.PRQH) }
        Method (_PRS) { Return (\_SB.LPRS) }
        Method (_CRS, 0, Serialized) { Return (\_SB.LCRS (\_SB.PCI0.ISA.PRQH)) }
        Method (_SRS, 1)
        {
            CreateDWordField (Arg0, 5, INUM)
            Store (INUM, \_SB.PCI0.ISA.PRQH)
        }
    }

    }

    Scope (\_SB.PCI0)
    {
        Method (ROUT, 1, Serialized) /* the PIRQ, from 0, of slot * 4 + INTx */
        {
            Store (ShiftRight (Arg0, 2), Local0)
            If (LLess (Local0, 25)) { Return (Add (And (Add (Local0, Arg0), 3), 4)) }
            Return (And (Arg0, 3))
        }

        Method (_PRT, 0, Serialized)
        {
            Name (RESP, Package (128) { })
            Store (0, Local0)
            While (LLess (Local0, 128))
            {
                Store (ROUT (Local0), Local3)
                If (PICF)
                {
                    Store (Package (4) { 0, 0, 0, 0 }, Local4)
                    Store (Add (Local3, 16), Index (Local4, 3))
                }
                Else
                {
                    If (LEqual (Local3, 0)) { Store (Package (4) { 0, 0, \_SB.LNKA, 0 }, Local4) }
                    If (LEqual (Local3, 1)) { Store (Package (4) { 0, 0, \_SB.LNKB, 0 }, Local4) }
                    If (LEqual (Local3, 2)) { Store (Package (4) { 0, 0, \_SB.LNKC, 0 }, Local4) }
                    If (LEqual (Local3, 3)) { Store (Package (4) { 0, 0, \_SB.LNKD, 0 }, Local4) }
                    If (LEqual (Local3, 4)) { Store (Package (4) { 0, 0, \_SB.LNKE, 0 }, Local4) }
                    If (LEqual (Local3, 5)) { Store (Package (4) { 0, 0, \_SB.LNKF, 0 }, Local4) }
                    If (LEqual (Local3, 6)) { Store (Package (4) { 0, 0, \_SB.LNKG, 0 }, Local4) }
                    If (LEqual (Local3, 7)) { Store (Package (4) { 0, 0, \_SB.LNKH, 0 }, Local4) }
                }
                Store (Or (ShiftLeft (ShiftRight (Local0, 2), 16), 0xFFFF), Index (Local4, 0))
                Store (And (Local0, 3), Index (Local4, 1))
                Store (Local4, Index (RESP, Local0))
                Increment (Local0)
            }
            Return (RESP)
        }
    }

    Include ("isa.asl")

    Scope (\_SB)
    {
        Device (CPUS)
        {
            OperationRegion (CPRG, SystemIO, 0x0CD8, 0x0C)
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
                IO (Decode16, 0x0CD8, 0x0CD8, 1, 0x0C)
            })
        }
    }
    Include ("cpu_hotplug.asl")
}
