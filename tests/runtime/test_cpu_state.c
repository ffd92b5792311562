/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_cpu_state.c - the table of a vCPU's state: nothing twice, nothing forgotten, and a CPU that
 * is copied by it goes on like the original. */
#include "runtime/cpu/cpu_state.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/machine/vcpu.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/software_cpu.h"
#include "softmmu/mmu.h"

enum { RAM_SIZE = 1 << 20, CODE = 0x1000, HOST_TSC = 1000000 };

static PhysMap *map;
static CpuModel *model;
static Vcpu *vcpu[2];

static void setup(void)
{
    map = phys_map_new(RAM_SIZE, NULL);
    phys_map_add_ram(map, 0, 0, RAM_SIZE, 0);
    model = cpu_model_new("max", NULL);
    for (unsigned i = 0; i < 2; i++) {
        const VcpuConfig config = { .model = model, .map = map };

        vcpu[i] = vcpu_new(&config, NULL);
        ck_assert_ptr_nonnull(vcpu[i]);
    }
}

static void teardown(void)
{
    vcpu_free(vcpu[0]);
    vcpu_free(vcpu[1]);
    cpu_model_free(model);
    phys_map_free(map);
}

START_TEST(no_name_and_no_byte_is_there_twice)
{
    for (unsigned i = 0; i < cpu_fields_count; i++) {
        const CpuField *field = &cpu_fields[i];

        ck_assert_ptr_eq(cpu_field_find(field->name), field);
        for (size_t at = 0; at < (size_t)field->count * cpu_field_width(field); at++) {
            ck_assert_msg(cpu_field_at(field->offset + at) == field, "%s+%zu", field->name, at);
        }
    }
    ck_assert_ptr_null(cpu_field_find("rix"));
    ck_assert_ptr_null(cpu_field_at(offsetof(Cpu, jit_salt)));
}
END_TEST

/* Segments to MONITOR's address are all architecture, but for the time-stamp counter's distance to
 * the host's and the CPU's number. */
START_TEST(no_system_register_is_forgotten)
{
    size_t gap = 0;

    for (size_t at = offsetof(Cpu, seg); at < offsetof(Cpu, model); at++) {
        bool exempt = at - offsetof(Cpu, tsc_offset) < sizeof(uint64_t) ||
                      at - offsetof(Cpu, index) < sizeof(unsigned);

        gap = exempt || cpu_field_at(at) != NULL ? 0 : gap + 1;
        ck_assert_msg(gap < 8, "byte 0x%zx of a Cpu is in no field", at); /* padding */
    }
}
END_TEST

static void copy_by_table(const Cpu *from, Cpu *to)
{
    for (unsigned i = 0; i < cpu_fields_count; i++) {
        for (unsigned n = 0; n < cpu_fields[i].count; n++) {
            cpu_field_write(to, &cpu_fields[i], n, cpu_field_read(from, &cpu_fields[i], n));
        }
    }
}

/* rep stosb into its own memory, then adc, then a jump back */
static const uint8_t program[] = { 0xb9, 0x07, 0x00, 0xf3, 0xaa, 0x11, 0xf8, 0x01,
                                   0xc3, 0xd9, 0xe8, 0xde, 0xc1, 0xeb, 0xf1 };

START_TEST(a_copy_goes_on_like_the_original)
{
    Cpu *a = vcpu_cpu(vcpu[0]), *b = vcpu_cpu(vcpu[1]);

    phys_map_write(map, CODE, program, sizeof(program));
    a->seg[CS].base = a->seg[ES].base = 0;
    a->rip = CODE;
    a->gpr[RDI] = 0x8000;
    a->gpr[RBX] = 12345;
    cpu_request_set(a, CPU_REQUEST_NMI);
    a->nmi_blocked = true;
    software_cpu_loaded(a);
    software_cpu_run(a, 1001);
    vcpu_state_save(vcpu[0], HOST_TSC);
    ck_assert_uint_eq(a->events, CPU_REQUEST_NMI);
    copy_by_table(a, b);
    vcpu_state_load(vcpu[1], HOST_TSC);
    ck_assert_uint_eq(a->tsc_offset, b->tsc_offset);
    ck_assert_uint_eq(b->request, CPU_REQUEST_NMI);
    ck_assert_uint_eq(a->mode, b->mode);
    software_cpu_run(a, 777);
    vcpu_state_save(vcpu[0], HOST_TSC); /* before the other's vector state is loaded */
    software_cpu_run(b, 777);
    vcpu_state_save(vcpu[1], HOST_TSC);
    for (unsigned i = 0; i < cpu_fields_count; i++) {
        for (unsigned n = 0; n < cpu_fields[i].count; n++) {
            ck_assert_msg(cpu_field_read(a, &cpu_fields[i], n) ==
                              cpu_field_read(b, &cpu_fields[i], n),
                          "%s[%u]", cpu_fields[i].name, n);
        }
    }
}
END_TEST

/* Whatever a snapshot holds: the host's own registers take it. */
START_TEST(any_bytes_can_be_loaded)
{
    Cpu *cpu = vcpu_cpu(vcpu[0]);

    srand(1);
    for (unsigned round = 0; round < 2000; round++) {
        for (unsigned i = 0; i < cpu_fields_count; i++) {
            for (unsigned n = 0; n < cpu_fields[i].count; n++) {
                cpu_field_write(cpu, &cpu_fields[i], n, (uint64_t)rand() << 32 ^ (uint64_t)rand());
            }
        }
        vcpu_state_load(vcpu[0], HOST_TSC);
        cpu_vector_load(cpu);
        cpu_vector_park(cpu);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu_state");
    TCase *tc = tcase_create("table");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, no_name_and_no_byte_is_there_twice);
    tcase_add_test(tc, no_system_register_is_forgotten);
    tcase_add_test(tc, a_copy_goes_on_like_the_original);
    tcase_add_test(tc, any_bytes_can_be_loaded);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
