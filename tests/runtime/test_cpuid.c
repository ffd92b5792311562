/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_cpuid.c - CPU models from -cpu text, and what CPUID answers for them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/tsc.h"

enum { EAX, EBX, ECX, EDX };

typedef struct Answer {
    uint32_t reg[4];
} Answer;

static CpuModel *model_new(const char *text)
{
    GError *error = NULL;
    CpuModel *model = cpu_model_new(text, &error);

    ck_assert_msg(model != NULL, "%s: %s", text, error != NULL ? error->message : "");
    return model;
}

static Answer ask_cpu(const Cpu *cpu, uint32_t leaf, uint32_t subleaf)
{
    Answer answer;

    cpuid_query(cpu, leaf, subleaf, answer.reg);
    return answer;
}

static Cpu *cpu_new(const CpuModel *model)
{
    Cpu *cpu = g_new0(Cpu, 1);

    cpu->model = model;
    cpu->apic_base = 0xfee00900;
    cpu->mode = MODE_CS64 | MODE_PE | MODE_LMA;
    return cpu;
}

static Answer ask(const CpuModel *model, uint32_t leaf, uint32_t subleaf)
{
    g_autofree Cpu *cpu = cpu_new(model);

    return ask_cpu(cpu, leaf, subleaf);
}

START_TEST(every_listed_model_can_be_made)
{
    g_autofree char *help = cpu_model_help();
    g_auto(GStrv) lines = g_strsplit(help, "\n", -1);
    unsigned models = 0;

    for (char **line = lines; *line != NULL; line++) {
        char name[64];

        if (sscanf(*line, "x86 %63s", name) == 1) {
            CpuModel *model = model_new(name);

            ck_assert_uint_ge(ask(model, 0, 0).reg[EAX], 1);
            cpu_model_free(model);
            models++;
        }
    }
    ck_assert_uint_ge(models, 25);
}
END_TEST

typedef struct BadRow {
    const char *text, *word; /* that the message must name */
} BadRow;

static const BadRow bad_rows[] = {
    { "pentium9", "pentium9" },
    { "", "''" },
    { "max,+warp-drive", "warp-drive" },
    { "max,warp-drive=off", "warp-drive" },
    { "max,+avx512f", "avx512f" },
    { "max,vmx=on", "vmx" },
    { "max,aes=perhaps", "perhaps" },
    { "max,family=x", "family=x" },
    { "max,stepping=16", "stepping=16" },
    { "max,vendor=Short", "vendor=Short" },
    { "max,phys-bits=99", "phys-bits=99" },
};

START_TEST(what_cannot_be_had_is_an_error_that_names_it)
{
    const BadRow *row = &bad_rows[_i];
    GError *error = NULL;

    ck_assert_ptr_null(cpu_model_new(row->text, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error->message, row->word) != NULL, "%s", error->message);
    g_error_free(error);
}
END_TEST

typedef struct FlagRow {
    const char *text;
    unsigned feature;
    bool on;
} FlagRow;

static const FlagRow flag_rows[] = {
    { "486", INSN_FEATURE_X87, true },
    { "486", INSN_FEATURE_TSC, false },
    { "486", INSN_FEATURE_CX8, false },
    { "486", INSN_FEATURE_NOPL, false },
    { "486", INSN_FEATURE_I486, true },
    { "pentium", INSN_FEATURE_MMX, true },
    { "pentium", INSN_FEATURE_CMOV, false },
    { "pentium2", INSN_FEATURE_FCMOV, true },
    { "pentium2", INSN_FEATURE_SEP, true },
    { "pentium2", INSN_FEATURE_SSE, false },
    { "pentium3", INSN_FEATURE_SSE, true },
    { "pentium3", INSN_FEATURE_MMXEXT, true },
    { "pentium3", INSN_FEATURE_LM, false },
    { "qemu32", INSN_FEATURE_LM, false },
    { "qemu64", INSN_FEATURE_LM, true },
    { "qemu64", INSN_FEATURE_AVX, false },
    { "qemu64", CPU_FEATURE_AMD, true },
    { "kvm64", CPU_FEATURE_AMD, false },
    { "Nehalem", INSN_FEATURE_SSE42, true },
    { "Nehalem", INSN_FEATURE_XSAVE, false },
    { "Haswell-noTSX-IBRS", INSN_FEATURE_INVPCID, true },
    { "Haswell-v4", CPU_FEATURE_PCID, true },
    { "Nehalem,+fsgsbase,+umip", INSN_FEATURE_FSGSBASE, true },
    { "Nehalem,fsgsbase", INSN_FEATURE_FSGSBASE, true },
    { "max,-pcid", CPU_FEATURE_PCID, false },
    { "max,-pcid", INSN_FEATURE_INVPCID, false },
    { "max,pcid=off", CPU_FEATURE_PCID, false },
    { "max,sse4_2=off", INSN_FEATURE_SSE42, false },
    { "max,xsave=off", INSN_FEATURE_AVX2, false },
    { "max", CPU_FEATURE_PCID, true },
    { "max", INSN_FEATURE_INVPCID, true },
    { "max", CPU_FEATURE_NX, true },
    { "max", CPU_FEATURE_PDPE1GB, true },
    { "max", INSN_FEATURE_RDTSCP, true },
    { "max", INSN_FEATURE_MONITOR, false },
    { "max,+monitor", INSN_FEATURE_MONITOR, true },
    { "max", INSN_FEATURE_AVX512, false },
    { "max", INSN_FEATURE_NEVER, false },
    { "host", CPU_FEATURE_X2APIC, true },
};

START_TEST(flags_follow_model_and_options)
{
    const FlagRow *row = &flag_rows[_i];
    CpuModel *model = model_new(row->text);

    ck_assert_msg(cpu_model_has(model, row->feature) == row->on, "%s: %u", row->text, row->feature);
    cpu_model_free(model);
}
END_TEST

START_TEST(options_of_other_accelerators_are_accepted_with_a_warning)
{
    CpuModel *model = model_new("max,migratable=off,hv_time,host-phys-bits=on");

    ck_assert_uint_ge(cpu_model_warnings(model)->len, 3);
    cpu_model_free(model);
}
END_TEST

START_TEST(identity_can_be_chosen)
{
    CpuModel *model = model_new(
        "max,vendor=GenuineIntel,family=6,model=0x9e,stepping=10,model-id=Some CPU");
    Answer leaf_0 = ask(model, 0, 0), brand = ask(model, 0x80000002, 0);

    ck_assert_uint_eq(ask(model, 1, 0).reg[EAX], 0x906ea);
    ck_assert_uint_eq(cpu_model_signature(model), 0x906ea);
    ck_assert_int_eq(memcmp(&leaf_0.reg[EBX], "Genu", 4), 0);
    ck_assert_int_eq(memcmp(&leaf_0.reg[EDX], "ineI", 4), 0);
    ck_assert_int_eq(memcmp(&leaf_0.reg[ECX], "ntel", 4), 0);
    ck_assert_int_eq(memcmp(brand.reg, "Some CPU", 8), 0);
    ck_assert(!cpu_model_has(model, CPU_FEATURE_AMD));
    cpu_model_free(model);
}
END_TEST

START_TEST(large_families_use_the_extended_field)
{
    CpuModel *model = model_new("EPYC");

    ck_assert_uint_eq(ask(model, 1, 0).reg[EAX], 0x00800f12);
    ck_assert_uint_eq(ask(model, 0x80000001, 0).reg[EAX], 0x00800f12);
    cpu_model_free(model);
}
END_TEST

START_TEST(caches_are_listed_where_there_is_no_leaf_to_send_to)
{
    CpuModel *old = model_new("pentium3"), *new = model_new("Westmere");
    Answer listed = ask(old, 2, 0), sent = ask(new, 2, 0);

    ck_assert_uint_eq(listed.reg[EAX] & 0xff, 1);
    ck_assert_uint_eq(listed.reg[EDX], 0x2c3080); /* L1 data, L1 code, L2 */
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_ne(((const uint8_t *)listed.reg)[i], 0xff);
    }
    ck_assert_uint_eq(sent.reg[EAX], 0x00feff01);
    ck_assert_uint_ne(ask(new, 4, 0).reg[EAX], 0);
    cpu_model_free(old);
    cpu_model_free(new);
}
END_TEST

START_TEST(guests_that_know_kvm_find_its_clock)
{
    CpuModel *model = model_new("qemu64");

    ck_assert_int_eq(memcmp(&ask(model, 0x40000000, 0).reg[EBX], "KVMKVMKVM\0\0", 12), 0);
    ck_assert_uint_eq(ask(model, 0x40000001, 0).reg[EAX], 1u << 0 | 1u << 1 | 1u << 3 | 1u << 24);
    cpu_model_free(model);
    model = model_new("max,kvmclock=off");
    ck_assert_uint_eq(ask(model, 0x40000001, 0).reg[EAX], 1u << 1 | 1u << 24);
    cpu_model_free(model);
}
END_TEST

START_TEST(max_tells_of_a_hypervisor_with_its_own_name)
{
    CpuModel *model = model_new("max,kvm=off");
    Answer signature = ask(model, 0x40000000, 0);

    ck_assert(ask(model, 1, 0).reg[ECX] >> 31 & 1);
    ck_assert_int_eq(memcmp(&signature.reg[EBX], "doppeldoppel", 12), 0);
    cpu_model_free(model);

    model = model_new("max,hypervisor=off");
    ck_assert(!(ask(model, 1, 0).reg[ECX] >> 31));
    ck_assert_int_ne(memcmp(&ask(model, 0x40000000, 0).reg[EBX], "dopp", 4), 0);
    cpu_model_free(model);
}
END_TEST

START_TEST(max_is_not_vulnerable_to_what_needs_page_table_isolation)
{
    CpuModel *model = model_new("max");
    uint64_t capabilities = cpu_model_arch_capabilities(model);

    ck_assert(ask(model, 7, 0).reg[EDX] >> 29 & 1);
    ck_assert(capabilities & 1);         /* RDCL_NO */
    ck_assert(capabilities >> 5 & 1);    /* MDS_NO */
    ck_assert(!(capabilities >> 2 & 1)); /* RSBA */
    cpu_model_free(model);
}
END_TEST

START_TEST(max_has_neither_avx512_nor_tsx_nor_vmx)
{
    CpuModel *model = model_new("max");
    Answer leaf_7 = ask(model, 7, 0);

    ck_assert_uint_eq(leaf_7.reg[EBX] & (1u << 4 | 1u << 11 | 1u << 14 | 0xdc230000), 0);
    ck_assert_uint_eq(leaf_7.reg[ECX] & (1u << 3 | 1u << 16 | 1u << 7), 0);
    ck_assert_uint_eq(ask(model, 1, 0).reg[ECX] & (1u << 5), 0);
    ck_assert_uint_eq(ask(model, 0x80000001, 0).reg[ECX] & (1u << 2), 0);
    ck_assert_uint_eq(ask(model, 0x80000001, 0).reg[ECX] & (1u << 7), 0); /* MXCSR.MM */
    cpu_model_free(model);
}
END_TEST

START_TEST(xsave_sizes_follow_xcr0)
{
    CpuModel *model = model_new("max,vendor=GenuineIntel");
    g_autofree Cpu *cpu = cpu_new(model);

    if (!cpu_model_has(model, INSN_FEATURE_AVX)) {
        cpu_model_free(model);
        return; /* this host has no AVX */
    }
    cpu->xcr0 = 3;
    ck_assert_uint_eq(ask_cpu(cpu, 0xd, 0).reg[EAX], 7);
    ck_assert_uint_eq(ask_cpu(cpu, 0xd, 0).reg[EBX], 576);
    ck_assert_uint_eq(ask_cpu(cpu, 0xd, 0).reg[ECX], 832);
    cpu->xcr0 = 7;
    ck_assert_uint_eq(ask_cpu(cpu, 0xd, 0).reg[EBX], 832);
    ck_assert_uint_eq(ask_cpu(cpu, 0xd, 2).reg[EAX], 256);
    ck_assert_uint_eq(ask_cpu(cpu, 0xd, 2).reg[EBX], 576);
    ck_assert_uint_eq(ask_cpu(cpu, 0xd, 5).reg[EAX], 0);
    cpu_model_free(model);
}
END_TEST

START_TEST(osxsave_and_apic_bits_follow_the_state)
{
    CpuModel *model = model_new("max");
    g_autofree Cpu *cpu = cpu_new(model);

    ck_assert(!(ask_cpu(cpu, 1, 0).reg[ECX] >> 27 & 1));
    cpu->cr4 = CR4_OSXSAVE;
    ck_assert(ask_cpu(cpu, 1, 0).reg[ECX] >> 27 & 1);
    ck_assert(ask_cpu(cpu, 1, 0).reg[EDX] >> 9 & 1);
    cpu->apic_base &= ~(1ull << 11);
    ck_assert(!(ask_cpu(cpu, 1, 0).reg[EDX] >> 9 & 1));
    cpu_model_free(model);
}
END_TEST

START_TEST(intel_shows_syscall_in_64_bit_mode_only)
{
    CpuModel *model = model_new("kvm64");
    g_autofree Cpu *cpu = cpu_new(model);

    ck_assert(ask_cpu(cpu, 0x80000001, 0).reg[EDX] >> 11 & 1);
    cpu->mode = MODE_CS32 | MODE_PE;
    ck_assert(!(ask_cpu(cpu, 0x80000001, 0).reg[EDX] >> 11 & 1));
    cpu_model_free(model);
}
END_TEST

START_TEST(leaves_past_the_last_answer_as_the_vendor_does)
{
    CpuModel *intel = model_new("Nehalem"), *amd = model_new("qemu64");
    Answer last = ask(intel, 11, 0), past = ask(intel, 0x33, 0);

    ck_assert_int_eq(memcmp(&last, &past, sizeof(last)), 0);
    past = ask(amd, 0x33, 0);
    ck_assert_uint_eq(past.reg[EAX] | past.reg[EBX] | past.reg[ECX] | past.reg[EDX], 0);
    past = ask(amd, 0x8fffffff, 0);
    ck_assert_uint_eq(past.reg[EAX] | past.reg[EBX] | past.reg[ECX] | past.reg[EDX], 0);
    cpu_model_free(intel);
    cpu_model_free(amd);
}
END_TEST

START_TEST(topology_is_coherent)
{
    CpuModel *model = model_new("max,vendor=GenuineIntel");
    g_autofree Cpu *cpu = cpu_new(model);

    ck_assert(!(ask_cpu(cpu, 1, 0).reg[EDX] >> 28 & 1));
    ck_assert_uint_eq(ask_cpu(cpu, 0xb, 1).reg[EBX], 1);
    cpu_model_set_topology(model, &(CpuTopology){ .dies = 1, .cores = 4, .threads = 2 });
    cpu->index = 5;
    ck_assert_uint_eq(ask_cpu(cpu, 1, 0).reg[EBX] >> 24, 5);
    ck_assert_uint_eq(ask_cpu(cpu, 1, 0).reg[EBX] >> 16 & 0xff, 8);
    ck_assert(ask_cpu(cpu, 1, 0).reg[EDX] >> 28 & 1);
    ck_assert_uint_eq(ask_cpu(cpu, 0xb, 0).reg[EAX], 1);
    ck_assert_uint_eq(ask_cpu(cpu, 0xb, 0).reg[EBX], 2);
    ck_assert_uint_eq(ask_cpu(cpu, 0xb, 1).reg[EAX], 3);
    ck_assert_uint_eq(ask_cpu(cpu, 0xb, 1).reg[EBX], 8);
    ck_assert_uint_eq(ask_cpu(cpu, 0xb, 1).reg[EDX], 5);
    ck_assert_uint_eq(ask_cpu(cpu, 0xb, 2).reg[EBX], 0);
    ck_assert_uint_eq(ask_cpu(cpu, 4, 0).reg[EAX] >> 26, 3);
    ck_assert_uint_eq(ask_cpu(cpu, 4, 4).reg[EAX], 0);
    cpu_model_free(model);
}
END_TEST

/* Three cores leave a gap in the numbers: ids are fields of whole bits. */
START_TEST(apic_ids_are_fields_of_bits)
{
    CpuModel *model = model_new("max,vendor=GenuineIntel");
    g_autofree Cpu *cpu = cpu_new(model);

    cpu_model_set_topology(model, &(CpuTopology){ .dies = 2, .cores = 3, .threads = 2 });
    ck_assert_uint_eq(cpu_model_apic_id(model, 0), 0);
    ck_assert_uint_eq(cpu_model_apic_id(model, 5), 5);   /* core 2, thread 1 */
    ck_assert_uint_eq(cpu_model_apic_id(model, 6), 8);   /* die 1 */
    ck_assert_uint_eq(cpu_model_apic_id(model, 12), 16); /* socket 1 */
    ck_assert_uint_eq(cpu_model_apic_id(model, 23), 29);
    cpu->index = 23;
    ck_assert_uint_eq(ask_cpu(cpu, 1, 0).reg[EBX] >> 24, 29);
    ck_assert_uint_eq(ask_cpu(cpu, 0xb, 1).reg[EAX], 4);
    ck_assert_uint_eq(ask_cpu(cpu, 0xb, 1).reg[EBX], 12);
    ck_assert_uint_eq(ask_cpu(cpu, 0x1f, 1).reg[EAX], 3);
    ck_assert_uint_eq(ask_cpu(cpu, 0x1f, 1).reg[EBX], 6);
    ck_assert_uint_eq(ask_cpu(cpu, 0x1f, 2).reg[EAX], 4);
    ck_assert_uint_eq(ask_cpu(cpu, 0x1f, 2).reg[EBX], 12);
    ck_assert_uint_eq(ask_cpu(cpu, 0x1f, 2).reg[ECX], 0x502);
    ck_assert_uint_eq(ask_cpu(cpu, 0x1f, 2).reg[EDX], 29);
    ck_assert_uint_eq(ask_cpu(cpu, 4, 0).reg[EAX] >> 14 & 0xfff, 1); /* a core's */
    ck_assert_uint_eq(ask_cpu(cpu, 4, 3).reg[EAX] >> 14 & 0xfff, 7); /* a die's */
    cpu_model_free(model);
}
END_TEST

START_TEST(the_tsc_frequency_is_told_over_a_1_ghz_crystal)
{
    CpuModel *model = model_new("max,vendor=GenuineIntel");
    Answer ratio;

    cpu_model_set_tsc_hz(model, 2600000000u);
    ratio = ask(model, 0x15, 0);
    ck_assert_uint_eq(1000000000ull * ratio.reg[EBX] / ratio.reg[EAX], 2600000000u);
    ck_assert_uint_eq(ask(model, 0x16, 0).reg[EAX], 2600);
    ck_assert_uint_eq(ask(model, 0x40000010, 0).reg[EAX], 2600000);
    cpu_model_free(model);
}
END_TEST

START_TEST(the_host_counter_has_a_plausible_frequency)
{
    uint64_t hz = tsc_hz();

    ck_assert_uint_gt(hz, 100000000u);
    ck_assert_uint_lt(hz, 20000000000ull);
}
END_TEST

START_TEST(address_widths_are_told)
{
    CpuModel *model = model_new("max"), *narrow = model_new("max,phys-bits=36");

    ck_assert_uint_eq(ask(model, 0x80000008, 0).reg[EAX] & 0xffff, 48 << 8 | 40);
    ck_assert_uint_eq(cpu_model_phys_bits(narrow), 36);
    ck_assert_uint_eq(ask(narrow, 0x80000008, 0).reg[EAX] & 0xff, 36);
    cpu_model_free(model);
    cpu_model_free(narrow);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpuid");
    TCase *tc = tcase_create("models");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, every_listed_model_can_be_made);
    tcase_add_loop_test(tc, what_cannot_be_had_is_an_error_that_names_it, 0,
                        G_N_ELEMENTS(bad_rows));
    tcase_add_loop_test(tc, flags_follow_model_and_options, 0, G_N_ELEMENTS(flag_rows));
    tcase_add_test(tc, options_of_other_accelerators_are_accepted_with_a_warning);
    tcase_add_test(tc, identity_can_be_chosen);
    tcase_add_test(tc, large_families_use_the_extended_field);
    tcase_add_test(tc, caches_are_listed_where_there_is_no_leaf_to_send_to);
    tcase_add_test(tc, guests_that_know_kvm_find_its_clock);
    tcase_add_test(tc, max_tells_of_a_hypervisor_with_its_own_name);
    tcase_add_test(tc, max_is_not_vulnerable_to_what_needs_page_table_isolation);
    tcase_add_test(tc, max_has_neither_avx512_nor_tsx_nor_vmx);
    tcase_add_test(tc, xsave_sizes_follow_xcr0);
    tcase_add_test(tc, osxsave_and_apic_bits_follow_the_state);
    tcase_add_test(tc, intel_shows_syscall_in_64_bit_mode_only);
    tcase_add_test(tc, leaves_past_the_last_answer_as_the_vendor_does);
    tcase_add_test(tc, topology_is_coherent);
    tcase_add_test(tc, apic_ids_are_fields_of_bits);
    tcase_add_test(tc, the_tsc_frequency_is_told_over_a_1_ghz_crystal);
    tcase_add_test(tc, the_host_counter_has_a_plausible_frequency);
    tcase_add_test(tc, address_widths_are_told);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
