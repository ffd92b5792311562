/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_options.c - the command line. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw/board.h"
#include "runtime/machine/keyval.h"
#include "runtime/engine/log.h"
#include "hw/firmware_config.h"
#include "runtime/machine/options.h"

enum { MAX_ARGUMENTS = 64 };

/* Arguments are separated by '|'. */
static OptionsAction parse(Options *options, const char *line, GError **error)
{
    g_auto(GStrv) words = g_strsplit(line, "|", -1);
    char *argv[MAX_ARGUMENTS] = { "doppel" };
    int argc = 1;

    for (char **word = words; *word != NULL && **word != '\0'; word++) {
        argv[argc++] = *word;
    }
    return options_parse(options, argc, argv, error);
}

static Options *parse_good(const char *line)
{
    g_autofree char *whole = g_strconcat("-kernel|k|", line, NULL);
    Options *options = options_new();
    GError *error = NULL;
    OptionsAction action = parse(options, whole, &error);

    ck_assert_msg(action == OPTIONS_RUN, "%s: %s", line, error ? error->message : "no error");
    return options;
}

typedef struct SizeRow {
    const char *name, *text;
    bool good;
    uint64_t size;
} SizeRow;

static const SizeRow size_rows[] = {
    { "a number is in the default unit", "512", true, 512ull << 20 },
    { "M is MiB", "512M", true, 512ull << 20 },
    { "k is KiB", "4k", true, 4096 },
    { "K is KiB", "4K", true, 4096 },
    { "G is GiB", "3G", true, 3ull << 30 },
    { "T is TiB", "1T", true, 1ull << 40 },
    { "b is bytes", "77b", true, 77 },
    { "a fraction counts", "1.5G", true, 3ull << 29 },
    { "hexadecimal", "0x10", true, 16ull << 20 },
    { "an unknown suffix is refused", "12Q", false, 0 },
    { "two suffixes are refused", "12MB", false, 0 },
    { "nothing is refused", "", false, 0 },
    { "a negative number is refused", "-1", false, 0 },
    { "words are refused", "lots", false, 0 },
    { "what wraps is refused", "17179869184G", false, 0 },
    { "what no integer holds is refused", "99999999999999999999", false, 0 },
};

START_TEST(sizes_are_read)
{
    const SizeRow *row = &size_rows[_i];
    uint64_t size = 0;

    ck_assert_msg(size_parse(row->text, 1 << 20, &size) == row->good, "%s", row->name);
    ck_assert_msg(!row->good || size == row->size, "%s", row->name);
}
END_TEST

START_TEST(two_commas_are_one_in_a_value)
{
    g_autoptr(KeyValues) values = keyval_parse("file=a,,b,,,id=x,bare,c=d=e", NULL);

    ck_assert_str_eq(keyval_get(values, "file"), "a,b,");
    ck_assert_str_eq(keyval_get(values, "id"), "x");
    ck_assert_str_eq(keyval_get(values, "bare"), "on");
    ck_assert_str_eq(keyval_get(values, "c"), "d=e");
    ck_assert_ptr_null(keyval_get(values, "nothing"));
}
END_TEST

START_TEST(the_last_of_equal_keys_counts)
{
    g_autoptr(KeyValues) values = keyval_parse("pc,accel=a,accel=b", "type");

    ck_assert_str_eq(keyval_get(values, "type"), "pc");
    ck_assert_str_eq(keyval_get(values, "accel"), "b");
}
END_TEST

START_TEST(defaults_are_qemus)
{
    Options *options = parse_good("");

    ck_assert_uint_eq(options->ram, 128ull << 20);
    ck_assert_str_eq(options->cpu, "max");
    ck_assert_int_eq(options->accel, ACCEL_DBT);
    ck_assert(options->acpi && options->hpet);
    ck_assert_uint_eq(options->serial->len, 1);
    ck_assert_str_eq(g_ptr_array_index(options->serial, 0), "null");
    ck_assert_uint_eq(options->notes->len, 0);
    options_free(options);
}
END_TEST

START_TEST(screens_are_shown_as_qemu_does_without_windows)
{
    static const struct {
        const char *line, *vga;
        DisplayKind display;
        unsigned vnc;
    } rows[] = {
        { "", "std", DISPLAY_DEFAULT, 0 },
        { "-nographic", "std", DISPLAY_NONE, 0 },
        { "-display|none", "std", DISPLAY_NONE, 0 },
        { "-vnc|:3", "std", DISPLAY_NONE, 1 },
        { "-display|vnc=:3,password=on", "std", DISPLAY_NONE, 1 },
        { "-display|curses|-vnc|unix:/x", "std", DISPLAY_CURSES, 1 },
        { "-display|web=8080", "std", DISPLAY_WEB, 0 },
        { "-nodefaults", "none", DISPLAY_DEFAULT, 0 },
        { "-vga|none", "none", DISPLAY_DEFAULT, 0 },
        { "-device|VGA", "none", DISPLAY_DEFAULT, 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Options *options = parse_good(rows[i].line);

        ck_assert_msg(options->display == rows[i].display, "%s", rows[i].line);
        ck_assert_str_eq(options->vga, rows[i].vga);
        ck_assert_uint_eq(options->vnc->len, rows[i].vnc);
        options_free(options);
    }
}
END_TEST

START_TEST(vnc_options_are_read)
{
    Options *options = parse_good("-vnc|127.0.0.1:5,password=on,to=9,share=force-shared,"
                                  "connections=3,display=head2|-k|de-ch");
    const VncOption *vnc = g_ptr_array_index(options->vnc, 0);

    ck_assert_str_eq(vnc->address, "127.0.0.1:5");
    ck_assert_str_eq(vnc->device, "head2");
    ck_assert(vnc->password);
    ck_assert_uint_eq(vnc->to, 9);
    ck_assert_uint_eq(vnc->connections, 3);
    ck_assert_uint_eq(vnc->share, 1);
    ck_assert_str_eq(options->keyboard, "de-ch");
    options_free(options);
}
END_TEST

typedef struct SmpRow {
    const char *words;
    SmpOptions smp;
} SmpRow;

static const SmpRow smp_rows[] = {
    /* words, { cpus, maxcpus, sockets, dies, cores, threads } */
    { "", { 1, 1, 1, 1, 1, 1 } },
    { "-smp|8", { 8, 8, 1, 1, 8, 1 } },
    { "-smp|cpus=255", { 255, 255, 1, 1, 255, 1 } },
    { "-smp|4,threads=2", { 4, 4, 1, 1, 2, 2 } },
    { "-smp|4,sockets=4", { 4, 4, 4, 1, 1, 1 } },
    { "-smp|6,cores=3", { 6, 6, 2, 1, 3, 1 } },
    { "-smp|6,sockets=1,cores=3", { 6, 6, 1, 1, 3, 2 } },
    { "-smp|cores=2,threads=2", { 4, 4, 1, 1, 2, 2 } },
    { "-smp|sockets=2,dies=2,cores=2,threads=2", { 16, 16, 2, 2, 2, 2 } },
    { "-smp|2,maxcpus=8", { 2, 8, 1, 1, 8, 1 } },
    { "-smp|maxcpus=4", { 4, 4, 1, 1, 4, 1 } },
    { "-smp|1,sockets=1,dies=1,clusters=1,cores=1,threads=1", { 1, 1, 1, 1, 1, 1 } },
};

START_TEST(cpus_are_laid_out_as_qemu_does)
{
    const SmpRow *row = &smp_rows[_i];
    Options *options = parse_good(row->words);

    ck_assert_msg(memcmp(&options->smp, &row->smp, sizeof(row->smp)) == 0,
                  "%s: %u of %u, %u %u %u %u", row->words, options->smp.cpus, options->smp.maxcpus,
                  options->smp.sockets, options->smp.dies, options->smp.cores,
                  options->smp.threads);
    options_free(options);
}
END_TEST

START_TEST(both_dashes_work)
{
    Options *options = parse_good("--m|64|--nographic|--no-reboot");

    ck_assert_uint_eq(options->ram, 64ull << 20);
    ck_assert(options->nographic && options->no_reboot);
    ck_assert_str_eq(g_ptr_array_index(options->serial, 0), "mon:stdio");
    options_free(options);
}
END_TEST

START_TEST(other_accelerators_are_taken_without_a_word)
{
    Options *options = parse_good("-accel|kvm|-enable-kvm|-machine|pc,accel=kvm:tcg");

    ck_assert_int_eq(options->accel, ACCEL_DBT);
    ck_assert_uint_eq(options->notes->len, 0);
    ck_assert(options->asked_for_kvm);
    options_free(options);
}
END_TEST

START_TEST(monitors_are_listed_in_order)
{
    Options *options = parse_good("-qmp|unix:a,server,nowait|-chardev|stdio,id=c,mux=on"
                                  "|-mon|chardev=c,mode=control,pretty=on|-monitor|pty");
    MonitorOption *const *monitor = (MonitorOption *const *)options->monitors->pdata;

    ck_assert_uint_eq(options->monitors->len, 3);
    ck_assert_int_eq(monitor[0]->mode, MONITOR_CONTROL);
    ck_assert_int_eq(monitor[1]->mode, MONITOR_CONTROL_PRETTY);
    ck_assert_str_eq(monitor[1]->spec, "chardev:c");
    ck_assert_int_eq(monitor[2]->mode, MONITOR_READLINE);
    options_free(options);
}
END_TEST

START_TEST(nographic_has_a_monitor_unless_told_otherwise)
{
    Options *options = parse_good("-nographic|-monitor|none");

    ck_assert_str_eq(g_ptr_array_index(options->serial, 0), "stdio");
    ck_assert_uint_eq(options->monitors->len, 0);
    options_free(options);
    options = parse_good("-nographic|-serial|null");
    ck_assert_uint_eq(options->monitors->len, 1);
    options_free(options);
}
END_TEST

START_TEST(accelerator_properties_are_kept)
{
    Options *options = parse_good("-accel|dbt,cache=32M,stats=on");

    ck_assert_str_eq(keyval_get(options->accel_properties, "cache"), "32M");
    ck_assert_str_eq(keyval_get(options->accel_properties, "stats"), "on");
    options_free(options);
}
END_TEST

START_TEST(scsi_drives_bring_their_adapters)
{
    static const char *const wanted[] = { "lsi53c895a", "lsi53c895a", "scsi-hd",
                                          "scsi-cd",    "scsi-hd",    "edu" };
    Options *options = parse_good("-device|edu|-drive|file=a,if=scsi,index=9|-drive|file=b,if=scsi"
                                  "|-drive|file=c,if=scsi,unit=1,media=cdrom|-nodefaults");
    const DriveOption *drive = g_ptr_array_index(options->drives, 1);

    ck_assert_int_eq(drive->index, 0);
    ck_assert_str_eq(drive->id, "scsi0-hd0");
    ck_assert_uint_eq(options->devices->len, G_N_ELEMENTS(wanted));
    for (guint i = 0; i < options->devices->len; i++) {
        const DeviceOption *device = g_ptr_array_index(options->devices, i);

        ck_assert_str_eq(device->driver, wanted[i]);
        if (i == 4) {
            ck_assert_str_eq(keyval_get(device->values, "bus"), "scsi.1");
            ck_assert_str_eq(keyval_get(device->values, "scsi-id"), "2");
        }
    }
    options_free(options);
}
END_TEST

START_TEST(drives_without_index_take_the_free_places)
{
    Options *options = parse_good("-hdb|b|-drive|file=a,,1,format=raw,snapshot=on|-cdrom|c"
                                  "|-drive|file=d,media=cdrom,if=none,id=x|disk");
    /* "disk" is -hda */
    DriveOption *const *drive = (DriveOption *const *)options->drives->pdata;

    ck_assert_uint_eq(options->drives->len, 6);
    ck_assert_int_eq(drive[5]->interface, DRIVE_FLOPPY); /* an empty one, by default */
    ck_assert_ptr_null(drive[5]->file);
    ck_assert_int_eq(drive[0]->index, 1);
    ck_assert_int_eq(drive[1]->index, 3);
    ck_assert_int_eq(drive[4]->index, 0);
    ck_assert_str_eq(drive[1]->file, "a,1");
    ck_assert(drive[1]->snapshot && !drive[1]->readonly);
    ck_assert_int_eq(drive[2]->index, 2);
    ck_assert(drive[2]->cdrom && drive[2]->readonly);
    ck_assert_int_eq(drive[3]->interface, DRIVE_NONE);
    options_free(options);
}
END_TEST

START_TEST(drives_of_q35_have_a_port_each)
{
    Options *options = parse_good("-hda|a|-drive|file=f,bus=5|-cdrom|c|-drive|file=b|-M|q35"
                                  "|-drive|file=e,index=4|-drive|file=d|-nodefaults");
    DriveOption *const *drive = (DriveOption *const *)options->drives->pdata;
    static const int ports[] = { 0, 5, 2, 1, 4, 3 };

    for (unsigned i = 0; i < G_N_ELEMENTS(ports); i++) {
        ck_assert_int_eq(drive[i]->index, ports[i]);
    }
    options_free(options);
}
END_TEST

START_TEST(floppies_have_two_places)
{
    Options *options = parse_good("-drive|file=b,if=floppy|-fda|a|-nodefaults");
    DriveOption *const *drive = (DriveOption *const *)options->drives->pdata;

    ck_assert_uint_eq(options->drives->len, 2);
    ck_assert_int_eq(drive[0]->index, 1);
    ck_assert_int_eq(drive[1]->index, 0);
    options_free(options);
}
END_TEST

START_TEST(firmware_is_told_what_the_options_say)
{
    Options *options = parse_good(
        "-boot|order=dc,once=n,menu=on,splash-time=500,strict=on"
        "|-fw_cfg|name=opt/a,string=xy|-fw_cfg|opt/b,string=z"
        "|-smbios|type=1,serial=S1,uuid=00112233-4455-6677-8899-aabbccddeeff"
        "|-smbios|type=11,value=one,value=two");
    const FirmwareConfig *firmware = options->firmware;
    const FirmwareFile *file = g_ptr_array_index(firmware->files, 1);

    ck_assert_str_eq(firmware->boot_order, "dc");
    ck_assert_str_eq(firmware->boot_once, "n");
    ck_assert(firmware->boot_menu && firmware->boot_strict);
    ck_assert_int_eq(firmware->splash_time, 500);
    ck_assert_int_eq(firmware->reboot_timeout, -1);
    ck_assert_uint_eq(firmware->files->len, 2);
    ck_assert_str_eq(file->name, "opt/b");
    ck_assert_uint_eq(g_bytes_get_size(file->data), 1);
    ck_assert_str_eq(g_hash_table_lookup(firmware->smbios.fields, "1.serial"), "S1");
    ck_assert_uint_eq(firmware->uuid[15], 0xff);
    ck_assert_uint_eq(firmware->smbios.oem->len, 2);
    options_free(options);
}
END_TEST

START_TEST(serial_ports_are_listed_in_order)
{
    Options *options = parse_good("-serial|file:x|-chardev|socket,id=s,path=/p,server=on,wait=off"
                                  "|-serial|chardev:s");

    ck_assert_uint_eq(options->serial->len, 2);
    ck_assert_str_eq(g_ptr_array_index(options->serial, 0), "file:x");
    ck_assert_str_eq(g_ptr_array_index(options->serial, 1), "chardev:s");
    ck_assert_str_eq(
        g_hash_table_lookup(((ChardevOption *)g_ptr_array_index(options->chardevs, 0))->properties,
                            "path"),
        "/p");
    options_free(options);
}
END_TEST

static const DeviceOption *device_of(const Options *options, unsigned i)
{
    ck_assert_uint_gt(options->devices->len, i);
    return g_ptr_array_index(options->devices, i);
}

START_TEST(devices_are_kept_as_words)
{
    Options *options = parse_good("-device|isa-debug-exit,iobase=0xf4,iosize=4|-debugcon|file:x"
                                  "|-device|{\"driver\":\"isa-serial\",\"index\":3}");

    ck_assert_uint_eq(options->devices->len, 3);
    ck_assert_str_eq(device_of(options, 0)->driver, "isa-debug-exit");
    ck_assert_str_eq(device_of(options, 0)->words, "-device isa-debug-exit,iobase=0xf4,iosize=4");
    ck_assert_str_eq(keyval_get(device_of(options, 0)->values, "iobase"), "0xf4");
    ck_assert_ptr_null(keyval_get(device_of(options, 0)->values, "driver"));
    ck_assert_str_eq(device_of(options, 1)->driver, "isa-debugcon");
    ck_assert_str_eq(keyval_get(device_of(options, 1)->values, "chardev"), "debugcon");
    ck_assert_str_eq(((ChardevOption *)g_ptr_array_index(options->chardevs, 0))->id, "debugcon");
    ck_assert_str_eq(
        g_hash_table_lookup(((ChardevOption *)g_ptr_array_index(options->chardevs, 0))->properties,
                            "path"),
        "x");
    ck_assert_str_eq(device_of(options, 2)->driver, "isa-serial");
    ck_assert_str_eq(keyval_get(device_of(options, 2)->values, "index"), "3");
    ck_assert_uint_eq(options->serial->len, 0); /* the default port has been replaced */
    options_free(options);
}
END_TEST

START_TEST(globals_have_two_forms)
{
    Options *options = parse_good("-global|PIIX4_PM.disable_s3=1|-global|"
                                  "driver=edu,property=dma_mask,value=1,,2");
    const BoardGlobal *global = &g_array_index(options->globals, BoardGlobal, 0);

    ck_assert_uint_eq(options->globals->len, 2);
    ck_assert_str_eq(global[0].driver, "PIIX4_PM");
    ck_assert_str_eq(global[0].property, "disable_s3");
    ck_assert_str_eq(global[0].value, "1");
    ck_assert_str_eq(global[1].driver, "edu");
    ck_assert_str_eq(global[1].property, "dma_mask");
    ck_assert_str_eq(global[1].value, "1,2");
    options_free(options);
}
END_TEST

START_TEST(the_clock_can_start_at_a_date)
{
    Options *options = parse_good("-rtc|base=2006-06-17T16:01:21,clock=vm");

    ck_assert_int_eq(options->rtc_base, RTC_DATE);
    ck_assert_int_eq(options->rtc_date, 1150560081);
    ck_assert(options->rtc_vm);
    options_free(options);
}
END_TEST

typedef struct RefusalRow {
    const char *line, *message;
} RefusalRow;

static const RefusalRow refusal_rows[] = {
    { "-m|12Q", "-m 12Q: invalid size" },
    { "--m|12Q", "--m 12Q: invalid size" },
    { "-m|0", "-m 0: too small: a PC has 1 MiB at least" },
    { "-smp|0", "-smp 0: Invalid CPU topology: CPU topology parameters must be greater than zero" },
    { "-smp|cores=0", "-smp cores=0: Invalid CPU topology: CPU topology parameters must be greater "
                      "than zero" },
    { "-smp|256", "-smp 256: Invalid SMP CPUs 256. The max CPUs supported by machine "
                  "'pc-i440fx-7.2' is 255" },
    { "-smp|4,cores=3",
      "-smp 4,cores=3: Invalid CPU topology: product of the hierarchy must match maxcpus: sockets "
      "(1) * dies (1) * cores (3) * threads (1) != maxcpus (4)" },
    { "-smp|5,maxcpus=4",
      "-smp 5,maxcpus=4: Invalid CPU topology: maxcpus must be equal to or greater than smp: "
      "sockets (1) * dies (1) * cores (4) * threads (1) == maxcpus (4) < smp_cpus (5)" },
    { "-smp|2,clusters=2",
      "-smp 2,clusters=2: clusters not supported by this machine's CPU topology" },
    { "-smp|two", "-smp two: cpus=two: invalid number" },
    { "-M|nonsuch", "-M nonsuch: no machine 'nonsuch' (-machine help lists them)" },
    { "-frob", "-frob: unknown option" },
    { "-kernel", "-kernel: needs a value (FILE)" },
    { "-device|nonsuch", "-device nonsuch: 'nonsuch' is not a valid device model name" },
    { "-device|id=x", "-device id=x: Parameter 'driver' is missing" },
    { "-device|{\"driver\":[]}",
      "-device {\"driver\":[]}: Parameter 'driver' expects a string, a number or a boolean" },
    { "-global|nonsense", "-global nonsense: options 'driver', 'property', and 'value' are "
                          "required, or NAME.PROPERTY=VALUE" },
    { "-hda|x|-hda|y", "-hda y: no free place on the IDE buses" },
    { "-drive|file=x,index=4", "-drive file=x,index=4: no free place on the IDE buses" },
    { "-M|q35|-drive|file=x,bus=1,unit=1",
      "-drive file=x,bus=1,unit=1: unit 1 too big (max is 0)" },
    { "-drive|file=x,cache=fast",
      "-drive file=x,cache=fast: cache is writeback, writethrough, none, "
      "directsync or unsafe" },
    { "-rtc|base=2006-13-45", "-rtc base=2006-13-45: base is utc, localtime or a date like "
                              "2026-06-17T16:01:21" },
    { "-monitor|chardev:x", "chardev \"x\" not found" },
    { "-mon|chardev=x,mode=loud", "-mon chardev=x,mode=loud: mode is readline or control" },
    { "-chardev|null,id=a|-chardev|null,id=a", "-chardev null,id=a: Duplicate ID 'a' for chardev" },
    { "-uuid|1234", "-uuid 1234: failed to parse UUID string: wrong format" },
    { "-display|gtk",
      "-display gtk: doppel opens no windows; none, curses, vnc=DISPLAY and web are there" },
    { "-display|frob",
      "-display frob: there is no such display; none, curses, vnc=DISPLAY and web are there" },
    { "-vga|qxl", "-vga qxl: std and none are supported" },
    { "-vnc|password=on", "-vnc password=on: no address: HOST:DISPLAY, unix:PATH, none" },
    { "-vnc|:1,share=all", "-vnc :1,share=all: share is allow-exclusive, force-shared or ignore" },
    { "-vnc|:1,websocket=on", "-vnc :1,websocket=on: websocket=: -display web serves WebSockets" },
    { "-vnc|:1,tls-creds=x",
      "-vnc :1,tls-creds=x: tls-creds=: there is no TLS; a tunnel (ssh) or unix: does as well" },
    { "-d|int,frob", "-d int,frob: no log item 'frob' (-d help lists them)" },
};

START_TEST(what_is_wrong_is_named)
{
    const RefusalRow *row = &refusal_rows[_i];
    Options *options = options_new();
    g_autoptr(GError) error = NULL;

    ck_assert_int_eq(parse(options, row->line, &error), OPTIONS_FAIL);
    ck_assert_str_eq(error->message, row->message);
    options_free(options);
}
END_TEST

typedef struct FilterRow {
    const char *filter;
    uint64_t inside, outside;
} FilterRow;

static const FilterRow filter_rows[] = {
    { "0x1000..0x1fff", 0x1fff, 0x2000 },
    { "0x1000+0x10", 0x100f, 0x1010 },
    { "0x1000-0x10", 0xff1, 0xff0 },
    { "0x1..0x2,0xffffffff80000000+0x1000", 0xffffffff80000fff, 0xffffffff80001000 },
};

START_TEST(dfilter_limits_addresses)
{
    const FilterRow *row = &filter_rows[_i];
    Log *log = log_new(LOG_EXEC, NULL, row->filter, NULL);

    ck_assert_ptr_nonnull(log);
    ck_assert(log_address(log, row->inside));
    ck_assert(!log_address(log, row->outside));
    log_free(log);
}
END_TEST

typedef struct ConfigRow {
    const char *text, *message; /* message NULL: it is good */
} ConfigRow;

static const ConfigRow config_rows[] = {
    { "# words\n[machine]\n  type = \"pc\"\n\n[memory]\n  size = \"64\"\n"
      "[device \"d\"]\n driver = \"isa-debug-exit\"\n iobase = \"0xf4\"\n",
      NULL },
    { "[frob]\n x = \"y\"\n", "there is no group 'frob'" },
    { "[readconfig]\n x = \"y\"\n", "there is no group 'readconfig'" },
    { "[memory\n", "the section has no ]" },
    { "size = \"1\"\n", "no section yet" },
    { "[memory]\nsize\n", "no = here" },
    { "[memory]\nsize = 64\n", "the value stands between \"" },
    { "[memory]\nsize = \"12Q\"\n", "invalid size" },
};

START_TEST(options_come_from_a_file)
{
    const ConfigRow *row = &config_rows[_i];
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "doppel-config-XXXXXX", NULL);
    g_autofree char *line = NULL;
    g_autoptr(GError) error = NULL;
    Options *options = options_new();
    int fd = g_mkstemp(path);

    ck_assert_int_eq(write(fd, row->text, strlen(row->text)), (int)strlen(row->text));
    close(fd);
    line = g_strconcat("-kernel|k|-readconfig|", path, NULL);
    ck_assert_int_eq(parse(options, line, &error),
                     row->message == NULL ? OPTIONS_RUN : OPTIONS_FAIL);
    if (row->message == NULL) {
        ck_assert_uint_eq(options->ram, 64ull << 20);
        ck_assert_str_eq(keyval_get(device_of(options, 0)->values, "id"), "d");
    } else {
        ck_assert_ptr_nonnull(strstr(error->message, row->message));
    }
    unlink(path);
    options_free(options);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tc = tcase_create("options");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, sizes_are_read, 0, G_N_ELEMENTS(size_rows));
    tcase_add_loop_test(tc, options_come_from_a_file, 0, G_N_ELEMENTS(config_rows));
    tcase_add_test(tc, two_commas_are_one_in_a_value);
    tcase_add_test(tc, the_last_of_equal_keys_counts);
    tcase_add_test(tc, defaults_are_qemus);
    tcase_add_loop_test(tc, cpus_are_laid_out_as_qemu_does, 0, G_N_ELEMENTS(smp_rows));
    tcase_add_test(tc, screens_are_shown_as_qemu_does_without_windows);
    tcase_add_test(tc, vnc_options_are_read);
    tcase_add_test(tc, both_dashes_work);
    tcase_add_test(tc, other_accelerators_are_taken_without_a_word);
    tcase_add_test(tc, monitors_are_listed_in_order);
    tcase_add_test(tc, nographic_has_a_monitor_unless_told_otherwise);
    tcase_add_test(tc, accelerator_properties_are_kept);
    tcase_add_test(tc, scsi_drives_bring_their_adapters);
    tcase_add_test(tc, drives_without_index_take_the_free_places);
    tcase_add_test(tc, drives_of_q35_have_a_port_each);
    tcase_add_test(tc, floppies_have_two_places);
    tcase_add_test(tc, firmware_is_told_what_the_options_say);
    tcase_add_test(tc, serial_ports_are_listed_in_order);
    tcase_add_test(tc, devices_are_kept_as_words);
    tcase_add_test(tc, globals_have_two_forms);
    tcase_add_test(tc, the_clock_can_start_at_a_date);
    tcase_add_loop_test(tc, what_is_wrong_is_named, 0, G_N_ELEMENTS(refusal_rows));
    tcase_add_loop_test(tc, dfilter_limits_addresses, 0, G_N_ELEMENTS(filter_rows));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
