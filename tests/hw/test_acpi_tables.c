/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_acpi_tables.c - ACPI tables and SMBIOS structures: checksums, links, and what the ACPI
 * compiler's disassembler thinks of them. */
#include "hw/acpi/pm.h"
#include "hw/acpi/smbios.h"
#include "hw/acpi/tables.h"
#include "tests/hw/board_fixture.h"
#include <glib/gstdio.h>

enum { BASE = 0x7ff0000, CPUS = 17, LOADER_ENTRY = 128 };

static struct {
    AcpiTables *tables;
    uint8_t *copy, rsdp[ACPI_RSDP_SIZE];
    uint64_t size;
} fx;

static void setup(void)
{
    AcpiTablesConfig config = { .cpus = CPUS, .serial = 3, .hpet = true };

    fx.tables = acpi_tables_new(&config);
    fx.size = acpi_tables_size(fx.tables);
    fx.copy = g_malloc(fx.size);
    acpi_tables_place(fx.tables, BASE, fx.copy, fx.rsdp);
}

static void teardown(void)
{
    g_free(fx.copy);
    acpi_tables_free(fx.tables);
}

static uint64_t number(const uint8_t *bytes, unsigned width)
{
    uint64_t value = 0;

    memcpy(&value, bytes, width);
    return GUINT64_FROM_LE(value);
}

static uint8_t sum(const uint8_t *bytes, size_t n)
{
    uint8_t total = 0;

    for (size_t i = 0; i < n; i++) {
        total = (uint8_t)(total + bytes[i]);
    }
    return total;
}

static uint8_t *at(uint64_t address)
{
    ck_assert_uint_ge(address, BASE);
    ck_assert_uint_lt(address, BASE + fx.size);
    return fx.copy + (address - BASE);
}

static const uint8_t *root(bool xsdt)
{
    return at(xsdt ? number(fx.rsdp + 24, 8) : number(fx.rsdp + 16, 4));
}

/* The n-th table of the root; NULL behind the last. */
static const uint8_t *entry(bool xsdt, unsigned n)
{
    const uint8_t *table = root(xsdt);
    unsigned width = xsdt ? 8 : 4;
    uint64_t offset = 36 + (uint64_t)n * width;

    return offset >= number(table + 4, 4) ? NULL : at(number(table + offset, width));
}

static const uint8_t *find(const char *signature)
{
    for (unsigned i = 0; entry(true, i) != NULL; i++) {
        if (memcmp(entry(true, i), signature, 4) == 0) {
            return entry(true, i);
        }
    }
    ck_abort_msg("no table %s", signature);
    return NULL;
}

START_TEST(all_checksums_are_right)
{
    ck_assert_mem_eq(fx.rsdp, "RSD PTR ", 8);
    ck_assert_uint_eq(sum(fx.rsdp, 20), 0);
    ck_assert_uint_eq(sum(fx.rsdp, 36), 0);
    for (unsigned wide = 0; wide < 2; wide++) {
        ck_assert_uint_eq(sum(root(wide), number(root(wide) + 4, 4)), 0);
        for (unsigned i = 0; entry(wide, i) != NULL; i++) {
            ck_assert_uint_eq(sum(entry(wide, i), number(entry(wide, i) + 4, 4)), 0);
        }
    }
    ck_assert_mem_eq(root(false), "RSDT", 4);
    ck_assert_mem_eq(root(true), "XSDT", 4);
}
END_TEST

START_TEST(both_roots_name_the_same_tables)
{
    unsigned n = 0;

    for (; entry(true, n) != NULL; n++) {
        ck_assert_ptr_eq(entry(true, n), entry(false, n));
    }
    ck_assert_ptr_null(entry(false, n));
    ck_assert_uint_eq(n, 4);
}
END_TEST

START_TEST(the_fadt_leads_to_dsdt_and_facs)
{
    const uint8_t *fadt = find("FACP"), *dsdt = at(number(fadt + 40, 4));
    uint64_t facs = number(fadt + 36, 4);

    ck_assert_uint_eq(number(fadt + 4, 4), 244);
    ck_assert_mem_eq(dsdt, "DSDT", 4);
    ck_assert_uint_eq(sum(dsdt, number(dsdt + 4, 4)), 0);
    ck_assert_uint_eq(number(fadt + 140, 8), number(fadt + 40, 4));
    ck_assert_mem_eq(at(facs), "FACS", 4);
    ck_assert_uint_eq(facs % 64, 0);
    ck_assert_uint_eq(number(fadt + 46, 2), 9);                /* SCI */
    ck_assert_uint_eq(number(fadt + 48, 4), 0xb2);             /* SMI command */
    ck_assert_uint_eq(number(fadt + 56, 4), ACPI_PM_BASE);     /* PM1 event */
    ck_assert_uint_eq(number(fadt + 64, 4), ACPI_PM_BASE + 4); /* PM1 control */
    ck_assert_uint_eq(number(fadt + 76, 4), ACPI_PM_BASE + 8); /* timer */
    ck_assert_uint_eq(number(fadt + 116 + 4, 8), 0xcf9);       /* reset register */
    ck_assert_uint_eq(number(fadt + 148 + 4, 8), ACPI_PM_BASE);
}
END_TEST

START_TEST(the_madt_lists_processors_and_overrides)
{
    const uint8_t *madt = find("APIC");
    uint64_t length = number(madt + 4, 4);
    unsigned cpus = 0, ioapics = 0, overrides = 0;

    for (uint64_t i = 44; i < length; i += madt[i + 1]) {
        ck_assert_uint_ge(madt[i + 1], 2);
        if (madt[i] == 0) {
            ck_assert_uint_eq(madt[i + 3], cpus++);
            ck_assert_uint_eq(number(madt + i + 4, 4), 1);
        } else if (madt[i] == 1) {
            ck_assert_uint_eq(number(madt + i + 4, 4), 0xfec00000);
            ioapics++;
        } else if (madt[i] == 2) {
            overrides++;
            ck_assert_uint_eq(number(madt + i + 4, 4), madt[i + 3] == 0 ? 2 : madt[i + 3]);
        }
    }
    ck_assert_uint_eq(cpus, CPUS);
    ck_assert_uint_eq(ioapics, 1);
    ck_assert_uint_eq(overrides, 5);
}
END_TEST

START_TEST(without_hpet_there_is_no_table_of_it)
{
    AcpiTablesConfig config = { .cpus = 1 };
    AcpiTables *tables = acpi_tables_new(&config);
    uint64_t size = acpi_tables_size(tables);
    g_autofree uint8_t *copy = g_malloc(size);
    uint8_t rsdp[ACPI_RSDP_SIZE];

    acpi_tables_place(tables, BASE, copy, rsdp);
    for (uint64_t i = 0; i + 4 < size; i += 4) {
        ck_assert(memcmp(copy + i, "HPET\x38\0\0\0", 8) != 0);
    }
    acpi_tables_free(tables);
}
END_TEST

/* Follows the script as firmware would, and must come to what acpi_tables_place made. */
START_TEST(the_loader_script_gives_the_same_tables)
{
    Bench bench;
    FwCfg *fw;
    uint8_t directory[4 + 3 * 64], *piece[2], rsdp[ACPI_RSDP_SIZE];
    g_autofree uint8_t *script = NULL;
    uint32_t script_size;

    bench_open(&bench, 1 << 20);
    fw = fwcfg_new(bench.io, bench.map);
    acpi_tables_publish(fx.tables, fw);
    io_bus_write(bench.io, 0x510, 2, FWCFG_FILE_DIR);
    for (unsigned i = 0; i < sizeof(directory); i++) {
        directory[i] = (uint8_t)io_bus_read(bench.io, 0x511, 1);
    }
    piece[0] = g_malloc(fx.size);
    piece[1] = rsdp;
    for (unsigned f = 0; f < 3; f++) {
        uint8_t *file = directory + 4 + 64 * f, *data;
        uint32_t size;

        memcpy(&size, file, 4);
        size = GUINT32_FROM_BE(size);
        data = g_malloc(size);
        io_bus_write(bench.io, 0x510, 2, 0x20 + f);
        for (uint32_t i = 0; i < size; i++) {
            data[i] = (uint8_t)io_bus_read(bench.io, 0x511, 1);
        }
        if (f < 2) {
            memcpy(piece[f], data, size);
            g_free(data);
        } else {
            script = data;
            script_size = size;
        }
    }
    for (uint8_t *e = script; e < script + script_size; e += LOADER_ENTRY) {
        uint8_t *target = piece[strcmp((char *)e + 4, "etc/acpi/rsdp") == 0];
        uint64_t value;

        switch (number(e, 4)) {
        case 2:
            value = number(target + number(e + 116, 4), e[120]) + BASE;
            memcpy(target + number(e + 116, 4), &value, e[120]);
            break;
        case 3:
            target[number(e + 60, 4)] = 0;
            target[number(e + 60, 4)] = (uint8_t)-sum(target + number(e + 64, 4),
                                                      number(e + 68, 4));
            break;
        default:
            break;
        }
    }
    ck_assert_mem_eq(piece[0], fx.copy, fx.size);
    ck_assert_mem_eq(rsdp, fx.rsdp, ACPI_RSDP_SIZE);
    g_free(piece[0]);
    fwcfg_free(fw);
    bench_close(&bench);
}
END_TEST

/* Disassembles a table together with the other definition block; its text, or NULL. */
static char *disassemble(const char *folder, const char *name, const char *external)
{
    g_autofree char *aml = g_strdup_printf("%s/%s.aml", folder, name);
    g_autofree char *dsl = g_strdup_printf("%s/%s.dsl", folder, name);
    g_autofree char *other = g_strdup_printf("%s/%s.aml", folder, external);
    char *argv[] = { "iasl", "-e", other, "-d", aml, NULL }, *text = NULL;
    int status = -1;

    ck_assert(
        g_spawn_sync(NULL, argv, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                     NULL, NULL, NULL, NULL, &status, NULL));
    ck_assert(g_file_get_contents(dsl, &text, NULL, NULL));
    g_unlink(dsl);
    return text;
}

START_TEST(the_definition_blocks_disassemble)
{
    g_autofree char *iasl = g_find_program_in_path("iasl");
    g_autofree char *folder = g_dir_make_tmp("doppel-acpi-XXXXXX", NULL);
    const uint8_t *dsdt = at(number(find("FACP") + 40, 4)), *ssdt = find("SSDT");
    g_autofree char *dsdt_path = g_strdup_printf("%s/dsdt.aml", folder);
    g_autofree char *ssdt_path = g_strdup_printf("%s/ssdt.aml", folder);
    g_autofree char *dsdt_text = NULL, *ssdt_text = NULL;

    if (iasl == NULL) {
        return;
    }
    g_file_set_contents(dsdt_path, (const char *)dsdt, (gssize)number(dsdt + 4, 4), NULL);
    g_file_set_contents(ssdt_path, (const char *)ssdt, (gssize)number(ssdt + 4, 4), NULL);
    dsdt_text = disassemble(folder, "dsdt", "ssdt");
    ssdt_text = disassemble(folder, "ssdt", "dsdt");
    ck_assert_ptr_nonnull(strstr(dsdt_text, "_S5"));
    ck_assert_ptr_nonnull(strstr(dsdt_text, "_PRT"));
    ck_assert_ptr_nonnull(strstr(dsdt_text, "0x001FFFFF"));
    ck_assert_ptr_nonnull(strstr(ssdt_text, "Name (CFGB, 0x00000013)"));
    ck_assert_ptr_nonnull(strstr(ssdt_text, "Processor (C000, 0x00, 0x00000000, 0x00)"));
    ck_assert_ptr_nonnull(strstr(ssdt_text, "Processor (C010, 0x10, 0x00000000, 0x00)"));
    ck_assert_ptr_nonnull(strstr(ssdt_text, "CSTA (0x10)"));
    ck_assert_ptr_nonnull(strstr(ssdt_text, "CEJ0 (0x10)"));
    ck_assert_ptr_nonnull(strstr(ssdt_text, "COST (0x10, Arg0, Arg1)"));
    ck_assert_ptr_nonnull(strstr(ssdt_text, "Notify (C010, Arg1)"));
    ck_assert_ptr_nonnull(strstr(dsdt_text, "CSCN ()"));
    g_unlink(dsdt_path);
    g_unlink(ssdt_path);
    g_rmdir(folder);
}
END_TEST

START_TEST(smbios_structures_add_up)
{
    SmbiosConfig config = {
        .sockets = 2, .cores = 3, .threads = 2, .low_ram = 3ull << 30, .high_ram = 29ull << 30
    };
    Smbios *smbios = smbios_new(&config);
    uint8_t entry_point[SMBIOS_ENTRY_SIZE], seen[128] = { 0 };
    g_autofree uint8_t *structures = g_malloc(smbios_size(smbios));
    uint8_t *p = structures;
    unsigned n = 0;

    smbios_place(smbios, 0xf0080, entry_point, structures);
    ck_assert_mem_eq(entry_point, "_SM_", 4);
    ck_assert_uint_eq(sum(entry_point, SMBIOS_ENTRY_SIZE), 0);
    ck_assert_uint_eq(sum(entry_point + 16, 15), 0);
    ck_assert_uint_eq(number(entry_point + 24, 4), 0xf0080);
    ck_assert_uint_eq(number(entry_point + 22, 2), smbios_size(smbios));
    while (p < structures + smbios_size(smbios)) {
        seen[p[0]]++;
        if (p[0] == 4) { /* cores, enabled, threads */
            ck_assert_mem_eq(p + 35, "\3\3\6", 3);
        }
        n++;
        for (p += p[1]; p[0] != 0 || p[1] != 0; p++) {
            ck_assert(p < structures + smbios_size(smbios));
        }
        p += 2;
    }
    ck_assert_uint_eq(n, number(entry_point + 28, 2));
    ck_assert_uint_eq(seen[0], 1);
    ck_assert_uint_eq(seen[1], 1);
    ck_assert_uint_eq(seen[4], 2);
    ck_assert_uint_eq(seen[17], 2); /* 16 GiB each */
    ck_assert_uint_eq(seen[19], 2);
    ck_assert_uint_eq(seen[127], 1);
    smbios_free(smbios);
}
END_TEST

/* The string that byte `at` of the first structure of a type numbers; NULL: there is none. */
static const char *smbios_string(const uint8_t *structures, uint8_t type, unsigned at)
{
    const uint8_t *p = structures;

    while (p[0] != type) {
        if (p[0] == 127) {
            return NULL;
        }
        for (p += p[1]; p[0] != 0 || p[1] != 0; p++) {
        }
        p += 2;
    }
    const char *text = (const char *)p + p[1];

    for (unsigned i = 1; i < p[at]; i++) {
        text += strlen(text) + 1;
    }
    return p[at] == 0 ? NULL : text;
}

START_TEST(smbios_says_what_the_user_does)
{
    g_autoptr(GHashTable) fields = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) oem = g_ptr_array_new(), binaries = g_ptr_array_new();
    static const uint8_t chassis[] = { 3, 5, 0, 3, 1, 'm', 'i', 'n', 'e', 0, 0 };
    g_autoptr(GBytes) binary = g_bytes_new_static(chassis, sizeof(chassis));
    SmbiosTexts texts = { .fields = fields, .oem = oem, .binaries = binaries };
    SmbiosConfig config = {
        .sockets = 1, .low_ram = 1 << 30, .product = "P", .version = "V", .texts = &texts
    };
    g_autofree uint8_t *structures = NULL;
    uint8_t entry_point[SMBIOS_ENTRY_SIZE];
    Smbios *smbios;

    g_hash_table_insert(fields, (char *)"1.serial", (char *)"S-1");
    g_hash_table_insert(fields, (char *)"2.product", (char *)"board");
    g_ptr_array_add(oem, (char *)"first");
    g_ptr_array_add(oem, (char *)"second");
    g_ptr_array_add(binaries, binary);
    smbios = smbios_new(&config);
    structures = g_malloc(smbios_size(smbios));
    smbios_place(smbios, 0, entry_point, structures);
    ck_assert_str_eq(smbios_string(structures, 1, 4), "QEMU");
    ck_assert_str_eq(smbios_string(structures, 1, 5), "P");
    ck_assert_str_eq(smbios_string(structures, 1, 7), "S-1");
    ck_assert_str_eq(smbios_string(structures, 2, 5), "board");
    ck_assert_str_eq(smbios_string(structures, 3, 4), "mine");
    ck_assert_str_eq(smbios_string(structures, 11, 4), "second");
    ck_assert_ptr_null(smbios_string(structures, 41, 4));
    smbios_free(smbios);
}
END_TEST

START_TEST(the_users_tables_are_among_the_roots)
{
    static const char table[36] = "TEST\x24";
    g_autoptr(GPtrArray) more = g_ptr_array_new();
    g_autoptr(GBytes) bytes = g_bytes_new_static(table, sizeof(table));
    AcpiTablesConfig config = { .cpus = 1, .more = more };
    AcpiTables *tables;
    uint8_t rsdp[ACPI_RSDP_SIZE], *copy;
    uint64_t rsdt;

    g_ptr_array_add(more, bytes);
    tables = acpi_tables_new(&config);
    copy = g_malloc(acpi_tables_size(tables));
    acpi_tables_place(tables, BASE, copy, rsdp);
    rsdt = number(rsdp + 16, 4) - BASE;
    rsdt += number(copy + rsdt + 4, 4) - 4; /* its last entry */
    ck_assert_mem_eq(copy + number(copy + rsdt, 4) - BASE, table, sizeof(table));
    g_free(copy);
    acpi_tables_free(tables);
}
END_TEST

/* The offset of a table in the copy of tables at BASE; UINT64_MAX: there is none. */
static uint64_t find_in(const uint8_t *copy, const uint8_t *rsdp, const char *signature)
{
    uint64_t root_at = number(rsdp + 16, 4) - BASE;

    for (uint64_t i = 36; i < number(copy + root_at + 4, 4); i += 4) {
        uint64_t offset = number(copy + root_at + i, 4) - BASE;

        if (memcmp(copy + offset, signature, 4) == 0) {
            return offset;
        }
    }
    return UINT64_MAX;
}

static const struct {
    uint64_t low, high, memory[3];
    struct {
        uint64_t base, size;
        unsigned node;
    } entries[5];
} srat_rows[] = {
    /* the video hole, in the first node */
    { 0x8000000,
      0,
      { 0x4000000, 0x4000000, 0 },
      { { 0, 0xa0000, 0 }, { 0x100000, 0x3f00000, 0 }, { 0x4000000, 0x4000000, 1 } } },
    /* the hole below 4 GiB, in the second */
    { 0xc0000000,
      0x40000000,
      { 0x80000000, 0x80000000, 0 },
      { { 0, 0xa0000, 0 },
        { 0x100000, 0x7ff00000, 0 },
        { 0x80000000, 0x40000000, 1 },
        { 0x100000000, 0x40000000, 1 } } },
    /* the end of low memory is that of a node; a node without memory; one that ends in the hole */
    { 0x80000000,
      0x80000000,
      { 0xc0000, 0, 0xfff40000 },
      { { 0, 0xa0000, 0 }, { 0x100000, 0x7ff00000, 2 }, { 0x100000000, 0x80000000, 2 } } },
};

START_TEST(memory_is_told_of_around_its_holes)
{
    static const uint8_t cpu_node[] = { 0, 1, 2 };
    static const uint32_t apic_ids[] = { 0, 2, 4 };
    const NumaNodes nodes = { 3, srat_rows[_i].memory, cpu_node, NULL };
    AcpiTablesConfig config = { .cpus = 2,
                                .max_cpus = 3,
                                .apic_ids = apic_ids,
                                .numa = &nodes,
                                .low_ram = srat_rows[_i].low,
                                .high_ram = srat_rows[_i].high };
    AcpiTables *tables = acpi_tables_new(&config);
    g_autofree uint8_t *copy = g_malloc(acpi_tables_size(tables));
    uint8_t rsdp[ACPI_RSDP_SIZE];
    const uint8_t *entry;

    acpi_tables_place(tables, BASE, copy, rsdp);
    ck_assert_uint_eq(find_in(copy, rsdp, "SLIT"), UINT64_MAX);
    entry = copy + find_in(copy, rsdp, "SRAT");
    ck_assert_uint_eq(number(entry + 4, 4), 48 + 3 * 16 + 5 * 40);
    entry += 48;
    for (unsigned i = 0; i < 3; i++, entry += 16) {
        ck_assert_uint_eq(number(entry, 2), 0x1000); /* a local APIC's, 16 bytes */
        ck_assert_uint_eq(entry[2], cpu_node[i]);
        ck_assert_uint_eq(entry[3], apic_ids[i]);
    }
    for (unsigned i = 0; i < 5; i++, entry += 40) {
        uint64_t size = srat_rows[_i].entries[i].size;

        ck_assert_uint_eq(number(entry, 2), 0x2801); /* memory's, 40 bytes */
        ck_assert_uint_eq(number(entry + 2, 4), srat_rows[_i].entries[i].node);
        ck_assert_uint_eq(number(entry + 8, 8), srat_rows[_i].entries[i].base);
        ck_assert_uint_eq(number(entry + 16, 8), size);
        ck_assert_uint_eq(number(entry + 28, 4), size != 0);
    }
    acpi_tables_free(tables);
}
END_TEST

START_TEST(distances_are_a_matrix)
{
    static const uint8_t cpu_node[] = { 0 }, distance[] = { 10, 20, 30, 10 };
    static const uint64_t memory[] = { 0x100000, 0x100000 };
    const NumaNodes nodes = { 2, memory, cpu_node, distance };
    AcpiTablesConfig config = { .cpus = 1, .numa = &nodes, .low_ram = 0x200000 };
    AcpiTables *tables = acpi_tables_new(&config);
    g_autofree uint8_t *copy = g_malloc(acpi_tables_size(tables));
    uint8_t rsdp[ACPI_RSDP_SIZE];
    const uint8_t *slit;

    acpi_tables_place(tables, BASE, copy, rsdp);
    slit = copy + find_in(copy, rsdp, "SLIT");
    ck_assert_uint_eq(number(slit + 4, 4), 36 + 8 + 4);
    ck_assert_uint_eq(number(slit + 36, 8), 2);
    ck_assert_mem_eq(slit + 44, distance, 4);
    ck_assert_uint_eq(sum(slit, 48), 0);
    acpi_tables_free(tables);
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("acpi tables");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, all_checksums_are_right);
    tcase_add_test(tc, both_roots_name_the_same_tables);
    tcase_add_test(tc, the_fadt_leads_to_dsdt_and_facs);
    tcase_add_test(tc, the_madt_lists_processors_and_overrides);
    tcase_add_test(tc, without_hpet_there_is_no_table_of_it);
    tcase_add_test(tc, the_loader_script_gives_the_same_tables);
    tcase_add_test(tc, the_definition_blocks_disassemble);
    tcase_add_test(tc, smbios_structures_add_up);
    tcase_add_test(tc, smbios_says_what_the_user_does);
    tcase_add_test(tc, the_users_tables_are_among_the_roots);
    tcase_add_loop_test(tc, memory_is_told_of_around_its_holes, 0, G_N_ELEMENTS(srat_rows));
    tcase_add_test(tc, distances_are_a_matrix);
    return suite_run(tc, "acpi tables");
}
