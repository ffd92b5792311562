/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integer instructions against segment rights, page faults, alignment checks and MMIO: who faults,
 * with what, and that nothing has changed then. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "tests/isa/fixture.h"
#include "runtime/software_cpu/software_cpu_int.h"

enum {
    DATA = FIXTURE_DATA,
    PAGE1 = 0x7000, /* two pages in a row whose entries the tests change */
    PAGE2 = 0x8000,
    SELECTOR = FIXTURE_GDT_FREE,
    NOT_PRESENT = 0,
    READ_ONLY = 1 | 4,
    MMIO_AT = 0x400000,
};

static Fixture *fx;
static Cpu *cpu;

static void teardown(void)
{
    if (fx != NULL) {
        fixture_free(fx);
        fx = NULL;
    }
}

static void start(FixtureMode mode)
{
    fx = fixture_new(mode);
    cpu = fx->cpu;
}

#define LOAD(...)                                                                                  \
    fixture_load(fx, (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ }))

static void expect_fault(unsigned vector, uint32_t error)
{
    ck_assert_int_eq(fixture_run(fx, 100), FIXTURE_FAULT);
    ck_assert_uint_eq(cpu->fault.vector, vector);
    ck_assert_uint_eq(cpu->fault.error, error);
}

static void expect_page_fault(uint32_t error, uint64_t address)
{
    expect_fault(VECTOR_PF, error);
    ck_assert_uint_eq(cpu->fault.address, address);
}

static void expect_end(void)
{
    ck_assert_msg(fixture_run(fx, 100) == FIXTURE_HLT, "vector %u at %lx", cpu->fault.vector,
                  cpu->rip);
}

/* ---- Segment rights: mov eax, [ebx] or mov [ebx], eax through DS ---- */

typedef struct SegmentRow {
    const char *name;
    uint16_t attr;
    uint32_t limit, offset;
    bool write;
    bool faults;
} SegmentRow;

enum {
    DATA_RO = ATTR_P | ATTR_S,
    DATA_RW = ATTR_P | ATTR_S | ATTR_RW,
    DATA_DOWN = DATA_RW | ATTR_DC,
    CODE_X = ATTR_P | ATTR_S | ATTR_CODE,
    CODE_RX = CODE_X | ATTR_RW,
    CODE_CONFORMING = CODE_RX | ATTR_DC,
};

static const SegmentRow segment_rows[] = {
    { "a read at the limit", DATA_RW, 0x1003, 0x1000, false, false },
    { "a read across the limit", DATA_RW, 0x1002, 0x1000, false, true },
    { "a read far beyond the limit", DATA_RW, 0xfff, 0xfffffffe, false, true },
    { "a write to read-only data", DATA_RO, 0xffff, 0, true, true },
    { "a read of read-only data", DATA_RO, 0xffff, 0, false, false },
    { "a read of execute-only code", CODE_X, 0xffff, 0, false, true },
    { "a read of readable code", CODE_RX, 0xffff, 0, false, false },
    { "a write to code", CODE_RX, 0xffff, 0, true, true },
    { "a read of conforming code within the limit", CODE_CONFORMING, 0xffff, 0x10, false, false },
    { "expand down: at the limit", DATA_DOWN, 0xfff, 0xfff, false, true },
    { "expand down: above the limit", DATA_DOWN, 0xfff, 0x1000, true, false },
    { "expand down: 64 KiB is the top of a small one", DATA_DOWN, 0xfff, 0xfffd, true, true },
    { "expand down: 4 GiB is the top of a big one", DATA_DOWN | ATTR_DB, 0xfff, 0x10000, true,
      false },
    { "a null selector", 0, 0, 0, false, true },
};

START_TEST(segment_rights_hold)
{
    const SegmentRow *row = &segment_rows[_i];

    start(FIXTURE_PROTECTED32);
    cpu->seg[DS] = (Segment){ 0x200000, row->limit, SELECTOR, row->attr };
    cpu_mode_update(cpu);
    cpu->gpr[RBX] = row->offset;
    LOAD(row->write ? 0x89 : 0x8b, 0x03);
    ck_assert_msg((fixture_run(fx, 5) == FIXTURE_FAULT) == row->faults, "%s", row->name);
    if (row->faults) {
        ck_assert_uint_eq(cpu->fault.vector, VECTOR_GP);
        ck_assert_uint_eq(cpu->fault.error, 0);
    }
}
END_TEST

START_TEST(stack_limit_is_a_stack_fault)
{
    start(FIXTURE_PROTECTED32);
    cpu->seg[SS].limit = FIXTURE_STACK - 1;
    cpu_mode_update(cpu);
    LOAD(0x50);
    expect_end();
    fixture_reset(fx);
    cpu->seg[SS].limit = FIXTURE_STACK - 2;
    cpu_mode_update(cpu);
    LOAD(0x58);
    expect_fault(VECTOR_SS, 0);
    ck_assert_uint_eq(cpu->gpr[RSP], FIXTURE_STACK);
}
END_TEST

START_TEST(segment_base_is_added_and_wraps_at_4_gib)
{
    start(FIXTURE_PROTECTED32);
    cpu->seg[FS].base = 0xfffff000;
    cpu_mode_update(cpu);
    cpu->gpr[RBX] = DATA + 0x1000;
    fixture_write(fx, DATA, 4, 0x11223344);
    LOAD(0x64, 0x8b, 0x03);
    expect_end();
    ck_assert_uint_eq(cpu->gpr[RAX], 0x11223344);
}
END_TEST

START_TEST(only_fs_and_gs_have_bases_in_64_bit_mode)
{
    start(FIXTURE_LONG64);
    cpu->seg[DS].base = 0x100;
    cpu->seg[GS].base = UINT64_MAX - 0xfff;
    fixture_write(fx, DATA, 8, 0x1234);
    cpu->gpr[RBX] = DATA + 0x1000;
    cpu->gpr[RSI] = DATA;
    LOAD(0x65, 0x48, 0x8b, 0x03, 0x48, 0x8b, 0x0e);
    expect_end();
    ck_assert_uint_eq(cpu->gpr[RAX], 0x1234);
    ck_assert_uint_eq(cpu->gpr[RCX], 0x1234);
}
END_TEST

START_TEST(unaligned_access_traps_at_cpl_3_with_ac)
{
    start(FIXTURE_LONG64);
    fixture_set_cpl(fx, 3);
    cpu->cr0 |= CR0_AM;
    cpu->rflags |= FLAG_AC;
    cpu_mode_update(cpu);
    cpu->gpr[RBX] = DATA + 2;
    LOAD(0x66, 0x8b, 0x03, 0x8a, 0x4b, 0x01, 0x8b, 0x03);
    expect_fault(VECTOR_AC, 0);
    ck_assert_uint_eq(cpu->rip, FIXTURE_CODE + 6);
    LOAD(0xc8, 0x04, 0x00, 0x00); /* enter 4, 0: the new top */
    expect_fault(VECTOR_AC, 0);
    ck_assert_uint_eq(cpu->gpr[RSP], FIXTURE_STACK);
}
END_TEST

/* ---- Page faults ---- */

START_TEST(rmw_of_a_read_only_page_faults_as_a_write)
{
    start(FIXTURE_LONG64);
    fixture_set_page(fx, PAGE1, READ_ONLY);
    cpu->gpr[RBX] = PAGE1 + 8;
    cpu->rflags |= FLAG_CF;
    LOAD(0x48, 0x11, 0x0b); /* adc [rbx], rcx */
    expect_page_fault(3, PAGE1 + 8);
    ck_assert_uint_eq(cpu->rflags & FLAGS_ARITH, FLAG_CF);
}
END_TEST

START_TEST(failed_cmpxchg_wants_a_writable_page)
{
    start(FIXTURE_LONG64);
    fixture_set_page(fx, PAGE1, READ_ONLY);
    fixture_write(fx, PAGE1, 4, 7);
    cpu->gpr[RBX] = PAGE1;
    LOAD(0x0f, 0xb1, 0x0b);
    expect_page_fault(3, PAGE1);
    ck_assert_uint_eq(cpu->gpr[RAX], 0);
}
END_TEST

START_TEST(store_across_pages_is_all_or_nothing)
{
    start(FIXTURE_LONG64);
    fixture_set_page(fx, PAGE2, NOT_PRESENT);
    cpu->gpr[RBX] = PAGE2 - 3;
    cpu->gpr[RAX] = UINT64_MAX;
    LOAD(0x48, 0x89, 0x03);
    expect_page_fault(2, PAGE2);
    ck_assert_uint_eq(fixture_read(fx, PAGE2 - 8, 8), 0);
}
END_TEST

START_TEST(locked_add_across_pages)
{
    start(FIXTURE_LONG64);
    fixture_write(fx, PAGE2 - 3, 8, 0xffffffff);
    cpu->gpr[RBX] = PAGE2 - 3;
    cpu->gpr[RAX] = 1;
    LOAD(0xf0, 0x48, 0x01, 0x03);
    expect_end();
    ck_assert_uint_eq(fixture_read(fx, PAGE2 - 3, 8), 0x100000000);
}
END_TEST

START_TEST(faulting_pusha_writes_nothing)
{
    start(FIXTURE_PAGING32);
    fixture_set_page(fx, PAGE1, NOT_PRESENT);
    cpu->gpr[RSP] = PAGE2 + 8;
    cpu->gpr[RAX] = UINT32_MAX;
    LOAD(0x60);
    expect_page_fault(2, PAGE2 - 4);
    ck_assert_uint_eq(cpu->gpr[RSP], PAGE2 + 8);
    ck_assert_uint_eq(fixture_read(fx, PAGE2, 8), 0);
}
END_TEST

START_TEST(faulting_pop_to_memory_keeps_the_stack_pointer)
{
    start(FIXTURE_LONG64);
    fixture_set_page(fx, PAGE1, READ_ONLY);
    cpu->gpr[RBX] = PAGE1;
    LOAD(0x8f, 0x03);
    expect_page_fault(3, PAGE1);
    ck_assert_uint_eq(cpu->gpr[RSP], FIXTURE_STACK);
}
END_TEST

START_TEST(faulting_call_does_not_jump)
{
    start(FIXTURE_LONG64);
    fixture_set_page(fx, PAGE1, NOT_PRESENT);
    cpu->gpr[RSP] = PAGE2;
    LOAD(0xe8, 0x10, 0, 0, 0);
    expect_page_fault(2, PAGE2 - 8);
    ck_assert_uint_eq(cpu->rip, FIXTURE_CODE);
    ck_assert_uint_eq(cpu->gpr[RSP], PAGE2);
}
END_TEST

START_TEST(enter_needs_a_writable_new_top)
{
    start(FIXTURE_LONG64);
    fixture_set_page(fx, PAGE1, READ_ONLY);
    cpu->gpr[RSP] = PAGE2 + 0x800;
    cpu->gpr[RBP] = 0x77;
    LOAD(0xc8, 0x00, 0x09, 0x00);
    expect_page_fault(3, PAGE2 + 0x800 - 8 - 0x900);
    ck_assert_uint_eq(cpu->gpr[RSP], PAGE2 + 0x800);
    ck_assert_uint_eq(cpu->gpr[RBP], 0x77);
}
END_TEST

START_TEST(clflush_checks_its_address)
{
    start(FIXTURE_LONG64);
    fixture_set_page(fx, PAGE1, NOT_PRESENT);
    cpu->gpr[RBX] = PAGE1 + 9;
    LOAD(0x0f, 0xae, 0x3b);
    expect_page_fault(0, PAGE1 + 9);
}
END_TEST

/* ---- Strings over pages ---- */

START_TEST(rep_movs_stops_at_a_fault_with_registers_advanced)
{
    start(FIXTURE_LONG64);
    fixture_set_page(fx, PAGE2, NOT_PRESENT);
    memset(fx->ram + DATA, 0x5a, 64);
    cpu->gpr[RSI] = DATA;
    cpu->gpr[RDI] = PAGE2 - 16;
    cpu->gpr[RCX] = 8;
    LOAD(0xf3, 0x48, 0xa5);
    expect_page_fault(2, PAGE2);
    ck_assert_uint_eq(cpu->gpr[RCX], 6);
    ck_assert_uint_eq(cpu->gpr[RSI], DATA + 16);
    ck_assert_uint_eq(cpu->gpr[RDI], PAGE2);
    ck_assert_uint_eq(cpu->rip, FIXTURE_CODE);
    fixture_set_page(fx, PAGE2, 7);
    expect_end();
    ck_assert_uint_eq(cpu->gpr[RCX], 0);
    ck_assert_uint_eq(fixture_read(fx, PAGE2 + 40, 8), 0x5a5a5a5a5a5a5a5a);
    ck_assert_uint_eq(fixture_read(fx, PAGE2 + 48, 8), 0);
}
END_TEST

START_TEST(rep_stos_downwards_faults_at_the_element)
{
    start(FIXTURE_LONG64);
    fixture_set_page(fx, PAGE1, NOT_PRESENT);
    cpu->gpr[RDI] = PAGE2 + 4;
    cpu->gpr[RCX] = 100;
    cpu->gpr[RAX] = 0x01020304;
    cpu->rflags |= FLAG_DF;
    LOAD(0xf3, 0xab);
    expect_page_fault(2, PAGE2 - 4);
    ck_assert_uint_eq(cpu->gpr[RCX], 98);
    ck_assert_uint_eq(fixture_read(fx, PAGE2, 8), 0x0102030401020304);
}
END_TEST

/* Many pages, unaligned on both sides, so that elements cross pages: as memmove. */
START_TEST(long_copies_of_every_width_and_direction)
{
    enum { FROM = 0x200123, TO = 0x20a455, BYTES = 0x5008 };
    unsigned width = 1u << (_i & 3);
    bool down = _i & 4;
    uint8_t code[] = { 0xf3, width == 2 ? 0x66 : 0x90, width == 8 ? 0x48 : 0x40,
                       width == 1 ? 0xa4 : 0xa5 };

    if (code[1] == 0x90) {
        code[1] = 0xf3;
    }
    start(FIXTURE_LONG64);
    for (unsigned i = 0; i < BYTES; i++) {
        fx->ram[FROM + i] = (uint8_t)(i * 7 + i / 251);
    }
    cpu->gpr[RSI] = FROM + (down ? BYTES - width : 0);
    cpu->gpr[RDI] = TO + (down ? BYTES - width : 0);
    cpu->gpr[RCX] = BYTES / width;
    cpu->rflags |= down ? FLAG_DF : 0;
    fixture_load(fx, code, sizeof(code));
    expect_end();
    ck_assert_uint_eq(cpu->gpr[RCX], 0);
    ck_assert_uint_eq(cpu->gpr[RSI], down ? FROM - width : FROM + BYTES);
    ck_assert_int_eq(memcmp(fx->ram + FROM, fx->ram + TO, BYTES), 0);
    ck_assert_uint_eq(fx->ram[TO - 1], 0);
    ck_assert_uint_eq(fx->ram[TO + BYTES], 0);
}
END_TEST

START_TEST(long_scan_stops_in_a_later_page)
{
    start(FIXTURE_LONG64);
    fx->ram[0x203777] = 0xee;
    cpu->gpr[RDI] = 0x200001;
    cpu->gpr[RCX] = UINT64_MAX;
    cpu->gpr[RAX] = 0xee;
    LOAD(0xf2, 0xae);
    expect_end();
    ck_assert_uint_eq(cpu->gpr[RDI], 0x203778);
    ck_assert_uint_eq(cpu->gpr[RCX], UINT64_MAX - 0x3777);
}
END_TEST

START_TEST(rep_stops_for_interrupts_and_goes_on)
{
    const Insn *insn;

    start(FIXTURE_LONG64);
    cpu->gpr[RDI] = 0x200000;
    cpu->gpr[RCX] = 0x100000;
    LOAD(0xf3, 0xaa);
    insn = software_cpu_fetch(cpu);
    ck_assert_int_eq(software_cpu_exec(cpu, insn), STEP_AGAIN);
    ck_assert_uint_eq(cpu->rip, FIXTURE_CODE);
    ck_assert_uint_gt(cpu->gpr[RCX], 0);
    ck_assert_uint_lt(cpu->gpr[RCX], 0x100000);
    ck_assert_uint_eq(cpu->gpr[RCX] + cpu->gpr[RDI], 0x300000);
    expect_end();
    ck_assert_uint_eq(cpu->gpr[RDI], 0x300000);
}
END_TEST

START_TEST(single_step_sees_every_iteration)
{
    start(FIXTURE_LONG64);
    cpu->gpr[RDI] = DATA;
    cpu->gpr[RCX] = 3;
    cpu->rflags |= FLAG_TF;
    cpu_mode_update(cpu);
    LOAD(0xf3, 0xaa);
    software_cpu_exec(cpu, software_cpu_fetch(cpu));
    ck_assert_uint_eq(cpu->gpr[RCX], 2);
}
END_TEST

/* ---- MMIO ---- */

static struct {
    unsigned reads, writes;
    uint8_t bytes[4096];
} device;

static uint64_t device_read(void *opaque, uint64_t offset, unsigned width)
{
    uint64_t value = 0;

    (void)opaque;
    device.reads++;
    memcpy(&value, device.bytes + offset, width);
    return value;
}

static void device_write(void *opaque, uint64_t offset, unsigned width, uint64_t value)
{
    (void)opaque;
    device.writes++;
    memcpy(device.bytes + offset, &value, width);
}

static void device_start(FixtureMode mode)
{
    static const MmioOps ops = { .read = device_read, .write = device_write };

    start(mode);
    memset(&device, 0, sizeof(device));
    phys_map_add_mmio(fx->map, MMIO_AT, 0x1000, &ops, NULL, 1);
    mmu_flush_all(cpu);
}

START_TEST(rmw_on_a_device_reads_once_and_writes_once)
{
    device_start(FIXTURE_PROTECTED32);
    device.bytes[4] = 0x41;
    cpu->gpr[RBX] = MMIO_AT + 4;
    LOAD(0x80, 0x0b, 0x06); /* or byte [ebx], 6 */
    expect_end();
    ck_assert_uint_eq(device.bytes[4], 0x47);
    ck_assert_uint_eq(device.reads, 1);
    ck_assert_uint_eq(device.writes, 1);
}
END_TEST

START_TEST(strings_to_a_device_go_element_by_element)
{
    device_start(FIXTURE_PROTECTED32);
    memset(fx->ram + DATA, 0x33, 64);
    cpu->gpr[RSI] = DATA;
    cpu->gpr[RDI] = MMIO_AT;
    cpu->gpr[RCX] = 16;
    LOAD(0xf3, 0xa5);
    expect_end();
    ck_assert_uint_eq(device.writes, 16);
    ck_assert_uint_eq(device.bytes[63], 0x33);
    ck_assert_uint_eq(device.bytes[64], 0);
}
END_TEST

START_TEST(locked_exchange_on_a_device)
{
    device_start(FIXTURE_PROTECTED32);
    device.bytes[0] = 0x12;
    cpu->gpr[RBX] = MMIO_AT;
    cpu->gpr[RAX] = 0x99;
    LOAD(0x87, 0x03);
    expect_end();
    ck_assert_uint_eq(cpu->gpr[RAX], 0x12);
    ck_assert_uint_eq(device.bytes[0], 0x99);
}
END_TEST

/* ---- Flags on the stack, nesting, shadow ---- */

START_TEST(popf_at_cpl_3_changes_neither_if_nor_iopl)
{
    start(FIXTURE_LONG64);
    fixture_set_cpl(fx, 3);
    cpu->rflags |= FLAG_IF;
    cpu_mode_update(cpu);
    fixture_write(fx, FIXTURE_STACK, 8, FLAG_IOPL | FLAG_ID | FLAG_CF | FLAG_RF | FLAG_VIF);
    LOAD(0x9d);
    expect_end();
    ck_assert_uint_eq(cpu->rflags, FLAG_1 | FLAG_IF | FLAG_ID | FLAG_CF);
}
END_TEST

START_TEST(word_popf_leaves_the_upper_half)
{
    start(FIXTURE_PROTECTED32);
    cpu->rflags |= FLAG_AC;
    cpu_mode_update(cpu);
    fixture_write(fx, FIXTURE_STACK, 4, FLAG_IOPL | FLAG_ID << 0);
    LOAD(0x66, 0x9d);
    expect_end();
    ck_assert_uint_eq(cpu->rflags, FLAG_1 | FLAG_IOPL | FLAG_AC);
}
END_TEST

static void start_vm86_iopl0(bool vme)
{
    start(FIXTURE_VM86);
    cpu->rflags &= ~(uint64_t)FLAG_IOPL;
    cpu->cr4 |= vme ? CR4_VME : 0;
    cpu_mode_update(cpu);
}

START_TEST(pushf_in_vm86_below_iopl_3_is_refused)
{
    start_vm86_iopl0(false);
    LOAD(0x9c);
    expect_fault(VECTOR_GP, 0);
}
END_TEST

START_TEST(vme_shows_the_virtual_interrupt_flag)
{
    start_vm86_iopl0(true);
    cpu->rflags |= FLAG_VIF;
    LOAD(0x9c);
    expect_end();
    ck_assert_uint_eq(fixture_read(fx, cpu->gpr[RSP], 2), FLAG_1 | FLAG_IF | FLAG_IOPL);
}
END_TEST

START_TEST(vme_popf_writes_the_virtual_interrupt_flag)
{
    start_vm86_iopl0(true);
    fixture_write(fx, FIXTURE_STACK, 2, FLAG_IF | FLAG_CF);
    LOAD(0x9d);
    expect_end();
    ck_assert_uint_eq(cpu->rflags, FLAG_1 | FLAG_VM | FLAG_VIF | FLAG_CF);
}
END_TEST

START_TEST(vme_popf_with_an_interrupt_pending_is_refused)
{
    start_vm86_iopl0(true);
    cpu->rflags |= FLAG_VIP;
    fixture_write(fx, FIXTURE_STACK, 2, FLAG_IF);
    LOAD(0x9d);
    expect_fault(VECTOR_GP, 0);
    ck_assert_uint_eq(cpu->gpr[RSP], FIXTURE_STACK);
}
END_TEST

START_TEST(enter_copies_the_display)
{
    start(FIXTURE_PROTECTED32);
    cpu->gpr[RBP] = DATA + 0x20;
    fixture_write(fx, DATA + 0x1c, 4, 0x1111);
    fixture_write(fx, DATA + 0x18, 4, 0x2222);
    LOAD(0xc8, 0x08, 0x00, 0x03);
    expect_end();
    ck_assert_uint_eq(cpu->gpr[RBP], FIXTURE_STACK - 4);
    ck_assert_uint_eq(cpu->gpr[RSP], FIXTURE_STACK - 16 - 8);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_STACK - 4, 4), DATA + 0x20);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_STACK - 8, 4), 0x1111);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_STACK - 12, 4), 0x2222);
    ck_assert_uint_eq(fixture_read(fx, FIXTURE_STACK - 16, 4), FIXTURE_STACK - 4);
}
END_TEST

START_TEST(pop_ss_holds_interrupts_off)
{
    start(FIXTURE_PROTECTED32);
    fixture_write(fx, FIXTURE_STACK, 4, FIXTURE_DATA32);
    LOAD(0x17);
    software_cpu_exec(cpu, software_cpu_fetch(cpu));
    ck_assert_uint_eq(cpu->shadow, SHADOW_MOV_SS);
    ck_assert_uint_eq(cpu->gpr[RSP], FIXTURE_STACK + 4);
}
END_TEST

START_TEST(sp_wraps_in_a_16_bit_stack)
{
    start(FIXTURE_REAL);
    cpu->gpr[RSP] = 0x12340000;
    cpu->gpr[RAX] = 0xbeef;
    LOAD(0x50);
    expect_end();
    ck_assert_uint_eq(cpu->gpr[RSP], 0x1234fffe);
    ck_assert_uint_eq(fixture_read(fx, 0xfffe, 2), 0xbeef);
}
END_TEST

START_TEST(push_at_sp_1_is_a_stack_fault_in_real_mode)
{
    start(FIXTURE_REAL);
    cpu->gpr[RSP] = 1;
    LOAD(0x50);
    expect_fault(VECTOR_SS, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("integer instructions and memory");
    TCase *tc = tcase_create("memory");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_loop_test(tc, segment_rights_hold, 0, sizeof(segment_rows) / sizeof(SegmentRow));
    tcase_add_test(tc, stack_limit_is_a_stack_fault);
    tcase_add_test(tc, segment_base_is_added_and_wraps_at_4_gib);
    tcase_add_test(tc, only_fs_and_gs_have_bases_in_64_bit_mode);
    tcase_add_test(tc, unaligned_access_traps_at_cpl_3_with_ac);
    tcase_add_test(tc, rmw_of_a_read_only_page_faults_as_a_write);
    tcase_add_test(tc, failed_cmpxchg_wants_a_writable_page);
    tcase_add_test(tc, store_across_pages_is_all_or_nothing);
    tcase_add_test(tc, locked_add_across_pages);
    tcase_add_test(tc, faulting_pusha_writes_nothing);
    tcase_add_test(tc, faulting_pop_to_memory_keeps_the_stack_pointer);
    tcase_add_test(tc, faulting_call_does_not_jump);
    tcase_add_test(tc, enter_needs_a_writable_new_top);
    tcase_add_test(tc, clflush_checks_its_address);
    tcase_add_test(tc, rep_movs_stops_at_a_fault_with_registers_advanced);
    tcase_add_test(tc, rep_stos_downwards_faults_at_the_element);
    tcase_add_loop_test(tc, long_copies_of_every_width_and_direction, 0, 8);
    tcase_add_test(tc, long_scan_stops_in_a_later_page);
    tcase_add_test(tc, rep_stops_for_interrupts_and_goes_on);
    tcase_add_test(tc, single_step_sees_every_iteration);
    tcase_add_test(tc, rmw_on_a_device_reads_once_and_writes_once);
    tcase_add_test(tc, strings_to_a_device_go_element_by_element);
    tcase_add_test(tc, locked_exchange_on_a_device);
    tcase_add_test(tc, popf_at_cpl_3_changes_neither_if_nor_iopl);
    tcase_add_test(tc, word_popf_leaves_the_upper_half);
    tcase_add_test(tc, pushf_in_vm86_below_iopl_3_is_refused);
    tcase_add_test(tc, vme_shows_the_virtual_interrupt_flag);
    tcase_add_test(tc, vme_popf_writes_the_virtual_interrupt_flag);
    tcase_add_test(tc, vme_popf_with_an_interrupt_pending_is_refused);
    tcase_add_test(tc, enter_copies_the_display);
    tcase_add_test(tc, pop_ss_holds_interrupts_off);
    tcase_add_test(tc, sp_wraps_in_a_16_bit_stack);
    tcase_add_test(tc, push_at_sp_1_is_a_stack_fault_in_real_mode);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
