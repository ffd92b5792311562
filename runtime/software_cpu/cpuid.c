/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cpuid.c - what CPUID answers (SDM vol. 2 CPUID, AMD APM vol. 3 appendix E), and the model's
 * features.  Safe while guest vector state is live: no library calls. */
#include "runtime/software_cpu/cpuid_int.h"

enum {
    LEVEL_HYPERVISOR = 0x40000010,
    BIT_OSXSAVE = 1u << 27,
    BIT_APIC = 1u << 9,
    BIT_HT = 1u << 28,
    BIT_SYSCALL = 1u << 11,
    BIT_NX = 1u << 20,
    BIT_CMP_LEGACY = 1u << 1,
    AMD_MIRROR = 0x0183f3ff, /* bits of leaf 1 EDX that AMD repeats in 80000001 EDX */
    MISC_LIMIT_CPUID = 1u << 22,
};
#define MISC_XD_DISABLE (1ull << 34)

enum { EAX, EBX, ECX, EDX };

bool cpu_model_has(const CpuModel *model, unsigned feature)
{
    return model->features[feature / 64] >> feature % 64 & 1;
}

bool cpu_has_feature(const Cpu *cpu, unsigned feature)
{
    if (cpu->model == NULL) {
        return feature != INSN_FEATURE_NEVER && feature != INSN_FEATURE_AVX512 &&
               feature != CPU_FEATURE_AMD;
    }
    return cpu_model_has(cpu->model, feature);
}

const char *cpu_model_name(const CpuModel *model)
{
    return model->name;
}

const char *cpu_model_vendor(const CpuModel *model)
{
    return model->vendor;
}

const char *cpu_model_brand(const CpuModel *model)
{
    return model->brand;
}

unsigned cpu_model_phys_bits(const CpuModel *model)
{
    return model->phys_bits;
}

uint64_t cpu_model_arch_capabilities(const CpuModel *model)
{
    return model->words[WORD_ARCH_CAPABILITIES];
}

uint64_t cpu_model_tsc_hz(const CpuModel *model)
{
    return model->tsc_hz;
}

uint64_t cpu_model_xcr0_mask(const CpuModel *model)
{
    if (!cpu_model_has(model, INSN_FEATURE_XSAVE)) {
        return 0;
    }
    return cpu_model_has(model, INSN_FEATURE_AVX) ? 7 : 3;
}

uint32_t cpu_model_signature(const CpuModel *model)
{
    uint32_t family = model->family < 0xf ? model->family : 0xf;
    uint32_t extended = model->family < 0xf ? 0 : model->family - 0xf;

    return extended << 20 | (model->model >> 4) << 16 | family << 8 | (model->model & 0xf) << 4 |
           model->stepping;
}

/* Four characters as CPUID packs them. */
static uint32_t text_word(const char *text)
{
    return (uint32_t)(uint8_t)text[0] | (uint32_t)(uint8_t)text[1] << 8 |
           (uint32_t)(uint8_t)text[2] << 16 | (uint32_t)(uint8_t)text[3] << 24;
}

/* Bits of an APIC id that number `count` things. */
static unsigned id_bits(unsigned count)
{
    unsigned bits = 0;

    while (bits < 16 && 1u << bits < count) {
        bits++;
    }
    return bits;
}

/* Of a socket. */
static unsigned logical_cpus(const CpuModel *model)
{
    return model->topology.dies * model->topology.cores * model->topology.threads;
}

uint32_t cpu_model_core_thread_count(const CpuModel *model)
{
    return model->topology.dies * model->topology.cores << 16 | logical_cpus(model);
}

/* Where the fields of an APIC id begin: threads are at 0. */
static unsigned core_shift(const CpuModel *model)
{
    return id_bits(model->topology.threads);
}

static unsigned die_shift(const CpuModel *model)
{
    return core_shift(model) + id_bits(model->topology.cores);
}

static unsigned socket_shift(const CpuModel *model)
{
    return die_shift(model) + id_bits(model->topology.dies);
}

uint32_t cpu_model_apic_id(const CpuModel *model, unsigned index)
{
    const CpuTopology *t = &model->topology;
    unsigned core = index / t->threads, die = core / t->cores, socket = die / t->dies;

    return socket << socket_shift(model) | (die % t->dies) << die_shift(model) |
           (core % t->cores) << core_shift(model) | index % t->threads;
}

static void leaf_1(const Cpu *cpu, uint32_t out[4])
{
    const CpuModel *model = cpu->model;
    unsigned cpus = logical_cpus(model);

    out[EAX] = cpu_model_signature(model);
    out[EBX] = cpu_model_apic_id(model, cpu->index) << 24;
    if (model->words[WORD_1_EDX] & 1u << 19) {
        out[EBX] |= 8 << 8; /* CLFLUSH lines of 64 bytes */
    }
    out[ECX] = (uint32_t)model->words[WORD_1_ECX];
    out[EDX] = (uint32_t)model->words[WORD_1_EDX];
    if (cpus > 1) {
        out[EBX] |= MIN(1u << socket_shift(model), 255u) << 16;
        out[EDX] |= BIT_HT;
    } else {
        out[EBX] |= 1u << 16;
    }
    if (cpu->cr4 & CR4_OSXSAVE) {
        out[ECX] |= BIT_OSXSAVE;
    }
    if (!(cpu->apic_base & 1u << 11)) {
        out[EDX] &= ~(uint32_t)BIT_APIC;
    }
}

/* One cache of leaf 4 or 8000001D: kind 1 data, 2 instructions, 3 unified. */
typedef struct CacheRow {
    uint8_t kind, level;
    uint16_t ways, sets;
    bool shared; /* by all of a die */
} CacheRow;

static const CacheRow cache_rows[] = {
    { 1, 1, 8, 64, false },
    { 2, 1, 8, 64, false },
    { 3, 2, 8, 1024, false },
    { 3, 3, 16, 16384, true },
};

static void leaf_caches(const CpuModel *model, uint32_t subleaf, uint32_t out[4])
{
    const CacheRow *row;
    unsigned sharing; /* bits of an APIC id */

    if (subleaf >= sizeof(cache_rows) / sizeof(cache_rows[0])) {
        return;
    }
    row = &cache_rows[subleaf];
    sharing = row->shared ? die_shift(model) : core_shift(model);
    out[EAX] = row->kind | row->level << 5 | 1u << 8 | ((1u << sharing) - 1) << 14;
    if (!model->amd) {
        out[EAX] |= MIN((1u << (socket_shift(model) - core_shift(model))) - 1, 63u) << 26;
    }
    out[EBX] = 63u | (uint32_t)(row->ways - 1) << 22;
    out[ECX] = row->sets - 1u;
    out[EDX] = row->shared ? 1u << 1 : 0; /* inclusive */
}

static void leaf_7(const CpuModel *model, uint32_t subleaf, uint32_t out[4])
{
    if (subleaf == 0) {
        out[EAX] = model->words[WORD_7_1_EAX] != 0 ? 1 : 0;
        out[EBX] = (uint32_t)model->words[WORD_7_EBX];
        out[ECX] = (uint32_t)model->words[WORD_7_ECX];
        out[EDX] = (uint32_t)model->words[WORD_7_EDX];
    } else if (subleaf == 1) {
        out[EAX] = (uint32_t)model->words[WORD_7_1_EAX];
    }
}

/* Leaves 0BH and 1FH: a level each of threads, cores, and in the second dies, with the shift that
 * leads to the id of what is above. */
static void leaf_topology(const Cpu *cpu, bool dies, uint32_t subleaf, uint32_t out[4])
{
    enum { TYPE_SMT = 1, TYPE_CORE = 2, TYPE_DIE = 5 };
    const CpuModel *model = cpu->model;
    const CpuTopology *t = &model->topology;

    if (subleaf == 0) {
        out[EAX] = core_shift(model);
        out[EBX] = t->threads;
        out[ECX] = TYPE_SMT << 8;
    } else if (subleaf == 1) {
        out[EAX] = dies ? die_shift(model) : socket_shift(model);
        out[EBX] = dies ? t->cores * t->threads : logical_cpus(model);
        out[ECX] = TYPE_CORE << 8;
    } else if (subleaf == 2 && dies) {
        out[EAX] = socket_shift(model);
        out[EBX] = logical_cpus(model);
        out[ECX] = TYPE_DIE << 8;
    }
    out[ECX] |= subleaf & 0xff;
    out[EDX] = cpu_model_apic_id(model, cpu->index);
}

static uint32_t xsave_size(uint64_t xcr0)
{
    return xcr0 & 4 ? 832 : 576;
}

static void leaf_xsave(const Cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    uint64_t mask = cpu_model_xcr0_mask(cpu->model);

    if (mask == 0) {
        return;
    }
    if (subleaf == 0) {
        out[EAX] = (uint32_t)mask;
        out[EBX] = xsave_size(cpu->xcr0);
        out[ECX] = xsave_size(mask);
    } else if (subleaf == 1) {
        out[EAX] = (uint32_t)cpu->model->words[WORD_D_1_EAX];
        out[EBX] = xsave_size(cpu->xcr0); /* the compacted form has no gaps to save */
    } else if (subleaf == 2 && (mask & 4)) {
        out[EAX] = 256;
        out[EBX] = 576;
    }
}

/* TSC over a 1 GHz core crystal, which is also the clock of the local APIC's timer. */
static void leaf_tsc(const CpuModel *model, uint32_t out[4])
{
    uint32_t mhz = (uint32_t)((model->tsc_hz + 500000) / 1000000);

    if (mhz != 0) {
        out[EAX] = mhz < 4200 ? 1000 : 100;
        out[EBX] = mhz < 4200 ? mhz : mhz / 10;
    }
}

/* The highest basic leaf that leaf 0 tells of. */
static uint32_t level_now(const Cpu *cpu)
{
    bool limited = (cpu->misc_enable & MISC_LIMIT_CPUID) != 0 && cpu->model->level > 3;

    return limited ? 3 : cpu->model->level;
}

/* Leaf 2: a descriptor a byte. Where there is a leaf 4, FFh sends there, with 64-byte prefetch and
 * the TLBs of the first Core beside it; a CPU without it lists the caches of cache_rows. */
static void leaf_descriptors(const Cpu *cpu, uint32_t out[4])
{
    enum { L1_CODE_32K = 0x30, L1_DATA_32K = 0x2c, L2_512K = 0x80, TLBS = 0x020301 };

    if (level_now(cpu) >= 4) {
        out[EAX] = 0x00feff01;
        out[EBX] = 0xf0;
    } else {
        out[EAX] = TLBS << 8 | 1;
        out[EDX] = L1_DATA_32K << 16 | L1_CODE_32K << 8 | L2_512K;
    }
}

static void leaf_basic(const Cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const CpuModel *model = cpu->model;

    switch (leaf) {
    case 0:
        out[EAX] = level_now(cpu);
        out[EBX] = text_word(model->vendor);
        out[EDX] = text_word(model->vendor + 4);
        out[ECX] = text_word(model->vendor + 8);
        break;
    case 1:
        leaf_1(cpu, out);
        break;
    case 2:
        if (!model->amd) {
            leaf_descriptors(cpu, out);
        }
        break;
    case 4:
        if (!model->amd) {
            leaf_caches(model, subleaf, out);
        }
        break;
    case 5:
        if (cpu_model_has(model, INSN_FEATURE_MONITOR)) {
            out[EAX] = out[EBX] = 64;
            out[ECX] = 3;
        }
        break;
    case 6:
        out[EAX] = (uint32_t)model->words[WORD_6_EAX];
        break;
    case 7:
        leaf_7(model, subleaf, out);
        break;
    case LEVEL_TOPOLOGY:
        if (cpu_model_has(model, CPU_FEATURE_X2APIC)) {
            leaf_topology(cpu, false, subleaf, out);
        }
        break;
    case LEVEL_TOPOLOGY_2:
        if (model->topology.dies > 1 && cpu_model_has(model, CPU_FEATURE_X2APIC)) {
            leaf_topology(cpu, true, subleaf, out);
        }
        break;
    case 0xd:
        leaf_xsave(cpu, subleaf, out);
        break;
    case 0x15:
        leaf_tsc(model, out);
        break;
    case 0x16:
        out[EAX] = out[EBX] = (uint32_t)((model->tsc_hz + 500000) / 1000000);
        out[ECX] = out[EAX] != 0 ? 100 : 0;
        break;
    default:
        break;
    }
}

static void leaf_hypervisor(const CpuModel *model, uint32_t leaf, uint32_t out[4])
{
    static const char own[] = "doppeldoppel", kvm[] = "KVMKVMKVM\0\0";
    uint32_t features = (uint32_t)model->words[WORD_40000001_EAX];
    const char *signature = features != 0 ? kvm : own;

    switch (leaf) {
    case 0x40000000:
        out[EAX] = LEVEL_HYPERVISOR;
        out[EBX] = text_word(signature);
        out[ECX] = text_word(signature + 4);
        out[EDX] = text_word(signature + 8);
        break;
    case 0x40000001:
        if (cpu_model_has(model, CPU_FEATURE_PV_CLOCK)) {
            features |= 1; /* its older MSRs */
        }
        out[EAX] = features;
        break;
    case 0x40000010: /* the form that several monitors share: kHz of TSC and local APIC timer */
        out[EAX] = (uint32_t)(model->tsc_hz / 1000);
        out[EBX] = 1000000;
        break;
    default:
        break;
    }
}

/* Leaf 8000001EH: APIC id, core and its threads, node, which is a die, and the socket's nodes. */
static void leaf_amd_topology(const Cpu *cpu, uint32_t out[4])
{
    const CpuModel *model = cpu->model;
    uint32_t id = cpu_model_apic_id(model, cpu->index);
    uint32_t in_socket = id & ((1u << socket_shift(model)) - 1);

    out[EAX] = id;
    out[EBX] = (model->topology.threads - 1) << 8 | in_socket >> core_shift(model);
    out[ECX] = (model->topology.dies - 1) << 8 | ((id >> die_shift(model)) & 0xff);
}

static void leaf_80000001(const Cpu *cpu, uint32_t out[4])
{
    const CpuModel *model = cpu->model;

    out[EAX] = model->amd ? cpu_model_signature(model) : 0;
    out[ECX] = (uint32_t)model->words[WORD_80000001_ECX];
    out[EDX] = (uint32_t)model->words[WORD_80000001_EDX];
    if (model->amd) {
        out[EDX] |= (uint32_t)model->words[WORD_1_EDX] & AMD_MIRROR;
        if (!(cpu->apic_base & 1u << 11)) {
            out[EDX] &= ~(uint32_t)BIT_APIC;
        }
        if (logical_cpus(model) > 1) {
            out[ECX] |= BIT_CMP_LEGACY;
        }
    } else if (!(cpu->mode & MODE_CS64)) {
        out[EDX] &= ~(uint32_t)BIT_SYSCALL; /* Intel has SYSCALL in 64-bit mode only */
    }
    if (cpu->misc_enable & MISC_XD_DISABLE) {
        out[EDX] &= ~(uint32_t)BIT_NX;
    }
}

static void leaf_extended(const Cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const CpuModel *model = cpu->model;
    const char *brand;

    switch (leaf) {
    case 0x80000000:
        out[EAX] = model->xlevel;
        if (model->amd) {
            out[EBX] = text_word(model->vendor);
            out[EDX] = text_word(model->vendor + 4);
            out[ECX] = text_word(model->vendor + 8);
        }
        break;
    case 0x80000001:
        leaf_80000001(cpu, out);
        break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
        brand = model->brand + (leaf - 0x80000002) * 16;
        for (unsigned i = 0; i < 4; i++) {
            out[i] = text_word(brand + 4 * i);
        }
        break;
    case 0x80000005: /* L1: 32 KiB, 8 ways, 64-byte lines; 64-entry TLBs */
        if (model->amd) {
            out[EAX] = out[EBX] = 0xff40ff40;
            out[ECX] = out[EDX] = 32u << 24 | 8u << 16 | 1u << 8 | 64;
        }
        break;
    case 0x80000006: /* L2: 512 KiB, 8 ways; L3: 16 MiB, 16 ways */
        out[ECX] = 512u << 16 | 6u << 12 | 1u << 8 | 64;
        if (model->amd) {
            out[EAX] = out[EBX] = 0x42004200;
            out[EDX] = 32u << 18 | 8u << 12 | 1u << 8 | 64;
        }
        break;
    case 0x80000007:
        out[EDX] = (uint32_t)model->words[WORD_80000007_EDX];
        break;
    case 0x80000008:
        out[EAX] = model->phys_bits | (cpu_model_has(model, INSN_FEATURE_LM) ? 48 : 32) << 8;
        out[EBX] = (uint32_t)model->words[WORD_80000008_EBX];
        if (model->amd && logical_cpus(model) > 1) {
            out[ECX] = socket_shift(model) << 12 | (logical_cpus(model) - 1);
        }
        break;
    case 0x8000001d:
        if (model->amd) {
            leaf_caches(model, subleaf, out);
        }
        break;
    case 0x8000001e:
        if (model->amd) {
            leaf_amd_topology(cpu, out);
        }
        break;
    case 0x80000021:
        out[EAX] = (uint32_t)model->words[WORD_80000021_EAX];
        break;
    default:
        break;
    }
}

void cpuid_query(const Cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const CpuModel *model = cpu->model;

    out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
    if (model == NULL) {
        return;
    }
    if (leaf >= 0x40000000 && leaf < 0x40000100) {
        if (model->words[WORD_1_ECX] & 1u << 31) {
            leaf_hypervisor(model, leaf, out);
            return;
        }
        leaf = model->level; /* reserved: as any leaf past the last */
    }
    if (leaf & 0x80000000) {
        if (leaf <= model->xlevel || leaf == 0x80000000) {
            leaf_extended(cpu, leaf, subleaf, out);
            return;
        }
        if (model->amd) {
            return;
        }
        leaf = model->level;
    }
    if (leaf > model->level) {
        if (model->amd) {
            return;
        }
        leaf = model->level; /* Intel answers the highest basic leaf */
    }
    leaf_basic(cpu, leaf, subleaf, out);
}
