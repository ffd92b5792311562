/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_options.c - what follows the model's name behind -cpu: features, identity, and QEMU's words
 * about other accelerators and about its own checks. */
#include "runtime/software_cpu/cpuid_int.h"
#include <cpuid.h>
#include <errno.h>
#include <string.h>

static bool option_number(const char *name, const char *value, uint64_t max, uint64_t *number,
                          GError **error)
{
    char *end = NULL;

    errno = 0;
    *number = g_ascii_strtoull(value, &end, 0);
    if (errno != 0 || end == value || *end != '\0' || *number > max || value[0] == '-') {
        g_set_error(error, CPU_MODEL_ERROR, CPU_MODEL_ERROR_VALUE,
                    "%s=%s: not a number from 0 to %" G_GUINT64_FORMAT, name, value, max);
        return false;
    }
    return true;
}

static bool option_bool(const char *name, const char *value, bool *on, GError **error)
{
    if (strcmp(value, "on") == 0 || strcmp(value, "yes") == 0 || strcmp(value, "true") == 0) {
        *on = true;
        return true;
    }
    if (strcmp(value, "off") == 0 || strcmp(value, "no") == 0 || strcmp(value, "false") == 0) {
        *on = false;
        return true;
    }
    g_set_error(error, CPU_MODEL_ERROR, CPU_MODEL_ERROR_VALUE, "%s=%s: must be on or off", name,
                value);
    return false;
}

static bool option_vendor(CpuModel *model, const char *value, GError **error)
{
    if (strlen(value) != 12) {
        g_set_error(error, CPU_MODEL_ERROR, CPU_MODEL_ERROR_VALUE,
                    "vendor=%s: must have 12 characters", value);
        return false;
    }
    g_strlcpy(model->vendor, value, sizeof(model->vendor));
    return true;
}

/* Numbers of the model's identity. *known is false if `name` is none of them. */
static bool option_identity(CpuModel *model, const char *name, const char *value, bool *known,
                            GError **error)
{
    const struct {
        const char *name;
        uint32_t *field;
        uint64_t max;
    } numbers[] = {
        { "family", &model->family, 0xf + 0xff },
        { "model", &model->model, 0xff },
        { "stepping", &model->stepping, 0xf },
        { "level", &model->level, 0x20 },
        { "xlevel", &model->xlevel, 0x8000001f },
        { "min-level", &model->level, 0x20 },
        { "min-xlevel", &model->xlevel, 0x8000001f },
        { "host-phys-bits-limit", &model->host_phys_bits_limit, 52 },
    };
    uint64_t number;

    *known = true;
    if (strcmp(name, "vendor") == 0) {
        return option_vendor(model, value, error);
    }
    if (strcmp(name, "model-id") == 0) {
        g_strlcpy(model->brand, value, sizeof(model->brand));
        return true;
    }
    if (strcmp(name, "phys-bits") == 0) {
        if (!option_number(name, value, 52, &number, error)) {
            return false;
        }
        model->phys_bits = number == 0 ? 0 : (unsigned)MAX(number, 32);
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        if (strcmp(name, numbers[i].name) == 0) {
            if (!option_number(name, value, numbers[i].max, &number, error)) {
                return false;
            }
            *numbers[i].field = (uint32_t)number;
            return true;
        }
    }
    *known = false;
    return true;
}

static bool name_listed(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Words that change nothing that a guest of doppel could see: they are about migration between
 * hosts, hardware virtualization, or numbers that the board gives. */
static bool option_silent(const char *name)
{
    static const char *const names[] = {
        "migratable",
        "pmu",
        "lmce",
        "l3-cache",
        "legacy-cache",
        "host-cache-info",
        "full-cpuid-auto-level",
        "tsc-frequency",
        "cpuid-0xb",
        "fill-mtrr-mask",
        "ucode-rev",
        "tcg-cpuid",
        "vmware-cpuid-freq",
        "apic-id",
        "socket-id",
        "core-id",
        "thread-id",
        "die-id",
        "node-id",
        "memory",
        "lbr-fmt",
        "level-func7",
        "min-xlevel2",
        "xlevel2",
        "start-powered-off",
    };

    return name_listed(name, names, G_N_ELEMENTS(names)) || g_str_has_prefix(name, "x-");
}

/* Features that QEMU knows and that no word of CPUID here has: of virtualization inside the guest,
 * of other vendors' cipher units, of other hypervisors' interfaces. */
static bool feature_foreign(const char *name)
{
    static const char *const names[] = {
        "npt",
        "lbrv",
        "svm-lock",
        "nrip-save",
        "tsc-scale",
        "vmcb-clean",
        "flushbyasid",
        "decodeassists",
        "pause-filter",
        "pfthreshold",
        "avic",
        "v-vmsave-vmload",
        "vgif",
        "svme-addr-chk",
        "xstore",
        "xstore-en",
        "xcrypt",
        "xcrypt-en",
        "ace2",
        "ace2-en",
        "phe",
        "phe-en",
        "pmm",
        "pmm-en",
        "intel-pt-lip",
        "pcommit",
        "sgx1",
        "sgx2",
        "sgx-debug",
        "sgx-exinfo",
        "sgx-kss",
        "sgx-mode64",
        "sgx-provisionkey",
        "sgx-tokenkey",
        "split-lock-detect",
        "full-width-write",
        "xfd",
        "xen-vapic",
    };
    static const char *const prefixes[] = { "vmx-", "hv-", "kvm-" };

    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (g_str_has_prefix(name, prefixes[i])) {
            return true;
        }
    }
    return name_listed(name, names, G_N_ELEMENTS(names));
}

/* As QEMU does: what cannot be had is told of, and is an error only with enforce=on. */
static bool option_feature(CpuModel *model, const char *name, bool on, GError **error)
{
    const CpuFlag *flag = cpu_flag_find(name, strlen(name));
    const char *reason = "doppel does not implement it";

    if (flag == NULL && !feature_foreign(name)) {
        g_set_error(error, CPU_MODEL_ERROR, CPU_MODEL_ERROR_UNKNOWN, "unknown feature '%s'", name);
        return false;
    }
    if (flag != NULL && (!on || cpu_flag_available(flag))) {
        cpu_model_flag_set(model, flag, on);
        return true;
    }
    if (on) {
        reason = flag != NULL && flag->kind == FLAG_HOST ? "the host CPU does not have it" : reason;
        cpu_model_lacks(model, name, reason);
    }
    return true;
}

/* Words with a value that is no number: hv-vendor-id=..., hv-spinlocks=... */
static bool value_is_bool(const char *value)
{
    static const char *const words[] = { "on", "yes", "true", "off", "no", "false", "auto" };

    return name_listed(value, words, G_N_ELEMENTS(words));
}

static bool option_switch(CpuModel *model, const char *name, const char *value, bool *known,
                          GError **error)
{
    const struct {
        const char *name;
        bool *field;
    } switches[] = {
        { "check", &model->check },
        { "enforce", &model->enforce },
        { "host-phys-bits", &model->host_phys_bits },
    };
    bool on;

    *known = true;
    for (size_t i = 0; i < G_N_ELEMENTS(switches); i++) {
        if (strcmp(name, switches[i].name) == 0) {
            return option_bool(name, value, switches[i].field, error);
        }
    }
    if (strcmp(name, "kvm") == 0) {
        if (!option_bool(name, value, &on, error)) {
            return false;
        }
        cpu_model_flags_paravirtual(model, on);
        return true;
    }
    *known = false;
    return true;
}

static char *option_name(const char *text, const char *equals)
{
    char *name = equals != NULL ? g_strndup(text, (gsize)(equals - text)) : g_strdup(text);

    g_strdelimit(name, "_", '-');
    if (strcmp(name, "sse4-1") == 0 || strcmp(name, "sse4-2") == 0) {
        name[4] = '.';
    }
    return name;
}

bool cpu_option_apply(CpuModel *model, const char *text, GError **error)
{
    const char *equals = strchr(text, '=');
    bool sign = text[0] == '+' || text[0] == '-', known, on, done;
    g_autofree char *name = option_name(text + sign, sign ? NULL : equals);
    const char *value = equals != NULL ? equals + 1 : "on";

    if (sign) {
        return option_feature(model, name, text[0] == '+', error);
    }
    done = option_identity(model, name, value, &known, error);
    if (!known) {
        done = option_switch(model, name, value, &known, error);
    }
    if (known) {
        return done;
    }
    if (option_silent(name)) {
        return true;
    }
    if (feature_foreign(name) && !value_is_bool(value)) {
        cpu_model_lacks(model, name, "doppel does not implement it");
        return true;
    }
    return option_bool(name, value, &on, error) && option_feature(model, name, on, error);
}
