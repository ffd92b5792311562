/* SPDX-License-Identifier: GPL-2.0-or-later */
/* micro.c - a multiboot kernel that measures, in cycles of the time stamp counter, what virtual
 * machine monitors are judged by.  It prints the lines of kernels/plan.c on COM1 and leaves by
 * isa-debug-exit.
 *
 * Words on its command line: runs=N; only=NAME[,NAME]; mips (an integer loop of known length
 * instead). */
#include "loops.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct Gate {
    uint16_t offset_low, selector, bits, offset_mid;
#ifdef __x86_64__
    uint32_t offset_high, zero;
#endif
} Gate;

typedef struct __attribute__((packed)) Pointer {
    uint16_t limit;
    uintptr_t base;
} Pointer;

typedef struct Multiboot {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
} Multiboot;

enum { COM1 = 0x3f8, EXIT_PORT = 0xf4, MSR_SYSENTER_CS = 0x174, ENOUGH = 20000000 };

static const uintptr_t TEST_PAGE = 0x40000000; /* through pages_4k */

extern char entry_divide[], entry_page[], entry_empty[], entry_leave[], entry_syscall[], entries[];
extern uintptr_t pages_root[], pages_4k[];
extern uint64_t gdt[];
extern uint8_t tss[];

void main(const Multiboot *info);
void unexpected_stop(unsigned long vector, unsigned long a, unsigned long b);
void user_call(void (*function)(void), void *stack);

static void port_out(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t port_in(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void text_put(const char *text)
{
    for (; *text; text++) {
        while (!(port_in(COM1 + 5) & 0x20)) {
        }
        port_out(COM1, (uint8_t)*text);
    }
}

static void number_put(uint64_t value)
{
    char digits[24], *at = digits + sizeof digits;

    *--at = 0;
    do { /* by hand: no 64-bit division in a 32-bit kernel without libgcc */
        uint64_t tenth = 0, rest = 0;

        for (int bit = 63; bit >= 0; bit--) {
            rest = rest << 1 | (value >> bit & 1);
            tenth <<= 1;
            if (rest >= 10) {
                rest -= 10;
                tenth |= 1;
            }
        }
        *--at = (char)('0' + rest);
        value = tenth;
    } while (value);
    text_put(at);
}

static void line_put(const char *word, const char *name, uint64_t a, uint64_t b, const char *end)
{
    text_put("@bench ");
    text_put(word);
    text_put(" ");
    text_put(name);
    text_put(" ");
    number_put(a);
    text_put(" ");
    number_put(b);
    text_put(end);
}

static void machine_leave(uint8_t status)
{
    port_out(EXIT_PORT, status);
    for (;;) {
        __asm__ volatile("cli\n\thlt");
    }
}

void unexpected_stop(unsigned long vector, unsigned long a, unsigned long b)
{
    line_put("panic", "vector", vector, a, " ");
    number_put(b);
    text_put("\n");
    machine_leave(1);
}

static void msr_write(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* The tests. */

static uint8_t user_stack[4096] __attribute__((aligned(16)));
static uint32_t user_count;
static uint64_t user_cycles;

static void user_leave(void)
{
    __asm__ volatile("int $0x81");
}

static void user_syscalls(void)
{
    user_cycles = LOOP(user_count,
#ifdef __x86_64__
                       __asm__ volatile("syscall"
                                        :
                                        :
                                        : "rcx", "r11", "memory")
#else
                       __asm__ volatile("mov %%esp, %%ecx\n\tmov $1f, %%edx\n\tsysenter\n1:"
                                        :
                                        :
                                        : "ecx", "edx", "memory")
#endif
    );
    user_leave();
}

static void user_interrupts(void)
{
    user_cycles = LOOP(user_count, __asm__ volatile("int $0x80" : : : "memory"));
    user_leave();
}

static uint64_t user_run(void (*function)(void), uint32_t n)
{
    user_count = n;
    user_call(function, user_stack + sizeof user_stack - 64);
    return user_cycles;
}

static uint64_t syscall_cycles(uint32_t n)
{
    return user_run(user_syscalls, n);
}

static uint64_t user_interrupt_cycles(uint32_t n)
{
    return user_run(user_interrupts, n);
}

static uint64_t interrupt_cycles(uint32_t n)
{
    return LOOP(n, __asm__ volatile("int $0x80" : : : "memory"));
}

static uint64_t in_cycles(uint32_t n)
{
    return LOOP(n, port_in(0x21)); /* the first 8259's mask */
}

static uint64_t out_cycles(uint32_t n)
{
    return LOOP(n, port_out(0x80, 0));
}

static uint64_t cr3_cycles(uint32_t n)
{
    return LOOP(n, __asm__ volatile("mov %0, %%cr3" : : "r"(pages_root) : "memory"));
}

/* With the misses that it causes: eight pages are read after each. */
static uint64_t cr3_refill_cycles(uint32_t n)
{
    const volatile uint8_t *at = (const volatile uint8_t *)0x200000;

    return LOOP(n, {
        __asm__ volatile("mov %0, %%cr3" : : "r"(pages_root) : "memory");
        for (int i = 0; i < 8; i++) {
            (void)at[i * 4096];
        }
    });
}

static uint64_t invlpg_cycles(uint32_t n)
{
    volatile uint8_t *at = (volatile uint8_t *)TEST_PAGE;

    return LOOP(n, {
        __asm__ volatile("invlpg %0" : : "m"(*at) : "memory");
        (void)*at;
    });
}

/* A read of a page that is not there; the handler steps over it.  The instruction is two bytes
 * long. */
static uint64_t page_fault_cycles(uint32_t n)
{
    uintptr_t at = TEST_PAGE + 4096;

    return LOOP(n, __asm__ volatile(".byte 0x8a, 0x01" : : "c"(at) : "eax", "memory"));
}

static uint64_t divide_cycles(uint32_t n)
{
    return LOOP(n, __asm__ volatile("div %%ecx" : : "a"(1), "d"(0), "c"(0) : "cc", "memory"));
}

static uint64_t table_store_cycles(uint32_t n)
{
    volatile uintptr_t *entry = &pages_4k[5];

    return LOOP(n, *entry = (uintptr_t)(left & 7) << 9 | 0x300063); /* the bits for software */
}

/* Map, use, unmap: what an operating system does for a page. */
static uint64_t map_cycles(uint32_t n)
{
    volatile uintptr_t *entry = &pages_4k[6];
    volatile uint8_t *at = (volatile uint8_t *)TEST_PAGE + 6 * 4096;

    return LOOP(n, {
        *entry = 0x301007;
        (*at)++;
        *entry = 0;
        __asm__ volatile("invlpg %0" : : "m"(*at) : "memory");
    });
}

static uint64_t interrupts_flag_cycles(uint32_t n)
{
    port_out(0x21, 0xff);
    port_out(0xa1, 0xff);
    return LOOP(n, __asm__ volatile("sti\n\tcli" : : : "memory"));
}

static uint64_t segment_cycles(uint32_t n)
{
    return LOOP(n, __asm__ volatile("mov %0, %%es" : : "r"(0x10) : "memory"));
}

static uint64_t msr_cycles(uint32_t n)
{
    return LOOP(n, msr_write(MSR_SYSENTER_CS, 8));
}

static uint64_t mmio_cycles(uint32_t n)
{
    const volatile uint32_t *version = (const volatile uint32_t *)(uintptr_t)0xfee00030;

    return LOOP(n, (void)*version);
}

static uint64_t cpuid_cycles(uint32_t n)
{
    return LOOP(n, uint32_t leaf = 0; __asm__ volatile("cpuid"
                                                       : "+a"(leaf)
                                                       :
                                                       : "ebx", "ecx", "edx"));
}

static const struct {
    const char *name;
    uint64_t (*run)(uint32_t n);
} tests[] = {
    { "system-call", syscall_cycles },
    { "int-iret-user", user_interrupt_cycles },
    { "int-iret", interrupt_cycles },
    { "in", in_cycles },
    { "out", out_cycles },
    { "mmio", mmio_cycles },
    { "cr3-write", cr3_cycles },
    { "cr3-refill", cr3_refill_cycles },
    { "invlpg", invlpg_cycles },
    { "call-return", call_cycles },
    { "page-fault", page_fault_cycles },
    { "divide-by-zero", divide_cycles },
    { "page-table-store", table_store_cycles },
    { "map-unmap", map_cycles },
    { "sti-cli", interrupts_flag_cycles },
    { "pushf-popf", flags_cycles },
    { "segment-load", segment_cycles },
    { "wrmsr", msr_cycles },
    { "rdtsc", rdtsc_cycles },
    { "cpuid", cpuid_cycles },
};

/* The interpreter's speed: 20 instructions a turn. */
static void mips_turns(uint32_t turns)
{
    static uint32_t memory[16];
    uint32_t a = 1, b = 2, c = 3;

    __asm__ volatile("1: add %1, %0\n\t"
                     "xor %2, %1\n\t"
                     "mov %0, %2\n\t"
                     "shr $3, %2\n\t"
                     "mov %1, (%4)\n\t"
                     "add 4(%4), %2\n\t"
                     "lea 5(%0,%1,2), %0\n\t"
                     "cmp %0, %2\n\t"
                     "jb 2f\n\t"
                     "2: and $0xffffff, %1\n\t"
                     "or $1, %2\n\t"
                     "imul %2, %1\n\t"
                     "mov %2, 8(%4)\n\t"
                     "sub $7, %0\n\t"
                     "mov (%4), %2\n\t"
                     "test %0, %0\n\t"
                     "inc %1\n\t"
                     "not %2\n\t"
                     "dec %3\n\t"
                     "jnz 1b"
                     : "+r"(a), "+r"(b), "+r"(c), "+r"(turns)
                     : "r"(memory)
                     : "memory", "cc");
}

static void mips_measure(void)
{
    uint64_t turns = 0, start = cycles_now();

    text_put("@bench begin mips 0\n");
    do {
        mips_turns(250000);
        turns += 250000;
    } while (cycles_now() - start < 6000000000u);
    line_put("end", "mips", 0, turns * 20, "\n");
}

static const char *word_find(const char *line, const char *word)
{
    for (; line && *line; line++) {
        size_t i = 0;

        while (word[i] && line[i] == word[i]) {
            i++;
        }
        if (!word[i]) {
            return line + i;
        }
    }
    return NULL;
}

/* Whether the name stands between commas in the list; without a list, all do. */
static bool name_wanted(const char *list, const char *name)
{
    if (!list) {
        return true;
    }
    while (*list && *list != ' ') {
        size_t i = 0;

        while (name[i] && list[i] == name[i]) {
            i++;
        }
        if (!name[i] && (list[i] == ',' || list[i] == ' ' || !list[i])) {
            return true;
        }
        while (*list && *list != ' ' && *list++ != ',') {
        }
    }
    return false;
}

static void gate_set(Gate *gate, const char *entry, unsigned level)
{
    uintptr_t at = (uintptr_t)entry;

    gate->offset_low = (uint16_t)at;
    gate->selector = 8;
    gate->bits = (uint16_t)(0x8e00 | level << 13);
    gate->offset_mid = (uint16_t)(at >> 16);
#ifdef __x86_64__
    gate->offset_high = (uint32_t)(at >> 32);
#endif
}

static void tables_load(void)
{
    static Gate idt[256];
    static const Pointer pointer = { sizeof idt - 1, (uintptr_t)idt };
    uintptr_t base = (uintptr_t)tss;

    for (unsigned i = 0; i < 32; i++) {
        gate_set(&idt[i], entries + i * 8, 0);
    }
    gate_set(&idt[0], entry_divide, 0);
    gate_set(&idt[14], entry_page, 0);
    gate_set(&idt[0x80], entry_empty, 3);
    gate_set(&idt[0x81], entry_leave, 3);
    __asm__ volatile("lidt %0" : : "m"(pointer));
    gdt[5] = 0x0000890000000067u | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(base >> 24) << 56;
#ifdef __x86_64__
    gdt[6] = base >> 32;
    msr_write(0xc0000081, (uint64_t)0x10 << 48 | (uint64_t)8 << 32);
    msr_write(0xc0000082, (uintptr_t)entry_syscall);
    msr_write(0xc0000084, 0);
#else
    *(uint32_t *)(tss + 8) = 0x10;
    msr_write(MSR_SYSENTER_CS, 8);
    msr_write(0x175, (uintptr_t)tss + 256); /* unused: the entry pushes nothing */
    msr_write(0x176, (uintptr_t)entry_syscall);
#endif
    __asm__ volatile("ltr %w0" : : "r"(0x28));
    pages_4k[0] = 0x302007;
}

static void test_measure(size_t i, unsigned runs)
{
    uint32_t n = 256;

    text_put("@bench begin ");
    text_put(tests[i].name);
    text_put(" 0\n");
    while (tests[i].run(n) < ENOUGH && n < 1u << 30) {
        n *= 2;
    }
    for (unsigned run = 0; run < runs; run++) {
        line_put("run", tests[i].name, n, tests[i].run(n), " -\n");
    }
    line_put("end", tests[i].name, 0, 0, "\n");
}

void main(const Multiboot *info)
{
    const char *words = info->flags & 4 ? (const char *)(uintptr_t)info->cmdline : "";
    const char *runs = word_find(words, "runs="), *only = word_find(words, "only=");

    tables_load();
    if (word_find(words, "mips")) {
        mips_measure();
        machine_leave(0);
    }
    text_put("@bench up\n");
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (name_wanted(only, tests[i].name)) {
            test_measure(i, runs && *runs > '0' ? (unsigned)(*runs - '0') : 5);
        }
    }
    machine_leave(0);
}
