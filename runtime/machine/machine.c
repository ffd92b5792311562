/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/machine/firmware.h"
#include "runtime/machine/machine_int.h"
#include "runtime/machine/machine_types.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/host_traits.h"

void machine_lock(Machine *machine)
{
    g_rec_mutex_lock(&machine->lock);
}

void machine_unlock(Machine *machine)
{
    g_rec_mutex_unlock(&machine->lock);
}

static void lock_opaque(void *opaque)
{
    machine_lock(opaque);
}

static void unlock_opaque(void *opaque)
{
    machine_unlock(opaque);
}

static void code_written(void *opaque, uint64_t ram_offset, uint64_t size)
{
    Machine *machine = opaque;

    if (machine->engine != NULL) {
        engine_invalidate(machine->engine, ram_offset, size);
    }
}

/* ---- What the board and the buses report ---- */

static void vcpu_flush(Vcpu *vcpu)
{
    vcpu_request(vcpu, CPU_REQUEST_FLUSH);
}

static void map_changed(void *opaque)
{
    machine_each_vcpu(opaque, vcpu_flush);
}

static void map_unassigned(void *opaque, uint64_t gpa, unsigned width, bool write)
{
    Machine *machine = opaque;

    log_printf(machine->log, LOG_GUEST_ERRORS,
               "%s of unassigned memory at 0x%" PRIx64 ", %u bytes\n", write ? "write" : "read",
               gpa, width);
}

static void io_unassigned(void *opaque, uint16_t port, unsigned width, bool write)
{
    Machine *machine = opaque;

    log_printf(machine->log, LOG_GUEST_ERRORS, "%s unassigned port 0x%04x, %u bytes\n",
               write ? "write to" : "read of", port, width);
}

static void machine_power(void *opaque, BoardPower what, int status)
{
    switch (what) {
    case BOARD_POWER_OFF:
        machine_request_stop(opaque, STOP_GUEST_SHUTDOWN, 0);
        break;
    case BOARD_POWER_RESET:
        machine_request_stop(opaque, STOP_GUEST_RESET, 0);
        break;
    case BOARD_POWER_DEBUG_EXIT:
        machine_request_stop(opaque, STOP_DEBUG_EXIT, status);
        break;
    case BOARD_POWER_PANICKED:
        machine_request_stop(
            opaque, status == BOARD_PANIC_PANICKED ? STOP_GUEST_PANIC : STOP_GUEST_CRASH_LOADED, 0);
        break;
    case BOARD_POWER_WATCHDOG:
        machine_request_stop(opaque, STOP_WATCHDOG, 0);
        break;
    case BOARD_POWER_SUSPEND:
        machine_request_stop(opaque, STOP_SUSPEND, 0);
        break;
    case BOARD_POWER_HIBERNATE:
        machine_event(opaque, "SUSPEND_DISK", NULL);
        machine_request_stop(opaque, STOP_GUEST_SHUTDOWN, 0);
        break;
    case BOARD_POWER_WAKE:
        machine_request_stop(opaque, STOP_WAKE, 0);
        break;
    }
}

static void board_level(Vcpu *vcpu, uint32_t request, bool level)
{
    if (level) {
        vcpu_request(vcpu, request);
    } else {
        cpu_request_clear(vcpu_cpu(vcpu), request);
    }
}

static void vcpu_open_a20(Vcpu *vcpu)
{
    vcpu_cpu(vcpu)->a20_mask = UINT32_MAX;
    vcpu_flush(vcpu);
}

static void vcpu_close_a20(Vcpu *vcpu)
{
    vcpu_cpu(vcpu)->a20_mask = ~(1u << 20);
    vcpu_flush(vcpu);
}

static void board_signal(void *opaque, unsigned index, PcCpuSignal signal, unsigned value)
{
    Machine *machine = opaque;
    Vcpu *vcpu = machine->vcpu[index];

    switch (signal) {
    case PC_CPU_INTR:
        board_level(vcpu, CPU_REQUEST_INTR, value != 0);
        break;
    case PC_CPU_NMI:
        vcpu_request(vcpu, CPU_REQUEST_NMI);
        break;
    case PC_CPU_SMI:
        vcpu_request(vcpu, CPU_REQUEST_SMI);
        break;
    case PC_CPU_INIT:
        pc_apic_init(machine->pc, index);
        vcpu_request(vcpu, CPU_REQUEST_INIT);
        break;
    case PC_CPU_SIPI:
        vcpu_cpu(vcpu)->sipi_vector = (uint8_t)value;
        vcpu_request(vcpu, CPU_REQUEST_SIPI);
        break;
    case PC_CPU_IGNNE:
        vcpu_cpu(vcpu)->ignne = true;
        break;
    case PC_CPU_A20:
        machine_each_vcpu(machine, value ? vcpu_open_a20 : vcpu_close_a20);
        break;
    }
}

static uint64_t board_tsc(void *opaque, unsigned cpu)
{
    return machine_guest_tsc(opaque, cpu);
}

/* The CPU on whose thread this is; other threads act for the first. */
static unsigned board_current_cpu(void *opaque)
{
    const Machine *machine = opaque;

    for (unsigned i = 0; i < machine->cpus; i++) {
        if (machine->vcpu[i] != NULL && vcpu_is_own(machine->vcpu[i])) {
            return i;
        }
    }
    return 0;
}

/* ---- Putting it together ---- */

static bool machine_make_map(Machine *machine, GError **error)
{
    const PhysMapOwner owner = {
        .changed = map_changed,
        .lock = lock_opaque,
        .unlock = unlock_opaque,
        .unassigned = map_unassigned,
        .code_written = code_written,
    };

    if (!machine_make_memory(machine, error)) {
        return false;
    }
    phys_map_set_owner(machine->map, &owner, machine);
    machine->io = io_bus_new();
    io_bus_set_unassigned(machine->io, io_unassigned, machine);
    return true;
}

static void machine_set_wall_clock(Machine *machine)
{
    const Options *options = machine->options;
    int64_t now = g_get_real_time() * NS_PER_US;

    if (options->rtc_base == RTC_DATE) {
        now = options->rtc_date * NS_PER_S;
    } else if (options->rtc_base == RTC_LOCALTIME) {
        GDateTime *local = g_date_time_new_now_local();

        now += g_date_time_get_utc_offset(local) * NS_PER_US;
        g_date_time_unref(local);
    }
    clock_set_wall(machine->clock, now);
}

static bool machine_make_clock(Machine *machine, GError **error)
{
    const ClockLock lock = { lock_opaque, unlock_opaque, machine };

    machine->clock_source = clock_source_new(&lock, error);
    if (machine->clock_source == NULL) {
        return false;
    }
    machine->clock = clock_source_clock(machine->clock_source);
    machine_set_wall_clock(machine);
    return true;
}

static bool machine_make_display(Machine *machine, GError **error)
{
    machine->display = machine_display_new(machine, error);
    return machine->display != NULL;
}

static bool machine_make_board(Machine *machine, GError **error)
{
    const Options *options = machine->options;
    uint32_t cpuid[4];
    PcConfig config = {
        .map = machine->map,
        .io = machine->io,
        .clock = machine->clock,
        .cpus = options->smp.cpus,
        .max_cpus = machine->cpus,
        .apic_ids = machine->apic_ids,
        .apic_id_limit = machine->apic_id_limit,
        .sockets = options->smp.sockets,
        .cores = options->smp.dies * options->smp.cores,
        .threads = options->smp.threads,
        .dies = options->smp.dies,
        .cpu_type = machine->cpu_type,
        .cpu_plug = machine_cpu_plug,
        .cpu_unplug = machine_cpu_unplug,
        .globals = (const BoardGlobal *)(const void *)options->globals->data,
        .n_globals = options->globals->len,
        .numa = numa_board(machine->numa),
        .event = machine_event,
        .host_end = machine_host_end,
        .roms = machine->roms,
        .hpet = options->hpet,
        .q35 = options->q35,
        .acpi = options->acpi,
        .tsc_hz = cpu_model_tsc_hz(machine->model),
        .power = machine_power,
        .signal = board_signal,
        .tsc = board_tsc,
        .current_cpu = board_current_cpu,
        .no_smm = !options->smm,
        .nographic = !options->graphics,
        .firmware = options->firmware,
        .display = machine_display_screens(machine->display),
        .input = machine_display_input(machine->display),
        .opaque = machine,
    };

    cpuid_query(machine_cpu(machine, 0), 1, 0, cpuid);
    config.cpu_signature = cpuid[0];
    config.cpu_features = cpuid[3];
    memcpy(config.serial, machine->serial, sizeof(machine->serial));
    memcpy(config.ide, machine->ide, sizeof(machine->ide));
    memcpy(config.floppy, machine->floppy, sizeof(machine->floppy));
    memcpy(config.flash, machine->flash, sizeof(machine->flash));
    for (guint i = 0; i < options->drives->len; i++) {
        const DriveOption *drive = g_ptr_array_index(options->drives, i);

        if (drive->interface == DRIVE_IDE) {
            config.ide_cdrom[drive->index] = drive->cdrom;
        } else if (drive->interface == DRIVE_FLOPPY) {
            config.floppy_drive[drive->index] = true;
        }
    }
    machine->pc = pc_new(&config, error);
    return machine->pc != NULL && machine_display_plug(machine->display, error) &&
           machine_plug_devices(machine, error);
}

void machine_reset_cpus(Machine *machine)
{
    machine_each_vcpu(machine, vcpu_reset);
    for (unsigned i = 1; i < machine->cpus; i++) {
        if (machine->vcpu[i] != NULL) { /* one counter */
            machine_cpu(machine, i)->tsc_offset = machine_cpu(machine, 0)->tsc_offset;
        }
    }
}

bool machine_reset(Machine *machine, GError **error)
{
    BootTarget target = {
        .map = machine->map,
        .io = machine->io,
        .pc = machine->pc,
        .cpu = machine_cpu(machine, 0),
        .roms = machine->roms,
    };
    bool done = true;

    machine_lock(machine);
    machine_reset_cpus(machine);
    pc_reset(machine->pc);
    machine->reset_at = clock_now(machine->clock);
    if (machine->boot != NULL && !options_have_flash(machine->options)) {
        done = boot_install(machine->boot, &target, error);
    }
    machine_unlock(machine);
    return done;
}

/* The kernel of a direct boot, or the firmware. */
static bool machine_make_boot(Machine *machine, GError **error)
{
    const Options *options = machine->options;
    const char *bios = options->bios != NULL ? options->bios : FIRMWARE_DEFAULT;

    machine->roms = rom_files_new((const char *const *)options->rom_folders->pdata);
    if (options->kernel != NULL) {
        machine->boot = boot_open(options, error);
        return machine->boot != NULL;
    }
    if (options_have_flash(options)) {
        return true;
    }
    if (!firmware_map(machine->map, machine->roms, bios, error)) {
        g_prefix_error(error, "-bios ");
        return false;
    }
    return true;
}

/* Firmware in flash starts the kernel itself. */
static bool machine_offer_kernel(Machine *machine, GError **error)
{
    return machine->boot == NULL || !options_have_flash(machine->options) ||
           boot_offer(machine->boot, machine->pc, error);
}

/* All that a machine has which is not empty. */
static bool machine_make_whole(Machine *machine, GError **error)
{
    return machine_make_boot(machine, error) && machine_make_cpus(machine, error) &&
           machine_make_engine(machine, error) && machine_open_devices(machine, error) &&
           machine_make_display(machine, error) && machine_make_board(machine, error) &&
           machine_offer_kernel(machine, error) && machine_reset(machine, error) &&
           machine_display_open(machine->display, error);
}

Machine *machine_new(Options *options, GError **error)
{
    Machine *machine = g_new0(Machine, 1);
    uint32_t items = 0;

    machine->options = options;
    g_rec_mutex_init(&machine->lock);
    g_mutex_init(&machine->stop_lock);
    machine->loop = g_main_loop_new(NULL, FALSE);
    machine->state = RUN_STATE_PRELAUNCH;
    machine->only = -1;
    machine->monitors = monitors_new(machine);
    machine->fdsets = fdsets_new();
    machine->chardevs = g_ptr_array_new_with_free_func((GDestroyNotify)chardev_free);
    if (options->log_items != NULL && !log_items_parse(options->log_items, &items, error)) {
        machine_free(machine);
        return NULL;
    }
    machine->log = log_new(items, options->log_file, options->log_filter, error);
    if (machine->log == NULL || !machine_make_map(machine, error) ||
        !machine_make_clock(machine, error) ||
        !(options->machine_type->empty ? machine_open_devices(machine, error)
                                       : machine_make_whole(machine, error))) {
        machine_free(machine);
        return NULL;
    }
    return machine;
}

void machine_free(Machine *machine)
{
    if (machine->stats) {
        machine_print_stats(machine);
    }
    g_clear_pointer(&machine->gdbstub, gdbstub_free);
    machine_each_vcpu(machine, vcpu_end);
    g_clear_pointer(&machine->engine, engine_free);
    if (machine->stop_source != 0) {
        g_source_remove(machine->stop_source);
    }
    if (machine->display != NULL) {
        machine_display_close(machine->display);
    }
    g_clear_pointer(&machine->pc, pc_free);
    for (unsigned i = 0; i < machine->cpus; i++) { /* devices that go may still interrupt them */
        g_clear_pointer(&machine->vcpu[i], vcpu_free);
    }
    g_clear_pointer(&machine->monitors, monitors_free);
    g_clear_pointer(&machine->display, machine_display_free);
    machine_close_devices(machine);
    g_ptr_array_free(machine->chardevs, TRUE);
    fdsets_free(machine->fdsets);
    g_clear_pointer(&machine->boot, boot_close);
    g_clear_pointer(&machine->roms, rom_files_free);
    g_clear_pointer(&machine->model, cpu_model_free);
    g_clear_pointer(&machine->traits, host_traits_free);
    g_clear_pointer(&machine->clock_source, clock_source_free);
    g_clear_pointer(&machine->io, io_bus_free);
    g_clear_pointer(&machine->map, phys_map_free);
    machine_free_memory(machine);
    g_clear_pointer(&machine->log, log_free);
    g_clear_pointer(&machine->loop, g_main_loop_unref);
    g_free(machine->vcpu);
    g_free(machine->apic_ids);
    g_free(machine->cpu_type);
    g_free(machine->migration_error);
    g_mutex_clear(&machine->stop_lock);
    g_rec_mutex_clear(&machine->lock);
    g_free(machine);
}
