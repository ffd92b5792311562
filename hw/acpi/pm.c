/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/acpi/pm.h"
#include <string.h>

enum { /* configuration registers */
       CFG_PMBA = 0x40,
       CFG_DEVACTB = 0x58,
       CFG_DEVRESA = 0x5c,
       CFG_PMREGMISC = 0x80,
       CFG_SMBBA = 0x90,
       CFG_SMBHSTCFG = 0xd2,
       CFG_SMBREV = 0xd6,
};

enum { /* in the ICH9's LPC bridge */
       CFG_ACPI_CNTL = 0x44,
       ACPI_CNTL_ENABLE = 1u << 7,
};

enum {                /* the register block */
       PM_SIZE = 128, /* the ICH9's; the PIIX4's is half as long */
       PIIX4_PM_SIZE = 64,
       PM_PM1_STS = 0x00,
       PM_PM1_EN = 0x02,
       PM_PM1_CNT = 0x04,
       PM_TIMER = 0x08,
};

/* Where the two chips differ. */
typedef struct PmModel {
    const PciClass *class; /* NULL: part of another device */
    uint16_t size;
    uint8_t gpe_sts, gpe_en;
    uint8_t smi_sts, smi_en;          /* registers */
    uint32_t smi_sts_apm, smi_global; /* bits: an SMI by the command port, SMIs at all */
} PmModel;

enum { /* PM1 status and enable */
       PM1_TIMER = 1u << 0,
       PM1_BUS_MASTER = 1u << 4,
       PM1_GLOBAL = 1u << 5,
       PM1_POWER_BUTTON = 1u << 8,
       PM1_RTC = 1u << 10,
       PM1_OVERRIDE = 1u << 11,
       PM1_WAKE = 1u << 15,
       PM1_STATUS = PM1_TIMER | PM1_BUS_MASTER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_RTC |
                    PM1_OVERRIDE | PM1_WAKE,
       PM1_ENABLE = PM1_TIMER | PM1_GLOBAL | PM1_POWER_BUTTON | PM1_RTC,
};

enum {
    CNT_SCI_ENABLE = 1u << 0,
    CNT_BUS_MASTER_RELOAD = 1u << 1,
    CNT_GLOBAL_RELEASE = 1u << 2,
    CNT_SLEEP_TYPE_SHIFT = 10,
    CNT_SLEEP = 1u << 13,
    CNT_STORED = CNT_SCI_ENABLE | CNT_BUS_MASTER_RELOAD | 7u << CNT_SLEEP_TYPE_SHIFT,
    PMREGMISC_DECODE = 1u << 0,
    DEVACTB_APMC = 1u << 1,  /* of byte 3: a write of the command port makes an SMI */
    ICH9_SMI_APMC = 1u << 5, /* of SMI_EN */
    TIMER_CARRY = 1u << 23,
    TIMER_MASK = 0xffffff,
};

struct AcpiPm {
    const PmModel *model;
    PciDevice *pci;
    IoBus *io;
    Clock *clock;
    AcpiPmHost host;
    ClockTimer *timer;
    IoAttachment *block, *apm;

    uint16_t pm1_sts, pm1_en, pm1_cnt;
    uint16_t gpe_sts, gpe_en, gpe_level;
    uint8_t other[PM_SIZE]; /* registers that only hold what is written */
    uint64_t carry_tick;    /* PM timer tick (not wrapped) at which bit 23 changes next */
    uint8_t apm_cmd, apm_sts;
    bool rtc_level;
    bool asleep;                  /* in S3 */
    bool wake_button, wake_alarm; /* what has happened meanwhile */
};

/* ---- PM timer ---- */

static uint64_t pm_ticks(const AcpiPm *pm)
{
    return (uint64_t)((unsigned __int128)clock_now(pm->clock) * ACPI_PM_TIMER_HZ / NS_PER_S);
}

static void pm_timer_collect(AcpiPm *pm)
{
    if (pm_ticks(pm) >= pm->carry_tick) {
        pm->pm1_sts |= PM1_TIMER;
    }
}

static void pm_timer_arm(AcpiPm *pm)
{
    unsigned __int128 ns = ((unsigned __int128)pm->carry_tick * NS_PER_S + ACPI_PM_TIMER_HZ - 1) /
                           ACPI_PM_TIMER_HZ;

    if ((pm->pm1_en & PM1_TIMER) != 0 && (pm->pm1_sts & PM1_TIMER) == 0) {
        clock_timer_set(pm->timer, (int64_t)ns);
    } else {
        clock_timer_cancel(pm->timer);
    }
}

/* ---- Events ---- */

static void pm_update(AcpiPm *pm)
{
    bool event = (pm->pm1_sts & pm->pm1_en) != 0 || (pm->gpe_sts & pm->gpe_en) != 0;

    irq_set(&pm->host.sci, event && (pm->pm1_cnt & CNT_SCI_ENABLE) != 0);
    pm_timer_arm(pm);
}

static void pm_timer_fired(void *opaque)
{
    AcpiPm *pm = opaque;

    pm_timer_collect(pm);
    pm_update(pm);
}

static void pm_wake_wanted(AcpiPm *pm, bool *what)
{
    *what = true;
    if (pm->host.wake != NULL) {
        pm->host.wake(pm->host.opaque);
    }
}

void acpi_pm_power_button(AcpiPm *pm)
{
    if (pm->asleep) {
        pm_wake_wanted(pm, &pm->wake_button);
        return;
    }
    pm->pm1_sts |= PM1_POWER_BUTTON;
    pm_update(pm);
}

void acpi_pm_rtc_alarm(AcpiPm *pm, bool level)
{
    if (level && !pm->rtc_level) {
        pm->pm1_sts |= PM1_RTC;
        pm_update(pm);
        if (pm->asleep && (pm->pm1_en & PM1_RTC) != 0) {
            pm_wake_wanted(pm, &pm->wake_alarm);
        }
    }
    pm->rtc_level = level;
}

/* ---- Sleep ---- */

static void pm_sleep(AcpiPm *pm, unsigned type)
{
    if (type == ACPI_PM_S5_TYPE) {
        pm->host.power_off(pm->host.opaque);
    } else if (pm->host.sleep != NULL && (type == ACPI_PM_S3_TYPE || type == ACPI_PM_S4_TYPE)) {
        pm->asleep = type == ACPI_PM_S3_TYPE;
        pm->host.sleep(pm->host.opaque, type);
    }
}

bool acpi_pm_is_asleep(const AcpiPm *pm)
{
    return pm->asleep;
}

bool acpi_pm_wants_wake(const AcpiPm *pm)
{
    return pm->asleep && (pm->wake_button || pm->wake_alarm);
}

AcpiWake acpi_pm_wake_reason(const AcpiPm *pm)
{
    return pm->wake_alarm ? ACPI_WAKE_RTC : ACPI_WAKE_OTHER;
}

/* Who is woken by somebody else is told of the button, so that there is a cause. */
void acpi_pm_wake(AcpiPm *pm, AcpiWake reason)
{
    pm->pm1_sts |= PM1_WAKE | (reason == ACPI_WAKE_RTC ? PM1_RTC : PM1_POWER_BUTTON);
    pm_update(pm);
}

void acpi_pm_gpe(AcpiPm *pm, unsigned n, bool level)
{
    uint16_t bit = (uint16_t)(1u << (n & 15));

    pm->gpe_level = level ? pm->gpe_level | bit : pm->gpe_level & (uint16_t)~bit;
    pm->gpe_sts |= pm->gpe_level;
    pm_update(pm);
}

/* ---- The register block ---- */

static void pm_write_status(AcpiPm *pm, uint16_t value)
{
    pm_timer_collect(pm);
    if ((value & pm->pm1_sts & PM1_TIMER) != 0) {
        pm->carry_tick = (pm_ticks(pm) / TIMER_CARRY + 1) * TIMER_CARRY;
    }
    pm->pm1_sts &= (uint16_t)~value;
}

static void pm_write_control(AcpiPm *pm, uint16_t value)
{
    pm->pm1_cnt = value & CNT_STORED;
    if ((value & CNT_SLEEP) != 0) {
        pm_sleep(pm, value >> CNT_SLEEP_TYPE_SHIFT & 7);
    }
}

static uint16_t pm_word(AcpiPm *pm, unsigned offset)
{
    if (offset == pm->model->gpe_sts) {
        return pm->gpe_sts;
    }
    if (offset == pm->model->gpe_en) {
        return pm->gpe_en;
    }
    switch (offset) {
    case PM_PM1_STS:
        pm_timer_collect(pm);
        return pm->pm1_sts;
    case PM_PM1_EN:
        return pm->pm1_en;
    case PM_PM1_CNT:
        return pm->pm1_cnt;
    case PM_TIMER:
        return (uint16_t)pm_ticks(pm);
    case PM_TIMER + 2:
        return (pm_ticks(pm) & TIMER_MASK) >> 16;
    default:
        return (uint16_t)(pm->other[offset] | pm->other[offset + 1] << 8);
    }
}

static void pm_set_other(AcpiPm *pm, unsigned offset, uint16_t value)
{
    if (offset == pm->model->gpe_sts) {
        pm->gpe_sts = (uint16_t)(pm->gpe_sts & ~value) | pm->gpe_level;
    } else if (offset == pm->model->gpe_en) {
        pm->gpe_en = value;
    } else if (offset == pm->model->smi_sts) { /* cleared by ones */
        pm->other[offset] &= (uint8_t)~value;
        pm->other[offset + 1] &= (uint8_t) ~(value >> 8);
    } else {
        pm->other[offset] = (uint8_t)value;
        pm->other[offset + 1] = (uint8_t)(value >> 8);
    }
}

static void pm_set_word(AcpiPm *pm, unsigned offset, uint16_t value)
{
    switch (offset) {
    case PM_PM1_STS:
        pm_write_status(pm, value);
        break;
    case PM_PM1_EN:
        pm->pm1_en = value & PM1_ENABLE;
        break;
    case PM_PM1_CNT:
        pm_write_control(pm, value);
        break;
    case PM_TIMER: /* read only */
    case PM_TIMER + 2:
        break;
    default:
        pm_set_other(pm, offset, value);
        break;
    }
}

/* A double word comes in one piece, so that the timer is read at one moment. */
static uint32_t pm_read(void *opaque, uint16_t offset, unsigned width)
{
    AcpiPm *pm = opaque;
    unsigned word = offset & ~1u;
    uint32_t value;

    if (offset == PM_TIMER && width == 4) {
        return pm_ticks(pm) & TIMER_MASK;
    }
    value = pm_word(pm, word);
    if (width == 4 && word + 2 < PM_SIZE) {
        value |= (uint32_t)pm_word(pm, word + 2) << 16;
    }
    return (offset & 1) != 0 ? value >> 8 : value;
}

/* A byte of a register that is cleared by ones must not touch the other byte. */
static void pm_write_byte(AcpiPm *pm, unsigned offset, uint8_t value)
{
    unsigned word = offset & ~1u, shift = 8 * (offset & 1);
    bool clears = word == PM_PM1_STS || word == pm->model->gpe_sts || word == pm->model->smi_sts;
    uint16_t other = clears ? 0 : pm_word(pm, word) & (uint16_t) ~(0xffu << shift);

    pm_set_word(pm, word, (uint16_t)(other | value << shift));
}

static void pm_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    AcpiPm *pm = opaque;

    if (width == 1 || (offset & 1) != 0) {
        for (unsigned i = 0; i < width && offset + i < PM_SIZE; i++) {
            pm_write_byte(pm, offset + i, (uint8_t)(value >> (8 * i)));
        }
    } else {
        for (unsigned i = 0; i < width && offset + i < PM_SIZE; i += 2) {
            pm_set_word(pm, offset + i, (uint16_t)(value >> (8 * i)));
        }
    }
    pm_update(pm);
}

static IoRange pm_ports(const PmModel *model)
{
    return (IoRange){
        .count = model->size, .widths = IO_8 | IO_16 | IO_32, .read = pm_read, .write = pm_write
    };
}

/* ---- The APM command and status ports ---- */

static uint32_t apm_read(void *opaque, uint16_t offset, unsigned width)
{
    const AcpiPm *pm = opaque;

    (void)width;
    return offset == 0 ? pm->apm_cmd : pm->apm_sts;
}

static bool apm_makes_smi(const AcpiPm *pm)
{
    uint8_t enabled = pm->other[pm->model->smi_en];
    bool wanted = pm->model->class != NULL
                      ? (pci_device_config(pm->pci)[CFG_DEVACTB + 3] & DEVACTB_APMC) != 0
                      : (enabled & ICH9_SMI_APMC) != 0;

    return wanted && (enabled & pm->model->smi_global) != 0;
}

static void apm_write(void *opaque, uint16_t offset, unsigned width, uint32_t value)
{
    AcpiPm *pm = opaque;

    (void)width;
    if (offset != 0) {
        pm->apm_sts = (uint8_t)value;
        return;
    }
    pm->apm_cmd = (uint8_t)value;
    if (value == ACPI_PM_ENABLE) {
        pm->pm1_cnt |= CNT_SCI_ENABLE;
        pm_update(pm);
    } else if (value == ACPI_PM_DISABLE) {
        pm->pm1_cnt &= (uint16_t)~CNT_SCI_ENABLE;
        pm_update(pm);
    }
    if (pm->host.smi != NULL && apm_makes_smi(pm)) {
        pm->other[pm->model->smi_sts] |= (uint8_t)pm->model->smi_sts_apm;
        pm->host.smi(pm->host.opaque);
    }
}

static const IoRange apm_ports[] = {
    { .base = ACPI_PM_SMI_CMD, .count = 2, .widths = IO_8, .read = apm_read, .write = apm_write },
};

/* ---- Configuration ---- */

static void pm_place(AcpiPm *pm)
{
    const uint8_t *config = pci_device_config(pm->pci);
    uint16_t base = (uint16_t)((config[CFG_PMBA] & 0xc0) | config[CFG_PMBA + 1] << 8);
    bool decode = base != 0 &&
                  (pm->model->class != NULL ? (config[CFG_PMREGMISC] & PMREGMISC_DECODE) != 0
                                            : (config[CFG_ACPI_CNTL] & ACPI_CNTL_ENABLE) != 0);

    io_attachment_set_enabled(pm->io, pm->block, false);
    if (decode) {
        io_attachment_move(pm->io, pm->block, base);
        io_attachment_set_enabled(pm->io, pm->block, true);
    }
}

static void pm_config_written(void *opaque, unsigned offset, unsigned width)
{
    bool base = offset < CFG_PMBA + 4 && offset + width > CFG_PMBA;
    bool misc = offset <= CFG_PMREGMISC && offset + width > CFG_PMREGMISC;
    bool control = offset <= CFG_ACPI_CNTL && offset + width > CFG_ACPI_CNTL;

    if (width == 0 || base || misc || control) {
        pm_place(opaque);
    }
}

static const PciClass pm_class = {
    .name = "PIIX4 PM",
    .vendor = 0x8086,
    .device = 0x7113,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class_code = 0x068000,
    .revision = 3,
    .interrupt_pin = 1, /* for the SMBus; the SCI is wired to IRQ 9 */
    .config_written = pm_config_written,
};

static const PmModel piix4_pm = {
    .class = &pm_class,
    .size = PIIX4_PM_SIZE,
    .gpe_sts = 0x0c,
    .gpe_en = 0x0e,
    .smi_sts = 0x18,
    .smi_en = 0x28,
    .smi_sts_apm = 1u << 5,
    .smi_global = 1u << 0,
};

static const PmModel ich9_pm = {
    .size = PM_SIZE,
    .gpe_sts = ACPI_ICH9_GPE0,
    .gpe_en = ACPI_ICH9_GPE0 + 8,
    .smi_sts = 0x34,
    .smi_en = 0x30,
    .smi_sts_apm = 1u << 5,
    .smi_global = 1u << 0,
};

void acpi_pm_program(AcpiPm *pm)
{
    uint8_t *config = pci_device_config(pm->pci);

    config[CFG_PMBA + 1] = ACPI_PM_BASE >> 8;
    config[CFG_PMBA] = (ACPI_PM_BASE & 0xc0) | 1;
    if (pm->model->class != NULL) {
        config[CFG_PMREGMISC] |= PMREGMISC_DECODE;
        config[0x3c] = ACPI_PM_SCI_IRQ;
        config[0x04] |= 1;
    } else {
        config[CFG_ACPI_CNTL] |= ACPI_CNTL_ENABLE;
    }
    pm_place(pm);
}

void acpi_pm_reset(AcpiPm *pm)
{
    uint8_t *config = pci_device_config(pm->pci);
    uint8_t base[2] = { config[CFG_PMBA] | 1, config[CFG_PMBA + 1] }, misc = config[CFG_PMREGMISC];

    if (pm->model->class != NULL) { /* else the LPC bridge has reset it */
        pci_device_reset(pm->pci);
        memset(config + 0x40, 0, PCI_CONFIG_SIZE - 0x40);
        config[0x06] = 0x80; /* fast back-to-back, medium DEVSEL# */
        config[0x07] = 0x02;
        config[CFG_PMBA] = 0x01; /* an I/O base */
        config[CFG_SMBBA] = 0x01;
        if (pm->asleep) { /* the place of the registers outlasts S3: firmware relies on it */
            memcpy(config + CFG_PMBA, base, sizeof(base));
            config[CFG_PMREGMISC] = misc;
        }
    }
    pm->pm1_sts = pm->pm1_en = pm->pm1_cnt = 0;
    pm->gpe_sts = pm->gpe_level;
    pm->gpe_en = 0;
    pm->asleep = pm->wake_button = pm->wake_alarm = false;
    memset(pm->other, 0, sizeof(pm->other));
    if (pm->host.smi == NULL) { /* as if it had been set up: firmware then leaves it alone */
        if (pm->model->class != NULL) {
            config[CFG_DEVACTB + 3] = DEVACTB_APMC;
        } else {
            pm->other[pm->model->smi_en] = ICH9_SMI_APMC;
        }
    }
    pm->apm_cmd = pm->apm_sts = 0;
    pm->carry_tick = (pm_ticks(pm) / TIMER_CARRY + 1) * TIMER_CARRY;
    pm_place(pm);
    pm_update(pm);
}

static void pm_set_writable(uint8_t *writable)
{
    writable[CFG_PMBA] = 0xc0;
    writable[CFG_PMBA + 1] = 0xff;
    memset(writable + 0x44, 0xff, CFG_PMREGMISC - 0x44);
    writable[CFG_PMREGMISC] = PMREGMISC_DECODE;
    writable[CFG_SMBBA] = 0xf0;
    writable[CFG_SMBBA + 1] = 0xff;
    memset(writable + CFG_SMBHSTCFG, 0xff, CFG_SMBREV - CFG_SMBHSTCFG);
}

static void pm_attach(AcpiPm *pm, IoBus *io, Clock *clock, const AcpiPmHost *host)
{
    const IoRange ports = pm_ports(pm->model);

    pm->io = io;
    pm->clock = clock;
    pm->host = *host;
    pm->timer = clock_timer_new(clock, pm_timer_fired, pm);
    pm->block = io_bus_attach(io, &ports, 1, pm);
    pm->apm = io_bus_attach(io, apm_ports, G_N_ELEMENTS(apm_ports), pm);
    acpi_pm_reset(pm);
}

AcpiPm *acpi_pm_new(PciBus *bus, IoBus *io, Clock *clock, const AcpiPmHost *host)
{
    AcpiPm *pm = g_new0(AcpiPm, 1);

    pm->model = &piix4_pm;
    pm->pci = pci_device_new(bus, PCI_DEVFN(1, 3), &pm_class, pm);
    pm_set_writable(pci_device_writable(pm->pci));
    pm_attach(pm, io, clock, host);
    return pm;
}

AcpiPm *acpi_pm_new_ich9(IsaBridge *lpc, IoBus *io, Clock *clock, const AcpiPmHost *host)
{
    AcpiPm *pm = g_new0(AcpiPm, 1);

    pm->model = &ich9_pm;
    pm->pci = isa_bridge_pci(lpc);
    isa_bridge_on_write(lpc, pm_config_written, pm);
    pm_attach(pm, io, clock, host);
    return pm;
}

void acpi_pm_free(AcpiPm *pm)
{
    clock_timer_free(pm->timer);
    io_bus_detach(pm->io, pm->block);
    io_bus_detach(pm->io, pm->apm);
    if (pm->model->class != NULL) {
        pci_device_free(pm->pci);
    }
    g_free(pm);
}

/* ---- Snapshots ---- */

static void pm_loaded(void *opaque)
{
    AcpiPm *pm = opaque;

    pm->carry_tick = MIN(pm->carry_tick, pm_ticks(pm) + TIMER_CARRY);
    pm_place(pm);
    pm_update(pm);
}

static const StateField pm_fields[] = {
    STATE_FIELD(STATE_U16, AcpiPm, pm1_sts),    STATE_FIELD(STATE_U16, AcpiPm, pm1_en),
    STATE_FIELD(STATE_U16, AcpiPm, pm1_cnt),    STATE_FIELD(STATE_U16, AcpiPm, gpe_sts),
    STATE_FIELD(STATE_U16, AcpiPm, gpe_en),     STATE_FIELD(STATE_U16, AcpiPm, gpe_level),
    STATE_ARRAY(STATE_U8, AcpiPm, other),       STATE_FIELD(STATE_U64, AcpiPm, carry_tick),
    STATE_FIELD(STATE_U8, AcpiPm, apm_cmd),     STATE_FIELD(STATE_U8, AcpiPm, apm_sts),
    STATE_FIELD(STATE_BOOL, AcpiPm, rtc_level), { 0 },
};

static bool pm_asleep_needed(const void *device)
{
    return ((const AcpiPm *)device)->asleep;
}

static const StateField pm_asleep_fields[] = {
    STATE_FIELD(STATE_BOOL, AcpiPm, asleep),
    STATE_FIELD(STATE_BOOL, AcpiPm, wake_button),
    STATE_FIELD(STATE_BOOL, AcpiPm, wake_alarm),
    { 0 },
};

static const StateTable pm_asleep_state = {
    .name = "asleep", .version = 1, .fields = pm_asleep_fields, .needed = pm_asleep_needed
};
static const StateTable *const pm_parts[] = { &pm_asleep_state, NULL };

const StateTable acpi_pm_state = {
    .name = "piix4-pm",
    .version = 1,
    .fields = pm_fields,
    .loaded = pm_loaded,
    .parts = pm_parts,
};
