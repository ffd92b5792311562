/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpu_model.c - from the text behind -cpu to a CpuModel.  Runs before the guest does. */
#include "runtime/software_cpu/cpuid_int.h"
#include <cpuid.h>
#include <string.h>

G_DEFINE_QUARK(cpu - model - error - quark, cpu_model_error)

/* ---- Flags ---- */

void cpu_model_flag_set(CpuModel *model, const CpuFlag *flag, bool on)
{
    uint64_t bit = 1ull << flag->bit;

    model->words[flag->word] = on ? model->words[flag->word] | bit
                                  : model->words[flag->word] & ~bit;
}

static bool flag_get(const CpuModel *model, const CpuFlag *flag)
{
    return model->words[flag->word] >> flag->bit & 1;
}

bool cpu_flag_available(const CpuFlag *flag)
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
                cpu_model_flag_set(model, cpu_flag_find(*name, strlen(*name)), false);
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

/* The version that a name means: "Haswell-v3" and "Haswell-IBRS" are the same one. NULL: the first,
 * or no such name. */
static const CpuVersionRow *version_find(const char *name)
{
    for (unsigned i = 0; i < cpu_version_rows_count; i++) {
        const CpuVersionRow *row = &cpu_version_rows[i];
        g_autofree char *numbered = g_strdup_printf("%s-v%u", row->model, row->version);

        if (strcmp(name, numbered) == 0 || g_strcmp0(name, row->alias) == 0) {
            return row;
        }
    }
    return NULL;
}

/* A name as it stands behind -cpu, or a type's ("Haswell-x86_64-cpu"). */
static const CpuModelRow *row_find_named(const char *name, const CpuVersionRow **version)
{
    static const char *const suffixes[] = { "-x86_64-cpu", "-i386-cpu" };
    g_autofree char *stem = g_strdup(name);
    const CpuModelRow *row;

    for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
        if (g_str_has_suffix(stem, suffixes[i])) {
            stem[strlen(stem) - strlen(suffixes[i])] = '\0';
        }
    }
    *version = version_find(stem);
    if (*version != NULL) {
        return row_find((*version)->model);
    }
    row = row_find(stem);
    if (row == NULL && g_str_has_suffix(stem, "-v1")) {
        stem[strlen(stem) - strlen("-v1")] = '\0';
        row = row_find(stem);
        row = row != NULL && row->vendor != NULL ? row : NULL;
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

/* Names separated by blanks; one with a '-' is taken away. */
static void flags_apply(CpuModel *model, const char *flags)
{
    g_auto(GStrv) names = g_strsplit(flags != NULL ? flags : "", " ", -1);

    for (char **name = names; *name != NULL; name++) {
        bool off = **name == '-';
        const CpuFlag *flag;

        if (**name != '\0') {
            flag = cpu_flag_find(*name + off, strlen(*name + off));
            g_assert(flag != NULL);
            cpu_model_flag_set(model, flag, !off);
        }
    }
}

static void row_flags(CpuModel *model, const CpuModelRow *row)
{
    if (row->base != NULL) {
        row_flags(model, row_find(row->base));
    }
    flags_apply(model, row->flags);
}

static void version_apply(CpuModel *model, const CpuVersionRow *version)
{
    if (version->brand != NULL) {
        g_strlcpy(model->brand, version->brand, sizeof(model->brand));
    }
    model->model = version->number != 0 ? version->number : model->model;
    model->stepping = version->stepping != 0 ? version->stepping : model->stepping;
    flags_apply(model, version->flags);
}

static void flags_all(CpuModel *model)
{
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        if (cpu_flags[i].kind != FLAG_OPT && cpu_flag_available(&cpu_flags[i])) {
            cpu_model_flag_set(model, &cpu_flags[i], true);
        }
    }
}

void cpu_model_flags_paravirtual(CpuModel *model, bool on)
{
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        if (cpu_flags[i].word == WORD_40000001_EAX) {
            cpu_model_flag_set(model, &cpu_flags[i], on);
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
        cpu_model_flag_set(model, cpu_flag_find("hypervisor", strlen("hypervisor")), true);
    }
    cpu_model_flags_paravirtual(model, true);
}

void cpu_model_lacks(CpuModel *model, const char *feature, const char *reason)
{
    g_ptr_array_add(model->warnings, g_strdup_printf("feature '%s': %s", feature, reason));
}

/* What the row wants and this host cannot give. */
static void flags_limit(CpuModel *model)
{
    for (unsigned i = 0; i < cpu_flags_count; i++) {
        if (flag_get(model, &cpu_flags[i]) && !cpu_flag_available(&cpu_flags[i])) {
            cpu_model_flag_set(model, &cpu_flags[i], false);
            cpu_model_lacks(model, cpu_flags[i].name, "the host CPU does not have it");
        }
    }
}

/* ---- The model ---- */

static unsigned phys_bits_host(const CpuModel *model)
{
    uint32_t eax = 36, ebx, ecx, edx;
    unsigned bits;

    if (__get_cpuid_max(0x80000000, NULL) >= 0x80000008) {
        __cpuid(0x80000008, eax, ebx, ecx, edx);
    }
    bits = MIN(eax & 0xff, 52);
    return model->host_phys_bits_limit != 0 ? MIN(bits, model->host_phys_bits_limit) : bits;
}

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
    if (model->host_phys_bits) {
        model->phys_bits = MAX(phys_bits_host(model), 32);
    } else if (model->phys_bits == 0) {
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
    const CpuVersionRow *version;
    const CpuModelRow *row = row_find_named(name, &version);
    CpuModel *model;

    if (row == NULL) {
        g_set_error(error, CPU_MODEL_ERROR, CPU_MODEL_ERROR_UNKNOWN,
                    "unknown CPU model '%s' (-cpu help lists them)", name);
        return NULL;
    }
    model = g_new0(CpuModel, 1);
    model->warnings = g_ptr_array_new_with_free_func(g_free);
    model->topology = (CpuTopology){ .dies = 1, .cores = 1, .threads = 1 };
    model->check = true;
    model_from_row(model, row);
    if (version != NULL) {
        version_apply(model, version);
    }
    flags_limit(model);
    for (char **part = parts + 1; parts[0] != NULL && *part != NULL; part++) {
        if (!cpu_option_apply(model, *part, error)) {
            cpu_model_free(model);
            return NULL;
        }
    }
    if (model->enforce && model->warnings->len > 0) {
        g_set_error(error, CPU_MODEL_ERROR, CPU_MODEL_ERROR_VALUE, "enforce=on, and %s",
                    (const char *)g_ptr_array_index(model->warnings, 0));
        cpu_model_free(model);
        return NULL;
    }
    if (!model->check) {
        g_ptr_array_set_size(model->warnings, 0);
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
