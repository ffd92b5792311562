/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_hotplug.asl - CPUs that come and go, included; cpu_hotplug.c has the registers, whose region CPRG is
 * declared before. The CPUs themselves, and CTFY, which notifies one, are in the SSDT. */
    External (\_SB.CPUS.CTFY, MethodObj)

    Scope (\_SB.CPUS)
    {
        Name (_HID, "ACPI0010")
        Name (_CID, EISAID ("PNP0A05"))

        Field (CPRG, ByteAcc, NoLock, WriteAsZeros)
        {
            Offset (4),
            CPEN, 1, /* is there */
            CINS, 1, /* has come; written: seen */
            CRMV, 1, /* is to go; likewise */
            CEJE, 1, /* goes */
            Offset (5),
            CCMD, 8
        }
        Field (CPRG, DWordAcc, NoLock, Preserve)
        {
            CSEL, 32,
            Offset (8),
            CDAT, 32
        }
        Mutex (CPLK, 0)

        Method (_INI) { Store (0, CSEL) } /* leads from the older form of the registers to the newer */

        Method (CSTA, 1, Serialized)
        {
            Acquire (CPLK, 0xFFFF)
            Store (Arg0, CSEL)
            Store (0, Local0)
            If (LEqual (CPEN, 1)) { Store (0x0F, Local0) }
            Release (CPLK)
            Return (Local0)
        }

        Method (CEJ0, 1, Serialized)
        {
            Acquire (CPLK, 0xFFFF)
            Store (Arg0, CSEL)
            Store (1, CEJE)
            Release (CPLK)
        }

        Method (COST, 3, Serialized) /* CPU, event, status */
        {
            Acquire (CPLK, 0xFFFF)
            Store (Arg0, CSEL)
            Store (1, CCMD)
            Store (Arg1, CDAT)
            Store (2, CCMD)
            Store (Arg2, CDAT)
            Release (CPLK)
        }

        Method (CSCN, 0, Serialized)
        {
            Acquire (CPLK, 0xFFFF)
            Store (0, CSEL)
            Store (1, Local0)
            While (LEqual (Local0, 1))
            {
                Store (0, Local0)
                Store (0, CCMD) /* selects one that has an event */
                If (LEqual (CINS, 1))
                {
                    CTFY (CDAT, 1)
                    Store (1, CINS)
                    Store (1, Local0)
                }
                ElseIf (LEqual (CRMV, 1))
                {
                    CTFY (CDAT, 3)
                    Store (1, CRMV)
                    Store (1, Local0)
                }
            }
            Release (CPLK)
        }
    }

    Scope (\_GPE)
    {
        Method (_E02) { \_SB.CPUS.CSCN () }
    }
