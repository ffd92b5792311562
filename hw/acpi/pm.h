/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_PM_H
#define HW_ACPI_PM_H
/* pm.h - power management, function 3 of the PIIX4 (82371AB datasheet) or part of the ICH9's LPC
 * bridge (its datasheet, 13.8); ACPI 1.0 fixed hardware:
 * PM1 events and control, the PM timer, general-purpose events, the SMI command port, soft-off.
 *
 * Where a PC's firmware would take an SMI to turn ACPI mode on, a write of ACPI_ENABLE to the
 * command port does so directly.  Soft-off is sleep type 0, S3 1, S4 2; types that the tables do
 * not offer are ignored.  From S3 wake: the alarm of the RTC, if it is enabled, and the button. The
 * SMBus controller's registers are there, but its window is never decoded. */
#include "hw/clock.h"
#include "hw/pci/isa_bridge.h"
#include "hw/pci/pci.h"
#include "hw/state.h"

typedef struct AcpiPm AcpiPm;

enum {
    ACPI_PM_BASE = 0x600, /* where the board or firmware puts the registers */
    ACPI_PM_SCI_IRQ = 9,
    ACPI_PM_SMI_CMD = 0xb2,
    ACPI_PM_ENABLE = 0xf1,
    ACPI_PM_DISABLE = 0xf0,
    ACPI_PM_S5_TYPE = 0,
    ACPI_PM_S3_TYPE = 1,
    ACPI_PM_S4_TYPE = 2,
    ACPI_PM_TIMER_HZ = 3579545,
    /* Offsets from the base, as the FADT has them. */
    ACPI_PM1_EVT = 0x00,
    ACPI_PM1_CNT = 0x04,
    ACPI_PM_TIMER = 0x08,
    ACPI_GPE0 = 0x0c,
    ACPI_ICH9_GPE0 = 0x20,
};

typedef struct AcpiPmHost {
    IrqLine sci;
    void (*smi)(void *opaque);       /* pulse; NULL: none, and firmware sets up none */
    void (*power_off)(void *opaque); /* S5 */
    /* S3 or S4, by its type; after S3 acpi_pm_wake has to follow the reset. */
    void (*sleep)(void *opaque, unsigned type);
    void (*wake)(void *opaque); /* something wakes the machine from S3 */
    void *opaque;
} AcpiPmHost;

AcpiPm *acpi_pm_new(PciBus *bus, IoBus *io, Clock *clock, const AcpiPmHost *host);
/* To be freed before the bridge, and reset behind it. */
AcpiPm *acpi_pm_new_ich9(IsaBridge *lpc, IoBus *io, Clock *clock, const AcpiPmHost *host);
void acpi_pm_free(AcpiPm *pm);
void acpi_pm_reset(AcpiPm *pm);
/* What firmware does: places the registers at ACPI_PM_BASE and enables them. */
void acpi_pm_program(AcpiPm *pm);

void acpi_pm_power_button(AcpiPm *pm);
bool acpi_pm_is_asleep(const AcpiPm *pm);  /* in S3 */
bool acpi_pm_wants_wake(const AcpiPm *pm); /* in S3, and something has happened that ends it */
/* Behind the reset that a wake from S3 is: the status says what has happened. */
typedef enum AcpiWake { ACPI_WAKE_OTHER, ACPI_WAKE_RTC } AcpiWake;
AcpiWake acpi_pm_wake_reason(const AcpiPm *pm);
void acpi_pm_wake(AcpiPm *pm, AcpiWake reason);
void acpi_pm_rtc_alarm(AcpiPm *pm, bool level);       /* IRQ 8 */
void acpi_pm_gpe(AcpiPm *pm, unsigned n, bool level); /* general-purpose event input, 0 to 15 */

extern const StateTable acpi_pm_state;

#endif
