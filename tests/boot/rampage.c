/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rampage.c - a multiboot guest that does everything wrong. "sweep" on its command line: reads and
 * writes all ports, all configuration registers and physical addresses of all kinds with all
 * widths, then leaves through isa-debug-exit. "wild": writes anywhere and executes random bytes,
 * until somebody ends the machine; a triple fault begins it anew. "seed=N" repeats a run. "halt"
 * stops for good, "fall" is a triple fault at once.
 *
 * A sweep spares what would end it: power-off, resets, SMIs, exit, INIT to itself, DMA. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    COM1 = 0x3f8,
    DEBUG_EXIT = 0xf4,
    PCI_ADDRESS = 0xcf8,
    PCI_DATA = 0xcfc,
    PCI_ENABLE_SHIFT = 31,
    FULL_SPEED = 1,
    SWEEP_DONE = 0x20, /* exit status 65 */
    GARBAGE_SIZE = 4096,
    GARBAGE_TRIALS = 200, /* between two rounds of wild writes */
    VECTOR_NMI = 2,
    CODE_64 = 0x08,
    DATA = 0x10,
    CODE_32 = 0x18,
    USER_DATA = 0x23,
    USER_CODE_64 = 0x2b,
    USER_CODE_32 = 0x33,
    CODE_16 = 0x48,
    WATCHDOG_INPUT = 16,    /* of the I/O APIC */
    WATCHDOG_TICKS = 50000, /* 0.5 ms */
};

#define IOAPIC ((volatile uint32_t *)0xfec00000)
#define HPET   0xfed00000ul
#define LAPIC  0xfee00000ul

/* Where memory is not RAM, or not only; the last ones are beyond what 32 bits reach. */
static const struct {
    uint64_t first, last, step;
} ranges[] = {
    { 0xa0000, 0xfffff, 61 },
    { 0x40000000, 0xfebfffff, 0x1fffd },
    { 0xfec00000, 0xfec00fff, 1 },
    { 0xfec01000, 0xfecfffff, 0xffd },
    { HPET, HPET + 0x7ff, 1 },
    { HPET + 0x800, LAPIC - 1, 0xffd },
    { LAPIC, LAPIC + 0xfff, 1 },
    { LAPIC + 0x1000, 0xffffffff, 0xffd },
    { 0x100000000, 0xffffffffff, 0x7fffffd },
};

typedef struct MultibootInfo {
    uint32_t flags, mem_lower, mem_upper, boot_device, command_line;
} MultibootInfo;

/* rampage_start.S. Returns the vector of the exception that ended it. */
uint32_t garbage_enter(const uint64_t registers[16], const uint64_t frame[5]);
void rampage_main(const MultibootInfo *info);

static uint64_t seed;
static uint8_t garbage[GARBAGE_SIZE] __attribute__((aligned(4096)));
static uint8_t scratch[65536] __attribute__((aligned(4096)));

static uint64_t random64(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed * 0x2545f4914f6cdd1dull;
}

/* ---- Ports ---- */

static uint32_t port_in(uint16_t port, unsigned width)
{
    uint32_t value = 0;

    switch (width) {
    case 1:
        __asm__ volatile("inb %%dx, %%al" : "+a"(value) : "d"(port));
        break;
    case 2:
        __asm__ volatile("inw %%dx, %%ax" : "+a"(value) : "d"(port));
        break;
    default:
        __asm__ volatile("inl %%dx, %%eax" : "+a"(value) : "d"(port));
        break;
    }
    return value;
}

static void port_out(uint16_t port, unsigned width, uint32_t value)
{
    switch (width) {
    case 1:
        __asm__ volatile("outb %%al, %%dx" ::"a"(value), "d"(port));
        break;
    case 2:
        __asm__ volatile("outw %%ax, %%dx" ::"a"(value), "d"(port));
        break;
    default:
        __asm__ volatile("outl %%eax, %%dx" ::"a"(value), "d"(port));
        break;
    }
}

/* Any register may be in any state: the line is set up for each text. */
static void print(const char *text)
{
    port_out(COM1 + 3, 1, 0x83);
    port_out(COM1, 1, FULL_SPEED);
    port_out(COM1 + 1, 1, 0);
    port_out(COM1 + 3, 1, 0x03);
    port_out(COM1 + 1, 1, 0);
    port_out(COM1 + 2, 1, 0);
    port_out(COM1 + 4, 1, 0x03);
    for (; *text != '\0'; text++) {
        port_out(COM1, 1, (uint8_t)*text);
    }
}

static void print_number(uint64_t number)
{
    char text[21];
    unsigned at = sizeof(text) - 1;

    text[at] = '\0';
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print(text + at);
}

static bool port_ends_sweep(uint16_t port, unsigned width)
{
    static const struct {
        uint16_t first, last;
    } spared[] = {
        { 0x64, 0x64 },   /* 8042: resets */
        { 0x92, 0x92 },   /* fast reset */
        { 0xb2, 0xb2 },   /* SMI */
        { 0x514, 0x51b }, /* fw_cfg: DMA over the guest itself */
        { 0xf4, 0xf7 },   /* exit */
        { 0xcf8, 0xcff }, /* reset; addresses of the others */
        { 0x604, 0x605 }, /* sleep */
    };

    for (size_t i = 0; i < sizeof(spared) / sizeof(spared[0]); i++) {
        for (unsigned byte = 0; byte < width; byte++) {
            uint16_t at = (uint16_t)(port + byte);

            if (at >= spared[i].first && at <= spared[i].last) {
                return true;
            }
        }
    }
    return false;
}

static void sweep_ports(unsigned width)
{
    for (uint32_t port = 0; port <= 0xffff; port++) {
        port_in((uint16_t)port, width);
        if (!port_ends_sweep((uint16_t)port, width)) {
            port_out((uint16_t)port, width, (uint32_t)random64());
            port_in((uint16_t)port, width);
        }
    }
}

static void string_ports(uint16_t port)
{
    void *to = scratch;
    const void *from = scratch;
    uint64_t count = 100;

    __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
    count = 100;
    __asm__ volatile("rep insl" : "+D"(to), "+c"(count) : "d"(port) : "memory");
    count = 100;
    if (!port_ends_sweep(port, 4)) {
        __asm__ volatile("rep outsw" : "+S"(from), "+c"(count) : "d"(port) : "memory");
    }
}

/* ---- PCI configuration space ---- */

/* The two that would move what a sweep spares: base and control of the power management ports. */
static bool config_ends_sweep(unsigned devfn, unsigned reg)
{
    return devfn == 0x0b && (reg == 0x40 || reg == 0x80);
}

static void sweep_config(void)
{
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        for (unsigned reg = 0; reg < 256; reg += 4) {
            port_out(PCI_ADDRESS, 4, 1u << PCI_ENABLE_SHIFT | devfn << 8 | reg);
            for (unsigned width = 1; width <= 4; width *= 2) {
                unsigned lane = random64() % 4 & ~(width - 1);

                port_in((uint16_t)(PCI_DATA + lane), width);
                if (!config_ends_sweep(devfn, reg)) {
                    port_out((uint16_t)(PCI_DATA + lane), width, (uint32_t)random64());
                }
            }
        }
    }
}

/* ---- Memory ---- */

/* Interrupt commands to itself, and local interrupts of other kinds than a vector. */
static bool address_ends_sweep(uint64_t address, unsigned width)
{
    uint64_t lapic = address - LAPIC;

    return address < LAPIC + 0x1000 && address + width > LAPIC &&
           ((lapic >= 0x2f0 && lapic < 0x380) || lapic > 0xff0);
}

static void memory_access(uint64_t address, unsigned width, bool write)
{
    uint64_t value = random64();

    switch (width + (write ? 100 : 0)) {
    case 1:
        __asm__ volatile("movb (%1), %b0" : "=r"(value) : "r"(address));
        break;
    case 2:
        __asm__ volatile("movw (%1), %w0" : "=r"(value) : "r"(address));
        break;
    case 4:
        __asm__ volatile("movl (%1), %k0" : "=r"(value) : "r"(address));
        break;
    case 8:
        __asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(address));
        break;
    case 10:
        __asm__ volatile("fldt (%0)\n\tfstp %%st" ::"r"(address));
        break;
    case 16:
        __asm__ volatile("movups (%0), %%xmm0" ::"r"(address) : "xmm0");
        break;
    case 101:
        __asm__ volatile("movb %b0, (%1)" ::"r"(value), "r"(address) : "memory");
        break;
    case 102:
        __asm__ volatile("movw %w0, (%1)" ::"r"(value), "r"(address) : "memory");
        break;
    case 104:
        __asm__ volatile("lock xaddl %k0, (%1)" : "+r"(value) : "r"(address) : "memory");
        break;
    case 108:
        __asm__ volatile("movq %0, (%1)" ::"r"(value), "r"(address) : "memory");
        break;
    case 110:
        __asm__ volatile("fldpi\n\tfstpt (%0)" ::"r"(address) : "memory");
        break;
    default:
        __asm__ volatile("movups %%xmm0, (%0)" ::"r"(address) : "memory");
        break;
    }
}

static void sweep_memory(void)
{
    static const uint8_t widths[] = { 1, 2, 4, 8, 10, 16 };

    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        for (uint64_t at = ranges[i].first; at <= ranges[i].last; at += ranges[i].step) {
            for (size_t w = 0; w < sizeof(widths); w++) {
                memory_access(at, widths[w], false);
                if (!address_ends_sweep(at, widths[w])) {
                    memory_access(at, widths[w], true);
                }
            }
        }
    }
}

static void sweep(void)
{
    print("rampage: ports\n");
    for (unsigned width = 1; width <= 4; width *= 2) {
        sweep_ports(width);
    }
    for (uint32_t port = 0; port <= 0xffff; port += 7) {
        string_ports((uint16_t)port);
    }
    print("rampage: memory\n");
    sweep_memory();
    print("rampage: configuration\n");
    sweep_config();
    print("rampage: sweep ends\n");
    port_out(DEBUG_EXIT, 4, SWEEP_DONE);
}

/* ---- Garbage ---- */

/* Random bytes, of which many are the beginnings of system instructions, prefixes, or far jumps. */
static void garbage_fill(void)
{
    static const uint8_t likely[] = { 0x0f, 0x66, 0xf2, 0xf3, 0x48, 0xc4, 0xc5, 0x62, 0xcf, 0xea,
                                      0x9a, 0xcb, 0x8e, 0xf4, 0xee, 0xec, 0x6c, 0xa4, 0xd9, 0xdd };
    size_t n = 32 + random64() % 200;

    for (size_t i = 0; i < n; i++) {
        uint64_t value = random64();

        garbage[i] = value % 3 != 0 ? (uint8_t)(value >> 8) : likely[(value >> 8) % sizeof(likely)];
    }
    garbage[n] = 0x0f;
    garbage[n + 1] = 0x0b;
}

static uint64_t garbage_register(void)
{
    uint64_t value = random64();

    switch (value % 4) {
    case 0:
        return value;
    case 1:
        return value >> 4 & 0xff;
    default:
        return (uint64_t)(uintptr_t)scratch + (value >> 4) % sizeof(scratch);
    }
}

/* An NMI from the HPET ends loops that nothing else ends. */
static void watchdog_set(void)
{
    volatile uint64_t *hpet = (volatile uint64_t *)HPET;

    IOAPIC[0] = 0x11 + 2 * WATCHDOG_INPUT;
    IOAPIC[4] = 0;
    IOAPIC[0] = 0x10 + 2 * WATCHDOG_INPUT;
    IOAPIC[4] = 4 << 8;
    hpet[0x10 / 8] = 0;
    hpet[0xf0 / 8] = 0;
    hpet[0x100 / 8] = WATCHDOG_INPUT << 9 | 4;
    hpet[0x108 / 8] = WATCHDOG_TICKS;
    hpet[0x10 / 8] = 1;
}

static uint32_t garbage_run(void)
{
    static const uint8_t code[] = {
        CODE_64, CODE_64, CODE_32, CODE_16, USER_CODE_64, USER_CODE_32
    };
    uint64_t registers[16], frame[5];
    unsigned mode = random64() % sizeof(code);

    for (unsigned i = 0; i < 16; i++) {
        registers[i] = garbage_register();
    }
    garbage_fill();
    watchdog_set();
    frame[0] = code[mode] == CODE_16 ? 0x1000 : (uint64_t)(uintptr_t)garbage;
    if (code[mode] == CODE_16) {
        __builtin_memcpy((void *)0x1000, garbage, 256);
    }
    frame[1] = code[mode];
    frame[2] = (random64() & 0x257fd5) | 2;
    frame[3] = (uint64_t)(uintptr_t)scratch + sizeof(scratch) / 2;
    frame[4] = (code[mode] & 3) != 0 ? USER_DATA : DATA;
    return garbage_enter(registers, frame);
}

static void wild_writes(void)
{
    for (unsigned i = 0; i < 100; i++) {
        size_t range = random64() % (sizeof(ranges) / sizeof(ranges[0]));
        uint64_t span = ranges[range].last - ranges[range].first + 1;

        memory_access(ranges[range].first + random64() % span, 4, true);
        port_out((uint16_t)(random64() % (i % 2 != 0 ? 0x1000 : 0x10000)), 1u << random64() % 3,
                 (uint32_t)random64());
    }
}

static void wild(void)
{
    for (uint64_t round = 0;; round++) {
        print("rampage: seed ");
        print_number(seed);
        print("\n");
        for (unsigned i = 0; i < GARBAGE_TRIALS; i++) {
            garbage_run();
        }
        wild_writes();
    }
}

/* ---- Command line ---- */

static const char *find(const char *text, const char *word)
{
    for (; *text != '\0'; text++) {
        size_t n = 0;

        while (word[n] != '\0' && text[n] == word[n]) {
            n++;
        }
        if (word[n] == '\0') {
            return text + n;
        }
    }
    return NULL;
}

void rampage_main(const MultibootInfo *info)
{
    const char *line = (const char *)(uintptr_t)info->command_line;
    const char *number = find(line, "seed=");

    seed = __builtin_ia32_rdtsc() | 1;
    if (number != NULL) {
        for (seed = 0; *number >= '0' && *number <= '9'; number++) {
            seed = seed * 10 + (uint64_t)(*number - '0');
        }
    }
    print("rampage: begins with seed ");
    print_number(seed);
    print("\n");
    if (find(line, "halt") != NULL) {
        print("rampage: halts\n");
        return;
    }
    if (find(line, "fall") != NULL) {
        print("rampage: falls\n");
        __asm__ volatile("lidt 2f\n\tud2\n2:\t.fill 10");
    }
    if (find(line, "wild") != NULL) {
        wild();
    }
    sweep();
}
