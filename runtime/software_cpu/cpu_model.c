/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_model.c - from the text behind -cpu to a CpuModel.  Runs before the guest does. */
#include "runtime/software_cpu/cpuid_int.h"
#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

G_DEFINE_QUARK(cpu - model - error - quark, cpu_model_error)

/* ---- Flags ---- */

static void flag_set(CpuModel *model, const CpuFlag *flag, bool on)
{
    uint64_t bit = 1ull << flag->bit;

    model->words[flag->word] = on ? model->words[flag->word] | bit
                                  : model->words[flag->word] & ~bit;
}

static bool flag_get(const CpuModel *model, const CpuFlag *flag)
{
    return model->words[flag->word] >> flag->bit & 1;
}

static bool flag_available(const CpuFlag *flag)
{
    switch ((FlagKind)flag->kind) {
    case FLAG_HOST:
        return cpu_flag_host_word(flag->word) >> flag->bit & 1;
    case FLAG_SOFT:
    case FLAG_OPT:
        return true;
    case FLAG_NEVER:
        break;
    }
    return false;
}

/* Flags that are useless without another. */
static void drop_dependents(CpuModel *model)
{
    static const struct {
        const char *base, *dependents;
    } rows[] = {
        { "xsave", "avx xsaveopt xsavec xgetbv1" },
        { "avx", "avx2 fma f16c" },
        { "sse", "sse2" },
        { "sse2", "pni ssse3 sse4.1 sse4.2 sse4a aes pclmulqdq sha-ni" },
        { "lm", "lahf-lm pcid pdpe1gb fsgsbase" },
        { "pcid", "invpcid" },
        { "pae", "nx lm" },
        { "apic", "x2apic tsc-deadline" },
        { "arch-capabilities", "rdctl-no ibrs-all skip-l1dfl-vmentry ssb-no mds-no pschange-mc-no "
                               "taa-no sbdr-ssdp-no fbsdp-no psdp-no bhi-no pbrsb-no gds-no "
                               "rfds-no its-no" },
    };

    for (int pass = 0; pass < 2; pass++) { /* twice: the rows chain */
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            g_auto(GStrv) names = g_strsplit(rows[i].dependents, " ", -1);

            if (flag_get(model, cpu_flag_find(rows[i].base, strlen(rows[i].base)))) {
                continue;
            }
            for (char **name = names; *name != NULL; name++) {
                flag_set(model, cpu_flag_find(*name, strlen(*name)), false);
            }
        }
    }
}

static void feature_set(CpuModel *model, unsigned feature, bool on)
{
    if (on) {
        model->features[feature / 64] |= 1ull << feature % 64;
    }
}

/* The bitmap that instructions are checked against, from the flags. */
static void features_derive(CpuModel *model)
{
    bool avx;

    memset(model->features, 0, sizeof(model->features));
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        if (cpu_flags[i].feature != 0) {
            feature_set(model, cpu_flags[i].feature, flag_get(model, &cpu_flags[i]));
        }
    }
    avx = cpu_model_has(model, INSN_FEATURE_AVX);
    feature_set(model, INSN_FEATURE_NONE, true);
    feature_set(model, INSN_FEATURE_I486, true);
    feature_set(model, INSN_FEATURE_NOPL, model->family >= 6);
    feature_set(model, INSN_FEATURE_RDPMC,
                model->family >= 6 || cpu_model_has(model, INSN_FEATURE_MMX));
    feature_set(model, INSN_FEATURE_FCMOV,
                cpu_model_has(model, INSN_FEATURE_CMOV) && cpu_model_has(model, INSN_FEATURE_X87));
    feature_set(model, INSN_FEATURE_MMXEXT, cpu_model_has(model, INSN_FEATURE_SSE));
    feature_set(model, INSN_FEATURE_AVX_AES, avx && cpu_model_has(model, INSN_FEATURE_AES));
    feature_set(model, INSN_FEATURE_AVX_PCLMULQDQ,
                avx && cpu_model_has(model, INSN_FEATURE_PCLMULQDQ));
    feature_set(model, INSN_FEATURE_AVX_GFNI, avx && cpu_model_has(model, INSN_FEATURE_GFNI));
    feature_set(model, CPU_FEATURE_AMD, model->amd);
}

/* Words and bits that this vendor's CPUs do not have. */
static void vendor_mask(CpuModel *model)
{
    if (model->amd) {
        return;
    }
    model->words[WORD_80000001_EDX] &= 0x2c100800; /* SYSCALL, NX, 1 GiB pages, RDTSCP, LM */
    model->words[WORD_80000001_ECX] &= 0x121;      /* LAHF, LZCNT, PREFETCHW */
    model->words[WORD_80000008_EBX] &= 0x200;      /* WBNOINVD */
    model->words[WORD_80000021_EAX] = 0;
}

/* ---- The base model ---- */

static const CpuModelRow *row_find(const char *name)
{
    for (unsigned i = 0; i < cpu_model_rows_count; i++) {
        const CpuModelRow *row = &cpu_model_rows[i];

        if (strcmp(row->name, name) == 0 || g_strcmp0(row->alias, name) == 0) {
            return row;
        }
    }
    return NULL;
}

/* QEMU's versioned and variant names ("Haswell-noTSX-IBRS-v4") mean the model without them. */
static const CpuModelRow *row_find_variant(const char *name)
{
    static const char *const suffixes[] = { "-IBRS", "-IBPB", "-noTSX", "-x86_64-cpu",
                                            "-i386-cpu" };
    g_autofree char *stem = g_strdup(name);
    const CpuModelRow *row;
    bool cut = true;

    while ((row = row_find(stem)) == NULL && cut) {
        char *dash = strrchr(stem, '-');

        cut = false;
        if (dash != NULL && dash[1] == 'v' && dash[2] != '\0' &&
            strspn(dash + 2, "0123456789") == strlen(dash + 2)) {
            *dash = '\0';
            cut = true;
        }
        for (size_t i = 0; i < G_N_ELEMENTS(suffixes) && !cut; i++) {
            if (g_str_has_suffix(stem, suffixes[i])) {
                stem[strlen(stem) - strlen(suffixes[i])] = '\0';
                cut = true;
            }
        }
    }
    return row;
}

static void host_identity(CpuModel *model)
{
    uint32_t eax, regs[3], brand[12] = { 0 };
    unsigned family;

    __cpuid(0, eax, regs[0], regs[2], regs[1]);
    memcpy(model->vendor, regs, 12);
    __cpuid(1, eax, regs[0], regs[1], regs[2]);
    family = eax >> 8 & 0xf;
    model->family = family == 0xf ? family + (eax >> 20 & 0xff) : family;
    model->model = (eax >> 4 & 0xf) | (eax >> 12 & 0xf0);
    model->stepping = eax & 0xf;
    if (__get_cpuid_max(0x80000000, NULL) >= 0x80000004) {
        for (unsigned i = 0; i < 3; i++) {
            __cpuid(0x80000002 + i, brand[4 * i], brand[4 * i + 1], brand[4 * i + 2],
                    brand[4 * i + 3]);
        }
        memcpy(model->brand, brand, 48);
    }
}

static void row_flags(CpuModel *model, const CpuModelRow *row)
{
    g_auto(GStrv) names = g_strsplit(row->flags != NULL ? row->flags : "", " ", -1);

    if (row->base != NULL) {
        row_flags(model, row_find(row->base));
    }
    for (char **name = names; *name != NULL; name++) {
        const CpuFlag *flag;

        if (**name != '\0') {
            flag = cpu_flag_find(*name, strlen(*name));
            g_assert(flag != NULL);
            flag_set(model, flag, true);
        }
    }
}

static void flags_all(CpuModel *model)
{
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        if (cpu_flags[i].kind != FLAG_OPT && flag_available(&cpu_flags[i])) {
            flag_set(model, &cpu_flags[i], true);
        }
    }
}

/* What a guest is told of the monitor that it runs under: that it is like KVM, and in what. */
static void flags_paravirtual(CpuModel *model, bool on)
{
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        if (cpu_flags[i].word == WORD_40000001_EAX) {
            flag_set(model, &cpu_flags[i], on);
        }
    }
}

static void model_from_row(CpuModel *model, const CpuModelRow *row)
{
    g_strlcpy(model->name, row->name, sizeof(model->name));
    model->level = row->level;
    model->xlevel = row->xlevel;
    if (row->vendor == NULL) {
        host_identity(model);
        flags_all(model);
        model->is_host = true;
    } else {
        g_strlcpy(model->vendor, row->vendor, sizeof(model->vendor));
        g_strlcpy(model->brand, row->brand, sizeof(model->brand));
        model->family = row->family;
        model->model = row->model;
        model->stepping = row->stepping;
        row_flags(model, row);
        flag_set(model, cpu_flag_find("hypervisor", strlen("hypervisor")), true);
    }
    flags_paravirtual(model, true);
}

/* What the row wants and this host cannot give. */
static void flags_limit(CpuModel *model)
{
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        if (flag_get(model, &cpu_flags[i]) && !flag_available(&cpu_flags[i])) {
            flag_set(model, &cpu_flags[i], false);
            g_ptr_array_add(model->warnings, g_strdup_printf("CPU model %s: this host lacks %s",
                                                             model->name, cpu_flags[i].name));
        }
    }
}

/* ---- Options ---- */

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
        { "family", &model->family, 0xf + 0xff },     { "model", &model->model, 0xff },
        { "stepping", &model->stepping, 0xf },        { "level", &model->level, 0x20 },
        { "xlevel", &model->xlevel, 0x8000001f },     { "min-level", &model->level, 0x20 },
        { "min-xlevel", &model->xlevel, 0x8000001f },
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

/* QEMU options about other accelerators or about how its own warnings work: nothing to do here. */
static bool option_ignored(const char *name)
{
    static const char *const names[] = {
        "check",
        "enforce",
        "migratable",
        "host-phys-bits",
        "host-phys-bits-limit",
        "l3-cache",
        "pmu",
        "lmce",
        "host-cache-info",
        "legacy-cache",
        "full-cpuid-auto-level",
        "tsc-frequency",
        "tsc-scale",
        "cpuid-0xb",
        "fill-mtrr-mask",
        "ucode-rev",
        "xen-vapic",
        "tcg-cpuid",
        "vmware-cpuid-freq",
        "apic-id",
        "socket-id",
        "hv-passthrough",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return g_str_has_prefix(name, "hv-") || g_str_has_prefix(name, "x-") ||
           (g_str_has_prefix(name, "kvm-") && cpu_flag_find(name, strlen(name)) == NULL);
}

static bool option_flag(CpuModel *model, const char *name, bool on, GError **error)
{
    const CpuFlag *flag = cpu_flag_find(name, strlen(name));

    if (flag == NULL) {
        g_set_error(error, CPU_MODEL_ERROR, CPU_MODEL_ERROR_UNKNOWN, "unknown feature '%s'", name);
        return false;
    }
    if (on && !flag_available(flag)) {
        g_set_error(error, CPU_MODEL_ERROR, CPU_MODEL_ERROR_VALUE, "feature '%s': %s", name,
                    flag->kind == FLAG_HOST ? "the host CPU does not have it"
                                            : "doppel does not implement it");
        return false;
    }
    flag_set(model, flag, on);
    return true;
}

static bool option_apply(CpuModel *model, const char *text, GError **error)
{
    const char *equals = strchr(text, '=');
    g_autofree char *name = NULL;
    const char *value = equals != NULL ? equals + 1 : "on";
    bool known, on, done;

    if (text[0] == '+' || text[0] == '-') {
        return option_flag(model, text + 1, text[0] == '+', error);
    }
    name = equals != NULL ? g_strndup(text, (gsize)(equals - text)) : g_strdup(text);
    g_strdelimit(name, "_", '-');
    done = option_identity(model, name, value, &known, error);
    if (known) {
        return done;
    }
    if (strcmp(name, "kvm") == 0) {
        done = option_bool(name, value, &on, error);
        if (done) {
            flags_paravirtual(model, on);
        }
        return done;
    }
    if (option_ignored(name)) {
        g_ptr_array_add(model->warnings, g_strdup_printf("%s has no effect in doppel", name));
        return true;
    }
    return option_bool(name, value, &on, error) && option_flag(model, name, on, error);
}

/* ---- The model ---- */

static unsigned phys_bits_default(const CpuModel *model)
{
    if (cpu_model_has(model, INSN_FEATURE_LM)) {
        return 40;
    }
    return cpu_model_has(model, CPU_FEATURE_PAE) || cpu_model_has(model, CPU_FEATURE_PSE36) ? 36
                                                                                            : 32;
}

static void model_finish(CpuModel *model)
{
    model->amd = strcmp(model->vendor, "AuthenticAMD") == 0 ||
                 strcmp(model->vendor, "HygonGenuine") == 0;
    drop_dependents(model);
    vendor_mask(model);
    features_derive(model);
    if (model->phys_bits == 0) {
        model->phys_bits = phys_bits_default(model);
    }
    if (model->is_host && model->amd) {
        model->xlevel = MAX(model->xlevel, 0x8000001e);
    }
    if (model->words[WORD_7_EBX] != 0 || model->words[WORD_7_ECX] != 0 ||
        model->words[WORD_7_EDX] != 0) {
        model->level = MAX(model->level, 7);
    }
    if (model->words[WORD_1_ECX] & bit_XSAVE) {
        model->level = MAX(model->level, 0xd);
    }
    if (model->brand[0] != '\0') {
        model->xlevel = MAX(model->xlevel, 0x80000004);
    }
    if (model->words[WORD_80000001_EDX] != 0) {
        model->xlevel = MAX(model->xlevel, 0x80000008);
    }
    if (model->words[WORD_80000021_EAX] != 0) {
        model->xlevel = MAX(model->xlevel, 0x80000021);
    }
}

CpuModel *cpu_model_new(const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text != NULL ? text : "max", ",", -1);
    const char *name = parts[0] != NULL ? parts[0] : "";
    const CpuModelRow *row = row_find_variant(name);
    CpuModel *model;

    if (row == NULL) {
        g_set_error(error, CPU_MODEL_ERROR, CPU_MODEL_ERROR_UNKNOWN,
                    "unknown CPU model '%s' (-cpu help lists them)", name);
        return NULL;
    }
    model = g_new0(CpuModel, 1);
    model->warnings = g_ptr_array_new_with_free_func(g_free);
    model->topology = (CpuTopology){ .dies = 1, .cores = 1, .threads = 1 };
    model_from_row(model, row);
    flags_limit(model);
    for (char **part = parts + 1; parts[0] != NULL && *part != NULL; part++) {
        if (!option_apply(model, *part, error)) {
            cpu_model_free(model);
            return NULL;
        }
    }
    model_finish(model);
    return model;
}

void cpu_model_free(CpuModel *model)
{
    if (model != NULL) {
        g_ptr_array_unref(model->warnings);
        g_free(model);
    }
}

const GPtrArray *cpu_model_warnings(const CpuModel *model)
{
    return model->warnings;
}

char *cpu_model_help(void)
{
    GString *text = g_string_new("Available CPUs:\n");
    unsigned column = 0;

    for (unsigned i = 0; i < cpu_model_rows_count; i++) {
        const CpuModelRow *row = &cpu_model_rows[i];

        g_string_append_printf(text, "x86 %-20s  %s\n", row->name, row->about);
        if (row->alias != NULL) {
            g_string_append_printf(text, "x86 %-20s  (alias of %s)\n", row->alias, row->name);
        }
    }
    g_string_append(text, "\nRecognized CPUID flags:\n ");
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        unsigned length = (unsigned)strlen(cpu_flags[i].name) + 1;

        if (cpu_flags[i].kind == FLAG_NEVER) {
            continue;
        }
        if (column + length > 75) {
            g_string_append(text, "\n ");
            column = 0;
        }
        g_string_append_printf(text, " %s", cpu_flags[i].name);
        column += length;
    }
    g_string_append_c(text, '\n');
    return g_string_free(text, FALSE);
}

void cpu_model_set_topology(CpuModel *model, const CpuTopology *topology)
{
    model->topology = *topology;
    if (topology->dies > 1 && !model->amd && model->level >= LEVEL_TOPOLOGY) {
        model->level = MAX(model->level, (uint32_t)LEVEL_TOPOLOGY_2);
    }
}

void cpu_model_set_tsc_hz(CpuModel *model, uint64_t hz)
{
    model->tsc_hz = hz;
    if (model->is_host && !model->amd) {
        model->level = MAX(model->level, 0x16);
    }
}
