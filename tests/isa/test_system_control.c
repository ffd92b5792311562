/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_system_control.c - control registers, MSRs, flags and other privileged state: what each
 * instruction allows in which mode, and what it changes. */
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "softmmu/mmu.h"
#include "tests/isa/fixture.h"

enum { NO_FAULT = -1 };

typedef struct Code {
    uint8_t size, bytes[15];
} Code;

/* Runs one instruction (and the HLT behind it): NO_FAULT or the vector. */
static int run_code(Fixture *fx, const Code *code)
{
    FixtureEnd end;

    fixture_load(fx, code->bytes, code->size);
    end = fixture_run(fx, 4);
    ck_assert_int_ne(end, FIXTURE_STEPS);
    return end == FIXTURE_FAULT ? fx->cpu->fault.vector : NO_FAULT;
}

#define CODE(...)                                                                                  \
    {                                                                                              \
        sizeof((uint8_t[]){ __VA_ARGS__ }),                                                        \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* ---- Who may execute what ---- */

typedef struct PrivilegeRow {
    const char *name;
    Code code;
    int at_0, at_3, in_vm86,
        in_real; /* vector or NO_FAULT; at_0 and at_3 in 32-bit protected mode */
} PrivilegeRow;

static const PrivilegeRow privilege_rows[] = {
    { "mov eax,cr0", CODE(0x0f, 0x20, 0xc0), NO_FAULT, 13, 13, NO_FAULT },
    { "mov cr2,eax", CODE(0x0f, 0x22, 0xd0), NO_FAULT, 13, 13, NO_FAULT },
    { "mov eax,cr1 is undefined", CODE(0x0f, 0x20, 0xc8), 6, 6, 6, 6 },
    { "mov eax,dr0", CODE(0x0f, 0x21, 0xc0), NO_FAULT, 13, 13, NO_FAULT },
    { "mov eax,dr4 is dr6", CODE(0x0f, 0x21, 0xe0), NO_FAULT, 13, 13, NO_FAULT },
    { "clts", CODE(0x0f, 0x06), NO_FAULT, 13, 13, NO_FAULT },
    { "lmsw ax", CODE(0x0f, 0x01, 0xf0), NO_FAULT, 13, 13, NO_FAULT },
    { "smsw ax", CODE(0x0f, 0x01, 0xe0), NO_FAULT, NO_FAULT, NO_FAULT, NO_FAULT },
    { "invlpg [ebx]", CODE(0x0f, 0x01, 0x3b), NO_FAULT, 13, 13, NO_FAULT },
    { "invd", CODE(0x0f, 0x08), NO_FAULT, 13, 13, NO_FAULT },
    { "wbinvd", CODE(0x0f, 0x09), NO_FAULT, 13, 13, NO_FAULT },
    { "wbnoinvd", CODE(0xf3, 0x0f, 0x09), NO_FAULT, 13, 13, NO_FAULT },
    { "rdtsc", CODE(0x0f, 0x31), NO_FAULT, NO_FAULT, NO_FAULT, NO_FAULT },
    { "rdpmc", CODE(0x0f, 0x33), NO_FAULT, 13, 13, NO_FAULT },
    { "rdmsr of an unknown MSR", CODE(0x0f, 0x32), 13, 13, 13, 13 },
    { "wrmsr of an unknown MSR", CODE(0x0f, 0x30), 13, 13, 13, 13 },
    { "cpuid", CODE(0x0f, 0xa2), NO_FAULT, NO_FAULT, NO_FAULT, NO_FAULT },
    { "monitor", CODE(0x0f, 0x01, 0xc8), NO_FAULT, 6, 6, NO_FAULT },
    { "mwait", CODE(0x0f, 0x01, 0xc9), NO_FAULT, 6, 6, NO_FAULT },
    { "swapgs is undefined outside 64-bit mode", CODE(0x0f, 0x01, 0xf8), 6, 6, 6, 6 },
    { "syscall is undefined outside 64-bit mode on Intel", CODE(0x0f, 0x05), 6, 6, 6, 6 },
    { "sysenter without SYSENTER_CS", CODE(0x0f, 0x34), 13, 13, 13, 13 },
    { "sysexit without SYSENTER_CS", CODE(0x0f, 0x35), 13, 13, 13, 13 },
    { "rsm outside SMM", CODE(0x0f, 0xaa), 6, 6, 6, 6 },
    { "ud2", CODE(0x0f, 0x0b), 6, 6, 6, 6 },
    { "ud1 eax,eax", CODE(0x0f, 0xb9, 0xc0), 6, 6, 6, 6 },
    { "xgetbv of XCR0", CODE(0x0f, 0x01, 0xd0), NO_FAULT, NO_FAULT, NO_FAULT, NO_FAULT },
    { "stac", CODE(0x0f, 0x01, 0xcb), NO_FAULT, 6, 6, NO_FAULT },
    { "clac", CODE(0x0f, 0x01, 0xca), NO_FAULT, 6, 6, NO_FAULT },
    { "cli with IOPL 0, VM86 with IOPL 3", CODE(0xfa), NO_FAULT, 13, NO_FAULT, NO_FAULT },
    { "sti with IOPL 0, VM86 with IOPL 3", CODE(0xfb), NO_FAULT, 13, NO_FAULT, NO_FAULT },
};

static void privilege_check(const PrivilegeRow *row, FixtureMode mode, unsigned cpl, int expected)
{
    Fixture *fx = fixture_new(mode);
    int vector;

    if (cpl == 3) {
        fixture_set_cpl(fx, 3);
    }
    fx->cpu->gpr[RBX] = FIXTURE_DATA;
    if (row->code.bytes[1] == 0x32 || row->code.bytes[1] == 0x30) {
        fx->cpu->gpr[RCX] = 0x12345678;
    }
    vector = run_code(fx, &row->code);
    ck_assert_msg(vector == expected, "%s: mode %d, CPL %u: %d", row->name, mode, cpl, vector);
    fixture_free(fx);
}

START_TEST(privileges_are_checked)
{
    const PrivilegeRow *row = &privilege_rows[_i];

    privilege_check(row, FIXTURE_PROTECTED32, 0, row->at_0);
    privilege_check(row, FIXTURE_PROTECTED32, 3, row->at_3);
    privilege_check(row, FIXTURE_VM86, 0, row->in_vm86);
    privilege_check(row, FIXTURE_REAL, 0, row->in_real);
}
END_TEST

/* ---- Control registers ---- */

typedef struct ControlRow {
    const char *name;
    FixtureMode mode;
    unsigned cr;
    uint64_t set, clear; /* bits changed in what is there */
    bool valid;
} ControlRow;

static const ControlRow control_rows[] = {
    { "PG without PE", FIXTURE_REAL, 0, CR0_PG, 0, false },
    { "PE", FIXTURE_REAL, 0, CR0_PE, 0, true },
    { "NW without CD", FIXTURE_REAL, 0, CR0_NW, CR0_CD, false },
    { "NW and CD", FIXTURE_REAL, 0, CR0_NW | CR0_CD, 0, true },
    { "high half of CR0", FIXTURE_LONG64, 0, 1ull << 32, 0, false },
    { "PG cleared in 64-bit mode", FIXTURE_LONG64, 0, 0, CR0_PG, false },
    { "PG cleared in compatibility mode", FIXTURE_COMPAT, 0, 0, CR0_PG, true },
    { "PG cleared in 32-bit paging", FIXTURE_PAGING32, 0, 0, CR0_PG, true },
    { "WP cleared", FIXTURE_LONG64, 0, 0, CR0_WP, true },
    { "PAE cleared in long mode", FIXTURE_LONG64, 4, 0, CR4_PAE, false },
    { "VMXE", FIXTURE_LONG64, 4, 1u << 13, 0, false },
    { "LA57", FIXTURE_LONG64, 4, 1u << 12, 0, false },
    { "high half of CR4", FIXTURE_LONG64, 4, 1ull << 40, 0, false },
    { "PCIDE in long mode", FIXTURE_LONG64, 4, CR4_PCIDE, 0, true },
    { "PCIDE in protected mode", FIXTURE_PAGING32, 4, CR4_PCIDE, 0, false },
    { "SMEP, SMAP, UMIP, FSGSBASE", FIXTURE_LONG64, 4,
      CR4_SMEP | CR4_SMAP | CR4_UMIP | CR4_FSGSBASE, 0, true },
    { "CR3 beyond the address width", FIXTURE_LONG64, 3, 1ull << 53, 0, false },
    { "CR3 bit 63 without PCIDE", FIXTURE_LONG64, 3, 1ull << 63, 0, false },
    { "CR3 with cache bits", FIXTURE_LONG64, 3, 0x18, 0, true },
};

START_TEST(control_registers_refuse_impossible_values)
{
    const ControlRow *row = &control_rows[_i];
    Fixture *fx = fixture_new(row->mode);
    Cpu *cpu = fx->cpu;
    uint64_t *reg = row->cr == 0 ? &cpu->cr0 : row->cr == 3 ? &cpu->cr3 : &cpu->cr4;
    uint64_t old = *reg, value = (old | row->set) & ~row->clear;
    bool written = control_write(cpu, row->cr, value);

    ck_assert_msg(written == row->valid, "%s", row->name);
    if (written) {
        ck_assert_msg(*reg == value, "%s: %lx", row->name, (unsigned long)*reg);
    } else {
        ck_assert_msg(*reg == old, "%s: changed", row->name);
        ck_assert_uint_eq(cpu->fault.vector, VECTOR_GP);
        ck_assert(cpu->fault.has_error);
        ck_assert_uint_eq(cpu->fault.error, 0);
    }
    fixture_free(fx);
}
END_TEST

START_TEST(a_reserved_bit_of_cr0_stays_clear_without_a_fault)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);

    ck_assert(control_write(fx->cpu, 0, fx->cpu->cr0 | 1u << 10));
    ck_assert(!(fx->cpu->cr0 & 1u << 10));
    ck_assert(control_write(fx->cpu, 0, fx->cpu->cr0 & ~(uint64_t)CR0_ET));
    ck_assert(fx->cpu->cr0 & CR0_ET);
    fixture_free(fx);
}
END_TEST

START_TEST(pcide_needs_cr3_low_bits_clear_and_then_keeps_bit_63_out_of_cr3)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;
    uint64_t root = cpu->cr3;

    ck_assert(control_write(cpu, 3, root | 0x18));
    ck_assert(!control_write(cpu, 4, cpu->cr4 | CR4_PCIDE));
    ck_assert(control_write(cpu, 3, root));
    ck_assert(control_write(cpu, 4, cpu->cr4 | CR4_PCIDE));
    ck_assert(control_write(cpu, 3, root | 5 | 1ull << 63));
    ck_assert_uint_eq(cpu->cr3, root | 5);
    ck_assert(!control_write(cpu, 0, cpu->cr0 & ~(uint64_t)CR0_PG));
    fixture_free(fx);
}
END_TEST

/* 32-bit protected mode, paging off: the way into long mode and back. */
START_TEST(long_mode_is_entered_by_pg_and_left_by_it)
{
    Fixture *fx = fixture_new(FIXTURE_COMPAT);
    Cpu *cpu = fx->cpu;

    ck_assert(cpu->mode & MODE_LMA);
    ck_assert(control_write(cpu, 0, cpu->cr0 & ~(uint64_t)CR0_PG));
    ck_assert(!(cpu->efer & EFER_LMA));
    ck_assert(!(cpu->mode & (MODE_LMA | MODE_PG)));
    ck_assert(control_write(cpu, 4, cpu->cr4 & ~(uint64_t)CR4_PAE));
    ck_assert(!control_write(cpu, 0, cpu->cr0 | CR0_PG)); /* LME without PAE */
    ck_assert(control_write(cpu, 4, cpu->cr4 | CR4_PAE));
    ck_assert(control_write(cpu, 0, cpu->cr0 | CR0_PG));
    ck_assert(cpu->efer & EFER_LMA);
    ck_assert(cpu->mode & MODE_LMA);
    fixture_free(fx);
}
END_TEST

START_TEST(pae_paging_loads_its_pointers_and_refuses_bad_ones)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    Cpu *cpu = fx->cpu;

    fixture_write(fx, 0x7000, 8, 0x8000 | 1);
    ck_assert(control_write(cpu, 3, 0x7000));
    ck_assert(control_write(cpu, 4, cpu->cr4 | CR4_PAE));
    ck_assert(control_write(cpu, 0, cpu->cr0 | CR0_PG));
    fixture_write(fx, 0x7020, 8, 0x8000 | 1 | 2); /* bit 1 is reserved */
    ck_assert(!control_write(cpu, 3, 0x7020));
    ck_assert_uint_eq(cpu->cr3, 0x7000);
    ck_assert_uint_eq(cpu->fault.vector, VECTOR_GP);
    fixture_free(fx);
}
END_TEST

START_TEST(lmsw_sets_pe_but_never_clears_it)
{
    static const Code lmsw = CODE(0x0f, 0x01, 0xf0);
    Fixture *fx = fixture_new(FIXTURE_REAL);

    fx->cpu->gpr[RAX] = CR0_PE | CR0_TS | 0xfff0;
    ck_assert_int_eq(run_code(fx, &lmsw), NO_FAULT);
    ck_assert_uint_eq(fx->cpu->cr0 & 0xf, CR0_PE | CR0_TS);
    ck_assert(fx->cpu->mode & MODE_NO_FPU);
    fx->cpu->gpr[RAX] = 0;
    ck_assert_int_eq(run_code(fx, &lmsw), NO_FAULT);
    ck_assert_uint_eq(fx->cpu->cr0 & 0xf, CR0_PE);
    fixture_free(fx);
}
END_TEST

START_TEST(smsw_is_closed_to_users_by_umip)
{
    static const Code smsw = CODE(0x0f, 0x01, 0xe0);
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);

    ck_assert_int_eq(run_code(fx, &smsw), NO_FAULT);
    ck_assert_uint_eq(fx->cpu->gpr[RAX], fx->cpu->cr0);
    ck_assert(control_write(fx->cpu, 4, fx->cpu->cr4 | CR4_UMIP));
    ck_assert_int_eq(run_code(fx, &smsw), NO_FAULT);
    fixture_set_cpl(fx, 3);
    ck_assert_int_eq(run_code(fx, &smsw), VECTOR_GP);
    fixture_free(fx);
}
END_TEST

START_TEST(mov_cr8_is_the_task_priority_and_has_four_bits)
{
    static const Code write = CODE(0x44, 0x0f, 0x22, 0xc0), read = CODE(0x44, 0x0f, 0x20, 0xc3);
    Fixture *fx = fixture_new(FIXTURE_LONG64);

    fx->cpu->gpr[RAX] = 15;
    ck_assert_int_eq(run_code(fx, &write), NO_FAULT);
    fx->cpu->gpr[RBX] = ~0ull;
    ck_assert_int_eq(run_code(fx, &read), NO_FAULT);
    ck_assert_uint_lt(fx->cpu->gpr[RBX], 16);
    fx->cpu->gpr[RAX] = 16;
    ck_assert_int_eq(run_code(fx, &write), VECTOR_GP);
    fixture_free(fx);
}
END_TEST

/* ---- Flags ---- */

typedef struct FlagRow {
    const char *name;
    FixtureMode mode;
    unsigned cpl;
    uint8_t opcode;              /* FA CLI, FB STI */
    uint64_t cr4, before, after; /* after: what of IF, VIF, VIP is left; ~0: #GP(0) */
} FlagRow;

#define GP (~0ull)

static const FlagRow flag_rows[] = {
    { "cli", FIXTURE_PROTECTED32, 0, 0xfa, 0, FLAG_IF, 0 },
    { "sti", FIXTURE_PROTECTED32, 0, 0xfb, 0, 0, FLAG_IF },
    { "cli, user with IOPL 3", FIXTURE_PROTECTED32, 3, 0xfa, 0, FLAG_IF | FLAG_IOPL, 0 },
    { "cli, user with IOPL 0", FIXTURE_PROTECTED32, 3, 0xfa, 0, FLAG_IF, GP },
    { "cli, PVI", FIXTURE_PROTECTED32, 3, 0xfa, CR4_PVI, FLAG_IF | FLAG_VIF, FLAG_IF },
    { "sti, PVI", FIXTURE_PROTECTED32, 3, 0xfb, CR4_PVI, FLAG_IF, FLAG_IF | FLAG_VIF },
    { "sti, PVI with an interrupt pending", FIXTURE_PROTECTED32, 3, 0xfb, CR4_PVI, FLAG_VIP, GP },
    { "cli, PVI is for CPL 3", FIXTURE_PROTECTED32, 0, 0xfa, CR4_PVI, FLAG_IF | FLAG_VIF,
      FLAG_VIF },
    { "cli, VM86 with IOPL 0", FIXTURE_VM86, 0, 0xfa, 0, FLAG_VM | FLAG_IF, GP },
    { "cli, VME", FIXTURE_VM86, 0, 0xfa, CR4_VME, FLAG_VM | FLAG_IF | FLAG_VIF, FLAG_IF },
    { "sti, VME", FIXTURE_VM86, 0, 0xfb, CR4_VME, FLAG_VM, FLAG_VIF },
    { "sti, VME with an interrupt pending", FIXTURE_VM86, 0, 0xfb, CR4_VME, FLAG_VM | FLAG_VIP,
      GP },
};

START_TEST(cli_and_sti_obey_iopl_and_virtual_interrupts)
{
    const FlagRow *row = &flag_rows[_i];
    const Code code = CODE(row->opcode);
    Fixture *fx = fixture_new(row->mode);
    Cpu *cpu = fx->cpu;
    int vector;

    if (row->cpl == 3) {
        fixture_set_cpl(fx, 3);
    }
    cpu->cr4 |= row->cr4;
    flags_write(cpu, row->before, FLAG_IF | FLAG_VIF | FLAG_VIP | FLAG_IOPL);
    cpu_mode_update(cpu);
    vector = run_code(fx, &code);
    ck_assert_msg(vector == (row->after == GP ? VECTOR_GP : NO_FAULT), "%s: %d", row->name, vector);
    if (vector == NO_FAULT) {
        ck_assert_msg((cpu->rflags & (FLAG_IF | FLAG_VIF | FLAG_VIP)) == row->after, "%s: %lx",
                      row->name, (unsigned long)cpu->rflags);
    }
    fixture_free(fx);
}
END_TEST

START_TEST(stac_opens_user_pages_only_with_smap)
{
    static const Code stac = CODE(0x0f, 0x01, 0xcb), clac = CODE(0x0f, 0x01, 0xca);
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    ck_assert_int_eq(run_code(fx, &stac), NO_FAULT);
    ck_assert(cpu->rflags & FLAG_AC);
    ck_assert_uint_eq(cpu->context, MMU_KERNEL);
    ck_assert(control_write(cpu, 4, cpu->cr4 | CR4_SMAP));
    ck_assert_uint_eq(cpu->context, MMU_KERNEL_AC);
    ck_assert_int_eq(run_code(fx, &clac), NO_FAULT);
    ck_assert_uint_eq(cpu->context, MMU_KERNEL);
    fixture_set_cpl(fx, 3);
    ck_assert_uint_eq(cpu->context, MMU_USER);
    fixture_free(fx);
}
END_TEST

/* ---- MSRs ---- */

typedef struct MsrRow {
    const char *name;
    uint32_t msr;
    uint64_t value;
    bool valid;
    uint64_t after; /* read back, where valid */
} MsrRow;

static const MsrRow msr_rows[] = {
    { "LSTAR", 0xc0000082, 0xffffffff81000000, true, 0xffffffff81000000 },
    { "LSTAR not canonical", 0xc0000082, 0x8000000000000000, false, 0 },
    { "STAR", 0xc0000081, 0x0023001000000000, true, 0x0023001000000000 },
    { "FMASK has 32 bits", 0xc0000084, 0xffffffff00047700, true, 0x47700 },
    { "FS base", 0xc0000100, 0x7fff12345678, true, 0x7fff12345678 },
    { "FS base not canonical", 0xc0000100, 1ull << 48, false, 0 },
    { "kernel GS base", 0xc0000102, 0xffff888000000000, true, 0xffff888000000000 },
    { "TSC_AUX", 0xc0000103, 5, true, 5 },
    { "SYSENTER_CS", 0x174, 0x10, true, 0x10 },
    { "SYSENTER_ESP", 0x175, 0xfffffe0000003000, true, 0xfffffe0000003000 },
    { "PAT", 0x277, 0x0407050600070106, true, 0x0407050600070106 },
    { "PAT with type 2", 0x277, 0x0407050600070102, false, 0 },
    { "MTRR base", 0x200, 0xc0000000, true, 0xc0000000 },
    { "MTRR base with type 7", 0x200, 0xc0000007, false, 0 },
    { "MTRR mask", 0x201, 0xffc0000800, true, 0xffc0000800 },
    { "MTRR mask with reserved bits", 0x201, 0xffc0000801, false, 0 },
    { "MTRR fixed", 0x26f, 0x0505050505050505, true, 0x0505050505050505 },
    { "MTRR fixed with a bad type", 0x26f, 0x0505050505050503, false, 0 },
    { "MTRR default type", 0x2ff, 0xc06, true, 0xc06 },
    { "MTRR default type with reserved bits", 0x2ff, 0x1c06, false, 0 },
    { "MTRR capabilities are read-only", 0xfe, 0x508, false, 0 },
    { "EFER with SVME", 0xc0000080, 0x1d01, false, 0 },
    { "EFER.LME cannot change under paging", 0xc0000080, 0xc01, false, 0 },
    { "EFER.LMA is not written", 0xc0000080, 0x901, true, 0xd01 },
    { "SPEC_CTRL", 0x48, 1, true, 1 },
    { "SPEC_CTRL with reserved bits", 0x48, 0x100, false, 0 },
    { "machine check bank control", 0x400, ~0ull, true, ~0ull },
    { "machine check status takes only zero", 0x401, 1, false, 0 },
    { "machine check status cleared", 0x401, 0, true, 0 },
    { "no fifth bank", 0x410, 0, false, 0 },
    { "performance counter", 0xc1, 1234, true, 0 },
    { "unknown", 0x4b564d00, 0, false, 0 },
};

START_TEST(the_board_learns_that_the_tsc_was_written)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);

    ck_assert(msr_write(fx->cpu, 0x10, 12345));
    ck_assert_uint_eq(fx->tsc_changes, 1);
    ck_assert(msr_write(fx->cpu, 0x3b, 0));
    ck_assert_uint_eq(fx->tsc_changes, 2);
    fixture_free(fx);
}
END_TEST

START_TEST(msrs_keep_what_they_may)
{
    const MsrRow *row = &msr_rows[_i];
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    uint64_t value = 0;

    ck_assert_msg(msr_write(fx->cpu, row->msr, row->value) == row->valid, "%s", row->name);
    ck_assert_uint_eq(fx->msrs_refused, !row->valid);
    if (row->valid) {
        ck_assert_msg(msr_read(fx->cpu, row->msr, &value), "%s: read", row->name);
        ck_assert_msg(value == row->after, "%s: %lx", row->name, (unsigned long)value);
    } else {
        ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_GP);
    }
    fixture_free(fx);
}
END_TEST

START_TEST(msrs_depend_on_the_vendor)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    CpuModel *amd = cpu_model_new("EPYC", NULL), *intel = cpu_model_new("Haswell", NULL);
    uint64_t value;

    fx->cpu->model = amd;
    ck_assert(msr_read(fx->cpu, 0xc0010015, &value));
    ck_assert(!msr_read(fx->cpu, 0x3a, &value));
    fx->cpu->model = intel;
    ck_assert(!msr_read(fx->cpu, 0xc0010015, &value));
    ck_assert(msr_read(fx->cpu, 0x3a, &value));
    ck_assert_uint_eq(value, 1);
    fx->cpu->model = NULL;
    fixture_free(fx);
    cpu_model_free(amd);
    cpu_model_free(intel);
}
END_TEST

START_TEST(rdmsr_and_wrmsr_use_edx_eax)
{
    static const Code wrmsr = CODE(0x0f, 0x30), rdmsr = CODE(0x0f, 0x32);
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    cpu->gpr[RCX] = 0xffffffffc0000102;
    cpu->gpr[RAX] = 0x1234567812345678;
    cpu->gpr[RDX] = 0x12345678ffff8880;
    ck_assert_int_eq(run_code(fx, &wrmsr), NO_FAULT);
    ck_assert_uint_eq(cpu->kernel_gs_base, 0xffff888012345678);
    cpu->gpr[RAX] = cpu->gpr[RDX] = ~0ull;
    ck_assert_int_eq(run_code(fx, &rdmsr), NO_FAULT);
    ck_assert_uint_eq(cpu->gpr[RAX], 0x12345678);
    ck_assert_uint_eq(cpu->gpr[RDX], 0xffff8880);
    fixture_free(fx);
}
END_TEST

START_TEST(writing_the_tsc_moves_the_adjustment_with_it)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    uint64_t before, after, adjust;

    ck_assert(msr_read(fx->cpu, 0x10, &before));
    ck_assert(msr_write(fx->cpu, 0x10, before + (1ull << 40)));
    ck_assert(msr_read(fx->cpu, 0x10, &after));
    ck_assert(msr_read(fx->cpu, 0x3b, &adjust));
    ck_assert_uint_ge(after, before + (1ull << 40));
    ck_assert_uint_le(adjust, 1ull << 40);
    ck_assert_uint_gt(adjust, (1ull << 40) - (1ull << 36));
    ck_assert(msr_write(fx->cpu, 0x3b, 0));
    ck_assert(msr_read(fx->cpu, 0x10, &after));
    ck_assert_uint_lt(after, before + (1ull << 39));
    fixture_free(fx);
}
END_TEST

/* ---- The rest ---- */

START_TEST(tsd_closes_rdtsc_to_users)
{
    static const Code rdtsc = CODE(0x0f, 0x31), rdtscp = CODE(0x0f, 0x01, 0xf9);
    Fixture *fx = fixture_new(FIXTURE_LONG64);

    ck_assert(control_write(fx->cpu, 4, fx->cpu->cr4 | CR4_TSD));
    ck_assert_int_eq(run_code(fx, &rdtsc), NO_FAULT);
    fx->cpu->tsc_aux = 7;
    ck_assert_int_eq(run_code(fx, &rdtscp), NO_FAULT);
    ck_assert_uint_eq(fx->cpu->gpr[RCX], 7);
    fixture_set_cpl(fx, 3);
    ck_assert_int_eq(run_code(fx, &rdtsc), VECTOR_GP);
    ck_assert_int_eq(run_code(fx, &rdtscp), VECTOR_GP);
    fixture_free(fx);
}
END_TEST

START_TEST(swapgs_swaps_in_64_bit_mode_at_level_0)
{
    static const Code swapgs = CODE(0x0f, 0x01, 0xf8);
    Fixture *fx = fixture_new(FIXTURE_LONG64);

    fx->cpu->seg[GS].base = 0x1111;
    fx->cpu->kernel_gs_base = 0x2222;
    ck_assert_int_eq(run_code(fx, &swapgs), NO_FAULT);
    ck_assert_uint_eq(fx->cpu->seg[GS].base, 0x2222);
    ck_assert_uint_eq(fx->cpu->kernel_gs_base, 0x1111);
    fixture_set_cpl(fx, 3);
    ck_assert_int_eq(run_code(fx, &swapgs), VECTOR_GP);
    fixture_free(fx);
}
END_TEST

START_TEST(fsgsbase_instructions_need_cr4_and_canonical_bases)
{
    static const Code write = CODE(0xf3, 0x48, 0x0f, 0xae, 0xd8), /* wrgsbase rax */
        write_32 = CODE(0xf3, 0x0f, 0xae, 0xd0),                  /* wrfsbase eax */
        read = CODE(0xf3, 0x48, 0x0f, 0xae, 0xcb);                /* rdgsbase rbx */
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    ck_assert_int_eq(run_code(fx, &read), VECTOR_UD);
    ck_assert(control_write(cpu, 4, cpu->cr4 | CR4_FSGSBASE));
    fixture_set_cpl(fx, 3);
    cpu->gpr[RAX] = 0x00007fffffffffff;
    ck_assert_int_eq(run_code(fx, &write), NO_FAULT);
    ck_assert_int_eq(run_code(fx, &read), NO_FAULT);
    ck_assert_uint_eq(cpu->gpr[RBX], 0x00007fffffffffff);
    cpu->gpr[RAX] = 0x0000800000000000;
    ck_assert_int_eq(run_code(fx, &write), VECTOR_GP);
    cpu->gpr[RAX] = 0xffffffff80001000;
    ck_assert_int_eq(run_code(fx, &write_32), NO_FAULT);
    ck_assert_uint_eq(cpu->seg[FS].base, 0x80001000);
    fixture_free(fx);
}
END_TEST

START_TEST(xsetbv_accepts_only_sets_that_make_sense)
{
    static const Code xsetbv = CODE(0x0f, 0x01, 0xd1), xgetbv = CODE(0x0f, 0x01, 0xd0);
    static const struct {
        uint32_t value;
        int vector;
    } rows[] = { { 1, NO_FAULT },  { 3, NO_FAULT },  { 7, NO_FAULT }, { 0, VECTOR_GP },
                 { 2, VECTOR_GP }, { 5, VECTOR_GP }, { 9, VECTOR_GP } };
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cpu->gpr[RAX] = rows[i].value;
        cpu->gpr[RCX] = cpu->gpr[RDX] = 0;
        ck_assert_msg(run_code(fx, &xsetbv) == rows[i].vector, "%u", rows[i].value);
        if (rows[i].vector == NO_FAULT) {
            ck_assert_int_eq(run_code(fx, &xgetbv), NO_FAULT);
            ck_assert_uint_eq(cpu->gpr[RAX], rows[i].value);
            ck_assert_int_eq(!(cpu->mode & MODE_NO_AVX), rows[i].value == 7);
        }
    }
    cpu->gpr[RAX] = 7;
    cpu->gpr[RCX] = 1;
    ck_assert_int_eq(run_code(fx, &xsetbv), VECTOR_GP);
    ck_assert(control_write(cpu, 4, cpu->cr4 & ~(uint64_t)CR4_OSXSAVE));
    ck_assert_int_eq(run_code(fx, &xgetbv), VECTOR_UD);
    fixture_free(fx);
}
END_TEST

START_TEST(invpcid_checks_type_and_descriptor)
{
    static const Code invpcid = CODE(0x66, 0x0f, 0x38, 0x82, 0x03); /* invpcid rax,[rbx] */
    static const struct {
        uint64_t type, pcid, address;
        int vector;
    } rows[] = {
        { 0, 0, 0x1000, NO_FAULT },     { 0, 0, 1ull << 63, VECTOR_GP }, { 0, 1, 0, VECTOR_GP },
        { 1, 0, 1ull << 63, NO_FAULT }, { 1, 0x1000, 0, VECTOR_GP },     { 2, 0, 0, NO_FAULT },
        { 3, 0, 0, NO_FAULT },          { 4, 0, 0, VECTOR_GP },
    };
    Fixture *fx = fixture_new(FIXTURE_LONG64);

    fx->cpu->gpr[RBX] = FIXTURE_DATA;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        fixture_write(fx, FIXTURE_DATA, 8, rows[i].pcid);
        fixture_write(fx, FIXTURE_DATA + 8, 8, rows[i].address);
        fx->cpu->gpr[RAX] = rows[i].type;
        ck_assert_msg(run_code(fx, &invpcid) == rows[i].vector, "row %zu", i);
    }
    fixture_free(fx);
}
END_TEST

START_TEST(cpuid_answers_in_four_registers)
{
    static const Code cpuid = CODE(0x0f, 0xa2);
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    CpuModel *model = cpu_model_new("Nehalem", NULL);
    Cpu *cpu = fx->cpu;

    cpu->model = model;
    cpu->gpr[RAX] = 0xffffffff00000000;
    ck_assert_int_eq(run_code(fx, &cpuid), NO_FAULT);
    ck_assert_uint_eq(cpu->gpr[RAX], 11);
    ck_assert_uint_eq(cpu->gpr[RBX], 0x756e6547);
    ck_assert_uint_eq(cpu->gpr[RCX], 0x6c65746e);
    ck_assert_uint_eq(cpu->gpr[RDX], 0x49656e69);
    cpu->model = NULL;
    fixture_free(fx);
    cpu_model_free(model);
}
END_TEST

typedef struct FeatureRow {
    const char *name, *model;
    Code code;
    int vector;
} FeatureRow;

static const FeatureRow feature_rows[] = {
    { "cmov on a Pentium", "pentium", CODE(0x0f, 0x44, 0xc3), VECTOR_UD },
    { "cmov on a Pentium II", "pentium2", CODE(0x0f, 0x44, 0xc3), NO_FAULT },
    { "rdtsc on a 486", "486", CODE(0x0f, 0x31), VECTOR_UD },
    { "cpuid on a 486", "486", CODE(0x0f, 0xa2), NO_FAULT },
    { "xadd on a 486", "486", CODE(0x0f, 0xc1, 0xc3), NO_FAULT },
    { "cmpxchg8b on a 486", "486", CODE(0x0f, 0xc7, 0x0b), VECTOR_UD },
    { "wrmsr on a 486", "486", CODE(0x0f, 0x30), VECTOR_UD },
    { "nop eax on a Pentium", "pentium", CODE(0x0f, 0x1f, 0xc0), VECTOR_UD },
    { "tzcnt is bsf on a Nehalem", "Nehalem", CODE(0xf3, 0x0f, 0xbc, 0xc3), NO_FAULT },
    { "andn on a Nehalem", "Nehalem", CODE(0xc4, 0xe2, 0x78, 0xf2, 0xc3), VECTOR_UD },
    { "stac on a Nehalem", "Nehalem", CODE(0x0f, 0x01, 0xcb), VECTOR_UD },
    { "popcnt on a Conroe", "Conroe", CODE(0xf3, 0x0f, 0xb8, 0xc3), VECTOR_UD },
    { "popcnt on a Nehalem", "Nehalem", CODE(0xf3, 0x0f, 0xb8, 0xc3), NO_FAULT },
};

START_TEST(instructions_that_the_model_lacks_are_undefined)
{
    const FeatureRow *row = &feature_rows[_i];
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    CpuModel *model = cpu_model_new(row->model, NULL);
    int vector;

    fx->cpu->model = model;
    fx->cpu->gpr[RBX] = FIXTURE_DATA;
    vector = run_code(fx, &row->code);
    ck_assert_msg(vector == row->vector, "%s: %d", row->name, vector);
    fx->cpu->model = NULL;
    fixture_free(fx);
    cpu_model_free(model);
}
END_TEST

START_TEST(reset_leaves_the_state_of_the_manual)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    CpuModel *model = cpu_model_new("Nehalem", NULL);
    Cpu *cpu = fx->cpu;

    cpu->model = model;
    cpu->gpr[RAX] = 1;
    software_cpu_reset(cpu, false);
    ck_assert_uint_eq(cpu->seg[CS].base + cpu->rip, 0xfffffff0);
    ck_assert_uint_eq(cpu->seg[CS].selector, 0xf000);
    ck_assert_uint_eq(cpu->gpr[RAX], 0);
    ck_assert_uint_eq(cpu->gpr[RDX], 0x106a3);
    ck_assert_uint_eq(cpu->cr0, 0x60000010);
    ck_assert_uint_eq(cpu->rflags, 2);
    ck_assert_uint_eq(cpu->dr[6], 0xffff0ff0);
    ck_assert_uint_eq(cpu->dr[7], 0x400);
    ck_assert_uint_eq(cpu->idtr.limit, 0xffff);
    ck_assert_uint_eq(cpu->mode & ~(uint32_t)(MODE_NO_AVX | MODE_NO_SSE),
                      MODE_IOPL_OK | MODE_CODE16 | MODE_DATA_ES | MODE_DATA_SS | MODE_DATA_DS |
                          MODE_DATA_FS | MODE_DATA_GS);
    ck_assert_uint_eq(cpu->apic_base, 0xfee00900);
    cpu->model = NULL;
    fixture_free(fx);
    cpu_model_free(model);
}
END_TEST

START_TEST(init_keeps_msrs_and_cache_bits)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    ck_assert(msr_write(cpu, 0x277, 0x0406040604060406));
    ck_assert(control_write(cpu, 0, cpu->cr0 & ~(uint64_t)(CR0_CD | CR0_NW)));
    software_cpu_reset(cpu, true);
    ck_assert_uint_eq(cpu->pat, 0x0406040604060406);
    ck_assert_uint_eq(cpu->cr0, CR0_ET);
    ck_assert_uint_eq(cpu->efer, 0);
    ck_assert_uint_eq(cpu->rip, 0xfff0);
    fixture_free(fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("system control");
    TCase *tc = tcase_create("rows");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, privileges_are_checked, 0, G_N_ELEMENTS(privilege_rows));
    tcase_add_loop_test(tc, control_registers_refuse_impossible_values, 0,
                        G_N_ELEMENTS(control_rows));
    tcase_add_test(tc, a_reserved_bit_of_cr0_stays_clear_without_a_fault);
    tcase_add_test(tc, pcide_needs_cr3_low_bits_clear_and_then_keeps_bit_63_out_of_cr3);
    tcase_add_test(tc, long_mode_is_entered_by_pg_and_left_by_it);
    tcase_add_test(tc, pae_paging_loads_its_pointers_and_refuses_bad_ones);
    tcase_add_test(tc, lmsw_sets_pe_but_never_clears_it);
    tcase_add_test(tc, smsw_is_closed_to_users_by_umip);
    tcase_add_test(tc, mov_cr8_is_the_task_priority_and_has_four_bits);
    tcase_add_loop_test(tc, cli_and_sti_obey_iopl_and_virtual_interrupts, 0,
                        G_N_ELEMENTS(flag_rows));
    tcase_add_test(tc, stac_opens_user_pages_only_with_smap);
    tcase_add_test(tc, the_board_learns_that_the_tsc_was_written);
    tcase_add_loop_test(tc, msrs_keep_what_they_may, 0, G_N_ELEMENTS(msr_rows));
    tcase_add_test(tc, msrs_depend_on_the_vendor);
    tcase_add_test(tc, rdmsr_and_wrmsr_use_edx_eax);
    tcase_add_test(tc, writing_the_tsc_moves_the_adjustment_with_it);
    tcase_add_test(tc, tsd_closes_rdtsc_to_users);
    tcase_add_test(tc, swapgs_swaps_in_64_bit_mode_at_level_0);
    tcase_add_test(tc, fsgsbase_instructions_need_cr4_and_canonical_bases);
    tcase_add_test(tc, xsetbv_accepts_only_sets_that_make_sense);
    tcase_add_test(tc, invpcid_checks_type_and_descriptor);
    tcase_add_test(tc, cpuid_answers_in_four_registers);
    tcase_add_loop_test(tc, instructions_that_the_model_lacks_are_undefined, 0,
                        G_N_ELEMENTS(feature_rows));
    tcase_add_test(tc, reset_leaves_the_state_of_the_manual);
    tcase_add_test(tc, init_keeps_msrs_and_cache_bits);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
