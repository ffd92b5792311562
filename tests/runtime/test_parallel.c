/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_parallel.c - several CPUs out of one translation cache at the same time: atomic operations,
 * code that another CPU changes, blocks that are dropped while others run. Each test runs with CPUs
 * that take turns, too. */
#include <check.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/engine/engine.h"
#include "runtime/machine/vcpu.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/software_cpu/software_cpu.h"

enum {
    CPUS = 4,
    RAM_SIZE = 8 << 20,
    CODE = 0x10000,    /* programs */
    STACKS = 0x20000,  /* and each a page further */
    DATA = 0x30000,    /* counters */
    FLAGS = 0x40000,   /* what CPUs tell each other */
    PATCHED = 0x50000, /* code that is changed */
    TABLE = 0x60000,   /* addresses of functions */
    POOL = 0x100000,   /* functions */
    FUNCTIONS = 8192,
    FUNCTION_SIZE = 64,
    PATIENCE = 100, /* s */
};

/* Flat 32-bit code; the CPU's number is in EBX, a count in ECX. */
#define PROGRAM(name, text)                                                                        \
    extern const uint8_t name[], name##_end[];                                                     \
    __asm__(".pushsection .rodata\n.code32\n.globl " #name "\n" #name ":\n" text "\n.globl " #name \
            "_end\n" #name "_end:\n.code64\n.popsection")

/* Within a line, across a line, across a page. */
PROGRAM(program_count, "1: lock incl 0x30000\n"
                       "   lock addl $3, 0x3003e\n"
                       "   lock incl 0x30ffe\n"
                       "   mov $1, %eax\n"
                       "   lock xaddl %eax, 0x30200\n"
                       "   dec %ecx\n"
                       "   jnz 1b\n"
                       "   hlt");

/* Writes the number that PATCHED is to return, tells the other CPU, waits for its answer. */
PROGRAM(program_patch, "   mov $1, %eax\n"
                       "1: mov %eax, 0x50001\n"
                       "   mov %eax, 0x40000\n"
                       "2: pause\n"
                       "   cmp %eax, 0x40040\n"
                       "   jne 2b\n"
                       "   inc %eax\n"
                       "   cmp %ecx, %eax\n"
                       "   jne 1b\n"
                       "   hlt");
/* Counts in 0x40080 how often it was not what the other CPU had written. */
PROGRAM(program_follow, "   xor %esi, %esi\n"
                        "1: pause\n"
                        "   mov 0x40000, %edx\n"
                        "   cmp %edx, %esi\n"
                        "   je 1b\n"
                        "   mov $0x50000, %edi\n"
                        "   call *%edi\n"
                        "   cmp %eax, %edx\n"
                        "   je 2f\n"
                        "   incl 0x40080\n"
                        "2: mov %edx, %esi\n"
                        "   mov %edx, 0x40040\n"
                        "   lea 1(%edx), %eax\n"
                        "   cmp %ecx, %eax\n"
                        "   jne 1b\n"
                        "   hlt");
PROGRAM(patched, "mov $0, %eax\n ret");

/* Calls functions of the pool in an order of its own and adds what they return to EBP; now and then
 * it writes beside a function. */
PROGRAM(program_churn, "   xor %ebp, %ebp\n"
                       "   lea 1(%ebx), %esi\n"
                       "1: imul $1664525, %esi, %esi\n"
                       "   add $1013904223, %esi\n"
                       "   mov %esi, %edi\n"
                       "   shr $19, %edi\n"
                       "   xor %eax, %eax\n"
                       "   call *0x60000(,%edi,4)\n"
                       "   add %eax, %ebp\n"
                       "   test $0x3f, %cl\n"
                       "   jne 2f\n"
                       "   mov 0x60000(,%edi,4), %edi\n"
                       "   mov %ebp, 60(%edi)\n"
                       "2: dec %ecx\n"
                       "   jnz 1b\n"
                       "   hlt");

/* Waits for each number in 0x40000 in MWAIT, counts the waits in ESI, answers. */
PROGRAM(program_mwait, "   mov $1, %edi\n"
                       "   xor %esi, %esi\n"
                       "   mov %ecx, %ebp\n"
                       "1: mov $0x40000, %eax\n"
                       "   xor %ecx, %ecx\n"
                       "   xor %edx, %edx\n"
                       "   monitor\n"
                       "   cmp %edi, 0x40000\n"
                       "   je 2f\n"
                       "   xor %eax, %eax\n"
                       "   mwait\n"
                       "   inc %esi\n"
                       "   jmp 1b\n"
                       "2: mov %edi, 0x40040\n"
                       "   inc %edi\n"
                       "   cmp %ebp, %edi\n"
                       "   jne 1b\n"
                       "   hlt");
/* Stores the numbers, some time after each answer. */
PROGRAM(program_wake, "   mov $1, %eax\n"
                      "1: mov $20000, %edx\n"
                      "2: dec %edx\n"
                      "   jnz 2b\n"
                      "   mov %eax, 0x40000\n"
                      "3: pause\n"
                      "   cmp %eax, 0x40040\n"
                      "   jne 3b\n"
                      "   inc %eax\n"
                      "   cmp %ecx, %eax\n"
                      "   jne 1b\n"
                      "   hlt");

/* Changes the number in a function of its own and calls it; counts in 0x40080 when it was another.
 */
PROGRAM(program_own, "   mov %ebx, %edi\n"
                     "   shl $12, %edi\n"
                     "   add $0x50000, %edi\n"
                     "1: mov %ecx, 1(%edi)\n"
                     "   call *%edi\n"
                     "   cmp %eax, %ecx\n"
                     "   je 2f\n"
                     "   lock incl 0x40080\n"
                     "2: dec %ecx\n"
                     "   jnz 1b\n"
                     "   hlt");

static PhysMap *map;
static CpuModel *model;
static Engine *engine;
static Vcpu *vcpu[CPUS];

static void no_interrupt(Cpu *cpu)
{
    (void)cpu;
    abort();
}

static void alone_begin(Cpu *cpu)
{
    engine_alone_begin(cpu);
}

static void alone_end(Cpu *cpu)
{
    engine_alone_end(cpu);
}

static const CpuBus bus = { .triple_fault = no_interrupt,
                            .alone_begin = alone_begin,
                            .alone_end = alone_end };

static void code_written(void *opaque, uint64_t ram_offset, uint64_t size)
{
    (void)opaque;
    engine_invalidate(engine, ram_offset, size);
}

typedef struct Way {
    bool parallel;
    const char *policy;
} Way;

static const Way ways[] = {
    { true, "flush" }, { true, "fifo" }, { true, "generational" }, { false, "generational" }
};

static void open_machine(const Way *way)
{
    const PhysMapOwner owner = { .code_written = code_written };
    const EngineOptions options = {
        .cpus = CPUS, .parallel = way->parallel, .policy = way->policy, .cache_size = 1 << 20
    };

    map = phys_map_new(RAM_SIZE, NULL);
    phys_map_add_ram(map, 0, 0, RAM_SIZE, 0);
    phys_map_set_owner(map, &owner, NULL);
    model = cpu_model_new("max,+monitor", NULL);
    engine = engine_new(map, &options, NULL);
    for (unsigned i = 0; i < CPUS; i++) {
        const VcpuConfig config = { .index = i, .model = model, .bus = &bus, .map = map };

        vcpu[i] = vcpu_new(&config, NULL);
        engine_attach(engine, vcpu_cpu(vcpu[i]));
    }
}

static void close_machine(void)
{
    for (unsigned i = 0; i < CPUS; i++) {
        vcpu_free(vcpu[i]);
    }
    engine_free(engine);
    cpu_model_free(model);
    phys_map_free(map);
}

/* Flat protected mode, at the program, which is at an address of the CPU's own or shared. */
static void cpu_prepare(unsigned i, uint32_t address, uint32_t count)
{
    enum { FLAT = ATTR_P | ATTR_S | ATTR_RW | ATTR_ACCESSED | ATTR_DB | ATTR_G };
    Cpu *cpu = vcpu_cpu(vcpu[i]);

    cpu->cr0 |= CR0_PE;
    for (SegmentName name = ES; name <= GS; name++) {
        cpu->seg[name] = (Segment){ .limit = UINT32_MAX, .selector = 16, .attr = FLAT };
    }
    cpu->seg[CS].attr |= ATTR_CODE;
    cpu->wait_sipi = false;
    cpu->rip = address;
    cpu->gpr[RBX] = i;
    cpu->gpr[RCX] = count;
    cpu->gpr[RSP] = STACKS + (i + 1) * PAGE_SIZE;
    software_cpu_loaded(cpu);
}

static void put(uint32_t address, const uint8_t *from, const uint8_t *end)
{
    phys_map_write(map, address, from, (uint64_t)(end - from));
}

static uint32_t word(uint32_t address)
{
    uint32_t value;

    phys_map_read(map, address, &value, sizeof(value));
    return value;
}

static void start(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        ck_assert(vcpu_start(vcpu[i], NULL));
        vcpu_resume(vcpu[i]);
    }
}

static void wait_until_halted(unsigned n)
{
    gint64 end = g_get_monotonic_time() + PATIENCE * G_TIME_SPAN_SECOND;

    for (unsigned i = 0; i < n; i++) {
        while (!__atomic_load_n(&vcpu_cpu(vcpu[i])->halted, __ATOMIC_SEQ_CST)) {
            ck_assert_msg(g_get_monotonic_time() < end, "CPU %u does not come to its end", i);
            g_usleep(1000);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        vcpu_pause(vcpu[i]);
        vcpu_pause_wait(vcpu[i]);
    }
}

static void run_until_halted(unsigned n)
{
    start(n);
    wait_until_halted(n);
}

START_TEST(locked_operations_are_atomic)
{
    enum { COUNT = 4000 };

    open_machine(&ways[_i]);
    put(CODE, program_count, program_count_end);
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_prepare(i, CODE, COUNT);
    }
    run_until_halted(CPUS);
    ck_assert_uint_eq(word(DATA), CPUS * COUNT);
    ck_assert_uint_eq(word(DATA + 0x3e), CPUS * COUNT * 3);
    ck_assert_uint_eq(word(DATA + 0xffe), CPUS * COUNT);
    ck_assert_uint_eq(word(DATA + 0x200), CPUS * COUNT);
    close_machine();
}
END_TEST

START_TEST(what_another_cpu_wrote_is_run)
{
    enum { COUNT = 1000 };

    open_machine(&ways[_i]);
    put(CODE, program_patch, program_patch_end);
    put(CODE + PAGE_SIZE, program_follow, program_follow_end);
    put(PATCHED, patched, patched_end);
    cpu_prepare(0, CODE, COUNT);
    cpu_prepare(1, CODE + PAGE_SIZE, COUNT);
    run_until_halted(2);
    ck_assert_uint_eq(word(FLAGS), COUNT - 1);
    ck_assert_uint_eq(word(FLAGS + 0x80), 0);
    close_machine();
}
END_TEST

static uint32_t function_value(uint32_t n)
{
    return n * 2654435761u >> 3;
}

static uint32_t churn_expected(uint32_t cpu, uint32_t count)
{
    uint32_t sum = 0, state = cpu + 1;

    for (uint32_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        sum += function_value(state >> 19);
    }
    return sum;
}

START_TEST(a_cache_that_is_full_serves_all)
{
    enum { COUNT = 20000 };

    open_machine(&ways[_i]);
    put(CODE, program_churn, program_churn_end);
    for (uint32_t n = 0; n < FUNCTIONS; n++) {
        uint32_t address = POOL + n * FUNCTION_SIZE, value = function_value(n);
        const uint8_t add = 0x05, ret = 0xc3; /* add eax, value; ret */

        phys_map_write(map, TABLE + n * 4, &address, 4);
        phys_map_write(map, address, &add, 1);
        phys_map_write(map, address + 1, &value, 4);
        phys_map_write(map, address + 5, &ret, 1);
    }
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_prepare(i, CODE, COUNT);
    }
    run_until_halted(CPUS);
    for (unsigned i = 0; i < CPUS; i++) {
        ck_assert_uint_eq((uint32_t)vcpu_cpu(vcpu[i])->gpr[RBP], churn_expected(i, COUNT));
    }
    ck_assert_uint_gt(engine_stats(engine)->evictions, 0);
    close_machine();
}
END_TEST

/* While one CPU drops what was written to, others write elsewhere. */
START_TEST(all_change_code_of_their_own)
{
    enum { COUNT = 1000 };

    open_machine(&ways[_i]);
    put(CODE, program_own, program_own_end);
    for (unsigned i = 0; i < CPUS; i++) {
        put(PATCHED + i * PAGE_SIZE, patched, patched_end);
        cpu_prepare(i, CODE, COUNT);
    }
    run_until_halted(CPUS);
    ck_assert_uint_eq(word(FLAGS + 0x80), 0);
    close_machine();
}
END_TEST

START_TEST(a_store_of_another_cpu_ends_mwait)
{
    enum { COUNT = 200, SPURIOUS = 10 };

    open_machine(&ways[_i]);
    put(CODE, program_wake, program_wake_end);
    put(CODE + PAGE_SIZE, program_mwait, program_mwait_end);
    cpu_prepare(0, CODE, COUNT);
    cpu_prepare(1, CODE + PAGE_SIZE, COUNT);
    start(2);
    for (unsigned i = 0; word(FLAGS + 0x40) != COUNT - 1 && i < PATIENCE * 1000; i++) {
        g_usleep(1000); /* MWAIT halts, too */
    }
    wait_until_halted(2);
    ck_assert_uint_eq(word(FLAGS + 0x40), COUNT - 1);
    /* it has not just gone round and round */
    ck_assert_uint_lt(vcpu_cpu(vcpu[1])->gpr[RSI], COUNT * SPURIOUS);
    close_machine();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parallel");
    TCase *tc = tcase_create("parallel");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 2 * PATIENCE);
    tcase_add_loop_test(tc, locked_operations_are_atomic, 0, G_N_ELEMENTS(ways));
    tcase_add_loop_test(tc, what_another_cpu_wrote_is_run, 0, G_N_ELEMENTS(ways));
    tcase_add_loop_test(tc, all_change_code_of_their_own, 0, G_N_ELEMENTS(ways));
    tcase_add_loop_test(tc, a_store_of_another_cpu_ends_mwait, 0, G_N_ELEMENTS(ways));
    tcase_add_loop_test(tc, a_cache_that_is_full_serves_all, 0, G_N_ELEMENTS(ways));
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
