/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RUNTIME_MACHINE_OPTIONS_INT_H
#define RUNTIME_MACHINE_OPTIONS_INT_H
/* options_int.h - the handlers behind the rows of options.c.
 *
 * A handler stores what it read. On an error it sets only the reason; the caller puts option and
 * value before it. Asked for help it prints to stdout and sets OPTIONS_HELP_SHOWN. */
#include "hw/block/throttle.h"
#include "runtime/machine/options.h"

typedef bool OptionApply(Options *options, const char *value, GError **error);

bool option_fail(GError **error, OptionsError code, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* `help` or `?` was asked for and has been printed: ends parsing with OPTIONS_EXIT. */
bool option_help_shown(GError **error);
bool option_is_help(const char *value);

/* options_machine.c */
OptionApply option_machine, option_accel, option_enable_kvm, option_memory, option_smp, option_cpu,
    option_rtc;
/* options_firmware.c */
OptionApply option_boot, option_fw_cfg, option_option_rom, option_acpitable, option_smbios,
    option_uuid;
/* options_block.c */
OptionApply option_blockdev;
void options_block_init(Options *options);
void options_block_clear(Options *options);
/* What -drive says about images; takes away what describes layers. */
bool drive_block_options(DriveOption *drive, KeyValues *values, GError **error);
/* options_throttle.c: takes away what it knows; a new reference, NULL with an error. */
bool drive_throttle_options(DriveOption *drive, KeyValues *values, GError **error);
Throttle *throttle_group_open(const KeyValues *values, GError **error);

/* options_device.c */
OptionApply option_pflash, option_fda, option_fdb, option_hda, option_hdb, option_hdc, option_hdd,
    option_cdrom, option_drive, option_serial, option_chardev, option_parallel;

void chardev_option_free(gpointer data);
/* NULL: no -chardev has this id. */
const ChardevOption *options_chardev(const Options *options, const char *id);
/* `spec` is a short form. */
bool options_add_chardev(Options *options, const char *words, const char *id, const char *spec,
                         GError **error);

/* options_net.c */
OptionApply option_netdev, option_nic, option_net, option_object;
void options_net_init(Options *options);
void options_net_clear(Options *options);
/* options_plug.c */
OptionApply option_device, option_global, option_debugcon;
void options_plug_init(Options *options);
void options_plug_clear(Options *options);
/* -device DRIVER,drive=ID; errors name `words`. */
void options_plug_drive(Options *options, const char *words, const char *driver, const char *id);
/* Does a -device ask for one of this type? */
bool options_have_device(const Options *options, const char *driver);

/* options_misc.c */
OptionApply option_name, option_action, option_watchdog_action, option_add_fd, option_echr,
    option_gdb, option_s, option_accept, option_msg, option_sandbox, option_overcommit, option_seed,
    option_icount;
void options_misc_init(Options *options);
void options_misc_clear(Options *options);
/* "reboot", "shutdown" and so on, and what is to be done then; -action's and set-action's. */
bool options_set_action(Options *options, const char *event, const char *value, GError **error);

/* options.c: the option "device" with its value. */
bool options_apply(Options *options, const char *name, const char *value, GError **error);

/* options_readconfig.c */
OptionApply option_readconfig;

/* options_monitor.c */
OptionApply option_monitor, option_qmp, option_qmp_pretty, option_mon;
void monitor_option_free(gpointer data);
void options_finish_monitors(Options *options);

/* options_display.c */
OptionApply option_display, option_vnc, option_curses, option_vga;
void options_display_init(Options *options);
void options_display_clear(Options *options);
/* After the last option. */
void options_finish_display(Options *options);

/* Places drives without an index, refuses two on one place, resolves chardev names. */
bool options_finish_devices(Options *options, GError **error);

#endif
