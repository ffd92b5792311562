/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_boot.c - what a directly booted kernel finds: memory, registers, the loader's structures. */
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/machine/boot.h"
#include "runtime/software_cpu/cpuid.h"
#include "runtime/machine/vcpu.h"

enum {
    KERNEL_SIZE = 3000, /* of the protected-mode part */
    SETUP_SIZE = 1024,
    ZERO_PAGE = 0x10000,
    RAM_SIZE = 64 << 20,
};

typedef struct Fixture {
    char folder[64];
    PhysMap *map;
    IoBus *io;
    Clock *clock;
    CpuModel *model;
    Vcpu *vcpu;
    Pc *pc;
    BootTarget target;
    Options *options;
} Fixture;

static Fixture fx;

static void board_signal(void *opaque, unsigned cpu, PcCpuSignal signal, unsigned value)
{
    (void)opaque;
    (void)cpu;
    (void)signal;
    (void)value;
}

static void on_power(void *opaque, BoardPower what, int status)
{
    (void)opaque;
    (void)what;
    (void)status;
}

static uint64_t board_tsc(void *opaque, unsigned cpu)
{
    (void)opaque;
    (void)cpu;
    return 0;
}

static const CpuBus no_bus;

static void fixture_setup(void)
{
    PcConfig config = { .cpus = 1,
                        .hpet = true,
                        .acpi = true,
                        .tsc_hz = 1000000000,
                        .power = on_power,
                        .signal = board_signal,
                        .tsc = board_tsc };
    VcpuConfig cpu = { .bus = &no_bus };

    strcpy(fx.folder, "/tmp/boot-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fx.folder));
    fx.map = phys_map_new(RAM_SIZE, NULL);
    fx.io = io_bus_new();
    fx.clock = clock_new(NULL);
    fx.model = cpu_model_new("max", NULL);
    cpu.model = fx.model;
    cpu.map = fx.map;
    fx.vcpu = vcpu_new(&cpu, NULL);
    config.map = fx.map;
    config.io = fx.io;
    config.clock = fx.clock;
    fx.pc = pc_new(&config, NULL);
    ck_assert_ptr_nonnull(fx.pc);
    pc_reset(fx.pc);
    fx.target = (BootTarget){ fx.map, fx.io, fx.pc, vcpu_cpu(fx.vcpu), NULL };
    fx.options = options_new();
}

static void fixture_teardown(void)
{
    g_autofree char *command = g_strdup_printf("rm -r %s", fx.folder);

    options_free(fx.options);
    pc_free(fx.pc);
    vcpu_free(fx.vcpu);
    cpu_model_free(fx.model);
    clock_free(fx.clock);
    io_bus_free(fx.io);
    phys_map_free(fx.map);
    ck_assert_int_eq(system(command), 0);
}

static char *file_make(const char *name, const void *data, size_t size)
{
    char *path = g_build_filename(fx.folder, name, NULL);

    ck_assert(g_file_set_contents(path, data, (gssize)size, NULL));
    return path;
}

static void put32(uint8_t *p, uint32_t value)
{
    memcpy(p, &value, sizeof(value));
}

/* The head of a bzImage: version 2.15, one sector of set-up code. */
static char *kernel_make(uint16_t version, bool wide)
{
    uint8_t image[SETUP_SIZE + KERNEL_SIZE] = { 0 };

    image[0x1f1] = 1;
    memcpy(image + 0x1fe, "\x55\xaa\xeb\x6a", 4);
    memcpy(image + 0x202, "HdrS", 4);
    memcpy(image + 0x206, &version, sizeof(version));
    image[0x211] = 1;
    put32(image + 0x22c, 0x7fffffff);
    image[0x236] = wide;
    put32(image + 0x238, 255);
    put32(image + 0x258, 0x1000000); /* 16 MiB, */
    put32(image + 0x260, 0x800000);  /* 8 MiB */
    memset(image + SETUP_SIZE, 0x90, KERNEL_SIZE);
    return file_make("kernel", image, sizeof(image));
}

static uint64_t memory_read(uint64_t gpa, unsigned size)
{
    uint64_t value = 0;

    phys_map_read(fx.map, gpa, &value, size);
    return value;
}

static bool boot_once(GError **error)
{
    Boot *boot = boot_open(fx.options, error);
    bool done;

    if (boot == NULL) {
        return false;
    }
    done = boot_install(boot, &fx.target, error);
    boot_close(boot);
    return done;
}

START_TEST(a_64_bit_kernel_starts_in_long_mode)
{
    Cpu *cpu = fx.target.cpu;

    fx.options->kernel = kernel_make(0x20f, true);
    fx.options->append = g_strdup("root=here");
    ck_assert(boot_once(NULL));
    ck_assert_uint_eq(cpu->rip, 0x100200);
    ck_assert_uint_eq(cpu->gpr[RSI], ZERO_PAGE);
    ck_assert_uint_eq(cpu->efer, EFER_LME | EFER_LMA);
    ck_assert(cpu->mode & MODE_CS64);
    ck_assert_uint_eq(cpu->seg[CS].selector, 0x10);
    ck_assert_uint_eq(cpu->seg[DS].selector, 0x18);
    ck_assert_uint_eq(memory_read(0x100200, 1), 0x90);
    ck_assert_uint_eq(memory_read(ZERO_PAGE + 0x214, 4), 0x100000);
    ck_assert_uint_eq(memory_read(ZERO_PAGE + 0x210, 1), 0xff);
    ck_assert_uint_eq(memory_read(memory_read(ZERO_PAGE + 0x228, 4), 8), 0x7265683d746f6f72);
}
END_TEST

START_TEST(the_first_4_gib_are_mapped_one_to_one)
{
    uint64_t pml4, pdpt;

    fx.options->kernel = kernel_make(0x20f, true);
    ck_assert(boot_once(NULL));
    pml4 = memory_read(fx.target.cpu->cr3, 8);
    for (uint64_t i = 0; i < 4; i++) {
        pdpt = memory_read((pml4 & ~0xfffull) + i * 8, 8);
        ck_assert_uint_eq(memory_read((pdpt & ~0xfffull) + 5 * 8, 8), (i << 30) + (5 << 21) + 0x83);
    }
}
END_TEST

START_TEST(a_32_bit_kernel_starts_in_protected_mode)
{
    Cpu *cpu = fx.target.cpu;

    fx.options->kernel = kernel_make(0x20f, false);
    ck_assert(boot_once(NULL));
    ck_assert_uint_eq(cpu->rip, 0x100000);
    ck_assert_uint_eq(cpu->cr0 & (CR0_PE | CR0_PG), CR0_PE);
    ck_assert(cpu->mode & MODE_CS32);
    ck_assert_uint_eq(cpu->gpr[RBX] | cpu->gpr[RBP] | cpu->gpr[RDI], 0);
    ck_assert_uint_eq(cpu->rflags, FLAG_1);
}
END_TEST

START_TEST(the_memory_map_is_sorted_and_covers_ram)
{
    uint64_t end = 0, ram = 0;
    unsigned n;

    fx.options->kernel = kernel_make(0x20f, true);
    ck_assert(boot_once(NULL));
    n = (unsigned)memory_read(ZERO_PAGE + 0x1e8, 1);
    ck_assert_uint_gt(n, 4);
    for (unsigned i = 0; i < n; i++) {
        uint64_t at = ZERO_PAGE + 0x2d0 + i * 20;
        uint64_t base = memory_read(at, 8), size = memory_read(at + 8, 8);

        ck_assert_uint_ge(base, end);
        end = base + size;
        if (memory_read(at + 16, 4) == 1) {
            ram += size;
            ck_assert_uint_le(end, RAM_SIZE);
        }
    }
    ck_assert_uint_gt(ram, RAM_SIZE - (2 << 20));
}
END_TEST

START_TEST(the_rsdp_is_where_the_zero_page_says)
{
    uint64_t rsdp;

    fx.options->kernel = kernel_make(0x20f, true);
    ck_assert(boot_once(NULL));
    rsdp = memory_read(ZERO_PAGE + 0x70, 8);
    ck_assert_uint_eq(memory_read(rsdp, 8), 0x2052545020445352); /* "RSD PTR " */
}
END_TEST

START_TEST(an_initrd_lies_high_and_whole)
{
    uint8_t *data = g_malloc(100001);
    uint64_t base;

    for (unsigned i = 0; i < 100001; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    fx.options->kernel = kernel_make(0x20f, true);
    fx.options->initrd = file_make("initrd", data, 100001);
    ck_assert(boot_once(NULL));
    base = memory_read(ZERO_PAGE + 0x218, 4);
    ck_assert_uint_eq(memory_read(ZERO_PAGE + 0x21c, 4), 100001);
    ck_assert_uint_eq(base % 4096, 0);
    ck_assert_uint_ge(base, 0x1800000);
    ck_assert_uint_eq(memory_read(base, 1), data[0]);
    ck_assert_uint_eq(memory_read(base + 100000, 1), data[100000]);
    g_free(data);
}
END_TEST

START_TEST(a_reset_boots_the_kernel_again)
{
    Boot *boot;

    fx.options->kernel = kernel_make(0x20f, true);
    boot = boot_open(fx.options, NULL);
    ck_assert(boot_install(boot, &fx.target, NULL));
    phys_map_write(fx.map, 0x100200, "damage", 6);
    vcpu_reset(fx.vcpu);
    pc_reset(fx.pc);
    ck_assert(boot_install(boot, &fx.target, NULL));
    ck_assert_uint_eq(memory_read(0x100200, 4), 0x90909090);
    ck_assert_uint_eq(fx.target.cpu->rip, 0x100200);
    boot_close(boot);
}
END_TEST

START_TEST(an_initrd_that_does_not_fit_is_refused)
{
    g_autoptr(GError) error = NULL;
    char *path;
    int fd;

    fx.options->kernel = kernel_make(0x20f, true);
    path = file_make("initrd", "", 0);
    fd = open(path, O_WRONLY);
    ck_assert_int_eq(ftruncate(fd, 60 << 20), 0);
    close(fd);
    fx.options->initrd = path;
    ck_assert(!boot_once(&error));
    ck_assert_ptr_nonnull(strstr(error->message, "do not fit"));
}
END_TEST

START_TEST(a_kernel_that_needs_more_memory_is_refused)
{
    g_autoptr(GError) error = NULL;
    uint8_t size[4] = { 0, 0, 0, 0x10 };
    int fd;

    fx.options->kernel = kernel_make(0x20f, true);
    fd = open(fx.options->kernel, O_WRONLY);
    ck_assert_int_eq(pwrite(fd, size, 4, 0x260), 4);
    close(fd);
    ck_assert(!boot_once(&error));
    ck_assert_ptr_nonnull(strstr(error->message, "needs"));
}
END_TEST

START_TEST(an_old_boot_protocol_is_refused)
{
    g_autoptr(GError) error = NULL;

    fx.options->kernel = kernel_make(0x205, false);
    ck_assert(!boot_once(&error));
    ck_assert_ptr_nonnull(strstr(error->message, "2.05 is too old"));
}
END_TEST

START_TEST(a_long_command_line_is_refused)
{
    g_autoptr(GError) error = NULL;

    fx.options->kernel = kernel_make(0x20f, true);
    fx.options->append = g_strnfill(256, 'x');
    ck_assert(!boot_once(&error));
    ck_assert_ptr_nonnull(strstr(error->message, "255"));
}
END_TEST

/* ---- Multiboot ---- */

static char *flat_make(const uint32_t *addresses)
{
    uint32_t image[64] = { 0 };

    image[2] = 0x1badb002; /* at offset 8 */
    image[3] = 1 << 16;
    image[4] = -(image[2] + image[3]);
    memcpy(image + 5, addresses, 5 * sizeof(uint32_t));
    image[63] = 0x12345678;
    return file_make("flat", image, sizeof(image));
}

START_TEST(a_flat_multiboot_image_goes_where_its_header_says)
{
    Cpu *cpu = fx.target.cpu;
    uint64_t info;

    fx.options->kernel = flat_make((uint32_t[]){ 0x300008, 0x300000, 0, 0x300200, 0x300040 });
    fx.options->append = g_strdup("x=y");
    phys_map_write(fx.map, 0x3001fc, "dirt", 4);
    ck_assert(boot_once(NULL));
    ck_assert_uint_eq(cpu->rip, 0x300040);
    ck_assert_uint_eq(cpu->gpr[RAX], 0x2badb002);
    ck_assert_uint_eq(memory_read(0x3000fc, 4), 0x12345678);
    ck_assert_uint_eq(memory_read(0x3001fc, 4), 0);
    info = cpu->gpr[RBX];
    ck_assert_uint_eq(memory_read(info, 4) & 0x4d, 0x4d);
    ck_assert_uint_eq(memory_read(info + 4, 4), 639);
    ck_assert_uint_eq(memory_read(info + 20, 4), 0);
}
END_TEST

typedef struct FlatRow {
    const char *name;
    uint32_t addresses[5]; /* header, load, load end, bss end, entry */
} FlatRow;

static const FlatRow flat_rows[] = {
    { "header below the load address", { 0x300000, 0x300008, 0, 0, 0 } },
    { "header far above the load address", { 0x400000, 0x300000, 0, 0, 0 } },
    { "load end below the load address", { 0x300008, 0x300000, 0x200000, 0, 0 } },
    { "load end behind the file", { 0x300008, 0x300000, 0x400000, 0, 0 } },
    { "load address outside RAM", { 0xf0000008, 0xf0000000, 0, 0, 0 } },
    { "bss beyond RAM", { 0x300008, 0x300000, 0, 0xfffff000, 0 } },
    { "into the video memory", { 0xa0008, 0xa0000, 0, 0, 0 } },
    { "over the end of conventional memory", { 0x9fb08, 0x9fb00, 0, 0xa1000, 0 } },
};

START_TEST(bad_multiboot_addresses_are_refused)
{
    g_autoptr(GError) error = NULL;

    fx.options->kernel = flat_make(flat_rows[_i].addresses);
    ck_assert_msg(!boot_once(&error), "%s", flat_rows[_i].name);
    ck_assert_ptr_nonnull(strstr(error->message, "-kernel"));
}
END_TEST

START_TEST(multiboot_selectors_are_those_of_other_loaders)
{
    Cpu *cpu = fx.target.cpu;

    fx.options->kernel = flat_make((uint32_t[]){ 0x300008, 0x300000, 0, 0x300200, 0x300040 });
    ck_assert(boot_once(NULL));
    ck_assert_uint_eq(cpu->seg[CS].selector, 0x08);
    for (SegmentName name = ES; name <= GS; name++) {
        ck_assert_uint_eq(cpu->seg[name].selector, name == CS ? 0x08 : 0x10);
        ck_assert_uint_eq(cpu->seg[name].limit, UINT32_MAX);
    }
    /* The table that GDTR holds says the same: code, data. */
    ck_assert_uint_eq(memory_read(cpu->gdtr.base + 0x08 + 5, 1) & 0x18, 0x18);
    ck_assert_uint_eq(memory_read(cpu->gdtr.base + 0x10 + 5, 1) & 0x18, 0x10);
}
END_TEST

/* ---- What firmware leaves in the first megabyte ---- */

static uint64_t paragraph_find(const char *text)
{
    for (uint64_t at = 0xf0000; at < 0x100000; at += 16) {
        char bytes[5] = { 0 };

        phys_map_read(fx.map, at, bytes, strlen(text));
        if (strcmp(bytes, text) == 0) {
            return at;
        }
    }
    return 0;
}

START_TEST(the_first_megabyte_is_as_a_bios_leaves_it)
{
    uint64_t pointer, stub;

    fx.options->kernel = kernel_make(0x20f, true);
    ck_assert(boot_once(NULL));
    ck_assert_uint_eq(memory_read(0x40e, 2), 0x9fc0);
    ck_assert_uint_eq(memory_read(0x413, 2), 639);
    ck_assert_uint_eq(memory_read(0x9fc00, 1), 1);
    ck_assert_uint_eq(memory_read(0x41a, 2), memory_read(0x41c, 2));
    ck_assert_uint_eq(memory_read(0xffffe, 1), 0xfc);
    pointer = paragraph_find("_MP_");
    ck_assert_uint_ne(pointer, 0);
    ck_assert_uint_eq(memory_read(memory_read(pointer + 4, 4), 4), 0x504d4350); /* "PCMP" */
    stub = memory_read(0x10 * 4 + 2, 2) * 16 + memory_read(0x10 * 4, 2);
    ck_assert_uint_eq(memory_read(stub, 1), 0xcf); /* INT 10H returns */
    ck_assert_uint_eq(memory_read(0xffff0, 1), 0xea);
}
END_TEST

/* ---- ELF files ---- */

enum { ELF_NOTE_AT = 0x200, ELF_CODE_AT = 0x300, ELF_SIZE = 0x400, PVH_ENTRY = 0x400010 };

/* A file with a note and 256 bytes of code for 4 MiB, linked high. */
static char *elf_make(bool wide, const char *name, uint64_t table)
{
    uint8_t image[ELF_SIZE] = { 0 };
    uint32_t note[5] = { 4, 4, 18, 0, PVH_ENTRY };

    memcpy(&note[3], name, 4);
    memcpy(image + ELF_NOTE_AT, note, sizeof(note));
    memset(image + ELF_CODE_AT, 0x90, 0x100);
    if (wide) {
        Elf64_Ehdr head = { .e_machine = EM_X86_64,
                            .e_phoff = table,
                            .e_phentsize = sizeof(Elf64_Phdr),
                            .e_phnum = 2 };
        Elf64_Phdr part[2] = {
            { .p_type = PT_LOAD,
              .p_offset = ELF_CODE_AT,
              .p_vaddr = 0xffffffff80400000,
              .p_paddr = 0x400000,
              .p_filesz = 0x100,
              .p_memsz = 0x2000 },
            { .p_type = PT_NOTE, .p_offset = ELF_NOTE_AT, .p_filesz = sizeof(note) },
        };

        memcpy(image, &head, sizeof(head));
        memcpy(image + sizeof(head), part, sizeof(part));
    } else {
        Elf32_Ehdr head = { .e_machine = EM_386,
                            .e_phoff = (uint32_t)table,
                            .e_phentsize = sizeof(Elf32_Phdr),
                            .e_phnum = 2 };
        Elf32_Phdr part[2] = {
            { .p_type = PT_LOAD,
              .p_offset = ELF_CODE_AT,
              .p_vaddr = 0xc0400000,
              .p_paddr = 0x400000,
              .p_filesz = 0x100,
              .p_memsz = 0x2000 },
            { .p_type = PT_NOTE, .p_offset = ELF_NOTE_AT, .p_filesz = sizeof(note) },
        };

        memcpy(image, &head, sizeof(head));
        memcpy(image + sizeof(head), part, sizeof(part));
    }
    memcpy(image, ELFMAG, SELFMAG);
    image[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
    image[EI_DATA] = ELFDATA2LSB;
    return file_make("elf", image, sizeof(image));
}

static uint64_t elf_table(bool wide)
{
    return wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

START_TEST(an_elf_file_starts_at_its_pvh_entry)
{
    Cpu *cpu = fx.target.cpu;
    uint64_t info, map, module;

    fx.options->kernel = elf_make(_i != 0, "Xen", elf_table(_i != 0));
    fx.options->append = g_strdup("a=b");
    fx.options->initrd = file_make("initrd", "ramdisk", 7);
    phys_map_write(fx.map, 0x401000, "dirt", 4);
    ck_assert(boot_once(NULL));
    ck_assert_uint_eq(cpu->rip, PVH_ENTRY);
    ck_assert_uint_eq(cpu->cr0 & (CR0_PE | CR0_PG), CR0_PE);
    ck_assert_uint_eq(memory_read(0x400000, 4), 0x90909090);
    ck_assert_uint_eq(memory_read(0x401000, 4), 0);
    info = cpu->gpr[RBX];
    ck_assert_uint_eq(memory_read(info, 4), 0x336ec578);
    ck_assert_uint_eq(memory_read(info + 4, 4), 1);
    ck_assert_uint_eq(memory_read(memory_read(info + 24, 8), 4), 0x00623d61); /* "a=b" */
    ck_assert_uint_eq(memory_read(memory_read(info + 32, 8), 4), 0x20445352); /* "RSD " */
    ck_assert_uint_eq(memory_read(info + 12, 4), 1);
    module = memory_read(info + 16, 8);
    ck_assert_uint_eq(memory_read(module + 8, 8), 7);
    ck_assert_uint_eq(memory_read(memory_read(module, 8), 4), 0x646d6172);
    map = memory_read(info + 40, 8);
    ck_assert_uint_gt(memory_read(info + 48, 4), 4);
    ck_assert_uint_eq(memory_read(map, 8), 0);
    ck_assert_uint_eq(memory_read(map + 8, 8), 0x9fc00);
    ck_assert_uint_eq(memory_read(map + 16, 4), 1);
}
END_TEST

typedef struct ElfRow {
    const char *words;
    bool wide;
    const char *name;
    uint64_t table;
} ElfRow;

static const ElfRow elf_rows[] = {
    { "program headers lie outside", true, "Xen", 0xffffffffffffff00 },
    { "program headers lie outside", true, "Xen", ELF_SIZE - 8 },
    { "program headers lie outside", false, "Xen", 0xfffffff0 },
    { "without multiboot header or PVH entry", false, "Not", sizeof(Elf32_Ehdr) },
    { "without multiboot header or PVH entry", true, "Not", sizeof(Elf64_Ehdr) },
};

START_TEST(bad_elf_files_are_refused_with_the_reason)
{
    g_autoptr(GError) error = NULL;

    fx.options->kernel = elf_make(elf_rows[_i].wide, elf_rows[_i].name, elf_rows[_i].table);
    ck_assert(!boot_once(&error));
    ck_assert_msg(strstr(error->message, elf_rows[_i].words) != NULL, "%s", error->message);
}
END_TEST

START_TEST(a_kernel_cut_short_is_refused)
{
    g_autoptr(GError) error = NULL;
    uint32_t paragraphs = KERNEL_SIZE / 16 + 2;
    int fd;

    fx.options->kernel = kernel_make(0x20f, true);
    fd = open(fx.options->kernel, O_WRONLY);
    ck_assert_int_eq(pwrite(fd, &paragraphs, 4, 0x1f4), 4);
    close(fd);
    ck_assert(!boot_once(&error));
    ck_assert_ptr_nonnull(strstr(error->message, "cut short"));
}
END_TEST

START_TEST(a_64_bit_kernel_needs_long_mode)
{
    g_autoptr(GError) error = NULL;
    CpuModel *model = cpu_model_new("qemu32", NULL);

    fx.target.cpu->model = model;
    fx.options->kernel = kernel_make(0x20f, true);
    ck_assert(!boot_once(&error));
    ck_assert_ptr_nonnull(strstr(error->message, "no long mode"));
    fx.target.cpu->model = fx.model;
    cpu_model_free(model);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("boot");
    TCase *tc = tcase_create("boot");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
    tcase_add_test(tc, a_64_bit_kernel_starts_in_long_mode);
    tcase_add_test(tc, the_first_4_gib_are_mapped_one_to_one);
    tcase_add_test(tc, a_32_bit_kernel_starts_in_protected_mode);
    tcase_add_test(tc, the_memory_map_is_sorted_and_covers_ram);
    tcase_add_test(tc, the_rsdp_is_where_the_zero_page_says);
    tcase_add_test(tc, an_initrd_lies_high_and_whole);
    tcase_add_test(tc, a_reset_boots_the_kernel_again);
    tcase_add_test(tc, an_initrd_that_does_not_fit_is_refused);
    tcase_add_test(tc, a_kernel_that_needs_more_memory_is_refused);
    tcase_add_test(tc, an_old_boot_protocol_is_refused);
    tcase_add_test(tc, a_long_command_line_is_refused);
    tcase_add_test(tc, a_flat_multiboot_image_goes_where_its_header_says);
    tcase_add_loop_test(tc, bad_multiboot_addresses_are_refused, 0, G_N_ELEMENTS(flat_rows));
    tcase_add_test(tc, multiboot_selectors_are_those_of_other_loaders);
    tcase_add_test(tc, the_first_megabyte_is_as_a_bios_leaves_it);
    tcase_add_loop_test(tc, an_elf_file_starts_at_its_pvh_entry, 0, 2);
    tcase_add_loop_test(tc, bad_elf_files_are_refused_with_the_reason, 0, G_N_ELEMENTS(elf_rows));
    tcase_add_test(tc, a_kernel_cut_short_is_refused);
    tcase_add_test(tc, a_64_bit_kernel_needs_long_mode);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
