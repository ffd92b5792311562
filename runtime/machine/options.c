/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/machine/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hw/firmware_config.h"
#include "hw/rom_files.h"
#include "runtime/engine/log.h"
#include "runtime/machine/options_int.h"
#include "runtime/machine/version.h"

enum { OPTIONS_HELP_SHOWN = 1000, DEFAULT_RAM_MIB = 128, HELP_COLUMN = 30 };

#define TEXT(field) offsetof(Options, field)

static OptionApply option_help, option_version, option_log, option_no_acpi, option_no_hpet,
    option_rom_folder;

static const OptionRow option_rows[] = {
    { "h", .apply = option_help },
    { "help", .apply = option_help, .help = "show this text" },
    { "version", .apply = option_version, .help = "show the version" },
    { "machine", "[type=]NAME[,PROP=VALUE]", option_machine,
      .help = "pc, the only machine now; accel=, acpi=, hpet=" },
    { "M", "NAME", option_machine, .help = "the same as -machine" },
    { "accel", "NAME[,PROP=VALUE]", option_accel,
      .help = "dbt (the default) or interp, the reference interpreter" },
    { "enable-kvm", .apply = option_enable_kvm, .help = "accepted; doppel has no use for it" },
    { "cpu", "MODEL[,+FEATURE][,-FEATURE]", option_cpu,
      .help = "CPU model (max; -cpu help lists them)" },
    { "m", "[size=]SIZE", option_memory,
      .help = "guest RAM in MiB, or with suffix K, M, G, T (128)" },
    { "mem-path", "PATH", .text = TEXT(mem_path), .help = "guest RAM is a file there" },
    { "mem-prealloc", .flag = TEXT(mem_prealloc),
      .help = "the host gives all of guest RAM before the guest starts" },
    { "numa", "node|cpu|dist[,PROP=VALUE]", option_numa,
      .help =
          "NUMA nodes: node,nodeid=,memdev=,mem=,cpus=; cpu,node-id=,...; dist,src=,dst=,val=" },
    { "smp", "N[,...]", option_smp,
      .help = "CPUs, 1 to 255; sockets=, dies=, cores=, threads=, maxcpus=" },
    { "kernel", "FILE", .text = TEXT(kernel), .help = "boot a Linux bzImage or a multiboot image" },
    { "initrd", "FILE", .text = TEXT(initrd),
      .help = "initial RAM disk; multiboot: modules, \"FILE ARGUMENTS,FILE\"" },
    { "append", "TEXT", .text = TEXT(append), .help = "the kernel's command line" },
    { "bios", "FILE", .text = TEXT(bios), .help = "firmware (bios-256k.bin: SeaBIOS)" },
    { "pflash", "FILE", option_pflash, .help = "flash memory; the first holds the firmware" },
    { "L", "FOLDER", option_rom_folder, .help = "where firmware is looked for first" },
    { "hda", "FILE", option_hda, .help = "IDE disk 0; likewise -hdb, -hdc, -hdd" },
    { "hdb", "FILE", option_hdb, .help = NULL },
    { "hdc", "FILE", option_hdc, .help = NULL },
    { "hdd", "FILE", option_hdd, .help = NULL },
    { "fda", "FILE", option_fda, .help = "floppy disk 0; likewise -fdb" },
    { "fdb", "FILE", option_fdb, .help = NULL },
    { "cdrom", "FILE", option_cdrom, .help = "IDE CD-ROM, in the place of -hdc" },
    { "drive", "file=FILE[,PROP=VALUE]", option_drive,
      .help =
          "format=, if=ide|floppy|scsi|virtio|pflash|none, index=, media=disk|cdrom, snapshot=, readonly=, cache=, id=, "
          "discard=, detect-zeroes=, werror=, rerror=, serial=, copy-on-read=, file.*" },
    { "blockdev", "[driver=]NAME,node-name=ID[,PROP=VALUE]", option_blockdev,
      .help = "a node of the block layer, for -device (JSON, too)" },
    { "snapshot", .flag = TEXT(snapshot),
      .help = "write to temporary files instead of the images" },
    { "nographic", .flag = TEXT(nographic),
      .help = "no display; first serial port on the terminal (Ctrl-A h helps)" },
    { "display", "TYPE", option_display,
      .help = "none, curses, vnc=HOST:DISPLAY, web[=[ADDRESS:]PORT] (-display help)" },
    { "vnc", "HOST:DISPLAY[,PROP=VALUE]", option_vnc,
      .help = "VNC server, also unix:PATH; password=on, to=, share=, connections=, display=" },
    { "curses", .apply = option_curses, .help = "the same as -display curses" },
    { "k", "LAYOUT", .text = TEXT(keyboard), .help = "keyboard layout of VNC clients (en-us)" },
    { "serial", "DEV", option_serial,
      .help = "stdio, mon:stdio, file:, pty, unix:, tcp:, null, none; up to four times" },
    { "chardev", "BACKEND,id=ID[,PROP=VALUE]", option_chardev,
      .help = "a named host end: null, stdio, file, pipe, pty, socket" },
    { "monitor", "DEV", option_monitor,
      .help = "a monitor for people there: stdio, unix:, tcp:, ...; or none" },
    { "qmp", "DEV", option_qmp, .help = "a monitor for programs (QMP)" },
    { "qmp-pretty", "DEV", option_qmp_pretty, .help = "the same, indented" },
    { "mon", "[chardev=]ID[,mode=readline|control][,pretty=on]", option_mon,
      .help = "a monitor on a -chardev" },
    { "S", .flag = TEXT(stopped), .help = "do not run the guest until a monitor says `cont`" },
    { "uuid", "UUID", option_uuid, .help = "the machine's UUID" },
    { "parallel", "none", option_parallel, .help = "none or null" },
    { "debugcon", "DEV", option_debugcon, .help = "debug console at port 0xe9" },
    { "device", "NAME[,PROP=VALUE]", option_device,
      .help = "plug in a device (-device help lists them; NAME,help tells its properties)" },
    { "global", "NAME.PROP=VALUE", option_global,
      .help = "default of a property, for all devices of a type" },
    { "vga", "TYPE", option_vga, .help = "std (the default) or none" },
    { "object", "TYPE,id=ID[,PROP=VALUE]", option_object,
      .help = "something that devices name: rng-random, rng-builtin (-object help)" },
    { "fsdev", "local,id=ID,path=FOLDER,security_model=MODEL[,PROP=VALUE]", option_fsdev,
      .help = "a folder for -device virtio-9p-pci: passthrough, none, mapped-xattr, mapped-file" },
    { "virtfs", "local,path=FOLDER,mount_tag=TAG,security_model=MODEL[,PROP=VALUE]", option_virtfs,
      .help = "the same with its device" },
    { "netdev", "TYPE,id=ID[,PROP=VALUE]", option_netdev,
      .help = "a host end for network cards (-netdev help lists the types)" },
    { "nic", "TYPE[,model=NAME][,mac=ADDRESS][,PROP=VALUE]", option_nic,
      .help = "a network card and its host end, or none" },
    { "net", "nic|TYPE[,PROP=VALUE]", option_net, .help = "the old words for the same" },
    { "nodefaults", .flag = TEXT(nodefaults), .help = "no default devices" },
    { "no-acpi", .apply = option_no_acpi, .help = "no ACPI tables" },
    { "no-hpet", .apply = option_no_hpet, .help = "no HPET" },
    { "boot", "[order=]LETTERS[,PROP=VALUE]", option_boot,
      .help = "order=, once=, menu=, strict=, splash=, splash-time=, reboot-timeout=" },
    { "fw_cfg", "[name=]NAME,file=FILE|string=TEXT", option_fw_cfg,
      .help = "a file for firmware and guest" },
    { "option-rom", "FILE", option_option_rom, .help = "a ROM that firmware runs" },
    { "acpitable", "PROP=VALUE", option_acpitable,
      .help = "one more ACPI table: sig=, rev=, oem_id=, ..., file= or data=" },
    { "smbios", "type=N,PROP=VALUE|file=FILE", option_smbios,
      .help = "fields of types 0 to 4, 11, 17 and 41, or a structure" },
    { "rtc", "[base=utc|localtime|DATE][,clock=host|vm]", option_rtc,
      .help = "start and source of the real-time clock" },
    { "incoming", "URI", .text = TEXT(incoming),
      .help =
          "start as the saved machine of file:PATH, exec:COMMAND, fd:N; defer: a monitor will say" },
    { "loadvm", "NAME", .text = TEXT(loadvm), .help = "start as savevm has saved the machine" },
    { "no-reboot", .flag = TEXT(no_reboot), .help = "exit instead of rebooting" },
    { "no-shutdown", .flag = TEXT(no_shutdown), .help = "stop the guest instead of exiting" },
    { "name", "[guest=]NAME[,process=NAME]", option_name, .help = "name of the guest" },
    { "action", "EVENT=ACTION,...", option_action,
      .help = "reboot=reset|shutdown, shutdown=poweroff|pause, panic=, watchdog=" },
    { "watchdog-action", "ACTION", option_watchdog_action,
      .help = "the same as -action watchdog=" },
    { "daemonize", .flag = TEXT(daemonize), .help = "go into the background when ready" },
    { "add-fd", "fd=FD,set=SET[,opaque=TEXT]", option_add_fd,
      .help = "put a descriptor into a set, for /dev/fdset/SET" },
    { "echr", "NUMBER", option_echr, .help = "the escape character instead of Ctrl-A" },
    { "msg", "timestamp=on|off", option_msg, .help = "accepted" },
    { "sandbox", "on|off[,PROPS]", option_sandbox, .help = "accepted; restricts nothing" },
    { "overcommit", "mem-lock=on|off,cpu-pm=on|off", option_overcommit,
      .help = "mem-lock=on keeps all memory in RAM" },
    { "seed", "NUMBER", option_seed, .help = "accepted" },
    { "icount", "[shift=]N", option_icount, .help = "accepted; guest time stays the host's" },
    { "no-user-config", .apply = option_accept, .help = "accepted; there are no such files" },
    { "only-migratable", .apply = option_accept, .help = "accepted" },
    { "no-fd-bootchk", .apply = option_accept, .help = "accepted" },
    { "pidfile", "FILE", .text = TEXT(pidfile), .help = "write the process id there" },
    { "d", "ITEM[,ITEM]", option_log, .help = "log (-d help lists the items)" },
    { "D", "FILE", .text = TEXT(log_file), .help = "log into a file instead of stderr" },
    { "dfilter", "RANGE[,RANGE]", .text = TEXT(log_filter),
      .help = "log only these addresses: START..END, START+SIZE" },
    { "gdb", "DEV", option_gdb, .help = "wait for gdb there: tcp::PORT, unix:, stdio, chardev:" },
    { "s", .apply = option_s, .help = "the same as -gdb tcp::1234" },
    { "spice", "PROPS", .refusal = "-vnc and -display web are there instead" },
    { "sdl", .refusal = "doppel opens no windows; -vnc and -display are there instead" },
    { "full-screen", .refusal = "doppel opens no windows; -vnc and -display are there instead" },
    { "audiodev", "[driver=]DRIVER,id=ID[,PROP=VALUE]", option_audiodev,
      .help = "none: a host end of sound that stays silent" },
    { "preconfig", .refusal = "a machine is complete when it starts" },
    { "dtb", "FILE", .refusal = "a PC has no device tree" },
    { "readconfig", "FILE", option_readconfig,
      .help = "options out of a file, [SECTION \"ID\"] by section" },
    { "runas", "USER", .text = TEXT(run_as),
      .help = "become that user (or UID:GID) when all is open, before the guest runs" },
    { "chroot", "FOLDER", .text = TEXT(chroot_folder), .help = "likewise, make that the root" },
    { "trace", "PROPS", .refusal = "not supported; see -d" },
};

void options_each(OptionsEach *each, void *opaque)
{
    for (size_t i = 0; i < G_N_ELEMENTS(option_rows); i++) {
        if (option_rows[i].refusal == NULL) {
            each(opaque, option_rows[i].name, option_rows[i].argument, option_rows[i].help);
        }
    }
    for (const OptionRow *row = option_other_rows; row->name != NULL; row++) {
        if (row->refusal == NULL) {
            each(opaque, row->name, row->argument, row->help);
        }
    }
}

GQuark options_error_quark(void)
{
    return g_quark_from_static_string("options-error");
}

bool option_fail(GError **error, OptionsError code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(OPTIONS_ERROR, (gint)code, format, args));
    va_end(args);
    return false;
}

bool option_help_shown(GError **error)
{
    g_set_error_literal(error, OPTIONS_ERROR, OPTIONS_HELP_SHOWN, "");
    return false;
}

bool option_is_help(const char *value)
{
    return strcmp(value, "help") == 0 || strcmp(value, "?") == 0;
}

static void option_row_print(const OptionRow *row)
{
    g_autofree char *left = g_strconcat("-", row->name, row->argument ? " " : "", row->argument,
                                        NULL);

    if (strlen(left) > HELP_COLUMN) {
        printf("  %s\n  %*s %s\n", left, HELP_COLUMN, "", row->help);
    } else {
        printf("  %-*s %s\n", HELP_COLUMN, left, row->help);
    }
}

static bool option_help(Options *options, const char *value, GError **error)
{
    (void)options;
    (void)value;
    printf(
        "%s\n"
        "usage: doppel [options] [disk image]\n\n"
        "Runs a PC without hardware virtualization. Options are QEMU's, with one dash or two:\n\n",
        version_line());
    for (size_t i = 0; i < G_N_ELEMENTS(option_rows); i++) {
        if (option_rows[i].help != NULL) {
            option_row_print(&option_rows[i]);
        }
    }
    for (const OptionRow *row = option_other_rows; row->name != NULL; row++) {
        if (row->help != NULL) {
            option_row_print(row);
        }
    }
    return option_help_shown(error);
}

static bool option_version(Options *options, const char *value, GError **error)
{
    (void)options;
    (void)value;
    printf("%s\n", version_line());
    return option_help_shown(error);
}

static bool option_log(Options *options, const char *value, GError **error)
{
    uint32_t items;

    if (option_is_help(value)) {
        log_print_items();
        return option_help_shown(error);
    }
    if (!log_items_parse(value, &items, error)) {
        return false;
    }
    g_free(options->log_items);
    options->log_items = g_strdup(value);
    return true;
}

static bool option_no_acpi(Options *options, const char *value, GError **error)
{
    (void)value;
    (void)error;
    options->acpi = false;
    return true;
}

static bool option_no_hpet(Options *options, const char *value, GError **error)
{
    (void)value;
    (void)error;
    options->hpet = false;
    return true;
}

static bool option_rom_folder(Options *options, const char *value, GError **error)
{
    if (option_is_help(value)) {
        RomFiles *files = rom_files_new((const char *const *)options->rom_folders->pdata);

        for (const char *const *folder = rom_files_folders(files); *folder != NULL; folder++) {
            printf("%s\n", *folder);
        }
        rom_files_free(files);
        return option_help_shown(error);
    }
    g_ptr_array_insert(options->rom_folders, (gint)options->rom_folders->len - 1, g_strdup(value));
    return true;
}

static void drive_option_free(gpointer data)
{
    DriveOption *drive = data;

    g_free(drive->words);
    g_free(drive->file);
    g_free(drive->format);
    g_free(drive->id);
    g_free(drive->cache);
    g_free(drive->discard);
    g_free(drive->serial);
    g_free(drive->throttle_group);
    g_free(drive->throttle);
    g_clear_pointer(&drive->tree, json_object_unref);
    g_free(drive);
}

Options *options_new(void)
{
    Options *options = g_new0(Options, 1);

    options->ram = (uint64_t)DEFAULT_RAM_MIB << 20;
    options->ram_words = g_strdup_printf("-m %d", DEFAULT_RAM_MIB);
    options->cpu = g_strdup("max");
    options->smp = (SmpOptions){ 1, 1, 1, 1, 1, 1 };
    options->mem_merge = options->mem_dump = true;
    options->acpi = true;
    options->hpet = true;
    options->graphics = true;
    options->smm = true;
    options->drives = g_ptr_array_new_with_free_func(drive_option_free);
    options_block_init(options);
    options->serial = g_ptr_array_new_with_free_func(g_free);
    options->chardevs = g_ptr_array_new_with_free_func(chardev_option_free);
    options->monitors = g_ptr_array_new_with_free_func(monitor_option_free);
    options->rom_folders = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(options->rom_folders, NULL);
    options->firmware = firmware_config_new();
    options->notes = g_ptr_array_new_with_free_func(g_free);
    options_plug_init(options);
    options_misc_init(options);
    options_net_init(options);
    options_audio_init(options);
    options_display_init(options);
    return options;
}

void options_free(Options *options)
{
    char *texts[] = {
        options->ram_words,      options->cpu,        options->kernel,   options->initrd,
        options->append,         options->name,       options->pidfile,  options->log_items,
        options->log_file,       options->log_filter, options->run_as,   options->chroot_folder,
        options->bios,           options->uuid,       options->incoming, options->mem_path,
        options->memory_backend, options->loadvm
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_free(texts[i]);
    }
    g_clear_pointer(&options->accel_properties, keyval_free);
    g_ptr_array_free(options->drives, TRUE);
    options_block_clear(options);
    g_ptr_array_free(options->serial, TRUE);
    g_ptr_array_free(options->chardevs, TRUE);
    g_ptr_array_free(options->monitors, TRUE);
    g_ptr_array_free(options->notes, TRUE);
    options_misc_clear(options);
    g_ptr_array_free(options->rom_folders, TRUE);
    firmware_config_free(options->firmware);
    options_plug_clear(options);
    options_net_clear(options);
    options_audio_clear(options);
    options_display_clear(options);
    g_free(options);
}

static const OptionRow *option_find(const char *word)
{
    word += word[1] == '-' ? 2 : 1;
    for (size_t i = 0; i < G_N_ELEMENTS(option_rows); i++) {
        if (strcmp(option_rows[i].name, word) == 0) {
            return &option_rows[i];
        }
    }
    for (const OptionRow *row = option_other_rows; row->name != NULL; row++) {
        if (strcmp(row->name, word) == 0) {
            return row;
        }
    }
    return NULL;
}

static bool option_row_apply(const OptionRow *row, Options *options, const char *value,
                             GError **error)
{
    if (row->refusal != NULL) {
        return option_fail(error, OPTIONS_ERROR_REFUSED, "%s", row->refusal);
    }
    if (row->apply != NULL) {
        return row->apply(options, value, error);
    }
    if (row->text != 0) {
        char **text = (char **)((char *)options + row->text);

        g_free(*text);
        *text = g_strdup(value);
        return true;
    }
    *(bool *)((char *)options + row->flag) = true;
    return true;
}

bool options_apply(Options *options, const char *name, const char *value, GError **error)
{
    g_autofree char *word = g_strconcat("-", name, NULL);
    const OptionRow *row = option_find(word);

    if (row == NULL || row->argument == NULL || row->apply == option_readconfig) {
        return option_fail(error, OPTIONS_ERROR_UNKNOWN, "there is no group '%s'", name);
    }
    return option_row_apply(row, options, value, error);
}

/* What needs the whole command line. */
static bool options_finish(Options *options, GError **error)
{
    options->graphics = options->graphics && !options->nographic;
    options_finish_display(options);
    if (!options_finish_memory(options, error) || !options_finish_devices(options, error)) {
        return false;
    }
    if (options->kernel == NULL && (options->initrd != NULL || options->append != NULL)) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "%s only makes sense with -kernel",
                           options->initrd != NULL ? "-initrd" : "-append");
    }
    return true;
}

static OptionsAction options_result(bool done, GError **error, GError *reason)
{
    if (done) {
        return OPTIONS_RUN;
    }
    if (g_error_matches(reason, OPTIONS_ERROR, OPTIONS_HELP_SHOWN)) {
        g_error_free(reason);
        return OPTIONS_EXIT;
    }
    g_propagate_error(error, reason);
    return OPTIONS_FAIL;
}

OptionsAction options_parse(Options *options, int argc, char **argv, GError **error)
{
    GError *reason = NULL;
    bool good;

    for (int i = 1; i < argc; i++) {
        const OptionRow *row;
        const char *word = argv[i], *value = NULL;

        if (word[0] != '-' || word[1] == '\0') {
            if (!option_hda(options, word, &reason)) {
                g_prefix_error(&reason, "%s: ", word);
                return options_result(false, error, reason);
            }
            continue;
        }
        row = option_find(word);
        if (row == NULL) {
            option_fail(error, OPTIONS_ERROR_UNKNOWN, "%s: unknown option", word);
            return OPTIONS_FAIL;
        }
        if (row->argument != NULL && (value = argv[++i]) == NULL) {
            option_fail(error, OPTIONS_ERROR_VALUE, "%s: needs a value (%s)", word, row->argument);
            return OPTIONS_FAIL;
        }
        if (!option_row_apply(row, options, value, &reason)) {
            g_prefix_error(&reason, "%s%s%s: ", word, value ? " " : "", value ? value : "");
            return options_result(false, error, reason);
        }
    }
    good = options_finish(options, &reason);
    return options_result(good, error, reason);
}
