/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_system_calls.c - SYSCALL, SYSRET, SYSENTER, SYSEXIT; ports; debug registers; SMM. */
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/debug.h"
#include "runtime/software_cpu/software_cpu_int.h"
#include "runtime/software_cpu/system.h"
#include "softmmu/mmu.h"
#include "tests/isa/fixture.h"

/* One instruction, nothing delivered: -1 or the vector. */
static int run_one(Fixture *fx, const uint8_t *code, size_t size)
{
    Cpu *cpu = fx->cpu;
    const Insn *insn;

    fixture_load(fx, code, size);
    insn = software_cpu_fetch(cpu);
    if (insn == NULL || software_cpu_exec(cpu, insn) == STEP_FAULT) {
        return cpu->fault.vector;
    }
    return -1;
}

#define RUN(fx, ...)                                                                               \
    run_one(fx, (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }))

/* ---- System calls ---- */

static void call_registers(Cpu *cpu)
{
    cpu->star = 0x0023000800001234; /* system 08, user 23; legacy EIP */
    cpu->lstar = 0xffffffff81000000;
    cpu->cstar = 0xffffffff82000000;
    cpu->fmask = FLAG_IF | FLAG_TF | FLAG_DF;
    cpu->sysenter_cs = 0x10;
    cpu->sysenter_esp = 0xfffffe0000003000;
    cpu->sysenter_eip = 0xffffffff83000000;
}

START_TEST(syscall_enters_level_0_with_masked_flags)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    call_registers(cpu);
    fixture_set_cpl(fx, 3);
    flags_write(cpu, FLAG_IF | FLAG_DF | FLAG_CF | FLAG_RF, ~0ull);
    ck_assert_int_eq(RUN(fx, 0x0f, 0x05), -1);
    ck_assert_uint_eq(cpu->rip, 0xffffffff81000000);
    ck_assert_uint_eq(cpu->gpr[RCX], FIXTURE_CODE + 2);
    ck_assert_uint_eq(cpu->gpr[R11], FLAG_IF | FLAG_DF | FLAG_CF | FLAG_1);
    ck_assert_uint_eq(cpu->rflags, FLAG_CF | FLAG_1);
    ck_assert_uint_eq(cpu->seg[CS].selector, 8);
    ck_assert_uint_eq(cpu->seg[SS].selector, 0x10);
    ck_assert_uint_eq(cpu_cpl(cpu), 0);
    ck_assert(cpu->mode & MODE_CS64);
    fixture_free(fx);
}
END_TEST

START_TEST(syscall_needs_sce)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);

    fx->cpu->efer &= ~(uint64_t)EFER_SCE;
    ck_assert_int_eq(RUN(fx, 0x0f, 0x05), VECTOR_UD);
    ck_assert_int_eq(RUN(fx, 0x48, 0x0f, 0x07), VECTOR_UD);
    fixture_free(fx);
}
END_TEST

START_TEST(sysret_returns_to_64_bit_or_compatibility_mode)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    call_registers(cpu);
    cpu->gpr[RCX] = 0x00007f0000001000;
    cpu->gpr[R11] = ~0ull & ~(uint64_t)(FLAG_TF | FLAG_NT);
    ck_assert_int_eq(RUN(fx, 0x48, 0x0f, 0x07), -1);
    ck_assert_uint_eq(cpu->rip, 0x00007f0000001000);
    ck_assert_uint_eq(cpu->rflags, (0x3c7fd7 & ~(uint64_t)(FLAG_TF | FLAG_NT)) | FLAG_1);
    ck_assert_uint_eq(cpu->seg[CS].selector, 0x33);
    ck_assert_uint_eq(cpu->seg[SS].selector, 0x2b);
    ck_assert_uint_eq(cpu_cpl(cpu), 3);
    ck_assert(cpu->mode & MODE_CS64);

    fixture_reset(fx);
    call_registers(cpu);
    cpu->gpr[RCX] = 0x1234567880001000;
    ck_assert_int_eq(RUN(fx, 0x0f, 0x07), -1);
    ck_assert_uint_eq(cpu->rip, 0x80001000);
    ck_assert_uint_eq(cpu->seg[CS].selector, 0x23);
    ck_assert_uint_eq(cpu->mode & (MODE_CS64 | MODE_CS32), MODE_CS32);
    fixture_free(fx);
}
END_TEST

START_TEST(sysret_to_a_non_canonical_address_faults_at_level_0)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);

    fx->cpu->gpr[RCX] = 0x0000800000000000;
    ck_assert_int_eq(RUN(fx, 0x48, 0x0f, 0x07), VECTOR_GP);
    ck_assert_uint_eq(cpu_cpl(fx->cpu), 0);
    ck_assert_uint_eq(fx->cpu->rip, FIXTURE_CODE);
    fixture_set_cpl(fx, 3);
    fx->cpu->gpr[RCX] = 0;
    ck_assert_int_eq(RUN(fx, 0x48, 0x0f, 0x07), VECTOR_GP);
    fixture_free(fx);
}
END_TEST

START_TEST(compatibility_mode_calls_differ_by_vendor)
{
    Fixture *fx = fixture_new(FIXTURE_COMPAT);
    CpuModel *amd = cpu_model_new("EPYC", NULL), *intel = cpu_model_new("Haswell", NULL);
    Cpu *cpu = fx->cpu;

    call_registers(cpu);
    cpu->model = intel;
    fixture_set_cpl(fx, 3);
    ck_assert_int_eq(RUN(fx, 0x0f, 0x05), VECTOR_UD);
    ck_assert_int_eq(RUN(fx, 0x0f, 0x34), -1); /* sysenter */
    ck_assert_uint_eq(cpu->rip, 0xffffffff83000000);
    ck_assert_uint_eq(cpu->gpr[RSP], 0xfffffe0000003000);
    ck_assert_uint_eq(cpu->seg[CS].selector, 0x10);
    ck_assert_uint_eq(cpu->seg[SS].selector, 0x18);
    ck_assert(cpu->mode & MODE_CS64);
    ck_assert_uint_eq(cpu_cpl(cpu), 0);

    fixture_reset(fx);
    call_registers(cpu);
    cpu->model = amd;
    fixture_set_cpl(fx, 3);
    ck_assert_int_eq(RUN(fx, 0x0f, 0x34), VECTOR_UD);
    ck_assert_int_eq(RUN(fx, 0x0f, 0x05), -1);
    ck_assert_uint_eq(cpu->rip, 0xffffffff82000000);
    ck_assert_uint_eq(cpu->gpr[RCX], FIXTURE_CODE + 2);
    ck_assert(cpu->mode & MODE_CS64);
    cpu->model = NULL;
    fixture_free(fx);
    cpu_model_free(amd);
    cpu_model_free(intel);
}
END_TEST

START_TEST(sysenter_and_sysexit_work_in_protected_mode)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    Cpu *cpu = fx->cpu;

    cpu->sysenter_cs = 0x08;
    cpu->sysenter_esp = 0xd000;
    cpu->sysenter_eip = 0x5000;
    fixture_set_cpl(fx, 3);
    flags_write(cpu, FLAG_IF, FLAG_IF);
    ck_assert_int_eq(RUN(fx, 0x0f, 0x34), -1);
    ck_assert_uint_eq(cpu->rip, 0x5000);
    ck_assert_uint_eq(cpu->gpr[RSP], 0xd000);
    ck_assert_uint_eq(cpu_cpl(cpu), 0);
    ck_assert(!(cpu->rflags & FLAG_IF));
    ck_assert(cpu->mode & MODE_CS32);

    cpu->gpr[RCX] = 0xc000;
    cpu->gpr[RDX] = 0x4321;
    ck_assert_int_eq(RUN(fx, 0x0f, 0x35), -1);
    ck_assert_uint_eq(cpu->rip, 0x4321);
    ck_assert_uint_eq(cpu->gpr[RSP], 0xc000);
    ck_assert_uint_eq(cpu->seg[CS].selector, 0x1b);
    ck_assert_uint_eq(cpu->seg[SS].selector, 0x23);
    ck_assert_uint_eq(cpu_cpl(cpu), 3);
    fixture_free(fx);
}
END_TEST

START_TEST(sysexit_to_64_bit_mode_uses_the_later_selectors)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    call_registers(cpu);
    cpu->gpr[RCX] = 0x7fff00000000;
    cpu->gpr[RDX] = 0x7fff00001000;
    ck_assert_int_eq(RUN(fx, 0x48, 0x0f, 0x35), -1);
    ck_assert_uint_eq(cpu->seg[CS].selector, 0x33);
    ck_assert_uint_eq(cpu->seg[SS].selector, 0x3b);
    ck_assert_uint_eq(cpu->rip, 0x7fff00001000);
    ck_assert(cpu->mode & MODE_CS64);

    fixture_reset(fx);
    call_registers(cpu);
    cpu->gpr[RDX] = 1ull << 47;
    ck_assert_int_eq(RUN(fx, 0x48, 0x0f, 0x35), VECTOR_GP);
    fixture_free(fx);
}
END_TEST

/* ---- Ports ---- */

START_TEST(in_and_out_have_three_widths)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    Cpu *cpu = fx->cpu;

    fx->in_value = 0x89abcdef;
    cpu->gpr[RAX] = 0x11111111;
    cpu->gpr[RDX] = 0xffff03f8;
    ck_assert_int_eq(RUN(fx, 0xe4, 0x80), -1); /* in al,80 */
    ck_assert_uint_eq(cpu->gpr[RAX], 0x111111ef);
    ck_assert_int_eq(RUN(fx, 0x66, 0xed), -1); /* in ax,dx */
    ck_assert_uint_eq(cpu->gpr[RAX], 0x1111cdef);
    ck_assert_int_eq(RUN(fx, 0xed), -1); /* in eax,dx */
    ck_assert_uint_eq(cpu->gpr[RAX], 0x89abcdef);
    ck_assert_int_eq(RUN(fx, 0xe6, 0xf4), -1); /* out f4,al */
    ck_assert_uint_eq(fx->out_port, 0xf4);
    ck_assert_uint_eq(fx->out_width, 1);
    ck_assert_uint_eq(fx->out_value, 0xef);
    ck_assert_int_eq(RUN(fx, 0xef), -1); /* out dx,eax */
    ck_assert_uint_eq(fx->out_port, 0x3f8);
    ck_assert_uint_eq(fx->out_width, 4);
    ck_assert_uint_eq(fx->out_value, 0x89abcdef);
    fixture_free(fx);
}
END_TEST

typedef struct PermissionRow {
    const char *name;
    unsigned iopl;
    uint16_t port;
    unsigned width;
    bool allowed;
} PermissionRow;

static const PermissionRow permission_rows[] = {
    { "IOPL 3", 3, 0x70, 1, true },
    { "bit clear", 0, 0x20, 1, true },
    { "bit set", 0, 0x21, 1, false },
    { "all bits of a word clear", 0, 0x2e, 2, true },
    { "second bit of a word set", 0, 0x20, 2, false },
    { "across bytes of the map", 0, 0x27, 2, true },
    { "across bytes, last bit set", 0, 0x2d, 4, false },
    { "past the map", 0, 0xfff8, 1, false },
};

START_TEST(the_tss_bitmap_opens_single_ports)
{
    const PermissionRow *row = &permission_rows[_i];
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    Cpu *cpu = fx->cpu;
    unsigned map = 0x200;
    bool allowed;

    fixture_write(fx, FIXTURE_TSS + 0x66, 2, map);
    for (unsigned i = 0; i < 0x100; i++) {
        fixture_write(fx, FIXTURE_TSS + map + i, 1, 0);
    }
    fixture_write(fx, FIXTURE_TSS + map + 4, 1, 0x02); /* port 21 */
    fixture_write(fx, FIXTURE_TSS + map + 6, 1, 0x01); /* port 30 */
    cpu->seg[TR].limit = map + 0x100;
    fixture_set_cpl(fx, 3);
    flags_write(cpu, (uint64_t)row->iopl << FLAG_IOPL_SHIFT, FLAG_IOPL);
    allowed = port_allowed(cpu, row->port, row->width);
    ck_assert_msg(allowed == row->allowed, "%s", row->name);
    if (!allowed) {
        ck_assert_uint_eq(cpu->fault.vector, VECTOR_GP);
    }
    fixture_free(fx);
}
END_TEST

START_TEST(virtual_8086_mode_uses_the_bitmap_whatever_iopl_says)
{
    Fixture *fx = fixture_new(FIXTURE_VM86);

    fx->cpu->seg[TR].limit = 0x67;
    ck_assert(!port_allowed(fx->cpu, 0x80, 1));
    fixture_free(fx);
}
END_TEST

START_TEST(rep_insw_fills_memory)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    fx->in_value = 0x1234;
    cpu->gpr[RDI] = FIXTURE_DATA;
    cpu->gpr[RCX] = 256;
    cpu->gpr[RDX] = 0x1f0;
    ck_assert_int_eq(RUN(fx, 0xf3, 0x66, 0x6d), -1);
    ck_assert_uint_eq(cpu->gpr[RCX], 0);
    ck_assert_uint_eq(cpu->gpr[RDI], FIXTURE_DATA + 512);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 510, 2), 0x1234);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_DATA + 512, 2), 0);
    fixture_free(fx);
}
END_TEST

START_TEST(rep_insb_that_faults_keeps_what_it_did)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    fixture_set_page(fx, FIXTURE_DATA + 0x1000, 0);
    cpu->gpr[RDI] = FIXTURE_DATA + 0xffe;
    cpu->gpr[RCX] = 5;
    ck_assert_int_eq(RUN(fx, 0xf3, 0x6c), VECTOR_PF);
    ck_assert_uint_eq(cpu->gpr[RCX], 3);
    ck_assert_uint_eq(cpu->gpr[RDI], FIXTURE_DATA + 0x1000);
    ck_assert_uint_eq(cpu->rip, FIXTURE_CODE);
    ck_assert_uint_eq(cpu->fault.address, FIXTURE_DATA + 0x1000);
    fixture_free(fx);
}
END_TEST

START_TEST(outsb_goes_down_with_df_and_takes_a_segment_prefix)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    Cpu *cpu = fx->cpu;

    fixture_write(fx, FIXTURE_DATA + 0x10, 1, 0x5a);
    cpu->seg[FS] = cpu->seg[DS];
    cpu->seg[FS].base = 0x10;
    flags_write(cpu, FLAG_DF, FLAG_DF);
    cpu->gpr[RSI] = FIXTURE_DATA;
    cpu->gpr[RDX] = 0xe9;
    ck_assert_int_eq(RUN(fx, 0x64, 0x6e), -1); /* outs dx,byte fs:[esi] */
    ck_assert_uint_eq(fx->out_value, 0x5a);
    ck_assert_uint_eq(cpu->gpr[RSI], FIXTURE_DATA - 1);
    fixture_free(fx);
}
END_TEST

/* ---- Debug registers ---- */

START_TEST(debug_registers_keep_their_fixed_bits)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;
    Insn mov = { .n_operands = 2, .op = { { .kind = OPERAND_DR }, { .kind = OPERAND_GPR } } };

    mov.op[0].reg = 7;
    cpu->gpr[RAX] = 0xffffffff & ~(uint64_t)DR7_GD;
    ck_assert_int_eq(exec_mov_debug(cpu, &mov), STEP_NEXT);
    ck_assert_uint_eq(cpu->dr[7], 0xffff07ff);
    ck_assert(cpu->mode & MODE_DEBUG);
    mov.op[0].reg = 6;
    cpu->gpr[RAX] = 0;
    ck_assert_int_eq(exec_mov_debug(cpu, &mov), STEP_NEXT);
    ck_assert_uint_eq(cpu->dr[6], 0xffff0ff0);
    cpu->gpr[RAX] = 1ull << 32;
    ck_assert_int_eq(exec_mov_debug(cpu, &mov), STEP_FAULT);
    ck_assert_uint_eq(cpu->fault.vector, VECTOR_GP);
    mov.op[0].reg = 4; /* an alias of DR6 unless CR4.DE */
    cpu->gpr[RAX] = 1;
    ck_assert_int_eq(exec_mov_debug(cpu, &mov), STEP_NEXT);
    ck_assert_uint_eq(cpu->dr[6], 0xffff0ff1);
    cpu->cr4 |= CR4_DE;
    ck_assert_int_eq(exec_mov_debug(cpu, &mov), STEP_FAULT);
    ck_assert_uint_eq(cpu->fault.vector, VECTOR_UD);
    fixture_free(fx);
}
END_TEST

START_TEST(general_detect_faults_and_clears_itself)
{
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Insn mov = { .n_operands = 2, .op = { { .kind = OPERAND_GPR }, { .kind = OPERAND_DR } } };

    fx->cpu->dr[7] |= DR7_GD;
    ck_assert_int_eq(exec_mov_debug(fx->cpu, &mov), STEP_FAULT);
    ck_assert_uint_eq(fx->cpu->fault.vector, VECTOR_DB);
    ck_assert_uint_eq(fx->cpu->fault.dr6, DR6_BD);
    ck_assert_int_eq(exec_mov_debug(fx->cpu, &mov), STEP_NEXT);
    fixture_free(fx);
}
END_TEST

typedef struct WatchRow {
    const char *name;
    uint32_t dr7;     /* of breakpoint 0, enabled */
    uint64_t address; /* DR0 */
    uint64_t linear;
    unsigned width;
    Access access;
    bool hit;
} WatchRow;

enum { WATCH_W1 = 0x10001, WATCH_W4 = 0xd0001, WATCH_RW8 = 0xb0001, WATCH_RW2 = 0x70001 };

static const WatchRow watch_rows[] = {
    { "write to the byte", WATCH_W1, 0x6003, 0x6003, 1, ACCESS_WRITE, true },
    { "read of a write watch", WATCH_W1, 0x6003, 0x6003, 1, ACCESS_READ, false },
    { "wide write over it", WATCH_W1, 0x6003, 0x6000, 4, ACCESS_WRITE, true },
    { "write before it", WATCH_W1, 0x6003, 0x6002, 1, ACCESS_WRITE, false },
    { "write behind it", WATCH_W1, 0x6003, 0x6004, 4, ACCESS_WRITE, false },
    { "the address is aligned down", WATCH_W4, 0x6003, 0x6000, 1, ACCESS_WRITE, true },
    { "last byte", WATCH_W4, 0x6000, 0x6003, 1, ACCESS_WRITE, true },
    { "behind the last byte", WATCH_W4, 0x6000, 0x6004, 1, ACCESS_WRITE, false },
    { "eight bytes, read", WATCH_RW8, 0x6000, 0x6007, 1, ACCESS_READ, true },
    { "two bytes, crossing in", WATCH_RW2, 0x6004, 0x6001, 4, ACCESS_READ, true },
};

START_TEST(data_breakpoints_cover_their_range)
{
    const WatchRow *row = &watch_rows[_i];
    Fixture *fx = fixture_new(FIXTURE_LONG64);
    Cpu *cpu = fx->cpu;

    cpu->dr[0] = row->address;
    cpu->dr[7] = row->dr7 | DR7_FIXED;
    cpu_mode_update(cpu);
    debug_data_access(cpu, row->linear, row->width, row->access);
    ck_assert_msg((debug_data_take(cpu) == 1) == row->hit, "%s", row->name);
    ck_assert_uint_eq(debug_data_take(cpu), 0);
    fixture_free(fx);
}
END_TEST

START_TEST(an_io_breakpoint_traps_behind_the_instruction)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    Cpu *cpu = fx->cpu;
    static const uint8_t out[] = { 0xe6, 0x80 };

    cpu->dr[1] = 0x80;
    cpu->dr[7] = DR7_FIXED | 1u << 2 | 2u << 20;
    cpu->cr4 |= CR4_DE;
    cpu_mode_update(cpu);
    fixture_load(fx, out, sizeof(out));
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_DB);
    ck_assert_uint_eq(cpu->dr[6] & 0xf, 2);
    ck_assert_uint_eq(fx->outs, 1);
    fixture_free(fx);
}
END_TEST

START_TEST(an_instruction_breakpoint_faults_once)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    Cpu *cpu = fx->cpu;

    cpu->dr[2] = FIXTURE_CODE;
    cpu->dr[7] = DR7_FIXED | 1u << 5;
    ck_assert(debug_code_match(cpu, FIXTURE_CODE));
    ck_assert_uint_eq(cpu->fault.dr6, 4);
    ck_assert(!cpu->fault.trap);
    ck_assert(!debug_code_match(cpu, FIXTURE_CODE + 1));
    cpu->rflags |= FLAG_RF;
    ck_assert(!debug_code_match(cpu, FIXTURE_CODE));
    fixture_free(fx);
}
END_TEST

static const struct {
    uint8_t code[2], length;
} stepped[] = { { { 0x0f, 0x06 }, 2 }, { { 0xce }, 1 } }; /* clts; into without an overflow */

START_TEST(single_step_traps_behind_the_instruction)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);

    fixture_load(fx, stepped[_i].code, stepped[_i].length);
    flags_write(fx->cpu, FLAG_TF, FLAG_TF);
    ck_assert_int_eq(fixture_run_delivering(fx, 4), VECTOR_DB);
    ck_assert(fx->cpu->dr[6] & DR6_BS);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_STACK - 12, 4), FIXTURE_CODE + stepped[_i].length);
    fixture_free(fx);
}
END_TEST

/* ---- SMM ---- */

static void smm_round_trip(FixtureMode mode, const char *model_text)
{
    Fixture *fx = fixture_new(mode);
    CpuModel *model = cpu_model_new(model_text, NULL);
    Cpu *cpu = fx->cpu, *before = g_new(Cpu, 1);
    static const uint8_t rsm[] = { 0x0f, 0xaa };

    cpu->model = model;
    for (unsigned i = 0; i < 8; i++) {
        cpu->gpr[i] = 0x11111111u * (i + 1);
    }
    cpu->smbase = 0x200000;
    cpu->seg[FS].base = 0x1234;
    cpu->rip = 0x4567;
    *before = *cpu;
    smm_enter(cpu);
    ck_assert(cpu->smm);
    ck_assert_uint_eq(cpu->seg[CS].base + cpu->rip, 0x208000);
    ck_assert_uint_eq(cpu->mode & (MODE_PE | MODE_PG | MODE_LMA | MODE_CS32 | MODE_CS64), 0);
    ck_assert_uint_eq(cpu->seg[DS].limit, UINT32_MAX);
    for (unsigned i = 0; i < sizeof(rsm); i++) {
        fixture_write(fx, 0x208000 + i, 1, rsm[i]);
    }
    ck_assert(fixture_step(fx));
    ck_assert(!cpu->smm);
    ck_assert_uint_eq(cpu->rip, before->rip);
    ck_assert_uint_eq(cpu->rflags, before->rflags);
    ck_assert_uint_eq(cpu->mode, before->mode);
    ck_assert_uint_eq(cpu->efer, before->efer);
    ck_assert_uint_eq(cpu->cr0, before->cr0);
    ck_assert_uint_eq(cpu->cr3, before->cr3);
    ck_assert_uint_eq(cpu->cr4, before->cr4);
    ck_assert_int_eq(memcmp(cpu->gpr, before->gpr, sizeof(cpu->gpr)), 0);
    ck_assert_int_eq(memcmp(cpu->seg, before->seg, sizeof(cpu->seg)), 0);
    ck_assert_int_eq(memcmp(&cpu->gdtr, &before->gdtr, sizeof(cpu->gdtr)), 0);
    ck_assert_int_eq(memcmp(&cpu->idtr, &before->idtr, sizeof(cpu->idtr)), 0);
    cpu->model = NULL;
    g_free(before);
    fixture_free(fx);
    cpu_model_free(model);
}

START_TEST(rsm_restores_what_the_interrupt_saved)
{
    smm_round_trip(FIXTURE_LONG64, "Nehalem");
    smm_round_trip(FIXTURE_COMPAT, "Nehalem");
    smm_round_trip(FIXTURE_PAGING32, "Nehalem");
    smm_round_trip(FIXTURE_PAGING32, "pentium3");
    smm_round_trip(FIXTURE_PROTECTED16, "pentium3");
    smm_round_trip(FIXTURE_REAL, "pentium3");
}
END_TEST

START_TEST(the_handler_can_move_smbase_and_end_a_halt)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);
    CpuModel *model = cpu_model_new("qemu64", NULL);
    Cpu *cpu = fx->cpu;

    cpu->model = model;
    cpu->smbase = 0x200000;
    cpu->halted = true;
    smm_enter(cpu);
    ck_assert(!cpu->halted);
    ck_assert_uint_eq(fixture_read(fx, 0x20fefc, 4), 0x20064);
    ck_assert_uint_eq(fixture_read(fx, 0x20fec9, 1), 1);
    fixture_write(fx, 0x20ff00, 4, 0x300000);
    fixture_write(fx, 0x20fec9, 1, 0);
    fixture_write(fx, 0x208000, 2, 0xaa0f);
    ck_assert(fixture_step(fx));
    ck_assert_uint_eq(cpu->smbase, 0x300000);
    ck_assert(!cpu->halted);
    cpu->model = NULL;
    fixture_free(fx);
    cpu_model_free(model);
}
END_TEST

START_TEST(an_impossible_state_map_shuts_the_cpu_down)
{
    Fixture *fx = fixture_new(FIXTURE_PROTECTED32);

    fx->cpu->smbase = 0x200000;
    smm_enter(fx->cpu);
    fixture_write(fx, 0x20ff58, 8, CR0_PG); /* without PE */
    fixture_write(fx, 0x208000, 2, 0xaa0f);
    fixture_step(fx);
    ck_assert_uint_eq(fx->triple_faults, 1);
    fixture_free(fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("system calls, ports, debug, SMM");
    TCase *tc = tcase_create("rows");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, syscall_enters_level_0_with_masked_flags);
    tcase_add_test(tc, syscall_needs_sce);
    tcase_add_test(tc, sysret_returns_to_64_bit_or_compatibility_mode);
    tcase_add_test(tc, sysret_to_a_non_canonical_address_faults_at_level_0);
    tcase_add_test(tc, compatibility_mode_calls_differ_by_vendor);
    tcase_add_test(tc, sysenter_and_sysexit_work_in_protected_mode);
    tcase_add_test(tc, sysexit_to_64_bit_mode_uses_the_later_selectors);
    tcase_add_test(tc, in_and_out_have_three_widths);
    tcase_add_loop_test(tc, the_tss_bitmap_opens_single_ports, 0, G_N_ELEMENTS(permission_rows));
    tcase_add_test(tc, virtual_8086_mode_uses_the_bitmap_whatever_iopl_says);
    tcase_add_test(tc, rep_insw_fills_memory);
    tcase_add_test(tc, rep_insb_that_faults_keeps_what_it_did);
    tcase_add_test(tc, outsb_goes_down_with_df_and_takes_a_segment_prefix);
    tcase_add_test(tc, debug_registers_keep_their_fixed_bits);
    tcase_add_test(tc, general_detect_faults_and_clears_itself);
    tcase_add_loop_test(tc, data_breakpoints_cover_their_range, 0, G_N_ELEMENTS(watch_rows));
    tcase_add_test(tc, an_io_breakpoint_traps_behind_the_instruction);
    tcase_add_test(tc, an_instruction_breakpoint_faults_once);
    tcase_add_loop_test(tc, single_step_traps_behind_the_instruction, 0, G_N_ELEMENTS(stepped));
    tcase_add_test(tc, rsm_restores_what_the_interrupt_saved);
    tcase_add_test(tc, the_handler_can_move_smbase_and_end_a_halt);
    tcase_add_test(tc, an_impossible_state_map_shuts_the_cpu_down);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
