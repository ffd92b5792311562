/* SPDX-License-Identifier: GPL-2.0-or-later */
/* options_machine.c - -machine, -accel, -cpu, -m, -rtc. */
#include "runtime/machine/options_int.h"

#include <stdio.h>
#include <string.h>

#include "runtime/machine/machine_types.h"
#include "runtime/machine/option_groups.h"
#include "runtime/software_cpu/cpuid.h"

/* Physical addresses of the guest have 40 bits; the PCI hole takes one GiB of them. */
#define RAM_MAX ((1ull << 40) - (1ull << 30))

static bool accel_dbt(Options *options)
{
    options->accel = ACCEL_DBT;
    return true;
}

/* One accelerator's name; false: unknown. */
static bool accel_choose(Options *options, const char *name)
{
    static const char *const others[] = { "tcg", "kvm", "hax", "hvf", "whpx", "xen", "nvmm", NULL };

    if (strcmp(name, "dbt") == 0) {
        return accel_dbt(options);
    }
    if (strcmp(name, "interp") == 0) {
        options->accel = ACCEL_INTERP;
        return true;
    }
    if (!g_strv_contains(others, name)) {
        return false;
    }
    options->asked_for_kvm = options->asked_for_kvm || strcmp(name, "kvm") == 0;
    return accel_dbt(options);
}

static bool accel_fail(GError **error, const char *name)
{
    return option_fail(error, OPTIONS_ERROR_UNKNOWN,
                       "no accelerator '%s' (dbt and interp are known)", name);
}

bool option_accel(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "accel",  "cache",   "policy",  "stats",
                                         "verify", "precise", "perfmap", "returns",
                                         "window", "thread",  NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, "accel");
    const char *name = keyval_get(values, "accel");

    if (option_is_help(value)) {
        printf("Accelerators:\ndbt     dynamic binary translation (the default)\n"
               "interp  the reference interpreter\n");
        return option_help_shown(error);
    }
    if (name == NULL || !accel_choose(options, name)) {
        return accel_fail(error, name ? name : "");
    }
    if (strcmp(name, "dbt") != 0 && strcmp(name, "interp") != 0) {
        return true; /* the other accelerators' properties mean nothing here */
    }
    if (!keyval_check(values, known, error)) {
        return false;
    }
    g_clear_pointer(&options->accel_properties, keyval_free);
    options->accel_properties = g_steal_pointer(&values);
    return true;
}

bool option_enable_kvm(Options *options, const char *value, GError **error)
{
    (void)value;
    (void)error;
    options->asked_for_kvm = true;
    return true;
}

/* -machine accel=a:b:c takes the first that is known. */
static bool machine_accel(Options *options, const char *list, GError **error)
{
    g_auto(GStrv) names = g_strsplit(list, ":", -1);

    for (char **name = names; *name != NULL; name++) {
        if (accel_choose(options, *name)) {
            return true;
        }
    }
    return accel_fail(error, list);
}

static void machine_help(void)
{
    printf("Supported machines are:\n");
    for (const MachineType *type = machine_types; type->name != NULL; type++) {
        if (type->refusal != NULL) {
            continue;
        }
        if (type->alias != NULL) {
            printf("%-20s %s (alias of %s)\n", type->alias, type->desc, type->name);
        }
        printf("%-20s %s%s\n", type->name, type->desc, type->is_default ? " (default)" : "");
    }
}

static bool machine_type(Options *options, const char *name, GError **error)
{
    const MachineType *type = machine_type_find(name);

    if (type == NULL) {
        return option_fail(error, OPTIONS_ERROR_UNKNOWN,
                           "no machine '%s' (-machine help lists them)", name);
    }
    if (type->refusal != NULL) {
        return option_fail(error, OPTIONS_ERROR_REFUSED, "machine '%s' is not supported; %s", name,
                           type->refusal);
    }
    options->machine_type = type;
    options->q35 = g_str_has_prefix(type->name, "pc-q35-");
    return true;
}

/* Properties that mean nothing here: values other than these get a note. */
static const struct {
    const char *key, *plain[2], *why;
} idle_properties[] = {
    { "usb", { "off" }, "there is no USB" },
    { "vmport", { "off", "auto" }, "there is no VMware port" },
    { "kernel-irqchip", { "off" }, "interrupt controllers are the machine's own" },
    { "kernel_irqchip", { "off" }, "interrupt controllers are the machine's own" },
    { "pit", { "on" }, "a PC has its timer" },
    { "i8042", { "on" }, "a PC has its keyboard controller" },
    { "nvdimm", { "off" }, "there is no persistent memory" },
    { "pcspk-audiodev", { "" }, "there is no sound" },
};

static void machine_idle_properties(Options *options, const KeyValues *values)
{
    for (size_t i = 0; i < G_N_ELEMENTS(idle_properties); i++) {
        const char *value = keyval_get(values, idle_properties[i].key);

        if (value != NULL && g_strcmp0(value, idle_properties[i].plain[0]) != 0 &&
            g_strcmp0(value, idle_properties[i].plain[1]) != 0) {
            g_ptr_array_add(options->notes,
                            g_strdup_printf("warning: -machine %s=%s has no effect: %s",
                                            idle_properties[i].key, value, idle_properties[i].why));
        }
    }
}

/* smm=auto is on. */
static bool machine_smm(Options *options, const KeyValues *values, GError **error)
{
    if (g_strcmp0(keyval_get(values, "smm"), "auto") == 0) {
        options->smm = true;
        return true;
    }
    return keyval_bool(values, "smm", &options->smm, error);
}

bool option_machine(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, "type");
    const char *type = keyval_get(values, "type");
    const char *accel = keyval_get(values, "accel");

    if (option_is_help(value)) {
        machine_help();
        return option_help_shown(error);
    }
    if (!option_group_check("machine", values, error) ||
        (type != NULL && !machine_type(options, type, error)) ||
        (accel != NULL && !machine_accel(options, accel, error))) {
        return false;
    }
    machine_idle_properties(options, values);
    if (keyval_get(values, "memory-backend") != NULL) {
        g_free(options->memory_backend);
        options->memory_backend = g_strdup(keyval_get(values, "memory-backend"));
    }
    return machine_smm(options, values, error) &&
           keyval_bool(values, "acpi", &options->acpi, error) &&
           keyval_bool(values, "mem-merge", &options->mem_merge, error) &&
           keyval_bool(values, "dump-guest-core", &options->mem_dump, error) &&
           keyval_bool(values, "hpet", &options->hpet, error) &&
           keyval_bool(values, "graphics", &options->graphics, error);
}

bool options_ram_check(uint64_t size, GError **error)
{
    if (size < 1 << 20) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "too small: a PC has 1 MiB at least");
    }
    if (size > RAM_MAX) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "too big: the guest can address %llu GiB",
                           RAM_MAX >> 30);
    }
    return true;
}

/* slots= and maxmem=: room for memory that would be plugged in later. */
static bool memory_more(Options *options, const KeyValues *values, uint64_t size, GError **error)
{
    const char *text = keyval_get(values, "maxmem");
    uint64_t slots = 0, most = size;

    if (!keyval_number(values, "slots", 256, &slots, error)) {
        return false;
    }
    if (text != NULL && !size_parse(text, 1 << 20, &most)) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "invalid maxmem");
    }
    if (most < size) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "invalid value of maxmem: maximum memory size must be at least the "
                           "initial memory size");
    }
    if (slots != 0 && text == NULL) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "invalid -m option value: missing 'maxmem' option");
    }
    if (most > size) {
        g_ptr_array_add(options->notes,
                        g_strdup_printf("warning: -m maxmem=%s has no effect: memory cannot be "
                                        "plugged in later",
                                        text));
    }
    return true;
}

bool option_memory(Options *options, const char *value, GError **error)
{
    g_autoptr(KeyValues) values = keyval_parse(value, "size");
    const char *text = keyval_get(values, "size");
    uint64_t size;

    if (!option_group_check("memory", values, error)) {
        return false;
    }
    if (text == NULL || !size_parse(text, 1 << 20, &size)) {
        return option_fail(error, OPTIONS_ERROR_VALUE, "invalid size");
    }
    if (!options_ram_check(size, error)) {
        return false;
    }
    if (!memory_more(options, values, size, error)) {
        return false;
    }
    options->ram = (size + 8191) & ~8191ull; /* whole pages, as QEMU rounds */
    options->ram_given = true;
    g_free(options->ram_words);
    options->ram_words = g_strdup_printf("-m %s", value);
    return true;
}

bool option_cpu(Options *options, const char *value, GError **error)
{
    if (option_is_help(value)) {
        g_autofree char *help = cpu_model_help();

        printf("%s", help);
        return option_help_shown(error);
    }
    if (*value == '\0') {
        return option_fail(error, OPTIONS_ERROR_VALUE, "no model named");
    }
    g_free(options->cpu);
    options->cpu = g_strdup(value);
    return true;
}

/* QEMU's forms: 2006-06-17T16:01:21 and 2006-06-17. */
static bool rtc_date_parse(const char *text, int64_t *seconds)
{
    int year, month, day, hour = 0, minute = 0, second = 0, used = 0;
    GDateTime *date;

    if ((sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second,
                &used) != 6 ||
         text[used] != '\0') &&
        (sscanf(text, "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3 || text[used] != '\0')) {
        return false;
    }
    date = g_date_time_new_utc(year, month, day, hour, minute, second);
    if (date == NULL) {
        return false;
    }
    *seconds = g_date_time_to_unix(date);
    g_date_time_unref(date);
    return true;
}

static bool rtc_base(Options *options, const char *base, GError **error)
{
    if (strcmp(base, "utc") == 0) {
        options->rtc_base = RTC_UTC;
        return true;
    }
    if (strcmp(base, "localtime") == 0) {
        options->rtc_base = RTC_LOCALTIME;
        return true;
    }
    options->rtc_base = RTC_DATE;
    if (!rtc_date_parse(base, &options->rtc_date)) {
        return option_fail(error, OPTIONS_ERROR_VALUE,
                           "base is utc, localtime or a date like 2026-06-17T16:01:21");
    }
    return true;
}

bool option_rtc(Options *options, const char *value, GError **error)
{
    static const char *const known[] = { "base", "clock", "driftfix", NULL };
    g_autoptr(KeyValues) values = keyval_parse(value, NULL);
    const char *base = keyval_get(values, "base"), *clock = keyval_get(values, "clock");

    if (!keyval_check(values, known, error) || (base != NULL && !rtc_base(options, base, error))) {
        return false;
    }
    if (clock != NULL) {
        options->rtc_vm = strcmp(clock, "vm") == 0;
        if (!options->rtc_vm && strcmp(clock, "host") != 0 && strcmp(clock, "rt") != 0) {
            return option_fail(error, OPTIONS_ERROR_VALUE, "clock is host, rt or vm");
        }
    }
    return true;
}
