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

typedef struct OptionRow {
    const char *name;
    const char *argument; /* NULL: takes none */
    OptionApply *apply;   /* NULL: `text`, `flag` or `refusal` says it all */
    size_t text;          /* where a plain string goes (offset in Options), 0: nowhere */
    size_t flag;          /* where true goes */
    const char *refusal;  /* why doppel does not take it */
    const char *help;     /* NULL: not shown by -help */
} OptionRow;

/* options_other.c: looked at after those of options.c. A NULL name ends them. */
extern const OptionRow option_other_rows[];

bool option_fail(GError **error, OptionsError code, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* `help` or `?` was asked for and has been printed: ends parsing with OPTIONS_EXIT. */
bool option_help_shown(GError **error);
bool option_is_help(const char *value);

/* options_machine.c */
OptionApply option_machine, option_accel, option_enable_kvm, option_memory, option_smp, option_cpu,
    option_rtc;
/* May guest RAM be so big? */
bool options_ram_check(uint64_t size, GError **error);
/* options_firmware.c */
OptionApply option_boot, option_fw_cfg, option_option_rom, option_acpitable, option_smbios,
    option_uuid;
/* -boot order= alone, checked. */
bool options_set_boot_order(Options *options, const char *letters, GError **error);
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
/* Keeps the words of an option; what they are, the list's. */
KeyValues *options_keep_words(GPtrArray *list, const char *option, const char *value,
                              const char *implied);
void options_net_init(Options *options);
void options_net_clear(Options *options);
/* options_numa.c */
OptionApply option_numa;
/* The size of RAM is that of memory-backend=, unless -m says it. */
bool options_finish_memory(Options *options, GError **error);
/* options_share.c */
OptionApply option_fsdev, option_virtfs;
/* options_plug.c */
OptionApply option_device, option_global, option_debugcon;
void options_plug_init(Options *options);
void options_plug_clear(Options *options);
/* -device DRIVER with these properties, which are taken. */
void options_plug(Options *options, const char *words, const char *driver, KeyValues *values);
/* -device DRIVER,drive=ID; errors name `words`. */
void options_plug_drive(Options *options, const char *words, const char *driver, const char *id);
/* Before all others; `text` is what a -device would say behind its name. */
void options_plug_first(Options *options, const char *words, const char *driver, const char *text);
bool options_plug_scsi(Options *options, GError **error); /* if=scsi: options_scsi.c */
/* Does a -device ask for one of this type? */
bool options_have_device(const Options *options, const char *driver);

/* options_audio.c */
OptionApply option_audiodev;
void options_audio_init(Options *options);
void options_audio_clear(Options *options);
bool options_have_audiodev(const Options *options, const char *id);

/* options_json.c: a JSON object as "key=value,..."; members of members as "key.member". NULL: the
 * error is set. Caller frees. */
char *options_json_words(const char *json, GError **error);

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
