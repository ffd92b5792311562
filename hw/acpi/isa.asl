/* SPDX-License-Identifier: GPL-2.0-or-later */
/* isa.asl - what is behind the ISA bridge of every board, \_SB.PCI0.ISA, and the HPET; included. */
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
                    IO (Decode16, 0x0600, 0x0600, 0, 0x80)
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
